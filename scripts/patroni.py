"""`python -P scripts/patroni.py`: Patroni with etcd loses its leader under load, and the service goes on.

By hand, as it needs programs that the project does not bring: etcd, Patroni (4 was tried) with psycopg, and a Postgres
with `pg_basebackup`. Two members in synchronous mode; eight callers debit credits; the leader's Patroni and Postgres
are killed with -9; Patroni promotes the other; then the first comes back. Acknowledged commands must equal effects.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
OPERATOR = "rtn_op_patroni-0123456789"
ETCD, PEERS, SERVICE = 23790, 23800, 8716
MEMBERS = {"p1": ("127.0.0.101", 28008), "p2": ("127.0.0.102", 28009)}
CALLERS = 8
_CONFIGURATION = """
scope: shop
name: {name}
restapi: {{listen: "127.0.0.1:{rest}", connect_address: "127.0.0.1:{rest}"}}
etcd3: {{hosts: "127.0.0.1:{etcd}"}}
bootstrap:
  dcs: {{ttl: 20, loop_wait: 2, retry_timeout: 6, synchronous_mode: true, postgresql: {{use_pg_rewind: false}}}}
  initdb: [{{encoding: UTF8}}, {{locale: C.UTF-8}}]
postgresql:
  listen: "{address}:5432"
  connect_address: "{address}:5432"
  data_dir: {folder}/data
  bin_dir: {programs}
  pgpass: {folder}/pgpass
  pg_hba: ["local all all trust", "host all all 127.0.0.0/8 trust", "host replication all 127.0.0.0/8 trust"]
  authentication:
    replication: {{username: replicator, password: r}}
    superuser: {{username: postgres, password: s}}
  parameters: {{unix_socket_directories: "{folder}"}}
"""


class Cluster:
    """The processes, each with its log in the folder."""

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        self.folder = folder
        self.arguments = arguments
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None

    def start(self, name: str, command: Sequence[str], *, ours: bool = False, **environment: str) -> None:
        """Starts a process; ``ours``: as who runs this, else as who may run Postgres."""
        user = None if ours or self.user is None else self.user.pw_uid
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                list(command), stdout=log, stderr=log, cwd=self.folder, env={**os.environ, **environment}, user=user
            )

    def member(self, name: str) -> None:
        """Starts a member of the cluster, for the first time or again."""
        address, rest = MEMBERS[name]
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        file = folder / "patroni.yml"
        file.write_text(
            _CONFIGURATION.format(
                name=name, address=address, rest=rest, etcd=ETCD, folder=folder, programs=self.arguments.pg_bin
            )
        )
        if self.user is not None:
            shutil.chown(folder, self.user.pw_uid)
        self.start(name, [*self.arguments.patroni.split(), str(file)])

    def kill(self, name: str) -> None:
        """Patroni, Postgres and its children, all with -9."""
        postmaster = int((self.folder / name / "data" / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        self.running[name].kill()
        for process in (postmaster, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """Ends what still runs, the last one first."""
        for process in reversed(self.running.values()):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def role(name: str) -> dict[str, Any]:
    """What a member says of itself."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{MEMBERS[name][1]}/patroni", timeout=2) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))
    except OSError:
        return {}


def until(what: str, true: Callable[[], bool], seconds: float = 180.0) -> float:
    """Waits; how long it took."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.5)
    return time.monotonic() - began


def leads(name: str) -> bool:
    """Whether a member is the primary."""
    return role(name).get("role") in ("primary", "master") and role(name).get("state") == "running"


def _ready(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=3) as answer:
        return bool(answer.status == 200)
    return False


async def _failover(cluster: Cluster, shop: httpx.AsyncClient) -> dict[str, Any]:
    acknowledged, statuses = 0, Counter[int]()
    last_refusal, over = 0.0, False

    async def call() -> None:
        nonlocal acknowledged, last_refusal
        key = uuid.uuid4().hex
        while not over:
            answer = await shop.post("/v1/customers/ann/debits", json={"credits": 1}, headers={"Idempotency-Key": key})
            statuses[answer.status_code] += 1
            if answer.status_code == 201:
                acknowledged, key = acknowledged + 1, uuid.uuid4().hex
            else:
                last_refusal = time.monotonic()
                await asyncio.sleep(0.1)

    callers = [asyncio.create_task(call()) for _ in range(CALLERS)]
    await asyncio.sleep(5)
    before = acknowledged
    await asyncio.to_thread(cluster.kill, "p1")
    promoted_after = await asyncio.to_thread(until, "the other leads", lambda: leads("p2"))
    promoted = time.monotonic()
    await asyncio.sleep(12)
    over = True
    await asyncio.gather(*callers)
    balance = (await shop.get("/v1/customers/ann/balance")).json()
    return {
        "acknowledged_before": before,
        "acknowledged": acknowledged,
        "effects": 1_000_000 - balance["available"],
        "statuses": dict(statuses),
        "promoted_after_seconds": round(promoted_after, 1),
        "last_refusal_after_promotion_seconds": round(last_refusal - promoted, 1),
        "audit": (await shop.get("/v1/audit")).json()["data"],
    }


async def _on_a_shop(cluster: Cluster) -> dict[str, Any]:
    url = f"http://127.0.0.1:{SERVICE}"
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {OPERATOR}"}) as operator:
        (
            await operator.put("/v1/tenants/shop", json={"policy": "x-cart", "clock": {"mode": "real"}})
        ).raise_for_status()
        body = {"scopes": ["*"], "label": "patroni"}
        made = await operator.post("/v1/tenants/shop/keys", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    async with httpx.AsyncClient(base_url=url, headers=key, timeout=60) as shop:
        given = {"credits": 1_000_000, "reason": "to be spent"}
        path = "/v1/customers/ann/adjustments"
        (await shop.post(path, json=given, headers={"Idempotency-Key": "given"})).raise_for_status()
        found = await _failover(cluster, shop)
        cluster.member("p1")
        await asyncio.to_thread(until, "the first follows", lambda: role("p1").get("role") == "replica")
        after = await shop.post("/v1/customers/ann/debits", json={"credits": 1}, headers={"Idempotency-Key": "after"})
        return {**found, "a_debit_after_the_first_is_back": after.status_code}


def main() -> None:
    """Prints what was seen as JSON; ends with 1 where something acknowledged was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--etcd", default="etcd", help="the program")
    parser.add_argument("--patroni", default="patroni", help="the command, which may have arguments")
    parser.add_argument("--pg-bin", default="/usr/lib/postgresql/15/bin", help="the folder of Postgres' programs")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="retainer-patroni-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, arguments)
    if cluster.user is not None:
        shutil.chown(folder, cluster.user.pw_uid)
    try:
        client, peer = f"http://127.0.0.1:{ETCD}", f"http://127.0.0.1:{PEERS}"
        addresses = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
        more = ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
        cluster.start("etcd", [arguments.etcd, "--data-dir", str(folder / "etcd"), *addresses, *more])
        cluster.member("p1")
        until("the first leads", lambda: leads("p1"))
        cluster.member("p2")
        until("the second follows in step", lambda: bool(role("p2").get("sync_standby")))
        psql = [f"{arguments.pg_bin}/psql", "-X", "-h", MEMBERS["p1"][0], "-U", "postgres", "-c"]
        for statement in ("create role vendor login createrole", "create database shop owner vendor"):
            subprocess.run([*psql, statement], check=True)
        hosts = ",".join(f"{address}:5432" for address, _ in MEMBERS.values())
        cluster.start(
            "service",
            [sys.executable, "-m", "app.cli", "serve"],
            ours=True,
            DATABASE_URL=f"postgresql://vendor@{hosts}/shop?target_session_attrs=read-write",
            RETAINER_PORT=str(SERVICE),
            RETAINER_DATA_DIR=str(folder / "retainer"),
            RETAINER_OPERATOR_KEY=OPERATOR,
            PYTHONPATH=str(ROOT),
        )
        until("the service is ready", lambda: _ready(f"http://127.0.0.1:{SERVICE}/readyz"))
        found = asyncio.run(_on_a_shop(cluster))
    finally:
        cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found, indent=1))
    sys.exit(found["acknowledged"] != found["effects"] or bool(found["audit"]))


if __name__ == "__main__":
    main()
