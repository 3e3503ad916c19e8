"""What is done with each kind of thing that falls due: one table of all use cases' handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.db.agenda import Handler, Handlers
from app.usecases.clocks import calendars, clocks
from app.usecases.credits import due
from app.usecases.orders import covers
from app.usecases.tickets import tickets


def _union(*tables: Mapping[str, Handler]) -> Handlers:
    found: dict[str, Handler] = {}
    for table in tables:
        if twice := found.keys() & table.keys():
            raise ValueError(f"agenda kinds {sorted(twice)} are handled twice")
        found.update(table)
    return found


HANDLERS: Final = _union(covers.AGENDA, tickets.AGENDA, due.AGENDA, clocks.AGENDA, calendars.AGENDA)
"""Agenda kind -> handler."""
