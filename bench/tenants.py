"""`python -m bench.tenants [--idle 1000]`: what many tenants cost beside one, as lines and as JSON.

- Debits of forty tenants, ten customers each, beside those of one tenant with as many customers: the rate and the CPU.
- So many idle tenants: CPU of the service and of Postgres in thousandths of a core, and how long `/metrics` takes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
import urllib.request
from pathlib import Path

from app.db.engine import Database
from app.usecases.credits import credits as ledger
from app.usecases.tenants import keys, tenants
from bench.load import request, run
from bench.service import TENANT, Ground, ground, service

MANY = 40
CUSTOMERS = 10
CONNECTIONS = 32


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and its children have used."""
    found = 0.0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(folder.name) == pid or int(fields[1]) == pid:
            found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def postgres_of(at: Ground) -> int:
    """The process id of the database server."""
    return int(next(at.directory.rglob("postmaster.pid")).read_text().split()[0])


async def found(url: str, many: int, *, funded: bool) -> list[str]:
    """Make tenants, with customers who have credits where that is wanted; their keys."""
    database = Database(url, pool_size=4)
    made = []
    try:
        for number in range(many):
            tenant = f"{'many' if funded else 'idle'}-{number:04}"
            async with database.founding(tenant, actor="bench") as tx:
                await tenants.put(tx, tenants.PutTenant(policy="avactis"))
            if not funded:
                continue
            key = await database.run(
                tenant, lambda tx: keys.create(tx, scopes=["*"], label="b", expires_at=None, now=tx.at, options={})
            )
            seed = [
                ledger.CreditCommand(
                    kind="adjust", customer_id=f"c{n}", credits=1_000_000, reason="bench", key=f"seed-{n}"
                )
                for n in range(CUSTOMERS)
            ]
            await database.run(tenant, lambda tx, seed=seed: ledger.apply(tx, seed))  # type: ignore[misc]
            made.append(str(key["key"]))
    finally:
        await database.close()
    return made


async def debits(url: str, given: list[str], customers: int, seconds: float, name: str) -> float:
    """Debits a second, spread over tenants and customers."""

    def make(n: int) -> bytes:
        who = n % (len(given) * customers)
        return request(
            "POST",
            f"/v1/customers/c{who // len(given)}/debits",
            given[who % len(given)],
            body=b'{"credits": 1}',
            idempotency_key=f"{name}-{n}",
        )

    done = await run(url, make, connections=CONNECTIONS, seconds=seconds)
    if set(done.statuses) != {201}:
        raise RuntimeError(f"{done.statuses}")
    return done.rate


async def rates(at: Ground, url: str, many: list[str], rounds: int, seconds: float) -> dict[str, float]:
    """One tenant and forty, in turns."""
    one, forty = [], []
    for turn in range(rounds + 1):
        single = await debits(url, [at.key], MANY * CUSTOMERS, seconds, f"one{turn}")
        several = await debits(url, many, CUSTOMERS, seconds, f"many{turn}")
        if turn:  # the first is the warm-up
            one.append(single)
            forty.append(several)
    ratio = statistics.median(several / single for several, single in zip(forty, one, strict=True))
    return {"one": round(statistics.median(one)), "forty": round(statistics.median(forty)), "ratio": round(ratio, 2)}


def idle(at: Ground, url: str, pid: int, seconds: float) -> dict[str, float]:
    """Thousandths of a core while nothing is asked, then the milliseconds of a scrape."""
    postgres = postgres_of(at)
    service_cpu, postgres_cpu, began = cpu(pid), cpu(postgres), time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    figures = {
        "service": round((cpu(pid) - service_cpu) / passed * 1000, 1),
        "postgres": round((cpu(postgres) - postgres_cpu) / passed * 1000, 1),
    }
    scrapes = []
    for _ in range(5):
        began = time.monotonic()
        urllib.request.urlopen(f"{url}/metrics", timeout=30).read()  # noqa: S310 - the service just started
        scrapes.append((time.monotonic() - began) * 1000)
        time.sleep(0.5)
    return {**figures, "metrics_ms": round(statistics.median(scrapes), 1)}


def main() -> None:
    """Prints the lines, and JSON as the last one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--settle", type=float, default=30.0, help="seconds for a first look at every tenant")
    given = parser.parse_args()
    answer: dict[str, dict[str, float]] = {}
    with ground(customers=MANY * CUSTOMERS) as at:
        many = asyncio.run(found(at.url, MANY, funded=True))
        with service(at) as (url, _):
            line = answer["debits"] = asyncio.run(rates(at, url, many, given.rounds, given.seconds))
            sys.stdout.write(
                f"debits of {MANY} tenants  {line['forty']:>6.0f}/s   of one {line['one']:>6.0f}/s"
                f"   ratio {line['ratio']} (at least 0.5)\n"
            )
        if given.idle:
            asyncio.run(found(at.url, given.idle, funded=False))
            with service(at, worker=True) as (url, pid):
                time.sleep(given.settle)
                line = answer["idle"] = idle(at, url, pid, 20.0)
                sys.stdout.write(
                    f"{given.idle} idle tenants   {line['service']} + {line['postgres']} thousandths of a core"
                    f" (at most 20)   /metrics {line['metrics_ms']} ms (at most 50)\n"
                )
    sys.stdout.write(json.dumps({"tenant": TENANT, **answer}) + "\n")


if __name__ == "__main__":
    main()
