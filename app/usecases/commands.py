"""Keyed calls: done once, replayed ever after; refusals and faults are never stored (decision 0004).

Also names, for the doors, what they pass on to use cases without looking inside: the database and its transactions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from app.db import idempotency
from app.db.account import erasure
from app.db.engine import Database, Tx
from app.db.failures import Busy, Unavailable
from app.db.peers import Outcome
from app.db.peers import Work as Gathered
from app.db.secrets import Cipher
from app.db.shared_reads import Seat
from app.domain.values.digests import CallContent
from app.domain.values.errors import DomainError

__all__ = ["Busy", "Cipher", "Database", "Gathered", "Outcome", "Seat", "Tx", "Unavailable", "once"]
V = TypeVar("V")


async def once(
    tx: Tx,
    key: str,
    kind: str,
    content: CallContent,
    actor: str | None,
    work: Callable[[Tx], Awaitable[V]],
    *,
    status: int = 200,
) -> tuple[int, V, bool]:
    """Runs ``work`` unless this key has been used: (status, view, whether it is a replay).

    A second caller waits for the first and gets its answer. Refused: ``idempotency_key_reused`` for another payload or
    another operation, ``request_in_flight`` past the lock timeout. What ``work`` refuses rolls back and is not stored,
    so that the customer can top up and retry. Only validating, nothing is stored.
    """
    stored = await idempotency.claim(tx, key)
    if stored is not None:
        if stored.kind != kind or not content.is_of(stored.payload_hash.decode("ascii", "replace")):
            raise DomainError("idempotency_key_reused")
        return stored.status, cast(V, stored.answer), True
    tx.actor = actor
    tx.command_id = key
    view = await work(tx)
    if not tx.validate_only:
        digest = content.digest().encode()
        redacted = await erasure.stored(tx, view)
        await idempotency.store(tx, key, kind, digest, status, redacted, customer_id=tx.customer_id)
    return status, view, False
