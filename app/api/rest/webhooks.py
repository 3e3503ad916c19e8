"""Webhook endpoints of a tenant: who is told what, the log, and sending it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app.api.deps import Caller, scoped
from app.api.headers import etag, require_match
from app.api.paging import Paging
from app.api.problems import problems
from app.api.reply import Reply
from app.api.strict import Body, ExternalId, Flag, Instant, NaturalInt, PathId, QueryId, StrictRoute
from app.usecases import webhooks

router = APIRouter(route_class=StrictRoute, tags=["Policies, partners, operations"])

Url = Annotated[
    str, Field(strict=True, min_length=1, max_length=2000, examples=["https://shop.example/hooks"])
]
EventTypes = Annotated[list[Annotated[str, Field(strict=True, min_length=1, max_length=100)]],
                       Field(min_length=1, max_length=100, examples=[["ticket.*", "credits.low"]])]  # fmt: skip
Description = Annotated[str, Field(strict=True, max_length=500, pattern=r"^[^\x00]*$")]
Owner = Annotated[Caller, scoped("webhooks:write")]
Id = PathId


class EndpointBody(Body):
    """Where to, and what: event types, `noun.*` or `*`; with a customer, only this customer's events."""

    url: Url
    event_types: EventTypes = Field(default_factory=lambda: ["*"])
    customer_id: ExternalId | None = None
    description: Description = ""


class EndpointChanges(Body):
    """What changes. `enabled: true` goes on where it stopped; `skip_missed` gives up what waits."""

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


def _private(caller: Caller) -> bool:
    return caller.rooms.settings.allow_private_webhooks


def _check(request: Request) -> webhooks.Check:
    return lambda version: require_match(request, None if version is None else etag(int(version)))


def _tagged(view: dict[str, Any], status: int = 200, **headers: str) -> Response:
    return Reply(view, status_code=status, headers={"ETag": etag(view["version"]), **headers})


@router.post("/v1/webhook-endpoints", operation_id="createWebhookEndpoint", status_code=201,
             responses=problems(404, 409))  # fmt: skip
async def create_webhook_endpoint(body: EndpointBody, caller: Owner) -> Response:
    """An endpoint that is told what happens from now on. Its secret is shown in this answer and never again."""
    asked = webhooks.NewEndpoint(**{**body.plain(), "event_types": tuple(body.event_types)})
    view = await caller.do(
        lambda tx: webhooks.create(tx, asked, cipher=caller.rooms.cipher, allow_private=_private(caller))
    )
    return _tagged(view, 201, **{"Cache-Control": "no-store"})


@router.get("/v1/webhook-endpoints", operation_id="listWebhookEndpoints", responses=problems())
async def list_webhook_endpoints(caller: Owner, page: Paging) -> Response:
    """The tenant's endpoints, without their secrets."""
    return await caller.page(page, webhooks.list_endpoints)


@router.get("/v1/webhook-endpoints/{endpoint_id}", operation_id="getWebhookEndpoint", responses=problems(404))
async def get_webhook_endpoint(endpoint_id: Id, caller: Owner) -> Response:
    """One endpoint and how it stands."""
    return _tagged(await caller.ask(lambda tx: webhooks.get_endpoint(tx, endpoint_id)))


@router.patch("/v1/webhook-endpoints/{endpoint_id}", operation_id="changeWebhookEndpoint",
              responses=problems(404, 412))  # fmt: skip
async def change_webhook_endpoint(endpoint_id: Id, body: EndpointChanges, caller: Owner) -> Response:
    """Changes what is given; `enabled: true` goes on where a disabled endpoint stopped, so that nothing is missed."""
    changes = body.model_dump(exclude_unset=True)
    return _tagged(
        await caller.do(
            lambda tx: webhooks.change(
                tx, endpoint_id, changes, allow_private=_private(caller), check=_check(caller.request)
            )
        )
    )


@router.delete("/v1/webhook-endpoints/{endpoint_id}", operation_id="deleteWebhookEndpoint",
               responses=problems(404, 412))  # fmt: skip
async def delete_webhook_endpoint(endpoint_id: Id, caller: Owner) -> Response:
    """Ends an endpoint; nothing more is sent to it, and its log is removed."""
    return await caller.write(lambda tx: webhooks.delete(tx, endpoint_id, check=_check(caller.request)))


@router.post("/v1/webhook-endpoints/{endpoint_id}/secret/rotation", operation_id="rotateWebhookSecret", status_code=201,
             responses=problems(404))  # fmt: skip
async def rotate_webhook_secret(
    endpoint_id: Id, caller: Owner, body: SecretRotationBody | None = None
) -> Response:
    """A new secret, shown once; deliveries carry the signatures of both until the overlap is over."""
    overlap = timedelta(seconds=(body or SecretRotationBody()).overlap_seconds)
    return _tagged(
        await caller.do(
            lambda tx: webhooks.rotate_secret(tx, endpoint_id, overlap=overlap, cipher=caller.rooms.cipher)
        ),
        201,
        **{"Cache-Control": "no-store"},
    )


@router.post("/v1/webhook-endpoints/{endpoint_id}/test", operation_id="testWebhookEndpoint", status_code=202,
             responses=problems(404, 409))  # fmt: skip
async def test_webhook_endpoint(endpoint_id: Id, caller: Owner) -> Response:
    """Sends a `webhook.test` event to this endpoint; the log says what came of it."""
    return await caller.write(lambda tx: webhooks.send_test(tx, endpoint_id), status=202)


@router.get("/v1/webhook-endpoints/{endpoint_id}/deliveries", operation_id="listWebhookDeliveries",
            responses=problems(404))  # fmt: skip
async def list_webhook_deliveries(
    endpoint_id: Id,
    caller: Owner,
    page: Paging,
    state: Annotated[
        Literal["pending", "delivered", "failed"] | None, Query(description="How they stand")
    ] = None,
    event_id: Annotated[QueryId | None, Query(description="Of one event")] = None,
) -> Response:
    """What was sent and what came of each attempt, the newest first."""
    return await caller.page(
        page,
        lambda tx, part: webhooks.list_deliveries(tx, endpoint_id, part, state=state, event_id=event_id),
    )


@router.get("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}", operation_id="getWebhookDelivery",
            responses=problems(404))  # fmt: skip
async def get_webhook_delivery(endpoint_id: Id, delivery_id: Id, caller: Owner) -> Response:
    """One delivery."""
    return await caller.read(lambda tx: webhooks.get_delivery(tx, endpoint_id, delivery_id))


@router.post("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay",
             operation_id="replayWebhookDelivery", status_code=202, responses=problems(404, 409))  # fmt: skip
async def replay_webhook_delivery(endpoint_id: Id, delivery_id: Id, caller: Owner) -> Response:
    """Sends a finished delivery again, with the same id."""
    return await caller.write(lambda tx: webhooks.replay(tx, endpoint_id, delivery_id), status=202)


@router.post("/v1/webhook-endpoints/{endpoint_id}/replay", operation_id="replayWebhookSpan", status_code=202,
             responses=problems(404, 409))  # fmt: skip
async def replay_webhook_span(endpoint_id: Id, body: SpanBody, caller: Owner) -> Response:
    """Sends again what happened in a span of time; at most 1,000 events a call."""
    return await caller.write(
        lambda tx: webhooks.replay_span(
            tx, endpoint_id, since=body.since, until=body.until, after=body.after, which=body.which
        ),
        status=202,
    )
