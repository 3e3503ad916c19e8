"""What Stripe says of an order's money is believed before an amount is divided (docs.stripe.com/api)."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from app.connectors.inbound import ADAPTERS
from app.domain.feeds import orders as feed
from app.domain.feeds.adapter import Delivery, Parsed, UnreadableError
from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import Vendor

WHEN = 1_740_823_205
PACK = "credits-60"
PRICE = {"id": "price_60", "product": "prod_60", "metadata": {}, "unit_amount": 3450}


def read(event: Any, *, fetched: Any = None, **options: Any) -> Parsed:
    return ADAPTERS["stripe"].read(Delivery(topic=None, body=shops.raw(event), fetched=fetched, options=options))


def session(total: int = 3450, subtotal: int | None = None, **changes: Any) -> dict[str, Any]:
    told = {
        "client_reference_id": "17",
        "metadata": {"sku": PACK},
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "created": WHEN,
        "amount_total": total,
        "amount_subtotal": total if subtotal is None else subtotal,
        "livemode": True,
        **changes,
    }
    made = shops.stripe_session(told_at=WHEN, **told)
    made["livemode"] = True
    return made


def item(quantity: int, subtotal: int, ident: str = "li_1", **changes: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "object": "item",
        "quantity": quantity,
        "amount_subtotal": subtotal,
        "amount_discount": 0,
        "amount_tax": 0,
        "amount_total": subtotal,
        "price": PRICE,
        **changes,
    }


def target_of(*events: Any, fetched: Any = None) -> feed.OrderTarget:
    seen = None
    for event in events:
        news = read(event, fetched=fetched).order
        assert news is not None
        seen = feed.merge(seen, news)
    found = feed.target_of(seen or {})
    assert found is not None
    return found


def refund(amount: int, number: int = 1, status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    return shops.stripe_refund(
        f"evt_r{number}{status}",
        "refund.updated",
        WHEN + 10 * number,
        id=f"re_{number}",
        amount=amount,
        status=status,
        **{"metadata": {}, **changes},
    )


def codes(found: feed.OrderTarget) -> list[str]:
    return [one.code for one in (*found.blocks, *found.review_items)]


# --- reasons of money -------------------------------------------------------------------------------------------------


def test_a_refund_of_the_shipping_takes_no_unit() -> None:
    paid = session(
        7500,
        6900,
        metadata={"sku": PACK, "quantity": "2"},
        shipping_cost={"amount_total": 600},
        total_details={"amount_discount": 0, "amount_shipping": 600, "amount_tax": 0},
    )
    assert target_of(paid).order["lines"][0]["gross"] == "69"
    found = target_of(paid, refund(600))
    assert (found.refunds, codes(found)) == ({}, [])
    assert target_of(paid, refund(3450)).refunds == {"1": 1}
    assert target_of(paid, refund(4050)).refunds == {"1": 1}
    assert target_of(paid, refund(7500)).refunds == {"1": 2}


def test_a_refund_that_fits_the_shipping_as_well_as_a_unit_parks() -> None:
    paid = session(
        10350,
        6900,
        metadata={"sku": PACK, "quantity": "2"},
        shipping_cost={"amount_total": 3450},
        total_details={"amount_discount": 0, "amount_shipping": 3450, "amount_tax": 0},
    )
    found = target_of(paid, refund(3450))
    assert (found.refunds, codes(found)) == ({}, ["refund_lines_unknown"])
    assert found.blocks[0].says["beside_the_lines"] == ["34.5"]


def test_a_refund_that_fits_the_tax_as_well_as_a_unit_parks_and_one_that_fits_the_tax_alone_takes_nothing() -> None:
    details = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 4140}
    paid = session(24840, 20700, metadata={"sku": PACK, "quantity": "6"}, total_details=details)
    assert codes(target_of(paid, refund(4140))) == ["refund_lines_unknown"]
    details = {**details, "amount_tax": 1449}
    paid = session(22149, 20700, metadata={"sku": PACK, "quantity": "6"}, total_details=details)
    found = target_of(paid, refund(1449))
    assert (found.refunds, codes(found)) == ({}, [])


def test_a_total_that_its_parts_do_not_explain_parks() -> None:
    found = target_of(session(5000, 3450))
    assert codes(found) == ["total_unexplained"]
    assert found.blocks[0].says["amount_total"] == "50.00"
    listed = target_of(session(6900, metadata={}), fetched=[item(1, 3450)])
    assert codes(listed) == ["total_unexplained"]


@pytest.mark.parametrize(
    ("total", "details"),
    [
        (3450, {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 575}),  # in the price already
        (4140, {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 690}),  # on top of it
        (2760, {"amount_discount": 690, "amount_shipping": 0, "amount_tax": 0}),
        (0, {"amount_discount": 3450, "amount_shipping": 0, "amount_tax": 0}),
        (4260, {"amount_discount": 0, "amount_shipping": 700, "amount_tax": 110}),  # a tax on the shipping
    ],
)
def test_a_total_that_its_parts_explain_is_read(total: int, details: dict[str, int]) -> None:
    assert codes(target_of(session(total, 3450, total_details=details))) == []


def test_the_discount_is_that_of_the_line_without_taxes_and_shipping() -> None:
    details = {"amount_discount": 690, "amount_shipping": 500, "amount_tax": 552}
    row = target_of(session(3812, 3450, total_details=details)).order["lines"][0]
    assert (row["listed"], row["paid"]) == ("34.5", "27.6")


# --- what was bought --------------------------------------------------------------------------------------------------


def test_line_items_say_the_quantity_where_the_buyer_could_change_it() -> None:
    """`adjustable_quantity`: the metadata was written before the buyer took three."""
    found = target_of(session(10350), fetched=[item(3, 10350)])
    assert [(row["sku"], row["quantity"]) for row in found.order["lines"]] == [(PACK, 3)]
    said = session(10350, metadata={"sku": PACK, "quantity": "1"})
    row = target_of(said, fetched=[item(3, 10350)]).order["lines"][0]
    assert row["trouble"] == "The metadata says 1 units, and the line item 3."


def test_what_the_buyer_could_add_is_asked_for() -> None:
    offered = session(6900, optional_items=[{"price": "price_60", "quantity": 1}])
    assert read(offered).ask == "line_items:" + offered["data"]["object"]["id"]
    base = {**PRICE, "id": "price_base", "product": "prod_base"}
    found = target_of(offered, fetched=[item(1, 3450, "li_0", price=base), item(1, 3450)])
    assert [(row["sku"], row["products"]) for row in found.order["lines"]] == [
        (PACK, []),
        (None, ["price_60", "prod_60"]),
    ]


def test_several_lines_in_the_metadata_with_a_discount_are_asked_for() -> None:
    lines = json.dumps([{"sku": PACK}, {"sku": "credits-120"}])
    details = {"amount_discount": 1000, "amount_shipping": 0, "amount_tax": 0}
    assert read(session(9300, 10300, metadata={"lines": lines}, total_details=details)).ask is not None
    assert read(session(10300, metadata={"lines": lines})).ask is None


# --- currencies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "sent", "amount"),
    [
        ("isk", 500000, "5000"),
        ("ugx", 9000000, "90000"),
        ("mga", 15000, "15000"),
        ("jpy", 5000, "5000"),
        ("pyg", 150000, "150000"),
        ("xaf", 65000, "65000"),
        ("jod", 25500, "25.5"),
        ("kwd", 10250, "10.25"),
        ("huf", 1299000, "12990"),
        ("twd", 80000, "800"),
        ("usd", 3450, "34.5"),
    ],
)
def test_amounts_have_the_digits_that_stripe_gives_the_currency(currency: str, sent: int, amount: str) -> None:
    assert target_of(session(sent, currency=currency)).order["total"] == amount


def test_a_fraction_that_the_currency_has_not_is_not_guessed() -> None:
    with pytest.raises(UnreadableError) as refused:
        read(session(500050, currency="isk"))
    assert (refused.value.code, refused.value.says) == ("field_wrong", {"amount_subtotal": "500050"})


# --- refunds that fail ------------------------------------------------------------------------------------------------


def charge(refunded: int, at: int, **changes: Any) -> dict[str, Any]:
    """What a charge says was given back of it, pending refunds included (docs.stripe.com/api/charges/object)."""
    return {
        "id": f"evt_ch{at}",
        "type": "charge.refunded",
        "created": WHEN + at,
        "livemode": True,
        "data": {
            "object": {
                "id": "ch_1",
                "object": "charge",
                "payment_intent": "pi_1PgafyB7WZ01zgkWSjxsAJo3",
                "currency": "usd",
                "amount": 6900,
                "amount_refunded": refunded,
                "refunded": refunded == 6900,
                **changes,
            }
        },
    }


def part(number: int, status: str, at: int, amount: int = 3450, made: int | None = None) -> dict[str, Any]:
    kinds = {"failed": "refund.failed", "pending": "refund.created", "requires_action": "refund.created"}
    event = refund(amount, number, status, created=WHEN + (at if made is None else made))
    return {
        **event,
        "id": f"evt_{number}{status}{at}",
        "type": kinds.get(status, "refund.updated"),
        "created": WHEN + at,
    }


TWO = session(6900, metadata={"sku": PACK, "quantity": "2"})


def test_a_refund_that_failed_after_it_was_made_parks_and_one_that_never_went_takes_nothing() -> None:
    for waiting, ended in (("pending", "failed"), ("requires_action", "canceled"), ("pending", "canceled")):
        found = target_of(TWO, part(1, waiting, 10))
        assert (found.refunds, codes(found)) == ({}, []), "no money has gone yet"
        found = target_of(TWO, part(1, waiting, 10), part(1, ended, 20, made=10))
        assert (found.refunds, codes(found)) == ({}, [])
    found = target_of(session(), refund(3450), refund(3450, status="failed"))
    assert codes(found) == ["refund_reversed"]


@pytest.mark.parametrize("waiting", ["pending", "requires_action"])
@pytest.mark.parametrize(("refunded", "taken"), [(3450, 1), (6900, 2)])
def test_a_charge_that_counted_a_refund_takes_its_units_and_parks_once_the_refund_failed(
    waiting: str, refunded: int, taken: int
) -> None:
    """The charge says that the money is given back; that its refund succeeded is perhaps never told."""
    told = (TWO, part(1, waiting, 10, refunded), charge(refunded, 11))
    found = target_of(*told)
    assert (found.refunds, codes(found)) == ({"1": taken}, [])
    for order in itertools.permutations([*told, part(1, "failed", 20, refunded, made=10)]):
        found = target_of(*order)
        assert codes(found) == ["refund_reversed"]
        assert found.refunds == {}, "nothing more is taken for it"
    assert "failed after the shop had said" in found.review_items[0].unclear


def test_a_refund_that_failed_and_was_made_again_takes_its_units_once_and_parks_nothing() -> None:
    failed = (part(1, "pending", 10), charge(3450, 11), part(1, "failed", 20, made=10))
    for again in ((part(2, "succeeded", 30),), (charge(3450, 31),), (part(2, "pending", 30), charge(3450, 31))):
        for order in itertools.permutations([TWO, *failed, *again]):
            found = target_of(*order)
            assert (found.refunds, codes(found)) == ({"1": 1}, [])
    whole = (part(1, "succeeded", 10, 6900), part(1, "failed", 20, 6900, 10), part(2, "succeeded", 30, 6900))
    for order in itertools.permutations([TWO, *whole]):
        found = target_of(*order)
        assert (found.refunds, codes(found)) == ({"1": 2}, [])


def test_a_part_that_was_refunded_failed_and_was_refunded_again_may_have_been_taken_twice() -> None:
    """Told in another order, both refunds stand for a while: the ledger may hold too little, so a person looks."""
    told = (part(1, "succeeded", 10), part(1, "failed", 20, made=10), part(2, "succeeded", 30))
    for order in itertools.permutations([TWO, *told]):
        found = target_of(*order)
        assert (found.refunds, codes(found)) == ({"1": 1}, ["refund_reversed"]), "one pack, not two"


def test_a_refund_that_failed_leaves_the_others_as_they_are() -> None:
    told = (TWO, part(1, "succeeded", 10), charge(3450, 10), part(2, "pending", 20), charge(6900, 21))
    assert target_of(*told).refunds == {"1": 2}
    found = target_of(*told, part(2, "failed", 30, made=20))
    assert (found.refunds, codes(found)) == ({"1": 1}, ["refund_reversed"])


def test_any_order_of_refunds_and_charges_is_read_alike() -> None:
    """What is wanted follows from what was told, however often and in whatever order: 300 histories at random."""
    for seed in range(300):
        rng = random.Random(seed)
        events = [TWO]
        for number in range(rng.randint(1, 4)):
            amount, made = rng.choice([3450, 6900, 1000, 6905]), rng.randint(1, 30)
            states = rng.sample(["pending", "requires_action", "succeeded", "failed", "canceled"], rng.randint(1, 3))
            events += [part(number, one, made + 4 * at, amount, made) for at, one in enumerate(states)]
            if rng.random() < 0.6:
                events.append(charge(min(amount, 6900), made + rng.randint(0, 5)))
        expected = target_of(*events)
        for _ in range(3):
            rng.shuffle(events)
            assert target_of(*events, rng.choice(events)) == expected, seed


def test_what_was_told_before_charges_had_times_parks_once_a_refund_failed() -> None:
    """As an installation remembers it from before: how much was given back, and not when."""
    seen = feed.merge(None, read(TWO).order or feed.OrderUpdate())
    seen["refunded_total"] = "34.5"
    failed = read(part(1, "failed", 20, made=10)).order
    assert failed is not None
    found = feed.target_of(feed.merge(seen, failed))
    assert found is not None
    assert codes(found) == ["refund_reversed"]


def test_the_refunds_within_a_charge_are_read_with_it() -> None:
    """API versions before 2022-11-15 send a charge's refunds along."""
    inside = {"object": "list", "has_more": False, "data": [part(1, "pending", 10)["data"]["object"]]}
    found = target_of(TWO, charge(3450, 11, refunds=inside), part(1, "failed", 20, made=10))
    assert (found.refunds, codes(found)) == ({}, ["refund_reversed"])


def test_a_refund_in_a_status_that_nobody_knows_is_parked_by_name() -> None:
    with pytest.raises(UnreadableError) as refused:
        read(refund(3450, status="under_review"))
    assert (refused.value.code, refused.value.says) == ("status_unknown", {"refund": "re_1", "status": "under_review"})


def test_more_than_the_order_came_to_parks_and_takes_nothing() -> None:
    found = target_of(TWO, refund(7000))
    assert (found.refunds, codes(found)) == ({}, ["refund_lines_unknown"])
    found = target_of(TWO, charge(7000, 11))
    assert (found.refunds, codes(found)) == ({}, ["refund_lines_unknown"])


@pytest.mark.parametrize(
    ("total", "quantity", "given", "units"),
    [
        (10100, 3, 3367, 1),
        (10100, 3, 3366, 1),
        (10100, 3, 6733, 2),
        (10000, 7, 1429, 1),
        (10000, 7, 8571, 6),
        (10100, 3, 3365, None),
        (10100, 3, 3368, None),
        (10100, 3, 10099, None),
    ],
)
def test_a_line_that_does_not_divide_evenly_is_rounded_to_the_smallest_unit(
    total: int, quantity: int, given: int, units: int | None
) -> None:
    found = target_of(session(total, metadata={"sku": PACK, "quantity": str(quantity)}), refund(given))
    assert (found.refunds, codes(found)) == (({}, ["refund_part_of_unit"]) if units is None else ({"1": units}, []))


# --- test and live ----------------------------------------------------------------------------------------------------


def test_test_mode_is_told() -> None:
    for event in (session(), refund(3450)):
        event["livemode"] = False
        assert read(event).test
    assert not read(session()).test


# --- invoices ---------------------------------------------------------------------------------------------------------


def invoice(
    ident: str = "in_1", start: int = WHEN - 3600, reason: str = "subscription_cycle", **changes: Any
) -> dict[str, Any]:
    lines = changes.pop("lines", None) or [invoice_line(start=start)]
    total = sum(one["amount"] - sum(each["amount"] for each in one.get("discount_amounts", ())) for one in lines)
    thing = {
        "id": ident,
        "object": "invoice",
        "status": "paid",
        "currency": "usd",
        "customer": "cus_9",
        "total": total,
        "amount_paid": total,
        "billing_reason": reason,
        "created": WHEN,
        "customer_email": "ann@shop.example",
        "lines": {"object": "list", "data": lines, "has_more": False},
        "total_taxes": [],
        "livemode": True,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1", "metadata": {}}},
        **changes,
    }
    return {
        "id": f"evt_{ident}",
        "object": "event",
        "type": "invoice.paid",
        "created": WHEN + 5,
        "livemode": True,
        "data": {"object": thing},
    }


def invoice_line(
    ident: str = "il_1", amount: int = 3450, start: int = WHEN - 3600, *, prorated: bool = False, **changes: Any
) -> dict[str, Any]:
    return {
        "id": ident,
        "object": "line_item",
        "amount": amount,
        "currency": "usd",
        "quantity": 1,
        "period": {"start": start, "end": start + 2_592_000},
        "discount_amounts": [],
        "taxes": [],
        "pricing": {
            "type": "price_details",
            "price_details": {"price": "price_60", "product": "prod_60"},
            "unit_amount_decimal": "3450",
        },
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {"proration": prorated, "subscription": "sub_1"},
        },
        **changes,
    }


async def shop(vendor: MakeVendor, **options: Any) -> tuple[Vendor, str]:
    tenant = await vendor("x-cart", now="2025-06-01T00:00:00Z")
    body = {
        "kind": "stripe",
        "secret": shops.SECRET,
        "options": options,
        "products": {"price_60": {"sku": PACK}, "price_120": {"sku": "credits-120"}},
    }
    made = await tenant.ok(await tenant.put("/v1/sources/shop", body), 201)
    return tenant, made["path"]


async def deliver(tenant: Vendor, path: str, event: dict[str, Any]) -> dict[str, Any]:
    body = shops.raw(event)
    answer = await tenant.client.post(path, content=body, headers=shops.sign_stripe(body))
    assert answer.status_code == 200, answer.text
    return await tenant.ok(await tenant.get(f"/v1/sources/shop/deliveries/{answer.json()['delivery_id']}"))


async def available(tenant: Vendor, customer: str) -> int:
    found = await tenant.get(f"/v1/customers/{customer}/balance")
    return 0 if found.status_code == 404 else int((await tenant.ok(found))["available"])


async def test_each_period_of_a_subscription_is_granted_once_whatever_tells_of_it(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    first = invoice("in_a", reason="subscription_create")
    again = {**first, "id": "evt_again", "type": "invoice.payment_succeeded"}
    for event in (first, again, first):
        assert (await deliver(tenant, path, event))["state"] == "done"
    assert await available(tenant, "shop:cus_9") == 60
    order = await tenant.ok(await tenant.get("/v1/orders/shop:in_a"))
    assert order["placed_at"] == "2025-03-01T09:00:05Z"
    assert (await deliver(tenant, path, invoice("in_b", start=WHEN + 2_588_400)))["state"] == "done"
    assert await available(tenant, "shop:cus_9") == 120
    twice = await deliver(tenant, path, invoice("in_c"))
    assert (twice["state"], twice["reason"]) == ("parked", "payment_already_used")
    assert await available(tenant, "shop:cus_9") == 120


async def test_a_session_its_invoice_and_its_payment_are_one_order(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    paid = session(payment_intent="pi_77", invoice="in_77", metadata={"sku": PACK})
    bill = invoice("in_77", reason="manual", customer="cus_9", parent=None, payments={"data": []})
    link = {
        "id": "evt_l",
        "type": "invoice_payment.paid",
        "created": WHEN + 9,
        "livemode": True,
        "data": {
            "object": {
                "id": "inpay_1",
                "object": "invoice_payment",
                "invoice": "in_77",
                "payment": {"type": "payment_intent", "payment_intent": "pi_77"},
            }
        },
    }
    for event in (bill, link, paid, bill):
        assert (await deliver(tenant, path, event))["state"] == "done", event["type"]
    assert await available(tenant, "shop:17") == 60
    assert await available(tenant, "shop:cus_9") == 0
    assert (await deliver(tenant, path, refund(3450, payment_intent="pi_77")))["state"] == "done"
    assert await available(tenant, "shop:17") == 0
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def test_a_refund_that_comes_before_its_invoice_finds_it_by_the_payment(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    assert (await deliver(tenant, path, refund(3450, payment_intent="pi_5")))["reason"] == "waits_for_order"
    bill = invoice("in_5", payments={"data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_5"}}]})
    assert (await deliver(tenant, path, bill))["state"] == "done"
    assert await available(tenant, "shop:cus_9") == 0


async def test_a_change_of_plan_parks_unless_the_mapping_says_how(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    dearer = {"price_details": {"price": "price_120", "product": "prod_120"}, "unit_amount_decimal": "6850"}
    lines = [
        invoice_line("il_old", -1700, WHEN - 60, prorated=True),
        invoice_line("il_new", 3400, WHEN - 60, prorated=True, pricing=dearer),
    ]
    change = invoice("in_p", reason="subscription_update", lines=lines)
    parked = await deliver(tenant, path, change)
    assert (parked["state"], parked["reason"]) == ("parked", "plan_changed")
    assert 2 <= len(parked["review"][0]["settled_by"]) <= 3
    assert await available(tenant, "shop:cus_9") == 0
    for how, granted in (("ignore", 0), ("grant", 120)):
        products = {
            "price_60": {"sku": PACK, "plan_change": how},
            "price_120": {"sku": "credits-120", "plan_change": how},
        }
        await tenant.ok(await tenant.put("/v1/sources/shop", {"kind": "stripe", "products": products}))
        again = await tenant.client.post(f"/v1/sources/shop/deliveries/{parked['delivery_id']}/replay")
        assert (await tenant.ok(again))["state"] in ("done", "ignored")
        assert await available(tenant, "shop:cus_9") == granted


async def test_a_trial_brings_nothing_and_a_free_period_brings_its_credits(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    trial = invoice("in_t", reason="subscription_create", lines=[invoice_line("il_t", 0)])
    assert (await deliver(tenant, path, trial))["reason"] == "nothing_ours"
    free = invoice_line("il_f", 3450, discount_amounts=[{"amount": 3450, "discount": "di_1"}])
    assert (await deliver(tenant, path, invoice("in_f", reason="subscription_create", lines=[free])))["state"] == "done"
    assert await available(tenant, "shop:cus_9") == 60


async def test_a_subscription_of_something_else_is_no_work_for_anybody(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    other = {"price_details": {"price": "price_hosting", "product": "prod_hosting"}, "unit_amount_decimal": "900"}
    hosting = invoice("in_h", lines=[invoice_line("il_h", 900, pricing=other)])
    told = await deliver(tenant, path, hosting)
    assert (told["state"], told["reason"]) == ("ignored", "not_a_payment")


async def test_the_price_shows_that_the_stated_quantity_is_wrong(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    more = await deliver(tenant, path, session(10350, payment_intent="pi_q", metadata={"sku": PACK, "quantity": "1"}))
    assert (more["state"], more["reason"]) == ("parked", "quantity_unclear")
    assert (
        more["review"][0]["payload_says"]["trouble"] == "1 of credits-60 are stated, and 103.5 USD is the price of 3."
    )
    assert await available(tenant, "shop:17") == 0


async def test_play_money_is_ignored_where_time_is_real_unless_the_source_takes_it(vendor: MakeVendor) -> None:
    for now, options, state in (
        (None, {}, "ignored"),
        (None, {"test_orders": True}, "done"),
        ("2025-06-01T00:00:00Z", {}, "done"),
    ):
        tenant = await vendor("x-cart", now=now)
        made = await tenant.ok(
            await tenant.put("/v1/sources/shop", {"kind": "stripe", "secret": shops.SECRET, "options": options}), 201
        )
        play = session()
        play["livemode"] = play["data"]["object"]["livemode"] = False
        assert (await deliver(tenant, made["path"], play))["state"] == state


async def test_a_refund_that_fails_after_its_charge_was_told_parks_until_it_is_made_again(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    for event in (TWO, part(1, "pending", 10), charge(3450, 11)):
        assert (await deliver(tenant, path, event))["state"] == "done"
    assert await available(tenant, "shop:17") == 60
    failed = await deliver(tenant, path, part(1, "failed", 20, made=10))
    assert (failed["state"], failed["reason"]) == ("parked", "refund_reversed")
    assert failed["review"][0]["payload_says"]["refunds"] == ["re_1"]
    assert await available(tenant, "shop:17") == 60
    again = await deliver(tenant, path, part(2, "succeeded", 30))
    assert again["state"] == "done"
    assert await available(tenant, "shop:17") == 60, "taken once"
    cleared = await tenant.get(f"/v1/sources/shop/deliveries/{failed['delivery_id']}")
    assert (await tenant.ok(cleared))["state"] == "done"
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []
