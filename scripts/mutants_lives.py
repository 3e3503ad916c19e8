"""The mends of four faults taken out again: whole lives must notice what single tests of a part once did not."""

from __future__ import annotations

from typing import Final

LIVES: Final = "tests/lives/test_lives.py::test_a_life_that_once_found_a_fault"

ROWS: Final = (
    (
        "lives: credits given back to a refunded unit can be used",
        "app/domain/ledger/units.py",
        'return min(credits, claimed(lot)) if "claim" in lot.data else 0',
        "return 0",
        f"{LIVES}[back_to_a_refunded_unit]",
    ),
    (
        "lives: a lot's money knows nothing of its order's refund",
        "app/domain/ledger/money_back.py",
        'by_order = paid_back(lot, "order", "correction")',
        "by_order = 0",
        f"{LIVES}[money_by_two_doors]",
    ),
    (
        "lives: what is paid back by discretion stays usable",
        "app/usecases/credits/lots.py",
        "        voided = take(account.ledger, family, mine, why).voided\n",
        '        voided = account.ledger.void(lot.lot_id, reason="refunded") if lot.available else 0\n',
        f"{LIVES}[paid_back_and_given_back]",
    ),
    (
        "lives: a credit is paid back while an open ticket holds it",
        "app/domain/ledger/money_back.py",
        "return none(rules.in_use_code) if lot.held and not service_provided else",
        "return",
        f"{LIVES}[paid_back_in_use]",
    ),
    (
        "lives: a refund does not look where credits were given",
        "app/db/given.py",
        "        for row in await tx.rows(_GIVEN, by):",
        "        for row in ():",
        f"{LIVES}[refund_of_what_was_given_away]",
    ),
)
"""(name, file, what stands there, what the mutant writes, the test)."""
