"""What a customer says of itself: name, e-mail addresses, ids in other systems; and the words by which it is found.

A search has one rule, whatever the size of the tenant: each word of the query is the beginning of a word of the
customer's. Words are runs of letters and digits, in small letters and in one form of Unicode, so that case never
matters. No rule of a policy reads any of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

WORD_LENGTH: Final = 60
"""Letters of a word that are kept. Of a longer word the beginning is compared."""
WORDS_ASKED: Final = 8
"""Words of a query that are looked for."""
EMAIL: Final = r"^[^\x00-\x20\x22(),:;<>@\x5b-\x5d\x7f-\u009f]+@[^\x00-\x20\x22(),:;<>@\x5b-\x5d\x7f-\u009f]+$"
"""What an e-mail address looks like: one @ between two texts without spaces, quotes and brackets."""
SYSTEM: Final = r"^[a-z0-9][a-z0-9._-]*$"
"""What the name of a source looks like."""
_WORD: Final = re.compile(r"[^\W_]+")
MEMBERS: Final = ("name", "emails", "external_ids", "company_id", "metadata")
"""What `PUT /v1/customers/{customer_id}` replaces."""


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared, each once, in order."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return list(dict.fromkeys(word[:WORD_LENGTH] for word in _WORD.findall(folded)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a customer as a person or a company. Erasable; ``external_ids``: by the system's name.

    ``company``: the company's name in plain words, as an import has it; it links to nothing.
    """

    name: str | None = None
    emails: tuple[str, ...] = ()
    external_ids: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    company: str | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read a stored profile; one that an earlier version imported has one ``email``."""
        emails = stored.get("emails")
        if emails is None:
            emails = [stored["email"]] if stored.get("email") else []
        return cls(
            name=stored.get("name"),
            emails=tuple(emails),
            external_ids=dict(stored.get("external_ids") or {}),
            metadata=dict(stored.get("metadata") or {}),
            company=stored.get("company"),
        )

    def stored(self) -> dict[str, Any]:
        """Return it as the row keeps it: what is empty is left out."""
        members: dict[str, Any] = {
            "name": self.name,
            "emails": list(self.emails),
            "external_ids": dict(self.external_ids),
            "metadata": dict(self.metadata),
            "company": self.company,
        }
        return {name: value for name, value in members.items() if value}

    def joined(self, other: Profile) -> Profile:
        """Return this profile with what only the other one knows: two accounts became one."""
        known = {email.casefold() for email in self.emails}
        more = tuple(email for email in other.emails if email.casefold() not in known)
        return Profile(
            name=self.name or other.name,
            emails=(*self.emails, *more),
            external_ids={**other.external_ids, **self.external_ids},
            metadata={**other.metadata, **self.metadata},
            company=self.company or other.company,
        )

    def words(self, names: Iterable[str]) -> frozenset[str]:
        """Return the words by which a customer is found; ``names``: its ids here, and its company's."""
        texts = [*names, self.name or "", self.company or "", *self.emails]
        texts += [f"{system} {external_id}" for system, external_id in self.external_ids.items()]
        return frozenset(word for text in texts for word in words(text))
