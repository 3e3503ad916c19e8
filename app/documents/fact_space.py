"""Which facts a rule may look at, and whether a condition over them can ever hold.

Conditions are structured data, so the question is decided and not guessed. Each fact has few values that matter: those
named, their neighbours, unknown. Every combination of them is looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final, Literal

from app.domain.policy.conditions import Condition, Test, facts_used, holds, instant, is_decimal, tests_of
from app.domain.policy.policy import Policy
from app.domain.policy.surcharges import WEEKDAYS

MAX_COMBINATIONS: Final = 60_000
_OTHER: Final = "\x01other"
"""A text that no document names."""
_SOME_TIME: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""The time that stands for any where a document names none."""
_SECOND: Final = timedelta(seconds=1)

FactType = Literal["boolean", "integer", "number", "choice", "text", "list", "instant"]
ORDERED: Final = ("lt", "le", "gt", "ge")


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact by type; ``values`` closes the set, ``least`` and ``most`` bound numbers, ``always`` facts are never
    unknown."""

    type: FactType
    values: tuple[str, ...] = ()
    least: int = 0
    always: bool = False
    most: int | None = None


CHANNELS: Final = ("helpdesk", "email", "contact_form", "forum", "phone")
_BOOL: Final = Fact("boolean")
_YES_NO: Final = Fact("boolean", always=True)
_TEXT: Final = Fact("text")
_COUNT: Final = Fact("integer", always=True)
_FROM_ONE: Final = Fact("integer", least=1, always=True)
_LIST: Final = Fact("list", always=True)

_OFFER: Final[dict[str, Fact]] = {
    "license.ordinal": Fact("integer", least=1),
    "license.first_order": _BOOL,
    "line.discount_percent": Fact("number", always=True, least=-1_000_000),
    "line.quantity": _FROM_ONE,
    "line.list_price_zero": _YES_NO,
    "customer.licenses": _COUNT,
    "customer.editions": _LIST,
    "cover.lapsed_days": Fact("integer"),
    "cover.lapsed_months": Fact("integer"),
}
_CUSTOMER: Final[dict[str, Fact]] = {
    "cover.active": _YES_NO,
    "cover.ever": _YES_NO,
    "cover.suspended": _YES_NO,
    "cover.pending": _YES_NO,
    "cover.ended_at": Fact("instant"),
    "cover.ends_at": Fact("instant"),
    "customer.licenses": _COUNT,
    "customer.licenses_bought": _COUNT,
    "customer.editions": _LIST,
    "customer.addons": _LIST,
    "customer.hosting_certified": _BOOL,
    "license.given": _YES_NO,
    "license.owned": _BOOL,
    "license.registered": _BOOL,
    "license.active": _BOOL,
    "license.ordinal": Fact("integer", least=1),
    "credits.available": _COUNT,
    "credits.overdraft_left": _COUNT,
    "credits.bought_here": _BOOL,
    "choice.open": _YES_NO,
}
"""What is known about a customer, wherever a rule asks."""
_ACTION: Final[dict[str, Fact]] = {
    **_CUSTOMER,
    "query.product": _TEXT,
    "query.released_at": Fact("instant"),
    "query.reason": _TEXT,
    "query.forum": _TEXT,
}
_TICKET: Final[dict[str, Fact]] = {
    **_CUSTOMER,
    "ticket.channel": Fact("choice", CHANNELS),
    "ticket.language": _TEXT,
    "ticket.pay_with": Fact("choice", ("credits", "cover")),
    "ticket.product": _TEXT,
}

_HOURS: Final[dict[str, Fact]] = {
    "in_hours": _YES_NO,
    "on_business_day": _YES_NO,
    "weekday": Fact("choice", WEEKDAYS, always=True),
}
"""How the calendar stands at an instant."""


@dataclass(slots=True)
class FactSpace:
    """The facts that exist where a rule stands; ``open_prefix`` admits any name below it (``attributes.``).

    ``left`` bounds the work on one document: so many comparisons of a condition with a case, then no more are judged.
    """

    facts: Mapping[str, Fact]
    open_prefix: str | None = None
    left: int = 1_000_000

    def get(self, name: str) -> Fact | None:
        """The fact of that name, or None when the rule may not look at it."""
        if self.open_prefix and name.startswith(self.open_prefix) and len(name) > len(self.open_prefix):
            return _TEXT
        return self.facts.get(name)


def offer_facts(policy: Policy) -> FactSpace:
    """Facts of an order line (`Offer`)."""
    plans = {"customer.plans_had": Fact("list", tuple(plan.plan for plan in policy.plans))} if policy.plans else {}
    return FactSpace({**_OFFER, **plans}, "attributes.")


def action_facts(policy: Policy) -> FactSpace:
    """Facts of an entitlement question (`Action`)."""
    return FactSpace(
        {**_ACTION, **_contacts(policy), **_counts(policy), **_plan(policy), "license.edition": _edition(policy)}
    )


def ticket_facts(policy: Policy) -> FactSpace:
    """Facts of a ticket (`Check`, `Ground`, `Gate`): the policy's own and the service's."""
    own = {spec.fact: Fact(spec.type, spec.values) for spec in policy.facts}
    types = tuple(t.credit_type for t in policy.credits.types) if policy.credits else ()
    return FactSpace(
        {
            **own,
            **_TICKET,
            **_contacts(policy),
            **_counts(policy),
            **_plan(policy),
            **_release(policy),
            "ticket.category": Fact("choice", tuple(c.category for c in policy.categories)),
            "ticket.credit_type": Fact("choice", types),
            "ticket.priority": Fact("choice", tuple(p.priority for p in policy.priorities)),
            "license.edition": _edition(policy),
            **{f"entitled.{action.action}": _YES_NO for action in policy.actions},
        }
    )


def price_facts(policy: Policy) -> FactSpace:
    """Facts of a whole price (`Surcharge`): those of a ticket, and how the calendar stood when it was opened."""
    return FactSpace({**ticket_facts(policy).facts, **{f"ticket.opened_{name}": fact for name, fact in _HOURS.items()}})


def work_facts(policy: Policy) -> FactSpace:
    """Facts of a part of a line of work (`Surcharge`)."""
    kinds = tuple(kind.kind for kind in policy.work.kinds) if policy.work is not None else ()
    of_work = {f"work.{name}": fact for name, fact in _HOURS.items()}
    return FactSpace({**price_facts(policy).facts, **of_work, "work.kind": Fact("choice", kinds)})


def counted_facts(policy: Policy) -> FactSpace:
    """Facts of a ticket that counts (`Count`): what is known of the ticket itself, whatever becomes of its account."""
    of_ticket = ticket_facts(policy).facts
    own = {spec.fact: of_ticket[spec.fact] for spec in policy.facts}
    names = ("channel", "category", "credit_type", "product", "priority")
    return FactSpace(
        {
            **own,
            **{f"ticket.{name}": of_ticket[f"ticket.{name}"] for name in names},
            "ticket.cause": Fact("choice", tuple(cause.cause for cause in policy.causes)),
            "ticket.outcome": Fact("choice", tuple(outcome.outcome for outcome in policy.outcomes)),
            "ticket.paid_by": Fact("choice", ("credits", "cover", "nobody")),
            "ticket.given_back": _YES_NO,
        }
    )


def _contacts(policy: Policy) -> dict[str, Fact]:
    """Whether who asks is named by their company, and how many are; only where the policy has contacts."""
    if policy.contacts is None:
        return {}
    return {"person.named": _BOOL, "customer.contacts": _COUNT}


def _counts(policy: Policy) -> dict[str, Fact]:
    """How many each count comes to; unknown where its license or its period of cover is not known."""
    return {rule.fact: Fact("integer", always=rule.per != "license" and rule.each != "cover") for rule in policy.counts}


def _plan(policy: Policy) -> dict[str, Fact]:
    """The facts of the plan that runs, where there are plans."""
    if not policy.plans:
        return {}
    return {
        "plan.name": Fact("choice", tuple(plan.plan for plan in policy.plans)),
        "plan.rank": Fact("integer", always=True, most=len(policy.plans)),
        "plan.includes": Fact("list", tuple(plan.plan for plan in policy.plans), always=True),
        "plan.seats": Fact("integer", least=1),
        "plan.ends_at": Fact("instant"),
    }


def _release(policy: Policy) -> dict[str, Fact]:
    """The facts of the release that a ticket is about, where releases are listed."""
    if policy.releases is None:
        return {}
    return {"release.supported": _BOOL, "release.name": _TEXT, "release.ends_at": Fact("instant")}


def _edition(policy: Policy) -> Fact:
    return Fact("choice", policy.editions) if policy.editions else _TEXT


def test_fault(test: Test, space: FactSpace) -> tuple[str, str] | None:
    """Why a single comparison makes no sense, with what to write instead; None when it does. Facts must be known."""
    fact = space.get(test.fact)
    if fact is None:
        return None
    if test.value_fact is not None:
        if test.op in ("known", "unknown"):
            return f"`{test.op}` takes no value.", "Remove `value_fact`."
        return _crossed_fault(test, fact, space.get(test.value_fact))
    many = isinstance(test.value, tuple)
    if test.op in ("known", "unknown"):
        return (f"`{test.op}` takes no value.", "Remove `value`.") if test.value is not None else None
    if test.op in ("in", "not_in") and not many:
        return f"`{test.op}` needs a list.", "Write `value: [a, b]`."
    if test.op not in ("in", "not_in") and many:
        return f"`{test.op}` compares with one value, not a list.", "Write `op: in` for a list."
    if test.op in ORDERED and fact.type not in ("integer", "number", "instant"):
        return f"`{test.fact}` has no order, so `{test.op}` cannot hold.", "Write `op: eq` or `op: in`."
    if (test.op == "contains") != (fact.type == "list"):
        return f"`{test.op}` does not fit `{test.fact}`, which is {_A[fact.type]}.", _FIT[fact.type]
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    for value in values:
        if not _fits(value, fact):
            return f"`{test.fact}` is {_A[fact.type]} and cannot be {value!r}.", _instead(fact)
    return None


def _crossed_fault(test: Test, fact: Fact, other: Fact | None) -> tuple[str, str] | None:
    """Why two facts cannot be compared, with what to write instead."""
    if test.value is not None:
        return "A comparison has `value` or `value_fact`, not both.", "Remove one of them."
    if other is None:
        return None
    if test.op == "contains":
        if fact.type != "list" or other.type not in ("text", "choice"):
            return _differ(test, fact, other), "Write a list as `fact` and a text as `value_fact`."
        return None
    if test.op in ("in", "not_in"):
        return f"`{test.op}` needs a list.", "Write `op: eq`, or `value: [a, b]`."
    if test.op in ORDERED and _FAMILY[fact.type] not in ("number", "instant"):
        return f"`{test.fact}` has no order, so `{test.op}` cannot hold.", "Write `op: eq`."
    if _FAMILY[fact.type] != _FAMILY[other.type]:
        return _differ(test, fact, other), "Compare facts of one type."
    return None


def _differ(test: Test, fact: Fact, other: Fact) -> str:
    return (
        f"`{test.op}` cannot compare `{test.fact}`, which is {_A[fact.type]}, "
        f"with `{test.value_fact}`, which is {_A[other.type]}."
    )


_FAMILY: Final[dict[FactType, str]] = {
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "choice": "text",
    "text": "text",
    "list": "list",
    "instant": "instant",
}
"""Types that compare with each other."""
_A: Final[dict[FactType, str]] = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "choice": "one of a list",
    "text": "a text",
    "list": "a list",
    "instant": "a time",
}
_FIT: Final[dict[FactType, str]] = {
    "boolean": "Write `value: true` or `value: false`.",
    "integer": "Write a whole number.",
    "number": "Write a whole number, or a decimal in quotes.",
    "choice": "Write `op: eq` or `op: in`.",
    "text": "Write `op: eq` and a text in quotes.",
    "list": "Write `op: contains`.",
    "instant": 'Write `op: known`, or a time with its zone in quotes, e.g. `"2030-01-01T00:00:00Z"`.',
}


def _instead(fact: Fact) -> str:
    if fact.values:
        return f"Write one of {', '.join(f'`{value}`' for value in fact.values)}."
    return _FIT[fact.type]


def _fits(value: Any, fact: Fact) -> bool:
    match fact.type:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return (isinstance(value, int) and not isinstance(value, bool)) or (
                isinstance(value, str) and is_decimal(value)
            )
        case "choice":
            return value in fact.values
        case "text":
            return isinstance(value, str)
        case "instant":
            return isinstance(value, str) and instant(value) is not None
        case "list":
            return value in fact.values if fact.values else isinstance(value, str | int)


def cases(conditions: Sequence[Condition | None], space: FactSpace) -> Iterator[dict[str, Any]] | None:
    """Every combination of the facts' values that matters to the conditions; None when they are too many to look at."""
    tests: dict[str, list[Test]] = {}
    for condition in conditions:
        for name in facts_used(condition):
            tests.setdefault(name, [])
        for test in tests_of(condition):
            tests[test.fact].append(test)
            if test.value_fact is not None:
                tests[test.value_fact].append(test)
    crossing = [test for found in tests.values() for test in found if test.value_fact is not None]
    if crossing:
        # What one fact is compared with matters for those that are compared with it.
        every = list(dict.fromkeys(test for found in tests.values() for test in found))
        crossed = {name for test in crossing for name in (test.fact, test.value_fact)}
        tests = {name: every if name in crossed else found for name, found in tests.items()}
    candidates = [_candidates(name, space.get(name) or _TEXT, found) for name, found in tests.items()]
    total = 1
    for values in candidates:
        total *= len(values)
    work = total * max(1, sum(len(found) for found in tests.values()))
    if total > MAX_COMBINATIONS or work > space.left:
        return None
    space.left -= work
    names = list(tests)
    return (dict(zip(names, combination, strict=True)) for combination in itertools.product(*candidates))


def _candidates(name: str, fact: Fact, tests: Sequence[Test]) -> list[Any]:
    named: list[Any] = []
    for test in tests:
        named += test.value if isinstance(test.value, tuple) else [] if test.value is None else [test.value]
    own: list[Any]
    match fact.type:
        case "boolean":
            own = [True, False]
        case "integer" | "number":
            own = _numbers(fact, named)
        case "choice":
            own = list(fact.values)
        case "list":
            texts = [value for value in named if isinstance(value, str | int)]
            crossed = [_OTHER] if any(test.value_fact for test in tests) else []
            own = [(), tuple(texts + crossed), *((text,) for text in texts + crossed)]
        case "instant":
            times = [at for value in named if isinstance(value, str) and (at := instant(value))] or [_SOME_TIME]
            own = sorted({at + _SECOND * d for at in times for d in (-1, 0, 1)})
        case _:
            own = [*dict.fromkeys(value for value in named if isinstance(value, str)), _OTHER]
    return own if fact.always else [*own, None]


def _numbers(fact: Fact, named: Sequence[Any]) -> list[Any]:
    """The numbers that are named, and their neighbours."""
    exact = [Fraction(n) for n in named if (is_decimal(n) if isinstance(n, str) else type(n) is int)]
    if fact.type == "number":
        cent = Fraction(1, 100)
        return sorted({n + d for n in exact or [Fraction(0)] for d in (-cent, Fraction(0), cent)})
    whole = [n.numerator // n.denominator for n in exact] or [fact.least]
    near = {n + d for n in whole for d in (-1, 0, 1)} | {fact.least}
    return sorted(n for n in near if fact.least <= n and (fact.most is None or n <= fact.most))


def can_hold(condition: Condition | None, space: FactSpace) -> bool:
    """Whether some combination of facts makes the condition true (true also when there are too many to look at)."""
    looked_at = cases([condition], space)
    return looked_at is None or any(holds(condition, facts) is True for facts in looked_at)


def can_fail(condition: Condition | None, premise: Condition | None, space: FactSpace) -> bool:
    """Whether, where ``premise`` holds, the condition can be other than true."""
    looked_at = cases([condition, premise], space)
    return looked_at is None or any(
        holds(premise, facts) is True and holds(condition, facts) is not True for facts in looked_at
    )


def reachable(rules: Sequence[Condition | None], index: int, space: FactSpace) -> bool:
    """Whether in some case rule ``index`` holds and none before it does."""
    looked_at = cases(rules[: index + 1], space)
    return looked_at is None or any(
        holds(rules[index], facts) is True and not any(holds(rule, facts) is True for rule in rules[:index])
        for facts in looked_at
    )


def crosses(before: Condition | None, rule: Condition | None, space: FactSpace) -> bool:
    """Whether both rules hold in some case, and the one before holds alone in another.

    A rule that holds wherever the one before does is the more general of the two, as rules in an order often are. False
    where there are too many cases to look at.
    """
    looked_at = cases([before, rule], space)
    if looked_at is None:
        return False
    found = {holds(rule, facts) is True for facts in looked_at if holds(before, facts) is True}
    return found == {True, False}


def undecided(rules: Sequence[Condition | None], space: FactSpace) -> dict[str, Any] | None:
    """A case in which no rule holds; None when some rule always does."""
    if any(rule is None for rule in rules):
        return None
    looked_at = cases(rules, space)
    if looked_at is None:
        return None
    return next((facts for facts in looked_at if not any(holds(rule, facts) is True for rule in rules)), None)
