"""A tenant's move to another server of the operator's, step by step; the rows go by Postgres's own replication.

Each step can be said again. `app.db.tenants.moves` says which state may follow which, and all else is refused. So a
tenant never lives on two servers: once it has ``moved``, it comes back only as one that arrives.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.db.engine import Tx
from app.db.events import events
from app.db.tenants import audit_trail, moves, tenants
from app.db.tenants.moves import MoveRow, State
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso_or_none
from app.views.tenant import TenantMove

_FOLLOWS: Final[dict[State, tuple[State, ...]]] = {
    "here": ("leaving", "arriving"),
    "leaving": ("moving", "here"),
    "moving": ("moved", "here"),
    "moved": ("arriving",),
    "arriving": ("here",),
}


async def get(tx: Tx) -> TenantMove:
    """The tenant's move as published; 404 where there is neither a tenant nor one that arrives."""
    row = await moves.find(tx)
    if row.state == "here" and await tenants.find(tx) is None:
        raise DomainError("tenant_not_found", tenant_id=tx.tenant_id)
    return view(tx, row)


async def put(tx: Tx, state: State, address: str | None, *, now: datetime) -> TenantMove:
    """Brings the move to a state. ``tx`` comes from ``Database.founding(even_moved=True)``; ``now`` is real time.

    Refused: ``tenant_not_found``, and ``tenant_move_conflict`` for one of these reasons:

    - the state cannot follow
    - an address is wanted
    - a webhook is still under way
    - a tenant that lives here would arrive
    """
    present = await tenants.find(tx, lock=True) is not None
    row = await moves.find(tx, lock=True)
    if state == row.state:
        if address is None or address == row.address or state == "here":
            return view(tx, row)
    elif state not in _FOLLOWS[row.state]:
        raise _conflict(row, f"`{state}` cannot follow `{row.state}`: it is followed by {_names(_FOLLOWS[row.state])}.")
    await _check(tx, row, state, address, present=present)
    made = MoveRow(
        state=state,
        address=None if state == "here" else address or row.address,
        since=now if state != row.state else row.since,
    )
    await moves.put(tx, made)
    if row.state == "arriving":
        await _publish_arrival(tx, row, present=present)
    elif state != "arriving":
        step = "here_again" if state == "here" else state
        data = {"address": made.address} if made.address else {}
        await audit_trail.note(tx, f"tenant.{step}", tx.tenant_id, data)
    return view(tx, made)


async def _check(tx: Tx, row: MoveRow, state: State, address: str | None, *, present: bool) -> None:
    if state == "arriving" and present and row.state != "arriving":
        raise _conflict(row, "The tenant's rows are here already.")
    if state in ("leaving", "moving", "moved") and not present:
        raise DomainError("tenant_not_found", tenant_id=tx.tenant_id)
    if state == "moved" and address is None and row.address is None:
        raise _conflict(row, "Give `address`: callers are told it from now on.")
    if state == "moving" and (sending := await moves.sending(tx)):
        raise _conflict(row, f"{sending} webhooks are under way; say it again when they are done, within a minute.")


async def _publish_arrival(tx: Tx, row: MoveRow, *, present: bool) -> None:
    """Tell that a tenant lives here from now on; one whose arrival was given up has left nothing to tell it to."""
    if present:
        data = {"address": row.address} if row.address else {}
        await audit_trail.note(tx, "tenant.arrived", tx.tenant_id, data)
        await events.publish(tx, "tenant.moved", data)


def _conflict(row: MoveRow, message: str) -> DomainError:
    return DomainError("tenant_move_conflict", message=message, state=row.state)


def _names(states: tuple[State, ...]) -> str:
    return " or ".join(f"`{name}`" for name in states)


def view(tx: Tx, row: MoveRow) -> TenantMove:
    """Return a move as published."""
    return {"tenant_id": tx.tenant_id, "state": row.state, "address": row.address, "since": iso_or_none(row.since)}
