"""Rows of `api_key` and its entries in the directory. A key itself is never stored, only its SHA-256."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.driver import fetch
from app.db.engine import Database, Tx, run_alone
from app.db.failures import Busy, Unavailable
from app.db.keyset import select_page
from app.db.schema import api_key, directory
from app.domain.values.paging import PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key as kept. ``kind``: ``key``, ``customer_token``, ``sign_in_link`` or ``session``; ``options`` by kind."""

    key_id: str
    label: str
    kind: str
    scopes: tuple[str, ...]
    options: Mapping[str, Any]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAtDoor:
    """A key's tenant, its row (None where it is not here), and what the tenant's rows say of it and its move."""

    tenant_id: str
    key: KeyRow | None
    suspended: bool
    move: str | None
    address: str | None


_SOON: Final = 1.0
"""Seconds within which a lost connection shows."""
_AT_DOOR = text("select * from retainer_key(:digest, :lock_timeout, :statement_timeout)")
_COLUMNS = (
    api_key.c.key_id,
    api_key.c.label,
    api_key.c.kind,
    api_key.c.scopes,
    api_key.c.options,
    api_key.c.created_at,
    api_key.c.expires_at,
    api_key.c.revoked_at,
    api_key.c.last_used_at,
)


def _row(row: Any) -> KeyRow:
    return KeyRow(**{**dict(row._mapping), "scopes": tuple(row.scopes)})


async def add(tx: Tx, row: KeyRow, digest: bytes) -> None:
    """Keeps a key and makes it findable."""
    if tx.validate_only:
        return
    await tx.execute(
        insert(api_key).values(
            tenant_id=tx.tenant_id,
            hash=digest,
            key_id=row.key_id,
            label=row.label,
            kind=row.kind,
            scopes=list(row.scopes),
            options=dict(row.options),
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
    )
    await register(tx, digest)


async def register(tx: Tx, digest: bytes) -> None:
    """A directory entry of this tenant."""
    await tx.execute(upsert(directory).values(hash=digest, tenant_id=tx.tenant_id).on_conflict_do_nothing())


async def at_door(database: Database, digest: bytes) -> KeyAtDoor | None:
    """The key of a hash, whosever it is, live or not: one round trip, as it is asked each second for each key."""
    timeouts = {
        "lock_timeout": f"{database.lock_timeout_ms}ms",
        "statement_timeout": f"{database.statement_timeout_ms}ms",
    }
    row = await _asked(database, {"digest": digest, **timeouts})
    if row.tenant is None:
        return None
    key = None
    if row.key_id is not None:
        key = KeyRow(
            key_id=row.key_id,
            label="",
            kind=row.kind,
            scopes=tuple(row.scopes),
            options=msgspec.json.decode(row.options),
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            last_used_at=None,
        )
    return KeyAtDoor(tenant_id=row.tenant, key=key, suspended=bool(row.suspended), move=row.move, address=row.address)


async def _asked(database: Database, parameters: dict[str, Any]) -> Any:
    """The row; asked again, in a transaction, where the connection was lost: that begin finds all that are.

    A database that does not answer is not asked again: who calls is told soon.
    """
    began = time.monotonic()
    try:
        return (await run_alone(database, _AT_DOOR, parameters))[0]
    except Busy:
        raise
    except Unavailable:
        for _ in range(2):
            if time.monotonic() - began > _SOON:
                break
            with contextlib.suppress(Unavailable):
                async with database.bare() as connection:
                    return (await fetch(connection, _AT_DOOR, parameters))[0]
        raise


async def by_hash(tx: Tx, digest: bytes) -> KeyRow | None:
    """The key of a hash, live or not."""
    row = await tx.row(select(*_COLUMNS).where(api_key.c.tenant_id == tx.tenant_id, api_key.c.hash == digest))
    return None if row is None else _row(row)


async def by_id(tx: Tx, key_id: str) -> KeyRow | None:
    """The key of an id, live or not."""
    row = await tx.row(select(*_COLUMNS).where(api_key.c.tenant_id == tx.tenant_id, api_key.c.key_id == key_id))
    return None if row is None else _row(row)


async def page(tx: Tx, part: PageRequest) -> tuple[list[KeyRow], bool]:
    """A part of the keys (not customer tokens), by id; and whether there are more."""
    statement = select(*_COLUMNS).where(api_key.c.tenant_id == tx.tenant_id, api_key.c.kind == "key")
    rows, more = part.trim(await tx.rows(select_page(statement, part, api_key.c.key_id)))
    return [_row(row) for row in rows], more


async def revoke(tx: Tx, key_id: str, at: datetime) -> None:
    """Ends a key, once."""
    if not tx.validate_only:
        await tx.execute(
            update(api_key)
            .where(api_key.c.tenant_id == tx.tenant_id, api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )


async def use_up(tx: Tx, key_id: str, at: datetime) -> bool:
    """End what is good once; whether this call did."""
    if tx.validate_only:
        return True
    ended = await tx.rows(
        update(api_key)
        .where(api_key.c.tenant_id == tx.tenant_id, api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(api_key.c.key_id)
    )
    return bool(ended)


async def succeed(tx: Tx, key_id: str, at: datetime) -> None:
    """Let a session end at an instant, since another has taken its place."""
    await tx.execute(
        update(api_key)
        .where(api_key.c.tenant_id == tx.tenant_id, api_key.c.key_id == key_id)
        .values(expires_at=at, options=api_key.c.options.op("||")({"successor": True}))
    )


async def expire(tx: Tx, key_id: str, at: datetime) -> None:
    """Lets a key end at an instant."""
    if not tx.validate_only:
        await tx.execute(
            update(api_key).where(api_key.c.tenant_id == tx.tenant_id, api_key.c.key_id == key_id).values(expires_at=at)
        )


async def used(tx: Tx, last: Mapping[str, datetime]) -> None:
    """Notes when keys were last used: collected in memory, written now and then."""
    for key_id, at in sorted(last.items()):
        await tx.execute(
            text(
                "update api_key set last_used_at = greatest(last_used_at, :at)"
                " where tenant_id = :tenant and key_id = :key"
            ),
            {"at": at, "tenant": tx.tenant_id, "key": key_id},
        )
