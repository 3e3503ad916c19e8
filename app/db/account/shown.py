"""What a page shows of a large account: the lots that hold something, some rows of them, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

from app.db import combined
from app.db import schema as s
from app.db.account.account_rows import ASKED_CUSTOMER, BY_ASKED, BY_ID, HOLD, LOT, NAMED, StoredCustomer, rows_of
from app.db.combined import Select, select_into
from app.db.engine import Tx
from app.db.ledger import read as rows
from app.db.ledger import window
from app.domain.ledger.lot import Account, Hold, Lot, ShownLots
from app.domain.ledger.rest import Rest

ROWS_MAX: Final = 101
"""Lots that a page reads: one more than it shows."""
Order = Literal["balance", "customer"]
_LOTS: Final = "shown_lots"
_DISPUTED: Final = "disputed_lots"
_ORDERS: Final[Mapping[Order, str]] = {
    "balance": "lot.credit_type, lot.effective_at, lot.lot_id",
    "customer": "lot.effective_at, lot.lot_id",
}


@dataclass(slots=True)
class _Lots:
    total: int
    rows: list[Lot] = field(default_factory=list)


@dataclass(slots=True)
class _Disputed:
    lot_id: str
    credits: int


@cache
def selects(order: Order, whose: str) -> tuple[Select[Any], ...]:
    """Return the selects of the lots that a page shows; ``whose``: the customer's id in SQL.

    The lots that hold something, from `:start` on, and how many there are; and what is disputed of which. Where nothing
    is due, a lot that is not open holds what holds hold of it.
    """
    held = _held(whose)
    lots = (
        "with holding as materialized (select lot.lot_id, lot.credit_type, lot.effective_at from lot"
        f" where lot.tenant_id = :tenant and lot.customer_id = {whose} and lot.is_open"
        " union all select lot.lot_id, lot.credit_type, lot.effective_at from"
        f" (select distinct hold_line.lot_id {held})"
        " held join lot on lot.tenant_id = :tenant and lot.lot_id = held.lot_id and not lot.is_open), few as"
        f" (select lot.lot_id from holding lot order by {_ORDERS[order]} offset :start limit {ROWS_MAX}), page as"
        f" (select {LOT} from few join lot on lot.tenant_id = :tenant and lot.lot_id = few.lot_id"
        f" order by {_ORDERS[order]})"
        " select (select count(*) from holding) as total, coalesce((select json_agg(page) from page), '[]') as rows"
    )
    return select_into(_LOTS, _Lots, lots), disputed(whose)


@cache
def disputed(whose: str = BY_ID) -> Select[Any]:
    """Return the select of what is disputed of which lot; ``whose``: the customer's id in SQL."""
    return select_into(
        _DISPUTED,
        _Disputed,
        "select hold_line.lot_id, cast(sum(hold_line.credits - hold_line.captured - hold_line.released) as bigint)"
        f" as credits {_held(whose)} and hold.kind = 'payment_dispute' group by hold_line.lot_id",
    )


def _held(whose: str) -> str:
    """Return the lines of a customer's open holds that hold something still, from " from" on."""
    return (
        "from hold join hold_line on hold_line.tenant_id = :tenant and hold_line.hold_id = hold.hold_id"
        f" where hold.tenant_id = :tenant and hold.customer_id = {whose} and hold.closed_at is null"
        " and hold_line.credits > hold_line.captured + hold_line.released"
    )


def disputed_of(found: Mapping[str, list[Any]]) -> dict[str, int]:
    """Return the credits under dispute by lot, as `disputed` read them."""
    return {row.lot_id: row.credits for row in found[_DISPUTED]}


def shown_of(found: Mapping[str, list[Any]], start: int) -> ShownLots:
    """Return the lots that these selects read."""
    lots = found[_LOTS][0]
    return ShownLots(rows=lots.rows, start=start, total=lots.total, disputed=disputed_of(found))


@cache
def _balance_selects() -> tuple[Select[Any], ...]:
    """Return the selects of a balance: the account in part, and the lots that are shown."""
    whose = BY_ASKED
    return (
        ASKED_CUSTOMER,
        rows_of(s.account, Account, whose),
        select_into("lot_rows", Lot, window.first_lots(LOT, whose)),
        select_into("hold_rows", Hold, window.term_holds(HOLD, whose)),
        *selects("balance", whose),
    )


@dataclass(frozen=True, slots=True)
class BalanceRows:
    """What a balance is made of; ``rest``: what was left out of the ledger."""

    customer: StoredCustomer
    ledger: rows.Loaded
    rest: Rest
    lots: ShownLots


async def balance(tx: Tx, named: str, start: int) -> BalanceRows | None:
    """Return what a balance shows from a lot on, in one statement; None where nobody of that name has an account."""
    found = await combined.read_from(tx, NAMED, _balance_selects(), {"named": named, "start": start})
    if found is None:
        return None
    ledger, rest = await window.of_selects(tx, found)
    return BalanceRows(found["customer_rows"][0], ledger, rest, shown_of(found, start))


async def lots(tx: Tx, customer_id: str, start: int) -> ShownLots:
    """Return the lots that a balance shows, of an account in which nothing is due."""
    by = {"customer": customer_id, "start": start}
    return shown_of(await combined.read(tx, selects("balance", BY_ID), by), start)
