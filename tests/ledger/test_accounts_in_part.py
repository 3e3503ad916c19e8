"""Accounts with more lots than a call reads: every call, in part and whole, does and answers the same."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.db.account import accounts
from app.db.engine import Database
from app.db.ledger import window
from app.domain.ledger.journal import spending_key
from tests.conftest import MakeVendor
from tests.support.api import START, Vendor
from tests.support.both_ways import Seen, both_ways

LOTS: Final = 80
STEPS: Final = 35
PRICED: Final = {"x-cart": ("level_1", "level_2", "level_3"), "avactis": ("general", "features", "patching")}


async def _filled(made: Vendor, dice: random.Random, policy: str, now: datetime) -> None:
    """An account with many small lots that end at different times, some of them bought."""
    commands: list[dict[str, Any]] = []
    for n in range(LOTS):
        ends = dice.choice([None, 2, 2, 5, 9, 30])
        command = {"kind": "adjust", "customer_id": "ann", "credits": dice.randint(1, 4), "reason": "r"}
        if ends is not None:
            command["expires_at"] = (now + timedelta(days=ends, seconds=dice.choice([0, n]))).isoformat()
        commands.append({"idempotency_key": f"fill-{n}", **command})
    await made.ok(await made.post("/v1/credit-batches", {"commands": commands}))
    skus = ["license-owned" if policy == "avactis" else "license", *["credits-60"] * 3]
    lines = [{"line_id": str(n), "sku": sku, "unit_price": "9.00"} for n, sku in enumerate(skus)]
    order = {"customer_id": "ann", "placed_at": now.isoformat(), "currency": "USD", "lines": lines}
    await made.ok(await made.put("/v1/orders/first", order), 201)


async def _step(made: Vendor, dice: random.Random, policy: str, n: int, held: list[str], tickets: list[str]) -> Any:
    """Something that somebody does with the account, allowed or not."""
    categories = PRICED[policy]
    ticket = dice.choice(tickets) if tickets else "none"
    hold = dice.choice(held) if held else "none"
    match dice.randrange(12):
        case 0 | 1:
            return await made.post("/v1/customers/ann/debits", {"credits": dice.choice([1, 3, 20, 150])})
        case 2:
            return await made.post("/v1/customers/ann/holds", {"credits": dice.choice([1, 5, 30])})
        case 3 | 4:
            verb = dice.choice(["capture", "release", "refund"])
            body = {"credits": dice.randint(1, 3), **({"final": False} if verb == "capture" else {})}
            return await made.post(f"/v1/holds/{hold}/{verb}", body)
        case 5:
            body = {"credits": -dice.randint(1, 5), "reason": "r"}
            return await made.post("/v1/customers/ann/adjustments", body)
        case 6 | 7:
            tickets.append(f"t{n}")
            body = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "category": dice.choice(categories)}
            return await made.put(f"/v1/tickets/t{n}", body)
        case 8:
            return await made.post(f"/v1/tickets/{ticket}/assessments", {"category": dice.choice(categories)})
        case 9:
            cause = dice.choice(["software_bug", "settings"])
            return await made.post(f"/v1/tickets/{ticket}/resolution", {"outcome": "answered", "cause": cause})
        case 10:
            return await made.post(f"/v1/tickets/{ticket}/{dice.choice(['withdrawal', 'reopening'])}", None)
        case _:
            lines = [{"line_id": "1", "sku": "credits-60"}]
            order = {"customer_id": "ann", "placed_at": START, "currency": "USD", "lines": lines}
            return await made.put(f"/v1/orders/o{n}", order)


@pytest.mark.parametrize("policy", PRICED)
@pytest.mark.parametrize("seed", [1, 2])
async def test_histories_of_large_accounts(vendor: MakeVendor, policy: str, seed: int) -> None:
    dice, made = random.Random(seed), await vendor(policy)
    now = datetime.fromisoformat(START)
    held: list[str] = []
    tickets: list[str] = []
    with both_ways() as seen:
        await _filled(made, dice, policy, now)
        for n in range(STEPS):
            answer = await _step(made, dice, policy, n, held, tickets)
            assert answer.status_code < 500, answer.text
            if answer.status_code == 201 and "hold_id" in answer.json():
                held.append(answer.json()["hold_id"])
            for path in ("", "/entitlements/open_ticket", "/balance", "/statement"):
                await made.ok(await made.get(f"/v1/customers/ann{path}"))
            await made.ok(await made.get("/v1/offers?customer_id=ann"))
            if tickets:
                await made.get(f"/v1/tickets/{dice.choice(tickets)}")
            if dice.random() < 0.12:
                now += timedelta(days=dice.choice([1, 2, 4]))
                await made.move_clock(now.isoformat())
    _same(seen)
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


def _same(seen: Seen) -> None:
    assert not seen.differences, seen.differences[0][:4_000]
    assert seen.compared > 2 * STEPS
    assert seen.apart < seen.compared / 10


async def test_the_order_of_reading_is_the_order_of_spending(app: FastAPI, vendor: MakeVendor, db: Database) -> None:
    made, dice = await vendor("avactis"), random.Random(5)
    await _filled(made, dice, "avactis", datetime.fromisoformat(START))
    async with db.transaction(made.tenant_id) as tx:
        varied = text(
            "update lot set priority = (random() * 2)::integer,"
            " scope = case when random() < 0.3 then 'license' else scope end,"
            " cost_amount = case when random() < 0.3 then 0 when random() < 0.5 then 5 end, cost_currency = 'USD',"
            " effective_at = effective_at + (random() * 3)::integer * interval '1 day' where tenant_id = :tenant"
        )
        await tx.execute(varied, {"tenant": made.tenant_id})
        account = await accounts.load(tx, "ann")
        lots = {str(lot.lot_id): lot for lot in account.ledger.lots.values() if lot.available}
        found = await tx.rows(
            text(f"select lot_id from lot where tenant_id = :tenant and is_open order by {window.SPENT_FIRST}"),
            {"tenant": made.tenant_id},
        )
        assert len(lots) > window.LOTS_MAX
        assert [row.lot_id for row in found] == sorted(lots, key=lambda name: spending_key(lots[name]))
