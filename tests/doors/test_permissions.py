"""The permission matrix, made from the contract: every operation x no key, wrong scope, revoked, expired, forged,
another customer, the operator. An operation that is missing here is missing from the contract. Things of another tenant
have tests of their own (`test_things_of_others`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.usecases.tenants.keys import CUSTOMER_SCOPES, SCOPES, fresh_key
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor
from tests.support.contract import Operation, operations

OPEN = {"getLiveness", "getReadiness", "listProblems", "getProblem", "receiveDelivery"}
"""Need no key: health, the catalogue, and deliveries, which carry a secret in the path and a signature."""
OWN_REFUSAL = {"correctCause": "cause_scope_missing"}
"""Operations whose refusal says more than that a scope is missing."""
ALL = operations()
SECURED = [one for one in ALL if one.secured]


def ids(found: list[Operation]) -> list[str]:
    return [one.id for one in found]


@dataclass
class Cast:
    """Who tries."""

    acme: Vendor
    beta: Vendor
    clients: dict[str, httpx.AsyncClient]


@pytest_asyncio.fixture(scope="module")
async def cast(app: FastAPI) -> AsyncIterator[Cast]:
    acme, beta = await make_vendor(app, "cs-cart"), await make_vendor(app, "cs-cart")
    for one in (acme, beta):
        for customer in ("c-1", "c-2"):
            answer = await one.put(
                f"/v1/orders/{one.tenant_id}-{customer}",
                {
                    "customer_id": customer,
                    "placed_at": "2025-01-01T00:00:00Z",
                    "currency": "USD",
                    "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
                },
            )
            assert answer.status_code == 201, answer.text
    keys = [one["key_id"] for one in (await acme.get("/v1/keys")).json()["data"]]
    revoked = await acme.as_key("*", label="revoked")
    expired = await acme.as_key("*", label="expired", expires_at=soon())
    for one in (await acme.get("/v1/keys")).json()["data"]:
        if one["label"] == "revoked" and one["key_id"] not in keys:
            await acme.delete(f"/v1/keys/{one['key_id']}")
    token = await acme.post("/v1/customers/c-1/tokens", {"minutes": 5})
    assert token.status_code == 201, token.text
    await asyncio.sleep(1.6)
    clients = {
        "nobody": client_of(app, None),
        "revoked": revoked,
        "expired": expired,
        "forged": client_of(app, fresh_key("test")),
        "unsigned": client_of(app, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."),
        "token": client_of(app, token.json()["token"]),
        "operator": client_of(app, OPERATOR_KEY),
    }
    yield Cast(acme, beta, clients)
    for client in clients.values():
        await client.aclose()
    await acme.close()
    await beta.close()


def soon() -> str:
    from datetime import timedelta

    from app.api.deps import wall_clock

    return (wall_clock() + timedelta(seconds=1)).isoformat()


async def call(client: httpx.AsyncClient, operation: Operation, tenant: str, **known: str) -> httpx.Response:
    headers = {"Idempotency-Key": uuid.uuid4().hex} if operation.keyed else {}
    body: Any = operation.example()
    url = operation.url(tenant_id=tenant, **known)
    return await client.request(
        operation.method, url, json=body if operation.writes and body is not None else None, headers=headers
    )


def test_every_operation_says_who_may_call_it() -> None:
    assert {one.id for one in ALL if not one.secured} <= OPEN
    for one in SECURED:
        assert one.operators or one.scopes, one.id
        assert set(one.scopes) <= set(SCOPES), one.id
        assert {"400", "401", "403", "422", "429", "500", "503"} <= set(one.spec["responses"]), one.id


def test_operation_ids_are_stable_camel_case_and_unique() -> None:
    found = [one.id for one in ALL]
    assert len(found) == len(set(found))
    assert all(one[0].islower() and one.isalnum() for one in found)
    assert all(one.spec.get("tags") and one.spec.get("description") for one in ALL)


def test_every_published_scope_opens_something() -> None:
    used = {scope for one in ALL for scope in one.scopes}
    assert used <= set(SCOPES)


@pytest.mark.parametrize("operation", SECURED, ids=ids(SECURED))
@pytest.mark.parametrize("who", ["nobody", "revoked", "expired", "forged", "unsigned"])
async def test_without_a_live_key_the_answer_is_401_whatever_is_asked(
    cast: Cast, operation: Operation, who: str
) -> None:
    answer = await call(cast.clients[who], operation, cast.acme.tenant_id, customer_id="c-1")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), answer.text


@pytest.mark.parametrize("operation", SECURED, ids=ids(SECURED))
async def test_without_the_scope_the_answer_is_403_naming_it(cast: Cast, operation: Operation) -> None:
    others = [one for one in SCOPES if one != "*" and one not in operation.scopes]
    client = await cast.acme.as_key(*others)
    answer = await call(client, operation, cast.acme.tenant_id, customer_id="c-1")
    assert answer.status_code == 403, answer.text
    body = answer.json()
    if operation.scopes:
        code = OWN_REFUSAL.get(operation.id, "scope_missing")
        assert (body["code"], body["scope"]) == (code, operation.scopes[0])
    else:
        assert body["code"] == "operator_only"


@pytest.mark.parametrize("operation", SECURED, ids=ids(SECURED))
async def test_the_operator_does_nothing_but_tenants_and_keys(cast: Cast, operation: Operation) -> None:
    if operation.operators:
        pytest.skip("the operator's own")
    answer = await call(cast.clients["operator"], operation, cast.acme.tenant_id, customer_id="c-1")
    assert (answer.status_code, answer.json()["code"]) == (403, "operator_not_allowed"), answer.text


@pytest.mark.parametrize("operation", SECURED, ids=ids(SECURED))
async def test_a_customer_token_reads_its_own_customer_and_nothing_else(cast: Cast, operation: Operation) -> None:
    answer = await call(cast.clients["token"], operation, cast.acme.tenant_id, customer_id="c-2")
    assert answer.status_code in (403, 404), answer.text
    own = await call(cast.clients["token"], operation, cast.acme.tenant_id, customer_id="c-1")
    if own.status_code < 400:
        assert operation.method == "GET"
        assert set(operation.scopes) & set(CUSTOMER_SCOPES)
        assert "c-2" not in own.text
    else:
        assert own.status_code in (403, 404), own.text
