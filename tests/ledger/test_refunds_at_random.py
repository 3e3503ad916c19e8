"""Refunds of units at random among holds, captures and returns: what is usable is what was not refunded, exactly."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.ledger.lot import Lot
from app.domain.ledger.units import claimed, outstanding, paid_back
from app.domain.values.errors import DomainError
from tests.ledger.test_rules import a_ledger

LINES = {"pack": (3, 20), "other": (1, 40)}
"""Order line -> units and credits of each; one lot a line."""
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "debit", "capture", "release", "refund", "give back", "give back"]),
        st.integers(1, 70),
        st.integers(0, 3),
        st.sampled_from(sorted(LINES)),
    ),
    max_size=25,
)


class Account:
    """A ledger with two packs, and how many units of each were refunded."""

    def __init__(self) -> None:
        self.ledger = a_ledger()
        self.lots: dict[str, Lot] = {}
        self.gone = dict.fromkeys(LINES, 0)
        for line, (units, each) in LINES.items():
            self.lots[line] = self.ledger.grant(
                units * each,
                source="purchase",
                rule=line,
                order_id="o",
                line_id=line,  # type: ignore[arg-type]
            )

    def step(self, what: str, credits: int, number: int, line: str) -> None:
        """One step, done as far as it is allowed."""
        ledger, holds = self.ledger, list(self.ledger.holds.values())
        if what in ("hold", "debit"):
            getattr(ledger, what)(credits)
        elif what == "give back":
            units, each = LINES[line]
            if self.gone[line] < units:
                self.gone[line] += 1
                ledger.void_grant(order_id="o", line_id=line, credits=each, reason="refunded")
        elif holds:
            hold = holds[number % len(holds)]
            if what == "capture":
                ledger.capture(hold.hold_id, min(credits, hold.open) or 1, final=credits % 2 == 0)
            else:
                getattr(ledger, what)(hold.hold_id, credits)

    def left(self, line: str) -> int:
        """Credits of the units that were not refunded."""
        units, each = LINES[line]
        return (units - self.gone[line]) * each


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_what_was_refunded_is_never_usable_and_the_rest_always_comes_back(steps: list[Any]) -> None:
    account = Account()
    for step in steps:
        try:
            account.step(*step)
        except DomainError:
            continue
        for line, lot in account.lots.items():
            assert lot.available <= account.left(line), (step, lot)
            assert not (lot.available and claimed(lot)), step
            assert outstanding([lot]) == account.left(line), step
            assert paid_back(lot, "order") == lot.granted - account.left(line)
    for hold in list(account.ledger.holds.values()):
        if hold.open:
            account.ledger.release(hold.hold_id)
        if hold.captured > hold.refunded:
            account.ledger.refund(hold.hold_id)
    assert {line: lot.available for line, lot in account.lots.items()} == {line: account.left(line) for line in LINES}
    assert all(claimed(lot) == 0 for lot in account.lots.values())
