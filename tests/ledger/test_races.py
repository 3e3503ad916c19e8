"""Races over real connections: few customers, few credits, two processes' writers, the audit empty after it."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import pytest_asyncio

from app.db.account import accounts
from app.db.engine import Database
from app.db.failures import Busy, Locked, Unavailable
from app.db.gather import Gatherer, Join
from app.usecases.credits.credit_command import CreditCommand, CreditResult
from app.usecases.credits.credits import apply
from app.usecases.reports import audit
from app.usecases.tenants import tenants

Writer = Gatherer[CreditCommand, CreditResult]


def writer(database: Database, **more: int) -> Writer:
    async def run(tenant: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        return await database.run(tenant, lambda tx: apply(tx, commands, join=join))

    return Gatherer(run, group_of=lambda command: command.subject, **more)  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def tenant(db: Database) -> str:
    name = f"race-{uuid.uuid4().hex[:8]}"
    async with db.founding(name, actor="test") as tx:
        await tenants.put(tx, tenants.PutTenant(policy="avactis"))
    return name


@pytest_asyncio.fixture
async def writers(module_url: str) -> AsyncIterator[list[Writer]]:
    """Two writers with pools of their own, as two processes have."""
    databases = [Database(module_url, pool_size=4), Database(module_url, pool_size=4)]
    made = [writer(one, in_flight=3) for one in databases]
    yield made
    for one in made:
        await one.close()
    for database in databases:
        await database.close()


def command(kind: str, **fields: object) -> CreditCommand:
    return CreditCommand(kind=kind, key=fields.pop("key", uuid.uuid4().hex), **fields)  # type: ignore[arg-type]


async def clean(db: Database, tenant: str) -> None:
    seen, found = await db.read(tenant, audit.recompute)
    assert found == []
    assert seen > 0


async def seed(one: Writer, tenant: str, customer: str, *lots: int) -> None:
    for credits_ in lots:
        made = await one.submit(tenant, command("adjust", customer_id=customer, credits=credits_, reason="seed"))
        assert made.error is None


async def until(true: Callable[[], bool]) -> None:
    """Returns once it is true; a test that waits for ever is ended by its own limit."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - counters have no event to wait for
            await asyncio.sleep(0.01)


async def available(db: Database, tenant: str, customer: str) -> int:
    from app.usecases.credits import accounts

    body = await db.read(tenant, lambda tx: accounts.balance(tx, customer))
    return int(body["available"])


async def test_two_writers_never_overspend_at_the_boundary_of_lots(
    db: Database, tenant: str, writers: list[Writer]
) -> None:
    for n in range(12):  # both with warm connections, so that they meet
        await seed(writers[n % 2], tenant, "ann", 7, 5, 3)
    done = 0
    for _ in range(12):
        results = await asyncio.gather(
            *(writers[n % 2].submit(tenant, command("debit", customer_id="ann", credits=2)) for n in range(10))
        )
        done += sum(one.error is None for one in results)
        assert {one.error.code for one in results if one.error} <= {"insufficient_credits"}
    assert [one.stats.split for one in writers] == [0, 0], "the lock, not a constraint, keeps them apart"
    assert (done, await available(db, tenant, "ann")) == (90, 0)
    await clean(db, tenant)


async def test_one_key_sent_by_everybody_takes_once(db: Database, tenant: str, writers: list[Writer]) -> None:
    await seed(writers[0], tenant, "ann", 10)
    for index in range(4):
        same = command("debit", customer_id="ann", credits=1, key=f"same-{index}")
        results = await asyncio.gather(*(writers[n % 2].submit(tenant, same) for n in range(12)))
        assert {one.body for one in results} == {results[0].body}
        assert sum(not one.replayed for one in results) == 1
    assert await available(db, tenant, "ann") == 6
    await clean(db, tenant)


async def test_one_key_for_two_customers_takes_from_one(db: Database, tenant: str, writers: list[Writer]) -> None:
    await seed(writers[0], tenant, "ann", 10)
    await seed(writers[0], tenant, "bob", 10)
    results = await asyncio.gather(
        *(
            writers[n % 2].submit(tenant, command("debit", customer_id=who, credits=1, key="mixed"))
            for n, who in enumerate(["ann", "bob"] * 6)
        )
    )
    codes = {one.error.code if one.error else "done" for one in results}
    assert codes == {"done", "idempotency_key_reused"}
    assert await available(db, tenant, "ann") + await available(db, tenant, "bob") == 19
    await clean(db, tenant)


async def test_everything_is_refunded_twice_at_once_and_comes_back_once(
    db: Database, tenant: str, writers: list[Writer]
) -> None:
    await seed(writers[0], tenant, "ann", 4, 4, 4)
    debits = [await writers[0].submit(tenant, command("debit", customer_id="ann", credits=3)) for _ in range(4)]
    ids = [one.data()["hold_id"] for one in debits]
    results = await asyncio.gather(
        *(writers[n % 2].submit(tenant, command("refund", hold_id=hold_id)) for n in range(4) for hold_id in ids)
    )
    assert sum(one.error is None for one in results) == 4
    assert {one.error.code for one in results if one.error} == {"over_refund"}
    assert await available(db, tenant, "ann") == 12
    await clean(db, tenant)


async def test_a_new_customer_made_by_everybody_at_once_is_one(
    db: Database, tenant: str, writers: list[Writer]
) -> None:
    results = await asyncio.gather(
        *(writers[n % 2].submit(tenant, command("adjust", customer_id="new", credits=1, reason="r")) for n in range(20))
    )
    assert all(one.error is None for one in results)
    assert await available(db, tenant, "new") == 20
    await clean(db, tenant)


async def test_many_tasks_on_few_customers_leave_an_empty_audit(
    db: Database, tenant: str, writers: list[Writer]
) -> None:
    names = ["ann", "bob", "cyd"]
    for name in names:
        await seed(writers[0], tenant, name, 5, 3, 2)
    holds: list[str] = []
    dice = random.Random(7)
    unexpected: list[str] = []

    async def somebody(n: int) -> None:
        mine = writers[n % 2]
        for _ in range(25):
            kind = dice.choice(["hold", "debit", "capture", "release", "refund", "adjust"])
            if kind in ("capture", "release", "refund"):
                if not holds:
                    continue
                sent = command(
                    kind,
                    hold_id=dice.choice(holds),
                    credits=dice.choice([None, 1, 2]),
                    **({"final": dice.random() < 0.5} if kind == "capture" else {}),
                )
            else:
                credits_ = dice.choice([1, 2, 3, -1]) if kind == "adjust" else dice.choice([1, 2, 3])
                sent = command(kind, customer_id=dice.choice(names), credits=credits_, reason="r")
            result = await mine.submit(tenant, sent)
            if result.error is not None and result.error.code not in (
                "insufficient_credits",
                "over_capture",
                "over_release",
                "over_refund",
                "hold_wrong_state",
            ):
                unexpected.append(result.error.code)
            if result.error is None and kind in ("hold", "debit"):
                holds.append(result.data()["hold_id"])

    await asyncio.gather(*(somebody(n) for n in range(12)))
    assert unexpected == []
    await clean(db, tenant)


async def test_a_poisoned_command_does_not_hurt_its_neighbours(db: Database, tenant: str) -> None:
    calls: list[int] = []

    async def run(name: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        calls.append(len(commands))
        if any(one.credits == 13 for one in commands):
            raise RuntimeError("poison")
        return await db.run(name, lambda tx: apply(tx, commands, join=join))

    mine = Gatherer(run, group_of=lambda one: one.subject)
    await mine.submit(tenant, command("adjust", customer_id="ann", credits=50, reason="r"))
    sent = [command("debit", customer_id="ann", credits=13 if n == 3 else 1) for n in range(8)]
    results = await asyncio.gather(*mine.submit_many(tenant, sent), return_exceptions=True)
    assert [isinstance(one, CreditResult) and one.error is None for one in results] == [n != 3 for n in range(8)]
    await mine.close()
    with pytest.raises(Busy):
        await mine.submit(tenant, sent[0])
    await clean(db, tenant)


async def test_beyond_its_bounds_the_writer_is_busy_and_takes_nothing(db: Database, tenant: str) -> None:
    mine = writer(db, queue=10)
    with pytest.raises(Busy):
        mine.submit_many(tenant, [command("debit", customer_id="ann", credits=1) for _ in range(11)])
    assert mine.stats.waiting == 0
    await mine.close()


async def test_a_caller_who_goes_away_changes_nothing_for_the_others(db: Database, tenant: str) -> None:
    mine = writer(db)
    await seed(mine, tenant, "ann", 10)
    gone = asyncio.create_task(mine.submit(tenant, command("debit", customer_id="ann", credits=1, key="gone")))
    await asyncio.sleep(0)
    gone.cancel()
    stays = await mine.submit(tenant, command("debit", customer_id="ann", credits=2))
    assert stays.error is None
    replay = await mine.submit(tenant, command("debit", customer_id="ann", credits=1, key="gone"))
    assert replay.error is None
    assert await available(db, tenant, "ann") == 7
    await mine.close()
    await clean(db, tenant)


async def test_a_locked_customer_is_busy_and_the_others_are_served(module_url: str, tenant: str) -> None:
    database = Database(module_url, pool_size=6, lock_timeout_ms=300)
    mine = writer(database)
    await seed(mine, tenant, "ann", 10)
    await seed(mine, tenant, "bob", 10)
    async with database.transaction(tenant) as tx:
        customer = await accounts.require_customer(tx, "ann")
        await accounts.lock_customers(tx, [customer.customer_id])
        results = await asyncio.gather(
            *mine.submit_many(
                tenant, [command("debit", customer_id=who, credits=1) for who in ("ann", "bob", "ann", "bob")]
            ),
            return_exceptions=True,
        )
    assert [type(one) for one in results] == [Locked, CreditResult, Locked, CreditResult]
    await clean(database, tenant)
    await mine.close()
    await database.close()


async def test_neighbours_of_a_locked_customer_do_not_wait_for_it(module_url: str, tenant: str) -> None:
    database = Database(module_url, pool_size=6, lock_timeout_ms=5_000)

    async def patient(name: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        return await database.run(name, lambda tx: apply(tx, commands, join=join))

    async def run(name: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        return await database.run(name, lambda tx: apply(tx, commands, join=join), lock_timeout_ms=100)

    mine = Gatherer(run, patient=patient, group_of=lambda one: one.subject)
    for name in ("ann", "bob", "cyd"):
        await seed(mine, tenant, name, 20)
    holder = Database(module_url, pool_size=1)
    async with holder.transaction(tenant) as tx:
        customer = await accounts.require_customer(tx, "ann")
        await accounts.lock_customers(tx, [customer.customer_id])
        stuck = mine.submit_many(tenant, [command("debit", customer_id="ann", credits=1) for _ in range(3)])
        free = mine.submit_many(
            tenant, [command("debit", customer_id=who, credits=1) for who in ("bob", "cyd") for _ in range(2)]
        )
        answers = await asyncio.wait_for(asyncio.gather(*free), 2)
        assert all(one.error is None for one in answers)
        await until(lambda: mine.stats.aside == 3)  # the batch is done with, and only ann still waits
        await until(lambda: not mine._running)
        batches, split = mine.stats.batches, mine.stats.split
        # Those that come while it is still locked wait behind it; a neighbour is not held up again, not even for once.
        stuck += mine.submit_many(tenant, [command("debit", customer_id="ann", credits=2)])
        (later,) = mine.submit_many(tenant, [command("debit", customer_id="bob", credits=1)])
        assert (await asyncio.wait_for(later, 2)).error is None
        assert (mine.stats.split, mine.stats.batches) == (split, batches + 1)
        assert not any(one.done() for one in stuck)
    done = await asyncio.wait_for(asyncio.gather(*stuck), 5)
    assert all(one.error is None for one in done)
    assert [await available(database, tenant, who) for who in ("ann", "bob", "cyd")] == [15, 17, 18]
    await clean(database, tenant)
    await mine.close()
    assert mine.stats.waiting == 0
    for one in (holder, database):
        await one.close()


async def test_who_waits_aside_is_told_when_it_took_too_long(module_url: str, tenant: str) -> None:
    database = Database(module_url, pool_size=4, lock_timeout_ms=300)
    mine = writer(database)
    mine._patient = mine._run
    await seed(mine, tenant, "ann", 20)
    holder = Database(module_url, pool_size=1)
    async with holder.transaction(tenant) as tx:
        customer = await accounts.require_customer(tx, "ann")
        await accounts.lock_customers(tx, [customer.customer_id])
        sent = mine.submit_many(tenant, [command("debit", customer_id="ann", credits=1) for _ in range(3)])
        results = await asyncio.gather(*sent, return_exceptions=True)
        assert [type(one) for one in results] == [Locked] * 3
    retried = await mine.submit(tenant, command("debit", customer_id="ann", credits=1))
    assert retried.error is None
    await clean(database, tenant)
    await mine.close()
    for one in (holder, database):
        await one.close()


async def test_a_database_that_never_answers_holds_up_neither_callers_nor_others(db: Database, tenant: str) -> None:
    silent = asyncio.Event()

    async def run(name: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        if any(one.credits == 13 for one in commands):
            await silent.wait()
        return await db.run(name, lambda tx: apply(tx, commands, join=join))

    mine = Gatherer(run, group_of=lambda one: one.subject, deadline=0.5)
    await seed(mine, tenant, "ann", 50)
    stuck = asyncio.create_task(mine.submit(tenant, command("debit", customer_id="ann", credits=13, key="stuck")))
    await asyncio.sleep(0)
    other = asyncio.create_task(mine.submit(tenant, command("debit", customer_id="ann", credits=1)))
    with pytest.raises(Unavailable) as told:
        await asyncio.wait_for(stuck, 5)
    assert told.value.outcome_unknown
    assert (await asyncio.wait_for(other, 5)).error is None
    silent.set()
    # What became of it is learnt by sending it again.
    again = await mine.submit(tenant, command("debit", customer_id="ann", credits=13, key="stuck"))
    assert again.error is None
    assert await available(db, tenant, "ann") == 36
    await mine.close()
    await clean(db, tenant)
