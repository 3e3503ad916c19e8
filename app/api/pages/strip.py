"""The strip of days of a promised time: open hours, what was counted, who was waited for, closures, and a breach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.api.pages import hours
from app.api.pages.visit import Visit
from app.api.pages.words import plain
from app.domain.values.wire import parse_iso

DAYS_MAX: Final = 31
MARK: Final = 8
"""Units of the picture that an instant takes."""


@dataclass(frozen=True, slots=True)
class Strip:
    """The days of a clock."""

    days: list[hours.Day]
    zone: str
    more: int
    """Days that are not shown."""


async def days_of(visit: Visit, clock: Mapping[str, Any], why: Mapping[str, Any] | None, zone: str, now: str) -> Strip:
    """Return the strip of a clock, from the day it started."""
    started = parse_iso(clock["started_at"])
    ends = [started, *(parse_iso(at) for at in (clock["due_at"], clock["stopped_at"]) if at)]
    if clock["phase"] in ("running", "paused"):
        ends.append(parse_iso(now))
    first, last = hours.local_date(started, zone), hours.local_date(max(ends), zone)
    whole = (last - first).days + 1
    days = hours.days(zone, first, min(whole, DAYS_MAX))
    open_hours = await hours.open_spans(visit, clock["calendar"], days[0].begins, days[-1].ends)
    hours.lay_open(days, open_hours, zone)
    await hours.lay_closures(visit, clock["calendar"], days)
    _counted(days, why, zone)
    _pauses(days, clock, zone, parse_iso(now))
    _marks(days, clock, zone, now)
    return Strip(days, zone, whole - len(days))


def _counted(days: list[hours.Day], why: Mapping[str, Any] | None, zone: str) -> None:
    for span in hours.spans((why or {}).get("consumed") or ()):
        for day in days:
            part = day.part(span)
            if part is not None:
                day.draw("counted", part)
                day.notes.append((part[0], f"counted {_words(part, zone, day)}"))


def _pauses(days: list[hours.Day], clock: Mapping[str, Any], zone: str, now: datetime) -> None:
    for pause in clock["pauses"]:
        until = parse_iso(pause["until"]) if pause["until"] else now
        for day in days:
            part = day.part((parse_iso(pause["since"]), until))
            if part is not None:
                day.draw(f"wait-{pause['party']}", part)
                reason = f", {plain(pause['reason']).lower()}" if pause["reason"] else ""
                waited = (
                    "stood still" if pause["party"] == "none" else f"waited for the {plain(pause['party']).lower()}"
                )
                day.notes.append((part[0], f"{waited} {_words(part, zone, day)}{reason}"))


def _marks(days: list[hours.Day], clock: Mapping[str, Any], zone: str, now: str) -> None:
    found: list[tuple[str, str, str | None]] = [("begin", "started", clock["started_at"])]
    found += [
        ("breach", "breach taken back" if breach["retracted_at"] else "missed", breach["at"])
        for breach in clock["breaches"]
    ]
    found += [("due", "due", clock["due_at"]), ("stop", "done", clock["stopped_at"]), ("now", "now", now)]
    for kind, word, at in found:
        if at is None:
            continue
        instant = parse_iso(at)
        for day in days:
            if day.holds(instant):
                beside = MARK if kind == "breach" else 0  # what was missed stands beside when it was due
                place = min(day.place(instant) + beside, hours.MINUTES - MARK)
                day.bars.append(hours.Bar(kind, place, MARK))
                day.notes.append((instant, f"{word} at {hours.clock_time(instant, zone)}"))


def _words(span: tuple[datetime, datetime], zone: str, day: hours.Day) -> str:
    until = "24:00" if span[1] == day.ends else hours.clock_time(span[1], zone)
    if span[1] - span[0] >= timedelta(hours=23) and span[0] == day.begins:
        return "all day"
    return f"{hours.clock_time(span[0], zone)} to {until}"
