"""Open tickets that are brought in, and those that a helpdesk tells of late: they run since they were opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from app.commands import import_
from app.connectors.inbound import ADAPTERS
from app.db.engine import Database
from app.domain.feeds.adapter import Delivery
from app.usecases import imports
from app.usecases.imports import Row
from tests.clocks.promises import FIRST, a_policy, a_vendor, clock_of
from tests.support import shops

LINES: list[dict[str, Any]] = [
    {
        "kind": "ticket",
        "customer_id": "ann",
        "ticket_id": "OLD-1",
        "opened_at": "2025-03-03T10:00:00Z",
        "subject": "Printer",
        "channel": "helpdesk",
        "category": "help",
    },
    {
        "kind": "ticket",
        "customer_id": "ann",
        "ticket_id": "OLD-2",
        "opened_at": "2025-03-04T09:30:00Z",
        "category": "help",
        "opened_by": "vendor",
    },
]


async def brought(db: Database, tenant: str, lines: list[dict[str, Any]], folder: Path) -> list[Any]:
    """What became of the lines of a file."""
    file = folder / "tickets.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in lines), encoding="utf-8")
    with import_.Staged() as staged:
        staged.read(str(file), None)
        rows: Mapping[str, list[Row]] = {"ann": [row for mine in staged.by_customer() for row in mine]}
    found: list[Any] = []
    for mine in rows.values():
        found += await db.run(tenant, lambda tx, mine=mine: imports.bring_customer(tx, mine), actor="import")
    return found


async def test_open_tickets_come_with_their_opening(
    app: FastAPI, api: httpx.AsyncClient, db: Database, tmp_path: Path
) -> None:
    one = await a_vendor(app, api, a_policy(FIRST), now="2025-03-04T12:00:00Z")
    assert [each.state for each in await brought(db, one.tenant_id, LINES, tmp_path)] == ["new", "new"]
    assert [each.state for each in await brought(db, one.tenant_id, LINES, tmp_path)] == ["there", "there"]
    clock = await clock_of(one, "OLD-1")
    assert (clock["started_at"], clock["outcome"]) == ("2025-03-03T10:00:00Z", "breached")
    silent = await one.ok(await one.get("/v1/tickets/OLD-2"))
    assert (silent["opened_at"], silent["opened_by"], silent["clocks"]) == ("2025-03-04T09:30:00Z", "vendor", [])
    ahead = [{**LINES[0], "ticket_id": "OLD-3", "opened_at": "2025-03-05T00:00:00Z"}]
    (bad,) = await brought(db, one.tenant_id, ahead, tmp_path)
    assert (bad.state, "opened_in_future" in bad.message) == ("bad", True)


def test_helpdesks_say_when_a_ticket_was_made() -> None:
    body = shops.raw(shops.zammad_ticket())
    news = ADAPTERS["zammad"].read(Delivery(topic=None, body=body, fetched=None, options={})).ticket
    assert news is not None
    assert news.ticket is not None
    made = json.loads(body)["ticket"]["created_at"]
    assert news.ticket.opened_at is not None
    assert news.ticket.opened_at.isoformat()[:19] == made[:19]
