"""What an entry does to a lot, its account and a hold line, stated once for every reader."""

from __future__ import annotations

from datetime import datetime

from app.domain.ledger.lot import Account, HoldLine, Lot


def fold(account: Account, lot: Lot, source: str, target: str, credits: int) -> None:
    """Replays one entry (or a sum of equal ones) onto a lot and its account: the meaning of entries, stated once."""
    if source == "world":
        account.granted += credits
    elif source == "owed":
        account.owed += credits
    else:
        setattr(lot, source, getattr(lot, source) - credits)
        setattr(account, source, getattr(account, source) - credits)
    if target == "owed":
        lot.voided += credits
        account.owed -= credits
        return
    if source != "owed":
        setattr(lot, target, getattr(lot, target) + credits)
    setattr(account, target, getattr(account, target) + credits)


def fold_line(line: HoldLine, source: str, target: str, credits: int) -> None:
    """Replays one entry onto the hold line that it belongs to."""
    if source == "available" and target in ("held", "spent"):
        line.credits += credits
    if target == "spent":
        line.captured += credits
    if source == "held" and target != "spent":
        line.released += credits
    if source == "spent":
        line.refunded += credits


def expiry_as_of(lot: Lot, at: datetime, known_at: datetime | None, version: int | None = None) -> datetime | None:
    """The lot's expiry as it was set by ``at``, as known at ``known_at`` (a reopened lot had an earlier one).

    ``version``: as the account's operation of that number found it, where it was moved at the same instant.
    """
    history = lot.data.get("expiry_history", ())
    after = lot.data.get("expiry_after", ())
    unknown = len(history) - len(after)  # moves of before it was remembered
    for number, (when, before) in enumerate(history):
        moved = datetime.fromisoformat(when)
        is_later = version is not None and moved == at and number >= unknown and version <= after[number - unknown]
        if is_later or moved > at or (known_at is not None and moved > known_at):
            return datetime.fromisoformat(before) if before else None
    return lot.expires_at
