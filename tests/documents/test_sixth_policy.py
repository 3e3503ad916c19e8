"""A sixth vendor's published terms, in YAML alone: the service runs them with no line of Python changed."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.support.api import OPERATOR_KEY, START, Vendor, client_of
from tests.tickets.desk import act, clock, codes, open_ticket, order

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "examples" / "powerserver.yaml"
NAME = "powerserver"
THURSDAY = "2025-07-03T19:30:00Z"
"""15:30 in New York, the day before Independence Day."""


def test_it_passes_every_check_and_names_its_source() -> None:
    text = FILE.read_text(encoding="utf-8")
    document = load_document(text)
    assert check_policy(document.policy, document.marks) == ()
    assert "https://w.appeon.com/premium-support-faqs.html" in text
    assert "seen on" in text
    command = [sys.executable, "-m", "app.cli", "policies", "check", "--strict", str(FILE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{FILE}: good\n"), done.stderr


def test_no_code_knows_it() -> None:
    words = (NAME, "appeon", '"ap-')
    found = [
        path.name
        for path in sorted((ROOT / "app").rglob("*.py"))
        if any(word in path.read_text(encoding="utf-8").lower() for word in words)
    ]
    assert found == []


async def tenant(app: FastAPI, name: str, *, policy: str = NAME, document: str, now: str = START) -> Any:
    """The operator makes a tenant under a document."""
    body = {"policy": policy, "document": document, "clock": {"mode": "virtual", "now": now}}
    async with client_of(app, OPERATOR_KEY) as operator:
        return await operator.put(f"/v1/tenants/{name}", json=body)


@pytest_asyncio.fixture
async def shop(app: FastAPI) -> AsyncIterator[Vendor]:
    """A sandbox tenant under the example."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    made = await tenant(app, name, document=FILE.read_text(encoding="utf-8"), now=THURSDAY)
    assert made.status_code == 201, made.text
    async with client_of(app, OPERATOR_KEY) as operator:
        key = (await operator.post(f"/v1/tenants/{name}/keys", json={"scopes": ["*"], "label": "t"})).json()
    found = Vendor(name, NAME, key["key"], client_of(app, key["key"]), app)
    yield found
    await found.close()


async def test_a_tenant_is_made_under_a_document_once(app: FastAPI) -> None:
    """201, 200 for the same, 409 for another; mistakes are refused with their line."""
    text = FILE.read_text(encoding="utf-8")
    assert (await tenant(app, "sixth", document=text)).status_code == 201
    assert (await tenant(app, "sixth", document=text)).status_code == 200
    assert (await tenant(app, "sixth", document=text + "# other\n")).status_code == 409
    old = "price: {kind: fixed, credits: 1}"
    wrong = await tenant(app, "wrong", document=text.replace(old, "price: {kind: fixed, credits: -1}"))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "policy_invalid")
    lines = [one["line"] for one in wrong.json()["facts"]["problems"]]
    assert text[: text.index(old)].count("\n") + 1 in lines
    named = await tenant(app, "named", policy="another", document=text)
    assert (named.status_code, named.json()["code"]) == (422, "policy_name_differs")


async def test_a_defect_is_answered_under_standard_support_and_asks_what_it_must_know(shop: Vendor) -> None:
    brought = await order(shop, "ann", "license", placed_at=THURSDAY)
    assert [one["ends_at"] for one in brought["covers"]] == ["2026-07-03T19:30:00Z"]
    ticket = await open_ticket(shop, "ann", category="defect")
    assert (ticket["state"], ticket["asks"]) == ("needs_facts", ["reproducible"])
    served = await act(shop, ticket, "details", {"facts": {"reproducible": True}})
    assert (served["state"], served["paid_by"], served["price"]) == ("in_progress", "cover", 0)
    assert [one["clause"] for one in served["reasons"]] == ["AP-3"]


async def test_a_premium_ticket_through_its_states(shop: Vendor) -> None:
    """None left: it waits for one; bought, its issue is agreed on; answered, it is used."""
    await order(shop, "ann", "license", placed_at=THURSDAY)
    waiting = await open_ticket(shop, "ann", category="issue", facts={"request_kind": "configuration"})
    assert waiting["state"] == "awaiting_credits"
    assert "AP-5" in [one["clause"] for one in waiting["reasons"]]
    assert waiting["remedies"]
    bought = await order(shop, "ann", "credits-3", placed_at=THURSDAY)
    assert [(one["granted"], one["expires_at"]) for one in bought["lots"]] == [(3, "2026-07-03T19:30:00Z")]
    quoted = await act(shop, waiting, "details", {"facts": {"request_kind": "how_to"}})
    assert quoted["state"] == "awaiting_confirmation"
    assert [one["clause"] for one in quoted["reasons"]] == ["AP-8"]
    number = quoted["assessments"][-1]["number"]
    agreed = await act(shop, waiting, f"assessments/{number}/confirmation", {"accept": True})
    assert (agreed["state"], agreed["charge"]["held"]) == ("in_progress", 1)
    done = await act(shop, waiting, "resolution", {"outcome": "answered"})
    assert (done["state"], done["charge"]["net"]) == ("resolved", 1)
    balance = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    assert (balance["unit"], balance["available"]) == ("premium tickets", 2)


async def test_a_cancelled_ticket_keeps_the_premium_ticket(shop: Vendor) -> None:
    await order(shop, "ann", "license", "credits-1", placed_at=THURSDAY)
    ticket = await open_ticket(shop, "ann", category="issue", agreed_up_to=1, facts={"request_kind": "how_to"})
    assert ticket["charge"]["held"] == 1
    done = await act(shop, ticket, "resolution", {"outcome": "cancelled"})
    assert (done["state"], done["charge"]["net"], done["charge"]["held"]) == ("resolved", 0, 0)


async def test_what_is_not_part_of_support_is_refused_with_its_clause(shop: Vendor) -> None:
    await order(shop, "ann", "license", "credits-1", placed_at=THURSDAY)
    refused = await open_ticket(shop, "ann", category="issue", facts={"request_kind": "tuning"})
    assert (refused["state"], codes(refused)) == ("rejected", ["out_of_scope"])
    assert refused["reasons"][0]["clause"] == "AP-10"
    assert refused["charge"]["held"] == 0
    nobody = await shop.ok(await shop.get("/v1/customers/zoe/entitlements/open_ticket"))
    assert (nobody["allowed"], nobody["reasons"][0]["clause"]) == (False, "AP-5")


async def test_its_clock_runs_in_eastern_business_hours_and_not_on_a_public_holiday(shop: Vendor) -> None:
    """Thursday 15:30 plus two business hours is Monday 9:30: a holiday and a weekend lie between."""
    await order(shop, "ann", "license", "credits-1", placed_at=THURSDAY)
    ticket = await open_ticket(shop, "ann", category="issue", agreed_up_to=1)
    promised = clock(ticket, "first_response")
    assert (promised["phase"], promised["due_at"]) == ("running", "2025-07-07T13:30:00Z")
    span = {"from": "2025-07-01", "to": "2025-07-31"}
    closures = await shop.ok(await shop.get("/v1/calendars/service-hours/closures", **span))
    assert "2025-07-04" in [one["date"] for one in closures["data"]]
    await shop.move_clock("2025-07-07T13:30:00Z")
    answered = await act(shop, ticket, "responses", {"author": "vendor", "kind": "service", "public": True})
    assert clock(answered, "first_response")["outcome"] == "met"


async def test_unused_premium_tickets_end_after_365_days(shop: Vendor) -> None:
    await order(shop, "ann", "license", "credits-2", placed_at=THURSDAY)
    await shop.move_clock("2026-07-03T19:30:00Z")
    balance = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    assert balance["available"] == 0
