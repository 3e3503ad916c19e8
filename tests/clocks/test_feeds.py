"""Calendar feeds as programs really write them, over HTTP and GraphQL: read to the last day, or refused by name."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor

BERLIN = "/v1/calendars/berlin"


def feed(*events: str, head: str = "", tail: str = "END:VCALENDAR\r\n") -> str:
    """A feed of these events, their lines parted by semicolons at the top level of a list."""
    written = "".join(f"BEGIN:VEVENT\r\n{one.strip()}\r\nEND:VEVENT\r\n" for one in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n{head}{written}{tail}".replace(
        "\n", "\r\n"
    ).replace("\r\r\n", "\r\n")


async def berlin(vendor: MakeVendor) -> Vendor:
    tenant = await vendor("x-cart")
    await tenant.ok(await tenant.put(BERLIN, {"zone": "Europe/Berlin"}))
    return tenant


async def send(tenant: Vendor, body: bytes | str, media: str = "text/calendar") -> httpx.Response:
    content = body.encode() if isinstance(body, str) else body
    return await tenant.client.post(f"{BERLIN}/imports", content=content, headers={"Content-Type": media})


async def dates(tenant: Vendor, body: bytes | str, media: str = "text/calendar") -> list[tuple[str, str]]:
    """Dates and names of the draft, of which nothing was left out."""
    draft = await tenant.ok(await send(tenant, body, media))
    assert draft["ignored"] == []
    return [(one["date"], one["name"]) for one in draft["exceptions"]]


WHOLE_DAYS: list[tuple[str, list[str]]] = [
    ("DTSTART;VALUE=DATE:20260803\nDURATION:P2D", ["2026-08-03", "2026-08-04"]),
    ("DTSTART;VALUE=DATE:20260803\nDURATION:P1W", [f"2026-08-{day:02d}" for day in range(3, 10)]),
    ("DTSTART;VALUE=DATE:20260803\nDURATION:PT48H", ["2026-08-03", "2026-08-04"]),
    ("DTSTART;VALUE=DATE:20260803\nDTEND;VALUE=DATE:20260803", ["2026-08-03"]),
    ("DTSTART;VALUE=DATE:20260803\nDTEND;VALUE=DATE:20260805", ["2026-08-03", "2026-08-04"]),
    ("DTSTART:20260803", ["2026-08-03"]),
    ("DTSTART:20260803T000000\nDTEND:20260804T000000", ["2026-08-03"]),  # floating
    ("DTSTART:20260803T000000\nDTEND:20260804T235959", ["2026-08-03", "2026-08-04"]),
    ("DTSTART:20260802T220000Z\nDTEND:20260803T220000Z", ["2026-08-03"]),  # midnight here
    ("DTSTART;TZID=Romance Standard Time:20260803T000000\nDURATION:P1D", ["2026-08-03"]),
    ("DTSTART;TZID=/example.org/20200101/Europe/Berlin:20260803T000000\nDURATION:P1D", ["2026-08-03"]),
    ('DTSTART;TZID="(UTC+01:00) Bern: Rom":20260803T000000\nDURATION:P1D', ["2026-08-03"]),
    # an all-day event of a colleague in New York
    ("DTSTART;TZID=Eastern Standard Time:20260803T000000\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE", ["2026-08-03"]),
    ("DTSTART:20260329T000000\nDTEND:20260330T000000", ["2026-03-29"]),  # 23 hours
    ("BEGIN:VALARM\nTRIGGER:-PT15M\nSUMMARY:Wake up\nEND:VALARM\nDTSTART;VALUE=DATE:20260803", ["2026-08-03"]),
]


@pytest.mark.parametrize(("lines", "wanted"), WHOLE_DAYS)
async def test_whole_days_in_every_way_they_are_written(vendor: MakeVendor, lines: str, wanted: list[str]) -> None:
    tenant = await berlin(vendor)
    assert await dates(tenant, feed(f"UID:1\n{lines}\nSUMMARY:Company outing")) == [
        (day, "Company outing") for day in wanted
    ]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("DTSTART:20260803T090000\nDTEND:20260803T120000", "has times"),
        ("DTSTART;TZID=America/New_York:20260803T000000\nDURATION:P1D", "is from midnight in another zone"),
        ("DTSTART;VALUE=DATE:20260803\nSTATUS:CANCELLED", "cancelled"),
        ("DTSTART;VALUE=DATE:20260803\nDTEND;VALUE=DATE:20260801", "its end lies before its start"),
        ("DTSTART;VALUE=DATE:2026", "its DTSTART cannot be read"),
        ("DTSTART;VALUE=DATE:20260803\nDURATION:P3X", "its DURATION cannot be read"),
        ("DESCRIPTION:no date", "has no date"),
        ("DTSTART;VALUE=DATE:20260803\nRRULE:FREQ=OFTEN", "its RRULE cannot be read"),
        ("DTSTART;VALUE=DATE:20260803\nRRULE:FREQ=HOURLY;COUNT=3", "repeats within a day"),
        ("DTSTART;VALUE=DATE:20200803\nRRULE:FREQ=YEARLY;COUNT=2", "repeats, with no date from 2025 to 2035"),
        ("DTSTART;VALUE=DATE:20260803\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "repeats on a day that no year has"),
        ("DTSTART;VALUE=DATE:20260803\nDTEND;VALUE=DATE:20280101", "longer than 366 days"),
        ("DTSTART;VALUE=DATE:26000803", "outside 1900 to 2199"),
    ],
)
async def test_what_is_left_out_is_named_with_the_reason(vendor: MakeVendor, lines: str, why: str) -> None:
    tenant = await berlin(vendor)
    good = "UID:2\nDTSTART;VALUE=DATE:20260810\nSUMMARY:Kept"
    draft = await tenant.ok(await send(tenant, feed(f"UID:1\n{lines}\nSUMMARY:Odd\\, this", good)))
    assert [one["date"] for one in draft["exceptions"]] == ["2026-08-10"]
    assert [(one["name"], one["why"]) for one in draft["ignored"]] == [("Odd, this", why)]


OFFERS: list[tuple[str, dict[str, Any]]] = [
    (
        "DTSTART;TZID=Europe/Berlin:20260803T130000\nDTEND;TZID=Europe/Berlin:20260803T180000",
        {"exceptions": [("2026-08-03", "subtract", [["13:00", "18:00"]])]},
    ),
    ("DTSTART:20260803T110000Z\nDURATION:PT4H30M", {"exceptions": [("2026-08-03", "subtract", [["13:00", "17:30"]])]}),
    (
        "DTSTART;TZID=W. Europe Standard Time:20260803T140000\nDTEND;TZID=W. Europe Standard Time:20260805T101530",
        {
            "exceptions": [
                ("2026-08-03", "subtract", [["14:00", "24:00"]]),
                ("2026-08-04", "closed", None),
                ("2026-08-05", "subtract", [["00:00", "10:16"]]),
            ]
        },
    ),
    (
        "DTSTART:20260803T120000\nDTEND:20260803T235900",
        {"exceptions": [("2026-08-03", "subtract", [["12:00", "24:00"]])]},
    ),
    (
        "DTSTART:20260328T220000\nDTEND:20260329T040000",  # over the night in which an hour is skipped
        {
            "exceptions": [
                ("2026-03-28", "subtract", [["22:00", "24:00"]]),
                ("2026-03-29", "subtract", [["00:00", "04:00"]]),
            ]
        },
    ),
    (
        "DTSTART:20251224T120000\nDTEND:20251224T180000\nRRULE:FREQ=YEARLY",
        {"closure_rule": {"name": "Early end", "fixed": "12-24", "hours": [["00:00", "12:00"], ["18:00", "24:00"]]}},
    ),
    (
        "DTSTART:20251128T120000\nDTEND:20251129T000000\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=-1FR",
        {
            "closure_rule": {
                "name": "Early end",
                "nth": -1,
                "weekday": "fri",
                "month": 11,
                "hours": [["00:00", "12:00"]],
            }
        },
    ),
    ("DTSTART:20260803T090000\nDTEND:20260803T091500\nRRULE:FREQ=DAILY", {}),
    ("DTSTART:20260803T090000", {}),
    ("DTSTART:20260803T090000\nDTEND:20260803T080000", {}),
    ("DTSTART:20260803T090000\nDTEND:20270803T080000", {}),
]


@pytest.mark.parametrize(("lines", "offers"), OFFERS)
async def test_an_event_of_some_hours_is_left_out_and_says_which_half_day_it_would_be(
    vendor: MakeVendor, lines: str, offers: dict[str, Any]
) -> None:
    tenant = await berlin(vendor)
    draft = await tenant.ok(await send(tenant, feed(f"UID:1\n{lines}\nSUMMARY:Early end")))
    assert draft["exceptions"] == draft["repeating"] == []
    (left,) = draft["ignored"]
    assert left.pop("why") == "has times"
    rows = left.pop("exceptions", None)
    assert (rows is None) == ("exceptions" not in offers)
    if rows is not None:
        assert [(one["date"], one["kind"], one.get("hours")) for one in rows] == offers["exceptions"]
        assert {one["name"] for one in rows} == {"Early end"}
    assert left.pop("closure_rule", None) == offers.get("closure_rule")
    assert set(left) == {"name", "start"}


async def test_what_is_offered_can_be_published_and_our_own_feed_is_read_as_it_was_said(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    yearly = "UID:1\nDTSTART:20251224T120000\nDTEND:20251225T000000\nRRULE:FREQ=YEARLY\nSUMMARY:Christmas Eve"
    once = "UID:2\nDTSTART:20260803T140000\nDTEND:20260803T150000\nSUMMARY:Fire drill\\, north"
    day = "UID:3\nDTSTART;VALUE=DATE:20260804\nSUMMARY:Outing"
    draft = await tenant.ok(await send(tenant, feed(yearly, once, day)))
    eve, drill = draft["ignored"]
    body = {
        "effective_from": "2026-01-01",
        "weekly_hours": {name: [["09:00", "17:00"]] for name in ("mon", "tue", "thu")},
        "exceptions": [*draft["exceptions"], *drill["exceptions"]],
        "closure_rules": {"holidays": [], "closures": [eve["closure_rule"]]},
    }
    await tenant.ok(await tenant.post(f"{BERLIN}/versions", body), 201)
    span = {"from": "2026-01-01", "to": "2026-12-31"}
    listed = (await tenant.ok(await tenant.get(f"{BERLIN}/closures", **span)))["data"]
    assert [(one["date"], one["kind"], one["reasons"], one.get("hours")) for one in listed] == [
        ("2026-08-03", "half_day", ["Fire drill, north"], [["09:00", "14:00"], ["15:00", "17:00"]]),
        ("2026-08-04", "closed", ["Outing"], []),
        ("2026-12-24", "half_day", ["Christmas Eve"], [["09:00", "12:00"]]),
    ]
    exported = await tenant.get(f"{BERLIN}/calendar.ics", **span)
    again = await tenant.client.post(
        f"{BERLIN}/imports", content=exported.content, headers={"Content-Type": "text/calendar"}
    )
    read = await tenant.ok(again)
    assert read["ignored"] == []
    assert [(one["date"], one["kind"], one["name"], one.get("hours")) for one in read["exceptions"]] == [
        ("2026-08-03", "subtract", "Fire drill, north", [["14:00", "15:00"]]),
        ("2026-08-04", "closed", "Outing", None),
        ("2026-12-24", "subtract", "Christmas Eve", [["12:00", "17:00"]]),
    ]


async def test_what_repeats_is_expanded_with_the_rule_that_says_the_same(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    eve = "UID:1\nDTSTART;VALUE=DATE:20181231\nRRULE:FREQ=YEARLY\nSUMMARY:New Year's Eve"
    nth = "UID:2\nDTSTART;VALUE=DATE:20191025\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1FR\nSUMMARY:Harvest"
    draft = await tenant.ok(await send(tenant, feed(eve, nth)))
    assert draft["ignored"] == []
    found = [one["date"] for one in draft["exceptions"] if one["name"] == "New Year's Eve"]
    assert found == [f"{year}-12-31" for year in range(2025, 2036)]
    assert [one["date"] for one in draft["exceptions"] if one["name"] == "Harvest"][:2] == ["2025-10-31", "2026-10-30"]
    assert [one["closure_rule"] for one in draft["repeating"]] == [
        {"name": "New Year's Eve", "fixed": "12-31"},
        {"name": "Harvest", "nth": -1, "weekday": "fri", "month": 10},
    ]
    rules = {"holidays": [], "closures": [one["closure_rule"] for one in draft["repeating"]]}
    body = {"effective_from": "2025-01-01", "weekly_hours": {"fri": [["09:00", "17:00"]]}, "closure_rules": rules}
    await tenant.ok(await tenant.post(f"{BERLIN}/versions", body), 201)
    listed = await tenant.ok(await tenant.get(f"{BERLIN}/closures", **{"from": "2026-10-01", "to": "2026-12-31"}))
    assert [one["date"] for one in listed["data"]] == ["2026-10-30", "2026-12-31"]


async def test_left_out_added_moved_and_cancelled_dates_of_a_series(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    zone = "TZID=W. Europe Standard Time"
    series = (
        f"UID:1\nDTSTART;{zone}:20240501T000000\nDTEND;{zone}:20240502T000000\n"
        f"RRULE:FREQ=YEARLY;UNTIL=20290430T220000Z\nEXDATE;{zone}:20260501T000000\nRDATE;VALUE=DATE:20260504\n"
        "SUMMARY:Spring clean"
    )
    moved = f"UID:1\nRECURRENCE-ID;{zone}:20270501T000000\nDTSTART;VALUE=DATE:20270503\nSUMMARY:Spring clean, moved"
    off = f"UID:1\nRECURRENCE-ID;{zone}:20280501T000000\nDTSTART;{zone}:20280501T000000\nSTATUS:CANCELLED\nSUMMARY:Off"
    draft = await tenant.ok(await send(tenant, feed(series, moved, off)))
    assert [(one["date"], one["name"]) for one in draft["exceptions"]] == [
        ("2025-05-01", "Spring clean"),
        ("2026-05-04", "Spring clean"),
        ("2027-05-03", "Spring clean, moved"),
        ("2029-05-01", "Spring clean"),
    ]
    assert [(one["name"], one["why"]) for one in draft["ignored"]] == [("Off", "cancelled")]


async def test_one_date_of_a_series_that_the_feed_does_not_have_is_an_event(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    alone = "UID:1\nRECURRENCE-ID;VALUE=DATE:20260501\nDTSTART;VALUE=DATE:20260504\nSUMMARY:Alone"
    assert await dates(tenant, feed(alone)) == [("2026-05-04", "Alone")]


async def test_a_name_that_is_folded_inside_a_character_is_whole(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    name = "Straßenfest der Händler".encode()
    cut = name.index("ä".encode()) + 1
    folded = b"SUMMARY:" + name[:cut] + b"\r\n " + name[cut:]
    body = feed("UID:1\nDTSTART;VALUE=DATE:20260803\nX-HERE:1").encode().replace(b"X-HERE:1", folded)
    assert await dates(tenant, body) == [("2026-08-03", "Straßenfest der Händler")]


async def test_a_charset_is_obeyed_or_the_next_step_names_one(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    text = feed("UID:1\nDTSTART;VALUE=DATE:20260814\nSUMMARY:Mariä Himmelfahrt")
    for charset in ("iso-8859-1", "windows-1252", "utf-16", '"utf-8"'):
        encoded = text.encode(charset.strip('"'))
        assert await dates(tenant, encoded, f"text/calendar; charset={charset}; method=PUBLISH") == [
            ("2026-08-14", "Mariä Himmelfahrt")
        ]
    for media in ("text/calendar", "text/calendar; charset=utf-8", "text/calendar; charset=rot13"):
        refused = await send(tenant, text.encode("iso-8859-1"), media)
        assert (refused.status_code, refused.json()["code"]) == (415, "feed_charset")
        assert "charset=iso-8859-1" in refused.json()["next_step"]
        assert "application/json" not in refused.json()["next_step"]
    other = await send(tenant, text, "text/plain")
    assert (other.status_code, other.json()["code"]) == (415, "feed_media_type")
    assert "text/calendar" in other.json()["next_step"]


EVENT = "UID:1\nDTSTART;VALUE=DATE:20260803\nSUMMARY:Inventory\\, north"


@pytest.mark.parametrize(
    "body",
    [
        feed(EVENT, tail=""),
        feed(EVENT)[:-40],
        feed(EVENT, EVENT).replace("END:VEVENT\r\n", "", 1),
        feed(EVENT).replace("END:VEVENT\r\n", ""),
        feed(EVENT).replace("BEGIN:VEVENT\r\n", ""),
        feed(EVENT) + "BEGIN:VEVENT\r\nUID:2\r\n",
        feed(EVENT) + "DTSTART;VALUE=DATE:20260804\r\n",
    ],
)
async def test_a_feed_that_is_cut_off_or_unclosed_is_refused(vendor: MakeVendor, body: str) -> None:
    tenant = await berlin(vendor)
    refused = await send(tenant, body)
    assert (refused.status_code, refused.json()["code"]) == (422, "feed_incomplete")
    assert refused.json()["next_step"]


@pytest.mark.parametrize("body", ["", "{}", "<html>", "BEGIN:VCARD\r\nEND:VCARD\r\n"])
async def test_what_is_no_feed_is_refused(vendor: MakeVendor, body: str) -> None:
    tenant = await berlin(vendor)
    refused = await send(tenant, body)
    assert (refused.status_code, refused.json()["code"]) == (422, "feed_unreadable")


@pytest.mark.parametrize(
    "lines",
    [
        "DTSTART;VALUE=DATE:20250101\nRRULE:FREQ=DAILY;COUNT=1000000",
        "DTSTART;VALUE=DATE:20250101\nRRULE:FREQ=DAILY;UNTIL=47601231",
        "DTSTART;VALUE=DATE:20250101\nRRULE:FREQ=SECONDLY",
        "DTSTART;VALUE=DATE:20250101\nDURATION:P1000000D",
        "DTSTART;VALUE=DATE:20250101\nDTEND;VALUE=DATE:47620101",
        "DTSTART;VALUE=DATE:20250101\nDURATION:P366D\nRRULE:FREQ=DAILY",
    ],
)
async def test_a_feed_that_speaks_of_a_million_days_is_refused(vendor: MakeVendor, lines: str) -> None:
    tenant = await berlin(vendor)
    refused = await send(tenant, feed(f"UID:1\n{lines}\nSUMMARY:Always"))
    assert (refused.status_code, refused.json()["code"]) == (422, "feed_expands_too_far")
    assert "closure_rules" in refused.json()["next_step"]


async def test_events_and_dates_are_bounded(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    daily = [f"UID:{i}\nDTSTART;VALUE=DATE:20250101\nRRULE:FREQ=DAILY\nSUMMARY:{i}" for i in range(2)]
    assert (await send(tenant, feed(*daily))).json()["code"] == "feed_expands_too_far", "8,034 dates"
    many = feed(*["DTSTART;VALUE=DATE:20250101"] * 5_001)
    assert (await send(tenant, many)).json()["code"] == "feed_too_large"


async def test_a_zone_that_a_feed_makes_up_is_neither_followed_nor_remembered(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    made_up = (
        "BEGIN:VTIMEZONE\r\nTZID:Atlantis\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nRRULE:FREQ=SECONDLY\r\n"
        "TZOFFSETFROM:+0000\r\nTZOFFSETTO:+0500\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    day = "UID:1\nDTSTART;TZID=Atlantis:20260803T000000\nDTEND;TZID=Atlantis:20260804T000000\nSUMMARY:A"
    assert await dates(tenant, feed(day, head=made_up)) == await dates(tenant, feed(day)) == [("2026-08-03", "A")]


async def test_the_twin_reads_the_same_text(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    text = feed(
        EVENT, "UID:2\nDTSTART:20260803T090000\nSUMMARY:Talk", "UID:3\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=YEARLY"
    )
    draft = await tenant.ok(await send(tenant, text))
    plain = await tenant.ok(await tenant.post(f"{BERLIN}/drafts", {"feed": text}))
    query = """query($feed: String!) { readCalendarFeed(input: {name: "berlin", feed: $feed}) {
      ... on FeedDraft { calendar published nextStep exceptions { date kind name source }
        repeating { name start first last dates closureRule } ignored { name start why } }
      ... on Refusal { code } } }"""
    answer = await tenant.ok(await tenant.client.post("/graphql", json={"query": query, "variables": {"feed": text}}))
    twin: dict[str, Any] = answer["data"]["readCalendarFeed"]
    assert plain == draft
    said = {name: twin[name] for name in ("calendar", "published", "exceptions")}
    assert said == {name: plain[name] for name in said}
    assert twin["nextStep"] == plain["next_step"]
    for one, other in zip(twin["repeating"], plain["repeating"], strict=True):
        assert {"closure_rule": one.pop("closureRule"), **one} == other
    assert twin["ignored"] == [{name: one[name] for name in ("name", "start", "why")} for one in plain["ignored"]]
    bad = await tenant.client.post("/graphql", json={"query": query, "variables": {"feed": text[:-20]}})
    assert bad.json()["data"]["readCalendarFeed"]["code"] == "feed_incomplete"


async def test_a_draft_can_be_published_as_it_is(vendor: MakeVendor) -> None:
    tenant = await berlin(vendor)
    draft = await tenant.ok(await send(tenant, feed(EVENT)))
    body = {
        "effective_from": "2026-01-01",
        "weekly_hours": {"mon": [["09:00", "17:00"]]},
        "exceptions": draft["exceptions"],
    }
    await tenant.ok(await tenant.post(f"{BERLIN}/versions", body), 201)
    listed = await tenant.ok(await tenant.get(f"{BERLIN}/closures", **{"from": "2026-08-03", "to": "2026-08-03"}))
    assert listed["data"][0]["reasons"] == ["Inventory, north"]
