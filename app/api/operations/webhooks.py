"""Webhook endpoints of a tenant: who is told what, the log, and sending it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from app.api.fields import Body, ExternalId, Flag, Instant, NaturalInt, PathId, QueryId
from app.api.headers import etag
from app.api.operations.call import NO_STORE, NOTHING, Answer, Call
from app.api.operations.table import Operations
from app.usecases.commands import Tx
from app.usecases.webhooks import webhooks
from app.views.shapes import PageOf
from app.views.webhook import WebhookDelivery, WebhookEndpoint, WebhookReplay

OPERATIONS = Operations("Policies, partners, operations")

Url = Annotated[str, Field(strict=True, min_length=1, max_length=2000, examples=["https://shop.example/hooks"])]
EventTypes = Annotated[
    list[Annotated[str, Field(strict=True, min_length=1, max_length=100)]],
    Field(min_length=1, max_length=100, examples=[["ticket.*", "credits.low"]]),
]
Description = Annotated[str, Field(strict=True, max_length=500, pattern=r"^[^\x00]*$")]
Id = PathId


class EndpointBody(Body):
    """Where to, and what: event types, `noun.*` or `*`; with a customer, only this customer's events."""

    url: Url
    event_types: EventTypes = Field(default_factory=lambda: ["*"])
    customer_id: ExternalId | None = None
    description: Description = ""


class EndpointChanges(Body):
    """What changes. `enabled: true` goes on where it stopped; `skip_missed` gives up what waits. `customer_id: null`:
    events of all customers again."""

    url: Url = ""
    event_types: EventTypes = Field(default_factory=lambda: ["*"])
    customer_id: ExternalId | None = None
    description: Description = ""
    enabled: Flag = True
    skip_missed: Flag = False


class SecretRotationBody(Body):
    """How long deliveries are signed with the old secret too."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=30 * 86400)] = 86400


class SpanBody(Body):
    """A span of real time; `failed` sends what was not delivered, `all` everything. Repeat with `after`."""

    since: Instant
    until: Instant | None = None
    which: Literal["failed", "all"] = "failed"
    after: NaturalInt = 0


def _private(call: Call) -> bool:
    return call.rooms.settings.allow_private_webhooks


def _check(call: Call) -> webhooks.Check:
    return lambda version: call.conditions.require(None if version is None else etag(int(version)))


def _tagged(call: Call, view: WebhookEndpoint, headers: Mapping[str, str] = NOTHING) -> Answer[WebhookEndpoint]:
    return Answer(view, call.operation.status, {"ETag": etag(view["version"]), **headers})


@OPERATIONS.post(
    "createWebhookEndpoint",
    "/v1/webhook-endpoints",
    scope="webhooks:write",
    key="offered",
    status=201,
    refusals=(404, 409),
)
async def create_webhook_endpoint(call: Call, body: EndpointBody) -> Answer[WebhookEndpoint]:
    """An endpoint that is told what happens from now on. Its secret is shown in this answer and never again.

    With an Idempotency-Key a repeat makes no second one: it answers the first again, with its secret until that is
    rotated.
    """
    asked = webhooks.NewEndpoint(**{**body.plain(), "event_types": tuple(body.event_types)})
    made: list[WebhookEndpoint] = []

    async def make(tx: Tx) -> WebhookEndpoint:
        made[:] = [await webhooks.create(tx, asked, cipher=call.rooms.cipher, allow_private=_private(call))]
        return webhooks.without_secret(made[0])

    if not call.keys:
        await call.write(make)
        return _tagged(call, made[0], NO_STORE)
    answer = await call.keyed("webhooks.create", body, make)
    if answer.replayed:
        view = await call.read(lambda tx: webhooks.shown_again(tx, answer.view, cipher=call.rooms.cipher))
    else:
        view = made[0]
    return replace(_tagged(call, view, NO_STORE), replayed=answer.replayed)


@OPERATIONS.get("listWebhookEndpoints", "/v1/webhook-endpoints", scope="webhooks:write", paging="pages")
async def list_webhook_endpoints(call: Call) -> Answer[PageOf[WebhookEndpoint]]:
    """The tenant's endpoints, without their secrets."""
    return await call.pages(webhooks.list_endpoints)


@OPERATIONS.get("getWebhookEndpoint", "/v1/webhook-endpoints/{endpoint_id}", scope="webhooks:write", refusals=(404,))
async def get_webhook_endpoint(call: Call, endpoint_id: Id) -> Answer[WebhookEndpoint]:
    """One endpoint and how it stands."""
    return _tagged(call, await call.read(lambda tx: webhooks.get_endpoint(tx, endpoint_id)))


@OPERATIONS.patch(
    "changeWebhookEndpoint", "/v1/webhook-endpoints/{endpoint_id}", scope="webhooks:write", refusals=(404, 412)
)
async def change_webhook_endpoint(call: Call, endpoint_id: Id, body: EndpointChanges) -> Answer[WebhookEndpoint]:
    """Changes what is given; `enabled: true` goes on where a disabled endpoint stopped, so that nothing is missed."""
    changes = body.model_dump(exclude_unset=True)
    return _tagged(
        call,
        await call.write(
            lambda tx: webhooks.change(tx, endpoint_id, changes, allow_private=_private(call), check=_check(call))
        ),
    )


@OPERATIONS.delete(
    "deleteWebhookEndpoint", "/v1/webhook-endpoints/{endpoint_id}", scope="webhooks:write", refusals=(404, 412)
)
async def delete_webhook_endpoint(call: Call, endpoint_id: Id) -> WebhookEndpoint:
    """Ends an endpoint; nothing more is sent to it, and its log is removed."""
    return await call.write(lambda tx: webhooks.delete(tx, endpoint_id, check=_check(call)))


@OPERATIONS.post(
    "rotateWebhookSecret",
    "/v1/webhook-endpoints/{endpoint_id}/secret/rotation",
    scope="webhooks:write",
    status=201,
    refusals=(404,),
)
async def rotate_webhook_secret(
    call: Call, endpoint_id: Id, body: SecretRotationBody | None = None
) -> Answer[WebhookEndpoint]:
    """A new secret, shown once; deliveries carry the signatures of both until the overlap is over."""
    overlap = timedelta(seconds=(body or SecretRotationBody()).overlap_seconds)
    return _tagged(
        call,
        await call.write(lambda tx: webhooks.rotate_secret(tx, endpoint_id, overlap=overlap, cipher=call.rooms.cipher)),
        NO_STORE,
    )


@OPERATIONS.post(
    "testWebhookEndpoint",
    "/v1/webhook-endpoints/{endpoint_id}/test",
    scope="webhooks:write",
    status=202,
    refusals=(404, 409),
)
async def test_webhook_endpoint(call: Call, endpoint_id: Id) -> WebhookDelivery:
    """Sends a `webhook.test` event to this endpoint; the log says what came of it."""
    return await call.write(lambda tx: webhooks.send_test(tx, endpoint_id))


@OPERATIONS.get(
    "listWebhookDeliveries",
    "/v1/webhook-endpoints/{endpoint_id}/deliveries",
    scope="webhooks:write",
    paging="pages",
    refusals=(404,),
)
async def list_webhook_deliveries(
    call: Call,
    endpoint_id: Id,
    state: Annotated[Literal["pending", "delivered", "failed"] | None, Query(description="How they stand")] = None,
    event_id: Annotated[QueryId | None, Query(description="Of one event")] = None,
) -> Answer[PageOf[WebhookDelivery]]:
    """What was sent and what came of each attempt, the newest first."""
    return await call.pages(
        lambda tx, part: webhooks.list_deliveries(tx, endpoint_id, part, state=state, event_id=event_id)
    )


@OPERATIONS.get(
    "getWebhookDelivery",
    "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}",
    scope="webhooks:write",
    refusals=(404,),
)
async def get_webhook_delivery(call: Call, endpoint_id: Id, delivery_id: Id) -> WebhookDelivery:
    """One delivery."""
    return await call.read(lambda tx: webhooks.get_delivery(tx, endpoint_id, delivery_id))


@OPERATIONS.post(
    "replayWebhookDelivery",
    "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay",
    scope="webhooks:write",
    status=202,
    refusals=(404, 409),
)
async def replay_webhook_delivery(call: Call, endpoint_id: Id, delivery_id: Id) -> WebhookDelivery:
    """Sends a finished delivery again, with the same id."""
    return await call.write(lambda tx: webhooks.replay(tx, endpoint_id, delivery_id))


@OPERATIONS.post(
    "replayWebhookSpan",
    "/v1/webhook-endpoints/{endpoint_id}/replay",
    scope="webhooks:write",
    status=202,
    refusals=(404, 409),
)
async def replay_webhook_span(call: Call, endpoint_id: Id, body: SpanBody) -> WebhookReplay:
    """Sends again what happened in a span of time; at most 1,000 events a call."""
    return await call.write(
        lambda tx: webhooks.replay_span(
            tx, endpoint_id, since=body.since, until=body.until, after=body.after, which=body.which
        )
    )
