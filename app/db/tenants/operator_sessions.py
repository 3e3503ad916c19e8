"""Rows of `operator_session`: links and sessions of the operator's, each known by a digest alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import ColumnElement, delete, insert, select, update

from app.db.engine import Database
from app.db.schema import operator_session

Kind = Literal["link", "session"]
_STAYS: Final = timedelta(days=1)
"""How long a row stays after its end."""


def _live(digest: bytes, kind: Kind, now: datetime) -> Sequence[ColumnElement[bool]]:
    c = operator_session.c
    return c.hash == digest, c.kind == kind, c.ended_at.is_(None), c.expires_at > now


async def add(database: Database, digest: bytes, kind: Kind, *, now: datetime, expires_at: datetime) -> None:
    """Keep a link or a session, and remove what has long been over."""
    values = {"hash": digest, "kind": kind, "created_at": now, "expires_at": expires_at}
    async with database.installing() as connection:
        await connection.execute(delete(operator_session).where(operator_session.c.expires_at < now - _STAYS))
        await connection.execute(insert(operator_session).values(values))


async def is_live(database: Database, digest: bytes, kind: Kind, *, now: datetime) -> bool:
    """Whether a link or a session still opens something."""
    async with database.bare() as connection:
        found = await connection.execute(select(operator_session.c.hash).where(*_live(digest, kind, now)))
        return found.first() is not None


async def exchange(database: Database, link: bytes, session: bytes, *, now: datetime, expires_at: datetime) -> bool:
    """Use a link up and keep its session; whether this call did."""
    ended = (
        update(operator_session)
        .where(*_live(link, "link", now))
        .values(ended_at=now)
        .returning(operator_session.c.hash)
    )
    values = {"hash": session, "kind": "session", "created_at": now, "expires_at": expires_at}
    async with database.installing() as connection:
        if (await connection.execute(ended)).first() is None:
            return False
        await connection.execute(insert(operator_session).values(values))
    return True


async def end(database: Database, digest: bytes, *, now: datetime) -> None:
    """End a session."""
    async with database.installing() as connection:
        await connection.execute(update(operator_session).where(*_live(digest, "session", now)).values(ended_at=now))
