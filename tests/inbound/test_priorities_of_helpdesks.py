"""Priorities of helpdesks over HTTP: mapped by the source, changed later, told in any order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.connectors.reconcile import Fetcher
from tests.inbound import test_helpdesks as desks
from tests.inbound.test_helpdesks import BASE, OPENED, acted, send, states
from tests.pages.markdown import ROOT
from tests.support import shops
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

POLICY = (ROOT / "docs" / "examples" / "hivemq.yaml").read_text(encoding="utf-8")
"""Extended Support answers p2 within 4 hours and p3 on the next day of support; without a priority it is two days.
The ticket is made on Epiphany, which is a holiday there, so its time begins on the 7th at 9:00 in Munich."""
P2, P3, NONE = "2025-01-07T12:00:00Z", "2025-01-08T08:00:00Z", "2025-01-09T08:00:00Z"
MAPPED = {"Urgent": "p2", "high": "p3", "3 high": "p2", "2 normal": "p3"}
NUMBERS = {"urgent": 4, "high": 3, "low": 1}
ZAMMAD = {"urgent": "3 high", "high": "2 normal", "low": "1 low"}
Stated = tuple[str, str | None]
"""When the helpdesk stated it, and its priority by then."""
HISTORY: list[Stated] = [
    (OPENED, "high"),
    ("2025-01-06T09:10:00Z", "urgent"),
    ("2025-01-06T09:20:00Z", None),
    ("2025-01-06T09:30:00Z", "low"),
]


def zendesk(at: str, name: str | None) -> dict[str, Any]:
    event = desks.zendesk()[0]
    if at == OPENED:
        return {**event, "detail": {**event["detail"], "priority": name and name.upper()}}
    changed = {"current": name and name.upper(), "previous": "HIGH"}
    return {**event, "id": "e" + at, "type": "zen:event-type:ticket.priority_changed", "time": at, "event": changed}


def chatwoot(at: str, name: str | None) -> dict[str, Any]:
    seconds = datetime.fromisoformat(at).timestamp() + 0.25
    kind = "conversation_created" if at == OPENED else "conversation_updated"
    return {**desks.chatwoot()[0], "event": kind, "priority": name, "updated_at": seconds}


def freescout(at: str, name: str | None) -> dict[str, Any]:
    field = {"id": 5, "name": "Priority", "value": "9", "text": name and name.title()}
    other = {"id": 6, "name": "Order", "value": "urgent", "text": "Urgent"}
    fields = [other] if name is None else [other, field]
    return {**desks.freescout()[0], "updatedAt": at, "customFields": fields}


def zammad(at: str, name: str | None) -> dict[str, Any]:
    """As Zammad's own example has it: the kind of the first article is a word."""
    ticket = {"id": 81, "title": "Help", "created_at": OPENED, "updated_at": at, "customer": {"id": 17}}
    priority = None if name is None else {"id": NUMBERS[name], "name": ZAMMAD[name]}
    return {"ticket": {**ticket, "priority": priority, "create_article_type": "email"}, "article": {}}


def helpdesk(at: str, name: str | None) -> dict[str, Any]:
    data = {"ticket_id": "81", "customer_id": "17", "subject": "Help", "created_at": OPENED, "priority": name}
    return {"type": "ticket.created" if at == OPENED else "ticket.updated", "timestamp": at, "data": data}


def freshdesk(at: str, name: str | None) -> dict[str, Any]:
    """What Freshdesk's API answers by then."""
    ticket = {"id": 81, "subject": "Help", "created_at": OPENED, "updated_at": at, "requester_id": 17}
    return {**ticket, "priority": name and NUMBERS[name]}


DESKS: dict[str, tuple[Callable[[str, str | None], dict[str, Any]], Callable[[bytes], dict[str, str]]]] = {
    "zendesk": (zendesk, shops.sign_zendesk),
    "chatwoot": (chatwoot, shops.sign_chatwoot),
    "freescout": (freescout, shops.sign_freescout),
    "zammad": (zammad, shops.sign_zammad),
    "helpdesk": (helpdesk, shops.sign_standard),
    "freshdesk": (freshdesk, shops.sign_freshdesk),
}


async def put_source(tenant: Vendor, kind: str, priorities: dict[str, str]) -> httpx.Response:
    secret = shops.STANDARD_SECRET if kind == "helpdesk" else shops.SECRET
    body = {"kind": kind, "secret": secret, "options": {"ids": "own", "priorities": priorities}}
    if kind == "freshdesk":
        body["api"] = {"key": "fd-key-123", "base_url": BASE}
    return await tenant.put("/v1/sources/desk", body)


async def a_desk(
    app: FastAPI, api: httpx.AsyncClient, kind: str, priorities: dict[str, str] | None = None
) -> tuple[Vendor, str]:
    """A vendor whose promise hangs on the priority, a customer with Extended Support, and the source of a helpdesk."""
    tenant = await vendor_under(app, api, POLICY, now="2025-01-06T12:00:00Z")
    line = {"line_id": "1", "sku": "extended-support", "quantity": 1, "list_price": "1.00", "unit_price": "1.00"}
    order = {"customer_id": "17", "placed_at": "2025-01-01T00:00:00Z", "currency": "EUR", "lines": [line]}
    await tenant.ok(await tenant.put("/v1/orders/1", order), 201)
    made = await put_source(tenant, kind, MAPPED if priorities is None else priorities)
    return tenant, (await tenant.ok(made, 201))["path"]


@asynccontextmanager
async def answering(app: FastAPI, ticket: dict[str, Any]) -> AsyncIterator[None]:
    """Freshdesk's API, as it shows the ticket now."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[] if request.url.path.endswith("/conversations") else ticket)

    inbox = app.state.house.inbox
    before, inbox.fetch = inbox.fetch, Fetcher(allow_private=True, transport=httpx.MockTransport(answer)).ask
    try:
        yield
    finally:
        inbox.fetch = before


async def tell(app: FastAPI, tenant: Vendor, path: str, kind: str, at: str, name: str | None) -> None:
    """The helpdesk tells what it states by then."""
    write, sign = DESKS[kind]
    said = write(at, name)
    body = shops.raw({"ticket_id": "81"} if kind == "freshdesk" else said)
    async with answering(app, said):
        more = {"ident": "msg_" + at} if kind == "helpdesk" else {}
        answer = await send(tenant, path, body, sign(body, **more))
        assert answer.status_code == 200, answer.text
        await acted(app, tenant)


async def stands(tenant: Vendor) -> tuple[str | None, str]:
    """The ticket's priority, and when its first response is due."""
    ticket = await tenant.ok(await tenant.get("/v1/tickets/81"))
    (clock,) = ticket["clocks"]
    return ticket["priority"], clock["due_at"]


@pytest.mark.parametrize("kind", DESKS)
async def test_a_priority_that_changes_in_the_helpdesk_moves_the_clock(
    app: FastAPI, api: httpx.AsyncClient, kind: str
) -> None:
    """What the source does not map, and none at all, leave it as it is."""
    tenant, path = await a_desk(app, api, kind)
    seen = []
    for at, name in HISTORY:
        await tell(app, tenant, path, kind, at, name)
        seen.append(await stands(tenant))
    assert seen == [("p3", P3), ("p2", P2), ("p2", P2), ("p2", P2)]
    assert {state for state, _ in await states(tenant)} == {"done"}
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


@pytest.mark.parametrize("kind", DESKS)
@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 0, 3, 2), (0, 2, 1, 0, 1), (2, 0, 3, 1)])
async def test_the_newest_priority_stands_in_whatever_order_it_is_told(
    app: FastAPI, api: httpx.AsyncClient, kind: str, order: tuple[int, ...]
) -> None:
    tenant, path = await a_desk(app, api, kind)
    for number in order:
        await tell(app, tenant, path, kind, *HISTORY[number])
    assert await stands(tenant) == ("p2", P2)
    assert {state for state, _ in await states(tenant)} == {"done"}


@pytest.mark.parametrize("kind", DESKS)
@pytest.mark.parametrize("name", ["low", None])
async def test_a_priority_that_is_not_mapped_is_none(
    app: FastAPI, api: httpx.AsyncClient, kind: str, name: str | None
) -> None:
    tenant, path = await a_desk(app, api, kind)
    await tell(app, tenant, path, kind, OPENED, name)
    assert await stands(tenant) == (None, NONE)
    assert await states(tenant) == [("done", None)]


@pytest.mark.parametrize("kind", [kind for kind in DESKS if kind != "helpdesk"])
async def test_a_source_that_maps_none_reads_none(app: FastAPI, api: httpx.AsyncClient, kind: str) -> None:
    tenant, path = await a_desk(app, api, kind, {})
    await tell(app, tenant, path, kind, OPENED, "urgent")
    assert await stands(tenant) == (None, NONE)


async def test_the_generic_kind_names_the_policys_own_where_none_is_mapped(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    tenant, path = await a_desk(app, api, "helpdesk", {})
    await tell(app, tenant, path, "helpdesk", OPENED, "p3")
    await tell(app, tenant, path, "helpdesk", HISTORY[1][0], "p2")
    await tell(app, tenant, path, "helpdesk", OPENED, "p3")
    assert await stands(tenant) == ("p2", P2)


@pytest.mark.parametrize("kind", DESKS)
async def test_a_name_that_the_policy_does_not_know_waits_for_a_person(
    app: FastAPI, api: httpx.AsyncClient, kind: str
) -> None:
    """As with a category; once the mapping is mended, a replay opens the ticket."""
    wrong = dict.fromkeys(MAPPED, "critical")
    tenant, path = await a_desk(app, api, kind, wrong)
    await tell(app, tenant, path, kind, OPENED, "urgent")
    assert await states(tenant) == [("parked", "unknown_priority")]
    await tenant.ok(await put_source(tenant, kind, MAPPED))
    async with answering(app, freshdesk(OPENED, "urgent")):
        (row,) = (await tenant.ok(await tenant.get("/v1/sources/desk/deliveries")))["data"]
        await tenant.ok(await tenant.post(f"/v1/sources/desk/deliveries/{row['delivery_id']}/replay"))
        await acted(app, tenant)
    assert await stands(tenant) == ("p2", P2)
    assert await states(tenant) == [("done", None)]


async def test_a_category_that_the_policy_does_not_know_is_mended_by_mapping_and_replay(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    """Whichever name sorts first."""
    tenant, path = await desks.a_desk(app, api, "zendesk")
    for wrong in ("aaa", "zzz"):
        options = {"ids": "own", "categories": {"600": wrong}}
        await tenant.ok(await tenant.put("/v1/sources/desk", {"kind": "zendesk", "options": options}))
        body = shops.raw(desks.zendesk()[0])
        await send(tenant, path, body, shops.sign_zendesk(body))
        (row,) = (await tenant.ok(await tenant.get("/v1/sources/desk/deliveries")))["data"]
        await tenant.ok(await tenant.post(f"/v1/sources/desk/deliveries/{row['delivery_id']}/replay"))
        assert await states(tenant) == [("parked", "unknown_category")]
    options = {"ids": "own", "categories": {"600": "help"}}
    await tenant.ok(await tenant.put("/v1/sources/desk", {"kind": "zendesk", "options": options}))
    await tenant.ok(await tenant.post(f"/v1/sources/desk/deliveries/{row['delivery_id']}/replay"))
    assert await states(tenant) == [("done", None)]
    assert (await tenant.ok(await tenant.get("/v1/tickets/81")))["category"] == "help"


async def test_an_answer_counts_although_the_priority_beside_it_is_unknown(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    tenant, path = await a_desk(app, api, "zendesk", {"high": "p3", "urgent": "critical"})
    await tell(app, tenant, path, "zendesk", OPENED, "high")
    reply = desks.zendesk(desks.REPLY)[1]
    body = shops.raw({**reply, "detail": {**reply["detail"], "priority": "URGENT"}})
    await send(tenant, path, body, shops.sign_zendesk(body))
    assert await states(tenant) == [("parked", "unknown_priority"), ("done", None)]
    ticket = await tenant.ok(await tenant.get("/v1/tickets/81"))
    assert (ticket["priority"], ticket["clocks"][0]["stopped_at"]) == ("p3", desks.ANSWERED)


async def test_a_priority_stated_here_stands_until_the_helpdesk_states_another(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    tenant, path = await a_desk(app, api, "zammad")
    await tell(app, tenant, path, "zammad", OPENED, "high")
    await tenant.ok(await tenant.post("/v1/tickets/81/details", {"priority": "p4"}))
    await tell(app, tenant, path, "zammad", "2025-01-06T09:05:00Z", "high")
    assert (await stands(tenant))[0] == "p4"
    await tell(app, tenant, path, "zammad", *HISTORY[1])
    assert await stands(tenant) == ("p2", P2)


async def test_a_priority_of_a_closed_ticket_is_passed_over(app: FastAPI, api: httpx.AsyncClient) -> None:
    tenant, path = await a_desk(app, api, "chatwoot")
    await tell(app, tenant, path, "chatwoot", OPENED, "high")
    await tenant.ok(await tenant.post("/v1/tickets/81/withdrawal"))
    await tell(app, tenant, path, "chatwoot", *HISTORY[1])
    assert {state for state, _ in await states(tenant)} == {"done"}
    assert (await tenant.ok(await tenant.get("/v1/tickets/81")))["priority"] == "p3"


@pytest.mark.parametrize(
    ("priorities", "words"),
    [
        ({"urgent": "p1", "Urgent": "p2"}, "case does not count"),
        ({"urgent": "the first"}, "priorities"),
        ({"urgent": None}, "priorities"),
        (["urgent"], "priorities"),
    ],
)
async def test_options_that_cannot_be_meant_are_refused(
    app: FastAPI, api: httpx.AsyncClient, priorities: Any, words: str
) -> None:
    tenant = await vendor_under(app, api, POLICY, now="2025-01-06T12:00:00Z")
    answer = await put_source(tenant, "zendesk", priorities)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text
    assert words in answer.text
    assert "/options/priorities" in answer.text


async def test_what_a_source_maps_is_shown(app: FastAPI, api: httpx.AsyncClient) -> None:
    tenant, _ = await a_desk(app, api, "zendesk")
    (row,) = (await tenant.ok(await tenant.get("/v1/sources")))["data"]
    assert row["options"] == {"ids": "own", "priorities": MAPPED}
