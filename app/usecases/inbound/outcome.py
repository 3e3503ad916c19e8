"""What became of a subject: done, ignored, or parked for a person."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from app.domain.feeds.review import ReviewItem
from app.domain.values.errors import DomainError

SETTLED: Final = "settled_by_a_person"
"""Nothing is said but what a person has decided already."""


@dataclass(slots=True)
class Outcome:
    """What became of a subject."""

    state: str = "done"
    reason: str | None = None
    detail: str | None = None
    effects: dict[str, Any] = field(default_factory=dict)
    customer_id: str | None = None
    review: tuple[ReviewItem, ...] = ()

    def park(self, *items: ReviewItem) -> Outcome:
        """Leaves it to a person; the first item names the reason."""
        self.state, self.reason, self.review = "parked", items[0].code, items
        self.detail = " ".join(item.unclear for item in items)
        return self


def message_of(error: DomainError) -> str:
    """What a refusal says to a person."""
    facts = {key: value for key, value in error.facts.items() if key != "errors"}
    return str(facts.pop("message", "")) or json.dumps(facts, default=str)
