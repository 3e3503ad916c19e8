"""What every token of the configured issuer must be: signed by one of these, its times read with this leeway."""

from __future__ import annotations

from typing import Final

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
"""Public keys only: a secret that the service shares with nobody signs nothing."""
LEEWAY_SECONDS: Final = 30
"""By how much the clocks of the issuer and of this host may differ."""
