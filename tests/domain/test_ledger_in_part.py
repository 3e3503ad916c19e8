"""A ledger in part does what the whole one does, or says that it has to see more. Never anything else."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.ledger.journal import spending_key
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lots import DEFAULT_TYPE
from app.domain.ledger.rest import NotLoaded, Rest
from app.domain.policy.credit_rules import CreditRules, CreditType, ExpiredReturn
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId
from app.domain.values.money import Money
from app.domain.values.term import Term

T0 = datetime(2025, 1, 1, tzinfo=UTC)
FIRST = 3
"""Lots in order of spending that a part has."""
SOONEST = 2
DAYS = st.one_of(st.none(), st.integers(1, 6))
LOTS = st.lists(st.tuples(st.integers(1, 5), DAYS, st.integers(0, 1), st.booleans()), min_size=1, max_size=9)
USES = st.lists(st.tuples(st.sampled_from(("hold", "debit")), st.integers(1, 6), DAYS), max_size=4)
VERBS = st.tuples(
    st.sampled_from(("hold", "debit", "take", "give", "capture", "release", "refund", "balance", "available", "grant")),
    st.integers(1, 12),
)


def rules(returned: str) -> CreditRules:
    made = ExpiredReturn(rule=returned, grace=None if returned == "forfeit" else Term(days=3))  # type: ignore[arg-type]
    kinds = (CreditType(credit_type=DEFAULT_TYPE, title="c", clause="C"),)
    return CreditRules(types=kinds, clause="C", returned_to_expired=made)


def story(lots: list[Any], uses: list[Any], returned: str) -> Ledger:
    """An account with these lots, from which was held and taken."""
    numbers = itertools.count(1)
    ledger = Ledger(
        customer_id=CustomerId("ann"),
        at=T0,
        rules=rules(returned),
        accounts={},
        lots={},
        holds={},
        mint=lambda prefix: f"{prefix}_{next(numbers):06d}",
    )
    for credits_, days, priority, paid in lots:
        ledger.grant(
            credits_,
            source="purchase",
            rule="r",
            expires_at=None if days is None else T0 + timedelta(days=days),
            priority=priority,
            cost=Money(Decimal(credits_), "EUR") if paid else None,
        )
    for verb, credits_, days in uses:
        ends = None if days is None else T0 + timedelta(days=days)
        if credits_ <= ledger.available():
            ledger.debit(credits_) if verb == "debit" else ledger.hold(credits_, expires_at=ends)
    return ledger


def read(whole: Ledger, at: datetime, named: str | None) -> tuple[Ledger, Ledger]:
    """The account as stored, whole and in part, as a later call reads it; ``named``: the hold that it is about."""
    stored = copy.deepcopy((whole.accounts, whole.lots, whole.holds))
    numbers = [itertools.count(1_000), itertools.count(1_000)]
    ledgers = []
    for number in numbers:
        accounts, lots, holds = copy.deepcopy(stored)
        ledgers.append(
            Ledger(
                customer_id=whole.customer_id,
                at=at,
                rules=whole.rules,
                accounts=accounts,
                lots=lots,
                holds=holds,
                mint=lambda prefix, number=number: f"{prefix}_{next(number):06d}",
            )
        )
    part = ledgers[1]
    terms = sorted(
        (hold for hold in part.holds.values() if hold.open and hold.expires_at is not None),
        key=lambda hold: (hold.expires_at, hold.hold_id),
    )[:SOONEST]
    part.holds = {hold.hold_id: hold for hold in part.holds.values() if hold in terms or hold.hold_id == named}
    first = sorted((lot for lot in part.lots.values() if lot.available), key=spending_key)[:FIRST]
    after, ends = {}, [terms[-1].expires_at] if len(terms) == SOONEST else []
    kept = {lot.lot_id for lot in first} | {line.lot_id for hold in part.holds.values() for line in hold.lines}
    if len(first) == FIRST:
        after = {DEFAULT_TYPE: spending_key(first[-1])}
        soon = sorted(
            (lot for lot in part.lots.values() if lot.available and lot.expires_at is not None),
            key=lambda lot: (lot.expires_at, lot.lot_id),
        )[:SOONEST]
        kept |= {lot.lot_id for lot in soon}
        ends += [soon[-1].expires_at] if len(soon) == SOONEST else []
    part.lots = {key: lot for key, lot in part.lots.items() if key in kept}
    left = part.accounts[DEFAULT_TYPE].available - sum(lot.available for lot in part.lots.values())
    part.rest = Rest(after=after, available=dict.fromkeys(after, left), until=min(filter(None, ends), default=None))
    return ledgers[0], part


def act(ledger: Ledger, verb: str, credits_: int, hold_id: str | None) -> Any:
    """Do something, and return what it came to."""
    verbs: dict[str, Callable[[], Any]] = {
        "hold": lambda: ledger.hold(credits_),
        "debit": lambda: ledger.debit(credits_),
        "take": lambda: ledger.adjust(-credits_, reason="r"),
        "give": lambda: ledger.adjust(credits_, reason="r", expires_at=ledger.at + timedelta(days=credits_)),
        "grant": lambda: ledger.grant(credits_, source="purchase", rule="r", priority=credits_ % 2),
        "capture": lambda: ledger.capture(hold_id or "", min(credits_, 2), final=False),
        "release": lambda: ledger.release(hold_id or ""),
        "refund": lambda: ledger.refund(hold_id or ""),
        "balance": ledger.balance,
        "available": ledger.available,
    }
    try:
        answer = verbs[verb]()
    except DomainError as error:
        answer = (error.code, error.facts)
    changes = ledger.changes()
    wanted = replace(
        changes,
        lots_changed=tuple(sorted(changes.lots_changed, key=lambda lot: lot.lot_id)),
        lots_new=tuple(sorted(changes.lots_new, key=lambda lot: lot.lot_id)),
        holds_changed=tuple(sorted(changes.holds_changed, key=lambda hold: hold.hold_id)),
    )
    return repr(answer), wanted


@settings(max_examples=600, deadline=None)
@given(
    lots=LOTS,
    uses=USES,
    days=st.integers(0, 7),
    verb=VERBS,
    of=st.integers(0, 3),
    returned=st.sampled_from(("forfeit", "grace", "reopen")),
)
def test_a_part_is_enough_or_says_so(
    lots: list[Any], uses: list[Any], days: int, verb: tuple[str, int], of: int, returned: str
) -> None:
    stored = story(lots, uses, returned)
    holds = sorted(stored.holds)
    named = holds[of % len(holds)] if holds else None
    whole, part = read(stored, T0 + timedelta(days=days), named)
    try:
        in_part = act(part, *verb, named)
    except NotLoaded:
        return
    assert in_part == act(whole, *verb, named)


def test_a_part_is_mostly_enough() -> None:
    stored = story([(5, None, 0, False)] * 9, [], "forfeit")
    for verb in ("hold", "debit", "balance", "available", "grant"):
        whole, part = read(stored, T0, None)
        assert len(part.lots) == FIRST
        assert act(part, verb, 12, None) == act(whole, verb, 12, None)
    whole, part = read(stored, T0, None)
    assert act(part, "debit", 46, None) == act(whole, "debit", 46, None)  # refused: there are 45
