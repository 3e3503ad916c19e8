"""Verify webhooks (Standard Webhooks): the service signed this body, and not long ago."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

TOLERANCE_SECONDS = 300


class WebhookError(Exception):
    """The delivery is not the service's or too old, or a secret cannot be read."""


def verify(
    body: bytes | str, headers: Mapping[str, str], secret: str | Sequence[str], *, now: float | None = None
) -> dict[str, Any]:
    """The event of a delivery. Raise `WebhookError` unless a secret signed these bytes within five minutes.

    ``body``: the bytes as they came, or their text. ``secret``: one, or two while one replaces the other; each is
    ``whsec_`` and base64 of 16 to 128 bytes. Remember ``webhook-id``: a delivery may come twice.
    """
    # All of them first: a secret that cannot be read is a mistake, even where another one would do.
    keys = [_key(one) for one in ([secret] if isinstance(secret, str) else secret)]
    raw = body.encode() if isinstance(body, str) else body
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        ident, sent_at, signed = (lower[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age = abs((time.time() if now is None else now) - int(sent_at))
    except (KeyError, ValueError):
        raise WebhookError("the headers of a webhook are missing") from None
    if age > TOLERANCE_SECONDS:
        raise WebhookError("the delivery is older than five minutes")
    presented = [_decoded(part[3:]) for part in signed.split() if part.startswith("v1,")]
    for key in keys:
        wanted = hmac.new(key, f"{ident}.{sent_at}.".encode() + raw, hashlib.sha256)
        if any(hmac.compare_digest(wanted.digest(), part) for part in presented):
            event: dict[str, Any] = json.loads(raw)
            return event
    raise WebhookError("no secret signed this body")


def _key(secret: str) -> bytes:
    """The key of a secret. An empty one would let anybody sign."""
    text = secret.removeprefix("whsec_")
    key = _decoded(text + "=" * (-len(text) % 4))
    if text == secret or not 16 <= len(key) <= 128:
        raise WebhookError("a secret is whsec_ and base64 of 16 to 128 bytes")
    return key


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
