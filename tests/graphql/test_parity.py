"""Both doors offer the same: every operation has its twin, with the same parameters, fields and scopes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from graphql import GraphQLInputObjectType, GraphQLNonNull, GraphQLObjectType, GraphQLUnionType, get_named_type

from app.api import openapi
from app.api.graphql import operations
from app.api.graphql.edges import RENAMED
from app.api.graphql.errors import problem_of, raised, refusal
from app.api.graphql.names import camel, field_name
from app.api.graphql.schema import Door, build
from app.api.operations import registry
from app.api.problems import CATALOGUE, Problem, body_of
from app.commands.base import ROOT
from app.domain.values.errors import DomainError

OF_REST = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) /|ETag|Idempotency-Key|If-Match|next_cursor|_id`")
EXCEPTIONS = operations.exceptions(registry.operations())


@pytest.fixture(scope="module")
def door(app: FastAPI) -> Door:
    return build()


def rest(app: FastAPI) -> dict[str, APIRoute]:
    return {
        str(route.operation_id): route
        for route in app.routes
        if isinstance(route, APIRoute) and route.include_in_schema
    }


def twin(door: Door, name: str, method: str) -> Any:
    assert door.core.query_type is not None
    assert door.core.mutation_type is not None
    if method == "GET":
        return door.core.query_type.fields.get(field_name(name))
    root = door.core.query_type if door.operations[name].asks else door.core.mutation_type
    return root.fields.get(name)


async def test_every_operation_has_a_twin_or_a_written_reason(app: FastAPI, door: Door) -> None:
    found = rest(app)
    missing = [
        name
        for name, route in found.items()
        if name not in EXCEPTIONS and (name not in door.operations or twin(door, name, min(route.methods)) is None)
    ]
    assert missing == []
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())


async def test_there_is_nothing_that_rest_does_not_have(app: FastAPI, door: Door) -> None:
    found = rest(app)
    assert door.core.query_type is not None
    assert door.core.mutation_type is not None
    questions = {name for name, one in door.operations.items() if one.declared.question}
    asked = {field_name(name) for name, route in found.items() if route.methods == {"GET"}}
    assert set(door.core.query_type.fields) - asked - questions == {"node", "_entities", "_service"}
    assert set(door.core.mutation_type.fields) <= set(found)


async def test_a_twin_takes_the_same_parameters_and_fields(app: FastAPI, door: Door) -> None:
    document = openapi.build(app)
    for name, route in rest(app).items():
        if name in EXCEPTIONS:
            continue
        method = min(route.methods)
        contract = document["paths"][route.path_format][method.lower()]
        field = twin(door, name, method)
        given = set(field.args)
        if "input" in given:
            kind = get_named_type(field.args["input"].type)
            assert isinstance(kind, GraphQLInputObjectType)
            given = set(kind.fields)
        left_out = {"validate_only", *({"limit", "cursor"} if door.operations[name].declared.paging else ())}
        wanted = {
            camel(one["name"])
            for one in contract.get("parameters", ())
            if one["in"] in ("path", "query") and one["name"] not in left_out
        }
        paths = {one["name"] for one in contract.get("parameters", ()) if one["in"] == "path"}
        for one in body_fields(document, contract):
            wanted.add(camel(f"new_{one}" if one in paths else one))
        own = {"first", "after", "last", "before", "validateOnly", "idempotencyKey", "ifMatch", "ifNoneMatch"}
        if door.operations[name].declared.raw is not None:
            own.add(operations.TEXT)
        if door.operations[name].paged:
            wanted = {operations.RENAMED.get(one, one) for one in wanted} | {"first", "after", "last", "before"}
        assert wanted <= given, name
        assert given - wanted <= own, name


def body_fields(document: dict[str, Any], contract: dict[str, Any]) -> set[str]:
    schema = contract.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for one in schema.get("anyOf", [schema]):
        if "$ref" in one:
            schema = document["components"]["schemas"][one["$ref"].rpartition("/")[2]]
    return set(schema.get("properties", ()))


async def test_what_moves_credits_or_time_needs_an_idempotency_key(app: FastAPI, door: Door) -> None:
    """Where REST answers 400 without the header, GraphQL cannot be asked without the argument."""
    keyed = {name for name, operation in door.operations.items() if operation.keyed}
    for name in (
        "makeChoice",
        "confirmAssessment",
        "resolveTicket",
        "createHold",
        "createDebit",
        "adjustCredits",
        "captureHold",
        "releaseHold",
        "refundHold",
        "extendCover",
        "transferLot",
        "refundLot",
        "addResponse",
    ):
        assert name in keyed, name
    for name in ("putOrder", "putTicket", "refundOrder", "createCreditBatch", "putTenant", "moveTime"):
        assert name not in keyed, name
    for name in keyed:
        kind = get_named_type(twin(door, name, "POST").args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        assert isinstance(kind.fields["idempotencyKey"].type, GraphQLNonNull), name


async def test_every_mutation_may_answer_a_refusal(door: Door) -> None:
    assert door.core.mutation_type is not None
    for name, field in door.core.mutation_type.fields.items():
        members = [one.name for one in get_named_type(field.type).types]  # type: ignore[union-attr]
        assert len(members) == 2, name
        assert members[1] == "Refusal", name


async def test_every_answer_is_typed(door: Door) -> None:
    """What has no shape says so here."""
    untyped = {name for name, one in door.operations.items() if operations.result_of(one) == operations.UNTYPED}
    assert untyped == {"exportCalendar"}, "iCalendar: text in both doors"


RICHER = {("Ticket", "parent"), ("Ticket", "children"), ("Customer", "balance"), ("Customer", "choices")}
"""What leads to the things themselves in GraphQL, where REST has their ids or a part."""


def members_missing(document: dict[str, Any], schema: dict[str, Any], kind: Any, seen: set[str]) -> list[str]:
    """Members of an answer of REST that have no field in GraphQL, however deep."""
    kind = get_named_type(kind)
    for one in schema.get("anyOf", schema.get("oneOf", ())):
        if one.get("type") != "null":
            return members_missing(document, one, kind, seen)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if (mark := f"{name} {kind}") in seen:
            return []
        seen.add(mark)
        return members_missing(document, document["components"]["schemas"][name], kind, seen)
    if schema.get("type") == "array":
        return members_missing(document, schema.get("items", {}), kind, seen)
    if not isinstance(kind, GraphQLObjectType):
        return []
    found = []
    for name, inner in schema.get("properties", {}).items():
        field = kind.fields.get(RENAMED.get((kind.name, name), camel(name)))
        if field is None:
            found.append(f"{kind}.{camel(name)}")
        elif (kind.name, camel(name)) not in RICHER:
            found += members_missing(document, inner, field.type, seen)
    return found


def answer_schema(document: dict[str, Any], contract: dict[str, Any]) -> dict[str, Any]:
    answers = [one for status, one in contract["responses"].items() if status.startswith("2")]
    while "$ref" in answers[0]:
        answers = [document["components"]["responses"][answers[0]["$ref"].rpartition("/")[2]]]
    schema: dict[str, Any] = answers[0].get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def answered(door: Door, name: str, method: str) -> Any:
    """The type that a field answers: of a row, where it is a list; never the refusal."""
    kind = get_named_type(twin(door, name, method).type)
    if isinstance(kind, GraphQLUnionType):
        kind = kind.types[0]
    if kind.name.endswith("Connection"):
        kind = get_named_type(kind.fields["nodes"].type)
    return kind


async def test_a_twin_answers_the_same_members(app: FastAPI, door: Door) -> None:
    """Every member of every answer of REST, to the last, is a field of the twin's answer in camelCase."""
    document = openapi.build(app)
    missing: dict[str, list[str]] = {}
    compared = 0
    for name, route in rest(app).items():
        if name in EXCEPTIONS:
            continue
        method = min(route.methods)
        schema = answer_schema(document, document["paths"][route.path_format][method.lower()])
        if door.operations[name].listed:
            while "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            schema = schema["properties"]["data"]
        compared += bool(schema)
        if found := members_missing(document, schema, answered(door, name, method), set()):
            missing[name] = found
    assert missing == {}
    assert compared >= 100


async def test_what_has_no_twin_is_asked_by_machines_or_is_no_json_of_ours(app: FastAPI) -> None:
    assert set(EXCEPTIONS) & set(rest(app)) == {"getLiveness", "getReadiness", "receiveDelivery", "exportRows"}


async def test_numbers_of_credits_have_53_bits(door: Door) -> None:
    wrong = [
        f"{kind.name}.{name}"
        for kind in door.core.type_map.values()
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType) and not kind.name.startswith("__")
        for name, field in kind.fields.items()
        if "credits" in name.lower() and get_named_type(field.type).name == "Int"
    ]
    assert wrong == []


async def test_the_committed_schema_is_the_one_served(door: Door) -> None:
    committed = (ROOT / "openapi" / "schema.graphql").read_text(encoding="utf-8")
    assert committed == door.sdl(), "run `make contracts` and review the difference"


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_each_code_is_the_same_at_both_doors(code: str) -> None:
    """One mapping table: what REST answers as a problem, GraphQL answers with the same members."""
    wanted = body_of(code)
    assert problem_of(Problem(code)) == wanted
    decided = problem_of(DomainError(code))
    assert {key: decided[key] for key in ("code", "status", "title", "next_step")} == {
        key: wanted[key] for key in ("code", "status", "title", "next_step")
    }
    shown = refusal(wanted)
    assert (shown["code"], shown["status"]) == (code, wanted["status"])
    error = raised(wanted)
    assert error.extensions is not None
    assert (error.extensions["code"], error.extensions["status"]) == (code, wanted["status"])
    for step in (shown["next_step"], error.extensions["nextStep"]):
        assert not re.search(r"\b(GET|POST|PUT|PATCH|DELETE) /|ETag|Idempotency-Key|If-Match|next_cursor|_id`", step), (
            step
        )
