"""What a vendor keeps beside an order: outside its digest, kept through refunds, and gone with an erasure."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor

ORDER: dict[str, Any] = {
    "customer_id": "ann",
    "placed_at": "2025-01-01T00:00:00Z",
    "currency": "USD",
    "lines": [{"line_id": "1", "sku": "credits-60", "quantity": 2}],
}


async def test_metadata_is_outside_the_digest_and_stays_with_the_order(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    made = await shop.put("/v1/orders/o1", {**ORDER, "metadata": {"campaign": "Ann's spring", "none": None}})
    assert made.status_code == 201
    assert made.json()["metadata"] == {"campaign": "Ann's spring"}
    again = await shop.put("/v1/orders/o1", {**ORDER, "metadata": {"campaign": "autumn"}})
    assert (again.status_code, again.json()["metadata"]) == (200, {"campaign": "Ann's spring"})
    without = await shop.put("/v1/orders/o1", ORDER)
    assert (without.status_code, without.json()["metadata"]) == (200, {"campaign": "Ann's spring"})
    body = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}]}
    await shop.ok(await shop.post("/v1/orders/o1/refunds", body, key=None), 201)
    assert (await shop.ok(await shop.get("/v1/orders/o1")))["metadata"] == {"campaign": "Ann's spring"}
    plain = await shop.put("/v1/orders/o2", ORDER)
    assert (plain.status_code, plain.json()["metadata"]) == (201, {})
    nested = await shop.put("/v1/orders/o3", {**ORDER, "metadata": {"a": {"b": 1}}})
    assert nested.status_code == 422
    await shop.ok(await shop.post("/v1/customers/ann/erasure"))
    erased = await shop.ok(await shop.get("/v1/orders/o1"))
    assert "Ann" not in str(erased)


async def test_graphql_has_the_same(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await shop.ok(await shop.put("/v1/orders/o1", {**ORDER, "metadata": {"segment": 7}}), 201)
    query = '{ order(orderId: "o1") { metadata } }'
    answer = (await shop.client.post("/graphql", json={"query": query})).json()
    assert answer["data"]["order"]["metadata"] == {"segment": 7}
