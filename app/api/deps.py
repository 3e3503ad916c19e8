"""What an operation is given: who calls, a transaction committed before the response leaves, the instants asked about.

This is the only place at the doors that reads the wall clock: keys, tokens and limits live in real time; everything
else takes its instant from the transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Query, Request

from app.api.auth import Principal
from app.api.first_edition import first_form
from app.api.paging import Page, encode_cursor
from app.api.problems import FieldError, Problem
from app.api.reply import Reply
from app.api.state import AppState
from app.api.strict import Body, Instant
from app.domain.values.digests import Said
from app.domain.values.errors import DomainError
from app.domain.values.paging import Part, Slice
from app.usecases.commands import Database, Tx, once
from app.views.shapes import PageOf

T = TypeVar("T")
V = TypeVar("V")
Work = Callable[[Tx], Awaitable[T]]

_KEY_LENGTH: Final = 255


def wall_clock() -> datetime:
    """Real time, for keys, tokens, signatures and limits only."""
    return datetime.now(UTC)


def house(request: Request) -> AppState:
    """The parts of this process."""
    found: AppState = request.app.state.house
    return found


async def authenticate(request: Request) -> Principal:
    """Who calls; 401 otherwise, 429 for an address that failed too often."""
    rooms = house(request)
    header = request.headers.getlist("authorization")
    try:
        principal = await rooms.authenticator.principal(header[0] if len(header) == 1 else None, wall_clock())
    except Problem as refusal:
        if rooms.limiter is not None and refusal.code == "unauthorized":
            rooms.limiter.failed(request)
        raise
    request.scope["retainer.principal"] = principal
    if rooms.limiter is not None:
        rooms.limiter.check(principal, request)
    return principal


Authenticated = Annotated[Principal, Depends(authenticate)]


@dataclass(slots=True)
class Caller:
    """An authenticated caller of one tenant, with the scope the operation needs."""

    principal: Principal
    request: Request
    rooms: AppState
    tenant_id: str

    @property
    def database(self) -> Database:
        """The database, for operations that need several transactions."""
        return self.rooms.database

    @property
    def actor(self) -> str:
        """Who acts, as written beside effects."""
        return self.principal.actor

    @property
    def validate_only(self) -> bool:
        """``?validate_only=true``."""
        return validate_only(self.request)

    def may(self, scope: str) -> bool:
        """Whether the caller carries a further scope."""
        return self.principal.may(scope)

    def require(self, scope: str, code: str = "scope_missing") -> None:
        """403 ``scope_missing``, or another ``code``, unless the caller carries a further scope."""
        if not self.may(scope):
            raise scope_missing(scope, code)

    async def ask(self, work: Work[T]) -> T:
        """What ``work`` finds in a read-only snapshot."""
        found = await self.database.read(self.tenant_id, work)
        if self.principal.customer_id is not None:
            _own(self.principal, self.request, found)
        return found

    async def do(self, work: Work[T]) -> T:
        """What ``work`` answers in a writing transaction, committed (or rolled back when only validating)."""
        async with in_turn(self.database, self.tenant_id, self.request):
            return await self.database.run(
                self.tenant_id, work, actor=self.actor, validate_only=self.validate_only
            )

    async def read(
        self, work: Work[V], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Reply[V]:
        """Answers what ``work`` finds in a read-only snapshot."""
        return Reply(await self.ask(work), status_code=status, headers=dict(headers or {}))

    async def write(
        self, work: Work[V], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Reply[V]:
        """Answers what ``work`` does; for the calls that need no Idempotency-Key (keys, validate, price, simulate)."""
        return Reply(await self.do(work), status_code=status, headers=dict(headers or {}))

    async def page(self, page: Page, work: Callable[[Tx, Part], Awaitable[Slice[V]]]) -> Reply[PageOf[V]]:
        """Answers a page of a list: ``work(tx, part)`` gives that part of it."""
        secrets, context = self.rooms.cursor_secrets, page.context(self.tenant_id)
        part = Part(page.limit, page.after(secrets, self.tenant_id), page.backward)
        found = await self.ask(lambda tx: work(tx, part))
        return page.reply(found, lambda key: encode_cursor(secrets[0], context, key))

    async def short_page(self, page: Page, work: Work[Any]) -> Reply[Any]:
        """Answers a page of a list that ``work`` gives as a whole, since it is short by nature."""
        after = page.after(self.rooms.cursor_secrets, self.tenant_id)
        found = await self.ask(work)
        rows: list[Any] = found["data"]
        start = int(after[0] or 0) if after else 0
        end = start + page.limit
        cursor = None
        if end < len(rows):
            cursor = encode_cursor(self.rooms.cursor_secrets[0], page.context(self.tenant_id), [end])
        headers = {} if cursor is None else {"Link": page.link(cursor)}
        return Reply({**found, "data": rows[start:end], "next_cursor": cursor}, headers=headers)


_OWNERS: Final = ("customer_id", "ticket_id", "order_id", "license_id", "cover_id", "lot_id")
"""Parts of a path by which writes stand in line, the first that is there: all of them lock one customer's row."""
_alone: Final = nullcontext()


def in_turn(
    database: Database, tenant_id: str, request: Request, customer_id: str | None = None
) -> AbstractAsyncContextManager[None]:
    """A write's place behind the earlier ones of the same customer (or ticket, order...), without a connection.

    They would only wait for the same row. What names nobody waits for nobody. 429 ``tenant_busy`` beyond the bound.
    """
    if customer_id is not None:
        return database.budget.writes.turn((tenant_id, "customer_id", customer_id))
    given = request.path_params
    for name in _OWNERS:
        if name in given:
            return database.budget.writes.turn((tenant_id, name, given[name]))
    return _alone


def _own(principal: Principal, request: Request, found: Any) -> None:
    """A customer token sees what names its own customer, in path, query or answer; else there is nothing."""
    asked = request.path_params.get("customer_id") or request.query_params.get("customer_id")
    if asked is None and isinstance(found, dict):
        asked = found.get("customer_id")
    if asked != principal.customer_id:
        raise Problem("not_found")


def validate_only(request: Request) -> bool:
    """``?validate_only=true``; 422 for anything but true and false."""
    given = request.query_params.get("validate_only", "false")
    if given not in ("true", "false"):
        raise Problem(
            "invalid_input",
            errors=[FieldError("/validate_only", "not_a_boolean", "true or false is wanted.", "query")],
        )
    return given == "true"


def scope_missing(scope: str, code: str = "scope_missing") -> Problem:
    """403 naming the scope."""
    return Problem(code, f"The key does not carry the scope {scope}.", scope=scope)


class Scoped:
    """The dependency behind `scoped`; ``scopes`` are read for the contract and the permission matrix."""

    def __init__(
        self,
        *scopes: str,
        operator: bool = False,
        tenant_in: str | None = None,
        code: str = "scope_missing",
    ) -> None:
        self.scopes = scopes
        self.operator = operator
        self.tenant_in = tenant_in
        self.code = code

    async def __call__(self, request: Request, principal: Authenticated) -> Caller:
        """The caller, or 403."""
        validate_only(request)
        if principal.kind == "operator":
            tenant_id = self._operators_tenant(request)
        else:
            if not any(principal.may(one) for one in self.scopes):
                raise scope_missing(self.scopes[0], self.code)
            tenant_id = str(principal.tenant_id)
            if self.tenant_in == "path" and request.path_params.get("tenant_id") != tenant_id:
                raise Problem("tenant_not_found")
            if self.tenant_in == "query" and request.query_params.get("tenant_id", tenant_id) != tenant_id:
                raise Problem("tenant_not_found")
        if principal.customer_id is not None:
            asked = request.path_params.get("customer_id") or request.query_params.get("customer_id")
            if request.method != "GET":
                raise Problem("customer_token_not_allowed")
            if asked is not None and asked != principal.customer_id:
                raise Problem("not_found")
        return Caller(principal, request, house(request), tenant_id)

    def _operators_tenant(self, request: Request) -> str:
        if not self.operator:
            raise Problem("operator_not_allowed")
        given = (request.path_params if self.tenant_in == "path" else request.query_params).get("tenant_id")
        if not given:
            raise Problem(
                "invalid_input",
                errors=[FieldError("/tenant_id", "required", "The operator names the tenant.", "query")],
            )
        return str(given)


def scoped(*scopes: str, code: str = "scope_missing") -> Any:
    """``Annotated[Caller, scoped("tickets:write")]``: a caller with (one of) these; 401, 403 otherwise.

    ``code``: of the refusal, where it says more than that a scope is missing.
    """
    return Depends(Scoped(*scopes, code=code))


def operator_or_owner(*, tenant_in: str) -> Any:
    """The operator for the tenant named in the ``path`` or the ``query``, or a key of that tenant with ``*``."""
    return Depends(Scoped("*", operator=True, tenant_in=tenant_in))


@dataclass(slots=True)
class Operator:
    """The operator of the installation."""

    request: Request
    rooms: AppState

    actor: str = "operator"

    @property
    def validate_only(self) -> bool:
        """``?validate_only=true``."""
        return validate_only(self.request)


async def _operator(request: Request, principal: Authenticated) -> Operator:
    if principal.kind != "operator":
        raise Problem("operator_only")
    validate_only(request)
    return Operator(request, house(request))


OperatorOnly = Annotated[Operator, Depends(_operator)]


@dataclass(slots=True)
class Keyed:
    """How a write is made idempotent: by its natural key, or by the Idempotency-Key header."""

    principal: Principal
    request: Request
    rooms: AppState

    async def natural(
        self,
        work: Work[tuple[int, V]],
        *,
        headers: Mapping[str, str] | None = None,
        customer_id: str | None = None,
    ) -> Reply[V]:
        """For PUT on somebody else's id: ``work`` answers (201 or 200, view).

        ``customer_id``: whose write it is, where the body says so."""
        async with in_turn(self.rooms.database, self._tenant, self.request, customer_id):
            status, view = await self.rooms.database.run(
                self._tenant, work, actor=self.principal.actor, validate_only=validate_only(self.request)
            )
        return Reply(view, status_code=status, headers=dict(headers or {}))

    async def keyed(
        self, kind: str, ids: Mapping[str, Any], body: Body, work: Work[V], *, status: int = 200
    ) -> Reply[V]:
        """For every other write that moves credits or time. ``ids`` of the path and the ``body`` tell calls apart.

        400 without the header; the first answer again with ``Idempotent-Replayed: true``; 422 with another payload.
        """
        key = idempotency_key(self.request)
        said = Said({**ids, **body.said()}, lambda: {**ids, **first_form(body)})
        actor = self.principal.actor

        async def run(tx: Tx) -> tuple[int, V, bool]:
            return await once(tx, key, kind, said, actor, work, status=status)

        try:
            async with in_turn(self.rooms.database, self._tenant, self.request):
                code, view, replayed = await self.rooms.database.run(
                    self._tenant, run, actor=actor, validate_only=validate_only(self.request)
                )
        except DomainError as error:
            if error.code == "request_in_flight":
                raise Problem("request_in_flight", headers={"Retry-After": "1"}) from None
            raise
        if replayed and (figures := self.request.scope.get("retainer.figures")) is not None:
            figures.replays.inc()
        return Reply(view, status_code=code, headers={"Idempotent-Replayed": "true"} if replayed else {})

    @property
    def _tenant(self) -> str:
        if self.principal.tenant_id is None:
            raise Problem("operator_not_allowed")
        return self.principal.tenant_id


async def _keyed(request: Request, principal: Authenticated) -> Keyed:
    return Keyed(principal, request, house(request))


KeyedCall = Annotated[Keyed, Depends(_keyed)]
"""See `Keyed`. The scope is checked by the operation's `scoped` caller, so every operation declares both."""


def idempotency_key(request: Request) -> str:
    """The Idempotency-Key header, with or without the quotes of a structured field. 400 when missing or malformed."""
    given = request.headers.getlist("idempotency-key")
    if not given or not given[0].strip():
        raise Problem("idempotency_key_missing")
    key = given[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(given) > 1 or not 1 <= len(key) <= _KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise Problem("idempotency_key_malformed")
    return key


@dataclass(frozen=True, slots=True)
class AsOfPoint:
    """The instants asked about: how it stood at ``as_of``, by what was known at ``known_at``; None is now."""

    as_of: datetime | None
    known_at: datetime | None


def _as_of(
    as_of: Annotated[Instant | None, Query(description="How it stood then")] = None,
    known_at: Annotated[Instant | None, Query(description="By what was recorded by then")] = None,
) -> AsOfPoint:
    return AsOfPoint(as_of, known_at)


AsOf = Annotated[AsOfPoint, Depends(_as_of)]
"""Declares ``as_of`` and ``known_at``."""


async def flush_last_used(rooms: AppState) -> None:
    """Writes when keys were last used; called now and then, never on the way of a request."""
    from app.usecases import keys

    collected, rooms.authenticator.last_used = rooms.authenticator.last_used, {}
    for tenant_id, last in collected.items():
        await rooms.database.run(tenant_id, lambda tx, last=last: keys.note_used(tx, last))  # type: ignore[misc]
        await asyncio.sleep(0)
