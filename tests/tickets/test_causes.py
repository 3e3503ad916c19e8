"""The cause of a closed ticket, corrected later, and the credits that follow from it (AVA-11, CSC-16, XC-11, ALL-4)."""

from __future__ import annotations

from typing import Any

import pytest

from app.usecases.tenants.keys import SCOPES
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.graphql import ask, do
from tests.tickets.desk import act, balance, next_id, open_ticket, order, refused, ticket_of
from tests.tickets.test_qualified import accepted

BUG = {"cause": "software_bug", "reason": "The same fault was found in the release"}
NOT_A_BUG = {"cause": "settings", "reason": "It was the tax settings after all"}


async def clean(shop: Vendor, customer: str) -> None:
    """Nothing is broken, and the statement's sums meet the balance."""
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    shown = await shop.ok(await shop.get(f"/v1/customers/{customer}/statement"))
    parts = {
        name: sum(one["credits"] for one in shown[name])
        for name in ("balance_modifications", "tickets_in_progress", "resolved_tickets")
    }
    total = parts["balance_modifications"] - parts["tickets_in_progress"] - parts["resolved_tickets"]
    assert total == shown["available"] == (await balance(shop, customer))["available"]


async def charged(shop: Vendor, customer: str, **body: Any) -> dict[str, Any]:
    """A resolved ticket that was charged."""
    ticket = await open_ticket(shop, customer, **body)
    if ticket["state"] == "awaiting_assessment":
        await act(shop, ticket, "assessments", {"credits": 25})
    if ticket["state"] == "awaiting_confirmation":
        await act(shop, ticket, "assessments/1/confirmation", {"accept": True})
    return await act(shop, ticket, "resolution", {"outcome": "answered", "cause": "question"})


CHARGED = [
    ("x-cart", ["license"], {"category": "level_2"}, 25, 60, "XC-11"),
    ("avactis", ["license-owned"], {"category": "features"}, 25, 200, "AVA-11"),
    ("cs-cart", ["license", "credits-25"], {"category": "category_2", "pay_with": "credits"}, 10, 65, "CSC-16"),
]
IDS = [one[0] for one in CHARGED]


async def _customer(shop: Vendor, skus: list[str]) -> str:
    who = next_id("c")
    made = await order(shop, who, *skus)
    for one in made["choices"]:
        await shop.ok(await shop.post(f"/v1/customers/{who}/choices/{one['choice_id']}", {"option": "credits"}))
    return who


@pytest.mark.parametrize(("policy", "skus", "body", "price", "had", "clause"), CHARGED, ids=IDS)
async def test_a_bug_found_long_after_the_reopening_window_returns_the_charge(
    vendor: MakeVendor, policy: str, skus: list[str], body: dict[str, Any], price: int, had: int, clause: str
) -> None:
    shop = await vendor(policy)
    who = await _customer(shop, skus)
    ticket = await charged(shop, who, **body)
    assert (ticket["charge"]["net"], (await balance(shop, who))["available"]) == (price, had - price)
    await shop.move_clock("2025-03-20T00:00:00Z")
    assert (await refused(shop, ticket, "reopening"))["code"] == "reopening_window_passed"
    done = await act(shop, ticket, "cause", BUG)
    assert (done["state"], done["cause"]) == ("resolved", "software_bug")
    assert done["charge"] == {"held": 0, "captured": price, "refunded": price, "net": 0}
    correction = done["cause_correction"]
    assert (correction["returned"], correction["forfeited"], correction["captured"]) == (price, 0, 0)
    assert (correction["previous_cause"], correction["cause"], correction["number"]) == ("question", "software_bug", 1)
    assert [(one["code"], one["clause"]) for one in done["reasons"]] == [("software_bug", clause)]
    assert (await balance(shop, who))["available"] == had
    await clean(shop, who)


@pytest.mark.parametrize(("policy", "skus", "body", "price", "had", "clause"), CHARGED, ids=IDS)
async def test_a_cause_corrected_back_and_forth_moves_the_charge_and_never_more(
    vendor: MakeVendor, policy: str, skus: list[str], body: dict[str, Any], price: int, had: int, clause: str
) -> None:
    shop = await vendor(policy)
    who = await _customer(shop, skus)
    ticket = await charged(shop, who, **body)
    for number in (1, 2, 3):
        back = await act(shop, ticket, "cause", BUG)
        assert (back["charge"]["net"], (await balance(shop, who))["available"]) == (0, had)
        again = await act(shop, ticket, "cause", NOT_A_BUG)
        assert (again["charge"]["net"], (await balance(shop, who))["available"]) == (price, had - price)
        assert again["charge"]["captured"] == price * (number + 1)
        assert (again["cause_correction"]["captured"], again["cause_correction"]["not_captured"]) == (price, 0)
        other = await act(shop, ticket, "cause", {"cause": "server", "reason": "It was the server"})
        assert (other["charge"]["net"], other["cause_correction"]["captured"]) == (price, 0)
        await clean(shop, who)
    entries = (await shop.ok(await shop.get(f"/v1/customers/{who}/entries", limit="100")))["data"]
    assert all(one["clause"] for one in entries if one["to"] == "spent")


async def test_the_same_cause_again_changes_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_2")
    same = {"cause": "question", "reason": "Looked at again"}
    assert (await refused(shop, ticket, "cause", same))["code"] == "cause_unchanged"
    await act(shop, ticket, "cause", BUG)
    assert (await refused(shop, ticket, "cause", BUG))["code"] == "cause_unchanged"
    assert len((await ticket_of(shop, ticket))["cause_corrections"]) == 1
    await clean(shop, who)


async def test_a_retry_with_the_same_key_answers_the_same_and_moves_nothing_twice(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_2")
    path = f"/v1/tickets/{ticket['ticket_id']}/cause"
    tried = await shop.ok(await shop.post(f"{path}?validate_only=true", BUG))
    assert tried["cause_correction"]["returned"] == 25
    assert (await balance(shop, who))["available"] == 35, "nothing is written"
    first = await shop.post(path, BUG, key="once")
    again = await shop.post(path, BUG, key="once")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert first.json() == again.json()
    other = await shop.post(path, {**BUG, "reason": "Another"}, key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await shop.post(path, BUG, key=None)).json()["code"] == "idempotency_key_missing"
    assert (await balance(shop, who))["available"] == 60


async def test_what_is_not_there_to_be_taken_again_is_reported_and_never_returned(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_3")
    await act(shop, ticket, "cause", BUG)
    await charged(shop, who, category="medium_modification")
    assert (await balance(shop, who))["available"] == 10
    away = await act(shop, ticket, "cause", NOT_A_BUG)
    correction = away["cause_correction"]
    assert (correction["captured"], correction["not_captured"], away["charge"]["net"]) == (10, 30, 10)
    assert [one["code"] for one in away["reasons"]] == ["charged_again", "not_charged_again"]
    assert away["reasons"][1]["message"] == "30 points of the charge were not there to be charged again."
    back = await act(shop, ticket, "cause", BUG)
    assert (back["cause_correction"]["returned"], back["charge"]["net"]) == (10, 0)
    assert (await balance(shop, who))["available"] == 10
    await order(shop, who, "credits-60")
    whole = await act(shop, ticket, "cause", NOT_A_BUG)
    assert (whole["cause_correction"]["captured"], whole["charge"]["net"]) == (40, 40)
    await clean(shop, who)


async def test_a_bug_found_after_the_points_expired_brings_them_back_for_thirty_days(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_2")
    await shop.move_clock("2027-02-01T00:00:00Z")
    done = await act(shop, ticket, "cause", BUG)
    assert (done["cause_correction"]["returned"], done["cause_correction"]["forfeited"]) == (25, 0)
    shown = await balance(shop, who)
    assert [(one["available"], one["expires_at"], one["clause"]) for one in shown["lots"]] == [
        (25, "2027-03-03T00:00:00Z", "ALL-4")
    ]
    away = await act(shop, ticket, "cause", NOT_A_BUG)
    assert (away["cause_correction"]["captured"], (await balance(shop, who))["available"]) == (25, 0)
    await shop.move_clock("2027-04-01T00:00:00Z")
    last = await act(shop, ticket, "cause", BUG)
    assert last["cause_correction"]["returned"] == 25
    await clean(shop, who)


async def test_ava_15_patching_stays_charged_whatever_the_cause(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    who = await _customer(shop, ["license-owned"])
    ticket = await charged(shop, who, category="patching")
    before = ticket["charge"]
    done = await act(shop, ticket, "cause", BUG)
    assert (done["charge"], done["cause"]) == (before, "software_bug")
    assert [(one["code"], one["clause"]) for one in done["reasons"]] == [("cause_returns_nothing", "AVA-15")]
    assert (await act(shop, ticket, "cause", NOT_A_BUG))["charge"] == before
    await clean(shop, who)


async def test_a_ticket_under_an_unlimited_level_or_free_keeps_costing_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    who = await _customer(shop, ["license-leased"])
    for body in ({"category": "features"}, {"category": "general"}):
        ticket = await open_ticket(shop, who, **body)
        ticket = await act(shop, ticket, "resolution", {"outcome": "answered", "cause": "software_bug"})
        away = await act(shop, ticket, "cause", NOT_A_BUG)
        assert (away["charge"]["net"], away["charge"]["captured"]) == (0, 0)
        assert (away["cause_correction"]["captured"], away["cause_correction"]["not_captured"]) == (0, 0)
        assert (await act(shop, ticket, "cause", BUG))["charge"]["net"] == 0
    assert (await balance(shop, who))["available"] == 50
    await clean(shop, who)


@pytest.mark.parametrize("policy", ["cactushop", "shopp"])
async def test_where_a_bug_returns_nothing_the_cause_is_recorded_and_nothing_moves(
    vendor: MakeVendor, policy: str
) -> None:
    shop = await vendor(policy, **({"now": "2025-03-03T15:00:00Z"} if policy == "shopp" else {}))
    if policy == "shopp":
        who, ticket = await accepted(shop)
        ticket = await act(shop, ticket, "resolution", {"outcome": "answered"})
    else:
        who = next_id("c")
        bought = await order(shop, who, "license-standard")
        ticket = await open_ticket(shop, who, license_id=bought["licenses"][0]["license_id"])
        ticket = await act(shop, ticket, "resolution", {"outcome": "answered"})
    done = await act(shop, ticket, "cause", BUG)
    assert (done["charge"], done["cause"]) == (ticket["charge"], "software_bug")
    assert done["cause_corrections"][0]["previous_cause"] is None
    await clean(shop, who)


async def test_a_ticket_that_is_not_resolved_has_no_cause_to_correct(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    opened = await open_ticket(shop, who, category="level_1")
    assert (await refused(shop, opened, "cause", BUG))["code"] == "ticket_not_resolved"
    await act(shop, opened, "withdrawal")
    answer = await refused(shop, opened, "cause", BUG)
    assert (answer["code"], answer["facts"]["state"]) == ("ticket_not_resolved", "withdrawn")
    other = await vendor("cs-cart")
    rejected = await open_ticket(other, "nobody", category="category_1")
    assert rejected["state"] == "rejected"
    assert (await refused(other, rejected, "cause", BUG))["code"] == "ticket_not_resolved"
    assert (await act(shop, "no-such-ticket", "cause", BUG, status=404))["code"] == "ticket_not_found"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"cause": "sunspots", "reason": "x"}, "unknown_cause"),
        ({"cause": "settings"}, "invalid_input"),
        ({"cause": "settings", "reason": ""}, "invalid_input"),
        ({"reason": "x"}, "invalid_input"),
        ({"cause": 7, "reason": "x"}, "invalid_input"),
        ({"cause": "settings", "reason": "x", "credits": 5}, "invalid_input"),
    ],
)
async def test_wrong_input_is_refused_and_nothing_moves(vendor: MakeVendor, body: dict[str, Any], code: str) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_2")
    assert (await refused(shop, ticket, "cause", body, status=422))["code"] == code
    assert (await ticket_of(shop, ticket))["version"] == ticket["version"]


async def test_a_key_without_the_scope_is_told_who_may(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_2")
    others = await shop.as_key(*(one for one in SCOPES if one not in ("*", "credits:refund")))
    path = f"/v1/tickets/{ticket['ticket_id']}"
    answer = await others.post(f"{path}/cause", json=BUG, headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (
        403,
        "cause_scope_missing",
        "credits:refund",
    )
    assert "credits:refund" in answer.json()["next_step"]
    await act(shop, ticket, "disputes", {"reason": "a bug"})
    decided = {"decision": "returned", "cause": "software_bug"}
    answer = await others.post(f"{path}/disputes/1/decision", json=decided, headers={"Idempotency-Key": "k-2"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cause_scope_missing")
    without = await others.post(
        f"{path}/disputes/1/decision", json={"decision": "upheld"}, headers={"Idempotency-Key": "k-3"}
    )
    assert without.status_code == 200, "a decision without a cause needs no more than before"
    may = await shop.as_key("credits:refund")
    answer = await may.post(f"{path}/cause", json=BUG, headers={"Idempotency-Key": "k-4"})
    assert (answer.status_code, answer.json()["charge"]["net"]) == (200, 0)


@pytest.mark.parametrize(
    ("policy", "skus", "clause"),
    [
        ("x-cart", ["license"], "XC-14"),
        ("avactis", ["license-owned"], "AVA-1"),
        ("cs-cart", ["license", "credits-25"], "CSC-7"),
    ],
)
async def test_credits_used_for_anything_else_cite_the_clause_by_which_credits_pay(
    vendor: MakeVendor, policy: str, skus: list[str], clause: str
) -> None:
    shop = await vendor(policy)
    who = await _customer(shop, skus)
    path = f"/v1/customers/{who}"
    held = await shop.ok(await shop.post(f"{path}/holds", {"credits": 5}))
    await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/capture", {"credits": 3, "final": True}))
    await shop.ok(await shop.post(f"{path}/debits", {"credits": 2}))
    entries = (await shop.ok(await shop.get(f"{path}/entries", limit="100")))["data"]
    taken = [one for one in entries if one["to"] in ("spent", "held")]
    assert len(taken) == 3
    assert {one["clause"] for one in taken} == {clause}


# --- disputes ---------------------------------------------------------------------------------------------------------


async def _disputed(shop: Vendor, who: str) -> dict[str, Any]:
    ticket = await charged(shop, who, category="level_2")
    await act(shop, ticket, "disputes", {"reason": "this was your bug"})
    return ticket


async def test_a_dispute_returned_over_expired_points_says_that_they_are_gone(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await _disputed(shop, who)
    await shop.move_clock("2027-02-01T00:00:00Z")
    done = await act(shop, ticket, "disputes/1/decision", {"decision": "returned"})
    dispute = done["dispute"]
    assert (dispute["returned"], dispute["forfeited"], done["charge"]["refunded"]) == (0, 25, 25)
    assert [(one["code"], one["clause"], one["reading"]) for one in dispute["reasons"]] == [
        ("credits_forfeited", "ALL-4", True)
    ]
    assert dispute["reasons"][0]["message"] == (
        "25 points went back to a lot that had ended and are gone. Nothing can be used again."
    )
    assert [one["code"] for one in (await ticket_of(shop, ticket))["reasons"]] == ["credits_forfeited"]
    assert (await balance(shop, who))["available"] == 0
    events = (await shop.ok(await shop.get("/v1/events", limit="100")))["data"]
    told = next(one for one in events if one["type"] == "ticket.dispute_decided")["data"]
    assert (told["returned"], told["forfeited"], told["reasons"][0]["clause"]) == (0, 25, "ALL-4")
    moved = [one["data"] for one in events if one["type"] == "credits.refunded"]
    assert [(one["credits"], one["forfeited"]) for one in moved] == [(25, 25)]
    shown = await shop.ok(await shop.get(f"/v1/customers/{who}/statement"))
    row = next(one for one in shown["resolved_tickets"] if one["ticket_id"] == ticket["ticket_id"])
    assert (row["captured"], row["refunded"], row["forfeited"]) == (25, 25, 25)
    gone = [one for one in shown["balance_modifications"] if one["clause"] == "ALL-4"]
    assert [one["credits"] for one in gone] == [-25]
    found = await ask(
        shop,
        "query($id: ID!) { ticket(ticketId: $id) { disputes { returned forfeited reasons { code clause } } } }",
        id=ticket["ticket_id"],
    )
    assert found["ticket"]["disputes"] == [
        {"returned": 0, "forfeited": 25, "reasons": [{"code": "credits_forfeited", "clause": "ALL-4"}]}
    ]
    await clean(shop, who)


async def test_a_dispute_decided_with_a_bug_as_its_cause_keeps_expired_points_for_thirty_days(
    vendor: MakeVendor,
) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await _disputed(shop, who)
    await shop.move_clock("2027-02-01T00:00:00Z")
    for decision in ({"decision": "upheld"}, {"decision": "reduced", "credits": 5}):
        body = {**decision, "cause": "software_bug"}
        answer = await refused(shop, ticket, "disputes/1/decision", body, status=422)
        assert answer["code"] == "cause_returns_all"
    unknown = {"decision": "returned", "cause": "sunspots"}
    assert (await refused(shop, ticket, "disputes/1/decision", unknown, status=422))["code"] == "unknown_cause"
    body = {"decision": "returned", "cause": "software_bug"}
    done = await act(shop, ticket, "disputes/1/decision", body)
    assert (done["dispute"]["returned"], done["dispute"]["forfeited"], done["cause"]) == (25, 0, "software_bug")
    assert [(one["code"], one["clause"]) for one in done["dispute"]["reasons"]] == [("software_bug", "XC-11")]
    assert (await balance(shop, who))["lots"][0]["expires_at"] == "2027-03-03T00:00:00Z"
    away = await act(shop, ticket, "cause", NOT_A_BUG)
    assert (away["cause_correction"]["captured"], away["charge"]["net"]) == (25, 25)
    await clean(shop, who)


async def test_what_a_dispute_reduced_is_not_taken_again_when_the_cause_is_corrected(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await _disputed(shop, who)
    reduced = {"decision": "reduced", "credits": 10, "cause": "server"}
    done = await act(shop, ticket, "disputes/1/decision", reduced)
    assert (done["dispute"]["returned"], done["dispute"]["cause"], done["cause"]) == (15, "server", "server")
    back = await act(shop, ticket, "cause", BUG)
    assert (back["cause_correction"]["returned"], back["charge"]["net"]) == (10, 0)
    away = await act(shop, ticket, "cause", NOT_A_BUG)
    assert (away["cause_correction"]["captured"], away["charge"]["net"]) == (10, 10)
    second = await _disputed(shop, who)
    await act(shop, second, "disputes/1/decision", {"decision": "returned"})
    assert (await act(shop, second, "cause", BUG))["cause_correction"]["returned"] == 0
    assert (await act(shop, second, "cause", NOT_A_BUG))["cause_correction"]["captured"] == 0
    assert (await balance(shop, who))["available"] == 50
    await clean(shop, who)


async def test_a_ticket_withdrawn_while_its_points_expired_says_that_they_are_gone(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await open_ticket(shop, who, category="level_3")
    await shop.move_clock("2027-02-01T00:00:00Z")
    done = await act(shop, ticket, "withdrawal")
    assert [(one["code"], one["clause"]) for one in done["reasons"]] == [("credits_forfeited", "ALL-4")]
    assert done["reasons"][0]["facts"] == {"forfeited": 40, "returned": 0}
    events = (await shop.ok(await shop.get("/v1/events", limit="100")))["data"]
    told = next(one for one in events if one["type"] == "ticket.withdrawn")["data"]
    assert (told["forfeited"], told["reasons"][0]["code"]) == (40, "credits_forfeited")
    await clean(shop, who)


async def test_credits_of_an_order_that_was_refunded_meanwhile_do_not_come_back(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = next_id("c")
    bought = await order(shop, who, "credits-60")
    ticket = await charged(shop, who, category="level_2")
    disputed = await _disputed(shop, who)
    refund = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "a wrong card"}
    await shop.ok(await shop.post(f"/v1/orders/{bought['order_id']}/refunds", refund))
    assert (await balance(shop, who))["available"] == 0
    done = await act(shop, ticket, "cause", BUG)
    correction = done["cause_correction"]
    assert (correction["returned"], correction["forfeited"], done["charge"]["net"]) == (0, 25, 0)
    assert "an order that was refunded" in done["reasons"][-1]["message"]
    away = await act(shop, ticket, "cause", NOT_A_BUG)
    assert (away["cause_correction"]["captured"], away["cause_correction"]["not_captured"]) == (0, 25)
    assert (await refused(shop, disputed, "cause", BUG))["code"] == "dispute_open"
    decided = await act(shop, disputed, "disputes/1/decision", {"decision": "returned", "cause": "software_bug"})
    assert (decided["dispute"]["returned"], decided["dispute"]["forfeited"]) == (0, 25)
    assert (await balance(shop, who))["available"] == 0
    await clean(shop, who)
    for kind in ("ticket", "charge"):
        told = await shop.ok(await shop.get(f"/v1/explain/{kind}/{ticket['ticket_id']}"))
        assert "taken back at once, since the order was refunded" in str(told["trace"])


# --- what else meets --------------------------------------------------------------------------------------------------


async def test_a_reopened_ticket_starts_anew_with_what_its_cause_returned(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_2")
    await act(shop, ticket, "cause", BUG)
    await act(shop, ticket, "reopening")
    await act(shop, ticket, "resolution", {"outcome": "answered", "cause": "settings"})
    other = await act(shop, ticket, "cause", {"cause": "server", "reason": "It was the server"})
    assert (other["charge"]["net"], other["cause_correction"]["captured"]) == (0, 0)
    assert (await act(shop, ticket, "cause", BUG))["cause_correction"]["returned"] == 0
    assert (await act(shop, ticket, "cause", NOT_A_BUG))["cause_correction"]["captured"] == 0
    assert (await balance(shop, who))["available"] == 60


async def test_a_cause_corrected_after_a_merge_returns_to_the_account_that_took_over(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who, heir = await _customer(shop, ["license"]), next_id("c")
    await order(shop, heir, "credits-60")
    ticket = await charged(shop, who, category="level_2")
    await shop.ok(await shop.post(f"/v1/customers/{who}/merge", {"into_customer_id": heir}))
    done = await act(shop, ticket, "cause", BUG)
    assert (done["cause_correction"]["returned"], done["charge"]["net"]) == (25, 0)
    assert (await balance(shop, heir))["available"] == 120
    away = await act(shop, ticket, "cause", NOT_A_BUG)
    assert (away["cause_correction"]["captured"], away["charge"]["net"]) == (25, 25)
    assert (await act(shop, ticket, "cause", BUG))["charge"]["net"] == 0
    assert (await balance(shop, heir))["available"] == 120
    await clean(shop, heir)


async def test_a_ticket_shows_its_cause_as_it_stood(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_2")
    await shop.move_clock("2025-03-20T00:00:00Z")
    await act(shop, ticket, "cause", BUG)
    then = await ticket_of(shop, ticket, as_of="2025-03-19T00:00:00Z")
    assert (then["cause"], then["charge"]["net"], then["cause_corrections"]) == ("question", 25, [])
    now = await ticket_of(shop, ticket, as_of="2025-03-20T00:00:00Z")
    assert (now["cause"], now["charge"]["net"], len(now["cause_corrections"])) == ("software_bug", 0, 1)
    trail = (await shop.ok(await shop.get("/v1/events", limit="100")))["data"]
    told = [one["data"] for one in trail if one["type"] == "ticket.cause_corrected"]
    assert [(one["cause"], one["previous_cause"], one["returned"], one["charge"]["net"]) for one in told] == [
        ("software_bug", "question", 25, 0)
    ]


async def test_graphql_corrects_a_cause_alike(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    who = await _customer(shop, ["license"])
    ticket = await charged(shop, who, category="level_2")
    fields = "cause charge { net } causeCorrection { number returned forfeited captured previousCause }"
    given = {"ticketId": ticket["ticket_id"], **BUG}
    done = await do(shop, "correctCause", fields, kind="Ticket", idempotencyKey="g-1", **given)
    assert (done["cause"], done["charge"], done["causeCorrection"]) == (
        "software_bug",
        {"net": 0},
        {"number": 1, "returned": 25, "forfeited": 0, "captured": 0, "previousCause": "question"},
    )
    again = await do(shop, "correctCause", fields, kind="Ticket", idempotencyKey="g-2", **given)
    assert (again["__typename"], again["code"]) == ("Refusal", "cause_unchanged")


# --- first response ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "late"), [("x-cart", False), ("x-cart", True)])
async def test_resolving_without_a_separate_response_is_the_first_response(
    vendor: MakeVendor, policy: str, late: bool
) -> None:
    shop = await vendor(policy, now="2025-01-07T15:00:00Z")
    who = await _customer(shop, ["license"])
    ticket = await open_ticket(shop, who, category="level_0")
    await shop.move_clock("2025-01-08T16:00:00Z" if late else "2025-01-08T14:00:00Z")
    done = await act(shop, ticket, "resolution", {"outcome": "answered"})
    first = next(one for one in done["clocks"] if one["milestone"] == "first_response")
    assert (first["phase"], first["outcome"]) == ("stopped", "breached" if late else "met")
    assert first["stopped_at"] == done["resolved_at"]
