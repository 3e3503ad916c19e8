"""Due times, warnings and delays by one calendar, and how a pause, a resumption and an opening move them.

At a pause r is kept, the time from there to the due time. At the resumption the due time is r later than that. Nothing
here changes: `app.domain.clocks.cycle` holds what happened, and asks.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from app.domain.calendar.timeline import SlaUnreachable, Timeline
from app.domain.clocks.event import FROZEN, ClockSpec, PauseRule, WarnShare
from app.domain.clocks.target import (
    At,
    BusinessDays,
    DayEdge,
    EachBusinessDay,
    SameDay,
    Target,
    due_s,
    runs_round_the_clock,
)


class Rest(NamedTuple):
    """A pause that has ended: ``[start, end)``, and what remained at it.

    ``left``: seconds, None where they follow from the due time (it lay before the pause, or the target changed).
    ``due``: the due time as it was then. ``calendar``: what it was resumed on. ``edition``: by which rules it was
    resumed.
    """

    start: int
    end: int
    left: int | None
    due: int | None
    calendar: Timeline
    edition: int


class Stretches(NamedTuple):
    """What a due time hangs on: counted from ``base``, in force ``since``, without the ``pauses``."""

    base: int
    since: int
    pauses: Sequence[Rest]


class Reckoning:
    """The arithmetic of one target on one calendar."""

    __slots__ = ("at_close", "by_windows", "calendar", "days", "fixed", "spec", "target", "wall")

    def __init__(self, spec: ClockSpec, calendar: Timeline, target: Target) -> None:
        """Takes a target; its kind is asked for at every event, so it is looked up once."""
        self.spec = spec
        self.calendar = calendar
        self.target = target
        self.wall = runs_round_the_clock(target)
        self.by_windows = isinstance(target, EachBusinessDay)
        self.fixed = isinstance(target, At)
        self.days = isinstance(target, BusinessDays | SameDay)
        self.at_close = isinstance(target, SameDay) or (self.days and target.edge is DayEdge.CLOSE)  # type: ignore[union-attr]

    def moved_by_pauses(self, base: int, pauses: Sequence[Rest]) -> int | None:
        """The due time from the base on, with each pause in turn."""
        due = due_s(self.calendar, self.target, base, self.spec.after_close)
        if due is None or self.fixed:
            return due
        ran: list[tuple[int, int]] = []
        at = base
        for pause in pauses:
            if pause.end <= base and pause.start < base:
                continue
            start = max(pause.start, base)
            ran.append((at, start))
            if pause.edition < FROZEN:
                due = self.resumed_once(due, start, pause.end)
            else:
                holds = pause.start >= base and self._same_hours(pause.calendar, ran)
                if holds and pause.left is not None and pause.due is not None:
                    due = self.resumed(pause.due, start, pause.end, pause.left)
                else:
                    due = self.resumed(due, start, pause.end, None)
            at = pause.end
        return due

    def left_at(self, due: int | None, second: int) -> int | None:
        """What remains at a second; None without a due time, or after it."""
        if due is None or self.by_windows or self.fixed or second > due:
            return None
        return self._counted(second, due)

    def resumed(self, due: int, start: int, end: int, left: int | None) -> int:
        """The due time after a pause of ``[start, end)`` at which ``left`` remained (None: until ``due``)."""
        if left is None:
            if start > due:
                return due
            left = self._counted(start, due)
        if self.wall:
            return end + left
        # Only a day's due time may lie later than its last second of work: at an opening, or in a break.
        if (
            (self.days or left == 0)
            and start <= due
            and self.calendar.between_s(start, end) == 0
            and self.calendar.between_s(start, due) == left
        ):
            return due
        if self.days and left == 0:
            opening = self.calendar.next_opening_s(end)
            if opening is None:
                raise SlaUnreachable(self.calendar.name)
            return self._snapped(opening, due)
        return self._snapped(self.calendar.add_left_s(end, left), due)

    def resumed_once(self, due: int, start: int, end: int) -> int:
        """As it was worked out before what remains was frozen: by the calendar of the resumption alone."""
        if start > due:
            return due
        if self.wall:
            return due + (end - start)
        moved = max(due, self.calendar.add_left_s(end, self.calendar.between_s(start, due)))
        return self._snapped(moved, due)

    def warning_at(self, rule: int, due: int, counts: Stretches, window: date | None) -> int | None:
        """When a warning falls: in hours, before the due time, once that is in force; None for never."""
        share = self.spec.warnings[rule]
        total = self._promised(due, counts, window)
        left = total - total * share.percent // 100 if isinstance(share, WarnShare) else share.seconds
        if left <= 0 or left >= total:
            return None
        try:
            at = due - left if self.wall else self.calendar.sub_s(due, left)
            if at < counts.since:
                # Moved into the past by a new target or a resumption: as soon as someone is there to be warned.
                at = counts.since if self.wall else self.calendar.add_right_s(counts.since, 0)
        except SlaUnreachable:
            return None
        return at if at < due else None

    def after_due(self, due: int, seconds: int, counts: Stretches) -> int | None:
        """So long after the due time, without the pauses since; None where the calendar never opens that much."""
        try:
            at = due + seconds if self.wall else self.calendar.add_left_s(due, seconds)
            for pause in () if self.fixed else counts.pauses:
                a, b = max(pause.start, due), pause.end
                if a < b and a <= at:
                    left = self._counted(a, at)
                    at = b + left if self.wall else self.calendar.add_left_s(b, left)
        except SlaUnreachable:
            return None
        return max(at, counts.since)

    def late(self, due: int, end: int, counts: Stretches) -> int:
        """By how much a due time is past at a second, without pauses since."""
        return self._counted(due, end) - self._paused(counts, due, end)

    def _counted(self, start: int, end: int) -> int:
        """The seconds that count between two: all of them, or those of business time."""
        return end - start if self.wall else self.calendar.between_s(start, end)

    def _paused(self, counts: Stretches, start: int, end: int) -> int:
        """The seconds of pauses between two that would have counted."""
        if self.fixed:
            return 0
        spans = ((max(pause.start, start), min(pause.end, end)) for pause in counts.pauses)
        return sum(self._counted(a, b) for a, b in spans if a < b)

    def _promised(self, due: int, counts: Stretches, window: date | None) -> int:
        """The time from the start to the due time, without pauses: what a share is a share of."""
        if self.by_windows and window is not None:
            return self.calendar.between_s(self.calendar.open_of_s(window), due)
        total = self._counted(counts.base, due)
        return total - self._paused(counts, counts.base, due)

    def _same_hours(self, other: Timeline, stretches: list[tuple[int, int]]) -> bool:
        """Whether another calendar says the same of the stretches that ran; for the wall clock any does."""
        if other is self.calendar or self.wall:
            return True
        return all(other.segments_s(a, b) == self.calendar.segments_s(a, b) for a, b in stretches)

    def _snapped(self, moved: int, due: int) -> int:
        """Where the policy says so, "close of a business day" is that day's close again."""
        if self.spec.pause_rule is PauseRule.FREEZE_SNAP and moved > due and self.at_close:
            # The second before belongs to the date whose close this is, also where it closes at midnight.
            on = self.calendar.business_date_s(moved - 1)
            span = self.calendar.date_span_s(on)
            return moved if span is None else max(moved, span[1])
        return moved
