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
    """The delivery is not the service's, or it is too old."""


def verify(
    body: bytes, headers: Mapping[str, str], secret: str | Sequence[str], *, now: float | None = None
) -> dict[str, Any]:
    """The event of a delivery. Raise `WebhookError` unless a secret signed these bytes within five minutes.

    ``body``: the bytes as they came. ``secret``: one, or two while one replaces the other. Remember ``webhook-id``: a
    delivery may come twice.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        ident, sent_at, signed = (lower[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age = abs((time.time() if now is None else now) - int(sent_at))
    except (KeyError, ValueError):
        raise WebhookError("the headers of a webhook are missing") from None
    if age > TOLERANCE_SECONDS:
        raise WebhookError("the delivery is older than five minutes")
    presented = [_decoded(part[3:]) for part in signed.split() if part.startswith("v1,")]
    for one in [secret] if isinstance(secret, str) else secret:
        wanted = hmac.new(_decoded(one.removeprefix("whsec_")), f"{ident}.{sent_at}.".encode() + body, hashlib.sha256)
        if any(hmac.compare_digest(wanted.digest(), part) for part in presented):
            event: dict[str, Any] = json.loads(body)
            return event
    raise WebhookError("no secret signed this body")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
