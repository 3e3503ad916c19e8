"""What makes the client comfortable: keys before sending, retries, typed errors. See `Retainer` and `AsyncRetainer`."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from retainer_client.operations import CONTRACT, AsyncOperations, Operations

ATTEMPTS = 5
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0


class RetainerError(Exception):
    """A refusal: ``code`` says which, ``next_step`` what to do, and ``problem`` is all of the answer."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.code = str(problem.get("code", f"http_{status}"))
        self.detail = str(problem.get("detail", ""))
        self.next_step = str(problem.get("next_step", ""))
        self.reasons: list[dict[str, Any]] = list(problem.get("reasons", ()))
        self.remedies: list[dict[str, Any]] = list(problem.get("remedies", ()))
        self.errors: list[dict[str, Any]] = list(problem.get("errors", ()))
        super().__init__(f"{self.code}: {self.detail} {self.next_step}".strip())


class UnauthorizedError(RetainerError):
    """No key, or one that does not count (401)."""


class ForbiddenError(RetainerError):
    """The key lacks a scope (403)."""


class NotFoundError(RetainerError):
    """There is nothing of that id, or it is another tenant's (404)."""


class RefusedError(RetainerError):
    """RefusedError by policy, by state, for want of credits or by conflict (409, 412)."""


class InvalidError(RetainerError):
    """Wrong input: ``errors`` names each field (400, 413, 415, 422)."""


class TooManyError(RetainerError):
    """Too many calls (429)."""


class UnavailableError(RetainerError):
    """The service cannot answer now, or does not answer (5xx, or nothing at all)."""


_KINDS: dict[int, type[RetainerError]] = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: RefusedError,
    412: RefusedError,
    413: InvalidError,
    415: InvalidError,
    422: InvalidError,
    429: TooManyError,
}


def error_of(answer: httpx.Response) -> RetainerError:
    """The error of an answer."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {"detail": answer.text[:200]}
    kind = _KINDS.get(answer.status_code, UnavailableError if answer.status_code >= 500 else RetainerError)
    return kind(answer.status_code, problem if isinstance(problem, dict) else {})


def _silence(error: httpx.TransportError | None) -> UnavailableError:
    return UnavailableError(0, {"code": "no_answer", "detail": str(error) or type(error).__name__})


class _Request:
    """One call, however often it is sent: its key is made before the first time and stays."""

    def __init__(self, method: str, path: str, sent: Mapping[str, Any]) -> None:
        query = {name: value for name, value in (sent.get("query") or {}).items() if value is not None}
        self.method, self.path = method, path
        self.query = {name: _plain(value) for name, value in query.items()}
        self.body = sent.get("body")
        self.headers: dict[str, str] = {}
        if sent.get("keyed"):
            self.headers["Idempotency-Key"] = sent.get("key") or str(uuid.uuid4())
        if sent.get("if_match"):
            self.headers["If-Match"] = sent["if_match"]
        # A PUT has its own id, and a keyed POST its key: both may be sent again without doing it twice.
        self.repeatable = method in ("GET", "PUT", "DELETE") or bool(sent.get("keyed"))

    def arguments(self) -> dict[str, Any]:
        """What httpx is given."""
        body = {} if self.body is None and self.method in ("POST", "PUT", "PATCH") else self.body
        return {"params": self.query, "headers": self.headers, "json": body}

    def wait_after(self, answer: httpx.Response | None, attempt: int) -> float | None:
        """Seconds to wait before it is sent again; None: what came is the answer."""
        if attempt >= ATTEMPTS - 1:
            return None
        if answer is None:
            return _backoff(attempt) if self.repeatable else None
        in_flight = answer.status_code == 409 and b'"request_in_flight"' in answer.content
        if answer.status_code not in (429, 502, 503, 504) and not in_flight:
            return None
        if answer.status_code != 429 and not self.repeatable:
            return None
        return max(_said(answer), _backoff(attempt))


def _plain(value: Any) -> Any:
    return ("true" if value else "false") if isinstance(value, bool) else value


def _backoff(attempt: int) -> float:
    """Longer each time, by chance within it, so that callers do not come back together."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - it keeps callers apart, and no secret


def _said(answer: httpx.Response) -> float:
    """The seconds of ``Retry-After``."""
    try:
        return min(LONGEST_WAIT, max(0.0, float(answer.headers.get("retry-after", 0))))
    except ValueError:
        return 0.0


def _value(answer: httpx.Response) -> Any:
    if answer.status_code >= 400:
        raise error_of(answer)
    return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text


def _options(key: str, timeout: float) -> dict[str, Any]:
    return {
        "headers": {"Authorization": f"Bearer {key}", "User-Agent": f"retainer-client-python/{CONTRACT}"},
        "timeout": timeout,
    }


class Retainer(Operations):
    """The service, for programs that wait. Use it as a context manager, or `close` it."""

    def __init__(
        self, url: str, key: str, *, timeout: float = 30.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(base_url=url, transport=transport, **_options(key, timeout))

    def __enter__(self) -> Retainer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _send(self, method: str, path: str, **sent: Any) -> Any:
        request = _Request(method, path, sent)
        attempt = 0
        while True:
            answer, failed = None, None
            try:
                answer = self._http.request(method, path, **request.arguments())
            except httpx.TransportError as error:
                failed = error
            wait = request.wait_after(answer, attempt)
            if wait is None:
                if answer is None:
                    raise _silence(failed) from failed
                return _value(answer)
            time.sleep(wait)
            attempt += 1


class AsyncRetainer(AsyncOperations):
    """The service, for programs of asyncio. Use it as an async context manager, or `close` it."""

    def __init__(
        self, url: str, key: str, *, timeout: float = 30.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, transport=transport, **_options(key, timeout))

    async def __aenter__(self) -> AsyncRetainer:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _send(self, method: str, path: str, **sent: Any) -> Any:
        request = _Request(method, path, sent)
        attempt = 0
        while True:
            answer, failed = None, None
            try:
                answer = await self._http.request(method, path, **request.arguments())
            except httpx.TransportError as error:
                failed = error
            wait = request.wait_after(answer, attempt)
            if wait is None:
                if answer is None:
                    raise _silence(failed) from failed
                return _value(answer)
            await asyncio.sleep(wait)
            attempt += 1
