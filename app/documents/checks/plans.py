"""Plans: names that lead nowhere, plans that nobody can buy, gates that nothing asks about."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from app.documents.checks.context import Checker, Parts, grants, walk
from app.domain.policy.conditions import facts_used
from app.domain.policy.offers import CoverGrant, Offer
from app.domain.policy.plans import SupportPlan
from app.domain.policy.ticket_rules import ActionRule, Check, Gate, Ground


def check_plans(c: Checker) -> None:
    """What plans say of each other, and what grants and rules say of them."""
    p = c.policy
    names = [plan.plan for plan in p.plans]
    sold: set[str | None] = set()
    for i, offer in enumerate(p.offers):
        for parts, grant in grants(offer, i):
            if isinstance(grant, CoverGrant):
                sold.add(grant.plan)
                _grant(c, offer, grant, parts)
    asked = _asked(c)
    for i, plan in enumerate(p.plans):
        for j, other in enumerate(plan.includes or ()):
            if other not in names:
                known = f"Write one of {', '.join(names)}."
                c.error(("plans", i, "includes", j), "unknown_plan", f"There is no plan `{other}`.", known)
        if plan.plan not in sold:
            c.warn(
                ("plans", i),
                "plan_never_granted",
                f"No offer grants the plan `{plan.plan}`.",
                f"Write `plan: {plan.plan}` in a grant of cover, or remove the plan.",
            )
        if not plan.pays:
            _gate(c, plan, ("plans", i, "pays"), asked=asked)


def _gate(c: Checker, plan: SupportPlan, parts: Parts, *, asked: bool) -> None:
    if "credits" not in c.policy.payment.means:
        c.error(
            parts,
            "nothing_pays",
            f"Under the plan `{plan.plan}` nothing pays for a ticket.",
            "Add `credits` to `payment.means`, or remove `pays: false`.",
        )
    if not asked:
        c.warn(
            parts,
            "gate_never_asked",
            f"No rule asks whether the plan `{plan.plan}` runs, so that anybody passes.",
            "Require `{fact: plan.includes, op: contains, value: " + plan.plan + "}` in a check.",
        )


def _asked(c: Checker) -> bool:
    """Whether a rule that may refuse a ticket looks at cover or plans."""
    rules = [rule for _, rule in walk(c.policy, ()) if isinstance(rule, ActionRule | Check | Gate | Ground)]
    names = [name for rule in rules for key in ("when", "require") for name in facts_used(getattr(rule, key, None))]
    return any(name.startswith(("plan.", "cover.")) for name in names)


def _upgrade(c: Checker, grant: CoverGrant, parts: Parts) -> None:
    names = [plan.plan for plan in c.policy.plans]
    if grant.plan not in names[1:]:
        c.error(parts, "no_lower_plan", "No plan stands below it.", "Write a higher `plan`, or remove `ends`.")
    if grant.start != "order" or grant.term is None or grant.scope != "account":
        c.error(
            parts,
            "upgrade_waits",
            "What ends with another plan begins with its order, has a term, and serves the account.",
            "Write `start: order`, a `term`, and no `scope`.",
        )


def _replaces(c: Checker, offer: Offer, grant: CoverGrant, parts: Parts) -> None:
    """Check what a plan replaces, and what the rest of it becomes."""
    rule = grant.replaces
    if rule is None:
        return
    for i, name in enumerate(rule.plans):
        if c.policy.plan(name) is None or name == grant.plan:
            known = ", ".join(plan.plan for plan in c.policy.plans if plan.plan != grant.plan)
            hint = f"Write one of {known}." if known else "Add it to `plans`."
            c.error((*parts, "plans", i), "unknown_plan", f"There is no other plan `{name}`.", hint)
    if grant.start != "order" or grant.term is None or grant.scope != "account" or grant.ends != "own":
        c.error(
            parts,
            "upgrade_waits",
            "What replaces another plan begins with its order, has a term of its own, and serves the account.",
            "Write `start: order`, a `term`, and neither `scope` nor `ends`.",
        )
    if rule.into == "credits" and (rule.per_credit is None or not _above_zero(rule.per_credit)):
        c.error(parts, "no_rate", "Nothing says how many credits the rest is worth.", 'Write `per_credit: "0.50"`.')
    if rule.into == "credits" and c.policy.credits is None:
        c.error((*parts, "into"), "credits_not_declared", "There are no credits to give.", "Add `credits:`.")
    if rule.into == "days" and offer.price is None:
        c.error((*parts, "into"), "no_rate", "Without a price nobody knows how many days it buys.", "Write `price`.")


def _above_zero(text: str) -> bool:
    try:
        return Decimal(text) > 0
    except InvalidOperation:
        return False


def _grant(c: Checker, offer: Offer, grant: CoverGrant, parts: Parts) -> None:
    if grant.plan is not None and c.policy.plan(grant.plan) is None:
        names = ", ".join(plan.plan for plan in c.policy.plans)
        hint = f"Write one of {names}." if names else f"Add `plans: [{{plan: {grant.plan}, title: ..., clause: ...}}]`."
        c.error((*parts, "plan"), "unknown_plan", f"There is no plan `{grant.plan}`.", hint)
    if grant.seats == "sku" and not offer.sku_pattern:
        c.error(
            (*parts, "seats"),
            "seats_without_n",
            f"`{offer.sku}` has no `{{n}}`, so that it names no number of seats.",
            "Write `seats: 5`, or a sku with `{n}`.",
        )
    elif isinstance(grant.seats, int) and not 1 <= grant.seats <= 1_000_000:
        c.error((*parts, "seats"), "bad_seats", f"{grant.seats} seats cannot be.", "Write 1 to 1000000.")
    if grant.ends == "with_running":
        _upgrade(c, grant, (*parts, "ends"))
    if grant.replaces is not None:
        _replaces(c, offer, grant, (*parts, "replaces"))
    if c.policy.pays(grant.plan):
        return
    if grant.start == "first_ticket":
        c.error(
            (*parts, "start"),
            "gate_waits_for_ticket",
            "It would begin with a ticket that it pays for, and it pays for none.",
            "Write `start: order`, or remove `pays: false` from its plan.",
        )
    if grant.levels:
        c.error(
            (*parts, "levels"),
            "gate_with_levels",
            "It would make categories free, and its plan pays for none.",
            "Remove `levels`, or `pays: false` from its plan.",
        )
