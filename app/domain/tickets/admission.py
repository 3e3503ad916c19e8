"""Admission: whether a ticket may go on and who pays, as far as the rules decide alone. It changes nothing.

One order of questions for every policy: the checks; what is missing; who pays (nobody at price 0, a level of cover,
cover or credits, as the customer chose); consent to the price; the hold. `app.domain.tickets.opening` carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.domain import entitlement
from app.domain.account.customer import Cover
from app.domain.cover import cover as covers
from app.domain.orders import remedies
from app.domain.policy import prices as pricing
from app.domain.policy.ticket_rules import Category, RemedyRule
from app.domain.policy.wording import asked_for
from app.domain.tickets import qualification
from app.domain.tickets.qualification import Verdict
from app.domain.tickets.session import Desk
from app.domain.tickets.ticket import Assessment, State
from app.domain.values.decision import Reason, Remedy
from app.domain.values.text import counted, with_article
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """The price of a ticket as far as it is known. ``credits`` None: nobody has named them yet."""

    category: Category | None
    credits: int | None
    missing: tuple[str, ...]
    above_list: bool
    waiting: Assessment | None


def price_of(desk: Desk) -> Pricing:
    """What the ticket would cost: the waiting assessment's credits, else the list's."""
    ticket = desk.ticket
    category = desk.policy.category(ticket.category) if ticket.category is not None else None
    quote = ticket.quote
    if category is None:
        return Pricing(category=None, credits=None, missing=(), above_list=False, waiting=None)
    listed = pricing.quote(category, ticket.inputs)
    if quote is not None and quote["category"] == category.category:
        above = quote["outside_list"] and (listed.most is None or quote["credits"] > listed.most)
        return Pricing(category=category, credits=quote["credits"], missing=(), above_list=above, waiting=quote)
    return Pricing(category=category, credits=listed.credits, missing=listed.missing, above_list=False, waiting=None)


def needs_consent(desk: Desk, category: Category | None, credits: int, *, above_list: bool = False) -> bool:
    """Whether the customer must agree to a price first: above what was agreed in advance, or asked beforehand where the
    category says so (CSC-9, CSC-10). Policies without confirmation never ask (XC-10)."""
    if desk.policy.confirmation is None or credits == 0:
        return False
    agreed = desk.ticket.agreed_up_to
    if agreed is not None:
        return credits > agreed
    return above_list or (category is not None and category.confirm)


# --- the order of the questions ---------------------------------------------------------------------------------------


def admit(desk: Desk, verdict: Verdict) -> Admission:
    """The rules' answer; changes nothing."""
    if verdict.rejections:
        return Admission(state="rejected", reasons=verdict.rejections, remedies=verdict.remedies)
    if desk.policy.qualification.by == "agent":
        return _for_an_agent(desk, verdict)
    priced = price_of(desk)
    asks = [*verdict.asks, *(f"inputs.{name}" for name in priced.missing)]
    if asks:
        return _ask(desk, asks)
    # What an agent assessed may be 0 because a level is included; what the list has for nothing needs no cover.
    listed_free = priced.credits == 0 and priced.waiting is None
    by_level = None if listed_free else _level(desk, priced.category)
    if by_level is not None:
        return by_level
    if priced.credits == 0:
        return Admission(state="in_progress", price=0, quoted=0, paid_by="nobody")
    if desk.policy.payment.choice_open_clause and desk.book.open_choices():
        return _choice_open(desk)
    return _pay(desk, priced)


def _ask(desk: Desk, asks: list[str]) -> Admission:
    reasons = tuple(
        desk.reason(
            "fact_missing",
            "ALL-3",
            f"Not stated yet: {asked_for(desk.policy, name)}.",
            reading=True,
            fact=name,
            title=asked_for(desk.policy, name),
            would_change=f"stating {asked_for(desk.policy, name)}",
        )
        for name in asks
    )
    return Admission(state="needs_facts", reasons=reasons, asks=tuple(asks), commit=desk.committed)


def _for_an_agent(desk: Desk, verdict: Verdict) -> Admission:
    """TERMS-11: rules ask and recommend, an agent qualifies; the credit is held from the opening on (TERMS-15)."""
    ticket = desk.ticket
    asks = list(verdict.asks)
    if ticket.credit_type is None:
        clause = desk.policy.credits.clause if desk.policy.credits else None
        asked = _ask(desk, ["credit_type", *asks])
        first = desk.reason(
            "credit_required",
            clause,
            "No credit is applied to this ticket yet.",
            fact="credit_type",
            available=desk.available_of_any,
            would_change="applying a credit",
        )
        asked.reasons = (first, *asked.reasons[1:])
        asked.remedies = _credits_to_apply(desk)
        return asked
    if ticket.credit_applied_at is None and desk.available < 1:
        return Admission(
            state="awaiting_credits", reasons=desk.want_of_credits(1), remedies=desk.offers(), asks=tuple(asks)
        )
    if asks:
        found = _ask(desk, asks)
        found.applies_credit = True
        found.paid_by = "credits"
        return found
    return Admission(
        state="awaiting_qualification", applies_credit=True, price=1, paid_by="credits", asks=verdict.mentions
    )


def _credits_to_apply(desk: Desk) -> tuple[Remedy, ...]:
    """The types of credit that are there and may serve what is asked for; else the offers that bring one."""
    kind = desk.ticket.facts.get(remedies.REQUEST_KIND)
    types = desk.policy.credits.types if desk.policy.credits else ()
    found = tuple(
        Remedy(
            kind=remedies.APPLY_CREDIT,
            credit_type=one.credit_type,
            text=f"Apply {with_article(remedies.typed_words(one))}.",
        )
        for one in types
        if (kind is None or not one.serves or kind in one.serves)
        and desk.book.ledger.available(one.credit_type, license_id=desk.ticket.license_id)
    )
    if found:
        return found
    rule = RemedyRule(kind=remedies.APPLY_CREDIT)
    serving = () if kind is None else remedies.remedies(desk.book, [rule], desk.need())
    return serving or desk.offers()


def _level(desk: Desk, category: Category | None) -> Admission | None:
    """Free under a cover of the category's level that reaches the license (AVA-4, AVA-9, AVA-10); else None."""
    payment, ticket = desk.policy.payment, desk.ticket
    if category is None or category.level is None or "cover" not in payment.means or ticket.pay_with == "credits":
        return None
    serving = covers.in_force_for(desk.book, None, category.level)
    mine = qualification.license_of(desk.book, ticket.license_id)
    if mine is None:
        if serving and payment.license_required_clause and len(desk.book.active_licenses()) > 1:
            reason = desk.reason(
                "license_required",
                payment.license_required_clause,
                "Several licenses are on the account; which one is it about?",
                reading=True,
                licenses=[one.license_id for one in desk.book.active_licenses()],
                would_change="naming the license",
            )
            return Admission(state="needs_facts", reasons=(reason,), asks=("license_id",), commit=desk.committed)
        return None
    free = [one for one in serving if covers.reaches(one, mine.license_id)]
    if not free:
        return None
    reason = desk.reason(
        "level_free",
        category.level_clause or category.clause,
        f"Level {category.level} support is free with this license.",
        reading=category.reading,
        level=category.level,
        license_id=mine.license_id,
    )
    return Admission(state="in_progress", price=0, quoted=0, paid_by="cover", cover=free[0], reasons=(reason,))


def _choice_open(desk: Desk) -> Admission:
    clause = desk.policy.payment.choice_open_clause
    open_ = desk.book.open_choices()
    reason = desk.reason(
        "choice_required",
        clause,
        "First choose what the license brings.",
        reading=True,
        choices=[one.choice_id for one in open_],
        would_change="making the choice",
    )
    options = [{"choice_id": one.choice_id, "options": sorted(one.options)} for one in open_]
    return Admission(
        state="awaiting_choice",
        reasons=(reason,),
        options=options,
        remedies=(Remedy(kind="choose", text="Choose what the license brings."),),
    )


# --- who pays ---------------------------------------------------------------------------------------------------------


def _general(cover: Cover) -> bool:
    return not cover.levels and covers.OPEN_TICKET in cover.actions and cover.state != "voided"


def cover_that_pays(desk: Desk) -> tuple[Cover | None, bool]:
    """The cover that would pay for any issue of this ticket now, and whether it would start with it (CSC-4)."""
    if "cover" not in desk.policy.payment.means:
        return None, False
    running = [one for one in covers.in_force_for(desk.book, desk.ticket.license_id) if _general(one)]
    if running:
        return running[0], False
    waiting = covers.startable(desk.book)
    return waiting, waiting is not None


def _pay(desk: Desk, priced: Pricing) -> Admission:
    payment, ticket = desk.policy.payment, desk.ticket
    cover, starts = cover_that_pays(desk)
    spendable = desk.available + desk.committed
    by_credits = "credits" in payment.means and desk.policy.credits is not None
    can_credits = by_credits and spendable >= (1 if priced.credits is None else priced.credits)
    suspended = [one for one in desk.book.covers.values() if one.state == "suspended" and _general(one)]
    if cover is None and suspended and payment.suspended_clause and (ticket.pay_with == "cover" or not can_credits):
        lacking = None if priced.credits is None else max(priced.credits - spendable, 1)
        return _suspended(desk, suspended[0], lacking)
    if cover is not None and can_credits and ticket.pay_with is None and payment.choose_clause:
        return _choose(desk, cover, priced)
    if cover is not None and ticket.pay_with != "credits":
        return Admission(
            state="in_progress",
            price=0,
            quoted=0 if priced.category else None,
            paid_by="cover",
            cover=cover,
            starts_cover=starts,
            reasons=(_covered(desk, cover, starts),),
        )
    if not by_credits or ticket.pay_with == "cover":
        return _no_cover(desk)
    return _by_credits(desk, priced, spendable)


def _covered(desk: Desk, cover: Cover, starts: bool) -> Reason:
    code = "cover_pending" if starts else "covered"
    text = "A support period starts with this ticket." if starts else "Support cover is in force."
    clause, reading = entitlement.allowing_clause(desk.policy, code) or (cover.clause, cover.reading)
    return desk.reason(
        code,
        clause,
        text,
        reading=reading or cover.reading,
        cover_id=cover.cover_id,
        ends_at=iso_or_none(covers.ends_if_used(desk.book, cover)),
    )


def _suspended(desk: Desk, cover: Cover, missing: int | None) -> Admission:
    payment = desk.policy.payment
    reason = desk.reason(
        "cover_suspended",
        payment.suspended_clause,
        "The support period is suspended; resume it first.",
        reading=True,
        cover_id=cover.cover_id,
        suspended_at=iso_or_none(cover.suspended_at),
        remaining_seconds=covers.remaining(cover, desk.at),
        would_change="resuming the period, or credits",
    )
    rules = [RemedyRule(kind="resume", text="Resume the suspended period.")]
    if payment.exhausted_skus:
        rules.append(RemedyRule(kind="buy", skus=payment.exhausted_skus))
    return Admission(
        state="rejected", reasons=(reason,), remedies=remedies.remedies(desk.book, rules, desk.need(missing))
    )


def _choose(desk: Desk, cover: Cover, priced: Pricing) -> Admission:
    reason = desk.reason(
        "pay_with_required",
        desk.policy.payment.choose_clause,
        "Both credits and cover can pay for this ticket; choose which.",
        would_change="pay_with credits, or pay_with cover",
    )
    options: list[dict[str, Any]] = [
        {"pay_with": "credits", "credits": priced.credits, "available": desk.available},
        {
            "pay_with": "cover",
            "cover_id": cover.cover_id,
            "state": cover.state,
            "ends_at": iso_or_none(covers.ends_if_used(desk.book, cover)),
        },
    ]
    return Admission(
        state="awaiting_choice",
        reasons=(reason,),
        options=options,
        remedies=(Remedy(kind="choose", text="Say pay_with: credits or cover."),),
    )


def _no_cover(desk: Desk) -> Admission:
    """Cover alone may pay, or was chosen, and there is none: recorded with the offers, decided again later (CSC-17)."""
    ended = [one.ends_at for one in desk.book.covers.values() if _general(one) and one.ends_at is not None]
    last = max(ended, default=None)
    clause = desk.policy.payment.exhausted_clause
    if last is not None:
        reason = desk.reason(
            "cover_expired",
            clause,
            f"Support cover ended at {iso(last)}.",
            ended_at=iso(last),
            would_change="cover in force",
        )
    else:
        reason = desk.reason("cover_missing", clause, "There is no support cover.", would_change="cover in force")
    return Admission(state="awaiting_credits", reasons=(reason,), remedies=desk.offers())


def _by_credits(desk: Desk, priced: Pricing, spendable: int) -> Admission:
    agreed = desk.ticket.agreed_up_to
    if priced.credits is None:
        if priced.category is None and agreed:
            return _held(desk, _in_advance(desk, agreed, spendable), spendable, price=None, quoted=None)
        return _assess_first(desk, priced, spendable)
    asked = priced.waiting is not None and priced.waiting["by"] != "rules"
    payable = asked or spendable >= priced.credits  # what cannot be held at an opening is not asked for (ALL-2)
    if payable and needs_consent(desk, priced.category, priced.credits, above_list=priced.above_list):
        return _consent(desk, priced, spendable)
    return _held(desk, priced.credits, spendable, price=priced.credits, quoted=priced.credits)


def _in_advance(desk: Desk, agreed: int, spendable: int) -> int:
    """What is held of a price agreed in advance: all of it; where less is there, that, if it pays any listed price."""
    bounds = [pricing.quote(one, {}).most for one in desk.policy.categories]
    dearest = max((one for one in bounds if one is not None), default=agreed)
    return spendable if dearest <= spendable < agreed else agreed


def _held(desk: Desk, credits: int, spendable: int, *, price: int | None, quoted: int | None) -> Admission:
    if spendable < credits:
        return Admission(
            state="awaiting_credits",
            quoted=quoted,
            reasons=desk.want_of_credits(credits),
            remedies=desk.lacking(credits),
            paid_by="credits",
        )
    return Admission(state="in_progress", price=price, quoted=quoted, paid_by="credits", commit=credits)


def _assess_first(desk: Desk, priced: Pricing, spendable: int) -> Admission:
    category = priced.category
    facts: dict[str, Any] = {}
    if category is not None:
        listed = pricing.quote(category, desk.ticket.inputs)
        facts = {"category": category.category, "least": listed.least, "most": listed.most}
    reasons = [
        desk.reason(
            "assessment_required",
            category.clause if category else "ALL-3",
            "The credits are set by an assessment; nothing is held before it.",
            reading=True,
            would_change="an assessment",
            **facts,
        )
    ]
    offered: tuple[Remedy, ...] = ()
    if spendable == 0 and desk.policy.payment.exhausted_clause:
        reasons.append(
            desk.reason("credits_used_up", desk.policy.payment.exhausted_clause, desk.none_there, available=0)
        )
        offered = desk.offers()
    return Admission(state="awaiting_assessment", reasons=tuple(reasons), remedies=offered, paid_by="credits")


def _consent(desk: Desk, priced: Pricing, spendable: int) -> Admission:
    agreed, quoted = desk.ticket.agreed_up_to, priced.credits or 0
    reason = consent_reason(desk, quoted, spendable)
    commit = agreed if agreed and spendable >= agreed else 0
    return Admission(state="awaiting_confirmation", quoted=quoted, reasons=(reason,), paid_by="credits", commit=commit)


def consent_reason(desk: Desk, credits: int, spendable: int) -> Reason:
    """Why a price waits for the customer (CSC-9; CSC-10 once the ticket is worked on)."""
    rule = desk.policy.confirmation
    clause = None if rule is None else (rule.change_clause or rule.clause) if desk.ticket.accepted_at else rule.clause
    return desk.reason(
        "awaiting_confirmation",
        clause,
        f"Assessed at {counted(credits, *desk.unit)}; it waits for confirmation.",
        reading=bool(rule and rule.reading),
        credits=credits,
        agreed_up_to=desk.ticket.agreed_up_to,
        available=spendable,
        would_change="confirming the assessment",
    )
