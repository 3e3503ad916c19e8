"""What webhooks lost is asked for, against fakes built from the shops' documented answers; and the import."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.commands import import_
from app.commands.reconcile import reconciled
from app.commands.replay import replayed
from app.connectors import reconcile
from app.connectors.reconcile import Fetcher
from app.connectors.shops import shopify_admin
from app.usecases.inbound import FetchError
from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import settings_for

SINCE = datetime(2017, 1, 1, tzinfo=UTC)
BASE = "https://93.184.216.34/shop"


def woo_api(request: httpx.Request) -> httpx.Response:
    assert request.headers["authorization"].startswith("Basic ")
    if request.url.path.endswith("/orders/727/refunds"):
        return httpx.Response(
            200,
            json=[
                {
                    "id": 726,
                    "amount": "3.00",
                    "line_items": [
                        {
                            "id": 999,
                            "quantity": -1,
                            "total": "-3.00",
                            "meta_data": [{"key": "_refunded_item_id", "value": "315"}],
                        }
                    ],
                }
            ],
        )
    assert request.url.path == "/shop/wp-json/wc/v3/orders"
    assert request.url.params["modified_after"] == "2017-01-01T00:00:00"
    page = int(request.url.params["page"])
    rows = (
        [shops.woo_order(id=1000 + number, refunds=[]) for number in range(100)]
        if page == 1
        else [shops.woo_order(refunds=[{"id": 726, "reason": "", "total": "-3.00"}])]
    )
    return httpx.Response(200, json=rows, headers={"X-WP-TotalPages": "2"})


def stripe_api(request: httpx.Request) -> httpx.Response:
    assert request.headers["authorization"] == "Bearer sk_test_123"
    if request.url.path.endswith("/line_items"):
        return httpx.Response(
            200,
            json={
                "object": "list",
                "has_more": False,
                "data": [
                    {
                        "id": "li_1",
                        "object": "item",
                        "quantity": 2,
                        "amount_subtotal": 3450,
                        "amount_total": 3450,
                        "amount_discount": 0,
                        "amount_tax": 0,
                        "price": {"id": "price_1", "product": "prod_1"},
                    }
                ],
            },
        )
    assert request.url.path == "/shop/v1/events"
    if "starting_after" in request.url.params:
        return httpx.Response(200, json={"object": "list", "has_more": False, "data": [shops.stripe_session()]})
    return httpx.Response(200, json={"object": "list", "has_more": True, "data": [shops.stripe_refund(amount=1725)]})


def amount(value: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": value}}


def shopify_node(order: dict[str, Any], *, more: bool = False) -> dict[str, Any]:
    """An order of the webhooks' documentation as the GraphQL Admin API answers it."""

    def bag(value: Any) -> Any:
        return None if value is None else amount(value["shop_money"]["amount"])

    def off_and_taxes(one: dict[str, Any]) -> dict[str, Any]:
        off = one.get("discount_allocations") or (
            [{"amount": one["total_discount"]}] if float(one.get("total_discount", 0)) else []
        )
        return {
            "discountAllocations": [{"allocatedAmountSet": amount(each["amount"])} for each in off],
            "taxLines": [{"priceSet": amount(each["price"])} for each in one.get("tax_lines", ())],
        }

    def legacy(number: Any) -> Any:
        return None if number is None else {"legacyResourceId": str(number)}

    lines = [
        {
            "id": f"gid://shopify/LineItem/{one['id']}",
            "quantity": one["quantity"],
            "sku": one["sku"],
            "currentQuantity": one.get("current_quantity", one["quantity"]),
            "originalUnitPriceSet": amount(one["price"]),
            "customAttributes": [],
            **off_and_taxes(one),
            "variant": legacy(one["variant_id"]),
            "product": legacy(one["product_id"]),
        }
        for one in order["line_items"]
    ]
    buyer = order["customer"]
    return {
        "id": f"gid://shopify/Order/{order['id']}",
        "legacyResourceId": str(order["id"]),
        "test": order["test"],
        "createdAt": order["created_at"],
        "processedAt": order.get("processed_at", order["created_at"]),
        "updatedAt": order["updated_at"],
        "cancelledAt": order["cancelled_at"],
        "displayFinancialStatus": order["financial_status"].upper(),
        "currencyCode": order["currency"],
        "email": order["email"],
        "phone": order.get("phone"),
        "totalPriceSet": amount(order["total_price"]),
        "taxesIncluded": order.get("taxes_included", False),
        "totalTaxSet": amount(order["total_tax"]) if "total_tax" in order else None,
        "totalTipReceivedSet": amount(order.get("total_tip_received", "0.00")),
        "originalTotalDutiesSet": bag(order.get("original_total_duties_set")),
        "originalTotalAdditionalFeesSet": None,
        "totalCashRoundingAdjustment": {"paymentSet": bag(order.get("total_cash_rounding_payment_adjustment_set"))},
        "shippingLines": {
            "nodes": [
                {
                    "isRemoved": one.get("is_removed", False),
                    "originalPriceSet": amount(one["price"]),
                    **off_and_taxes(one),
                }
                for one in order.get("shipping_lines", ())
            ]
        },
        "customer": None
        if buyer is None
        else {
            **legacy(buyer["id"]),
            "state": str(buyer.get("state", "disabled")).upper(),
            "email": buyer.get("email"),
            "phone": buyer.get("phone"),
        },
        "lineItems": {"nodes": lines[:1] if more else lines, "pageInfo": {"hasNextPage": more, "endCursor": "L1"}},
        "refunds": [
            {
                "legacyResourceId": str(one["id"]),
                "duties": [],
                "transactions": {
                    "nodes": [
                        {
                            "kind": each["kind"].upper(),
                            "status": each["status"].upper(),
                            "amountSet": amount(each["amount"]),
                        }
                        for each in one.get("transactions", ())
                    ]
                },
                "refundShippingLines": {
                    "nodes": [
                        {
                            "subtotalAmountSet": bag(each["subtotal_amount_set"]),
                            "taxAmountSet": bag(each["tax_amount_set"]),
                        }
                        for each in one.get("refund_shipping_lines", ())
                    ]
                },
                "refundLineItems": {
                    "pageInfo": {"hasNextPage": False},
                    "nodes": [
                        {
                            "quantity": each["quantity"],
                            "lineItem": {"id": f"gid://shopify/LineItem/{each['line_item_id']}"},
                            "subtotalSet": amount(each["subtotal"]) if "subtotal" in each else None,
                            "totalTaxSet": amount(each["total_tax"]) if "total_tax" in each else None,
                        }
                        for each in one["refund_line_items"]
                    ],
                },
            }
            for one in order["refunds"]
        ],
    }


def shopify_api(request: httpx.Request) -> httpx.Response:
    """Two pages; the second order has a second page of lines and a refund of one of them."""
    assert request.headers["x-shopify-access-token"] == "shpat_12345"
    assert (request.method, request.url.path) == ("POST", "/shop/admin/api/2026-04/graphql.json")
    asked = json.loads(request.content)
    said = asked["variables"]
    paid = shops.shopify_order(test=False, financial_status="partially_refunded", cancelled_at=None)
    paid["line_items"] = [{**one, "price": "10.00"} for one in paid["line_items"]]
    paid["total_price"] = "15.00"
    refund = {"line_item_id": paid["line_items"][1]["id"], "quantity": 1}
    paid["refunds"] = [{"id": 509562969, "refund_line_items": [refund]}]
    if "query Lines(" in asked["query"]:
        assert (said["id"], said["after"]) == (f"gid://shopify/Order/{paid['id']}", "L1")
        rest = {**paid, "line_items": paid["line_items"][1:]}
        return httpx.Response(200, json={"data": {"order": {"lineItems": shopify_node(rest)["lineItems"]}}})
    assert said["query"] == "updated_at:>='2017-01-01T00:00:00Z'"
    if said["after"] is None:
        nodes, follow = [shopify_node(shops.shopify_order())], {"hasNextPage": True, "endCursor": "O1"}
    else:
        assert said["after"] == "O1"
        nodes, follow = [shopify_node(paid, more=True)], {"hasNextPage": False, "endCursor": "O2"}
    return httpx.Response(200, json={"data": {"orders": {"nodes": nodes, "pageInfo": follow}}})


async def test_a_shop_that_counts_costs_is_asked_again_later_and_for_less() -> None:
    """The answers that the documentation shows for a query that is too dear, and for an empty bucket."""
    cost = {
        "requestedQueryCost": 752,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 666, "restoreRate": 50.0},
    }
    dear = {"errors": [{"message": "Query cost is too high.", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
    empty = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}}
    page = {"data": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}
    answers, asked, slept = iter([dear, empty, page]), [], []

    async def ask(path: str, body: Any) -> Any:
        asked.append(body["variables"]["first"])
        return next(answers)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    assert [one async for one in shopify_admin.changes(ask, SINCE, sleep=sleep)] == []
    assert (asked, slept) == ([25, 12, 12], [2])
    answers = iter([{"errors": [{"message": "Access denied", "extensions": {"code": "ACCESS_DENIED"}}]}])
    with pytest.raises(FetchError, match="Access denied"):
        assert [one async for one in shopify_admin.changes(ask, SINCE, sleep=sleep)] == []


@pytest.mark.parametrize(
    ("kind", "api", "answers", "key", "products", "order", "licenses", "refunded"),
    [
        (
            "woocommerce",
            {"key": "ck_12345678", "secret": "cs_12345678"},
            woo_api,
            101,
            {"93": {"sku": "license"}, "23": None},
            "727",
            2,
            1,
        ),
        (
            "stripe",
            {"key": "sk_test_123"},
            stripe_api,
            2,
            {"price_1": {"sku": "license"}},
            "pi_1PgafyB7WZ01zgkWSjxsAJo3",
            2,
            1,
        ),
        (
            "shopify",
            {"key": "shpat_12345"},
            shopify_api,
            2,
            {"4814921662509": {"sku": "license"}},
            "820982911946154508",
            2,
            1,
        ),
    ],
)
async def test_what_webhooks_lost_is_found(
    app: FastAPI,
    vendor: MakeVendor,
    kind: str,
    api: dict[str, str],
    answers: Any,
    key: int,
    products: dict[str, Any],
    order: str,
    licenses: int,
    refunded: int,
) -> None:
    tenant = await vendor("cs-cart", now="2026-01-01T00:00:00Z")
    await tenant.ok(
        await tenant.put(
            "/v1/sources/shop",
            {"kind": kind, "secret": shops.SECRET, "products": products, "api": {**api, "base_url": BASE}},
        ),
        201,
    )
    fetcher = Fetcher(allow_private=True, transport=httpx.MockTransport(answers))
    settings = settings_for(app.state.settings.database_url)
    db = app.state.house.database
    assert await reconciled(db, settings, fetcher, tenant.tenant_id, "shop", SINCE) == (key, key)
    view = await tenant.ok(await tenant.get(f"/v1/orders/shop:{order}"))
    assert len(view["licenses"]) == licenses
    assert sum(one["ended_reason"] == "refunded" for one in view["licenses"]) == refunded
    assert await reconciled(db, settings, fetcher, tenant.tenant_id, "shop", SINCE) == (key, 0)
    parked = (await tenant.ok(await tenant.get("/v1/sources/shop/deliveries", state="parked")))["data"]
    assert parked == []


async def test_no_shop_inside_our_own_network_is_asked(app: FastAPI) -> None:
    fetcher = Fetcher(allow_private=False, transport=httpx.MockTransport(woo_api))
    for base in ("https://127.0.0.1/", "https://10.0.0.8", "http://203.0.113.5", "https://[::1]:8443", "ftp://x"):
        with pytest.raises(FetchError):
            async for _ in fetcher.changes("woocommerce", {"key": "ck_1", "base_url": base}, SINCE):
                pass


async def test_a_session_without_lines_asks_for_them(app: FastAPI, vendor: MakeVendor) -> None:
    tenant = await vendor("cs-cart", now="2026-01-01T00:00:00Z")
    made = await tenant.ok(
        await tenant.put(
            "/v1/sources/pay", {"kind": "stripe", "secret": shops.SECRET, "products": {"prod_1": {"sku": "license"}}}
        ),
        201,
    )
    body = shops.raw(shops.stripe_session())
    assert (await tenant.client.post(made["path"], content=body, headers=shops.sign_stripe(body))).status_code == 200
    parked = (await tenant.ok(await tenant.get("/v1/sources/pay/deliveries", state="parked")))["data"]
    assert [one["reason"] for one in parked] == ["lines_missing"]
    await tenant.put(
        "/v1/sources/pay",
        {"kind": "stripe", "products": {"prod_1": {"sku": "license"}}, "api": {"key": "sk_test_123", "base_url": BASE}},
    )
    inbox = app.state.house.inbox
    before, inbox.fetch = (inbox.fetch, Fetcher(allow_private=True, transport=httpx.MockTransport(stripe_api)).ask)
    try:
        path = f"/v1/sources/pay/deliveries/{parked[0]['delivery_id']}/replay"
        assert (await tenant.ok(await tenant.client.post(path)))["state"] in ("received", "done")
        while await inbox.act(app.state.house.database, tenant.tenant_id):
            pass
    finally:
        inbox.fetch = before
    order = await tenant.ok(await tenant.get("/v1/orders/pay:pi_1PgafyB7WZ01zgkWSjxsAJo3"))
    assert len(order["licenses"]) == 2


async def test_the_replay_command_takes_all_that_is_parked(app: FastAPI, vendor: MakeVendor) -> None:
    tenant = await vendor("cs-cart")
    made = await tenant.ok(await tenant.put("/v1/sources/woo", {"kind": "woocommerce", "secret": shops.SECRET}), 201)
    for number in range(3):
        body = shops.raw(shops.woo_order(id=number + 1))
        await tenant.client.post(made["path"], content=body, headers=shops.sign_woo(body))
    settings, db = settings_for(app.state.settings.database_url), app.state.house.database
    assert await replayed(db, settings, tenant.tenant_id, "woo", []) == {"parked": 3}
    await tenant.put("/v1/sources/woo", {"kind": "woocommerce", "products": {"93": {"sku": "license"}, "23": None}})
    assert await replayed(db, settings, tenant.tenant_id, "woo", []) == {"done": 3}
    assert await replayed(db, settings, tenant.tenant_id, "woo", []) == {}


GOOD = [
    {"kind": "customer", "customer_id": "c-1", "name": "Jane", "email": "jane@example.com"},
    {"kind": "license", "customer_id": "c-1", "import_id": "L1", "sku": "license", "placed_at": "2020-01-01T00:00:00Z"},
    {
        "kind": "lot",
        "customer_id": "c-1",
        "import_id": "B1",
        "credits": 25,
        "granted_at": "2024-06-01T00:00:00Z",
        "expires_at": "2026-06-01T00:00:00Z",
    },
    {
        "kind": "cover",
        "customer_id": "c-1",
        "import_id": "V1",
        "starts_at": "2024-12-01T00:00:00Z",
        "ends_at": "2025-03-01T00:00:00Z",
        "license": "L1",
    },
]


async def bring(app: FastAPI, tenant_id: str, lines: list[str] | str, tmp_path: Path, name: str, *, apply: bool) -> int:
    file = tmp_path / name
    file.write_text(lines if isinstance(lines, str) else "\n".join(lines), encoding="utf-8")
    with import_.Staged() as staged:
        staged.read(str(file), None)
        return await import_._bring(app.state.settings.database_url, tenant_id, staged, apply=apply)


async def test_an_import_checks_every_line_and_writes_only_when_all_are_good(
    app: FastAPI, vendor: MakeVendor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = await vendor("cs-cart")
    bad = [json.dumps(one) for one in GOOD] + [
        "{",
        '{"kind": "lot", "customer_id": "c-2"}',
        '{"kind": "boat", "customer_id": "c"}',
        json.dumps({**GOOD[1], "customer_id": "c-2", "import_id": "L2", "sku": "nothing"}),
        json.dumps({**GOOD[2], "customer_id": "c-3", "import_id": "B3", "credits": 2.5}),
        json.dumps({**GOOD[2], "customer_id": "c-3", "import_id": "B4", "granted_at": "2034-06-01T00:00:00Z"}),
        json.dumps(GOOD[2]),
    ]
    assert await bring(app, tenant.tenant_id, bad, tmp_path, "bad.jsonl", apply=True) == 1
    told = capsys.readouterr().out
    for number in range(5, 12):
        assert f"line {number}: " in told, told
    assert "nothing was written" in told
    assert (await tenant.get("/v1/customers/c-1")).status_code == 404
    good = [json.dumps(one) for one in GOOD]
    assert await bring(app, tenant.tenant_id, good, tmp_path, "good.jsonl", apply=False) == 0
    assert (await tenant.get("/v1/customers/c-1")).status_code == 404
    for state in ("4 brought in", "0 brought in"):
        assert await bring(app, tenant.tenant_id, good, tmp_path, "good.jsonl", apply=True) == 0
        assert state in capsys.readouterr().out
    balance = await tenant.ok(await tenant.get("/v1/customers/c-1/balance"))
    assert (balance["available"], balance["lots"][0]["source"]) == (25, "import")
    customer = await tenant.ok(await tenant.get("/v1/customers/c-1"))
    assert [one["ordinal"] for one in customer["licenses"]] == [1]
    other = [json.dumps({**GOOD[2], "credits": 26})]
    assert await bring(app, tenant.tenant_id, other, tmp_path, "other.jsonl", apply=True) == 1
    audit = await tenant.ok(await tenant.get("/v1/audit"))
    assert audit["data"] == []


async def test_an_import_reads_csv(app: FastAPI, vendor: MakeVendor, tmp_path: Path) -> None:
    tenant = await vendor("avactis")
    text = (
        "kind,customer_id,import_id,credits,granted_at,expires_at\r\n"
        'lot,"c ""x"", 1",B1,10,2024-06-01T00:00:00Z,\r\nlot,c-2,B2,5,2024-06-01T00:00:00Z,2025-06-01T00:00:00Z\r\n'
    )
    assert await bring(app, tenant.tenant_id, text, tmp_path, "lots.csv", apply=True) == 0
    assert (await tenant.ok(await tenant.get("/v1/customers/c-2/balance")))["available"] == 5
    assert await bring(app, tenant.tenant_id, text + "lot,c-3\r\n", tmp_path, "short.csv", apply=True) == 1


async def test_helpdesk_events_open_tickets_and_record_responses(app: FastAPI, vendor: MakeVendor) -> None:
    tenant = await vendor("cs-cart", now="2025-01-06T09:00:00Z")
    await tenant.put(
        "/v1/orders/o1",
        {
            "customer_id": "17",
            "placed_at": "2025-01-01T00:00:00Z",
            "currency": "USD",
            "lines": [{"line_id": "1", "sku": "credits-50", "quantity": 1}],
        },
    )
    made = await tenant.ok(
        await tenant.put(
            "/v1/sources/desk",
            {
                "kind": "zammad",
                "secret": shops.SECRET,
                "options": {"ids": "own", "categories": {"Users": "category_1"}},
            },
        ),
        201,
    )
    answer = {"id": 100, "sender": "Agent", "internal": False, "created_at": "2025-01-06T08:59:00.000Z"}
    late = shops.zammad_ticket(answer, created_at="2025-01-06T08:00:00Z")
    for body in (shops.raw(late), shops.raw(shops.zammad_ticket(created_at="2025-01-06T08:00:00Z")), shops.raw(late)):
        got = await tenant.client.post(made["path"], content=body, headers=shops.sign_zammad(body))
        assert got.status_code == 200
    rows = (await tenant.ok(await tenant.get("/v1/sources/desk/deliveries")))["data"]
    assert [row["state"] for row in rows] == ["done", "done"], rows
    assert rows[1]["effects"]["unrecorded"] == ["100"]  # without a license the ticket is rejected at once
    ticket = await tenant.ok(await tenant.get("/v1/tickets/81"))
    assert ticket["customer_id"] == "17"
    generic = await tenant.ok(await tenant.put("/v1/sources/other", {"kind": "helpdesk"}), 201)
    event = {
        "type": "ticket.created",
        "timestamp": "2025-01-06T08:30:00Z",
        "data": {"ticket_id": "9", "customer_id": "17", "subject": "Help", "channel": "email"},
    }
    body = shops.raw(event)
    await tenant.client.post(generic["path"], content=body, headers=shops.sign_standard(body, generic["secret"], "m1"))
    assert (await tenant.ok(await tenant.get("/v1/tickets/other:9")))["customer_id"] == "other:17"


async def test_erasure_empties_what_deliveries_hold(vendor: MakeVendor) -> None:
    tenant = await vendor("cs-cart")
    made = await tenant.ok(
        await tenant.put(
            "/v1/sources/woo",
            {"kind": "woocommerce", "secret": shops.SECRET, "products": {"93": {"sku": "license"}, "23": None}},
        ),
        201,
    )
    body = shops.raw(shops.woo_order(customer_id=5))
    await tenant.client.post(made["path"], content=body, headers=shops.sign_woo(body))
    export = await tenant.ok(await tenant.get("/v1/customers/woo:5/export"))
    assert "john.doe@example.com" in export["deliveries"][0]["body"]
    await tenant.ok(await tenant.post("/v1/customers/woo:5/erasure"))
    row = (await tenant.ok(await tenant.get("/v1/sources/woo/deliveries")))["data"][0]
    one = await tenant.ok(await tenant.get(f"/v1/sources/woo/deliveries/{row['delivery_id']}"))
    assert (one["body"], one["state"], one["effects"]) == ("", "done", None)
    refused = await tenant.client.post(f"/v1/sources/woo/deliveries/{row['delivery_id']}/replay")
    assert (refused.status_code, refused.json()["code"]) == (409, "delivery_erased")
    again = shops.raw(shops.woo_order(customer_id=5, date_modified_gmt="2018-01-01T00:00:00"))
    await tenant.client.post(made["path"], content=again, headers=shops.sign_woo(again))
    newest = (await tenant.ok(await tenant.get("/v1/sources/woo/deliveries")))["data"][0]
    assert (newest["state"], newest["reason"]) == ("ignored", "erased")


async def test_an_agents_reply_is_a_response_on_the_ticket(vendor: MakeVendor) -> None:
    tenant = await vendor("avactis", now="2025-01-06T09:00:00Z")
    await tenant.put(
        "/v1/orders/o1",
        {
            "customer_id": "17",
            "placed_at": "2025-01-01T00:00:00Z",
            "currency": "USD",
            "lines": [
                {"line_id": "1", "sku": "license-owned", "quantity": 1},
                {"line_id": "2", "sku": "credits-50", "quantity": 1},
            ],
        },
    )
    made = await tenant.ok(await tenant.put("/v1/sources/desk", {"kind": "helpdesk", "options": {"ids": "own"}}), 201)
    said = {"response_id": "r1", "author": "vendor", "occurred_at": "2025-01-06T08:50:00Z"}
    events = [
        {"type": "ticket.response", "timestamp": "2025-01-06T08:50:00Z", "data": {"ticket_id": "T", **said}},
        {
            "type": "ticket.created",
            "timestamp": "2025-01-06T08:40:00Z",
            "data": {"ticket_id": "T", "customer_id": "17", "subject": "Help", "channel": "email"},
        },
        {
            "type": "ticket.updated",
            "timestamp": "2025-01-06T08:55:00Z",
            "data": {"ticket_id": "T", "customer_id": "17", "subject": "Help again", "response": said},
        },
    ]
    for number, event in enumerate(events):
        body = shops.raw(event)
        headers = shops.sign_standard(body, made["secret"], f"m{number}")
        assert (await tenant.client.post(made["path"], content=body, headers=headers)).status_code == 200
    rows = (await tenant.ok(await tenant.get("/v1/sources/desk/deliveries")))["data"]
    assert [(row["state"], row["reason"]) for row in rows] == [
        ("done", None),
        ("done", None),
        ("done", "waits_for_ticket"),
    ]
    ticket = await tenant.ok(await tenant.get("/v1/tickets/T"))
    assert (ticket["subject"], len(ticket["responses"])) == ("Help", 1)


async def test_a_shop_that_moves_into_our_own_network_after_the_check_is_not_asked() -> None:
    """Its name is resolved once more for the connection, and that very address is judged."""
    asked: list[str] = []
    heard: list[bytes] = []

    async def rebinding(host: str, port: int) -> list[Any]:
        asked.append(host)
        return [ipaddress.ip_address("1.1.1.1" if len(asked) == 1 else "127.0.0.1")]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    api = {"key": "ck_1", "base_url": f"https://shop.example:{port}"}
    async with server:
        with pytest.raises(FetchError, match="base_url"):
            async for _ in Fetcher(resolver=rebinding).changes("woocommerce", api, SINCE):
                pass
    assert (asked, heard) == (["shop.example"] * 2, [])


@pytest.mark.parametrize(("pages", "told"), [(1, None), (3, "more than")])
async def test_the_address_judged_is_the_one_asked_and_a_long_answer_is_not_read_to_its_end(
    pages: int, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_BYTES", 150)
    heads: list[bytes] = []
    part = json.dumps([]).encode() + b" " * 98

    async def here(host: str, port: int) -> list[Any]:
        return [ipaddress.ip_address("127.0.0.1")]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(part) * pages) + part * pages)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    api = {"key": "ck_1", "base_url": f"http://shop.example:{port}"}
    found: list[Any] = []
    async with server:
        fetcher = Fetcher(allow_private=True, resolver=here)
        with pytest.raises(FetchError, match=told) if told else contextlib.nullcontext():
            found = [one async for one in fetcher.changes("woocommerce", api, SINCE)]
    assert found == []
    assert f"host: shop.example:{port}".encode() in heads[0].lower()
