"""Refunds of units whose credits ran out: each such unit is reported once, and the ledger says nothing is wrong.

Units that a shop adds to a line later are a lot of their own. So one line may have several.
"""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.inbound.test_changed_orders import a_shop, deliver, line
from tests.inbound.test_queued_periods import sound, told_of


@pytest.mark.parametrize("refunds", [(1, 2), (1, 1, 1), (2, 2)])
@pytest.mark.parametrize(("sku", "each"), [("credits-60", 60), ("credits-300", 300)])
async def test_units_that_ran_out_are_reported_once(
    app: FastAPI, vendor: MakeVendor, sku: str, each: int, refunds: tuple[int, ...]
) -> None:
    tenant, token = await a_shop(vendor, "x-cart")
    placed = "2022-09-02T00:00:00Z"
    license_ = told_of("l", 1, "1", line(1, "license", 1), placed=placed)
    told = [told_of("a", step, "1", line(1, sku, units), placed=placed) for step, units in ((2, 3), (3, 4))]
    await deliver(app, tenant, token, [license_, *told], each=True)
    shown = await tenant.ok(await tenant.get("/v1/orders/shop:a"))
    assert sorted(lot["expired_credits"] for lot in shown["lots"]) == [each, 3 * each]
    reported: dict[str, int] = {}
    for number, units in enumerate(refunds):
        body = {"refund_id": f"r{number}", "lines": [{"line_id": "1", "quantity": units}]}
        answer = await tenant.ok(await tenant.post("/v1/orders/shop:a/refunds", body), 201)
        assert answer["taken_back"] == []
        assert sum(row["expired"] for row in answer["not_taken_back"]) == units * each
        for row in answer["not_taken_back"]:
            reported[row["lot_id"]] = reported.get(row["lot_id"], 0) + row["expired"]
    assert all(reported.get(lot["lot_id"], 0) <= lot["expired_credits"] for lot in shown["lots"]), reported
    await sound(tenant)
