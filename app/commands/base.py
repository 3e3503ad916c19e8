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
