"""Calendar versions as callers write them: hours and exceptions, checked and put in one form (TERMS-2, TERMS-3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Final

from app.domain.calendar.opening_hours import InvalidHours, Span, format_minute, parse_minute, split_overnight

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPANS_MAX: Final = 48
EXCEPTIONS_MAX: Final = 5_000
KINDS: Final = ("closed", "replace", "add", "subtract")


def read_weekly_hours(hours: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, list[list[str]]]:
    """Weekly hours, Monday first, each day's openings sorted; one past midnight is split over two days.

    Raises `InvalidHours` for unknown days, times that are none, and openings that overlap (touching is allowed).
    """
    unknown = sorted(set(hours) - set(WEEKDAYS))
    if unknown:
        raise InvalidHours(f"unknown weekday {unknown[0]!r}; known: {', '.join(WEEKDAYS)}")
    days: dict[int, list[Span]] = {number: [] for number in range(1, 8)}
    for day, pairs in hours.items():
        if len(pairs) > SPANS_MAX:
            raise InvalidHours(f"at most {SPANS_MAX} openings a day, {day} has {len(pairs)}")
        for pair in pairs:
            start, end = _pair(pair, day)
            spans = (
                ((WEEKDAYS.index(day) + 1, (start, end)),)
                if end > start
                else split_overnight(WEEKDAYS.index(day) + 1, start, end)
            )
            for isodow, span in spans:
                days[isodow].append(span)
    return {WEEKDAYS[number - 1]: _written(spans, WEEKDAYS[number - 1]) for number, spans in days.items() if spans}


def read_exceptions(exceptions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Dated exceptions in one form, by date and kind. Raises `InvalidHours`.

    ``closed`` has no hours, ``add`` and ``subtract`` need some, ``replace`` names its own: an empty list closes the
    date. Hours of one date never leave it: an opening past midnight is two exceptions. What is said twice counts once.
    """
    if len(exceptions) > EXCEPTIONS_MAX:
        raise InvalidHours(f"at most {EXCEPTIONS_MAX} exceptions a version")
    found: list[dict[str, Any]] = []
    for row in exceptions:
        on, kind, hours = row["date"], row["kind"], list(row.get("hours") or ())
        day = on.isoformat() if isinstance(on, date) else str(on)
        if kind not in KINDS:
            raise InvalidHours(f"{day}: unknown kind {kind!r}; known: {', '.join(KINDS)}")
        if kind == "closed" and hours:
            raise InvalidHours(f"{day}: a closed date has no hours; use `subtract` for a part of a day")
        if kind in ("add", "subtract") and not hours:
            raise InvalidHours(f"{day}: `{kind}` needs hours")
        if kind == "replace" and row.get("hours") is None:
            raise InvalidHours(f"{day}: `replace` needs hours; `closed` closes the date")
        if len(hours) > SPANS_MAX:
            raise InvalidHours(f"at most {SPANS_MAX} openings a day, {day} has {len(hours)}")
        spans = [_pair(pair, day) for pair in hours]
        for start, end in spans:
            if end <= start:
                raise InvalidHours(
                    f"{day}: {format_minute(start)} to {format_minute(end)} leaves the date; write "
                    f"two exceptions, up to 24:00 and from 00:00 of the next date"
                )
        found.append(
            {
                "date": day,
                "kind": kind,
                "name": row.get("name") or "",
                "source": row.get("source") or "",
                **({"hours": _written(spans, day)} if spans or kind == "replace" else {}),
            }
        )
    unique = {json.dumps(row, sort_keys=True): row for row in found}
    return sorted(unique.values(), key=lambda item: (item["date"], item["kind"], item["name"]))


def _pair(pair: Sequence[str], where: str) -> Span:
    if len(pair) != 2:
        raise InvalidHours(f'{where}: an opening is a pair of times of day, such as ["09:00", "17:00"]')
    start, end = parse_minute(pair[0]), parse_minute(pair[1])
    if start == 1440 or (start == end and start != 0):
        raise InvalidHours(f"{where}: {pair[0]} to {pair[1]} is no opening")
    return start, end


def _written(spans: Sequence[Span], where: str) -> list[list[str]]:
    ordered = sorted(spans)
    for (_, end), (start, _) in pairwise(ordered):
        if start < end:
            raise InvalidHours(f"{where}: openings overlap at {format_minute(start)}")
    return [[format_minute(start), format_minute(end)] for start, end in ordered]
