"""A line of the work log, as a ticket keeps it: who worked, when, and for how long. It never changes.

What a line costs is not kept in it: the price follows from all lines together (`app.domain.policy.work_time`).
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class WorkPart(TypedDict):
    """A stretch of a line for which the same surcharges hold: in hours, or after hours."""

    begin: str
    seconds: int
    surcharges: list[str]


class AgentName(TypedDict):
    """A person of the vendor."""

    id: str
    name: NotRequired[str | None]


class WorkLine(TypedDict):
    """Work as it was logged. ``corrects``: the number of the line that it takes the place of."""

    number: int
    minutes: int
    kind: str | None
    billable: bool
    note: str | None
    occurred_at: str
    """When the work began."""
    recorded_at: str
    by: str | None
    agent: NotRequired[AgentName | None]
    corrects: int | None
    parts: list[WorkPart]
    adds: list[str]
    """Surcharges that are added for the line as a whole."""
