"""iCalendar (RFC 5545), as far as closed days go: what a holiday feed says as a draft, and our closures as a feed.

A feed is never taken over as it stands (they hold "St. Martin" and changes of the clocks): what comes out is a draft
with names, to be reviewed and published as exceptions of a version. What cannot be read is listed with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from app.domain.opening_hours import Closure, InvalidHours

MOST_EVENTS: Final = 5_000
MOST_DAYS: Final = 62
_LINE: Final = re.compile(r"^([A-Za-z0-9-]+)((?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)$", re.DOTALL)
_DATE: Final = re.compile(r"^(\d{4})(\d{2})(\d{2})(T\d{6}Z?)?$")
_ESCAPES: Final = {"n": "\n", "N": "\n", ",": ",", ";": ";", "\\": "\\"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Closed dates found in a feed, and what was left out with the reason."""

    exceptions: list[dict[str, Any]]
    ignored: list[dict[str, str]]


def read_icalendar(text: str, *, source: str = "icalendar", years: tuple[int, int] = (2000, 2199)) -> Draft:
    """Whole-day events as ``closed`` exceptions, each date of a longer one, names as given. `InvalidHours` for another
    text. Events with times, cancelled or repeating ones are listed under ``ignored``, for a person to decide."""
    lines = _unfolded(text)
    if not lines or lines[0].strip().upper() != "BEGIN:VCALENDAR":
        raise InvalidHours("not an iCalendar text: it does not begin with BEGIN:VCALENDAR")
    found: dict[tuple[str, str], dict[str, Any]] = {}
    ignored: list[dict[str, str]] = []
    events = 0
    event: dict[str, str] | None = None
    for line in lines:
        name, value = _property(line)
        if (name, value.upper()) == ("BEGIN", "VEVENT"):
            event = {}
        elif (name, value.upper()) == ("END", "VEVENT") and event is not None:
            events += 1
            if events > MOST_EVENTS:
                raise InvalidHours(f"at most {MOST_EVENTS} events")
            _take(event, source, years, found, ignored)
            event = None
        elif event is not None:
            event.setdefault(name, value)
    return Draft(exceptions=[found[key] for key in sorted(found)], ignored=ignored)


def _unfolded(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += line[1:]
        elif line:
            lines.append(line)
    return lines


def _property(line: str) -> tuple[str, str]:
    match = _LINE.match(line)
    return ("", "") if match is None else (match.group(1).upper(), match.group(3).strip())


def _take(
    event: dict[str, str],
    source: str,
    years: tuple[int, int],
    found: dict[tuple[str, str], dict[str, Any]],
    ignored: list[dict[str, str]],
) -> None:
    name = _unescaped(event.get("SUMMARY", ""))[:200].strip() or "Closed"
    name = re.sub(r"[\x00-\x1f\x7f]+", " ", name)

    def leave(why: str) -> None:
        ignored.append({"name": name, "start": event.get("DTSTART", "")[:40], "why": why})

    if event.get("STATUS", "").upper() == "CANCELLED":
        return leave("cancelled")
    if "RRULE" in event or "RDATE" in event:
        return leave("repeats; write it as a closure rule")
    first = _day(event.get("DTSTART", ""))
    if first is None:
        return leave("no whole-day date")
    last = _day(event["DTEND"]) if "DTEND" in event else first + timedelta(days=1)
    if last is None or last <= first:
        return leave("its end is no later date")
    if (last - first).days > MOST_DAYS:
        return leave(f"longer than {MOST_DAYS} days")
    if not years[0] <= first.year <= years[1]:
        return leave(f"outside {years[0]} to {years[1]}")
    for offset in range((last - first).days):
        on = (first + timedelta(days=offset)).isoformat()
        found[on, name] = {"date": on, "kind": "closed", "name": name, "source": source}
    return None


def _day(value: str) -> date | None:
    match = _DATE.match(value)
    if match is None or match.group(4):
        return None
    try:
        return date(int(match.group(1)), int(match.group(2)), int(match.group(3)))
    except ValueError:
        return None


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(1)), value)


def write_icalendar(name: str, closures: Iterable[Closure], *, at: datetime) -> str:
    """Closed days as an iCalendar text, one whole-day event a date that names every reason."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Retainer//Closures//EN",
        "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{_escaped(name)}",
    ]
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    for closure in closures:
        names = list(dict.fromkeys(reason.name for reason in closure.reasons if reason.name)) or ["Closed"]
        lines += [
            "BEGIN:VEVENT",
            f"UID:{closure.on.isoformat()}-{_escaped(name)}@retainer",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{closure.on:%Y%m%d}",
            f"DTEND;VALUE=DATE:{closure.on + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(' / '.join(names))}",
            "TRANSP:OPAQUE",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


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
