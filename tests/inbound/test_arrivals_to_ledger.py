"""Deliveries at the door: stored, answered, acted on; business failures never reach the shop."""

from __future__ import annotations

import json

import pytest

from tests.conftest import MakeVendor
from tests.support import shops

WOO_PRODUCTS = {"93": {"sku": "license"}, "23": None, "Bar3": None}


async def woo(vendor: MakeVendor, products=None, **options):
    tenant = await vendor("cs-cart")
    source = await tenant.ok(
        await tenant.put(
            "/v1/sources/woo",
            {
                "kind": "woocommerce",
                "secret": shops.SECRET,
                "products": WOO_PRODUCTS if products is None else products,
                "options": options,
            },
        ),
        201,
    )
    return tenant, source["path"]


async def test_a_paid_order_is_granted_once_however_often_it_comes(vendor: MakeVendor) -> None:
    tenant, path = await woo(vendor)
    body = shops.raw(shops.woo_order())
    for _ in range(3):
        answer = await tenant.client.post(path, content=body, headers=shops.sign_woo(body))
        assert answer.status_code == 200, answer.text
    order = await tenant.ok(await tenant.get("/v1/orders/woo:727"))
    assert [one["sku"] for one in order["licenses"]] == ["license"] * 2
    guest = "woo:guest:" + shops.guest_hash("john.doe@example.com")
    assert order["customer_id"] == guest
    assert order["placed_at"] == "2017-03-22T19:28:02Z"
    rows = (await tenant.ok(await tenant.get("/v1/sources/woo/deliveries")))["data"]
    assert [row["state"] for row in rows] == ["done"], rows
    assert "body" not in rows[0]


async def test_the_unsigned_ping_is_answered_with_200(vendor: MakeVendor) -> None:
    tenant, path = await woo(vendor)
    answer = await tenant.client.post(
        path, content=b"webhook_id=3", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 200
    assert (await tenant.ok(await tenant.get("/v1/sources/woo/deliveries")))["data"] == []


async def test_forged_oversize_and_unknown_are_refused(vendor: MakeVendor) -> None:
    tenant, path = await woo(vendor)
    body = shops.raw(shops.woo_order())
    forged = await tenant.client.post(path, content=body + b" ", headers=shops.sign_woo(body))
    assert (forged.status_code, forged.json()["code"]) == (401, "signature_invalid")
    unsigned = await tenant.client.post(path, content=body)
    assert unsigned.status_code == 401
    huge = b"{" + b" " * (1024 * 1024) + b"}"
    assert (await tenant.client.post(path, content=huge, headers=shops.sign_woo(huge))).status_code == 413
    assert (
        await tenant.client.post("/in/rtn_in_nobody", content=body, headers=shops.sign_woo(body))
    ).status_code == 404
    assert (await tenant.get("/v1/orders/woo:727")).status_code == 404


async def test_what_nobody_mapped_is_parked_and_granted_by_replay(vendor: MakeVendor) -> None:
    tenant, path = await woo(vendor, products={"23": None})
    body = shops.raw(shops.woo_order())
    answer = await tenant.client.post(path, content=body, headers=shops.sign_woo(body))
    assert answer.status_code == 200
    row = (await tenant.ok(await tenant.get("/v1/sources/woo/deliveries", state="parked")))["data"][0]
    assert row["reason"] == "unmapped_product"
    assert "93" in row["detail"]
    put = await tenant.put("/v1/sources/woo", {"kind": "woocommerce", "products": WOO_PRODUCTS})
    assert put.status_code == 200
    assert "token" not in put.json()
    replayed = await tenant.ok(await tenant.client.post(f"/v1/sources/woo/deliveries/{row['delivery_id']}/replay"))
    assert replayed["state"] == "done"
    order = await tenant.ok(await tenant.get("/v1/orders/woo:727"))
    assert len(order["licenses"]) == 2
    again = await tenant.ok(await tenant.client.post(f"/v1/sources/woo/deliveries/{row['delivery_id']}/replay"))
    assert again["state"] == "done"
    assert len((await tenant.ok(await tenant.get("/v1/orders/woo:727")))["licenses"]) == 2


async def test_a_mixed_cart_grants_what_is_mapped_and_adds_the_rest_by_replay(vendor: MakeVendor) -> None:
    tenant, path = await woo(vendor, products={"93": {"sku": "license"}})
    body = shops.raw(shops.woo_order())
    await tenant.client.post(path, content=body, headers=shops.sign_woo(body))
    assert len((await tenant.ok(await tenant.get("/v1/orders/woo:727")))["licenses"]) == 2
    row = (await tenant.ok(await tenant.get("/v1/sources/woo/deliveries", state="parked")))["data"][0]
    await tenant.put("/v1/sources/woo", {"kind": "woocommerce", "products": {**WOO_PRODUCTS, "23": {"sku": "license"}}})
    replayed = await tenant.ok(await tenant.client.post(f"/v1/sources/woo/deliveries/{row['delivery_id']}/replay"))
    assert replayed["state"] == "done", replayed
    assert len((await tenant.ok(await tenant.get("/v1/orders/woo:727")))["licenses"]) == 3


async def test_a_cancellation_that_overtakes_its_order_leaves_nothing(vendor: MakeVendor) -> None:
    tenant, path = await woo(vendor)
    for order in (shops.woo_order(status="cancelled", date_modified_gmt="2017-03-23T10:00:00"), shops.woo_order()):
        body = shops.raw(order)
        assert (await tenant.client.post(path, content=body, headers=shops.sign_woo(body))).status_code == 200
    order = await tenant.ok(await tenant.get("/v1/orders/woo:727"))
    assert [one["ended_reason"] for one in order["licenses"]] == ["refunded", "refunded"]


async def test_a_poisoned_delivery_is_parked_with_its_reason(vendor: MakeVendor) -> None:
    tenant, path = await woo(vendor)
    for body in (
        b"not json",
        b"[1]",
        shops.raw({**shops.woo_order(), "currency": 7}),
        b"[" * 100_000,
        b'{"id": 727, "status": "processing", "line_items": [{"id": "\\u0000"}]}',
    ):
        answer = await tenant.client.post(path, content=body, headers=shops.sign_woo(body))
        assert answer.status_code == 200, answer.text
    rows = (await tenant.ok(await tenant.get("/v1/sources/woo/deliveries")))["data"]
    assert {row["state"] for row in rows} == {"parked"}
    assert {row["reason"] for row in rows} <= {"not_json", "field_wrong", "field_missing"}


async def test_a_source_is_changed_not_doubled_and_its_address_ends_with_it(vendor: MakeVendor) -> None:
    tenant, path = await woo(vendor)
    listed = (await tenant.ok(await tenant.get("/v1/sources")))["data"]
    assert [one["name"] for one in listed] == ["woo"]
    assert shops.SECRET not in json.dumps(listed)
    other = await tenant.put("/v1/sources/woo", {"kind": "stripe", "secret": "whsec_another"})
    assert (other.status_code, other.json()["code"]) == (409, "source_conflict")
    both = await tenant.put(
        "/v1/sources/woo",
        {"kind": "woocommerce", "secrets": ["the next secret", shops.SECRET], "products": WOO_PRODUCTS},
    )
    assert both.status_code == 200
    for secret in (shops.SECRET, "the next secret"):
        body = shops.raw(shops.woo_order(id=800 + len(secret)))
        assert (await tenant.client.post(path, content=body, headers=shops.sign_woo(body, secret))).status_code == 200
    renewed = await tenant.ok(await tenant.put("/v1/sources/woo", {"kind": "woocommerce", "new_token": True}))
    body = shops.raw(shops.woo_order())
    assert (await tenant.client.post(path, content=body, headers=shops.sign_woo(body))).status_code == 404
    assert (await tenant.delete("/v1/sources/woo")).status_code == 200
    assert (await tenant.client.post(renewed["path"], content=body, headers=shops.sign_woo(body))).status_code == 404


async def test_secrets_are_sealed_and_scopes_are_asked(vendor: MakeVendor) -> None:
    tenant, _ = await woo(vendor)
    reader = await tenant.as_key("orders:read")
    assert (await reader.get("/v1/sources")).status_code == 200
    refused = await reader.put("/v1/sources/x", json={"kind": "woocommerce", "secret": shops.SECRET})
    assert refused.status_code == 403


@pytest.mark.parametrize("ids", ["prefixed", "own"])
async def test_a_generic_purchase_brings_credits(vendor: MakeVendor, ids: str) -> None:
    tenant = await vendor("avactis")
    made = await tenant.ok(await tenant.put("/v1/sources/shop", {"kind": "purchase", "options": {"ids": ids}}), 201)
    event = shops.purchase(
        "order.paid",
        order_id="A-1",
        customer_id="42",
        placed_at="2024-12-01T10:00:00Z",
        currency="USD",
        lines=[{"line_id": "1", "sku": "credits-10", "quantity": 1}],
    )
    body = shops.raw(event)
    answer = await tenant.client.post(
        made["path"], content=body, headers=shops.sign_standard(body, made["secret"], "msg_1")
    )
    assert answer.status_code == 200, answer.text
    customer = "42" if ids == "own" else "shop:42"
    balance = await tenant.ok(await tenant.get(f"/v1/customers/{customer}/balance"))
    assert balance["available"] == 10
    refund = shops.raw(shops.purchase("order.refunded", order_id="A-1", refund_id="R1"))
    await tenant.client.post(made["path"], content=refund, headers=shops.sign_standard(refund, made["secret"], "msg_2"))
    assert (await tenant.ok(await tenant.get(f"/v1/customers/{customer}/balance")))["available"] == 0


async def test_what_was_refunded_before_it_could_grant_stays_refunded(vendor: MakeVendor) -> None:
    """A pack needs a license; both its refund and an earlier order with the license may come first or last."""
    license_ = {
        "customer_id": "c",
        "placed_at": "2024-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
    }
    pack = {
        "customer_id": "c",
        "placed_at": "2024-06-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "credits-50", "quantity": 2}],
    }
    balances = []
    for late in (False, True):
        tenant = await vendor("cs-cart")
        if not late:
            await tenant.put("/v1/orders/a", license_)
        await tenant.put("/v1/orders/b", pack)
        refund = {"refund_id": "r", "lines": [{"line_id": "1", "quantity": 1}]}
        await tenant.ok(await tenant.post("/v1/orders/b/refunds", refund))
        if late:
            await tenant.put("/v1/orders/a", license_)
        balances.append((await tenant.ok(await tenant.get("/v1/customers/c/balance")))["available"])
    assert balances == [50, 50]
