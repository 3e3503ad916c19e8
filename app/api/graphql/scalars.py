"""Scalars. `Int` has 32 bits, so credits and other whole numbers have their own."""

from __future__ import annotations

from typing import Any, Final, NewType

import strawberry
from graphql import ValueNode
from graphql.utilities import value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from app.domain.values.money import MAX_CREDITS

Credits = NewType("Credits", int)
Long = NewType("Long", int)
DateTime = NewType("DateTime", str)
Date = NewType("Date", str)
Amount = NewType("Amount", str)
JSON = NewType("JSON", object)


def _any_value(value: Any) -> Any:
    """Take any value: the field that it is for refuses what is wrong, with REST's code and pointer."""
    return value


def _literal(node: ValueNode, variables: Any = None) -> Any:
    return value_from_ast_untyped(node, variables)


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Credits: strawberry.scalar(
        name="Credits",
        description=f"A whole number of credits, at most {MAX_CREDITS} either way.",
        parse_value=_any_value,
    ),
    Long: strawberry.scalar(
        name="Long", description="A whole number, at most 2^53 - 1 either way.", parse_value=_any_value
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 with an offset; answers in UTC with Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        parse_value=_any_value,
    ),
    Date: strawberry.scalar(name="Date", description="YYYY-MM-DD.", parse_value=_any_value),
    Amount: strawberry.scalar(
        name="Amount", description='An amount of money as a decimal string, such as "34.50".', parse_value=_any_value
    ),
    JSON: strawberry.scalar(
        name="JSON", description="Any JSON value; numbers are whole.", parse_value=_any_value, parse_literal=_literal
    ),
}
