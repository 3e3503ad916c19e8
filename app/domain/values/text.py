"""The policy's texts with their facts filled in: ``{cover.ended_at}`` becomes ``15 July 2025``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

_HOLE: Final = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def render(text: str, facts: Mapping[str, Any]) -> str:
    """The text with its holes filled; a fact that is not known is called not stated."""
    return _HOLE.sub(lambda hole: word_of(facts.get(hole.group(1))), text)


def holes(text: str) -> Iterator[str]:
    """The names of the facts that a text wants."""
    for hole in _HOLE.finditer(text):
        yield hole.group(1)


def day(at: datetime) -> str:
    """The day of an instant in UTC, as a reader of English writes it: ``15 July 2025``."""
    local = at.astimezone(UTC)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def counted(number: int, name: str, many: str) -> str:
    """A number with its noun: ``1 support credit``, ``20 support credits``."""
    return f"{number} {name if number == 1 else many}"


def with_article(noun: str) -> str:
    """A noun with its article, by its first letter: ``a Priority Support credit``, ``an Escalated Support credit``."""
    return f"{'an' if noun[:1].lower() in set('aeiou') else 'a'} {noun}"


def decimal_text(value: Fraction) -> str:
    """A fraction as a decimal of at most six digits, without trailing zeros: ``20.01``."""
    millionths = round(value * 10**6)
    sign, digits = "-" if millionths < 0 else "", f"{abs(millionths):07d}"
    return sign + f"{digits[:-6]}.{digits[-6:]}".rstrip("0").rstrip(".")


def word_of(value: Any) -> str:
    """A fact's value as a word of a sentence."""
    match value:
        case None:
            return "not stated"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return day(value)
        case Fraction():
            return decimal_text(value)
        case list() | tuple() | set() | frozenset():
            return ", ".join(sorted(str(item) for item in value))
    return str(value)
