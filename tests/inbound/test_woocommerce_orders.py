"""What can happen to a WooCommerce order, and what Retainer does: docs/integrations.md has its table from here."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.deliveries import Shop, a_shop

PRODUCTS = {"65": {"sku": "credits-60", "attributes": {}}, "66": {"sku": "license", "attributes": {}}, "67": None}
LATER = {"date_modified_gmt": "2025-02-27T11:00:00", "date_modified": "2025-02-27T11:00:00"}
LATEST = {"date_modified_gmt": "2025-03-02T11:00:00", "date_modified": "2025-03-02T11:00:00"}


async def woo(vendor: MakeVendor, policy: str = "x-cart", **more: Any) -> Shop:
    return await a_shop(vendor, "woocommerce", policy, products=more.pop("products", PRODUCTS), **more)


def packs(quantity: int = 2, **changes: Any) -> dict[str, Any]:
    total = f"{34.5 * quantity:.2f}"
    return shops.woo_full(line_items=[shops.woo_line(quantity=quantity, total=total)], **{"total": total, **changes})


def refunded(order: dict[str, Any], *amounts: str, **changes: Any) -> dict[str, Any]:
    rows = [{"id": 9000 + n, "reason": "", "total": f"-{amount}"} for n, amount in enumerate(amounts)]
    return {**copy.deepcopy(order), "refunds": rows, **LATER, **changes}


def codes(row: dict[str, Any]) -> list[str]:
    return [one["code"] for one in row["review"]]


# --- reasons of money -------------------------------------------------------------------------------------------------

SHIPPED = {
    "shipping_total": "34.50",
    "total": "103.50",
    "shipping_lines": [{"id": 1, "method_title": "Courier", "total": "34.50", "total_tax": "0.00"}],
}


THIRDS = shops.woo_full(total="101.00", line_items=[shops.woo_line(quantity=3, total="101.00")])


@pytest.mark.parametrize(
    ("name", "order", "amounts", "state", "points"),
    [
        ("one pack of two", packs(), ["34.50"], "done", 60),
        ("both packs, one by one", packs(), ["34.50", "34.50"], "done", 0),
        ("all of it", packs(), ["69.00"], "done", 0),
        ("half a pack", packs(), ["17.25"], "parked", 120),
        ("shipping that costs as much as a pack", packs(**SHIPPED), ["34.50"], "parked", 120),
        (
            "shipping that costs something else",
            packs(
                shipping_total="9.00", total="78.00", shipping_lines=[{"id": 1, "total": "9.00", "total_tax": "0.00"}]
            ),
            ["9.00"],
            "done",
            120,
        ),
        (
            "a pack and its shipping",
            packs(
                shipping_total="9.00", total="78.00", shipping_lines=[{"id": 1, "total": "9.00", "total_tax": "0.00"}]
            ),
            ["43.50"],
            "done",
            60,
        ),
        (
            "a fee that costs as much as a pack",
            packs(total="103.50", fee_lines=[{"id": 2, "name": "Wrapping", "total": "34.50", "total_tax": "0.00"}]),
            ["34.50"],
            "parked",
            120,
        ),
        ("more than the order came to", packs(), ["69.01"], "parked", 120),
        ("twice as much as the order came to", packs(1), ["34.50", "34.50"], "parked", 60),
        ("one of three units at a third of the price", THIRDS, ["33.67"], "done", 120),
        ("two of three such units, one by one", THIRDS, ["33.67", "33.67"], "done", 60),
        ("a cent less than a unit, and a unit", packs(3), ["34.49", "34.50"], "parked", 180),
        (
            "half a yen more than a unit",
            shops.woo_full(currency="JPY", total="10000", line_items=[shops.woo_line(quantity=2, total="10000")]),
            ["5000.50"],
            "parked",
            120,
        ),
        ("a cent less than a third", THIRDS, ["33.65"], "parked", 180),
        (
            "the tax of six packs, which is one pack with tax",
            shops.woo_full(
                total="248.40",
                total_tax="41.40",
                cart_tax="41.40",
                line_items=[shops.woo_line(quantity=6, total="207.00", total_tax="41.40")],
            ),
            ["41.40"],
            "parked",
            360,
        ),
        (
            "the tax of two packs",
            shops.woo_full(
                total="82.80",
                total_tax="13.80",
                cart_tax="13.80",
                line_items=[shops.woo_line(quantity=2, total="69.00", total_tax="13.80")],
            ),
            ["13.80"],
            "done",
            120,
        ),
        (
            "an amount in an order of two lines",
            shops.woo_full(total="69.00", line_items=[shops.woo_line(71), shops.woo_line(72)]),
            ["34.50"],
            "parked",
            120,
        ),
        (
            "the shipping of an order of two lines",
            shops.woo_full(
                total="74.00",
                shipping_total="5.00",
                line_items=[shops.woo_line(71), shops.woo_line(72)],
                shipping_lines=[{"id": 1, "total": "5.00", "total_tax": "0.00"}],
            ),
            ["5.00"],
            "done",
            120,
        ),
    ],
)
async def test_a_refund_that_names_an_amount_alone(
    vendor: MakeVendor, name: str, order: dict[str, Any], amounts: list[str], state: str, points: int
) -> None:
    """WooCommerce's webhook tells of a refund its id, its reason and its total only."""
    shop = await woo(vendor)
    before = await shop.deliver(order)
    assert before["state"] == "done", before
    row = await shop.deliver(refunded(order, *amounts))
    assert row["state"] == state, (name, row)
    assert await shop.available("23") == points
    if state == "parked":
        assert set(codes(row)) <= {"refund_lines_unknown", "refund_part_of_unit"}
        assert row["review"][0]["payload_says"]["refunds"] == [f"{9000 + n}" for n in range(len(amounts))]
    assert await shop.audit() == []


async def test_a_refund_in_doubt_takes_nothing_and_grants_nothing_if_it_comes_first(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    order = packs(**SHIPPED)
    assert (await shop.deliver(refunded(order, "34.50")))["state"] == "parked"
    assert await shop.available("23") is None


@pytest.mark.parametrize(
    ("name", "changes", "granted"),
    [
        ("the total fits", {}, True),
        ("five more than anything explains", {"total": "39.50"}, False),
        ("five less than its lines", {"total": "29.50"}, False),
        (
            "shipping, a fee and taxes explain it",
            {
                "total": "52.80",
                "total_tax": "8.80",
                "shipping_total": "5.50",
                "cart_tax": "6.90",
                "shipping_tax": "1.10",
                "line_items": [shops.woo_line(total="34.50", total_tax="6.90")],
                "fee_lines": [{"id": 4, "name": "Wrapping", "total": "4.00", "total_tax": "0.80"}],
                "shipping_lines": [{"id": 3, "total": "5.50", "total_tax": "1.10"}],
            },
            True,
        ),
        (
            "net prices rounded line by line",
            {
                "total": "30.00",
                "total_tax": "5.22",
                "prices_include_tax": True,
                "line_items": [shops.woo_line(n, total="8.26", total_tax="1.74") for n in (1, 2, 3)],
            },
            True,
        ),
        ("a line of a free gift", {"line_items": [shops.woo_line(), shops.woo_line(72, 67, total="0.00")]}, True),
    ],
)
async def test_a_total_is_checked_against_its_lines(
    vendor: MakeVendor, name: str, changes: dict[str, Any], granted: bool
) -> None:
    shop = await woo(vendor)
    row = await shop.deliver(shops.woo_full(**changes))
    assert row["state"] == ("done" if granted else "parked"), (name, row)
    assert bool(await shop.available("23")) is granted
    if not granted:
        assert codes(row) == ["total_unexplained"]
        assert row["review"][0]["payload_says"]["unexplained"] in ("5.00", "-5.00")


# --- discounts --------------------------------------------------------------------------------------------------------


def licensed(listed: str, paid: str, quantity: int = 1, **changes: Any) -> dict[str, Any]:
    line = shops.woo_line(product=66, quantity=quantity, total=paid, subtotal=listed)
    return shops.woo_full(line_items=[line], **{"total": paid, **changes})


@pytest.mark.parametrize(
    ("name", "order", "credits"),
    [
        ("20 % of 199.99 to the cent", licensed("199.99", "159.99"), 200),
        ("a cent more than 20 %", licensed("199.99", "159.98"), 0),
        ("20 % of three at 66.66", licensed("199.98", "159.98", 3), 600),
        ("a cent more than 20 % of three", licensed("199.98", "159.97", 3), 0),
        (
            "a negative fee of 20 %",
            licensed(
                "200.00",
                "200.00",
                total="160.00",
                fee_lines=[{"id": 5, "name": "Loyal", "total": "-40.00", "total_tax": "0.00"}],
            ),
            200,
        ),
        (
            "a negative fee of more than 20 %",
            licensed(
                "200.00",
                "200.00",
                total="159.00",
                fee_lines=[{"id": 5, "name": "Loyal", "total": "-41.00", "total_tax": "0.00"}],
            ),
            0,
        ),
        (
            "a coupon and a negative fee, together more than 20 %",
            licensed(
                "200.00",
                "170.00",
                total="155.00",
                fee_lines=[{"id": 5, "name": "Loyal", "total": "-15.00", "total_tax": "0.00"}],
            ),
            0,
        ),
        (
            "a negative fee that another line bears the most of",
            shops.woo_full(
                total="760.00",
                fee_lines=[{"id": 5, "name": "Loyal", "total": "-40.00", "total_tax": "0.00"}],
                line_items=[shops.woo_line(71, 66, total="200.00"), shops.woo_line(72, 67, total="600.00")],
            ),
            200,
        ),
    ],
)
async def test_ava_6_discounts_are_read_to_the_last_cent(
    vendor: MakeVendor, name: str, order: dict[str, Any], credits: int
) -> None:
    mapped = {"66": {"sku": "license-owned", "attributes": {}}, "67": None}
    shop = await woo(vendor, "avactis", products=mapped)
    row = await shop.deliver(order)
    assert row["state"] == "done", (name, row)
    assert await shop.available("23") == credits, name
    assert [one["clause"] for one in row["effects"]["not_granted"]] == ([] if credits else ["AVA-6"])


# --- undoing ----------------------------------------------------------------------------------------------------------


async def test_a_restored_order_is_parked_however_often_it_is_thrown_away(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(1))
    assert (await shop.deliver({"id": 5150}, "order.deleted"))["state"] == "done"
    assert await shop.available("23") == 0
    back = await shop.deliver(packs(1, **LATER), "order.restored")
    assert (back["state"], back["reason"]) == ("parked", "paid_after_cancellation")
    assert await shop.available("23") == 0
    assert await shop.audit() == []


async def test_an_order_thrown_away_before_it_was_ever_seen_is_not_lost_in_silence(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver({"id": 5150}, "order.deleted")
    assert (await shop.deliver(packs(1)))["reason"] == "paid_after_cancellation"


@pytest.mark.parametrize("gone", ["cancelled", "refunded", "trash"])
async def test_cancelled_and_paid_again_is_parked(vendor: MakeVendor, gone: str) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(1))
    assert (await shop.deliver(packs(1, status=gone, **LATER)))["state"] == "done"
    assert await shop.available("23") == 0
    again = await shop.deliver(packs(1, status="processing", **LATEST))
    assert (again["state"], again["reason"]) == ("parked", "paid_after_cancellation")


async def test_cancelled_unpaid_and_then_paid_is_granted(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(1, status="cancelled", date_paid_gmt=None, date_paid=None))
    assert (await shop.deliver(packs(1, **LATER)))["state"] == "done"
    assert await shop.available("23") == 60


async def test_a_refund_that_the_shop_deletes_is_parked_as_reversed(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(2))
    await shop.deliver(refunded(packs(2), "34.50"))
    assert await shop.available("23") == 60
    row = await shop.deliver(packs(2, **LATEST))
    assert (row["state"], row["reason"]) == ("parked", "refund_reversed")
    assert row["review"][0]["payload_says"]["refunds"] == ["9000"]
    assert await shop.available("23") == 60


async def test_a_refund_in_doubt_that_the_shop_deletes_leaves_nothing_to_do(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(2))
    assert (await shop.deliver(refunded(packs(2), "10.00")))["state"] == "parked"
    assert (await shop.deliver(packs(2, **LATEST)))["state"] == "done"
    assert await shop.parked() == []
    assert await shop.available("23") == 120


# --- identity ---------------------------------------------------------------------------------------------------------


async def test_a_renamed_sku_changes_nothing_that_was_bought(vendor: MakeVendor) -> None:
    shop = await woo(vendor, products={})
    first = shops.woo_full(line_items=[shops.woo_line(sku="credits-60")])
    assert (await shop.deliver(first))["state"] == "done"
    for stamp, sku in ((LATER, "credits-120"), (LATEST, "")):
        renamed = shops.woo_full(line_items=[shops.woo_line(sku=sku)], **stamp)
        assert (await shop.deliver(renamed))["state"] == "done"
        assert await shop.available("23") == 60
    gone = shops.woo_full(line_items=[shops.woo_line(sku="", product_id=0)], date_modified_gmt="2025-03-04T00:00:00")
    assert (await shop.deliver(gone))["state"] == "done"
    assert await shop.available("23") == 60
    other = shops.woo_full(6000, line_items=[shops.woo_line(90, sku="credits-120")], transaction_id="ch_other")
    await shop.deliver(other)
    assert await shop.available("23") == 180
    assert await shop.audit() == []


@pytest.mark.parametrize(
    "nobody",
    [
        {"customer_id": 0, "billing": {"first_name": "[deleted]", "email": "deleted@site.invalid"}},
        {"customer_id": 0, "billing": {"first_name": "", "email": ""}},
        {"customer_id": 0, "billing": {"first_name": "Kim", "email": "gone@anything.invalid"}},
        {
            "customer_id": 0,
            "billing": {"email": "x@buyers.example"},
            "meta_data": [{"key": "_anonymized", "value": "yes"}],
        },
    ],
)
async def test_an_anonymised_buyer_is_nobody_and_nothing_moves(vendor: MakeVendor, nobody: dict[str, Any]) -> None:
    shop = await woo(vendor)
    guest = {"customer_id": 0, "billing": {"email": "lee@buyers.example"}}
    await shop.deliver(shops.woo_full())
    await shop.deliver(shops.woo_full(5151, line_items=[shops.woo_line(81)], **guest))
    whom = "guest:" + shops.guest_hash("lee@buyers.example")
    await shop.deliver(shops.woo_full(**nobody, **LATER))
    await shop.deliver(shops.woo_full(5151, line_items=[shops.woo_line(81)], **nobody, **LATER))
    assert (await shop.available("23"), await shop.available(whom)) == (60, 60)
    people = (await shop.tenant.ok(await shop.tenant.get("/v1/customers")))["data"]
    assert sorted(one["customer_id"] for one in people) == sorted(["shop:23", f"shop:{whom}"])
    assert await shop.parked() == []


async def test_an_order_that_names_nobody_from_the_first_waits_for_a_person_once_it_is_paid(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    row = await shop.deliver(shops.woo_full(customer_id=0, billing={"email": ""}))
    assert (row["state"], row["reason"]) == ("parked", "customer_missing")
    await shop.deliver(shops.woo_full(**LATER))
    assert await shop.parked() == []


async def test_one_payment_buys_once(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(shops.woo_full(transaction_id="pay_1"))
    for number in (5151, 5152):
        again = shops.woo_full(number, transaction_id="pay_1", line_items=[shops.woo_line(number)])
        row = await shop.deliver(again)
        assert (row["state"], row["reason"]) == ("parked", "payment_already_used")
        assert row["review"][0]["payload_says"]["bought_order"] == "5150"
    assert await shop.available("23") == 60
    # Two people under one number are two payments: some gateways number them for each buyer.
    other = shops.woo_full(5153, transaction_id="pay_1", customer_id=24, line_items=[shops.woo_line(5153)])
    assert (await shop.deliver(other))["state"] == "done"
    assert (await shop.available("23"), await shop.available("24")) == (60, 60)
    note = await shop.deliver(shops.woo_full(transaction_id="pay_1", **LATER))
    assert note["state"] == "done"
    for number, payment in ((5160, ""), (5161, ""), (5162, "0")):
        row = await shop.deliver(shops.woo_full(number, transaction_id=payment, line_items=[shops.woo_line(number)]))
        assert row["state"] == "done"
    assert await shop.available("23") == 240


async def test_a_guest_who_opens_an_account_is_merged_into_it_and_the_delivery_replayed(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(2, customer_id=0))
    guest = "guest:" + shops.guest_hash("kim@buyers.example")
    await shop.tenant.ok(await shop.tenant.post(f"/v1/customers/shop:{guest}/debits", {"credits": 50}), 201)
    row = await shop.deliver(packs(2, customer_id=41, **LATER))
    assert (row["state"], row["reason"]) == ("parked", "order_customer_changed")
    assert any("merge" in step for step in row["review"][0]["settled_by"])
    merged = await shop.tenant.post(f"/v1/customers/shop:{guest}/merge", {"into_customer_id": "shop:41"})
    assert (await shop.tenant.ok(merged))["customer_id"] == "shop:41"
    assert (await shop.replay(row["delivery_id"]))["state"] == "done"
    assert await shop.available("41") == 70
    assert await shop.audit() == []


# --- test and live ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "paid_by",
    [
        {"payment_method": "dummy"},
        {"meta_data": [{"key": "_wcpay_mode", "value": "test"}]},
        {"meta_data": [{"key": "_mollie_payment_mode", "value": "test"}]},
        {"meta_data": [{"key": "_ppcp_paypal_payment_mode", "value": "sandbox"}]},
    ],
)
async def test_play_money_buys_nothing_where_time_is_real_unless_the_source_says_so(
    vendor: MakeVendor, paid_by: dict[str, Any]
) -> None:
    shop = await woo(vendor, now=None)
    row = await shop.deliver(shops.woo_full(**paid_by))
    assert (row["state"], row["reason"]) == ("ignored", "test_order")
    assert await shop.available("23") is None
    for trial in (await woo(vendor, now=None, test_orders=True), await woo(vendor)):
        assert (await trial.deliver(shops.woo_full(**paid_by)))["state"] == "done"
        assert await trial.available("23") == 60


# --- line by line -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        shops.woo_line(72, 67, 1.5, "15.00"),
        shops.woo_line(72, 67, 0, "0.00"),
        shops.woo_line(72, 67, "0.25", "15.00"),
        shops.woo_line(72, 0, 2, "15.00", sku=""),
        shops.woo_line(72, 0, 1.5, "15.00", sku=""),
    ],
)
async def test_a_line_that_is_nothing_of_ours_holds_nothing_up(vendor: MakeVendor, line: dict[str, Any]) -> None:
    shop = await woo(vendor)
    total = f"{34.5 + float(line['total']):.2f}"
    row = await shop.deliver(shops.woo_full(total=total, line_items=[shops.woo_line(), line]))
    assert row["state"] == "done", row
    assert await shop.available("23") == 60


async def test_a_part_of_a_unit_of_ours_waits_for_a_person_and_the_rest_is_granted(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    order = shops.woo_full(total="86.25", line_items=[shops.woo_line(), shops.woo_line(72, 65, 1.5, "51.75")])
    row = await shop.deliver(order)
    assert (row["state"], codes(row)) == ("parked", ["quantity_unclear"])
    assert await shop.available("23") == 60


@pytest.mark.parametrize("draft", ["checkout-draft", "auto-draft", "pending", "on-hold", "failed"])
async def test_what_is_not_paid_yet_waits_without_a_person(vendor: MakeVendor, draft: str) -> None:
    shop = await woo(vendor)
    unpaid = {"date_paid_gmt": None, "date_paid": None, "transaction_id": ""}
    cart = shops.woo_full(status=draft, customer_id=0, billing={"email": ""}, **unpaid)
    row = await shop.deliver(cart)
    assert (row["state"], row["reason"]) == ("done", "waits_for_payment")
    assert (await shop.deliver(shops.woo_full(**LATER)))["state"] == "done"
    assert await shop.available("23") == 60
    assert await shop.parked() == []


@pytest.mark.parametrize("status", ["shipped", "wc-printed", "partially-shipped"])
async def test_a_status_of_a_plugin_is_paid_if_it_has_the_date_of_the_payment(vendor: MakeVendor, status: str) -> None:
    shop = await woo(vendor)
    waits = shops.woo_full(status=status, date_paid_gmt=None, date_paid=None)
    assert (await shop.deliver(waits))["reason"] == "waits_for_payment"
    assert (await shop.deliver(shops.woo_full(status=status, **LATER)))["state"] == "done"
    assert await shop.available("23") == 60


async def test_an_order_that_was_paid_and_is_pending_takes_nothing_without_a_person(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(1))
    row = await shop.deliver(packs(1, status="pending", **LATER))
    assert (row["state"], codes(row)) == ("parked", ["payment_unclear"])
    assert await shop.available("23") == 60
    assert (await shop.deliver(packs(1, **LATEST)))["state"] == "done"
    assert await shop.parked() == []


async def test_an_order_on_hold_after_it_was_paid_is_disputed_and_one_that_failed_is_lost(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(2))
    await shop.tenant.ok(await shop.tenant.post("/v1/customers/shop:23/debits", {"credits": 50}), 201)
    held = await shop.deliver(packs(2, status="on-hold", **LATER))
    assert (held["state"], await shop.available("23")) == ("done", 70)
    assert [one["state"] for one in held["effects"]["payment_disputes"]] == ["open"]
    failed = await shop.deliver(packs(2, status="failed", date_modified_gmt="2025-02-28T00:00:00"))
    assert (failed["state"], await shop.available("23")) == ("done", 0)
    won = await shop.deliver(packs(2, status="processing", **LATEST))
    assert (won["state"], await shop.available("23")) == ("done", 70)
    assert await shop.audit() == []


async def test_a_license_taken_out_while_its_payment_is_lost_brings_no_cover_later(vendor: MakeVendor) -> None:
    """The shop changes the quantity of an order whose payment is lost, and it is there again then."""
    shop = await woo(vendor, "cactushop", products={"65": {"sku": "license-standard", "attributes": {}}})
    told = (
        packs(2),
        packs(2, status="failed", **LATER),
        packs(1, status="failed", date_modified_gmt="2025-02-28T00:00:00"),
        packs(1, status="processing", **LATEST),
    )
    for order in told:
        assert (await shop.deliver(order))["state"] == "done"
        assert await shop.audit() == []
    found = await shop.tenant.ok(await shop.tenant.get("/v1/customers/shop:23"))
    held = [row["license_id"] for row in found["licenses"] if row["active"]]
    assert len(held) == 1
    assert [row["license_id"] for row in found["covers"] if row["state"] == "running"] == held


@pytest.mark.parametrize("status", ["on-hold", "failed"])
async def test_a_dispute_of_a_cancelled_order_is_no_second_payment(vendor: MakeVendor, status: str) -> None:
    """A gateway sets an order on hold for a dispute, whatever it was before."""
    shop = await woo(vendor)
    await shop.deliver(packs())
    await shop.deliver(packs(status="cancelled", **LATER))
    assert await shop.available("23") == 0
    row = await shop.deliver(packs(status=status, **LATEST))
    assert (row["state"], await shop.available("23"), await shop.parked()) == ("done", 0, [])
    assert await shop.audit() == []


async def test_a_late_word_of_a_failed_payment_changes_nothing_once_it_is_there_again(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    await shop.deliver(packs(2, **LATEST))
    late = await shop.deliver(packs(2, status="failed", **LATER))
    assert (late["state"], await shop.available("23")) == ("done", 120)
    assert await shop.audit() == []


async def test_a_later_success_clears_what_could_not_be_read(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    assert (await shop.deliver({**packs(1), "currency": 7}))["reason"] == "field_wrong"
    assert (await shop.deliver({**packs(1), "date_created_gmt": "soon"}))["reason"] == "field_wrong"
    await shop.deliver(packs(1, **LATER))
    assert await shop.parked() == []


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (
            {
                "order": {
                    "id": 5150,
                    "order_number": "5150",
                    "created_at": "2025-02-20T08:30:00Z",
                    "status": "completed",
                    "total": "34.50",
                    "line_items": [{"id": 71, "sku": "pts-60", "quantity": 1}],
                }
            },
            "legacy",
        ),
        ({name: value for name, value in shops.woo_full().items() if not name.endswith("_gmt")}, "v1"),
    ],
)
async def test_legacy_versions_are_parked_by_name(vendor: MakeVendor, body: dict[str, Any], version: str) -> None:
    shop = await woo(vendor)
    row = await shop.deliver(body)
    assert (row["state"], row["reason"], row["subject"]) == ("parked", "legacy_version", "order/5150")
    assert row["review"][0]["payload_says"]["version"] == version
    await shop.deliver(shops.woo_full(**LATER))
    assert await shop.parked() == []


@pytest.mark.parametrize(
    ("dates", "placed_at"),
    [
        ({"date_created_gmt": "2025-02-20T17:30:00", "date_created": "2025-02-20T17:30:00"}, "2025-02-20T08:31:00Z"),
        (
            {
                "date_created_gmt": "2025-02-20T17:30:00",
                "date_created": "2025-02-20T17:30:00",
                "date_paid": "2025-02-20T17:31:00",
                "date_modified": "2025-02-20T17:31:30",
            },
            "2025-02-20T08:30:00Z",
        ),
        (
            {
                "date_created_gmt": "2025-02-20T03:30:00",
                "date_created": "2025-02-20T03:30:00",
                "date_paid": "2025-02-20T03:31:00",
                "date_modified": "2025-02-20T03:31:30",
            },
            "2025-02-20T08:30:00Z",
        ),
        ({"date_created": "2025-02-20T17:30:00", "date_paid": "2025-02-20T17:31:00"}, "2025-02-20T08:30:00Z"),
    ],
)
async def test_local_time_under_gmt_is_told_by_the_other_dates(
    vendor: MakeVendor, dates: dict[str, str], placed_at: str
) -> None:
    shop = await woo(vendor)
    await shop.deliver(shops.woo_full(**dates))
    assert (await shop.tenant.ok(await shop.tenant.get("/v1/orders/shop:5150")))["placed_at"] == placed_at


async def test_subscriptions_of_the_shop_are_no_orders(vendor: MakeVendor) -> None:
    shop = await woo(vendor)
    row = await shop.deliver(shops.woo_full(7001, status="active", billing_period="year", billing_interval="1"))
    assert (row["state"], row["reason"]) == ("ignored", "subscription")
    assert await shop.available("23") is None
