"""One customer's journal replayed, operation by operation: what only their order shows (invariants 7, 9, 10).

Works on blank copies of the lots and never writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from app.db.ledger.folding import expiry_as_of, fold, fold_line
from app.domain.ledger.journal import spending_key
from app.domain.ledger.lot import Account, HoldLine, Lot
from app.domain.values.ids import CustomerId, LotId

Move = tuple[str, str, str, int]
"""(lot, from, to, credits)."""


def blank(lot: Lot) -> Lot:
    """The lot before anything happened to it."""
    return replace(lot, granted=0, available=0, held=0, spent=0, expired=0, voided=0)


class Replay:
    """The state after the operations so far, and what was found wrong with them: (what, subject, expected, found)."""

    def __init__(self, customer_id: str, stored: Mapping[str, Lot]) -> None:
        self.customer_id = customer_id
        self.stored = stored
        self.accounts: dict[str, Account] = {}
        self.lots: dict[str, Lot] = {}
        self.lines: dict[tuple[str, str], HoldLine] = {}
        self.found: list[tuple[str, str, object, object]] = []
        self._order: dict[str, list[str]] = {}

    def operation(
        self, credit_type: str, version: int, kind: str, hold_id: str | None, at: datetime, moves: Sequence[Move]
    ) -> None:
        """The next operation of this type's account."""
        account = self.accounts.setdefault(
            credit_type, Account(customer_id=CustomerId(self.customer_id), credit_type=credit_type)
        )
        if version != account.version + 1:
            self._wrong("version", f"{self.customer_id}/{credit_type}", account.version + 1, version)
        account.version = version
        spent_lots: list[str] = []
        for lot_id, source, target, number in moves:
            stored = self.stored.get(lot_id)
            if stored is None:
                self._wrong("entry_without_lot", lot_id, "a lot", "none")
                continue
            lot = self.lots.setdefault(lot_id, blank(stored))
            if source == "world":
                lot.granted += number
            fold(account, lot, source, target, number)
            counters = (lot.available, lot.held, lot.spent, lot.expired, lot.voided)
            if min(counters) < 0:
                self._wrong("negative_at", f"{lot_id}@{version}", ">= 0", counters)
            if hold_id is not None:
                self._hold_line(hold_id, lot_id, source, target, number)
            if source == "available" and target in ("held", "spent"):
                spent_lots.append(lot_id)
        if kind in ("hold", "debit") and spent_lots:
            self._spent_in_order(credit_type, version, at, spent_lots)

    def _hold_line(self, hold_id: str, lot_id: str, source: str, target: str, number: int) -> None:
        order = self._order.setdefault(hold_id, [])
        if lot_id not in order:
            order.append(lot_id)
        place = order.index(lot_id)
        earlier = [self.lines[hold_id, name] for name in order[:place]]
        later = [self.lines[hold_id, name] for name in order[place + 1 :]]
        subject = f"{hold_id}/{lot_id}"
        if source == "held" and target == "spent" and any(hold_line.open for hold_line in earlier):
            self._wrong("order_of_spending", subject, "captured in the hold's order", "out of order")
        if source == "spent" and any(hold_line.spent_left for hold_line in later):
            self._wrong("order_of_return", subject, "refunded in reverse", "out of order")
        if source == "held" and target == "available" and any(hold_line.open for hold_line in later):
            self._wrong("order_of_return", subject, "released in reverse", "out of order")
        line = self.lines.setdefault((hold_id, lot_id), HoldLine(lot_id=LotId(lot_id), line_no=0, credits=0))
        fold_line(line, source, target, number)

    def _spent_in_order(self, credit_type: str, version: int, at: datetime, spent_lots: Sequence[str]) -> None:
        """Lots are taken in the total order; who takes from two (so named none) leaves nothing in those before."""
        then: dict[str, Lot] = {
            lot.lot_id: replace(lot, expires_at=expiry_as_of(self.stored[lot.lot_id], at, None, version))
            for lot in self.lots.values()
            if lot.credit_type == credit_type
        }
        keys = [spending_key(then[name]) for name in spent_lots]
        subject = f"{self.customer_id}/{credit_type}@{version}"
        if keys != sorted(keys):
            self._wrong("order_of_spending", subject, "the order of spending", list(spent_lots))
        if len(spent_lots) < 2:
            return
        passed = [
            lot.lot_id
            for lot in then.values()
            if lot.available
            and spending_key(lot) < keys[-1]
            and (lot.lot_id in spent_lots or lot.scope == "account")
            and (lot.expires_at is None or at < lot.expires_at)
        ]
        if passed:
            self._wrong("order_of_spending", subject, "nothing passed over", sorted(passed))

    def _wrong(self, what: str, subject: str, expected: object, found: object) -> None:
        self.found.append((what, subject, expected, found))
