"""The house rules that import-linter cannot hold: time is an argument, one commit, no float, no vendor names."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import main
from app.api.catalogue import CATALOGUE
from app.usecases import tenants

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for path in (ROOT / "app").rglob("*.py"))
CLOCKS = {"app/api/deps.py", "app/worker.py"}
COMMITS = {"app/db/engine.py"}
VENDORS = re.compile(r"cactu|cs-?cart|avactis|shopp(?!ing)|x-?cart", re.IGNORECASE)
FORMER = re.compile(r"shopper")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def asks_the_clock(node: ast.Attribute) -> bool:
    owner = ast.unparse(node.value)
    return node.attr in ("utcnow", "today") or (
        node.attr == "now" and owner in ("datetime", "datetime.datetime")
    )


def test_only_the_doors_and_the_worker_read_the_wall_clock() -> None:
    """Rules and use cases take ``at``: else an answer could not be asked for again."""
    found = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        if name(path) not in CLOCKS
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and asks_the_clock(node)
    ]
    assert found == []


def test_only_the_engine_commits() -> None:
    """One transaction a call, committed before the answer leaves."""
    found = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        if name(path) not in COMMITS and not name(path).startswith("app/commands/")
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert found == []


def test_no_float_in_the_domain() -> None:
    """Credits are integers and money is exact."""
    found = []
    for path in FILES:
        if not name(path).startswith("app/domain/"):
            continue
        for node in nodes(path):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            named = isinstance(node, ast.Name) and node.id == "float"
            if literal or named:
                found.append(f"{name(path)}:{node.lineno}")
    assert found == []


def test_no_vendor_is_named_in_code() -> None:
    """What a vendor differs in is in its policy document."""
    found = []
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = FORMER.sub("", line)
            # Clause ids are how code says which text it rests on. Those of the premium-support terms are written
            # TERMS-n in code, since their own prefix is the vendor's name.
            code = re.sub(r"\b(?:CACTU|AVA|CSC|XC)-\d+", "", code)
            if VENDORS.search(code):
                found.append(f"{name(path)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_every_door_opens() -> None:
    """A door that cannot be imported must not be left out quietly."""
    for door in main.DOORS:
        module = f"app.api.rest.{door}"
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module)
    landed = {path.stem for path in (ROOT / "app/api/rest").glob("*.py")} - {"__init__"}
    mounted = set(main.DOORS)
    missing = {one for one in landed - mounted if "router =" in (ROOT / f"app/api/rest/{one}.py").read_text()}
    assert missing == set()


def raised_codes() -> Iterator[tuple[str, str]]:
    for path in FILES:
        for node in nodes(path):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in ("DomainError", "Problem", "problem") and node.args:
                if isinstance(node.args[0], ast.JoinedStr):
                    continue
                for one in ast.walk(node.args[0]):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        yield one.value, f"{name(path)}:{node.lineno}"


def test_every_code_raised_is_in_the_catalogue() -> None:
    """Codes are a promise: each has a cause and a next step."""
    policy_codes = set(shipped_reason_codes())
    missing = sorted(
        {
            f"{code} ({where})"
            for code, where in raised_codes()
            if code not in CATALOGUE and code not in policy_codes
        }
    )
    assert missing == []


def shipped_reason_codes() -> Iterator[str]:
    for policy, _ in tenants.templates().values():
        for check in policy.qualification.checks:
            yield check.code
        for ground in policy.qualification.grounds:
            yield ground.code
        for gate in policy.qualification.gates:
            yield gate.code
        for action in policy.actions:
            for rule in action.rules:
                yield rule.code


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_entry_says_what_and_what_to_do(code: str) -> None:
    entry = CATALOGUE[code]
    assert re.fullmatch(r"[a-z][a-z0-9_]{2,60}", code)
    assert 400 <= entry.status <= 599
    assert entry.title
    assert not entry.title.endswith(".")
    assert len(entry.cause) > 15
    assert entry.cause.endswith((".", ". "))
    assert len(entry.next_step) > 10
    assert entry.next_step.endswith((".", "}."))


def test_files_and_functions_stay_small_enough_to_read() -> None:
    """A smell, so the bars are high: a file of 1,200 lines or a function of 120 is refused."""
    found = []
    for path in FILES:
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > 1200:
            found.append(f"{name(path)}: {lines} lines")
        found += [
            f"{name(path)}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno} lines"
            for node in nodes(path)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno > 120
        ]
    assert found == []
