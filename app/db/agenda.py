"""The agenda's rows: what is due, taking it off exactly once, and when to look again (decision 0010).

The customer's row is the lock (decision 0003), here as everywhere. A sweep locks customers first, and skips those that
another worker or a request holds. Only then does it take their agenda rows. So a sweep and a request never wait for
each other crosswise, and of several sweepers one gets each row.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import insert

from app.db.due import AGENDA, mark
from app.db.engine import Tx
from app.db.events import events
from app.db.rows import PUT_ON_AGENDA
from app.db.schema import agenda
from app.domain.account.changes import AgendaItem
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso
from app.views.tenant import SetAside

Key = tuple[datetime, str, str]
Handler = Callable[[Tx, AgendaItem], Awaitable[None]]
"""Does what falls due: its row is already off, the customer is locked; idempotent, judging by ``tx.at``."""
BatchHandler = Callable[[Tx, Sequence[AgendaItem]], Awaitable[None]]
Handlers = Mapping[str, Handler]


@dataclass(frozen=True, slots=True)
class Batched:
    """A `Handler` that takes many rows of its kind at once, in a few statements for all of them.

    It leaves what one row after another would have left. ``may_wait``: no answer depends on it, since it only tells of
    what is so already. Where very many such rows are due at once, other rows and requests go first.
    """

    many: BatchHandler
    may_wait: bool = False

    async def __call__(self, tx: Tx, item: AgendaItem) -> None:
        """Handle one row."""
        await self.many(tx, [item])


_DUE = text(
    "select at, kind, subject, customer_id from agenda where tenant_id = :tenant and at <= :until"
    " and (at, kind, subject) > (:at, :kind, :subject) order by at, kind, subject limit :limit"
)
_FIRST_DUE = text(
    "select at, kind, subject, customer_id from agenda where tenant_id = :tenant and at <= :until"
    " order by at, kind, subject limit :limit"
)
_FIRST_OTHERS = text(
    "select at, kind, subject, customer_id from agenda where tenant_id = :tenant and at <= :until"
    " and kind <> all(cast(:without as text[])) order by at, kind, subject limit :limit"
)
_LOCK = (
    "select customer_id from customer where tenant_id = :tenant and customer_id = any(:customers)"
    " order by customer_id for update"
)
_WAIT = text(_LOCK)
_SKIP = text(f"{_LOCK} skip locked")
_TAKE = text(
    "delete from agenda where tenant_id = :tenant and kind = :kind and subject = :subject and at <= :until"
    " returning at, kind, subject, customer_id, payload"
)
_TAKE_MANY = text(
    "delete from agenda using unnest(cast(:subjects as text[])) as due(subject) where tenant_id = :tenant"
    " and kind = :kind and agenda.subject = due.subject and at <= :until"
    " returning at, kind, agenda.subject, customer_id, payload"
)
_OF = text(
    "select at, kind, subject, customer_id from agenda"
    " where tenant_id = :tenant and kind = :kind and subject = :subject"
)
_FAILED = text(
    "select (payload -> 'failed' ->> 'failures')::int from agenda"
    " where tenant_id = :tenant and kind = :kind and subject = :subject"
)
_PUT_OFF = text(
    "update agenda set at = :at, payload = payload || jsonb_build_object('failed',"
    " jsonb_build_object('failures', cast(:failures as int), 'code', cast(:code as text)))"
    " where tenant_id = :tenant and kind = :kind and subject = :subject"
)
_ASIDE = text(
    "select kind, subject, payload -> 'failed' ->> 'code', (payload -> 'failed' ->> 'failures')::int, at from agenda"
    " where tenant_id = :tenant and payload ? 'failed' order by at, kind, subject limit 100"
)
_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(days=1)
_NEXT = text("select min(at) from agenda where tenant_id = :tenant")
_NEXT_OTHER = text("select min(at) from agenda where tenant_id = :tenant and at <= :until and kind <> :kind")
_STATE = text(
    "select (select min(at) from agenda where tenant_id = :tenant) as next_at,"
    " exists (select from outbox where tenant_id = :tenant and position is null) as unplaced"
)


async def due(tx: Tx, until: datetime, *, after: Key | None = None, limit: int) -> Sequence[Row[Any]]:
    """Rows due at or before ``until``, by (at, kind, subject), not locked."""
    parameters: dict[str, Any] = {"tenant": tx.tenant_id, "until": until, "limit": limit}
    if after is None:
        return await tx.rows(_FIRST_DUE, parameters)
    return await tx.rows(_DUE, {**parameters, "at": after[0], "kind": after[1], "subject": after[2]})


async def others_due(tx: Tx, until: datetime, *, without: Sequence[str], limit: int) -> Sequence[Row[Any]]:
    """Rows of other kinds than these, due at or before ``until``, by (at, kind, subject), not locked."""
    parameters = {"tenant": tx.tenant_id, "until": until, "without": list(without), "limit": limit}
    return await tx.rows(_FIRST_OTHERS, parameters)


async def lock(tx: Tx, rows: Sequence[Row[Any]], *, wait: bool) -> list[Row[Any]]:
    """Locks the rows' customers, sorted; those of the rows whose customer is ours now. Without ``wait``, customers
    that are locked elsewhere are skipped."""
    customer_ids = sorted({row.customer_id for row in rows})
    statement = _WAIT if wait else _SKIP
    locked = {row[0] for row in await tx.rows(statement, {"tenant": tx.tenant_id, "customers": customer_ids})}
    return [row for row in rows if row.customer_id in locked or row.customer_id == ""]


async def run(tx: Tx, row: Row[Any], until: datetime, handlers: Handlers) -> AgendaItem | None:
    """Takes one row off and runs its handler, in this transaction. None when it is no longer there, or no longer due.

    A kind that nobody handles is an error, never a loss.
    """
    removed = await tx.row(_TAKE, {"tenant": tx.tenant_id, "kind": row.kind, "subject": row.subject, "until": until})
    if removed is None:
        return None
    item = AgendaItem(
        at=removed.at,
        kind=removed.kind,
        subject=removed.subject,
        customer_id=removed.customer_id,
        payload=removed.payload,
    )
    handler = handlers.get(item.kind)
    if handler is None:
        raise LookupError(f"nobody handles agenda rows of kind {item.kind}")
    await handler(tx, item)
    return item


async def run_many(tx: Tx, rows: Sequence[Row[Any]], until: datetime, handlers: Handlers) -> list[AgendaItem]:
    """Take rows off and run their handlers, in their order; return those that were still there and due.

    Neighbours of one kind whose handler is `Batched` are taken off, and handled, together.
    """
    done: list[AgendaItem] = []
    for kind, neighbours in groupby(rows, key=attrgetter("kind")):
        handler = handlers.get(kind)
        if isinstance(handler, Batched):
            items = await _take_many(tx, kind, [row.subject for row in neighbours], until)
            if items:
                await handler.many(tx, items)
            done += items
        else:
            single = [await run(tx, row, until, handlers) for row in neighbours]
            done += [item for item in single if item is not None]
    return done


def are_next(tx: Tx, rows: Sequence[Row[Any]], done: Sequence[Row[Any]], handlers: Handlers) -> bool:
    """Whether rows that were looked at are still the next ones, after others of this transaction were carried out.

    A `Batched` handler puts on the agenda what its plans say, and nothing else; other handlers may do more.
    """
    put: datetime | None = tx.caches.get(PUT_ON_AGENDA)
    all_known = all(isinstance(handlers.get(row.kind), Batched) for row in done)
    if rows and all_known and (put is None or put > rows[-1].at):
        return True
    tx.caches.pop(PUT_ON_AGENDA, None)
    return False


async def _take_many(tx: Tx, kind: str, subjects: Sequence[str], until: datetime) -> list[AgendaItem]:
    """Take rows of one kind off in one statement; return them in the order of the subjects."""
    by = {"tenant": tx.tenant_id, "kind": kind, "subjects": list(subjects), "until": until}
    found = {
        row.subject: AgendaItem(
            at=row.at, kind=row.kind, subject=row.subject, customer_id=row.customer_id, payload=row.payload
        )
        for row in await tx.rows(_TAKE_MANY, by)
    }
    return [found[subject] for subject in subjects if subject in found]


@dataclass(slots=True)
class AgendaMetrics:
    """Of this process: rows that were set aside because they failed."""

    set_aside: int = 0


METRICS: Final = AgendaMetrics()


async def set_aside(tx: Tx, row: Row[Any], now: datetime, error: Exception) -> dict[str, Any]:
    """Put off a row that failed, so that it stops nothing else, and tell it; it is tried again after a growing while.

    Returns ``{"kind", "subject", "code", "failures", "retry_at"}``, as the event tells it (``agenda.set_aside``).
    """
    code = error.code if isinstance(error, DomainError) else "internal_error"
    by = {"tenant": tx.tenant_id, "kind": row.kind, "subject": row.subject}
    known = await tx.row(_FAILED, by)
    failures = 1 + (known[0] or 0 if known is not None else 0)
    retry_at = now + min(_FIRST_WAIT * 2 ** min(failures - 1, 12), _LONGEST_WAIT)
    await tx.execute(_PUT_OFF, {**by, "at": retry_at, "failures": failures, "code": code})
    METRICS.set_aside += 1
    event = {"kind": row.kind, "subject": row.subject, "code": code, "failures": failures, "retry_at": iso(retry_at)}
    await events.publish(tx, "agenda.set_aside", event)
    return event


async def aside(tx: Tx) -> list[SetAside]:
    """Rows that failed and wait to be tried again, soonest first, the first hundred."""
    rows = await tx.rows(_ASIDE, {"tenant": tx.tenant_id})
    return [
        {"kind": kind, "subject": subject, "code": code, "failures": failures, "retry_at": iso(retry_at)}
        for kind, subject, code, failures, retry_at in rows
    ]


async def next_at(tx: Tx) -> datetime | None:
    """When the next thing falls due; None when the agenda is empty."""
    row = await tx.row(_NEXT, {"tenant": tx.tenant_id})
    found: datetime | None = None if row is None else row[0]
    return found


async def next_other(tx: Tx, kind: str, until: datetime) -> datetime | None:
    """When the next thing of another kind falls due, at or before ``until``; None when nothing does."""
    row = await tx.row(_NEXT_OTHER, {"tenant": tx.tenant_id, "until": until, "kind": kind})
    found: datetime | None = None if row is None else row[0]
    return found


async def state(tx: Tx) -> tuple[datetime | None, bool]:
    """When the next thing falls due, and whether committed events wait for their position."""
    row = await tx.row(_STATE, {"tenant": tx.tenant_id})
    return (None, False) if row is None else (row.next_at, row.unplaced)


async def of(tx: Tx, kind: str, subject: str) -> Row[Any] | None:
    """The row of that kind and subject, not locked; None when there is none."""
    found: Row[Any] | None = await tx.row(_OF, {"tenant": tx.tenant_id, "kind": kind, "subject": subject})
    return found


async def put(tx: Tx, kind: str, subject: str, payload: Mapping[str, Any]) -> None:
    """Puts something of the tenant itself on the agenda, due now; what concerns a customer goes by its plan."""
    row = {"at": tx.at, "customer_id": "", "payload": dict(payload)}
    await tx.execute(
        insert(agenda)
        .values(tenant_id=tx.tenant_id, kind=kind, subject=subject, **row)
        .on_conflict_do_update(
            index_elements=["tenant_id", "kind", "subject"], set_={"at": row["at"], "payload": row["payload"]}
        )
    )
    if not tx.tenant.virtual:
        await mark(tx, AGENDA)
