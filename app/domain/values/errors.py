"""Requests that cannot be carried out.

A refusal by policy is a recorded decision (`app.domain.values.decision`). A `DomainError` is for a request that cannot
be carried out at all. Examples: a wrong state, want of credits, a conflict, an input the policy does not know. Its code
stands in the one catalogue, `app.api.problems`.
"""

from __future__ import annotations

from typing import Any

from app.domain.values.decision import Decision


class DomainError(Exception):
    """A request that cannot be carried out.

    ``code`` is a key of the error catalogue. ``facts`` are JSON-able and shown to the caller. ``decision`` (optional)
    carries the reasons with their clauses and the remedies.
    """

    def __init__(self, code: str, /, *, decision: Decision | None = None, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
        self.decision = decision
