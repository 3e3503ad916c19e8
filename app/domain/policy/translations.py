"""What a policy says to customers beside its reasons, by name: titles, clauses, notices, labels, words for a credit.

A translation names a text by what it belongs to: ``offers.license``, ``clauses.ACME-1``, ``remedies.buy``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.domain.policy.policy import Policy
from app.domain.policy.ticket_rules import RemedyRule

UNIT: Final = ("unit.title", "unit.one", "unit.few", "unit.many")
"""What a credit is called: as the head of a column, for one, and for the other numbers of the language."""


def with_title(texts: Mapping[str, str], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the facts of a reason with the title of what it asks for as these texts say it, where they do."""
    name = str(facts.get("fact", ""))
    title = texts.get(name if name.startswith("inputs.") else f"facts.{name}")
    return facts if title is None or "title" not in facts else {**facts, "title": title}


def texts_of(policy: Policy) -> dict[str, str]:
    """Return each text of a policy that can be translated, by its name; the unit's further forms as the many."""
    found = {f"offers.{offer.sku}": offer.title for offer in policy.offers}
    found |= {f"categories.{category.category}": category.title for category in policy.categories}
    found |= {f"inputs.{part.name}": part.title for category in policy.categories for part in category.inputs}
    found |= {f"causes.{cause.cause}": cause.title for cause in policy.causes}
    found |= {f"outcomes.{outcome.outcome}": outcome.title for outcome in policy.outcomes}
    found |= {f"facts.{fact.fact}": fact.title for fact in policy.facts}
    found |= {f"actions.{action.action}": action.title for action in policy.actions}
    found |= {f"plans.{plan.plan}": plan.title for plan in policy.plans}
    found |= {f"clauses.{clause.id}": clause.text for clause in policy.clauses}
    found |= {f"notices.{notice.notice}": notice.text for notice in policy.notices}
    labels = policy.labels.items()
    found |= {f"labels.{name}": label if isinstance(label, str) else label.text for name, label in labels}
    types = policy.credits.types if policy.credits else ()
    found |= {f"credit_types.{kind.credit_type}": kind.title for kind in types}
    found |= {f"remedies.{rule.kind}": rule.text for rule in _remedies(policy) if rule.text is not None}
    if policy.unit is not None:
        found |= {name: policy.unit.one if name == "unit.one" else policy.unit.many for name in UNIT}
    return found


def _remedies(part: Any) -> Iterator[RemedyRule]:
    if isinstance(part, RemedyRule):
        yield part
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            yield from _remedies(getattr(part, field.name))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _remedies(value)
    elif isinstance(part, tuple | list):
        for value in part:
            yield from _remedies(value)
