"""The price calculator, for a ticket as it might be opened and work that might be logged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from app.db import policies
from app.db.account import accounts, counted, many, payers
from app.db.clocks import calendars
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.policy import prices as pricing
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import TimePrice
from app.domain.policy.wording import shown
from app.domain.tickets import calculator
from app.domain.tickets.calculator import Asked, WorkAsked
from app.domain.tickets.opening import check_priority
from app.domain.tickets.qualification import check_facts
from app.domain.values.errors import DomainError
from app.views.decision import decision_view
from app.views.price import Price, PriceMeans, PriceStep, price_view


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceQuestion:
    """A question to the calculator: a ticket as it might be opened, and work that might be logged."""

    category: str
    inputs: dict[str, int] = field(default_factory=dict)
    credits: int | None = None
    customer_id: str | None = None
    license_id: str | None = None
    agreed_up_to: int | None = None
    channel: str | None = None
    product: str | None = None
    priority: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    opened_at: datetime | None = None
    work: Sequence[WorkAsked] = ()


async def price(tx: Tx, name: str, question: PriceQuestion, *, draft: Policy | None = None) -> Price:
    """The calculator: what a category costs for these inputs and facts, and what an assessment of its ``credits`` would
    be. ``draft``: a document by which it is priced, in place of the version in force.

    404 ``policy_not_found``; 422 ``unknown_category``, ``unknown_input``, ``input_out_of_range``, ``inputs_required``,
    ``unknown_priority``, ``unknown_fact``, ``unknown_work_kind``, ``policy_name_differs``.
    """
    if name != tx.tenant.policy_name:
        raise DomainError("policy_not_found", name=name)
    policy = await policies.in_force(tx) if draft is None else await _as_published(tx, name, draft)
    category = question.category
    found = pricing.category_named(policy, category)
    checked = pricing.check_inputs(policy, category, question.inputs)
    check_priority(policy, question.priority)
    check_facts(policy, question.facts)
    payer = await _asking(tx, policy, question)
    answer = calculator.price(
        policy,
        await calendars.hours(tx),
        Asked(
            category=found,
            inputs=checked,
            at=question.opened_at or tx.at,
            credits=question.credits,
            channel=question.channel,
            product=question.product,
            priority=question.priority,
            license_id=question.license_id,
            facts=question.facts,
            work=question.work,
        ),
        payer,
    )
    listed = answer.listed
    if listed.missing:
        raise DomainError(
            "inputs_required", field=f"/inputs/{listed.missing[0]}", missing=list(listed.missing), category=category
        )
    clause = policy.clause(listed.clause)
    by_time = isinstance(found.price, TimePrice)
    listed_credits = answer.made.credits if by_time and answer.made is not None else listed.credits
    asked = listed_credits if question.credits is None else question.credits
    outside = asked is not None and (
        (listed.least is not None and asked < listed.least) or (listed.most is not None and asked > listed.most)
    )
    agreed = question.agreed_up_to is not None and asked is not None and asked <= question.agreed_up_to
    return {
        "policy": {"name": policy.policy, "version": policy.version},
        "draft": draft is not None,
        "category": category,
        "inputs": checked,
        "credits": asked,
        "unit": None if policy.unit is None else policy.unit.many,
        "price": price_view(found.price),
        "least": listed.least,
        "most": listed.most,
        "outside_list": outside,
        "needs_confirmation": found.confirm and policy.confirmation is not None and not agreed,
        "level": found.level,
        "clause": listed.clause,
        "reading": listed.reading or (clause is not None and clause.reading),
        "steps": cast(list[PriceStep], [step.json() for step in answer.made.steps] if answer.made else []),
        "surviving": answer.made.surviving if answer.made is not None else 0,
        "not_applied": [
            {"surcharge": rule.surcharge, "clause": rule.clause, "would_change": words} for rule, words in answer.absent
        ],
        "shown": None if asked is None else shown(policy, asked),
        "means": _means(policy, payer, answer, asked),
    }


def _means(
    policy: Policy, payer: CustomerAccount | None, answer: calculator.Answer, credits: int | None
) -> PriceMeans | None:
    """Return what who would pay has for the price; None where nobody is named, or nothing is to be paid in credits."""
    if payer is None or policy.credits is None or not credits:
        return None
    found = calculator.means(payer, answer.ticket, credits)
    return {
        "available": found.available,
        "overdraft_left": found.overdraft_left,
        "limit_left": found.limit_left,
        "decision": decision_view(found.decision),
    }


async def _as_published(tx: Tx, name: str, draft: Policy) -> Policy:
    """A draft with the number that it would have as a version."""
    if draft.policy != name:
        raise DomainError("policy_name_differs", name=name, document=draft.policy)
    newest = max(stored.version for stored in await policies.every_version(tx))
    return replace(draft, version=newest + 1)


async def _asking(tx: Tx, policy: Policy, question: PriceQuestion) -> CustomerAccount | None:
    """Who would pay, where there are credits or prices depend on it. Whom nobody knows is as a new customer."""
    if question.customer_id is None or not (policy.surcharges or policy.credits):
        return None
    mine = await accounts.look(tx, question.customer_id)
    if mine is None:
        mine = payer = await many.fresh(tx, question.customer_id)
    else:
        payer = await payers.paying(tx, mine)
    payer.asked_by = mine.customer.customer_id
    payer.policy, payer.ledger.rules = policy, policy.credits  # a draft is lived under as if it were in force
    return await counted.load(tx, payer, question.opened_at)
