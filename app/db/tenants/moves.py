"""Rows of `tenant_move`: tenants that move to another server, arrive from one, or have gone.

    here -> leaving -> moving -> moved        on the server that the tenant leaves
    here or moved -> arriving -> here         on the server that it moves to

``leaving``: all goes on, but no webhook is sent, so that those under way come to their end. ``moving``: reads alone.
``moved``: every call is told the address. ``arriving``: the rows come in; nothing is answered. No row means ``here``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from app.db.engine import Tx
from app.db.schema import tenant_move

State = Literal["here", "leaving", "moving", "moved", "arriving"]
_SENDING = text(
    "select count(*) from webhook_delivery where tenant_id = :tenant and state = 'pending' and claim is not null"
    " and next_attempt_at > clock_timestamp()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """A move as kept."""

    state: State
    address: str | None = None
    since: datetime | None = None


HERE = MoveRow(state="here")


async def find(tx: Tx, *, lock: bool = False) -> MoveRow:
    """The move of the transaction's tenant; `HERE` where there is none."""
    c = tenant_move.c
    statement = select(c.state, c.address, c.since).where(c.tenant_id == tx.tenant_id)
    row = await tx.row(statement.with_for_update() if lock else statement)
    return HERE if row is None else MoveRow(**dict(row._mapping))


async def put(tx: Tx, row: MoveRow) -> None:
    """Writes the move; `HERE` removes it."""
    if tx.validate_only:
        return
    if row.state == "here":
        await tx.execute(delete(tenant_move).where(tenant_move.c.tenant_id == tx.tenant_id))
        return
    values = {"state": row.state, "address": row.address, "since": row.since}
    await tx.execute(
        insert(tenant_move)
        .values(tenant_id=tx.tenant_id, **values)
        .on_conflict_do_update(index_elements=["tenant_id"], set_=values)
    )


async def sending(tx: Tx) -> int:
    """How many webhooks are under way: sent, or about to be, and what came of them not yet written."""
    row = await tx.row(_SENDING, {"tenant": tx.tenant_id})
    return int(row[0])
