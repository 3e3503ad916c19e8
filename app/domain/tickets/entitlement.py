"""What a customer may do now. Of the policy's rules of an action the first that holds decides (CACTU-3 to -12).

`facts_of` states everything the rules of actions, tickets and checks may ask about a customer. An absent fact is
unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.domain.account import hosts
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, License
from app.domain.cover import cover as covers
from app.domain.ledger.lot import ANY_CATEGORY
from app.domain.orders.offers import editions_of
from app.domain.orders.remedies import Need, remedies, waiting
from app.domain.policy.conditions import Test, facts_used, holds, tests_of
from app.domain.policy.plans import included
from app.domain.policy.policy import Policy
from app.domain.policy.ticket_rules import Action, ActionRule
from app.domain.policy.wording import in_words, title_of, value_words
from app.domain.tickets import asking, counts
from app.domain.values.decision import Decision, Reason
from app.domain.values.errors import DomainError
from app.domain.values.ids import LicenseId
from app.domain.values.phrase import Phrase, chained, concat, joined, phrased, phrased_of
from app.domain.values.text import holes, render, word_of
from app.domain.values.wire import jsonable

REASONS: Final = ("lost_copy", "modified_copy", "not_downloaded", "never_used")
"""Why somebody asks: picks the clause that is cited, never the answer. A policy may know more."""
NOT_OWNED: Final = "license_not_found"
BOUGHT_HERE: Final = "credits.bought_here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked besides the action. ``released_at``: of the release that is wanted; it never changes an answer
    that rests on cover (CACTU-5)."""

    license_id: str | None = None
    product: str | None = None
    released_at: datetime | None = None
    reason: str | None = None
    forum: str | None = None

    def facts(self) -> dict[str, Any]:
        """The facts ``query.*``."""
        return {
            "query.product": self.product,
            "query.released_at": self.released_at,
            "query.reason": self.reason,
            "query.forum": self.forum,
        }


def facts_of(
    account: CustomerAccount,
    license_id: str | None = None,
    *,
    action: str = covers.OPEN_TICKET,
    credit_type: str | None = None,
    category: str | None = None,
    host: object = None,
) -> dict[str, Any]:
    """Return the facts of a customer at ``account.when``, by the names in `app.domain.policy.ticket_rules`.

    They are ``cover.*`` (reaching the license, opening the action), ``plan.*`` (reaching the license), ``license.*``,
    ``customer.*``, ``credits.*`` and ``choice.open``.
    """
    named = None if license_id is None else account.licenses.get(LicenseId(license_id))
    held = account.active_licenses()
    facts: dict[str, Any] = {
        **cover_facts(account, license_id, action),
        **plan_facts(account, license_id),
        **_license_facts(license_id, named, account.when),
        "customer.licenses": len(held),
        "customer.licenses_bought": sum(_was_bought(license_, account.when) for license_ in account.licenses.values()),
        "customer.editions": editions_of(held),
        "customer.addons": tuple(sorted(addon.addon for addon in account.addons if addon.voided_at is None)),
        "customer.hosting_certified": hosts.certified(account.customer.data, host),
        "credits.available": credits_available(account, license_id, credit_type, category),
        "credits.overdraft_left": overdraft_left(account, credit_type),
        BOUGHT_HERE: _bought_here(account, credit_type, action),
        "choice.open": bool(account.open_choices()),
    }
    return {**facts, **asking.facts_of(account, account.asked_by, facts)}


def _was_bought(license_: License, at: datetime) -> bool:
    """Whether a license was bought by an instant, and not given back by then."""
    if license_.ended_reason == "corrected" or license_.placed_at > at:
        return False
    return license_.ended_reason != "refunded" or license_.ended_at is None or at < license_.ended_at


def cover_facts(account: CustomerAccount, license_id: str | None, action: str) -> dict[str, Any]:
    """``cover.active``, ``.ends_at``, ``.suspended``, ``.pending`` (one would start now), ``.ever`` (one has ended)
    and ``.ended_at`` (the last end)."""
    mine = [
        cover
        for cover in account.covers.values()
        if cover.state != "voided" and action in cover.actions and covers.reaches(cover, license_id)
    ]
    active = [cover for cover in mine if covers.serves(account, cover)]
    ended = [
        cover.ends_at for cover in mine if cover.ends_at is not None and covers.state_of(cover, account.when) == "ended"
    ]
    waiting = covers.startable(account)
    return {
        "cover.active": bool(active),
        "cover.ends_at": _last_end(active),
        "cover.suspended": any(cover.is_suspended(account.when) for cover in mine),
        "cover.pending": waiting is not None and action in waiting.actions and covers.reaches(waiting, license_id),
        "cover.ever": bool(ended),
        "cover.ended_at": max(ended, default=None),
    }


def plan_facts(account: CustomerAccount, license_id: str | None) -> dict[str, Any]:
    """Return the facts of the plans that run and reach the license.

    - ``plan.name``: the highest; ``.rank``: its place from 1, 0 for none; ``.seats`` and ``.ends_at``: its own.
    - ``plan.includes``: every plan whose rights there are now.
    """
    plans = account.policy.plans
    rank = {plan.plan: place for place, plan in enumerate(plans, 1)}
    running = [
        cover
        for cover in account.covers.values()
        if cover.plan in rank and covers.serves(account, cover) and covers.reaches(cover, license_id)
    ]
    names = {cover.plan for cover in running if cover.plan is not None}
    highest = max(names, key=lambda name: rank[name], default=None)
    rights = {other for name in names for other in included(plans, name)}
    mine = [cover for cover in running if cover.plan == highest]
    seats = [cover.seats for cover in mine]
    return {
        "plan.name": highest,
        "plan.rank": 0 if highest is None else rank[highest],
        "plan.includes": tuple(plan.plan for plan in plans if plan.plan in rights),
        "plan.seats": None if None in seats or not seats else sum(seat or 0 for seat in seats),
        "plan.ends_at": _last_end(mine),
    }


def _last_end(active: list[Cover]) -> datetime | None:
    ends = [cover.ends_at for cover in active]
    return None if None in ends else max((end for end in ends if end is not None), default=None)


def _license_facts(license_id: str | None, license_: License | None, at: datetime) -> dict[str, Any]:
    return {
        "license.given": license_id is not None,
        "license.owned": None if license_id is None else license_ is not None,
        "license.edition": None if license_ is None else license_.edition,
        "license.active": None if license_ is None else license_.active(at),
        "license.registered": None if license_ is None else license_.registered_domain is not None,
        "license.ordinal": None if license_ is None else license_.ordinal,
    }


def credits_available(
    account: CustomerAccount, license_id: str | None, credit_type: str | None = None, category: str | None = None
) -> int:
    """Credits that could be held now, of one type or of all; where nobody named a category, for any."""
    names = [credit_type] if credit_type is not None else sorted(account.ledger.accounts)
    return sum(
        account.ledger.available(name, license_id=license_id, category=category or ANY_CATEGORY) for name in names
    )


def overdraft_left(account: CustomerAccount, credit_type: str | None = None) -> int:
    """Credits that could be overdrawn now, of one type or of all."""
    rules = account.policy.credits
    if rules is None or rules.overdraft is None:
        return 0
    names = [credit_type] if credit_type is not None else sorted(account.ledger.accounts)
    return sum(max(account.ledger.headroom(name), 0) for name in names)


def _bought_here(account: CustomerAccount, credit_type: str | None, action: str) -> bool | None:
    """Whether this account bought the credits it would spend (TERMS-14); unknown when it has none."""
    mine = [
        lot
        for lot in account.ledger.lots.values()
        if (lot.available or lot.held) and (credit_type is None or lot.credit_type == credit_type)
    ]
    here = any(lot.source != "transfer" for lot in mine)
    if not here and account.ledger.rest is not None and _asks_where_bought(account.policy.action(action)):
        account.ledger.needs_all_lots()
    return here if mine else None


def _asks_where_bought(action: Action | None) -> bool:
    """Whether a rule of an action looks at where the credits were bought."""
    rules = () if action is None else action.rules
    return any(BOUGHT_HERE in (*facts_used(rule.when), *holes(rule.message)) for rule in rules)


# --- deciding ---------------------------------------------------------------------------------------------------------


def action_of(account: CustomerAccount, name: str) -> Action:
    """The policy's action, or 404 ``action_not_found``."""
    found = account.policy.action(name)
    if found is None:
        raise DomainError("action_not_found", action=name, known=[action.action for action in account.policy.actions])
    return found


def check_reason(account: CustomerAccount, reason: str | None) -> None:
    """422 ``unknown_reason`` for a reason that neither the service nor the policy knows."""
    known = {*REASONS, *(name for a in account.policy.actions for rule in a.rules for name in rule.clause_by_reason)}
    if reason is not None and reason not in known:
        raise DomainError("unknown_reason", field="reason", reason=reason, known=sorted(known))


def decide(
    account: CustomerAccount,
    action: Action,
    query: Query,
    standings: Mapping[str, counts.Standing] | None = None,
    *,
    assumed: Mapping[str, Any] | None = None,
) -> Decision:
    """Decide whether the action is allowed now.

    The first rule that holds gives its clause, facts, remedies and what would change it. A license that is not the
    customer's is denied like one that does not exist. ``standings``: the counts of the ticket that asks; None: those of
    the customer. ``assumed``: facts that are taken to be so.
    """
    if standings is None:
        standings = counts.of_question(account, query.license_id)
    facts = {**facts_of(account, query.license_id, action=action.action), **query.facts(), **counts.facts_of(standings)}
    facts.update(assumed or {})
    facts["query.forum"] = _as_named(action, "query.forum", query.forum)
    trace: list[Reason] = []
    decided: ActionRule | None = None
    foreign = facts["license.given"] and not facts["license.owned"]
    for rule in action.rules:
        result = holds(rule.when, facts)
        decides = result is True and (not foreign or _denies_foreign(rule))
        trace.append(_traced(account, rule, facts, result, decides=decides))
        if decides:
            decided = rule
            break
    if decided is None:
        reason = _not_owned(action, query) if foreign else _no_rule(action)
        return _answer(account, False, (reason,), (), trace)
    looked = _counted(action, decided, facts, standings)
    reason = Reason(
        code=decided.code,
        clause=_clause(decided, query.reason),
        message=render(decided.message, facts),
        facts={**_cited(decided, facts), **({"counts": [item.json() for item in looked]} if looked else {})},
        reading=_reading(account, decided, query.reason),
        would_change=None if decided.allow else counts.would_change(looked) or would_change(action, decided, facts),
    )
    need = Need(action=action.action, license_id=query.license_id)
    helps = asking.with_seats(account, remedies(account, decided.remedies, need), facts)
    offered = (*helps, *(() if decided.allow else counts.waiting(looked)))
    if not decided.allow and _cover_would_do(action, facts):
        offered = (*offered, *waiting(account, need))
    return _answer(account, decided.allow, (reason,), offered, trace)


def _counted(
    action: Action, decided: ActionRule, facts: Mapping[str, Any], standings: Mapping[str, counts.Standing]
) -> tuple[counts.Looked, ...]:
    """The counts that an answer hangs on: those of the rule that decides, and of the rules before it."""
    if not standings:
        return ()

    def allows(then: Mapping[str, Any]) -> bool:
        return next((rule.allow for rule in action.rules if holds(rule.when, then) is True), False)

    conditions = [rule.when for rule in action.rules[: action.rules.index(decided) + 1]]
    return counts.looked_at(conditions, allows, facts, standings)


def _as_named(action: Action, fact: str, name: str | None) -> str | None:
    """A name as the policy spells it, whatever the case in which it was asked about."""
    if name is None:
        return None
    names = (
        value
        for rule in action.rules
        for test in tests_of(rule.when)
        if test.fact == fact
        for value in (test.value if isinstance(test.value, tuple) else (test.value,))
        if isinstance(value, str)
    )
    plain = " ".join(name.split()).casefold()
    return next((name for name in names if " ".join(name.split()).casefold() == plain), name)


def _cover_would_do(action: Action, facts: Mapping[str, Any]) -> bool:
    """Whether cover alone is what lacks."""
    covered = {**facts, "cover.active": True}
    first = next((rule for rule in action.rules if holds(rule.when, covered) is True), None)
    return first is not None and first.allow


def _denies_foreign(rule: ActionRule) -> bool:
    """Whether a rule speaks of licenses that are not the customer's, and denies them."""
    return not rule.allow and "license.owned" in facts_used(rule.when)


def _answer(
    account: CustomerAccount, allowed: bool, reasons: tuple[Reason, ...], offered: tuple[Any, ...], trace: list[Reason]
) -> Decision:
    return Decision(
        allowed=allowed,
        at=account.at,
        policy=account.policy.policy,
        policy_version=account.policy.version,
        reasons=reasons,
        remedies=offered,
        trace=tuple(trace),
        messages=account.policy.messages,
        translations=account.policy.translations,
    )


def _not_owned(action: Action, query: Query) -> Reason:
    return Reason(
        code=NOT_OWNED,
        clause=_right(action),
        message=phrased("This customer has no license of that id."),
        facts={"license_id": query.license_id},
        would_change=phrased("a license of this customer"),
    )


def _no_rule(action: Action) -> Reason:
    return Reason(
        code="no_rule_allows",
        clause=_right(action),
        message=phrased("No rule of the policy allows this."),
        facts={"action": action.action},
    )


def _right(action: Action) -> str | None:
    """The clause that gives the right at all: of the first rule that allows, else of the first rule."""
    rules = [rule for rule in action.rules if rule.allow] or list(action.rules)
    return rules[0].clause if rules else None


def allowing_clause(policy: Policy, code: str) -> tuple[str, bool] | None:
    """The clause by which the policy allows opening a ticket for this reason, and whether it is a reading."""
    action = policy.action(covers.OPEN_TICKET)
    rules = action.rules if action is not None else ()
    found = next((rule for rule in rules if rule.allow and rule.code == code), None)
    if found is None:
        return None
    known = policy.clause(found.clause)
    return found.clause, found.reading or bool(known and known.reading)


def _clause(rule: ActionRule, reason: str | None) -> str:
    return rule.clause_by_reason.get(reason or "", rule.clause)


def _reading(account: CustomerAccount, rule: ActionRule, reason: str | None = None) -> bool:
    known = account.policy.clause(_clause(rule, reason))
    return rule.reading or bool(known and known.reading)


def _cited(rule: ActionRule, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts a rule speaks of, else those it looked at; short names where that is clear."""
    names = list(holes(rule.message)) or list(facts_used(rule.when))
    short = [name.rpartition(".")[2] for name in names]
    return {
        (tail if short.count(tail) == 1 and name.startswith("cover.") else name): jsonable(facts.get(name))
        for name, tail in zip(names, short, strict=True)
    }


def _traced(
    account: CustomerAccount, rule: ActionRule, facts: Mapping[str, Any], result: bool | None, *, decides: bool
) -> Reason:
    """A rule that was looked at, in words: its own where it decides, else why it does not apply."""
    looked = {name: jsonable(facts.get(name)) for name in facts_used(rule.when)}
    outcome = {True: "holds", False: "does not hold", None: "unknown"}[result]
    if decides:
        message = render(rule.message, facts)
    else:
        looked_at = joined(
            [concat(title_of(account.policy, name), f" ({word_of(facts.get(name))})") for name in facts_used(rule.when)]
        )
        message = phrased("Looked at %(facts)s; this does not apply.", facts=looked_at)
        if result is True:
            message = phrased("This does not apply to a license that is not this customer's.")
    return Reason(
        code=rule.code,
        clause=rule.clause,
        message=message,
        facts={**looked, "rule": "allow" if rule.allow else "deny", "result": outcome},
        reading=_reading(account, rule),
    )


# --- counterfactuals --------------------------------------------------------------------------------------------------


def would_change(action: Action, decided: ActionRule, facts: Mapping[str, Any]) -> str | None:
    """What would turn a denial into an answer that allows, in words: the nearest facts of the rules that allow."""
    phrases: list[Phrase] = []
    own = [flipped(test, facts) for test in tests_of(decided.when)] if decided is action.rules[0] else []
    for rule in action.rules:
        if not rule.allow or rule.when is None:
            continue
        missing = [test for test in tests_of(rule.when) if holds(test, facts) is not True]
        words = chained(list(dict.fromkeys(need_words(test, facts) for test in missing)), "and")
        if words and words not in phrases:
            phrases.append(words)
    phrases = [phrase for phrase in dict.fromkeys(own) if phrase is not None] or phrases
    return chained(phrases, "or") or None


_NEEDS: Final = {
    "cover.active": phrased("cover in force"),
    "cover.pending": phrased("a period of cover that waits to begin"),
    "cover.suspended": phrased("the suspended cover being resumed"),
    "choice.open": phrased("the open choice being made"),
    "license.owned": phrased("a license of this customer"),
    "license.given": phrased("a license being named"),
    "license.registered": phrased("the license being registered to an installation"),
    "license.active": phrased("the license being active"),
    "query.forum": phrased("another forum"),
}


def need_words(test: Test, facts: Mapping[str, Any]) -> Phrase:
    """What would make a comparison true, in words ("15 more credits")."""
    value, fact = test.value, facts.get(test.fact)
    if test.op in {"ge", "gt"} and isinstance(value, int) and isinstance(fact, int):
        more = value - fact + (1 if test.op == "gt" else 0)
        return _more(test.fact, more)
    if test.fact == "query.forum" and test.op in {"eq", "in"}:
        names = value if isinstance(value, tuple) else (value,)
        return phrased("the forum %(names)s", names=chained([f'"{name}"' for name in names], "or"))
    if (test.fact, test.op) in {("plan.name", "eq"), ("plan.includes", "contains")}:
        return phrased("the plan %(plan)s", plan=value_words(test))
    if test.fact in _NEEDS:
        return _NEEDS[test.fact]
    return in_words(test)


def flipped(test: Test, facts: Mapping[str, Any]) -> Phrase | None:
    """What would make a comparison false that holds."""
    value, fact = test.value, facts.get(test.fact)
    if test.op in {"lt", "le"} and isinstance(value, int) and isinstance(fact, int):
        more = value - fact + (1 if test.op == "le" else 0)
        return _more(test.fact, more)
    return _NEEDS.get(test.fact)


def _more(fact: str, number: int) -> Phrase:
    """How many more of something are needed."""
    if fact == "credits.available":
        return phrased_of("%(number)s more credit", "%(number)s more credits", number, number=number)
    if fact in ("customer.licenses", "customer.licenses_bought"):
        return phrased_of("%(number)s more license", "%(number)s more licenses", number, number=number)
    return phrased("%(number)s more %(unit)s", number=number, unit=f"{fact}{'' if number == 1 else 's'}")
