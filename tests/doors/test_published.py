"""The contracts as they are served: small, compressed, with a tag, and each noun in them once."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
from fastapi import FastAPI

from app.api import shared_parts
from app.api.openapi import build
from app.commands.base import ROOT
from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, client_of

OPENAPI = ROOT / "openapi" / "openapi.json"
NOUNS = ("Ticket", "Clock", "Lot", "Hold", "Order", "License", "Cover", "Choice", "Customer", "Balance", "Statement")


@pytest.mark.parametrize("noun", NOUNS)
def test_each_noun_is_one_schema(noun: str) -> None:
    """What has the id of a noun and its state or amount is that noun, not a copy under another name."""
    schemas = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    mine = schemas[noun]["properties"].keys()
    copies = [
        name
        for name, schema in schemas.items()
        if name != noun and len(mine & schema.get("properties", {}).keys()) > 0.8 * len(mine)
    ]
    assert copies == []


def test_every_member_of_a_shape_has_a_sentence() -> None:
    schemas = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    for noun in NOUNS:
        assert schemas[noun]["description"], noun
        for name, member in schemas[noun]["properties"].items():
            assert member["description"].endswith((".", "`.")), (noun, name)


def test_every_member_of_a_body_has_a_sentence_too() -> None:
    schemas = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    bare = [
        f"{noun}.{name}"
        for noun, schema in schemas.items()
        for name, member in schema.get("properties", {}).items()
        if not member.get("description")
    ]
    assert bare == []


def test_the_contract_is_small() -> None:
    """What repeats stands among the components; who reads the whole reads less than 450 KB."""
    assert len(OPENAPI.read_bytes()) < 450_000


async def test_the_contract_is_compressed_and_has_a_tag(app: FastAPI, api: httpx.AsyncClient) -> None:
    plain = await api.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert plain.json() == shared_parts.shared(build(app))
    assert "content-encoding" not in plain.headers
    async with api.stream("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 4
    tag = plain.headers["etag"]
    assert packed.headers["etag"] == tag
    assert (await api.get("/openapi.json", headers={"If-None-Match": tag})).status_code == 304
    assert (await api.get("/openapi.json", headers={"If-None-Match": '"other"'})).status_code == 200


def test_shared_parts_can_be_put_back(app: FastAPI) -> None:
    whole = build(app)
    again = shared_parts.inlined(shared_parts.shared(whole))
    assert again["paths"] == json.loads(json.dumps(whole))["paths"]


async def test_the_graphql_schema_is_served_with_any_key(app: FastAPI, vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    narrow = await shop.as_key("events:read")
    committed = (ROOT / "openapi" / "schema.graphql").read_text(encoding="utf-8")
    async with client_of(app, OPERATOR_KEY) as operator, client_of(app, None) as nobody:
        for client in (shop.client, narrow, operator):
            found = await client.get("/graphql/schema")
            assert (found.status_code, found.text) == (200, committed)
            assert (await client.head("/graphql/schema")).status_code == 200
        refused = await nobody.get("/graphql/schema")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
