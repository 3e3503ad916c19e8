"""Deliveries of shops and helpdesks: stored and answered first, acted on afterwards, each order and ticket
once.

`Inbox.receive` verifies the vendor's signature on the raw bytes and stores. `act` claims deliveries subject
by subject, reads them into news, merges the news into what is known of the subject, and brings the ledger to
what follows from it, all in one transaction with the deliveries' new state. A business failure parks a
delivery with its reason and never reaches the shop.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from app.db import audit, books, inbox, orders, policies, sources
from app.db.engine import Busy, Database, Retry, Tx, Unavailable
from app.db.inbox import DeliveryRow
from app.db.secrets import Cipher
from app.db.sources import Source, SourceRow, opened
from app.domain import arrivals, order_lines
from app.domain.arrivals import Seen
from app.domain.errors import DomainError
from app.domain.letters import Adapter, Letter, Reading, UnreadableError
from app.domain.policy import NotGranted
from app.domain.wire import iso, iso_or_none, parse_iso

logger = logging.getLogger("retainer.inbound")
ACTOR: Final = "inbox"
BATCH: Final = 100
"""Steps of one tenant in one turn; each acts on the deliveries of one subject."""
TURN_SECONDS: Final = 1.0
"""After which others have their turn."""
SWEEP: Final = 200
"""Deliveries that say nothing ended at once."""
TOGETHER: Final = 100
"""Deliveries of one subject acted on at once."""
WAITS: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds before a delivery whose handling failed by a fault is tried again; after the last it is parked."""


class Effects(Protocol):
    """What deliveries bring about; wired to the use cases of orders and tickets."""

    async def put_order(
        self,
        tx: Tx,
        *,
        order_id: str,
        customer_id: str,
        placed_at: datetime,
        currency: str,
        lines: Sequence[Mapping[str, Any]],
        source: str,
    ) -> dict[str, Any]:
        """Records the order, or brings the recorded one up to date; its view."""

    async def refund_order(
        self, tx: Tx, *, order_id: str, refund_id: str, units: Mapping[str, int]
    ) -> dict[str, Any]:
        """Takes back what is unspent of so many units of each line."""

    async def put_ticket(
        self, tx: Tx, *, ticket_id: str, customer_id: str, subject: str, stated: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Records a ticket."""

    async def respond(
        self, tx: Tx, *, ticket_id: str, author: str, kind: str, public: bool, occurred_at: datetime
    ) -> dict[str, Any]:
        """Records a response on a ticket."""


Fetch = Callable[[str, Mapping[str, Any], str], Awaitable[Any]]
"""(kind, api settings, what to ask) -> the shop's answer. Raises `FetchError`."""


class FetchError(Exception):
    """The shop could not be asked."""


@dataclass(slots=True)
class Metrics:
    """Of this process."""

    received: int = 0
    duplicates: int = 0
    forged: int = 0
    done: int = 0
    parked: int = 0
    failures: int = 0
    waiting: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Tenant -> how many deliveries wait, and for how many seconds the oldest does."""

    def sample(self) -> Iterator[tuple[str, str, str, float]]:
        """For ``/metrics``: name, help, kind, value."""
        yield "retainer_inbound_received", "Deliveries that came", "counter", self.received
        yield "retainer_inbound_duplicates", "Deliveries that had come before", "counter", self.duplicates
        yield "retainer_inbound_forged", "Deliveries refused for their signature", "counter", self.forged
        yield "retainer_inbound_done", "Deliveries acted on", "counter", self.done
        yield "retainer_webhooks_parked", "Deliveries parked for a person", "counter", self.parked
        yield "retainer_inbound_failures", "Faults while acting on deliveries", "counter", self.failures
        yield "retainer_inbound_waiting", "Deliveries that wait", "gauge", self.waiting_now
        yield "retainer_inbound_oldest_seconds", "Age of the oldest that waits", "gauge", self.oldest_seconds

    @property
    def oldest_seconds(self) -> float:
        """The age of the oldest delivery that waits."""
        return max((age for _, age in self.waiting.values()), default=0.0)

    @property
    def waiting_now(self) -> int:
        """How many deliveries wait."""
        return sum(count for count, _ in self.waiting.values())


METRICS: Final = Metrics()


@dataclass(slots=True, kw_only=True)
class Inbox:
    """What receiving and acting need; made by the composition root."""

    adapters: Mapping[str, Adapter]
    effects: Effects
    cipher: Cipher
    fetch: Fetch | None = None
    waits: tuple[float, ...] = WAITS
    busy: set[str] = field(default_factory=set)
    """Tenants that this process is acting for at the moment."""

    async def receive(
        self, db: Database, token: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> tuple[str, dict[str, Any]]:
        """Stores a delivery: (tenant id, answer). Refused: ``source_not_found``, ``signature_invalid``.

        ``now`` is real time. A delivery that came before is stored once and answered alike.
        """
        digest = sources.token_digest(token)
        tenant_id = await db.directory_tenant(digest)
        row = None if tenant_id is None else await db.read(tenant_id, lambda tx: sources.by_token(tx, digest))
        if tenant_id is None or row is None:
            raise DomainError("source_not_found")
        source = opened(self.cipher, tenant_id, row)
        adapter = self.adapters[row.kind]
        if adapter.ping(headers, body):
            return tenant_id, {"received": True, "ping": True}
        if not adapter.verify(headers, body, source.secrets, now):
            METRICS.forged += 1
            raise DomainError("signature_invalid")
        delivery_id, new = await self.store(db, tenant_id, row, headers, body, now)
        return tenant_id, {"received": True, "delivery_id": delivery_id, "duplicate": not new}

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
        adapter = self.adapters[row.kind]
        told = adapter.identify(headers, body)
        key = told.event_id or hashlib.sha256((told.topic or "").encode() + b"\x00" + body).hexdigest()
        kept = {name: headers[name] for name in adapter.headers if name in headers}

        async def add(tx: Tx) -> tuple[str, bool]:
            return await inbox.add(
                tx,
                source=row.name,
                event_key=key,
                topic=told.topic,
                subject=told.subject,
                headers=kept,
                body=body,
                received_at=now,
                fetched=fetched,
            )

        delivery_id, new = await db.run(tenant_id, add, actor=ACTOR)
        METRICS.received += 1
        METRICS.duplicates += not new
        return delivery_id, new

    async def act_soon(self, db: Database, tenant_id: str) -> None:
        """Acts for a tenant unless this process does already; faults are left to the worker."""
        if tenant_id in self.busy:
            return
        self.busy.add(tenant_id)
        try:
            while await self.act(db, tenant_id):
                continue
        except (Unavailable, Retry, DomainError) as error:
            logger.info("deliveries of tenant %s wait for the worker: %s", tenant_id, error)
        finally:
            self.busy.discard(tenant_id)

    async def act(self, db: Database, tenant_id: str, *, limit: int = BATCH) -> int:
        """Acts on what waits, at most ``limit`` subjects; how many. Deliveries whose handling fails by a
        fault are tried again later and delay no others."""
        if not await db.read(tenant_id, inbox.any_waiting):
            METRICS.waiting.pop(tenant_id, None)
            return 0
        METRICS.waiting[tenant_id] = await db.read(tenant_id, inbox.waiting)
        done = steps = 0
        passed: list[str] = []
        began = time.monotonic()
        while done < limit and time.monotonic() - began < TURN_SECONDS:
            steps += 1
            held: list[DeliveryRow] = []
            try:
                step = await db.run(
                    tenant_id, functools.partial(self._step, held, passed, steps % 2 == 0), actor=ACTOR
                )
            except (Busy, Retry, Unavailable):
                raise
            except Exception as error:  # a fault of one delivery must not stop the others
                if not held:
                    raise
                if any(one.attempts >= len(self.waits) for one in held):
                    logger.exception("a delivery of tenant %s is parked: its handling fails", tenant_id)
                await self._failed(db, tenant_id, held, error)
                done += 1
                continue
            if step is None:
                break
            done += bool(held)
            for delivery_id, source, what in step:
                await self._ask(db, tenant_id, delivery_id, source, what)
        return done

    async def _failed(
        self, db: Database, tenant_id: str, held: Sequence[DeliveryRow], error: Exception
    ) -> None:
        METRICS.failures += 1
        detail = f"{type(error).__name__}: {error}"[:500].replace("\x00", "")

        async def note(tx: Tx) -> None:
            for one in held:
                if one.attempts >= len(self.waits):
                    METRICS.parked += 1
                    await inbox.finish(
                        tx, [one.delivery_id], state="parked", reason="handling_failed", detail=detail
                    )
                else:
                    await inbox.postpone(
                        tx,
                        one.delivery_id,
                        seconds=self.waits[one.attempts],
                        reason="handling_failed",
                        detail=detail,
                    )

        await db.run(tenant_id, note, actor=ACTOR)

    async def _step(
        self, held: list[DeliveryRow], passed: list[str], newest: bool, tx: Tx
    ) -> list[tuple[str, Source, str]] | None:
        """Acts on one subject; what must be asked of the shop first. None when nothing waits."""
        held.clear()
        # Every other step takes the newest, so that no crowd of old ones, however long each takes, holds it up.
        rows, skip = await inbox.claim(tx, passed, together=TOGETHER, newest=newest)
        passed.extend(skip)
        if not rows:
            return [] if skip else None
        held.extend(rows)
        row = await sources.find(tx, rows[0].source)
        if row is None:
            await inbox.finish(
                tx, [one.delivery_id for one in rows], state="ignored", reason="source_removed"
            )
            return []
        source = opened(self.cipher, tx.tenant_id, row)
        return await _Step(self, tx, source, passed).run(rows)

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

    async def replay(self, tx: Tx, source_name: str, delivery_id: str) -> dict[str, Any]:
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
        await _Step(self, tx, opened(self.cipher, tx.tenant_id, row), [], sweeping=False).run([again])
        after = await inbox.get(tx, delivery_id)
        assert after is not None  # noqa: S101
        await audit.note(tx, "delivery.replayed", delivery_id, {"source": source_name, "state": after.state})
        return delivery_view(after)


@dataclass(slots=True)
class _Outcome:
    """What became of a subject."""

    state: str = "done"
    reason: str | None = None
    detail: str | None = None
    effects: dict[str, Any] = field(default_factory=dict)
    customer_id: str | None = None


@dataclass(slots=True)
class _Step:
    """Acting on the deliveries of one subject."""

    house: Inbox
    tx: Tx
    source: Source
    passed: list[str]
    sweeping: bool = True

    async def run(self, rows: Sequence[DeliveryRow]) -> list[tuple[str, Source, str]]:
        """Acts on the deliveries of one subject, or ends a lot of those that say nothing; what must be asked
        of the shop."""
        found, asks = await self._read(rows)
        if found:
            await self._tell(found)
        elif not asks and self.sweeping:
            await self._sweep()
        return asks

    async def _sweep(self) -> None:
        """Ends what cannot be read, many at once, so that a flood of it delays nothing else."""
        rows = await inbox.claim_unread(self.tx, self.source.row.name, limit=SWEEP)
        dull = [row for row in rows if self._says_nothing(row)]
        await self._read(dull)

    def _says_nothing(self, row: DeliveryRow) -> bool:
        adapter = self.house.adapters[self.source.row.kind]
        letter = Letter(topic=row.topic, body=row.body, fetched=row.fetched, options=self.source.row.options)
        try:
            return adapter.read(letter).ignored is not None
        except UnreadableError:
            return True

    async def _read(
        self, rows: Sequence[DeliveryRow]
    ) -> tuple[list[tuple[str, Reading]], list[tuple[str, Source, str]]]:
        """What the deliveries say; those that say nothing are ended. And what must be asked of the shop first."""
        asks: list[tuple[str, Source, str]] = []
        found: list[tuple[str, Reading]] = []
        adapter = self.house.adapters[self.source.row.kind]
        for row in rows:
            try:
                reading = adapter.read(
                    Letter(
                        topic=row.topic, body=row.body, fetched=row.fetched, options=self.source.row.options
                    )
                )
            except UnreadableError as error:
                await self._park([row.delivery_id], error.code, error.detail)
                continue
            if reading.ignored is not None:
                await inbox.finish(self.tx, [row.delivery_id], state="ignored", reason=reading.ignored)
            elif reading.ask is not None:
                if self.source.api.get("key"):
                    asks.append((row.delivery_id, self.source, reading.ask))
                    self.passed.append(row.delivery_id)
                else:
                    await self._park(
                        [row.delivery_id],
                        "lines_missing",
                        "The delivery does not say what was bought. Give the source an api key, or name the lines"
                        " in the metadata.",
                    )
            else:
                found.append((row.delivery_id, reading))
        return found, asks

    async def _tell(self, found: Sequence[tuple[str, Reading]]) -> None:
        """All readings are of one subject."""
        subject = found[0][1].subject
        ids = [delivery_id for delivery_id, _ in found]
        if subject is None:
            raise RuntimeError("a reading without a subject")
        known = await inbox.seen(self.tx, self.source.row.name, subject)
        if known is not None and known.get("erased"):
            await inbox.finish(self.tx, ids, state="ignored", reason="erased")
            await inbox.empty(self.tx, ids)
            return
        is_ticket = found[0][1].ticket is not None
        for _, reading in found:
            if reading.ticket is not None:
                known = arrivals.merge_ticket(known, reading.ticket)
            elif reading.order is not None:
                known = arrivals.merge(known, reading.order)
        known = known or {}
        try:
            async with self.tx.connection.begin_nested():
                further = copy.deepcopy(known)
                outcome = await (self._ticket if is_ticket else self._order)(subject, further)
            known = further
        except DomainError as error:
            outcome = _Outcome(state="parked", reason=error.code, detail=_told(error))
        await inbox.keep_seen(self.tx, self.source.row.name, subject, known, customer_id=outcome.customer_id)
        await self._finish(ids, subject, known, outcome)

    async def _finish(self, ids: list[str], subject: str, known: Seen, outcome: _Outcome) -> None:
        """Ends the deliveries; what earlier ones of the subject were parked for may be cleared by now."""
        if outcome.state == "parked":
            await self._park(ids, outcome.reason or "parked", outcome.detail or "", outcome)
            return
        await inbox.finish(
            self.tx,
            ids,
            state=outcome.state,
            reason=outcome.reason,
            detail=outcome.detail,
            effects=outcome.effects,
            customer_id=outcome.customer_id,
        )
        METRICS.done += len(ids)
        if "order" in known and outcome.state == "done" and outcome.reason is None:
            await inbox.settle_parked(
                self.tx,
                self.source.row.name,
                subject,
                CLEARED,
                effects=outcome.effects,
                customer_id=outcome.customer_id,
            )

    async def _park(self, ids: list[str], reason: str, detail: str, outcome: _Outcome | None = None) -> None:
        METRICS.parked += len(ids)
        logger.warning("parked deliveries %s of source %s: %s", ids, self.source.row.name, reason)
        await inbox.finish(
            self.tx,
            ids,
            state="parked",
            reason=reason,
            detail=detail.replace("\x00", ""),
            effects=outcome.effects if outcome else None,
            customer_id=outcome.customer_id if outcome else None,
        )

    # - orders -

    async def _order(self, subject: str, known: Seen) -> _Outcome:
        want = arrivals.wanted(known)
        if want is None:
            return _Outcome(reason="waits_for_payment" if "order" in known else "waits_for_order")
        name = self.source.row.name
        order_id = self._own(subject.partition("/")[2])
        placed_at = parse_iso(want.order["placed_at"])
        lines, unmapped = await self._lines(want.order, placed_at)
        doubts = list(want.doubts)
        if unmapped:
            doubts.append(("unmapped_product", "Not mapped to an offer: " + ", ".join(unmapped)))
        if not lines:
            if unmapped:
                return _Outcome(state="parked", reason="unmapped_product", detail=doubts[-1][1])
            return _Outcome(state="ignored", reason="nothing_ours")
        customer = want.order["customer"]
        external = (
            customer if self._ids_are_ours() and not customer.startswith("guest:") else f"{name}:{customer}"
        )
        view = await self.house.effects.put_order(
            self.tx,
            order_id=order_id,
            customer_id=external,
            placed_at=placed_at,
            currency=want.order["currency"],
            lines=lines,
            source=name,
        )
        refunds = await self._refunds(order_id, want.refunds, {one["line_id"] for one in lines}, view)
        unknown = [
            one["line_id"] for one in view.get("not_granted", ()) if one["code"] == order_lines.UNKNOWN_SKU
        ]
        if unknown:
            doubts.append(
                (order_lines.UNKNOWN_SKU, "The policy does not know the sku of line " + ", ".join(unknown))
            )
        owner = await books.find_customer(self.tx, external)
        effects = {
            "order_id": order_id,
            "customer_id": external,
            "refund_id": refunds,
            "not_granted": [
                {"line_id": one["line_id"], "code": one["code"], "clause": one["clause"]}
                for one in view.get("not_granted", ())
            ],
        }
        outcome = _Outcome(effects=effects, customer_id=None if owner is None else owner.customer_id)
        if doubts:
            outcome.state, (outcome.reason, outcome.detail) = "parked", doubts[0]
            if len(doubts) > 1:
                outcome.detail = " ".join(detail for _, detail in doubts)
        return outcome

    async def _lines(self, order: Seen, placed_at: datetime) -> tuple[list[dict[str, Any]], list[str]]:
        """The lines that are ours, by the source's mapping, and the products that nobody has mapped."""
        policy = await policies.in_force(self.tx, placed_at)
        ours: list[dict[str, Any]] = []
        unmapped: list[str] = []
        products, options = self.source.row.products, self.source.row.options
        for row in order["lines"]:
            names = [*row["products"], *([row["sku"]] if row["sku"] else [])]
            mapped = next((one for one in names if one in products), None)
            if mapped is not None:
                target = products[mapped]
                if target is None:
                    continue
                sku, attributes = target["sku"], {**row["attributes"], **(target.get("attributes") or {})}
            elif row["sku"] and not isinstance(order_lines.sold(policy, row["sku"]), NotGranted):
                sku, attributes = row["sku"], dict(row["attributes"])
            elif options.get("unmapped") == "ignore":
                continue
            else:
                unmapped.append(names[0] if names else row["line_id"])
                continue
            paid, listed = arrivals.unit_prices(row)
            ours.append(
                {
                    "line_id": row["line_id"],
                    "sku": sku,
                    "quantity": int(row["quantity"]),
                    "unit_price": paid,
                    "list_price": listed,
                    "attributes": attributes,
                }
            )
        return ours, unmapped

    async def _refunds(
        self, order_id: str, wanted: Mapping[str, int], ours: set[str], view: Mapping[str, Any]
    ) -> str | None:
        """Brings what has been given back of each line up to what the shop gave back in all, and all of the
        lines that the shop took out of the order."""
        removed = {
            row["line_id"]: int(row["quantity"]) for row in view["lines"] if row["line_id"] not in ours
        }
        wanted, ours = {**wanted, **removed}, ours | set(removed)
        before: dict[str, int] = {}
        for prior in await orders.refunds(self.tx, order_id):
            for row in prior.answer["lines"]:
                before[row["line_id"]] = before.get(row["line_id"], 0) + (row["quantity"] or 0)
        more = {
            line_id: count - before.get(line_id, 0)
            for line_id, count in sorted(wanted.items())
            if line_id in ours and count > before.get(line_id, 0)
        }
        if not more:
            return None
        reached = {**before, **{line_id: before.get(line_id, 0) + count for line_id, count in more.items()}}
        text = json.dumps(reached, sort_keys=True)
        refund_id = f"{self.source.row.name}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        await self.house.effects.refund_order(self.tx, order_id=order_id, refund_id=refund_id, units=more)
        return refund_id

    # - tickets -

    async def _ticket(self, subject: str, known: Seen) -> _Outcome:
        ticket = known.get("ticket")
        if ticket is None:
            return _Outcome(reason="waits_for_ticket")
        name = self.source.row.name
        ticket_id = self._own(subject.partition("/")[2])
        customer = ticket["customer"]
        if customer.startswith("own:"):
            external = customer[4:]
        else:
            external = (
                customer
                if self._ids_are_ours() and not customer.startswith("guest:")
                else f"{name}:{customer}"
            )
        if not known.get("put"):
            await self.house.effects.put_ticket(
                self.tx,
                ticket_id=ticket_id,
                customer_id=external,
                subject=ticket["subject"],
                stated=ticket["stated"],
            )
            known["put"] = True
        told = dict(known.get("told") or {})
        waiting = [
            (row["occurred_at"], key, row)
            for key, row in (known.get("responses") or {}).items()
            if key not in told
        ]
        said: list[str] = []
        unrecorded: list[str] = []
        told_of = {
            "ticket_id": ticket_id,
            "customer_id": external,
            "responses": said,
            "unrecorded": unrecorded,
        }
        outcome = _Outcome(effects=told_of)
        for _, key, row in sorted(waiting, key=lambda one: one[:2]):
            refused = await self._respond(ticket_id, row, row["kind"])
            if refused is not None and refused.code != CLOSED and row["kind"] == "service":
                # What is written while the ticket waits for consent, credits or an agent is no service yet.
                refused = await self._respond(ticket_id, row, "inquiry") and refused
            if refused is not None and refused.code != CLOSED:  # the ticket stays; later responses wait
                outcome.state, outcome.reason, outcome.detail = "parked", refused.code, _told(refused)
                break
            told[key] = True
            (said if refused is None else unrecorded).append(key)
        known["told"] = told
        owner = await books.find_customer(self.tx, external)
        outcome.customer_id = None if owner is None else owner.customer_id
        return outcome

    async def _respond(self, ticket_id: str, row: Mapping[str, Any], kind: str) -> DomainError | None:
        """Records a response; why not, if it was refused."""
        try:
            async with self.tx.connection.begin_nested():
                await self.house.effects.respond(
                    self.tx, ticket_id=ticket_id, author=row["author"], kind=kind, public=row["public"],
                    occurred_at=parse_iso(row["occurred_at"]),
                )  # fmt: skip
        except DomainError as error:
            return error
        return None

    def _own(self, foreign: str) -> str:
        return foreign if self._ids_are_ours() else f"{self.source.row.name}:{foreign}"

    def _ids_are_ours(self) -> bool:
        return self.source.row.options.get("ids") == "own"


CLOSED: Final = "ticket_closed"
"""Of a rejected or resolved ticket: what is written there still is no service, and nothing is wrong with it.
"""
CLEARED: Final = (
    "refund_lines_unknown",
    "refund_part_of_unit",
    "unmapped_product",
    "unknown_sku",
    "placed_in_future",
    "order_conflict",
    "order_line_changed",
    "refund_reversed",
    "paid_after_cancellation",
    "policy_not_found",
)
"""Reasons that a later look at the whole subject answers: once nothing is in doubt, what was parked for them
is done."""


def _told(error: DomainError) -> str:
    facts = {key: value for key, value in error.facts.items() if key != "errors"}
    return str(facts.pop("message", "")) or json.dumps(facts, default=str)


def delivery_view(row: DeliveryRow, *, body: bool = False) -> dict[str, Any]:
    """A delivery as published; the body only when asked for, as text."""
    view: dict[str, Any] = {
        "delivery_id": row.delivery_id,
        "source": row.source,
        "event_id": row.event_key,
        "topic": row.topic,
        "subject": row.subject,
        "state": row.state,
        "reason": row.reason,
        "detail": row.detail,
        "attempts": row.attempts,
        "effects": row.effects,
        "received_at": iso(row.received_at),
        "finished_at": iso_or_none(row.finished_at),
        "erased_at": iso_or_none(row.erased_at),
    }
    if body:
        view["body"] = row.body.decode("utf-8", "replace")
    return view


async def deliveries(
    tx: Tx, name: str, *, state: str | None, before: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Deliveries of a source, newest first, each with its state and the reason. 404 ``source_not_found``."""
    await sources.require(tx, name)
    rows = await inbox.listed(tx, name, state=state, before=before, limit=limit + 1)
    return [delivery_view(row) for row in rows[:limit]], rows[limit - 1].delivery_id if len(
        rows
    ) > limit else None


async def delivery(tx: Tx, name: str, delivery_id: str) -> dict[str, Any]:
    """One delivery with its body as it came. 404 ``delivery_not_found``."""
    await sources.require(tx, name)
    row = await inbox.get(tx, delivery_id, source=name)
    if row is None:
        raise DomainError("delivery_not_found", source=name, delivery_id=delivery_id)
    return delivery_view(row, body=True)
