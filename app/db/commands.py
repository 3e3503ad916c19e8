"""Rows of `command`: the answers of keyed calls, in the transaction of their effects (decision 0004)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import insert, select, text

from app.db.engine import Tx, sqlstate
from app.db.schema import command
from app.domain.values.errors import DomainError

_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:key, 11))")
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a keyed call answered the first time."""

    kind: str
    payload_hash: bytes
    status: int
    answer: dict[str, Any]


async def lock(tx: Tx, key: str) -> None:
    """Waits for others with the same key; refused with ``request_in_flight`` past the lock timeout."""
    try:
        await tx.rows(_LOCK, {"key": f"{tx.tenant_id}/{key}"})
    except asyncpg.PostgresError as error:
        if sqlstate(error) == _LOCK_NOT_AVAILABLE:
            raise DomainError("request_in_flight") from None
        raise


async def find(tx: Tx, key: str) -> StoredAnswer | None:
    """The stored answer of a key, or None."""
    row = await tx.row(
        select(command.c.kind, command.c.payload_hash, command.c.status, command.c.answer).where(
            command.c.tenant_id == tx.tenant_id, command.c.key == key
        )
    )
    if row is None:
        return None
    # Kept as text, so that a replay has the members in the order of the first answer, which jsonb would not keep.
    answer = json.loads(row[3]) if isinstance(row[3], str) else row[3]
    return StoredAnswer(row[0], bytes(row[1]), row[2], answer)


async def store(
    tx: Tx, key: str, kind: str, payload_hash: bytes, status: int, answer: object, *, customer_id: str | None
) -> None:
    """Keeps an answer; ``customer_id`` is our surrogate, for erasure."""
    await tx.execute(
        insert(command).values(
            tenant_id=tx.tenant_id,
            key=key,
            kind=kind,
            payload_hash=payload_hash,
            status=status,
            answer=json.dumps(answer, separators=(",", ":"), ensure_ascii=False),
            actor=tx.actor,
            customer_id=customer_id,
            created_at=tx.at,
        )
    )
