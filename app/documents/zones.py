"""Time zones from the pinned ``tzdata`` package only, never from the machine's: one database of a known version."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]

from app.domain.values.errors import DomainError

zoneinfo.reset_tzpath(())
ZoneInfo.clear_cache()

TZDB_VERSION: Final = str(tzdata.IANA_VERSION)
"""The release of the zone database, e.g. ``2025b``: recorded with each judgement."""
_NO_PLACES: Final = {"Factory", "localtime", "posixrules"}


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every zone that a calendar may have."""
    return frozenset(zoneinfo.available_timezones() - _NO_PLACES)


def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; 422 ``unknown_zone``."""
    if name not in zone_names():
        raise DomainError("unknown_zone", zone=name)
    return ZoneInfo(name)
