"""The one transaction boundary: `Database.transaction` and `Database.reading`, and the only commit in the house.

Each transaction carries its tenant (row-level security reads ``app.tenant``), the instant ``at`` (the database's clock,
or the sandbox tenant's own time), who acts, and whether anything may be written.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import Executable, text
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.domain.errors import DomainError

T = TypeVar("T")
_ROLE: Final = "retainer_app"
PATIENCE: Final = 3.0
"""Seconds after which a database that does not answer is not tried again: callers are told, and retry by key."""
GREETING: Final = 2.4
"""Seconds for a transaction's first answer. Two more go by in closing a connection that does not answer."""
START_PATIENCE: Final = 20.0
"""Seconds for which a starting process waits for a database that is not there yet."""
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_LOWER: Final = tuple(range(60, -1, -10))
_BEGIN = text(
    "select set_config('app.tenant', :tenant, true), set_config('lock_timeout', :lock_timeout, true), clock_timestamp()"
)
_TENANT = text(
    "select policy_name, clock_mode, clock_now, suspended, policy_revision, calendar_revision from tenant"
    " where tenant_id = :tenant"
)

_PLANS: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""Every statement of the service looks rows up by an index. A plan that was made while its tables were empty must stay
right when they are full (measured: a batch's write fell from 9 to 19 ms on 10,000 customers, by scanning them twice);
reports that scan a tenant set these back for themselves."""
_LOST: Final = {"57P01", "57P02", "57P03", "08006", "08003", "08000", "08001", "08004", "53300"}


class Unavailable(Exception):  # noqa: N818 - a state, for the doors to tell
    """The database cannot answer now. ``outcome_unknown``: a commit was under way, so retry with the same key."""

    def __init__(self, cause: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.outcome_unknown = outcome_unknown


class Busy(Unavailable):
    """A lock was not had in time, or a bound was reached."""


class Retry(Busy):
    """The work collided with other work and may be tried again; where nobody does, callers are told to."""


class Locked(Busy):
    """Somebody else holds what this work needs; other work may go on."""


_minting: Final = threading.Lock()
_minted = [0]
_head: list[Any] = [-1, ""]
"""The upper 60 bits of the last id and how they are written: the same for most ids of a millisecond."""


def mint(prefix: str) -> str:
    """A new id: prefix, 48 bits of milliseconds, 80 random bits; ids of one process sort in the order of their making.

    Within a millisecond, and should the clock step back, an id is the last one and a random step more: where rules
    fall back on ids (which of two lots is spent, which of two periods begins), an order's first line comes first.
    """
    with _minting:
        now = int(time.time() * 1000)
        if now > _minted[0] >> 80:
            number = (now << 80) | int.from_bytes(os.urandom(10))
        else:
            number = _minted[0] + 1 + int.from_bytes(os.urandom(8))
        _minted[0] = number
        upper = number >> 70
        if upper != _head[0]:
            _head[:] = upper, "".join([_PAIRS[(upper >> shift) & 1023] for shift in range(50, -1, -10)])
        head = _head[1]
    return f"{prefix}_{head}" + "".join([_PAIRS[(number >> shift) & 1023] for shift in _LOWER])


@dataclass(frozen=True, slots=True)
class TenantState:
    """The tenant's row as this transaction sees it."""

    tenant_id: str
    policy_name: str
    virtual: bool
    now: datetime | None
    suspended: bool
    policy_revision: int
    calendar_revision: int


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
    caches: dict[Any, Any] = field(default_factory=dict)
    """Memo of this transaction only."""

    @property
    def tenant_id(self) -> str:
        """The tenant of this transaction."""
        return self.tenant.tenant_id

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Runs one statement."""
        return await self.connection.execute(statement, parameters)

    async def rows(self, statement: Executable, parameters: Any = None) -> Sequence[Any]:
        """All rows of one statement."""
        return (await self.connection.execute(statement, parameters)).all()

    async def row(self, statement: Executable, parameters: Any = None) -> Any:
        """The first row of one statement, or None."""
        return (await self.connection.execute(statement, parameters)).first()

    def mint(self, prefix: str) -> str:
        """A new id with that prefix."""
        return mint(prefix)


class Database:
    """The pool and its transactions. Connects as a role that owns nothing and bypasses nothing (decisions 13)."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        pool_timeout: float = 4.0,
        lock_timeout_ms: int = 3000,
        statement_timeout_ms: int = 20000,
        application_name: str = "retainer",
    ) -> None:
        self.url = url
        self.lock_timeout_ms = lock_timeout_ms
        self.process_cache: dict[Any, Any] = {}
        """Immutable things by (kind, tenant, revision): policies, calendars."""
        self.pool_wait: Callable[[float], None] | None = None
        """Told how many seconds each connection was waited for."""
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_recycle=1800,
            connect_args={
                "timeout": 4,
                "command_timeout": statement_timeout_ms / 1000 + 2,
                "server_settings": {
                    "role": _ROLE,
                    "application_name": application_name,
                    "statement_timeout": str(statement_timeout_ms),
                    "idle_in_transaction_session_timeout": "60000",
                    "timezone": "UTC",
                    **_PLANS,
                },
            },
        )

    async def close(self) -> None:
        """Closes the pool."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        began = time.perf_counter()
        try:
            async with self.engine.connect() as connection:
                if self.pool_wait is not None:
                    self.pool_wait(time.perf_counter() - began)
                yield connection
        except PoolTimeout as error:
            raise Busy("no connection became free in time") from error
        except (
            ConnectionError,
            OSError,
            TimeoutError,
            asyncpg.InterfaceError,
            asyncpg.PostgresConnectionError,
        ) as error:
            raise Unavailable("the database cannot be reached") from error
        except DBAPIError as error:
            raise _translated(error) from error

    async def _begin(
        self, connection: AsyncConnection, tenant_id: str, lock_timeout_ms: int | None = None
    ) -> tuple[TenantState, datetime]:
        patience = self.lock_timeout_ms if lock_timeout_ms is None else lock_timeout_ms
        row = await _greeted(connection, tenant_id, patience)
        clock: datetime = row[2]
        found = (await connection.execute(_TENANT, {"tenant": tenant_id})).first()
        if found is None:
            raise DomainError("tenant_not_found", tenant_id=tenant_id)
        state = TenantState(
            tenant_id, found[0], found[1] == "virtual", found[2], found[3], found[4], found[5]
        )
        return state, (state.now if state.virtual and state.now is not None else clock).astimezone(UTC)

    @asynccontextmanager
    async def transaction(
        self,
        tenant_id: str,
        *,
        actor: str | None = None,
        validate_only: bool = False,
        lock_timeout_ms: int | None = None,
    ) -> AsyncIterator[Tx]:
        """A writing transaction, committed at the end of the block; rolled back on any error or when only validating.

        Raises `Unavailable` or `Busy` when the database cannot serve it; `Locked` when a lock was not had within
        ``lock_timeout_ms`` (the database's own unless given).
        """
        async with self._connection() as connection:
            state, at = await self._begin(connection, tenant_id, lock_timeout_ms)
            yield Tx(connection, state, at, self, actor=actor, validate_only=validate_only)
            await _finish(connection, validate_only)

    @asynccontextmanager
    async def founding(
        self, tenant_id: str, *, actor: str | None = None, validate_only: bool = False
    ) -> AsyncIterator[Tx]:
        """A writing transaction for a tenant that may not be there yet; one at a time for each tenant id.

        ``tenant`` of the transaction is a blank; the use case reads the row itself.
        """
        async with self._connection() as connection:
            row = await _greeted(connection, tenant_id, self.lock_timeout_ms)
            await connection.execute(
                text("select pg_advisory_xact_lock(hashtextextended(:tenant, 7))"), {"tenant": tenant_id}
            )
            state = TenantState(tenant_id, "", False, None, False, 0, 0)
            yield Tx(
                connection, state, row[2].astimezone(UTC), self, actor=actor, validate_only=validate_only
            )
            await _finish(connection, validate_only)

    @asynccontextmanager
    async def rehearsal(self, tenant_id: str, *, policy_name: str, at: datetime) -> AsyncIterator[Tx]:
        """A writing transaction of a tenant made up for it, in a time of its own; always rolled back.

        The block writes the tenant's rows itself. Nothing of it is left, in the database or in the caches.
        """
        async with self._connection() as connection:
            await _greeted(connection, tenant_id, self.lock_timeout_ms)
            state = TenantState(tenant_id, policy_name, True, at, False, 1, 1)
            try:
                yield Tx(connection, state, at, self, actor="rehearsal")
            finally:
                await connection.rollback()
                for key in [one for one in self.process_cache if isinstance(one, tuple) and tenant_id in one]:
                    self.process_cache.pop(key, None)

    @asynccontextmanager
    async def reading(self, tenant_id: str) -> AsyncIterator[Tx]:
        """A read-only snapshot (REPEATABLE READ), always rolled back."""
        async with self._connection() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            state, at = await self._begin(connection, tenant_id)
            try:
                yield Tx(connection, state, at, self, read_only=True)
            finally:
                await connection.rollback()

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
        """Runs ``work`` in a transaction; tries again after a deadlock, a serialization failure or a lost connection
        whose outcome is known. ``work`` must have no effect besides the transaction's.
        """
        began = time.monotonic()
        for attempt in range(1, attempts + 1):
            try:
                async with self.transaction(
                    tenant_id, actor=actor, validate_only=validate_only, lock_timeout_ms=lock_timeout_ms
                ) as tx:
                    answer = await work(tx)
                return answer  # noqa: RET504 - after the commit
            except Retry:
                if attempt == attempts:
                    raise Locked("the work kept colliding with other work") from None
            except Busy:
                raise
            except Unavailable as error:
                if attempt == attempts or error.outcome_unknown or time.monotonic() - began > PATIENCE:
                    raise
            await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    async def read(self, tenant_id: str, work: Callable[[Tx], Awaitable[T]], *, attempts: int = 3) -> T:
        """Runs ``work`` in a read-only snapshot; tries again when the connection was lost."""
        began = time.monotonic()
        for attempt in range(1, attempts + 1):
            try:
                async with self.reading(tenant_id) as tx:
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
            yield connection
            await connection.rollback()

    async def directory_tenant(self, digest: bytes) -> str | None:
        """The tenant that a hash of a key, source or token belongs to."""
        async with self._connection() as connection:
            row = (
                await connection.execute(
                    text("select tenant_id from directory where hash = :hash"), {"hash": digest}
                )
            ).first()
            await connection.rollback()
        return None if row is None else str(row[0])

    async def tenant_ids(self) -> list[str]:
        """All tenants, for the worker (each tenant has a directory row of its own)."""
        async with self._connection() as connection:
            rows = (
                await connection.execute(text("select distinct tenant_id from directory order by tenant_id"))
            ).all()
            await connection.rollback()
        return [str(row[0]) for row in rows]

    async def check_start(self) -> None:
        """`check_role` at the start of a process: a database that is coming up beside it is waited for a while.

        Raises `Unavailable` when it did not come."""
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
        """Refuses to go on if the effective role is superuser or bypasses row-level security, or is a replica's."""
        async with self._connection() as connection:
            row = (
                await connection.execute(
                    text(
                        "select current_user, r.rolsuper, r.rolbypassrls, pg_is_in_recovery()"
                        " from pg_roles r where r.rolname = current_user"
                    )
                )
            ).one()
            await connection.rollback()
        if row[1] or row[2]:
            raise RuntimeError(f"the effective role {row[0]} is superuser or bypasses row-level security")
        if row[3]:
            raise RuntimeError("the database is a replica; the service needs the primary")


async def _greeted(connection: AsyncConnection, tenant_id: str, lock_timeout_ms: int) -> Any:
    """Begins a transaction: (two settings, the database's clock). Any database answers that at once, so one that does
    not is silent, however long its statements may take otherwise: `Unavailable`."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as limit:
            # In two steps, so that an answer which came while this process was busy elsewhere is still taken.
            late = loop.call_later(GREETING, lambda: limit.reschedule(loop.time() + 0.2))
            try:
                given = {"tenant": tenant_id, "lock_timeout": f"{lock_timeout_ms}ms"}
                return (await connection.execute(_BEGIN, given)).one()
            finally:
                late.cancel()
    except TimeoutError:
        raise Unavailable("the database does not answer") from None


async def _finish(connection: AsyncConnection, validate_only: bool) -> None:
    """Commits, or undoes what only validates. `Unavailable` when nobody knows what became of the commit."""
    if validate_only:
        await connection.rollback()
        return
    try:
        await connection.commit()
    except (
        DBAPIError,
        ConnectionError,
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
    ) as error:
        raise Unavailable("the answer to a commit was lost", outcome_unknown=True) from error


def _translated(error: DBAPIError) -> Exception:
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or getattr(
        getattr(getattr(error, "orig", None), "__cause__", None), "sqlstate", None
    )
    if state in {"40001", "40P01"}:
        return Retry(str(state))
    if state == "55P03":
        return Locked("a lock was not had in time")
    if state == "57014":
        return Busy("a statement took too long")
    if state == "25006":
        return Unavailable("the database is read-only")
    if (
        state in _LOST
        or error.connection_invalidated
        or isinstance(error, (InterfaceError, OperationalError))
    ):
        return Unavailable("the database cannot be reached")
    return error
