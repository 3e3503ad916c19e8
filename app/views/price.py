"""The steps of a price as published, wherever a price is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import CategoryPrice as PriceTerms
from app.domain.policy.price_terms import (
    FixedPrice,
    FormulaPrice,
    FromPrice,
    MoneyPrice,
    OnRequestPrice,
    RangePrice,
    TimePrice,
)
from app.domain.policy.reckoning import StepName
from app.views.decision import Decision, PolicyVersion
from app.views.shapes import Amount, Closed, Credits, Id, Inputs


class PriceStep(TypedDict):
    """One step of a price. The steps add up to the price."""

    step: Annotated[Annotated[StepName, Closed("PriceStepKind", "What makes a step of a price.")], "What makes it."]
    surcharge: Annotated[str | None, "The surcharge, where it is one; the policy names them."]
    credits: Annotated[Credits, "By how much it changes the price."]
    summary: Annotated[str, "The step in a sentence, with its clause."]
    clause: Annotated[str | None, "The clause that it rests on."]
    reading: Annotated[bool, "Whether it is our reading."]
    without: Annotated[Credits | None, "What the price would be without the surcharge."]
    would_change: Annotated[str | None, "What would have to be otherwise for it not to apply."]


class NotApplied(TypedDict):
    """A surcharge that does not apply to a price."""

    surcharge: Annotated[str, "Its name in the policy."]
    clause: Annotated[Id, "Its clause."]
    would_change: Annotated[str | None, "What would have to be so for it to apply."]


class CategoryPrice(TypedDict):
    """What a category costs, in credits."""

    kind: Annotated[
        Annotated[
            Literal["fixed", "range", "from", "formula", "on_request", "time", "money"],
            Closed("PriceKind", "How the price of a category is made."),
        ],
        "How the price is made.",
    ]
    credits: NotRequired[Annotated[Credits, "The price, where it is fixed; of a block, where it is by time."]]
    least: NotRequired[Annotated[Credits, "The least that it costs."]]
    most: NotRequired[Annotated[Credits, "The most that it costs."]]
    base: NotRequired[Annotated[Credits, "What a formula begins with."]]
    per: NotRequired[Annotated[Inputs, "What each input adds for each unit, by its name."]]
    amount: NotRequired[Annotated[Amount, "The price, where it is in money; the policy names the currency."]]
    per_minutes: NotRequired[Annotated[int, "Minutes of a block, where it is by time."]]
    free_minutes: NotRequired[Annotated[int, "Minutes of a ticket that cost nothing, where it is by time."]]
    rounded: NotRequired[
        Annotated[
            Annotated[Literal["line", "ticket"], Closed("TimeRounded", "What is rounded up to whole blocks of time.")],
            "What is rounded up to whole blocks, where it is by time.",
        ]
    ]
    up_to: NotRequired[Annotated[Credits | None, "What work may take without asking; null: no limit of the list."]]


class PriceMeans(TypedDict):
    """What a customer has for a price in credits."""

    available: Annotated[Credits, "Credits that may pay for it now."]
    overdraft_left: Annotated[Credits, "Credits that may be overdrawn for it."]
    limit_left: Annotated[Credits | None, "What the narrowest limit of who asks leaves; null without one."]
    decision: Annotated[Decision, "Whether they are enough."]


class Price(TypedDict):
    """What a category costs, by which clause."""

    policy: Annotated[PolicyVersion, "The policy that says so."]
    draft: Annotated[bool, "Whether it is a draft, whose version is the number that it would get."]
    category: Annotated[str, "The category."]
    inputs: Annotated[Inputs, "The inputs, by name."]
    credits: Annotated[Credits | None, "The price; null where an assessment sets it."]
    unit: Annotated[str | None, "The vendor's word for credits."]
    price: Annotated[CategoryPrice, "How the price is made."]
    least: Annotated[Credits | None, "The least that it costs."]
    most: Annotated[Credits | None, "The most that it costs."]
    outside_list: Annotated[bool, "Whether the credits that were named are not by the list."]
    needs_confirmation: Annotated[bool, "Whether the customer would have to confirm it."]
    level: Annotated[int | None, "The support level that it is of."]
    clause: Annotated[str | None, "The clause that it rests on."]
    reading: Annotated[bool, "Whether it is our reading."]
    steps: Annotated[Sequence[PriceStep], "How the price is made, where surcharges or work make it."]
    surviving: Annotated[Credits, "What of it stays charged when a cause returns the rest."]
    not_applied: Annotated[Sequence[NotApplied], "Surcharges that do not apply, with what would change it."]
    shown: Annotated[str | None, "The price as people write time, where a credit is time."]
    means: Annotated[
        PriceMeans | None, "What the customer that was named has for it, somebody new nothing; null without one."
    ]


class PolicyPriority(TypedDict):
    """A priority that a ticket may have."""

    priority: Annotated[str, "Its name."]
    title: Annotated[str, "Its name for people."]
    clause: Annotated[str | None, "The clause that it rests on."]
    reading: Annotated[bool, "Whether it is our reading."]


class PolicySurcharge(TypedDict):
    """What changes a price where its condition holds."""

    surcharge: Annotated[str, "Its name."]
    title: Annotated[str, "What it is for."]
    add: Annotated[Credits | None, "Credits that it adds."]
    times: Annotated[str | None, "What it multiplies by: a decimal."]
    survives_bug: Annotated[bool, "Whether it stays charged when a cause returns the rest."]
    clause: Annotated[str, "The clause that it rests on."]
    reading: Annotated[bool, "Whether it is our reading."]


class PolicyWorkKind(TypedDict):
    """A kind of work that a line of the work log may name."""

    kind: Annotated[str, "Its name."]
    title: Annotated[str, "Its name for people."]
    billable: Annotated[bool, "Whether such work is charged where the line does not say."]
    clause: Annotated[str | None, "The clause that it rests on."]
    reading: Annotated[bool, "Whether it is our reading."]


class NamedInPrices(TypedDict):
    """What a policy names for prices beside its categories."""

    priorities: Sequence[PolicyPriority]
    surcharges: Sequence[PolicySurcharge]
    work_kinds: Sequence[PolicyWorkKind]


def price_view(price: PriceTerms) -> CategoryPrice:
    """Return a category's price: its kind and its numbers, in credits."""
    match price:
        case FixedPrice():
            return {"kind": "fixed", "credits": price.credits}
        case RangePrice():
            return {"kind": "range", "least": price.least, "most": price.most}
        case FromPrice():
            return {"kind": "from", "least": price.least}
        case FormulaPrice():
            return {"kind": "formula", "base": price.base, "per": dict(price.per)}
        case TimePrice():
            return {
                "kind": "time",
                "credits": price.credits,
                "per_minutes": price.per_minutes,
                "least": price.least,
                "free_minutes": price.free_minutes,
                "rounded": price.rounded,
                "up_to": price.up_to,
            }
        case MoneyPrice():
            return {"kind": "money", "amount": price.amount}
        case OnRequestPrice():
            return {"kind": "on_request"}


def named_in_prices(policy: Policy, reading: Callable[[str | None], bool]) -> NamedInPrices:
    """Return every name that a caller may use, or is told, of how prices are made."""
    return {
        "priorities": [
            {"priority": rule.priority, "title": rule.title, "clause": rule.clause, "reading": reading(rule.clause)}
            for rule in policy.priorities
        ],
        "surcharges": [
            {
                "surcharge": rule.surcharge,
                "title": rule.title,
                "add": rule.add,
                "times": rule.times,
                "survives_bug": rule.survives_bug,
                "clause": rule.clause,
                "reading": rule.reading or reading(rule.clause),
            }
            for rule in policy.surcharges
        ],
        "work_kinds": [
            {
                "kind": rule.kind,
                "title": rule.title,
                "billable": rule.billable,
                "clause": rule.clause or policy.work.clause,
                "reading": reading(rule.clause or policy.work.clause),
            }
            for rule in policy.work.kinds
        ]
        if policy.work is not None
        else [],
    }
