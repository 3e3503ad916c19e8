"""Named contacts of a company: who may open tickets, how many there may be, and how often they may change.

The company's row keeps every naming with its begin and its end, by our ids; so who was named at an instant can be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from app.domain.policy.contacts import ContactChanges
from app.domain.values.ids import CustomerId
from app.domain.values.periods import period_of
from app.domain.values.term import add_term
from app.domain.values.wire import iso, parse_iso

CONTACTS: Final = "contacts"
_LAST_MAX: Final = 1_000
"""Ended namings that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedContact:
    """A person of the company who is named now. ``name``: the vendor's id of the person.

    ``named_as``: our id under which they were named, where a merge made them somebody else.
    """

    person: CustomerId
    named_as: CustomerId
    name: str
    since: datetime


def namings(data: Mapping[str, Any], at: datetime) -> list[tuple[CustomerId, datetime]]:
    """Return who was named at an instant, in the order in which they were. ``data``: the company's."""
    found = [
        (parse_iso(item["since"]), CustomerId(item["person"]))
        for item in data.get(CONTACTS, ())
        if parse_iso(item["since"]) <= at and (item["until"] is None or at < parse_iso(item["until"]))
    ]
    return [(person, since) for since, person in sorted(found)]


def name_only(
    data: dict[str, Any], persons: Sequence[CustomerId], at: datetime, *, current: Mapping[CustomerId, CustomerId]
) -> None:
    """Names these people and nobody else from now on; who is named already stays as they are.

    ``current``: who is named now, by the id under which they were named. Whoever left the company meanwhile is no
    change of the company's making.
    """
    found = []
    for item in data.get(CONTACTS, ()):
        heir = current.get(item["person"])
        if item["until"] is not None or heir in persons:
            found.append(item)
        else:
            found.append({**item, "until": iso(at), **({} if heir is not None else {"left": True})})
    named = set(current.values())
    found += [{"person": person, "since": iso(at), "until": None} for person in persons if person not in named]
    ended = [item for item in found if item["until"] is not None][-_LAST_MAX:]
    data[CONTACTS] = [*ended, *(item for item in found if item["until"] is None)]


def merge_into(data: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Takes over the namings of an account that became one with this one."""
    if other.get(CONTACTS):
        data[CONTACTS] = [*data.get(CONTACTS, ()), *other[CONTACTS]]


def changes_used(
    data: Mapping[str, Any], rule: ContactChanges, at: datetime, zone: tzinfo
) -> tuple[int, datetime | None]:
    """Return how many contacts were taken off in the window of now, and when the first of them counts no more."""
    ends = sorted(
        parse_iso(item["until"]) for item in data.get(CONTACTS, ()) if item["until"] is not None and "left" not in item
    )
    if rule.within is not None:
        gone = [add_term(end, rule.within, zone) for end in ends]
        live = [instant for instant in gone if at < instant]
        return len(live), min(live, default=None)
    begin, end = period_of(rule.each or "year", at, zone)
    return sum(begin <= instant <= at for instant in ends), end
