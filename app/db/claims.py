"""Claims on natural keys, such as an order's or a ticket's id: whoever claims one waits for others that do.

A claim is taken before any row is locked (decision 0003), since the key may be another customer's. It ends with the
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.db.engine import Tx

_CLAIM = text("select pg_advisory_xact_lock(hashtextextended(:claim, cast(:seed as bigint)))")


@dataclass(frozen=True, slots=True)
class Claim:
    """A natural key of a tenant. ``seed``: of the noun, so that an order and a ticket of one name do not meet."""

    name: str
    seed: int

    @property
    def parameters(self) -> dict[str, object]:
        """Return what a statement that claims it is given."""
        return {"claim": self.name, "seed": self.seed}


def ticket(tx: Tx, external_id: str) -> Claim:
    """Return the claim on the helpdesk's id of a ticket."""
    return Claim(f"ticket:{tx.tenant_id}:{external_id}", 0)


def order(tx: Tx, order_id: str) -> Claim:
    """Return the claim on the storefront's id of an order."""
    return Claim(f"{tx.tenant_id}/{order_id}", 7)


async def take(tx: Tx, claim: Claim) -> None:
    """Wait until nobody else has the claim, and have it until the transaction ends."""
    await tx.row(_CLAIM, claim.parameters)
