"""Policy documents: YAML text to `app.domain.policy.policy.Policy` and back, with the line of every mistake.

The text is read as YAML events, so that each value keeps its line and column, and only in the part of YAML that has one
meaning: no anchors, no tags, no second document, and words such as ``no`` or ``on`` are words. The values are then held
against the domain's own dataclasses, strictly: an unknown key, a decimal number or a quoted integer is refused.
"""

from __future__ import annotations

import difflib
import json
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal

import yaml
from pydantic import TypeAdapter, ValidationError

from app.domain.policy.conditions import All, AnyOf, Not, Test
from app.domain.policy.offers import Grant
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import CategoryPrice

MAX_DEPTH: Final = 32
MAX_INT: Final = 2**53 - 1
MAX_PROBLEMS: Final = 200

_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?\Z|[-+]?[0-9]+[eE][-+]?[0-9]+\Z")
_BAD_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding: where (JSON pointer; line and column from 1, 0 when unknown), what, and what to write instead."""

    path: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"


class PolicyDocumentError(Exception):
    """The text is no policy document. ``problems`` names every mistake found, in the order of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(f"line {first.line}: {first.message} ({len(self.problems)} in all)")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the text, both from 1."""

    line: int
    column: int


Marks = Mapping[str, Mark]
"""JSON pointer -> where that value (for mappings of a mapping: its key) stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A policy and where each of its values stands in the text."""

    policy: Policy
    marks: Marks


def pointer(parts: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901) of the parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def mark_of(marks: Marks | None, path: str) -> Mark:
    """The mark of a path, or of the nearest ancestor that has one."""
    while marks:
        if path in marks:
            return marks[path]
        if not path:
            break
        path = path.rpartition("/")[0]
    return Mark(0, 0)


# --- YAML to plain values ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Frame:
    value: dict[str, Any] | list[Any]
    path: tuple[str | int, ...]
    key: str | None = None
    skip: bool = False


class _Reader:
    """Builds plain values from YAML events, with marks, refusing what has more than one meaning."""

    def __init__(self) -> None:
        self.marks: dict[str, Mark] = {}
        self.problems: list[Problem] = []
        self.root: Any = None
        self.found = False
        self.stack: list[_Frame] = []
        self.documents = 0

    def read(self, text: str) -> Any:
        try:
            for event in yaml.parse(text, Loader=_Loader):
                if not self.take(event):
                    break
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            what = ", ".join(part for part in (error.context, error.problem) if part)
            self.add(
                (), Mark(line, column), "yaml_syntax", f"This is not YAML: {what}.", "Check the indentation."
            )
        except (yaml.YAMLError, UnicodeError, ValueError) as error:
            self.add(
                (), Mark(1, 1), "yaml_syntax", f"This is not YAML text: {error}.", "Save the file as UTF-8."
            )
        if not self.problems and not isinstance(self.root, dict):
            self.add(
                (),
                Mark(1, 1),
                "not_a_mapping",
                "A policy document is a mapping.",
                "Begin with `policy: name`.",
            )
        return self.root

    def add(self, path: tuple[str | int, ...], mark: Mark, code: str, message: str, hint: str) -> None:
        self.problems.append(
            Problem(
                path=pointer(path), line=mark.line, column=mark.column, code=code, message=message, hint=hint
            )
        )

    def take(self, event: Any) -> bool:
        mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.add(
                    (), mark, "several_documents", "The file holds more than one document.", "Remove `---`."
                )
                return False
            return True
        if isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
            return True
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.add(
                self.here(), mark, "alias", "Anchors and aliases are not used here.", "Write the value out."
            )
            return False
        if isinstance(event, yaml.NodeEvent):
            return self.node(event, mark)
        return True

    def here(self) -> tuple[str | int, ...]:
        if not self.stack:
            return ()
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            return (*frame.path, len(frame.value))
        return frame.path if frame.key is None else (*frame.path, frame.key)

    def node(self, event: Any, mark: Mark) -> bool:
        path = self.here()
        if event.tag is not None and event.tag != "!":
            self.add(path, mark, "tag", f"Tags such as {event.tag} are not used here.", "Remove the tag.")
            return False
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            return self.key(event, mark)
        if isinstance(event, yaml.ScalarEvent):
            self.put(self.scalar(event, path, mark), path, mark)
            return True
        if len(self.stack) >= MAX_DEPTH:
            self.add(path, mark, "too_deep", f"Nested deeper than {MAX_DEPTH} levels.", "Write it flatter.")
            return False
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.put(value, path, mark)
        self.stack.append(_Frame(value, path))
        return True

    def key(self, event: Any, mark: Mark) -> bool:
        frame = self.stack[-1]
        if not isinstance(event, yaml.ScalarEvent) or isinstance(frame.value, list):
            self.add(frame.path, mark, "key_not_text", "A key must be a word.", "Write `key: value`.")
            return False
        name = str(event.value)
        frame.key = name
        path = (*frame.path, name)
        frame.skip = name in frame.value
        if frame.skip:
            first = self.marks[pointer(path)]
            self.add(
                path,
                mark,
                "duplicate_key",
                f"`{name}` stands twice in one mapping.",
                f"Keep the one of line {first.line}, or this one.",
            )
        elif _BAD_TEXT.search(name):
            self.add(path, mark, "bad_text", "NUL and lone surrogates are not text.", "Remove the character.")
        else:
            self.marks[pointer(path)] = mark
        return True

    def put(self, value: Any, path: tuple[str | int, ...], mark: Mark) -> None:
        if not self.stack:
            self.root, self.found = value, True
            self.marks[""] = mark
            return
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            self.marks[pointer(path)] = mark
            frame.value.append(value)
            return
        if frame.key is not None and not frame.skip:
            frame.value[frame.key] = value
        frame.key, frame.skip = None, False

    def scalar(self, event: Any, path: tuple[str | int, ...], mark: Mark) -> Any:
        text = str(event.value)
        if _BAD_TEXT.search(text):
            self.add(path, mark, "bad_text", "NUL and lone surrogates are not text.", "Remove the character.")
            return ""
        if event.style:
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INT.match(text):
            if len(text) > 17 or abs(int(text)) > MAX_INT:
                self.add(
                    path, mark, "number_too_large", "The number is beyond 2^53.", "Write a smaller number."
                )
                return 0
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        return text


# --- plain values to the domain's dataclasses -------------------------------------------------------------------------


@cache
def _adapter() -> TypeAdapter[Policy]:
    return TypeAdapter(Policy)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a policy document, published as ``openapi/policy.schema.json``."""
    schema = _adapter().json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy document",
        **{key: value for key, value in schema.items() if key != "title"},
    }


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
        raise PolicyDocumentError(_problems(error, json.loads(text), {})) from None


def load_policy(text: str) -> Policy:
    """The policy of a YAML (or JSON) text. Raises `PolicyDocumentError` with every mistake and its line."""
    return load_document(text).policy


def load_document(text: str) -> Document:
    """As `load_policy`, with the place of every value in the text, for `policy_checks.check_policy`."""
    reader = _Reader()
    data = reader.read(text)
    if reader.problems:
        raise PolicyDocumentError(reader.problems[:MAX_PROBLEMS])
    problems = list(_kinds(data, reader.marks))
    policy: Policy | None = None
    try:
        policy = _adapter().validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        seen = {problem.path for problem in problems}
        problems += (p for p in _problems(error, data, reader.marks) if p.path not in seen)
    if problems or policy is None:
        raise PolicyDocumentError(
            sorted(problems, key=lambda p: (p.line, p.column, p.path, p.code))[:MAX_PROBLEMS]
        )
    return Document(policy=policy, marks=reader.marks)


_PRICES: Final = typing.get_args(CategoryPrice)
_GRANTS: Final = typing.get_args(Grant)


def _kinds(data: Any, marks: Marks) -> Iterable[Problem]:
    """Every price and grant says its ``kind``, so that a mistake in it is held against the right shape."""
    for path, node, members in _tagged(data):
        known = [_kind(member) for member in members]
        if isinstance(node, dict) and "kind" not in node:
            yield _at(
                marks,
                path,
                "kind_missing",
                "`kind` is missing.",
                f"Write `kind:` with one of {_list(known)}.",
            )


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


def _problems(error: ValidationError, data: Any, marks: Marks) -> tuple[Problem, ...]:
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
        return _at(
            marks, place.parts, "missing", f"`{name}` is missing.", f"Add {_example(name, place.hint)}."
        )
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
        return _at(
            marks, place.parts, "wrong_type", f"`{name}` must be {what}, not {_seen(place.node)}.", hint
        )
    return _at(
        marks, place.parts, "invalid", f"`{name}`: {detail['msg']}.", f"Write {_example(name, place.hint)}."
    )


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


def _seen(node: Any) -> str:
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
            f"`{name}` cannot be {_seen(place.node)}.",
            "Write a text, a whole number, true, false or a list of them.",
        )
    if not isinstance(place.node, dict):
        return _at(
            marks, place.parts, "wrong_type", f"`{name}` must be a mapping, not {_seen(place.node)}.", _MAP[1]
        )
    known = _list(_kind(member) for member in classes)
    if "kind" not in place.node:
        return _at(
            marks, place.parts, "kind_missing", "`kind` is missing.", f"Write `kind:` with one of {known}."
        )
    parts = (*place.parts, "kind")
    return _at(
        marks, parts, "not_a_choice", f"`kind` cannot be {place.node['kind']!r}.", f"Write one of {known}."
    )


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
