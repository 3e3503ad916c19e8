"""`python -m bench`: medians of the repeats and the ratio to the same rows written in SQL, as a table and as JSON."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import platform
import random
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from bench import main_job
from bench.fill import fill
from bench.lines import Line, load, meanings, table
from bench.load import Result, request, run
from bench.page import publish
from bench.service import CUSTOMERS, Ground, cpu_of_postgres, ground, memory, ordinary, pgbench, service
from bench.short import short

SPREAD = f"\\set n random(0, {CUSTOMERS - 1})\nselect bench_debit('c' || :n, 1);\n"
HISTORY = "debit, spread, with "
HOT = "select bench_debit('c0', 1);\n"
ORDINARY = "ordinary service, PUT ticket"


class Bench:
    """One run."""

    def __init__(self, at: Ground, seconds: float, connections: int, only: str = "") -> None:
        self.at = at
        self.seconds = seconds
        self.connections = connections
        self.lines: dict[tuple[str, int], Line] = {}
        self.memory = 0
        self.parent = 0
        self.salt = os.urandom(4).hex()
        self.fresh = itertools.count()
        self.only = re.compile(only)
        self.job = main_job.MainJob(at, seconds, connections)
        self.trips: dict[str, int] = {}
        self.version = ""

    def line(self, name: str, workers: int) -> Line:
        """The line of that name, made at its first use."""
        return self.lines.setdefault((name, workers), Line(name, workers))

    def debit(self, who: Callable[[int], str]) -> Callable[[int], bytes]:
        """Requests that debit one credit."""

        def make(n: int) -> bytes:
            return request(
                "POST",
                f"/v1/customers/{who(n)}/debits",
                self.at.key,
                body=b'{"credits":1}',
                idempotency_key=f"{self.salt}-{next(self.fresh)}",
            )

        return make

    def batch(self, n: int) -> bytes:
        """A request of 100 debits."""
        salt = f"{self.salt}-{next(self.fresh)}"
        commands = [
            {
                "idempotency_key": f"{salt}-{n}-{i}",
                "kind": "debit",
                "customer_id": f"c{random.randrange(CUSTOMERS)}",
                "credits": 1,
            }
            for i in range(100)
        ]
        body = json.dumps({"commands": commands}).encode()
        return request("POST", "/v1/credit-batches", self.at.key, body=body)

    async def load(self, url: str, make: Callable[[int], bytes], connections: int | None = None, **more: Any) -> Result:
        """One measurement, after a short warm-up."""
        count = connections or self.connections
        return await load(self.at, self.parent, url, make, connections=count, seconds=self.seconds, **more)

    async def hold_then_capture(self, url: str) -> Result:
        """Pairs: hold one, then capture it."""
        salt = f"{self.salt}-{next(self.fresh)}"
        made = await run(
            url,
            lambda n: request(
                "POST",
                f"/v1/customers/c{random.randrange(CUSTOMERS)}/holds",
                self.at.key,
                body=b'{"credits":1}',
                idempotency_key=f"h{salt}-{n}",
            ),
            connections=self.connections,
            seconds=self.seconds / 2,
            keep=True,
        )
        ids = [json.loads(body)["hold_id"] for body in made.bodies if b"hold_id" in body]
        taken = await run(
            url,
            lambda n: request(
                "POST", f"/v1/holds/{ids[n - 1]}/capture", self.at.key, body=b"{}", idempotency_key=f"k{salt}-{n}"
            ),
            connections=self.connections,
            seconds=60,
            most=len(ids),
        )
        both = Result(made.seconds + taken.seconds, made.times + taken.times, {**made.statuses, **taken.statuses})
        both.times = both.times[: len(ids)]
        both.cpu_service = both.cpu_postgres = 0.0
        return both

    async def over_http(self, url: str, workers: int, parent: int, graphql: bool) -> None:
        """All lines that go through the service."""
        self.parent = parent
        spread = self.debit(lambda _: f"c{random.randrange(CUSTOMERS)}")
        echo = request("POST", "/bench/echo", self.at.key, body=b'{"credits":1}')
        static = request("POST", "/graphql", self.at.key, body=b'{"query":"{ __typename }"}')

        def read(_: int) -> bytes:
            return request("GET", f"/v1/customers/c{random.randrange(CUSTOMERS)}/balance", self.at.key)

        def ask(_: int) -> bytes:
            query = "query($id: ID!) { balance(customerId: $id) { available held } }"
            body = json.dumps({"query": query, "variables": {"id": f"c{random.randrange(CUSTOMERS)}"}}).encode()
            return request("POST", "/graphql", self.at.key, body=body)

        async def line(name: str, make: Callable[[int], bytes], connections: int | None = None, times: int = 1) -> None:
            if self.only.search(name):
                self.line(name, workers).add(await self.load(url, make, connections), times=times)

        await line("debit, spread", spread)
        self.memory = max(self.memory, memory(parent))
        await line("debit, one hot customer", self.debit(lambda _: "c0"))
        if self.only.search("hold then capture (pairs)"):
            self.line("hold then capture (pairs)", workers).add(await self.hold_then_capture(url))
        await line("commands in batches of 100", self.batch, 4, times=100)
        await line("echo", lambda _: echo)
        await line("balance, REST", read)
        if graphql:
            await line("GraphQL, no database", lambda _: static)
            await line("balance, GraphQL", ask)

    async def main_job(self, url: str, workers: int, parent: int, names: tuple[str, ...]) -> None:
        """The lines of the main job, of the service or of the ordinary one."""
        for name in main_job.matching(self.only, names):
            before = await self.job.written()
            result = await self.job.over_http(name, url, parent)
            line = self.line(name, workers)
            line.add(result)
            if name in main_job.WRITES:
                wal, disk = (now - then for now, then in zip(await self.job.written(), before, strict=True))
                line.wal.append(wal / (result.warmed + len(result.times)))
                line.disk.append(disk / (result.warmed + len(result.times)))

    async def with_history(self, url: str, workers: int, parent: int, large: Ground, entries: int) -> None:
        """The debits of a second server whose ledger is long, right after those of the first."""
        self.parent, small = parent, self.at
        self.at = large
        try:
            spread = self.debit(lambda _: f"c{random.randrange(CUSTOMERS)}")
            self.line(f"{HISTORY}{entries:,} entries", workers).add(await self.load(url, spread))
        finally:
            self.at = small

    async def warm(self, url: str, at: Ground, seconds: float) -> None:
        """Debits before anything is measured: after a checkpoint the first change of each page is written whole, and a
        long ledger has a page a customer where a short one has a few. It ends once all have been changed."""
        small, self.at = self.at, at
        try:
            await run(url, self.debit(lambda n: f"c{n % CUSTOMERS}"), connections=self.connections, seconds=seconds)
        finally:
            self.at = small

    def beside(self) -> None:
        """The SQL function under pgbench."""
        for name, script in (("pgbench, spread", SPREAD), ("pgbench, hot", HOT)):
            if not self.only.search(name):
                continue
            seconds = max(2, int(self.seconds))
            before = cpu_of_postgres(self.at)
            rate = pgbench(self.at, script, clients=32, seconds=seconds)
            line = self.line(name, 0)
            line.rates.append(rate)
            line.cpu_postgres.append((cpu_of_postgres(self.at) - before) * 1000 / (rate * seconds))

        for name in main_job.matching(self.only, main_job.WRITES):
            main_job.note(self.line(f"SQL, {name}", 0), *asyncio.run(self.job.as_sql(name)))

    def ratios(self) -> None:
        """What each line is compared with."""
        against: dict[str, tuple[str, int | None]] = {
            **{name: (f"SQL, {name}", 0) for name in main_job.WRITES},
            ORDINARY: ("SQL, PUT ticket", 0),
            main_job.BY_SEVERITY: ("PUT ticket", None),
            **dict.fromkeys((*main_job.READS, main_job.GRAPHQL_PAGE), ("echo", None)),
            "debit, spread": ("pgbench, spread", 0),
            "debit, one hot customer": ("pgbench, hot", 0),
            "hold then capture (pairs)": ("pgbench, spread", 0),
            "commands in batches of 100": ("pgbench, spread", 0),
            "balance, REST": ("echo", None),
            "balance, GraphQL": ("GraphQL, no database", None),
        }
        against |= {name: ("debit, spread", None) for name, _ in self.lines if name.startswith(HISTORY)}
        for (name, workers), line in self.lines.items():
            if name in against:
                other, fixed = against[name]
                base = self.lines.get((other, workers if fixed is None else fixed))
                if base is not None:
                    line.compare(base)
        for workers in {workers for _, workers in self.lines}:
            ticket, usual = self.lines.get(("PUT ticket", workers)), self.lines.get((ORDINARY, workers))
            if ticket is not None and usual is not None:
                beside = self.line(f"PUT ticket beside {ORDINARY}", workers)
                beside.rates = ticket.rates
                beside.compare(usual, of=ticket)
            for name in main_job.WRITES[1:]:
                other = self.lines.get((name, workers))
                if ticket is not None and other is not None:
                    beside = self.line(f"{name} beside PUT ticket", workers)
                    beside.rates = other.rates
                    beside.compare(ticket, of=other)


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--no-graphql", action="store_true")
    parser.add_argument("--entries", type=int, default=0, help="measure a second server too, whose ledger has so many")
    parser.add_argument("--warm", type=float, default=30, help="seconds of debits before --entries is measured")
    parser.add_argument("--only", default="", help="a regular expression over the names of the lines")
    parser.add_argument("--json", help="where to write the figures")
    parser.add_argument("--publish", action="store_true", help="keep the figures, and write them into the pages")
    parser.add_argument("--short", action="store_true", help="compare ratios of CPU with the stored ones, as CI does")
    parser.add_argument("--store", action="store_true", help="with --short: store the ratios that were measured")
    given = parser.parse_args()
    if given.short:
        sys.exit(short(given.only, store=given.store))
    with contextlib.ExitStack() as stack:
        at = stack.enter_context(ground())
        large = stack.enter_context(ground()) if given.entries else None
        if large is not None:
            asyncio.run(fill(large, given.entries))
        bench = Bench(at, given.seconds, given.connections, given.only)
        for one in (at, large) if large is not None else ():
            with service(one, workers=max(given.workers)) as (url, _):
                uvloop.run(bench.warm(url, one, given.warm))
        with service(at) as (url, _):
            uvloop.run(bench.job.fill(url))
        loads = []
        for _ in range(given.repeats):
            loads.append(round(os.getloadavg()[0], 1))
            bench.beside()
            for workers in given.workers:
                with service(at, workers=workers) as (url, parent):
                    uvloop.run(bench.over_http(url, workers, parent, not given.no_graphql))
                    names = (*main_job.WRITES, main_job.BY_SEVERITY, *main_job.READS, main_job.GRAPHQL_PAGE)
                    uvloop.run(bench.main_job(url, workers, parent, names))
                if bench.only.search(ORDINARY):
                    with ordinary(at, workers=workers) as (url, parent):
                        uvloop.run(bench.main_job(url, workers, parent, (ORDINARY,)))
                if large is not None:
                    with service(large, workers=workers) as (url, parent):
                        uvloop.run(bench.with_history(url, workers, parent, large, given.entries))
        bench.trips = asyncio.run(main_job.round_trips(at))
        bench.version = asyncio.run(bench.job.version())
        bench.ratios()
    lines = list(bench.lines.values())
    print(table(lines))
    print("\nround trips to Postgres: " + ", ".join(f"{name} {number}" for name, number in bench.trips.items()))
    print("\n" + meanings(lines))
    print(f"\nmemory of one serving process: {bench.memory} MiB")
    machine = {
        "cores": os.cpu_count(),
        "load": sorted(loads),
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "postgres": bench.version,
        "date": f"{datetime.now(UTC):%d %B %Y}",
        "seconds": given.seconds,
        "repeats": given.repeats,
        "connections": given.connections,
    }
    print(f"machine: {machine}")
    if given.json or given.publish:
        figures = {
            "machine": machine,
            "memory_mib": bench.memory,
            "round_trips": bench.trips,
            "lines": [{**asdict(line), "rate": line.rate} for line in lines],
        }
        if given.json:
            Path(given.json).write_text(json.dumps(figures, indent=1))
        if given.publish:
            publish(figures)


if __name__ == "__main__":
    main()
