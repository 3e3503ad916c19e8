"""Resolving: a field asks its operation, and says what came of it in GraphQL's way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from strawberry import UNSET, Info

from app.api.graphql import limits
from app.api.graphql.calls import Answer, Calls, Operation
from app.api.graphql.errors import ABSENT, TOP_LEVEL, problem_of, raised, refusal
from app.api.graphql.inputs import plain
from app.domain.errors import DomainError

_MOST_PAGES: Final = 10


def calls_of(info: Info) -> Calls:
    """The calls of the request that a resolver belongs to."""
    calls: Calls = info.context["calls"]
    return calls


async def read(calls: Calls, operation: Operation, values: Mapping[str, Any]) -> Any:
    """What a reading operation answers; None for what is not there."""
    try:
        answer = await calls.ask(operation.name, values)
    except Exception as error:  # noqa: BLE001 - every refusal and fault is told by its code
        body = problem_of(error)
        if body["status"] == ABSENT:
            return None
        raise raised(body) from (error if body["code"] == "internal_error" else None)
    return answer.view


async def whole(calls: Calls, operation: Operation, values: dict[str, Any]) -> Any:
    """A list that is short by nature, read to its end; REST pages it all the same."""
    found = first = await read(calls, operation, values)
    for _ in range(_MOST_PAGES):
        if found is None or found.get("next_cursor") is None:
            break
        found = await read(calls, operation, {**values, "cursor": found["next_cursor"]})
        if found is not None:
            first = {**first, "data": [*first["data"], *found["data"]]}
    return first


async def page(calls: Calls, operation: Operation, values: dict[str, Any], first: Any, after: Any) -> Any:
    """A page of a list as a connection. An edge's own cursor names its page and its place there."""
    limit = limits.DEFAULT_PAGE if first in (None, UNSET) else first
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= limits.MAX_PAGE:
        raise raised(
            {
                **problem_of(
                    DomainError(
                        "invalid_input",
                        field="first",
                        message=f"`first` must lie between 1 and {limits.MAX_PAGE}.",
                    )
                )
            }
        )
    cursor, skip = _place(after if after is not UNSET else None)
    asked = {**values, "limit": min(limits.MAX_PAGE, limit + skip)}
    if cursor:
        asked["cursor"] = cursor
    found = await read(calls, operation, asked)
    if found is None:
        return None
    rows = found["data"][skip:]
    more = found["next_cursor"]
    cursors = [f"{cursor or ''}~{skip + index + 1}" for index in range(len(rows))]
    if rows and more is not None:
        cursors[-1] = more
    return {
        "edges": [{"cursor": mark, "node": row} for mark, row in zip(cursors, rows, strict=True)],
        "nodes": rows,
        "page_info": {
            "has_next_page": more is not None,
            "has_previous_page": bool(cursor) or skip > 0,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        },
    }


def _place(after: str | None) -> tuple[str | None, int]:
    cursor, tilde, place = (after or "").partition("~")
    if not tilde:
        return cursor or None, 0
    if not place.isascii() or not place.isdigit() or len(place) > 3 or int(place) > limits.MAX_PAGE:
        raise raised(problem_of(DomainError("cursor_invalid")))
    return cursor or None, int(place)


async def write(calls: Calls, operation: Operation, given: Any) -> Any:
    """What a mutation answers: its view, or its refusal."""
    values = plain(given) if given is not None else {}
    key = values.pop("idempotency_key", None)
    validate_only = bool(values.pop("validate_only", False))
    try:
        answer: Answer = await calls.call(operation.name, values, key=key, validate_only=validate_only)
    except Exception as error:  # noqa: BLE001 - every refusal and fault is told by its code
        body = problem_of(error)
        if body["status"] in TOP_LEVEL:
            if body["status"] in (429, 503):
                calls.retry_after = "1"
            raise raised(body, under="/input") from (error if body["code"] == "internal_error" else None)
        return refusal(body)
    if answer.headers.get("idempotent-replayed") == "true":
        calls.replayed = True
    return answer.view
