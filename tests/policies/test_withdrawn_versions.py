"""A version whose day has not come is taken back: it never comes into force, and its number is not used again."""

from __future__ import annotations

from tests.conftest import MakeVendor
from tests.policies.test_versions import LATER, dearer, publish
from tests.support.api import START, Vendor
from tests.tickets.desk import open_ticket, order

PATH = "/v1/policies/x-cart/versions"


async def price_of_level_1(shop: Vendor) -> int:
    """What a ticket of level 1 costs now."""
    price: int = (await open_ticket(shop, "ann", category="level_1"))["price"]
    return price


async def test_a_withdrawn_version_never_comes_into_force(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ann", "license")
    await publish(shop, dearer(), effective_from=LATER)
    scheduled = await shop.ok(await shop.get("/v1/policies/x-cart", version=2))
    assert (scheduled["version"], scheduled["effective_from"]) == (2, LATER)
    tried = await shop.ok(await shop.delete(f"{PATH}/2", params={"validate_only": "true"}), 200)
    assert tried["withdrawn_at"]
    assert "withdrawn_at" not in (await shop.ok(await shop.get("/v1/policies/x-cart")))["versions"][1]
    made = await shop.ok(await shop.delete(f"{PATH}/2"), 200)
    assert made == {"version": 2, "effective_from": LATER, "withdrawn_at": START}
    await shop.move_clock("2025-01-15T00:00:00Z")
    assert await shop.ok(await shop.delete(f"{PATH}/2"), 200) == made, "asked again, the answer is the same"
    shown = await shop.ok(await shop.get("/v1/policies/x-cart"))
    assert shown["versions"][1] == made
    await shop.move_clock("2025-02-02T00:00:00Z")
    assert (await shop.ok(await shop.get("/v1/policies/x-cart")))["version"] == 1
    assert await price_of_level_1(shop) == 10
    again = await publish(shop, dearer())
    assert again["version"] == 3
    assert await price_of_level_1(shop) == 15
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_who_listens_and_who_looks_back_is_told(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await publish(shop, dearer(), effective_from=LATER)
    await shop.ok(await shop.delete(f"{PATH}/2"), 200)
    trail = (await shop.ok(await shop.get("/v1/audit-trail")))["data"]
    entry = next(row for row in trail if row["action"] == "policy.withdrawn")
    assert (entry["subject"], entry["data"]) == ("x-cart/2", {"effective_from": LATER})
    events = (await shop.ok(await shop.get("/v1/events", type="policy.withdrawn")))["data"]
    assert [event["data"] for event in events] == [{"name": "x-cart", "version": 2, "effective_from": LATER}]


async def test_what_is_in_force_or_was_used_stays(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    first = await shop.delete(f"{PATH}/1")
    assert (first.status_code, first.json()["code"]) == (409, "policy_version_in_force")
    missing = await shop.delete(f"{PATH}/9")
    assert (missing.status_code, missing.json()["code"]) == (404, "policy_not_found")
    other = await shop.delete("/v1/policies/avactis/versions/1")
    assert (other.status_code, other.json()["code"]) == (404, "policy_not_found")
    await publish(shop, dearer(), effective_from="2025-01-01T00:02:00Z")
    ahead = await order(shop, "ann", "license", placed_at="2025-01-01T00:03:00Z")
    assert (ahead["policy"]["version"], [lot["granted"] for lot in ahead["lots"]]) == (2, [90])
    used = await shop.delete(f"{PATH}/2")
    assert (used.status_code, used.json()["code"]) == (409, "policy_version_used")
    await shop.move_clock("2025-01-01T00:02:00Z")
    begun = await shop.delete(f"{PATH}/2")
    assert (begun.status_code, begun.json()["code"]) == (409, "policy_version_in_force")


async def test_a_draft_made_before_a_withdrawal_is_refused(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await publish(shop, dearer(), effective_from=LATER)
    seen = (await shop.get("/v1/policies/x-cart")).headers["etag"]
    await shop.ok(await shop.delete(f"{PATH}/2"), 200)
    body = {"document": dearer()}
    late = await shop.client.post(PATH, json=body, headers={"If-Match": seen, "Idempotency-Key": "late"})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    now = (await shop.get("/v1/policies/x-cart")).headers["etag"]
    good = await shop.client.post(PATH, json=body, headers={"If-Match": now, "Idempotency-Key": "good"})
    assert (good.status_code, good.json()["version"]) == (201, 3)


async def test_graphql_says_the_same(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await publish(shop, dearer(), effective_from=LATER)
    query = """mutation { withdrawPolicyVersion(input: {name: "x-cart", version: 2}) {
      ... on VersionRow { version effectiveFrom withdrawnAt } } }"""
    answer = (await shop.client.post("/graphql", json={"query": query})).json()
    assert answer["data"]["withdrawPolicyVersion"] == {"version": 2, "effectiveFrom": LATER, "withdrawnAt": START}
