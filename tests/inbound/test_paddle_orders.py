"""What Paddle says of an order's money is believed: origins, prorations, items of adjustments, chargebacks."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.connectors.inbound import ADAPTERS
from app.connectors.reconcile import Fetcher
from app.domain.feeds import orders as feed
from app.domain.feeds.adapter import Delivery, Parsed
from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import Vendor

PACK = "credits-60"
BASE = "https://93.184.216.34/paddle"
WHO = "shop:ctm_1"


def line(
    ident: str = "txnitm_A", each: int = 3450, quantity: int = 1, tax: int = 0, discount: int = 0, **changes: Any
) -> dict[str, Any]:
    subtotal = each * quantity
    total = subtotal - discount + tax
    return {
        "id": ident,
        "price_id": "pri_60",
        "quantity": quantity,
        "proration": None,
        "product": {"id": "pro_1"},
        "totals": {"subtotal": str(subtotal), "discount": str(discount), "tax": str(tax), "total": str(total)},
        **changes,
    }


def transaction(
    ident: str = "txn_1", lines: list[dict[str, Any]] | None = None, event: str = "completed", **changes: Any
) -> dict[str, Any]:
    rows = [line()] if lines is None else lines
    sums = {
        name: str(sum(int(one["totals"][name]) for one in rows)) for name in ("subtotal", "discount", "tax", "total")
    }
    usd = {"amount": "3450", "currency_code": "USD"}
    price = {"product_id": "pro_1", "custom_data": None, "trial_period": None, "unit_price": usd}
    items = [
        {
            "price": {**price, "id": one["price_id"]},
            "price_id": one["price_id"],
            "quantity": one["quantity"],
            "proration": one["proration"],
        }
        for one in rows
    ]
    totals = {**sums, "grand_total": sums["total"], "credit": "0"}
    made = shops.paddle_transaction(
        f"evt_{ident}_{event}",
        id=ident,
        customer_id="ctm_1",
        currency_code="USD",
        origin="web",
        items=items,
        created_at="2025-03-01T10:00:00Z",
        billed_at="2025-03-01T10:00:05Z",
        details={"totals": totals, "line_items": rows},
    )
    made["data"].update(changes)
    return {**made, "event_type": f"transaction.{event}", "occurred_at": "2025-03-01T10:00:10.646377Z"}


def adjustment(
    ident: str,
    action: str,
    *items: dict[str, Any],
    status: str = "approved",
    at: str = "2025-03-05T08:54:10Z",
    **changes: Any,
) -> dict[str, Any]:
    made = shops.paddle_adjustment(
        f"evt_{ident}_{status}",
        id=ident,
        action=action,
        status=status,
        transaction_id="txn_1",
        currency_code="USD",
        items=list(items),
        **changes,
    )
    return {**made, "occurred_at": at}


def of_item(kind: str, amount: int, ident: str = "txnitm_A", **totals: int) -> dict[str, Any]:
    made: dict[str, Any] = {"item_id": ident, "type": kind, "amount": str(amount), "proration": None}
    return {**made, "totals": {key: str(value) for key, value in totals.items()}} if totals else made


def read(event: Any, **options: Any) -> Parsed:
    return ADAPTERS["paddle"].read(Delivery(topic=None, body=shops.raw(event), fetched=None, options=options))


def target_of(*events: Any) -> feed.OrderTarget:
    seen = None
    for event in events:
        news = read(event).order
        assert news is not None
        seen = feed.merge(seen, news)
    found = feed.target_of(seen or {})
    assert found is not None
    return found


def codes(found: feed.OrderTarget) -> list[str]:
    return [one.code for one in (*found.blocks, *found.review_items)]


# --- reasons of money -------------------------------------------------------------------------------------------------


def test_a_card_change_buys_nothing() -> None:
    free = line(each=0)
    assert (
        read(transaction(lines=[free], origin="subscription_payment_method_change")).ignored == "payment_method_change"
    )


def test_the_tax_alone_takes_no_unit_even_where_it_is_as_much_as_one() -> None:
    six = transaction(lines=[line(quantity=6, tax=4140)])
    for item in (of_item("tax", 4140), of_item("partial", 4140, subtotal=0, tax=4140, total=4140)):
        found = target_of(six, adjustment("adj_1", "refund", item))
        assert (found.refunds, codes(found)) == ({}, [])
    unit = of_item("partial", 3450, subtotal=3450, tax=690, total=4140)
    assert target_of(six, adjustment("adj_2", "refund", unit)).refunds == {"txnitm_A": 1}


def test_a_refund_of_unused_time_parks() -> None:
    found = target_of(transaction(), adjustment("adj_1", "refund", of_item("proration", 1725)))
    assert codes(found) == ["refund_lines_unknown"]
    assert found.refunds == {}


def test_a_part_that_is_no_unit_parks_and_a_credit_takes_nothing() -> None:
    found = target_of(transaction(), adjustment("adj_1", "refund", of_item("partial", 1000)))
    assert (found.refunds, codes(found)) == ({}, ["refund_part_of_unit"])
    assert read(adjustment("adj_2", "credit", of_item("full", 3450))).ignored == "credit"


def test_a_total_that_its_lines_do_not_explain_parks_and_a_credit_of_the_buyers_pays_for_a_part() -> None:
    odd = transaction()
    odd["data"]["details"]["totals"].update(total="5000", grand_total="5000")
    assert codes(target_of(odd)) == ["total_unexplained"]
    paid = transaction()
    paid["data"]["details"]["totals"].update(credit="1000", grand_total="2450")
    assert codes(target_of(paid)) == []
    assert target_of(paid).order["total"] == "34.5"


def test_lines_are_of_the_item_of_their_price_whatever_their_order() -> None:
    two = transaction(lines=[line("txnitm_A"), line("txnitm_B", price_id="pri_lic")])
    two["data"]["items"].reverse()
    two["data"]["items"][0]["price"]["custom_data"] = {"edition": "pro"}
    rows = {row["line_id"]: row["attributes"] for row in target_of(two).order["lines"]}
    assert rows == {"txnitm_A": {}, "txnitm_B": {"edition": "pro"}}


@pytest.mark.parametrize(
    ("options", "url", "test"),
    [
        ({"sandbox": True}, None, True),
        ({"api_base_url": "https://sandbox-api.paddle.com"}, None, True),
        ({}, "https://sandbox-buy.paddle.com/checkout", True),
        ({}, "https://shop.example/pay", False),
        ({"api_base_url": "https://api.paddle.com"}, None, False),
    ],
)
def test_the_sandbox_is_told(options: dict[str, Any], url: str | None, test: bool) -> None:
    assert read(transaction(checkout={"url": url}), **options).test is test


# --- through the door -------------------------------------------------------------------------------------------------


async def shop(vendor: MakeVendor) -> tuple[Vendor, str]:
    tenant = await vendor("x-cart", now="2025-06-01T00:00:00Z")
    body = {"kind": "paddle", "secret": shops.SECRET, "products": {"pri_60": {"sku": PACK}}}
    made = await tenant.ok(await tenant.put("/v1/sources/shop", body), 201)
    return tenant, made["path"]


async def deliver(tenant: Vendor, path: str, event: dict[str, Any]) -> dict[str, Any]:
    body = shops.raw(event)
    answer = await tenant.client.post(path, content=body, headers=shops.sign_paddle(body))
    assert answer.status_code == 200, answer.text
    return await tenant.ok(await tenant.get(f"/v1/sources/shop/deliveries/{answer.json()['delivery_id']}"))


async def available(tenant: Vendor, customer: str = WHO) -> int:
    found = await tenant.get(f"/v1/customers/{customer}/balance")
    return 0 if found.status_code == 404 else int((await tenant.ok(found))["available"])


async def test_a_chargeback_and_its_reversal_in_any_order(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    whole = of_item("full", 3450)
    warning = adjustment("adj_w", "chargeback_warning", whole, at="2025-03-04T00:00:00Z")
    taken = adjustment("adj_b", "chargeback", whole)
    back = adjustment("adj_r", "chargeback_reverse", whole, at="2025-03-09T00:00:00Z")
    assert [(await deliver(tenant, path, one))["state"] for one in (transaction(), warning)] == ["done", "done"]
    assert await available(tenant) == 60
    assert (await deliver(tenant, path, taken))["state"] == "done"
    assert await available(tenant) == 0
    assert (await deliver(tenant, path, back))["state"] == "done"
    assert await available(tenant) == 60
    for number, order in enumerate(itertools.permutations([transaction(), taken, back])):
        for event in order:
            text = shops.raw(event).decode().replace("txn_1", f"txn_x{number}").replace("ctm_1", f"ctm_x{number}")
            text = text.replace('"event_id":"evt_', f'"event_id":"evt_x{number}_')
            body = text.encode()
            await tenant.client.post(path, content=body, headers=shops.sign_paddle(body))
        assert await available(tenant, f"shop:ctm_x{number}") == 60
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def test_a_reversal_of_a_part_is_no_reversal_of_all(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    await deliver(tenant, path, transaction(lines=[line(quantity=2)]))
    await deliver(tenant, path, adjustment("adj_b", "chargeback", of_item("full", 6900)))
    part = adjustment("adj_r", "chargeback_reverse", of_item("partial", 3450), at="2025-03-09T00:00:00Z")
    told = await deliver(tenant, path, part)
    assert (told["state"], told["reason"]) == ("parked", "refund_reversed")
    assert await available(tenant) == 0


async def test_renewals_are_granted_per_period_and_once_each(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    months = [{"starts_at": f"2025-0{n}-01T10:00:00Z", "ends_at": f"2025-0{n + 1}-01T10:00:00Z"} for n in (3, 4)]
    first = transaction("txn_a", subscription_id="sub_1", billing_period=months[0])
    renewal = transaction(
        "txn_b",
        origin="subscription_recurring",
        subscription_id="sub_1",
        billing_period=months[1],
        billed_at="2025-04-01T10:00:20Z",
    )
    for event in (
        first,
        transaction("txn_a", event="updated", subscription_id="sub_1", billing_period=months[0]),
        renewal,
    ):
        assert (await deliver(tenant, path, event))["state"] == "done"
    assert await available(tenant) == 120
    assert (await tenant.ok(await tenant.get("/v1/orders/shop:txn_b")))["placed_at"] == "2025-04-01T10:00:00Z"
    again = await deliver(
        tenant,
        path,
        transaction("txn_c", origin="subscription_recurring", subscription_id="sub_1", billing_period=months[1]),
    )
    assert (again["state"], again["reason"]) == ("parked", "payment_already_used")
    assert await available(tenant) == 120


def paddle_api(answers: dict[str, list[dict[str, Any]]]) -> Any:
    """The lists of the API, two pages each."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.headers["authorization"], request.headers["paddle-version"]) == (
            "Bearer pdl_live_apikey_1",
            "1",
        )
        what = request.url.path.rpartition("/")[2]
        after, rows = request.url.params.get("after"), answers[what]
        if what == "transactions" and after is None:
            assert request.url.params["updated_at[GTE]"] == "2025-01-01T00:00:00Z"
        page = rows[:1] if after is None else rows[1:]
        more = after is None and len(rows) > 1
        pagination = {"per_page": 30, "next": f"{BASE}/{what}?after=x", "has_more": more, "estimated_total": len(rows)}
        return httpx.Response(200, json={"data": page, "meta": {"request_id": "r", "pagination": pagination}})

    return answer


RECORDED = [
    [transaction("txn_1", [line(quantity=2)])],
    [transaction("txn_1", [line(quantity=2)]), adjustment("adj_1", "refund", of_item("full", 6900))],
    [transaction("txn_1", [line(quantity=6, tax=4140)]), adjustment("adj_1", "refund", of_item("tax", 4140))],
    [
        transaction(),
        adjustment("adj_b", "chargeback", of_item("full", 3450)),
        adjustment("adj_r", "chargeback_reverse", of_item("full", 3450), at="2025-03-09T00:00:00Z"),
    ],
    [transaction(), adjustment("adj_1", "refund", of_item("partial", 1000))],
    [
        transaction(
            origin="subscription_recurring",
            subscription_id="sub_1",
            billing_period={"starts_at": "2025-03-01T10:00:00Z", "ends_at": "2025-04-01T10:00:00Z"},
        )
    ],
    [transaction("txn_1", [line(discount=690)])],
    [transaction("txn_1", [line("txnitm_A"), line("txnitm_B", price_id="pri_lic", tax=690)])],
    [transaction(origin="subscription_update", subscription_id="sub_1")],
    [transaction(origin="subscription_charge", subscription_id="sub_1", lines=[line(quantity=3)])],
    [transaction(currency_code="JPY")],
    [transaction(), adjustment("adj_1", "refund", of_item("proration", 1725))],
    [transaction(), adjustment("adj_1", "refund", of_item("full", 3450), status="pending_approval")],
    [
        transaction(lines=[line(quantity=2)]),
        adjustment("adj_1", "refund", of_item("partial", 3450)),
        adjustment("adj_2", "refund", of_item("partial", 3450)),
    ],
    [transaction(), adjustment("adj_w", "chargeback_warning", of_item("full", 3450))],
]


@pytest.mark.parametrize("events", RECORDED)
async def test_the_api_and_the_webhooks_are_read_alike(events: list[dict[str, Any]]) -> None:
    """One reader: what reconcile asks for says of each recorded order what its deliveries said."""
    kinds = {"transaction": "transactions", "adjustment": "adjustments"}
    answers: dict[str, list[dict[str, Any]]] = {"transactions": [], "adjustments": []}
    for event in events:
        answers[kinds[event["event_type"].partition(".")[0]]].append(
            {**event["data"], "updated_at": event["occurred_at"]}
        )
    fetcher = Fetcher(allow_private=True, transport=httpx.MockTransport(paddle_api(answers)))
    api = {"key": "pdl_live_apikey_1", "base_url": BASE}
    since = datetime(2025, 1, 1, tzinfo=UTC)
    found = [json.loads(one.body) async for one in fetcher.changes("paddle", api, since)]
    assert len(found) == len(events)
    assert target_of(*found) == target_of(*events)


async def test_a_change_of_plan_parks_and_a_trial_brings_nothing(vendor: MakeVendor) -> None:
    tenant, path = await shop(vendor)
    part = {"rate": "0.5", "billing_period": {"starts_at": "2025-03-15T00:00:00Z", "ends_at": "2025-04-01T00:00:00Z"}}
    lines = [line("txnitm_new", proration=part), line("txnitm_old", each=1725, quantity=-1, proration=part)]
    change = transaction("txn_u", lines=lines, origin="subscription_update", subscription_id="sub_1")
    told = await deliver(tenant, path, change)
    assert (told["state"], told["reason"]) == ("parked", "plan_changed")
    trial = transaction("txn_t", lines=[line(each=0)], subscription_id="sub_2")
    trial["data"]["items"][0]["price"]["trial_period"] = {"interval": "day", "frequency": 14}
    assert (await deliver(tenant, path, trial))["reason"] == "nothing_ours"
    assert await available(tenant) == 0


async def test_an_origin_that_nobody_knows_parks_and_so_does_a_change_of_plan_without_a_proration(
    vendor: MakeVendor,
) -> None:
    """What a change costs in full (`full_immediately`) bills no proration; its origin tells it."""
    tenant, path = await shop(vendor)
    told = await deliver(tenant, path, transaction("txn_f", origin="subscription_gift"))
    assert (told["state"], told["reason"]) == ("parked", "status_unknown")
    says = {"transaction": "txn_f", "origin": "subscription_gift"}
    assert told["review"][0]["payload_says"] == says
    change = transaction("txn_u", origin="subscription_update", subscription_id="sub_1")
    told = await deliver(tenant, path, change)
    assert (told["state"], told["reason"]) == ("parked", "plan_changed")
    assert await available(tenant) == 0
    body = {"kind": "paddle", "secret": shops.SECRET, "products": {"pri_60": {"sku": PACK, "plan_change": "grant"}}}
    await tenant.ok(await tenant.put("/v1/sources/shop", body))
    replay = f"/v1/sources/shop/deliveries/{told['delivery_id']}/replay"
    assert (await tenant.ok(await tenant.client.post(replay)))["state"] == "done"
    assert await available(tenant) == 60
    charge = transaction("txn_c", origin="subscription_charge", subscription_id="sub_1")
    assert (await deliver(tenant, path, charge))["state"] == "done"
    assert await available(tenant) == 120


def test_a_refund_that_paddle_reverses_parks() -> None:
    two = transaction(lines=[line(quantity=2)])
    one, back = (
        adjustment("adj_1", "refund", of_item("partial", 3450), status=status, at=at)
        for status, at in (("approved", "2025-03-03T00:00:00Z"), ("reversed", "2025-03-04T00:00:00Z"))
    )
    for order in itertools.permutations([two, one, back]):
        found = target_of(*order)
        assert (found.refunds, codes(found)) == ({}, ["refund_reversed"])
    assert codes(target_of(two, back)) == [], "one that was never approved took nothing"
