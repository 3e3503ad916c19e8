"""Closed and half days of ours as an iCalendar text (RFC 5545), for other programs to subscribe to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from app.documents.feed_text import HALF_DAY
from app.domain.calendar.opening_hours import Closure, format_minute

Stretch = tuple[datetime, datetime]


def write_icalendar(name: str, closures: Iterable[tuple[Closure, Sequence[Stretch]]], *, at: datetime) -> str:
    """Closed days as an iCalendar text, one whole-day event a date that names every reason.

    A half day is one event for each stretch of the weekday's hours that is closed. So no program takes it for a whole
    day off. Its name says when it is open. Each bears a mark of ours, so that we read it as a half day again.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Retainer//Closures//EN",
        "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{_escaped(name)}",
    ]
    stamp = f"DTSTAMP:{_utc(at)}"
    for closure, closed in closures:
        names = list(dict.fromkeys(reason.name for reason in closure.reasons if reason.name)) or ["Closed"]
        title, marked = " / ".join(names), []
        if closure.hours:
            hours = ", ".join(f"{format_minute(opens)}-{format_minute(closes)}" for opens, closes in closure.hours)
            marked = [f"{HALF_DAY}:{_escaped(title)}"]
            title = f"{title} (open {hours})"
            when = [(f"DTSTART:{_utc(start)}", f"DTEND:{_utc(end)}") for start, end in closed]
        else:
            until = closure.on + timedelta(days=1)
            when = [(f"DTSTART;VALUE=DATE:{closure.on:%Y%m%d}", f"DTEND;VALUE=DATE:{until:%Y%m%d}")]
        for number, (start_line, end_line) in enumerate(when):
            part = f"-{number + 1}" if closure.hours else ""
            lines += [
                "BEGIN:VEVENT",
                f"UID:{closure.on.isoformat()}{part}-{_escaped(name)}@retainer",
                stamp,
                start_line,
                end_line,
                f"SUMMARY:{_escaped(title)}",
                *marked,
                "TRANSP:OPAQUE",
                "END:VEVENT",
            ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(value: str) -> str:
    for raw, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        value = value.replace(raw, written)
    return value


def _folded(line: str) -> list[str]:
    """Lines of at most 75 octets, never cut inside a character."""
    parts: list[str] = []
    current, size = "", 0
    for char in line:
        width = len(char.encode())
        if size + width > (75 if not parts else 74):
            parts.append(current)
            current, size = "", 0
        current += char
        size += width
    parts.append(current)
    return [part if i == 0 else f" {part}" for i, part in enumerate(parts)]
