"""Qualification: may this ticket be served? Every check of the policy is looked at, every failing one is reported.

In three values: an absent fact is unknown and rejects nothing by itself (ALL-3). What a failing check does is data:
it rejects at once, or reaches the agent as a recommendation (TERMS-12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from app.domain.account import hosts
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import License
from app.domain.orders.remedies import APPLY_CREDIT, REQUEST_KIND, Need, remedies, serving_types, typed_credit
from app.domain.policy.conditions import All, AnyOf, Condition, Not, Test, facts_used, holds, tests_of
from app.domain.policy.policy import Policy
from app.domain.policy.releases import facts_of_release
from app.domain.policy.ticket_rules import Check, FactSpec, Ground
from app.domain.policy.wording import condition_words, in_words, title_of
from app.domain.tickets import asking, counts, entitlement
from app.domain.tickets.entitlement import Query
from app.domain.tickets.priority import priority_of
from app.domain.tickets.ticket import Ticket
from app.domain.values.decision import Decision, Reason, Remedy
from app.domain.values.errors import DomainError
from app.domain.values.phrase import Phrase, chained, concat, phrased
from app.domain.values.text import render
from app.domain.values.wire import jsonable, reason_json

Result = Literal["passed", "failed", "unknown", "not_applicable"]
_ENTITLED: Final = "entitled."


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check's answer."""

    check: Check
    result: Result
    reasons: tuple[Reason, ...] = ()
    remedies: tuple[Remedy, ...] = ()

    def json(self) -> dict[str, Any]:
        """As published."""
        return {
            "check": self.check.check,
            "result": self.result,
            "code": self.check.code,
            "clause": self.check.clause,
            "on_fail": self.check.on_fail,
            "requirement": self.check.requirement,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All checks together. ``asks``: facts to ask for; ``recommended``: reasons for the agent to reject."""

    results: tuple[CheckResult, ...]
    rejections: tuple[Reason, ...]
    remedies: tuple[Remedy, ...]
    asks: tuple[str, ...]
    recommended: tuple[Reason, ...]
    mentions: tuple[str, ...] = ()
    """Facts that are asked for beside, which nothing waits for."""

    def recommendation(self) -> dict[str, Any] | None:
        """What the rules advise the agent; None while facts are asked for and nothing speaks against it."""
        if self.recommended:
            return {"decision": "reject", "reasons": [reason_json(reason) for reason in self.recommended]}
        return None if self.asks else {"decision": "accept", "reasons": []}


# --- facts ------------------------------------------------------------------------------------------------------------


def check_facts(policy: Policy, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts a helpdesk states: 422 ``unknown_fact`` or ``wrong_fact_type`` with the field. Null takes one back."""
    known = {spec.fact: spec for spec in policy.facts}
    for name, value in facts.items():
        spec = known.get(name)
        if spec is None:
            raise DomainError("unknown_fact", field=f"/facts/{name}", fact=name, known=sorted(known))
        if value is not None and not _fits(spec, value):
            raise DomainError(
                "wrong_fact_type", field=f"/facts/{name}", fact=name, type=spec.type, values=list(spec.values)
            )
    return dict(facts)


def _fits(spec: FactSpec, value: object) -> bool:
    match spec.type:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return type(value) is int
        case "choice":
            return isinstance(value, str) and value in spec.values
        case "text":
            return isinstance(value, str)


def primary_subtag(language: str | None) -> str | None:
    """The language without region or script, in lower case: ``EN-us`` is ``en`` (CSC-3)."""
    if language is None:
        return None
    return language.replace("_", "-").split("-", 1)[0].strip().lower() or None


def license_of(account: CustomerAccount, license_id: str | None) -> License | None:
    """The license a ticket is about: the one it names, else the only one on the account."""
    if license_id is not None:
        return next((license_ for license_ in account.licenses.values() if license_.license_id == license_id), None)
    active = account.active_licenses()
    return active[0] if len(active) == 1 else None


def facts_for(account: CustomerAccount, ticket: Ticket) -> dict[str, Any]:
    """Every fact a check may look at: the ticket's own by name, and what the account knows."""
    mine = license_of(account, ticket.license_id)
    meant = (
        [mine] if mine else [] if ticket.license_id else account.active_licenses() or list(account.licenses.values())
    )
    credit_type = ticket.credit_type
    facts: dict[str, Any] = dict(
        entitlement.facts_of(
            account,
            ticket.license_id,
            credit_type=credit_type,
            category=ticket.category,
            host=ticket.facts.get(hosts.HOST),
        )
    )
    facts.update({name: value for name, value in ticket.facts.items() if value is not None})
    facts.update(facts_of_release(account.policy.releases, account.policy.term_zone, ticket.facts, account.when))
    facts.update(
        {
            "ticket.channel": ticket.channel,
            "ticket.language": primary_subtag(ticket.language),
            "ticket.category": ticket.category,
            "ticket.credit_type": credit_type,
            "ticket.pay_with": ticket.pay_with,
            "ticket.priority": priority_of(account.policy, ticket),
            "ticket.product": ticket.product,
            **{f"ticket.opened_{name}": value for name, value in (ticket.opening or {}).items()},
            "license.given": ticket.license_id is not None,
            "license.owned": None if ticket.license_id is None else mine is not None,
            "license.edition": mine.edition if mine else None,
            "license.registered": _alike(license_.registered_at is not None for license_ in meant),
            "license.active": _alike(license_.active(account.when) for license_ in meant),
            "credits.bought_here": _bought_here(account, ticket),
            **counts.facts_of(counts.of_ticket(account, ticket)),
            **asking.facts_of(account, ticket.person_id, facts),
        }
    )
    return facts


def _alike(answers: Iterable[bool]) -> bool | None:
    """What is so of every license that may be meant; None where they differ, or there is none."""
    found = set(answers)
    return found.pop() if len(found) == 1 else None


def _bought_here(account: CustomerAccount, ticket: Ticket) -> bool | None:
    """Whether the credit applied, or the one that would be, came to this account by its own purchase (TERMS-14)."""
    if ticket.credit_type is None:
        return None
    mine = [hold for hold in account.ledger.holds.values() if hold.ticket_id == ticket.ticket_id]
    held = [line.lot_id for hold in mine for line in hold.lines]
    lots = [account.ledger.lots[lot_id] for lot_id in held] or account.ledger.spendable(
        ticket.credit_type, ticket.license_id, ticket.category
    )[:1]
    return all(lot.source != "transfer" for lot in lots) if lots else None


# --- checks -----------------------------------------------------------------------------------------------------------


def judge(account: CustomerAccount, ticket: Ticket) -> Verdict:
    """Every check and every ground of the policy over this ticket."""
    policy = account.policy
    facts = facts_for(account, ticket)
    entitled = _entitlements(account, ticket, policy.qualification.checks)
    need = Need(license_id=ticket.license_id, category=ticket.category, facts=ticket.facts)
    facts.update({f"{_ENTITLED}{action}": decision.allowed for action, decision in entitled.items()})
    standings = counts.of_ticket(account, ticket)
    results = tuple(_checked(account, check, facts, entitled, need, standings) for check in policy.qualification.checks)
    rejections = [reason for result in results if result.check.on_fail == "reject" for reason in result.reasons]
    remedies = [remedy for result in results if result.check.on_fail == "reject" for remedy in result.remedies]
    explained = any("license.owned" in facts_used(result.check.require) for result in results) or any(
        rejection.code == entitlement.NOT_OWNED for rejection in rejections
    )
    if ticket.license_id is not None and not facts["license.owned"] and not explained:
        rejections.insert(
            0,
            Reason(
                code=entitlement.NOT_OWNED,
                clause=policy.qualification.clause,
                facts={"license_id": ticket.license_id},
                message=phrased("The license named is not one of this customer's."),
                reading=True,
                would_change=phrased("naming a license of this customer, or none"),
            ),
        )
    asks = _asked(results, facts, "ask")
    recommended = [reason for result in results if result.check.on_fail == "recommend" for reason in result.reasons]
    recommended += [
        ground_reason(policy, ground, facts)
        for ground in policy.qualification.grounds
        if ground.when is not None and holds(ground.when, facts)
    ]
    return Verdict(
        results=results,
        rejections=tuple(rejections),
        remedies=unique(remedies),
        asks=asks,
        recommended=tuple(recommended),
        mentions=_asked(results, facts, "mention"),
    )


def _asked(results: Iterable[CheckResult], facts: Mapping[str, Any], how: str) -> tuple[str, ...]:
    """What checks that could not be made ask for, without repeats."""
    open_ = (
        result.check.asks
        for result in results
        if result.result == "unknown" and result.check.on_unknown == how and holds(result.check.applies, facts)
    )
    return tuple(dict.fromkeys(name for asks in open_ for name in asks if facts.get(name) is None))


def _entitlements(account: CustomerAccount, ticket: Ticket, checks: Iterable[Check]) -> dict[str, Decision]:
    names = {
        name.removeprefix(_ENTITLED)
        for check in checks
        for name in facts_used(check.require)
        if name.startswith(_ENTITLED)
    }
    asked = Query(license_id=ticket.license_id, product=ticket.product)
    standings = counts.of_ticket(account, ticket)
    account = replace(account, asked_by=ticket.person_id)
    return {
        name: entitlement.decide(account, entitlement.action_of(account, name), asked, standings)
        for name in sorted(names)
    }


def _checked(
    account: CustomerAccount,
    check: Check,
    facts: Mapping[str, Any],
    entitled: Mapping[str, Decision],
    need: Need,
    standings: Mapping[str, counts.Standing],
) -> CheckResult:
    applies = holds(check.applies, facts)
    if applies is False:
        return CheckResult(check=check, result="not_applicable")
    answer = holds(check.require, facts)
    if applies is None or answer is None:
        return CheckResult(check=check, result="unknown")
    if answer:
        return CheckResult(check=check, result="passed")
    denied = [
        entitled[name.removeprefix(_ENTITLED)]
        for name in facts_used(check.require)
        if name.startswith(_ENTITLED) and not entitled[name.removeprefix(_ENTITLED)].allowed
    ]
    if denied:
        return CheckResult(
            check=check,
            result="failed",
            reasons=tuple(reason for decision in denied for reason in decision.reasons),
            remedies=tuple(remedy for decision in denied for remedy in decision.remedies),
        )
    used = {name: jsonable(facts.get(name)) for name in facts_used(check.require)}
    if check.requirement is not None:
        used["requirement"] = check.requirement
    looked = counts.looked_at([check.require], lambda then: holds(check.require, then) is True, facts, standings)
    if looked:
        used["counts"] = [item.json() for item in looked]
    reason = Reason(
        code=check.code,
        clause=check.clause,
        message=render(check.message, facts),
        facts=used,
        reading=is_reading(account.policy, check.clause) or check.reading,
        would_change=counts.would_change(looked) or _would_change(account.policy, check, facts),
    )
    offered = (*asking.with_seats(account, remedies(account, check.remedies, need), facts), *counts.waiting(looked))
    return CheckResult(check=check, result="failed", reasons=(reason,), remedies=offered)


def _would_change(policy: Policy, check: Check, facts: Mapping[str, Any]) -> str | None:
    """What would make a check pass: a credit that serves what is asked for, else its condition in words."""
    if any(remedy.kind == APPLY_CREDIT for remedy in check.remedies):
        types = serving_types(policy, facts.get(REQUEST_KIND))
        return chained([typed_credit(type_, policy) for type_ in types], "or") or None
    return describe(policy, check.require)


def ground_reason(policy: Policy, ground: Ground, facts: Mapping[str, Any]) -> Reason:
    """A ground for denial as a reason."""
    return Reason(
        code=ground.code,
        clause=ground.clause,
        message=ground.message,
        facts={"kind": ground.kind, **{name: jsonable(facts.get(name)) for name in facts_used(ground.when)}},
        reading=ground.reading or is_reading(policy, ground.clause),
    )


def named_reasons(policy: Policy, codes: Iterable[str], facts: Mapping[str, Any]) -> tuple[tuple[Reason, ...], bool]:
    """The reasons an agent names by code, and whether one of them needs a note. 422 ``unknown_reason``."""
    grounds = {ground.code: ground for ground in policy.qualification.grounds}
    checks = {check.code: check for check in policy.qualification.checks if check.code not in grounds}
    found: list[Reason] = []
    needs_note = False
    for code in dict.fromkeys(codes):
        if code in grounds:
            found.append(ground_reason(policy, grounds[code], facts))
            needs_note = needs_note or grounds[code].needs_note
        elif code in checks:
            check = checks[code]
            found.append(
                Reason(
                    code=code,
                    clause=check.clause,
                    message=check.message,
                    reading=check.reading or is_reading(policy, check.clause),
                )
            )
        else:
            raise DomainError("unknown_reason", field="reasons", reason=code, known=[*grounds, *checks])
    return tuple(found), needs_note


def blocked_gates(policy: Policy, facts: Mapping[str, Any]) -> tuple[Reason, ...]:
    """What must hold before the vendor gives service and does not (TERMS-24); unknown is not enough."""
    return tuple(
        Reason(
            code=gate.code,
            clause=gate.clause,
            message=gate.message,
            facts={name: jsonable(facts.get(name)) for name in facts_used(gate.require)},
            reading=gate.reading or is_reading(policy, gate.clause),
            would_change=describe(policy, gate.require),
        )
        for gate in policy.qualification.gates
        if holds(gate.require, facts) is not True
    )


# --- words ------------------------------------------------------------------------------------------------------------


def is_reading(policy: Policy, clause: str | None) -> bool:
    """Whether a clause is our reading."""
    known = None if clause is None else policy.clause(clause)
    return bool(known and known.reading)


def unique(remedies: Iterable[Remedy]) -> tuple[Remedy, ...]:
    """The remedies without repeats, in order."""
    return tuple(dict.fromkeys(remedies))


def describe(policy: Policy, condition: Condition | None) -> Phrase:
    """A condition in words, for what would change an answer: each fact by its title."""
    if condition is not None and _is_negated(condition):
        return condition_words(condition, policy)
    return concat(*(_described(policy, test) for test in tests_of(condition)), between="; ")


def _is_negated(condition: Condition) -> bool:
    """Whether a part of a condition must not be so: its comparisons alone would say the opposite."""
    match condition:
        case Not():
            return True
        case All(all=parts) | AnyOf(any=parts):
            return any(_is_negated(part) for part in parts)
    return False


def _described(policy: Policy, test: Test) -> Phrase:
    spec = next((fact for fact in policy.facts if fact.fact == test.fact), None)
    if test.fact == "license.owned" and test.op == "eq" and test.value is True:
        return phrased("naming a license of this customer")
    if test.fact == "release.supported" and test.op == "eq" and test.value is True:
        return phrased("a release that is supported")
    if spec is not None and spec.type == "boolean" and test.op in {"eq", "ne"} and isinstance(test.value, bool):
        so = test.value if test.op == "eq" else not test.value
        title = title_of(policy, test.fact)
        return (
            phrased("this being so: %(fact)s", fact=title) if so else phrased("this not being so: %(fact)s", fact=title)
        )
    return in_words(test, policy)
