"""Ids of another customer's things, asked with a customer's token: each answer is the one to an id that nobody has.

The owner's answer shows that each id is real. So a token tells nobody which tickets and licenses others have.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.api.deps import wall_clock
from app.api.graphql.names import camel
from app.api.graphql.schema import build
from app.api.mcp import running
from app.api.operations.asking import operation_of
from app.usecases.tenants.keys import CUSTOMER_SCOPES
from tests.doors.test_things_of_others import EXPLAINED, call, filled, nothing, plain, with_ids
from tests.graphql.test_matrix import requests
from tests.published.shop import bought
from tests.support.api import Vendor, client_of, make_vendor
from tests.support.contract import Operation, operations
from tests.support.graphql import send

FREE = ("kind", "action", "number", "sku")
"""Parts of a path that name nothing of anybody's."""
QUERIES: tuple[dict[str, str], ...] = ({}, {"as_of": "2001-01-01T00:00:00Z"}, {"as_of": "2099-01-01T00:00:00Z"})


def opens(operation: Operation) -> bool:
    """Whether a customer's token opens it."""
    if not operation.secured:
        return False
    access = operation_of(operation.id).access
    reads = operation.method == "GET" and bool(set(access.scopes) & set(CUSTOMER_SCOPES))
    return access.by_customer or reads


NAMED = [one for one in operations() if opens(one) and {part["name"] for part in one.parameters("path")} - set(FREE)]


def cases() -> list[tuple[Operation, str, dict[str, str]]]:
    found = []
    for one in NAMED:
        asked = {part["name"] for part in one.parameters("query")}
        queries = [query for query in QUERIES if query.keys() <= asked]
        kinds = [*EXPLAINED, "assessment"] if one.id == "explain" else [""]
        found += [(one, kind, query) for kind in kinds for query in queries]
    return found


@dataclass
class Two:
    """Ann asks with a token that acts; what she asks about is Bob's."""

    vendor: Vendor
    ann: httpx.AsyncClient
    bob: httpx.AsyncClient
    tokens: dict[str, str]
    bobs: dict[str, str]

    def named(self, kind: str, name: str) -> str:
        if name != "id":
            return self.bobs[name]
        return f"{self.bobs['ticket_id']}:1" if kind == "assessment" else self.bobs[EXPLAINED[kind]]


@pytest_asyncio.fixture(scope="module")
async def two(app: FastAPI) -> AsyncIterator[Two]:
    vendor = await make_vendor(app, "cs-cart")
    tokens = {}
    made: dict[str, Any] = {}
    for who in ("ann", "bob"):
        made = await bought(vendor, "license", f"{who}-customer", f"{who}-order")
        await bought(vendor, "credits-25", f"{who}-customer", f"{who}-credits")
        chosen = f"/v1/customers/{who}-customer/choices/{made['choices'][0]['choice_id']}"
        await vendor.ok(await vendor.post(chosen, {"option": "cover"}))
        ticket = {"customer_id": f"{who}-customer", "subject": "s", "channel": "helpdesk", "language": "en"}
        ticket |= {"category": "category_1", "pay_with": "credits"}
        await vendor.ok(await vendor.put(f"/v1/tickets/{who}-ticket", ticket))
        token = await vendor.post(f"/v1/customers/{who}-customer/tokens", {"minutes": 10, "may": "act"}, key=None)
        tokens[who] = (await vendor.ok(token))["token"]
    path = "/v1/customers/bob-customer"
    customer = await vendor.ok(await vendor.get(path))
    bobs = {
        "customer_id": "bob-customer",
        "ticket_id": "bob-ticket",
        "order_id": "bob-order",
        "choice_id": made["choices"][0]["choice_id"],
        "license_id": made["licenses"][0]["license_id"],
        "cover_id": customer["covers"][0]["cover_id"],
        "lot_id": (await vendor.ok(await vendor.get(f"{path}/balance")))["lots"][0]["lot_id"],
        "entry_id": (await vendor.ok(await vendor.get(f"{path}/entries")))["data"][0]["entry_id"],
        "hold_id": (await vendor.ok(await vendor.post(f"{path}/holds", {"credits": 1})))["hold_id"],
    }
    rows = (await vendor.ok(await vendor.get("/v1/clocks", ticket_id="bob-ticket")))["data"]
    bobs["clock_id"] = rows[0]["clock_id"] if rows else "clk_00000000000000000000000001"
    async with client_of(app, tokens["ann"]) as ann, client_of(app, tokens["bob"]) as bob:
        yield Two(vendor, ann, bob, tokens, bobs)
    await vendor.close()


def shown(ids: dict[str, str]) -> list[str]:
    """Ids as an answer may name them: an assessment's by its ticket."""
    return [form for one in ids.values() for form in (one, one.removesuffix(":1"))]


@pytest.mark.parametrize(
    ("operation", "kind", "query"), cases(), ids=lambda one: getattr(one, "id", None) or str(one) or "-"
)
async def test_a_tokens_answer_is_that_to_an_id_nobody_has(
    two: Two, operation: Operation, kind: str, query: dict[str, str]
) -> None:
    names = [part["name"] for part in operation.parameters("path") if part["name"] not in FREE]
    real = {name: two.named(kind, name) for name in names}
    none = {name: nothing(value) for name, value in real.items()}
    fixed = {"kind": kind} if kind else {}
    body = operation.example()
    answers = [
        plain(await call(two.ann, operation, filled(operation, {**fixed, **ids}), body, query), *shown(ids))
        for ids in (real, none)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404, answers[0]
    if operation.method == "GET" and not query and kind in ("", "ticket", "charge", "assessment"):
        theirs = await call(two.bob, operation, filled(operation, {**fixed, **real}), None, query)
        assert theirs.status_code == 200, ("the id is not real", theirs.text)


@pytest.mark.parametrize("path", ["licenses", "tickets", "covers", "choices", "lots", "entries"])
async def test_the_refusal_is_the_nouns_own(two: Two, path: str) -> None:
    noun = {"entries": "entry"}.get(path) or path.removesuffix("s")
    for value in (two.bobs[f"{noun}_id"], nothing(two.bobs[f"{noun}_id"])):
        answer = await two.ann.get(f"/v1/{path}/{value}")
        assert (answer.status_code, answer.json()["code"]) == (404, f"{noun}_not_found")


async def test_a_question_about_anothers_license_is_as_one_about_none(two: Two) -> None:
    path, real = "/v1/customers/ann-customer/entitlements/open_ticket", two.bobs["license_id"]
    answers = []
    for value in (real, nothing(real)):
        answer = await two.ann.get(path, params={"license_id": value, "explain": "true"})
        answers.append(plain(answer, value))
    assert answers[0] == answers[1]


async def test_graphql_tells_no_more(two: Two) -> None:
    door, tried = build(), 0
    known = {one.id for one in NAMED}
    for name, query, variables in requests(door):
        operation = door.operations[name]
        names = [part.name for part in operation.declared.arguments.path if part.name in two.bobs]
        if name not in known or not names:
            continue
        below = " { __typename ... on Refusal { code status detail errors { pointer code } } }"
        text = query if operation.method == "GET" else query.replace(" { __typename }", below)
        pair = [{camel(one): make(two.bobs[one]) for one in names} for make in (str, nothing)]
        answers = [plain(await send(two.ann, text, with_ids(variables, ids)), *ids.values()) for ids in pair]
        assert answers[0] == answers[1], name
        tried += 1
    assert tried > 15, tried


@pytest.mark.parametrize("path", ["/account/ticket?id={}", "/account/why?id={}", "/card?ticket_id={}"])
async def test_a_page_says_no_more(app: FastAPI, two: Two, path: str) -> None:
    async with client_of(app, None) as browser:
        entered = await browser.get("/account", params={"token": two.tokens["ann"]})
        assert entered.status_code == 303
        answers = []
        for value in (two.bobs["ticket_id"], nothing(two.bobs["ticket_id"])):
            address = path.format(value)
            if path.startswith("/card"):
                address += f"&token={two.tokens['ann']}"
            answers.append(plain(await browser.get(address), value))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.parametrize("tool", ["show_ticket", "explain", "show_account", "decide_entitlement"])
async def test_an_agents_tool_says_no_more(app: FastAPI, two: Two, tool: str) -> None:
    rooms = app.state.house
    caller = await rooms.authenticator.principal(f"Bearer {two.tokens['ann']}", wall_clock())
    real = two.bobs["ticket_id"] if tool in ("show_ticket", "explain") else two.bobs["customer_id"]
    name = {"show_ticket": "ticket_id", "explain": "id"}.get(tool, "customer_id")
    fixed = {"kind": "ticket"} if tool == "explain" else {}
    answers = []
    for value in (real, nothing(real)):
        outcome = await running.run(tool, {**fixed, name: value}, caller, rooms, "r")
        assert outcome.refused
        answers.append(str(outcome.view).replace(value, "ID"))
    assert answers[0] == answers[1]
