"""An agreement between teams of the vendor: a clock beside the customer's, by a name of its own."""

from __future__ import annotations

import json

import httpx
import pytest
from fastapi import FastAPI

from tests.prices.shop import DOCUMENT
from tests.prices.test_checks import found_in, line_of
from tests.support.vendors import opened, vendor_under

TEAM = """promises:
  - {milestone: first_response, target: "business_seconds:14400", starts: opened, stops: [vendor_response], clause: D-8}
  - milestone: taken_over
    team: second level
    target: "business_seconds:3600"
    starts: opened
    stops: [reached, vendor_response]
    clause: D-8
outcomes:"""
AGREED = DOCUMENT.replace("outcomes:", TEAM, 1)


async def test_a_team_owes_beside_the_vendor(app: FastAPI, api: httpx.AsyncClient) -> None:
    assert found_in(AGREED) == []
    shop = await vendor_under(app, api, AGREED)
    ticket = await opened(shop, "T-1", "bug")
    assert [(clock["milestone"], clock["due_at"], clock.get("team")) for clock in ticket["clocks"]] == [
        ("first_response", "2025-03-03T12:00:00Z", None),
        ("taken_over", "2025-03-03T09:00:00Z", "second level"),
    ]
    await shop.move_clock("2025-03-03T10:00:00Z")
    late = (await shop.get("/v1/clocks", outcome="breached")).json()["data"]
    assert [(clock["milestone"], clock["team"]) for clock in late] == [("taken_over", "second level")]
    (told,) = (await shop.get("/v1/events", type="clock.breached")).json()["data"]
    assert (told["data"]["milestone"], told["data"]["team"]) == ("taken_over", "second level")
    await shop.ok(await shop.post("/v1/tickets/T-1/milestones", {"milestone": "taken_over"}))
    token = await shop.ok(await shop.post("/v1/customers/ann/tokens", {"minutes": 5}))
    asks = {"Authorization": f"Bearer {token['token']}"}
    for path in (
        "/v1/customers/ann",
        "/v1/customers/ann/statement",
        "/v1/tickets/T-1",
        "/v1/explain/ticket/T-1",
        "/v1/clocks",
        "/v1/tickets?customer_id=ann",
        "/v1/customers/ann/export",
    ):
        seen = await api.get(path, headers=asks)
        assert "taken_over" not in seen.text, path
        assert "second level" not in seen.text, path
    query = {"query": '{ ticket(ticketId: "T-1") { clocks { milestone team } } }'}
    seen = await api.post("/graphql", json=query, headers=asks)
    assert seen.json() == {"data": {"ticket": {"clocks": [{"milestone": "first_response", "team": None}]}}}
    # What is hidden hangs on the clocks, whether or not the query asks for them.
    rows = "{ nodes { milestones { milestone } actions { action needs } } }"
    by_name = 'customerId: "ann"'
    for query in (
        f"{{ customer({by_name}) {{ tickets(first: 5) {rows} }} }}",
        f"{{ tickets({by_name}, first: 5) {{ nodes {{ milestones {{ milestone }} }} }} }}",
    ):
        seen = await api.post("/graphql", json={"query": query}, headers=asks)
        assert '"milestones"' in seen.text, seen.text
        assert "taken_over" not in seen.text, query


async def test_an_export_has_all_else_of_the_customer(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, AGREED)
    stated = {"subject": "taken_over", "metadata": {"team": "blue", "milestone": "taken_over"}}
    await opened(shop, "T-1", "bug", **stated)
    await shop.ok(await shop.post("/v1/tickets/T-1/pauses", {"reason": "waiting", "party": "third_party"}))
    token = await shop.ok(await shop.post("/v1/customers/ann/tokens", {"minutes": 5}))
    asks = {"Authorization": f"Bearer {token['token']}"}
    whole = (await shop.get("/v1/customers/ann/export")).json()
    seen = (await api.get("/v1/customers/ann/export", headers=asks)).json()
    assert [row["milestone"] for row in whole["clocks"]] == ["first_response", "taken_over"]
    assert [row["milestone"] for row in seen["clocks"]] == ["first_response"]
    (ticket,) = seen["tickets"]
    assert (ticket["subject"], ticket["document"]["metadata"]) == (stated["subject"], stated["metadata"])
    kept = [row["entity_id"] for row in seen["history"] if row["stream"] == "clock"]
    assert kept
    assert set(kept) == {seen["clocks"][0]["clock_id"]}
    assert [row for row in seen["history"] if row["stream"] == "ticket"] == [
        row for row in whole["history"] if row["stream"] == "ticket"
    ]
    (answer,) = (json.loads(row["answer"]) for row in seen["commands"])
    assert [clock["milestone"] for clock in answer["clocks"]] == ["first_response"]


@pytest.mark.parametrize(
    ("old", "new", "code", "at"),
    [
        ("milestone: taken_over", "milestone: first_response", "team_shares_milestone", "- milestone: first_response"),
        ("team: second level", "team: second level\n    party: customer", "team_of_customer", "team: second level"),
        (
            "team: second level",
            "team: second level\n    breach_returns_credits: 3",
            "team_pays",
            "breach_returns_credits: 3",
        ),
    ],
)
def test_agreements_that_make_no_sense_are_found(old: str, new: str, code: str, at: str) -> None:
    text = AGREED.replace(old, new)
    assert (code, line_of(text, at), "error") in found_in(text)
