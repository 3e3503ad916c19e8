"""Why a command cannot have so many credits, and what would be enough."""

from __future__ import annotations

from datetime import datetime

from app.domain.orders.remedies import enough
from app.domain.policy.policy import Policy
from app.domain.policy.wording import shortage_words, unit_word
from app.domain.values.decision import Decision, Reason
from app.domain.values.errors import DomainError
from app.domain.values.phrase import phrased
from app.usecases.credits.credit_command import Kind


def with_reason(policy: Policy, error: DomainError, at: datetime, kind: Kind, category: str | None) -> DomainError:
    """Want of credits with its reason: what is missing and what would be enough (ALL-2), packs to buy among it."""
    if error.code != "insufficient_credits" or error.decision is not None:
        return error
    missing = error.facts["missing"]
    error.decision = Decision(
        allowed=False,
        at=at,
        policy=policy.policy,
        policy_version=policy.version,
        messages=policy.messages,
        translations=policy.translations,
        reasons=(
            Reason(
                code=error.code,
                clause="ALL-2",
                message=shortage_words(policy, error.facts["required"], error.facts["available"]),
                facts=dict(error.facts),
                reading=True,
                would_change=phrased("%(number)s more %(unit)s", number=missing, unit=unit_word(policy, missing)),
            ),
        ),
        remedies=() if kind == "adjust" else enough(policy, error.facts["credit_type"], missing, category),
    )
    return error
