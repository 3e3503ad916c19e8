"""The words of a vendor's policy on a page: what a credit is called, and titles of what the policy names by codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.api.languages import DEFAULT, counted, current, text
from app.api.pages.formats import number_text
from app.api.pages.words import inside, plain

CREDITS = "credits"
"""What credits are called where the policy has no word of its own."""


def english(words: str) -> Markup | str:
    """Return a text that is English whatever the page is, marked as such for who listens to the page."""
    return words if current() == DEFAULT else Markup('<span lang="en">{}</span>').format(words)


@dataclass(frozen=True, slots=True)
class Terms:
    """The policy's words in the page's language."""

    def unit(self, unit: str | None, number: int | None = None) -> str:
        """Return what so many credits are called; without a number, the name of a column."""
        if current() == DEFAULT or (unit or CREDITS) != CREDITS:
            return unit or CREDITS
        return text(CREDITS) if number is None else counted("credit", CREDITS, number)

    def amount(self, number: int, unit: str | None) -> str:
        """Return so many credits: ``10 credits``."""
        return f"{number_text(number)} {self.unit(unit, number)}"

    def category(self, code: str | None) -> str:
        """Return the name of a category."""
        return text(plain(code or "–"))

    def categories(self, codes: Iterable[str]) -> str:
        """Return the names of categories inside a sentence."""
        return ", ".join(inside(self.category(code)) for code in codes)

    def cause(self, code: str) -> str:
        """Return the name of a cause."""
        return text(plain(code))

    def plan(self, code: str | None) -> str:
        """Return the name of a plan."""
        return code or ""

    def credit_type(self, code: str) -> str:
        """Return the name of a type of credits."""
        return text(plain(code))

    def label(self, labels: Mapping[str, str], name: str) -> str:
        """Return the vendor's words for a term of ours, if there are any in the page's language."""
        return labels.get(name, "") if current() == DEFAULT else ""

    def asked(self, title: str) -> str:
        """Return what a form asks for."""
        return text(plain(title))

    def reason(self, reason: Mapping[str, Any]) -> Markup | str:
        """Return the sentence of a reason."""
        return english(reason["message"])

    def remedy(self, remedy: Mapping[str, Any]) -> Markup | str:
        """Return the sentence of a remedy."""
        return english(remedy["text"])
