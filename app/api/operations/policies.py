"""Policies: what is in force, validation of drafts, new versions, and the calculator."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field, StringConstraints

from app.api.fields import (
    Body,
    Credits,
    CreditsOrZero,
    ExternalId,
    Facts,
    Flag,
    Inputs,
    Instant,
    Name,
    Ordinal,
    PathNumber,
    ShortText,
)
from app.api.headers import tagged
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.api.strict import BIG_LIMIT
from app.domain.tickets.calculator import WorkAsked
from app.usecases import simulation
from app.usecases.policies import policies
from app.usecases.policies.price import PriceQuestion
from app.usecases.policies.price import price as calculate
from app.views.policy import Policy, PolicyCheck, PolicyRow, PublishedPolicy
from app.views.policy_version import PolicyComparison, PolicySource, VersionRow
from app.views.price import Price
from app.views.shapes import PageOf
from app.views.simulation import PolicySimulation

OPERATIONS = Operations("Policies")

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


class ComparedBody(DraftBody):
    """A draft to compare with a version of the policy: the one in force, unless fields."""

    version: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(default=None, examples=[None])


class PolicyVersionBody(Body):
    """A new version, in force from ``effective_from`` (now, when absent)."""

    document: Document
    effective_from: Instant | None = None


class WorkAskedBody(Body):
    """A line of work that might be logged; it begins when the ticket is opened, unless fields."""

    minutes: Annotated[int, Field(strict=True, ge=1, le=10_080)]
    kind: ShortText | None = None
    billable: Flag = True
    occurred_at: Instant | None = None


class PriceBody(Body):
    """A question to the calculator."""

    category: Name = Field(examples=["aspe_transfer"])
    inputs: Inputs = Field(default_factory=dict, examples=[{"N": 3}])
    credits: CreditsOrZero | None = None
    customer_id: ExternalId | None = None
    license_id: ExternalId | None = None
    agreed_up_to: Credits | None = None
    channel: ShortText | None = Field(default=None, examples=["helpdesk"])
    product: ShortText | None = None
    priority: ShortText | None = Field(default=None, examples=[None])
    facts: Facts = Field(default_factory=dict, examples=[{}])
    opened_at: Instant | None = None
    work: list[WorkAskedBody] = Field(default_factory=list, max_length=100, examples=[[]])
    document: Document | None = Field(
        default=None, description="A draft to price by, in place of the version in force", examples=[None]
    )


class SimulationBody(Body):
    """A draft, and the stretch of history to run it over: all of it unless fields."""

    document: Document
    start: Instant | None = Field(default=None, alias="from", description="Recorded at or after")
    end: Instant | None = Field(default=None, alias="to", description="Recorded before")
    limit: Annotated[
        int,
        Field(
            strict=True,
            ge=1,
            le=simulation.ENTRIES_MAX,
            description="Entries of history to run: orders, and what was done to tickets",
        ),
    ] = simulation.DEFAULT_LIMIT


@OPERATIONS.get("listPolicies", "/v1/policies", scope="policies:read", paging="short")
async def list_policies(call: Call) -> Answer[PageOf[PolicyRow]]:
    """The tenant's policy, with the version in force."""
    return await call.short_page(policies.list_policies)


@OPERATIONS.get("getPolicy", "/v1/policies/{name}", scope="policies:read", refusals=(404,))
async def get_policy(
    call: Call, name: PolicyName, version: Annotated[Ordinal | None, Query()] = None
) -> Answer[Policy]:
    """A policy with every name that a caller may use, and the document itself. Each name has its clause: categories,
    inputs, channels, languages, facts, reasons, causes, outcomes, milestones and labels. The ETag goes into If-Match.
    """
    view = await call.read(lambda tx: policies.get_policy(tx, name, version=version))
    return Answer(view, headers={"ETag": tagged(policies.tag_of(view))}, versioned=True)


@OPERATIONS.get("getPolicySource", "/v1/policies/{name}/source", scope="policies:read", refusals=(404,))
async def get_policy_source(
    call: Call, name: PolicyName, version: Annotated[Ordinal | None, Query()] = None
) -> PolicySource:
    """The document of a version as YAML, as its author wrote it, with comments. JSON is written out as YAML."""
    found = await call.read(lambda tx: policies.stored(tx, name, version=version))
    async with one_check(call):
        return await policies.source_of(found)


def one_check(call: Call) -> AbstractAsyncContextManager[None]:
    """A tenant's drafts are checked one after another, without a connection; 429 ``tenant_busy`` beyond the bound."""
    return call.database.budget.writes.turn((call.tenant_id, "draft"))


@OPERATIONS.post("validatePolicy", "/v1/policies/validate", scope="policies:read", limit=BIG_LIMIT, question=True)
async def validate_policy(call: Call, body: DraftBody) -> PolicyCheck:
    """What is wrong with a draft, each finding with its line and what to write instead."""
    async with one_check(call):
        return await policies.validate(policies.document_text(body.document))


@OPERATIONS.post(
    "publishPolicy",
    "/v1/policies/{name}/versions",
    scope="policies:write",
    key="keyed",
    status=201,
    refusals=(404, 412, 422),
    limit=BIG_LIMIT,
)
async def publish_policy(call: Call, name: PolicyName, body: PolicyVersionBody) -> Answer[PublishedPolicy]:
    """A new, immutable version. It never changes what was granted or quoted before."""
    document = policies.document_text(body.document)
    with call.database.budget.one("publication", call.tenant_id):
        async with one_check(call):
            checked = await policies.check(document)
        answer = await call.keyed(
            "policies.publish",
            body.model_copy(update={"document": document}),
            lambda tx: policies.publish(
                tx,
                name,
                document=document,
                checked=checked,
                effective_from=body.effective_from,
                matching=call.conditions.check,
            ),
        )
    return replace(answer, rest=lambda: call.read(lambda tx: policies.whole(tx, checked, answer.view)))


@OPERATIONS.post(
    "comparePolicy",
    "/v1/policies/{name}/comparison",
    scope="policies:read",
    refusals=(404, 422),
    limit=BIG_LIMIT,
    question=True,
)
async def compare_policy(call: Call, name: PolicyName, body: ComparedBody) -> PolicyComparison:
    """What a draft says otherwise than a version, each difference in a sentence."""
    async with one_check(call):
        draft = await policies.read_draft(policies.document_text(body.document))
    found = await call.read(lambda tx: policies.stored(tx, name, version=body.version))
    async with one_check(call):
        return await policies.compare(found, draft)


@OPERATIONS.delete(
    "withdrawPolicyVersion", "/v1/policies/{name}/versions/{version}", scope="policies:write", refusals=(404, 409)
)
async def withdraw_policy_version(call: Call, name: PolicyName, version: PathNumber) -> VersionRow:
    """Takes back a version whose day has not come. Its number and its text stay."""
    return await call.write(lambda tx: policies.withdraw(tx, name, version))


@OPERATIONS.post(
    "priceTicket",
    "/v1/policies/{name}/price",
    scope="policies:read",
    refusals=(404, 422),
    limit=BIG_LIMIT,
    question=True,
)
async def price(call: Call, name: PolicyName, body: PriceBody) -> Price:
    """The calculator: what a category costs, by which clause, and whether the customer would have to confirm it."""
    fields = body.plain()
    document = fields.pop("document")
    question = PriceQuestion(**{**fields, "work": [WorkAsked(**line) for line in fields["work"]]})
    draft = None
    if document is not None:
        async with one_check(call):
            draft = await policies.read_draft(policies.document_text(document))
    return await call.read(lambda tx: calculate(tx, name, question, draft=draft))


@OPERATIONS.post(
    "simulatePolicy",
    "/v1/policies/{name}/simulate",
    scope="policies:read",
    refusals=(404, 422),
    limit=BIG_LIMIT,
    question=True,
)
async def simulate_policy(call: Call, name: PolicyName, body: SimulationBody) -> PolicySimulation:
    """Runs a draft over the recorded history and says who would have been decided or charged differently. Writes
    nothing. ``complete`` false: there is more history than ``limit``."""
    with call.database.budget.one("simulation", call.tenant_id):
        async with one_check(call):
            draft = await policies.read_draft(policies.document_text(body.document))
        return await simulation.simulate(
            call.database, call.tenant_id, name, draft=draft, start=body.start, end=body.end, limit=body.limit
        )
