"""Null says as little as nothing, in every input; and what the schema says of null in answers is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

import httpx
from fastapi import FastAPI
from graphql import GraphQLInputObjectType, GraphQLNonNull, get_named_type

from app.api.graphql import edges
from app.api.graphql.identity import IDENTITIES
from app.api.graphql.names import camel, field_name
from app.api.graphql.operations import result_of
from app.api.graphql.schema import Door, build
from app.views.shapes import PageOf, members
from tests.conftest import MakeVendor
from tests.graphql.test_bad_input import OPERATORS, sample
from tests.graphql.test_story import START, story_by_graphql
from tests.support.api import OPERATOR_KEY, client_of
from tests.support.graphql import ACCEPT, ask, do

MEANT = {("changeWebhookEndpoint", "customerId")}
"""Where a change takes something away by null: the endpoint is told of all customers again."""
GOOD: dict[str, dict[str, Any]] = {
    "putTicket": {"ticketId": "Z-9", "customerId": "c-1"},
    "putOrder": {
        "orderId": "o-9",
        "customerId": "c-1",
        "placedAt": START,
        "currency": "USD",
        "lines": [{"lineId": "1", "sku": "license"}],
    },
    "addResponse": {"ticketId": "T-2", "author": "vendor"},
    "createWebhookEndpoint": {"url": "https://93.184.216.34/hooks"},
    "putCalendar": {"name": "another", "zone": "UTC"},
    "adjustCredits": {"customerId": "c-1", "credits": 2, "reason": "welcome"},
    "createHold": {"customerId": "c-1", "credits": 2},
    "createDebit": {"customerId": "c-1", "credits": 2},
    "putSource": {"name": "shop", "kind": "purchase"},
    "createCustomerToken": {"customerId": "c-1"},
    "simulatePolicy": {"name": "cs-cart", "document": "policy: x"},
    "priceTicket": {"name": "cs-cart", "category": "category_2"},
}
"""Inputs that are taken; the other operations are asked with what passes its form."""


async def answer(client: httpx.AsyncClient, query: str, given: dict[str, Any]) -> Any:
    """What is answered, without what differs from call to call."""
    sent = {"query": query, "variables": {"input": given}}
    found = (await client.post("/graphql", json=sent, headers={"Accept": ACCEPT})).json()
    for error in found.get("errors", ()):
        error["extensions"].pop("requestId", None)
    return found


async def test_null_and_nothing_are_answered_alike_in_every_input(app: FastAPI, vendor: MakeVendor) -> None:
    door, one = build(), await vendor("cs-cart", START)
    await story_by_graphql(one)
    await one.ok(await one.put("/v1/tickets/T-2", {"customer_id": "c-1", "subject": "Open"}))
    tried, taken = 0, set()
    async with client_of(app, OPERATOR_KEY) as operator:
        for root in (door.core.mutation_type, door.core.query_type):
            assert root is not None
            for name, at in root.fields.items():
                kind = get_named_type(at.args["input"].type) if "input" in at.args else None
                if not isinstance(kind, GraphQLInputObjectType):
                    continue
                who = operator if name in OPERATORS else one.client
                word = "mutation" if root is door.core.mutation_type else "query"
                query = (
                    f"{word}($input: {kind.name}!) {{ {name}(input: $input) "
                    "{ __typename ... on Refusal { code detail errors { pointer code } } } }"
                )
                base = {**sample(kind), **GOOD.get(name, {})}
                if "validateOnly" in kind.fields:
                    base["validateOnly"] = True
                without = await answer(who, query, base)
                if "Refusal" not in str(without):
                    taken.add(name)
                for field, about in kind.fields.items():
                    if isinstance(about.type, GraphQLNonNull) or field in base or (name, field) in MEANT:
                        continue
                    assert await answer(who, query, {**base, field: None}) == without, (name, field)
                    tried += 1
    assert tried > 100
    assert GOOD.keys() - {"simulatePolicy"} <= taken


async def test_null_inside_an_input_and_as_a_literal_is_nothing_too(vendor: MakeVendor) -> None:
    one = await vendor("cs-cart", START)
    made = await do(
        one,
        "putOrder",
        "orderId lots { granted }",
        kind="Order",
        **{**GOOD["putOrder"], "lines": [{"lineId": "1", "sku": "license", "quantity": None, "attributes": None}]},
    )
    assert made["__typename"] == "Order", made
    data = await ask(
        one,
        """mutation { putTicket(input: {ticketId: "Z-1", customerId: "c-1", subject: null, facts: null, inputs: null})
           { __typename ... on Refusal { code errors { pointer code } } } }""",
    )
    assert data["putTicket"]["__typename"] == "Ticket", data
    data = await ask(one, '{ tickets(state: null, first: null, customerId: "c-1") { nodes { ticketId } } }')
    assert [row["ticketId"] for row in data["tickets"]["nodes"]] == ["Z-1"]


async def test_a_change_takes_something_away_by_null_where_it_says_so(vendor: MakeVendor) -> None:
    one = await vendor("cs-cart", START)
    await one.ok(await one.post("/v1/customers/c-1/adjustments", {"credits": 9, "reason": "welcome"}))
    made = await do(
        one,
        "createWebhookEndpoint",
        "endpointId customerId",
        kind="WebhookEndpoint",
        url="https://93.184.216.34/hooks",
        customerId="c-1",
        description="For one",
    )
    given = {"endpointId": made["endpointId"], "url": None, "description": None, "enabled": None}
    same = await do(one, "changeWebhookEndpoint", "customerId description", kind="WebhookEndpoint", **given)
    assert (same["customerId"], same["description"]) == ("c-1", "For one")
    given["customerId"] = None
    changed = await do(one, "changeWebhookEndpoint", "customerId description", kind="WebhookEndpoint", **given)
    assert (changed["customerId"], changed["description"]) == (None, "For one")


def test_what_may_be_refused_by_itself_may_be_null_and_nothing_else_is_loaded() -> None:
    """A field that asks an operation has scopes of its own. What a row leaves out is loaded by the thing's own
    operation: whoever was given the row may call that too, so that it may be required."""
    door = build()
    core = door.core
    for name, operation in door.operations.items():
        root = core.query_type if operation.asks else core.mutation_type
        assert root is not None
        field = root.fields[field_name(name) if operation.method == "GET" else name]
        assert not isinstance(field.type, GraphQLNonNull), name
    for (owner, name), (operation_id, _) in edges.EDGES.items():
        kind: Any = core.type_map[owner]
        assert not isinstance(kind.fields[camel(name)].type, GraphQLNonNull), (owner, name, operation_id)
    givers = list(_givers_of_rows(door))
    assert {"listCustomers", "listPolicies", "listCalendars", "putCalendar"} <= {name for name, _ in givers}
    for name, kind_name in givers:
        getter = door.operations[str(IDENTITIES[kind_name].getter)]
        # A published version is answered whole.
        assert set(door.operations[name].scopes) <= set(getter.scopes) or name == "publishPolicy", name


def _givers_of_rows(door: Door) -> Iterator[tuple[str, str]]:
    """Operations that answer a row of a type whose rest is loaded, and that type."""
    for name, one in door.operations.items():
        shape = one.declared.answer
        if get_origin(shape) is PageOf:
            (shape,) = get_args(shape)
        kind = result_of(one)
        if kind in edges.WHOLE and edges.WHOLE[kind] not in {member.name for member in members(shape)}:
            yield name, kind
