"""The published contract: FastAPI's own schema, with what our doors do that it cannot see.

Added here:

- who may call (scopes), ``validate_only`` and ``Idempotency-Key``
- the problem answers, servers and tags, links (`app.api.links`)
- the shapes of answers (`app.views`)
- an example of each body (``operations/examples.json``; a test sends each of them)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.api import links
from app.api.asyncapi import HOW, TAG, path_items, webhooks
from app.api.operations.table import Operation
from app.api.problems import MEDIA_TYPE, problems
from app.api.sentences import sentence_of
from app.api.shaped import reference
from app.views.decision import Decision
from app.views.errors import Problem
from app.views.health import Liveness, Readiness

EXAMPLES: Final = Path(__file__).resolve().parent / "operations" / "examples.json"
"""Operation -> an example of its body."""
TAGS: Final = (
    ("Operator and sandbox", "Tenants, keys and a sandbox's own time."),
    ("Storefront", "Offers, orders, choices, licenses and lots."),
    ("Helpdesk", "Customers, tickets, covers and explanations."),
    ("Lists", "Orders, refunds, holds, licenses and covers of all customers."),
    ("Reports", "Figures of a whole tenant, and its rows for a warehouse."),
    ("Credits", "Holds, captures, debits and batches for any other use."),
    ("Calendars and clocks", "Service hours and promised times."),
    ("Policies, partners, operations", "Policies, sources, webhooks, events, audit."),
    ("Service", "Health, problems and this contract."),
    (TAG, HOW),
)
DESCRIPTION: Final = (
    "The ledger and the rules of paid support: credits, cover, quotes and promised times, with a reason for every "
    "answer.\n\nCredits are integers. Money is a decimal string with a currency. Instants are RFC 3339 with an offset, "
    "and answered in UTC. Unknown fields are refused in requests. Ignore unknown fields and values in answers: more "
    "will come."
)


def build(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application."""
    document: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": words} for name, words in TAGS],
        servers=[{"url": "/", "description": "This server"}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_version="3.1.0",
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    reference(Problem, schemas)
    reference(Decision, schemas)
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rtn_live_<random>_<checksum>",
            "description": "A tenant's key with scopes, a customer token, or the operator's key.",
        }
    }
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                operation = document["paths"][route.path_format][method.lower()]
                _finish(operation, route, method, schemas, examples)
    links.add(document)
    document["webhooks"] = webhooks()
    components["pathItems"] = path_items(schemas)
    document["components"]["schemas"] = {name: _tidied(schema) for name, schema in sorted(schemas.items())}
    document["paths"] = _tidied(document["paths"])
    _describe(document["components"]["schemas"])
    _name_sets(document)
    return document


def _describe(schemas: dict[str, Any]) -> None:
    """Give members of bodies that say nothing of their own the sentence of their name, as GraphQL's inputs have it."""
    for schema in schemas.values():
        for name, member in schema.get("properties", {}).items():
            if "description" not in member and (about := sentence_of(name)) is not None:
                member["description"] = about


def _name_sets(document: dict[str, Any]) -> None:
    """Refer to a closed set by its name where bodies and queries spell it out: one set is one type of a client."""
    schemas = document["components"]["schemas"]
    sets = {frozenset(schema["enum"]): name for name, schema in reversed(schemas.items()) if "enum" in schema}

    def named(part: Any) -> Any:
        if isinstance(part, list):
            return [named(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        found = {name: inner if name in _DATA else named(inner) for name, inner in part.items()}
        name = sets.get(frozenset(found["enum"])) if found.get("type") == "string" and "enum" in found else None
        if name is None:
            return found
        beside = {key: inner for key, inner in found.items() if key not in ("type", "enum")}
        return {"$ref": f"#/components/schemas/{name}", **beside}

    for name, schema in schemas.items():
        schemas[name] = schema if "enum" in schema else named(schema)
    document["paths"] = named(document["paths"])


_DATA: Final = frozenset({"example", "examples", "default", "const", "enum"})


def _tidied(part: Any) -> Any:
    """Return a part of the document in fewer words that say the same.

    The titles that Pydantic makes of names go: ``order_id`` says as much as ``Order Id``. A value that may be null is
    one type with two names, a bound is a whole number, and a format is example enough.
    """
    if isinstance(part, list):
        return [_tidied(inner) for inner in part]
    if not isinstance(part, dict):
        return int(part) if isinstance(part, float) and part.is_integer() else part
    found = {name: inner if name in _DATA else _tidied(inner) for name, inner in part.items()}
    if isinstance(found.get("title"), str):
        del found["title"]
    if found.get("format") in ("date", "date-time"):
        found.pop("examples", None)
    match found.get("anyOf"):
        case [{"type": str(kind)} as inner, {"type": "null"}] if not {"enum", "const"} & inner.keys():
            del found["anyOf"]
            found = {**inner, "type": [kind, "null"], **found}
    return found


def declared_of(route: APIRoute) -> Operation | None:
    """The operation of the table that a route was made of; None of health and the like."""
    found: Operation | None = getattr(route, "operation", None)
    return found


_OUTSIDE: Final = {"getLiveness": Liveness, "getReadiness": Readiness}
"""What is answered by operations that do not stand in the table."""


def answer_of(route: APIRoute) -> Any:
    """Return the published shape of a route's answer, or None where it answers text."""
    declared = declared_of(route)
    return _OUTSIDE.get(route.operation_id or "") if declared is None else declared.answer


def _finish(
    operation: dict[str, Any], route: APIRoute, method: str, schemas: dict[str, Any], examples: dict[str, Any]
) -> None:
    declared = declared_of(route)
    secured = declared is not None and not declared.access.open
    if declared is not None and secured:
        operation["security"] = [{"bearer": []}]
        operation["x-scopes"] = list(declared.access.scopes)
        if declared.access.operator != "never":
            operation["x-operator"] = True
    else:
        operation["security"] = []
    parameters = operation.setdefault("parameters", [])
    if method != "GET" and secured:
        parameters.append(
            {
                "name": "validate_only",
                "in": "query",
                "required": False,
                "schema": {"type": "boolean", "default": False},
                "description": "The full answer, nothing written.",
            }
        )
    if declared is not None and declared.key in ("keyed", "offered"):
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": declared.key == "keyed",
                "schema": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 255,
                    "pattern": "^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$",
                },
                "description": "Yours, one for each intent, kept for retries.",
                "example": "0195f3c2-order-1001-hold",
            }
        )
    if declared is not None and declared.conditional:
        parameters.append(dict(_IF_MATCH))
    for parameter in parameters:
        _without_null(parameter)
        if "description" in parameter:  # the framework says it twice
            parameter["schema"].pop("description", None)
        if "example" not in parameter and parameter["name"] not in _CURSORS:
            parameter["example"] = _parameter_example(parameter)
    if not parameters:
        operation.pop("parameters")
    _request_example(operation, schemas, examples.get(route.operation_id or ""))
    _answers(operation, route, schemas)


_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of what you read; 412 if it has changed since. `If-None-Match: *` is 412 if it exists.",
    "example": "*",
}
_PARAMETERS: Final = {
    "tenant_id": "acme",
    "customer_id": "c-1",
    "order_id": "1001",
    "ticket_id": "T-1",
    "limit": 20,
    "as_of": "2025-07-01T00:00:00Z",
    "known_at": "2025-07-01T00:00:00Z",
    "code": "unauthorized",
    "currency": "USD",
    "name": "service-hours",
    "number": 1,
    "kind": "ticket",
    "validate_only": False,
    "action": "open_ticket",
}


_CURSORS: Final = frozenset({"cursor", "after"})
"""Values that only the service gives out: whoever copies an example of one is refused."""


def _without_null(parameter: dict[str, Any]) -> None:
    """A query has no word for null: what is not said is left out."""
    schema = parameter["schema"]
    match schema.get("anyOf"):
        case [dict() as inner, {"type": "null"}]:
            parameter["schema"] = {**inner, **{name: value for name, value in schema.items() if name != "anyOf"}}


def _parameter_example(parameter: dict[str, Any]) -> Any:
    schema = parameter.get("schema", {})
    if parameter["name"] == "name" and "examples" in schema:  # many things have names: each its own
        return schema["examples"][0]
    return _PARAMETERS.get(parameter["name"], example_of(schema, {}))


def _request_example(operation: dict[str, Any], schemas: dict[str, Any], example: Any) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    operation["requestBody"]["required"] = _says_something(content["schema"], schemas)
    if "example" not in content and "examples" not in content:
        content["example"] = example_of(content["schema"], schemas) if example is None else example


_FRAMEWORKS: Final = "Successful Response"
"""What the framework says of every answer."""


def _says_something(schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether something has to be said; an absent body is an empty object (`app.api.strict.take_body`)."""
    every = [schemas.get(item.get("$ref", "").rpartition("/")[2], item) for item in schema.get("anyOf", [schema])]
    return all(item.get("required") for item in every)


def _answers(operation: dict[str, Any], route: APIRoute, schemas: dict[str, Any]) -> None:
    declared = declared_of(route)
    responses: dict[str, Any] = operation["responses"]
    if "422" in responses and MEDIA_TYPE not in responses["422"].get("content", {}):
        responses.pop("422")
    if operation["security"]:
        for status, answer in problems(body=declared is not None and not declared.reads).items():
            responses.setdefault(str(status), answer)
    success = [code for code in responses if code.startswith("2")]
    shape = answer_of(route)
    if declared is not None and declared.key == "natural" and "201" in success and "200" not in responses:
        responses["200"] = {**responses["201"], "description": "The same body again: as it is today"}
        success.append("200")
        responses["201"]["description"] = "Made"
    for code in success:
        if responses[code].get("description") == _FRAMEWORKS:
            responses[code] = {**responses[code], "description": "Done"}
        content = responses[code].get("content", {}).get("application/json")
        if content is None:
            continue
        content = responses[code]["content"]["application/json"] = dict(content)
        if shape is not None:
            content["schema"] = reference(shape, schemas)
    operation["responses"] = dict(sorted(responses.items()))


def example_of(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:
    """A value that a schema allows, for documentation."""
    if "$ref" in schema:
        return example_of(schemas.get(schema["$ref"].rpartition("/")[2], {}), schemas, depth)
    for name in ("example", "const", "default"):
        if name in schema and schema[name] is not None:
            return schema[name]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("enum"):
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return example_of(schema[name][0], schemas, depth)
    kind = schema.get("type")
    if kind == "object":
        required = schema.get("required", [])
        return (
            {
                name: example_of(inner, schemas, depth + 1)
                for name, inner in schema.get("properties", {}).items()
                if name in required
            }
            if depth < 6
            else {}
        )
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, depth + 1)] if schema.get("minItems") else []
    if kind == "integer":
        return max(1, int(schema.get("minimum", 1)))
    return {"boolean": True, "null": None, "number": 1}.get(str(kind), "text")
