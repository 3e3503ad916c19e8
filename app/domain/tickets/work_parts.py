"""The parts of a line of work: where the calendar opens or closes, other surcharges hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.clocks.calendar_facts import stretches
from app.domain.clocks.ticket_clock import Hours
from app.domain.policy import reckoning
from app.domain.policy.policy import Policy
from app.domain.tickets.work_line import WorkPart
from app.domain.values.wire import iso


def parts_of(
    policy: Policy, hours: Hours, known: Mapping[str, Any], begin: datetime, minutes: int, kind: str | None
) -> tuple[list[WorkPart], list[str]]:
    """The parts of a line of work with the surcharges that hold for each, and those that are added for the line.

    ``known``: the facts of the ticket.
    """
    if not any(rule.of_work for rule in policy.surcharges):
        return [{"begin": iso(begin), "seconds": minutes * 60, "surcharges": []}], []
    found: list[WorkPart] = []
    adds: list[str] = []
    for number, (start, seconds, of_calendar) in enumerate(stretches(hours, begin, minutes)):
        facts = {**known, "work.kind": kind, **{f"work.{name}": value for name, value in of_calendar.items()}}
        rules = reckoning.applying(policy, facts, of_work=True)
        names = [rule.surcharge for rule in rules if rule.times is not None]
        if number == 0:
            adds = [rule.surcharge for rule in rules if rule.times is None]
        if found and found[-1]["surcharges"] == names:
            found[-1]["seconds"] += seconds
        else:
            found.append({"begin": iso(start), "seconds": seconds, "surcharges": names})
    return found, adds
