"""Rows of `outbox` as events: the feed by position, single events, those of the tenant itself, how long they stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text

from app.db import plan
from app.db.engine import Tx
from app.db.keyset import where_after
from app.db.minting import PAIRS
from app.domain.account.changes import OutboxEvent
from app.domain.values.ids import CustomerId
from app.domain.values.paging import PageRequest
from app.views.event_types import EVENT_TYPES

TENANT_LANE: Final = ""
"""Stands for the customer in events that concern none, such as a published policy."""

MATCHES: Final = "(:every or o.type = any(:types) or split_part(o.type, '.', 1) = any(:nouns))"
DATA: Final = (
    "case when o.data ? 'person_id' then (o.data - 'person_id') || jsonb_build_object('contact_id',"
    " (select p.external_id from customer p where p.tenant_id = :tenant and p.customer_id = o.data ->> 'person_id'))"
    " else o.data end"
)
"""The data of an event of `outbox o`. Who asked a ticket that a company pays for is said by the vendor's id."""
_COLUMNS: Final = (
    "select o.event_id, o.type, o.sequence, o.position, c.external_id as customer_id, o.occurred_at, o.recorded_at,"
    f" {DATA} as data"
    " from outbox o left join customer c on c.tenant_id = o.tenant_id and c.customer_id = o.customer_id"
    " where o.tenant_id = :tenant"
)
_OF_TYPES: Final = (
    "select o.position from unnest(cast(:types as text[])) as wanted(type) cross join lateral ("
    "select o.position from outbox o where o.tenant_id = :tenant and o.type = wanted.type and o.position > :position"
)
"""One range of an index for each type, in the order of the feed; what each gives is merged."""
_ONE: Final = text(f"{_COLUMNS} and o.event_id = :event")
_SEVERAL: Final = text(f"{_COLUMNS} and o.event_id = any(:events)")
_PLACE: Final = text("select position from outbox where tenant_id = :tenant and event_id = :event")
_LAST: Final = text("select event_position from tenant where tenant_id = :tenant")
_UNPLACED: Final = text("select exists (select from outbox where tenant_id = :tenant and position is null)")
_LOCK: Final = text("select 1 from tenant where tenant_id = :tenant for no key update")
_NEXT_SEQUENCE: Final = text(
    "select coalesce(max(sequence), 0) + 1 from outbox where tenant_id = :tenant and customer_id = ''"
)
_PURGE: Final = text(
    "delete from outbox where tenant_id = :tenant and event_id in (select o.event_id from outbox o"
    " where o.tenant_id = :tenant and o.event_id < :before and o.position is not null and not exists ("
    " select from webhook_endpoint e where e.tenant_id = :tenant and e.state = 'enabled'"
    " and e.position < o.position)"
    " order by o.event_id limit :limit)"
)


def matching(types: Iterable[str]) -> dict[str, Any]:
    """Parameters of `MATCHES` for types, ``noun.*`` and ``*``."""
    patterns = list(types)
    return {
        "every": "*" in patterns,
        "types": [name for name in patterns if not name.endswith("*")],
        "nouns": [name[:-2] for name in patterns if name.endswith(".*")],
    }


def named(patterns: Iterable[str]) -> list[str]:
    """The types that ``noun.*`` and types stand for."""
    return sorted(
        {
            event_type
            for event_type in EVENT_TYPES
            for it in patterns
            if it in (event_type, f"{event_type.partition('.')[0]}.*")
        }
    )


async def page(
    tx: Tx, position: int, part: PageRequest, *, types: list[str] | None = None, customer_id: str | None = None
) -> tuple[list[Row[Any]], bool]:
    """A part of the placed events behind a position, in order; and whether there are more. ``customer_id`` is ours;
    ``types`` may hold ``noun.*``."""
    values: dict[str, Any] = {"tenant": tx.tenant_id, "position": position, "most": part.most}
    beyond, order = where_after(part, "o.position", ":key")
    statement = f"{_COLUMNS} and o.position > :position"
    if part.key is not None:
        values["key"] = part.key[0]
    if customer_id is not None:
        statement += " and o.customer_id = :customer"
        values["customer"] = customer_id
    if types and "*" not in types:
        values["types"] = named(types)
        statement += (
            " and o.type = any(:types)"
            if customer_id is not None
            else f" and o.position = any(array(select o.position from ({_OF_TYPES}{beyond}{order}) o) o{order}))"
        )
    return part.trim(await tx.rows(text(f"{statement}{beyond}{order}"), values))


async def one(tx: Tx, event_id: str) -> Row[Any] | None:
    """One event, placed or not."""
    row: Row[Any] | None = await tx.row(_ONE, {"tenant": tx.tenant_id, "event": event_id})
    return row


async def several(tx: Tx, event_ids: list[str]) -> dict[str, Row[Any]]:
    """Events by their ids."""
    return {row.event_id: row for row in await tx.rows(_SEVERAL, {"tenant": tx.tenant_id, "events": event_ids})}


async def position_of(tx: Tx, event_id: str) -> int | None:
    """Where an event stands in the feed; None when it is not there."""
    row = await tx.row(_PLACE, {"tenant": tx.tenant_id, "event": event_id})
    return None if row is None else row.position


async def last_position(tx: Tx) -> int:
    """The last position given out."""
    row = await tx.row(_LAST, {"tenant": tx.tenant_id})
    return 0 if row is None else int(row.event_position)


async def unplaced(tx: Tx) -> bool:
    """Whether committed events wait for their position."""
    row = await tx.row(_UNPLACED, {"tenant": tx.tenant_id})
    return bool(row[0])


async def publish(tx: Tx, type_: str, data: Mapping[str, Any]) -> None:
    """An event that concerns no customer; the tenant's row is the lock, since its sequence rises by one."""
    if tx.validate_only:
        return
    await tx.execute(_LOCK, {"tenant": tx.tenant_id})
    sequence = (await tx.row(_NEXT_SEQUENCE, {"tenant": tx.tenant_id}))[0]
    await plan.write_outbox(
        tx,
        [
            OutboxEvent(
                type=type_,
                customer_id=CustomerId(TENANT_LANE),
                sequence=sequence,
                occurred_at=tx.at,
                data=dict(data),
                dedupe_key=None,
            )
        ],
    )


def oldest_id(prefix: str, moment: datetime) -> str:
    """The least id that can have been made at a moment of real time (ids begin with it; see `app.db.minting.mint`)."""
    number = int(moment.timestamp() * 1000) << 80
    return prefix + "_" + "".join([PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


_ERASE: Final = text(
    "update outbox set data = data - 'into' - 'from' where tenant_id = :tenant and customer_id = any(:family)"
    " and type = 'customer.merged' and :name in (data ->> 'into', data ->> 'from')"
)


async def erase(tx: Tx, family: Sequence[str], external_id: str | None) -> None:
    """Forget a name where events of merged accounts hold it. ``family`` holds our ids of the account and of all that
    went into it. All else joins the name when it is read.
    """
    if external_id and not tx.validate_only:
        await tx.execute(_ERASE, {"tenant": tx.tenant_id, "family": list(family), "name": external_id})


async def purge(tx: Tx, before: datetime, *, limit: int) -> int:
    """Removes events made before a moment of real time that no endpoint still waits for; how many."""
    done = await tx.execute(_PURGE, {"tenant": tx.tenant_id, "before": oldest_id("evt", before), "limit": limit})
    return int(done.rowcount)
