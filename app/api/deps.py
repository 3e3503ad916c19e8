"""Who calls, and what this process has for its doors.

This is the only place at the doors that reads the wall clock. Keys, tokens and limits live in real time. Everything
else takes its instant from the transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

from fastapi import Request

from app.api.auth import Principal
from app.api.problems import Problem
from app.api.state import AppState
from app.domain.values.errors import DomainError


def wall_clock() -> datetime:
    """Real time, for keys, tokens, signatures and limits only."""
    return datetime.now(UTC)


def house(request: Request) -> AppState:
    """The parts of this process."""
    found: AppState = request.app.state.house
    return found


async def authenticate(request: Request) -> Principal:
    """Who calls; 401 otherwise, 429 for an address that failed too often."""
    rooms = house(request)
    header = request.headers.getlist("authorization")
    try:
        principal = await rooms.authenticator.principal(header[0] if len(header) == 1 else None, wall_clock())
    except Problem as refusal:
        if rooms.limiter is not None and refusal.code == "unauthorized":
            rooms.limiter.failed(request)
        raise
    request.scope["retainer.principal"] = principal
    if rooms.limiter is not None:
        rooms.limiter.check(principal, request)
    return principal


async def flush_last_used(rooms: AppState) -> None:
    """Writes when keys were last used; called now and then, never on the way of a request."""
    from app.usecases.tenants import keys

    collected, rooms.authenticator.last_used = rooms.authenticator.last_used, {}
    for tenant_id, last in collected.items():
        with contextlib.suppress(DomainError):  # the tenant moves, or has moved
            await rooms.database.run(tenant_id, lambda tx, last=last: keys.note_used(tx, last))  # type: ignore[misc]
        await asyncio.sleep(0)
