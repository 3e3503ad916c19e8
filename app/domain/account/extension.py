"""Credits that are good for longer since more were bought.

A lot keeps in its `data` which rules it ``extends``, or by which lots it was ``extended`` and from which end. So a
refund of what extended it takes the time back too. Whichever order arrives first, the same ends come of it. What has
ended stays ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from app.domain.account.account import CustomerAccount
from app.domain.account.plan_credits import move_end
from app.domain.ledger.lot import Lot
from app.domain.values.wire import iso_or_none, parse_iso, parse_iso_or_none


def bought(account: CustomerAccount, lot: Lot, extends: Sequence[str]) -> None:
    """Let a new lot extend others, and be extended by those that were bought later and arrived first."""
    if extends:
        lot.data = {**lot.data, "extends": list(extends)}
        account.ledger.mark_lot(lot)
        account.ledger.needs_all_lots()
    others = sorted(account.ledger.lots.values(), key=lambda other: (other.effective_at, other.lot_id))
    for other in others:
        if extends and _reaches(lot, other, account.at):
            _extend(account, other, lot)
        elif "extends" in other.data and _reaches(other, lot, account.at):
            _extend(account, lot, other)


def taken_back(account: CustomerAccount, lots: Iterable[Lot]) -> None:
    """Take back the time that lots gave to others, once nothing of them stands."""
    gone = {lot.lot_id for lot in lots if "extends" in lot.data and lot.voided >= lot.granted}
    if not gone:
        return
    account.ledger.needs_all_lots()
    for lot in sorted(account.ledger.lots.values(), key=lambda lot: lot.lot_id):
        rows: list[dict[str, Any]] = lot.data.get("extended", [])
        left = [row for row in rows if row["by"] not in gone]
        if len(left) == len(rows):
            continue
        ends: datetime | None = parse_iso(rows[0]["from"])
        for row in left:
            until = parse_iso_or_none(row["until"])
            ends = None if ends is None or until is None else max(ends, until)
        lot.data = {**lot.data, "extended": [{**row, "from": rows[0]["from"]} for row in left]}
        account.ledger.mark_lot(lot)
        if lot.expires_at is None or account.at < lot.expires_at:
            move_end(account, lot, None if ends is None else max(ends, account.at))


def _reaches(by: Lot, lot: Lot, at: datetime) -> bool:
    """Whether a lot extends another one: it was bought while that was good, and is good for longer."""
    return (
        by is not lot
        and lot.rule in by.data.get("extends", ())
        and by.credit_type == lot.credit_type
        and not lot.withdrawn
        and not by.withdrawn
        and by.voided < by.granted
        and lot.available + lot.held > 0
        and lot.expires_at is not None
        and lot.effective_at <= by.effective_at < lot.expires_at
        and (at < lot.expires_at or lot.effective_at == at)
        and (by.expires_at is None or lot.expires_at < by.expires_at)
    )


def _extend(account: CustomerAccount, lot: Lot, by: Lot) -> None:
    row = {"by": by.lot_id, "from": iso_or_none(lot.expires_at), "until": iso_or_none(by.expires_at)}
    first = lot.data.get("extended", [])
    lot.data = {**lot.data, "extended": [*first, row]}
    move_end(account, lot, by.expires_at)
