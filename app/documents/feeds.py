"""Feeds of closed days (iCalendar, RFC 5545) read as a draft: dates with their names, to be reviewed and published.

A feed is never taken over as it stands (they hold "St. Martin" and changes of the clocks). What cannot be read is
listed with the reason, and a feed that is cut off is refused: no day is missing without a word. `icalendar` reads the
values and `recurring-ical-events` expands what repeats; here it is decided what a whole day is, and how much is enough.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import thread_time
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from app.documents.feed_hours import closed_hours, last_minute, next_midnight, rest_of
from app.documents.feed_rules import WholeDays, can_be, closure_rule_of
from app.documents.feed_text import HALF_DAY, MARKS, RawEvent, events_of, lines_of, zone_of
from app.documents.zones import zone
from app.domain.values.errors import DomainError

if TYPE_CHECKING:
    from icalendar import Calendar, Event

BYTES_MAX: Final = 1_048_576
DAYS_MAX: Final = 366
"""Days of one event."""
DATES_MAX: Final = 5_000
"""Dates of one draft: as many as a version takes exceptions."""
REASON_CHARS_MAX: Final = 100_000
"""Days that a feed speaks of, before what lies outside the years is left out."""
YEARS_AHEAD: Final = 10
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199
_CALLS: Final = 10_000_000
_SECONDS: Final = 3.0
"""Work that what repeats in a feed may take: calls of functions, and time of the processor."""
_STEPS: Final = {"YEARLY": 365, "MONTHLY": 28, "WEEKLY": 7, "DAILY": 1}
_IN_A_DAY: Final = {"HOURLY": 24, "MINUTELY": 1_440, "SECONDLY": 86_400}
_BY: Final = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY")
_TIMES: Final = ("BYHOUR", "BYMINUTE", "BYSECOND")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Closed dates found in a feed, what repeats with the rule that says the same, and what was left out and why.

    An event of some hours is left out, since it may be a meeting. ``exceptions`` or a ``closure_rule`` beside the
    reason say the half day that it would be.
    """

    exceptions: list[dict[str, Any]]
    repeating: list[dict[str, Any]]
    ignored: list[dict[str, Any]]


class _Left(Exception):  # noqa: N818 - no error: an event that a person decides about
    """An event is left out, for this reason. ``offers``: what it could be taken as."""

    def __init__(self, why: str, offers: Mapping[str, Any] | None = None) -> None:
        super().__init__(why)
        self.offers = offers or {}


class _Enough(BaseException):
    """The work that a feed may take is used up. Outside `Exception`, so that no library takes it for its own."""


def read_feed(
    body: bytes, *, here: ZoneInfo, today: date, charset: str | None = None, source: str = "icalendar"
) -> Draft:
    """Whole-day events as ``closed`` exceptions, each date of a longer one, names as given.

    ``here`` is the calendar's zone, where floating times are and midnight is. What repeats is expanded from the year of
    ``today`` for `YEARS_AHEAD` years. Refused: ``feed_charset``, ``feed_unreadable``, ``feed_incomplete``,
    ``feed_too_large``, ``feed_expands_too_far``.
    """
    if len(body) > BYTES_MAX:
        raise DomainError("feed_too_large", message=f"A feed has at most {BYTES_MAX} bytes.")
    reader = _Reader(
        here=here, source=source, first=date(today.year, 1, 1), last=date(today.year + YEARS_AHEAD, 12, 31)
    )
    reader.events = events_of(lines_of(body, charset), reader.say)
    reader.read()
    return Draft(
        exceptions=[reader.found[key] for key in sorted(reader.found)],
        repeating=reader.repeating,
        ignored=reader.ignored,
    )


@dataclass(slots=True)
class _Work:
    """The work done so far, counted by the thread's own profiler. Otherwise a rule such as "each 30 February of a leap
    year" would be looked for until the year 9999. Nothing outside this thread is touched.
    """

    calls: int = 0
    seconds: float = 0.0

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Ends what is done meanwhile once it is too much."""
        began = thread_time()

        def count(*_: object) -> None:
            self.calls += 1
            if self.calls > _CALLS or (self.calls % 256 == 0 and self.seconds + thread_time() - began > _SECONDS):
                raise _Enough

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            yield
        except _Enough:
            raise _too_far("what repeats takes too much work to expand") from None
        finally:
            sys.setprofile(before)
            self.seconds += thread_time() - began


def _too_far(why: str) -> DomainError:
    return DomainError(
        "feed_expands_too_far", message=f"The feed speaks of too many days: {why}.", most=DATES_MAX, years=YEARS_AHEAD
    )


# --- what an event says -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    """Reads the events of one feed into dates."""

    here: ZoneInfo
    source: str
    first: date
    last: date
    events: list[RawEvent] = field(default_factory=list)
    found: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    repeating: list[dict[str, Any]] = field(default_factory=list)
    ignored: list[dict[str, Any]] = field(default_factory=list)
    dates: int = 0
    work: _Work = field(default_factory=_Work)
    feeds_zone: ZoneInfo | None = None
    cancels: bool = False

    def say(self, word: str, what: str, line: str) -> None:
        """A line of the feed as a whole."""
        if word == "X-WR-TIMEZONE":
            name = zone_of(line.partition(":")[2])
            self.feeds_zone = zone(name) if name else None
        elif word == "METHOD" and what == "CANCEL":
            self.cancels = True

    def read(self) -> None:
        """Takes every event; those that change one date of another come with it."""
        parsed = [(raw, event) for raw in self.events if (event := self._parsed(raw)) is not None]
        series = {_uid(event) for _, event in parsed if "RRULE" in event or "RDATE" in event}
        changes: dict[str, list[tuple[RawEvent, Any]]] = {}
        rest: list[tuple[RawEvent, Any]] = []
        for raw, event in parsed:
            if "RECURRENCE-ID" in event and _uid(event) in series:
                changes.setdefault(_uid(event), []).append((raw, event))
            else:
                rest.append((raw, event))
        for raw, event in rest:
            repeats = "RRULE" in event or "RDATE" in event
            mine = changes.pop(_uid(event), []) if repeats else []
            left = self._read_event(raw, event, mine if repeats else None)
            if left is not None:
                why = str(left)
                self._leave(raw, why, left.offers)
                for other, _ in mine:
                    self._leave(other, f"changes one date of an event that is left out ({why})")

    def _read_event(self, raw: RawEvent, event: Any, changes: list[tuple[RawEvent, Any]] | None) -> _Left | None:
        """Takes an event; answers why it is left out, or None. ``changes`` are None where nothing repeats."""
        try:
            if HALF_DAY in event and changes is None:
                self._half_day(_title(_plain(raw.value(HALF_DAY))), event)
                return None
            whole = self._whole(raw, event)
            if changes is None:
                self._take(whole.name, whole.first, whole.days)
            else:
                self._series(whole, changes)
        except DomainError:
            raise
        except _Left as left:
            return left
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return _Left("cannot be read")
        return None

    def _parsed(self, raw: RawEvent) -> Any:
        if raw.unreadable:
            self._leave(raw, "has a line that cannot be read; its dates are taken as far as they can be")
        from icalendar import Event  # large, and only feeds need it

        try:
            event = Event.from_ical("\r\n".join(["BEGIN:VEVENT", *raw.lines, "END:VEVENT", ""]))
        except Exception:  # noqa: BLE001 - whatever the library makes of a hostile line: a person decides
            self._leave(raw, "cannot be read")
            return None
        wrong = sorted({str(name) for name, _ in event.errors if name != "SUMMARY"})
        if wrong:
            self._leave(raw, f"its {', '.join(wrong)} cannot be read")
            return None
        return event

    def _leave(self, raw: RawEvent, why: str, offers: Mapping[str, Any] | None = None) -> None:
        name = _title(_plain(raw.value("SUMMARY")))
        self.ignored.append({"name": name, "start": raw.value("DTSTART")[:40], "why": why, **(offers or {})})

    def _whole(self, raw: RawEvent, event: Any) -> WholeDays:
        """The whole days of an event; `_Left` when it has times, or none."""
        if self.cancels or str(event.get("STATUS", "")).strip().upper() == "CANCELLED":
            raise _Left("cancelled")
        if "DTSTART" not in event:
            raise _Left("has no date")
        marked = any(str(event.get(mark, "")).strip().upper() == "TRUE" for mark in MARKS)
        start = event["DTSTART"].dt
        first = self._midnight(start, marked)
        if first is None:
            if _midnight(start):
                raise _Left("is from midnight in another zone", self._hours(raw, event))
            raise _Left("has times", self._hours(raw, event))
        if not FIRST_YEAR <= first.year <= LAST_YEAR:
            raise _Left(f"outside {FIRST_YEAR} to {LAST_YEAR}")
        days = self._days(raw, event, start, first, marked)
        if days < 0:
            raise _Left("its end lies before its start")
        days = max(days, 1)
        return WholeDays(
            name=_title(str(event.get("SUMMARY", ""))),
            first=first,
            days=days,
            start=raw.value("DTSTART")[:40],
            event=event,
        )

    def _days(self, raw: RawEvent, event: Any, start: date, first: date, marked: bool) -> int:
        """How many dates it lasts. An end on its first date is an event of one day, common though not by the RFC."""
        if "DTEND" in event:
            end = event["DTEND"].dt
            if last_minute(end):
                end = next_midnight(end)
            last = self._midnight(end, marked)
            if last is None:
                raise _Left("has times", self._hours(raw, event))
        elif "DURATION" in event:
            lasts = event["DURATION"].dt
            try:
                until = (datetime.combine(first, time()) if not isinstance(start, datetime) else start) + lasts
            except OverflowError:
                raise _too_far("an event lasts past the year 9999") from None
            last = self._midnight(until, marked)
            if last is None:
                raise _Left("has times", self._hours(raw, event))
        elif isinstance(start, datetime) and not marked:
            raise _Left("has times")
        else:
            return 1
        days = (last - first).days
        self._count(max(days, 1))
        if days > DAYS_MAX:
            raise _Left(f"longer than {DAYS_MAX} days")
        return days

    def _midnight(self, at: date, marked: bool) -> date | None:
        """The local date that begins at this value; None for another time of day.

        A floating time, and one in a zone that nobody knows, is the calendar's own. Outlook's mark makes a day of what
        is midnight where it was written.
        """
        if not isinstance(at, datetime):
            return at
        if at.tzinfo is None:
            return at.date() if _midnight(at) else None
        for place in (self.here, self.feeds_zone if marked else None):
            if place is not None:
                try:
                    local = at.astimezone(place)
                    begins = datetime.combine(local.date(), time(), place)
                except OverflowError:
                    continue
                if begins.astimezone(UTC) == at.astimezone(UTC):
                    return local.date()
        return at.date() if marked and _midnight(at) else None

    def _count(self, days: int) -> None:
        self.dates += days
        if self.dates > REASON_CHARS_MAX:
            raise _too_far(f"more than {REASON_CHARS_MAX} of them")

    def _take(self, name: str, first: date, days: int) -> None:
        for offset in range(days):
            on = (first + timedelta(days=offset)).isoformat()
            self.found[on, name] = {"date": on, "kind": "closed", "name": name, "source": self.source}
        if len(self.found) > DATES_MAX:
            raise _too_far(f"more than {DATES_MAX} dates in the years to {self.last.year}")

    # -- half days

    def _half_day(self, name: str, event: Any) -> None:
        """Takes what of a half day is closed, from a feed of ours."""
        for row in closed_hours(event, name=name, here=self.here, source=self.source):
            self.found[row["date"], f"{row['name']} {row.get('hours')}"] = row
        if len(self.found) > DATES_MAX:
            raise _too_far(f"more than {DATES_MAX} dates")

    def _hours(self, raw: RawEvent, event: Any) -> dict[str, Any]:
        """What an event of some hours could be taken as: exceptions of its dates, or a rule where it is yearly."""
        name = _title(str(event.get("SUMMARY", "")))
        try:
            rows = closed_hours(event, name=name, here=self.here, source=self.source)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return {}
        if not rows or ("RRULE" not in event and "RDATE" not in event):
            return {"exceptions": rows} if rows else {}
        rule = event.get("RRULE")
        if len(rows) > 1 or rule is None or isinstance(rule, list):
            return {}
        first = date.fromisoformat(rows[0]["date"])
        whole = WholeDays(name=name, first=first, days=1, start=raw.value("DTSTART")[:40], event=event)
        found = closure_rule_of(whole, {key: value for key, value in rule.items() if key not in _TIMES})
        return {} if found is None else {"closure_rule": {**found, "hours": rest_of(rows[0]["hours"])}}

    # -- what repeats

    def _series(self, whole: WholeDays, changes: list[tuple[RawEvent, Any]]) -> None:
        """Every date of an event that repeats, without those that are left out, and with those that were moved."""
        import recurring_ical_events  # type: ignore[import-untyped]
        from icalendar import Calendar, Event

        if "EXRULE" in whole.event:
            raise _Left("repeats with an EXRULE, which nobody supports")
        plain = Event()
        plain.add("UID", "1")
        plain.add("DTSTART", whole.first)
        plain.add("DTEND", whole.first + timedelta(days=whole.days))
        plain.add("SUMMARY", whole.name)
        rule = self._rule(whole)
        if rule is not None:
            plain["RRULE"] = rule
        for key in ("RDATE", "EXDATE"):
            for on in self._listed(whole.event, key):
                plain.add(key, on)
        feed = Calendar()
        feed.add_component(plain)
        for raw, event in changes:
            self._change(feed, plain, raw, event)
        try:
            with self.work.bounded():
                every = recurring_ical_events.of(feed).between(self.first, self.last + timedelta(days=1))
            dates = [(item["DTSTART"].dt, item["DTEND"].dt, str(item.get("SUMMARY", whole.name))) for item in every]
        except DomainError:
            raise
        except Exception:  # noqa: BLE001 - a rule that the library cannot follow: a person decides
            raise _Left("repeats by a rule that cannot be followed") from None
        if not dates:
            raise _Left(f"repeats, with no date from {self.first.year} to {self.last.year}")
        for begins, ends, name in dates:
            self._take(_title(name), begins, max((ends - begins).days, 1))
        self.repeating.append(
            {
                "name": whole.name,
                "start": whole.start,
                "first": min(date_[0] for date_ in dates).isoformat(),
                "last": max(date_[0] for date_ in dates).isoformat(),
                "dates": len(dates),
                "closure_rule": closure_rule_of(whole, rule),
            }
        )

    def _change(self, feed: Calendar, plain: Event, raw: RawEvent, event: Any) -> None:
        """One date of a series that was moved, renamed, given times or cancelled."""
        from icalendar import Event

        place = event["RECURRENCE-ID"]
        on = self._local(place.dt)
        try:
            whole = self._whole(raw, event)
        except _Left as left:
            plain.add("EXDATE", on)
            self._leave(raw, str(left), left.offers)
            return
        other = Event()
        other.add("UID", "1")
        other.add("RECURRENCE-ID", on)
        if str(place.params.get("RANGE", "")).upper() == "THISANDFUTURE":
            other["RECURRENCE-ID"].params["RANGE"] = "THISANDFUTURE"
        other.add("DTSTART", whole.first)
        other.add("DTEND", whole.first + timedelta(days=whole.days))
        other.add("SUMMARY", whole.name)
        feed.add_component(other)

    def _local(self, at: date) -> date:
        if not isinstance(at, datetime):
            return at
        try:
            return (at.astimezone(self.here) if at.tzinfo is not None else at).date()
        except OverflowError:
            raise _Left("has a date that no calendar has") from None

    def _listed(self, event: Any, key: str) -> Iterator[date]:
        listed = event.get(key)
        for item in listed if isinstance(listed, list) else [] if listed is None else [listed]:
            for value in item.dts:
                if isinstance(value.dt, tuple):
                    raise _Left(f"its {key} has periods")
                self._count(1)
                yield self._local(value.dt)

    def _rule(self, whole: WholeDays) -> Any:
        """The rule on whole days, or None where only dates are listed. What it speaks of is counted beforehand."""
        rule = whole.event.get("RRULE")
        if rule is None:
            return None
        if isinstance(rule, list):
            raise _Left("repeats by several rules")
        kind = str(rule.get("FREQ", [""])[0]).upper()
        if set(rule) & {"RSCALE", "SKIP"}:
            raise _Left("repeats by another calendar than the Gregorian")
        interval, count = int(rule.get("INTERVAL", [1])[0]), rule.get("COUNT")
        until = rule["UNTIL"][0] if "UNTIL" in rule else None
        last = min(self._local(until), date(9999, 12, 31)) if until is not None else self.last
        span = max((last - max(whole.first, self.first if until is None else whole.first)).days, 0)
        if interval < 1:
            raise _Left("repeats at no interval")
        if kind not in _STEPS:
            self._count(int(count[0]) if count else span * _IN_A_DAY.get(kind, 1) // interval)
            raise _Left("repeats within a day")
        if not can_be(rule):
            raise _Left("repeats on a day that no year has")
        times = 1
        for key in _BY:
            times *= max(len(rule.get(key, ())), 1) if key in rule else 1
        if "BYDAY" in rule and kind in ("YEARLY", "MONTHLY"):
            times *= 5 if kind == "MONTHLY" else 53
        often = min(times, _STEPS[kind]) * (span // (_STEPS[kind] * interval) + 1)
        self._count((int(count[0]) if count else often) * whole.days)
        if any(set(map(int, rule.get(key, [0]))) != {0} for key in _TIMES):
            raise _Left("repeats within a day")
        for key in _TIMES:
            rule.pop(key, None)
        if until is not None:
            rule["UNTIL"] = [last]
        return rule


def _uid(event: Any) -> str:
    return str(event.get("UID", ""))


def _plain(text: str) -> str:
    """A text as it was before it was written into the feed."""
    return re.sub(r"\\(.)", lambda match: " " if match[1] in "nN" else match[1], text)


def _title(name: str) -> str:
    """The name of an event, as a name of ours may be."""
    plain = re.sub(r"[\x00-\x1f\x7f]+", " ", name)
    return plain[:200].strip() or "Closed"


def _midnight(at: date) -> bool:
    return not isinstance(at, datetime) or at.time() == time()
