"""Stored digests: a new optional member changes none, and what was stored in the first edition's form still replays."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from pydantic import create_model

import app.api.operations
import app.usecases
from app.api.fields import Body
from app.api.first_edition import first_form
from app.api.operations import calendars as calendar_bodies
from app.api.operations import orders as order_bodies
from app.api.operations import tickets as ticket_bodies
from app.domain.values.digests import EDITION, CallContent
from app.domain.values.wire import payload_hash
from app.usecases.credits.credit_command import CreditCommand
from app.usecases.orders.orders import LineCommand, PutOrder
from app.usecases.orders.refunds import RefundLine, RefundOrder
from app.usecases.tenants.tenants import PutTenant
from app.usecases.tickets.tickets import OpenTicket, SplitTicket
from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, START, Vendor, client_of
from tests.support.databases import connect

PLACED = datetime(2025, 1, 1, tzinfo=UTC)


def modules(package: Any) -> Iterator[Any]:
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        yield importlib.import_module(found.name)


list(modules(app.api.operations))
BODIES = sorted(Body.__subclasses__(), key=lambda body: body.__name__)
COMMANDS = [
    OpenTicket(ticket_id="T-1", customer_id="anna", subject="Help"),
    SplitTicket(parent="T-1", ticket_id="T-2", subject="Another"),
    PutOrder(order_id="1001", customer_id="anna", placed_at=PLACED, currency="USD", lines=()),
    LineCommand(line_id="1", sku="license"),
    RefundOrder(order_id="1001", refund_id="r-1"),
    RefundLine(line_id="1"),
    PutTenant(policy="avactis"),
]


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_one_more_optional_field_of_a_body_changes_no_digest(body: type[Body]) -> None:
    later = create_model(body.__name__, __base__=body, added_later=(str, "as before"))
    given = {name: "text" for name, field in body.model_fields.items() if field.is_required()}
    before, after = body.model_construct(**given), later.model_construct(**given)
    assert after.plain()["added_later"] == "as before"
    assert payload_hash(after.content()) == payload_hash(before.content())
    assert payload_hash(first_form(after)) == payload_hash(first_form(before))
    assert later.model_construct(**given, added_later="other").content() != before.content()


def test_nested_bodies_leave_their_defaults_out() -> None:
    credit = ticket_bodies.CreditBody.model_validate({"credit_type": "priority", "response": {"public": True}})
    assert credit.content() == {"credit_type": "priority", "response": {}}
    version = calendar_bodies.CalendarVersionBody.model_validate(
        {"effective_from": "2026-01-01", "exceptions": [{"date": "2026-02-02", "kind": "closed", "name": None}]}
    )
    assert version.content()["exceptions"][0].keys() == {"date", "kind"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_one_more_optional_field_of_a_command_changes_no_digest(command: Any) -> None:
    kind = type(command)
    added = ("added_later", str, dataclasses.field(default="as before"))
    later = dataclasses.make_dataclass(kind.__name__, [added], bases=(kind,), frozen=True, kw_only=True)
    given = {field.name: getattr(command, field.name) for field in dataclasses.fields(kind)}

    def content_of_part(inner: Any) -> CallContent:
        if isinstance(inner, LineCommand):
            return PutOrder(
                order_id="1", customer_id="anna", placed_at=PLACED, currency="USD", lines=(inner,)
            ).content()
        if isinstance(inner, RefundLine):
            return RefundOrder(order_id="1", refund_id="r", lines=(inner,)).content()
        found: CallContent = inner.content()
        return found

    before, after = content_of_part(command), content_of_part(later(**given))
    assert after.digest() == before.digest()
    assert after.is_of(payload_hash(before.first()))
    assert content_of_part(later(**given, added_later="other")).digest() != before.digest()


def test_one_more_optional_field_of_a_credit_command_changes_no_digest() -> None:
    later = msgspec.defstruct(
        "CreditCommand",
        [("added_later", str, "as before")],
        bases=(CreditCommand,),
        frozen=True,
        kw_only=True,
        omit_defaults=True,
    )
    given = {"kind": "debit", "customer_id": "anna", "credits": 3}
    assert later(**given).digest() == CreditCommand(**given).digest()  # type: ignore[arg-type]
    assert later(**given, added_later="other").digest() != later(**given).digest()


def test_every_command_with_a_digest_is_tried_here() -> None:
    found = {
        made.__name__
        for module in modules(app.usecases)
        for made in vars(module).values()
        if isinstance(made, type)
        and made.__module__ == module.__name__
        and (hasattr(made, "content") or hasattr(made, "digest"))
    }
    assert found == {type(command).__name__ for command in COMMANDS} - {"LineCommand", "RefundLine"} | {"CreditCommand"}


def test_the_same_order_said_another_way_has_the_same_digest() -> None:
    lines = [{"line_id": "2", "sku": "credits-50", "unit_price": "10.50"}, {"line_id": "1", "sku": "license"}]
    base = {"customer_id": "anna", "placed_at": "2025-01-01T00:00:00Z", "lines": lines}
    same = {
        "customer_id": "anna",
        "placed_at": "2025-01-01T01:00:00+01:00",
        "currency": "USD",
        "lines": [
            {**lines[1], "quantity": 1, "attributes": {}, "list_price": None},
            {**lines[0], "unit_price": "10.5"},
        ],
    }
    one, two = (order_bodies.OrderBody.model_validate(said).command("1").content() for said in (base, same))
    assert one.digest() == two.digest()
    other = order_bodies.OrderBody.model_validate({**base, "lines": lines[:1]}).command("1").content()
    assert other.digest() != one.digest()


# --- rows of the first edition ----------------------------------------------------------------------------------------

TICKET = {"customer_id": "anna", "subject": "Help"}
ORDER = {
    "customer_id": "anna",
    "placed_at": "2025-01-01T00:00:00Z",
    "lines": [
        {"line_id": "2", "sku": "credits-50"},
        {"line_id": "1", "sku": "license", "unit_price": "99.50", "quantity": 2},
    ],
}
REFUND = {"refund_id": "r-1", "lines": [{"line_id": "1"}]}
# Recorded from the version of 22 November 2026 for these very calls.
FIRST = {
    "ticket": "nhVx4Ne9hLVboEezFJ0X3y1L3FpkWTY3Yj5RIoMccto=",
    "order": "vJHN6iWcLGy+L9hbS7f44dmiCG9j5VknbBelf17WQBc=",
    "refund": "AUA9ZYA6xKdm8JjZ7YFqL6jzZXhddI7edgYf/oMc780=",
    "split": "XlP++UOlZXHxSkySmajUjqTIG/h5GqTlI1qPZsuwcg4=",
    "tenant": "jzn1XdPUsswhBldKFUmONCOFXzlt1erAc1Fcm2vxN5Y=",
}
KEYED = [
    ("responses", {"author": "customer"}, {"author": "vendor"}, "XGJmdKa8/nEXjmWxh+WENN5Wm3Du77M9GxV0hm9XUIg="),
    ("details", {"facts": {"official": True}}, {"facts": {}}, "e6/pK92/bQwZgbTbmz4F9ymIT8DD9/9yRR1E0nAtxvE="),
    ("pauses", {"reason": "customer"}, {"reason": "other"}, "p8cSlYMuwaF8SkrfcnwEdnsAl2zvKorebe715CVN8GY="),
    ("resolution", {"outcome": "answered"}, {"outcome": "no"}, "ZI/BxCGHcXBIsZ50R6+5HojXggOK4hcnwunoxWcd09w="),
    (
        "credits",
        {"credit_type": "priority", "response": {}},
        {"credit_type": "priority"},
        "6xobQjc7VOVk3ZzZGwO2mMVzE56z+exaNQmppfd5mYQ=",
    ),
    ("withdrawal", {}, {"occurred_at": START}, "nWXlHt5Hlo+psR1yTajD/5tuA3rJaLocJqX1KI7q85o="),
    ("qualification", {"decision": "accept"}, {"decision": "reject"}, "iV3oRYnQa0yUpxO+sXn7in3mF6l3jk8bSeQnUhU7RCA="),
    ("assessments", {"category": "general"}, {"category": "other"}, "TFPkPhtWSr5iPEMdcAXrKJE2J9rk3WzWGrosNbIytVo="),
    ("resumptions", {}, {"party": "customer"}, "p5fgarwvBpcU2qELruhQq+jjmfIBi1n4Mk0Io7xPVC4="),
    ("access-requests", {"kinds": ["ftp"]}, {"kinds": ["ssh"]}, "6xUlJ3Ip+Nqsi0W5hEzivHRxKx03eIgDRup/M5nNbME="),
    (
        "disputes/1/decision",
        {"decision": "upheld"},
        {"decision": "returned"},
        "Va3yKJrrilhexW9IflWBhTmL7fbVZf52Az+KPXgdyFg=",
    ),
]
KINDS = {
    "responses": "tickets.respond",
    "details": "tickets.details",
    "pauses": "tickets.pause",
    "resolution": "tickets.resolve",
    "credits": "tickets.apply_credit",
    "withdrawal": "tickets.withdraw",
    "qualification": "tickets.qualify",
    "assessments": "tickets.assess",
    "resumptions": "tickets.resume",
    "access-requests": "tickets.request_access",
    "disputes/1/decision": "tickets.decide_dispute",
}


async def store(url: str, statement: str, *values: Any) -> None:
    connection: asyncpg.Connection = await connect(url)
    try:
        done = await connection.execute(statement, *values)
    finally:
        await connection.close()
    assert done.endswith(" 1"), done


@pytest.fixture
def make_old(module_url: str) -> Any:
    """Gives a stored row the digest that the first edition would have stored."""

    async def change(table: str, column: str, tenant_id: str, key: str, digest: str) -> None:
        statement = f"update {table} set payload_hash = $1 where tenant_id = $2 and {column} = $3"
        await store(module_url, statement, digest, tenant_id, key)

    return change


async def test_what_is_stored_now_begins_with_the_edition(vendor: MakeVendor, module_url: str) -> None:
    acme = await vendor("avactis")
    assert (await acme.put("/v1/tickets/T-1", TICKET)).status_code == 201
    connection: asyncpg.Connection = await connect(module_url)
    try:
        query = "select payload_hash from ticket where tenant_id = $1"
        stored = await connection.fetchval(query, acme.tenant_id)
    finally:
        await connection.close()
    assert stored.startswith(EDITION)


async def test_tickets_and_splits_of_the_first_edition_replay(vendor: MakeVendor, make_old: Any) -> None:
    acme = await vendor("avactis")
    assert (await acme.put("/v1/tickets/T-1", TICKET)).status_code == 201
    await make_old("ticket", "external_id", acme.tenant_id, "T-1", FIRST["ticket"])
    again = await acme.put("/v1/tickets/T-1", TICKET)
    assert (again.status_code, again.json()["ticket_id"]) == (200, "T-1"), again.text
    other = await acme.put("/v1/tickets/T-1", {**TICKET, "subject": "Another"})
    assert (other.status_code, other.json()["code"]) == (409, "ticket_conflict")
    said = {"ticket_id": "T-2", "subject": "Another"}
    assert (await acme.post("/v1/tickets/T-1/splits", said)).status_code == 201
    await make_old("ticket", "external_id", acme.tenant_id, "T-2", FIRST["split"])
    assert (await acme.post("/v1/tickets/T-1/splits", said)).status_code == 200
    assert (await acme.post("/v1/tickets/T-1/splits", {**said, "subject": "No"})).status_code == 409


async def test_orders_and_refunds_of_the_first_edition_replay(vendor: MakeVendor, make_old: Any) -> None:
    acme = await vendor("avactis")
    first = await acme.put("/v1/orders/1001", ORDER)
    assert first.status_code == 201, first.text
    await make_old("purchase_order", "order_id", acme.tenant_id, "1001", FIRST["order"])
    assert (await acme.put("/v1/orders/1001", ORDER)).status_code == 200
    other = await acme.put("/v1/orders/1001", {**ORDER, "currency": "EUR"})
    assert (other.status_code, other.json()["code"]) == (409, "order_conflict")
    assert (await acme.post("/v1/orders/1001/refunds", REFUND)).status_code == 201
    await make_old("order_refund", "refund_id", acme.tenant_id, "r-1", FIRST["refund"])
    assert (await acme.post("/v1/orders/1001/refunds", REFUND)).status_code == 200
    other = await acme.post("/v1/orders/1001/refunds", {**REFUND, "reason": "other"})
    assert (other.status_code, other.json()["code"]) == (409, "refund_conflict")


async def test_tenants_of_the_first_edition_replay(vendor: MakeVendor, make_old: Any) -> None:
    acme = await vendor("avactis")
    said = {"policy": "avactis", "clock": {"mode": "virtual", "now": START}}
    await make_old("tenant", "tenant_id", acme.tenant_id, acme.tenant_id, FIRST["tenant"])
    async with client_of(acme.app, OPERATOR_KEY) as operator:
        assert (await operator.put(f"/v1/tenants/{acme.tenant_id}", json=said)).status_code == 200
        other = await operator.put(f"/v1/tenants/{acme.tenant_id}", json={**said, "policy": "shopp"})
    assert (other.status_code, other.json()["code"]) == (409, "tenant_conflict")


@pytest.mark.parametrize(("path", "body", "other", "digest"), KEYED, ids=lambda value: str(value)[:20])
async def test_keyed_calls_of_the_first_edition_replay(
    vendor: MakeVendor, module_url: str, path: str, body: dict[str, Any], other: dict[str, Any], digest: str
) -> None:
    acme = await vendor("avactis")
    ticket = (await acme.put("/v1/tickets/T-0", TICKET)).json()
    await stored_call(acme, module_url, KINDS[path], digest, ticket)
    again = await acme.post(f"/v1/tickets/T-1/{path}", body, key="old")
    assert (again.status_code, again.json()) == (200, ticket), again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    differs = await acme.post(f"/v1/tickets/T-1/{path}", other, key="old")
    assert (differs.status_code, differs.json()["code"]) == (422, "idempotency_key_reused")


async def stored_call(acme: Vendor, url: str, kind: str, digest: str, answer: dict[str, Any]) -> None:
    statement = (
        "insert into command (tenant_id, key, kind, payload_hash, status, answer, created_at)"
        " values ($1, 'old', $2, $3, 200, $4::jsonb, now())"
    )
    await store(url, statement, acme.tenant_id, kind, digest.encode(), json.dumps(answer))
