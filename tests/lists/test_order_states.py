"""Orders by how much of them was granted and how they are paid, refunds by how they stand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from app.db.engine import Database
from app.usecases.orders import orders
from app.usecases.orders.refunds import RefundOrder
from tests.conftest import MakeVendor
from tests.inbound.test_payment_disputes import deliver, dispute, session, shop_of
from tests.support.api import START, Vendor
from tests.support.graphql import ask

GRANTED = ("granted", "partly_granted", "not_granted")
PAID = ("paid", "partly_refunded", "refunded", "disputed", "dispute_lost")


async def every(made: Vendor, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return every row of a list, two at a time."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await made.ok(await made.get(path, limit=2, **query, **cursor))
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def _bought(made: Vendor, order: str, *skus: str, customer: str = "ann", quantity: int = 1) -> dict[str, Any]:
    lines = [{"line_id": str(n), "sku": sku, "quantity": quantity} for n, sku in enumerate(skus)]
    body = {"customer_id": customer, "placed_at": START, "currency": "USD", "lines": lines}
    return await made.ok(await made.put(f"/v1/orders/{order}", body), 201)


async def _refunded(made: Vendor, order: str, *lines: tuple[str, int]) -> dict[str, Any]:
    body: dict[str, Any] = {"refund_id": f"r-{order}-{len(lines)}"}
    if lines:
        body["lines"] = [{"line_id": line, "quantity": quantity} for line, quantity in lines]
    return await made.ok(await made.post(f"/v1/orders/{order}/refunds", body), 201)


async def test_an_order_says_how_much_of_it_was_granted_and_how_it_is_paid(vendor: MakeVendor) -> None:
    made = await vendor("x-cart")
    assert (await _bought(made, "whole", "credits-60", quantity=2))["state"] == "granted"
    assert (await _bought(made, "part", "credits-60", "a-mug"))["state"] == "partly_granted"
    assert (await _bought(made, "none", "a-mug"))["state"] == "not_granted"

    async def stands(order: str) -> tuple[str, str]:
        one = await made.ok(await made.get(f"/v1/orders/{order}"))
        (row,) = [row for row in await every(made, "/v1/orders") if row["order_id"] == order]
        assert (one["state"], one["payment_state"]) == (row["state"], row["payment_state"])
        return row["state"], row["payment_state"]

    assert [await stands(order) for order in ("whole", "part", "none")] == [
        ("granted", "paid"),
        ("partly_granted", "paid"),
        ("not_granted", "paid"),
    ]
    assert (await _refunded(made, "whole", ("0", 1)))["state"] == "booked"
    assert await stands("whole") == ("granted", "partly_refunded")
    await _refunded(made, "whole")
    assert await stands("whole") == ("granted", "refunded")
    await _refunded(made, "part", ("0", 1))
    assert await stands("part") == ("partly_granted", "partly_refunded")
    await _refunded(made, "part")
    await _refunded(made, "none")
    assert [await stands(order) for order in ("part", "none")] == [
        ("partly_granted", "refunded"),
        ("not_granted", "refunded"),
    ]
    again = await made.put(
        "/v1/orders/none",
        {
            "customer_id": "ann",
            "placed_at": START,
            "currency": "USD",
            "lines": [{"line_id": "0", "sku": "a-mug", "quantity": 1}],
        },
    )
    assert (again.status_code, again.json()["state"]) == (200, "not_granted")
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def order_states(vendor: MakeVendor) -> Vendor:
    """Orders in every pair of states that can be had without a bank, of two customers."""
    made = await vendor("x-cart")
    kinds = {"w": ("credits-60", "credits-60"), "p": ("credits-60", "a-mug"), "n": ("a-mug", "a-cup")}
    for kind, skus in kinds.items():
        for number, customer in enumerate(("ann", "bob", "ann", "bob", "ann", "ann")):
            order = f"{kind}{number}"
            await _bought(made, order, *skus, customer=customer)
            if number % 3 == 1:
                await _refunded(made, order, ("0", 1))
            if number % 3 == 2:
                await _refunded(made, order)
    return made


async def test_orders_are_narrowed_by_several_states_in_both_orders(vendor: MakeVendor) -> None:
    made = await order_states(vendor)
    rows = await every(made, "/v1/orders")
    assert {(row["state"], row["payment_state"]) for row in rows} == set(itertools.product(GRANTED, PAID[:3]))
    choices: list[dict[str, str]] = [
        *({"state": state} for state in GRANTED),
        *({"payment_state": paid} for paid in PAID),
        {"state": "not_granted,partly_granted"},
        {"payment_state": "refunded,disputed,partly_refunded"},
        {"state": ",".join(GRANTED), "payment_state": ",".join(PAID)},
        {"state": "granted,not_granted", "payment_state": "paid"},
        {"state": "partly_granted", "payment_state": "refunded,paid"},
    ]
    for asked in choices:
        met = [
            row["order_id"]
            for row in rows
            if row["state"] in asked.get("state", row["state"]).split(",")
            and row["payment_state"] in asked.get("payment_state", row["payment_state"]).split(",")
        ]
        for customer in (None, "ann"):
            theirs = {row["order_id"] for row in rows if customer in (None, row["customer_id"])}
            named = {} if customer is None else {"customer_id": customer}
            found = [row["order_id"] for row in await every(made, "/v1/orders", **asked, **named)]
            assert found == [order for order in met if order in theirs], (asked, customer)
            oldest = [row["order_id"] for row in await every(made, "/v1/orders", sort="oldest", **asked, **named)]
            assert oldest == found[::-1], (asked, customer)
    for asked in ({"state": "granted,gone"}, {"state": "paid"}, {"payment_state": ","}, {"payment_state": "granted"}):
        wrong = await made.get("/v1/orders", **asked)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input"), asked


async def test_graphql_narrows_orders_and_refunds_by_states_too(vendor: MakeVendor) -> None:
    made = await order_states(vendor)
    query = """{ orders(first: 50, state: "not_granted,partly_granted", paymentState: "refunded")
        { nodes { orderId state paymentState } }
      refunds(first: 50, state: "booked") { nodes { orderId state } }
      holds(first: 5, state: "open,refunded", sort: "soonest") { nodes { holdId state } } }"""
    found = await ask(made, query)
    rows = await every(made, "/v1/orders", state="partly_granted,not_granted", payment_state="refunded")
    assert [one["orderId"] for one in found["orders"]["nodes"]] == [row["order_id"] for row in rows]
    assert {one["paymentState"] for one in found["orders"]["nodes"]} == {"refunded"}
    assert len(found["refunds"]["nodes"]) == 12
    assert found["holds"]["nodes"] == []


async def test_refunds_that_wait_for_their_order_or_were_undone_say_so(vendor: MakeVendor) -> None:
    tenant, path = await shop_of(vendor)
    await deliver(tenant, path, session())

    async def stands() -> tuple[str, str, list[str]]:
        (row,) = await every(tenant, "/v1/orders")
        one = await tenant.ok(await tenant.get(f"/v1/orders/{row['order_id']}"))
        assert (one["state"], one["payment_state"]) == (row["state"], row["payment_state"])
        refunds = await every(tenant, "/v1/refunds")
        assert [refund["state"] for refund in one["refunds"]] == [refund["state"] for refund in refunds]
        for state in ("booked", "pending", "undone"):
            met = await every(tenant, "/v1/refunds", state=state)
            assert met == [refund for refund in refunds if refund["state"] == state]
        assert (await every(tenant, "/v1/orders", payment_state=row["payment_state"])) == [row]
        return row["state"], row["payment_state"], [refund["state"] for refund in refunds]

    assert await stands() == ("granted", "paid", [])
    await deliver(tenant, path, dispute("warning_needs_response"))
    assert await stands() == ("granted", "paid", [])
    await deliver(tenant, path, dispute("needs_response", number=2))
    assert await stands() == ("granted", "disputed", [])
    await deliver(tenant, path, dispute("lost", number=3))
    assert await stands() == ("granted", "dispute_lost", ["booked"])
    await deliver(tenant, path, dispute("won", number=4))
    assert await stands() == ("granted", "paid", ["undone"])
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def test_a_refund_before_its_order_is_pending_until_then(db: Database, vendor: MakeVendor) -> None:
    made = await vendor("x-cart")
    async with db.transaction(made.tenant_id) as tx:
        await orders.refund_order(tx, RefundOrder(order_id="late", refund_id="r"), early=True)
    (pending,) = await every(made, "/v1/refunds", state="pending")
    assert (pending["state"], pending["refund_id"], pending["customer_id"]) == ("pending", "r", None)
    assert await every(made, "/v1/refunds", state="booked,undone") == []
    await _bought(made, "late", "credits-60")
    (booked,) = await every(made, "/v1/refunds", state="booked,pending")
    assert (booked["state"], booked["customer_id"]) == ("booked", "ann")
    assert [row["order_id"] for row in await every(made, "/v1/orders", payment_state="refunded")] == ["late"]
    assert (await made.ok(await made.get("/v1/orders/late")))["payment_state"] == "refunded"


@pytest.mark.parametrize("how", ["merge", "erasure"])
async def test_orders_of_merged_and_erased_customers_keep_their_states(vendor: MakeVendor, how: str) -> None:
    made = await order_states(vendor)
    other = await vendor("x-cart")
    before = {row["order_id"]: (row["state"], row["payment_state"]) for row in await every(made, "/v1/orders")}
    body = {"into_customer_id": "bob"} if how == "merge" else {}
    await made.ok(await made.post(f"/v1/customers/ann/{how}", body, key="k" if how == "merge" else None))
    rows = await every(made, "/v1/orders")
    assert {row["order_id"]: (row["state"], row["payment_state"]) for row in rows} == before
    assert {row["customer_id"] for row in rows} == ({"bob"} if how == "merge" else {"bob", None})
    for state in GRANTED:
        found = {row["order_id"] for row in await every(made, "/v1/orders", state=state)}
        assert found == {order for order, (is_in, _) in before.items() if is_in == state}
        assert await every(other, "/v1/orders", state=state) == []
    narrow = await made.as_key("tickets:read")
    assert (await narrow.get("/v1/orders", params={"state": "granted"})).status_code == 403
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []
