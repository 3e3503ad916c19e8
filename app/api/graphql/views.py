"""What resolvers pass on: the use cases' own dicts, sometimes with the name of their type."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

REFUSAL: Final = "Refusal"


class View(dict[str, Any]):
    """A view that knows its type, for unions and interfaces."""

    __slots__ = ("typename",)

    def __init__(self, typename: str, view: dict[str, Any]) -> None:
        super().__init__(view)
        self.typename = typename


def pick(source: Any, name: str) -> Any:
    """The default resolver: the view's own key (a trailing underscore keeps Python's words apart)."""
    if isinstance(source, dict):
        found = source.get(name)
        return source.get(name.rstrip("_")) if found is None else found
    return getattr(source, name)


def picker(name: str) -> Callable[..., Any]:
    """Return a resolver that picks the view's own key, as `pick` does."""
    plain = name.rstrip("_")

    def resolve(source: Any, _info: Any) -> Any:
        if isinstance(source, dict):
            return source.get(plain) if name not in source else source[name]
        return getattr(source, name)

    return resolve


def node_id(typename: str, key: object) -> str:
    """The opaque id of a node, for `node(id:)`."""
    return base64.urlsafe_b64encode(f"{typename}:{key}".encode()).decode().rstrip("=")


def node_of(text: str) -> tuple[str, str] | None:
    """Type and key of a node id; None for what is none."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    typename, colon, key = raw.partition(":")
    return (typename, key) if colon and key else None
