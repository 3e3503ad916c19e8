"""The audit sees what it promises to see, `verify-ledger` too, and the journal cannot be changed."""

from __future__ import annotations

import uuid

import asyncpg
import pytest
import pytest_asyncio

from app.commands.verify_ledger import verify
from app.db.engine import Database
from app.usecases import audit, tenants
from app.usecases.credits import CreditCommand, apply
from tests.support.databases import connect


@pytest_asyncio.fixture
async def tenant(db: Database) -> str:
    name = f"audit-{uuid.uuid4().hex[:8]}"
    async with db.founding(name, actor="test") as tx:
        await tenants.put(tx, policy="avactis", mode="real", now=None)
    commands = [
        CreditCommand(kind="adjust", customer_id="ann", credits=10, reason="r", key=f"{name}-1"),
        CreditCommand(kind="adjust", customer_id="ann", credits=5, reason="r", key=f"{name}-2"),
        CreditCommand(kind="debit", customer_id="ann", credits=4, key=f"{name}-3"),
        CreditCommand(kind="hold", customer_id="ann", credits=3, key=f"{name}-4"),
    ]
    results = await db.run(name, lambda tx: apply(tx, commands))
    assert all(one.error is None for one in results)
    return name


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (
            "update account set available = available + 1, granted = granted + 1",
            {"account_is_sum_of_lots", "replay_account"},
        ),
        ("update account set version = version + 1", {"account_versions_have_no_gap", "replay_account"}),
        (
            "update lot set available = available + 1, spent = spent - 1 where spent > 0",
            {"lot_is_replay_of_entries", "replay_lot"},
        ),
        ("update hold_line set released = 1 where captured = 0", {"hold_line_is_replay_of_entries"}),
        ("update hold set closed_at = now() where closed_at is null", {"hold_is_sum_of_lines"}),
        ("update lot set is_open = not is_open", {"lot_identity"}),
        ("update lot set expires_at = effective_at - interval '1 day'", {"nothing_spent_from_a_dead_lot"}),
        ('update lot set data = \'{"refunded": "5.00"}\'', {"money_back_within_cost"}),
        ("delete from account", {"lot_without_account"}),
    ],
)
async def test_every_broken_invariant_is_seen(
    db: Database, module_url: str, tenant: str, change: str, seen: set[str]
) -> None:
    assert (await db.read(tenant, audit.audit))["data"] == []
    owner = await connect(module_url)
    word = "and" if " where " in change else "where"
    async with owner.transaction():
        await owner.execute("select set_config('app.tenant', $1, true)", tenant)
        await owner.execute(f"{change} {word} tenant_id = '{tenant}'")
    found = {one["invariant"] for one in (await db.read(tenant, audit.recompute))[1]}
    assert seen <= found
    customers, differences = (await verify(module_url, [tenant]))[tenant]
    assert customers == 1
    assert differences
    async with owner.transaction():  # tidy for the other cases, which share the database
        await owner.execute("select set_config('app.tenant', $1, true)", tenant)
    await owner.close()


@pytest.mark.parametrize("table", ["entry", "operation"])
async def test_the_journal_is_never_changed(module_url: str, tenant: str, table: str) -> None:
    owner = await connect(module_url)
    try:
        for statement in (f"update {table} set tenant_id = tenant_id", f"delete from {table}"):
            await owner.execute("select set_config('app.tenant', $1, false)", tenant)
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute(statement)
    finally:
        await owner.close()
