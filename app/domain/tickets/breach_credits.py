"""Credits that a breach of a promise brings. They are granted once, and taken back where the breach was none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.domain.account.account import CustomerAccount
from app.domain.clocks.clock import OutcomeFact
from app.domain.clocks.ticket_clock import TicketClock
from app.domain.clocks.ticket_clocks import BreachHook
from app.domain.ledger.events import voided_data
from app.domain.ledger.refunded_units import refunded_of_ticket
from app.domain.policy.service_levels import BreachCap
from app.domain.values.wire import iso, parse_iso

BREACHES: Final = "breaches"
"""What breaches brought to accounts that went into this one."""


def breach_hook(account: CustomerAccount) -> BreachHook:
    """Return what a ticket's clocks call at each breach by the vendor, to credit the customer of this account."""

    def on_breach(clock: TicketClock, fact: OutcomeFact, breach: str) -> None:
        """A breach brings credits back, once: the outcome is written once, in this very transaction."""
        returned = clock.terms.breach_returns_credits
        if returned <= 0 or account.policy.credits is None:
            return
        if fact.kind == "breach_retracted":
            if clock.terms.retracted_breach == "takes_back":
                _take_back(account, clock, breach)
            return
        if fact.cycle == 1 and clock.terms.replaced:
            returned -= _brought_before(account, clock.terms.replaced)
        if (cap := clock.terms.breach_cap) is not None:
            returned = min(returned, cap.credits - _brought(account, cap, fact.at))
        if returned <= 0:
            return
        types = account.policy.credits.types
        lot = account.ledger.grant(
            returned,
            source="breach",
            rule=breach,
            credit_type=types[0].credit_type if types else "credit",
            effective_at=fact.at,
            policy_version=clock.terms.policy_version,
            clause=clock.terms.clause,
            reading=clock.terms.reading,
            reason=f"breach of {clock.spec.milestone}",
        )
        if paid := refunded_of_ticket(account.ledger, clock.ticket_id):  # Nothing comes back for a refunded unit.
            gone = account.ledger.void(lot.lot_id, min(paid, returned), reason="refunded", clause=lot.clause)
            account.ledger.reclaimed.append((lot, gone))
        account.emit(
            "credits.granted",
            {
                "lot_id": lot.lot_id,
                "credits": returned,
                "source": "breach",
                "breach_id": breach,
                "ticket_id": clock.external_ticket_id,
            },
        )

    return on_breach


def _brought(account: CustomerAccount, cap: BreachCap, at: datetime) -> int:
    """Credits that breaches have brought in the calendar period of ``at``, less those of breaches that were none."""
    zone = ZoneInfo(account.policy.term_zone)

    def period(instant: datetime) -> tuple[int, int]:
        local = instant.astimezone(zone)
        return local.year, local.month if cap.per == "month" else 0

    return sum(credits_ for instant, credits_, _ in _breaches(account) if period(instant) == period(at))


def _brought_before(account: CustomerAccount, replaced: tuple[str, ...]) -> int:
    """What the same thing missed brought by the promises that held before: another priority brings only the rest."""
    return sum(credits_ for _, credits_, rule in _breaches(account) if rule.startswith(replaced))


def _breaches(account: CustomerAccount) -> list[tuple[datetime, int, str]]:
    """What each breach brought, and when: to this account, and to those that went into it."""
    account.ledger.needs_all_lots()
    found = [
        (lot.effective_at, lot.granted - lot.voided, lot.rule)
        for lot in account.ledger.lots.values()
        if lot.source == "breach"
    ]
    absorbed = account.customer.data.get(BREACHES, ())
    return found + [(parse_iso(item["at"]), item["credits"], item["rule"]) for item in absorbed]


def carry_into(taker: CustomerAccount, giver: CustomerAccount) -> None:
    """Lets the account that remains remember what breaches brought to the one that goes, before its credits move.

    A cap is of a month or a year, so that of an earlier year is forgotten.
    """
    since = taker.at - timedelta(days=367)
    brought = [(at, credits_, rule) for at, credits_, rule in _breaches(giver) if credits_ and at >= since]
    if brought:
        added = [{"at": iso(at), "credits": credits_, "rule": rule} for at, credits_, rule in sorted(brought)]
        taker.customer.data[BREACHES] = [*taker.customer.data.get(BREACHES, ()), *added]


def _take_back(account: CustomerAccount, clock: TicketClock, breach: str) -> None:
    """It was no breach: what is unspent of its credits goes, wherever a merge has moved them."""
    account.ledger.needs_all_lots()
    roots = {
        lot.lot_id
        for lot in account.ledger.lots.values()
        if lot.rule == breach and (lot.source == "breach" or "bought" in lot.data)
    }
    data = account.customer.data
    if any(item["rule"] == breach for item in data.get(BREACHES, ())):
        data[BREACHES] = [item for item in data[BREACHES] if item["rule"] != breach]
    for lot in sorted(account.ledger.lots.values(), key=lambda lot: lot.lot_id):
        if lot.lot_id not in roots and lot.root not in roots:
            continue
        voided = account.ledger.void(lot.lot_id, reason="breach retracted", clause=clock.terms.clause)
        if voided:
            balance = account.ledger.balance(lot.credit_type)
            voided_event_data = voided_data(
                lot,
                voided,
                balance,
                reason="breach_retracted",
                order_id=None,
                breach_id=breach,
                ticket_id=clock.external_ticket_id,
            )
            account.emit("credits.voided", voided_event_data)
