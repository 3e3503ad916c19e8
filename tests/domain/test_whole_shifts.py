"""A shift past midnight belongs to the day on which it begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.opening_hours import CalendarException, ExceptionKind
from app.domain.calendar.timeline import from_s, to_s
from app.domain.clocks.target import due_at, parse_target
from tests.domain.sla_builders import NEW_YORK, Story, a_calendar, ny

NIGHTS = {
    1: [(1320, 1440)],
    2: [(0, 360), (1320, 1440)],
    3: [(0, 360), (1320, 1440)],
    4: [(0, 360), (1320, 1440)],
    5: [(0, 360), (1320, 1440)],
    6: [(0, 360)],
}


def whole(calendar: BusinessCalendar) -> BusinessCalendar:
    versions = [replace(one, whole_shifts=True) for one in calendar.versions]
    return BusinessCalendar(calendar.name, calendar.zone, versions)


def test_a_night_is_one_business_day_and_the_weekend_begins_after_fridays() -> None:
    nights = whole(a_calendar(NIGHTS))
    assert [day for day in range(2, 9) if nights.is_business_date(date(2025, 6, day))] == [2, 3, 4, 5, 6]
    assert nights.close_of(date(2025, 6, 6)) == ny("2025-06-07 06:00")
    assert nights.open_of(date(2025, 6, 6)) == ny("2025-06-06 22:00")
    assert nights.business_date_s(to_s(ny("2025-06-07 05:59:59"))) == date(2025, 6, 6)
    assert nights.business_date_s(to_s(ny("2025-06-07 06:00"))) == date(2025, 6, 7)
    stored = a_calendar(NIGHTS)
    assert stored.close_of(date(2025, 6, 6)) == ny("2025-06-07 00:00"), "what is stored stays as it was"


@pytest.mark.parametrize(
    ("target", "start", "due"),
    [
        ("business_days:1:close", "2025-06-06 22:30", "2025-06-10 06:00"),
        ("business_days:1:close", "2025-06-07 02:00", "2025-06-10 06:00"),
        ("business_days:1", "2025-06-07 02:00", "2025-06-10 02:00"),
        ("business_days:1", "2025-06-06 22:30", "2025-06-09 22:30"),
        ("business_days:2", "2025-06-03 03:00", "2025-06-05 03:00"),
        ("business_seconds:28800", "2025-06-06 22:30", "2025-06-09 22:30"),
    ],
)
def test_days_are_counted_by_shifts(target: str, start: str, due: str) -> None:
    assert due_at(whole(a_calendar(NIGHTS)), parse_target(target), ny(start)) == ny(due)


def test_a_ticket_taken_in_a_night_owes_nothing_in_that_night() -> None:
    story = Story("each_business_day", whole(a_calendar(NIGHTS)), milestone="each_business_day")
    story.then("start", "2025-06-05 23:00")
    assert story.state("2025-06-06 12:00").breaches == ()
    story.then("response", "2025-06-07 01:00")
    covered = story.state("2025-06-09 12:00")
    assert [(one.window_date, one.state.value) for one in covered.windows] == [(date(2025, 6, 6), "covered")]
    assert covered.due_at == ny("2025-06-10 06:00")


def test_days_that_are_open_all_day_stay_apart() -> None:
    round_the_clock = whole(a_calendar({day: [(0, 1440)] for day in range(1, 6)}))
    assert round_the_clock.close_of(date(2025, 6, 5)) == ny("2025-06-06 00:00")
    half = whole(a_calendar({1: [(0, 1440)], 2: [(0, 720)]}))
    assert half.close_of(date(2025, 6, 2)) == ny("2025-06-03 00:00")
    assert half.close_of(date(2025, 6, 3)) == ny("2025-06-03 12:00")


def test_a_version_of_before_keeps_its_last_midnight() -> None:
    before = a_calendar(NIGHTS).versions[0]
    after = replace(before, revision=2, effective_from=date(2025, 6, 4), whole_shifts=True)
    both = BusinessCalendar("service-hours", NEW_YORK, [before, after])
    assert both.close_of(date(2025, 6, 3)) == ny("2025-06-04 00:00")
    assert both.close_of(date(2025, 6, 4)) == ny("2025-06-05 06:00")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.sampled_from(["America/New_York", "America/Sao_Paulo", "Pacific/Apia"]))
def test_every_open_second_counts_for_one_business_date_and_only_dates_differ(day: int, zone: str) -> None:
    rows = [CalendarException(date(2025, 6, 5), ExceptionKind.CLOSED)]
    one = a_calendar(NIGHTS, zone=zone, exceptions=rows)
    other = whole(one)
    start = to_s(ny("2011-10-01 00:00")) + day * 86_400
    assert one.segments_s(start, start + 9 * 86_400) == other.segments_s(start, start + 9 * 86_400)
    for opens, closes in other.segments_s(start, start + 9 * 86_400):
        for second in (opens, (opens + closes) // 2, closes - 1):
            on = other.business_date_s(second)
            span = other.date_span_s(on)
            assert span is not None, from_s(second)
            assert span[0] <= second < span[1]
