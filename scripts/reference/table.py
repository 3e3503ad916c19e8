"""Rows of Markdown, and words of docstrings as they stand in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

NOTE = "Made by `make contracts` from the code; do not edit.\n"


def page(title: str, *parts: str) -> str:
    """Return a whole page: its title, the note that it is generated, and its parts."""
    return "\n".join([f"# {title}\n", NOTE, *(_filled(part) for part in parts)])


def _filled(part: str) -> str:
    if part.startswith(("|", "#")):
        return part.rstrip() + "\n"
    paragraphs = re.split(r"\n{2,}", part.strip())
    return "\n\n".join(textwrap.fill(one, 118, break_on_hyphens=False) for one in paragraphs) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a cell keeps to its column whatever it holds."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(value: object) -> str:
    """Return a value as one cell."""
    return re.sub(r"\s+", " ", str(value)).replace("|", "\\|").strip()


def code(value: object) -> str:
    """Return a value as code."""
    return f"`{value}`"


def codes(values: Iterable[object]) -> str:
    """Return values as code, with commas between."""
    return ", ".join(code(value) for value in values)


def words(docstring: str | None) -> str:
    """Return a docstring as Markdown: its double backquotes become single ones."""
    return re.sub(r"``(.*?)``", r"`\1`", (docstring or "").strip(), flags=re.DOTALL)


def first_sentence(text: str) -> str:
    """Return the first sentence of a text."""
    flat = re.sub(r"\s+", " ", text).strip()
    found = re.match(r"(.*?[.!?])(?:\s|$)", flat)
    return found[1] if found else flat
