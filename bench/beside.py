"""`python -m bench.beside`: the work beside the calls, one line each, as JSON.

`webhooks`: from an event to its arrival while 64 connections call everything; `inbound`: orders of a shop, from arrival
to effect; `import`: customers with a lot each; `clock`: a sandbox moved over a year; `simulate`: a draft over history;
`audit`: `retainer verify-ledger` over one tenant; `memory`: what one and two workers take, and the CPU of a second
start. What a line should reach stands in docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvloop
from standardwebhooks import Webhook

from app.documents.policy_document import dump, load_document
from bench.crowd import multiply
from bench.fairness import Shop, ticket
from bench.load import request, run
from bench.service import ROOT, Ground, children, cpu_of_postgres, cpu_of_service, free_port, ground, service

CUSTOMERS = 500
CONNECTIONS = 64
LINES = ("webhooks", "inbound", "import", "clock", "simulate", "audit")
LIVES = 10
"""Customers of whom the audit's tenant has copies."""
SECRET = "whsec_" + "c2VjcmV0" * 6


def quantiles(seconds: list[float]) -> dict[str, float]:
    """p50, p99 and the most, in seconds."""
    ordered = sorted(seconds) or [0.0]
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3)
        for name, part in (("p50", 0.5), ("p99", 0.99), ("most", 1.0))
    }


# --- webhooks ---------------------------------------------------------------------------------------------------------


def _receive(port: int, done: Connection) -> None:
    """A receiver in a process of its own: how long each event took, and over how many connections they came."""
    lags: dict[str, float] = {}
    connections = itertools.count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        next(connections)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                body = json.loads(await reader.readexactly(int(fields["content-length"])))
                moment = datetime.fromisoformat(body["timestamp"])
                lags.setdefault(fields["webhook-id"], (datetime.now(UTC) - moment).total_seconds())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", port)
        await asyncio.to_thread(done.recv)
        server.close()

    asyncio.run(main())
    done.send((list(lags.values()), next(connections)))


def _mixed(key: str, salt: str) -> Callable[[int], bytes]:
    """Orders, tickets, responses, resolutions and reads, in turn."""
    numbers = itertools.count()

    def make(_: int) -> bytes:
        number = next(numbers)
        who = f"c{random.randrange(CUSTOMERS)}"  # noqa: S311 - which customer
        kind, old = number % 9, f"{salt}-{number - number % 9 - 9 * 40 + 1}"
        once = f"{salt}-{number}"
        if kind == 0:
            line = {"line_id": "1", "sku": "credits-60", "quantity": 1}
            body = {"customer_id": who, "placed_at": datetime.now(UTC).isoformat(), "currency": "USD", "lines": [line]}
            return request("PUT", f"/v1/orders/{once}", key, body=json.dumps(body).encode())
        if kind == 1:
            return request("PUT", f"/v1/tickets/{once}", key, body=json.dumps(ticket(who)).encode())
        if kind in (2, 3):
            verb = "responses" if kind == 2 else "resolution"
            body = {"author": "vendor", "kind": "service"} if kind == 2 else {"cause": "question"}
            path = f"/v1/tickets/{old}/{verb}"
            return request("POST", path, key, body=json.dumps(body).encode(), idempotency_key=once)
        reads = ("", "/statement", "/entitlement?category=level_1", "/balance", "/balance")
        return request("GET", f"/v1/customers/{who}{reads[kind - 4]}", key)

    return make


async def webhooks(at: Ground, seconds: float, workers: int) -> dict[str, Any]:
    """Events under the mixed load."""
    port = free_port()
    ours, theirs = multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=(port, theirs), daemon=True)
    receiver.start()
    with service(at, workers=workers, worker=True) as (url, parent):
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            shop = await Shop.open(client, "x-cart", real=True)
            for number in range(CUSTOMERS):
                await shop.order(f"o{number}", f"c{number}", "credits-60", 10)
            await shop(
                "POST", "/v1/webhook-endpoints", {"url": f"http://127.0.0.1:{port}/", "event_types": ["ticket.*"]}
            )
        before = cpu_of_service(parent), cpu_of_postgres(at)
        make = _mixed(shop.key, os.urandom(4).hex())
        result = await run(url, make, connections=CONNECTIONS, seconds=seconds)
        used = cpu_of_service(parent) - before[0], cpu_of_postgres(at) - before[1]
        await asyncio.sleep(5)
        ours.send(None)
        lags, connections = await asyncio.to_thread(ours.recv)
    receiver.join()
    return {
        "line": "webhooks",
        "workers": workers,
        "answers": len(result.times),
        "a_second": round(result.rate),
        "statuses": result.statuses,
        "p50_ms": round(result.quantile(0.5)),
        "cpu_ms_an_answer": [round(one * 1000 / max(1, len(result.times)), 2) for one in used],
        "events": len(lags),
        "receiver_connections": connections,
        **{f"arrival_{name}": value for name, value in quantiles(lags).items()},
    }


# --- inbound ----------------------------------------------------------------------------------------------------------


async def inbound(at: Ground, count: int) -> dict[str, Any]:
    """Orders of a shop, all at once: when each was received, and when all had their effect."""
    with service(at, worker=True) as (url, parent):
        limits = httpx.Limits(max_connections=32)
        async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
            shop = await Shop.open(client, "x-cart", real=True)
            source = {"kind": "purchase", "secret": SECRET, "products": {}}
            path = (await shop("PUT", "/v1/sources/shop", source)).json()["path"]
            await _buy(client, path, 0)
            await asyncio.sleep(1)
            before = cpu_of_service(parent), cpu_of_postgres(at)
            began = time.perf_counter()
            await asyncio.gather(*(_buy(client, path, number) for number in range(1, count + 1)))
            received = time.perf_counter() - began
            while await _waiting(shop):  # noqa: ASYNC110 - a service has no event to wait for
                await asyncio.sleep(0.1)
            effect = time.perf_counter() - began
            used = cpu_of_service(parent) - before[0], cpu_of_postgres(at) - before[1]
            path = "/v1/sources/shop/deliveries?state=done&limit=1"
            done = (await shop("GET", path)).json()["data"]
    return {
        "line": "inbound",
        "orders": count,
        "received_a_second": round(count / received),
        "in_effect_a_second": round(count / effect, 1),
        "cpu_ms_each": [round(one * 1000 / count, 2) for one in used],
        "some_done": bool(done),
    }


async def _buy(client: httpx.AsyncClient, path: str, number: int) -> None:
    line = {"line_id": "1", "sku": "credits-60", "quantity": 1, "unit_price": "120.00"}
    data = {
        "order_id": str(number),
        "customer_id": f"c{number}",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [line],
    }
    body = json.dumps({"type": "order.paid", "timestamp": "2025-01-01T00:00:00Z", "data": data})
    moment = datetime.now(UTC)
    head = {
        "webhook-id": f"e{number}",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(f"e{number}", moment, body),
    }
    answer = await client.post(path, content=body, headers=head)
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.status_code} {answer.text[:200]}")


async def _waiting(shop: Shop) -> list[Any]:
    found = (await shop("GET", "/v1/sources/shop/deliveries?state=received&limit=1")).json()
    return list(found["data"])


# --- import -----------------------------------------------------------------------------------------------------------


def bring(at: Ground, count: int) -> list[dict[str, Any]]:
    """Customers with a lot each: checked, brought in, and brought in once more."""
    lines = []
    for number in range(count):
        lot = {"kind": "lot", "customer_id": f"i{number}", "import_id": f"l{number}", "credits": 10}
        lines.append({"kind": "customer", "customer_id": f"i{number}"})
        lines.append({**lot, "granted_at": "2025-01-01T00:00:00Z", "expires_at": "2035-01-01T00:00:00Z"})
    file = at.directory / "import.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    environment = {**os.environ, "DATABASE_URL": at.url, "RETAINER_DATA_DIR": str(at.directory / "service")}
    found = []
    for name, more in (("check", []), ("check and write", ["--apply"]), ("again", ["--apply"])):
        before, began = cpu_of_postgres(at), time.perf_counter()
        command = [sys.executable, "-m", "app.cli", "import", str(file), "--tenant", "bench", *more]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        said = process.stdout.read().decode() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"{name}: {said}")
        seconds = time.perf_counter() - began
        time.sleep(0.5)  # until the server has counted what its process for the command used
        found.append(
            {
                "line": f"import, {name}",
                "customers": count,
                "a_second": round(count / seconds),
                "cpu_ms_each": [
                    round((usage.ru_utime + usage.ru_stime) * 1000 / count, 2),
                    round((cpu_of_postgres(at) - before) * 1000 / count, 2),
                ],
                "memory_mib": usage.ru_maxrss // 1024,
                "said": said.strip().splitlines()[-1],
            }
        )
    return found


# --- the sandbox's clock, and simulations -----------------------------------------------------------------------------


async def clock(at: Ground, many: int, policy: str) -> dict[str, Any]:
    """A sandbox moved over a year: with so many tickets open, or with as many lots that end (Avactis')."""
    with service(at) as (url, parent):
        async with httpx.AsyncClient(base_url=url, timeout=120) as client:
            shop = await Shop.open(client, policy)
            await {"avactis": _lots, "shopp": _owed_daily}.get(policy, _tickets)(shop, many)
            before = cpu_of_service(parent), cpu_of_postgres(at)
            began, fired, calls = time.perf_counter(), 0, 0
            while True:
                answer = (await shop("PUT", "/v1/clock", {"now": "2026-01-01T00:00:00Z"})).json()
                fired, calls = fired + answer["fired"], calls + 1
                if answer["reached"]:
                    break
            seconds = time.perf_counter() - began
            used = cpu_of_service(parent) - before[0], cpu_of_postgres(at) - before[1]
    return {
        "line": f"clock, {policy}",
        "of": many,
        "fired": fired,
        "calls": calls,
        "a_second": round(fired / seconds),
        "cpu_ms_each": [round(one * 1000 / max(1, fired), 2) for one in used],
    }


async def _lots(shop: Shop, count: int) -> None:
    """Customers who have credits for a year, with two reminders before its end."""
    places = asyncio.Semaphore(16)

    async def buy(number: int) -> None:
        async with places:
            await shop.order(f"o{number}", f"c{number}", "license-owned")

    await asyncio.gather(*(buy(number) for number in range(count)))


async def _owed_daily(shop: Shop, count: int) -> None:
    """Tickets of Shopp's that are owed an answer each business day."""
    facts = dict.fromkeys(("official", "current_release", "single_issue", "clear_description"), True)
    body = {"credit_type": "priority", "facts": {**facts, "modified": False, "request_kind": "diagnosis"}}
    for number in range(count):
        await shop.order(f"o{number}", f"c{number}", "license")
        await shop.order(f"p{number}", f"c{number}", "credit-priority")
        words = {"customer_id": f"c{number}", "subject": "s", "channel": "helpdesk"}
        await shop("PUT", f"/v1/tickets/t{number}", words | body)
        await shop("POST", f"/v1/tickets/t{number}/qualification", {"decision": "accept", "note": "looked at"})


async def _tickets(shop: Shop, count: int) -> None:
    places = asyncio.Semaphore(16)

    async def one(number: int) -> None:
        async with places:
            if number % 4 == 0:
                await shop.order(f"o{number}", f"c{number}", "credits-60")
            await shop("PUT", f"/v1/tickets/t{number}", ticket(f"c{number - number % 4}"))

    await asyncio.gather(*(one(number) for number in range(0, count, 4)))
    await asyncio.gather(*(one(number) for number in range(count) if number % 4))


async def simulate(at: Ground, tickets: int) -> dict[str, Any]:
    """A draft that is the policy itself, over orders and tickets."""
    with service(at) as (url, parent):
        async with httpx.AsyncClient(base_url=url, timeout=120) as client:
            shop = await Shop.open(client, "x-cart")
            await _tickets(shop, tickets)
            text = (ROOT / "app" / "policies" / "x-cart.yaml").read_text()
            body = {"document": dump(load_document(text).policy), "limit": 2000}
            before = cpu_of_service(parent), cpu_of_postgres(at)
            began = time.perf_counter()
            answer = (await shop("POST", "/v1/policies/x-cart/simulate", body)).json()
            seconds = time.perf_counter() - began
            used = cpu_of_service(parent) - before[0], cpu_of_postgres(at) - before[1]
    entries = answer["orders"]["replayed"] + answer["tickets"]["replayed"]
    return {
        "line": "simulate",
        "entries": entries,
        "complete": answer["complete"],
        "seconds": round(seconds, 2),
        "cpu_ms_each": [round(one * 1000 / max(1, entries), 2) for one in used],
    }


# --- the audit -------------------------------------------------------------------------------------------------------


def audit(at: Ground, count: int) -> dict[str, Any]:
    """A tenant of so many customers, copied from a few lives, and the whole ledger recomputed."""
    tenant = uvloop.run(_crowd(at, count))
    before, began = cpu_of_postgres(at), time.perf_counter()
    environment = {**os.environ, "DATABASE_URL": at.url, "RETAINER_DATA_DIR": str(at.directory / "service")}
    command = [sys.executable, "-m", "app.cli", "verify-ledger", tenant]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    said = process.stdout.read().decode() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    time.sleep(0.5)
    used = usage.ru_utime + usage.ru_stime, cpu_of_postgres(at) - before
    each = [round(part * 1000 / count, 3) for part in used]
    return {
        "line": "audit",
        "customers": count,
        "seconds": round(seconds),
        "cpu_ms_each": each,
        "minutes_a_million_on_two_cores": round(sum(each) * 1000 / 60 / 2, 1),
        "memory_mib": usage.ru_maxrss // 1024,
        "said": said.strip().splitlines()[0],
        "status": status,
    }


async def _crowd(at: Ground, count: int) -> str:
    """A tenant with so many customers; its id."""
    with service(at, worker=True) as (url, _):
        async with httpx.AsyncClient(base_url=url, timeout=120) as client:
            shop = await Shop.open(client, "x-cart")
            for number in range(LIVES):
                await shop.order(f"o{number}", f"c{number}", "credits-60")
                await shop("PUT", f"/v1/tickets/t{number}", ticket(f"c{number}"))
                if number % 2:
                    await shop("POST", f"/v1/tickets/t{number}/resolution", {"cause": "question"})
        await asyncio.sleep(5)  # until the events have their places
    connection = await asyncpg.connect(at.plain)
    try:
        tenant = str(await connection.fetchval("select tenant_id from tenant where tenant_id like 'f-%'"))
        await multiply(connection, tenant, count // LIVES - 1, told=True)
    finally:
        await connection.close()
    return tenant


# --- memory and start -------------------------------------------------------------------------------------------------


def memory(workers: int) -> dict[str, Any]:
    """`retainer serve` with its own Postgres: started twice; what the second start and its processes take."""
    with tempfile.TemporaryDirectory(prefix="retainer-bench-") as folder:
        Path(folder).chmod(0o755)
        with _served(folder, workers):
            pass
        with _served(folder, workers) as (process, seconds):
            serving = [one for one in [process.pid, *children(process.pid)] if "postgres" not in _command(one)]
            cpu = cpu_of_service(process.pid)
            time.sleep(5)
            sizes = {one: _pss(one) for one in serving}
    return {
        "line": "memory",
        "workers": workers,
        "pss_mib": round(sum(sizes.values())),
        "of_each": sorted(round(size) for size in sizes.values()),
        "second_start_cpu_s": round(cpu, 2),
        "second_start_s": round(seconds, 1),
    }


@contextlib.contextmanager
def _served(folder: str, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {
        "RETAINER_DATA_DIR": folder,
        "RETAINER_PORT": str(free_port()),
        "RETAINER_WORKERS": str(workers),
        "RETAINER_LOG_LEVEL": "info",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )
    said = process.stdout or sys.stdin.buffer
    try:
        while not (line := said.readline()).startswith(b"retainer: ready"):
            if not line:
                raise RuntimeError("the service did not come up")
        yield process, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        said.close()
        process.wait(30)


def _command(process: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0].decode()
    return ""


def _pss(process: int) -> float:
    """MiB of a process, what it shares divided by those who share it."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=__doc__)
    parser.add_argument("lines", nargs="+", choices=[*LINES, "memory"])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--policy", default="x-cart")
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    os.environ["RETAINER_ALLOW_PRIVATE_WEBHOOKS"] = "true"
    for line in asked.lines:
        if line == "memory":
            print(json.dumps(memory(asked.workers)), flush=True)
            continue
        with ground(customers=10) as at:
            made: Any = {
                "webhooks": lambda at=at: uvloop.run(webhooks(at, asked.seconds, asked.workers)),
                "inbound": lambda at=at: uvloop.run(inbound(at, asked.count)),
                "import": lambda at=at: bring(at, asked.count),
                "clock": lambda at=at: uvloop.run(clock(at, asked.count, asked.policy)),
                "simulate": lambda at=at: uvloop.run(simulate(at, asked.count)),
                "audit": lambda at=at: audit(at, asked.count),
            }[line]()
            for row in made if isinstance(made, list) else [made]:
                print(json.dumps({**row, "load": round(os.getloadavg()[0], 1)}), flush=True)


if __name__ == "__main__":
    main()
