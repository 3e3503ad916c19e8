"""Access tokens of a configured issuer: verified only, never issued.

The algorithm comes from our list, and the key from the configured issuer alone. Issuer, audience and times are checked.
An identity token is no access token. Claims: ``tenant_id``, ``scope`` (words of the published scopes), ``sub``.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.api.auth import Principal
from app.api.problems import Problem
from app.domain.values.errors import DomainError
from app.usecases.commands import Database
from app.usecases.tenants import tenants
from app.usecases.tenants.issuer import ALGORITHMS, LEEWAY_SECONDS
from app.usecases.tenants.keys import SCOPES

CACHE_SECONDS: Final = 0.8
_ACCESS_TYPES: Final = {"at+jwt", "application/at+jwt"}
_IDENTITY_CLAIMS: Final = {"nonce", "at_hash", "c_hash"}


class KeySource(Protocol):
    """Where the issuer's keys come from (`app.connectors.jwks`)."""

    async def current(self, *, fresh: bool = False) -> dict[str, Any] | None:
        """The JWK set."""


class Verifier:
    """Implements `app.api.auth.TokenVerifier`."""

    def __init__(self, issuer: str, audiences: Sequence[str], keys: KeySource, database: Database) -> None:
        if not audiences:
            raise ValueError("RETAINER_OIDC_AUDIENCE must be set with RETAINER_OIDC_ISSUER")
        self._issuer = issuer
        self._audiences = list(audiences)
        self._keys = keys
        self._database = database
        self._suspended: dict[str, tuple[float, bool]] = {}

    async def verify(self, token: str, now: datetime) -> Principal | None:
        """Return the principal of a token that holds in every respect, else None. The answer is 403 when its tenant is
        suspended, and 503 while the issuer's keys cannot be had.
        """
        if not self._says_issuer(token):
            return None
        decoded = await self._decoded(token)
        if decoded is None or not self._holds(decoded, now):
            return None
        claims = decoded.claims
        tenant_id, subject = claims.get("tenant_id"), claims.get("sub")
        if not isinstance(tenant_id, str) or not isinstance(subject, str) or not 0 < len(tenant_id) <= 100:
            return None
        suspended = await self._is_suspended(tenant_id)
        if suspended is None:
            return None
        if suspended:
            raise Problem("tenant_suspended")
        words = claims.get("scope", "")
        carried = frozenset(words.split() if isinstance(words, str) else ()) & frozenset(SCOPES)
        return Principal("jwt", tenant_id, f"jwt:{subject[:200]}", carried)

    def _says_issuer(self, token: str) -> bool:
        """Whether the token claims, unproven, to be the issuer's: for no other are keys asked for."""
        part = token.split(".")[1]
        try:
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except (ValueError, RecursionError):
            return False
        return isinstance(claims, dict) and claims.get("iss") == self._issuer

    async def _decoded(self, token: str) -> jwt.Token | None:
        for fresh in (False, True):
            found = await self._keys.current(fresh=fresh)
            if found is None:
                # The token may be good: a caller who is told 401 would throw it away.
                words = "The keys of the tokens' issuer cannot be had."
                raise Problem("unavailable", words, headers={"Retry-After": "1"})
            try:
                return jwt.decode(token, KeySet.import_key_set(found), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]
            except (JoseError, ValueError, TypeError, KeyError):
                continue
        return None

    def _holds(self, decoded: jwt.Token, now: datetime) -> bool:
        kind = str(decoded.header.get("typ", "JWT")).lower()
        if kind not in _ACCESS_TYPES and (kind != "jwt" or _IDENTITY_CLAIMS & set(decoded.claims)):
            return False
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "values": self._audiences},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(decoded.claims)
        except (JoseError, ValueError, TypeError):
            return False
        return True

    async def _is_suspended(self, tenant_id: str) -> bool | None:
        """None when there is no such tenant; an answer is kept for less than a second."""
        moment = time.monotonic()
        cached = self._suspended.get(tenant_id)
        if cached is not None and moment < cached[0]:
            return cached[1]
        try:
            view = await self._database.read(tenant_id, tenants.get)
        except DomainError as error:
            if error.code != "tenant_not_found":  # it moves, or has moved
                raise
            return None
        if len(self._suspended) > 10_000:
            self._suspended.clear()
        self._suspended[tenant_id] = (moment + CACHE_SECONDS, bool(view["suspended"]))
        return bool(view["suspended"])
