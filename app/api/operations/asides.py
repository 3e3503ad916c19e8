"""What the vendor's people keep for themselves beside a customer's things: no customer's token sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.domain.values.paging import Page

WHOLE: Final = frozenset({"exportCustomer"})
"""Operations that answer with all that is kept of a person, as it was written."""


def without_asides(found: Any) -> Any:
    """Return an answer without metadata, notes of agents who decide, and messages that are not public."""
    if isinstance(found, dict):
        shown = {name: {} if name == "metadata" else without_asides(value) for name, value in found.items()}
        return {**shown, "note": None} if "decision" in shown and "note" in shown else shown
    if isinstance(found, list):
        return [without_asides(item) for item in found if not _among_themselves(item)]
    if isinstance(found, tuple) and not hasattr(found, "_fields"):  # status, view, and whether it is a replay
        return tuple(without_asides(item) for item in found)
    return replace(found, rows=without_asides(list(found.rows))) if isinstance(found, Page) else found


def _among_themselves(item: Any) -> bool:
    """Whether a row of a list is a message of the vendor's people that the customer does not see."""
    return isinstance(item, dict) and item.get("public") is False and "author" in item
