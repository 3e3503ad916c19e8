"""Sentences that can be said in another language: a message and its arguments, whose text is the English one.

Whoever builds a sentence names an English message with ``%(name)s`` for each argument. An argument is an int, an
instant, a name as it is, or a phrase again. A door says a phrase in the reader's language by a `Tongue` of its own:
nothing here knows a catalogue. Every phrase is a `str`, its English, for whatever needs no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from app.domain.values.text import day


class Tongue(Protocol):
    """What a language says for the messages and values of phrases."""

    @property
    def code(self) -> str:
        """Return the language's code: ``en``."""

    @property
    def small(self) -> bool:
        """Return whether a title loses its capital inside a sentence, as it does not in German."""

    def message(self, message: str) -> str:
        """Return a message, its arguments still to be filled in."""

    def message_of(self, one: str, many: str, number: int) -> str:
        """Return the form of a message that goes with a number."""

    def form(self, number: int) -> str:
        """Return which form of a word goes with a number: ``one``, ``few`` or ``many``."""

    def number(self, number: int) -> str:
        """Return a number in digits."""

    def day(self, at: datetime) -> str:
        """Return the day of an instant (UTC)."""

    def filled(self, template: str, facts: Mapping[str, Any]) -> str | None:
        """Return a text of a policy with its facts; None where one is not known."""

    def recalled(self, text: str, texts: Mapping[str, str]) -> str | None:
        """Return what a stored English text says in this language; None where no message makes it.

        ``texts``: of a policy, from English to this language.
        """


class English:
    """The language in which the messages are written."""

    code: Final = "en"
    small: Final = True

    def message(self, message: str) -> str:
        """Return the message itself."""
        return message

    def message_of(self, one: str, many: str, number: int) -> str:
        """Return the message for one or for many."""
        return one if number == 1 else many

    def form(self, number: int) -> str:
        """Return ``one`` or ``many``."""
        return "one" if number in (1, -1) else "many"

    def number(self, number: int) -> str:
        """Return a number in digits."""
        return str(number)

    def day(self, at: datetime) -> str:
        """Return a day: ``15 July 2025``."""
        return day(at)

    def filled(self, template: str, facts: Mapping[str, Any]) -> str | None:
        """Return nothing: what was said in English is said already."""
        return None

    def recalled(self, text: str, texts: Mapping[str, str]) -> str | None:
        """Return nothing: the text is English."""
        return None


ENGLISH: Final[Tongue] = English()
Say = Callable[[Tongue], str]
Argument = object
"""An int, an instant, a name, or a phrase."""


class Phrase(str):
    """A text with how it is made, so that it can be said in another language."""

    __slots__ = ("_say",)
    _say: Say

    def __new__(cls, say: Say) -> Phrase:
        """Make a phrase by how a language says it."""
        phrase = super().__new__(cls, say(ENGLISH))
        phrase._say = say
        return phrase

    def say(self, tongue: Tongue) -> str:
        """Return the text in a language."""
        return self._say(tongue)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """A copy elsewhere is its English."""
        return str, (str(self),)

    def __copy__(self) -> Phrase:
        return self

    def __deepcopy__(self, memo: object) -> Phrase:
        return self


def say(value: Argument, tongue: Tongue) -> str:
    """Return an argument as a language says it."""
    if isinstance(value, Phrase):
        return value.say(tongue)
    if type(value) is int:
        return tongue.number(value)
    return tongue.day(value) if isinstance(value, datetime) else str(value)


def english(value: object) -> str:
    """Return a phrase's English, for encoders of JSON, which know no other type than their own. Else `TypeError`."""
    if isinstance(value, Phrase):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def message(text: str) -> str:
    """Mark a message of a table as one that catalogues translate."""
    return text


def forms(one: str, many: str) -> tuple[str, str]:
    """Mark the two forms of a message of a table, for one and for several."""
    return one, many


def phrased(message: str, /, **arguments: Argument) -> Phrase:
    """Return a message with its arguments."""
    return Phrase(lambda tongue: _filled(tongue.message(message), arguments, tongue))


def phrased_of(one: str, many: str, number: int, /, **arguments: Argument) -> Phrase:
    """Return the form of a message that goes with a number, with its arguments."""
    return Phrase(lambda tongue: _filled(tongue.message_of(one, many, number), arguments, tongue))


def _filled(template: str, arguments: Mapping[str, Argument], tongue: Tongue) -> str:
    return template % {name: say(value, tongue) for name, value in arguments.items()} if arguments else template


def changed(change: Callable[[str], str], phrase: str) -> Phrase:
    """Return a phrase whose text is changed in every language."""
    return Phrase(lambda tongue: change(say(phrase, tongue)))


def concat(*parts: Argument, between: str = "") -> Phrase:
    """Return phrases one after the other."""
    return Phrase(lambda tongue: between.join(say(part, tongue) for part in parts))


def sentences(*parts: str | None) -> Phrase:
    """Return sentences as one text; none twice."""
    there = [part for part in parts if part]
    return Phrase(lambda tongue: " ".join(dict.fromkeys(say(part, tongue) for part in there)))


def joined(words: Sequence[str], last: str = "and") -> Phrase:
    """Return a list in words: ``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:
        return concat(*words)
    return phrased(_LISTS[last], first=concat(*words[:-1], between=", "), last=words[-1])


_LISTS: Final = {"and": message("%(first)s and %(last)s"), "or": message("%(first)s or %(last)s")}
_LINKS: Final = {"and": message(" and "), "or": message(" or ")}


def chained(words: Sequence[str], link: str) -> Phrase:
    """Return conditions in words, each bound to the next: ``a and b and c``."""
    return Phrase(lambda tongue: tongue.message(_LINKS[link]).join(say(word, tongue) for word in words))


def cited(sentence: str, clause: str | None) -> Phrase:
    """Return a sentence with the clause that it rests on: ``It cost nothing (XC-6).``"""

    def cite(text: str) -> str:
        body = text.rstrip()
        if clause is None or f"({clause})" in body:
            return body if body.endswith((".", "?", "!")) else f"{body}."
        return f"{body.rstrip('.')} ({clause})."

    return changed(cite, sentence)


def capital(text: str) -> Phrase:
    """Return a text with its first letter large."""
    return changed(lambda words: words[:1].upper() + words[1:], text)


def plain(title: str) -> Phrase:
    """Return a title inside a sentence: what stands before a colon, its first letter small unless it is a name."""

    def small(tongue: Tongue) -> str:
        head = say(title, tongue).partition(": ")[0].strip()
        first = head.split(" ", 1)[0]
        lower = tongue.small and (first[1:].islower() or not first[1:])
        return head[:1].lower() + head[1:] if lower else head

    return Phrase(small)


def titled(translations: Mapping[str, Mapping[str, str]], name: str, title: str) -> Phrase:
    """Return a text of a policy, by its name among the policy's translations: ``offers.license``."""
    return Phrase(lambda tongue: translations.get(tongue.code, {}).get(name) or title)
