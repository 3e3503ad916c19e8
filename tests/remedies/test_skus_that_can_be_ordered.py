"""Skus for any number of credits: offered as a pattern, named with their number, priced by the credit."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.orders.builders import a_line, buy, may
from tests.remedies.rehearsal import NOW, SIXTH, Life, tenant
from tests.support.api import OPERATOR_KEY, START, Vendor, client_of
from tests.support.graphql import ask
from tests.tickets.desk import act, open_ticket

PATTERN = "credits-{n}"
POLICIES = ("cactushop", "cs-cart", "avactis", "shopp", "x-cart")


async def under(app: FastAPI, document: str) -> Vendor:
    """A sandbox under a document of its own."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    body = {"policy": "powerserver", "document": document, "clock": {"mode": "virtual", "now": START}}
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.put(f"/v1/tenants/{name}", json=body)
        assert made.status_code == 201, made.text
        key = (await operator.post(f"/v1/tenants/{name}/keys", json={"scopes": ["*"], "label": "t"})).json()
    return Vendor(name, "powerserver", key["key"], client_of(app, key["key"]), app)


def priced(price: str) -> str:
    """The sixth example, its premium tickets sold at a price."""
    text = SIXTH.read_text(encoding="utf-8")
    old = "    title: Premium tickets\n    kind: credits\n"
    assert old in text
    return text.replace(old, f"{old}    price: {price}\n")


@pytest.mark.parametrize("policy", POLICIES)
async def test_the_pattern_itself_is_no_sku_under_any_policy(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy)
    order = await buy(shop, a_line(PATTERN, quantity=30))
    (why,) = order["not_granted"]
    assert why["code"] == ("not_offered" if policy == "cactushop" else "unknown_sku")
    assert order["lots"] == []
    assert not any(one["granted"] for one in order["decisions"])


@pytest.mark.parametrize("sku", [PATTERN, "credits-{customer.licenses}", "pack-{sku}"])
async def test_a_sku_with_braces_is_repeated_as_it_was_ordered(vendor: MakeVendor, sku: str) -> None:
    shop = await vendor("avactis")
    (why,) = (await buy(shop, a_line(sku)))["not_granted"]
    assert why["code"] == "unknown_sku"
    assert why["message"].startswith(f"The policy does not know the sku {sku}; ")


@pytest.mark.parametrize("policy", POLICIES)
async def test_every_offer_says_whether_its_sku_is_a_pattern(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy)
    offers = (await shop.ok(await shop.get("/v1/offers")))["data"]
    assert {one["sku_pattern"] for one in offers} <= {True, False}
    assert [one["sku"] for one in offers if one["sku_pattern"]] == ([PATTERN] if policy == "avactis" else [])
    data = await ask(shop, "{ offers { sku skuPattern pricePerCredit { amount } } }")
    twins = {one["sku"]: one["skuPattern"] for one in data["offers"]}
    assert twins == {one["sku"]: one["sku_pattern"] for one in offers}


async def test_a_remedy_names_as_many_credits_as_are_missing(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await buy(shop, "license-free")
    ticket = await open_ticket(shop, "ann", category="edition_update")
    assert [one["sku"] for one in ticket["remedies"]] == ["credits-60"]
    await buy(shop, "credits-13")
    ticket = await open_ticket(shop, "ann", category="edition_update")
    assert ticket["reasons"][0]["would_change"] == "47 more credits"
    assert [one["sku"] for one in ticket["remedies"]] == ["credits-47"]
    order = await buy(shop, "credits-47")
    assert order["not_granted"] == []
    assert (await open_ticket(shop, "ann", category="edition_update"))["state"] == "in_progress"
    for remedy in (await may(shop, "open_ticket", customer_id="bob"))["remedies"]:
        assert remedy["sku"] == "credits-10", "the least that the price list asks for"


async def test_a_pack_says_how_many_of_it_are_enough(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "license", "credits-60")
    ticket = await open_ticket(shop, "ann", category="ssl_certificate")
    many = {one["sku"]: (one.get("quantity", 1), one["price"]["amount"]) for one in ticket["remedies"]}
    assert many == {
        "credits-60": (1, "34.50"),
        "credits-120": (1, "68.50"),
        "credits-300": (1, "169.50"),
        "credits-1200": (1, "673.33"),
    }
    ticket = await open_ticket(shop, "ann", category="aspe_transfer", inputs={"N": 3})
    many = {one["sku"]: one.get("quantity", 1) for one in ticket["remedies"]}
    assert many == {"credits-60": 3, "credits-120": 2, "credits-300": 1, "credits-1200": 1}
    assert ticket["remedies"][0]["text"] == "3 of these would be enough."


async def test_a_debit_names_packs_only_to_those_who_may_buy_them(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart", now=NOW)
    life = Life(shop)
    await life.buy("credits-25")
    await life.wait(1)
    answer = await shop.post("/v1/customers/ann/debits", {"credits": 5})
    assert (answer.status_code, answer.json()["remedies"]) == (409, [])
    await life.buy("license")
    await life.buy("credits-25")
    answer = await shop.post("/v1/customers/ann/debits", {"credits": 60})
    offered = {one["sku"]: one.get("quantity", 1) for one in answer.json()["remedies"]}
    assert offered == {"credits-25": 2, "credits-50": 1, "credits-100": 1, "credits-200": 1}, "35 are missing"


# --- a price per credit -----------------------------------------------------------------------------------------------


async def test_a_price_per_credit_is_that_of_n_and_the_cost_follows(app: FastAPI) -> None:
    shop = await under(app, priced('{per_credit: "0.575"}'))
    offers = (await shop.ok(await shop.get("/v1/offers")))["data"]
    offer = next(one for one in offers if one["sku_pattern"])
    assert offer["price"] is None
    assert offer["price_per_credit"] == {"amount": "0.575", "currency": "USD"}
    order = await buy(shop, a_line("credits-61"), a_line("credits-3", line_id="2", quantity=2))
    costs = {one["line_id"]: one["cost"] for one in order["lots"]}
    assert costs["1"] == {"amount": "35.08", "currency": "USD"}, "61 times 0.575, half a cent up"
    assert costs["2"] == {"amount": "3.46", "currency": "USD"}, "two of what three credits cost"
    own = await buy(shop, a_line("credits-10", unit_price="4.00"), customer_id="bob")
    assert own["lots"][0]["cost"]["amount"] == "4.00", "what the shop says was paid"
    denied = await shop.post("/v1/customers/cat/debits", {"credits": 20})
    assert denied.status_code == 404
    await buy(shop, "license", customer_id="cat")
    denied = await shop.post("/v1/customers/cat/debits", {"credits": 20})
    (remedy,) = denied.json()["remedies"]
    assert (remedy["sku"], remedy["price"]["amount"]) == ("credits-20", "11.50")
    ticket = await open_ticket(shop, "cat", category="issue")
    assert {(one["sku"], one["price"]["amount"]) for one in ticket["remedies"] if one["kind"] == "buy"} == {
        ("credits-1", "0.58")
    }
    await shop.close()


async def test_money_back_follows_the_price_per_credit(app: FastAPI) -> None:
    text = priced('{per_credit: "2.00"}').replace(
        "split_clause: AP-7\n",
        "split_clause: AP-7\n\nmoney_back: {clause: AP-5, full_within: {days: 60}, reading: true}\n",
    )
    shop = await under(app, text)
    order = await buy(shop, "license", "credits-9")
    (lot,) = order["lots"]
    await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 3}), 201)
    quote = await shop.ok(await shop.get(f"/v1/lots/{lot['lot_id']}/refund-quote"))
    assert (quote["credits"], quote["refund"]["amount"], quote["basis"]) == (6, "12.00", "full")
    await shop.close()


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ('{amount: "35.00"}', "one_price_for_any_n"),
        ('{amount: "35.00", per_credit: "0.50"}', "one_price_for_any_n"),
        ('{each_additional_license: "1.00"}', "one_price_for_any_n"),
        ('{per_credit: "-0.50"}', "negative_price"),
        ('{per_credit: "a lot"}', "bad_amount"),
    ],
)
async def test_a_pattern_with_one_price_for_any_n_is_refused(vendor: MakeVendor, price: str, code: str) -> None:
    shop = await vendor("x-cart")
    checked = (await shop.post("/v1/policies/validate", {"document": priced(price)}, key=None)).json()
    problems: list[dict[str, Any]] = checked.get("problems") or checked.get("errors") or checked["findings"]
    assert code in {one["code"] for one in problems}, checked
    wrong = next(one for one in problems if one["code"] == code)
    assert wrong["path"].startswith("/offers/2/price")


async def test_only_a_pattern_has_a_price_per_credit(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    text = SIXTH.read_text(encoding="utf-8").replace(
        "    kind: license\n    clause: AP-1\n",
        '    kind: license\n    price: {per_credit: "1.00"}\n    clause: AP-1\n',
        1,
    )
    checked = (await shop.post("/v1/policies/validate", {"document": text}, key=None)).json()
    assert "per_credit_without_n" in str(checked)


async def test_the_sixth_example_sells_the_number_that_is_missing(app: FastAPI) -> None:
    shop = await tenant(app, "powerserver")
    life = Life(shop)
    await life.buy("license")
    ticket = await open_ticket(shop, "ann", category="issue")
    assert [one["sku"] for one in ticket["remedies"] if "sku" in one] == ["credits-1"]
    assert "1 premium ticket is needed, 0 are available." in ticket["reasons"][0]["message"]
    await life.buy("credits-1")
    assert (await act(shop, ticket, "details", {"category": "issue"}))["state"] in {
        "awaiting_confirmation",
        "in_progress",
    }
    await shop.close()
