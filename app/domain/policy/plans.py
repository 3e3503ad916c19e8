"""Plans: periods of cover that have a name and a rank. A plan may pay for tickets, or only open the gate to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from app.domain.policy.document import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportPlan:
    """A plan that offers sell by their grants of cover (``plan: gold``). Plans are listed with the lowest first."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    plan: str
    """The plan's name, which grants of cover and conditions say."""
    title: str
    clause: str
    includes: tuple[str, ...] | None = None
    """The other plans whose rights it has; left out: all that are listed before it."""
    pays: bool = True
    """``false``: tickets are paid in credits while it runs too; the plan only opens the gate to them."""
    reading: bool = False


def included(plans: tuple[SupportPlan, ...], name: str) -> tuple[str, ...]:
    """The plans whose rights a plan has, itself among them, the lowest first."""
    names = [plan.plan for plan in plans]
    if name not in names:
        return (name,)
    rule = plans[names.index(name)]
    others = names[: names.index(name)] if rule.includes is None else rule.includes
    return tuple(other for other in names if other == name or other in others)
