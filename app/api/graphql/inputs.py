"""Input types, made from the very models that the REST door checks its requests with.

A type here says only what kind of value a field takes. The model itself checks lengths, ranges and forms when the field
does its work. So both doors refuse the same things with the same codes.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any, Final

import strawberry
from strawberry import UNSET

from app.api.graphql.names import camel
from app.api.graphql.scalars import JSON, Amount, Credits, Date, DateTime, Long
from app.api.sentences import sentence_of

_INT32: Final = 2**31 - 1


class Inputs:
    """Makes input types from JSON Schema, each once."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[Any, str]] = {}

    def annotation(self, owner: str, name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
        """The Python annotation of a field of that schema, without regard to null."""
        chosen = [item for item in schema.get("anyOf", ()) if item.get("type") != "null"]
        if chosen:
            kinds = [self.annotation(owner, name, item, definitions) for item in chosen if "$ref" not in item]
            if len(chosen) == 1:
                return self.annotation(owner, name, chosen[0], definitions)
            return Amount if Amount in kinds else JSON
        if "$ref" in schema:
            title = schema["$ref"].rsplit("/", 1)[1]
            return self._named(owner, title, definitions[title], definitions)
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.annotation(owner, name, schema["allOf"][0], definitions)
        match schema.get("type"):
            case "string":
                return _text(name, schema)
            case "integer":
                return _integer(name, schema)
            case "boolean":
                return bool
            case "array" if isinstance(schema.get("items"), Mapping) and schema["items"]:
                return list[self.annotation(owner, name, schema["items"], definitions)]  # type: ignore[misc]
            case "object" if "properties" in schema:
                return self._named(owner, schema["title"], schema, definitions)
            case "object" if schema.get("propertyNames", {}).get("enum"):
                return self._named(owner, _title(name), _of_names(name, schema), definitions)
        return str if "const" in schema or "enum" in schema else JSON

    def _named(self, owner: str, title: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
        if "properties" not in schema:
            return self.annotation(owner, title, schema, definitions)
        name = title.removesuffix("Body") + "Input"
        shape = repr(schema)
        if name in self.made and self.made[name][1] != shape:
            name = owner + name
        return self.object(name, schema, definitions)

    def object(
        self,
        name: str,
        schema: Mapping[str, Any],
        definitions: Mapping[str, Any],
        extra: Mapping[str, tuple[Any, bool, str | None]] | None = None,
    ) -> Any:
        """An input type. ``extra``: further fields, name -> (annotation, required, description)."""
        shape = repr(schema)
        if name in self.made:
            return self.made[name][0]
        fields: dict[str, tuple[Any, bool, str | None]] = dict(extra or {})
        required = set(schema.get("required", ()))
        for inner, about in schema.get("properties", {}).items():
            kind = self.annotation(name.removesuffix("Input"), inner, about, definitions)
            fields[inner] = (kind, inner in required, about.get("description"))
        made = _make(name, fields, schema.get("description"))
        self.made[name] = (made, shape)
        return made


def _title(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _of_names(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map whose names the code closes as an object of these members."""
    names = schema["propertyNames"]["enum"]
    about = f"{name.replace('_', ' ').capitalize()}, by name."
    return {"description": about, "properties": dict.fromkeys(names, schema["additionalProperties"])}


def _make(name: str, fields: Mapping[str, tuple[Any, bool, str | None]], description: str | None) -> Any:
    space: dict[str, Any] = {"__annotations__": {}, "__doc__": description}
    for inner, (kind, required, about) in fields.items():
        python_name = safe(inner)
        space["__annotations__"][python_name] = kind if required else kind | None
        space[python_name] = strawberry.field(
            name=camel(inner), description=about or sentence_of(inner), **({} if required else {"default": UNSET})
        )
    words = description or f"What `{name[:1].lower()}{name[1:].removesuffix('Input')}` takes."
    return strawberry.input(type(name, (), space), name=name, description=words)


def safe(name: str) -> str:
    """A name that Python takes for an attribute."""
    plain = "".join(item if item.isalnum() else "_" for item in name)
    return plain + "_" if keyword.iskeyword(plain) else plain


def _text(name: str, schema: Mapping[str, Any]) -> Any:
    form = schema.get("format")
    if form == "date-time":
        return DateTime
    if form == "date":
        return Date
    if schema.get("pattern", "").endswith(r"\d{1,12}(\.\d{1,4})?$"):
        return Amount
    return strawberry.ID if name in ("id", "idempotency_key") or name.endswith("_id") else str


def _integer(name: str, schema: Mapping[str, Any]) -> Any:
    if "credits" in name:
        return Credits
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    return int if isinstance(most, int) and most <= _INT32 else Long


def plain(value: Any, *, meant: frozenset[str] = frozenset()) -> Any:
    """What an input says, as plain values by the names that REST has; what was not given is left out.

    Null says as little as nothing. ``meant``: members of the outermost input whose null has a meaning of its own.
    """
    definition = getattr(value, "__strawberry_definition__", None)
    if definition is not None:
        found = {}
        for field in definition.fields:
            inner = getattr(value, field.python_name)
            name = _snake(field.python_name, field.graphql_name)
            if inner is not UNSET and (inner is not None or name in meant):
                found[name] = plain(inner)
        return found
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _snake(python_name: str, graphql_name: str | None) -> str:
    return python_name[:-1] if python_name.endswith("_") and keyword.iskeyword(python_name[:-1]) else python_name
