"""The composition root: everything is made here, once, and passed down."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import importlib
import importlib.util
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import FastAPI

from app import __version__
from app.api import handlers
from app.api.auth import Authenticator
from app.api.deps import House, flush_last_used
from app.db.engine import Database
from app.settings import Settings
from app.usecases import tenants

SANDBOX_START: Final = datetime(2025, 1, 1, tzinfo=UTC)
DOORS: Final = (
    "meta", "tenants", "keys", "clock", "offers", "orders", "choices", "licenses", "lots", "customers",
    "entitlements", "statement", "tickets", "covers", "explain", "credits", "holds", "audit", "calendars", "clocks",
    "policies", "sources", "inbound", "webhooks", "events", "audit_trail",
)  # fmt: skip
LAST_USED_SECONDS: Final = 20.0
_log = logging.getLogger("retainer")


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. It connects when it starts, not when it is made."""
    chosen, _ = (settings or Settings.read()).with_secrets(create=False)
    app = FastAPI(
        title="Retainer", version=__version__, lifespan=_lifespan, docs_url=None, redoc_url=None,
        openapi_url=None, redirect_slashes=False,
    )
    app.state.settings = chosen
    handlers.install(app)
    for router in _routers():
        app.router.routes.extend(router.routes)
    return app


def _routers() -> list[Any]:
    found = []
    for name in DOORS:
        module = f"app.api.rest.{name}"
        if importlib.util.find_spec(module) is not None:
            found.append(importlib.import_module(module).router)
    return found


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    if settings.database_url is None:
        raise RuntimeError("no database: set DATABASE_URL, or use `retainer serve`, which brings its own")
    database = Database(settings.database_url, pool_size=settings.pool_size)
    try:
        await database.check_role()
        app.state.house = house_of(settings, database)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(_background(flush_forever(app.state.house)))
            gc.collect()
            gc.freeze()
            yield
    finally:
        await database.close()


def house_of(settings: Settings, database: Database) -> House:
    """The parts that the doors are given."""
    operator = settings.operator_key.get_secret_value() if settings.operator_key else None
    secret = settings.secret_key.get_secret_value() if settings.secret_key else settings.database_url or ""
    return House(
        database=database,
        authenticator=Authenticator(database, operator),
        cursor_secret=hashlib.sha256(b"cursor\x00" + secret.encode()).digest(),
        parts={},
    )


@contextlib.asynccontextmanager
async def _background(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def flush_forever(rooms: House) -> None:
    """Writes when keys were last used, every now and then and once more at the end."""
    try:
        while True:
            await asyncio.sleep(LAST_USED_SECONDS)
            try:
                await flush_last_used(rooms)
            except Exception:
                _log.warning("last use of keys was not written; it will be next time", exc_info=True)
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(flush_last_used(rooms), 2)


async def prepare(settings: Settings, url: str) -> None:
    """What the service wants to find at its start: the right role, and a sandbox for each shipped policy."""
    database = Database(url, pool_size=1)
    try:
        await database.check_role()
        known = set(await database.tenant_ids())
        for name in tenants.templates():
            if name in known:
                continue
            async with database.founding(name, actor="retainer") as tx:
                await tenants.put(tx, policy=name, mode="virtual", now=SANDBOX_START)
    finally:
        await database.close()
