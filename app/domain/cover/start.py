"""When bought cover begins, and until when an account or a license is covered. No rule here knows a vendor.

A license is served by its own covers and by those of the account. Bought cover that waits begins where the first of the
active licenses would be without cover. It begins at once where one of them is (CACTU-14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, License
from app.domain.cover import cover as covers
from app.domain.cover.terms import CoverTerms, Stretch, resumes_at
from app.domain.policy.offers import CoverGrant
from app.domain.policy.policy import Policy
from app.domain.values.ids import CoverId


def stretch_of(cover: Cover) -> Stretch | None:
    """The time of a cover; None where it is taken back or has not begun to run."""
    if cover.state == "voided" or cover.starts_at is None:
        return None
    owner = None if cover.scope == "account" else cover.license_id
    term = covers.term_of(cover)
    return Stretch(cover.starts_at, cover.ends_at, tuple(cover.actions), tuple(cover.levels), owner, term)


def stretches_of(found: Iterable[Cover]) -> Iterator[Stretch]:
    """The times of covers that stand."""
    for cover in found:
        stretch = stretch_of(cover)
        if stretch is not None:
            yield stretch


def begins_at(
    grant: CoverGrant | Cover,
    placed_at: datetime,
    licenses: Iterable[License],
    stretches: Iterable[Stretch],
    terms: CoverTerms,
) -> datetime:
    """When cover bought at ``placed_at`` begins. ``stretches``: what was bought before it."""
    if grant.start == "order":
        return placed_at
    alike = terms.paid_up([stretch for stretch in stretches if stretch.counts_for(grant.actions, grant.levels)])
    if grant.start == "after_current":
        since = resumes_at(alike, placed_at, None)
        return covers.stack_end(
            ((stretch.starts, stretch.ends) for stretch in alike if stretch.ends is not None), since
        )
    return _first_gap(placed_at, licenses, alike)


def _first_gap(placed_at: datetime, licenses: Iterable[License], alike: Sequence[Stretch]) -> datetime:
    """Where the first of the licenses held at ``placed_at`` is without cover.

    A license that ends before its cover does asks for nothing more. Where that is so of all of them, or there is none,
    cover begins after the last that is there.
    """
    gaps: list[datetime] = []
    rest: list[datetime] = []
    for license_ in licenses:
        if license_.ended_reason == "corrected" or not license_.active(placed_at):
            continue
        since = resumes_at(alike, placed_at, license_.license_id)
        end = covered_until(alike, since, license_.license_id)
        if end is not None:
            (gaps if license_.ended_at is None or end < license_.ended_at else rest).append(end)
    if gaps:
        return min(gaps)
    shared = covered_until(alike, resumes_at(alike, placed_at, None), None)
    return max([*rest, placed_at if shared is None else shared])


def covered_until(stretches: Iterable[Stretch], since: datetime, license_id: str | None) -> datetime | None:
    """The end of the unbroken cover around an instant for a license; None: it has no end.

    ``license_id`` None looks at what serves the whole account.
    """
    end = since
    mine = [stretch for stretch in stretches if stretch.license_id is None or stretch.license_id == license_id]
    for stretch in sorted(mine, key=lambda item: item.starts):
        if stretch.starts <= end and (stretch.ends is None or end < stretch.ends):
            if stretch.ends is None:
                return None
            end = stretch.ends
    return end


def account_until(account: CustomerAccount, cover: Cover) -> datetime | None:
    """Until when those whom a cover serves are covered without a gap, once it has ended; None: without an end."""
    if cover.ends_at is None:
        return None
    alike = [
        stretch for stretch in stretches_of(account.covers.values()) if stretch.counts_for(cover.actions, cover.levels)
    ]
    served: list[str | None] = [cover.license_id]
    if cover.scope == "account":
        served = [license_.license_id for license_ in account.active_licenses()] or [None]
    ends = [covered_until(alike, cover.ends_at, name) for name in served]
    return min((end for end in ends if end is not None), default=None)


def bring_forward(account: CustomerAccount, policies: Mapping[int, Policy]) -> None:
    """Bought cover that still waits begins earlier, where an active license would be without cover before it.

    For accounts that have just become one. Nothing that has begun is touched, and nothing begins later than before.
    ``policies``: by version, those under which it was bought.
    """
    found = list(account.covers.values())
    terms = {cover.cover_id: CoverTerms.of(policies[cover.policy_version]) for cover in found}
    for cover, (starts_at, ends_at) in brought_forward(found, list(account.licenses.values()), account.at, terms):
        covers.move(account, cover, starts_at=starts_at, ends_at=ends_at, occurred_at=account.at)


def brought_forward(
    found: Sequence[Cover],
    licenses: Sequence[License],
    at: datetime,
    terms: Mapping[CoverId, CoverTerms],
    beside: Sequence[Cover] = (),
) -> Iterator[tuple[Cover, tuple[datetime, datetime]]]:
    """Yield which covers begin earlier once two accounts are one at ``at``, and when they begin and end.

    Each is to be moved before the next one is asked for. ``terms``: of each cover. ``beside``: more that cover, and
    stay where they are.
    """
    waiting = sorted(
        (cover for cover in found if covers.state_of(cover, at) == "scheduled"),
        key=lambda cover: (cover.starts_at or at, cover.cover_id),
    )
    there = {cover.cover_id for cover in waiting}
    placed = [*beside, *(cover for cover in found if cover.cover_id not in there)]
    for cover in waiting:
        term, of_cover = covers.term_of(cover), terms[cover.cover_id]
        if cover.start == "when_uncovered" and term is not None and cover.starts_at is not None:
            alike = [stretch for stretch in stretches_of(placed) if stretch.counts_for(cover.actions, cover.levels)]
            starts_at = _first_gap(at, licenses, of_cover.paid_up(alike))
            if starts_at < cover.starts_at:
                ((_, ends_at),) = of_cover.periods(starts_at, term, 1, alike)
                yield cover, (starts_at, ends_at)
        placed.append(cover)
