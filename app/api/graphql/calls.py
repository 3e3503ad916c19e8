"""How a field does its work: it says which operation it means, with which values, and the operation's route does it.

So a GraphQL field and its REST twin cannot drift apart: the same checks of input, the same scopes, the same
idempotency and paging, the same use case and the same view. What is GraphQL's own is the transaction: all fields of
a query read one snapshot, opened when the first needs it and closed at the end (decision 0021); each mutation has its
own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote, urlencode

import msgspec
from fastapi.routing import APIRoute
from starlette.requests import Request

from app.api.auth import Authenticator, Principal
from app.api.gathered import gathered_of
from app.api.graphql.lone import OPERATION as ONE_BALANCE
from app.api.paging import CONNECTION
from app.api.problems import FieldError, Problem
from app.api.state import AppState
from app.api.strict import pointer_part
from app.usecases import accounts, events, loading
from app.usecases.commands import Busy, Database, Tx, Unavailable

T = TypeVar("T")
_OF_CUSTOMERS: Final = frozenset(
    {"getCustomer", "listChoices", "decideEntitlement", "listOffers", "getStatement"}
)
"""Operations that load a customer's book."""
_PAGING: Final = ("limit", "cursor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation of the REST door, as far as a call needs to know it."""

    name: str
    method: str
    path: str
    route: APIRoute
    path_parameters: tuple[str, ...]
    query_parameters: tuple[str, ...]
    header_parameters: tuple[str, ...]
    body_fields: Mapping[str, str]
    """Argument name -> name in the body; they differ where a path parameter has the name already."""
    has_body: bool
    keyed: bool
    paged: bool
    short: bool
    listed: bool
    scopes: tuple[str, ...]
    operator: bool
    limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answered."""

    status: int
    view: Any
    headers: Mapping[str, str]


class Snapshot:
    """Stands in for the database while a query runs: every read uses the one snapshot, in turn.

    Customers that several fields will ask about are read together when the first of them has its turn.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stack = AsyncExitStack()
        self._open: dict[str, Tx] = {}
        self._turn = asyncio.Lock()
        self._wanted: dict[str, None] = {}
        self.reads = 0

    def want(self, customer_id: str) -> None:
        """Notes a customer whom a field that waits for its turn will ask about."""
        self._wanted[customer_id] = None

    async def read(self, tenant_id: str, work: Callable[[Tx], Awaitable[T]], *, attempts: int = 3) -> T:
        """What ``work`` finds in the snapshot."""
        async with self._turn:
            self.reads += 1
            tx = self._open.get(tenant_id)
            if tx is None:
                tx = await self._stack.enter_async_context(self._database.reading(tenant_id))
                self._open[tenant_id] = tx
            if len(self._wanted) > 1:
                names, self._wanted = list(self._wanted), {}
                await loading.prepare(tx, names)
            return await work(tx)

    async def run(self, tenant_id: str, work: Callable[[Tx], Awaitable[T]], **more: Any) -> T:
        """For the few readings that write first (placing events). What nobody has read yet is then read anew.

        A query never holds two connections: `Busy` where other fields have read in the snapshot already.
        """
        async with self._turn:
            if self._open and self.reads > 1:
                raise Busy("the snapshot is open")
            await self._stack.aclose()
            self._open.clear()
            return await self._database.run(tenant_id, work, **more)

    async def close(self) -> None:
        """Ends the snapshot; may be called when none was opened."""
        await self._stack.aclose()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


class _Balances:
    """Balances asked for at once are read at once, in the snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._waiting: list[tuple[str, asyncio.Future[Any]]] = []

    async def submit(self, tenant_id: str, customer_id: str) -> Any:
        """One customer's balance now, or the refusal in its place."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((customer_id, future))
        await self._snapshot.read(tenant_id, self._answer)
        return await future

    async def _answer(self, tx: Tx) -> None:
        batch, self._waiting = self._waiting, []
        try:
            found = await accounts.balances(tx, [name for name, _ in batch]) if batch else []
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), answer in zip(batch, found, strict=True):
            future.set_result(answer)


class _Known:
    """An authenticator for a caller who is known already."""

    def __init__(self, principal: Principal, authenticator: Authenticator) -> None:
        self._principal = principal
        self._authenticator = authenticator

    async def principal(self, header: str | None, now: datetime) -> Principal:
        """The caller of the whole GraphQL request."""
        return self._principal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._authenticator, name)


@dataclass(slots=True)
class Calls:
    """The calls of one GraphQL request."""

    request: Request
    principal: Principal
    rooms: AppState
    operations: Mapping[str, Operation]
    reading: bool
    snapshot: Snapshot | None = None
    replayed: bool = False
    retry_after: str | None = None
    _app: Any = None
    _one: Exception | None = None
    """Why the one balance that the query asks for was not had."""
    _memo: dict[tuple[str, str], asyncio.Task[Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        database: Any = self.rooms.database
        balances = self.rooms.balances
        if self.reading:
            database = self.snapshot = Snapshot(self.rooms.database)
            balances = _Balances(self.snapshot)
        rooms = replace(
            self.rooms,
            database=cast(Database, database),
            limiter=None,
            balances=balances,
            authenticator=cast(Authenticator, _Known(self.principal, self.rooms.authenticator)),
        )
        self._app = SimpleNamespace(state=SimpleNamespace(house=rooms, stopping=False))

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

    async def ask(self, name: str, values: Mapping[str, Any]) -> Answer:
        """The answer to an operation; a query asks the same thing once."""
        if not self.reading:
            return await self.call(name, values)
        key = (name, json.dumps(values, sort_keys=True, default=str))
        task = self._memo.get(key)
        if task is None:
            if self.snapshot is not None and name in _OF_CUSTOMERS and "customer_id" in values:
                self.snapshot.want(str(values["customer_id"]))
            task = self._memo[key] = asyncio.get_running_loop().create_task(self.call(name, values))
        return await task

    async def call(
        self, name: str, values: Mapping[str, Any], *, key: str | None = None, validate_only: bool = False
    ) -> Answer:
        """Carries out an operation. Raises whatever its use case or its door raises."""
        operation = self.operations[name]
        if self._one is not None:
            raise self._one
        request = _Outgoing.of(operation, values, key=key, validate_only=validate_only)
        status, headers, body = await request.send(self._app, self.request)
        view = msgspec.json.decode(body) if body else None
        if status >= 400:
            raise _answered(status, view)
        return Answer(status, view, headers)

    async def one_balance(self, customer_id: str) -> Any:
        """The one balance that the query asks for, without a request made up for it; None when the ordinary way has to
        say it: no such customer, no scope, another kind of caller, or anything wrong."""
        thin = gathered_of(self.operations[ONE_BALANCE].route.endpoint)
        caller = self.principal
        if thin is None or caller.kind != "key" or caller.tenant_id is None or not caller.may(thin.scope):
            return None
        try:
            return await thin.view(self.rooms, caller, customer_id)
        except Exception as error:  # noqa: BLE001 - the ordinary way says it, and need not ask again
            self._one = error
            return None


class _Answered(Problem):
    """A problem that an operation answered rather than raised."""


def _answered(status: int, view: Any) -> Problem:
    found = view if isinstance(view, dict) else {}
    known = {"type", "title", "status", "code", "detail", "next_step", "errors"}
    extra = {name: value for name, value in found.items() if name not in known}
    errors = [
        FieldError(one.get("pointer", ""), one.get("code", ""), one.get("message", ""), one.get("in", "body"))
        for one in found.get("errors", ())
    ]
    return _Answered(str(found.get("code", "internal_error")), found.get("detail"), errors=errors, **extra)


@dataclass(slots=True)
class _Outgoing:
    """A request as the REST door would have got it."""

    operation: Operation
    path_params: dict[str, str]
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    connection: str | None

    @classmethod
    def of(
        cls, operation: Operation, values: Mapping[str, Any], *, key: str | None, validate_only: bool
    ) -> _Outgoing:
        _check_text(values)
        path_params = {name: str(values[name]) for name in operation.path_parameters}
        query: list[tuple[str, str]] = []
        for name in (*operation.query_parameters, *(_PAGING if operation.paged or operation.short else ())):
            value = values.get(name)
            if value is not None:
                query.extend((name, _plain(one)) for one in (value if isinstance(value, list) else [value]))
        if validate_only:
            query.append(("validate_only", "true"))
        headers = [
            (name.replace("_", "-").encode(), str(values[name]).encode())
            for name in operation.header_parameters
            if values.get(name) is not None
        ]
        body = b""
        if operation.has_body:
            content = {inner: values[name] for name, inner in operation.body_fields.items() if name in values}
            body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
            headers.append((b"content-type", b"application/json"))
        if key is not None:
            try:
                headers.append((b"idempotency-key", key.encode("latin-1")))
            except UnicodeEncodeError:
                raise Problem("idempotency_key_malformed") from None
        return cls(operation, path_params, urlencode(query), headers, body, values.get(CONNECTION))

    async def send(self, app: Any, outer: Request) -> tuple[int, dict[str, str], bytes]:
        """Runs the route on it: status, headers, body."""
        path = self.operation.path.format(
            **{name: quote(value, safe="") for name, value in self.path_params.items()}
        )
        sent: list[Any] = []
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                sent.append(message)
            else:
                parts.append(message.get("body", b""))

        async with AsyncExitStack() as stack:
            scope: dict[str, Any] = {
                **{
                    name: outer.scope[name]
                    for name in ("http_version", "scheme", "server", "client", "asgi")
                    if name in outer.scope
                },
                "type": "http",
                "method": self.operation.method,
                "root_path": "",
                "path": path,
                "raw_path": path.encode(),
                "query_string": self.query.encode(),
                "headers": self.headers,
                "path_params": dict(self.path_params),
                "app": app,
                "state": {},
                "route": self.operation.route,
                "endpoint": self.operation.route.endpoint,
                "retainer.request_id": outer.scope.get("retainer.request_id"),
                "fastapi_middleware_astack": stack,
                CONNECTION: self.connection,
            }
            await self.operation.route.app(scope, receive, send)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return int(sent[0]["status"]), headers, b"".join(parts)


def _plain(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _check_text(values: Mapping[str, Any]) -> None:
    """Refuses half a surrogate pair before it meets UTF-8; everything else the REST door refuses itself."""
    errors: list[FieldError] = []
    stack: list[tuple[str, Any]] = [(f"/{pointer_part(name)}", value) for name, value in values.items()]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, str):
            if any("\ud800" <= character <= "\udfff" for character in value) or "\x00" in value:
                errors.append(
                    FieldError(pointer, "bad_character", "A NUL character or half a surrogate pair.")
                )
        elif isinstance(value, float):
            errors.append(FieldError(pointer, "not_an_integer", "A number with a fraction or an exponent."))
        elif isinstance(value, dict):
            for name, inner in value.items():
                _push_name(stack, errors, pointer, name, inner)
        elif isinstance(value, Sequence):
            stack.extend((f"{pointer}/{index}", inner) for index, inner in enumerate(value))
    if errors:
        raise Problem("invalid_input", errors=errors[:50])


def _push_name(
    stack: list[tuple[str, Any]], errors: list[FieldError], pointer: str, name: Any, inner: Any
) -> None:
    here = f"{pointer}/{pointer_part(str(name))}"
    if any("\ud800" <= character <= "\udfff" for character in str(name)) or "\x00" in str(name):
        errors.append(FieldError(here, "bad_character", "A NUL character or half a surrogate pair."))
    stack.append((here, inner))
