"""Tell whether a call says what an earlier call said, by a stored digest.

A digest covers what was said. A member at its default is left out, so that a new optional member changes no digest.
Digests of this form begin with `EDITION`. Rows stored before have none. They hold the first edition's form, in which
the members of that time stand with their defaults. Such a row is compared with that form of the call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from app.domain.values.wire import payload_hash

EDITION: Final = "2:"
OUTSIDE: Final = "outside_digest"
"""Metadata key of a command's field that its digest does not cover: ``field(metadata={OUTSIDE: True})``."""


@dataclass(frozen=True, slots=True)
class CallContent:
    """What a call says: ``members`` without defaults, ``first`` makes the first edition's form of it."""

    members: Mapping[str, Any]
    first: Callable[[], Mapping[str, Any]]

    def digest(self) -> str:
        """Return the digest to store."""
        return EDITION + payload_hash(self.members)

    def is_of(self, stored: str) -> bool:
        """Whether ``stored`` is a digest of the same content, in whichever form it was stored."""
        if stored.startswith(EDITION):
            return stored == self.digest()
        return stored == payload_hash(self.first())


def content_of(command: Any) -> dict[str, Any]:
    """Return the members of a command that differ from their defaults, in nested commands too."""
    return {
        field.name: _plain(value)
        for field in dataclasses.fields(command)
        if not field.metadata.get(OUTSIDE) and (value := getattr(command, field.name)) != _default(field)
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _plain(value: Any) -> Any:
    """Return a value for hashing: amounts by their worth (34.5 is 34.50), nested commands by what they say."""
    if dataclasses.is_dataclass(value):
        return content_of(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value
