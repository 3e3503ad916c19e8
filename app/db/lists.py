"""Lists over all of a tenant's customers: orders, refunds, holds, licenses and covers, by the instant each was made.

Each list has an index in its order, and one that begins with the customer. What else narrows a list is looked at row
by row along that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from app.db import schema as s
from app.db.account.account_rows import HOLD
from app.db.combined import Select, columns_of, read, select_into
from app.db.engine import Tx
from app.db.keyset import where_after
from app.domain.account.customer import Cover, License, Order, OrderRefund
from app.domain.ledger.lot import Hold
from app.domain.values.paging import PageRequest
from app.domain.values.wire import parse_iso

R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class RowList(Generic[R]):
    """A table as a list: what a row becomes, and the columns of its order, the instant first."""

    table: str
    columns: str
    row: type[R]
    order: tuple[str, ...]
    filters: Mapping[str, str]
    """The condition of each filter, by its name, which is its parameter's too."""


def _list(table: str, columns: str, row: type[R], *order: str, **filters: str) -> RowList[R]:
    first = f"{table}.{order[0]}"
    every = {
        "customer": f"{table}.customer_id = :customer",
        "since": f"{first} >= :since",
        "until": f"{first} < :until",
        **filters,
    }
    return RowList(table, columns, row, tuple(f"{table}.{name}" for name in order), every)


ORDERS: Final = _list("purchase_order", columns_of(s.purchase_order), Order, "placed_at", "order_id")
REFUNDS: Final = _list(
    "order_refund",
    columns_of(s.order_refund),
    OrderRefund,
    "at",
    "order_id",
    "refund_id",
    order="order_refund.order_id = :order",
)
HOLDS: Final = _list(
    "hold",
    HOLD,
    Hold,
    "hold_id",
    tickets="hold.ticket_id = any(:tickets)",
    open="hold.closed_at is null",
    closed="hold.closed_at is not null",
    accounts="hold.customer_id = any(:accounts)",
)
"""Ids are minted in order of time, so that no further index slows each debit down."""
LICENSES: Final = _list(
    "license",
    columns_of(s.license_),
    License,
    "placed_at",
    "license_id",
    domain="license.registered_domain = :domain",
    active="(license.ended_at is null or license.ended_at > :at)",
    ended="license.ended_at is not null and license.ended_at <= :at",
)
COVERS: Final = _list(
    "cover", columns_of(s.cover), Cover, "granted_at", "cover_id", license="cover.license_id = :license"
)


async def page(
    tx: Tx, rows: RowList[R], part: PageRequest, filters: Mapping[str, Any], *, newest_first: bool = True
) -> tuple[list[R], bool]:
    """A part of a list, and whether there is more of it.

    ``filters``: values by name; None and False filter nothing.
    """
    narrowing = {name: value for name, value in filters.items() if value is not None and value is not False}
    parameters: dict[str, Any] = {**narrowing, "at": tx.at, "most": part.most}
    after = [f"after_{n}" for n in range(len(rows.order))]
    if part.key is not None:
        first, *others = part.key
        parameters |= dict(zip(after, (first if others == [] else parse_iso(str(first)), *others), strict=True))
    beyond = where_after(
        part, ", ".join(rows.order), ", ".join(f":{name}" for name in after), newest_first=newest_first
    )
    select = _select(rows, tuple(narrowing), *beyond)
    found = await read(tx, (select,), parameters)
    return part.trim(found[select.name])


@lru_cache(maxsize=500)
def _select(rows: RowList[R], filters: tuple[str, ...], beyond: str, order: str) -> Select[R]:
    """Return the select of a page. Built once, so that its statement is."""
    conditions = [f"{rows.table}.tenant_id = :tenant", *(rows.filters[name] for name in filters)]
    sql = f"select {rows.columns} from {rows.table} where {' and '.join(conditions)}{beyond}{order}"
    return select_into("page", rows.row, sql)
