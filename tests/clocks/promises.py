"""A vendor under a small policy of its own, of which a test names the promises and what else matters."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
from fastapi import FastAPI

from tests.support.api import Vendor, client_of

NINE_TO_FIVE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
FIRST: dict[str, Any] = {
    "milestone": "first_response",
    "target": "business_seconds:14400",
    "starts": "opened",
    "stops": ["vendor_response"],
    "clause": "P-8",
}
SOLVED: dict[str, Any] = {**FIRST, "milestone": "resolution", "target": "business_seconds:28800", "stops": ["resolved"]}


def a_policy(*promises: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Free tickets for anybody, hours from nine to five in London, and these promises."""
    said = [{"id": f"P-{n}", "text": f"Paragraph {n}."} for n in range(1, 10)]
    silent = [{"id": f"ALL-{n}", "text": f"Silent {n}.", "reading": True, "mechanism": True} for n in range(1, 6)]
    document: dict[str, Any] = {
        "policy": "plain",
        "title": "Plain terms",
        "vendor": "Plain",
        "source": "test",
        "clauses": said + silent,
        "unit": {"one": "point", "many": "points"},
        "offers": [
            {"sku": "license", "title": "License", "kind": "license", "clause": "P-1"},
            {
                "sku": "points-{n}",
                "title": "Points",
                "kind": "credits",
                "clause": "P-1",
                "grants": [{"kind": "credits", "rule": "pack", "clause": "P-1", "credit_type": "point"}],
            },
        ],
        "actions": [
            {
                "action": "open_ticket",
                "title": "Open a ticket",
                "rules": [{"allow": True, "code": "anybody", "clause": "P-1", "message": "Anybody may."}],
            }
        ],
        "qualification": {"by": "rules", "clause": "P-2"},
        "categories": [
            {
                "category": "help",
                "title": "Help",
                "price": {"kind": "fixed", "credits": 0},
                "clause": "P-3",
                "needs_means": False,
            },
            {"category": "work", "title": "Work", "price": {"kind": "fixed", "credits": 4}, "clause": "P-3"},
        ],
        "credits": {"clause": "P-4", "types": [{"credit_type": "point", "title": "Points", "clause": "P-4"}]},
        "payment": {"means": ["credits"], "exhausted_clause": "P-4", "exhausted_skus": ["points-{n}"]},
        "outcomes": [{"outcome": "answered", "title": "Answered", "clause": "P-5"}],
        "causes": [{"cause": "other", "title": "Other"}],
        "pause_reasons": [{"reason": "asked", "party": "customer"}, {"reason": "storm", "party": "none"}],
        "service_hours": {"zone": "Europe/London", "clause": "P-6", "weekly_hours": NINE_TO_FIVE},
        "reopening": {"window": {"days": 30}, "clause": "P-7"},
        "promises": list(promises),
        **changes,
    }
    return document


async def a_vendor(
    app: FastAPI, api: httpx.AsyncClient, document: dict[str, Any], now: str = "2025-03-03T09:00:00Z"
) -> Vendor:
    """A sandbox tenant under the document."""
    tenant = f"plain-{uuid.uuid4().hex[:8]}"
    body = {"policy": document["policy"], "document": json.dumps(document), "clock": {"mode": "virtual", "now": now}}
    made = await api.put(f"/v1/tenants/{tenant}", json=body)
    assert made.status_code == 201, made.text
    key = (await api.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["*"]})).json()["key"]
    return Vendor(tenant, document["policy"], key, client_of(app, key), app)


async def a_ticket(one: Vendor, ticket: str = "T1", **body: Any) -> dict[str, Any]:
    """A free ticket."""
    stated = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "category": "help", **body}
    return dict(await one.ok(await one.put(f"/v1/tickets/{ticket}", stated), 201))


async def act(one: Vendor, verb: str, body: Any = None, ticket: str = "T1", **more: Any) -> dict[str, Any]:
    """A verb on a ticket."""
    return dict(await one.ok(await one.post(f"/v1/tickets/{ticket}/{verb}", body, **more)))


async def clock_of(one: Vendor, ticket: str = "T1", milestone: str = "first_response") -> dict[str, Any]:
    """The clock of a milestone."""
    found = (await one.ok(await one.get("/v1/clocks", ticket_id=ticket)))["data"]
    (clock,) = [each for each in found if each["milestone"] == milestone]
    return dict(clock)


async def told(one: Vendor, kind: str) -> list[dict[str, Any]]:
    """The published events of a type, the oldest first."""
    found = (await one.ok(await one.get("/v1/events", limit=100)))["data"]
    return [each for each in found if each["type"] == kind]


async def points(one: Vendor, customer: str = "ann") -> int:
    """What the customer has available."""
    return int((await one.ok(await one.get(f"/v1/customers/{customer}/balance")))["available"])
