"""A bank takes a payment back, and may have to return it: what an open, a lost and a won dispute do to an order."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from app.documents.policy_document import dump, load_policy
from tests.conftest import MakeVendor
from tests.policies.test_simulate import changed, shipped
from tests.support import shops
from tests.support.api import Vendor
from tests.support.both_ways import both_ways

OURS = "payment_disputes: {open: nothing, lost: take_back, won: undo, reading: true}"
WHEN = 1_740_823_205
CHARGE = {"payment_intent": "pi_D1", "charge": "ch_D1"}


async def shop_of(vendor: MakeVendor, policy: str = "x-cart", **rules: str) -> tuple[Vendor, str]:
    """A tenant that listens to Stripe; ``rules``: its `payment_disputes`."""
    tenant = await vendor(policy, now="2025-06-01T00:00:00Z")
    if rules:
        wanted = ", ".join(f"{key}: {value}" for key, value in rules.items())
        text = changed(policy, OURS, f"payment_disputes: {{{wanted}, reading: true}}")
        await tenant.ok(await tenant.post(f"/v1/policies/{policy}/versions", {"document": text}), 201)
    made = await tenant.ok(await tenant.put("/v1/sources/shop", {"kind": "stripe", "secret": shops.SECRET}), 201)
    return tenant, made["path"]


async def deliver(tenant: Vendor, path: str, event: dict[str, Any]) -> dict[str, Any]:
    body = shops.raw(event)
    answer = await tenant.client.post(path, content=body, headers=shops.sign_stripe(body))
    assert answer.status_code == 200, answer.text
    return await tenant.ok(await tenant.get(f"/v1/sources/shop/deliveries/{answer.json()['delivery_id']}"))


def session(sku: str = "credits-60", quantity: int = 2, total: int = 6900, **changes: Any) -> dict[str, Any]:
    return shops.stripe_session(
        ident="evt_D0",
        told_at=WHEN,
        id="cs_D1",
        payment_intent="pi_D1",
        client_reference_id="17",
        created=WHEN,
        metadata={"sku": sku, "quantity": str(quantity)},
        amount_subtotal=total,
        amount_total=total,
        livemode=True,
        **changes,
    )


def dispute(
    status: str, *, number: int = 1, amount: int = 6900, ident: str = "du_D1", **changes: Any
) -> dict[str, Any]:
    kind = {"needs_response": "created", "warning_needs_response": "created"}.get(status, "closed")
    return {
        "id": f"evt_{ident}_{number}",
        "object": "event",
        "type": f"charge.dispute.{kind}",
        "created": WHEN + 100 * number,
        "livemode": True,
        "data": {
            "object": {
                "id": ident,
                "object": "dispute",
                "amount": amount,
                "currency": "usd",
                "status": status,
                **CHARGE,
                "balance_transactions": [],
                "livemode": True,
                "reason": "fraudulent",
                **changes,
            }
        },
    }


async def balance(tenant: Vendor, customer: str = "shop:17") -> dict[str, Any]:
    return await tenant.ok(await tenant.get(f"/v1/customers/{customer}/balance"))


async def clean(tenant: Vendor) -> None:
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def test_an_open_dispute_does_nothing_a_lost_one_takes_back_and_a_won_one_gives_back(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor)
    assert (await deliver(tenant, path, session()))["state"] == "done"
    lots = [one["lot_id"] for one in (await balance(tenant))["lots"]]
    await tenant.ok(await tenant.post("/v1/customers/shop:17/debits", {"credits": 20}), 201)
    assert (await deliver(tenant, path, dispute("needs_response")))["state"] == "done"
    assert (await balance(tenant))["available"] == 100
    lost = await deliver(tenant, path, dispute("lost", number=2))
    assert lost["state"] == "done"
    assert lost["effects"]["payment_disputes"] == [
        {"dispute_id": "du_D1", "state": "lost", "action": "taken_back", "credits": 100}
    ]
    assert (await balance(tenant))["available"] == 0
    order = await tenant.ok(await tenant.get("/v1/orders/shop:pi_D1"))
    assert [(one["state"], one["action"], one["reading"]) for one in order["payment_disputes"]] == [
        ("lost", "taken_back", True)
    ]
    await clean(tenant)
    won = await deliver(tenant, path, dispute("won", number=3))
    assert won["effects"]["payment_disputes"] == [
        {"dispute_id": "du_D1", "state": "won", "action": "given_back", "credits": 100}
    ]
    after = await balance(tenant)
    assert (after["available"], [one["lot_id"] for one in after["lots"]]) == (100, lots)
    statement = await tenant.ok(await tenant.get("/v1/customers/shop:17/statement"))
    assert statement["available"] == 100
    order = await tenant.ok(await tenant.get("/v1/orders/shop:pi_D1"))
    assert order["refunds"][0]["undone"]["given_back"][0]["credits"] == 100
    (shown,) = order["payment_disputes"]
    assert (shown["action"], shown["credits"]) == ("given_back", 100)
    assert shown["amount"] == {"amount": "69.00", "currency": "USD"}
    assert (await deliver(tenant, path, dispute("lost", number=4)))["effects"]["payment_disputes"] == [
        {"dispute_id": "du_D1", "state": "lost", "action": "taken_back", "credits": 100}
    ]
    assert (await balance(tenant))["available"] == 0
    await clean(tenant)


async def test_suspended_credits_are_shown_and_cannot_be_spent_captured_or_released(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor, open="suspend", lost="take_back", won="undo")
    await deliver(tenant, path, session())
    await tenant.ok(await tenant.post("/v1/customers/shop:17/debits", {"credits": 50}), 201)
    assert (await deliver(tenant, path, dispute("needs_response")))["state"] == "done"
    seen = await balance(tenant)
    assert (seen["available"], seen["held"], seen["disputed"]) == (0, 70, 70)
    assert [one["disputed"] for one in seen["lots"]] == [70]
    customer = await tenant.ok(await tenant.get("/v1/customers/shop:17"))
    assert customer["balance"]["disputed"] == 70
    refused = await tenant.post("/v1/customers/shop:17/debits", {"credits": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_credits")
    statement = await tenant.ok(await tenant.get("/v1/customers/shop:17/statement"))
    (held,) = statement["tickets_in_progress"]
    assert (held["credits"], held["disputed"], statement["available"]) == (70, True, 0)
    for what in ("capture", "release"):
        answer = await tenant.post(f"/v1/holds/{held['hold_ids'][0]}/{what}", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "credits_disputed")
    await clean(tenant)
    won = await deliver(tenant, path, dispute("won", number=2))
    assert won["effects"]["payment_disputes"] == [
        {"dispute_id": "du_D1", "state": "won", "action": "given_back", "credits": 70}
    ]
    seen = await balance(tenant)
    assert (seen["available"], seen["held"], seen["disputed"]) == (70, 0, 0)
    await clean(tenant)


def renamed(event: dict[str, Any], number: int) -> dict[str, Any]:
    """The same event of another order of another customer."""
    text = json.dumps(event).replace("_D1", f"_D1x{number}").replace("evt_D0", f"evt_D0x{number}")
    return json.loads(text.replace('"client_reference_id": "17"', f'"client_reference_id": "{number}"'))


async def test_an_orders_page_shows_what_is_disputed_of_its_lots(vendor: MakeVendor) -> None:
    """It reads those lots and the holds of disputes alone, and says what the whole account would."""
    tenant, path = await shop_of(vendor, open="suspend", lost="take_back", won="undo")
    await deliver(tenant, path, session())
    (order,) = (await tenant.ok(await tenant.get("/v1/orders")))["data"]
    page = f"/v1/orders/{order['order_id']}"
    with both_ways() as seen:
        assert (await deliver(tenant, path, dispute("needs_response")))["state"] == "done"
        shown = await tenant.ok(await tenant.get(page))
        await deliver(tenant, path, dispute("won", number=2))
        after = await tenant.ok(await tenant.get(page))
    assert sum(lot["disputed"] for lot in shown["lots"]) == sum(lot["held"] for lot in shown["lots"]) == 120
    assert [lot["disputed"] for lot in after["lots"]] == [0] * len(shown["lots"])
    assert not seen.differences, seen.differences[0][:3_000]
    assert seen.compared


@pytest.mark.parametrize("rule", ["nothing", "suspend", "take_back"])
async def test_any_order_of_deliveries_ends_alike(vendor: MakeVendor, rule: str) -> None:
    events = [session(), dispute("needs_response"), dispute("lost", number=2), dispute("won", number=3)]
    tenant, path = await shop_of(vendor, open=rule, lost="take_back", won="undo")
    number = 0
    for kept, wanted in ((2, 120 if rule == "nothing" else 0), (3, 0), (4, 120)):
        for order in itertools.permutations(events[:kept]):
            number += 1
            for event in order:
                assert (await deliver(tenant, path, renamed(event, number)))["state"] == "done"
            seen = await balance(tenant, f"shop:{number}")
            assert seen["available"] == wanted, (rule, [one["type"] for one in order])
            assert seen["disputed"] == (120 if rule == "suspend" and kept == 2 else 0)
    await clean(tenant)


async def test_an_inquiry_and_a_fraud_warning_change_nothing_and_are_shown(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor, open="take_back", lost="take_back", won="undo")
    await deliver(tenant, path, session())
    warning = {
        "id": "evt_efw",
        "object": "event",
        "type": "radar.early_fraud_warning.created",
        "created": WHEN + 5,
        "livemode": True,
        "data": {
            "object": {
                "id": "issfr_1",
                "object": "radar.early_fraud_warning",
                "actionable": True,
                "fraud_type": "misc",
                "livemode": True,
                **CHARGE,
            }
        },
    }
    assert (await deliver(tenant, path, warning))["state"] == "done"
    assert (await deliver(tenant, path, dispute("warning_needs_response")))["state"] == "done"
    assert (await balance(tenant))["available"] == 120
    order = await tenant.ok(await tenant.get("/v1/orders/shop:pi_D1"))
    assert {one["dispute_id"]: one["state"] for one in order["payment_disputes"]} == {
        "du_D1": "warning",
        "issfr_1": "warning",
    }


async def test_money_that_was_refunded_and_disputed_is_taken_back_once(vendor: MakeVendor) -> None:
    refund = shops.stripe_refund(
        "evt_R", "refund.created", WHEN + 50, id="re_D", amount=3450, status="succeeded", **CHARGE
    )
    for events in itertools.permutations([session(), refund, dispute("lost", number=2)]):
        tenant, path = await shop_of(vendor)
        for event in events:
            await deliver(tenant, path, event)
        assert (await balance(tenant))["available"] == 0
        await deliver(tenant, path, dispute("won", number=3))
        assert (await balance(tenant))["available"] == 60
        await clean(tenant)


async def test_a_part_that_nobody_can_tell_parks_and_takes_nothing(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor)
    await deliver(tenant, path, session())
    assert (await deliver(tenant, path, dispute("needs_response", amount=1000)))["state"] == "done"
    parked = await deliver(tenant, path, dispute("lost", number=2, amount=1000))
    assert (parked["state"], parked["reason"]) == ("parked", "dispute_lines_unknown")
    assert (await balance(tenant))["available"] == 120
    foreign = dispute("lost", number=4, amount=6900, ident="du_D2", currency="eur")
    parked = await deliver(tenant, path, foreign)
    assert (parked["state"], parked["reason"]) == ("parked", "dispute_lines_unknown")
    one = dispute("lost", number=5, amount=3450, ident="du_D3")
    await deliver(tenant, path, one)
    assert (await balance(tenant))["available"] == 60
    await clean(tenant)


async def test_a_lost_dispute_ends_a_license_and_its_periods_and_a_won_one_restores_them(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor, "cactushop")
    await deliver(tenant, path, session("license-pro", 1, 42000))
    before = await tenant.ok(await tenant.get("/v1/customers/shop:17"))
    await deliver(tenant, path, dispute("lost", number=1, amount=42000))
    lost = await tenant.ok(await tenant.get("/v1/customers/shop:17"))
    assert [one["active"] for one in lost["licenses"]] == [False]
    assert [one["state"] for one in lost["covers"]] == ["ended"]
    await clean(tenant)
    await deliver(tenant, path, dispute("won", number=2, amount=42000))
    after = await tenant.ok(await tenant.get("/v1/customers/shop:17"))
    assert (after["licenses"], after["covers"]) == (before["licenses"], before["covers"])
    await clean(tenant)


async def test_lost_again_after_it_was_won_takes_back_again(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor, "cs-cart")
    await deliver(tenant, path, session("license", 1, 38500))
    for number, status in enumerate(("lost", "won", "lost"), start=1):
        await deliver(tenant, path, dispute(status, number=number, amount=38500))
        customer = await tenant.ok(await tenant.get("/v1/customers/shop:17"))
        assert [one["active"] for one in customer["licenses"]] == [status == "won"]
        assert len(_open_choices(customer)) == (status == "won")
        await clean(tenant)


async def test_a_dispute_of_what_a_refund_left_takes_the_rest_alone(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor)
    await deliver(tenant, path, session())
    back = shops.stripe_refund("evt_R1", "refund.updated", WHEN + 50, **CHARGE, id="re_D1", amount=3450, metadata={})
    await deliver(tenant, path, back)
    assert (await balance(tenant))["available"] == 60
    await deliver(tenant, path, dispute("lost", number=2, amount=3450))
    assert (await balance(tenant))["available"] == 0
    await deliver(tenant, path, dispute("won", number=3, amount=3450))
    assert (await balance(tenant))["available"] == 60
    await clean(tenant)


async def test_won_credits_reach_whoever_has_the_lot_by_now(vendor: MakeVendor) -> None:
    """The lot was given to another customer, whose account was merged into a third one's while the dispute was lost."""
    tenant, path = await shop_of(vendor)
    await deliver(tenant, path, session())
    for who in ("bob", "cy"):
        body = {
            "customer_id": who,
            "placed_at": "2025-05-01T00:00:00Z",
            "currency": "USD",
            "lines": [{"line_id": "1", "sku": "of-no-interest"}],
        }
        await tenant.ok(await tenant.put(f"/v1/orders/first-{who}", body), 201)
    lot = (await balance(tenant))["lots"][0]["lot_id"]
    await tenant.ok(await tenant.post(f"/v1/lots/{lot}/transfer", {"to_customer_id": "bob"}))
    await deliver(tenant, path, dispute("lost", number=2))
    await tenant.ok(await tenant.post("/v1/customers/bob/merge", {"into_customer_id": "cy"}))
    assert (await balance(tenant, "cy"))["available"] == 0
    await deliver(tenant, path, dispute("won", number=3))
    assert (await balance(tenant, "cy"))["available"] == 120
    await clean(tenant)
    await tenant.ok(await tenant.post("/v1/customers/shop:17/merge", {"into_customer_id": "cy"}))
    await deliver(tenant, path, dispute("lost", number=4))
    assert (await balance(tenant, "cy"))["available"] == 0
    await clean(tenant)


async def test_a_dispute_of_expired_credits_is_undone_whole_so_that_a_refund_counts_once(vendor: MakeVendor) -> None:
    """Nothing was left to take; that the money had gone back is forgotten with the dispute all the same."""
    tenant = await vendor("shopp", now="2025-06-01T00:00:00Z")
    body = {"kind": "stripe", "secret": shops.SECRET}
    path = (await tenant.ok(await tenant.put("/v1/sources/shop", body), 201))["path"]
    await deliver(tenant, path, session("credit-priority", 1, 7500))
    await tenant.move_clock("2026-06-01T00:00:00Z")
    for event in (dispute("lost", number=2, amount=7500), dispute("won", number=3, amount=7500)):
        assert (await deliver(tenant, path, event))["state"] == "done"
    back = shops.stripe_refund("evt_R1", "refund.updated", WHEN + 500, **CHARGE, id="re_D1", amount=7500, metadata={})
    assert (await deliver(tenant, path, back))["state"] == "done"
    await clean(tenant)
    over = await tenant.post("/v1/orders/shop:pi_D1/refunds", {"refund_id": "R", "lines": []}, key=None)
    assert (over.status_code, over.json()["code"]) == (422, "order_over_refund")


async def test_two_disputes_of_one_charge_end_each_in_its_own_way(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor)
    await deliver(tenant, path, session())
    await deliver(tenant, path, dispute("lost", number=2, amount=3450, ident="du_D1"))
    await deliver(tenant, path, dispute("lost", number=3, amount=3450, ident="du_D2"))
    assert (await balance(tenant))["available"] == 0
    await deliver(tenant, path, dispute("won", number=4, amount=3450, ident="du_D2"))
    assert (await balance(tenant))["available"] == 60
    order = await tenant.ok(await tenant.get("/v1/orders/shop:pi_D1"))
    assert {one["dispute_id"]: one["action"] for one in order["payment_disputes"]} == {
        "du_D1": "taken_back",
        "du_D2": "given_back",
    }
    await clean(tenant)


async def test_a_dispute_of_more_than_the_payment_came_to_is_left_to_a_person(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor)
    await deliver(tenant, path, session())
    assert (await deliver(tenant, path, dispute("needs_response", amount=7011)))["state"] == "done"
    lost = await deliver(tenant, path, dispute("lost", number=2, amount=7011))
    assert (lost["state"], lost["reason"]) == ("parked", "dispute_lines_unknown")
    assert "of an order that came to 69" in lost["review"][0]["unclear"]
    assert (await balance(tenant))["available"] == 120
    await clean(tenant)


async def test_what_comes_back_to_a_lost_payment_is_gone_and_the_ticket_says_why(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor)
    await deliver(tenant, path, session())
    body = {"customer_id": "shop:17", "subject": "Checkout", "category": "level_2"}
    await tenant.ok(await tenant.put("/v1/tickets/T1", body), 201)
    await deliver(tenant, path, dispute("lost", number=2))
    await tenant.ok(await tenant.post("/v1/tickets/T1/resolution", {"outcome": "answered"}))
    body = {"cause": "software_bug", "reason": "Found later."}
    ticket = await tenant.ok(await tenant.post("/v1/tickets/T1/cause", body))
    (said,) = [one for one in ticket["reasons"] if one["code"] == "credits_forfeited"]
    assert said["message"] == (
        "25 points went back to an order whose payment was disputed and lost and are gone. Nothing can be used again."
    )
    assert (said["clause"], said["reading"], said["facts"]) == ("ALL-4", True, {"forfeited": 25, "returned": 0})
    await deliver(tenant, path, dispute("won", number=3))
    assert (await balance(tenant))["available"] == 120, "the bug gave the ticket's 25 back"
    await clean(tenant)


def _open_choices(customer: dict[str, Any]) -> list[Any]:
    return [one for one in customer["choices"] if one["open"]]


@pytest.mark.parametrize("policy", ["cactushop", "cs-cart", "avactis", "shopp", "x-cart"])
def test_the_five_policies_say_what_a_dispute_does(policy: str) -> None:
    assert dump(load_policy(shipped(policy)))["payment_disputes"] == {
        "open": "nothing",
        "lost": "take_back",
        "won": "undo",
        "reading": True,
    }


async def test_packs_that_waited_for_a_license_are_there_once_a_lost_dispute_is_won(vendor: MakeVendor) -> None:
    """While the dispute was lost there was nothing to take; the license that comes then brings nothing yet."""
    tenant, path = await shop_of(vendor, "cs-cart")
    await deliver(tenant, path, session("credits-25"))
    await deliver(tenant, path, dispute("lost", number=2))
    license_ = {"line_id": "1", "sku": "license", "quantity": 1, "list_price": "385.00", "unit_price": "385.00"}
    body = {"customer_id": "shop:17", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [license_]}
    await tenant.ok(await tenant.put("/v1/orders/first", body), 201)
    before = [(one["order_id"], one["available"]) for one in (await balance(tenant))["lots"] if one["available"]]
    assert before == []
    await clean(tenant)
    await deliver(tenant, path, dispute("won", number=3))
    after = [(one["order_id"], one["available"]) for one in (await balance(tenant))["lots"]]
    assert after == [("shop:pi_D1", 50)]
    await clean(tenant)
    await deliver(tenant, path, dispute("lost", number=4))
    assert (await balance(tenant))["available"] == 0
    await clean(tenant)


async def test_a_won_dispute_that_took_nothing_gives_back_no_period_that_was_refunded(vendor: MakeVendor) -> None:
    """The period was refunded while it waited for a license. So the dispute of the same money found nothing to take."""
    tenant, path = await shop_of(vendor, "cs-cart")
    await deliver(tenant, path, session("support-1-months", quantity=1, total=6500))
    await tenant.ok(await tenant.post("/v1/orders/shop:pi_D1/refunds", {"refund_id": "R"}), 201)
    license_ = {"line_id": "1", "sku": "license", "quantity": 1, "list_price": "385.00", "unit_price": "385.00"}
    body = {"customer_id": "shop:17", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [license_]}
    await tenant.ok(await tenant.put("/v1/orders/first", body), 201)
    for number, status in enumerate(("lost", "won"), start=2):
        await deliver(tenant, path, dispute(status, number=number, amount=6500))
        covers = (await tenant.ok(await tenant.get("/v1/customers/shop:17")))["covers"]
        assert [one["state"] for one in covers if one["order_id"] == "shop:pi_D1"] == ["voided"]
        await clean(tenant)
