"""What resolvers pass on: the use cases' own dicts, sometimes with the name of their type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from app.api.graphql.identity import Stated, state_of

REFUSAL: Final = "Refusal"


class View(Stated):
    """A view that knows its type, for unions and interfaces."""

    __slots__ = ("typename",)

    def __init__(self, typename: str, view: dict[str, Any]) -> None:
        super().__init__(view, state_of(view))
        self.typename = typename


def pick(source: Any, name: str) -> Any:
    """The default resolver: the view's own key (a trailing underscore keeps Python's words apart)."""
    if isinstance(source, dict):
        found = source.get(name)
        return source.get(name.rstrip("_")) if found is None else found
    return getattr(source, name)


def picker(name: str, absent: Any = None) -> Callable[..., Any]:
    """Return a resolver that picks the view's own key, as `pick` does; ``absent`` stands for one that is not there."""
    if absent is not None:

        def resolve_always(source: Any, _info: Any = None) -> Any:
            found = pick(source, name)
            return absent if found is None else found

        resolve_always.at_hand = resolve_always  # type: ignore[attr-defined]  # for `app.api.graphql.plain`
        return resolve_always
    plain = name.rstrip("_")

    def resolve(source: Any, _info: Any = None) -> Any:
        if isinstance(source, dict):
            return source.get(plain) if name not in source else source[name]
        return getattr(source, name)

    resolve.at_hand = resolve  # type: ignore[attr-defined]  # for `app.api.graphql.plain`
    return resolve
