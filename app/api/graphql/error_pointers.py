"""Where a wrong value stands: the pointer to an argument, found in the document, or in what is said of variables."""

from __future__ import annotations

import re
from typing import Any, Final

from graphql import DocumentNode, GraphQLError, Visitor, visit
from graphql.language import ArgumentNode, Node, ObjectFieldNode

_VARIABLE: Final = re.compile(r"Variable ['\"]\$(\w+)['\"]")
_AT: Final = re.compile(r" at ['\"](?:value)?([\w.\[\]]*)['\"]")
_PART: Final = re.compile(r"\w+")


def pointer_of(error: GraphQLError, document: DocumentNode) -> str | None:
    """The pointer to what is wrong, or None where nothing has a name."""
    if (named := _VARIABLE.search(error.message)) is not None:
        at = _AT.search(error.message)
        parts = _PART.findall(at[1]) if at is not None else []
        if not parts or parts[0] != named[1]:
            parts.insert(0, named[1])
        return "/" + "/".join(parts)
    wanted = {id(one) for one in error.nodes or ()}
    finder = _Finder(wanted)
    visit(document, finder)
    return finder.found


class _Finder(Visitor):
    """Looks for a node below an argument, and keeps the way to it."""

    def __init__(self, wanted: set[int]) -> None:
        super().__init__()
        self.wanted = wanted
        self.way: list[str] = []
        self.found: str | None = None

    def enter(self, node: Node, *_: Any) -> Any:
        """Notes names on the way down."""
        if isinstance(node, ArgumentNode | ObjectFieldNode):
            self.way.append(node.name.value)
        if id(node) in self.wanted and self.way and self.found is None:
            self.found = "/" + "/".join(self.way)
            return self.BREAK
        return None

    def leave(self, node: Node, *_: Any) -> Any:
        """And forgets them on the way up."""
        if isinstance(node, ArgumentNode | ObjectFieldNode):
            self.way.pop()
