"""A page of a statement in one statement: the account in part, which rows each list shows, and what they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from app.db import combined
from app.db import schema as s
from app.db.account.account_rows import ASKED_CUSTOMER, BY_ASKED, BY_ID, HOLD, LOT, NAMED, StoredCustomer, rows_of
from app.db.combined import Select, select_into
from app.db.engine import Tx
from app.db.ledger import read as rows
from app.db.ledger import window
from app.domain.ledger.line import Line, StatementPage
from app.domain.ledger.lot import Account, Hold, Lot
from app.domain.ledger.rest import Rest

ROWS_MAX: Final = 101
"""Rows of each part that a page reads: one more than it shows."""
_PAGE: Final = "statement_page"


@dataclass(slots=True)
class _Entry:
    operation_id: str
    line_no: int


@dataclass(slots=True)
class _Ticket:
    """``external_id``: its name. ``asker``: the vendor's id of whoever asked; None once erased."""

    ticket_id: str
    external_id: str
    asker: str | None = None


@dataclass(slots=True)
class _Rows:
    modifications: int
    progress: int
    resolved: int
    entries: list[_Entry] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    captured: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    tickets: list[_Ticket] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StatementRows:
    """What a page of a statement is made of.

    - ``ledger``: accounts, lots and holds, in part; ``rest``: what was left out of them.
    - ``lots``: closed lots that the lines name.
    - ``ticket_names`` and ``askers``: the vendor's ids of the tickets that the lines name, and of who asked.
    """

    customer: StoredCustomer
    ledger: rows.Loaded
    rest: Rest
    page: StatementPage
    lines: list[Line]
    lots: dict[str, Lot]
    ticket_names: dict[str, str]
    askers: dict[str, str | None]


def _keys(what: str) -> str:
    """Return the select of the charges of a part, from `:start` on, in the order of their first entries."""
    return (
        f"{what}_keys as materialized (select charge from charges where {what} > 0"
        f" order by effective_at, credit_type, account_version offset :start limit {ROWS_MAX})"
    )


def _listed(column: str, table: str) -> str:
    return f"coalesce((select json_agg({column}) from {table}), '[]')"


@cache
def _selects(whose: str) -> tuple[Select[Any], ...]:
    """Return the selects of a page; ``whose``: the customer's id in SQL, `BY_ID` or `BY_ASKED`.

    What credits came from or went to without a charge stands first; a charge is a ticket's, or a hold's without one.
    """
    page = (
        f"with whose as materialized (select {whose} as customer_id),"
        " journal as materialized (select o.effective_at, o.credit_type, o.account_version, e.line_no, o.operation_id,"
        " o.hold_id, coalesce(o.ticket_id, o.hold_id) as charge, e.source, e.target, e.credits"
        " from operation o join entry e on e.tenant_id = :tenant and e.operation_id = o.operation_id"
        " where o.tenant_id = :tenant and o.customer_id = (select customer_id from whose)),"
        " outside as materialized (select effective_at, credit_type, account_version, line_no, operation_id"
        " from journal where (source in ('world', 'owed', 'voided')) <> (target in ('expired', 'voided', 'owed'))),"
        " moved as (select charge, effective_at, credit_type, account_version,"
        " case when target = 'held' then credits when source = 'held' then -credits else 0 end as held,"
        " case when target = 'spent' then credits else 0 end as captured from journal where hold_id is not null),"
        " charges as materialized (select distinct on (charge) charge, effective_at, credit_type, account_version,"
        " sum(held) over (partition by charge) as held, sum(captured) over (partition by charge) as captured"
        " from moved order by charge, effective_at, credit_type, account_version),"
        " entries as materialized (select operation_id, line_no from outside"
        f" order by effective_at, credit_type, account_version, line_no offset :start limit {ROWS_MAX}),"
        f" {_keys('held')}, {_keys('captured')},"
        " keys as materialized (select charge from held_keys union select charge from captured_keys),"
        " wanted as (select operation_id from entries union select m.operation_id from hold h join operation m"
        " on m.tenant_id = :tenant and m.hold_id = h.hold_id where h.tenant_id = :tenant"
        " and h.customer_id = (select customer_id from whose)"
        " and (h.hold_id = any(array(select charge from keys)) or h.ticket_id = any(array(select charge from keys)))),"
        f" shown as materialized (select {rows.LINE} from operation o join entry e on e.tenant_id = :tenant"
        " and e.operation_id = o.operation_id where o.tenant_id = :tenant"
        " and o.customer_id = (select customer_id from whose)"
        " and o.operation_id = any(array(select operation_id from wanted))),"
        f" closed as (select {LOT} from lot where lot.tenant_id = :tenant and not lot.is_open"
        " and lot.lot_id = any(array(select lot_id from shown))),"
        # The asker not by coalesce, which row-level security keeps away from indexes.
        " named as (select t.ticket_id, t.external_id, (select p.external_id from customer p"
        " where p.tenant_id = :tenant and p.customer_id"
        " = case when t.person_id is null then t.customer_id else t.person_id end) as asker from ticket t"
        " where t.tenant_id = :tenant and t.ticket_id = any(array(select ticket_id from shown)))"
        " select (select count(*) from outside) as modifications,"
        " (select count(*) from charges where held > 0) as progress,"
        " (select count(*) from charges where captured > 0) as resolved,"
        f" {_listed('entries', 'entries')} as entries, {_listed('charge', 'held_keys')} as held,"
        f" {_listed('charge', 'captured_keys')} as captured, {_listed('shown', 'shown')} as lines,"
        f" {_listed('closed', 'closed')} as lots, {_listed('named', 'named')} as tickets"
    )
    return (
        ASKED_CUSTOMER if whose == BY_ASKED else rows_of(s.customer, StoredCustomer, whose),
        rows_of(s.account, Account, whose),
        select_into("lot_rows", Lot, window.first_lots(LOT, whose)),
        select_into("hold_rows", Hold, window.term_holds(HOLD, whose)),
        select_into(_PAGE, _Rows, page),
    )


async def read(
    tx: Tx, start: int, *, external_id: str | None = None, customer_id: str | None = None
) -> StatementRows | None:
    """Return what a page of a statement shows from a row on, of a customer by the vendor's id or by ours.

    None where nobody of that name has an account of their own. It says what is stored: nothing may be due.
    """
    found: dict[str, list[Any]] | None
    if external_id is None:
        found = await combined.read(tx, _selects(BY_ID), {"customer": customer_id, "start": start})
    else:
        found = await combined.read_from(tx, NAMED, _selects(BY_ASKED), {"named": external_id, "start": start})
    customer: StoredCustomer | None = next(iter(found["customer_rows"]), None) if found else None
    return None if customer is None or found is None else await _rows_of(tx, customer, found, start)


async def _rows_of(tx: Tx, customer: StoredCustomer, found: Mapping[str, list[Any]], start: int) -> StatementRows:
    ledger, rest = await window.of_selects(tx, found)
    page: _Rows = found[_PAGE][0]
    return StatementRows(
        customer=customer,
        ledger=ledger,
        rest=rest,
        page=StatementPage(
            start=start,
            modifications=page.modifications,
            progress=page.progress,
            resolved=page.resolved,
            entries=frozenset((entry.operation_id, entry.line_no) for entry in page.entries),
            held=tuple(page.held),
            captured=tuple(page.captured),
        ),
        lines=page.lines,
        lots={lot.lot_id: lot for lot in page.lots},
        ticket_names={ticket.ticket_id: ticket.external_id for ticket in page.tickets},
        askers={ticket.ticket_id: ticket.asker for ticket in page.tickets},
    )
