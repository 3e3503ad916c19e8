"""Named contacts: how many people of a company may open its tickets, and how often they may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from app.domain.policy.document import STRICT
from app.domain.values.term import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanges:
    """How often a contact may be taken off, so that another is named, in a window."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    most: int
    """So many at most."""
    within: Term | None = None
    """A window that slides: each change counts for so long."""
    each: Literal["month", "quarter", "year"] | None = None
    """A window of the calendar in the ``term_zone``."""
    clause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRules:
    """The people of a company who are named by it. Rules look at ``person.named``, whether who asks is one of them."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    seats: int | None = None
    """How many may be named; left out: as many as the running plan has seats, else any number."""
    changes: ContactChanges | None = None
    """How often contacts may change; left out: as often as the company likes."""
    reading: bool = False
