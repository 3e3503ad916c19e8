"""What is wrong with a document that does not fit its types, in words, with how to write it."""

from __future__ import annotations

import difflib
import json
import types
import typing
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal

from pydantic import ValidationError

from app.documents.marks import Marks, Problem, mark_of, pointer
from app.documents.yaml_reader import MAX_PROBLEMS
from app.domain.policy.conditions import All, AnyOf, Not, Test
from app.domain.policy.offers import Grant
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import CategoryPrice

_PRICES: Final = typing.get_args(CategoryPrice)
_GRANTS: Final = typing.get_args(Grant)


def unknown_kinds(data: Any, marks: Marks) -> Iterable[Problem]:
    """Every price and grant says its ``kind``, so that a mistake in it is held against the right shape."""
    for path, node, members in _tagged(data):
        known = [_kind(member) for member in members]
        if isinstance(node, dict) and "kind" not in node:
            yield _at(marks, path, "kind_missing", "`kind` is missing.", f"Write `kind:` with one of {_list(known)}.")


def _tagged(data: Any) -> Iterable[tuple[tuple[str | int, ...], Any, tuple[type, ...]]]:
    if not isinstance(data, dict):
        return
    for i, category in enumerate(_items(data.get("categories"))):
        if isinstance(category, dict) and "price" in category:
            yield ("categories", i, "price"), category["price"], _PRICES
    for i, offer in enumerate(_items(data.get("offers"))):
        for j, grant in enumerate(_items(offer.get("grants") if isinstance(offer, dict) else None)):
            yield ("offers", i, "grants", j), grant, _GRANTS
            options = grant.get("options") if isinstance(grant, dict) else None
            for name, option in (options if isinstance(options, dict) else {}).items():
                yield ("offers", i, "grants", j, "options", name), option, _GRANTS[:2]


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _at(marks: Marks, parts: Iterable[str | int], code: str, message: str, hint: str) -> Problem:
    path = pointer(parts)
    mark = mark_of(marks, path)
    return Problem(path=path, line=mark.line, column=mark.column, code=code, message=message, hint=hint)


def _kind(member: type) -> str:
    default = next(f.default for f in fields(member) if f.name == "kind")
    return str(default)


def _list(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


@cache
def _hints(owner: type) -> dict[str, Any]:
    return typing.get_type_hints(owner)


def _members(hint: Any) -> tuple[Any, ...]:
    """The members of a union without None, flattened; a single one for anything else."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(m for arg in typing.get_args(hint) for m in _members(arg) if m is not type(None))
    return (hint,)


def _chosen(members: tuple[Any, ...], node: Any) -> Any:
    """Which member of a union a mapping means: by its ``kind``, or for conditions by its joining word."""
    if not isinstance(node, dict):
        return None
    if Test in members:
        words = {"all": All, "any": AnyOf, "no": Not}
        return next((words[word] for word in words if word in node), Test)
    for member in members:
        if is_dataclass(member) and isinstance(member, type) and node.get("kind") == _kind(member):
            return member
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    parts: tuple[str | int, ...]
    hint: Any
    node: Any
    owner: type | None
    unsure: tuple[Any, ...] = ()


def _place(loc: tuple[str | int, ...], data: Any) -> _Place | None:
    """Where a pydantic location lies in the data; None when it speaks of a union branch that is not meant."""
    parts: list[str | int] = []
    hint: Any = Policy
    node = data
    owner: type | None = None
    for part in loc:
        members = _members(hint)
        if len(members) > 1:
            if not any(is_dataclass(member) for member in members):
                return _Place(tuple(parts), hint, node, owner, members)
            choice = _chosen(members, node)
            if choice is None:
                return _Place(tuple(parts), hint, node, owner, members)
            if part != choice.__name__:
                return None
            hint = choice
            continue
        hint = members[0]
        if is_dataclass(hint) and isinstance(hint, type):
            owner = hint
            hint = _hints(hint).get(str(part), Any)
        else:
            args = typing.get_args(hint)
            if typing.get_origin(hint) is dict:
                hint = args[1] if args else Any
            elif args and args[-1] is not Ellipsis and isinstance(part, int) and part < len(args):
                hint = args[part]
            else:
                hint = args[0] if args else Any
        parts.append(part)
        node = node.get(part) if isinstance(node, dict) else _item(node, part)
    return _Place(tuple(parts), hint, node, owner)


def _item(node: Any, part: str | int) -> Any:
    return node[part] if isinstance(node, list) and isinstance(part, int) and part < len(node) else None


def problems_of(error: ValidationError, data: Any, marks: Marks) -> tuple[Problem, ...]:
    """Return what the reader of the types refused, in words, each at its line."""
    found: dict[tuple[str, str], Problem] = {}
    for detail in error.errors(include_url=False, include_context=True)[: 5 * MAX_PROBLEMS]:
        place = _place(detail["loc"], data)
        if place is not None:
            problem = _describe(detail, place, marks)
            found.setdefault((problem.path, problem.code), problem)
    if not found:
        found["", "invalid"] = _at(marks, (), "invalid", str(error.errors()[0]["msg"]), "")
    return tuple(sorted(found.values(), key=lambda p: (p.line, p.column, p.path, p.code)))


def _describe(detail: Any, place: _Place, marks: Marks) -> Problem:
    name = str(place.parts[-1]) if place.parts else "document"
    if place.unsure:
        return _unsure(place, name, marks)
    code, context = str(detail["type"]), detail.get("ctx", {})
    if code == "missing":
        return _at(marks, place.parts, "missing", f"`{name}` is missing.", f"Add {_example(name, place.hint)}.")
    if code == "unexpected_keyword_argument":
        known = [f.name for f in fields(place.owner)] if place.owner else []
        near = difflib.get_close_matches(name, known, 1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known here: {_list(known)}."
        return _at(marks, place.parts, "unknown_key", f"`{name}` is not known here.", hint)
    if code == "literal_error":
        message = f"`{name}` cannot be {place.node!r}."
        return _at(marks, place.parts, "not_a_choice", message, f"Write one of {context['expected']}.")
    if code in _SHAPES:
        what, hint = _SHAPES[code]
        return _at(marks, place.parts, "wrong_type", f"`{name}` must be {what}, not {_kind_of(place.node)}.", hint)
    return _at(marks, place.parts, "invalid", f"`{name}`: {detail['msg']}.", f"Write {_example(name, place.hint)}.")


_WHOLE: Final = ("a whole number", "Write it without quotes and without a point, e.g. `40`.")
_LIST: Final = ("a list", "Write `- item` lines, or `[item, item]`.")
_MAP: Final = ("a mapping", "Write `key: value` lines below it.")
_SHAPES: Final[dict[str, tuple[str, str]]] = {
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "string_type": ("a text", 'Put it in quotes, e.g. `"35.00"`.'),
    "bool_type": ("true or false", "Write `true` or `false` without quotes."),
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _MAP,
    "dataclass_type": _MAP,
    "dataclass_exact_type": _MAP,
}


def _kind_of(node: Any) -> str:
    if isinstance(node, dict):
        return "a mapping"
    if isinstance(node, list):
        return "a list"
    if node is None:
        return "empty"
    return json.dumps(node, ensure_ascii=False)


def _unsure(place: _Place, name: str, marks: Marks) -> Problem:
    classes = [m for m in place.unsure if is_dataclass(m) and isinstance(m, type)]
    if not classes:
        return _at(
            marks,
            place.parts,
            "wrong_type",
            f"`{name}` cannot be {_kind_of(place.node)}.",
            "Write a text, a whole number, true, false or a list of them.",
        )
    if not isinstance(place.node, dict):
        return _at(
            marks, place.parts, "wrong_type", f"`{name}` must be a mapping, not {_kind_of(place.node)}.", _MAP[1]
        )
    known = _list(_kind(member) for member in classes)
    if "kind" not in place.node:
        return _at(marks, place.parts, "kind_missing", "`kind` is missing.", f"Write `kind:` with one of {known}.")
    parts = (*place.parts, "kind")
    return _at(marks, parts, "not_a_choice", f"`kind` cannot be {place.node['kind']!r}.", f"Write one of {known}.")


def _example(name: str, hint: Any) -> str:
    members = _members(hint)
    first = members[0]
    origin = typing.get_origin(first)
    if origin is Literal:
        return f"`{name}:` with one of {_list(str(arg) for arg in typing.get_args(first))}"
    if is_dataclass(first) and isinstance(first, type):
        needed = [f.name for f in fields(first) if f.default is MISSING and f.default_factory is MISSING]
        return f"`{name}:` with {_list(needed)} below it" if needed else f"`{name}:` and its keys below it"
    return {str: f"`{name}: text`", int: f"`{name}: 1`", bool: f"`{name}: true`"}.get(
        first, f"`{name}:` and a list" if origin is tuple else f"`{name}:` and `key: value` lines"
    )
