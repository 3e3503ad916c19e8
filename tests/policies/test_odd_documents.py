"""Odd documents: each is refused with its line, or it is valid and works; none answers 500, now or later."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.documents.policy_document import dump
from app.usecases.policies import policies
from app.usecases.tenants import tenants
from tests.conftest import MakeVendor
from tests.support.api import Vendor

ORDER = {
    "customer_id": "anna",
    "placed_at": "2025-01-01T00:00:00Z",
    "currency": "USD",
    "lines": [{"line_id": "1", "sku": "license-standard", "quantity": 1}],
}


def document(name: str) -> dict[str, Any]:
    return copy.deepcopy(dump(tenants.templates()[name][0]))


def with_rule(name: str, when: Any) -> dict[str, Any]:
    """A shipped document whose first action refuses first of all where the condition holds."""
    found = document(name)
    rule = {"allow": False, "code": "late", "clause": found["clauses"][0]["id"], "message": "No more.", "when": when}
    found["actions"][0]["rules"].insert(0, rule)
    return found


async def errors(shop: Vendor, found: Any) -> list[dict[str, Any]]:
    """What `validate` refuses."""
    answer = await shop.post("/v1/policies/validate", {"document": json.dumps(found, indent=1)}, key=None)
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["problems"] if one["severity"] == "error"]


@pytest.mark.parametrize(
    ("op", "value", "refused"),
    [
        ("lt", "2030-01-01T00:00:00Z", True),
        ("lt", "2025-03-01T00:00:00+02:00", False),
        ("ge", "2025-07-01T02:00:00+02:00", True),
        ("eq", "2025-07-01T02:00:00+02:00", True),
        ("ne", "2025-07-01T00:00:00Z", False),
        ("gt", "2025-07-01T00:00:00Z", False),
        ("in", ["2025-07-01T00:00:00Z", "2026-01-01T00:00:00Z"], True),
    ],
)
async def test_a_rule_compares_instants(vendor: MakeVendor, op: str, value: Any, refused: bool) -> None:
    """The cover of this order ends on 1 July 2025, 00:00 UTC."""
    shop = await vendor("cactushop")
    found = with_rule("cactushop", {"fact": "cover.ends_at", "op": op, "value": value})
    assert await errors(shop, found) == []
    await shop.ok(await shop.post("/v1/policies/cactushop/versions", {"document": json.dumps(found)}))
    placed = await shop.ok(await shop.put("/v1/orders/1", ORDER))
    assert placed["covers"][0]["ends_at"] == "2025-07-01T00:00:00Z"
    asked = await shop.ok(
        await shop.get(f"/v1/customers/anna/entitlements/{found['actions'][0]['action']}", license_id=None)
    )
    assert ("late" in [one["code"] for one in asked["reasons"]]) is refused


@pytest.mark.parametrize(
    ("when", "word"),
    [
        ({"fact": "cover.ends_at", "op": "lt", "value": "2030-01-01"}, "a time"),
        ({"fact": "cover.ends_at", "op": "lt", "value": "2030-13-01T00:00:00Z"}, "a time"),
        ({"fact": "cover.ends_at", "op": "lt", "value": "soon"}, "a time"),
        ({"fact": "cover.ends_at", "op": "lt", "value": "2030-01-01T00:00:00"}, "a time"),
        ({"fact": "cover.ends_at", "op": "in", "value": ["2030-01-01T00:00:00Z", "x"]}, "a time"),
        ({"fact": "cover.ends_at", "op": "lt", "value": 1893456000}, "a time"),
        ({"fact": "credits.available", "op": "lt", "value_fact": "query.product"}, "cannot compare"),
        ({"fact": "credits.available", "op": "eq", "value_fact": "cover.active"}, "cannot compare"),
        ({"fact": "credits.available", "op": "contains", "value_fact": "query.product"}, "cannot compare"),
        ({"fact": "credits.available", "op": "contains", "value": 3}, "does not fit"),
        ({"fact": "cover.ends_at", "op": "gt", "value_fact": "credits.available"}, "cannot compare"),
        ({"fact": "customer.editions", "op": "contains", "value_fact": "cover.ends_at"}, "cannot compare"),
        ({"fact": "query.product", "op": "in", "value_fact": "query.forum"}, "needs a list"),
        ({"fact": "query.product", "op": "lt", "value_fact": "query.forum"}, "no order"),
        ({"fact": "query.product", "value": "a", "value_fact": "query.forum"}, "not both"),
    ],
)
async def test_a_comparison_of_different_types_is_named_with_its_line(
    vendor: MakeVendor, when: dict[str, Any], word: str
) -> None:
    shop = await vendor("cactushop")
    found = with_rule("cactushop", {"all": [{"fact": "cover.ever"}, {"no": when}]})
    found["actions"][0]["rules"][0]["when"]["all"][0]["value"] = True
    (fault,) = await errors(shop, found)
    assert fault["code"] == "bad_comparison"
    assert word in fault["message"]
    assert fault["hint"]
    lines = json.dumps(found, indent=1).splitlines()
    assert when["fact"] in "".join(lines[fault["line"] - 1 : fault["line"] + 2])
    refused = await shop.post("/v1/policies/cactushop/versions", {"document": json.dumps(found)})
    assert (refused.status_code, refused.json()["code"]) == (422, "policy_invalid")


async def test_decimals_of_a_comparison_are_numbers(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    for value, good in (("20.5", True), ("-1", True), ("1/0", False), ("NaN", False), ("1e9", False), ("²", False)):
        found = document("avactis")
        found["offers"][0]["requires"] = {"fact": "line.discount_percent", "op": "lt", "value": value}
        found["offers"][0]["otherwise"] = {
            "code": "too_cheap",
            "clause": found["clauses"][0]["id"],
            "message": "Too cheap.",
        }
        codes = {one["code"] for one in await errors(shop, found)}
        assert ("bad_comparison" in codes) is not good, (value, codes)


def at(found: Any, path: str) -> Any:
    for part in path.split("/"):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


@pytest.mark.parametrize(
    ("name", "path", "key", "value"),
    [
        ("x-cart", "promises/0", "breach_returns_credits", 2_000_000_000_000),
        ("x-cart", "credits", "low_at", 2**53 - 1),
        ("x-cart", "credits", "low_at", -1),
        ("x-cart", "reopening", "window", {"days": 2**53 - 1}),
        ("x-cart", "reopening", "window", {"days": -30}),
        ("shopp", "money_back", "full_within", {"years": 9_999}),
        ("cs-cart", "cover", "suspensions", 2**40),
        ("cactushop", "service_hours", "notice_days", 2**40),
        ("shopp", "promises/0", "warnings", [{"business_seconds_before": 2**50}]),
        ("shopp", "promises/0", "warnings", [{"business_seconds_before": -5}]),
    ],
)
async def test_a_number_beyond_its_bounds_is_named_with_its_line(
    vendor: MakeVendor, name: str, path: str, key: str, value: Any
) -> None:
    shop, found = await vendor(name), document(name)
    at(found, path)[key] = value
    said = [one for one in await errors(shop, found) if one["code"] == "out_of_bounds"]
    assert said, "it is refused"
    assert said[0]["path"].startswith(f"/{path}/{key}")
    assert json.dumps(found, indent=1).splitlines()[said[0]["line"] - 1].strip().startswith('"')
    assert "Write a number from" in said[0]["hint"]


async def test_the_largest_price_times_the_largest_quantity_is_refused_or_taken(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    for price in ("999999999999.99", "99999999999999.99", "9999999999.99"):
        for sku in ("credits-60", "credits-9999999", "license"):
            order = {
                "customer_id": "m",
                "placed_at": "2025-01-01T00:00:00Z",
                "currency": "USD",
                "lines": [{"line_id": "1", "sku": sku, "quantity": 1000, "unit_price": price, "list_price": price}],
            }
            answer = await shop.put(f"/v1/orders/{sku}-{price}", order)
            assert answer.status_code in (200, 201, 400, 422), answer.text


# --- documents of any kind --------------------------------------------------------------------------------------------

ODD: list[Any] = [
    None,
    "",
    " ",
    "x",
    "{n}",
    "{",
    "{x}",
    "²",
    "١",
    "1/0",
    "NaN",
    "-1",
    "1e9",
    "2030-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "2025-02-30",
    "24:00",
    "00:00",
    "business_days:0",
    "business_days:99999999999",
    "seconds:1",
    "at:0001-01-01T00:00:00+14:00",
    0,
    -1,
    1,
    2**31,
    2**53 - 1,
    -(2**53),
    2**63,
    10**400,
    1.5,
    1e308,
    True,
    False,
    [],
    [[]],
    {},
    {"kind": "fixed"},
    {"fact": "cover.ends_at", "op": "lt", "value": "x"},
    {"fact": "credits.available", "op": "lt", "value_fact": "cover.active"},
    {"all": []},
    {"any": []},
    {"no": {"all": []}},
    {"years": 100},
    {"days": -1},
    "a" * 5_000,
    "\ud800",
    "\x00",
    "mon",
    ["00:00", "24:00"],
    [["00:00", "00:00"]],
    "Europe/../x",
    "/etc/passwd",
    "easter",
    "12-32",
    "02-29",
]


def places(found: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document, outermost first."""
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    mine = [before] if before else []
    return mine + [place for key, value in inner for place in places(value, (*before, key))]


def changed(found: Any, change: Any) -> None:
    """Puts something odd at one place, moves a value of one place to another, or takes one away."""
    everywhere = places(found)
    *way, last = everywhere[change[1] % len(everywhere)]
    holder = found
    for part in way:
        holder = holder[part]
    if change[0] == "odd":
        holder[last] = ODD[change[2] % len(ODD)]
    elif change[0] == "move":
        other: Any = found
        for part in everywhere[change[2] % len(everywhere)]:
            other = other[part]
        holder[last] = copy.deepcopy(other)
    else:
        del holder[last]


CHANGES = st.lists(
    st.tuples(st.sampled_from(["odd", "odd", "move", "gone"]), st.integers(0, 10**6), st.integers(0, 10**6)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(["avactis", "cactushop", "cs-cart", "shopp", "x-cart"]), changes=CHANGES)
def test_a_check_answers_whatever_the_document_says(name: str, changes: list[Any]) -> None:
    found = document(name)
    for change in changes:
        changed(found, change)
    asyncio.run(policies.validate(json.dumps(found, indent=1)))


@pytest.mark.parametrize(
    "odd", ["", "null", "[]", "1", "policy: x", "a: &a [*a]", "\t", "---\n---", "{" * 99, "? [a]\n: b", "\ud83d"]
)
async def test_texts_that_are_no_policy_are_answered(vendor: MakeVendor, odd: str) -> None:
    shop = await vendor("avactis")
    raw = json.dumps({"document": odd}).encode()
    answer = await shop.client.post("/v1/policies/validate", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 422), answer.text


async def test_odd_documents_are_answered_over_http(vendor: MakeVendor) -> None:
    """Each odd value at one place of each kind."""
    shop = await vendor("shopp")
    for number, value in enumerate(ODD):
        found = document("shopp")
        changed(found, ("odd", number * 37, number))
        raw = json.dumps({"document": json.dumps(found, indent=1)}).encode()
        answer = await shop.client.post(
            "/v1/policies/validate", content=raw, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (200, 400, 422), (value, answer.text)


async def test_a_long_term_times_a_large_quantity_is_refused_by_name(vendor: MakeVendor) -> None:
    shop, found = await vendor("cactushop"), document("cactushop")
    offer = next(one for one in found["offers"] if one["kind"] == "cover")
    offer["grants"][0]["term"] = {"years": 100}
    await shop.ok(await shop.post("/v1/policies/cactushop/versions", {"document": json.dumps(found)}))
    lines = [
        {"line_id": "1", "sku": "license-standard", "quantity": 1},
        {"line_id": "2", "sku": offer["sku"], "quantity": 900},
    ]
    answer = await shop.put("/v1/orders/1", {**ORDER, "lines": lines})
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "instant_out_of_range"


async def test_a_large_draft_does_not_hold_the_others_up(vendor: MakeVendor) -> None:
    """While a draft that takes long is checked, other calls are answered."""
    shop, found = await vendor("cactushop"), document("cactushop")
    facts = ("cover.active", "cover.ever", "cover.suspended", "cover.pending", "choice.open", "license.given")
    many = [{"any": [{"fact": one, "value": bool(i >> n & 1)} for n, one in enumerate(facts)]} for i in range(64)]
    rule = found["actions"][0]["rules"][0]
    found["actions"][0]["rules"][:0] = [{**rule, "when": {"all": many[:60]}} for _ in range(12)]
    asking = asyncio.ensure_future(shop.post("/v1/policies/validate", {"document": json.dumps(found)}, key=None))
    answered = 0
    while not asking.done():
        await shop.ok(await shop.get("/v1/clock"))
        answered += 1
    assert (await asking).status_code == 200
    assert answered >= 5
