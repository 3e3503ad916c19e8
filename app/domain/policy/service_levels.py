"""Promises of service, and the hours in which they are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from app.domain.policy.conditions import Condition
from app.domain.policy.document import STRICT

SERVICE_HOURS: Final = "service-hours"
"""The name of the calendar that ``service_hours`` begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001 - the document's word; nothing here warns
    """A warning before a due time: a share of the time in percent, or so many business seconds before."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    percent: int | None = None
    """Warn when so many percent (1 to 99) of the time are used."""
    business_seconds_before: int | None = None
    """Warn so many business seconds before the due time."""
    notify: tuple[str, ...] = ()
    """Who is to be notified, by the vendor's own names; the event ``clock.warned`` carries them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A level of reminding after a breach, so many business seconds after the due time; told while nothing is done."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    business_seconds_after: int
    """Remind so many business seconds after the due time."""
    notify: tuple[str, ...] = ()
    """Who is to be notified, by the vendor's own names; the event ``clock.reminded`` carries them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachCap:
    """How many credits breaches bring at most in a calendar month or year of the policy's ``term_zone``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    credits: int
    """The most that breaches of promises with a cap bring together."""
    per: Literal["month", "year"]
    """The calendar period in which they are counted."""
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """An SLA promise. ``starts``: when its clock starts; ``target`` as in ``GET .../due`` or ``none`` (measured only).

    Several promises may bear one ``milestone``: the first whose ``when`` holds is given, and no other. What a ticket
    says of itself may change; the clock then goes over to the promise that holds, and keeps the time already used.

    ``starts``: ``opened`` | ``credit_applied`` | ``accepted`` | ``access_requested`` | ``confirmation_asked`` |
    ``customer_reply``; ``stops``: ``vendor_response`` | ``qualification`` | ``resolved`` | ``access_granted`` |
    ``confirmed`` | ``reached``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    milestone: str
    """What is waited for; it names the clock: ``first_response``, ``next_reply``, ``workaround``."""
    target: str
    """The time within which it happens, such as ``business_days:1``; ``none`` measures only."""
    starts: Literal["opened", "credit_applied", "accepted", "access_requested", "confirmation_asked", "customer_reply"]
    """What starts the clock; ``customer_reply``: the oldest unanswered message after a first response."""
    stops: tuple[Literal["vendor_response", "qualification", "resolved", "access_granted", "confirmed", "reached"], ...]
    """What stops it; the first of these counts. ``reached``: the helpdesk tells that the milestone is reached."""
    clause: str
    when: Condition | None = None
    """For which tickets the promise holds; left out: for all that no earlier promise of the milestone took."""
    calendar: str = SERVICE_HOURS
    """The calendar in which it is counted: ``service-hours``, or one of ``calendars``."""
    party: Literal["vendor", "customer"] = "vendor"
    """Who owes it."""
    team: str | None = None
    """The team of the vendor that owes it to the others: an agreement within the vendor, which customers never see."""
    warnings: tuple[Warning, ...] = ()
    """Warnings before the due time."""
    reminders: tuple[Reminder, ...] = ()
    """Reminders after a breach, while nothing is done."""
    snap_to_close: bool = False
    """Whether a due time that a pause moves goes to the close of its business day."""
    after_close: Literal["same_date", "next_open"] = "same_date"
    """What counts as day 0 of a start after hours: that date, or the next open day."""
    paused_by: tuple[str, ...] | None = None
    """The reasons for waiting at which this clock stands; left out: every reason, ``[]``: none."""
    breach_returns_credits: int = 0
    """Optional: a breach grants so many credits, once (decision 0023)."""
    breach_cap: BreachCap | None = None
    """The most that breaches bring in a period; left out: no limit."""
    retracted_breach: Literal["takes_back", "stays"] = "takes_back"
    """Those credits when a late fact shows that it was no breach: what is unspent goes, or they stay."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidaySet:
    """Holidays of the kept library: ``country`` (ISO), optional subdivision; ``observed`` adds observed weekdays."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    country: str
    """ISO 3166 code of the country: ``DE``."""
    clause: str
    subdivision: str | None = None
    """Code of the state or region, as the holidays' library names it."""
    observed: bool = True
    """Whether a holiday on a weekend also closes the weekday on which it is observed."""
    without: tuple[str, ...] = ()
    """Names left out, e.g. Inauguration Day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRule:
    """A closed day by rule: ``fixed`` (``12-24``), days from ``easter``, or days after the nth weekday of a month.

    With ``hours`` it is a half day: of the weekday's hours only those within them stay open.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    name: str
    """What the closed day is called."""
    clause: str
    fixed: str | None = None
    """Month and day: ``12-24``."""
    easter: int | None = None
    """Days after Easter Sunday; below 0: before it."""
    nth: int | None = None
    """Which such weekday of the month: 1 is the first; -1 the last."""
    weekday: str | None = None
    """The weekday for ``nth``: ``mon`` to ``sun``."""
    month: int | None = None
    """The month for ``nth``, 1 to 12."""
    offset_days: int = 0
    """Days by which the day is moved."""
    hours: tuple[tuple[str, str], ...] | None = None
    """Times between which a half day stays open; left out: closed all day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHours:
    """Version 1 of a calendar: ``service-hours``, or one of ``calendars``.

    ``weekly_hours``: mon..sun -> [["09:00", "17:00"]].
    An opening may run past midnight (``["22:00", "06:00"]``). ``whole_shifts``: it is one business day then, that on
    which it begins.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    zone: str
    """The IANA zone of the hours: ``Europe/Berlin``."""
    weekly_hours: dict[str, tuple[tuple[str, str], ...]]
    """Weekday (``mon`` to ``sun``) to its openings; a day left out is closed."""
    clause: str
    holidays: tuple[HolidaySet, ...] = ()
    """Sets of public holidays on which it is closed."""
    closures: tuple[ClosureRule, ...] = ()
    """Further closed days and half days, by rule."""
    notice_days: int = 0
    """Days before it takes effect that a closure must be announced, 0 to 3,660."""
    notice_clause: str | None = None
    """The clause that promises this notice."""
    whole_shifts: bool = True
    """Whether an opening past midnight is one business day, that on which it begins."""
    reading: bool = False
