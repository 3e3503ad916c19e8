"""What holds while a ticket is worked on: access, pauses, silence, reopening, disputes, late facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from app.domain.policy.document import STRICT
from app.domain.values.term import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Access the customer owes. ``deadline``: a target in service hours, e.g. ``business_days:3:close``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    kinds: tuple[str, ...]
    """The kinds of access that may be asked for, such as ``ftp``."""
    deadline: str
    """A target in service hours by which access is owed, such as ``business_days:3:close``."""
    outcome: str
    """The outcome with which the ticket ends when access does not come."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """Reopening the same issue: within ``window`` of the resolution without a second charge; after it refused."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    window: Term
    """How long after the resolution the same issue may go on without a second charge."""
    clause: str
    reading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputes:
    """The vendor reconsiders a charge (XC-12)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    window: Term | None = None
    """How long after the resolution a charge may be contested; left out: for ever."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFacts:
    """How long after it happened a thing may still be told; None: for ever. ``opened_within``: of a ticket's opening.

    Clocks and cover are judged as of when it happened. Credits move when it is told and are never replayed.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    within: Term | None = None
    """How long after it happened a thing may be stated; left out: for ever."""
    opened_within: Term | None = None
    """How long ago a ticket that is recorded now may have been opened; left out: for ever."""
    clause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What happens when the customer is waited for and does not answer.

    ``after``: a target in service hours, e.g. ``business_days:5:close``, counted from the pause. The pause ends then.
    The vendor gets a ``reminder``, or the ticket is ``resolved`` with the ``outcome`` that stands for silence.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    after: str
    """A target in service hours, counted from the pause, such as ``business_days:5:close``."""
    then: Literal["reminder", "resolved"] = "reminder"
    """What happens: the vendor is reminded, or the ticket is resolved."""
    outcome: str | None = None
    """The outcome of the ticket that is resolved so."""
    clause: str | None = None
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseReason:
    """A reason for which vendor clocks stop; ``party``: who is waited for.

    ``ends_with_answer``: the customer's answer ends it, where the customer is waited for. The waits for consent
    (CSC-9) and for access (TERMS-8) are none of these.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    reason: str
    """The reason's name, which a pause states."""
    party: Literal["vendor", "customer", "third_party", "none"]
    """Who is waited for."""
    clause: str | None = None
    ends_with_answer: bool = True
    """Whether an answer of the customer ends the pause, where the customer is waited for."""
    silence: Silence | None = None
    """What happens when the customer does not answer; left out: the pause goes on."""
