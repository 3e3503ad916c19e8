"""What a vendor keeps beside a lot: stated with a grant by hand, replaced later, and seen by nobody else."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.support.api import START, Vendor
from tests.support.graphql import ask

GIFT: dict[str, Any] = {
    "credits": 9,
    "reason": "gift",
    "metadata": {"campaign": "Ann's spring", "wave": 2, "none": None},
}


async def _lot(shop: Vendor, lot_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await shop.ok(await shop.get(f"/v1/lots/{lot_id}"))
    return found


async def test_a_grant_by_hand_keeps_what_is_stated_with_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    made = await shop.ok(await shop.post("/v1/customers/ann/adjustments", GIFT, key="g"), 201)
    kept = {"campaign": "Ann's spring", "wave": 2}
    assert made["lot"]["metadata"] == kept
    lot_id = made["lot"]["lot_id"]
    assert (await _lot(shop, lot_id))["metadata"] == kept
    balance = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    assert [lot["metadata"] for lot in balance["lots"]] == [kept]
    turned = {**GIFT, "metadata": dict(reversed(list(GIFT["metadata"].items())))}
    again = await shop.post("/v1/customers/ann/adjustments", turned, key="g")
    assert (again.headers["Idempotent-Replayed"], again.json()["lot"]["lot_id"]) == ("true", lot_id)
    other = await shop.post("/v1/customers/ann/adjustments", {**GIFT, "metadata": {"wave": 3}}, key="g")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    plain = await shop.ok(await shop.post("/v1/customers/ann/adjustments", {"credits": 1, "reason": "gift"}), 201)
    assert plain["lot"]["metadata"] == {}
    item = {"idempotency_key": "b", "kind": "adjust", "customer_id": "ann", **GIFT}
    (result,) = (await shop.ok(await shop.post("/v1/credit-batches", {"commands": [item]}, key=None)))["results"]
    assert result["result"]["lot"]["metadata"] == kept


async def test_what_is_wrong_with_it_is_refused_and_nothing_is_granted(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await shop.ok(await shop.post("/v1/customers/ann/adjustments", {"credits": 5, "reason": "gift"}), 201)
    for body in (
        {**GIFT, "metadata": {"a": {"b": 1}}},
        {**GIFT, "metadata": {"a": 1.5}},
        {**GIFT, "metadata": {"": "x"}},
        {**GIFT, "metadata": {str(n): n for n in range(101)}},
        {**GIFT, "credits": -1},
    ):
        refused = await shop.post("/v1/customers/ann/adjustments", body)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input"), body
        assert refused.json()["errors"][0]["pointer"].startswith("/metadata"), body
    assert (await shop.ok(await shop.get("/v1/customers/ann/balance")))["available"] == 5


async def test_it_is_replaced_for_any_lot_and_nothing_else_changes(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    lines = [{"line_id": "1", "sku": "credits-60"}]
    order = {"customer_id": "ann", "placed_at": START, "currency": "USD", "lines": lines}
    bought = (await shop.ok(await shop.put("/v1/orders/o", order), 201))["lots"][0]
    assert bought["metadata"] == {}
    path = f"/v1/lots/{bought['lot_id']}/metadata"
    tried = await shop.client.put(path, json={"metadata": {"a": 1}}, params={"validate_only": "true"})
    assert (await shop.ok(tried))["metadata"] == {"a": 1}
    assert (await _lot(shop, bought["lot_id"]))["metadata"] == {}
    for metadata in ({"a": 1, "b": "two"}, {"b": "three"}, {}):
        answer = await shop.ok(await shop.put(path, {"metadata": metadata}))
        assert answer == {**bought, "metadata": metadata, "customer_id": "ann"}
        assert await _lot(shop, bought["lot_id"]) == answer
    trail = (await shop.ok(await shop.get("/v1/audit-trail", action="lot.updated")))["data"]
    assert [row["subject"] for row in trail] == [bought["lot_id"]] * 3
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    narrow = await shop.as_key("credits:debit", "customers:read")
    assert (await narrow.put(path, json={"metadata": {}})).status_code == 403
    unknown = await shop.put("/v1/lots/lot_none/metadata", {"metadata": {}})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "lot_not_found")


async def test_a_customer_sees_none_of_it_and_a_merge_keeps_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    made = await shop.ok(await shop.post("/v1/customers/ann/adjustments", GIFT), 201)
    token = await shop.ok(await shop.post("/v1/customers/ann/tokens", {"minutes": 5}))
    asks = {"Authorization": f"Bearer {token['token']}"}
    for path in (f"/v1/lots/{made['lot']['lot_id']}", "/v1/customers/ann/balance", "/v1/customers/ann"):
        seen = await shop.client.get(path, headers=asks)
        assert seen.status_code == 200, path
        assert "spring" not in seen.text, path
    await shop.ok(await shop.post("/v1/customers/bob/adjustments", {"credits": 1, "reason": "gift"}), 201)
    held = await shop.ok(await shop.post("/v1/customers/ann/holds", {"credits": 4}), 201)
    await shop.ok(await shop.post("/v1/customers/ann/merge", {"into_customer_id": "bob"}))
    lots = (await shop.ok(await shop.get("/v1/customers/bob/balance")))["lots"]
    assert sorted((lot["available"], lot["held"], lot["metadata"].get("wave")) for lot in lots) == [
        (0, 4, 2),
        (1, 0, None),
        (5, 0, 2),
    ]
    assert held["hold_id"]
    await shop.ok(await shop.post("/v1/customers/bob/erasure"))
    for lot in (made["lot"], *lots):
        assert "spring" not in str(await _lot(shop, lot["lot_id"]))
    late = await shop.ok(await shop.put(f"/v1/lots/{lots[0]['lot_id']}/metadata", {"metadata": {"who": "Ann"}}))
    assert late["metadata"] == {}


async def test_graphql_writes_and_reads_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    made = await shop.ok(await shop.post("/v1/customers/ann/adjustments", GIFT), 201)
    lot_id = made["lot"]["lot_id"]
    stated = f'putLotMetadata(input: {{lotId: "{lot_id}", metadata: {{wave: 3}}}})'
    assert (await ask(shop, f"mutation {{ {stated} {{ ... on Lot {{ metadata }} }} }}"))["putLotMetadata"] == {
        "metadata": {"wave": 3}
    }
    assert (await ask(shop, f'{{ lot(lotId: "{lot_id}") {{ metadata }} }}'))["lot"] == {"metadata": {"wave": 3}}
