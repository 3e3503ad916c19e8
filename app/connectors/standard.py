"""Standard Webhooks 1.0.0, receiving: ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` over
the raw bytes.

The library verifies one secret at a time and asks the clock itself. Here both secrets and the instant are given. The
comparison is the same. A test holds it against the library.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from app.connectors.payload import any_equal, fresh, hmac_of, quietly, text
from app.domain.feeds.adapter import Identity

HEADERS = ("webhook-id", "webhook-timestamp")
PREFIX = "whsec_"


class Signed:
    """What the kinds that come as Standard Webhooks have in common. ``about`` says what an event is of, and the key in
    its data that names it (``order``, ``order_id``).
    """

    headers = HEADERS
    about: ClassVar[tuple[str, str]]

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Standard Webhooks."""
        return verify(headers, body, secrets, now)

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """The id is signed with the body."""
        event = quietly(body)
        data, (what, key) = event.get("data"), self.about
        number = data.get(key) if isinstance(data, dict) else None
        return Identity(
            event_id=headers.get("webhook-id"),
            topic=text(event.get("type"), 100) or None,
            subject=f"{what}/{text(number, 150)}" if isinstance(number, int | str) and number else None,
        )


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the secrets signed id, timestamp and body, within 300 seconds."""
    ident, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not ident or len(ident) > 200 or not ident.isascii() or not fresh(sent_at, now):
        return False
    presented = [
        decoded
        for part in headers.get("webhook-signature", "").split(" ")[:20]
        if part.startswith("v1,") and (decoded := unbase64(part[3:])) is not None
    ]
    keys = [key for secret in secrets if (key := key_of(secret))]
    expected = [hmac_of("sha256", key, f"{ident}.{sent_at}.".encode(), body) for key in keys]
    return any_equal(expected, presented)


def key_of(secret: str) -> bytes | None:
    """The bytes of a secret: base64 after ``whsec_``, as the specification has it."""
    return unbase64(secret.removeprefix(PREFIX) + "=" * (-len(secret.removeprefix(PREFIX)) % 4))


def unbase64(text: str) -> bytes | None:
    """Strict base64, or None."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True) or None
    except (ValueError, binascii.Error):
        return None
