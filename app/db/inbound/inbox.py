"""The inbox: deliveries as they came, claimed one subject at a time, and what is known of each subject.

A delivery is stored before it is answered; what follows from it is written later, in one transaction with its
new state. Personal data stands in ``inbound_delivery.body``, ``headers``, ``fetched`` and ``effects``, and in
``inbound_subject.seen`` (the shop's own customer number); `erase` empties them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import null, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.db import claims, due
from app.db.engine import Tx
from app.db.events.events import oldest_id
from app.db.keyset import select_page
from app.db.schema import inbound_delivery, inbound_payment, inbound_subject
from app.domain.values.paging import PageRequest

_d = inbound_delivery.c
_ADD = text(
    "insert into inbound_delivery (tenant_id, delivery_id, source, event_key, topic, subject, headers, body, fetched,"
    " state, attempts, received_at, next_at) values (:tenant, :delivery, :source, :key, :topic, :subject,"
    " cast(cast(:headers as text) as jsonb), :body, cast(cast(:fetched as text) as jsonb), 'received', 0, :at, :at)"
    " on conflict (tenant_id, source, event_key) do nothing returning delivery_id"
)
_ADDED = text(
    "select delivery_id from inbound_delivery where tenant_id = :tenant and source = :source and event_key = :key"
)
_KNOWN = text("select seen from inbound_subject where tenant_id = :tenant and source = :source and subject = :subject")
_COUNTS = text(
    "select source, state, count(*) as deliveries, max(received_at) as latest from inbound_delivery"
    " where tenant_id = :tenant group by source, state"
)
_PARKED = text("select count(*) from inbound_delivery where tenant_id = :tenant and state = 'parked'")
_EMPTY_OLD = text(
    "update inbound_delivery set body = '', headers = '{}'::jsonb, fetched = null, effects = null, detail = null,"
    " review = null,"
    " erased_at = statement_timestamp() where tenant_id = :tenant and delivery_id in (select delivery_id"
    " from inbound_delivery where tenant_id = :tenant and erased_at is null and state <> 'received'"
    " and delivery_id < case when state = 'parked' then :parked else :before end"
    " and delivery_id < greatest(:parked, :before) order by delivery_id limit :limit for update skip locked)"
)
_REMOVE_OLD = text(
    "delete from inbound_delivery where tenant_id = :tenant and delivery_id in (select delivery_id"
    " from inbound_delivery where tenant_id = :tenant and erased_at is not null and state <> 'received'"
    " and delivery_id < :before order by delivery_id limit :limit)"
)
# Also what nothing came of yet, by the name that the source's customer would have.
_OF_CUSTOMER = text(
    "select b.source, b.subject from inbound_subject b left join inbound_source f"
    " on f.tenant_id = b.tenant_id and f.name = b.source where b.tenant_id = :tenant and (b.customer_id = :customer"
    " or (b.customer_id is null and cast(:external as text) = any (array["
    " b.source || ':' || (b.seen->'named'->>1),"
    " b.source || ':' || (b.seen->'order'->>'customer'), b.source || ':' || (b.seen->'ticket'->>'customer'),"
    " case when f.options->>'ids' = 'own' then b.seen->'order'->>'customer' end,"
    " case when f.options->>'ids' = 'own' then b.seen->'ticket'->>'customer' end])))"
)
_ADJUSTMENT = text(
    "select o.operation_id from operation o where o.tenant_id = :tenant and o.kind = 'adjust'"
    " and (o.operation_id = split_part(:id, ':', 1) or o.operation_id = (select e.operation_id from entry e"
    " where e.tenant_id = :tenant and e.lot_id = :id and e.source = 'world' limit 1))"
)
_WAITING = text(
    "select count(*) as waiting, coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0) as age"
    " from inbound_delivery where tenant_id = :tenant and state = 'received'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A delivery. ``subject``: the order or ticket it speaks of, as far as that can be told, e.g.
    ``order/727``."""

    delivery_id: str
    source: str
    event_key: str
    topic: str | None
    subject: str | None
    headers: Mapping[str, str]
    body: bytes
    fetched: Any
    state: str
    reason: str | None
    detail: str | None
    attempts: int
    effects: Any
    customer_id: str | None
    received_at: datetime
    next_at: datetime
    finished_at: datetime | None
    erased_at: datetime | None
    review: Any
    dismissal: Any


_COLUMNS = tuple(_d[name] for name in DeliveryRow.__dataclass_fields__)
_SHOWN = tuple(column for column in _COLUMNS if column.name not in ("body", "headers", "fetched"))


def read_row(row: Any) -> DeliveryRow:
    """Return a delivery; without its body where that was not selected."""
    values = {"body": b"", "headers": {}, "fetched": None, **dict(row._mapping)}
    return DeliveryRow(**{**values, "body": bytes(values["body"])})


async def add(
    tx: Tx,
    *,
    source: str,
    event_key: str,
    topic: str | None,
    subject: str | None,
    headers: Mapping[str, str],
    body: bytes,
    received_at: datetime,
    fetched: Any = None,
) -> tuple[str, bool]:
    """Stores a delivery: (its id, True), or (the id of the one that is there, False) for the same event again."""
    delivery_id = tx.mint("dlv")
    name = {"tenant": tx.tenant_id, "source": source, "key": event_key}
    made = await tx.row(
        _ADD,
        {
            **name,
            "delivery": delivery_id,
            "topic": topic,
            "subject": subject,
            "headers": json.dumps(dict(headers)),
            "body": body,
            "fetched": None if fetched is None else json.dumps(fetched),
            "at": received_at,
        },
    )
    if made is not None:
        await due.mark(tx, due.INBOUND)
        return delivery_id, True
    found = await tx.row(_ADDED, name)
    return (delivery_id, False) if found is None else (str(found[0]), False)


async def try_subject(tx: Tx, source: str, subject: str) -> bool:
    """Takes the subject for this transaction; False when another has it."""
    return await claims.try_take(tx, claims.subject(source, subject))


async def lock_subject(tx: Tx, source: str, subject: str) -> None:
    """Takes the subject for this transaction, waiting for it."""
    await claims.take(tx, claims.subject(source, subject))


async def get(tx: Tx, delivery_id: str, *, source: str | None = None, lock: bool = False) -> DeliveryRow | None:
    """A delivery, with its body."""
    statement = select(*_COLUMNS).where(_d.tenant_id == tx.tenant_id, _d.delivery_id == delivery_id)
    if source is not None:
        statement = statement.where(_d.source == source)
    row = await tx.row(statement.with_for_update() if lock else statement)
    return None if row is None else read_row(row)


async def dismiss(tx: Tx, delivery_id: str, dismissal: Mapping[str, Any]) -> None:
    """Ends a parked delivery that a person has settled; its reason and review stay."""
    await tx.execute(
        update(inbound_delivery)
        .where(_d.tenant_id == tx.tenant_id, _d.delivery_id == delivery_id)
        .values(state="dismissed", dismissal=dict(dismissal))
    )


async def adjustment(tx: Tx, adjustment_id: str) -> str | None:
    """The operation of a correction by hand: by its own id, that of an entry of it, or that of the lot it granted."""
    row = await tx.row(_ADJUSTMENT, {"tenant": tx.tenant_id, "id": adjustment_id})
    return None if row is None else str(row[0])


async def payment_owner(tx: Tx, source: str, payment: str) -> str | None:
    """The subject that a payment of this name bought; None if nobody has claimed it."""
    p = inbound_payment.c
    row = await tx.row(select(p.subject).where(p.tenant_id == tx.tenant_id, p.source == source, p.payment == payment))
    return None if row is None else str(row[0])


async def claim_payment(tx: Tx, source: str, payment: str, subject: str) -> str:
    """The subject that a payment bought: this one, or another that came first. Waits for others that ask."""
    p = inbound_payment.c
    await tx.execute(
        insert(inbound_payment)
        .values(tenant_id=tx.tenant_id, source=source, payment=payment, subject=subject)
        .on_conflict_do_nothing(index_elements=["tenant_id", "source", "payment"])
    )
    row = await tx.row(select(p.subject).where(p.tenant_id == tx.tenant_id, p.source == source, p.payment == payment))
    return subject if row is None else str(row[0])


async def postpone(tx: Tx, delivery_id: str, *, seconds: float, reason: str, detail: str) -> None:
    """Notes a failed attempt; the next comes later."""
    await tx.execute(
        text(
            "update inbound_delivery set attempts = attempts + 1, reason = :reason, detail = :detail,"
            " next_at = statement_timestamp() + make_interval(secs => :seconds)"
            " where tenant_id = :tenant and delivery_id = :delivery and state = 'received'"
        ),
        {
            "tenant": tx.tenant_id,
            "delivery": delivery_id,
            "seconds": seconds,
            "reason": reason,
            "detail": detail[:2000],
        },
    )
    await due.mark(tx, due.INBOUND, wait=timedelta(seconds=seconds))


async def fetched(tx: Tx, delivery_id: str, found: Any) -> None:
    """Keeps what was asked of the shop for a delivery; it is acted on next."""
    await tx.execute(
        update(inbound_delivery)
        .where(_d.tenant_id == tx.tenant_id, _d.delivery_id == delivery_id)
        .values(fetched=found, next_at=text("statement_timestamp()"))
    )
    await due.mark(tx, due.INBOUND)


async def reopen(tx: Tx, delivery_id: str) -> None:
    """Lets a delivery be acted on once more."""
    await tx.execute(
        update(inbound_delivery)
        .where(_d.tenant_id == tx.tenant_id, _d.delivery_id == delivery_id)
        .values(
            state="received",
            reason=None,
            detail=None,
            review=null(),
            dismissal=null(),
            finished_at=None,
            attempts=0,
            next_at=text("statement_timestamp()"),
        )
    )
    await due.mark(tx, due.INBOUND)


async def listed(tx: Tx, source: str, part: PageRequest, *, state: str | None) -> tuple[list[DeliveryRow], bool]:
    """A part of a source's deliveries, newest first, without their bodies; and whether there are more."""
    statement = select(*_SHOWN).where(_d.tenant_id == tx.tenant_id, _d.source == source)
    if state is not None:
        statement = statement.where(_d.state == state)
    rows, more = part.trim(await tx.rows(select_page(statement, part, _d.delivery_id, newest_first=True)))
    return [read_row(row) for row in rows], more


async def number_parked(tx: Tx) -> int:
    """Return how many deliveries wait for a person."""
    row = await tx.row(_PARKED, {"tenant": tx.tenant_id})
    return int(row[0])


async def parked(tx: Tx, source: str, *, after: str, limit: int) -> list[str]:
    """Ids of parked deliveries, oldest first."""
    rows = await tx.rows(
        select(_d.delivery_id)
        .where(_d.tenant_id == tx.tenant_id, _d.source == source, _d.state == "parked", _d.delivery_id > after)
        .order_by(_d.delivery_id)
        .limit(limit)
    )
    return [str(row[0]) for row in rows]


async def counts(tx: Tx) -> dict[str, dict[str, Any]]:
    """Deliveries by source and state, and when the last came."""
    found: dict[str, dict[str, Any]] = {}
    for row in await tx.rows(_COUNTS, {"tenant": tx.tenant_id}):
        counts = found.setdefault(row.source, {"states": {}, "latest": None})
        counts["states"][row.state] = row.deliveries
        counts["latest"] = row.latest if counts["latest"] is None else max(counts["latest"], row.latest)
    return found


async def waiting(tx: Tx) -> tuple[int, float]:
    """How many deliveries wait, and for how many seconds the oldest has."""
    row = await tx.row(_WAITING, {"tenant": tx.tenant_id})
    return int(row.waiting), float(row.age)


# --- what is known of a subject ---------------------------------------------------------------------------------------


async def load_known(tx: Tx, source: str, subject: str) -> dict[str, Any] | None:
    """What is known of a subject; take it first (`try_subject`, `lock_subject`)."""
    row = await tx.row(_KNOWN, {"tenant": tx.tenant_id, "source": source, "subject": subject})
    return None if row is None else dict(row.seen)


async def empty(tx: Tx, ids: Sequence[str]) -> None:
    """Takes out of deliveries what they hold of somebody."""
    await tx.execute(
        update(inbound_delivery)
        .where(_d.tenant_id == tx.tenant_id, _d.delivery_id.in_(list(ids)))
        .values(body=b"", headers={}, fetched=None, effects=None, detail=None, review=null(), erased_at=tx.at)
    )


async def empty_old(tx: Tx, before: datetime, parked: datetime, *, limit: int) -> int:
    """Empties what came before a moment of real time and was acted on, and what was parked before another; how many.
    What still waits is never emptied."""
    done = await tx.execute(
        _EMPTY_OLD,
        {
            "tenant": tx.tenant_id,
            "before": oldest_id("dlv", before),
            "parked": oldest_id("dlv", parked),
            "limit": limit,
        },
    )
    return int(done.rowcount)


async def remove_old(tx: Tx, before: datetime, *, limit: int) -> int:
    """Removes what came before a moment of real time and was emptied; how many."""
    done = await tx.execute(_REMOVE_OLD, {"tenant": tx.tenant_id, "before": oldest_id("dlv", before), "limit": limit})
    return int(done.rowcount)


async def erase(tx: Tx, customer_id: str, external_id: str | None) -> int:
    """Empty what deliveries hold of a customer: bodies, headers, answers of the shop, effects, and the shop's customer
    number. The customer is named by our surrogate id, and by ``external_id`` as the vendor knows them. States and
    reasons stay. Return how many deliveries there were.
    """
    s = inbound_subject.c
    subjects = await tx.rows(_OF_CUSTOMER, {"tenant": tx.tenant_id, "customer": customer_id, "external": external_id})
    emptied = 0
    values: dict[str, Any] = {
        "body": b"",
        "headers": {},
        "fetched": None,
        "effects": None,
        "detail": None,
        "review": null(),
        "dismissal": _d.dismissal.op("-")("reason"),
        "erased_at": tx.at,
    }
    for row in subjects:
        done = await tx.execute(
            update(inbound_delivery)
            .where(
                _d.tenant_id == tx.tenant_id, _d.source == row.source, _d.subject == row.subject, _d.erased_at.is_(None)
            )
            .values(**values)
        )
        emptied += done.rowcount
        known = await load_known(tx, row.source, row.subject) or {}
        order = known.get("order")
        if order is not None:
            known["order"] = {**order, "customer": "erased"}
        known.pop("named", None)
        known.pop("linked", None)
        known.pop("ticket", None)
        known.pop("responses", None)
        await tx.execute(
            update(inbound_subject)
            .where(s.tenant_id == tx.tenant_id, s.source == row.source, s.subject == row.subject)
            .values(seen={**known, "erased": True})
        )
    done = await tx.execute(
        update(inbound_delivery)
        .where(_d.tenant_id == tx.tenant_id, _d.customer_id == customer_id, _d.erased_at.is_(None))
        .values(**values)
    )
    return emptied + done.rowcount
