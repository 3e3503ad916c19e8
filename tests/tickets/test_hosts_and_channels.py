"""Certification a host, one channel where a text names one, and what else a ticket is asked and told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.orders.builders import may
from tests.support.api import Vendor
from tests.support.graphql import do
from tests.tickets.desk import GOOD_FACTS, act, codes, next_id, open_ticket, order

INSTALL = {
    "request_kind": "plugin_installation",
    "clear_description": True,
    "single_issue": True,
    "working_wordpress": True,
    "backup": "done",
}


async def certify(shop: Vendor, outcome: bool, **facts: Any) -> dict[str, Any]:
    """A certification that came to an outcome."""
    await order(shop, "ann", "credit-hosting-certification")
    stated = {**INSTALL, "request_kind": "hosting_certification", **facts}
    ticket = await open_ticket(shop, "ann", credit_type="hosting_certification", facts=stated)
    await act(shop, ticket, "qualification", {"decision": "accept", "note": "looked at"})
    return await act(shop, ticket, "resolution", {"outcome": "answered", "result": {"hosting_certified": outcome}})


async def install(shop: Vendor, **facts: Any) -> dict[str, Any]:
    """An installation that somebody asks for."""
    return await open_ticket(shop, "ann", credit_type="plugin_installation", facts={**INSTALL, **facts})


@pytest.fixture
async def shopp(vendor: MakeVendor) -> Vendor:
    shop = await vendor("shopp")
    await order(shop, "ann", "license", "credit-plugin-installation", "credit-plugin-installation")
    return shop


async def test_shopp_16_a_failure_on_one_host_says_nothing_of_another(shopp: Vendor) -> None:
    await certify(shopp, False, host="Alpha.example")
    refused = await install(shopp, host="alpha.EXAMPLE ")
    assert (refused["state"], codes(refused)) == ("rejected", ["requirement_missing"])
    assert refused["reasons"][0]["facts"]["requirement"] == "hosting_certified"
    assert not any("sku" in one for one in refused["remedies"])
    assert (await install(shopp, host="beta.example"))["state"] == "awaiting_qualification"


async def test_shopp_16_a_success_certifies_its_own_host_only(shopp: Vendor) -> None:
    await certify(shopp, False, host="alpha.example")
    await certify(shopp, True, host="beta.example")
    assert (await install(shopp, host="alpha.example"))["state"] == "rejected"
    assert (await install(shopp, host="beta.example"))["state"] == "awaiting_qualification"
    assert (await install(shopp))["state"] == "awaiting_qualification", "which of the two is not known"


async def test_shopp_16_a_host_without_a_name_is_the_only_one(shopp: Vendor) -> None:
    await certify(shopp, False, host="alpha.example")
    assert (await install(shopp))["state"] == "rejected"
    await certify(shopp, True)
    assert (await install(shopp, host="alpha.example"))["state"] == "awaiting_qualification"


async def test_shopp_16_hosts_that_were_never_named_are_one(shopp: Vendor) -> None:
    await certify(shopp, False)
    assert (await install(shopp))["state"] == "rejected"
    await certify(shopp, True)
    assert (await install(shopp))["state"] == "awaiting_qualification"


async def test_an_erased_customer_leaves_no_names_of_hosts(shopp: Vendor) -> None:
    await certify(shopp, True, host="alpha.example")
    before = await shopp.ok(await shopp.get("/v1/customers/ann"))
    assert "alpha.example" in str(before["facts"])
    await shopp.ok(await shopp.post("/v1/customers/ann/erasure"))


# --- the channel that a text names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "clause", "skus"), [("x-cart", "XC-2", ["license"]), ("cactushop", "CACTU-3", ["license-standard"])]
)
@pytest.mark.parametrize("channel", ["email", "phone", "forum", "contact_form"])
async def test_another_channel_than_the_one_named_is_refused_as_a_reading(
    vendor: MakeVendor, policy: str, clause: str, skus: list[str], channel: str
) -> None:
    shop = await vendor(policy)
    await order(shop, "ann", *skus)
    ticket = await open_ticket(shop, "ann", channel=channel)
    assert (ticket["state"], codes(ticket)) == ("rejected", ["wrong_channel"])
    reason = ticket["reasons"][0]
    assert (reason["clause"], reason["reading"]) == (clause, True)
    assert [one["kind"] for one in ticket["remedies"]] == ["helpdesk"]


@pytest.mark.parametrize(("policy", "sku"), [("x-cart", "license"), ("cactushop", "license-standard")])
async def test_an_absent_channel_is_not_judged(vendor: MakeVendor, policy: str, sku: str) -> None:
    shop = await vendor(policy)
    await order(shop, "ann", sku)
    body = {"customer_id": "ann", "subject": "A question"}
    ticket = await shop.ok(await shop.put(f"/v1/tickets/{next_id('T')}", body), 201)
    assert ticket["state"] != "rejected"


async def test_the_channel_is_a_setting(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ann", "license")
    known = await shop.ok(await shop.get("/v1/policies/x-cart"))
    document = known.get("document") or known["versions"][-1]["document"]
    document["qualification"]["checks"] = []
    document.pop("version", None)
    await shop.move_clock("2025-01-02T00:00:00Z")
    made = await shop.post("/v1/policies/x-cart/versions", {"document": document})
    assert made.status_code in (200, 201), made.text
    await shop.move_clock("2025-01-03T00:00:00Z")
    assert (await open_ticket(shop, "ann", channel="email"))["state"] != "rejected"


# --- what is asked and told -------------------------------------------------------------------------------------------


async def test_shopp_10_whether_the_product_is_supported_is_asked_beside(shopp: Vendor) -> None:
    await order(shopp, "ann", "credit-priority")
    key = (await shopp.ok(await shopp.get("/v1/customers/ann")))["licenses"][0]["license_id"]
    await shopp.ok(await shopp.post(f"/v1/licenses/{key}/registration", {"domain": "ann.example"}))
    ticket = await open_ticket(shopp, "ann", credit_type="priority", facts=GOOD_FACTS, license_id=key)
    assert (ticket["state"], ticket["asks"]) == ("awaiting_qualification", ["supported_product"])
    assert ticket["qualification"]["recommendation"]["decision"] == "accept"
    stated = await act(shopp, ticket, "details", {"facts": {"supported_product": True}})
    assert (stated["state"], stated["asks"]) == ("awaiting_qualification", [])


@pytest.mark.parametrize(
    ("given", "kind", "title", "skus"),
    [
        ("priority", "plugin_installation", "Shopp Plugin Installation credit", ["credit-plugin-installation"]),
        ("plugin_installation", "diagnosis", "Priority Support credit", ["credit-priority", "credit-escalated"]),
        ("priority", "design", None, []),
    ],
)
async def test_shopp_16_the_wrong_credit_names_the_right_one(
    vendor: MakeVendor, given: str, kind: str, title: str | None, skus: list[str]
) -> None:
    shop = await vendor("shopp")
    await order(shop, "ann", "license", f"credit-{given.replace('_', '-')}")
    ticket = await open_ticket(shop, "ann", credit_type=given, facts={**INSTALL, "request_kind": kind})
    reason = next(one for one in ticket["reasons"] if one["code"] == "wrong_credit_type")
    offered = [one for one in ticket["remedies"] if one["kind"] in {"buy", "apply_credit"}]
    assert [one["sku"] for one in offered] == skus
    assert all(one["price"] is None for one in offered), "the text names no price"
    assert (title in reason["would_change"]) if title else ("would_change" not in reason)
    if skus:
        await order(shop, "ann", skus[0])
        again = await open_ticket(shop, "ann", credit_type=given, facts={**INSTALL, "request_kind": kind})
        (first, *_) = [one for one in again["remedies"] if one["kind"] == "apply_credit"]
        right = await open_ticket(
            shop, "ann", credit_type=first["credit_type"], facts={**INSTALL, "request_kind": kind}
        )
        assert "wrong_credit_type" not in codes(right)


async def test_shopp_16_credits_are_named_with_the_right_article(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    await order(shop, "ann", "license", "credit-priority", "credit-escalated", "credit-addon-installation")
    facts = {**INSTALL, "request_kind": "installation"}
    ticket = await open_ticket(shop, "ann", credit_type="addon_installation", facts=facts)
    reason = next(one for one in ticket["reasons"] if one["code"] == "wrong_credit_type")
    assert reason["would_change"] == "a Priority Support credit or an Escalated Support credit"
    assert [one["text"] for one in ticket["remedies"] if one["kind"] == "apply_credit"] == [
        "Apply a Priority Support credit.",
        "Apply an Escalated Support credit.",
    ]


async def test_shopp_15_the_type_that_lacks_is_named(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    await order(shop, "ann", "license", *["credit-priority"] * 6)
    ticket = await open_ticket(shop, "ann", credit_type="escalated", facts=GOOD_FACTS)
    told = [one["message"] for one in ticket["reasons"]]
    assert "1 Escalated Support credit is needed, 0 are available." in told
    assert "There are no Escalated Support credits to pay with." in told
    assert {one["sku"] for one in ticket["remedies"]} == {"credit-escalated"}


async def test_what_is_asked_is_named_as_the_policy_names_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ann", "license", "credits-1200")
    ticket = await open_ticket(shop, "ann", category="security_audit")
    assert ticket["reasons"][0]["message"] == "Not stated yet: the number of additional stores on the same server."
    assert ticket["asks"] == ["inputs.X"]
    shop = await vendor("shopp")
    await order(shop, "ann", "license", "credit-priority")
    ticket = await open_ticket(shop, "ann", credit_type="priority", facts={})
    told = {one["message"] for one in ticket["reasons"]}
    assert "Not stated yet: whether the problem is described clearly." in told
    assert "Not stated yet: what is asked for." in told


@pytest.mark.parametrize(
    ("policy", "sku", "clause"), [("cactushop", "license-standard", "CACTU-3"), ("cs-cart", "license", "CSC-4")]
)
async def test_a_covered_ticket_cites_what_the_entitlement_cites(
    vendor: MakeVendor, policy: str, sku: str, clause: str
) -> None:
    shop = await vendor(policy)
    await order(shop, "ann", sku)
    for one in (await shop.ok(await shop.get("/v1/customers/ann")))["choices"]:
        await shop.post(f"/v1/customers/ann/choices/{one['choice_id']}", {"option": "cover"})
    first = await open_ticket(shop, "ann")
    second = await open_ticket(shop, "ann")
    for ticket in (first, second):
        assert ticket["reasons"][0]["clause"] == clause
        assert ticket["reasons"][0]["facts"]["ends_at"] is not None
    allowed = await may(shop, "open_ticket")
    assert allowed["reasons"][0]["clause"] == clause
    if policy == "cs-cart":
        assert first["reasons"][0]["facts"]["ends_at"] == "2025-01-31T00:00:00Z", "known when it begins"


async def test_csc_8_what_pays_any_listed_category_is_enough(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await order(shop, "ann", "license")
    (choice,) = (await shop.ok(await shop.get("/v1/customers/ann/choices")))["data"]
    await shop.post(f"/v1/customers/ann/choices/{choice['choice_id']}", {"option": "credits"})
    await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 15}), 201)
    ticket = await open_ticket(shop, "ann", agreed_up_to=100)
    assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", 25)
    done = await act(shop, ticket, "assessments", {"category": "category_3"})
    assert done["charge"]["held"] == 20
    await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 1}), 201)
    short = await open_ticket(shop, "ann", agreed_up_to=100)
    assert short["state"] == "awaiting_credits"


async def test_a_reopening_says_why(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ann", "license")
    ticket = await open_ticket(shop, "ann", category="level_1")
    await act(shop, ticket, "resolution", {"outcome": "answered"})
    again = await act(shop, ticket, "reopening", {"reason": "It came back"})
    assert (again["state"], again["reopening_reason"]) == ("in_progress", "It came back")
    await act(shop, ticket, "resolution", {"outcome": "answered"})
    twin = await do(
        shop,
        "reopenTicket",
        "state reopeningReason",
        kind="Ticket",
        ticketId=ticket["ticket_id"],
        idempotencyKey="again-1",
        reason="And again",
    )
    assert (twin["state"], twin["reopeningReason"]) == ("in_progress", "And again")
    await act(shop, ticket, "resolution", {"outcome": "answered"})
    assert (await act(shop, ticket, "reopening", None))["reopening_reason"] is None


@pytest.mark.parametrize("policy", ["x-cart", "cactushop", "cs-cart", "avactis", "shopp"])
async def test_an_outcome_that_is_not_known_is_answered_with_those_that_are(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy)
    await order(
        shop,
        "ann",
        "license-standard" if policy == "cactushop" else "license-free" if policy == "avactis" else "license",
    )
    ticket = await open_ticket(shop, "ann")
    refused = await act(shop, ticket, "resolution", {"outcome": "solved"}, status=422)
    assert refused["code"] == "unknown_outcome"
    assert "answered" in refused["facts"]["known"]
    assert "answered" in refused["detail"]


@pytest.mark.parametrize("name", ["Why CS-Cart?", "why cs-cart?", "  WHY  CS-CART? "])
async def test_csc_24_a_forum_is_the_same_in_any_case(vendor: MakeVendor, name: str) -> None:
    shop = await vendor("cs-cart")
    assert (await may(shop, "forum_post", forum=name))["allowed"]
    assert not (await may(shop, "forum_post", forum="News"))["allowed"]


async def test_nobody_is_told_that_what_they_never_had_is_gone(vendor: MakeVendor) -> None:
    for policy, sku in (("x-cart", "license"), ("avactis", "license-free")):
        shop = await vendor(policy)
        await order(shop, "first", "license" if policy == "x-cart" else sku)
        await order(shop, "ann", "mug")
        category = "level_1" if policy == "x-cart" else "domain_change"
        ticket = await open_ticket(shop, "ann", category=category)
        assert not any("left" in one["message"] for one in ticket["reasons"]), ticket["reasons"]
