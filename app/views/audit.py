"""What was done by whom, and what breaks an invariant of the ledger, as published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from typing_extensions import TypedDict

from app.views.shapes import Id, Instant


class AuditEntry(TypedDict):
    """Who did what."""

    audit_id: Annotated[Id, "The entry."]
    at: Annotated[Instant, "When, in the tenant's time."]
    actor: Annotated[str | None, "The key, or the part of the service, that did it."]
    action: Annotated[str, "What was done."]
    subject: Annotated[str, "What it was done to."]
    data: Annotated[dict[str, Any], "Facts of it, by name."]


class BrokenInvariant(TypedDict):
    """What breaks an invariant of the ledger."""

    invariant: Annotated[str, "The invariant, or the comparison with the replayed entries."]
    subject: Annotated[str, "The row that breaks it."]
    expected: Annotated[str, "What should stand there."]
    found: Annotated[str, "What stands there."]


class LedgerAudit(TypedDict):
    """Every broken invariant of the ledger; empty ``data`` is the promise."""

    data: Annotated[Sequence[BrokenInvariant], "What is broken."]
    at: Annotated[Instant, "When it was looked at."]
    checked: Annotated[Sequence[str], "The invariants that were looked at."]
    next_cursor: Annotated[str | None, "The `cursor` of the next page; null on the last."]
