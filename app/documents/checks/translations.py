"""Translations of a policy: they name what is there, keep its placeholders, and no language lacks what another has."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from app.documents.checks.context import Checker
from app.domain.policy.translations import texts_of
from app.domain.values.text import holes

SHOWN_MAX: Final = 5
"""Names that a finding lists."""


def check_translations(c: Checker) -> None:
    """Find what is wrong with `translations`, and what one language of `messages` lacks beside another."""
    p, known = c.policy, texts_of(c.policy)
    for language, texts in p.translations.items():
        if language not in p.languages:
            c.warn(
                ("translations", language),
                "unknown_language",
                f"`{language}` is not among `languages`.",
                f"Add `{language}` to `languages`.",
            )
        for name, text in texts.items():
            if name not in known:
                near = difflib.get_close_matches(name, sorted(known), 1)
                hint = f"Did you mean `{near[0]}`?" if near else "Write for instance `offers.<sku>`."
                c.warn(("translations", language, name), "unknown_text", f"`{name}` names no text.", hint)
            elif set(holes(text)) != set(holes(known[name])):
                c.error(
                    ("translations", language, name),
                    "other_placeholders",
                    f"The text has other placeholders than `{name}` itself.",
                    "Keep each name in braces as it is.",
                )
    _gaps(c, "translations", {language: _without_forms(texts) for language, texts in p.translations.items()})
    _gaps(c, "messages", p.messages)
    _placeholders_of_messages(c)


def _without_forms(texts: Mapping[str, str]) -> dict[str, str]:
    """Return texts without the forms that only some languages have."""
    return {name: text for name, text in texts.items() if name != "unit.few"}


def _gaps(c: Checker, section: str, languages: Mapping[str, Mapping[str, str]]) -> None:
    every = {name for texts in languages.values() for name in texts}
    for language, texts in languages.items():
        missing = sorted(every - texts.keys())
        if missing:
            more = f" and {len(missing) - SHOWN_MAX} more" if len(missing) > SHOWN_MAX else ""
            names = ", ".join(f"`{name}`" for name in missing[:SHOWN_MAX])
            c.warn(
                (section, language),
                "translation_missing",
                f"`{language}` lacks {names}{more}, which another language has.",
                f"Add them under `{section}`, or readers of `{language}` get the document's own words.",
            )


def _placeholders_of_messages(c: Checker) -> None:
    first: dict[str, tuple[str, set[str]]] = {}
    for language, texts in c.policy.messages.items():
        for code, text in texts.items():
            other, expected = first.setdefault(code, (language, set(holes(text))))
            if set(holes(text)) != expected:
                c.warn(
                    ("messages", language, code),
                    "other_placeholders",
                    f"The text of `{code}` has other placeholders in `{language}` than in `{other}`.",
                    "Name the same facts in each language.",
                )
