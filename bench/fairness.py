"""`python -m bench.fairness`: what one tenant's load costs another one, as a table and as JSON.

Another tenant reads a balance every few milliseconds, and an echo of the same door beside it: first alone, then beside
each load. Its median may be three times the quiet one, and its p99 three times that of the echo under the same load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvloop

from app.documents.policy_document import dump, load_document
from bench.service import ROOT, Ground, ground, service

PAUSE = 0.02
"""Seconds between two calls of the quiet tenant."""
OPERATOR = "rtn_op_bench-0123456789"
START = "2025-01-01T00:00:00Z"
WEEK = ("mon", "tue", "wed", "thu", "fri")


@dataclass
class Felt:
    """What the quiet tenant saw, in seconds, and the longest that the event loop computed between two beats."""

    name: str
    balance: list[float] = field(default_factory=list)
    echo: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    noise: Counter[str] = field(default_factory=Counter)
    stretch: float = 0.0
    seconds: float = 0.0

    def row(self, quiet: Felt) -> dict[str, Any]:
        """One line of the table, in milliseconds."""
        p50, p99 = quantile(self.balance, 0.5), quantile(self.balance, 0.99)
        return {
            "load": self.name,
            "calls": len(self.balance),
            "balance_p50": p50,
            "balance_p99": p99,
            "echo_p50": quantile(self.echo, 0.5),
            "echo_p99": quantile(self.echo, 0.99),
            "p50_to_quiet": round(p50 / quantile(quiet.balance, 0.5), 2),
            "p99_to_echo": round(p99 / quantile(self.echo, 0.99), 2),
            "stretch": round(self.stretch * 1000, 1),
            "seconds": round(self.seconds, 1),
            "statuses": dict(self.statuses),
            "noise": dict(self.noise),
        }


def quantile(times: list[float], part: float) -> float:
    """A quantile in milliseconds."""
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000, 2) if ordered else 0.0


class Shop:
    """A tenant with a key."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self.client = client
        self.key = key

    @classmethod
    async def open(cls, client: httpx.AsyncClient, policy: str, *, real: bool = False) -> Shop:
        """A fresh tenant."""
        name = f"f-{policy}-{uuid.uuid4().hex[:8]}"
        clock = {"mode": "real"} if real else {"mode": "virtual", "now": START}
        operator = Shop(client, OPERATOR)
        await operator("PUT", f"/v1/tenants/{name}", {"policy": policy, "clock": clock})
        made = await operator("POST", f"/v1/tenants/{name}/keys", {"scopes": ["*"], "label": "fairness"})
        return cls(client, made.json()["key"])

    async def __call__(
        self, method: str, path: str, body: Any = None, *, fine: bool = True, idempotency_key: str | None = None
    ) -> httpx.Response:
        """One call; ``fine``: it must be answered with 2xx."""
        head = {"Authorization": f"Bearer {self.key}"}
        if method == "POST":
            head["Idempotency-Key"] = idempotency_key or uuid.uuid4().hex
        answer = await self.client.request(method, path, json=body, headers=head)
        if fine and answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    async def order(self, name: str, customer: str, sku: str = "license", quantity: int = 1) -> None:
        """An order of one line."""
        line = {"line_id": "1", "sku": sku, "quantity": quantity}
        body = {"customer_id": customer, "placed_at": START, "currency": "USD", "lines": [line]}
        await self("PUT", f"/v1/orders/{name}", body)


Load = Callable[[Felt, float], Awaitable[None]]


class Fairness:
    """The service under load."""

    def __init__(self, client: httpx.AsyncClient, seconds: float, tickets: int) -> None:
        self.client = client
        self.seconds = seconds
        self.tickets = tickets
        self.felt: list[Felt] = []
        self.quiet: Shop

    async def ready(self) -> None:
        """The quiet tenant with its customer; what is cached is warm."""
        self.quiet = await Shop.open(self.client, "x-cart")
        await self.quiet.order("o", "c", "credits-60", 10)
        for _ in range(100):
            await self.quiet("GET", "/v1/customers/c/balance")
            await self.quiet("POST", "/bench/echo", {"credits": 1})

    async def beside(self, name: str, load: Load | None) -> None:
        """Measures while the load runs; without one for the seconds that are asked for."""
        felt, stop = Felt(name), asyncio.Event()
        self.felt.append(felt)
        await self.quiet("POST", "/bench/stretch")
        watching = asyncio.create_task(self._watch(felt, stop))
        began = time.perf_counter()
        try:
            if load is None:
                await asyncio.sleep(self.seconds)
            else:
                await load(felt, began + self.seconds)
        finally:
            felt.seconds = time.perf_counter() - began
            stop.set()
            await watching
        felt.stretch = (await self.quiet("POST", "/bench/stretch")).json()["seconds"]

    async def _watch(self, felt: Felt, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for times, method, path, body in (
                (felt.balance, "GET", "/v1/customers/c/balance", None),
                (felt.echo, "POST", "/bench/echo", {"credits": 1}),
            ):
                began = time.perf_counter()
                answer = await self.quiet(method, path, body, fine=False)
                times.append(time.perf_counter() - began)
                felt.statuses[answer.status_code] += 1
                await asyncio.sleep(PAUSE)

    # --- loads

    async def writers(self) -> Load:
        """64 who open tickets of one customer."""
        shop = await Shop.open(self.client, "x-cart")
        await shop.order("o", "c", "credits-60", 500)
        body = {"customer_id": "c", "subject": "s", "channel": "helpdesk", "category": "level_1"}

        async def one(felt: Felt, until: float, number: int) -> None:
            count = 0
            while time.perf_counter() < until:
                count += 1
                answer = await shop("PUT", f"/v1/tickets/t{number}-{count}", body, fine=False)
                felt.noise[str(answer.status_code)] += 1

        return together(one, 64)

    async def validations(self, callers: int, policy: str) -> Load:
        """So many who have a draft checked again and again."""
        shop = await Shop.open(self.client, policy)
        text = (ROOT / "app" / "policies" / f"{policy}.yaml").read_text()
        document = dump(load_document(text).policy)

        async def one(felt: Felt, until: float, _: int) -> None:
            while time.perf_counter() < until:
                answer = await shop("POST", "/v1/policies/validate", {"document": document}, fine=False)
                felt.noise[str(answer.status_code)] += 1

        return together(one, callers)

    async def simulations(self) -> Load:
        """Twelve who simulate a draft over 300 entries."""
        shop = await Shop.open(self.client, "x-cart")
        for number in range(100):
            await shop.order(f"o{number}", f"c{number}")
            await shop("PUT", f"/v1/tickets/t{number}", ticket(f"c{number}"))
        document = (await shop("GET", "/v1/policies/x-cart")).json()["document"]
        body = {"document": document, "limit": 300}

        async def one(felt: Felt, until: float, _: int) -> None:
            while time.perf_counter() < until:
                answer = await shop("POST", "/v1/policies/x-cart/simulate", body, fine=False)
                felt.noise[str(answer.status_code)] += 1
                await asyncio.sleep(0.2)

        return together(one, 12)

    async def publication(self, *, real: bool, moving: bool) -> Load:
        """A calendar version over many open tickets, until all of their clocks are moved."""
        shop = await Shop.open(self.client, "x-cart", real=real)
        await in_tens(self.tickets, lambda n: shop.order(f"o{n}", f"c{n}"))
        await in_tens(self.tickets, lambda n: shop("PUT", f"/v1/tickets/t{n}", ticket(f"c{n}")))
        hours = {day: [["10:00", "11:00"]] if moving else [["00:00", "24:00"]] for day in WEEK}
        body = {"effective_from": "2025-01-01", "weekly_hours": hours, "correction": True, "reason": "fairness"}

        async def load(felt: Felt, until: float) -> None:
            key = uuid.uuid4().hex
            while True:
                began = time.perf_counter()
                answer = await shop(
                    "POST", "/v1/calendars/service-hours/versions", body, fine=False, idempotency_key=key
                )
                felt.noise[str(answer.status_code)] += 1
                if answer.status_code >= 300 or time.perf_counter() - began < 12:
                    break
            shown = answer.json().get("preview", {})
            felt.noise["moved"] = shown.get("moved", 0)
            felt.noise["open"] = shown.get("open_clocks", 0)

        return load

    async def policy_publication(self) -> Load:
        """A policy version over the same many open tickets."""
        shop = await Shop.open(self.client, "x-cart")
        await in_tens(self.tickets, lambda n: shop.order(f"o{n}", f"c{n}"))
        await in_tens(self.tickets, lambda n: shop("PUT", f"/v1/tickets/t{n}", ticket(f"c{n}")))
        document = (await shop("GET", "/v1/policies/x-cart")).json()["document"]

        async def load(felt: Felt, until: float) -> None:
            while time.perf_counter() < until:
                body = {"document": document}
                answer = await shop("POST", "/v1/policies/x-cart/versions", body, fine=False)
                felt.noise[str(answer.status_code)] += 1

        return load

    async def licenses(self) -> Load:
        """Orders of 1,000 licenses, their refunds, and the export of who has 2,000 and more."""
        shop = await Shop.open(self.client, "x-cart")

        async def load(felt: Felt, until: float) -> None:
            count = 0
            while time.perf_counter() < until or count < 3:
                count += 1
                await shop.order(f"o{count}", "c", "license", 1000)
                await shop("GET", "/v1/customers/c/export")
                if count > 2:
                    await shop("POST", f"/v1/orders/o{count}/refunds", {"refund_id": f"r{count}"})
                felt.noise["rounds"] += 1

        return load


def ticket(customer: str) -> dict[str, Any]:
    """A ticket whose clock runs."""
    return {"customer_id": customer, "subject": "s", "channel": "helpdesk", "category": "level_1"}


def together(one: Callable[[Felt, float, int], Awaitable[None]], many: int) -> Load:
    """So many callers at once."""

    async def load(felt: Felt, until: float) -> None:
        await asyncio.gather(*(one(felt, until, number) for number in range(many)))

    return load


async def in_tens(many: int, make: Callable[[int], Awaitable[Any]]) -> None:
    """All of them, ten at a time."""
    for first in range(0, many, 10):
        await asyncio.gather(*(make(n) for n in range(first, min(first + 10, many))))


async def measure(at: Ground, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All loads, one after another, in one process of the service."""
    with service(at, worker=True) as (url, _):
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
            found = Fairness(client, arguments.seconds, arguments.tickets)
            await found.ready()
            await found.beside("nobody", None)
            loads: dict[str, Callable[[], Awaitable[Load]]] = {
                "64 writers of one customer": found.writers,
                "6 who validate a small policy": lambda: found.validations(6, "x-cart"),
                "6 who validate a large policy": lambda: found.validations(6, "shopp"),
                "12 simulations": found.simulations,
                "calendar version, sandbox": lambda: found.publication(real=False, moving=True),
                "calendar version, real time": lambda: found.publication(real=True, moving=True),
                "policy versions": found.policy_publication,
                "orders of 1,000 licenses": found.licenses,
            }
            for name, make in loads.items():
                if re.search(arguments.only, name):
                    await found.beside(name, await make())
                    print(json.dumps(found.felt[-1].row(found.felt[0])), flush=True)
            await found.beside("nobody, afterwards", None)
            return [one.row(found.felt[0]) for one in found.felt]


def main() -> None:
    """Prints a table, and JSON as the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15.0, help="of each load")
    parser.add_argument("--tickets", type=int, default=2_000, help="open tickets under a publication")
    parser.add_argument("--only", default="", help="loads whose name matches")
    arguments = parser.parse_args()
    with ground(customers=10) as at:
        rows = uvloop.run(measure(at, arguments))
    shown = ["load", "balance_p50", "balance_p99", "echo_p99", "p50_to_quiet", "p99_to_echo", "stretch", "seconds"]
    print("| " + " | ".join(shown) + " |")
    print("|" + "---|" * len(shown))
    for row in rows:
        print("| " + " | ".join(str(row[one]) for one in shown) + " |")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
