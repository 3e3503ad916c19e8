"""What commands share: the settings, and a database for their duration."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.embedded import EmbeddedPostgres
from app.settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent.parent
EXIT_NOT_ANSWERED: Final = 5
_SPACES: Final = dict.fromkeys(map(ord, "\t\n\r\u2028\u2029"), " ")
_CONTROLS: Final = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_PLAIN: Final = {**dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}"), **_SPACES}
"""What a terminal would obey, and what turns the direction of a line, to what is shown instead."""


class CommandError(Exception):
    """A command cannot be carried out; the message says why and what to do."""

    exit_code = 1


class NotReady(CommandError):  # noqa: N818 - a state
    """There is no database that could answer; the message says what to do."""

    exit_code = EXIT_NOT_ANSWERED


def plain(text: str) -> str:
    """Return a text of somebody's as a terminal may have it: one line, without control characters."""
    return text.translate(_PLAIN)


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Turn what a database refuses at the start into one sentence for the operator."""
    # Imported here: the process that watches over the servers asks no database.
    import asyncpg
    from sqlalchemy.exc import SQLAlchemyError

    from app.db.failures import StartRefused, Unavailable

    try:
        yield
    except StartRefused as error:
        raise CommandError(str(error)) from None
    except Unavailable as error:
        raise CommandError(f"{error}; `retainer doctor` says more") from None
    except (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        original = getattr(error, "orig", None) or error
        words = str(original).splitlines()[0].removeprefix("<class ") if str(original) else type(original).__name__
        raise CommandError(
            f"the database refused: {words}; check DATABASE_URL, and that its user may make tables and roles"
        ) from error


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded Postgres of the data folder, not started."""
    return EmbeddedPostgres(settings.data_dir, pg_bin=settings.pg_bin)


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """The settings with a `database_url` that answers, as the owner of the tables.

    DATABASE_URL if given; else the running service's server; else one started for as long as the command takes.
    """
    if settings.database_url is not None:
        yield settings
        return
    with embedded(settings) as postgres:
        yield settings.with_(database_url=postgres.url)


@contextlib.contextmanager
def existing(settings: Settings) -> Iterator[Settings]:
    """The settings with a database that is there and has the newest schema; `NotReady` else. It makes none."""
    if settings.database_url is None and not (embedded(settings).pgdata / "PG_VERSION").exists():
        raise NotReady(
            f"there is no database in {settings.data_dir}; start the service, whose `retainer serve` makes it, "
            "or say where it is by RETAINER_DATA_DIR or DATABASE_URL"
        )
    with database(settings) as ready:
        asyncio.run(_look(ready.database_url or ""))
        yield ready


async def _look(url: str) -> None:
    """Raise `NotReady` unless the database answers and has the newest schema. It may be a replica."""
    # Imported here: a service at an address needs none of it.
    from app.db.engine import Database
    from app.usecases.reports import health
    from app.usecases.reports.findings import FIXES

    opened = Database(url, pool_size=1)
    try:
        failed = (await health.look(opened)).failed
    except Exception as error:
        words = plain(str(getattr(error, "orig", None) or error)).removeprefix("<class ") or type(error).__name__
        raise NotReady(f"the database refuses us: {words}; check DATABASE_URL, and run `retainer migrate`") from error
    finally:
        await opened.close()
    for name in {"database", "schema"}.intersection(failed):
        raise NotReady(f"{FIXES[name].what}: {FIXES[name].fix}")
