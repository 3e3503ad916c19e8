"""Calendars, their versions and answers about business time, as published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.domain.calendar.opening_hours import Closure as ClosedDay
from app.domain.calendar.opening_hours import ExceptionKind, format_minute
from app.domain.clocks.target import Explanation
from app.domain.values.wire import iso
from app.views.shapes import Closed, Day, Id, Instant, Whole

Spans = Sequence[Sequence[str]]
"""Stretches of a day, each `["09:00", "17:00"]`."""
ClosureKind = Literal["closed", "half_day"]


class CalendarRow(TypedDict):
    """Hours of operation, as lists of calendars show them."""

    name: Annotated[str, "The name; the policy's own calendar is `service-hours`."]
    zone: Annotated[str, "Its IANA time zone."]
    notice_days: Annotated[int, "How many days before it takes effect a closure is announced."]
    revision: Annotated[int, "The number of the calendar's own changes."]
    calendar_revision: Annotated[int | None, "The revision of its newest version; null while it has none."]
    tzdb_version: Annotated[str, "The version of the zone database."]
    created_at: Annotated[Instant, "When it was made."]
    updated_at: Annotated[Instant, "When it was last changed."]


class WeeklyHours(TypedDict):
    """The hours of each weekday, each from and to; a day that is absent is closed."""

    mon: NotRequired[Annotated[Spans, "Monday."]]
    tue: NotRequired[Annotated[Spans, "Tuesday."]]
    wed: NotRequired[Annotated[Spans, "Wednesday."]]
    thu: NotRequired[Annotated[Spans, "Thursday."]]
    fri: NotRequired[Annotated[Spans, "Friday."]]
    sat: NotRequired[Annotated[Spans, "Saturday."]]
    sun: NotRequired[Annotated[Spans, "Sunday."]]


class VersionInBrief(TypedDict):
    """A version of a calendar, in brief."""

    revision: Annotated[int, "Its revision."]
    effective_from: Annotated[Day, "The local date from which it holds."]
    published_at: Annotated[Instant | None, "When it was published."]


class Calendar(CalendarRow):
    """Hours of operation: dated versions, closures."""

    versions: Annotated[Sequence[VersionInBrief], "Its versions, the oldest first."]


class CalendarException(TypedDict):
    """What is different on one date."""

    date: Annotated[Day, "The date."]
    kind: Annotated[
        Annotated[ExceptionKind, Closed("ExceptionKind", "What an exception does to the hours of its date.")],
        "What it does to the hours of the date.",
    ]
    name: NotRequired[Annotated[str | None, "Its name."]]
    source: NotRequired[Annotated[str | None, "Where it comes from."]]
    hours: NotRequired[Annotated[Spans | None, "The hours that it is about, each from and to."]]


class Closure(TypedDict):
    """A closed or half day; ``hours`` are those that a half day stays open."""

    date: Annotated[Day, "The date."]
    reasons: Annotated[Sequence[str], "Why, by name."]
    kind: Annotated[
        Annotated[ClosureKind, Closed("ClosureKind", "Whether a day is closed or half.")],
        "Whether the day is closed or half.",
    ]
    hours: Annotated[Spans, "The hours that a half day stays open, each from and to."]
    sources: NotRequired[Annotated[Sequence[str], "Where its reasons come from; in lists of closures."]]


class ClosurePage(TypedDict):
    """The closed and half days of a span."""

    data: Annotated[Sequence[Closure], "The days, in order."]
    next_cursor: Annotated[str | None, "Always null: the list is given whole."]
    calendar_revision: Annotated[int, "The revision of the calendar."]


class ClockMove(TypedDict):
    """An open clock that a new version of its calendar moves."""

    clock_id: Annotated[Id, "The clock."]
    ticket_id: Annotated[Id | None, "Its ticket."]
    milestone: Annotated[str, "What was promised; the policy names the milestones."]
    old_due_at: Annotated[Instant | None, "When it was due."]
    new_due_at: Annotated[Instant | None, "When it is due now; null for never."]


class CalendarPreview(TypedDict):
    """What publishing does, or would do, to open clocks. Lists hold the first hundred; the counts are whole."""

    open_clocks: Annotated[int, "Clocks that were looked at."]
    moved: Annotated[int, "Those whose due time moves."]
    earlier: Annotated[int, "Those that are due earlier."]
    later: Annotated[int, "Those that are due later."]
    would_breach_count: Annotated[int, "Those that are missed by it."]
    never_due_count: Annotated[int, "Those that are never due by it."]
    complete: Annotated[bool, "Whether every open clock was looked at."]
    moves: Annotated[Sequence[ClockMove], "Clocks whose due time moves."]
    would_breach: Annotated[Sequence[ClockMove], "Clocks that are missed by it."]
    never_due: Annotated[Sequence[ClockMove], "Clocks that are never due by it."]
    reopened_days: NotRequired[Annotated[Sequence[Closure], "Closed days that the version opens again."]]
    reopened_count: NotRequired[Annotated[int, "How many there are."]]


class CalendarVersion(TypedDict):
    """A dated version of a calendar."""

    calendar: Annotated[str, "The calendar."]
    revision: Annotated[int, "Its revision."]
    effective_from: Annotated[Day, "The local date from which it holds."]
    weekly_hours: Annotated[WeeklyHours, "The hours of each weekday."]
    exceptions: Annotated[Sequence[CalendarException], "What is different on single dates."]
    closure_rules: Annotated[dict[str, Any], "The sets of holidays and the rules of closures, as a document."]
    correction: Annotated[bool, "Whether it corrects an earlier version."]
    whole_shifts: Annotated[bool, "Whether hours after midnight belong to the business day before."]
    reason: Annotated[str | None, "Why it was published."]
    library_version: Annotated[str, "The library of holidays that was asked."]
    announced_at: Annotated[Instant, "When it was announced."]
    published_at: Annotated[Instant | None, "When it was published."]
    reopened_days: NotRequired[Annotated[Sequence[Closure], "Closed days that it opens again, the first hundred."]]
    reopened_count: NotRequired[Annotated[int, "How many there are."]]
    preview: NotRequired[Annotated[CalendarPreview, "What it does to open clocks; where it was just published."]]


class RepeatingClosure(TypedDict):
    """What repeats in a feed of closed days."""

    name: Annotated[str, "Its name."]
    start: Annotated[str, "The start, as the feed says it."]
    first: Annotated[Day, "The first date that was taken."]
    last: Annotated[Day, "The last date that was taken."]
    dates: Annotated[int, "How many dates."]
    closure_rule: Annotated[dict[str, Any] | None, "The rule that says the same; null where there is none."]


class IgnoredClosure(TypedDict):
    """What was left out of a feed of closed days, and why."""

    name: Annotated[str, "Its name."]
    start: Annotated[str, "The start, as the feed says it."]
    why: Annotated[str, "Why it was left out."]
    exceptions: NotRequired[Annotated[Sequence[CalendarException], "What it could be taken as."]]
    closure_rule: NotRequired[Annotated[dict[str, Any], "The rule that it could be taken as."]]


class FeedDraft(TypedDict):
    """What a feed of closed days says, to be reviewed and published as exceptions."""

    calendar: Annotated[str, "The calendar."]
    published: Annotated[bool, "Always false: nothing is published by it."]
    exceptions: Annotated[Sequence[CalendarException], "The closed days."]
    repeating: Annotated[Sequence[RepeatingClosure], "What repeats."]
    ignored: Annotated[Sequence[IgnoredClosure], "What was left out."]
    next_step: Annotated[str, "What to do with it."]


class Provenance(TypedDict):
    """What an answer about business time rests on."""

    calendar_revision: Annotated[int, "The revision of the calendar."]
    tzdb_version: Annotated[str, "The version of the zone database."]


class Opening(Provenance):
    """Whether an instant is business time."""

    open: Annotated[bool, "Whether it is."]
    next_opening: Annotated[Instant | None, "The next opening after it; null for never."]
    next_close: Annotated[Instant | None, "The next close after it; null for never."]
    at: Annotated[Instant, "The instant."]


_Span = TypedDict(
    "_Span", {"from": Annotated[Instant, "Where it begins."], "to": Annotated[Instant, "Where it ends (exclusive)."]}
)


class Elapsed(_Span, Provenance):
    """Business time between two instants."""

    business_seconds: Annotated[Whole, "Business seconds; negative where the end comes first."]


class ConsumedStretch(_Span):
    """A stretch of business time that was counted."""

    seconds: Annotated[Whole, "Its length."]


class DueExplained(TypedDict):
    """Why a due time is what it is."""

    business_seconds: Annotated[Whole, "Business seconds up to then."]
    consumed: Annotated[Sequence[ConsumedStretch], "The stretches that were counted, the earliest of them."]
    skipped: Annotated[Sequence[Closure], "The closed and half days on the way, the earliest of them."]
    more_consumed: Annotated[int, "How many stretches more."]
    more_skipped: Annotated[int, "How many days more."]


_Start = TypedDict("_Start", {"from": Annotated[Instant, "Where the target starts."]})


class Due(_Start, DueExplained, Provenance):
    """When a target falls due, and why."""

    due_at: Annotated[Instant | None, "When it falls due; null for never."]
    target: Annotated[str, "The target."]
    business_date: Annotated[Day | None, "The business day that it falls on."]


def closure_view(closure: ClosedDay) -> Closure:
    """Return a closed or half day by name."""
    return {
        "date": closure.on.isoformat(),
        "reasons": list(dict.fromkeys(reason.name for reason in closure.reasons)),
        "kind": "half_day" if closure.hours else "closed",
        "hours": [[format_minute(opens), format_minute(closes)] for opens, closes in closure.hours],
    }


def explanation_view(why: Explanation) -> DueExplained:
    """Return the stretches counted, and the closed and half days on the way with their names."""
    return {
        "business_seconds": why.business_seconds,
        "consumed": [
            {"from": iso(stretch.start), "to": iso(stretch.end), "seconds": stretch.seconds} for stretch in why.consumed
        ],
        "skipped": [closure_view(closure) for closure in why.skipped],
        "more_consumed": why.more_consumed,
        "more_skipped": why.more_skipped,
    }
