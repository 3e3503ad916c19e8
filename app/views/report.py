"""Reports as published: rows by group, each with its figures and its amounts of money, and the totals."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NotRequired, get_args

from typing_extensions import TypedDict

from app.views.shapes import Amount, Closed, Instant, Whole

Name = Literal[
    "attainment",
    "breaches",
    "liability",
    "consumption",
    "grants",
    "expiries",
    "refunds",
    "revenue",
    "agents",
    "forecast",
]
NAMES: Final[tuple[Name, ...]] = get_args(Name)
ReportName = Annotated[Name, Closed("ReportName", "What a report is about.")]


class ReportMoney(TypedDict):
    """An amount of a row: what it stands for, and its currency."""

    figure: Annotated[str, "What it stands for, such as `worth` or `recognized`."]
    amount: Annotated[Amount, "The amount as a decimal string."]
    currency: Annotated[str, "The currency by ISO 4217."]


class ReportRow(TypedDict):
    """A group of a report, or all of it."""

    by: Annotated[Mapping[str, str], "What the group is of, by the names in `group_by`; empty where it has none."]
    figures: Annotated[Mapping[str, Whole], "Counts, credits and seconds, by name."]
    money: Annotated[Sequence[ReportMoney], "Amounts by figure and currency."]
    met_percent: NotRequired[Annotated[str, "Of attainment: promises that were met, in per cent."]]


_Span = TypedDict(
    "_Span",
    {
        "from": Annotated[Instant | None, "From when on; null where there is no bound."],
        "to": Annotated[Instant | None, "Before when; null where there is no bound."],
    },
)


class Report(_Span):
    """Figures of a tenant, from one snapshot."""

    report: Annotated[ReportName, "What it is about."]
    as_of: Annotated[Instant, "The instant as of which it stands."]
    group_by: Annotated[Sequence[str], "What it is grouped by."]
    rows: Annotated[Sequence[ReportRow], "The groups, in order."]
    totals: Annotated[ReportRow, "All of it together."]


def report_csv(report: Report) -> str:
    """Return a report as CSV: a line for each group, the totals last, and a column for each figure and currency."""
    lines = [*report["rows"], report["totals"]]
    figures = list(report["totals"]["figures"])
    amounts = sorted({(money["figure"], money["currency"]) for line in lines for money in line["money"]})
    percent = ["met_percent"] if any("met_percent" in line for line in lines) else []
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow
    write([*report["group_by"], *figures, *(f"{figure}_{currency}" for figure, currency in amounts), *percent])
    for line in lines:
        is_total = line is report["totals"]
        keys = [_cell(line["by"].get(name, "")) for name in report["group_by"]]
        if is_total and keys:
            keys[0] = "total"
        paid = {(money["figure"], money["currency"]): money["amount"] for money in line["money"]}
        write(
            [
                *keys,
                *(line["figures"][name] for name in figures),
                *(paid.get(amount, "") for amount in amounts),
                *([line.get("met_percent", "")] if percent else []),
            ]
        )
    return out.getvalue()


def _cell(text: str) -> str:
    """Return a text that a spreadsheet takes for no formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
