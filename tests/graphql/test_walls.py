"""Who may see what: scopes by field, tenants, customer tokens, and the same for a federated graph's references."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.graphql.test_story import story_by_graphql
from tests.support.api import client_of
from tests.support.graphql import ACCEPT, ask, do, send

START = "2025-01-01T00:00:00Z"
ENTITIES = """query($r: [_Any!]!) {
  _entities(representations: $r) {
    __typename
    ... on Customer { customerId balance { available } }
    ... on Ticket { ticketId state }
    ... on Entitlement { customerId action allowed reasons { code } }
  }
}"""


def codes(answer: httpx.Response) -> list[str]:
    return [one["extensions"]["code"] for one in answer.json().get("errors", ())]


async def test_a_key_needs_the_scope_of_each_field(vendor: MakeVendor) -> None:
    one = await vendor()
    await story_by_graphql(one)
    tickets = await one.as_key("tickets:read")
    answer = await send(
        tickets,
        '{ ticket(ticketId: "T-1") { state customer { balance { available } } } balance(customerId: "c-1") { available } }',
    )
    assert (
        answer.json()["data"] == {"ticket": {"state": "resolved", "customer": None}, "balance": None}
        or answer.json()["data"]["balance"] is None
    )
    assert answer.status_code == 294
    assert set(codes(answer)) == {"scope_missing"}
    wrong = await send(
        tickets,
        "mutation($input: PutOrderInput!) { putOrder(input: $input) { __typename } }",
        {
            "input": {
                "orderId": "o-9",
                "customerId": "c-9",
                "placedAt": START,
                "lines": [{"lineId": "1", "sku": "license"}],
            }
        },
    )
    assert wrong.json()["data"] == {"putOrder": None}
    assert codes(wrong) == ["scope_missing"]
    assert (await ask(one, '{ order(orderId: "o-9") { orderId } }')) == {"order": None}


async def test_another_tenants_things_do_not_exist(vendor: MakeVendor) -> None:
    one, other = await vendor(), await vendor()
    await story_by_graphql(one)
    mine = await ask(
        one, '{ customer(customerId: "c-1") { id lots { lotId } } ticket(ticketId: "T-1") { id clocks { clockId } } }'
    )
    lot, clock = mine["customer"]["lots"][0], mine["ticket"]["clocks"][0]["clockId"]
    found = await ask(
        other,
        """query($n: ID!, $t: ID!, $l: ID!, $c: ID!) {
          a: node(id: $n) { id } b: node(id: $t) { id } customer(customerId: "c-1") { customerId }
          ticket(ticketId: "T-1") { state } order(orderId: "o-1") { orderId } refundQuote(lotId: $l) { credits }
          clock(clockId: $c) { phase } customers { nodes { customerId } } tickets { nodes { ticketId } }
          entitlement(customerId: "c-1", action: "open_ticket") { allowed }
        }""",
        n=mine["customer"]["id"],
        t=mine["ticket"]["id"],
        l=lot["lotId"],
        c=clock,
    )
    assert found.pop("entitlement") == {"allowed": False}
    assert found.pop("customers") == found.pop("tickets") == {"nodes": []}
    assert all(value is None for value in found.values()), found
    refused = await do(
        other, "resolveTicket", "state", kind="Ticket", ticketId="T-1", cause="question", idempotencyKey="k"
    )
    assert (refused["code"], refused["status"]) == ("ticket_not_found", 404)
    cursor = await ask(one, '{ customer(customerId: "c-1") { entries(first: 1) { pageInfo { endCursor } } } }')
    sealed = cursor["customer"]["entries"]["pageInfo"]["endCursor"]
    stolen = await send(
        other.client, "query($a: String) { customers(after: $a) { nodes { customerId } } }", {"a": sealed}
    )
    assert codes(stolen) == ["cursor_invalid"]


async def test_a_customer_token_reads_its_own_customer_alone(app: FastAPI, vendor: MakeVendor) -> None:
    one = await vendor()
    await story_by_graphql(one)
    made = await do(one, "createCustomerToken", "token expiresAt", kind="CustomerToken", customerId="c-1", minutes=5)
    async with client_of(app, made["token"]) as page:
        own = await ask(
            page,
            '{ customer(customerId: "c-1") { customerId balance { available } entitlement(action: "open_ticket") { allowed } } }',
        )
        assert own["customer"]["balance"] == {"available": 30}
        for query in (
            '{ customer(customerId: "c-2") { customerId } }',
            "{ customers { nodes { customerId } } }",
            '{ balance(customerId: "c-2") { available } }',
            '{ order(orderId: "o-1") { orderId } }',
        ):
            answer = await send(page, query)
            assert list(answer.json()["data"].values()) == [None], (query, answer.text)
        for mutation in (
            'moveTime(input: {now: "2026-01-01T00:00:00Z"})',
            'createCustomerToken(input: {customerId: "c-1"})',
        ):
            answer = await send(page, "mutation { " + mutation + " { __typename } }")
            assert answer.json()["data"] == {mutation.split("(")[0]: None}, answer.text
            assert codes(answer)[0] in ("scope_missing", "customer_token_not_allowed")


async def test_federated_references_pass_the_same_walls(vendor: MakeVendor) -> None:
    one, other = await vendor(), await vendor()
    await story_by_graphql(one)
    references: list[dict[str, Any]] = [
        {"__typename": "Customer", "customerId": "c-1"},
        {"__typename": "Ticket", "ticketId": "T-1"},
        {"__typename": "Entitlement", "customerId": "c-1", "action": "open_ticket"},
        {"__typename": "Customer", "customerId": "nobody"},
    ]
    found = (await ask(one, ENTITIES, r=references))["_entities"]
    assert found[0] == {"__typename": "Customer", "customerId": "c-1", "balance": {"available": 30}}
    assert found[1] == {"__typename": "Ticket", "ticketId": "T-1", "state": "resolved"}
    assert found[2]["action"] == "open_ticket"
    unseen = {"__typename": "Customer", "customerId": "nobody", "balance": None}
    assert found[3] == unseen
    theirs = (await ask(other, ENTITIES, r=[*references[:2], references[3]]))["_entities"]
    assert theirs == [{**unseen, "customerId": "c-1"}, None, unseen], "another tenant's is as one that nobody has seen"
    narrow = await other.as_key("orders:read")
    answer = await send(narrow, ENTITIES, {"r": references})
    assert answer.json()["data"]["_entities"] == [None] * 4
    assert set(codes(answer)) == {"scope_missing"}


@pytest.mark.parametrize(
    "reference",
    [
        {},
        {"__typename": 1},
        {"__typename": "Nothing"},
        {"__typename": "Refusal"},
        {"__typename": "Customer"},
        {"__typename": "String"},
        {"__typename": "Customer", "customerId": 1},
        {"__typename": "Customer", "customerId": "a\u0000b"},
        [],
        "x",
        1,
        None,
        {"__typename": "Customer", "info": {}},
        {"__typename": "Query"},
        {"__typename": "PutOrderInput"},
    ],
)
async def test_a_reference_that_is_none_is_refused(vendor: MakeVendor, reference: Any) -> None:
    one = await vendor()
    answer = await one.client.post(
        "/graphql", json={"query": ENTITIES, "variables": {"r": [reference]}}, headers={"Accept": ACCEPT}
    )
    assert answer.status_code in (400, 422, 294), answer.text
    assert codes(answer) == ["invalid_input"], answer.text
    assert "Traceback" not in answer.text


async def test_the_subgraphs_sdl_carries_its_keys(vendor: MakeVendor) -> None:
    sdl = (await ask(await vendor(), "{ _service { sdl } }"))["_service"]["sdl"]
    for wanted in (
        'type Customer implements Node @key(fields: "customerId")',
        'type Ticket implements Node @key(fields: "ticketId")',
        'type Entitlement @key(fields: "customerId action")',
        "https://specs.apollo.dev/federation/v2",
    ):
        assert wanted in sdl, wanted
