"""Tokens of a customer over the whole table of operations: what answers, and by which code the rest is refused.

What is expected follows from how each operation is declared. The two lists below are all that a customer may do: an
operation that opens to customers has to be added here, too.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.api.auth import Principal
from app.api.operations import registry
from app.api.operations.asking import Calls
from app.api.operations.table import Operation
from app.usecases.tenants.keys import CUSTOMER_SCOPES
from tests.published.shop import bought
from tests.support.api import Vendor, client_of, make_vendor
from tests.support.contract import operations

READS: Final = {
    "decideEntitlement",
    "explain",
    "exportCustomer",
    "getBalance",
    "getChoice",
    "getCover",
    "getCustomer",
    "getEntry",
    "getLicense",
    "getLot",
    "getOffer",
    "getStatement",
    "getTicket",
    "listChoices",
    "listCovers",
    "listEntries",
    "listHolds",
    "listLicenses",
    "listOffers",
    "listTickets",
}
"""What a token reads of its own customer."""
ACTS: Final = {"addTicketDetails", "confirmAssessment", "makeChoice", "openDispute", "resumeTicket", "withdrawTicket"}
"""What a token does beside, if it may act."""
BODIES: Final[dict[str, Any]] = {
    "addTicketDetails": {"agreed_up_to": 500},
    "confirmAssessment": {"accept": True},
    "makeChoice": {"option": "credits"},
    "openDispute": {"reason": "Too dear"},
    "resumeTicket": {},
    "withdrawTicket": {},
}
TABLE: Final = {operation.id: operation for operation in registry.operations() if not operation.access.open}
CONTRACT: Final = {operation.id: operation for operation in operations()}
Outcome = tuple[int, str]
ANSWERED: Final[Outcome] = (200, "")


AT_LAST: Final[dict[str, Outcome]] = {"openDispute": (409, "disputes_not_offered")}
"""What is let in, and then refused by the policy that the test is under."""


def expected(operation: Operation, *, acts: bool) -> Outcome:
    """Return what a token of a customer gets, by the operation's declaration alone."""
    access = operation.access
    if access.operator == "only":
        return 403, "operator_only"
    read_by_scope = bool(set(access.scopes) & set(CUSTOMER_SCOPES))
    if operation.reads:
        if operation.paging == "pages" and not _names_customer(operation):
            return (404, "not_found") if read_by_scope else (403, access.code)
        return ANSWERED if read_by_scope or access.by_customer else (403, access.code)
    if access.by_customer and acts:
        return AT_LAST.get(operation.id, ANSWERED)
    return 403, "customer_token_not_allowed" if read_by_scope else access.code


def _names_customer(operation: Operation) -> bool:
    return "customer_id" in {parameter.alias for parameter in operation.arguments.parameters}


@dataclass
class Account:
    """A customer with something of everything, and both kinds of tokens."""

    vendor: Vendor
    names: dict[str, str]
    own: dict[str, dict[str, str]]
    tokens: dict[str, httpx.AsyncClient]

    async def outcome(self, client: httpx.AsyncClient, operation: Operation) -> Outcome:
        """Ask or try one operation on the customer's own things; nothing is written."""
        known = {**self.names, **self.own.get(operation.id, {})}
        published = CONTRACT[operation.id]
        path = operation.path
        for name in {part["name"] for part in published.parameters("path")}:
            path = path.replace(f"{{{name}}}", known.get(name, "x1"))
        query = {
            part["name"]: known.get(part["name"], str(part.get("example")))
            for part in published.parameters("query")
            if part.get("required") or part["name"] == "customer_id"
        }
        if not operation.reads:
            query["validate_only"] = "true"
        body = BODIES.get(operation.id, published.example())
        answer = await client.request(
            operation.method,
            path,
            params=query,
            json=None if operation.reads else body,
            headers={} if operation.reads else {"Idempotency-Key": uuid.uuid4().hex},
        )
        return ANSWERED if answer.status_code < 300 else (answer.status_code, answer.json()["code"])


async def _ticket(vendor: Vendor, name: str, **more: Any) -> dict[str, Any]:
    body = {"customer_id": "ann", "subject": "Help", "channel": "helpdesk", "language": "en", **more}
    made: dict[str, Any] = await vendor.ok(await vendor.put(f"/v1/tickets/{name}", body), 201)
    return made


@pytest_asyncio.fixture(scope="module")
async def ann(app: FastAPI) -> AsyncIterator[Account]:
    vendor = await make_vendor(app, "cs-cart")
    order = await bought(vendor, "license", "ann")
    choice = f"/v1/customers/ann/choices/{order['choices'][0]['choice_id']}"
    await vendor.ok(await vendor.post(choice, {"option": "credits"}))
    await bought(vendor, "credits-50", "ann")
    cover = (await bought(vendor, "support-3-months", "ann"))["covers"][0]
    open_choice = (await bought(vendor, "license", "eve"))["choices"][0]
    quoted = await _ticket(vendor, "t-quoted", category="category_2", pay_with="credits")
    assert quoted["state"] == "awaiting_confirmation"
    for name in ("t-paused", "t-charged"):
        started = await _ticket(vendor, name, category="category_2", agreed_up_to=500, pay_with="credits")
        assert started["state"] == "in_progress", started
    pause = {"reason": "waiting_for_customer", "party": "customer"}
    await vendor.ok(await vendor.post("/v1/tickets/t-paused/pauses", pause))
    await vendor.ok(await vendor.post("/v1/tickets/t-charged/resolution", {"cause": "question"}))
    balance = await vendor.ok(await vendor.get("/v1/customers/ann/balance"))
    entries = await vendor.ok(await vendor.get("/v1/customers/ann/entries"))
    tokens = {}
    for may in ("read", "act"):
        for who in ("ann", "eve"):
            made = await vendor.ok(await vendor.post(f"/v1/customers/{who}/tokens", {"minutes": 10, "may": may}))
            tokens[f"{may} {who}"] = client_of(app, made["token"])
    yield Account(
        vendor,
        {
            "action": "open_ticket",
            "choice_id": order["choices"][0]["choice_id"],
            "cover_id": cover["cover_id"],
            "customer_id": "ann",
            "entry_id": entries["data"][0]["entry_id"],
            "id": "t-quoted",
            "kind": "ticket",
            "license_id": order["licenses"][0]["license_id"],
            "lot_id": balance["lots"][0]["lot_id"],
            "name": "cs-cart",
            "number": "1",
            "order_id": order["order_id"],
            "sku": "license",
            "ticket_id": "t-quoted",
        },
        {
            "makeChoice": {"customer_id": "eve", "choice_id": open_choice["choice_id"]},
            "openDispute": {"ticket_id": "t-charged"},
            "resumeTicket": {"ticket_id": "t-paused"},
        },
        tokens,
    )
    for client in tokens.values():
        await client.aclose()
    await vendor.close()


@pytest.mark.parametrize("may", ["read", "act"])
async def test_a_token_of_a_customer_opens_exactly_what_is_declared(ann: Account, may: str) -> None:
    found = {
        name: await ann.outcome(ann.tokens[f"{may} {'eve' if name == 'makeChoice' else 'ann'}"], operation)
        for name, operation in TABLE.items()
    }
    assert found == {name: expected(operation, acts=may == "act") for name, operation in TABLE.items()}
    let_in = {name for name, outcome in found.items() if outcome in (ANSWERED, AT_LAST.get(name))}
    assert let_in == (READS if may == "read" else READS | ACTS)
    assert {code for name, (_, code) in found.items() if name not in let_in} == {
        "cause_scope_missing",
        "customer_token_not_allowed",
        "not_found",
        "operator_only",
        "scope_missing",
    }


@pytest.mark.parametrize("query", ["ann", "eve", "nobody", "t-quoted", ""])
async def test_a_list_without_its_customer_says_nothing_of_who_is_there(ann: Account, query: str) -> None:
    token = ann.tokens["act ann"]
    narrowed = {"query": query} if query else {}
    of_ticket = {"ticket_id": query} if query else {}
    for path, asked in (
        ("customers", narrowed),
        ("holds", of_ticket),
        ("tickets", {}),
        ("covers", {}),
        ("licenses", {}),
    ):
        seen = await token.get(f"/v1/{path}", params=asked)
        assert (seen.status_code, seen.json()["code"]) == (404, "not_found"), (path, asked)


@pytest.mark.parametrize("may", ["read", "act"])
def test_pages_and_tools_open_the_same(app: FastAPI, may: str) -> None:
    """A page and a tool ask `Calls.may` before they show something: it says what the door of REST says."""
    who = Principal("customer_token", "acme", "tok", frozenset(CUSTOMER_SCOPES), "ann", {"may": may, "named": "ann"})
    calls = Calls(who, app.state.house)
    opened = {
        name
        for name, operation in TABLE.items()
        if calls.may(name, **({"customer_id": "ann"} if "{customer_id}" in operation.path else {}))
    }
    # A list over all customers is let in, and then refused since it names no customer.
    assert opened - {"listCustomers"} == (READS if may == "read" else READS | ACTS)
