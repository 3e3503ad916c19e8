"""Postgres servers on the loopback network for tests: a primary with synchronous standbys, and a pooler before one."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.embedded import EmbeddedPostgres
from tests.support.databases import execute
from tests.support.ports import free_port

OWNER = "vendor"
DATABASE = "shop"


class Server(EmbeddedPostgres):
    """A server that also listens on an address of the loopback network and takes whoever comes from there."""

    def __init__(self, folder: Path, address: str, *, pg_bin: Path | None = None, **settings: str) -> None:
        more = tuple(f"{name}={value}" for name, value in settings.items())
        super().__init__(folder, pg_bin=pg_bin, settings=(f"listen_addresses={address}", *more), start_timeout=90)
        self.address = address

    def _write_access_rules(self) -> None:
        rules = "local all all trust\nhost all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust\n"
        for name, text in (("pg_hba.conf", rules), ("pg_ident.conf", "")):
            (self.pgdata / name).write_text(text)
            os.chown(self.pgdata / name, self._account.uid, self._account.gid)

    def _status(self) -> Any:
        found = super()._status()
        return dataclasses.replace(found, state="ready") if found and found.state == "standby" else found

    @property
    def dsn(self) -> str:
        """The URL of an ordinary owner's database."""
        return f"postgresql://{OWNER}@{self.address}:5432/{DATABASE}"

    def found(self) -> None:
        """Make the owner, who is no superuser, and its database."""
        self.run_sql(f"create role {OWNER} login createrole", f"create database {DATABASE} owner {OWNER}")

    def run_sql(self, *statements: str) -> None:
        """Run statements as the server's superuser."""
        asyncio.run(execute(self.url or "", *statements))

    def standby(self, folder: Path, address: str, **settings: str) -> Server:
        """A standby made from this server, not started."""
        made = Server(folder, address, pg_bin=self._pg_bin, **settings)
        made._prepare_home()
        name = address.replace(".", "_")
        subprocess.run(
            [
                self.bin_dir / "pg_basebackup",
                "-D",
                made.pgdata,
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "-d",
                f"host={self.address} user=retainer application_name=s{name}",
            ],
            check=True,
            capture_output=True,
            cwd="/",
            preexec_fn=self._become(),
            timeout=120,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
        return made

    def kill(self) -> None:
        """Kill the server as a machine that fails does: nothing is flushed, nobody is told."""
        assert self._process is not None
        children = subprocess.run(
            ["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in (self._process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def pooler(server: EmbeddedPostgres, folder: Path, *, mode: str = "transaction", pool: int = 8) -> Iterator[str]:
    """The URL of a pgbouncer before the server's database, as its owner."""
    port = free_port()
    place = folder / "pooler"
    place.mkdir()
    status = server._status()
    assert status is not None
    (place / "pgbouncer.ini").write_text(
        f"[databases]\n{DATABASE} = host={status.socket_dir} port=5432 dbname={DATABASE} user={OWNER}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\nunix_socket_dir =\n"
        f"pool_mode = {mode}\ndefault_pool_size = {pool}\nmax_client_conn = 200\n"
        f"logfile = {place / 'log'}\npidfile = {place / 'pid'}\n"
    )
    os.chown(place, server._account.uid, server._account.gid)
    process = subprocess.Popen(
        ["/usr/sbin/pgbouncer", str(place / "pgbouncer.ini")],
        preexec_fn=server._become(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, (place / "log").read_text()
            assert time.monotonic() < deadline, "pgbouncer takes no connections"
            time.sleep(0.05)
        yield f"postgresql://{OWNER}@127.0.0.1:{port}/{DATABASE}"
    finally:
        process.terminate()
        process.wait(10)
