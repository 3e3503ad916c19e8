"""JSON answers: encoded once, in the order in which the views were built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from fastapi import Response

from app.domain.values.phrase import english

T = TypeVar("T")
_ENCODER = msgspec.json.Encoder(enc_hook=english)


class Reply(Response, Generic[T]):
    """A JSON answer of a published shape: an operation declares ``-> Reply[Ticket]``. Nothing is validated."""

    media_type = "application/json"

    if TYPE_CHECKING:

        def __init__(
            self,
            content: T,
            status_code: int = 200,
            headers: Mapping[str, str] | None = None,
            media_type: str | None = None,
        ) -> None: ...

    def render(self, content: Any) -> bytes:
        """The bytes of the answer."""
        return _ENCODER.encode(content)
