"""The lock on a data folder: one process serves it at a time."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from app.embedded.errors import DataFolderBusyError


class DataFolderLock:
    """An exclusive lock that the kernel lets go of when its holder dies, however it dies."""

    def __init__(self, path: Path, data_dir: Path) -> None:
        self._path = path
        self._data_dir = data_dir
        self._descriptor: int | None = None
        self.predecessor_died = False

    def acquire(self, timeout: float) -> None:
        """Take it, waiting a moment for a predecessor that is still shutting down; else DataFolderBusyError."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                os.close(descriptor)
                raise DataFolderBusyError(
                    f"another retainer serves this data folder: {self._data_dir}"
                    + (f" (process {holder})" if holder else "")
                    + "; stop it, or set RETAINER_DATA_DIR (and RETAINER_PORT) to others"
                ) from None
            break
        # Who leaves in order empties the file, so a name in it is that of one who was killed.
        self.predecessor_died = bool(os.pread(descriptor, 1, 0))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes each lock a file of their own."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
