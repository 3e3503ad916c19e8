"""Lists over all of a tenant's customers: what was bought, given back, reserved, and what is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from app.db import lists, policies, tickets
from app.db.account import accounts, customers, people
from app.db.engine import Tx
from app.db.ledger import read as ledger
from app.domain.account import customer as entities
from app.domain.account.customer import Order
from app.domain.ledger import lot as ledger_nouns
from app.domain.orders.states import OrderState, PaymentState
from app.domain.values.paging import Key, Page, PageRequest
from app.domain.values.wire import iso, iso_or_none
from app.views.hold import Hold, hold_view
from app.views.license import Cover, License, cover_view, license_view
from app.views.order import ListedOrder, OrderRefund, listed_order, listed_refund


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What every list is narrowed by: one customer, a span of the instant it is ordered by, and the direction."""

    part: PageRequest
    customer_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    oldest_first: bool = False
    by_end: bool = False
    """By the instant at which a row ends; ``oldest_first`` is the soonest first then."""


async def _page(
    tx: Tx,
    rows: lists.RowList[lists.R],
    asked: Narrowed,
    *,
    ranges: Sequence[str] = (),
    merged: bool = True,
    **filters: Any,
) -> tuple[list[lists.R], bool, dict[str, str | None]]:
    """Return the rows of a part, whether there are more, and the customers' names."""
    ours = None
    if asked.customer_id is not None:
        ours = (await accounts.require_customer(tx, asked.customer_id)).customer_id
    narrowing = {"customer": ours, "since": asked.since, "until": asked.until, **filters}
    found, more = await lists.page(
        tx, rows, asked.part, narrowing, newest_first=not asked.oldest_first, ranges=ranges, merged=merged
    )
    owners: Sequence[Any] = found
    names = await tickets.customer_names(tx, [row.customer_id for row in owners]) if found else {}
    return found, more, names


async def orders(
    tx: Tx, asked: Narrowed, *, states: Sequence[str] = (), payment_states: Sequence[str] = ()
) -> Page[ListedOrder]:
    """Orders by the instant they were placed. 404 ``customer_not_found``."""
    ranges: list[str] = []
    if states or payment_states:
        ranges = [
            f"{state}_{payment}"
            for state in states or get_args(OrderState)
            for payment in payment_states or get_args(PaymentState)
        ]
    merged = asked.customer_id is None
    found, more, names = await _page(tx, lists.ORDERS, asked, ranges=ranges, merged=merged)
    views = await _orders(tx, found, names)
    return asked.part.page_of(found, more, views, lambda row: [iso(row.placed_at), row.order_id])


async def recorded_orders(tx: Tx, part: PageRequest, *, below: str) -> Page[ListedOrder]:
    """Orders as they were recorded, of those whose record has an id before ``below``."""
    found, more, names = await _page(tx, lists.ORDERS_RECORDED, Narrowed(part=part, oldest_first=True), below=below)
    views = await _orders(tx, found, names)
    return part.page_of(found, more, views, lambda row: [row.record_id, iso(row.received_at), row.order_id])


async def _orders(tx: Tx, found: Sequence[Order], names: Mapping[str, str | None]) -> list[ListedOrder]:
    return [
        listed_order(
            row,
            customer_id=names.get(row.customer_id),
            policy=(await policies.of_version(tx, row.policy_version)).policy,
        )
        for row in found
    ]


async def refunds(
    tx: Tx, asked: Narrowed, *, states: Sequence[str] = (), order_id: str | None = None
) -> Page[OrderRefund]:
    """Refunds of orders by the instant they were told. 404 ``customer_not_found``."""
    merged = asked.customer_id is None and order_id is None
    found, more, names = await _page(tx, lists.REFUNDS, asked, ranges=states, merged=merged, order=order_id)
    views = [listed_refund(row, customer_id=names.get(row.customer_id)) for row in found]
    return asked.part.page_of(found, more, views, lambda row: [iso(row.at), row.order_id, row.refund_id])


async def holds(
    tx: Tx, asked: Narrowed, *, states: Sequence[str] = (), is_open: bool | None = None, ticket_id: str | None = None
) -> Page[Hold]:
    """Holds and debits as they were made; by their end those that are open and have one. 404 ``customer_not_found``."""
    standing = {state for state in states or lists.HOLD_STATES if is_open is None or (state == "open") == is_open}
    narrowing: dict[str, Any] = {}
    if ticket_id is not None:
        known = await tickets.find(tx, ticket_id)  # credits may be held for one that was never told
        narrowing["tickets"] = [ticket_id] if known is None else [known.ticket_id, ticket_id]
    if asked.customer_id is not None:
        # What was closed before a merge stays with the account that was merged.
        mine = (await accounts.require_customer(tx, asked.customer_id)).customer_id
        formers = await customers.merged_from(tx, mine)
        narrowing |= {"accounts": [mine, *formers]} if formers else {"customer": mine}
    if not standing:
        return Page([], [], None)
    of_few = asked.customer_id is not None or ticket_id is not None
    along = of_few or asked.by_end
    rows = lists.HOLDS_BY_END if asked.by_end else lists.HOLDS_OF if of_few else lists.HOLDS
    ranges: Sequence[str] = () if along and len(standing) == len(lists.HOLD_STATES) else sorted(standing)
    found, more, _ = await _page(
        tx, rows, replace(asked, customer_id=None), ranges=ranges, merged=not along, **narrowing
    )
    lives_on = await people.living(tx, [row.customer_id for row in found]) if found else {}
    names = {customer_id: name for customer_id, (_, name) in lives_on.items()}
    named = await ledger.ticket_names(tx, sorted({row.ticket_id for row in found if row.ticket_id is not None}))
    views = [
        hold_view(row, customer_id=names.get(row.customer_id), ticket_id=named.get(row.ticket_id or "", row.ticket_id))
        for row in found
    ]

    def key_of(row: ledger_nouns.Hold) -> Key:
        if asked.by_end:
            return [iso_or_none(row.expires_at), row.hold_id]
        return [row.hold_id] if of_few else [iso(row.created_at), row.hold_id]

    return asked.part.page_of(found, more, views, key_of)


async def licenses(
    tx: Tx, asked: Narrowed, *, active: bool | None = None, ended: Sequence[str] = (), domain: str | None = None
) -> Page[License]:
    """Licenses by the instant their order was placed; ``ended``: why they ended. 404 ``customer_not_found``."""
    states = {"active": active is True, "ended": active is False}
    found, more, names = await _page(tx, lists.LICENSES, asked, ranges=ended, domain=domain, **states)
    views: list[License] = [{**license_view(row, tx.at), "customer_id": names.get(row.customer_id)} for row in found]
    return asked.part.page_of(found, more, views, lambda row: [iso(row.placed_at), row.license_id])


async def covers(
    tx: Tx,
    asked: Narrowed,
    *,
    states: Sequence[str] = (),
    ends_after: datetime | None = None,
    ends_before: datetime | None = None,
    license_id: str | None = None,
) -> Page[Cover]:
    """Periods of support by the instant they were granted. 404 ``customer_not_found``.

    With states or a bound of ends by their ends, too; those without an end are the last to end.
    """
    ends: dict[str, Any] = {"ends_after": ends_after, "ends_before": ends_before}
    by_end = asked.by_end or bool(states) or ends_after is not None or ends_before is not None
    rows = lists.COVERS_BY_END if by_end else lists.COVERS
    ranges: Sequence[str] = lists.STORED_COVERS if by_end else ()
    if states:
        ranges = [name for state in states for name in lists.COVER_RANGES[state]]
    found, more, names = await _page(tx, rows, asked, ranges=ranges, license=license_id, **(ends if by_end else {}))
    views: list[Cover] = [{**cover_view(row, tx.at), "customer_id": names.get(row.customer_id)} for row in found]

    def key_of(row: entities.Cover) -> Key:
        return [iso(row.ends_at or lists.NO_END) if by_end else iso(row.granted_at), row.cover_id]

    return asked.part.page_of(found, more, views, key_of)
