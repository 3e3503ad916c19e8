"""Rows of `inbound_source`: the shops and helpdesks that a tenant listens to. Secrets are stored sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.db.engine import Tx
from app.db.keyset import select_page
from app.db.schema import directory, inbound_source
from app.db.secrets import Cipher
from app.domain.values.errors import DomainError
from app.domain.values.paging import PageRequest

_c = inbound_source.c


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A source as kept. ``sealed``: its secrets, sealed; ``progress``: how far reconciliation has come."""

    name: str
    kind: str
    token_hash: bytes
    sealed: bytes
    products: Mapping[str, Any]
    options: Mapping[str, Any]
    progress: Mapping[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


_COLUMNS = tuple(_c[name] for name in SourceRow.__dataclass_fields__)

_SELECT = f"select {', '.join(SourceRow.__dataclass_fields__)} from inbound_source where tenant_id = :tenant"
_BY_TOKEN = text(f"{_SELECT} and token_hash = :digest and deleted_at is null")
_LIVE = text(f"{_SELECT} and name = :name and deleted_at is null")


def token_digest(token: str) -> bytes:
    """What is kept of a secret URL's token, and what the directory finds the tenant by."""
    return hashlib.sha256(b"in\x00" + token.encode()).digest()


def _row(row: Any) -> SourceRow:
    values = dict(row._mapping)
    return SourceRow(**{**values, "token_hash": bytes(values["token_hash"]), "sealed": bytes(values["sealed"])})


async def find(tx: Tx, name: str, *, lock: bool = False, deleted: bool = False) -> SourceRow | None:
    """The source of a name; one that was deleted only when asked for."""
    if not lock and not deleted:
        row = await tx.row(_LIVE, {"tenant": tx.tenant_id, "name": name})
        return None if row is None else _row(row)
    statement = select(*_COLUMNS).where(_c.tenant_id == tx.tenant_id, _c.name == name)
    if not deleted:
        statement = statement.where(_c.deleted_at.is_(None))
    row = await tx.row(statement.with_for_update() if lock else statement)
    return None if row is None else _row(row)


async def by_token(tx: Tx, digest: bytes) -> SourceRow | None:
    """The live source that a token opens."""
    row = await tx.row(_BY_TOKEN, {"tenant": tx.tenant_id, "digest": digest})
    return None if row is None else _row(row)


async def page(tx: Tx, part: PageRequest) -> tuple[list[SourceRow], bool]:
    """A part of the live sources, by name; and whether there are more."""
    statement = select(*_COLUMNS).where(_c.tenant_id == tx.tenant_id, _c.deleted_at.is_(None))
    rows, more = part.trim(await tx.rows(select_page(statement, part, _c.name)))
    return [_row(row) for row in rows], more


async def put(tx: Tx, row: SourceRow, *, former: bytes | None) -> None:
    """Writes a source; ``former``: the token it had, which stops opening it."""
    if tx.validate_only:
        return
    if former is not None and former != row.token_hash:
        await forget_token(tx, former)
    values = {"tenant_id": tx.tenant_id, **{name: getattr(row, name) for name in SourceRow.__dataclass_fields__}}
    statement = insert(inbound_source).values(values)
    changed = {name: statement.excluded[name] for name in values if name not in ("tenant_id", "name", "created_at")}
    await tx.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "name"], set_=changed))
    await tx.execute(insert(directory).values(hash=row.token_hash, tenant_id=tx.tenant_id).on_conflict_do_nothing())


async def remove(tx: Tx, row: SourceRow) -> None:
    """Stops listening: its token opens nothing any more. Deliveries stay, so that nothing is done twice if it
    returns."""
    if tx.validate_only:
        return
    await forget_token(tx, row.token_hash)
    await tx.execute(
        update(inbound_source)
        .where(_c.tenant_id == tx.tenant_id, _c.name == row.name)
        .values(deleted_at=tx.at, updated_at=tx.at, version=row.version + 1)
    )


async def forget_token(tx: Tx, digest: bytes) -> None:
    """Takes a token out of the directory."""
    await tx.execute(delete(directory).where(directory.c.hash == digest, directory.c.tenant_id == tx.tenant_id))


async def note_progress(tx: Tx, name: str, progress: Mapping[str, Any]) -> None:
    """Writes how far reconciliation has come."""
    if not tx.validate_only:
        await tx.execute(
            update(inbound_source).where(_c.tenant_id == tx.tenant_id, _c.name == name).values(progress=dict(progress))
        )


async def wall_clock(tx: Tx) -> datetime:
    """Real time, which deliveries live in, sandbox or not (decision 0009)."""
    row = await tx.row(text("select clock_timestamp()"))
    found: datetime = row[0]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source with its secrets open."""

    row: SourceRow
    secrets: tuple[str, ...]
    api: Mapping[str, Any]


def opened(cipher: Cipher, tenant_id: str, row: SourceRow) -> Source:
    """A source with its secrets opened. Raises `app.db.secrets.SealBroken`."""
    held = json.loads(cipher.open(row.sealed, tenant_id=tenant_id, subject=f"source/{row.name}"))
    return Source(row=row, secrets=tuple(held["secrets"]), api=held.get("api") or {})


async def require(tx: Tx, name: str, *, lock: bool = False) -> SourceRow:
    """The live source of a name, or 404 ``source_not_found``."""
    row = await find(tx, name, lock=lock)
    if row is None:
        raise DomainError("source_not_found", source=name)
    return row
