"""Watches the whole run: what the service logs is one JSON line without a secret, what it answers is no trace."""

from __future__ import annotations

import json
import logging
import re
from typing import Any, Final

import httpx

from app.api.observability import JsonLines
from tests.support import shops

SECRETS: Final = re.compile(
    r"rtn_(?:live|test|ct|op|in|ss|sl|os|ol)_[\w-]{4,}|whsec_[A-Za-z0-9+/=]{8,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.|Bearer [^\s\"\[]{4,}"
    r"|://[^/@\s:]+:[^/@\s]+@|secret-of-the-tests|" + re.escape(shops.SECRET)
)
TRACES: Final = (
    "Traceback (most recent call last)",
    'File "/',
    "sqlalchemy.exc",
    "asyncpg.exceptions",
    "site-packages",
)
found: list[str] = []
"""What was wrong since it was last asked."""
lines = 0


class Watch(logging.Handler):
    """Reads every line as the service would have written it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Notes a line that should not be there."""
        global lines
        lines += 1
        text = self.format(record)
        secret = SECRETS.search(text)
        if secret is not None:
            found.append(f"logged: {secret[0]!r} in {text[:500]}")
        if "\n" in text or not isinstance(json.loads(text), dict):
            found.append(f"not one line: {text[:500]}")


async def answered(response: httpx.Response) -> None:
    """Notes a refusal that shows the inside of the service."""
    if response.status_code < 400:
        return
    text = (await response.aread()).decode(errors="replace")
    shown = [word for word in TRACES if word in text]
    if shown:
        found.append(f"answered: {shown} in {text[:500]}")


def install() -> None:
    """From here on."""
    logging.getLogger().addHandler(Watch())


def taken() -> list[str]:
    """What was found; forgotten with the asking."""
    every, found[:] = list(found), []
    return every


def hooks(more: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Event hooks for clients of the service."""
    return {**more, "response": [answered, *more.get("response", ())]}
