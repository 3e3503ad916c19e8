"""Credits that were given back: how many can be used again, and how many are gone (ALL-4).

The numbers are read off the operations that a ledger made since a mark. So every answer, event and reason says the
same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Operation
from app.domain.ledger.suspension import REASON

_RETURNS: Final = ("release", "refund", "void")
"""Operations that give credits of a ticket back; of those to a refunded unit it is the void."""
Mark = Mapping[str, int]


@dataclass(slots=True)
class GivenBack:
    """Credits given back for one ticket. ``returned + forfeited`` is what was taken from it, held or captured."""

    returned: int = 0
    """Credits that the customer can use again, in a lot made for them too."""
    forfeited: int = 0
    """Credits that are gone: their lot had expired, or its order was refunded."""
    voided: int = 0
    """Of those that are gone: credits of a unit that was refunded."""
    clauses: dict[str | None, int] = field(default_factory=dict)
    """Clause by which credits are gone -> how many."""
    disputed: bool = False
    """Whether some are gone since the buyer's bank took the money of their order back."""


def mark_of(ledger: Ledger) -> Mark:
    """Where the journals stand now: the ledger's own and those of accounts merged into it."""
    return {ledger_.customer_id: len(ledger_.operations) for ledger_ in _ledgers(ledger)}


def given_back(ledger: Ledger, ticket_id: str, since: Mark) -> GivenBack:
    """What was given back for a ticket since a mark."""
    found = GivenBack()
    for journal in _ledgers(ledger):
        fresh = journal.operations[since.get(journal.customer_id, 0) :]
        for operation in fresh:
            if operation.kind in _RETURNS and operation.ticket_id == ticket_id:
                _add(found, operation)
    return found


def _add(found: GivenBack, operation: Operation) -> None:
    gross = sum(entry.credits for entry in operation.entries if entry.source in ("held", "spent"))
    instead = sum(entry.credits for entry in operation.entries if entry.source == "world")
    expired = sum(entry.credits for entry in operation.entries if entry.target == "expired")
    voided = sum(entry.credits for entry in operation.entries if entry.target == "voided")
    gone = min(gross, expired + voided - instead)
    found.returned += gross - gone
    found.forfeited += gone
    found.voided += voided
    found.disputed |= voided > 0 and operation.reason == REASON
    if gone:
        found.clauses[operation.clause] = found.clauses.get(operation.clause, 0) + gone


def _ledgers(ledger: Ledger) -> list[Ledger]:
    return [ledger, *ledger.former.values()]
