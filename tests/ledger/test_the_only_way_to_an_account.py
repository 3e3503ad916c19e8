"""A wall: accounts are locked and loaded in one place each; all else goes through `app.db.account.accounts`.

Whoever locks a customer's row by itself would have to look again under the lock whether it went into another account.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ACCOUNTS = "app/db/account/accounts.py"
STATEMENTS = "app/db/account/lock_statements.py"
LOCKS = {
    ACCOUNTS: "`lock_customers`, which looks under the lock",
    STATEMENTS: "the statements of `accounts`, which alone runs them",
    "app/db/account/payers.py": "accounts that pay for a person, who is looked at under the lock",
    "app/db/ledger/read.py": "batches of credit commands, which follow `merged_into` under the lock",
    "app/db/agenda.py": "what falls due, which goes through `accounts` for each customer again",
}
READERS = ("app/db/ledger/read.py", "app/db/ledger/window.py")
LOCKED_BATCHES = {"app/usecases/credits/credits.py"}
LOADS = {
    ACCOUNTS: {"load"},
    "app/usecases/credits/credits.py": {"load"},
    "app/usecases/credits/due.py": {"load"},  # one closed hold of an account that is locked by now
    "app/db/account/licenses.py": {"load_as_of"},  # reads how it stood
    "app/db/ledger/audit.py": {"load"},  # compares it
    "app/usecases/credits/accounts.py": {"load", "load_as_of"},  # answers questions
    "app/db/account/preload.py": {"load"},  # reads many at once, for the graph
}
CUSTOMER_LOCK = re.compile(r"\bfrom\s+customer\b.*\bfor\s+(no\s+key\s+)?(update|share)", re.DOTALL | re.IGNORECASE)
LOADERS = ("load", "load_as_of", "lock")


def modules() -> list[tuple[str, ast.Module]]:
    return [(path.as_posix(), ast.parse(path.read_text())) for path in sorted(Path("app").rglob("*.py"))]


def _locks_customers(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return CUSTOMER_LOCK.search(node.value) is not None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "with_for_update":
        return re.search(r"\bcustomer\b(?!_)", ast.unparse(node.func.value)) is not None
    return False


def _of_ledger(tree: ast.Module) -> set[str]:
    """The names under which a module knows `app.db.ledger.read` and `app.db.ledger.window`."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "app.db.ledger"
        for alias in node.names
        if alias.name in ("read", "window")
    }


def _calls_of_ledger(tree: ast.Module) -> set[str]:
    names = _of_ledger(tree)
    found = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in names
        and node.func.attr in LOADERS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "app.db.ledger.read":
            found |= {alias.name for alias in node.names} & set(LOADERS)
    return found


def test_rows_of_customers_are_locked_in_these_places_alone() -> None:
    found = {name for name, tree in modules() if any(_locks_customers(node) for node in ast.walk(tree))}
    assert found == set(LOCKS)


def test_the_statements_that_lock_are_run_by_accounts_alone() -> None:
    users = {path for path, tree in modules() if path != STATEMENTS and "lock_statements" in ast.unparse(tree)}
    assert users == {ACCOUNTS}


def test_credits_are_loaded_in_these_places_alone() -> None:
    found = {
        name: calls - {"lock"}
        for name, tree in modules()
        if (calls := _calls_of_ledger(tree)) - {"lock"} and name not in READERS
    }
    assert found == LOADS
    locks = {name for name, tree in modules() if "lock" in _calls_of_ledger(tree)}
    assert locks == LOCKED_BATCHES


def test_whole_accounts_are_read_in_one_place_alone() -> None:
    found = {name for name, tree in modules() if "account_rows" in ast.unparse(tree)}
    pages = {"app/db/account/shown.py", "app/db/account/statement.py", "app/db/lists.py"}  # rows of a page, no accounts
    many = "app/db/account/many.py"  # several whole accounts at once, for an import
    parts = "app/db/ledger/window.py"  # puts together what the selects of a page read
    assert found == {ACCOUNTS, "app/db/account/account_rows.py", many, parts, *pages}


def test_the_wall_sees_a_hole() -> None:
    holes = (
        "x = text('select 1 from customer where tenant_id = :t for update')",
        "x = select(s.customer.c.customer_id).with_for_update()",
    )
    for hole in holes:
        assert any(_locks_customers(node) for node in ast.walk(ast.parse(hole)))
    hole = "from app.db.ledger import read as rows\nrows.load_as_of(tx, 'c')"
    assert _calls_of_ledger(ast.parse(hole)) == {"load_as_of"}
