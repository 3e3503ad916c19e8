"""Lines of the table, and how one is measured: a load over HTTP, with the CPU of service and Postgres beside it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.load import Result, run
from bench.service import Ground, cpu_of_postgres, cpu_of_service


@dataclass
class Line:
    """One line of the table: rates of all repeats, a second; times in milliseconds."""

    name: str
    workers: int
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    ratio_to: str | None = None
    ratio: float | None = None
    cpu_ratio: float | None = None
    wrong: int = 0
    cpu_service: list[float] = field(default_factory=list)
    cpu_postgres: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)
    disk: list[float] = field(default_factory=list)
    """Bytes a call: of the journal that Postgres writes first, and of tables with their indexes."""

    def add(self, result: Result, *, times: int = 1) -> None:
        """Takes a repeat in; ``times``: effects an answer."""
        self.rates.append(result.rate * times)
        effects = max(1, len(result.times) * times)
        self.cpu_service.append(result.cpu_service * 1000 / effects)
        self.cpu_postgres.append(result.cpu_postgres * 1000 / effects)
        self.p50.append(result.quantile(0.5))
        self.p99.append(result.quantile(0.99))
        self.wrong += sum(n for status, n in result.statuses.items() if status >= 300)

    def compare(self, base: Line, *, of: Line | None = None) -> None:
        """Set the ratio of the rates to those of another line, and how many times its CPU this one takes."""
        line = of or self
        self.ratio_to, self.ratio = base.name, line.rate / base.rate
        if line.cpu_postgres and base.cpu_postgres and base.cpu:
            self.cpu_ratio = line.cpu / base.cpu

    @property
    def rate(self) -> float:
        """The median rate."""
        return statistics.median(self.rates)

    @property
    def cpu(self) -> float:
        """The median CPU of service and Postgres, in milliseconds."""
        both = [sum(pair) for pair in zip(self.cpu_service or [0.0] * len(self.rates), self.cpu_postgres, strict=True)]
        return statistics.median(both)


async def load(
    at: Ground,
    parent: int,
    url: str,
    make: Callable[[int], bytes],
    *,
    connections: int,
    seconds: float,
    warm: float = 0.5,
    **more: Any,
) -> Result:
    """Measure once, after a short warm-up."""
    warmed = 0
    if warm:
        warmed = len((await run(url, make, connections=connections, seconds=warm)).times)
    before = cpu_of_service(parent), cpu_of_postgres(at)
    result = await run(url, make, connections=connections, seconds=seconds, **more)
    result.cpu_service = cpu_of_service(parent) - before[0]
    result.cpu_postgres = cpu_of_postgres(at) - before[1]
    result.warmed = warmed
    return result


MEANINGS = (
    ("pgbench, spread", "a debit of one credit of any customer, as one SQL function that writes the service's rows."),
    ("pgbench, hot", "the same for one customer, whose row all clients wait for."),
    ("debit, spread, with", "the debit where the ledger is as long as the name says."),
    ("debit, spread", "a debit over HTTP, of any of 10,000 customers."),
    ("debit, one hot customer", "debits of one customer from all connections at once."),
    ("hold then capture", "a hold, and its capture by a second call; counted in pairs."),
    ("commands in batches of 100", "debits, a hundred a call; counted in debits."),
    ("echo", "a call that is authenticated and answered without Postgres."),
    ("GraphQL, no database", "the same in GraphQL."),
    ("balance", "one customer's credits and lots, read."),
    ("SQL, ", "the rows that the service writes for this call, as one SQL function under pgbench with 32 clients."),
    ("ordinary service", "the same ticket by FastAPI with the SQLAlchemy ORM (bench/ordinary.py), as usually written."),
    ("PUT ticket beside ordinary", "tickets of the service for each ticket of that one."),
    ("PUT ticket by severity", "a ticket under a policy of plans and severities; at most 1.2 times one under X-Cart."),
    ("PUT ticket", "a ticket opened: qualified, priced, its credits held, its clock started, in one transaction."),
    ("POST response beside", "responses for each ticket opened."),
    ("POST resolution beside", "resolutions for each ticket opened."),
    ("PUT order beside", "orders for each ticket opened."),
    ("POST response", "the vendor's answer to an open ticket, which stops its clock."),
    ("POST resolution", "a ticket resolved: what it holds is captured."),
    ("PUT order", "a pack of credits ordered by a known customer: lot, expiry, reminders, order."),
    ("GET customer", "what a sidebar shows: licenses, covers, balances, open choices, open tickets."),
    ("GET statement", "where credits came from and went, in three parts."),
    ("GET entitlement", "whether the customer may open a ticket, and why."),
    ("GET ticket", "one ticket with its assessments, charge and clocks."),
    ("GET balance", "one customer's credits and lots, read."),
    ("GraphQL customer's page", "customer, covers, balance, 20 tickets and their clocks in one query."),
)
"""By the beginning of a line's name: what it is."""


def meanings(lines: list[Line]) -> str:
    """Say in a sentence what each line is."""
    names = dict.fromkeys(line.name for line in lines)
    said = []
    for name in names:
        found = next((sentence for start, sentence in MEANINGS if name.startswith(start)), None)
        if found is not None:
            said.append(f"- {name}: {found}")
    said.append("- ratio: calls a second beside those of the line named; CPU: how many times its CPU a call takes.")
    return "\n".join(said)


def table(lines: list[Line]) -> str:
    """The table, in Markdown."""
    rows = [
        "| line | workers | a second | p50 ms | p99 ms | ratio | to | CPU | CPU ms each: service | Postgres |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in lines:
        p50 = f"{statistics.median(one.p50):.1f}" if one.p50 else ""
        p99 = f"{statistics.median(one.p99):.1f}" if one.p99 else ""
        ratio = f"{one.ratio:.2f}" if one.ratio is not None else ""
        wrong = f" ({one.wrong} not 2xx)" if one.wrong else ""
        cpu = [f"{statistics.median(part):.2f}" if part else "" for part in (one.cpu_service, one.cpu_postgres)]
        times = f"{one.cpu_ratio:.2f}" if one.cpu_ratio is not None else ""
        rate = f"{one.rate:,.0f}"
        cells = [one.name + wrong, one.workers or "", rate, p50, p99, ratio, one.ratio_to or "", times, *cpu]
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(rows)
