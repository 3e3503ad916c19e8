"""A tenant's row as a transaction sees it where it begins, and whether anything of the tenant may happen here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db.failures import Elsewhere

LIVING_HERE = text(
    "select distinct tenant_id from directory d where not exists (select from tenant_move m"
    " where m.tenant_id = d.tenant_id and m.state in ('arriving', 'moved')) order by tenant_id"
)
"""All tenants but those that live on another server."""


@dataclass(frozen=True, slots=True)
class TenantState:
    """The tenant's row as this transaction sees it."""

    tenant_id: str
    policy_name: str
    virtual: bool
    now: datetime | None
    suspended: bool
    policy_revision: int
    calendar_revision: int
    move: str | None = None
    """Its move to another server or from there, as `app.db.tenants.moves` has it; None while it stays."""
    address: str | None = None
    """The address of the server that it moves to."""

    def check_home(self, *, writes: bool) -> None:
        """Refuse what must not happen here: 421 ``tenant_moved``, or 503 ``tenant_moving`` for now.

        A tenant that leaves is written until it stops; one that arrives is not read before it is whole.
        """
        if self.move == "moved":
            raise Elsewhere("tenant_moved", address=self.address)
        if self.move == "arriving" or (writes and self.move == "moving"):
            raise Elsewhere("tenant_moving")
