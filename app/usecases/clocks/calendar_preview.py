"""What publishing a calendar does to the open clocks, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.domain.clocks.ticket_clock import TicketClock
from app.domain.values.wire import iso_or_none
from app.views import calendar as views

LISTED: Final = 100


@dataclass(slots=True)
class Preview:
    """What publishing does, or would do, to open clocks. Lists hold the first hundred; the counts are whole."""

    looked_at: int = 0
    earlier: int = 0
    later: int = 0
    complete: bool = True
    moves: list[views.ClockMove] = field(default_factory=list)
    moved: int = 0
    breaches: list[views.ClockMove] = field(default_factory=list)
    breaching: int = 0
    touched: int = 0
    """Clocks that are written anew; not published."""
    never: list[views.ClockMove] = field(default_factory=list)
    ending: int = 0

    def add(
        self, clock: TicketClock, old: datetime | None, new: datetime | None, *, breaches: bool, never: bool
    ) -> None:
        """Counts one clock."""
        self.looked_at += 1
        named: views.ClockMove = {
            "clock_id": clock.clock_id,
            "ticket_id": clock.external_ticket_id,
            "milestone": clock.spec.milestone,
            "old_due_at": iso_or_none(old),
            "new_due_at": iso_or_none(new),
        }
        if old != new:
            self.moved += 1
            if old is not None and new is not None:
                self.earlier += new < old
                self.later += new > old
            if len(self.moves) < LISTED:
                self.moves.append(named)
        if breaches:
            self.breaching += 1
            if len(self.breaches) < LISTED:
                self.breaches.append(named)
        if never:
            self.ending += 1
            if len(self.never) < LISTED:
                self.never.append(named)

    def json(self) -> views.CalendarPreview:
        """As published."""
        return {
            "open_clocks": self.looked_at,
            "moved": self.moved,
            "earlier": self.earlier,
            "later": self.later,
            "would_breach_count": self.breaching,
            "never_due_count": self.ending,
            "complete": self.complete,
            "moves": self.moves,
            "would_breach": self.breaches,
            "never_due": self.never,
        }
