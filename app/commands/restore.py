"""`retainer restore FILE`: what `retainer backup` wrote, into an empty database, then the newest schema."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from app.commands.backup import postgres_tool
from app.commands.base import CommandError, database, embedded
from app.commands.migrate import upgrade
from app.settings import Settings

APPLICATION_ROLE: Final = "retainer_app"

# Roles belong to the server, not to the database, so that a dump grants rights to one that may not be there yet.
_ROLE: Final = f"""
do $$ begin
    if not exists (select from pg_roles where rolname = '{APPLICATION_ROLE}') then
        create role {APPLICATION_ROLE} nologin;
    end if;
end $$
"""
_OBJECTS: Final = """
select count(*) from pg_class where relkind in ('r', 'p', 'v', 'm', 'S')
and relnamespace not in (select oid from pg_namespace where nspname like 'pg\\_%' or nspname = 'information_schema')
"""
_QUIET: Final = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1")
_EMPTY: Final = """
do $$ declare name text; begin
    for name in select nspname from pg_namespace
        where nspname not like 'pg\\_%' and nspname <> 'information_schema'
    loop execute format('drop schema %I cascade', name); end loop;
    create schema public;
end $$
"""


def run(
    file: Annotated[Path, typer.Argument(help="What `retainer backup` wrote.", exists=True, dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds.")] = False,
) -> None:
    """Put a backup into the database, which must be empty, and bring it to the newest schema."""
    given = Settings.read()
    if given.database_url is None and embedded(given).attach() is not None:
        raise CommandError("the service is running on this data folder; stop it before restoring")
    with database(given) as settings:
        postgres_tool(
            settings, "pg_restore", ["--list", str(file)]
        )  # a wrong file is refused before anything is lost
        objects = int(_ask(settings, _OBJECTS))
        if objects and not force:
            raise CommandError(
                f"the database is not empty (it holds {objects} tables and the like); "
                "--force replaces everything in it with the backup"
            )
        _ask(settings, _ROLE)
        _replace(settings, file, empty_first=objects > 0)
        upgrade(settings.database_url or "")
    print(f"retainer: restored {file}")


def _replace(settings: Settings, file: Path, *, empty_first: bool) -> None:
    """Out with the old and in with the new in one transaction: a backup that cannot be read whole costs nothing."""
    with tempfile.NamedTemporaryFile(prefix="retainer-", suffix=".sql") as script:
        postgres_tool(settings, "pg_restore", ["--no-owner", f"--file={script.name}", str(file)])
        emptying = ["-c", _EMPTY] if empty_first else []
        postgres_tool(settings, "psql", [*_QUIET, "--single-transaction", *emptying, "-f", script.name])


def _ask(settings: Settings, sql: str) -> str:
    return postgres_tool(settings, "psql", [*_QUIET, "-c", sql])
