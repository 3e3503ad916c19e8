"""GraphQL's output types, made from the published shapes (`app.views`)."""

from __future__ import annotations

import enum
from typing import Any, Final, Optional

import strawberry
from strawberry import ID

from app.api.graphql.inputs import safe
from app.api.graphql.scalars import JSON, Amount, Credits, Date, DateTime, Long
from app.api.graphql.shapes import shape
from app.views import shapes
from app.views.shapes import Choice, Free, Kind, Leaf, Many, Maybe, Shape, Table

_SCALARS: Final[dict[str, Any]] = {
    "ID": ID, "String": str, "Int": int, "Boolean": bool, "DateTime": DateTime, "Date": Date, "Amount": Amount,
    "Credits": Credits, "Long": Long,
}  # fmt: skip
ABOUT: Final = "__about__"
"""The attribute of a made class that holds the sentences of its members."""
_types: dict[Any, Any] = {}
_enums: dict[str, Any] = {}


def made(cls: Any, *bases: type) -> Any:
    """Return the class of a shape, made once; it becomes a type when the schema is made."""
    if cls not in _types:
        members = shapes.members(cls)
        annotations = {
            safe(member.name): _annotation(member.kind if member.required else Maybe(member.kind))
            for member in members
        }
        about = {safe(member.name): member.about for member in members}
        fields = {"__annotations__": annotations, "__doc__": shapes.about_of(cls), ABOUT: about}
        _types[cls] = shape(type(shapes.name_of(cls), bases, fields))
    return _types[cls]


def _annotation(kind: Kind) -> Any:
    match kind:
        case Leaf(scalar):
            return _SCALARS[scalar.graphql]
        case Choice(name, values, about):
            if name not in _enums:
                found: Any = enum.EnumMeta.__call__(enum.Enum, name, {value: value for value in values})
                _enums[name] = strawberry.enum(found, description=about)
            return _enums[name]
        case Many(item):
            return list.__class_getitem__(_annotation(item))
        case Shape(cls):
            return made(cls)
        case Maybe(Maybe() as inner):
            return _annotation(inner)
        case Maybe(inner):
            return Optional.__getitem__(_annotation(inner))
        case Table() | Free():
            return JSON
