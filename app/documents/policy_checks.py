"""Say what is wrong with a policy that is well formed:

- rules that cannot be reached, and prices below zero
- promises without a calendar, and clauses without a rule
- names that lead nowhere
- rules with which the story of a customer fails

Every finding has its line and what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.documents.checks import (
    counts,
    credit_rules,
    frame,
    numbers,
    offers,
    plans,
    prices,
    promises,
    releases,
    rules,
    story,
    surcharges,
    translations,
)
from app.documents.checks.context import Checker, Enough, fault_of
from app.documents.marks import Marks, Problem
from app.domain.policy.policy import Policy

_CHECKS: Final[tuple[Callable[[Checker], None], ...]] = (
    frame.check_frame,
    frame.check_names,
    frame.check_clauses,
    offers.check_offers,
    credit_rules.check_credits,
    plans.check_plans,
    releases.check_releases,
    rules.check_actions,
    rules.check_qualification,
    prices.check_categories,
    counts.check_counts,
    counts.check_contacts,
    surcharges.check_surcharges,
    promises.check_payment,
    promises.check_hours,
    promises.check_promises,
    frame.check_texts,
    translations.check_translations,
    numbers.check_numbers,
    story.check_story,
)


def check_policy(policy: Policy, document_marks: Marks | None = None) -> tuple[Problem, ...]:
    """What is found in a policy, errors and warnings, in the order of the text; at most `MAX_FINDINGS`.

    With the marks of `policy_document.load_document` each finding has its line; without, line and column are 0.
    """
    checker = Checker(policy, document_marks)
    with suppress(Enough):
        for check in _CHECKS:
            _look(check, checker)
    return tuple(sorted(checker.found, key=lambda p: (p.line, p.column, p.path, p.code)))


def _look(check: Callable[[Checker], None], checker: Checker) -> None:
    """One check. What it cannot work out itself is a mistake at its place, and never a fault of the service."""
    try:
        check(checker)
    except Enough:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, a ticket would meet it too
        checker.error(
            checker.place_of(error), "check_fails", f"This cannot be checked: {fault_of(error)}.", "Write it otherwise."
        )
