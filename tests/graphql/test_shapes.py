"""Every key of every answer that the service was seen to give has its field, and fits the type that the field has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLUnionType

from app.api.graphql import operations
from app.api.graphql.errors import camel
from app.api.graphql.schema import Door, build
from app.commands.base import ROOT

ANSWERS = ROOT / "openapi" / "answers.json"
SHARED = {"Money", "Decision", "Reason"}
LEAVES = {
    "ID": {"string"},
    "String": {"string"},
    "DateTime": {"string"},
    "Date": {"string"},
    "Amount": {"string"},
    "Boolean": {"boolean"},
    "Int": {"integer"},
    "Credits": {"integer"},
    "Long": {"integer"},
}


@pytest.fixture(scope="module")
def door(app: FastAPI) -> Door:
    return build()


def differences(schema: dict[str, Any], kind: Any, place: str) -> list[str]:
    """Where a recorded shape does not fit a type."""
    for one in schema.get("anyOf", ()):
        if one.get("type") != "null":
            return differences(one, kind, place)
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
        found = schema.get("type")
        if found == "null" or (isinstance(found, list) and "null" in found):
            return [f"{place}: may be null"]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [] if kind.name in (name, "JSON") or name not in SHARED else [f"{place}: {name} is {kind.name}"]
    if isinstance(kind, GraphQLList):
        return differences(schema.get("items", {}), kind.of_type, f"{place}[]") if "items" in schema else []
    if isinstance(kind, GraphQLObjectType):
        return [
            one for name, inner in schema.get("properties", {}).items() for one in _member(kind, name, inner, place)
        ]
    kinds = schema.get("type", [])
    seen = set([kinds] if isinstance(kinds, str) else kinds) - {"null"}
    wanted = LEAVES.get(kind.name)
    return [f"{place}: {sorted(seen)} is {kind.name}"] if wanted is not None and not seen <= wanted else []


def _member(kind: GraphQLObjectType, name: str, schema: dict[str, Any], place: str) -> list[str]:
    field = kind.fields.get(camel(name))
    if field is None:
        return [f"{place}.{name}: no field"]
    if kind.name in ("Customer", "Ticket") and name in ("balance", "choices", "parent", "children"):
        return []  # a way to more than the view says
    return differences(schema, field.type, f"{place}.{name}")


async def test_answers_fit_their_types(door: Door) -> None:
    recorded = json.loads(ANSWERS.read_text(encoding="utf-8"))["operations"]
    wrong: list[str] = []
    for name, entry in recorded.items():
        operation = door.operations.get(name)
        if operation is None or operations.result_of(operation) == operations.UNTYPED:
            continue
        if operation.declared.answer is not None:
            continue  # its type is made from the shape that it declares
        kind = door.core.type_map[operations.result_of(operation)]
        assert not isinstance(kind, GraphQLUnionType)
        schema = entry["schema"]
        if operation.listed:
            schema = schema["properties"].get("data", {}).get("items", {})
        wrong += differences(schema, kind, name)
    assert wrong == []
