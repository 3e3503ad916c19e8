"""Resolving: a field asks its operation, and says what came of it in GraphQL's way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLError
from strawberry import UNSET, Info

from app.api.graphql import limits
from app.api.graphql.calls import Calls
from app.api.graphql.errors import ABSENT, TOO_MANY, TOP_LEVEL, Names, problem_of, raised, refusal
from app.api.graphql.identity import (
    PRESENT,
    Identity,
    Named,
    State,
    Stated,
    known_of,
    rehearsal,
    state_asked,
    state_of,
    with_state,
)
from app.api.graphql.inputs import plain
from app.api.graphql.operations import Twin
from app.api.operations.call import Answer
from app.api.paging import BACKWARD, CONNECTION, FORWARD, MEMBERS
from app.domain.values.errors import DomainError

_PAGES_MAX: Final = 10
CREATED: Final = 201
_ANSWERED_AS_THEN: Final = frozenset({"putOrder", "refundOrder"})
"""Calls that answer a repeat as they answered before, by the order's own id instead of a key: not the present."""
RELAY: Final = ("first", "after", "last", "before")


def calls_of(info: Info) -> Calls:
    """The calls of the request that a resolver belongs to."""
    calls: Calls = info.context["calls"]
    return calls


async def read(calls: Calls, operation: Twin, values: Mapping[str, Any]) -> Any:
    """What a reading operation answers; None for what is not there."""
    try:
        answer = await calls.ask(operation.name, values)
    except Exception as error:  # noqa: BLE001 - every refusal and fault is told by its code
        body = problem_of(error)
        if body["status"] == ABSENT and not _misspelt(body["code"], values):
            return None
        if body["status"] == TOO_MANY:
            calls.retry_after = "1"
        if body["code"] == "cursor_invalid" and _by_cursor(operation):
            step = str(body["next_step"]).replace("a cursor", "`cursor`").replace("`next_cursor`", "`nextCursor`")
            body = {**body, "next_step": step}
        names = Names(renamed=operation.renamed)
        raise raised(body, names=names) from (error if body["code"] == "internal_error" else None)
    return _further(with_state(answer.plain, state_asked(operation.asked, values)), operation, values)


def _further(view: Any, operation: Twin, values: Mapping[str, Any]) -> Any:
    """Return a thing that holds further rows by its id for them. The rows are of the present, and stay as they are."""
    cursor = values.get("cursor")
    if cursor is None or not _by_cursor(operation) or not isinstance(view, dict):
        return view
    return Stated(view, State({**state_of(view).stated, "cursor": cursor}))


def _by_cursor(operation: Twin) -> bool:
    """Whether an answer holds the first rows of its lists, and `cursor` asks for the further ones."""
    return not operation.listed and "cursor" in operation.asked


_WORDS: Final = frozenset({"action_not_found", "kind_not_found"})


def _misspelt(code: str, values: Mapping[str, Any]) -> bool:
    """Whether a thing is not there because nothing has that name. A word that the API does not know is refused instead.
    So is a version that a policy does not have.
    """
    return code in _WORDS or (code == "policy_not_found" and values.get("version") is not None)


async def found(calls: Calls, operation: Twin, named: Named) -> Any:
    """What an id names, in the state that it names; None for what is not there, or is nowhere to be found."""
    state = {name: value for name, value in named.state.items() if name in operation.asked}
    if state.keys() != named.state.keys():
        return None  # a rehearsal, or a replay
    values = {**known_of(named.typename).values(named.values), **state}
    if not operation.listed:
        return await read(calls, operation, values)
    values = {name: value for name, value in values.items() if name in operation.asked}
    return await _row(calls, operation, values, named.values)


async def _row(calls: Calls, operation: Twin, values: dict[str, Any], members: Mapping[str, Any]) -> Any:
    """The row of a list that has these members."""
    for _ in range(_PAGES_MAX):
        rows = await read(calls, operation, {**values, "limit": limits.MAX_PAGE})
        if rows is None:
            return None
        for row in rows["data"]:
            if all(row.get(name) == value for name, value in members.items()):
                return row
        if rows.get("next_cursor") is None:
            return None
        values = {**values, "cursor": rows["next_cursor"]}
    return None


async def rest_of(calls: Calls, operation: Twin, known: Identity, root: Mapping[str, Any]) -> Any:
    """The whole of what a row shows a part of, in the row's own state; None for what is not there."""
    state = state_of(root).stated
    values = {**known.values(root), **{name: value for name, value in state.items() if name in operation.asked}}
    if "version" in operation.asked and root.get("version") is not None:
        values["version"] = root["version"]
    return await read(calls, operation, values)


async def whole(calls: Calls, operation: Twin, values: dict[str, Any]) -> Any:
    """A list that is short by nature, read to its end; REST pages it all the same."""
    found = first = await read(calls, operation, values)
    for _ in range(_PAGES_MAX):
        if found is None or found.get("next_cursor") is None:
            break
        found = await read(calls, operation, {**values, "cursor": found["next_cursor"]})
        if found is not None:
            first = {**first, "data": [*first["data"], *found["data"]]}
    return first


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a list that a field asks for."""

    limit: int
    cursor: str | None
    backward: bool


def span(arguments: Mapping[str, Any]) -> Span:
    """What `first`, `after`, `last` and `before` ask for. Raises ``invalid_input`` naming the argument that is wrong:
    a list is read forward (`first`, `after`) or backward (`last`, `before`), not both at once."""
    window = {name: arguments[name] for name in RELAY if arguments.get(name, UNSET) not in (None, UNSET)}
    back = next((name for name in ("last", "before") if name in window), None)
    ahead = next((name for name in ("first", "after") if name in window), None)
    if back is not None and ahead is not None:
        raise _misasked(back, f"`{back}` does not go with `{ahead}`: a list is read one way at a time.")
    size, place = ("first", "after") if back is None else ("last", "before")
    limit = window.get(size, limits.DEFAULT_PAGE)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= limits.MAX_PAGE:
        raise _misasked(size, f"`{size}` must lie between 1 and {limits.MAX_PAGE}.")
    return Span(limit, window.get(place), back is not None)


def _misasked(field: str, message: str) -> GraphQLError:
    return raised(problem_of(DomainError("invalid_input", field=field, message=message)))


async def page(
    calls: Calls, operation: Twin, values: dict[str, Any], asked: Span, members: Sequence[str] | None = None
) -> Any:
    """A part of a list as a connection. Each row's cursor is its own place, whatever came to the list since.

    ``members``: those of a row that are asked for; None: all.
    """
    asked_values = {**values, "limit": asked.limit, CONNECTION: BACKWARD if asked.backward else FORWARD}
    if members is not None:
        asked_values[MEMBERS] = members
    if asked.cursor is not None:
        asked_values["cursor"] = asked.cursor
    found = await read(calls, operation, asked_values)
    if found is None:
        return None
    return _Connection(found, asked)


class _Connection(dict[str, Any]):
    """A connection. Edges and the page's ends hold signed cursors, so they are made when they are asked for."""

    def __init__(self, found: Mapping[str, Any], asked: Span) -> None:
        super().__init__(nodes=found["data"])
        self._found, self._asked = found, asked

    def __contains__(self, name: object) -> bool:
        return name in ("edges", "nodes", "page_info")

    def __missing__(self, name: str) -> Any:
        made = self._edges() if name == "edges" else self._page_info()
        self[name] = made
        return made

    def _edges(self) -> list[dict[str, Any]]:
        pairs = zip(self._found["cursors"], self["nodes"], strict=True)
        return [{"cursor": mark, "node": row} for mark, row in pairs]

    def _page_info(self) -> dict[str, Any]:
        cursors, more = self._found["cursors"], self._found["next_cursor"]
        backward, cut = self._asked.backward, self._asked.cursor is not None
        start, end = (cursors[0], cursors[-1]) if cursors else (None, None)
        if more is not None:
            # Where rows were left out (of a time long past), the list goes on behind them.
            start, end = (more, end) if backward else (start, more)
        return {
            "has_next_page": cut if backward else more is not None,
            "has_previous_page": more is not None if backward else cut,
            "start_cursor": start,
            "end_cursor": end,
        }


async def write(calls: Calls, operation: Twin, sent: Any, names: Names) -> Any:
    """What a mutation answers: its view, or its refusal. ``names``: of its input."""
    values = plain(sent, meant=operation.meant_nulls) if sent is not None else {}
    key = values.pop("idempotency_key", None)
    validate_only = bool(values.pop("validate_only", False))
    try:
        answer: Answer[Any] = await calls.call(operation.name, values, key=key, validate_only=validate_only)
    except Exception as error:  # noqa: BLE001 - every refusal and fault is told by its code
        body = problem_of(error)
        if body["status"] in TOP_LEVEL:
            if body["status"] in (429, 503):
                calls.retry_after = "1"
            raise raised(body, names=names) from (error if body["code"] == "internal_error" else None)
        return refusal(body, names=names)
    if answer.replayed:
        calls.replayed = True
    return await _done(operation, values, answer, names, key=key, validate_only=validate_only)


async def _done(
    operation: Twin,
    values: Mapping[str, Any],
    answer: Answer[Any],
    names: Names,
    *,
    key: str | None,
    validate_only: bool,
) -> Any:
    """A mutation's view in its state: a rehearsal and a replay are not the present, whatever they say."""
    view = answer.plain
    if answer.rest is not None:
        view = {**await answer.rest(), **view}
    if operation.name == "createCreditBatch":
        view = _each_in_its_state(view, names, validate_only=validate_only)
    elif validate_only:
        view = with_state(view, rehearsal())
    elif answer.replayed:
        view = with_state(view, State({"replay": key}))
    elif operation.name in _ANSWERED_AS_THEN and answer.status != CREATED:
        view = with_state(view, rehearsal())
    elif operation.name == "publishPolicy" and values.get("effective_from") is not None:
        view = with_state(view, State({"version": view["version"]}))
    if not isinstance(view, dict):
        return view
    mine = State(state_of(view).stated, answer.status == CREATED, answer.replayed)
    return Stated(view, mine)


def _each_in_its_state(view: Mapping[str, Any], names: Names, *, validate_only: bool) -> dict[str, Any]:
    """A batch whose commands were rehearsed, replayed or refused one by one."""
    items = []
    for index, item in enumerate(view["results"]):
        state = PRESENT
        if validate_only:
            state = rehearsal()
        elif item.get("replayed"):
            state = State({"replay": item["idempotency_key"]})
        shown = {**item, "result": with_state(item["result"], state)}
        if item.get("problem") is not None:
            shown["problem"] = refusal(item["problem"], names=names.inside("commands", index))
        items.append(shown)
    return {**view, "results": items}
