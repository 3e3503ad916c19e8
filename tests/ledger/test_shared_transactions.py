"""Tickets and orders of different customers that come at once are written in one transaction, each as if it were alone.

One of them that is refused, or that needs a transaction of its own, changes nothing for the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from app.db import shared_calls
from app.db.account import accounts
from app.db.engine import Database, Tx
from app.db.failures import Locked, Retry, Unavailable
from app.usecases.orders import orders
from tests.conftest import MakeVendor
from tests.support.api import Vendor

PLACED = {"placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}
LICENSE = {"line_id": "1", "sku": "license", "quantity": 1}
PACK = {"line_id": "2", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"}
TICKET = {"subject": "Install it", "channel": "helpdesk", "category": "level_2"}
CUSTOMERS = [f"c-{number}" for number in range(12)]


async def shop(vendor: MakeVendor) -> Vendor:
    """Customers with a license and a pack each."""
    made = await vendor("x-cart")
    for name in CUSTOMERS:
        body = {"customer_id": name, "lines": [LICENSE, PACK], **PLACED}
        await made.ok(await made.put(f"/v1/orders/first-{name}", body), 201)
        await made.ok(await made.put(f"/v1/tickets/first-{name}", {"customer_id": name, **TICKET}), 201)
    return made


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """For each transaction that was shared: how many works were in it, and how many of them were left to run alone."""
    seen: list[tuple[int, int]] = []
    run = shared_calls.run

    async def noted(*arguments: Any, **more: Any) -> list[shared_calls.Outcome]:
        found = await run(*arguments, **more)
        seen.append((len(found), sum(outcome.alone for outcome in found)))
        return found

    monkeypatch.setattr(shared_calls, "run", noted)
    return seen


async def at_once(*calls: Any) -> list[Any]:
    """Send all of them before the first is served; their answers."""
    return list(await asyncio.gather(*calls))


def opened(made: Vendor, name: str, ticket: str, **more: Any) -> Any:
    return made.put(f"/v1/tickets/{ticket}", {"customer_id": name, **TICKET, **more})


def ordered(made: Vendor, name: str, order: str) -> Any:
    return made.put(f"/v1/orders/{order}", {"customer_id": name, "lines": [PACK], **PLACED})


async def shown(made: Vendor, name: str, ticket: str, order: str) -> list[Any]:
    """All that the API shows of a customer's account, a ticket and an order, without ids and names of their own."""
    paths = (
        f"/v1/tickets/{ticket}",
        f"/v1/orders/{order}",
        f"/v1/customers/{name}/balance",
        f"/v1/customers/{name}/statement",
        f"/v1/customers/{name}/entries",
        f"/v1/explain/ticket/{ticket}",
        f"/v1/events?customer_id={name}",
    )
    names = {name: "NAME", ticket: "TICKET", order: "ORDER"}
    return [_same(await made.ok(await made.get(path)), names) for path in paths]


def _same(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            _same(key, names): _same(item, names)
            for key, item in value.items()
            if not key.endswith("_id") and key not in ("id", "next_cursor", "position", "request_id")
        }
    if isinstance(value, list):
        return [_same(item, names) for item in value]
    if isinstance(value, str):
        for name, called in names.items():
            value = value.replace(name, called)
        return value if "_01" not in value else "ID"
    return value


async def test_tickets_and_orders_that_come_at_once_share_a_transaction(
    vendor: MakeVendor, works: list[tuple[int, int]]
) -> None:
    made = await shop(vendor)
    del works[:]
    answers = await at_once(
        *(opened(made, name, f"T-{name}") for name in CUSTOMERS[:6]),
        *(ordered(made, name, f"O-{name}") for name in CUSTOMERS[6:]),
    )
    assert [answer.status_code for answer in answers] == [201] * 12
    assert max(many for many, _ in works) >= 6
    assert sum(alone for _, alone in works) == 0
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_what_is_written_together_is_what_is_written_alone(
    vendor: MakeVendor, works: list[tuple[int, int]]
) -> None:
    made = await shop(vendor)
    alone, shared = CUSTOMERS[0], CUSTOMERS[1:9]
    await made.ok(await opened(made, alone, f"T-{alone}"), 201)
    await made.ok(await ordered(made, alone, f"O-{alone}"), 201)
    del works[:]
    await at_once(*(opened(made, name, f"T-{name}") for name in shared))
    await at_once(*(ordered(made, name, f"O-{name}") for name in shared))
    assert works
    expected = await shown(made, alone, f"T-{alone}", f"O-{alone}")
    for name in shared:
        assert await shown(made, name, f"T-{name}", f"O-{name}") == expected
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_one_that_is_refused_leaves_the_others_as_they_are(
    vendor: MakeVendor, works: list[tuple[int, int]]
) -> None:
    made = await shop(vendor)
    del works[:]
    answers = await at_once(
        opened(made, CUSTOMERS[0], "T-0"),
        opened(made, CUSTOMERS[1], f"first-{CUSTOMERS[1]}", subject="Another"),  # known with another subject
        opened(made, CUSTOMERS[2], "T-2", opened_at="2099-01-01T00:00:00Z"),
        opened(made, CUSTOMERS[3], "T-3"),
        made.put("/v1/orders/O-4", {"customer_id": CUSTOMERS[4], "lines": [PACK, PACK], **PLACED}),
        ordered(made, CUSTOMERS[5], "O-5"),
    )
    assert [answer.status_code for answer in answers] == [201, 409, 422, 201, 422, 201], [a.text for a in answers]
    assert works
    assert (await made.get("/v1/tickets/T-2")).status_code == 404
    for path in ("/v1/tickets/T-0", "/v1/tickets/T-3", "/v1/orders/O-5"):
        await made.ok(await made.get(path))


async def test_what_needs_a_transaction_of_its_own_has_one(vendor: MakeVendor, works: list[tuple[int, int]]) -> None:
    made = await shop(vendor)
    del works[:]
    answers = await at_once(
        opened(made, CUSTOMERS[0], "T-0"),
        opened(made, "newcomer", "T-new"),
        ordered(made, "another newcomer", "O-new"),
        opened(made, CUSTOMERS[1], f"first-{CUSTOMERS[1]}"),  # the same again
        opened(made, CUSTOMERS[2], "T-both"),
        opened(made, CUSTOMERS[3], "T-both"),  # one id, two customers
        opened(made, CUSTOMERS[4], "T-4"),
    )
    codes = [answer.status_code for answer in answers]
    assert codes[:4] == [201, 201, 201, 200]
    assert sorted(codes[4:6]) == [201, 409]
    assert codes[6] == 201
    assert sum(alone for _, alone in works) >= 3


async def test_people_of_one_company_take_turns(vendor: MakeVendor, works: list[tuple[int, int]]) -> None:
    made = await shop(vendor)
    for person in ("p-1", "p-2", "p-3"):
        await made.ok(await made.put(f"/v1/customers/{person}", {"company_id": CUSTOMERS[0]}))
    del works[:]
    answers = await at_once(
        *(opened(made, person, f"T-{person}") for person in ("p-1", "p-2", "p-3")), opened(made, CUSTOMERS[1], "T-1")
    )
    assert [answer.status_code for answer in answers] == [201] * 4
    held = (await made.ok(await made.get(f"/v1/customers/{CUSTOMERS[0]}/balance")))["held"]
    one = (await made.ok(await made.get(f"/v1/customers/{CUSTOMERS[1]}/balance")))["held"]
    assert held == 4 * one / 2
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_only_checking_writes_nothing(vendor: MakeVendor, works: list[tuple[int, int]]) -> None:
    made = await shop(vendor)
    del works[:]
    answers = await at_once(
        made.put("/v1/tickets/T-0?validate_only=true", {"customer_id": CUSTOMERS[0], **TICKET}),
        *(opened(made, name, f"T-{name}") for name in CUSTOMERS[1:5]),
    )
    assert [answer.status_code for answer in answers] == [201] * 5
    assert (await made.get("/v1/tickets/T-0")).status_code == 404


@pytest.mark.parametrize("failure", [Retry("collided"), Locked("somebody has it")], ids=["collided", "locked"])
async def test_what_the_database_refuses_for_all_is_done_one_by_one(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    made = await shop(vendor)
    failed: list[int] = []
    write = shared_calls.write_rows

    async def once_refused(*arguments: Any) -> None:
        await write(*arguments)
        if not failed:
            failed.append(1)
            raise failure

    monkeypatch.setattr(shared_calls, "write_rows", once_refused)
    answers = await at_once(*(opened(made, name, f"T-{name}") for name in CUSTOMERS))
    assert failed
    assert [answer.status_code for answer in answers] == [201] * 12
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_a_lost_commit_is_told_to_all_and_a_repeat_finds_what_was_done(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await shop(vendor)
    run, lost = shared_calls.run, []

    async def unheard(*arguments: Any, **more: Any) -> list[shared_calls.Outcome]:
        found = await run(*arguments, **more)
        if not lost:
            lost.append(len(found))
            raise Unavailable("the answer to a commit was lost", outcome_unknown=True)
        return found

    monkeypatch.setattr(shared_calls, "run", unheard)
    calls: Callable[[], list[Any]] = lambda: [opened(made, name, f"T-{name}") for name in CUSTOMERS]  # noqa: E731
    answers = await at_once(*calls())
    assert [answer.status_code for answer in answers].count(503) == lost[0] >= 2
    again = await at_once(*calls())
    assert [answer.status_code for answer in again] == [200] * 12
    holds = [(await made.ok(await made.get(f"/v1/customers/{name}/balance")))["held"] for name in CUSTOMERS]
    assert len(set(holds)) == 1


async def test_a_customer_whom_somebody_has_locked_holds_nobody_up(app: FastAPI, vendor: MakeVendor) -> None:
    made = await shop(vendor)
    database: Database = app.state.house.database
    async with database.transaction(made.tenant_id) as tx:
        await accounts.lock_named(tx, CUSTOMERS[0])
        waiting = asyncio.ensure_future(opened(made, CUSTOMERS[0], "T-0"))
        others = await asyncio.wait_for(
            at_once(*(opened(made, name, f"T-{name}") for name in CUSTOMERS[1:])), timeout=2.5
        )
        assert [answer.status_code for answer in others] == [201] * 11
        assert not waiting.done()
    assert (await waiting).status_code == 201


async def test_a_claim_of_one_that_is_refused_keeps_nobody_from_the_name(vendor: MakeVendor) -> None:
    made = await shop(vendor)
    first = await at_once(
        opened(made, CUSTOMERS[0], "T-0", opened_at="2099-01-01T00:00:00Z"), opened(made, CUSTOMERS[1], "T-1")
    )
    assert [answer.status_code for answer in first] == [422, 201]
    await made.ok(await opened(made, CUSTOMERS[5], "T-0"), 201)


async def test_one_that_takes_long_is_answered_and_holds_nobody_up(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await shop(vendor)
    monkeypatch.setattr(shared_calls, "LONG", 0.1)
    release, put = asyncio.Event(), orders.put_order

    async def slow(tx: Tx, command: orders.PutOrder) -> Any:
        found = await put(tx, command)
        if command.order_id.startswith("slow"):
            await release.wait()
        return found

    monkeypatch.setattr(orders, "put_order", slow)
    waiting = [asyncio.ensure_future(ordered(made, name, f"slow-{name}")) for name in CUSTOMERS[:3]]
    await asyncio.sleep(0.3)
    others = await asyncio.wait_for(at_once(*(opened(made, name, f"T-{name}") for name in CUSTOMERS[3:])), timeout=5)
    assert [answer.status_code for answer in others] == [201] * 9
    release.set()
    assert [(await answer).status_code for answer in waiting] == [201] * 3
