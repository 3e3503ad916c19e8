"""Keys: who may call. ``rtn_live_<random>_<checksum>``, ``rtn_test_`` for sandboxes, ``rtn_ct_`` for customer tokens.

``rtn_ss_`` are sessions of pages and ``rtn_sl_`` the links that open them (`app.usecases.tenants.sessions`);
``rtn_os_`` and ``rtn_ol_`` are the operator's (`app.usecases.tenants.operator_sessions`). No call takes them as a
bearer token.

A key has 190 random bits, is shown once and kept as its SHA-256. The checksum (CRC-32 in base 62) lets scanners and our
own door tell a mistyped key without asking the database. The form is
``^rtn_(live|test|ct|ss|sl|os|ol)_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}$``.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.db.account import accounts
from app.db.engine import Database, Tx
from app.db.tenants import audit_trail, keys
from app.db.tenants.keys import KeyRow
from app.domain.values.errors import DomainError
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso, iso_or_none
from app.views.customer import CustomerToken, TokenMay
from app.views.key import ApiKey

SCOPES: Final = (
    "orders:write",
    "orders:read",
    "policies:read",
    "calendars:read",
    "clocks:read",
    "events:read",
    "customers:read",
    "customers:write",
    "customers:erase",
    "tickets:read",
    "tickets:write",
    "tickets:qualify",
    "credits:debit",
    "credits:adjust",
    "credits:refund",
    "calendars:write",
    "policies:write",
    "webhooks:write",
    "audit:read",
    "reports:read",
    "agents:write",
    "sandbox:clock",
    "*",
)
CUSTOMER_SCOPES: Final = ("customers:read", "tickets:read")
"""What a customer token carries, for its own customer alone."""
MAX_TOKEN_MINUTES: Final = 10

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY: Final = re.compile(r"(rtn_(live|test|ct|ss|sl|os|ol)_[0-9A-Za-z]{32})_([0-9A-Za-z]{6})\Z", re.ASCII)
BEARERS: Final = frozenset({"live", "test", "ct"})
"""Kinds that calls take."""


def _base62(number: int, width: int) -> str:
    out = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        out.append(_ALPHABET[digit])
    return "".join(reversed(out))


def fresh_key(kind: str) -> str:
    """A new key of a kind: ``live``, ``test``, ``ct``, ``ss``, ``sl``, ``os`` or ``ol``."""
    head = f"rtn_{kind}_" + "".join(secrets.choice(_ALPHABET) for _ in range(32))
    return f"{head}_{_base62(zlib.crc32(head.encode()), 6)}"


def well_formed(key: str, kinds: Collection[str] = BEARERS) -> bool:
    """Whether form and checksum of a key of these kinds are right: says nothing about whether the key is live."""
    match = _KEY.match(key)
    return match is not None and match[2] in kinds and _base62(zlib.crc32(match[1].encode()), 6) == match[3]


def digest_of(key: str) -> bytes:
    """What is kept of a key: enough, since it is random and long."""
    return hashlib.sha256(key.encode()).digest()


async def create(
    tx: Tx,
    *,
    scopes: Sequence[str],
    label: str,
    expires_at: datetime | None,
    now: datetime,
    options: Mapping[str, Any] | None = None,
) -> ApiKey:
    """Makes a key; only this answer shows it. Refused: ``unknown_scope``, an expiry in the past."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise DomainError("unknown_scope", unknown=unknown, known=list(SCOPES), field="scopes")
    if expires_at is not None and expires_at <= now:
        raise DomainError("invalid_input", message="The key would have expired already.", field="expires_at")
    key = fresh_key("test" if tx.tenant.virtual else "live")
    row = KeyRow(
        key_id=tx.mint("key"),
        label=label,
        kind="key",
        scopes=tuple(dict.fromkeys(scopes)),
        options=dict(options or {}),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    await keys.add(tx, row, digest_of(key))
    await audit_trail.note(tx, "key.created", row.key_id, {"scopes": list(row.scopes), "label": label}, at=now)
    return {**_view(row, now), "key": key}


async def rotate(tx: Tx, key_id: str, *, overlap_seconds: int, now: datetime) -> ApiKey:
    """A successor with the same scopes; the old key goes on for ``overlap_seconds`` (two live keys meanwhile)."""
    old = await _require(tx, key_id)
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise DomainError("key_not_live", key_id=key_id)
    key = fresh_key("test" if tx.tenant.virtual else "live")
    row = KeyRow(
        key_id=tx.mint("key"),
        label=old.label,
        kind="key",
        scopes=old.scopes,
        options=old.options,
        created_at=now,
        expires_at=None,
        revoked_at=None,
        last_used_at=None,
    )
    await keys.add(tx, row, digest_of(key))
    ends = now + timedelta(seconds=overlap_seconds)
    if old.expires_at is None or ends < old.expires_at:
        await keys.expire(tx, key_id, ends)
    await audit_trail.note(tx, "key.rotated", key_id, {"successor": row.key_id}, at=now)
    return {**_view(row, now), "key": key, "replaces": key_id}


async def customer_token(
    tx: Tx, customer_id: str, *, minutes: int, now: datetime, may: TokenMay, address: str
) -> CustomerToken:
    """Make an opaque token for one customer, of at most ten minutes, that reads, or reads and acts.

    ``address``: of the customer's page, which the token opens.
    """
    customer = await accounts.lock_named(tx, customer_id)
    key, expires_at = fresh_key("ct"), now + timedelta(minutes=minutes)
    row = KeyRow(
        key_id=tx.mint("tok"),
        label="",
        kind="customer_token",
        scopes=CUSTOMER_SCOPES,
        options={"customer_id": customer.customer_id, **({} if may == "read" else {"may": may})},
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    await keys.add(tx, row, digest_of(key))
    made = {"customer": customer.customer_id, **({} if may == "read" else {"may": may})}
    await audit_trail.note(tx, "customer_token.created", row.key_id, made, at=now)
    return {
        "token_id": row.key_id,
        "token": key,
        "customer_id": customer.external_id or customer_id,
        "may": may,
        "url": f"{address}?token={key}",
        "expires_at": iso(expires_at),
    }


async def list_keys(tx: Tx, part: PageRequest, *, now: datetime) -> Page[ApiKey]:
    """A part of the tenant's keys, by age. Never the keys themselves."""
    rows, more = await keys.page(tx, part)
    found = [_view(row, now) for row in rows]
    return part.page_of(rows, more, found, lambda row: [row.key_id])


async def revoke(tx: Tx, key_id: str, *, now: datetime) -> ApiKey:
    """Ends a key for good; it stops within a second everywhere. Again: the same answer."""
    row = await _require(tx, key_id)
    if row.revoked_at is None:
        await keys.revoke(tx, key_id, now)
        await audit_trail.note(tx, "key.revoked", key_id, at=now)
        row = KeyRow(
            key_id=row.key_id,
            label=row.label,
            kind=row.kind,
            scopes=row.scopes,
            options=row.options,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=now,
            last_used_at=row.last_used_at,
        )
    return _view(row, now)


async def find_at_door(database: Database, digest: bytes) -> tuple[str, dict[str, Any]] | None:
    """The tenant of a hash, and the live or dead key as `find` has it; None where there is none.

    A vendor's key is found in one round trip. What needs to know more (a customer, who made a session) asks `find`.
    """
    found = await keys.at_door(database, digest)
    if found is None:
        return None
    if found.key is not None and found.key.kind == "key":
        moved_to = found.address if found.move == "moved" else None
        return found.tenant_id, _at_door(found.key, suspended=found.suspended, moved_to=moved_to)
    row = await database.read(found.tenant_id, lambda tx: find(tx, digest), even_moved=True)
    return None if row is None else (found.tenant_id, row)


async def find(tx: Tx, digest: bytes) -> dict[str, Any] | None:
    """The live or dead key of a hash, for the door: id, kind, scopes, options, the end of its life, the customer.

    For customer tokens ``customer_id`` is the external id as it is now, None once the customer is erased. ``moved_to``
    is the tenant's address elsewhere. Where the tenant's rows went from here with it, that is all there is to say.
    A session ends with the key that made its link.
    """
    row = await keys.by_hash(tx, digest)
    if row is None:
        tx.tenant.check_home(writes=False)
        return None
    customer, named = None, None
    if row.kind == "customer_token":
        customer, named = await _customer_now(tx, str(row.options.get("customer_id")))
    maker = None
    if row.kind == "session" and str(row.options.get("made_by", "")).startswith("key_"):
        maker = await keys.by_id(tx, str(row.options["made_by"]))
    found = _at_door(
        row, suspended=tx.tenant.suspended, moved_to=tx.tenant.address if tx.tenant.move == "moved" else None
    )
    return {
        **found,
        "options": {**row.options, **({} if named is None else {"named": named})},
        "expires_at": _sooner(row.expires_at, None if maker is None else maker.expires_at),
        "revoked_at": row.revoked_at or (None if maker is None else maker.revoked_at),
        "customer_id": customer,
    }


def _at_door(row: KeyRow, *, suspended: bool, moved_to: str | None) -> dict[str, Any]:
    return {
        "key_id": row.key_id,
        "kind": row.kind,
        "scopes": row.scopes,
        "options": row.options,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "customer_id": None,
        "suspended": suspended,
        "moved_to": moved_to,
    }


async def _customer_now(tx: Tx, customer_id: str) -> tuple[str | None, str | None]:
    """Return the external id of a token's customer as it is now, and the name that it was made for, if another.

    A token of an account that went into another one is its heir's.
    """
    made_for = await accounts.customer_by_id(tx, customer_id)
    if made_for is None or made_for.external_id is None:
        return None, None
    now = await accounts.find_customer(tx, made_for.external_id)
    if now is None or now.customer_id == made_for.customer_id:
        return (None if now is None else now.external_id), None
    return now.external_id, made_for.external_id


def _sooner(first: datetime | None, second: datetime | None) -> datetime | None:
    """Return the earlier of two ends; None is no end."""
    return first if second is None else second if first is None else min(first, second)


async def note_used(tx: Tx, last: Mapping[str, datetime]) -> None:
    """Writes when keys were last used."""
    await keys.used(tx, last)


async def _require(tx: Tx, key_id: str) -> KeyRow:
    row = await keys.by_id(tx, key_id)
    if row is None:
        raise DomainError("key_not_found", key_id=key_id)
    return row


def _view(row: KeyRow, now: datetime) -> ApiKey:
    """Return a key as published, as it stands at ``now``."""
    view: ApiKey = {
        "key_id": row.key_id,
        "label": row.label,
        "scopes": list(row.scopes),
        "live": row.revoked_at is None and (row.expires_at is None or row.expires_at > now),
        "created_at": iso(row.created_at),
        "expires_at": iso_or_none(row.expires_at),
        "revoked_at": iso_or_none(row.revoked_at),
        "last_used_at": iso_or_none(row.last_used_at),
    }
    if row.options:
        view["options"] = dict(row.options)
    return view
