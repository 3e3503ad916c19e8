"""Agents by the protocol's own client: what they are told, what they may do, and what they may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.agents.desk import agent, key_of
from tests.browser.vendor import Shop
from tests.support.api import OPERATOR_KEY
from tests.support.serving import serving

NOW = "2025-02-03T08:00:00Z"
READING = {
    "find_customer",
    "show_account",
    "decide_entitlement",
    "price_request",
    "show_ticket",
    "explain",
    "list_offers",
}
WRITING = {"open_ticket", "answer_quote", "resolve_ticket"}


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    """The service on a port."""
    with serving(module_url) as client:
        yield client


@pytest.fixture
def shop(service: httpx.Client) -> Shop:
    """A vendor with credits, categories and consent; Ida has credits, Otto nothing."""
    made = Shop.open(service, "cs-cart", NOW)
    order = made.order("o-1", "ida", "license")
    made.post(f"/v1/customers/ida/choices/{order['choices'][0]['choice_id']}", option="credits")
    made.call("PUT", "/v1/customers/ida", {"name": "Ida Berg", "emails": ["ida@berg.example"]})
    return made


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_is_shown_ten_tools_by_either_revision(service: httpx.Client, shop: Shop, mode: str) -> None:
    async with agent(service, shop.key, mode) as ai:
        tools = await ai.tools()
        assert set(tools) == READING | WRITING
        assert len(tools) <= 10
        for name, tool in tools.items():
            assert tool.description
            assert tool.input_schema["additionalProperties"] is False
            assert tool.annotations.read_only_hint == (name in READING)
            assert ("confirmation" in tool.input_schema["properties"]) == (name in WRITING)
        found = await ai.call("find_customer", query="berg")
        assert [row["customer_id"] for row in found["answer"]["data"]] == ["ida"]


async def test_am_i_covered_and_what_does_it_cost(service: httpx.Client, shop: Shop) -> None:
    """The two questions of an AI helpdesk, each answered with its clause and whether it is a reading."""
    async with agent(service, key_of(shop, "customers:read", "policies:read", "orders:read", "tickets:read")) as ai:
        assert set(await ai.tools()) == READING
        account = (await ai.call("show_account", customer_id="ida"))["answer"]
        assert account["account"]["balance"]["available"] == 40
        assert account["may_open_a_ticket"]["allowed"] is True
        decided = await ai.call("decide_entitlement", customer_id="otto", action="open_ticket")
        assert decided["answer"]["allowed"] is False
        assert {"clause": "CSC-22", "reading": False} in decided["because"]
        categories = await ai.call("price_request")
        assert {"category_1", "category_2", "category_3"} <= {
            one["category"] for one in categories["answer"]["categories"]
        }
        price = await ai.call("price_request", category="category_2", customer_id="ida")
        assert price["answer"]["credits"] == 10
        assert "CSC-7" in {one["clause"] for one in price["because"]}
        offers = await ai.call("list_offers", customer_id="ida")
        assert "credits-25" in {one["sku"] for one in offers["answer"]["data"]}
        assert {"clause", "reading"} == set(offers["because"][0])


async def test_a_ticket_is_opened_confirmed_and_resolved_after_rehearsals(service: httpx.Client, shop: Shop) -> None:
    said = {"ticket_id": "t-1", "customer_id": "ida", "subject": "Shipping", "channel": "helpdesk", "language": "en"}
    said |= {"category": "category_2", "pay_with": "credits"}
    async with agent(service, key_of(shop, "agents:write", "tickets:read", "tickets:write")) as ai:
        shown = await ai.call("open_ticket", **said)
        assert (shown["rehearsal"], shown["answer"]["state"]) == (True, "awaiting_confirmation")
        assert "CSC-9" in {one["clause"] for one in shown["because"]}
        assert (await ai.refused("show_ticket", ticket_id="t-1"))["code"] == "ticket_not_found"
        opened = await ai.call("open_ticket", **said, confirmation=shown["confirmation"])
        assert (opened["done"], opened["done_before"]) == (True, False)
        again = await ai.call("open_ticket", **said, confirmation=shown["confirmation"])
        assert (again["done"], again["done_before"]) == (True, True)
        ticket = (await ai.call("show_ticket", ticket_id="t-1"))["answer"]
        assert ticket["state"] == "awaiting_confirmation"

        yes = {"ticket_id": "t-1", "number": 1, "accept": True}
        shown = await ai.call("answer_quote", **yes)
        assert (shown["answer"]["state"], shown["answer"]["charge"]["held"]) == ("in_progress", 10)
        assert (await ai.call("show_ticket", ticket_id="t-1"))["answer"]["state"] == "awaiting_confirmation"
        done = await ai.call("answer_quote", **yes, confirmation=shown["confirmation"])
        assert done["answer"]["state"] == "in_progress"
        again = await ai.call("answer_quote", **yes, confirmation=shown["confirmation"])
        assert (again["done_before"], again["answer"]) == (True, done["answer"])

        end = {"ticket_id": "t-1", "cause": "software_bug"}
        shown = await ai.call("resolve_ticket", **end)
        assert shown["answer"]["charge"]["net"] == 0
        assert "CSC-16" in {one["clause"] for one in shown["because"]}
        done = await ai.call("resolve_ticket", **end, confirmation=shown["confirmation"])
        assert done["answer"]["state"] == "resolved"
        told = await ai.call("explain", kind="ticket", id="t-1")
        assert told["because"]
    assert shop.call("GET", "/v1/customers/ida/balance")["available"] == 40
    assert shop.call("GET", "/v1/audit")["data"] == []


async def test_a_ticket_says_when_each_promise_is_due(service: httpx.Client) -> None:
    shop = Shop.open(service, "x-cart", "2025-02-03T08:00:00Z")
    shop.order("o-9", "eva", "license")
    opened = shop.ticket("t-9", "eva", "Taxes are wrong", category="level_1")
    async with agent(service, shop.key) as ai:
        ticket = await ai.call("show_ticket", ticket_id="t-9")
        due = {clock["milestone"]: clock["due_at"] for clock in ticket["answer"]["clocks"] if "due_at" in clock}
        assert due == {clock["milestone"]: clock["due_at"] for clock in opened["clocks"] if clock["due_at"]}
        assert due
        told = await ai.call("explain", kind="clock", id=opened["clocks"][0]["clock_id"])
        assert opened["clocks"][0]["due_at"] in str(told["answer"])
        assert told["because"]


async def test_a_confirmation_is_good_for_what_was_shown_alone(service: httpx.Client, shop: Shop) -> None:
    said = {"ticket_id": "t-2", "customer_id": "ida", "subject": "A", "language": "en", "category": "category_1"}
    said |= {"pay_with": "credits", "channel": "helpdesk"}
    async with agent(service, shop.key) as ai:
        shown = await ai.call("open_ticket", **said)
        value = shown["confirmation"]
        for other in ({"subject": "B"}, {"category": "category_3"}, {"customer_id": "otto"}, {"ticket_id": "t-3"}):
            assert (await ai.refused("open_ticket", **{**said, **other}, confirmation=value))["code"] == (
                "confirmation_invalid"
            )
        for wrong in ("", "x", "1.2.3.4", value[:-2] + "AA", value.upper(), "é" * 20, "9" * 300, f"9{value}"):
            refusal = await ai.refused("open_ticket", **said, confirmation=wrong)
            assert refusal["code"] == "confirmation_invalid", wrong
        assert (await ai.refused("resolve_ticket", ticket_id="t-2", confirmation=value))["code"] == (
            "confirmation_invalid"
        )
    async with agent(service, key_of(shop, "*")) as another:
        refusal = await another.refused("open_ticket", **said, confirmation=value)
        assert refusal["code"] == "confirmation_invalid"
    beside = Shop.open(service, "cs-cart", NOW)
    async with agent(service, beside.key) as stranger:
        assert (await stranger.refused("open_ticket", **said, confirmation=value))["code"] == "confirmation_invalid"


async def test_what_has_changed_since_the_rehearsal_is_shown_anew(service: httpx.Client, shop: Shop) -> None:
    """The credits that the rehearsal counted on are gone: nothing is written, and the answer says to what it came."""
    said = {"ticket_id": "t-4", "customer_id": "ida", "subject": "A", "language": "en", "channel": "helpdesk"}
    said |= {"category": "category_2", "pay_with": "credits", "agreed_up_to": 10}
    async with agent(service, shop.key) as ai:
        shown = await ai.call("open_ticket", **said)
        assert shown["answer"]["charge"]["held"] == 10
        shop.post("/v1/customers/ida/debits", credits=35)
        refusal = await ai.refused("open_ticket", **said, confirmation=shown["confirmation"])
        assert refusal["code"] == "rehearsal_outdated"
        anew = refusal["rehearsal"]
        assert anew["answer"]["state"] != shown["answer"]["state"]
        assert (await ai.refused("show_ticket", ticket_id="t-4"))["code"] == "ticket_not_found"
        done = await ai.call("open_ticket", **said, confirmation=anew["confirmation"])
        assert (done["done"], done["answer"]["state"]) == (True, anew["answer"]["state"])


async def test_scopes_hold_for_each_tool(service: httpx.Client, shop: Shop) -> None:
    shop.ticket("t-5", "ida", "A", language="en", category="category_2", pay_with="credits")
    async with agent(service, key_of(shop, "tickets:write", "tickets:read")) as ai:
        assert set(await ai.tools()) == {"show_ticket", "explain"}
        refusal = await ai.refused("answer_quote", ticket_id="t-5", number=1, accept=True)
        assert (refusal["code"], refusal["scope"], refusal["status"]) == ("scope_missing", "agents:write", 403)
        assert (await ai.refused("find_customer", query="ida"))["scope"] == "customers:read"
    async with agent(service, key_of(shop, "agents:write", "tickets:read")) as ai:
        assert set(await ai.tools()) == {"show_ticket", "explain"}
        refusal = await ai.refused("answer_quote", ticket_id="t-5", number=1, accept=True)
        assert refusal["scope"] == "tickets:write"
    async with agent(service, OPERATOR_KEY) as ai:
        assert await ai.tools() == {}
        assert (await ai.refused("show_ticket", ticket_id="t-5"))["code"] == "operator_not_allowed"
        assert (await ai.refused("resolve_ticket", ticket_id="t-5"))["code"] == "operator_not_allowed"
    assert shop.call("GET", "/v1/tickets/t-5")["state"] == "awaiting_confirmation"


async def test_another_tenant_s_things_are_not_there(service: httpx.Client, shop: Shop) -> None:
    shop.ticket("t-6", "ida", "A", language="en", category="category_2", pay_with="credits")
    beside = Shop.open(service, "cs-cart", NOW)
    async with agent(service, beside.key) as ai:
        assert (await ai.call("find_customer", query="berg"))["answer"] == {}
        assert (await ai.refused("show_account", customer_id="ida"))["code"] == "customer_not_found"
        for tool, more in (
            ("show_ticket", {}),
            ("answer_quote", {"number": 1, "accept": True}),
            ("resolve_ticket", {"cause": "question"}),
        ):
            assert (await ai.refused(tool, ticket_id="t-6", **more))["status"] == 404, tool
        assert (await ai.refused("explain", kind="ticket", id="t-6"))["status"] == 404


async def test_a_customer_s_token_sees_its_own(service: httpx.Client, shop: Shop) -> None:
    shop.ticket("t-7", "ida", "A", language="en", category="category_2", pay_with="credits")
    shop.order("o-2", "otto", "license")
    made = shop.client.post(
        "/v1/customers/otto/tokens", headers={"Authorization": f"Bearer {shop.key}"}, json={"minutes": 5, "may": "act"}
    )
    async with agent(service, made.json()["token"]) as ai:
        assert (await ai.call("show_account", customer_id="otto"))["answer"]["account"]["customer_id"] == "otto"
        assert (await ai.refused("show_account", customer_id="ida"))["status"] == 404
        assert (await ai.refused("show_ticket", ticket_id="t-7"))["status"] == 404
        refusal = await ai.refused("answer_quote", ticket_id="t-7", number=1, accept=True)
        assert refusal["scope"] == "agents:write"


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("find_customer", {}, "invalid_input"),
    ("find_customer", {"query": 7}, "invalid_input"),
    ("find_customer", {"query": "a\x00b"}, "invalid_input"),
    ("find_customer", {"query": "x" * 5000}, "invalid_input"),
    ("find_customer", {"query": "ida", "limit": 1.5}, "invalid_input"),
    ("find_customer", {"query": "ida", "limit": 1000}, "invalid_input"),
    ("find_customer", {"query": "ida", "limit": -1}, "invalid_input"),
    ("find_customer", {"query": "ida", "sort": "up"}, "invalid_input"),
    ("show_account", {"customer_id": ""}, "invalid_input"),
    ("show_account", {"customer_id": "a" * 300}, "invalid_input"),
    ("show_account", {"customer_id": "\u202e\x07"}, "invalid_input"),
    ("show_ticket", {"ticket_id": ["t"]}, "invalid_input"),
    ("show_ticket", {"ticket_id": "t-1", "as_of": "yesterday"}, "invalid_input"),
    ("explain", {"kind": "Ticket; drop", "id": "1"}, "invalid_input"),
    ("explain", {"kind": "wish", "id": "1"}, "kind_not_found"),
    ("price_request", {"category": "no_such"}, "unknown_category"),
    ("price_request", {"category": "category_1", "inputs": {"N": 10**30}}, "invalid_input"),
    ("price_request", {"category": "category_1", "facts": {"a": 1.5}}, "invalid_input"),
    ("open_ticket", {"ticket_id": "t", "customer_id": "ida", "agreed_up_to": -1}, "invalid_input"),
    ("open_ticket", {"ticket_id": "t", "customer_id": "ida", "opened_at": NOW}, "invalid_input"),
    ("answer_quote", {"ticket_id": "t", "number": 0, "accept": True}, "invalid_input"),
    ("answer_quote", {"ticket_id": "t", "number": True, "accept": 1}, "invalid_input"),
    ("answer_quote", {"ticket_id": "t", "number": 10**20, "accept": True}, "invalid_input"),
    ("resolve_ticket", {"ticket_id": "never", "cause": "question"}, "ticket_not_found"),
    ("drop_table", {}, "tool_not_found"),
]


@pytest.mark.parametrize(("tool", "given", "code"), BAD, ids=[f"{one[0]}-{at}" for at, one in enumerate(BAD)])
async def test_bad_arguments_are_refusals_and_never_faults(
    service: httpx.Client, shop: Shop, tool: str, given: dict[str, Any], code: str
) -> None:
    async with agent(service, shop.key) as ai:
        assert (await ai.refused(tool, **given))["code"] == code


async def test_deeply_nested_arguments_are_refused(service: httpx.Client, shop: Shop) -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = {"a": deep}
    async with agent(service, shop.key) as ai:
        refusal = await ai.refused("price_request", category="category_1", facts=deep)
        assert refusal["status"] == 422 or refusal["code"] == "too_deep"


async def test_a_customers_token_is_shown_no_tool_about_all_customers(service: httpx.Client, shop: Shop) -> None:
    made = shop.post("/v1/customers/ida/tokens", may="read")
    async with agent(service, made["token"]) as ai:
        tools = set(await ai.tools())
        assert "find_customer" not in tools
        assert {"show_account", "show_ticket", "explain"} <= tools
        assert (await ai.refused("find_customer", query="ida"))["status"] == 404


async def test_a_rehearsal_says_that_the_ticket_is_there(service: httpx.Client, shop: Shop) -> None:
    said = {"ticket_id": "t-9", "customer_id": "ida", "subject": "Shipping", "channel": "helpdesk", "language": "en"}
    async with agent(service, shop.key) as ai:
        new = await ai.call("open_ticket", **said)
        assert "done_before" not in new
        await ai.call("open_ticket", **said, confirmation=new["confirmation"])
        there = await ai.call("open_ticket", **said)
        assert (there["rehearsal"], there["done_before"]) == (True, True)
        assert there["next_step"].startswith("It was done before")
        again = await ai.call("open_ticket", **said, confirmation=there["confirmation"])
        assert (again["done"], again["done_before"]) == (True, True)
