"""Say what was refused, whichever kind of refusal it is: for doors that are no REST and no GraphQL."""

from __future__ import annotations

import logging
from typing import Any

from app.api.problems import Problem, body_of, body_of_error
from app.domain.values.errors import DomainError
from app.usecases.commands import Busy, Unavailable

_log = logging.getLogger("retainer")
REFUSALS = (Problem, DomainError, Unavailable)
"""What an operation may raise."""


def problem_of(refusal: Exception) -> dict[str, Any]:
    """Return the members of a refusal, as the other doors answer them."""
    if isinstance(refusal, Problem):
        return body_of(refusal.code, refusal.detail, errors=refusal.errors, **refusal.extra)
    if isinstance(refusal, DomainError):
        return body_of_error(refusal)
    assert isinstance(refusal, Unavailable)  # noqa: S101 - nothing else is caught
    _log.warning("unavailable", extra={"cause": refusal.cause})
    return body_of(
        "outcome_unknown" if refusal.outcome_unknown else "busy" if isinstance(refusal, Busy) else "unavailable"
    )
