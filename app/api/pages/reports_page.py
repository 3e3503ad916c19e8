"""Reports at the desk: the ten of them, each with pictures, a table, and the same as CSV and JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from fastapi import Response

from app.api.pages.charts import Chart, Series, chart_of
from app.api.pages.door import Pages, problem_of
from app.api.pages.home import SESSION, home_page
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.domain.values.errors import DomainError
from app.usecases.reports.reports import GROUPS_MAX, groups_of
from app.views.report import NAMES, Name, Report, report_csv

PAGES: Final = Pages()
TAB: Final = "Reports"
ROWS_SHOWN: Final = 200
CURRENCIES_DRAWN: Final = 3
_TIMES: Final = ("month", "day")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture of a report: its title, its figures in their order, and whether they are money or time."""

    title: str
    series: Sequence[Series]
    kind: str = "count"


@dataclass(frozen=True, slots=True)
class Words:
    """What people read of a report."""

    title: str
    says: str
    drawings: Sequence[Drawing]
    key: Sequence[str]
    """Figures that stand on top."""


def _single(title: str, name: str, tone: str = "one", kind: str = "count") -> Drawing:
    return Drawing(title, (Series(name, title, tone),), kind)


_WORTH: Final = _single("What was paid for them", "worth", kind="money")
WORDS: Final[Mapping[Name, Words]] = {
    "attainment": Words(
        "Promises kept",
        "Promised times that were judged: met, or missed.",
        (Drawing("Promises", (Series("met", "met", "good"), Series("breached", "missed", "bad"))),),
        ("judged", "met", "breached"),
    ),
    "breaches": Words(
        "Promises missed",
        "Times that were missed, and by whom the time of the late clocks was spent.",
        (
            _single("Missed", "breaches", "bad"),
            Drawing(
                "Whose time it was",
                (
                    Series("vendor_seconds", "the vendor's", "one"),
                    Series("customer_seconds", "the customer's", "warn"),
                    Series("third_party_seconds", "others'", "live"),
                    Series("none_seconds", "nobody's", "calm"),
                ),
                "duration",
            ),
        ),
        ("breaches", "clocks"),
    ),
    "liability": Words(
        "Credits owed",
        "Unused credits, by when they expire, and what was paid for them.",
        (Drawing("Unused credits", (Series("available", "free", "one"), Series("held", "set aside", "warn"))), _WORTH),
        ("credits", "held", "customers"),
    ),
    "forecast": Words(
        "Credits that will expire",
        "Unused credits by the day or month on which they will expire.",
        (_single("Credits", "credits"), _WORTH),
        ("credits", "lots", "customers"),
    ),
    "grants": Words(
        "Credits that came",
        "Bought, given and corrected credits.",
        (_single("Credits", "credits"), _single("Paid", "paid", kind="money")),
        ("credits", "lots"),
    ),
    "consumption": Words(
        "Credits spent",
        "What tickets took, and what was returned.",
        (_single("Spent", "spent"), _single("Returned", "returned", "warn")),
        ("credits", "spent", "returned"),
    ),
    "expiries": Words(
        "Credits expired unused",
        "What nobody used in time, and what had been paid for it.",
        (_single("Credits", "credits"), _WORTH),
        ("credits", "lots"),
    ),
    "refunds": Words(
        "Credits taken back",
        "Credits that went with a refunded order or lot.",
        (_single("Credits", "credits"), _WORTH),
        ("credits", "orders", "lots"),
    ),
    "revenue": Words(
        "Money earned",
        "What was paid for credits, on the day on which they were used or expired.",
        (
            Drawing(
                "Earned", (Series("consumption", "by use", "one"), Series("breakage", "by expiry", "warn")), "money"
            ),
        ),
        ("consumed", "expired"),
    ),
    "agents": Words(
        "Who worked",
        "What was done on tickets, by person.",
        (
            _single("Answers", "responses"),
            _single("Resolved", "resolved", "good"),
            _single("Minutes", "minutes", "warn"),
        ),
        ("tickets", "actions", "resolved"),
    ),
}


ASKED: Final = ("from", "to", "as_of", "group_by")
"""Parameters of a report's address."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a report's page asks for."""

    since: str
    until: str
    as_of: str
    groups: tuple[str, ...]

    @classmethod
    def read(cls, visit: Visit) -> Filters:
        """Return the filters of an address; groups stand in one parameter with commas, or in several."""
        sent = visit.request.query_params.getlist("group_by")[:10]
        groups = [part.strip()[:100] for text in sent for part in text[:400].split(",")]
        return cls(
            visit.query("from").strip()[:40],
            visit.query("to").strip()[:40],
            visit.query("as_of").strip()[:40],
            tuple(dict.fromkeys(part for part in groups if part)),
        )

    @property
    def asked(self) -> dict[str, str | None]:
        """Return them as the operation reads them. A day of `as_of` stands for its end."""
        groups = [name for name in self.groups if name != "none"] or (["none"] if self.groups else [])
        as_of = f"{self.as_of}T23:59:59.999999Z" if _is_day(self.as_of) else self.as_of
        return {
            "from": self.since or None,
            "to": self.until or None,
            "as_of": as_of or None,
            "group_by": ",".join(groups) or None,
        }

    @property
    def query(self) -> dict[str, str]:
        """Return them for an address of a page."""
        return {"from": self.since, "to": self.until, "as_of": self.as_of, "group_by": ",".join(self.groups)}


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@PAGES.get("/desk/reports", kinds=SESSION, asks=())
async def show_reports(visit: Visit) -> Response:
    """Show which reports there are."""
    if not visit.may("getReport"):
        await visit.ask("getReport", name=NAMES[0])  # says which scope is missing
    return home_page(visit, "reports.html", TAB, reports=WORDS)


@PAGES.get("/desk/reports/{name}.csv", kinds=SESSION, asks=ASKED)
async def download_csv(visit: Visit) -> Response:
    """Give a report as a table that spreadsheets read."""
    name, found = await _asked(visit)
    text = await asyncio.to_thread(report_csv, found)
    return _file(f"{name}.csv", "text/csv; charset=utf-8", text)


@PAGES.get("/desk/reports/{name}.json", kinds=SESSION, asks=ASKED)
async def download_json(visit: Visit) -> Response:
    """Give a report as the API answers it."""
    name, found = await _asked(visit)
    text = await asyncio.to_thread(json.dumps, found, ensure_ascii=False)
    return _file(f"{name}.json", "application/json", text)


def _file(name: str, media: str, text: str) -> Response:
    return Response(text, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def _asked(visit: Visit) -> tuple[Name, Report]:
    name = _named(visit)
    if visit.wrong:
        raise Problem("invalid_input", errors=visit.wrong)
    found: Report = await visit.ask("getReport", Filters.read(visit).asked, name=name)
    return name, found


def _named(visit: Visit) -> Name:
    """Return the report that an address names. 404 for one that nobody has."""
    name = visit.request.path_params["name"]
    found = next((known for known in NAMES if known == name), None)
    if found is None:
        raise Problem("not_found")
    return found


@PAGES.get("/desk/reports/{name}", kinds=SESSION, asks=ASKED)
async def show_report(visit: Visit) -> Response:
    """Show a report: figures of all, pictures, and a row for each group."""
    name, filters = _named(visit), Filters.read(visit)
    found, problem = None, None
    try:
        found = await visit.ask("getReport", filters.asked, name=name)
    except (Problem, DomainError) as refusal:
        problem = problem_of(refusal)
        visit.request.scope["retainer.code"] = problem["code"]
        if problem["status"] not in (409, 422):
            raise
    known, default = groups_of(name)
    chosen = filters.groups or default
    return home_page(
        visit,
        "report.html",
        TAB,
        status=problem["status"] if problem else 200,
        problem=problem,
        name=name,
        says=WORDS[name],
        filters=filters,
        known=known,
        chosen=[*(group for group in chosen if group in known), *[""] * GROUPS_MAX][:GROUPS_MAX],
        found=found,
        charts=await asyncio.to_thread(lambda: list(_charts(name, found))) if found else [],
        shown=ROWS_SHOWN,
        amounts=_amounts(found) if found else [],
        title=title_of,
    )


def _amounts(found: Report) -> list[tuple[str, str]]:
    return sorted(
        {(money["figure"], money["currency"]) for row in (*found["rows"], found["totals"]) for money in row["money"]}
    )


def _charts(name: Name, found: Report) -> Iterator[Chart]:
    """Give the pictures of a report, by the first of its groups."""
    if not found["group_by"]:
        return
    first = found["group_by"][0]
    for drawing in WORDS[name].drawings:
        if drawing.kind == "duration" and any(group in _TIMES for group in found["group_by"][1:]):
            continue  # the time of a clock stands in each month that it was late in
        units = [drawing.kind]
        if drawing.kind == "money":
            units = list(dict.fromkeys(currency for _, currency in _amounts(found)))[:CURRENCIES_DRAWN]
        for unit in units:
            values: dict[str, dict[str, Decimal]] = {}
            for row in found["rows"]:
                group = values.setdefault(row["by"].get(first) or "", {})
                for figure, value in _values(row, unit):
                    group[figure] = group.get(figure, Decimal()) + value
            chart = chart_of(drawing.title, unit, drawing.series, values, along_time=first in _TIMES)
            if chart is not None:
                yield chart


def _values(row: Mapping[str, Any], unit: str) -> Iterator[tuple[str, Decimal]]:
    if unit in ("count", "duration"):
        yield from ((name, Decimal(value)) for name, value in row["figures"].items())
    else:
        yield from ((paid["figure"], Decimal(paid["amount"])) for paid in row["money"] if paid["currency"] == unit)


_TITLES: Final = {
    "met_percent": "Met, per cent",
    "vendor_seconds": "The vendor's time",
    "customer_seconds": "The customer's time",
    "third_party_seconds": "Others' time",
    "none_seconds": "Nobody's time",
    "closed_seconds": "Closed hours",
    "credit_type": "Kind of credits",
    "held": "Set aside",
    "available": "Free",
    "breached": "Missed",
    "breaches": "Missed",
}


def title_of(name: str) -> str:
    """Return the words for a figure, an amount or a group."""
    return _TITLES.get(name, name.replace("_", " ").capitalize())
