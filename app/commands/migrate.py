"""`retainer migrate`: bring the database to the newest schema. Safe to run twice, and by two at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.base import ROOT, database
from app.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config


def configuration(database_url: str | None = None) -> Config:
    """Alembic's configuration for our migrations; `migrations/env.py` reads the URL from its attributes."""
    from alembic.config import Config  # not into every start of the service: most find the schema as it is

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate up, under an advisory lock: of several at once one works and the others find it done.

    It runs an event loop of its own: from async code, call it through `asyncio.to_thread`.
    """
    from alembic import command

    command.upgrade(configuration(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Migrate down to a revision, or to `base`."""
    from alembic import command

    command.downgrade(configuration(database_url), revision)


def run(
    revision: Annotated[str, typer.Argument(help="Where to, `head` by default.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Go back to that revision, or to `base`.")] = False,
) -> None:
    """Bring the database to the newest schema, or to a revision."""
    with database(Settings.read()) as settings:
        assert settings.database_url is not None  # noqa: S101 - what `database` is for
        (downgrade if down else upgrade)(settings.database_url, revision)
    print(f"retainer: the database is at {revision}")
