"""Connecting to a webhook's receiver: its name is resolved here, judged here, and the address judged is the one used.

So nothing can change between the check and the connection (DNS rebinding), while TLS and the Host header keep the name.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import httpcore

from app.domain.events.webhook_address import Address, TargetRefused, refusal_of

Resolve = Callable[[str, int], Awaitable[list[Address]]]
MAX_ADDRESSES: Final = 8
OPEN_SECONDS: Final = 60.0
"""After which a connection is not used again: its name is resolved and judged anew."""


@functools.cache
def default_tls() -> ssl.SSLContext:
    """The certificates of the machine. They take megabytes, so a process reads them once."""
    return ssl.create_default_context()


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, by the machine's resolver. Raises OSError when there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses: dict[str, Address] = {}
    for *_, where in found:
        text = str(where[0])
        addresses.setdefault(text, ipaddress.ip_address(text.partition("%")[0]))
    return list(addresses.values())[:MAX_ADDRESSES]


def usable(addresses: Iterable[Address], *, allow_private: bool) -> list[Address]:
    """The addresses, if every one of them may be used. Raises `TargetRefused` when one may not: a name that leads to a
    public and a private address alike is not to be trusted."""
    judged = list(addresses)
    for address in judged:
        if (why := refusal_of(address, allow_private=allow_private)) is not None:
            raise TargetRefused(why)
    return judged


class Aging(httpcore.AsyncNetworkStream):
    """A connection that is not used again once it is old, so that a name which leads elsewhere by now is followed.

    It stays with the address that was judged when it was opened, wherever the name leads meanwhile.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream, born: float | None = None) -> None:
        self._inner = inner
        self._born = time.monotonic() if born is None else born

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Reads."""
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Writes."""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Closes."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, encrypted."""
        return Aging(await self._inner.start_tls(ssl_context, server_hostname, timeout), self._born)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks. An idle connection that is readable counts as closed: so does an old one."""
        if info == "is_readable" and time.monotonic() - self._born > OPEN_SECONDS:
            return True
        return self._inner.get_extra_info(info)


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's network, but for the resolving: every connection goes to an address that was judged."""

    def __init__(self, *, allow_private: bool, resolver: Resolve = resolve) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allow_private = allow_private
        self._resolve = resolver

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to the first address that answers. Raises `TargetRefused` or a connection error."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error
        last: Exception | None = None
        for address in usable(found, allow_private=self._allow_private):
            try:
                return Aging(
                    await self._inner.connect_tcp(
                        str(address), port, timeout=timeout, local_address=local_address, socket_options=socket_options
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise TargetRefused("Not a network address.")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._inner.sleep(seconds)
