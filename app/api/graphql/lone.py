"""The busiest query of all, one balance now with plain fields, answered without the general executor.

Read off the document once, kept with it. Whatever is out of the ordinary (fragments, directives, other variables, a
value that is not there, any refusal) goes the general way, which says what is wrong; a test holds both to the same
answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
)

if TYPE_CHECKING:
    from app.api.graphql.calls import Calls

OPERATION: Final = "getBalance"
_FIELD: Final = "balance"
_TYPE: Final = "Balance"
_ARGUMENT: Final = "customerId"
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,99}")
_HUMP: Final = re.compile(r"(?<=[a-z])([A-Z])")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that is asked for: its key in the answer, its key in the view, how it is written."""

    key: str
    name: str
    serialize: Callable[[Any], Any]
    required: bool


@dataclass(frozen=True, slots=True)
class Lone:
    """A query for one balance: the answer's key, the customer or the variable that names it, the fields."""

    key: str
    customer: str
    variable: bool
    leaves: tuple[Leaf, ...]

    async def data(self, calls: Calls, variables: Mapping[str, Any]) -> dict[str, Any] | None:
        """The data of the answer; None when the general way has to say it."""
        customer_id = variables.get(self.customer) if self.variable else self.customer
        if not isinstance(customer_id, str) or not _PLAIN_ID.fullmatch(customer_id):
            return None
        view = await calls.one_balance(customer_id)
        if view is None:
            return None
        found: dict[str, Any] = {}
        for leaf in self.leaves:
            value = view.get(leaf.name)
            if value is None and leaf.required:
                return None
            found[leaf.key] = None if value is None else leaf.serialize(value)
        return {self.key: found}


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
    leaves = [_leaf(balance, one) for one in asked.selection_set.selections]
    plain = [one for one in leaves if one is not None]
    return Lone(_key(asked), *named, tuple(plain)) if len(plain) == len(leaves) else None


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


def _leaf(balance: GraphQLObjectType, one: Any) -> Leaf | None:
    if not isinstance(one, FieldNode) or one.arguments or one.directives or one.selection_set is not None:
        return None
    field = balance.fields.get(one.name.value)
    kind: Any = None if field is None else get_named_type(field.type)
    if field is None or not is_leaf_type(kind):
        return None
    name = _HUMP.sub(r"_\1", one.name.value).lower()
    return Leaf(_key(one), name, kind.serialize, is_non_null_type(field.type))


def _key(one: FieldNode) -> str:
    return one.alias.value if one.alias is not None else one.name.value
