"""The house rules that import-linter cannot hold: time is an argument, one commit, no float, no vendor names."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import cli
from app.api.catalogue import CATALOGUE
from app.api.operations import registry
from app.api.problems import body_of, known, register
from app.domain.policy.reason_codes import reason_codes
from app.usecases.tenants import tenants

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for path in (ROOT / "app").rglob("*.py"))
CLOCKS = {"app/api/deps.py", "app/worker.py"}
COMMITS = {"app/db/engine.py", "app/db/driver.py"}
"""The engine, and the end of its transaction at the driver, which nobody else calls."""
VENDORS = re.compile(r"cactu|cs-?cart|avactis|shopp(?!ing)|x-?cart", re.IGNORECASE)
FORMER = re.compile(r"shopper")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def asks_the_clock(node: ast.Attribute) -> bool:
    owner = ast.unparse(node.value)
    return node.attr in ("utcnow", "today") or (node.attr == "now" and owner in ("datetime", "datetime.datetime"))


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


def test_only_the_engine_ends_a_transaction_at_the_driver() -> None:
    found = {
        name(path)
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module == "app.db.driver"
        for alias in node.names
        if alias.name == "end"
    }
    found |= {
        name(path)
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == "end" and ast.unparse(node.value) == "driver"
    }
    assert found == {"app/db/engine.py"}


RULE_METHODS = frozenset(
    {
        "grant",
        "adjust",
        "debit",
        "hold_more_for",
        "capture",
        "capture_for",
        "release_for",
        "refund",
        "refund_for",
        "void",
        "void_grant",
        "withdraw",
        "transfer_out",
        "transfer_in",
        "expire_holds",
        "book_due",
        "settle",
        "settle_to",
        "fall_due",
    }
)
"""What grants, folds or ends things: methods of the ledger, of the ticket's session, of the orders' fold."""


def test_the_database_calls_no_rule() -> None:
    """`app.db` reads and writes; import-linter holds which rules it imports, and this what it asks of a ledger."""
    found = [
        f"{name(path)}:{node.lineno} {node.func.attr}"
        for path in FILES
        if name(path).startswith("app/db/")
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RULE_METHODS
    ]
    assert found == []


WRITTEN_AT_ONCE = (
    "account|lot|hold|hold_line|operation|entry|outbox|entity_event|license|cover|choice|addon|payment_dispute|ticket"
    "|clock|clock_outcome"
)
INSERTS = re.compile(rf"insert into (?:{WRITTEN_AT_ONCE})\b|\b(?:insert|upsert)\(s?\.?(?:{WRITTEN_AT_ONCE})_?\)")


def test_effects_reach_the_tables_by_one_path() -> None:
    """What rules ask for goes through the writer: nothing else adds rows to these tables."""
    found = [
        name(path)
        for path in FILES
        if name(path) != "app/db/write.py" and INSERTS.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    assert INSERTS.search((ROOT / "app/db/write.py").read_text(encoding="utf-8"))


def test_no_float_in_the_domain() -> None:
    """Credits are integers and money is exact."""
    found = []
    for path in FILES:
        if not name(path).startswith(("app/domain/", "app/documents/trial/")):
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


def test_every_noun_of_the_table_is_mounted() -> None:
    """One that is written and not mounted would be missed by nobody but its callers."""
    written = [
        path.stem
        for path in (ROOT / "app/api/operations").glob("*.py")
        if re.search(r"^OPERATIONS =", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert sorted(noun.__name__.rpartition(".")[2] for noun in registry.NOUNS) == sorted(written)


@pytest.mark.parametrize("broken", ["app.api.operations.orders", "app.api.graphql.schema"])
def test_a_door_that_cannot_be_imported_stops_the_start(broken: str) -> None:
    """Half a service that answers 404 for the rest is worse than none."""
    program = (
        f"import sys; sys.modules[{broken!r}] = None\n"
        "from app.main import create_app\n"
        "from tests.support.api import settings_for\n"
        "create_app(settings_for('postgresql://nowhere/nothing'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"import of {broken} halted" in done.stderr


def test_every_command_is_there() -> None:
    """The command line imports the module of a command by its name: each name has a module, each module a name."""
    modules = {path.stem for path in (ROOT / "app/commands").glob("*.py")} - {
        "__init__",
        "base",
        "import_files",
        "remote",
        "samples",
    }
    assert {cli.module_of(name).rpartition(".")[2] for name in cli.COMMANDS} == modules
    for name in cli.COMMANDS:
        module = importlib.import_module(cli.module_of(name))
        assert callable(getattr(module, "run", None)) or hasattr(module, "app")


def outcomes(node: ast.expr) -> Iterator[ast.AST]:
    """What an expression can be; of a condition only its two ends."""
    if isinstance(node, ast.IfExp):
        yield from outcomes(node.body)
        yield from outcomes(node.orelse)
    else:
        yield from ast.walk(node)


def raised_codes() -> Iterator[tuple[str, str]]:
    for path in FILES:
        for node in nodes(path):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in ("DomainError", "Problem", "problem") and node.args:
                if isinstance(node.args[0], ast.JoinedStr):
                    continue
                for one in outcomes(node.args[0]):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        yield one.value, f"{name(path)}:{node.lineno}"


def test_every_code_raised_is_in_the_catalogue() -> None:
    """Codes are a promise: each has a cause and a next step."""
    policy_codes = set(shipped_reason_codes())
    missing = sorted(
        {f"{code} ({where})" for code, where in raised_codes() if code not in CATALOGUE and code not in policy_codes}
    )
    assert missing == []


def shipped_reason_codes() -> Iterator[str]:
    for one in reason_codes(policy for policy, _ in tenants.templates().values()):
        yield one.code


def reasons_made() -> Iterator[tuple[str, str]]:
    """Codes that the engine itself gives as reasons, whatever the policy."""
    for path in FILES:
        for node in nodes(path):
            if not isinstance(node, ast.Call):
                continue
            given: list[ast.expr] = []
            if getattr(node.func, "id", "") in ("Reason", "NotGranted"):
                given = [word.value for word in node.keywords if word.arg == "code"]
            elif getattr(node.func, "attr", "") == "reason" and node.args:
                given = [node.args[0]]
            for one in given:
                for part in (one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,):
                    if isinstance(part, ast.Constant):
                        yield str(part.value), f"{name(path)}:{node.lineno}"


def test_every_reason_has_its_page() -> None:
    """Also those that only a shipped policy knows: with the rule's message and what to do."""
    register(reason_codes(policy for policy, _ in tenants.templates().values()))
    missing = [f"{code} ({where})" for code, where in reasons_made() if known(code) is None]
    assert missing == []
    for code in shipped_reason_codes():
        found = body_of(code)
        assert found["type"] == f"/problems/{code}"
        entry = known(code)
        assert entry
        assert "{" not in entry.cause
        assert len(entry.cause) > 10
        assert entry.next_step
        assert len(entry.next_step) > 10
    assert body_of("a_code_of_a_tenant_s_own")["type"] == "/problems/policy_reason"


APOLLOS = {
    "PERSISTED_QUERY_NOT_FOUND": (200, "PersistedQueryNotFound"),
    "PERSISTED_QUERY_NOT_SUPPORTED": (200, "PersistedQueryNotSupported"),
}
"""Apollo's protocol of persisted queries fixes code, status and message: clients compare them by letter."""


@pytest.mark.parametrize("code", sorted(CATALOGUE.keys() | APOLLOS.keys()))
def test_every_entry_says_what_and_what_to_do(code: str) -> None:
    entry = CATALOGUE[code]
    if code in APOLLOS:
        assert (entry.status, entry.cause) == APOLLOS[code]
    else:
        assert re.fullmatch(r"[a-z][a-z0-9_]{2,60}", code)
        assert 400 <= entry.status <= 599
        assert len(entry.cause) > 15
        assert entry.cause.endswith(".")
    assert entry.title
    assert not entry.title.endswith(".")
    assert len(entry.next_step) > 10
    assert entry.next_step.endswith((".", "}."))


def imports() -> dict[str, set[str]]:
    """What each module of the house imports of the house, also where only a type checker does."""
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        named: set[str] = set()
        for node in nodes(path):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                named |= inside if inside <= modules.keys() else {node.module, *inside}
        found[module] = (named & modules.keys()) - {module}
    return found


def test_the_nouns_of_the_domain_are_eleven_and_import_along_few_arrows() -> None:
    """A new arrow between two nouns is drawn on purpose: here, in `docs/architecture.md` and in `pyproject.toml`."""
    arrows = {
        (module.split(".")[2], found.split(".")[2])
        for module, named in imports().items()
        for found in named
        if module.startswith("app.domain.") and found.startswith("app.domain.")
    }
    between = {(noun, other) for noun, other in arrows if noun != other}
    assert len(list((ROOT / "app/domain").glob("*/__init__.py"))) == 11
    assert len(between) == 27, sorted(between)


def reached(start: str, graph: dict[str, set[str]]) -> set[str]:
    """The modules that a module imports, directly or by way of others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for module in graph[waiting.pop()] - seen:
            seen.add(module)
            waiting.append(module)
    return seen


def test_no_import_goes_round_in_a_circle() -> None:
    """Two modules that need each other are one; a type that both need stands below them."""
    graph = imports()
    circles = {module for module in graph if module in reached(module, graph)}
    assert circles == set()


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def test_files_classes_and_functions_stay_small_enough_to_read() -> None:
    """A file has at most 500 lines, a class 350, a function 120."""
    lines = {name(path): path.read_text(encoding="utf-8").count("\n") for path in FILES}
    assert {file for file, count in lines.items() if count > 500} == set()
    classes = {node.name: _length(node) for path in FILES for node in nodes(path) if isinstance(node, ast.ClassDef)}
    assert {kind for kind, count in classes.items() if count > 350} == set()
    assert [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > 121
    ] == []
