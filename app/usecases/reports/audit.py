"""The audit: every broken invariant of the ledger, by questions to the tables and by recomputation from the entries."""

from __future__ import annotations

from typing import Any, cast

from app.db import ledger_audit
from app.db.engine import Tx
from app.domain.values.wire import iso
from app.views.audit import BrokenInvariant, LedgerAudit


async def audit(tx: Tx) -> LedgerAudit:
    """``{"data": [...]}``: what breaks an invariant (invariant, subject, expected, found). Empty is the promise."""
    _, found = await recompute(tx)
    return {
        "data": cast(list[BrokenInvariant], found),
        "at": iso(tx.at),
        "checked": sorted(ledger_audit.CHECKED),
        "next_cursor": None,
    }


async def recompute(tx: Tx) -> tuple[int, list[dict[str, Any]]]:
    """Asks every question and replays every customer's entries: how many customers, and every difference.

    `GET /v1/audit` and `retainer verify-ledger` both run this.
    """
    found = await ledger_audit.broken(tx)
    seen, after = 0, ""
    while batch := await ledger_audit.customers_after(tx, after):
        found += await ledger_audit.recompute(tx, batch)
        seen += len(batch)
        after = batch[-1]
    return seen, found
