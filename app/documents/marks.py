"""Places in a document and what is wrong at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal


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
