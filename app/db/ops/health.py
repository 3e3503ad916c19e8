"""What the database says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from time import time

from sqlalchemy import text

from app.db.engine import Database

_STATE = text(
    "select r.rolsuper or r.rolbypassrls or r.rolname <> 'retainer_app' as privileged,"
    " pg_is_in_recovery() as replica, to_regclass('alembic_version') is not null as has_schema,"
    " cast(extract(epoch from clock_timestamp()) as double precision) as now"
    " from pg_roles r where r.rolname = current_user"
)


@dataclass(frozen=True, slots=True)
class State:
    """Return whether the effective role is another than `retainer_app` or above row-level security, whether the server
    is a replica, and the schema's revision. None is no schema.

    ``skew``: seconds by which its clock is ahead of this host's (negative: behind), beyond what the question took.
    """

    privileged: bool
    replica: bool
    revision: str | None
    skew: float = 0.0


async def state(database: Database) -> State:
    """Asks. Raises `Unavailable` when there is no answer."""
    async with database.bare() as connection:
        asked = time()
        row = (await connection.execute(_STATE)).one()
        skew = min(row.now - asked, 0.0) + max(row.now - time(), 0.0)
        revision = None
        if row.has_schema:
            revision = (await connection.execute(text("select version_num from alembic_version"))).scalar()
        return State(bool(row.privileged), bool(row.replica), None if revision is None else str(revision), skew)
