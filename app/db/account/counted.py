"""What counts in the windows of a policy, read by the index of what counts: so many rows as the windows hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text

from app.db import policies, tickets
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.counted import CountedUse
from app.domain.tickets import counts
from app.domain.tickets.ticket import OPEN

_COUNTED = text(
    "select ticket_id, coalesce(person_id, customer_id) as person, counted from ticket"
    " where tenant_id = :tenant and customer_id = :customer and counted_at > :since"
)
_MAY_HAVE_COUNTED = text(
    "select external_id from ticket where tenant_id = :tenant and customer_id = :customer and opened_at <= :at"
    " and (updated_at > :since or state = any(:open))"
)


async def load(tx: Tx, account: CustomerAccount, at: datetime | None = None) -> CustomerAccount:
    """Read what counts for an account in every window that reaches to ``at``, or to now; return the account.

    Where the policy counts nothing, nothing is read.
    """
    if account.policy.counts:
        since = counts.reads_since(account, min(at or account.at, account.at))
        rows = await tx.rows(
            _COUNTED, {"tenant": tx.tenant_id, "customer": account.customer.customer_id, "since": since}
        )
        account.counted = [
            counts.use_of(row.ticket_id, row.person, stored) for row in rows for stored in row.counted or ()
        ]
    return account


async def load_as_of(tx: Tx, account: CustomerAccount, at: datetime, known_at: datetime | None) -> CustomerAccount:
    """Read what counted for an account as its tickets stood at ``at``, by what was known by ``known_at``."""
    if account.policy.counts:
        found = await tx.rows(
            _MAY_HAVE_COUNTED,
            {
                "tenant": tx.tenant_id,
                "customer": account.customer.customer_id,
                "at": at,
                "since": counts.reads_since(account, at),
                "open": list(OPEN),
            },
        )
        account.counted = [use for row in found for use in await _as_of(tx, row.external_id, at, known_at)]
    return account


async def _as_of(tx: Tx, external_id: str, at: datetime, known_at: datetime | None) -> Iterable[CountedUse]:
    ticket = await tickets.find(tx, external_id)
    then = None if ticket is None else await tickets.as_of(tx, ticket, at, known_at)
    if ticket is None or then is None:
        return ()
    policy = await policies.of_version(tx, then.policy_version)
    person = ticket.person_id or ticket.customer_id
    return [counts.use_of(then.ticket_id, person, stored) for stored in counts.uses_of(policy, then)]
