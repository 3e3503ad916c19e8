"""Whether the database can serve."""

from __future__ import annotations

import functools
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.db.engine import Database
from app.db.failures import Unavailable, Unmigrated
from app.db.ops import health

VERSIONS: Final = Path(__file__).resolve().parents[3] / "migrations" / "versions"
_REVISION: Final = re.compile(r'^revision(?:: str)? = "(.+)"', re.MULTILINE)
_FOLLOWS: Final = re.compile(r'^down_revision(?:: .+)? = "(.+)"', re.MULTILINE)
SKEW_SECONDS: Final = 5.0
"""Clocks that differ by more are told of: keys end by the host's, everything else happens by the database's."""

DISK_FULL_SECONDS: Final = 10.0
"""How long after a write that found no room on the database's disk the service calls itself not ready."""


@functools.cache
def newest_revision() -> str:
    """The newest migration in the code: the one that no other comes after. Read without the tool that runs them."""
    texts = [file.read_text(encoding="utf-8") for file in VERSIONS.glob("*.py")]
    followed = {match[1] for text in texts if (match := _FOLLOWS.search(text)) is not None}
    (newest,) = {match[1] for text in texts if (match := _REVISION.search(text)) is not None} - followed
    return newest


@dataclass(frozen=True, slots=True)
class Health:
    """``failed``: the checks for which nothing is served: ``database``, ``role``, ``primary``, ``schema``,
    ``disk``.

    ``skew``: see `health.State`.
    """

    failed: list[str]
    skew: float = 0.0

    @property
    def skewed(self) -> str | None:
        """That the clocks differ too much, in words; calls are served all the same."""
        return f"clocks differ by {abs(self.skew):.0f} s" if abs(self.skew) > SKEW_SECONDS else None


SKEW_FIX: Final = "Let NTP set both; the database's clock counts."


async def look(database: Database) -> Health:
    """Asks the database how it is."""
    try:
        found = await health.state(database)
    except Unmigrated:
        return Health(["schema"])
    except Unavailable:
        return Health(["database"])
    failed = [] if found.revision == newest_revision() else ["schema"]
    failed += (["role"] if found.privileged else []) + (["primary"] if found.replica else [])
    if database.disk_full_at is not None and time.monotonic() - database.disk_full_at < DISK_FULL_SECONDS:
        failed.append("disk")
    return Health(failed, found.skew)
