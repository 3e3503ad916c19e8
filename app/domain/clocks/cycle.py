"""One cycle of a clock against its target: due time, pauses, warnings, windows, breaches.

Three shapes share the work: a single due time, windows of business dates (``each_business_day``), and a rolling
cadence. A response starts the cadence anew. A due time is always worked out afresh from the anchor and the pauses. So
retargeting forgets nothing, and a new calendar moves exactly what it touches.

The pause rule holds for all of them. At a pause r is kept, the time from there to the due time. At the resumption the
due time is r later than that, whatever was published meanwhile. Only a correction of hours that ran before the pause
works r out anew. A pause without a second of work leaves the due time as it was. Pauses after the due time move
nothing.
"""

from dataclasses import replace
from datetime import date
from typing import Final

from app.domain.calendar.timeline import ONE_DAY, SlaUnreachable, Timeline, from_s, to_s
from app.domain.clocks.event import FROZEN, Breach, ClockSpec, WarningMark, Window, WindowState
from app.domain.clocks.reckoning import Reckoning, Rest, Stretches
from app.domain.clocks.target import NoTarget, Rolling, Target

_MAX_WINDOWS: Final = 10_000
"""Forty years of business dates: a bound for the loop, not a limit anyone meets."""


class Progress:
    """The state of one cycle. Mutable; owned by one fold."""

    def __init__(self, spec: ClockSpec, calendar: Timeline, target: Target, *, cycle: int) -> None:
        self.spec = spec
        self.calendar = calendar
        self.aim(target)
        self.cycle = cycle
        self.anchor: int | None = None
        self.consumed = 0
        self.breaches: list[Breach] = []
        self.warned: list[WarningMark] = []
        self.reminded: list[WarningMark] = []
        self.windows: list[Window] = []
        self.stopped_at: int | None = None
        # Single due times and the rolling cadence: counted from ``base`` (the anchor or the last response).
        self.base = 0
        self.due: int | None = None
        self.since = 0  # when the present due time came into force
        self.breached_now = False
        self.never = False  # the calendar does not open enough any more: nothing falls due until another one does
        self.paused_at: int | None = None
        self.left: int | None = None  # what remained at the pause that stands
        self.paused_on = calendar
        self.pauses: list[Rest] = []
        # Windows: the last date done with, the first business date not yet closed, and the dates that have a response.
        self.handled: date | None = None
        self.window: date | None = None
        self.covered: set[date] = set()
        self._marks: tuple[object, list[tuple[int, int]]] = ((), [])

    def aim(self, target: Target) -> None:
        """Takes a target."""
        self.target = target
        self.reckoning = Reckoning(self.spec, self.calendar, target)
        self.by_windows = self.reckoning.by_windows

    def go_over_to(self, calendar: Timeline) -> None:
        """Takes another calendar; `recompute` says what it moves."""
        self.calendar = calendar
        self.aim(self.target)

    @property
    def wall(self) -> bool:
        """Whether every second counts, not those of business time alone."""
        return self.reckoning.wall

    @property
    def counts(self) -> Stretches:
        """What the due time hangs on."""
        return Stretches(self.base, self.since, self.pauses)

    @property
    def promises(self) -> bool:
        """Whether there is anything to meet."""
        return not isinstance(self.target, NoTarget)

    # events

    def start(self, second: int) -> None:
        """Counts from here. For windows the date of the start itself is not owed (TERMS-6)."""
        self.anchor = self.base = second
        self.recompute(second)

    def retarget(self, target: Target, second: int) -> None:
        """Another target from now on; the time used, the pauses and the breaches remain."""
        self.aim(target)
        # What remained, remained of another promise.
        self.pauses = [pause._replace(left=None) for pause in self.pauses]
        self.left = None
        if self.anchor is not None:
            self.recompute(second)
        if self.paused_at is not None:
            self.left = self.reckoning.left_at(self.due, max(self.paused_at, self.base))

    def recompute(self, second: int, *, edition: int = FROZEN, corrects: bool = False) -> None:
        """Works the due time out afresh, after the target or the calendar changed at ``second``.

        A calendar that was wrong ``corrects``: a breach of a due time that it moves is no breach.
        """
        if self.anchor is None:
            return
        self.never = False
        if self.by_windows:
            self._windows_anew(second, corrects=corrects)
        elif self.paused_at is not None and self.left is not None and edition >= FROZEN:
            return  # a pause freezes what remains
        else:
            due = self._shifted()
            if corrects and self.breached_now and due != self.due:
                self._take_back()
            self.due = due
        self.since = second

    def _windows_anew(self, second: int, *, corrects: bool) -> None:
        # Dates that closed before this event are not owed with hindsight.
        self.breached_now = False
        if corrects:
            self._forgive(second)
        if self.handled is None:
            self.handled = self.calendar.business_date_s(max(self.anchor or 0, second))
        self.window = self._business_date_after(self.handled)
        while self.window is not None and self.calendar.close_of_s(self.window) < second:
            self._step()
        self.due = self.window_close()

    def _forgive(self, second: int) -> None:
        """Takes back the misses of dates that are no business dates on a corrected calendar, or close later."""
        wrong = {
            window.window_date
            for window in self.windows
            if window.state is WindowState.MISSED and self._open_end(window.window_date, second)
        }
        if not wrong:
            return
        self.windows = [window for window in self.windows if window.window_date not in wrong]
        self.breaches = [breach for breach in self.breaches if breach.window_date not in wrong]
        again = [on for on in wrong if self.calendar.is_business_date(on)]
        if again and self.handled is not None:
            self.handled = min(self.handled, min(again) - ONE_DAY)

    def _open_end(self, on: date, second: int) -> bool:
        span = self.calendar.date_span_s(on)
        return span is None or span[1] >= second

    def _take_back(self) -> None:
        """The present due time was wrong, and so is the breach of it."""
        on = self.window_date()
        self.breaches = [breach for breach in self.breaches if breach.window_date != on]
        self.breached_now = False

    def _shifted(self) -> int | None:
        """The due time from the base on, with each pause in turn; None where the calendar never opens that much."""
        try:
            return self.reckoning.moved_by_pauses(self.base, self.pauses)
        except SlaUnreachable:
            self.never = True
            return None

    def _business_date_after(self, on: date) -> date | None:
        """The business date after a date; None where the calendar never opens again."""
        try:
            return self.calendar.business_date_after(on)
        except SlaUnreachable:
            self.never = True
            return None

    def _once(self, due: int, start: int, end: int) -> int | None:
        try:
            return self.reckoning.resumed_once(due, start, end)
        except SlaUnreachable:
            self.never = True
            return None

    def pause(self, second: int) -> None:
        """The first reason for waiting arrived."""
        self.paused_at, self.left = second, self.reckoning.left_at(self.due, max(second, self.base))
        self.paused_on = self.calendar

    def resume(self, second: int, *, edition: int = FROZEN) -> None:
        """The last reason for waiting went."""
        start, self.paused_at = self.paused_at, None
        left, self.left = self.left, None
        if start is None:
            return
        self.pauses.append(Rest(max(start, self.base), second, left, self.due, self.calendar, edition))
        if self.by_windows:
            self._excuse(second)
            on = self.calendar.business_date_s(second)
            if not self.spec.resume_date_owed and self.window == on and self.window not in self.covered:
                self._close_window(WindowState.EXCUSED)
            self.due = self.window_close()
            self.since = second
        elif self.due is not None and not self.reckoning.fixed:
            if edition < FROZEN:
                moved = self._once(self.due, max(start, self.base), second)
            else:
                moved = self._moved(start, second, left)
            if moved != self.due or (left is not None and self.due < second):
                self.due, self.since = moved, second

    def _moved(self, start: int, second: int, left: int | None) -> int | None:
        if self.due is None or (start > self.due and left is None):
            return self.due
        if self.paused_on is self.calendar:
            return self.reckoning.resumed(self.due, max(start, self.base), second, left)
        return self._shifted()

    def respond(self, second: int) -> bool:
        """A public response of the vendor. False where the target does not ask for more than one."""
        if isinstance(self.target, Rolling):
            self.base, self.breached_now = second, False
            self.due, self.since = self._shifted(), second
            if self.paused_at is not None:
                self.left = self.reckoning.left_at(self.due, second)
            return True
        if not self.by_windows or self.window is None:
            return False
        on = self._covers(second)
        if on is None or on < self.window or on in self.covered:
            return True
        self.covered.add(on)
        closes = self.calendar.close_of_s(on)
        self.windows.append(Window(self.cycle, on, from_s(closes), WindowState.COVERED, from_s(second)))
        self.due = self.window_close()
        return True

    def _covers(self, second: int) -> date | None:
        """The business date a response counts for: its own until the close (the close included), later the next."""
        # A calendar that closes at midnight closes on the next date's first second.
        for on in (self.calendar.business_date_s(second - 1), self.calendar.business_date_s(second)):
            span = self.calendar.date_span_s(on)
            if span is not None and (second < span[1] or (second == span[1] and on not in self.covered)):
                return on
        if not self.spec.late_response_counts:
            return None
        return self._business_date_after(self.calendar.business_date_s(second))

    def stop(self, second: int) -> None:
        """Nothing is owed from here on."""
        self.stopped_at = second

    # time

    def pass_time(self, to: int, *, grace: int = 0) -> None:
        """Warnings up to and including ``to``; breaches of what fell due before it, less the grace."""
        if self.paused_at is not None and not self.reckoning.fixed:
            if self.by_windows:
                self._excuse(to)
                self.due = self.window_close()
            elif self.due is not None and self.due + grace < self.paused_at and not self.breached_now:
                self._miss(self.due)  # a corrected calendar moved it to before the pause
            return
        for _ in range(_MAX_WINDOWS):
            if self.due is None:
                return
            for at, rule in self.pending_warnings() if self.spec.warnings else ():
                if at <= to:
                    self.warned.append(WarningMark(self.cycle, self.window_date(), rule, from_s(at), True))
            if self.breached_now or self.due + grace >= to:
                if self.spec.reminders:
                    self._remind(to)
                return
            self._miss(self.due)
            if not self.by_windows:
                self._remind(to)
                return
            self._close_window(WindowState.MISSED)
            self.due = self.window_close()

    def _miss(self, due: int) -> None:
        """A breach of the present due time, since then or since it came into force."""
        on = self.window_date()
        # One breach a key: a rolling cadence that is missed twice on one date is missed once.
        if all(breach.window_date != on for breach in self.breaches):
            self.breaches.append(Breach(self.cycle, on, from_s(due), from_s(max(due, self.since))))
        self.breached_now = not self.by_windows

    def _excuse(self, to: int) -> None:
        """Business dates that closed before ``to`` while paused are not owed."""
        for _ in range(_MAX_WINDOWS):
            if self.window is None:
                return
            if self.window not in self.covered:
                if self.calendar.close_of_s(self.window) >= to:
                    return
                self._close_window(WindowState.EXCUSED)
            else:
                self._step()

    def _close_window(self, state: WindowState) -> None:
        if self.window is not None:
            self._skip_covered()
            closes = from_s(self.calendar.close_of_s(self.window))
            self.windows.append(Window(self.cycle, self.window, closes, state, closes))
            self._step()

    def _step(self) -> None:
        if self.window is not None:
            self.handled = self.window
            self.window = self._business_date_after(self.window)

    def _skip_covered(self) -> None:
        while self.window is not None and self.window in self.covered:
            self._step()

    def window_close(self) -> int | None:
        """When the present window closes; None where no window is left."""
        self._skip_covered()
        return None if self.window is None else self.calendar.close_of_s(self.window)

    # warnings

    def pending_warnings(self) -> list[tuple[int, int]]:
        """Rules not yet fired for the present due time, each after the second at which it falls.

        Asked for at every event; worked out anew only where something has moved that they hang on.
        """
        if self.due is None or self.breached_now or self.anchor is None:
            return []
        hangs_on = (
            self.due,
            self.since,
            self.base,
            self.window,
            self.target,
            self.calendar,
            len(self.pauses),
            len(self.warned),
        )
        if self._marks[0] != hangs_on:
            on = self.window_date()
            done = {mark.rule for mark in self.warned if mark.window_date == on}
            found = []
            for rule in range(len(self.spec.warnings)):
                at = None if rule in done else self.reckoning.warning_at(rule, self.due, self.counts, self.window)
                if at is not None:
                    found.append((at, rule))
            self._marks = (hangs_on, sorted(found))
        return self._marks[1]

    def _remind(self, to: int) -> None:
        """Reminders of a breach that have come about; each level once a cycle."""
        self.reminded += [replace(mark, fired=True) for mark in self.expected_reminders() if to_s(mark.at) <= to]

    def expected_reminders(self) -> list[WarningMark]:
        """Reminders still to come if nothing is done: so long after the due time, without the pauses since."""
        if not self.breached_now or self.due is None or self.by_windows:
            return []
        done = {mark.rule for mark in self.reminded}
        marks: list[WarningMark] = []
        for rule, seconds in enumerate(self.spec.reminders):
            if rule not in done:
                at = self.reckoning.after_due(self.due, seconds, self.counts)
                if at is not None:
                    marks.append(WarningMark(self.cycle, self.window_date(), rule, from_s(at), False))
        return marks

    # the answer

    def window_date(self) -> date | None:
        """The business date the due time belongs to; None for a single due time."""
        if self.by_windows:
            return self.window
        if isinstance(self.target, Rolling) and self.due is not None:
            return self.calendar.business_date_s(self.due - 1)
        return None
