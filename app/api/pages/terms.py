"""The words of a vendor's policy on a page: what a credit is called, and titles of what the policy names by codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from app.api.formats import filled, number_text
from app.api.languages import DEFAULT, counted, current, form_of, text
from app.api.pages.words import inside, plain
from app.api.tongue import tongue
from app.domain.policy.policy import Policy
from app.domain.policy.reason_words import reason_words, remedy_words
from app.domain.policy.wording import shown

CREDITS = "credits"
"""What credits are called where the policy has no word of its own."""


def english(words: str) -> Markup | str:
    """Return a text that is English whatever the page is, marked as such for who listens to the page."""
    return words if current() == DEFAULT else Markup('<span lang="en">{}</span>').format(words)


@dataclass(frozen=True, slots=True)
class Terms:
    """The policy's words in the page's language; English where it has none, and then as the page says it in English."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """Titles and such by name, as `app.domain.policy.translations` says."""
    messages: Mapping[str, str] = field(default_factory=dict)
    """Sentences of reasons, by code."""
    policy: Policy | None = None

    @classmethod
    def of(cls, policy: Policy | None) -> Terms:
        """Return the words of a policy in the page's language."""
        if policy is None or current() == DEFAULT:
            return cls()
        return cls(policy.translations.get(current(), {}), policy.messages.get(current(), {}), policy)

    def unit(self, unit: str | None, number: int | None = None) -> str:
        """Return what so many credits are called; without a number, the name of a column."""
        if current() == DEFAULT:
            return unit or CREDITS
        named = self.texts.get("unit.title" if number is None else f"unit.{form_of(number)}")
        if named is not None or (unit or CREDITS) != CREDITS:
            return named or unit or CREDITS
        return text(CREDITS) if number is None else counted("credit", CREDITS, number)

    def amount(self, number: int, unit: str | None) -> str:
        """Return so many credits: ``10 credits``."""
        return f"{number_text(number)} {self.unit(unit, number)}"

    def time(self, credits: int, written: str) -> str:
        """Return credits that are time as the page's language writes time; ``written``: as English does."""
        found = None if self.policy is None else shown(self.policy, credits)
        return written if found is None else found.say(tongue())

    def title(self, kind: str, name: str, title: str) -> Markup | str:
        """Return a title of the policy, by the kind and the name of what it belongs to."""
        return self.texts.get(f"{kind}.{name}") or english(title)

    def category(self, code: str | None) -> str:
        """Return the name of a category."""
        return self.texts.get(f"categories.{code}") or text(plain(code or "–"))

    def categories(self, codes: Iterable[str]) -> str:
        """Return the names of categories inside a sentence."""
        return ", ".join(inside(self.category(code)) for code in codes)

    def cause(self, code: str) -> str:
        """Return the name of a cause."""
        return self.texts.get(f"causes.{code}") or text(plain(code))

    def plan(self, code: str | None) -> str:
        """Return the name of a plan."""
        return self.texts.get(f"plans.{code}") or code or ""

    def credit_type(self, code: str) -> str:
        """Return the name of a type of credits."""
        return self.texts.get(f"credit_types.{code}") or text(plain(code))

    def label(self, labels: Mapping[str, str], name: str) -> str:
        """Return the vendor's words for a term of ours, if there are any in the page's language."""
        return labels.get(name, "") if current() == DEFAULT else self.texts.get(f"labels.{name}", "")

    def asked(self, name: str, title: str) -> str:
        """Return what a form asks for."""
        translated = self.texts.get(name if name.startswith("inputs.") else f"facts.{name}")
        return translated or text(plain(title))

    def reason(self, reason: Mapping[str, Any]) -> Markup | str:
        """Return the sentence of a reason."""
        facts = reason.get("facts") or {}
        if "fact" in facts and "title" in facts:
            facts = {**facts, "title": self.asked(facts["fact"], facts["title"])}
        found = filled(self.messages.get(reason["code"]), facts)
        return found or self._stored(str(reason["message"]), {**reason, "facts": facts})

    def remedy(self, remedy: Mapping[str, Any]) -> Markup | str:
        """Return the sentence of a remedy."""
        text = str(remedy["text"])
        if self.policy is None:
            return english(text)
        found = remedy_words(self.policy, remedy).say(tongue())
        return found if found != text else english(text)

    def sentence(self, text: str) -> Markup | str:
        """Return a sentence of ours that was stored in English: a step of a price."""
        return self._stored(text, {"message": text})

    def _stored(self, text: str, reason: Mapping[str, Any]) -> Markup | str:
        """Return a sentence that was stored in English by the message that makes it."""
        if self.policy is None:
            return english(text)
        found = reason_words(self.policy, reason).say(tongue())
        return found if found != text else english(text)
