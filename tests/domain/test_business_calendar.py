"""Business time: examples and traps (SHOPP-1, SHOPP-2, SHOPP-3, XC-2, CSC-14)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.calendar.business_calendar import BusinessCalendar, removed_within_notice
from app.domain.calendar.opening_hours import (
    CalendarException,
    CalendarVersion,
    Closure,
    ExceptionKind,
    InvalidHours,
    Reason,
    format_minute,
    parse_minute,
    split_overnight,
    weekly_hours,
)
from app.domain.calendar.timeline import InstantOutOfRange, SlaUnreachable, offset_pieces, to_s
from app.domain.values.errors import DomainError
from tests.domain.sla_builders import LONG_AGO, NEW_YORK, NINE_TO_FIVE, a_calendar, ny, shopp_calendar, utc


def test_shopp_1_a_night_across_daylight_saving_has_the_hours_it_has() -> None:
    round_the_clock = a_calendar({day: [(0, 1440)] for day in range(1, 8)})
    assert round_the_clock.between(ny("2025-03-08 17:00"), ny("2025-03-09 09:00")) == 15 * 3600
    assert round_the_clock.between(ny("2025-11-01 17:00"), ny("2025-11-02 09:00")) == 17 * 3600


def test_shopp_2_a_day_with_two_reasons_is_one_closed_day_that_names_both() -> None:
    found = shopp_calendar().closures(date(2027, 12, 24), date(2027, 12, 24))
    assert [reason.name for reason in found[0].reasons] == ["Christmas Day (observed)", "Christmas Eve"]
    december = [closure.on.day for closure in shopp_calendar().closures(date(2027, 12, 20), date(2027, 12, 31))]
    assert december == [24, 25, 26, 31]


def test_an_edge_inside_a_gap_or_a_fold_is_read_off_the_clock() -> None:
    night = a_calendar({7: [(90, 150)]})  # Sunday 01:30-02:30
    # In spring 02:00 to 03:00 is skipped: only 01:30-02:00 is there. In autumn 01:30-02:00 comes twice.
    assert night.between(ny("2025-03-09 00:00"), ny("2025-03-09 12:00")) == 1800
    assert night.between(ny("2025-11-02 00:00"), ny("2025-11-02 12:00")) == 5400
    first, second = utc("2025-11-02T05:30:00Z"), utc("2025-11-02T06:30:00Z")
    assert night.is_open(first)
    assert night.is_open(second)
    assert not night.is_open(utc("2025-11-02T06:00:00Z"))


def test_both_limits() -> None:
    calendar = a_calendar()
    opening = ny("2025-06-10 09:00")
    assert calendar.add_left(opening, 28_800) == ny("2025-06-10 17:00")
    assert calendar.add_right(opening, 28_800) == ny("2025-06-11 09:00")
    assert calendar.sub(ny("2025-06-11 09:00"), 28_800) == opening
    assert calendar.add_left(ny("2025-06-14 12:00"), 0) == ny("2025-06-14 12:00")
    assert calendar.add_right(ny("2025-06-14 12:00"), 0) == ny("2025-06-16 09:00")


def test_edges_strictly_after_an_instant() -> None:
    calendar = a_calendar()
    assert calendar.next_opening(ny("2025-06-10 09:00")) == ny("2025-06-11 09:00")
    assert calendar.next_close(ny("2025-06-10 09:00")) == ny("2025-06-10 17:00")
    assert calendar.next_close(ny("2025-06-10 17:00")) == ny("2025-06-11 17:00")


def test_instants_are_floored_to_the_second_and_naive_ones_refused() -> None:
    calendar = a_calendar()
    assert calendar.add_left(ny("2025-06-10 09:00") + timedelta(microseconds=999_999), 60) == ny("2025-06-10 09:01")
    with pytest.raises(TypeError):
        calendar.add_left(datetime(2025, 6, 10, 9), 60)


def test_a_calendar_that_never_opens_does_not_loop() -> None:
    shut = a_calendar({})
    for ask in (
        lambda: shut.add_left(ny("2025-06-10 09:00"), 1),
        lambda: shut.add_right(ny("2025-06-10 09:00"), 0),
        lambda: shut.sub(ny("2025-06-10 09:00"), 1),
        lambda: shut.business_date_after(date(2025, 6, 10)),
    ):
        with pytest.raises(SlaUnreachable) as caught:
            ask()
        assert caught.value.code == "sla_unreachable"
    assert shut.next_opening(ny("2025-06-10 09:00")) is None
    assert shut.between(ny("1999-01-01 00:00"), ny("2025-01-01 00:00")) == 0


def test_the_horizon_is_the_same_whatever_was_asked_before() -> None:
    later = a_calendar(effective_from=date(2050, 1, 1))
    later.is_open(ny("2060-01-01 12:00"))
    with pytest.raises(SlaUnreachable):
        later.add_left(ny("2025-01-01 09:00"), 60)
    assert later.next_opening(ny("2025-01-01 09:00")) is None


def test_a_calendar_that_never_closes() -> None:
    always = a_calendar({day: [(0, 1440)] for day in range(1, 8)})
    assert always.next_close(ny("2025-06-10 09:00")) is None
    assert always.segments_s(to_s(ny("2024-06-10 09:00")), to_s(ny("2026-06-10 09:00"))) == [
        (to_s(ny("2024-06-10 09:00")), to_s(ny("2026-06-10 09:00")))
    ]


def test_years_out_of_range_are_refused() -> None:
    calendar = a_calendar()
    for at in (
        datetime(1899, 12, 31, tzinfo=UTC),
        datetime(2300, 1, 2, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ):
        with pytest.raises(InstantOutOfRange):
            calendar.is_open(at)
    assert not calendar.is_open(datetime(1900, 1, 1, tzinfo=UTC))
    assert calendar.is_open(datetime(2299, 12, 29, 15, tzinfo=UTC))


def test_split_days_overnight_and_whole_days() -> None:
    assert split_overnight(5, 22 * 60, 6 * 60) == ((5, (1320, 1440)), (6, (0, 360)))
    assert split_overnight(7, 22 * 60, 6 * 60) == ((7, (1320, 1440)), (1, (0, 360)))
    assert split_overnight(1, 0, 0) == ((1, (0, 1440)),)
    assert split_overnight(1, 540, 1440) == ((1, (540, 1440)),)
    assert parse_minute("24:00") == 1440
    assert format_minute(1440) == "24:00"
    assert parse_minute("09:05") == 545
    for wrong in ("24:01", "9:00", "09:60", "", "09:00:00", "-1:00", "٠٩:٠٠"):
        with pytest.raises(InvalidHours):
            parse_minute(wrong)


@pytest.mark.parametrize("hours", [{1: [(600, 600)]}, {1: [(700, 600)]}, {1: [(0, 1441)]}, {8: [(0, 60)]}])
def test_hours_no_day_can_have_are_refused(hours: dict[int, list[tuple[int, int]]]) -> None:
    with pytest.raises(DomainError) as caught:
        weekly_hours(hours)
    assert caught.value.code == "invalid_hours"


def test_exceptions_of_one_date_combine_in_one_order() -> None:
    on = date(2025, 6, 10)
    rows = [
        CalendarException(on, ExceptionKind.SUBTRACT, ((600, 660),)),
        CalendarException(on, ExceptionKind.ADD, ((1020, 1080),)),
        CalendarException(on, ExceptionKind.REPLACE, ((480, 720),)),
    ]
    for order in (rows, rows[::-1]):
        calendar = a_calendar(exceptions=order)
        found = calendar.segments_s(to_s(ny("2025-06-10 00:00")), to_s(ny("2025-06-11 00:00")))
        at = to_s(ny("2025-06-10 00:00"))
        assert [(a - at, b - at) for a, b in found] == [(28800, 36000), (39600, 43200), (61200, 64800)]
    closed = a_calendar(exceptions=[*rows, CalendarException(on, ExceptionKind.CLOSED, name="Works outing")])
    assert not closed.is_business_date(on)
    assert closed.closures(on, on) == (Closure(on, (Reason("Works outing"),)),)


def test_apia_had_no_30_december_2011() -> None:
    apia = a_calendar({day: [(540, 1020)] for day in range(1, 8)}, zone="Pacific/Apia")
    assert not apia.is_business_date(date(2011, 12, 30))
    assert apia.business_date_after(date(2011, 12, 29)) == date(2011, 12, 31)
    assert apia.start_of_date_s(date(2011, 12, 30)) == apia.start_of_date_s(date(2011, 12, 31))


def test_new_year_is_one_local_day_in_every_zone() -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Honolulu", "UTC"):
        calendar = a_calendar({day: [(0, 1440)] for day in range(1, 8)}, zone=zone)
        for on in (date(2024, 12, 31), date(2025, 1, 1)):
            opens, closes = calendar.open_of(on), calendar.close_of(on)
            assert closes - opens == timedelta(days=1)
            assert opens.astimezone(ZoneInfo(zone)).date() == on


def _two_versions(second: CalendarVersion) -> BusinessCalendar:
    first = CalendarVersion(1, date(2020, 1, 1), weekly_hours(NINE_TO_FIVE))
    return BusinessCalendar("service-hours", NEW_YORK, [second, first])


def test_versions_follow_one_another_on_one_timeline() -> None:
    calendar = _two_versions(CalendarVersion(2, date(2025, 7, 1), weekly_hours({1: [(600, 660)], 2: [(600, 660)]})))
    assert not calendar.is_open(ny("2019-12-31 12:00"))
    assert calendar.between(ny("2025-06-30 00:00"), ny("2025-07-03 00:00")) == 8 * 3600 + 3600
    assert calendar.revision == 2
    assert calendar.version_on(date(2019, 12, 31)) is None
    on = [calendar.version_on(date(2025, 6, 30)), calendar.version_on(date(2025, 7, 1))]
    assert [one.revision for one in on if one is not None] == [1, 2], "a version holds from its own date"


def test_a_correction_of_the_same_date_replaces_the_version() -> None:
    right = CalendarVersion(3, date(2025, 7, 1), weekly_hours(NINE_TO_FIVE))
    wrong = CalendarVersion(2, date(2025, 7, 1), weekly_hours({}))
    calendar = BusinessCalendar("service-hours", NEW_YORK, [right, wrong])
    assert calendar.is_open(ny("2025-07-02 12:00"))


def test_shopp_3_less_than_thirty_days_of_notice_is_found_by_the_open_time_removed() -> None:
    old = _two_versions(CalendarVersion(2, date(2026, 1, 1), weekly_hours(NINE_TO_FIVE)))
    announced = ny("2025-05-10 23:30")

    def removed(on: date, hours: tuple[tuple[int, int], ...] = (), announced: datetime = announced) -> int:
        change = CalendarException(on, ExceptionKind.REPLACE, hours)
        new = _two_versions(CalendarVersion(2, on, weekly_hours(NINE_TO_FIVE), (change,)))
        return len(removed_within_notice(old, new, announced_at=announced, notice_days=30, since=on))

    assert removed(date(2025, 6, 6)) == 1
    assert removed(date(2025, 6, 9)) == 0  # 10 May and 30 days
    sunday = ny("2025-05-11 23:30")
    assert removed(date(2025, 6, 9), announced=sunday) == 1  # the 29th day after, a Monday
    assert removed(date(2025, 6, 10), announced=sunday) == 0  # the 30th
    assert removed(date(2025, 6, 6), ((480, 1080),)) == 0  # longer hours need no notice
    assert removed(date(2025, 6, 7)) == 0  # a Saturday was closed anyway


def test_csc_14_etc_gmt_minus_3_is_three_hours_east() -> None:
    calendar = a_calendar({day: [(540, 1080)] for day in range(1, 6)}, zone="Etc/GMT-3")
    assert calendar.open_of(date(2025, 6, 10)) == utc("2025-06-10T06:00:00Z")


def test_constant_offset_pieces_name_each_transition_to_the_second() -> None:
    year = (to_s(datetime(2025, 1, 1, tzinfo=UTC)), to_s(datetime(2026, 1, 1, tzinfo=UTC)))
    pieces = offset_pieces(NEW_YORK, *year)
    assert [piece.offset for piece in pieces] == [-18000, -14400, -18000]
    assert pieces[1].start == to_s(utc("2025-03-09T07:00:00Z"))
    assert len(offset_pieces(ZoneInfo("Africa/Casablanca"), *year)) == 3
    assert date(1970, 1, 1) > LONG_AGO
