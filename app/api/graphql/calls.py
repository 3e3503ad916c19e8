"""How a field does its work: it says which operation of the table it means, with which values, and calls it.

So a GraphQL field and its REST twin cannot drift apart. Both have the same checks of input, scopes, idempotency and
paging, the same use case and the same view. What is GraphQL's own is the transaction: all fields of a query read one
snapshot (decision 0021); each mutation has its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import quote

from starlette.requests import Request

from app.api.auth import Principal
from app.api.graphql.operations import PAGE, TEXT, Twin
from app.api.headers import Conditions
from app.api.operations.acting import agent_of
from app.api.operations.arguments import check_path
from app.api.operations.call import Answer, Call, Raw, answer_of
from app.api.operations.table import Operation
from app.api.paging import CONNECTION, MEMBERS, PageQuery
from app.api.problems import FieldError, Problem
from app.api.snapshot import Snapshot, SnapshotBalances
from app.api.state import AppState, BalanceReader
from app.api.strict import inspect_json, pointer_part
from app.usecases.commands import Database, Unavailable
from app.usecases.webhooks import events


@dataclass(slots=True)
class Calls:
    """The calls of one GraphQL request."""

    request: Request
    principal: Principal
    rooms: AppState
    operations: Mapping[str, Twin]
    reading: bool
    snapshot: Snapshot | None = None
    replayed: bool = False
    retry_after: str | None = None
    size: int = 0
    """Bytes of the request."""
    alone: bool = False
    """Whether the query asks one operation, which needs no snapshot shared with others."""
    _database: Database = field(init=False)
    _balances: BalanceReader = field(init=False)
    _memo: dict[tuple[str, str], asyncio.Task[Answer[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._database, self._balances = self.rooms.database, self.rooms.balances
        if self.reading:
            self.snapshot = Snapshot(self.rooms.database, self.rooms.queries)
            self._database = cast(Database, self.snapshot)
            if not self.alone:
                self._balances = SnapshotBalances(self.snapshot)

    @property
    def request_id(self) -> str:
        """Return the request's id, as logs and the header name it."""
        return str(self.request.scope.get("retainer.request_id", ""))

    async def place_events(self) -> None:
        """Gives waiting events their positions before the snapshot opens, for a query that reads the feed."""
        if self.principal.tenant_id is not None and self.principal.may("events:read"):
            with contextlib.suppress(Unavailable):  # the fields say it
                await events.place(self.rooms.database, self.principal.tenant_id)

    async def close(self) -> None:
        """Ends the snapshot of a query, whatever became of it."""
        for task in self._memo.values():
            task.cancel()
        if self._memo:
            await asyncio.gather(*self._memo.values(), return_exceptions=True)
        if self.snapshot is not None:
            await self.snapshot.close()

    async def ask(self, name: str, values: Mapping[str, Any]) -> Answer[Any]:
        """The answer to an operation; a query asks the same thing once."""
        if self.alone or not self.reading:
            return await self.call(name, values)
        key = (name, json.dumps(values, sort_keys=True, default=str))
        task = self._memo.get(key)
        if task is None:
            if self.snapshot is not None and self.operations[name].declared.account and "customer_id" in values:
                self.snapshot.add(str(values["customer_id"]))
            task = self._memo[key] = asyncio.get_running_loop().create_task(self.call(name, values))
        return await task

    async def call(
        self, name: str, values: Mapping[str, Any], *, key: str | None = None, validate_only: bool = False
    ) -> Answer[Any]:
        """Carries out an operation. Raises whatever its use case or its door raises."""
        operation = self.operations[name]
        declared = operation.declared
        sent = _RestArguments.of(operation, values)
        check_path(sent.path)
        _check_text({name: value for name, value in values.items() if name not in sent.path}, sent.query)
        _check_lengths(sent.query)
        body = _body(operation, values, self.size) if declared.arguments.body is not None else None
        tenant_id = declared.access.admit(self.principal, sent.path, sent.query, reads=declared.reads)
        arguments = declared.arguments.read(sent.path, sent.query, body)
        call = Call(
            operation=declared,
            principal=self.principal,
            tenant_id=tenant_id,
            rooms=self.rooms,
            database=self._database,
            balances=self._balances,
            in_query=None if self.snapshot is None else self.snapshot.read_shared,
            path=sent.path,
            query=sent.query,
            keys=() if key is None else (key,),
            validate_only=validate_only,
            ids={parameter.name: arguments.values[parameter.name] for parameter in declared.arguments.path},
        )
        if declared.raw is not None:
            call.sent = _text(declared, str(values[TEXT]))
        if declared.conditional:
            call.conditions = Conditions.read(values.get("if_match"), values.get("if_none_match"))
        if arguments.limit is not None:
            connection, members = values.get(CONNECTION), values.get(MEMBERS)
            call.page_query = PageQuery(
                arguments.limit,
                arguments.cursor,
                sent.address(operation),
                sent.pairs(),
                arguments.narrowed,
                connection,
                members,
            )
        if (figures := self.request.scope.get("retainer.figures")) is not None:
            call.on_replay = figures.replays.inc
        call.agent = agent_of(arguments.values.get("body"))
        return answer_of(declared, await declared.perform(call, **arguments.values))


@dataclass(frozen=True, slots=True)
class _RestArguments:
    """What a field says of an operation's path and query."""

    path: dict[str, str]
    query: dict[str, Any]

    @classmethod
    def of(cls, operation: Twin, values: Mapping[str, Any]) -> _RestArguments:
        arguments = operation.declared.arguments
        names = (*(parameter.alias for parameter in arguments.asked), *(PAGE if arguments.page else ()))
        return cls(
            {parameter.alias: str(values[parameter.alias]) for parameter in arguments.path},
            {name: values[name] for name in names if values.get(name) is not None},
        )

    def address(self, operation: Twin) -> str:
        """Return the path as REST has it: a cursor belongs to it."""
        return operation.path.format(**{name: quote(value, safe="") for name, value in self.path.items()})

    def pairs(self) -> list[tuple[str, str]]:
        """Return the query as REST has it: a cursor belongs to its filters."""
        return [
            (name, _plain(item))
            for name, value in self.query.items()
            for item in (value if isinstance(value, list) else [value])
        ]


def _check_lengths(query: Mapping[str, Any]) -> None:
    long = [name for name, value in query.items() if isinstance(value, str) and len(value) > 4000]
    if long:
        message = "Longer than 4,000 characters."
        raise Problem("invalid_input", errors=[FieldError(f"/{name}", "too_long", message, "query") for name in long])


def _body(operation: Twin, values: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Return the body that the arguments make, held to what JSON at the other door is held to."""
    content = {inner: values[name] for name, inner in operation.body_fields.items() if name in values}
    if 2 * size > operation.declared.limit:
        made = len(json.dumps(content, ensure_ascii=False).encode())
        if made > operation.declared.limit:
            raise Problem("body_too_large", f"The body is larger than {operation.declared.limit:,} bytes.")
    inspect_json(content, escapes=False)
    return content


def _text(declared: Operation, text: str) -> Raw:
    """Return a body that is no JSON, as REST is sent it. Raise 413 where it is too large."""
    body = text.encode()
    if len(body) > declared.limit:
        raise Problem("body_too_large", f"The body is larger than {declared.limit:,} bytes.")
    media = next(iter(declared.raw["content"])) if declared.raw is not None else ""
    return Raw({"content-type": f"{media}; charset=utf-8"}, body)


def _plain(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _check_text(values: Mapping[str, Any], query: Collection[str]) -> None:
    """Refuses half a surrogate pair before it meets UTF-8; everything else the REST door refuses itself."""
    errors: list[FieldError] = []
    stack: list[tuple[str, Any]] = [(f"/{pointer_part(name)}", value) for name, value in values.items()]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, str):
            if any("\ud800" <= character <= "\udfff" for character in value) or "\x00" in value:
                errors.append(FieldError(pointer, "bad_character", "A NUL character or half a surrogate pair."))
        elif isinstance(value, float):
            errors.append(FieldError(pointer, "not_an_integer", "A number with a fraction or an exponent."))
        elif isinstance(value, dict):
            for name, inner in value.items():
                _push_name(stack, errors, pointer, name, inner)
        elif isinstance(value, Sequence):
            stack.extend((f"{pointer}/{index}", inner) for index, inner in enumerate(value))
    if errors:
        asked = {pointer_part(name) for name in query}
        raise Problem("invalid_input", errors=[_placed(error, asked) for error in errors[:50]])


def _placed(error: FieldError, asked: Collection[str]) -> FieldError:
    """Say of a parameter that REST takes it in the query."""
    return replace(error, place="query") if error.pointer[1:].partition("/")[0] in asked else error


def _push_name(stack: list[tuple[str, Any]], errors: list[FieldError], pointer: str, name: Any, inner: Any) -> None:
    here = f"{pointer}/{pointer_part(str(name))}"
    if any("\ud800" <= character <= "\udfff" for character in str(name)) or "\x00" in str(name):
        errors.append(FieldError(here, "bad_character", "A NUL character or half a surrogate pair."))
    stack.append((here, inner))
