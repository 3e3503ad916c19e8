"""The other processes of this service: each tells its figures on a socket in a folder that the supervisor made.

Whoever scrapes reaches one process by chance; that one asks the others, so that the page is the whole service's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

ASK_SECONDS: Final = 1.0
MOST_BYTES: Final = 8 * 1024 * 1024
_log = logging.getLogger("retainer.peers")


class Peers:
    """``own``: the page of this process, asked for whenever somebody wants it."""

    def __init__(self, folder: Path, own: Callable[[], bytes]) -> None:
        self._folder = folder
        self._own = own
        self.name = str(os.getpid())

    @contextlib.asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Answers the others, until it ends."""
        path = self._folder / f"{self.name}.sock"
        try:
            server = await asyncio.start_unix_server(self._tell, str(path))
        except OSError as error:
            # Figures are no reason not to serve: a socket's path may be too long where the temporary folder is deep.
            _log.warning("the other processes will not see this one's figures: %s", error)
            yield
            return
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(self._own())
            await writer.drain()
        writer.close()

    async def others(self) -> dict[str, bytes]:
        """The page of every other process that answers; one that has died is forgotten."""
        names = sorted(one.stem for one in self._folder.glob("*.sock") if one.stem != self.name)
        pages = await asyncio.gather(*(self._ask(name) for name in names))
        return {name: page for name, page in zip(names, pages, strict=True) if page is not None}

    async def _ask(self, name: str) -> bytes | None:
        path = self._folder / f"{name}.sock"
        try:
            async with asyncio.timeout(ASK_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(path), limit=MOST_BYTES)
                try:
                    return await reader.read()
                finally:
                    writer.close()
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except (OSError, TimeoutError):
            pass
        return None
