"""The state that a daily promise keeps, so that a firing goes on from it instead of folding every day anew.

It is what the fold leaves of a clock that owes something each business day. It is without history: windows that are
closed, breaches and pauses that have ended. Going on from it finds what the fold of all events finds from there on, as
long as nothing of the history changes. Whatever adds an event folds it all, and keeps the state of that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from app.domain.calendar.timeline import from_s, to_s
from app.domain.clocks.clock import ClockState, Fold, OutcomeFact, fold_of, outcomes_of
from app.domain.clocks.cycle import Progress
from app.domain.clocks.event import ClockEvent, ClockSpec, Outcome, Phase
from app.domain.clocks.target import EachBusinessDay, Rolling
from app.domain.clocks.ticket_clock import LIVE, Hours, Key, TicketClock

FORM: Final = 1
"""The form of what is kept; another one is not gone on from."""


def keep(
    spec: ClockSpec, hours: Hours, events: Sequence[ClockEvent], judged: Collection[Key], at: datetime
) -> dict[str, Any] | None:
    """Return what a clock keeps at an instant at which it was judged; None where every firing has to fold it all."""
    if not isinstance(spec.target, EachBusinessDay) or spec.warnings or spec.grace_seconds:
        return None
    if any(event.recorded_at > at or event.occurred_at > at for event in events):
        return None
    run = fold_of(spec, hours.calendar, events, at=at, history=hours.history)
    run.state()
    revision = max((event.calendar_revision or 0 for event in events), default=0)
    return _folded(run, judged, version=len(events), revision=revision)


def _folded(run: Fold, judged: Collection[Key], *, version: int, revision: int) -> dict[str, Any] | None:
    progress = run.progress
    if run.phase is not Phase.RUNNING or run.standing or progress.window is None or progress.due is None:
        return None
    if not isinstance(progress.target, EachBusinessDay):
        return None
    window = progress.window.isoformat()
    # A date that was missed, and is owed again since a correction, is told of under a name of its own.
    if any(cycle == progress.cycle and kind.startswith("breach") and on >= window for cycle, on, kind in judged):
        return None
    return {
        "form": FORM,
        "upto": run.counted_to,
        "version": version,
        "revision": revision,
        "calendar_revision": run.calendar_revision,
        "tzdb_version": run.tzdb_version,
        "outcome": run.outcome.value,
        "cycle": progress.cycle,
        "anchor": progress.anchor,
        "base": progress.base,
        "due": progress.due,
        "since": progress.since,
        "handled": None if progress.handled is None else progress.handled.isoformat(),
        "window": window,
        "covered": sorted(on.isoformat() for on in progress.covered if on >= progress.window),
    }


def is_usable(folded: Mapping[str, Any] | None, hours: Hours, at: datetime) -> bool:
    """Whether a firing may go on from the folded state: nothing has changed the calendar since, and time goes on."""
    return (
        folded is not None
        and folded["form"] == FORM
        and folded["revision"] >= hours.revision
        and folded["upto"] <= to_s(at)
    )


def difference(clock: TicketClock) -> tuple[str, str] | None:
    """Return what a clock should keep by its events, and what it keeps; None where that is the same.

    A state from before the newest calendar is not gone on from, so nothing is said of it.
    """
    folded = clock.folded
    if folded is None or folded.get("form") != FORM or folded["revision"] < clock.hours.revision:
        return None
    if folded["version"] != len(clock.events):
        return f"{len(clock.events)} events", f"{folded['version']} events"
    upto = from_s(folded["upto"])
    instants = [instant for event in clock.events for instant in (event.recorded_at, event.occurred_at)]
    at = max([upto, *(instant for instant in instants if to_s(instant) == folded["upto"])])
    expected = keep(clock.spec, clock.hours, clock.events, (), at)
    if expected == folded:
        return None
    names = sorted(name for name in folded if expected is None or expected.get(name) != folded[name])
    return _shown(expected, names), _shown(folded, names)


def misdated(clock: TicketClock, at: datetime) -> tuple[str, str] | None:
    """Return when a clock is due by its events, and when it is said to be; None where that is the same.

    Nothing is said of a clock that the newest hours or zone data have still to reach. The due time of what is owed
    again and again moves by itself, so nothing is said of that either.
    """
    if clock.revision is None or clock.revision < clock.hours.revision:
        return None
    state = clock.state(at)
    moving = isinstance(state.target, EachBusinessDay | Rolling)
    if moving or state.phase not in LIVE or state.tzdb_version != clock.hours.tzdb_version:
        return None
    if state.due_at == clock.stored_due_at:
        return None
    return f"due {state.due_at}", f"due {clock.stored_due_at}"


def _shown(folded: Mapping[str, Any] | None, names: Sequence[str]) -> str:
    return "nothing" if folded is None else ", ".join(f"{name} {folded.get(name)}" for name in names)


def go_on(
    spec: ClockSpec, hours: Hours, folded: Mapping[str, Any], at: datetime
) -> tuple[ClockState, list[OutcomeFact], dict[str, Any] | None]:
    """Let time pass from what was kept to an instant.

    Return how the clock stands then (its history left out), every outcome that has come about since, in order, and
    what it keeps now.
    """
    run = Fold(spec, hours.calendar, hours.history, to_s(at))
    calendar = hours.history.get(folded["calendar_revision"] or 0, hours.calendar)
    progress = run.progress = Progress(spec, calendar, EachBusinessDay(), cycle=folded["cycle"])
    run.phase, run.outcome = Phase.RUNNING, Outcome(folded["outcome"])
    run.counted_to = folded["upto"]
    run.calendar_revision, run.tzdb_version = folded["calendar_revision"], folded["tzdb_version"]
    progress.anchor, progress.base = folded["anchor"], folded["base"]
    progress.due, progress.since = folded["due"], folded["since"]
    progress.handled = None if folded["handled"] is None else date.fromisoformat(folded["handled"])
    progress.window = date.fromisoformat(folded["window"])
    progress.covered = {date.fromisoformat(on) for on in folded["covered"]}
    state = run.state()
    facts = sorted(outcomes_of(state), key=lambda fact: (fact.at, fact.cycle, str(fact.window_date), fact.key[2]))
    return state, facts, _folded(run, (), version=folded["version"], revision=folded["revision"])
