"""Reports over a whole tenant: promises, credits, money and the people who work, from one snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.db import reports
from app.db.clocks import clocks
from app.db.engine import Tx
from app.db.reports import DEFINITIONS, ROWS_MAX, Definition, Span, Sum
from app.domain.values.errors import DomainError
from app.domain.values.money import Money
from app.domain.values.wire import iso, iso_or_none
from app.views.clock import clock_view
from app.views.report import Name, Report, ReportMoney, ReportRow

GROUPS_MAX: Final = 3
CLOCKS_MAX: Final = 2_000
"""Late clocks whose time is looked at one by one."""
_AT_ONCE: Final = 50
_PARTIES: Final = ("vendor_seconds", "customer_seconds", "third_party_seconds", "none_seconds", "closed_seconds")


async def report(
    tx: Tx,
    name: Name,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    group_by: str | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Report:
    """A report. 422 ``unknown_group``, ``span_reversed``; 409 ``report_too_large``."""
    definition = DEFINITIONS[name]
    groups = _groups(definition, group_by)
    if since is not None and until is not None and until <= since:
        raise DomainError("span_reversed", field="to", since=iso(since), until=iso(until))
    at = tx.at if as_of is None else as_of
    known = max(tx.at, at) if known_at is None else known_at  # as balances do: what was told late counts
    span = Span(since=since, until=until, at=at, known=known, is_past=as_of is not None or known_at is not None)
    found = await reports.sums(tx, definition, groups, span)
    if len(found) > ROWS_MAX + 1:
        raise DomainError("report_too_large", most=ROWS_MAX)
    times = await _times(tx, groups, span) if name == "breaches" else {}
    return await asyncio.to_thread(_view, name, groups, span, found, times)


def groups_of(name: Name) -> tuple[Sequence[str], Sequence[str]]:
    """Return what a report may be grouped by, and how it is grouped unless the caller says otherwise."""
    definition = DEFINITIONS[name]
    return list(definition.groups), definition.by


def _groups(definition: Definition, group_by: str | None) -> tuple[str, ...]:
    if group_by is None:
        return definition.by
    groups = tuple(dict.fromkeys(part.strip() for part in group_by.split(",") if part.strip()))
    if groups == ("none",):
        return ()
    unknown = [part for part in groups if part not in definition.groups]
    if unknown or len(groups) > GROUPS_MAX:
        raise DomainError(
            "unknown_group", field="group_by", unknown=unknown, known=sorted(definition.groups), most=GROUPS_MAX
        )
    return groups


async def _times(tx: Tx, groups: Sequence[str], span: Span) -> dict[tuple[str, ...] | None, dict[str, int]]:
    """By whom the time of late clocks was spent: seconds by party, of each group and of all."""
    rows = await reports.breached_clocks(tx, groups, span, CLOCKS_MAX)
    if len(rows) > CLOCKS_MAX:
        raise DomainError("report_too_large", most=CLOCKS_MAX)
    groups_of: dict[str, list[tuple[str, ...] | None]] = {}
    for group, clock_id in rows:
        groups_of.setdefault(clock_id, [None]).append(group)
    found: dict[tuple[str, ...] | None, dict[str, int]] = {}
    ids = list(groups_of)
    for start in range(0, len(ids), _AT_ONCE):
        for clock in await clocks.by_ids(tx, ids[start : start + _AT_ONCE]):
            ledger: Mapping[str, Any] = clock_view(clock, span.at, span.known)["ledger"]
            for key in groups_of[clock.clock_id]:
                spent = found.setdefault(key, dict.fromkeys(_PARTIES, 0))
                for party in _PARTIES:
                    spent[party] += int(ledger[party])
        await asyncio.sleep(0)
    return found


def _view(
    name: Name,
    groups: Sequence[str],
    span: Span,
    found: Sequence[Sum],
    times: Mapping[tuple[str, ...] | None, Mapping[str, int]],
) -> Report:
    rows = [_row(name, groups, item, times) for item in found]
    return {
        "report": name,
        "from": iso_or_none(span.since),
        "to": iso_or_none(span.until),
        "as_of": iso(span.at),
        "group_by": list(groups),
        "rows": rows[:-1],
        "totals": rows[-1],
    }


def _row(
    name: Name, groups: Sequence[str], item: Sum, times: Mapping[tuple[str, ...] | None, Mapping[str, int]]
) -> ReportRow:
    figures = dict(item.figures)
    if name == "breaches":
        figures |= times.get(item.key) or dict.fromkeys(_PARTIES, 0)
    row: ReportRow = {
        "by": {} if item.key is None else dict(zip(groups, item.key, strict=True)),
        "figures": figures,
        "money": [_money(figure, currency, amount) for (figure, currency), amount in sorted(item.money.items())],
    }
    if name == "attainment" and figures["judged"]:
        share = Decimal(100 * figures["met"]) / figures["judged"]
        row["met_percent"] = f"{share:.2f}"
    return row


def _money(figure: str, currency: str, amount: Any) -> ReportMoney:
    return {"figure": figure, "amount": Money(Decimal(amount or 0), currency).text, "currency": currency}
