"""How a language says the sentences that the domain builds: by the catalogue of sentences, in the reader's language.

A phrase (`app.domain.values.phrase`) knows its message and its arguments. What storage has only as an English text,
such as what would change an answer, is found again by the message that makes it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeVar

from app.api.formats import filled, number_text, without_year_word
from app.api.languages import DEFAULT, FOLDER, SENTENCES, catalogue, current, form_of
from app.domain.values.phrase import ENGLISH, Phrase, Tongue, cited
from app.domain.values.text import MONTHS

V = TypeVar("V")
_HOLE: Final = re.compile(r"%\((\w+)\)s")
_NUMBER: Final = re.compile(r"-?\d{1,18}")
_DAY: Final = re.compile(rf"(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})")
_CITED: Final = re.compile(r"(.+) \(([^()\s]+)\)\.", re.DOTALL)
_BETWEEN: Final = re.compile(r"(?<=[.?!]) (?=[A-Z0-9])")
_SEVERAL: Final = (
    (_BETWEEN, " "),
    (re.compile("; "), "; "),
    (re.compile(" or "), " or "),
    (re.compile(" and "), " and "),
    (re.compile(", "), ", "),
)
"""What stands between texts that are one after the other, and the message for it."""
WEAK: Final = 8
"""Letters of a message below which its first argument has to be known too: much else reads like ``... is ...``."""
DEEP: Final = 6
"""How far messages are looked for within each other."""
LONGEST: Final = 2000
"""Characters of a stored text that is looked at."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the catalogue: how to know a text that it made, and its key."""

    pattern: re.Pattern[str]
    one: str
    many: str | None
    is_many: bool
    letters: int
    literal: str
    """The longest part that stands between arguments: a text without it is not looked at."""


def messages_of(language: str) -> list[tuple[str, ...]]:
    """Return the English messages of a compiled catalogue of sentences: each as it is, or its two forms."""
    data = (FOLDER / language / "LC_MESSAGES" / f"{SENTENCES}.mo").read_bytes()
    count, at = struct.unpack("<II", data[8:16])
    found = []
    for number in range(count):
        length, start = struct.unpack("<II", data[at + 8 * number : at + 8 * number + 8])
        if length:
            found.append(tuple(data[start : start + length].decode().split("\0")))
    return found


@cache
def _patterns(language: str) -> tuple[dict[str, Message], list[Message]]:
    """Return the messages without arguments by their text, and the others, those that say most first."""
    plain: dict[str, Message] = {}
    others: list[Message] = []
    for forms in messages_of(language):
        for number, text in enumerate(forms):
            parts = _HOLE.split(text)
            literals, names = parts[::2], parts[1::2]
            pattern = re.escape(literals[0])
            for name, literal in zip(names, literals[1:], strict=True):
                pattern += f"(?P<{name}>.+?){re.escape(literal)}"
            letters = sum(char.isalpha() for literal in literals for char in literal)
            many = forms[1] if len(forms) > 1 else None
            made = Message(re.compile(pattern, re.DOTALL), forms[0], many, number > 0, letters, max(literals, key=len))
            if names:
                others.append(made)
            else:
                plain[text] = made
    return plain, sorted(others, key=lambda message: -message.letters)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A language by its catalogue of sentences."""

    code: str

    @property
    def small(self) -> bool:
        """Return whether titles lose their capital inside a sentence; German keeps those of its nouns."""
        return self.code != "de"

    def message(self, message: str) -> str:
        """Return a message; English where it has no translation."""
        return catalogue(self.code, SENTENCES).gettext(message)

    def message_of(self, one: str, many: str, number: int) -> str:
        """Return the form of a message that goes with a number."""
        return catalogue(self.code, SENTENCES).ngettext(one, many, abs(number))

    def form(self, number: int) -> str:
        """Return which form of a word goes with a number."""
        return form_of(abs(number), self.code)

    def number(self, number: int) -> str:
        """Return a number as the language writes it."""
        return number_text(number, self.code)

    def day(self, at: datetime) -> str:
        """Return a day with its month written out: ``15. Juli 2025``; Russian without its word for a year."""
        from babel.dates import format_date

        return without_year_word(str(format_date(at.astimezone(UTC), "long", locale=self.code)))

    def filled(self, template: str, facts: Mapping[str, Any]) -> str | None:
        """Return a text of a policy with its facts as the language writes them."""
        return filled(template, facts)

    def recalled(self, text: str, texts: Mapping[str, str]) -> str | None:
        """Return what a stored English text says in this language; None where no message makes it."""
        return _Recall(self, texts).whole(text) if len(text) <= LONGEST else None


@dataclass(frozen=True, slots=True)
class _Recall:
    """Finds the messages that made a text. ``texts``: of a policy, from English."""

    tongue: Catalogue
    texts: Mapping[str, str]

    def whole(self, text: str, depth: int = 0) -> str | None:
        """Return a text of one sentence or several, with their clauses; None where one is not known."""
        if text in self.texts:
            return self.texts[text]
        plain, others = _patterns(self.tongue.code)
        if text in plain:
            return self._worded(plain[text], {}, text)
        if (clause := _CITED.fullmatch(text)) is not None and _BETWEEN.search(clause[1]) is None:
            body = self.whole(clause[1], depth) or self.whole(f"{clause[1]}.", depth)
            return None if body is None else str(cited(body, clause[2]))
        return self._parts(text, depth) or self._amount(text) or self._made(text, others, depth)

    def _parts(self, text: str, depth: int) -> str | None:
        """Return a text that is several one after the other, each of which is known."""
        for between, words in _SEVERAL:
            parts = between.split(text)
            if len(parts) > 1:
                words_of: list[str] = []
                for part in parts:
                    found = self.whole(part, depth + 1) if depth < DEEP else None
                    if found is None:
                        break
                    words_of.append(found)
                if len(words_of) == len(parts):
                    return self.tongue.message(words).join(words_of)
        return None

    def _made(self, text: str, messages: Sequence[Message], depth: int) -> str | None:
        """Return a text that a message with arguments makes."""
        if depth >= DEEP:
            return None
        for message in messages:
            match = message.pattern.fullmatch(text) if message.literal in text else None
            if match is not None:
                known = self._arguments(match.groupdict(), depth + 1)
                if message.letters >= WEAK or next(iter(known.values())) is not None:
                    values = {name: known[name] or value for name, value in match.groupdict().items()}
                    return self._worded(message, values, text)
        return None

    def _worded(self, message: Message, values: Mapping[str, str], text: str) -> str:
        if message.many is None:
            form = self.tongue.message(message.one)
        else:
            number = _NUMBER.search(text)
            form = self.tongue.message_of(message.one, message.many, _count(number) if message.is_many else 1)
        return form % values if values else form

    def _arguments(self, values: Mapping[str, str], depth: int) -> dict[str, str | None]:
        known = {name: self._argument(value, depth) for name, value in values.items()}
        if set(values) == {"number", "unit"} and (amount := self._amount(f"{values['number']} {values['unit']}")):
            known["number"], _, known["unit"] = amount.partition(" ")
        return known

    def _argument(self, value: str, depth: int) -> str | None:
        if _NUMBER.fullmatch(value):
            return self.tongue.number(int(value))
        if (day := _DAY.fullmatch(value)) is not None:
            return self._day(day)
        return self.whole(value, depth)

    def _day(self, day: re.Match[str]) -> str | None:
        try:
            return self.tongue.day(datetime(int(day[3]), MONTHS.index(day[2]) + 1, int(day[1]), tzinfo=UTC))
        except ValueError:
            return None

    def _amount(self, text: str) -> str | None:
        """Return so many credits in the policy's word, or in ours where it has none."""
        number, _, word = text.partition(" ")
        if not _NUMBER.fullmatch(number):
            return None
        amount = int(number)
        named = self.texts.get(f"unit.{self.tongue.form(amount)}")
        if named is not None and word in self.texts and self.texts[word] in [self.texts.get(name) for name in _UNITS]:
            return f"{self.tongue.number(amount)} {named}"
        if word in ("credit", "credits"):
            return f"{self.tongue.number(amount)} {self.tongue.message_of('credit', 'credits', amount)}"
        return None


_UNITS: Final = ("unit.one", "unit.few", "unit.many", "unit.title")


def _count(number: re.Match[str] | None) -> int:
    return 2 if number is None else int(number[0])


def tongue() -> Tongue:
    """Return how the language of the answer says a phrase."""
    return ENGLISH if current() == DEFAULT else Catalogue(current())


def spoken_text(text: str) -> str:
    """Return a sentence in the language of the answer: a phrase, or one that was stored in English."""
    there = tongue()
    return text.say(there) if isinstance(text, Phrase) else there.recalled(text, {}) or text


def spoken(value: V) -> V:
    """Return an answer with each phrase said in the language of the answer."""
    return _spoken(value, tongue())  # type: ignore[no-any-return]


def _spoken(value: Any, tongue: Tongue) -> Any:
    if isinstance(value, Phrase):
        return value.say(tongue)
    if isinstance(value, dict):
        return {name: _spoken(item, tongue) for name, item in value.items()}
    return [_spoken(item, tongue) for item in value] if isinstance(value, list | tuple) else value
