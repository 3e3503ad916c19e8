"""Due times of each target, the golden cases among them, and their explanations (SHOPP-4, SHOPP-5, XC-2)."""

from datetime import timedelta

import pytest

from app.domain.clocks.event import Party, PauseRule
from app.domain.clocks.target import AfterClose, BusinessDays, DayEdge, due, due_at, explain, parse_target
from app.domain.values.errors import DomainError
from tests.domain.sla_builders import Story, a_calendar, ny, rows, shopp_calendar, utc

TARGETS = {
    "end_of_next_business_day": "business_days:1:close",
    "8_business_hours": "business_seconds:28800",
    "2_business_hours": "business_seconds:7200",
    "24_business_hours": "business_seconds:86400",
    "1_business_days": "business_days:1",
    "2_business_days": "business_days:2",
}
GOLDEN = list(rows("golden_sla.jsonl"))


def _local(text: str) -> str:
    """``"Mon 2025-06-09 10:00 EDT"`` -> ``"2025-06-09 10:00"``."""
    return text[4:20]


@pytest.mark.parametrize("row", [r for r in GOLDEN if r["case"] != "daily-update" and "pause" not in r])
def test_golden_due_times(row: dict[str, str]) -> None:
    calendar = shopp_calendar()
    found = due(calendar, parse_target(TARGETS[row["kind"]]), utc(row["start"]))
    assert found.due_at == utc(row["due"]) == ny(_local(row["due_local"]))
    assert found.explain.business_seconds == calendar.between(utc(row["start"]), utc(row["due"]))
    assert sum(part.seconds for part in found.explain.consumed) == found.explain.business_seconds
    if "biz_right_limit" in row:
        seconds = int(TARGETS[row["kind"]].rpartition(":")[2])
        assert calendar.add_right(utc(row["start"]), seconds) == utc(row["biz_right_limit"])


@pytest.mark.parametrize("row", [r for r in GOLDEN if "pause" in r])
@pytest.mark.parametrize("snap", [False, True])
def test_golden_pauses(row: dict[str, str], snap: bool) -> None:
    story = Story(TARGETS[row["kind"]], pause_rule=PauseRule.FREEZE_SNAP if snap else PauseRule.FREEZE)
    story.then("start", utc(row["start"]))
    assert story.state(utc(row["start"])).due_at == ny(_local(row["due_before"]))
    pause, resume = ny(_local(row["pause"])), ny(_local(row["resume"]))
    story.then("pause", pause, reason="customer", party=Party.CUSTOMER)
    paused = story.state(resume - timedelta(seconds=1))
    assert paused.due_at is None
    assert paused.remaining_business_seconds == row["remaining_s"]
    story.then("resume", resume, reason="customer")
    expected = ny(_local(row["due_if_snap_to_close"])) if snap and "due_if_snap_to_close" in row else utc(row["due"])
    assert story.state(resume).due_at == expected


def test_golden_daily_windows() -> None:
    (row,) = [r for r in GOLDEN if r["case"] == "daily-update"]
    story = Story("each_business_day", milestone="each_business_day").then("start", ny(_local(row["approved"])))
    for opens, closes in row["windows"]:
        state = story.state(ny(_local(opens)))
        assert state.due_at == ny(_local(closes))
        assert story.calendar.open_of(state.window_date) == ny(_local(opens))


def test_the_golden_cases_are_all_there() -> None:
    assert len(GOLDEN) == 21


@pytest.mark.parametrize(
    ("received", "same_date", "next_open"),
    [
        ("2025-06-13 18:00", "2025-06-16 17:00", "2025-06-17 17:00"),
        ("2025-06-14 12:00", "2025-06-16 17:00", "2025-06-17 17:00"),
        ("2025-06-13 16:00", "2025-06-16 17:00", "2025-06-16 17:00"),
        ("2025-06-13 07:00", "2025-06-16 17:00", "2025-06-16 17:00"),
    ],
)
def test_shopp_5_received_after_the_close(received: str, same_date: str, next_open: str) -> None:
    calendar, target = shopp_calendar(), BusinessDays(1, DayEdge.CLOSE)
    assert due_at(calendar, target, ny(received)) == ny(same_date)
    assert due_at(calendar, target, ny(received), AfterClose.NEXT_OPEN) == ny(next_open)


def test_xc_2_one_business_day_round_the_clock_on_weekdays() -> None:
    calendar = a_calendar({day: [(0, 1440)] for day in range(1, 6)}, zone="UTC")
    target = parse_target("business_days:1")
    assert due_at(calendar, target, utc("2025-06-10T15:00:00Z")) == utc("2025-06-11T15:00:00Z")
    assert due_at(calendar, target, utc("2025-06-14T10:00:00Z")) == utc("2025-06-17T00:00:00Z")
    assert due_at(calendar, target, utc("2025-06-13T15:00:00Z")) == utc("2025-06-16T15:00:00Z")


def test_the_same_time_is_moved_into_the_hours_of_that_date() -> None:
    calendar = a_calendar({1: [(540, 1020)], 2: [(540, 720), (780, 1020)], 3: [(600, 900)]})
    target = parse_target("business_days:1")
    assert due_at(calendar, target, ny("2025-06-09 12:30")) == ny("2025-06-10 12:00")  # Tuesday's lunch
    assert due_at(calendar, target, ny("2025-06-10 09:15")) == ny("2025-06-11 10:00")
    assert due_at(calendar, target, ny("2025-06-10 16:00")) == ny("2025-06-11 15:00")


def test_wall_seconds_given_instants_and_none() -> None:
    calendar, start = shopp_calendar(), ny("2025-06-13 18:00")
    assert due_at(calendar, parse_target("seconds:86400"), start) == ny("2025-06-14 18:00")
    assert due_at(calendar, parse_target("at:2025-06-20T10:00:00Z"), start) == utc("2025-06-20T10:00:00Z")
    assert due(calendar, parse_target("none"), start).due_at is None
    assert due_at(calendar, parse_target("each_business_day"), start) == ny("2025-06-16 17:00")
    assert due_at(calendar, parse_target("rolling:3600"), start) == ny("2025-06-16 10:00")
    with pytest.raises(DomainError):
        due_at(calendar, parse_target("at"), start)


@pytest.mark.parametrize(
    "text",
    [
        "business_seconds:28800",
        "business_days:1",
        "business_days:3:close",
        "seconds:86400",
        "each_business_day",
        "rolling:3600",
        "at",
        "at:2025-01-01T00:00:00Z",
        "none",
    ],
)
def test_targets_read_as_they_are_written(text: str) -> None:
    assert str(parse_target(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "business_seconds",
        "business_seconds:",
        "business_seconds:0",
        "business_seconds:-1",
        "business_days:1:open",
        "business_days:1:",
        "business_days:99999",
        "seconds:1e3",
        "seconds:٣",
        "rolling:99999999999",
        "at:yesterday",
        "at:2025-01-01T00:00:00",
        "business_seconds:1:close",
        "none:1",
    ],
)
def test_other_targets_are_refused(text: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_target(text)
    assert caught.value.code == "invalid_target"


def test_an_explanation_lists_stretches_and_closures_with_their_names() -> None:
    found = due(shopp_calendar(), parse_target("business_seconds:86400"), ny("2025-12-23 09:00"))
    assert [(part.start, part.seconds) for part in found.explain.consumed] == [
        (ny("2025-12-23 09:00"), 28800),
        (ny("2025-12-29 09:00"), 28800),
        (ny("2025-12-30 09:00"), 28800),
    ]
    assert [(c.on.day, c.reasons[0].name) for c in found.explain.skipped] == [
        (24, "Christmas Eve"),
        (25, "Christmas Day"),
        (26, "Day after Christmas"),
    ]


def test_an_explanation_is_bounded_and_says_what_it_leaves_out() -> None:
    found = explain(shopp_calendar(), ny("2025-01-01 00:00"), ny("2026-01-01 00:00"), limit=10)
    assert len(found.consumed) == len(found.skipped) == 10
    assert found.more_consumed > 200
    assert found.business_seconds == shopp_calendar().between(ny("2025-01-01 00:00"), ny("2026-01-01 00:00"))
    assert explain(shopp_calendar(), ny("2026-01-01 00:00"), ny("2025-01-01 00:00")).consumed == ()
