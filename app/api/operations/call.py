"""A call of an operation, as its function sees it: who calls, a transaction, the instants, the part of a list.

It knows nothing of the door that it came through. A write is committed before its answer leaves.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from app.api.auth import Principal
from app.api.fields import Body
from app.api.first_edition import first_form
from app.api.headers import Conditions
from app.api.operations.asides import WHOLE, without_asides
from app.api.operations.table import Operation, scope_missing
from app.api.paging import PageQuery, decode_cursor, encode_cursor
from app.api.problems import FieldError, Problem
from app.api.state import AppState, BalanceReader
from app.domain.values.agent import Agent
from app.domain.values.digests import CallContent
from app.domain.values.errors import DomainError
from app.domain.values.paging import Key, Page, PageRequest
from app.domain.values.phrase import english
from app.usecases.commands import Database, Gathered, Tx, once
from app.usecases.customers import own
from app.views.balance import Balance
from app.views.shapes import PageOf

T = TypeVar("T")
V = TypeVar("V")
JSON = dict[str, Any]
Work = Callable[[Tx], Awaitable[T]]

NO_STORE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}
"""For answers that show a secret once."""
KEY_LENGTH: Final = 255
ROWS_MAX: Final = 100
"""Rows of each list in an answer that holds several lists."""
NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Answer(Generic[V]):
    """What an operation answered. ``encoded``: its view as JSON already, where whoever made it wrote it so."""

    view: V
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False
    encoded: bytes | None = None
    text: tuple[str, str] | None = None
    """The same as text for REST, after its media type, where the call asked for that."""
    lines: AsyncIterator[bytes] | None = None
    """The answer line by line, of an operation whose media type has lines."""
    versioned: bool = False
    """Whether its ETag names all of the view, so that a caller who has it is told so (304)."""
    rest: Callable[[], Awaitable[Mapping[str, Any]]] | None = None
    """All of what the view shows a part of, for a door that asks for more; whoever may write it may see it."""
    after: Callable[[], Awaitable[None]] | None = None
    """What is done once the answer has left."""

    @property
    def plain(self) -> Any:
        """Return the view, read from its JSON where need be."""
        return self.view if self.encoded is None else msgspec.json.decode(self.encoded)


@dataclass(frozen=True, slots=True)
class Raw:
    """A body as it was sent, and the headers by their names in small letters."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Call:
    """One call. ``database`` is the query's snapshot where a GraphQL query asks."""

    operation: Operation
    principal: Principal
    tenant_id: str
    rooms: AppState
    database: Database
    balances: BalanceReader
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    """Parameters as they were given."""
    keys: Sequence[str] = ()
    """Every Idempotency-Key that was given."""
    conditions: Conditions = field(default_factory=Conditions)
    validate_only: bool = False
    page_query: PageQuery | None = None
    """The part of a list."""
    on_replay: Callable[[], None] = lambda: None
    ids: Mapping[str, Any] = field(default_factory=dict)
    """The checked values of the path."""
    sent: Raw | None = None
    agent: Agent | None = None
    """Who acts for the vendor, where the body says so."""
    in_query: Callable[[str, Work[Any]], Awaitable[Any]] | None = None
    """Reads in the query's snapshot, which it may share."""

    @property
    def actor(self) -> str:
        """Return who acts, as written beside effects."""
        return self.principal.actor

    @property
    def raw(self) -> Raw:
        """Return the body as it was sent."""
        assert self.sent is not None  # noqa: S101 - declared by the operation
        return self.sent

    @property
    def page(self) -> PageQuery:
        """Return the part of a list that is wanted."""
        assert self.page_query is not None  # noqa: S101 - declared by the operation
        return self.page_query

    @property
    def members(self) -> Sequence[str] | None:
        """Return the members of a row that the caller asks for; None: all.

        What a customer may see of a row hangs on the whole of it, so for one all is worked out.
        """
        return self.page.members if self.principal.customer_id is None else None

    def may(self, scope: str) -> bool:
        """Whether the caller carries a further scope."""
        return self.principal.may(scope)

    def require(self, scope: str, code: str = "scope_missing") -> None:
        """Raise 403 ``scope_missing``, or another ``code``, unless the caller carries a further scope."""
        if not self.may(scope):
            raise scope_missing(scope, code)

    # reading ----------------------------------------------------------------------------------------------------------

    async def read(self, work: Work[T], *, owned: bool = False, shared: bool = False) -> T:
        """Return what ``work`` finds in a read-only snapshot. ``owned``: it looks itself whose it is.

        ``shared``: the snapshot may be shared with reads that came at the same time. ``work`` must then take a bounded
        time, and read most by the common statements for that (`app.db.combined`).
        """
        read = self._read_shared if shared else self._read
        if self.principal.customer_id is None:
            return await read(work)
        try:
            found = await read(work)
        except DomainError as refusal:  # what it says of the thing beyond the thing's id would tell whether it exists
            absent = self._absent()
            raise (absent if not owned and absent.code == refusal.code else refusal) from None
        if not owned:
            self._own(found)
        return self._shown(found)

    async def _read(self, work: Work[T]) -> T:
        return await self.database.read(self.tenant_id, work)

    async def _read_shared(self, work: Work[T]) -> T:
        if self.in_query is not None:
            return cast(T, await self.in_query(self.tenant_id, work))
        if self.database is not self.rooms.database:
            return await self._read(work)
        outcome = await self.rooms.reads.submit(self.tenant_id, Gathered(work))
        if outcome.refusal is not None:
            raise outcome.refusal
        return await self._read(work) if outcome.alone else cast(T, outcome.answer)

    def _shown(self, found: T) -> T:
        """Return an answer as a customer may see it; an export of a person's things keeps what was written."""
        theirs = _for_customers(found)
        return cast(T, theirs if self.operation.id in WHOLE else without_asides(theirs))

    async def balance(self, customer_id: str) -> Balance:
        """Return a balance now: those asked for at once are read shared_calls. 404 ``customer_not_found``."""
        found = await self.balances.submit(self.tenant_id, customer_id)
        if isinstance(found, DomainError):
            raise found
        return found

    async def pages(
        self, work: Callable[[Tx, PageRequest], Awaitable[Page[V]]], *, shared: bool = False
    ) -> Answer[PageOf[V]]:
        """Answer a page of a list: ``work(tx, part)`` gives that part of it. ``shared``: see `read`."""
        secrets, page = self.rooms.cursor_secrets, self.page
        context = page.context(self.tenant_id)
        part = PageRequest(page.limit, page.after(secrets, self.tenant_id), page.backward)
        found = await self.read(lambda tx: work(tx, part), shared=shared)
        view = page.view(found, lambda key: encode_cursor(secrets[0], context, key))
        return Answer(view, headers=page.headers(view))

    async def pages_of(self, every: Sequence[str], view_of: Callable[[str], Awaitable[V | None]]) -> Answer[PageOf[V]]:
        """Answer a page of a list of names in order; a name without a view is left out of it."""
        secrets, page = self.rooms.cursor_secrets, self.page
        after = page.after(secrets, self.tenant_id)
        part = PageRequest(page.limit, after, page.backward)
        first = "" if after is None else str(after[0])
        if part.backward:
            names = [name for name in reversed(every) if after is None or name < first]
        else:
            names = [name for name in every if name > first]
        rows, more = part.trim(names[: part.most])
        found = part.page_of(rows, more, [await view_of(name) for name in rows], lambda name: [name])
        context = page.context(self.tenant_id)
        view = page.view(found, lambda key: encode_cursor(secrets[0], context, key))
        return Answer(view, headers=page.headers(view))

    async def short_page(self, work: Work[Any]) -> Answer[Any]:
        """Answer a page of a list that ``work`` gives as a whole, since it is short by nature."""
        secrets, page = self.rooms.cursor_secrets, self.page
        after = page.after(secrets, self.tenant_id)
        found = await self.read(work)
        rows: list[Any] = found["data"]
        start = int(after[0] or 0) if after else 0
        end = start + page.limit
        cursor = None
        if end < len(rows):
            cursor = encode_cursor(secrets[0], page.context(self.tenant_id), [end])
        view = {**found, "data": rows[start:end], "next_cursor": cursor}
        return Answer(view, headers=page.headers(view))

    async def lines(
        self, work: Callable[[Tx, PageRequest], Awaitable[Page[Any]]], *, rows: int, after: str | None
    ) -> AsyncIterator[bytes]:
        """Return the rows of a list from a position on as lines of JSON, each with its position.

        The first part is read before this returns, so that a refusal is an answer. What fails later breaks off.
        """
        secrets, context = self.rooms.cursor_secrets, json.dumps([self.tenant_id, self.operation.id, dict(self.path)])
        key = None if after is None else decode_cursor(secrets, context, after)

        async def read(key: Key | None) -> Page[Any]:
            return await self.read(lambda tx: work(tx, PageRequest(rows, key)))

        async def every(page: Page[Any]) -> AsyncIterator[bytes]:
            while True:
                positions = [encode_cursor(secrets[0], context, key) for key in page.keys]
                every_row = zip(page.rows, positions, strict=True)
                yield b"".join(
                    msgspec.json.encode({**row, "position": at}, enc_hook=english) + b"\n" for row, at in every_row
                )
                if page.more is None:
                    return
                page = await read(page.more)

        return every(await read(key))

    def start_of(self, lists: Sequence[str], cursor: str | None) -> int:
        """Return where a cursor of `first_rows` goes on. 400 ``cursor_invalid``, before anything is read."""
        context = self._rows_context(lists)
        return 0 if cursor is None else int(decode_cursor(self.rooms.cursor_secrets, context, cursor)[0] or 0)

    def first_rows(self, view: V, lists: Sequence[str], start: int = 0) -> V:
        """Return a view with at most `ROWS_MAX` rows of each of these lists, from a row on.

        Its `next_cursor` goes on in each list that has more.
        """
        whole: Mapping[str, Any] = view  # type: ignore[assignment]
        end = start + ROWS_MAX
        if start == 0 and not any(len(whole[name]) > end for name in lists):
            return view
        more = any(len(whole[name]) > end for name in lists)
        cut = {name: whole[name][start:end] for name in lists}
        context = self._rows_context(lists)
        next_cursor = encode_cursor(self.rooms.cursor_secrets[0], context, [end]) if more else None
        return cast(V, {**whole, **cut, "next_cursor": next_cursor})

    def _rows_context(self, lists: Sequence[str]) -> str:
        return json.dumps([self.tenant_id, sorted(lists), sorted(self.path.items())])

    def _own(self, found: Any) -> None:
        """A customer token sees what names its own customer, in path, query or answer; else there is no such thing."""
        customer_id = self.path.get("customer_id") or self.query.get("customer_id")
        owners = [customer_id]
        if customer_id is None and isinstance(found, dict):  # a ticket is its person's, and the company's that pays
            owners = [found.get("customer_id"), found.get("company_id")]
        if not any(self.principal.is_own(owner) for owner in owners):
            raise self._absent()

    def _absent(self) -> Problem | DomainError:
        """Return the refusal of a thing that nobody has. What is another customer's is refused by the same words."""
        for name in _THINGS:
            if name in self.path:
                return DomainError(f"{name.removesuffix('_id')}_not_found", **{name: self.path[name]})
        return Problem("not_found")

    # writing ----------------------------------------------------------------------------------------------------------

    async def write(self, work: Work[T], *, customer_id: str | None = None) -> T:
        """Return what ``work`` answers in a writing transaction, committed (or rolled back when only validating).

        ``customer_id``: whose write it is, where the body says so.
        """

        customer = self.principal.customer_id

        async def acted(tx: Tx) -> T:
            tx.agent = self.agent
            if customer is not None and "ticket_id" in self.path:
                await own.require_ticket(tx, customer, self.path["ticket_id"])
            return await work(tx)

        async with self.in_turn(customer_id):
            found = await self.database.run(self.tenant_id, acted, actor=self.actor, validate_only=self.validate_only)
        return found if customer is None else self._shown(found)

    def check_customer(self, body: Body, *members: str) -> bool:
        """Return whether a customer acts by a token. 403 where its body says what only the vendor may say.

        ``members``: what a customer may say of it.
        """
        if self.principal.customer_id is None:
            return False
        vendors = sorted(body.model_dump(exclude_defaults=True).keys() - set(members))
        if vendors:
            errors = [FieldError(f"/{name}", "vendor_only", "The vendor says this.") for name in vendors]
            raise Problem("customer_token_not_allowed", "Only the vendor says this.", errors=errors)
        return True

    async def write_shared(self, work: Work[T], customer_id: str | None = None) -> T:
        """`write`, in one transaction with writes of other customers that came at the same time.

        ``work`` must read and write by the common statements for that (`app.db.shared_calls`); else it runs alone.
        ``customer_id``: whose write it is; None where the path names a ticket.
        """
        if self.validate_only or self.principal.customer_id is not None:
            return await self.write(work, customer_id=customer_id)
        async with self.in_turn(customer_id):
            group = f"ticket {self.path['ticket_id']}" if customer_id is None else customer_id
            gathered = Gathered(work, group, self.actor, self.agent)
            outcome = await (await self.rooms.shared.submit(self.tenant_id, gathered)).whole()
        if outcome.refusal is not None:
            raise outcome.refusal
        return await self.write(work, customer_id=customer_id) if outcome.alone else cast(T, outcome.answer)

    async def natural(
        self,
        work: Work[tuple[int, V]],
        *,
        headers: Mapping[str, str] = NOTHING,
        customer_id: str | None = None,
        shared: bool = False,
    ) -> Answer[V]:
        """Answer a write that its own id makes idempotent: ``work`` gives (201 or 200, view).

        ``shared``: as `write_shared` does, for a write that names its customer.
        """
        if shared and customer_id is not None:
            status, view = await self.write_shared(work, customer_id)
        else:
            status, view = await self.write(work, customer_id=customer_id)
        return Answer(view, status, headers)

    async def keyed(
        self, kind: str, body: Body, work: Work[V], *, ids: Mapping[str, Any] | None = None, shared: bool = False
    ) -> Answer[V]:
        """Answer a write that an Idempotency-Key makes idempotent. ``ids`` (of the path) and ``body`` tell calls apart.

        400 without the key; the first answer again, as a replay; 422 with another payload. ``shared``: as
        `write_shared` does, for a verb on a ticket.
        """
        named = self.ids if ids is None else ids
        content = CallContent({**named, **body.content()}, lambda: {**named, **first_form(body)})
        key = self.idempotency_key()

        async def run(tx: Tx) -> tuple[int, V, bool]:
            return await once(tx, key, kind, content, self.actor, work, status=self.operation.status)

        try:
            status, view, replayed = await (self.write_shared(run) if shared else self.write(run))
        except DomainError as error:
            if error.code == "request_in_flight":
                raise Problem("request_in_flight", headers={"Retry-After": "1"}) from None
            raise
        if replayed:
            self.on_replay()
        return Answer(view, status, replayed=replayed)

    def idempotency_key(self) -> str:
        """Return the Idempotency-Key. Raise 400 where it is missing or malformed."""
        return checked_key(self.keys)

    def in_turn(self, customer_id: str | None = None) -> AbstractAsyncContextManager[None]:
        """Take a write's place behind the earlier ones of the same customer (or ticket, order), without a connection.

        They would only wait for the same row. What names nobody waits for nobody. 429 ``tenant_busy`` beyond the bound.
        """
        turn = self.database.budget.writes.turn
        if customer_id is not None:
            return turn((self.tenant_id, "customer_id", customer_id))
        for name in _OWNERS:
            if name in self.path:
                return turn((self.tenant_id, name, self.path[name]))
        return _alone


_OWNERS: Final = ("customer_id", "ticket_id", "order_id", "license_id", "cover_id", "lot_id")
"""Parts of a path by which writes stand in line, the first that is there: all of them lock one customer's row."""
_THINGS: Final = (
    "ticket_id",
    "license_id",
    "cover_id",
    "choice_id",
    "lot_id",
    "entry_id",
    "order_id",
    "clock_id",
    "hold_id",
    "event_id",
)
"""Parts of a path that name a thing of a customer's. Each begins the code of its absence: ``ticket_not_found``."""
_alone: Final = nullcontext()


def checked_key(keys: Sequence[str]) -> str:
    """Return the one key, with or without the quotes of a structured field. Raise 400 when missing or malformed."""
    if not keys or not keys[0].strip():
        raise Problem("idempotency_key_missing")
    key = keys[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(keys) > 1 or not 1 <= len(key) <= KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise Problem("idempotency_key_malformed")
    return key


def answer_of(operation: Operation, found: Any) -> Answer[Any]:
    """Return what an operation's function returned as an answer."""
    return found if isinstance(found, Answer) else Answer(found, operation.status)


def beside_ticket(ticket: Any, found: V) -> V:
    """Return what is said of a ticket as its customer may see it: nothing of agreements between the vendor's teams."""
    return cast(V, _for_customers({"clocks": ticket["clocks"], "found": found})["found"])


class _Hidden(NamedTuple):
    """Agreements between the vendor's teams: their milestones, and our ids of their clocks."""

    milestones: frozenset[str] = frozenset()
    clocks: frozenset[str] = frozenset()


_NOTHING_HIDDEN: Final = _Hidden()
_FREE: Final = frozenset({"attributes", "facts", "inputs", "metadata", "profile", "result"})
"""Members that hold what callers wrote, by names of their own."""
_OF_CLOCKS: Final = ("clock_id", "entity_id", "subject")
"""Columns that name a clock."""
_INSIDE: Final = ("spec", "data", "payload", "add", "milestones")
"""Members of a row, and of what was recorded, that say what the row is about."""


def _for_customers(found: Any, hidden: _Hidden = _NOTHING_HIDDEN) -> Any:
    """Return an answer without the clocks and milestones of agreements between the vendor's teams.

    ``hidden``: those of the ticket that is in hand, or of all tickets of an export.
    """
    if isinstance(found, dict):
        clocks = found.get("clocks")
        if isinstance(clocks, list):
            theirs = [clock for clock in clocks if _of_a_team(clock, hidden)]
            hidden = _Hidden(
                frozenset(clock["milestone"] for clock in theirs), frozenset(clock["clock_id"] for clock in theirs)
            )
        return {name: value if name in _FREE else _member(name, value, hidden) for name, value in found.items()}
    if isinstance(found, tuple) and not hasattr(found, "_fields"):  # status, view, and whether it is a replay
        return tuple(_for_customers(item, hidden) for item in found)
    if isinstance(found, list):
        return [_for_customers(item, hidden) for item in found if not _of_a_team(item, hidden)]
    return replace(found, rows=_for_customers(list(found.rows))) if isinstance(found, Page) else found


def _member(name: str, value: Any, hidden: _Hidden) -> Any:
    if name != "answer" or not isinstance(value, str):
        return _for_customers(value, hidden)
    answered = msgspec.json.decode(value)  # what a call was answered, as it was written
    return msgspec.json.encode(_for_customers(answered, hidden)).decode()


def _of_a_team(item: Any, hidden: _Hidden) -> bool:
    """Whether a row of a list is about such an agreement, as an answer shows it or as an export has it from a table."""
    if not isinstance(item, dict):
        return False
    if "team" in item or _in(item.get("milestone"), hidden.milestones):
        return True
    return any(_in(item.get(name), hidden.clocks) for name in _OF_CLOCKS) or any(
        _of_a_team(item.get(name), hidden) for name in _INSIDE
    )


def _in(value: Any, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names
