"""`retainer serve`: everything that is needed to answer, started in order and stopped in the other order.

Lock on the data folder, port, keys, Postgres, migrations, first data, then uvicorn. On Ctrl-C or SIGTERM the requests
under way are finished with the database up; only then Postgres stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import http.client
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.supervisors import Multiprocess, multiprocess

from app.commands.base import CommandError, database_errors, embedded
from app.embedded import DataFolderLock, EmbeddedPostgres, EmbeddedPostgresError, die_with_parent
from app.serving import forks
from app.serving.options import GUARDED
from app.settings import OPERATOR_KEY_FILE, SECRET_KEY_FILE, Settings

GRACE_SECONDS: Final = 7  # container engines kill after ten, and Postgres stops after the workers
_SUPERVISOR: Final = "RETAINER_SUPERVISOR"
_EMBEDDED: Final = "RETAINER_EMBEDDED"
_WITH_PARENT: Final = "RETAINER_DIE_WITH_PARENT"


def run() -> None:
    """Serve the API, with a Postgres of its own unless DATABASE_URL names one. Ctrl-C stops everything."""
    gc.disable()  # until the application is up, see `app.serving.unswept`
    if os.environ.pop(_WITH_PARENT, ""):
        die_with_parent(signal.SIGTERM, os.getppid())()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    settings = Settings.read()
    try:
        with contextlib.ExitStack() as stack:
            died = stack.enter_context(_data_folder(settings))
            # The workers of a killed predecessor may still be on their way out, with the port.
            listening = stack.enter_context(_listening(settings, patience=GRACE_SECONDS + 3.0 if died else 0.0))
            made = _missing_secrets(settings)
            settings, new_key = settings.with_secrets(create=True)
            if new_key and settings.operator_key is not None:
                _say(f"operator key: {settings.operator_key.get_secret_value()}")
                _say(f"  (shown this once; kept in {settings.data_dir / OPERATOR_KEY_FILE})")
            elif settings.operator_key is not None and len(settings.operator_key.get_secret_value()) < 16:
                _say("retainer: RETAINER_OPERATOR_KEY is short enough to be guessed; use 16 random characters or more")
            if settings.database_url is None:
                settings = stack.enter_context(_postgres(settings))
            if settings.workers > 1:
                with contextlib.suppress(OSError):  # a read-only machine: each process tells its own figures
                    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="retainer-"))
                    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            os.environ.update(settings.with_(port=listening.getsockname()[1]).environment())
            try:
                _prepare_for(settings.workers)
            except CommandError:
                # A key that was made just now for a database that another key has sealed is of no use to anybody.
                for file in made:
                    file.unlink(missing_ok=True)
                raise
            _serve(settings, listening)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        pass
    _say("retainer: stopped")


def _missing_secrets(settings: Settings) -> list[Path]:
    """The files of keys that the data folder does not hold yet."""
    files = [settings.data_dir / name for name in (OPERATOR_KEY_FILE, SECRET_KEY_FILE)]
    return [file for file in files if not file.exists()]


def asgi() -> Any:
    """The application of this process, from the environment that `serve` left; uvicorn calls it in every worker."""
    supervisor, shared = os.environ.get(_SUPERVISOR), forks.shared()
    if supervisor is not None:
        die_with_parent(signal.SIGTERM, int(supervisor) if shared is None else shared.PARENT)()
        if sys.platform != "linux":
            threading.Thread(target=_watch_parent, args=(int(supervisor),), daemon=True).start()
    settings = Settings.read()
    if os.environ.get(_EMBEDDED):
        _await_postgres(embedded(settings))
    if shared is not None:
        return shared.APPLICATION
    from app.main import create_app

    return create_app(settings)


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _data_folder(settings: Settings) -> Iterator[bool]:
    """The folder, ours alone; whether its last holder was killed."""
    try:
        settings.data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = DataFolderLock(settings.data_dir / "serve.lock", settings.data_dir)
        lock.acquire(timeout=3.0)
    except OSError as error:
        raise CommandError(
            f"the data folder {settings.data_dir} cannot be used: {error.strerror}; "
            "set RETAINER_DATA_DIR to a folder that you may write to"
        ) from None
    try:
        yield lock.predecessor_died
    finally:
        lock.release()


@contextlib.contextmanager
def _listening(settings: Settings, patience: float) -> Iterator[socket.socket]:
    """The port, taken before anything slow is started, so that a clash is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deadline = time.monotonic() + patience
        while True:
            try:
                bound.bind((settings.host, settings.port))
                break
            except OSError as error:
                if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                raise CommandError(
                    f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
                    "RETAINER_HOST and RETAINER_PORT choose another"
                ) from None
        bound.set_inheritable(True)
        yield bound


@contextlib.contextmanager
def _postgres(settings: Settings) -> Iterator[Settings]:
    postgres = embedded(settings)
    keeper = _Keeper(postgres)
    try:
        url = postgres.start()
        keeper.start()
        os.environ[_EMBEDDED] = "1"
        yield settings.with_(database_url=url)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # an impatient second Ctrl-C must not cut the shutdown short
        keeper.stop()
        postgres.stop()


class _Keeper(threading.Thread):
    """Brings the embedded server back when it dies under the service; requests fail meanwhile, and only meanwhile.

    The kernel ties the revived server to this thread, which lives as long as the process.
    """

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        super().__init__(name="postgres-keeper", daemon=True)
        self._postgres = postgres
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.2):
            code = self._postgres.exit_code
            if code is None and self._postgres.url is not None:
                continue
            _say(f"retainer: the embedded Postgres has gone (exit code {code}); starting it again")
            try:
                self._postgres.start()
                _say("retainer: the embedded Postgres is back")
            except EmbeddedPostgresError as error:
                _say(f"retainer: {error}")
                self._end.wait(2.0)

    def stop(self) -> None:
        self._end.set()
        if self.is_alive():
            self.join()


def _await_postgres(postgres: EmbeddedPostgres) -> None:
    """A worker born while the server is being brought back would fail, and take the service with it."""
    deadline = time.monotonic() + 30.0
    while postgres.attach() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _prepare_for(workers: int) -> None:
    """Prepares the database, for several processes in one that they are like."""
    if workers == 1 or not forks.FORKS:
        _prepare()
        return
    os.environ[_SUPERVISOR] = str(os.getpid())
    if (failed := forks.run_forked(_prepare_apart)) is not None:
        raise CommandError(failed)


def _prepare_apart() -> str | None:
    """Why the start failed, for the process that watches; None when all is ready."""
    try:
        _prepare()
    except CommandError as error:
        return str(error)
    return None


def _prepare() -> None:
    """The newest schema, and what the service wants to find in the database at its start."""
    from app import main
    from app.commands.migrate import upgrade

    settings = Settings.read()
    assert settings.database_url is not None  # noqa: S101 - the caller has put it into the environment

    with database_errors():
        # A migration keeps a session, which a transaction pooler does not give: none is begun without need.
        if not asyncio.run(main.is_migrated(settings, settings.database_url)):
            upgrade(settings.database_url)
        asyncio.run(main.prepare(settings, settings.database_url))


class Server(uvicorn.Server):
    """uvicorn's server, which says that it stops before it does."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """`/readyz` turns 503 and connections are no longer kept; after RETAINER_STOP_DELAY nothing new is taken."""
        app: Any = self.config.loaded_app
        app.state.stopping = True
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await asyncio.sleep(app.state.settings.stop_delay)
        await super().shutdown(sockets)


class Worker(forks.Forked):
    """A server process."""

    @property
    def server(self) -> uvicorn.Server:
        """Made where it serves."""
        if self._server is None:
            self._server = Server(config=self.config)
        return self._server


class Supervisor(Multiprocess):
    """uvicorn's supervisor, which lets go of the port before the last worker does."""

    def terminate_all(self) -> None:
        """Its own hold on the port would keep taking connections that no worker answers any more."""
        delay = Settings.read().stop_delay
        if delay:
            threading.Timer(delay, self._let_go).start()
        else:
            self._let_go()
        super().terminate_all()

    def _let_go(self) -> None:
        for socket_ in self.sockets:
            socket_.close()


def _serve(settings: Settings, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    config = uvicorn.Config(
        "app.commands.serve:asgi",
        factory=True,
        host=host,
        port=port,
        workers=settings.workers,
        loop="uvloop",
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=30,
        **GUARDED,
    )
    end = threading.Event()
    threading.Thread(target=_announce, args=(host, port, end), name="announcer", daemon=True).start()
    try:
        if settings.workers == 1:
            server = Server(config)
            server.run(sockets=[listening])
            failed = not server.started
        else:
            os.environ[_SUPERVISOR] = str(os.getpid())
            multiprocess.Process = Worker  # type: ignore[misc] # the supervisor takes no other
            supervisor = Supervisor(config, sockets=[listening])
            gc.enable()
            supervisor.run()
            failed = any(worker.exitcode == 3 for worker in supervisor.processes)
    finally:
        end.set()
    if failed:
        raise CommandError("the service did not start; the log above says why")


def _announce(host: str, port: int, end: threading.Event) -> None:
    """Say where to find the service once it answers."""
    asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    while not end.wait(0.1):
        try:
            connection = http.client.HTTPConnection(asked, port, timeout=2)
            connection.request("GET", "/readyz")
            ready = connection.getresponse().status == 200
            connection.close()
        except (OSError, http.client.HTTPException):
            continue
        if ready:
            shown = f"[{host}]" if ":" in host else host
            _say(f"retainer: ready on http://{shown}:{port} (try /docs and /graphql; Ctrl-C stops it)")
            return


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
