"""After an erasure no row of the tenant holds what anybody wrote of the customer; the accounts stay as they were.

Each free text that a caller can send carries a word of its own; afterwards every row of every table is searched.
"""

from __future__ import annotations

import ast
import itertools
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.db.account.erasure import HOUSE_REASONS
from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import Vendor
from tests.support.databases import connect

MARK = "quoll"
"""No id of ours holds it: they have no i, l, o and u."""
_numbers = itertools.count()


def word(place: str) -> str:
    """A text that nobody else writes."""
    return f"{MARK} {place} {next(_numbers)}"


def code(place: str) -> str:
    """The same for places that take no spaces."""
    return word(place).replace(" ", "_")


async def done(shop: Vendor, answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201, 202), f"{answer.request.url}: {answer.text}"
    return answer.json()


def line(sku: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return {"line_id": str(number), "sku": sku, "quantity": 1, "list_price": "60.00", "unit_price": "60.00", **more}


async def buy(shop: Vendor, customer: str, *skus: str, order_id: str | None = None) -> Any:
    name = order_id or f"order-{next(_numbers)}"
    body = {
        "customer_id": customer,
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [line(sku, n, attributes={"engraving": word("attribute")}) for n, sku in enumerate(skus, 1)],
    }
    return await done(shop, await shop.put(f"/v1/orders/{name}", body))


async def open_ticket(shop: Vendor, customer: str, **more: Any) -> tuple[str, Any]:
    name = code("ticket")
    body = {
        "customer_id": customer,
        "subject": word("subject"),
        "channel": "helpdesk",
        "product": word("product"),
        "external_url": f"https://desk.example/{word('link').replace(' ', '-')}",
        **more,
    }
    return name, await done(shop, await shop.put(f"/v1/tickets/{name}", body))


async def act(shop: Vendor, ticket: str, verb: str, body: Any = None) -> Any:
    return await done(shop, await shop.post(f"/v1/tickets/{ticket}/{verb}", body or {}))


async def rows_with_marks(url: str, tenant: str) -> list[str]:
    """What is found in any row of the tenant, table by table."""
    connection = await connect(url)
    found: list[str] = []
    try:
        await connection.execute("select set_config('app.tenant', $1, false)", tenant)
        tables = await connection.fetch(
            "select table_name from information_schema.columns where table_schema = current_schema()"
            " and column_name = 'tenant_id' order by 1"
        )
        for (table,) in tables:
            rows = await connection.fetch(
                f"select t::text as row from {table} t where tenant_id = $1 and"
                f" (t::text ilike $2 or encode(convert_to(t::text, 'utf8'), 'escape') ilike $2)",
                tenant,
                f"%{MARK}%",
            )
            found += [f"{table}: {one['row'][:600]}" for one in rows]
            hexed = await connection.fetch(
                f"select t::text as row from {table} t where tenant_id = $1 and t::text like $2",
                tenant,
                f"%{MARK.encode().hex()}%",
            )
            found += [f"{table} (bytes): {one['row'][:300]}" for one in hexed]
    finally:
        await connection.close()
    return found


async def nothing_left(shop: Vendor, url: str, customer: str, tickets: list[str]) -> None:
    assert await rows_with_marks(url, shop.tenant_id), "the words were written"
    before = await folded(url, shop.tenant_id)
    await done(shop, await shop.post(f"/v1/customers/{customer}/erasure"))
    left = await rows_with_marks(url, shop.tenant_id)
    assert not left, "\n".join(left)
    assert (await done(shop, await shop.get("/v1/audit")))["data"] == []
    assert await folded(url, shop.tenant_id) == before, "amounts, kinds and clauses"
    await still_readable(shop, url, tickets)


async def folded(url: str, tenant: str) -> list[Any]:
    """The journal without its words."""
    connection = await connect(url)
    try:
        return [
            tuple(row)
            for row in await connection.fetch(
                "select o.operation_id, o.kind, o.clause, o.order_id, o.hold_id, o.account_version, e.line_no,"
                " e.lot_id, e.source, e.target, e.credits from operation o join entry e using (tenant_id, operation_id)"
                " where tenant_id = $1 order by 1, 7",
                tenant,
            )
        ]
    finally:
        await connection.close()


async def still_readable(shop: Vendor, url: str, tickets: list[str]) -> None:
    """Tickets answer under our own id, as they stand and as they stood."""
    connection = await connect(url)
    ids = await connection.fetch("select ticket_id from ticket where tenant_id = $1", shop.tenant_id)
    await connection.close()
    assert len(ids) >= len(tickets)
    for (ticket_id,) in ids:
        read = await done(shop, await shop.get(f"/v1/tickets/{ticket_id}"))
        assert read["subject"] == ""
        then = await shop.get(f"/v1/tickets/{ticket_id}", as_of="2025-01-01T00:00:00Z")
        assert then.status_code in (200, 404), then.text
        for kind in ("ticket", "charge"):
            assert (await shop.get(f"/v1/explain/{kind}/{ticket_id}")).status_code in (200, 404)
    for name in tickets:
        assert (await shop.get(f"/v1/tickets/{name}")).status_code == 404
    for path in ("/v1/tickets", "/v1/events", "/v1/audit-trail"):
        assert (await shop.get(path)).status_code == 200, path


async def test_words_about_credits_and_licenses_go(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("avactis")
    guest, anna = code("guest"), code("customer")
    for name in (guest, anna):
        made = await buy(shop, name, "license-owned")
        licence = made["licenses"][0]["license_id"]
        await done(
            shop,
            await shop.post(
                f"/v1/licenses/{licence}/registration", {"domain": f"{code('domain').replace('_', '-')}.example"}
            ),
        )
        await done(
            shop, await shop.post(f"/v1/customers/{name}/adjustments", {"credits": 20, "reason": word("adjustment")})
        )
        await done(
            shop, await shop.post(f"/v1/customers/{name}/adjustments", {"credits": -3, "reason": word("taking")})
        )
        debit = await done(shop, await shop.post(f"/v1/customers/{name}/debits", {"credits": 5}))
        await done(
            shop,
            await shop.post(f"/v1/holds/{debit['hold_id']}/refund", {"credits": 2, "reason": word("refund of a hold")}),
        )
        hold = await done(shop, await shop.post(f"/v1/customers/{name}/holds", {"credits": 4}))
        await done(shop, await shop.post(f"/v1/holds/{hold['hold_id']}/release", {"reason": word("release")}))
        batch = [
            {
                "kind": "adjust",
                "customer_id": name,
                "credits": 1,
                "reason": word("batch"),
                "idempotency_key": code("key")[4:],
            }
        ]
        await done(shop, await shop.post("/v1/credit-batches", {"commands": batch}))
        await done(shop, await shop.post(f"/v1/customers/{name}/tokens", {"minutes": 5}))
        bought = await buy(shop, name, "license-owned")
        body = {"refund_id": "r1", "lines": [{"line_id": "1"}], "reason": word("refund of an order")}
        await done(shop, await shop.post(f"/v1/orders/{bought['order_id']}/refunds", body))
        await done(
            shop,
            await shop.post(
                "/v1/webhook-endpoints",
                {"url": "https://hooks.example/x", "customer_id": name, "description": word("endpoint")},
            ),
        )
    await done(shop, await shop.post(f"/v1/customers/{guest}/merge", {"into_customer_id": anna}))
    ticket, _ = await open_ticket(shop, anna, category="domain_change")
    await act(shop, ticket, "pauses", {"reason": code("waiting"), "party": "customer"})
    await act(shop, ticket, "resumptions", {})
    await act(shop, ticket, "resolution", {})
    await nothing_left(shop, module_url, anna, [ticket])


async def test_words_about_points_and_disputes_go(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("x-cart")
    guest, anna = code("guest"), code("customer")
    await buy(shop, guest, "license")
    await buy(shop, anna, "license", "credits-300")
    ticket, _ = await open_ticket(shop, anna, category="level_2")
    await act(shop, ticket, "responses", {"author": "customer", "kind": "inquiry"})
    await act(shop, ticket, "assessments", {"category": "level_3", "credits": 30, "reason": word("assessment")})
    part = code("part")
    await act(shop, ticket, "splits", {"ticket_id": part, "subject": word("part")})
    await act(shop, ticket, "resolution", {"cause": "question", "result": {}})
    await act(shop, ticket, "disputes", {"reason": word("dispute")})
    await act(shop, ticket, "disputes/1/decision", {"decision": "reduced", "credits": 10})
    await act(shop, ticket, "reopening")
    late, _ = await open_ticket(shop, guest, category="level_1")
    await act(shop, late, "withdrawal")
    await done(shop, await shop.post(f"/v1/customers/{guest}/merge", {"into_customer_id": anna}))
    rejected, _ = await open_ticket(shop, anna, license_id=code("license"), category="level_1")
    await nothing_left(shop, module_url, anna, [ticket, part, late, rejected])


async def test_words_of_a_qualification_go(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("shopp")
    anna = code("customer")
    made = await buy(shop, anna, "license")
    licence = made["licenses"][0]["license_id"]
    await done(shop, await shop.post(f"/v1/licenses/{licence}/registration", {"domain": f"{MARK}-shop.example"}))
    for _ in range(3):
        lot = (await buy(shop, anna, "credit-priority"))["lots"][0]["lot_id"]
    await done(shop, await shop.post(f"/v1/lots/{lot}/refund", {"override": True, "reason": word("refund of a lot")}))
    ticket, _ = await open_ticket(
        shop, anna, credit_type="priority", license_id=licence, facts={"addon": word("fact"), "request_kind": "fixing"}
    )
    await act(shop, ticket, "qualification", {"decision": "accept", "note": word("note")})
    await act(shop, ticket, "details", {"facts": {"addon": word("detail"), "backup": "done"}})
    await act(shop, ticket, "access-requests", {"kinds": ["ftp"]})
    await act(shop, ticket, "access-requests/1/grant")
    await act(shop, ticket, "pauses", {"reason": code("waiting"), "party": "customer"})
    await act(shop, ticket, "pauses", {"reason": code("waiting too"), "party": "third_party"})
    other, _ = await open_ticket(shop, anna, credit_type="priority", license_id=licence, facts={"addon": word("fact")})
    await act(
        shop,
        other,
        "qualification",
        {"decision": "reject", "reasons": ["custom_code_required"], "note": word("rejected")},
    )
    await shop.move_clock("2025-01-05T00:00:00Z")
    await nothing_left(shop, module_url, anna, [ticket, other])
    await shop.move_clock("2025-03-05T00:00:00Z")
    assert (await done(shop, await shop.get("/v1/audit")))["data"] == []


async def test_words_about_covers_go(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("cs-cart")
    anna, berta = code("customer"), "berta"
    await buy(shop, anna, "license")
    lots = (await buy(shop, anna, "credits-25"))["lots"]
    choice = (await done(shop, await shop.get(f"/v1/customers/{anna}/choices")))["data"][0]
    period = next(one for one in choice["options"] if one != "credits")
    await done(shop, await shop.post(f"/v1/customers/{anna}/choices/{choice['choice_id']}", {"option": period}))
    cover = (await done(shop, await shop.get(f"/v1/customers/{anna}")))["covers"][0]["cover_id"]
    for verb, body in (
        ("suspension", {"reason": word("suspension")}),
        ("resumption", {"reason": word("resumption")}),
        ("extension", {"months": 1, "reason": word("extension")}),
    ):
        answer = await shop.post(f"/v1/covers/{cover}/{verb}", body)
        assert answer.status_code in (200, 409, 422), answer.text
    ticket, _ = await open_ticket(shop, anna, language="en", category="category_1", agreed_up_to=20, pay_with="credits")
    await act(shop, ticket, "resolution", {"outcome": "answered", "cause": "question"})
    await act(shop, ticket, "cause", {"cause": "software_bug", "reason": word("cause")})
    plain = {"customer_id": berta, "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [line("license")]}
    await done(shop, await shop.put("/v1/orders/of-berta", plain))
    given = await shop.post(f"/v1/lots/{lots[0]['lot_id']}/transfer", {"to_customer_id": berta})
    assert given.status_code in (200, 201, 409, 422), given.text
    await nothing_left(shop, module_url, anna, [ticket])


@pytest.mark.parametrize(
    "change",
    [
        "update operation set reason = 'another'",
        "update operation set reason = null, kind = 'grant'",
        "update entity_event set payload = payload || '{\"more\": 1}'",
        "update entity_event set payload = '{}'",
        "delete from operation",
    ],
)
async def test_an_erasure_can_only_take_words_out(vendor: MakeVendor, module_url: str, change: str) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "anna", "license")
    await done(shop, await shop.post("/v1/customers/anna/adjustments", {"credits": 2, "reason": word("adjustment")}))
    await open_ticket(shop, "anna", category="level_2")
    connection = await connect(module_url)
    try:
        await connection.execute("begin")
        await connection.execute("select set_config('app.tenant', $1, true)", shop.tenant_id)
        mine = await connection.fetchval("select customer_id from customer where tenant_id = $1", shop.tenant_id)
        await connection.execute("select set_config('app.erasure', $1, true)", mine)
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(change + " where tenant_id = $1", shop.tenant_id)
    finally:
        await connection.close()


def test_every_reason_of_the_house_stays() -> None:
    """What our own code gives as a reason is no caller's word."""
    given: set[str] = set()
    for path in Path("app/domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "reason" and isinstance(node.value, ast.Constant):
                given.add(str(node.value.value))
    assert given - {"None"} <= HOUSE_REASONS


async def test_words_that_a_shop_sent_go(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("cs-cart")
    source = {"kind": "woocommerce", "secret": shops.SECRET, "products": {"93": {"sku": "license"}, "23": None}}
    path = (await done(shop, await shop.put("/v1/sources/woo", source)))["path"]
    unknown = {"id": 9, "product_id": 777, "quantity": 1, "subtotal": "6.00", "total": "6.00", "name": word("item")}
    orders: list[dict[str, Any]] = [
        {"id": 1, "customer_id": 5, "billing": {"first_name": word("name"), "email": f"{MARK}@example.org"}},
        {"id": 2, "customer_id": 5, "line_items": [unknown], "customer_note": word("parked")},
        {"id": 3, "customer_id": 5, "line_items": [unknown], "customer_note": word("dismissed")},
    ]
    for one in orders:
        body = shops.raw(shops.woo_order(**one))
        assert (await shop.client.post(path, content=body, headers=shops.sign_woo(body))).status_code == 200
    rows = (await done(shop, await shop.get("/v1/sources/woo/deliveries")))["data"]
    third = next(one for one in rows if one["subject"] == "order/3")
    dismissal = f"/v1/sources/woo/deliveries/{third['delivery_id']}/dismissal"
    await done(shop, await shop.post(dismissal, {"reason": word("dismissal")}))
    customer = (await done(shop, await shop.get("/v1/orders/woo:1")))["customer_id"]
    await nothing_left(shop, module_url, customer, [])


async def test_words_that_are_written_after_an_erasure_do_not_stay(vendor: MakeVendor, module_url: str) -> None:
    """What is ours (holds, lots, covers, tickets, orders) goes on under our own ids; nobody's words do."""
    shop = await vendor("cs-cart")
    anna = code("customer")
    made = await buy(shop, anna, "license", order_id="kept")
    choice = (await done(shop, await shop.get(f"/v1/customers/{anna}/choices")))["data"][0]["choice_id"]
    await done(shop, await shop.post(f"/v1/customers/{anna}/choices/{choice}", {"option": "credits"}))
    await buy(shop, anna, "support-1-months", "credits-100", order_id="more")
    debit = await done(shop, await shop.post(f"/v1/customers/{anna}/debits", {"credits": 5}))
    hold = await done(shop, await shop.post(f"/v1/customers/{anna}/holds", {"credits": 4}))
    await open_ticket(shop, anna, category="category_1", pay_with="cover")
    account = await done(shop, await shop.get(f"/v1/customers/{anna}"))
    cover = next(one["cover_id"] for one in account["covers"] if one["state"] == "running")
    lot = next(one["lot_id"] for one in account["lots"] if one["source"] == "purchase")
    ours = await our_id(module_url, shop.tenant_id)
    await done(shop, await shop.post(f"/v1/customers/{anna}/erasure"))
    assert not await rows_with_marks(module_url, shop.tenant_id)

    said: list[tuple[str, dict[str, Any]]] = [
        (f"/v1/holds/{debit['hold_id']}/refund", {"credits": 2, "reason": word("refund of a hold")}),
        (f"/v1/holds/{hold['hold_id']}/release", {"reason": word("release")}),
        (f"/v1/covers/{cover}/suspension", {"reason": word("suspension")}),
        (f"/v1/covers/{cover}/resumption", {"reason": word("resumption")}),
        (f"/v1/tickets/{ours}/details", {"facts": {}, "product": word("product")}),
        (f"/v1/tickets/{ours}/pauses", {"reason": code("waiting"), "party": "customer"}),
        (f"/v1/tickets/{ours}/resumptions", {}),
        (f"/v1/tickets/{ours}/assessments", {"category": "category_2", "credits": 1, "reason": word("price")}),
        (f"/v1/tickets/{ours}/splits", {"ticket_id": code("part"), "subject": word("subject")}),
        (f"/v1/tickets/{ours}/resolution", {"outcome": "resolved", "result": {"found": word("result")}}),
        (f"/v1/tickets/{ours}/reopening", {"reason": word("reopening")}),
        (f"/v1/lots/{lot}/refund", {"override": True, "reason": word("override")}),
        ("/v1/orders/more/refunds", {"refund_id": "r", "lines": [{"line_id": "1"}], "reason": word("refund")}),
        (f"/v1/licenses/{made['licenses'][0]['license_id']}/termination", {}),
    ]
    taken = 0
    for path, body in said:
        answer = await shop.post(path, body)
        assert answer.status_code < 500, f"{path}: {answer.text}"
        taken += answer.status_code < 300
        left = await rows_with_marks(module_url, shop.tenant_id)
        assert not left, f"{path}: " + "\n".join(left)
    assert taken >= 9, "most of them are done"
    assert (await done(shop, await shop.get("/v1/audit")))["data"] == []


async def our_id(url: str, tenant: str) -> str:
    """Our id of the tenant's only ticket."""
    connection = await connect(url)
    try:
        return str(await connection.fetchval("select ticket_id from ticket where tenant_id = $1", tenant))
    finally:
        await connection.close()


async def test_a_giver_no_longer_names_who_received(vendor: MakeVendor, module_url: str) -> None:
    """Anna gives Berta credits of two orders; the shop refunds both, once Berta has spent of them."""
    shop = await vendor("x-cart")
    berta = code("berta")
    await done(shop, await shop.put(f"/v1/customers/{berta}", {}))
    plain = {"customer_id": "anna", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}
    for order in ("first", "second"):
        bought = await done(shop, await shop.put(f"/v1/orders/{order}", {**plain, "lines": [line("credits-60")]}))
        given = await shop.post(f"/v1/lots/{bought['lots'][0]['lot_id']}/transfer", {"to_customer_id": berta})
        await done(shop, given)
    await done(shop, await shop.post(f"/v1/customers/{berta}/debits", {"credits": 20}))
    for order in ("first", "second"):
        refund = {"refund_id": "r-1", "lines": [{"line_id": "1"}]}
        assert berta in str(await done(shop, await shop.post(f"/v1/orders/{order}/refunds", refund)))
    await nothing_left(shop, module_url, berta, [])
    read = await done(shop, await shop.get("/v1/orders/second"))
    rows = [(one["credits"], one["customer_id"]) for one in read["refunds"][0]["taken_back"]]
    assert rows == [(60, None)]
    (spent,) = (await done(shop, await shop.get("/v1/orders/first")))["refunds"][0]["not_taken_back"]
    assert (spent["spent"], spent["customer_id"]) == (20, None)
