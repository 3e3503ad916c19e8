"""A tenant's move to another server, as its callers and the operator see it from the server that it leaves."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text

from app.db.engine import Database
from app.domain.values.errors import DomainError
from app.usecases.tenants import moves
from tests.conftest import MakeVendor
from tests.support.api import Vendor, client_of

ADDRESS = "https://cell-2.example"
CLAIMED = text(
    "insert into webhook_delivery (tenant_id, delivery_id, endpoint_id, event_id, type, customer_id, position, lane,"
    " state, step, attempts, next_attempt_at, claim, created_at, log) values (:tenant, 'dlv_1', :endpoint, 'evt_1',"
    " 'ticket.opened', '', 1, '', 'pending', 0, 1, clock_timestamp() + interval '1 minute', 'somebody',"
    " clock_timestamp(), '[]')"
)
"""A delivery that somebody has claimed and sends."""
QUERY = {"query": "{ tickets(first: 1) { nodes { ticketId } } }"}
MUTATION = {"query": 'mutation { putCustomerProfile: debitCredits(customerId: "ann", credits: 1) { __typename } }'}


async def move(api: httpx.AsyncClient, tenant_id: str, state: str, **more: Any) -> httpx.Response:
    """What the operator's step answers."""
    return await api.put(f"/v1/tenants/{tenant_id}/move", json={"state": state, **more})


@pytest_asyncio.fixture
async def acme(vendor: MakeVendor) -> Vendor:
    """A vendor with a customer who has credits."""
    made = await vendor("cs-cart")
    answer = await made.post("/v1/customers/ann/adjustments", {"credits": 10, "reason": "gift"})
    assert answer.status_code == 201, answer.text
    return made


async def test_while_it_moves_reads_go_on_and_writes_are_503(api: httpx.AsyncClient, acme: Vendor) -> None:
    assert (await move(api, acme.tenant_id, "leaving", address=ADDRESS)).status_code == 200
    assert (await acme.post("/v1/customers/ann/debits", {"credits": 1})).status_code == 201
    moved = await move(api, acme.tenant_id, "moving")
    assert moved.status_code == 200, moved.text
    assert (moved.json()["state"], moved.json()["address"]) == ("moving", ADDRESS)
    balance = await acme.get("/v1/customers/ann/balance")
    assert (balance.status_code, balance.json()["available"]) == (200, 9)
    assert (await acme.get("/v1/customers/ann/statement")).status_code == 200
    key = uuid.uuid4().hex
    for path, body in (
        ("/v1/customers/ann/debits", {"credits": 1}),
        ("/v1/customers/ann/adjustments", {"credits": 1, "reason": "gift"}),
        ("/v1/customers/ann/debits?validate_only=true", {"credits": 1}),
    ):
        refused = await acme.post(path, body, key=key)
        assert (refused.status_code, refused.json()["code"]) == (503, "tenant_moving"), refused.text
        assert int(refused.headers["Retry-After"]) >= 1
    ticket = {"customer_id": "ann", "category": "how-to", "opened_at": "2025-01-01T00:00:00Z"}
    refused = await acme.put("/v1/tickets/T-1", json=ticket)
    assert (refused.status_code, refused.json()["code"]) == (503, "tenant_moving"), refused.text
    asked = await acme.client.post("/graphql", json=QUERY)
    assert (asked.status_code, asked.json().get("errors")) == (200, None), asked.text
    # Given up: the same key does what it was sent for, once.
    assert (await move(api, acme.tenant_id, "here")).json()["state"] == "here"
    done = await acme.post("/v1/customers/ann/debits", {"credits": 1}, key=key)
    assert done.status_code == 201, done.text
    assert (await acme.get("/v1/customers/ann/balance")).json()["available"] == 8


async def test_once_it_has_moved_every_call_is_told_the_address(
    api: httpx.AsyncClient, acme: Vendor, app: FastAPI
) -> None:
    source = await acme.put("/v1/sources/shop", json={"kind": "purchase"})
    assert source.status_code == 201, source.text
    address = source.json()["path"]
    for state in ("leaving", "moving", "moved"):
        assert (await move(api, acme.tenant_id, state, address=ADDRESS)).status_code == 200, state
    calls = [
        await acme.get("/v1/customers/ann/balance"),
        await acme.get("/v1/policies"),
        await acme.post("/v1/customers/ann/debits", {"credits": 1}),
        await acme.put("/v1/tickets/T-1", json={}),
        await acme.put("/v1/tickets/T-1", json={"customer_id": "ann", "category": "how-to"}),
        await acme.post("/v1/policies/validate", {"document": "policy: x"}),
        await acme.client.post("/graphql", json=QUERY),
        await acme.client.post("/graphql", json=MUTATION),
        await api.post(f"/v1/tenants/{acme.tenant_id}/keys", json={"scopes": ["*"]}),
        await api.put(f"/v1/tenants/{acme.tenant_id}", json={"policy": "cs-cart"}),
        await api.put(f"/v1/tenants/{acme.tenant_id}/suspension", json={"suspended": True}),
    ]
    async with client_of(app, None) as shop:
        calls.append(await shop.post(address, json={"order": 1}))
    for number, answer in enumerate(calls):
        body = answer.json()
        assert answer.status_code == 421, (number, answer.text)
        problem = body["errors"][0]["extensions"] if "errors" in body and "code" not in body else body
        assert (answer.status_code, problem["code"], problem.get("address")) == (421, "tenant_moved", ADDRESS), (
            number,
            body,
        )
    async with client_of(app, "rtn_test_" + "0" * 32 + "_000000") as nobody:
        assert (await nobody.get("/v1/policies")).status_code == 401


async def test_a_revoked_key_is_not_told_where_the_tenant_went(api: httpx.AsyncClient, acme: Vendor) -> None:
    other = await acme.as_key("tickets:read", label="gone")
    [row] = [item for item in (await acme.get("/v1/keys")).json()["data"] if item["label"] == "gone"]
    assert (await acme.delete(f"/v1/keys/{row['key_id']}")).status_code == 200
    for state in ("leaving", "moving", "moved"):
        await move(api, acme.tenant_id, state, address=ADDRESS)
    assert (await other.get("/v1/tickets")).status_code == 401


async def test_a_step_follows_another_and_may_be_said_again(api: httpx.AsyncClient, acme: Vendor) -> None:
    assert (await api.get(f"/v1/tenants/{acme.tenant_id}/move")).json() == {
        "tenant_id": acme.tenant_id,
        "state": "here",
        "address": None,
        "since": None,
    }
    for state in ("moving", "moved", "arriving"):
        refused = await move(api, acme.tenant_id, state, address=ADDRESS)
        assert (refused.status_code, refused.json()["code"]) == (409, "tenant_move_conflict"), state
    tried = await api.put(f"/v1/tenants/{acme.tenant_id}/move?validate_only=true", json={"state": "leaving"})
    assert (tried.status_code, tried.json()["state"]) == (200, "leaving")
    assert (await api.get(f"/v1/tenants/{acme.tenant_id}/move")).json()["state"] == "here"
    first = (await move(api, acme.tenant_id, "leaving")).json()
    assert (await move(api, acme.tenant_id, "leaving")).json() == first
    assert (await move(api, acme.tenant_id, "moving")).status_code == 200
    nowhere = await move(api, acme.tenant_id, "moved")
    assert (nowhere.status_code, nowhere.json()["code"]) == (409, "tenant_move_conflict")
    assert (await move(api, acme.tenant_id, "moved", address=ADDRESS)).status_code == 200
    again = await move(api, acme.tenant_id, "here")
    assert (again.status_code, again.json()["code"]) == (409, "tenant_move_conflict"), "it would live twice"
    trail = (await api.get(f"/v1/tenants/{acme.tenant_id}/move")).json()
    assert (trail["state"], trail["address"]) == ("moved", ADDRESS)


@pytest.mark.parametrize("address", ["cell-2.example", "ftp://cell-2", "https://", "https://a b", ""])
async def test_an_address_is_one_that_can_be_called(api: httpx.AsyncClient, acme: Vendor, address: str) -> None:
    refused = await move(api, acme.tenant_id, "leaving", address=address)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input"), refused.text


async def test_an_unknown_tenant_may_arrive_and_is_not_answered_before_it_is_whole(
    api: httpx.AsyncClient, db: Database
) -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"
    assert (await api.get(f"/v1/tenants/{name}/move")).status_code == 404
    assert (await move(api, name, "leaving")).json()["code"] == "tenant_not_found"
    assert (await move(api, name, "arriving", address=ADDRESS)).status_code == 200
    made = await api.put(f"/v1/tenants/{name}", json={"policy": "cs-cart"})
    assert (made.status_code, made.json()["code"]) == (503, "tenant_moving")
    assert name not in await db.tenant_ids()
    assert (await move(api, name, "here")).status_code == 200
    assert (await api.put(f"/v1/tenants/{name}", json={"policy": "cs-cart"})).status_code == 201


async def test_what_began_before_is_seen_in_the_audit_trail(api: httpx.AsyncClient, acme: Vendor) -> None:
    for state in ("leaving", "moving", "here"):
        await move(api, acme.tenant_id, state, address=ADDRESS)
    rows = (await acme.get("/v1/audit-trail")).json()["data"]
    assert [row["action"] for row in rows][:3] == ["tenant.here_again", "tenant.moving", "tenant.leaving"]
    assert {row["actor"] for row in rows[:3]} == {"operator"}


async def test_a_webhook_that_is_under_way_holds_the_stop_up(
    api: httpx.AsyncClient, acme: Vendor, db: Database
) -> None:
    endpoint = await acme.post("/v1/webhook-endpoints", {"url": "https://93.184.216.34/hooks", "event_types": ["*"]})
    assert endpoint.status_code == 201, endpoint.text
    await move(api, acme.tenant_id, "leaving", address=ADDRESS)
    async with db.founding(acme.tenant_id, validate_only=True, even_moved=True) as tx:
        await tx.execute(CLAIMED, {"tenant": acme.tenant_id, "endpoint": endpoint.json()["endpoint_id"]})
        with pytest.raises(DomainError) as refused:
            await moves.put(tx, "moving", None, now=tx.at)
    assert refused.value.code == "tenant_move_conflict"
    assert "1 webhooks are under way" in str(refused.value.facts["message"])
