"""Shop and helpdesk meet: an id in another system leads to the customer it was linked to, before or after."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.people.test_companies import audited, put
from tests.support import shops
from tests.support.api import Vendor

NOW = "2025-01-06T09:00:00Z"


async def systems(vendor: MakeVendor) -> tuple[Vendor, str, str]:
    """A vendor with a WooCommerce shop and a Zammad helpdesk, and the two addresses."""
    shop = await vendor("x-cart", now=NOW)
    woo = {"kind": "woocommerce", "secret": shops.SECRET, "products": {"93": {"sku": "license"}, "23": None}}
    desk = {"kind": "zammad", "secret": shops.SECRET, "options": {"categories": {"Users": "level_1"}}}
    made = [
        await shop.ok(await shop.put(f"/v1/sources/{name}", body), 201) for name, body in (("woo", woo), ("hd", desk))
    ]
    return shop, made[0]["path"], made[1]["path"]


async def bought(shop: Vendor, path: str, number: int, customer: int, **changes: Any) -> None:
    paid = dict.fromkeys(("date_created_gmt", "date_paid_gmt", "date_created", "date_paid"), "2025-01-02T10:00:00")
    paid["date_modified_gmt"] = "2025-01-02T10:00:00"
    body = shops.raw(shops.woo_order(**{**paid, "id": number, "customer_id": customer, **changes}))
    answer = await shop.client.post(path, content=body, headers=shops.sign_woo(body))
    assert answer.status_code == 200, answer.text


async def asked(shop: Vendor, path: str, number: int, customer: int) -> None:
    body = shops.raw(
        shops.zammad_ticket(
            id=number, created_at="2025-01-06T08:00:00Z", customer={"id": customer, "email": f"{customer}@x.example"}
        )
    )
    answer = await shop.client.post(path, content=body, headers=shops.sign_zammad(body))
    assert answer.status_code == 200, answer.text


async def test_a_link_made_before_brings_both_to_one_customer(vendor: MakeVendor) -> None:
    shop, woo, desk = await systems(vendor)
    await put(shop, "ann", external_ids={"woo": "17", "hd": "5"})
    await bought(shop, woo, 700, 17)
    await asked(shop, desk, 80, 5)
    assert (await shop.ok(await shop.get("/v1/orders/woo:700")))["customer_id"] == "ann"
    ticket = await shop.ok(await shop.get("/v1/tickets/hd:80"))
    assert (ticket["customer_id"], ticket["state"]) == ("ann", "in_progress")
    for other in ("woo:17", "hd:5"):
        assert (await shop.get(f"/v1/customers/{other}")).status_code == 404
    await bought(shop, woo, 700, 17, status="completed", date_modified_gmt="2025-01-03T00:00:00")
    await asked(shop, desk, 81, 6)
    assert (await shop.ok(await shop.get("/v1/tickets/hd:81")))["customer_id"] == "hd:6"
    rows = (await shop.ok(await shop.get("/v1/sources/woo/deliveries")))["data"]
    assert {row["state"] for row in rows} == {"done"}
    await audited(shop)


async def test_a_link_to_the_shops_own_customer(vendor: MakeVendor) -> None:
    """The ticket of a helpdesk's user lands at the buyer, by a link that was made before it."""
    shop, woo, desk = await systems(vendor)
    await bought(shop, woo, 700, 17)
    await put(shop, "woo:17", external_ids={"hd": "5"})
    await asked(shop, desk, 80, 5)
    ticket = await shop.ok(await shop.get("/v1/tickets/hd:80"))
    assert (ticket["customer_id"], ticket["state"]) == ("woo:17", "in_progress")
    await audited(shop)


async def test_a_link_made_after_counts_from_then_and_a_merge_joins_the_rest(vendor: MakeVendor) -> None:
    shop, woo, desk = await systems(vendor)
    await bought(shop, woo, 700, 17)
    await asked(shop, desk, 80, 5)
    before = await shop.ok(await shop.get("/v1/tickets/hd:80"))
    assert (before["customer_id"], before["state"]) == ("hd:5", "awaiting_credits")
    await put(shop, "ann", name="Ann", external_ids={"woo": "17", "hd": "5"})
    await bought(shop, woo, 701, 17)
    await asked(shop, desk, 81, 5)
    assert (await shop.ok(await shop.get("/v1/orders/woo:701")))["customer_id"] == "ann"
    assert (await shop.ok(await shop.get("/v1/tickets/hd:81")))["customer_id"] == "ann"
    await bought(shop, woo, 700, 17, status="completed", date_modified_gmt="2025-01-03T00:00:00")
    assert (await shop.ok(await shop.get("/v1/orders/woo:700")))["customer_id"] == "woo:17"
    for former in ("woo:17", "hd:5"):
        await shop.ok(await shop.post(f"/v1/customers/{former}/merge", {"into_customer_id": "ann"}))
    joined = await shop.ok(await shop.get("/v1/tickets/hd:80"))
    assert joined["customer_id"] == "ann"
    served = await shop.ok(await shop.post("/v1/tickets/hd:80/details", {}))
    assert served["state"] == "in_progress"
    await bought(shop, woo, 700, 17, status="refunded", date_modified_gmt="2025-01-04T00:00:00")
    await asked(shop, desk, 82, 5)
    assert (await shop.ok(await shop.get("/v1/tickets/hd:82")))["customer_id"] == "ann"
    await audited(shop)


async def test_a_person_of_a_company_asks_by_the_helpdesk(vendor: MakeVendor) -> None:
    shop, woo, desk = await systems(vendor)
    await put(shop, "acme", external_ids={"woo": "17"})
    await put(shop, "ann", external_ids={"hd": "5"}, company_id="acme")
    await bought(shop, woo, 700, 17)
    await asked(shop, desk, 80, 5)
    ticket = await shop.ok(await shop.get("/v1/tickets/hd:80"))
    assert (ticket["customer_id"], ticket["company_id"], ticket["state"]) == ("ann", "acme", "in_progress")
    await shop.ok(await shop.post("/v1/customers/ann/erasure"))
    row = (await shop.ok(await shop.get("/v1/sources/hd/deliveries")))["data"][0]
    one = await shop.ok(await shop.get(f"/v1/sources/hd/deliveries/{row['delivery_id']}"))
    assert (one["body"], one["effects"]) == ("", None)
    await asked(shop, desk, 81, 5)
    assert (await shop.ok(await shop.get("/v1/tickets/hd:81")))["customer_id"] == "hd:5"
    await audited(shop)
