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
