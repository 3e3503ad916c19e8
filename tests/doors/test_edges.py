"""The edges: headers, request ids, figures, limits, faults, an unreachable database."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
import pytest
from fastapi import FastAPI

from app.api.limits import Buckets
from app.api.observability import redact
from app.main import create_app
from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, client_of, make_vendor, running, settings_for


async def test_every_answer_carries_its_id_and_the_security_headers(api: httpx.AsyncClient) -> None:
    for path in ("/livez", "/v1/keys", "/nowhere"):
        answer = await api.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"]
        assert len(answer.headers["x-request-id"]) == 16
    given = await api.get("/v1/keys", headers={"X-Request-Id": "abc-123"})
    assert given.headers["x-request-id"] == "abc-123"
    assert given.json()["instance"] == "urn:retainer:request:abc-123"
    evil = await api.get("/livez", headers={"X-Request-Id": "a b; c"})
    assert evil.headers["x-request-id"] != "a b; c"


async def test_a_wrong_method_is_told_every_right_one(api: httpx.AsyncClient) -> None:
    """RFC 9110: `Allow` lists them all, also where each is an operation of its own."""
    every = {
        "/v1/orders/1": "GET, HEAD, PUT",
        "/v1/calendars/x/versions": "GET, HEAD, POST",
        "/v1/policies/validate": "POST",
        "/livez": "GET, HEAD",
    }
    for path, allowed in every.items():
        answer = await api.request("TRACE", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_two_authorizations_are_none(api: httpx.AsyncClient, vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    headers = [("Authorization", f"Bearer {acme.key}"), ("Authorization", f"Bearer {OPERATOR_KEY}")]
    async with client_of(acme.app, None) as client:
        assert (await client.get("/v1/keys", headers=headers)).status_code == 401


async def test_figures_for_prometheus(app: FastAPI, vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    await acme.get("/v1/keys")
    async with client_of(app, None) as client:
        page = await client.get("/metrics")
    assert page.status_code == 200
    assert 'http_server_request_duration_seconds_count{method="GET",route="/v1/keys",status="200"}' in page.text
    assert "retainer_db_connections_in_use" in page.text
    assert acme.tenant_id not in page.text


async def test_figures_that_an_operator_is_woken_by(app: FastAPI, vendor: MakeVendor) -> None:
    """Debits by outcome, replays, the wait for connections, and what only the tables know. No id is a label."""
    shop = await vendor("cs-cart", "2025-01-01T00:00:00Z")
    grant = {"credits": 10, "reason": "a present"}
    await shop.ok(await shop.post("/v1/customers/c-figures/adjustments", grant))
    path, before = "/v1/customers/c-figures/debits", await figures_of(app)
    for _ in range(2):
        await shop.ok(await shop.post(path, {"credits": 3}, key="debited-once"))
    assert (await shop.post(path, {"credits": 300})).status_code == 409
    after = await figures_of(app)

    def more(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert more('retainer_debits_total{outcome="done"}') == 1
    assert more('retainer_debits_total{outcome="replayed"}') == 1
    assert more('retainer_debits_total{outcome="insufficient_credits"}') == 1
    assert more("retainer_idempotent_replays_total") == 1
    assert more("retainer_db_pool_wait_seconds_count") >= 3
    for name in ("outbox_unplaced", "outbox_oldest_seconds", "sla_breaches_total", "deliveries_parked"):
        assert after[f"retainer_{name}"] >= 0
    assert after["retainer_ledger_drift_points"] == 0
    assert after["retainer_agenda_lag_seconds"] >= 0


async def figures_of(app: FastAPI) -> dict[str, float]:
    async with client_of(app, None) as client:
        text = (await client.get("/metrics")).text
    rows = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


async def test_figures_behind_a_token(module_url: str) -> None:
    async with (
        running(create_app(settings_for(module_url, metrics_token="of-the-scraper"))) as app,
        client_of(app, "of-the-scraper") as scraper,
        client_of(app, OPERATOR_KEY) as other,
    ):
        assert (await scraper.get("/metrics")).status_code == 200
        assert (await other.get("/metrics")).status_code == 401


async def test_limits_for_each_key_when_set(module_url: str) -> None:
    async with running(create_app(settings_for(module_url, rate_limit_per_key=2))) as app:
        acme = await make_vendor(app, "avactis")
        answers = [await acme.get("/v1/keys") for _ in range(6)]
        assert answers[0].headers["ratelimit-policy"] == '"key";q=4;w=2'
        assert answers[0].headers["ratelimit"].startswith('"key";r=3')
        last = answers[-1]
        assert (last.status_code, last.json()["code"]) == (429, "rate_limited")
        assert int(last.headers["retry-after"]) >= 1
        assert last.headers["ratelimit"].startswith('"key";r=0')
        await acme.close()


async def test_without_limits_there_are_no_limit_headers(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    assert "ratelimit" not in (await acme.get("/v1/keys")).headers


async def test_wrong_keys_are_limited_by_address_and_right_ones_are_not(module_url: str) -> None:
    async with running(create_app(settings_for(module_url))) as app:
        acme = await make_vendor(app, "avactis")
        async with client_of(app, "rtn_live_wrong") as wrong:
            codes = [(await wrong.get("/v1/keys")).status_code for _ in range(700)]
        assert codes[0] == 401
        assert codes[-1] == 429
        assert (await acme.get("/v1/keys")).status_code == 200
        await acme.close()


def test_buckets_fill_up_again() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 4.0, lambda: now[0])
    assert [buckets.take("a")[0] for _ in range(5)] == [True] * 4 + [False]
    now[0] = 0.5
    assert buckets.take("a")[0]
    assert not buckets.take("a")[0]


async def test_a_fault_shows_nothing_but_its_id(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    secret = "the-inside-of-the-house"

    async def broken() -> None:
        raise RuntimeError(secret)

    app.add_api_route("/broken", broken, include_in_schema=False)
    async with client_of(app, None) as client:
        with caplog.at_level(logging.ERROR, logger="retainer"):
            answer = await client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert secret not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert any(secret in str(record.exc_info) for record in caplog.records)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer rtn_live_abc_def",
        "rtn_test_0123456789abcdefghijklmnopqrstuv_AbCdEf",
        "rtn_op_x-y_z",
        "postgresql+asyncpg://retainer:hunter2@db/x",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    ],
)
def test_logs_hold_no_secret(text: str) -> None:
    cleaned = redact(json.dumps({"event": text}))
    for part in ("rtn_live_abc", "0123456789abc", "rtn_op_x", "hunter2", "MfKQ9r8G", "eyJzdWIi"):
        assert part not in cleaned


async def test_a_database_that_is_gone_is_503_soon_and_the_process_lives(module_url: str) -> None:
    async with running(create_app(settings_for(module_url))) as app:
        acme = await make_vendor(app, "avactis")
        house = app.state.house
        await house.database.engine.dispose()
        house.authenticator.forget()
        engine = house.database.engine
        from sqlalchemy.ext.asyncio import create_async_engine

        house.database.engine = create_async_engine(
            "postgresql+asyncpg://nobody@/nothing?host=/nonexistent", connect_args={"timeout": 2}
        )
        began = asyncio.get_running_loop().time()
        answer = await acme.get("/v1/keys")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        assert asyncio.get_running_loop().time() - began < 5
        assert (await acme.get("/readyz")).json()["checks"] == ["database"]
        assert (await acme.get("/livez")).status_code == 200
        house.database.engine = engine
        assert (await acme.get("/v1/keys")).status_code == 200
        await acme.close()


async def test_a_full_pool_is_503_and_not_a_pile_of_waiting_calls(module_url: str) -> None:
    async with running(create_app(settings_for(module_url, pool_size=1))) as app:
        acme = await make_vendor(app, "avactis")
        await acme.get("/v1/keys")
        async with app.state.house.database.bare():
            answer = await acme.get("/v1/keys")
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        await acme.close()
