"""Lists over all customers: orders, refunds, holds, licenses and covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

from fastapi import Depends, Query

from app.api.fields import Instant, QueryId, QueryText, several
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.domain.cover.cover import ShownState
from app.domain.ledger.lot import HoldState
from app.domain.orders.states import OrderState, PaymentState, RefundState
from app.domain.values.paging import PageRequest
from app.usecases.reports import lists
from app.views.hold import Hold
from app.views.license import Cover, License
from app.views.order import ListedOrder, OrderRefund
from app.views.shapes import PageOf

OPERATIONS = Operations("Lists")

COVER_STATES: Final = get_args(ShownState)
ENDS: Final = ("terminated", "refunded", "upgraded", "corrected")

Sort = Annotated[Literal["newest", "oldest"], Query(description="Which come first")]
SortByEnd = Annotated[Literal["newest", "oldest", "soonest", "latest"], Query(description="Which come first")]
"""``soonest`` and ``latest``: by the instant at which something ends or is due."""
_STATES: Final = "States, with commas between them"


@dataclass(frozen=True, slots=True)
class Span:
    """What every list may be narrowed by."""

    customer_id: str | None
    since: Instant | None
    until: Instant | None
    sort: Literal["newest", "oldest", "soonest", "latest"]

    def narrowed(self, part: PageRequest) -> lists.Narrowed:
        """Return the question of a part of the list."""
        return lists.Narrowed(
            part=part,
            customer_id=self.customer_id,
            since=self.since,
            until=self.until,
            oldest_first=self.sort in ("oldest", "soonest"),
            by_end=self.sort in ("soonest", "latest"),
        )


def _span(
    customer_id: QueryId | None = None,
    since: Annotated[Instant | None, Query(description="From then on")] = None,
    until: Annotated[Instant | None, Query(description="Before then")] = None,
    sort: Sort = "newest",
) -> Span:
    return Span(customer_id, since, until, sort)


def _span_by_end(
    customer_id: QueryId | None = None,
    since: Annotated[Instant | None, Query(description="From then on")] = None,
    until: Annotated[Instant | None, Query(description="Before then")] = None,
    sort: SortByEnd = "newest",
) -> Span:
    return Span(customer_id, since, until, sort)


Narrowing = Annotated[Span, Depends(_span)]
"""Declares ``customer_id``, ``since``, ``until`` and ``sort``."""
NarrowingByEnd = Annotated[Span, Depends(_span_by_end)]
"""The same for a list of what ends."""


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


@OPERATIONS.get("listOrders", "/v1/orders", scope="orders:read", paging="pages", refusals=(404,))
async def list_orders(
    call: Call,
    span: Narrowing,
    state: Annotated[
        Annotated[str, several(get_args(OrderState))] | None, Query(max_length=200, description=_STATES)
    ] = None,
    payment_state: Annotated[
        Annotated[str, several(get_args(PaymentState))] | None, Query(max_length=200, description=_STATES)
    ] = None,
) -> Answer[PageOf[ListedOrder]]:
    """Orders, by the instant they were placed; `GET /v1/orders/{order_id}` says what one granted."""
    return await call.pages(
        lambda tx, part: lists.orders(
            tx, span.narrowed(part), states=_names(state), payment_states=_names(payment_state)
        )
    )


@OPERATIONS.get("listRefunds", "/v1/refunds", scope="orders:read", paging="pages", refusals=(404,))
async def list_refunds(
    call: Call,
    span: Narrowing,
    state: Annotated[
        Annotated[str, several(get_args(RefundState))] | None, Query(max_length=200, description=_STATES)
    ] = None,
    order_id: QueryId | None = None,
) -> Answer[PageOf[OrderRefund]]:
    """Refunds of orders, by the instant they were told."""
    return await call.pages(
        lambda tx, part: lists.refunds(tx, span.narrowed(part), states=_names(state), order_id=order_id)
    )


@OPERATIONS.get("listHolds", "/v1/holds", scope="customers:read", paging="pages", refusals=(404,))
async def list_holds(
    call: Call,
    span: NarrowingByEnd,
    state: Annotated[
        Annotated[str, several(get_args(HoldState))] | None, Query(max_length=200, description=_STATES)
    ] = None,
    ticket_id: QueryId | None = None,
    is_open: Annotated[bool | None, Query(alias="open", description="Whether some is still set aside")] = None,
) -> Answer[PageOf[Hold]]:
    """Holds and debits, as they were made; by their end those that are open and have one."""
    return await call.pages(
        lambda tx, part: lists.holds(
            tx, span.narrowed(part), states=_names(state), is_open=is_open, ticket_id=ticket_id
        )
    )


@OPERATIONS.get("listLicenses", "/v1/licenses", scope="customers:read", paging="pages", refusals=(404,))
async def list_licenses(
    call: Call,
    span: Narrowing,
    active: Annotated[bool | None, Query(description="Whether it is in force")] = None,
    ended_reason: Annotated[
        Annotated[str, several(ENDS)] | None, Query(max_length=200, description="Reasons, with commas between them")
    ] = None,
    domain: Annotated[QueryText | None, Query(description="The installation it is registered to")] = None,
) -> Answer[PageOf[License]]:
    """Licenses, by the instant their order was placed."""
    ended = _names(ended_reason)
    return await call.pages(
        lambda tx, part: lists.licenses(tx, span.narrowed(part), active=active, ended=ended, domain=domain)
    )


@OPERATIONS.get("listCovers", "/v1/covers", scope="customers:read", paging="pages", refusals=(404,))
async def list_covers(
    call: Call,
    span: NarrowingByEnd,
    state: Annotated[Annotated[str, several(COVER_STATES)] | None, Query(max_length=200, description=_STATES)] = None,
    ends_after: Annotated[Instant | None, Query(description="Ends from then on")] = None,
    ends_before: Annotated[Instant | None, Query(description="Ends before then")] = None,
    license_id: QueryId | None = None,
) -> Answer[PageOf[Cover]]:
    """Periods of support, by the instant they were granted; with a state or a bound of ends by their ends."""
    return await call.pages(
        lambda tx, part: lists.covers(
            tx,
            span.narrowed(part),
            states=_names(state),
            ends_after=ends_after,
            ends_before=ends_before,
            license_id=license_id,
        )
    )
