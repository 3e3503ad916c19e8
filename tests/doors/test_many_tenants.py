"""Many tenants that have nothing to do: no statement a tenant, and a scrape that waits for none of them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from fastapi import FastAPI

from app.db import due
from app.db.engine import Database, Tx
from app.usecases.reports import figures
from app.worker import run_worker
from tests.conftest import MakeVendor
from tests.support.databases import execute
from tests.support.statements import sent

TENANTS = 12


async def quiet(db: Database) -> None:
    """Until the worker has looked at every tenant, and has found nothing for a while."""
    nothing = 0
    async with asyncio.timeout(60):
        while nothing < 10:
            nothing = 0 if await due.anything(db) else nothing + 1
            await asyncio.sleep(0.15)


async def test_idle_tenants_cost_one_question_for_all_of_them(app: FastAPI, db: Database, vendor: MakeVendor) -> None:
    """Five questions a second, however many tenants there are; nothing begins for a tenant that has nothing to do."""
    for _ in range(TENANTS):
        await vendor("x-cart", now=None)
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(db, {}, stop))
    try:
        await quiet(db)
        with sent(db) as found:
            await asyncio.sleep(2.0)
    finally:
        stop.set()
        await task
    asked = [statement for statement in found if "retainer_due" in statement]
    assert 1 <= len(asked) <= 11
    assert [statement for statement in found if "retainer_due" not in statement] == []


async def test_a_commit_wakes_the_worker_and_one_process_has_a_tenant(db: Database, vendor: MakeVendor) -> None:
    made = await vendor("x-cart", now=None)
    await made.ok(await made.post("/v1/customers/ann/adjustments", {"credits": 5, "reason": "r"}), 201)
    turns = [turn for turn in await due.claim(db, 100) if turn.tenant_id == made.tenant_id]
    assert [turn.kinds >= {due.EVENTS} for turn in turns] == [True]
    await made.ok(await made.post("/v1/customers/ann/adjustments", {"credits": 5, "reason": "r"}), 201)
    again = [turn for turn in await due.claim(db, 100) if turn.tenant_id == made.tenant_id]
    assert again == [], "the tenant is taken, whatever else falls due of it"
    await due.put_back(db, turns[0], turns[0].kinds, pause=due.timedelta(0))
    third = [turn for turn in await due.claim(db, 100) if turn.tenant_id == made.tenant_id]
    assert [turn.kinds >= {due.EVENTS} for turn in third] == [True], "what was not done is due again"


async def test_the_tenant_of_a_process_that_died_is_looked_at_as_a_whole(
    db: Database, vendor: MakeVendor, module_url: str
) -> None:
    made = await vendor("x-cart", now=None)
    await made.ok(await made.post("/v1/customers/ann/adjustments", {"credits": 5, "reason": "r"}), 201)
    claimed = await due.claim(db, 100, lease=due.timedelta(seconds=0.2))
    assert made.tenant_id in {turn.tenant_id for turn in claimed}
    assert (await made.ok(await made.get("/v1/audit")))["data"] == [], "the turn says when the tenant comes up again"
    await asyncio.sleep(0.3)
    turns = [turn for turn in await due.claim(db, 100) if turn.tenant_id == made.tenant_id]
    assert [turn.kinds for turn in turns] == [frozenset()], "no kind: everything"
    await execute(module_url, f"delete from due where tenant_id = '{made.tenant_id}'")
    told = (await made.ok(await made.get("/v1/audit")))["data"]
    assert {row["invariant"] for row in told} == {"what_is_due_is_known"}
    assert "events" in {row["subject"] for row in told}


async def test_a_transaction_that_is_still_open_is_not_taken_for_done(db: Database, vendor: MakeVendor) -> None:
    """A worker that looks while somebody writes leaves the mark of it to the next look."""
    made = await vendor("x-cart", now=None)
    await due.claim(db, 100)

    async with db.transaction(made.tenant_id) as tx:
        await due.mark(tx, due.EVENTS)
        for turn in [it for it in await due.claim(db, 100) if it.tenant_id == made.tenant_id]:
            await db.run(made.tenant_id, lambda other, turn=turn: settled(other, turn))
    await execute_all_turns_over(db, made.tenant_id)
    turns = [turn for turn in await due.claim(db, 100) if turn.tenant_id == made.tenant_id]
    assert [due.EVENTS in turn.kinds for turn in turns] == [True]


async def settled(tx: Tx, turn: due.Turn) -> None:
    await due.end_turn(tx, turn, pause=due.timedelta(0), rest=due.timedelta(0))


async def execute_all_turns_over(db: Database, tenant_id: str) -> None:
    """As if every turn of the tenant were over."""

    async def over(tx: Tx) -> None:
        await tx.rows(due.text("delete from due where tenant_id = :t and kind = 'turn' returning 1"), {"t": tenant_id})

    await db.run(tenant_id, over)


async def test_a_scrape_waits_for_no_tenant_where_there_are_many(
    db: Database, vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "FEW", 0)
    await vendor("x-cart", now=None)

    async def slow(_: Tx) -> Any:
        await asyncio.sleep(0.5)
        return figures.figures.TenantFigures(parked=1)

    monkeypatch.setattr(figures.figures, "of_tenant", slow)
    watch = figures.Watch()
    began = time.monotonic()
    await watch.look(db)
    assert time.monotonic() - began < 0.4, "half a second a tenant"
    await asyncio.wait({watch._round}, timeout=60)  # type: ignore[arg-type]
    await watch.look(db)
    told = {name: value for name, _, _, value in watch.sample()}
    assert told["retainer_deliveries_parked"] >= 1
    await watch.close()
