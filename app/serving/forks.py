"""Server processes forked from one that has imported everything already, so that they share it (Linux).

The parent of the forks is Python's own fork server: a process without threads, which only imports and forks. Elsewhere
each server process starts anew.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any, Final

from uvicorn._subprocess import subprocess_started
from uvicorn.supervisors import multiprocess

FORKS: Final = sys.platform == "linux"
_UNSWEPT: Final = "app.serving.unswept"
_PRELOADED: Final = "app.serving.preloaded"


def context() -> ForkServerContext:
    """How processes are made. What they share is imported when the first of them is."""
    # Each of them would begin with the command line, which no server needs.
    command_line = sys.modules["__main__"]
    command_line.__spec__ = None
    command_line.__file__ = None
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([_UNSWEPT, _PRELOADED])
    return found


def shared() -> Any:
    """Return what this process shares with others (`app.serving.preloaded`); None if it was not forked."""
    return sys.modules.get(_PRELOADED)


class Forked(multiprocess.Process):
    """A server process, forked where that can be."""

    def __init__(self, config: Any, sockets: Any) -> None:
        super().__init__(config, sockets)
        if FORKS:
            options = {"config": config, "target": self.target, "sockets": sockets, "stdin_fileno": None}
            self.process: Any = context().Process(target=subprocess_started, kwargs=options)


def run_forked(work: Callable[[], str | None]) -> str | None:
    """Run a module's function in a process of its own, which shares what is imported, and return its answer."""
    made = context()
    reader, writer = made.Pipe(duplex=False)
    process = made.Process(target=_run, args=(work, writer), daemon=True)
    process.start()
    writer.close()
    try:
        answer: str | None = reader.recv()
    except EOFError:
        process.join()
        answer = f"the start failed (exit code {process.exitcode}); what was written above says why"
    process.join()
    return answer


def _run(work: Callable[[], str | None], answers: Connection) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        answers.send(work())
