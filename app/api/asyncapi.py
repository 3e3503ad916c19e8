"""What we send, described for machines: the `webhooks` of OpenAPI and an AsyncAPI 3 document, from one table."""

from __future__ import annotations

from typing import Any, Final

from app import __version__
from app.api.shaped import example_of, reference
from app.views.event_data import CarriedData, data_of, members_of
from app.views.event_types import EVENT_TYPES, EventType
from app.views.shapes import name_of

HEADERS: Final[dict[str, tuple[str, Any]]] = {
    "webhook-id": ("The event's id: the same for every attempt and replay", "evt_01m80j9q01"),
    "webhook-timestamp": ("When this attempt was made, in seconds since 1970", "1736182800"),
    "webhook-signature": (
        "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; several during a rotation",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}
HOW: Final = (
    "Standard Webhooks: verify with any of its libraries and the endpoint's secret. Delivered at least once, in order "
    "for each customer. Answer 2xx within 20 seconds. Failures are tried again after 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, "
    "14 h, 20 h and 24 h. Retry-After is heeded. 410 disables the endpoint. Ignore types and fields you do not know."
    "\n\nEach has these headers:\n\n" + "\n".join(f"* `{name}`: {words}" for name, (words, _) in HEADERS.items())
)


TAG: Final = "Webhooks"


def component(type_: str) -> str:
    """The name of a type among the components: ``ticket.resolved`` is ``TicketResolved``."""
    return "".join(part.capitalize() for part in type_.replace(".", "_").split("_"))


def webhooks() -> dict[str, Any]:
    """The ``webhooks`` of the OpenAPI document: a row a type, which leads to what the types of a shape are sent as."""
    return {
        event_type.type: {"summary": event_type.meaning, "$ref": f"#/components/pathItems/{_shape_of(event_type)}"}
        for event_type in _types()
    }


def path_items(components: dict[str, Any]) -> dict[str, Any]:
    """What is sent, by the shape of its data; the shapes go among the components."""
    _carrier(components)
    groups: dict[str, list[EventType]] = {}
    for event_type in _types():
        groups.setdefault(_shape_of(event_type), []).append(event_type)
    return {name: {"post": _operation(name, types, components)} for name, types in sorted(groups.items())}


def _types() -> list[EventType]:
    return sorted(EVENT_TYPES.values(), key=lambda item: item.type)


def _shape_of(event_type: EventType) -> str:
    return name_of(data_of(event_type))


def _carrier(components: dict[str, Any]) -> None:
    components["WebhookBody"] = {
        "type": "object",
        "description": "The body of every webhook.",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "description": "The type of the event."},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": {**reference(CarriedData, components), "description": "What happened."},
        },
    }


def _data(event_type: EventType, components: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an event's data: the shape of its noun, and which members an event of its type has."""
    found: dict[str, Any] = {
        "allOf": [reference(data_of(event_type), components), {"required": list(event_type.required)}]
    }
    may = [f"`{member.name}`" for member in members_of(event_type) if not member.required]
    return {**found, "description": f"Not always there: {', '.join(may)}."} if may else found


def _body(event_type: EventType, components: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a webhook's body, by what it adds to that of every body."""
    typed = {"properties": {"type": {"const": event_type.type}, "data": _data(event_type, components)}}
    return {"allOf": [{"$ref": "#/components/schemas/WebhookBody"}, typed]}


def _one_of(types: list[EventType], components: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the bodies of several types, whose data has one shape."""
    if len(types) == 1:
        return _body(types[0], components)
    shape = {
        "properties": {
            "type": {"enum": [event_type.type for event_type in types]},
            "data": reference(data_of(types[0]), components),
        }
    }
    return {"allOf": [{"$ref": "#/components/schemas/WebhookBody"}, shape]}


def _always(types: list[EventType]) -> str:
    """Say which members of a shape the data of each type always has."""
    return "Always there:\n\n" + "\n".join(
        f"* `{event_type.type}`: {', '.join(event_type.required)}" for event_type in types if event_type.required
    )


def _operation(name: str, types: list[EventType], components: dict[str, Any]) -> dict[str, Any]:
    schema = _one_of(types, components)
    return {
        "operationId": f"on{name}",
        "tags": [TAG],
        "summary": types[0].meaning if len(types) == 1 else f"One of {len(types)} types, whose data has one shape.",
        **({"description": _always(types)} if len(types) > 1 else {}),
        "security": [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"2XX": {"description": "Taken; 410 disables the endpoint, and anything else is tried again"}},
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: one channel, one message a type."""
    types = _types()
    names = [component(type_.type) for type_ in types]
    schemas: dict[str, Any] = {}
    path_items(schemas)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Retainer: events",
            "version": __version__,
            "description": HOW,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "webhooks": {
                "address": None,
                "description": "The URL of a webhook endpoint (POST /v1/webhook-endpoints).",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
                "bindings": {"http": {}},
            }
        },
        "operations": {
            "deliver": {
                "action": "send",
                "summary": "Retainer tells an endpoint of one event.",
                "channel": {"$ref": "#/channels/webhooks"},
                "messages": [{"$ref": f"#/channels/webhooks/messages/{name}"} for name in names],
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
            }
        },
        "components": {
            "messages": {component(type_.type): _message(type_, schemas) for type_ in types},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _message(event_type: EventType, schemas: dict[str, Any]) -> dict[str, Any]:
    headers = {name: {"type": "string", "description": words} for name, (words, _) in HEADERS.items()}
    return {
        "name": event_type.type,
        "title": event_type.type,
        "summary": event_type.meaning,
        "contentType": "application/json",
        "headers": {"type": "object", "required": list(HEADERS), "properties": headers},
        "payload": _body(event_type, schemas),
        "examples": [
            {
                "name": event_type.type,
                "headers": {name: example for name, (_, example) in HEADERS.items()},
                "payload": body_example(event_type),
            }
        ],
    }


def body_example(event_type: EventType) -> dict[str, Any]:
    """Return an example of a webhook's body."""
    data = {member.name: example_of(member.name, member.kind) for member in members_of(event_type)}
    carried = {"customer_id": "customer-1", "sequence": 7, "position": 42}
    return {"type": event_type.type, "timestamp": "2025-01-06T17:00:00Z", "data": {**data, **carried}}
