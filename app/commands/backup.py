"""`retainer backup FILE`: the whole database in one file, consistent, while the service runs.

The generated keys of the data folder are not in it: without the secret key, encrypted values cannot be read back.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy.engine import make_url

from app.commands.base import CommandError, database
from app.db.address import hosts_of
from app.embedded import bin_dirs
from app.settings import SECRET_KEY_FILE, Settings

_PARAMETERS: Final = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "passfile": "PGPASSFILE",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "options": "PGOPTIONS",
}


def run(file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the whole database into one file, which `retainer restore` reads."""
    file = file.absolute()
    part = file.with_name(f".{file.name}.part")
    with database(Settings.read()) as settings:
        before = os.umask(0o077)  # nobody else may read it, not even while it is written
        try:
            try:
                part.touch()
            except OSError as error:
                raise CommandError(f"{file.parent} cannot be written to: {error.strerror}") from None
            # The tables' owner is bound by row-level security too; its own policy lets it read whole tables.
            arguments = ["--format=custom", "--no-owner", "--enable-row-security", f"--file={part}"]
            postgres_tool(settings, "pg_dump", arguments)
            part.replace(file)
        finally:
            os.umask(before)
            part.unlink(missing_ok=True)
    print(f"retainer: wrote {file} ({file.stat().st_size:,} bytes)")
    if settings.secret_key is None:
        print(f"retainer: keep {settings.data_dir / SECRET_KEY_FILE} with it: it decrypts what is stored encrypted")


def postgres_tool(settings: Settings, tool: str, arguments: Sequence[str], *, bin_dir: Path | None = None) -> str:
    """Run one of Postgres's own programs against the database and return what it prints.

    `bin_dir`: the folder of the program, by default `programs_of` the server. The password stays off the command line.
    """
    folder = bin_dir or programs_of(settings)
    done = subprocess.run(
        [folder / tool, "--no-password", *arguments],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **_environment(settings)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandError(f"{tool} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def programs_of(settings: Settings) -> Path:
    """Return the folder of the programs to use: RETAINER_PG_BIN, else the server's own major, else the next newer.

    Older programs refuse a newer server, so their absence is told with what to do.
    """
    if settings.pg_bin is not None:
        return next(iter(bin_dirs(settings.pg_bin)))
    needed = server_major(settings)
    found = sorted((major_of(dir_), number, dir_) for number, dir_ in enumerate(bin_dirs()))
    for major, _, folder in found:
        if major >= needed:
            return folder
    newest = f"the newest programs here are of {found[-1][0]}" if found else "there are no programs here"
    raise CommandError(
        f"the server is Postgres {needed}, {newest}: install postgresql-client-{needed}, "
        "or set RETAINER_PG_BIN to the folder of its programs"
    )


def server_major(settings: Settings) -> int:
    """Return the server's major version; psql of any version may ask."""
    everywhere = [*bin_dirs(settings.pg_bin)] if settings.pg_bin else sorted(bin_dirs(), key=major_of)
    if not everywhere:
        raise CommandError(
            "no programs of Postgres found: install postgresql-client, or set RETAINER_PG_BIN to their folder"
        )
    asked = ["-X", "-q", "-A", "-t", "-c", "show server_version_num"]
    return int(postgres_tool(settings, "psql", asked, bin_dir=everywhere[-1])) // 10_000


@functools.cache
def major_of(bin_dir: Path) -> int:
    """Return the major version of the programs in a folder; 0 where they do not say."""
    done = subprocess.run(
        [bin_dir / "pg_dump", "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, env={}
    )
    found = re.search(rb"\) (\d+)", done.stdout)
    return int(found[1]) if found else 0


def _environment(settings: Settings) -> dict[str, str]:
    """The server and the login, as libpq's own variables."""
    url = make_url(settings.database_url or "")
    hosts = hosts_of(settings.database_url or "")
    found = {
        "PGHOST": ",".join(host for host, _ in hosts),
        "PGPORT": ",".join(port or "5432" for _, port in hosts) if any(port for _, port in hosts) else "",
        "PGUSER": url.username,
        "PGPASSWORD": None if url.password is None else str(url.password),
        "PGDATABASE": url.database,
        **{variable: url.query.get(name) for name, variable in _PARAMETERS.items()},
    }
    return {name: str(value) for name, value in found.items() if value}
