"""Sign people in at the configured issuer: OpenID Connect's code flow with state, nonce and PKCE."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.connectors.jwks import BYTES_MAX, TIMEOUT_SECONDS, SigningKeys
from app.usecases.tenants.issuer import ALGORITHMS, LEEWAY_SECONDS

METADATA_SECONDS: Final = 600.0
SCOPE: Final = "openid profile email"
_log = logging.getLogger("retainer.oidc")


class CodeFlow:
    """Implements `app.api.state.CodeFlow`."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        keys: SigningKeys,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._keys = keys
        self._transport = transport
        self._clock = clock
        self._metadata: tuple[float, dict[str, Any]] | None = None

    async def begin(self, return_to: str) -> tuple[str, dict[str, str]] | None:
        """Return the issuer's address to go to, and what `finish` must be shown again; None: it cannot be reached."""
        metadata = await self._described()
        if metadata is None:
            return None
        begun = {"nonce": secrets.token_urlsafe(24), "verifier": secrets.token_urlsafe(48)}
        async with self._client(return_to) as client:
            address, state = client.create_authorization_url(
                metadata["authorization_endpoint"],
                nonce=begun["nonce"],
                code_challenge=create_s256_code_challenge(begun["verifier"]),
                code_challenge_method="S256",
            )
        return str(address), {**begun, "state": str(state)}

    async def finish(self, return_to: str, code: str, begun: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the claims of whoever came back with a code; None where anything does not hold."""
        metadata = await self._described()
        if metadata is None:
            return None
        try:
            async with self._client(return_to) as client:
                found = await client.fetch_token(
                    metadata["token_endpoint"],
                    code=code,
                    code_verifier=begun["verifier"],
                    grant_type="authorization_code",
                )
        except (OAuthError, httpx2.HTTPError, ValueError) as error:
            _log.warning("the issuer gave no token: %s", type(error).__name__)
            return None
        token = found.get("id_token")
        return await self._claims(token, begun["nonce"]) if isinstance(token, str) else None

    async def _claims(self, token: str, nonce: str) -> dict[str, Any] | None:
        for fresh in (False, True):
            keys = await self._keys.current(fresh=fresh)
            if keys is None:
                return None
            try:
                decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]
            except (JoseError, ValueError, TypeError, KeyError):
                continue
            return dict(decoded.claims) if self._holds(decoded.claims, nonce) else None
        return None

    def _holds(self, claims: Mapping[str, Any], nonce: str) -> bool:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            registry.validate(dict(claims))
        except (JoseError, ValueError, TypeError):
            return False
        audience = claims["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        return claims.get("azp", self._client_id) == self._client_id if several or "azp" in claims else True

    def _client(self, return_to: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self._client_id,
            client_secret=self._client_secret,
            scope=SCOPE,
            redirect_uri=return_to,
            token_endpoint_auth_method="none" if self._client_secret is None else "client_secret_basic",
            timeout=TIMEOUT_SECONDS,
            transport=self._transport,
        )

    async def _described(self) -> dict[str, Any] | None:
        """Return the issuer's own description; the old one while it cannot be reached."""
        if self._metadata is not None and self._clock() - self._metadata[0] < METADATA_SECONDS:
            return self._metadata[1]
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, transport=self._transport) as client:
                answer = await client.get(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
                answer.raise_for_status()
                found = answer.json() if len(answer.content) <= BYTES_MAX else {}
            if found["issuer"] != self._issuer or not all(
                str(found[name]).startswith(("https://", "http://"))
                for name in ("authorization_endpoint", "token_endpoint")
            ):
                raise ValueError("another issuer")
            self._metadata = (self._clock(), dict(found))
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            _log.warning("the issuer could not be asked: %s", type(error).__name__)
        return None if self._metadata is None else self._metadata[1]
