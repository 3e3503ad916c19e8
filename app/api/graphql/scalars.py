"""Scalars. `Int` has 32 bits, so credits and other whole numbers have their own."""

from __future__ import annotations

from typing import Any, Final, NewType

import strawberry
from graphql import ValueNode
from graphql.utilities import value_from_ast_untyped
from pydantic_core import PydanticCustomError
from strawberry.types.scalar import ScalarDefinition

from app.api.strict import _money, parse_day, parse_instant
from app.domain.values.money import MAX_CREDITS, MAX_WIRE_INT

Credits = NewType("Credits", int)
Long = NewType("Long", int)
DateTime = NewType("DateTime", str)
Date = NewType("Date", str)
Amount = NewType("Amount", str)
JSON = NewType("JSON", object)


def _whole(name: str, most: int) -> Any:
    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > most:
            raise ValueError(f"{name} takes an integer between -{most} and {most}.")
        return value

    return parse


def _formed(name: str, check: Any) -> Any:
    def parse(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{name} takes text.")
        try:
            check(value)
        except PydanticCustomError as error:
            raise ValueError(error.message()) from None
        return value

    return parse


def _literal(node: ValueNode, variables: Any = None) -> Any:
    return value_from_ast_untyped(node, variables)


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Credits: strawberry.scalar(
        name="Credits",
        description=f"A whole number of credits, at most {MAX_CREDITS} either way.",
        parse_value=_whole("Credits", MAX_CREDITS),
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A whole number, at most 2^53 - 1 either way.",
        parse_value=_whole("Long", MAX_WIRE_INT),
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 with an offset; answers in UTC with Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        parse_value=_formed("DateTime", parse_instant),
    ),
    Date: strawberry.scalar(name="Date", description="YYYY-MM-DD.", parse_value=_formed("Date", parse_day)),
    Amount: strawberry.scalar(
        name="Amount",
        description='An amount of money as a decimal string, such as "34.50".',
        parse_value=_formed("Amount", _money),
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value; numbers are whole.",
        parse_value=lambda value: value,
        parse_literal=_literal,
    ),
}
