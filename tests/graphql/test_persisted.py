"""Documents by their hash, as Apollo's clients send it; and what clients send beside."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.main import create_app
from tests.conftest import MakeVendor
from tests.support.api import Vendor, make_vendor, running, settings_for
from tests.support.graphql import ACCEPT

QUERY = "{ __typename }"
DATA = {"data": {"__typename": "Query"}}
SHIPPED = (Path(__file__).parents[2] / "app/api/graphql/documents/sidebar.graphql").read_text()
NOBODY = {"customerId": "nobody"}


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def persisted(hash_: Any, version: Any = 1) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": hash_}}}


async def post(client: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    return await client.post("/graphql", json=body, headers={"Accept": ACCEPT})


async def get(client: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    params = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    return await client.get("/graphql", params=params, headers={"Accept": ACCEPT})


@pytest.mark.parametrize("send", [post, get])
async def test_a_hash_that_is_not_registered_is_told_as_apollo_tells_it(vendor: MakeVendor, send: Any) -> None:
    one = await vendor()
    for options in ({}, {"documents": "allow"}, {"documents": "only"}):
        client = await one.as_key("*", options=options)
        answer = await send(client, persisted(hash_of(QUERY)))
        assert answer.status_code == 200, answer.text
        (error,) = answer.json()["errors"]
        assert error["message"] == "PersistedQueryNotSupported"
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"
        assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    # What Apollo's link sends next: the text, alone or with its hash.
    for body in ({"query": QUERY}, {"query": QUERY, **persisted(hash_of(QUERY))}):
        assert (await send(one.client, body)).json() == DATA


@pytest.mark.parametrize("send", [post, get])
async def test_a_trusted_document_runs_by_its_hash_in_either_form(vendor: MakeVendor, send: Any) -> None:
    one = await vendor()
    bare = hash_of(SHIPPED)
    for mode in ("allow", "only"):
        client = await one.as_key("*", options={"documents": mode})
        for body in (
            {"documentId": bare},
            {"documentId": f"sha256:{bare}"},
            {"doc_id": bare},
            {"id": f"sha256:{bare}"},
            persisted(bare),
            persisted(f"sha256:{bare}"),
            persisted(bare.upper()),
            {"query": SHIPPED, **persisted(bare)},
        ):
            answer = await send(client, {**body, "variables": NOBODY})
            assert answer.json() == {"data": {"customer": None}}, (mode, body, answer.text)


async def test_a_hash_that_is_not_that_of_the_text_is_refused(vendor: MakeVendor) -> None:
    one = await vendor()
    for body in ({"documentId": hash_of("{ x }")}, persisted(hash_of("{ x }"))):
        answer = await post(one.client, {"query": QUERY, **body})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"]["code"] == "malformed_request", body
    for wrong in (persisted(1), persisted("x", 2), {"extensions": {"persistedQuery": "x"}}):
        assert (await post(one.client, {"query": QUERY, **wrong})).status_code == 400, wrong


async def test_automatic_persisted_queries_are_there_where_they_are_set(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, graphql_apq=True))) as app:
        one, other = await make_vendor(app, "avactis"), await make_vendor(app, "avactis")
        try:
            await _remembered(one, other)
        finally:
            await one.close()
            await other.close()


async def _remembered(one: Vendor, other: Vendor) -> None:
    mine = persisted(hash_of(QUERY))

    async def code(vendor: Vendor) -> str:
        answer = await post(vendor.client, mine)
        return str(answer.json()["errors"][0]["extensions"]["code"]) if "errors" in answer.json() else "ran"

    assert await code(one) == "PERSISTED_QUERY_NOT_FOUND"
    assert (await post(one.client, {"query": QUERY, **mine})).json() == DATA
    assert await code(one) == "ran"
    assert await code(other) == "PERSISTED_QUERY_NOT_FOUND", "another tenant has not sent it"
    only = await one.as_key("*", options={"documents": "only"})
    answer = await post(only, {"query": "{ a: __typename }", **persisted(hash_of("{ a: __typename }"))})
    assert answer.json()["errors"][0]["extensions"]["code"] == "document_required"


async def test_what_clients_send_beside_does_no_harm(vendor: MakeVendor, app: FastAPI) -> None:
    client = (await vendor()).client
    for body in (
        {"query": QUERY, "operationName": ""},
        {"query": QUERY, "id": "1", "doc_id": "2"},
        {"query": QUERY, "id": None},
    ):
        assert (await post(client, body)).json() == DATA, body
    logged = await client.post("/graphql?op=Sidebar", json={"query": QUERY})
    assert logged.json() == DATA
    for params in ({"query": QUERY}, {"variables": "{}"}):
        twice = await client.post("/graphql", params=params, json={"query": QUERY}, headers={"Accept": ACCEPT})
        assert twice.status_code == 400, params
