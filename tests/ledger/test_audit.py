"""The audit sees what it promises to see, `verify-ledger` too, and the journal cannot be changed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.commands.verify_ledger import verify
from app.db.account.audit import ACCOUNTS
from app.db.engine import Database
from app.db.ledger import strays
from app.db.ledger.invariants import CHECKED, CLOCK_STATES, PLAN_ENDS, PROMISED, QUEUES, RECURRING, WORK_CHARGED
from app.usecases.reports import audit
from tests.conftest import MakeVendor
from tests.ledger.life_corruptions import OF_LIVES
from tests.support.api import Vendor, make_vendor
from tests.support.databases import connect
from tests.tickets.desk import act, open_ticket, order

DEAD = "effective_at - interval '1 day'"
LAST = "(select max(operation_id) from operation where tenant_id = '{tenant}' and kind = '%s')"
CORRUPTIONS: list[tuple[int, str, set[str]]] = [
    (1, "update lot set is_open = not is_open", {"lot_identity"}),
    (1, "update lot set expired = expired + 1", {"lot_identity", "account_is_sum_of_lots"}),
    (
        2,
        "update account set available = available + 1, granted = granted + 1",
        {"account_is_sum_of_lots", "replay_account"},
    ),
    (2, "delete from account", {"lot_without_account"}),
    (
        3,
        "update lot set available = available + 1, spent = spent - 1 where spent > 0",
        {"lot_is_replay_of_entries", "replay_lot"},
    ),
    (3, "update account set owed = owed + 1, voided = voided + 1", {"owed_is_replay_of_entries"}),
    (3, f"delete from entry where operation_id = {LAST % 'debit'}", {"operation_has_entries"}),
    (3, f"delete from operation where operation_id = {LAST % 'debit'}", {"entry_has_operation"}),
    (
        4,
        "update hold_line set released = released + 1 where captured = 0",
        {"hold_line_is_replay_of_entries", "lot_held_and_spent_are_hold_lines", "replay_hold_line"},
    ),
    (4, "update hold set closed_at = now() where closed_at is null", {"hold_is_sum_of_lines"}),
    (
        5,
        (
            "update operation set command_id = (select min(command_id) from operation where kind = 'debit'"
            " and tenant_id = '{tenant}') where kind = 'debit'"
        ),
        {"one_effect_a_key"},
    ),
    (5, f"delete from operation where operation_id = {LAST % 'hold'}", {"an_acknowledged_command_has_its_effect"}),
    (27, "update hold set state = 'released' where state <> 'released'", {"a_hold_stands_as_its_lines_say"}),
    (6, f"update lot set expires_at = {DEAD}", {"nothing_spent_from_a_dead_lot"}),
    (6, "update entry set source = 'expired', target = 'available' where source = 'spent'", {"nothing_is_revived"}),
    (
        6,
        (
            "update lot set expires_at = (select min(effective_at) from operation o where o.kind = 'refund'"
            " and o.tenant_id = lot.tenant_id)"
        ),
        {"nothing_is_revived"},
    ),
    (
        6,
        "update operation set kind = 'reinstate', reason = 'payment_dispute' where kind = 'refund'",
        {"only_what_a_dispute_took_is_reinstated"},
    ),
    (6, "update account set next_expiry = null", {"expiry_is_known"}),
    (7, "update hold_line set captured = 1 where line_no = 2 and captured = 0", {"spending_is_a_prefix"}),
    (7, "update lot set priority = 9 where expires_at is not null", {"replay_order_of_spending"}),
    (
        7,
        (
            "update entry set lot_id = (select lot_id from lot where tenant_id = '{tenant}' and expires_at is not null"
            " and spent > 0 limit 1) where source = 'spent'"
        ),
        {"replay_order_of_return"},
    ),
    (8, "update command set status = 409 where kind = 'debit'", {"a_refused_command_leaves_no_trace"}),
    (8, "delete from command where kind = 'debit'", {"a_refused_command_leaves_no_trace"}),
    (9, "update account set granted = granted + 1", {"account_identity"}),
    (9, "update account set owed = 1, voided = voided + 1 where available > 0", {"owed_and_available_never_both"}),
    (9, "update entry set credits = credits + 1000 where source = 'available'", {"replay_negative_at"}),
    (10, "update account set version = version + 1", {"account_versions_have_no_gap", "replay_account"}),
    (10, "update operation set account_version = account_version + 5 where account_version > 2", {"replay_version"}),
    (
        10,
        "update operation set recorded_at = recorded_at - interval '1 minute' where account_version = 3",
        {"versions_are_in_order_of_time"},
    ),
    (11, "update lot set order_id = 'o', line_id = '1', rule = 'r', unit_no = 1", {"one_grant_a_unit"}),
    (
        12,
        "update cover set starts_at = '2025-01-01', ends_at = '2025-12-01', state = 'running'",
        {"covers_do_not_overlap", "covers_keep_their_days"},
    ),
    (12, "update cover set ends_at = ends_at + interval '1 second'", {"covers_keep_their_days"}),
    (
        12,
        (
            "update entity_event set payload = jsonb_set(payload, '{cover,ends_at}', '\"2027-01-01T00:00:00Z\"')"
            " where stream = 'cover' and kind = 'resumed'"
        ),
        {"covers_keep_their_days"},
    ),
    (12, "update cover set suspended_seconds = suspended_seconds + 86400", {"covers_keep_their_days"}),
    (13, "update hold_line set refunded = captured + 1", {"ticket_refunds_within_captures"}),
    (14, 'update lot set data = \'{"refunded": "5.00"}\'', {"money_back_within_cost"}),
]


@pytest_asyncio.fixture(scope="module")
async def shop(app: FastAPI) -> AsyncIterator[Vendor]:
    """A tenant that has done a little of everything: debits over two lots, one returned in part; a hold over two; a
    refused command; a period suspended and resumed, another running after it."""
    made = await make_vendor(app, "cs-cart")
    bought = await order(made, "ann", "license", "support-1-months", "support-1-months")
    back = await order(made, "ann", "support-1-months")
    await made.ok(await made.post(f"/v1/orders/{back['order_id']}/refunds", {"refund_id": "r"}), 201)
    other = await order(made, "ray", "license")
    await made.ok(await made.post(f"/v1/orders/{other['order_id']}/refunds", {"refund_id": "r"}), 201)
    choice = bought["choices"][0]["choice_id"]
    await made.ok(await made.post(f"/v1/customers/ann/choices/{choice}", {"option": "credits"}))
    await grant(made, 10, "2025-12-01T00:00:00Z")
    await grant(made, 40, None)
    await open_ticket(made, "ann", category="category_1", pay_with="cover", agreed_up_to=20)
    shown = await made.ok(await made.get("/v1/customers/ann"))
    (cover,) = [one for one in shown["covers"] if one["state"] == "running"]
    for day, verb in ((10, "suspension"), (15, "resumption")):
        await made.move_clock(f"2025-01-{day}T00:00:00Z")
        await made.ok(await made.post(f"/v1/covers/{cover['cover_id']}/{verb}"))
    await made.move_clock("2025-03-01T00:00:00Z")
    await open_ticket(made, "ann", category="category_1", pay_with="cover", agreed_up_to=20)
    await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 8, "ticket_id": "T-9"}), 201)
    both = await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 6, "ticket_id": "T-9"}), 201)
    await made.ok(await made.post(f"/v1/holds/{both['hold_id']}/refund", {"credits": 2}))
    await grant(made, 3, "2025-11-01T00:00:00Z")
    await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 5}), 201)
    await grant(made, 2, "2025-11-02T00:00:00Z")
    assert (await made.post("/v1/customers/ann/debits", {"credits": 500})).status_code == 409
    yield made
    await made.close()


async def grant(made: Vendor, credits: int, ends: str | None) -> None:
    body = {"credits": credits, "reason": "r", **({} if ends is None else {"expires_at": ends})}
    await made.ok(await made.post("/v1/customers/ann/adjustments", body), 201)


async def corrupt(execute: Callable[[str], Awaitable[Any]], tenant: str, change: str) -> None:
    """Changes rows as their owner, past every guard that the database has against it."""
    table = change.split()[1 if change.startswith("update") else 2]
    await execute(
        f"do $$ declare name text; begin for name in select conname from pg_constraint"
        f" where conrelid = '{table}'::regclass and contype in ('c', 'u', 'f')"
        f" loop execute format('alter table {table} drop constraint %I', name); end loop; end $$"
    )
    await execute(
        f"do $$ declare name text; begin for name in select indexrelid::regclass::text from pg_index"
        f" where indrelid = '{table}'::regclass and indisunique and not indisprimary"
        f" loop execute format('drop index %s', name); end loop; end $$"
    )
    await execute(f"alter table {table} disable trigger user")
    outside = change
    while (inner := re.sub(r"\([^()]*\)", "", outside)) != outside:
        outside = inner
    word = "and" if " where " in outside else "where"
    await execute(f"{change.replace('{tenant}', tenant)} {word} tenant_id = '{tenant}'")


@pytest.mark.parametrize(("number", "change", "seen"), CORRUPTIONS)
async def test_every_broken_invariant_is_seen(
    db: Database, shop: Vendor, number: int, change: str, seen: set[str]
) -> None:
    assert seen <= await found_after(db, shop.tenant_id, change)
    assert seen & set(PROMISED[number])


@pytest.mark.parametrize(("number", "seen", "change"), OF_LIVES)
async def test_every_break_in_a_life_is_seen(
    db: Database, shop: Vendor, life: Vendor, number: int, seen: str, change: str
) -> None:
    periods = ("cover_is_what_was_bought", "a_choice_is_made_once", "a_refunded_unit_takes_one_period")
    made = shop if seen in periods else life
    assert seen in await found_after(db, made.tenant_id, change)
    assert seen in PROMISED[number]


async def found_after(db: Database, tenant_id: str, change: str) -> set[str]:
    """What the audit finds once rows were changed; it found nothing before, and the change is taken back."""
    async with db.transaction(tenant_id, validate_only=True) as tx:
        assert (await audit.recompute(tx))[1] == []

        async def execute(sql: str) -> Any:
            return await tx.connection.exec_driver_sql(sql)

        await execute("set local role none")
        await corrupt(execute, tenant_id, change)
        await execute("set local role retainer_app")
        return {one["invariant"] for one in (await audit.recompute(tx))[1]}


STRAYS: list[tuple[str, str]] = [
    (
        "operation_has_customer",
        (
            "insert into operation select tenant_id, 'op_stray', 'cus_nobody', credit_type, kind, 1, effective_at,"
            " recorded_at, null, null, null, null, reason, clause, reading from operation"
        ),
    ),
    (
        "entry_has_operation",
        "insert into entry select tenant_id, 'op_nothing', 1, 'lot_nothing', 'world', 'available', 7 from operation",
    ),
    (
        "hold_has_customer",
        (
            "insert into hold select tenant_id, 'hold_stray', 'cus_nobody', credit_type, kind, credits, null,"
            " created_at, null, null from hold"
        ),
    ),
    ("hold_line_has_hold", "insert into hold_line select tenant_id, 'hold_gone', 1, 'lot_gone', 1, 0, 0, 0 from hold"),
    (
        "an_acknowledged_command_has_its_effect",
        (
            "insert into command (tenant_id, key, kind, payload_hash, status, answer, created_at)"
            " select tenant_id, 'nobody-1', 'adjust', payload_hash, 201, answer, created_at from command"
        ),
    ),
    (
        "a_refused_command_leaves_no_trace",
        (
            "insert into command (tenant_id, key, kind, payload_hash, status, answer, created_at)"
            " select tenant_id, 'nobody-2', 'adjust', payload_hash, 409, answer, created_at from command"
        ),
    ),
    ("what_is_due_is_known", "with gone as (delete from due) select from due"),
]
"""A row that no customer leads to: no account, no lot, no operation names one that is known."""


@pytest.mark.parametrize(("seen", "change"), STRAYS)
@pytest.mark.parametrize("step", [3, strays.STEP])
async def test_a_row_that_hangs_on_nothing_is_seen(
    db: Database, shop: Vendor, monkeypatch: pytest.MonkeyPatch, step: int, seen: str, change: str
) -> None:
    monkeypatch.setattr(strays, "STEP", step)
    async with db.transaction(shop.tenant_id, validate_only=True) as tx:
        await tx.connection.exec_driver_sql("set local role none")
        where = f"where tenant_id = '{shop.tenant_id}' limit 1"
        await tx.connection.exec_driver_sql(f"{change} {where}")
        await tx.connection.exec_driver_sql("set local role retainer_app")
        assert {row["invariant"] for row in (await audit.recompute(tx))[1]} == {seen}


@pytest_asyncio.fixture(scope="module")
async def life(app: FastAPI) -> AsyncIterator[Vendor]:
    """A tenant of whole lives: orders refunded while their points are held, spent and given away; a dispute."""
    made = await make_vendor(app, "x-cart")
    lots = {}
    for order_id, customer, sku, quantity in (
        ("free", "ann", "license", 2),
        ("pack", "ann", "credits-120", 3),
        ("gift", "ann", "credits-60", 1),
        ("kept", "ann", "credits-300", 1),
        ("other", "bob", "credits-60", 1),
    ):
        body = {
            "customer_id": customer,
            "placed_at": "2025-01-01T00:00:00Z",
            "currency": "USD",
            "lines": [{"line_id": "1", "sku": sku, "quantity": quantity}],
        }
        lots[order_id] = (await made.ok(await made.put(f"/v1/orders/{order_id}", body), 201))["lots"][0]["lot_id"]
    await made.ok(await made.post(f"/v1/lots/{lots['gift']}/transfer", {"to_customer_id": "bob"}))
    solved = await open_ticket(made, "ann", category="level_4")
    await act(made, solved, "resolution", {})
    await act(made, solved, "disputes", {"reason": "too dear"})
    await act(made, solved, "disputes/1/decision", {"decision": "reduced", "credits": 30})
    await open_ticket(made, "ann", category="level_4")
    for order_id, quantity in (("free", 1), ("pack", 2), ("gift", 1)):
        lines = [{"line_id": "1", "quantity": quantity}]
        body = {"refund_id": f"r-{order_id}", "lines": lines}
        await made.ok(await made.post(f"/v1/orders/{order_id}/refunds", body, key=None), 201)
    yield made
    await made.close()


async def test_the_endpoint_and_the_command_say_so(module_url: str, vendor: MakeVendor) -> None:
    made = await vendor("avactis")
    await grant(made, 10, None)
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []
    assert (await verify(module_url, [made.tenant_id]))[made.tenant_id] == (1, [])
    owner = await connect(module_url)
    await owner.execute("select set_config('app.tenant', $1, false)", made.tenant_id)
    await owner.execute("update account set available = 11, granted = 11 where tenant_id = $1", made.tenant_id)
    await owner.close()
    told = (await made.ok(await made.get("/v1/audit")))["data"]
    customers, found = (await verify(module_url, [made.tenant_id]))[made.tenant_id]
    assert (customers, {one["invariant"] for one in found}) == (1, {"account_is_sum_of_lots", "replay_account"})
    assert told == found, "both run the same code"


def test_each_invariant_has_checks_and_each_check_a_corruption() -> None:
    assert sorted(PROMISED) == list(range(1, 28))
    named = {one for checks in PROMISED.values() for one in checks}
    assert named == set(CHECKED)
    broken = {one for _, _, seen in CORRUPTIONS for one in seen} | {seen for _, seen, _ in OF_LIVES}
    broken |= {seen for seen, _ in STRAYS}
    broken |= {WORK_CHARGED}  # tests/prices/test_work_audit.py
    broken |= {PLAN_ENDS}  # tests/everywhere/living.py
    broken |= {RECURRING}  # tests/recurring/test_audit.py
    broken |= {QUEUES}  # tests/orders/test_merged_queues.py
    broken |= {CLOCK_STATES}  # tests/clocks/test_folded_states.py
    assert named == broken | set(ACCOUNTS), "those of accounts are broken in test_audit_of_accounts"


@pytest.mark.parametrize("table", ["entry", "operation"])
async def test_the_journal_is_never_changed(postgres: Any, table: str) -> None:
    url = await postgres.clone()
    owner = await connect(url)
    try:
        await owner.execute("select set_config('app.tenant', 'x', false)")
        await owner.execute(
            "insert into operation values ('x', 'o', 'c', 'credit', 'debit', 1, now(), now(), null, null, null, null,"
            " null, null, false)"
        )
        await owner.execute("insert into entry values ('x', 'o', 1, 'l', 'available', 'spent', 1)")
        for statement in (f"update {table} set tenant_id = tenant_id", f"delete from {table}"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute(statement)
    finally:
        await owner.close()
        await postgres.drop(url)
