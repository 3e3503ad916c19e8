"""What is wrong with the service and with a tenant, and what to do about each, for `retainer doctor` and the desk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.db import agenda, due
from app.db.engine import Database, Tx
from app.db.failures import Unavailable
from app.db.inbound import inbox
from app.domain.values.errors import DomainError
from app.usecases.reports import health


@dataclass(frozen=True, slots=True)
class Finding:
    """One look: ``fix`` is what to do, None where all is well."""

    what: str
    fix: str | None = None


FIXES: Final = {
    "schema": Finding("the schema is not the newest", "Run `retainer migrate`; `retainer serve` does it by itself."),
    "role": Finding(
        "statements do not run as retainer_app",
        "Let it connect as a user that may become retainer_app, and run `retainer migrate`.",
    ),
    "primary": Finding("the database is a replica", "Point DATABASE_URL at the primary."),
    "disk": Finding("the database's disk is full", "Make room for it: reads are answered, writes are 503."),
    "database": Finding("the database does not answer", "Check DATABASE_URL and the server's log."),
}
"""Check of `health` to what it means."""


async def of_service(database: Database) -> list[Finding]:
    """What stops the service, or will: empty where nothing does."""
    looked = await health.look(database)
    found = [FIXES[name] for name in looked.failed]
    return found if looked.skewed is None else [*found, Finding(looked.skewed, health.SKEW_FIX)]


async def of_tenant(tx: Tx) -> list[Finding]:
    """What fell due and failed, or is due and nobody is told of it."""
    found = []
    rows = await agenda.aside(tx)
    if rows:
        codes = ", ".join(sorted({row["code"] for row in rows}))
        found.append(
            Finding(
                f"{len(rows)} things that fell due failed and wait ({codes})",
                "See /problems/{code}; they are tried again by themselves once their cause is mended.",
            )
        )
    kinds = sorted({row.kind for row in await due.unknown(tx)})
    if kinds:
        found.append(
            Finding(
                f"something is due that the worker is not told of ({', '.join(kinds)})",
                "It is found within an hour by itself. It should not be: see docs/operations.md.",
            )
        )
    return found


LOOK_SECONDS: Final = 1.0
"""How long a page looks at tenants, one after another; it says which ones it did not come to."""


async def of_tenants(database: Database, tenant_ids: Sequence[str]) -> dict[str, list[Finding]]:
    """What `of_tenant` finds of each, and how many deliveries wait for a person; those that were looked at in time.

    Numbers alone, and codes of ours: nothing of what belongs to a tenant.
    """
    began, found = time.monotonic(), dict[str, list[Finding]]()

    async def look(tx: Tx) -> list[Finding]:
        parked = await inbox.number_parked(tx)
        waits = [Finding(PARKED.what.format(parked), PARKED.fix)] if parked else []
        return [*await of_tenant(tx), *waits]

    for tenant_id in tenant_ids:
        if time.monotonic() - began > LOOK_SECONDS:
            break
        try:
            found[tenant_id] = await database.read(tenant_id, look, attempts=1)
        except (DomainError, Unavailable):  # it moves to another server, say
            continue
    return found


PARKED: Final = Finding(
    "deliveries of shops or helpdesks that wait for a person: {}", "The tenant's people find them under Operations."
)
