"""A calendar with many versions: each is read and parsed once a process, and earlier timelines when they are wanted."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.db.clocks import calendars
from app.db.engine import Database
from app.documents.zones import zone
from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.policy.service_levels import SERVICE_HOURS
from app.usecases.clocks.calendars import NewVersion, add_version
from app.usecases.tenants import tenants

FIRST = datetime(2025, 1, 1, tzinfo=UTC)


async def founded(db: Database) -> str:
    name = f"calendars-{uuid.uuid4().hex[:8]}"
    async with db.founding(name, actor="test") as tx:
        await tenants.put(tx, tenants.PutTenant(policy="shopp", mode="virtual", now=FIRST))
    return name


def opening(number: int) -> NewVersion:
    """A version that opens later each time, from a later day on."""
    hours = {day: [[f"{8 + number % 9:02}:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    return NewVersion(effective_from=date(2025, 6, 1) + timedelta(days=7 * number), weekly_hours=hours)


async def publish(db: Database, name: str, number: int) -> None:
    async with db.transaction(name) as tx:
        await add_version(tx, SERVICE_HOURS, opening(number))


async def publish_and_fail(db: Database, name: str) -> None:
    async with db.transaction(name) as tx:
        await add_version(tx, SERVICE_HOURS, opening(1))
        assert (await calendars.hours(tx)).revision == 3
        raise ZeroDivisionError


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The revisions that are parsed from now on."""
    found: list[int] = []
    parse = calendars.domain_version

    def noted(stored: Any) -> Any:
        found.append(stored.revision)
        return parse(stored)

    monkeypatch.setattr(calendars, "domain_version", noted)
    return found


async def test_every_timeline_is_that_of_the_versions_up_to_it(db: Database) -> None:
    name = await founded(db)
    for number in range(12):
        await publish(db, name, number)
    async with db.reading(name) as tx:
        hours = await calendars.hours(tx)
        plain = [calendars.domain_version(version) for version in await calendars.versions(tx, SERVICE_HOURS)]
    assert list(hours.history) == [version.revision for version in plain] == list(range(1, 14))
    assert hours.history[13] is hours.calendar
    where, start = zone(hours.calendar.zone.key), datetime(2025, 5, 20, tzinfo=UTC)
    for revision in reversed(range(1, 14)):
        expected = BusinessCalendar(SERVICE_HOURS, where, plain[:revision])
        found = hours.history[revision]
        assert found is hours.history[revision]
        assert found.versions == expected.versions
        for week in range(18):
            monday = start + timedelta(days=7 * week)
            assert found.between(monday, monday + timedelta(days=7)) == expected.between(
                monday, monday + timedelta(days=7)
            )
    with pytest.raises(KeyError):
        hours.history[14]
    assert hours.history.get(0, hours.calendar) is hours.calendar


async def test_a_publication_parses_one_version(db: Database, parsed: list[int]) -> None:
    name = await founded(db)
    for number in range(6):
        await publish(db, name, number)
    async with db.reading(name) as tx:
        await calendars.hours(tx)
    parsed.clear()
    await publish(db, name, 6)
    async with db.reading(name) as tx:
        assert (await calendars.hours(tx)).revision == 8
    assert set(parsed) == {8}


async def test_a_version_that_was_rolled_back_is_not_taken_for_the_one_published_after_it(db: Database) -> None:
    name = await founded(db)
    await publish(db, name, 0)
    with pytest.raises(ZeroDivisionError):
        await publish_and_fail(db, name)
    async with db.reading(name) as tx:
        assert (await calendars.hours(tx)).revision == 2
    await publish(db, name, 5)  # of the same instant: a sandbox's time stands still
    async with db.reading(name) as tx:
        newest = (await calendars.hours(tx)).calendar.versions[-1]
    assert (newest.revision, newest.effective_from) == (3, opening(5).effective_from)
