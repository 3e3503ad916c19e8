"""Everything of one customer that a rule may ask for, read in one statement.

All lots, all open holds, all holds of the customer's tickets, licenses, covers, choices and add-ons. The same snapshot
also reads what else the call needs (`Select`), such as its ticket or its orders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Table

from app.db import combined, policies
from app.db import schema as s
from app.db.account.parts import AccountPart
from app.db.combined import Select, columns_of, select_into
from app.db.engine import Tx
from app.db.ledger import window
from app.domain.account.customer import Addon, Choice, Cover, Customer, License
from app.domain.ledger.lot import Account, Hold, Lot
from app.domain.ledger.recurring import RecurringGrant

BY_ID: Final = ":customer"
"""The customer by our own id."""
BY_ASKED: Final = "asked.customer_id"
"""The customer of the row by which a statement reads all else (`NAMED`, or a ticket)."""
NAMED: Final = (
    " from customer asked where asked.tenant_id = :tenant and asked.external_id = :named and asked.merged_into is null"
)
"""The customer by the vendor's id; nobody where that account went into another one."""
BY_IDS: Final = "any(cast(:customers as text[]))"
"""Several customers by our own ids."""
_ASKED: Final = " from ticket asked where asked.tenant_id = :tenant and asked.external_id = :asked"
"""The ticket that is asked for, by the helpdesk's id; its account and all else is read by the row."""
_TICKET_ID: Final = re.compile(r":(?:part_)?ticket\b")


@dataclass(slots=True, kw_only=True)
class StoredCustomer(Customer):
    """A customer with what only the row knows."""

    created_at: datetime
    merged_into: str | None = None


@dataclass(slots=True)
class AccountRows:
    """What one statement read of a customer. ``former``: holds of its tickets that absorbed accounts keep, by account.

    ``beside``: the rows of the further selects, by name.
    """

    customer: StoredCustomer | None
    accounts: dict[str, Account]
    lots: dict[str, Lot]
    holds: dict[str, Hold]
    licenses: list[License]
    covers: list[Cover]
    choices: list[Choice]
    addons: list[Addon]
    recurring: list[RecurringGrant] = field(default_factory=list)
    former: dict[str, list[str]] = field(default_factory=dict)
    beside: dict[str, list[Any]] = field(default_factory=dict)


def rows_of(table: Table, row: type[Any], whose: str, order: str = "") -> Select[Any]:
    """Return the select of a customer's rows of a table, as instances of ``row``."""
    return select_into(
        f"{table.name}_rows",
        row,
        f"select {columns_of(table)} from {table.name}"
        f" where {table.name}.tenant_id = :tenant and {table.name}.customer_id = {whose}{order}",
    )


_COST: Final = (
    "case when lot.cost_amount is null then null"
    " else json_build_object('amount', lot.cost_amount::text, 'currency', lot.cost_currency) end as cost"
)
_LINES: Final = (
    "coalesce((select json_agg(l order by l.line_no) from"
    " (select lot_id, line_no, credits, captured, released, refunded from hold_line"
    " where hold_line.tenant_id = :tenant and hold_line.hold_id = hold.hold_id) l), '[]') as lines"
)


def _whole(whose: str) -> tuple[str, str]:
    """Return the selects of all lots and holds."""
    lots = f"select {LOT} from lot where lot.tenant_id = :tenant and lot.customer_id = {whose}"
    holds = (
        f"select {HOLD} from hold"
        f" where hold.tenant_id = :tenant and hold.customer_id = {whose} and hold.closed_at is null"
        f" union all select {HOLD} from ticket join hold"
        " on hold.tenant_id = ticket.tenant_id and hold.ticket_id = ticket.ticket_id"
        f" where ticket.tenant_id = :tenant and ticket.customer_id = {whose} and hold.closed_at is not null"
    )
    return lots, holds


def _in_part(whose: str) -> tuple[str, str]:
    """Return the selects of the lots that are spent first and those of a ticket, of its holds and those with a term.

    The ticket is `:part_ticket`, our own id; null for none.
    """
    lots, holds = _of_ticket(whose)
    return f"{window.first_lots(LOT, whose)} union all {lots}", f"{holds} union all {window.term_holds(HOLD, whose)}"


def _of_ticket(whose: str) -> tuple[str, str]:
    """Return the selects of a ticket's lots and holds; the ticket is `:part_ticket`."""
    lots = (
        f"select {LOT} from lot where lot.tenant_id = :tenant and lot.customer_id = {whose} and lot.lot_id in"
        " (select hold_line.lot_id from hold join hold_line on hold_line.tenant_id = :tenant"
        " and hold_line.hold_id = hold.hold_id where hold.tenant_id = :tenant and hold.ticket_id = :part_ticket)"
    )
    return lots, f"select {HOLD} from hold where hold.tenant_id = :tenant and hold.ticket_id = :part_ticket"


ASKED_CUSTOMER: Final = select_into("customer_rows", StoredCustomer, f"select {columns_of(s.customer, alias='asked')}")
"""The customer that `NAMED` found."""


def _selects(whose: str, lots: str, holds: str, customer: Select[Any] | None = None) -> tuple[Select[Any], ...]:
    """Return the selects of an account; ``whose``: the customer's id in SQL."""
    return (
        customer or rows_of(s.customer, StoredCustomer, whose),
        rows_of(s.account, Account, whose),
        select_into("lot_rows", Lot, lots),
        select_into("hold_rows", Hold, holds),
        rows_of(s.license_, License, whose),
        rows_of(s.cover, Cover, whose),
        rows_of(s.choice, Choice, whose),
        rows_of(s.addon, Addon, whose),
    )


LOT: Final = f"{columns_of(s.lot, without=('tenant_id', 'cost_amount', 'cost_currency', 'is_open'))}, {_COST}"
HOLD: Final = f"{columns_of(s.hold, without=('tenant_id', 'state'))}, {_LINES}"
_RECURRING: Final = {whose: rows_of(s.recurring_grant, RecurringGrant, whose) for whose in (BY_ID, BY_ASKED, BY_IDS)}
"""Read only where a policy of the tenant brings any."""
_WHOLE: Final = {
    BY_ASKED: _selects(BY_ASKED, *_whole(BY_ASKED), ASKED_CUSTOMER),
    **{whose: _selects(whose, *_whole(whose)) for whose in (BY_ID, BY_IDS)},
}
_OF_ORDERS: Final = select_into(
    "order_lots",
    Lot,
    "with recursive wanted as (select o.order_id from unnest(cast(:part_orders as text[])) o(order_id)"
    " union select license.order_id from license where license.tenant_id = :tenant"
    " and license.customer_id = :customer and :part_licenses),"
    " ours as (select entry.lot_id from wanted join operation on operation.tenant_id = :tenant"
    " and operation.order_id = wanted.order_id join entry on entry.tenant_id = :tenant"
    " and entry.operation_id = operation.operation_id"
    " union select lot.lot_id from ours join lot on lot.tenant_id = :tenant and lot.origin_lot_id = ours.lot_id)"
    f" select {LOT} from ours join lot on lot.tenant_id = :tenant and lot.lot_id = ours.lot_id",
)
"""The lots that operations of some orders moved, those that an order granted among them, and the lots made of these."""
_IN_PART: Final = {
    BY_ASKED: _selects(BY_ASKED, *_in_part(BY_ASKED), ASKED_CUSTOMER),
    BY_ID: _selects(BY_ID, *_in_part(BY_ID)),
}
_IN_PART_OF_TICKET: Final = _selects(BY_ASKED, *_of_ticket(BY_ASKED))


async def read(
    tx: Tx,
    *,
    customer_id: str | None = None,
    external_id: str | None = None,
    beside: tuple[Select[Any], ...] = (),
    by: Mapping[str, Any] | None = None,
    part: AccountPart | None = None,
) -> AccountRows:
    """Read an account by our own id, or by the vendor's, with further selects of the same snapshot.

    ``by``: the parameters of ``beside``. ``part``: read the account in part (`app.db.ledger.window`). Lots that a hold
    points to and another account has are not among the lots.
    """
    whose, parameters = BY_ID, dict[str, Any](customer=customer_id)
    if customer_id is None:
        whose, parameters = BY_ASKED, {"named": external_id}
    selects = _WHOLE[whose]
    if part is not None:
        selects = _IN_PART[whose]
        parameters |= {"part_ticket": part.ticket_id}
        if part.orders:
            beside = (_OF_ORDERS, *beside)
            parameters |= {"part_orders": list(part.orders), "part_licenses": part.licenses}
    if await policies.recurs(tx):
        beside = (_RECURRING[whose], *beside)
    selects, parameters = (*selects, *beside), {**parameters, **(by or {})}
    if customer_id is not None:
        return _rows(await combined.read(tx, selects, parameters), customer_id)
    found = await combined.read_from(tx, NAMED, selects, parameters)
    return _nobody() if found is None else _rows(found, None)


async def read_of_ticket(tx: Tx, external_id: str, beside: tuple[Select[Any], ...]) -> AccountRows | None:
    """Read the account that a ticket is on, with further selects of `:ticket`; None where there is no ticket.

    Of its lots and holds only those of the ticket are read. One statement finds the ticket and reads the rest by it.
    """
    selects = _of_asked((*_IN_PART_OF_TICKET, *beside))
    if await policies.recurs(tx):
        selects = (_RECURRING[BY_ASKED], *selects)
    found = await combined.read_from(tx, _ASKED, selects, {"asked": external_id})
    return None if found is None else _rows(found, None)


@lru_cache(maxsize=10)
def _of_asked(selects: tuple[Select[Any], ...]) -> tuple[Select[Any], ...]:
    """Return the selects with the row of `_ASKED` in the place of their parameter."""
    return tuple(replace(select, sql=_TICKET_ID.sub("asked.ticket_id", select.sql)) for select in selects)


def _nobody() -> AccountRows:
    return AccountRows(None, {}, {}, {}, [], [], [], [])


def _rows(found: dict[str, list[Any]], customer_id: str | None) -> AccountRows:
    customer: StoredCustomer | None = next(iter(found.pop("customer_rows")), None)
    mine = customer_id if customer is None else customer.customer_id
    holds: dict[str, Hold] = {}
    former: dict[str, list[str]] = {}
    for hold in found.pop("hold_rows"):
        if hold.customer_id == mine:
            holds[hold.hold_id] = hold
        else:
            former.setdefault(hold.customer_id, []).append(hold.hold_id)
    return AccountRows(
        customer=customer,
        accounts={account.credit_type: account for account in found.pop("account_rows")},
        lots={
            lot.lot_id: lot
            for lot in (*found.pop("lot_rows"), *found.pop(_OF_ORDERS.name, ()))
            if lot.customer_id == mine
        },
        holds=holds,
        licenses=found.pop("license_rows"),
        covers=found.pop("cover_rows"),
        choices=found.pop("choice_rows"),
        addons=found.pop("addon_rows"),
        recurring=found.pop("recurring_grant_rows", []),
        former=former,
        beside=found,
    )


_MEMBERS: Final = {
    "license": "licenses",
    "cover": "covers",
    "choice": "choices",
    "addon": "addons",
    "recurring_grant": "recurring",
}
"""Where the rows of a table stand in `AccountRows`."""


async def read_many(tx: Tx, customer_ids: Sequence[str]) -> dict[str, AccountRows]:
    """Read whole accounts by our own ids, all in one statement; each where one has holds in an absorbed account."""
    selects = (*_WHOLE[BY_IDS], *([_RECURRING[BY_IDS]] if await policies.recurs(tx) else ()))
    found = await combined.read(tx, selects, {"customers": list(customer_ids)})
    rows = {name: _nobody() for name in customer_ids}
    for customer in found["customer_rows"]:
        rows[customer.customer_id].customer = customer
    for account in found["account_rows"]:
        rows[account.customer_id].accounts[account.credit_type] = account
    for lot in found["lot_rows"]:
        rows[lot.customer_id].lots[lot.lot_id] = lot
    for hold in found["hold_rows"]:
        if hold.customer_id not in rows:
            return {name: await read(tx, customer_id=name) for name in customer_ids}
        rows[hold.customer_id].holds[hold.hold_id] = hold
    for member in ("license", "cover", "choice", "addon", "recurring_grant"):
        for entity in found.get(f"{member}_rows", ()):
            getattr(rows[entity.customer_id], _MEMBERS[member]).append(entity)
    return rows
