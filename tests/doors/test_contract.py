"""The published contracts are what the code publishes (house rule 17), and hold what callers need."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from app.commands.base import ROOT
from app.commands.contracts import drifted
from tests.support.contract import Operation, operations


def test_the_committed_contracts_have_not_drifted() -> None:
    """`make contracts` writes them; their diff is the review of the API."""
    assert drifted() == []


def test_every_body_and_answer_has_an_example() -> None:
    for one in operations():
        for media in one.spec.get("requestBody", {}).get("content", {}).values():
            assert "example" in media or "examples" in media or "schema" in media, one.id
        success = [spec for status, spec in one.spec["responses"].items() if status.startswith("2")]
        assert success, one.id
        for answer in success:
            for media, content in answer.get("content", {}).items():
                declared = "$ref" in content.get("schema", {})  # its members have examples
                assert media != "application/json" or declared or "example" in content, one.id


def test_numbers_in_queries_and_paths_publish_their_range() -> None:
    """Under the words of JSON Schema: `ge` and `le` are our framework's own, and mean nothing to a client."""
    found = 0
    for one in operations():
        for given in (*one.parameters("query"), *one.parameters("path")):
            for kind in one.kinds(given["schema"]):
                assert not {"ge", "le", "gt", "lt"} & set(kind), (one.id, given["name"])
                if kind.get("type") == "integer":
                    assert {"minimum", "maximum"} <= set(kind), (one.id, given["name"])
                    found += 1
    assert found > 15


def test_every_body_has_a_name_of_its_own() -> None:
    """Two bodies of one name become `app__api__...`, which tells callers our folders and breaks client generators."""
    document = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))
    assert [one for one in document["components"]["schemas"] if "__" in one] == []


def test_every_write_can_be_tried_and_says_so() -> None:
    for one in operations():
        if one.writes and one.secured:
            assert any(p["name"] == "validate_only" for p in one.parameters("query")), one.id


def test_every_problem_is_declared_in_its_own_media_type() -> None:
    for one in operations():
        for status, answer in one.spec["responses"].items():
            if status.startswith(("4", "5")):
                assert list(answer["content"]) == ["application/problem+json"], (one.id, status)


async def test_the_docs_ask_nobody_outside(api: httpx.AsyncClient) -> None:
    page = await api.get("/docs")
    assert page.status_code == 200
    assert not re.search(r"""(?:src|href|url)[=:]\s*["']https?:""", page.text)
    for asset in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        found = await api.get(asset)
        assert found.status_code == 200, asset
        assert found.headers["cache-control"] == "public, max-age=3600"
        again = await api.get(asset, headers={"If-None-Match": found.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        if asset.endswith(".css"):
            assert not re.search(r"""@import|url\(\s*["']?(?:https?:)?//""", found.text), asset
    # Whatever a bundled script would like to load: the browser lets it ask this service alone.
    for shown in (page, await api.get("/graphql", headers={"Accept": "text/html"})):
        rules = dict(one.split(" ", 1) for one in shown.headers["content-security-policy"].split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["connect-src"] == "'self'"
        for rule in rules.values():
            assert not re.search(r"\*|https?:|//", rule), rule
    for wrong in (
        "/static/licenses",
        "/static//etc/passwd",
        "/static/../docs.py",
        "/static/%2e%2e/docs.py",
        "/static/",
        "/static/%00",
        "/static/nothing.js",
    ):
        assert (await api.get(wrong)).status_code in (404, 422), wrong
    contract = (await api.get("/openapi.json")).json()
    assert contract["openapi"] == "3.1.0"
    assert contract["servers"]


def test_every_link_can_be_followed() -> None:
    """It leads to an operation with such parameters, all of its path's included, from where the answer's shape says."""
    every = {one.id: one for one in operations()}
    followed: set[str] = set()
    for one in every.values():
        for status, answer in one.spec["responses"].items():
            for name, link in answer.get("links", {}).items():
                target = every[link["operationId"]]
                known = {f"{given['in']}.{given['name']}" for given in target.spec["parameters"]}
                where = f"{one.id} {status} {name}"
                assert link["parameters"].keys() <= known, where
                assert {part for part in known if part.startswith("path.")} <= link["parameters"].keys(), where
                for said in link["parameters"].values():
                    place, _, pointer = said.partition("#")
                    if place == "$response.body":
                        schema = answer["content"]["application/json"]["schema"]
                        assert _leads(schema, pointer, one), f"{where}: {pointer} is not in {schema}"
                    elif said.startswith("$request."):
                        assert said.removeprefix("$request.") in {
                            f"{given['in']}.{given['name']}" for given in one.spec["parameters"]
                        }, where
                followed.add(target.id)
    assert {"confirmAssessment", "resolveTicket", "refundHold", "replayWebhookDelivery", "makeChoice"} <= followed


def _leads(schema: dict[str, Any], pointer: str, one: Operation) -> bool:
    for step in pointer.strip("/").split("/"):
        schema = one.resolve(schema)
        if "properties" not in schema and "items" not in schema:
            return True  # A shape that is open says nothing of what is in it.
        schema = schema["items"] if step == "0" else schema["properties"].get(step)
        if schema is None:
            return False
    return True
