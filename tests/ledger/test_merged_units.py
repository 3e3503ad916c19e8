"""Units refunded while their credits were in use, on accounts that are merged: what comes back first is taken first."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db.engine import Database
from tests.conftest import MakeVendor
from tests.support.api import START, Vendor

UNITS = 3
PACK = 60
USED = {"first": 100, "second": 70}


async def _with_units_in_use(made: Vendor, *, spent: str | None = None) -> dict[str, str]:
    """Three packs on one line: 100 and 70 credits of 180 are held, or one of them spent; two packs are refunded."""
    line = {"line_id": "1", "sku": f"credits-{PACK}", "quantity": UNITS, "unit_price": "9.00"}
    order = {"customer_id": "ann", "placed_at": START, "currency": "USD", "lines": [line]}
    await made.ok(await made.put("/v1/orders/packs", order), 201)
    found = {}
    for name, used in USED.items():
        hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": used}, key=name), 201)
        found[name] = hold["hold_id"]
    if spent is not None:
        await made.ok(await made.post(f"/v1/holds/{found[spent]}/capture", {}, key="capture"))
    refund = {"refund_id": "two", "lines": [{"line_id": "1", "quantity": 2}]}
    await made.ok(await made.post("/v1/orders/packs/refunds", refund), 201)
    return found


async def _merged(made: Vendor) -> None:
    await made.ok(await made.post("/v1/customers/ann/merge", {"into_customer_id": "bob"}, key="merge"))


async def _available(made: Vendor) -> int:
    return int((await made.ok(await made.get("/v1/customers/ann/balance")))["available"])


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("first", ["first", "second"])
async def test_held_credits_that_come_back_first_are_taken_first(vendor: MakeVendor, merged: bool, first: str) -> None:
    made = await vendor("x-cart")
    holds = await _with_units_in_use(made)
    if merged:
        await _merged(made)
    kept = "second" if first == "first" else "first"
    await made.ok(await made.post(f"/v1/holds/{holds[first]}/release", {}, key="back"))
    assert await _available(made) == max(USED[first] - 110, 0)
    await made.ok(await made.post(f"/v1/holds/{holds[kept]}/capture", {}, key="spent"))
    assert await _available(made) == max(USED[first] - 110, 0)
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("later", ["capture", "release"])
async def test_spent_credits_that_come_back_first_are_taken_first(vendor: MakeVendor, merged: bool, later: str) -> None:
    """100 of 180 credits are spent and 70 held when 120 are refunded: 10 are taken at once, 110 as they come back."""
    made = await vendor("x-cart")
    holds = await _with_units_in_use(made, spent="first")
    if merged:
        await _merged(made)
    if later == "capture":
        await made.ok(await made.post(f"/v1/holds/{holds['second']}/capture", {}, key="spent"))
    await made.ok(await made.post(f"/v1/holds/{holds['first']}/refund", {}, key="back"))
    assert await _available(made) == 0
    if later == "release":
        await made.ok(await made.post(f"/v1/holds/{holds['second']}/release", {}, key="freed"))
        assert await _available(made) == 60
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_the_audit_sees_usable_credits_of_a_claimed_unit(vendor: MakeVendor, db: Database) -> None:
    """The claim lies with what was spent before the merge; what is available is with the heir."""
    made = await vendor("x-cart")
    holds = await _with_units_in_use(made, spent="first")
    await _merged(made)
    await made.ok(await made.post(f"/v1/holds/{holds['first']}/refund", {"credits": 50}, key="back"))
    await made.ok(await made.post(f"/v1/holds/{holds['second']}/release", {}, key="freed"))
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []
    async with db.transaction(made.tenant_id) as tx:
        claim = '\'{"claim": {"credits": 5, "reason": "r", "clause": null, "order_id": null}}\''
        await tx.connection.execute(text(f"update lot set data = data || {claim} where spent > 0"))
    found = (await made.ok(await made.get("/v1/audit")))["data"]
    assert "no_usable_credit_in_a_refunded_unit" in {row["invariant"] for row in found}
