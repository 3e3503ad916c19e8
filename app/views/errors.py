"""Refusals as published (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from app.views.decision import PolicyVersion, Reason, Remedy

_In = TypedDict("_In", {"in": Annotated[str, "Where the field is: `body`, `query`, `path` or `header`."]})


class FieldProblem(_In):
    """A wrong field: where it is, and what is wanted."""

    pointer: Annotated[str, "A JSON pointer to the field."]
    code: Annotated[str, "The stable code of what is wrong."]
    message: Annotated[str, "What is wanted."]


class Problem(TypedDict):
    """A request that cannot be carried out. `code` is stable; `next_step` says what to do."""

    type: Annotated[str, "Where its cause and next step are explained."]
    title: Annotated[str, "What it is, in a few words."]
    status: Annotated[int, "The HTTP status."]
    code: Annotated[str, "The stable code."]
    detail: Annotated[str, "What happened here."]
    next_step: Annotated[str, "What to do."]
    instance: NotRequired[Annotated[str, "The request that it is about."]]
    reasons: NotRequired[Annotated[Sequence[Reason], "Every reason of the policy."]]
    remedies: NotRequired[Annotated[Sequence[Remedy], "What the customer can do about it."]]
    policy: NotRequired[Annotated[PolicyVersion, "The policy that decided."]]
    errors: NotRequired[Annotated[Sequence[FieldProblem], "The fields that are wrong."]]
    facts: NotRequired[Annotated[dict[str, Any], "The facts of the refusal, by name."]]
    scope: NotRequired[Annotated[str, "The scope that the key lacks."]]
    address: NotRequired[Annotated[str, "Where the tenant lives now."]]
