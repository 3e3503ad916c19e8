"""Hosting environments of a customer and whether they were certified (TERMS-16): one answer a host.

A host without a name is the account's only one. Records without a name belong to it, and so do those of the single name
there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HOST: Final = "host"
"""The fact that names the host a ticket is about."""
CERTIFIED: Final = "hosting_certified"
BY_HOST: Final = "hosting"


def certified(data: Mapping[str, Any], host: object = None) -> bool | None:
    """Whether the host was certified (true), failed (false), or was not looked at (None). ``data``: the customer's."""
    by_host: Mapping[str, bool] = data.get(BY_HOST, {})
    name = _plain(host)
    if name is not None:
        return by_host.get(name)
    found = [*by_host.values(), *([data[CERTIFIED]] if CERTIFIED in data else [])]
    return found[0] if len(found) == 1 else None


def record(data: dict[str, Any], host: object, outcome: bool) -> None:
    """Remembers what the certification of a host came to."""
    name = _plain(host)
    if name is None:
        names = list(data.get(BY_HOST, {}))
        if len(names) != 1 or CERTIFIED in data:
            data[CERTIFIED] = outcome
            return
        name = names[0]
    data[BY_HOST] = {**data.get(BY_HOST, {}), name: outcome}


def _plain(host: object) -> str | None:
    return host.strip().casefold() or None if isinstance(host, str) else None
