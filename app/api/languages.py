"""The language of an answer: which one a caller wants, and texts in it.

- English is what the code writes. The folders of `app/locale` are the other languages.
- A caller's language is the best of ``Accept-Language`` (RFC 9110, 12.5.4): by weight, and ``de-AT`` stands for ``de``.
- A text that a catalogue lacks stays English. A catalogue is read when its language is first asked for.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Final

DEFAULT: Final = "en"
FOLDER: Final = Path(__file__).resolve().parents[1] / "locale"
NAMES: Final = {"en": "English", "de": "Deutsch", "ru": "Русский"}
"""What each language calls itself."""
PAGES: Final = "pages"
PROBLEMS: Final = "problems"
SENTENCES: Final = "sentences"
DOMAINS: Final = (PAGES, PROBLEMS, SENTENCES)
"""The catalogues of a language: what pages say, what refusals say, and the sentences of the domain."""
HEADER_MAX: Final = 500
"""Characters of a header that are looked at; browsers send some dozens."""
FORMS: Final = {2: ("one", "many"), 3: ("one", "few", "many")}
"""The names of a word's forms, by how many a language has."""
FORMS_OF: Final = {"ru": 3}
"""How many forms a language has, where it is not two."""
_QUALITY: Final = re.compile(r"\s*q\s*=\s*([01])(?:\.([0-9]{0,3}))?\s*", re.IGNORECASE | re.ASCII)
_language: ContextVar[str] = ContextVar("language", default=DEFAULT)


@cache
def known() -> tuple[str, ...]:
    """Return the languages that there are, English first."""
    return (DEFAULT, *sorted(path.name for path in FOLDER.iterdir() if (path / "LC_MESSAGES").is_dir()))


def match(tag: str) -> str | None:
    """Return the language of a tag, without its region (RFC 4647, 3.4); None where there is none of it."""
    primary = tag.strip().replace("_", "-").partition("-")[0].lower()
    return primary if primary in known() else None


def accepted(header: str) -> str:
    """Return the language that a header asks for; English where it names none that there is."""
    best, weight = DEFAULT, 0
    for choice in header[:HEADER_MAX].split(","):
        tag, _, parameters = choice.partition(";")
        found, wish = match(tag), _weight(parameters)
        if found is not None and wish > weight:
            best, weight = found, wish
    return best


def _weight(parameters: str) -> int:
    """Return the weight of a choice in thousandths; what cannot be read counts nothing."""
    if not parameters.strip():
        return 1000
    found = _QUALITY.fullmatch(parameters)
    if found is None:
        return 0
    return min(int(found[1]) * 1000 + int(f"{found[2] or ''}000"[:3]), 1000)


def current() -> str:
    """Return the language of the answer that is being made."""
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Make answers in a language."""
    before = _language.set(language)
    try:
        yield
    finally:
        _language.reset(before)


@cache
def catalogue(language: str, domain: str) -> gettext.NullTranslations:
    """Return a catalogue, read once; an empty one for English."""
    if language == DEFAULT:
        return gettext.NullTranslations()
    return gettext.translation(domain, FOLDER, [language])


def text(message: str, domain: str = PAGES, /, **values: Any) -> str:
    """Return a text in the language of the answer; ``%(name)s`` stands for a value."""
    found = message if current() == DEFAULT or not message else catalogue(current(), domain).gettext(message)
    return found % values if values else found


def problem_text(message: str) -> str:
    """Return a text of a refusal in the language of the answer."""
    return text(message, PROBLEMS)


def language_headers() -> dict[str, str]:
    """Return what a refusal says of its language; nothing where it is English, as it is without the header."""
    return {} if current() == DEFAULT else {"Content-Language": current(), "Vary": "Accept-Language"}


def form_of(number: int, language: str | None = None) -> str:
    """Return which form of a word goes with a number: ``one``, ``many``, or ``few`` where the language has it."""
    language = language or current()
    found = catalogue(language, PAGES)
    index = int(found.plural(number)) if isinstance(found, gettext.GNUTranslations) else int(number != 1)  # type: ignore[attr-defined]
    return FORMS[FORMS_OF.get(language, 2)][index]


def counted(one: str, many: str, number: int, /, **values: Any) -> str:
    """Return the form of a text that goes with a number; Russian has three."""
    return catalogue(current(), PAGES).ngettext(one, many, number) % {"num": number, **values}
