"""What server processes share: made in the process that they are forked from, before the first fork.

Everything large is imported and made here once, and taken out of the collector's sight, so that its pages stay shared.
Nothing here connects, opens a loop or starts a thread: that is done when an application starts, in each process.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from typing import Final

import uvicorn
import uvloop
from fastapi import FastAPI
from uvicorn.lifespan import on as lifespan

from app.api.socket_deadlines import GuardedProtocol
from app.connectors.webhooks.address_guard import default_tls
from app.embedded import die_with_parent
from app.main import create_app
from app.usecases.reports.health import newest_revision

SUPERVISOR: Final = "RETAINER_SUPERVISOR"
"""Names the process that watches over the servers."""
PARENT: Final = os.getpid()
"""The process that servers are forked from. It ends with the one that watches, and they end with it."""


def _made() -> FastAPI:
    """The application, with nothing left over from making it."""
    application = create_app()
    default_tls()
    newest_revision()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # free pages would be copied by each process that writes into them
    gc.freeze()
    return application


if SUPERVISOR in os.environ:
    die_with_parent(signal.SIGTERM, int(os.environ[SUPERVISOR]))()
APPLICATION: Final = _made()
SERVING: Final = (uvloop, uvicorn.Server, lifespan, GuardedProtocol)
"""What each of them serves with."""
