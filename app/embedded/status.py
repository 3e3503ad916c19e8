"""What a running server says of itself, and where it is reached."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.embedded.processes import alive

OWNER: Final = "retainer"
PORT: Final = 5432


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The file of the server's process, read."""

    pid: int
    socket_dir: Path
    state: str


def status_of(pgdata: Path) -> ServerStatus | None:
    """What postmaster.pid says, or None when there is no such file or its process is gone."""
    try:
        lines = (pgdata / "postmaster.pid").read_text().split("\n")
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return None
    if not lines[0].isdigit() or not alive(int(lines[0])):
        return None
    socket_dir, state = (lines[4], lines[7].strip()) if len(lines) > 7 else ("/", "starting")  # half written
    return ServerStatus(int(lines[0]), Path(socket_dir), state)


def url_of(socket_dir: Path) -> str:
    """The URL of the server whose socket lies there."""
    return f"postgresql+asyncpg://{OWNER}@/{OWNER}?host={quote(str(socket_dir))}"


def accepts(socket_dir: Path) -> bool:
    """Whether a server takes connections there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(socket_dir / f".s.PGSQL.{PORT}"))
        except OSError:
            return False
    return True
