"""Headers with a meaning: versions of what can be edited (ETag), and the end of what is going away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Request

from app.api.problems import Problem
from app.domain.values.wire import payload_hash


def etag(version: Any) -> str:
    """The entity tag of a version: a number, or anything JSON-able."""
    text = (
        f"v{version}"
        if isinstance(version, int)
        else hashlib.sha256(payload_hash(version).encode()).hexdigest()[:20]
    )
    return f'"{text}"'


def require_match(request: Request, current: str | None) -> None:
    """412 ``precondition_failed`` when ``If-Match`` or ``If-None-Match`` fails; ``current`` None: there is none.

    Call it inside the transaction, once the row is locked, so that no update is lost.
    """
    wanted = _tags(request, "if-match")
    if wanted and not (current is not None and ("*" in wanted or current in wanted)):
        raise Problem("precondition_failed", etag=current)
    unwanted = _tags(request, "if-none-match")
    if unwanted and current is not None and ("*" in unwanted or current in unwanted):
        raise Problem("precondition_failed", etag=current)


def checking(request: Request) -> Callable[[str | None], None]:
    """`require_match` for a use case to call with the version in force, once it has locked the row."""
    return lambda version: require_match(request, None if version is None else tagged(version))


def tagged(version: str) -> str:
    """A version in words as an entity tag."""
    return f'"{version}"'


def conditional(request: Request) -> bool:
    """Whether the caller names the version that the change is made to."""
    return bool(_tags(request, "if-match"))


def not_modified(request: Request, current: str) -> bool:
    """Whether a GET may answer 304."""
    tags = {one.removeprefix("W/") for one in _tags(request, "if-none-match")}
    return "*" in tags or current in tags


def _tags(request: Request, header: str) -> set[str]:
    return {
        one.strip() for value in request.headers.getlist(header) for one in value.split(",") if one.strip()
    }


def going_away(
    *, deprecated_at: datetime, sunset_at: datetime | None = None, link: str | None = None
) -> dict[str, str]:
    """``Deprecation`` (RFC 9745: a structured date) and ``Sunset`` (RFC 8594: an HTTP date), which differ in form.

    Refused: naive instants, and a sunset before the deprecation.
    """
    if deprecated_at.tzinfo is None or (sunset_at is not None and sunset_at.tzinfo is None):
        raise ValueError("instants need a zone")
    headers = {"Deprecation": f"@{int(deprecated_at.timestamp())}"}
    if sunset_at is not None:
        if sunset_at < deprecated_at:
            raise ValueError("a sunset is never before the deprecation")
        headers["Sunset"] = format_datetime(sunset_at.astimezone(UTC), usegmt=True)
    if link is not None:
        headers["Link"] = f'<{link}>; rel="deprecation"; type="text/html"'
    return headers
