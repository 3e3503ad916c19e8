"""Make the routes of the table of operations: a request becomes a call, its answer a response."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.background import BackgroundTask
from starlette.routing import Match
from starlette.types import Scope

from app.api import paging as pages
from app.api.auth import Principal
from app.api.deps import authenticate, house
from app.api.headers import conditions_of
from app.api.operations.acting import agent_of
from app.api.operations.call import Answer, Call, Raw, answer_of, checked_key
from app.api.operations.table import Operation
from app.api.paging import PageQuery, path_of, query_of
from app.api.problems import FieldError, Problem, problems
from app.api.published import has_already, packed
from app.api.reply import Reply
from app.api.strict import check_path, check_query, take_body

_NOBODY: Final = Principal("key", None, "nobody", frozenset())
"""Who calls an operation that needs no key."""
_JSON: Final = "application/json"
_NO_MATCH: Final[tuple[Match, Scope]] = (Match.NONE, {})
_NOTHING: Final[Mapping[str, Any]] = {}
_REPLAYED: Final = {"Idempotent-Replayed": "true"}


def routes_of(operations: Iterable[Operation]) -> list[APIRoute]:
    """Return the routes of a noun's operations, in their order."""
    return [BoundRoute(operation) for operation in operations]


class BoundRoute(APIRoute):
    """The route of an operation. FastAPI publishes it; what is sent is read by the operation's own arguments."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._beginning = operation.path.partition("{")[0]
        self._slashes = None if ":path}" in operation.path else operation.path.count("/")
        super().__init__(
            operation.path,
            _published(operation),
            methods=[operation.method],
            operation_id=operation.id,
            status_code=operation.status,
            tags=[operation.tag],
            responses=None if operation.refusals is None else problems(*operation.refusals, body=not operation.reads),
            response_model=None,
            openapi_extra=None if operation.raw is None else {"requestBody": dict(operation.raw)},
            response_class=JSONResponse if operation.media is None else _text(operation.media),
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is this operation's. First words and number of parts come first: they cost least."""
        path = scope["path"]
        alike = path.startswith(self._beginning) and self._slashes in (None, path.count("/"))
        return super().matches(scope) if alike else _NO_MATCH

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return what serves a request."""
        operation, arguments = self.operation, self.operation.arguments
        writes, has_body = not operation.reads, arguments.body is not None
        parameters = (*arguments.asked, *arguments.page)
        many = frozenset(parameter.alias for parameter in parameters if parameter.many)
        known = frozenset(parameter.alias for parameter in parameters) | ({"validate_only"} if writes else frozenset())
        path_format, raw = self.path_format, operation.raw is not None

        async def handle(request: Request) -> Response:
            scope = request.scope
            scope["retainer.route"] = path_format
            scope["retainer.operation"] = operation.id
            if not raw:
                check_path(request)
                check_query(scope.get("query_string", b""), known, many)
            principal = None
            if operation.command:
                principal = await authenticate(request)
            if writes:
                await take_body(request, limit=operation.limit, raw=raw, has_body=has_body)
            if principal is None:
                principal = _NOBODY if operation.access.open else await authenticate(request)
            return _response(operation, request, await _call(operation, request, principal, many))

        return handle


async def _call(operation: Operation, request: Request, principal: Principal, many: frozenset[str]) -> Answer[Any]:
    path, query, validating = request.path_params, _NOTHING, False
    if request.scope.get("query_string"):
        sent = request.query_params
        query = {name: sent.getlist(name) if name in many else sent[name] for name in sent}
        validating = validate_only(query)
    tenant_id = operation.access.admit(principal, path, query, reads=operation.reads)
    rooms, scope = house(request), request.scope
    writes = not operation.reads
    keys = request.headers.getlist("idempotency-key") if writes else ()
    if operation.command:
        checked_key(keys)
    arguments = operation.arguments
    read = arguments.read(path, query, request._json if writes and arguments.body is not None else None)
    call = Call(
        operation=operation,
        principal=principal,
        tenant_id=tenant_id,
        rooms=rooms,
        database=rooms.database,
        balances=rooms.balances,
        path=path,
        query=query,
        keys=keys,
        validate_only=validating,
        ids={parameter.name: read.values[parameter.name] for parameter in arguments.path},
    )
    if operation.raw is not None:
        call.sent = Raw({name.lower(): value for name, value in request.headers.items()}, await request.body())
    if operation.conditional:
        call.conditions = conditions_of(request)
    if read.limit is not None:
        call.page_query = PageQuery(read.limit, read.cursor, path_of(request), query_of(request), read.narrowed)
    if (figures := scope.get("retainer.figures")) is not None:
        call.on_replay = figures.replays.inc
    call.agent = agent_of(read.values.get("body"))
    return answer_of(operation, await operation.perform(call, **read.values))


def validate_only(query: Mapping[str, Any]) -> bool:
    """Read ``?validate_only=true``; 422 for anything but true and false."""
    value = query.get("validate_only", "false")
    if value not in ("true", "false"):
        wrong = FieldError("/validate_only", "not_a_boolean", "true or false is wanted.", "query")
        raise Problem("invalid_input", errors=[wrong])
    return bool(value == "true")


def _response(operation: Operation, request: Request, answer: Answer[Any]) -> Response:
    headers = {**answer.headers, **_REPLAYED} if answer.replayed else dict(answer.headers)
    if answer.versioned and operation.reads and has_already(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    made = _made(operation, request, answer, headers)
    return packed(request, made) if operation.reads and headers.get("Cache-Control") != "no-store" else made


def _made(operation: Operation, request: Request, answer: Answer[Any], headers: dict[str, str]) -> Response:
    if answer.lines is not None:
        return StreamingResponse(answer.lines, status_code=answer.status, media_type=operation.media, headers=headers)
    if operation.media is not None:
        return _text(operation.media)(answer.view, status_code=answer.status, headers=headers)
    if answer.text is not None:
        media, text = answer.text
        return Response(text, status_code=answer.status, media_type=media, headers=headers)
    if answer.encoded is not None:
        return Response(answer.encoded, status_code=answer.status, media_type=_JSON, headers=headers)
    reply = Reply(answer.view, status_code=answer.status, headers=headers)
    if answer.after is not None:
        reply.background = BackgroundTask(answer.after)
    return reply


@functools.cache
def _text(media: str) -> type[Response]:
    """Return the kind of response that is text of this media type."""
    return type("Text", (Response,), {"media_type": media})


def _published(operation: Operation) -> Callable[..., Any]:
    """Return a function with the operation's name, words and parameters, for FastAPI to publish."""

    async def endpoint(**values: Any) -> Response:
        raise NotImplementedError

    parameters = list(operation.arguments.signature.parameters.values())
    page = {None: None, "pages": pages.Paging, "short": pages.ShortPaging}[operation.paging]
    if page is not None:
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters.insert(0, inspect.Parameter("page", kind, annotation=page))
    endpoint.__name__ = operation.perform.__name__
    endpoint.__doc__ = operation.about
    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return endpoint
