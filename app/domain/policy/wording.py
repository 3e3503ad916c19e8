"""The policy's words for what is counted and named: credits in its unit, facts and inputs by their titles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.domain.policy.conditions import All, AnyOf, Condition, Not, Test
from app.domain.policy.credit_rules import CreditType
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
from app.domain.values.phrase import (
    Phrase,
    Tongue,
    chained,
    changed,
    concat,
    joined,
    message,
    phrased,
    phrased_of,
    plain,
    titled,
)
from app.domain.values.term import Term
from app.domain.values.wire import parse_iso


def unit_word(policy: Policy, credits: int) -> Phrase:
    """The vendor's word for so many credits: ``point``, ``points``."""
    unit = policy.unit
    if unit is None:
        return phrased_of("credit", "credits", abs(credits))

    def word(tongue: Tongue) -> str:
        texts = policy.translations.get(tongue.code, {})
        return texts.get(f"unit.{tongue.form(credits)}") or (unit.one if credits in (1, -1) else unit.many)

    return Phrase(word)


def credit_words(policy: Policy, credits: int) -> Phrase:
    """So many credits in the vendor's unit: ``1 point``, ``25 points``; where a credit is time, ``1 h 15 min``."""
    return shown(policy, credits) or concat(credits, " ", unit_word(policy, credits))


def shown(policy: Policy, credits: int) -> Phrase | None:
    """So many credits as people write time: ``1 h 15 min``; None where a credit is no time."""
    each = policy.unit.minutes if policy.unit is not None else None
    return None if each is None else time_words(credits * each)


def time_words(minutes: int) -> Phrase:
    """Minutes as people write them: ``45 min``, ``2 h``, ``1 h 15 min``."""
    hours, rest = divmod(abs(minutes), 60)
    parts = [phrased("%(hours)s h", hours=hours)] if hours else []
    parts += [phrased("%(minutes)s min", minutes=rest)] if rest or not hours else []
    return concat("-" if minutes < 0 else "", concat(*parts, between=" "))


def minutes_words(minutes: int) -> Phrase:
    """A stretch of work in words: ``1 minute``, ``50 minutes``, ``1 h 30 min``."""
    if minutes > 60:
        return time_words(minutes)
    return phrased_of("%(number)s minute", "%(number)s minutes", minutes, number=minutes)


def shortage_words(policy: Policy, required: int, available: int) -> Phrase:
    """That credits are missing: ``1 support credit is needed, 0 are available.``"""
    needed = credit_words(policy, required)
    if (there := shown(policy, available)) is not None:
        return phrased("%(needed)s are needed, %(there)s are available.", needed=needed, there=there)
    return needed_words(required, needed, available, concat(available))


def needed_words(required: int, needed: Phrase, available: int, there: Phrase) -> Phrase:
    """That so many are needed, and how many are there."""
    return concat(
        phrased_of("%(credits)s is needed", "%(credits)s are needed", required, credits=needed),
        ", ",
        phrased_of("%(credits)s is available", "%(credits)s are available", available, credits=there),
        ".",
    )


def day_of(instant: Any) -> Phrase:
    """The day of an instant, given as such or as RFC 3339."""
    return concat(parse_iso(instant) if isinstance(instant, str) else instant)


_ASKED: Final[Mapping[str, Phrase]] = {
    "category": phrased("the category"),
    "credit_type": phrased("the type of credit"),
    "license_id": phrased("the license"),
    "pay_with": phrased("what pays for the ticket"),
}
FACT_TITLES: Final[Mapping[str, Phrase]] = {
    "choice.open": phrased("whether a choice is open"),
    "cover.active": phrased("whether cover is in force"),
    "cover.ended_at": phrased("when cover ended"),
    "cover.ends_at": phrased("when cover ends"),
    "cover.ever": phrased("whether there ever was cover"),
    "cover.lapsed_days": phrased("the days since cover ended"),
    "cover.lapsed_months": phrased("the months since cover ended"),
    "cover.pending": phrased("whether a period of cover waits to begin"),
    "cover.suspended": phrased("whether cover is suspended"),
    "credits.available": phrased("the credits that are available"),
    "credits.overdraft_left": phrased("the credits that may still be overdrawn"),
    "credits.bought_here": phrased("whether this account bought the credits"),
    "customer.contacts": phrased("the named contacts"),
    "person.named": phrased("whether the person is a named contact"),
    "customer.addons": phrased("the add-ons bought by this account"),
    "customer.editions": phrased("the editions held by this account"),
    "customer.hosting_certified": phrased("whether the hosting is certified"),
    "customer.licenses": phrased("the licenses held"),
    "customer.plans_had": phrased("the plans that the customer has had"),
    "customer.licenses_bought": phrased("the licenses ever bought"),
    "license.active": phrased("whether the license is active"),
    "license.edition": phrased("the edition of the license"),
    "license.given": phrased("whether a license is named"),
    "license.ordinal": phrased("which license of the account it is"),
    "license.owned": phrased("whether the license named is this customer's"),
    "license.registered": phrased("whether the license is registered to an installation"),
    "line.discount_percent": phrased("line discount percent"),
    "line.list_price_zero": phrased("line list price zero"),
    "line.quantity": phrased("line quantity"),
    "plan.ends_at": phrased("when the plan ends"),
    "plan.includes": phrased("the plans whose rights are there"),
    "plan.name": phrased("the plan that runs"),
    "plan.rank": phrased("the rank of the plan that runs"),
    "plan.seats": phrased("the seats of the plan"),
    "release.ends_at": phrased("when support of the release ends"),
    "release.name": phrased("the release"),
    "release.supported": phrased("whether the release is supported"),
    "query.forum": phrased("the forum"),
    "query.product": phrased("the product"),
    "query.reason": phrased("the reason"),
    "query.released_at": phrased("when the release came out"),
    "ticket.category": phrased("the category"),
    "ticket.channel": phrased("the channel"),
    "ticket.credit_type": phrased("the type of credit"),
    "ticket.language": phrased("the language"),
    "ticket.pay_with": phrased("what pays for the ticket"),
    "ticket.opened_in_hours": phrased("whether it was opened in hours"),
    "ticket.opened_on_business_day": phrased("whether it was opened on a business day"),
    "ticket.opened_weekday": phrased("the day of the week on which it was opened"),
    "ticket.priority": phrased("the priority"),
    "ticket.product": phrased("the product"),
    "work.in_hours": phrased("whether the work is in hours"),
    "work.kind": phrased("the kind of work"),
    "work.on_business_day": phrased("whether the work is on a business day"),
    "work.weekday": phrased("the day of the week of the work"),
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


_COMPARED: Final[Mapping[str, str]] = {
    "is": message("%(fact)s is %(value)s"),
    "is not": message("%(fact)s is not %(value)s"),
    "below": message("%(fact)s below %(value)s"),
    "at most": message("%(fact)s at most %(value)s"),
    "above": message("%(fact)s above %(value)s"),
    "at least": message("%(fact)s at least %(value)s"),
    "is stated": message("%(fact)s is stated"),
    "is not stated": message("%(fact)s is not stated"),
    "contains": message("%(fact)s contains %(value)s"),
}
"""A comparison as a whole, by the words of its operator."""


def fact_words(name: str) -> Phrase:
    """A fact of ours by its title; one without a title by its name."""
    return FACT_TITLES.get(name) or concat(name.replace("_", " ").replace(".", " "))


def in_words(test: Test, policy: Policy | None = None) -> Phrase:
    """A comparison in words, by the title of its fact: ``the edition of the license is pro``.

    ``policy`` has titles of facts of its own.
    """
    name = fact_words(test.fact) if policy is None else title_of(policy, test.fact)
    if test.op in {"known", "unknown"}:
        return phrased(_COMPARED[OP_WORDS[test.op]], fact=name)
    return phrased(_COMPARED[OP_WORDS[test.op]], fact=name, value=value_words(test, policy))


def condition_words(condition: Condition, policy: Policy | None = None) -> Phrase:
    """A whole condition in words: ``the priority is high and the channel is phone``."""
    match condition:
        case Test():
            return in_words(condition, policy)
        case All(all=parts):
            return chained([_grouped(part, policy) for part in parts], "and")
        case AnyOf(any=parts):
            return chained([_grouped(part, policy) for part in parts], "or")
        case Not(no=part):
            return phrased("not so: %(condition)s", condition=condition_words(part, policy))


def _grouped(condition: Condition, policy: Policy | None) -> Phrase:
    words = condition_words(condition, policy)
    return words if isinstance(condition, Test) else concat("(", words, ")")


def value_words(test: Test, policy: Policy | None = None) -> Phrase:
    """What a comparison compares with, in words."""
    if test.value_fact is not None:
        return fact_words(test.value_fact)
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    words = {True: phrased("yes"), False: phrased("no"), None: phrased("nothing")}
    return joined(
        [words[value] if value is None or isinstance(value, bool) else code_words(value, policy) for value in values],
        "or",
    )


_NAMED: Final = ("categories", "plans", "causes", "credit_types", "actions", "outcomes")


def code_words(code: object, policy: Policy | None = None) -> Phrase:
    """A value of a comparison: a number, or a code without its underscores.

    In another language by the policy's title for it, else the code as it is.
    """

    def words(tongue: Tongue) -> str:
        if tongue.code == "en":
            return str(code).replace("_", " ")
        texts = {} if policy is None else policy.translations.get(tongue.code, {})
        titles = (texts.get(f"{kind}.{code}") for kind in _NAMED)
        return next((title for title in titles if title), str(code))

    return Phrase(words)


def title_of(policy: Policy, name: str) -> Phrase:
    """The title of an input, a fact or a field, for a sentence: ``inputs.N`` -> the number of deployed stores."""
    head, _, tail = name.partition(".")
    if head == "inputs" and tail:
        titles = (input_.title for category in policy.categories for input_ in category.inputs if input_.name == tail)
        return titled(policy.translations, name, next(titles, tail))
    found = next((fact.title for fact in policy.facts if fact.fact == name), None)
    if found is not None:
        return plain(titled(policy.translations, f"facts.{name}", found))
    if head == "count" and tail:
        rule = next((rule for rule in policy.counts if rule.count == tail), None)
        if rule is None:
            return concat(tail)
        title = plain(rule.title)
        return (
            phrased("the number of %(what)s", what=title)
            if rule.of == "tickets"
            else phrased("the minutes of %(what)s", what=title)
        )
    if head == "entitled" and tail:
        action = policy.action(tail)
        words = (
            plain(titled(policy.translations, f"actions.{tail}", action.title)) if action else tail.replace("_", " ")
        )
        return phrased("whether the customer may %(action)s", action=words)
    return _ASKED.get(name) or fact_words(name)


def asked_for(policy: Policy, name: str) -> Phrase:
    """What is asked for, in a sentence: a fact that is true or false as ``whether ...``."""
    title = title_of(policy, name)
    spec = next((fact for fact in policy.facts if fact.fact == name), None)
    closed = spec is None or spec.type != "boolean" or title.startswith("whether ")
    return title if closed else phrased("whether %(fact)s", fact=title)


def sku_title(policy: Policy, sku: str) -> Phrase:
    """The title of an offer, else its sku."""
    found = policy.offer(sku)
    if found is None:
        return concat(f'"{sku}"')
    offer, number = found
    title = titled(policy.translations, f"offers.{offer.sku}", offer.title)
    return title if number is None else changed(lambda words: words.replace("{n}", str(number)), title)


def category_title(policy: Policy, category: Category) -> Phrase:
    """The title of a category."""
    return titled(policy.translations, f"categories.{category.category}", category.title)


def type_title(policy: Policy, kind: CreditType) -> Phrase:
    """The title of a type of credits."""
    return titled(policy.translations, f"credit_types.{kind.credit_type}", kind.title)


def term_words(term: Mapping[str, int] | Term | None) -> Phrase:
    """A length of time in words: ``1 month``, ``30 days``."""
    if term is None:
        return phrased("no end")
    parts = term if isinstance(term, Mapping) else {"years": term.years, "months": term.months, "days": term.days}
    years, months, days = (parts.get(name) or 0 for name in ("years", "months", "days"))
    found = []
    if years:
        found.append(phrased_of("%(number)s year", "%(number)s years", years, number=years))
    if months:
        found.append(phrased_of("%(number)s month", "%(number)s months", months, number=months))
    if days:
        found.append(phrased_of("%(number)s day", "%(number)s days", days, number=days))
    return joined(found) if found else phrased("no time")


def price_words(policy: Policy, category: Category | None, inputs: Mapping[str, int]) -> Phrase:
    """How the list prices a category, in words: ``fixed price``, ``120 plus 3 times 60 (the number of stores)``."""
    if category is None:
        return phrased("without a category")
    match category.price:
        case FixedPrice():
            return phrased("fixed price")
        case RangePrice(least=least, most=most):
            return phrased("%(least)s to %(most)s by the list", least=least, most=most)
        case FromPrice(least=least):
            return phrased("at least %(least)s by the list", least=least)
        case OnRequestPrice():
            return phrased("price upon request")
        case MoneyPrice(amount=amount):
            return phrased("%(amount)s by the list", amount=f"{amount} {policy.currency}")
        case FormulaPrice(base=base, per=per):
            parts = [
                phrased(
                    "%(number)s times %(each)s for %(input)s",
                    number=inputs.get(name, 0),
                    each=each,
                    input=title_of(policy, f"inputs.{name}"),
                )
                for name, each in per.items()
            ]
            return phrased("%(base)s plus %(parts)s", base=base, parts=joined(parts))
        case TimePrice(credits=credits, per_minutes=per_minutes):
            return each_block(policy, credits, per_minutes)


def each_block(policy: Policy, credits: int, minutes: int) -> Phrase:
    """What each begun block of work costs."""
    return phrased(
        "%(credits)s for each begun %(block)s", credits=credit_words(policy, credits), block=minutes_words(minutes)
    )


_WAITS: Final[Mapping[str, Phrase]] = {
    "access": phrased("access"),
    "awaiting_confirmation": phrased("awaiting confirmation"),
    "beyond_control": phrased("beyond control"),
    "paused": phrased("paused"),
    "waiting_for_access": phrased("waiting for access"),
    "waiting_for_customer": phrased("waiting for customer"),
    "waiting_for_third_party": phrased("waiting for third party"),
}


def wait_words(reason: str) -> Phrase:
    """What is waited for while clocks stand: a reason of ours in words, else the policy's code."""
    return _WAITS.get(reason) or concat(reason.replace("_", " "))


def cover_words(cover: Mapping[str, Any], policy: Policy) -> Phrase:
    """A cover by what it is: ``the support for 1 month of order 1001``, ``the unlimited support of level 1``."""
    found = _cover_words(cover, policy)
    if not cover.get("order_id"):
        return found
    return phrased("%(what)s of order %(order)s", what=found, order=str(cover["order_id"]))


def _cover_words(cover: Mapping[str, Any], policy: Policy) -> Phrase:
    if cover.get("levels"):
        levels = joined([str(level) for level in cover["levels"]])
        return phrased("the unlimited support of level %(levels)s", levels=levels)
    if cover.get("plan"):
        plan = Phrase(
            lambda tongue: policy.translations.get(tongue.code, {}).get(f"plans.{cover['plan']}") or cover["plan"]
        )
        if cover.get("term"):
            return phrased("the plan %(plan)s for %(term)s", plan=plan, term=term_words(cover["term"]))
        return phrased("the plan %(plan)s", plan=plan)
    if cover.get("term") is None:
        return phrased("the support") if cover.get("ends_at") else phrased("the support without an end")
    return phrased("the support for %(term)s", term=term_words(cover["term"]))
