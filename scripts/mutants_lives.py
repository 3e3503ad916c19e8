"""The mends of faults taken out again: whole lives must notice what single tests of a part once did not.

Those named ``late`` are of tickets told later than they were opened, which lives found and tests by clause keep.
"""

from __future__ import annotations

from typing import Final

LIVES: Final = "tests/lives/test_lives.py::test_a_life_that_once_found_a_fault"
LATE: Final = "tests/covers/test_late_tickets.py"

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
        "app/db/account/receivers.py",
        '    found = await _follow(tx, _RECEIVERS, near, {"order": order.order_id})',
        "    found: Receivers = {}",
        f"{LIVES}[refund_of_what_was_given_away]",
    ),
    (
        "late: a ticket told late begins a period beside one that runs",
        "app/domain/cover/cover.py",
        "return cover.in_force(account.when) or cover is _begun_later(account)",
        "return cover.in_force(account.when)",
        f"{LATE}::test_csc_4_19_a_ticket_told_late_begins_no_second_period_beside_one_that_runs",
    ),
    (
        "late: a suspended period served nobody",
        "app/domain/account/customer.py",
        'return self.state == "suspended" and (self.suspended_at is None or self.suspended_at <= at)',
        'return self.state == "suspended"',
        f"{LATE}::test_csc_5_a_ticket_opened_before_the_suspension_and_told_after_it_is_covered",
    ),
    (
        "late: a ticket told late has the terms of today",
        "app/usecases/tickets/tickets.py",
        "if command.opened_at is not None:  #",
        "if command.ticket_id is None:  #",
        f"{LATE}::test_csc_7_a_ticket_told_late_keeps_the_price_that_stood_when_it_was_opened",
    ),
)
"""(name, file, what stands there, what the mutant writes, the test)."""
