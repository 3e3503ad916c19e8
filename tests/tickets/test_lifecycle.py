"""What holds for tickets under every policy: natural keys, the fold, as-of, lists, races, what is refused where."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.db import tickets as ticket_rows
from app.db.engine import Database
from app.domain.tickets.ticket import ACTIONS, CLOSED, LIFECYCLE, STATES, fold, lifecycle_table, must_allow
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId, TicketId
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.tickets.desk import act, balance, next_id, open_ticket, order, refused, ticket_of


async def events_of(db: Database, vendor: Vendor, prefix: str = "ticket.") -> list[Any]:
    """The published events of the tenant, as they were made."""
    async with db.reading(vendor.tenant_id) as tx:
        rows = await tx.rows(
            text("select type, data from outbox where tenant_id = :tenant order by sequence"),
            {"tenant": vendor.tenant_id},
        )
    return [row for row in rows if row.type.startswith(prefix)]


async def test_the_same_body_again_answers_today_and_other_content_conflicts(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ann", "credits-60")
    ticket = await open_ticket(shop, "ann", "T-same", category="level_1")
    await act(shop, ticket, "resolution", {})
    again = await open_ticket(shop, "ann", "T-same", category="level_1", status=200)
    assert (again["state"], again["charge"]["net"]) == ("resolved", 10)
    spelled_out = {"category": "level_1", "facts": {}, "inputs": {}, "license_id": None}
    await open_ticket(shop, "ann", "T-same", status=200, **spelled_out)
    for other in ({"category": "level_2"}, {"category": "level_1", "subject": "Other"}):
        assert (await open_ticket(shop, "ann", "T-same", status=409, **other))["code"] == "ticket_conflict"
    assert (await open_ticket(shop, "bob", "T-same", category="level_1", status=409))["code"] == "ticket_conflict"
    assert (await balance(shop, "ann"))["available"] == 50


async def test_the_same_ticket_opened_at_once_is_opened_once(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "cid", "credits-60")
    body = {"customer_id": "cid", "subject": "Twice", "channel": "helpdesk", "category": "level_1"}
    answers = await asyncio.gather(*(shop.put("/v1/tickets/T-race", body) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [200] * 5 + [201]
    others = await asyncio.gather(*(shop.put("/v1/tickets/T-two", {**body, "customer_id": f"c{n}"}) for n in range(4)))
    assert sorted(one.status_code for one in others) == [201, 409, 409, 409]
    assert (await balance(shop, "cid"))["held"] == 10


async def test_many_tickets_at_once_never_hold_more_than_there_is(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "dot", "credits-60")
    made = await asyncio.gather(*(open_ticket(shop, "dot", category="level_2") for _ in range(6)))
    assert sorted(one["state"] for one in made) == ["awaiting_credits"] * 4 + ["in_progress"] * 2
    left = await balance(shop, "dot")
    assert (left["available"], left["held"]) == (10, 50)


async def test_only_validating_writes_nothing(vendor: MakeVendor, db: Database) -> None:
    shop = await vendor("x-cart")
    await order(shop, "eli", "credits-60")
    body = {"customer_id": "eli", "subject": "Would it do?", "category": "level_1"}
    answer = await shop.put("/v1/tickets/T-dry?validate_only=true", body)
    assert (answer.status_code, answer.json()["charge"]["held"]) == (201, 10)
    assert (await shop.get("/v1/tickets/T-dry")).status_code == 404
    ticket = await open_ticket(shop, "eli", category="level_1")
    dry = await shop.post(f"/v1/tickets/{ticket['ticket_id']}/resolution?validate_only=true", {})
    assert dry.json()["state"] == "resolved"
    assert (await ticket_of(shop, ticket))["state"] == "in_progress"
    assert [one.type for one in await events_of(db, shop)] == ["ticket.opened", "ticket.qualified"]


async def test_ava_12_every_event_of_a_ticket_says_what_was_charged(vendor: MakeVendor, db: Database) -> None:
    shop = await vendor("avactis")
    await order(shop, "flo", "license-owned")
    ticket = await open_ticket(shop, "flo", category="domain_change")
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    await act(shop, ticket, "resolution", {})
    told = await events_of(db, shop)
    assert [one.type for one in told] == ["ticket.opened", "ticket.qualified", "ticket.responded", "ticket.resolved"]
    assert [one.data["charge"]["held"] for one in told] == [10, 10, 10, 0]
    assert [one.data["charge"]["net"] for one in told] == [0, 0, 0, 10]
    assert [one.data["balance"]["available"] for one in told] == [190] * 4
    assert {one.data["ticket_id"] for one in told} == {ticket["ticket_id"]}


async def test_the_row_is_the_fold_of_its_events_and_holds_no_names(vendor: MakeVendor, db: Database) -> None:
    shop = await vendor("cs-cart")
    choice = (await order(shop, "gay", "license"))["choices"][0]["choice_id"]
    await shop.ok(await shop.post(f"/v1/customers/gay/choices/{choice}", {"option": "credits"}))
    ticket = await open_ticket(shop, "gay", "T-secret-name", subject="About Mr. Secret", category="category_1")
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    await act(shop, ticket, "assessments", {"category": "category_3"})
    await act(shop, ticket, "assessments/2/confirmation", {"accept": True})
    await act(shop, ticket, "pauses", {"reason": "waiting_for_customer"})
    await act(shop, ticket, "resumptions", {})
    await act(shop, ticket, "splits", {"ticket_id": "T-secret-child", "subject": "Secret too"})
    await act(shop, ticket, "resolution", {"cause": "software_bug"})
    await act(shop, ticket, "reopening")
    async with db.reading(shop.tenant_id) as tx:
        row = await ticket_rows.require(tx, ticket["ticket_id"])
        facts = await ticket_rows.facts(tx, row.ticket_id)
    again = fold(
        facts,
        ticket_id=TicketId(row.ticket_id),
        customer_id=CustomerId(row.customer_id),
        external_id=row.external_id,
        subject=row.subject,
        payload_hash=row.payload_hash,
    )
    assert again == row
    assert [one.seq for one in facts] == list(range(1, len(facts) + 1))
    assert "ecret" not in str([one.payload for one in facts])


async def test_as_of_and_known_at_answer_as_it_stood(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "han", "credits-60")
    ticket = await open_ticket(shop, "han", category="level_1")
    await shop.move_clock("2025-01-02T00:00:00Z")
    await act(shop, ticket, "assessments", {"category": "level_2"})
    await shop.move_clock("2025-01-03T00:00:00Z")
    await act(shop, ticket, "resolution", {})
    first = await ticket_of(shop, ticket, as_of="2025-01-01T12:00:00Z")
    assert (first["state"], first["charge"]["held"], first["category"]) == ("in_progress", 10, "level_1")
    assert first["clocks"][0]["phase"] == "running"
    second = await ticket_of(shop, ticket, as_of="2025-01-02T12:00:00Z")
    assert (second["charge"]["held"], len(second["assessments"])) == (25, 2)
    known = await ticket_of(shop, ticket, as_of="2025-01-04T00:00:00Z", known_at="2025-01-01T12:00:00Z")
    assert (known["state"], known["charge"]["held"]) == ("in_progress", 10)
    before = await shop.get(f"/v1/tickets/{ticket['ticket_id']}", as_of="2024-12-31T00:00:00Z")
    assert (before.status_code, before.json()["code"]) == (404, "ticket_not_found")


async def test_lists_filter_by_customer_and_state_and_page(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ivy", "credits-60")
    mine = [await open_ticket(shop, "ivy", category="level_1") for _ in range(5)]
    await open_ticket(shop, "jim", category="level_0")
    await act(shop, mine[0], "withdrawal")
    seen: list[str] = []
    cursor = None
    while True:
        page = await shop.ok(await shop.get("/v1/tickets", customer_id="ivy", limit="2", cursor=cursor))
        seen += [one["ticket_id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(one["ticket_id"] for one in mine)
    assert len(set(seen)) == 5
    gone = await shop.ok(await shop.get("/v1/tickets", state="withdrawn"))
    assert [one["ticket_id"] for one in gone["data"]] == [mine[0]["ticket_id"]]
    assert (await shop.get("/v1/tickets", state="lost")).status_code == 422
    assert (await shop.get("/v1/tickets", customer_id="nobody")).status_code == 404


async def test_a_withdrawal_gives_back_what_is_held_and_is_refused_after_the_end(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "kay", "credits-60")
    ticket = await open_ticket(shop, "kay", category="level_3")
    done = await act(shop, ticket, "withdrawal")
    assert (done["state"], done["charge"]["held"], (await balance(shop, "kay"))["available"]) == ("withdrawn", 0, 60)
    for verb, body in (
        ("withdrawal", None),
        ("details", {}),
        ("resolution", {}),
        ("assessments", {"category": "level_1"}),
        ("responses", {"author": "customer"}),
        ("pauses", {"reason": "beyond_control"}),
        ("splits", {"ticket_id": next_id("T")}),
    ):
        assert (await refused(shop, ticket, verb, body))["code"] == "ticket_closed", verb
    assert (await refused(shop, ticket, "reopening"))["code"] == "wrong_state"


async def test_a_reopened_ticket_is_not_charged_twice(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "lou", "credits-60")
    ticket = await open_ticket(shop, "lou", category="level_1")
    await act(shop, ticket, "resolution", {})
    again = await act(shop, ticket, "reopening")
    assert (again["state"], again["reopened"], again["resolved_at"]) == ("in_progress", 1, None)
    done = await act(shop, ticket, "resolution", {})
    assert (done["charge"]["net"], (await balance(shop, "lou"))["available"]) == (10, 50)
    await act(shop, ticket, "reopening")
    dearer = await act(shop, ticket, "assessments", {"category": "level_2"})
    assert (dearer["charge"]["held"], dearer["charge"]["net"]) == (15, 10)
    cheaper = await act(shop, ticket, "assessments", {"category": "level_0"})
    assert (cheaper["charge"]["held"], cheaper["charge"]["net"]) == (0, 0)
    await shop.move_clock("2025-01-31T00:00:00Z")
    await act(shop, ticket, "resolution", {})
    await shop.move_clock("2025-03-02T00:00:00Z")
    assert (await refused(shop, ticket, "reopening"))["code"] == "reopening_window_passed"


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("details", {"facts": {"backup": 1}}),
        ("details", {"inputs": {"N": 1.5}}),
        ("assessments", {"credits": "10"}),
        ("assessments", {"credits": -1}),
        ("responses", {"author": "robot"}),
        ("responses", {}),
        ("resolution", {"cause": "weather"}),
        ("resolution", {"outcome": "won"}),
        ("disputes/0/decision", {}),
        ("responses", {"author": "vendor", "occurred_at": "2025-01-01T00:00:01Z"}),
        ("responses", {"author": "vendor", "occurred_at": "2024-12-31T23:59:59Z"}),
        ("responses", {"author": "vendor", "occurred_at": "2025-01-01T00:00:00"}),
        ("pauses", {"reason": "tea"}),
        ("assessments/1/confirmation", {}),
        ("qualification", {"decision": "maybe"}),
        ("credits", {}),
    ],
)
async def test_wrong_input_is_422_and_changes_nothing(vendor: MakeVendor, verb: str, body: dict[str, Any]) -> None:
    shop = await vendor("x-cart")
    await order(shop, "mia", "credits-60")
    ticket = await open_ticket(shop, "mia", category="level_1")
    answer = await refused(shop, ticket, verb, body, status=422)
    assert answer["errors"]
    assert (await ticket_of(shop, ticket))["version"] == ticket["version"]


async def test_what_is_not_there_is_404(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    assert (await shop.get("/v1/tickets/T-none")).json()["code"] == "ticket_not_found"
    assert (await shop.post("/v1/tickets/T-none/withdrawal")).json()["code"] == "ticket_not_found"
    await order(shop, "nat", "credits-60")
    ticket = await open_ticket(shop, "nat", category="level_1")
    for verb, body, code in (
        ("assessments/9/confirmation", {"accept": True}, "assessment_not_found"),
        ("access-requests/9/grant", None, "access_request_not_found"),
    ):
        assert (await refused(shop, ticket, verb, body, status=404))["code"] == code


async def test_a_keyed_call_is_done_once(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "oda", "credits-60")
    ticket = await open_ticket(shop, "oda", category="level_1")
    path = f"/v1/tickets/{ticket['ticket_id']}/assessments"
    first = await shop.post(path, {"category": "level_2"}, key="once")
    second = await shop.post(path, {"category": "level_2"}, key="once")
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len((await ticket_of(shop, ticket))["assessments"]) == 2
    assert (await shop.post(path, {"category": "level_3"}, key="once")).status_code == 422
    assert (await shop.post(path, {"category": "level_3"}, key=None)).status_code == 400


def test_the_lifecycle_is_total_over_its_words() -> None:
    assert {state for state, _ in LIFECYCLE} <= {"new", *STATES}
    assert {action for _, action in LIFECYCLE} == set(ACTIONS)
    assert all(target in STATES for targets in LIFECYCLE.values() for target in targets)
    reached = {target for targets in LIFECYCLE.values() for target in targets}
    assert reached == set(STATES)
    with pytest.raises(DomainError) as refusal:
        must_allow("in_progress", "accept")
    assert refusal.value.code == "wrong_state"
    for state in CLOSED:
        with pytest.raises(DomainError) as refusal:
            must_allow(state, "assess")
        assert refusal.value.code == "ticket_closed"


def test_the_lifecycle_is_printed_in_the_docs() -> None:
    printed = Path("docs/lifecycles.md").read_text(encoding="utf-8")
    assert lifecycle_table() in printed, "run `make contracts`"
