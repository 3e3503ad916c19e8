"""Claims on natural keys, such as an order's or a ticket's id: whoever claims one waits for others that do.

A claim is taken before any row is locked (decision 0003), since the key may be another customer's. It ends with the
transaction. The lock is a row of its own, so that it holds whichever server of a cluster a transaction comes in by. The
row stays: whoever claims the key next locks it again. It holds a digest: the key may name a person.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from app.db.engine import Tx

CLAIMED: Final = (
    "insert into claim (tenant_id, kind, name) values (:tenant, :kind, :name)"
    " on conflict (tenant_id, kind, name) do update set name = excluded.name returning 1"
)
"""Takes a claim; also the first part of statements that lock a customer behind one."""
_CLAIM = text(CLAIMED)
_NEW = text(
    "insert into claim (tenant_id, kind, name) values (:tenant, :kind, :name)"
    " on conflict (tenant_id, kind, name) do nothing returning 1"
)
_TRY = text("select 1 from claim where tenant_id = :tenant and kind = :kind and name = :name for update skip locked")


@dataclass(frozen=True, slots=True)
class Claim:
    """A natural key of a tenant. ``kind``: the noun, so that an order and a ticket of one name do not meet."""

    name: str
    kind: str

    @property
    def parameters(self) -> dict[str, object]:
        """Return what a statement that claims it is given, besides the tenant."""
        return {"name": hashlib.sha256(self.name.encode()).hexdigest()[:32], "kind": self.kind}


def ticket(external_id: str) -> Claim:
    """Return the claim on the helpdesk's id of a ticket."""
    return Claim(external_id, "ticket")


def order(order_id: str) -> Claim:
    """Return the claim on the storefront's id of an order."""
    return Claim(order_id, "order")


def subject(source: str, name: str) -> Claim:
    """Return the claim on what a source's deliveries are about."""
    return Claim(f"{source}/{name}", "subject")


async def take(tx: Tx, claim: Claim) -> None:
    """Wait until nobody else has the claim, and have it until the transaction ends."""
    await tx.row(_CLAIM, {"tenant": tx.tenant_id, **claim.parameters})


async def try_take(tx: Tx, claim: Claim) -> bool:
    """Have the claim until the transaction ends, unless somebody else has it; whether it is ours."""
    by = {"tenant": tx.tenant_id, **claim.parameters}
    return await tx.row(_NEW, by) is not None or await tx.row(_TRY, by) is not None
