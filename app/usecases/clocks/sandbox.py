"""A sandbox tenant's own time: it stands still until it is moved, and then everything in between happens, in order.

A transaction carries out some instants, one after another, each at its own time. Moving in one step or in many does
the same.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.db import agenda
from app.db.agenda import Handlers
from app.db.engine import Database, Tx
from app.db.failures import is_passing
from app.db.tenants import tenants
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso
from app.views.tenant import SetAside, TenantTime

logger = logging.getLogger(__name__)

ROWS_FIRED_MAX: Final = 10_000
"""Rows fired by one call; the caller repeats until ``reached``."""
SECONDS_MAX: Final = 15.0
"""Wall time of one call, for the same reason: no answer takes for ever. What has fired stays fired."""
BATCH_ROWS_MAX: Final = 100
"""Rows looked at, and carried out, at once."""
STEP_INSTANTS_MAX: Final = 100
STEP_SECONDS: Final = 0.25
"""What one transaction does at most: it holds the customers of all that fell due in it."""


async def get_clock(tx: Tx) -> TenantTime:
    """The tenant's time: its own (``virtual``) or the database's (``real``)."""
    return {"mode": "virtual" if tx.tenant.virtual else "real", "now": iso(tx.at)}


async def move_clock(
    db: Database,
    tenant_id: str,
    to: datetime,
    handlers: Handlers,
    *,
    actor: str | None = None,
    validate_only: bool = False,
    most: int = ROWS_FIRED_MAX,
    seconds_max: float = SECONDS_MAX,
) -> TenantTime:
    """Moves a sandbox tenant's time forward; what falls due at or before ``to`` happens at its own instant.

    Answers ``{"mode", "now", "fired", "reached", "set_aside"}``: at most ``most`` rows a call, so repeat until
    ``reached``. A row that fails is set aside, told there and by an event, and tried again later. The same
    ``now`` again fires what is due by it. 409 ``clock_backwards``, 409 ``clock_not_virtual`` for a tenant on real time.
    ``validate_only`` does all of it in one transaction and rolls that back.
    """
    if validate_only:
        try:
            async with db.transaction(tenant_id, actor=actor) as tx:
                raise _Rehearsed(await _rehearse(tx, to, handlers, most, seconds_max))
        except _Rehearsed as rehearsed:
            return rehearsed.answer
    fired, first, end = 0, True, time.monotonic() + seconds_max
    while True:

        async def work(
            tx: Tx, first: bool = first, budget: int = most - fired, apart: bool = False
        ) -> tuple[datetime, int, bool]:
            return await _step(tx, to, handlers, first=first, budget=budget, end=end, apart=apart)

        try:
            now, done, reached = await db.run(tenant_id, work, actor=actor)
        except _RowFailed:  # again, each row apart: the one that fails is set aside, the others go through
            apart = functools.partial(work, apart=True)
            now, done, reached = await db.run(tenant_id, apart, actor=actor)
        fired, first = fired + done, False
        if reached or fired >= most or time.monotonic() >= end:
            aside = await db.read(tenant_id, agenda.aside)
            return _answer(now, fired, aside, reached=reached)


class _RowFailed(Exception):  # noqa: N818 - what happened, in a word
    """A row of the agenda failed; nothing of its step is kept."""


class _Rehearsed(Exception):  # noqa: N818 - not an error
    """Carries the answer out of a transaction that must not be committed."""

    def __init__(self, answer: TenantTime) -> None:
        super().__init__()
        self.answer = answer


async def _rehearse(tx: Tx, to: datetime, handlers: Handlers, most: int, seconds_max: float) -> TenantTime:
    fired, first, end = 0, True, time.monotonic() + seconds_max
    while True:
        now, done, reached = await _step(tx, to, handlers, first=first, budget=most - fired, end=end, apart=True)
        fired, first = fired + done, False
        if reached or fired >= most or time.monotonic() >= end:
            return _answer(now, fired, await agenda.aside(tx), reached=reached)


def _answer(now: datetime, fired: int, aside: list[SetAside], *, reached: bool) -> TenantTime:
    return {"mode": "virtual", "now": iso(now), "fired": fired, "reached": reached, "set_aside": aside}


async def _step(
    tx: Tx, to: datetime, handlers: Handlers, *, first: bool, budget: int, end: float, apart: bool
) -> tuple[datetime, int, bool]:
    """Some instants, in order: the time it is now, how many rows fired, and whether ``to`` is reached. Past ``end``
    (monotonic seconds) no further row is begun. ``apart``: a row that fails is set aside; else it is told by
    `_RowFailed`.

    The tenant's row is the lock: two callers take turns, step by step. What happens sees its own instant in ``tx``.
    """
    row = await tenants.lock_clock(tx)
    if row is None or row.clock_mode != "virtual":
        raise DomainError("clock_not_virtual", tenant_id=tx.tenant_id)
    now: datetime = row.clock_now
    if to < now:
        if first:
            raise DomainError("clock_backwards", now=iso(now), asked=iso(to))
        return now, 0, True  # somebody else has gone further meanwhile
    fired, instant, pause = 0, now, min(end, time.monotonic() + STEP_SECONDS)
    due: Sequence[Any] = ()
    ours: set[str] = set()
    for _ in range(STEP_INSTANTS_MAX):
        if not due:
            due = await agenda.due(tx, to, limit=min(budget - fired, BATCH_ROWS_MAX))
            if not ours.issuperset(row.customer_id for row in due):  # what is locked stays so to the end
                await agenda.lock(tx, due, wait=True)
                ours.update(row.customer_id for row in due)
        if not due:
            await _move(tx, now, to)
            return to, fired, True
        instant = max(instant, due[0].at)
        _see(tx, instant)
        rows = [row for row in due if row.at <= instant]
        fired += await _fire_all(tx, rows, instant, handlers, apart=apart, end=end)
        due = due[len(rows) :] if not apart and agenda.are_next(tx, due[len(rows) :], rows, handlers) else ()
        if fired >= budget or time.monotonic() >= pause:
            break
    await _move(tx, now, instant)
    return instant, fired, False


async def _fire_all(
    tx: Tx, rows: Sequence[Any], instant: datetime, handlers: Handlers, *, apart: bool, end: float
) -> int:
    """Carry out rows of the agenda, in their order; how many were carried out."""
    if not apart:
        try:
            return len(await agenda.run_many(tx, rows, instant, handlers))
        except Exception as error:
            if is_passing(error):
                raise
            raise _RowFailed from error
    fired = 0
    for row in rows:
        fired += await _fire(tx, row, instant, handlers)
        if time.monotonic() >= end:
            break
    return fired


async def _fire(tx: Tx, row: Any, instant: datetime, handlers: Handlers) -> bool:
    """Carry out one row of the agenda, apart from the others; whether it was carried out."""
    try:
        async with tx.connection.begin_nested():
            return await agenda.run(tx, row, instant, handlers) is not None
    except Exception as error:
        if is_passing(error):
            raise
        logger.exception("agenda row %s of tenant %s failed and is set aside", row.kind, tx.tenant_id)
        await agenda.set_aside(tx, row, instant, error)
        return False


async def _move(tx: Tx, now: datetime, to: datetime) -> None:
    if to != now:
        await tenants.set_clock(tx, to)
    _see(tx, to)


def _see(tx: Tx, at: datetime) -> None:
    """What happens from now on happens at that instant."""
    tx.at = at
    tx.tenant = replace(tx.tenant, now=at)
