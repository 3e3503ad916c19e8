"""Credits for any other use, and calendars and clocks: the published surface, said as `api.md` says it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from tests.conftest import MakeVendor
from tests.published.shop import bought, is_page, is_problem, opened
from tests.support.api import START, Vendor


async def bare(shop: Vendor, path: str) -> httpx.Response:
    """A POST with its key and no body at all."""
    return await shop.client.post(path, headers={"Idempotency-Key": uuid.uuid4().hex})


async def test_the_balance(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    read = await shop.ok(await shop.get("/v1/customers/c1/balance"))
    assert {"unit", "available", "held", "lots", "by_type"} <= set(read)
    [lot] = read["lots"]
    assert {"lot_id", "source", "credit_type", "granted", "available", "held", "expires_at"} <= set(lot)
    assert lot["expires_at"] == "2027-01-01T00:00:00Z"
    assert sum(one["available"] for one in read["by_type"].values()) == 60


async def test_holds(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    path = "/v1/customers/c1/holds"
    is_problem(await shop.post(path, {"credits": 10}, key=None), 400)
    is_problem(await shop.post(path, {"credits": 61}), 409, "insufficient_credits")
    is_problem(await shop.post(path, {"credits": 0}), 422)
    is_problem(await shop.post(path, {"credits": 1.5}), 422)
    is_problem(await shop.post(path, {}), 422)
    is_problem(await bare(shop, path), 422)
    made = await shop.ok(
        await shop.post(
            path, {"credits": 20, "credit_type": None, "ticket_id": "T 1", "expires_at": "2025-02-01T00:00:00Z"}
        ),
        201,
    )
    hold = f"/v1/holds/{made['hold_id']}"
    part = await shop.ok(await shop.post(f"{hold}/capture", {"credits": 5}))
    assert (part["captured"], part["held"]) == (5, 15)
    part = await shop.ok(await shop.post(f"{hold}/capture", {"credits": 5, "final": False}))
    assert (part["captured"], part["held"]) == (10, 10)
    last = await shop.ok(await shop.post(f"{hold}/capture", {"credits": 4, "final": True}))
    assert (last["captured"], last["held"], last["released"]) == (14, 0, 6)
    back = await shop.ok(await shop.post(f"{hold}/refund", {"credits": 4}))
    assert back["refunded"] == 4
    back = await shop.ok(await bare(shop, f"{hold}/refund"))
    assert back["refunded"] == 14
    is_problem(await bare(shop, f"{hold}/refund"), 409)
    all_of_it = await shop.ok(await shop.post(path, {"credits": 7}), 201)
    assert (await shop.ok(await bare(shop, f"/v1/holds/{all_of_it['hold_id']}/capture")))["captured"] == 7
    given_back = await shop.ok(await shop.post(path, {"credits": 7}), 201)
    assert (await shop.ok(await bare(shop, f"/v1/holds/{given_back['hold_id']}/release")))["released"] == 7
    assert (await shop.ok(await shop.get("/v1/customers/c1/balance")))["available"] == 53
    assert is_page(await shop.get("/v1/audit")) == []


async def test_a_hold_ends(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    made = await shop.ok(
        await shop.post("/v1/customers/c1/holds", {"credits": 5, "expires_at": "2025-01-02T00:00:00Z"}), 201
    )
    await shop.move_clock("2025-01-02T00:00:00Z")
    assert (await shop.ok(await shop.get("/v1/customers/c1/balance")))["available"] == 60
    is_problem(await bare(shop, f"/v1/holds/{made['hold_id']}/capture"), 409)


async def test_adjustments(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    path = "/v1/customers/c1/adjustments"
    await shop.ok(
        await shop.post(path, {"credits": 10, "reason": "kindness", "expires_at": "2025-02-01T00:00:00Z"}), 201
    )
    await shop.ok(await shop.post(path, {"credits": -3, "reason": "mistake"}), 201)
    is_problem(await shop.post(path, {"credits": -8, "reason": "too much"}), 409, "insufficient_credits")
    is_problem(await shop.post(path, {"credits": 0, "reason": "x"}), 422)
    poor = await shop.as_key("credits:debit")
    is_problem(await poor.post(path, json={"credits": 1, "reason": "x"}, headers={"Idempotency-Key": "k"}), 403)
    await shop.move_clock("2025-02-01T00:00:00Z")
    assert (await shop.ok(await shop.get("/v1/customers/c1/balance")))["available"] == 0
    then = await shop.ok(await shop.get("/v1/customers/c1/balance", as_of="2025-01-31T23:59:59Z"))
    assert then["available"] == 7


async def test_a_batch_of_a_thousand(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    commands: list[dict[str, Any]] = [
        {"idempotency_key": f"b-{number}", "kind": "debit", "customer_id": "c1", "credits": 1} for number in range(1000)
    ]
    first = await shop.post("/v1/credit-batches", {"commands": commands}, key=None)
    assert first.status_code == 200, first.text
    rows = first.json()["results"]
    assert len(rows) == 1000
    assert sorted({row["status"] for row in rows}) == [201, 409]
    assert sum(row["status"] == 201 for row in rows) == 60
    assert all({"status", "code", "result"} <= set(row) for row in rows)
    again = (await shop.post("/v1/credit-batches", {"commands": commands[:60]}, key=None)).json()["results"]
    assert [row["result"] for row in again] == [row["result"] for row in rows[:60]]
    is_problem(await shop.post("/v1/credit-batches", {"commands": [*commands, commands[0]]}, key=None), 422)


async def test_each_item_of_a_batch_stands_alone(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    hold = (await shop.ok(await shop.post("/v1/customers/c1/holds", {"credits": 5}), 201))["hold_id"]
    spent = (await shop.ok(await shop.post("/v1/customers/c1/debits", {"credits": 5}), 201))["hold_id"]
    other = (await shop.ok(await shop.post("/v1/customers/c1/holds", {"credits": 5}), 201))["hold_id"]
    commands: list[dict[str, Any]] = [
        {"idempotency_key": "1", "kind": "hold", "customer_id": "c1", "credits": 1},
        {"idempotency_key": "2", "kind": "capture", "hold_id": hold},
        {"idempotency_key": "3", "kind": "release", "hold_id": other},
        {"idempotency_key": "4", "kind": "refund", "hold_id": spent},
        {"idempotency_key": "5", "kind": "debit", "customer_id": "c1", "credits": 1},
        {"idempotency_key": "6", "kind": "adjust", "customer_id": "c1", "credits": 1, "reason": "x"},
        {"idempotency_key": "7", "kind": "debit", "customer_id": "nobody", "credits": 1},
        {"idempotency_key": "8", "kind": "steal", "customer_id": "c1", "credits": 1},
        {"idempotency_key": "9", "kind": "capture", "hold_id": "none", "customer_id": "c1"},
        {"kind": "debit", "customer_id": "c1", "credits": 1},
        {"idempotency_key": "5", "kind": "debit", "customer_id": "c1", "credits": 2},
    ]
    rows = (await shop.ok(await shop.post("/v1/credit-batches", {"commands": commands}, key=None), 200))["results"]
    assert [row["status"] for row in rows] == [201, 200, 200, 200, 201, 201, 404, 422, 404, 422, 422]
    adjuster = await shop.as_key("credits:adjust")
    two = {"commands": [{**commands[5], "idempotency_key": "a"}, {**commands[4], "idempotency_key": "b"}]}
    rows = (await shop.ok(await adjuster.post("/v1/credit-batches", json=two), 200))["results"]
    assert [row["status"] for row in rows] == [201, 403]


async def test_debits_at_once_with_holds_and_refunds(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    await asyncio.gather(
        *(shop.post("/v1/customers/c1/debits", {"credits": 1}) for _ in range(20)),
        *(shop.post("/v1/customers/c1/holds", {"credits": 1}) for _ in range(20)),
        *(
            shop.put(
                "/v1/orders/o-9",
                {
                    "customer_id": "c1",
                    "placed_at": START,
                    "currency": "USD",
                    "lines": [{"line_id": "1", "sku": "credits-60"}],
                },
            )
            for _ in range(10)
        ),
    )
    read = await shop.ok(await shop.get("/v1/customers/c1/balance"))
    assert (read["available"], read["held"]) == (80, 20)
    assert is_page(await shop.get("/v1/audit")) == []


async def test_the_statement_adds_up(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    await bought(shop, "credits-60", order="o2")
    await opened(shop, "t1", category="level_2")
    await opened(shop, "t2", category="level_1")
    await shop.ok(await shop.post("/v1/tickets/t2/resolution", {"cause": "question"}))
    read = await shop.ok(await shop.get("/v1/customers/c1/statement"))
    parts = [
        sum(row["credits"] for row in read[name])
        for name in ("balance_modifications", "tickets_in_progress", "resolved_tickets")
    ]
    assert parts == [120, 25, 10]
    assert read["available"] == parts[0] - parts[1] - parts[2]
    await shop.move_clock("2025-02-01T00:00:00Z")
    then = await shop.ok(await shop.get("/v1/customers/c1/statement", as_of=START, known_at=START))
    assert then["balance_modifications"] == read["balance_modifications"]


HOURS = {"mon": [["09:00", "12:00"], ["13:00", "24:00"]], "tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]]}


async def test_calendars(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    path = "/v1/calendars/berlin"
    body = {"zone": "Europe/Berlin", "notice_days": 30}
    assert (await shop.put(path, body)).status_code == 201
    assert (await shop.put(path, body)).status_code == 200
    is_problem(await shop.put(path, {"zone": "Europe/Paris", "notice_days": 30}), 409)
    is_problem(await shop.put("/v1/calendars/odd", {"zone": "Mars/Base"}), 422)
    version: dict[str, Any] = {
        "effective_from": "2025-01-01",
        "weekly_hours": HOURS,
        "exceptions": [
            {"date": "2025-12-24", "kind": "closed", "name": "Christmas Eve"},
            {"date": "2025-12-25", "kind": "add", "hours": [["10:00", "12:00"]]},
            {"date": "2025-12-29", "kind": "replace", "hours": [["10:00", "12:00"]]},
            {"date": "2025-12-30", "kind": "subtract", "hours": [["09:00", "10:00"]]},
        ],
    }
    dry = await shop.post(f"{path}/versions?validate_only=true", version)
    assert dry.status_code == 201
    is_problem(await shop.post(f"{path}/versions", version, key=None), 400)
    assert (await shop.post(f"{path}/versions", version)).status_code == 201
    closed = is_page(await shop.get(f"{path}/closures", **{"from": "2025-12-01", "to": "2025-12-31"}))
    assert [(row["date"], row["reasons"]) for row in closed] == [("2025-12-24", ["Christmas Eve"])]
    short = {"effective_from": "2025-01-05", "exceptions": [{"date": "2025-01-13", "kind": "closed", "name": "x"}]}
    is_problem(await shop.post(f"{path}/versions", short), 409, "notice_too_short")
    inside = await shop.ok(await shop.get(f"{path}/open", at="2025-01-06T10:00:00Z"))
    assert inside["open"] is True
    assert inside["next_close"] == "2025-01-06T11:00:00Z"
    outside = await shop.ok(await shop.get(f"{path}/open", at="2025-01-06T11:30:00Z"))
    assert (outside["open"], outside["next_opening"]) == (False, "2025-01-06T12:00:00Z")
    spent = await shop.get(f"{path}/elapsed", **{"from": "2025-01-06T00:00:00Z", "to": "2025-01-07T00:00:00Z"})
    assert (await shop.ok(spent))["business_seconds"] == 14 * 3600
    is_problem(await shop.get(f"{path}/open"), 422)


@pytest.mark.parametrize(
    ("target", "due"),
    [
        ("business_seconds:28800", "2025-01-06T18:00:00Z"),
        ("business_days:1", "2025-01-07T09:00:00Z"),
        ("business_days:1:close", "2025-01-07T16:00:00Z"),
        ("seconds:86400", "2025-01-07T09:00:00Z"),
    ],
)
async def test_due_times(vendor: MakeVendor, target: str, due: str) -> None:
    shop = await vendor("shopp")
    await shop.put("/v1/calendars/berlin", {"zone": "Europe/Berlin"})
    version = {"effective_from": "2025-01-01", "weekly_hours": HOURS, "exceptions": []}
    await shop.ok(await shop.post("/v1/calendars/berlin/versions", version), 201)
    answer = await shop.get("/v1/calendars/berlin/due", **{"from": "2025-01-06T09:00:00Z", "target": target})
    assert (await shop.ok(answer))["due_at"] == due
    is_problem(await shop.get("/v1/calendars/berlin/due", **{"from": START, "target": "soon"}), 422)


async def test_clocks(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    await bought(shop, "license")
    await bought(shop, "credit-priority")
    await opened(shop, credit_type="priority")
    [row] = is_page(await shop.get("/v1/clocks", ticket_id="t1"))
    assert row["milestone"] == "first_response"
    wanted = "clock_id ticket_id milestone phase outcome due_at remaining_business_seconds stopped_at breaches pauses"
    assert set(f"{wanted} calendar_revision tzdb_version".split()) <= set(row)
    assert row["due_at"] == "2025-01-02T22:00:00Z"
    await shop.move_clock("2025-01-04T00:00:00Z")
    assert len(is_page(await shop.get("/v1/clocks", outcome="breached"))) == 1
    assert is_page(await shop.get("/v1/clocks", outcome="breached", as_of="2025-01-02T00:00:00Z")) == []
    assert (
        len(is_page(await shop.get("/v1/clocks", outcome="open", as_of="2025-01-02T00:00:00Z", phase="running"))) == 1
    )
    assert is_page(await shop.get("/v1/clocks", as_of="2024-12-31T00:00:00Z")) == []
    path = f"/v1/clocks/{row['clock_id']}"
    assert (await shop.ok(await shop.get(path)))["outcome"] == "breached"
    assert (await shop.ok(await shop.get(path, as_of=START, known_at=START)))["outcome"] == "open"
    assert is_page(await shop.get("/v1/clocks", due_before="2025-01-02T00:00:00Z")) == []
    explained = await shop.ok(await shop.get(f"/v1/explain/clock/{row['clock_id']}"))
    assert explained["clause"] == "SHOPP-5"
