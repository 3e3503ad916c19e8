"""`make mutants`: changes one rule of the ledger, of a clock or of a policy in a copy, and shows which test catches it.

A mutant that no test catches is a hole in the tests; the run then ends with 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts import mutants_clocks, mutants_lives, mutants_refunds

ROOT = Path(__file__).resolve().parent.parent
RULES = "tests/ledger/test_rules.py"
RACES = "tests/ledger/test_races.py"
JOINING = "tests/ledger/test_joining.py"
DOORS = "tests/ledger/test_credits_at_the_door.py"
MERGED = "tests/ledger/test_merged_accounts.py"


@dataclass(frozen=True)
class Mutant:
    """One change of a rule, and the test that must notice."""

    name: str
    path: str
    old: str
    new: str
    test: str


MUTANTS = (
    Mutant(
        "the customer's lock is left out",
        "app/db/ledger/read.py",
        " where tenant_id = :tenant and external_id = any(:external) order by customer_id for update",
        " where tenant_id = :tenant and external_id = any(:external) order by customer_id",
        f"{RACES}::test_two_writers_never_overspend_at_the_boundary_of_lots",
    ),
    Mutant(
        "never-ending lots are spent first",
        "app/domain/ledger/journal.py",
        "lot.expires_at or NEVER,",
        "lot.expires_at or datetime.min.replace(tzinfo=UTC),",
        f"{RULES}::test_ava_13_spends_what_ends_soonest_and_never_last",
    ),
    Mutant(
        "paid before free",
        "app/domain/ledger/journal.py",
        "1 if paid else 0,",
        "0 if paid else 1,",
        f"{RULES}::test_the_order_of_spending_is_total",
    ),
    Mutant(
        "credits are given back in the order they were taken",
        "app/domain/ledger/giving_back.py",
        "entries: list[Entry] = []\n    left = credits\n    for line in reversed(hold.lines):",
        "entries: list[Entry] = []\n    left = credits\n    for line in list(hold.lines):",
        f"{RULES}::test_release_and_refund_go_in_reverse_to_the_same_lots",
    ),
    Mutant(
        "a refund goes to the newest lot",
        "app/domain/ledger/giving_back.py",
        "    lot = journal.lots[line.lot_id]\n    if source == ",
        "    lot = list(journal.lots.values())[-1]\n    if source == ",
        f"{RULES}::test_release_and_refund_go_in_reverse_to_the_same_lots",
    ),
    Mutant(
        "expiry is ignored",
        "app/domain/ledger/journal.py",
        "return account is not None and account.next_expiry is not None and account.next_expiry <= self.at",
        "return False",
        f"{RULES}::test_a_lot_is_valid_strictly_before_its_end",
    ),
    Mutant(
        "a lot is still good at the instant of its end",
        "app/domain/ledger/journal.py",
        "account.next_expiry <= self.at",
        "account.next_expiry < self.at",
        f"{RULES}::test_a_lot_is_valid_strictly_before_its_end",
    ),
    Mutant(
        "credits returned to a dead lot live again",
        "app/domain/ledger/giving_back.py",
        "    if lot.expires_at is None or at < lot.expires_at:\n        return None\n    journal.move(",
        "    if lot.expires_at is None or at != lot.expires_at:\n        return None\n    journal.move(",
        f"{RULES}::test_all_4_credits_returned_to_an_expired_lot_are_forfeited_with_both_lines",
    ),
    Mutant(
        "the replay is looked for after the balance",
        "app/usecases/credits/credits.py",
        "        if command.key is not None and (known := batch.known.get(command.key)) is not None:\n"
        "            return _replay(command, known)\n        who = _customer_of(batch, command)\n",
        "        who = _customer_of(batch, command)\n        if command.customer_id and who.ledger.available() < 1:\n"
        "            raise DomainError('insufficient_credits', available=0, required=1, missing=1)\n"
        "        if command.key is not None and (known := batch.known.get(command.key)) is not None:\n"
        "            return _replay(command, known)\n",
        f"{DOORS}::test_the_replay_comes_before_the_balance",
    ),
    Mutant(
        "a key is not compared with its payload",
        "app/usecases/credits/credits.py",
        "if kind != command.kind or digest != command.digest():",
        "if kind != command.kind:",
        f"{DOORS}::test_the_same_key_answers_the_same_and_takes_once",
    ),
    Mutant(
        "more can be captured than is held",
        "app/domain/ledger/ledger.py",
        '            if credits_ > hold.open:\n                raise DomainError("over_capture"',
        '            if credits_ > hold.open + 1:\n                raise DomainError("over_capture"',
        f"{RULES}::test_over_capture_release_and_refund_are_refused",
    ),
    Mutant(
        "a refusal keeps what it booked",
        "app/domain/ledger/expiry.py",
        "    except DomainError:\n        journal.rollback(before)\n        raise",
        "    except DomainError:\n        raise",
        f"{RULES}::test_a_refused_command_leaves_no_trace_even_where_something_was_due",
    ),
    Mutant(
        "lots of a license serve everybody",
        "app/domain/ledger/lot.py",
        'if self.scope == "license" and (license_id is None or self.license_id != license_id):',
        "if False:",
        f"{RULES}::test_credits_of_a_license_serve_that_license_only",
    ),
    Mutant(
        "what comes back to an absorbed account stays there",
        "app/domain/ledger/ledger.py",
        "self.arrived += pass_on(owner, self)",
        "self.arrived += []",
        f"{MERGED}::test_a_debit_of_an_absorbed_account_is_refunded_to_the_one_that_took_it_over",
    ),
    Mutant(
        "a refunded order looks only where it was granted",
        "app/domain/ledger/lot.py",
        'bought = self.data.get("bought")\n        if not bought',
        "bought = None\n        if not bought",
        f"{MERGED}::test_an_order_of_an_absorbed_account_is_taken_back_where_its_credits_are",
    ),
    Mutant(
        "two names of one account are two accounts",
        "app/usecases/credits/credits.py",
        "who = batch.customers.get(row.customer_id)",
        "who = None",
        f"{MERGED}::test_one_batch_under_both_names_takes_from_one_account",
    ),
    Mutant(
        "neighbours wait for a customer that is locked",
        "app/db/gather.py",
        "if isinstance(failure, Locked) and self._patient is not None and not patient:",
        "if failure is None:",
        f"{RACES}::test_neighbours_of_a_locked_customer_do_not_wait_for_it",
    ),
    Mutant(
        "a hold joins a batch that has not looked up whose it is",
        "app/usecases/credits/credit_command.py",
        'return ("hold", self.hold_id) if self.hold_id else ("customer", self.customer_id or "")',
        'return ("customer", self.customer_id or self.hold_id or "")',
        f"{JOINING}::test_nobody_overtakes_a_neighbour_or_a_hold",
    ),
    Mutant(
        "a batch whose callers were given up takes others in",
        "app/db/gather.py",
        " if serving in self._running else []",
        "",
        f"{JOINING}::test_nobody_joins_a_batch_whose_callers_were_given_up",
    ),
)


MUTANTS += tuple(Mutant(*row) for row in (*mutants_clocks.ROWS, *mutants_refunds.ROWS, *mutants_lives.ROWS))


def run(folder: Path, test: str) -> bool:
    """Whether the test passes."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": ".", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{test} could not be run:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return done.returncode == 0


def main() -> None:
    """Runs every mutant, or those whose name holds a given word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="")
    given = parser.parse_args()
    survived = []
    with tempfile.TemporaryDirectory(prefix="retainer-mutants-") as name:
        folder = Path(name) / "copy"
        folder.mkdir()
        folder.parent.chmod(0o755)
        for part in ("app", "tests", "migrations", "bench"):
            if (ROOT / part).exists():
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("pyproject.toml", "README.md"):
            if (ROOT / part).exists():
                shutil.copy(ROOT / part, folder / part)
        for mutant in MUTANTS:
            if given.only not in mutant.name:
                continue
            path = folder / mutant.path
            original = path.read_text()
            if original.count(mutant.old) != 1:
                raise SystemExit(f"{mutant.name}: its text is not there once in {mutant.path}")
            path.write_text(original.replace(mutant.old, mutant.new))
            caught = not run(folder, mutant.test)
            path.write_text(original)
            print(f"{'caught  ' if caught else 'SURVIVED'} {mutant.name}\n         by {mutant.test}", flush=True)
            if not caught:
                survived.append(mutant.name)
    if survived:
        raise SystemExit(f"{len(survived)} survived: {', '.join(survived)}")


if __name__ == "__main__":
    main()
