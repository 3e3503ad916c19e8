"""Answers of the industry's reference library, each confirmed by a minute walk, and the cases where it is wrong."""

import json
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from app.domain.calendar.business_calendar import BusinessCalendar
from tests.domain.sla_builders import calendar_of, rows, utc


@cache
def _shared(text: str) -> BusinessCalendar:
    return calendar_of(json.loads(text))


def _calendar(row: dict[str, Any]) -> BusinessCalendar:
    keys = ("tz", "hours", "holidays", "shifts", "breaks")
    return _shared(json.dumps({key: row[key] for key in keys if key in row}))


def _check(row: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    calendar = _calendar(row)
    got: dict[str, Any]
    want: dict[str, Any]
    if row["op"] == "add":
        start = utc(row["start"])
        got = {"expected": calendar.add_right(start, row["amount_s"])}
        want = {"expected": utc(answer["expected"])}
        if "expected_left" in answer:
            got["expected_left"] = calendar.add_left(start, row["amount_s"])
            want["expected_left"] = utc(answer["expected_left"])
    elif row["op"] == "sub":
        got = {"expected": calendar.sub(utc(row["start"]), row["amount_s"])}
        want = {"expected": utc(answer["expected"])}
    elif row["op"] == "between":
        got = {"expected_s": calendar.between(utc(row["start"]), utc(row["end"]))}
        want = {"expected_s": answer["expected_s"]}
    else:
        got = {"expected": calendar.is_open(utc(row["at"]))}
        want = {"expected": answer["expected"]}
    return [] if got == want else [f"{row['id']} {row['op']}: {got} instead of {want}"]


def _answers_at_all(row: dict[str, Any]) -> list[str]:
    """The library raised and the row keeps no answer: ours is total, and walking the minutes gives the same."""
    calendar = _calendar(row)
    start = utc(row["start"])
    end = utc(row["end"]) if "end" in row else calendar.add_left(start, 36_000)
    minutes = range(0, int((end - start).total_seconds()), 60)
    walked = sum(60 for passed in minutes if calendar.is_open(start + timedelta(seconds=passed)))
    exact = start.second == 0 and end.second == 0
    return [] if not exact or walked == calendar.between(start, end) else [f"{row['id']}: {walked}"]


def test_every_undisputed_vector_holds() -> None:
    wrong = [text for row in rows("business_time.jsonl") for text in _check(row, row)]
    assert not wrong, wrong[:5]


def test_every_disputed_vector_follows_the_wall_clock_rule() -> None:
    wrong: list[str] = []
    checked = 0
    for row in rows("business_time_disputed.jsonl"):
        naive = row["naive"]
        if isinstance(naive, dict):
            wrong += _check(row, naive)
        else:
            wrong += _answers_at_all(row)
        checked += 1
    assert not wrong, wrong[:5]
    assert checked == 96


@pytest.mark.parametrize("name", ["business_time.jsonl", "business_time_disputed.jsonl", "golden_sla.jsonl"])
def test_the_corpus_is_complete(name: str) -> None:
    counts = {"business_time.jsonl": 1860, "business_time_disputed.jsonl": 96, "golden_sla.jsonl": 21}
    assert sum(1 for _ in rows(name)) == counts[name]
