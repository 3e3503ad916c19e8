"""The text of a calendar feed: its charset and folding, whether it is whole, and the lines that its events are made of.

Zones are named here as the zone database names them. A zone that a feed defines itself is not followed. Its rules could
be made to run for ever, and would be remembered for the feeds of others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from app.documents.zones import zone_names
from app.domain.values.errors import DomainError

EVENTS_MAX: Final = 5_000
CHARSETS: Final = re.compile(
    r"utf-?8|utf-?16(?:le|be)?|(?:us-)?ascii|iso-?8859-?\d{1,2}|latin-?1|windows-125\d|cp125\d|macintosh|koi8-[ru]"
    r"|shift[_-]jis|euc-(?:jp|kr)|gb(?:2312|k|18030)|big5"
)
_FOLD: Final = re.compile(r"\n[ \t]")
_NAME: Final = re.compile(r"([A-Za-z0-9-]+)[;:]")
_ZONE: Final = re.compile(r';TZID=("[^"]*"|[^";:]*)', re.IGNORECASE)
_ONCE: Final = frozenset({"SUMMARY", "DTSTART", "DTEND", "DURATION", "STATUS", "UID", "RECURRENCE-ID"})
HALF_DAY: Final = "X-RETAINER-HALF-DAY"
"""In a feed of ours: this event is what of a half day is closed; the value is its name."""
MARKS: Final = frozenset({"X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT"})
_SIDE_BY_SIDE: Final = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE"})
_READ: Final = _ONCE | MARKS | {HALF_DAY} | {"RRULE", "RDATE", "EXDATE", "EXRULE"}


def lines_of(body: bytes, charset: str | None) -> list[str]:
    """The unfolded lines. Unfolded before they are decoded: a line may be folded inside a character (RFC 5545 3.1)."""
    named = (charset or "utf-8").strip().lower()
    if CHARSETS.fullmatch(named) is None:
        raise DomainError("feed_charset", message=f"The charset {named[:40]!r} is not known here.", charset=named[:40])
    try:
        if named.startswith(("utf-16", "utf16")):
            text = _FOLD.sub("", body.decode(named).replace("\r\n", "\n").replace("\r", "\n"))
        else:
            whole = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            text = re.sub(rb"\n[ \t]", b"", whole).decode(named)
    except (UnicodeDecodeError, LookupError):
        raise DomainError("feed_charset", message=f"The feed is not {named.upper()}.", charset=named) from None
    return text.removeprefix("\ufeff").split("\n")


@dataclass(slots=True)
class RawEvent:
    """An event as it stands in the feed: the lines of its own that say when it is and what it is called."""

    line: int
    lines: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    unreadable: bool = False

    def add(self, line: str) -> None:
        name = _NAME.match(line)
        if name is None:
            self.unreadable = True
            return
        key = name[1].upper()
        if key not in _READ or (key in _ONCE and key in self.names):
            return
        self.names.add(key)
        self.lines.append(_placed(line) if ";TZID=" in line.upper() else line)

    def value(self, key: str) -> str:
        """What stands after a property's name, for people."""
        found = (line for line in self.lines if line[: len(key) + 1].upper() in (f"{key}:", f"{key};"))
        return next(found, "").partition(":")[2].strip()


def _placed(line: str) -> str:
    """The line with its zone under the name that the zone database has for it, or as a floating time."""
    head, colon, value = line.partition(":")
    if head.count('"') % 2:  # the zone's name has a colon of its own
        more, colon, value = value.partition('":')
        head, colon = f'{head}:{more}"', ":"
    found = _ZONE.search(head)
    if found is None:
        return line
    name = zone_of(found[1].strip('"'))
    return head[: found.start()] + (f";TZID={name}" if name else "") + head[found.end() :] + colon + value


@lru_cache(maxsize=1)
def _folded_names() -> Mapping[str, str]:
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # large, and only feeds need it

    windows = {name.casefold(): place for name, place in WINDOWS_TO_OLSON.items() if place in zone_names()}
    return {**windows, **{name.casefold(): name for name in zone_names()}}


def zone_of(written: str) -> str | None:
    """The IANA name of a zone: by that name, by Windows' name, or at the end of a longer one; None for others."""
    parts = written.strip().strip("/").casefold().split("/")
    for start in range(len(parts)):
        found = _folded_names().get("/".join(parts[start:]))
        if found is not None:
            return found
    return None


def events_of(lines: list[str], say: Callable[[str, str, str], None]) -> list[RawEvent]:
    """The events of a feed, each known to be whole; ``feed_incomplete`` where something has no end or no beginning.

    ``say`` is told each line of the feed as a whole: its name, its value in capitals, the line.
    """
    stack: list[str] = []
    events: list[RawEvent] = []
    number = 0
    for number, line in enumerate(lines, 1):
        word, _, what = line.strip().upper().partition(":")
        if not word:
            continue
        if not _fits(word, what, stack):
            raise _unreadable(number, events, stack)
        if word == "BEGIN":
            stack.append(what)
            if what == "VEVENT":
                events.append(RawEvent(number))
            if len(events) > EVENTS_MAX:
                raise DomainError("feed_too_large", message=f"A feed has at most {EVENTS_MAX} events.")
        elif word == "END":
            stack.pop()
        elif stack[-1] == "VEVENT":
            events[-1].add(line)
        elif stack == ["VCALENDAR"]:
            say(word, what, line)
    if stack or not any(lines):
        raise _unreadable(number, events, stack)
    return events


def _fits(word: str, what: str, stack: list[str]) -> bool:
    """Whether a line may stand here: all inside a calendar, events side by side, each end after its own begin."""
    if word == "BEGIN":
        if what == "VCALENDAR" or not stack:
            return what == "VCALENDAR" and not stack
        return len(stack) == 1 or what not in _SIDE_BY_SIDE
    return bool(stack) and (word != "END" or stack[-1] == what)


def _unreadable(number: int, events: list[RawEvent], stack: list[str]) -> DomainError:
    if not stack and not events:
        return DomainError("feed_unreadable", message="The text does not begin with BEGIN:VCALENDAR.")
    name = events[-1].value("SUMMARY")[:100] if events else ""
    last = f" The last event before it is {name!r}." if name else ""
    what = "is cut off" if stack else "goes on after its end"
    if stack and stack[-1] == "VEVENT":
        what = "has an event without an end"
    return DomainError("feed_incomplete", message=f"Line {number}: the feed {what}.{last}", line=number)
