"""The composition root: everything is made here, once, and passed down."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import hashlib
import logging
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app import __version__, worker
from app.api import graphql, handlers, who
from app.api.auth import Authenticator, TokenVerifier
from app.api.deps import flush_last_used
from app.api.limits import Limits
from app.api.mcp import door as mcp
from app.api.middleware import Edge, cross_origin
from app.api.observability import TELEMETRY, Figures, configure_logging, shared_folder
from app.api.operations import registry
from app.api.outside import Outside
from app.api.pages import docs, markdown
from app.api.pages import registry as pages
from app.api.problems import register
from app.api.rest import meta
from app.api.rest.binder import routes_of
from app.api.state import AppState, BalanceReader, CodeFlow, CreditsWriter, SharedQueries, SharedReads, SharedWrites
from app.connectors import inbound
from app.connectors.webhooks import deliveries
from app.db import agenda, shared_calls, shared_reads
from app.db.budget import Budget
from app.db.engine import Database
from app.db.failures import Elsewhere
from app.db.gather import Gatherer, GatherStats, Join
from app.db.peers import Outcome, Work
from app.db.secrets import Cipher, check_key
from app.db.shared_reads import Seat
from app.domain.policy.reason_codes import reason_codes
from app.domain.values.errors import DomainError
from app.settings import Settings
from app.usecases.agenda import HANDLERS
from app.usecases.clocks import sweeps
from app.usecases.credits import accounts
from app.usecases.credits import credits as ledger
from app.usecases.credits.credit_command import CreditCommand, CreditResult
from app.usecases.reports import figures, health
from app.usecases.tenants import tenants
from app.views.balance import Balance

SANDBOX_START: Final = datetime(2025, 1, 1, tzinfo=UTC)
LAST_USED_SECONDS: Final = 20.0
NEIGHBOURS_WAIT_MS: Final = 250
"""How long a batch waits for a customer that somebody else holds locked, before it goes on without it."""
GC_THRESHOLDS: Final = (20_000, 20, 20)
"""What a request leaves behind is freed by counting references; looking for cycles every 700 objects costs a tenth."""
_log = logging.getLogger("retainer")


SWITCH_SECONDS: Final = 0.0005
"""How long a thread that computes (a check, a simulation) keeps the interpreter from the event loop: a tenth of what
Python lets it. Beside six callers who have drafts checked, another tenant's median was 7 times its quiet
value, now 3."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. It connects when it starts, not when it is made."""
    chosen, _ = (settings or Settings.read()).with_secrets(create=False)
    sys.setswitchinterval(SWITCH_SECONDS)
    app = FastAPI(
        title="Retainer",
        version=__version__,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    app.state.settings = chosen
    app.state.figures = Figures()
    app.state.contract = None
    handlers.install(app)
    app.add_middleware(Edge, figures=app.state.figures)
    if chosen.cors_origins:
        app.add_middleware(CORSMiddleware, **cross_origin(chosen.cors_origins))
    if chosen.public_url is not None or chosen.trusted_proxies:
        app.add_middleware(Outside, public_url=chosen.public_url, proxies=chosen.trusted_proxies)
    register(reason_codes(policy for policy, _ in tenants.templates().values()))
    app.router.routes.extend(pages.first_routes())
    app.router.routes.extend(routes_of(registry.operations()))
    app.router.routes.extend(meta.router.routes)
    app.router.routes.extend(docs.router.routes)
    app.router.routes.extend(who.router.routes)
    app.router.routes.extend(markdown.router.routes)
    app.router.routes.extend(mcp.router.routes)
    app.router.routes.extend(pages.routes())
    graphql.mount(app)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    configure_logging(settings.log_level)
    if settings.database_url is None:
        raise RuntimeError("no database: set DATABASE_URL, or use `retainer serve`, which brings its own")
    database = Database(
        settings.database_url, pool_size=settings.pool_size, prepared_statements=settings.prepared_statements
    )
    try:
        await database.check_start()
        ledger_writer = gatherer(settings, database, app.state.figures)
        balances = balance_reader(settings, database)
        gathered = shared_writes(settings, database)
        reads, queries = shared_reader(settings, database), shared_snapshots(settings, database)
        state = app.state.house = state_of(
            settings, database, ledger_writer, balances, gathered, reads=reads, queries=queries
        )
        database.pool_wait = app.state.figures.pool_wait.observe
        app.state.figures.samples.append(functools.partial(samples, database, ledger_writer.stats))
        app.state.figures.shared.append(state.watch.sample)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(state.watch.close)
            await stack.enter_async_context(mcp.agents(app))
            if shared_folder() is not None:
                await stack.enter_async_context(_background(_refresh_forever(app.state.figures)))
            stack.push_async_callback(ledger_writer.close)
            stack.push_async_callback(balances.close)
            stack.push_async_callback(gathered.close)
            stack.push_async_callback(reads.close)
            stack.push_async_callback(queries.close)
            await stack.enter_async_context(_background(flush_forever(state)))
            if settings.worker_in_process:
                await stack.enter_async_context(_working(state, settings))
            app.state.figures.processes.set(1)
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            gc.enable()
            yield
            app.state.stopping = True
    finally:
        await database.close()


def state_of(
    settings: Settings,
    database: Database,
    credits: CreditsWriter,
    balances: BalanceReader,
    gathered: SharedWrites,
    *,
    reads: SharedReads,
    queries: SharedQueries,
) -> AppState:
    """The parts that the doors are given."""
    operator = settings.operator_key.get_secret_value() if settings.operator_key else None
    cursor_secrets = [hashlib.sha256(b"cursor\x00" + key.encode()).digest() for key in settings.secret_keys()]
    limits = Limits(
        per_key=settings.rate_limit_per_key, per_tenant=settings.rate_limit_per_tenant, processes=settings.workers
    )
    return AppState(
        settings=settings,
        database=database,
        authenticator=Authenticator(database, operator, verifier=_verifier(settings, database)),
        cursor_secrets=tuple(cursor_secrets),
        limiter=limits,
        credits=credits,
        balances=balances,
        shared=gathered,
        reads=reads,
        queries=queries,
        inbox=inbound.inbox_of(settings),
        cipher=Cipher(*settings.secret_keys()),
        watch=figures.Watch(),
        code_flow=_code_flow(settings),
    )


def gatherer(settings: Settings, database: Database, figures: Figures) -> Gatherer[CreditCommand, CreditResult]:
    """Collects concurrent ledger commands into one transaction (decision 0002)."""

    async def patient(tenant_id: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        return await run(tenant_id, commands, join, lock_timeout_ms=None)

    async def run(
        tenant_id: str,
        commands: Sequence[CreditCommand],
        join: Join,
        *,
        lock_timeout_ms: int | None = NEIGHBOURS_WAIT_MS,
    ) -> Sequence[CreditResult]:
        results = await database.run(
            tenant_id, lambda tx: ledger.apply(tx, commands, join=join), lock_timeout_ms=lock_timeout_ms
        )
        for command, result in zip(commands, results, strict=True):
            if result.replayed:
                figures.replays.inc()
            if command.kind == "debit":
                outcome = "replayed" if result.replayed else result.error.code if result.error else "done"
                figures.debits.labels(outcome).inc()
        return results

    return Gatherer(
        run,
        patient=patient,
        group_of=lambda command: command.subject,
        in_flight=settings.ledger_in_flight,
        tenants=tenants_at_once(settings),
        batch=settings.ledger_batch,
        queue=settings.ledger_queue,
    )


def shared_writes(settings: Settings, database: Database) -> Gatherer[Work, Outcome]:
    """Collects tickets and orders of different customers that come at once into one transaction."""

    async def run(
        tenant_id: str, works: Sequence[Work], _: Join, *, lock_timeout_ms: int | None = NEIGHBOURS_WAIT_MS
    ) -> Sequence[Outcome]:
        if len(works) > 1:
            return await shared_calls.run(database, tenant_id, works, lock_timeout_ms=lock_timeout_ms)
        return [await shared_calls.run_one(database, tenant_id, works[0], lock_timeout_ms=lock_timeout_ms)]

    async def patient(tenant_id: str, works: Sequence[Work], join: Join) -> Sequence[Outcome]:
        return await run(tenant_id, works, join, lock_timeout_ms=None)

    return Gatherer(
        run,
        patient=patient,
        group_of=lambda work: work.group,
        in_flight=2,
        tenants=tenants_at_once(settings),
        batch=shared_calls.WORKS_MAX,
        queue=settings.ledger_queue,
        attempts=1,
    )


def tenants_at_once(settings: Settings) -> int:
    """Of how many tenants a gatherer has batches under way: two connections of the pool are left to other calls."""
    return max(1, min(8, settings.pool_size - 2))


def balance_reader(settings: Settings, database: Database) -> Gatherer[str, Balance | DomainError]:
    """Reads balances asked for at once in one transaction."""

    async def run(tenant_id: str, customer_ids: Sequence[str], _: Join) -> Sequence[Balance | DomainError]:
        return await database.read(tenant_id, lambda tx: accounts.balances(tx, customer_ids))

    return Gatherer(
        run, group_of=str, tenants=tenants_at_once(settings), batch=settings.ledger_batch, queue=settings.ledger_queue
    )


def shared_reader(settings: Settings, database: Database) -> Gatherer[Work, Outcome]:
    """Reads what different calls ask for at once in one snapshot."""

    async def run(tenant_id: str, works: Sequence[Work], _: Join) -> Sequence[Outcome]:
        return await shared_reads.run(database, tenant_id, works)

    return Gatherer(
        run, in_flight=2, tenants=tenants_at_once(settings), batch=shared_reads.READS_MAX, queue=settings.ledger_queue
    )


def shared_snapshots(settings: Settings, database: Database) -> Gatherer[Seat, None]:
    """Gives queries that begin at once places in one snapshot."""

    async def run(tenant_id: str, seats: Sequence[Seat], _: Join) -> Sequence[None]:
        return await shared_reads.sit(database, tenant_id, seats)

    return Gatherer(
        run,
        in_flight=2,
        tenants=tenants_at_once(settings),
        batch=shared_reads.READS_MAX,
        queue=settings.ledger_queue,
        attempts=1,
    )


def _verifier(settings: Settings, database: Database) -> TokenVerifier | None:
    """Tokens of a configured issuer."""
    if settings.oidc_issuer is None:
        return None
    # Imported where it is wanted: its libraries are large, and most installations have no issuer.
    from app.api.oidc import Verifier
    from app.connectors.jwks import SigningKeys

    keys = SigningKeys(settings.oidc_issuer, settings.oidc_jwks)
    return Verifier(settings.oidc_issuer, settings.oidc_audience, keys, database)


def _code_flow(settings: Settings) -> CodeFlow | None:
    """Sign-in of the vendor's people at a configured issuer."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    from app.connectors import code_flow
    from app.connectors.jwks import SigningKeys

    secret = settings.oidc_client_secret
    return code_flow.CodeFlow(
        settings.oidc_issuer,
        settings.oidc_client_id,
        None if secret is None else secret.get_secret_value(),
        SigningKeys(settings.oidc_issuer, settings.oidc_jwks),
    )


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _refresh_forever(figures: Figures) -> None:
    """Keeps what this process counts where the others find it, at most a second old."""
    while True:
        figures.refresh()
        await asyncio.sleep(1.0)


@contextlib.asynccontextmanager
async def _working(rooms: AppState, settings: Settings) -> AsyncIterator[None]:
    """The worker, in this process, until it ends."""
    stop = asyncio.Event()
    jobs = worker_jobs(settings)
    task = asyncio.create_task(worker.run_worker(rooms.database.beside_calls(), HANDLERS, stop, jobs=jobs))
    try:
        yield
    finally:
        stop.set()
        try:
            await asyncio.wait_for(task, 8)
        except TimeoutError:
            _log.warning("the worker did not stop in time; what it had begun is rolled back and done again")
        for job in jobs:
            if hasattr(job, "close"):
                await job.close()


def worker_jobs(settings: Settings) -> list[Any]:
    """What the connectors do in the background."""
    return [*deliveries.jobs(settings), *inbound.jobs(settings)]


async def flush_forever(rooms: AppState) -> None:
    """Writes when keys were last used, every now and then and once more at the end."""
    try:
        while True:
            await asyncio.sleep(LAST_USED_SECONDS)
            try:
                await flush_last_used(rooms)
            except Exception:  # noqa: BLE001 - tried again at the next turn, whatever it was
                _log.warning("last use of keys was not written; it will be next time", exc_info=True)
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(flush_last_used(rooms), 2)


def samples(database: Database, stats: GatherStats) -> Iterable[tuple[str, str, str, float]]:
    """Figures that the parts keep themselves, asked at each scrape."""
    yield "retainer_ledger_commands", "Ledger commands collected", "counter", stats.commands
    yield "retainer_ledger_batches", "Transactions they took", "counter", stats.batches
    yield "retainer_ledger_joined", "Commands that joined a batch under way", "counter", stats.joined
    yield "retainer_ledger_waiting", "Ledger commands waiting", "gauge", stats.waiting
    yield "retainer_ledger_refused", "Ledger commands refused for want of room", "counter", stats.refused
    shared = shared_calls.METRICS
    yield "retainer_shared_calls", "Tickets, orders and verbs that may share a transaction", "counter", shared.works
    yield "retainer_shared_transactions", "Transactions that such calls took", "counter", shared.transactions
    yield "retainer_shared_left", "Calls that left a shared one for one of their own", "counter", shared.left
    yield from work_samples()
    pool: Any = database.engine.pool
    yield "retainer_db_connections_in_use", "Connections under way", "gauge", pool.checkedout()
    yield "retainer_db_connections_idle", "Connections waiting", "gauge", pool.checkedin()
    yield from budget_samples(database.budget)


def budget_samples(budget: Budget) -> Iterable[tuple[str, str, str, float]]:
    """What tenants wait for, and what they were refused, in this process."""
    shares, writes = budget.shares, budget.writes
    yield "retainer_budget_connections_waiting", "Calls waiting for a connection", "gauge", shares.waiting
    yield "retainer_budget_connections_waited", "Calls that waited for a connection", "counter", shares.waited
    yield "retainer_budget_writes_waiting", "Writes waiting for their customer", "gauge", writes.waiting
    yield ("retainer_budget_refused", "Calls refused as tenant_busy", "counter", writes.refused + budget.refused)


def work_samples() -> Iterable[tuple[str, str, str, float]]:
    """What the worker keeps, in whatever process it is."""
    yield "retainer_agenda_fired", "Agenda rows carried out", "counter", sweeps.METRICS.fired
    yield "retainer_agenda_failed", "Agenda rows that failed and wait", "counter", sweeps.METRICS.failed
    yield "retainer_agenda_lag_seconds", "How late the latest row was", "gauge", sweeps.METRICS.lag_seconds
    yield ("retainer_agenda_set_aside", "Agenda rows set aside after a failure", "counter", agenda.METRICS.set_aside)
    yield "retainer_worker_rounds", "Looks of the worker at what is due", "counter", worker.METRICS.rounds
    yield "retainer_worker_turns", "Tenants that the worker served", "counter", worker.METRICS.turns
    yield "retainer_worker_failures", "Turns of the worker that failed", "counter", worker.METRICS.failures
    yield from deliveries.METRICS.sample()
    yield from inbound.METRICS.sample()


async def is_migrated(settings: Settings, url: str) -> bool:
    """Whether the database has the newest schema already."""
    database = Database(url, pool_size=1, prepared_statements=settings.prepared_statements)
    try:
        return not {"schema", "database"} & set((await health.look(database)).failed)
    finally:
        await database.close()


async def prepare(settings: Settings, url: str) -> None:
    """What the service wants to find at its start: the right role, and a sandbox for each shipped policy."""
    database = Database(url, pool_size=1, prepared_statements=settings.prepared_statements)
    try:
        await database.check_start()
        await check_key(database, settings.secret_keys())
        known = set(await database.tenant_ids())
        for name in tenants.templates():
            if name in known:
                continue
            with contextlib.suppress(Elsewhere):  # a sandbox that moved to another server
                made = tenants.PutTenant(policy=name, mode="virtual", now=SANDBOX_START)
                await database.found(name, functools.partial(tenants.put, command=made), actor="retainer")
    finally:
        await database.close()
