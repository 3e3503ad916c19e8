"""Every field of Query and Mutation x who may not: no key, a forged one, a revoked one, wrong scopes, the operator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
from fastapi import FastAPI
from graphql import GraphQLNonNull, get_named_type, is_leaf_type

from app.api.graphql.names import field_name
from app.api.graphql.schema import Door, build
from app.usecases.tenants.keys import SCOPES
from tests.conftest import MakeVendor
from tests.doors.test_permissions import OWN_REFUSAL
from tests.graphql.test_bad_input import sample
from tests.support.api import OPERATOR_KEY, client_of
from tests.support.graphql import send

OPEN = {"listProblems", "getProblem"}
"""Need no scope: the catalogue of codes."""


def requests(door: Door) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(operation, document, variables) of every field that stands for an operation."""
    for name, operation in door.operations.items():
        reads = operation.asks
        root = door.core.query_type if reads else door.core.mutation_type
        assert root is not None
        field = root.fields[field_name(name) if operation.method == "GET" else name]
        needed = {key: one for key, one in field.args.items() if isinstance(one.type, GraphQLNonNull)}
        declared = ", ".join(f"${key}: {one.type}" for key, one in needed.items())
        passed = ", ".join(f"{key}: ${key}" for key in needed)
        at = field_name(name) if operation.method == "GET" else name
        below = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
        head = ("query" if reads else "mutation") + (f"({declared})" if declared else "")
        call = f"answer: {at}" + (f"({passed})" if passed else "")
        yield name, f"{head} {{ {call}{below} }}", {key: sample(one.type) for key, one in needed.items()}


async def refused(client: httpx.AsyncClient, query: str, variables: dict[str, Any]) -> tuple[int, str]:
    answer = await send(client, query, variables)
    body = answer.json()
    assert not (body.get("data") or {}).get("answer"), (query, answer.text)
    assert body.get("errors"), (query, answer.text)
    return answer.status_code, str(body["errors"][0]["extensions"]["code"])


async def test_a_key_with_every_other_scope_opens_nothing_more(app: FastAPI, vendor: MakeVendor) -> None:
    door, one = build(), await vendor()
    clients: dict[tuple[str, ...], httpx.AsyncClient] = {}
    for name, query, variables in requests(door):
        scopes = door.operations[name].scopes
        if name in OPEN:
            continue
        others = tuple(scope for scope in SCOPES if scope not in (*scopes, "*"))
        if others not in clients:
            clients[others] = await one.as_key(*others)
        status, code = await refused(clients[others], query, variables)
        assert (status, code) in {
            (294, "scope_missing"),
            (294, "operator_only"),
            (294, "tenant_not_found"),
            (294, OWN_REFUSAL.get(name, "scope_missing")),
        }, name


async def test_the_operators_key_opens_the_operators_fields_alone(app: FastAPI) -> None:
    door = build()
    async with client_of(app, OPERATOR_KEY) as operator:
        for name, query, variables in requests(door):
            if name in OPEN or door.operations[name].operator:
                continue
            status, code = await refused(operator, query, variables)
            assert (status, code) == (294, "operator_not_allowed"), name


async def test_a_customers_token_opens_its_own_customer_alone(app: FastAPI, vendor: MakeVendor) -> None:
    """Every field, asked about somebody else: nothing, and nothing is done."""
    door, one = build(), await vendor()
    for customer in ("c-1", "x"):
        grant = {"credits": 5, "reason": "welcome"}
        await one.ok(await one.post(f"/v1/customers/{customer}/adjustments", grant))
    token = (await one.ok(await one.post("/v1/customers/c-1/tokens", {"minutes": 5})))["token"]
    async with client_of(app, token) as page:
        for name, query, variables in requests(door):
            if name in OPEN:
                continue
            answer = (await send(page, query, variables)).json()
            found = (answer.get("data") or {}).get("answer")
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert found is None or name == "listOffers", (name, answer)
            own = OWN_REFUSAL.get(name, "scope_missing")
            unknown = {"kind_not_found"} if name == "explain" else set()  # the sample is no kind of anything
            assert codes <= {"scope_missing", "customer_token_not_allowed", "operator_only", own} | unknown, (
                name,
                answer,
            )
            if door.operations[name].method != "GET":
                assert codes, name
    after = await one.ok(await one.get("/v1/customers/x/balance"))
    assert after["available"] == 5


async def test_without_a_live_key_nothing_is_even_read(app: FastAPI, vendor: MakeVendor) -> None:
    door, one = build(), await vendor()
    gone = await one.as_key("*", label="gone")
    row = next(row for row in (await one.get("/v1/keys")).json()["data"] if row["label"] == "gone")
    assert (await one.delete(f"/v1/keys/{row['key_id']}")).status_code == 200
    async with client_of(app, None) as nobody, client_of(app, "rtn_test_" + "0" * 32 + "_000000") as forged:
        for name, query, variables in requests(door):
            for client in (nobody, forged, gone):
                assert await refused(client, query, variables) == (401, "unauthorized"), name
