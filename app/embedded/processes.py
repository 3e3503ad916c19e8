"""Processes of the server: the user they run as, their environment, and their end with their parent's."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.embedded.errors import EmbeddedPostgresError

_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The operating system's user that the server runs as."""

    uid: int
    gid: int
    name: str


def server_user(pgdata: Path) -> ServerUser:
    """Who runs the server: ourselves, or as root whoever owns the data, else `postgres`, else `nobody`."""
    uid = os.geteuid()
    if uid != 0:
        try:
            return ServerUser(uid, os.getegid(), pwd.getpwuid(uid).pw_name)
        except KeyError:
            raise EmbeddedPostgresError(
                f"user id {uid} has no name on this machine and Postgres refuses to run without one: "
                "add a line for it to /etc/passwd, or set DATABASE_URL to a Postgres of your own"
            ) from None
    with contextlib.suppress(FileNotFoundError, KeyError):
        owner = pwd.getpwuid(pgdata.stat().st_uid)
        if owner.pw_uid != 0:
            return ServerUser(owner.pw_uid, owner.pw_gid, owner.pw_name)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return ServerUser(entry.pw_uid, entry.pw_gid, entry.pw_name)
    raise EmbeddedPostgresError(
        "Postgres refuses to run as root, and there is neither a user postgres nor a user nobody here: "
        "start retainer as an ordinary user, or set DATABASE_URL"
    )


def become(user: ServerUser, then: Callable[[], None] | None = None) -> Callable[[], None]:
    """What the child does before it turns into a program: drop root for good, then `then`.

    In this order: the kernel forgets the parent-death signal when the user changes.
    """
    root = os.geteuid() == 0

    def run() -> None:
        os.umask(0o077)
        if root:
            os.setgroups([])
            os.setgid(user.gid)
            os.setuid(user.uid)
        if then is not None:
            then()

    return run


def can_reach(account: ServerUser, path: Path, test: str) -> bool:
    """Whether that user passes `test` on a path, asked as that user."""

    def become() -> None:
        os.setgroups([])
        os.setgid(account.gid)
        os.setuid(account.uid)

    asked = subprocess.run(
        ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)], preexec_fn=become, cwd="/", check=False
    )
    return asked.returncode == 0


def environment() -> dict[str, str]:
    """Nothing of ours reaches the server: no secret, no PG* variable, no locale that is not installed here."""
    return {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8", "HOME": "/"}


def alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def die_with_parent(number: signal.Signals, parent: int | None = None) -> Callable[[], None]:
    """What a child runs to be sent this signal when its parent is gone, however it went (Linux; elsewhere nothing).

    `parent` is the process that must still be there, ours unless said otherwise: it may have died in between.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork
    expected = os.getpid() if parent is None else parent

    def run() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != expected:
            os._exit(1)

    return run


def watch_from_outside(pid: int) -> subprocess.Popen[bytes]:
    """Where the kernel tells nobody about a parent's death: a child that sees the end of a pipe and passes it on."""
    script = 'read -r _; kill -INT "$1" 2>/dev/null'
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", str(pid)], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
    )
