"""Tenants: made, suspended and moved by the call."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field

from app.api.deps import wall_clock
from app.api.fields import Body, Flag, Instant, LongText, Name, QueryText
from app.api.operations.call import Answer, Call
from app.api.operations.policies import Document
from app.api.operations.table import OPERATOR, Operations
from app.api.problems import FieldError, Problem
from app.api.strict import BIG_LIMIT
from app.domain.values.errors import DomainError
from app.usecases.policies import policies
from app.usecases.tenants import moves, tenants
from app.views.shapes import PageOf
from app.views.tenant import Tenant, TenantMove

OPERATIONS = Operations("Operator and sandbox")

Address = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=500, pattern=r"^https?://[!-~]+$", examples=["https://cell-2.example"]),
]
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


@OPERATIONS.get("listTenants", "/v1/tenants", access=OPERATOR, paging="pages")
async def list_tenants(
    call: Call,
    query: Annotated[QueryText | None, Query(description="Part of the id, in any case")] = None,
    policy: QueryText | None = None,
    suspended: bool | None = None,
) -> Answer[PageOf[Tenant]]:
    """The tenants that live on this server, by their ids. With `policy` or `suspended` a page may have fewer rows."""
    database = call.rooms.database

    async def view_of(tenant_id: str) -> Tenant | None:
        try:
            found = await database.read(tenant_id, tenants.get)
        except DomainError:  # it has gone since
            return None
        same = policy in (None, found["policy"]) and suspended in (None, found["suspended"])
        return found if same else None

    named = [name for name in await database.tenant_ids() if query is None or query.lower() in name.lower()]
    return await call.pages_of(sorted(named), view_of)


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
    status, view = await call.database.found(
        tenant_id, lambda tx: tenants.put(tx, command, own=own), actor=call.actor, validate_only=call.validate_only
    )
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


class MoveBody(Body):
    """A step of a tenant's move to another server, or its end."""

    state: Literal["here", "leaving", "moving", "moved", "arriving"] = Field(
        description="`leaving`, `moving`, `moved` on the server it leaves; `arriving` on the other; then `here`"
    )
    address: Address | None = Field(default=None, description="The address of the server that it moves to")


@OPERATIONS.get("getTenantMove", "/v1/tenants/{tenant_id}/move", access=OPERATOR, refusals=(404,))
async def get_move(call: Call, tenant_id: TenantId) -> TenantMove:
    """Whether a tenant lives on this server, moves, or has moved. See docs/scale.md for a whole move."""
    return await call.database.read(tenant_id, moves.get, even_moved=True)


@OPERATIONS.put("putTenantMove", "/v1/tenants/{tenant_id}/move", access=OPERATOR, refusals=(404, 409))
async def put_move(call: Call, tenant_id: TenantId, body: MoveBody) -> TenantMove:
    """Brings a tenant's move to a state, or gives it up: ``{"state": "here"}``. The same state again changes nothing.

    While it is ``moving`` writes are 503 ``tenant_moving``; once it has ``moved`` all calls are 421 ``tenant_moved``.
    """
    view = await call.database.found(
        tenant_id,
        lambda tx: moves.put(tx, body.state, body.address, now=wall_clock()),
        actor=call.actor,
        validate_only=call.validate_only,
        even_moved=True,
    )
    call.rooms.authenticator.forget()
    return view
