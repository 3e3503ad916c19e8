"""Counts: a window that is none, owners that nobody has, a count that no rule looks at."""

from __future__ import annotations

from typing import Final

from app.documents.checks.context import Checker, Parts, grants, walk
from app.domain.policy.conditions import Test
from app.domain.policy.counts import Count
from app.domain.policy.offers import CoverGrant

_WINDOWS: Final = ("within", "each", "at_once")


def check_counts(c: Checker) -> None:
    """Each count has one window, somebody to count for, and a rule that looks at it."""
    looked_at = _looked_at(c)
    for i, rule in enumerate(c.policy.counts):
        parts: Parts = ("counts", i)
        _window(c, rule, parts)
        _owner(c, rule, parts)
        c.condition(rule.when, (*parts, "when"), c.counted_facts)
        c.condition(rule.unless, (*parts, "unless"), c.counted_facts)
        _most(c, rule, parts)
        if rule.fact not in looked_at and rule.most is None:
            c.warn(
                (*parts, "count"),
                "count_unused",
                f"No rule looks at `{rule.fact}`.",
                f"Write a check such as `require: {{fact: {rule.fact}, op: lt, value: 6}}`, or remove the count.",
            )


def check_contacts(c: Checker) -> None:
    """Named contacts have a rule that looks at them, and a window in which they may change."""
    rules = c.policy.contacts
    if rules is None:
        return
    if "person.named" not in _looked_at(c):
        c.warn(
            ("contacts",),
            "contacts_unused",
            "No rule looks at `person.named`, so anybody may ask.",
            "Write a check such as `require: {fact: person.named, value: true}`, or remove `contacts`.",
        )
    if rules.changes is not None and (rules.changes.within is None) == (rules.changes.each is None):
        c.error(
            ("contacts", "changes"),
            "bad_count_window",
            "Changes of contacts have no window, or two.",
            "Write one of `within: {days: 365}`, `each: year`.",
        )


def _looked_at(c: Checker) -> set[str | None]:
    """The facts that some rule looks at."""
    return {
        name for _, value in walk(c.policy, ()) if isinstance(value, Test) for name in (value.fact, value.value_fact)
    }


def _window(c: Checker, rule: Count, parts: Parts) -> None:
    windows = [name for name in _WINDOWS if getattr(rule, name) not in (None, False)]
    if len(windows) != 1:
        what = "has no window" if not windows else f"has {len(windows)} windows"
        c.error(
            (*parts, windows[1]) if windows else parts,
            "bad_count_window",
            f"The count `{rule.count}` {what}.",
            "Write one of `within: {days: 365}`, `each: month`, `at_once: true`.",
        )
    if rule.of != "tickets" and rule.at_once:
        c.error(
            (*parts, "at_once"),
            "bad_count_window",
            f"{rule.of.capitalize()} are not open at once.",
            "Write `within` or `each`.",
        )
    if rule.at_once and rule.withdrawn == "counted":
        c.error(
            (*parts, "withdrawn"),
            "bad_count_window",
            "A ticket that is withdrawn is not open any more.",
            "Remove `withdrawn`, or write `within` or `each`.",
        )


def _most(c: Checker, rule: Count, parts: Parts) -> None:
    """A limit is one of credits, and there are credits."""
    if rule.most is not None and rule.of != "credits":
        c.error(
            (*parts, "most"),
            "limit_without_credits",
            f"`most` bounds credits, and this counts {rule.of}.",
            "Write `of: credits`, or a check that requires the count to be lower.",
        )
    if rule.of == "credits" and c.policy.credits is None:
        c.error((*parts, "of"), "credits_not_declared", "There are no credits to count.", "Add `credits:`.")


def _owner(c: Checker, rule: Count, parts: Parts) -> None:
    if rule.per == "license" and not any(offer.kind == "license" for offer in c.policy.offers):
        c.error((*parts, "per"), "nobody_to_count_for", "No offer is a license.", "Write `per: account`.")
    covered = any(
        isinstance(grant, CoverGrant) and not grant.levels
        for i, offer in enumerate(c.policy.offers)
        for _, grant in grants(offer, i)
    )
    if rule.each == "cover" and not covered:
        c.error((*parts, "each"), "nobody_to_count_for", "No offer brings cover.", "Write `each: year`, or `within`.")
