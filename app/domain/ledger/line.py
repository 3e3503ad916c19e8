"""The journal's entries as they are read: each line with its operation's header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.ledger.expiry import post_due_expiries
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Bucket, OperationKind


@dataclass(frozen=True, slots=True)
class Line:
    """One entry with its operation's header, as read from the journal."""

    operation_id: str
    kind: OperationKind
    credit_type: str
    effective_at: datetime
    recorded_at: datetime
    account_version: int
    line_no: int
    lot_id: str
    source: Bucket
    target: Bucket
    credits: int
    hold_id: str | None
    ticket_id: str | None
    order_id: str | None
    reason: str | None
    clause: str | None
    reading: bool

    @property
    def operation(self) -> tuple[str, int]:
        """Return its operation. Operations that are not stored have no id of their own (`due_lines`), but have this."""
        return self.credit_type, self.account_version


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage:
    """What a page of a statement shows, from row ``start`` on of each part, and how many rows each has.

    ``entries``: (operation, line) of the modifications; ``held`` and ``captured``: the tickets, or holds without one,
    in progress and resolved, in order.
    """

    start: int
    modifications: int
    progress: int
    resolved: int
    entries: frozenset[tuple[str, int]]
    held: tuple[str, ...]
    captured: tuple[str, ...]


def due_lines(ledger: Ledger, recorded_at: datetime) -> Sequence[Line]:
    """The entries of what fell due by the ledger's instant and is not booked: on the working copy, never stored."""
    before = len(ledger.operations)
    for credit_type in ledger.due_types():
        post_due_expiries(ledger, credit_type)
    return [
        Line(
            operation_id="due",
            kind=operation.kind,
            credit_type=operation.credit_type,
            effective_at=operation.effective_at,
            recorded_at=recorded_at,
            account_version=operation.account_version,
            line_no=entry.line_no,
            lot_id=entry.lot_id,
            source=entry.source,
            target=entry.target,
            credits=entry.credits,
            hold_id=operation.hold_id,
            ticket_id=operation.ticket_id,
            order_id=operation.order_id,
            reason=operation.reason,
            clause=operation.clause,
            reading=operation.reading,
        )
        for operation in ledger.operations[before:]
        for entry in operation.entries
    ]
