"""The short form, for CI: each line's CPU beside that of its reference, compared with a stored ratio.

Rates of a busy machine say little, so this counts CPU, of service and Postgres together. In each round a line and its
reference take turns; the median of the rounds' ratios counts. A line that costs half as much again as it did, so that
its speed fell by a third, is measured once more before the run fails.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

import uvloop

from bench.main_job import BY_SEVERITY, BY_SEVERITY_MOST, ECHO, GRAPHQL_PAGE, READS, WRITES, MainJob
from bench.service import Ground, ground, ordinary, service

STORED = Path(__file__).with_name("ratios.json")
ROUNDS = 5
SECONDS = 0.5
SECONDS_OF_TICKETS = 0.8
"""What is opened meanwhile is answered and resolved after it."""
CONNECTIONS = 8
CLIENTS = 4
SQL_CALLS = 400
FALL = 1.5
"""A line may cost so many times its stored ratio."""
ORDINARY = "ordinary service, PUT ticket"
LINES: dict[str, str] = {
    "PUT ticket": "SQL, PUT ticket",
    "POST response": "SQL, POST response",
    "POST resolution": "SQL, POST resolution",
    "PUT order": "SQL, PUT order",
    "PUT ticket beside the ordinary service": ORDINARY,
    BY_SEVERITY: "PUT ticket",
    **dict.fromkeys((*READS, GRAPHQL_PAGE), ECHO),
}
"""Each line and its reference."""
BOUNDS = {BY_SEVERITY: BY_SEVERITY_MOST}
"""Lines that may not cost more than so many times their reference, whatever they have cost before."""


class Short:
    """The rounds."""

    def __init__(self, at: Ground, ours: tuple[str, int], usual: tuple[str, int]) -> None:
        self.ours = ours
        self.usual = usual
        self.job = MainJob(at, SECONDS, CONNECTIONS, CLIENTS, warm=0)
        self.each: dict[str, float] = {}

    async def round(self, lines: Iterable[str]) -> dict[str, float]:
        """Measure what the lines need once, and return the CPU of each in milliseconds a call."""
        wanted = set(lines) | {LINES[line] for line in lines}
        if any("POST" in name for name in wanted):
            wanted |= {"PUT ticket", "SQL, PUT ticket"}
        if any("beside" in name or name == BY_SEVERITY for name in wanted):
            wanted.add("PUT ticket")
        found: dict[str, float] = {}
        for name in (*WRITES, BY_SEVERITY, ORDINARY, ECHO, *READS, GRAPHQL_PAGE):
            if name in wanted:
                url, parent = self.usual if name == ORDINARY else self.ours
                self.job.seconds = SECONDS_OF_TICKETS if name == "PUT ticket" else SECONDS
                result = await self.job.over_http(name, url, parent)
                if result.statuses.keys() - {200, 201}:
                    raise SystemExit(f"{name}: {result.statuses}")
                # A read's reference has no Postgres: its own Postgres is told by the tests of statements.
                cpu = result.cpu_service + (0.0 if name in (*READS, GRAPHQL_PAGE) else result.cpu_postgres)
                found[name] = cpu * 1000 / max(1, len(result.times))
            if f"SQL, {name}" in wanted:
                found[f"SQL, {name}"] = (await self.job.as_sql(name, most=SQL_CALLS))[1]
        return found

    async def ratios(self, lines: list[str]) -> dict[str, float]:
        """Return the median of the rounds' ratios."""
        rounds = [await self.round(lines) for _ in range(ROUNDS)]
        self.each = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
        return {
            line: round(statistics.median(one[line.split(" beside")[0]] / one[LINES[line]] for one in rounds), 3)
            for line in lines
        }


def short(only: str = "", *, store: bool = False) -> int:
    """Measure, compare and say; 1 when a line fell by a third, twice."""
    began = time.monotonic()
    lines = [line for line in LINES if re.search(only, line)]
    stored: dict[str, float] = json.loads(STORED.read_text()) if STORED.exists() else {}
    with ground(customers=10) as at, service(at) as ours, ordinary(at) as usual:
        rounds = Short(at, ours, usual)
        uvloop.run(_warm(rounds, ours[0], lines))
        found = uvloop.run(rounds.ratios(lines))
        each = rounds.each
        fallen = [line for line in lines if not store and _fell(line, found[line], stored.get(line))]
        if fallen:
            print(f"measured once more: {', '.join(fallen)}")
            again = uvloop.run(rounds.ratios(fallen))
            found |= {line: min(found[line], again[line]) for line in fallen}
            fallen = [line for line in fallen if _fell(line, found[line], stored.get(line))]
    for line in lines:
        was = f", stored {stored[line]:.2f}" if line in stored else ""
        worse = f"MORE THAN {BOUNDS[line]:g}" if line in BOUNDS else "FELL BY A THIRD OR MORE"
        verdict = worse if line in fallen else "ok"
        pair = f"{each[line.split(' beside')[0]]:.2f} ms beside {each[LINES[line]]:.2f}"
        print(f"{line}: {found[line]:.2f} times the CPU of {LINES[line]} ({pair}){was}: {verdict}")
    print(f"{time.monotonic() - began:.0f} s")
    if store:
        STORED.write_text(json.dumps(stored | found, indent=1) + "\n")
    return 1 if fallen else 0


async def _warm(rounds: Short, url: str, lines: list[str]) -> None:
    """Let statements be planned and caches fill, before anything counts."""
    await rounds.job.fill(url)
    await rounds.round(lines)


def _fell(line: str, ratio: float, stored: float | None) -> bool:
    if line in BOUNDS:
        return ratio > BOUNDS[line]
    return stored is None or ratio > stored * FALL
