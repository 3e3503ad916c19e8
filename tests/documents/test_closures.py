"""Closed days by rule, against what the published calendars say."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from app.documents.closures import (
    ClosureRules,
    dump_closure_rules,
    easter_sunday,
    expand_closures,
    holiday_library_version,
    holiday_of,
    nth_weekday,
    parse_closure_rules,
)
from app.documents.marks import PolicyDocumentError
from app.documents.policy_document import load_policy
from app.domain.policy.service_levels import ClosureRule, HolidaySet

HOURS = load_policy(
    (Path(__file__).parents[2] / "app" / "policies" / "shopp.yaml").read_text(encoding="utf-8")
).service_hours

# Weekdays only; the federal days as the Office of Personnel Management lists them, and the vendor's own five.
CLOSED_WEEKDAYS = {
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 10-14 11-11 11-28 11-29 12-24 12-25 12-26 12-31",
    2025: "01-01 01-20 02-17 04-18 05-26 06-19 07-04 09-01 10-13 11-11 11-27 11-28 12-24 12-25 12-26 12-31",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 10-12 11-11 11-26 11-27 12-24 12-25 12-31",
    2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 10-11 11-11 11-25 11-26 12-24 12-31",
    2028: "01-17 02-21 04-14 05-29 06-19 07-04 09-04 10-09 11-10 11-23 11-24 12-25 12-26",
}


@pytest.mark.parametrize("year", sorted(CLOSED_WEEKDAYS))
def test_shopp_2_closed_weekdays_of_known_years(year: int) -> None:
    found = [c.date for c in expand_closures(HOURS, year, year) if c.date.weekday() < 5]
    assert [day.strftime("%m-%d") for day in found] == CLOSED_WEEKDAYS[year].split()


def test_shopp_2_a_day_with_two_reasons_is_one_day_that_names_both() -> None:
    names = {c.date: c.names for c in expand_closures(HOURS)}
    assert names[date(2027, 12, 24)] == ("Christmas Day (observed)", "Christmas Eve")
    assert names[date(2027, 12, 31)] == ("New Year's Day (observed)", "New Year's Eve")
    assert names[date(2021, 12, 31)] == ("New Year's Day (observed)", "New Year's Eve")
    assert names[date(2049, 12, 31)] == ("New Year's Day (observed)", "New Year's Eve"), "observed in the last year"


def test_shopp_2_federal_days_are_observed_and_the_vendors_own_are_not_moved() -> None:
    names = {c.date: c.names for c in expand_closures(HOURS)}
    assert names[date(2026, 7, 3)] == ("Independence Day (observed)",)
    assert names[date(2026, 7, 4)] == ("Independence Day",)
    assert names[date(2026, 12, 26)] == ("Day after Christmas",), "a Saturday, and no Monday for it"
    assert date(2026, 12, 28) not in names
    assert date(2028, 12, 22) not in names, "Christmas Eve 2028 is a Sunday"
    assert date(2028, 12, 29) not in names, "New Year's Eve 2028 is a Sunday"


def test_shopp_2_inauguration_days_and_executive_orders_do_not_count() -> None:
    names = {c.date: c.names for c in expand_closures(HOURS)}
    assert names[date(2025, 1, 20)] == ("Martin Luther King Jr. Day",)
    for open_day in (
        date(2005, 1, 20),
        date(2009, 1, 20),
        date(2013, 1, 22),
        date(2017, 1, 20),
        date(2021, 1, 20),
        date(2029, 1, 19),
        date(2007, 1, 2),
        date(2018, 12, 5),
        date(2025, 1, 9),
        date(2004, 6, 11),
    ):
        assert open_day not in names
    for year in range(2000, 2050):
        # Only the vendor's own rule closes these, never an order of a president as well.
        eve, after = names[date(year, 12, 24)], names[date(year, 12, 26)]
        assert set(eve) <= {"Christmas Eve", "Christmas Day (observed)"}
        assert set(after) <= {"Day after Christmas", "Christmas Day (observed)"}


def test_every_year_has_its_closed_days_and_rows_are_ordered_and_unique() -> None:
    rows = expand_closures(HOURS)
    assert [row.date for row in rows] == sorted({row.date for row in rows})
    assert all(row.names and len(row.names) == len(set(row.names)) for row in rows)
    assert {row.date.year for row in rows} == set(range(2000, 2050))
    for year in (2000, 2027, 2049):
        assert expand_closures(HOURS, year, year) == tuple(row for row in rows if row.date.year == year)


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [
        (1961, 4, 2),
        (2000, 4, 23),
        (2008, 3, 23),
        (2011, 4, 24),
        (2024, 3, 31),
        (2025, 4, 20),
        (2038, 4, 25),
        (2049, 4, 18),
    ],
)
def test_easter(year: int, month: int, day: int) -> None:
    assert easter_sunday(year) == date(year, month, day)


def test_nth_weekdays() -> None:
    assert nth_weekday(2025, 11, "thu", 4) == date(2025, 11, 27)
    assert nth_weekday(2025, 5, "mon", -1) == date(2025, 5, 26)
    assert nth_weekday(2025, 12, "sun", -1) == date(2025, 12, 28)
    assert nth_weekday(2025, 2, "mon", 5) is None
    assert nth_weekday(2025, 3, "mon", 5) == date(2025, 3, 31)


def test_rules_of_other_calendars() -> None:
    rules = parse_closure_rules(
        {
            "holidays": [{"country": "DE", "subdivision": "BY", "observed": False}],
            "closures": [
                {"name": "Leap day", "fixed": "02-29"},
                {"name": "Day after the last day", "fixed": "12-31", "offset_days": 1},
                {"name": "Early May", "nth": -1, "weekday": "mon", "month": 5},
            ],
        },
        clause="OWN-1",
    )
    assert rules.holidays[0].clause == "OWN-1"
    assert parse_closure_rules(dump_closure_rules(rules)) == rules
    by_date = {c.date: c.names for c in expand_closures(rules, 2024, 2025)}
    assert by_date[date(2024, 2, 29)] == ("Leap day",)
    assert by_date[date(2025, 1, 6)] == ("Epiphany",), "in English on every machine"
    assert "Day after the last day" in by_date[date(2025, 1, 1)]
    assert "Early May" in by_date[date(2025, 5, 26)]
    assert date(2025, 2, 28) not in by_date


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"holiday": []}, "/holiday"),
        ({"holidays": [{"country": "XX"}]}, "/holidays/0/country"),
        ({"holidays": [{"country": "US", "subdivision": "QQ"}]}, "/holidays/0/subdivision"),
        ({"holidays": {}}, "/holidays"),
        ({"closures": [{"name": "a"}]}, "/closures/0"),
        ({"closures": [{"name": "a", "fixed": "12-24", "nth": 1}]}, "/closures/0"),
        ({"closures": [{"name": "a", "fixed": "13-01"}]}, "/closures/0/fixed"),
        ({"closures": [{"name": "a", "fixed": "1-1"}]}, "/closures/0/fixed"),
        ({"closures": [{"name": "a", "nth": 6, "weekday": "mon", "month": 1}]}, "/closures/0/nth"),
        ({"closures": [{"name": "a", "nth": 1, "weekday": "monday", "month": 1}]}, "/closures/0/weekday"),
        ({"closures": [{"name": "a", "easter": "2"}]}, "/closures/0/easter"),
        ({"closures": [{"name": "a", "easter": 2, "x": 1}]}, "/closures/0/x"),
        ({"closures": [{"name": "a", "easter": 2, "hours": []}]}, "/closures/0/hours"),
        ({"holidays": [{"country": "AT", "without": ["Epifany"]}]}, "/holidays/0/without"),
        ({"holidays": [{"country": "US"}] * 21}, "/holidays"),
    ],
)
def test_faulty_rules_are_refused_with_their_path(data: dict[str, object], path: str) -> None:
    with pytest.raises(PolicyDocumentError) as caught:
        parse_closure_rules(data)
    assert caught.value.problems[0].path == path
    assert caught.value.problems[0].hint


def test_years_are_bounded() -> None:
    for first, last in ((2000, 2200), (2025, 2024), (1, 2), (9000, 9001)):
        with pytest.raises(ValueError, match="cannot be expanded"):
            expand_closures(HOURS, first, last)


def test_an_offset_over_the_turn_of_a_year_is_neither_missed_nor_doubled() -> None:
    rules = ClosureRules(closures=(ClosureRule(name="after", clause="A", fixed="12-31", offset_days=2),))
    assert [c.date for c in expand_closures(rules, 2025, 2026)] == [date(2025, 1, 2), date(2026, 1, 2)]


def test_names_can_be_left_out_with_their_observed_day() -> None:
    rules = ClosureRules(holidays=(HolidaySet(country="US", clause="A", without=("New Year's Day",)),))
    days = {c.date for c in expand_closures(rules, 2027, 2028)}
    assert date(2027, 12, 31) not in days
    assert date(2028, 1, 1) not in days
    assert date(2027, 12, 24) in days


@pytest.mark.parametrize(
    ("country", "written", "nearest"),
    [
        ("AT", "Epifany", "Epiphany"),
        ("AT", "Heilige Drei Könige", "Epiphany"),
        ("FR", "Fête du Travail", "Labor Day"),
        ("US", "New Years Day", "New Year's Day"),
        ("US", "New Year\u2019s Day", "New Year's Day"),
        ("NO", "Second day of christmas", "Second Day of Christmas"),
    ],
)
def test_a_name_that_no_holiday_has_is_refused_with_the_nearest(country: str, written: str, nearest: str) -> None:
    with pytest.raises(PolicyDocumentError) as caught:
        parse_closure_rules({"holidays": [{"country": country, "without": [written]}]}, clause="A")
    (problem,) = caught.value.problems
    assert written in problem.message
    assert f"Did you mean {nearest!r}?" in problem.hint.replace('"', "'").replace(
        "'New Year's Day'", repr("New Year's Day")
    )


def test_labels_follow_their_holiday() -> None:
    """Every name of the library that has a label is left out with its holiday, in every country."""
    assert holiday_of("International Women's Rights Day (in lieu)") == "International Women's Rights Day"
    assert holiday_of("Eid al-Fitr (observed, estimated)") == "Eid al-Fitr"
    assert holiday_of("Alternative holiday for Chuseok") == "Chuseok"
    assert holiday_of("Chinese New Year (Spring Festival)") == "Chinese New Year (Spring Festival)"
    for country, name in (("LA", "International Women's Rights Day"), ("KR", "Children's Day"), ("GG", "Boxing Day")):
        rules = ClosureRules(holidays=(HolidaySet(country=country, clause="A", without=(name,)),))
        every = ClosureRules(holidays=(HolidaySet(country=country, clause="A"),))
        labelled = [c for c in expand_closures(every, 2000, 2040) if any(name in n and n != name for n in c.names)]
        assert labelled, "the library has such days"
        assert not [c for c in expand_closures(rules, 2000, 2040) if any(name in n for n in c.names)]


def test_a_label_may_be_left_out_alone() -> None:
    rules = ClosureRules(holidays=(HolidaySet(country="US", clause="A", without=("Christmas Day (observed)",)),))
    days = {c.date for c in expand_closures(rules, 2027, 2027)}
    assert date(2027, 12, 25) in days
    assert date(2027, 12, 24) not in days


def test_a_name_of_another_part_of_the_country_is_known() -> None:
    rules = {"holidays": [{"country": "US", "without": ["Inauguration Day"]}]}
    assert parse_closure_rules(rules, clause="A").holidays[0].without == ("Inauguration Day",)


def test_several_half_days_leave_what_all_of_them_leave() -> None:
    rules = parse_closure_rules(
        {
            "closures": [
                {"name": "a", "fixed": "12-24", "hours": [["08:00", "14:00"]]},
                {"name": "b", "fixed": "12-24", "hours": [["10:00", "12:00"], ["12:00", "16:00"]]},
                {"name": "c", "fixed": "12-31", "hours": [["08:00", "14:00"]]},
                {"name": "d", "fixed": "12-31"},
            ]
        },
        clause="A",
    )
    eve, last = expand_closures(rules, 2025, 2025)
    assert (eve.names, eve.hours) == (("a", "b"), ((600, 840),))
    assert (last.names, last.hours) == (("c", "d"), ())


def test_the_library_is_named_with_its_version() -> None:
    name, _, number = holiday_library_version().partition(" ")
    assert name == "holidays"
    assert number.split(".")[0].isdigit()


def test_good_friday_is_two_days_before_easter_in_every_year() -> None:
    good_fridays = [c.date for c in expand_closures(HOURS) if "Good Friday" in c.names]
    assert good_fridays == [easter_sunday(year) - timedelta(days=2) for year in range(2000, 2050)]
