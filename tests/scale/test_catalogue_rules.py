"""What the tables may be, asked of the catalogue: so a server that divides tenants among machines can hold them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.support.databases import connect
from tests.support.statement_rules import EVERYWHERE

OUTSIDE = EVERYWHERE | {"alembic_version"}
"""Tables of the installation: outside row-level security, and the same on every machine."""
APPEND_ONLY = {"audit_trail", "clock_outcome", "entity_event", "entry", "operation"}
"""Tables whose one trigger refuses changes."""
WORDS = ("pg_notify", "nextval", "set_config", "dblink", "currval")
"""What no function of ours may say: it stays on one machine, or is not passed on to others."""
CITUS = (Path(__file__).resolve().parents[2] / "deploy" / "citus.sql").read_text()


@pytest_asyncio.fixture
async def catalogue(database_url: str) -> AsyncIterator[Any]:
    """A connection to a migrated database, as its owner."""
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def names(catalogue: Any, sql: str) -> set[str]:
    """The first column of what a question of the catalogue finds."""
    return {str(row[0]) for row in await catalogue.fetch(sql)}


async def test_every_table_is_a_tenants_or_named(catalogue: Any) -> None:
    every = await names(catalogue, f"select relname from ({TABLES}) t")
    with_tenant = await names(
        catalogue,
        f"select t.relname from ({TABLES}) t join pg_attribute a on a.attrelid = t.oid"
        " where a.attname = 'tenant_id' and a.attnotnull",
    )
    assert every - with_tenant <= OUTSIDE
    assert len(with_tenant - OUTSIDE) > 30


async def test_the_tenant_leads_every_index(catalogue: Any) -> None:
    wrong = await names(
        catalogue,
        f"select t.relname || ': ' || i.indexrelid::regclass from ({TABLES}) t join pg_index i on i.indrelid = t.oid"
        " left join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]"
        " where a.attname is distinct from 'tenant_id'",
    )
    assert {name for name in wrong if name.partition(":")[0] not in OUTSIDE} == set()
    without_key = f"select relname from ({TABLES}) t where not exists"
    assert (
        await names(
            catalogue, f"{without_key} (select from pg_constraint c where c.conrelid = t.oid and c.contype = 'p')"
        )
        == set()
    )


async def test_nothing_refers_counts_or_excludes_across_rows(catalogue: Any) -> None:
    constraints = await catalogue.fetch(
        "select conname, contype::text from pg_constraint where connamespace = current_schema()::regnamespace"
        " and contype in ('f', 'x')"
    )
    assert [tuple(row) for row in constraints] == []
    assert (
        await names(
            catalogue,
            "select relname from pg_class where relkind in ('S', 'm', 'p')"
            " and relnamespace = current_schema()::regnamespace",
        )
        == set()
    )
    assert (
        await names(
            catalogue,
            f"select t.relname || '.' || a.attname from ({TABLES}) t join pg_attribute a on a.attrelid = t.oid"
            " where a.attidentity <> '' or a.attgenerated <> ''",
        )
        == set()
    )


async def test_row_level_security_is_forced_with_one_policy_for_the_service(catalogue: Any) -> None:
    rows = await catalogue.fetch(
        "select t.relname, c.relrowsecurity, c.relforcerowsecurity, (select count(*) from pg_policy p"
        " where p.polrelid = t.oid and p.polname = 'tenant_only') as ours, (select count(*) from pg_policy p"
        f" where p.polrelid = t.oid and p.polname <> 'tenant_only') as others from ({TABLES}) t join pg_class c"
        " on c.oid = t.oid"
    )
    for row in rows:
        if row["relname"] in OUTSIDE:
            assert not row["relrowsecurity"], row["relname"]
        else:
            assert (row["relrowsecurity"], row["relforcerowsecurity"]) == (True, True), row["relname"]
            assert row["ours"] == 1, row["relname"]
            assert row["others"] <= 1, row["relname"]


async def test_triggers_only_refuse_changes(catalogue: Any) -> None:
    rows = await catalogue.fetch(
        f"select t.relname, g.tgname from ({TABLES}) t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal"
    )
    assert {(row[0], row[1]) for row in rows} == {(table, "never_changed") for table in APPEND_ONLY}


async def test_functions_set_for_the_transaction_alone_and_tell_no_channel(catalogue: Any) -> None:
    rows = await catalogue.fetch(
        "select proname, prosrc from pg_proc where pronamespace = current_schema()::regnamespace"
        " and not exists (select from pg_depend d where d.objid = pg_proc.oid and d.deptype = 'e')"
    )
    assert {row[0] for row in rows} >= {"retainer_begin", "retainer_enter"}
    for name, source in rows:
        assert [word for word in (*WORDS, "listen ", "notify ") if word in source.lower()] == [], name


async def test_the_script_for_citus_places_every_table_and_makes_only_functions_that_there_are(catalogue: Any) -> None:
    every = await names(catalogue, f"select relname from ({TABLES}) t")
    of_tenants = await names(catalogue, f"select c.relname from pg_class c {DISTRIBUTED}")
    same_everywhere = set(re.findall(r"'(\w+)'", CITUS[CITUS.index("array[") : CITUS.index("]) name")]))
    assert same_everywhere.isdisjoint(of_tenants)
    assert same_everywhere | of_tenants == every
    made = re.findall(r"create or replace function (\w+)\(([^)]*)\)", CITUS)
    functions = await names(catalogue, "select proname || '(' || pg_get_function_arguments(oid) || ')' from pg_proc")
    assert {f"{name}({arguments})" for name, arguments in made} - functions == set()


DISTRIBUTED = CITUS[CITUS.rindex("where c.relkind") : CITUS.rindex(";")].replace("c.relname <> 'tenant'", "true")
TABLES = (
    "select oid, relname from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace"
    " and relpersistence = 'p'"
)
