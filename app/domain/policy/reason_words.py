"""What a stored reason says in another language: by the policy's own text for its code, else by the service's message.

A reason is stored with its English sentence, its code and its facts. The policy's text of the code wins; else the
message of ours that makes the sentence is found again (`Tongue.recalled`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from app.domain.policy.policy import Policy
from app.domain.policy.translations import UNIT, texts_of, with_title
from app.domain.values.phrase import Phrase, Tongue, phrased

Row = Mapping[str, Any]
END_OF_TERM: Final = phrased("the end of its term, counted from the first request")
"""The end of cover that begins with a ticket."""


def reason_words(policy: Policy, reason: Row) -> Phrase:
    """Return the sentence of a reason as published."""
    text = str(reason["message"])

    def words(tongue: Tongue) -> str:
        template = policy.messages.get(tongue.code, {}).get(str(reason.get("code")))
        facts = with_title(policy.translations.get(tongue.code, {}), reason.get("facts") or {})
        found = None if template is None else tongue.filled(template, facts)
        return found or _stored(policy, text, tongue)

    return Phrase(words)


def stored_words(policy: Policy, text: str) -> Phrase:
    """Return a sentence that was stored in English: what would change an answer, a step of a price, a remedy."""
    if isinstance(text, Phrase):
        return text
    return Phrase(lambda tongue: _stored(policy, text, tongue))


def remedy_words(policy: Policy, remedy: Row) -> Phrase:
    """Return the text of a remedy as published; where no message makes it, the policy's own text of its kind."""
    text = str(remedy["text"])

    def words(tongue: Tongue) -> str:
        found = _stored(policy, text, tongue)
        return (
            found
            if found != text
            else policy.translations.get(tongue.code, {}).get(f"remedies.{remedy['kind']}") or text
        )

    return Phrase(words)


_TEXTS: Final = ("summary", "would_change", "text", "message")


def in_words(policy: Policy, value: Any) -> Any:
    """Return an explanation whose stored sentences can be said in another language: of reasons, remedies and steps."""
    if isinstance(value, Mapping):
        return {name: _member(policy, value, name, item) for name, item in value.items()}
    return [in_words(policy, item) for item in value] if isinstance(value, list | tuple) else value


def _member(policy: Policy, row: Row, name: str, value: Any) -> Any:
    if name == "facts":
        return value
    if name == "would_change" and isinstance(value, list | tuple):
        return [stored_words(policy, item) for item in value]
    if name not in _TEXTS or not isinstance(value, str) or isinstance(value, Phrase):
        return in_words(policy, value)
    if name == "message" and "code" in row:
        return reason_words(policy, row)
    if name == "text" and "notice" in row:
        return _notice_words(policy, row)
    return remedy_words(policy, row) if name == "text" and "kind" in row else stored_words(policy, value)


def _notice_words(policy: Policy, notice: Row) -> Phrase:
    """Return the text of a notice, which names the end of the cover that it speaks of."""

    def words(tongue: Tongue) -> str:
        template = policy.translations.get(tongue.code, {}).get(f"notices.{notice['notice']}")
        ends = notice.get("ends_at") or END_OF_TERM.say(tongue)
        found = None if template is None else tongue.filled(template, {"cover_ends_at": ends})
        return found or str(notice["text"])

    return Phrase(words)


class _Same:
    """A policy, equal to itself alone: what is worked out of it is kept by this."""

    __slots__ = ("policy",)

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def __hash__(self) -> int:
        return id(self.policy)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.policy is self.policy


@lru_cache(maxsize=32)
def _known_texts(same: _Same, language: str) -> Mapping[str, str]:
    """Return a policy's texts from English to a language, and its words for a credit by their names (`UNIT`)."""
    texts = same.policy.translations.get(language)
    if not texts:
        return {}
    known = {english: texts[name] for name, english in texts_of(same.policy).items() if name in texts}
    return known | {name: texts[name] for name in UNIT if name in texts}


def _stored(policy: Policy, text: str, tongue: Tongue) -> str:
    if tongue.code == "en":
        return text
    return tongue.recalled(text, _known_texts(_Same(policy), tongue.code)) or text
