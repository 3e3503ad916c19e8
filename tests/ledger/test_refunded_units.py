"""A refund is one thing: what comes back to a refunded unit is voided at once, and money goes back once a unit.

Over HTTP, under every policy in which it can occur. After each scene the audit is empty and the statement's sums meet.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_document import dump
from app.usecases.tenants import tenants
from tests.conformance.steps import events
from tests.conftest import MakeVendor
from tests.support.api import START, Vendor, client_of
from tests.tickets.desk import GOOD_FACTS, act, open_ticket, order

PACKS: dict[str, dict[str, Any]] = {
    "x-cart": {"sku": "credits-60", "quantity": 1, "credits": 60, "type": None},
    "avactis": {"sku": "credits-60", "quantity": 1, "credits": 60, "type": None},
    "cs-cart": {"sku": "credits-50", "quantity": 1, "credits": 50, "type": None},
    "shopp": {"sku": "credit-priority", "quantity": 4, "credits": 4, "type": "priority"},
}
SOLD = list(PACKS)


async def under(app: FastAPI, api: httpx.AsyncClient, template: str, *path: str | int, to: Any) -> Vendor:
    """A tenant under a shipped policy with the setting at ``path`` changed."""
    document = dump(tenants.templates()[template][0])
    place: Any = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    tenant = f"own-{uuid.uuid4().hex[:8]}"
    body = {"policy": template, "document": json.dumps(document), "clock": {"mode": "virtual", "now": START}}
    made = await api.put(f"/v1/tenants/{tenant}", json=body)
    assert made.status_code == 201, made.text
    key = (await api.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["*"]})).json()["key"]
    return Vendor(tenant, template, key, client_of(app, key), app)


async def put_order(
    shop: Vendor, order_id: str, sku: str, *, customer: str = "ann", quantity: int = 1, **more: Any
) -> dict[str, Any]:
    now = (await shop.ok(await shop.get("/v1/clock")))["now"]
    body = {
        "customer_id": customer,
        "placed_at": now,
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": sku, "quantity": quantity, **more}],
    }
    answer: dict[str, Any] = await shop.ok(await shop.put(f"/v1/orders/{order_id}", body), 201)
    return answer


async def buy_pack(shop: Vendor, policy: str, **more: Any) -> tuple[dict[str, Any], int]:
    """A pack of credits as order ``p``; its lot, and how many credits."""
    pack = PACKS[policy]
    if policy == "cs-cart":
        await put_order(shop, "first", "license")
    answer = await put_order(shop, "p", pack["sku"], quantity=pack["quantity"], unit_price="34.50", **more)
    return answer["lots"][0], pack["credits"]


async def give_back(
    shop: Vendor, order_id: str = "p", *, refund_id: str | None = None, quantity: int | None = None, status: int = 201
) -> dict[str, Any]:
    lines = [] if quantity is None else [{"line_id": "1", "quantity": quantity}]
    body = {"refund_id": refund_id or f"r-{order_id}", "lines": lines}
    answer: dict[str, Any] = await shop.ok(await shop.post(f"/v1/orders/{order_id}/refunds", body, key=None), status)
    return answer


async def available(shop: Vendor, customer: str = "ann") -> int:
    return int((await shop.ok(await shop.get(f"/v1/customers/{customer}/balance")))["available"])


async def voided(shop: Vendor, customer: str = "ann") -> list[tuple[int, str | None]]:
    """The statement's lines of what was voided for a refund: credits and clause."""
    page = await shop.ok(await shop.get(f"/v1/customers/{customer}/statement"))
    changed = sum(row["credits"] for row in page["balance_modifications"])
    used = sum(row["credits"] for part in ("tickets_in_progress", "resolved_tickets") for row in page[part])
    assert page["available"] == changed - used == await available(shop, customer)
    return [
        (row["credits"], row["clause"])
        for row in page["balance_modifications"]
        if row["kind"] == "voided" and row["reason"] == "refunded"
    ]


async def audited(shop: Vendor) -> None:
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


# --- what comes back to a refunded unit -------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", SOLD)
async def test_a_hold_released_after_the_refund_brings_nothing_back(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy)
    _, many = await buy_pack(shop, policy)
    kind = PACKS[policy]["type"]
    held = await shop.ok(await shop.post("/v1/customers/ann/holds", {"credits": many - 1, "credit_type": kind}), 201)
    report = await give_back(shop)
    assert [one["credits"] for one in report["taken_back"]] == [1]
    assert [(one["held"], one["spent"]) for one in report["not_taken_back"]] == [(many - 1, 0)]
    done = await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/release"))
    assert (done["released"], done["balance"]["available"], done["balance"]["held"]) == (many - 1, 0, 0)
    rows = await voided(shop)
    assert [credits_ for credits_, _ in rows] == [-1, 1 - many]
    assert all(clause is not None for _, clause in rows)
    told = [one["data"] for one in await events(shop, "credits.voided")]
    assert [(one["credits"], one["reason"], one["order_id"]) for one in told] == [
        (1, "refunded", "p"),
        (many - 1, "refunded", "p"),
    ]
    await audited(shop)


@pytest.mark.parametrize("policy", SOLD)
async def test_a_debit_refunded_after_the_order_brings_nothing_back(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy)
    _, many = await buy_pack(shop, policy)
    body = {"credits": many, "credit_type": PACKS[policy]["type"]}
    spent = await shop.ok(await shop.post("/v1/customers/ann/debits", body), 201)
    report = await give_back(shop)
    assert report["taken_back"] == []
    assert [one["spent"] for one in report["not_taken_back"]] == [many]
    back = await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {"credits": 2}))
    assert (back["refunded"], back["balance"]["available"]) == (2, 0)
    back = await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {}))
    assert (back["refunded"], back["balance"]["available"]) == (many, 0)
    assert [credits_ for credits_, _ in await voided(shop)] == [-2, 2 - many]
    await audited(shop)


@pytest.mark.parametrize("policy", SOLD)
async def test_a_hold_that_ends_by_itself_brings_nothing_back(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy)
    _, many = await buy_pack(shop, policy)
    body = {"credits": many, "credit_type": PACKS[policy]["type"], "expires_at": "2025-01-02T00:00:00Z"}
    await shop.ok(await shop.post("/v1/customers/ann/holds", body), 201)
    await give_back(shop)
    await shop.move_clock("2025-01-03T00:00:00Z")
    assert await available(shop) == 0
    assert [credits_ for credits_, _ in await voided(shop)] == [-many]
    await audited(shop)


@pytest.mark.parametrize("policy", SOLD)
async def test_a_capture_of_a_part_gives_the_rest_back_to_nobody(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy)
    _, many = await buy_pack(shop, policy)
    body = {"credits": many, "credit_type": PACKS[policy]["type"]}
    held = await shop.ok(await shop.post("/v1/customers/ann/holds", body), 201)
    await give_back(shop)
    taken = await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/capture", {"credits": 1, "final": True}))
    assert (taken["captured"], taken["released"], taken["balance"]["available"]) == (1, many - 1, 0)
    assert [credits_ for credits_, _ in await voided(shop)] == [1 - many]
    await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/refund", {}))
    assert await available(shop) == 0
    await audited(shop)


async def test_xc_a_withdrawn_ticket_gives_back_to_no_refunded_pack(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await put_order(shop, "p", "credits-120")
    ticket = await open_ticket(shop, "ann", category="level_4")
    report = await give_back(shop)
    assert [one["credits"] for one in report["taken_back"]] == [40]
    assert [one["held"] for one in report["not_taken_back"]] == [80]
    gone = await act(shop, ticket, "withdrawal")
    assert gone["charge"]["held"] == 0
    assert await available(shop) == 0
    assert [credits_ for credits_, _ in await voided(shop)] == [-40, -80]
    await audited(shop)


async def test_xc_a_price_that_falls_gives_back_to_no_refunded_pack(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await put_order(shop, "p", "credits-120")
    ticket = await open_ticket(shop, "ann", category="level_4")
    await give_back(shop)
    await act(shop, ticket, "assessments", {"category": "level_2"})
    assert await available(shop) == 0
    done = await act(shop, ticket, "resolution", {"cause": "software_bug"})
    assert done["charge"] == {"held": 0, "captured": 25, "refunded": 25, "net": 0}
    assert await available(shop) == 0
    assert [credits_ for credits_, _ in await voided(shop)] == [-40, -55, -25]
    await audited(shop)


@pytest.mark.parametrize("decision", [{"decision": "returned"}, {"decision": "reduced", "credits": 30}])
async def test_xc_12_a_dispute_gives_back_to_no_refunded_pack(vendor: MakeVendor, decision: Any) -> None:
    shop = await vendor("x-cart")
    await put_order(shop, "p", "credits-120")
    ticket = await open_ticket(shop, "ann", category="level_4")
    await act(shop, ticket, "resolution", {})
    await give_back(shop)
    await act(shop, ticket, "disputes", {"reason": "too dear"})
    await act(shop, ticket, "disputes/1/decision", decision)
    assert await available(shop) == 0
    await audited(shop)


async def test_ava_14_a_bug_gives_back_to_no_refunded_license(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await put_order(shop, "p", "license-owned", list_price="100.00", unit_price="100.00")
    ticket = await open_ticket(shop, "ann", category="edition_update")
    report = await give_back(shop)
    assert [one["held"] for one in report["not_taken_back"]] == [60]
    await act(shop, ticket, "resolution", {"cause": "software_bug"})
    assert await available(shop) == 0
    assert await voided(shop) == [(-140, "AVA-14"), (-60, "AVA-14")]
    await audited(shop)


async def test_csc_8_what_was_agreed_and_not_used_comes_back_to_no_refunded_pack(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await buy_pack(shop, "cs-cart")
    (choice,) = (await shop.ok(await shop.get("/v1/customers/ann/choices")))["data"]
    await shop.ok(await shop.post(f"/v1/customers/ann/choices/{choice['choice_id']}", {"option": "cover"}))
    ticket = await open_ticket(shop, "ann", agreed_up_to=20, pay_with="credits")
    await give_back(shop)
    await act(shop, ticket, "assessments", {"category": "category_1"})
    assert await available(shop) == 0
    await act(shop, ticket, "resolution", {"cause": "software_bug"})
    assert await available(shop) == 0
    assert [credits_ for credits_, _ in await voided(shop)] == [-30, -15, -5]
    await audited(shop)


@pytest.mark.parametrize("end", ["denied", "withdrawn"])
async def test_shopp_22_a_denied_ticket_gives_back_no_refunded_credit(vendor: MakeVendor, end: str) -> None:
    shop = await vendor("shopp")
    await put_order(shop, "key", "license")
    await put_order(shop, "p", "credit-priority", unit_price="75.00")
    ticket = await open_ticket(shop, "ann", credit_type="priority", facts=GOOD_FACTS)
    await give_back(shop)
    if end == "denied":
        await act(shop, ticket, "qualification", {"decision": "reject", "reasons": ["abusive_conduct"]})
    else:
        await act(shop, ticket, "withdrawal")
    assert await available(shop) == 0
    assert [credits_ for credits_, _ in await voided(shop)] == [-1]
    await audited(shop)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_all_4_thirty_days_for_a_bug_are_no_refunded_units(vendor: MakeVendor, when: str) -> None:
    """A bug found after the points have expired brings them back for 30 days; but not those of a refunded pack."""
    shop = await vendor("x-cart")
    await put_order(shop, "p", "credits-60")
    ticket = await open_ticket(shop, "ann", category="level_2")
    await shop.move_clock("2027-02-01T00:00:00Z")
    if when == "before":
        await give_back(shop)
    await act(shop, ticket, "resolution", {"cause": "software_bug"})
    assert await available(shop) == (25 if when == "after" else 0)
    if when == "after":
        report = await give_back(shop)
        assert [one["credits"] for one in report["taken_back"]] == [25]
    assert await available(shop) == 0
    assert sum(credits_ for credits_, _ in await voided(shop)) == -25
    await audited(shop)


async def test_all_4_a_reopened_lot_is_no_refunded_unit(app: FastAPI, api: httpx.AsyncClient) -> None:
    rule = {"rule": "reopen", "grace": {"days": 10}, "clause": "ALL-4"}
    shop = await under(app, api, "x-cart", "credits", "returned_to_expired", to=rule)
    await put_order(shop, "p", "credits-60")
    held = await shop.ok(await shop.post("/v1/customers/ann/holds", {"credits": 60}), 201)
    await give_back(shop)
    await shop.move_clock("2027-02-01T00:00:00Z")
    await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/release"))
    assert await available(shop) == 0
    assert [credits_ for credits_, _ in await voided(shop)] == [-60]
    await audited(shop)
    await shop.close()


async def test_a_part_of_a_pack_is_refunded_and_the_rest_comes_back(vendor: MakeVendor) -> None:
    """Of three packs in one line one is refunded: its 60 points are voided first, the others come back."""
    shop = await vendor("x-cart")
    await put_order(shop, "p", "credits-60", quantity=3)
    held = await shop.ok(await shop.post("/v1/customers/ann/holds", {"credits": 150}), 201)
    report = await give_back(shop, quantity=1)
    assert [one["credits"] for one in report["taken_back"]] == [30]
    assert [one["held"] for one in report["not_taken_back"]] == [30]
    await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/release", {"credits": 20}))
    assert await available(shop) == 0
    await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/release"))
    assert await available(shop) == 120
    await give_back(shop, refund_id="r-2", quantity=2)
    assert await available(shop) == 0
    await audited(shop)


async def test_a_hold_over_two_lots_gives_back_only_what_was_not_refunded(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await put_order(shop, "p", "credits-60")
    await shop.move_clock("2025-01-02T00:00:00Z")
    await put_order(shop, "q", "credits-60")
    spent = await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 100}), 201)
    await give_back(shop, "q")
    assert await available(shop) == 0
    back = await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {"credits": 70}))
    assert (back["refunded"], back["balance"]["available"]) == (70, 30)
    await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {}))
    assert await available(shop) == 60
    await audited(shop)


async def test_what_an_absorbed_account_gives_back_is_voided_too(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await put_order(shop, "p", "credits-60", customer="bob")
    await put_order(shop, "q", "of-no-interest")
    spent = await shop.ok(await shop.post("/v1/customers/bob/debits", {"credits": 40}), 201)
    await shop.ok(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "ann"}))
    report = await give_back(shop)
    assert [one["credits"] for one in report["taken_back"]] == [20]
    assert [one["spent"] for one in report["not_taken_back"]] == [40]
    await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {}))
    assert await available(shop) == 0
    await audited(shop)


async def test_where_debts_are_kept_what_was_spent_is_owed_and_not_voided(app: FastAPI, api: httpx.AsyncClient) -> None:
    """The buyer paid the debt with other points, so a debit that is refunded later brings its points back."""
    shop = await under(app, api, "x-cart", "credits", "owed_allowed", to=True)
    await put_order(shop, "p", "credits-60")
    spent = await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 40}), 201)
    assert (await give_back(shop))["owed"] == 40
    await put_order(shop, "q", "credits-60")
    assert await available(shop) == 20
    await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {}))
    assert await available(shop) == 60
    await audited(shop)
    await shop.close()


async def test_a_breach_returns_nothing_for_a_refunded_credit(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await under(app, api, "x-cart", "promises", 0, "breach_returns_credits", to=5)
    await put_order(shop, "p", "credits-60")
    await open_ticket(shop, "ann", category="level_3")
    await give_back(shop)
    await shop.move_clock("2025-01-20T00:00:00Z")
    assert await available(shop) == 0
    await audited(shop)
    await shop.close()


# --- money goes back once ---------------------------------------------------------------------------------------------


async def _shopp(vendor: MakeVendor, quantity: int = 1) -> tuple[Vendor, str]:
    shop = await vendor("shopp")
    await put_order(shop, "key", "license")
    bought = await put_order(shop, "p", "credit-priority", quantity=quantity, unit_price="75.00")
    return shop, bought["lots"][0]["lot_id"]


async def refund_lot(shop: Vendor, lot: str, *, override: bool = False, status: int = 200) -> dict[str, Any]:
    body = {"override": True, "reason": "goodwill"} if override else {}
    answer: dict[str, Any] = await shop.ok(await shop.post(f"/v1/lots/{lot}/refund", body), status)
    return answer


@pytest.mark.parametrize("override", [False, True])
@pytest.mark.parametrize("end", ["withdrawn", "denied", "spent"])
async def test_shopp_20_an_order_refunded_is_not_paid_again_by_its_lot(
    vendor: MakeVendor, end: str, override: bool
) -> None:
    shop, lot = await _shopp(vendor)
    ticket = await open_ticket(shop, "ann", credit_type="priority", facts=GOOD_FACTS)
    await give_back(shop)
    if end == "denied":
        await act(shop, ticket, "qualification", {"decision": "reject", "reasons": ["abusive_conduct"]})
    elif end == "withdrawn":
        await act(shop, ticket, "withdrawal")
    else:
        await act(shop, ticket, "qualification", {"decision": "accept", "note": "Known to us."})
        await act(shop, ticket, "responses", {"author": "vendor", "kind": "service", "public": True})
        await act(shop, ticket, "resolution", {"outcome": "answered"})
    problem = await refund_lot(shop, lot, override=override, status=409)
    assert problem["code"] == "already_refunded"
    assert problem["reasons"][0]["facts"]["paid_back"] == {"order": 1}, "by which door it was given back"
    assert await available(shop) == 0
    await audited(shop)


async def test_shopp_19_a_lot_refunded_is_not_paid_again_by_its_order(vendor: MakeVendor) -> None:
    shop, lot = await _shopp(vendor, quantity=3)
    ticket = await open_ticket(shop, "ann", credit_type="priority", facts=GOOD_FACTS)
    paid = await refund_lot(shop, lot)
    assert (paid["credits"], paid["refund"]["amount"]) == (2, "150.00")
    over = await give_back(shop, quantity=2, status=422)
    assert (over["code"], over["facts"]["refundable"]) == ("order_over_refund", 1)
    await give_back(shop, refund_id="r-1", quantity=1)
    await act(shop, ticket, "withdrawal")
    assert await available(shop) == 0
    assert (await refund_lot(shop, lot, override=True, status=409))["code"] == "already_refunded"
    over = await give_back(shop, refund_id="r-2", status=422)
    assert (over["code"], over["facts"]["refundable"]) == ("order_over_refund", 0)
    await audited(shop)


async def test_of_a_line_partly_refunded_a_lot_pays_for_the_rest(vendor: MakeVendor) -> None:
    shop, lot = await _shopp(vendor, quantity=3)
    await give_back(shop, quantity=1)
    paid = await refund_lot(shop, lot)
    assert (paid["credits"], paid["refund"]["amount"]) == (2, "150.00")
    assert (await refund_lot(shop, lot, status=409))["code"] == "already_refunded"
    await audited(shop)


async def test_shopp_20_by_discretion_after_it_was_spent_money_goes_back_once(vendor: MakeVendor) -> None:
    shop, lot = await _shopp(vendor)
    ticket = await open_ticket(shop, "ann", credit_type="priority", facts=GOOD_FACTS)
    await act(shop, ticket, "qualification", {"decision": "accept", "note": "Known to us."})
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service", "public": True})
    await act(shop, ticket, "resolution", {"outcome": "answered"})
    assert (await refund_lot(shop, lot, override=True))["refund"]["amount"] == "75.00"
    assert (await refund_lot(shop, lot, override=True, status=409))["code"] == "already_refunded"
    assert (await give_back(shop, status=422))["code"] == "order_over_refund"
    (hold,) = (await shop.ok(await shop.get("/v1/customers/ann/statement")))["resolved_tickets"]
    await shop.ok(await shop.post(f"/v1/holds/{hold['hold_ids'][0]}/refund", {}))
    assert await available(shop) == 0, "the credit's money went back, so it is gone"
    await audited(shop)


@pytest.mark.parametrize("accepted", [True, False])
async def test_shopp_20_a_credit_that_a_ticket_holds_unserved_is_in_use(vendor: MakeVendor, accepted: bool) -> None:
    shop, lot = await _shopp(vendor)
    ticket = await open_ticket(shop, "ann", credit_type="priority", facts=GOOD_FACTS)
    if accepted:
        await act(shop, ticket, "qualification", {"decision": "accept", "note": "Known to us."})
    assert (await refund_lot(shop, lot, override=True, status=409))["code"] == "credit_in_use"
    await act(shop, ticket, "withdrawal")
    assert (await refund_lot(shop, lot, override=True))["refund"]["amount"] == "75.00"
    assert await available(shop) == 0
    await audited(shop)


async def test_shopp_20_a_served_credit_paid_back_by_discretion_is_gone(vendor: MakeVendor) -> None:
    shop, lot = await _shopp(vendor)
    ticket = await open_ticket(shop, "ann", credit_type="priority", facts=GOOD_FACTS)
    await act(shop, ticket, "qualification", {"decision": "accept", "note": "Known to us."})
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service", "public": True})
    assert (await refund_lot(shop, lot, override=True))["refund"]["amount"] == "75.00"
    (row,) = (await shop.ok(await shop.get("/v1/customers/ann/statement")))["tickets_in_progress"]
    await shop.ok(await shop.post(f"/v1/holds/{row['hold_ids'][0]}/release", {}))
    assert await available(shop) == 0
    assert [credits_ for credits_, _ in await voided(shop)] == [-1]
    await audited(shop)


@pytest.mark.parametrize("policy", ["x-cart", "avactis", "cs-cart", "shopp", "cactushop"])
async def test_a_second_refund_of_a_unit_says_what_is_left(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy)
    sku = {"cactushop": "license-pro", "avactis": "license-owned"}.get(policy, "license")
    await put_order(shop, "p", sku, quantity=2)
    await give_back(shop, quantity=1)
    over = await give_back(shop, refund_id="r-2", quantity=2, status=422)
    assert (over["code"], over["facts"]["refundable"], over["facts"]["left"]) == ("order_over_refund", 1, {"1": 1})
    await give_back(shop, refund_id="r-3")
    for quantity in (None, 1):
        over = await give_back(shop, refund_id="r-4", quantity=quantity, status=422)
        assert (over["code"], over["facts"]["refundable"]) == ("order_over_refund", 0)
    kept = (await shop.ok(await shop.get("/v1/orders/p")))["refunds"]
    assert {one["refund_id"] for one in kept} == {"r-p", "r-3"}
    await audited(shop)


# --- refunds follow transfers -----------------------------------------------------------------------------------------


async def transfer(shop: Vendor, lot: str, to: str, status: int = 200) -> dict[str, Any]:
    answer: dict[str, Any] = await shop.ok(await shop.post(f"/v1/lots/{lot}/transfer", {"to_customer_id": to}), status)
    return answer


async def _given(vendor: MakeVendor) -> tuple[Vendor, dict[str, Any], dict[str, Any]]:
    """Ann's pack of 120 given to bob."""
    shop = await vendor("x-cart")
    bought = await put_order(shop, "p", "credits-120")
    await put_order(shop, "other", "of-no-interest", customer="bob")
    moved = await transfer(shop, bought["lots"][0]["lot_id"], "bob")
    return shop, bought["lots"][0], moved["to"]


async def test_a_refund_reaches_credits_that_were_given_to_another_customer(vendor: MakeVendor) -> None:
    shop, _, theirs = await _given(vendor)
    report = await give_back(shop)
    assert [(one["credits"], one["lot_id"], one["customer_id"]) for one in report["taken_back"]] == [
        (120, theirs["lot_id"], "bob")
    ]
    assert report["not_taken_back"] == []
    assert (await available(shop), await available(shop, "bob")) == (0, 0)
    assert [credits_ for credits_, _ in await voided(shop, "bob")] == [-120]
    await audited(shop)


async def test_what_the_other_customer_holds_and_spent_is_reported_and_never_comes_back(vendor: MakeVendor) -> None:
    shop, _, theirs = await _given(vendor)
    ticket = await open_ticket(shop, "bob", category="level_3")
    spent = await shop.ok(await shop.post("/v1/customers/bob/debits", {"credits": 30}), 201)
    report = await give_back(shop)
    assert [(one["credits"], one["customer_id"]) for one in report["taken_back"]] == [(50, "bob")]
    assert [(one["lot_id"], one["held"], one["spent"], one["customer_id"]) for one in report["not_taken_back"]] == [
        (theirs["lot_id"], 40, 30, "bob")
    ]
    await act(shop, ticket, "withdrawal")
    await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {}))
    assert await available(shop, "bob") == 0
    assert [credits_ for credits_, _ in await voided(shop, "bob")] == [-50, -40, -30]
    await audited(shop)


async def test_a_refund_follows_credits_that_were_given_on_and_those_of_a_merged_account(vendor: MakeVendor) -> None:
    shop, _, theirs = await _given(vendor)
    spent = await shop.ok(await shop.post("/v1/customers/bob/debits", {"credits": 20}), 201)
    await put_order(shop, "third", "of-no-interest", customer="cyd")
    await put_order(shop, "fourth", "of-no-interest", customer="dan")
    await shop.ok(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "cyd"}))
    (mine,) = (await shop.ok(await shop.get("/v1/customers/cyd/balance")))["lots"]
    await shop.ok(await shop.post("/v1/customers/cyd/debits", {"credits": 10}), 201)
    await transfer(shop, mine["lot_id"], "dan")
    report = await give_back(shop)
    assert [(one["credits"], one["customer_id"]) for one in report["taken_back"]] == [(90, "dan")]
    assert sum(one["spent"] for one in report["not_taken_back"]) == 30
    await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {}))
    assert [await available(shop, name) for name in ("ann", "cyd", "dan")] == [0, 0, 0]
    assert theirs["lot_id"] != mine["lot_id"]
    await audited(shop)


@pytest.mark.parametrize(("gone", "into"), [("bob", "ann"), ("ann", "zoe"), ("ann", "bob")])
async def test_a_refund_reaches_given_credits_after_a_merge(vendor: MakeVendor, gone: str, into: str) -> None:
    """The one who was given them merges into the buyer, or the buyer into somebody else, or into that one."""
    shop, _, _ = await _given(vendor)
    spent = await shop.ok(await shop.post("/v1/customers/bob/debits", {"credits": 20}), 201)
    await put_order(shop, "last", "of-no-interest", customer="zoe")
    await shop.ok(await shop.post(f"/v1/customers/{gone}/merge", {"into_customer_id": into}))
    report = await give_back(shop)
    assert sum(one["credits"] for one in report["taken_back"]) == 100
    assert sum(one["spent"] for one in report["not_taken_back"]) == 20
    await shop.ok(await shop.post(f"/v1/holds/{spent['hold_id']}/refund", {}))
    assert [await available(shop, name) for name in ("ann", "bob", "zoe")] == [0, 0, 0]
    await audited(shop)


async def test_credits_given_back_again_are_reached_where_they_are(vendor: MakeVendor) -> None:
    shop, _, theirs = await _given(vendor)
    await transfer(shop, theirs["lot_id"], "ann")
    assert (await available(shop), await available(shop, "bob")) == (120, 0)
    report = await give_back(shop)
    assert [one["credits"] for one in report["taken_back"]] == [120]
    assert await available(shop) == 0
    await audited(shop)


async def test_a_part_of_a_line_that_was_given_away_in_part(vendor: MakeVendor) -> None:
    """Ann spent 50 of three packs and gave 130 away: a refund of two packs takes 120 of bob's."""
    shop = await vendor("x-cart")
    bought = await put_order(shop, "p", "credits-60", quantity=3)
    await put_order(shop, "other", "of-no-interest", customer="bob")
    await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 50}), 201)
    await transfer(shop, bought["lots"][0]["lot_id"], "bob")
    report = await give_back(shop, quantity=2)
    assert sum(one["credits"] for one in report["taken_back"]) == 120
    assert await available(shop, "bob") == 10
    rest = await give_back(shop, refund_id="r-2")
    assert sum(one["credits"] for one in rest["taken_back"]) == 10
    assert [one["spent"] for one in rest["not_taken_back"]] == [50]
    assert await available(shop, "bob") == 0
    await audited(shop)


async def test_xc_3_free_points_of_a_license_stay_with_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    bought = await put_order(shop, "p", "license")
    await put_order(shop, "other", "of-no-interest", customer="bob")
    answer = await transfer(shop, bought["lots"][0]["lot_id"], "bob", 409)
    assert answer["code"] == "free_credits_not_transferable"
    assert (answer["reasons"][0]["clause"], answer["reasons"][0]["reading"]) == ("XC-3", True)
    assert (await available(shop), await available(shop, "bob")) == (60, 0)


async def test_free_points_go_where_the_policy_says_so(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await under(app, api, "x-cart", "transfer", "free_credits", to=True)
    bought = await put_order(shop, "p", "license")
    await put_order(shop, "other", "of-no-interest", customer="bob")
    await transfer(shop, bought["lots"][0]["lot_id"], "bob")
    assert await available(shop, "bob") == 60
    report = await give_back(shop)
    assert [(one["kind"], one.get("customer_id")) for one in report["taken_back"]] == [
        ("credits", "bob"),
        ("license", None),
    ]
    assert await available(shop, "bob") == 0
    await audited(shop)
    await shop.close()


async def test_a_refunded_lot_goes_to_nobody(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    bought = await put_order(shop, "p", "credits-60")
    await put_order(shop, "other", "of-no-interest", customer="bob")
    await give_back(shop)
    answer = await transfer(shop, bought["lots"][0]["lot_id"], "bob", 409)
    assert (answer["code"], answer["facts"]["refunded"]) == ("lot_refunded", 60)
    assert await available(shop, "bob") == 0


async def test_a_lot_given_away_is_paid_back_by_its_order_only(app: FastAPI, api: httpx.AsyncClient) -> None:
    rule = {"clause": "SHOPP-21", "message": "May go.", "allowed": True}
    shop = await under(app, api, "shopp", "transfer", to=rule)
    bought = await put_order(shop, "p", "credit-priority", unit_price="75.00")
    await put_order(shop, "other", "license", customer="bob")
    lot = bought["lots"][0]["lot_id"]
    moved = await transfer(shop, lot, "bob")
    for override in (False, True):
        assert (await refund_lot(shop, lot, override=override, status=409))["code"] == "credits_given_away"
    answer = await refund_lot(shop, moved["to"]["lot_id"], override=True, status=409)
    assert answer["code"] == "not_bought"
    await give_back(shop)
    assert await available(shop, "bob") == 0
    assert (await refund_lot(shop, lot, override=True, status=409))["code"] == "credits_given_away"
    await audited(shop)
    await shop.close()


# --- the first order, refunded ----------------------------------------------------------------------------------------


async def test_csc_2_a_first_license_refunded_untouched_does_not_count(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await put_order(shop, "p", "license")
    await give_back(shop)
    again = await put_order(shop, "q", "license")
    assert [one["ordinal"] for one in again["licenses"]] == [1]
    assert [one["options"] for one in again["choices"]] == [["credits", "cover"]]
    (why,) = [one for one in again["decisions"] if one["rule"] == "refunded_untouched"]
    assert (why["clause"], why["reading"], why["granted"]) == ("CSC-2", True, True)
    third = await put_order(shop, "r", "license")
    assert ([one["ordinal"] for one in third["licenses"]], third["choices"]) == ([2], [])
    assert await available(shop) == 20


async def test_csc_2_one_whose_credits_were_chosen_and_not_used_is_untouched(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    bought = await put_order(shop, "p", "license")
    choice = bought["choices"][0]["choice_id"]
    await shop.ok(await shop.post(f"/v1/customers/ann/choices/{choice}", {"option": "credits"}))
    await give_back(shop)
    again = await put_order(shop, "q", "license")
    assert len(again["choices"]) == 1


@pytest.mark.parametrize("touch", ["spent", "held", "days"])
async def test_csc_2_a_touched_one_counts(vendor: MakeVendor, touch: str) -> None:
    shop = await vendor("cs-cart")
    bought = await put_order(shop, "p", "license")
    path = f"/v1/customers/ann/choices/{bought['choices'][0]['choice_id']}"
    await shop.ok(await shop.post(path, {"option": "cover" if touch == "days" else "credits"}))
    if touch == "spent":
        await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 5}), 201)
    elif touch == "held":
        await shop.ok(await shop.post("/v1/customers/ann/holds", {"credits": 5}), 201)
    else:
        await open_ticket(shop, "ann", category="category_1", pay_with="cover")
    await give_back(shop)
    again = await put_order(shop, "q", "license")
    assert ([one["ordinal"] for one in again["licenses"]], again["choices"]) == ([2], [])
    assert [one["granted"] for one in again["lots"]] == [20]


async def test_csc_2_a_standing_license_keeps_its_class(vendor: MakeVendor) -> None:
    """Both bought at one instant: the further one stays a further one, also as later orders are settled."""
    shop = await vendor("cs-cart")
    await put_order(shop, "p", "license")
    await put_order(shop, "q", "license")
    await give_back(shop)
    third = await put_order(shop, "r", "license")
    shown = await shop.ok(await shop.get("/v1/customers/ann"))
    assert {one["order_id"]: one["ordinal"] for one in shown["licenses"]} == {"p": 1, "q": 2, "r": 2}
    assert third["choices"] == []
    assert await available(shop) == 40


async def test_xc_3_a_first_order_refunded_untouched_does_not_count(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await put_order(shop, "p", "license", quantity=2)
    await give_back(shop)
    await shop.move_clock("2025-02-01T00:00:00Z")
    again = await put_order(shop, "q", "license", quantity=2)
    assert [one["granted"] for one in again["lots"]] == [60, 60]
    assert [one["first_order"] for one in again["licenses"]] == [True, True]
    assert {(one["clause"], one["reading"]) for one in again["decisions"] if one["rule"] == "refunded_untouched"} == {
        ("XC-3", True)
    }
    later = await put_order(shop, "r", "license")
    assert (later["lots"], later["not_granted"][0]["code"]) == ([], "not_first_order")
    assert await available(shop) == 120
    await audited(shop)


async def test_xc_3_an_order_of_which_one_license_was_touched_counts(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await put_order(shop, "p", "license", quantity=2)
    await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 10}), 201)
    await give_back(shop)
    again = await put_order(shop, "q", "license")
    assert (again["lots"], again["licenses"][0]["first_order"]) == ([], False)
    await audited(shop)


async def test_xc_3_what_was_bought_before_the_refund_keeps_its_class(vendor: MakeVendor) -> None:
    """An order placed before the refund and told after it is a later order, as it was when it was placed."""
    shop = await vendor("x-cart")
    await put_order(shop, "p", "license")
    await shop.move_clock("2025-01-10T00:00:00Z")
    await give_back(shop)
    body = {
        "customer_id": "ann",
        "placed_at": "2025-01-05T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
    }
    late = await shop.ok(await shop.put("/v1/orders/q", body), 201)
    assert (late["lots"], late["licenses"][0]["ordinal"]) == ([], 2)


@pytest.mark.parametrize("policy", ["cs-cart", "x-cart"])
async def test_the_policy_may_count_them(app: FastAPI, api: httpx.AsyncClient, policy: str) -> None:
    shop = await under(app, api, policy, "licenses", "refunded_untouched", to="counted")
    await put_order(shop, "p", "license")
    await give_back(shop)
    again = await put_order(shop, "q", "license")
    assert [one["ordinal"] for one in again["licenses"]] == [2]
    assert again["choices"] == []
    await shop.close()


async def test_offers_show_what_a_first_license_brings_again(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    first = await shop.ok(await shop.get("/v1/offers", customer_id="nobody-yet"))
    await put_order(shop, "p", "license")
    await give_back(shop)
    again = await shop.ok(await shop.get("/v1/offers", customer_id="ann"))
    shown = [[one["grants"] for one in page["data"] if one["sku"] == "license"] for page in (first, again)]
    assert shown[0] == shown[1]


# --- through the other door -------------------------------------------------------------------------------------------


async def test_graphql_takes_back_gives_away_and_refuses_alike(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    free = (await put_order(shop, "free", "license"))["lots"][0]["lot_id"]
    bought = (await put_order(shop, "p", "credits-60", quantity=2))["lots"][0]["lot_id"]
    await put_order(shop, "other", "of-no-interest", customer="bob")

    async def ask(call: str, fields: str) -> dict[str, Any]:
        query = f"mutation {{ it: {call} {{ __typename {fields} ... on Refusal {{ code status refusalFacts }} }} }}"
        answer = await shop.ok(await shop.post("/graphql", {"query": query}, key=None))
        found: dict[str, Any] = answer["data"]["it"]
        return found

    moved = "... on Transfer { credits to { customerId available } }"
    refused = await ask(f'transferLot(input: {{idempotencyKey: "a", lotId: "{free}", toCustomerId: "bob"}})', moved)
    assert (refused["code"], refused["status"]) == ("free_credits_not_transferable", 409)
    done = await ask(f'transferLot(input: {{idempotencyKey: "b", lotId: "{bought}", toCustomerId: "bob"}})', moved)
    assert (done["credits"], done["to"]) == (120, {"customerId": "bob", "available": 120})
    refund = "... on OrderRefund { takenBack { credits customerId } notTakenBack { lotId } }"
    lines = 'lines: [{lineId: "1", quantity: 1}]'
    taken = await ask(f'refundOrder(input: {{orderId: "p", refundId: "r1", {lines}}})', refund)
    assert [(one["credits"], one["customerId"]) for one in taken["takenBack"]] == [(60, "bob")]
    assert taken["notTakenBack"] == []
    await ask('refundOrder(input: {orderId: "p", refundId: "r2"})', refund)
    over = await ask(f'refundOrder(input: {{orderId: "p", refundId: "r3", {lines}}})', refund)
    assert (over["code"], over["status"], over["refusalFacts"]["refundable"]) == ("order_over_refund", 422, 0)
    await audited(shop)


@pytest.mark.parametrize("merged", [False, True], ids=["alone", "merged"])
async def test_shopp_20_what_was_corrected_away_by_hand_is_paid_back_once_too(vendor: MakeVendor, merged: bool) -> None:
    """An adjustment voided the credit, so the refund of the order takes nothing; its money went back all the same."""
    shop = await vendor("shopp")
    line = {"line_id": "1", "quantity": 1, "sku": "credit-escalated", "unit_price": "75.00"}
    order = {"customer_id": "cyd", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [line]}
    lot_id = (await shop.ok(await shop.put("/v1/orders/c", order)))["lots"][0]["lot_id"]
    owner = "cyd"
    if merged:
        owner = "bob"
        theirs = {**order, "customer_id": "bob", "lines": [{"line_id": "1", "quantity": 1, "sku": "license"}]}
        await shop.ok(await shop.put("/v1/orders/b", theirs))
        await shop.ok(await shop.post("/v1/customers/cyd/merge", {"into_customer_id": "bob"}))
        (lot,) = (await shop.ok(await shop.get("/v1/customers/bob/balance")))["lots"]
        lot_id = lot["lot_id"]
    by_hand = {"credits": -1, "credit_type": "escalated", "reason": "counted again"}
    await shop.ok(await shop.post(f"/v1/customers/{owner}/adjustments", by_hand))
    await shop.ok(await shop.post("/v1/orders/c/refunds", {"refund_id": "r"}))
    again = await shop.post(f"/v1/lots/{lot_id}/refund", {"override": True, "reason": "goodwill"})
    assert (again.status_code, again.json()["code"]) == (409, "already_refunded")
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_csc_4_a_free_period_that_was_served_is_reported_when_its_license_is_refunded(vendor: MakeVendor) -> None:
    """As a bought period is: what ran out is listed as not taken back."""
    shop = await vendor("cs-cart")
    bought = await order(shop, "ann", "license")
    row = (await shop.ok(await shop.get("/v1/customers/ann/choices")))["data"][0]
    await shop.ok(await shop.post(f"/v1/customers/ann/choices/{row['choice_id']}", {"option": "cover"}))
    ticket = await open_ticket(shop, "ann", category="category_1")
    assert ticket["paid_by"] == "cover"
    await act(shop, ticket, "resolution", {"outcome": "answered"})
    await shop.move_clock("2025-06-01T00:00:00Z")
    body = {"refund_id": "R", "lines": []}
    path = f"/v1/orders/{bought['order_id']}/refunds"
    answer = await shop.ok(await shop.post(path, body, key=None), 201)
    assert [one["kind"] for one in answer["taken_back"]] == ["license"]
    (left,) = answer["not_taken_back"]
    assert (left["kind"], left["cover_id"], left["state"]) == ("cover", ticket["cover_id"], "ended")
    await audited(shop)
