"""What is published about events is what the code says, and covers every type."""

from __future__ import annotations

import json
from pathlib import Path

from app.api.asyncapi import asyncapi, component
from app.api.openapi import build
from app.views.event_types import EVENT_TYPES

OPENAPI = Path(__file__).resolve().parent.parent.parent / "openapi"


def test_the_committed_asyncapi_document_is_what_the_code_says():
    assert json.loads((OPENAPI / "asyncapi.json").read_text(encoding="utf-8")) == asyncapi()


def test_every_type_is_described_in_both(app):
    assert {one["name"] for one in asyncapi()["components"]["messages"].values()} == set(EVENT_TYPES)
    document = build(app)
    assert set(document["webhooks"]) == set(EVENT_TYPES)
    for event_type, webhook in document["webhooks"].items():
        assert webhook["summary"] == EVENT_TYPES[event_type].meaning
        operation = document["components"]["pathItems"][webhook["$ref"].rpartition("/")[2]]["post"]
        _, own = operation["requestBody"]["content"]["application/json"]["schema"]["allOf"]
        said = own["properties"]["type"]
        assert event_type in said.get("enum", [said.get("const")])
        data = own["properties"]["data"]
        shape = document["components"]["schemas"][data.get("allOf", [data])[0]["$ref"].rpartition("/")[2]]
        always = list(EVENT_TYPES[event_type].required)
        assert set(always) <= shape["properties"].keys()
        if "enum" in said and always:
            assert f"* `{event_type}`: {', '.join(always)}" in operation["description"].splitlines()
    assert len({component(one) for one in EVENT_TYPES}) == len(EVENT_TYPES)
