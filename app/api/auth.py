"""Bearer token -> principal: the operator's key, a tenant's key, or a customer's token.

Form and checksum are looked at first, so that noise never reaches the database. Then one statement says who calls, by
the directory and the key's row. The answer is kept for less than a second: a revoked key stops within a second, without
a question on every call (decision 0016).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from app.api.problems import Problem
from app.usecases.commands import Database
from app.usecases.tenants import keys, operator_sessions

CACHE_SECONDS: Final = 0.8
CACHED_KEYS_MAX: Final = 10_000
ALL: Final = "*"
PAGE_KINDS: Final = ("ss", "ct")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. ``actor`` is written beside what they do; ``customer_id`` (external) binds a customer token."""

    kind: Literal["operator", "key", "customer_token", "jwt", "session"]
    tenant_id: str | None
    actor: str
    scopes: frozenset[str]
    customer_id: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def acts(self) -> bool:
        """Whether a customer token may act for its customer, and not only read."""
        return self.kind == "customer_token" and self.options.get("may") == "act"

    def is_own(self, customer_id: object) -> bool:
        """Whether a customer token is of the customer of this name; the name before a merge is one too."""
        return customer_id is not None and customer_id in (self.customer_id, self.options.get("named"))

    def may(self, scope: str) -> bool:
        """Whether the scope is carried."""
        return self.kind != "operator" and (scope in self.scopes or ALL in self.scopes)


class TokenVerifier(Protocol):
    """Verifies a token of another issuer (`app.api.oidc`)."""

    async def verify(self, token: str, now: datetime) -> Principal | None:
        """The principal, or None."""


@dataclass(slots=True)
class _Cached:
    until: float
    found: asyncio.Future[tuple[str, dict[str, Any]] | None]


class Authenticator:
    """Turns bearer tokens into principals. ``operator_key`` may be any text."""

    def __init__(self, database: Database, operator_key: str | None, *, verifier: TokenVerifier | None = None) -> None:
        self._database = database
        self._operator = None if operator_key is None else hashlib.sha256(operator_key.encode()).digest()
        self._operator_key = operator_key
        self._verifier = verifier
        self._cached: dict[bytes, _Cached] = {}
        self.last_used: dict[str, dict[str, datetime]] = {}
        """Tenant -> key id -> when; drained now and then, so that reading writes nothing."""

    async def principal(self, header: str | None, now: datetime) -> Principal:
        """The principal of an ``Authorization`` header. Raises 401 ``unauthorized`` without saying which is wrong."""
        scheme, _, token = (header or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > 8192 or not token.isascii():
            raise refused()
        digest = hashlib.sha256(token.encode()).digest()
        if self._operator is not None and hmac.compare_digest(digest, self._operator):
            return Principal("operator", None, "operator", frozenset())
        if keys.well_formed(token):
            return self._live(await self._look_up(digest), now)
        if self._verifier is not None and token.count(".") == 2:
            found = await self._verifier.verify(token, now)
            if found is not None:
                return found
        raise refused()

    async def of_page(self, token: str, now: datetime) -> Principal:
        """The principal of a page's session, the operator's too, or of a customer's token. 401 ``unauthorized``."""
        if operator_sessions.is_session(token):
            return await self._of_operator(token, now)
        if not keys.well_formed(token, PAGE_KINDS):
            raise refused()
        found = await self._look_up(keys.digest_of(token))
        if found is not None and found[1]["kind"] not in ("session", "customer_token"):
            raise refused()
        return self._live(found, now)

    async def _of_operator(self, session: str, now: datetime) -> Principal:
        """The operator, by a session of a page's; it is looked up each time, so that it ends at once."""
        key = self._operator_key
        if key is None or not await operator_sessions.is_live(self._database, key, session, now=now):
            raise refused()
        return Principal("operator", None, "operator", frozenset())

    def _live(self, found: tuple[str, dict[str, Any]] | None, now: datetime) -> Principal:
        if found is None:
            raise refused()
        tenant_id, row = found
        if row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= now):
            raise refused()
        if row["kind"] == "customer_token" and row["customer_id"] is None:
            raise refused()
        if row["suspended"]:
            raise Problem("tenant_suspended")
        if row["moved_to"] is not None:
            raise moved(row["moved_to"])
        self.last_used.setdefault(tenant_id, {})[row["key_id"]] = now
        return Principal(
            row["kind"], tenant_id, row["key_id"], frozenset(row["scopes"]), row["customer_id"], row["options"]
        )

    async def _look_up(self, digest: bytes) -> tuple[str, dict[str, Any]] | None:
        moment = time.monotonic()
        cached = self._cached.get(digest)
        if cached is not None and moment < cached.until:
            return await asyncio.shield(cached.found)
        if len(self._cached) >= CACHED_KEYS_MAX:
            self._cached.clear()
        future: asyncio.Future[tuple[str, dict[str, Any]] | None] = asyncio.get_running_loop().create_future()
        # The time counts from before the question, so that an answer is never older than it says.
        self._cached[digest] = _Cached(moment + CACHE_SECONDS, future)
        try:
            found = await keys.find_at_door(self._database, digest)
        except BaseException as error:
            self._cached.pop(digest, None)
            if not future.done():
                # Those who wait ask again through their own request; a cancelled one must not cancel them.
                future.set_exception(error if isinstance(error, Exception) else Problem("busy"))
                future.exception()
            raise
        if found is None:
            self._cached.pop(digest, None)
        future.set_result(found)
        return found

    def forget(self) -> None:
        """Drops what is kept, after a change made by this process."""
        self._cached.clear()


def moved(address: str) -> Problem:
    """421 for all calls of a tenant that lives elsewhere."""
    return Problem("tenant_moved", address=address)


def refused() -> Problem:
    """401, always the same."""
    return Problem("unauthorized", headers={"WWW-Authenticate": 'Bearer realm="retainer"'})
