"""The application on a loopback port, in a thread of its own, for callers that are not async."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import uvicorn

from app.main import create_app
from tests.support import declared
from tests.support.api import settings_for


@contextlib.contextmanager
def serving(url: str, **changes: Any) -> Iterator[httpx.Client]:
    """A client of a server on the database at ``url``, with settings of its own; it is stopped at the end.

    With a ``port`` the links that it makes lead to it.
    """
    app = create_app(settings_for(url, **changes))
    config = uvicorn.Config(app, host="127.0.0.1", port=changes.get("port", 0), log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(2000):
        if server.started:
            break
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        hooks = {"response": [functools.partial(declared.check_now, app)]}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, event_hooks=hooks) as started:
            yield started
    finally:
        server.should_exit = True
        thread.join(10)
