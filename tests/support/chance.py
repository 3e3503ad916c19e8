"""Where tests by chance begin: stored seeds, so that a run of all tests says the same each time."""

from __future__ import annotations

import os

STORED_SEED = 1


def first_seed() -> int:
    """Gives the stored seed, or the one that ``RETAINER_TEST_SEED`` names. `make deliveries` draws new ones."""
    seed = int(os.environ.get("RETAINER_TEST_SEED", STORED_SEED))
    print(f"RETAINER_TEST_SEED={seed}")
    return seed


def altered(secret: str) -> str:
    """Gives a token of the same length with another character in its last third, whatever stood there."""
    at = len(secret) * 2 // 3
    return secret[:at] + ("1" if secret[at] == "0" else "0") + secret[at + 1 :]
