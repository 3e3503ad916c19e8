"""Managing endpoints: shown once, changed under If-Match, refused where they must not go."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.main import create_app
from tests.events.receiver import with_customer
from tests.support.api import Vendor, make_vendor, running, settings_for

URL = "https://shop.example/hooks"


@pytest_asyncio.fixture(scope="module")
async def app(module_url: str) -> AsyncIterator[FastAPI]:
    """The application as it is by default: no private targets."""
    async with running(create_app(settings_for(module_url))) as started:
        yield started


@pytest_asyncio.fixture
async def shop(app: FastAPI) -> AsyncIterator[Vendor]:
    one = await make_vendor(app, "cs-cart")
    yield one
    await one.close()


async def made(shop: Vendor, **more: object) -> dict:
    return await shop.ok(await shop.post("/v1/webhook-endpoints", {"url": URL, **more}, key=None), 201)


async def test_the_secret_is_shown_once(shop: Vendor):
    one = await made(shop, event_types=["ticket.*"], description="helpdesk")
    again = await shop.get(f"/v1/webhook-endpoints/{one['endpoint_id']}")
    assert again.headers["etag"] == '"v1"'
    assert again.json() == {name: value for name, value in one.items() if name != "secret"}
    assert one["secret"] not in (await shop.get("/v1/webhook-endpoints")).text
    assert (await shop.ok(await shop.get("/v1/webhook-endpoints")))["data"] == [again.json()]


async def test_changes_under_if_match(shop: Vendor):
    path = f"/v1/webhook-endpoints/{(await made(shop))['endpoint_id']}"
    first = await shop.client.patch(path, json={"description": "a"}, headers={"If-Match": '"v1"'})
    assert (first.status_code, first.headers["etag"], first.json()["description"]) == (200, '"v2"', "a")
    late = await shop.client.patch(path, json={"description": "b"}, headers={"If-Match": '"v1"'})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await shop.delete(path, headers={"If-Match": '"v1"'})).status_code == 412
    off = await shop.ok(await shop.client.patch(path, json={"enabled": False}))
    assert (off["enabled"], off["disabled_reason"], off["url"], off["description"]) == (False, "by_hand", URL, "a")
    on = await shop.ok(await shop.client.patch(path, json={"enabled": True, "skip_missed": True}))
    assert (on["enabled"], on["disabled_at"]) == (True, None)
    assert (await shop.delete(path)).status_code == 200
    assert (await shop.get(path)).json()["code"] == "webhook_endpoint_not_found"
    assert (await shop.client.patch(path, json={"enabled": True})).status_code == 404


async def test_validate_only_writes_nothing(shop: Vendor):
    answer = await shop.client.post("/v1/webhook-endpoints?validate_only=true", json={"url": URL})
    assert answer.status_code == 201
    assert (await shop.ok(await shop.get("/v1/webhook-endpoints")))["data"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://shop.example/"}, "webhook_target_refused"),
        ({"url": "https://127.0.0.1/"}, "webhook_target_refused"),
        ({"url": "https://u:p@shop.example/"}, "webhook_target_refused"),
        ({"url": URL, "event_types": ["no.such"]}, "unknown_event_type"),
        ({"url": URL, "event_types": []}, "invalid_input"),
        ({}, "invalid_input"),
        ({"url": URL, "secret": "x"}, "invalid_input"),
        ({"url": URL, "description": "a\x00b"}, "invalid_input"),
        ({"url": URL, "customer_id": "nobody"}, "customer_not_found"),
    ],
)
async def test_what_is_refused(shop: Vendor, body: dict, code: str):
    answer = await shop.post("/v1/webhook-endpoints", body, key=None)
    assert answer.json()["code"] == code, answer.text
    assert answer.status_code == (404 if code == "customer_not_found" else 422)


async def test_another_tenant_and_another_scope_see_nothing(shop: Vendor, app: FastAPI):
    one = await made(shop)
    path = f"/v1/webhook-endpoints/{one['endpoint_id']}"
    other = await make_vendor(app, "cs-cart")
    for answer in (
        await other.get(path),
        await other.client.patch(path, json={"enabled": False}),
        await other.delete(path),
        await other.get(f"{path}/deliveries"),
        await other.post(f"{path}/test", key=None),
        await other.post(f"{path}/secret/rotation", {}, key=None),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_endpoint_not_found")
    poor = await shop.as_key("tickets:write")
    assert (await poor.get(path)).status_code == 403
    await other.close()


async def test_a_tenant_has_a_bounded_number(shop: Vendor):
    for _ in range(20):
        await made(shop)
    answer = await shop.post("/v1/webhook-endpoints", {"url": URL}, key=None)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhook_endpoints")


async def test_a_filter_by_customer_is_shown_by_its_own_id(shop: Vendor):
    await with_customer(shop, "c9")
    one = await made(shop, customer_id="c9")
    assert one["customer_id"] == "c9"
