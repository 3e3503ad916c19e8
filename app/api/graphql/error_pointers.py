"""Where a wrong value stands, and by which code REST would tell of it.

One rule: a pointer leads from the arguments of the field, by their GraphQL names. `/input/credits` here is `/credits`
in REST, and `/asOf` is `/as_of`. A value is told of alike, whether it came as a literal or by a variable.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import DocumentNode, GraphQLError, Visitor, print_ast, visit
from graphql.language import ArgumentNode, ListValueNode, Node, ObjectFieldNode, ObjectValueNode, VariableNode

from app.api.problems import FieldError
from app.domain.values.money import MAX_WIRE_INT

INPUT: Final = "/input"
LONGEST: Final = 17
"""Characters of a whole number that is looked at; a longer one is too large."""
_VARIABLE: Final = re.compile(r"Variable ['\"]\$(\w+)['\"]")
_AT: Final = re.compile(r"has invalid value at ([\w.\[\]]+):")
_PART: Final = re.compile(r"\w+")
_CODES: Final = tuple(
    (re.compile(words), code)
    for words, code in (
        (r"\bString cannot represent|\bID cannot represent", "not_text"),
        (r"\bInt cannot represent non 32-bit signed integer value: -", "greater_than_equal"),
        (r"\bInt cannot represent non 32-bit", "less_than_equal"),
        (r"\bInt cannot represent", "not_an_integer"),
        (r"\bBoolean cannot represent", "not_a_boolean"),
        (r"non-null type|to include required field|is required, but it was not provided|a runtime value", "required"),
        (r"not to include unknown field", "unknown_field"),
        (r"to be an object", "not_an_object"),
        (r"does not exist in ['\"]\w+['\"] enum|\bEnum ['\"]\w+['\"] cannot represent", "literal_error"),
        (r"Expected value of type|has invalid value", "invalid"),
    )
)
"""What graphql-core says of a value -> the code by which REST refuses the same."""
_NUMBER: Final = re.compile(r"(?:value|found): (-?\d[\d.eE+-]*?)\.?$")
"""The number that was given, where it is no text in quotes."""
_COPIED: Final = (ListValueNode, ObjectValueNode)
_NAMED: Final = re.compile(r"(?:required|unknown) field ['\"](\w+)['\"]")
_ARGUMENT: Final = re.compile(r"\((\w+):\)|[Aa]rgument ['\"](\w+)['\"]")


def code_of(message: str) -> str | None:
    """Return the code of a wrong value; None where the message tells of no value."""
    return next((code for words, code in _CODES if words.search(message)), None)


def _as_number(message: str) -> str | None:
    """Return the code of a number that REST takes in no body, whatever is wanted; None for all else."""
    number = _NUMBER.search(message)
    if number is None:
        return None
    if not re.fullmatch(r"-?\d+", number[1]):
        return "not_an_integer"
    fits = len(number[1]) <= LONGEST and abs(int(number[1])) <= MAX_WIRE_INT
    return None if fits else "number_too_large"


def wrong_value(error: GraphQLError, document: DocumentNode) -> FieldError | None:
    """Return the value that an error of a document or of its variables tells of; None where it tells of none."""
    code = code_of(error.message)
    if code is None:
        return None
    pointer = pointer_of(error, document) or ""
    named = _NAMED.search(error.message)
    if named is not None and not pointer.endswith(f"/{named[1]}"):
        pointer += f"/{named[1]}"
    argument = _ARGUMENT.search(error.message)
    if argument is not None and not pointer:
        pointer = f"/{argument[1] or argument[2]}"
    place = place_of(pointer)
    if place == "body":
        code = _as_number(error.message) or code
    return FieldError(pointer, code, error.message, place)


def place_of(pointer: str) -> str:
    """Return where REST takes the value, as far as its pointer tells."""
    return "body" if pointer == INPUT or pointer.startswith(f"{INPUT}/") else "query"


def at_argument(pointer: str, places: Mapping[str, str]) -> str:
    """Return a pointer that begins at a variable as one that begins at the argument that the variable fills."""
    name, slash, rest = pointer.removeprefix("/").partition("/")
    return places.get(name, f"/{name}") + slash + rest


def pointer_of(error: GraphQLError, document: DocumentNode) -> str | None:
    """The pointer to what is wrong, or None where nothing has a name."""
    if (named := _VARIABLE.search(error.message)) is not None:
        at = _AT.search(error.message)
        parts = _PART.findall(at[1]) if at is not None else []
        if not parts or parts[0] != named[1]:
            parts.insert(0, named[1])
        return at_argument("/" + "/".join(parts), places_of(document))
    finder = _Finder(error.nodes or ())
    visit(document, finder)
    return finder.found if len(finder.alike) != 1 else finder.alike[0]


def places_of(document: DocumentNode) -> dict[str, str]:
    """Return the pointer to the argument that each variable fills, or fills a part of: the first one."""
    finder = _Finder(())
    visit(document, finder)
    return finder.places


@dataclass
class _Finder(Visitor):
    """Looks for a node below an argument, and keeps the way to it.

    A list or an object that has no type of its own is told of by a copy without its place. It is looked for by its
    text, and told of where there is one such text alone.
    """

    nodes: Collection[Node]

    def __post_init__(self) -> None:
        super().__init__()
        self.way: list[str] = []
        self.found: str | None = None
        self.alike: list[str] = []
        self._nodes = {id(node) for node in self.nodes}
        self._texts = {print_ast(node) for node in self.nodes if isinstance(node, _COPIED) and node.loc is None}
        self.places: dict[str, str] = {}

    def enter(self, node: Node, key: Any, _parent: Any, _path: Any, above: list[Any]) -> Any:
        """Notes names and places in lists on the way down."""
        if isinstance(node, ArgumentNode | ObjectFieldNode):
            self.way.append(node.name.value)
        elif _listed(above):
            self.way.append(str(key))
        if isinstance(node, VariableNode) and self.way:
            self.places.setdefault(node.name.value, "/" + "/".join(self.way))
        if id(node) in self._nodes and self.way and self.found is None:
            self.found = "/" + "/".join(self.way)
            return self.BREAK
        if self._texts and self.way and isinstance(node, _COPIED) and print_ast(node) in self._texts:
            self.alike.append("/" + "/".join(self.way))
        return None

    def leave(self, node: Node, _key: Any, _parent: Any, _path: Any, above: list[Any]) -> Any:
        """And forgets them on the way up."""
        if isinstance(node, ArgumentNode | ObjectFieldNode) or _listed(above):
            self.way.pop()


def _listed(above: list[Any]) -> bool:
    """Whether a node is an item of a list of values."""
    return bool(above) and isinstance(above[-1], ListValueNode)
