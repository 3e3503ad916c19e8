"""Dates, numbers, money and facts as the reader's language writes them.

English is written by the few lines here. For the other languages it is babel, which is imported with the first such
page: its data of a language take some megabytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from app.api.languages import DEFAULT, current, text
from app.domain.values.text import holes, render
from app.domain.values.wire import parse_iso

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS: Final = (("d", "day", 86400), ("h", "hour", 3600), ("min", "minute", 60))
"""The units of a duration: as English pages write them, as babel names them, and their seconds."""


_YEAR_WORD: Final = re.compile(r"\sг\.$")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def day_text(at: datetime) -> str:
    """Return the day of an instant, in UTC: ``1 Feb 2025``."""
    if current() == DEFAULT:
        return f"{at.day} {MONTHS[at.month - 1]} {at.year}"
    from babel.dates import format_skeleton

    return str(format_skeleton("yMMMd", at, tzinfo=UTC, locale=current()))


def without_year_word(day: str) -> str:
    """Return a Russian day without its ``г.`` for *year*: a sentence that ends with it would have two full stops."""
    return _YEAR_WORD.sub("", day)


def minute_text(at: datetime) -> str:
    """Return an instant to the minute, in UTC."""
    return f"{day_text(at)}, {at:%H:%M} UTC"


def number_text(value: int, language: str | None = None) -> str:
    """Return a whole number with its thousands apart, and a true minus sign."""
    language = language or current()
    if language == DEFAULT:
        return f"{value:,}".replace(",", "\u202f").replace("-", "\u2212")
    from babel.numbers import format_decimal

    return str(format_decimal(value, locale=language)).replace("-", "\u2212")


def money_text(value: Mapping[str, str]) -> str:
    """Return money with all its digits: the currency decides how many (ISO 4217)."""
    if current() == DEFAULT:
        return f"{value['amount']}\u00a0{value['currency']}"
    from babel.numbers import format_currency

    return str(
        format_currency(Decimal(value["amount"]), value["currency"], locale=current(), decimal_quantization=False)
    ).replace("-", "\u2212")


def duration_text(seconds: int) -> str:
    """Return a length of time in its two largest units."""
    left, parts = abs(seconds), []
    for short, name, size in _UNITS:
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount}\u00a0{short}" if current() == DEFAULT else _unit_text(amount, name))
    return " ".join(parts[:2]) or text("less than a minute")


def _unit_text(amount: int, name: str) -> str:
    from babel.units import format_unit

    return str(format_unit(amount, f"duration-{name}", "short", locale=current())).replace(" ", "\u00a0")


def filled(template: str | None, facts: Mapping[str, Any]) -> str | None:
    """Return a text of the policy with its facts as the language writes them; None where it or a fact is missing."""
    if template is None or any(facts.get(name) is None for name in holes(template)):
        return None
    return render(template, {name: _word_of(facts[name]) for name in holes(template)})


def _word_of(value: Any) -> Any:
    """Return a fact as a word: a day of an instant, a number, yes or no; else as it is."""
    if isinstance(value, bool):
        return text("yes") if value else text("no")
    if isinstance(value, int):
        return number_text(value)
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return without_year_word(day_text(parse_iso(value)))
    return without_year_word(day_text(value.astimezone(UTC))) if isinstance(value, datetime) else value
