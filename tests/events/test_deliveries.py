"""Webhooks going out: the schedule, signatures, order, kills; against a receiver on a real socket."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.connectors.webhooks import sender as sending
from app.connectors.webhooks.dispatcher import any_jitter
from app.db.engine import Database
from app.db.webhooks import claims
from app.domain.events.webhook_retry import SCHEDULE, Attempt, judge
from tests.conftest import MakeVendor
from tests.events.receiver import Receiver, Time, adjust, dispatcher_for, endpoint, place, receiving, with_customer
from tests.support.api import Vendor

HOURS = [0, 5, 305, 2105, 9305, 27305, 63305, 113705, 185705, 272105]
"""Seconds of each attempt since the first: 0, 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after one another."""


async def seller(vendor: MakeVendor, customer_id: str = "c1") -> Vendor:
    made = await vendor("cs-cart", "2025-01-02T00:00:00Z")
    await with_customer(made, customer_id)
    return made


def told_of(receiver: Receiver, customer_id: str) -> list[int]:
    return [one.json["data"]["credits"] for one in receiver.got if one.json["data"]["customer_id"] == customer_id]


async def log_of(vendor: Vendor, endpoint_id: str, **params: str) -> list[dict]:
    return (await vendor.ok(await vendor.get(f"/v1/webhook-endpoints/{endpoint_id}/deliveries", **params)))["data"]


async def test_a_webhook_is_signed_so_that_the_public_library_verifies_it(vendor, db: Database, receiver: Receiver):
    shop = await seller(vendor)
    made = await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    assert made["secret"].startswith("whsec_")
    await adjust(shop, "c1", 3)
    await place(db, shop)
    assert await dispatcher_for(db).drain(shop.tenant_id) == 1
    got = receiver.got[0]
    body = Webhook(made["secret"]).verify(got.body, got.headers)
    assert body["type"] == "credits.adjusted"
    assert set(body) == {"type", "timestamp", "data"}
    assert body["data"]["customer_id"] == "c1"
    assert body["data"]["credits"] == 3
    assert body["data"]["balance"]["available"] == 3
    assert got.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(got.body.replace(b"c1", b"c2"), got.headers)
    (one,) = await log_of(shop, made["endpoint_id"])
    assert (one["state"], one["event_id"], one["attempts"][0]["status"]) == ("delivered", got.id, 200)


async def test_a_receiver_down_for_three_days_is_tried_exactly_on_the_schedule(
    vendor, db: Database, receiver: Receiver
):
    shop = await seller(vendor)
    clock = Time()
    made = await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    receiver.now = clock
    back_at = clock.now + timedelta(days=3)
    receiver.answer = lambda got: (200 if got.at >= back_at else 503, {})
    await adjust(shop, "c1")
    await place(db, shop)
    dispatcher = dispatcher_for(db, clock)
    start, seen = clock.now, []
    while clock.now < start + timedelta(days=4):
        if await dispatcher.drain(shop.tenant_id):
            seen.append(int((clock.now - start).total_seconds()))
        pending = await log_of(shop, made["endpoint_id"], state="pending")
        if not pending:
            break
        following = datetime.fromisoformat(pending[0]["next_attempt_at"])
        clock.now = following - timedelta(seconds=1)
        assert await dispatcher.drain(shop.tenant_id) == 0  # not a second early
        clock.now = following
    assert seen == HOURS
    assert len(set(receiver.ids())) == 1
    stamps = [int(one.headers["webhook-timestamp"]) for one in receiver.got]
    assert [one - stamps[0] for one in stamps] == HOURS  # fresh for each attempt
    (one,) = await log_of(shop, made["endpoint_id"])
    assert one["state"] == "delivered"
    assert [each["status"] for each in one["attempts"]] == [503] * 9 + [200]


async def test_after_the_whole_schedule_it_is_given_up_and_the_endpoint_disabled(
    vendor, db: Database, receiver: Receiver
):
    shop = await seller(vendor)
    clock = Time()
    made = await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    path = f"/v1/webhook-endpoints/{made['endpoint_id']}"
    receiver.answer = lambda _: (500, {})
    await adjust(shop, "c1")
    await adjust(shop, "c1")
    await place(db, shop)
    dispatcher = dispatcher_for(db, clock)
    for wait in SCHEDULE:
        clock.now += wait
        assert await dispatcher.drain(shop.tenant_id) == 1  # the second waits for the first: the customer's order
    assert len(set(receiver.ids())) == 1
    now = await shop.ok(await shop.get(path))
    assert (now["enabled"], now["disabled_reason"]) == (False, "retries_exhausted")
    second, first = sorted(await log_of(shop, made["endpoint_id"]), key=lambda one: len(one["attempts"]))
    assert (first["state"], second["state"]) == ("failed", "pending")
    assert (await shop.post(f"{path}/test", key=None)).json()["code"] == "webhook_endpoint_disabled"
    # Enabled again, it goes on where it stopped; what was given up is sent again by hand, with the same id.
    await adjust(shop, "c1")
    await place(db, shop)
    receiver.answer = lambda _: (204, {})
    await shop.ok(await shop.client.patch(path, json={"enabled": True}))
    clock.now = datetime.now(UTC) + timedelta(seconds=1)
    assert await dispatcher.drain(shop.tenant_id) == 2
    replayed = await shop.post(f"{path}/deliveries/{first['delivery_id']}/replay", key=None)
    assert replayed.status_code == 202, replayed.text
    assert await dispatcher.drain(shop.tenant_id) == 1
    assert receiver.got[-1].id == first["event_id"]


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (502, "7200", 7200),
        (504, "3", 5),
        (500, "120", 5),
        (429, "soon", 5),
        (429, "Tue, 01 Jan 2030 00:10:00 GMT", 600),
        (429, "999999999999", 86400),
        (301, "120", 5),
    ],
)
async def test_retry_after_is_honoured_where_a_receiver_throttles(status: int, header: str, wait: int):
    at = datetime(2030, 1, 1, tzinfo=UTC)
    outcome = judge(Attempt(status, retry_after=header), step=0, at=at)
    assert outcome.next_at == at + timedelta(seconds=wait)


async def test_redirects_hangs_and_closed_doors_are_failures(vendor, db: Database, receiver: Receiver):
    shop = await seller(vendor)
    clock = Time()
    made = await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    await adjust(shop, "c1")
    await place(db, shop)
    dispatcher = dispatcher_for(db, clock, timeout=0.3)
    async with receiving() as elsewhere:
        receiver.answer = lambda _: (302, {"Location": elsewhere.url})
        await dispatcher.drain(shop.tenant_id)
        assert elsewhere.got == []
    receiver.hang = True
    clock.move(seconds=5)
    await dispatcher.drain(shop.tenant_id)
    closed = f"/v1/webhook-endpoints/{made['endpoint_id']}"
    await shop.ok(await shop.client.patch(closed, json={"url": "http://127.0.0.1:9/hook"}))
    clock.move(seconds=300)
    await dispatcher.drain(shop.tenant_id)
    (one,) = await log_of(shop, made["endpoint_id"])
    first, second, third = one["attempts"]
    assert first["status"] == 302
    assert (second["status"], second["error"]) == (None, "no answer within 0.3 seconds")
    assert third["status"] is None
    assert "Connect" in third["error"]
    assert (one["state"], one["failures"]) == ("pending", 3)


async def test_410_disables_at_once(vendor, db: Database, receiver: Receiver):
    shop = await seller(vendor)
    made = await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    receiver.answer = lambda _: (410, {})
    await adjust(shop, "c1")
    await place(db, shop)
    dispatcher = dispatcher_for(db)
    assert await dispatcher.drain(shop.tenant_id) == 1
    now = await shop.ok(await shop.get(f"/v1/webhook-endpoints/{made['endpoint_id']}"))
    assert (now["enabled"], now["disabled_reason"]) == (False, "receiver_gone")
    await adjust(shop, "c1")
    await place(db, shop)
    assert await dispatcher.drain(shop.tenant_id) == 0


async def test_rotation_signs_with_both_secrets_until_the_overlap_is_over(vendor, db: Database, receiver: Receiver):
    shop = await seller(vendor)
    clock = Time(datetime.now(UTC))
    made = await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    path = f"/v1/webhook-endpoints/{made['endpoint_id']}/secret/rotation"
    new = await shop.ok(await shop.post(path, {"overlap_seconds": 60}, key=None), 201)
    assert new["secret"] != made["secret"]
    dispatcher = dispatcher_for(db, clock)
    await adjust(shop, "c1")
    await place(db, shop)
    clock.move(seconds=1)
    await dispatcher.drain(shop.tenant_id)
    got = receiver.got[0]
    for secret in (made["secret"], new["secret"]):
        Webhook(secret).verify(got.body, got.headers)
    clock.move(seconds=120)
    await adjust(shop, "c1")
    await place(db, shop)
    await dispatcher.drain(shop.tenant_id)
    got = receiver.got[1]
    Webhook(new["secret"]).verify(got.body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(got.body, got.headers)


async def test_each_customers_events_come_in_order_and_one_customer_never_holds_up_another(
    vendor, db: Database, receiver: Receiver
):
    shop = await seller(vendor)
    await with_customer(shop, "c2")
    clock = Time()
    await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    receiver.answer = lambda got: (500 if got.json["data"]["customer_id"] == "c1" and clock.now < later else 200, {})
    later = clock.now + timedelta(seconds=4)
    for number in range(1, 6):
        await adjust(shop, "c1", number)
        await adjust(shop, "c2", number)
    await place(db, shop)
    dispatcher = dispatcher_for(db, clock)
    await dispatcher.drain(shop.tenant_id)
    assert told_of(receiver, "c2") == [1, 2, 3, 4, 5]
    assert told_of(receiver, "c1") == [1]
    clock.move(seconds=5)
    await dispatcher.drain(shop.tenant_id)
    assert told_of(receiver, "c1") == [1, 1, 2, 3, 4, 5]
    sequences = [one.json["data"]["sequence"] for one in receiver.got if one.json["data"]["customer_id"] == "c1"]
    assert sequences == sorted(sequences)


async def test_killed_between_sending_and_writing_it_goes_out_again_with_the_same_id(
    vendor, db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    shop = await seller(vendor)
    clock = Time()
    await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    await adjust(shop, "c1", 1)
    await adjust(shop, "c1", 2)
    await place(db, shop)
    killed = dispatcher_for(db, clock)
    sent = asyncio.Event()

    async def never(*_):
        sent.set()
        await asyncio.sleep(60)

    with monkeypatch.context() as patched:
        patched.setattr(claims, "write", never)
        await killed.deliveries(db, shop.tenant_id)
        await asyncio.wait_for(sent.wait(), 5)
        await killed.close(seconds=0)
    other = dispatcher_for(db, clock)
    assert await other.drain(shop.tenant_id) == 0  # the dead one's lease, and the order behind it
    clock.move(seconds=61)
    assert await other.drain(shop.tenant_id) == 2
    ids = receiver.ids()
    assert list(dict.fromkeys(ids)) == ids[-2:]  # all that was sent goes out again, in its order
    assert told_of(receiver, "c1")[-2:] == [1, 2]


async def test_any_number_of_couriers_send_each_event_once(vendor, db: Database, receiver: Receiver):
    shop = await seller(vendor)
    for number in range(6):
        await with_customer(shop, f"m{number}")
    await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    for _ in range(5):
        await asyncio.gather(*(adjust(shop, f"m{number}") for number in range(6)))
    await place(db, shop)
    await asyncio.gather(*(dispatcher_for(db).drain(shop.tenant_id) for _ in range(3)))
    assert len(receiver.got) == 30
    assert len(set(receiver.ids())) == 30
    for number in range(6):
        mine = [one.json["data"]["sequence"] for one in receiver.got if one.json["data"]["customer_id"] == f"m{number}"]
        assert mine == sorted(mine)


async def test_a_hanging_receiver_holds_up_no_other_endpoint(vendor, db: Database, receiver: Receiver):
    shop = await seller(vendor)
    async with receiving() as good:
        receiver.hang = True
        await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
        await endpoint(shop, good.url, event_types=["credits.adjusted"])
        await adjust(shop, "c1")
        await place(db, shop)
        dispatcher = dispatcher_for(db, timeout=5)
        began = asyncio.get_running_loop().time()
        await dispatcher.deliveries(db, shop.tenant_id)
        while not good.got:  # noqa: ASYNC110 - a receiver has no event to wait for
            await asyncio.sleep(0.02)
        assert asyncio.get_running_loop().time() - began < 1.5
        await dispatcher.close(seconds=0.1)


async def test_a_test_event_a_filter_and_a_replay_of_a_span(vendor, db: Database, receiver: Receiver):
    shop = await seller(vendor)
    await with_customer(shop, "c2")
    await adjust(shop, "c2")  # before the endpoint was there: never delivered
    since = datetime.now(UTC) - timedelta(hours=1)
    made = await endpoint(shop, receiver.url, customer_id="c2", event_types=["credits.*"], description="only c2")
    path = f"/v1/webhook-endpoints/{made['endpoint_id']}"
    dispatcher = dispatcher_for(db)
    tested = await shop.ok(await shop.post(f"{path}/test", key=None), 202)
    assert tested["type"] == "webhook.test"
    await dispatcher.drain(shop.tenant_id)
    assert receiver.got[0].type == "webhook.test"
    Webhook(made["secret"]).verify(receiver.got[0].body, receiver.got[0].headers)
    await adjust(shop, "c1")
    await adjust(shop, "c2")
    await place(db, shop)
    await dispatcher.drain(shop.tenant_id)
    assert {one.json["data"].get("customer_id") for one in receiver.got[1:]} == {"c2"}
    known = set(receiver.ids()[1:])
    failed = await shop.ok(await shop.post(f"{path}/replay", {"since": since.isoformat()}, key=None), 202)
    whole = {"since": since.isoformat(), "which": "all"}
    again = await shop.ok(await shop.post(f"{path}/replay", whole, key=None), 202)
    assert (failed["replayed"], again["replayed"]) == (2, len(known))
    await dispatcher.drain(shop.tenant_id)
    assert known <= set(receiver.ids()[1 + len(known) :])


async def test_jitter_stays_within_its_bounds():
    assert all(-100 <= any_jitter() <= 100 for _ in range(200))
    at = datetime(2030, 1, 1, tzinfo=UTC)
    least = judge(Attempt(500), step=1, at=at, jitter_permille=-100)
    most = judge(Attempt(500), step=1, at=at, jitter_permille=100)
    assert (least.next_at, most.next_at) == (at + timedelta(seconds=270), at + timedelta(seconds=330))


async def test_a_body_is_always_small():
    body = sending.body_of("x", "2025-01-01T00:00:00Z", {"sequence": 1, "reasons": ["ü" * 20_000]}, event_id="evt_1")
    assert len(body) < sending.MAX_PAYLOAD
    assert b'"truncated":true' in body
    assert b'"sequence":1' in body


async def test_old_deliveries_and_events_are_removed_and_what_is_waited_for_stays(
    vendor, db: Database, receiver: Receiver
):
    shop = await seller(vendor)
    made = await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    await adjust(shop, "c1")
    await place(db, shop)
    await dispatcher_for(db).drain(shop.tenant_id)
    await adjust(shop, "c1")
    await place(db, shop)
    later = Time(datetime.now(UTC) + timedelta(days=31))
    assert await dispatcher_for(db, later).retention(db, shop.tenant_id) == 1
    assert await log_of(shop, made["endpoint_id"]) == []
    much_later = Time(datetime.now(UTC) + timedelta(days=401))
    await dispatcher_for(db, much_later).retention(db, shop.tenant_id)
    left = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    assert len(left) == 2  # what followed the last delivery: the endpoint has not been told yet
    assert {one["data"]["credits"] for one in left} == {10}
