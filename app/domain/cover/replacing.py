"""A plan that ends when another one begins, and is put back when that one is taken back.

The cover that ended keeps in its `data` how it stood (``cut``). The one that replaced it keeps its id (``instead_of``).
So nothing is replaced twice, and any order of arrival comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover
from app.domain.cover import cover as covers
from app.domain.policy.offers import Replaces
from app.domain.values.wire import iso_or_none, parse_iso_or_none

REPLACED = "replaced"
Place = tuple[datetime, str]
"""When an order was placed, and its id: of two at one instant the id says which was first, whichever is told first."""


def place_of(cover: Cover) -> Place:
    """Return the place of the order that bought a cover."""
    return cover.granted_at, cover.order_id or ""


def replaceable(
    found: Iterable[Cover], rule: Replaces, starts: datetime, bought_by: Place, *, known: Iterable[str] = ()
) -> list[Cover]:
    """Return the covers of replaced plans that would run after an instant, in order.

    ``bought_by``: the place of the order that replaces them. A later order that waits for it is not replaced by it.
    """
    gone = set(known)
    mine = [
        cover
        for cover in found
        if cover.plan in rule.plans
        and cover.scope == "account"
        and cover.state == "running"
        and cover.starts_at is not None
        and cover.ends_at is not None
        and place_of(cover) <= bought_by
        and starts < cover.ends_at
        and "cut" not in cover.data
        and cover.cover_id not in gone
    ]
    return sorted(mine, key=lambda cover: (cover.starts_at or starts, cover.cover_id))


def cut(account: CustomerAccount, lower: Cover, by: Cover, when: datetime) -> None:
    """End a cover where another one begins; one that would begin later is taken back."""
    later = lower.starts_at is not None and when < lower.starts_at
    row = {"by": by.cover_id, "ends_at": iso_or_none(lower.ends_at), "later": later}
    if lower.state == "suspended":
        row["suspended_at"] = iso_or_none(lower.suspended_at)
    lower.data = {**lower.data, "cut": row}
    by.data = {**by.data, "instead_of": [*by.data.get("instead_of", ()), lower.cover_id]}
    account.plan.covers[by.cover_id] = by
    if later:
        covers.void(account, lower, reason=REPLACED)
    else:
        covers.end_at(account, lower, when, reason=REPLACED)


def is_cut(cover: Cover) -> bool:
    """Whether a cover has ended since another one began."""
    return "cut" in cover.data


def bring(account: CustomerAccount, by: Cover, lower: Cover, what: Mapping[str, Any]) -> None:
    """Keep on a cover what it gave for one that it replaced: so many seconds, or credits as a unit of its line."""
    row = {**what, "ends_at": lower.data["cut"]["ends_at"]}
    by.data = {**by.data, "brought": {**by.data.get("brought", {}), lower.cover_id: row}}
    account.plan.covers[by.cover_id] = by


def brought(account: CustomerAccount, lower: Cover, by: Cover | None = None) -> tuple[Cover, Mapping[str, Any]] | None:
    """Return the cover that replaced one, and what it gave for it; None where that gave nothing, or is over."""
    if by is None and is_cut(lower):
        by = account.covers.get(lower.data["cut"]["by"])
    if by is None or by.frozen or covers.state_of(by, account.at) in ("ended", "voided"):
        return None
    what = by.data.get("brought", {}).get(lower.cover_id)
    return None if what is None or "gone" in what else (by, what)


def shorten(account: CustomerAccount, by: Cover, lower: Cover, *, reason: str, clause: str | None) -> bool:
    """Take back the days that a cover has instead of one that was taken back. Return whether there were some."""
    rows = by.data["brought"]
    by.data = {**by.data, "brought": {**rows, lower.cover_id: {**rows[lower.cover_id], "gone": True}}}
    account.plan.covers[by.cover_id] = by
    if not (seconds := rows[lower.cover_id].get("seconds")) or by.ends_at is None:
        return False
    covers.end_at(account, by, max(by.ends_at - timedelta(seconds=seconds), account.at), reason=reason, clause=clause)
    return True


def put_back(account: CustomerAccount, by: Cover) -> None:
    """Let the covers run again that a cover replaced, since it was taken back."""
    for lower in _replaced(account, by):
        was = lower.data.get("cut")
        owner = None if lower.license_id is None else account.licenses.get(lower.license_id)
        if was is None or was["by"] != by.cover_id or (owner is not None and owner.ended_reason == "corrected"):
            continue
        lower.data = {name: value for name, value in lower.data.items() if name != "cut"}
        lower.suspended_at, lower.voided_at = parse_iso_or_none(was.get("suspended_at")), None
        lower.state = "running" if lower.suspended_at is None else "suspended"
        lower.ends_at = parse_iso_or_none(was["ends_at"])
        covers.reinstated(account, lower, reason=REPLACED)


def cut_again(account: CustomerAccount, by: Cover) -> None:
    """End the covers again that a cover replaced, since it stands again."""
    ids = by.data.get("instead_of", ())
    by.data = {name: value for name, value in by.data.items() if name != "instead_of"}
    account.plan.covers[by.cover_id] = by
    for cover_id in ids:
        lower = account.covers.get(cover_id)
        if lower is None or by.starts_at is None or is_cut(lower) or _over(by, lower):
            continue
        cut(account, lower, by, by.starts_at)  # one that was suspended meanwhile was over by then


def undo(account: CustomerAccount, by: Cover) -> timedelta:
    """Let a cover replace nothing, as if it had just been bought, so that it may replace anew. Return what it loses."""
    put_back(account, by)
    rows = by.data.get("brought", {})
    by.data = {name: value for name, value in by.data.items() if name not in ("instead_of", "brought")}
    account.plan.covers[by.cover_id] = by
    longer = timedelta(seconds=sum(row.get("seconds", 0) for row in rows.values()))
    if longer and by.starts_at is not None and by.ends_at is not None:
        covers.move(account, by, starts_at=by.starts_at, ends_at=by.ends_at - longer, occurred_at=account.at)
    return longer


def undue(account: CustomerAccount, by: Cover) -> list[Cover]:
    """Return what a cover gave something for, though it does not replace that: another did since, or a refund."""
    there = by.data.get("instead_of", ())
    mine = [
        account.covers.get(key)
        for key, row in by.data.get("brought", {}).items()
        if key not in there and "gone" not in row
    ]
    return [cover for cover in mine if cover is not None]


def _over(by: Cover, lower: Cover) -> bool:
    """Whether a cover was taken back, or shortened, since another one replaced it first."""
    first = parse_iso_or_none(by.data.get("brought", {}).get(lower.cover_id, {}).get("ends_at"))
    shorter = first is not None and lower.ends_at is not None and lower.ends_at < first
    return lower.state not in ("running", "suspended") or shorter


def _replaced(account: CustomerAccount, by: Cover) -> list[Cover]:
    found = [account.covers.get(cover_id) for cover_id in by.data.get("instead_of", ())]
    return [cover for cover in found if cover is not None]


def seconds_brought(cover: Cover) -> int:
    """Return by how many seconds a cover is longer for what was left of those that it replaced."""
    rows = cover.data.get("brought", {}).values()
    return sum(int(row.get("seconds", 0)) for row in rows if not row.get("gone"))
