"""Open hours between two instants, as a calendar answers them, and local days with what lies on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.api.pages.visit import Visit
from app.domain.values.wire import iso, parse_iso

MINUTES: Final = 1440
"""Units of a day's picture."""
ASKED_MAX: Final = 5
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Span = tuple[datetime, datetime]


@dataclass(slots=True)
class Bar:
    """A stretch in a day's picture. ``kind``: its class in the style sheet."""

    kind: str
    x: int
    width: int


@dataclass(slots=True)
class Day:
    """A local day: its picture, and the same in words."""

    on: date
    begins: datetime
    ends: datetime
    open: list[str] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    closures: list[Mapping[str, Any]] = field(default_factory=list)
    notes: list[tuple[datetime, str]] = field(default_factory=list)
    """What happened, each with its instant."""

    @property
    def weekday(self) -> str:
        """Return the day of the week, in short."""
        return WEEKDAYS[self.on.weekday()]

    @property
    def happenings(self) -> list[str]:
        """Return what happened, in order."""
        return [text for _, text in sorted(self.notes, key=lambda note: note[0])]

    def place(self, at: datetime) -> int:
        """Return where an instant lies in the picture."""
        whole = (self.ends - self.begins).total_seconds()
        return round(max(0.0, min(1.0, (at - self.begins).total_seconds() / whole)) * MINUTES)

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies on the day."""
        return self.begins <= at < self.ends

    def part(self, span: Span) -> Span | None:
        """Return the part of a stretch that lies on the day."""
        begins, ends = max(span[0], self.begins), min(span[1], self.ends)
        return (begins, ends) if begins < ends else None

    def draw(self, kind: str, span: Span, *, least: int = 2) -> None:
        """Put a stretch into the picture."""
        part = self.part(span)
        if part is not None:
            x = self.place(part[0])
            self.bars.append(Bar(kind, x, max(least, self.place(part[1]) - x)))


def days(zone_name: str, first: date, count: int) -> list[Day]:
    """Return local days."""
    zone = ZoneInfo(zone_name)
    found = [first + timedelta(days=number) for number in range(count)]
    return [Day(on, _midnight(on, zone), _midnight(on + timedelta(days=1), zone)) for on in found]


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), zone).astimezone(UTC)


def local_date(at: datetime, zone_name: str) -> date:
    """Return the local date of an instant."""
    return at.astimezone(ZoneInfo(zone_name)).date()


def clock_time(at: datetime, zone_name: str) -> str:
    """Return the local time of an instant."""
    return f"{at.astimezone(ZoneInfo(zone_name)):%H:%M}"


async def open_spans(visit: Visit, name: str, begins: datetime, ends: datetime) -> list[Span]:
    """Return the open stretches between two instants: those that a target of all their business time would count."""
    found: list[Span] = []
    for _ in range(ASKED_MAX):
        asked = {"from": iso(begins), "to": iso(ends)}
        seconds = (await visit.ask("elapsedTime", asked, name=name))["business_seconds"]
        if seconds <= 0:
            break
        asked = {"from": iso(begins), "target": f"business_seconds:{seconds}"}
        why = await visit.ask("dueTime", asked, name=name)
        found += spans(why["consumed"])
        if not why["more_consumed"]:
            break
        begins = found[-1][1]
    return found


def spans(rows: Iterable[Mapping[str, Any]]) -> list[Span]:
    """Return stretches of an answer as instants."""
    return [(parse_iso(row["from"]), parse_iso(row["to"])) for row in rows]


def lay_open(found: Iterable[Day], open_hours: Iterable[Span], zone_name: str) -> None:
    """Put open hours on their days."""
    listed = list(open_hours)
    for day in found:
        for span in listed:
            part = day.part(span)
            if part is not None:
                day.draw("open", part)
                until = "24:00" if part[1] == day.ends else clock_time(part[1], zone_name)
                day.open.append(f"{clock_time(part[0], zone_name)} to {until}")


async def lay_closures(visit: Visit, name: str, found: list[Day]) -> None:
    """Put closed and half days on their days, by name."""
    asked = {"from": found[0].on.isoformat(), "to": found[-1].on.isoformat()}
    closed = {row["date"]: row for row in (await visit.ask("listClosures", asked, name=name))["data"]}
    for day in found:
        if row := closed.get(day.on.isoformat()):
            day.closures.append(row)
