"""A calendar that closes for good ends promises in a named way: nothing stops, nothing is refused."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.graphql import send

FACTS = {
    "clear_description": True,
    "single_issue": True,
    "official": True,
    "modified": False,
    "current_release": True,
    "request_kind": "diagnosis",
    "backup": "done",
    "working_wordpress": True,
    "working_shopp": True,
}
CLOSED = {"effective_from": "2025-03-01", "weekly_hours": {}, "exceptions": []}
OPEN = {"effective_from": "2025-05-01", "weekly_hours": {"mon": [["09:00", "17:00"]]}, "exceptions": []}


async def accepted(shop: Vendor) -> None:
    """A ticket `t` that is owed an answer on each business day."""
    order = {
        "customer_id": "zoe",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [
            {"line_id": "1", "sku": "license", "quantity": 1},
            {"line_id": "2", "sku": "credit-priority", "quantity": 2},
        ],
    }
    await shop.ok(await shop.put("/v1/orders/o", order))
    license_id = (await shop.ok(await shop.get("/v1/customers/zoe")))["licenses"][0]["license_id"]
    await shop.ok(await shop.post(f"/v1/licenses/{license_id}/registration", {"domain": "shop.example"}, key=None))
    ticket = {
        "customer_id": "zoe",
        "subject": "It fails",
        "channel": "helpdesk",
        "license_id": license_id,
        "credit_type": "priority",
        "facts": FACTS,
    }
    await shop.ok(await shop.put("/v1/tickets/t", ticket))
    await shop.ok(await shop.post("/v1/tickets/t/qualification", {"decision": "accept", "note": "fine"}))


async def daily(shop: Vendor) -> dict[str, Any]:
    found = (await shop.ok(await shop.get("/v1/clocks", ticket_id="t")))["data"]
    (one,) = [clock for clock in found if clock["milestone"] == "each_business_day"]
    return dict(one)


async def ends_told(shop: Vendor) -> list[dict[str, Any]]:
    events = (await shop.ok(await shop.get("/v1/events", limit=100, type="clock.due_changed")))["data"]
    return [one["data"] for one in events if one["data"]["cause"] == "calendar_never_opens"]


async def test_the_preview_the_clock_and_an_event_tell_that_nothing_falls_due_any_more(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    await accepted(shop)
    assert (await daily(shop))["never_due"] is None
    tried = await shop.ok(await shop.post("/v1/calendars/service-hours/versions?validate_only=true", CLOSED))
    clock_id = (await daily(shop))["clock_id"]
    assert [one["clock_id"] for one in tried["preview"]["never_due"]].count(clock_id) == 1
    assert tried["preview"]["never_due_count"] == len(tried["preview"]["never_due"])
    made = await shop.ok(await shop.post("/v1/calendars/service-hours/versions", CLOSED))
    assert clock_id in [one["clock_id"] for one in made["preview"]["never_due"]]

    await shop.move_clock("2025-04-15T00:00:00Z")
    assert (await shop.ok(await shop.get("/v1/clock")))["now"] == "2025-04-15T00:00:00Z"
    clock = await daily(shop)
    assert (clock["phase"], clock["due_at"], clock["never_due"]) == ("running", None, "calendar_never_opens")
    assert clock["windows"][-1]["date"] == "2025-02-28"
    told = await ends_told(shop)
    assert [(one["clock_id"], one["new"]) for one in told] == [(clock_id, None)]
    await shop.ok(await shop.get(f"/v1/explain/clock/{clock_id}"))
    await shop.close()


async def test_a_ticket_is_worked_on_although_the_desk_never_opens(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    await accepted(shop)
    await shop.ok(await shop.post("/v1/calendars/service-hours/versions", CLOSED))
    await shop.move_clock("2025-04-15T00:00:00Z")
    answer = {"author": "vendor", "kind": "service", "public": True}
    await shop.ok(await shop.post("/v1/tickets/t/responses", answer))
    await shop.ok(await shop.post("/v1/tickets/t/pauses", {"reason": "beyond_control", "party": "none"}))
    await shop.ok(await shop.post("/v1/tickets/t/resumptions", {}))
    await shop.move_clock("2025-04-20T00:00:00Z")
    await shop.ok(await shop.post("/v1/tickets/t/resolution", {"outcome": "answered"}))
    clock = await daily(shop)
    assert (clock["phase"], clock["never_due"]) == ("stopped", None)
    await shop.close()


async def test_hours_that_open_again_are_owed_again(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    await accepted(shop)
    await shop.ok(await shop.post("/v1/calendars/service-hours/versions", CLOSED))
    await shop.move_clock("2025-04-15T00:00:00Z")
    missed = len((await daily(shop))["breaches"])
    await shop.ok(await shop.post("/v1/calendars/service-hours/versions", OPEN))
    clock = await daily(shop)
    assert clock["never_due"] is None
    assert clock["window_date"] == "2025-05-05"
    await shop.move_clock("2025-05-06T12:00:00Z")
    assert len((await daily(shop))["breaches"]) == missed + 1, "the first Monday, and nothing of the closed weeks"
    await shop.close()


async def test_access_is_asked_for_without_a_deadline_when_the_desk_never_opens(vendor: MakeVendor) -> None:
    """The deadline of the policy is in service hours, and there are none: it is asked for, and nothing falls due."""
    shop = await vendor("shopp")
    await accepted(shop)
    await shop.ok(await shop.post("/v1/calendars/service-hours/versions", CLOSED))
    await shop.move_clock("2025-04-15T00:00:00Z")
    tried = await shop.post("/v1/tickets/t/access-requests?validate_only=true", {"kinds": ["ftp"]})
    asked = await shop.ok(await shop.post("/v1/tickets/t/access-requests", {"kinds": ["ftp"]}))
    assert tried.json()["access_request"] == asked["access_request"]
    assert (asked["access_request"]["deadline_at"], asked["state"]) == (None, "in_progress")
    events = await shop.ok(await shop.get("/v1/events", limit=100, type="ticket.access_requested"))
    assert [one["data"]["deadline_at"] for one in events["data"]] == [None]
    explained = await shop.ok(await shop.get("/v1/explain/ticket/t"))
    assert "Access was asked for without a deadline" in str(explained)
    told = await send(shop.client, '{ ticket(ticketId: "t") { accessRequests { number deadlineAt } } }', {})
    assert told.json()["data"]["ticket"]["accessRequests"] == [{"number": 1, "deadlineAt": None}], told.text
    for verb, said in (
        ("details", {"facts": {"backup": "done"}}),
        ("responses", {"author": "vendor", "kind": "inquiry"}),
        ("pauses", {"reason": "beyond_control", "party": "none"}),
        ("resumptions", {"reason": "beyond_control"}),
    ):
        shown = await shop.ok(await shop.post(f"/v1/tickets/t/{verb}", said))
        assert shown["access_requests"][0]["deadline_at"] is None
    listed = await shop.ok(await shop.get("/v1/tickets"))
    assert listed["data"][0]["access_requests"][0]["deadline_at"] is None
    moved = await shop.move_clock("2026-04-15T00:00:00Z")
    assert moved["set_aside"] == []
    ticket = await shop.ok(await shop.get("/v1/tickets/t"))
    assert (ticket["state"], ticket["access_requests"][0]["missed_at"]) == ("in_progress", None)
    (clock,) = [one for one in ticket["clocks"] if one["milestone"] == "each_business_day"]
    assert clock["phase"] == "paused", "the vendor waits, whenever that ends"
    given = await shop.ok(await shop.post("/v1/tickets/t/access-requests/1/grant", {}))
    assert given["access_request"]["granted_at"] == "2026-04-15T00:00:00Z"
    late = {"kinds": ["ftp"], "deadline_at": "2026-05-01T00:00:00Z"}
    again = await shop.ok(await shop.post("/v1/tickets/t/access-requests", late))
    assert again["access_request"]["deadline_at"] == "2026-05-01T00:00:00Z"
    await shop.move_clock("2026-05-02T00:00:00Z")
    assert (await shop.ok(await shop.get("/v1/tickets/t")))["outcome"] == "access_not_provided"
    await shop.close()
