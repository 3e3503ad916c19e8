"""Whether the database can serve."""

from __future__ import annotations

import functools
from pathlib import Path

from app.db import health
from app.db.engine import Database, Unavailable


@functools.cache
def newest_revision() -> str:
    """The newest migration in the code."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option(
        "script_location", str(Path(__file__).resolve().parent.parent.parent / "migrations")
    )
    return str(ScriptDirectory.from_config(config).get_current_head())


async def failed_checks(database: Database) -> list[str]:
    """The names of the checks that fail: ``database``, ``role``, ``primary``, ``schema``."""
    try:
        found = await health.state(database)
    except Unavailable:
        return ["database"]
    failed = [] if found.revision == newest_revision() else ["schema"]
    return failed + (["role"] if found.privileged else []) + (["primary"] if found.replica else [])
