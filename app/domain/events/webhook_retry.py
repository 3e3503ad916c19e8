"""When a webhook is tried again, and when it is given up: the schedule of Standard Webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal

SCHEDULE: Final = tuple(
    timedelta(seconds=number)
    for number in (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""Waits before each attempt, counted from the one before: ten attempts in 75 hours and 35 minutes."""
JITTER_PERCENT: Final = 10
"""Waits are longer or shorter by so much, so that what failed together does not come back together."""
LONGEST_WAIT: Final = timedelta(hours=24)
"""The most that a Retry-After is heeded."""
THROTTLED: Final = frozenset({429, 502, 503, 504})
GONE: Final = 410

Verdict = Literal["delivered", "retry", "exhausted", "gone", "lost"]
"""``lost``: the event is no longer kept, so there is nothing to send."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt. ``status`` None: there was no answer, ``error`` says why."""

    status: int | None
    error: str | None = None
    retry_after: str | None = None
    duration_ms: int = 0
    response: str = ""
    """The beginning of what the receiver answered, for the log."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows. ``step``: attempts that have failed so far; ``next_at``: when the next is due, for ``retry``."""

    verdict: Verdict
    step: int
    next_at: datetime | None


def judge(attempt: Attempt, *, step: int, at: datetime, jitter_permille: int = 0) -> Outcome:
    """What follows from an attempt begun at ``at`` after ``step`` failures.

    2xx delivers, and 410 ends it at once. Everything else waits its turn on the schedule, redirects among it. It waits
    longer where a throttling receiver says so with Retry-After. After the tenth failure it is given up.
    ``jitter_permille``: between -100 and 100 thousandths of the wait.
    """
    if attempt.status is not None and 200 <= attempt.status < 300:
        return Outcome("delivered", step, None)
    failed = step + 1
    if attempt.status == GONE:
        return Outcome("gone", failed, None)
    if failed >= len(SCHEDULE):
        return Outcome("exhausted", failed, None)
    wait = SCHEDULE[failed] * (1000 + jitter_permille) / 1000
    if attempt.status in THROTTLED and attempt.retry_after is not None:
        wait = max(wait, retry_after(attempt.retry_after, at=at))
    return Outcome("retry", failed, at + wait)


def retry_after(header: str, *, at: datetime) -> timedelta:
    """Return the wait that a Retry-After asks for, seconds or a date, at most a day. Zero for what cannot be read."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_WAIT) if len(text) < 10 else LONGEST_WAIT
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(timedelta(0), min(when - at, LONGEST_WAIT))
