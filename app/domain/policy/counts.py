"""What is counted of a customer's tickets, in which window: 6 in any 365 days, 10 hours a month, 2 open at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from app.domain.policy.conditions import Condition
from app.domain.policy.document import STRICT
from app.domain.values.term import Term

OF_COUNTS: Final = "count."
"""Facts of counts: ``count.incidents`` is how many the count ``incidents`` comes to."""
Each = Literal["day", "week", "month", "quarter", "year", "cover"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Counts tickets, minutes of work or credits, in a window. Rules look at it as the fact ``count.<name>``.

    A ticket counts by the version of the policy under which it was opened. It counts at the instant of its opening, a
    line of work at its begin. The ticket that is judged is never in its own count.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    count: str
    """The count's name, once in the document."""
    title: str
    """What is counted, in the plural: ``incidents``, ``hours of support``."""
    clause: str
    of: Literal["tickets", "minutes", "credits"] = "tickets"
    """What is counted: tickets that are served, billable minutes of the work log, or credits that tickets take."""
    most: int | None = None
    """With ``of: credits``: a ticket that would take more than so many in all waits; left out: rules alone ask."""
    per: Literal["account", "person", "license"] = "account"
    """Whose are counted: those of the account (a company's with all its people), of who asks, or of the license."""
    within: Term | None = None
    """A window that slides: each ticket counts for so long, from its opening on."""
    each: Each | None = None
    """A window of the calendar in the ``term_zone``, or ``cover``: a period of cover."""
    at_once: bool = False
    """``true``: tickets that are open at the same time."""
    when: Condition | None = None
    """Which tickets count; left out: all."""
    unless: Condition | None = None
    """Which do not count, once it is known: a cause that was a bug."""
    withdrawn: Literal["given_back", "counted"] = "given_back"
    """What becomes of the place of an accepted ticket that is withdrawn."""
    reading: bool = False

    @property
    def fact(self) -> str:
        """The name of the fact that rules look at."""
        return f"{OF_COUNTS}{self.count}"
