"""The document as its author wrote it, and what a draft says otherwise, over HTTP and GraphQL."""

from __future__ import annotations

from tests.conftest import MakeVendor
from tests.policies.test_simulate import changed, shipped
from tests.policies.test_versions import LATER, dearer, publish
from tests.support.api import Vendor


async def source(shop: Vendor, **more: object) -> dict[str, object]:
    """The document of a version."""
    found: dict[str, object] = await shop.ok(await shop.get("/v1/policies/x-cart/source", **more))
    return found


async def test_the_text_comes_back_as_it_was_written(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    assert (await source(shop))["source"] == shipped("x-cart")
    text = "# Prices of spring, agreed with Kim\r\n" + dearer() + "\n# the end \u00e9\n"
    made = await publish(shop, text, effective_from=LATER)
    assert await source(shop, version=2) == {
        "name": "x-cart",
        "version": 2,
        "effective_from": LATER,
        "source": text,
        "written": True,
    }
    assert made["effective_from"] == LATER
    assert (await source(shop))["version"] == 1
    missing = await shop.get("/v1/policies/x-cart/source", version=3)
    assert (missing.status_code, missing.json()["code"]) == (404, "policy_not_found")


async def test_json_is_written_out_and_says_the_same(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    document = (await shop.ok(await shop.get("/v1/policies/x-cart")))["document"]
    await publish(shop, document)
    found = await source(shop)
    assert (found["version"], found["written"]) == (2, False)
    assert str(found["source"]).startswith("policy: x-cart\n")
    await publish(shop, str(found["source"]))
    again = (await shop.ok(await shop.get("/v1/policies/x-cart")))["document"]
    by_service = {"version": 0, "effective_from": ""}
    assert {**again, **by_service} == {**document, **by_service}


async def compared(shop: Vendor, document: object, *, status: int = 200, **more: object) -> dict:
    """What a draft says otherwise."""
    body = {"document": document, **more}
    found: dict = await shop.ok(await shop.post("/v1/policies/x-cart/comparison", body, key=None), status)
    return found


async def test_a_draft_is_compared_in_words(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    same = await compared(shop, "# another comment\n" + shipped("x-cart"))
    assert same == {"version": 1, "differences": []}
    draft = changed("x-cart", "price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}")
    (row,) = (await compared(shop, draft))["differences"]
    assert row["change"] == "changed"
    assert row["path"].startswith("/categories/")
    assert row["words"].endswith("costs 15 points instead of 10.")
    await publish(shop, draft)
    assert (await compared(shop, draft)) == {"version": 2, "differences": []}
    (back,) = (await compared(shop, shipped("x-cart")))["differences"]
    assert back["words"].endswith("costs 10 points instead of 15.")
    assert (await compared(shop, shipped("x-cart"), version=1))["differences"] == []


async def test_what_cannot_be_compared_is_refused(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    wrong = await compared(shop, "policy: x", status=422)
    assert wrong["code"] == "policy_invalid"
    assert (await compared(shop, shipped("x-cart"), status=404, version=7))["code"] == "policy_not_found"
    assert (await compared(shop, shipped("x-cart"), status=422, version=0))["code"] == "invalid_input"
    other = await shop.post("/v1/policies/avactis/comparison", {"document": shipped("avactis")}, key=None)
    assert (other.status_code, other.json()["code"]) == (404, "policy_not_found")


async def test_graphql_asks_the_same(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    draft = changed("x-cart", "price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}")
    query = """query ($document: JSON!) {
      policySource(name: "x-cart") { name version source written effectiveFrom withdrawnAt }
      comparePolicy(input: {name: "x-cart", document: $document}) {
        ... on PolicyComparison { version differences { path change words } } } }"""
    sent = {"query": query, "variables": {"document": draft}}
    data = (await shop.client.post("/graphql", json=sent)).json()["data"]
    rest = await source(shop)
    assert {name: data["policySource"][name] for name in ("name", "version", "source", "written")} == {
        name: rest[name] for name in ("name", "version", "source", "written")
    }
    (row,) = (await compared(shop, draft))["differences"]
    (twin,) = data["comparePolicy"]["differences"]
    assert twin == row


async def test_a_ticket_is_priced_by_a_draft(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    draft = changed("x-cart", "price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}")

    async def priced(status: int = 200, **more: object) -> dict:
        body = {"category": "level_1", **more}
        found: dict = await shop.ok(await shop.post("/v1/policies/x-cart/price", body, key=None), status)
        return found

    by_draft = await priced(document=draft)
    assert (by_draft["credits"], by_draft["policy"]) == (15, {"name": "x-cart", "version": 2})
    assert ((await priced())["credits"], (await priced(document=None))["credits"]) == (10, 10)
    assert (await priced(422, document="policy: x-cart"))["code"] == "policy_invalid"
    assert (await priced(422, document=shipped("avactis")))["code"] == "policy_name_differs"
    lacking = changed("x-cart", "category: level_1\n", "category: first_level\n")
    assert (await priced(422, document=lacking))["code"] == "unknown_category"
