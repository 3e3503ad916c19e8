"""Reports over a whole tenant, as JSON and as CSV."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import BeforeValidator, WithJsonSchema

from app.api.fields import QueryText, parse_instant
from app.api.operations.arguments import AsOf
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.clocks import clocks
from app.usecases.reports import exports, reports
from app.usecases.tickets import tickets
from app.views.report import Name, Report, report_csv

OPERATIONS = Operations("Reports")
ExportName = Literal["entries", "orders", "tickets", "clocks"]
CSV: Final = "text/csv; charset=utf-8"


def _start(value: Any) -> Any:
    """Return an instant; of a date its first in UTC."""
    is_date = isinstance(value, str) and len(value) == 10
    return parse_instant(f"{value}T00:00:00Z" if is_date else value)


Start = Annotated[
    datetime,
    BeforeValidator(_start),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2025-01-01T00:00:00Z"]}),
]


@OPERATIONS.get("getReport", "/v1/reports/{name}", scope="reports:read", refusals=(404, 409))
async def get_report(
    call: Call,
    name: Annotated[Name, Path(examples=["attainment"])],
    point: AsOf,
    since: Annotated[Start | None, Query(alias="from", description="From then on; a date is its start in UTC")] = None,
    until: Annotated[Start | None, Query(alias="to", description="Before then; a date is its start in UTC")] = None,
    group_by: Annotated[
        QueryText | None, Query(description="Names of groups, with commas between them, or `none`")
    ] = None,
    format: Annotated[Literal["json", "csv"], Query(description="`csv`: as a table")] = "json",
) -> Answer[Report]:
    """Promises kept, credits owed, used and expired, money earned, and who worked. All of it is of one snapshot.

    `from` and `to` are about when it happened; of `liability` and `forecast`, about when credits expire.
    """
    found = await call.read(
        lambda tx: reports.report(
            tx, name, since=since, until=until, group_by=group_by, as_of=point.as_of, known_at=point.known_at
        )
    )
    if format == "json":
        return Answer(found)
    return Answer(found, text=(CSV, await asyncio.to_thread(report_csv, found)))


PAGES: Final[Mapping[ExportName, exports.Export]] = {
    "entries": exports.entries,
    "orders": exports.orders,
    "tickets": tickets.recorded,
    "clocks": clocks.recorded,
}
"""Export -> a part of its rows, as they were recorded."""


@OPERATIONS.get(
    "exportRows",
    "/v1/exports/{name}",
    scope="reports:read",
    media="application/x-ndjson",
    no_twin="an answer of any length, line by line",
)
async def export_rows(
    call: Call,
    name: Annotated[ExportName, Path(examples=["entries"])],
    after: Annotated[
        str | None, Query(min_length=1, max_length=2000, description="The `position` of the last row that you have")
    ] = None,
) -> Answer[Any]:
    """All entries, orders, tickets or clocks from a position on: a line of JSON a row, as they were recorded.

    Each is as its own call answers it, with its `position`; whoever goes on from the last one misses no row. What
    changes later is told by `GET /v1/events`.
    """
    until = await exports.settled_before(call.rooms.database)
    read = functools.partial(PAGES[name], until=until)
    return Answer(None, lines=await call.lines(read, rows=exports.ROWS, after=after))
