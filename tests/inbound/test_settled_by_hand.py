"""Parked deliveries say what a person has to decide, and end when a person has decided it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.commands.dismiss import dismissed
from app.db.engine import Database
from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import settings_for
from tests.support.deliveries import Shop, a_shop
from tests.support.graphql import do

PACK = {"65": {"sku": "credits-60", "attributes": {}}}


def order(number: int = 901, **changes: Any) -> dict[str, Any]:
    return shops.woo_order(
        id=number,
        status="completed",
        total="69.00",
        customer_id=17,
        date_created_gmt="2025-03-01T10:00:00",
        date_modified_gmt="2025-03-01T10:00:09",
        date_paid_gmt="2025-03-01T10:00:05",
        line_items=[
            {
                "id": 31,
                "product_id": 65,
                "variation_id": 0,
                "quantity": 2,
                "sku": "",
                "subtotal": "69.00",
                "total": "69.00",
                "total_tax": "0.00",
            }
        ],
        **changes,
    )


def half(number: int = 901, stamp: str = "2025-03-02T10:00:00") -> dict[str, Any]:
    refund = {"id": number + 1, "reason": "half of one", "total": "-17.25"}
    return order(number, refunds=[refund]) | {"date_modified_gmt": stamp}


async def parked_half(vendor: MakeVendor) -> tuple[Shop, dict[str, Any]]:
    shop = await a_shop(vendor, "woocommerce", products=PACK)
    await shop.deliver(order())
    row = await shop.deliver(half())
    assert (row["state"], row["reason"]) == ("parked", "refund_part_of_unit")
    return shop, row


async def test_what_is_parked_says_what_is_unclear_what_the_payload_says_and_what_settles_it(
    vendor: MakeVendor,
) -> None:
    shop, row = await parked_half(vendor)
    (item,) = row["review"]
    assert set(item) == {"code", "unclear", "payload_says", "settled_by"}
    assert "17.25" in item["unclear"]
    assert item["payload_says"]["refunds"] == ["902"]
    assert item["payload_says"]["lines"] == {"31": "69"}
    assert 2 <= len(item["settled_by"]) <= 3
    assert await shop.available("17") == 120


async def test_an_adjustment_settles_a_delivery_and_is_linked_to_it(vendor: MakeVendor) -> None:
    shop, row = await parked_half(vendor)
    made = await shop.tenant.ok(
        await shop.tenant.post("/v1/customers/shop:17/adjustments", {"credits": -30, "reason": "half a pack refunded"}),
        201,
    )
    assert made["adjustment_id"]
    tried = await shop.tenant.client.post(
        f"/v1/sources/shop/deliveries/{row['delivery_id']}/dismissal?validate_only=true",
        json={"reason": "30 points taken back", "adjustment_id": made["adjustment_id"]},
    )
    assert (await shop.tenant.ok(tried))["state"] == "dismissed"
    assert len(await shop.parked()) == 1
    for _ in range(2):
        done = await shop.tenant.ok(
            await shop.dismiss(row["delivery_id"], reason="30 points taken back", adjustment_id=made["adjustment_id"]),
            200,
        )
        assert done["state"] == "dismissed"
        assert done["dismissal"]["adjustment_id"] == made["adjustment_id"]
        assert done["dismissal"]["reason"] == "30 points taken back"
    assert await shop.parked() == []
    trail = (await shop.tenant.ok(await shop.tenant.get("/v1/audit-trail", limit=100)))["data"]
    found = [one for one in trail if one["action"] == "delivery.dismissed"]
    assert [one["subject"] for one in found] == [row["delivery_id"]]
    assert found[0]["data"]["adjustment_id"] == made["adjustment_id"]
    assert found[0]["data"]["reason"] == "30 points taken back"
    listed = (await shop.tenant.ok(await shop.tenant.get("/v1/sources")))["data"][0]["deliveries"]
    assert (listed["parked"], listed["dismissed"]) == (0, 1)
    # The shop edits a note: the same refund is not asked about again, and the next whole pack is.
    note = await shop.deliver(half(stamp="2025-03-03T10:00:00"))
    assert (note["state"], await shop.available("17")) == ("done", 90)
    more = half(stamp="2025-03-04T10:00:00")
    more["refunds"].append({"id": 903, "reason": "", "total": "-34.50"})
    assert (await shop.deliver(more))["state"] == "done"
    assert await shop.available("17") == 30
    assert await shop.audit() == []


async def test_only_what_is_parked_can_be_dismissed_and_only_by_what_there_is(vendor: MakeVendor) -> None:
    shop, row = await parked_half(vendor)
    good = (await shop.tenant.ok(await shop.tenant.get("/v1/sources/shop/deliveries", state="done")))["data"][0]
    refused = await shop.dismiss(good["delivery_id"], reason="why not")
    assert (refused.status_code, refused.json()["code"]) == (409, "delivery_not_parked")
    refused = await shop.dismiss("dlv_nobody", reason="why not")
    assert (refused.status_code, refused.json()["code"]) == (404, "delivery_not_found")
    refused = await shop.dismiss(row["delivery_id"], reason="linked", adjustment_id="opr_nobody")
    assert (refused.status_code, refused.json()["code"]) == (422, "adjustment_not_found")
    assert (await shop.dismiss(row["delivery_id"])).status_code == 422
    assert (await shop.dismiss(row["delivery_id"], reason="")).status_code == 422
    grant = (await shop.tenant.ok(await shop.tenant.get("/v1/customers/shop:17/entries")))["data"][0]
    refused = await shop.dismiss(row["delivery_id"], reason="a grant", adjustment_id=grant["operation_id"])
    assert refused.json()["code"] == "adjustment_not_found"
    reader = await shop.tenant.as_key("orders:read")
    path = f"/v1/sources/shop/deliveries/{row['delivery_id']}/dismissal"
    assert (await reader.post(path, json={"reason": "r"})).status_code == 403
    assert (await shop.tenant.ok(await shop.dismiss(row["delivery_id"], reason="goodwill")))["state"] == "dismissed"
    refused = await shop.dismiss(row["delivery_id"], reason="another reason")
    assert (refused.status_code, refused.json()["code"]) == (409, "delivery_not_parked")


async def test_graphql_and_the_command_line_dismiss_as_well(app: FastAPI, vendor: MakeVendor) -> None:
    shop, row = await parked_half(vendor)
    told = await do(
        shop.tenant,
        "dismissSourceDelivery",
        "... on Delivery { state reason review { code settledBy } dismissal { reason adjustmentId by at } }",
        name="shop",
        deliveryId=row["delivery_id"],
        reason="by GraphQL",
    )
    assert told["state"] == "dismissed"
    assert told["dismissal"]["reason"] == "by GraphQL"
    assert told["review"][0]["code"] == "refund_part_of_unit"
    await shop.deliver(order(911))
    other = await shop.deliver(half(911))
    db: Database = app.state.house.database
    settings = settings_for(app.state.settings.database_url)
    view = await dismissed(db, settings, shop.tenant.tenant_id, "shop", other["delivery_id"], "by command")
    assert (view["state"], view["dismissal"]["by"]) == ("dismissed", "command line")
    assert await shop.parked() == []


async def test_a_dismissed_delivery_can_be_replayed_and_is_then_judged_anew(vendor: MakeVendor) -> None:
    shop, row = await parked_half(vendor)
    await shop.tenant.ok(await shop.dismiss(row["delivery_id"], reason="goodwill, nothing to take"))
    again = await shop.replay(row["delivery_id"])
    assert (again["state"], again["dismissal"]) == ("done", None)
    assert await shop.available("17") == 120


async def test_a_replay_that_settles_nothing_stays_parked_and_one_of_what_is_done_changes_nothing(
    vendor: MakeVendor,
) -> None:
    shop, row = await parked_half(vendor)
    before = (await shop.tenant.ok(await shop.tenant.get("/v1/customers/shop:17/entries")))["data"]
    again = await shop.replay(row["delivery_id"])
    assert (again["state"], again["reason"], again["review"]) == ("parked", row["reason"], row["review"])
    assert [one["delivery_id"] for one in await shop.parked()] == [row["delivery_id"]], "it is one question still"
    done = await shop.tenant.ok(await shop.tenant.get("/v1/sources/shop/deliveries", state="done"))
    first = await shop.replay(done["data"][0]["delivery_id"])
    assert first["state"] == "parked", "the order is in doubt, whichever of its deliveries is asked"
    assert (await shop.dismiss(first["delivery_id"], reason="A test.")).status_code == 200
    assert (await shop.replay(first["delivery_id"]))["state"] in ("done", "ignored")
    after = (await shop.tenant.ok(await shop.tenant.get("/v1/customers/shop:17/entries")))["data"]
    assert after == before, "no credit moved"
    assert await shop.audit() == []


async def test_number_and_age_of_what_is_parked_are_metrics(app: FastAPI, vendor: MakeVendor) -> None:
    shop, _ = await parked_half(vendor)
    watch = app.state.house.watch
    await watch._measure(app.state.house.database, shop.tenant.tenant_id)
    found = {name: value for name, _, _, value in watch.sample()}
    assert found["retainer_deliveries_parked"] >= 1
    assert found["retainer_deliveries_parked_oldest_seconds"] > 0
