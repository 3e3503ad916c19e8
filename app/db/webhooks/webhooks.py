"""Rows of `webhook_endpoint` and `webhook_delivery`: what each endpoint is to be told, and what became of it.

Deliveries are claimed and written by `app.db.webhooks.claims`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Update, func, insert, select, text, update

from app.db import due
from app.db.engine import Tx
from app.db.events.events import MATCHES, matching, oldest_id
from app.db.keyset import select_page
from app.db.schema import webhook_delivery as d
from app.db.schema import webhook_endpoint as e
from app.domain.values.paging import PageRequest
from app.domain.values.phrase import english

_encode: Final = msgspec.json.Encoder(enc_hook=english).encode
FAN_OUT: Final = 1000
"""Positions looked at in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint as kept. ``customer_id`` is ours; secrets are sealed."""

    endpoint_id: str
    url: str
    event_types: tuple[str, ...]
    customer_id: str | None
    description: str
    state: str
    disabled_reason: str | None
    disabled_at: datetime | None
    secret: bytes
    previous_secret: bytes | None
    previous_until: datetime | None
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


_COLUMNS: Final = tuple(e.c[name] for name in Endpoint.__dataclass_fields__)


def _endpoint(row: Any) -> Endpoint:
    return Endpoint(**{**dict(row._mapping), "event_types": tuple(row.event_types)})


# --- endpoints --------------------------------------------------------------------------------------------------------


async def add(tx: Tx, endpoint: Endpoint) -> None:
    """Keeps a new endpoint."""
    if not tx.validate_only:
        values = {name: getattr(endpoint, name) for name in Endpoint.__dataclass_fields__}
        await tx.execute(
            insert(e).values(tenant_id=tx.tenant_id, **{**values, "event_types": list(endpoint.event_types)})
        )


async def find(tx: Tx, endpoint_id: str, *, lock: bool = False) -> Endpoint | None:
    """An endpoint that was not deleted."""
    statement = select(*_COLUMNS).where(
        e.c.tenant_id == tx.tenant_id, e.c.endpoint_id == endpoint_id, e.c.state != "deleted"
    )
    row = await tx.row(statement.with_for_update(key_share=True) if lock else statement)
    return None if row is None else _endpoint(row)


async def page(tx: Tx, part: PageRequest) -> tuple[list[Endpoint], bool]:
    """A part of the endpoints, by age; and whether there are more."""
    statement = select(*_COLUMNS).where(e.c.tenant_id == tx.tenant_id, e.c.state != "deleted")
    rows, more = part.trim(await tx.rows(select_page(statement, part, e.c.endpoint_id)))
    return [_endpoint(row) for row in rows], more


async def count(tx: Tx) -> int:
    """Endpoints of the tenant."""
    row = await tx.row(select(func.count()).select_from(e).where(e.c.tenant_id == tx.tenant_id, e.c.state != "deleted"))
    return int(row[0])


def _update(tx: Tx, endpoint_id: str) -> Update:
    return update(e).where(e.c.tenant_id == tx.tenant_id, e.c.endpoint_id == endpoint_id)


async def change(tx: Tx, endpoint_id: str, **values: Any) -> None:
    """Writes changed columns of a locked endpoint."""
    if not tx.validate_only:
        await tx.execute(_update(tx, endpoint_id).values(**values))


async def disable(tx: Tx, endpoint_id: str, reason: str, at: datetime) -> bool:
    """Stops an endpoint that is enabled; whether it was."""
    done = await tx.execute(
        _update(tx, endpoint_id)
        .where(e.c.state == "enabled")
        .values(state="disabled", disabled_reason=reason, disabled_at=at, updated_at=at, version=e.c.version + 1)
    )
    return bool(done.rowcount)


_WAKE: Final = text(
    "update webhook_delivery set next_attempt_at = :at, step = 0, claim = null"
    " where tenant_id = :tenant and endpoint_id = :endpoint and state = 'pending'"
)


async def wake(tx: Tx, endpoint_id: str, at: datetime) -> None:
    """What waits is due now, with the whole schedule before it."""
    if not tx.validate_only:
        await tx.execute(_WAKE, {"tenant": tx.tenant_id, "endpoint": endpoint_id, "at": at})
        await due.mark(tx, due.WEBHOOKS)


_SKIP: Final = text(
    "update webhook_delivery set state = 'failed', finished_at = :at, claim = null"
    " where tenant_id = :tenant and endpoint_id = :endpoint and state = 'pending'"
)


async def skip(tx: Tx, endpoint_id: str, at: datetime) -> None:
    """Gives up what waits."""
    if not tx.validate_only:
        await tx.execute(_SKIP, {"tenant": tx.tenant_id, "endpoint": endpoint_id, "at": at})


# --- fan-out ----------------------------------------------------------------------------------------------------------

_LOCK_BEHIND: Final = text(
    "select e.endpoint_id, e.position, e.event_types, e.customer_id, t.event_position,"
    " coalesce(cast(:now as timestamptz), clock_timestamp()) as at from webhook_endpoint e"
    " join tenant t on t.tenant_id = e.tenant_id where e.tenant_id = :tenant and e.state = 'enabled'"
    " and e.position < t.event_position order by e.endpoint_id for no key update of e skip locked"
)
# What a lane waits for is locked, so that a first one that is delivered meanwhile frees what is added behind it too.
_EVENTS: Final = text(
    "select o.event_id, o.type, o.customer_id, o.position, h.next_attempt_at as held from outbox o left join lateral ("
    " select d.next_attempt_at from webhook_delivery d where d.tenant_id = :tenant and d.endpoint_id = :endpoint"
    " and d.lane = o.customer_id and d.state = 'pending' and d.step > 0 and d.claim is null"
    " and d.next_attempt_at > :at limit 1 for share) h on true"
    " where o.tenant_id = :tenant and o.position > :after and o.position <= :upto"
    f" and {MATCHES}"
    " and (cast(:customer as text) is null or o.customer_id = :customer) order by o.position"
)
_MOVE_ON: Final = text(
    "update webhook_endpoint e set position = g.position"
    " from json_to_recordset(cast(:moved as json)) as g(endpoint_id text, position bigint)"
    " where e.tenant_id = :tenant and e.endpoint_id = g.endpoint_id"
)


async def fan_out(tx: Tx, now: datetime | None = None) -> tuple[int, bool]:
    """Makes the deliveries of the next events of each endpoint that is behind; how many events were looked at, and
    whether more may be left. An endpoint that another worker is at is passed over. Its position moves in the same
    transaction, so that each event comes once."""
    behind = await tx.rows(_LOCK_BEHIND, {"tenant": tx.tenant_id, "now": now})
    made: list[dict[str, Any]] = []
    moved, looked, more = [], 0, False
    for endpoint in behind:
        upto = min(endpoint.position + FAN_OUT, endpoint.event_position)
        made += [_of_event(tx, endpoint, event) for event in await _next_events(tx, endpoint, upto)]
        moved.append({"endpoint_id": endpoint.endpoint_id, "position": upto})
        looked += upto - endpoint.position
        more = more or upto < endpoint.event_position
    if moved:
        await _insert(tx, made)
        await tx.rows(_MOVE_ON, {"tenant": tx.tenant_id, "moved": _encode(moved).decode()})
    return looked, more


async def _next_events(tx: Tx, endpoint: Any, upto: int) -> Sequence[Any]:
    return await tx.rows(
        _EVENTS,
        {
            "tenant": tx.tenant_id,
            "endpoint": endpoint.endpoint_id,
            "at": endpoint.at,
            "after": endpoint.position,
            "upto": upto,
            **matching(endpoint.event_types),
            "customer": endpoint.customer_id,
        },
    )


def _of_event(tx: Tx, endpoint: Any, event: Any) -> dict[str, Any]:
    return _new(
        tx,
        endpoint.endpoint_id,
        event.event_id,
        event.type,
        event.customer_id,
        event.position,
        lane=event.customer_id,
        at=endpoint.at,
        due=event.held,
    )


async def clock(tx: Tx) -> datetime:
    """Real time by the database's clock: deliveries never live in a sandbox's time."""
    row = await tx.row(text("select clock_timestamp()"))
    at: datetime = row[0]
    return at


def _new(
    tx: Tx,
    endpoint_id: str,
    event_id: str,
    type_: str,
    customer_id: str,
    position: int,
    *,
    lane: str,
    at: datetime,
    due: datetime | None = None,
    replay_of: str | None = None,
    payload: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "delivery_id": tx.mint("dlv"),
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "type": type_,
        "customer_id": customer_id,
        "position": position,
        "lane": lane,
        "state": "pending",
        "step": 0,
        "attempts": 0,
        "next_attempt_at": due or at,
        "created_at": at,
        "finished_at": None,
        "replay_of": replay_of,
        "log": [],
        "payload": payload,
    }


_INSERT: Final = text(
    "insert into webhook_delivery (tenant_id, delivery_id, endpoint_id, event_id, type, customer_id, position, lane,"
    " state, step, attempts, next_attempt_at, created_at, replay_of, log, payload)"
    " select t.tenant_id, g.delivery_id, g.endpoint_id, g.event_id, g.type, g.customer_id, g.position, g.lane,"
    " 'pending', 0, 0, g.next_attempt_at, g.created_at, g.replay_of, '[]'::jsonb, g.payload"
    " from json_to_recordset(cast(:rows as json)) as g(delivery_id text, endpoint_id text, event_id text, type text,"
    " customer_id text, position bigint, lane text, next_attempt_at timestamptz, created_at timestamptz,"
    " replay_of text, payload jsonb) join tenant t on t.tenant_id = :tenant"
)


async def _insert(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Writes new deliveries, in one statement."""
    if rows and not tx.validate_only:
        await tx.rows(_INSERT, {"tenant": tx.tenant_id, "rows": _encode(list(rows)).decode()})


async def add_test(tx: Tx, endpoint_id: str, type_: str, payload: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A delivery of an event that is in no feed; its row."""
    row = _new(tx, endpoint_id, tx.mint("evt"), type_, "", 0, lane="", at=at, payload=payload)
    row["lane"] = f"test:{row['delivery_id']}"
    await _insert(tx, [row])
    await due.mark(tx, due.WEBHOOKS)
    return row


# --- what is due ------------------------------------------------------------------------------------------------------

_READY: Final = text(
    "select e.endpoint_id from webhook_endpoint e where e.tenant_id = :tenant and e.state = 'enabled' and (select true"
    " from webhook_delivery d where d.tenant_id = :tenant and d.endpoint_id = e.endpoint_id and d.state = 'pending'"
    " and d.next_attempt_at <= coalesce(cast(:now as timestamptz), clock_timestamp()) limit 1)"
)


async def ready(tx: Tx, now: datetime | None) -> list[str]:
    """Endpoints that have something due; what waits in a lane may be among it. None while the tenant leaves."""
    if tx.tenant.move is not None:
        return []
    return [row.endpoint_id for row in await tx.rows(_READY, {"tenant": tx.tenant_id, "now": now})]


# --- the log, and replays ---------------------------------------------------------------------------------------------

_LOG: Final = (
    d.c.delivery_id,
    d.c.endpoint_id,
    d.c.event_id,
    d.c.type,
    d.c.position,
    d.c.state,
    d.c.step,
    d.c.attempts,
    d.c.next_attempt_at,
    d.c.created_at,
    d.c.finished_at,
    d.c.replay_of,
    d.c.log,
    d.c.customer_id,
    d.c.payload,
)


async def deliveries(
    tx: Tx, endpoint_id: str, part: PageRequest, *, state: str | None = None, event_id: str | None = None
) -> tuple[list[Row[Any]], bool]:
    """A part of the log of an endpoint, the newest first; and whether there is more."""
    statement = select(*_LOG).where(d.c.tenant_id == tx.tenant_id, d.c.endpoint_id == endpoint_id)
    for column, value in ((d.c.state, state), (d.c.event_id, event_id)):
        if value is not None:
            statement = statement.where(column == value)
    return part.trim(await tx.rows(select_page(statement, part, d.c.delivery_id, newest_first=True)))


async def delivery(tx: Tx, endpoint_id: str, delivery_id: str) -> Row[Any] | None:
    """One delivery of an endpoint."""
    row: Row[Any] | None = await tx.row(
        select(*_LOG).where(
            d.c.tenant_id == tx.tenant_id, d.c.endpoint_id == endpoint_id, d.c.delivery_id == delivery_id
        )
    )
    return row


async def replay(tx: Tx, delivery: Row[Any], at: datetime) -> str:
    """Sends a finished delivery again, with the same event id, in a lane of its own; the new delivery's id."""
    row = _new(
        tx,
        delivery.endpoint_id,
        delivery.event_id,
        delivery.type,
        delivery.customer_id,
        delivery.position,
        lane="",
        at=at,
        replay_of=delivery.delivery_id,
        payload=delivery.payload,
    )
    row["lane"] = f"replay:{row['delivery_id']}"
    await _insert(tx, [row])
    await due.mark(tx, due.WEBHOOKS)
    return str(row["delivery_id"])


_SPAN: Final = (
    "select o.event_id, o.type, o.customer_id, o.position from outbox o"
    " where o.tenant_id = :tenant and o.event_id >= :since and o.event_id < :until and o.position is not null"
    " and o.position > :after and o.position <= :upto"
    f" and {MATCHES}"
    " and (cast(:customer as text) is null or o.customer_id = :customer)"
    " and not exists (select from webhook_delivery p where p.tenant_id = o.tenant_id and p.endpoint_id = :endpoint"
    "  and p.event_id = o.event_id and (p.state = 'pending' or (:only_failed and p.state = 'delivered')))"
    " order by o.position limit :limit"
)


async def replay_span(
    tx: Tx,
    endpoint: Endpoint,
    *,
    since: datetime,
    until: datetime,
    after: int,
    only_failed: bool,
    limit: int,
    at: datetime,
) -> tuple[int, int | None]:
    """Send again the events made in a span of real time that the endpoint subscribes to, in order for each customer.
    Those still pending are left alone, and with ``only_failed`` those delivered too. Return how many, and the
    position to go on from.
    """
    found = await tx.rows(
        text(_SPAN),
        {
            "tenant": tx.tenant_id,
            "endpoint": endpoint.endpoint_id,
            "since": oldest_id("evt", since),
            "until": oldest_id("evt", until),
            "upto": endpoint.position,
            "after": after,
            **matching(list(endpoint.event_types)),
            "customer": endpoint.customer_id,
            "only_failed": only_failed,
            "limit": limit + 1,
        },
    )
    run = tx.mint("rpl")
    await _insert(
        tx,
        [
            _new(
                tx,
                endpoint.endpoint_id,
                row.event_id,
                row.type,
                row.customer_id,
                row.position,
                lane=f"replay:{run}:{row.customer_id}",
                at=at,
                replay_of=run,
            )
            for row in found[:limit]
        ],
    )
    if found:
        await due.mark(tx, due.WEBHOOKS)
    return min(len(found), limit), found[limit - 1].position if len(found) > limit else None
