"""Whether a cover's days are what was bought: its stream replayed (decision 0026).

A period lasts its term from its start, to the microsecond. It lasts longer by exactly what it was suspended and
extended. Only a refund or an end of its license makes it shorter. Its row says what its last event said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.domain.account.customer import Cover
from app.domain.cover.terms import CoverTerms
from app.domain.values.term import Term, add_term
from app.domain.values.wire import jsonable

_STATE = ("state", "starts_at", "ends_at", "suspended_at", "suspensions", "suspended_seconds")
_BEGINS = frozenset({"granted", "started", "moved"})


@dataclass(frozen=True, slots=True)
class CoverEvent:
    """One event of a cover's stream; ``cover`` as it stood after it, None where another followed at once."""

    kind: str
    occurred_at: datetime
    payload: Mapping[str, Any]

    @property
    def cover(self) -> Mapping[str, Any] | None:
        """The snapshot in the payload."""
        found = self.payload.get("cover")
        return found if isinstance(found, Mapping) else None


Finding = tuple[str, str]
"""(what should be, what is)."""


def replay(stored: Cover, events: Sequence[CoverEvent], terms: CoverTerms) -> list[Finding]:
    """What does not add up in a cover's life; ``events`` in order, ``terms`` those of its policy."""
    life = _Life(stored, terms)
    for event in events:
        life.next(event)
    return life.found + _row(stored, life.seconds, events[-1].cover if events else None)


class _Life:
    """The end that a cover ought to have after each event. ``known``: whether a snapshot has told it yet."""

    def __init__(self, stored: Cover, terms: CoverTerms) -> None:
        self.stored, self.terms = stored, terms
        self.found: list[Finding] = []
        self.ends: datetime | None = None
        self.known = False
        self.since: datetime | None = None
        self.cut: tuple[datetime | None, datetime | None, bool] | None = None
        """The end, since when suspended, and whether the end was known, before it was shortened."""
        self.seconds = 0

    def next(self, event: CoverEvent) -> None:
        then = event.cover
        ends = None if then is None else _at(then, "ends_at")
        if event.kind in _BEGINS:
            self.ends, self.known = ends, then is not None
            self.found += _as_bought(self.stored, then, self.terms)
        elif event.kind == "suspended":
            self.since = event.occurred_at
        elif event.kind == "resumed":
            self._resumed(event.occurred_at, runs_on=bool(event.payload.get("runs_on")))
        elif event.kind == "extended" and self.ends is not None:
            self.ends = add_term(self.ends, Term(months=int(event.payload["months"])), self.terms.zone)
        elif event.kind == "reinstated":
            self._reinstated(then, ends)
        elif event.kind == "shortened":
            # What was suspended has no end that still stood: it may be set to the instant of the refund.
            longer = self.since is None and self.ends is not None and ends is not None and ends > self.ends
            if longer:
                self.found.append((f"ends by {self.ends} once shortened", str(ends)))
            self.cut = (self.ends, self.since, self.known)
            self.ends, self.known, self.since = ends, then is not None, None
        if then is not None and self.known and ends != self.ends:
            self.found.append((f"ends {self.ends} once {event.kind}", str(ends)))
            self.ends = ends

    def _reinstated(self, then: Mapping[str, Any] | None, ends: datetime | None) -> None:
        """What was shortened has its former end again; what was voided kept its own."""
        if self.cut is not None:
            self.ends, self.since, self.known = self.cut
            self.cut = None
        if not self.known and then is not None:
            self.ends, self.known = ends, True
            if not self.stored.suspensions:
                self.found += _as_bought(self.stored, then, self.terms)

    def _resumed(self, at: datetime, *, runs_on: bool) -> None:
        if self.since is None:
            self.found.append(("suspended before it is resumed", "not suspended"))
            return
        span = timedelta(0) if runs_on else at - self.since
        self.ends = None if self.ends is None else self.ends + span
        self.seconds += span // timedelta(seconds=1)
        self.since = None


def _row(stored: Cover, seconds: int, last: Mapping[str, Any] | None) -> list[Finding]:
    found: list[Finding] = []
    if seconds != stored.suspended_seconds:
        found.append((f"{seconds} seconds suspended", f"{stored.suspended_seconds}"))
    if last is None:
        return [*found, ("a last event that holds the cover", "none")]
    now = {name: jsonable(getattr(stored, name)) for name in _STATE}
    then = {name: last.get(name) for name in _STATE}
    return found if now == then else [*found, (str(then), str(now))]


def _as_bought(stored: Cover, then: Mapping[str, Any] | None, terms: CoverTerms) -> list[Finding]:
    starts = None if then is None else _at(then, "starts_at")
    if then is None or starts is None or stored.term is None:
        return []
    term, ends = Term(**stored.term), _at(then, "ends_at")
    if terms.as_bought(starts, ends, term):
        return []
    return [(f"{term.text} from {starts}: {terms.served(add_term(starts, term, terms.zone))}", str(ends))]


def _at(then: Mapping[str, Any], name: str) -> datetime | None:
    value = then.get(name)
    return None if value is None else datetime.fromisoformat(str(value))
