"""Migrations up, down and up again on a fresh Postgres: nothing is left behind, both ways up end at the same schema.

The models must equal what the migrations make, as well.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from app.commands.backup import postgres_tool
from app.commands.migrate import configuration, downgrade, upgrade
from app.embedded import EmbeddedPostgres
from app.settings import Settings

LEFT = """
select 'relation', n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relname not like 'alembic_version%'
and c.relkind in ('r', 'p', 'v', 'm', 'S')
union all select 'function', n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
union all select 'type', n.nspname || '.' || t.typname from pg_type t join pg_namespace n on n.oid = t.typnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and t.typtype in ('e', 'd')
union all select 'schema', nspname from pg_namespace
where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
"""


def schema(settings: Settings) -> str:
    """The schema as Postgres prints it, without the one line of it that is random."""
    dumped = postgres_tool(settings, "pg_dump", ["--schema-only", "--no-owner"])
    return "\n".join(line for line in dumped.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root, the server's user has to get through
        with EmbeddedPostgres(Path(folder), durable=False) as postgres:
            url = postgres.url or ""
            settings = Settings.read().with_(database_url=url)
            upgrade(url)
            first = schema(settings)
            if "create table" not in first.lower():
                print("migrations: they make no table")
                return 1
            command.check(configuration(url))
            downgrade(url, "base")
            left = postgres_tool(settings, "psql", ["-X", "-q", "-A", "-t", "-c", LEFT]).strip()
            if left:
                print(f"migrations: left behind by the way down:\n{left}")
                return 1
            upgrade(url)
            if schema(settings) != first:
                print("migrations: the second way up ends at another schema than the first")
                return 1
    print("migrations: up, down and up again; models and migrations agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
