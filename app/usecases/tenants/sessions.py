"""People of the vendor who look at pages: links that open one session each, and sessions in their browsers.

A link and a session are random secrets, kept as their SHA-256 like keys, and ended like them (`DELETE /v1/keys/{id}`).
What was made with a key ends with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from app.db.engine import Tx
from app.db.tenants import audit_trail, keys
from app.db.tenants.keys import KeyRow
from app.domain.values.agent import Agent
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso
from app.usecases.tenants.keys import SCOPES, digest_of, fresh_key
from app.views.key import SignInLink

LINK_MINUTES_MAX: Final = 60
SESSION_HOURS: Final = 10
"""A working day: then its owner signs in again."""
ROTATE_MINUTES: Final = 30
"""How old a session's secret grows before a page puts another in its place."""
OVERLAP_SECONDS: Final = 60
"""How long the old secret goes on, for requests under way."""


class Opened(NamedTuple):
    """A session that was just opened: its secret, shown once, its end, and the page to go to."""

    secret: str
    expires_at: datetime
    page: str


async def make_link(
    tx: Tx, *, scopes: Sequence[str], person: Agent, minutes: int, now: datetime, page: str, address: str
) -> SignInLink:
    """Make a link that opens one session with these scopes. ``address``: of the sign-in page.

    422 ``unknown_scope``.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise DomainError("unknown_scope", unknown=unknown, known=list(SCOPES), field="scopes")
    expires_at = now + timedelta(minutes=minutes)
    made_by = tx.actor if tx.actor != "operator" else None
    options = {"person": dict(person), "page": page, **({} if made_by is None else {"made_by": made_by})}
    secret, row = _row(tx, "sign_in_link", scopes, options, now, expires_at)
    await keys.add(tx, row, digest_of(secret))
    await audit_trail.note(tx, "sign_in_link.created", row.key_id, _about(row), at=now)
    return {
        "link_id": row.key_id,
        "url": f"{address}?link={secret}",
        "scopes": list(row.scopes),
        "person": {"id": person["id"], "name": person.get("name")},
        "page": page,
        "expires_at": iso(expires_at),
    }


async def find_link(tx: Tx, digest: bytes, *, now: datetime) -> KeyRow:
    """Return a link that is good. 409 ``link_used`` for one that is used, has ended, or whose maker has."""
    row = await keys.by_hash(tx, digest)
    if row is None or row.kind != "sign_in_link" or not _live(row, now) or not await maker_lives(tx, row.options, now):
        raise DomainError("link_used")
    return row


async def open_by_link(tx: Tx, digest: bytes, *, now: datetime) -> Opened:
    """Use a link up and open its session."""
    link = await find_link(tx, digest, now=now)
    if not await keys.use_up(tx, link.key_id, now):
        raise DomainError("link_used")
    tx.actor = link.key_id
    return await _opened(tx, link.scopes, link.options, now)


async def open_for(tx: Tx, person: Agent, scopes: Sequence[str], *, now: datetime, page: str) -> Opened:
    """Open a session of a person for whom the issuer vouches."""
    return await _opened(tx, scopes, {"person": dict(person), "page": page, "by": "issuer"}, now)


async def rotate(tx: Tx, session_id: str, *, now: datetime) -> Opened | None:
    """Give a session another secret; the old one ends soon. None where another request has just done so."""
    old = await keys.by_id(tx, session_id)
    if old is None or not _live(old, now) or old.options.get("successor"):
        return None
    opened = await _opened(tx, old.scopes, old.options, now, until=old.expires_at)
    await keys.succeed(tx, session_id, now + timedelta(seconds=OVERLAP_SECONDS))
    return opened


async def end(tx: Tx, session_id: str, *, now: datetime) -> None:
    """End a session."""
    await keys.revoke(tx, session_id, now)
    await audit_trail.note(tx, "session.ended", session_id, at=now)


async def maker_lives(tx: Tx, options: Mapping[str, Any], now: datetime) -> bool:
    """Whether the key that made a link or a session still opens anything; the operator's does."""
    made_by = options.get("made_by")
    if made_by is None or not str(made_by).startswith("key_"):
        return True
    row = await keys.by_id(tx, str(made_by))
    return row is not None and _live(row, now)


async def _opened(
    tx: Tx, scopes: Sequence[str], options: Mapping[str, Any], now: datetime, *, until: datetime | None = None
) -> Opened:
    expires_at = until or now + timedelta(hours=SESSION_HOURS)
    begun = {**options, "renewed_at": iso(now)}
    secret, row = _row(tx, "session", scopes, begun, now, expires_at)
    await keys.add(tx, row, digest_of(secret))
    if until is None:
        await audit_trail.note(tx, "session.opened", row.key_id, _about(row), at=now)
    return Opened(secret, expires_at, str(options.get("page", "/desk")))


def _row(
    tx: Tx, kind: str, scopes: Sequence[str], options: Mapping[str, Any], now: datetime, expires_at: datetime
) -> tuple[str, KeyRow]:
    short, prefix = {"sign_in_link": ("sl", "lnk"), "session": ("ss", "ses")}[kind]
    row = KeyRow(
        key_id=tx.mint(prefix),
        label="",
        kind=kind,
        scopes=tuple(dict.fromkeys(scopes)),
        options=dict(options),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    return fresh_key(short), row


def _live(row: KeyRow, now: datetime) -> bool:
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > now)


def _about(row: KeyRow) -> dict[str, Any]:
    return {"scopes": list(row.scopes), "person": row.options["person"]}
