"""What `validate` finds in a well-formed policy: each with its line."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from app.documents.marks import Problem
from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document, load_policy

POLICIES = sorted((Path(__file__).parents[2] / "app" / "policies").glob("*.yaml"))

A_POLICY = dedent("""\
    policy: example
    title: Example terms
    vendor: Example
    source: a page
    unit: {one: credit, many: credits}
    editions: [small, large]
    clauses:
      - {id: EX-1, text: "Credits pay."}
      - {id: EX-2, text: "Hours."}
    offers:
      - {sku: license-small, title: Small, kind: license, edition: small, clause: EX-1}
      - {sku: license-large, title: Large, kind: license, edition: large, clause: EX-1}
      - sku: credits-10
        title: Ten credits
        kind: credits
        clause: EX-1
        price: {amount: "10.00"}
        grants:
          - {kind: credits, rule: pack, clause: EX-1, credits: 10}
    actions:
      - action: open_ticket
        title: Open a ticket
        rules:
          - {allow: true, code: paid, clause: EX-1, message: "Paid.", when: {fact: credits.available, op: ge, value: 1}}
          - allow: false
            code: unpaid
            clause: EX-1
            message: "No credits."
            remedies: [{kind: buy, skus: [credits-10]}]
    facts:
      - {fact: clear, title: Clear, clause: EX-1}
      - {fact: kind, title: Kind, clause: EX-1, type: choice, values: [a, b]}
    qualification:
      by: rules
      clause: EX-1
      checks:
        - check: clear
          code: unclear
          clause: EX-1
          message: "Unclear."
          require: {fact: clear, value: true}
          on_unknown: ask
          asks: [clear]
    categories:
      - {category: question, title: A question, price: {kind: fixed, credits: 5}, clause: EX-1}
      - category: transfer
        title: A transfer
        clause: EX-1
        price: {kind: formula, base: 120, per: {N: 60}}
        inputs: [{name: N, title: stores, most: 50}]
    credits:
      clause: EX-1
      types:
        - {credit_type: credit, title: Credits, clause: EX-1}
    payment: {means: [credits], exhausted_skus: [credits-10]}
    outcomes:
      - {outcome: answered, title: Answered, clause: EX-1}
    causes:
      - {cause: other, title: Other}
    promises:
      - milestone: first_response
        target: "business_days:1:close"
        starts: opened
        stops: [vendor_response]
        clause: EX-2
    service_hours:
      zone: UTC
      clause: EX-2
      weekly_hours:
        mon: [["09:00", "17:00"]]
      closures:
        - {name: New Year's Eve, clause: EX-2, fixed: "12-31"}
    """)


def found_in(text: str) -> tuple[Problem, ...]:
    document = load_document(text)
    return check_policy(document.policy, document.marks)


def test_the_example_itself_is_clean() -> None:
    assert found_in(A_POLICY) == ()


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_the_shipped_policies_are_clean(path: Path) -> None:
    assert found_in(path.read_text(encoding="utf-8")) == ()


CLEAR = "require: {fact: clear, value: true}"
UNPAID = "code: unpaid\n        clause: EX-"


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "says"),
    [
        (
            "code: unpaid",
            "code: unpaid\n        when: {fact: credits.available, op: ge, value: 2}",
            "unreachable_rule",
            "- allow: false",
            "already does",
        ),
        (
            ", when: {fact: credits.available, op: ge, value: 1}}",
            "}",
            "unreachable_rule",
            "- allow: false",
            "no condition",
        ),
        ("op: ge, value: 1}", "op: lt, value: 0}", "never_holds", "value: 0}", "never hold"),
        ("op: ge, value: 1}", 'op: ge, value: "1"}', "bad_comparison", 'value: "1"', "whole number"),
        (
            "{fact: credits.available, op: ge, value: 1}",
            "{fact: credit.available, op: ge, value: 1}",
            "unknown_fact",
            "credit.available",
            "`credit.available`",
        ),
        (
            "{fact: credits.available, op: ge, value: 1}",
            "{all: [{fact: cover.active, value: true}, {fact: cover.active, value: false}]}",
            "never_holds",
            "all:",
            "",
        ),
        (CLEAR, "require: {fact: kind, value: c}", "bad_comparison", "value: c}", "'c'"),
        (CLEAR, "require: {fact: clear, op: ge, value: 9}", "bad_comparison", "op: ge, value: 9}", "order"),
        (
            CLEAR,
            "require: {any: [{fact: clear, op: known}, {fact: clear, op: unknown}]}",
            "check_never_fails",
            "- check: clear",
            "never fails",
        ),
        ("asks: [clear]", "asks: [clean]", "unknown_fact", "asks: [clean]", "`clean`"),
        ("asks: [clear]", "asks: []", "asks_nothing", "- check: clear", ""),
        ("per: {N: 60}", "per: {N: -60}", "negative_price", "per: {N: -60}", "-60 credits with N = 3"),
        ("per: {N: 60}", "per: {N: 60, X: 1}", "undeclared_input", "X: 1", "`X`"),
        ("base: 120, per: {N: 60}", "base: 120, per: {}", "unused_input", "inputs:", "`N`"),
        (
            "kind: fixed, credits: 5}",
            "kind: fixed, credits: 5}, needs_means: false",
            "needs_means_without_effect",
            "needs_means: false",
            "other than 0",
        ),
        ("kind: fixed, credits: 5", "kind: fixed, credits: -5", "negative_price", "credits: -5", "-5"),
        ("kind: fixed, credits: 5", "kind: range, least: 9, most: 5", "empty_range", "least: 9", ""),
        ('amount: "10.00"', 'amount: "-10.00"', "negative_price", '"-10.00"', "below zero"),
        ('amount: "10.00"', 'amount: "10.005"', "bad_amount", '"10.005"', "finer"),
        ('amount: "10.00"', 'amount: "ten"', "bad_amount", '"ten"', "no amount"),
        (
            '{amount: "10.00"}',
            '{by_edition: {small: "1.00", large: "2.00", huge: "3.00"}}',
            "unknown_edition",
            "huge",
            "`huge`",
        ),
        ('{amount: "10.00"}', '{by_edition: {small: "1.00"}}', "missing_price", "by_edition", "`large`"),
        ("edition: large, clause", "edition: huge, clause", "unknown_edition", "edition: huge", "`huge`"),
        ("sku: license-large", "sku: license-small", "duplicate_id", "title: Large", "line 11"),
        ("skus: [credits-10]}]", "skus: [credits-11]}]", "unknown_sku", "credits-11", "`credits-11`"),
        ("exhausted_skus: [credits-10]", "exhausted_skus: [credit-10]", "unknown_sku", "[credit-10]", ""),
        (UNPAID + "1", UNPAID + "3", "unknown_clause", "clause: EX-3", "`EX-3`"),
        (
            '- {id: EX-2, text: "Hours."}',
            '- {id: EX-2, text: "Hours."}\n  - {id: EX-9, text: "Lost."}',
            "clause_without_rule",
            "EX-9",
            "`EX-9`",
        ),
        ('    mon: [["09:00", "17:00"]]', "    mon: []", "promise_without_calendar", "target:", "never opens"),
        ('["09:00", "17:00"]', '["17:00", "17:00"]', "bad_hours", '"17:00", "17:00"', ""),
        ('[["09:00", "17:00"]]', '[["09:00", "17:00"], ["16:00", "18:00"]]', "overlapping_hours", '"16:00"', ""),
        ("    mon:", "    monday:", "unknown_weekday", "monday:", "mon, tue"),
        ("zone: UTC", "zone: Mars/Olympus", "unknown_zone", "Mars", ""),
        ("business_days:1:close", "business_day:1", "bad_target", "business_day:1", ""),
        ("starts: opened", "starts: access_requested", "never_starts", "access_requested", "`access`"),
        ('fixed: "12-31"', 'fixed: "31-12"', "bad_closure", '"31-12"', ""),
        ('fixed: "12-31"', 'fixed: "12-31", easter: 1', "bad_closure", "easter: 1", "one way"),
        ("credits: 10}", "credits: 0}", "bad_credits", "credits: 0}", ""),
        ("credits: 10}", "credits: 10, credit_type: gold}", "unknown_credit_type", "gold", "`gold`"),
        ("credits: 10}", "credits: 10, expires: {months: 0}}", "bad_term", "months: 0", ""),
        ("policy: example", "policy: Example Co", "bad_name", "policy:", ""),
        ("code: unpaid", "code: Un-Paid", "bad_code", "Un-Paid", ""),
        ('message: "No credits."', 'message: "No {credit} left."', "unknown_placeholder", "{credit}", "`{credit}`"),
    ],
)
def test_a_fault_is_found_on_its_line(old: str, new: str, code: str, at: str, says: str) -> None:
    assert A_POLICY.count(old) == 1, old
    text = A_POLICY.replace(old, new)
    found = found_in(text)
    hits = [p for p in found if p.code == code]
    assert hits, found
    assert hits[0].line == text[: text.index(at)].count("\n") + 1, hits
    assert says in hits[0].message + hits[0].hint
    assert hits[0].hint
    assert {p.code for p in found if p.severity == "error"} <= {code, "bad_comparison", "unknown_fact"}


def test_without_a_last_rule_the_undecided_case_is_named() -> None:
    text = A_POLICY.replace("code: unpaid", "code: unpaid\n        when: {fact: cover.ever, value: true}")
    (found,) = found_in(text)
    assert (found.code, found.severity) == ("no_rule_decides", "warning")
    assert "credits.available 0" in found.message
    assert "cover.ever False" in found.message


def test_without_marks_findings_have_no_line_but_their_path() -> None:
    policy = load_policy(A_POLICY.replace("zone: UTC", "zone: Mars/Olympus"))
    (found,) = check_policy(policy)
    assert (found.path, found.line, found.column) == ("/service_hours/zone", 0, 0)


def test_two_rules_that_only_together_cover_a_third_make_it_unreachable() -> None:
    rules = dedent("""\
          - {allow: true, code: one, clause: EX-1, message: "1", when: {fact: customer.licenses, op: ge, value: 2}}
          - {allow: true, code: two, clause: EX-1, message: "2", when: {fact: customer.licenses, op: lt, value: 2}}
          - {allow: true, code: three, clause: EX-1, message: "3", when: {fact: cover.active, value: true}}
    """)
    indented = "".join(f"      {line}\n" for line in rules.splitlines())
    text = A_POLICY.replace("    rules:\n", "    rules:\n" + indented, 1)
    assert [p.path for p in found_in(text)] == ["/actions/0/rules/2", "/actions/0/rules/3", "/actions/0/rules/4"]
