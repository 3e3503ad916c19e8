"""What a ticket says may be done is what its calls accept: every action is rehearsed on tickets of random lives."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from app.domain.tickets.actions import TicketAction
from tests.conftest import MakeVendor
from tests.support.api import START, Vendor
from tests.support.graphql import ask
from tests.tickets.desk import GOOD_FACTS, act, next_id, open_ticket, order, ticket_of
from tests.tickets.test_random_walks import GOODS, opening, step

OF_ACCOUNT = {
    "available_credits": {"insufficient_credits"},
    "cover": {"cover_expired", "no_cover"},
    "license_id": {"license_required"},
}
"""Needs that the account has to meet, and the codes of their absence."""


def call_of(
    ticket: dict[str, Any], action: str, needs: list[str], policy: dict[str, Any], beside: str
) -> tuple[str, Any]:
    """The path and the body of an action, with what it needs and no more."""
    document = policy["document"]
    numbers = {"number": 1}
    waiting = [quote["number"] for quote in ticket["assessments"] if quote["status"] == "awaiting_confirmation"]
    asked = [request["number"] for request in ticket["access_requests"] if request["granted_at"] is None]
    open_disputes = [dispute["number"] for dispute in ticket["disputes"] if dispute["decision"] is None]
    grounds = document.get("qualification", {}).get("grounds", [])
    excluding = [
        ground["code"] for ground in grounds if ground["kind"] == "exclusion" or ticket["state"] != "in_progress"
    ]
    causes = [cause["cause"] for cause in document.get("causes", []) if cause["cause"] != ticket["cause"]]
    returning = [cause["cause"] for cause in document.get("causes", []) if cause.get("returns") == "all"]
    free = [way["outcome"] for way in document.get("outcomes", []) if not way.get("captures", True)]
    category = next((c["category"] for c in document.get("categories", [])), "none")
    price = 5 if ticket["price"] is None else ticket["price"]
    numbers["confirm"] = waiting[0] if waiting else 1
    details: dict[str, Any] = {}
    table: dict[str, tuple[str, Any]] = {
        "details": ("details", details),
        "choose": ("details", {}),
        "withdraw": ("withdrawal", None),
        "accept": ("qualification", {"decision": "accept", **({"note": "so be it"} if "note" in needs else {})}),
        "reject": (
            "qualification",
            {"decision": "reject", "reasons": excluding[:1] or ["settings"], "note": "so it is"},
        ),
        "assess": (
            "assessments",
            {
                **({"category": category, "credits": price, "reason": "by hand"} if "category" in needs else {}),
                **({"credits": price, "reason": "by hand"} if "credits" in needs else {}),
                "inputs": {need.partition(".")[2]: 1 for need in needs if need.startswith("inputs.")},
            },
        ),
        "confirm": (f"assessments/{numbers['confirm']}/confirmation", {"accept": True}),
        "decline": (f"assessments/{numbers['confirm']}/confirmation", {"accept": False}),
        "respond": ("responses", {"author": "customer"}),
        "serve": ("responses", {"author": "vendor", "kind": "service"}),
        "request_access": ("access-requests", {"kinds": (document.get("access") or {"kinds": ["ftp"]})["kinds"][:1]}),
        "grant_access": (f"access-requests/{asked[0] if asked else 1}/grant", None),
        "reach": ("milestones", {"milestone": "workaround"}),
        "pause": ("pauses", {"reason": "waits_for_supplier", "party": "third_party"}),
        "resume": ("resumptions", {}),
        "apply_credit": ("credits", {"credit_type": ticket["credit_type"] or _type_of(document)}),
        "split": ("splits", {"ticket_id": next_id("child"), "subject": "more"}),
        "merge": ("merge", {"into_ticket_id": beside}),
        "log_work": ("work", {"minutes": 10}),
        "resolve": (
            "resolution",
            {
                **({"cause": returning[0]} if "cause" in needs and returning else {}),
                **({"outcome": free[0]} if "outcome" in needs else {}),
            },
        ),
        "reopen": ("reopening", {}),
        "dispute": ("disputes", {"reason": "too dear"}),
        "decide_dispute": (f"disputes/{open_disputes[0] if open_disputes else 1}/decision", {"decision": "upheld"}),
        "correct_cause": ("cause", {"cause": causes[0] if causes else "none", "reason": "found later"}),
    }
    return table[action]


def _type_of(document: dict[str, Any]) -> str:
    types = (document.get("credits") or {}).get("types") or [{"credit_type": "credit"}]
    return str(types[0]["credit_type"])


async def rehearse(shop: Vendor, ticket: dict[str, Any], policy: dict[str, Any], beside: str) -> None:
    """Every action that is listed as allowed is accepted; every other one is refused, with the code that is said."""
    listed = {row["action"]: row for row in ticket["actions"]}
    assert len(listed) == len(ticket["actions"])
    for action in get_args(TicketAction):
        row = listed.get(action, {"allowed": False, "needs": [], "code": None})
        if action == "choose" and not row["allowed"]:
            continue  # the same call as `details`
        path, body = call_of(ticket, action, row["needs"], policy, beside)
        answer = await shop.post(f"/v1/tickets/{ticket['ticket_id']}/{path}?validate_only=true", body)
        told = (ticket["state"], row, action, body, answer.status_code, answer.text[:600])
        assert answer.status_code < 500, told
        if not row["allowed"]:
            assert answer.status_code in (404, 409, 422), told
            assert row["code"] in (None, answer.json()["code"]), told
        elif answer.status_code >= 300:
            excused = set().union(*(OF_ACCOUNT.get(need, set()) for need in row["needs"]))
            assert answer.json()["code"] in excused, told


@pytest.mark.parametrize("policy", sorted(GOODS))
@pytest.mark.parametrize("seed", [7])
async def test_the_actions_of_random_tickets_are_what_a_rehearsal_says(
    vendor: MakeVendor, policy: str, seed: int
) -> None:
    dice = random.Random(f"actions-{policy}-{seed}")
    shop = await vendor(policy)
    document = (await shop.get(f"/v1/policies/{policy}")).json()
    now = datetime.fromisoformat(START)
    beside: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    tickets: list[str] = []
    for turn in range(45):
        if dice.random() < 0.12:
            now += timedelta(hours=dice.choice([1, 30, 24 * 9]))
            await shop.move_clock(now.isoformat().replace("+00:00", "Z"))
        stamp = now.isoformat().replace("+00:00", "Z")
        if turn < 2 or dice.random() < 0.12:
            made = await order(shop, "walker", GOODS[policy][min(turn, 1)], placed_at=stamp)
            for choice in made.get("choices", []):
                await shop.post(f"/v1/customers/walker/choices/{choice['choice_id']}", {"option": "credits"})
        if not tickets or dice.random() < 0.25:
            name = next_id("A")
            body = {"customer_id": "walker", "subject": "walk", "channel": "helpdesk", **opening(dice, policy)}
            if (await shop.put(f"/v1/tickets/{name}", body)).status_code == 201:
                tickets.append(name)
            continue
        name = dice.choice(tickets[-4:])
        ticket = await ticket_of(shop, {"ticket_id": name})
        verb, stated = step(dice, policy, ticket)
        await shop.post(f"/v1/tickets/{name}/{verb}", stated)
        ticket = await ticket_of(shop, {"ticket_id": name})
        kind = (ticket["state"], str([(row["action"], row["code"]) for row in ticket["actions"]]))
        if kind in seen:
            continue
        seen.add(kind)
        if "open" not in beside or (await ticket_of(shop, {"ticket_id": beside["open"]}))["closed_at"] is not None:
            beside["open"] = (await _open_beside(shop, policy))["ticket_id"]
        if beside["open"] != name:
            await rehearse(shop, ticket, document, beside["open"])
    assert len(seen) >= 3


async def _open_beside(shop: Vendor, policy: str) -> dict[str, Any]:
    more: dict[str, Any] = {"shopp": {"facts": GOOD_FACTS}}.get(policy, {})
    return await open_ticket(shop, "walker", **more)


async def test_a_quote_is_the_customers_to_confirm(vendor: MakeVendor) -> None:
    """A sidebar and a customer's page show the buttons that the state allows, and whose they are."""
    shop = await vendor("cs-cart")
    choice = (await order(shop, "anna", "license", "credits-25"))["choices"][0]["choice_id"]
    await shop.ok(await shop.post(f"/v1/customers/anna/choices/{choice}", {"option": "credits"}))
    ticket = await open_ticket(shop, "anna", category="category_2")
    if ticket["state"] == "awaiting_assessment":
        ticket = await act(shop, ticket, "assessments", {"credits": 10, "reason": "as agreed"})
    assert ticket["state"] == "awaiting_confirmation", ticket
    rows = {row["action"]: row for row in ticket["actions"]}
    assert (rows["confirm"]["by"], rows["confirm"]["allowed"]) == ("customer", True)
    assert (rows["decline"]["by"], rows["decline"]["allowed"]) == ("customer", True)
    assert (rows["serve"]["allowed"], rows["serve"]["code"], rows["serve"]["needs"]) == (
        False,
        "awaiting_confirmation",
        ["confirm"],
    )
    assert "resolve" not in rows
    listed = await shop.ok(await shop.get("/v1/tickets"))
    assert listed["data"][0]["actions"] == (await ticket_of(shop, ticket))["actions"]
    query = "query($id: ID!) { ticket(ticketId: $id) { actions { action by allowed needs code } } }"
    found = await ask(shop, query, id=ticket["ticket_id"])
    assert {row["action"].lower() for row in found["ticket"]["actions"]} == set(rows), found


async def test_a_closed_ticket_allows_nothing_that_its_end_forbids(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "anna", "license", "credits-60")
    ticket = await open_ticket(shop, "anna", category="level_1")
    gone = await act(shop, ticket, "withdrawal")
    assert gone["actions"] == []
