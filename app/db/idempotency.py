"""Rows of `command`: the answers of keyed calls, in the transaction of their effects (decision 0004)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import text

from app.db import shared_calls
from app.db.engine import Tx
from app.db.failures import sqlstate
from app.db.rows import CommandRow, Rows
from app.domain.values.errors import DomainError

_CLAIM = text("select * from retainer_claimed_command(:tenant, :key)")
shared_calls.key_shared(
    _CLAIM,
    "select k.key as asked, c.kind, c.payload_hash, c.status, c.answer from unnest(cast(:asked as text[])) as k(key)"
    " left join lateral retainer_claimed_command(:tenant, k.key) c on true",
    by="key",
)
_STORE = text(
    "insert into command (tenant_id, key, kind, payload_hash, status, answer, actor, customer_id, created_at)"
    " values (:tenant, :key, :kind, :payload_hash, :status, :answer, :actor, :customer_id, :at)"
)
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a keyed call answered the first time."""

    kind: str
    payload_hash: bytes
    status: int
    answer: dict[str, Any]


async def claim(tx: Tx, key: str) -> StoredAnswer | None:
    """Wait for others with the same key, then return the stored answer, or None; one round trip.

    Refused with ``request_in_flight`` past the lock timeout.
    """
    try:
        row = await tx.row(_CLAIM, {"tenant": tx.tenant_id, "key": key})
    except asyncpg.PostgresError as error:
        if sqlstate(error) == _LOCK_NOT_AVAILABLE:
            raise DomainError("request_in_flight") from None
        raise
    if row is None:
        return None
    # Kept as text, so that a replay has the members in the order of the first answer, which jsonb would not keep.
    answer = json.loads(row.answer) if isinstance(row.answer, str) else row.answer
    return StoredAnswer(row.kind, bytes(row.payload_hash), row.status, answer)


async def store(
    tx: Tx, key: str, kind: str, payload_hash: bytes, status: int, answer: object, *, customer_id: str | None
) -> None:
    """Keeps an answer; ``customer_id`` is our surrogate, for erasure."""
    # A text in JSON: see `claim`.
    answer_text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
    if tx.peers is not None:
        tx.peers.keep(Rows(commands=[CommandRow(key, kind, payload_hash, status, answer_text, tx.actor, customer_id)]))
        return
    await tx.rows(
        _STORE,
        {
            "tenant": tx.tenant_id,
            "key": key,
            "kind": kind,
            "payload_hash": payload_hash,
            "status": status,
            "answer": json.dumps(answer_text),
            "actor": tx.actor,
            "customer_id": customer_id,
            "at": tx.at,
        },
    )
