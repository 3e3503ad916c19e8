"""What can happen to a Shopify order, and what Retainer does: docs/integrations.md has its table from here."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.deliveries import Shop, a_shop

LATER = {"updated_at": "2025-02-27T12:00:00+01:00"}
LATEST = {"updated_at": "2025-03-02T12:00:00+01:00"}
ORDER = 6101234567890


async def shopify(vendor: MakeVendor, policy: str = "x-cart", **more: Any) -> Shop:
    return await a_shop(vendor, "shopify", policy, **more)


def packs(quantity: int = 2, **changes: Any) -> dict[str, Any]:
    total = f"{34.5 * quantity:.2f}"
    line = shops.shopify_line(quantity=quantity)
    return shops.shopify_full(line_items=[line], **{"total_price": total, "subtotal_price": total, **changes})


def refund(amount: str, units: int = 0, number: int = 9901, **changes: Any) -> dict[str, Any]:
    lines = [
        {
            "id": 1,
            "line_item_id": 8801,
            "quantity": units,
            "subtotal": f"{34.5 * units:.2f}",
            "total_tax": "0.00",
            "restock_type": "no_restock",
        }
    ]
    return {
        "id": number,
        "order_id": ORDER,
        "created_at": "2025-02-26T12:00:00+01:00",
        "note": "",
        "refund_line_items": lines if units else [],
        "order_adjustments": [],
        "refund_shipping_lines": [],
        "duties": [],
        "transactions": [{"id": 5, "kind": "refund", "status": "success", "amount": amount}] if amount else [],
        **changes,
    }


def shipped(price: str, tax: str = "0.00") -> dict[str, Any]:
    return {
        "id": 3,
        "title": "Express",
        "price": price,
        "discounted_price": price,
        "discount_allocations": [],
        "tax_lines": [{"price": tax, "rate": 0.2, "title": "VAT"}] if tax != "0.00" else [],
    }


def shipping_back(amount: str, tax: str = "0.00") -> dict[str, Any]:
    return {"id": 4, "subtotal_amount_set": shops.shopify_money(amount), "tax_amount_set": shops.shopify_money(tax)}


def discrepancy(amount: str, kind: str = "refund_discrepancy") -> dict[str, Any]:
    return {"id": 6, "amount": amount, "tax_amount": "0.00", "kind": kind, "reason": kind.replace("_", " ")}


def codes(row: dict[str, Any]) -> list[str]:
    return [one["code"] for one in row["review"]]


WITH_SHIPPING = packs(total_price="103.50", shipping_lines=[shipped("34.50")])


@pytest.mark.parametrize(
    ("name", "order", "made", "state", "points"),
    [
        ("one unit by its line", packs(), refund("34.50", 1), "done", 60),
        (
            "a unit, and the shop kept ten",
            packs(),
            refund("24.50", 1, order_adjustments=[discrepancy("10.00")]),
            "done",
            60,
        ),
        (
            "a unit, and ten more by hand",
            packs(),
            refund("44.50", 1, order_adjustments=[discrepancy("-10.00")]),
            "parked",
            120,
        ),
        (
            "shipping alone, which costs as much as a unit, in refund_shipping_lines",
            WITH_SHIPPING,
            refund("34.50", refund_shipping_lines=[shipping_back("34.50")]),
            "done",
            120,
        ),
        (
            "shipping alone, as an adjustment of older versions",
            WITH_SHIPPING,
            refund("34.50", order_adjustments=[discrepancy("-34.50", "shipping_refund")]),
            "done",
            120,
        ),
        (
            "shipping told both ways",
            WITH_SHIPPING,
            refund(
                "34.50",
                order_adjustments=[discrepancy("-34.50", "shipping_refund")],
                refund_shipping_lines=[shipping_back("34.50")],
            ),
            "done",
            120,
        ),
        (
            "a unit and the shipping",
            WITH_SHIPPING,
            refund("69.00", 1, refund_shipping_lines=[shipping_back("34.50")]),
            "done",
            60,
        ),
        ("an amount that fits the shipping as well as a unit", WITH_SHIPPING, refund("34.50"), "parked", 120),
        (
            "an amount by hand that fits nothing",
            packs(),
            refund("5.00", order_adjustments=[discrepancy("-5.00")]),
            "parked",
            120,
        ),
        ("a refund that moved no money and names no unit", packs(), refund(""), "done", 120),
        (
            "a payment that failed to go back",
            packs(),
            refund("", transactions=[{"id": 5, "kind": "refund", "status": "failure", "amount": "34.50"}]),
            "done",
            120,
        ),
    ],
)
async def test_a_refund_says_why_money_went_back(
    vendor: MakeVendor, name: str, order: dict[str, Any], made: dict[str, Any], state: str, points: int
) -> None:
    shop = await shopify(vendor)
    assert (await shop.deliver(order))["state"] == "done"
    row = await shop.deliver(made, "refunds/create")
    assert row["state"] == state, (name, row)
    assert await shop.available("7301") == points
    # The snapshot that follows says the same once more.
    again = await shop.deliver({**copy.deepcopy(order), "refunds": [made], **LATER})
    assert (again["state"], await shop.available("7301")) == (state, points), name
    assert await shop.audit() == []


@pytest.mark.parametrize(
    ("name", "lines", "changes", "granted"),
    [
        (
            "told twice, counted once",
            [
                shops.shopify_line(
                    sku="license-owned",
                    price="200.00",
                    total_discount="40.00",
                    discount_allocations=[{"amount": "40.00", "discount_application_index": 0}],
                )
            ],
            {"total_price": "160.00"},
            200,
        ),
        (
            "told once, by the older field",
            [shops.shopify_line(sku="license-owned", price="200.00", total_discount="41.00")],
            {"total_price": "159.00"},
            0,
        ),
        (
            "the part of an order's discount",
            [
                shops.shopify_line(
                    sku="license-owned", price="200.00", discount_allocations=[{"amount": "20.00"}, {"amount": "21.00"}]
                )
            ],
            {"total_price": "159.00"},
            0,
        ),
        (
            "20 % of 199.99, rounded up by the shop",
            [shops.shopify_line(sku="license-owned", price="199.99", discount_allocations=[{"amount": "40.00"}])],
            {"total_price": "159.99"},
            200,
        ),
        (
            "taxes stand in the price",
            [
                shops.shopify_line(
                    sku="license-owned",
                    price="240.00",
                    discount_allocations=[{"amount": "48.00"}],
                    tax_lines=[{"price": "32.00"}],
                )
            ],
            {"total_price": "192.00", "taxes_included": True, "total_tax": "32.00"},
            200,
        ),
    ],
)
async def test_ava_6_a_discount_counts_once_and_to_the_last_cent(
    vendor: MakeVendor, name: str, lines: list[Any], changes: dict[str, Any], granted: int
) -> None:
    shop = await shopify(vendor, "avactis")
    row = await shop.deliver(shops.shopify_full(line_items=lines, **changes))
    assert row["state"] == "done", (name, row)
    assert await shop.available("7301") == granted, name


async def test_taxes_that_stand_in_the_price_are_not_added_to_it(vendor: MakeVendor) -> None:
    shop = await shopify(vendor)
    line = shops.shopify_line(quantity=2, price="41.40", tax_lines=[{"price": "13.80", "rate": 0.2}])
    order = shops.shopify_full(line_items=[line], taxes_included=True, total_tax="13.80", total_price="82.80")
    assert (await shop.deliver(order))["state"] == "done"
    assert (await shop.deliver(refund("41.40"), "refunds/create"))["state"] == "done"
    assert await shop.available("7301") == 60


@pytest.mark.parametrize(
    ("name", "changes", "granted"),
    [
        ("five more than anything explains", {"total_price": "39.50"}, False),
        ("a discount that no line bears", {"total_price": "29.50", "total_discounts": "5.00"}, False),
        (
            "shipping less its own discount, taxes and duties",
            {
                "total_price": "57.40",
                "total_tax": "7.90",
                "shipping_lines": [{**shipped("10.00"), "discount_allocations": [{"amount": "5.00"}]}],
                "original_total_duties_set": shops.shopify_money("10.00"),
            },
            True,
        ),
        ("a tip beside the lines", {"total_price": "39.50", "total_tip_received": "5.00"}, True),
        (
            "a tip as a line",
            {
                "total_price": "39.50",
                "total_tip_received": "5.00",
                "line_items": [
                    shops.shopify_line(),
                    shops.shopify_line(8802, None, 1, "5.00", product_id=None, variant_id=None),
                ],
            },
            True,
        ),
        ("shipping that an edit removed", {"shipping_lines": [{**shipped("8.00"), "is_removed": True}]}, True),
        (
            "cash that was rounded",
            {"total_price": "34.52", "total_cash_rounding_payment_adjustment_set": shops.shopify_money("0.02")},
            True,
        ),
    ],
)
async def test_a_total_is_checked_against_its_lines(
    vendor: MakeVendor, name: str, changes: dict[str, Any], granted: bool
) -> None:
    shop = await shopify(vendor)
    row = await shop.deliver(shops.shopify_full(**changes))
    assert row["state"] == ("done" if granted else "parked"), (name, row)
    assert await shop.available("7301") == (60 if granted else None)
    assert codes(row) == ([] if granted else ["total_unexplained"])


async def test_units_that_an_edit_takes_off_an_order_are_taken_back_once(vendor: MakeVendor) -> None:
    shop = await shopify(vendor)
    await shop.deliver(packs(3))
    edited = packs(3, **LATER)
    edited["line_items"][0].update(current_quantity=2)
    assert (await shop.deliver(edited))["state"] == "done"
    assert await shop.available("7301") == 120
    # The refund of the edit comes later, with the unit or without.
    assert (await shop.deliver(refund("34.50", 1), "refunds/create"))["state"] == "done"
    assert await shop.available("7301") == 120
    assert (await shop.deliver({**edited, "refunds": [refund("34.50", 1)], **LATEST}))["state"] == "done"
    assert await shop.available("7301") == 120
    assert await shop.audit() == []


@pytest.mark.parametrize("first", ["edit", "refund"])
async def test_a_line_that_an_edit_removes_and_one_that_it_adds(vendor: MakeVendor, first: str) -> None:
    shop = await shopify(vendor)
    await shop.deliver(packs(1))
    edited = packs(1, total_price="103.50", **LATER)
    edited["line_items"] = [
        shops.shopify_line(current_quantity=0),
        shops.shopify_line(8802, "credits-120", price="69.00"),
    ]
    edited["refunds"] = [refund("", 1)] if first == "refund" else []
    assert (await shop.deliver(edited))["state"] == "done"
    assert await shop.available("7301") == 120


async def test_a_tip_or_a_line_without_any_product_waits_for_nobody(vendor: MakeVendor) -> None:
    shop = await shopify(vendor)
    free = shops.shopify_line(8802, None, 1, "12.00", product_id=None, variant_id=None, title="Engraving")
    row = await shop.deliver(shops.shopify_full(line_items=[shops.shopify_line(), free], total_price="46.50"))
    assert (row["state"], await shop.available("7301")) == ("done", 60)


@pytest.mark.parametrize("quantity", [0, 1.5, "many"])
async def test_a_line_of_others_that_cannot_be_read_holds_nothing_up(vendor: MakeVendor, quantity: Any) -> None:
    shop = await shopify(vendor, products={"9302": None})
    other = shops.shopify_line(8802, "cable", quantity, "10.00", product_id=9302, variant_id=None)
    total = "44.50" if quantity else "34.50"  # none of a thing costs nothing
    row = await shop.deliver(shops.shopify_full(line_items=[shops.shopify_line(), other], total_price=total))
    assert (row["state"], await shop.available("7301")) == ("done", 60)


async def test_a_renamed_sku_changes_nothing_that_was_bought(vendor: MakeVendor) -> None:
    shop = await shopify(vendor)
    await shop.deliver(packs(1))
    renamed = packs(1, **LATER)
    renamed["line_items"][0]["sku"] = "credits-120"
    assert (await shop.deliver(renamed))["state"] == "done"
    gone = packs(1, **LATEST)
    gone["line_items"][0].update(sku="", product_id=None, variant_id=None)
    assert (await shop.deliver(gone))["state"] == "done"
    assert await shop.available("7301") == 60


async def test_guests_with_a_new_id_each_time_are_joined_if_the_source_says_so(vendor: MakeVendor) -> None:
    shop = await shopify(vendor, guests="joined")
    for number, customer in ((ORDER, 7301), (ORDER + 1, 7302)):
        guest = {"id": customer, "state": "disabled", "email": "Kim@buyers.example"}
        await shop.deliver(shops.shopify_full(number, customer=guest, line_items=[shops.shopify_line(number)]))
    whom = "guest:" + shops.guest_hash("kim@buyers.example")
    assert (await shop.available(whom), await shop.available("7301")) == (120, None)
    account = {"id": 7303, "state": "enabled", "email": "kim@buyers.example"}
    await shop.deliver(shops.shopify_full(ORDER + 2, customer=account, line_items=[shops.shopify_line(5)]))
    assert (await shop.available("7303"), await shop.available(whom)) == (60, 120)
    phone = {"id": 7304, "state": "disabled", "email": None, "phone": "+49 (30) 555-0101"}
    nameless = {"email": None, "contact_email": None}
    for number, phoned in ((ORDER + 3, phone), (ORDER + 4, {**phone, "id": 7305, "phone": "+49305550101"})):
        order = shops.shopify_full(number, customer=phoned, line_items=[shops.shopify_line(number)], **nameless)
        await shop.deliver(order)
    whom = "guest:" + shops.guest_hash("tel:49305550101")
    assert await shop.available(whom) == 120
    apart = await shopify(vendor)
    for number, customer in ((ORDER, 7301), (ORDER + 1, 7302)):
        order = shops.shopify_full(number, line_items=[shops.shopify_line(number)])
        order["customer"] = {**order["customer"], "id": customer}
        await apart.deliver(order)
    assert (await apart.available("7301"), await apart.available("7302")) == (60, 60)


async def test_a_redacted_buyer_is_nobody_and_nothing_moves(vendor: MakeVendor) -> None:
    shop = await shopify(vendor)
    await shop.deliver(packs(1))
    redacted = packs(1, customer=None, email="", contact_email=None, **LATER)
    assert (await shop.deliver(redacted))["state"] == "done"
    assert await shop.available("7301") == 60
    people = (await shop.tenant.ok(await shop.tenant.get("/v1/customers")))["data"]
    assert [one["customer_id"] for one in people] == ["shop:7301"]
    nobody = await shop.deliver(shops.shopify_full(ORDER + 9, customer=None, email=None, contact_email=None))
    assert (nobody["state"], nobody["reason"]) == ("parked", "customer_missing")


async def test_test_orders_buy_nothing_where_time_is_real_unless_the_source_says_so(vendor: MakeVendor) -> None:
    shop = await shopify(vendor, now=None)
    assert (await shop.deliver(packs(1, test=True)))["reason"] == "test_order"
    for trial in (await shopify(vendor, now=None, test_orders=True), await shopify(vendor)):
        assert (await trial.deliver(packs(1, test=True)))["state"] == "done"
        assert await trial.available("7301") == 60


@pytest.mark.parametrize("status", ["pending", "authorized", "partially_paid", "expired"])
async def test_what_is_not_paid_yet_waits_without_a_person(vendor: MakeVendor, status: str) -> None:
    shop = await shopify(vendor)
    cart = packs(1, financial_status=status, customer=None, email="", contact_email=None)
    assert (await shop.deliver(cart))["reason"] == "waits_for_payment"
    await shop.deliver(packs(1, **LATER))
    assert await shop.available("7301") == 60
    assert await shop.parked() == []


@pytest.mark.parametrize("status", ["in_settlement", "", None])
async def test_a_financial_status_that_nobody_knows_is_parked_by_name(vendor: MakeVendor, status: str | None) -> None:
    shop = await shopify(vendor)
    row = await shop.deliver(packs(1, financial_status=status))
    assert (row["state"], row["reason"]) == ("parked", "payment_unclear")
    assert row["review"][0]["payload_says"]["financial_status"] == (status or None)
    assert await shop.available("7301") is None
    await shop.deliver(packs(1, **LATER))
    assert (await shop.available("7301"), await shop.parked()) == (60, []), "a later success clears it"


@pytest.mark.parametrize("status", ["pending", "partially_paid"])
async def test_what_an_edit_adds_to_a_paid_order_is_not_granted_before_it_is_paid(
    vendor: MakeVendor, status: str
) -> None:
    shop = await shopify(vendor)
    await shop.deliver(packs(2))
    row = await shop.deliver(packs(4, financial_status=status, total_outstanding="69.00", **LATER))
    assert (row["state"], codes(row)) == ("parked", ["payment_unclear"])
    assert row["review"][0]["payload_says"]["total_outstanding"] == "69.00"
    assert await shop.available("7301") == 120
    await shop.deliver(packs(4, updated_at="2025-02-28T12:00:00+01:00"))
    assert (await shop.available("7301"), await shop.parked()) == (240, [])
    assert await shop.audit() == []


async def test_a_cancelled_order_takes_back_what_is_unspent(vendor: MakeVendor) -> None:
    shop = await shopify(vendor)
    await shop.deliver(packs(2))
    await shop.tenant.ok(await shop.tenant.post("/v1/customers/shop:7301/debits", {"credits": 50}), 201)
    cancelled = packs(
        2, financial_status="refunded", cancelled_at="2025-02-27T12:00:00+01:00", refunds=[refund("69.00", 2)], **LATER
    )
    assert (await shop.deliver(cancelled, "orders/cancelled"))["state"] == "done"
    assert await shop.available("7301") == 0
    assert await shop.audit() == []


def dispute(status: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": 598735659,
        "order_id": ORDER,
        "type": "chargeback",
        "amount": "69.00",
        "currency": "USD",
        "reason": "fraudulent",
        "network_reason_code": "4837",
        "status": status,
        "evidence_due_by": None,
        "evidence_sent_on": None,
        "finalized_on": None,
        "initiated_at": "2025-02-25T19:00:00-05:00",
        **changes,
    }


ENDED = {"finalized_on": "2025-03-05"}


@pytest.mark.parametrize(
    ("name", "told", "points"),
    [
        (
            "opened and lost",
            [dispute("needs_response"), dispute("under_review"), dispute("lost", **ENDED)],
            [120, 120, 0],
        ),
        ("accepted by the shop", [dispute("needs_response"), dispute("accepted", **ENDED)], [120, 0]),
        ("lost, and won after all", [dispute("lost"), dispute("won", **ENDED)], [0, 120]),
        ("told in another order", [dispute("lost", **ENDED), dispute("needs_response")], [0, 0]),
        ("an inquiry", [dispute("needs_response", type="inquiry"), dispute("lost", type="inquiry")], [120, 120]),
        ("prevented, or ended by a refund", [dispute("prevented"), dispute("charge_refunded", id=2)], [120, 120]),
        ("of one pack of two", [dispute("lost", amount="34.50", **ENDED)], [60]),
    ],
)
async def test_a_dispute_is_followed_as_the_policy_says(
    vendor: MakeVendor, name: str, told: list[dict[str, Any]], points: list[int]
) -> None:
    shop = await shopify(vendor)
    await shop.deliver(packs(2))
    for one, available in zip(told, points, strict=True):
        row = await shop.deliver(one, "disputes/update")
        assert (row["state"], await shop.available("7301")) == ("done", available), (name, one["status"], row)
    assert await shop.audit() == []


async def test_a_dispute_that_comes_before_its_order_waits_for_it(vendor: MakeVendor) -> None:
    shop = await shopify(vendor)
    assert (await shop.deliver(dispute("lost", **ENDED), "disputes/update"))["reason"] == "waits_for_order"
    await shop.deliver(packs(2))
    assert await shop.available("7301") == 0


async def test_a_dispute_in_a_status_that_nobody_knows_is_parked(vendor: MakeVendor) -> None:
    shop = await shopify(vendor)
    await shop.deliver(packs(2))
    row = await shop.deliver(dispute("escalated"), "disputes/update")
    assert (row["state"], row["reason"]) == ("parked", "status_unknown")
    assert await shop.available("7301") == 120


async def test_money_given_back_by_hand_is_left_to_a_person(vendor: MakeVendor) -> None:
    """It equals one unit to the cent, and the payload says that no unit came back."""
    shop = await shopify(vendor)
    await shop.deliver(packs(2))
    by_hand = refund("34.50") | {
        "refund_line_items": [],
        "order_adjustments": [{"id": 1, "kind": "refund_discrepancy", "amount": "-34.50", "tax_amount": "0.00"}],
    }
    row = await shop.deliver(by_hand)
    assert (row["state"], row["reason"]) == ("parked", "refund_lines_unknown")
    assert await shop.available("7301") == 120


@pytest.mark.parametrize(("currency", "total"), [("JPY", "69.50"), ("XAU", "69.00"), ("QQQ", "69.00")])
async def test_money_that_cannot_be_paid_is_not_believed(vendor: MakeVendor, currency: str, total: str) -> None:
    shop = await shopify(vendor)
    row = await shop.deliver(packs(2, currency=currency, total_price=total))
    assert (row["state"], row["reason"]) == ("parked", "field_wrong")
