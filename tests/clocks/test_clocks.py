"""Clocks in a real database: Shopp's week, pauses, late facts, cycles, as-of, moved calendars."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db.engine import Database
from app.domain.clocks.promises import deadline
from app.usecases.agenda import HANDLERS
from app.usecases.clocks import calendars
from app.usecases.clocks import clocks as clock_cases
from tests.clocks.desk import Desk, at
from tests.conftest import MakeVendor

SERVICE = "/v1/calendars/service-hours"
GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/business_time/golden_sla.jsonl").read_text().splitlines()
]


def breaches(view: dict) -> list[str]:
    """The dates of the breaches that stand."""
    return [one["window_date"] for one in view["breaches"] if one["retracted_at"] is None]


@pytest.mark.parametrize(
    "case", [one for one in GOLDEN if one["case"] == "shopp-initial-response"], ids=lambda one: one["start_local"]
)
async def test_the_first_response_is_due_at_the_next_close(db: Database, vendor: MakeVendor, case: dict) -> None:
    shopp = await vendor("shopp", now=case["start"])
    await Desk(db, shopp.tenant_id).do("T1", lambda clocks, now: clocks.start("credit_applied", at=now))
    (clock,) = (await shopp.ok(await shopp.get("/v1/clocks", ticket_id="T1")))["data"]
    assert (clock["milestone"], clock["due_at"], clock["clause"]) == ("first_response", case["due"], "SHOPP-5")
    assert clock["calendar_revision"] == 1
    # answered at the very due time it is met; a second later it is not
    await shopp.move_clock(case["due"])
    await Desk(db, shopp.tenant_id).do("T1", lambda clocks, now: clocks.stop("qualification", at=now))
    (met,) = (await shopp.ok(await shopp.get("/v1/clocks", outcome="met")))["data"]
    assert (met["phase"], met["stopped_at"], met["breaches"]) == ("stopped", case["due"], [])


async def test_a_silent_week_is_a_breach_a_day(db: Database, vendor: MakeVendor) -> None:
    shopp = await vendor("shopp", now="2025-11-24T16:00:00Z")  # Monday 11:00 in New York
    desk = Desk(db, shopp.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("accepted", at=now))
    await shopp.move_clock("2025-12-03T22:00:00Z")  # Wednesday's close: not missed before it is past
    (clock,) = (await shopp.ok(await shopp.get("/v1/clocks")))["data"]
    assert breaches(clock) == ["2025-11-25", "2025-11-26", "2025-12-01", "2025-12-02"]
    assert (clock["phase"], clock["outcome"], clock["due_at"]) == ("running", "breached", "2025-12-03T22:00:00Z")
    assert [(kind, when) for kind, _, when in await desk.events()] == [
        ("clock.breached", at(one))
        for one in ("2025-11-25T22:00:00Z", "2025-11-26T22:00:00Z", "2025-12-01T22:00:00Z", "2025-12-02T22:00:00Z")
    ]
    # a response on Wednesday covers it, one after its close covers Thursday
    await desk.do("T1", lambda clocks, now: clocks.stop("vendor_response", at=now))
    await shopp.move_clock("2025-12-03T23:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.stop("vendor_response", at=now))
    await shopp.move_clock("2025-12-05T16:00:00Z")
    (clock,) = (await shopp.ok(await shopp.get("/v1/clocks")))["data"]
    assert len(breaches(clock)) == 4
    assert clock["due_at"] == "2025-12-05T22:00:00Z"
    await desk.do("T1", lambda clocks, now: clocks.stop("resolved", at=now))
    await shopp.move_clock("2025-12-20T00:00:00Z")
    (clock,) = (await shopp.ok(await shopp.get("/v1/clocks")))["data"]
    assert (clock["phase"], len(breaches(clock)), clock["due_at"]) == ("stopped", 4, None)
    assert not await desk.rows("select 1 from agenda where tenant_id = :t")


async def test_a_late_fact_retracts_and_never_erases(db: Database, vendor: MakeVendor) -> None:
    xcart = await vendor("x-cart", now="2025-06-10T15:00:00Z")
    desk = Desk(db, xcart.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("opened", at=now))
    await xcart.move_clock("2025-06-12T10:00:00Z")
    (clock,) = (await xcart.ok(await xcart.get("/v1/clocks", outcome="breached")))["data"]
    assert clock["breaches"][0]["at"] == clock["breaches"][0]["due_at"] == "2025-06-11T15:00:00Z"
    said = at("2025-06-11T14:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.stop("vendor_response", at=now, occurred_at=said))
    (clock,) = (await xcart.ok(await xcart.get("/v1/clocks")))["data"]
    assert (clock["outcome"], clock["stopped_at"]) == ("met", "2025-06-11T14:00:00Z")
    assert clock["breaches"][0]["retracted_at"] == "2025-06-12T10:00:00Z"
    assert [kind for _, kind, _, _ in await desk.outcomes()] == ["met", "breached", "breach_retracted"]
    # by what was known then, it was breached
    path = f"/v1/clocks/{clock['clock_id']}"
    then = await xcart.ok(await xcart.get(path, as_of="2025-06-12T09:00:00Z", known_at="2025-06-12T09:00:00Z"))
    assert (then["outcome"], then["phase"]) == ("breached", "running")
    before = await xcart.ok(await xcart.get(path, as_of="2025-06-11T13:00:00Z"))
    assert (before["outcome"], before["due_at"], before["breaches"]) == ("open", "2025-06-11T15:00:00Z", [])
    assert (await xcart.get(path, as_of="2025-06-10T14:00:00Z")).status_code == 404


async def test_breached_without_a_sweep(db: Database, vendor: MakeVendor) -> None:
    """An answer is exact although nobody swept: here the agenda is emptied behind the service's back."""
    xcart = await vendor("x-cart", now="2025-06-10T15:00:00Z")
    desk = Desk(db, xcart.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("opened", at=now))

    async def forget(tx) -> None:
        await tx.execute(text("delete from agenda where tenant_id = :t"), {"t": tx.tenant_id})

    await db.run(xcart.tenant_id, forget)
    await xcart.move_clock("2025-06-11T15:00:00Z")
    assert (await xcart.get("/v1/clocks", outcome="breached")).json()["data"] == []
    await xcart.move_clock("2025-06-11T15:00:01Z")
    (clock,) = (await xcart.get("/v1/clocks", outcome="breached")).json()["data"]
    assert clock["outcome"] == "breached"
    assert (await xcart.get("/v1/clocks", outcome="open")).json()["data"] == []


async def test_pauses_keep_what_remains_and_add_up(db: Database, vendor: MakeVendor) -> None:
    shopp = await vendor("shopp", now="2025-06-09T13:30:00Z")
    desk = Desk(db, shopp.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("credit_applied", at=now))
    await shopp.move_clock("2025-06-09T14:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.pause("awaiting_customer", "customer", at=now))
    await desk.do("T1", lambda clocks, now: clocks.pause("beyond_control", "none", at=now))
    (clock,) = (await shopp.get("/v1/clocks", phase="paused")).json()["data"]
    assert (clock["due_at"], clock["remaining_business_seconds"]) == (None, 54_000)
    await shopp.move_clock("2025-06-11T13:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.resume("awaiting_customer", at=now))
    await shopp.move_clock("2025-06-11T18:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.resume("beyond_control", at=now))
    (clock,) = (await shopp.get("/v1/clocks")).json()["data"]
    assert clock["due_at"] == "2025-06-13T17:00:00Z"
    assert [(one["reason"], one["party"]) for one in clock["pauses"]] == [
        ("awaiting_customer", "customer"),
        ("beyond_control", "none"),
    ]
    await shopp.move_clock("2025-06-16T21:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.stop("qualification", at=now))
    (clock,) = (await shopp.get("/v1/clocks")).json()["data"]
    ledger = clock["ledger"]
    assert ledger["wall_seconds"] == sum(value for key, value in ledger.items() if key != "wall_seconds")
    assert ledger["wall_seconds"] == (at("2025-06-16T21:00:00Z") - at("2025-06-09T13:30:00Z")).total_seconds()
    assert (clock["outcome"], len(clock["breaches"])) == ("breached", 1)
    why = await db.read(shopp.tenant_id, lambda tx: clock_cases.explain_clock(tx, clock["clock_id"]))
    assert why["business_seconds"] == 1800 + 10_800 + 28_800 + 14_400
    assert [one["kind"] for one in why["events"]] == ["start", "pause", "pause", "resume", "resume", "stop"]


async def test_a_customers_clock_and_a_paused_start(db: Database, vendor: MakeVendor) -> None:
    shopp = await vendor("shopp", now="2025-06-09T14:00:00Z")
    desk = Desk(db, shopp.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("credit_applied", at=now))
    due = at("2025-06-12T21:00:00Z")

    def ask(clocks, now: datetime) -> None:
        assert deadline(clocks.hours, "business_days:3:close", at=now) == due
        clocks.start("access_requested", at=now, due_at=due, ref="1")
        clocks.pause("awaiting_access", "customer", at=now)

    await desk.do("T1", ask)
    await shopp.move_clock("2025-06-10T14:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.start("accepted", at=now))
    found = {one["milestone"]: one for one in (await shopp.get("/v1/clocks")).json()["data"]}
    assert {name: one["phase"] for name, one in found.items()} == {
        "first_response": "paused",
        "access": "running",
        "each_business_day": "paused",
    }
    assert found["access"]["due_at"] == "2025-06-12T21:00:00Z"
    assert found["access"]["party"] == "customer"
    await shopp.move_clock("2025-06-13T14:00:00Z")
    (late,) = (await shopp.get("/v1/clocks", outcome="breached")).json()["data"]
    assert late["milestone"] == "access"
    await desk.do("T1", lambda clocks, now: clocks.cancel(at=now))
    assert {one["phase"] for one in (await shopp.get("/v1/clocks")).json()["data"]} == {"cancelled"}
    assert not await desk.rows("select 1 from agenda where tenant_id = :t")


async def test_reopening_is_a_new_cycle(db: Database, vendor: MakeVendor) -> None:
    xcart = await vendor("x-cart", now="2025-06-10T15:00:00Z")
    desk = Desk(db, xcart.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("opened", at=now))
    await xcart.move_clock("2025-06-13T15:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.stop("vendor_response", at=now))
    await xcart.move_clock("2025-06-16T09:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.reopen(at=now))
    (clock,) = (await xcart.get("/v1/clocks")).json()["data"]
    assert (clock["cycle"], clock["outcome"], clock["due_at"]) == (2, "open", "2025-06-17T09:00:00Z")
    await xcart.move_clock("2025-06-18T09:00:00Z")
    (clock,) = (await xcart.get("/v1/clocks")).json()["data"]
    assert [one["cycle"] for one in clock["breaches"]] == [1, 2]


async def test_a_new_version_moves_what_it_touches(db: Database, vendor: MakeVendor) -> None:
    shopp = await vendor("shopp", now="2025-06-02T14:00:00Z")
    desk = Desk(db, shopp.tenant_id)
    await desk.do("closed", lambda clocks, now: clocks.start("credit_applied", at=now))
    await desk.do("closed", lambda clocks, now: clocks.stop("qualification", at=now))
    await desk.do("near", lambda clocks, now: clocks.start("credit_applied", at=now))
    await desk.do("daily", lambda clocks, now: clocks.start("accepted", at=now), customer="bob")
    far = at("2025-07-03T18:00:00Z")
    await shopp.move_clock("2025-06-02T15:00:00Z")
    closure = {
        "effective_from": "2025-06-20",
        "exceptions": [{"date": "2025-07-03", "kind": "closed", "name": "The day before Independence Day"}],
    }
    tried = (await shopp.post(f"{SERVICE}/versions?validate_only=true", closure)).json()["preview"]
    assert (tried["open_clocks"], tried["moved"], tried["moves"]) == (2, 0, [])
    await shopp.ok(await shopp.post(f"{SERVICE}/versions", closure), 201)
    await desk.do("daily", lambda clocks, now: clocks.stop("vendor_response", at=now), customer="bob")
    await shopp.move_clock("2025-07-03T22:00:00Z")
    found = {one["ticket_id"]: one for one in (await shopp.get("/v1/clocks")).json()["data"]}
    assert found["closed"]["calendar_revision"] == 1
    assert found["near"]["calendar_revision"] == 1
    assert found["daily"]["calendar_revision"] == 2
    assert "2025-07-03" not in breaches(found["daily"])
    assert breaches(found["daily"])[-1] == "2025-07-02"
    assert far < at("2025-07-03T22:00:00Z")


async def test_longer_hours_move_a_due_time_and_say_so(db: Database, vendor: MakeVendor) -> None:
    shopp = await vendor("shopp", now="2025-06-06T14:00:00Z")
    desk = Desk(db, shopp.tenant_id)
    await desk.do("T1", lambda clocks, now: clocks.start("credit_applied", at=now))
    weekdays = ("mon", "tue", "wed", "thu", "fri")
    longer = {
        "effective_from": "2025-06-07",
        "weekly_hours": {**{d: [["09:00", "17:00"]] for d in weekdays}, "sat": [["09:00", "12:00"]]},
    }
    tried = (await shopp.post(f"{SERVICE}/versions?validate_only=true", longer)).json()["preview"]
    assert (tried["moved"], tried["earlier"], tried["would_breach_count"]) == (1, 1, 0)
    assert tried["moves"][0]["old_due_at"] == "2025-06-09T21:00:00Z"
    assert tried["moves"][0]["new_due_at"] == "2025-06-07T16:00:00Z"
    assert (await shopp.get("/v1/clocks")).json()["data"][0]["due_at"] == "2025-06-09T21:00:00Z"
    made = await shopp.ok(await shopp.post(f"{SERVICE}/versions", longer), 201)
    assert made["preview"] == tried
    (clock,) = (await shopp.get("/v1/clocks")).json()["data"]
    assert (clock["due_at"], clock["calendar_revision"]) == ("2025-06-07T16:00:00Z", 2)
    (told,) = await desk.rows("select data from outbox where tenant_id = :t and type = 'clock.due_changed'")
    assert (told.data["old"], told.data["new"]) == ("2025-06-09T21:00:00Z", "2025-06-07T16:00:00Z")
    before = await shopp.ok(
        await shopp.get(
            f"/v1/clocks/{clock['clock_id']}", known_at="2025-06-06T13:59:59Z", as_of="2025-06-06T14:00:00Z"
        ),
        404,
    )
    assert before["code"] == "clock_not_found"


async def test_other_zone_data_moves_only_what_it_touches(db: Database, vendor: MakeVendor) -> None:
    shopp = await vendor("shopp", now="2025-06-06T14:00:00Z")
    desk = Desk(db, shopp.tenant_id)

    def start(clocks, now: datetime) -> None:
        clocks.hours = replace(clocks.hours, tzdb_version="1999a")
        clocks.start("credit_applied", at=now)

    for name in ("same", "moved"):
        await desk.do(name, start)

    async def older(tx) -> None:
        await tx.execute(
            text(
                "update clock set due_at = due_at - interval '1 hour' where tenant_id = :t and ticket_id"
                " = (select ticket_id from ticket where tenant_id = :t and external_id = 'moved')"
            ),
            {"t": tx.tenant_id},
        )

    await db.run(shopp.tenant_id, older)
    done = await calendars.recompute_after_tzdb_change(db, shopp.tenant_id)
    assert (done["looked_at"], done["moved"]) == (2, 1)
    assert (await calendars.recompute_after_tzdb_change(db, shopp.tenant_id))["looked_at"] == 0
    found = {one["ticket_id"]: one for one in (await shopp.get("/v1/clocks")).json()["data"]}
    assert found["same"]["tzdb_version"] == "1999a"
    assert found["moved"]["tzdb_version"] == done["tzdb_version"]
    assert [kind for kind, _, _ in await desk.events()] == ["clock.due_changed"]


async def test_lists_page_by_key(db: Database, vendor: MakeVendor) -> None:
    xcart = await vendor("x-cart", now="2025-06-10T15:00:00Z")
    desk = Desk(db, xcart.tenant_id)
    for i in range(5):
        await desk.do(f"T{i}", lambda clocks, now: clocks.start("opened", at=now))
    for filters in ({}, {"due_before": "2025-06-20T00:00:00Z"}):
        seen: list[str] = []
        cursor = None
        while True:
            page = (await xcart.get("/v1/clocks", limit=2, cursor=cursor, **filters)).json()
            seen += [one["ticket_id"] for one in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == [f"T{i}" for i in range(5)]
    assert (await xcart.get("/v1/clocks", due_before="2025-06-11T15:00:00Z")).json()["data"] == []
    assert (await xcart.get("/v1/clocks", phase="lost")).status_code == 422
    assert (await xcart.get("/v1/clocks/clk_none")).status_code == 404
    assert "clock" in HANDLERS


async def test_a_breach_may_bring_credits_once(db: Database, vendor: MakeVendor) -> None:
    xcart = await vendor("x-cart", now="2025-06-10T15:00:00Z")
    desk = Desk(db, xcart.tenant_id)

    def start(clocks, now: datetime) -> None:
        promises = tuple(replace(one, breach_returns_credits=7) for one in clocks.policy.promises)
        clocks.policy = replace(clocks.policy, promises=promises)
        clocks.start("opened", at=now)

    await desk.do("T1", start)
    await xcart.move_clock("2025-06-12T10:00:00Z")
    (clock,) = (await xcart.get("/v1/clocks")).json()["data"]
    (lot,) = (await xcart.get("/v1/customers/ann/balance")).json()["lots"]
    assert (lot["source"], lot["available"]) == ("breach", 7)
    (row,) = await desk.rows("select rule, clause from lot where tenant_id = :t")
    assert (row.rule, row.clause) == (clock["breaches"][0]["breach_id"], "XC-2")
    # a late fact that shows it was no breach takes them back, once
    said = at("2025-06-11T14:00:00Z")
    await desk.do("T1", lambda clocks, now: clocks.stop("vendor_response", at=now, occurred_at=said))
    await xcart.move_clock("2025-07-12T10:00:00Z")
    assert (await xcart.get("/v1/customers/ann/balance")).json()["available"] == 0
    types = [row.type for row in await desk.rows("select type from outbox where tenant_id = :t order by sequence")]
    assert (types.count("credits.granted"), types.count("credits.voided")) == (1, 1)
