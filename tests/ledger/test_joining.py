"""Commands that join a batch once it has its locks: what waits for one busy customer is done in one turn."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from app.db.account import accounts
from app.db.engine import Database
from app.db.failures import Unavailable
from app.db.gather import Gatherer, Join
from app.usecases.credits.credit_command import CreditCommand, CreditResult
from app.usecases.credits.credits import apply
from tests.ledger.test_races import Writer, available, clean, command, seed, tenant, until

__all__ = ["tenant"]


def watched(database: Database, seen: list[list[str]]) -> Callable[..., object]:
    """Applies commands, and notes each transaction's keys."""

    async def run(name: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        results = await database.run(name, lambda tx: apply(tx, commands, join=join))
        seen.append([str(one.key) for one in commands])
        return results

    return run


@asynccontextmanager
async def another_process_holds(database: Database, name: str, customer_id: str) -> AsyncIterator[None]:
    """As long as the block lasts, somebody else has the customer locked."""
    async with database.transaction(name) as tx:
        customer = await accounts.require_customer(tx, customer_id)
        await accounts.lock_customers(tx, [customer.customer_id])
        yield


async def sent_while_it_waits(
    mine: Writer, database: Database, name: str, first: CreditCommand, *later: CreditCommand
) -> list[CreditResult]:
    """One command's batch waits for a lock; the later ones are sent meanwhile."""
    async with another_process_holds(database, name, "ann"):
        sent = [asyncio.ensure_future(mine.submit(name, first))]
        await until(lambda: bool(mine._running))
        sent += mine.submit_many(name, later)
    return list(await asyncio.wait_for(asyncio.gather(*sent), 5))


async def test_what_comes_while_a_customer_is_waited_for_is_done_in_the_same_turn(db: Database, tenant: str) -> None:
    turns: list[list[str]] = []
    mine: Writer = Gatherer(watched(db, turns), group_of=lambda one: one.subject)  # type: ignore[arg-type]
    await seed(mine, tenant, "ann", 6)
    del turns[:]
    later = [command("debit", customer_id="ann", credits=n, key=f"later-{n}") for n in (3, 4, 1)]
    results = await sent_while_it_waits(
        mine, db, tenant, command("debit", customer_id="ann", credits=1, key="first"), *later
    )
    assert turns == [["first", "later-3", "later-4", "later-1"]]
    assert [one.error.code if one.error else one.data()["balance"]["available"] for one in results] == [
        5,
        2,
        "insufficient_credits",
        1,
    ]
    assert (mine.stats.joined, mine.stats.waiting, mine.stats.largest) == (3, 0, 4)
    assert await available(db, tenant, "ann") == 1
    # The keys of those that joined were looked up with the others': sent again they are answered, not done again.
    again = await mine.submit(tenant, later[0])
    assert again.replayed
    assert again.body == results[1].body
    await mine.close()
    await clean(db, tenant)


async def test_a_key_that_joins_twice_is_done_once(db: Database, tenant: str) -> None:
    mine: Writer = Gatherer(watched(db, []), group_of=lambda one: one.subject)  # type: ignore[arg-type]
    await seed(mine, tenant, "ann", 6)
    twin = command("debit", customer_id="ann", credits=2, key="twin")
    results = await sent_while_it_waits(mine, db, tenant, twin, twin, twin)
    assert [one.replayed for one in results] == [False, True, True]
    assert len({one.body for one in results}) == 1
    assert await available(db, tenant, "ann") == 4
    await mine.close()
    await clean(db, tenant)


@pytest.mark.parametrize("between", ["bob", "hold"])
async def test_nobody_overtakes_a_neighbour_or_a_hold(db: Database, tenant: str, between: str) -> None:
    turns: list[list[str]] = []
    mine: Writer = Gatherer(watched(db, turns), group_of=lambda one: one.subject)  # type: ignore[arg-type]
    await seed(mine, tenant, "ann", 6)
    await seed(mine, tenant, "bob", 6)
    held = (await mine.submit(tenant, command("hold", customer_id="ann", credits=2))).data()["hold_id"]
    del turns[:]
    other = (
        command("debit", customer_id="bob", credits=1, key="between")
        if between == "bob"
        # A hold's owner has to be looked up before the lock, whoever is named beside it.
        else command("capture", customer_id="ann", hold_id=held, key="between")
    )
    results = await sent_while_it_waits(
        mine,
        db,
        tenant,
        command("debit", customer_id="ann", credits=1, key="first"),
        command("debit", customer_id="ann", credits=1, key="joins"),
        other,
        command("debit", customer_id="ann", credits=1, key="last"),
    )
    assert [one.error for one in results] == [None] * 4
    assert turns == [["first", "joins"], ["between", "last"]]
    await mine.close()
    await clean(db, tenant)


async def test_a_batch_stays_within_its_bound_when_others_join(db: Database, tenant: str) -> None:
    turns: list[list[str]] = []
    mine: Writer = Gatherer(watched(db, turns), group_of=lambda one: one.subject, batch=3)  # type: ignore[arg-type]
    await seed(mine, tenant, "ann", 60)
    del turns[:]
    later = [command("debit", customer_id="ann", credits=1) for _ in range(7)]
    await sent_while_it_waits(mine, db, tenant, command("debit", customer_id="ann", credits=1), *later)
    assert [len(one) for one in turns] == [3, 3, 2]
    assert await available(db, tenant, "ann") == 52
    await mine.close()


async def test_nobody_joins_a_batch_whose_callers_were_given_up(db: Database, tenant: str) -> None:
    silent = asyncio.Event()
    joined: list[int] = []

    async def run(name: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        if commands[0].key == "stuck":
            await silent.wait()
            join({commands[0].subject})
            joined.append(len(commands))
        return await db.run(name, lambda tx: apply(tx, commands))

    mine: Writer = Gatherer(run, group_of=lambda one: one.subject)
    await seed(mine, tenant, "ann", 50)
    mine._deadline = 0.2  # for the one that is stuck; a loaded machine gets the usual time for the others
    with pytest.raises(Unavailable):
        await mine.submit(tenant, command("debit", customer_id="ann", credits=13, key="stuck"))
    mine._deadline = 5.0
    silent.set()  # it goes on before the next batch is begun
    (later,) = mine.submit_many(tenant, [command("debit", customer_id="ann", credits=1)])
    assert (await asyncio.wait_for(later, 5)).error is None
    await until(lambda: not mine._given_up)
    assert joined == [1]
    await mine.close()
    assert await available(db, tenant, "ann") == 36
    await clean(db, tenant)


async def test_who_joined_a_poisoned_batch_is_served(db: Database, tenant: str) -> None:
    async def run(name: str, commands: Sequence[CreditCommand], join: Join) -> Sequence[CreditResult]:
        async def work(tx):  # type: ignore[no-untyped-def]
            made = await apply(tx, commands, join=join)
            if any(one.credits == 13 for one in commands):
                raise RuntimeError("poison")
            return made

        return await db.run(name, work)

    mine: Writer = Gatherer(run, group_of=lambda one: one.subject)
    await seed(mine, tenant, "ann", 50)
    async with another_process_holds(db, tenant, "ann"):
        (poisoned,) = mine.submit_many(tenant, [command("debit", customer_id="ann", credits=13)])
        await until(lambda: bool(mine._running))
        (joins,) = mine.submit_many(tenant, [command("debit", customer_id="ann", credits=1)])
    with pytest.raises(RuntimeError, match="poison"):
        await asyncio.wait_for(poisoned, 5)
    assert (await asyncio.wait_for(joins, 5)).error is None
    assert await available(db, tenant, "ann") == 49
    await mine.close()
    await clean(db, tenant)
