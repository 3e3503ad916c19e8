"""Roles of the vendor's people: sets of scopes, by the names that an issuer gives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app.usecases.tenants.keys import SCOPES

_READS: Final = tuple(scope for scope in SCOPES if scope.endswith(":read") and scope != "audit:read")
_AGENT: Final = (*_READS, "tickets:write", "tickets:qualify", "customers:write")
_MANAGER: Final = (
    *_AGENT,
    "audit:read",
    "orders:write",
    "credits:debit",
    "credits:adjust",
    "credits:refund",
    "policies:write",
    "calendars:write",
)
ROLES: Final[dict[str, tuple[str, ...]]] = {"viewer": _READS, "agent": _AGENT, "manager": _MANAGER, "admin": ("*",)}
"""Each role, and its scopes."""


def scopes_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes of roles; a name that is a scope stands for itself, and what nobody knows for nothing."""
    found: dict[str, None] = {}
    for name in names:
        for scope in ROLES.get(name.removeprefix("retainer-"), (name,)):
            if scope in SCOPES:
                found[scope] = None
    return tuple(found)
