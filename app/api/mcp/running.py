"""Run a tool for a caller: its answer with the clauses that it rests on, or a refusal with its code and next step."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from app.api.auth import Principal
from app.api.deps import wall_clock
from app.api.mcp import rehearsals
from app.api.mcp.tools import AGENTS, BY_NAME, CONFIRMATION, JSON, TOOLS, Tool
from app.api.operations.asking import Calls, operation_of
from app.api.operations.call import Answer
from app.api.operations.table import scope_missing
from app.api.problems import Problem, body_of
from app.api.refusals import REFUSALS, problem_of
from app.api.state import AppState
from app.api.strict import parse_json

_log = logging.getLogger("retainer")
_EMPTY: Final[tuple[Any, ...]] = (None, [], {})
_REHEARSED: Final = (
    "Nothing was written. Show this to the person you act for. To do it, call again with the same arguments and this"
    f" `{CONFIRMATION}`, within {rehearsals.MINUTES} minutes."
)
_EXISTS: Final = (
    "It was done before: this is how it stands now, and nothing is left to confirm. For a new ticket, call again with"
    " another `ticket_id`."
)


class Outcome(NamedTuple):
    """What a tool came to, and whether it is a refusal."""

    view: JSON
    refused: bool


def tools_for(caller: Principal) -> list[Tool]:
    """Return the tools whose scopes the caller carries."""
    return [tool for tool in TOOLS if may_use(caller, tool)]


def may_use(caller: Principal, tool: Tool) -> bool:
    """Whether the caller's scopes open a tool. It says nothing of the state of things."""
    if (tool.write is not None and not caller.may(AGENTS)) or (tool.vendors and caller.customer_id is not None):
        return False
    return all(_opens(caller, operation) for operation in tool.operations)


def _opens(caller: Principal, operation: str) -> bool:
    access = operation_of(operation).access
    own = caller.customer_id is not None and access.by_customer
    return caller.kind != "operator" and (own or any(caller.may(scope) for scope in access.scopes))


async def run(
    name: str, arguments: Mapping[str, Any] | None, caller: Principal, rooms: AppState, request: str
) -> Outcome:
    """Run a tool. Whatever goes wrong is an answer; ``request`` is the id under which a fault is logged."""
    try:
        tool = BY_NAME.get(name)
        if tool is None:
            raise Problem("tool_not_found", known=sorted(BY_NAME))
        checked = _sound(arguments)
        tool.check(checked)
        calls = Calls(caller, rooms)
        try:
            view = await (_written(tool, checked, calls, rooms) if tool.ask is None else _asked(tool, checked, calls))
        finally:
            await calls.close()
        return Outcome(view, refused=False)
    except REFUSALS as refusal:
        return Outcome(problem_of(refusal), refused=True)
    except Exception:  # noqa: BLE001 - a tool answers whatever went wrong
        _log.exception("fault", extra={"request_id": request})
        return Outcome(body_of("internal_error", request_id=request), refused=True)


def _sound(arguments: Mapping[str, Any] | None) -> JSON:
    """Return the arguments, held to what JSON at the other doors is held to."""
    try:
        checked = parse_json(json.dumps(dict(arguments or {})).encode(), kind="arguments")
    except RecursionError:
        raise Problem("too_deep") from None
    return {name: value for name, value in checked.items() if value is not None}


async def _asked(tool: Tool, checked: JSON, calls: Calls) -> JSON:
    assert tool.ask is not None  # noqa: S101 - the caller looked
    return _view(await tool.ask(calls, checked))


async def _written(tool: Tool, checked: JSON, calls: Calls, rooms: AppState) -> JSON:
    """Rehearse a write, or do what was rehearsed."""
    caller = calls.principal
    confirmation = checked.pop(CONFIRMATION, None)
    if not caller.may(AGENTS) and caller.kind != "operator":
        raise scope_missing(AGENTS)
    now = wall_clock()
    keys = rooms.cursor_secrets
    if confirmation is None:
        shown = rehearsals.Rehearsal.fresh()
    else:
        shown = rehearsals.unseal(keys, caller, tool.name, checked, confirmation, now)
    rehearsed = await _call(tool, checked, calls, shown, validate_only=True)
    digest = rehearsals.consequences(rehearsed.plain)
    if confirmation is not None and (digest == shown.digest or _done_before(tool, rehearsed)):
        done = await _call(tool, checked, calls, shown, validate_only=False)
        if done.after is not None:
            await done.after()
        return {"done": True, "done_before": _done_before(tool, done), **_view(done.plain)}
    again = replace(rehearsals.Rehearsal.fresh(), digest=digest)
    value = rehearsals.seal(keys[0], caller, tool.name, checked, again, now)
    before = _done_before(tool, rehearsed)
    rehearsal = {
        "rehearsal": True,
        **({"done_before": True} if before else {}),
        CONFIRMATION: value,
        "next_step": _EXISTS if before else _REHEARSED,
        **_view(rehearsed.plain),
    }
    if confirmation is not None:
        raise Problem("rehearsal_outdated", rehearsal=rehearsal)
    return rehearsal


async def _call(
    tool: Tool, checked: JSON, calls: Calls, shown: rehearsals.Rehearsal, *, validate_only: bool
) -> Answer[Any]:
    assert tool.write is not None  # noqa: S101 - it asks nothing
    path, body = tool.write.parts(checked)
    key = shown.key if operation_of(tool.write.operation).key == "keyed" else ""
    return await calls.answer(tool.write.operation, path, {}, body=body, key=key, validate_only=validate_only)


def _done_before(tool: Tool, answer: Answer[Any]) -> bool:
    """Whether the same write was done already: told by its key, or by the id of the ticket."""
    assert tool.write is not None  # noqa: S101 - it asks nothing
    natural = operation_of(tool.write.operation).key == "natural"
    return answer.status == 200 if natural else answer.replayed


def _view(view: Any) -> JSON:
    """Return an answer without empty members, beside the clauses that it rests on."""
    return {"answer": _pruned(view), "because": _clauses(view)}


def _pruned(value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = {name: _pruned(member) for name, member in value.items()}
        return {name: member for name, member in inner.items() if member not in _EMPTY}
    return [_pruned(item) for item in value] if isinstance(value, list | tuple) else value


def _clauses(view: Any) -> list[JSON]:
    """Return every clause that an answer names, in order, and whether one who names it says that it is a reading."""
    found: dict[str, bool] = {}
    for clause, reading in _named(view):
        found[clause] = found.get(clause, False) or reading
    return [{"clause": clause, "reading": reading} for clause, reading in found.items()]


def _named(value: Any) -> Iterator[tuple[str, bool]]:
    if isinstance(value, Mapping):
        clause = value.get("clause")
        if isinstance(clause, str):
            yield clause, value.get("reading") is True
        for member in value.values():
            yield from _named(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item)
