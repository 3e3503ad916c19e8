"""Deliveries claimed so that each is sent once at a time, and what came of them, written many in one statement.

A delivery waits in a lane (its customer; a lane of its own for tests and replays). A lane is claimed from its first
unfinished delivery on, so that a customer's later event never overtakes one that is being retried. A claim is a lease:
it moves ``next_attempt_at`` ahead, and lapses by itself when the sender dies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import text

from app.db.engine import Tx
from app.db.events.events import DATA
from app.domain.values.phrase import english

LOG_LENGTH: Final = 30
"""Attempts kept in a delivery's log."""
LANE_DEPTH: Final = 20
"""Deliveries of one lane claimed at once; they are sent one after another."""

_encode: Final = msgspec.json.Encoder(enc_hook=english).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that is ours until its lease ends. ``at``: when it was claimed. ``customer_id`` and what follows are
    the event's, as `app.db.events.events` has them; without ``data`` the event is no longer kept."""

    delivery_id: str
    event_id: str
    lane: str
    claim: str
    step: int
    attempts: int
    payload: dict[str, Any] | None
    at: datetime
    type: str | None
    customer_id: str | None
    sequence: int | None
    position: int | None
    occurred_at: datetime | None
    data: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of an attempt: the delivery's new state, and the entry of its log. ``retried``: it failed before."""

    delivery_id: str
    lane: str
    claim: str
    state: str
    step: int
    at: datetime
    next_at: datetime | None
    entry: dict[str, Any]
    attempts: int
    retried: bool


# Sub-queries with a limit are asked row by row, by their index, whatever the planner thinks of the table: an anti-join
# took seconds over 20,000 rows waiting in their lanes. A lane whose first failed before is tried with that one alone.
_CLAIM: Final = text(
    "with now as materialized (select coalesce(cast(:now as timestamptz), statement_timestamp()) as at),"
    " heads as materialized (select d.lane, d.step from webhook_delivery d"
    " where d.tenant_id = :tenant and d.endpoint_id = :endpoint and d.state = 'pending'"
    " and d.next_attempt_at <= (select at from now)"
    " and exists (select from webhook_endpoint e where e.tenant_id = :tenant and e.endpoint_id = :endpoint"
    "  and e.state = 'enabled')"
    " and d.delivery_id = (select p.delivery_id from webhook_delivery p where p.tenant_id = :tenant"
    "  and p.endpoint_id = :endpoint and p.lane = d.lane and p.state = 'pending'"
    "  order by p.position, p.delivery_id limit 1)"
    " order by d.next_attempt_at, d.position limit :most for update of d skip locked),"
    " ready as materialized (select f.delivery_id from heads h cross join lateral (select w.delivery_id,"
    "  bool_and(w.next_attempt_at <= (select at from now)) over (order by w.position, w.delivery_id) as due"
    "  from (select p.delivery_id, p.position, p.next_attempt_at from webhook_delivery p where p.tenant_id = :tenant"
    "   and p.endpoint_id = :endpoint and p.lane = h.lane and p.state = 'pending' order by p.position, p.delivery_id"
    "   limit case when h.step > 0 then 1 else cast(:depth as bigint) end) w) f where f.due),"
    " claimed as (update webhook_delivery d set next_attempt_at = (select at from now) + :lease, claim = :claim,"
    "  attempts = d.attempts + 1 where d.tenant_id = :tenant and d.state = 'pending'"
    "  and d.delivery_id = any(array(select delivery_id from ready))"
    "  returning d.delivery_id, d.event_id, d.lane, d.claim, d.step, d.attempts, d.payload,"
    "  d.position as place)"
    " select c.delivery_id, c.event_id, c.lane, c.claim, c.step, c.attempts, c.payload,"
    " (select at from now) as at, o.type, u.external_id as customer_id, o.sequence, o.position, o.occurred_at,"
    f" {DATA} as data"
    " from claimed c"
    " left join outbox o on o.tenant_id = :tenant and o.event_id = c.event_id"
    " left join customer u on u.tenant_id = :tenant and u.customer_id = o.customer_id"
    " order by c.lane, c.place, c.delivery_id"
)
_WRITE: Final = text(
    "with given as materialized (select * from json_to_recordset(cast(:results as json)) as g(delivery_id text,"
    " claim text, state text, step integer, next_at timestamptz, finished_at timestamptz, entries jsonb,"
    "  surplus integer)),"
    " written as (update webhook_delivery d set state = g.state, step = g.step, claim = null,"
    "  next_attempt_at = g.next_at, finished_at = g.finished_at,"
    "  log = (d.log || g.entries) - g.surplus"
    "  from given g where d.tenant_id = :tenant and d.delivery_id = g.delivery_id and d.state = 'pending'"
    "  and (g.state = 'delivered' or d.claim = g.claim) returning d.delivery_id)"
    " select delivery_id from written"
)
_PASS_ON: Final = text(
    "update webhook_delivery set claim = null, attempts = attempts - 1, next_attempt_at = :at"
    " where tenant_id = :tenant and delivery_id = any(:deliveries) and state = 'pending' and claim = any(:claims)"
)
_HOLD_LANES: Final = text(
    "update webhook_delivery d set next_attempt_at = g.next_at"
    " from json_to_recordset(cast(:lanes as json)) as g(lane text, delivery_id text, next_at timestamptz)"
    " where d.tenant_id = :tenant and d.endpoint_id = :endpoint and d.lane = g.lane and d.state = 'pending'"
    " and d.delivery_id <> g.delivery_id and d.next_attempt_at < g.next_at"
)
_FREE_LANES: Final = text(
    "update webhook_delivery set next_attempt_at = :at where tenant_id = :tenant and endpoint_id = :endpoint"
    " and lane = any(:lanes) and state = 'pending' and claim is null and next_attempt_at > :at"
)


async def claim(
    tx: Tx, endpoint_id: str, *, token: str, lease: timedelta, now: datetime | None, most: int, depth: int = LANE_DEPTH
) -> list[list[Claimed]]:
    """Claim the next deliveries of an endpoint that are due, until the lease ends. At most ``most`` lanes, and of each
    at most ``depth`` in order.

    Nothing while the tenant leaves: what came of all that is sent must be known before it is gone.
    """
    if tx.tenant.move is not None:
        return []
    rows = await tx.rows(
        _CLAIM,
        {
            "tenant": tx.tenant_id,
            "endpoint": endpoint_id,
            "claim": token,
            "lease": lease,
            "now": now,
            "most": most,
            "depth": depth,
        },
    )
    lanes: dict[str, list[Claimed]] = {}
    for row in rows:
        lanes.setdefault(row.lane, []).append(Claimed(**row._mapping))
    return list(lanes.values())


async def write(tx: Tx, endpoint_id: str, results: Sequence[Result]) -> set[str]:
    """Write what came of attempts, and return the ids of what was written. What somebody else has claimed by now is
    left out, but a success counts all the same.

    The rest of a lane waits as long as its first, so that it is not looked at for nothing.
    """
    attempts = [
        {
            "delivery_id": result.delivery_id,
            "claim": result.claim,
            "state": result.state,
            "step": result.step,
            "next_at": result.next_at or result.at,
            "finished_at": None if result.state == "pending" else result.at,
            "entries": [result.entry],
            "surplus": 0 if result.attempts > LOG_LENGTH else LOG_LENGTH + 1,
        }
        for result in results
    ]
    parameters = {"tenant": tx.tenant_id, "results": _encode(attempts).decode()}
    written = {row.delivery_id for row in await tx.rows(_WRITE, parameters)}
    lanes = {"tenant": tx.tenant_id, "endpoint": endpoint_id}
    known = [result for result in results if result.delivery_id in written]
    held = [
        {"lane": result.lane, "delivery_id": result.delivery_id, "next_at": result.next_at}
        for result in known
        if result.state == "pending"
    ]
    if held:
        await tx.rows(_HOLD_LANES, {**lanes, "lanes": _encode(held).decode()})
    freed = [result for result in known if result.state == "failed" or (result.state == "delivered" and result.retried)]
    if freed:
        at = max(result.at for result in freed)
        await tx.rows(_FREE_LANES, {**lanes, "lanes": [result.lane for result in freed], "at": at})
    return written


async def pass_on(tx: Tx, unsent: Sequence[Claimed], at: datetime) -> None:
    """Gives back what was claimed and not sent; it is due at once, as its lane lets it."""
    await tx.rows(
        _PASS_ON,
        {
            "tenant": tx.tenant_id,
            "deliveries": [row.delivery_id for row in unsent],
            "claims": [row.claim for row in unsent],
            "at": at,
        },
    )
