"""The words of SLA clocks: what a clock promises (`ClockSpec`) and what happens to it (`ClockEvent`).

Events are append-only. Each has two times: ``occurred_at``, when it was so, and ``recorded_at``, when we learnt of
it. A mistake is never edited; a ``correct`` event takes another one back or moves it.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from app.domain.calendar.timeline import to_s
from app.domain.clocks.target import AfterClose, Target
from app.domain.policy.service_levels import SERVICE_HOURS


class Party(enum.StrEnum):
    """Who is waited for. ``none``: nobody, e.g. delay beyond reasonable control (TERMS-25)."""

    VENDOR = "vendor"
    CUSTOMER = "customer"
    THIRD_PARTY = "third_party"
    NONE = "none"


class PauseRule(enum.StrEnum):
    """What a pause does: freezes what remains, or also snaps "close of a business day" to that day's close again."""

    FREEZE = "freeze"
    FREEZE_SNAP = "freeze_snap"


class Phase(enum.StrEnum):
    """Where a clock stands. Being outside hours is not a phase; see ``ClockState.ticking``."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class Outcome(enum.StrEnum):
    """How the present cycle stands. ``breached`` is sticky and does not stop the clock."""

    OPEN = "open"
    MET = "met"
    BREACHED = "breached"


class EventKind(enum.StrEnum):
    """What can happen to a clock."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    CANCEL = "cancel"
    RESPONSE = "response"
    RETARGET = "retarget"
    CALENDAR_CHANGED = "calendar_changed"
    TZDB_CHANGED = "tzdb_changed"
    CORRECT = "correct"
    REOPEN = "reopen"
    REJUDGE = "rejudge"


FROZEN: Final = 2
"""The edition of an event from which on a pause freezes what remains, and a corrected calendar takes breaches back."""

TRANSITIONS: Final[dict[tuple[Phase, EventKind], Phase]] = {
    (Phase.PENDING, EventKind.START): Phase.RUNNING,
    (Phase.PENDING, EventKind.CANCEL): Phase.CANCELLED,
    (Phase.RUNNING, EventKind.PAUSE): Phase.PAUSED,
    (Phase.RUNNING, EventKind.STOP): Phase.STOPPED,
    (Phase.RUNNING, EventKind.CANCEL): Phase.CANCELLED,
    (Phase.PAUSED, EventKind.RESUME): Phase.RUNNING,
    (Phase.PAUSED, EventKind.STOP): Phase.STOPPED,
    (Phase.PAUSED, EventKind.CANCEL): Phase.CANCELLED,
    (Phase.STOPPED, EventKind.REOPEN): Phase.RUNNING,
    (Phase.CANCELLED, EventKind.REOPEN): Phase.RUNNING,
}
"""The lifecycle.

A pair that is absent changes no phase. Pauses are a set of reasons. A resumption ends the phase only when it takes the
last reason. A clock that is started while a reason stands is paused at once.
"""


@dataclass(frozen=True, slots=True)
class WarnShare:
    """Warn when so many percent (1..99) of the promised time have been used; pauses do not count."""

    percent: int

    def __post_init__(self) -> None:
        if not 1 <= self.percent <= 99:
            raise ValueError(f"a warning's share is 1..99 percent, got {self.percent}")


@dataclass(frozen=True, slots=True)
class WarnBefore:
    """Warn so many business seconds before the due time (wall seconds for a wall target)."""

    seconds: int

    def __post_init__(self) -> None:
        if self.seconds < 1:
            raise ValueError(f"a warning comes at least one second before, got {self.seconds}")


WarnRule = WarnShare | WarnBefore


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSpec:
    """What a clock promises. ``owing``: whose time runs while it runs (customer-owed: access, confirmation; CSC-9).

    ``grace_seconds`` delays only the sweep's judgement, for events that arrive late; due times stay as they are.
    ``late_response_counts``: a response after the close counts for the next business date (TERMS-6), else for none.
    ``resume_date_owed``: whether the date is owed on which a pause ends before its close. A date that is paused at its
    close never is.
    """

    milestone: str
    target: Target
    warnings: tuple[WarnRule, ...] = ()
    reminders: tuple[int, ...] = ()
    """Levels of reminding after a breach: so many business seconds (wall seconds for a wall target) after it."""
    owing: Party = Party.VENDOR
    calendar: str = SERVICE_HOURS
    pause_rule: PauseRule = PauseRule.FREEZE
    after_close: AfterClose = AfterClose.SAME_DATE
    grace_seconds: int = 0
    late_response_counts: bool = True
    resume_date_owed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEvent:
    """One fact about a clock. ``seq`` is unique within the clock and breaks ties of ``occurred_at``.

    ``reason`` and ``party`` belong to ``pause``; ``resume`` without a reason ends them all. ``target`` belongs to
    ``retarget``, and may stand in ``start`` and ``reopen``. ``corrects`` (a ``seq``) belongs to ``correct``, which
    takes that event back, or moves it to ``corrected_occurred_at``. ``calendar_revision`` and ``tzdb_version`` are
    provenance of any event. ``edition``: the rules by which the event is folded. Older judgements stay as they were. A
    ``rejudge`` event brings the whole clock to the present rules.
    """

    seq: int
    kind: EventKind
    occurred_at: datetime
    recorded_at: datetime
    reason: str | None = None
    party: Party = Party.NONE
    target: Target | None = None
    corrects: int | None = None
    corrected_occurred_at: datetime | None = None
    calendar_revision: int | None = None
    tzdb_version: str | None = None
    edition: int = FROZEN


@dataclass(frozen=True, slots=True)
class Pause:
    """One reason for waiting: ``[since, until)``, ``until`` None while it stands."""

    reason: str
    party: Party
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise not kept. ``at``: the due time, or the later instant at which that due time came into force."""

    cycle: int
    window_date: date | None
    due_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class WarningMark:
    """A warning of rule number ``rule`` (from 0): ``fired`` by now, or expected at ``at`` if nothing changes."""

    cycle: int
    window_date: date | None
    rule: int
    at: datetime
    fired: bool


@dataclass(frozen=True, slots=True)
class CycleEnd:
    """How a cycle ended: ``due_at`` as it stood at the stop, None where nothing was promised or owed any more."""

    cycle: int
    outcome: Outcome
    stopped_at: datetime
    due_at: datetime | None


class WindowState(enum.StrEnum):
    """What became of one business date's window."""

    COVERED = "covered"
    MISSED = "missed"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True)
class Window:
    """One owed business date. ``at``: the response that covers it; else its close."""

    cycle: int
    window_date: date
    closes_at: datetime
    state: WindowState
    at: datetime


@dataclass(frozen=True, slots=True)
class TimeLedger:
    """Seconds by responsibility, over all cycles. ``wall_seconds`` is exactly the sum of the other five.

    Time outside hours is ``closed`` whoever is waited for. Time within hours belongs to the party that owes, or to the
    party of the pause that has stood longest.
    """

    closed_seconds: int = 0
    vendor_seconds: int = 0
    customer_seconds: int = 0
    third_party_seconds: int = 0
    none_seconds: int = 0

    @property
    def wall_seconds(self) -> int:
        """Seconds of the wall clock while the clock ran or was paused."""
        return (
            self.closed_seconds
            + self.vendor_seconds
            + self.customer_seconds
            + self.third_party_seconds
            + self.none_seconds
        )


def in_force(events: Iterable[ClockEvent]) -> list[ClockEvent]:
    """Events after corrections, in the order of what happened: by second, then ``seq``; any order in, the same out."""
    return [event for _, _, event in by_second(events)]


def by_second(events: Iterable[ClockEvent]) -> list[tuple[int, int, ClockEvent]]:
    """As `in_force`, each after its second and its ``seq``.

    A ``correct`` event holds as soon as it is known, whenever it is said to have occurred. One that is itself taken
    back does not hold. The later of two corrections of one event wins.
    """
    by_seq = {event.seq: event for event in events}
    if any([event.kind is EventKind.CORRECT for event in by_seq.values()]):  # noqa: C419 - twice as fast as lazily
        _correct(by_seq)
    # ``seq`` is unique, so that two events are never compared.
    return sorted([(to_s(event.occurred_at), seq, event) for seq, event in by_seq.items()])


def _correct(by_seq: dict[int, ClockEvent]) -> None:
    moved: set[int] = set()
    for seq in sorted(by_seq, reverse=True):
        correction = by_seq.get(seq)
        if correction is None or correction.kind is not EventKind.CORRECT or correction.corrects is None:
            continue
        aimed = by_seq.get(correction.corrects)
        if aimed is None or aimed.seq >= seq or aimed.seq in moved:
            continue
        if correction.corrected_occurred_at is None:
            del by_seq[aimed.seq]
        elif aimed.kind is not EventKind.CORRECT:
            by_seq[aimed.seq] = replace(aimed, occurred_at=correction.corrected_occurred_at)
            moved.add(aimed.seq)
