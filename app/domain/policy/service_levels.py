"""Promises of service, and the hours in which they are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from app.domain.policy.document import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001 - the document's word; nothing here warns
    """A warning before a due time: a share of the time in percent, or so many business seconds before."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    percent: int | None = None
    business_seconds_before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A level of reminding after a breach, so many business seconds after the due time; told while nothing is done."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    business_seconds_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """An SLA promise. ``starts``: when its clock starts; ``target`` as in ``GET .../due`` or ``none`` (measured only).

    ``starts``: ``opened`` | ``credit_applied`` | ``accepted`` | ``access_requested`` | ``confirmation_asked``;
    ``stops``: ``vendor_response`` | ``qualification`` | ``resolved`` | ``access_granted`` | ``confirmed``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    milestone: Literal["first_response", "each_business_day", "resolution", "access", "confirmation"]
    target: str
    starts: Literal["opened", "credit_applied", "accepted", "access_requested", "confirmation_asked"]
    stops: tuple[Literal["vendor_response", "qualification", "resolved", "access_granted", "confirmed"], ...]
    clause: str
    party: Literal["vendor", "customer"] = "vendor"
    warnings: tuple[Warning, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    snap_to_close: bool = False
    after_close: Literal["same_date", "next_open"] = "same_date"
    breach_returns_credits: int = 0
    """Optional: a breach grants so many credits, once (decision 0023)."""
    retracted_breach: Literal["takes_back", "stays"] = "takes_back"
    """Those credits when a late fact shows that it was no breach: what is unspent goes, or they stay."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidaySet:
    """Holidays of the kept library: ``country`` (ISO), optional subdivision; ``observed`` adds observed weekdays."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    country: str
    clause: str
    subdivision: str | None = None
    observed: bool = True
    without: tuple[str, ...] = ()
    """Names left out, e.g. Inauguration Day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRule:
    """A closed day by rule: ``fixed`` (``12-24``), days from ``easter``, or days after the nth weekday of a month.

    With ``hours`` it is a half day: of the weekday's hours only those within them stay open.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    name: str
    clause: str
    fixed: str | None = None
    easter: int | None = None
    nth: int | None = None
    weekday: str | None = None
    month: int | None = None
    offset_days: int = 0
    hours: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHours:
    """Version 1 of the calendar ``service-hours``. ``weekly_hours``: mon..sun -> [["09:00", "17:00"]].

    An opening may run past midnight (``["22:00", "06:00"]``). ``whole_shifts``: it is one business day then, that on
    which it begins.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    zone: str
    weekly_hours: dict[str, tuple[tuple[str, str], ...]]
    clause: str
    holidays: tuple[HolidaySet, ...] = ()
    closures: tuple[ClosureRule, ...] = ()
    notice_days: int = 0
    notice_clause: str | None = None
    whole_shifts: bool = True
    reading: bool = False
