"""How a cycle stands at an instant: its due time as shown, its time left, its delay and its next warnings."""

from app.domain.calendar.timeline import from_s
from app.domain.clocks.cycle import Progress
from app.domain.clocks.event import WarningMark


def shown_due(progress: Progress) -> int | None:
    """The due time as shown: none while paused, unless pauses do not move it; none for ended windows."""
    if progress.paused_at is not None and not progress.reckoning.fixed:
        return None
    if progress.stopped_at is not None and progress.by_windows:
        return None
    return progress.due


def breach_due(progress: Progress) -> int | None:
    """The due time a sweep has still to judge."""
    return None if progress.breached_now else shown_due(progress)


def remaining(progress: Progress, now: int) -> int | None:
    """Time left: frozen at the pause while paused, never below zero; None where nothing is promised."""
    if progress.due is None:
        return None
    if progress.paused_at is not None and progress.left is not None:
        return progress.left
    start = now
    if progress.paused_at is not None and not progress.reckoning.fixed and not progress.by_windows:
        start = progress.paused_at
    if start >= progress.due:
        return 0
    if progress.wall:
        return progress.due - start
    if progress.by_windows and progress.paused_at is not None:
        close = progress.window_close()
        return None if close is None else progress.calendar.between_s(start, close)
    return progress.calendar.between_s(start, progress.due)


def overdue(progress: Progress, now: int) -> int | None:
    """Return by how much the due time is past, or was at the stop, without pauses since. None where it is not."""
    end = now if progress.stopped_at is None else progress.stopped_at
    if progress.due is None or progress.by_windows or progress.due >= end or progress.anchor is None:
        return None
    if progress.paused_at is not None and not progress.reckoning.fixed:
        end = progress.paused_at
        if progress.due >= end:
            return None
    return progress.reckoning.late(progress.due, end, progress.counts)


def expected_warnings(progress: Progress) -> list[WarningMark]:
    """Warnings still to come, if nothing changes."""
    if not progress.spec.warnings:
        return []
    on = progress.window_date()
    return [WarningMark(progress.cycle, on, rule, from_s(at), False) for at, rule in progress.pending_warnings()]
