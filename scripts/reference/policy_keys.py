"""The keys of a policy document, from the classes that it is read into."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

from app.domain.policy import policy as model
from app.domain.values.term import Term
from scripts.reference.table import code, first_sentence, page, table, words

HELD = {"version": "given by the service"}
COMMON = {
    "clause": "The id of the clause that it rests on; answers cite it.",
    "code": "The reason's code in answers: lower case words joined by `_`.",
    "kind": "Says which shape this is; always this value.",
    "message": "What the customer is told.",
    "otherwise": "What a line is told where `when` does not hold.",
    "reading": "`true`: the vendor's text is silent or open here, and answers say so.",
    "title": "Its name in words, which explanations read out.",
    "when": "Where it applies; left out: always.",
}
"""Keys that mean the same in every class, where the class does not say more."""


def classes() -> list[type]:
    """Every class of a document, in order of first use, the policy itself first."""
    found: list[type] = []
    ahead: list[type] = [model.Policy]
    while ahead:
        one = ahead.pop(0)
        if one in found:
            continue
        found.append(one)
        hints = typing.get_type_hints(one)
        for field in dataclasses.fields(one):
            ahead += [inner for inner in _classes_in(hints[field.name]) if inner not in found]
    return found


def _classes_in(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for inner in typing.get_args(hint):
        yield from _classes_in(inner)


def type_words(hint: Any) -> str:
    """Return a type in words of YAML."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is type(None):
        return "null"
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if origin is Literal:
        return ", ".join(code(value) for value in inner)
    if origin in (typing.Union, types.UnionType):
        shown = [type_words(one) for one in inner if one is not type(None)]
        return " or ".join(dict.fromkeys(shown))
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return f"list of {type_words(inner[0])}"
        return "[" + ", ".join(type_words(one) for one in inner) + "]"
    if origin in (list, set, frozenset):
        return f"list of {type_words(inner[0])}"
    if origin is dict or str(origin).endswith("Mapping'>"):
        return f"map to {type_words(inner[1])}"
    return {"str": "text", "int": "integer", "bool": "boolean", "Any": "any"}.get(
        getattr(hint, "__name__", ""), str(hint)
    )


def default_of(field: dataclasses.Field[Any]) -> str:
    """Return the default as YAML, or that the key is required."""
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "**required**"
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    if value is None or value in ((), {}, []):
        return "none"
    if isinstance(value, bool):
        return code(str(value).lower())
    if dataclasses.is_dataclass(value):
        return "see there"
    if isinstance(value, tuple):
        return code("[" + ", ".join(str(one) for one in value) + "]")
    return code(value)


def notes(one: type) -> dict[str, str]:
    """Return what each key of a class means: what stands below the field in its source, else the common words."""
    tree = ast.parse(inspect.getsource(one).lstrip())
    body = tree.body[0].body  # type: ignore[attr-defined]
    found = {field.name: COMMON[field.name] for field in dataclasses.fields(one) if field.name in COMMON}
    for field, after in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[field.target.id] = first_sentence(words(str(after.value.value)))
    return found


def policy_keys() -> str:
    """Return the page."""
    parts = [
        "[Writing a policy](../policies.md) says how the keys work together; here they all are.",
        "`retainer policies check` names a wrong key with its line. An unknown one is refused.",
        "`none` as a default: the key may be left out, and nothing of the kind is there.",
    ]
    for one in classes():
        hints = typing.get_type_hints(one)
        said = notes(one)
        doc = (
            words(inspect.cleandoc(one.__doc__ or "")) if not (one.__doc__ or "").startswith(one.__name__ + "(") else ""
        )
        rows = [
            (
                code(field.name),
                type_words(hints[field.name]),
                HELD.get(field.name) or default_of(field),
                said.get(field.name, ""),
            )
            for field in dataclasses.fields(one)
        ]
        name = "The document" if one is model.Policy else one.__name__
        parts += [
            f"## {name}",
            *([re.sub(r"\n{2,}", "\n\n", doc)] if doc else []),
            table(("key", "type", "default", "note"), rows),
        ]
    assert Term in classes()
    return page("Policy keys", *parts)
