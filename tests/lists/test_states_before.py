"""Rows of before the migration have their states, and those that the version before writes meanwhile, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from app.commands.migrate import downgrade, upgrade
from app.main import create_app
from tests.lists.test_order_states import every, order_states
from tests.lists.test_sorts_and_cursors import held_states
from tests.support.api import START, Vendor, client_of, make_vendor, running, settings_for
from tests.support.databases import connect

BEFORE = "0039"
LISTS = ("/v1/orders", "/v1/refunds", "/v1/holds")


@pytest_asyncio.fixture
async def old(module_url: str) -> AsyncIterator[tuple[Vendor, Vendor, dict[str, Any]]]:
    """A tenant with orders and one with holds, whose states went with the way down and came with the way up."""
    async with running(create_app(settings_for(module_url))) as app:

        async def make(policy: str = "x-cart", now: str | None = START, tenant_id: str | None = None) -> Vendor:
            return await make_vendor(app, policy, now, tenant_id)

        made = [await order_states(make), await held_states(make)]
        before = {path: [await every(one, path) for one in made] for path in LISTS}
        for one in made:
            await one.close()
    await asyncio.to_thread(downgrade, module_url, BEFORE)
    await asyncio.to_thread(upgrade, module_url)
    async with running(create_app(settings_for(module_url))) as app:
        orders, holds = (Vendor(one.tenant_id, one.policy, one.key, client_of(app, one.key), app) for one in made)
        yield orders, holds, before
        for one in (orders, holds):
            await one.close()


async def test_rows_of_before_are_found_by_their_states(old: tuple[Vendor, Vendor, dict[str, Any]]) -> None:
    *made, before = old
    for path in LISTS:
        for one, rows in zip(made, before[path], strict=True):
            assert await every(one, path) == rows
            for name in {"state", "payment_state"} & set(rows[0] if rows else ()):
                for state in {row[name] for row in rows}:
                    assert await every(one, path, **{name: state}) == [row for row in rows if row[name] == state]
    for one in made:
        assert (await one.ok(await one.get("/v1/audit")))["data"] == []


async def test_what_the_version_before_writes_is_in_its_state(
    old: tuple[Vendor, Vendor, dict[str, Any]], module_url: str
) -> None:
    """It names no state, so triggers do: the statements are those of that version."""
    orders, holds, _ = old
    owner = await connect(module_url)
    await owner.execute("select set_config('app.tenant', $1, false)", holds.tenant_id)
    rows = await owner.fetch(
        "select hold_id, credits from hold where tenant_id = $1 and closed_at is null order by hold_id", holds.tenant_id
    )
    captured, released, taken = (row["hold_id"] for row in rows[:3])
    for hold, column in ((captured, "captured"), (released, "released"), (taken, "captured")):
        await owner.execute(
            "with l as (update hold_line set captured = captured, released = released, refunded = refunded,"
            f" {column} = credits where tenant_id = $1 and hold_id = $2)"
            " update hold set closed_at = now(), customer_id = customer_id, credits = credits"
            " where tenant_id = $1 and hold_id = $2".replace(f"{column} = {column}, ", ""),
            holds.tenant_id,
            hold,
        )
    await owner.execute("update hold_line set refunded = captured where hold_id = $1", taken)
    await owner.execute(
        "insert into hold (tenant_id, hold_id, customer_id, credit_type, kind, credits, created_at, closed_at)"
        " select tenant_id, hold_id || 'x', customer_id, credit_type, kind, credits, created_at, closed_at from hold"
        " where tenant_id = $1 and hold_id = any($2)",
        holds.tenant_id,
        [captured, rows[3]["hold_id"]],
    )
    found = await owner.fetch(
        "select hold_id, state from hold where tenant_id = $1 and hold_id = any($2)",
        holds.tenant_id,
        [captured, released, taken, f"{captured}x", f"{rows[3]['hold_id']}x"],
    )
    assert dict(found) == {
        captured: "captured",
        released: "released",
        taken: "refunded",
        f"{captured}x": "captured",
        f"{rows[3]['hold_id']}x": "open",
    }
    await owner.execute("select set_config('app.tenant', $1, false)", orders.tenant_id)
    await owner.execute("delete from order_refund where order_id = 'w1'")
    await owner.execute(
        "update purchase_order set lines = jsonb_set(lines, '{1,quantity}', '0'::jsonb) where order_id = 'p1'"
    )
    await owner.close()
    (paid,) = [row for row in await every(orders, "/v1/orders", payment_state="paid") if row["order_id"] == "w1"]
    assert paid["payment_state"] == "paid"
    assert "p1" in [row["order_id"] for row in await every(orders, "/v1/orders", payment_state="refunded")]
