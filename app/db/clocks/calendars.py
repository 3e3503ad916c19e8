"""Calendars of a tenant: dated, immutable versions, read as one timeline that is kept by (tenant, revision, name).

Closed days are rows, expanded when a version is made, with the version of the library they came from. All arithmetic
happens in `app.domain.calendar.timeline`; SQL computes nothing calendar-like, since its zone database is another one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import insert, select, text

from app.db import schema as s
from app.db.engine import Database, Tx
from app.documents.calendar_document import read_weekly_hours
from app.documents.closures import ClosureRules, dump_closure_rules, expand_closures, holiday_library_version
from app.documents.zones import TZDB_VERSION, zone
from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.opening_hours import (
    CalendarException,
    CalendarVersion,
    Closure,
    ExceptionKind,
    Reason,
    format_minute,
    parse_minute,
    weekly_hours,
)
from app.domain.clocks.ticket_clock import Hours
from app.domain.policy.policy import Policy
from app.domain.policy.service_levels import SERVICE_HOURS, ServiceHours
from app.domain.values.errors import DomainError

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST_DAY: Final = "2000-01-01"
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2069
"""Closures by rule are expanded for these years; a later version expands further."""
_CACHED_MAX: Final = 512
_BUMP = text(
    "update tenant set calendar_revision = calendar_revision + 1 where tenant_id = :tenant returning calendar_revision"
)
_HEADS = text(
    "select revision, effective_from, announced_at, published_at from calendar_version"
    " where tenant_id = :tenant and name = :name and published_at is not null order by revision"
)
_KIND: Final = "calendar"
_READ: Final = "calendar versions"
_CHANGED: Final = "calendars changed"
_KNOWN: Final = "calendar as last looked up"
_CHANGING: Final = "calendars being changed"
KNOWN_SECONDS: Final = 0.5
"""A question about business time may be answered from what was looked up this long ago (decision 0016)."""
_CHANGING_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCalendar:
    """A calendar's row. ``revision`` counts changes of this row, for ETag and If-Match."""

    name: str
    zone: str
    notice_days: int
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A version as stored: documents in JSON, closures as rows ``date -> names``, half days with their hours."""

    revision: int
    effective_from: str
    weekly_hours: Mapping[str, Any]
    exceptions: list[dict[str, Any]]
    closure_rules: Mapping[str, Any]
    closures: Mapping[str, Any]
    is_correction: bool
    reason: str | None
    library_version: str
    announced_at: datetime
    published_at: datetime | None
    created_by: str | None = None
    exceptions_win: bool = True
    whole_shifts: bool = False


@dataclass(frozen=True, slots=True)
class VersionHead:
    """What tells a published version from every other one of its calendar."""

    revision: int
    effective_from: str
    announced_at: datetime
    published_at: datetime


def domain_version(stored: StoredVersion) -> CalendarVersion:
    """A stored version as the arithmetic takes it."""
    return CalendarVersion(
        revision=stored.revision,
        effective_from=date.fromisoformat(stored.effective_from),
        weekly=weekly_hours(
            {WEEKDAYS.index(day) + 1: [_span(span) for span in spans] for day, spans in stored.weekly_hours.items()}
        ),
        exceptions=tuple(
            CalendarException(
                on=date.fromisoformat(exception["date"]),
                kind=ExceptionKind(exception["kind"]),
                spans=tuple(_span(span) for span in exception.get("hours") or ()),
                name=exception.get("name") or "",
                source=exception.get("source") or "",
            )
            for exception in stored.exceptions
        ),
        closures=tuple(_closure(on, row) for on, row in stored.closures.items()),
        exceptions_win=stored.exceptions_win,
        whole_shifts=stored.whole_shifts,
        published_at=stored.published_at,
    )


def _closure(on: str, row: Any) -> Closure:
    names, hours = (row["names"], row["hours"]) if isinstance(row, dict) else (row, ())
    return Closure(
        date.fromisoformat(on),
        tuple(Reason(name, "closure_rules") for name in names),
        tuple(_span(span) for span in hours),
    )


def _span(pair: Any) -> tuple[int, int]:
    return parse_minute(pair[0]), parse_minute(pair[1])


async def expand(rules: ClosureRules | ServiceHours) -> dict[str, Any]:
    """Closed and half days with their names, as stored; seventy years are computed beside the event loop."""
    found = await asyncio.to_thread(expand_closures, rules, FIRST_YEAR, LAST_YEAR)
    return {
        expanded_closure.date.isoformat(): {
            "names": list(expanded_closure.names),
            "hours": [[format_minute(minute) for minute in span] for span in expanded_closure.hours],
        }
        if expanded_closure.hours
        else list(expanded_closure.names)
        for expanded_closure in found
    }


# --- reading ----------------------------------------------------------------------------------------------------------


async def find(tx: Tx, name: str, *, lock: bool = False) -> StoredCalendar | None:
    """The calendar's row; ``lock`` for a change, which makes publishing one at a time."""
    statement = select(
        s.calendar.c.name,
        s.calendar.c.zone,
        s.calendar.c.notice_days,
        s.calendar.c.revision,
        s.calendar.c.created_at,
        s.calendar.c.updated_at,
    ).where(s.calendar.c.tenant_id == tx.tenant_id, s.calendar.c.name == name)
    row = await tx.row(statement.with_for_update() if lock else statement)
    return None if row is None else StoredCalendar(**row._mapping)


async def require(tx: Tx, name: str, *, lock: bool = False) -> StoredCalendar:
    """`find`, or 404 ``calendar_not_found``."""
    found = await find(tx, name, lock=lock)
    if found is None:
        raise DomainError("calendar_not_found", calendar=name)
    return found


async def names(tx: Tx) -> list[str]:
    """All calendars of the tenant."""
    rows = await tx.rows(
        select(s.calendar.c.name).where(s.calendar.c.tenant_id == tx.tenant_id).order_by(s.calendar.c.name)
    )
    return [row[0] for row in rows]


async def versions(tx: Tx, name: str, revisions: Sequence[int] | None = None) -> list[StoredVersion]:
    """The published versions, or these of them, oldest revision first."""
    c = s.calendar_version.c
    columns = [column for column in c if column.name not in ("tenant_id", "name")]
    where = [c.tenant_id == tx.tenant_id, c.name == name, c.published_at.is_not(None)]
    if revisions is not None:
        where.append(c.revision.in_(revisions))
    rows = await tx.rows(select(*columns).where(*where).order_by(c.revision))
    return [StoredVersion(**row._mapping) for row in rows]


async def heads(tx: Tx, name: str) -> list[VersionHead]:
    """What tells the published versions apart, oldest revision first."""
    return [VersionHead(*row) for row in await tx.rows(_HEADS, {"tenant": tx.tenant_id, "name": name})]


async def read_versions(tx: Tx, name: str, found: Sequence[VersionHead]) -> list[CalendarVersion]:
    """The versions as the arithmetic takes them. One that this process has read is not read again: it never changes."""
    cache: dict[Any, Any] = tx.database.process_cache
    known: Mapping[VersionHead, CalendarVersion] = cache.get((_READ, tx.tenant_id, name), {})
    missing = {head.revision: head for head in found if head not in known}
    new: dict[VersionHead, CalendarVersion] = {}
    if missing:
        stored = await versions(tx, name, list(missing))
        # Thousands of dates take longer than others may wait for the loop.
        made = [domain_version(stored[0])] if len(stored) == 1 else await asyncio.to_thread(_domain_versions, stored)
        new = {missing[version.revision]: version for version in made}
        if _CHANGED not in tx.caches and not cache.get("disabled"):  # what is written here may yet be rolled back
            _keep(cache, (_READ, tx.tenant_id, name), {head: known[head] for head in found if head in known} | new)
    return [known[head] if head in known else new[head] for head in found]


def _domain_versions(stored: Sequence[StoredVersion]) -> list[CalendarVersion]:
    return [domain_version(version) for version in stored]


def _keep(cache: dict[Any, Any], key: tuple[str, str, str], value: Any) -> None:
    old = [item for item in cache if isinstance(item, tuple) and item[0] == key[0]]
    if len(old) >= _CACHED_MAX:
        cache.pop(old[0], None)
    cache[key] = value


class _Earlier(Mapping[int, BusinessCalendar]):
    """The timeline as it stood after each revision, made when it is asked for."""

    def __init__(self, newest: BusinessCalendar, found: Sequence[CalendarVersion]) -> None:
        self._newest, self._found = newest, found
        self._places = {version.revision: place for place, version in enumerate(found, 1)}
        self._made = {found[-1].revision: newest} if found else {}

    def __getitem__(self, revision: int) -> BusinessCalendar:
        """The timeline of the versions up to this one."""
        made = self._made.get(revision)
        if made is None:
            earlier = self._found[: self._places[revision]]
            made = self._made[revision] = BusinessCalendar(self._newest.name, self._newest.zone, earlier)
        return made

    def __iter__(self) -> Iterator[int]:
        """The revisions, oldest first."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._places)


def hours_of(name: str, zone_name: str, found: Iterable[CalendarVersion]) -> Hours:
    """The timeline of these versions, with each earlier one by its revision."""
    known = sorted(found, key=lambda item: item.revision)
    newest = BusinessCalendar(name, zone(zone_name), known)
    return Hours(name=name, calendar=newest, history=_Earlier(newest, known), tzdb_version=TZDB_VERSION)


async def hours(tx: Tx, name: str = SERVICE_HOURS) -> Hours:
    """The calendar as it stands; 404 ``calendar_not_found``. Kept per process by the tenant's calendar revision.

    A transaction that has itself changed calendars reads past the cache: it may yet be rolled back.
    """
    cache: dict[Any, Any] = tx.database.process_cache
    key = (_KIND, tx.tenant_id, name)
    fresh = _CHANGED in tx.caches
    if not fresh:
        cached = cache.get(key)
        if cached is not None and cached[0] == tx.tenant.calendar_revision:
            return cached[1]  # type: ignore[no-any-return]
    calendar = await require(tx, name)
    made = hours_of(name, calendar.zone, await read_versions(tx, name, await heads(tx, name)))
    if not fresh and not cache.get("disabled"):
        _keep(cache, key, (tx.tenant.calendar_revision, made))
    return made


async def current(tx: Tx, name: str = SERVICE_HOURS) -> BusinessCalendar:
    """The timeline of all published versions of a calendar; 404 ``calendar_not_found``."""
    return (await hours(tx, name)).calendar


async def known(database: Database, tenant_id: str, name: str) -> Hours:
    """The calendar without a transaction, for questions that concern nothing else: at most half a second old.

    A change that this process itself makes shows at once. 404 ``calendar_not_found``.
    """
    now, cache = time.monotonic(), database.process_cache
    key = (_KNOWN, tenant_id, name)
    cached = cache.get(key)
    if cached is not None and now < cached[0]:
        return cached[1]  # type: ignore[no-any-return]

    async def look(tx: Tx) -> tuple[Hours, int]:
        return await hours(tx, name), tx.tenant.calendar_revision

    found, revision = await database.read(tenant_id, look)
    until, coming = cache.get((_CHANGING, tenant_id), (0.0, 0))
    # While a change is under way here, what was read is not kept: it would outlive the change's commit.
    if (now >= until or revision >= coming) and not cache.get("disabled"):
        stale = [item for item in cache if isinstance(item, tuple) and item[0] == _KNOWN]
        if len(stale) >= _CACHED_MAX:
            cache.pop(stale[0], None)
        cache[key] = (now + KNOWN_SECONDS, found)
    return found


# --- writing ----------------------------------------------------------------------------------------------------------


async def put(tx: Tx, calendar: StoredCalendar, *, new: bool) -> None:
    """Writes a calendar's row; nothing when only validating."""
    if tx.validate_only:
        return
    values = {
        "tenant_id": tx.tenant_id,
        "name": calendar.name,
        "zone": calendar.zone,
        "notice_days": calendar.notice_days,
        "revision": calendar.revision,
        "created_at": calendar.created_at,
        "updated_at": calendar.updated_at,
    }
    if new:
        await tx.execute(insert(s.calendar), values)
    else:
        await tx.execute(
            s.calendar.update()
            .where(s.calendar.c.tenant_id == tx.tenant_id, s.calendar.c.name == calendar.name)
            .values({key: values[key] for key in ("zone", "notice_days", "revision", "updated_at")})
        )
    await bump(tx)


async def add_version(tx: Tx, name: str, version: StoredVersion) -> None:
    """Writes a version and tells every process that calendars changed; nothing when only validating."""
    if tx.validate_only:
        return
    await tx.execute(
        insert(s.calendar_version),
        {
            "tenant_id": tx.tenant_id,
            "name": name,
            **{key: getattr(version, key) for key in StoredVersion.__dataclass_fields__},
        },
    )
    await bump(tx)


async def bump(tx: Tx) -> None:
    """The tenant's calendars changed: caches read them anew."""
    tx.caches[_CHANGED] = True
    cache = tx.database.process_cache
    cache[_CHANGING, tx.tenant_id] = (time.monotonic() + _CHANGING_SECONDS, 1 << 62)
    for key in [item for item in cache if isinstance(item, tuple) and item[:2] == (_KNOWN, tx.tenant_id)]:
        cache.pop(key, None)
    coming = await tx.row(_BUMP, {"tenant": tx.tenant_id})
    cache[_CHANGING, tx.tenant_id] = (
        time.monotonic() + _CHANGING_SECONDS,
        0 if coming is None else coming.calendar_revision,
    )


async def seed(tx: Tx, policy: Policy) -> None:
    """Makes the calendars that a policy names, each with its version 1; one that is there stays (decision 0015)."""
    for name, stated in {SERVICE_HOURS: policy.service_hours, **policy.calendars}.items():
        if await find(tx, name) is None:
            await _seed(tx, policy, name, stated)


async def _seed(tx: Tx, policy: Policy, name: str, stated: ServiceHours) -> None:
    zone(stated.zone)
    version = StoredVersion(
        revision=1,
        effective_from=FIRST_DAY,
        weekly_hours=read_weekly_hours(stated.weekly_hours),
        exceptions=[],
        closure_rules=dump_closure_rules(stated),
        closures=await expand(stated),
        is_correction=False,
        reason=f"policy {policy.policy} version {policy.version}, {stated.clause}",
        library_version=holiday_library_version(),
        announced_at=tx.at,
        published_at=tx.at,
        created_by=tx.actor,
        whole_shifts=stated.whole_shifts,
    )
    domain_version(version)
    await put(
        tx,
        StoredCalendar(
            name=name, zone=stated.zone, notice_days=stated.notice_days, revision=1, created_at=tx.at, updated_at=tx.at
        ),
        new=True,
    )
    await add_version(tx, name, version)
