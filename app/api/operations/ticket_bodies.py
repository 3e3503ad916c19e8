"""What the helpdesk sends of a ticket: one body for each operation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.api.fields import (
    Body,
    Credits,
    CreditsOrZero,
    ExternalId,
    Facts,
    Flag,
    Inputs,
    Instant,
    Link,
    LongText,
    ShortText,
    Subject,
)
from app.api.operations.acting import ActingBody


class TicketBody(ActingBody):
    """What the helpdesk says of a new ticket; what it leaves out is unknown and asked for where it matters."""

    customer_id: ExternalId
    subject: Subject = ""
    channel: ShortText | None = Field(default=None, examples=["helpdesk"])
    language: ShortText | None = Field(default=None, examples=["en"])
    license_id: ExternalId | None = None
    product: ShortText | None = None
    facts: Facts = Field(default_factory=dict)
    category: ShortText | None = None
    inputs: Inputs = Field(default_factory=dict)
    agreed_up_to: Credits | None = None
    pay_with: ShortText | None = Field(default=None, examples=["credits"])
    credit_type: ShortText | None = None
    opened_at: Instant | None = None
    opened_by: Literal["customer", "vendor"] = "customer"
    external_url: Link | None = None
    priority: ShortText | None = Field(default=None, examples=[None])
    requester: ShortText | None = Field(default=None, examples=["ann@acme.example"])
    metadata: Facts = Field(default_factory=dict, examples=[{"queue": "blue"}])


class DetailsBody(ActingBody):
    """What was missing or asked for."""

    facts: Facts = Field(default_factory=dict)
    category: ShortText | None = None
    inputs: Inputs | None = None
    pay_with: ShortText | None = None
    license_id: ExternalId | None = None
    agreed_up_to: Credits | None = None
    external_url: Link | None = None
    priority: ShortText | None = Field(default=None, examples=[None])
    requester: ShortText | None = None
    metadata: Facts | None = None


class QualificationBody(ActingBody):
    """An agent's decision; codes are the policy's grounds."""

    decision: Literal["accept", "reject"]
    reasons: list[ShortText] = Field(default_factory=list, max_length=50)
    note: LongText | None = None
    occurred_at: Instant | None = None


class AssessmentBody(ActingBody):
    """A quote. ``credits`` where the list names none, or with a ``reason`` outside the list."""

    category: ShortText | None = None
    inputs: Inputs = Field(default_factory=dict)
    credits: CreditsOrZero | None = None
    reason: LongText | None = None
    occurred_at: Instant | None = None


class ConfirmationBody(ActingBody):
    """The customer's answer to a quote."""

    accept: Flag


class ResponseBody(ActingBody):
    """A message on the ticket. ``automatic``: sent by a machine; it meets no promise and answers nothing."""

    author: Literal["vendor", "customer"]
    kind: Literal["service", "inquiry"] = "inquiry"
    public: Flag = True
    automatic: Flag = False
    occurred_at: Instant | None = None


class AccessBody(ActingBody):
    """The access that is needed, and by when."""

    kinds: list[ShortText] = Field(min_length=1, max_length=20, examples=[["ftp", "admin"]])
    deadline_at: Instant | None = None


class MilestoneBody(ActingBody):
    """A milestone of the policy's own, and when it was reached."""

    milestone: ShortText = Field(examples=["workaround"])
    occurred_at: Instant | None = None


class PauseBody(ActingBody):
    """Why vendor clocks stand, and who is waited for. ``until``: it ends by itself then."""

    reason: ShortText
    party: ShortText | None = None
    until: Instant | None = None
    occurred_at: Instant | None = None


class ResumeBody(ActingBody):
    """Which reason is gone; none: all of them."""

    reason: ShortText | None = None
    party: ShortText | None = None
    occurred_at: Instant | None = None


class OccurredBody(ActingBody):
    """When it happened, where it is told late."""

    occurred_at: Instant | None = None


class CreditResponse(Body):
    """The response that brings a credit."""

    author: Literal["vendor", "customer"] = "customer"
    kind: Literal["service", "inquiry"] = "inquiry"
    public: Flag = True
    occurred_at: Instant | None = None


class CreditBody(ActingBody):
    """A credit for an open ticket."""

    credit_type: ShortText
    response: CreditResponse | None = None


class SplitBody(ActingBody):
    """The new ticket."""

    ticket_id: ExternalId
    subject: Subject = ""


class WorkBody(ActingBody):
    """A line of work. ``occurred_at`` is its begin, now unless given; ``corrects`` is the line it takes the place of.

    What a correction leaves out is as in the line that it corrects; ``minutes`` of 0 takes the line away.
    """

    minutes: Annotated[int, Field(strict=True, ge=0, le=10_080, examples=[50])]
    kind: ShortText | None = Field(default=None, examples=[None])
    billable: Flag | None = None
    note: LongText | None = None
    occurred_at: Instant | None = None
    corrects: Annotated[int, Field(strict=True, ge=1)] | None = Field(default=None, examples=[None])


class TicketMergeBody(ActingBody):
    """The ticket that this one is the same issue as."""

    into_ticket_id: ExternalId


class ResolutionBody(ActingBody):
    """How it ended. ``result`` records facts found, such as ``hosting_certified``."""

    outcome: ShortText | None = None
    cause: ShortText | None = None
    result: Facts = Field(default_factory=dict)
    occurred_at: Instant | None = None


class ReopeningBody(ActingBody):
    """Why it is the same issue again; optional."""

    reason: LongText | None = None


class DisputeBody(ActingBody):
    """Why the charge is thought wrong."""

    reason: LongText | None = None


class DisputeDecisionBody(ActingBody):
    """``credits`` is the new charge, below the old one."""

    decision: Literal["upheld", "reduced", "returned"]
    credits: CreditsOrZero | None = None
    cause: ShortText | None = Field(default=None, examples=["settings"])


class CauseBody(ActingBody):
    """What the problem really was, and how that became known."""

    cause: ShortText = Field(examples=["software_bug"])
    reason: Annotated[LongText, StringConstraints(min_length=1)] = Field(examples=["Found in release 4.2"])
