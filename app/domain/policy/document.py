"""What every part of the policy document has in common."""

from __future__ import annotations

from typing import Any, Final

STRICT: Final[dict[str, Any]] = {"extra": "forbid"}
"""For the reader of documents: an unknown key is refused."""
