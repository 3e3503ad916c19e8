"""What we send, described for machines: the `webhooks` of OpenAPI and an AsyncAPI 3 document, from one table."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

from app import __version__
from app.domain.events.types import CARRIED, EVENT_TYPES, EventType, envelope_example, envelope_schema

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
    "for each customer; answer 2xx within 20 seconds. Failures are tried again after 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, "
    "14 h, 20 h and 24 h (Retry-After is heeded); 410 disables the endpoint. Ignore types and fields you do not know."
)


TAG: Final = "Webhooks"
_SEVERAL: Final = 3


def component(type_: str) -> str:
    """The name of a type among the components: ``ticket.resolved`` is ``TicketResolved``."""
    return "".join(part.capitalize() for part in type_.replace(".", "_").split("_"))


def webhooks(components: dict[str, Any]) -> dict[str, Any]:
    """The ``webhooks`` of the OpenAPI document; what events have in common goes among its components."""
    components["WebhookBody"] = {
        "type": "object",
        "description": "The body of every webhook.",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "description": "The type of the event"},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened"},
            "data": {"type": "object", "properties": CARRIED, "description": "What happened"},
        },
    }
    for noun, names in _common().items():
        components[noun] = {**_data(names), "description": "What the events of this kind have in common."}
    return {one.type: {"post": _operation(one)} for one in sorted(EVENT_TYPES.values(), key=lambda one: one.type)}


def _noun(type_: str) -> str:
    return f"{component(type_.partition('.')[0])}Event"


@functools.cache
def _common() -> dict[str, tuple[str, ...]]:
    """Return the members that all events of a noun have, for nouns with several events."""
    groups: dict[str, list[EventType]] = {}
    for one in EVENT_TYPES.values():
        groups.setdefault(_noun(one.type), []).append(one)
    shared = {
        noun: tuple(name for name in rows[0].required if all(name in row.required for row in rows))
        for noun, rows in groups.items()
        if len(rows) >= _SEVERAL
    }
    return {noun: names for noun, names in shared.items() if len(names) > 1}


def _data(names: Sequence[str]) -> dict[str, Any]:
    found = EventType("", "", tuple(names)).schema()
    del found["additionalProperties"]
    return found


def _body(one: EventType) -> dict[str, Any]:
    """Return the schema of a webhook's body, by what it adds to those of its kind."""
    common = _common().get(_noun(one.type), ())
    own = _data([name for name in one.fields if name not in common])
    base = [{"$ref": f"#/components/schemas/{_noun(one.type)}"}] if common else []
    data = {"allOf": [*base, own]} if base and own["properties"] else base[0] if base else own
    typed = {"properties": {"type": {"const": one.type}, "data": data}}
    return {"allOf": [{"$ref": "#/components/schemas/WebhookBody"}, typed]}


def _operation(one: EventType) -> dict[str, Any]:
    return {
        "operationId": f"on{component(one.type)}",
        "tags": [TAG],
        "summary": one.meaning,
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": words,
                "schema": {"type": "string"},
                "example": example,
            }
            for name, (words, example) in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _body(one)}}},
        "responses": {
            "2XX": {"description": "Taken"},
            "410": {"description": "No longer wanted: disables the endpoint"},
            "default": {"description": "Tried again on the schedule"},
        },
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: one channel, one message a type."""
    types = sorted(EVENT_TYPES.values(), key=lambda one: one.type)
    names = [component(one.type) for one in types]
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
        "components": {"messages": {component(one.type): _message(one) for one in types}},
    }


def _message(one: EventType) -> dict[str, Any]:
    headers = {name: {"type": "string", "description": words} for name, (words, _) in HEADERS.items()}
    return {
        "name": one.type,
        "title": one.type,
        "summary": one.meaning,
        "contentType": "application/json",
        "headers": {"type": "object", "required": list(HEADERS), "properties": headers},
        "payload": envelope_schema(one),
        "examples": [
            {
                "name": one.type,
                "headers": {name: example for name, (_, example) in HEADERS.items()},
                "payload": envelope_example(one),
            }
        ],
    }
