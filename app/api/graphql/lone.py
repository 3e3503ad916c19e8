"""The busiest query of all, one balance now with its lots, answered without the general executor.

Read off the document once, kept with it. Whatever is out of the ordinary (fragments, directives, other variables, a
value that is not there, any refusal) goes the general way, which says what is wrong; a test holds both to the same
answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

if TYPE_CHECKING:
    from app.api.graphql.calls import Calls

OPERATION: Final = "getBalance"
_FIELD: Final = "balance"
_TYPE: Final = "Balance"
_ARGUMENT: Final = "customerId"
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,99}")
_TYPENAME: Final = "__typename"


class _AbsentError(Exception):
    """A value is not there that has to be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A field that is asked for: its key in the answer, its key in the view, how its value is written."""

    key: str
    name: str
    write: Callable[[Any], Any]
    required: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields asked for of one thing; ``blank`` has their keys in order, with the type's name where it is asked."""

    blank: Mapping[str, str | None]
    fields: tuple[Asked, ...]

    def of(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """What is answered of a view."""
        found: dict[str, Any] = {**self.blank}
        for field in self.fields:
            value = view.get(field.name)
            if value is not None:
                found[field.key] = field.write(value)
            elif field.required:
                raise _AbsentError
        return found

    def of_each(self, views: Sequence[Mapping[str, Any] | None]) -> list[dict[str, Any]]:
        """What is answered of a list, in which nothing may be missing."""
        if None in views:
            raise _AbsentError
        return [self.of(one) for one in views if one is not None]


@dataclass(frozen=True, slots=True)
class Lone:
    """A query for one balance: the answer's key, the customer or the variable that names it, the fields."""

    key: str
    customer: str
    variable: bool
    selection: Selection

    async def data(self, calls: Calls, variables: Mapping[str, Any]) -> dict[str, Any] | None:
        """The data of the answer; None when the general way has to say it."""
        customer_id = variables.get(self.customer) if self.variable else self.customer
        if not isinstance(customer_id, str) or not _PLAIN_ID.fullmatch(customer_id):
            return None
        view = await calls.one_balance(customer_id)
        if view is None:
            return None
        try:
            return {self.key: self.selection.of(view)}
        except (GraphQLError, _AbsentError):
            return None


def lone_of(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Lone | None:
    """The short way of a valid operation that is such a query; None of any other."""
    chosen = operation.selection_set.selections
    if operation.operation is not OperationType.QUERY or operation.directives or len(chosen) != 1:
        return None
    asked = chosen[0]
    if not isinstance(asked, FieldNode) or asked.name.value != _FIELD or asked.directives:
        return None
    named = _customer(asked, operation)
    balance = schema.get_type(_TYPE)
    if named is None or asked.selection_set is None or not isinstance(balance, GraphQLObjectType):
        return None
    selection = _selection(balance, asked.selection_set)
    return None if selection is None else Lone(_key(asked), *named, selection)


def _customer(asked: FieldNode, operation: OperationDefinitionNode) -> tuple[str, bool] | None:
    """The customer, or the one variable that names it, and which of the two."""
    given = asked.arguments or ()
    if len(given) != 1 or given[0].name.value != _ARGUMENT:
        return None
    value, variables = given[0].value, operation.variable_definitions or ()
    if isinstance(value, StringValueNode):
        return None if variables else (value.value, False)
    if not isinstance(value, VariableNode) or len(variables) != 1:
        return None
    one = variables[0]
    kind = one.type.type if isinstance(one.type, NonNullTypeNode) else None
    simple = isinstance(kind, NamedTypeNode) and kind.name.value == "ID" and not one.directives
    return (value.name.value, True) if simple and one.default_value is None else None


def _selection(owner: GraphQLObjectType, asked: SelectionSetNode) -> Selection | None:
    """The plain fields asked for; None where there is anything else among them."""
    blank: dict[str, str | None] = {}
    fields: dict[str, Asked] = {}
    for one in asked.selections:
        if not isinstance(one, FieldNode) or one.arguments or one.directives:
            return None
        key = _key(one)
        if key in blank and one.selection_set is not None:
            return None  # asked twice with other fields, which the general way merges
        if one.name.value == _TYPENAME:
            blank[key] = owner.name
            continue
        field = _field(owner, one, key)
        if field is None:
            return None
        blank[key] = None
        fields[key] = field
    return Selection(blank, tuple(fields.values()))


def _field(owner: GraphQLObjectType, asked: FieldNode, key: str) -> Asked | None:
    field = owner.fields.get(asked.name.value)
    made: Any = None if field is None else field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if field is None or made is None or not made.is_basic_field:
        return None  # it has a resolver, which would ask something else
    kind: Any = get_nullable_type(field.type)
    write: Callable[[Any], Any] | None = kind.serialize if is_leaf_type(kind) else None
    if asked.selection_set is not None:
        listed = is_list_type(kind) and is_non_null_type(kind.of_type)
        inner = kind.of_type.of_type if listed else kind
        chosen = _selection(inner, asked.selection_set) if isinstance(inner, GraphQLObjectType) else None
        write = None if chosen is None else chosen.of_each if listed else chosen.of
    name = str(made.python_name)
    return None if write is None else Asked(key, name, write, is_non_null_type(field.type))


def _key(one: FieldNode) -> str:
    return one.alias.value if one.alias is not None else one.name.value
