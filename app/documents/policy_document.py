"""Policy documents: YAML text to `app.domain.policy.policy.Policy` and back, with the line of every mistake.

The text is read as YAML events, so that each value keeps its line and column. Only the part of YAML that has one
meaning is read. There are no anchors, no tags and no second document, and words such as ``no`` or ``on`` are words. The
values are then held against the domain's own dataclasses, strictly: an unknown key, a decimal number or a quoted
integer is refused.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from app.documents.marks import PolicyDocumentError
from app.documents.misfits import problems_of, unknown_kinds
from app.documents.yaml_reader import MAX_PROBLEMS, Document, Reader
from app.domain.policy.policy import Policy


@cache
def _adapter() -> TypeAdapter[Policy]:
    return TypeAdapter(Policy)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a policy document, published as ``openapi/policy.schema.json``."""
    schema = _adapter().json_schema()
    for kind in _classes(Policy, set()):
        members = schema if kind is Policy else schema["$defs"].get(kind.__name__, {})
        for name, words in _words_of_members(kind):
            if name in members.get("properties", {}):
                members["properties"][name].setdefault("description", words)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy document",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _classes(kind: Any, visited: set[Any]) -> Iterator[type]:
    """Every class that a document is made of."""
    if isinstance(kind, type) and is_dataclass(kind):
        if kind in visited:
            return
        visited.add(kind)
        yield kind
        for about in get_type_hints(kind).values():
            yield from _classes(about, visited)
    for argument in get_args(kind):
        yield from _classes(argument, visited)


def _words_of_members(kind: type) -> Iterator[tuple[str, str]]:
    """What the text below each member of a class says of it."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    for member, below in pairwise(getattr(tree, "body", [])):
        match member, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, inspect.cleandoc(words).replace("``", "`")


def dump(policy: Policy) -> dict[str, Any]:
    """A policy as JSON-able data; `policy_from_json` gives an equal policy back."""
    data: dict[str, Any] = _adapter().dump_python(policy, mode="json", exclude_none=True)
    return data


def policy_from_json(data: Mapping[str, Any] | str | bytes) -> Policy:
    """A policy from what `dump` gave, as data or as JSON text. Raises `PolicyDocumentError` (without lines)."""
    text = data if isinstance(data, str | bytes) else json.dumps(data)
    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        raise PolicyDocumentError(problems_of(error, json.loads(text), {})) from None


def load_policy(text: str) -> Policy:
    """The policy of a YAML (or JSON) text. Raises `PolicyDocumentError` with every mistake and its line."""
    return load_document(text).policy


def load_document(text: str) -> Document:
    """As `load_policy`, with the place of every value in the text, for `policy_checks.check_policy`."""
    reader = Reader()
    data = reader.read(text)
    if reader.problems:
        raise PolicyDocumentError(reader.problems[:MAX_PROBLEMS])
    problems = list(unknown_kinds(data, reader.marks))
    policy: Policy | None = None
    try:
        policy = _adapter().validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        paths = {problem.path for problem in problems}
        problems += (p for p in problems_of(error, data, reader.marks) if p.path not in paths)
    if problems or policy is None:
        raise PolicyDocumentError(sorted(problems, key=lambda p: (p.line, p.column, p.path, p.code))[:MAX_PROBLEMS])
    return Document(policy=policy, marks=reader.marks)
