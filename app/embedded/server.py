"""One embedded Postgres server on a data folder: initialise the folder, start, attach, stop."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from app.embedded.errors import DataFolderBusyError, EmbeddedPostgresError
from app.embedded.lock import DataFolderLock
from app.embedded.processes import (
    ServerUser,
    become,
    can_reach,
    die_with_parent,
    environment,
    server_user,
    watch_from_outside,
)
from app.embedded.programs import copied, find_bin_dir, has_statistics
from app.embedded.status import OWNER, PORT, ServerStatus, accepts, status_of, url_of

MINIMUM_MAJOR: Final = 15
_SOCKET_PATH_LIMIT: Final = 100  # sockaddr_un holds 108 bytes, less on other systems
_POLL_SECONDS: Final = 0.005


class EmbeddedPostgres:
    """One Postgres server below `data_dir`, reached over a unix socket that only its owner can open.

    `start()` answers the URL (`postgresql+asyncpg://...`). The thread that calls it must live as long as the server,
    since the kernel watches the thread. `stop()` ends it. `attach()` answers the URL of one that already runs there, or
    None. As a context manager it attaches if it can and starts one for the duration if it must. `durable=False` gives
    up crash safety for speed, for tests only. `settings` are extra `name=value` options.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        pg_bin: Path | None = None,
        durable: bool = True,
        settings: Sequence[str] = (),
        lock_timeout: float = 3.0,
        start_timeout: float = 60.0,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.home = self.data_dir / "postgres"
        self.pgdata = self.home / "data"
        self.log = self.home / "postgres.log"
        self._pg_bin = pg_bin
        self._durable = durable
        self._settings = tuple(settings)
        self._lock_timeout = lock_timeout
        self._start_timeout = start_timeout
        self._lock: DataFolderLock | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._spare_socket_dir: Path | None = None
        self.url: str | None = None

    # -- the life of the server ------------------------------------------------------------------------------------

    def start(self) -> str:
        """Start the server, initialising its folder at the first time, and answer its URL once it takes connections.

        Refused with DataFolderBusyError when another process runs a server there.
        """
        if self._process is not None and self._process.poll() is None and self.url is not None:
            return self.url
        deadline = time.monotonic() + self._start_timeout
        self._prepare_home()
        if self._lock is None:  # else the server died under us, and this start revives it
            lock = DataFolderLock(self.home / "lock", self.data_dir)
            lock.acquire(self._lock_timeout)
            self._lock = lock
        try:
            self._check_version()
            self._await_previous(deadline)
            if not (self.pgdata / "PG_VERSION").exists():
                self._initialise()
            self._write_access_rules()
            self.url = self._launch(deadline)
        except BaseException:
            self.stop()
            raise
        return self.url

    def attach(self) -> str | None:
        """The URL of a server that another process runs on this folder and that takes connections, else None."""
        status = self._status()
        if status is None or status.state != "ready" or not accepts(status.socket_dir):
            return None
        self.url = url_of(status.socket_dir)
        return self.url

    def stop(self, timeout: float = 30.0) -> None:
        """Shut the server down cleanly, if this object started it, and let go of the folder. Never raises."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            for number, patience in ((signal.SIGINT, timeout), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(patience)
                    break
        if self._watcher is not None:
            if self._watcher.stdin is not None:
                self._watcher.stdin.close()
            self._watcher.wait()
            self._watcher = None
        if self._spare_socket_dir is not None:
            shutil.rmtree(self._spare_socket_dir, ignore_errors=True)
            self._spare_socket_dir = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        self.url = None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the server this object started, None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """The server's process id, whoever started it, None when there is none."""
        status = self._status()
        return None if status is None else status.pid

    def __enter__(self) -> Self:
        if self.attach() is None:
            try:
                self.start()
            except DataFolderBusyError:
                if self.attach() is None:  # it was starting, and has not finished
                    raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- programs --------------------------------------------------------------------------------------------------

    def _status(self) -> ServerStatus | None:
        return status_of(self.pgdata)

    def _become(self, then: Callable[[], None] | None = None) -> Callable[[], None]:
        return become(self._account, then)

    @functools.cached_property
    def _account(self) -> ServerUser:
        """Who runs the server."""
        return server_user(self.pgdata)

    @functools.cached_property
    def bin_dir(self) -> Path:
        """The folder of initdb, postgres, pg_dump and the rest, reachable by the user that the server runs as."""
        found = find_bin_dir(self._pg_bin)
        if os.geteuid() != 0 or can_reach(self._account, found / "postgres", "-x"):
            return found
        return copied(found, self.home)

    @functools.cached_property
    def major(self) -> int:
        """The major version of the programs."""
        printed = subprocess.run([self.bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True)
        return int(printed.stdout.split()[2].split(".")[0])

    # -- the folder ------------------------------------------------------------------------------------------------

    def _prepare_home(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
            self.home.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0 and self.home.stat().st_uid != self._account.uid:
                os.chown(self.home, self._account.uid, self._account.gid)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"the data folder {self.data_dir} cannot be used: {error.strerror}; "
                "set RETAINER_DATA_DIR to a folder that you may write to"
            ) from None
        if os.geteuid() == 0 and not can_reach(self._account, self.home, "-x"):
            raise EmbeddedPostgresError(
                f"the data folder {self.data_dir} lies below a folder that the user {self._account.name} cannot enter "
                "(Postgres does not run as root); set RETAINER_DATA_DIR to a place such as /var/lib/retainer"
            )
        if os.geteuid() != 0 and self.home.stat().st_uid != os.geteuid():
            raise EmbeddedPostgresError(
                f"the data folder {self.data_dir} belongs to another user; "
                "start retainer as that user or as root, or set RETAINER_DATA_DIR"
            )

    def _check_version(self) -> None:
        if self.major < MINIMUM_MAJOR:
            raise EmbeddedPostgresError(f"Postgres {MINIMUM_MAJOR} or newer is needed; {self.bin_dir} has {self.major}")
        with contextlib.suppress(FileNotFoundError):
            written_by = (self.pgdata / "PG_VERSION").read_text().strip()
            if written_by != str(self.major):
                there = Path(f"/usr/lib/postgresql/{written_by}/bin")
                old = there if (there / "postgres").exists() else f"<folder with Postgres {written_by}>"
                raise EmbeddedPostgresError(
                    f"{self.pgdata} was written by Postgres {written_by} and these programs are {self.major}. "
                    f"Take the data over: RETAINER_PG_BIN={old} retainer backup old.dump; "
                    f"move {self.home} aside; retainer restore old.dump; retainer verify-ledger"
                )

    def _initialise(self) -> None:
        part = self.home / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.major >= 17
            else ["--locale=C.UTF-8"]
        )
        command = ["-U", OWNER, "-E", "UTF8", *locale, "--data-checksums", "--auth=peer", "-D", str(part)]
        if not self._durable:
            command.append("--no-sync")
        self._run_once("initdb", *command)
        # A database of its own, made before there is a server to ask.
        self._run_once("postgres", "--single", "-D", str(part), "postgres", typed=f"create database {OWNER}\n")
        part.rename(self.pgdata)

    def _run_once(self, program: str, *arguments: str, typed: str = "") -> None:
        done = subprocess.run(
            [self.bin_dir / program, *arguments],
            env=environment(),
            cwd="/",
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            preexec_fn=self._become(die_with_parent(signal.SIGINT)),
        )
        if done.returncode != 0 or "ERROR:" in done.stderr:
            raise EmbeddedPostgresError(f"{program} failed: {(done.stderr or done.stdout).strip()}")

    def _write_access_rules(self) -> None:
        """Only the server's own user and we may connect, over the socket. Rewritten each time: either may change."""
        names = {self._account.name}
        with contextlib.suppress(KeyError):
            names.add(pwd.getpwuid(os.geteuid()).pw_name)
        self._put("pg_hba.conf", f"local all {OWNER} peer map=own\nlocal replication {OWNER} peer map=own\n")
        self._put("pg_ident.conf", "".join(f'own "{name}" {OWNER}\n' for name in sorted(names)))

    def _put(self, name: str, text: str) -> None:
        path = self.pgdata / name
        if path.read_text() == text:
            return
        part = path.with_suffix(".part")
        part.write_text(text)
        part.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(part, self._account.uid, self._account.gid)
        part.replace(path)

    # -- the process -----------------------------------------------------------------------------------------------

    def _await_previous(self, deadline: float) -> None:
        """Wait for a server that outlived its parent: we hold the lock, so nobody needs it any more."""
        asked = False
        while (status := self._status()) is not None:
            if not asked:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(status.pid, signal.SIGINT)
                asked = True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"a Postgres with process id {status.pid} still holds {self.pgdata} and does not stop"
                )
            time.sleep(_POLL_SECONDS * 4)

    def _launch(self, deadline: float) -> str:
        """Start until it takes connections. Straight after a kill -9 the old backends may still be in shared memory."""
        while True:
            socket_dir = self._socket_dir()
            complaint = self._launch_once(socket_dir, deadline)
            if complaint is None:
                return url_of(socket_dir)
            passing = "shared memory block" in complaint or "another server might be running" in complaint
            if not passing or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"Postgres did not start; the end of {self.log}:\n{complaint}")
            time.sleep(0.1)

    def _launch_once(self, socket_dir: Path, deadline: float) -> str | None:
        """None once the server takes connections, else what it wrote before it died."""
        with self._open_log() as log:
            began = log.tell()
            options = ["listen_addresses=", f"port={PORT}", f"unix_socket_directories={socket_dir}"]
            options += ["unix_socket_permissions=0700", "timezone=UTC", "log_timezone=UTC"]
            # Refusals are the application's to log; with their values they would put customers' data into this file.
            options += ["log_min_messages=log", "log_min_error_statement=panic", "log_checkpoints=off"]
            options += (
                ["shared_preload_libraries=pg_stat_statements"] if has_statistics(self.bin_dir, self.major) else []
            )
            options += [] if self._durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
            options += self._settings
            command = [str(self.bin_dir / "postgres"), "-D", str(self.pgdata)]
            for option in options:
                command += ["-c", option]
            self._process = process = subprocess.Popen(
                command,
                env=environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C must not reach it before the service has drained
                preexec_fn=self._become(die_with_parent(signal.SIGINT)),
            )
        if sys.platform != "linux":
            self._watcher = watch_from_outside(process.pid)
        while process.poll() is None:
            status = self._status()
            if status and status.pid == process.pid and status.state == "ready" and accepts(socket_dir):
                return None
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                return f"not ready after {self._start_timeout:.0f} seconds"
            time.sleep(_POLL_SECONDS)
        with self.log.open("rb") as file:
            file.seek(began)
            return file.read()[-2000:].decode(errors="replace").strip()

    def _open_log(self) -> IO[bytes]:
        if self.log.exists() and self.log.stat().st_size > 5_000_000:
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        file = os.fdopen(descriptor, "ab")
        file.seek(0, os.SEEK_END)
        return file

    def _socket_dir(self) -> Path:
        """`run` beside the data, or a short path of its own where that one is too long for a socket."""
        place = self.home / "run"
        if len(os.fsencode(place / f".s.PGSQL.{PORT}")) > _SOCKET_PATH_LIMIT:
            if self._spare_socket_dir is None:
                self._spare_socket_dir = Path(tempfile.mkdtemp(prefix="retainer-"))
            place = self._spare_socket_dir
        else:
            place.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(place, self._account.uid, self._account.gid)
        return place
