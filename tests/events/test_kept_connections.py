"""Connections to receivers are kept, and what was judged when they were opened holds for as long as they are."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter

import pytest

from app.connectors.webhooks import address_guard
from app.connectors.webhooks.pace import DOUBTFUL_SENDS_MAX, LANES_MAX
from app.connectors.webhooks.sender import Sender
from app.db.engine import Database
from app.db.webhooks import claims
from tests.conftest import MakeVendor
from tests.events.receiver import Receiver, adjust, dispatcher_for, endpoint, place, receiving, with_customer
from tests.support.api import Vendor


async def crowd(vendor: MakeVendor, customers: int) -> Vendor:
    shop = await vendor("cs-cart", "2025-01-02T00:00:00Z")
    for number in range(customers):
        await with_customer(shop, f"c{number}")
    return shop


async def told(shop: Vendor, db: Database, customers: int, times: int = 1) -> None:
    """Events of so many customers, placed."""
    for _ in range(times):
        await asyncio.gather(*(adjust(shop, f"c{number}") for number in range(customers)))
    await place(db, shop)


async def test_many_deliveries_come_over_few_connections_and_are_written_together(
    vendor: MakeVendor, db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    shop = await crowd(vendor, 10)
    receiver.keeps = True
    await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    await told(shop, db, 10, times=6)
    written: list[int] = []
    plain = claims.write

    async def counted(tx, endpoint_id, results):
        written.append(len(results))
        return await plain(tx, endpoint_id, results)

    monkeypatch.setattr(claims, "write", counted)
    dispatcher = dispatcher_for(db)
    assert await dispatcher.drain(shop.tenant_id) == 60
    assert len(set(receiver.ids())) == 60
    assert receiver.connections <= LANES_MAX
    assert sum(written) == 60
    assert len(written) <= 40  # one customer's six at once, ten customers side by side
    for number in range(10):
        mine = [one.json["data"]["sequence"] for one in receiver.got if one.json["data"]["customer_id"] == f"c{number}"]
        assert mine == sorted(mine)
    await dispatcher.close()


async def test_a_kept_connection_stays_with_the_address_that_was_judged(receiver: Receiver):
    receiver.keeps = True
    leads_to = ["127.0.0.1"]
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list:
        asked.append(leads_to[0])
        return [ipaddress.ip_address(leads_to[0])]

    port = int(receiver.url.split(":")[2].split("/")[0])
    url = f"http://shop.example:{port}/"
    sender = Sender(allow_private=True, timeout=2, resolver=rebinding)
    assert (await sender.send(url, {"webhook-id": "evt_1"}, b"{}", via="one")).status == 200
    leads_to[0] = "169.254.169.254"  # never, whatever the settings
    assert (await sender.send(url, {"webhook-id": "evt_2"}, b"{}", via="one")).status == 200
    assert (asked, receiver.connections) == (["127.0.0.1"], 1)
    other = await sender.send(url, {"webhook-id": "evt_3"}, b"{}", via="another")
    assert other.status is None
    assert "refused" in (other.error or "")
    await sender.close()
    assert [one.id for one in receiver.got] == ["evt_1", "evt_2"]


async def test_an_old_connection_is_not_used_again_so_that_a_name_is_followed_and_judged_anew(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    receiver.keeps = True
    leads_to = ["127.0.0.1"]

    async def moving(host: str, port: int) -> list:
        return [ipaddress.ip_address(leads_to[0])]

    port = int(receiver.url.split(":")[2].split("/")[0])
    url = f"http://shop.example:{port}/"
    sender = Sender(allow_private=True, timeout=2, resolver=moving)
    monkeypatch.setattr(address_guard, "OPEN_SECONDS", 0.0)
    assert (await sender.send(url, {"webhook-id": "evt_1"}, b"{}", via="one")).status == 200
    assert (await sender.send(url, {"webhook-id": "evt_2"}, b"{}", via="one")).status == 200
    assert receiver.connections == 2
    leads_to[0] = "169.254.169.254"
    refused = await sender.send(url, {"webhook-id": "evt_3"}, b"{}", via="one")
    await sender.close()
    assert refused.status is None
    assert "refused" in (refused.error or "")


async def test_a_kept_connection_that_the_receiver_closes_is_no_failed_attempt(receiver: Receiver):
    receiver.keeps = receiver.drops = True
    sender = Sender(allow_private=True, timeout=2)
    for number in range(3):
        attempt = await sender.send(receiver.url, {"webhook-id": f"evt_{number}"}, b"{}", via="one")
        assert attempt.status == 200, attempt.error
    await sender.close()
    assert [one.id for one in receiver.got] == ["evt_0", "evt_1", "evt_2"]


async def test_a_redirect_is_not_followed_over_a_kept_connection_either(receiver: Receiver):
    receiver.keeps = True
    async with receiving() as elsewhere:
        receiver.answer = lambda _: (307, {"Location": elsewhere.url})
        sender = Sender(allow_private=True, timeout=2)
        for number in range(2):
            attempt = await sender.send(receiver.url, {"webhook-id": f"evt_{number}"}, b"{}", via="one")
            assert attempt.status == 307
        await sender.close()
        assert elsewhere.got == []


async def test_however_many_receivers_hang_one_that_answers_is_told_at_once(vendor: MakeVendor, db: Database):
    """More hanging endpoints than there are places for doubtful ones; the good one has proven itself before."""
    good_shop, shops = await crowd(vendor, 1), [await crowd(vendor, 4) for _ in range(6)]
    async with receiving() as good, receiving() as bad:
        good.keeps, bad.hang = True, True
        await endpoint(good_shop, good.url, event_types=["credits.adjusted"])
        dispatcher = dispatcher_for(db, timeout=20)
        await told(good_shop, db, 1)
        await dispatcher.drain(good_shop.tenant_id)
        for shop in shops:
            for _ in range(5):
                await endpoint(shop, bad.url, event_types=["credits.adjusted"])
            await told(shop, db, 4)
            await dispatcher.deliveries(db, shop.tenant_id)
        async with asyncio.timeout(10):
            while len(bad.got) < DOUBTFUL_SENDS_MAX:  # noqa: ASYNC110 - a receiver has no event to wait for
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert len(bad.got) == DOUBTFUL_SENDS_MAX  # of the 120 that are due: the rest waits for a place
        by_tenant = Counter(one.json["data"]["customer_id"] for one in bad.got)
        assert len(by_tenant) == 4
        began = asyncio.get_running_loop().time()
        await told(good_shop, db, 1)
        await dispatcher.deliveries(db, good_shop.tenant_id)
        async with asyncio.timeout(5):
            while len(good.got) < 2:  # noqa: ASYNC110 - a receiver has no event to wait for
                await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - began < 2
        await dispatcher.close(seconds=0)


async def test_a_lane_goes_on_where_it_failed_and_nothing_behind_it_is_counted_as_tried(
    vendor: MakeVendor, db: Database, receiver: Receiver
):
    shop = await crowd(vendor, 1)
    receiver.keeps = True
    made = await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    await told(shop, db, 1, times=5)
    seen: list[str] = []

    def third_fails(got):
        seen.append(got.id)
        return (503 if len(seen) == 3 else 200, {})

    receiver.answer = third_fails
    dispatcher = dispatcher_for(db)
    await dispatcher.drain(shop.tenant_id)
    await dispatcher.close()
    path = f"/v1/webhook-endpoints/{made['endpoint_id']}/deliveries"
    rows = (await shop.ok(await shop.get(path)))["data"][::-1]  # the oldest first
    assert [row["state"] for row in rows] == ["delivered", "delivered", "pending", "pending", "pending"]
    assert [len(row["attempts"]) for row in rows] == [1, 1, 1, 0, 0]
    assert [row["failures"] for row in rows] == [0, 0, 1, 0, 0]
    assert rows[3]["next_attempt_at"] == rows[2]["next_attempt_at"]
