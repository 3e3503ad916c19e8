"""A request of GraphQL over HTTP, read from a body or from a query string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from app.api.graphql.errors import request_error
from app.api.problems import FieldError, Problem, body_of
from app.api.strict import BIG_LIMIT, check_media, decode_json, inspect_json, parse_json, read_body

_FIELDS: Final = frozenset({"query", "operationName", "variables", "extensions", "documentId"})
_RELAY: Final = frozenset({"id", "doc_id"})
"""What clients send beside, as in Relay's examples."""


class RequestError(Exception):
    """A request that is not executed."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, Any]] | None = None,
        lenient: bool = False,
        fields: list[FieldError] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(code)
        self.body = (
            {"errors": errors} if errors is not None else request_error(code, detail, errors=fields or (), **extra)
        )
        self.status = status or int(body_of(code)["status"])
        self.headers = dict(headers or {})
        self.code = code
        self.lenient = lenient
        """A wrong document is answered with 200 to callers of `application/json`, as the specification has it."""


@dataclass(slots=True)
class Asked:
    """A GraphQL request."""

    query: str | None
    operation_name: str | None
    variables: dict[str, Any]
    document_id: str | None
    hash: str | None = None
    """The hash in `extensions.persistedQuery`."""
    fault: Problem | None = None
    """What the variables hold that no value may hold."""
    size: int = 0
    """Bytes of the request's body."""


async def read_request(request: Request) -> Asked:
    """Return the request as it was sent, by POST or GET. Raise `RequestError` for what is none."""
    size, fault = 0, None
    if request.method == "POST":
        if _FIELDS & {name for name, _ in parse_qsl(request.scope.get("query_string", b"").decode("latin-1"))}:
            raise RequestError("malformed_request", "POST takes its parameters in the body.")
        body = await read_body(request, BIG_LIMIT)
        size = len(body)
        if not body:
            raise RequestError("malformed_request", "The body is missing.")
        check_media(request)
        sent, escapes = decode_json(body)
        if isinstance(sent, list):
            raise RequestError("malformed_request", "Batches are not taken; send one request at a time.")
        if not isinstance(sent, dict):
            raise RequestError("malformed_request", "The body must be a JSON object.")
        variables, sent["variables"] = sent.get("variables"), None
        inspect_json(sent, escapes=escapes)
        sent["variables"], fault = variables, _fault_of(variables, escapes=escapes)
    else:
        sent, fault = _from_query(request)
    _check_kinds(sent)
    return Asked(
        sent.get("query"),
        sent.get("operationName") or None,
        sent.get("variables") or {},
        _document_id(sent),
        _hash(sent.get("extensions") or {}),
        fault,
        size,
    )


def _check_kinds(sent: dict[str, Any]) -> None:
    """Refuses parameters that there are not, and such of another kind."""
    unknown = sorted(set(sent) - _FIELDS - _RELAY)
    if unknown:
        raise RequestError(
            "malformed_request",
            f"There is no parameter `{unknown[0][:50]}`.",
            fields=[
                FieldError(f"/{item[:100]}", "unknown_field", "There is no such parameter.") for item in unknown[:20]
            ],
        )
    for name in ("query", "operationName", "documentId"):
        if sent.get(name) is not None and not isinstance(sent[name], str):
            raise RequestError("malformed_request", f"`{name}` must be text.")
    for name in ("variables", "extensions"):
        if sent.get(name) is not None and not isinstance(sent[name], dict):
            raise RequestError("malformed_request", f"`{name}` must be an object.")


def _document_id(sent: Mapping[str, Any]) -> str | None:
    """The id of the document: `documentId`, or where there is no text, what Relay's examples call it."""
    found = sent.get("documentId")
    if found is None and sent.get("query") is None:
        found = next((sent[name] for name in ("doc_id", "id") if isinstance(sent.get(name), str)), None)
    return found


def _hash(extensions: Mapping[str, Any]) -> str | None:
    """The hash of the document as Apollo's clients send it."""
    sent = extensions.get("persistedQuery")
    if sent is None:
        return None
    if not isinstance(sent, dict) or sent.get("version") != 1 or not isinstance(sent.get("sha256Hash"), str):
        raise RequestError("malformed_request", "`persistedQuery` is `{version: 1, sha256Hash: <text>}`.")
    found: str = sent["sha256Hash"]
    return found


def _fault_of(variables: Any, *, escapes: bool) -> Problem | None:
    """What no value may hold: half a surrogate pair, a name twice, too many levels. Numbers are the fields' own."""
    try:
        inspect_json(variables, escapes=escapes, numbers=False)
    except Problem as fault:
        return fault
    return None


def _from_query(request: Request) -> tuple[dict[str, Any], Problem | None]:
    raw = request.scope.get("query_string", b"").decode("latin-1")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise RequestError("malformed_request", "The query string cannot be read.") from None
    sent: dict[str, Any] = {}
    for name, value in pairs:
        if name in sent:
            raise RequestError("malformed_request", f"`{name[:50]}` is given twice.")
        sent[name] = value
    fault = None
    if sent.get("extensions"):
        sent["extensions"] = parse_json(sent["extensions"].encode(), kind="extensions")
    if sent.get("variables"):
        sent["variables"], escapes = decode_json(sent["variables"].encode(), kind="variables")
        fault = _fault_of(sent["variables"], escapes=escapes)
    for name in ("extensions", "variables", "query", "documentId"):
        sent[name] = sent.get(name) or None
    if not sent["query"] and not _document_id(sent) and not sent["extensions"]:
        raise RequestError("malformed_request", "`query` is missing.")
    return sent, fault
