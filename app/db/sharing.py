"""Who shares a transaction with a work, as far as the work's own statements have to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Peers(Protocol):
    """The works that share a transaction (`app.db.peers`)."""

    async def look(self, looking: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the row of a combined statement (`app.db.combined.Looking`); None where its source has none."""

    def keep(self, rows: Any) -> None:
        """Keep what is to be written."""
