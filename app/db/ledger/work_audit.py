"""Tickets whose work is charged by time, held against their lines, their events and their policy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text

from app.db import policies
from app.db.engine import Tx
from app.db.ledger.invariants import WORK_CHARGED
from app.domain.policy.policy import Policy
from app.domain.tickets import work_audit
from app.domain.tickets.ticket import Fact, Ticket, from_document

_TICKETS: Final = text(
    "select t.ticket_id, t.external_id, t.customer_id, t.subject, t.payload_hash, t.document from ticket t"
    " where t.tenant_id = :tenant and t.customer_id = any(:customers) and t.document ?| array['work', 'reserved']"
    " and not exists (select from operation o left join command c on c.tenant_id = o.tenant_id"
    "  and c.key = o.command_id where o.tenant_id = :tenant and o.customer_id = t.customer_id"
    "  and o.ticket_id = t.ticket_id"
    "  and (o.kind = 'expire' or c.kind in ('hold', 'capture', 'release', 'refund', 'debit')))"
)
_EVENTS: Final = text(
    "select entity_id, seq, kind, occurred_at, recorded_at, actor, payload from entity_event"
    " where tenant_id = :tenant and stream = 'ticket' and entity_id = any(:tickets) order by entity_id, seq"
)


async def worked(tx: Tx, customer_ids: Sequence[str]) -> list[dict[str, Any]]:
    """What these customers' tickets with work say that is not one number. Credits moved by hand are left out."""
    rows: Sequence[Any] = await tx.rows(_TICKETS, {"tenant": tx.tenant_id, "customers": list(customer_ids)})
    if not rows:
        return []
    streams: dict[str, list[Fact]] = {row.ticket_id: [] for row in rows}
    for entity_id, *stored in await tx.rows(_EVENTS, {"tenant": tx.tenant_id, "tickets": list(streams)}):
        names = ("seq", "kind", "occurred_at", "recorded_at", "actor", "payload")
        streams[entity_id].append(Fact(**dict(zip(names, stored, strict=True))))
    found: list[dict[str, Any]] = []
    for row in rows:
        ticket = from_document(
            row.document,
            external_id=row.external_id,
            customer_id=row.customer_id,
            subject=row.subject,
            payload_hash=row.payload_hash,
        )
        policy = await policies.of_version(tx, ticket.policy_version)
        faults = await asyncio.to_thread(_faults, policy, ticket, streams[row.ticket_id])
        found += [
            {"invariant": WORK_CHARGED, "subject": row.ticket_id, "expected": expected, "found": there}
            for expected, there in faults
        ]
    return found


def _faults(policy: Policy, ticket: Ticket, facts: Sequence[Fact]) -> list[work_audit.Finding]:
    return list(work_audit.faults(policy, ticket, facts))
