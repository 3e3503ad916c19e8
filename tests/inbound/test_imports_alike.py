"""Many customers brought in together leave what one after another would have left, in a few statements."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from app.commands import import_
from app.db.engine import Database
from app.usecases import imports
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.statements import sent

STATEMENTS = 12
"""What a chunk of new customers asks, the policy's versions included; it was over ten a customer."""
OURS = re.compile(r"\b[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}\b")
FIRST: list[dict[str, Any]] = [
    {"kind": "customer", "customer_id": "plain"},
    {
        "kind": "customer",
        "customer_id": "ann",
        "name": "Ann Ashe",
        "email": "ann@example.com",
        "emails": ["a.ashe@example.org"],
        "external_ids": {"woo": "17", "zammad": "5"},
        "metadata": {"tier": "gold"},
        "company": "Ashe and Sons",
    },
    {"kind": "license", "customer_id": "ann", "import_id": "L1", "sku": "license", "placed_at": "2023-02-01T00:00:00Z"},
    {
        "kind": "lot",
        "customer_id": "ann",
        "import_id": "P1",
        "credits": 40,
        "granted_at": "2024-06-01T00:00:00Z",
        "expires_at": "2026-06-01T00:00:00Z",
        "cost_amount": "20.00",
        "cost_currency": "USD",
        "license": "L1",
    },
    {
        "kind": "cover",
        "customer_id": "ann",
        "import_id": "C1",
        "starts_at": "2024-02-01T00:00:00Z",
        "ends_at": "2026-02-01T00:00:00Z",
        "license": "L1",
    },
    {"kind": "lot", "customer_id": "ben", "import_id": "P2", "credits": 3, "granted_at": "2024-07-01T00:00:00Z"},
    {"kind": "lot", "customer_id": "ben", "import_id": "P3", "credits": 5, "granted_at": "2024-08-01T00:00:00Z"},
    {"kind": "customer", "customer_id": "cat", "name": "Cat", "external_ids": {"woo": "17"}},
    {"kind": "customer", "customer_id": "dan", "name": "Dan", "company_id": "ben"},
    {"kind": "lot", "customer_id": "eve", "import_id": "P4", "credits": 9, "granted_at": "2024-08-01T00:00:00Z"},
    {"kind": "ticket", "customer_id": "eve", "ticket_id": "T1", "opened_at": "2024-12-30T10:00:00Z", "subject": "Old"},
]
"""New customers of every kind: alone, in part with what another one has, with a company, with a ticket."""
THEN: list[dict[str, Any]] = [
    FIRST[1],
    {"kind": "customer", "customer_id": "ben", "name": "Ben"},
    {"kind": "lot", "customer_id": "ann", "import_id": "P5", "credits": 7, "granted_at": "2024-09-01T00:00:00Z"},
    {"kind": "license", "customer_id": "ann", "import_id": "L2", "sku": "license", "placed_at": "2022-02-01T00:00:00Z"},
    FIRST[5],
    {"kind": "lot", "customer_id": "old", "import_id": "P6", "credits": 2, "granted_at": "2024-09-01T00:00:00Z"},
    {"kind": "license", "customer_id": "fay", "import_id": "L3", "sku": "license", "placed_at": "2022-02-01T00:00:00Z"},
]
"""Of some who are there by then, one of them under the name of an account that went into another."""


def staged_rows(lines: list[dict[str, Any]], folder: Path) -> list[list[imports.Row]]:
    file = folder / "lines.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with import_.Staged() as staged:
        staged.read(str(file), None)
        assert staged.bad.count == 0
        return list(staged.by_customer())


async def together(db: Database, tenant_id: str, customers: list[list[imports.Row]]) -> list[imports.Outcome]:
    return await db.run(tenant_id, lambda tx: imports.bring_chunk(tx, chunk=customers), actor="import")


async def apart(db: Database, tenant_id: str, customers: list[list[imports.Row]]) -> list[imports.Outcome]:
    found: list[imports.Outcome] = []
    for mine in customers:
        found += await db.run(tenant_id, lambda tx, mine=mine: imports.bring_customer(tx, mine), actor="import")
    return found


def alike(text: str, tenant_id: str) -> Any:
    """An answer with our own ids numbered in their order."""
    numbers: dict[str, str] = {}
    named = OURS.sub(lambda m: numbers.setdefault(m.group(), f"id-{len(numbers)}"), text.replace(tenant_id, "tenant"))
    return json.loads(named)


async def left(vendor: Vendor, names: list[str]) -> dict[str, Any]:
    """Everything that is kept about some customers, and whether the audit finds something."""
    found: dict[str, Any] = {}
    for name in names:
        for path in ("export", "statement", "balance"):
            answer = await vendor.get(f"/v1/customers/{name}/{path}")
            assert answer.status_code == 200, answer.text
            found[f"{name}/{path}"] = alike(answer.text, vendor.tenant_id)
    for query in ("ashe", "woo", "ben", "zammad"):
        answer = await vendor.get("/v1/customers", query=query)
        found[f"?{query}"] = sorted(row["customer_id"] for row in answer.json()["data"])
    assert (await vendor.ok(await vendor.get("/v1/audit")))["data"] == []
    return found


@pytest.mark.parametrize("policy", ["shopp", "cs-cart"])
async def test_together_and_apart_leave_the_same(app: FastAPI, vendor: MakeVendor, tmp_path: Path, policy: str) -> None:
    db = app.state.house.database
    lines, then = FIRST, THEN
    if policy == "shopp":  # which has several kinds of credits
        lines, then = (
            [{**line, "credit_type": "priority"} if line["kind"] == "lot" else line for line in part]
            for part in (FIRST, THEN)
        )
    stood = []
    for way in (apart, together):
        made = await vendor(policy)
        old = await made.put("/v1/customers/old", {})
        assert old.status_code == 201, old.text
        states = []
        first = await way(db, made.tenant_id, staged_rows(lines, tmp_path))
        states.append(Counter((outcome.number, outcome.state) for outcome in first))
        await made.ok(await made.post("/v1/customers/old/merge", {"into_customer_id": "eve"}, key="merge-old"))
        second = await way(db, made.tenant_id, staged_rows(then, tmp_path))
        states.append(Counter((outcome.number, outcome.state) for outcome in second))
        names = ["plain", "ann", "ben", "dan", "eve", "fay"]
        stood.append((states, await left(made, names)))
    assert stood[0][0] == stood[1][0]
    bad = [[number for number, state in states if state == "bad"] for states in stood[0][0]]
    assert bad == [[8], []]  # another one's id in a shop
    for name, value in stood[0][1].items():
        assert value == stood[1][1][name], name


async def test_a_check_says_of_many_what_it_says_of_one_and_writes_nothing(
    app: FastAPI, vendor: MakeVendor, tmp_path: Path
) -> None:
    db, made = app.state.house.database, await vendor("cs-cart")
    customers = staged_rows(FIRST, tmp_path)
    found = await db.run(
        made.tenant_id, lambda tx: imports.bring_chunk(tx, chunk=customers), actor="import", validate_only=True
    )
    assert [outcome for outcome in found if outcome.state != "new"] == []
    assert len(found) == len(FIRST)
    assert (await made.get("/v1/customers", query="a")).json()["data"] == []


async def test_two_hundred_customers_ask_the_database_as_seldom_as_one(
    app: FastAPI, vendor: MakeVendor, tmp_path: Path
) -> None:
    db, made = app.state.house.database, await vendor("cs-cart")
    lines: list[dict[str, Any]] = []
    for number in range(200):
        name = f"n{number}"
        lines.append({"kind": "customer", "customer_id": name, "name": f"Name {number}", "external_ids": {"woo": name}})
        lot = {"kind": "lot", "customer_id": name, "import_id": f"lot-{number}", "credits": 10}
        lines.append({**lot, "granted_at": "2024-06-01T00:00:00Z"})
    customers = staged_rows(lines, tmp_path)
    for state in ("new", "there"):
        with sent(db) as found:
            outcomes = await together(db, made.tenant_id, customers)
        assert {outcome.state for outcome in outcomes} == {state}
        assert len(found) <= STATEMENTS, found
