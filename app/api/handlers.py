"""The one place where refusals and faults become REST answers."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from app.api.languages import language_headers
from app.api.problems import MEDIA_TYPE, Problem, body_of, body_of_error, problem
from app.api.reply import Reply
from app.api.strict import field_errors
from app.domain.values.errors import DomainError
from app.usecases.commands import Busy, Unavailable

_log = logging.getLogger("retainer")
RETRY_AFTER = "1"


def install(app: FastAPI) -> None:
    """Registers a handler for everything that can be raised."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _fault)


def _answer(request: Request, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    request_id = request.scope.get("retainer.request_id")
    if request_id is not None:
        body.setdefault("instance", f"urn:retainer:request:{request_id}")
    request.scope["retainer.code"] = body["code"]
    return Reply(
        body, status_code=body["status"], media_type=MEDIA_TYPE, headers={**(headers or {}), **language_headers()}
    )


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return _answer(request, body_of(error.code, error.detail, errors=error.errors, **error.extra), error.headers)


def _domain(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 - registered for it
    body = body_of_error(error)
    headers = {"Retry-After": RETRY_AFTER} if body["status"] in (429, 503) else None
    return _answer(request, body, headers)


def _unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unavailable)  # noqa: S101 - registered for it
    code = "outcome_unknown" if error.outcome_unknown else "busy" if isinstance(error, Busy) else "unavailable"
    _log.warning("unavailable", extra={"cause": error.cause})
    return _answer(request, body_of(code), {"Retry-After": RETRY_AFTER})


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    return _answer(request, body_of("invalid_input", errors=field_errors(error)))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    code = {404: "path_not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}.get(
        error.status_code, "malformed_request" if error.status_code < 500 else "internal_error"
    )
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return _answer(request, body_of(code), headers)


def _methods(request: Request) -> list[str]:
    """Every method of a path. The router itself names those of the first route alone, and each of ours has one.

    Where a path is written out (`/policies/validate`) it is not also a name (`/policies/{name}`).
    """
    found: dict[str, set[str]] = {}
    for route in request.app.router.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            path = getattr(route, "path", "")
            found.setdefault(path, set()).update(getattr(route, "methods", None) or ())
    methods = found[min(found, key=lambda path: path.count("{"))] if found else set()
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


def _fault(request: Request, error: Exception) -> Response:
    _log.error("fault", exc_info=error)
    return problem("internal_error", request_id=request.scope.get("retainer.request_id"))
