"""`python -m scripts.move_tenant`: move a tenant from one Postgres server to another while both serve.

Postgres's own logical replication copies the tenant's rows and follows what is written meanwhile. Then writes stop for
a moment, the rows of both servers are compared table by table, and the new server answers. See docs/scale.md.

Every step can be repeated: a run that died is run again, or given up with `--abort`, until the tenant has moved.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.db.address import canonical, engine_of
from app.db.engine import Database
from app.domain.values.errors import DomainError
from app.usecases.tenants import moves

ACTOR: Final = "move-tenant"
STAYS: Final = ("directory", "tenant_move")
"""Tables that name tenants and are not replicated: the directory comes last, the move is each server's own."""
POLL: Final = 0.05
BEHIND_MAX: Final = 1_000_000
"""Bytes of the log that the new server may be behind when writes stop."""
Say = Callable[[str], None]


class Refused(Exception):  # noqa: N818 - what happened, in a word
    """The move cannot begin or go on; the message says why and what to do."""


@dataclass(slots=True)
class Cell:
    """A server: one connection as its owner, and the service's transactions for the steps of the move."""

    name: str
    url: str
    database: Database
    driver: Any

    async def value(self, sql: str, *given: Any) -> Any:
        """The one value that a statement gives."""
        return await self.driver.fetchval(sql, *given)

    async def rows(self, sql: str, *given: Any) -> list[Any]:
        """All rows of a statement."""
        return list(await self.driver.fetch(sql, *given))

    async def run(self, sql: str) -> None:
        """Runs a statement by itself, outside any transaction."""
        await self.driver.execute(sql)

    async def state(self, tenant_id: str) -> str:
        """How far the tenant's move is, seen from here."""
        found = await self.value("select state from tenant_move where tenant_id = $1", tenant_id)
        return "here" if found is None else str(found)

    async def put(self, tenant_id: str, state: Any, address: str | None = None) -> None:
        """Brings the move to a state, as the operator's call does."""
        async with self.database.founding(tenant_id, actor=ACTOR, even_moved=True) as tx:
            await moves.put(tx, state, address, now=datetime.now(UTC))

    async def present(self, tenant_id: str) -> bool:
        """Whether the tenant's own row is here."""
        return bool(await self.value("select exists (select from tenant where tenant_id = $1)", tenant_id))


@contextlib.asynccontextmanager
async def cell(name: str, url: str) -> AsyncIterator[Cell]:
    """A server that is reached by a URL, as the owner of its tables."""
    known = canonical(url)
    database = Database(known, pool_size=2, application_name=ACTOR)
    engine = engine_of(known, application_name=ACTOR)
    try:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            yield Cell(name, known, database, driver)
    finally:
        await engine.dispose()
        await database.close()


@dataclass(slots=True)
class Move:
    """A tenant's move. ``between`` is told each step that is done; tests let the move die there."""

    tenant_id: str
    source: Cell
    target: Cell
    address: str
    seen_from_target: str
    """The source's URL for libpq, as the target's server reaches it."""
    patience: float = 20.0
    """Seconds for which writes may stand still; then the tenant stays where it is."""
    say: Say = print
    between: Callable[[str], None] = lambda _: None
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the publication, the subscription and its slot."""
        return "retainer_move_" + hashlib.sha256(self.tenant_id.encode()).hexdigest()[:16]

    # --- looking ------------------------------------------------------------------------------------------------------

    async def check(self) -> None:
        """Refuse what could not come to its end; nothing is written."""
        source, target = self.source, self.target
        if await source.value(_IDENTITY) == await target.value(_IDENTITY):
            raise Refused("both URLs lead to the same database")
        for it, least in ((source, 150_000), (target, 160_000)):
            if int(await it.value("show server_version_num")) < least:
                raise Refused(f"the {it.name} server must be Postgres {least // 10_000} or newer")
        if await source.value("show wal_level") != "logical":
            raise Refused("the old server does not keep a logical log: set wal_level = logical there and restart it")
        if not await source.value("select rolsuper or rolreplication from pg_roles where rolname = current_user"):
            raise Refused("the old server's user may not replicate: alter role ... replication, or use a superuser")
        if not await target.value("select rolsuper from pg_roles where rolname = current_user"):
            raise Refused("the new server's user must be a superuser: only one may subscribe past row-level security")
        heads = [await it.value("select version_num from alembic_version") for it in (source, target)]
        if heads[0] != heads[1]:
            raise Refused(f"the schemas differ ({heads[0]} and {heads[1]}): run `retainer migrate` of one version")
        await self._check_keys()
        await self._check_place()

    async def _check_keys(self) -> None:
        known, there = [
            {row[0] for row in await it.rows("select fingerprint from secret_key")} for it in (self.source, self.target)
        ]
        if not there:
            raise Refused("the new server knows no secret key yet: start the service there once, then run this again")
        if known - there:
            raise Refused(
                "the new server does not have the secret key that sealed this tenant's secrets: start the service there"
                " with RETAINER_SECRET_KEY or RETAINER_SECRET_KEY_SECOND set to it, or let `retainer reseal` seal what"
                " the old server stores with the new server's key"
            )

    async def _check_place(self) -> None:
        old, new = await self.source.state(self.tenant_id), await self.target.state(self.tenant_id)
        if not await self.source.present(self.tenant_id):
            raise Refused(f"the old server has no tenant {self.tenant_id}")
        if old == "arriving":
            raise Refused("the tenant is itself arriving on the old server: finish that move first")
        if old == "moved":
            if new not in ("arriving", "here"):
                raise Refused("the tenant has moved from the old server already, to another one")
            return
        if new != "arriving" and await self.target.present(self.tenant_id):
            raise Refused(
                "the new server has rows of this tenant: if it lived there before, remove what it left behind"
                " with --forget, the two URLs the other way round"
            )
        slots = await self.source.rows(_SLOTS)
        if slots[0][0] >= slots[0][1] - 1 and not await self._subscribed():
            raise Refused("the old server has no free replication slots: raise max_replication_slots and restart it")

    async def _subscribed(self) -> bool:
        found = await self.target.value(
            "select exists (select from pg_subscription s join pg_database d on d.oid = s.subdbid"
            " where s.subname = $1 and d.datname = current_database())",
            self.name,
        )
        return bool(found)

    async def tables(self) -> list[str]:
        """Tables that hold rows of tenants; the same on both servers, whose schema is one version's."""
        rows = await self.source.rows(_TABLES, list(STAYS))
        return [str(row[0]) for row in rows]

    # --- the steps ----------------------------------------------------------------------------------------------------

    async def run(self) -> dict[str, Any]:
        """Moves the tenant, or goes on where an earlier run ended; what it measured."""
        await self.check()
        if await self.source.state(self.tenant_id) != "moved":
            await self.target.put(self.tenant_id, "arriving", self.address)
            self.between("arriving")
            if not await self._is_whole():
                await self._copy()
                await self._stop()
            await self._unsubscribe()
            self.between("unsubscribed")
            await self._introduce()
            self.between("introduced")
            await self.source.put(self.tenant_id, "moved", self.address)
            self.between("moved")
        if await self.target.state(self.tenant_id) == "arriving":
            await self.target.put(self.tenant_id, "here")
        if "stopped_at" in self.figures:
            self.figures["stopped_seconds"] = time.monotonic() - self.figures.pop("stopped_at")
            self.say(f"moved; writes stood still for {self.figures['stopped_seconds']:.2f} s")
        else:
            self.say("moved")
        return self.figures

    async def _is_whole(self) -> bool:
        """Whether an earlier run got as far as the comparison, and ended after it."""
        if await self._subscribed() or not await self.target.present(self.tenant_id):
            return False
        if await self.source.state(self.tenant_id) != "moving" or await self._differences():
            raise Refused("the new server has part of the tenant and nothing follows it: run this with --abort first")
        return True

    async def _copy(self) -> None:
        """Lets the new server copy all rows and follow what is written since."""
        tables, began = await self.tables(), time.monotonic()
        where = f"where (tenant_id = {_literal(self.tenant_id)})"
        if not await self.source.value("select exists (select from pg_publication where pubname = $1)", self.name):
            parts = ", ".join(f"{table} {where}" for table in tables)
            await self.source.run(f"create publication {self.name} for table {parts}")
        self.between("published")
        if not await self._subscribed():
            await self._drop_slot()
            url = self.seen_from_target
            url += ("&" if "?" in url else "?") + "options=-crow_security%3Doff"
            await self.target.run(
                f"create subscription {self.name} connection {_literal(url)} publication {self.name}"
                " with (run_as_owner = true, disable_on_error = true)"
            )
        self.between("subscribed")
        await self._until(f"{len(tables)} tables are copied", self._copied)
        self.figures |= {"tables": len(tables), "copied_seconds": time.monotonic() - began}
        self.say(f"{len(tables)} tables copied in {self.figures['copied_seconds']:.2f} s")
        self.between("copied")
        await self._until("the new server keeps up", lambda: self._behind(BEHIND_MAX))

    async def _copied(self) -> bool:
        if not await self.target.value("select subenabled from pg_subscription where subname = $1", self.name):
            raise Refused("the new server refused a row, see its log; run this with --abort, then again")
        return not await self.target.value(
            "select exists (select from pg_subscription_rel r join pg_subscription s on s.oid = r.srsubid"
            " where s.subname = $1 and r.srsubstate <> 'r')",
            self.name,
        )

    async def _behind(self, most: int) -> bool:
        behind = await self.source.value(_BEHIND, self.name)
        return behind is not None and int(behind) <= most

    async def _stop(self) -> None:
        """Stops webhooks, then writes; waits until both servers have the same rows. Past patience it starts again."""
        source, tenant_id = self.source, self.tenant_id
        try:
            if await source.state(tenant_id) == "here":
                await source.put(tenant_id, "leaving", self.address)
            self.between("leaving")
            await self._settled()
            # A webhook whose sender was killed counts as sent until its lease ends: a minute.
            await self._until("webhooks under way are done", self._moving, 90.0)
            self.between("moving")
            self.figures["stopped_at"] = time.monotonic()
            await self._settled()
            await source.run("begin; select pg_logical_emit_message(true, 'retainer', 'whole'); commit")
            end = await source.value("select pg_current_wal_flush_lsn()::text")
            await self._until("the new server has it all", lambda: self._confirmed(end), self.patience)
            self.between("caught up")
            if wrong := await self._differences():
                raise Refused(f"the rows differ in {', '.join(wrong)}: run this with --abort, and tell us")
            self.say(f"{self.figures['rows']:,} rows are equal, table by table")
            self.between("compared")
        except (TimeoutError, Refused):
            await source.put(tenant_id, "here")
            self.say("given up for now: the tenant is written on the old server again")
            raise

    async def _moving(self) -> bool:
        """Whether writes stopped; not while a webhook is under way."""
        try:
            await self.source.put(self.tenant_id, "moving")
        except DomainError as error:
            if error.code != "tenant_move_conflict":
                raise
            return False
        return True

    async def _settled(self) -> None:
        """Waits for every transaction that began before the last step and may not have seen it."""
        open_ = {str(row[0]) for row in await self.source.rows(_OPEN)}

        async def over() -> bool:
            return not open_ & {str(row[0]) for row in await self.source.rows(_OPEN)}

        await self._until("transactions that began before are over", over, self.patience)

    async def _confirmed(self, end: str) -> bool:
        return bool(
            await self.source.value(
                "select confirmed_flush_lsn >= $2::text::pg_lsn from pg_replication_slots where slot_name = $1",
                self.name,
                end,
            )
        )

    async def _differences(self) -> list[str]:
        """Tables whose rows are not the same on both servers: by their number and a sum over all columns."""
        wrong, rows = [], 0
        for table in await self.tables():
            columns = [str(row[0]) for row in await self.source.rows(_COLUMNS, table)]
            sql = _SUM.format(table=table, columns=", ".join(f"t.{name}" for name in columns))
            here, there = [tuple((await it.rows(sql, self.tenant_id))[0]) for it in (self.source, self.target)]
            rows += here[0]
            if here != there:
                wrong.append(f"{table} ({here[0]:,} and {there[0]:,})")
        self.figures["rows"] = rows
        return wrong

    async def _unsubscribe(self) -> None:
        if await self._subscribed():
            await self.target.run(f"alter subscription {self.name} disable")
            with contextlib.suppress(TimeoutError):
                await self._until("the subscription rests", self._resting, 10.0)
            await self.target.run(f"drop subscription {self.name}")
        await self.source.run(f"drop publication if exists {self.name}")

    async def _resting(self) -> bool:
        return not await self.source.value(
            "select exists (select from pg_replication_slots where slot_name = $1 and active)", self.name
        )

    async def _drop_slot(self) -> None:
        """Drops the slot of a subscription that was never made."""
        await self.source.rows(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active",
            self.name,
        )

    async def _introduce(self) -> None:
        """Makes keys and inbound addresses known on the new server, and the tenant to its worker."""
        hashes = [row[0] for row in await self.source.rows(_DIRECTORY, self.tenant_id)]
        await self.target.rows(_INTRODUCE, hashes, self.tenant_id)

    # --- giving up, and tidying ---------------------------------------------------------------------------------------

    async def abort(self) -> None:
        """Lets the tenant live on the old server as if nothing had been. Refused once it has moved."""
        if await self.source.state(self.tenant_id) == "moved":
            raise Refused("the tenant has moved: run this without --abort to finish, or move it back")
        if await self.target.state(self.tenant_id) != "arriving":
            raise Refused("no move of this tenant to the new server is under way")
        await self.source.put(self.tenant_id, "here")
        await self._unsubscribe()
        await self._drop_slot()
        await self._remove(self.target)
        await self.target.rows("delete from directory where tenant_id = $1", self.tenant_id)
        await self.target.put(self.tenant_id, "here")
        self.say("given up: the tenant lives on the old server, and nothing of it is left on the new one")

    async def forget(self) -> None:
        """Removes the rows that a moved tenant left behind; its keys are still told the address."""
        if await self.source.state(self.tenant_id) != "moved":
            raise Refused("the tenant lives on the old server: only what has moved can be forgotten")
        if await self.target.state(self.tenant_id) != "here" or not await self.target.present(self.tenant_id):
            raise Refused("the tenant does not live on the new server: its rows may be the only ones")
        removed = await self._remove(self.source)
        self.say(f"{removed:,} rows removed from the old server")

    async def _remove(self, place: Cell) -> int:
        """Removes all rows of the tenant, append-only ones too, as replication would."""
        removed = 0
        await place.run("set session_replication_role = replica")
        try:
            for table in await self.tables():
                done = await place.driver.execute(f"delete from {table} where tenant_id = $1", self.tenant_id)
                removed += int(done.rpartition(" ")[2])
        finally:
            await place.run("reset session_replication_role")
        return removed

    async def _until(self, what: str, true: Callable[[], Awaitable[bool]], seconds: float | None = None) -> None:
        began = time.monotonic()
        while not await true():
            if seconds is not None and time.monotonic() - began > seconds:
                raise TimeoutError(f"{what}: not within {seconds:.0f} s")
            await asyncio.sleep(POLL)


_IDENTITY: Final = "select pg_postmaster_start_time()::text || '/' || current_database()"
_SLOTS: Final = "select (select count(*) from pg_replication_slots), current_setting('max_replication_slots')::bigint"
_TABLES: Final = (
    "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
    " where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace and not c.relname = any($1)"
    " order by 1"
)
_COLUMNS: Final = (
    "select attname from pg_attribute where attrelid = $1::text::regclass and attnum > 0"
    " and not attisdropped order by 1"
)
_SUM: Final = (
    "select count(*), coalesce(sum(hashtextextended(row({columns})::text, 0)::numeric), 0)::text"
    " from {table} t where t.tenant_id = $1"
)
_BEHIND: Final = (
    "select pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) from pg_replication_slots where slot_name = $1"
)
# Each transaction holds a lock on its own number from its first moment on.
_OPEN: Final = (
    "select l.virtualtransaction from pg_locks l join pg_stat_activity a on a.pid = l.pid"
    " where l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock' and l.granted and l.pid <> pg_backend_pid()"
    " and a.datname = current_database() and a.backend_type is distinct from 'walsender'"
    " and a.backend_type is distinct from 'autovacuum worker'"
)
_DIRECTORY: Final = "select hash from directory where tenant_id = $1"
_INTRODUCE: Final = (
    "insert into directory (hash, tenant_id) select h, $2 from unnest($1::bytea[]) h on conflict do nothing"
)


def _literal(text: str) -> str:
    """A text as SQL writes it, for statements that take no parameters."""
    doubled = text.replace("'", "''")
    if "\\" in doubled:
        return "E'" + doubled.replace("\\", "\\\\") + "'"
    return f"'{doubled}'"


def libpq(url: str) -> str:
    """A canonical URL as libpq takes it."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


async def main(arguments: argparse.Namespace) -> None:
    """Does what the command line says."""
    async with cell("old", arguments.source) as source, cell("new", arguments.target) as target:
        move = Move(
            tenant_id=arguments.tenant,
            source=source,
            target=target,
            address=arguments.address or "",
            seen_from_target=libpq(canonical(arguments.source_for_target or arguments.source)),
            patience=arguments.patience,
        )
        if arguments.abort:
            await move.abort()
        elif arguments.forget:
            await move.forget()
        elif arguments.check:
            await move.check()
            print(f"{len(await move.tables())} tables would go; nothing stands in the way")
        else:
            await move.run()


def read(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Move a tenant from one Postgres server to another.")
    parser.add_argument("tenant", help="the tenant's id")
    parser.add_argument("--from", dest="source", required=True, help="URL of the old server's database, as its owner")
    parser.add_argument("--to", dest="target", required=True, help="URL of the new server's database, as a superuser")
    parser.add_argument("--address", help="where callers find the tenant afterwards, e.g. https://cell-2.example")
    parser.add_argument("--source-for-target", help="the old server's URL as the new server reaches it")
    parser.add_argument("--patience", type=float, default=20.0, help="seconds for which writes may stand still")
    parser.add_argument("--check", action="store_true", help="only look whether it can be done")
    parser.add_argument("--abort", action="store_true", help="give a move up that has not ended")
    parser.add_argument("--forget", action="store_true", help="remove what a moved tenant left on the old server")
    arguments = parser.parse_args(given)
    if not arguments.address and not (arguments.abort or arguments.forget or arguments.check):
        parser.error("--address is wanted: callers are told it")
    return arguments


if __name__ == "__main__":
    try:
        asyncio.run(main(read()))
    except (Refused, TimeoutError, DomainError) as error:
        said = error.facts.get("message") if isinstance(error, DomainError) else None
        sys.exit(f"move-tenant: {said or error}")
