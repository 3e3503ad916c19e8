"""What is found wrong with a recurring grant, and where."""

from __future__ import annotations

import pytest

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.recurring.shop import document, plan


def found(offers: str) -> list[tuple[str, str, str, int | None]]:
    """Code, severity, end of the path and line of each finding."""
    loaded = load_document(document(offers))
    return [
        (problem.code, problem.severity, problem.path.rpartition("/")[2], problem.line)
        for problem in check_policy(loaded.policy, loaded.marks)
    ]


def line_of(text: str, offers: str) -> int:
    """The line on which a text stands."""
    return document(offers)[: document(offers).index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("recurs", "code", "severity", "at"),
    [
        ("endless: false", "recurs_for_ever", "warning", "recurs"),
        ("runs_with: nothing", "runs_with_nothing", "error", "runs_with"),
        ("runs_with: license", "runs_with_nothing", "error", "runs_with"),
        ("runs_with: plan, lasts: {years: 1}", "two_ends", "error", "lasts"),
        ("runs_with: plan, endless: true", "endless_with_an_end", "error", "endless"),
        ("lasts: {years: 0}", "empty_interval", "error", "lasts"),
        ("runs_with: plan, at_renewal: rollover", "rollover_without_bound", "error", "recurs"),
        ("runs_with: plan, rollover: {max_credits: 90}", "rollover_without_rollover", "error", "rollover"),
        (
            "runs_with: plan, at_renewal: rollover, rollover: {max_credits: 30}",
            "rollover_below_one_grant",
            "warning",
            "max_credits",
        ),
        ("runs_with: plan, at_renewal: rollover, rollover: {intervals: 0}", "out_of_bounds", "error", "intervals"),
    ],
)
def test_a_faulty_recurrence_is_found_with_its_line(recurs: str, code: str, severity: str, at: str) -> None:
    offers = plan("faulty", recurs)
    assert found(offers) == [(code, severity, at, line_of("recurs: {", offers))]


def test_an_interval_needs_a_length_that_suits_its_anchor() -> None:
    assert found(plan("none", interval="{days: 0}"))[0][:2] == ("empty_interval", "error")
    assert found(plan("days", "runs_with: plan, anchor: calendar", interval="{days: 7}"))[0][0] == "calendar_of_days"


def test_credits_that_end_with_the_interval_need_no_term() -> None:
    assert [code for code, *_ in found(plan("both", more="expires: {years: 1}"))] == ["reset_comes_first"]


def test_an_option_of_a_choice_brings_credits_once() -> None:
    offers = """
  - sku: either
    title: Either
    kind: cover
    clause: A-1
    price: {amount: "1.00", clause: A-1}
    grants:
      - kind: choice
        rule: either
        clause: A-1
        options:
          a: {kind: credits, rule: a, clause: A-1, credits: 5, recurs: {interval: {months: 1}, lasts: {years: 1}}}
          b: {kind: cover, rule: b, clause: A-1, term: {years: 1}}
"""
    assert [code for code, *_ in found(offers)] == ["recurs_in_choice"]


def test_what_makes_sense_is_accepted() -> None:
    assert found(plan("sound", "endless: true") + plan("other", "lasts: {months: 6}")) == []
