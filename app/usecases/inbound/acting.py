"""Acting on the deliveries of one subject: read, merged into what is known of it, and the ledger brought to
what follows."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.db.engine import Tx
from app.db.inbound import claims, inbox
from app.db.inbound.claims import Ending
from app.db.inbound.inbox import DeliveryRow
from app.db.inbound.sources import Source
from app.domain.feeds import orders as feed
from app.domain.feeds.adapter import Adapter, Delivery, Parsed, UnreadableError
from app.domain.feeds.orders import Known
from app.domain.feeds.review import ReviewItem
from app.domain.feeds.tickets import merge_ticket
from app.domain.values.errors import DomainError
from app.usecases.inbound.metrics import METRICS
from app.usecases.inbound.order_effects import act_on_order
from app.usecases.inbound.outcome import SETTLED, Outcome, message_of
from app.usecases.inbound.ticket_effects import act_on_ticket

logger = logging.getLogger("retainer.inbound")
SWEEP: Final = 200
"""Deliveries that say nothing ended at once."""
WHOLE_ORDERS: Final = frozenset({"woocommerce", "shopify"})
"""Kinds whose every delivery of an order tells all of it, so that a later one makes up for one that was not read."""
WHOLE_TICKETS: Final = frozenset({"freescout", "freshdesk"})
"""The same of tickets."""
UNREADABLE: Final = ("not_json", "field_missing", "field_wrong", "legacy_version")
CLEARED: Final = (
    "lines_missing",
    "plan_changed",
    "total_unexplained",
    "payment_unclear",
    "payment_already_used",
    "quantity_unclear",
    "customer_missing",
    "refund_lines_unknown",
    "dispute_lines_unknown",
    "refund_part_of_unit",
    "unmapped_product",
    "unknown_sku",
    "placed_in_future",
    "order_conflict",
    "order_line_changed",
    "order_customer_changed",
    "order_of_merged_account",
    "refund_reversed",
    "paid_after_cancellation",
    "policy_not_found",
)
"""Reasons that a later look at the whole subject answers: once nothing is in doubt, what was parked for them
is done."""


@dataclass(slots=True)
class Step:
    """Acting on the deliveries of one subject."""

    adapter: Adapter
    tx: Tx
    source: Source
    passed: list[str]
    sweeping: bool = True

    async def run(self, rows: Sequence[DeliveryRow]) -> list[tuple[str, Source, str]]:
        """Acts on the deliveries of one subject, or ends a lot of those that say nothing; what must be asked
        of the shop."""
        found, asks = await self._read(rows)
        if found:
            await self._publish_parked(found)
        elif not asks and self.sweeping:
            await self._sweep()
        return asks

    async def _sweep(self) -> None:
        """Ends what cannot be read, many at once, so that a flood of it delays nothing else."""
        rows = await claims.claim_unread(self.tx, self.source.row.name, limit=SWEEP)
        dull = [row for row in rows if self._says_nothing(row)]
        await self._read(dull)

    def _says_nothing(self, row: DeliveryRow) -> bool:
        adapter = self.adapter
        delivery = Delivery(topic=row.topic, body=row.body, fetched=row.fetched, options=self._options())
        try:
            return adapter.read(delivery).ignored is not None
        except UnreadableError:
            return True

    async def _read(
        self, rows: Sequence[DeliveryRow]
    ) -> tuple[list[tuple[str, Parsed]], list[tuple[str, Source, str]]]:
        """What the deliveries say; those that say nothing are ended. And what must be asked of the shop first."""
        asks: list[tuple[str, Source, str]] = []
        found: list[tuple[str, Parsed]] = []
        adapter = self.adapter
        for row in rows:
            try:
                parsed = adapter.read(
                    Delivery(topic=row.topic, body=row.body, fetched=row.fetched, options=self._options())
                )
            except UnreadableError as error:
                item = ReviewItem(error.code, error.detail, error.says)
                await self._park([row.delivery_id], Outcome().park(item))
                continue
            if (why := self._not_for_us(parsed)) is not None:
                parsed = Parsed(ignored=why)
            if parsed.ignored is not None:
                await claims.end(self.tx, Ending(deliveries=[row.delivery_id], state="ignored", reason=parsed.ignored))
            elif parsed.ask is not None:
                if self.source.api.get("key"):
                    asks.append((row.delivery_id, self.source, parsed.ask))
                    self.passed.append(row.delivery_id)
                else:
                    item = _unasked(parsed.ask)
                    await self._park([row.delivery_id], Outcome().park(item))
            else:
                found.append((row.delivery_id, parsed))
        return found, asks

    def _options(self) -> dict[str, Any]:
        """How deliveries are read: as the source says, with the address of its API."""
        return {**self.source.row.options, "api_base_url": self.source.api.get("base_url")}

    def _not_for_us(self, parsed: Parsed) -> str | None:
        """Why what was read is none of this tenant's business; None if it is."""
        options = self.source.row.options
        if parsed.test and not self.tx.tenant.virtual and not options.get("test_orders"):
            return "test_order"
        order = None if parsed.order is None else parsed.order.order
        if parsed.unless_ours is None or order is None:
            return None
        products = self.source.row.products
        ours = any(line.sku or any(name in products for name in line.products) for line in order.lines)
        return None if ours else parsed.unless_ours

    async def _home(self, subject: str, contents: Sequence[Parsed]) -> tuple[str, Known]:
        """The subject that a payment of several names is known by, and what was told under its other names."""
        names = list(dict.fromkeys(name for parsed in contents for name in parsed.names))
        if not names:
            return subject, {}
        source = self.source.row.name
        may_claim = (
            any(parsed.order is not None and parsed.order.order is not None for parsed in contents) or len(names) > 1
        )
        home = subject
        for name in sorted(names):
            owner = await inbox.payment_owner(self.tx, source, name)
            if owner is not None:
                home = owner
                break
        if home != subject:
            await inbox.lock_subject(self.tx, source, home)
        if not may_claim:
            return home, {}
        merged: Known = {}
        for name in sorted(names):
            await inbox.claim_payment(self.tx, source, name, home)
            other = f"order/{name}"
            if other != home and (found := await inbox.load_known(self.tx, source, other)) and "order" not in found:
                merged = feed.merge_known(merged, found)
        return home, merged

    async def _publish_parked(self, found: Sequence[tuple[str, Parsed]]) -> None:
        """Merge what deliveries of one subject say, act on it, and park what is unclear."""
        subject = found[0][1].subject
        ids = [delivery_id for delivery_id, _ in found]
        if subject is None:
            raise RuntimeError("a delivery without a subject")
        subject, before = await self._home(subject, [parsed for _, parsed in found])
        known = await inbox.load_known(self.tx, self.source.row.name, subject)
        if known is not None and known.get("erased"):
            await claims.end(self.tx, Ending(deliveries=ids, state="ignored", reason="erased"))
            await inbox.empty(self.tx, ids)
            return
        is_ticket = found[0][1].ticket is not None
        for _, parsed in found:
            if parsed.ticket is not None:
                known = merge_ticket(known, parsed.ticket)
            elif parsed.order is not None:
                known = feed.merge(known, parsed.order)
        known = feed.merge_known(known or {}, before)
        try:
            async with self.tx.refusable():
                further = copy.deepcopy(known)
                outcome = await (act_on_ticket if is_ticket else act_on_order)(self.tx, self.source, subject, further)
            known = further
        except DomainError as error:
            says = {key: value for key, value in error.facts.items() if key not in ("errors", "message", "now")}
            outcome = Outcome().park(ReviewItem(error.code, message_of(error) or error.code, says))
        if outcome.state == "parked" and {review_item.key for review_item in outcome.review} <= set(
            known.get("settled") or ()
        ):
            outcome = Outcome(state="ignored", reason=SETTLED, customer_id=outcome.customer_id)
        await self._finish(ids, subject, known, outcome)

    async def _finish(self, ids: list[str], subject: str, known: Known, outcome: Outcome) -> None:
        """Keeps what is known and ends the deliveries; what earlier ones of the subject were parked for may be cleared
        by now."""
        source = self.source.row
        if outcome.state == "parked":
            await claims.save_and_end(self.tx, source.name, subject, known, self._parked(ids, outcome))
            return
        METRICS.done += len(ids)
        cleared: tuple[str, ...] = ()
        if "order" in known and outcome.state == "done" and outcome.reason is None:
            cleared = (*CLEARED, *UNREADABLE) if source.kind in WHOLE_ORDERS else CLEARED
        elif "ticket" in known and outcome.state == "done" and source.kind in WHOLE_TICKETS:
            cleared = ("api_missing", *UNREADABLE)
        ending = Ending(
            deliveries=ids,
            state=outcome.state,
            reason=outcome.reason,
            detail=outcome.detail,
            effects=outcome.effects,
            customer_id=outcome.customer_id,
        )
        await claims.save_and_end(self.tx, source.name, subject, known, ending, cleared=cleared)

    async def _park(self, ids: list[str], outcome: Outcome) -> None:
        await claims.end(self.tx, self._parked(ids, outcome))

    def _parked(self, ids: list[str], outcome: Outcome) -> Ending:
        """Parks deliveries for a person."""
        METRICS.parked += len(ids)
        logger.warning("parked deliveries %s of source %s: %s", ids, self.source.row.name, outcome.reason)
        return Ending(
            deliveries=ids,
            state="parked",
            reason=outcome.reason,
            detail=(outcome.detail or "").replace("\x00", ""),
            effects=outcome.effects or None,
            customer_id=outcome.customer_id,
            review=[review_item.row() for review_item in outcome.review],
        )


def _unasked(what: str) -> ReviewItem:
    """What a delivery is parked for whose source has no key to ask with."""
    if what.startswith("ticket:"):
        return ReviewItem("api_missing", "The delivery only names the ticket, and the source has no key to ask for it.")
    return ReviewItem("lines_missing", "The delivery does not say what was bought.")
