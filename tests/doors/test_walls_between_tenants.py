"""Row-level security: a second wall that stands even if a query forgets its tenant (decision 0013)."""

# ruff: noqa: E501 - statements read best in one line

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db.engine import Database
from app.db.failures import StartRefused
from app.db.schema import metadata
from tests.conftest import MakeVendor
from tests.published.shop import bought, opened
from tests.support import databases
from tests.support.api import Vendor
from tests.support.databases import connect, execute

OPEN = {"directory", "due", "tenant_move", "secret_key", "operator_session", "alembic_version"}
"""Tables that hold nothing of any tenant: hashes of keys, when a tenant has something to do, fingerprints of the
installation's secret keys, the schema's revision."""


async def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = await connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_every_table_but_the_open_ones_forces_row_level_security(module_url: str) -> None:
    found = await rows(
        module_url,
        """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)""",
    )
    assert {one[0] for one in found} == OPEN


async def test_every_policy_reads_and_writes_by_the_tenant(module_url: str) -> None:
    found = await rows(
        module_url,
        "select tablename, qual, with_check from pg_policies where schemaname = 'public' and policyname = 'tenant_only'",
    )
    for table, using, check in found:
        assert "app.tenant" in str(using), table
        assert "app.tenant" in str(check), table
        assert "tenant_id" in str(using), table
    assert len(found) >= len(metadata.tables) - len(OPEN - {"alembic_version"})


async def test_no_other_policy_reaches_the_role_of_the_service(module_url: str) -> None:
    """The owner's own policy serves backups; `retainer_app` is no member of the owner."""
    found = await rows(
        module_url,
        "select distinct policyname, pg_has_role('retainer_app', roles[1], 'usage') from pg_policies"
        " where schemaname = 'public' and policyname <> 'tenant_only'",
    )
    assert found == [("owner_all", False)]


async def test_every_unique_and_foreign_key_is_led_by_the_tenant(module_url: str) -> None:
    found = await rows(
        module_url,
        """
        select t.relname, i.relname,
               (select a.attname from pg_attribute a where a.attrelid = t.oid and a.attnum = x.indkey[0])
        from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
        join pg_namespace n on n.oid = t.relnamespace
        where n.nspname = 'public' and x.indisunique""",
    )
    assert found
    assert [one for one in found if one[0] not in OPEN and one[2] != "tenant_id"] == []
    foreign = await rows(
        module_url,
        """
        select c.conname, (select a.attname from pg_attribute a where a.attrelid = c.conrelid and a.attnum = c.conkey[1])
        from pg_constraint c join pg_namespace n on n.oid = c.connamespace where n.nspname = 'public' and contype = 'f'""",
    )
    assert [one for one in foreign if one[1] != "tenant_id"] == []


async def test_no_view_or_definer_function_goes_round_the_wall(module_url: str) -> None:
    views = await rows(
        module_url,
        """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('v', 'm')
        and not coalesce(c.reloptions @> array['security_invoker=true'], false)""",
    )
    definers = await rows(
        module_url,
        """
        select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'public' and p.prosecdef""",
    )
    assert (views, definers) == ([], [])


async def test_the_role_owns_nothing_and_bypasses_nothing(db: Database) -> None:
    async with db.bare() as connection:
        role, superuser, bypass, creates = (
            await connection.execute(
                text(
                    "select current_user::text, rolsuper, rolbypassrls, rolcreaterole or rolcreatedb from pg_roles"
                    " where rolname = current_user"
                )
            )
        ).one()
        owned = (
            await connection.execute(
                text(
                    "select count(*) from pg_class where relowner = (select oid from pg_roles where rolname = current_user)"
                )
            )
        ).scalar_one()
    assert (role, superuser, bypass, creates, owned) == ("retainer_app", False, False, False, 0)


@pytest.mark.parametrize("setting", [None, "", "nobody", "' or true --", "%"])
async def test_without_the_tenant_there_are_no_rows_and_no_faults(
    db: Database, vendor: MakeVendor, setting: str | None
) -> None:
    await vendor("avactis")
    async with db.bare() as connection:
        if setting is not None:
            await connection.execute(text("select set_config('app.tenant', :to, true)"), {"to": setting})
        for table in metadata.tables:
            if table in OPEN:
                continue
            count = (await connection.execute(text(f'select count(*) from "{table}"'))).scalar_one()
            assert count == 0, table


async def test_nothing_can_be_written_into_another_tenant(db: Database, vendor: MakeVendor) -> None:
    acme, beta = await vendor("avactis"), await vendor("avactis")
    async with db.bare() as connection:
        await connection.execute(text("select set_config('app.tenant', :to, true)"), {"to": acme.tenant_id})
        changed = await connection.execute(
            text("update tenant set suspended = true where tenant_id = :other"), {"other": beta.tenant_id}
        )
        assert changed.rowcount == 0
    async with db.bare() as connection:
        await connection.execute(text("select set_config('app.tenant', :to, true)"), {"to": acme.tenant_id})
        with pytest.raises(Exception, match="row-level security"):
            await connection.execute(
                text(
                    "insert into customer (tenant_id, customer_id, external_id, event_sequence, data, profile, created_at)"
                    " values (:other, 'cus_x', 'x', 0, '{}', '{}', now())"
                ),
                {"other": beta.tenant_id},
            )


async def test_the_setting_does_not_leak_to_the_next_user_of_a_connection(db: Database, vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    await db.read(acme.tenant_id, lambda tx: tx.rows(text("select 1")))
    async with db.bare() as connection:
        left = (await connection.execute(text("select current_setting('app.tenant', true)"))).scalar_one()
        count = (await connection.execute(text("select count(*) from tenant"))).scalar_one()
    assert left in (None, "")
    assert count == 0


APPEND_ONLY = ("entry", "operation", "entity_event", "audit_trail", "clock_outcome")


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_what_is_done_is_never_changed(db: Database, module_url: str, vendor: MakeVendor, table: str) -> None:
    """Append-only tables refuse the service's role (no grant) and even their owner (a trigger)."""
    for statement in (f"delete from {table}", f"update {table} set tenant_id = tenant_id", f"truncate {table}"):
        async with db.bare() as connection:
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute(text(statement))
    await lived(await vendor("shopp"))
    owner = await connect(module_url)
    try:
        for statement in (f"delete from {table}", f"update {table} set tenant_id = tenant_id"):
            await owner.execute("begin")
            with pytest.raises(Exception, match=r"append-only|never|refuse"):
                await owner.execute(f"alter table {table} no force row level security; {statement}")
            await owner.execute("rollback")
    finally:
        await owner.close()


async def lived(shop: Vendor) -> None:
    """A ticket with a clock that is over, so that each of the tables has a row."""
    await bought(shop, "license")
    await bought(shop, "credit-priority")
    await opened(shop, credit_type="priority")
    await shop.move_clock("2025-01-06T00:00:00Z")


async def test_copy_and_functions_stay_behind_the_wall(db: Database, vendor: MakeVendor) -> None:
    """What reads a table by another way than a plain select."""
    acme, beta = await vendor("avactis"), await vendor("avactis")
    for statement in (
        "select count(*) from (table tenant) as every",
        "with every as (select * from tenant) select count(*) from every",
        "select count(*) from tenant as one join tenant as other on one.tenant_id <> other.tenant_id",
        "select ((select json_agg(one) from tenant as one)::text like '%' || :other || '%')::int",
    ):
        async with db.bare() as connection:
            await connection.execute(text("select set_config('app.tenant', :to, true)"), {"to": acme.tenant_id})
            given = {"other": beta.tenant_id} if ":other" in statement else {}
            found = (await connection.execute(text(statement), given)).scalar_one()
            assert found == (0 if ":other" in statement or "join" in statement else 1), statement
    async with db.bare() as connection:
        await connection.execute(text("select set_config('app.tenant', :to, true)"), {"to": acme.tenant_id})
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute(text("copy tenant to '/dev/null'"))


async def test_the_same_names_in_two_tenants_never_meet(vendor: MakeVendor) -> None:
    """No unique key tells one tenant what another has: each uses every name as if it were alone."""
    acme, beta = await vendor("avactis"), await vendor("avactis")
    for shop in (acme, beta):
        await bought(shop, "license-owned")
        await opened(shop, category="domain_change")
        assert (await shop.put("/v1/calendars/night", {"zone": "Europe/Berlin"})).status_code == 201
        secret = {"kind": "woocommerce", "secret": "of the shop", "products": {}}
        assert (await shop.put("/v1/sources/woo", secret)).status_code == 201
        granted = await shop.post("/v1/customers/c1/adjustments", {"credits": 3, "reason": "r"}, key="the-same-key")
        assert (granted.status_code, granted.headers.get("idempotent-replayed")) == (201, None)


async def test_a_role_other_than_the_services_own_is_refused_at_the_start(postgres: databases.Server) -> None:
    """As through a pooler that swallows the role: transactions would run as the tables' owner."""
    url = await postgres.clone()
    definition = (await rows(url, _BEGIN))[0][0]
    await execute(url, str(definition).replace("set local role retainer_app;", ""))
    database = Database(url)
    with pytest.raises(StartRefused, match="not as retainer_app"):
        await database.check_start()
    await database.close()
    await postgres.drop(url)


_BEGIN = "select pg_get_functiondef('retainer_begin(text, text, text)'::regprocedure)"
