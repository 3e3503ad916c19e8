"""`make fuzz`: schemathesis against the service, over what its own contracts say. Needs `.venv-gates`.

The service has a database of its own with a furnished tenant (`scripts/fuzzing/fixtures.py`), so that calls reach what
is there. `scripts/fuzzing/hooks.py` tells the tool about it and counts what was reached. An operation that never
succeeded fails the run; those that a policy always refuses are named in `NEVER`.

Without arguments: the first row of `scripts/fuzzing/seeds.toml` for each door, which CI runs too. ``--all`` runs every
row, ``--policy shopp --seed 7 --examples 200`` looks elsewhere or deeper; docs/operations.md says more.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
import tempfile
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from app import worker
from app.api.graphql.names import field_name
from app.main import worker_jobs
from app.usecases.agenda import HANDLERS
from scripts import live
from scripts.fuzzing import fixtures as fixtures
from tests.support import databases
from tests.support.api import OPERATOR_KEY

FOLDER = Path(__file__).parent / "fuzzing"
TOOL = Path(".venv-gates/bin/schemathesis")
OPERATORS = ("putTenant", "suspendTenant", "putTenantMove", "createKey", "rotateKey", "revokeKey")
"""Run with the operator's key: a tenant's own may not, or would end itself and the run with it."""
TIME = ("moveTime",)
"""Run by itself: a random instant is years ahead, and everything that is due on the way ends."""
PATIENCE = 120
"""Seconds to wait for an answer: a policy simulated over the whole history takes a while on a machine in use."""
CHAINS_EACH = 5
"""Chains along the links for each example of an operation: there are some hundred links, and each goes a few ways."""
NODES = (("Customer", "customer_id"), ("Ticket", "ticket_id"), ("Order", "order_id"), ("License", "license_id"))
NEVER: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "never.toml").read_text(encoding="utf-8"))
"""Policy -> operation -> why it can never succeed there."""


@dataclass(frozen=True)
class Run:
    """One row of `seeds.toml`."""

    door: str
    policy: str
    seed: int
    examples: int
    phases: str = "examples,coverage,fuzzing,stateful"
    only: str = ""
    watch: bool = False


def rows() -> list[Run]:
    """The stored seeds, the quick ones first."""
    stored = tomllib.loads((FOLDER / "seeds.toml").read_text(encoding="utf-8"))
    return [Run(**one) for one in stored["run"]]


def main() -> int:
    """Runs; 0 only when nothing is found and everything was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--door", choices=("rest", "graphql"), default=None, help="only one door")
    parser.add_argument("--all", action="store_true", help="every stored row")
    parser.add_argument("--policy", default=None, help="under this policy in place of the row's")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--examples", type=int, default=None)
    parser.add_argument("--watch", action="store_true", help="ask the ledger's audit after every write")
    parser.add_argument("--phases", default=None)
    parser.add_argument("--only", default="", help="a regular expression over operation ids")
    given = parser.parse_args()
    if not TOOL.exists():
        print("fuzz: .venv-gates is missing; run `make gates-env`", file=sys.stderr)
        return 2
    chosen = [one for one in rows() if given.door in (None, one.door)]
    if not given.all:
        chosen = [next(one for one in chosen if one.door == door) for door in dict.fromkeys(one.door for one in chosen)]
    changes = {
        name: value
        for name in ("policy", "seed", "examples", "phases", "only", "watch")
        if (value := getattr(given, name))
    }
    failed = 0
    with databases.server() as server:
        for one in chosen:
            run = replace(one, **changes)
            print(f"fuzz: {run}", flush=True)
            failed += asyncio.run(_run(server, run)) != 0
    print(f"fuzz: {len(chosen) - failed} of {len(chosen)} runs found nothing")
    return 1 if failed else 0


async def _run(server: databases.Server, run: Run) -> int:
    with tempfile.TemporaryDirectory() as name:
        async with (
            live.serving(server, allow_private_webhooks=True, log_level="warning") as (base, app),
            Receiver() as hook,
        ):
            policy = fixtures.WIDE if run.policy == "wide" else run.policy
            key = await live.key_of_tenant(base, policy)
            laid = await _furnish(base, key, policy, hook, app, wide=run.policy == "wide")
            parts = (
                ("tenant", key, laid, None, (*OPERATORS, *TIME)),
                ("operator", OPERATOR_KEY, await _tenants(base, policy), (*OPERATORS, "listKeys"), ()),
                ("time", key, laid, (*TIME, "getTime"), ()),
            )
            codes = []
            for part, bearer, known, wanted, left in parts:
                if run.only and wanted is not None:
                    continue
                here = Path(name) / part
                here.mkdir()
                codes.append(await _part(run, base, bearer, known, here, wanted, left))
            return max(*codes, await _audited(base, key))


async def _part(
    run: Run,
    base: str,
    key: str,
    known: fixtures.Fixtures,
    here: Path,
    wanted: tuple[str, ...] | None,
    left: tuple[str, ...],
) -> int:
    if run.door == "graphql":
        fields = {operation: field_name(operation) for operation in known.good}
        nodes = [f"{kind}:{known.ids[key][0]}" for kind, key in NODES if known.ids.get(key)]
        ids = {**known.ids, "id": [base64.urlsafe_b64encode(one.encode()).decode().rstrip("=") for one in nodes]}
        known = fixtures.Fixtures(ids, {fields[operation]: one for operation, one in known.good.items()})
    (here / "fixtures.json").write_text(known.json(), encoding="utf-8")
    config = (FOLDER / "schemathesis.toml").read_text(encoding="utf-8")
    config += f"\n[phases.stateful.generation]\nmax-examples = {CHAINS_EACH * run.examples}\n"
    (here / "schemathesis.toml").write_text(config + _dictionaries(known, run.door), encoding="utf-8")
    words = [
        str(TOOL),
        "--config-file",
        str(here / "schemathesis.toml"),
        "run",
        f"{base}/graphql" if run.door == "graphql" else f"{base}/openapi.json",
        "--header",
        f"Authorization: Bearer {key}",
        "--phases",
        _phases(run, wanted),
        "--seed",
        str(run.seed),
        "--max-examples",
        str(run.examples),
        "--no-color",
        "--generation-database",
        "none",
        "--request-timeout",
        str(PATIENCE),
        "--continue-on-failure",
        "--warnings",
        "off",
    ]
    if run.only:
        words += ["--include-name-regex" if run.door == "graphql" else "--include-operation-id-regex", run.only]
    for kind, names in (("include", wanted or ()), ("exclude", left)):
        words += [word for one in names for word in _named(run.door, kind, one)]
    seen = here / "seen.json"
    code = await live.command(
        *words,
        SCHEMATHESIS_HOOKS="scripts.fuzzing.hooks",
        RETAINER_FUZZ_FIXTURES=str(here / "fixtures.json"),
        RETAINER_FUZZ_SEEN=str(seen),
        RETAINER_FUZZ_WATCH="1" if run.watch else "",
        PYTHONPATH=".",
    )
    reached = _reached(run, json.loads(seen.read_text(encoding="utf-8")))
    return code if run.only else max(code, reached)


def _phases(run: Run, wanted: tuple[str, ...] | None) -> str:
    """All of the run's, but chains of time: no link leads to or from it, and the tool takes that for a mistake."""
    phases = run.phases.split(",")
    return ",".join(one for one in phases if one != "stateful" or not wanted or TIME[0] not in wanted)


def _named(door: str, kind: str, operation: str) -> tuple[str, ...]:
    if door == "rest":
        return (f"--{kind}-operation-id", operation)
    query = {"getTime": "Query.tenantTime", "listKeys": "Query.keys"}.get(operation)
    return (f"--{kind}-name", query or f"Mutation.{operation}")


def _dictionaries(known: fixtures.Fixtures, door: str) -> str:
    """Ids for the phase that follows links, which the hooks leave alone, and the policy's words for bodies."""
    if door == "graphql":
        return ""
    bodies = {name: f"body.{name}" for name in ("category", "outcome", "cause", "credit_type", "channel", "license_id")}
    paths = {
        name: f"path.{name}"
        for name in known.ids
        if name not in bodies and name not in ("calendar", "policy", "source", "sku", "fact", "milestone")
    }
    bound = {**bodies, **paths, "sku": "body.lines[*].sku"}
    text, uses = "", "\n[parameters]\n"
    for name, place in bound.items():
        if values := known.ids.get(name):
            text += f"\n[dictionaries.{name}]\nvalues = {json.dumps(values)}\n"
            uses += f'"{place}" = {{ dictionary = "{name}", probability = 0.6 }}\n'
    return text + uses


def _reached(run: Run, seen: dict[str, dict[str, int]]) -> int:
    """Says which operations succeeded, and how often; 1 when one never did, without a reason that is written down."""
    excused = NEVER.get("every", {}) | NEVER.get(run.policy, {})
    missed = {name: counts for name, counts in seen.items() if not any(one.startswith("2") for one in counts)}
    calls, sound = _total(seen, ""), _total(seen, "2")
    print(f"fuzz: {len(seen) - len(missed)} of {len(seen)} operations succeeded; {sound} of {calls} calls did")
    for name, counts in sorted(missed.items()):
        print(f"fuzz: {name} never succeeded {counts}: {excused.get(name, 'NO REASON IS WRITTEN DOWN')}")
    # Only the examples phase, which GraphQL does not have, tries every good request; else it is a matter of luck.
    if run.door == "graphql" or "examples" not in run.phases:
        return 0
    return 1 if missed.keys() - excused.keys() else 0


async def _audited(base: str, key: str) -> int:
    """Whether the ledger's invariants hold after all that; 1 and what is broken if not."""
    async with httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        answer = (await client.get("/v1/audit?limit=100")).raise_for_status()
    broken = answer.json()["data"]
    for one in broken:
        print(f"fuzz: BROKEN {json.dumps(one)}")
    print(f"fuzz: the audit of the ledger finds {len(broken)} broken invariants")
    return 1 if broken else 0


def _total(seen: dict[str, dict[str, int]], beginning: str) -> int:
    return sum(n for counts in seen.values() for code, n in counts.items() if code.startswith(beginning))


async def _furnish(base: str, key: str, policy: str, hook: str, app: Any, *, wide: bool) -> fixtures.Fixtures:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:
        if wide:
            await fixtures.widen(client)
        laid = await fixtures.lay(client, policy, hook)
        # The worker's own turns: they number the events, send them, and act on what the shop delivered. It stands
        # still afterwards, so that nothing is sent to an address that the tool made up.
        house, jobs = app.state.house, worker_jobs(app.state.settings)
        for _ in range(100):
            done = await worker.run_once(house.database, live.TENANT, HANDLERS, jobs=jobs)
            if not done and await fixtures.delivered(client, laid):
                break
            await asyncio.sleep(0.1)
        for job in jobs:
            if hasattr(job, "close"):
                await job.close()
        await fixtures.gather(client, laid)
    return laid


async def _tenants(base: str, policy: str) -> fixtures.Fixtures:
    """For the operator: tenants with keys of their own."""
    laid = fixtures.Fixtures()
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    body = {"policy": policy, "clock": {"mode": "virtual", "now": "2025-01-01T00:00:00Z"}}
    async with httpx.AsyncClient(base_url=base, headers=headers) as client:
        for number in range(6):
            tenant = f"t-{number}"
            (await client.put(f"/v1/tenants/{tenant}", json=body)).raise_for_status()
            laid.known("tenant_id", tenant)
            laid.can("putTenant", {"tenant_id": tenant}, body)
            laid.can("suspendTenant", {"tenant_id": tenant}, {"suspended": bool(number % 2)})
            laid.can("putTenantMove", {"tenant_id": tenant}, {"state": "leaving" if number % 2 else "here"})
            laid.can("createKey", {"tenant_id": tenant}, {"scopes": ["*"], "label": "desk"})
            laid.can("listKeys", {}, tenant_id=tenant)
            for operation in ("revokeKey", "rotateKey"):
                for _ in range(2):
                    made = await client.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["tickets:read"]})
                    path = {"key_id": made.raise_for_status().json()["key_id"]}
                    laid.can(operation, path, {} if operation == "rotateKey" else None, tenant_id=tenant)
                    laid.known("key_id", path["key_id"])
    return laid


class Receiver:
    """Takes webhooks on this machine: 200 to all, but 500 at the third address."""

    async def __aenter__(self) -> str:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    @staticmethod
    async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        except asyncio.IncompleteReadError:  # connected, and thought better of it
            writer.close()
            return
        length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
        await reader.readexactly(int(length.partition(b":")[2]))
        status = b"500 No" if b" /2 " in head else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()


if __name__ == "__main__":
    sys.exit(main())
