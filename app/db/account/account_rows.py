"""Everything of one customer that a rule may ask for, read in one statement.

All lots, all open holds, all holds of the customer's tickets, licenses, covers, choices and add-ons; and whatever else
the call needs of the same snapshot (`Select`), such as its ticket or its orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table

from app.db import combined
from app.db import schema as s
from app.db.combined import Select, columns_of, select_into
from app.db.engine import Tx
from app.domain.account.customer import Addon, Choice, Cover, Customer, License
from app.domain.ledger.lot import Account, Hold, Lot

BY_ID: Final = ":customer"
"""The customer by our own id."""
BY_NAME: Final = (
    "(select customer_id from customer where tenant_id = :tenant and external_id = :named and merged_into is null)"
)
"""The customer by the vendor's id; nobody where that account went into another one."""


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


def _selects(whose: str) -> tuple[Select[Any], ...]:
    """Return the selects of an account; ``whose``: the customer's id in SQL, `BY_ID` or `BY_NAME`."""
    lot = columns_of(s.lot, without=("tenant_id", "cost_amount", "cost_currency", "is_open"))
    hold = columns_of(s.hold)
    return (
        rows_of(s.customer, StoredCustomer, whose),
        rows_of(s.account, Account, whose),
        select_into(
            "lot_rows",
            Lot,
            f"select {lot}, {_COST} from lot where lot.tenant_id = :tenant and lot.customer_id = {whose}",
        ),
        select_into(
            "hold_rows",
            Hold,
            f"select {hold}, {_LINES} from hold"
            f" where hold.tenant_id = :tenant and hold.customer_id = {whose} and hold.closed_at is null"
            f" union all select {hold}, {_LINES} from ticket join hold"
            " on hold.tenant_id = ticket.tenant_id and hold.ticket_id = ticket.ticket_id"
            f" where ticket.tenant_id = :tenant and ticket.customer_id = {whose} and hold.closed_at is not null",
        ),
        rows_of(s.license_, License, whose),
        rows_of(s.cover, Cover, whose),
        rows_of(s.choice, Choice, whose),
        rows_of(s.addon, Addon, whose),
    )


_SELECTS: Final = {whose: _selects(whose) for whose in (BY_ID, BY_NAME)}


async def read(
    tx: Tx,
    *,
    customer_id: str | None = None,
    external_id: str | None = None,
    beside: tuple[Select[Any], ...] = (),
    by: Mapping[str, Any] | None = None,
) -> AccountRows:
    """Read an account by our own id, or by the vendor's, with further selects of the same snapshot.

    ``by``: the parameters of ``beside``. Lots that a hold points to and another account has are not among the lots.
    """
    whose, name = (BY_NAME, {"named": external_id}) if customer_id is None else (BY_ID, {"customer": customer_id})
    found = await combined.read(tx, (*_SELECTS[whose], *beside), {**name, **(by or {})})
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
        lots={lot.lot_id: lot for lot in found.pop("lot_rows")},
        holds=holds,
        licenses=found.pop("license_rows"),
        covers=found.pop("cover_rows"),
        choices=found.pop("choice_rows"),
        addons=found.pop("addon_rows"),
        former=former,
        beside=found,
    )
