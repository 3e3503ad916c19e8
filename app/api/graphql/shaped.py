"""GraphQL's output types, made from the published shapes (`app.views`)."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Final, Optional

import strawberry
from strawberry import ID

from app.api.graphql.inputs import safe
from app.api.graphql.scalars import JSON, Amount, Credits, Date, DateTime, Long
from app.api.graphql.shapes import shape
from app.views import shapes
from app.views.calendar import CalendarRow
from app.views.customer import CustomerExport, CustomerRow
from app.views.errors import Problem
from app.views.event import Event
from app.views.event_data import ALWAYS, EVENT_DATA
from app.views.export import ROWS
from app.views.hold import Adjustment
from app.views.policy import PolicyRow, PublishedPolicy
from app.views.shapes import Choice, Free, Kind, Leaf, Many, Maybe, Member, OneOf, Shape, Table

_SCALARS: Final[dict[str, Any]] = {
    "ID": ID,
    "String": str,
    "Int": int,
    "Boolean": bool,
    "DateTime": DateTime,
    "Date": Date,
    "Amount": Amount,
    "Credits": Credits,
    "Long": Long,
}
_NAMES: Final[dict[Any, str]] = {
    Problem: "Refusal",
    CustomerRow: "Customer",
    Adjustment: "Hold",
    PolicyRow: "Policy",
    PublishedPolicy: "Policy",
    CalendarRow: "Calendar",
}
"""Shapes that GraphQL gives another name: a refusal is an answer there, and rows are loaded to the whole."""
_COMMON: Final[dict[tuple[str, str], Any]] = {("Money", "amount"): str}
"""Members whose type is the one that other subgraphs give them too, since they share the type that has them."""
ABOUT: Final = "__about__"
"""The attribute of a made class that holds the sentences of its members."""
TABLES: Final = "__tables__"
"""The attribute of a made class that names its members that are maps, given as lists of names and values."""
LISTS: Final = "__lists__"
"""The attribute of a made class that names its members that are lists of things."""
_UNSEEN: Final = frozenset({("Customer", "created_at"), ("Customer", "at")})
_NOT_ASKED: Final = frozenset(
    {
        ("Choice", "covers"),
        ("Choice", "lots"),
        ("Closure", "sources"),
        ("Decision", "trace"),
        ("Entitlement", "trace"),
        ("CalendarVersion", "reopened_days"),
        ("License", "covers"),
        ("Order", "payment_disputes"),
        ("Order", "refunds"),
    }
)
"""Lists that only some answers look up. They are null in the others: an empty one would say that there is nothing."""
_ELSE: Final[Mapping[str, Mapping[str, bool | int | str]]] = {
    "BatchItem": {"replayed": False},
    "CalendarPreview": {"reopened_count": 0},
    "CategoryPrice": {"free_minutes": 0},
    "ChargedTicket": {"disputed": False},
    "ClockEvent": {"changed": False},
    "CoverEvent": {"reading": False},
    "CreditsEvent": {"reading": False},
    "Explanation": {"reading": False, "more_consumed": 0, "more_skipped": 0},
    "ExplanationStep": {"reading": False},
    "Hold": {"held": 0, "captured": 0, "released": 0, "refunded": 0},
    "Modification": {"reading": False},
    "NotTakenBack": {"spent": 0, "held": 0, "expired": 0},
    "OfferGrant": {"free": False},
    "OptionGrant": {"free": False},
    "OrderEvent": {"reading": False, "within_guarantee": False},
    "OrderRefund": {"reading": False, "within_guarantee": False, "pending": False, "owed": 0},
    "RefundLine": {"by_lots": 0},
    "RehearsedGrant": {"granted": 0},
    "RehearsedThing": {"licenses": 0},
    "Remedy": {"quantity": 1},
    "SourceOptions": {
        "ids": "prefixed",
        "unmapped": "park",
        "guests": "by_id",
        "test_orders": False,
        "sandbox": False,
        "subscriptions": False,
    },
    "TakenBack": {"credits": 0},
    "TenantTime": {"fired": 0, "reached": True},
    "WebhookEndpoint": {"deleted": False},
}
"""What REST leaves out where there is nothing to say, and what GraphQL says then."""
ABSENT: Final[dict[tuple[str, str], Any]] = {}
"""Type and member -> what stands for a member that a view leaves out; filled as types are made."""
_types: dict[Any, Any] = {}
_enums: dict[str, Any] = {}


def name_of(cls: Any) -> str:
    """Return the name of a shape's type."""
    return _NAMES.get(cls) or shapes.name_of(cls)


def made(cls: Any, *bases: type, also: Any = None) -> Any:
    """Return the class of a shape, made once; it becomes a type when the schema is made.

    ``also``: another shape that answers as the same type. What one of them lacks may be null.
    """
    if name_of(cls) not in _types:
        members = _joined(cls, also, whole=bool(bases))
        tables = {safe(member.name) for member in members if _is_table(member.kind)}
        for member in members:
            instead = _ELSE.get(name_of(cls), {}).get(member.name, () if _is_listed(member.kind) else None)
            if instead is not None and not member.required and _always(cls, member):
                ABSENT[name_of(cls), safe(member.name)] = instead
        annotations = {
            safe(member.name): _annotation(member.kind if _always(cls, member) else Maybe(member.kind))
            for member in members
        }
        annotations |= {name: kind for (owner, name), kind in _COMMON.items() if owner == name_of(cls)}
        if cls is Event:
            annotations["data"] = made(EVENT_DATA)
        if cls is CustomerExport:
            annotations |= {name: list.__class_getitem__(made(row)) for name, row in ROWS.items()}
        fields = {
            "__annotations__": annotations,
            "__doc__": shapes.about_of(cls),
            TABLES: tables,
            LISTS: {safe(member.name) for member in members if _is_list(member.kind)}
            | (set(ROWS) if cls is CustomerExport else set()),
            ABOUT: {safe(member.name): member.about for member in members},
        }
        _types[name_of(cls)] = shape(type(name_of(cls), bases, fields))
    return _types[name_of(cls)]


def _always(cls: Any, member: Member) -> bool:
    """Whether a member is there in every answer: a list is empty here where REST leaves it out."""
    name = name_of(cls)
    if (name, member.name) in _UNSEEN | _NOT_ASKED:
        return False
    if member.required or _is_listed(member.kind):
        return True
    return member.name in _ELSE.get(name, ()) or member.name in ALWAYS.get(name, ())


def _joined(cls: Any, also: Any, *, whole: bool) -> list[Member]:
    mine = shapes.members(cls)
    if also is None:
        return list(mine)
    theirs = {member.name: member for member in shapes.members(also)}
    names = {member.name for member in mine}
    # What has a node is loaded to the whole: the whole stays as required as it is.
    shared = names if whole else names & theirs.keys()
    found = [member if member.name in shared else dataclasses.replace(member, required=False) for member in mine]
    found = [
        dataclasses.replace(member, kind=Maybe(member.kind))
        if not whole and isinstance(theirs.get(member.name, member).kind, Maybe)
        else member
        for member in found
    ]
    rest = (member for member in theirs.values() if member.name not in names)
    return [*found, *(dataclasses.replace(member, required=False) for member in rest)]


def _is_listed(kind: Kind) -> bool:
    """Whether GraphQL gives a list: a list, or a map as its entries."""
    return isinstance(kind, Many) or (isinstance(kind, Table) and not kind.inline)


def _is_table(kind: Kind) -> bool:
    return isinstance(kind.kind if isinstance(kind, Maybe) else kind, Table) and not getattr(kind, "inline", False)


def _is_list(kind: Kind) -> bool:
    """Whether GraphQL gives a list of things, whose length a cost is counted by."""
    match kind:
        case Maybe(inner):
            return _is_list(inner)
        case Many(item):
            return isinstance(item.kind if isinstance(item, Maybe) else item, Shape | OneOf | Table)
        case _:
            return _is_table(kind)


def entries(table: Any) -> Any:
    """Return a map as a list of names and values."""
    return None if table is None else [{"name": name, "value": value} for name, value in table.items()]


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
        case Table(_, True) | Free():
            return JSON
        case Table(value):
            return list.__class_getitem__(_entry(value))
        case OneOf(options):
            return _annotation(options[0])


def _entry(value: Kind) -> Any:
    """Return the class of a map's entries."""
    inner = value.kind if isinstance(value, Maybe) else value
    name = name_of(inner.cls) if isinstance(inner, Shape) else getattr(getattr(inner, "scalar", None), "graphql", "")
    if f"{name}Entry" not in _types:
        fields = {
            "__annotations__": {"name": str, "value": _annotation(value)},
            "__doc__": "An entry of a map.",
            TABLES: set(),
            LISTS: {"value"} if _is_list(value) else set(),
            ABOUT: {"name": "The name of the entry.", "value": "What stands under it."},
        }
        _types[f"{name}Entry"] = shape(type(f"{name}Entry", (), fields))
    return _types[f"{name}Entry"]
