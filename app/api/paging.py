"""Lists: keyset cursors, signed, so that they are opaque and belong to one tenant, one list and its filters."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator

from app.api.fields import whole_of
from app.api.outside import address
from app.api.problems import Problem
from app.domain.values.paging import Key, Page
from app.views.shapes import PageOf

V = TypeVar("V")

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
_MAC_BYTES: Final = 16
CONNECTION: Final = "connection"
"""The name under which a field of GraphQL says which way it pages."""
MEMBERS: Final = "members of rows"
"""The name under which it says what is asked of the rows."""
FORWARD: Final = "forward"
BACKWARD: Final = "backward"


def encode_cursor(secret: bytes, context: str, key: Key) -> str:
    """A cursor for ``context`` (tenant, list, filters) that goes on after ``key``."""
    payload = json.dumps(key, separators=(",", ":")).encode()
    return _as_text(_mac(secret, context, payload) + payload)


def _as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(secrets: Sequence[bytes], context: str, cursor: str) -> Key:
    """The key of a cursor that any of the secrets signed. 400 ``cursor_invalid`` if this list did not give it out."""
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if _as_text(raw) != cursor:  # the last character has bits that say nothing: one spelling alone is ours
            raise Problem("cursor_invalid")
        if any(hmac.compare_digest(mac, _mac(secret, context, payload)) for secret in secrets):
            key: Key = json.loads(payload)
            return key
    except (ValueError, binascii.Error):
        pass
    raise Problem("cursor_invalid")


def _mac(secret: bytes, context: str, payload: bytes) -> bytes:
    return hmac.new(secret, context.encode() + b"\x00" + payload, hashlib.sha256).digest()[:_MAC_BYTES]


@dataclass(frozen=True, slots=True)
class _Sealed(Sequence[str]):
    """The cursors of a page's rows, each signed when it is asked for: most queries show none."""

    keys: Sequence[Key]
    sealed: Callable[[Key], str]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: Any) -> Any:
        return self.sealed(self.keys[index])


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What part of a list is wanted: at most ``limit`` rows; ``cursor`` is still sealed."""

    limit: int
    cursor: str | None
    path: str
    query: Sequence[tuple[str, str]]
    """Every query parameter that was given."""
    narrowed: Sequence[tuple[str, str]] = ()
    """What the list is narrowed and sorted by, as it was understood."""
    connection: str | None = None
    """Set by the GraphQL door alone: ``forward`` or ``backward``, with a cursor for each row."""
    members: Sequence[str] | None = None
    """Set by the GraphQL door alone: the members of a row that are asked for; None: all. The rest may be left empty."""

    @property
    def backward(self) -> bool:
        """Whether the last rows before the cursor are wanted."""
        return self.connection == BACKWARD

    def context(self, tenant_id: str) -> str:
        """What a cursor of this list is bound to: what is meant, however it is spelt."""
        return json.dumps([tenant_id, self.path, "narrowed", *self.narrowed])

    def after(self, secrets: Sequence[bytes], tenant_id: str) -> Key | None:
        """The key to go on after, None at the beginning. A cursor of an earlier version belongs to the spelling."""
        if self.cursor is None:
            return None
        try:
            return decode_cursor(secrets, self.context(tenant_id), self.cursor)
        except Problem:
            spelt = sorted((name, value) for name, value in self.query if name not in ("cursor", "limit"))
            return decode_cursor(secrets, json.dumps([tenant_id, self.path, spelt]), self.cursor)

    def link(self, cursor: str) -> str:
        """The ``Link`` header of the next page."""
        rest = [(name, value) for name, value in self.query if name != "cursor"]
        return f'<{address(self.path)}?{urlencode([*rest, ("cursor", cursor)])}>; rel="next"'

    def view(self, found: Page[V], sealed: Callable[[Key], str]) -> PageOf[V]:
        """Return a list as published: its rows, and where to go on."""
        view: PageOf[V] = {"data": found.rows, "next_cursor": None if found.more is None else sealed(found.more)}
        if self.connection is not None:
            view |= {"cursors": _Sealed(found.keys, sealed)}  # type: ignore[misc]
        return view

    def headers(self, view: Mapping[str, Any]) -> dict[str, str]:
        """Return the headers of a list as published: the ``Link`` to the next page, if there is one."""
        cursor = view["next_cursor"]
        return {} if cursor is None else {"Link": self.link(cursor)}


def _page(
    limit: Annotated[
        int, Query(ge=1, le=MAX_LIMIT, description="Rows at most"), BeforeValidator(whole_of)
    ] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(min_length=1, max_length=2000, description="`next_cursor` of the page before")
    ] = None,
) -> tuple[int, str | None]:
    return limit, cursor


def path_of(request: Request) -> str:
    """Return the path as it was sent."""
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw_path.decode("latin-1").partition("?")[0]


def query_of(request: Request) -> list[tuple[str, str]]:
    """Return the query parameters as they were sent."""
    return parse_qsl(request.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _short_page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows at most"), BeforeValidator(whole_of)] = MAX_LIMIT,
    cursor: Annotated[
        str | None, Query(min_length=1, max_length=2000, description="`next_cursor` of the page before")
    ] = None,
) -> tuple[int, str | None]:
    return limit, cursor


Paging = Annotated[tuple[int, str | None], Depends(_page)]
"""Declares ``limit`` and ``cursor``."""
ShortPaging = Annotated[tuple[int, str | None], Depends(_short_page)]
"""The same for a list that is short by nature (offers, choices, policies): as much as may be, unless told."""
