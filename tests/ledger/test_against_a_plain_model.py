"""The ledger against a model so plain that it can be believed: every credit is a token that lies somewhere.

Two ledgers are driven along with it: one is swept at every step, the other never; neither may ever answer differently.
After every step all identities hold, and the replay of all entries gives what stands in the lots.
``RETAINER_MODEL_EXAMPLES`` (100 unless given) goes further.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.db.ledger.folding import fold, fold_line
from app.domain.ledger.expiry import post_due_expiries
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Account, HoldLine, Lot
from app.domain.policy.credit_rules import CreditRules, CreditType, ExpiredReturn
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId
from app.domain.values.term import Term

START = datetime(2025, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class Token:
    """One credit."""

    lot: int
    at: str = "available"


@dataclass
class PlainHold:
    tokens: list[Token]
    expires_at: datetime | None
    ended: bool = False

    def lying(self, where: str) -> list[Token]:
        return [one for one in self.tokens if one.at == where]


@dataclass
class PlainLot:
    number: int
    expires_at: datetime | None
    paid: bool
    made: int


@dataclass
class Plain:
    """The model. ``gone`` tokens of a hold are those given back: they belong to their lot again as new tokens."""

    void: bool
    lots: list[PlainLot] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    holds: list[PlainHold] = field(default_factory=list)
    now: datetime = START

    def grant(self, n: int, expires_at: datetime | None, paid: bool) -> None:
        lot = PlainLot(len(self.lots), expires_at, paid, len(self.lots))
        self.lots.append(lot)
        self.tokens += [Token(lot.number) for _ in range(n)]
        self.settle()

    def order(self) -> list[Token]:
        def key(one: Token) -> tuple[Any, ...]:
            lot = self.lots[one.lot]
            return (lot.expires_at or FAR, lot.paid, lot.made)

        return sorted((one for one in self.tokens if one.at == "available"), key=key)

    def take(self, n: int, to: str, expires_at: datetime | None) -> bool:
        free = self.order()
        if len(free) < n:
            return False
        for one in free[:n]:
            one.at = to
        self.holds.append(PlainHold(free[:n], expires_at))
        return True

    def give_back(self, hold: PlainHold, n: int, where: str, at: datetime) -> None:
        for one in reversed(hold.lying(where)[len(hold.lying(where)) - n :]):
            self.tokens = [other for other in self.tokens if other is not one]
            one.at = f"returned from {where}"
            lot = self.lots[one.lot]
            dead = lot.expires_at is not None and lot.expires_at <= at
            self.tokens.append(Token(one.lot, "expired" if dead else "available"))

    def settle(self) -> None:
        """What is due by now, in order of time."""
        while True:
            due: list[tuple[datetime, int, int]] = []
            for index, hold in enumerate(self.holds):
                if hold.expires_at is not None and hold.expires_at <= self.now and hold.lying("held"):
                    due.append((hold.expires_at, 0, index))
            for lot in self.lots:
                mine = [one for one in self.tokens if one.lot == lot.number]
                live = any(one.at == "available" or (self.void and one.at == "held") for one in mine)
                if lot.expires_at is not None and lot.expires_at <= self.now and live:
                    due.append((lot.expires_at, 1, lot.number))
            if not due:
                return
            at, what, index = min(due)
            if what == 0:
                self.give_back(self.holds[index], len(self.holds[index].lying("held")), "held", at)
            else:
                for one in self.tokens:
                    if one.lot == index and (one.at == "available" or (self.void and one.at == "held")):
                        one.at = "expired"

    def count(self, where: str) -> int:
        return sum(1 for one in self.tokens if one.at == where)


def a_ledger(void: bool, numbers: list[int]) -> Ledger:
    def mint(prefix: str) -> str:
        numbers[0] += 1
        return f"{prefix}_{numbers[0]:08}"

    return Ledger(
        customer_id=CustomerId("cus_1"),
        at=START,
        rules=CreditRules(
            types=(CreditType(credit_type="credit", title="credit", clause="T-1"),),
            clause="T-1",
            hold_on_expiry="void" if void else "survives",
            returned_to_expired=ExpiredReturn(rule="forfeit"),
        ),
        accounts={},
        lots={},
        holds={},
        mint=mint,
    )


amounts = st.integers(1, 9)
hours = st.integers(1, 12)


class LedgerMachine(RuleBasedStateMachine):
    @initialize(void=st.booleans())
    def begin(self, void: bool) -> None:
        self.plain = Plain(void)
        self.lazy = a_ledger(void, [0])
        self.swept = a_ledger(void, [0])
        self.hold_ids: list[tuple[str, str]] = []
        self.lazy.account("credit"), self.swept.account("credit")

    def both(self, act: Any) -> tuple[Any, Any]:
        """The same call on both ledgers: the same outcome, and no trace where it is refused."""
        outcomes = []
        for ledger in (self.lazy, self.swept):
            before = repr((ledger.lots, ledger.holds, ledger.accounts, ledger.operations))
            try:
                outcomes.append(("done", act(ledger)))
            except DomainError as error:
                assert repr((ledger.lots, ledger.holds, ledger.accounts, ledger.operations)) == before
                outcomes.append((error.code, dict(error.facts)))
        assert outcomes[0][0] == outcomes[1][0]
        return outcomes[0], outcomes[1]

    @rule(n=amounts, ends=st.none() | hours, paid=st.booleans())
    def grant(self, n: int, ends: int | None, paid: bool) -> None:
        from tests.ledger.test_rules import money

        expires_at = None if ends is None else self.plain.now + ends * HOUR
        self.plain.grant(n, expires_at, paid)
        cost = money("1.00") if paid else None
        self.both(lambda one: one.grant(n, source="purchase", rule="r", expires_at=expires_at, cost=cost))

    @rule(n=amounts, ends=st.none() | hours, debit=st.booleans())
    def take(self, n: int, ends: int | None, debit: bool) -> None:
        expires_at = None if ends is None or debit else self.plain.now + ends * HOUR
        self.plain.settle()
        done = self.plain.take(n, "spent" if debit else "held", expires_at)
        first, second = self.both(lambda one: (one.debit(n) if debit else one.hold(n, expires_at=expires_at)).hold_id)
        assert first[0] == ("done" if done else "insufficient_credits")
        if done:
            self.hold_ids.append((first[1], second[1]))

    def on_hold(self, index: int, act: Any) -> tuple[Any, Any]:
        ids = self.hold_ids[index % len(self.hold_ids)]
        return self.both(lambda one: act(one, ids[0] if one is self.lazy else ids[1]))

    @precondition(lambda self: self.hold_ids)
    @rule(index=st.integers(0, 50), n=amounts, final=st.booleans())
    def capture(self, index: int, n: int, final: bool) -> None:
        self.plain.settle()
        hold = self.plain.holds[index % len(self.plain.holds)]
        held = hold.lying("held")
        outcome, _ = self.on_hold(index, lambda one, hold_id: one.capture(hold_id, n, final=final))
        if n <= len(held):
            assert outcome[0] == "done"
            for one in held[:n]:
                one.at = "spent"
            if final:
                self.plain.give_back(hold, len(held) - n, "held", self.plain.now)
        else:
            assert outcome[0] in ("over_capture", "hold_wrong_state", "hold_expired")

    @precondition(lambda self: self.hold_ids)
    @rule(index=st.integers(0, 50), n=amounts)
    def release(self, index: int, n: int) -> None:
        self.back(index, n, "held", "over_release")

    @precondition(lambda self: self.hold_ids)
    @rule(index=st.integers(0, 50), n=amounts)
    def refund(self, index: int, n: int) -> None:
        self.back(index, n, "spent", "over_refund")

    def back(self, index: int, n: int, where: str, over: str) -> None:
        self.plain.settle()
        hold = self.plain.holds[index % len(self.plain.holds)]
        lying = hold.lying(where)
        verb = "release" if where == "held" else "refund"
        outcome, _ = self.on_hold(index, lambda one, hold_id: getattr(one, verb)(hold_id, n))
        if n <= len(lying):
            assert outcome[0] == "done"
            self.plain.give_back(hold, n, where, self.plain.now)
        else:
            assert outcome[0] in (over, "hold_wrong_state", "hold_expired")

    @rule(n=amounts)
    def take_by_hand(self, n: int) -> None:
        self.plain.settle()
        free = self.plain.order()
        outcome, _ = self.both(lambda one: one.adjust(-n, reason="r"))
        assert (outcome[0] == "done") == (n <= len(free))
        if n <= len(free):
            for one in free[:n]:
                one.at = "voided"

    @precondition(lambda self: self.plain.lots)
    @rule(index=st.integers(0, 50), n=amounts)
    def void(self, index: int, n: int) -> None:
        self.plain.settle()
        number = index % len(self.plain.lots)
        mine = [one for one in self.plain.tokens if one.lot == number and one.at == "available"]
        outcome, _ = self.both(lambda one: one.void(list(one.lots)[number], n, reason="r"))
        assert outcome == ("done", min(n, len(mine)))
        for one in mine[:n]:
            one.at = "voided"

    @rule(by=st.integers(1, 8))
    def wait(self, by: int) -> None:
        self.plain.now += by * HOUR
        for ledger in (self.lazy, self.swept):
            ledger.at = self.plain.now
        for credit_type in self.swept.due_types():
            post_due_expiries(self.swept, credit_type)

    @invariant()
    def everyone_agrees(self) -> None:
        if not hasattr(self, "plain"):
            return
        self.plain.settle()
        for ledger in (self.lazy, self.swept):
            before = repr((ledger.lots, ledger.holds, ledger.accounts))
            assert ledger.balance() == {"available": self.plain.count("available"), "held": self.plain.count("held")}
            assert ledger.available() == self.plain.count("available")
            assert repr((ledger.lots, ledger.holds, ledger.accounts)) == before, "reading writes nothing"
        for index, lot in enumerate(self.swept.lots.values()):
            mine = [one.at for one in self.plain.tokens if one.lot == index]
            assert [lot.available, lot.held, lot.spent, lot.expired, lot.voided] == [
                mine.count(where) for where in ("available", "held", "spent", "expired", "voided")
            ]

    @invariant()
    def the_entries_are_the_truth(self) -> None:
        if not hasattr(self, "plain"):
            return
        for ledger in (self.lazy, self.swept):
            replays(ledger)


def replays(ledger: Ledger) -> None:
    """What stands in account, lots and lines is the replay of the entries, with no gap in the versions."""
    account = Account(customer_id=ledger.customer_id, credit_type="credit")
    lots: dict[str, Lot] = {}
    lines: dict[tuple[str, str], HoldLine] = {}
    for version, operation in enumerate(ledger.operations, 1):
        assert operation.account_version == version
        assert operation.entries or operation.kind == "reopen"
        for entry in operation.entries:
            stored = ledger.lots[entry.lot_id]
            lot = lots.setdefault(
                entry.lot_id,
                Lot(
                    lot_id=stored.lot_id,
                    customer_id=stored.customer_id,
                    credit_type="credit",
                    source="purchase",
                    rule="r",
                    granted=stored.granted,
                    effective_at=START,
                    expires_at=None,
                    available=0,
                ),
            )
            fold(account, lot, entry.source, entry.target, entry.credits)
            if operation.hold_id is not None:
                key = (operation.hold_id, entry.lot_id)
                line = lines.setdefault(key, HoldLine(lot_id=stored.lot_id, line_no=0, credits=0))
                fold_line(line, entry.source, entry.target, entry.credits)
    for name in ("granted", "available", "held", "spent", "expired", "voided", "owed"):
        assert getattr(account, name) == getattr(ledger.account("credit"), name), name
    for key, lot in ledger.lots.items():
        for name in ("available", "held", "spent", "expired", "voided"):
            assert getattr(lots[key], name) == getattr(lot, name), (key, name)
    for hold in ledger.holds.values():
        for line in hold.lines:
            made = lines[hold.hold_id, line.lot_id]
            assert (made.credits, made.captured, made.released, made.refunded) == (
                line.credits,
                line.captured,
                line.released,
                line.refunded,
            )
        used = [line.captured for line in hold.lines]
        full = [line.captured == line.credits for line in hold.lines]
        assert all(full[index] or not any(used[index + 1 :]) for index in range(len(used))) or any(
            ledger.lots[line.lot_id].expired for line in hold.lines
        ), "what is captured is a prefix of the order"


LedgerMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("RETAINER_MODEL_EXAMPLES", "100")),
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLedgerMachine = LedgerMachine.TestCase


def test_grace_and_reopen_replay_too() -> None:
    for rule_ in ("grace", "reopen"):
        ledger = a_ledger(False, [0])
        ledger.grant(5, source="purchase", rule="r", expires_at=START + HOUR)
        hold = ledger.debit(5)
        ledger.at = START + 2 * HOUR
        ledger.refund(hold.hold_id, 3, expired=ExpiredReturn(rule=rule_, grace=Term(days=1)))
        assert ledger.available() == 3
        replays(ledger)
