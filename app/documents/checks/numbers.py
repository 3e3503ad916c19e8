"""Numbers: each has a bound, named where it is written, so that no sum of them overflows later."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from app.documents.checks.context import Checker, walk
from app.domain.values.money import MAX_CREDITS

MAX_GRANTED: Final = 1_000_000_000
"""Credits of one grant or one breach: a thousand of them still are one command's."""
MAX_SECONDS: Final = 20 * 366 * 86_400
"""Calendars are looked at for twenty years."""
_BOUNDS: Final[dict[str, dict[str, tuple[int, int]]]] = {
    "Term": {"years": (0, 100), "months": (0, 1_200), "days": (0, 36_525)},
    "CreditGrant": {"credits": (0, MAX_GRANTED), "priority": (-1_000_000, 1_000_000)},
    "Rollover": {"max_credits": (1, MAX_CREDITS), "max_grants": (1, 1_200), "intervals": (1, 1_200)},
    "Promise": {"breach_returns_credits": (0, MAX_GRANTED)},
    "BreachCap": {"credits": (1, MAX_CREDITS)},
    "Warning": {"business_seconds_before": (1, MAX_SECONDS)},
    "Reminder": {"business_seconds_after": (1, MAX_SECONDS)},
    "ContactRules": {"seats": (1, 100_000)},
    "ContactChanges": {"most": (0, 100_000)},
    "CreditRules": {"low_at": (0, MAX_CREDITS)},
    "Count": {"most": (1, MAX_CREDITS)},
    "Overdraft": {"most": (1, MAX_CREDITS)},
    "TopUp": {"below": (1, MAX_CREDITS), "quantity": (1, 1_000)},
    "CoverRules": {"suspensions": (0, 1_000)},
    "ServiceHours": {"notice_days": (0, 3_660)},
    "InputSpec": {"most": (0, MAX_GRANTED)},
    "Category": {"level": (0, 1_000_000)},
    "FormulaPrice": {"base": (-MAX_CREDITS, MAX_CREDITS)},
}
_CHECKED_ELSEWHERE: Final = frozenset(
    {
        ("Promise", "breach_returns_credits", "low"),
        ("ServiceHours", "notice_days", "low"),
        ("CreditGrant", "credits", "low"),
        ("InputSpec", "most", "low"),
        ("Reminder", "business_seconds_after", "low"),
        ("Rollover", "max_credits", "low"),
        ("Rollover", "max_grants", "low"),
        ("Rollover", "intervals", "low"),
    }
)
"""What another check tells in its own words."""


def check_numbers(c: Checker) -> None:
    """Every number of the document lies within its bounds."""
    for parts, value in walk(c.policy, ()):
        kind = type(value).__name__
        bounds = _BOUNDS.get(kind, {})
        for f in fields(value):
            if f.name in bounds:
                _within(c, kind, f.name, getattr(value, f.name), (*parts, f.name))
            elif kind == "FormulaPrice" and f.name == "per":
                for name, rate in value.per.items():
                    _bounded(c, name, rate, (*parts, "per", name), -MAX_CREDITS, MAX_CREDITS)
            elif kind == "CoverGrant" and f.name == "levels":
                for i, level in enumerate(value.levels):
                    _bounded(c, "levels", level, (*parts, "levels", i), 0, 1_000_000)


def _within(c: Checker, kind: str, name: str, value: Any, parts: tuple[str | int, ...]) -> None:
    least, most = _BOUNDS[kind][name]
    if value is not None and value < least and (kind, name, "low") in _CHECKED_ELSEWHERE:
        return
    _bounded(c, name, value, parts, least, most)


def _bounded(c: Checker, name: str, value: Any, parts: tuple[str | int, ...], least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        c.error(parts, "out_of_bounds", f"`{name}` cannot be {value}.", f"Write a number from {least} to {most}.")
