"""Ids that are real, but another tenant's: in every path, query and body that takes one, by REST and by GraphQL.

The owner's answer shows that each id is real; a stranger's answer to it is, letter by letter, the one to an id that
nobody has.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.api.graphql.names import camel, field_name
from app.api.graphql.schema import build
from app.db.engine import Database
from app.main import create_app
from app.usecases.tenants import tenants
from tests.events.receiver import Receiver, dispatcher_for, place, receiving
from tests.graphql.test_matrix import requests
from tests.published.shop import bought, opened
from tests.support import shops
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor, running, settings_for
from tests.support.contract import Operation, operations
from tests.support.graphql import send

OURS = re.compile(
    r"\b[a-z]{2,4}_[0-9a-z]{26}\b|urn:retainer:request:\w+|requestId\W+\w+|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r"|(?:rtn_in|whsec)_[\w+/=-]+"
)
"""Ids, secrets and instants that are made for the answer itself."""
OF_NO_ONE = {"getReport", "exportRows"}
"""Operations whose path names nothing that anybody has: a kind of report."""
SECURED = [one for one in operations() if one.secured and not one.operators and one.id not in OF_NO_ONE]
NAMED = [one for one in SECURED if one.parameters("path")]
ASKED = {
    "listOffers": ("customer_id",),
    "listTickets": ("customer_id",),
    "listEvents": ("customer_id",),
    "listOrders": ("customer_id",),
    "listHolds": ("customer_id", "ticket_id"),
    "listRefunds": ("customer_id",),
    "listLicenses": ("customer_id",),
    "listCovers": ("customer_id",),
    "listClocks": ("ticket_id",),
    "decideEntitlement": ("license_id",),
    "listAuditTrail": ("subject",),
    "listWebhookDeliveries": ("event_id",),
}
"""Operations whose query names a thing."""


@pytest_asyncio.fixture(scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest_asyncio.fixture(scope="module")
async def app(module_url: str) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(module_url, allow_private_webhooks=True))) as started:
        yield started


@dataclass
class Things:
    """What each owner has, by the name of its id; ``stranger`` has things of its own."""

    owners: dict[str, tuple[Vendor, str]]
    stranger: Vendor
    own: dict[str, str]

    def real(self, path: str, name: str) -> tuple[Vendor, str]:
        """An id for a parameter of a path, and whose it is."""
        if name == "name":
            name = path.split("/")[2]
        if name == "delivery_id":
            name = f"{path.split('/')[2]}/delivery"
        return self.owners[name]


@pytest_asyncio.fixture(scope="module")
async def things(app: FastAPI, db: Database, receiver: Receiver) -> AsyncIterator[Things]:
    acme, desk = await make_vendor(app, "cs-cart"), await make_vendor(app, "shopp")
    owners = {**await of_acme(acme, db, receiver), **await of_desk(desk)}
    owners["sku"] = (acme, "license")
    stranger = await make_vendor(app, "avactis")
    made = await bought(stranger, "license-owned", "own-customer", "own-order")
    await opened(stranger, "own-ticket", "own-customer", category="domain_change")
    own = {
        "customer_id": "own-customer",
        "sku": "license-owned",
        "order_id": "own-order",
        "ticket_id": "own-ticket",
        "lot_id": made["lots"][0]["lot_id"],
        "license_id": made["licenses"][0]["license_id"],
    }
    yield Things(owners, stranger, own)
    for one in (acme, desk, stranger):
        await one.close()


async def of_acme(acme: Vendor, db: Database, receiver: Receiver) -> dict[str, tuple[Vendor, str]]:
    first = await bought(acme, "license", "acme-customer", "acme-order")
    await bought(acme, "credits-25", "acme-customer", "acme-credits")
    rows = await acme.ok(await acme.get("/v1/customers/acme-customer/choices"))
    await bought(acme, "license", "acme-customer", "acme-order-2")
    await acme.ok(
        await acme.post(f"/v1/customers/acme-customer/choices/{rows['data'][0]['choice_id']}", {"option": "cover"})
    )
    left = (await acme.ok(await acme.get("/v1/customers/acme-customer/choices", all="true")))["data"]
    entries = (await acme.ok(await acme.get("/v1/customers/acme-customer/entries")))["data"]
    customer = await acme.ok(await acme.get("/v1/customers/acme-customer"))
    balance = await acme.ok(await acme.get("/v1/customers/acme-customer/balance"))
    hold = await acme.ok(await acme.post("/v1/customers/acme-customer/holds", {"credits": 1}))
    await opened(acme, "acme-ticket", "acme-customer", language="en", category="category_1", pay_with="credits")
    await acme.ok(await acme.put("/v1/calendars/acme-hours", {"zone": "Europe/Berlin"}))
    source = await acme.ok(
        await acme.put("/v1/sources/acme-shop", {"kind": "woocommerce", "secret": shops.SECRET, "products": {}})
    )
    body = shops.raw(shops.woo_order())
    await acme.client.post(source["path"], content=body, headers=shops.sign_woo(body))
    arrived = (await acme.ok(await acme.get("/v1/sources/acme-shop/deliveries")))["data"]
    hook = await acme.ok(await acme.post("/v1/webhook-endpoints", {"url": receiver.url}, key=None))
    await acme.ok(await acme.post("/v1/customers/acme-customer/adjustments", {"credits": 1, "reason": "x"}))
    await place(db, acme)
    await dispatcher_for(db).drain(acme.tenant_id)
    sent = (await acme.ok(await acme.get(f"/v1/webhook-endpoints/{hook['endpoint_id']}/deliveries")))["data"]
    keys = (await acme.ok(await acme.get("/v1/keys")))["data"]
    found = {
        "customer_id": "acme-customer",
        "order_id": "acme-order",
        "ticket_id": "acme-ticket",
        "license_id": first["licenses"][0]["license_id"],
        "lot_id": balance["lots"][0]["lot_id"],
        "hold_id": hold["hold_id"],
        "cover_id": customer["covers"][0]["cover_id"],
        "choice_id": left[-1]["choice_id"],
        "entry_id": entries[0]["entry_id"],
        "calendars": "acme-hours",
        "sources": "acme-shop",
        "policies": "cs-cart",
        "sources/delivery": arrived[0]["delivery_id"],
        "endpoint_id": hook["endpoint_id"],
        "webhook-endpoints/delivery": sent[0]["delivery_id"],
        "event_id": sent[0]["event_id"],
        "key_id": keys[0]["key_id"],
        "subject": keys[0]["key_id"],
    }
    return {name: (acme, value) for name, value in found.items()}


async def of_desk(desk: Vendor) -> dict[str, tuple[Vendor, str]]:
    await bought(desk, "license", "desk-customer", "desk-order")
    await bought(desk, "credit-priority", "desk-customer", "desk-credit")
    await opened(desk, "desk-ticket", "desk-customer", credit_type="priority")
    rows = (await desk.ok(await desk.get("/v1/clocks", ticket_id="desk-ticket")))["data"]
    return {"clock_id": (desk, rows[0]["clock_id"])}


def nothing(real: str) -> str:
    """An id of the same form that nobody has."""
    head, line, tail = real.partition("_")
    return f"{head}_{tail[::-1]}" if line and len(tail) == 26 else f"nil{real[3:]}"


async def call(
    client: httpx.AsyncClient, operation: Operation, path: str, body: Any, params: dict[str, str]
) -> httpx.Response:
    headers = {"Idempotency-Key": uuid.uuid4().hex} if operation.keyed else {}
    query = {**params, **({"validate_only": "true"} if operation.writes else {})}
    for one in operation.parameters("query"):
        if one.get("required"):
            query.setdefault(one["name"], str(one["example"]))
    content: dict[str, Any] = {"json": body if operation.writes else None}
    if operation.id == "importCalendar":
        content, headers["Content-Type"] = {"content": FEED}, "text/calendar"
    return await client.request(operation.method, path, headers=headers, params=query, **content)


FEED = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"


def body_of(operation: Operation, name: str) -> Any:
    """A body that the operation takes; a draft carries the name of its policy."""
    if operation.id in ("simulatePolicy", "comparePolicy"):
        draft = json.dumps(tenants.templates()["cs-cart"][1]).replace("cs-cart", name)
        return {**operation.example(), "document": json.loads(draft)}
    return operation.example()


def filled(operation: Operation, values: dict[str, str]) -> str:
    path = operation.path
    for one in operation.parameters("path"):
        path = path.replace("{" + one["name"] + "}", values.get(one["name"]) or str(one.get("example") or "x"))
    return path


def plain(answer: httpx.Response, *ids: str) -> tuple[int, str]:
    """The answer without the ids that were asked for and those that it made."""
    text = answer.text
    for one in ids:
        text = text.replace(one, "ID")
    return answer.status_code, OURS.sub("made", text)


EXPLAINED = {
    "ticket": "ticket_id",
    "charge": "ticket_id",
    "order": "order_id",
    "license": "license_id",
    "lot": "lot_id",
    "cover": "cover_id",
    "choice": "choice_id",
    "hold": "hold_id",
    "clock": "clock_id",
}


def cases() -> list[tuple[Operation, dict[str, str]]]:
    found: list[tuple[Operation, dict[str, str]]] = []
    for one in NAMED:
        if one.id == "explain":
            found += [(one, {"kind": kind, "id": name}) for kind, name in EXPLAINED.items()]
        else:
            found.append((one, {}))
    return found


@pytest.mark.parametrize(
    ("operation", "fixed"), cases(), ids=lambda one: getattr(one, "id", None) or "-".join(one.values())
)
async def test_a_strangers_answer_is_that_to_an_id_nobody_has(
    things: Things, operation: Operation, fixed: dict[str, str]
) -> None:
    real, owner = dict(fixed), things.stranger
    for one in operation.parameters("path"):
        name = one["name"]
        if name in ("kind", "action", "number", "version"):
            continue
        owner, real[name] = things.real(operation.path, fixed.get("id", name) if name == "id" else name)
    ids = [value for name, value in real.items() if name not in ("kind", "action", "number", "version")]
    none = {name: nothing(value) if value in ids else value for name, value in real.items()}
    gone = [value for value in none.values() if value not in fixed.values()]
    answers = [
        await call(client, operation, filled(operation, values), body_of(operation, values.get("name", "")), {})
        for client, values in (
            (things.stranger.client, real),
            (things.stranger.client, none),
            (owner.client, real),
            (owner.client, none),
        )
    ]
    theirs, nobodys, owners, owners_none = answers
    assert plain(theirs, *ids) == plain(nobodys, *gone), (theirs.text, nobodys.text)
    assert theirs.status_code < 500
    assert plain(owners, *ids) != plain(owners_none, *gone), ("the id is not real", owners.text)


@pytest.mark.parametrize("operation", [one for one in SECURED if one.id in ASKED], ids=lambda one: one.id)
async def test_a_strangers_question_about_it_finds_nothing(things: Things, operation: Operation) -> None:
    for name in ASKED[operation.id]:
        _, real = things.owners[name]
        own = {"customer_id": "own-customer", "endpoint_id": await own_endpoint(things)}
        found = await call(things.stranger.client, operation, filled(operation, own), None, {name: real})
        none = await call(things.stranger.client, operation, filled(operation, own), None, {name: nothing(real)})
        assert plain(found, real) == plain(none, nothing(real)), (found.text, none.text)
        assert found.status_code < 500


async def own_endpoint(things: Things) -> str:
    if "endpoint_id" not in things.own:
        made = await things.stranger.post("/v1/webhook-endpoints", {"url": "https://own.example/x"}, key=None)
        things.own["endpoint_id"] = (await things.stranger.ok(made))["endpoint_id"]
    return things.own["endpoint_id"]


BODIES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("POST", "/v1/customers/own-customer/debits", "license_id", {"credits": 1}),
    ("POST", "/v1/customers/own-customer/debits", "lot_id", {"credits": 1}),
    ("POST", "/v1/customers/own-customer/debits", "ticket_id", {"credits": 1}),
    ("POST", "/v1/customers/own-customer/holds", "license_id", {"credits": 1}),
    ("POST", "/v1/customers/own-customer/holds", "lot_id", {"credits": 1}),
    ("POST", "/v1/lots/{lot_id}/transfer", "to_customer_id", {}),
    ("POST", "/v1/customers/own-customer/merge", "into_customer_id", {}),
    ("PUT", "/v1/tickets/own-new", "license_id", {"customer_id": "own-customer", "subject": "s", "channel": "email"}),
    ("PUT", "/v1/tickets/own-new", "customer_id", {"subject": "s", "channel": "helpdesk"}),
    ("POST", "/v1/tickets/own-ticket/details", "license_id", {}),
    ("POST", "/v1/tickets/own-ticket/splits", "ticket_id", {"subject": "s"}),
    ("POST", "/v1/policies/avactis/price", "license_id", {"category": "domain_change"}),
    ("POST", "/v1/policies/avactis/price", "customer_id", {"category": "domain_change"}),
    (
        "PUT",
        "/v1/orders/own-new",
        "customer_id",
        {"placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [{"line_id": "1", "sku": "license-owned"}]},
    ),
    ("POST", "/v1/webhook-endpoints", "customer_id", {"url": "https://own.example/y"}),
)


@pytest.mark.parametrize(("method", "path", "name", "body"), BODIES, ids=[f"{one[1]}-{one[2]}" for one in BODIES])
async def test_in_a_body_it_is_nothing_either(
    things: Things, method: str, path: str, name: str, body: dict[str, Any]
) -> None:
    _, real = things.owners[name.removeprefix("to_").removeprefix("into_")]
    answers = []
    for value in (real, nothing(real)):
        answer = await things.stranger.client.request(
            method,
            path.format(**things.own),
            json={**body, name: value},
            params={"validate_only": "true"},
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )
        answers.append(plain(answer, value))
    assert answers[0] == answers[1]
    assert answers[0][0] < 500


def with_ids(values: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """The variables of a request with these ids, wherever one of the name stands."""
    return {name: with_ids(one, ids) if isinstance(one, dict) else ids.get(name, one) for name, one in values.items()}


async def test_graphql_answers_about_them_as_about_nothing(app: FastAPI, things: Things) -> None:
    """Every field of Query and Mutation that takes an id, with real ones of others and with ids nobody has."""
    door, tried = build(), 0
    for name, query, variables in requests(door):
        operation = door.operations[name]
        names = [parameter.name for parameter in operation.declared.arguments.path]
        if operation.operator or not names or name in OF_NO_ONE:
            continue
        real = {
            camel(one): things.real(operation.path, one)[1]
            for one in names
            if one not in ("kind", "id", "action", "number", "code", "version")
        }
        if not real:
            continue
        none = {key: nothing(value) for key, value in real.items()}
        below = " { __typename ... on Refusal { code status detail errors { pointer code } } }"
        if "Result" in str(getattr(door.core.mutation_type, "fields", {}).get(field_name(name) or name, "")):
            below = ""
        text = query.replace(" { __typename }", below) if below and operation.method != "GET" else query
        answers = []
        for ids in (real, none):
            given = with_ids(variables, ids)
            if "input" in given and operation.method != "GET":
                given["input"] = {**given["input"], "validateOnly": True}
            answer = await send(things.stranger.client, text, given)
            answers.append(plain(answer, *ids.values()))
        assert answers[0] == answers[1], (name, answers)
        assert "internal_error" not in answers[0][1], (name, answers)
        tried += 1
    assert tried > 60, tried


async def test_no_field_of_graphql_is_a_fault_of_ours(app: FastAPI, things: Things) -> None:
    """Every field once, for one who may, with values of the right form: an answer or a refusal, never a fault."""
    door, (owner, _) = build(), things.owners["customer_id"]
    async with client_of(app, OPERATOR_KEY) as operator:
        for name, query, variables in requests(door):
            known = {camel(key): value for key, (who, value) in things.owners.items() if who is owner}
            given = with_ids({**variables, "url": "https://own.example/z"}, known)
            given = {key: one for key, one in given.items() if key in variables}
            if "input" in given:
                given["input"] = {**given["input"], "validateOnly": True}
            client = operator if door.operations[name].operator else owner.client
            answer = await send(client, query, given)
            assert answer.status_code in (200, 294), (name, answer.text)
            assert "internal_error" not in answer.text, (name, answer.text)


async def test_nodes_and_references_of_others_are_nothing(things: Things) -> None:
    owner, customer = things.owners["customer_id"]
    found = (await send(owner.client, f'{{ customer(customerId: "{customer}") {{ id }} }}')).json()["data"]
    node = found["customer"]["id"]
    asked = "query($n: ID!) { node(id: $n) { id } }"
    assert (await send(owner.client, asked, {"n": node})).json()["data"]["node"] == {"id": node}
    assert (await send(things.stranger.client, asked, {"n": node})).json()["data"] == {"node": None}
    assert json.loads((await things.stranger.get("/v1/events")).text)["data"] is not None
