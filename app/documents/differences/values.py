"""How a value of a policy document is said in a sentence: credits in the vendor's unit, names by their titles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.documents.differences.phrases import VALUES
from app.domain.clocks.explanation import target_words
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
from app.domain.policy.wording import OP_WORDS, credit_words, minutes_words, sku_title, title_of, value_words
from app.domain.values.phrase import joined
from app.domain.values.text import counted

LONG: Final = 200
"""Letters of a text that a sentence repeats; a longer one is cut."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a value stands: in which version, in which member, and in which currency its amounts are."""

    policy: Policy
    member: str
    currency: str


def worded(kind: str, value: Any, setting: Setting) -> str:
    """Return a value as a phrase's hole of this kind wants it."""
    return _WRITERS[kind](value, setting)


def _number(value: Any, setting: Setting) -> str:
    return str(value)


def _credits(value: Any, setting: Setting) -> str:
    return credit_words(setting.policy, value)


def _quoted(value: Any, setting: Setting) -> str:
    text = str(value)
    return f'"{text if len(text) <= LONG else text[:LONG] + "…"}"'


def _names(titled: Callable[[Policy, str], str]) -> Callable[[Any, Setting], str]:
    def write(value: Any, setting: Setting) -> str:
        names = (value,) if isinstance(value, str) else value
        return joined([titled(setting.policy, name) for name in names])

    return write


def _titles(member: str, of: Callable[[Policy], Iterable[Any]]) -> Callable[[Any, Setting], str]:
    """Names by the titles of what bears them."""

    def titled(policy: Policy, name: str) -> str:
        found = next((item for item in of(policy) if getattr(item, member) == name), None)
        return f'"{name if found is None else found.title}"'

    return _names(titled)


def _times(value: Any, setting: Setting) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(value, f"{value} times")


def _seats(value: Any, setting: Setting) -> str:
    words = {"sku": "as many people as the sku says", "quantity": "as many people as units"}
    return words.get(value) or counted(value, "person", "people")


def _choice(value: Any, setting: Setting) -> str:
    words = VALUES.get(setting.member, {})
    values = value if isinstance(value, tuple) else (value,)
    return joined([words.get(item) or str(item).replace("_", " ") for item in values], "or")


def condition(stated: Condition, policy: Policy) -> str:
    """Return a condition as a clause of a sentence: ``cover is in force and the edition of the license is pro``."""
    match stated:
        case Test():
            return _comparison(stated, policy)
        case All(all=parts):
            return " and ".join(_grouped(part, policy) for part in parts)
        case AnyOf(any=parts):
            return " or ".join(_grouped(part, policy) for part in parts)
        case Not(no=part):
            return f"it is not so that {_grouped(part, policy)}"


def _grouped(stated: Condition, policy: Policy) -> str:
    words = condition(stated, policy)
    return words if isinstance(stated, Test) else f"({words})"


def _comparison(test: Test, policy: Policy) -> str:
    title = _TITLES.get(test.fact) or title_of(policy, test.fact)
    if title.startswith("whether ") and test.op == "eq" and isinstance(test.value, bool) and test.value_fact is None:
        return title.removeprefix("whether ") if test.value else f"it is not so that {title.removeprefix('whether ')}"
    verb = OP_WORDS[test.op]
    verb = f"is {verb}" if test.op in ("lt", "le", "gt", "ge") else verb
    return f"{title} {verb}" + ("" if test.op in ("known", "unknown") else f" {value_words(test)}")


_TITLES: Final[Mapping[str, str]] = {
    "line.discount_percent": "the discount in per cent",
    "line.quantity": "the quantity",
    "line.list_price_zero": "whether the list price is zero",
    "license.first_order": "whether it is of the first order",
    "query.reason": "the reason",
}
"""Facts of an order's line, which no ticket asks about."""


def openings(value: Any) -> str:
    """Return the openings of a day: ``09:00 to 13:00 and 14:00 to 18:00``."""
    return joined([f"{start} to {end}" for start, end in value]) or "closed"


def price_words(value: Any, setting: Setting) -> str:
    """Return what a category costs: ``15 credits``, ``10 to 20 credits``, ``120 credits and 60 for each store``."""
    policy = setting.policy
    match value:
        case FixedPrice(credits=credits):
            return credit_words(policy, credits) if credits else "nothing"
        case RangePrice(least=least, most=most):
            return f"{least} to {credit_words(policy, most)}"
        case FromPrice(least=least):
            return f"at least {credit_words(policy, least)}"
        case FormulaPrice(base=base, per=per):
            units = [f"{each} for {title_of(policy, f'inputs.{name}')}" for name, each in per.items()]
            return joined([credit_words(policy, base), *units])
        case OnRequestPrice():
            return "a price upon request"
        case MoneyPrice(amount=amount):
            return f"{amount} {policy.currency}"
        case TimePrice():
            return _time_words(value, policy)
    return str(value)


def _time_words(price: TimePrice, policy: Policy) -> str:
    parts = [f"{credit_words(policy, price.credits)} for each begun {minutes_words(price.per_minutes)}"]
    parts += [f"at least {credit_words(policy, price.least)}"] if price.least else []
    parts += [f"the first {minutes_words(price.free_minutes)} free"] if price.free_minutes else []
    parts += ["counted over the whole ticket"] if price.rounded == "ticket" else []
    parts += [f"up to {credit_words(policy, price.up_to)} without asking"] if price.up_to is not None else []
    return ", ".join(parts)


def shortened(kind: str, value: Any, setting: Setting, beside: str) -> str:
    """Return the old value beside the new one: ``10`` after ``15 credits``."""
    words = worded(kind, value, setting)
    number = value.credits if isinstance(value, FixedPrice) else value if kind == "credits" else None
    if number is not None and words.partition(" ")[0] == str(number) and beside[:1].isdecimal():
        return str(number)
    return words


_WRITERS: Final[Mapping[str, Callable[[Any, Setting], str]]] = {
    "number": _number,
    "text": _number,
    "quoted": _quoted,
    "list": lambda value, setting: joined([str(item) for item in (value if isinstance(value, tuple) else (value,))]),
    "levels": lambda value, setting: f"{'level' if len(value) == 1 else 'levels'} {joined([str(n) for n in value])}",
    "credits": _credits,
    "days": lambda value, setting: counted(value, "day", "days"),
    "minutes": lambda value, setting: minutes_words(value),
    "seconds": lambda value, setting: target_words(f"seconds:{value}").removeprefix("within "),
    "times": _times,
    "money": lambda value, setting: f"{value} {setting.currency}",
    "percent": lambda value, setting: f"{value} per cent",
    "term": lambda value, setting: value.text,
    "for": lambda value, setting: f"for {value.text}",
    "target": lambda value, setting: target_words(value),
    "condition": lambda value, setting: condition(value, setting.policy),
    "where": lambda value, setting: f"where {condition(value, setting.policy)}",
    "sku": lambda value, setting: sku_title(setting.policy, value),
    "skus": _names(sku_title),
    "fact": _names(title_of),
    "facts": _names(title_of),
    "categories": _titles("category", lambda policy: policy.categories),
    "plan": _titles("plan", lambda policy: policy.plans),
    "plans": _titles("plan", lambda policy: policy.plans),
    "type": _titles("credit_type", lambda policy: policy.credits.types if policy.credits else ()),
    "types": _titles("credit_type", lambda policy: policy.credits.types if policy.credits else ()),
    "actions": _titles("action", lambda policy: policy.actions),
    "outcome": _titles("outcome", lambda policy: policy.outcomes),
    "pauses": lambda value, setting: joined([str(name).replace("_", " ") for name in value]) or "nothing",
    "seats": _seats,
    "choice": _choice,
    "choices": _choice,
    "openings": lambda value, setting: openings(value),
    "hours": lambda value, setting: openings(value),
    "price": price_words,
}
