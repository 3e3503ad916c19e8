"""The README's first calls answer what the README says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api import OPERATOR_KEY, START
from tests.support.serving import serving

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("readme", ROOT / "scripts" / "readme.py")
assert _SPEC is not None
assert _SPEC.loader is not None
readme: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(readme)


@pytest.fixture(scope="module")
def client(module_url: str) -> Any:
    with serving(module_url) as started:
        yield started


def test_the_first_calls_answer_as_the_readme_shows(client: httpx.Client) -> None:
    operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    body = {"policy": "avactis", "clock": {"mode": "virtual", "now": START}}
    client.put("/v1/tenants/avactis", headers=operator, json=body).raise_for_status()
    found = readme.answers(client, OPERATOR_KEY)
    shown = readme.told()
    assert len(found) == len(shown) == 4
    for made, told in zip(found, shown, strict=True):
        assert readme.masked(made) == readme.masked(told)
    key = client.post("/v1/tenants/avactis/keys", headers=operator, json={"scopes": ["tickets:read"]}).json()["key"]
    why = client.get("/v1/explain/ticket/T-1", headers={"Authorization": f"Bearer {key}"}).json()
    assert {"AVA-10", "AVA-11"} <= {clause["clause"] for clause in why["clauses"]}, (
        "the price's clause, and the cause's"
    )
    assert all(clause["text"] for clause in why["clauses"])
