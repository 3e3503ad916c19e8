"""What each operation of the table is called, takes and answers in GraphQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin, get_type_hints

from app.api.graphql.names import camel
from app.api.graphql.shaped import name_of
from app.api.operations.credits import BatchItem as CreditItem
from app.api.operations.table import Operation
from app.views.shapes import PageOf

_OUTSIDE: Final[dict[str, str]] = {
    "getLiveness": "Health of the process; asked by machines that speak no GraphQL.",
    "getReadiness": "Health of the process; asked by machines that speak no GraphQL.",
    "getMetrics": "Figures in Prometheus' own text format.",
    "getContract": "The contract of the REST door itself; GraphQL has introspection.",
}
"""What REST serves outside the table of operations, each with its reason."""

UNTYPED: Final = "Answer"
PAGE: Final = ("limit", "cursor")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a path, a query or a header: its JSON Schema and whether it must be given."""

    name: str
    schema: Mapping[str, Any]
    required: bool
    description: str | None
    place: str


@dataclass(frozen=True, slots=True)
class Twin:
    """An operation of the table as a field."""

    declared: Operation
    body_fields: Mapping[str, str]
    """Argument name -> name in the body; they differ where a path parameter has the name already."""
    meant_nulls: frozenset[str] = frozenset()
    """Arguments whose null says something: members that a change takes away by it. Any other null says nothing."""

    @property
    def name(self) -> str:
        """Return the operation's id."""
        return self.declared.id

    @property
    def method(self) -> str:
        """Return the operation's method."""
        return self.declared.method

    @property
    def path(self) -> str:
        """Return the operation's path."""
        return self.declared.path

    @property
    def asks(self) -> bool:
        """Whether it changes nothing: a field of Query."""
        return self.declared.reads or self.declared.question

    @property
    def keyed(self) -> bool:
        """Whether it takes an idempotency key."""
        return self.declared.key == "keyed"

    @property
    def paged(self) -> bool:
        """Whether it is a list in pages."""
        return self.declared.paging == "pages"

    @property
    def short(self) -> bool:
        """Whether it is a list that is short by nature."""
        return self.declared.paging == "short"

    @property
    def listed(self) -> bool:
        """Whether it is a list."""
        return self.declared.id.startswith("list")

    @property
    def renamed(self) -> dict[tuple[str, str], str]:
        """Return (place, member of REST) -> argument, where that is not the same name in camelCase."""
        found = {("body", inner): camel(name) for name, inner in self.body_fields.items() if name != inner}
        if self.paged:
            found |= {("query", name_): camel(name) for name_, name in RENAMED.items()}
        return found

    @property
    def asked(self) -> frozenset[str]:
        """Return the names of what a reading call gives, but for paging."""
        return frozenset(parameter.alias for parameter in self.declared.arguments.parameters)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes, any of which opens it."""
        return self.declared.access.scopes

    @property
    def operator(self) -> bool:
        """Whether the operator's key opens it."""
        return self.declared.access.operator != "never"


def exceptions(operations: Iterable[Operation]) -> dict[str, str]:
    """Return what has no field, each with its reason."""
    return {
        **_OUTSIDE,
        **{operation.id: operation.no_twin for operation in operations if operation.no_twin is not None},
    }


def twins(operations: Iterable[Operation]) -> dict[str, Twin]:
    """Return every operation that is a field, by its id."""
    return {operation.id: _twin(operation) for operation in operations if operation.no_twin is None}


def _twin(declared: Operation) -> Twin:
    names = [parameter.name for parameter in declared.arguments.path]
    takes = declared.arguments.body is not None or declared.raw is not None
    members = body_schema(declared).get("properties", {}) if takes else {}
    fields = {(f"new_{member}" if member in names else member): member for member in members}
    meant = [
        name
        for name, inner in fields.items()
        if declared.method == "PATCH" and any(item.get("type") == "null" for item in members[inner].get("anyOf", ()))
    ]
    return Twin(declared, fields, frozenset(meant))


RENAMED: Final = {"after": "since", "before": "until", "first": "from_first", "last": "from_last"}
"""Parameters of a paged list that Relay's own arguments leave no name for."""


CONDITIONS: Final = {
    "if_match": "The `etag` of what is changed. Refused where another is in force, and `*` where there is none",
    "if_none_match": "`*`: refused where there is one already",
}
"""REST's headers that name versions, as arguments."""


def parameters(declared: Operation) -> list[Parameter]:
    """Return the parameters that a caller gives, those of paging left out."""
    found = [
        Parameter(parameter.alias, parameter.schema, parameter.required, parameter.description, parameter.place)
        for parameter in declared.arguments.parameters
    ]
    if declared.conditional:
        for name, words in CONDITIONS.items():
            found.append(Parameter(name, {"type": "string"}, False, words, "header"))
    return found


TEXT: Final = "text"
"""The argument that stands for a body that is no JSON."""
_ITEMS: Final = {("createCreditBatch", "commands"): CreditItem}
"""Lists whose items are each checked by themselves, so that their model is not the body's."""


def body_schema(declared: Operation) -> dict[str, Any]:
    """Return the JSON Schema of the body's model. A body that is text is one member, `TEXT`."""
    if declared.raw is not None:
        media = next(iter(declared.raw["content"]))
        text = {"type": "string", "description": f"What REST takes as `{media}`."}
        return {"properties": {TEXT: text}, "required": [TEXT]}
    schema = _body_schema(declared)
    for (operation, name), item in _ITEMS.items():
        if operation == declared.id:
            member = {**schema["properties"][name], "items": item.model_json_schema()}
            schema = {**schema, "properties": {**schema["properties"], name: member}}
    return schema


def _body_schema(declared: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = declared.arguments.body._type_adapter.json_schema()
    while "properties" not in schema:
        definitions = schema.get("$defs", {})
        inner = next((item for item in schema.get("anyOf", [schema]) if "$ref" in item), None)
        if inner is None:
            return {**schema, "properties": {}}
        optional = "anyOf" in schema or "default" in schema
        schema = {**definitions[inner["$ref"].rsplit("/", 1)[1]], "$defs": definitions}
        if optional:
            schema["x-optional"] = True
    return schema


def result_of(operation: Twin) -> str:
    """Return the name of the type that an operation answers (of one item, for lists)."""
    answer = operation.declared.answer
    if answer is None:
        return UNTYPED
    if get_origin(answer) is PageOf:
        return name_of(get_args(answer)[0])
    if operation.listed:  # a list that says more than its rows
        return name_of(get_args(get_type_hints(answer)["data"])[0])
    return name_of(answer)
