"""The feed: in order, nothing skipped, whoever writes at the same time."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from app.db import plan
from app.db.engine import Database
from app.db.events import events, positions
from app.domain.account.changes import OutboxEvent
from tests.conftest import MakeVendor
from tests.events.receiver import adjust, with_customer
from tests.support.api import Vendor


async def seller(vendor: MakeVendor) -> Vendor:
    made = await vendor("cs-cart", "2025-01-02T00:00:00Z")
    await with_customer(made)
    return made


async def read(shop: Vendor, **params: object) -> dict:
    return await shop.ok(await shop.get("/v1/events", **params))


async def test_whoever_just_wrote_finds_its_event(vendor):
    shop = await seller(vendor)
    await adjust(shop, "c1", 7)
    page = await read(shop, type="credits.adjusted")
    (one,) = page["data"]
    assert set(one) == {"id", "type", "sequence", "position", "customer_id", "occurred_at", "recorded_at", "data"}
    assert (one["customer_id"], one["data"]["credits"], page["next_cursor"]) == ("c1", 7, None)
    assert await shop.ok(await shop.get(f"/v1/events/{one['id']}")) == one
    assert (await read(shop, after=page["position"]))["data"] == []
    await adjust(shop, "c1", 1)
    assert [each["type"] for each in (await read(shop, after=page["position"]))["data"]] == [
        "credits.adjusted",
        "credits.granted",
    ]


async def test_pages_by_cursor_position_and_event_id_are_the_same_feed(vendor):
    shop = await seller(vendor)
    for _ in range(4):
        await adjust(shop, "c1")
    whole = (await read(shop, limit=100))["data"]
    assert [one["position"] for one in whole] == list(range(1, len(whole) + 1))
    for name, of in (
        ("cursor", lambda page: page["next_cursor"]),
        ("after", lambda page: page["next_cursor"]),
        ("after", lambda page: page["position"]),
        ("after", lambda page: page["data"][-1]["id"]),
    ):
        seen, page = [], await read(shop, limit=3)
        while True:
            seen += page["data"]
            if page["next_cursor"] is None:
                break
            page = await read(shop, limit=3, **{name: of(page)})
        assert seen == whole


async def test_filters_and_what_is_wrong_with_them(vendor):
    shop = await seller(vendor)
    await with_customer(shop, "c2")
    await adjust(shop, "c2")
    assert {one["customer_id"] for one in (await read(shop, customer_id="c2"))["data"]} == {"c2"}
    assert {one["type"].split(".")[0] for one in (await read(shop, type="credits.*"))["data"]} == {"credits"}
    assert (await read(shop, customer_id="nobody"))["data"] == []
    assert (await shop.get("/v1/events", type="no.such")).json()["code"] == "unknown_event_type"
    assert (await shop.get("/v1/events", after="evt_none")).status_code == 404
    assert (await shop.get("/v1/events", after="rubbish")).status_code == 400
    other = await vendor("cs-cart")
    assert (await other.get(f"/v1/events/{(await read(shop))['data'][0]['id']}")).status_code == 404
    poor = await shop.as_key("tickets:read")
    assert (await poor.get("/v1/events")).status_code == 403


async def test_a_transaction_left_open_hides_no_event_that_commits_after_later_ones(vendor, db: Database):
    shop = await seller(vendor)
    start = (await read(shop, limit=100))["position"]
    opened, finish = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with db.transaction(shop.tenant_id) as tx:
            row = await tx.row(text("select customer_id from customer where external_id = 'c1'"))
            await plan.write_outbox(
                tx,
                [
                    OutboxEvent(
                        type="credits.slow",
                        customer_id=row[0],
                        sequence=10_000,
                        occurred_at=tx.at,
                        data={"slow": True},
                        dedupe_key=None,
                    )
                ],
            )
            opened.set()
            await finish.wait()

    task = asyncio.create_task(slow())
    await opened.wait()
    seen, position = [], start
    await with_customer(shop, "c2")
    end = asyncio.get_running_loop().time() + 1.0
    while asyncio.get_running_loop().time() < end:
        await adjust(shop, "c2")
        page = await read(shop, after=position, limit=100)
        seen += page["data"]
        position = page["position"]
    assert len(seen) > 2
    assert not any(one["data"].get("slow") for one in seen)
    finish.set()
    await task
    seen += (await read(shop, after=position, limit=100))["data"]
    assert sum(bool(one["data"].get("slow")) for one in seen) == 1
    assert [one["position"] for one in seen] == list(range(start + 1, start + 1 + len(seen)))


async def test_a_reader_beside_many_writers_sees_everything_once_and_in_order(vendor, db: Database):
    shop = await seller(vendor)
    names = [f"w{number}" for number in range(6)]
    for name in names:
        await with_customer(shop, name)
    start = (await read(shop, limit=100))["position"]
    done = asyncio.Event()

    async def write(name: str) -> None:
        for _ in range(8):
            await adjust(shop, name, 1)

    async def follow() -> list[dict]:
        seen, position, last = [], start, False
        while True:
            last = done.is_set()
            page = await read(shop, after=position, limit=7)
            seen += page["data"]
            position = page["position"]
            if last and page["next_cursor"] is None:
                return seen

    async def place() -> None:
        while not done.is_set():
            await positions.assign(db, shop.tenant_id)

    reader, placer = asyncio.create_task(follow()), asyncio.create_task(place())
    await asyncio.gather(*(write(name) for name in names))
    done.set()
    seen = await reader
    await placer
    assert [one["position"] for one in seen] == list(range(start + 1, start + 1 + len(seen)))
    assert sum(one["type"] == "credits.adjusted" for one in seen) == 48
    for name in names:
        mine = [one["sequence"] for one in seen if one["customer_id"] == name]
        assert mine == sorted(set(mine))


async def test_an_event_that_concerns_no_customer(vendor, db: Database):
    shop = await seller(vendor)
    async with db.transaction(shop.tenant_id) as tx:
        await events.publish(tx, "policy.published", {"name": "x", "version": 2, "effective_from": "2025-01-01"})
        await events.publish(tx, "policy.published", {"name": "x", "version": 3, "effective_from": "2025-01-01"})
    found = (await read(shop, type="policy.published"))["data"]
    assert [(one["customer_id"], one["data"]["version"]) for one in found] == [(None, 2), (None, 3)]


async def test_the_name_of_an_erased_customer_is_in_no_event(vendor):
    shop = await seller(vendor)
    await adjust(shop, "c1")
    erased = await shop.post("/v1/customers/c1/erasure", {})
    assert erased.status_code in (200, 202), erased.text
    whole = (await read(shop, limit=100))["data"]
    assert {one["customer_id"] for one in whole} == {None}
