"""``/graphql``: GraphQL over HTTP to the letter, and GraphiQL for browsers.

POST with ``application/json``; GET for queries alone; answers as ``application/graphql-response+json`` or
``application/json``, as the caller accepts. No batching, no subscriptions, no sockets.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from typing import Any, Final, TypeGuard

from graphql import ExecutionResult, GraphQLError, GraphQLSyntaxError, OperationDefinitionNode, OperationType, execute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from app.api import deps
from app.api.auth import Principal
from app.api.graphql import graphiql, limits
from app.api.graphql.calls import Calls
from app.api.graphql.documents import Parsed, Remembered, Trusted, id_of, whole_id
from app.api.graphql.error_pointers import at_argument, place_of, places_of, wrong_value
from app.api.graphql.errors import formatted, problem_of
from app.api.graphql.plain import PlainFirst
from app.api.graphql.request import Asked, RequestError, read_request
from app.api.graphql.schema import Door
from app.api.problems import FieldError, Problem, body_of
from app.api.reply import Reply

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
_CHARSET: Final = "; charset=utf-8"
_METHODS: Final = "GET, HEAD, OPTIONS, POST"
COST_HEADER: Final = "Retainer-Cost"
"""A request with `Retainer-Cost: true` is told its cost, in ``extensions.cost``."""
PARTIAL: Final = 294
"""Data with errors, to callers of the newer media type, as the specification recommends."""


READING_SECONDS: Final = 20.0
"""A query holds a connection and a snapshot: no longer than this."""


class GraphQL:
    """The endpoint, as an ASGI application."""

    def __init__(self, door: Door, trusted: Trusted, cost_max: int, remembered: Remembered | None = None) -> None:
        self._door = door
        self._trusted = trusted
        self._cost_max = cost_max
        self._remembered = remembered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        request = Request(scope, receive)
        try:
            response = await self._serve(request)
        except ClientDisconnect:
            response = Response(status_code=400)
        await response(scope, receive, send)

    async def _serve(self, request: Request) -> Response:
        request.scope["retainer.route"] = "/graphql"
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": _METHODS})
        if request.method not in ("GET", "HEAD", "POST"):
            return self._refused(RequestError("method_not_allowed", headers={"Allow": _METHODS}), JSON, request)
        if request.method != "POST" and "query" not in request.query_params and _wants_page(request):
            return HTMLResponse(graphiql.PAGE, headers={"Content-Security-Policy": graphiql.CONTENT_POLICY})
        media = _accepted(request)
        if media is None:
            return self._refused(RequestError("not_acceptable"), JSON, request)
        try:
            return await self._answer(request, media)
        except RequestError as error:
            return self._refused(error, media, request)
        except Exception as error:  # noqa: BLE001 - every refusal and fault leaves by its code
            body = problem_of(error)
            headers = dict(error.headers) if isinstance(error, Problem) else {}
            if body["status"] in (429, 503):
                headers.setdefault("Retry-After", "1")
            extra = {
                name: value
                for name, value in body.items()
                if name not in ("type", "title", "status", "code", "detail", "next_step", "errors")
            }
            fields = list(error.errors) if isinstance(error, Problem) else []
            return self._refused(
                RequestError(body["code"], body["detail"], headers=headers, fields=fields, **extra), media, request
            )

    def _refused(self, error: RequestError, media: str, request: Request) -> Response:
        request.scope["retainer.code"] = error.code
        _name_request(error.body["errors"], request)
        status = 200 if error.lenient and media == JSON else error.status
        return Reply(error.body, status_code=status, media_type=media + _CHARSET, headers=error.headers)

    async def _answer(self, request: Request, media: str) -> Response:
        principal = await deps.authenticate(request)
        asked = await read_request(request)
        text = self._text(asked, principal)
        try:
            parsed = self._door.documents.read(text)
            limits.check_values(asked.variables)
            operation = _chosen(parsed, asked.operation_name)
            if asked.fault is not None:
                raise _misput(asked.fault, parsed)
            if request.method != "POST" and operation.operation is not OperationType.QUERY:
                raise RequestError("method_not_allowed", "A mutation is sent with POST.", headers={"Allow": "POST"})
            measured = limits.measure(
                self._door.weights,
                parsed.document,
                operation,
                asked.variables,
                parsed.measures,
                cost_max=self._cost_max,
            )
        except GraphQLSyntaxError as error:
            raise RequestError(
                "graphql_syntax", lenient=True, errors=[_error_of(error, "graphql_syntax", None)]
            ) from None
        except limits.LimitError as reached:
            raise _too_much(reached, lenient="_entities" in text) from None
        if measured.uses and not _may_introspect(principal, request):
            raise RequestError("introspection_refused")
        if wrong := self._door.documents.errors_of(parsed):
            found = [_error_of(error, "graphql_invalid", parsed) for error in wrong]
            raise RequestError(found[0]["extensions"]["code"], status=400, lenient=True, errors=found)
        return await self._execute(request, principal, asked, parsed, operation, media, measured)

    def _text(self, asked: Asked, principal: Principal) -> str:
        """The document that is meant: by its text, by its id, or by Apollo's `extensions.persistedQuery`."""
        mode = principal.options.get("documents", "off")
        named = asked.document_id or asked.hash
        if named is not None and asked.query is not None and id_of(asked.query) != whole_id(named):
            raise RequestError("malformed_request", "The hash is not that of `query`.")
        found = self._found(named or id_of(asked.query or ""), asked, principal, mode)
        if found is not None:
            return found
        if asked.query is not None and mode != "only":
            if asked.hash is not None and self._remembered is not None:
                self._remembered.keep(principal.tenant_id, asked.query)
            return asked.query
        if asked.query is None and asked.hash is not None:
            # As Apollo's own server says it, so that its clients send the text.
            code = "PERSISTED_QUERY_NOT_SUPPORTED" if self._remembered is None else "PERSISTED_QUERY_NOT_FOUND"
            raise RequestError(code, status=200)
        if mode in ("allow", "only") and named is not None and asked.query is None:
            raise RequestError("document_unknown")
        if mode == "only":
            raise RequestError("document_required")
        missing = "`query` is missing." if named is None else "This key runs no documents by their id."
        raise RequestError("malformed_request", missing)

    def _found(self, document_id: str, asked: Asked, principal: Principal, mode: str) -> str | None:
        """A document that is trusted or remembered. A client that sends the text of one says the same thing."""
        if mode in ("allow", "only"):
            found = self._trusted.find(document_id)
            if found is not None or mode == "only":
                return found
        if asked.query is None and asked.hash is not None and self._remembered is not None:
            return self._remembered.find(principal.tenant_id, asked.hash)
        return None

    async def _execute(
        self,
        request: Request,
        principal: Principal,
        asked: Asked,
        parsed: Parsed,
        operation: OperationDefinitionNode,
        media: str,
        measured: limits.Measure,
    ) -> Response:
        reading = operation.operation is OperationType.QUERY
        calls = Calls(
            request,
            principal,
            deps.house(request),
            self._door.operations,
            reading,
            size=asked.size,
            alone=measured.asks == 1,
        )
        try:
            if reading and parsed.feed:
                await calls.place_events()
            outcome = execute(
                self._door.core,
                parsed.document,
                context_value={"calls": calls},
                variable_values=asked.variables,
                operation_name=asked.operation_name,
                hide_suggestions=not _may_introspect(principal, request),
                is_awaitable=_is_awaitable,
                executor_class=PlainFirst,
                plans=parsed.plans,
            )
            if isinstance(outcome, ExecutionResult):
                result = outcome
            else:
                # A mutation that has begun is brought to its end, so that its outcome is known.
                async with asyncio.timeout(READING_SECONDS if reading else None):
                    result = await outcome
        except TimeoutError:
            raise RequestError(
                "busy", "The query took too long.", headers={"Retry-After": "1"}, lenient=parsed.referring
            ) from None
        finally:
            await calls.close()
        headers: dict[str, str] = {}
        if calls.replayed:
            headers["Idempotent-Replayed"] = "true"
        if calls.retry_after is not None:
            headers["Retry-After"] = calls.retry_after
        errors = result.errors or []
        if errors and result.data is None and not any(error.path for error in errors):
            raise RequestError(
                "invalid_input",
                status=400,
                lenient=True,
                headers=headers,
                errors=[_error_of(error, "invalid_input", parsed) for error in errors],
            )
        body: dict[str, Any] = {"data": result.data}
        if errors:
            body = {"errors": _name_request([formatted(error) for error in errors], request), **body}
            request.scope["retainer.code"] = body["errors"][0]["extensions"]["code"]
        if request.headers.get(COST_HEADER, "").strip().lower() in ("true", "1"):
            body["extensions"] = {"cost": {"found": measured.cost, "most": self._cost_max}}
        status = PARTIAL if errors and media == GRAPHQL_RESPONSE else 200
        return Reply(body, status_code=status, media_type=media + _CHARSET, headers=headers)


def _too_much(reached: limits.LimitError, *, lenient: bool) -> RequestError:
    """Return the refusal that names the limit, and for a cost the fields that cost most.

    ``lenient``: a gateway asks. It throws away what comes with another status than 200, our code as well.
    """
    words = f"The request goes over the limit of {reached.limit}: at most {reached.most}."
    reasons: dict[str, Any] = {"limit": reached.limit, "most": reached.most, "found": reached.found}
    if reached.parts:
        reasons["costs"] = [{"path": part.path, "cost": part.cost} for part in reached.parts]
        first = reached.parts[0]
        words = f"The request costs {reached.found}, at most {reached.most}; `{first.path}` costs {first.cost}."
    return RequestError("graphql_limit", words, lenient=lenient, **reasons)


def _name_request(errors: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """Says in each error which request it is about, as logs and the header `X-Request-Id` name it."""
    for error in errors:
        error.setdefault("extensions", {})["requestId"] = request.scope.get("retainer.request_id")
    return errors


def _is_awaitable(value: Any) -> TypeGuard[Awaitable[Any]]:
    """Whether a resolver's answer is still to come. The executor asks it of each value, and its own test costs more."""
    return hasattr(value, "__await__")


def _error_of(error: GraphQLError, code: str, parsed: Parsed | None) -> dict[str, Any]:
    """An error of the document or of its variables, by its code and with the field that it is about.

    A wrong value is the same fault however it was given, and has REST's code and status.
    """
    found: dict[str, Any] = dict(error.formatted)
    wrong = None if parsed is None else wrong_value(error, parsed.document)
    entry = body_of(code if wrong is None else "invalid_input", error.message)
    found["extensions"] = {
        "code": entry["code"],
        "title": entry["title"],
        "status": entry["status"],
        "nextStep": entry["next_step"],
    }
    if wrong is not None:
        found["extensions"]["errors"] = [wrong.json()]
    return found


def _chosen(parsed: Parsed, name: str | None) -> OperationDefinitionNode:
    if name is None:
        if len(parsed.operations) == 1 and parsed.count == 1:
            return next(iter(parsed.operations.values()))
        raise RequestError(
            "graphql_invalid",
            "There are several operations; `operationName` says which is meant."
            if parsed.operations
            else "There is no operation in the document.",
            lenient=True,
        )
    found = parsed.operations.get(name) if name else None
    if found is None:
        raise RequestError("graphql_invalid", "The document has no operation of this name.", lenient=True)
    return found


def _misput(fault: Problem, parsed: Parsed) -> RequestError:
    """A fault of the variables, told of the arguments that they fill."""
    places = places_of(parsed.document)
    fields = []
    for error in fault.errors:
        pointer = at_argument(error.pointer, places)
        fields.append(FieldError(pointer, error.code, error.message, place_of(pointer)))
    return RequestError(fault.code, fault.detail, status=400, lenient=True, fields=fields)


_RANGE: Final = re.compile(r"\s*([\w!#$&^.+*-]+/[\w!#$&^.+*-]+)\s*((?:;[^,]*)?)\s*\Z")
_QUALITY: Final = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|\Z)", re.IGNORECASE)


def _accepted(request: Request) -> str | None:
    """The media type of the answer: the one that is liked best of our two; None when neither is.

    ``*/*`` and no header at all mean `application/json`, as clients of old expect.
    """
    header = ",".join(request.headers.getlist("accept"))[:2000]
    if not header.strip():
        return JSON
    best: dict[str, tuple[int, float]] = {}
    for part in header.split(","):
        match = _RANGE.match(part)
        if match is None:
            continue
        found = _QUALITY.search(match[2])
        quality = float(found[1]) if found else 1.0
        for ours in (JSON, GRAPHQL_RESPONSE):
            exact = {ours: 3, "application/*": 2, "*/*": 1}.get(match[1].lower(), 0)
            if exact > best.get(ours, (0, 0.0))[0]:
                best[ours] = (exact, quality)
    liked = [(quality, exact, ours) for ours, (exact, quality) in best.items() if quality > 0]
    if not liked:
        return None
    most = max(quality for quality, _, _ in liked)
    chosen = [(exact, ours) for quality, exact, ours in liked if quality == most]
    deepest = max(exact for exact, _ in chosen)
    names = [ours for exact, ours in chosen if exact == deepest]
    # Both named alike: the newer type tells more. By a wildcard alone: the older, which everybody knows.
    return GRAPHQL_RESPONSE if deepest == 3 and GRAPHQL_RESPONSE in names else JSON if JSON in names else names[0]


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _may_introspect(principal: Principal, request: Request) -> bool:
    """By the key's option ``introspection``; without it, sandbox keys may and live ones may not."""
    option = principal.options.get("introspection")
    if isinstance(option, bool):
        return option
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    return principal.kind == "operator" or token.startswith("rtn_test_")
