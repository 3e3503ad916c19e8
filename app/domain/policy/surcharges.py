"""What changes a price by what is known of a ticket: surcharges, factors, rounding, priorities and kinds of work."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Final, Literal

from app.domain.policy.conditions import Condition, facts_used
from app.domain.policy.document import STRICT

OF_WORK: Final = "work."
"""Facts of a line of work, and of a part of it."""
OF_OPENING: Final = ("ticket.opened_in_hours", "ticket.opened_on_business_day", "ticket.opened_weekday")
"""Facts of the calendar at the time of the opening."""
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surcharge:
    """Changes a price where its condition holds: adds credits, or multiplies. Those that hold apply in their order.

    One whose condition looks at facts of the work (``work.in_hours``) changes each part of a line of work. Every other
    one changes the price of the ticket. What nobody stated makes it unknown, and then it does not apply (ALL-3).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    surcharge: str
    """The surcharge's name, once in the document."""
    title: str
    """What it is for, in words that go on from "for": ``a call by telephone``, ``work after hours``."""
    clause: str
    when: Condition | None = None
    """Where it applies; left out: always."""
    add: int | None = None
    """Credits that are added; below zero they are taken off."""
    times: str | None = None
    """A factor, a decimal in quotes: ``"1.5"``; ``"0"`` makes the price 0."""
    group: str | None = None
    """Of the surcharges of one group the first that holds applies; left out: it stands alone."""
    first: int | None = None
    """It applies to the first so many accepted tickets of a customer for which it holds; left out: to all."""
    each: Literal["ticket", "line"] = "ticket"
    """What is added to: the ticket once, or each line of work for which it holds when the line begins."""
    survives_bug: bool = False
    """Whether what it makes stays charged when a cause returns the rest."""
    reading: bool = False

    @property
    def of_work(self) -> bool:
        """Whether it changes lines of work, and not the ticket as a whole."""
        return self.each == "line" or any(name.startswith(OF_WORK) for name in facts_used(self.when))

    @property
    def factor(self) -> Fraction:
        """The factor as an exact number; 1 where it adds."""
        return Fraction(1) if self.times is None else Fraction(self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """How a price that is no whole number of credits is rounded. Time is rounded up to begun blocks beforehand."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    mode: Literal["half_up", "up", "down"] = "half_up"
    """A half goes up; or every part goes up; or every part is dropped."""
    to: int = 1
    """Prices are multiples of so many credits."""
    clause: str | None = None
    reading: bool = False

    def of(self, exact: Fraction) -> int:
        """The price in whole credits."""
        share = exact / self.to
        if self.mode == "up":
            whole = -((-share.numerator) // share.denominator)
        elif self.mode == "down":
            whole = share.numerator // share.denominator
        else:
            half = share + Fraction(1, 2)
            whole = half.numerator // half.denominator
        return whole * self.to


ROUNDING: Final = Rounding()
"""As a policy rounds that says nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """A priority that a ticket may have. The most urgent stands first."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    priority: str
    """The priority's name, as tickets state it."""
    title: str
    clause: str | None = None
    when: Condition | None = None
    """For which tickets it is meant where the helpdesk states none, such as an impact with an urgency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkKind:
    """A kind of work that a line of the work log may name: on site, by senior staff, travel."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    kind: str
    """The kind's name, as lines of work state it."""
    title: str
    clause: str | None = None
    billable: bool = True
    """Whether such work is charged where the line does not say; ``false``: recorded only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRules:
    """The work log: which kinds of work there are, and by which clause they are charged."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    kinds: tuple[WorkKind, ...] = ()
    """The kinds of work; left out: a line names none."""
    reading: bool = False
