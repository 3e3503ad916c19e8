"""httpx over connections that go only to addresses that were judged; see `app.connectors.webhooks.address_guard`."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpcore
import httpx

from app.connectors.webhooks.address_guard import PinnedBackend, Resolve, default_tls, resolve

_ERRORS: Final[tuple[tuple[type[Exception], type[httpx.TransportError]], ...]] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.TimeoutException, httpx.ReadTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.NetworkError, httpx.ReadError),
    (httpcore.ProtocolError, httpx.RemoteProtocolError),
)


class PinnedTransport(httpx.AsyncBaseTransport):
    """Resolves a host, judges what it found and connects to that very address. Raises `TargetRefused` otherwise."""

    def __init__(self, *, allow_private: bool, resolver: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or default_tls(),
            network_backend=PinnedBackend(allow_private=allow_private, resolver=resolver),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, its answer to be read in pieces."""
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous client's
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        sent = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        with _counted_refusals():
            answer = await self._pool.handle_async_request(sent)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Closes what is open."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _counted_refusals():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


@contextmanager
def _counted_refusals() -> Iterator[None]:
    """httpcore's errors by httpx's names, which callers know."""
    try:
        yield
    except tuple(known for known, _ in _ERRORS) as error:
        found: Any = next(ours for known, ours in _ERRORS if isinstance(error, known))
        raise found(str(error)) from error
