"""Secrets that must be read back (those of webhooks and shops): sealed with the installation's key (decisions 17).

AES-256-GCM under a key derived from ``RETAINER_SECRET_KEY``; what a secret belongs to (tenant, endpoint or source) is
authenticated with it, so that a sealed secret that is copied to another row does not open there.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_FORMAT: Final = b"\x01"
_NONCE: Final = 12


class SecretUnreadable(Exception):  # noqa: N818 - what it is, not where
    """It was sealed with another key, or for something else."""


class SecretBox:
    """Seals and opens. ``key``: the installation's secret key, any text."""

    def __init__(self, key: str) -> None:
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"retainer secrets").derive(key.encode())
        self._cipher = AESGCM(derived)

    def seal(self, text: str, *context: str) -> bytes:
        """The sealed secret. ``context``: whose it is, e.g. tenant and endpoint id."""
        nonce = os.urandom(_NONCE)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, text.encode(), _bound(context))

    def open(self, sealed: bytes, *context: str) -> str:
        """The secret again. Raises `SecretUnreadable`."""
        if sealed[:1] != _FORMAT:
            raise SecretUnreadable("of a format unknown here")
        try:
            opened = self._cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _bound(context))
        except InvalidTag:
            raise SecretUnreadable("sealed with another key, or for something else") from None
        return opened.decode()


def _bound(context: tuple[str, ...]) -> bytes:
    return "\x00".join(context).encode()
