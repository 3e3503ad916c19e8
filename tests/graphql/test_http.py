"""GraphQL over HTTP: media types, methods, parameters, status codes; who may introspect, and trusted documents."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.api.graphql.documents import id_of
from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, client_of
from tests.support.graphql import ACCEPT, ask, send
from tests.support.nasty import RAW

QUERY = "{ __typename }"
JSON = "application/json"


def code_of(answer: httpx.Response) -> str:
    body = answer.json()
    assert "data" not in body, answer.text
    code: str = body["errors"][0]["extensions"]["code"]
    return code


async def test_answers_are_of_the_type_that_is_accepted(vendor: MakeVendor) -> None:
    client = (await vendor()).client
    for accept, wanted in (
        (ACCEPT, ACCEPT),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{JSON}, {ACCEPT}", ACCEPT),
        (f"{ACCEPT};q=0.5, {JSON}", JSON),
        (f"{ACCEPT}; charset=utf-8, {JSON};q=0.9", ACCEPT),
        ("text/html, */*;q=0.1", JSON),
    ):
        answer = await send(client, QUERY, headers={"Accept": accept})
        assert answer.status_code == 200, accept
        assert answer.headers["content-type"] == f"{wanted}; charset=utf-8", accept
    refused = await send(client, QUERY, headers={"Accept": "text/plain"})
    assert (refused.status_code, code_of(refused)) == (406, "not_acceptable")


async def test_wrong_documents_are_4xx_without_data_and_200_for_callers_of_old(vendor: MakeVendor) -> None:
    client = (await vendor()).client
    wrong = (
        ("{", "graphql_syntax"),
        ("{ nothing }", "graphql_invalid"),
        ("query A { __typename } query B { __typename }", "graphql_invalid"),
        ("fragment F on Query { __typename }", "graphql_invalid"),
        ("subscription { __typename }", "graphql_invalid"),
    )
    for query, code in wrong:
        answer = await send(client, query)
        assert (answer.status_code, code_of(answer)) == (400, code), answer.text
        old = await send(client, query, headers={"Accept": JSON})
        assert (old.status_code, code_of(old)) == (200, code), old.text
    coerced = await send(client, "query($id: ID!) { ticket(ticketId: $id) { state } }", {"id": None})
    assert (coerced.status_code, code_of(coerced)) == (400, "invalid_input")
    unknown = await send(client, QUERY, body={"operationName": "Nothing"})
    assert unknown.status_code == 400


async def test_a_literal_that_a_scalar_refuses_is_no_fault_of_ours(
    vendor: MakeVendor, caplog: pytest.LogCaptureFixture
) -> None:
    """The message names what is wrong, as for every other wrong document, and nothing is logged as a fault."""
    acme = await vendor("avactis")
    query = '{ balance(customerId: "c-1", asOf: "0502-02-21T03:14:00Z") { available } }'
    answer = await acme.client.post("/graphql", json={"query": query})
    (error,) = answer.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["status"]) == ("invalid_input", 422)
    (wrong,) = error["extensions"]["errors"]
    assert (wrong["pointer"], wrong["code"]) == ("/asOf", "instant_out_of_range")
    assert [one for one in caplog.records if one.getMessage() == "fault"] == []


async def test_get_asks_and_never_does(vendor: MakeVendor) -> None:
    client = (await vendor()).client
    answer = await client.get("/graphql", params={"query": QUERY}, headers={"Accept": ACCEPT})
    assert answer.json() == {"data": {"__typename": "Query"}}
    given = {"query": "query($a: Boolean!) { __typename @include(if: $a) }", "variables": '{"a": true}'}
    assert (await client.get("/graphql", params=given)).json() == {"data": {"__typename": "Query"}}
    mutation = await client.get("/graphql", params={"query": "mutation { __typename }"}, headers={"Accept": ACCEPT})
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    for params in (
        {"query": ""},
        {"variables": "{}"},
        {"query": QUERY, "variables": "[1]"},
        {"query": QUERY, "extra": "1"},
    ):
        refused = await client.get("/graphql", params=params, headers={"Accept": ACCEPT})
        assert refused.status_code == 400, params
    twice = await client.get("/graphql?query={__typename}&query={__typename}", headers={"Accept": ACCEPT})
    assert twice.status_code == 400
    for method in ("PUT", "DELETE", "PATCH"):
        other = await client.request(method, "/graphql")
        assert (other.status_code, other.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


async def test_parameters_of_the_wrong_kind_are_400(vendor: MakeVendor) -> None:
    client = (await vendor()).client
    for body in (
        {"query": 1},
        {"query": ["x"]},
        {"query": QUERY, "variables": []},
        {"query": QUERY, "variables": "x"},
        {},
        {"query": QUERY, "operationName": 1},
        {"query": QUERY, "extensions": 1},
        {"query": QUERY, "extra": 1},
        [{"query": QUERY}],
        {"documentId": "sha256:0"},
    ):
        answer = await client.post("/graphql", json=body, headers={"Accept": ACCEPT})
        assert (answer.status_code, code_of(answer)) == (400, "malformed_request"), body
    nulls = {"query": QUERY, "variables": None, "operationName": None, "extensions": None, "documentId": None}
    assert (await client.post("/graphql", json=nulls)).json() == {"data": {"__typename": "Query"}}
    for headers, status in (
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/graphql"}, 415),
        ({"Content-Type": "application/json; charset=utf-16"}, 415),
        ({"Content-Type": JSON, "Content-Encoding": "gzip"}, 415),
    ):
        answer = await client.post("/graphql", content=json.dumps({"query": QUERY}), headers=headers)
        assert answer.status_code == status, headers


async def test_bodies_that_are_no_request_are_4xx_with_a_code(vendor: MakeVendor) -> None:
    client = (await vendor()).client
    for name, raw in RAW:
        answer = await client.post("/graphql", content=raw, headers={"Content-Type": JSON, "Accept": ACCEPT})
        assert 400 <= answer.status_code < 500, (name, answer.text)
        assert code_of(answer), name


async def test_who_calls_is_checked_before_anything_is_read(app: FastAPI, vendor: MakeVendor) -> None:
    async with client_of(app, None) as nobody, client_of(app, "rtn_live_forged") as forged:
        for client in (nobody, forged):
            answer = await send(client, QUERY)
            assert (answer.status_code, code_of(answer)) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_introspection_is_open_to_sandbox_keys_and_to_whom_the_option_says(
    app: FastAPI, vendor: MakeVendor
) -> None:
    sandbox, live = await vendor(), await vendor(now=None)
    question = "{ __schema { queryType { name } } }"
    assert (await ask(sandbox, question))["__schema"]["queryType"]["name"] == "Query"
    for query in (
        question,
        '{ __type(name: "Ticket") { name } }',
        "{ _service { sdl } }",
        "{ ...F } fragment F on Query { __schema { description } }",
    ):
        refused = await send(live.client, query)
        assert (refused.status_code, code_of(refused)) == (403, "introspection_refused"), query
    assert (await ask(live, QUERY))["__typename"] == "Query"
    opened = await live.as_key("*", options={"introspection": True})
    assert (await ask(opened, "{ _service { sdl } }"))["_service"]["sdl"]
    closed = await sandbox.as_key("*", options={"introspection": False})
    assert (await send(closed, question)).status_code == 403


async def test_trusted_documents_by_key(vendor: MakeVendor) -> None:
    """Off by default; `allow` runs them by id beside others; `only` runs nothing else."""
    one = await vendor()
    folder = Path(__file__).parents[2] / "app" / "api" / "graphql" / "documents"
    text = (folder / "sidebar.graphql").read_text()
    named = {"documentId": id_of(text), "variables": {"customerId": "nobody"}}
    allow, only = (
        await one.as_key("*", options={"documents": "allow"}),
        await one.as_key("*", options={"documents": "only"}),
    )
    headers = {"Accept": ACCEPT}
    assert code_of(await one.client.post("/graphql", json=named, headers=headers)) == "malformed_request"
    for client in (allow, only):
        answer = await client.post("/graphql", json=named, headers=headers)
        assert answer.json() == {"data": {"customer": None}}, answer.text
        unknown = await client.post("/graphql", json={"documentId": "sha256:" + "0" * 64}, headers=headers)
        assert (unknown.status_code, code_of(unknown)) == (404, "document_unknown")
    assert (await ask(allow, QUERY))["__typename"] == "Query"
    refused = await send(only, QUERY)
    assert (refused.status_code, code_of(refused)) == (403, "document_required")
    assert (await send(only, text, {"customerId": "nobody"})).status_code == 200
    mixed = await allow.post("/graphql", json={**named, "query": QUERY}, headers=headers)
    assert code_of(mixed) == "malformed_request"


async def test_graphiql_asks_nobody_else(app: FastAPI) -> None:
    async with client_of(app, None) as browser:
        page = await browser.get("/graphql", headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.status_code == 200
        assert "http://" not in page.text
        assert "https://" not in page.text
        policy = page.headers["content-security-policy"]
        assert "'unsafe-eval'" not in policy
        assert "default-src 'none'" in policy
        for part in page.text.split('"'):
            if part.startswith("static/"):
                assert (await browser.get(f"/{part}")).status_code == 200, part


async def test_the_operator_does_the_operators_work(app: FastAPI) -> None:
    async with client_of(app, OPERATOR_KEY) as operator:
        query = """mutation($input: PutTenantInput!) {
          putTenant(input: $input) { ... on Tenant { tenantId clock { mode now } } ... on Refusal { code } }
        }"""
        given = {
            "tenantId": "graph-1",
            "policy": "avactis",
            "clock": {"mode": "virtual", "now": "2025-01-01T00:00:00Z"},
        }
        made = (await ask(operator, query, input=given))["putTenant"]
        assert made == {"tenantId": "graph-1", "clock": {"mode": "virtual", "now": "2025-01-01T00:00:00Z"}}
        refused = (await ask(operator, query, input={**given, "policy": "shopp"}))["putTenant"]
        assert refused == {"code": "tenant_conflict"}
        answer = await send(operator, "{ tickets { nodes { ticketId } } }")
        assert answer.status_code == 294
        assert answer.json()["errors"][0]["extensions"]["code"] == "operator_not_allowed"
