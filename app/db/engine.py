"""The one transaction boundary: `Database.transaction` and `Database.reading`, and the only commit in the house.

Each transaction carries:

- its tenant (row-level security reads ``app.tenant``)
- the instant ``at`` (the database's clock, or the sandbox tenant's own time)
- who acts, and whether anything may be written
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import Executable, TextClause, text
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.db.address import engine_of
from app.db.budget import BESIDE, HOUSE, Budget, Shares
from app.db.driver import begin, end, fetch
from app.db.failures import DISK_FULL, UNREACHED, Busy, Locked, Retry, StartRefused, Unavailable, meaning_of
from app.db.minting import mint
from app.db.sharing import Peers
from app.db.tenant_state import LIVING_HERE, TenantState
from app.domain.ledger.rest import NotLoaded
from app.domain.values.agent import Agent
from app.domain.values.errors import DomainError

T = TypeVar("T")
APPLICATION_ROLE: Final = "retainer_app"
"""The role of every transaction: it owns nothing and row-level security binds it (decision 0013)."""
PATIENCE: Final = 3.0
"""Seconds after which a database that does not answer is not tried again: callers are told, and retry by key."""
GREETING: Final = 2.4
"""Seconds for a transaction's first answer. Two more go by in closing a connection that does not answer."""
START_PATIENCE: Final = 20.0
"""Seconds for which a starting process waits for a database that is not there yet."""
_SAVEPOINT = text("savepoint refusable")
_ROLL_BACK = text("rollback to savepoint refusable")
_TENANT_OF = text("select tenant_id from directory where hash = :hash")
_ROLE = text(
    "select current_user as role, r.rolsuper, r.rolbypassrls, pg_is_in_recovery() as is_replica from pg_roles r"
    " where r.rolname = current_user"
)
_BEGIN = text("select retainer_begin(:tenant, :lock_timeout, :statement_timeout)")
_ENTER = text("select * from retainer_enter(:tenant, :lock_timeout, :statement_timeout)")
"""Begins for a tenant and looks at its row and its move: what `TenantState` holds, after the clock."""


@dataclass(slots=True)
class Tx:
    """One open transaction of one tenant.

    ``at``: the instant of everything in it. ``validate_only``: writers stop before writing and nothing is committed.
    ``actor``: who acts (a key id, ``worker``, ``operator``).
    """

    connection: AsyncConnection
    tenant: TenantState
    at: datetime
    database: Database
    actor: str | None = None
    validate_only: bool = False
    read_only: bool = False
    command_id: str | None = None
    agent: Agent | None = None
    """Who acts for the vendor, by the helpdesk's id; ``actor`` is the key."""
    customer_id: str | None = None
    """Whose account this call changes, kept with the stored answer of a keyed call."""
    caches: dict[Any, Any] = field(default_factory=dict)
    """Memo of this transaction only."""
    whole: bool = True
    """Whether accounts are read whole, whatever a call would do with a part (`app.db.ledger.window`)."""
    made_due: bool = False
    """Whether something of it is due at once: the worker in this process is told after the commit (`app.db.due`)."""
    peers: Peers | None = None
    """Where several works share this transaction: asked instead of the database, and given what is to be written."""
    moved: set[str] = field(default_factory=set)
    """Customers (our ids) for which this work began again already; kept over its attempts (`app.db.account`)."""

    @property
    def tenant_id(self) -> str:
        """The tenant of this transaction."""
        return self.tenant.tenant_id

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Runs one statement."""
        return await self.connection.execute(statement, parameters)

    async def rows(self, statement: Executable, parameters: Any = None) -> Sequence[Any]:
        """All rows of one statement; a `text` goes straight to the driver (`app.db.driver`)."""
        if type(statement) is TextClause:
            return await fetch(self.connection, statement, parameters)
        return (await self.connection.execute(statement, parameters)).all()

    async def row(self, statement: Executable, parameters: Any = None) -> Any:
        """The first row of one statement, or None."""
        if type(statement) is TextClause:
            found = await fetch(self.connection, statement, parameters)
            return found[0] if found else None
        return (await self.connection.execute(statement, parameters)).first()

    @asynccontextmanager
    async def refusable(self) -> AsyncIterator[None]:
        """Undo what the block writes when it refuses (`DomainError`); the transaction goes on. Once in each."""
        await self.rows(_SAVEPOINT)
        try:
            yield
        except DomainError:
            await self.rows(_ROLL_BACK)
            raise

    def mint(self, prefix: str) -> str:
        """A new id with that prefix."""
        return mint(prefix)


class Database:
    """The pool and its transactions. Connects as a role that owns nothing and bypasses nothing (decision 0013)."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        pool_timeout: float = 4.0,
        lock_timeout_ms: int = 3000,
        statement_timeout_ms: int = 20000,
        application_name: str = "retainer",
        prepared_statements: bool = True,
    ) -> None:
        self.url = url
        self.lock_timeout_ms = lock_timeout_ms
        self.statement_timeout_ms = statement_timeout_ms
        self.process_cache: dict[Any, Any] = {}
        """Immutable things by (kind, tenant, revision): policies, calendars."""
        self.disk_full_at: float | None = None
        """When a write last failed for want of room (`time.monotonic`)."""
        self._on_due: Callable[[], None] | None = None
        self.pool_wait: Callable[[float], None] | None = None
        """Told how many seconds each connection was waited for."""
        self.budget = Budget(Shares(pool_size))
        """What each tenant may take of this process."""
        self._patience = pool_timeout
        self._charged: str | None = None
        self._main = self
        self._alone = partial(
            Database,
            url,
            pool_size=1,
            pool_timeout=pool_timeout,
            lock_timeout_ms=lock_timeout_ms,
            statement_timeout_ms=statement_timeout_ms,
            application_name=application_name,
            prepared_statements=prepared_statements,
        )
        self.engine: AsyncEngine = engine_of(
            url,
            application_name=application_name,
            prepared=prepared_statements,
            command_timeout=statement_timeout_ms / 1000 + 2,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_recycle=1800,
            hide_parameters=True,
        )

    def beside_calls(self) -> Database:
        """The same database and pool, for work that nobody waits for with a call: it has a share of its own."""
        made = copy.copy(self)
        made._charged = BESIDE
        return made

    def on_due(self, wake: Callable[[], None] | None) -> None:
        """Have somebody told after each commit that made something due at once."""
        self._main._on_due = wake

    async def close(self) -> None:
        """Closes the pool."""
        await self.engine.dispose()

    @asynccontextmanager
    async def lend(self, tenant_id: str) -> AsyncIterator[Callable[[], Database]]:
        """One of a tenant's connections, for work beside this event loop: what makes a database of a single one.

        It is made and used in the loop of that work, and closed by it; here it is only counted.
        """
        shares = self.budget.shares
        if not shares.take(tenant_id) and not await shares.wait(tenant_id, self._patience):
            raise Busy("no connection became free in time")
        try:
            yield self._alone
        finally:
            shares.give_back(tenant_id)

    @asynccontextmanager
    async def _connection(self, tenant_id: str = HOUSE) -> AsyncIterator[AsyncConnection]:
        began, shares = time.perf_counter(), self.budget.shares
        tenant_id = self._charged or tenant_id
        if not shares.take(tenant_id) and not await shares.wait(tenant_id, self._patience):
            raise Busy("no connection became free in time")
        try:
            async with self.engine.connect() as connection:
                if self._main.pool_wait is not None:
                    self._main.pool_wait(time.perf_counter() - began)
                yield connection
        except PoolTimeout as error:
            raise Busy("no connection became free in time") from error
        except UNREACHED as error:
            raise Unavailable("the database cannot be reached") from error
        except (DBAPIError, asyncpg.PostgresError) as error:
            translated = meaning_of(error)
            if isinstance(translated, Unavailable) and translated.cause == DISK_FULL:
                self._main.disk_full_at = time.monotonic()
            raise translated from error
        finally:
            shares.give_back(tenant_id)

    async def _greet(
        self,
        connection: AsyncConnection,
        tenant_id: str = "",
        lock_timeout_ms: int | None = None,
        statement: TextClause = _BEGIN,
        *,
        snapshot: bool = False,
    ) -> Any:
        """Begin a transaction as `retainer_app`, for a tenant ("" for none), and return the row: the database's clock.

        Role, tenant, timeouts and plan settings are set for this transaction alone, in its first statement. So a direct
        connection and a pooler in transaction mode do the same (decision 0013). Any database answers that at once. One
        that does not is silent, however long its statements may take otherwise: `Unavailable`.
        """
        loop = asyncio.get_running_loop()
        patience = self.lock_timeout_ms if lock_timeout_ms is None else lock_timeout_ms
        parameters = {
            "tenant": tenant_id,
            "lock_timeout": f"{patience}ms",
            "statement_timeout": f"{self.statement_timeout_ms}ms",
        }
        try:
            async with asyncio.timeout(None) as limit:
                # In two steps, so that an answer which came while this process was busy elsewhere is still taken.
                late = loop.call_later(GREETING, lambda: limit.reschedule(loop.time() + 0.2))
                try:
                    return await begin(connection, statement, parameters, snapshot=snapshot)
                finally:
                    late.cancel()
        except TimeoutError:
            raise Unavailable("the database does not answer") from None

    async def _begin(
        self,
        connection: AsyncConnection,
        tenant_id: str,
        lock_timeout_ms: int | None = None,
        *,
        writes: bool,
        even_moved: bool = False,
        snapshot: bool = False,
    ) -> tuple[TenantState, datetime]:
        row = await self._greet(connection, tenant_id, lock_timeout_ms, _ENTER, snapshot=snapshot)
        clock, policy_name, mode, now, suspended, policy_revision, calendar_revision, move, address = row
        state = TenantState(
            tenant_id, policy_name, mode == "virtual", now, suspended, policy_revision, calendar_revision, move, address
        )
        if not even_moved:
            state.check_home(writes=writes)
            if policy_name is None:
                raise DomainError("tenant_not_found", tenant_id=tenant_id)
        return state, (state.now if state.virtual and state.now is not None else clock).astimezone(UTC)

    @asynccontextmanager
    async def transaction(
        self,
        tenant_id: str,
        *,
        actor: str | None = None,
        validate_only: bool = False,
        lock_timeout_ms: int | None = None,
        moved: set[str] | None = None,
    ) -> AsyncIterator[Tx]:
        """A writing transaction, committed at the end of the block; rolled back on any error or when only validating.

        Raises `Unavailable` or `Busy` when the database cannot serve it; `Locked` when a lock was not had within
        ``lock_timeout_ms`` (the database's own unless given).
        """
        async with self._connection(tenant_id) as connection:
            state, at = await self._begin(connection, tenant_id, lock_timeout_ms, writes=True)
            tx = Tx(connection, state, at, self, actor=actor, validate_only=validate_only)
            tx.moved = set() if moved is None else moved
            yield tx
            await _finish(connection, validate_only)
        if tx.made_due and self._main._on_due is not None and not validate_only:
            self._main._on_due()

    @asynccontextmanager
    async def founding(
        self, tenant_id: str, *, actor: str | None = None, validate_only: bool = False, even_moved: bool = False
    ) -> AsyncIterator[Tx]:
        """A writing transaction for a tenant that may not be there yet; of two that make it, one raises `Retry`.

        ``tenant`` knows its move alone; the use case reads the row itself. ``even_moved``: wherever it lives."""
        async with self._connection(tenant_id) as connection:
            row = await self._greet(connection, tenant_id, statement=_ENTER)
            state = TenantState(tenant_id, "", False, None, False, 0, 0, row.move, row.address)
            if not even_moved:
                state.check_home(writes=True)
            yield Tx(connection, state, row[0].astimezone(UTC), self, actor=actor, validate_only=validate_only)
            await _finish(connection, validate_only)

    async def found(self, tenant_id: str, work: Callable[[Tx], Awaitable[T]], **more: Any) -> T:
        """Runs ``work`` in a `founding` transaction; once more where another process did the same meanwhile."""
        with contextlib.suppress(Retry):
            async with self.founding(tenant_id, **more) as tx:
                answer = await work(tx)
            return answer  # noqa: RET504 - after the commit
        async with self.founding(tenant_id, **more) as tx:
            return await work(tx)

    @asynccontextmanager
    async def rehearsal(
        self, tenant_id: str, *, policy_name: str, at: datetime, charged_to: str = HOUSE
    ) -> AsyncIterator[Tx]:
        """A writing transaction of a tenant made up for it, in a time of its own; always rolled back.

        ``charged_to``: the tenant that it is done for, of whose connections it takes one. The block writes the made-up
        tenant's rows itself. Nothing of it is left, in the database or in the caches.
        """
        async with self._connection(charged_to) as connection:
            await self._greet(connection, tenant_id)
            state = TenantState(tenant_id, policy_name, True, at, False, 1, 1)
            try:
                yield Tx(connection, state, at, self, actor="rehearsal")
            finally:
                await connection.rollback()
                for key in [item for item in self.process_cache if isinstance(item, tuple) and tenant_id in item]:
                    self.process_cache.pop(key, None)

    @asynccontextmanager
    async def reading(self, tenant_id: str, *, even_moved: bool = False) -> AsyncIterator[Tx]:
        """A read-only snapshot (REPEATABLE READ), always rolled back. ``even_moved``: wherever it lives."""
        async with self._connection(tenant_id) as connection:
            state, at = await self._begin(connection, tenant_id, writes=False, even_moved=even_moved, snapshot=True)
            yield Tx(connection, state, at, self, read_only=True, whole=False)
            await end(connection, commit=False)

    async def run(
        self,
        tenant_id: str,
        work: Callable[[Tx], Awaitable[T]],
        *,
        actor: str | None = None,
        validate_only: bool = False,
        attempts: int = 4,
        lock_timeout_ms: int | None = None,
    ) -> T:
        """Run ``work`` in a transaction. Try again after a deadlock, a serialization failure or a lost connection whose
        outcome is known. Try with whole accounts where a part was not enough. ``work`` must have no effect besides the
        transaction's.
        """
        began, moved, whole = time.monotonic(), set[str](), False
        for attempt in range(1, attempts + 2):
            try:
                async with self.transaction(
                    tenant_id, actor=actor, validate_only=validate_only, lock_timeout_ms=lock_timeout_ms, moved=moved
                ) as tx:
                    tx.whole = whole
                    answer = await work(tx)
                return answer  # noqa: RET504 - after the commit
            except NotLoaded:
                whole = True
                continue
            except Retry:
                if attempt >= attempts:
                    raise Locked("the work kept colliding with other work") from None
            except Busy:
                raise
            except Unavailable as error:
                if attempt >= attempts or error.outcome_unknown or time.monotonic() - began > PATIENCE:
                    raise
            await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    async def read(
        self, tenant_id: str, work: Callable[[Tx], Awaitable[T]], *, attempts: int = 3, even_moved: bool = False
    ) -> T:
        """Runs ``work`` in a read-only snapshot; tries again when the connection was lost."""
        began = time.monotonic()
        for attempt in range(1, attempts + 1):
            try:
                async with self.reading(tenant_id, even_moved=even_moved) as tx:
                    return await work(tx)
            except Retry:
                if attempt == attempts:
                    raise
            except Busy:
                raise
            except Unavailable:
                if attempt == attempts or time.monotonic() - began > PATIENCE:
                    raise
            await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[AsyncConnection]:
        """A connection without a tenant, for questions about the database itself; rolled back."""
        async with self._connection() as connection:
            await self._greet(connection)
            yield connection
            await connection.rollback()

    @asynccontextmanager
    async def installing(self) -> AsyncIterator[AsyncConnection]:
        """A writing transaction without a tenant, for what belongs to the installation itself; committed."""
        async with self._connection() as connection:
            await self._greet(connection)
            yield connection
            await connection.commit()

    async def directory_tenant(self, digest: bytes) -> str | None:
        """The tenant that a hash of a key, source or token belongs to."""
        async with self.bare() as connection:
            rows = await fetch(connection, _TENANT_OF, {"hash": digest})
        return str(rows[0][0]) if rows else None

    async def tenant_ids(self) -> list[str]:
        """All tenants that live here, for the worker (each tenant has a directory row of its own)."""
        async with self.bare() as connection:
            rows = await fetch(connection, LIVING_HERE)
        return [str(row[0]) for row in rows]

    async def check_start(self) -> None:
        """`check_role` at a start: waits a while for a database that is coming up; `Unavailable` when it did not."""
        began = time.monotonic()
        while True:
            try:
                await self.check_role()
            except Unavailable:
                if time.monotonic() - began > START_PATIENCE:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def check_role(self) -> None:
        """Refuse to go on unless transactions run as `retainer_app`, bound by row-level security, on a primary.

        `StartRefused` says which of it is not so.
        """
        async with self.bare() as connection:
            row = (await fetch(connection, _ROLE))[0]
        if row.role != APPLICATION_ROLE:
            raise StartRefused(
                f"statements run as {row.role}, not as {APPLICATION_ROLE}: let DATABASE_URL's user become it"
            )
        if row.rolsuper or row.rolbypassrls:
            raise StartRefused(f"the effective role {row.role} is superuser or bypasses row-level security")
        if row.is_replica:
            raise StartRefused("the database is a replica; the service needs the primary")


async def _finish(connection: AsyncConnection, validate_only: bool) -> None:
    """Commits, or undoes what only validates. `Unavailable` when nobody knows what became of the commit."""
    if validate_only:
        await end(connection, commit=False)
        return
    try:
        await end(connection, commit=True)
    except (DBAPIError, asyncpg.PostgresError, *UNREACHED) as error:
        raise Unavailable("the answer to a commit was lost", outcome_unknown=True) from error


async def run_alone(database: Database, statement: TextClause, parameters: dict[str, Any]) -> Sequence[Any]:
    """Run a statement that is a transaction by itself, in one round trip: a function that sets the role first."""
    async with database._connection() as connection:
        try:
            async with asyncio.timeout(GREETING):
                return await fetch(connection, statement, parameters)
        except TimeoutError:
            await connection.invalidate()
            raise Unavailable("the database does not answer") from None
