"""Rules of credits: what may be overdrawn, and when the shop is asked for more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.documents.checks.context import Checker, Parts
from app.domain.policy.conditions import facts_used
from app.domain.policy.credit_rules import Overdraft, TopUp
from app.domain.policy.offers import ChoiceGrant, CreditGrant

_AVAILABLE: Final = "credits.available"
_LEFT: Final = "credits.overdraft_left"


def check_credits(c: Checker) -> None:
    """Check the overdraft and the rules of topping up."""
    rules = c.policy.credits
    if rules is None:
        return
    if rules.overdraft is not None:
        _overdraft(c, rules.overdraft, ("credits", "overdraft"))
    ruled: set[str] = set()
    for i, rule in enumerate(rules.top_ups):
        where: Parts = ("credits", "top_ups", i)
        _type(c, rule.credit_type, (*where, "credit_type"))
        if rule.credit_type in ruled:
            c.error(
                where,
                "two_top_ups",
                f"Two rules ask for credits of the type `{rule.credit_type}`.",
                "Keep one of them.",
            )
        ruled.add(rule.credit_type)
        _top_up(c, rule, where)


def _type(c: Checker, name: str, parts: Parts) -> None:
    if c.policy.credit_type(name) is None:
        known = ", ".join(kind.credit_type for kind in (c.policy.credits.types if c.policy.credits else ()))
        c.error(parts, "unknown_credit_type", f"There is no credit type `{name}`.", f"Write one of {known}.")


def _overdraft(c: Checker, rule: Overdraft, parts: Parts) -> None:
    for i, name in enumerate(rule.credit_types):
        _type(c, name, (*parts, "credit_types", i))
    recurring = {grant.credit_type for grant in _grants(c) if grant.recurs is not None}
    if rule.against == "next_interval" and not recurring.intersection(rule.credit_types or recurring):
        c.error(
            parts,
            "overdraft_never",
            "No credits that may be overdrawn come again, so nothing ever is.",
            "Let credits recur, or write `against: anything`.",
        )
    for i, action in enumerate(c.policy.actions):
        for j, allowed in enumerate(action.rules):
            used = set(facts_used(allowed.when))
            if action.action == "open_ticket" and allowed.allow and _AVAILABLE in used and _LEFT not in used:
                c.warn(
                    ("actions", i, "rules", j),
                    "overdraft_not_asked",
                    "Who has no credits left may overdraw, and this rule does not let them in.",
                    f"Ask for `{_LEFT}` too, with `any`.",
                )


def _top_up(c: Checker, rule: TopUp, parts: Parts) -> None:
    found = c.policy.offer(rule.sku)
    if found is None:
        known = ", ".join(offer.sku for offer in c.policy.offers)
        c.error((*parts, "sku"), "unknown_sku", f"No offer sells `{rule.sku}`.", f"Sold here: {known}.")
        return
    brings = [grant for grant in found[0].grants if isinstance(grant, CreditGrant)]
    if not any(grant.credit_type == rule.credit_type for grant in brings):
        c.error(
            (*parts, "sku"),
            "top_up_brings_nothing",
            f"`{rule.sku}` brings no credits of the type `{rule.credit_type}`.",
            "Name an offer that does.",
        )
    if rule.again_after is not None and not rule.again_after:
        c.error((*parts, "again_after"), "empty_interval", "This asks again after no time.", "Write `{days: 3}`.")


def _grants(c: Checker) -> Iterator[CreditGrant]:
    for offer in c.policy.offers:
        for grant in offer.grants:
            options = grant.options.values() if isinstance(grant, ChoiceGrant) else (grant,)
            yield from (option for option in options if isinstance(option, CreditGrant))
