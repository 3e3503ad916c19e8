"""Secrets that must be read back (webhook and shop secrets) are sealed before they reach a row (decision 0017).

AES-256-GCM with a key derived from the installation's secret key. The row that a secret belongs to is bound in as
associated data. So a sealed secret that is copied into another tenant's row does not open. The database knows
fingerprints of the secret keys that may have sealed something: a process with another key does not start.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.db import schema as s
from app.db.engine import Database, Tx
from app.db.failures import StartRefused, Unavailable

_FORM: Final = b"\x01"
_NONCE: Final = 12
_LOCK: Final = text("select pg_advisory_xact_lock(7236117245002)")


class SealBroken(Unavailable):
    """A sealed secret does not open: the installation's secret key is not the one it was sealed with.

    Calls that need it answer 503: once the right key is given, the same call succeeds.
    """


class WrongSecretKey(StartRefused):
    """This process was given another secret key than the one that sealed what is stored; the message says the way."""


class Cipher:
    """Seals with the first secret key and opens with any (32 random characters or more each)."""

    __slots__ = ("_keys",)

    def __init__(self, *secrets: str) -> None:
        self._keys = [
            AESGCM(hashlib.sha256(b"retainer/secrets/1\x00" + secret.encode()).digest()) for secret in secrets
        ]

    def seal(self, plain: str, *, tenant_id: str, subject: str) -> bytes:
        """The bytes to store. ``subject`` names the row, e.g. ``source/shop`` or ``endpoint/whe_...``."""
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._keys[0].encrypt(nonce, plain.encode(), _bound(tenant_id, subject))

    def open(self, sealed: bytes, *, tenant_id: str, subject: str) -> str:
        """What was sealed. Raises `SealBroken` for another key, another row or changed bytes."""
        body = bytes(sealed)
        if body[:1] != _FORM:
            raise SealBroken("not sealed by this version")
        nonce, rest, bound = body[1 : 1 + _NONCE], body[1 + _NONCE :], _bound(tenant_id, subject)
        for key in self._keys:
            try:
                return key.decrypt(nonce, rest, bound).decode()
            except InvalidTag:
                continue
        raise SealBroken("the secret was sealed with another RETAINER_SECRET_KEY")


def _bound(tenant_id: str, subject: str) -> bytes:
    return f"{tenant_id}\x00{subject}".encode()


def fingerprint(secret: str) -> str:
    """What the database knows of a secret key: enough to tell it from another, nothing that helps to guess it."""
    return hashlib.sha256(b"retainer/fingerprint/1\x00" + secret.encode()).hexdigest()[:32]


async def check_key(database: Database, secrets: tuple[str, ...], *, register: bool = True) -> None:
    """Compare the given secret keys with those that the database knows, and make the first of them known.

    The first key seals, so it must be known, or come in beside a known one (a rotation). On a database that knows
    none yet, what is stored must open. Raises `WrongSecretKey`. ``register=False`` writes nothing.
    """
    fingerprints = [fingerprint(secret) for secret in secrets]
    async with database.bare() as connection:
        first = (await connection.execute(select(s.secret_key.c.fingerprint).limit(1))).first()
    if first is None and not await _opens(database, Cipher(*secrets)):
        raise WrongSecretKey(_WRONG)
    async with database.installing() as connection:
        await connection.execute(_LOCK)
        known = set((await connection.execute(select(s.secret_key.c.fingerprint))).scalars())
        if known - set(fingerprints):
            raise WrongSecretKey(_WRONG)
        if register and fingerprints[0] not in known:
            await connection.execute(insert(s.secret_key).values(fingerprint=fingerprints[0]))


_WRONG: Final = (
    "what this database stores was sealed with another secret key: set RETAINER_SECRET_KEY to that key (the file"
    " `secret-key` of the data folder used before), or, while you change keys, RETAINER_SECRET_KEY_SECOND"
)


async def _opens(database: Database, cipher: Cipher) -> bool:
    """Whether every stored secret opens."""
    for tenant_id in await database.tenant_ids():
        async with database.transaction(tenant_id, validate_only=True) as tx:
            try:
                await _reseal(tx, cipher, write=False)
            except SealBroken:
                return False
    return True


async def reseal(database: Database, secrets: tuple[str, ...]) -> int:
    """Seal everything stored with the first secret key, and forget the others. How many secrets there are.

    May run while the service runs, if that too has both keys. Raises `SealBroken` for what none of them opens.
    """
    cipher, count = Cipher(*secrets), 0
    for tenant_id in await database.tenant_ids():
        count += await database.run(tenant_id, lambda tx: _reseal(tx, cipher), actor="command line")
    async with database.installing() as connection:
        await connection.execute(_LOCK)
        mine = fingerprint(secrets[0])
        await connection.execute(insert(s.secret_key).values(fingerprint=mine).on_conflict_do_nothing())
        await connection.execute(delete(s.secret_key).where(s.secret_key.c.fingerprint != mine))
    return count


async def _reseal(tx: Tx, cipher: Cipher, *, write: bool = True) -> int:
    """Open each of a tenant's secrets and, unless only looking, seal it again."""
    count = 0
    for table, key, prefix, columns in (
        (s.inbound_source, "name", "source", ("sealed",)),
        (s.webhook_endpoint, "endpoint_id", "endpoint", ("secret", "previous_secret")),
    ):
        of_tenant = table.c.tenant_id == tx.tenant_id
        sealed_rows = select(table.c[key], *(table.c[name] for name in columns)).where(of_tenant).order_by(table.c[key])
        for row in await tx.rows(sealed_rows.with_for_update() if write else sealed_rows):
            subject = f"{prefix}/{row[0]}"
            changed = {}
            for name, sealed in zip(columns, row[1:], strict=True):
                if not sealed:
                    continue
                plain = cipher.open(sealed, tenant_id=tx.tenant_id, subject=subject)
                changed[name] = cipher.seal(plain, tenant_id=tx.tenant_id, subject=subject)
            count += len(changed)
            if write and changed:
                await tx.execute(update(table).where(of_tenant, table.c[key] == row[0]).values(**changed))
    return count
