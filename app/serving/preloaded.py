"""What server processes share: made in the process that they are forked from, before the first fork.

Everything large is imported and made here once, and taken out of the collector's sight, so that its pages stay shared.
Nothing here connects, opens a loop or starts a thread: that is done when an application starts, in each process.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import signal
from typing import Final

import uvicorn
import uvloop
from fastapi import FastAPI
from uvicorn.lifespan import on as lifespan

from app.api.socket_deadlines import GuardedProtocol
from app.connectors.webhooks.address_guard import default_tls
from app.db.engine import Database
from app.db.secrets import Cipher
from app.embedded import die_with_parent
from app.main import create_app
from app.settings import Settings
from app.usecases.reports.health import newest_revision

SUPERVISOR: Final = "RETAINER_SUPERVISOR"
"""Names the process that watches over the servers."""
PARENT: Final = os.getpid()
"""The process that servers are forked from. It ends with the one that watches, and they end with it."""


LATE: Final = ("encodings.idna", "fastapi.telemetry._runtime", "uvicorn.loops.uvloop")
"""What libraries import only when a server starts: each process would have a copy of its own."""


def _set_up(application: FastAPI) -> None:
    """Have libraries make here, once, what each process would make for itself at its start.

    A page that a process writes into is no longer shared, and what Python only looks at it writes into.
    """
    for name in LATE:
        importlib.import_module(name)
    settings: Settings = application.state.settings
    application.middleware_stack = application.build_middleware_stack()
    Cipher(*settings.secret_keys())
    if settings.database_url is not None:
        Database(settings.database_url)  # it connects when it is first asked


def _made() -> FastAPI:
    """The application, with nothing left over from making it."""
    application = create_app()
    default_tls()
    newest_revision()
    _set_up(application)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # free pages would be copied by each process that writes into them
    gc.freeze()
    return application


if SUPERVISOR in os.environ:
    die_with_parent(signal.SIGTERM, int(os.environ[SUPERVISOR]))()
APPLICATION: Final = _made()
SERVING: Final = (uvloop, uvicorn.Server, lifespan, GuardedProtocol)
"""What each of them serves with."""
