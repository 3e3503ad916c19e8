"""What is published about events is what the code says, and covers every type."""

from __future__ import annotations

import json
from pathlib import Path

from app.api.asyncapi import asyncapi, component, webhooks
from app.api.openapi import build
from app.views.event_types import EVENT_TYPES

OPENAPI = Path(__file__).resolve().parent.parent.parent / "openapi"


def test_the_committed_asyncapi_document_is_what_the_code_says():
    assert json.loads((OPENAPI / "asyncapi.json").read_text(encoding="utf-8")) == asyncapi()


def test_every_type_is_described_in_both(app):
    assert {one["name"] for one in asyncapi()["components"]["messages"].values()} == set(EVENT_TYPES)
    assert set(build(app)["webhooks"]) == set(EVENT_TYPES) == set(webhooks({}))
    assert len({component(one) for one in EVENT_TYPES}) == len(EVENT_TYPES)
