"""Webhook endpoints through GraphQL: operations whose rules come from the settings, not only from the request."""

from __future__ import annotations

from tests.conftest import MakeVendor
from tests.support.graphql import do


async def test_an_endpoint_is_made_and_changed(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    made = await do(
        shop,
        "createWebhookEndpoint",
        "endpointId url",
        kind="WebhookEndpoint",
        url="https://hooks.example.com/a",
        eventTypes=["ticket.*"],
    )
    assert made["url"] == "https://hooks.example.com/a", made
    changed = await do(
        shop,
        "changeWebhookEndpoint",
        "url",
        kind="WebhookEndpoint",
        endpointId=made["endpointId"],
        url="https://hooks.example.com/b",
    )
    assert changed["url"] == "https://hooks.example.com/b", changed
    inside = await do(shop, "createWebhookEndpoint", "url", kind="WebhookEndpoint", url="http://127.0.0.1/")
    assert inside["__typename"] == "Refusal", inside


URL = "https://93.184.216.34/hooks"
FIELDS = "endpointId secret version created replayed"


async def test_a_repeat_with_a_key_makes_one_endpoint_in_both_doors(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    rest = await shop.post("/v1/webhook-endpoints", {"url": URL}, key="hook-1")
    first = await shop.ok(rest, 201)
    assert "idempotent-replayed" not in rest.headers
    again = await shop.post("/v1/webhook-endpoints", {"url": URL}, key="hook-1")
    assert await shop.ok(again, 201) == first
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.headers["etag"], again.headers["cache-control"]) == (rest.headers["etag"], "no-store")
    data = await do(shop, "createWebhookEndpoint", FIELDS, kind="WebhookEndpoint", url=URL, idempotencyKey="hook-1")
    assert (data["endpointId"], data["secret"], data["replayed"]) == (first["endpoint_id"], first["secret"], True)
    other = await shop.post("/v1/webhook-endpoints", {"url": URL, "description": "Another"}, key="hook-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    rows = (await shop.ok(await shop.get("/v1/webhook-endpoints")))["data"]
    assert [row["endpoint_id"] for row in rows] == [first["endpoint_id"]]


async def test_a_rotated_secret_is_not_shown_again(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    first = await shop.ok(await shop.post("/v1/webhook-endpoints", {"url": URL}, key="hook-1"), 201)
    path = f"/v1/webhook-endpoints/{first['endpoint_id']}"
    await shop.ok(await shop.post(f"{path}/secret/rotation", {}))
    again = await shop.ok(await shop.post("/v1/webhook-endpoints", {"url": URL}, key="hook-1"), 201)
    assert again == {name: value for name, value in first.items() if name != "secret"}
    await shop.ok(await shop.delete(path))
    gone = await shop.ok(await shop.post("/v1/webhook-endpoints", {"url": URL}, key="hook-1"), 201)
    assert gone == again


async def test_without_a_key_each_call_makes_an_endpoint_as_before(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    made = [await shop.ok(await shop.post("/v1/webhook-endpoints", {"url": URL}, key=None), 201) for _ in range(2)]
    assert made[0]["endpoint_id"] != made[1]["endpoint_id"]
    data = await do(shop, "createWebhookEndpoint", FIELDS, kind="WebhookEndpoint", url=URL)
    assert (data["replayed"], data["created"], bool(data["secret"])) == (False, True, True)


async def test_an_erased_customers_endpoint_is_not_replayed_with_their_name(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await shop.ok(await shop.post("/v1/customers/ann/adjustments", {"credits": 1, "reason": "welcome"}))
    given = {"url": URL, "customer_id": "ann"}
    await shop.ok(await shop.post("/v1/webhook-endpoints", given, key="hook-1"), 201)
    await shop.ok(await shop.post("/v1/customers/ann/erasure"))
    again = await shop.post("/v1/webhook-endpoints", given, key="hook-1")
    assert "ann" not in again.text
