"""A tenant moves between two servers while it is used: what was acknowledged is what happened, once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from scripts.move_tenant import Refused
from tests.cells.ground import SECONDS, Callers, Cells, cell_of, found_tenant, pages, servers, serving
from tests.events.receiver import Receiver, receiving
from tests.support.api import OPERATOR_KEY

pytestmark = [pytest.mark.packaging, pytest.mark.slow]
STEPS = (
    "arriving",
    "published",
    "subscribed",
    "copied",
    "leaving",
    "moving",
    "caught up",
    "compared",
    "unsubscribed",
    "introduced",
    "moved",
)


class Died(BaseException):
    """The script's process was killed."""


@pytest.fixture(scope="module")
async def cells(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cells]:
    """Two cells that serve."""
    with servers(tmp_path_factory.mktemp("cells")) as (first, second):
        old, new = await asyncio.to_thread(lambda: (cell_of(first, 1), cell_of(second, 2)))
        async with serving(old), serving(new):
            yield Cells(old, new)


@contextlib.asynccontextmanager
async def used(
    cells: Cells, tenant_id: str, receiver: Receiver, customers: int = 4, pause: float = 0.02
) -> AsyncIterator[Callers]:
    """A tenant of the old cell with credits and a webhook, under load until the block ends."""
    callers = Callers(cells, await found_tenant(cells.old, tenant_id), customers, pause)
    for customer in callers.customers:
        body = {"credits": 100_000, "reason": "seed"}
        granted = await callers.call("POST", f"/v1/customers/{customer}/adjustments", body, f"seed-{customer}")
        assert granted.status_code == 201, granted.text
    body = {"url": receiver.url, "event_types": ["*"]}
    hook = await callers.call("POST", "/v1/webhook-endpoints", body, f"hook-{tenant_id}")
    assert hook.status_code == 201, hook.text
    load = asyncio.create_task(callers.load())
    try:
        await asyncio.sleep(0.4)
        yield callers
        await asyncio.sleep(0.4)
    finally:
        callers.stop = True
        await load


def sent_to(receiver: Receiver) -> list[tuple[int, str]]:
    """The events that the tenant's endpoint was sent: their places in its feed, and their ids."""
    return [(got.json["data"]["position"], got.id) for got in receiver.got]


async def told(callers: Callers, receiver: Receiver) -> None:
    """Waits until every promise fell due and the receiver has heard of every event."""
    client = callers.client(callers.cell)
    await asyncio.sleep(SECONDS)
    before, quiet = 0, 0
    for _ in range(80):
        places = {place for place, _ in sent_to(receiver)}
        events = await pages(client, "/v1/events")
        missed = sum(row["type"] == "clock.breached" for row in events)
        complete = places == set(range(min(places), events[-1]["position"] + 1))
        # Nothing more has happened for a while: what fell due last has been told, too.
        quiet = quiet + 1 if complete and missed >= len(callers.done["ticket"]) and len(events) == before else 0
        if quiet == 4:
            return
        before = len(events)
        await asyncio.sleep(0.5)


async def is_right(callers: Callers, receiver: Receiver) -> None:
    """Acknowledged = effects; no promise fired twice, no webhook sent twice or lost; the books are right."""
    client = callers.client(callers.cell)
    done = callers.done
    assert {row["ticket_id"] for row in await pages(client, "/v1/tickets")} == {f"T-{name}" for name in done["ticket"]}
    for customer in callers.customers:
        mine = {kind: sum(name.startswith(f"{customer}-") for name in names) for kind, names in done.items()}
        balance = (await client.get(f"/v1/customers/{customer}/balance")).json()
        # Every hold has ended by itself.
        assert (balance["available"], balance["held"]) == (100_000 + 5 * mine["order"] - mine["debit"], 0), customer
    audit = await client.get("/v1/audit")
    assert (audit.status_code, audit.json()["data"]) == (200, [])
    events = await pages(client, "/v1/events")
    breaches = Counter(row["data"]["ticket_id"] for row in events if row["type"] == "clock.breached")
    assert breaches == dict.fromkeys((f"T-{name}" for name in done["ticket"]), 1)
    assert [row["position"] for row in events] == list(range(1, len(events) + 1))
    sent = sent_to(receiver)
    assert len(sent) == len(set(sent)), "sent twice"
    first = min(sent)[0]
    assert set(sent) == {(row["position"], row["id"]) for row in events if row["position"] >= first}


async def test_a_tenant_moves_while_it_is_used(cells: Cells) -> None:
    async with receiving() as receiver:
        async with used(cells, "acme", receiver) as callers:
            before = sum(map(len, callers.done.values()))
            async with cells.moving("acme") as move:
                figures = await move.run()
            assert figures["stopped_seconds"] < 10
        await told(callers, receiver)
    assert sum(map(len, callers.done.values())) > before
    assert callers.cell is cells.new
    assert {status for (_, status) in callers.answers} <= {200, 201, 421, 422, 503}, callers.answers
    assert callers.answers[cells.old.address, 421] >= 1
    await is_right(callers, receiver)
    gone = await callers.client(cells.old).get("/v1/tickets")
    assert (gone.status_code, gone.json()["address"]) == (421, cells.new.address)
    events = await pages(callers.client(cells.new), "/v1/events")
    (moved,) = [row for row in events if row["type"] == "tenant.moved"]
    assert moved["data"]["address"] == cells.new.address
    trail = await pages(callers.client(cells.new), "/v1/audit-trail")
    assert [row["action"] for row in trail][:3] == ["tenant.arrived", "tenant.moving", "tenant.leaving"]
    # What it left behind is removed; it is still told where the tenant is, and may come back.
    async with cells.moving("acme") as move:
        await move.forget()
        assert not await move.source.present("acme")
    gone = await callers.client(cells.old).get("/v1/tickets")
    assert (gone.status_code, gone.json()["address"]) == (421, cells.new.address)
    async with cells.turned().moving("acme") as back:
        await back.run()
    assert (await callers.client(cells.old).get("/v1/tickets")).status_code == 200
    gone = await callers.client(cells.new).get("/v1/tickets")
    assert (gone.status_code, gone.json()["address"]) == (421, cells.old.address)
    await callers.close()


@pytest.mark.parametrize("goes_on", [True, False], ids=["again", "aborted"])
async def test_a_script_that_dies_at_any_step_is_run_again_or_given_up(cells: Cells, goes_on: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        lives: list[tuple[str, str, Callers, Receiver]] = []
        for number, step in enumerate(STEPS):
            tenant_id = f"{'again' if goes_on else 'abort'}-{number}"
            receiver = await stack.enter_async_context(receiving())
            async with used(cells, tenant_id, receiver, customers=1, pause=0.1) as callers:
                await dies_at(cells, tenant_id, step)
                await ends(cells, tenant_id, step, goes_on=goes_on)
            lives.append((step, tenant_id, callers, receiver))
        for step, tenant_id, callers, receiver in lives:
            home = cells.new if goes_on or step == "moved" else cells.old
            assert callers.cell is home, step
            await told(callers, receiver)
            await is_right(callers, receiver)
            await callers.close()
            for cell in (cells.old, cells.new):
                answer = await cell.clients[OPERATOR_KEY].get(f"/v1/tenants/{tenant_id}/move")
                found = answer.json()["state"] if answer.status_code == 200 else answer.status_code
                assert found == ("here" if cell is home else "moved" if home is cells.new else 404), step


async def ends(cells: Cells, tenant_id: str, step: str, *, goes_on: bool) -> None:
    """The script is run again, or told to give up, which is too late once the tenant has moved."""
    async with cells.moving(tenant_id) as move:
        if goes_on:
            await move.run()
        elif step == "moved":
            with pytest.raises(Refused, match="has moved"):
                await move.abort()
            await move.run()
        else:
            await move.abort()
            assert not await move.target.present(tenant_id)


async def dies_at(cells: Cells, tenant_id: str, step: str) -> None:
    """A run of the script that ends at a step, as one that is killed: it tidies nothing up."""

    def between(done: str) -> None:
        if done == step:
            raise Died

    async with cells.moving(tenant_id, between=between) as move:
        with pytest.raises(Died):
            await move.run()
