"""The connection's own limits, which the server does not have by itself: slow headers, slow bodies, silent sockets.

`GuardedProtocol` goes where the server takes its HTTP protocol. A socket is closed that has not sent a whole head
within `HEAD_SECONDS`. So is one that has not sent a whole body within `BODY_SECONDS` of its head. A head above
`HEAD_BYTES` is answered 431.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.api.problems import MEDIA_TYPE, body_of

HEAD_SECONDS: Final = 10.0
LAST_SECONDS: Final = 1.0
"""At a stop, for a connection that has not been asked anything yet, or not the whole question."""
BODY_SECONDS: Final = 32.0
"""A little more than `app.api.strict.BODY_SECONDS`, whose answer is the nicer one."""
HEAD_BYTES: Final = 32 * 1024

_REASONS: Final = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = True
        self._refused = False
        self._stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock of the first head."""
        super().connection_made(transport)
        self._set(HEAD_SECONDS)

    def shutdown(self) -> None:
        """A question that is on its way is waited for a moment: closed under it, the caller would get no answer."""
        cycle: Any = self.cycle
        idle = cycle is None or cycle.response_complete
        if idle and (cycle is None or self._head_bytes) and not self._stopping:
            self._set(LAST_SECONDS)
        else:
            super().shutdown()
        self._stopping = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock."""
        self._unset()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts the head's bytes before the parser keeps them."""
        if self._refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse("header_fields_too_large")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = True
        self._set(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        """The head is whole; the body's clock starts."""
        self._in_head = False
        self._head_bytes = 0
        if self.url and sum(len(name) + len(value) + 4 for name, value in self.headers) + len(self.url) > HEAD_BYTES:
            self._refuse("header_fields_too_large")
            return
        self._set(BODY_SECONDS)
        super().on_headers_complete()
        cycle: Any = self.cycle
        if self._stopping and cycle is not None:
            cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Part of a body; nothing more is taken after a refusal."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All is here."""
        self._unset()
        self._in_head = True
        self._head_bytes = 0
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is answered as a problem too."""
        if not self._refused:
            self._refuse("malformed_request")

    def _set(self, seconds: float) -> None:
        self._unset()
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _unset(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        """Closes; with an answer where something had begun and none is under way."""
        self._deadline = None
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.transport.close()
        elif self._head_bytes:
            self._refuse("request_timeout")
        else:
            self.transport.close()

    def _refuse(self, code: str) -> None:
        self._refused = True
        self._unset()
        if self.transport.is_closing():
            return
        body = body_of(code)
        content = msgspec.json.encode(body)
        status = int(body["status"])
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + content)
        self.transport.close()
