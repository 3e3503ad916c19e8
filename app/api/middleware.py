"""Round every request: its id, language, line in the log, time, security headers, and a last net under faults."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.languages import DEFAULT, accepted, speaking
from app.api.observability import Figures
from app.api.problems import problem

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")
_log = logging.getLogger("retainer.http")

SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""Answers may hold balances and names: nobody keeps them, nobody frames them. A page sets its own policy."""


def cross_origin(origins: Sequence[str]) -> dict[str, Any]:
    """What pages of these origins may send and read from a browser (`RETAINER_CORS_ORIGINS`).

    Callers say who they are by a token in a header, never by a cookie, so credentials are never allowed. It stands
    around `Edge`: a page may read the problem that a fault became, too.
    """
    return {
        "allow_origins": list(origins),
        "allow_methods": ["GET", "HEAD", "POST", "PUT", "DELETE"],
        "allow_headers": [
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "Mcp-Method",
            "Mcp-Name",
            "Mcp-Protocol-Version",
            "Mcp-Session-Id",
            "Retainer-Cost",
            "X-Request-ID",
        ],
        "expose_headers": [
            "Deprecation",
            "ETag",
            "Idempotent-Replayed",
            "Link",
            "Location",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "Sunset",
            "WWW-Authenticate",
            "X-Request-ID",
        ],
        "allow_credentials": False,
        "max_age": 600,
    }


class Edge:
    """Pure ASGI, so that it costs little and holds nothing back."""

    def __init__(self, app: ASGIApp, *, figures: Figures) -> None:
        self._app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with speaking(_language_of(scope)):
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request_id = _id_of(scope)
        scope["retainer.request_id"] = request_id
        scope["retainer.figures"] = self._figures
        traced = "fastapi.telemetry" in scope
        if traced:
            _veil("redacted")
        status = 0
        inner = scope
        if head := scope["method"] == "HEAD":  # the answer of a GET without its body, on every path that has one
            inner = {**scope, "method": "GET"}

        async def answer(message: Message) -> None:
            nonlocal status
            if head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            if message["type"] == "http.response.start":
                status = message["status"]
                if traced:
                    _veil(_route_of(inner))
                message["headers"] = _with_headers(scope, message.get("headers", ()), request_id)
            await send(message)

        self._figures.in_flight.inc()
        try:
            if _names_its_host(scope):
                await self._app(inner, receive, answer)
            else:
                await problem(
                    "malformed_request", "A request names its host in exactly one Host header.", request_id=request_id
                )(scope, receive, answer)
        except Exception:
            # Nothing of a fault leaves the house but the id under which it is logged.
            _log.exception("fault", extra={"request_id": request_id})
            if status:
                raise
            scope["retainer.code"] = "internal_error"
            await problem("internal_error", request_id=request_id)(scope, receive, answer)
        finally:
            self._figures.in_flight.dec()
            if head:
                scope.update({name: value for name, value in inner.items() if name != "method"})
            self._note(scope, status, time.perf_counter() - began, request_id)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = _route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        self._figures.duration.labels(method, route, str(status)).observe(seconds)
        code = scope.get("retainer.code")
        if code is not None:
            self._figures.refusals.labels(code).inc()
        if not _log.isEnabledFor(logging.INFO):
            return
        principal = scope.get("retainer.principal")
        fields: dict[str, Any] = {
            "request_id": request_id,
            "method": method,
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        if principal is not None:
            fields["tenant"], fields["actor"] = principal.tenant_id, principal.actor
        if code is not None:
            fields["code"] = code
        if "fastapi.telemetry" in scope:
            fields["trace_id"] = f"{trace.get_current_span().get_span_context().trace_id:032x}"
        _log.info("request", extra=fields)


def _language_of(scope: Scope) -> str:
    """Return the language of refusals; English without the header. Several headers are one list (RFC 9110, 5.3)."""
    found = [value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"]
    return accepted(",".join(found)) if found else DEFAULT


def _names_its_host(scope: Scope) -> bool:
    """Whether there is one Host header, as RFC 9112 wants of a request of HTTP/1.1 (an older one may have none)."""
    named = sum(name == b"host" for name, _ in scope["headers"])
    return named == 1 or (named == 0 and scope.get("http_version") != "1.1")


_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _route_of(scope: Scope) -> str:
    """The path as published, without anybody's ids."""
    return str(scope.get("retainer.route") or getattr(scope.get("route"), "path", None) or "unknown")


def _veil(path: str) -> None:
    """What FastAPI puts into the request's span holds ids of customers, and of a delivery the secret in its path."""
    span = trace.get_current_span()
    span.set_attribute("url.path", path)
    span.set_attribute("url.query", "redacted")


def _id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.match(value):
            return str(value, "ascii")
    return secrets.token_hex(8)


def _with_headers(scope: Scope, answered: Any, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = list(answered)
    names = {name.lower() for name, _ in headers}
    if scope.get("retainer.framed"):  # its own policy names who may frame it, which the older header cannot
        names.add(b"x-frame-options")
    headers += [(name, value) for name, value in SECURITY_HEADERS if name not in names]
    headers.append((b"x-request-id", request_id.encode("ascii")))
    headers += scope.get("retainer.headers", ())
    return headers
