"""Write the figures of a run into docs/performance.md and the README, between their marks: nobody copies a number."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

from bench.main_job import BY_SEVERITY
from bench.service import ROOT

KEPT = Path(__file__).with_name("figures.json")
PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"
WRITES = ("PUT ticket", "POST response", "POST resolution", "PUT order")
READS = ("GET customer", "GET statement", "GET entitlement", "GET ticket", "GraphQL customer's page")
ORDINARY = "ordinary service, PUT ticket"
TARGETS = {
    "PUT ticket beside SQL, 1 worker": ("0.09", 0.2, 0.4),
    "PUT ticket beside SQL, 2 workers": ("0.12", 0.3, 0.55),
    "PUT ticket beside the ordinary service": ("0.48", 1.5, 3.0),
    "PUT ticket by severity, in CPU of PUT ticket": ("none", 1.2, 1.0),
    "PUT order beside PUT ticket": ("0.9 to 1.1", 1.0, 1.2),
    "POST response beside PUT ticket": ("0.9 to 1.1", 1.0, 1.2),
    "POST resolution beside PUT ticket": ("0.9 to 1.1", 1.0, 1.2),
    "GET customer, in echoes": ("17", 6.0, 3.0),
    "GET statement, in echoes": ("15", 6.0, 3.0),
    "GET entitlement, in echoes": ("15", 6.0, 3.0),
    "GET ticket, in echoes": ("17", 6.0, 3.0),
    "GraphQL customer's page, in echoes": ("45 to 56", 15.0, 8.0),
}
"""What was measured on 22 November, what was wanted at least, and what was aimed at."""
LIFE = {
    "PUT ticket": 1,
    "POST response": 1,
    "POST resolution": 1,
    "GET customer": 2,
    "GET entitlement": 1,
    "GET ticket": 2,
}
"""The calls of one ticket's life; an order comes with every second ticket."""
CORES, BUSY, ORDERS = 16, 0.7, 0.5


class Figures:
    """The lines of one run."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.run = run
        self.lines = {(line["name"], line["workers"]): line for line in run["lines"]}

    def rate(self, name: str, workers: int) -> float:
        """Return calls a second."""
        return float(self.lines[name, workers]["rate"])

    def cpu(self, name: str, workers: int, *, postgres: bool = True) -> float:
        """Return the CPU of a call in milliseconds."""
        line = self.lines[name, workers]
        service = statistics.median(line["cpu_service"]) if line["cpu_service"] else 0.0
        return service + (statistics.median(line["cpu_postgres"]) if postgres and line["cpu_postgres"] else 0.0)

    def size(self, name: str, kind: str) -> float:
        """Return the bytes of a call."""
        return statistics.median(self.lines[name, 1][kind])

    def measured(self) -> dict[str, float]:
        """Return the figure for each target."""
        ticket = self.rate("PUT ticket", 1)
        found = {
            f"PUT ticket beside SQL, {workers} worker{'s' * (workers > 1)}": self.rate("PUT ticket", workers)
            / self.rate("SQL, PUT ticket", 0)
            for workers in (1, 2)
        }
        found["PUT ticket beside the ordinary service"] = ticket / self.rate(ORDINARY, 1)
        if (BY_SEVERITY, 1) in self.lines:
            found[f"{BY_SEVERITY}, in CPU of PUT ticket"] = self.cpu(BY_SEVERITY, 1) / self.cpu("PUT ticket", 1)
        for name in ("PUT order", "POST response", "POST resolution"):
            found[f"{name} beside PUT ticket"] = self.rate(name, 1) / ticket
        for name in READS:
            found[f"{name}, in echoes"] = self.cpu(name, 1, postgres=False) / self.cpu("echo", 1, postgres=False)
        return found


def targets(figures: Figures) -> str:
    """Compare with what was wanted, and say what is missed by how much."""
    rows = ["| line | 22 November | at least | aim | now | |", "|---|---|---|---|---|---|"]
    for name, value in figures.measured().items():
        before, least, aim = TARGETS[name]
        fewer = ", in " in name
        reached = (value <= aim) if fewer else (value >= aim)
        behind = value / least - 1 if fewer else 1 - value / least
        verdict = "the aim is reached" if reached else "reached" if behind <= 0 else f"missed by {100 * behind:.0f} %"
        rows.append(f"| {name} | {before} | {least:g} | {aim:g} | **{value:.2f}** | {verdict} |")
    return "\n".join(rows)


def lines(figures: Figures) -> str:
    """Return each line of the main job with its references."""
    rows = [
        "| line | workers | a second | p50 ms | p99 ms | CPU ms: service | Postgres | CPU beside its rows in SQL |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in (*(f"SQL, {write}" for write in WRITES), ORDINARY, *WRITES, BY_SEVERITY, "GET balance", *READS, "echo"):
        for workers in (0, 1, 2):
            line = figures.lines.get((name, workers))
            if line is None:
                continue
            quantiles = [f"{statistics.median(line[part]):.0f}" if line[part] else "" for part in ("p50", "p99")]
            cpu = [
                f"{statistics.median(line[part]):.2f}" if line[part] else "" for part in ("cpu_service", "cpu_postgres")
            ]
            beside = ""
            if name in WRITES:
                beside = f"{figures.cpu(name, workers) / figures.cpu(f'SQL, {name}', 0):.1f}"
            refused = f" ({line['wrong']} refused)" if line["wrong"] else ""
            cells = [name + refused, str(workers or ""), f"{line['rate']:,.0f}", *quantiles, *cpu, beside]
            rows.append("| " + " | ".join(cells) + " |")
    trips = ", ".join(f"{name} {number}" for name, number in figures.run["round_trips"].items())
    return "\n".join(
        [*rows, "", *wrapped(f"Round trips to Postgres, begin and end of the transaction included: {trips}.")]
    )


def capacity(figures: Figures) -> str:
    """Work out on paper what 16 cores carry."""
    calls: dict[str, float] = {**LIFE, "PUT order": ORDERS}
    cost = sum(figures.cpu(name, 1) * times for name, times in calls.items())
    size = {
        kind: sum(figures.size(name, kind) * times for name, times in calls.items() if name in WRITES) / 1000
        for kind in ("wal", "disk")
    }
    lives = CORES * BUSY * 1000 / cost
    day = lives * 86400
    rows = ["| call | times a life | CPU ms | journal kB | tables kB |", "|---|---|---|---|---|"]
    for name, times in calls.items():
        kept = [f"{figures.size(name, kind) / 1000:.1f}" if name in WRITES else "" for kind in ("wal", "disk")]
        rows.append(f"| {name} | {times:g} | {figures.cpu(name, 1):.2f} | " + " | ".join(kept) + " |")
    rows.append(f"| a ticket's life | | {cost:.1f} | {size['wal']:.0f} | {size['disk']:.0f} |")
    said = (
        f"{CORES} cores at {100 * BUSY:.0f} % give {CORES * BUSY:.1f} seconds of CPU a second: {lives:,.0f} lives a "
        f"second, {day / 1e6:,.0f} million a day, if nothing else binds. The disk does: at that pace "
        f"{day * size['disk'] / 1e6:,.0f} GB of tables a day and {lives * size['wal'] / 1000:,.0f} MB of journal a "
        f"second. A million tickets a day are {1e6 / 86400 * cost / 1000:.2f} cores, {size['disk']:,.0f} GB of tables "
        f"a day and {1e6 / 86400 * size['wal'] / 1000:.2f} MB of journal a second."
    )
    return "\n".join([*rows, "", *wrapped(said)])


def wrapped(text: str) -> list[str]:
    """Break a paragraph into lines of at most 120 characters."""
    found, line = [], ""
    for word in text.split():
        if len(line) + len(word) + 1 > 120:
            found.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*found, line]


def conditions(figures: Figures) -> str:
    """Say how it was measured."""
    run = figures.run["machine"]
    load = run["load"]
    spread = f"{load[0]:g}" if load[0] == load[-1] else f"{load[0]:g} to {load[-1]:g}"
    said = (
        f"{run['date']}: {run['cores']} virtual cores ({run['machine']}), Python {run['python']}, Postgres "
        f"{run['postgres']} embedded with durable settings, log level `info`, {run['connections']} connections, "
        f"medians of {run['repeats']} interleaved rounds of {run['seconds']:g} s. The load average was {spread} "
        "before the rounds; the load generator shares the cores."
    )
    return "\n".join(wrapped(said))


def sentence(figures: Figures) -> str:
    """Return what the README says first."""
    found = figures.measured()
    one, two, usual = list(found.values())[:3]
    cpu = figures.cpu("PUT ticket", 1) / figures.cpu("SQL, PUT ticket", 0)
    echoes = [value for name, value in found.items() if name.endswith("echoes")]
    said = (
        "A ticket opened over HTTP (qualified, priced, its credits held, its clock started, in one transaction) "
        f"reaches {one:.2f} of the rate at which one SQL function writes the same rows with one worker, and {two:.2f} "
        f"with two; it takes {cpu:.1f} times the CPU. A FastAPI service with the SQLAlchemy ORM, as usually written, "
        f"opens {1 / usual:.1f} tickets in the time of one of ours. A customer, a statement, an entitlement or a "
        f"ticket costs {min(echoes[:4]):.1f} to {max(echoes[:4]):.1f} times the CPU of a call that asks no database; a "
        f"customer's page in one GraphQL query, with tickets and clocks, {echoes[4]:.0f} times. Measured on "
        f"{figures.run['machine']['date']}."
    )
    if usual >= 1:
        said = re.sub(
            r"A FastAPI service .*? of ours\.",
            f"It opens {usual:.1f} tickets for one of a FastAPI service with the SQLAlchemy ORM, as usually written.",
            said,
        )
    return "\n".join(wrapped(said))


def publish(run: dict[str, Any], *, keep: bool = True) -> None:
    """Keep the figures and write them into the pages."""
    if keep:
        KEPT.write_text(json.dumps(run, indent=1) + "\n")
    figures = Figures(run)
    parts = {
        "conditions": conditions(figures),
        "targets": targets(figures),
        "lines": lines(figures),
        "capacity": capacity(figures),
    }
    text = PAGE.read_text()
    for name, part in parts.items():
        text = between(text, name, part)
    PAGE.write_text(text)
    README.write_text(between(README.read_text(), "speed", sentence(figures)))


def between(text: str, name: str, part: str) -> str:
    """Put a part between its marks."""
    start, end = f"<!-- figures: {name} -->", "<!-- /figures -->"
    before, _, rest = text.partition(start)
    after = rest.partition(end)[2]
    return f"{before}{start}\n{part}\n{end}{after}"


if __name__ == "__main__":
    publish(json.loads(KEPT.read_text()), keep=False)
