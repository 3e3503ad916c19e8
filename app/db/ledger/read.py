"""The ledger's rows: loading under the customer's lock, what credit commands look up, reading as of two instants.

Every writer locks the customer's row first and calls `load` in a later statement (decision 0003). All statements are
built once; lists travel as arrays. Writing stands in `app.db.write`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import TextClause, text

from app.db.engine import Tx
from app.db.keyset import where_after
from app.db.ledger.folding import expiry_as_of, fold, fold_line
from app.db.ledger.snapshot import FoundCustomer, shown_customer
from app.domain.ledger.line import Line
from app.domain.ledger.lot import Account, Entry, Hold, HoldLine, Lot
from app.domain.values.money import Money
from app.domain.values.paging import PageRequest

Loaded = tuple[dict[str, Account], dict[str, Lot], dict[str, Hold]]


def of_alias(alias: str, columns: str) -> str:
    """The columns of a table by its alias in a statement."""
    return ", ".join(f"{alias}.{name}" for name in columns.split(", "))


def columns_of(cls: type[Any], *without: str) -> str:
    """Return the columns that make an instance of a class: named as its fields are, in the order of its fields."""
    return ", ".join(field.name for field in fields(cls) if field.name not in without)


ACCOUNT: Final = columns_of(Account)
LOT: Final = columns_of(Lot).replace("cost, ", "cost_amount, cost_currency, ")
HOLD: Final = columns_of(Hold, "lines")
HOLD_LINE: Final = columns_of(HoldLine)
_COST: Final = LOT.split(", ").index("cost_amount")
"""Where the two columns of a lot's cost stand."""
ACCOUNT_FROM: Final = len(LOT.split(", "))
"""Where an account's columns begin behind a lot's. Of two columns of one name the account's, the later, bears it."""

_OPEN_ACCOUNTS, _WHOLE_ACCOUNTS = (
    text(
        f"select {of_alias('l', LOT)}, {of_alias('a', ACCOUNT)} from account a left join lot l"
        f" on l.tenant_id = a.tenant_id and l.customer_id = a.customer_id and l.credit_type = a.credit_type{only}"
        " where a.tenant_id = :tenant and a.customer_id = any(:customers)"
    )
    for only in (" and l.is_open", "")
)
"""Accounts with their open lots, or with all of them: a lot's columns, then its account's, a row for each lot."""
_ALL_LOTS = text(f"select {LOT} from lot where tenant_id = :tenant and customer_id = any(:customers)")
_LOTS = text(f"select {LOT} from lot where tenant_id = :tenant and lot_id = any(:lots)")
_CLAIMED = text(f"select {LOT} from lot where tenant_id = :tenant and customer_id = :customer and data ? 'claim'")
_TERM_HOLDS = text(
    f"select {HOLD} from hold where tenant_id = :tenant and customer_id = any(:customers) and closed_at is null"
    " and expires_at is not null"
)
_OPEN_HOLDS = text(
    f"select {HOLD} from hold where tenant_id = :tenant and customer_id = any(:customers) and closed_at is null"
)
_HOLDS_WITH_LINES: Final = (
    f"select {of_alias('h', HOLD)}, {of_alias('l', HOLD_LINE)} from hold h"
    " left join hold_line l on l.tenant_id = :tenant and l.hold_id = h.hold_id"
)
"""Holds, each with its lines: a hold's columns, then a line's, a row for each line."""
_LINE_FROM: Final = len(HOLD.split(", "))
_OPEN_HOLDS_WITH_LINES = text(
    f"{_HOLDS_WITH_LINES} where h.tenant_id = :tenant and h.customer_id = any(:customers) and h.closed_at is null"
    " order by h.hold_id, l.line_no"
)
HOLDS = text(f"select {HOLD} from hold where tenant_id = :tenant and hold_id = any(:holds)")
_TICKET_HOLDS = text(f"select {HOLD} from hold where tenant_id = :tenant and ticket_id = any(:tickets)")
_CUSTOMERS_TICKET_HOLDS = text(
    f"select {of_alias('h', HOLD)} from ticket t join hold h"
    " on h.tenant_id = t.tenant_id and h.ticket_id = t.ticket_id"
    " where t.tenant_id = :tenant and t.customer_id = any(:customers) and h.closed_at is not null"
)
_LINES = text(
    f"select hold_id, {HOLD_LINE} from hold_line"
    " where tenant_id = :tenant and hold_id = any(:holds) order by hold_id, line_no"
)


async def load(
    tx: Tx,
    customer_ids: Sequence[str],
    *,
    open_holds: bool = True,
    terms_only: bool = False,
    hold_ids: Sequence[str] = (),
    ticket_ids: Sequence[str] = (),
    lot_ids: Sequence[str] = (),
    every_lot: bool = False,
    ticket_holds: bool = False,
    former: dict[str, list[str]] | None = None,
) -> dict[str, Loaded]:
    """The customers' accounts, open lots and holds: open ones, the named, and those of the named tickets.

    Lots that a loaded hold points to are loaded too. ``every_lot`` adds closed lots, ``ticket_holds`` the closed holds
    of the customers' tickets; ``terms_only`` of the open holds only those with a term of their own. ``former`` is told
    the holds of their tickets that accounts merged into them still keep, by account. Lock the customers in an earlier
    statement.
    """
    names = list(dict.fromkeys(customer_ids))
    by = {"tenant": tx.tenant_id, "customers": names}
    answer: dict[str, Loaded] = {name: ({}, {}, {}) for name in names}
    for row in await _rows(tx, _WHOLE_ACCOUNTS if every_lot else _OPEN_ACCOUNTS, by):
        add_lot_and_account(answer, row)
    rows: list[Any] = []
    if open_holds:
        rows += await _rows(tx, _OPEN_HOLDS, by)
    elif terms_only and any(
        account.next_expiry is not None for all_ in answer.values() for account in all_[0].values()
    ):
        rows += await _rows(tx, _TERM_HOLDS, by)
    if ticket_holds:
        for row in await _rows(tx, _CUSTOMERS_TICKET_HOLDS, by):
            if row["customer_id"] in answer:
                rows.append(row)
            elif former is not None:
                former.setdefault(row["customer_id"], []).append(row["hold_id"])
    if hold_ids:
        rows += await _rows(tx, HOLDS, {"tenant": tx.tenant_id, "holds": list(hold_ids)})
    if ticket_ids:
        rows += await _rows(tx, _TICKET_HOLDS, {"tenant": tx.tenant_id, "tickets": list(ticket_ids)})
    await add_holds(tx, answer, rows, lot_ids)
    return answer


def add_lot_and_account(answer: Mapping[str, Loaded], row: Any) -> None:
    """Add the lot and the account of a row, a lot's columns and then its account's; an account may have no lot."""
    accounts, lots, _ = answer[row["customer_id"]]
    if row["credit_type"] not in accounts:
        accounts[row["credit_type"]] = account_of(row[ACCOUNT_FROM:])
    if row["lot_id"] is not None:
        lots[row["lot_id"]] = lot_of(row)


async def add_lots_of_holds(tx: Tx, lots: dict[str, Lot], holds: Mapping[str, Hold], customer_id: str) -> None:
    """Add the customer's lots that these holds point to and that were not loaded."""
    missing = sorted({line.lot_id for hold in holds.values() for line in hold.lines} - set(lots))
    if missing:
        for lot in (lot_of(row) for row in await _rows(tx, _LOTS, {"tenant": tx.tenant_id, "lots": missing})):
            if lot.customer_id == customer_id:
                lots[lot.lot_id] = lot


async def add_claimed(tx: Tx, lots: dict[str, Lot], customer_id: str) -> None:
    """Add the customer's lots of which credits are claimed, nothing of them available."""
    for row in await _rows(tx, _CLAIMED, {"tenant": tx.tenant_id, "customer": customer_id}):
        lots.setdefault(row["lot_id"], lot_of(row))


async def _rows(tx: Tx, statement: TextClause, parameters: dict[str, Any]) -> Sequence[Any]:
    return await tx.rows(statement, parameters)


async def add_holds(tx: Tx, answer: dict[str, Loaded], rows: Iterable[Any], lot_ids: Sequence[str]) -> None:
    holds: dict[str, Hold] = {}
    for row in rows:
        if row["customer_id"] in answer and row["hold_id"] not in holds:
            _, _, theirs = answer[row["customer_id"]]
            holds[row["hold_id"]] = theirs[row["hold_id"]] = hold_of(row)
    needed = set(lot_ids)
    if holds:
        for row in await _rows(tx, _LINES, {"tenant": tx.tenant_id, "holds": list(holds)}):
            hold_id, *line = row
            holds[hold_id].lines.append(HoldLine(*line))
            needed.add(row["lot_id"])
    await _add_lots(tx, answer, needed)


async def add_open_holds(tx: Tx, answer: dict[str, Loaded]) -> None:
    """Add the open holds of these customers, each with its lines and their lots."""
    needed = set()
    for row in await _rows(tx, _OPEN_HOLDS_WITH_LINES, {"tenant": tx.tenant_id, "customers": list(answer)}):
        _, _, holds = answer[row["customer_id"]]
        if (hold := holds.get(row["hold_id"])) is None:
            hold = holds[row["hold_id"]] = hold_of(row[:_LINE_FROM])
        if row["lot_id"] is not None:
            hold.lines.append(HoldLine(*row[_LINE_FROM:]))
            needed.add(row["lot_id"])
    await _add_lots(tx, answer, needed)


async def _add_lots(tx: Tx, answer: Mapping[str, Loaded], needed: set[str]) -> None:
    """Add the lots that these customers have and that were not loaded."""
    missing = sorted(needed.difference(*(lots for _, lots, _ in answer.values())))
    if missing:
        for row in await _rows(tx, _LOTS, {"tenant": tx.tenant_id, "lots": missing}):
            if row["customer_id"] in answer:
                _, lots, _ = answer[row["customer_id"]]
                lots[row["lot_id"]] = lot_of(row)


def account_of(row: Any) -> Account:
    """An account from the columns of `ACCOUNT`."""
    return Account(*row)


def lot_of(row: Any) -> Lot:
    """A lot from the columns of `LOT`, whatever stands behind them."""
    amount: Any = row["cost_amount"]
    cost = None if amount is None else Money(amount, row["cost_currency"])
    values: list[Any] = [*row[:_COST], cost, *row[_COST + 2 : ACCOUNT_FROM]]
    lot = Lot(*values)
    lot.data = _json(lot.data)
    return lot


def hold_of(row: Any) -> Hold:
    """A hold from the columns of `HOLD`, still without lines."""
    return Hold(*row)


def _json(value: Any) -> dict[str, Any]:
    return dict(json.loads(value)) if isinstance(value, str) else dict(value)


# --- what credit commands look up -------------------------------------------------------------------------------------

_LOCK_EXTERNAL = text(
    "select customer_id, external_id, last_at, event_sequence, merged_into from customer"
    " where tenant_id = :tenant and external_id = any(:external) order by customer_id for update"
)
_LOCK_EITHER = text(
    "select customer_id, external_id, last_at, event_sequence, merged_into from customer"
    " where tenant_id = :tenant and (external_id = any(:external) or customer_id = any(:ids))"
    " order by customer_id for update"
)
_CUSTOMERS = text(
    "select external_id, customer_id, last_at, merged_into from customer"
    " where tenant_id = :tenant and external_id = any(:external)"
)
_OWNERS = text("select hold_id, customer_id from hold where tenant_id = :tenant and hold_id = any(:holds)")
_LOT_OWNER = text("select customer_id from lot where tenant_id = :tenant and lot_id = :lot")
_SERVED = text(
    "select bool_and(t.document ->> 'service_at' is not null) as served,"
    " bool_and(t.document ->> 'accepted_at' is not null) as accepted"
    " from lot o join hold h on h.tenant_id = o.tenant_id and h.customer_id = o.customer_id"
    " and h.closed_at is null join hold_line l on l.tenant_id = h.tenant_id and l.hold_id = h.hold_id"
    " and l.lot_id = o.lot_id and l.credits > l.captured + l.released"
    " left join ticket t on t.tenant_id = h.tenant_id and t.ticket_id = h.ticket_id"
    " where o.tenant_id = :tenant and o.lot_id = :lot"
)
_COMMANDS = text(
    "select key, kind, payload_hash, status, answer from command where tenant_id = :tenant and key = any(:keys)"
)
_TICKETS = text(
    "select external_id, ticket_id, customer_id, category from ticket"
    " where tenant_id = :tenant and external_id = any(:tickets)"
)
_TICKET_NAMES = text(
    "select ticket_id, external_id from ticket where tenant_id = :tenant and ticket_id = any(:tickets)"
)
_ASKERS = text(
    "select t.ticket_id, (select p.external_id from customer p where p.tenant_id = :tenant"
    # Not by coalesce, which row-level security keeps away from indexes.
    " and p.customer_id = case when t.person_id is null then t.customer_id else t.person_id end) as external_id"
    " from ticket t where t.tenant_id = :tenant and t.ticket_id = any(:tickets)"
)


class LockedCustomer(NamedTuple):
    """A customer's row under the lock. ``external_id`` None: erased. ``merged_into``: the customer it went into."""

    customer_id: str
    external_id: str | None
    last_at: datetime | None
    event_sequence: int
    merged_into: str | None


class FoundTicket(NamedTuple):
    """Our own id of a ticket, and its customer's."""

    ticket_id: str
    customer_id: str
    category: str | None = None


async def lock(tx: Tx, external_ids: Sequence[str], customer_ids: Sequence[str] = ()) -> list[LockedCustomer]:
    """Locks customers by the vendor's ids and by ours, in sorted order, in one statement."""
    by = {"tenant": tx.tenant_id, "external": list(external_ids)}
    if not customer_ids:
        return [LockedCustomer(*row) for row in await _rows(tx, _LOCK_EXTERNAL, by)]
    return [LockedCustomer(*row) for row in await _rows(tx, _LOCK_EITHER, {**by, "ids": list(customer_ids)})]


async def customers(tx: Tx, external_ids: Sequence[str]) -> dict[str, FoundCustomer]:
    """Customers by the vendor's ids, not locked."""
    shown = {name: found for name in external_ids if (found := shown_customer(tx, name)) is not None}
    unknown = [name for name in external_ids if name not in shown]
    if not unknown:
        return shown
    found_rows = await _rows(tx, _CUSTOMERS, {"tenant": tx.tenant_id, "external": unknown})
    return shown | {
        row["external_id"]: FoundCustomer(row["customer_id"], row["last_at"], row["merged_into"]) for row in found_rows
    }


async def hold_owners(tx: Tx, hold_ids: Sequence[str]) -> dict[str, str]:
    """Whose holds these are; unknown ones are left out. A hold never changes hands but by a merge, under lock."""
    rows = await _rows(tx, _OWNERS, {"tenant": tx.tenant_id, "holds": list(hold_ids)})
    return {row["hold_id"]: row["customer_id"] for row in rows}


async def lot_owner(tx: Tx, lot_id: str) -> str | None:
    """Whose lot this is."""
    row: Any = await tx.row(_LOT_OWNER, {"tenant": tx.tenant_id, "lot": lot_id})
    return None if row is None else str(row["customer_id"])


async def lots(tx: Tx, lot_ids: Sequence[str]) -> dict[str, Lot]:
    """Lots by id."""
    rows = await _rows(tx, _LOTS, {"tenant": tx.tenant_id, "lots": list(lot_ids)})
    return {row["lot_id"]: lot_of(row) for row in rows}


async def tickets_of_lot(tx: Tx, lot_id: str) -> tuple[bool, bool]:
    """Whether every ticket that holds credits of this lot has had service already (TERMS-20), and was accepted."""
    row: Any = await tx.row(_SERVED, {"tenant": tx.tenant_id, "lot": lot_id})
    return (False, False) if row is None else (row["served"] is True, row["accepted"] is True)


async def known_commands(tx: Tx, keys: Sequence[str]) -> dict[str, tuple[str, bytes, int, Any]]:
    """Stored answers by key: (kind, payload hash, status, answer)."""
    rows = await _rows(tx, _COMMANDS, {"tenant": tx.tenant_id, "keys": list(keys)})
    return {
        row["key"]: (row["kind"], bytes(row["payload_hash"]), row["status"], _decoded(row["answer"])) for row in rows
    }


def _decoded(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str) else value


async def tickets_named(tx: Tx, external_ids: Sequence[str]) -> dict[str, FoundTicket]:
    """Known tickets by the helpdesk's id."""
    rows = await _rows(tx, _TICKETS, {"tenant": tx.tenant_id, "tickets": list(external_ids)})
    return {row["external_id"]: FoundTicket(row["ticket_id"], row["customer_id"], row["category"]) for row in rows}


async def askers(tx: Tx, ticket_ids: Sequence[str]) -> dict[str, str | None]:
    """The vendor's ids of those who asked our tickets; None once erased."""
    rows = await _rows(tx, _ASKERS, {"tenant": tx.tenant_id, "tickets": list(ticket_ids)})
    return {row["ticket_id"]: row["external_id"] for row in rows}


async def ticket_names(tx: Tx, ticket_ids: Sequence[str]) -> dict[str, str]:
    """The helpdesk's ids of our tickets."""
    rows = await _rows(tx, _TICKET_NAMES, {"tenant": tx.tenant_id, "tickets": list(ticket_ids)})
    return {row["ticket_id"]: row["external_id"] for row in rows}


# --- reading as of two instants ---------------------------------------------------------------------------------------

_ENTRY: Final = columns_of(Entry).split(", ")
LINE: Final = ", ".join(f"{'e' if name in _ENTRY else 'o'}.{name}" for name in columns_of(Line).split(", "))
_JOURNAL: Final = (
    "from operation o join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id"
    " where o.tenant_id = :tenant and o.customer_id = :customer"
)
_BY: Final = (
    " and (cast(:at as timestamptz) is null or o.effective_at <= :at)"
    " and (cast(:known as timestamptz) is null or o.recorded_at <= :known)"
)
_FOLDED = text(
    f"select e.lot_id, o.credit_type, e.source, e.target, cast(sum(e.credits) as bigint) {_JOURNAL}{_BY}"
    " group by 1, 2, 3, 4"
)
_OF_HOLDS = text(
    f"select e.lot_id, o.hold_id, e.source, e.target, cast(sum(e.credits) as bigint) {_JOURNAL}{_BY}"
    " and o.hold_id in (select hold_id from hold where tenant_id = :tenant"
    " and customer_id = :customer and kind = 'hold') group by 1, 2, 3, 4"
)
_CUSTOMERS_HOLDS = text(
    f"select {HOLD} from hold where tenant_id = :tenant and customer_id = :customer and kind = 'hold'"
    " and (cast(:at as timestamptz) is null or created_at <= :at)"
)
_PLACE: Final = "o.credit_type, o.account_version, e.line_no"


def _page(at_least: str, beyond: str, order: str, operations_order: str) -> str:
    """Return a page of lines. As many operations that have a line are read first, so that the rest of the journal is
    not. ``at_least`` is the operation with which the page begins; its last lines may belong to the page.
    """
    return (
        f"select {LINE} from (select o.* from operation o where o.tenant_id = :tenant and o.customer_id = :customer"
        f"{_BY}{at_least} and exists (select from entry e where e.tenant_id = :tenant and e.operation_id ="
        f" o.operation_id) order by {operations_order} limit :most + 1) o"
        " join entry e on e.tenant_id = :tenant and e.operation_id = o.operation_id"
        f" where true{beyond}{order}"
    )


_NEWEST: Final = "o.credit_type desc, o.account_version desc"
_LATEST = text(_page("", "", f" order by {_NEWEST}, e.line_no desc limit :most", _NEWEST))


async def latest(tx: Tx, customer_id: str, *, at: datetime | None, known_at: datetime | None, limit: int) -> list[Line]:
    """The last entries, newest first."""
    by = {"tenant": tx.tenant_id, "customer": customer_id, "at": at, "known": known_at, "most": limit}
    return [line_of(row) for row in await _rows(tx, _LATEST, by)]


async def page(
    tx: Tx, customer_id: str, *, at: datetime | None = None, known_at: datetime | None = None, part: PageRequest
) -> tuple[list[Line], bool]:
    """A part of the entries with their operations, by credit type, account version and line; and whether there are
    more."""
    beyond, order = where_after(part, _PLACE, ":type, :version, :line")
    by: dict[str, Any] = {"tenant": tx.tenant_id, "customer": customer_id, "at": at, "known": known_at}
    by["most"] = part.most
    if part.key is not None:
        by["type"], by["version"], by["line"] = part.key
    begins = "" if part.key is None else "(o.credit_type, o.account_version) {} (:type, :version)"
    first = begins and " and " + begins.format("<=" if part.backward else ">=")
    operations = _NEWEST if part.backward else "o.credit_type, o.account_version"
    found, more = part.trim(await _rows(tx, text(_page(first, beyond, order, operations)), by))
    return [line_of(row) for row in found], more


_ONE_LINE: Final = text(
    f"select o.customer_id, {LINE} from operation o"
    " join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id"
    " where o.tenant_id = :tenant and o.operation_id = :operation and e.line_no = :line"
)


async def line(tx: Tx, operation_id: str, line_no: int) -> tuple[Line, str] | None:
    """One entry and our id of its customer."""
    row = await tx.row(_ONE_LINE, {"tenant": tx.tenant_id, "operation": operation_id, "line": line_no})
    if row is None:
        return None
    customer_id, *found = row
    return line_of(found), str(customer_id)


def line_of(row: Any) -> Line:
    """A journal line from the columns of `LINE`."""
    return Line(*row)


async def load_as_of(tx: Tx, customer_id: str, *, at: datetime, known_at: datetime | None) -> Loaded:
    """Accounts, lots and open holds as they stood at ``at``, as far as known at ``known_at``: sums of the entries."""
    by = {"tenant": tx.tenant_id, "customer": customer_id, "at": at, "known": known_at}
    lots = {
        row["lot_id"]: lot_of(row)
        for row in await _rows(tx, _ALL_LOTS, {"tenant": tx.tenant_id, "customers": [customer_id]})
    }
    accounts: dict[str, Account] = {}
    moved: set[str] = set()
    for lot in lots.values():
        lot.available = lot.held = lot.spent = lot.expired = lot.voided = 0
        lot.expires_at = expiry_as_of(lot, at, known_at)
    for lot_id, credit_type, source, target, credits_ in await _rows(tx, _FOLDED, by):
        account = accounts.setdefault(
            credit_type, Account(customer_id=lots[lot_id].customer_id, credit_type=credit_type)
        )
        moved.add(lot_id)
        fold(account, lots[lot_id], source, target, credits_)
    holds = {row["hold_id"]: hold_of(row) for row in await _rows(tx, _CUSTOMERS_HOLDS, {**by})}
    await _fold_holds(tx, by, holds)
    return (
        accounts,
        {key: lot for key, lot in lots.items() if key in moved},
        {key: hold for key, hold in holds.items() if hold.lines and hold.open},
    )


async def _fold_holds(tx: Tx, by: dict[str, Any], holds: dict[str, Hold]) -> None:
    order = {
        (row["hold_id"], row["lot_id"]): row["line_no"]
        for row in await _rows(tx, _LINES, {"tenant": tx.tenant_id, "holds": list(holds)})
    }
    lines: dict[tuple[str, str], HoldLine] = {}
    for lot_id, hold_id, source, target, credits_ in await _rows(tx, _OF_HOLDS, by):
        key = (hold_id, lot_id)
        if hold_id not in holds or key not in order:
            continue
        line = lines.get(key)
        if line is None:
            line = lines[key] = HoldLine(lot_id=lot_id, line_no=order[key], credits=0)
            holds[hold_id].lines.append(line)
        fold_line(line, source, target, credits_)
    for hold in holds.values():
        hold.lines.sort(key=lambda line: line.line_no)
        hold.credits = sum(line.credits for line in hold.lines)
