"""Where the service is to be found from outside: behind a prefix, a proxy, another name.

`RETAINER_PUBLIC_URL` says it once and for all. Without it, what named proxies say of a request counts. Nobody else's
headers do, since whoever calls may write them himself.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

_base: ContextVar[str] = ContextVar("retainer_base", default="")
_PREFIX: Final = b"x-forwarded-prefix"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def base() -> str:
    """Return what stands before a path of ours in the answer to this request; nothing where it is not known."""
    return _base.get()


def address(path: str) -> str:
    """Return a path of ours as the caller finds it."""
    return f"{_base.get()}{path}"


class Outside:
    """Pure ASGI: tells what is within how the request looked from outside."""

    def __init__(self, app: ASGIApp, *, public_url: str | None, proxies: Sequence[str]) -> None:
        self._app = app
        self._public = None if public_url is None else public_url.rstrip("/")
        self._proxies: tuple[Network, ...] = tuple(ipaddress.ip_network(name) for name in proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        forwarded = self._forwarded(scope)
        outside = self._public or forwarded
        if outside is None:
            await self._app(scope, receive, send)
            return
        root = urlsplit(outside).path
        if root:
            _strip(scope, root)
        token = _base.set(outside)
        try:
            await self._app(scope, receive, send)
        finally:
            _base.reset(token)

    def _forwarded(self, scope: Scope) -> str | None:
        """Take over what a named proxy says; return where it says that the service is."""
        if not self._is_proxy((scope.get("client") or ("",))[0]):
            return None
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name.startswith(b"x-forwarded")}
        hops = [hop.strip() for hop in headers.get(b"x-forwarded-for", "").split(",") if hop.strip()]
        callers = [hop for hop in hops if not self._is_proxy(hop)]
        if callers and _is_address(callers[-1]):
            scope["client"] = (callers[-1], 0)
        scheme = headers.get(b"x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        host = headers.get(b"x-forwarded-host", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            scope["scheme"] = scheme
        if not _is_host(host):
            return None
        scope["headers"] = [
            *((name, value) for name, value in scope["headers"] if name != b"host"),
            (b"host", host.encode("latin-1")),
        ]
        prefix = headers.get(_PREFIX, "").strip().rstrip("/")
        if not prefix.startswith("/") or not _is_plain(prefix):
            prefix = ""
        return f"{scope['scheme']}://{host}{prefix}"

    def _is_proxy(self, host: str) -> bool:
        if not self._proxies or not _is_address(host):
            return False
        found = ipaddress.ip_address(host)
        return any(found in network for network in self._proxies)


def _strip(scope: Scope, root: str) -> None:
    """Take the prefix off a path that still has it; a proxy may have done so."""
    scope["root_path"] = root
    path: str = scope["path"]
    if path == root or path.startswith(f"{root}/"):
        scope["path"] = path[len(root) :] or "/"
        raw: bytes = scope.get("raw_path") or path.encode()
        if raw.startswith(root.encode()):
            scope["raw_path"] = raw[len(root) :] or b"/"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    """Whether it is a name or an address, with a port or without."""
    return (
        0 < len(text) <= 255
        and all(character.isalnum() or character in ".-:[]" for character in text)
        and text.isascii()
    )


def _is_plain(text: str) -> bool:
    return (
        len(text) <= 200 and text.isascii() and all(character.isalnum() or character in "/-._~" for character in text)
    )
