"""Calendars through REST: the questions, versions, the notice rule, drafts and feeds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.conftest import MakeVendor

SERVICE = "/v1/calendars/service-hours"


async def test_shopps_closures_name_every_reason(vendor: MakeVendor) -> None:
    shopp = await vendor("shopp")
    found = await shopp.ok(await shopp.get(f"{SERVICE}/closures", **{"from": "2027-12-20", "to": "2028-01-05"}))
    by_date = {one["date"]: one["reasons"] for one in found["data"]}
    assert len(by_date["2027-12-24"]) == 2
    assert any("Christmas Eve" in one for one in by_date["2027-12-24"])
    assert any("observed" in one for one in by_date["2027-12-24"])
    # New Year's Day 2028 is a Saturday, observed in the year before, where New Year's Eve is closed anyway
    assert len(by_date["2027-12-31"]) == 2
    assert "2027-12-26" in by_date, "the vendor's own days are not moved off a weekend"
    assert "2027-12-27" not in by_date


async def test_open_elapsed_and_due(vendor: MakeVendor) -> None:
    shopp = await vendor("shopp")
    friday = "2025-03-07T21:00:00Z"  # 16:00 in New York, the clocks go forward on Sunday
    assert (await shopp.ok(await shopp.get(f"{SERVICE}/open", at=friday))) == {
        "open": True,
        "next_opening": "2025-03-10T13:00:00Z",
        "next_close": "2025-03-07T22:00:00Z",
        "at": friday,
        "calendar_revision": 1,
        "tzdb_version": (await shopp.get(SERVICE)).json()["tzdb_version"],
    }
    span = {"from": friday, "to": "2025-03-10T14:00:00Z"}
    assert (await shopp.ok(await shopp.get(f"{SERVICE}/elapsed", **span)))["business_seconds"] == 7200
    due = await shopp.ok(
        await shopp.get(f"{SERVICE}/due", **{"from": "2025-12-23T23:00:00Z", "target": "business_days:1:close"})
    )
    assert due["due_at"] == "2025-12-29T22:00:00Z"
    assert [one["date"] for one in due["skipped"]] == ["2025-12-24", "2025-12-25", "2025-12-26"]
    assert due["skipped"][2]["reasons"] == ["Day after Christmas"]
    wall = await shopp.ok(await shopp.get(f"{SERVICE}/due", **{"from": friday, "target": "seconds:86400"}))
    assert wall["due_at"] == "2025-03-08T21:00:00Z"
    refused = await shopp.get(f"{SERVICE}/due", **{"from": friday, "target": "soon"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_target")
    assert (await shopp.get(f"{SERVICE}/due", **{"from": friday, "target": "none"})).json()["due_at"] is None


async def test_x_carts_day(vendor: MakeVendor) -> None:
    xcart = await vendor("x-cart")
    for start, due in (
        ("2025-06-10T15:00:00Z", "2025-06-11T15:00:00Z"),  # Tuesday
        ("2025-06-14T11:00:00Z", "2025-06-17T00:00:00Z"),
    ):  # Saturday: the end of Monday
        found = await xcart.ok(await xcart.get(f"{SERVICE}/due", **{"from": start, "target": "business_days:1"}))
        assert found["due_at"] == due


async def test_cs_carts_zone(vendor: MakeVendor) -> None:
    cscart = await vendor("cs-cart")
    at = await cscart.ok(await cscart.get(f"{SERVICE}/open", at="2025-01-06T06:00:00Z"))
    assert at["open"], "09:00 at UTC+3"
    assert (await cscart.ok(await cscart.get(f"{SERVICE}/open", at="2025-01-06T05:59:59Z")))["open"] is False


async def test_a_version_is_published_only_on_what_was_read(vendor: MakeVendor) -> None:
    """Two people edit the hours: the second is told (412), and nothing of theirs is written."""
    acme = await vendor("avactis")
    read = await acme.get(SERVICE)
    versions, hours = f"{SERVICE}/versions", {"weekly_hours": {"mon": [["00:00", "24:00"]]}}
    first, second = {"effective_from": "2025-06-01", **hours}, {"effective_from": "2025-07-01", **hours}
    tag = {"If-Match": read.headers["etag"]}
    made = await acme.post(versions, first, key="published-once", headers=tag)
    assert made.status_code == 201, made.text
    assert (await acme.post(versions, first, key="published-once", headers=tag)).json() == made.json()
    late = await acme.post(versions, second, headers=tag)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    now = await acme.get(SERVICE)
    assert now.headers["etag"] != read.headers["etag"]
    assert late.json()["etag"] == now.headers["etag"]
    assert (await acme.post(versions, second, headers={"If-None-Match": "*"})).status_code == 412
    assert len(now.json()["versions"]) == len(read.json()["versions"]) + 1
    assert (await acme.post(versions, second, headers={"If-Match": now.headers["etag"]})).status_code == 201


async def test_a_calendar_is_a_natural_key(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    body = {"zone": "Europe/Berlin", "notice_days": 30}
    made = await acme.put("/v1/calendars/night", body)
    assert made.status_code == 201
    tag = made.headers["etag"]
    assert (await acme.put("/v1/calendars/night", body)).status_code == 200
    other = {"zone": "Europe/Berlin", "notice_days": 10}
    assert (await acme.put("/v1/calendars/night", other)).json()["code"] == "calendar_conflict"
    assert (await acme.put("/v1/calendars/night", other, headers={"If-Match": '"7"'})).status_code == 412
    assert (await acme.put("/v1/calendars/night", other, headers={"If-Match": f"W/{tag}"})).status_code == 412
    assert (await acme.put("/v1/calendars/night", body, headers={"If-None-Match": "*"})).status_code == 412
    assert (await acme.put("/v1/calendars/new", body, headers={"If-Match": "*"})).status_code == 412
    assert (await acme.put("/v1/calendars/new", body, headers={"If-None-Match": "*"})).status_code == 201
    changed = await acme.put("/v1/calendars/night", other, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    assert (await acme.put("/v1/calendars/x", {"zone": "Europe/Atlantis"})).json()["code"] == "unknown_zone"
    assert (await acme.get("/v1/calendars/absent")).status_code == 404
    assert (await acme.put("/v1/calendars/y?validate_only=true", body)).status_code == 201
    assert (await acme.get("/v1/calendars/y")).status_code == 404
    closed = await acme.ok(await acme.get("/v1/calendars/night/open", at="2025-01-06T12:00:00Z"))
    assert closed["open"] is False
    assert closed["next_opening"] is None
    never = await acme.get(
        "/v1/calendars/night/due", **{"from": "2025-01-06T12:00:00Z", "target": "business_seconds:1"}
    )
    assert (never.status_code, never.json()["code"]) == (422, "sla_unreachable")


async def test_versions_split_nights_and_take_midnight(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    await acme.put("/v1/calendars/night", {"zone": "Europe/Berlin"})
    version = {
        "effective_from": "2025-01-01",
        "weekly_hours": {"mon": [["09:00", "12:00"], ["13:00", "24:00"]], "fri": [["22:00", "06:00"]]},
        "exceptions": [
            {"date": "2025-12-24", "kind": "closed", "name": "Christmas Eve"},
            {"date": "2025-01-06", "kind": "replace", "hours": [["10:00", "11:00"]], "name": "Epiphany"},
        ],
    }
    made = await acme.ok(await acme.post("/v1/calendars/night/versions", version), 201)
    assert made["revision"] == 1
    assert made["weekly_hours"]["sat"] == [["00:00", "06:00"]]
    assert made["weekly_hours"]["fri"] == [["22:00", "24:00"]]
    ask = "/v1/calendars/night"
    monday = {"from": "2025-01-12T23:00:00Z", "to": "2025-01-13T23:00:00Z"}
    assert (await acme.ok(await acme.get(f"{ask}/elapsed", **monday)))["business_seconds"] == 14 * 3600
    weekend = {"from": "2025-01-10T12:00:00Z", "to": "2025-01-12T12:00:00Z"}
    assert (await acme.ok(await acme.get(f"{ask}/elapsed", **weekend)))["business_seconds"] == 8 * 3600
    epiphany = {"from": "2025-01-06T00:00:00Z", "to": "2025-01-07T00:00:00Z"}
    assert (await acme.ok(await acme.get(f"{ask}/elapsed", **epiphany)))["business_seconds"] == 3600
    listed = await acme.ok(await acme.get(f"{ask}/closures", **{"from": "2025-01-01", "to": "2025-12-31"}))
    assert [(one["date"], one["reasons"], one["hours"]) for one in listed["data"]] == [
        ("2025-01-06", ["Epiphany"], [["10:00", "11:00"]]),
        ("2025-12-24", ["Christmas Eve"], []),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {"weekly_hours": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}},
        {"weekly_hours": {"mon": [["09:00", "09:00"]]}},
        {"weekly_hours": {"mon": [["24:00", "09:00"]]}},
        {"weekly_hours": {"mon": [["09:60", "10:00"]]}},
        {"weekly_hours": {"mon": [["09:00"]]}},
        {"weekly_hours": {"mon": [["9:00", "10:00"]]}},
        {"weekly_hours": {"monday": [["09:00", "10:00"]]}},
        {"weekly_hours": {"fri": [["22:00", "06:00"]], "sat": [["05:00", "07:00"]]}},
        {"exceptions": [{"date": "2025-12-24", "kind": "closed", "hours": [["09:00", "10:00"]]}]},
        {"exceptions": [{"date": "2025-12-24", "kind": "add"}]},
        {"exceptions": [{"date": "2025-12-24", "kind": "replace", "hours": [["22:00", "06:00"]]}]},
        {"exceptions": [{"date": "2025-12-24", "kind": "replace"}]},
        {"exceptions": [{"date": "2025-02-30", "kind": "closed"}]},
        {"exceptions": [{"date": "2025-12-24", "kind": "holiday"}]},
        {"closure_rules": {"closures": [{"name": "No day"}]}},
        {"closure_rules": {"holidays": [{"country": "ZZ"}]}},
        {"effective_from": "2300-01-01"},
        {"effective_from": "2030-01-01", "weekly_hour": {}},
        {"effective_from": "2025-13-01"},
    ],
)
async def test_what_no_version_can_be(vendor: MakeVendor, bad: dict[str, object]) -> None:
    acme = await vendor("avactis")
    answer = await acme.post(f"{SERVICE}/versions", {"effective_from": "2030-01-01", **bad})
    assert answer.status_code == 422, answer.text
    assert (await acme.get(f"{SERVICE}/versions")).json()["data"][0]["revision"] == 1


async def test_the_notice_rule_compares_open_time(vendor: MakeVendor) -> None:
    shopp = await vendor("shopp", now="2025-06-01T16:00:00Z")
    closed = {"exceptions": [{"date": "2025-06-30", "kind": "closed", "name": "Stocktaking"}]}
    short = await shopp.post(f"{SERVICE}/versions", {"effective_from": "2025-06-10", **closed})
    assert short.status_code == 409
    body = short.json()
    assert body["code"] == "notice_too_short"
    assert body["reasons"][0]["clause"] == "SHOPP-3"
    assert body["facts"]["earliest"] == "2025-07-01"
    assert body["facts"]["removed"] == [{"from": "2025-06-30T13:00:00Z", "to": "2025-06-30T21:00:00Z"}]
    # however it is written: fewer hours, a subtraction, an emptied replacement
    for shape in (
        {"weekly_hours": {d: [["09:00", "16:59"]] for d in ("mon", "tue", "wed", "thu", "fri")}},
        {"exceptions": [{"date": "2025-06-30", "kind": "subtract", "hours": [["12:00", "12:01"]]}]},
        {"exceptions": [{"date": "2025-06-30", "kind": "replace", "hours": []}]},
    ):
        answer = await shopp.post(f"{SERVICE}/versions", {"effective_from": "2025-06-10", **shape})
        assert answer.json()["code"] == "notice_too_short", shape
    # a Saturday loses nothing; longer hours may start at once; thirty days later it is allowed
    weekend = {"exceptions": [{"date": "2025-06-28", "kind": "closed", "name": "Saturday"}]}
    await shopp.ok(await shopp.post(f"{SERVICE}/versions", {"effective_from": "2025-06-10", **weekend}), 201)
    longer = {"weekly_hours": {d: [["09:00", "18:00"]] for d in ("mon", "tue", "wed", "thu", "fri")}}
    await shopp.ok(await shopp.post(f"{SERVICE}/versions", {"effective_from": "2025-06-11", **longer}), 201)
    exactly = {"exceptions": [{"date": "2025-07-01", "kind": "closed", "name": "Stocktaking"}]}
    made = await shopp.ok(await shopp.post(f"{SERVICE}/versions", {"effective_from": "2025-06-20", **exactly}), 201)
    assert made["weekly_hours"]["mon"] == [["09:00", "18:00"]], "inherited"
    assert made["closure_rules"]["holidays"], "inherited"
    listed = await shopp.ok(await shopp.get(f"{SERVICE}/closures", **{"from": "2025-06-15", "to": "2025-07-05"}))
    assert [one["date"] for one in listed["data"]] == ["2025-06-19", "2025-07-01", "2025-07-04"]


async def test_the_announcement_counts_in_the_calendars_zone(vendor: MakeVendor) -> None:
    # 03:00 UTC on the 2nd is still the 1st in New York
    shopp = await vendor("shopp", now="2025-06-02T03:00:00Z")
    closed = {"effective_from": "2025-07-01", "exceptions": [{"date": "2025-07-01", "kind": "closed"}]}
    await shopp.ok(await shopp.post(f"{SERVICE}/versions", closed), 201)


async def test_corrections_say_so(vendor: MakeVendor) -> None:
    xcart = await vendor("x-cart", now="2025-06-01T16:00:00Z")
    version = {"effective_from": "2000-01-01", "exceptions": [{"date": "2025-06-09", "kind": "closed"}]}
    assert (await xcart.post(f"{SERVICE}/versions", version)).json()["code"] == "correction_required"
    assert (await xcart.post(f"{SERVICE}/versions", {**version, "correction": True})).json()["code"] == (
        "correction_required"
    )
    said = {**version, "correction": True, "reason": "Whit Monday was forgotten"}
    assert (await xcart.post(f"{SERVICE}/versions", said)).status_code == 201
    due = await xcart.ok(
        await xcart.get(f"{SERVICE}/due", **{"from": "2025-06-06T15:00:00Z", "target": "business_days:1"})
    )
    assert due["due_at"] == "2025-06-10T15:00:00Z"
    assert due["calendar_revision"] == 2


async def test_validate_only_and_idempotency(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    version = {"effective_from": "2025-02-01", "weekly_hours": {"mon": [["09:00", "17:00"]]}}
    tried = await acme.post(f"{SERVICE}/versions?validate_only=true", version)
    assert tried.status_code == 201
    assert tried.json()["preview"]["open_clocks"] == 0
    assert len((await acme.get(f"{SERVICE}/versions")).json()["data"]) == 1
    assert (await acme.post(f"{SERVICE}/versions", version, key=None)).status_code == 400
    first = await acme.post(f"{SERVICE}/versions", version, key="v-2")
    again = await acme.post(f"{SERVICE}/versions", version, key="v-2")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert len((await acme.get(f"{SERVICE}/versions")).json()["data"]) == 2


async def test_days_that_the_zones_bend(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    whole = {d: [["00:00", "24:00"]] for d in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    for zone, day, hours in (
        ("Australia/Lord_Howe", "2025-10-05", 23.5),
        ("America/New_York", "2025-11-02", 25),
        ("Europe/Dublin", "2025-03-30", 23),
        ("Pacific/Chatham", "2025-04-06", 25),
        ("Africa/Casablanca", "2025-02-23", 25),
        ("Pacific/Apia", "2011-12-30", 0),
    ):
        name = zone.rpartition("/")[2]
        await acme.put(f"/v1/calendars/{name}", {"zone": zone})
        await acme.post(
            f"/v1/calendars/{name}/versions",
            {
                "effective_from": "2011-12-01",
                "weekly_hours": {},
                "exceptions": [{"date": day, "kind": "replace", "hours": whole["mon"]}],
            },
        )
        around = datetime.fromisoformat(day).replace(tzinfo=UTC)
        span = {"from": around.replace(day=max(around.day - 2, 1)).isoformat(), "to": f"{around.year}-12-31T23:00:00Z"}
        found = await acme.ok(await acme.get(f"/v1/calendars/{name}/elapsed", **span))
        assert found["business_seconds"] == hours * 3600, zone


FEED = """BEGIN:VCALENDAR\r
VERSION:2.0\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20251224\r
DTEND;VALUE=DATE:20251227\r
SUMMARY:Company holidays\\, with a name that goes on for longer than\r
  one line\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20251111\r
SUMMARY:St. Martin\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART:20251010T090000Z\r
SUMMARY:A meeting\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20250101\r
RRULE:FREQ=YEARLY\r
SUMMARY:New Year\r
END:VEVENT\r
END:VCALENDAR\r
"""


async def test_a_feed_is_a_draft_and_closures_are_a_feed(vendor: MakeVendor) -> None:
    shopp = await vendor("shopp")
    draft = await shopp.ok(
        await shopp.client.post(f"{SERVICE}/imports", content=FEED, headers={"Content-Type": "text/calendar"})
    )
    assert draft["published"] is False
    assert [one["date"] for one in draft["exceptions"] if one["name"] != "New Year"] == [
        "2025-11-11",
        "2025-12-24",
        "2025-12-25",
        "2025-12-26",
    ]
    assert [one["last"] for one in draft["repeating"]] == ["2034-01-01"], "ten years from New York's 2024"
    long_name = "Company holidays, with a name that goes on for longer than one line"
    assert draft["exceptions"][2]["name"] == long_name
    assert [one["name"] for one in draft["ignored"]] == ["A meeting"]
    past = [one for one in draft["exceptions"] if one["date"] < "2025-03-01"]
    draft["exceptions"] = [one for one in draft["exceptions"] if one not in past]
    made = await shopp.post(f"{SERVICE}/versions", {"effective_from": "2025-03-01", "exceptions": draft["exceptions"]})
    assert made.status_code == 201
    feed = await shopp.get(f"{SERVICE}/calendar.ics", **{"from": "2025-12-24", "to": "2025-12-26"})
    assert feed.headers["content-type"].startswith("text/calendar")
    assert "DTSTART;VALUE=DATE:20251226" in feed.text
    assert all(len(line.encode()) <= 75 for line in feed.text.split("\r\n"))
    back = await shopp.ok(
        await shopp.client.post(f"{SERVICE}/imports", content=feed.text, headers={"Content-Type": "text/calendar"})
    )
    assert len(back["exceptions"]) == 3
    wrong = await shopp.client.post(f"{SERVICE}/imports", content="{}", headers={"Content-Type": "text/calendar"})
    assert wrong.status_code == 422
    assert (await shopp.post(f"{SERVICE}/imports", {})).status_code == 415


async def test_scopes(vendor: MakeVendor) -> None:
    shopp = await vendor("shopp")
    reader = await shopp.as_key("calendars:read")
    assert (await reader.get(SERVICE)).status_code == 200
    body = {"zone": "Europe/Berlin"}
    assert (await reader.put("/v1/calendars/x", json=body)).status_code == 403
    assert (await (await shopp.as_key("clocks:read")).get(SERVICE)).status_code == 403
    other = await vendor("avactis")
    await other.put("/v1/calendars/mine", body)
    assert (await shopp.get("/v1/calendars/mine")).status_code == 404
