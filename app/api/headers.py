"""Headers with a meaning: versions of what can be edited (ETag), and the end of what is going away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from app.api.problems import Problem
from app.domain.values.wire import payload_hash


def etag(version: Any) -> str:
    """The entity tag of a version: a number, or anything JSON-able."""
    text = (
        f"v{version}" if isinstance(version, int) else hashlib.sha256(payload_hash(version).encode()).hexdigest()[:20]
    )
    return f'"{text}"'


@dataclass(frozen=True, slots=True)
class Conditions:
    """The versions that a caller names: a write wants one of ``required`` in force, and none of ``excluded``."""

    required: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    @classmethod
    def of(cls, if_match: Iterable[str], if_none_match: Iterable[str]) -> Conditions:
        """Read the values of the headers ``If-Match`` and ``If-None-Match``."""
        return cls(frozenset(_tags_in(if_match)), frozenset(_tags_in(if_none_match)))

    @classmethod
    def read(cls, if_match: str | None, if_none_match: str | None) -> Conditions:
        """Read the same from arguments, where a version needs no quotes."""
        return cls.of(_quoted(if_match), _quoted(if_none_match))

    def require(self, current: str | None) -> None:
        """Raise 412 ``precondition_failed`` where a condition fails; ``current`` None: there is no version.

        Call it inside the transaction, once the row is locked, so that no update is lost.
        """
        if self.required and not (current is not None and ("*" in self.required or current in self.required)):
            raise Problem("precondition_failed", etag=current)
        if self.excluded and current is not None and ("*" in self.excluded or current in self.excluded):
            raise Problem("precondition_failed", etag=current)

    def check(self, version: str | None) -> None:
        """`require` for a use case to call with the version in force, once it has locked the row."""
        self.require(None if version is None else tagged(version))


def conditions_of(request: Request) -> Conditions:
    """Read a request's conditions."""
    return Conditions.of(request.headers.getlist("if-match"), request.headers.getlist("if-none-match"))


def tagged(version: str) -> str:
    """A version in words as an entity tag."""
    return f'"{version}"'


def _quoted(value: str | None) -> list[str]:
    """Return the tags of an argument as a header has them. Empty text names a version that there is not."""
    if value is None:
        return []
    tags = [tag.strip() for tag in value.split(",") if tag.strip()]
    return [tag if tag == "*" or tag.endswith('"') else tagged(tag) for tag in tags or [""]]


def _tags_in(values: Iterable[str]) -> set[str]:
    return {tag.strip() for value in values for tag in value.split(",") if tag.strip()}
