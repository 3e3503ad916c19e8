"""Actions and qualification: rules that cannot be reached, facts that do not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.documents import fact_space
from app.documents.checks.context import Checker, Parts
from app.domain.policy.conditions import Condition, facts_used

QUERY_REASONS: Final = ("lost_copy", "modified_copy", "not_downloaded", "never_used")
STATED: Final = ("category", "pay_with", "credit_type", "license_id")
"""What a ticket may be asked for besides facts: its own fields, stated as details."""


def check_actions(c: Checker) -> None:
    for i, action in enumerate(c.policy.actions):
        rules = [rule.when for rule in action.rules]
        sound = True
        for j, rule in enumerate(action.rules):
            parts: Parts = ("actions", i, "rules", j)
            sound = c.condition(rule.when, (*parts, "when"), c.action_facts) and sound
            c.placeholders(rule.message, (*parts, "message"), c.action_facts)
            c.remedies(rule.remedies, parts)
            for reason in rule.clause_by_reason:
                if reason not in QUERY_REASONS:
                    c.error(
                        (*parts, "clause_by_reason", reason),
                        "unknown_reason",
                        f"Nobody asks with `{reason}`.",
                        f"Write one of {', '.join(QUERY_REASONS)}.",
                    )
        if sound:
            _reach(c, i, rules)


def _reach(c: Checker, i: int, rules: Sequence[Condition | None]) -> None:
    action = c.policy.actions[i]
    for j in range(len(rules)):
        if j and not fact_space.reachable(rules, j, c.action_facts):
            before = next((k for k in range(j) if rules[k] is None), None)
            why = (
                f"rule {before + 1} before it has no condition"
                if before is not None
                else "where it holds, a rule before it already does"
            )
            c.error(
                ("actions", i, "rules", j),
                "unreachable_rule",
                f"This rule is never reached: {why}.",
                "Move it up, or remove it.",
            )
    case = fact_space.undecided(rules, c.action_facts)
    if case is not None:
        shown = ", ".join(f"{k} {'unknown' if v is None else v}" for k, v in case.items() if k) or "some case"
        c.warn(
            ("actions", i, "rules"),
            "no_rule_decides",
            f"No rule of `{action.action}` decides when {shown!r}.",
            "End with a rule without `when`.",
        )


def _languages(c: Checker) -> None:
    q = c.policy.qualification
    asked = {name for check in q.checks for name in (*facts_used(check.require), *facts_used(check.applies))}
    asked |= {name for ground in q.grounds for name in facts_used(ground.when)}
    if c.policy.ticket_languages and "ticket.language" not in asked:
        c.warn(
            ("ticket_languages",),
            "languages_unchecked",
            "No check uses `ticket_languages`: any language is served.",
            "Add a check that requires `ticket.language` to be one of them, or remove the list.",
        )


def check_qualification(c: Checker) -> None:
    q = c.policy.qualification
    declared = {spec.fact for spec in c.policy.facts}
    for i, check in enumerate(q.checks):
        parts: Parts = ("qualification", "checks", i)
        sound = all(
            [
                c.condition(check.applies, (*parts, "applies"), c.ticket_facts),
                c.condition(check.require, (*parts, "require"), c.ticket_facts, what="requirement"),
            ]
        )
        if sound and not fact_space.can_fail(check.require, check.applies, c.ticket_facts):
            c.warn(parts, "check_never_fails", f"The check `{check.check}` never fails.", "Remove it or correct it.")
        if check.on_unknown == "ask" and not check.asks:
            c.error(parts, "asks_nothing", "`on_unknown: ask` names no fact.", "Write `asks: [fact]`.")
        for j, fact in enumerate(check.asks):
            if fact not in declared and fact not in STATED:
                c.error(
                    (*parts, "asks", j), "unknown_fact", f"The fact `{fact}` is not declared.", "Add it to `facts`."
                )
        c.placeholders(check.message, (*parts, "message"), c.ticket_facts)
        c.remedies(check.remedies, parts)
    _languages(c)
    for i, ground in enumerate(q.grounds):
        c.condition(ground.when, ("qualification", "grounds", i, "when"), c.ticket_facts)
    for i, gate in enumerate(q.gates):
        c.condition(gate.require, ("qualification", "gates", i, "require"), c.ticket_facts)
    if q.by == "rules" and q.grounds:
        c.warn(
            ("qualification", "grounds"),
            "grounds_without_agent",
            "Grounds are for an agent, but `by` is `rules`.",
            "Write `by: agent`, or turn them into checks.",
        )
    for i, spec in enumerate(c.policy.facts):
        if (spec.type == "choice") != bool(spec.values):
            c.error(
                ("facts", i),
                "bad_values",
                f"`{spec.fact}` is {spec.type} and has {len(spec.values)} values.",
                "A `choice` lists its `values`, others have none.",
            )
        if spec.fact in c.ticket_facts.facts and "." in spec.fact:
            c.error(
                ("facts", i, "fact"), "reserved_fact", f"`{spec.fact}` is the service's own.", "Choose another name."
            )
