"""A plan that ends when another one begins, and is put back when that one is taken back.

The cover that ended keeps in its `data` how it stood (``cut``). The one that replaced it keeps its id (``instead_of``).
So nothing is replaced twice, and any order of arrival comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover
from app.domain.cover import cover as covers
from app.domain.policy.offers import Replaces
from app.domain.values.wire import iso_or_none, parse_iso_or_none

REPLACED = "replaced"


def replaceable(found: Iterable[Cover], rule: Replaces, starts: datetime, *, known: Iterable[str] = ()) -> list[Cover]:
    """Return the covers of replaced plans that were bought by an instant and would run after it, in order."""
    gone = set(known)
    mine = [
        cover
        for cover in found
        if cover.plan in rule.plans
        and cover.scope == "account"
        and cover.state == "running"
        and cover.starts_at is not None
        and cover.ends_at is not None
        and cover.granted_at <= starts < cover.ends_at
        and "cut" not in cover.data
        and cover.cover_id not in gone
    ]
    return sorted(mine, key=lambda cover: (cover.starts_at or starts, cover.cover_id))


def cut(account: CustomerAccount, lower: Cover, by: Cover, when: datetime) -> None:
    """End a cover where another one begins; one that would begin later is taken back."""
    later = lower.starts_at is not None and when < lower.starts_at
    lower.data = {**lower.data, "cut": {"by": by.cover_id, "ends_at": iso_or_none(lower.ends_at), "later": later}}
    by.data = {**by.data, "instead_of": [*by.data.get("instead_of", ()), lower.cover_id]}
    if later:
        covers.void(account, lower, reason=REPLACED)
    else:
        covers.end_at(account, lower, when, reason=REPLACED)


def put_back(account: CustomerAccount, by: Cover) -> None:
    """Let the covers run again that a cover replaced, since it was taken back."""
    for lower in _replaced(account, by):
        was = lower.data.get("cut")
        if was is None or was["by"] != by.cover_id:
            continue
        lower.data = {name: value for name, value in lower.data.items() if name != "cut"}
        lower.state, lower.voided_at = "running", None
        lower.ends_at = parse_iso_or_none(was["ends_at"])
        covers.reinstated(account, lower, reason=REPLACED)


def cut_again(account: CustomerAccount, by: Cover) -> None:
    """End the covers again that a cover replaced, since it stands again."""
    ids = by.data.get("instead_of", ())
    by.data = {name: value for name, value in by.data.items() if name != "instead_of"}
    for cover_id in ids:
        lower = account.covers.get(cover_id)
        if lower is not None and lower.state == "running" and "cut" not in lower.data and by.starts_at is not None:
            cut(account, lower, by, by.starts_at)


def _replaced(account: CustomerAccount, by: Cover) -> list[Cover]:
    found = [account.covers.get(cover_id) for cover_id in by.data.get("instead_of", ())]
    return [cover for cover in found if cover is not None]
