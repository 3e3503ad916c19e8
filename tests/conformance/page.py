"""The page of the conformance suite: each clause of the five documents, its tests, and what came of them.

A test keeps the clause that its name begins with: ``test_xc_2_the_due_second_...`` keeps XC-2. The page is made by
``scripts/conformance.py``, which runs the suite; what it says of names is checked without running anything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.documents.policy_document import load_policy

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
DOCUMENTS = ("cactushop", "cs-cart", "avactis", "shopp", "x-cart")
COUNTS = {"CACTU": 15, "CSC": 24, "AVA": 16, "SHOPP": 25, "XC": 14, "ALL": 5}
"""How many clauses each text has; 99 together."""
EXAMPLES = {
    "block-hours": ("HD", 14),
    "hivemq": ("HMQ", 10),
    "hostdime": ("HDM", 6),
    "phpkb": ("PKB", 12),
    "report-server": ("TRS", 8),
    "sensage": ("SEN", 9),
    "wp-superhelp": ("WPS", 8),
}
"""Published policies as example documents in ``docs/examples/``: the prefix and the number of their clauses."""

HEAD = """# Conformance

Made by `scripts/conformance.py`, which runs the suite in `tests/conformance/`; do not edit. Each clause of the five
texts (and the five that hold for all) has tests named by it, which drive the service over HTTP on a virtual clock.

*Rests on*: words of the vendor's page. *Reading*: the text is silent or leaves it open, and this is how we read it.

"""

EXAMPLES_HEAD = """
## Published policies of other vendors

Written as documents in `docs/examples/`, without a line of code: facts of the vendors' public pages, in our words.

"""


@dataclass(slots=True)
class Clause:
    """A clause in brief, with the tests that keep it."""

    id: str
    text: str
    source: str | None
    reading: bool
    tests: list[str] = field(default_factory=list)


def examples() -> dict[str, Clause]:
    """The clauses of the example documents, without those that hold for all."""
    found: dict[str, Clause] = {}
    for name, (prefix, _) in EXAMPLES.items():
        text = (ROOT / "docs" / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
        for one in load_policy(text).clauses:
            if one.id.startswith(f"{prefix}-"):
                found[one.id] = Clause(one.id, " ".join(one.text.split()), one.source, one.reading)
    return found


def clauses() -> dict[str, Clause]:
    """The clauses of the five documents, in the order of the texts; those that hold for all last, once."""
    found: dict[str, Clause] = {}
    for name in DOCUMENTS:
        text = (ROOT / "app" / "policies" / f"{name}.yaml").read_text(encoding="utf-8")
        for one in load_policy(text).clauses:
            found.setdefault(one.id, Clause(one.id, " ".join(one.text.split()), one.source, one.reading))
    prefixes = list(COUNTS)
    order = sorted(found, key=lambda id_: (prefixes.index(id_.split("-")[0]), int(id_.split("-")[1])))
    return {id_: found[id_] for id_ in order}


def clause_of(test: str) -> str | None:
    """The clause that a test's name begins with."""
    match = re.match(r"test_([a-z]+)_(\d+)_", test)
    return None if match is None else f"{match[1].upper()}-{match[2]}"


def tests() -> list[str]:
    """The suite's tests, by file and place: ``test_x_cart.py::test_xc_1_...``."""
    return [
        f"{path.name}::{node.name}"
        for path in sorted((ROOT / "tests" / "conformance").glob("test_*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and clause_of(node.name) is not None
    ]


def kept() -> dict[str, Clause]:
    """Every clause with its tests, those of the examples last."""
    found = {**clauses(), **examples()}
    for test in tests():
        clause = found.get(clause_of(test.split("::")[1]) or "")
        if clause is not None:
            clause.tests.append(test)
    return found


def page(outcomes: Mapping[str, Iterable[str]]) -> str:
    """The page. ``outcomes``: test -> the outcomes of its cases."""
    found, of_examples = kept(), examples()
    five = {id_: one for id_, one in found.items() if id_ not in of_examples}
    others = {id_: one for id_, one in found.items() if id_ in of_examples}
    return HEAD + _table(five, outcomes) + EXAMPLES_HEAD + _table(others, outcomes)


def _table(found: Mapping[str, Clause], outcomes: Mapping[str, Iterable[str]]) -> str:
    results = {id_: _result(one.tests, outcomes) for id_, one in found.items()}
    passed = sum(result.startswith("passed") for result in results.values())
    lines = [
        f"**{passed} of {len(found)}** clauses have a passing test.\n",
        "| clause | text in brief | rests on | reading | tests | result |",
        "|---|---|---|---|---|---|",
    ]
    for id_, one in found.items():
        names = "<br>".join(f"`{test.split('::')[1]}`" for test in one.tests)
        source = "" if one.source is None else f"“{_cell(one.source)}”"
        cells = (id_, _cell(one.text), source, "ours" if one.reading else "", names, results[id_])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def names_in(text: str) -> dict[str, list[str]]:
    """What a page says of clauses and tests: clause -> its tests; results are left out."""
    rows = re.findall(r"^\| ([A-Z]+-\d+) \|.*?\| ([^|]*) \| [^|]* \|$", text, re.MULTILINE)
    return {id_: re.findall(r"`(test_\w+)`", cell) for id_, cell in rows}


def names_now() -> dict[str, list[str]]:
    """The same, as the suite stands now."""
    return {id_: [test.split("::")[1] for test in one.tests] for id_, one in kept().items()}


def failing(outcomes: Mapping[str, Iterable[str]]) -> list[str]:
    """The clauses without a test of which every case passed, or with one that failed."""
    return [id_ for id_, one in kept().items() if not _result(one.tests, outcomes).startswith("passed")]


def _result(names: list[str], outcomes: Mapping[str, Iterable[str]]) -> str:
    cases = [outcome for name in names for outcome in outcomes.get(name, ())]
    if not cases:
        return "no test"
    failed = sum(outcome != "passed" for outcome in cases)
    return f"passed ({len(cases)})" if not failed else f"**{failed} of {len(cases)} failed**"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
