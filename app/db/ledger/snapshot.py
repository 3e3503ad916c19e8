"""Which customers a snapshot has shown: what is asked once of it has the same answer until it ends."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from app.db.engine import Tx
from app.domain.account.customer import Customer


class FoundCustomer(NamedTuple):
    """A customer's row, not locked. ``merged_into``: the customer it went into."""

    customer_id: str
    last_at: datetime | None
    merged_into: str | None


def keep_shown(tx: Tx, customer: Customer) -> None:
    """Keep which customer has a name, for whatever else is asked of the same snapshot. It was merged into none."""
    if tx.read_only and customer.external_id is not None:
        found = FoundCustomer(customer.customer_id, customer.last_at, None)
        tx.caches["shown_customer", customer.external_id] = found
        tx.caches["shown_name", customer.customer_id] = customer.external_id


def shown_customer(tx: Tx, external_id: str) -> FoundCustomer | None:
    """Return the customer whom this snapshot has shown under the name."""
    found: FoundCustomer | None = tx.caches.get(("shown_customer", external_id))
    return found


def shown_name(tx: Tx, customer_id: str) -> str | None:
    """Return the name under which this snapshot has shown a customer, by our own id."""
    found: str | None = tx.caches.get(("shown_name", customer_id))
    return found
