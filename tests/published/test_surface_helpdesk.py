"""The helpdesk's part of the published surface and its operations, said as `api.md` says it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.published.shop import bought, is_page, is_problem, opened
from tests.published.test_surface_credits import bare
from tests.support.api import START, client_of


async def test_a_customer_at_a_glance(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await bought(shop, "license", customer="ann")
    read = await shop.ok(await shop.get("/v1/customers/ann"))
    assert {"licenses", "covers", "choices"} <= set(read)
    assert [row["customer_id"] for row in is_page(await shop.get("/v1/customers", query="ann"))] == ["ann"]
    assert is_page(await shop.get("/v1/customers", query="bob")) == []
    assert (await shop.get("/v1/customers/ann/export")).status_code == 200
    before = is_page(await shop.get("/v1/customers/ann/entries"))
    assert before == []
    gone = await shop.client.post("/v1/customers/ann/erasure")
    assert gone.status_code == 200, gone.text
    is_problem(await shop.get("/v1/customers/ann"), 404)


async def test_a_token_reads_one_customer(app: Any, vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license", customer="ann")
    await bought(shop, "license", customer="bob")
    await opened(shop, "t-bob", customer="bob", category="level_0")
    is_problem(await shop.post("/v1/customers/ann/tokens", {"minutes": 11}, key=None), 422)
    made = await shop.ok(await shop.post("/v1/customers/ann/tokens", {"minutes": 10}, key=None), 201)
    async with client_of(app, made["token"]) as ann:
        for path in ("", "/balance", "/statement", "/entitlements/open_ticket"):
            assert (await ann.get(f"/v1/customers/ann{path}")).status_code == 200, path
            is_problem(await ann.get(f"/v1/customers/bob{path}"), 404)
        is_problem(await ann.get("/v1/tickets/t-bob"), 404)
        write = await ann.post("/v1/customers/ann/debits", json={"credits": 1}, headers={"Idempotency-Key": "k"})
        is_problem(write, 403)


async def test_a_decision(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    made = await bought(shop, "license-standard")
    path = "/v1/customers/c1/entitlements"
    for action in ("open_ticket", "download", "user_area"):
        assert (await shop.ok(await shop.get(f"{path}/{action}")))["allowed"] is True
    await shop.move_clock("2025-07-16T00:00:00Z")
    licence = made["licenses"][0]["license_id"]
    for reason, clause in (
        ("lost_copy", "CACTU-5"),
        ("modified_copy", "CACTU-6"),
        ("not_downloaded", "CACTU-7"),
        ("never_used", "CACTU-8"),
        (None, "CACTU-4"),
    ):
        said = await shop.ok(
            await shop.get(f"{path}/download", reason=reason, license_id=licence, released_at="2025-08-01T00:00:00Z")
        )
        assert {"allowed", "at", "policy", "reasons", "remedies"} <= set(said)
        assert said["policy"] == {"name": "cactushop", "version": 1}
        [first] = said["reasons"]
        assert {"code", "clause", "message", "facts", "reading"} <= set(first)
        assert (said["allowed"], first["code"], first["clause"]) == (False, "cover_expired", clause)
        [remedy] = said["remedies"]
        assert remedy["kind"] == "buy"
        assert remedy["price"] == {"amount": "210.00", "currency": "USD"}
    then = await shop.ok(await shop.get(f"{path}/download", as_of="2025-06-01T00:00:00Z"))
    assert then["allowed"] is True
    is_problem(await shop.get(f"{path}/teleport"), 404)


async def test_a_ticket_from_opening_to_dispute(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    body = {"customer_id": "c1", "subject": "s", "channel": "helpdesk", "category": "level_2"}
    assert (await shop.put("/v1/tickets/t1?validate_only=true", body)).status_code == 201
    is_problem(await shop.get("/v1/tickets/t1"), 404)
    made = await shop.ok(await shop.put("/v1/tickets/t1", body), 201)
    wanted = {"ticket_id", "state", "qualification", "assessments", "charge", "clocks", "parent", "children"}
    assert wanted <= set(made)
    assert (made["state"], made["charge"]["held"]) == ("in_progress", 25)
    said = {"author": "vendor", "kind": "service", "public": True, "occurred_at": START}
    for response in (said, {**said, "author": "customer", "kind": "inquiry"}, {"author": "vendor"}):
        await shop.ok(await shop.post("/v1/tickets/t1/responses", response))
    await shop.ok(await shop.post("/v1/tickets/t1/assessments", {"category": "level_3", "inputs": {}}))
    child = await shop.post("/v1/tickets/t1/splits", {"ticket_id": "t1b", "subject": "another question"}, key=None)
    assert child.status_code == 201
    assert child.json()["parent"] == "t1"
    done = await shop.ok(await shop.post("/v1/tickets/t1/resolution", {"cause": "question", "result": {}}))
    assert (done["state"], done["charge"]["captured"], done["children"]) == ("resolved", 40, ["t1b"])
    await shop.ok(await shop.post("/v1/tickets/t1/disputes", {"reason": "it was quick"}))
    after = await shop.ok(await shop.post("/v1/tickets/t1/disputes/1/decision", {"decision": "reduced", "credits": 10}))
    assert after["charge"]["net"] == 10
    again = await shop.ok(await bare(shop, "/v1/tickets/t1/reopening"))
    assert again["state"] == "in_progress"
    then = await shop.ok(await shop.get("/v1/tickets/t1", as_of=START, known_at=START))
    assert then["ticket_id"] == "t1"
    for kind in ("ticket", "charge"):
        assert (await shop.get(f"/v1/explain/{kind}/t1")).status_code == 200
    await shop.ok(await bare(shop, "/v1/tickets/t1b/withdrawal"))
    assert [
        row["ticket_id"] for row in is_page(await shop.get("/v1/tickets", customer_id="c1", state="withdrawn"))
    ] == ["t1b"]


async def test_tickets_as_they_stood(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    await opened(shop, category="level_1")
    await shop.move_clock("2025-01-03T00:00:00Z")
    await shop.ok(await bare(shop, "/v1/tickets/t1/withdrawal"))
    earlier = "2025-01-02T00:00:00Z"
    assert is_page(await shop.get("/v1/tickets", state="withdrawn", as_of=earlier)) == []
    [row] = is_page(await shop.get("/v1/tickets", state="in_progress", as_of=earlier, known_at=earlier))
    assert row["ticket_id"] == "t1"
    assert is_page(await shop.get("/v1/tickets", as_of="2024-12-31T00:00:00Z")) == []


async def test_null_says_as_much_as_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    names = ("license_id", "product", "language", "agreed_up_to", "pay_with", "credit_type")
    made = await opened(shop, category="level_1", facts={}, inputs={}, **dict.fromkeys(names))
    assert made["state"] == "in_progress"
    await shop.ok(
        await shop.put(
            "/v1/tickets/t1", {"customer_id": "c1", "subject": "It fails", "channel": "helpdesk", "category": "level_1"}
        ),
        200,
    )


async def test_another_customers_license_is_a_recorded_rejection(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    other = await bought(shop, "license", customer="c2")
    made = await opened(shop, license_id=other["licenses"][0]["license_id"], category="level_1")
    assert made["state"] == "rejected"
    assert (await opened(shop, "t2", license_id="none", category="level_1"))["state"] == "rejected"


async def test_what_was_missing_is_added(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    await bought(shop, "credits-300")
    made = await opened(shop, category="aspe_transfer")
    assert made["state"] == "needs_facts"
    later = await shop.ok(await shop.post("/v1/tickets/t1/details", {"inputs": {"N": 1}}))
    assert (later["state"], later["charge"]["held"]) == ("in_progress", 180)


async def test_confirmation(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await bought(shop, "license")
    await bought(shop, "credits-25")
    [choice] = is_page(await shop.get("/v1/customers/c1/choices"))
    await shop.ok(await shop.post(f"/v1/customers/c1/choices/{choice['choice_id']}", {"option": "credits"}))
    made = await opened(shop, language="en", category="category_2", pay_with="credits")
    assert made["state"] == "awaiting_confirmation"
    [quote] = made["assessments"]
    assert quote["status"] == "awaiting_confirmation"
    path = f"/v1/tickets/t1/assessments/{quote['number']}/confirmation"
    is_problem(await shop.post("/v1/tickets/t1/responses", {"author": "vendor", "kind": "service"}), 409)
    assert (await shop.ok(await shop.post(path, {"accept": True})))["state"] == "in_progress"
    assert (await opened(shop, "t2", language="en", category="category_1", agreed_up_to=20, pay_with="credits"))[
        "state"
    ] == "in_progress"


async def test_a_qualified_ticket(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    made = await bought(shop, "license")
    licence = made["licenses"][0]["license_id"]
    await shop.ok(await shop.post(f"/v1/licenses/{licence}/registration", {"domain": "shop.example"}))
    await bought(shop, "credit-priority")
    await opened(shop, credit_type="priority", license_id=licence)
    poor = await shop.as_key("tickets:write")
    refused = await poor.post(
        "/v1/tickets/t1/qualification", json={"decision": "accept"}, headers={"Idempotency-Key": "k"}
    )
    is_problem(refused, 403)
    service = {"author": "vendor", "kind": "service", "public": True}
    is_problem(await shop.post("/v1/tickets/t1/responses", service), 409, "not_qualified")
    await shop.ok(await shop.post("/v1/tickets/t1/qualification", {"decision": "accept"}))
    is_problem(await shop.post("/v1/tickets/t1/responses", service), 409, "backup_undecided")
    await shop.ok(await shop.post("/v1/tickets/t1/details", {"facts": {"backup": "done"}}))
    asked = await shop.ok(await shop.post("/v1/tickets/t1/access-requests", {"kinds": ["ftp", "admin"]}))
    assert asked["access_requests"][0]["deadline_at"] == "2025-01-06T22:00:00Z"
    await shop.ok(await bare(shop, "/v1/tickets/t1/access-requests/1/grant"))
    await shop.ok(await shop.post("/v1/tickets/t1/pauses", {"reason": "beyond_control", "party": "none"}))
    await shop.ok(await bare(shop, "/v1/tickets/t1/resumptions"))
    await shop.ok(await shop.post("/v1/tickets/t1/responses", service))
    is_problem(await shop.post("/v1/tickets/t1/resolution", {"outcome": "gave_up"}), 422)
    done = await shop.ok(await shop.post("/v1/tickets/t1/resolution", {"outcome": "answered"}))
    assert (done["state"], done["outcome"], done["charge"]["captured"]) == ("resolved", "answered", 1)


async def test_a_credit_comes_with_a_response(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    made = await bought(shop, "license")
    await opened(shop, license_id=made["licenses"][0]["license_id"])
    await bought(shop, "credit-escalated")
    done = await shop.ok(
        await shop.post("/v1/tickets/t1/credits", {"credit_type": "escalated", "response": {"author": "customer"}})
    )
    assert done["charge"]["held"] == 1


async def test_covers(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await bought(shop, "license")
    [choice] = is_page(await shop.get("/v1/customers/c1/choices"))
    await shop.ok(await shop.post(f"/v1/customers/c1/choices/{choice['choice_id']}", {"option": "credits"}))
    made = await bought(shop, "support-3-months")
    cover = f"/v1/covers/{made['covers'][0]['cover_id']}"
    is_problem(await bare(shop, f"{cover}/suspension"), 409, "not_suspendable")
    await opened(shop, language="en", category="category_1", pay_with="cover")
    assert (await bare(shop, f"{cover}/suspension")).status_code == 200
    await shop.move_clock("2025-01-11T00:00:00Z")
    back = await shop.ok(await bare(shop, f"{cover}/resumption"))
    assert back["ends_at"] == "2025-04-11T00:00:00Z"
    is_problem(await shop.post(f"{cover}/suspension", {}), 409, "suspension_used")
    is_problem(await shop.post(f"{cover}/extension", {"months": 1, "reason": "please"}), 409, "no_free_extension")


async def test_a_refusal_advises_nothing_of_another_vendors(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await bought(shop, "license")
    [choice] = is_page(await shop.get("/v1/customers/c1/choices"))
    await shop.ok(await shop.post(f"/v1/customers/c1/choices/{choice['choice_id']}", {"option": "credits"}))
    await opened(shop, language="en", category="category_1", pay_with="cover")
    refused = is_problem(await shop.post("/v1/tickets/t1/responses", {"author": "vendor", "kind": "service"}), 409)
    assert refused["code"] == "cover_missing"
    assert "year" not in refused["next_step"]
    assert {"reasons", "remedies"} <= set(refused)


@pytest.mark.parametrize(
    "path",
    ["/v1/policies", "/v1/events", "/v1/audit-trail", "/v1/sources", "/v1/webhook-endpoints", "/v1/audit", "/v1/keys"],
)
async def test_operations_are_reachable(vendor: MakeVendor, path: str) -> None:
    shop = await vendor("x-cart")
    is_page(await shop.get(path))
    poor = await shop.as_key("orders:write")
    is_problem(await poor.get(path), 403)


async def test_policies(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    price = "/v1/policies/x-cart/price"
    for category, inputs, wanted in (
        ("level_1", None, 10),
        ("aspe_transfer", {"N": 3}, 300),
        ("security_audit", {"X": 2}, 270),
    ):
        body = {"category": category, **({} if inputs is None else {"inputs": inputs})}
        assert (await shop.ok(await shop.post(price, body, key=None), 200))["credits"] == wanted, category
    is_problem(await shop.post(price, {"category": "nothing"}, key=None), 422)
    is_problem(await shop.post(price, {"category": "aspe_transfer", "inputs": {"N": -1}}, key=None), 422)
    document = (await shop.ok(await shop.get("/v1/policies/x-cart")))["document"]
    assert (await shop.post("/v1/policies/validate", {"document": document}, key=None)).status_code == 200
    published = await shop.post("/v1/policies/x-cart/versions?validate_only=true", {"document": document})
    assert published.status_code == 201
    assert (await shop.post("/v1/policies/x-cart/simulate", {"document": document}, key=None)).status_code == 200


async def test_webhook_endpoints_and_graphql(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    made = await shop.post("/v1/webhook-endpoints", {"url": "https://example.com/hook"}, key=None)
    assert made.status_code == 201, made.text
    asked = await shop.client.post("/graphql", json={"query": "{ __typename }"})
    assert asked.json() == {"data": {"__typename": "Query"}}
    is_problem(await shop.client.post("/in/unknown", json={}), 404)
