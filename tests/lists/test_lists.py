"""Lists over all customers: what a page shows, how it is narrowed, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support.api import START, Vendor

ORDER = {"placed_at": START, "currency": "USD"}


async def _shop(vendor: MakeVendor) -> Vendor:
    """Three customers of CS-Cart's policy, six days of orders, some holds, a refund and periods of support."""
    made = await vendor("cs-cart")
    for n, (who, sku) in enumerate(
        [
            ("ann", "license"),
            ("bob", "license"),
            ("ann", "credits-50"),
            ("cyd", "license"),
            ("bob", "support-3-months"),
            ("ann", "credits-25"),
        ]
    ):
        placed = f"2024-12-{n + 1:02}T10:00:00.123456Z"
        lines = [{"line_id": "1", "sku": sku}]
        await made.ok(
            await made.put(f"/v1/orders/o{n}", {**ORDER, "customer_id": who, "placed_at": placed, "lines": lines}), 201
        )
    return made


async def _all(made: Vendor, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return every row of a list, two at a time."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await made.ok(await made.get(path, limit=2, **query, **cursor))
        assert len(page["data"]) <= 2
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_orders_come_newest_first_in_pages_and_are_narrowed(vendor: MakeVendor) -> None:
    made = await _shop(vendor)
    rows = await _all(made, "/v1/orders")
    assert [(row["order_id"], row["customer_id"]) for row in rows] == [
        ("o5", "ann"),
        ("o4", "bob"),
        ("o3", "cyd"),
        ("o2", "ann"),
        ("o1", "bob"),
        ("o0", "ann"),
    ]
    assert rows[0]["lines"] == [{"line_id": "1", "sku": "credits-25", "quantity": 1, "policy_version": 1}]
    assert rows[0]["policy"] == {"name": "cs-cart", "version": 1}
    assert (rows[0]["placed_at"], rows[0]["source"]) == ("2024-12-06T10:00:00.123456Z", "api")

    async def ids(**query: Any) -> list[str]:
        return [row["order_id"] for row in await _all(made, "/v1/orders", **query)]

    assert await ids(sort="oldest") == ["o0", "o1", "o2", "o3", "o4", "o5"]
    assert await ids(customer_id="ann") == ["o5", "o2", "o0"]
    assert await ids(since="2024-12-03T10:00:00.123456Z", until="2024-12-05T10:00:00.123456Z") == ["o3", "o2"]
    missing = await made.get("/v1/orders", customer_id="nobody")
    assert (missing.status_code, missing.json()["code"]) == (404, "customer_not_found")


async def test_refunds_are_listed_with_their_customers(vendor: MakeVendor) -> None:
    made = await _shop(vendor)
    for order, refund in (("o4", "r-1"), ("o5", "r-2")):
        await made.ok(await made.post(f"/v1/orders/{order}/refunds", {"refund_id": refund}), 201)
    rows = await _all(made, "/v1/refunds", sort="oldest")
    assert [(row["order_id"], row["refund_id"], row["customer_id"]) for row in rows] == [
        ("o4", "r-1", "bob"),
        ("o5", "r-2", "ann"),
    ]
    assert [row["refund_id"] for row in await _all(made, "/v1/refunds", order_id="o5")] == ["r-2"]


async def test_holds_are_listed_by_what_became_of_them(vendor: MakeVendor) -> None:
    made = await _shop(vendor)
    ids = {}
    for name, verb, then in (
        ("open", None, None),
        ("captured", "capture", None),
        ("released", "release", None),
        ("refunded", "capture", "refund"),
    ):
        hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 3}, key=name), 201)
        ids[name] = hold["hold_id"]
        for verb_ in (verb, then):
            if verb_ is not None:
                await made.ok(await made.post(f"/v1/holds/{hold['hold_id']}/{verb_}", {}, key=f"{name}-{verb_}"))
    debit = await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 2}, key="debit"), 201)
    rows = await _all(made, "/v1/holds", sort="oldest")
    assert [(row["hold_id"], row["state"]) for row in rows] == [
        *((ids[name], name) for name in ("open", "captured", "released", "refunded")),
        (debit["hold_id"], "captured"),
    ]
    assert {row["customer_id"] for row in rows} == {"ann"}
    assert [row["hold_id"] for row in await _all(made, "/v1/holds", open="true")] == [ids["open"]]
    closed = await _all(made, "/v1/holds", open="false", customer_id="ann")
    assert [row["hold_id"] for row in closed] == [debit["hold_id"], ids["refunded"], ids["released"], ids["captured"]]
    wrong = await made.get("/v1/holds", open="perhaps")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input")


async def test_licenses_and_covers_are_listed_as_they_stand_now(vendor: MakeVendor) -> None:
    made = await _shop(vendor)
    licenses = await _all(made, "/v1/licenses", sort="oldest")
    assert [(row["order_id"], row["customer_id"], row["active"]) for row in licenses] == [
        ("o0", "ann", True),
        ("o1", "bob", True),
        ("o3", "cyd", True),
    ]
    await made.ok(await made.post("/v1/orders/o3/refunds", {"refund_id": "r"}), 201)
    assert [row["order_id"] for row in await _all(made, "/v1/licenses", active="false")] == ["o3"]
    assert [row["order_id"] for row in await _all(made, "/v1/licenses", active="true")] == ["o1", "o0"]
    (waiting,) = await _all(made, "/v1/covers")
    assert (waiting["order_id"], waiting["customer_id"], waiting["state"]) == ("o4", "bob", "pending")


async def test_covers_are_listed_by_how_they_stand_at_this_instant(vendor: MakeVendor) -> None:
    made = await vendor("cactushop")
    lines = [{"line_id": "1", "sku": "license-standard"}, {"line_id": "2", "sku": "support-12-months"}]
    await made.ok(await made.put("/v1/orders/o", {**ORDER, "customer_id": "ann", "lines": lines}), 201)
    first, second = await _all(made, "/v1/covers", sort="oldest")
    assert {first["state"], second["state"]} == {"running", "scheduled"}
    by_state = {cover["state"]: cover for cover in (first, second)}
    mine = await _all(made, "/v1/covers", license_id=by_state["running"]["license_id"])
    assert [row["cover_id"] for row in mine] == [by_state["running"]["cover_id"]]
    await made.move_clock(by_state["running"]["ends_at"])
    then = {row["cover_id"]: row["state"] for row in await _all(made, "/v1/covers", customer_id="ann")}
    assert then == {by_state["running"]["cover_id"]: "ended", by_state["scheduled"]["cover_id"]: "running"}


@pytest.mark.parametrize("path", ["orders", "refunds", "holds", "licenses", "covers"])
async def test_a_list_shows_nothing_of_another_tenant_and_wants_its_scope(vendor: MakeVendor, path: str) -> None:
    made = await _shop(vendor)
    other = await vendor("cs-cart")
    assert (await other.ok(await other.get(f"/v1/{path}")))["data"] == []
    narrow = await made.as_key("tickets:read")
    refused = await narrow.get(f"/v1/{path}")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_holds_from_before_a_merge_are_the_heirs(vendor: MakeVendor) -> None:
    made = await _shop(vendor)
    hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 3}, key="h"), 201)
    await made.ok(await made.post(f"/v1/holds/{hold['hold_id']}/capture", {}, key="c"))
    debit = await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 2}, key="d"), 201)
    await made.ok(await made.post("/v1/customers/ann/merge", {"into_customer_id": "bob"}, key="m"))
    later = await made.ok(await made.post("/v1/customers/bob/holds", {"credits": 1}, key="l"), 201)
    ids = [hold["hold_id"], debit["hold_id"], later["hold_id"]]
    for narrowed in ({}, {"customer_id": "ann"}, {"customer_id": "bob"}):
        rows = await _all(made, "/v1/holds", sort="oldest", **narrowed)
        assert [(row["hold_id"], row["customer_id"]) for row in rows] == [(id_, "bob") for id_ in ids]
    await made.ok(await made.post("/v1/customers/bob/erasure", {}, key=None))
    assert {row["customer_id"] for row in await _all(made, "/v1/holds")} == {None}


async def test_a_hold_names_a_ticket_that_was_told_later_or_never(vendor: MakeVendor) -> None:
    made = await _shop(vendor)
    body = {"credits": 3, "ticket_id": "desk-7"}
    hold = await made.ok(await made.post("/v1/customers/ann/holds", body, key="h"), 201)
    for _ in range(2):
        for narrowed in ({}, {"ticket_id": "desk-7"}):
            rows = await _all(made, "/v1/holds", **narrowed)
            assert [(row["hold_id"], row["ticket_id"]) for row in rows] == [(hold["hold_id"], "desk-7")]
        ticket = {"customer_id": "ann", "subject": "Help", "channel": "helpdesk"}
        await made.ok(await made.put("/v1/tickets/desk-7", ticket))
    assert await _all(made, "/v1/holds", ticket_id="desk-8") == []


async def test_a_customer_token_lists_its_own_and_no_cursor_fits_another_list(vendor: MakeVendor) -> None:
    made = await _shop(vendor)
    for who in ("ann", "bob"):
        await made.ok(await made.post(f"/v1/customers/{who}/adjustments", {"credits": 9, "reason": "gift"}))
        for _ in range(2):
            await made.ok(await made.post(f"/v1/customers/{who}/holds", {"credits": 1}), 201)
    token = await made.ok(await made.post("/v1/customers/ann/tokens", {"minutes": 5}))
    asks = {"Authorization": f"Bearer {token['token']}"}
    for path in ("orders", "refunds", "holds", "licenses", "covers"):
        for narrowed in ({}, {"customer_id": "bob"}):
            seen = await made.client.get(f"/v1/{path}", params=narrowed, headers=asks)
            assert seen.status_code in (403, 404), path
    first = {"customer_id": "ann", "limit": 1}
    mine = (await made.client.get("/v1/holds", params=first, headers=asks)).json()
    assert [row["customer_id"] for row in mine["data"]] == ["ann"]
    for path, query in (
        ("holds", {"customer_id": "bob", "limit": 1}),
        ("holds", {**first, "sort": "oldest"}),
        ("covers", first),
    ):
        seen = await made.get(f"/v1/{path}", cursor=mine["next_cursor"], **query)
        assert (seen.status_code, seen.json()["code"]) == (400, "cursor_invalid")
