"""`make soak`: a steady load at half of what the machine can do, for as long as asked; what grows is a leak.

Requests are sent at their planned instants, whether or not earlier ones were answered, and timed from then: a service
that stands still cannot hide it. Beside the times it watches the memory and the open files of the serving processes.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from bench.load import request
from bench.service import CUSTOMERS, children, ground, memory, service

CONNECTIONS = 32
WARM_UP = 20.0
"""Seconds before the first look at memory: pools fill, plans are made."""


@dataclass
class Seen:
    """What came of one kind of request: milliseconds from the planned instant, and answers that were no 2xx."""

    times: list[float] = field(default_factory=list)
    wrong: dict[int, int] = field(default_factory=dict)

    def told(self, name: str) -> str:
        """One line."""
        ordered = sorted(self.times)
        p99 = ordered[int(len(ordered) * 0.99)] if ordered else 0.0
        p50 = statistics.median(ordered) if ordered else 0.0
        return f"{name}: {len(ordered):,} answers, p50 {p50:.1f} ms, p99 {p99:.1f} ms, not 2xx {self.wrong or 'none'}"


async def run(
    url: str, key: str, parent: int, *, seconds: float, rates: dict[str, float]
) -> tuple[dict[str, Seen], list[tuple[int, int]]]:
    """Loads the service; what was seen, and (MiB, open files) of its processes every five seconds."""
    parts = urlsplit(url)
    seen = {name: Seen() for name in rates}
    planned: asyncio.Queue[tuple[str, float] | None] = asyncio.Queue()
    began = time.perf_counter()
    salt, fresh = os.urandom(4).hex(), itertools.count()

    def made(kind: str) -> bytes:
        who = f"/v1/customers/c{random.randrange(CUSTOMERS)}"  # noqa: S311 - which customer
        if kind == "debit":
            return request("POST", f"{who}/debits", key, body=b'{"credits":1}', idempotency_key=f"{salt}-{next(fresh)}")
        return request("GET", f"{who}/balance", key)

    async def plan(kind: str, rate: float) -> None:
        for number in itertools.count():
            at = began + number / rate
            if at > began + seconds:
                return
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            planned.put_nowait((kind, at))

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while (one := await planned.get()) is not None:
            writer.write(made(one[0]))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next(int(row[15:]) for row in head.split(b"\r\n") if row.startswith(b"content-length:"))
            await reader.readexactly(length)
            found = seen[one[0]]
            found.times.append((time.perf_counter() - one[1]) * 1000)
            status = int(head[9:12])
            if status >= 300:
                found.wrong[status] = found.wrong.get(status, 0) + 1
        writer.close()

    looks: list[tuple[int, int]] = []

    async def watch() -> None:
        await asyncio.sleep(min(WARM_UP, seconds / 2))
        while True:
            looks.append((memory(parent), open_files(parent)))
            await asyncio.sleep(5)

    watching = asyncio.create_task(watch())
    callers = [asyncio.create_task(caller()) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(plan(kind, rate) for kind, rate in rates.items()))
    for _ in callers:
        planned.put_nowait(None)
    await asyncio.gather(*callers)
    watching.cancel()
    return seen, looks


def open_files(parent: int) -> int:
    """Open files and connections of the serving processes together."""
    return sum(len(list(Path(f"/proc/{one}/fd").iterdir())) for one in [parent, *children(parent)])


def main() -> int:
    """0 when nothing failed and nothing grew by more than a twentieth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--debits", type=float, default=50, help="a second")
    parser.add_argument("--reads", type=float, default=200, help="a second")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    rates = {"debit": given.debits, "balance": given.reads}
    with ground() as at, service(at, workers=given.workers, worker=True) as (url, parent):
        seen, looks = uvloop.run(run(url, at.key, parent, seconds=given.minutes * 60, rates=rates))
    for name, found in seen.items():
        print(found.told(name))
    first, last = looks[0], looks[-1]
    print(f"memory of the largest process {first[0]} -> {last[0]} MiB, open files {first[1]} -> {last[1]}")
    grew = last[0] > first[0] * 1.05 + 1 or last[1] > first[1] + CONNECTIONS
    failed = any(found.wrong or not found.times for found in seen.values())
    return 1 if grew or failed else 0


if __name__ == "__main__":
    sys.exit(main())
