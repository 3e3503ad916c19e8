"""The check that runs the policy: the trial of `app.documents.trial.trial`, with the line of what failed."""

from __future__ import annotations

import time
from datetime import date
from typing import Final

from app.documents.calendar_document import WEEKDAYS, read_weekly_hours
from app.documents.checks.context import Checker, Parts, fault_of
from app.documents.closures import expand_closures
from app.documents.trial.trial import BEGAN, Failure, play
from app.documents.zones import TZDB_VERSION, zone
from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.opening_hours import CalendarVersion, Closure, Reason, parse_minute, weekly_hours
from app.domain.clocks.ticket_clock import Hours
from app.domain.policy.service_levels import SERVICE_HOURS, ServiceHours
from app.domain.values.errors import DomainError

SECONDS_MAX: Final = 2.0
"""Seconds of a core for a trial, whatever else the machine does; the shipped policies take half of one at most."""
_YEARS: Final = 3
"""Years of closed days from the beginning of the trial on: it lasts less than two."""


def check_story(c: Checker) -> None:
    """Plays the story under a policy that has no other fault; tells what could not be worked out, and where."""
    if any(problem.severity == "error" for problem in c.found):
        return
    stop = time.thread_time() + SECONDS_MAX
    hours = _hours(SERVICE_HOURS, c.policy.service_hours)
    named = {name: _hours(name, stated) for name, stated in c.policy.calendars.items()}
    verdict = play(c.policy, hours, named, over=lambda: time.thread_time() > stop)
    reported: set[tuple[Parts, str]] = set()
    for failure in verdict.failures:
        where = c.place_of(failure.error)
        message = _message(failure)
        if (where, message) not in reported:
            reported.add((where, message))
            c.error(where, "story_fails", message, "Correct what this rule says; a ticket would fail like the story.")


def _message(failure: Failure) -> str:
    error = failure.error
    why = f"it is refused with `{error.code}`" if isinstance(error, DomainError) else fault_of(error)
    return f"The story of a customer under this policy fails at {failure.act}: {why}."


def _hours(name: str, stated: ServiceHours) -> Hours:
    """The calendar that a tenant under the policy would have, with a few years of closed days."""
    weekly: dict[int, list[tuple[int, int]]] = {}
    for day, spans in read_weekly_hours(stated.weekly_hours).items():
        weekly[WEEKDAYS.index(day) + 1] = [(parse_minute(opens), parse_minute(closes)) for opens, closes in spans]
    version = CalendarVersion(
        revision=1,
        effective_from=date(2000, 1, 1),
        weekly=weekly_hours(weekly),
        whole_shifts=stated.whole_shifts,
        closures=tuple(
            Closure(closure.date, tuple(Reason(name, "closure_rules") for name in closure.names), closure.hours)
            for closure in expand_closures(stated, BEGAN.year, BEGAN.year + _YEARS)
        ),
    )
    calendar = BusinessCalendar(name, zone(stated.zone), (version,))
    return Hours(name=name, calendar=calendar, history={1: calendar}, tzdb_version=TZDB_VERSION)
