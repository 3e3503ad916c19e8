"""A pause freezes what remains, whatever is published meanwhile; clocks that older rules resumed are judged anew."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.commands.judge_clocks import judge
from app.db.engine import Database
from tests.clocks.desk import Desk
from tests.clocks.promises import SOLVED, a_policy, a_ticket, a_vendor, act, told
from tests.conftest import MakeVendor
from tests.support.api import Vendor

VERSIONS = "/v1/calendars/service-hours/versions"
CLOSED_TUESDAY: dict[str, Any] = {
    "effective_from": "2025-03-04",
    "exceptions": [{"date": "2025-03-04", "kind": "closed", "name": "Moving house"}],
}


async def clock_of(one: Vendor, ticket: str = "T1") -> dict[str, Any]:
    """The only clock of a ticket."""
    (found,) = (await one.ok(await one.get("/v1/clocks", ticket_id=ticket)))["data"]
    return dict(found)


async def opened(one: Vendor, ticket: str = "T1") -> None:
    """A free ticket under X-Cart's policy: one business day, round the clock from Monday to Friday."""
    body = {"customer_id": "ann", "subject": "", "channel": "helpdesk", "category": "level_0"}
    await one.ok(await one.put(f"/v1/tickets/{ticket}", body))


async def asked(one: Vendor, ticket: str = "T1") -> None:
    """The customer is asked."""
    await one.ok(await one.post(f"/v1/tickets/{ticket}/pauses", {"reason": "waiting_for_customer"}))


async def test_a_day_that_is_closed_while_the_customer_is_waited_for_costs_the_vendor_nothing(
    vendor: MakeVendor,
) -> None:
    one = await vendor("x-cart", now="2025-03-03T08:00:00Z")  # Monday
    await opened(one)
    await one.move_clock("2025-03-03T14:00:00Z")
    await asked(one)
    assert (await clock_of(one))["remaining_business_seconds"] == 18 * 3600
    preview = (await one.ok(await one.post(VERSIONS, CLOSED_TUESDAY), 201))["preview"]
    assert (preview["moved"], preview["moves"]) == (0, [])
    still = await clock_of(one)
    assert (still["remaining_business_seconds"], still["due_at"]) == (18 * 3600, None)
    await one.move_clock("2025-03-05T10:00:00Z")
    await one.ok(await one.post("/v1/tickets/T1/resumptions", {}))
    after = await clock_of(one)
    assert (after["remaining_business_seconds"], after["due_at"]) == (18 * 3600, "2025-03-06T04:00:00Z")
    await one.move_clock("2025-03-07T00:00:00Z")
    (breach,) = (await clock_of(one))["breaches"]
    assert breach["due_at"] == "2025-03-06T04:00:00Z"


async def test_longer_hours_that_are_published_during_a_pause_take_nothing_from_what_remains(
    db: Database, vendor: MakeVendor
) -> None:
    one = await vendor("shopp", now="2025-03-03T19:00:00Z")  # Monday 14:00 in New York
    desk = Desk(db, one.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("credit_applied", at=now))
    await desk.do("T1", lambda clocks, now: clocks.pause("waiting_for_customer", "customer", at=now))
    assert (await clock_of(one))["remaining_business_seconds"] == 11 * 3600
    hours = {day: [["06:00", "22:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    await one.ok(await one.post(VERSIONS, {"effective_from": "2025-03-04", "weekly_hours": hours}), 201)
    await one.move_clock("2025-03-05T15:00:00Z")  # Wednesday 10:00
    await desk.do("T1", lambda clocks, now: clocks.resume(None, at=now))
    after = await clock_of(one)
    assert (after["remaining_business_seconds"], after["due_at"]) == (11 * 3600, "2025-03-06T02:00:00Z")


async def test_a_correction_of_hours_that_ran_before_the_pause_works_the_clock_out_anew(vendor: MakeVendor) -> None:
    one = await vendor("x-cart", now="2025-03-03T08:00:00Z")
    await opened(one)
    await one.move_clock("2025-03-03T20:00:00Z")
    await asked(one)
    await one.move_clock("2025-03-04T06:00:00Z")
    await one.ok(await one.post("/v1/tickets/T1/resumptions", {}))
    assert (await clock_of(one))["due_at"] == "2025-03-04T18:00:00Z"
    forgotten = {
        "effective_from": "2000-01-01",
        "exceptions": [{"date": "2025-03-03", "kind": "closed", "name": "Carnival"}],
        "correction": True,
        "reason": "Carnival Monday was forgotten",
    }
    await one.ok(await one.post(VERSIONS, forgotten), 201)
    assert (await clock_of(one))["due_at"] == "2025-03-05T06:00:00Z"


@pytest.mark.parametrize("ended", [False, True], ids=["live", "ended"])
async def test_a_clock_that_older_rules_resumed_is_judged_anew_and_both_judgements_are_kept(
    db: Database, vendor: MakeVendor, module_url: str, ended: bool
) -> None:
    one = await vendor("x-cart", now="2025-03-03T08:00:00Z")
    await opened(one)
    await one.move_clock("2025-03-03T14:00:00Z")
    await asked(one)
    await one.ok(await one.post(VERSIONS, CLOSED_TUESDAY), 201)
    await one.move_clock("2025-03-05T03:00:00Z")
    await one.ok(await one.post("/v1/tickets/T1/resumptions", {}))
    # As older rules stored it: no event says by which rules it is to be read.
    clock_id = (await clock_of(one))["clock_id"]
    raw = await asyncpg.connect(module_url.replace("+asyncpg", ""))
    await raw.execute("set session_replication_role = replica")
    await raw.execute(
        "update entity_event set payload = payload - 'edition' where stream = 'clock' and entity_id = $1", clock_id
    )
    await raw.close()
    await one.move_clock("2025-03-05T15:00:00Z")
    if ended:
        response = {"author": "vendor", "kind": "service"}
        await one.ok(await one.post("/v1/tickets/T1/responses", response))
    wrong = await clock_of(one)
    assert (wrong["outcome"], wrong["due_at"]) == ("breached", "2025-03-05T13:00:00Z")
    assert wrong["breaches"][0]["retracted_at"] is None

    answer = await judge(str(module_url), [one.tenant_id])
    assert answer == {one.tenant_id: {"looked_at": 1, "judged": 1}}
    clock = await one.ok(await one.get(f"/v1/clocks/{clock_id}"))
    (judgement,) = clock["judgements"]
    assert (judgement["before"]["outcome"], judgement["after"]["outcome"]) == ("breached", "met" if ended else "open")
    assert judgement["after"]["due_at"] == "2025-03-05T21:00:00Z"
    if ended:
        assert (clock["outcome"], clock["due_at"]) == ("breached", wrong["due_at"]), "the first stands as it was"
    else:
        assert (clock["outcome"], clock["due_at"]) == ("open", "2025-03-05T21:00:00Z")
        assert clock["breaches"][0]["retracted_at"] == "2025-03-05T15:00:00Z"
        kinds = [kind for kind, _, _ in await Desk(db, one.tenant_id).events()]
        assert kinds.count("clock.breach_retracted") == 1
    again = await judge(str(module_url), [one.tenant_id])
    assert again[one.tenant_id]["judged"] == 0


def forgotten(monday: list[list[str]]) -> dict[str, Any]:
    """A correction: Monday was open for other hours."""
    row = {"date": "2025-03-03", "kind": "replace", "hours": monday, "name": "Carnival"}
    return {"effective_from": "2000-01-01", "exceptions": [row], "correction": True, "reason": "Carnival"}


async def test_a_clock_that_was_late_before_its_pause_follows_each_correction_meanwhile(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    one = await a_vendor(app, api, a_policy(SOLVED))  # eight hours from Monday 09:00
    await a_ticket(one)
    await one.move_clock("2025-03-04T12:00:00Z")
    await act(one, "pauses", {"reason": "asked"})
    for number, (monday, due) in enumerate((("16:00", "10:00"), ("15:00", "11:00"), ("16:30", "09:30"))):
        await one.move_clock(f"2025-03-04T1{number + 3}:00:00Z")
        await one.ok(await one.post(VERSIONS, forgotten([["09:00", monday]])), 201)
        clock = await clock_of(one)
        standing, *taken_back = clock["breaches"]
        assert (clock["phase"], clock["due_at"], clock["outcome"]) == ("paused", None, "breached")
        assert (standing["due_at"], standing["retracted_at"]) == (f"2025-03-04T{due}:00Z", None)
        assert len(taken_back) == number + 1
        assert all(each["retracted_at"] for each in taken_back)
    await one.move_clock("2025-03-05T10:00:00Z")
    await act(one, "resumptions", {})
    after = await clock_of(one)
    assert (after["due_at"], after["outcome"]) == ("2025-03-04T09:30:00Z", "breached")
    assert after["overdue_business_seconds"] == 9_000, "without the pause"
    assert len(await told(one, "clock.breached")) == 4
    assert len(await told(one, "clock.breach_retracted")) == 3
    # Where the corrected due time lies after the pause, nothing is missed any more.
    await act(one, "pauses", {"reason": "asked"})
    await one.ok(await one.post(VERSIONS, forgotten([["09:00", "10:00"]])), 201)
    await act(one, "resumptions", {})
    last = await clock_of(one)
    assert (last["outcome"], last["due_at"]) == ("open", "2025-03-05T14:00:00Z")
