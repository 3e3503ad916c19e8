"""Deliveries of helpdesks over HTTP: a ticket that runs since it was made, and the agent's answer that meets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.connectors.reconcile import Fetcher
from tests.clocks.promises import FIRST, a_policy, a_vendor
from tests.support import shops
from tests.support.api import Vendor
from tests.support.chance import altered

OPENED, ANSWERED, LATER = "2025-01-06T09:00:00Z", "2025-01-06T09:40:00Z", "2025-01-06T10:10:00Z"
BASE = "https://93.184.216.34"
Sign = Callable[[bytes], dict[str, str]]


def zendesk(*written: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of ticket 81: made, then each comment."""
    detail = {
        "id": "81",
        "subject": "Help",
        "created_at": OPENED,
        "requester_id": "17",
        "group_id": "600",
        "via": {"channel": "email"},
    }
    envelope = {"account_id": 1, "subject": "zen:ticket:81", "detail": detail, "zendesk_event_version": "2022-11-06"}
    events = [{**envelope, "id": "e0", "type": "zen:event-type:ticket.created", "time": OPENED, "event": {}}]
    for row in written:
        author = {"id": "9" if row["agent"] else "17", "is_staff": row["agent"], "name": "A name"}
        comment = {"id": row["id"], "body": "Words", "is_public": row["public"], "author": author}
        kind = "zen:event-type:ticket.comment_added"
        events.append(
            {**envelope, "id": "e" + row["id"], "type": kind, "time": row["at"], "event": {"comment": comment}}
        )
    return events


def chatwoot(*written: dict[str, Any]) -> list[dict[str, Any]]:
    conversation = {
        "id": 81,
        "inbox_id": 600,
        "channel": "Channel::Email",
        "created_at": int(datetime.fromisoformat(OPENED).timestamp()),
        "status": "open",
        "additional_attributes": {"mail_subject": "Help"},
        "meta": {"sender": {"id": 17, "email": "ann@acme.example", "identifier": None}},
    }
    events: list[dict[str, Any]] = [{**conversation, "event": "conversation_created"}]
    for row in written:
        kind = "outgoing" if row["agent"] else "incoming"
        message = {"id": row["id"], "message_type": kind, "private": not row["public"], "created_at": row["at"]}
        sender = {"id": 9, "type": "user" if row["agent"] else "contact"}
        events.append(
            {**message, "content": "Words", "sender": sender, "conversation": conversation, "event": "message_created"}
        )
    return events


def freescout(*written: dict[str, Any]) -> list[dict[str, Any]]:
    """Each delivery holds the whole conversation as it is by then; its first thread is the ticket itself."""
    threads = [{"id": 1, "type": "customer", "state": "published", "createdAt": OPENED}]
    for row in written:
        kind = "customer" if not row["agent"] else "message" if row["public"] else "note"
        threads.append({"id": int(row["id"]), "type": kind, "state": "published", "createdAt": row["at"]})
    draft = {"id": 90, "type": "message", "state": "draft", "createdAt": OPENED}
    return [
        {
            "id": 81,
            "number": 3,
            "type": "email",
            "status": "active",
            "state": "published",
            "subject": "Help",
            "mailboxId": 600,
            "createdAt": OPENED,
            "customer": {"id": 17, "email": "ann@acme.example"},
            "_embedded": {"threads": [*threads[: count + 1], draft]},
        }
        for count in range(len(threads))
    ]


DESKS: dict[str, tuple[Callable[..., list[dict[str, Any]]], Sign]] = {
    "zendesk": (zendesk, shops.sign_zendesk),
    "chatwoot": (chatwoot, shops.sign_chatwoot),
    "freescout": (freescout, shops.sign_freescout),
}
NOTE = {"id": "98", "agent": True, "public": False, "at": "2025-01-06T09:10:00Z"}
REPLY = {"id": "99", "agent": True, "public": True, "at": ANSWERED}
WORD = {"id": "97", "agent": False, "public": True, "at": LATER}


async def a_desk(app: FastAPI, api: httpx.AsyncClient, kind: str, **more: Any) -> tuple[Vendor, str]:
    """A vendor who promises a first response to anybody, and the source of a helpdesk."""
    tenant = await a_vendor(app, api, a_policy(FIRST), now="2025-01-06T12:00:00Z")
    options = {"ids": "own", "categories": {"600": "help"}}
    made = await tenant.put("/v1/sources/desk", {"kind": kind, "secret": shops.SECRET, "options": options, **more})
    return tenant, (await tenant.ok(made, 201))["path"]


async def send(tenant: Vendor, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return await tenant.client.post(path, content=body, headers=headers)


async def acted(app: FastAPI, tenant: Vendor) -> None:
    """Acts on what waits, and on what was asked for it."""
    while await app.state.house.inbox.act(app.state.house.database, tenant.tenant_id):
        pass


async def first_response(tenant: Vendor) -> tuple[str, str | None]:
    rows = (await tenant.ok(await tenant.get("/v1/clocks", ticket_id="81")))["data"]
    (clock,) = [row for row in rows if row["milestone"] == "first_response"]
    return clock["started_at"], clock["stopped_at"]


async def states(tenant: Vendor) -> list[tuple[str, str | None]]:
    rows = (await tenant.ok(await tenant.get("/v1/sources/desk/deliveries", limit=100)))["data"]
    return [(row["state"], row["reason"]) for row in rows]


@pytest.mark.parametrize("kind", DESKS)
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 2, 0, 3, 1, 3)])
async def test_a_ticket_runs_since_it_was_made_and_the_public_answer_meets_it(
    app: FastAPI, api: httpx.AsyncClient, kind: str, order: tuple[int, ...]
) -> None:
    tenant, path = await a_desk(app, api, kind)
    write, sign = DESKS[kind]
    bodies = [shops.raw(event) for event in write(NOTE, REPLY, WORD)]
    for number in order:
        answer = await send(tenant, path, bodies[number], sign(bodies[number]))
        assert answer.status_code == 200, answer.text
    assert {state for state, _ in await states(tenant)} == {"done"}, await states(tenant)
    ticket = await tenant.ok(await tenant.get("/v1/tickets/81"))
    assert (ticket["customer_id"], ticket["opened_at"], ticket["channel"]) == ("17", OPENED, "email")
    assert (ticket["category"], ticket["subject"]) == ("help", "Help")
    assert await first_response(tenant) == (OPENED, ANSWERED)
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


@pytest.mark.parametrize("kind", DESKS)
async def test_what_is_forged_changes_nothing(app: FastAPI, api: httpx.AsyncClient, kind: str) -> None:
    tenant, path = await a_desk(app, api, kind)
    write, sign = DESKS[kind]
    body = shops.raw(write()[0])
    good = sign(body)
    for headers in ({}, {name: altered(value) if "Signature" in name else value for name, value in good.items()}):
        assert (await send(tenant, path, body, headers)).json()["code"] == "signature_invalid"
    assert (await send(tenant, path, body + b" ", good)).status_code == 401
    assert (await tenant.get("/v1/tickets/81")).status_code == 404
    assert await states(tenant) == []


@pytest.mark.parametrize("kind", DESKS)
async def test_the_helpdesks_customer_is_the_one_that_it_is_linked_to(
    app: FastAPI, api: httpx.AsyncClient, kind: str
) -> None:
    tenant, path = await a_desk(app, api, kind)
    await tenant.ok(await tenant.put("/v1/sources/desk", {"kind": kind, "options": {"ids": "prefixed"}}))
    await tenant.ok(await tenant.put("/v1/customers/ann", {"external_ids": {"desk": "17"}}), 201)
    write, sign = DESKS[kind]
    body = shops.raw(write()[0])
    await send(tenant, path, body, sign(body))
    assert (await tenant.ok(await tenant.get("/v1/tickets/desk:81")))["customer_id"] == "ann"


async def test_a_trigger_of_zendesk_may_send_the_generic_form(app: FastAPI, api: httpx.AsyncClient) -> None:
    tenant, path = await a_desk(app, api, "zendesk")
    data = {"ticket_id": "81", "customer_id": "17", "subject": "Help", "category": "help", "created_at": OPENED}
    body = shops.raw({"type": "ticket.created", "timestamp": OPENED, "data": data})
    await send(tenant, path, body, shops.sign_zendesk(body))
    assert await states(tenant) == [("done", None)]
    assert (await tenant.ok(await tenant.get("/v1/tickets/81")))["opened_at"] == OPENED


async def test_a_bot_of_chatwoot_answers_nobody(app: FastAPI, api: httpx.AsyncClient) -> None:
    tenant, path = await a_desk(app, api, "chatwoot")
    bot, _ = chatwoot(REPLY)[1], None
    bot["sender"] = {"id": 3, "type": "agent_bot"}
    template = {**chatwoot({**REPLY, "id": "96"})[1], "message_type": "template"}
    for event in (chatwoot()[0], bot, template):
        body = shops.raw(event)
        await send(tenant, path, body, shops.sign_chatwoot(body))
    assert {state for state, _ in await states(tenant)} == {"done"}
    assert await first_response(tenant) == (OPENED, None)


@pytest.mark.parametrize("body", [{}, {"article": {"id": 9}}, {"ticket": None}, {"sample": 1, "ticket": {}}])
@pytest.mark.parametrize("kind", ["zammad", "freshdesk"])
async def test_a_trigger_that_names_no_ticket_waits_for_a_person(
    app: FastAPI, api: httpx.AsyncClient, kind: str, body: dict[str, Any]
) -> None:
    """Our own sample alone is passed over: it has the member `sample` and no other."""
    tenant, path = await a_desk(app, api, kind)
    sign = {"zammad": shops.sign_zammad, "freshdesk": shops.sign_freshdesk}[kind]
    await send(tenant, path, shops.raw(body), sign(shops.raw(body)))
    await send(tenant, path, shops.raw({"sample": 1}), sign(shops.raw({"sample": 1})))
    assert await states(tenant) == [("ignored", "sample"), ("parked", "field_missing")]


@pytest.mark.parametrize(
    "address",
    [
        "http://acme.freshdesk.com",
        "https://127.0.0.1",
        "https://10.0.0.7/api",
        "https://[::1]:8443",
        "https://169.254.169.254/latest",
        "https://localhost",
        "https://shop.internal",
        "https://2130706433",
        "https://acme.freshdesk.com@10.0.0.7",
        "https://",
        "https://acme.freshdesk.com:99999",
    ],
)
async def test_an_address_that_would_not_be_asked_is_refused_at_once(
    app: FastAPI, api: httpx.AsyncClient, address: str
) -> None:
    tenant, _ = await a_desk(app, api, "freshdesk")
    body = {"kind": "freshdesk", "api": {"key": "fd-key-123", "base_url": address}}
    answer = await tenant.put("/v1/sources/desk", body)
    assert answer.status_code == 422, answer.text
    if answer.json()["code"] != "invalid_input":
        assert answer.json()["code"] == "source_address_refused"
    assert "base_url" in answer.text
    shown = (await tenant.ok(await tenant.get("/v1/sources")))["data"]
    assert [row["api"] for row in shown] == [False]
    taken = {**body, "api": {**body["api"], "base_url": "https://acme.freshdesk.com:8443/x"}}  # type: ignore[dict-item]
    await tenant.ok(await tenant.put("/v1/sources/desk", taken))


async def test_freshdesk_only_says_where_to_look(app: FastAPI, api: httpx.AsyncClient) -> None:
    tenant, path = await a_desk(app, api, "freshdesk")
    body = shops.raw({"ticket_id": "81"})
    assert (await send(tenant, path, body, {})).status_code == 401
    assert (await send(tenant, path, body, {"X-Retainer-Secret": "not this"})).status_code == 401
    assert (await send(tenant, path, body, shops.sign_freshdesk(body))).status_code == 200
    assert await states(tenant) == [("parked", "api_missing")]
    written = [{"id": 98, "incoming": False, "private": True, "created_at": NOTE["at"], "body": "secret words"}]

    def freshdesk(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == httpx.BasicAuth("fd-key-123", "X")._auth_header
        if request.url.path.endswith("/conversations"):
            return httpx.Response(200, json=written)
        found = {"id": 81, "subject": "Help", "created_at": OPENED, "requester_id": 17, "source": 1, "group_id": 600}
        return httpx.Response(200, json={**found, "requester": {"email": "ann@acme.example", "name": "Ann"}})

    options = {"ids": "own", "categories": {"600": "help"}}
    access = {"key": "fd-key-123", "base_url": BASE}
    await tenant.ok(await tenant.put("/v1/sources/desk", {"kind": "freshdesk", "options": options, "api": access}))
    inbox = app.state.house.inbox
    before, inbox.fetch = inbox.fetch, Fetcher(allow_private=True, transport=httpx.MockTransport(freshdesk)).ask
    try:
        await send(tenant, path, body, shops.sign_freshdesk(body))
        await acted(app, tenant)
        assert await first_response(tenant) == (OPENED, None)
        written.append({"id": 99, "incoming": False, "private": False, "created_at": ANSWERED, "body": "words"})
        await send(tenant, path, body, shops.sign_freshdesk(body))  # the same bytes tell of something else
        await acted(app, tenant)
    finally:
        inbox.fetch = before
    assert await first_response(tenant) == (OPENED, ANSWERED)
    assert [state for state, _ in await states(tenant)].count("done") == 3  # what was read since clears what was parked
    assert (await tenant.ok(await tenant.get("/v1/tickets/81")))["channel"] == "email"
