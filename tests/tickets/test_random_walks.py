"""Random walks over tickets of every policy: no fault, no loan, the row is the fold, the books are sound."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.db import tickets as ticket_rows
from app.db.engine import Database
from app.domain.tickets.ticket import fold
from app.domain.values.ids import CustomerId, TicketId
from tests.conftest import MakeVendor
from tests.support.api import START, Vendor
from tests.tickets.desk import GOOD_FACTS, next_id, order

GOODS = {
    "x-cart": ["license", "credits-60", "credits-120"],
    "cs-cart": ["license", "credits-25", "support-1-months"],
    "avactis": ["license-leased", "license-owned", "credits-50"],
    "shopp": ["license", "credit-priority", "credit-escalated"],
    "cactushop": ["license-standard", "support-12-months"],
}
CATEGORIES = {
    "x-cart": ["level_0", "level_1", "level_3", "aspe_transfer", "other", "sales_n_stats_transfer", None],
    "cs-cart": ["category_1", "category_2", "category_3", "bug_report", "minor_modification", None],
    "avactis": ["general", "features", "root_cause", "domain_change", "patching", None],
    "shopp": [None],
    "cactushop": [None],
}


def opening(dice: random.Random, policy: str) -> dict[str, Any]:
    """A plausible ticket."""
    body: dict[str, Any] = {"category": dice.choice(CATEGORIES[policy])}
    if body["category"] == "aspe_transfer" and dice.random() < 0.5:
        body["inputs"] = {"N": dice.randint(0, 3)}
    if policy == "shopp":
        body["credit_type"] = dice.choice(["priority", "escalated", None])
        body["facts"] = dice.choice([GOOD_FACTS, {}, {**GOOD_FACTS, "modified": True}])
    if policy == "cs-cart":
        body["agreed_up_to"] = dice.choice([None, None, 5, 20])
        body["pay_with"] = dice.choice([None, "credits", "cover"])
        body["language"] = dice.choice(["en", "ru", "de"])
    return body


def step(dice: random.Random, policy: str, ticket: dict[str, Any]) -> tuple[str, Any]:
    """Something that somebody might do next, allowed or not."""
    number = dice.randint(1, max(1, len(ticket["assessments"])))
    return dice.choice(
        [
            ("details", {"category": dice.choice(CATEGORIES[policy])}),
            ("details", {"cs-cart": {"agreed_up_to": 10}, "x-cart": {"inputs": {"N": 1}}}.get(policy, {})),
            ("details", {"pay_with": dice.choice(["credits", "cover"])}),
            ("details", {"facts": {"backup": "done", "modified": False}} if policy == "shopp" else {}),
            ("assessments", {"category": dice.choice([c for c in CATEGORIES[policy] if c] or ["none"]), "inputs": {}}),
            ("assessments", {"credits": dice.randint(0, 70), "reason": "so it is"}),
            (f"assessments/{number}/confirmation", {"accept": dice.random() < 0.6}),
            ("responses", {"author": dice.choice(["vendor", "customer"]), "kind": dice.choice(["service", "inquiry"])}),
            (
                "qualification",
                {"decision": dice.choice(["accept", "reject"]), "note": "n", "reasons": ["network_issue"]},
            ),
            ("access-requests", {"kinds": ["ftp"]}),
            ("access-requests/1/grant", None),
            ("pauses", {"reason": "beyond_control"}),
            ("resumptions", {}),
            ("credits", {"credit_type": "priority" if policy == "shopp" else "credit"}),
            ("splits", {"ticket_id": next_id("W"), "subject": "s"}),
            ("withdrawal", None),
            ("resolution", {"cause": dice.choice(["software_bug", "settings", None])}),
            ("resolution", {"outcome": "cancelled"}),
            ("reopening", None),
            ("disputes", {"reason": "dear"}),
            ("disputes/1/decision", {"decision": "reduced", "credits": dice.randint(0, 20)}),
        ]
    )


async def sound(db: Database, shop: Vendor, external_id: str) -> None:
    """The row is the fold, its charge is that of its holds."""
    async with db.reading(shop.tenant_id) as tx:
        row = await ticket_rows.require(tx, external_id)
        facts = await ticket_rows.facts(tx, row.ticket_id)
        charges = await ticket_rows.charges(tx, [row.ticket_id])
    assert row == fold(
        facts,
        ticket_id=TicketId(row.ticket_id),
        customer_id=CustomerId(row.customer_id),
        external_id=row.external_id,
        subject=row.subject,
        payload_hash=row.payload_hash,
    )
    assert row.charge == charges.get(row.ticket_id, row.charge)
    assert row.charge["refunded"] <= row.charge["captured"]
    if row.state in ("resolved", "rejected", "withdrawn"):
        assert row.charge["held"] == 0, row.state
    if row.state == "rejected":
        assert row.charge["net"] == 0
    if row.state == "in_progress" and row.price is not None:
        assert row.charge["held"] + row.charge["net"] in (row.price, 0) or row.reopened


@pytest.mark.parametrize("policy", sorted(GOODS))
@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 6))])
async def test_walks_leave_tickets_and_ledger_sound(vendor: MakeVendor, db: Database, policy: str, seed: int) -> None:
    dice = random.Random(f"{policy}-{seed}")
    shop = await vendor(policy)
    now = datetime.fromisoformat(START)
    tickets: list[str] = []
    for _ in range(40):
        if dice.random() < 0.15:
            now += timedelta(hours=dice.choice([1, 30, 24 * 9, 24 * 45]))
            await shop.move_clock(now.isoformat().replace("+00:00", "Z"))
        if dice.random() < 0.15:
            made = await order(
                shop, "walker", dice.choice(GOODS[policy]), placed_at=now.isoformat().replace("+00:00", "Z")
            )
            for choice in made.get("choices", []):
                await shop.post(
                    f"/v1/customers/walker/choices/{choice['choice_id']}", {"option": dice.choice(["credits", "cover"])}
                )
        if not tickets or dice.random() < 0.2:
            name = next_id("W")
            body = {"customer_id": "walker", "subject": "walk", "channel": "helpdesk", **opening(dice, policy)}
            answer = await shop.put(f"/v1/tickets/{name}", body)
            assert answer.status_code in (201, 422), answer.text
            if answer.status_code == 201:
                tickets.append(name)
            continue
        name = dice.choice(tickets)
        shown = await shop.get(f"/v1/tickets/{name}")
        assert shown.status_code == 200, shown.text
        verb, body = step(dice, policy, shown.json())
        answer = await shop.post(f"/v1/tickets/{name}/{verb}", body)
        assert answer.status_code in (200, 201, 404, 409, 422), (verb, body, answer.text)
    for name in tickets:
        await sound(db, shop, name)
    async with db.reading(shop.tenant_id) as tx:
        rows = await tx.rows(
            text("select external_id from ticket where tenant_id = :tenant"), {"tenant": shop.tenant_id}
        )
    for row in rows:
        await sound(db, shop, row.external_id)
    audit = await shop.get("/v1/audit")
    if audit.status_code == 200:
        assert audit.json()["data"] == []
