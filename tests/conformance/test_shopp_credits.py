"""Shopp: typed credits, what they serve, when they end and what comes back (SHOPP-14 to 25)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from tests.conformance.steps import (
    a_ticket,
    act,
    an_order,
    applied,
    balance,
    clock,
    codes,
    entitled,
    entries,
    ids,
    problem,
    reason,
    refused,
    sidebar,
    the_ticket,
)
from tests.conformance.test_shopp import FACTS, INQUIRY, MONDAY, POLICY, SERVICE, a_desk, a_key, accepted

SIX = ["installation", "diagnosis", "fixing", "patching", "best_practices", "learning"]
INSTALLATIONS = ["plugin_installation", "addon_installation", "wordpress_installation"]
EXCLUSIONS = [
    "upgrade_would_resolve",
    "modified_use",
    "third_party_interaction",
    "incompatible_environment",
    "network_issue",
    "project_assistance",
    "outside_delivery",
]
BOUGHT = "2025-01-01T00:00:00Z"
PRICE = {"sku": "credit-priority", "unit_price": "181.00"}
"""The term from 1 January is 181 days, so a day is worth 1.00 and a cent is 864 seconds."""


def _later(start: str, **by: int) -> str:
    at = datetime.fromisoformat(start) + timedelta(**by)
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def _quote(shop: Any, lot_id: str) -> Any:
    return await shop.ok(await shop.get(f"/v1/lots/{lot_id}/refund-quote"), 200)


async def _bought(shop: Any, customer: str, at: str, *lines: Any, order_id: str | None = None) -> tuple[str, str]:
    """(support key, lot) of a customer who bought both at once."""
    order = await an_order(shop, order_id or f"o-{customer}", customer, at, "license", *(lines or (PRICE,)))
    license_id = order["licenses"][0]["license_id"]
    await shop.ok(await shop.post(f"/v1/licenses/{license_id}/registration", {"domain": "shop.example.com"}))
    return license_id, order["lots"][0]["lot_id"]


# --- SHOPP-14 to 16: whose credit, how it is applied, what it serves --------------------------------------------------


async def test_shopp_14_the_credit_must_be_bought_by_the_account_that_bought_the_product(vendor: Any) -> None:
    """An account with a credit and no product, or naming another's key, is purchase_not_verifiable."""
    shop = await vendor(POLICY, now=MONDAY)
    theirs = await a_key(shop, "anna", MONDAY)
    order = await an_order(shop, "o-bea", "bea", MONDAY, "credit-priority")
    assert len(order["lots"]) == 1, "the credit is granted, the money has been paid"
    for number, more in enumerate(({}, {"license_id": theirs})):
        ticket = await applied(shop, f"T-{number}", "bea", "priority", FACTS, **more)
        assert ticket["state"] == "rejected"
        assert set(codes(ticket)) == {"purchase_not_verifiable"}
        assert reason(ticket, "purchase_not_verifiable")["clause"] == "SHOPP-14"
        assert ticket["charge"]["held"] == 0
    asked = await entitled(shop, "bea", "open_ticket")
    assert (asked["allowed"], codes(asked)) == (False, ["purchase_not_verifiable"])
    own = await a_key(shop, "carl", MONDAY)
    foreign = await applied(shop, "T-9", "carl", "priority", FACTS, license_id=theirs)
    assert (foreign["state"], codes(foreign)) == ("rejected", ["purchase_not_verifiable"])
    mine = await applied(shop, "T-10", "carl", "priority", FACTS, license_id=own)
    assert mine["state"] == "awaiting_qualification"


async def test_shopp_15_a_credit_is_applied_to_a_new_ticket(vendor: Any) -> None:
    """A credit named when the ticket is opened is held at once."""
    shop, ticket = await a_desk(vendor)
    assert (ticket["credit_type"], ticket["charge"]["held"]) == ("priority", 1)
    view = await balance(shop, "anna")
    assert (view["available"], view["held"]) == (0, 1)
    assert (view["by_type"]["priority"]["available"], view["by_type"]["priority"]["held"]) == (0, 1)


@pytest.mark.parametrize("response", [{}, {"author": "customer", "kind": "inquiry", "public": True}, None])
async def test_shopp_15_or_with_a_new_response_on_an_open_one(vendor: Any, response: Any) -> None:
    """A ticket opened without a credit waits for one; applying it starts the first response's clock."""
    shop = await vendor(POLICY, now=MONDAY)
    license_id = await a_key(shop, "anna", MONDAY, "credit-priority", "credit-hosting-certification")
    ticket = await a_ticket(shop, "T-1", "anna", facts=FACTS, license_id=license_id)
    assert ticket["state"] in {"needs_facts", "awaiting_credits"}
    assert (ticket["charge"]["held"], ticket["clocks"]) == (0, [])
    await refused(shop, "/v1/tickets/T-1/qualification", "credit_required", decision="accept")
    await shop.move_clock("2025-03-05T15:00:00Z")
    path = "/v1/tickets/T-1/credits"
    wrong = await refused(shop, path, "wrong_credit_type", credit_type="hosting_certification")
    assert reason(wrong, "wrong_credit_type")["clause"] == "SHOPP-16"
    body = {"credit_type": "priority", **({} if response is None else {"response": response})}
    done = await act(shop, "T-1", "credits", **body)
    assert (done["state"], done["charge"]["held"]) == ("awaiting_qualification", 1)
    assert clock(done, "first_response")["due_at"] == "2025-03-06T22:00:00Z"
    assert len((await the_ticket(shop, "T-1"))["responses"]) == (response is not None)


async def test_shopp_15_without_a_credit_to_apply_the_offers_are_named(vendor: Any) -> None:
    """Too few credits: the opening is recorded with the offers, applying is refused; a purchase mends both."""
    shop = await vendor(POLICY, now=MONDAY)
    await a_key(shop, "anna", MONDAY, "credit-escalated")
    ticket = await applied(shop, "T-1", "anna", "priority", FACTS)
    assert ticket["state"] == "awaiting_credits"
    assert "credit-priority" in {one.get("sku") for one in ticket["remedies"]}
    await a_ticket(shop, "T-2", "anna", facts=FACTS)
    short = await refused(shop, "/v1/tickets/T-2/credits", "insufficient_credits", credit_type="priority")
    assert "credit-priority" in {one.get("sku") for one in short["remedies"]}
    await an_order(shop, "o-2", "anna", MONDAY, "credit-priority")
    again = await act(shop, "T-2", "credits", credit_type="priority")
    assert again["charge"]["held"] == 1


@pytest.mark.parametrize("kind", SIX)
@pytest.mark.parametrize("credit", ["priority", "escalated"])
async def test_shopp_16_priority_and_escalated_serve_the_six_kinds(vendor: Any, credit: str, kind: str) -> None:
    """The six listed kinds; Escalated says that the core team serves it."""
    shop = await vendor(POLICY, now=MONDAY)
    await a_key(shop, "anna", MONDAY, f"credit-{credit}")
    ticket = await applied(shop, "T-1", "anna", credit, {**FACTS, "request_kind": kind})
    assert ticket["state"] == "awaiting_qualification"
    assert ("core" in str(ticket["service"]).lower()) is (credit == "escalated")


@pytest.mark.parametrize(
    ("credit", "kind"),
    [("priority", one) for one in (*INSTALLATIONS, "hosting_certification")]
    + [(one, "diagnosis") for one in (*INSTALLATIONS, "hosting_certification")]
    + [("plugin_installation", "wordpress_installation"), ("escalated", "addon_installation")],
)
async def test_shopp_16_the_wrong_type_is_refused(vendor: Any, credit: str, kind: str) -> None:
    """A credit serves its own kind of request only; the wrong one is not held."""
    shop = await vendor(POLICY, now=MONDAY)
    await a_key(shop, "anna", MONDAY, f"credit-{credit.replace('_', '-')}")
    facts = {**FACTS, "request_kind": kind, "working_wordpress": True, "working_shopp": True}
    ticket = await applied(shop, "T-1", "anna", credit, facts)
    assert ticket["state"] == "rejected"
    assert reason(ticket, "wrong_credit_type")["clause"] == "SHOPP-16"
    assert (await balance(shop, "anna"))["available"] == 1


@pytest.mark.parametrize("credit", INSTALLATIONS)
async def test_shopp_16_all_three_installations_include_certification(vendor: Any, credit: str) -> None:
    """Certification is included; hosting not yet certified rejects nothing, being the first step."""
    shop = await vendor(POLICY, now=MONDAY)
    addon = {"sku": "addon", "attributes": {"addon": "Gift Cards"}}
    await an_order(shop, "o-1", "anna", MONDAY, "license", f"credit-{credit.replace('_', '-')}", addon)
    facts = {**FACTS, "request_kind": credit, "working_wordpress": True, "working_shopp": True, "addon": "Gift Cards"}
    ticket = await applied(shop, "T-1", "anna", credit, facts)
    assert ticket["state"] != "rejected", ticket["reasons"]
    assert "certification" in str(ticket["service"]["includes"]).lower()
    decided = await act(shop, "T-1", "qualification", decision="accept", note="Registered with the installation.")
    done = await act(shop, "T-1", "resolution", outcome="answered", result={"hosting_certified": True})
    assert (decided["state"], done["state"]) == ("in_progress", "resolved")


@pytest.mark.parametrize(
    ("credit", "missing"),
    [
        ("plugin_installation", ["working_wordpress"]),
        ("addon_installation", ["addon", "working_shopp", "working_wordpress"]),
        ("wordpress_installation", []),
    ],
)
async def test_shopp_16_what_is_missing_is_named_one_by_one(vendor: Any, credit: str, missing: list[str]) -> None:
    """requirement_missing names each thing that the service requires and that is not there."""
    shop = await vendor(POLICY, now=MONDAY)
    await a_key(shop, "anna", MONDAY, f"credit-{credit.replace('_', '-')}")
    facts = {**FACTS, "request_kind": credit, "working_wordpress": False, "working_shopp": False}
    ticket = await applied(shop, "T-1", "anna", credit, facts)
    found = [one for one in ticket["reasons"] if one["code"] == "requirement_missing"]
    assert sorted(one["facts"]["requirement"] for one in found) == missing
    assert {one["clause"] for one in found} <= {"SHOPP-16"}
    assert (ticket["state"] == "rejected") is bool(missing)
    no_key = await an_order(shop, "o-b", "bea", MONDAY, f"credit-{credit.replace('_', '-')}")
    assert no_key["lots"]
    refused_ = await applied(shop, "T-2", "bea", credit, facts)
    named = {one["facts"].get("requirement") for one in refused_["reasons"]}
    assert (refused_["state"], "support_key" in named) == ("rejected", True)


async def test_shopp_16_the_addon_must_be_bought_by_the_same_account(vendor: Any) -> None:
    """Another's purchase, or of another add-on, does not count; after the own purchase it does."""
    shop = await vendor(POLICY, now=MONDAY)
    await a_key(shop, "anna", MONDAY, "credit-addon-installation")
    await an_order(shop, "o-b", "bea", MONDAY, {"sku": "addon", "attributes": {"addon": "Gift Cards"}})
    await an_order(shop, "o-a", "anna", MONDAY, {"sku": "addon", "attributes": {"addon": "Wishlist"}})
    facts = {
        **FACTS,
        "request_kind": "addon_installation",
        "working_wordpress": True,
        "working_shopp": True,
        "addon": "Gift Cards",
    }
    ticket = await applied(shop, "T-1", "anna", "addon_installation", facts)
    assert (ticket["state"], codes(ticket)) == ("rejected", ["requirement_missing"])
    assert ticket["reasons"][0]["facts"]["requirement"] == "addon"
    order = await an_order(shop, "o-c", "anna", MONDAY, {"sku": "addon", "attributes": {"addon": "Gift Cards"}})
    assert order["not_granted"] == []
    assert (await applied(shop, "T-2", "anna", "addon_installation", facts))["state"] == "awaiting_qualification"


@pytest.mark.parametrize("credit", ["plugin_installation", "wordpress_installation"])
async def test_shopp_16_a_recorded_failure_to_certify_rejects(vendor: Any, credit: str) -> None:
    """A failed certification rejects what requires certified hosting; a later success lifts it."""
    shop = await vendor(POLICY, now=MONDAY)
    sku = f"credit-{credit.replace('_', '-')}"
    await a_key(shop, "anna", MONDAY, sku, "credit-hosting-certification", "credit-hosting-certification")
    audit = {**FACTS, "request_kind": "hosting_certification"}
    facts = {**FACTS, "request_kind": credit, "working_wordpress": True}
    for number, certified in enumerate((False, True)):
        await applied(shop, f"A-{number}", "anna", "hosting_certification", audit)
        await act(shop, f"A-{number}", "qualification", decision="accept")
        result = {"hosting_certified": certified}
        await act(shop, f"A-{number}", "resolution", outcome="answered", result=result)
        ticket = await applied(shop, f"T-{number}", "anna", credit, facts)
        if certified:
            assert ticket["state"] == "awaiting_qualification"
        else:
            assert (ticket["state"], codes(ticket)) == ("rejected", ["requirement_missing"])
            assert ticket["reasons"][0]["facts"]["requirement"] == "hosting_certified"
            assert ticket["reasons"][0]["reading"] is True


# --- SHOPP-17 and 18: exclusions and the term -------------------------------------------------------------------------


@pytest.mark.parametrize("exclusion", EXCLUSIONS)
async def test_shopp_17_an_exclusion_known_at_qualification_releases_the_credit(vendor: Any, exclusion: str) -> None:
    """Seven exclusions: rejected, the credit back."""
    assert len(set(EXCLUSIONS)) == 7
    shop, _ = await a_desk(vendor)
    denied = await act(shop, "T-1", "qualification", decision="reject", reasons=[exclusion])
    assert denied["state"] == "rejected"
    why = reason(denied, exclusion)
    assert (why["clause"], why["reading"]) == ("SHOPP-17", True)
    assert (await balance(shop, "anna"))["available"] == 1


@pytest.mark.parametrize("exclusion", EXCLUSIONS)
async def test_shopp_17_found_after_acceptance_it_is_resolved_and_the_credit_captured(
    vendor: Any, exclusion: str
) -> None:
    """Found after acceptance: resolved, not rejected, and the credit is taken."""
    shop, _ = await accepted(vendor)
    late = await act(shop, "T-1", "qualification", decision="reject", reasons=[exclusion])
    assert late["state"] == "resolved"
    assert reason(late, exclusion)["clause"] == "SHOPP-17"
    assert (late["charge"]["captured"], late["charge"]["net"]) == (1, 1)
    view = await balance(shop, "anna")
    assert (view["available"], view["held"]) == (0, 0)
    assert {one["phase"] for one in late["clocks"]} == {"stopped"}


@pytest.mark.parametrize(
    ("bought_at", "ends_at"),
    [
        ("2025-08-31T12:00:00Z", "2026-02-28T12:00:00Z"),
        ("2023-08-31T12:00:00Z", "2024-02-29T12:00:00Z"),
        ("2025-01-01T00:00:00Z", "2025-07-01T00:00:00Z"),
    ],
)
async def test_shopp_18_a_credit_expires_six_months_from_purchase(vendor: Any, bought_at: str, ends_at: str) -> None:
    """Six calendar months from the purchase; the last second still counts, the end does not."""
    shop = await vendor(POLICY, now=bought_at)
    order = await an_order(shop, "o-1", "anna", bought_at, "license", "credit-priority")
    assert order["lots"][0]["expires_at"] == ends_at
    await shop.move_clock(_later(ends_at, seconds=-1))
    assert (await balance(shop, "anna"))["available"] == 1
    await shop.move_clock(ends_at)
    assert (await balance(shop, "anna"))["available"] == 0
    statement = await shop.ok(await shop.get("/v1/customers/anna/statement"), 200)
    assert [one["credits"] for one in statement["balance_modifications"]] == [1, -1]
    late = await applied(shop, "T-1", "anna", "priority", FACTS)
    assert (late["state"], late["charge"]["held"]) == ("awaiting_credits", 0)


@pytest.mark.parametrize("facts", [FACTS, {}])
async def test_shopp_18_an_applied_but_unaccepted_credit_is_void_at_six_months(vendor: Any, facts: Any) -> None:
    """Applied and undecided: at six months the credit is void and its ticket rejected credit_expired."""
    shop = await vendor(POLICY, now=BOUGHT)
    await _bought(shop, "anna", BOUGHT)
    await shop.move_clock("2025-06-30T23:59:59Z")
    ticket = await applied(shop, "T-1", "anna", "priority", facts)
    assert ticket["charge"]["held"] == 1
    await shop.move_clock("2025-07-01T00:00:00Z")
    ended = await the_ticket(shop, "T-1")
    assert ended["state"] == "rejected"
    why = reason(ended, "credit_expired")
    assert (why["clause"], why["reading"]) == ("SHOPP-18", True)
    view = await balance(shop, "anna")
    assert (view["available"], view["held"]) == (0, 0)
    assert (await shop.post("/v1/tickets/T-1/qualification", {"decision": "accept"})).status_code == 409
    assert (await shop.ok(await shop.get("/v1/audit"), 200))["data"] == []


async def test_shopp_18_an_accepted_one_is_served_to_the_end_and_usable_nowhere_else(vendor: Any) -> None:
    """Accepted in time: served after the six months; not refundable, not to be held again, captured at the end."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT)
    await shop.move_clock("2025-06-30T23:59:59Z")
    await applied(shop, "T-1", "anna", "priority", FACTS)
    await act(shop, "T-1", "qualification", decision="accept")
    for instant in ("2025-06-30T23:59:59Z", "2025-07-01T00:00:00Z", "2025-08-01T00:00:00Z"):
        await shop.move_clock(instant)
        assert (await _quote(shop, lot))["basis"] == "none", instant
        assert (await shop.post(f"/v1/lots/{lot}/refund", {})).status_code == 409
        other = await applied(shop, f"T-{instant}", "anna", "priority", FACTS)
        assert other["state"] == "awaiting_credits"
    await act(shop, "T-1", "responses", **SERVICE)
    done = await act(shop, "T-1", "resolution", outcome="answered")
    assert (done["state"], done["charge"]["captured"]) == ("resolved", 1)
    assert (await shop.ok(await shop.get("/v1/audit"), 200))["data"] == []


# --- SHOPP-19 to 22: money back ---------------------------------------------------------------------------------------


async def test_shopp_19_unused_credit_is_refunded_in_full_within_60_days(vendor: Any) -> None:
    """Up to and including 60 times 24 hours the price paid, a second later less."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT)
    for instant in (BOUGHT, _later(BOUGHT, days=60)):
        await shop.move_clock(instant)
        quote = await _quote(shop, lot)
        assert (quote["lot_id"], quote["credits"], quote["basis"]) == (lot, 1, "full")
        assert quote["refund"] == {"amount": "181.00", "currency": "USD"}
        assert quote["decision"]["allowed"] is True
        assert reason(quote["decision"], "refund_in_full")["clause"] == "SHOPP-19"
    tried = await shop.ok(await shop.post(f"/v1/lots/{lot}/refund?validate_only=true", {}))
    assert tried["refund"]["amount"] == "181.00"
    assert (await balance(shop, "anna"))["available"] == 1
    done = await shop.ok(await shop.post(f"/v1/lots/{lot}/refund", {"reason": "Never needed it."}))
    assert (done["credits"], done["basis"], done["refund"]["amount"]) == (1, "full", "181.00")
    assert (await balance(shop, "anna"))["available"] == 0
    again = await shop.post(f"/v1/lots/{lot}/refund", {})
    assert again.status_code == 409
    assert (await _quote(shop, lot))["basis"] == "none"


@pytest.mark.parametrize(
    "after",
    [
        timedelta(days=60, seconds=1),
        timedelta(days=81) - timedelta(seconds=432),
        timedelta(days=100),
        timedelta(days=181) - timedelta(seconds=432),
        timedelta(days=181) - timedelta(seconds=431),
    ],
)
async def test_shopp_19_then_the_price_times_remaining_over_whole_term(vendor: Any, after: timedelta) -> None:
    """In seconds, half a cent rounds up: 864 seconds are a cent here, 432 half of one."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT)
    await shop.move_clock(_later(BOUGHT, seconds=int(after.total_seconds())))
    left = Decimal(int((timedelta(days=181) - after).total_seconds()))
    worth = (left / Decimal(86400)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    quote = await _quote(shop, lot)
    assert (quote["basis"], quote["credits"]) == ("partial", 1)
    assert quote["refund"] == {"amount": str(worth), "currency": "USD"}
    done = await shop.ok(await shop.post(f"/v1/lots/{lot}/refund", {}))
    assert (done["refund"]["amount"], done["basis"]) == (str(worth), "partial")


async def test_shopp_19_half_a_cent_rounds_up(vendor: Any) -> None:
    """100 days and 432 seconds are worth 100.005, so 100.01."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT)
    await shop.move_clock(_later(BOUGHT, days=80, seconds=86400 - 432))
    assert (await _quote(shop, lot))["refund"]["amount"] == "100.01"


async def test_shopp_19_then_expired(vendor: Any) -> None:
    """From the expiry on nothing comes back: expired."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT)
    await shop.move_clock("2025-06-30T23:59:59Z")
    assert (await _quote(shop, lot))["basis"] == "partial"
    await shop.move_clock("2025-07-01T00:00:00Z")
    quote = await _quote(shop, lot)
    assert (quote["basis"], quote["refund"]["amount"], quote["decision"]["allowed"]) == ("none", "0.00", False)
    why = reason(quote["decision"], "expired")
    assert (why["clause"], why["reading"]) == ("SHOPP-19", True)
    await refused(shop, f"/v1/lots/{lot}/refund", "expired")


async def test_shopp_19_applied_and_undecided_it_is_in_use(vendor: Any) -> None:
    """credit_in_use while a ticket holds it undecided; after a denial it can be refunded again."""
    shop = await vendor(POLICY, now=BOUGHT)
    license_id, lot = await _bought(shop, "anna", BOUGHT)
    await applied(shop, "T-1", "anna", "priority", FACTS, license_id=license_id)
    quote = await _quote(shop, lot)
    assert (quote["basis"], codes(quote["decision"])) == ("none", ["credit_in_use"])
    body = await refused(shop, f"/v1/lots/{lot}/refund", "credit_in_use")
    assert reason(body, "credit_in_use")["clause"] == "SHOPP-19"
    await act(shop, "T-1", "qualification", decision="reject", reasons=["abusive_conduct"])
    assert (await _quote(shop, lot))["basis"] == "full"


async def test_shopp_19_of_several_credits_the_unused_ones_are_refunded(vendor: Any) -> None:
    """Two credits of one line are one lot; the used one stays used, the other brings its price."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT, {**PRICE, "quantity": 2})
    assert (await balance(shop, "anna"))["available"] == 2
    await applied(shop, "T-1", "anna", "priority", FACTS)
    quote = await _quote(shop, lot)
    assert (quote["credits"], quote["refund"]["amount"], quote["basis"]) == (1, "181.00", "full")


async def test_shopp_20_from_the_first_service_response_it_is_used(vendor: Any) -> None:
    """An inquiry does not use it, the first service response does, and so it stays after the resolution."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT)
    await applied(shop, "T-1", "anna", "priority", FACTS)
    await act(shop, "T-1", "qualification", decision="accept")
    await act(shop, "T-1", "responses", **INQUIRY)
    assert codes((await _quote(shop, lot))["decision"]) != ["service_provided"]
    await act(shop, "T-1", "responses", **SERVICE)
    for _ in range(2):
        quote = await _quote(shop, lot)
        assert (quote["basis"], quote["decision"]["allowed"]) == ("none", False)
        why = reason(quote["decision"], "service_provided")
        assert (why["clause"], why["reading"]) == ("SHOPP-20", True)
        await refused(shop, f"/v1/lots/{lot}/refund", "service_provided")
        if (await the_ticket(shop, "T-1"))["state"] == "in_progress":
            await act(shop, "T-1", "resolution", outcome="answered")


async def test_shopp_20_an_override_needs_its_own_scope_and_a_reason(vendor: Any) -> None:
    """At the vendor's discretion: credits:refund and a reason; never more than the price paid, and once."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT)
    await applied(shop, "T-1", "anna", "priority", FACTS)
    await act(shop, "T-1", "qualification", decision="accept")
    await act(shop, "T-1", "responses", **SERVICE)
    await act(shop, "T-1", "resolution", outcome="answered")
    await shop.move_clock("2025-12-01T00:00:00Z")
    path = f"/v1/lots/{lot}/refund"
    body = {"override": True, "reason": "We were no help."}
    plain = await shop.as_key("orders:write", "tickets:write")
    assert (await plain.post(path, json=body, headers={"Idempotency-Key": "a"})).status_code == 403
    assert (await shop.post(path, {"override": True})).status_code == 422
    assert (await shop.post(path, {"override": True, "reason": "  "})).status_code == 422
    discreet = await shop.as_key("credits:refund")
    done = await discreet.post(path, json=body, headers={"Idempotency-Key": "b"})
    assert done.status_code in {200, 201}, done.text
    assert done.json()["refund"] == {"amount": "181.00", "currency": "USD"}
    assert reason(done.json()["decision"], "refund_by_discretion")["clause"] == "SHOPP-20"
    assert (await shop.post(path, body)).status_code == 409, "never above the price paid"
    assert (await shop.ok(await shop.get("/v1/audit"), 200))["data"] == []


@pytest.mark.parametrize("to", ["bea", "nobody-yet"])
async def test_shopp_21_credits_are_not_transferable(vendor: Any, to: str) -> None:
    """A transfer is refused not_transferable and moves nothing."""
    shop = await vendor(POLICY, now=BOUGHT)
    _, lot = await _bought(shop, "anna", BOUGHT)
    await a_key(shop, "bea", BOUGHT)
    body = await refused(shop, f"/v1/lots/{lot}/transfer", "not_transferable", to_customer_id=to)
    assert reason(body, "not_transferable")["clause"] == "SHOPP-21"
    assert (await balance(shop, "anna"))["available"] == 1
    assert (await balance(shop, "bea"))["available"] == 1


async def test_shopp_22_a_denied_ticket_used_no_credit(vendor: Any) -> None:
    """The hold is released in full; the credit serves the next ticket and keeps its expiry."""
    shop, ticket = await a_desk(vendor)
    before = (await balance(shop, "anna"))["lots"][0]["expires_at"]
    denied = await act(shop, "T-1", "qualification", decision="reject", reasons=["third_party_cause"])
    assert (ticket["charge"]["held"], denied["charge"]["held"], denied["charge"]["net"]) == (1, 0, 0)
    view = await balance(shop, "anna")
    assert (view["available"], view["held"], view["lots"][0]["expires_at"]) == (1, 0, before)
    lines = await entries(shop, "anna")
    assert any(one.get("clause") == "SHOPP-22" or "releas" in str(one).lower() for one in lines)
    assert (await applied(shop, "T-2", "anna", "priority", FACTS))["charge"]["held"] == 1


# --- SHOPP-23 to 25: data, backup, delay ------------------------------------------------------------------------------


async def test_shopp_23_tenants_and_customers_are_isolated(vendor: Any) -> None:
    """Another tenant finds nothing; a customer's token reads that customer only."""
    shop, ticket = await a_desk(vendor)
    await a_key(shop, "bea", MONDAY)
    other = await vendor(POLICY, now=MONDAY)
    found = clock(ticket, "first_response")["clock_id"]
    lot = (await balance(shop, "anna"))["lots"][0]["lot_id"]
    for path in (
        "tickets/T-1",
        "customers/anna",
        "customers/anna/balance",
        "customers/anna/export",
        f"clocks/{found}",
        f"lots/{lot}/refund-quote",
        "orders/o-anna",
        "explain/ticket/T-1",
    ):
        assert (await shop.get(f"/v1/{path}")).status_code == 200, path
        assert (await other.get(f"/v1/{path}")).status_code == 404, path
    made = await shop.ok(await shop.post("/v1/customers/anna/tokens", {"minutes": 5}))
    token = {"Authorization": f"Bearer {made['token']}"}
    assert (await shop.client.get("/v1/customers/anna", headers=token)).status_code == 200
    assert (await shop.client.get("/v1/customers/bea", headers=token)).status_code in {403, 404}
    assert (await shop.client.get("/v1/events", headers=token)).status_code in {401, 403}


async def test_shopp_23_a_customer_is_exported_and_erased_with_the_arithmetic_intact(vendor: Any) -> None:
    """All that is kept is in the export; after the erasure no name is left and the ledger still adds up."""
    shop = await vendor(POLICY, now=MONDAY)
    await _bought(shop, "anna.smith@example.com", MONDAY, PRICE, order_id="o-17")
    path = "/v1/customers/anna.smith@example.com"
    subject = "My shop pears.example is down"
    await applied(shop, "T-1", "anna.smith@example.com", "priority", FACTS, subject=subject)
    await act(shop, "T-1", "qualification", decision="reject", reasons=["other"], note="Anna called twice.")
    exported = (await shop.get(f"{path}/export")).text
    for words in ("anna.smith@example.com", "pears.example", "shop.example.com", "T-1", "o-17"):
        assert words in exported, words
    erased = await shop.post(f"{path}/erasure", {})
    assert erased.status_code in {200, 202, 204}, erased.text
    assert (await shop.get(path)).status_code == 404
    assert "anna.smith" not in (await shop.get("/v1/events", limit=100)).text
    assert "pears.example" not in (await shop.get("/v1/tickets")).text
    assert (await shop.ok(await shop.get("/v1/audit"), 200))["data"] == []


@pytest.mark.parametrize("backup", ["done", "ordered", "risk_accepted"])
async def test_shopp_24_no_service_before_the_backup_is_decided(vendor: Any, backup: str) -> None:
    """done, ordered or risk_accepted; without it service is refused backup_undecided, inquiries pass."""
    shop = await vendor(POLICY, now=MONDAY)
    await a_key(shop, "anna", MONDAY)
    facts = {name: value for name, value in FACTS.items() if name != "backup"}
    ticket = await applied(shop, "T-1", "anna", "priority", facts)
    assert ticket["state"] == "awaiting_qualification", "it is asked for before service, not before qualification"
    await act(shop, "T-1", "qualification", decision="accept")
    path = "/v1/tickets/T-1/responses"
    body = await refused(shop, path, "backup_undecided", **SERVICE)
    why = reason(body, "backup_undecided")
    assert (why["clause"], why["reading"]) == ("SHOPP-24", True)
    await act(shop, "T-1", "responses", **INQUIRY)
    assert (await shop.post("/v1/tickets/T-1/details", {"facts": {"backup": "later"}})).status_code == 422
    await refused(shop, path, "backup_undecided", **SERVICE)
    await act(shop, "T-1", "details", facts={"backup": backup})
    assert (await act(shop, "T-1", "responses", **SERVICE))["service_at"] == MONDAY


async def test_shopp_25_delay_beyond_control_excuses_breaches(vendor: Any) -> None:
    """The pause names no party; the days under it are no breaches, those before and after it are."""
    shop, _ = await accepted(vendor)
    await shop.move_clock("2025-03-05T15:00:00Z")
    paused = await act(shop, "T-1", "pauses", reason="beyond_control", party="none")
    assert (paused["pauses"][0]["party"], paused["pauses"][0]["clause"]) == ("none", "SHOPP-25")
    await shop.move_clock("2025-03-10T14:00:00Z")
    await act(shop, "T-1", "resumptions", reason="beyond_control", party="none")
    await shop.move_clock("2025-03-11T14:00:00Z")
    found = clock(await the_ticket(shop, "T-1"), "each_business_day")
    assert [one["window_date"] for one in found["breaches"]] == ["2025-03-04", "2025-03-10"]
    assert len(found["pauses"]) == 1
    wrong = await shop.post("/v1/tickets/T-1/pauses", {"reason": "beyond_control", "party": "customer"})
    assert wrong.status_code == 422


async def test_shopp_25_the_first_response_is_excused_too(vendor: Any) -> None:
    """A pause beyond control before the approval moves the first response instead of breaching it."""
    shop, _ = await a_desk(vendor)
    await act(shop, "T-1", "pauses", reason="beyond_control")
    await shop.move_clock("2025-03-06T15:00:00Z")
    assert clock(await the_ticket(shop, "T-1"), "first_response")["phase"] == "paused"
    going = await act(shop, "T-1", "resumptions", reason="beyond_control")
    found = clock(going, "first_response")
    assert (found["phase"], found["breaches"]) == ("running", [])
    assert found["due_at"] > "2025-03-06T22:00:00Z"
    done = clock(await act(shop, "T-1", "qualification", decision="accept"), "first_response")
    assert done["outcome"] == "met"


async def test_shopp_16_the_sidebar_shows_each_type_apart(vendor: Any) -> None:
    """Types do not mix: each is shown apart, and one type's credit never pays for another."""
    shop = await vendor(POLICY, now=MONDAY)
    await a_key(shop, "anna", MONDAY, "credit-priority", "credit-escalated", "credit-plugin-installation")
    types = (await balance(shop, "anna"))["by_type"]
    assert {name: one["available"] for name, one in types.items() if one["available"]} == {
        "priority": 1,
        "escalated": 1,
        "plugin_installation": 1,
    }
    await applied(shop, "T-1", "anna", "escalated", FACTS)
    view = await sidebar(shop, "anna")
    assert view["balance"]["available"] == 2
    unknown = await shop.put(
        "/v1/tickets/T-2", {"customer_id": "anna", "channel": "helpdesk", "credit_type": "gold", "facts": FACTS}
    )
    problem(unknown, 422, "unknown_credit_type")
    assert ids((await the_ticket(shop, "T-1"))["qualification"]["checks"])["wrong_credit_type"] in {
        "passed",
        "not_applicable",
    }
