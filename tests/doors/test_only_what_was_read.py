"""If-Match and If-None-Match on everything that can be edited: a lost update is told (412), by REST and by GraphQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.usecases.tenants import tenants
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.contract import operations
from tests.support.graphql import ask

HOOK = {"url": "https://shop.example/hooks"}
HOURS = {"weekly_hours": {"mon": [["00:00", "24:00"]]}}
Prepare = Callable[[Vendor], Awaitable[str]]


async def calendar(shop: Vendor) -> str:
    await shop.ok(await shop.put("/v1/calendars/night", {"zone": "Europe/Berlin"}))
    return "/v1/calendars/night"


async def policy(shop: Vendor) -> str:
    return "/v1/policies/avactis"


async def endpoint(shop: Vendor) -> str:
    made = await shop.ok(await shop.post("/v1/webhook-endpoints", HOOK, key=None))
    return f"/v1/webhook-endpoints/{made['endpoint_id']}"


async def customer(shop: Vendor) -> str:
    await shop.ok(await shop.put("/v1/customers/kim", {"name": "Kim"}), 201)
    return "/v1/customers/kim"


CASES: dict[str, tuple[Prepare, str, str, Any]] = {
    "putCalendar": (calendar, "PUT", "", {"zone": "Asia/Tokyo"}),
    "publishCalendarVersion": (calendar, "POST", "/versions", {"effective_from": "2025-06-01", **HOURS}),
    "putCustomer": (customer, "PUT", "", {"name": "Kim Lee"}),
    "publishPolicy": (policy, "POST", "/versions", {"document": tenants.templates()["avactis"][1]}),
    "changeWebhookEndpoint": (endpoint, "PATCH", "", {"description": "another"}),
    "deleteWebhookEndpoint": (endpoint, "DELETE", "", None),
}
"""How a thing is made, and the change of it; every operation that knows of 412 is here."""
STALE = '"v0-of-somebody-else"'


def test_nothing_that_can_be_edited_is_left_out() -> None:
    assert {one.id for one in operations() if "412" in one.spec["responses"]} == set(CASES)


async def change(shop: Vendor, path: str, case: str, headers: dict[str, str]) -> httpx.Response:
    _, method, below, body = CASES[case]
    given = {"Idempotency-Key": f"{case}-{len(headers)}-{sorted(headers.items())}", **headers}
    return await shop.client.request(method, path + below, json=body, headers=given)


@pytest.mark.parametrize("case", CASES)
async def test_a_change_of_what_has_changed_since_is_412_and_none(vendor: MakeVendor, case: str) -> None:
    shop = await vendor("avactis")
    path = await CASES[case][0](shop)
    before = await shop.get(path)
    tag = before.headers["etag"]
    for wrong in ({"If-Match": STALE}, {"If-Match": f"W/{tag}"}, {"If-None-Match": "*"}, {"If-None-Match": tag}):
        answer = await change(shop, path, case, wrong)
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed"), wrong
        assert answer.json()["etag"] == tag
    after = await shop.get(path)
    assert (after.headers["etag"], after.json()) == (tag, before.json())
    made = await change(shop, path, case, {"If-Match": f"{STALE}, {tag}"})
    assert made.status_code in (200, 201), made.text
    again = await shop.get(path)
    assert again.status_code == 404 or again.headers["etag"] != tag


@pytest.mark.parametrize("case", CASES)
async def test_graphql_says_the_same(vendor: MakeVendor, case: str) -> None:
    shop = await vendor("avactis")
    path = await CASES[case][0](shop)
    tag = (await shop.get(path)).headers["etag"]
    body = CASES[case][3] or {}
    given = {"".join([key.split("_")[0], *(w.title() for w in key.split("_")[1:])]): one for key, one in body.items()}
    if "webhook" in path:
        given["endpointId"] = path.rpartition("/")[2]
    elif "customers" in path:
        given["customerId"] = path.rpartition("/")[2]
    else:
        given["name"] = path.rpartition("/")[2]
    if case.startswith("publish"):
        given["idempotencyKey"] = case
    if case == "publishCalendarVersion":
        given["weeklyHours"] = HOURS["weekly_hours"]
    owner = f"{case[0].upper()}{case[1:]}Input!"
    query = f"mutation($i: {owner}) {{ {case}(input: $i) {{ __typename ... on Refusal {{ code status }} }} }}"
    late = (await ask(shop, query, i={**given, "ifMatch": STALE}))[case]
    assert late == {"__typename": "Refusal", "code": "precondition_failed", "status": 412}
    assert (await shop.get(path)).headers["etag"] == tag
    made = (await ask(shop, query, i={**given, "ifMatch": tag}))[case]
    assert made["__typename"] != "Refusal", made
