"""Orders and refunds that stand alone do and answer what a fold over all orders of the customer does."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from tests.conftest import MakeVendor
from tests.support.api import START, Vendor
from tests.support.both_ways import both_ways

STEPS: Final = 28
GOODS: Final = {
    "x-cart": ["license", "credits-60", "credits-120", "unknown"],
    "cs-cart": ["license", "credits-25", "support-1-months"],
    "avactis": ["license-leased", "license-owned", "credits-50"],
    "shopp": ["license", "credit-priority", "addon"],
    "cactushop": ["license-standard", "support-12-months", "license-pro"],
}


async def _order(made: Vendor, dice: random.Random, policy: str, name: str, placed: datetime) -> Any:
    lines = []
    for n in range(dice.randint(1, 3)):
        line: dict[str, Any] = {
            "line_id": str(n),
            "sku": dice.choice(GOODS[policy]),
            "quantity": dice.choice([1, 1, 3]),
        }
        if dice.random() < 0.4:
            line |= {"unit_price": "30.00", "list_price": dice.choice(["30.00", "90.00"])}
        if line["sku"] == "addon":
            line["attributes"] = {"addon": "x"}
        lines.append(line)
    order = {"customer_id": "ann", "placed_at": placed.isoformat(), "currency": "USD", "lines": lines}
    return await made.put(f"/v1/orders/{name}", order)


async def _refund(made: Vendor, dice: random.Random, name: str, n: int) -> Any:
    lines = dice.choice([[], [{"line_id": "0", "quantity": 1}]])
    return await made.post(f"/v1/orders/{name}/refunds", {"refund_id": f"r{n}", "lines": lines, "reason": "r"})


@pytest.mark.parametrize("policy", GOODS)
@pytest.mark.parametrize("seed", [1, 2])
async def test_histories_of_orders(vendor: MakeVendor, policy: str, seed: int) -> None:
    dice, made = random.Random(seed), await vendor(policy)
    now = datetime.fromisoformat(START)
    orders: list[str] = []
    with both_ways() as seen:
        for n in range(STEPS):
            match dice.randrange(8):
                case 0 | 1 | 2 | 3:
                    placed = now - timedelta(days=dice.choice([0, 0, 0, 0, 3, 20]))
                    orders.append(dice.choice([f"o{n}", f"{n}"]))
                    answer = await _order(made, dice, policy, orders[-1], placed)
                case 4 | 5 if orders:
                    answer = await _refund(made, dice, dice.choice(orders), n)
                case 6:
                    answer = await made.post("/v1/customers/ann/debits", {"credits": dice.choice([1, 15])})
                case _:
                    now += timedelta(days=dice.choice([1, 4]))
                    await made.move_clock(now.isoformat())
                    continue
            assert answer.status_code < 500, answer.text
            if orders:
                await made.get(f"/v1/orders/{dice.choice(orders)}")
    assert not seen.differences, seen.differences[0][:6_000]
    assert seen.compared >= STEPS // 2
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []
