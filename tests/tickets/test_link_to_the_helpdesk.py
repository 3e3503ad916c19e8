"""`external_url`: the link back to the helpdesk, shown on the ticket, in its events and in the export."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from app.api.operations.ticket_bodies import TicketBody
from app.domain.tickets.ticket import Ticket, from_document
from app.domain.values.ids import CustomerId, TicketId
from app.usecases.tickets.tickets import OpenTicket
from app.views.shapes import members
from app.views.ticket import Ticket as Shape
from tests.conftest import MakeVendor
from tests.published.shop import bought, is_problem, opened
from tests.support.graphql import ask

LINK = "https://desk.example/tickets/77?tab=notes#last"


async def test_a_link_stands_on_the_ticket_in_events_and_in_the_export(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "credits-60", "ann")
    made = await opened(shop, "T-1", "ann", category="level_2", external_url=LINK)
    assert made["external_url"] == LINK
    assert (await shop.ok(await shop.get("/v1/tickets/T-1")))["external_url"] == LINK
    [row] = (await shop.ok(await shop.get("/v1/tickets", customer_id="ann")))["data"]
    assert row["external_url"] == LINK
    events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    links = {one["data"]["external_url"] for one in events if one["type"].startswith("ticket.")}
    assert links == {LINK}
    [kept] = (await shop.ok(await shop.get("/v1/customers/ann/export")))["tickets"]
    assert kept["document"]["external_url"] == LINK
    assert await ask(shop, 'query { ticket(ticketId: "T-1") { externalUrl } }') == {"ticket": {"externalUrl": LINK}}


async def test_a_ticket_without_a_link_says_null_and_gets_one_with_its_details(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "credits-60", "ann")
    assert (await opened(shop, "T-1", "ann", category="level_2"))["external_url"] is None
    other = "http://desk.example/78"
    told = await shop.ok(await shop.post("/v1/tickets/T-1/details", {"external_url": other}))
    assert (told["external_url"], told["state"]) == (other, "in_progress")
    again = await shop.put(
        "/v1/tickets/T-1", {"customer_id": "ann", "subject": "It fails", "channel": "helpdesk", "category": "level_2"}
    )
    assert (again.status_code, again.json()["external_url"]) == (200, other)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "ftp://desk.example/1",
        "//desk.example/1",
        "desk.example/1",
        "https://",
        "https:///1",
        "https://desk.example/a b",
        'https://desk.example/"><script>',
        "https://desk.example/\n1",
        " https://desk.example/1",
        f"https://desk.example/{'a' * 2000}",
        "",
        7,
        ["https://desk.example/1"],
    ],
)
async def test_what_is_no_link_to_a_page_is_refused(vendor: MakeVendor, link: Any) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "credits-60", "ann")
    body = {"customer_id": "ann", "subject": "It fails", "category": "level_2", "external_url": link}
    refused = is_problem(await shop.put("/v1/tickets/T-1", body), 422, "invalid_input")
    assert [one["pointer"] for one in refused["errors"]] == ["/external_url"]
    is_problem(await shop.get("/v1/tickets/T-1"), 404)


async def test_a_link_of_2000_characters_is_kept_whole(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "credits-60", "ann")
    link = "https://desk.example/".ljust(2000, "a")
    assert (await opened(shop, "T-1", "ann", category="level_2", external_url=link))["external_url"] == link


async def test_another_link_in_the_same_call_is_a_conflict_and_none_is_the_old_call(vendor: MakeVendor) -> None:
    """A link is part of what was said; leaving it out says what callers said before there was one."""
    shop = await vendor("x-cart")
    await bought(shop, "credits-60", "ann")
    body = {"customer_id": "ann", "subject": "It fails", "category": "level_2"}
    await shop.ok(await shop.put("/v1/tickets/T-1", body), 201)
    assert (await shop.put("/v1/tickets/T-1", {**body, "external_url": None})).status_code == 200
    is_problem(await shop.put("/v1/tickets/T-1", {**body, "external_url": LINK}), 409, "ticket_conflict")


async def test_an_erasure_takes_the_link_everywhere(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "credits-60", "ann")
    await opened(shop, "T-1", "ann", category="level_2", external_url=LINK)
    await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {}))
    await shop.ok(await shop.post("/v1/customers/ann/erasure", key=None))
    events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    assert "desk.example" not in str(events)
    assert [one for one in (await shop.ok(await shop.get("/v1/tickets")))["data"] if one["external_url"]] == []


def test_what_a_helpdesk_states_of_a_ticket_is_shown_on_it() -> None:
    """Who adds a member to the body is led to the command, to the ticket and to the published shape."""
    stated = set(TicketBody.model_fields) - {"customer_id", "acting_agent"}
    assert stated <= {member.name for member in dataclasses.fields(OpenTicket)}
    assert stated <= {member.name for member in dataclasses.fields(Ticket)}
    assert stated <= {member.name for member in members(Shape)}


FIRST = """
    accepted_at access_requests agreed_up_to asks assessments category cause cause_corrections channel charge
    checks child_ids closed_at confirmation_expires_at cover_id credit_applied_at credit_expires_at credit_type
    customer_wrote_at disputes facts fired inputs language license_id merged_ids merged_into opened_at opened_by
    options outcome paid_by parent_id pauses pay_with policy_name policy_version price product qualification
    reasons recommendation remedies reopened reopened_at reopening_reason resolved_at responses result
    returned_for_cause service_at state ticket_id updated_at version
"""
"""What the row of a ticket held in 0.1.0, whose processes read the rows of this version during an upgrade."""


def test_versions_beside_each_other_read_one_row() -> None:
    """During an upgrade both versions serve; a row says only what was stated, and a later member is passed over."""
    ticket = Ticket(
        ticket_id=TicketId("tic_1"),
        external_id="T-1",
        customer_id=CustomerId("cus_1"),
        subject="Help",
        payload_hash="2:0",
    )
    kept = ticket.document()
    assert sorted(kept) == FIRST.split(), "a member that came later belongs into `_LATER`"
    outer = {"external_id": "T-1", "customer_id": "cus_1", "subject": "Help", "payload_hash": "2:0"}
    assert from_document({**kept, "colour": "red"}, **outer) == ticket
    ticket.external_url = LINK
    assert from_document(ticket.document(), **outer).external_url == LINK
