"""A person of the vendor, who acts through a helpdesk's key."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Agent(TypedDict):
    """Who acted, by the helpdesk's id."""

    id: str
    name: NotRequired[str | None]
