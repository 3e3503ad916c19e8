"""Holds every answer that any test gets to the shape that its operation declares.

So `required`, null and the closed sets are true to life: a member that is missing, unknown, of another type or outside
its set fails the test that was given it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api.openapi import answer_of
from app.views import shapes
from app.views.event import Event
from app.views.event_data import data_of
from app.views.event_types import EVENT_TYPES, EventType
from app.views.shapes import Choice, Free, Kind, Leaf, Many, Maybe, OneOf, Scalar, Shape, Table

_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool}
_FORMS = {"date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "date": re.compile(r"\d{4}-\d\d-\d\d")}


def differences(value: Any, kind: Kind, place: str = "") -> Iterator[str]:
    """Where a value is not of a kind."""
    match kind:
        case Maybe(inner):
            if value is not None:
                yield from differences(value, inner, place)
        case Leaf(scalar) if not _is(value, scalar):
            yield f"{place}: {value!r} is no {scalar.graphql}"
        case Choice(name, values, _) if value not in values:
            yield f"{place}: {value!r} is no {name}"
        case Leaf() | Choice() | OneOf():
            return
        case Many(item) if isinstance(value, list):
            yield from _of_each(enumerate(value), item, place)
        case OneOf(options) if not any(_fits(value, option) for option in options):
            yield f"{place}: {value!r} is none of {options}"
        case Table(inner, _) if isinstance(value, dict):
            yield from _of_each(value.items(), inner, place)
        case Shape(cls) if isinstance(value, dict):
            yield from _of_shape(value, cls, place)
        case Free(names) if not names or isinstance(value, dict):
            return
        case _:
            yield f"{place}: {value!r} is no {kind}"


def _fits(value: Any, kind: Kind) -> bool:
    return not list(differences(value, kind))


def _is(value: Any, scalar: Scalar) -> bool:
    form = _FORMS.get(scalar.format or "")
    return type(value) is _TYPES[scalar.type] and (form is None or bool(form.fullmatch(value)))


def _of_each(entries: Iterable[tuple[Any, Any]], kind: Kind, place: str) -> Iterator[str]:
    for name, entry in entries:
        yield from differences(entry, kind, f"{place}/{name}")


def _of_shape(value: dict[str, Any], cls: Any, place: str) -> Iterator[str]:
    known = {member.name: member for member in shapes.members(cls)}
    for name, member in known.items():
        if name in value:
            yield from differences(value[name], member.kind, f"{place}/{name}")
        elif member.required:
            yield f"{place}/{name}: missing in {shapes.name_of(cls)}"
    yield from (f"{place}/{name}: not in {shapes.name_of(cls)}" for name in value if name not in known)
    if cls is Event and value.get("type") in EVENT_TYPES:
        yield from _of_data(value["data"], EVENT_TYPES[value["type"]], f"{place}/data")


def _of_data(data: dict[str, Any], type_: EventType, place: str) -> Iterator[str]:
    """Where the data of an event is not of the shape of its noun, or lacks what its type always has."""
    yield from _of_shape(data, data_of(type_), place)
    yield from (f"{place}/{name}: missing in {type_.type}" for name in type_.required if name not in data)


@functools.cache
def _routes(app: FastAPI) -> dict[str, list[tuple[re.Pattern[str], str, Any]]]:
    found: dict[str, list[tuple[re.Pattern[str], str, Any]]] = {}
    for route in app.routes:
        answer = answer_of(route) if isinstance(route, APIRoute) else None
        if isinstance(route, APIRoute) and answer is not None:
            for method in route.methods:
                found.setdefault(method, []).append((route.path_regex, route.operation_id or "", answer))
    return found


async def check(app: FastAPI, response: httpx.Response) -> None:
    """Fails where a successful answer is not what its operation declares."""
    if declared := _declared(app, response):
        await response.aread()
        _compare(response, *declared)


def check_now(app: FastAPI, response: httpx.Response) -> None:
    """Fails in the same way, for a client that is not async."""
    if declared := _declared(app, response):
        response.read()
        _compare(response, *declared)


def _declared(app: FastAPI, response: httpx.Response) -> tuple[str, Any] | None:
    """The operation that a JSON answer is of, and its shape."""
    content = response.headers.get("content-type", "")
    if not response.is_success or not content.startswith("application/json"):
        return None
    path, method = response.request.url.path, response.request.method
    return next(
        ((operation, shape) for pattern, operation, shape in _routes(app).get(method, ()) if pattern.match(path)), None
    )


def _compare(response: httpx.Response, operation: str, shape: Any) -> None:
    wrong = list(differences(response.json(), Shape(shape)))
    assert not wrong, f"{operation} answers another shape than it declares: {wrong[:5]}"


def hooks(app: FastAPI, others: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The event hooks of a client, this check among them."""
    return {**others, "response": [*others.get("response", ()), functools.partial(check, app)]}
