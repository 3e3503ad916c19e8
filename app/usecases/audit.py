"""The audit: every broken invariant of the ledger, by questions to the tables and by recomputation from the entries."""

from __future__ import annotations

from typing import Any

from app.db import ledger_audit
from app.db.engine import Tx
from app.domain.wire import iso


async def audit(tx: Tx) -> dict[str, Any]:
    """``{"data": [...]}``: what breaks an invariant (invariant, subject, expected, found). Empty is the promise."""
    found = await ledger_audit.broken(tx)
    return {"data": found, "at": iso(tx.at), "checked": sorted(ledger_audit.INVARIANTS)}


async def recompute(tx: Tx) -> tuple[int, list[dict[str, Any]]]:
    """Replays every customer's entries and compares: how many customers, and every difference."""
    found = await ledger_audit.broken(tx)
    seen, after = 0, ""
    while batch := await ledger_audit.customers_after(tx, after):
        for customer_id in batch:
            found += await ledger_audit.recompute(tx, customer_id)
        seen += len(batch)
        after = batch[-1]
    return seen, found
