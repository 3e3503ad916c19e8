"""Lists over all customers: orders, refunds, holds, licenses and covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

from fastapi import Depends, Query

from app.api.fields import Instant, QueryId, QueryText, several
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.domain.cover.cover import ShownState
from app.domain.values.paging import PageRequest
from app.usecases.reports import lists
from app.views.hold import Hold
from app.views.license import Cover, License
from app.views.order import ListedOrder, OrderRefund
from app.views.shapes import PageOf

OPERATIONS = Operations("Lists")

STATES: Final = get_args(ShownState)
ENDS: Final = ("terminated", "refunded", "upgraded", "corrected")

Sort = Annotated[Literal["newest", "oldest"], Query(description="Which come first")]


@dataclass(frozen=True, slots=True)
class Span:
    """What every list may be narrowed by."""

    customer_id: str | None
    since: Instant | None
    until: Instant | None
    sort: Literal["newest", "oldest"]

    def narrowed(self, part: PageRequest) -> lists.Narrowed:
        """Return the question of a part of the list."""
        return lists.Narrowed(
            part=part,
            customer_id=self.customer_id,
            since=self.since,
            until=self.until,
            oldest_first=self.sort == "oldest",
        )


def _span(
    customer_id: QueryId | None = None,
    since: Annotated[Instant | None, Query(description="From then on")] = None,
    until: Annotated[Instant | None, Query(description="Before then")] = None,
    sort: Sort = "newest",
) -> Span:
    return Span(customer_id, since, until, sort)


Narrowing = Annotated[Span, Depends(_span)]
"""Declares ``customer_id``, ``since``, ``until`` and ``sort``."""


@OPERATIONS.get("listOrders", "/v1/orders", scope="orders:read", paging="pages", refusals=(404,))
async def list_orders(call: Call, span: Narrowing) -> Answer[PageOf[ListedOrder]]:
    """Orders, by the instant they were placed; `GET /v1/orders/{order_id}` says what one granted."""
    return await call.pages(lambda tx, part: lists.orders(tx, span.narrowed(part)))


@OPERATIONS.get("listRefunds", "/v1/refunds", scope="orders:read", paging="pages", refusals=(404,))
async def list_refunds(call: Call, span: Narrowing, order_id: QueryId | None = None) -> Answer[PageOf[OrderRefund]]:
    """Refunds of orders, by the instant they were told."""
    return await call.pages(lambda tx, part: lists.refunds(tx, span.narrowed(part), order_id=order_id))


@OPERATIONS.get("listHolds", "/v1/holds", scope="customers:read", paging="pages", refusals=(404,))
async def list_holds(
    call: Call,
    span: Narrowing,
    ticket_id: QueryId | None = None,
    is_open: Annotated[bool | None, Query(alias="open", description="Whether some is still set aside")] = None,
) -> Answer[PageOf[Hold]]:
    """Holds and debits, as they were made."""
    return await call.pages(lambda tx, part: lists.holds(tx, span.narrowed(part), is_open=is_open, ticket_id=ticket_id))


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
    ended = ended_reason.split(",") if ended_reason else ()
    return await call.pages(
        lambda tx, part: lists.licenses(tx, span.narrowed(part), active=active, ended=ended, domain=domain)
    )


@OPERATIONS.get("listCovers", "/v1/covers", scope="customers:read", paging="pages", refusals=(404,))
async def list_covers(
    call: Call,
    span: Narrowing,
    state: Annotated[
        Annotated[str, several(STATES)] | None, Query(max_length=200, description="States, with commas between them")
    ] = None,
    ends_after: Annotated[Instant | None, Query(description="Ends from then on")] = None,
    ends_before: Annotated[Instant | None, Query(description="Ends before then")] = None,
    license_id: QueryId | None = None,
) -> Answer[PageOf[Cover]]:
    """Periods of support, by the instant they were granted; with a state or a bound of ends by their ends."""
    return await call.pages(
        lambda tx, part: lists.covers(
            tx,
            span.narrowed(part),
            states=state.split(",") if state else (),
            ends_after=ends_after,
            ends_before=ends_before,
            license_id=license_id,
        )
    )
