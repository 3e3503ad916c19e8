"""Versions take effect from their date and change nothing before it; validation and the calculator through HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from app.documents.policy_document import load_policy
from app.domain.policy.policy import Policy
from app.domain.policy.ticket_rules import Category
from tests.conftest import MakeVendor
from tests.documents import test_policy_checks as checks
from tests.policies.test_simulate import changed, shipped
from tests.support.api import START, Vendor
from tests.tickets.desk import act, open_ticket, order

LATER = "2025-02-01T00:00:00Z"
A_POLICY = checks.A_POLICY
FAULTS = checks.test_a_fault_is_found_on_its_line.pytestmark[0].args[1]  # type: ignore[attr-defined]
PRICED = [
    pytest.param(name, one, id=f"{name}-{one.category}")
    for name in ("avactis", "cs-cart", "x-cart")
    for one in load_policy(shipped(name)).categories
]


async def publish(shop: Vendor, document: str, *, status: int = 201, **more: Any) -> Any:
    """Publishes a version."""
    answer = await shop.post(f"/v1/policies/{shop.policy}/versions", {"document": document, **more})
    return await shop.ok(answer, status)


def dearer() -> str:
    """90 free points instead of 60, level 1 at 15 instead of 10."""
    draft = changed("x-cart", "price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}")
    assert draft.count("        credits: 60\n") == 1
    return draft.replace("        credits: 60\n", "        credits: 90\n")


async def test_a_version_takes_effect_from_its_date_and_not_before(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    made = await publish(shop, dearer(), effective_from=LATER)
    assert (made["version"], made["effective_from"]) == (2, LATER)
    assert (await shop.ok(await shop.get("/v1/policies/x-cart")))["version"] == 1
    early = await order(shop, "ann", "license")
    assert [one["granted"] for one in early["lots"]] == [60]
    assert (await open_ticket(shop, "ann", category="level_1"))["price"] == 10
    await shop.move_clock("2025-01-31T23:59:59Z")
    assert (await open_ticket(shop, "ann", category="level_1"))["price"] == 10
    await shop.move_clock(LATER)
    assert (await shop.ok(await shop.get("/v1/policies/x-cart")))["version"] == 2
    ticket = await open_ticket(shop, "ann", category="level_1")
    assert (ticket["price"], ticket["policy"]["version"]) == (15, 2)
    late = await order(shop, "ben", "license", placed_at=LATER)
    assert ([one["granted"] for one in late["lots"]], late["policy"]["version"]) == ([90], 2)


async def test_what_was_granted_or_quoted_before_stays(vendor: MakeVendor) -> None:
    """Lots, tickets and orders name the version they came under and are worked on by it."""
    shop = await vendor("x-cart")
    early = await order(shop, "ann", "license")
    ticket = await open_ticket(shop, "ann", category="level_1")
    await publish(shop, dearer(), effective_from=LATER)
    await shop.move_clock("2025-02-02T00:00:00Z")
    again = await act(shop, ticket, "assessments", {"category": "level_1"})
    assert (again["price"], again["policy"]["version"]) == (10, 1)
    done = await act(shop, ticket, "resolution", {"outcome": "answered"})
    assert done["charge"]["net"] == 10
    shown = await shop.ok(await shop.get(f"/v1/orders/{early['order_id']}"))
    assert [one["granted"] for one in shown["lots"]] == [60]
    assert shown["policy"]["version"] == 1
    old = await order(shop, "late", "license", placed_at=START)
    assert [one["granted"] for one in old["lots"]] == [60], "placed before it, however late it arrives"
    first = await shop.ok(await shop.get("/v1/policies/x-cart", version=1))
    assert next(one for one in first["categories"] if one["category"] == "level_1")["price"]["credits"] == 10


async def test_a_version_is_not_in_the_past_nor_another_policy_nor_wrong(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart", now=LATER)
    past = await publish(shop, dearer(), status=422, effective_from=START)
    assert past["code"] == "effective_in_past"
    assert (await publish(shop, shipped("avactis"), status=422))["code"] == "policy_name_differs"
    wrong = await publish(shop, changed("x-cart", "per: {N: 60}", "per: {N: -60}"), status=422)
    assert (wrong["code"], wrong["facts"]["problems"][0]["code"]) == ("policy_invalid", "negative_price")
    assert (await shop.ok(await shop.get("/v1/policies/x-cart")))["version"] == 1


async def validated(shop: Vendor, document: Any) -> Any:
    """What validation finds."""
    return await shop.ok(await shop.post("/v1/policies/validate", {"document": document}, key=None), 200)


async def test_validation_finds_every_class_of_mistake_on_its_line(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    assert await validated(shop, A_POLICY) == {"valid": True, "problems": []}
    for old, new, code, at, says in FAULTS:
        text = A_POLICY.replace(old, new)
        found = await validated(shop, text)
        hits = [one for one in found["problems"] if one["code"] == code]
        assert hits, (code, found)
        assert hits[0]["line"] == text[: text.index(at)].count("\n") + 1, (code, hits)
        assert says in hits[0]["message"] + hits[0]["hint"]
        assert hits[0]["hint"], code
        assert found["valid"] == all(one["severity"] == "warning" for one in found["problems"])


@pytest.mark.parametrize(
    ("old", "new", "line_of"),
    [
        ("title: Example terms", "titel: Example terms", "titel"),
        ("editions: [small, large]", "editions: 7", "editions"),
        ("credits: 10}", "credits: ten}", "credits: ten"),
        ("    kind: credits\n", "    kind: gold\n", "kind: gold"),
        ("unit: {one: credit", "unit: {one: [credit", "unit:"),
    ],
)
async def test_what_is_no_policy_at_all_is_found_on_its_line_too(
    vendor: MakeVendor, old: str, new: str, line_of: str
) -> None:
    shop = await vendor("x-cart")
    assert A_POLICY.count(old) == 1
    text = A_POLICY.replace(old, new)
    found = await validated(shop, text)
    assert found["valid"] is False
    near = text[: text.index(line_of)].count("\n") + 1
    assert any(abs(one["line"] - near) <= 1 for one in found["problems"]), (near, found)


@pytest.mark.parametrize(("name", "category"), PRICED)
async def test_a_ticket_is_charged_what_the_calculator_says(vendor: MakeVendor, name: str, category: Category) -> None:
    policy = load_policy(shipped(name))
    shop = await vendor(name)
    await _rich(shop, policy)
    inputs = {one.name: number for number, one in enumerate(category.inputs, 2)}
    asked: dict[str, Any] = {"category": category.category, "inputs": inputs}
    priced = await _priced(shop, asked)
    named = None
    if priced["credits"] is None:
        named = priced["least"] or 33
        priced = await _priced(shop, {**asked, "credits": named})
    assert priced["outside_list"] is False
    ticket = await open_ticket(
        shop, "rich", **asked, pay_with="credits" if priced["credits"] else None, agreed_up_to=priced["credits"] or None
    )
    if named is not None:
        ticket = await act(shop, ticket, "assessments", {**asked, "credits": named, "reason": "as quoted"})
    assert (ticket["state"], ticket["price"]) == ("in_progress", priced["credits"]), ticket["reasons"]
    done = await act(shop, ticket, "resolution", {"outcome": "answered"})
    assert done["charge"]["net"] == priced["credits"]
    assert ticket["assessments"][-1]["clause"] == priced["clause"]


async def _priced(shop: Vendor, asked: dict[str, Any]) -> Any:
    return await shop.ok(await shop.post(f"/v1/policies/{shop.policy}/price", asked, key=None), 200)


async def _rich(shop: Vendor, policy: Policy) -> None:
    """A customer with credits for anything, and no level of support."""
    await order(shop, "rich", "license-owned" if policy.policy == "avactis" else "license")
    choices = await shop.ok(await shop.get("/v1/customers/rich/choices"))
    for one in choices["data"]:
        path = f"/v1/customers/rich/choices/{one['choice_id']}"
        await shop.ok(await shop.post(path, {"option": "credits"}))
    body = {"credits": 5_000, "reason": "for the test"}
    await shop.ok(await shop.post("/v1/customers/rich/adjustments", body))
