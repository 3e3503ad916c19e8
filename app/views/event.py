"""Events and problems as published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from typing_extensions import TypedDict

from app.views.shapes import Id, Instant, Whole


class Event(TypedDict):
    """Something that happened. ``position`` orders a tenant's events, ``sequence`` a customer's."""

    id: Annotated[Id, "The event."]
    type: Annotated[str, "What happened, `noun.verb`."]
    sequence: Annotated[Whole | None, "Its place among the customer's events; null where it is of no customer."]
    position: Annotated[Whole | None, "Its place among the tenant's events; null until it is placed."]
    customer_id: Annotated[Id | None, "The customer; null once erased, or where it is of none."]
    occurred_at: Annotated[Instant, "When it happened."]
    recorded_at: Annotated[Instant, "When it was recorded."]
    data: Annotated[dict[str, Any], "The facts of its type, by name."]


class EventPage(TypedDict):
    """A page of the feed."""

    data: Annotated[Sequence[Event], "The events of this page."]
    next_cursor: Annotated[str | None, "The `cursor` of the next page; null on the last."]
    position: Annotated[Whole, "How far this answer looked: the next `after`."]


class ProblemEntry(TypedDict):
    """A code that a refusal can have."""

    code: Annotated[str, "The code."]
    type: Annotated[str, "The address of its page."]
    status: Annotated[int, "The HTTP status."]
    title: Annotated[str, "Its title."]
    cause: Annotated[str, "What it means."]
    next_step: Annotated[str, "What to do."]
