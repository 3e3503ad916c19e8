"""The policy's words for what is counted and named: credits in its unit, facts and inputs by their titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.domain.policy.conditions import All, AnyOf, Condition, Not, Test
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import (
    FixedPrice,
    FormulaPrice,
    FromPrice,
    MoneyPrice,
    OnRequestPrice,
    RangePrice,
    TimePrice,
)
from app.domain.policy.ticket_rules import Category
from app.domain.values.term import Term
from app.domain.values.text import day
from app.domain.values.wire import parse_iso


def unit_word(policy: Policy, credits: int) -> str:
    """The vendor's word for so many credits: ``point``, ``points``."""
    unit = policy.unit
    item, many = (unit.one, unit.many) if unit is not None else ("credit", "credits")
    return item if credits in (1, -1) else many


def credit_words(policy: Policy, credits: int) -> str:
    """So many credits in the vendor's unit: ``1 point``, ``25 points``; where a credit is time, ``1 h 15 min``."""
    return shown(policy, credits) or f"{credits} {unit_word(policy, credits)}"


def shown(policy: Policy, credits: int) -> str | None:
    """So many credits as people write time: ``1 h 15 min``; None where a credit is no time."""
    each = policy.unit.minutes if policy.unit is not None else None
    return None if each is None else time_words(credits * each)


def time_words(minutes: int) -> str:
    """Minutes as people write them: ``45 min``, ``2 h``, ``1 h 15 min``."""
    hours, rest = divmod(abs(minutes), 60)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{rest} min"] if rest or not hours else []
    return f"{'-' if minutes < 0 else ''}{' '.join(parts)}"


def minutes_words(minutes: int) -> str:
    """A stretch of work in words: ``1 minute``, ``50 minutes``, ``1 h 30 min``."""
    if minutes > 60:
        return time_words(minutes)
    return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"


def shortage_words(policy: Policy, required: int, available: int) -> str:
    """That credits are missing: ``1 support credit is needed, 0 are available.``"""
    if (there := shown(policy, available)) is not None:
        return f"{credit_words(policy, required)} are needed, {there} are available."
    return f"{credit_words(policy, required)} {are(required)} needed, {available} {are(available)} available."


def was(number: int) -> str:
    """``was`` or ``were``."""
    return "was" if number == 1 else "were"


def are(number: int) -> str:
    """``is`` or ``are``."""
    return "is" if number == 1 else "are"


def cited(sentence: str, clause: str | None) -> str:
    """A sentence with the clause it rests on: ``It cost nothing (XC-6).``"""
    body = sentence.rstrip()
    if clause is None or f"({clause})" in body:
        return body if body.endswith((".", "?", "!")) else f"{body}."
    return f"{body.rstrip('.')} ({clause})."


def sentences(*parts: str | None) -> str:
    """Sentences as one text; none twice."""
    return " ".join(dict.fromkeys(part for part in parts if part))


def joined(words: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def plain(title: str) -> str:
    """A title inside a sentence: what stands before a colon, its first letter small unless it is a name."""
    head = title.partition(": ")[0].strip()
    first = head.split(" ", 1)[0]
    return head[:1].lower() + head[1:] if first[1:].islower() or not first[1:] else head


def capital(text: str) -> str:
    """The text with its first letter large."""
    return text[:1].upper() + text[1:]


def day_of(instant: Any) -> str:
    """The day of an instant, given as such or as RFC 3339."""
    return day(parse_iso(instant) if isinstance(instant, str) else instant)


_ASKED: Final = {
    "category": "the category",
    "credit_type": "the type of credit",
    "license_id": "the license",
    "pay_with": "what pays for the ticket",
}
FACT_TITLES: Final[Mapping[str, str]] = {
    "choice.open": "whether a choice is open",
    "cover.active": "whether cover is in force",
    "cover.ended_at": "when cover ended",
    "cover.ends_at": "when cover ends",
    "cover.ever": "whether there ever was cover",
    "cover.lapsed_days": "the days since cover ended",
    "cover.lapsed_months": "the months since cover ended",
    "cover.pending": "whether a period of cover waits to begin",
    "cover.suspended": "whether cover is suspended",
    "credits.available": "the credits that are available",
    "credits.overdraft_left": "the credits that may still be overdrawn",
    "credits.bought_here": "whether this account bought the credits",
    "customer.contacts": "the named contacts",
    "person.named": "whether the person is a named contact",
    "customer.addons": "the add-ons bought by this account",
    "customer.editions": "the editions held by this account",
    "customer.hosting_certified": "whether the hosting is certified",
    "customer.licenses": "the licenses held",
    "customer.plans_had": "the plans that the customer has had",
    "customer.licenses_bought": "the licenses ever bought",
    "license.active": "whether the license is active",
    "license.edition": "the edition of the license",
    "license.given": "whether a license is named",
    "license.ordinal": "which license of the account it is",
    "license.owned": "whether the license named is this customer's",
    "license.registered": "whether the license is registered to an installation",
    "plan.ends_at": "when the plan ends",
    "plan.includes": "the plans whose rights are there",
    "plan.name": "the plan that runs",
    "plan.rank": "the rank of the plan that runs",
    "plan.seats": "the seats of the plan",
    "release.ends_at": "when support of the release ends",
    "release.name": "the release",
    "release.supported": "whether the release is supported",
    "query.forum": "the forum",
    "query.product": "the product",
    "query.reason": "the reason",
    "query.released_at": "when the release came out",
    "ticket.category": "the category",
    "ticket.channel": "the channel",
    "ticket.credit_type": "the type of credit",
    "ticket.language": "the language",
    "ticket.pay_with": "what pays for the ticket",
    "ticket.opened_in_hours": "whether it was opened in hours",
    "ticket.opened_on_business_day": "whether it was opened on a business day",
    "ticket.opened_weekday": "the day of the week on which it was opened",
    "ticket.priority": "the priority",
    "ticket.product": "the product",
    "work.in_hours": "whether the work is in hours",
    "work.kind": "the kind of work",
    "work.on_business_day": "whether the work is on a business day",
    "work.weekday": "the day of the week of the work",
}


OP_WORDS: Final[Mapping[str, str]] = {
    "eq": "is",
    "ne": "is not",
    "in": "is",
    "not_in": "is not",
    "lt": "below",
    "le": "at most",
    "gt": "above",
    "ge": "at least",
    "known": "is stated",
    "unknown": "is not stated",
    "contains": "contains",
}
"""Operators of conditions in words."""


def in_words(test: Test, policy: Policy | None = None) -> str:
    """A comparison in words, by the title of its fact: ``the edition of the license is pro``.

    ``policy`` has titles of facts of its own.
    """
    name = FACT_TITLES.get(test.fact) or test.fact.replace("_", " ").replace(".", " ")
    if policy is not None:
        name = title_of(policy, test.fact)
    return f"{name} {OP_WORDS[test.op]}" + ("" if test.op in {"known", "unknown"} else f" {value_words(test)}")


def condition_words(condition: Condition, policy: Policy | None = None) -> str:
    """A whole condition in words: ``the priority is high and the channel is phone``."""
    match condition:
        case Test():
            return in_words(condition, policy)
        case All(all=parts):
            return " and ".join(_grouped(part, policy) for part in parts)
        case AnyOf(any=parts):
            return " or ".join(_grouped(part, policy) for part in parts)
        case Not(no=part):
            return f"not so: {condition_words(part, policy)}"


def _grouped(condition: Condition, policy: Policy | None) -> str:
    words = condition_words(condition, policy)
    return words if isinstance(condition, Test) else f"({words})"


def value_words(test: Test) -> str:
    """What a comparison compares with, in words."""
    if test.value_fact is not None:
        return FACT_TITLES.get(test.value_fact) or test.value_fact.replace("_", " ").replace(".", " ")
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    words = {True: "yes", False: "no", None: "nothing"}
    return joined(
        [
            words[value] if value is None or isinstance(value, bool) else str(value).replace("_", " ")
            for value in values
        ],
        "or",
    )


def title_of(policy: Policy, name: str) -> str:
    """The title of an input, a fact or a field, for a sentence: ``inputs.N`` -> the number of deployed stores."""
    head, _, tail = name.partition(".")
    if head == "inputs" and tail:
        titles = (input_.title for category in policy.categories for input_ in category.inputs if input_.name == tail)
        return next(titles, tail)
    found = next((fact.title for fact in policy.facts if fact.fact == name), None)
    if found is not None:
        return plain(found)
    if head == "count" and tail:
        rule = next((rule for rule in policy.counts if rule.count == tail), None)
        return tail if rule is None else f"the {'number' if rule.of == 'tickets' else 'minutes'} of {plain(rule.title)}"
    if head == "entitled" and tail:
        action = policy.action(tail)
        return f"whether the customer may {plain(action.title) if action else tail.replace('_', ' ')}"
    return _ASKED.get(name) or FACT_TITLES.get(name) or name.replace("_", " ").replace(".", " ")


def asked_for(policy: Policy, name: str) -> str:
    """What is asked for, in a sentence: a fact that is true or false as ``whether ...``."""
    title = title_of(policy, name)
    spec = next((fact for fact in policy.facts if fact.fact == name), None)
    closed = spec is None or spec.type != "boolean" or title.startswith("whether ")
    return title if closed else f"whether {title}"


def sku_title(policy: Policy, sku: str) -> str:
    """The title of an offer, else its sku."""
    found = policy.offer(sku)
    if found is None:
        return f'"{sku}"'
    offer, number = found
    return offer.title.replace("{n}", str(number)) if number is not None else offer.title


def term_words(term: Mapping[str, int] | Term | None) -> str:
    """A length of time in words: ``1 month``, ``30 days``."""
    if term is None:
        return "no end"
    term_parts = term if isinstance(term, Mapping) else {"years": term.years, "months": term.months, "days": term.days}
    parts = []
    for name in ("years", "months", "days"):
        number = term_parts.get(name) or 0
        if number:
            parts.append(f"{number} {name[:-1] if number == 1 else name}")
    return joined(parts) or "no time"


def price_words(policy: Policy, category: Category | None, inputs: Mapping[str, int]) -> str:
    """How the list prices a category, in words: ``fixed price``, ``120 plus 3 times 60 (the number of stores)``."""
    if category is None:
        return "without a category"
    match category.price:
        case FixedPrice():
            return "fixed price"
        case RangePrice(least=least, most=most):
            return f"{least} to {most} by the list"
        case FromPrice(least=least):
            return f"at least {least} by the list"
        case OnRequestPrice():
            return "price upon request"
        case MoneyPrice(amount=amount):
            return f"{amount} {policy.currency} by the list"
        case FormulaPrice(base=base, per=per):
            parts = [
                f"{inputs.get(name, 0)} times {each} for {title_of(policy, f'inputs.{name}')}"
                for name, each in per.items()
            ]
            return f"{base} plus {joined(parts)}"
        case TimePrice(credits=credits, per_minutes=per_minutes):
            return f"{credit_words(policy, credits)} for each begun {minutes_words(per_minutes)}"


def cover_words(cover: Mapping[str, Any]) -> str:
    """A cover by what it is: ``the support for 1 month of order 1001``, ``the unlimited support of level 1``."""
    order = f" of order {cover['order_id']}" if cover.get("order_id") else ""
    if cover.get("levels"):
        levels = joined([str(level) for level in cover["levels"]])
        return f"the unlimited support of level {levels}{order}"
    if cover.get("plan"):
        term = f" for {term_words(cover['term'])}" if cover.get("term") else ""
        return f"the plan {cover['plan']}{term}{order}"
    if cover.get("term") is None:
        return f"the support{'' if cover.get('ends_at') else ' without an end'}{order}"
    return f"the support for {term_words(cover['term'])}{order}"
