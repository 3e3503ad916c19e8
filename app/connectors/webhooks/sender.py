"""Sends one webhook by the letter of Standard Webhooks: signed, bounded in time and size, no redirects."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpcore
from standardwebhooks import Webhook

from app import __version__
from app.connectors.webhooks.address_guard import Resolve, default_tls, resolve
from app.connectors.webhooks.connections import Pools
from app.domain.events.webhook_address import TargetRefused, parse_target
from app.domain.events.webhook_retry import Attempt

TIMEOUT_SECONDS: Final = 20.0
CONNECT_SECONDS: Final = 10.0
MAX_PAYLOAD: Final = 20_000
"""Bytes; a body that would be larger says ``truncated`` and leaves the rest to ``GET /v1/events/{event_id}``."""
RESPONSE_CHARS_MAX: Final = 500
RESPONSE_READ: Final = 8192


def body_of(type_: str, timestamp: str, data: Mapping[str, Any], *, event_id: str) -> bytes:
    """The body: ``{"type", "timestamp", "data"}``, always below `MAX_PAYLOAD` bytes."""
    body = _encoded({"type": type_, "timestamp": timestamp, "data": dict(data)})
    if len(body) < MAX_PAYLOAD:
        return body
    named = {
        name: data[name]
        for name in ("customer_id", "sequence", "position", "ticket_id", "order_id", "state", "charge", "balance")
        if name in data
    }
    short = {"truncated": True, "event_id": event_id, **named}
    body = _encoded({"type": type_, "timestamp": timestamp, "data": short})
    if len(body) < MAX_PAYLOAD:
        return body
    return _encoded({"type": type_, "timestamp": timestamp, "data": {"truncated": True, "event_id": event_id}})


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def signed_headers(event_id: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers. The id is the event's and stays; the timestamp is this attempt's; one signature a secret."""
    moment = at.astimezone(UTC)
    signatures = [Webhook(secret).sign(event_id, moment, body.decode()) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@dataclass(slots=True)
class _Answer:
    """What has come of an answer so far."""

    status: int | None = None
    retry_after: str | None = None
    body: bytes = b""


class Sender:
    """Sends to receivers, over connections that are kept for a while. ``timeout``: seconds for the whole of one
    attempt."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout: float = TIMEOUT_SECONDS,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._timeout = timeout
        self._pools = Pools(tls or default_tls(), allow_private=allow_private, resolver=resolver)

    async def close(self) -> None:
        """Closes what is open."""
        await self._pools.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes, *, via: str = "") -> Attempt:
        """One attempt; never raises for what a receiver or a network does. ``via``: whose connections it may use; they
        are shared with nobody else."""
        began = time.monotonic()
        error: str | None = None
        answer = _Answer()
        try:
            async with asyncio.timeout(self._timeout):
                await self._post(url, headers, body, answer, via)
        except TimeoutError:
            error = f"no answer within {self._timeout:g} seconds"
        except TargetRefused as refused:
            error = f"refused: {refused}"
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as failed:
            error = _words(failed)
        except (OSError, ssl.SSLError, ValueError) as failed:
            error = _words(failed)
        # A status that came counts, whatever became of the rest of the answer.
        return Attempt(
            answer.status,
            error if answer.status is None else None,
            answer.retry_after,
            int((time.monotonic() - began) * 1000),
            _text(answer.body),
        )

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, answer: _Answer, via: str) -> None:
        target = parse_target(url, allow_private=self._allow_private)
        default = target.port == (443 if target.scheme == "https" else 80)
        host = f"[{target.host}]" if ":" in target.host else target.host
        sent = {
            "Host": host if default else f"{host}:{target.port}",
            "User-Agent": f"Retainer/{__version__}",
            "Content-Type": "application/json",
            "Accept": "*/*",
            "Content-Length": str(len(body)),
            **headers,
        }
        fresh = _Fresh()
        limits = {"connect": CONNECT_SECONDS, "read": self._timeout, "write": self._timeout, "pool": self._timeout}
        request = httpcore.Request(
            "POST",
            httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
            headers=[(name.encode(), value.encode()) for name, value in sent.items()],
            content=body,
            extensions={"timeout": limits, "trace": fresh.see},
        )
        async with self._pools.of(via) as pool:
            try:
                await _exchange(pool, request, answer)
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                # A kept connection may have been closed by the receiver just now: that is no answer of its.
                if fresh.connected or answer.status is not None:
                    raise
                await _exchange(pool, request, answer)


@dataclass(slots=True)
class _Fresh:
    """Whether a request opened a connection of its own."""

    connected: bool = False

    async def see(self, name: str, info: Mapping[str, Any]) -> None:
        """What httpcore tells of a request's steps."""
        if name == "connection.connect_tcp.started":
            self.connected = True


async def _exchange(pool: httpcore.AsyncConnectionPool, request: httpcore.Request, answer: _Answer) -> None:
    """Sends a request, and reads as much of its answer as is kept."""
    response = await pool.handle_async_request(request)
    try:
        answer.status = response.status
        for name, value in response.headers:
            if name.lower() == b"retry-after":
                answer.retry_after = value.decode("latin-1")[:100].replace("\x00", "")
        async for part in response.aiter_stream():
            answer.body += part
            if len(answer.body) >= RESPONSE_READ:
                break
    finally:
        await response.aclose()


def _words(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return f"{type(error).__name__}: {text}"[:200].replace("\x00", "")


def _text(answer: bytes) -> str:
    return answer.decode("utf-8", "replace").replace("\x00", "\ufffd")[:RESPONSE_CHARS_MAX]
