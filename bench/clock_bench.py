"""Clocks through the service: ``python -m bench.clock_bench [--open 1000000] [--json]``.

Two lines of issue 4's table: a due time through REST beside an echo with the same door, and a sweep of a thousand due
clocks among ten thousand open ones and among a million. `bench.calendar_bench` has the lines without a service.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import asyncpg

from app.db.engine import Database
from app.documents.zones import TZDB_VERSION
from app.usecases.agenda import HANDLERS
from app.usecases.clocks import sweeps
from bench.load import request, run
from bench.service import TENANT, Ground, ground, service

DUE = 1_000
FEW = 10_000
CUSTOMERS = 2_000
ECHO = json.dumps({"from": "2025-06-13T20:30:00Z", "target": "business_seconds:28800"}).encode()


# --- a due time through REST ------------------------------------------------------------------------------------------


async def due_through_rest(at: Ground, url: str, *, seconds: float, connections: int, rounds: int) -> dict[str, Any]:
    """Rates of both, taken in turns, and the median of their ratios."""
    await _calendar(at, url)
    echo = request("POST", "/bench/echo", at.key, body=ECHO)
    base = datetime(2025, 1, 1, tzinfo=UTC)
    asks = []
    for _ in range(500):
        start = base + timedelta(seconds=random.randrange(31_536_000))  # noqa: S311 - only spreads the load
        when = quote(start.isoformat().replace("+00:00", "Z"))
        asks.append(request("GET", f"/v1/calendars/bench/due?from={when}&target=business_seconds:28800", at.key))
    rates: dict[str, list[float]] = {"echo": [], "due": []}
    for make in (lambda n: echo, lambda n: asks[n % len(asks)]):
        await run(url, make, connections=connections, seconds=0.5)
    for _ in range(rounds):
        for name, make in (("echo", lambda n: echo), ("due", lambda n: asks[n % len(asks)])):
            found = await run(url, make, connections=connections, seconds=seconds)
            wrong = {status: n for status, n in found.statuses.items() if status != 200}
            if wrong:
                raise RuntimeError(f"{name}: {wrong}")
            rates[name].append(found.rate)
    ratios = [due / echo_rate for due, echo_rate in zip(rates["due"], rates["echo"], strict=True)]
    return {
        "due_a_second": round(statistics.median(rates["due"])),
        "echo_a_second": round(statistics.median(rates["echo"])),
        "ratio": round(statistics.median(ratios), 3),
    }


async def _calendar(at: Ground, url: str) -> None:
    body = {"zone": "America/New_York", "notice_days": 0}
    version = {
        "effective_from": "2000-01-01",
        "weekly_hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "closure_rules": {"holidays": [{"country": "US", "clause": "bench"}]},
    }
    for method, path, sent, key in (
        ("PUT", "/v1/calendars/bench", body, None),
        ("POST", "/v1/calendars/bench/versions", version, "bench-calendar"),
    ):
        made = await run(
            url,
            lambda _, m=method, p=path, s=sent, k=key: request(  # type: ignore[misc]
                m, p, at.key, body=json.dumps(s).encode(), idempotency_key=k
            ),
            connections=1,
            seconds=10,
            most=1,
        )
        if set(made.statuses) != {201}:
            raise RuntimeError(f"{path}: {made.statuses}")


# --- sweeps -----------------------------------------------------------------------------------------------------------

_SPEC = {
    "warnings": [],
    "pause_rule": "freeze",
    "after_close": "same_date",
    "starts": "opened",
    "stops": ["vendor_response"],
    "clause": "bench",
    "reading": False,
    "policy_version": 1,
    "breach_returns_credits": 0,
    "ref": None,
}
_CLOCKS = """
insert into clock (tenant_id, clock_id, ticket_id, customer_id, milestone, party, phase, outcome, started_at, due_at,
                   next_action_at, calendar, calendar_revision, tzdb_version, version, spec)
select $1, 'clk_' || $2 || lpad(i::text, 8, '0'), 'tic_' || $2 || i, c.ids[1 + i % array_length(c.ids, 1)],
       'first_response', 'vendor', 'running', 'open', $5::timestamptz, $6::timestamptz + i * interval '1 ms',
       $6::timestamptz + i * interval '1 ms' + interval '1 s', 'service-hours', 1, $7, 1, $8::jsonb
from generate_series($3::int, $4::int) i,
     (select array_agg(customer_id order by customer_id) as ids from customer where tenant_id = $1) c
"""
_EVENTS = """
insert into entity_event (tenant_id, stream, entity_id, seq, kind, occurred_at, recorded_at, customer_id, payload)
select tenant_id, 'clock', clock_id, 1, 'start', started_at, started_at, customer_id,
       jsonb_build_object('calendar_revision', 1, 'tzdb_version', tzdb_version)
from clock where tenant_id = $1 and clock_id like 'clk_' || $2 || '%' and version = 1
     and clock_id between 'clk_' || $2 || lpad($3::int::text, 8, '0') and 'clk_' || $2 || lpad($4::int::text, 8, '0')
"""
_AGENDA = """
insert into agenda (tenant_id, kind, subject, at, customer_id, payload)
select tenant_id, 'clock', clock_id, next_action_at, customer_id, '{}' from clock where tenant_id = $1
     and clock_id between 'clk_' || $2 || lpad($3::int::text, 8, '0') and 'clk_' || $2 || lpad($4::int::text, 8, '0')
"""


async def seed(at: Ground, prefix: str, first: int, last: int, *, due: bool) -> None:
    """Clocks that run, by SQL: due long ago, or a year from now."""
    start = datetime(2025, 6, 10, 15, tzinfo=UTC) if due else datetime.now(UTC)
    target, ends = (
        ("business_days:1", start + timedelta(days=1)) if due else ("seconds:31536000", start + timedelta(days=365))
    )
    connection = await asyncpg.connect(at.plain)
    try:
        for low in range(first, last, 100_000):
            high = min(low + 99_999, last - 1)
            await connection.execute(
                _CLOCKS, TENANT, prefix, low, high, start, ends, TZDB_VERSION, json.dumps({**_SPEC, "target": target})
            )
            await connection.execute(_EVENTS, TENANT, prefix, low, high)
            await connection.execute(_AGENDA, TENANT, prefix, low, high)
        await connection.execute("vacuum analyze clock, agenda, entity_event, clock_outcome, outbox")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


async def sweep(at: Ground, rounds: int, name: str) -> list[float]:
    """Seconds to sweep a thousand due clocks, each time others."""
    handlers = HANDLERS
    database = Database(at.url, pool_size=2)
    found = []
    try:
        await sweeps.fire_due(database, TENANT, handlers)
        for n in range(rounds + 1):
            await seed(at, f"{name}{n}x", 0, DUE, due=True)
            started = time.perf_counter()
            fired = await sweeps.fire_due(database, TENANT, handlers)
            if fired != DUE:
                raise RuntimeError(f"{fired} rows fired")
            if n:  # the first is the warm-up
                found.append(time.perf_counter() - started)
    finally:
        await database.close()
    return found


async def sweeping(at: Ground, many: int, rounds: int) -> dict[str, Any]:
    """A thousand due among few and among many."""
    await seed(at, "few", 0, FEW, due=False)
    few = await sweep(at, rounds, "a")
    await seed(at, "many", FEW, many, due=False)
    among = await sweep(at, rounds, "b")
    return {
        "due": DUE,
        "open_few": FEW,
        "open_many": many,
        "seconds_among_few": round(statistics.median(few), 3),
        "seconds_among_many": round(statistics.median(among), 3),
        "ratio": round(statistics.median(among) / statistics.median(few), 3),
    }


def main() -> None:
    """Prints both lines, and JSON as the last one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--open", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--only", choices=["rest", "sweep"])
    given = parser.parse_args()
    answer: dict[str, Any] = {}
    with ground(customers=CUSTOMERS) as at:
        if given.only != "sweep":
            with service(at) as (url, _):
                answer["rest"] = asyncio.run(
                    due_through_rest(at, url, seconds=given.seconds, connections=given.connections, rounds=given.rounds)
                )
            line = answer["rest"]
            sys.stdout.write(
                f"due time through REST   {line['due_a_second']:>8}/s   echo {line['echo_a_second']:>8}/s"
                f"   ratio {line['ratio']} (at least 0.5, aim 0.8)\n"
            )
        if given.only != "rest":
            answer["sweep"] = asyncio.run(sweeping(at, given.open, given.rounds))
            line = answer["sweep"]
            sys.stdout.write(
                f"sweep of {DUE} due       {line['seconds_among_few']:>8} s among {FEW}   "
                f"{line['seconds_among_many']:>8} s among {given.open}   ratio {line['ratio']}"
                f" (at most 1.5, aim 1.1)\n"
            )
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
