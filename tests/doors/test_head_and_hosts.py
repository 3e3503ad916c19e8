"""HEAD wherever GET, one Host a request, figures closed to what a proxy passes on: over real sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.main import prepare
from tests.support.api import OPERATOR_KEY, settings_for
from tests.support.serving import serving

CONTRACT = json.loads((Path(__file__).resolve().parents[2] / "openapi" / "openapi.json").read_text())
PLAIN = sorted(path for path, item in CONTRACT["paths"].items() if "get" in item and "{" not in path)


@pytest.fixture(scope="module")
def served(module_url: str) -> Iterator[httpx.Client]:
    with serving(module_url) as client:
        yield client


@pytest.fixture(scope="module")
def key(module_url: str, served: httpx.Client) -> str:
    import asyncio

    asyncio.run(prepare(settings_for(module_url), module_url))
    made = served.post(
        "/v1/tenants/avactis/keys",
        json={"scopes": ["*"], "label": "head"},
        headers={"Authorization": f"Bearer {OPERATOR_KEY}"},
    )
    return str(made.json()["key"])


@pytest.mark.parametrize("path", [*PLAIN, "/docs", "/openapi.json", "/metrics", "/v1/nothing-of-ours"])
def test_head_is_get_without_its_body(served: httpx.Client, key: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    got, head = served.get(path, headers=headers), served.head(path, headers=headers)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    if path in {"/livez", "/readyz", "/openapi.json"}:
        assert head.headers["content-length"] == got.headers["content-length"]
    assert served.get("/livez").json() == {"status": "ok"}, "the connection goes on"


def test_head_where_there_is_no_get_is_refused_as_a_get(served: httpx.Client, key: str) -> None:
    refused = served.head("/v1/credit-batches", headers={"Authorization": f"Bearer {key}"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    wrong = served.post("/v1/clock", headers={"Authorization": f"Bearer {key}"})
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, PUT")


def asked(client: httpx.Client, lines: str) -> bytes:
    with socket.create_connection((client.base_url.host, client.base_url.port), 5) as open_:
        open_.sendall(lines.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        return open_.recv(4000)


@pytest.mark.parametrize(
    "head",
    ["GET /livez HTTP/1.1\nConnection: close", "GET /livez HTTP/1.1\nHost: a\nHost: b\nConnection: close"],
    ids=["no host", "two hosts"],
)
def test_a_request_that_does_not_name_one_host_is_400(served: httpx.Client, head: str) -> None:
    answer = asked(served, head)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"exactly one Host header" in answer or b"Invalid HTTP request" in answer


def test_a_static_file_with_an_endless_name_is_not_found(served: httpx.Client) -> None:
    assert served.get("/static/" + "a" * 5000).status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_figures_are_closed_to_what_a_proxy_on_this_machine_passes_on(served: httpx.Client, header: str) -> None:
    assert served.get("/metrics").status_code == 200
    passed_on = served.get("/metrics", headers={header: "203.0.113.7"})
    assert (passed_on.status_code, passed_on.json()["code"]) == (403, "metrics_closed")


def test_a_version_tells_when_it_comes_into_force(served: httpx.Client, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    now = served.get("/v1/policies/avactis", headers=headers).json()
    assert now["effective_from"] == now["versions"][0]["effective_from"] is not None
    source = (Path(__file__).resolve().parents[2] / "app" / "policies" / "avactis.yaml").read_text()
    made = served.post(
        "/v1/policies/avactis/versions",
        json={"document": source, "effective_from": "2027-01-01T00:00:00Z"},
        headers={**headers, "Idempotency-Key": "later"},
    )
    assert made.status_code == 201, made.text
    later = served.get("/v1/policies/avactis", params={"version": 2}, headers=headers).json()
    assert later["effective_from"] == made.json()["effective_from"] == "2027-01-01T00:00:00Z"
    listed = served.get("/v1/policies", headers=headers).json()["data"]
    assert [one["effective_from"] for one in listed] == [now["effective_from"]]
