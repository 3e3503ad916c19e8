"""A tenant with many policy versions: which is in force, and that each is read and parsed once a process."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db import policies
from app.db.engine import Database
from app.domain.values.errors import DomainError
from app.usecases.tenants import tenants

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
MANY = 40


async def founded(db: Database) -> str:
    name = f"versions-{uuid.uuid4().hex[:8]}"
    async with db.founding(name, actor="test") as tx:
        await tenants.put(tx, tenants.PutTenant(policy="avactis", mode="virtual", now=FIRST))
    return name


async def publish(db: Database, name: str, number: int, since: datetime) -> None:
    async with db.transaction(name) as tx:
        policy = await policies.of_version(tx, 1)
        await policies.add_version(tx, policy, version=number, source="", effective_from=since)


async def test_the_newest_whose_date_has_come_is_in_force(db: Database) -> None:
    name = await founded(db)
    days = random.Random(17)
    dates = {1: FIRST}
    async with db.transaction(name) as tx:
        (_, dates[1], _) = (await policies.versions(tx))[0]
    for number in range(2, MANY):
        dates[number] = FIRST + timedelta(days=days.randrange(20))  # several of one day, and not in order
        await publish(db, name, number, dates[number])
    async with db.reading(name) as tx:
        assert [version for version, _, _ in await policies.versions(tx)] == list(range(1, MANY))
        for day in range(-2, 23):
            at = FIRST + timedelta(days=day, hours=day % 3)
            come = [(since, number) for number, since in dates.items() if since <= at]
            expected = max(come)[1] if come else 1
            assert (await policies.in_force(tx, at)).version == expected, at
        for number in dates:
            assert (await policies.of_version(tx, number)).version == number
            assert (await policies.terms(tx))[number] is await policies.of_version(tx, number)
        with pytest.raises(DomainError):
            await policies.of_version(tx, MANY)


async def test_a_publication_costs_one_document(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await founded(db)
    for number in range(2, 12):
        await publish(db, name, number, FIRST + timedelta(days=number))
    parsed: list[int] = []
    parse = policies.policy_from_json

    def noted(document: dict[str, Any]) -> Any:
        parsed.append(document["version"])
        return parse(document)

    monkeypatch.setattr(policies, "policy_from_json", noted)
    async with db.reading(name) as tx:
        await policies.versions(tx)
    del parsed[:]
    await publish(db, name, 12, FIRST)
    async with db.reading(name) as tx:
        found = await policies.versions(tx)
        assert [number for number, _, _ in found] == list(range(1, 13))
        assert await policies.versions(tx) is found
    assert parsed == [12]


async def test_a_version_that_was_rolled_back_is_not_taken_for_the_one_published_after_it(db: Database) -> None:
    name = await founded(db)
    since = FIRST + timedelta(days=1)

    async with db.transaction(name, validate_only=True) as tx:  # rolled back at its end
        await policies.add_version(tx, await policies.of_version(tx, 1), version=2, source="", effective_from=since)
    async with db.transaction(name) as tx:
        policy = await policies.of_version(tx, 1)
        await policies.add_version(tx, policy, version=2, source="", effective_from=since + timedelta(days=1))
    async with db.reading(name) as tx:
        assert [(number, when) for number, when, _ in await policies.versions(tx)][1:] == [
            (2, since + timedelta(days=1))
        ]
