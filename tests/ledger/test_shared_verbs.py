"""Verbs on tickets of different customers that come at once are written in one transaction, each as if it were alone.

Each keeps its key: it is done once, a replay gets the first answer, and one that is refused changes nothing for others.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from app.db import shared_calls
from app.db.account import accounts
from app.db.engine import Database
from app.db.failures import Retry, Unavailable
from app.domain.values.digests import CallContent
from app.usecases.commands import once
from tests.conftest import MakeVendor
from tests.ledger.test_shared_transactions import CUSTOMERS, PACK, PLACED, TICKET, at_once, ordered, shop, shown, works
from tests.support.api import Vendor

__all__ = ["works"]
ANSWER = {"author": "vendor", "kind": "service", "public": True}


async def desk(vendor: MakeVendor) -> Vendor:
    """Customers with a license, a pack and an accepted ticket each, `first-c-0` and so on."""
    return await shop(vendor)


def respond(made: Vendor, ticket: str, key: str | None = None, **more: Any) -> Any:
    return made.post(f"/v1/tickets/{ticket}/responses", {**ANSWER, **more}, key=key or f"r-{ticket}")


def resolve(made: Vendor, ticket: str, key: str | None = None) -> Any:
    return made.post(f"/v1/tickets/{ticket}/resolution", {"cause": "question"}, key=key or f"s-{ticket}")


FIRST = [f"first-{name}" for name in CUSTOMERS]


async def test_responses_and_resolutions_that_come_at_once_share_a_transaction(
    vendor: MakeVendor, works: list[tuple[int, int]]
) -> None:
    made = await desk(vendor)
    for verb in (respond, resolve):
        del works[:]
        answers = await at_once(*(verb(made, ticket) for ticket in FIRST))
        assert [answer.status_code for answer in answers] == [200] * 12, answers[0].text
        assert max(many for many, _ in works) >= 6
        assert sum(alone for _, alone in works) == 0
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_verbs_that_are_written_together_are_what_is_written_alone(
    vendor: MakeVendor, works: list[tuple[int, int]]
) -> None:
    made = await desk(vendor)
    for name in CUSTOMERS[:7]:
        await made.ok(await ordered(made, name, f"O-{name}"), 201)
    alone, shared = CUSTOMERS[0], CUSTOMERS[1:7]
    first = [await respond(made, f"first-{alone}"), await resolve(made, f"first-{alone}")]
    del works[:]
    answers = [
        await at_once(*(respond(made, f"first-{name}") for name in shared)),
        await at_once(*(resolve(made, f"first-{name}") for name in shared)),
    ]
    assert works
    assert sum(left for _, left in works) == 0
    expected = await shown(made, alone, f"first-{alone}", f"O-{alone}")
    for number, name in enumerate(shared):
        assert await shown(made, name, f"first-{name}", f"O-{name}") == expected
        for verb, answer in enumerate(first):
            assert answers[verb][number].json().keys() == answer.json().keys()
            assert answers[verb][number].json()["state"] == answer.json()["state"]


async def test_each_key_is_done_once_and_replayed(vendor: MakeVendor, works: list[tuple[int, int]]) -> None:
    made = await desk(vendor)
    first = await at_once(*(respond(made, ticket) for ticket in FIRST))
    del works[:]
    again = await at_once(*(respond(made, ticket) for ticket in FIRST))
    assert works
    for one, other in zip(first, again, strict=True):
        assert other.content == one.content
        assert other.headers["Idempotent-Replayed"] == "true"
    shown_ticket = await made.ok(await made.get(f"/v1/tickets/{FIRST[0]}"))
    assert len(shown_ticket["responses"]) == 1


async def test_a_key_that_comes_twice_at_once_is_one_call(vendor: MakeVendor) -> None:
    made = await desk(vendor)
    answers = await at_once(
        respond(made, FIRST[0], "one"),
        respond(made, FIRST[0], "one"),
        respond(made, FIRST[1], "one"),  # the key of another call
        *(respond(made, ticket) for ticket in FIRST[2:6]),
    )
    codes = [answer.status_code for answer in answers]
    assert codes[3:] == [200] * 4
    done = [answer for answer in answers[:3] if answer.status_code == 200]
    refused = [answer for answer in answers[:3] if answer.status_code != 200]
    assert {answer.json()["code"] for answer in refused} == {"idempotency_key_reused"}
    assert len({answer.content for answer in done}) == 1
    counts = [len((await made.ok(await made.get(f"/v1/tickets/{ticket}")))["responses"]) for ticket in FIRST[:2]]
    assert sorted(counts) == [0, 1]


async def test_one_that_is_refused_leaves_the_others(vendor: MakeVendor, works: list[tuple[int, int]]) -> None:
    made = await desk(vendor)
    await made.ok(await resolve(made, FIRST[3]))
    del works[:]
    answers = await at_once(
        resolve(made, FIRST[0]),
        resolve(made, "nobody-knows"),
        respond(made, FIRST[1], occurred_at="2099-01-01T00:00:00Z"),
        resolve(made, FIRST[3], "another key"),  # it is resolved
        respond(made, FIRST[2]),
    )
    assert [answer.status_code for answer in answers] == [200, 404, 422, 409, 200], [a.text for a in answers]
    assert works
    assert (await made.ok(await made.get(f"/v1/tickets/{FIRST[1]}")))["responses"] == []
    # What was refused is not stored: the same key may be used again.
    await made.ok(await respond(made, FIRST[1]))
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_all_kinds_of_works_share_one(vendor: MakeVendor, works: list[tuple[int, int]]) -> None:
    made = await desk(vendor)
    del works[:]
    answers = await at_once(
        *(respond(made, ticket) for ticket in FIRST[:3]),
        *(ordered(made, name, f"O-{name}") for name in CUSTOMERS[3:6]),
        *(made.put(f"/v1/tickets/T-{name}", {"customer_id": name, **TICKET}) for name in CUSTOMERS[6:9]),
        *(resolve(made, ticket) for ticket in FIRST[9:]),
    )
    assert [answer.status_code for answer in answers] == [200] * 3 + [201] * 6 + [200] * 3
    assert max(many for many, _ in works) >= 6
    assert sum(alone for _, alone in works) == 0
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_two_tickets_of_one_customer_take_turns(vendor: MakeVendor) -> None:
    made = await desk(vendor)
    mine = CUSTOMERS[0]
    await made.ok(await made.put("/v1/tickets/second", {"customer_id": mine, **TICKET}), 201)
    answers = await at_once(
        respond(made, FIRST[0]),
        resolve(made, "second"),
        made.put("/v1/orders/O-1", {"customer_id": mine, "lines": [PACK], **PLACED}),
        respond(made, FIRST[1]),
    )
    assert [answer.status_code for answer in answers] == [200, 200, 201, 200]
    assert (await made.ok(await made.get("/v1/tickets/second")))["state"] == "resolved"
    assert len((await made.ok(await made.get(f"/v1/tickets/{FIRST[0]}")))["responses"]) == 1
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_works_of_all_kinds_from_two_transactions_stand_in_no_circle(app: FastAPI, vendor: MakeVendor) -> None:
    """One locks by names what the other locks by tickets; both lock all of it in the order of the customers."""
    made = await desk(vendor)
    for turn in range(3):
        calls = []
        for number in range(6):
            left, right = CUSTOMERS[number], CUSTOMERS[11 - number]
            calls += [ordered(made, left, f"O-{turn}-{left}"), respond(made, f"first-{right}", f"r-{turn}-{right}")]
            calls += [ordered(made, right, f"O-{turn}-{right}"), respond(made, f"first-{left}", f"r-{turn}-{left}")]
        answers = await asyncio.wait_for(at_once(*calls), timeout=60)
        assert {answer.status_code for answer in answers} == {200, 201}
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_a_lost_commit_is_told_to_all_and_a_repeat_is_a_replay(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await desk(vendor)
    run, lost = shared_calls.run, []

    async def unheard(*arguments: Any, **more: Any) -> list[shared_calls.Outcome]:
        found = await run(*arguments, **more)
        if not lost:
            lost.append(len(found))
            raise Unavailable("the answer to a commit was lost", outcome_unknown=True)
        return found

    monkeypatch.setattr(shared_calls, "run", unheard)
    answers = await at_once(*(respond(made, ticket) for ticket in FIRST))
    assert [answer.status_code for answer in answers].count(503) == lost[0] >= 2
    again = await at_once(*(respond(made, ticket) for ticket in FIRST))
    assert [answer.status_code for answer in again] == [200] * 12
    for ticket in FIRST:
        assert len((await made.ok(await made.get(f"/v1/tickets/{ticket}")))["responses"]) == 1


async def test_what_the_database_refuses_for_all_is_done_one_by_one(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await desk(vendor)
    failed: list[int] = []
    write = shared_calls.write_rows

    async def once_refused(*arguments: Any) -> None:
        await write(*arguments)
        if not failed:
            failed.append(1)
            raise Retry("collided")

    monkeypatch.setattr(shared_calls, "write_rows", once_refused)
    answers = await at_once(*(resolve(made, ticket) for ticket in FIRST))
    assert failed
    assert [answer.status_code for answer in answers] == [200] * 12
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_a_key_that_somebody_has_is_waited_for_and_holds_nobody_up(app: FastAPI, vendor: MakeVendor) -> None:
    made = await desk(vendor)
    database: Database = app.state.house.database
    content = CallContent({"ticket_id": FIRST[0]}, dict)

    async def nothing(_: Any) -> dict[str, Any]:
        return {}

    async with database.transaction(made.tenant_id) as tx:
        await once(tx, "mine", "another", content, None, nothing)
        waiting = asyncio.ensure_future(respond(made, FIRST[0], "mine"))
        others = await asyncio.wait_for(at_once(*(respond(made, ticket) for ticket in FIRST[1:])), timeout=2.5)
        assert [answer.status_code for answer in others] == [200] * 11
        assert not waiting.done()
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_customer_whom_somebody_has_locked_holds_nobody_up(app: FastAPI, vendor: MakeVendor) -> None:
    made = await desk(vendor)
    database: Database = app.state.house.database
    async with database.transaction(made.tenant_id) as tx:
        await accounts.lock_named(tx, CUSTOMERS[0])
        waiting = asyncio.ensure_future(respond(made, FIRST[0]))
        others = await asyncio.wait_for(at_once(*(respond(made, ticket) for ticket in FIRST[1:])), timeout=2.5)
        assert [answer.status_code for answer in others] == [200] * 11
        assert not waiting.done()
    assert (await waiting).status_code == 200


async def test_only_checking_writes_nothing(vendor: MakeVendor) -> None:
    made = await desk(vendor)
    answers = await at_once(
        made.post(f"/v1/tickets/{FIRST[0]}/resolution?validate_only=true", {"cause": "question"}, key="v"),
        *(resolve(made, ticket) for ticket in FIRST[1:5]),
    )
    assert [answer.status_code for answer in answers] == [200] * 5
    assert (await made.ok(await made.get(f"/v1/tickets/{FIRST[0]}")))["state"] == "in_progress"


async def test_metrics_tell_how_many_calls_share_a_transaction(vendor: MakeVendor) -> None:
    made = await desk(vendor)

    async def figures() -> dict[str, float]:
        page = (await made.get("/metrics")).text
        lines = [line.split() for line in page.splitlines() if line.startswith("retainer_shared_")]
        return {name.removeprefix("retainer_shared_").removesuffix("_total"): float(value) for name, value in lines}

    before = await figures()
    await at_once(*(respond(made, ticket) for ticket in FIRST), respond(made, "nobody-knows"))
    after = await figures()
    assert after["calls"] - before["calls"] == 13
    assert 1 <= after["transactions"] - before["transactions"] <= 7
    assert after["left"] - before["left"] <= 1
