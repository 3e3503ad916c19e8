"""The storefront's part of the published surface, said as `api.md` says it."""

from __future__ import annotations

import itertools
from typing import Any

from tests.conftest import MakeVendor
from tests.published.shop import bought, is_page, is_problem, opened
from tests.support.api import START, Vendor


def an_order(*lines: dict[str, Any], customer: str = "c1", at: str = START) -> dict[str, Any]:
    return {"customer_id": customer, "placed_at": at, "currency": "USD", "lines": list(lines)}


async def test_offers(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    rows = is_page(await shop.get("/v1/offers", customer_id="nobody-yet"))
    by_sku = {row["sku"]: row for row in rows}
    assert {"license", "credits-60", "credits-120", "credits-300", "credits-1200"} <= set(by_sku)
    assert by_sku["credits-1200"]["price"] == {"amount": "673.33", "currency": "USD"}
    assert all({"sku", "title", "price", "grants"} <= set(row) for row in rows)
    avactis = await vendor("avactis")
    made = await bought(avactis, "credits-37")
    assert made["lots"][0]["granted"] == 37


async def test_every_sku_the_page_names_is_sold(vendor: MakeVendor) -> None:
    named = {
        "cactushop": ["license-standard", "license-pro", "support-12-months"],
        "cs-cart": [
            "license",
            "support-1-months",
            "support-3-months",
            "support-6-months",
            "support-12-months",
            "credits-25",
            "credits-50",
            "credits-100",
            "credits-200",
        ],
        "avactis": [
            "license-free",
            "license-leased",
            "license-owned",
            "license-saas-basic",
            "license-saas-standard",
            "license-saas-professional",
            "credits-1",
        ],
        "shopp": [
            "license",
            "credit-priority",
            "credit-escalated",
            "credit-hosting-certification",
            "credit-plugin-installation",
            "credit-addon-installation",
            "credit-wordpress-installation",
            "addon",
        ],
    }
    for policy, skus in named.items():
        shop = await vendor(policy)
        await bought(
            shop,
            "license-standard" if policy == "cactushop" else "license-owned" if policy == "avactis" else "license",
            order="first",
        )
        lines = [
            {"line_id": sku, "sku": sku, **({"attributes": {"addon": "Shipping"}} if sku == "addon" else {})}
            for sku in skus
        ]
        made = await shop.ok(await shop.put("/v1/orders/all", an_order(*lines)), 201)
        unknown = [one for one in made["not_granted"] if one["code"] == "unknown_sku"]
        assert unknown == [], policy


async def test_the_least_an_order_says(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    made = await shop.ok(
        await shop.put(
            "/v1/orders/o1",
            an_order(
                {
                    "line_id": "1",
                    "sku": "license",
                    "quantity": 2,
                    "unit_price": {"amount": "385.00", "currency": "USD"},
                },
                {"line_id": "2", "sku": "credits-25", "quantity": 2},
                {"line_id": "3", "sku": "support-1-months", "attributes": {}},
                {"line_id": "4", "sku": "a T-shirt"},
            ),
        ),
        201,
    )
    assert {"licenses", "lots", "covers", "choices", "not_granted", "notices"} <= set(made)
    assert len(made["licenses"]) == 2
    assert len(made["choices"]) == 1
    assert sorted(lot["granted"] for lot in made["lots"]) == [20, 50]
    assert [one["state"] for one in made["covers"]] == ["pending"]
    [refused] = made["not_granted"]
    assert (refused["line_id"], refused["code"], refused["clause"]) == ("4", "unknown_sku", "ALL-5")
    assert (await shop.ok(await shop.get("/v1/orders/o1")))["licenses"] == made["licenses"]
    is_problem(await shop.put("/v1/orders/o2", an_order({"line_id": "1", "sku": "license", "quantity": 1001})), 422)
    is_problem(await shop.put("/v1/orders/o2", an_order({"line_id": "1", "sku": "license", "quantity": 0})), 422)
    is_problem(await shop.put("/v1/orders/o2", an_order()), 422)


async def test_validate_only_on_every_write_of_a_storefront(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    asked = an_order({"line_id": "1", "sku": "license"}, {"line_id": "2", "sku": "credits-25"})
    dry = await shop.put("/v1/orders/o1?validate_only=true", asked)
    assert dry.status_code == 201
    is_problem(await shop.get("/v1/orders/o1"), 404)
    made = await shop.ok(await shop.put("/v1/orders/o1", asked), 201)
    choice = made["choices"][0]["choice_id"]
    lot, licence = made["lots"][0]["lot_id"], made["licenses"][0]["license_id"]
    before = await shop.ok(await shop.get("/v1/customers/c1"))
    for path, body in (
        ("/v1/orders/o1/refunds", {"refund_id": "r1", "lines": [{"line_id": "2", "quantity": 1}], "reason": "x"}),
        (f"/v1/customers/c1/choices/{choice}", {"option": "cover"}),
        (f"/v1/licenses/{licence}/termination", {"effective_at": START}),
        (f"/v1/licenses/{licence}/registration", {"domain": "shop.example"}),
        (f"/v1/lots/{lot}/refund", {"override": True, "reason": "x"}),
        ("/v1/customers/c1/holds", {"credits": 1}),
        ("/v1/customers/c1/debits", {"credits": 1}),
        ("/v1/customers/c1/adjustments", {"credits": 1, "reason": "x"}),
        (
            "/v1/credit-batches",
            {"commands": [{"idempotency_key": "k", "kind": "debit", "customer_id": "c1", "credits": 1}]},
        ),
        ("/v1/customers/c1/erasure", {}),
    ):
        answer = await shop.post(f"{path}?validate_only=true", body)
        assert answer.status_code in (200, 201, 409), (path, answer.text)
    assert await shop.ok(await shop.get("/v1/customers/c1")) == before


async def test_refunds(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "credits-60", order="o1")
    ask = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "changed their mind"}
    is_problem(await shop.post("/v1/orders/none/refunds", ask), 404)
    assert (await shop.post("/v1/orders/o1/refunds", ask, key=None)).status_code == 201
    assert (await shop.post("/v1/orders/o1/refunds", ask, key=None)).status_code == 200
    clash = await shop.post("/v1/orders/o1/refunds", {**ask, "reason": "other"}, key=None)
    assert is_problem(clash, 409)["code"].endswith("_conflict")
    assert (await shop.ok(await shop.get("/v1/customers/c1/balance")))["available"] == 0


async def test_a_choice(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await bought(shop, "license")
    [row] = is_page(await shop.get("/v1/customers/c1/choices"))
    assert row["options"] == ["credits", "cover"]
    path = f"/v1/customers/c1/choices/{row['choice_id']}"
    is_problem(await shop.post(path, {"option": "credits"}, key=None), 400)
    is_problem(await shop.post(path, {"option": "a car"}), 422)
    assert (await shop.post(path, {"option": "credits"})).status_code == 200
    assert is_page(await shop.get("/v1/customers/c1/choices")) == []
    assert (await shop.ok(await shop.get("/v1/customers/c1/balance")))["available"] == 40
    is_problem(await shop.post(path, {"option": "cover"}), 409)


async def test_licenses(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    made = await bought(shop, "license-leased")
    path = f"/v1/licenses/{made['licenses'][0]['license_id']}"
    assert (await shop.post(f"{path}/registration", {"domain": "shop.example"})).status_code == 200
    is_problem(await shop.post(f"{path}/termination", {"effective_at": START}, key=None), 400)
    assert (await shop.post(f"{path}/termination", {"effective_at": START})).status_code == 200


async def lot_of(shop: Vendor, **line: Any) -> str:
    await bought(shop, "license")
    made = await bought(shop, "credit-priority", order="o-credit", **line)
    lot: str = made["lots"][0]["lot_id"]
    return lot


async def test_lots_are_quoted_refunded_and_not_transferred(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    lot = await lot_of(shop, unit_price={"amount": "99.00", "currency": "USD"})
    is_problem(await shop.post(f"/v1/lots/{lot}/transfer", {"to_customer_id": "whoever"}), 409, "not_transferable")
    quote = await shop.ok(await shop.get(f"/v1/lots/{lot}/refund-quote"))
    assert {"lot_id", "credits", "refund", "basis", "decision"} <= set(quote)
    assert (quote["credits"], quote["basis"]) == (1, "full")
    assert quote["refund"] == {"amount": "99.00", "currency": "USD"}
    assert quote["decision"]["allowed"] is True
    await shop.move_clock("2025-06-30T00:00:00Z")
    quote = await shop.ok(await shop.get(f"/v1/lots/{lot}/refund-quote"))
    assert quote["basis"] == "partial"
    await shop.move_clock("2025-07-01T00:00:00Z")
    quote = await shop.ok(await shop.get(f"/v1/lots/{lot}/refund-quote"))
    assert (quote["basis"], quote["decision"]["reasons"][0]["code"]) == ("none", "expired")
    facts = quote["decision"]["reasons"][0]["facts"]
    assert facts["purchased_at"] == START
    is_problem(await shop.post(f"/v1/lots/{lot}/refund"), 409, "expired")


async def test_a_credit_whose_price_nobody_told_is_used_all_the_same(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    lot = await lot_of(shop)
    await opened(shop, credit_type="priority")
    is_problem(await shop.post(f"/v1/lots/{lot}/refund"), 409, "credit_in_use")
    poor = await shop.as_key("orders:write")
    answer = await poor.post(
        f"/v1/lots/{lot}/refund", json={"override": True, "reason": "x"}, headers={"Idempotency-Key": "k"}
    )
    is_problem(answer, 403)


async def test_orders_in_any_order_end_alike(vendor: MakeVendor) -> None:
    """The first licence by its date has the choice, whatever comes first; balances and covers are the same."""
    orders = [
        ("o1", an_order({"line_id": "1", "sku": "license"}, at="2025-01-01T00:00:00Z")),
        ("o2", an_order({"line_id": "1", "sku": "license"}, at="2025-01-02T00:00:00Z")),
        ("o3", an_order({"line_id": "1", "sku": "credits-50"}, at="2025-01-03T00:00:00Z")),
    ]
    found = []
    for arrival in itertools.permutations(orders):
        shop = await vendor("cs-cart", now="2025-01-10T00:00:00Z")
        for order_id, body in arrival:
            await shop.ok(await shop.put(f"/v1/orders/{order_id}", body), 201)
        choices = is_page(await shop.get("/v1/customers/c1/choices"))
        balance = await shop.ok(await shop.get("/v1/customers/c1/balance"))
        found.append(
            (
                [one["order_id"] for one in choices],
                sorted(lot["available"] for lot in balance["lots"] if lot["available"]),
            )
        )
    assert found == [(["o1"], [20, 50])] * len(found)
