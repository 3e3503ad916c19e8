"""What commands share: the settings, and a database for their duration."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.embedded import EmbeddedPostgres
from app.settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent.parent


class CommandError(Exception):
    """A command cannot be carried out; the message says why and what to do."""


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
