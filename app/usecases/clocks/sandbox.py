"""A sandbox tenant's own time: it stands still until it is moved, and then everything in between happens, in order.

One transaction an instant, with the tenant's ``now`` moved to that instant first, so that what happens then sees
exactly that time. Moving in one step or in many does the same.
"""

from __future__ import annotations

import functools
import logging
import time
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
BATCH_ROWS_MAX: Final = 200


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
    """One instant: the time it is now, how many rows fired, and whether ``to`` is reached. Past ``end`` (monotonic
    seconds) no further row is begun. ``apart``: a row that fails is set aside; else it is told by `_RowFailed`.

    The tenant's row is the lock: two callers take turns, instant by instant.
    """
    row = await tenants.lock_clock(tx)
    if row is None or row.clock_mode != "virtual":
        raise DomainError("clock_not_virtual", tenant_id=tx.tenant_id)
    now: datetime = row.clock_now
    if to < now:
        if first:
            raise DomainError("clock_backwards", now=iso(now), asked=iso(to))
        return now, 0, True  # somebody else has gone further meanwhile
    due = await agenda.due(tx, to, limit=1)
    if not due:
        await _move(tx, now, to)
        return to, 0, True
    instant = max(now, due[0].at)
    await _move(tx, now, instant)
    rows = await agenda.due(tx, instant, limit=min(budget, BATCH_ROWS_MAX))
    await agenda.lock(tx, rows, wait=True)
    fired = 0
    for row in rows:
        fired += await _fire(tx, row, instant, handlers, apart=apart)
        if time.monotonic() >= end:
            break
    return instant, fired, False


async def _fire(tx: Tx, row: Any, instant: datetime, handlers: Handlers, *, apart: bool) -> bool:
    """Carry out one row of the agenda; whether it was carried out."""
    try:
        if not apart:
            return await agenda.run(tx, row, instant, handlers) is not None
        async with tx.connection.begin_nested():
            return await agenda.run(tx, row, instant, handlers) is not None
    except Exception as error:
        if is_passing(error):
            raise
        if not apart:
            raise _RowFailed from error
        logger.exception("agenda row %s of tenant %s failed and is set aside", row.kind, tx.tenant_id)
        await agenda.set_aside(tx, row, instant, error)
        return False


async def _move(tx: Tx, now: datetime, to: datetime) -> None:
    if to != now:
        await tenants.set_clock(tx, to)
    tx.at = to
    tx.tenant = replace(tx.tenant, now=to)
