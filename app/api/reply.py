"""JSON answers: encoded once, in the order in which the views were built."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Response

_ENCODER = msgspec.json.Encoder()


class Reply(Response):
    """A JSON answer from a JSON-able view."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of the answer."""
        return _ENCODER.encode(content)
