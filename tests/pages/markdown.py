"""The pages as tests read them: which there are, and their lines outside code, tables and HTML comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = re.compile(r"^(Made by `|<!-- made by )", re.MULTILINE)
_FENCE = re.compile(r"^( *)```(\S*)")


@dataclass(frozen=True)
class Block:
    """A block of code: the page, the line it begins on, its language and its text."""

    page: str
    line: int
    language: str
    text: str


def pages() -> list[Path]:
    """Every page of the project, the root's and those under docs."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name(page: Path) -> str:
    """The page's path from the root."""
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """The lines that are neither code nor a row of a table, with their numbers."""
    fenced = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and not line.startswith(("|", "    ")):
            yield number, line


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, without the indent of their fence."""
    opened: tuple[int, str, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and opened is None:
            opened, lines = (number, fence.group(1), fence.group(2)), []
        elif fence and opened is not None:
            yield Block(name(page), opened[0], opened[2], "\n".join(lines) + "\n")
            opened = None
        elif opened is not None:
            lines.append(line.removeprefix(opened[1]))
