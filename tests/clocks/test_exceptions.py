"""A dated exception wins over holidays and rules; half days have names; what changes nothing is refused. Over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from sqlalchemy import text

from app.commands.base import ROOT
from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, START, Vendor, client_of

WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
ITALY = {"holidays": [{"country": "IT"}], "closures": []}
DESK = "/v1/calendars/desk"


async def desk(vendor: MakeVendor, zone: str = "Europe/Rome", notice: int = 0, **version: Any) -> Vendor:
    """A tenant with a calendar of its own, open from nine to five on weekdays, closed on Italy's holidays."""
    tenant = await vendor("x-cart")
    await tenant.ok(await tenant.put(DESK, {"zone": zone, "notice_days": notice}))
    first = {"effective_from": "2025-01-01", "weekly_hours": WEEK, "closure_rules": ITALY, **version}
    await tenant.ok(await tenant.post(f"{DESK}/versions", first), 201)
    return tenant


async def seconds(tenant: Vendor, day: str) -> int:
    """Business seconds of a date in Rome (noon to noon UTC would cut it, these do not)."""
    span = {"from": f"{day}T00:00:00+02:00", "to": f"{day}T23:59:59+02:00"}
    return int((await tenant.ok(await tenant.get(f"{DESK}/elapsed", **span)))["business_seconds"])


async def closures(tenant: Vendor, first: str, last: str) -> list[dict[str, Any]]:
    found = await tenant.ok(await tenant.get(f"{DESK}/closures", **{"from": first, "to": last}))
    return list(found["data"])


@pytest.mark.parametrize(
    ("exception", "worked"),
    [
        ({"kind": "replace", "hours": [["08:00", "10:30"]]}, 9_000),
        ({"kind": "add", "hours": [["10:00", "13:00"]]}, 10_800),
    ],
)
async def test_a_public_holiday_is_worked_as_its_exception_says(
    vendor: MakeVendor, exception: dict[str, Any], worked: int
) -> None:
    tenant = await desk(vendor, exceptions=[{"date": "2025-06-02", "name": "Fair", **exception}])
    assert await seconds(tenant, "2025-06-02") == worked
    (row,) = await closures(tenant, "2025-06-02", "2025-06-02")
    assert (row["kind"], row["hours"]) == ("half_day", exception["hours"])
    assert row["reasons"] == ["Fair", "Republic Day"], "why it is open for less, and what else it is"


async def test_a_holiday_worked_in_full_is_no_closed_day(vendor: MakeVendor) -> None:
    tenant = await desk(vendor, exceptions=[{"date": "2025-06-02", "kind": "replace", "hours": [["09:00", "17:00"]]}])
    assert await seconds(tenant, "2025-06-02") == 28_800
    assert await closures(tenant, "2025-06-02", "2025-06-02") == []
    assert [one["reasons"] for one in await closures(tenant, "2025-04-25", "2025-04-25")] == [["Liberation Day"]]


async def test_closed_wins_over_what_else_is_said_of_the_date(vendor: MakeVendor) -> None:
    tenant = await desk(vendor, exceptions=[{"date": "2025-06-03", "kind": "closed", "name": "Move"}])
    assert await seconds(tenant, "2025-06-03") == 0
    (row,) = await closures(tenant, "2025-06-03", "2025-06-03")
    assert (row["kind"], row["hours"], row["reasons"]) == ("closed", [], ["Move"])


HALF = {
    "holidays": [{"country": "IT"}],
    "closures": [
        {"name": "Eve of Christmas", "fixed": "12-24", "hours": [["09:00", "12:30"]]},
        {"name": "Last day", "fixed": "12-31", "hours": [["08:00", "13:00"]]},
        {"name": "Eve of Epiphany", "fixed": "01-06", "offset_days": -1, "hours": [["09:00", "11:00"]]},
    ],
}


async def test_half_days_by_rule_are_named_wherever_time_is_told(vendor: MakeVendor) -> None:
    tenant = await desk(vendor, closure_rules=HALF)
    rows = {one["date"]: one for one in await closures(tenant, "2025-12-22", "2026-01-06")}
    assert rows["2025-12-24"] == {
        "date": "2025-12-24",
        "reasons": ["Eve of Christmas"],
        "kind": "half_day",
        "hours": [["09:00", "12:30"]],
        "sources": ["closure_rules"],
    }
    assert rows["2025-12-31"]["hours"] == [["09:00", "13:00"]], "never longer than the weekday"
    assert rows["2026-01-05"]["reasons"] == ["Eve of Epiphany"]
    assert rows["2025-12-25"]["kind"] == "closed"

    # 3.5 h on the eve, then two holidays and a weekend
    due = await tenant.ok(
        await tenant.get(f"{DESK}/due", **{"from": "2025-12-24T08:00:00Z", "target": "business_seconds:14400"})
    )
    assert due["due_at"] == "2025-12-29T08:30:00Z"
    assert [(one["date"], one["kind"], one["hours"]) for one in due["skipped"]] == [
        ("2025-12-24", "half_day", [["09:00", "12:30"]]),
        ("2025-12-25", "closed", []),
        ("2025-12-26", "closed", []),
    ]
    feed = (await tenant.get(f"{DESK}/calendar.ics", **{"from": "2025-12-24", "to": "2025-12-25"})).text
    assert "SUMMARY:Eve of Christmas (open 09:00-12:30)" in feed
    assert "DTSTART:20251224T113000Z\r\nDTEND:20251224T160000Z" in feed, "what is closed, so that no reader sees a day"
    assert "DTSTART;VALUE=DATE:20251225" in feed


async def test_a_half_day_by_rule_opens_no_sunday_and_no_holiday(vendor: MakeVendor) -> None:
    rules = {
        "holidays": [{"country": "IT"}],
        "closures": [
            {"name": "Short", "fixed": "06-01", "hours": [["09:00", "12:00"]]},  # a Sunday in 2025
            {"name": "Short too", "fixed": "06-02", "hours": [["09:00", "12:00"]]},
        ],
    }
    tenant = await desk(vendor, closure_rules=rules)
    assert await seconds(tenant, "2025-06-01") == await seconds(tenant, "2025-06-02") == 0
    (row,) = await closures(tenant, "2025-06-01", "2025-06-02")
    assert (row["date"], row["kind"]) == ("2025-06-02", "closed")
    assert row["reasons"] == ["Republic Day", "Short too"]


@pytest.mark.parametrize(
    "hours", [[], [["12:00", "09:00"]], [["09:00", "12:00"], ["11:00", "13:00"]], [["9", "12"]], "09:00-12:00"]
)
async def test_hours_that_no_half_day_can_have(vendor: MakeVendor, hours: Any) -> None:
    tenant = await vendor("x-cart")
    await tenant.put(DESK, {"zone": "Europe/Rome"})
    rules = {"closures": [{"name": "Short", "fixed": "12-24", "hours": hours}]}
    body = {"effective_from": "2025-01-01", "weekly_hours": WEEK, "closure_rules": rules}
    refused = await tenant.post(f"{DESK}/versions", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_closure_rules")
    assert refused.json()["facts"]["problems"][0]["path"].startswith("/closures/0/hours")


async def test_a_half_day_is_named_in_the_explanation_of_a_clock(vendor: MakeVendor) -> None:
    shopp = await vendor("shopp", now="2025-06-01T16:00:00Z")
    hours = "/v1/calendars/service-hours"
    short = {"date": "2025-07-15", "kind": "replace", "name": "Summer party", "hours": [["09:00", "12:00"]]}
    await shopp.ok(await shopp.post(f"{hours}/versions", {"effective_from": "2025-07-10", "exceptions": [short]}), 201)
    await shopp.move_clock("2025-07-14T15:00:00Z")
    order = {
        "customer_id": "ann",
        "placed_at": "2025-07-14T15:00:00Z",
        "lines": [
            {"line_id": "1", "sku": "license", "quantity": 1},
            {"line_id": "2", "sku": "credit-priority", "quantity": 1},
        ],
    }
    await shopp.ok(await shopp.put("/v1/orders/o1", order))
    ticket = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "credit_type": "priority"}
    await shopp.ok(await shopp.put("/v1/tickets/t1", ticket))
    clock = (await shopp.ok(await shopp.get("/v1/clocks", ticket_id="t1")))["data"][0]
    assert clock["due_at"] == "2025-07-15T16:00:00Z", "the close of the half day"
    why = await shopp.ok(await shopp.get(f"/v1/explain/clock/{clock['clock_id']}"))
    assert "Summer party" in str(why)


# --- what changes nothing, and what is dropped ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "exception",
    [
        {"date": "2025-06-07", "kind": "subtract", "hours": [["09:00", "12:00"]]},  # a Saturday
        {"date": "2025-06-02", "kind": "subtract", "hours": [["09:00", "12:00"]]},  # a holiday
        {"date": "2025-06-04", "kind": "subtract", "hours": [["18:00", "19:00"]]},
        {"date": "2025-06-04", "kind": "add", "hours": [["10:00", "12:00"]]},
        {"date": "2025-06-04", "kind": "replace", "hours": [["09:00", "12:00"], ["12:00", "17:00"]]},
        {"date": "2024-12-24", "kind": "closed", "name": "Before the version"},
    ],
)
async def test_an_exception_without_effect_is_refused_and_named(vendor: MakeVendor, exception: dict[str, Any]) -> None:
    tenant = await desk(vendor)
    good = {"date": "2025-06-05", "kind": "closed", "name": "Trip"}
    body = {"effective_from": "2025-02-01", "exceptions": [good, exception]}
    for ask in ("?validate_only=true", ""):
        refused = await tenant.post(f"{DESK}/versions{ask}", body)
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (422, "exception_without_effect")
        assert [one["date"] for one in problem["facts"]["exceptions"]] == [exception["date"]]
        assert problem["next_step"]
    assert len((await tenant.ok(await tenant.get(f"{DESK}/versions")))["data"]) == 1, "nothing was written"


async def test_a_closed_day_may_be_named_twice_and_on_a_weekend(vendor: MakeVendor) -> None:
    tenant = await desk(vendor)
    rows = [
        {"date": "2025-06-02", "kind": "closed", "name": "Bridge"},
        {"date": "2025-06-07", "kind": "closed", "name": "Saturday"},
        {"date": "2025-06-07", "kind": "closed", "name": "Saturday"},
    ]
    made = await tenant.ok(
        await tenant.post(f"{DESK}/versions", {"effective_from": "2025-02-01", "exceptions": rows}), 201
    )
    assert len(made["exceptions"]) == 2, "what is said twice counts once"
    found = await closures(tenant, "2025-06-02", "2025-06-07")
    assert [one["reasons"] for one in found] == [["Bridge", "Republic Day"], ["Saturday"]]


async def test_a_list_of_exceptions_says_which_days_it_opens_again(vendor: MakeVendor) -> None:
    rows = [
        {"date": "2025-03-03", "kind": "closed", "name": "Past already"},
        {"date": "2025-06-05", "kind": "closed", "name": "Trip"},
        {"date": "2025-06-06", "kind": "subtract", "hours": [["12:00", "17:00"]], "name": "Early end"},
        {"date": "2025-06-07", "kind": "closed", "name": "A Saturday"},
        {"date": "2025-06-09", "kind": "closed", "name": "Kept"},
        {"date": "2025-06-10", "kind": "replace", "hours": [["09:00", "12:00"]]},
    ]
    tenant = await desk(vendor, exceptions=rows)
    later = {"effective_from": "2025-05-01", "exceptions": [rows[4]]}
    tried = await tenant.ok(await tenant.post(f"{DESK}/versions?validate_only=true", later), 201)
    made = await tenant.ok(await tenant.post(f"{DESK}/versions", later), 201)
    assert made["reopened_days"] == tried["reopened_days"] == tried["preview"]["reopened_days"]
    assert [(one["date"], one["reasons"], one["kind"]) for one in made["reopened_days"]] == [
        ("2025-06-05", ["Trip"], "closed"),
        ("2025-06-06", ["Early end"], "half_day"),
        ("2025-06-10", [], "half_day"),
    ], "not the day before the version, not the Saturday"
    assert made["reopened_count"] == 3
    without = await tenant.ok(await tenant.post(f"{DESK}/versions", {"effective_from": "2025-05-02"}), 201)
    assert without["reopened_days"] == [], "what is not given is inherited"
    rules = {"effective_from": "2025-05-03", "closure_rules": {"holidays": [], "closures": []}}
    dropped = await tenant.ok(await tenant.post(f"{DESK}/versions", rules), 201)
    assert "2025-06-02" in [one["date"] for one in dropped["reopened_days"]], "a set of holidays too"


async def test_the_twin_tells_the_same(vendor: MakeVendor) -> None:
    tenant = await desk(vendor, closure_rules=HALF)
    query = """query { closures(name: "desk", from: "2025-12-24", to: "2025-12-25") {
      date reasons kind hours sources } }"""
    answer = await tenant.ok(await tenant.client.post("/graphql", json={"query": query}))
    assert answer["data"]["closures"] == await closures(tenant, "2025-12-24", "2025-12-25")
    change = """mutation($input: PublishCalendarVersionInput!) {
      publishCalendarVersion(input: $input) {
        ... on CalendarVersion { reopenedDays { date kind } reopenedCount } ... on Refusal { code } } }"""
    given = {
        "name": "desk",
        "idempotencyKey": "k1",
        "effectiveFrom": "2025-05-01",
        "closureRules": {"holidays": [{"country": "IT"}], "closures": []},
    }
    made = await tenant.ok(await tenant.client.post("/graphql", json={"query": change, "variables": {"input": given}}))
    days = made["data"]["publishCalendarVersion"]["reopenedDays"]
    assert {"date": "2025-12-24", "kind": "half_day"} in days


async def test_versions_of_before_keep_the_hours_that_were_promised(vendor: MakeVendor) -> None:
    """A version published when exceptions did not win goes on as it was; the next one means what it says."""
    tenant = await desk(vendor, exceptions=[{"date": "2025-06-02", "kind": "add", "hours": [["10:00", "12:00"]]}])
    database = tenant.app.state.house.database

    async def age(tx: Any) -> None:
        await tx.execute(text("update calendar_version set exceptions_win = false where name = 'desk'"))
        await tx.execute(text("update tenant set calendar_revision = calendar_revision + 1"))

    await database.run(tenant.tenant_id, age, actor="test")
    fresh = await tenant.ok(await tenant.get("/v1/calendars/desk/open", at="2025-06-02T08:30:00Z"))
    assert fresh["calendar_revision"] == 1
    made = await tenant.ok(await tenant.post(f"{DESK}/versions", {"effective_from": "2025-05-01"}), 201)
    assert made["revision"] == 2
    assert await seconds(tenant, "2025-06-02") == 7_200


async def test_half_days_of_a_policy_are_those_of_its_first_calendar(app: FastAPI) -> None:
    document = yaml.safe_load((ROOT / "app/policies/shopp.yaml").read_text(encoding="utf-8"))
    document["service_hours"]["closures"].append(
        {"name": "Inventory", "fixed": "06-30", "hours": [["09:00", "11:00"]], "clause": "SHOPP-2"}
    )
    tenant = f"half-{uuid.uuid4().hex[:10]}"
    body = {"policy": "shopp", "document": document, "clock": {"mode": "virtual", "now": START}}
    async with client_of(app, OPERATOR_KEY) as operator:
        assert (await operator.put(f"/v1/tenants/{tenant}", json=body)).status_code == 201
        made = await operator.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["*"], "label": "t"})
    async with client_of(app, made.json()["key"]) as client:
        listed = await client.get(
            "/v1/calendars/service-hours/closures", params={"from": "2025-06-30", "to": "2025-07-04"}
        )
    assert [(one["date"], one["reasons"], one["hours"]) for one in listed.json()["data"]] == [
        ("2025-06-30", ["Inventory"], [["09:00", "11:00"]]),
        ("2025-07-04", ["Independence Day"], []),
    ]
