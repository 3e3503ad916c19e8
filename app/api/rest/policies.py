"""Policies: what is in force, validation of drafts, new versions, and the calculator."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, StringConstraints

from app.api.deps import Caller, KeyedCall, scoped
from app.api.headers import checking, tagged
from app.api.paging import ShortPaging
from app.api.problems import problems
from app.api.reply import Reply
from app.api.strict import (
    Body,
    Credits,
    CreditsOrZero,
    ExternalId,
    Inputs,
    Instant,
    Name,
    Ordinal,
    StrictRoute,
    big,
)
from app.usecases import policies, simulation

router = APIRouter(route_class=StrictRoute, tags=["Policies"])

PolicyName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
DocumentText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=400_000)]
Document = Annotated[
    DocumentText | dict[str, Any],
    Field(
        description="The policy document: YAML as a string, or the same as a JSON object",
        examples=["policy: acme\n..."],
    ),
]


class DraftBody(Body):
    """A draft to look at; nothing is written."""

    document: Document


class PolicyVersionBody(Body):
    """A new version, in force from ``effective_from`` (now, when absent)."""

    document: Document
    effective_from: Instant | None = None


class PriceBody(Body):
    """A question to the calculator."""

    category: Name = Field(examples=["aspe_transfer"])
    inputs: Inputs = Field(default_factory=dict, examples=[{"N": 3}])
    credits: CreditsOrZero | None = None
    customer_id: ExternalId | None = None
    license_id: ExternalId | None = None
    agreed_up_to: Credits | None = None


class SimulationBody(Body):
    """A draft, and the stretch of history to run it over: all of it unless said."""

    document: Document
    start: Instant | None = Field(default=None, alias="from", description="Recorded at or after")
    end: Instant | None = Field(default=None, alias="to", description="Recorded before")
    limit: Annotated[
        int,
        Field(
            strict=True,
            ge=1,
            le=simulation.MOST,
            description="Entries of history to run: orders, and what was done to tickets",
        ),
    ] = simulation.DEFAULT_LIMIT


@router.get("/v1/policies", operation_id="listPolicies")
async def list_policies(caller: Annotated[Caller, scoped("policies:read")], page: ShortPaging) -> Response:
    """The tenant's policy, with the version in force."""
    return await caller.short_page(page, policies.list_policies)


@router.get("/v1/policies/{name}", operation_id="getPolicy", responses=problems(404))
async def get_policy(
    name: PolicyName,
    caller: Annotated[Caller, scoped("policies:read")],
    version: Annotated[Ordinal | None, Query()] = None,
) -> Response:
    """A policy with every name a caller may use: categories, inputs, channels, languages, facts, reasons, causes,
    outcomes, milestones and labels, each with its clause, and the document itself. The ETag goes into If-Match."""
    view = await caller.ask(lambda tx: policies.get_policy(tx, name, version=version))
    return Reply(view, headers={"ETag": tagged(policies.tag_of(view))})


@router.post("/v1/policies/validate", operation_id="validatePolicy")
@big
async def validate_policy(body: DraftBody, caller: Annotated[Caller, scoped("policies:read")]) -> Response:
    """What is wrong with a draft, each finding with its line and what to write instead."""
    return await caller.read(lambda _: policies.validate(policies.document_text(body.document)))


@router.post(
    "/v1/policies/{name}/versions",
    operation_id="publishPolicy",
    status_code=201,
    responses=problems(404, 412, 422),
)
@big
async def publish_policy(
    name: PolicyName,
    body: PolicyVersionBody,
    caller: Annotated[Caller, scoped("policies:write")],
    call: KeyedCall,
) -> Response:
    """A new, immutable version. It never changes what was granted or quoted before."""
    document = policies.document_text(body.document)
    with caller.database.budget.one("publication", caller.tenant_id):
        return await call.keyed(
            "policies.publish",
            {"name": name},
            body.model_copy(update={"document": document}),
            lambda tx: policies.publish(
                tx, name, document=document, effective_from=body.effective_from, check=checking(call.request)
            ),
            status=201,
        )


@router.post("/v1/policies/{name}/price", operation_id="priceTicket", responses=problems(404, 422))
async def price(
    name: PolicyName, body: PriceBody, caller: Annotated[Caller, scoped("policies:read")]
) -> Response:
    """The calculator: what a category costs, by which clause, and whether the customer would have to confirm it."""
    return await caller.read(
        lambda tx: policies.price(
            tx,
            name,
            category=body.category,
            inputs=body.inputs,
            credits_=body.credits,
            agreed_up_to=body.agreed_up_to,
        )
    )


@router.post("/v1/policies/{name}/simulate", operation_id="simulatePolicy", responses=problems(404, 422))
@big
async def simulate_policy(
    name: PolicyName, body: SimulationBody, caller: Annotated[Caller, scoped("policies:read")]
) -> Response:
    """Runs a draft over the recorded history and says who would have been decided or charged differently. Writes
    nothing. ``complete`` false: there is more history than ``limit``."""
    with caller.database.budget.one("simulation", caller.tenant_id):
        draft = await policies.read_draft(policies.document_text(body.document))
        found = await simulation.simulate(
            caller.database,
            caller.tenant_id,
            name,
            draft=draft,
            start=body.start,
            end=body.end,
            limit=body.limit,
        )
        return Reply(found)
