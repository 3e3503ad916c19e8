"""Webhook endpoints and their log as published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from app.views.shapes import Closed, Id, Instant, Whole

DisabledReason = Literal["by_hand", "receiver_gone", "retries_exhausted"]
WebhookState = Literal["pending", "delivered", "failed"]
_DeliveryState = Annotated[WebhookState, Closed("WebhookDeliveryState", "How a delivery to an endpoint stands.")]


class WebhookEndpoint(TypedDict):
    """Where events are sent; the secret is shown when it is made."""

    endpoint_id: Annotated[Id, "The endpoint."]
    url: Annotated[str, "Where its events are sent."]
    event_types: Annotated[Sequence[str], "What is sent: types of events, `noun.*` or `*`."]
    customer_id: Annotated[Id | None, "Only events of this customer are sent; null for those of all."]
    description: Annotated[str, "What it is for, in the caller's words."]
    enabled: Annotated[bool, "Whether it is sent anything."]
    disabled_reason: Annotated[
        Annotated[DisabledReason, Closed("DisabledReason", "Why an endpoint was disabled.")] | None,
        "Why it was disabled; null while it is enabled.",
    ]
    disabled_at: Annotated[Instant | None, "When it was disabled."]
    previous_secret_until: Annotated[Instant | None, "Until when deliveries are signed with the old secret too."]
    version: Annotated[int, "The number of its changes; the ETag says it too."]
    created_at: Annotated[Instant, "When it was made."]
    updated_at: Annotated[Instant, "When it was last changed."]
    secret: NotRequired[Annotated[str, "The secret that deliveries are signed with; shown once."]]
    deleted: NotRequired[Annotated[bool, "True once it was deleted."]]


class WebhookAttempt(TypedDict):
    """One attempt to deliver an event."""

    at: Annotated[Instant, "When it was made."]
    status: Annotated[int | None, "The HTTP status of the answer; null when there was none."]
    error: Annotated[str | None, "Why there was no answer."]
    duration_ms: Annotated[int, "How long it took, in milliseconds."]
    retry_after: Annotated[str | None, "The receiver's Retry-After."]
    response: NotRequired[Annotated[str, "The beginning of the answer; absent once the customer was erased."]]


class WebhookDelivery(TypedDict):
    """One event on its way to an endpoint, with every attempt."""

    delivery_id: Annotated[Id, "The delivery."]
    endpoint_id: Annotated[Id, "The endpoint."]
    event_id: Annotated[Id, "The event, also the id that the receiver is given."]
    type: Annotated[str, "The type of the event."]
    state: Annotated[_DeliveryState, "How it stands."]
    attempts: Annotated[Sequence[WebhookAttempt], "The attempts that are kept, the oldest first."]
    failures: Annotated[int, "Attempts that failed since it was last begun."]
    next_attempt_at: Annotated[Instant | None, "When it is tried next; null once it is finished."]
    created_at: Annotated[Instant, "When it was put on its way."]
    finished_at: Annotated[Instant | None, "When it was delivered or given up."]
    replay_of: Annotated[Id | None, "The delivery that it repeats."]


class WebhookReplay(TypedDict):
    """How much of a span is sent again, and where to go on."""

    endpoint_id: Annotated[Id, "The endpoint."]
    replayed: Annotated[int, "How many events are sent again."]
    next_after: Annotated[Whole | None, "The `after` of the next call; null when the span is done."]
