"""Questions that a calendar answers, and calendars as iCalendar: nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import partial
from typing import Final, cast
from zoneinfo import ZoneInfo

from app.db.clocks import calendars
from app.db.engine import Database, Tx
from app.documents.feeds import read_feed
from app.documents.icalendar import write_icalendar
from app.documents.zones import zone
from app.domain.clocks.target import Due, due, parse_target
from app.domain.clocks.ticket_clock import Hours
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso, iso_or_none
from app.views import calendar as views

DAYS_MAX: Final = 3_660
_READERS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="feeds")


def _span(first: date, last: date) -> None:
    if last < first:
        raise DomainError("span_reversed", first=first.isoformat(), last=last.isoformat())
    if (last - first).days > DAYS_MAX:
        raise DomainError("span_too_long", days=(last - first).days, most=DAYS_MAX)


async def known(database: Database, tenant_id: str, name: str) -> Hours:
    """The calendar for the views below, without a transaction; see `app.db.clocks.calendars.known`."""
    return await calendars.known(database, tenant_id, name)


def closures_view(hours: Hours, first: date, last: date) -> views.ClosurePage:
    """Closed and half days from ``first`` to ``last``, both included, with every reason (TERMS-2)."""
    _span(first, last)
    return {
        "data": [
            {
                **views.closure_view(closure),
                "sources": sorted({reason.source for reason in closure.reasons if reason.source}),
            }
            for closure in hours.calendar.closures(first, last)
        ],
        "next_cursor": None,
        "calendar_revision": hours.revision,
    }


def open_view(hours: Hours, at: datetime) -> views.Opening:
    """Whether an instant is business time, with the next opening and close strictly after it."""
    return {
        "open": hours.calendar.is_open(at),
        "next_opening": iso_or_none(hours.calendar.next_opening(at)),
        "next_close": iso_or_none(hours.calendar.next_close(at)),
        "at": iso(at),
        **_provenance(hours),
    }


def elapsed_view(hours: Hours, start: datetime, end: datetime) -> views.Elapsed:
    """Business seconds from ``start`` to ``end``; negative when ``end`` comes first."""
    return {
        "business_seconds": hours.calendar.between(start, end),
        "from": iso(start),
        "to": iso(end),
        **_provenance(hours),
    }


def due_view(hours: Hours, start: datetime, target: str) -> views.Due:
    """When a target that starts then falls due, with the stretches counted and the closures skipped by name."""
    found: Due = due(hours.calendar, parse_target(target), start)
    return {
        "due_at": iso_or_none(found.due_at),
        "from": iso(start),
        "target": str(found.target),
        "business_date": None if found.business_date is None else found.business_date.isoformat(),
        **views.explanation_view(found.explain),
        **_provenance(hours),
    }


def _provenance(hours: Hours) -> views.Provenance:
    return {"calendar_revision": hours.revision, "tzdb_version": hours.tzdb_version}


async def feed_place(tx: Tx, name: str) -> tuple[ZoneInfo, date]:
    """Where and when a calendar is: its zone, and today's date there. 404 ``calendar_not_found``."""
    here = zone((await calendars.require(tx, name)).zone)
    return here, tx.at.astimezone(here).date()


async def feed_draft(
    name: str, body: bytes, place: tuple[ZoneInfo, date], *, charset: str | None = None
) -> views.FeedDraft:
    """A feed's closed days as a draft: nothing is written. Review the names, then publish them as a version.

    Read beside the event loop, and outside of any transaction: a large feed takes its time.
    """
    here, today = place
    reading = partial(read_feed, body, here=here, today=today, charset=charset)
    draft = await asyncio.get_running_loop().run_in_executor(_READERS, reading)
    return {
        "calendar": name,
        "published": False,
        "exceptions": cast(Sequence[views.CalendarException], draft.exceptions),
        "repeating": cast(Sequence[views.RepeatingClosure], draft.repeating),
        "ignored": cast(Sequence[views.IgnoredClosure], draft.ignored),
        "next_step": f"Review the names; POST those from its `effective_from` on as `exceptions` to "
        f"/v1/calendars/{name}/versions. What repeats each year is better a `closure_rule`.",
    }


async def export_icalendar(tx: Tx, name: str, first: date | None, last: date | None) -> str:
    """Closed and half days as iCalendar, by default of this year and the next two."""
    calendar = await calendars.current(tx, name)
    year = calendar.local_date(tx.at).year
    since, until = first or date(year, 1, 1), last or date(year + 2, 12, 31)
    _span(since, until)
    closures = [(closure, calendar.closed_stretches(closure)) for closure in calendar.closures(since, until)]
    return write_icalendar(name, closures, at=tx.at)
