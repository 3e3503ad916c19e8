"""`retainer reports`: print a report as a table, as CSV, or as JSON."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from app.commands.customers import quoted
from app.commands.remote import JSON, Json, Key, Service, Target, Tenant, Url, ask, show, table


def run(
    name: Annotated[str, typer.Argument(help="attainment, breaches, liability, consumption, grants, expiries, ...")],
    since: Annotated[str | None, typer.Option("--from", help="From this date or instant on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this date or instant.")] = None,
    group_by: Annotated[str | None, typer.Option(help="Names of groups, with commas between them, or `none`.")] = None,
    as_of: Annotated[str | None, typer.Option(help="How it stood then, RFC 3339 with an offset.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print it as CSV.")] = False,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Print a report: promises kept, credits owed, used and expired, money earned, and who worked."""
    query = {"from": since, "to": until, "group_by": group_by, "as_of": as_of}

    async def work(service: Service) -> Any:
        asked = {**query, "format": "csv"} if csv else query
        return await service.send("GET", f"/v1/reports/{quoted(name)}", query=asked)

    target = Target(url, key, tenant)
    if csv:
        print(ask(target, work), end="")
        return
    show(target, work, as_json, _draw)


def _draw(out: Console, view: Any) -> None:
    rows = [_flat(row) for row in [*view["rows"], view["totals"]]]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table(out, {name: name for name in names}, rows, empty="The report has no rows.", title=str(view["report"]))


def _flat(row: JSON) -> JSON:
    """Return a row with a column for each group, figure and currency; the totals have no group."""
    amounts = {f"{money['figure']} {money['currency']}": money["amount"] for money in row["money"]}
    percent = {"met %": row["met_percent"]} if "met_percent" in row else {}
    return {**row["by"], **row["figures"], **amounts, **percent}
