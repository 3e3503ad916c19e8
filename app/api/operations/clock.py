"""A sandbox tenant's own time."""

from __future__ import annotations

from app.api.fields import Body, Instant
from app.api.operations.call import Call
from app.api.operations.table import Operations
from app.usecases.agenda import HANDLERS
from app.usecases.clocks import sandbox
from app.views.tenant import TenantTime

OPERATIONS = Operations("Operator and sandbox")


class TimeBody(Body):
    """Where to, forward only."""

    now: Instant


@OPERATIONS.get("getTime", "/v1/clock", scope=("sandbox:clock", "clocks:read"))
async def get_clock(call: Call) -> TenantTime:
    """The tenant's time: its own, or the real one."""
    return await call.read(sandbox.get_clock)


@OPERATIONS.put("moveTime", "/v1/clock", scope="sandbox:clock", refusals=(409,))
async def move_clock(call: Call, body: TimeBody) -> TenantTime:
    """Moves a sandbox's time forward; everything due in between happens, in order. Repeat until ``reached``."""
    return await sandbox.move_clock(
        call.database, call.tenant_id, body.now, HANDLERS, actor=call.actor, validate_only=call.validate_only
    )
