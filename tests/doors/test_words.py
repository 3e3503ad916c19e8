"""One word a thing: words that the house gave up do not come back as names. Prose is not bound.

`docs/glossary.md` has the words that are used instead.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GIVEN_UP = {
    "arrivals": "the feed, what shops and helpdesks have said",
    "courier": "dispatcher",
    "desk": "a ticket session",
    "doubt": "item, review_item",
    "doubts": "review_items",
    "kept": "what is kept: cached, stored, preloaded, left",
    "letter": "delivery",
    "lone": "(nothing; every query goes one way)",
    "news": "update",
    "pledge": "the terms of a promise",
    "settle": "reconcile_grants, adjust_hold_to, repay_owed, judge",
    "sought": "where_after, page_of",
    "tell": "emit_*, publish_*, page_of, event_data",
    "tells": "emit_*, publish_*, page_of, event_data",
    "together": "preload; or units last, as in batch_rows_max",
    "told": "what it is: stated, emitted, event_data",
    "ways": "edges, or what they are ways of",
}
"""A word that may not be part of a name, and what to write instead."""
WHOLE = {"Book": "CustomerAccount", "Part": "PageRequest", "Slice": "Page", "book_due": "post_due_expiries"}
"""Names that may not come back whole."""
PARTICIPLES = {"given", "said", "seen", "taken", "want", "wanted"}
"""Words that say only that somebody gave a thing. A name says what the thing is: `content`, `headers`, `line_ids`."""
ELSEWHERE = {
    ("app/api/graphql/limits.py", "Part"),
    ("app/db/write.py", "_Part"),
    ("app/domain/account/payment_dispute.py", "wanted"),
    ("app/usecases/orders/payment_disputes.py", "wanted"),
}
"""What bears such a name and is another thing: a part of a query or of a statement; a column of stored disputes."""


def parts(name: str) -> list[str]:
    """The words of a name: ``_tellCharge`` and ``TELL_CHARGE`` are both tell, charge."""
    return [part.lower() for part in re.split(r"_+|(?<=[a-z0-9])(?=[A-Z])", name) if part]


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a module makes: variables, parameters, attributes, functions, classes and aliases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                if alias.asname is not None:
                    yield node.lineno, alias.asname


def loop_variables(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The names that loops, comprehensions and lambdas give to what they walk over."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            targets = [node.target]
        elif isinstance(node, ast.Lambda):
            for parameter in node.args.args:
                yield parameter.lineno, parameter.arg
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name):
                    yield part.lineno, part.id


def faults(source: str, path: str) -> list[str]:
    """What is wrong with the names of a module, and what to call each instead."""
    tree = ast.parse(source)
    found = [(0, part) for part in Path(path).with_suffix("").parts] + list(names(tree))
    wrong = []
    for line, name in found:
        given_up = [part for part in parts(name) if part in GIVEN_UP]
        wrong += [f"{path}:{line} {name}: call it {GIVEN_UP[part]}" for part in given_up]
        if name.lstrip("_").lower().startswith("most_"):
            wrong.append(f"{path}:{line} {name}: units last, as in rows_max")
        if name.lstrip("_") in WHOLE and (path, name) not in ELSEWHERE:
            wrong.append(f"{path}:{line} {name}: call it {WHOLE[name.lstrip('_')]}")
        if name.strip("_").lower() in PARTICIPLES and (path, name) not in ELSEWHERE:
            wrong.append(f"{path}:{line} {name}: say what it is, not that somebody gave or said it")
    wrong += [f"{path}:{line} one: call it by its noun" for line, name in loop_variables(tree) if name == "one"]
    return wrong


def test_no_name_of_the_house_is_a_word_that_was_given_up() -> None:
    found = [
        fault
        for path in sorted((ROOT / "app").rglob("*.py"))
        for fault in faults(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "told = 1",
        "def _tell_charge(): pass",
        "def told(self): pass",
        "class Desk: pass",
        "class Book: pass",
        "class Seen: pass",
        "def f(given): pass",
        "_wanted = 1",
        "doubts = []",
        "MOST_ROWS = 3",
        "def f(most_seconds): pass",
        "from app.db import preload as together",
        "[one for one in rows]",
        "for key, one in rows.items(): pass",
        "sorted(rows, key=lambda one: one.at)",
    ],
)
def test_a_word_that_comes_back_is_seen(source: str) -> None:
    assert faults(source, "app/x.py") != []


def test_what_goes_back_and_what_is_taken_back_are_names_of_things() -> None:
    assert faults("given_back = taken_back = 1", "app/x.py") == []


def test_a_file_is_a_name_too_and_prose_is_free() -> None:
    assert faults("", "app/api/" + "ways.py") != []
    assert faults('x = "Nobody was told in which ways it was kept."  # one by one', "app/x.py") == []
