"""The signing keys of a configured issuer: from its address or a file, kept, and kept on when it cannot be reached."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

CACHE_SECONDS: Final = 600.0
AGAIN_SECONDS: Final = 30.0
"""At most this often are keys asked for again, whatever key ids callers make up."""
TIMEOUT_SECONDS: Final = 5.0
BYTES_MAX: Final = 256 * 1024
_log = logging.getLogger("retainer.oidc")


class SigningKeys:
    """``place``: an address or a file of a JWK set; None: found through the issuer's discovery document."""

    def __init__(
        self,
        issuer: str,
        place: str | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._issuer = issuer
        self._place = place
        self._clock = clock
        self._transport = transport
        self._found: dict[str, Any] | None = None
        self._at = float("-inf")
        self._lock = asyncio.Lock()

    async def current(self, *, fresh: bool = False) -> dict[str, Any] | None:
        """The JWK set; ``fresh`` after an unknown key id. The old one while the issuer cannot be reached; or None."""
        age = self._clock() - self._at
        if age < (AGAIN_SECONDS if fresh or self._found is None else CACHE_SECONDS):
            return self._found
        async with self._lock:
            if self._clock() - self._at >= age:
                self._at = self._clock()
                try:
                    self._found = await self._load()
                except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
                    _log.warning("the issuer's keys could not be had: %s", type(error).__name__)
            return self._found

    async def _load(self) -> dict[str, Any]:
        if self._place is not None and "://" not in self._place:
            found = json.loads(await asyncio.to_thread(Path(self._place).read_bytes))
        else:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, transport=self._transport) as client:
                address = self._place or await self._discovered(client)
                found = await _json(client, address)
        if not isinstance(found.get("keys"), list):
            raise ValueError("not a JWK set")
        return dict(found)

    async def _discovered(self, client: httpx.AsyncClient) -> str:
        document = await _json(client, self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        if document.get("issuer") != self._issuer:
            raise ValueError("the discovery document names another issuer")
        return str(document["jwks_uri"])


async def _json(client: httpx.AsyncClient, address: str) -> Any:
    answer = await client.get(address, follow_redirects=False)
    answer.raise_for_status()
    if len(answer.content) > BYTES_MAX:
        raise ValueError("too large")
    return answer.json()
