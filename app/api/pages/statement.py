"""The statement as a page and as CSV: which rows are wanted, and as many of them as a page holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from app.api.languages import text
from app.api.pages import words
from app.api.pages.visit import Visit
from app.api.problems import FieldError, Problem

PARTS: Final = ("balance_modifications", "tickets_in_progress", "resolved_tickets")
ROWS_MAX: Final = 100
"""Rows of each part that a page shows."""
LOOKED_AT_MAX: Final = 20
"""Answers of the service that a filtered page looks through; then it says how to go on."""
CSV_MAX: Final = 1000
"""Answers that a table is made of: 100 rows of each part in each."""
COLUMNS: Final = (
    "part",
    "at",
    "credits",
    "what",
    "credit_type",
    "ticket_id",
    "order_id",
    "expires_at",
    "reason",
    "clause",
)
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows of a statement are wanted."""

    part: str = ""
    since: str = ""
    until: str = ""
    ticket: str = ""
    cursor: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Filters:
        """Read the filters of an address. 422 for a day that is none."""
        found = cls(
            part=query.get("part", "") if query.get("part") in PARTS else "",
            since=query.get("since", ""),
            until=query.get("until", ""),
            ticket=query.get("ticket", "").strip()[:200],
            cursor=query.get("cursor", ""),
        )
        wrong = [name for name in ("since", "until") if (day := getattr(found, name)) and not _is_day(day)]
        if wrong:
            message = text("A day is wanted, such as 2025-01-31.")
            raise Problem(
                "invalid_input", errors=[FieldError(f"/{name}", "not_a_date", message, "query") for name in wrong]
            )
        return found

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return bool(self.part or self.since or self.until or self.ticket)

    @property
    def query(self) -> dict[str, str]:
        """Return the filters for an address, without the cursor."""
        return {"part": self.part, "since": self.since, "until": self.until, "ticket": self.ticket}

    def take(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is wanted."""
        at = str(row.get("at") or row.get("since") or "")[:10]
        if (self.since or self.until) and not at:
            return False
        if (self.since and at < self.since) or (self.until and at > self.until):
            return False
        return not self.ticket or self.ticket == row.get("ticket_id")


async def filtered(visit: Visit, customer_id: str, filters: Filters) -> dict[str, Any]:
    """Return a statement whose parts hold the wanted rows alone; its totals are over all rows.

    `next_cursor` goes on where the page is full, or where it has looked long enough.
    """
    found: dict[str, Any] = {}
    rows: dict[str, list[Mapping[str, Any]]] = {part: [] for part in PARTS}
    cursor: str | None = filters.cursor or None
    for _ in range(LOOKED_AT_MAX):
        answer = await visit.ask("getStatement", {"cursor": cursor}, customer_id=customer_id)
        found = dict(answer)
        for part in PARTS:
            if filters.part in ("", part):
                rows[part].extend(row for row in answer[part] if filters.take(row))
        cursor = answer["next_cursor"]
        if cursor is None or not filters.any or max(map(len, rows.values())) >= ROWS_MAX:
            break
    return {**found, **rows, "next_cursor": cursor}


async def csv_of(visit: Visit, customer_id: str, filters: Filters) -> str:
    """Return the wanted rows of a statement as CSV, each part in its order."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    cursor: str | None = None
    for _ in range(CSV_MAX):
        answer = await visit.ask("getStatement", {"cursor": cursor}, customer_id=customer_id)
        for line in _lines(answer, filters):
            writer.writerow([_cell(value) for value in line])
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    return table.getvalue()


def _lines(answer: Mapping[str, Any], filters: Filters) -> Iterator[tuple[Any, ...]]:
    for part in PARTS:
        if filters.part not in ("", part):
            continue
        for row in answer[part]:
            if filters.take(row):
                what = words.kind(row.get("kind")) if row.get("kind") else words.code(part)
                named = [row.get(name) for name in COLUMNS[4:]]
                yield (part, row.get("at") or row.get("since"), row["credits"], what, *named)


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULAS) else text


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
