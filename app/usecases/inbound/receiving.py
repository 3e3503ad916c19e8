"""Store and answer deliveries of shops and helpdesks first; act on each order and ticket afterwards, once.

`Inbox.receive` verifies the vendor's signature on the raw bytes and stores. `act` claims deliveries subject by subject
and parses them. It merges each update into what is known of the subject, and brings the ledger to what follows. The
deliveries' new state is written in the same transaction. A business failure parks a delivery with its reason and never
reaches the shop.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, cast

from app.db.engine import Database, Tx
from app.db.failures import Busy, Retry, Unavailable
from app.db.inbound import claims, inbox, sources
from app.db.inbound.claims import Ending
from app.db.inbound.inbox import DeliveryRow
from app.db.inbound.sources import Source, SourceRow, opened
from app.db.secrets import Cipher
from app.db.tenants import audit_trail
from app.domain.feeds.adapter import Adapter
from app.domain.feeds.review import ReviewItem
from app.domain.values.errors import DomainError
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso, iso_or_none
from app.usecases.inbound.acting import Step
from app.usecases.inbound.metrics import METRICS
from app.views.source import Delivery, DeliveryReceipt, DeliveryState, review_view

logger = logging.getLogger("retainer.inbound")
ACTOR: Final = "inbox"
BATCH: Final = 100
"""Steps of one tenant in one turn; each acts on the deliveries of one subject."""
TURN_SECONDS: Final = 1.0
"""After which others have their turn."""
STEPS_CONCURRENT_MAX: Final = 3
"""Subjects of one tenant acted on at the same time, each in a transaction of its own."""
MEASURED_EVERY: Final = 10.0
"""Seconds between two counts of what waits."""
HOMES_MAX: Final = 10_000
"""Tokens whose tenants a process remembers."""
CLAIM_ROWS_MAX: Final = 100
"""Deliveries of one subject acted on at once."""
WAITS: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds before a delivery whose handling failed by a fault is tried again; after the last it is parked."""

Fetch = Callable[[str, Mapping[str, Any], str], Awaitable[Any]]
"""(kind, api settings, what to ask) -> the shop's answer. Raises `FetchError`."""


class FetchError(Exception):
    """The shop could not be asked."""


@dataclass(slots=True)
class _Turn:
    """What one turn of a tenant has done so far, its lines together."""

    limit: int
    until: float
    done: int = 0
    steps: int = 0
    is_unfinished: bool = False
    """Whether more may wait."""
    passed: list[str] = field(default_factory=list)
    """Deliveries that wait for something else."""

    @property
    def over(self) -> bool:
        """Whether others have their turn."""
        return self.done >= self.limit or time.monotonic() >= self.until


@dataclass(slots=True, kw_only=True)
class Inbox:
    """What receiving and acting need; made by the composition root."""

    adapters: Mapping[str, Adapter]
    cipher: Cipher
    fetch: Fetch | None = None
    waits: tuple[float, ...] = WAITS
    busy: set[str] = field(default_factory=set)
    """Tenants that this process is acting for at the moment."""
    again: set[str] = field(default_factory=set)
    """Those of them for which something more was stored meanwhile."""
    measured: dict[str, float] = field(default_factory=dict)
    """When what waits was last counted, by tenant."""
    homes: dict[bytes, str] = field(default_factory=dict)
    """Tenants by the digests of tokens that opened a source of theirs; each call looks at the source itself."""

    async def receive(
        self, db: Database, token: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> tuple[str, DeliveryReceipt]:
        """Stores a delivery: (tenant id, answer). Refused: ``source_not_found``, ``signature_invalid``.

        ``now`` is real time. A delivery that came before is stored once and answered alike.
        """
        digest = sources.token_digest(token)
        if (home := self.homes.get(digest)) is not None:
            try:
                return home, await self._receive(db, home, digest, headers, body, now)
            except DomainError as error:
                if error.code == "signature_invalid":
                    raise
                self.homes.pop(digest, None)  # the token may open another tenant's source by now, or none
        tenant_id = await db.directory_tenant(digest)
        if tenant_id is None:
            raise DomainError("source_not_found")
        receipt = await self._receive(db, tenant_id, digest, headers, body, now)
        if len(self.homes) >= HOMES_MAX:
            self.homes.clear()
        self.homes[digest] = tenant_id
        return tenant_id, receipt

    async def _receive(
        self, db: Database, tenant_id: str, digest: bytes, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> DeliveryReceipt:
        """Store a delivery to the source that the token opens. Refused: as `receive`."""

        async def work(tx: Tx) -> DeliveryReceipt:
            row = await sources.by_token(tx, digest)
            if row is None:
                raise DomainError("source_not_found")
            source, adapter = opened(self.cipher, tx.tenant_id, row), self.adapters[row.kind]
            if adapter.ping(headers, body):
                return {"received": True, "ping": True}
            if not adapter.verify(headers, body, source.secrets, now):
                METRICS.forged += 1
                raise DomainError("signature_invalid")
            delivery_id, new = await self._add(tx, row, headers, body, now)
            return {"received": True, "delivery_id": delivery_id, "duplicate": not new}

        receipt = await db.run(tenant_id, work, actor=ACTOR)
        if not receipt.get("ping"):
            _count(new=not receipt.get("duplicate"))
        return receipt

    async def store(
        self,
        db: Database,
        tenant_id: str,
        row: SourceRow,
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,
        *,
        fetched: Any = None,
    ) -> tuple[str, bool]:
        """Stores what is known to come from the source: (delivery id, whether it is new)."""

        async def work(tx: Tx) -> tuple[str, bool]:
            return await self._add(tx, row, headers, body, now, fetched=fetched)

        delivery_id, new = await db.run(tenant_id, work, actor=ACTOR)
        _count(new=new)
        return delivery_id, new

    async def _add(
        self, tx: Tx, row: SourceRow, headers: Mapping[str, str], body: bytes, now: datetime, *, fetched: Any = None
    ) -> tuple[str, bool]:
        """Adds a delivery under its name: (its id, whether it is new)."""
        adapter = self.adapters[row.kind]
        identity = adapter.identify(headers, body)
        hashed = (identity.topic or "").encode() + b"\x00" + body + (iso(now).encode() if identity.looks else b"")
        key = identity.event_id or hashlib.sha256(hashed).hexdigest()
        return await inbox.add(
            tx,
            source=row.name,
            event_key=key,
            topic=identity.topic,
            subject=identity.subject,
            headers={name: headers[name] for name in adapter.headers if name in headers},
            body=body,
            received_at=now,
            fetched=fetched,
        )

    async def act_soon(self, db: Database, tenant_id: str) -> None:
        """Acts for a tenant unless this process does already; faults are left to the worker."""
        if tenant_id in self.busy:
            self.again.add(tenant_id)
            return
        self.busy.add(tenant_id)
        try:
            is_unfinished = True
            while is_unfinished or tenant_id in self.again:
                self.again.discard(tenant_id)
                is_unfinished = (await self._act(db.beside_calls(), tenant_id, BATCH)).is_unfinished
        except (Unavailable, Retry, DomainError) as error:
            logger.info("deliveries of tenant %s wait for the worker: %s", tenant_id, error)
        finally:
            self.busy.discard(tenant_id)

    async def act(self, db: Database, tenant_id: str, *, limit: int = BATCH) -> int:
        """Acts on what waits, at most ``limit`` subjects; how many. Deliveries whose handling fails by a
        fault are tried again later and delay no others."""
        return (await self._act(db, tenant_id, limit)).done

    async def _act(self, db: Database, tenant_id: str, limit: int) -> _Turn:
        turn = _Turn(limit, time.monotonic() + TURN_SECONDS)
        # The first two one after another: mostly there is nothing, or one.
        if not await self._steps(db, tenant_id, turn, most=2):
            METRICS.waiting.pop(tenant_id, None)
            turn.is_unfinished = turn.over or (turn.done > 0 and bool(turn.passed))
            return turn
        await self._measure(db, tenant_id)
        lines = (self._steps(db, tenant_id, turn) for _ in range(STEPS_CONCURRENT_MAX))
        failed = [error for error in await asyncio.gather(*lines, return_exceptions=True) if error not in (True, False)]
        for error in failed:
            assert isinstance(error, BaseException)  # noqa: S101 - what else is neither
            raise error
        turn.is_unfinished = turn.done > 0
        return turn

    async def _measure(self, db: Database, tenant_id: str) -> None:
        """Counts what waits, now and then: that looks at every row that does."""
        if time.monotonic() - self.measured.get(tenant_id, float("-inf")) >= MEASURED_EVERY:
            self.measured[tenant_id] = time.monotonic()
            METRICS.waiting[tenant_id] = await db.read(tenant_id, inbox.waiting)

    async def _steps(self, db: Database, tenant_id: str, turn: _Turn, *, most: int = BATCH) -> bool:
        """Acts on one subject after another; whether more may wait."""
        for _ in range(most):
            if turn.over:
                return False
            turn.steps += 1
            held: list[DeliveryRow] = []
            try:
                step = await db.run(tenant_id, functools.partial(self._step, held, turn), actor=ACTOR)
            except (Busy, Retry, Unavailable):
                raise
            except Exception as error:  # a fault of one delivery must not stop the others
                if not held:
                    raise
                if any(delivery_row.attempts >= len(self.waits) for delivery_row in held):
                    logger.exception("a delivery of tenant %s is parked: its handling fails", tenant_id)
                await self._failed(db, tenant_id, held, error)
                turn.done += 1
                continue
            if step is None:
                return False
            turn.done += bool(held)
            for delivery_id, source, what in step:
                await self._ask(db, tenant_id, delivery_id, source, what)
        return True

    async def _failed(self, db: Database, tenant_id: str, held: Sequence[DeliveryRow], error: Exception) -> None:
        METRICS.failures += 1
        detail = f"{type(error).__name__}: {error}"[:500].replace("\x00", "")

        async def note(tx: Tx) -> None:
            for delivery_row in held:
                if delivery_row.attempts >= len(self.waits):
                    METRICS.parked += 1
                    unclear = "Acting on the delivery fails by a fault of the service."
                    item = ReviewItem("handling_failed", unclear, {"attempts": delivery_row.attempts + 1})
                    ending = Ending(
                        deliveries=[delivery_row.delivery_id],
                        state="parked",
                        reason="handling_failed",
                        detail=detail,
                        review=[item.row()],
                    )
                    await claims.end(tx, ending)
                else:
                    await inbox.postpone(
                        tx,
                        delivery_row.delivery_id,
                        seconds=self.waits[delivery_row.attempts],
                        reason="handling_failed",
                        detail=detail,
                    )

        await db.run(tenant_id, note, actor=ACTOR)

    async def _step(self, held: list[DeliveryRow], turn: _Turn, tx: Tx) -> list[tuple[str, Source, str]] | None:
        """Acts on one subject; what must be asked of the shop first. None when nothing waits."""
        held.clear()
        # Every other step takes the newest, so that no crowd of old ones, however long each takes, holds it up.
        rows, skip = await claims.claim(tx, turn.passed, rows_max=CLAIM_ROWS_MAX, newest=turn.steps % 2 == 0)
        turn.passed.extend(skip)
        if not rows:
            return [] if skip else None
        held.extend(rows)
        row = await sources.find(tx, rows[0].source)
        if row is None:
            ids = [row.delivery_id for row in rows]
            await claims.end(tx, Ending(deliveries=ids, state="ignored", reason="source_removed"))
            return []
        source = opened(self.cipher, tx.tenant_id, row)
        return await Step(self.adapters[row.kind], tx, source, turn.passed).run(rows)

    async def _ask(self, db: Database, tenant_id: str, delivery_id: str, source: Source, what: str) -> None:
        """Asks the shop, outside any transaction, and keeps its answer with the delivery."""
        try:
            if self.fetch is None:
                raise FetchError("this process asks no shops")
            found = await self.fetch(source.row.kind, source.api, what)
        except FetchError as error:
            row = await db.read(tenant_id, lambda tx: inbox.get(tx, delivery_id))
            if row is not None:
                await self._failed(db, tenant_id, [row], error)
            return
        await db.run(tenant_id, lambda tx: inbox.fetched(tx, delivery_id, found), actor=ACTOR)

    async def replay(self, tx: Tx, source_name: str, delivery_id: str) -> Delivery:
        """Acts on a delivery once more, now: its view. What was done already is not done twice.

        Refused: ``source_not_found``, ``delivery_not_found``, ``delivery_erased``.
        """
        row = await sources.require(tx, source_name)
        found = await inbox.get(tx, delivery_id, source=source_name)
        if found is None:
            raise DomainError("delivery_not_found", source=source_name, delivery_id=delivery_id)
        if found.erased_at is not None:
            raise DomainError("delivery_erased", delivery_id=delivery_id)
        if found.subject is not None:
            await inbox.lock_subject(tx, source_name, found.subject)
        await inbox.get(tx, delivery_id, lock=True)
        await inbox.reopen(tx, delivery_id)
        again = await inbox.get(tx, delivery_id)
        assert again is not None  # noqa: S101 - it is locked
        source = opened(self.cipher, tx.tenant_id, row)
        await Step(self.adapters[row.kind], tx, source, [], sweeping=False).run([again])
        after = await inbox.get(tx, delivery_id)
        assert after is not None  # noqa: S101
        await audit_trail.note(tx, "delivery.replayed", delivery_id, {"source": source_name, "state": after.state})
        return delivery_view(after)

    async def dismiss(
        self, tx: Tx, source_name: str, delivery_id: str, *, reason: str, adjustment_id: str | None = None
    ) -> Delivery:
        """End a parked delivery that a person has settled, and return its view. The same again changes nothing.

        What the delivery was parked for counts as decided for its order from now on. Later deliveries that say no more
        are not parked for it again. Refused: ``source_not_found``, ``delivery_not_found``, ``delivery_not_parked``,
        ``adjustment_not_found``.
        """
        await sources.require(tx, source_name)
        found = await inbox.get(tx, delivery_id, source=source_name)
        if found is None:
            raise DomainError("delivery_not_found", source=source_name, delivery_id=delivery_id)
        if found.subject is not None:
            await inbox.lock_subject(tx, source_name, found.subject)
        found = await inbox.get(tx, delivery_id, lock=True)
        assert found is not None  # noqa: S101 - it was there
        operation = None if adjustment_id is None else await inbox.adjustment(tx, adjustment_id)
        if adjustment_id is not None and operation is None:
            raise DomainError("adjustment_not_found", field="adjustment_id", adjustment_id=adjustment_id)
        if found.state == "dismissed" and found.dismissal is not None:
            same = (found.dismissal.get("reason"), found.dismissal.get("adjustment_id"))
            if same == (reason, operation):
                return delivery_view(found)
        if found.state != "parked":
            raise DomainError("delivery_not_parked", delivery_id=delivery_id, state=found.state)
        dismissal = {"reason": reason, "adjustment_id": operation, "by": tx.actor, "at": iso(tx.at)}
        if not tx.validate_only:
            await inbox.dismiss(tx, delivery_id, dismissal)
            if found.subject is not None:
                await mark_settled(tx, source_name, found.subject, found.review or ())
        await audit_trail.note(
            tx,
            "delivery.dismissed",
            delivery_id,
            {
                "source": source_name,
                "subject": found.subject,
                "was": found.reason,
                "reason": reason,
                "adjustment_id": operation,
            },
        )
        return delivery_view(replace(found, state="dismissed", dismissal=dismissal))


def _count(*, new: bool) -> None:
    METRICS.received += 1
    METRICS.duplicates += not new


async def mark_settled(tx: Tx, source: str, subject: str, review: Sequence[Mapping[str, Any]]) -> None:
    """Note what a person has decided of an order, so that it is not asked again."""
    known = await inbox.load_known(tx, source, subject)
    keys = {str(row["key"]) for row in review if "key" in row}
    if known is None or not keys:
        return
    known["settled"] = sorted(keys | set(known.get("settled") or ()))
    refunds = {str(name) for row in review for name in (row.get("payload_says") or {}).get("refunds") or ()}
    if refunds:
        known["settled_refunds"] = sorted(refunds | set(known.get("settled_refunds") or ()))
    await claims.save_known(tx, source, subject, known, customer_id=None)


def delivery_view(row: DeliveryRow, *, body: bool = False) -> Delivery:
    """Return a delivery as published; the body only when asked for, as text."""
    view: Delivery = {
        "delivery_id": row.delivery_id,
        "source": row.source,
        "event_id": row.event_key,
        "topic": row.topic,
        "subject": row.subject,
        "state": cast(DeliveryState, row.state),
        "reason": row.reason,
        "detail": row.detail,
        "attempts": row.attempts,
        "effects": row.effects,
        "review": review_view(row.review),
        "dismissal": row.dismissal,
        "received_at": iso(row.received_at),
        "finished_at": iso_or_none(row.finished_at),
        "erased_at": iso_or_none(row.erased_at),
    }
    if body:
        view["body"] = row.body.decode("utf-8", "replace")
    return view


async def deliveries(tx: Tx, name: str, part: PageRequest, *, state: str | None) -> Page[Delivery]:
    """Deliveries of a source, newest first, each with its state and the reason. 404 ``source_not_found``."""
    await sources.require(tx, name)
    rows, more = await inbox.listed(tx, name, part, state=state)
    return part.page_of(rows, more, [delivery_view(row) for row in rows], lambda row: [row.delivery_id])


async def delivery(tx: Tx, name: str, delivery_id: str) -> Delivery:
    """One delivery with its body as it came. 404 ``delivery_not_found``."""
    await sources.require(tx, name)
    row = await inbox.get(tx, delivery_id, source=name)
    if row is None:
        raise DomainError("delivery_not_found", source=name, delivery_id=delivery_id)
    return delivery_view(row, body=True)
