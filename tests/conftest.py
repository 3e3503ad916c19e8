"""Fixtures: a real Postgres, a database a module, the application in this process, vendors under the real policies.

- ``database_url`` (session): a migrated database that tests share only for reading;
- ``db`` (module): `app.db.engine.Database` on the module's own copy;
- ``app`` / ``api`` (module): the application on that copy, and an ``httpx.AsyncClient`` with the operator's key;
- ``vendor``: ``await vendor("avactis", now=...)`` gives a `tests.support.api.Vendor`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hypothesis import settings

from app.db.engine import Database
from app.main import create_app
from tests.support import databases, hygiene, statement_rules
from tests.support.api import OPERATOR_KEY, START, Vendor, client_of, make_vendor, running, settings_for

# A gate must not depend on luck: in CI the properties run the same examples every time. Everywhere else they explore.
settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

MakeVendor = Callable[..., Awaitable[Vendor]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[databases.Server]:
    """The server of this session."""
    with databases.server() as found:
        yield found


@pytest_asyncio.fixture(scope="session")
async def database_url(postgres: databases.Server) -> AsyncIterator[str]:
    """A migrated database for the session."""
    url = await postgres.clone()
    yield url
    await postgres.drop(url)


@pytest_asyncio.fixture(scope="module")
async def module_url(postgres: databases.Server) -> AsyncIterator[str]:
    """A migrated database for the module alone."""
    url = await postgres.clone()
    yield url
    await postgres.drop(url)


@pytest_asyncio.fixture(scope="module")
async def db(module_url: str) -> AsyncIterator[Database]:
    """The module's database."""
    database = Database(module_url)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="module")
async def app(module_url: str) -> AsyncIterator[FastAPI]:
    """The application on the module's database, started."""
    async with running(create_app(settings_for(module_url))) as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The operator's client."""
    async with client_of(app, OPERATOR_KEY) as client:
        yield client


@pytest_asyncio.fixture
async def vendor(app: FastAPI) -> AsyncIterator[MakeVendor]:
    """Makes fresh tenants under a policy."""
    made: list[Vendor] = []

    async def make(policy: str = "cs-cart", now: str | None = START, tenant_id: str | None = None) -> Vendor:
        made.append(await make_vendor(app, policy, now, tenant_id))
        return made[-1]

    yield make
    for one in made:
        await one.close()


hygiene.install()


@pytest.fixture(autouse=True)
def _hygiene() -> Iterator[None]:
    """Fails the test in which the service logged a secret or showed a trace."""
    yield
    assert hygiene.taken() == []


statement_rules.listen()


@pytest.fixture(autouse=True)
def _statements() -> Iterator[None]:
    """Fails the test in which the service first sent a statement that breaks a rule."""
    before = len(statement_rules.heard())
    yield
    new = list(statement_rules.heard())[before:]
    assert {sql: wrong for sql in new if (wrong := statement_rules.faults(sql))} == {}
