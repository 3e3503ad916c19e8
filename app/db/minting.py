"""New ids, which sort in the order of their making."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from typing import Any, Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_minting: Final = threading.Lock()
_minted = [0]
_head: list[Any] = [-1, ""]
"""The upper 60 bits of the last id and how they are written: the same for most ids of a millisecond."""


_RANDOM_STOCK: Final = 4096
_random: Final = bytearray()
"""Random bytes in stock: asking the system for eight at a time costs a call to it for each id."""
os.register_at_fork(after_in_child=_random.clear)  # parent and child must not use the same ones


def _random_bits(size: int) -> int:
    """So many random bytes as a number; each is used once."""
    if len(_random) < size:
        _random[:] = os.urandom(_RANDOM_STOCK)
    number = int.from_bytes(_random[-size:])
    del _random[-size:]
    return number


def first_of(prefix: str, at: datetime) -> str:
    """Return an id before all that are minted from an instant on, and after those of an earlier millisecond."""
    number = int(at.timestamp() * 1000) << 80
    return f"{prefix}_" + "".join(PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10))


def mint(prefix: str) -> str:
    """A new id: prefix, 48 bits of milliseconds, 80 random bits; ids of one process sort in the order of their making.

    Within a millisecond, and should the clock step back, an id is the last one and a random step more. Rules fall back
    on ids: which of two lots is spent, which of two periods begins. There an order's first line comes first.
    """
    with _minting:
        now = int(time.time() * 1000)
        later = now > _minted[0] >> 80
        number = (now << 80) | _random_bits(10) if later else _minted[0] + 1 + _random_bits(8)
        _minted[0] = number
        upper = number >> 70
        if upper != _head[0]:
            _head[:] = upper, "".join([PAIRS[(upper >> shift) & 1023] for shift in range(50, -1, -10)])
        head = _head[1]
    # Two numbers of the machine's own size: shifting the whole one costs twice as much.
    high, low = number >> 40 & 0x3FFF_FFFF, number & 0xFF_FFFF_FFFF
    return (
        f"{prefix}_{head}{PAIRS[high >> 20]}{PAIRS[high >> 10 & 1023]}{PAIRS[high & 1023]}{PAIRS[low >> 30]}"
        f"{PAIRS[low >> 20 & 1023]}{PAIRS[low >> 10 & 1023]}{PAIRS[low & 1023]}"
    )
