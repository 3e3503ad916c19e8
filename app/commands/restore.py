"""`retainer restore FILE`: what `retainer backup` wrote, into an empty database, then the newest schema."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from app.commands.backup import major_of, postgres_tool, programs_of, server_major
from app.commands.base import CommandError, database, embedded
from app.commands.migrate import upgrade
from app.embedded import bin_dirs
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
_NEWER: Final = "unsupported version"
_SETTING_SINCE: Final = {"transaction_timeout": 17}
"""Settings that the programs of this major version and newer write into the head of every script."""
_HEAD_LINES: Final = 40
_OWNERS_POLICY: Final = re.compile(r" POLICY \S+ \S+ owner_all ")


def run(
    file: Annotated[Path, typer.Argument(help="What `retainer backup` wrote.", exists=True, dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds.")] = False,
) -> None:
    """Put a backup into the database, which must be empty, and bring it to the newest schema."""
    settings_ = Settings.read()
    if settings_.database_url is None and embedded(settings_).attach() is not None:
        raise CommandError("the service is running on this data folder; stop it before restoring")
    with database(settings_) as settings:
        programs = _reader_of(settings, file)  # a wrong file is refused before anything is lost
        objects = int(_ask(settings, _OBJECTS))
        if objects and not force:
            raise CommandError(
                f"the database is not empty (it holds {objects} tables and the like); "
                "--force replaces everything in it with the backup"
            )
        _ask(settings, _ROLE)
        _replace(settings, file, programs, empty_first=objects > 0)
        upgrade(settings.database_url or "")
    print(f"retainer: restored {file}")


def _reader_of(settings: Settings, file: Path) -> Path:
    """The folder of programs that can read the file: the server's own if they can, else newer ones.

    A file that newer programs wrote is read by those; what an older server does not know is left out of the script.
    """
    first = programs_of(settings)
    others = sorted((dir_ for dir_ in bin_dirs() if dir_ != first), key=major_of, reverse=True)
    failed: CommandError | None = None
    for folder in (first, *others):
        try:
            postgres_tool(settings, "pg_restore", ["--list", str(file)], bin_dir=folder)
        except CommandError as error:
            failed = failed or error
            if _NEWER not in str(error):
                break
        else:
            return folder
    raise CommandError(
        f"{failed}\n{file} may have been written by newer programs; set RETAINER_PG_BIN to their folder"
        if failed is not None and _NEWER in str(failed)
        else str(failed)
    )


def _replace(settings: Settings, file: Path, programs: Path, *, empty_first: bool) -> None:
    """Out with the old and in with the new in one transaction: a backup that cannot be read whole costs nothing."""
    with tempfile.TemporaryDirectory(prefix="retainer-") as folder:
        listed, script, fitting = (Path(folder) / name for name in ("contents", "all.sql", "fitting.sql"))
        # The owner's own policies name the owner of the server that was backed up; `upgrade` makes them anew.
        contents = postgres_tool(settings, "pg_restore", ["--list", str(file)], bin_dir=programs)
        listed.write_text("".join(line for line in contents.splitlines(True) if not _OWNERS_POLICY.search(line)))
        arguments = ["--no-owner", f"--use-list={listed}", f"--file={script}", str(file)]
        postgres_tool(settings, "pg_restore", arguments, bin_dir=programs)
        _fit(script, fitting, server_major(settings))
        emptying = ["-c", _EMPTY] if empty_first else []
        arguments = [*_QUIET, "--single-transaction", *emptying, "-f", str(fitting)]
        postgres_tool(settings, "psql", arguments, bin_dir=programs)


def _fit(script: Path, fitting: Path, server: int) -> None:
    """Copy the script without the settings that a server of this major version does not know.

    They stand in the script's head, before anything else; rows of tables are never looked at.
    """
    unknown = tuple(f"SET {name} =".encode() for name, since in _SETTING_SINCE.items() if server < since)
    with script.open("rb") as source, fitting.open("wb") as fitted:
        for number, line in enumerate(source):
            if number < _HEAD_LINES and line.startswith(unknown) and unknown:
                continue
            fitted.write(line)


def _ask(settings: Settings, sql: str) -> str:
    return postgres_tool(settings, "psql", [*_QUIET, "-c", sql])
