"""Bodies as the first edition's digests cover them: with the defaults of the optional members of that time.

Rows of that time keep replaying by this form (`app.domain.values.digests`). A later member is covered only where it is
given. Nothing is added here: today's digests leave every default out.
"""

from __future__ import annotations

from typing import Any, Final

from app.api.fields import Body

_OPTIONAL: Final[dict[str, str]] = {
    "AssessmentBody": "category inputs credits reason",
    "CalendarVersionBody": "weekly_hours exceptions closure_rules correction reason",
    "CoverPauseBody": "reason",
    "CreditBody": "response",
    "CreditResponse": "author kind public occurred_at",
    "AccessBody": "deadline_at",
    "DetailsBody": "facts category inputs pay_with license_id agreed_up_to",
    "DisputeBody": "reason",
    "DisputeDecisionBody": "credits",
    "ExceptionBody": "name source hours",
    "LotRefundBody": "override reason",
    "PauseBody": "party",
    "PolicyVersionBody": "effective_from",
    "QualificationBody": "reasons note",
    "ResolutionBody": "outcome cause result",
    "ResponseBody": "kind public occurred_at",
    "ResumeBody": "reason party",
    "TerminationBody": "effective_at",
}
"""Name of a body -> its optional members that were always covered."""


def first_form(body: Body) -> dict[str, Any]:
    """Return a body's members as the first edition covered them."""
    covered = _OPTIONAL.get(type(body).__name__, "").split()
    content = body.content()
    return {name: _first(getattr(body, name)) for name in type(body).model_fields if name in content or name in covered}


def _first(value: Any) -> Any:
    if isinstance(value, Body):
        return first_form(value)
    if isinstance(value, list):
        return [_first(item) for item in value]
    return value
