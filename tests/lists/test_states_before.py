"""Rows of before the migration have their states."""

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
