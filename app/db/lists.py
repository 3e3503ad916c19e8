"""Lists over all of a tenant's customers: orders, refunds, holds, licenses and covers, by the instant each was made.

Each list has an index in its order, and one that begins with the customer. States are ranges of an index. What else
narrows a list is looked at row by row along that order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, get_args

from app.db import schema as s
from app.db.account.account_rows import HOLD
from app.db.combined import Select, columns_of, read, select_into
from app.db.engine import Tx
from app.db.keyset import where_after
from app.domain.account.customer import Cover, License, Order, OrderRefund
from app.domain.ledger.lot import Hold, HoldState
from app.domain.orders.states import PaymentState
from app.domain.values.errors import DomainError
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
    instants: frozenset[int] = frozenset({0})
    """Which columns of the order are instants."""
    always: tuple[str, ...] = ()
    """Names of the filters that hold for every row of the list."""


def _list(table: str, columns: str, row: type[R], *order: str, **filters: str) -> RowList[R]:
    first = f"{table}.{order[0]}"
    every = {
        "customer": f"{table}.customer_id = :customer",
        "since": f"{first} >= :since",
        "until": f"{first} < :until",
        **filters,
    }
    instants = frozenset(n for n, name in enumerate(order) if name == "at" or name.endswith("_at"))
    return RowList(table, columns, row, tuple(f"{table}.{name}" for name in order), every, instants)


_PAYMENTS: Final[tuple[str, ...]] = get_args(PaymentState)
ORDERS: Final = _list(
    "purchase_order",
    columns_of(s.purchase_order),
    Order,
    "placed_at",
    "order_id",
    **{
        f"{state}_{payment}": f"{condition.replace('answer', 'purchase_order.answer')}"
        f" and purchase_order.payment_state = '{payment}'"
        for state, condition in s.GRANTED.items()
        for payment in _PAYMENTS
    },
)
ORDERS_RECORDED: Final = _list(
    "purchase_order",
    columns_of(s.purchase_order),
    Order,
    "record_id",
    "received_at",
    "order_id",
    below="purchase_order.record_id < :below",
)
"""Orders as they were recorded, whenever they were placed. Those that have no id yet are the first, by their time."""
REFUNDS: Final = _list(
    "order_refund",
    columns_of(s.order_refund),
    OrderRefund,
    "at",
    "order_id",
    "refund_id",
    order="order_refund.order_id = :order",
    **{state: condition.replace("answer", "order_refund.answer") for state, condition in s.REFUNDS.items()},
)
HOLD_STATES: Final[tuple[str, ...]] = get_args(HoldState)
"""The ranges that hold every hold."""
_HOLD_STATES: Final = {state: f"hold.state = '{state}'" for state in HOLD_STATES}
HOLDS: Final = _list("hold", HOLD, Hold, "created_at", "hold_id", **_HOLD_STATES)
_OF_FEW: Final = {
    "customer": "hold.customer_id = :customer",
    "since": "hold.created_at >= :since",
    "until": "hold.created_at < :until",
    "tickets": "hold.ticket_id = any(:tickets)",
    "accounts": "hold.customer_id = any(:accounts)",
    "is_open": "hold.closed_at is null",
    **_HOLD_STATES,
    "open": "hold.state = 'open' and hold.closed_at is null",
}
"""What holds of a few are narrowed by; those that are open have indexes of their own."""
HOLDS_OF: Final = RowList("hold", HOLD, Hold, ("hold.hold_id",), _OF_FEW, frozenset())
"""Holds of a customer or a ticket, by their ids, which are minted in order of time."""
HOLDS_BY_END: Final = RowList(
    "hold",
    HOLD,
    Hold,
    ("hold.expires_at", "hold.hold_id"),
    {**_OF_FEW, "ends": "hold.expires_at is not null"},
    always=("is_open", "ends"),
)
"""Holds that end by themselves, by that instant, in the order of `ix_hold_expiring`."""
LICENSES: Final = _list(
    "license",
    columns_of(s.license_),
    License,
    "placed_at",
    "license_id",
    domain="license.registered_domain = :domain",
    active="(license.ended_at is null or license.ended_at > :at)",
    ended="license.ended_at is not null and license.ended_at <= :at",
    **{
        reason: f"license.ended_at is not null and license.ended_reason = '{reason}' and license.ended_at <= :at"
        for reason in ("terminated", "refunded", "upgraded", "corrected")
    },
)
COVERS: Final = _list(
    "cover", columns_of(s.cover), Cover, "granted_at", "cover_id", license="cover.license_id = :license"
)
NO_END: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for the end of a cover that has none yet."""
_NO_END: Final = f"'{NO_END:%Y-%m-%d} 00:00:00+00'::timestamptz"
_END: Final = f"case when cover.ends_at is null then {_NO_END} else cover.ends_at end"
_GOES_ON: Final = f"{_END} > :at and cover.starts_at <= :at"
_BEGINS: Final = f"{_END} > :at and cover.starts_at > :at"
_FROZEN: Final = "(cover.state = 'suspended' and not cover.runs_on)"
"""The end moves with every day, so that nobody knows it."""
COVERS_BY_END: Final = RowList(
    COVERS.table,
    COVERS.columns,
    Cover,
    (_END, "cover.cover_id"),
    {
        **COVERS.filters,
        "ends_after": f"{_END} >= :ends_after and {_END} < {_NO_END} and not {_FROZEN}",
        "ends_before": f"{_END} < :ends_before and not {_FROZEN}",
        **{f"is_{name}": f"cover.state = '{name}'" for name in ("pending", "running", "suspended", "voided")},
        "running": f"cover.state = 'running' and {_GOES_ON}",
        "suspended": f"cover.state = 'suspended' and (not cover.runs_on or {_GOES_ON})",
        "ended": f"cover.state = 'running' and {_END} <= :at",
        "ended_meanwhile": f"cover.state = 'suspended' and cover.runs_on and {_END} <= :at",
        "scheduled": f"cover.state = 'running' and {_BEGINS}",
        "scheduled_meanwhile": f"cover.state = 'suspended' and cover.runs_on and {_BEGINS}",
    },
)
"""Covers by their end, in the order of `ix_cover_ends`. ``*_meanwhile``: suspended while their time runs on."""
STORED_COVERS: Final = ("is_pending", "is_running", "is_suspended", "is_voided")
"""The ranges that hold every cover."""
COVER_RANGES: Final[Mapping[str, tuple[str, ...]]] = {
    "pending": ("is_pending",),
    "scheduled": ("scheduled", "scheduled_meanwhile"),
    "running": ("running",),
    "suspended": ("suspended",),
    "ended": ("ended", "ended_meanwhile"),
    "voided": ("is_voided",),
}
"""State -> the ranges of `COVERS_BY_END` that hold its covers."""


async def page(
    tx: Tx,
    rows: RowList[R],
    part: PageRequest,
    filters: Mapping[str, Any],
    *,
    newest_first: bool = True,
    ranges: Sequence[str] = (),
    merged: bool = True,
) -> tuple[list[R], bool]:
    """A part of a list, and whether there is more of it. 400 ``cursor_invalid`` for a key of another order.

    ``filters``: values by name; None and False filter nothing. ``ranges``: names of filters, of which a row meets one.
    ``merged``: each range is read by itself; else rows are looked at along the order of the other filters.
    """
    narrowing = {name: value for name, value in filters.items() if value is not None and value is not False}
    parameters: dict[str, Any] = {**narrowing, "at": tx.at, "most": part.most}
    after = [f"after_{n}" for n in range(len(rows.order))]
    if part.key is not None:
        if len(part.key) != len(after):  # given out by an earlier version
            raise DomainError("cursor_invalid")
        values = (parse_iso(str(key)) if n in rows.instants else key for n, key in enumerate(part.key))
        parameters |= dict(zip(after, values, strict=True))
    beyond = where_after(
        part, ", ".join(rows.order), ", ".join(f":{name}" for name in after), newest_first=newest_first
    )
    select = _select(rows, (*rows.always, *narrowing), tuple(sorted(set(ranges))), merged, *beyond)
    found = await read(tx, (select,), parameters)
    return part.trim(found[select.name])


@lru_cache(maxsize=500)
def _select(
    rows: RowList[R], filters: tuple[str, ...], ranges: tuple[str, ...], merged: bool, beyond: str, order: str
) -> Select[R]:
    """Return the select of a page. Built once, so that its statement is. What its ranges give is merged."""
    conditions = [f"{rows.table}.tenant_id = :tenant", *(rows.filters[name] for name in filters)]
    if not ranges or not merged:
        if ranges:
            conditions.append(f"({' or '.join(f'({rows.filters[name]})' for name in ranges)})")
        where = " and ".join(conditions)
        return select_into("page", rows.row, f"select {rows.columns} from {rows.table} where {where}{beyond}{order}")
    parts = [
        f"(select {rows.table}.* from {rows.table} where {' and '.join([*conditions, rows.filters[name]])}"
        f"{beyond}{order})"
        for name in ranges
    ]
    union = f"({' union all '.join(parts)}) {rows.table}"
    return select_into("page", rows.row, f"select {rows.columns} from {union}{order}")
