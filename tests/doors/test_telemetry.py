"""OpenTelemetry by FastAPI's own support: spans by route, none of which holds an id, a secret or somebody's words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from fastapi import FastAPI
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app import main
from app.api.observability import TELEMETRY
from app.main import create_app
from tests.support.api import OPERATOR_KEY, Vendor, make_vendor, running, settings_for

CUSTOMER = "carla-of-the-telemetry"
PARENT = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture(scope="module")
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture(scope="module")
def patched(spans: InMemorySpanExporter, reader: InMemoryMetricReader) -> Iterator[None]:
    """The application's own settings of telemetry, with providers of the test."""
    tracers, meters = TracerProvider(), MeterProvider(metric_readers=[reader])
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "TELEMETRY", {**TELEMETRY, "tracer_provider": tracers, "meter_provider": meters})
        yield
    tracers.shutdown()
    meters.shutdown()


@pytest_asyncio.fixture(scope="module")
async def traced(module_url: str, patched: None) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(module_url))) as app:
        yield app


@pytest_asyncio.fixture(scope="module")
async def told(traced: FastAPI, spans: InMemorySpanExporter) -> AsyncIterator[tuple[Vendor, list[ReadableSpan]]]:
    """Calls of every kind, and the spans they left."""
    shop = await make_vendor(traced, "cs-cart")
    path = f"/v1/customers/{CUSTOMER}"
    grant = {"credits": 5, "reason": "a present for Carla"}
    parent = {"traceparent": f"00-{PARENT}-00f067aa0ba902b7-01"}
    await shop.ok(await shop.post(f"{path}/adjustments", grant, headers=parent))
    await shop.ok(await shop.post(f"{path}/debits", {"credits": 2}))
    assert (await shop.post(f"{path}/debits", {"credits": 200})).status_code == 409
    await shop.ok(await shop.get(f"{path}/balance", as_of="2025-01-01T00:00:00Z"))
    assert (await shop.get("/v1/customers", query=CUSTOMER)).status_code == 200
    query = f'{{ balance(customerId: "{CUSTOMER}") {{ available }} }}'
    assert (await shop.client.post("/graphql", json={"query": query})).status_code == 200
    assert (await shop.client.get("/graphql", params={"query": query})).status_code == 200
    source = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "stripe", "secret": "whsec_" + "x" * 32}))
    assert (await shop.client.post(source["path"], content=b"{}")).status_code == 401
    assert (await shop.client.get(f"/nowhere/{CUSTOMER}")).status_code == 404
    for quiet in ("/livez", "/readyz", "/metrics"):
        assert (await shop.client.get(quiet)).status_code == 200
    await shop.close()
    yield shop, [*spans.get_finished_spans()]


def servers(found: list[ReadableSpan]) -> list[ReadableSpan]:
    return [one for one in found if one.attributes and "http.request.method" in one.attributes]


async def test_spans_carry_the_route(told: tuple[Vendor, list[ReadableSpan]]) -> None:
    found = {one.name: one for one in servers(told[1])}
    for name in (
        "POST /v1/customers/{customer_id}/adjustments",
        "POST /v1/customers/{customer_id}/debits",
        "GET /v1/customers/{customer_id}/balance",
        "POST /graphql",
        "GET /graphql",
        "PUT /v1/sources/{name}",
    ):
        assert name in found, sorted(found)
        attributes = dict(found[name].attributes or {})
        assert attributes["http.route"] == attributes["url.path"] == name.partition(" ")[2]
        assert attributes["http.response.status_code"] in (200, 201, 409)
    first = found["POST /v1/customers/{customer_id}/adjustments"]
    assert first.context is not None
    assert f"{first.context.trace_id:032x}" == PARENT, "a caller's trace goes on"


async def test_spans_hold_no_id_no_secret_and_nobodys_words(told: tuple[Vendor, list[ReadableSpan]]) -> None:
    shop, found = told
    written = "\n".join(one.to_json() for one in found)
    assert len(servers(found)) > 10
    for secret in (CUSTOMER, shop.tenant_id, shop.key, OPERATOR_KEY, "whsec_", "a present", "/in/"):
        assert secret not in written.replace("/in/{token}", ""), secret
    assert not [one.name for one in found if "livez" in one.to_json() or "metrics" in one.to_json()]


async def test_metrics_are_by_route_too(told: tuple[Vendor, list[ReadableSpan]], reader: InMemoryMetricReader) -> None:
    data = reader.get_metrics_data()
    assert data is not None
    text = data.to_json()
    assert "http.server.request.duration" in text
    assert CUSTOMER not in text
    assert told[0].tenant_id not in text
    routes = {
        point["attributes"].get("http.route")
        for resource in json.loads(text)["resource_metrics"]
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
        if metric["name"] == "http.server.request.duration"
        for point in metric["data"]["data_points"]
    }
    assert {"/graphql", "/v1/customers/{customer_id}/debits"} <= routes
