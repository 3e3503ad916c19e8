"""Deliveries claimed subject by subject, what is known of a subject, and what became of its deliveries.

Each is one statement that goes straight to the driver: a shop's order asks the database as seldom as a call's does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import text

from app.db.engine import Tx
from app.db.inbound.inbox import DeliveryRow, read_row, try_subject

_COLUMNS: Final = ", ".join(f"d.{name}" for name in DeliveryRow.__dataclass_fields__)
_CLAIM: Final = (
    f"select {_COLUMNS} from inbound_delivery d where d.tenant_id = :tenant and d.state = 'received'"
    " and d.next_at <= clock_timestamp() and not (d.delivery_id = any(:passed))"
    " order by d.attempts, d.delivery_id {order} limit 1 for update skip locked"
)
_OLDEST: Final = text(_CLAIM.format(order="asc"))
_NEWEST: Final = text(_CLAIM.format(order="desc"))
_KIN: Final = text(
    f"select {_COLUMNS} from inbound_delivery d where d.tenant_id = :tenant and d.source = :source"
    " and d.subject = :subject and d.state = 'received' and d.attempts = 0 and d.next_at <= clock_timestamp()"
    " order by d.delivery_id limit :limit for update skip locked"
)
_UNREAD: Final = text(
    f"select {_COLUMNS} from inbound_delivery d where d.tenant_id = :tenant and d.source = :source"
    " and d.state = 'received' and d.attempts = 0 order by d.delivery_id limit :limit for update skip locked"
)
# A delivery that is parked names nobody: whom the subject was of before is still to be erased with it.
_SAVE: Final = (
    "insert into inbound_subject as s (tenant_id, source, subject, seen, customer_id, version, updated_at)"
    " select t.tenant_id, g.source, g.subject, g.seen, g.customer_id, 1, g.at"
    " from json_to_recordset(cast(:known as json)) as g(source text, subject text, seen jsonb, customer_id text,"
    "  at timestamptz) join tenant t on t.tenant_id = :tenant"
    " on conflict (tenant_id, source, subject) do update set seen = excluded.seen, version = s.version + 1,"
    " updated_at = excluded.updated_at, customer_id = coalesce(excluded.customer_id, s.customer_id)"
)
_END: Final = (
    "update inbound_delivery d set state = g.state, reason = g.reason, detail = g.detail, effects = g.effects,"
    " customer_id = g.customer_id, review = g.review, finished_at = statement_timestamp(), attempts = d.attempts + 1"
    " from json_to_recordset(cast(:ending as json)) as g(deliveries text[], state text, reason text, detail text,"
    "  effects jsonb, customer_id text, review jsonb)"
    " where d.tenant_id = :tenant and d.delivery_id = any(g.deliveries)"
)
_CLEAR: Final = (
    "update inbound_delivery d set state = 'done', reason = null, detail = null, review = null, effects = g.effects,"
    " customer_id = g.customer_id"
    " from json_to_recordset(cast(:ending as json)) as g(deliveries text[], effects jsonb, customer_id text)"
    " where d.tenant_id = :tenant and d.source = :source and d.subject = :subject and d.state = 'parked'"
    " and d.reason = any(:cleared) and not (d.delivery_id = any(g.deliveries))"
)
_SAVE_ONLY: Final = text(_SAVE)
_END_ONLY: Final = text(_END)
_SAVE_AND_END: Final = text(f"with saved as ({_SAVE}), ended as ({_END}) select 1")
_SAVE_END_AND_CLEAR: Final = text(f"with saved as ({_SAVE}), ended as ({_END}), cleared as ({_CLEAR}) select 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of deliveries: ``done``, ``ignored`` or ``parked`` with the reason. ``review``: what a person has to
    decide."""

    deliveries: Sequence[str]
    state: str
    reason: str | None = None
    detail: str | None = None
    effects: Any = None
    customer_id: str | None = None
    review: Any = None

    @property
    def parameter(self) -> str:
        """The one row that a statement is given."""
        detail = None if self.detail is None else self.detail[:2000]
        return json.dumps([{**asdict(self), "deliveries": list(self.deliveries), "detail": detail}])


async def claim(tx: Tx, passed: Sequence[str], *, rows_max: int, newest: bool) -> tuple[list[DeliveryRow], list[str]]:
    """Lock the next delivery and, if nothing failed about it before, the others of its subject. Return (rows, none), or
    (none, its id to pass over) when another worker has the subject.
    """
    row = await tx.row(_NEWEST if newest else _OLDEST, {"tenant": tx.tenant_id, "passed": list(passed)})
    if row is None:
        return [], []
    first = read_row(row)
    if first.subject is None:
        return [first], []
    if not await try_subject(tx, first.source, first.subject):
        return [], [first.delivery_id]
    if first.attempts:
        return [first], []
    kin = await tx.rows(
        _KIN, {"tenant": tx.tenant_id, "source": first.source, "subject": first.subject, "limit": rows_max}
    )
    every = {first.delivery_id: first, **{row.delivery_id: read_row(row) for row in kin}}
    return [every[delivery_id] for delivery_id in sorted(every)], []


async def claim_unread(tx: Tx, source: str, *, limit: int) -> list[DeliveryRow]:
    """Locks deliveries of a source that nobody has tried yet, oldest first."""
    rows = await tx.rows(_UNREAD, {"tenant": tx.tenant_id, "source": source, "limit": limit})
    return [read_row(row) for row in rows]


async def end(tx: Tx, ending: Ending) -> None:
    """Ends deliveries."""
    await tx.rows(_END_ONLY, {"tenant": tx.tenant_id, "ending": ending.parameter})


async def save_known(tx: Tx, source: str, subject: str, known: Mapping[str, Any], *, customer_id: str | None) -> None:
    """Keeps what is known of a subject."""
    await tx.rows(_SAVE_ONLY, _known(tx, source, subject, known, customer_id))


async def save_and_end(
    tx: Tx, source: str, subject: str, known: Mapping[str, Any], ending: Ending, *, cleared: Sequence[str] = ()
) -> None:
    """Keeps what is known of a subject and ends its deliveries, in one statement.

    ``cleared``: reasons that what is known now has cleared; what was parked for them before is done like this.
    """
    parameters = {**_known(tx, source, subject, known, ending.customer_id), "ending": ending.parameter}
    if cleared:
        more = {"source": source, "subject": subject, "cleared": list(cleared)}
        await tx.rows(_SAVE_END_AND_CLEAR, {**parameters, **more})
    else:
        await tx.rows(_SAVE_AND_END, parameters)


def _known(tx: Tx, source: str, subject: str, known: Mapping[str, Any], customer_id: str | None) -> dict[str, Any]:
    row = {
        "source": source,
        "subject": subject,
        "seen": dict(known),
        "customer_id": customer_id,
        "at": tx.at.isoformat(),
    }
    return {"tenant": tx.tenant_id, "known": json.dumps([row])}
