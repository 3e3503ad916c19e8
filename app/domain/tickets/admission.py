"""Admission: whether a ticket may go on and who pays, as far as the rules decide alone. It changes nothing.

Every policy asks in one order:

- the checks;
- what is missing;
- who pays: nobody at price 0, a level of cover, cover or credits, as the customer chose;
- consent to the price;
- the hold.

`app.domain.tickets.opening` carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.domain.account.customer import Cover
from app.domain.cover import cover as covers
from app.domain.orders import remedies
from app.domain.policy import prices as list_prices
from app.domain.policy import work_time
from app.domain.policy.price_terms import TimePrice
from app.domain.policy.reckoning import Reckoned
from app.domain.policy.ticket_rules import Category, RemedyRule
from app.domain.policy.wording import asked_for
from app.domain.tickets import entitlement, pricing, qualification
from app.domain.tickets.pricing import Pricing
from app.domain.tickets.qualification import Verdict
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import State
from app.domain.values.decision import Reason, Remedy
from app.domain.values.phrase import phrased
from app.domain.values.wire import iso, iso_or_none


@dataclass(slots=True, kw_only=True)
class Admission:
    """What the rules came to. ``price`` None: no price stands yet; ``commit``: credits to have held afterwards."""

    state: State
    reasons: tuple[Reason, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    options: list[dict[str, Any]] = field(default_factory=list)
    asks: tuple[str, ...] = ()
    price: int | None = None
    quoted: int | None = None
    paid_by: str | None = None
    cover: Cover | None = None
    starts_cover: bool = False
    commit: int = 0
    applies_credit: bool = False
    made: Reckoned | None = None
    """How the price is made, where more than the list makes it."""
    by_time: bool = False
    """Work is charged as it is logged; ``commit`` is set aside for it."""
    up_to: int | None = None
    """What work may take by the assessment."""


def needs_consent(session: TicketSession, category: Category | None, credits: int, *, above_list: bool = False) -> bool:
    """Whether the customer must agree to a price first.

    They must above what was agreed in advance, and where the category asks beforehand (CSC-9, CSC-10). Policies without
    confirmation never ask (XC-10).
    """
    if session.policy.confirmation is None or credits == 0:
        return False
    agreed = session.ticket.agreed_up_to
    if agreed is not None:
        return credits > agreed
    return above_list or (category is not None and category.confirm)


# --- the order of the questions ---------------------------------------------------------------------------------------


def admit(session: TicketSession, verdict: Verdict) -> Admission:
    """The rules' answer; changes nothing."""
    if verdict.rejections:
        return Admission(state="rejected", reasons=verdict.rejections, remedies=verdict.remedies)
    if session.policy.qualification.by == "agent":
        return _for_an_agent(session, verdict)
    priced = pricing.price_of(session)
    asks = [*verdict.asks, *(f"inputs.{name}" for name in priced.missing)]
    if asks:
        return _ask(session, asks)
    # What an agent assessed may be 0 because a level is included; what the list has for nothing needs no cover.
    listed_free = priced.credits == 0 and priced.waiting is None
    by_level = None if listed_free else _level(session, priced.category)
    if by_level is not None:
        return by_level
    if priced.credits == 0:
        return Admission(state="in_progress", price=0, quoted=0, paid_by="nobody", made=_made(session, priced))
    if session.policy.payment.choice_open_clause and session.account.open_choices():
        return _choice_open(session)
    return _pay(session, priced)


def _ask(session: TicketSession, asks: list[str]) -> Admission:
    reasons = tuple(
        session.reason(
            "fact_missing",
            "ALL-3",
            phrased("Not stated yet: %(fact)s.", fact=asked_for(session.policy, name)),
            reading=True,
            fact=name,
            title=str(asked_for(session.policy, name)),
            would_change=phrased("stating %(fact)s", fact=asked_for(session.policy, name)),
        )
        for name in asks
    )
    return Admission(state="needs_facts", reasons=reasons, asks=tuple(asks), commit=session.committed)


def _for_an_agent(session: TicketSession, verdict: Verdict) -> Admission:
    """TERMS-11: rules ask and recommend, an agent qualifies; the credit is held from the opening on (TERMS-15)."""
    ticket = session.ticket
    asks = list(verdict.asks)
    if ticket.credit_type is None:
        clause = session.policy.credits.clause if session.policy.credits else None
        asked = _ask(session, ["credit_type", *asks])
        first = session.reason(
            "credit_required",
            clause,
            phrased("No credit is applied to this ticket yet."),
            fact="credit_type",
            available=session.available_of_any,
            would_change=phrased("applying a credit"),
        )
        asked.reasons = (first, *asked.reasons[1:])
        asked.remedies = _credits_to_apply(session)
        return asked
    if ticket.credit_applied_at is None and session.reach < 1:
        return Admission(
            state="awaiting_credits", reasons=session.want_of_credits(1), remedies=session.offers(), asks=tuple(asks)
        )
    if asks:
        found = _ask(session, asks)
        found.applies_credit = True
        found.paid_by = "credits"
        return found
    return Admission(
        state="awaiting_qualification", applies_credit=True, price=1, paid_by="credits", asks=verdict.mentions
    )


def _credits_to_apply(session: TicketSession) -> tuple[Remedy, ...]:
    """The types of credit that are there and may serve what is asked for; else the offers that bring one."""
    kind = session.ticket.facts.get(remedies.REQUEST_KIND)
    types = session.policy.credits.types if session.policy.credits else ()
    found = tuple(
        Remedy(
            kind=remedies.APPLY_CREDIT, credit_type=rule.credit_type, text=remedies.apply_words(rule, session.policy)
        )
        for rule in types
        if (kind is None or not rule.serves or kind in rule.serves)
        and session.available_for(session.ticket.category, rule.credit_type)
    )
    if found:
        return found
    rule = RemedyRule(kind=remedies.APPLY_CREDIT)
    serving = () if kind is None else remedies.remedies(session.account, [rule], session.need())
    return serving or session.offers()


def _level(session: TicketSession, category: Category | None) -> Admission | None:
    """Free under a cover of the category's level that reaches the license (AVA-4, AVA-9, AVA-10); else None."""
    payment, ticket = session.policy.payment, session.ticket
    if category is None or category.level is None or "cover" not in payment.means or ticket.pay_with == "credits":
        return None
    serving = covers.paying(session.account, covers.in_force_for(session.account, None, category.level))
    mine = qualification.license_of(session.account, ticket.license_id)
    if mine is None:
        if serving and payment.license_required_clause and len(session.account.active_licenses()) > 1:
            reason = session.reason(
                "license_required",
                payment.license_required_clause,
                phrased("Several licenses are on the account; which one is it about?"),
                reading=True,
                licenses=[license_.license_id for license_ in session.account.active_licenses()],
                would_change=phrased("naming the license"),
            )
            return Admission(state="needs_facts", reasons=(reason,), asks=("license_id",), commit=session.committed)
        return None
    free = [cover for cover in serving if covers.reaches(cover, mine.license_id)]
    if not free:
        return None
    reason = session.reason(
        "level_free",
        category.level_clause or category.clause,
        phrased("Level %(level)s support is free with this license.", level=category.level),
        reading=category.reading,
        level=category.level,
        license_id=mine.license_id,
    )
    return Admission(state="in_progress", price=0, quoted=0, paid_by="cover", cover=free[0], reasons=(reason,))


def _choice_open(session: TicketSession) -> Admission:
    clause = session.policy.payment.choice_open_clause
    open_ = session.account.open_choices()
    reason = session.reason(
        "choice_required",
        clause,
        phrased("First choose what the license brings."),
        reading=True,
        choices=[choice.choice_id for choice in open_],
        would_change=phrased("making the choice"),
    )
    options = [{"choice_id": choice.choice_id, "options": sorted(choice.options)} for choice in open_]
    return Admission(
        state="awaiting_choice",
        reasons=(reason,),
        options=options,
        remedies=(Remedy(kind="choose", text=phrased("Choose what the license brings.")),),
    )


# --- who pays ---------------------------------------------------------------------------------------------------------


def _general(session: TicketSession, cover: Cover) -> bool:
    """Whether a cover pays for any issue: it has no levels, opens tickets, and its plan is more than a gate."""
    opens = not cover.levels and covers.OPEN_TICKET in cover.actions and cover.state != "voided"
    return opens and session.policy.pays(cover.plan)


def cover_that_pays(session: TicketSession) -> tuple[Cover | None, bool]:
    """Return the cover that would pay for any issue of this ticket now.

    Return too whether the ticket would start it (CSC-4).
    """
    if "cover" not in session.policy.payment.means:
        return None, False
    running = [
        cover for cover in covers.in_force_for(session.account, session.ticket.license_id) if _general(session, cover)
    ]
    if running:
        return running[0], False
    waiting = covers.startable(session.account)
    return waiting, waiting is not None


def _pay(session: TicketSession, priced: Pricing) -> Admission:
    payment, ticket = session.policy.payment, session.ticket
    cover, starts = cover_that_pays(session)
    spendable = session.reach + session.committed
    by_credits = "credits" in payment.means and session.policy.credits is not None
    can_credits = by_credits and spendable >= (1 if priced.credits is None else priced.credits)
    suspended = [
        cover
        for cover in session.account.covers.values()
        if cover.is_suspended(session.when) and _general(session, cover)
    ]
    if cover is None and suspended and payment.suspended_clause and (ticket.pay_with == "cover" or not can_credits):
        lacking = None if priced.credits is None else max(priced.credits - spendable, 1)
        return _suspended(session, suspended[0], lacking)
    if cover is not None and can_credits and ticket.pay_with is None and payment.choose_clause:
        return _choose(session, cover, priced)
    if cover is not None and ticket.pay_with != "credits":
        return Admission(
            state="in_progress",
            price=0,
            quoted=0 if priced.category else None,
            paid_by="cover",
            cover=cover,
            starts_cover=starts,
            reasons=(_covered(session, cover, starts),),
        )
    if not by_credits or ticket.pay_with == "cover":
        return _no_cover(session)
    return _by_credits(session, priced, spendable)


def _covered(session: TicketSession, cover: Cover, starts: bool) -> Reason:
    code = "cover_pending" if starts else "covered"
    text = phrased("A support period starts with this ticket.") if starts else phrased("Support cover is in force.")
    clause, reading = entitlement.allowing_clause(session.policy, code) or (cover.clause, cover.reading)
    return session.reason(
        code,
        clause,
        text,
        reading=reading or cover.reading,
        cover_id=cover.cover_id,
        ends_at=iso_or_none(covers.ends_if_used(session.account, cover)),
    )


def _suspended(session: TicketSession, cover: Cover, missing: int | None) -> Admission:
    payment = session.policy.payment
    reason = session.reason(
        "cover_suspended",
        payment.suspended_clause,
        phrased("The support period is suspended; resume it first."),
        reading=True,
        cover_id=cover.cover_id,
        suspended_at=iso_or_none(cover.suspended_at),
        remaining_seconds=covers.remaining(cover, session.at),
        would_change=phrased("resuming the period, or credits"),
    )
    rules = [RemedyRule(kind="resume", text=phrased("Resume the suspended period."))]
    if payment.exhausted_skus:
        rules.append(RemedyRule(kind="buy", skus=payment.exhausted_skus))
    return Admission(
        state="rejected", reasons=(reason,), remedies=remedies.remedies(session.account, rules, session.need(missing))
    )


def _choose(session: TicketSession, cover: Cover, priced: Pricing) -> Admission:
    reason = session.reason(
        "pay_with_required",
        session.policy.payment.choose_clause,
        phrased("Both credits and cover can pay for this ticket; choose which."),
        would_change=phrased("pay_with credits, or pay_with cover"),
    )
    options: list[dict[str, Any]] = [
        {"pay_with": "credits", "credits": priced.credits, "available": session.available},
        {
            "pay_with": "cover",
            "cover_id": cover.cover_id,
            "state": cover.state,
            "ends_at": iso_or_none(covers.ends_if_used(session.account, cover)),
        },
    ]
    return Admission(
        state="awaiting_choice",
        reasons=(reason,),
        options=options,
        remedies=(Remedy(kind="choose", text=phrased("Say pay_with: credits or cover.")),),
    )


def _no_cover(session: TicketSession) -> Admission:
    """Cover alone may pay, or was chosen, and there is none: recorded with the offers, decided again later (CSC-17)."""
    ended = [
        cover.ends_at
        for cover in session.account.covers.values()
        if _general(session, cover) and cover.ends_at is not None
    ]
    last = max(ended, default=None)
    clause = session.policy.payment.exhausted_clause
    needed = phrased("cover in force")
    if last is not None:
        text = phrased("Support cover ended at %(instant)s.", instant=iso(last))
        reason = session.reason("cover_expired", clause, text, ended_at=iso(last), would_change=needed)
    else:
        reason = session.reason("cover_missing", clause, phrased("There is no support cover."), would_change=needed)
    return Admission(state="awaiting_credits", reasons=(reason,), remedies=session.offers())


def _made(session: TicketSession, priced: Pricing) -> Reckoned | None:
    """How the price is made, where surcharges or work make it."""
    if priced.category is not None and isinstance(priced.category.price, TimePrice):
        surcharges = priced.listed.surcharges if priced.listed is not None else ()
        before = session.ticket.returned_before
        return pricing.work_price(session.policy, priced.category, session.ticket.work, surcharges, given_back=before)
    return None if priced.listed is None else priced.listed.made


def _by_time(
    session: TicketSession, category: Category, price: TimePrice, priced: Pricing, spendable: int
) -> Admission:
    """Work that is charged as it is logged, within what the customer agreed to, which is set aside at once."""
    made, waiting, agreed = _made(session, priced), priced.waiting, session.ticket.agreed_up_to
    so_far = made.credits if made is not None else 0
    up_to = pricing.limit_of(session.ticket, price) if waiting is None else waiting.get("up_to")
    asks = session.policy.confirmation is not None and (
        category.confirm if agreed is None else up_to is not None and up_to > agreed
    )
    if asks and up_to is None:
        return _assess_first(session, priced, spendable)
    least = so_far + work_time.first_block(price)
    stated = agreed is not None or waiting is not None  # by the customer or an agent, not by the price list alone
    commit = max(least, 0 if up_to is None else up_to if stated else min(up_to, spendable))
    found = Admission(
        state="in_progress",
        price=so_far,
        quoted=so_far,
        paid_by="credits",
        commit=commit,
        made=made,
        by_time=True,
        up_to=up_to,
    )
    if spendable < commit:
        found.state, found.reasons, found.remedies = "awaiting_credits", *_lacking(session, commit)
    elif asks:
        found.state = "awaiting_confirmation"
        found.reasons = (consent_reason(session, up_to or 0, spendable, by_time=True),)
    if found.state != "in_progress":
        found.price, found.commit, found.by_time = None, 0, False
    return found


def _lacking(session: TicketSession, credits: int) -> tuple[tuple[Reason, ...], tuple[Remedy, ...]]:
    return session.want_of_credits(credits), session.lacking(credits)


def _by_credits(session: TicketSession, priced: Pricing, spendable: int) -> Admission:
    category, agreed = priced.category, session.ticket.agreed_up_to
    if category is not None and isinstance(category.price, TimePrice):
        return _by_time(session, category, category.price, priced, spendable)
    if priced.credits is None:
        if priced.category is None and agreed:
            return _held(session, _in_advance(session, agreed, spendable), spendable, price=None, quoted=None)
        return _assess_first(session, priced, spendable)
    asked = priced.waiting is not None and priced.waiting["by"] != "rules"
    payable = asked or spendable >= priced.credits  # what cannot be held at an opening is not asked for (ALL-2)
    if payable and needs_consent(session, priced.category, priced.credits, above_list=priced.above_list):
        return _consent(session, priced, spendable)
    found = _held(session, priced.credits, spendable, price=priced.credits, quoted=priced.credits)
    found.made = _made(session, priced)
    return found


def _in_advance(session: TicketSession, agreed: int, spendable: int) -> int:
    """Return how much is held of a price agreed in advance: all of it.

    Where less is there, that, if it pays any listed price.
    """
    bounds = [list_prices.quote(category, {}).most for category in session.policy.categories]
    dearest = max((bound for bound in bounds if bound is not None), default=agreed)
    return spendable if dearest <= spendable < agreed else agreed


def _held(session: TicketSession, credits: int, spendable: int, *, price: int | None, quoted: int | None) -> Admission:
    if spendable < credits:
        return Admission(
            state="awaiting_credits",
            quoted=quoted,
            reasons=session.want_of_credits(credits),
            remedies=session.lacking(credits),
            paid_by="credits",
        )
    return Admission(state="in_progress", price=price, quoted=quoted, paid_by="credits", commit=credits)


def _assess_first(session: TicketSession, priced: Pricing, spendable: int) -> Admission:
    category = priced.category
    facts: dict[str, Any] = {}
    if category is not None:
        listed = pricing.listed(session, category, session.ticket.inputs)
        facts = {"category": category.category, "least": listed.least, "most": listed.most}
    reasons = [
        session.reason(
            "assessment_required",
            category.clause if category else "ALL-3",
            phrased("The credits are set by an assessment; nothing is held before it."),
            reading=True,
            would_change=phrased("an assessment"),
            **facts,
        )
    ]
    offered: tuple[Remedy, ...] = ()
    if spendable == 0 and session.policy.payment.exhausted_clause:
        reasons.append(
            session.reason("credits_used_up", session.policy.payment.exhausted_clause, session.none_there, available=0)
        )
        offered = session.offers()
    return Admission(state="awaiting_assessment", reasons=tuple(reasons), remedies=offered, paid_by="credits")


def _consent(session: TicketSession, priced: Pricing, spendable: int) -> Admission:
    agreed, quoted = session.ticket.agreed_up_to, priced.credits or 0
    reason = consent_reason(session, quoted, spendable)
    commit = agreed if agreed and spendable >= agreed else 0
    return Admission(
        state="awaiting_confirmation",
        quoted=quoted,
        reasons=(reason,),
        paid_by="credits",
        commit=commit,
        made=_made(session, priced),
    )


def consent_reason(session: TicketSession, credits: int, spendable: int, *, by_time: bool = False) -> Reason:
    """Why a price waits for the customer (CSC-9; CSC-10 once the ticket is worked on)."""
    rule = session.policy.confirmation
    clause = (
        None if rule is None else (rule.change_clause or rule.clause) if session.ticket.accepted_at else rule.clause
    )
    amount = session.amount(credits)
    text = phrased("Assessed at %(credits)s; it waits for confirmation.", credits=amount)
    if by_time:
        text = phrased("Work may take %(credits)s; it waits for confirmation.", credits=amount)
    return session.reason(
        "awaiting_confirmation",
        clause,
        text,
        reading=bool(rule and rule.reading),
        credits=credits,
        agreed_up_to=session.ticket.agreed_up_to,
        available=spendable,
        would_change=phrased("confirming the assessment"),
    )
