"""Serve what has a version: compressed where the caller takes it, and only if it is another than the caller has."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.api.headers import conditions_of

PACKED_FROM: Final = 4096
"""Bytes from which an answer is worth compressing: below, the time for it is longer than that of the bytes saved."""
LEVEL: Final = 3


@dataclass(frozen=True, slots=True)
class Published:
    """A document of this version, ready to be sent."""

    body: bytes
    packed: bytes
    tag: str
    media_type: str

    @classmethod
    def of(cls, text: str, media_type: str) -> Published:
        """Pack a document."""
        body = text.encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        return cls(body, gzip.compress(body, 9, mtime=0), tag, media_type)

    def answer(self, request: Request) -> Response:
        """Return the document; 304 where the caller has it already (``If-None-Match``)."""
        headers = {"ETag": self.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if has_already(request, self.tag):
            return Response(status_code=304, headers=headers)
        if takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(self.packed, media_type=self.media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(self.body, media_type=self.media_type, headers=headers)


def has_already(request: Request, tag: str) -> bool:
    """Whether the caller has this version (``If-None-Match``); a proxy may have marked the tag as weak."""
    unwanted = conditions_of(request).excluded
    return "*" in unwanted or tag in unwanted or f"W/{tag}" in unwanted


def packed(request: Request, response: Response) -> Response:
    """Compress a larger answer for a caller who takes that. What is streamed stays as it is."""
    body = bytes(getattr(response, "body", b""))
    if len(body) < PACKED_FROM:
        return response
    response.headers.add_vary_header("Accept-Encoding")
    if takes_gzip(request.headers.get("accept-encoding", "")):
        response.body = gzip.compress(body, LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
    return response


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header takes gzip."""
    for entry in accepted.lower().split(","):
        name, _, quality = entry.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
