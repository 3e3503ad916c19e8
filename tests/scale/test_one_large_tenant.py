"""A tenant of 10,000 customers: what every read of the service reads of it, statement by statement.

A page reads its own rows and what leads to them, whatever else the tenant holds. What must look at more is named here,
with its reason. The bound is a few hundred buffers: a scan of a table of this tenant reads more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.commands import verify_ledger
from app.usecases.reports import audit
from bench import crowd
from tests.published.shop import bought, opened
from tests.support import buffers, databases
from tests.support.api import Vendor, make_vendor

MOST: Final = 300
"""Buffers that a statement may read for a page of twenty rows; five times as many for one of a hundred."""
RANGE: Final = 40_000
"""Buffers that a question of the audit may read about 200 customers, whatever else the tenant holds."""
STEP: Final = 8_000
"""Buffers that a step of a preview or a simulation may read, whatever else the tenant holds: 500 clocks with all that
happened to them, or the first orders and tickets of some customers."""
LIVES: Final = 10
COPIES: Final = 1_000
T0: Final = "2025-06-10T15:00:00Z"
THEN: Final = "2025-06-10T15:00:00Z"
EXPIRED: Final = 60
"""Tickets whose credit expired undecided, and that no job has come by."""

CALLS: Final[dict[str, tuple[str, ...]]] = {
    "/problems": ("/problems",),
    "/problems/{code}": ("/problems/customer_not_found",),
    "/livez": ("/livez",),
    "/readyz": ("/readyz",),
    "/v1/tenants": (),  # the operator's: a row of each of its tenants
    "/v1/tenants/{tenant_id}/move": (),  # the operator's: two rows by their keys
    "/v1/keys": ("/v1/keys",),
    "/v1/clock": ("/v1/clock",),
    "/v1/offers/{sku}": ("/v1/offers/license",),
    "/v1/offers": ("/v1/offers", "/v1/offers?customer_id=ann1"),
    "/v1/orders": (
        "/v1/orders",
        "/v1/orders?sort=oldest",
        "/v1/orders?customer_id=ann1",
        "/v1/orders?since={then}&until=2025-06-20T00:00:00Z",
        *(
            f"/v1/orders?{one}{more}"
            for one in (
                *(f"state={state}" for state in ("granted", "partly_granted", "not_granted", "granted,not_granted")),
                *(f"payment_state={paid}" for paid in ("paid", "partly_refunded", "refunded", "disputed,dispute_lost")),
                "state=granted&payment_state=refunded",
                "state=not_granted,partly_granted&payment_state=paid,disputed",
            )
            for more in ("", "&sort=oldest", "&customer_id=ann1", "&since={then}&until=2025-06-20T00:00:00Z")
        ),
    ),
    "/v1/refunds": (
        "/v1/refunds",
        "/v1/refunds?order_id=o-ann1",
        "/v1/refunds?customer_id=ann1",
        *(
            f"/v1/refunds?state={one}{more}"
            for one in ("booked", "pending", "undone", "undone,booked")
            for more in ("", "&sort=oldest", "&customer_id=ann1", "&order_id=o-ann1")
        ),
    ),
    "/v1/holds": (
        "/v1/holds",
        "/v1/holds?sort=oldest",
        "/v1/holds?open=true",
        "/v1/holds?open=false",
        "/v1/holds?customer_id=ann1",
        "/v1/holds?ticket_id=t-ann1",
        "/v1/holds?since={then}&until=2025-06-20T00:00:00Z",
        "/v1/holds?since=2025-06-20T00:00:00Z",
        "/v1/holds?until={then}&open=true&sort=oldest",
        "/v1/holds?since={then}&customer_id=ann1",
        *(
            f"/v1/holds?state={one}{more}"
            for one in ("open", "captured", "released", "refunded", "released,open")
            for more in ("", "&sort=oldest", "&sort=soonest", "&customer_id=ann1", "&since=2025-06-20T00:00:00Z")
        ),
        "/v1/holds?sort=soonest",
        "/v1/holds?sort=latest&customer_id=ann1",
    ),
    "/v1/licenses": (
        "/v1/licenses",
        "/v1/licenses?active=true",
        "/v1/licenses?active=false",
        "/v1/licenses?domain=nothing",
        "/v1/licenses?ended_reason=refunded,upgraded",
        "/v1/licenses?ended_reason=terminated,corrected&sort=oldest&customer_id=ann1",
        "/v1/licenses?customer_id=ann1",
    ),
    "/v1/covers": (
        "/v1/covers",
        "/v1/covers?license_id={license}",
        "/v1/covers?customer_id=ann1&sort=oldest",
        *(
            f"/v1/covers?state={one}{more}"
            for one in ("pending", "scheduled", "running", "suspended", "ended", "voided", "ended,running,pending")
            for more in ("", "&sort=oldest", "&customer_id=ann1", "&ends_before=2025-06-20T00:00:00Z")
        ),
        "/v1/covers?ends_after={then}&ends_before=2025-07-20T00:00:00Z&sort=oldest",
        "/v1/covers?ends_after=2025-07-20T00:00:00Z",
        "/v1/covers?sort=soonest",
        "/v1/covers?sort=latest&customer_id=ann1",
        "/v1/covers?state=running&since={then}&until=2025-06-20T00:00:00Z",
    ),
    "/v1/orders/{order_id}": ("/v1/orders/o-ann1",),
    "/v1/licenses/{license_id}": ("/v1/licenses/{license}",),
    "/v1/covers/{cover_id}": ("/v1/covers/{cover}",),
    "/v1/choices/{choice_id}": ("/v1/choices/none",),
    "/v1/entries/{entry_id}": ("/v1/entries/{entry}", "/v1/entries/{entry}?as_of={then}"),
    "/v1/lots/{lot_id}": ("/v1/lots/{lot}", "/v1/lots/{lot}?as_of={then}"),
    "/v1/lots/{lot_id}/refund-quote": ("/v1/lots/{lot}/refund-quote",),
    "/v1/customers": (
        "/v1/customers",
        "/v1/customers?limit=100",
        *(f"/v1/customers?query={one}" for one in ("ann1", "ANN1", "n1", "nobody", "7", "anna")),
        "/v1/customers?query=ann&cursor={customers}",
    ),
    "/v1/customers/{customer_id}": ("/v1/customers/ann1",),
    "/v1/customers/{customer_id}/balance": ("/v1/customers/ann1/balance", "/v1/customers/ann1/balance?as_of={then}"),
    "/v1/customers/{customer_id}/statement": (
        "/v1/customers/ann1/statement",
        "/v1/customers/ann1/statement?as_of={then}&known_at={then}",
    ),
    "/v1/customers/{customer_id}/entries": (
        "/v1/customers/ann1/entries",
        "/v1/customers/ann1/entries?as_of={then}",
        "/v1/customers/ann1/entries?limit=1&cursor={entries}",
    ),
    "/v1/customers/{customer_id}/choices": ("/v1/customers/ann1/choices", "/v1/customers/ann1/choices?all=true"),
    "/v1/customers/{customer_id}/export": ("/v1/customers/ann1/export",),
    "/v1/customers/{customer_id}/entitlements/{action}": (
        "/v1/customers/ann1/entitlements/open_ticket",
        "/v1/customers/ann1/entitlements/open_ticket?as_of={then}&explain=true",
    ),
    "/v1/tickets": (
        "/v1/tickets",
        "/v1/tickets?limit=100",
        *(
            f"/v1/tickets?state={one}{more}"
            for one in ("in_progress", "resolved", "rejected", "needs_facts", "awaiting_choice", "withdrawn")
            for more in ("", "&customer_id=ann1")
        ),
        "/v1/tickets?customer_id=ann1",
        "/v1/tickets?state=in_progress,resolved,needs_facts,rejected&sort=oldest",
        "/v1/tickets?since={then}&until=2025-06-20T00:00:00Z&sort=oldest",
        "/v1/tickets?cursor={tickets}",
    ),
    "/v1/tickets/{ticket_id}": ("/v1/tickets/t-ann1", "/v1/tickets/t-ann1?as_of={then}"),
    "/v1/explain/{kind}/{id}": tuple(
        f"/v1/explain/{one}"
        for one in (
            "ticket/t-ann1",
            "order/o-ann1",
            "lot/{lot}",
            "operation/{operation}",
            "hold/{hold}",
            "charge/t-ann1",
            "clock/{clock}",
            "cover/{cover}",
            "license/{license}",
        )
    ),
    "/v1/calendars": ("/v1/calendars",),
    "/v1/calendars/{name}": ("/v1/calendars/service-hours",),
    "/v1/calendars/{name}/versions": ("/v1/calendars/service-hours/versions",),
    "/v1/calendars/{name}/closures": ("/v1/calendars/service-hours/closures?from=2025-01-01&to=2025-12-31",),
    "/v1/calendars/{name}/calendar.ics": ("/v1/calendars/service-hours/calendar.ics?from=2025-01-01&to=2025-03-01",),
    "/v1/calendars/{name}/open": ("/v1/calendars/service-hours/open?at={then}",),
    "/v1/calendars/{name}/elapsed": ("/v1/calendars/service-hours/elapsed?from={then}&to=2025-06-20T00:00:00Z",),
    "/v1/calendars/{name}/due": ("/v1/calendars/service-hours/due?from={then}&target=business_days:1",),
    "/v1/clocks": (
        "/v1/clocks",
        "/v1/clocks?ticket_id=t-ann1",
        "/v1/clocks?due_before=2025-07-01T00:00:00Z",
        "/v1/clocks?due_before=2020-01-01T00:00:00Z",
        "/v1/clocks?due_before=2025-07-01T00:00:00Z&cursor={due}",
        "/v1/clocks?as_of={then}",
        *(f"/v1/clocks?phase={one}" for one in ("running", "paused", "stopped", "cancelled", "pending")),
        *(
            f"/v1/clocks?outcome={one}{more}"
            for one in ("open", "met", "breached")
            for more in ("", "&phase=running", "&phase=paused", "&due_before=2025-06-11T00:00:00Z", "&ticket_id=t-ann1")
        ),
        "/v1/clocks?outcome=met&cursor={clocks}",
        "/v1/clocks?phase=running,paused&outcome=open,breached&sort=newest",
        "/v1/clocks?outcome=met,breached&due_after=2025-06-11T00:00:00Z&sort=newest",
        "/v1/clocks?due_after=2025-06-11T00:00:00Z&due_before=2025-06-12T00:00:00Z",
        "/v1/clocks?customer_id=ann1&phase=running,stopped&sort=newest",
        "/v1/clocks?customer_id=ann1&due_after=2025-06-11T00:00:00Z",
        "/v1/clocks?sort=soonest",
        "/v1/clocks?sort=latest&outcome=met",
        "/v1/clocks?sort=soonest&customer_id=ann1",
    ),
    "/v1/clocks/{clock_id}": ("/v1/clocks/{clock}", "/v1/clocks/{clock}?as_of={then}"),
    "/v1/policies": ("/v1/policies",),
    "/v1/policies/{name}": ("/v1/policies/x-cart",),
    "/v1/policies/{name}/source": ("/v1/policies/x-cart/source",),
    "/v1/sources": ("/v1/sources",),
    "/v1/sources/{name}/deliveries": ("/v1/sources/shop/deliveries", "/v1/sources/shop/deliveries?state=parked"),
    "/v1/sources/{name}/deliveries/{delivery_id}": (),
    "/v1/webhook-endpoints": ("/v1/webhook-endpoints",),
    "/v1/webhook-endpoints/{endpoint_id}": ("/v1/webhook-endpoints/{endpoint}",),
    "/v1/webhook-endpoints/{endpoint_id}/deliveries": ("/v1/webhook-endpoints/{endpoint}/deliveries",),
    "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}": (),
    "/v1/events": (
        "/v1/events",
        "/v1/events?after={position}",
        *(f"/v1/events?type={one}" for one in ("ticket.*", "ticket.opened", "customer.merged", "choice.*", "*")),
        "/v1/events?type=ticket.opened&type=order.*&after={position}",
        "/v1/events?customer_id=ann1",
        "/v1/events?customer_id=ann1&type=ticket.*",
    ),
    "/v1/events/{event_id}": ("/v1/events/{event}",),
    "/v1/exports/{name}": (),  # reads on page by page to the end, each page by a key, as the lists above do
    "/v1/audit-trail": (
        "/v1/audit-trail",
        *(f"/v1/audit-trail?{one}=nothing" for one in ("action", "actor", "subject")),
    ),
}
"""What is asked of each path; {then} and the like stand for what the tenant holds."""
WHOLE: Final = {
    "/v1/audit": "it promises that nothing is broken in the whole tenant, and looks at it range by range",
    "/v1/reports/{name}": "it adds up what the whole tenant holds (tests/scale/test_reports.py)",
}
"""Paths that look at more than a page, each with its reason."""


async def _lives(shop: Vendor) -> None:
    """Ten customers, who differ in how far their tickets came."""
    for n in range(LIVES):
        name = f"ann{n}"
        await bought(shop, "license", name, order=f"o-{name}")
        await opened(shop, f"t-{name}", name, category="level_1")
        if n % 3:
            answer = {"author": "vendor", "kind": "service", "public": True}
            await shop.ok(await shop.post(f"/v1/tickets/t-{name}/responses", json=answer))
        if n % 3 == 2:
            end = {"outcome": "answered", "cause": "question"}
            await shop.ok(await shop.post(f"/v1/tickets/t-{name}/resolution", json=end))
        await shop.ok(await shop.post(f"/v1/customers/{name}/debits", json={"credits": 1}))
        held = await shop.ok(await shop.post(f"/v1/customers/{name}/holds", json={"credits": 1}))
        if n % 2:
            await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/release"))


@pytest_asyncio.fixture(scope="module")
async def large(app: FastAPI, module_url: str) -> AsyncIterator[Vendor]:
    """The tenant, filled."""
    shop = await make_vendor(app, "x-cart", T0)
    await _lives(shop)
    await shop.ok(await shop.get("/v1/events"))  # gives the events their places
    connection = await databases.connect(module_url)
    await crowd.multiply(connection, shop.tenant_id, COPIES, spread=crowd.SPREAD - crowd.DUE)
    late = '{"credit_expires_at": "2025-06-10T14:00:00Z"}'
    await connection.execute(
        "update ticket set state = 'needs_facts', document = document || $1::jsonb where tenant_id = $2 and ticket_id"
        " in (select ticket_id from ticket where tenant_id = $2 and external_id like 't-ann3-%' limit $3)",
        late,
        shop.tenant_id,
        EXPIRED,
    )
    await connection.execute("vacuum analyze ticket")
    await connection.close()
    yield shop
    await shop.close()


@pytest_asyncio.fixture(scope="module")
async def names(large: Vendor) -> dict[str, Any]:
    """What the calls name: rows of one customer, and places in lists."""
    customer = await large.ok(await large.get("/v1/customers/ann1"))
    lines = await large.ok(await large.get("/v1/customers/ann1/entries", limit=1))
    events = await large.ok(await large.get("/v1/events", limit=100))
    endpoint = await large.post("/v1/webhook-endpoints", json={"url": "https://example.com/hook", "event_types": ["*"]})
    await large.ok(
        await large.put(
            "/v1/sources/shop", {"kind": "woocommerce", "secret": "s" * 20, "products": {"7": {"sku": "license"}}}
        )
    )
    ticket = await large.ok(await large.get("/v1/tickets/t-ann1"))
    held = await large.ok(await large.post("/v1/customers/ann1/holds", json={"credits": 1}))
    return {
        "then": THEN,
        "license": customer["licenses"][0]["license_id"],
        "cover": (customer["covers"] or [{"cover_id": "none"}])[0]["cover_id"],
        "lot": (await large.get("/v1/customers/ann1/balance")).json()["lots"][0]["lot_id"],
        "operation": lines["data"][0]["operation_id"],
        "entry": lines["data"][0]["entry_id"],
        "entries": lines["next_cursor"],
        "hold": held["hold_id"],
        "clock": (ticket["clocks"] or [{"clock_id": "none"}])[0]["clock_id"],
        "event": events["data"][5]["id"],
        "position": LIVES * COPIES,
        "endpoint": (await large.ok(endpoint))["endpoint_id"],
        "customers": (await large.get("/v1/customers", query="ann", limit=5)).json()["next_cursor"],
        "tickets": (await large.get("/v1/tickets", limit=5)).json()["next_cursor"],
        "clocks": (await large.get("/v1/clocks", outcome="met", limit=5)).json()["next_cursor"],
        "due": (await large.get("/v1/clocks", due_before="2025-07-01T00:00:00Z", limit=5)).json()["next_cursor"],
    }


def _too_much(found: list[buffers.Read], most: int = MOST) -> str:
    return "\n\n".join(str(one) for one in found if one.buffers > most)


async def test_every_read_is_asked(app: FastAPI) -> None:
    published = {path for path, verbs in app.openapi()["paths"].items() if "get" in verbs}
    assert published == CALLS.keys() | WHOLE.keys()


@pytest.mark.parametrize("path", [path for path, calls in CALLS.items() if calls])
async def test_a_read_reads_a_few_hundred_buffers(large: Vendor, names: dict[str, Any], path: str) -> None:
    for call in CALLS[path]:
        with buffers.read() as found:
            answer = await large.get(call.format(**names))
        assert answer.status_code in (200, 204) or "none" in call.format(**names), (call, answer.text)
        assert _too_much(found, 5 * MOST if "limit=100" in call else MOST) == "", call


async def test_merge_and_erasure_read_what_the_account_holds(large: Vendor) -> None:
    for call, body in (
        ("/v1/customers/ann5-7/merge", {"into_customer_id": "ann5-8"}),
        ("/v1/customers/ann5-8/erasure", {}),
    ):
        with buffers.read() as found:
            answer = await large.post(call, json=body)
        assert answer.status_code == 200, answer.text
        assert _too_much(found) == "", call


async def test_a_search_finds_beginnings_of_words_however_they_are_written(large: Vendor) -> None:
    found: list[str] = []
    cursor = None
    for _ in range(5):
        page = (await large.get("/v1/customers", query="ANN7 99", limit=4, cursor=cursor)).json()
        found += [one["customer_id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(["ann7-99", *(f"ann7-99{n}" for n in range(10))])
    assert [one["customer_id"] for one in (await large.get("/v1/customers", query="t-ann7-12")).json()["data"]] == [
        "ann7-12"
    ]
    assert (await large.get("/v1/customers", query="nn7-99")).json()["data"] == []


async def test_a_search_of_two_words_looks_at_the_rarer_ones(large: Vendor) -> None:
    """Ten thousand customers begin with one word: it is asked of those whom the other word finds."""
    for query in ("ann 7", "ann7 99", "9 ann3", "ann nobody", "ann1 ann2", "ANN1-77", "o-ann2", "t-ann2-400"):
        with buffers.read() as found:
            answer = await large.get("/v1/customers", query=query)
        assert answer.status_code == 200, answer.text
        assert _too_much(found, STEP) == "", query


@pytest.mark.parametrize("due", [None, "2025-06-11T00:00:00Z"])
@pytest.mark.parametrize("outcome", [None, "open", "met", "breached"])
@pytest.mark.parametrize("phase", [None, "running", "stopped"])
async def test_a_list_of_clocks_is_what_a_plain_question_answers(
    large: Vendor, module_url: str, phase: str | None, outcome: str | None, due: str | None
) -> None:
    plain = (
        "select clock_id from clock where tenant_id = $1 and ($2::text is null or phase = $2) and ($3::text is null or"
        " case when outcome = 'open' and phase = 'running' and due_at < $5 then 'breached' else outcome end = $3)"
        " and ($4::timestamptz is null or due_at < $4) order by"
        " case when $4::timestamptz is not null then due_at end, clock_id limit 90"
    )
    connection = await databases.connect(module_url)
    before = None if due is None else datetime.fromisoformat(due)
    rows = await connection.fetch(plain, large.tenant_id, phase, outcome, before, datetime.fromisoformat(T0))
    await connection.close()
    found: list[str] = []
    cursor = None
    for _ in range(3):
        asked = {"phase": phase, "outcome": outcome, "due_before": due, "limit": 30, "cursor": cursor}
        page = (await large.get("/v1/clocks", **asked)).json()
        found += [one["clock_id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [one[0] for one in rows]


async def test_the_command_goes_on_where_it_was_broken_off(
    large: Vendor, module_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_ledger, "STRETCH", 4_000)
    places: list[tuple[int, str | None]] = []
    whole = await verify_ledger.verify(
        module_url, [large.tenant_id], report=lambda _, customers, place: places.append((customers, place))
    )
    customers, found = whole[large.tenant_id]
    assert (customers, found) == (LIVES * (COPIES + 1), [])
    assert [one for one, _ in places] == [8_000, customers]
    assert places[0][1] is not None
    assert places[-1][1] is None
    rest = await verify_ledger.verify(module_url, [large.tenant_id], after=places[0][1])
    assert rest[large.tenant_id] == (customers - 8_000, [])


async def test_a_simulation_reads_the_history_that_it_runs_again(large: Vendor) -> None:
    document = (await large.ok(await large.get("/v1/policies/x-cart")))["document"]
    for more in ({}, {"from": "2025-06-11T00:00:00Z"}):
        with buffers.read() as found:
            answer = await large.post("/v1/policies/x-cart/simulate", json={"document": document, "limit": 20, **more})
        assert answer.status_code == 200, answer.text
        assert _too_much(found, STEP) == ""


async def test_the_preview_of_a_calendar_looks_at_open_clocks_step_by_step(large: Vendor) -> None:
    asked = {
        "effective_from": "2025-08-01",
        "exceptions": [{"date": "2025-12-23", "kind": "closed", "name": "Inventory"}],
    }
    with buffers.read() as found:
        answer = await large.post("/v1/calendars/service-hours/versions?validate_only=true", json=asked)
    preview = (await large.ok(answer, (200, 201)))["preview"]
    assert preview["open_clocks"] > LIVES * COPIES / 10
    assert _too_much(found, STEP) == ""


async def test_an_audit_goes_on_where_it_ended(large: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SECONDS", 0.0)  # one range a call
    cursor, calls = None, 0
    with buffers.read() as found:
        while calls < 3:
            page = await large.ok(await large.get("/v1/audit", cursor=cursor))
            assert page["data"] == []
            cursor, calls = page["next_cursor"], calls + 1
            assert cursor is not None
    assert _too_much(found, RANGE) == ""


async def test_an_audit_shows_every_row_once(large: Vendor, module_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await databases.connect(module_url)
    wrong = "update lot set reason = reason, is_open = not is_open where tenant_id = $1 and customer_id = any($2)"
    ids = await connection.fetch(
        "select customer_id from customer where tenant_id = $1 order by customer_id limit 30", large.tenant_id
    )
    try:
        await connection.execute(wrong, large.tenant_id, [one[0] for one in ids])
        monkeypatch.setattr(audit, "SECONDS", 0.0)
        seen: list[str] = []
        cursor = None
        for _ in range(4):
            page = await large.ok(await large.get("/v1/audit", cursor=cursor, limit=10))
            seen += [one["subject"] for one in page["data"] if one["invariant"] == "lot_identity"]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == len(ids)
    finally:
        await connection.execute(wrong, large.tenant_id, [one[0] for one in ids])
        await connection.close()


async def test_expired_undecided_tickets_stand_among_the_rejected(large: Vendor) -> None:
    seen: list[str] = []
    cursor = None
    for _ in range(EXPIRED):
        page = (await large.get("/v1/tickets", state="rejected", limit=25, cursor=cursor)).json()
        seen += [one["ticket_id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == EXPIRED
    assert (await large.get("/v1/tickets", state="needs_facts")).json()["data"] == []
