"""Entitlements as published: what a customer may do."""

from __future__ import annotations

from typing import Annotated, cast

from typing_extensions import TypedDict

from app.domain.values import decision as values
from app.views.decision import Decision, decision_view
from app.views.shapes import Id


class _Asked(TypedDict):
    customer_id: Annotated[Id, "The customer."]
    action: Annotated[str, "What is asked about; the policy names the actions."]


class Entitlement(_Asked, Decision):
    """What a customer may do, decided by the policy."""


def entitlement_view(customer_id: str, action: str, decision: values.Decision, *, explain: bool) -> Entitlement:
    """Return a decision about an action; ``explain`` adds every rule looked at."""
    shown = {"customer_id": customer_id, "action": action, **decision_view(decision, explain=explain)}
    return cast(Entitlement, shown)
