"""Docstrings have short sentences: somebody reads them in a hurry, or beside a clause of the policy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORDS_MAX = 25
"""The house wants 20 words at most; a few are needed more where a sentence names a list."""
LISTS = ("Facts",)
"""How the sentences begin that only list the names of facts."""
FILES = sorted((ROOT / "app").rglob("*.py"))


def texts(tree: ast.Module) -> Iterator[tuple[int, int, str]]:
    """The docstrings of a module, of its classes, functions and constants, each with its line and its column."""
    for node in ast.walk(tree):
        for statement in getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ():
            constant = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                yield statement.lineno, statement.col_offset, constant.value


def long_sentences(source: str) -> list[str]:
    """The sentences with more words than there may be. Items of a list count by themselves, and blocks are code."""
    found = []
    for line, column, text in texts(ast.parse(source)):
        prose = re.sub(rf"(?m)^ {{{column + 4}}}.*$", "", text)
        for part in re.split(r"\n\s*\n|\n\s*- ", prose):
            for sentence in re.split(r"(?<=[.!?])\s+", " ".join(part.split())):
                words = len(re.findall(r"[\w'`.{}/-]+", sentence))
                if words > WORDS_MAX and not sentence.startswith(LISTS):
                    found.append(f"{line}: {words} words: {sentence}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_sentence_of_a_docstring_is_long(path: Path) -> None:
    assert long_sentences(path.read_text(encoding="utf-8")) == []


def test_a_long_sentence_is_seen() -> None:
    assert long_sentences(f'"""{"word " * (WORDS_MAX + 1)}"""') != []
    assert long_sentences(f'"""{"word " * WORDS_MAX}"""') == []
    assert long_sentences('X = 1\n"""' + "word " * 30 + '"""') != []
    assert long_sentences('"""A form::\n\n    ' + "word " * 30 + '\n"""') == []
    assert long_sentences('def f():\n    """First.\n\n    ' + "word " * 30 + '\n    """') != []
