"""What stands in a ticket's lists: quotes, messages, requests for access, pauses, disputes, milestones."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from app.domain.clocks.event import Party
from app.domain.values.agent import Agent

AssessmentStatus = Literal["in_force", "awaiting_confirmation", "awaiting_credits", "pending", "superseded", "declined"]
CheckOutcome = Literal["passed", "failed", "unknown", "not_applicable"]
OnFail = Literal["reject", "recommend"]
PauseEnd = Literal["answer", "until", "silence"]
PaidBy = Literal["credits", "cover", "nobody"]


class Assessment(TypedDict):
    """A quote in the numbered history. ``credits``: its price; ``list_credits``: by the list, None by quote only."""

    number: int
    category: str | None
    inputs: dict[str, int]
    credits: int
    list_credits: int | None
    status: AssessmentStatus
    reason: str | None
    outside_list: bool
    clause: str | None
    reading: bool
    at: str
    by: str | None
    decided_at: str | None
    steps: NotRequired[list[dict[str, Any]]]
    """How the price is made; absent where the list's number is the price."""
    surviving: NotRequired[int]
    """What of it stays charged when a cause returns the rest."""
    up_to: NotRequired[int | None]
    """What the work may take by it; ``credits`` is what the work took."""
    acting_agent: NotRequired[Agent]


class Response(TypedDict):
    """A message on the ticket, as far as promises and charges care."""

    number: int
    author: Literal["vendor", "customer"]
    kind: Literal["service", "inquiry"]
    public: bool
    automatic: NotRequired[bool]
    """Sent by a machine: it meets no promise and answers nothing."""
    occurred_at: str
    recorded_at: str
    by: str | None
    acting_agent: NotRequired[Agent]


class AccessRequest(TypedDict):
    """Access the customer owes (TERMS-8)."""

    number: int
    kinds: list[str]
    deadline_at: str | None
    """None: the calendar opens no more, so that nothing falls due."""
    requested_at: str
    granted_at: str | None
    missed_at: str | None
    cancelled_at: str | None
    """The ticket ended before the deadline."""
    acting_agent: NotRequired[Agent]


class Pause(TypedDict):
    """A stretch in which vendor clocks stand."""

    number: int
    reason: str
    party: Party
    clause: str | None
    started_at: str
    ended_at: str | None
    until: NotRequired[str | None]
    """When it ends by itself."""
    silent_at: NotRequired[str | None]
    """When the customer's silence has its consequence."""
    ended_by: NotRequired[PauseEnd | None]
    """``answer``, ``until`` or ``silence``, where nobody ended it."""
    acting_agent: NotRequired[Agent]


class Dispute(TypedDict):
    """A charge the customer thinks wrong (XC-12)."""

    number: int
    reason: str | None
    clause: str
    opened_at: str
    charge: int
    decision: Literal["upheld", "reduced", "returned"] | None
    credits: int | None
    returned: int
    forfeited: NotRequired[int]
    """Credits that the decision gave back and that were gone at once: their lot had expired (ALL-4)."""
    cause: NotRequired[str | None]
    reasons: NotRequired[list[dict[str, Any]]]
    decided_at: str | None
    by: str | None
    acting_agent: NotRequired[Agent]


class CauseCorrection(TypedDict):
    """What the problem turned out to be after all, and the credits that moved for it."""

    number: int
    cause: str
    previous_cause: str | None
    reason: str
    clause: str | None
    returned: int
    forfeited: int
    captured: int
    not_captured: int
    """Credits of the charge that were not there to be taken again."""
    at: str
    by: str | None
    acting_agent: NotRequired[Agent]


class ReachedMilestone(TypedDict):
    """A milestone that the helpdesk says is reached."""

    number: int
    milestone: str
    at: str
    by: str | None
    acting_agent: NotRequired[Agent]
