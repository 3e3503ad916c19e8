"""Calendars: dated versions under a notice rule, their preview and publishing, and questions about business time.

Publishing moves the open clocks that the change touches, with an event each, and never judges a closed clock again. A
change that takes open time away sooner than its notice allows is refused, whatever shape it is written in. The two
timelines are compared instant by instant (TERMS-3).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final, cast

from app.db import agenda, plan, policies
from app.db.agenda import Handler
from app.db.clocks import calendars, clocks
from app.db.clocks.calendars import StoredCalendar, StoredVersion, VersionHead
from app.db.engine import Database, Tx
from app.db.events import events
from app.db.failures import Unavailable
from app.db.tenants import audit_trail
from app.documents.calendar_document import read_exceptions, read_weekly_hours
from app.documents.closures import dump_closure_rules, holiday_library_version, parse_closure_rules
from app.documents.marks import PolicyDocumentError
from app.documents.zones import TZDB_VERSION, zone
from app.domain.account.changes import AgendaItem
from app.domain.calendar.business_calendar import BusinessCalendar, removed_within_notice, reopened
from app.domain.calendar.opening_hours import CalendarVersion
from app.domain.calendar.timeline import to_s
from app.domain.clocks.ticket_clock import Hours, TicketClock, closes_for_good, moved, never_due, touched
from app.domain.values.decision import Decision, Reason
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso, iso_or_none
from app.usecases.clocks.calendar_preview import LISTED, Preview
from app.usecases.steps import ticket_clocks
from app.views import calendar as views
from app.views.shapes import PageOf

BATCH: Final = 50
"""Clocks read at once: more would hold the event loop, and most of them would be read again for the next step."""
_log: Final = logging.getLogger("retainer.calendars")
STEP: Final = 10
"""Clocks moved in one transaction, so that their customers are not locked for long."""
WAITED_FOR: Final = 15.0
"""Seconds for which a publication waits for its clocks; the agenda goes on with the rest."""
PREVIEWED_CLOCKS_MAX: Final = 20_000
RECOMPUTE: Final = "calendar.recompute"
Check = Callable[[str | None], None]
"""Told the version in force (None: there is none), refuses a change made to another; the door's own concern."""


def unconditional(_: str | None) -> None:
    """A change to whatever is in force."""


def view(calendar: StoredCalendar, hours: Hours | None = None) -> views.CalendarRow:
    """A calendar as published. ``revision`` is the row's, for If-Match; ``calendar_revision`` the newest version's."""
    return {
        "name": calendar.name,
        "zone": calendar.zone,
        "notice_days": calendar.notice_days,
        "revision": calendar.revision,
        "calendar_revision": None if hours is None or not hours.revision else hours.revision,
        "tzdb_version": TZDB_VERSION,
        "created_at": iso(calendar.created_at),
        "updated_at": iso(calendar.updated_at),
    }


def tag_of(shown: Mapping[str, Any]) -> str:
    """The version of a calendar as one reads it: its own row's, and its newest published hours'."""
    return f"{shown['revision']}.{shown['calendar_revision'] or 0}"


async def put_calendar(
    tx: Tx, name: str, *, zone_name: str, notice_days: int, check: Check = unconditional, change: bool = False
) -> tuple[int, views.CalendarRow]:
    """A calendar by its name: (201, view), or (200, view) with the same content again.

    ``check`` is told the version in force. Other content is 409 ``calendar_conflict`` without ``change``. The zone of a
    calendar that has versions stays, since it would move every hour without notice. The notice of ``service-hours`` is
    never less than the policy promises.
    """
    zone(zone_name)
    stated = (await policies.in_force(tx)).hours(name)
    if stated is not None and notice_days < stated.notice_days:
        raise DomainError(
            "notice_below_policy", notice_days=notice_days, promised=stated.notice_days, clause=stated.notice_clause
        )
    existing = await calendars.find(tx, name, lock=True)
    if existing is None:
        check(None)
        made = StoredCalendar(
            name=name, zone=zone_name, notice_days=notice_days, revision=1, created_at=tx.at, updated_at=tx.at
        )
        await calendars.put(tx, made, new=True)
        await audit_trail.note(tx, "calendar.created", name, {"zone": zone_name, "notice_days": notice_days})
        return 201, view(made)
    hours = await calendars.hours(tx, name)
    check(tag_of(view(existing, hours)))
    if (existing.zone, existing.notice_days) == (zone_name, notice_days):
        return 200, view(existing, hours)
    if not change:
        raise DomainError("calendar_conflict", calendar=name, revision=existing.revision)
    if existing.zone != zone_name and hours.calendar.versions:
        raise DomainError("calendar_zone_fixed", calendar=name, zone=existing.zone)
    changed = replace(
        existing, zone=zone_name, notice_days=notice_days, revision=existing.revision + 1, updated_at=tx.at
    )
    await calendars.put(tx, changed, new=False)
    await audit_trail.note(tx, "calendar.changed", name, {"zone": zone_name, "notice_days": notice_days})
    return 200, view(changed, hours)


async def get_calendar(tx: Tx, name: str) -> views.Calendar:
    """The calendar with its versions in brief."""
    calendar = await calendars.require(tx, name)
    return {
        **view(calendar, await calendars.hours(tx, name)),
        "versions": [
            {
                "revision": version.revision,
                "effective_from": version.effective_from,
                "published_at": iso_or_none(version.published_at),
            }
            for version in await calendars.heads(tx, name)
        ],
    }


async def list_calendars(tx: Tx) -> PageOf[views.CalendarRow]:
    """All calendars of the tenant; not paged, there are few."""
    return {
        "data": [
            view(await calendars.require(tx, name), await calendars.hours(tx, name))
            for name in await calendars.names(tx)
        ],
        "next_cursor": None,
    }


def version_view(name: str, stored: StoredVersion) -> views.CalendarVersion:
    """A version as published; its closures are listed by ``closures``."""
    return {
        "calendar": name,
        "revision": stored.revision,
        "effective_from": stored.effective_from,
        "weekly_hours": cast(views.WeeklyHours, dict(stored.weekly_hours)),
        "exceptions": cast(Sequence[views.CalendarException], stored.exceptions),
        "closure_rules": dict(stored.closure_rules),
        "correction": stored.is_correction,
        "whole_shifts": stored.whole_shifts,
        "reason": stored.reason,
        "library_version": stored.library_version,
        "announced_at": iso(stored.announced_at),
        "published_at": iso_or_none(stored.published_at),
    }


async def list_versions(tx: Tx, name: str) -> PageOf[views.CalendarVersion]:
    """Every published version, the newest first."""
    await calendars.require(tx, name)
    return {
        "data": [version_view(name, version) for version in reversed(await calendars.versions(tx, name))],
        "next_cursor": None,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version as a caller writes it. What is None is inherited from the version that holds on ``effective_from``."""

    effective_from: date
    weekly_hours: Mapping[str, Sequence[Sequence[str]]] | None = None
    exceptions: Sequence[Mapping[str, Any]] | None = None
    closure_rules: Mapping[str, Any] | None = None
    correction: bool = False
    reason: str | None = None
    whole_shifts: bool = True


async def add_version(tx: Tx, name: str, asked: NewVersion, *, check: Check = unconditional) -> views.CalendarVersion:
    """Publishes a version, and moves the open clocks that it touches; the answer says which (`validate_only`: would).
    ``check`` is told the version in force.

    Refused:

    - ``correction_required``: the date is on or before an existing version's, without ``correction`` and a reason
    - ``notice_too_short``: open time goes sooner than ``notice_days`` allow
    - ``invalid_hours``, ``invalid_closure_rules``
    """
    calendar = await calendars.require(tx, name, lock=True)
    known = await calendars.heads(tx, name)
    in_force = await calendars.read_versions(tx, name, known)
    old = calendars.hours_of(name, calendar.zone, in_force)
    check(tag_of(view(calendar, old)))
    _check_date(known, asked)
    version = await _stored(tx, name, old, asked)
    made = await asyncio.to_thread(calendars.domain_version, version)
    new = calendars.hours_of(name, calendar.zone, [*in_force, made])
    if asked.exceptions is not None:
        await asyncio.to_thread(_check_effect, made, new.calendar)
    await _check_notice(tx, calendar, old, new, asked.effective_from)
    await calendars.add_version(tx, name, version)
    await audit_trail.note(
        tx,
        "calendar.version_published",
        name,
        {
            "revision": version.revision,
            "effective_from": version.effective_from,
            "correction": version.is_correction,
            "reason": version.reason,
        },
    )
    await events.publish(
        tx, "calendar.published", {"name": name, "version": version.revision, "effective_from": version.effective_from}
    )
    preview = await _preview(tx, name, new)
    if not tx.validate_only and preview.touched:
        if preview.complete and preview.touched <= STEP:
            await _recompute(tx, name, new)
        else:
            await agenda.put(tx, RECOMPUTE, name, {"customer": "", "clock": ""})
    dropped = reopened(old.calendar, new.calendar, asked.effective_from)
    days, shown = [views.closure_view(day) for day in dropped[:LISTED]], version_view(name, version)
    shown["reopened_days"] = days
    shown["reopened_count"] = len(dropped)
    shown["preview"] = {**preview.json(), "reopened_days": days, "reopened_count": len(dropped)}
    return shown


def _check_effect(made: CalendarVersion, calendar: BusinessCalendar) -> None:
    """Refuses exceptions that change nothing: a person who wrote one believes that it does."""
    found = [
        {
            "date": exception.on.isoformat(),
            "kind": exception.kind.value,
            "name": exception.name,
            "why": "another version holds on this date"
            if calendar.version_on(exception.on) is not made
            else "the date is open for the same hours without it",
        }
        for exception in made.exceptions
        if calendar.version_on(exception.on) is not made or made.without_effect(exception)
    ]
    if found:
        first = found[0]
        raise DomainError(
            "exception_without_effect",
            message=f"{first['date']}: this `{first['kind']}` changes nothing, since {first['why']}.",
            exceptions=found[:LISTED],
            count=len(found),
        )


def _check_date(known: Sequence[VersionHead], asked: NewVersion) -> None:
    latest = max((head.effective_from for head in known), default=None)
    on = asked.effective_from.isoformat()
    if latest is not None and on <= latest and not (asked.correction and asked.reason):
        raise DomainError("correction_required", effective_from=on, latest=latest)
    if asked.correction and not asked.reason:
        raise DomainError("correction_required", effective_from=on, latest=latest)


async def _stored(tx: Tx, name: str, old: Hours, asked: NewVersion) -> StoredVersion:
    """The version in full: what is not given is inherited; closures are expanded and the library named."""
    holds = old.calendar.version_on(asked.effective_from)
    base = None if holds is None else next(iter(await calendars.versions(tx, name, [holds.revision])), None)
    if asked.weekly_hours is not None:
        weekly: Mapping[str, Any] = read_weekly_hours(asked.weekly_hours)
    elif base is not None:
        weekly = base.weekly_hours
    else:
        raise DomainError("invalid_hours", detail="the first version of a calendar needs weekly_hours")
    if asked.closure_rules is not None:
        try:
            rules = await asyncio.to_thread(parse_closure_rules, asked.closure_rules)
        except PolicyDocumentError as error:
            raise DomainError(
                "invalid_closure_rules",
                problems=[
                    {"path": problem.path, "message": problem.message, "hint": problem.hint}
                    for problem in error.problems
                ],
            ) from None
        written, closures = dump_closure_rules(rules), await calendars.expand(rules)
        library = holiday_library_version()
    elif base is not None:
        # Inherited rows stay as they were promised, whatever a newer library says.
        written, closures, library = dict(base.closure_rules), dict(base.closures), base.library_version
    else:
        written, closures, library = {"holidays": [], "closures": []}, {}, holiday_library_version()
    exceptions = base.exceptions if base else []
    if asked.exceptions is not None:
        exceptions = await asyncio.to_thread(read_exceptions, asked.exceptions)
    return StoredVersion(
        revision=max(old.history, default=0) + 1,
        effective_from=asked.effective_from.isoformat(),
        weekly_hours=weekly,
        exceptions=exceptions,
        closure_rules=written,
        closures=closures,
        is_correction=asked.correction,
        reason=asked.reason,
        library_version=library,
        announced_at=tx.at,
        published_at=tx.at,
        created_by=tx.actor,
        whole_shifts=asked.whole_shifts,
    )


async def _check_notice(tx: Tx, calendar: StoredCalendar, old: Hours, new: Hours, since: date) -> None:
    """Open time may go only after the notice, counted in the calendar's zone from today's local date (TERMS-3)."""
    if calendar.notice_days <= 0 or not old.calendar.versions:
        return
    removed = removed_within_notice(
        old.calendar, new.calendar, announced_at=tx.at, notice_days=calendar.notice_days, since=since
    )
    if not removed:
        return
    announced = old.calendar.local_date(tx.at)
    earliest = announced + timedelta(days=calendar.notice_days)
    policy = await policies.in_force(tx)
    stated = policy.hours(calendar.name)
    clause = None if stated is None else stated.notice_clause or stated.clause
    found = policy.clause(clause) if clause else None
    facts = {
        "calendar": calendar.name,
        "notice_days": calendar.notice_days,
        "announced_on": announced.isoformat(),
        "earliest": earliest.isoformat(),
        "removed": [{"from": iso(removed_time.start), "to": iso(removed_time.end)} for removed_time in removed[:10]],
        "removed_seconds": sum(to_s(removed_time.end) - to_s(removed_time.start) for removed_time in removed),
    }
    reason = Reason(
        code="notice_too_short",
        clause=clause,
        message=f"New exclusions are announced {calendar.notice_days} days before they take effect; "
        f"announced today, open time may be taken away from {earliest.isoformat()}.",
        facts=facts,
        reading=bool(found and found.reading),
        would_change=f"an effective date from {earliest.isoformat()} on",
    )
    decision = Decision(
        allowed=False,
        at=tx.at,
        policy=policy.policy,
        policy_version=policy.version,
        reasons=(reason,),
        messages=policy.messages,
        translations=policy.translations,
    )
    raise DomainError("notice_too_short", decision=decision, **facts)


async def _preview(tx: Tx, name: str, new: Hours) -> Preview:
    found = Preview()
    closing = await asyncio.to_thread(closes_for_good, new, tx.at)
    after = ("", "")
    while batch := await clocks.open_batch(tx, name, after=after, limit=BATCH):
        # Beside the event loop: thousands of clocks take seconds.
        await asyncio.to_thread(_judge, found, batch, tx.at, new, closing=closing)
        after = (batch[-1].customer_id, batch[-1].clock_id)
        if found.looked_at >= PREVIEWED_CLOCKS_MAX:
            found.complete = False
            break
    return found


def _judge(found: Preview, batch: Sequence[TicketClock], at: datetime, new: Hours, *, closing: bool) -> None:
    for clock in batch:
        old_due, new_due, breaches = moved(clock, at, new)
        ends = closing or (old_due is not None and new_due is None)
        never = ends and never_due(clock, at, new, closing=closing)
        found.add(clock, old_due, new_due, breaches=breaches, never=never)
        found.touched += touched(clock, at, new)


def _first_touched(batch: Sequence[TicketClock], at: datetime, new: Hours) -> list[TicketClock]:
    """The first clocks of a batch that move, one more than a step takes."""
    return list(islice((clock for clock in batch if touched(clock, at, new)), STEP + 1))


async def _recompute(tx: Tx, name: str, new: Hours, *, after: tuple[str, str] = ("", "")) -> None:
    """Moves the next few touched clocks, customers locked in order; the agenda goes on with what is too much for one
    transaction. Doing it again changes nothing: a clock on the newest revision is not touched."""
    while batch := await clocks.open_batch(tx, name, after=after, limit=BATCH):
        found = await asyncio.to_thread(_first_touched, batch, tx.at, new)
        touched: dict[str, list[str]] = {}
        for clock in found[:STEP]:
            touched.setdefault(clock.customer_id, []).append(clock.clock_id)
        for customer_id, ids in sorted(touched.items()):
            copied = await ticket_clocks.for_customer(tx, customer_id, ids, hours=new)
            if copied is not None:
                made, ledger, copy = copied
                copy.calendar_changed(at=made.at)
                await plan.write(tx, [(made, ledger)])
        last = found[STEP - 1] if len(found) > STEP else batch[-1]
        after = (last.customer_id, last.clock_id)
        if touched and (len(found) > STEP or len(batch) == BATCH):
            await agenda.put(tx, RECOMPUTE, name, {"customer": after[0], "clock": after[1]})
            break


async def go_on(tx: Tx, item: AgendaItem) -> None:
    """Goes on moving clocks to the newest version of a calendar, where publishing left off."""
    hours = await calendars.hours(tx, item.subject)
    await _recompute(tx, item.subject, hours, after=(item.payload["customer"], item.payload["clock"]))


async def carry_on(db: Database, tenant_id: str, name: str, *, seconds: float = WAITED_FOR) -> None:
    """Moves the clocks that a publication left to the agenda, a few in each transaction, until all are moved.

    Stops without a word after ``seconds``, or when a customer is locked elsewhere: the agenda goes on. So does another
    call, since the agenda's row says where.
    """
    stop = time.monotonic() + seconds

    async def step(tx: Tx) -> bool:
        row = await agenda.of(tx, RECOMPUTE, name)
        return row is not None and await agenda.run(tx, row, tx.at, AGENDA) is not None

    try:
        while time.monotonic() < stop and await db.run(tenant_id, step, actor="worker"):
            pass
    except Unavailable:
        return
    except DomainError as error:
        _log.warning("the agenda goes on moving the clocks of %s, which failed: %s", name, error.code)


AGENDA: Final[dict[str, Handler]] = {RECOMPUTE: go_on}


async def recompute_after_tzdb_change(db: Database, tenant_id: str) -> dict[str, Any]:
    """Moves the open clocks whose due time another zone database moves, each with an event; closed ones keep theirs.

    Run after an upgrade (`retainer doctor`, and each worker at its start). Answers how many were looked at and moved.
    Doing it again does nothing: what was looked at is marked.
    """
    looked_at = moved_clocks = 0

    async def batch(tx: Tx) -> tuple[int, int]:
        stale = await clocks.judged_elsewhere(tx, TZDB_VERSION, BATCH)
        by_customer: dict[str, list[str]] = {}
        for clock in stale:
            by_customer.setdefault(clock.customer_id, []).append(clock.clock_id)
        count = 0
        for customer_id, ids in sorted(by_customer.items()):
            copied = await ticket_clocks.for_customer(tx, customer_id, ids)
            if copied is not None:
                made, ledger, copy = copied
                found = copy.tzdb_changed(at=made.at)
                if found:
                    await plan.write(tx, [(made, ledger)])
                count += found
        ids = [clock.clock_id for clock in stale]
        await clocks.mark_zone_data(tx, ids, TZDB_VERSION)
        return len(ids), count

    while True:
        stale_count, count = await db.run(tenant_id, batch, actor="worker")
        looked_at, moved_clocks = looked_at + stale_count, moved_clocks + count
        if stale_count < BATCH:
            return {"tzdb_version": TZDB_VERSION, "looked_at": looked_at, "moved": moved_clocks}
