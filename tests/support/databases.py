"""Real Postgres for tests: one migrated template, cloned for each module that wants a database of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from app.commands.migrate import upgrade
from app.embedded import EmbeddedPostgres
from app.settings import normalise_database_url

FAST = ("shared_buffers=64MB", "max_connections=200")


@dataclass(frozen=True)
class Server:
    """A server and the name of its migrated template database."""

    url: str
    template: str

    def url_of(self, database: str) -> str:
        """The URL of one of its databases."""
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    async def execute(self, *statements: str) -> None:
        """Runs statements outside any transaction, in the server's own database."""
        await execute(self.url, *statements)

    async def clone(self) -> str:
        """The URL of a fresh copy of the template."""
        name = f"retainer_test_{uuid.uuid4().hex[:12]}"
        await self.execute(f'create database "{name}" template "{self.template}"')
        return self.url_of(name)

    async def drop(self, url: str) -> None:
        """Drops a copy, whoever is still connected."""
        await self.execute(f'drop database if exists "{make_url(url).database}" with (force)')


def open_to_postgres(folder: Path) -> Path:
    """The folder, which Postgres's own user may enter now, with those that pytest made above it."""
    made = [one for one in (folder, *folder.parents) if Path(tempfile.gettempdir()) in one.parents]
    for one in made:
        one.chmod(0o755)
    return folder


async def connect(url: str) -> Any:
    """A plain asyncpg connection as the tables' owner, past row-level security only if the owner is a superuser."""
    parsed = make_url(url)
    host = parsed.query.get("host") or parsed.host
    return await asyncpg.connect(
        host=host,
        port=parsed.port or 5432,
        user=parsed.username,
        database=parsed.database,
        password=None if parsed.password is None else str(parsed.password),
        timeout=10,
    )


async def execute(url: str, *statements: str) -> None:
    """Runs statements one by one, each by itself."""
    connection = await connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def server() -> Iterator[Server]:
    """DATABASE_URL's server if it is set, else an embedded one for the session; with a migrated template."""
    given = os.environ.get("DATABASE_URL")
    if given:
        with _templated(normalise_database_url(given)) as found:
            yield found
        return
    folder = Path(tempfile.mkdtemp(prefix="retainer-test-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder, durable=False, settings=FAST)
    try:
        with _templated(postgres.start()) as found:
            yield found
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _templated(url: str) -> Iterator[Server]:
    name = f"retainer_template_{uuid.uuid4().hex[:8]}"
    found = Server(url, name)
    asyncio.run(found.execute(f'create database "{name}"'))
    try:
        upgrade(found.url_of(name))
        yield found
    finally:
        asyncio.run(found.execute(f'drop database if exists "{name}" with (force)'))
