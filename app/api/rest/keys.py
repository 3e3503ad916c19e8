"""Keys of a tenant, and tokens for one customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.api.deps import Caller, operator_or_owner, scoped, wall_clock
from app.api.paging import Paging
from app.api.problems import problems
from app.api.rest.tenants import TenantId
from app.api.strict import Body, Facts, Instant, PathId, ShortText, StrictRoute
from app.usecases import keys

router = APIRouter(route_class=StrictRoute, tags=["Operator and sandbox"])


class KeyBody(Body):
    """What a key may do, and until when."""

    scopes: Annotated[list[ShortText], Field(min_length=1, max_length=50, examples=[["*"]])]
    label: ShortText = "key"
    expires_at: Instant | None = None
    options: Facts = Field(default_factory=dict)


class KeyRotationBody(Body):
    """How long the old key goes on beside its successor."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=30 * 86400)] = 86400


class TokenBody(Body):
    """How long a customer token lives."""

    minutes: Annotated[int, Field(strict=True, ge=1, le=keys.MAX_TOKEN_MINUTES)] = keys.MAX_TOKEN_MINUTES


TenantQuery = Annotated[
    str | None, Query(min_length=1, max_length=100, description="Whose keys; for the operator")
]
OfPath = Annotated[Caller, operator_or_owner(tenant_in="path")]
OfQuery = Annotated[Caller, operator_or_owner(tenant_in="query")]


@router.post(
    "/v1/tenants/{tenant_id}/keys", operation_id="createKey", status_code=201, responses=problems(404)
)
async def create_key(tenant_id: TenantId, body: KeyBody, caller: OfPath) -> Response:
    """A key of the tenant. It is shown in this answer and never again."""
    return await caller.write(
        lambda tx: keys.create(
            tx,
            scopes=body.scopes,
            label=body.label,
            expires_at=body.expires_at,
            now=wall_clock(),
            options=body.options,
        ),
        status=201,
        headers={"Cache-Control": "no-store"},
    )


@router.get("/v1/keys", operation_id="listKeys", responses=problems(404))
async def list_keys(caller: OfQuery, page: Paging, tenant_id: TenantQuery = None) -> Response:
    """The tenant's keys, without the keys themselves."""
    return await caller.page(page, lambda tx, part: keys.list_keys(tx, part, now=wall_clock()))


@router.delete("/v1/keys/{key_id}", operation_id="revokeKey", responses=problems(404))
async def revoke_key(key_id: PathId, caller: OfQuery, tenant_id: TenantQuery = None) -> Response:
    """Ends a key for good. It stops within a second."""
    answer = await caller.write(lambda tx: keys.revoke(tx, key_id, now=wall_clock()))
    caller.rooms.authenticator.forget()
    return answer


@router.post(
    "/v1/keys/{key_id}/rotation", operation_id="rotateKey", status_code=201, responses=problems(404, 409)
)
async def rotate_key(
    key_id: PathId, body: KeyRotationBody, caller: OfQuery, tenant_id: TenantQuery = None
) -> Response:
    """A successor with the same scopes; both live until the overlap is over."""
    answer = await caller.write(
        lambda tx: keys.rotate(tx, key_id, overlap_seconds=body.overlap_seconds, now=wall_clock()),
        status=201,
        headers={"Cache-Control": "no-store"},
    )
    caller.rooms.authenticator.forget()
    return answer


@router.post(
    "/v1/customers/{customer_id}/tokens",
    operation_id="createCustomerToken",
    status_code=201,
    responses=problems(404),
)
async def create_customer_token(
    customer_id: PathId, body: TokenBody, caller: Annotated[Caller, scoped("customers:read")]
) -> Response:
    """An opaque, read-only token for this customer, at most ten minutes, for a page in a helpdesk."""
    return await caller.write(
        lambda tx: keys.customer_token(tx, customer_id, minutes=body.minutes, now=wall_clock()),
        status=201,
        headers={"Cache-Control": "no-store"},
    )
