"""Licenses and periods of support: how they count, renew and remind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from app.domain.policy.document import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseRules:
    """How licenses are counted where a grant depends on it (CSC-2, XC-3).

    ``refunded_untouched``: how a license refunded with its grant untouched counts for later purchases. ``left_out`` of
    the count, or ``counted`` like any other. A standing license keeps its class either way.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    refunded_untouched: Literal["left_out", "counted"] = "left_out"
    """Whether a license refunded with its grant untouched counts for what is bought later."""
    clause: str | None = None
    reading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Cover bought up to ``within`` days after the end of other cover goes on from that end. It keeps its date."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    within: int = 0
    """Days after the end of cover within which a purchase still counts as a renewal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverRules:
    """Suspension (CSC-5) and extension (CACTU-8) of covers, reminders before the end (CACTU-13), and when it ends.

    Without the last three, a term ends to the instant. A renewal after it leaves a gap (ALL-1, CACTU-14).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    suspensions: int = 0
    """How often a period may be suspended; 0: not offered."""
    suspended_time: Literal["stands", "runs_on"] = "stands"
    """``stands``: the end moves by the time suspended; ``runs_on``: it does not, and credits come as ever."""
    suspension_clause: str | None = None
    """The clause by which a period is suspended and resumed, or is not."""
    free_extension: bool = False
    """Whether cover may be extended without an order."""
    extension_clause: str | None = None
    """The clause by which cover is extended, or is not."""
    extension_reading: bool | None = None
    """Whether refusing an extension is a reading; None: as ``reading`` says of the rest."""
    reminder_days: tuple[int, ...] = ()
    """Days before the end at which ``cover.ending`` is sent; empty: never."""
    reminder_clause: str | None = None
    """The clause that promises these reminders."""
    queue: Literal["free_first", "oldest_first"] = "free_first"
    """Which of several pending periods starts next: what came free before what was bought, or the oldest."""
    end_of_day: str | None = None
    """A zone: the last day of a term counts whole there, whatever the hour of the order."""
    grace: int = 0
    """Days after its end in which cover still serves; a renewal counts from the end itself."""
    renewal: Renewal | None = None
    """Cover bought shortly after an end goes on from that end; left out: it begins anew."""
    reading: bool = False
    """``true``: the rules of suspension and extension are our reading."""
