"""Rows of `due`: which tenant has something to do, and when, for all tenants in one table (decision 0014).

The table stands outside row-level security and holds a tenant, a kind and an instant. So one question finds all tenants
that have something due. It has three kinds of rows, told apart by ``mark``:

- A *mark*, under an id of its own: written in the transaction that made something due. So the mark is there if and only
  if the work is, and nobody waits for anybody. A mark that is not committed yet cannot be taken for done.
- The worker's own row, under ``''``: when to look again, worked out from the tables at the end of each turn.
- The row of kind ``turn``: who is at a tenant has it until then. After a process that died it falls due itself, and
  whoever takes the tenant then looks at everything.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import TextClause, text

from app.db.engine import Database, Tx, run_alone

AGENDA: Final = "agenda"
"""Something on a real tenant's agenda. A sandbox's falls due by its own time, when that is moved."""
EVENTS: Final = "events"
"""Committed events without a position."""
WEBHOOKS: Final = "webhooks"
"""Events that an endpoint is to be told, or attempts that are due."""
INBOUND: Final = "inbound"
"""Deliveries of shops and helpdesks that wait to be acted on."""
UPKEEP: Final = "upkeep"
"""What is kept long enough is to be removed."""
LOOK: Final = "look"
"""Everything is looked at, whatever the other rows say."""
ZONES: Final = "zones"
"""Open clocks are compared with zone data that no process had before."""
TURN: Final = "turn"
EVERYTHING: Final = frozenset({AGENDA, EVENTS, WEBHOOKS, INBOUND})
LOOK_EVERY: Final = timedelta(hours=1)
UPKEEP_EVERY: Final = timedelta(hours=6)
UPKEEP_SOON: Final = timedelta(minutes=61)
"""The next upkeep after one that found something to remove."""
LEASE: Final = timedelta(seconds=5)
"""How long a tenant stays with a process that does not say that it has done. Two at once do no harm (row locks)."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work for a tenant, to be done when something of the kind ``due`` is. ``run`` answers how much it did."""

    due: str
    run: Callable[[Database, str], Awaitable[int]]

    @property
    def __name__(self) -> str:
        """The name by which it is counted."""
        return str(getattr(self.run, "__name__", "job"))

    async def __call__(self, db: Database, tenant_id: str) -> int:
        """Do it."""
        return await self.run(db, tenant_id)


@dataclass(frozen=True, slots=True)
class Turn:
    """A tenant that this process has until ``until``, and the kinds of what is due there; none: all."""

    tenant_id: str
    until: datetime
    kinds: frozenset[str]


MARK: Final = (
    "insert into due (tenant_id, kind, mark, at) select :tenant, u.kind, u.mark, coalesce(u.at, statement_timestamp())"
    " from {batch} where u.at is null or u.at <= statement_timestamp() + interval '1 minute'"
    " or not exists (select from due d where d.tenant_id = :tenant and d.kind = u.kind"
    "  and d.at > statement_timestamp() + interval '1 minute' and d.at <= u.at)"
)
"""Writes marks of (kind, mark, at); ``at`` null is now. One for later is left out behind another that comes first."""
_MARK = text(
    MARK.format(
        batch="(select cast(:kind as text), cast(:mark as text), statement_timestamp() + cast(:wait as interval))"
        " as u(kind, mark, at)"
    )
)
_HERE: Final = "not exists (select from tenant_move m where m.tenant_id = d.tenant_id and m.state <> 'leaving')"
"""Nobody's rows are touched while they are copied to another server, or after that."""


@lru_cache(maxsize=8)
def _claim(lease: timedelta) -> TextClause:
    """Return the statement that claims tenants for a while.

    What a conflict is judged by holds no parameter and only immutable functions, as sharded servers want it. So now is
    the claim's own end without the lease, and the lease is written out.
    """
    length = f"interval '{round(lease.total_seconds() * 1_000_000)} microseconds'"
    return text(
        "with waiting as materialized (select d.tenant_id, min(d.at) as since,"
        "  bool_and(d.kind in ('zones', 'look', 'upkeep')) as patient from due d where d.at <= now()"
        "  and not exists (select from due t where t.tenant_id = d.tenant_id and t.kind = 'turn' and t.mark = ''"
        f"   and t.at > now()) and {_HERE} group by d.tenant_id order by 3, 2 limit :most),"
        " ours as (insert into due (tenant_id, kind, mark, at)"
        f"  select w.tenant_id, 'turn', '', now() + {length} from waiting w order by w.tenant_id"
        "  on conflict (tenant_id, kind, mark) do update set at = excluded.at"
        f"  where due.at at time zone 'UTC' <= excluded.at at time zone 'UTC' - {length} returning tenant_id, at),"
        " taken as (delete from due d using ours where d.tenant_id = ours.tenant_id and d.kind <> 'turn'"
        "  and d.at <= now() returning d.tenant_id, d.kind)"
        " select ours.tenant_id, ours.at, array_agg(distinct taken.kind) filter (where taken.kind is not null) as kinds"
        " from ours left join taken on taken.tenant_id = ours.tenant_id group by ours.tenant_id, ours.at"
    )


_ANYTHING = text("select retainer_due(:lock_timeout, :statement_timeout)")
_NEXT: Final = (
    "select 'agenda' as kind, min(a.at) as at from agenda a where a.tenant_id = :tenant and not :virtual"
    " union all select 'events', statement_timestamp() where exists (select from outbox where tenant_id = :tenant"
    "  and position is null)"
    " union all select 'webhooks', min(case when e.position < t.event_position then statement_timestamp() else"
    "  (select d.next_attempt_at from webhook_delivery d where d.tenant_id = :tenant and d.endpoint_id = e.endpoint_id"
    "   and d.state = 'pending' order by d.next_attempt_at limit 1) end)"
    "  from webhook_endpoint e join tenant t on t.tenant_id = e.tenant_id"
    "  where e.tenant_id = :tenant and e.state = 'enabled'"
    " union all select 'inbound', min(i.next_at) from inbound_delivery i where i.tenant_id = :tenant"
    "  and i.state = 'received'"
)
"""When each kind of thing falls due next, by the tables themselves."""
_LOOK_AGAIN: Final = (
    "insert into due (tenant_id, kind, mark, at)"
    " select :tenant, n.kind, '', greatest(n.at, statement_timestamp() + :pause) from next n where n.at is not null"
    " on conflict (tenant_id, kind, mark) do update set at = excluded.at where due.at > excluded.at"
)
_END_TURN = text(
    f"with next as materialized ({_NEXT}), again as ({_LOOK_AGAIN}),"
    " rest as (update due set at = statement_timestamp() + :rest where tenant_id = :tenant and kind = 'turn'"
    "  and mark = '' and at = :until and cast(:rest as interval) > interval '0'),"
    " gone as (delete from due where tenant_id = :tenant and kind = 'turn' and mark = '' and at = :until"
    "  and cast(:rest as interval) = interval '0')"
    " select kind, at from next where at is not null"
)
_REFRESH = text(f"with next as materialized ({_NEXT}), again as ({_LOOK_AGAIN}) select 1")
_PUT_BACK = text(
    "with back as (insert into due (tenant_id, kind, mark, at) select t.tenant_id, k.kind, '', now() + :pause"
    "  from unnest(cast(:tenants as text[])) as t(tenant_id), unnest(cast(:kinds as text[])) as k(kind)"
    "  on conflict (tenant_id, kind, mark) do update set at = least(due.at, excluded.at)),"
    " gone as (delete from due where tenant_id = any(:tenants) and kind = 'turn' and mark = '' and at = :until)"
    " select 1"
)
_EVERY_TENANT: Final = (
    "insert into due (tenant_id, kind, mark, at)"
    " select d.tenant_id, cast(:kind as text), '', now() + random() * cast(:within as interval)"
    f" from (select distinct tenant_id from directory) d where {_HERE}"
    " on conflict (tenant_id, kind, mark)"
)
_KEEP = text(f"{_EVERY_TENANT} do nothing")
_BRING_FORWARD = text(f"{_EVERY_TENANT} do update set at = least(due.at, excluded.at)")
_NEW_ZONES = text(
    "with old as (delete from due where tenant_id = '' and kind = 'zones' and mark <> :version),"
    " new as (insert into due (tenant_id, kind, mark, at) values ('', 'zones', :version, 'infinity')"
    "  on conflict (tenant_id, kind, mark) do nothing returning 1) select exists (select from new)"
)
_UNKNOWN = text(
    f"select n.kind, n.at from ({_NEXT}) n where n.at is not null and not exists (select from due d"
    " where d.tenant_id = :tenant and (d.kind in (n.kind, 'turn', 'look')"
    "  or (n.kind = 'webhooks' and d.kind = 'events'))"
    " and d.at <= greatest(n.at, statement_timestamp() + interval '10 seconds'))"
)


async def mark(tx: Tx, kind: str, *, wait: timedelta | None = None) -> None:
    """Say that something of a kind falls due after a while, at once by default; undone with the transaction."""
    if not tx.validate_only:
        tx.made_due = tx.made_due or wait is None
        await tx.rows(_MARK, {"tenant": tx.tenant_id, "kind": kind, "mark": tx.mint("due"), "wait": wait})


async def anything(db: Database) -> bool:
    """Return whether something is due, of any tenant: one round trip, since it is asked five times a second."""
    timeouts = {"lock_timeout": f"{db.lock_timeout_ms}ms", "statement_timeout": f"{db.statement_timeout_ms}ms"}
    return bool((await run_alone(db, _ANYTHING, timeouts))[0][0])


async def claim(db: Database, most: int, *, lease: timedelta = LEASE) -> list[Turn]:
    """Take tenants that have something due and that nobody is at, those that wait longest first.

    Their marks that are due are taken off; of what was taken and not done, `put_back` or the lease brings the tenant
    up again.
    """
    async with db.installing() as connection:
        rows = (await connection.execute(_claim(lease), {"most": most})).all()
    return [Turn(row.tenant_id, row.at, frozenset(row.kinds or ())) for row in rows]


async def end_turn(tx: Tx, turn: Turn, *, pause: timedelta, rest: timedelta) -> dict[str, datetime]:
    """End a turn: write when to look again, by what the tables say now, and let the tenant go.

    ``pause``: the tenant is not looked at again earlier for what is due still. ``rest`` says how long nobody is to take
    it, so that a busy tenant has one turn for many calls. Afterwards it is looked at once more as a whole.
    """
    rows = await tx.rows(
        _END_TURN,
        {"tenant": tx.tenant_id, "virtual": tx.tenant.virtual, "until": turn.until, "pause": pause, "rest": rest},
    )
    return {row.kind: row.at for row in rows}


async def refresh(tx: Tx) -> None:
    """Write when to look at a tenant again, by what the tables say now; an earlier instant stays."""
    by = {"tenant": tx.tenant_id, "virtual": tx.tenant.virtual, "pause": timedelta(0)}
    await tx.rows(_REFRESH, by)


async def put_back(db: Database, turn: Turn, kinds: Iterable[str], *, pause: timedelta) -> None:
    """Give a tenant back whose turn failed: what was due is due again after a pause."""
    async with db.installing() as connection:
        await connection.execute(
            _PUT_BACK, {"tenants": [turn.tenant_id], "kinds": sorted(kinds), "until": turn.until, "pause": pause}
        )


async def forget(db: Database, tenant_id: str) -> None:
    """Forget what was due of a tenant that is there no more."""
    async with db.installing() as connection:
        await connection.execute(text("delete from due where tenant_id = :tenant"), {"tenant": tenant_id})


async def later(tx: Tx, kind: str, at: timedelta) -> None:
    """Put the worker's own row of a kind so far ahead."""
    await tx.rows(
        text(
            "insert into due (tenant_id, kind, mark, at) values (:tenant, :kind, '', statement_timestamp() + :wait)"
            " on conflict (tenant_id, kind, mark) do update set at = excluded.at returning 1"
        ),
        {"tenant": tx.tenant_id, "kind": kind, "wait": at},
    )


async def found(tx: Tx) -> None:
    """Have a new tenant looked at and kept up now and then."""
    for kind, every in ((LOOK, LOOK_EVERY), (UPKEEP, UPKEEP_EVERY)):
        await later(tx, kind, every * random.random())  # noqa: S311 - only spreads the load


async def keep_up(db: Database) -> None:
    """Have every tenant looked at and kept up now and then, also one that lost its rows."""
    async with db.installing() as connection:
        for kind, every in ((LOOK, LOOK_EVERY), (UPKEEP, UPKEEP_EVERY)):
            await connection.execute(_KEEP, {"kind": kind, "within": every})


async def compare_zones(db: Database, version: str, *, within: timedelta) -> None:
    """Have every tenant's clocks compared with this version of the zone data, unless an earlier process saw to it."""
    async with db.installing() as connection:
        if (await connection.execute(_NEW_ZONES, {"version": version})).scalar_one():
            await connection.execute(_BRING_FORWARD, {"kind": ZONES, "within": within})


async def unknown(tx: Tx) -> Sequence[Any]:
    """What is due in the tables and unknown to `due`: (kind, at) each. None is the promise."""
    return await tx.rows(_UNKNOWN, {"tenant": tx.tenant_id, "virtual": tx.tenant.virtual})
