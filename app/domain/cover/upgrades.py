"""Upgrades: a plan that is bought while a lower one runs may end with it, so that it is priced for that time alone.

The lower plan runs on beneath the higher one. So a refund of the upgrade leaves what was there before, and any order of
arrival of the orders comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.domain.account.customer import Cover
from app.domain.cover.cover import term_of
from app.domain.cover.terms import CoverTerms
from app.domain.policy.offers import CoverGrant
from app.domain.policy.policy import Policy


def beneath(policy: Policy, grant: CoverGrant, covers: Iterable[Cover], at: datetime) -> list[Cover]:
    """Return the covers of lower plans without a gap from an instant on, the first to begin first.

    Empty where the grant ends by itself, or none runs then. Covers that were suspended or cut short stand as they are.
    """
    names = [plan.plan for plan in policy.plans]
    if grant.ends == "own" or grant.plan not in names:
        return []
    lower = set(names[: names.index(grant.plan)])
    mine = sorted(
        (
            cover
            for cover in covers
            if cover.plan in lower
            and cover.scope == "account"
            and cover.state == "running"
            and cover.starts_at is not None
            and cover.ends_at is not None
            and cover.granted_at <= at < cover.ends_at
        ),
        key=lambda cover: (cover.starts_at or at, cover.cover_id),
    )
    found: list[Cover] = []
    until = at
    for cover in mine:
        if cover.starts_at is not None and cover.ends_at is not None and cover.starts_at <= until < cover.ends_at:
            found.append(cover)
            until = cover.ends_at
    return found


def ends_with(policy: Policy, grant: CoverGrant, covers: Iterable[Cover], at: datetime) -> datetime | None:
    """Return when an upgrade bought at an instant ends; None where it ends by itself."""
    found = beneath(policy, grant, covers, at)
    return found[-1].ends_at if found else None


def as_bought(policy: Policy, covers: Iterable[Cover]) -> bool:
    """Whether periods stand as they were bought: neither suspended nor cut short, so that an end may follow theirs."""
    terms = CoverTerms.of(policy)
    for cover in covers:
        term = term_of(cover)
        if cover.suspensions or (
            term is not None
            and cover.starts_at is not None
            and not terms.as_bought(cover.starts_at, cover.ends_at, term)
        ):
            return False
    return True
