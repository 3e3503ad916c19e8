"""How long the event loop's thread computes at a stretch: the longest run of one callback, in seconds of a core."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Longest:
    """The longest stretch so far."""

    seconds: float = 0.0


@contextlib.contextmanager
def longest_stretch() -> Iterator[Longest]:
    """Watches every callback of the loop. Waiting for another thread or process costs nothing here, computing does."""
    found, really, here = Longest(), asyncio.Handle._run, threading.get_ident()  # type: ignore[attr-defined]

    def run(handle: asyncio.Handle) -> None:
        if threading.get_ident() != here:  # a loop of a simulation, beside this one
            really(handle)
            return
        began = time.thread_time()
        try:
            really(handle)
        finally:
            found.seconds = max(found.seconds, time.thread_time() - began)

    asyncio.Handle._run = run  # type: ignore[attr-defined]
    try:
        yield found
    finally:
        asyncio.Handle._run = really  # type: ignore[attr-defined]
