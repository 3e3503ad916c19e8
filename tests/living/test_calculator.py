"""The price calculator says what a customer has for a price: limits, overdraft and kept credits, over both doors."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from tests.living.shop import NOW, bought
from tests.living.test_limits import LIMITED, asks, company
from tests.living.test_overdraft import ALWAYS
from tests.support.api import Vendor
from tests.support.vendors import opened, sound, vendor_under

PRICE = "/v1/policies/living/price"


async def means(shop: Vendor, customer: str, category: str = "question", **more: Any) -> Any:
    """What a customer has for a ticket of a category; GraphQL answers the same."""
    body = {"category": category, "customer_id": customer, **more}
    found = (await shop.ok(await shop.post(PRICE, body, key=None)))["means"]
    query = """query($in: PriceTicketInput!) { priceTicket(input: $in) { ... on Price { means { available overdraftLeft
        limitLeft decision { allowed reasons { code } remedies { kind } } } } } }"""
    named = {"name": "living", "category": category, "customerId": customer, **more}
    asked = {"query": query, "variables": {"in": named}}
    answer = (await shop.client.post("/graphql", json=asked)).json()
    answered = answer["data"]["priceTicket"]["means"]
    mine = found and {
        "available": found["available"],
        "overdraftLeft": found["overdraft_left"],
        "limitLeft": found["limit_left"],
        "decision": {
            "allowed": found["decision"]["allowed"],
            "reasons": [{"code": reason["code"]} for reason in found["decision"]["reasons"]],
            "remedies": [{"kind": remedy["kind"]} for remedy in found["decision"]["remedies"]],
        },
    }
    assert answered == mine
    return found


async def test_it_says_what_an_overdraft_leaves(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ALWAYS, now=NOW)
    new = await means(shop, "nobody")
    assert (new["available"], new["overdraft_left"], new["decision"]["allowed"]) == (0, 10, True)
    await shop.ok(await shop.put("/v1/customers/newly", {"name": "Kim"}), 201)
    assert await means(shop, "newly") == new
    assert (await shop.get("/v1/customers/nobody")).status_code == 404
    await bought(shop, "credits-2", "o1")
    await bought(shop, "trainings", "o2")
    found = await means(shop, "ann")
    assert (found["available"], found["overdraft_left"], found["decision"]["allowed"]) == (2, 10, True)
    assert (await means(shop, "ann", "training"))["available"] == 22
    draft = ALWAYS.replace("most: 10,", "most: 20,")
    body = {"category": "question", "customer_id": "ann", "document": draft}
    drafted = await shop.ok(await shop.post(PRICE, body, key=None))
    assert drafted["means"]["overdraft_left"] == 20
    assert (drafted["draft"], drafted["policy"]["version"]) == (True, 2)
    stands = await shop.ok(await shop.post(PRICE, {"category": "question"}, key=None))
    assert (stands["draft"], stands["policy"]["version"], stands["means"]) == (False, 1, None)
    await opened(shop, "t1")
    found = await means(shop, "ann", credits=9)
    assert (found["available"], found["overdraft_left"], found["decision"]["allowed"]) == (0, 6, False)
    (reason,) = found["decision"]["reasons"]
    assert (reason["code"], reason["facts"]["missing"]) == ("insufficient_credits", 3)
    assert found["decision"]["remedies"][0]["sku"] == "credits-3"
    await sound(shop)


async def test_it_says_what_a_limit_leaves(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await company(app, api, LIMITED)
    found = await means(shop, "pia")
    assert (found["available"], found["limit_left"], found["decision"]["allowed"]) == (100, 14, True)
    await asks(shop, "pia", "t1")
    await asks(shop, "pia", "t2")
    found = await means(shop, "pia")
    assert (found["limit_left"], found["decision"]["allowed"]) == (2, False)
    assert found["decision"]["reasons"][0]["code"] == "credit_limit_reached"
    assert (await means(shop, "quinn"))["limit_left"] == 14
    await sound(shop)
