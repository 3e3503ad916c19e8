"""Releases of the product, and until when each is supported. The helpdesk states which one a ticket is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo

from app.domain.policy.document import STRICT
from app.domain.values.term import Term, add_term

RELEASE_FACTS: Final = ("release.supported", "release.name", "release.ends_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release. Days are written ``2026-01-31`` and are those of the policy's ``term_zone``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    release: str
    """The release's name; ``4.2`` stands for ``4.2.1`` too, unless that is listed."""
    released: str
    """The day on which it came out."""
    until: str | None = None
    """The last day on which it is supported; left out: as ``newest`` and ``age`` say, else without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """Which releases are supported. One that fails any of the bounds is not."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    fact: str
    """The fact of the policy that says which release a ticket is about, a text."""
    clause: str
    releases: tuple[Release, ...]
    """The releases, in any order."""
    newest: int | None = None
    """Only so many are supported, the newest that are out; left out: any number."""
    unlisted: Literal["unknown", "unsupported"] = "unknown"
    """What a release is that is not listed, or not out yet: unknown, which rejects nothing; or not supported."""
    age: Term | None = None
    """For how long after it came out a release is supported; left out: any time."""


def facts_of_release(rule: Releases | None, zone: str, facts: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return ``release.name``, ``.supported`` and ``.ends_at`` (the end of support) of the release that is stated.

    What is not stated is unknown; what is not listed, or not out yet, is as the rule says.
    """
    if rule is None:
        return {}
    stated = facts.get(rule.fact)
    found = _listed(rule, stated) if isinstance(stated, str) else None
    where = UTC if zone == "UTC" else ZoneInfo(zone)
    if found is None or at < _begin(found.released, where):
        if isinstance(stated, str) and rule.unlisted == "unsupported":
            return {"release.name": stated, "release.supported": False, "release.ends_at": None}
        return dict.fromkeys(RELEASE_FACTS)
    end = end_of(rule, found, where, at)
    return {"release.name": found.release, "release.supported": end is None or at < end, "release.ends_at": end}


def end_of(rule: Releases, release: Release, zone: tzinfo, at: datetime) -> datetime | None:
    """When support of a release ends, as far as is known at an instant; None: without an end so far."""
    ends = []
    if release.until is not None:
        ends.append(_begin(release.until, zone, days=1))
    if rule.age is not None:
        ends.append(add_term(_begin(release.released, zone), rule.age, zone))
    if rule.newest is not None:
        later = sorted(_begin(other.released, zone) for other in rule.releases if other.released > release.released)
        if len(later) >= rule.newest and later[rule.newest - 1] <= at:
            ends.append(later[rule.newest - 1])
    return min(ends, default=None)


def _listed(rule: Releases, stated: str) -> Release | None:
    """The release of that name, else the nearest that it is a part of (``4.2`` for ``4.2.1``)."""
    names = {release.release: release for release in rule.releases}
    name = stated.strip()
    while name:
        if name in names:
            return names[name]
        name = name.rpartition(".")[0]
    return None


def _begin(day: str, zone: tzinfo, *, days: int = 0) -> datetime:
    return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), zone).astimezone(UTC)
