"""What the database says about itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.db.engine import Database

_STATE = text(
    "select r.rolsuper or r.rolbypassrls, pg_is_in_recovery(), to_regclass('alembic_version') is not null"
    " from pg_roles r where r.rolname = current_user"
)


@dataclass(frozen=True, slots=True)
class State:
    """The effective role, whether it is a replica, and the schema's revision (None: no schema)."""

    privileged: bool
    replica: bool
    revision: str | None


async def state(database: Database) -> State:
    """Asks. Raises `Unavailable` when there is no answer."""
    async with database.bare() as connection:
        row = (await connection.execute(_STATE)).one()
        revision = None
        if row[2]:
            revision = (await connection.execute(text("select version_num from alembic_version"))).scalar()
        return State(bool(row[0]), bool(row[1]), None if revision is None else str(revision))
