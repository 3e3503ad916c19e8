"""The ledger's rows: loading under the customer's lock, what credit commands look up, reading as of two instants.

Every writer locks the customer's row first and calls `load` in a later statement (decision 0003). All statements are
built once; lists travel as arrays. Writing stands in `app.db.write`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import TextClause, text

from app.db.engine import Tx
from app.db.keyset import where_after
from app.db.ledger.folding import expiry_as_of, fold, fold_line
from app.domain.ledger.line import Line
from app.domain.ledger.lot import Account, Hold, HoldLine, Lot
from app.domain.values.money import Money
from app.domain.values.paging import PageRequest

Loaded = tuple[dict[str, Account], dict[str, Lot], dict[str, Hold]]


def of_alias(alias: str, columns: str) -> str:
    """The columns of a table by its alias in a statement."""
    return ", ".join(f"{alias}.{name}" for name in columns.split(", "))


ACCOUNT: Final = (
    "customer_id, credit_type, granted, available, held, spent, expired, voided, owed, next_expiry, version"
)
LOT: Final = (
    "lot_id, customer_id, credit_type, source, rule, granted, effective_at, expires_at, available, held, spent,"
    " expired, voided, priority, scope, license_id, order_id, line_id, unit_no, cost_amount, cost_currency,"
    " policy_version, origin_lot_id, clause, reading, reason, data"
)
LOTS_FROM: Final = ACCOUNT.count(",") + 1
"""Where a lot's columns begin behind an account's."""
HOLD: Final = "hold_id, customer_id, credit_type, credits, created_at, ticket_id, expires_at, kind, closed_at"

_OPEN_ACCOUNTS, _WHOLE_ACCOUNTS = (
    text(
        f"select {of_alias('a', ACCOUNT)}, {of_alias('l', LOT)} from account a left join lot l"
        f" on l.tenant_id = a.tenant_id and l.customer_id = a.customer_id and l.credit_type = a.credit_type{only}"
        " where a.tenant_id = :tenant and a.customer_id = any(:customers)"
    )
    for only in (" and l.is_open", "")
)
"""Accounts with their open lots, or with all of them: an account's columns, then a lot's, a row for each lot."""
_ALL_LOTS = text(f"select {LOT} from lot where tenant_id = :tenant and customer_id = any(:customers)")
_LOTS = text(f"select {LOT} from lot where tenant_id = :tenant and lot_id = any(:lots)")
_TERM_HOLDS = text(
    f"select {HOLD} from hold where tenant_id = :tenant and customer_id = any(:customers) and closed_at is null"
    " and expires_at is not null"
)
_OPEN_HOLDS = text(
    f"select {HOLD} from hold where tenant_id = :tenant and customer_id = any(:customers) and closed_at is null"
)
HOLDS = text(f"select {HOLD} from hold where tenant_id = :tenant and hold_id = any(:holds)")
_TICKET_HOLDS = text(f"select {HOLD} from hold where tenant_id = :tenant and ticket_id = any(:tickets)")
_CUSTOMERS_TICKET_HOLDS = text(
    f"select {of_alias('h', HOLD)} from ticket t join hold h"
    " on h.tenant_id = t.tenant_id and h.ticket_id = t.ticket_id"
    " where t.tenant_id = :tenant and t.customer_id = any(:customers) and h.closed_at is not null"
)
_LINES = text(
    "select hold_id, lot_id, line_no, credits, captured, released, refunded from hold_line"
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
        accounts, lots, _ = answer[row[0]]
        if row[1] not in accounts:
            accounts[row[1]] = account_of(row)
        if row[LOTS_FROM] is not None:
            lots[row[LOTS_FROM]] = lot_of(row[LOTS_FROM:])
    rows: list[Any] = []
    if open_holds:
        rows += await _rows(tx, _OPEN_HOLDS, by)
    elif terms_only and any(
        account.next_expiry is not None for all_ in answer.values() for account in all_[0].values()
    ):
        rows += await _rows(tx, _TERM_HOLDS, by)
    if ticket_holds:
        for row in await _rows(tx, _CUSTOMERS_TICKET_HOLDS, by):
            if row[1] in answer:
                rows.append(row)
            elif former is not None:
                former.setdefault(row[1], []).append(row[0])
    if hold_ids:
        rows += await _rows(tx, HOLDS, {"tenant": tx.tenant_id, "holds": list(hold_ids)})
    if ticket_ids:
        rows += await _rows(tx, _TICKET_HOLDS, {"tenant": tx.tenant_id, "tickets": list(ticket_ids)})
    await add_holds(tx, answer, rows, lot_ids)
    return answer


async def add_lots_of_holds(tx: Tx, lots: dict[str, Lot], holds: Mapping[str, Hold], customer_id: str) -> None:
    """Add the customer's lots that these holds point to and that were not loaded."""
    missing = sorted({line.lot_id for hold in holds.values() for line in hold.lines} - set(lots))
    if missing:
        for lot in (lot_of(row) for row in await _rows(tx, _LOTS, {"tenant": tx.tenant_id, "lots": missing})):
            if lot.customer_id == customer_id:
                lots[lot.lot_id] = lot


async def _rows(tx: Tx, statement: TextClause, parameters: dict[str, Any]) -> Sequence[Any]:
    return await tx.rows(statement, parameters)


async def add_holds(tx: Tx, answer: dict[str, Loaded], rows: Iterable[Any], lot_ids: Sequence[str]) -> None:
    holds: dict[str, Hold] = {}
    for row in rows:
        if row[1] in answer and row[0] not in holds:
            holds[row[0]] = answer[row[1]][2][row[0]] = hold_of(row)
    needed = set(lot_ids)
    if holds:
        for row in await _rows(tx, _LINES, {"tenant": tx.tenant_id, "holds": list(holds)}):
            hold = holds[row[0]]
            hold.lines.append(
                HoldLine(
                    lot_id=row[1], line_no=row[2], credits=row[3], captured=row[4], released=row[5], refunded=row[6]
                )
            )
            needed.add(row[1])
    missing = sorted(needed.difference(*(pair[1] for pair in answer.values())))
    if missing:
        for row in await _rows(tx, _LOTS, {"tenant": tx.tenant_id, "lots": missing}):
            if row[1] in answer:
                answer[row[1]][1][row[0]] = lot_of(row)


def account_of(row: Any) -> Account:
    """An account from its row."""
    return Account(
        customer_id=row[0],
        credit_type=row[1],
        granted=row[2],
        available=row[3],
        held=row[4],
        spent=row[5],
        expired=row[6],
        voided=row[7],
        owed=row[8],
        next_expiry=row[9],
        version=row[10],
    )


def lot_of(row: Any) -> Lot:
    """A lot from its row."""
    return Lot(
        lot_id=row[0],
        customer_id=row[1],
        credit_type=row[2],
        source=row[3],
        rule=row[4],
        granted=row[5],
        effective_at=row[6],
        expires_at=row[7],
        available=row[8],
        held=row[9],
        spent=row[10],
        expired=row[11],
        voided=row[12],
        priority=row[13],
        scope=row[14],
        license_id=row[15],
        order_id=row[16],
        line_id=row[17],
        unit_no=row[18],
        cost=None if row[19] is None else Money(row[19], row[20]),
        policy_version=row[21],
        origin_lot_id=row[22],
        clause=row[23],
        reading=row[24],
        reason=row[25],
        data=_json(row[26]),
    )


def hold_of(row: Any) -> Hold:
    """A hold from its row, still without lines."""
    return Hold(
        hold_id=row[0],
        customer_id=row[1],
        credit_type=row[2],
        credits=row[3],
        created_at=row[4],
        lines=[],
        ticket_id=row[5],
        expires_at=row[6],
        kind=row[7],
        closed_at=row[8],
    )


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
    "select bool_and(t.document ->> 'service_at' is not null), bool_and(t.document ->> 'accepted_at' is not null)"
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
    "select external_id, ticket_id, customer_id from ticket where tenant_id = :tenant and external_id = any(:tickets)"
)
_TICKET_NAMES = text(
    "select ticket_id, external_id from ticket where tenant_id = :tenant and ticket_id = any(:tickets)"
)
_ASKERS = text(
    "select t.ticket_id, p.external_id from ticket t join customer p on p.tenant_id = :tenant"
    " and p.customer_id = coalesce(t.person_id, t.customer_id)"
    " where t.tenant_id = :tenant and t.ticket_id = any(:tickets)"
)


async def lock(tx: Tx, external_ids: Sequence[str], customer_ids: Sequence[str] = ()) -> list[Any]:
    """Locks customers by the vendor's ids and by ours, in sorted order, in one statement: rows (customer_id,
    external_id, last_at, event_sequence, merged_into)."""
    by = {"tenant": tx.tenant_id, "external": list(external_ids)}
    if not customer_ids:
        return list(await tx.rows(_LOCK_EXTERNAL, by))
    return list(await tx.rows(_LOCK_EITHER, {**by, "ids": list(customer_ids)}))


async def customers(tx: Tx, external_ids: Sequence[str]) -> dict[str, Any]:
    """Customers by the vendor's ids, not locked: (customer_id, last_at, merged_into)."""
    found = await _rows(tx, _CUSTOMERS, {"tenant": tx.tenant_id, "external": list(external_ids)})
    return {row[0]: (row[1], row[2], row[3]) for row in found}


async def hold_owners(tx: Tx, hold_ids: Sequence[str]) -> dict[str, str]:
    """Whose holds these are; unknown ones are left out. A hold never changes hands but by a merge, under lock."""
    rows = await _rows(tx, _OWNERS, {"tenant": tx.tenant_id, "holds": list(hold_ids)})
    return {row[0]: row[1] for row in rows}


async def lot_owner(tx: Tx, lot_id: str) -> str | None:
    """Whose lot this is."""
    row: Any = await tx.row(_LOT_OWNER, {"tenant": tx.tenant_id, "lot": lot_id})
    return None if row is None else str(row[0])


async def lots(tx: Tx, lot_ids: Sequence[str]) -> dict[str, Lot]:
    """Lots by id."""
    rows = await _rows(tx, _LOTS, {"tenant": tx.tenant_id, "lots": list(lot_ids)})
    return {row[0]: lot_of(row) for row in rows}


async def tickets_of_lot(tx: Tx, lot_id: str) -> tuple[bool, bool]:
    """Whether every ticket that holds credits of this lot has had service already (TERMS-20), and was accepted."""
    row: Any = await tx.row(_SERVED, {"tenant": tx.tenant_id, "lot": lot_id})
    return (False, False) if row is None else (row[0] is True, row[1] is True)


async def known_commands(tx: Tx, keys: Sequence[str]) -> dict[str, tuple[str, bytes, int, Any]]:
    """Stored answers by key: (kind, payload hash, status, answer)."""
    rows = await _rows(tx, _COMMANDS, {"tenant": tx.tenant_id, "keys": list(keys)})
    return {row[0]: (row[1], bytes(row[2]), row[3], _decoded(row[4])) for row in rows}


def _decoded(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str) else value


async def tickets_named(tx: Tx, external_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Known tickets by the helpdesk's id: (our ticket_id, customer_id)."""
    rows = await _rows(tx, _TICKETS, {"tenant": tx.tenant_id, "tickets": list(external_ids)})
    return {row[0]: (row[1], row[2]) for row in rows}


async def askers(tx: Tx, ticket_ids: Sequence[str]) -> dict[str, str | None]:
    """The vendor's ids of those who asked our tickets; None once erased."""
    rows = await _rows(tx, _ASKERS, {"tenant": tx.tenant_id, "tickets": list(ticket_ids)})
    return {row[0]: row[1] for row in rows}


async def ticket_names(tx: Tx, ticket_ids: Sequence[str]) -> dict[str, str]:
    """The helpdesk's ids of our tickets."""
    rows = await _rows(tx, _TICKET_NAMES, {"tenant": tx.tenant_id, "tickets": list(ticket_ids)})
    return {row[0]: row[1] for row in rows}


# --- reading as of two instants ---------------------------------------------------------------------------------------

_LINE: Final = (
    "o.operation_id, o.kind, o.credit_type, o.effective_at, o.recorded_at, o.account_version, e.line_no, e.lot_id,"
    " e.source, e.target, e.credits, o.hold_id, o.ticket_id, o.order_id, o.reason, o.clause, o.reading"
)
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
    """A page of lines: as many operations first that have a line, so that the rest of the journal is not read;
    ``at_least`` is the operation with which the page begins, whose last lines may belong to it."""
    return (
        f"select {_LINE} from (select o.* from operation o where o.tenant_id = :tenant and o.customer_id = :customer"
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
    f"select {_LINE}, o.customer_id from operation o"
    " join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id"
    " where o.tenant_id = :tenant and o.operation_id = :operation and e.line_no = :line"
)


async def line(tx: Tx, operation_id: str, line_no: int) -> tuple[Line, str] | None:
    """One entry and our id of its customer."""
    row = await tx.row(_ONE_LINE, {"tenant": tx.tenant_id, "operation": operation_id, "line": line_no})
    return None if row is None else (line_of(row), str(row[-1]))


def line_of(row: Any) -> Line:
    """A journal line from its row."""
    return Line(
        operation_id=row[0],
        kind=row[1],
        credit_type=row[2],
        effective_at=row[3],
        recorded_at=row[4],
        account_version=row[5],
        line_no=row[6],
        lot_id=row[7],
        source=row[8],
        target=row[9],
        credits=row[10],
        hold_id=row[11],
        ticket_id=row[12],
        order_id=row[13],
        reason=row[14],
        clause=row[15],
        reading=row[16],
    )


async def load_as_of(tx: Tx, customer_id: str, *, at: datetime, known_at: datetime | None) -> Loaded:
    """Accounts, lots and open holds as they stood at ``at``, as far as known at ``known_at``: sums of the entries."""
    by = {"tenant": tx.tenant_id, "customer": customer_id, "at": at, "known": known_at}
    lots = {
        row[0]: lot_of(row) for row in await _rows(tx, _ALL_LOTS, {"tenant": tx.tenant_id, "customers": [customer_id]})
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
    holds = {row[0]: hold_of(row) for row in await _rows(tx, _CUSTOMERS_HOLDS, {**by})}
    await _fold_holds(tx, by, holds)
    return (
        accounts,
        {key: lot for key, lot in lots.items() if key in moved},
        {key: hold for key, hold in holds.items() if hold.lines and hold.open},
    )


async def _fold_holds(tx: Tx, by: dict[str, Any], holds: dict[str, Hold]) -> None:
    order = {
        (row[0], row[1]): row[2] for row in await _rows(tx, _LINES, {"tenant": tx.tenant_id, "holds": list(holds)})
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
