"""The services of `deploy/compose.yaml` as plain processes, where there is no container engine.

    .venv/bin/python -m scripts.processes [--port 8000] [--folder build/compose] [--env-file deploy/.env]

Read from the file are the services, whom each waits for, their commands, environments, checks and the scripts of
Postgres's first start. Variables come from `.env` beside it, or another such
file, and from the environment. A process gets what its service
names, and nothing else of the shell. Not taken over are images, users, limits and read-only roots.

A service's name in an address becomes 127.0.0.1 and a port. Postgres's programs are those of the development
environment, pgbouncer's are the system's. One before 1.21 keeps no prepared statements, so the service is told.

Ctrl-C, or SIGTERM, stops all in the other order. `<folder>/<service>.log` has what each printed. A command of ours
finds in `<folder>/<service>.env` what its service gets, for commands by hand.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from app.embedded import die_with_parent, find_bin_dir
from app.embedded.processes import ServerUser, become, can_reach, server_user
from app.embedded.programs import copied

ROOT: Final = Path(__file__).resolve().parent.parent
COMPOSE: Final = ROOT / "deploy" / "compose.yaml"
PATIENCE_SECONDS: Final = 60
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_HOST: Final = re.compile(r"(?<=@)(\w+):5432")


class FailedError(Exception):
    """A service that did not start; why."""


@dataclass
class Machine:
    """Where everything runs: the folder, the port of each service, and the processes, the oldest first."""

    folder: Path
    port: int
    services: dict[str, Any]
    ports: dict[str, int] = field(default_factory=dict)
    running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    @property
    def account(self) -> ServerUser:
        """Who runs Postgres and the pooler, which refuse root."""
        return server_user(self.folder / "data")

    def environment(self, name: str) -> dict[str, str]:
        """Return a service's environment, with addresses of this machine."""
        told = {key: str(value) for key, value in self.services[name].get("environment", {}).items()}
        return {key: _HOST.sub(lambda host: f"127.0.0.1:{self.ports[host[1]]}", text) for key, text in told.items()}

    def start(self, name: str, words: list[str], environment: dict[str, str], *, plain: bool = False) -> None:
        """Start a process that dies with this one; ``plain``: as the account that is not root."""
        last = die_with_parent(signal.SIGTERM)
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                words,
                cwd="/" if plain else ROOT,
                env={"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8", **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=become(self.account, last) if plain else last,
                start_new_session=True,
            )
        self.running.append((name, process))

    def await_ready(self, name: str, ready: Callable[[], bool]) -> None:
        """Wait until a service that was started is ready."""
        process = dict(self.running)[name]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise FailedError(f"{name}: {(self.folder / f'{name}.log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop everything, the newest first."""
        for _, process in reversed(self.running):
            process.send_signal(signal.SIGINT if process.args[0].endswith("postgres") else signal.SIGTERM)  # type: ignore[index, union-attr]
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()


def main() -> int:
    """Start all, wait until told to stop, stop all; 1 where one does not start or ends by itself."""
    parser = argparse.ArgumentParser(prog="processes", description="The services of compose.yaml as plain processes.")
    parser.add_argument("--port", type=int, default=8000, help="the service's; the worker's figures are on the next")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "compose", help="data and logs")
    parser.add_argument("--env-file", type=Path, default=COMPOSE.with_name(".env"), help="values of variables")
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    given.folder.mkdir(parents=True, exist_ok=True)
    machine = Machine(given.folder.resolve(), given.port, _services(given.env_file))
    try:
        for name in _in_order(machine.services):
            STARTS.get(name, _retainer)(machine, name)
            _say(f"{name}: " + (f"127.0.0.1:{machine.ports[name]}" if name in machine.ports else "done"))
        _say(f"ready on http://127.0.0.1:{machine.port}")
        while all(process.poll() is None for _, process in machine.running):
            time.sleep(0.2)
        _say("one has ended: " + ", ".join(name for name, process in machine.running if process.poll() is not None))
        return 1
    except FailedError as why:
        _say(str(why))
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        machine.stop()
        _say("stopped")


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(f"processes: {text}", flush=True)


def _services(file: Path) -> dict[str, Any]:
    """Return the services of the file, with their variables filled in."""
    known = {**_dotenv(file), **os.environ}

    def value(found: re.Match[str]) -> str:
        name, kind, word = found.groups()
        if known.get(name):
            return known[name]
        if kind == "?":
            raise SystemExit(f"processes: {name} is not set: {word}")
        return word or ""

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: filled(row) for key, row in part.items()}
        if isinstance(part, list):
            return [filled(row) for row in part]
        return _VARIABLE.sub(value, part) if isinstance(part, str) else part

    services: dict[str, Any] = filled(yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"])
    return services


def _dotenv(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): text.strip() for name, _, text in pairs}


def _in_order(services: dict[str, Any]) -> Iterator[str]:
    """Yield the services, each after those that it waits for."""
    left = dict(services)
    while left:
        name = next(name for name, service in left.items() if not left.keys() & set(service.get("depends_on", ())))
        del left[name]
        yield name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _postgres(machine: Machine, name: str) -> None:
    """Start Postgres; at its first start make the database, and run the scripts that the image would run."""
    told, data = machine.environment(name), machine.folder / "data"
    programs = copied(find_bin_dir(), machine.folder) if os.geteuid() == 0 else find_bin_dir()
    port = machine.ports[name] = _free_port()
    client = {
        "PATH": f"{find_bin_dir()}:/usr/bin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": "postgres",
        "PGPASSWORD": told["POSTGRES_PASSWORD"],
        **told,
    }
    first = not (data / "PG_VERSION").exists()
    if first:
        _initialise(machine, programs, told["POSTGRES_PASSWORD"])
    options = ("listen_addresses=127.0.0.1", "unix_socket_directories=")
    words = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    machine.start(name, words + [word for option in options for word in ("-c", option)], {}, plain=True)
    check = machine.services[name]["healthcheck"]["test"][1]

    def answers(question: str) -> bool:
        return subprocess.run(["/bin/sh", "-c", question], env=client, capture_output=True, check=False).returncode == 0

    machine.await_ready(name, lambda: answers("pg_isready"))
    if first:
        _command(["psql", "-c", f'create database "{told["POSTGRES_DB"]}"'], client)
        for volume in machine.services[name]["volumes"]:
            source, _, target = volume.partition(":")
            if target.startswith("/docker-entrypoint-initdb.d"):
                for script in sorted((COMPOSE.parent / source).glob("*.sh")):
                    _command(["/bin/sh", str(script)], client)
    machine.await_ready(name, lambda: answers(check))


def _initialise(machine: Machine, programs: Path, password: str) -> None:
    account, data, word = machine.account, machine.folder / "data", machine.folder / "password"
    if os.geteuid() == 0 and not can_reach(account, machine.folder, "-x"):
        raise FailedError(f"the user {account.name} cannot enter {machine.folder}: give another --folder")
    data.mkdir(mode=0o700)
    word.write_text(password, encoding="utf-8")
    for path in (data, word):
        os.chown(path, account.uid, account.gid)
    words = ["initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={word}", "-E", "UTF8"]
    done = subprocess.run(
        [programs / words[0], *words[1:], "--locale=C.UTF-8"],
        capture_output=True,
        text=True,
        cwd="/",
        preexec_fn=become(account),
        check=False,
    )
    word.unlink()
    if done.returncode:
        raise FailedError(f"initdb: {done.stderr}")


def _command(words: list[str], environment: dict[str, str]) -> None:
    program = shutil.which(words[0], path=environment["PATH"]) or words[0]
    done = subprocess.run([program, *words[1:]], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedError(f"{' '.join(words)}: {done.stdout}{done.stderr}")


def _pgbouncer(machine: Machine, name: str) -> None:
    """Start the pooler with the settings that the image makes of its environment."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        raise FailedError("pgbouncer is not installed (on Debian: apt-get install pgbouncer)")
    told = machine.environment(name)
    database = urlsplit(told.pop("DATABASE_URL"))
    port = machine.ports[name] = _free_port()
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_file": str(machine.folder / "users.txt"),
        **{key.lower(): value for key, value in told.items()},
    }
    if not _keeps_statements(program):
        del settings["max_prepared_statements"]
        for service in machine.services.values():
            service.setdefault("environment", {})["RETAINER_PREPARED_STATEMENTS"] = "false"
    place = f"host={database.hostname} port={database.port} dbname={database.path[1:]}"
    lines = ["[databases]", f"{database.path[1:]} = {place}", "[pgbouncer]"]
    lines += [f"{key} = {value}" for key, value in settings.items()]
    for file, text in (
        ("pgbouncer.ini", "\n".join(lines)),
        ("users.txt", f'"{database.username}" "{database.password}"'),
    ):
        path = machine.folder / file
        _write(path, text)
        os.chown(path, machine.account.uid, machine.account.gid)
    machine.start(name, [program, str(machine.folder / "pgbouncer.ini")], {}, plain=True)
    machine.await_ready(name, lambda: _listens(port))


def _write(path: Path, text: str) -> None:
    """Write a file with secrets."""
    path.touch(0o600)
    path.write_text(f"{text}\n", encoding="utf-8")


def _keeps_statements(program: str) -> bool:
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", printed)[:2])) >= (1, 21)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _retainer(machine: Machine, name: str) -> None:
    """Run a command of the image: one that ends is awaited, one that stays is started."""
    (command,) = machine.services[name].get("command", ["serve"])
    told = {
        **machine.environment(name),
        "HOME": str(machine.folder),
        "RETAINER_PORT": str(machine.port),
        "RETAINER_DATA_DIR": str(machine.folder / name),
    }
    if "RETAINER_WORKER_METRICS_PORT" in told:
        told["RETAINER_WORKER_METRICS_PORT"] = str(machine.port + 1)
    _write(machine.folder / f"{name}.env", "\n".join(f"{key}={text!r}" for key, text in told.items()))
    words = [sys.executable, "-m", "app.cli", command]
    if machine.services[name].get("restart") == "no":
        _command(words, {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **told})
        return
    machine.start(name, words, {"PYTHONPATH": str(ROOT), **told})
    machine.ports[name] = machine.port if command == "serve" else machine.port + 1
    machine.await_ready(name, lambda: _listens(machine.ports[name]) and (command != "serve" or _ready(machine.port)))


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


STARTS: Final[dict[str, Callable[[Machine, str], None]]] = {"postgres": _postgres, "pgbouncer": _pgbouncer}
"""How services start that are no command of ours."""

if __name__ == "__main__":
    sys.exit(main())
