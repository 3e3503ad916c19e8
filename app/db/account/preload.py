"""Many customers' rows in as many statements as one's, kept for the rest of a reading transaction.

A page of customers asks the same things of each. `load` reads them all at once. `accounts` and `customers` beside it
then find them in the transaction's memo. Only where nothing is written: the memo holds what the snapshot holds anyway.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from app.db import policies
from app.db import schema as s
from app.db.engine import Tx
from app.db.ledger import read as ledger_rows
from app.domain.account.customer import Customer

TABLES: Final = {"licenses": s.license_, "covers": s.cover, "choices": s.choice, "addons": s.addon}
RECURRING: Final = "recurring"
_BY_NAME: Final = "preload.by_name"
_BY_ID: Final = "preload.by_id"


@dataclass(slots=True)
class Preloaded:
    """What was read of one customer. ``rows``: by the names of `TABLES`, and ``open_tickets``."""

    customer: Customer
    created_at: datetime
    ledger: ledger_rows.Loaded
    rows: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def working_ledger(self) -> ledger_rows.Loaded:
        """Accounts, lots and holds of its own for each caller, since rules work on them."""
        return copy.deepcopy(self.ledger)


def customer_of(row: Any) -> Customer:
    """Return the customer of a row."""
    return Customer(
        customer_id=row.customer_id,
        external_id=row.external_id,
        last_at=row.last_at,
        event_sequence=row.event_sequence,
        data=dict(row.data),
        profile=dict(row.profile),
        company_id=row.company_id,
    )


def named(tx: Tx, external_id: str) -> Customer | None:
    """The kept customer of a vendor's id."""
    found: Preloaded | None = tx.caches.get((_BY_NAME, external_id))
    return None if found is None else copy.deepcopy(found.customer)


def preloaded(tx: Tx, customer_id: str) -> Preloaded | None:
    """What is kept of a customer by our own id."""
    found: Preloaded | None = tx.caches.get((_BY_ID, customer_id))
    return found


async def load(tx: Tx, external_ids: Sequence[str], *, open_ticket: Any) -> None:
    """Reads the named customers; merged and unknown ones are left to be read one by one."""
    if not tx.read_only:
        return
    c = s.customer.c
    found = {}
    for row in await tx.rows(
        select(
            c.customer_id, c.external_id, c.last_at, c.event_sequence, c.data, c.profile, c.company_id, c.created_at
        ).where(c.tenant_id == tx.tenant_id, c.external_id.in_(list(external_ids)), c.merged_into.is_(None))
    ):
        found[row.customer_id] = Preloaded(customer_of(row), row.created_at, ({}, {}, {}))
    if not found:
        return
    loaded = await ledger_rows.load(tx, list(found), every_lot=True, ticket_holds=True)
    for customer_id, rows_read in found.items():
        rows_read.ledger = loaded[customer_id]
    for name, table in TABLES.items():
        await _add(tx, found, name, table, select(table))
    if await policies.recurs(tx):
        await _add(tx, found, RECURRING, s.recurring_grant, select(s.recurring_grant))
    await _add(tx, found, "open_tickets", s.ticket, open_ticket)
    asked = open_ticket.where(s.ticket.c.tenant_id == tx.tenant_id, s.ticket.c.person_id.in_(list(found)))
    for row in await tx.rows(asked):
        mine = found[row.person_id].rows["open_tickets"]
        mine.append(row)
        mine.sort(key=lambda ticket: ticket.opened_at, reverse=True)
    for customer_id, rows_read in found.items():
        tx.caches[_BY_ID, customer_id] = tx.caches[_BY_NAME, rows_read.customer.external_id] = rows_read


async def _add(tx: Tx, found: dict[str, Preloaded], name: str, table: Any, statement: Any) -> None:
    where = statement.where(table.c.tenant_id == tx.tenant_id, table.c.customer_id.in_(list(found)))
    for row in await tx.rows(where):
        found[row.customer_id].rows[name].append(row)
