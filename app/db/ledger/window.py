"""An account in part: the open lots that are spent first, and what ends soonest. The rest stands as sums.

An account with ten thousand lots costs a call what one with fifty does. What a rule finds missing it says
(`app.domain.ledger.rest`), and the work begins again with the whole account. The order of spending is the domain's;
here it only says which rows are read, and a test holds both orders to be one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from app.db.engine import Tx
from app.db.ledger import read as rows
from app.domain.ledger.journal import spending_key
from app.domain.ledger.lot import Account, Hold, Lot
from app.domain.ledger.rest import NotLoaded, Rest, SpendingKey

LOTS_MAX: Final = 50
"""Open lots of a credit type that a call reads, in order of spending."""
SOONEST_MAX: Final = 50
"""Lots, and holds with a term of their own, that a call reads of those that end, the soonest first."""
OPERATIONS_MAX: Final = 400
"""Operations of a credit type up to which all that an account holds open is read for a balance."""
SPENT_FIRST: Final = (
    "lot.priority, lot.expires_at, (lot.scope = 'account'), (coalesce(lot.cost_amount, 0) > 0), lot.effective_at,"
    " lot.lot_id"
)
"""The order of spending (`app.domain.ledger.journal.spending_key`) in SQL; what never ends comes last."""
_FIRST: Final = (
    "select * from lot where lot.tenant_id = :tenant and lot.customer_id = a.customer_id"
    f" and lot.credit_type = a.credit_type and lot.is_open order by {SPENT_FIRST} limit {LOTS_MAX}"
)
_ENDING: Final = (
    "hold.tenant_id = :tenant and hold.customer_id = {whose} and hold.closed_at is null"
    " and hold.expires_at is not null order by hold.expires_at, hold.hold_id"
    f" limit {SOONEST_MAX}"
)


def first_lots(columns: str, whose: str) -> str:
    """Return the select of the lots that a customer spends first, of each credit type."""
    return (
        f"select {columns} from account a cross join lateral ({_FIRST}) lot"
        f" where a.tenant_id = :tenant and a.customer_id = {whose}"
    )


def term_holds(columns: str, whose: str) -> str:
    """Return the select of a customer's open holds that end by themselves, the soonest first."""
    return f"(select {columns} from hold where {_ENDING.format(whose=whose)})"


_ACCOUNTS = text(
    f"select {rows.of_alias('lot', rows.LOT)}, {rows.of_alias('a', rows.ACCOUNT)} from account a"
    f" left join lateral ({_FIRST}) lot on true where a.tenant_id = :tenant and a.customer_id = any(:customers)"
)
_SOONEST = text(
    f"select {rows.of_alias('lot', rows.LOT)} from unnest(cast(:customers as text[]), cast(:types as text[]))"
    " as a(customer_id, credit_type) cross join lateral (select * from lot where lot.tenant_id = :tenant"
    " and lot.customer_id = a.customer_id and lot.credit_type = a.credit_type and lot.is_open"
    f" and lot.expires_at is not null order by lot.expires_at, lot.lot_id limit {SOONEST_MAX}) lot"
)
_SCOPED = text(
    "(select 1 from lot where tenant_id = :tenant and customer_id = any(:customers) and is_open and scope = 'license'"
    " limit 1) union all (select 1 from lot where tenant_id = :tenant and customer_id = any(:customers) and is_open"
    " and scope = 'category' limit 1)"
)
_TERM_HOLDS = text(
    f"select {rows.of_alias('hold', rows.HOLD)} from unnest(cast(:customers as text[])) as c(customer_id)"
    f" cross join lateral (select * from hold where {_ENDING.format(whose='c.customer_id')}) hold"
)


async def load(
    tx: Tx, customer_ids: Sequence[str], *, hold_ids: Sequence[str] = (), lot_ids: Sequence[str] = ()
) -> dict[str, tuple[rows.Loaded, Rest]]:
    """Return the customers' accounts in part, with the named holds and lots, and what was left out of each.

    Lots that a loaded hold points to are loaded too. Lock the customers in an earlier statement.
    """
    names = list(dict.fromkeys(customer_ids))
    answer: dict[str, rows.Loaded] = {name: ({}, {}, {}) for name in names}
    by = {"tenant": tx.tenant_id, "customers": names}
    for row in await tx.rows(_ACCOUNTS, by):
        rows.add_lot_and_account(answer, row)
    found: list[Any] = []
    if any(total.next_expiry is not None for accounts, _, _ in answer.values() for total in accounts.values()):
        found += await tx.rows(_TERM_HOLDS, by)
    ends = {name: [row["expires_at"] for row in found if row["customer_id"] == name] for name in names} if found else {}
    if hold_ids:
        found += await tx.rows(rows.HOLDS, {"tenant": tx.tenant_id, "holds": list(hold_ids)})
    await rows.add_holds(tx, answer, found, lot_ids)
    rests = await rests_of(tx, answer, ends)
    return {name: (loaded, rests[name]) for name, loaded in answer.items()}


async def of_selects(tx: Tx, found: Mapping[str, list[Any]]) -> tuple[rows.Loaded, Rest]:
    """Return a customer's account in part, as selects of `first_lots` and `term_holds` read it, and what was left out.

    ``found``: by the selects' names, the customer's own row among them.
    """
    mine: str = found["customer_rows"][0].customer_id
    accounts: dict[str, Account] = {account.credit_type: account for account in found["account_rows"]}
    lots: dict[str, Lot] = {lot.lot_id: lot for lot in found["lot_rows"]}
    holds: dict[str, Hold] = {hold.hold_id: hold for hold in found["hold_rows"]}
    await rows.add_lots_of_holds(tx, lots, holds, mine)
    ends = [hold.expires_at for hold in holds.values() if hold.expires_at is not None]
    loaded = accounts, lots, holds
    return loaded, (await rests_of(tx, {mine: loaded}, {mine: ends}))[mine]


async def load_small(tx: Tx, customer_ids: Sequence[str]) -> tuple[dict[str, rows.Loaded], list[str]]:
    """Return the accounts of customers with few lots and operations, with all that is open; and who has many."""
    names = list(dict.fromkeys(customer_ids))
    answer: dict[str, rows.Loaded] = {name: ({}, {}, {}) for name in names}
    for row in await tx.rows(_ACCOUNTS, {"tenant": tx.tenant_id, "customers": names}):
        rows.add_lot_and_account(answer, row)
    large = [
        name
        for name, (accounts, lots, _) in answer.items()
        if len(lots) >= LOTS_MAX or any(total.version > OPERATIONS_MAX for total in accounts.values())
    ]
    small = {name: loaded for name, loaded in answer.items() if name not in large}
    if small:
        await rows.add_open_holds(tx, small)
    return small, large


async def rests_of(
    tx: Tx, loaded: Mapping[str, rows.Loaded], ends: Mapping[str, Sequence[datetime]]
) -> dict[str, Rest]:
    """Return what was left out of accounts whose first lots were read, and add the lots that end soonest.

    Call it last: any other lot of theirs is read by then.
    ``ends``: of the open holds with a term that were read. Nothing is asked where every open lot was read.
    """
    after = {name: _cut(accounts, lots) for name, (accounts, lots, _) in loaded.items()}
    until = {name: _last(found) for name, found in ends.items()}
    large = [(name, credit_type) for name, types in after.items() for credit_type in types]
    if large:
        names, types = [name for name, _ in large], [credit_type for _, credit_type in large]
        if await tx.row(_SCOPED, {"tenant": tx.tenant_id, "customers": names}) is not None:
            raise NotLoaded  # some of what is left out may be spent for one license or category alone
        soonest: dict[tuple[str, str], list[datetime]] = {}
        for row in await tx.rows(_SOONEST, {"tenant": tx.tenant_id, "customers": names, "types": types}):
            lot = rows.lot_of(row)
            loaded[lot.customer_id][1].setdefault(lot.lot_id, lot)
            soonest.setdefault((lot.customer_id, lot.credit_type), []).append(row["expires_at"])
        for (name, _), found in soonest.items():
            until[name] = min((end for end in (until.get(name), _last(found)) if end is not None), default=None)
    return {
        name: Rest(after=after[name], available=_left_out(accounts, lots, after[name]), until=until.get(name))
        for name, (accounts, lots, _) in loaded.items()
    }


def _cut(accounts: Iterable[str], lots: Mapping[str, Lot]) -> dict[str, SpendingKey]:
    """Return the last lot in order of spending that was read, of each type with so many that there may be more."""
    found: dict[str, SpendingKey] = {}
    if len(lots) < LOTS_MAX:
        return found
    for credit_type in accounts:
        keys = sorted(spending_key(lot) for lot in lots.values() if lot.available and lot.credit_type == credit_type)
        if len(keys) >= LOTS_MAX:
            found[credit_type] = keys[LOTS_MAX - 1]
    return found


def _left_out(accounts: Mapping[str, Account], lots: Mapping[str, Lot], types: Iterable[str]) -> dict[str, int]:
    return {
        credit_type: accounts[credit_type].available
        - sum(lot.available for lot in lots.values() if lot.credit_type == credit_type)
        for credit_type in types
    }


def _last(found: Sequence[datetime]) -> datetime | None:
    """Return the last of the soonest, where there may be more; what was read besides ends later."""
    return sorted(found)[SOONEST_MAX - 1] if len(found) >= SOONEST_MAX else None
