"""Bad input against every mutation and every argument: no fault, nothing silently taken, and the field is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from graphql import GraphQLInputObjectType, GraphQLNonNull, get_named_type, is_list_type
from graphql.type import GraphQLInputField

from app.api.graphql.schema import Door, build
from tests.support.api import OPERATOR_KEY, client_of, make_vendor
from tests.support.graphql import ACCEPT
from tests.support.nasty import _INSTANT_TEXTS, BOOLEANS, INTEGERS, LISTS, MONEY, RAW, TEXTS

OPERATORS = {"putTenant", "suspendTenant", "putTenantMove", "createKey", "rotateKey", "revokeKey"}
SAMPLES: dict[str, Any] = {
    "ID": "x",
    "String": "x",
    "Int": 1,
    "Long": 1,
    "Credits": 1,
    "Boolean": True,
    "DateTime": "2025-01-01T00:00:00Z",
    "Date": "2025-01-01",
    "Amount": "1.00",
    "JSON": {},
}
TEXT_ONLY = tuple(one for one in TEXTS if one[0] != "long")
BAD: dict[str, tuple[tuple[str, bytes], ...]] = {
    "ID": tuple(one for one in TEXT_ONLY if one[0] != "integer"),
    "String": TEXT_ONLY,
    "Int": INTEGERS,
    "Long": INTEGERS,
    "Credits": INTEGERS,
    "Boolean": BOOLEANS,
    "DateTime": _INSTANT_TEXTS,
    "Date": (("text", b'"x"'), ("number", b"20250101"), ("nul", b'"2025-01-01\\u0000"')),
    "Amount": MONEY,
    "JSON": (
        ("nul inside", b'{"a": "\\u0000"}'),
        ("surrogate", b'{"a": "\\ud800"}'),
        ("fraction", b'{"a": 1.5}'),
        ("too large", b'{"a": 9007199254740992}'),
        ("nul in a name", b'{"a\\u0000": 1}'),
        ("twice", b'{"a": 1, "a": 1}'),
    ),
}


def sample(kind: Any) -> Any:
    """A value of a type that passes its form."""
    if isinstance(kind, GraphQLNonNull):
        return sample(kind.of_type)
    if is_list_type(kind):
        return [sample(kind.of_type)]
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: sample(field.type) for name, field in kind.fields.items() if isinstance(field.type, GraphQLNonNull)
        }
    return SAMPLES[kind.name]


def bad_values(field: GraphQLInputField) -> Iterator[tuple[str, bytes]]:
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    if isinstance(field.type, GraphQLNonNull):
        yield "null", b"null"
    if is_list_type(kind):
        # A lone value stands for a list of one, by GraphQL's own rules; of the wrong kind it does not.
        inner = get_named_type(kind)
        wrong = LISTS if isinstance(inner, GraphQLInputObjectType) else BAD[inner.name]
        yield from (
            (f"in a list: {name}", b"[" + raw + b"]") for name, raw in wrong if raw not in (b"{}", b"[]", b"false")
        )
    elif isinstance(kind, GraphQLInputObjectType):
        yield from ((name, raw) for name, raw in LISTS if name != "object")
    else:
        yield from BAD[kind.name]


@pytest.fixture(scope="module")
def door(app: FastAPI) -> Door:
    return build()


@pytest_asyncio.fixture(scope="module")
async def client(app: FastAPI) -> httpx.AsyncClient:
    return (await make_vendor(app, "cs-cart")).client


async def post(client: httpx.AsyncClient, query: str, given: bytes) -> httpx.Response:
    body = b'{"query": ' + json.dumps(query).encode() + b', "variables": {"input": ' + given + b"}}"
    return await client.post("/graphql", content=body, headers={"Content-Type": "application/json", "Accept": ACCEPT})


def with_field(base: dict[str, Any], name: str, raw: bytes) -> bytes:
    rest = {key: value for key, value in base.items() if key != name}
    members = [json.dumps(key).encode() + b": " + json.dumps(value).encode() for key, value in rest.items()]
    return b"{" + b", ".join([*members, json.dumps(name).encode() + b": " + raw]) + b"}"


def named(answer: httpx.Response, mutation: str, field: str, *, why: str) -> None:
    """The answer refuses, and names the field."""
    body = answer.json()
    assert answer.status_code < 500, (why, answer.text)
    assert "internal_error" not in answer.text, (why, answer.text)
    for error in body.get("errors", ()):
        assert error["extensions"]["code"] != "internal_error", (why, answer.text)
        pointers = [one["pointer"] for one in error["extensions"].get("errors", ())]
        if field in error["message"] or any(field in one for one in pointers):
            return
    result = (body.get("data") or {}).get(mutation)
    assert result is not None, (why, answer.text)
    if result["__typename"] == "CreditBatch":  # each command is refused by itself
        (item,) = result["results"]
        assert item["problem"] is not None, (why, "taken", answer.text)
        result = {"__typename": "Refusal", **item["problem"]}
    assert result["__typename"] == "Refusal", (why, "taken", answer.text)
    assert any(field in one["pointer"] for one in result["errors"]), (why, answer.text)


async def test_every_field_of_every_mutation_refuses_what_is_bad_and_is_named(
    app: FastAPI, door: Door, client: httpx.AsyncClient
) -> None:
    assert door.core.mutation_type is not None
    tried = 0
    async with client_of(app, OPERATOR_KEY) as operator:
        for mutation, at in door.core.mutation_type.fields.items():
            kind = get_named_type(at.args["input"].type)
            assert isinstance(kind, GraphQLInputObjectType)
            base = sample(kind)
            told = "code errors { pointer code }"
            batch = f"... on CreditBatch {{ results {{ problem {{ {told} }} }} }}" if "Batch" in mutation else ""
            query = (
                f"mutation($input: {kind.name}!) {{ {mutation}(input: $input) "
                f"{{ __typename {batch} ... on Refusal {{ {told} }} }} }}"
            )
            who = operator if mutation in OPERATORS else client
            for name, field in kind.fields.items():
                for what, raw in bad_values(field):
                    answer = await post(who, query, with_field(base, name, raw))
                    named(answer, mutation, name, why=f"{mutation}.{name}: {what}")
                    tried += 1
            for where, what, given in inside(kind, base, ()):
                answer = await post(who, query, given)
                named(answer, mutation, where, why=f"{mutation}.{where}: {what}")
                tried += 1
            extra = await post(who, query, with_field(base, "amuont", b"1"))
            named(extra, mutation, "amuont", why=f"{mutation}: unknown field")
            for name, raw in RAW:
                answer = await post(who, query, raw)
                refused(answer, mutation, why=f"{mutation}: body {name}")
    assert tried > 1500


def inside(
    kind: GraphQLInputObjectType, base: dict[str, Any], where: tuple[str, ...]
) -> Iterator[tuple[str, str, bytes]]:
    """Bad values of the fields of input objects inside an input: the field, what is wrong, the whole input."""
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if not isinstance(inner, GraphQLInputObjectType) or len(where) > 2:
            continue
        many = is_list_type(getattr(field.type, "of_type", field.type)) or is_list_type(field.type)

        def whole(raw: bytes, name: str = name, many: bool = many) -> bytes:
            return with_field(base, name, b"[" + raw + b"]" if many else raw)

        for below, at in inner.fields.items():
            for what, raw in bad_values(at):
                yield below, what, whole(with_field(sample(inner), below, raw))
        yield "amuont", "unknown field", whole(with_field(sample(inner), "amuont", b"1"))
        for below, what, given in inside(inner, sample(inner), (*where, name)):
            yield below, what, whole(given)


def refused(answer: httpx.Response, mutation: str, *, why: str) -> None:
    """The answer is a refusal with a code; which field is wrong, a text that is no input cannot say."""
    assert answer.status_code < 500, (why, answer.text)
    body = answer.json()
    errors = body.get("errors", ())
    assert all(one["extensions"]["code"] != "internal_error" for one in errors), (why, answer.text)
    assert errors or body["data"][mutation]["__typename"] == "Refusal", (why, "taken", answer.text)


async def test_arguments_of_queries_refuse_what_is_bad(client: httpx.AsyncClient) -> None:
    for query, field in (
        ('{ balance(customerId: "c", asOf: "yesterday") { available } }', "asOf"),
        ('{ balance(customerId: "a\\u0000b") { available } }', "customerId"),
        ("{ customers(first: 0) { nodes { customerId } } }", "first"),
        ("{ customers(first: 101) { nodes { customerId } } }", "first"),
        ("{ customers(first: -1) { nodes { customerId } } }", "first"),
        ("{ customers(first: 2147483648) { nodes { customerId } } }", "32-bit"),
        ('{ customers(query: "' + "x" * 5000 + '") { nodes { customerId } } }', "query"),
        ('{ customers(after: "nonsense") { nodes { customerId } } }', "cursor"),
        ('{ customers(after: "x~9999") { nodes { customerId } } }', "cursor"),
        ('{ calendarDue(name: "service-hours", from: "2025-01-01T00:00:00Z", target: "soon") { dueAt } }', "target"),
        ('{ ticket(ticketId: "") { state } }', "ticketId"),
        ("{ ticket(ticketId: 1.5) { state } }", "1.5"),
        ("{ ticket { state } }", "ticketId"),
        ('{ tickets(state: "nonsense") { nodes { state } } }', "state"),
        ('{ clocks(dueBefore: "9999-12-31T23:59:59-14:00") { nodes { phase } } }', "dueBefore"),
    ):
        answer = await client.post("/graphql", json={"query": query}, headers={"Accept": ACCEPT})
        assert answer.status_code < 500
        body = answer.json()
        assert body.get("errors"), (query, answer.text)
        assert all(one["extensions"]["code"] != "internal_error" for one in body["errors"]), answer.text
        assert field in answer.text, (query, answer.text)


async def test_a_node_id_that_is_none_leads_nowhere(client: httpx.AsyncClient) -> None:
    for given in ("", "x", "Q3VzdG9tZXI6", "Q3VzdG9tZXI6bm9ib2R5", "////", "ÿ", "Tm90aGluZzox", "Q3VzdG9tZXI6AGI"):
        answer = await client.post(
            "/graphql", json={"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": given}}
        )
        body = answer.json()
        assert body["data"]["node"] is None, (given, answer.text)
        assert all(one["extensions"]["code"] == "invalid_input" for one in body.get("errors", ())), answer.text


async def test_sql_and_markup_are_only_text(client: httpx.AsyncClient) -> None:
    for text in (
        "'; drop table tenant; --",
        "<script>",
        "%00",
        "../../etc/passwd",
        "${7*7}",
        "{{7*7}}",
        "\\",
        "a/b?c#d",
    ):
        answer = await client.post(
            "/graphql",
            json={
                "query": "query($id: ID!) { customer(customerId: $id) { customerId } ticket(ticketId: $id) { state } }",
                "variables": {"id": text},
            },
            headers={"Accept": ACCEPT},
        )
        assert answer.json() == {"data": {"customer": None, "ticket": None}}, text
