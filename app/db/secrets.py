"""Secrets that must be read back (webhook and shop secrets) are sealed before they reach a row (decisions
17).

AES-256-GCM with a key derived from the installation's secret key; the row they belong to is bound in as
associated data, so that a sealed secret copied into another tenant's row does not open.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORM: Final = b"\x01"
_NONCE: Final = 12


class SealBroken(Exception):  # noqa: N818 - what is the matter, in a word
    """A sealed secret does not open: the installation's secret key is not the one it was sealed with."""


class Cipher:
    """Seals and opens. ``secret``: the installation's secret key (`settings.secret_key`), 32 random
    characters or more."""

    __slots__ = ("_aead",)

    def __init__(self, secret: str) -> None:
        self._aead = AESGCM(hashlib.sha256(b"retainer/secrets/1\x00" + secret.encode()).digest())

    def seal(self, plain: str, *, tenant_id: str, subject: str) -> bytes:
        """The bytes to store. ``subject`` names the row, e.g. ``source/shop`` or ``endpoint/whe_...``."""
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._aead.encrypt(nonce, plain.encode(), _bound(tenant_id, subject))

    def open(self, sealed: bytes, *, tenant_id: str, subject: str) -> str:
        """What was sealed. Raises `SealBroken` for another key, another row or changed bytes."""
        body = bytes(sealed)
        if body[:1] != _FORM:
            raise SealBroken("not sealed by this version")
        try:
            plain = self._aead.decrypt(body[1 : 1 + _NONCE], body[1 + _NONCE :], _bound(tenant_id, subject))
        except InvalidTag:
            raise SealBroken("the secret was sealed with another RETAINER_SECRET_KEY") from None
        return plain.decode()


def _bound(tenant_id: str, subject: str) -> bytes:
    return f"{tenant_id}\x00{subject}".encode()
