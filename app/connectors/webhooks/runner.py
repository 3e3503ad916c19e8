"""Sends what is due to one endpoint: its lanes side by side, each lane's deliveries one after another.

What came of earlier sends and what is sent next go through one transaction: the busier the database is, the more each
of them holds. Nothing is sent inside a transaction.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from app.connectors.webhooks.metrics import DispatcherMetrics
from app.connectors.webhooks.pace import Pace, Places, Room
from app.connectors.webhooks.sender import Sender, body_of, signed_headers
from app.db.engine import Database, Tx
from app.db.failures import Busy, Retry, Unavailable
from app.db.minting import mint
from app.db.secrets import Cipher, SealBroken
from app.db.webhooks import claims, webhooks
from app.db.webhooks.claims import Claimed, Result
from app.domain.events.webhook_retry import Attempt, Outcome, judge
from app.domain.values.wire import iso, jsonable
from app.views.event_types import TEST

logger = logging.getLogger("retainer.webhooks")
T = TypeVar("T")

LANE_SECONDS: Final = 25.0
"""After which a lane begins no further send: with the longest attempt it stays within its lease."""
WRITES_TRIED: Final = 4
"""How often what came of sends is tried to be written, before its leases are left to lapse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all runners of a dispatcher share. ``clock``: the delivery clock, the database's where None (tests)."""

    db: Database
    sender: Sender
    cipher: Cipher
    clock: Callable[[], datetime] | None
    jitter: Callable[[], int]
    lease: timedelta
    metrics: DispatcherMetrics
    name: str
    room: Room = field(default_factory=Room)


@dataclass(frozen=True, slots=True)
class _Keys:
    """An endpoint as claimed, with its secrets opened once for all that is sent now."""

    endpoint: webhooks.Endpoint
    current: str | None
    previous: str | None

    def of(self, at: datetime) -> list[str]:
        until = self.endpoint.previous_until
        with_previous = self.previous is not None and until is not None and at < until
        return [secret for secret in (self.current, self.previous if with_previous else None) if secret is not None]


@dataclass(slots=True)
class Runner:
    """One endpoint's, until nothing is due any more."""

    tools: Tools
    tenant_id: str
    endpoint_id: str
    pace: Pace
    task: asyncio.Task[None] | None = None
    _lanes: set[asyncio.Task[None]] = field(default_factory=set)
    _results: list[tuple[Result, Outcome]] = field(default_factory=list)
    _unsent: list[Claimed] = field(default_factory=list)
    _change: asyncio.Event = field(default_factory=asyncio.Event)
    _hungry: bool = True
    """Whether something may be due that nobody has claimed."""
    _stopped: bool = False
    """Whether the endpoint is being disabled: nothing more is sent to it."""

    def poke(self) -> None:
        """Says that something may be due."""
        self._hungry = True
        self._change.set()

    async def run(self) -> None:
        """Sends and writes until nothing is due."""
        try:
            while await self._round():
                pass
        finally:
            for lane in self._lanes:
                lane.cancel()

    async def _round(self) -> bool:
        """One transaction, or a wait for something to do; False when nothing is left."""
        self._change.clear()
        places = self.tools.room.of(self.pace)
        reserved = await self._take(places)
        if not (reserved or self._results or self._unsent):
            if not self._lanes:
                return False
            await self._change.wait()
            return True
        started, self._hungry = 0, False
        try:
            lanes, keys = await self._write_and_claim(reserved)
            self._hungry = self._hungry or 0 < reserved == len(lanes)
            for lane in lanes if keys is not None else ():
                assert keys is not None  # noqa: S101 - looked at just now
                task = asyncio.create_task(self._lane(lane, keys, places))
                self._lanes.add(task)
                task.add_done_callback(self._landed)
                started += 1
        finally:
            if reserved > started:
                places.give_back(self.tenant_id, reserved - started)
        return True

    async def _take(self, places: Places) -> int:
        """Places for further lanes. Waited for only while there is nothing else to do."""
        asks = (self._hungry or self._results or self._unsent) and not self._stopped
        missing = self.pace.lanes - len(self._lanes) if asks else 0
        if missing <= 0:
            return 0
        reserved = places.take(self.tenant_id, missing)
        if not reserved and not (self._lanes or self._results or self._unsent):
            await places.wait(self.tenant_id)
            reserved = 1
        return reserved

    def _landed(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        if not lane.cancelled() and (error := lane.exception()) is not None:
            logger.error("a delivery to %s failed", self.endpoint_id, exc_info=error)
        self._change.set()

    # --- the transaction ----------------------------------------------------------------------------------------------

    async def _write_and_claim(self, most: int) -> tuple[list[list[Claimed]], _Keys | None]:
        """Writes what came of sends, and claims at most so many lanes."""
        results, self._results = self._results, []
        unsent, self._unsent = self._unsent, []
        token = f"{self.tools.name}:{mint('clm')}"
        now = self.tools.clock() if self.tools.clock else None

        async def work(tx: Tx) -> tuple[list[list[Claimed]], webhooks.Endpoint | None, int]:
            if unsent:
                await claims.pass_on(tx, unsent, max(row.at for row in unsent))
            disabled = await self._write(tx, results) if results else 0
            if not most:
                return [], None, disabled
            lanes = await claims.claim(tx, self.endpoint_id, token=token, lease=self.tools.lease, now=now, most=most)
            return lanes, await webhooks.find(tx, self.endpoint_id) if lanes else None, disabled

        lanes, endpoint, disabled = await self._patiently(work)
        self.tools.metrics.wrote([outcome for _, outcome in results], disabled=disabled)
        return lanes, None if endpoint is None else self._opened(endpoint)

    async def _patiently(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Runs the transaction, and again while the database has no time for it."""
        for attempt in range(1, WRITES_TRIED):
            try:
                return await self.tools.db.run(self.tenant_id, work)
            except (Unavailable, Busy, Retry):
                await asyncio.sleep(0.1 * 4**attempt)
        return await self.tools.db.run(self.tenant_id, work)

    async def _write(self, tx: Tx, results: Sequence[tuple[Result, Outcome]]) -> int:
        """Writes results; whether the endpoint was disabled by one of them."""
        written = await claims.write(tx, self.endpoint_id, [result for result, _ in results])
        for result, outcome in results:
            if result.delivery_id in written and outcome.verdict in ("gone", "exhausted"):
                reason = "receiver_gone" if outcome.verdict == "gone" else "retries_exhausted"
                return int(await webhooks.disable(tx, self.endpoint_id, reason, result.at))
        return 0

    def _opened(self, endpoint: webhooks.Endpoint) -> _Keys:
        """The endpoint with its secrets; without any where they cannot be read."""
        sealed = (endpoint.secret, endpoint.previous_secret)
        try:
            current, previous = (
                None
                if chunk is None
                else self.tools.cipher.open(chunk, tenant_id=self.tenant_id, subject=f"endpoint/{endpoint.endpoint_id}")
                for chunk in sealed
            )
        except SealBroken:
            return _Keys(endpoint, None, None)
        return _Keys(endpoint, current, previous)

    # --- sending ------------------------------------------------------------------------------------------------------

    async def _lane(self, rows: Sequence[Claimed], keys: _Keys, places: Places) -> None:
        """Sends the deliveries of one lane, in order, until one of them fails."""
        began = time.monotonic()
        try:
            for place, row in enumerate(rows):
                elapsed = time.monotonic() - began
                if self._stopped or elapsed > LANE_SECONDS:
                    self._unsent += rows[place:]
                    return
                # Claimed together, sent one after another: each is signed with its own time.
                made = replace(row, at=row.at + timedelta(seconds=elapsed)) if place else row
                if not await self._send(made, keys):
                    self._unsent += rows[place + 1 :]
                    return
        finally:
            places.give_back(self.tenant_id)

    async def _send(self, row: Claimed, keys: _Keys) -> bool:
        """Sends one delivery and keeps what came of it; whether the next of its lane may follow."""
        metrics = self.tools.metrics
        metrics.sent += 1
        metrics.in_flight += 1
        try:
            attempt = await self._attempt(row, keys)
        finally:
            metrics.in_flight -= 1
        if attempt is None:
            attempt, outcome = Attempt(None, "the event is no longer kept"), Outcome("lost", row.step, None)
        else:
            outcome = judge(attempt, step=row.step, at=row.at, jitter_permille=self.tools.jitter())
            good = outcome.verdict == "delivered"
            self.pace.adjust(good=good, milliseconds=attempt.duration_ms)
        if outcome.verdict != "delivered":
            logger.info("delivery %s: %s, %s", row.delivery_id, attempt.error or attempt.status, outcome.verdict)
        self._stopped = self._stopped or outcome.verdict in ("gone", "exhausted")
        self._results.append((_result(row, attempt, outcome), outcome))
        self._change.set()
        return outcome.verdict == "delivered"

    async def _attempt(self, row: Claimed, keys: _Keys) -> Attempt | None:
        """Signs and sends; None when the event is no longer kept."""
        if row.data is not None and row.type is not None and row.occurred_at is not None:
            data = {
                **jsonable(row.data),
                "customer_id": row.customer_id,
                "sequence": row.sequence,
                "position": row.position,
            }
            body = body_of(row.type, iso(row.occurred_at), data, event_id=row.event_id)
        elif row.payload is not None:
            body = body_of(TEST, iso(row.at), row.payload, event_id=row.event_id)
        else:
            return None
        secrets = keys.of(row.at)
        if not secrets:
            return Attempt(None, "the secret cannot be read: RETAINER_SECRET_KEY has changed; rotate the secret")
        headers = signed_headers(row.event_id, row.at, body, secrets)
        return await self.tools.sender.send(
            keys.endpoint.url, headers, body, via=f"{self.tenant_id}/{self.endpoint_id}"
        )


def _result(row: Claimed, attempt: Attempt, outcome: Outcome) -> Result:
    """What is written of an attempt."""
    return Result(
        delivery_id=row.delivery_id,
        lane=row.lane,
        claim=row.claim,
        state={"delivered": "delivered", "retry": "pending"}.get(outcome.verdict, "failed"),
        step=outcome.step,
        at=row.at,
        next_at=outcome.next_at,
        attempts=row.attempts,
        retried=row.step > 0,
        entry={
            "at": iso(row.at),
            "status": attempt.status,
            "error": attempt.error,
            "duration_ms": attempt.duration_ms,
            "retry_after": attempt.retry_after,
            "response": attempt.response,
        },
    )
