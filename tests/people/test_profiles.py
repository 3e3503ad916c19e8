"""Who a customer is: replaced as a whole, known again, linked to other systems, taken over by a merge."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor

ANN: dict[str, Any] = {
    "name": "Ann Lee",
    "emails": ["ann@acme.example", "lee@home.example"],
    "external_ids": {"woo": "17", "zammad": "5"},
    "metadata": {"segment": "small", "seats": 3, "vip": True},
}
MEMBERS = ("name", "emails", "external_ids", "company_id", "metadata")


async def put(shop: Vendor, customer_id: str, body: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    return await shop.put(f"/v1/customers/{customer_id}", body or {}, **more)


def said(view: dict[str, Any]) -> dict[str, Any]:
    return {name: view[name] for name in MEMBERS}


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    facts: dict[str, Any] = answer.json().get("facts", {})
    return facts


async def events(shop: Vendor, customer_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await shop.ok(await shop.get("/v1/events", customer_id=customer_id)))["data"]
    return found


async def test_a_customer_that_bought_nothing_is_made_shown_and_replaced(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    made = await shop.ok(await put(shop, "ann", ANN), 201)
    assert said(made) == {**ANN, "company_id": None}
    assert (made["licenses"], made["totals"]["available"]) == ([], 0)
    shown = await shop.get("/v1/customers/ann")
    assert said(shown.json()) == said(made)
    again = await put(shop, "ann", ANN)
    assert (again.status_code, said(again.json())) == (200, said(made))
    less = await shop.ok(await put(shop, "ann", {"emails": ["ann@new.example"]}), 200)
    assert said(less) == {
        "name": None,
        "emails": ["ann@new.example"],
        "external_ids": {},
        "company_id": None,
        "metadata": {},
    }


async def test_a_change_is_told_once_without_a_name_in_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await put(shop, "ann", ANN)
    await put(shop, "ann", ANN)
    await put(shop, "ann", {**ANN, "name": "Ann Law"})
    told = await events(shop, "ann")
    assert [(one["type"], one["data"]) for one in told] == [
        ("customer.updated", {"members": ["name", "emails", "external_ids", "metadata"]}),
        ("customer.updated", {"members": ["name"]}),
    ]
    trail = (await shop.ok(await shop.get("/v1/audit-trail", action="customer.updated")))["data"]
    assert [one["data"] for one in trail] == [{"members": ["name"]}, told[0]["data"]]
    assert "Ann" not in str(trail)


async def test_a_customer_known_by_an_order_is_no_new_one(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    order = {
        "customer_id": "ann",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"}],
    }
    await shop.ok(await shop.put("/v1/orders/o-1", order), 201)
    kept = await shop.ok(await put(shop, "ann", ANN), 200)
    assert (kept["name"], kept["totals"]["available"]) == ("Ann Lee", 60)


async def test_what_was_changed_meanwhile_is_not_overwritten(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    none = {"If-None-Match": "*"}
    made = await put(shop, "ann", ANN, headers=none)
    tag = made.headers["etag"]
    refused(await put(shop, "ann", ANN, headers=none), 412, "precondition_failed")
    assert (await shop.get("/v1/customers/ann")).headers["etag"] == tag
    changed = await put(shop, "ann", {"name": "Ann Law"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    refused(await put(shop, "ann", {"name": "Ann Lot"}, headers={"If-Match": tag}), 412, "precondition_failed")
    refused(await put(shop, "bob", {}, headers={"If-Match": tag}), 412, "precondition_failed")
    assert (await shop.get("/v1/customers/bob")).status_code == 404
    debited = await shop.post("/v1/customers/ann/adjustments", {"credits": 5, "reason": "kindness"})
    assert debited.status_code == 201
    later = await put(shop, "ann", {"name": "Ann Lot"}, headers={"If-Match": changed.headers["etag"]})
    assert later.status_code == 200, "credits are no part of who a customer is"


async def test_an_id_in_another_system_is_one_customers(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await shop.ok(await put(shop, "ann", ANN), 201)
    answer = await put(shop, "bob", {"external_ids": {"woo": "17", "zammad": "6"}})
    assert refused(answer, 409, "external_id_taken") == {"system": "woo", "external_id": "17"}
    assert "ann" not in answer.text
    assert (await shop.get("/v1/customers/bob")).status_code == 404
    await shop.ok(await put(shop, "bob", {"external_ids": {"woo": "5", "zammad": "17"}}), 201)
    await shop.ok(await put(shop, "ann", {**ANN, "external_ids": {"zammad": "5"}}), 200)
    await shop.ok(await put(shop, "bob", {"external_ids": {"woo": "17"}}), 200)


async def test_two_who_claim_one_id_at_once_are_one_who_has_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    for number in range(5):
        body = {"external_ids": {"woo": f"{number}", "zammad": f"{number}"}}
        turned = {"external_ids": dict(reversed(body["external_ids"].items()))}
        found = await asyncio.gather(*(put(shop, f"c{number}-{n}", (body, turned)[n % 2]) for n in range(6)))
        assert sorted(one.status_code for one in found) == [201, *[409] * 5]


async def test_a_rehearsal_says_all_and_keeps_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    path = "/v1/customers/ann?validate_only=true"
    assert said(await shop.ok(await shop.put(path, ANN), 201)) == {**ANN, "company_id": None}
    assert (await shop.get("/v1/customers/ann")).status_code == 404
    assert (await shop.get("/v1/customers", query="ann")).json()["data"] == []
    await shop.ok(await put(shop, "ann", ANN), 201)
    before = len(await events(shop, "ann"))
    assert said(await shop.ok(await shop.put(path, {"name": "Bo"}), 200))["name"] == "Bo"
    assert said(await shop.ok(await shop.get("/v1/customers/ann"))) == {**ANN, "company_id": None}
    assert len(await events(shop, "ann")) == before
    refused(
        await shop.put("/v1/customers/bo?validate_only=true", {"external_ids": {"woo": "17"}}), 409, "external_id_taken"
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\u0000b"}, "/name"),
        ({"name": 7}, "/name"),
        ({"emails": "ann@x.example"}, "/emails"),
        ({"emails": ["ann"]}, "/emails/0"),
        ({"emails": ["a@b@c"]}, "/emails/0"),
        ({"emails": ["a b@c.example"]}, "/emails/0"),
        ({"emails": ["a@x.example", "A@X.example"]}, "/emails"),
        ({"external_ids": {"Woo Shop": "1"}}, "/external_ids/Woo Shop"),
        ({"external_ids": {"woo": ""}}, "/external_ids/woo"),
        ({"external_ids": {"woo": 17}}, "/external_ids/woo"),
        ({"external_ids": ["woo"]}, "/external_ids"),
        ({"company_id": ""}, "/company_id"),
        ({"metadata": {"a": {"b": 1}}}, "/metadata/a"),
        ({"metadata": {"a": 1.5}}, "/metadata/a"),
        ({"nickname": "x"}, "/nickname"),
    ],
)
async def test_bad_input_is_named(vendor: MakeVendor, body: dict[str, Any], pointer: str) -> None:
    shop = await vendor("x-cart")
    answer = await put(shop, "ann", body)
    refused(answer, 422, "invalid_input")
    assert any(str(one["pointer"]).startswith(pointer) for one in answer.json()["errors"]), answer.text
    assert (await shop.get("/v1/customers/ann")).status_code == 404


async def test_a_scope_of_its_own_opens_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    may, may_not = await shop.as_key("customers:write"), await shop.as_key("customers:read", "tickets:write")
    assert (await may.put("/v1/customers/ann", json=ANN)).status_code == 201
    refused(await may_not.put("/v1/customers/ann", json=ANN), 403, "scope_missing")


async def test_a_merge_takes_names_addresses_and_ids_over(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await put(shop, "woo:17", {"name": "A. Lee", "emails": ["ANN@acme.example", "shop@acme.example"]})
    await put(shop, "ann", {**ANN, "external_ids": {"zammad": "5"}})
    await put(shop, "zammad:9", {"external_ids": {"zammad": "9", "woo": "17"}, "metadata": {"segment": "big", "b": 1}})
    for former in ("woo:17", "zammad:9"):
        joined = await shop.ok(await shop.post(f"/v1/customers/{former}/merge", {"into_customer_id": "ann"}))
    assert said(joined) == {
        "name": "Ann Lee",
        "emails": ["ann@acme.example", "lee@home.example", "shop@acme.example"],
        "external_ids": {"zammad": "5", "woo": "17"},
        "company_id": None,
        "metadata": {**ANN["metadata"], "b": 1},
    }
    for query in ("woo:17", "zammad 9", "shop@acme", "ann lee"):
        found = (await shop.ok(await shop.get("/v1/customers", query=query)))["data"]
        assert [one["customer_id"] for one in found] == ["ann"], query
    refused(await put(shop, "bob", {"external_ids": {"zammad": "9"}}), 409, "external_id_taken")
    kept = await shop.ok(await put(shop, "ann", {**ANN, "external_ids": {"zammad": "9"}}), 200)
    assert kept["external_ids"] == {"zammad": "9"}
    named = await shop.ok(await put(shop, "woo:17", {**ANN, "name": "By the old name"}), 200)
    assert named["name"] == (await shop.ok(await shop.get("/v1/customers/ann")))["name"] == "By the old name"
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_both_doors_say_the_same(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    text = """mutation($input: PutCustomerInput!) { putCustomer(input: $input) {
        __typename ... on Customer { name emails externalIds { name value } metadata etag }
        ... on Refusal { code refusalFacts } } }"""

    async def mutate(**given: Any) -> dict[str, Any]:
        answer = await shop.client.post("/graphql", json={"query": text, "variables": {"input": given}})
        assert "errors" not in answer.json(), answer.text
        found: dict[str, Any] = answer.json()["data"]["putCustomer"]
        return found

    made = await mutate(customerId="ann", name="Ann Lee", externalIds={"woo": "17"}, metadata={"a": 1})
    shown = await shop.get("/v1/customers/ann")
    assert made == {
        "__typename": "Customer",
        "name": "Ann Lee",
        "emails": [],
        "externalIds": [{"name": "woo", "value": "17"}],
        "metadata": {"a": 1},
        "etag": shown.headers["etag"],
    }
    taken = await mutate(customerId="bob", externalIds={"woo": "17"})
    assert (taken["code"], taken["refusalFacts"]) == ("external_id_taken", {"system": "woo", "external_id": "17"})
    late = await mutate(customerId="ann", name="B", ifMatch='"old"')
    assert late["code"] == "precondition_failed"
