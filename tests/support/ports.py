"""Ports for servers that tests start."""

from __future__ import annotations

import os
import random
import socket
from typing import Final

FIRST: Final = 20_000
LAST: Final = 32_000
_random = random.Random(os.getpid())


def free_port() -> int:
    """Return a port of loopback that nobody listens on.

    It lies below the range from which the kernel gives ports to outgoing connections. So no client takes it while
    the server that has it is being started again.
    """
    for _ in range(200):
        port = _random.randint(FIRST, LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
