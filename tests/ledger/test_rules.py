"""The ledger's rules, one sentence each, on the pure domain: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.domain.ledger.account_merge import merge_into
from app.domain.ledger.events import falls_low
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Lot
from app.domain.ledger.money_back import refund_quote
from app.domain.ledger.ticket_credits import (
    capture_for,
    charge_of,
    expire_holds,
    hold_more_for,
    refund_for,
    release_for,
)
from app.domain.policy.credit_rules import CreditRules, CreditType, ExpiredReturn, MoneyBack
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId, LicenseId, TicketId
from app.domain.values.money import MAX_CREDITS, Money
from app.domain.values.term import Term

START = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MONEY_BACK = MoneyBack(clause="SHOPP-19", full_within=Term(days=60), used_clause="SHOPP-20")


def counter() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


def a_ledger(**rules: Any) -> Ledger:
    numbers = counter()
    return Ledger(
        customer_id=CustomerId("cus_1"),
        at=START,
        rules=CreditRules(
            types=(CreditType(credit_type="credit", title="credit", clause="T-1"),), clause="T-1", **rules
        ),
        accounts={},
        lots={},
        holds={},
        mint=lambda prefix: f"{prefix}_{next(numbers):06}",
    )


def a_lot(ledger: Ledger, credits_: int = 10, **more: Any) -> Lot:
    if "days" in more:
        more["expires_at"] = ledger.at + more.pop("days") * DAY
    return ledger.grant(credits_, **{"source": "purchase", "rule": "pack", "clause": "T-2", **more})


def refused(code: str) -> Any:
    return pytest.raises(DomainError, match=f"^{code}$")


def taken(ledger: Ledger, hold_id: str) -> list[tuple[str, int]]:
    return [(line.lot_id, line.credits) for line in ledger.holds[hold_id].lines]


def money(text: str) -> Money:
    return Money(Decimal(text), "USD")


def test_ava_13_spends_what_ends_soonest_and_never_last() -> None:
    ledger = a_ledger()
    never, late, soon = a_lot(ledger), a_lot(ledger, days=20), a_lot(ledger, days=5)
    hold = ledger.hold(25)
    assert taken(ledger, hold.hold_id) == [(soon.lot_id, 10), (late.lot_id, 10), (never.lot_id, 5)]


def test_the_order_of_spending_is_total() -> None:
    ledger = a_ledger()
    paid = a_lot(ledger, 1, cost=money("5.00"))
    free = a_lot(ledger, 1)
    older = a_lot(ledger, 1, effective_at=START - DAY)
    licensed = a_lot(ledger, 1, scope="license", license_id=LicenseId("lic_1"))
    first = a_lot(ledger, 1, priority=-1)
    hold = ledger.hold(5, license_id=LicenseId("lic_1"))
    wanted = [first, licensed, older, free, paid]
    assert [lot for lot, _ in taken(ledger, hold.hold_id)] == [one.lot_id for one in wanted]


def test_credits_of_a_license_serve_that_license_only() -> None:
    ledger = a_ledger()
    a_lot(ledger, 3, scope="license", license_id=LicenseId("lic_1"))
    assert ledger.available() == 0
    assert ledger.available(license_id="lic_2") == 0
    assert ledger.available(license_id="lic_1") == 3
    with refused("insufficient_credits"):
        ledger.hold(1, license_id=LicenseId("lic_2"))


def test_an_explicit_lot_spends_from_nothing_else() -> None:
    ledger = a_ledger()
    first, second = a_lot(ledger, 5, days=1), a_lot(ledger, 5)
    hold = ledger.hold(5, lot_id=second.lot_id)
    assert taken(ledger, hold.hold_id) == [(second.lot_id, 5)]
    with refused("insufficient_credits"):
        ledger.hold(1, lot_id=second.lot_id)
    assert first.available == 5


def test_release_and_refund_go_in_reverse_to_the_same_lots() -> None:
    ledger = a_ledger()
    soon, never = a_lot(ledger, 10, days=5), a_lot(ledger, 10)
    hold = ledger.hold(16)
    ledger.release(hold.hold_id, 4)
    assert (soon.held, never.held, never.available) == (10, 2, 8)
    ledger.capture(hold.hold_id)
    ledger.refund(hold.hold_id, 3)
    assert (never.spent, soon.spent, soon.available) == (0, 9, 1)


def test_a_partial_capture_follows_the_order_and_the_final_one_releases_the_rest() -> None:
    ledger = a_ledger()
    soon, never = a_lot(ledger, 10, days=5), a_lot(ledger, 10)
    hold = ledger.hold(15)
    ledger.capture(hold.hold_id, 4, final=False)
    assert (soon.spent, soon.held, never.held, hold.open) == (4, 6, 5, 11)
    ledger.capture(hold.hold_id, 8)
    assert (soon.spent, never.spent, never.available, hold.open) == (10, 2, 8, 0)
    with refused("hold_wrong_state"):
        ledger.capture(hold.hold_id)


def test_over_capture_release_and_refund_are_refused() -> None:
    ledger = a_ledger()
    a_lot(ledger, 10)
    hold = ledger.hold(5)
    with refused("over_capture"):
        ledger.capture(hold.hold_id, 6)
    with refused("over_release"):
        ledger.release(hold.hold_id, 6)
    with refused("hold_wrong_state"):
        ledger.refund(hold.hold_id)
    ledger.capture(hold.hold_id)
    with refused("over_refund"):
        ledger.refund(hold.hold_id, 6)
    ledger.refund(hold.hold_id)
    with refused("over_refund"):
        ledger.refund(hold.hold_id)


@pytest.mark.parametrize("wrong", [0, -1, MAX_CREDITS + 1, True, "1", 1.0])
def test_amounts_are_integers_within_bounds(wrong: Any) -> None:
    ledger = a_ledger()
    a_lot(ledger, 10)
    with refused("amount_out_of_range"):
        ledger.hold(wrong)


def test_a_lot_is_valid_strictly_before_its_end() -> None:
    ledger = a_ledger()
    lot = a_lot(ledger, 10, days=10)
    ledger.at = START + 10 * DAY - timedelta(microseconds=1)
    assert ledger.available() == 10
    ledger.at = START + 10 * DAY
    assert ledger.available() == 0
    assert lot.expired == 0, "reading books nothing"
    a_lot(ledger, 1)
    assert lot.expired == 10
    expiry = next(one for one in ledger.operations if one.kind == "expire")
    assert expiry.effective_at == START + 10 * DAY


def test_expiry_takes_only_what_its_own_lot_has_left() -> None:
    ledger = a_ledger()
    dying, other = a_lot(ledger, 10, days=10), a_lot(ledger, 10)
    ledger.hold(4)
    ledger.at = START + 11 * DAY
    ledger.debit(1)
    assert (dying.held, dying.expired, other.spent) == (4, 6, 1)


def test_a_refused_command_leaves_no_trace_even_where_something_was_due() -> None:
    ledger = a_ledger()
    a_lot(ledger, 10, days=10)
    keep = ledger.hold(3, expires_at=START + 2 * DAY)
    ledger.at = START + 11 * DAY
    before = repr((ledger.accounts, ledger.lots, ledger.holds, ledger.operations, ledger.changes()))
    with refused("insufficient_credits"):
        ledger.hold(99)
    with refused("hold_expired"):
        ledger.capture(keep.hold_id)
    assert repr((ledger.accounts, ledger.lots, ledger.holds, ledger.operations, ledger.changes())) == before


def test_want_of_credits_says_what_is_missing() -> None:
    ledger = a_ledger()
    a_lot(ledger, 10)
    with refused("insufficient_credits") as caught:
        ledger.hold(12)
    assert caught.value.facts == {"available": 10, "required": 12, "missing": 2, "credit_type": "credit"}


def spent_from_a_lot_that_expired(ledger: Ledger) -> tuple[Lot, str]:
    lot = a_lot(ledger, 10, days=10)
    hold = ledger.hold(10, ticket_id=TicketId("t"))
    ledger.capture(hold.hold_id)
    ledger.at = START + 30 * DAY
    return lot, hold.hold_id


def test_all_4_credits_returned_to_an_expired_lot_are_forfeited_with_both_lines() -> None:
    ledger = a_ledger()
    lot, hold_id = spent_from_a_lot_that_expired(ledger)
    ledger.refund(hold_id)
    assert (lot.spent, lot.expired, ledger.available()) == (0, 10, 0)
    assert [(one.source, one.target) for one in ledger.operations[-1].entries] == [
        ("spent", "available"),
        ("available", "expired"),
    ]


def test_all_4_a_software_bug_gives_a_new_lot_with_grace() -> None:
    ledger = a_ledger()
    lot, hold_id = spent_from_a_lot_that_expired(ledger)
    ledger.refund(hold_id, 4, expired=ExpiredReturn(rule="grace", grace=Term(days=30)))
    grace = next(one for one in ledger.lots.values() if one.origin_lot_id == lot.lot_id)
    assert (grace.source, grace.available, grace.expires_at) == ("correction", 4, ledger.at + 30 * DAY)
    assert (lot.spent, lot.expired, ledger.available()) == (6, 4, 4)


def test_all_4_reopen_extends_the_lot() -> None:
    ledger = a_ledger()
    lot, hold_id = spent_from_a_lot_that_expired(ledger)
    ledger.refund(hold_id, 4, expired=ExpiredReturn(rule="reopen", grace=Term(days=7)))
    assert (lot.available, lot.expires_at) == (4, ledger.at + 7 * DAY)
    assert [one.kind for one in ledger.operations[-2:]] == ["reopen", "refund"]


def test_a_hold_survives_its_lots_end_and_what_it_releases_is_expired() -> None:
    ledger = a_ledger()
    lot = a_lot(ledger, 10, days=10)
    hold = ledger.hold(6)
    ledger.at = START + 11 * DAY
    ledger.capture(hold.hold_id, 4)
    assert (lot.spent, lot.expired, lot.held) == (4, 6, 0)


def test_where_the_policy_says_void_a_hold_dies_with_its_lot() -> None:
    ledger = a_ledger(hold_on_expiry="void", hold_expiry_clause="T-9")
    lot = a_lot(ledger, 10, days=10)
    hold = ledger.hold(6)
    ledger.at = START + 11 * DAY
    assert ledger.held() == 0
    with refused("hold_wrong_state"):
        ledger.capture(hold.hold_id)
    ledger.grant(1, source="goodwill", rule="g", reason="r")
    assert (lot.held, lot.expired, hold.open, hold.closed_at) == (0, 10, 0, START + 10 * DAY)


def test_shopp_18_an_unaccepted_tickets_credit_is_void_at_the_lots_end() -> None:
    ledger = a_ledger(hold_on_expiry="until_accepted", hold_expiry_clause="SHOPP-18")
    lot = a_lot(ledger, 2, days=10)
    ledger.hold(1, ticket_id=TicketId("accepted"))
    ledger.hold(1, ticket_id=TicketId("waiting"))
    ledger.at = START + 10 * DAY
    assert expire_holds(ledger, ["waiting"]) == ("waiting",)
    assert (lot.held, lot.expired) == (1, 1)
    capture_for(ledger, "accepted")
    assert (lot.held, lot.spent) == (0, 1)
    assert ledger.operations[1 + 2].clause == "SHOPP-18"


def test_a_hold_with_a_term_gives_back_at_its_end_without_a_job() -> None:
    ledger = a_ledger()
    a_lot(ledger, 10)
    hold = ledger.hold(6, expires_at=START + DAY)
    ledger.at = START + DAY
    assert ledger.available() == 10
    with refused("hold_expired"):
        ledger.capture(hold.hold_id)
    ledger.debit(10)
    assert hold.closed_at == START + DAY


def test_a_price_that_rises_takes_a_second_hold_and_the_ticket_counts_both() -> None:
    ledger = a_ledger()
    a_lot(ledger, 20, days=5)
    ledger.hold(10, ticket_id=TicketId("t"))
    hold_more_for(ledger, TicketId("t"), 5)
    assert charge_of(ledger, "t") == {"held": 15, "captured": 0, "refunded": 0, "net": 0}
    release_for(ledger, "t", 7)
    assert capture_for(ledger, "t") == 8
    assert refund_for(ledger, "t", 3) == 3
    assert charge_of(ledger, "t") == {"held": 0, "captured": 8, "refunded": 3, "net": 5}
    with refused("over_refund"):
        refund_for(ledger, "t", 6)


def test_ava_14_a_refunded_order_takes_back_what_is_unspent_and_reports_the_rest() -> None:
    ledger = a_ledger()
    lot = a_lot(ledger, 10, order_id="o1", line_id="l1")
    ledger.debit(3)
    ledger.hold(2)
    found = ledger.void_grant(order_id="o1", line_id="l1", reason="refunded")
    assert (found.voided, found.spent, found.held, found.expired, found.owed) == (5, 3, 2, 0, 0)
    assert (lot.voided, lot.available, ledger.available()) == (5, 0, 0)


def test_where_the_policy_allows_it_what_was_spent_is_owed_and_the_next_grant_repays() -> None:
    ledger = a_ledger(owed_allowed=True)
    a_lot(ledger, 10, order_id="o1", line_id="l1")
    ledger.debit(8)
    assert ledger.void_grant(order_id="o1", line_id="l1", reason="refunded").owed == 8
    assert (ledger.accounts["credit"].owed, ledger.available()) == (8, 0)
    a_lot(ledger, 5)
    assert (ledger.accounts["credit"].owed, ledger.available()) == (3, 0)
    a_lot(ledger, 5)
    assert (ledger.accounts["credit"].owed, ledger.available()) == (0, 2)


def test_void_takes_only_what_is_available() -> None:
    ledger = a_ledger()
    lot = a_lot(ledger, 10)
    ledger.hold(4)
    assert ledger.void(lot.lot_id, reason="r") == 6
    assert ledger.void(lot.lot_id, reason="r") == 0
    assert lot.held == 4


def test_an_adjustment_grants_or_takes_but_never_below_zero() -> None:
    ledger = a_ledger()
    assert ledger.adjust(10, reason="gift") is not None
    ledger.hold(4)
    with refused("insufficient_credits"):
        ledger.adjust(-7, reason="oops")
    assert ledger.adjust(-6, reason="oops") is None
    assert ledger.balance() == {"available": 0, "held": 4}
    with refused("expires_in_past"):
        ledger.adjust(1, reason="r", expires_at=START)


def test_a_late_order_whose_credits_are_dead_shows_them_granted_and_expired() -> None:
    ledger = a_ledger()
    lot = a_lot(ledger, 10, effective_at=START - 400 * DAY, expires_at=START - 35 * DAY)
    assert (lot.granted, lot.expired, ledger.available()) == (10, 10, 0)
    assert [one.kind for one in ledger.operations] == ["grant", "expire"]
    assert ledger.operations[1].effective_at == START - 35 * DAY


def test_n_at_once_is_the_same_as_a_and_then_b() -> None:
    def spend(*parts: int) -> list[tuple[int, int, int]]:
        ledger = a_ledger()
        a_lot(ledger, 7, days=3)
        a_lot(ledger, 7)
        for part in parts:
            ledger.debit(part)
        return [(one.available, one.held, one.spent) for one in ledger.lots.values()]

    assert spend(10) == spend(4, 6) == spend(1, 2, 3, 4)


def test_a_low_balance_is_told_once_on_the_way_down() -> None:
    rules = a_ledger(low_at=5).rules
    assert falls_low(rules, before=6, after=5)
    assert not falls_low(rules, before=5, after=4)
    assert not falls_low(rules, before=4, after=9)


@pytest.mark.parametrize(
    ("after", "refund", "basis", "code"),
    [
        (timedelta(0), "100.00", "full", None),
        (60 * DAY, "100.00", "full", None),
        (60 * DAY + timedelta(microseconds=1), "66.85", "partial", None),
        (90 * DAY, "50.28", "partial", None),
        (181 * DAY, "0.00", "none", "expired"),
    ],
)
def test_shopp_19_unused_credit_brings_money_back(after: timedelta, refund: str, basis: str, code: str | None) -> None:
    ledger = a_ledger()
    lot = a_lot(ledger, 1, cost=money("100.00"), expires_at=datetime(2025, 7, 1, tzinfo=UTC))
    quote = refund_quote(lot, MONEY_BACK, START + after)
    assert quote.refund is not None
    assert (quote.refund.text, quote.basis, quote.code) == (refund, basis, code)


def test_shopp_20_used_credit_brings_none_but_at_the_vendors_discretion() -> None:
    ledger = a_ledger()
    lot = a_lot(ledger, 1, cost=money("100.00"))
    hold = ledger.hold(1)
    assert refund_quote(lot, MONEY_BACK, START).code == "credit_in_use"
    assert refund_quote(lot, MONEY_BACK, START, service_provided=True).code == "service_provided"
    ledger.capture(hold.hold_id)
    assert refund_quote(lot, MONEY_BACK, START).code == "service_provided"
    override = refund_quote(lot, MONEY_BACK, START, override=True)
    assert override.refund == money("100.00")
    lot.data["refunded"] = "100.00"
    assert refund_quote(lot, MONEY_BACK, START, override=True).code == "already_refunded"
    assert refund_quote(a_lot(ledger, 1), MONEY_BACK, START).code == "not_bought"


def test_a_debt_goes_with_its_customer_and_is_repaid_from_what_is_there() -> None:
    giver, taker = a_ledger(owed_allowed=True), a_ledger(owed_allowed=True)
    taker.customer_id = CustomerId("cus_2")
    a_lot(giver, 10, order_id="o1", line_id="l1")
    giver.debit(8)
    giver.void_grant(order_id="o1", line_id="l1", reason="refunded")
    assert merge_into(giver, taker) == []
    assert (giver.accounts["credit"].owed, giver.available()) == (0, 0)
    assert (taker.accounts["credit"].owed, taker.available()) == (8, 0)
    a_lot(taker, 10)
    assert (taker.accounts["credit"].owed, taker.available()) == (0, 2)


def test_what_was_spent_before_a_merge_is_owed_by_the_account_that_lives() -> None:
    giver, taker = a_ledger(owed_allowed=True), a_ledger(owed_allowed=True)
    taker.customer_id = CustomerId("cus_2")
    a_lot(giver, 10, order_id="o1", line_id="l1")
    hold = giver.debit(10)
    assert merge_into(giver, taker) == []
    a_lot(taker, 4)
    taker.former["cus_1"] = giver
    taker.refund(hold.hold_id, 3)
    assert taker.available() == 7
    found = taker.void_grant(order_id="o1", line_id="l1", reason="refunded")
    assert (found.voided, found.spent, found.owed) == (3, 7, 7)
    assert (taker.accounts["credit"].owed, taker.available()) == (3, 0)
    assert giver.accounts["credit"].owed == 0
