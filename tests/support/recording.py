"""Records what the application answers in tests, for the shapes and examples of the contract.

``RETAINER_RECORD=1 make test`` adds to ``openapi/answers.json``: for each operation the shape of all its answers that
succeeded, those of earlier runs included (remove the file to begin anew), and one example. So the contract shows
literal answers of the real service under the real policies.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute

ANSWERS = Path(__file__).resolve().parents[2] / "openapi" / "answers.json"
WANTED = bool(os.environ.get("RETAINER_RECORD"))
SAMPLES_MAX = 400
MAPS = {
    "facts",
    "inputs",
    "attributes",
    "by_type",
    "products",
    "categories",
    "labels",
    "messages",
    "result",
    "response",
    "data_by",
    "data",
    "document",
    "payload",
    "profile",
}
"""Members whose names are data."""
LEAST_OF_A_VIEW = 3
"""Members that an object has at least if others with the same are of one kind with it."""
RAW = {"exportCustomer"}
"""Operations whose lists hold rows as they are stored: their shape is no promise."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")
_SHARED = (
    ("Money", {"amount", "currency"}, set()),
    ("Decision", {"allowed", "at", "policy", "reasons", "remedies"}, {"trace"}),
    ("Reason", {"code", "clause", "message", "facts", "reading"}, {"would_change"}),
)
_samples: dict[str, list[tuple[Any, Any]]] = {}


def hooks(app: FastAPI) -> dict[str, list[Any]]:
    """Event hooks for a client of the application; none unless recording."""
    if not WANTED:
        return {}

    async def note(response: httpx.Response) -> None:
        if not response.is_success:
            return
        route = _route(app, response.request.method, response.request.url.path)
        if route is None or not response.headers.get("content-type", "").startswith("application/json"):
            return
        await response.aread()
        sent = response.request.content
        samples = _samples.setdefault(str(route.operation_id), [])
        if len(samples) < SAMPLES_MAX:
            json_sent = response.request.headers.get("content-type", "").startswith("application/json")
            samples.append((json.loads(sent) if sent and json_sent else None, response.json()))

    return {"response": [note]}


def _route(app: FastAPI, method: str, path: str) -> APIRoute | None:
    for route in app.routes:
        if (
            isinstance(route, APIRoute)
            and route.include_in_schema
            and method in route.methods
            and route.path_regex.match(path)
        ):
            return route
    return None


def write() -> None:
    """Merges what was recorded into the file."""
    if not WANTED or not _samples:
        return
    known = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    operations = known.get("operations", {})
    for name, samples in sorted(_samples.items()):
        if not samples:
            continue
        answers = [answer for _, answer in samples]
        request, example = max(samples, key=lambda one: (min(len(json.dumps(one[1])), 2500), len(json.dumps(one[0]))))
        before = operations.get(name, {}).get("schema", {})
        before.pop("title", None)
        seen = widened(before, shape(answers)) if before else shape(answers)
        if name in RAW:
            _open(seen)
        entry: dict[str, Any] = {"schema": {"title": f"{name[0].upper()}{name[1:]}Answer", **seen}}
        if request is not None:
            entry["request"] = _short(request)
        entry["response"] = _short(example)
        operations[name] = entry
    ANSWERS.parent.mkdir(exist_ok=True)
    kin(operations)
    document = {"operations": dict(sorted(operations.items()))}
    ANSWERS.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def merge(answers: dict[str, list[Any]]) -> None:
    """Widens the shapes in the file by answers that came from elsewhere; examples stay."""
    known = json.loads(ANSWERS.read_text())
    for name, found in answers.items():
        if name in known["operations"] and found:
            before = known["operations"][name]["schema"]
            title = before.pop("title")
            seen = widened(before, shape(found))
            if name in RAW:
                _open(seen)
            known["operations"][name]["schema"] = {"title": title, **seen}
    kin(known["operations"])
    ANSWERS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")


def kin(operations: dict[str, Any]) -> None:
    """Gives objects of the same members one shape: a view is the same wherever it is answered.

    Else what one operation was seen to leave null (the customer of an erased customer's ticket) stays a promise of
    each other operation that answers the same view and was not asked at such a moment.
    """
    while True:
        views: dict[frozenset[str], list[dict[str, Any]]] = {}
        for operation in operations.values():
            for one in _objects(operation["schema"]):
                members = one["properties"]
                # A page is no view: its rows are.
                if len(members) >= LEAST_OF_A_VIEW and "data" not in members:
                    views.setdefault(frozenset(members), []).append(one)
        changed = False
        for same in views.values():
            common = functools.reduce(widened, same)
            for one in same:
                inner = {name: common["properties"][name] for name in one["properties"]}
                needed = [name for name in one.get("required", ()) if name in common.get("required", ())]
                if inner != one["properties"] or needed != one.get("required", []):
                    changed = True
                    one["properties"] = copy.deepcopy(inner)
                    if needed:
                        one["required"] = needed
                    else:
                        one.pop("required", None)
        if not changed:
            return


def _objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "properties" in schema:
        yield schema
    under = [schema["items"]] if "items" in schema else []
    for inner in (*schema.get("properties", {}).values(), *under, *schema.get("anyOf", ())):
        yield from _objects(inner)


def _open(schema: dict[str, Any]) -> None:
    for one in schema["properties"].values():
        if one.get("type") == "array":
            one["items"] = {"type": "object", "additionalProperties": True}
        elif one.get("type") == "object":
            one.pop("required", None)
            one.pop("properties", None)


def _short(value: Any, depth: int = 0) -> Any:
    if isinstance(value, dict):
        return {name: _short(inner, depth + 1) for name, inner in list(value.items())[:60]}
    if isinstance(value, list):
        return [_short(one, depth + 1) for one in value[:2]]
    if isinstance(value, str):
        if value.startswith("rtn_"):
            return value[:9] + "0123456789ABCDEFGHIJKLMNOPQRSTUV_000000"
        return value[:500]
    return value


def shape(values: list[Any], name: str = "") -> dict[str, Any]:
    """A schema that all values satisfy, as narrow as is safe."""
    if not values:
        return {}
    nullable = any(one is None for one in values)
    if all(one is None for one in values):
        # Nothing seen yet says nothing of the kind, but for the names of instants.
        return {"type": ["string", "null"], "format": "date-time"} if name.endswith("_at") else {}
    kinds = {_kind(one) for one in values if one is not None}
    rest = [one for one in values if one is not None]
    if len(kinds) != 1:
        names = sorted(kinds | ({"null"} if nullable else set()))
        return {"type": names if len(names) > 1 else names[0]} if kinds <= {"string", "integer", "boolean"} else {}
    kind = kinds.pop()
    if kind == "object":
        found = _object(rest, name)
    elif kind == "array":
        inner = shape([item for one in rest for item in one])
        found = {"type": "array", "items": inner}
    else:
        found = {"type": kind}
        if kind == "string" and all(_INSTANT.match(one) for one in rest):
            found["format"] = "date-time"
    if nullable:
        if "$ref" in found:
            return {"anyOf": [found, {"type": "null"}]}
        found["type"] = [found["type"], "null"]
    return found


def _object(values: list[dict[str, Any]], name: str) -> dict[str, Any]:
    if name in MAPS:
        return {"type": "object", "additionalProperties": True}
    for ref, needed, more in _SHARED:
        if all(needed <= set(one) <= needed | more for one in values):
            return {"$ref": f"#/components/schemas/{ref}"}
    names = list(dict.fromkeys(key for one in values for key in one))
    required = [key for key in names if all(key in one for one in values)]
    return {
        "type": "object",
        **({"required": required} if required else {}),
        "properties": {key: shape([one[key] for one in values if key in one], key) for key in names},
        "additionalProperties": True,
    }


def widened(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """A schema that allows what either allows; ``{}`` has seen nothing, or nothing but null."""
    if a == b or not a or not b:
        return _or_null(a or b) if a != b else a
    if _names(a) & {"object"} and _names(b) & {"object"} and "properties" in a and "properties" in b:
        every = {**a["properties"], **b["properties"]}
        both = a["properties"].keys() & b["properties"].keys()
        needed = [one for one in a.get("required", ()) if one in b.get("required", ())]
        return {
            "type": _type(_names(a) | _names(b)),
            **({"required": needed} if needed else {}),
            "properties": {
                name: widened(a["properties"][name], b["properties"][name]) if name in both else every[name]
                for name in every
            },
            "additionalProperties": True,
        }
    if "object" in _names(a) & _names(b) and not ("properties" in a and "properties" in b):
        # One of them is a map of data, whatever the other saw in it.
        return {"type": _type(_names(a) | _names(b)), "additionalProperties": True}
    if _names(a) & {"array"} and _names(b) & {"array"}:
        items = [one for one in (a.get("items", {}), b.get("items", {})) if one]
        return {"type": _type(_names(a) | _names(b)), "items": widened(items[0], items[-1]) if items else {}}
    if "type" in a and "type" in b and not (_names(a) | _names(b)) & {"object", "array"}:
        same = {"format": a["format"]} if a.get("format") == b.get("format") and "format" in a else {}
        return {"type": _type(_names(a) | _names(b)), **same}
    choices = [one for schema in (a, b) for one in schema.get("anyOf", [schema])]
    return {"anyOf": [one for index, one in enumerate(choices) if one not in choices[:index]]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" in schema:
        return {**schema, "type": _type(_names(schema) | {"null"})}
    choices = schema.get("anyOf", [schema])
    return {"anyOf": choices if {"type": "null"} in choices else [*choices, {"type": "null"}]}


def _names(schema: dict[str, Any]) -> set[str]:
    given = schema.get("type", ())
    return {given} if isinstance(given, str) else set(given)


def _type(names: set[str]) -> str | list[str]:
    ordered = sorted(names - {"null"}) + sorted(names & {"null"})
    return ordered[0] if len(ordered) == 1 else ordered


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case str():
            return "string"
        case list():
            return "array"
    return "object"
