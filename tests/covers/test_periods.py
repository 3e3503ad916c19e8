"""Periods of cover as rules: the queue, suspension, and what a level serves. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, Order
from app.domain.cover import cover as covers
from app.domain.tickets import entitlement
from app.domain.values.errors import DomainError
from tests.orders.accounts import NOW, an_account, an_order, arrive, at_time


def with_periods(quantity: int = 2, at: datetime = NOW) -> tuple[CustomerAccount, list[Order]]:
    account, known = an_account("cs-cart", at), []  # type: ignore[var-annotated]
    arrive(account, known, an_order("o-1", at, ("license", 1), ("support-1-months", quantity), policy="cs-cart"))
    return account, known


def codes(error: pytest.ExceptionInfo[DomainError]) -> tuple[str, str | None]:
    decision = error.value.decision
    return error.value.code, decision.reasons[0].clause if decision else None


def start(account: CustomerAccount, at: datetime) -> Cover:
    cover = covers.start_pending(at_time(account, at), at)
    assert cover is not None
    return cover


def test_csc_19_no_day_is_lost_and_none_started_early() -> None:
    account, known = with_periods(at=datetime(2025, 1, 31, tzinfo=UTC))
    first = start(account, datetime(2025, 1, 31, 12, tzinfo=UTC))
    assert first.ends_at == datetime(2025, 2, 28, 12, tzinfo=UTC), "31 January and a month"
    assert covers.start_pending(account, account.at) is None, "one is running"
    arrive(account, known, an_order("o-2", account.at, ("support-3-months", 1), policy="cs-cart"))
    assert first.ends_at == datetime(2025, 2, 28, 12, tzinfo=UTC), "a purchase moves no running end"
    at_time(account, datetime(2025, 2, 28, 12, tzinfo=UTC))
    assert not covers.in_force_for(account, None)
    second = start(account, datetime(2025, 4, 15, tzinfo=UTC))
    assert (second.rule, second.ends_at) == ("period_1", datetime(2025, 5, 15, tzinfo=UTC)), "the oldest first"
    third = start(account, datetime(2025, 5, 15, tzinfo=UTC))
    assert (third.rule, third.ends_at) == ("period_3", datetime(2025, 8, 15, tzinfo=UTC))
    assert covers.start_pending(at_time(account, datetime(2026, 1, 1, tzinfo=UTC)), account.at) is None, "none is left"


def test_csc_5_a_period_is_suspended_once_and_its_end_moves() -> None:
    account, _ = with_periods()
    cover = start(account, NOW)
    covers.suspend(at_time(account, NOW + timedelta(days=10)), cover)
    assert covers.state_of(cover, account.at) == "suspended"
    assert covers.start_pending(account, account.at) is None, "a suspended period starts no other"
    with pytest.raises(DomainError) as again:
        covers.suspend(account, cover)
    assert codes(again) == ("suspension_used", "CSC-5")
    facts = entitlement.facts_of(account)
    assert (facts["cover.active"], facts["cover.suspended"], facts["cover.pending"]) == (False, True, False)
    covers.resume(at_time(account, NOW + timedelta(days=200)), cover)
    assert cover.ends_at == datetime(2025, 2, 1, tzinfo=UTC) + timedelta(days=190)
    assert cover.suspended_seconds == 190 * 86400
    with pytest.raises(DomainError) as second:
        covers.suspend(at_time(account, NOW + timedelta(days=201)), cover)
    assert codes(second) == ("suspension_used", "CSC-5")
    at_time(account, cover.ends_at)
    other = covers.start_pending(account, account.at)
    assert other is not None
    covers.suspend(at_time(account, account.at + timedelta(days=1)), other)
    assert other.suspensions == 1, "the next period has a suspension of its own"


def test_csc_5_suspended_in_the_last_second() -> None:
    account, _ = with_periods(1)
    cover = start(account, NOW)
    assert cover.ends_at is not None
    covers.suspend(at_time(account, cover.ends_at - timedelta(seconds=1)), cover)
    covers.resume(at_time(account, cover.ends_at + timedelta(days=30)), cover)
    assert cover.ends_at == account.at + timedelta(seconds=1)
    assert cover.in_force(account.at)


def test_all_1_a_period_ends_before_its_end() -> None:
    account, _ = with_periods(1)
    cover = start(account, NOW)
    assert cover.ends_at is not None
    assert cover.in_force(cover.ends_at - timedelta(seconds=1))
    assert not cover.in_force(cover.ends_at)


def test_csc_5_what_has_ended_cannot_be_suspended() -> None:
    account, _ = with_periods(1)
    cover = start(account, NOW)
    assert cover.ends_at is not None
    with pytest.raises(DomainError) as refused:
        covers.suspend(at_time(account, cover.ends_at), cover)
    assert codes(refused) == ("not_suspendable", "CSC-5")


def test_the_agenda_follows_a_moved_end() -> None:
    account, _ = an_account("cactushop"), None
    known: list[Order] = []
    arrive(account, known, an_order("o-2", NOW, ("support-12-months", 1), policy="cactushop"))
    early = an_order("o-1", NOW - timedelta(days=30), ("support-12-months", 1), policy="cactushop")
    arrive(at_time(account, NOW + timedelta(days=1)), known, early)
    by_order = {one.order_id: one for one in account.covers.values()}
    assert by_order["o-2"].starts_at == by_order["o-1"].ends_at  # type: ignore[index]
    due = {(one.kind, one.subject): one.at for one in account.plan.agenda if hasattr(one, "at")}
    moved = by_order["o-2"]  # type: ignore[index]
    assert due["cover.ended", moved.cover_id] == moved.ends_at
    assert moved.ends_at is not None
    assert due["cover.reminder", f"{moved.cover_id}:30"] == moved.ends_at - timedelta(days=30)


def test_ava_4_a_level_serves_only_the_license_that_brought_it() -> None:
    account = an_account("avactis")
    arrive(account, [], an_order("o-1", NOW, ("license-leased", 1), ("license-owned", 1), policy="avactis"))
    by_edition = {one.edition: one.license_id for one in account.licenses.values()}
    assert covers.in_force_for(account, by_edition["leased"], 1)
    assert not covers.in_force_for(account, by_edition["leased"], 2)
    assert not covers.in_force_for(account, by_edition["owned"], 1)
    assert covers.in_force_for(account, None, 1)


@pytest.mark.parametrize(
    ("stretch", "placed", "begins"),
    [
        ([], 5, 5),
        ([(0, 10)], 5, 10),
        ([(0, 5)], 5, 5),
        ([(5, 10)], 5, 10),
        ([(0, 10), (10, 20)], 5, 20),
        ([(0, 10), (11, 20)], 5, 10),
        ([(3, 8), (0, 10), (9, 12)], 5, 12),
    ],
)
def test_cactu_14_bought_cover_begins_where_the_unbroken_stretch_ends(
    stretch: list[tuple[int, int]], placed: int, begins: int
) -> None:
    def day(n: int) -> datetime:
        return NOW + timedelta(days=n)

    assert covers.stack_end([(day(a), day(b)) for a, b in stretch], day(placed)) == day(begins)
