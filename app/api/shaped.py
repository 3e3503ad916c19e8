"""JSON Schema of the published shapes (`app.views`): a named component for each shape and for each closed set."""

from __future__ import annotations

from typing import Any, Final

from app.views import shapes
from app.views.shapes import Choice, Free, Kind, Leaf, Many, Maybe, Member, OneOf, Shape, Table

JSON = dict[str, Any]


def reference(cls: Any, components: JSON) -> JSON:
    """Return a reference to a shape; put it and what it holds among the components."""
    name = shapes.name_of(cls)
    if name not in components:
        components[name] = {}  # first, for shapes that hold one another
        components[name] = _object(cls, components)
    return {"$ref": f"#/components/schemas/{name}"}


def _object(cls: Any, components: JSON) -> JSON:
    found = shapes.members(cls)
    return {
        "type": "object",
        "description": shapes.about_of(cls),
        "required": [member.name for member in found if member.required],
        "properties": {member.name: _property(member, components) for member in found},
    }


def _property(member: Member, components: JSON) -> JSON:
    schema = {**schema_of(member.kind, components), "description": member.about}
    inner = member.kind.kind if isinstance(member.kind, Maybe) else member.kind
    if isinstance(inner, Leaf) and inner.scalar.type == "string" and not inner.scalar.format:  # these say enough
        shown = EXAMPLES.get(member.name, inner.scalar.example)
        schema |= {} if shown in ("text", "T-1") else {"examples": [shown]}
    return schema


def schema_of(kind: Kind, components: JSON) -> JSON:
    """Return the schema of a kind."""
    match kind:
        case Leaf(scalar):
            return {"type": scalar.type, **({"format": scalar.format} if scalar.format else {})}
        case Choice(name, values, about):
            components[name] = {"type": "string", "description": about, "enum": list(values)}
            return {"$ref": f"#/components/schemas/{name}"}
        case Many(item):
            return {"type": "array", "items": schema_of(item, components)}
        case Table(value):
            return {"type": "object", "additionalProperties": schema_of(value, components)}
        case OneOf(options):
            return {"anyOf": [schema_of(option, components) for option in options]}
        case Shape(cls):
            return reference(cls, components)
        case Maybe(inner):
            schema = schema_of(inner, components)
            if "type" in schema:
                return {**schema, "type": [schema["type"], "null"]}
            return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]} if schema else {}
        case Free(names):
            return {"type": "object", "additionalProperties": True} if names else {}


def example_of(name: str, kind: Kind) -> Any:
    """Return an example of a member: by its name, else by its kind."""
    match kind:
        case Leaf(scalar):
            return EXAMPLES.get(name, scalar.example)
        case Choice(_, values, _):
            return values[0]
        case Maybe(inner):
            return example_of(name, inner)
        case Many(item):
            return [example_of(name, item)]
        case Table(value):
            return {"name": example_of(name, value)}
        case OneOf(options):
            return example_of(name, options[0])
        case Shape(cls):
            return {
                member.name: example_of(member.name, member.kind) for member in shapes.members(cls) if member.required
            }
        case Free():
            return {}


EXAMPLES: Final[dict[str, str]] = {
    "customer_id": "anna",
    "order_id": "1001",
    "line_id": "1",
    "lot_id": "lot_01",
    "license_id": "lic_01",
    "cover_id": "cov_01",
    "clock_id": "clk_01",
    "hold_id": "hld_01",
    "choice_id": "cho_01",
    "currency": "USD",
    "language": "en",
    "sku": "support-12-months",
    "target": "business_seconds:28800",
}
"""Examples of members by name, where the scalar's own says less."""
