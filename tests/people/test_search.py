"""A search finds customers by the beginnings of words, however they are written, by one rule for every tenant."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.db.account import search
from tests.conftest import MakeVendor
from tests.support.api import Vendor

PEOPLE: dict[str, dict[str, Any]] = {
    "acme": {"name": "ACME Straßenbau GmbH", "emails": ["info@acme.example"]},
    "Order-Desk.7": {"name": "Zoë Müller-Lüdenscheidt", "emails": ["Zoe.M@desk.example"], "company_id": "acme"},
    "woo:17": {"name": "ИВАН Петров", "external_ids": {"zammad": "502", "crm": "X-900"}},
    "under_score": {"name": "O'Neill 田中", "metadata": {"secret": "unfindable"}},
}

BACK = """query($q: String, $b: String) { customers(query: $q, last: 5, before: $b) {
    nodes { customerId } pageInfo { startCursor } } }"""


async def known(shop: Vendor) -> None:
    for customer_id, body in PEOPLE.items():
        await shop.ok(await shop.put(f"/v1/customers/{customer_id}", body), 201)


async def found(shop: Vendor, query: str, **more: Any) -> list[str]:
    rows = (await shop.ok(await shop.get("/v1/customers", query=query, **more)))["data"]
    return [row["customer_id"] for row in rows]


@pytest.mark.parametrize(
    ("query", "who"),
    [
        ("acme", ["acme", "Order-Desk.7"]),
        ("AcMe", ["acme", "Order-Desk.7"]),
        ("info@acme.example", ["acme"]),
        ("INFO@ACME", ["acme"]),
        ("strassenbau", ["acme"]),
        ("STRASSEN gm", ["acme"]),
        ("straße", ["acme"]),
        ("zoe", ["Order-Desk.7"]),  # of the e-mail address; accents count
        ("zoë", ["Order-Desk.7"]),
        ("ZOË MÜLLER", ["Order-Desk.7"]),
        ("lüden", ["Order-Desk.7"]),
        ("order-desk.7", ["Order-Desk.7"]),
        ("ORDER", ["Order-Desk.7"]),
        ("desk", ["Order-Desk.7"]),
        ("7", ["Order-Desk.7"]),
        ("17", ["woo:17"]),
        ("woo", ["woo:17"]),
        ("zammad:502", ["woo:17"]),
        ("502", ["woo:17"]),
        ("x-900", ["woo:17"]),
        ("иван", ["woo:17"]),
        ("ПЕТ", ["woo:17"]),
        ("neill", ["under_score"]),
        ("田", ["under_score"]),
        ("score", ["under_score"]),
        ("cme", []),
        ("esk", []),
        ("acme ivan", []),
        ("unfindable", []),
        ("%", []),
        ("_", []),
        ("@", []),
    ],
)
async def test_words_are_found_by_their_beginnings(vendor: MakeVendor, query: str, who: list[str]) -> None:
    shop = await vendor("x-cart")
    await known(shop)
    assert await found(shop, query) == who


async def test_whole_ids_of_things_lead_to_their_customer_and_beginnings_do_not(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    order = {
        "customer_id": "ann",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
    }
    license_id = (await shop.ok(await shop.put("/v1/orders/Bill-12", order), 201))["licenses"][0]["license_id"]
    await shop.ok(await shop.post(f"/v1/licenses/{license_id}/registration", {"domain": "shop.example"}))
    ticket = {"customer_id": "ann", "subject": "Help", "channel": "helpdesk", "category": "level_0"}
    await shop.ok(await shop.put("/v1/tickets/HD-9", ticket), 201)
    for query in ("Bill-12", license_id, "shop.example", "HD-9", "ann"):
        assert await found(shop, query) == ["ann"], query
    for query in ("Bill-1", "HD", "shop.exam"):
        assert await found(shop, query) == [], query
    await shop.ok(await shop.put("/v1/customers/HD-9", {"name": "The ninth"}), 201)
    assert await found(shop, "HD-9") == ["ann", "HD-9"]
    assert await found(shop, "HD-9", limit=1) == ["ann"]


async def test_a_list_is_read_to_its_end_both_ways_and_each_customer_stands_in_it_once(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    names = [f"c-{number}" for number in range(23)]
    body = {"name": "Anna Annabel Anneliese", "emails": ["ann@x.example"]}
    await asyncio.gather(*(shop.put(f"/v1/customers/{name}", body) for name in names))
    for query in ("ann", "anna an", "ANNA c", "x example"):
        seen: list[str] = []
        cursor = None
        while True:
            page = (await shop.get("/v1/customers", query=query, limit=5, cursor=cursor)).json()
            seen += [row["customer_id"] for row in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert (len(seen), sorted(seen)) == (23, sorted(names)), query
        back: list[str] = []
        before = None
        for _ in range(5):
            answer = (
                await shop.client.post("/graphql", json={"query": BACK, "variables": {"q": query, "b": before}})
            ).json()
            part = answer["data"]["customers"]
            back = [row["customerId"] for row in part["nodes"]] + back
            before = part["pageInfo"]["startCursor"]
        assert back == seen, query


async def test_a_search_looks_at_so_many_and_goes_on(vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", 10)
    shop = await vendor("x-cart")
    for number in range(25):
        last = "Zimmer" if number == 24 else "Ziegler"
        await shop.ok(await shop.put(f"/v1/customers/c-{number:02}", {"name": f"Anna {last}"}), 201)
    seen: list[str] = []
    cursor, pages = None, 0
    while True:
        page = (await shop.get("/v1/customers", query="anna zi zimm", cursor=cursor)).json()
        seen, cursor, pages = seen + [row["customer_id"] for row in page["data"]], page["next_cursor"], pages + 1
        if cursor is None:
            break
    assert (seen, pages) == (["c-24"], 1), "the rarest word leads"
    for number in range(25):
        body = {"name": f"Bo{number % 2} Ko{number // 13}", "metadata": {"n": number}}
        await shop.ok(await shop.put(f"/v1/customers/d-{number:02}", body), 201)
    seen, cursor, pages = [], None, 0
    while True:
        page = (await shop.get("/v1/customers", query="bo1 ko1", cursor=cursor)).json()
        seen, cursor, pages = seen + [row["customer_id"] for row in page["data"]], page["next_cursor"], pages + 1
        if cursor is None:
            break
    assert sorted(seen) == [f"d-{number}" for number in range(13, 25, 2)]
    assert pages > 1


async def test_what_is_replaced_or_erased_is_found_no_more(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await known(shop)
    await shop.ok(await shop.put("/v1/customers/woo:17", {"name": "Somebody"}), 200)
    assert await found(shop, "иван") == await found(shop, "502") == []
    assert await found(shop, "somebody 17") == ["woo:17"]
    await shop.ok(await shop.post("/v1/customers/acme/erasure"))
    assert await found(shop, "acme") == await found(shop, "strassenbau") == []
    assert await found(shop, "zoe") == ["Order-Desk.7"]
    assert (await shop.ok(await shop.get("/v1/customers/Order-Desk.7")))["company_id"] is None
