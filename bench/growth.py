"""`python -m bench.growth`: what a call costs as one account, or its tenant, grows; as JSON, and as two pictures.

One account is made through the API with ten orders or ten tickets, and copied set-wise to a hundred and a thousand
times that; a tenant is ten customers, copied as often. Each call is made over HTTP on one connection, and the CPU of
service and Postgres is counted. ``--draw`` makes the pictures anew from the figures that were kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from bench import crowd
from bench.lines import load
from bench.load import run
from bench.main_job import DESK, GRAPHQL_PAGE, LICENSE, PACK, PAGE, PLACED, Requests
from bench.page import PAGE as PUBLISHED
from bench.page import between
from bench.service import ROOT, Ground, ground, service
from tests.support import one_account

KEPT = Path(__file__).with_name("growth.json")
PICTURES = ROOT / "docs" / "pictures"
SIZES = (10, 1_000, 10_000)
KINDS = ("tickets", "orders", "customers")
COLOURS = ("#1b6ca8", "#c8553d", "#4a7c59", "#7d4e9e", "#b8860b", "#2f4858", "#a23b72", "#6b705c")
Figures = dict[str, dict[str, dict[str, list[float]]]]
"""By kind of growth, call and size: CPU of service and Postgres, in milliseconds."""


class Growth:
    """A tenant with an account for each kind and size."""

    def __init__(self, at: Ground, seconds: float) -> None:
        self.at = at
        self.seconds = seconds
        self.requests = Requests(at.desk)

    async def fill(self, url: str, kind: str) -> None:
        """Make accounts of ten orders or ten tickets, then copy what is in them."""
        for size in SIZES:
            await self.account(url, kind, f"{kind}-{size}", size)

    async def account(self, url: str, kind: str, customer: str, size: int) -> None:
        """Make an account of one order or ticket, or of ten that are copied until there are so many."""
        first, salt = min(size, 10), self.requests.salt
        bodies: list[bytes] = [self.order(customer, f"{salt}-{customer}-license", LICENSE)]
        if kind == "orders":
            bodies += [self.order(customer, f"{salt}-{customer}-{n}", PACK) for n in range(first - 1)]
        else:
            grant = {"credits": 400, "reason": "bench"}
            bodies.append(self.requests.send("POST", f"/v1/customers/{customer}/adjustments", grant, keyed=True))
            bodies += [self.requests.ticket_of(customer, f"{salt}-{customer}-{n}") for n in range(first)]
        found = await run(url, lambda n: bodies[n - 1], connections=1, seconds=60, most=len(bodies))
        if set(found.statuses) - {200, 201}:
            raise RuntimeError(f"{customer}: {found.statuses}")
        if kind == "tickets":
            for n in range(first):
                resolution = self.requests.resolution(f"{salt}-{customer}-{n}")
                await run(url, lambda _, body=resolution: body, connections=1, seconds=60, most=1)
        connection = await asyncpg.connect(self.at.plain)
        try:
            await one_account.grow(connection, DESK, customer, size // first - 1)
        finally:
            await connection.close()

    def order(self, customer: str, name: str, line: Mapping[str, Any]) -> bytes:
        """Return an order of one line."""
        body = {"customer_id": customer, "placed_at": PLACED, "currency": "USD", "lines": [line]}
        return self.requests.send("PUT", f"/v1/orders/{name}", body)

    async def measure(self, url: str, parent: int, customer: str) -> dict[str, tuple[float, float]]:
        """Return the CPU of each call about a customer."""
        salt = os.urandom(4).hex()
        page = {"query": PAGE, "variables": {"id": customer}}
        calls: dict[str, Callable[[int], bytes]] = {
            "PUT ticket": lambda n: self.requests.ticket_of(customer, f"{salt}-{n}"),
            "PUT order": lambda n: self.order(customer, f"{salt}-{n}", PACK),
            "GET customer": lambda _: self.requests.send("GET", f"/v1/customers/{customer}"),
            "GET statement": lambda _: self.requests.send("GET", f"/v1/customers/{customer}/statement"),
            "GET entitlement": lambda _: self.requests.send(
                "GET", f"/v1/customers/{customer}/entitlements/open_ticket"
            ),
            "GET balance": lambda _: self.requests.send("GET", f"/v1/customers/{customer}/balance"),
            GRAPHQL_PAGE: lambda _: self.requests.send("POST", "/graphql", page),
        }
        found = {}
        for name, make in calls.items():
            most = 15 if name.startswith("PUT") else None  # an account must not grow much by being measured
            result = await load(
                self.at, parent, url, make, connections=1, seconds=self.seconds, warm=0 if most else 0.2, most=most
            )
            if set(result.statuses) - {200, 201}:
                print(f"{name} of {customer}: {result.statuses}", file=sys.stderr, flush=True)
            many = max(1, len(result.times))
            found[name] = (result.cpu_service * 1000 / many, result.cpu_postgres * 1000 / many)
        return found


def measured(kinds: Sequence[str], seconds: float, rounds: int) -> Figures:
    """Measure each kind of growth in interleaved rounds, keep what was found as it comes, and return the medians."""
    figures: Figures = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for kind in kinds:
        turns: dict[tuple[str, int], list[tuple[float, float]]] = {}
        for size, found in (_tenants if kind == "customers" else _accounts)(kind, seconds, rounds):
            for name, cpu in found.items():
                turns.setdefault((name, size), []).append(cpu)
        figures[kind] = {}
        for (name, size), all_ in turns.items():
            medians = [round(statistics.median(part), 2) for part in zip(*all_, strict=True)]
            figures[kind].setdefault(name, {})[str(size)] = medians
        KEPT.write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def _accounts(kind: str, seconds: float, rounds: int) -> Iterator[tuple[int, dict[str, tuple[float, float]]]]:
    with ground(customers=2, desk=10) as at:
        growth = Growth(at, seconds)
        with service(at) as (url, parent):
            uvloop.run(growth.fill(url, kind))
            for _ in range(rounds):
                for size in SIZES:
                    yield size, uvloop.run(growth.measure(url, parent, f"{kind}-{size}"))


def _tenants(_: str, seconds: float, rounds: int) -> Iterator[tuple[int, dict[str, tuple[float, float]]]]:
    for size in SIZES:
        with ground(customers=2, desk=10) as at:
            growth = Growth(at, seconds)
            with service(at, worker=True) as (url, _parent):
                uvloop.run(_first_customers(growth, url))
            uvloop.run(_more_customers(growth, size))
            with service(at) as (url, parent):
                for _ in range(rounds):
                    yield size, uvloop.run(growth.measure(url, parent, "one"))


async def _first_customers(growth: Growth, url: str) -> None:
    """Make ten customers with a license and a ticket, and one who is asked about. Their events get their places."""
    bodies = [growth.requests.first_order(f"s{n}") for n in range(10)]
    bodies += [growth.requests.first_ticket(f"s{n}") for n in range(10)]
    bodies.append(growth.order("one", "one-license", LICENSE))
    await run(url, lambda n: bodies[n - 1], connections=1, seconds=60, most=len(bodies))
    connection = await asyncpg.connect(growth.at.plain)
    try:
        for _ in range(100):
            await asyncio.sleep(0.2)
            if not await connection.fetchval("select count(*) from outbox where position is null"):
                break
    finally:
        await connection.close()


async def _more_customers(growth: Growth, size: int) -> None:
    """Copy the customers until there are so many."""
    connection = await asyncpg.connect(growth.at.plain)
    try:
        if size > 10:
            await crowd.multiply(connection, DESK, size // 10 - 1)
    finally:
        await connection.close()


def exponent(of: Mapping[str, Sequence[float]]) -> float:
    """Return the growth between the last two sizes, as the power of the size."""
    small, large = str(SIZES[-2]), str(SIZES[-1])
    return math.log(max(sum(of[large]), 0.01) / max(sum(of[small]), 0.01)) / math.log(SIZES[-1] / SIZES[-2])


def table(figures: Figures) -> str:
    """Return the figures as Markdown."""
    rows = [
        "| grows | call | " + " | ".join(f"{size:,}" for size in SIZES) + " | exponent |",
        "|---|---|---|---|---|---|",
    ]
    for kind, calls in figures.items():
        for name, of in calls.items():
            cells = [" + ".join(f"{part:.1f}" for part in of[str(size)]) for size in SIZES]
            rows.append(f"| {kind} | {name} | " + " | ".join(cells) + f" | {exponent(of):.2f} |")
    return "\n".join(rows)


def picture(kind: str, calls: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Draw one curve for each call, both axes by powers of ten."""
    left, top, width, height = 60, 34, 420, 250
    low, high = 0.1, 100.0

    def x(size: float) -> float:
        return left + width * math.log10(size / SIZES[0]) / math.log10(SIZES[-1] / SIZES[0])

    def y(cost: float) -> float:
        return top + height * (1 - math.log10(min(max(cost, low), high) / low) / math.log10(high / low))

    words = 'font-family="sans-serif" font-size="12" fill="#333"'
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 330" role="img">',
        f"<title>CPU of a call as {kind} grow</title>",
        '<rect width="700" height="330" fill="white"/>',
        f'<text x="{left}" y="20" {words}>ms of CPU a call, service and Postgres; {kind} grow to the right</text>',
    ]
    for cost in (0.1, 1, 10, 100):
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y(cost):.1f}" y2="{y(cost):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(cost) + 4:.1f}" text-anchor="end" {words}>{cost:g}</text>')
    base = top + height + 20
    parts += [f'<text x="{x(size):.1f}" y="{base}" text-anchor="middle" {words}>{size:,}</text>' for size in SIZES]
    for place, (name, of) in enumerate(calls.items()):
        colour = COLOURS[place % len(COLOURS)]
        points = " ".join(f"{x(size):.1f},{y(sum(of[str(size)])):.1f}" for size in SIZES)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        line = top + 12 + 22 * place
        parts.append(f'<rect x="{left + width + 16}" y="{line - 9}" width="14" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{left + width + 36}" y="{line}" {words}>{name.replace("&", "&amp;")}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    """Measure, keep, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.7, help="of each call in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS)
    parser.add_argument("--draw", action="store_true", help="only draw what was measured before")
    given = parser.parse_args()
    if not given.draw:
        measured(given.kinds, given.seconds, given.rounds)
    figures: Figures = json.loads(KEPT.read_text())
    PICTURES.mkdir(exist_ok=True)
    for kind, calls in figures.items():
        (PICTURES / f"growth-{kind}.svg").write_text(picture(kind, calls))
    links = [f"![CPU of a call as {kind} grow](pictures/growth-{kind}.svg)" for kind in figures]
    part = "\n".join([*links, "", table(figures)])
    PUBLISHED.write_text(between(PUBLISHED.read_text(), "growth", part))
    print(part)


if __name__ == "__main__":
    main()
