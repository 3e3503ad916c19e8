"""Health as published: whether a process answers, and whether it can serve calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from typing_extensions import TypedDict

from app.views.shapes import Closed

HealthStatus = Annotated[Literal["ok"], Closed("HealthStatus", "How a process does, where it does well.")]


class Liveness(TypedDict):
    """That a process answers."""

    status: Annotated[HealthStatus, "How it does."]


class HealthWarning(TypedDict):
    """Something that keeps no call from being served and should be looked at."""

    check: Annotated[Annotated[Literal["clock"], Closed("HealthCheck", "What was looked at.")], "What it is."]
    detail: Annotated[str, "What was found, and what to do about it."]


class Readiness(TypedDict):
    """That calls can be served."""

    status: Annotated[HealthStatus, "How it does."]
    warnings: Annotated[Sequence[HealthWarning], "What should be looked at; none as a rule."]


def readiness_view(clocks_differ: str | None, fix: str) -> Readiness:
    """Return how a process that can serve does. ``clocks_differ``: by how much its clock is wrong, in words."""
    if clocks_differ is None:
        return {"status": "ok", "warnings": []}
    detail = f"This host's and the database's {clocks_differ}. {fix}"
    return {"status": "ok", "warnings": [{"check": "clock", "detail": detail}]}
