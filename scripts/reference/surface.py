"""Operations with their scopes, events, problems, explanations: what callers see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from app.api.catalogue import CATALOGUE
from app.api.graphql import operations
from app.api.graphql.names import field_name
from app.api.openapi import build
from app.api.operations import registry
from app.usecases.reports.explain import KINDS
from app.usecases.tenants.keys import CUSTOMER_SCOPES, SCOPES
from app.views import shapes
from app.views.event_data import DATA, CarriedData
from app.views.event_types import EVENT_TYPES
from scripts.reference.table import code, codes, first_sentence, page, table, words

TWINS = operations.twins(registry.operations())
METHODS = ("get", "put", "post", "patch", "delete")
EXPLAINED = {
    "ticket": "`{ticket_id}`",
    "assessment": "`{ticket_id}:{number}`",
    "charge": "`{ticket_id}`",
    "order": "`{order_id}`",
    "refund": "`{order_id}:{refund_id}`",
    "license": "`{license_id}`",
    "lot": "`{lot_id}`",
    "cover": "`{cover_id}`",
    "choice": "`{choice_id}`",
    "operation": "`{operation_id}`",
    "hold": "`{hold_id}`",
    "clock": "`{clock_id}`",
}


def rest_operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (path, method, operation) of the contract, by path."""
    return [
        (path, method.upper(), operation)
        for path, methods in sorted(build(app)["paths"].items())
        for method, operation in methods.items()
        if method in METHODS
    ]


def twin_of(name: str) -> str:
    """Return the GraphQL field of an operation, or a dash."""
    twin = TWINS.get(name)
    if twin is None:
        return "-"
    return code(field_name(name) if twin.declared.reads else name)


def scope_of(operation: dict[str, Any], owned: set[str]) -> str:
    """Return who may call: scopes, of which one is enough, and the operator key."""
    scopes = codes(operation.get("x-scopes", ()))
    operator = "operator" if operation["operationId"] in owned else ""
    return " or ".join(one for one in (scopes, operator) if one)


def key_of(path: str, method: str, operation: dict[str, Any]) -> str:
    """Return how a call is done once."""
    header = next((one for one in operation.get("parameters", ()) if one["name"] == "Idempotency-Key"), None)
    if method == "GET":
        return ""
    if header is not None:
        return "required" if header["required"] else "optional"
    return "natural" if method in ("PUT", "DELETE", "PATCH") else ""


def api(app: FastAPI) -> str:
    """Return the page of operations."""
    found = rest_operations(app)
    without = operations.exceptions(registry.operations())
    owned = {name for name, one in TWINS.items() if one.operator}
    rows = [
        (
            code(operation["operationId"]),
            code(f"{method} {path}"),
            scope_of(operation, owned),
            key_of(path, method, operation),
            twin_of(operation["operationId"]),
            first_sentence(words(operation.get("description"))),
        )
        for path, method, operation in found
    ]
    by_scope = {
        scope: [operation["operationId"] for *_, operation in found if scope in operation.get("x-scopes", ())]
        for scope in SCOPES
    }
    return page(
        "Operations and scopes",
        "## Operations",
        "*Scope*: what the key must carry, one of them; *operator* is the operator key; empty: none is "
        "asked for. "
        "*Once*: `required` means an `Idempotency-Key`, `optional` that one is honoured; `natural` means that the same "
        "call again has no second effect. "
        "*GraphQL*: the field with the same answers. Arguments and answers stand in `openapi/openapi.json`, and at "
        "`/docs` of a running service.",
        table(("operation", "call", "scope", "once", "GraphQL", "does"), rows),
        "Without a field in GraphQL, and why:",
        table(("operation", "reason"), [(code(name), why) for name, why in without.items()]),
        "## Scopes",
        f"A customer token carries {codes(CUSTOMER_SCOPES)}, for its own customer alone.",
        table(
            ("scope", "opens"),
            [
                (code(scope), f"everything, and alone {codes(names)}" if scope == "*" else codes(names))
                for scope, names in by_scope.items()
            ],
        ),
        "## Kinds of explanations",
        "`GET /v1/explain/{kind}/{id}`, or `explain(kind:, id:)` in GraphQL.",
        table(("kind", "id"), [(code(kind), EXPLAINED[kind]) for kind in KINDS]),
    )


def events() -> str:
    """Return the page of event types."""
    types = sorted(EVENT_TYPES.values(), key=lambda one: one.type)
    carried = shapes.members(CarriedData)
    return page(
        "Events",
        "The same events come as webhooks and stand in the feed (`GET /v1/events`), in two shapes:",
        table(
            ("", "webhook", "feed"),
            [
                ("the event's id", "header `webhook-id`", "`id`"),
                ("when it happened", "`timestamp`", "`occurred_at`"),
                ("when it was recorded", "-", "`recorded_at`"),
                *((member.about, f"`data.{member.name}`", f"`{member.name}`") for member in carried),
                ("the rest", "`data`", "`data`"),
            ],
        ),
        "`openapi/asyncapi.json` describes the webhooks, `openapi/openapi.json` the feed.",
        "## Types",
        "Members with `?` are not always there. More types and members may come: ignore what you do not know.",
        table(("type", "when", "`data`"), [(code(one.type), one.meaning, codes(one.fields)) for one in types]),
        "## Members",
        "By noun. What a member holds is the shape of the same name in `openapi/openapi.json`.",
        *_members(),
    )


def _members() -> Iterator[str]:
    named: dict[Any, list[str]] = {}
    for noun, shape in DATA.items():
        named.setdefault(shape, []).append(noun)
    for shape, nouns in named.items():
        yield f"### {', '.join(code(noun) for noun in nouns)}"
        yield table(("member", "means"), [(code(member.name), member.about) for member in shapes.members(shape)])


def closed_sets(app: FastAPI) -> str:
    """Return the page of closed sets of values, as the contract names them."""
    schemas = build(app)["components"]["schemas"]
    rows = [(code(name), codes(one["enum"])) for name, one in sorted(schemas.items()) if "enum" in one]
    return page(
        "Closed sets",
        "States and kinds that the service itself knows, by their names in the contract and in GraphQL. What a policy "
        "names (categories, outcomes, causes, credit types, reasons for a pause) is not here. New values may come "
        "in any version ([versions](../versions.md)).",
        table(("name", "values"), rows),
    )


def problems() -> str:
    """Return the page of the service's own codes."""
    rows = [(code(name), entry.status, entry.title, entry.next_step) for name, entry in sorted(CATALOGUE.items())]
    return page(
        "Problems",
        "Codes of refusals, with the status and the next step. `GET /problems/{code}` shows each with "
        "its cause. A "
        "code that a policy names for a rule of its own is not listed: it has the type "
        "`/problems/policy_reason`.",
        table(("code", "status", "title", "next step"), rows),
    )
