"""Tenants: made and suspended by the operator."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from app.api.deps import OperatorOnly
from app.api.problems import FieldError, Problem, problems
from app.api.reply import Reply
from app.api.rest.policies import Document
from app.api.strict import Body, Flag, Instant, LongText, Name, StrictRoute, big
from app.usecases import policies, tenants

router = APIRouter(route_class=StrictRoute, tags=["Operator and sandbox"])

TenantId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class ClockBody(Body):
    """``real`` unless it is a sandbox; a sandbox says where its time begins."""

    mode: Literal["real", "virtual"] = "real"
    now: Instant | None = None


class TenantBody(Body):
    """A tenant under one of the shipped policies, or under the one of its ``document``."""

    policy: Name
    document: Document | None = Field(
        default=None,
        description="A policy of the vendor's own, YAML as a string or a JSON object; its `policy` is the name given",
    )
    clock: ClockBody = ClockBody()


class SuspensionBody(Body):
    """Whether the tenant's keys open nothing for now."""

    suspended: Flag = True
    reason: LongText | None = None


@router.put(
    "/v1/tenants/{tenant_id}", operation_id="putTenant", status_code=201, responses=problems(409, 422)
)
@big
async def put_tenant(tenant_id: TenantId, body: TenantBody, operator: OperatorOnly) -> Response:
    """A tenant under a policy. 201 the first time, 200 with the same body again, 409 with other content."""
    if (body.clock.mode == "virtual") != (body.clock.now is not None):
        raise Problem(
            "invalid_input",
            errors=[
                FieldError("/clock/now", "required", "A virtual clock needs `now`, a real one has none.")
            ],
        )
    text = None if body.document is None else policies.document_text(body.document)
    own = None if text is None else await policies.read_draft(text)
    command = tenants.PutTenant(policy=body.policy, mode=body.clock.mode, now=body.clock.now, document=text)
    async with operator.rooms.database.founding(
        tenant_id, actor=operator.actor, validate_only=operator.validate_only
    ) as tx:
        status, view = await tenants.put(tx, command, own=own)
    return Reply(view, status_code=status)


@router.put("/v1/tenants/{tenant_id}/suspension", operation_id="suspendTenant", responses=problems(404))
async def put_suspension(tenant_id: TenantId, body: SuspensionBody, operator: OperatorOnly) -> Response:
    """Suspends a tenant, or lifts it: ``{"suspended": false}``. Its keys stop, or go on, within a second."""
    view: dict[str, Any] = await operator.rooms.database.run(
        tenant_id,
        lambda tx: tenants.suspend(tx, suspended=body.suspended, reason=body.reason),
        actor=operator.actor,
        validate_only=operator.validate_only,
    )
    operator.rooms.authenticator.forget()
    return Reply(view)
