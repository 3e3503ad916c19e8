"""`retainer backup FILE`: the whole database in one file, consistent, while the service runs.

The generated keys of the data folder are not in it: without the secret key, encrypted values cannot be read back.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import make_url

from app.commands.base import CommandError, database
from app.embedded import find_bin_dir
from app.settings import SECRET_KEY_FILE, Settings


def run(file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the whole database into one file, which `retainer restore` reads."""
    file = file.absolute()
    part = file.with_name(f".{file.name}.part")
    with database(Settings.read()) as settings:
        os.umask(0o077)
        try:
            part.touch()
        except OSError as error:
            raise CommandError(f"{file.parent} cannot be written to: {error.strerror}") from None
        try:
            postgres_tool(settings, "pg_dump", ["--format=custom", "--no-owner", f"--file={part}"])
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    print(f"retainer: wrote {file} ({file.stat().st_size:,} bytes)")
    if settings.secret_key is None:
        print(
            f"retainer: keep {settings.data_dir / SECRET_KEY_FILE} with it: it decrypts what is stored encrypted"
        )


def postgres_tool(settings: Settings, tool: str, arguments: Sequence[str]) -> str:
    """What one of Postgres's own programs prints, run against the database; the password stays off the command line."""
    url = make_url(settings.database_url or "")
    # The embedded server is reached through the host in the query, a server of one's own by host and port.
    found = {
        "PGHOST": url.query.get("host") or url.host,
        "PGPORT": url.query.get("port") or (str(url.port) if url.port else None),
        "PGUSER": url.username,
        "PGPASSWORD": str(url.password) if url.password is not None else None,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("sslmode") or url.query.get("ssl"),
    }
    environment = {name: str(value) for name, value in found.items() if value}
    done = subprocess.run(
        [find_bin_dir(settings.pg_bin) / tool, "--no-password", *arguments],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandError(f"{tool} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()
