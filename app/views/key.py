"""Keys as published: never the key itself, but in the answer that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from app.views.shapes import Id, Instant
from app.views.work import ActingAgent


class SignInLink(TypedDict):
    """A link that opens one session for a person of the vendor; shown once."""

    link_id: Annotated[Id, "Our id of the link."]
    url: Annotated[str, "The link."]
    scopes: Annotated[Sequence[str], "What the session may do."]
    person: Annotated[ActingAgent, "Who signs in by it."]
    page: Annotated[str, "The page that it leads to."]
    expires_at: Annotated[Instant, "Until when it opens a session."]


class OperatorSignInLink(TypedDict):
    """A link that opens one session of the operator's; shown once."""

    url: Annotated[str, "The link."]
    expires_at: Annotated[Instant, "Until when it opens a session."]


class ApiKey(TypedDict):
    """A key; the key itself is shown once, when it is made."""

    key_id: Annotated[Id, "The name of the key, which opens nothing."]
    label: Annotated[str, "What it is for, in the caller's words."]
    scopes: Annotated[Sequence[str], "What it may do; `*` is everything."]
    live: Annotated[bool, "Whether it opens anything now."]
    created_at: Annotated[Instant, "When it was made."]
    expires_at: Annotated[Instant | None, "When it ends by itself."]
    revoked_at: Annotated[Instant | None, "When it was ended."]
    last_used_at: Annotated[Instant | None, "When it was last used."]
    options: NotRequired[Annotated[dict[str, Any], "What was noted with it; absent when nothing was."]]
    key: NotRequired[Annotated[str, "The key itself; shown once, when it is made."]]
    replaces: NotRequired[Annotated[Id, "The key that it succeeds."]]
