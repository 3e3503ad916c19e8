"""Tenants: made and suspended by the call."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from app.api.fields import Body, Flag, Instant, LongText, Name
from app.api.operations.call import Answer, Call
from app.api.operations.policies import Document
from app.api.operations.table import OPERATOR, Operations
from app.api.problems import FieldError, Problem
from app.api.strict import BIG_LIMIT
from app.usecases.policies import policies
from app.usecases.tenants import tenants
from app.views.tenant import Tenant

OPERATIONS = Operations("Operator and sandbox")

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


@OPERATIONS.put(
    "putTenant",
    "/v1/tenants/{tenant_id}",
    access=OPERATOR,
    key="natural",
    status=201,
    refusals=(409, 422),
    limit=BIG_LIMIT,
)
async def put_tenant(call: Call, tenant_id: TenantId, body: TenantBody) -> Answer[Tenant]:
    """A tenant under a policy. 201 the first time, 200 with the same body again, 409 with other content."""
    if (body.clock.mode == "virtual") != (body.clock.now is not None):
        raise Problem(
            "invalid_input",
            errors=[FieldError("/clock/now", "required", "A virtual clock needs `now`, a real one has none.")],
        )
    text = None if body.document is None else policies.document_text(body.document)
    own = None if text is None else await policies.read_draft(text)
    command = tenants.PutTenant(policy=body.policy, mode=body.clock.mode, now=body.clock.now, document=text)
    async with call.database.founding(tenant_id, actor=call.actor, validate_only=call.validate_only) as tx:
        status, view = await tenants.put(tx, command, own=own)
    return Answer(view, status)


@OPERATIONS.put("suspendTenant", "/v1/tenants/{tenant_id}/suspension", access=OPERATOR, refusals=(404,))
async def put_suspension(call: Call, tenant_id: TenantId, body: SuspensionBody) -> Tenant:
    """Suspends a tenant, or lifts it: ``{"suspended": false}``. Its keys stop, or go on, within a second."""
    view = await call.database.run(
        tenant_id,
        lambda tx: tenants.suspend(tx, suspended=body.suspended, reason=body.reason),
        actor=call.actor,
        validate_only=call.validate_only,
    )
    call.rooms.authenticator.forget()
    return view
