"""Keys of a tenant, and tokens for one customer."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import Field, StringConstraints

from app.api.addresses import page_address
from app.api.deps import wall_clock
from app.api.fields import Body, Facts, Instant, PathId, ShortText
from app.api.operations.acting import ActingAgentBody
from app.api.operations.call import NO_STORE, Answer, Call
from app.api.operations.table import OPERATOR, OWNER_IN_PATH, OWNER_IN_QUERY, Operations
from app.api.operations.tenants import TenantId
from app.api.problems import Problem
from app.domain.values.agent import Agent
from app.usecases.tenants import keys, operator_sessions, sessions
from app.views.customer import CustomerToken
from app.views.key import ApiKey, OperatorSignInLink, SignInLink
from app.views.shapes import PageOf

OPERATIONS = Operations("Operator and sandbox")
PAGE: Final = r"^/(?:desk|card)(?:[/?][!-~]*)?$"
"""The pages that people of the vendor look at."""


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
    """How long a customer token lives, and whether it acts for the customer."""

    minutes: Annotated[int, Field(strict=True, ge=1, le=keys.MAX_TOKEN_MINUTES)] = keys.MAX_TOKEN_MINUTES
    may: Literal["read", "act"] = "read"


class SignInLinkBody(Body):
    """Who signs in by a link, what for, and how long the link waits. ``page``: where it leads."""

    scopes: Annotated[list[ShortText], Field(min_length=1, max_length=50, examples=[["*"]])]
    person: ActingAgentBody
    minutes: Annotated[int, Field(strict=True, ge=1, le=sessions.LINK_MINUTES_MAX)] = 10
    page: Annotated[str, StringConstraints(strict=True, max_length=500, pattern=PAGE)] = "/desk"


class OperatorLinkBody(Body):
    """How long the link waits."""

    minutes: Annotated[int, Field(strict=True, ge=1, le=sessions.LINK_MINUTES_MAX)] = 10


TenantQuery = Annotated[str | None, Query(min_length=1, max_length=100, description="Whose keys; for the operator")]


@OPERATIONS.post("createKey", "/v1/tenants/{tenant_id}/keys", access=OWNER_IN_PATH, status=201, refusals=(404,))
async def create_key(call: Call, tenant_id: TenantId, body: KeyBody) -> Answer[ApiKey]:
    """A key of the tenant. It is shown in this answer and never again."""
    return Answer(
        await call.write(
            lambda tx: keys.create(
                tx,
                scopes=body.scopes,
                label=body.label,
                expires_at=body.expires_at,
                now=wall_clock(),
                options=body.options,
            )
        ),
        call.operation.status,
        NO_STORE,
    )


@OPERATIONS.get("listKeys", "/v1/keys", access=OWNER_IN_QUERY, paging="pages", refusals=(404,))
async def list_keys(call: Call, tenant_id: TenantQuery = None) -> Answer[PageOf[ApiKey]]:
    """The tenant's keys, without the keys themselves."""
    return await call.pages(lambda tx, part: keys.list_keys(tx, part, now=wall_clock()))


@OPERATIONS.delete("revokeKey", "/v1/keys/{key_id}", access=OWNER_IN_QUERY, refusals=(404,))
async def revoke_key(call: Call, key_id: PathId, tenant_id: TenantQuery = None) -> ApiKey:
    """Ends a key for good. It stops within a second."""
    view = await call.write(lambda tx: keys.revoke(tx, key_id, now=wall_clock()))
    call.rooms.authenticator.forget()
    return view


@OPERATIONS.post("rotateKey", "/v1/keys/{key_id}/rotation", access=OWNER_IN_QUERY, status=201, refusals=(404, 409))
async def rotate_key(
    call: Call, key_id: PathId, body: KeyRotationBody, tenant_id: TenantQuery = None
) -> Answer[ApiKey]:
    """A successor with the same scopes; both live until the overlap is over."""
    view = await call.write(lambda tx: keys.rotate(tx, key_id, overlap_seconds=body.overlap_seconds, now=wall_clock()))
    call.rooms.authenticator.forget()
    return Answer(view, call.operation.status, NO_STORE)


@OPERATIONS.post(
    "createSignInLink", "/v1/tenants/{tenant_id}/sign-in-links", access=OWNER_IN_PATH, status=201, refusals=(404,)
)
async def create_sign_in_link(call: Call, tenant_id: TenantId, body: SignInLinkBody) -> Answer[SignInLink]:
    """A link that signs a person of the vendor in to the pages, once, with these scopes."""
    address = page_address(call.rooms.settings, "/sign-in")
    person: Agent = {"id": body.person.id, "name": body.person.name}
    return Answer(
        await call.write(
            lambda tx: sessions.make_link(
                tx,
                scopes=body.scopes,
                person=person,
                minutes=body.minutes,
                now=wall_clock(),
                page=body.page,
                address=address,
            )
        ),
        call.operation.status,
        NO_STORE,
    )


@OPERATIONS.post("createOperatorSignInLink", "/v1/operator/sign-in-links", access=OPERATOR, status=201)
async def create_operator_sign_in_link(call: Call, body: OperatorLinkBody) -> Answer[OperatorSignInLink]:
    """A link that opens the operator's page of all tenants, once, for an hour. No page of a tenant opens by it."""
    key = call.rooms.settings.operator_key
    if key is None:  # a command of this machine, whose service knows no operator
        raise Problem("operator_only")
    link = await operator_sessions.make_link(
        call.rooms.database,
        key.get_secret_value(),
        minutes=body.minutes,
        now=wall_clock(),
        address=page_address(call.rooms.settings, "/sign-in"),
        validate_only=call.validate_only,
    )
    return Answer(link, call.operation.status, NO_STORE)


@OPERATIONS.post(
    "createCustomerToken", "/v1/customers/{customer_id}/tokens", scope="customers:read", status=201, refusals=(404,)
)
async def create_customer_token(call: Call, customer_id: PathId, body: TokenBody) -> Answer[CustomerToken]:
    """An opaque token for this customer, at most ten minutes, and the `url` of the page that it opens.

    It reads. With `may` `act` it does what a customer may do: confirm or decline a quote, choose, withdraw, dispute,
    resume, answer what a ticket asks for. That wants the scope `tickets:write`.
    """
    if body.may == "act":
        call.require("tickets:write")
    address = page_address(call.rooms.settings, "/account")
    return Answer(
        await call.write(
            lambda tx: keys.customer_token(
                tx, customer_id, minutes=body.minutes, now=wall_clock(), may=body.may, address=address
            )
        ),
        call.operation.status,
        NO_STORE,
    )
