"""Shopp's promises through tickets: a week around Thanksgiving, access that never came, delay beyond control."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.tickets.desk import GOOD_FACTS, act, clock, open_ticket, order, ticket_of

MONDAY = "2025-11-24T16:00:00Z"  # 11:00 in New York


async def shopp_ticket(vendor: MakeVendor, now: str = MONDAY) -> tuple[Vendor, dict[str, Any]]:
    """A vendor, and a ticket with a priority credit applied."""
    shopp = await vendor("shopp", now=now)
    await order(shopp, "ann", "license", "credit-priority", placed_at=now)
    return shopp, await open_ticket(shopp, "ann", "T1", credit_type="priority", facts=GOOD_FACTS)


async def test_thanksgiving_week(vendor: MakeVendor) -> None:
    shopp, ticket = await shopp_ticket(vendor)
    assert clock(ticket, "first_response")["due_at"] == "2025-11-25T22:00:00Z"
    await act(shopp, ticket, "qualification", {"decision": "accept", "note": "looked at"})
    daily = clock(await ticket_of(shopp, ticket), "each_business_day")
    assert daily["due_at"] == "2025-11-25T22:00:00Z", "the approval day is not owed"
    await shopp.move_clock("2025-11-25T20:00:00Z")
    await act(shopp, ticket, "responses", {"author": "vendor", "kind": "service", "public": True})
    await shopp.move_clock("2025-12-02T12:00:00Z")
    daily = clock(await ticket_of(shopp, ticket), "each_business_day")
    assert [one["window_date"] for one in daily["breaches"]] == ["2025-11-26", "2025-12-01"]
    # it was said on Wednesday after all: recorded late, it takes that breach back and erases nothing
    await act(
        shopp,
        ticket,
        "responses",
        {"author": "vendor", "kind": "service", "public": True, "occurred_at": "2025-11-26T21:00:00Z"},
    )
    daily = clock(await ticket_of(shopp, ticket), "each_business_day")
    assert [(one["window_date"], one["retracted_at"]) for one in daily["breaches"]] == [
        ("2025-12-01", None),  # what stands comes first
        ("2025-11-26", "2025-12-02T12:00:00Z"),
    ]
    # an internal note answers nobody
    await act(shopp, ticket, "responses", {"author": "vendor", "kind": "inquiry", "public": False})
    await shopp.move_clock("2025-12-02T22:00:01Z")
    daily = clock(await ticket_of(shopp, ticket), "each_business_day")
    standing = [one["window_date"] for one in daily["breaches"] if one["retracted_at"] is None]
    assert standing == ["2025-12-01", "2025-12-02"]
    await act(shopp, ticket, "resolution", {"outcome": "answered"})
    await shopp.move_clock("2025-12-20T12:00:00Z")
    done = await ticket_of(shopp, ticket)
    assert {one["phase"] for one in done["clocks"]} == {"stopped"}
    assert len(clock(done, "each_business_day")["breaches"]) == 3
    why = await shopp.ok(await shopp.get(f"/v1/explain/clock/{daily['clock_id']}"))
    assert why["clause"] == "SHOPP-6"
    assert {one["date"] for one in why["skipped"]} == {"2025-11-27", "2025-11-28"}
    assert {reason for one in why["skipped"] for reason in one["reasons"]} == {
        "Thanksgiving Day",
        "Day after Thanksgiving",
    }


async def test_access_pauses_the_vendor_and_ends_the_ticket(vendor: MakeVendor) -> None:
    shopp, ticket = await shopp_ticket(vendor, now="2025-06-09T14:00:00Z")
    await act(shopp, ticket, "access-requests", {"kinds": ["ftp"]})
    asked = await ticket_of(shopp, ticket)
    assert clock(asked, "first_response")["phase"] == "paused"
    assert clock(asked, "access")["due_at"] == "2025-06-12T21:00:00Z"
    await shopp.move_clock("2025-06-12T21:00:00Z")
    assert (await ticket_of(shopp, ticket))["state"] == "awaiting_qualification"
    await shopp.move_clock("2025-06-12T21:00:01Z")
    past = await ticket_of(shopp, ticket)
    assert (past["state"], past["outcome"]) == ("resolved", "access_not_provided")
    assert (clock(past, "access")["outcome"], clock(past, "first_response")["outcome"]) == ("breached", "met")
    assert clock(past, "first_response")["breaches"] == []


async def test_access_in_time_leaves_what_remained(vendor: MakeVendor) -> None:
    shopp, ticket = await shopp_ticket(vendor, now="2025-06-09T13:30:00Z")
    await shopp.move_clock("2025-06-09T14:00:00Z")
    await act(shopp, ticket, "access-requests", {"kinds": ["ftp"]})
    await shopp.move_clock("2025-06-11T18:00:00Z")
    await act(shopp, ticket, "access-requests/1/grant")
    again = await ticket_of(shopp, ticket)
    assert clock(again, "first_response")["due_at"] == "2025-06-13T17:00:00Z"
    assert clock(again, "access")["outcome"] == "met"


async def test_delay_beyond_control_excuses(vendor: MakeVendor) -> None:
    shopp, ticket = await shopp_ticket(vendor)
    await act(shopp, ticket, "qualification", {"decision": "accept", "note": "looked at"})
    await act(shopp, ticket, "pauses", {"reason": "beyond_control", "party": "none"})
    await shopp.move_clock("2025-12-02T12:00:00Z")
    await act(shopp, ticket, "resumptions", {"reason": "beyond_control"})
    daily = clock(await ticket_of(shopp, ticket), "each_business_day")
    assert (daily["breaches"], daily["due_at"]) == ([], "2025-12-02T22:00:00Z")
    assert daily["ledger"]["none_seconds"] > 0
    await shopp.move_clock("2025-12-03T12:00:00Z")
    daily = clock(await ticket_of(shopp, ticket), "each_business_day")
    assert [one["window_date"] for one in daily["breaches"]] == ["2025-12-02"]
