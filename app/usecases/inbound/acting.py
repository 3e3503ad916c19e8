"""Acting on the deliveries of one subject: read, merged into what is known of it, and the ledger brought to
what follows."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from app.db import inbox, orders, policies
from app.db.account import accounts
from app.db.engine import Tx
from app.db.inbox import DeliveryRow
from app.db.sources import Source
from app.domain.feeds import orders as feed
from app.domain.feeds.adapter import Adapter, Letter, Reading, UnreadableError
from app.domain.feeds.disputed_money import DisputeWanted
from app.domain.feeds.orders import Seen
from app.domain.feeds.refund_reasons import OF_REFUNDS
from app.domain.feeds.review import ReviewItem
from app.domain.feeds.tickets import merge_ticket
from app.domain.orders import lines as order_lines
from app.domain.policy.offers import NotGranted
from app.domain.values.errors import DomainError
from app.domain.values.wire import parse_iso, parse_iso_or_none
from app.usecases.inbound import effects

logger = logging.getLogger("retainer.inbound")
SWEEP: Final = 200
"""Deliveries that say nothing ended at once."""


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


@dataclass(slots=True)
class _Outcome:
    """What became of a subject."""

    state: str = "done"
    reason: str | None = None
    detail: str | None = None
    effects: dict[str, Any] = field(default_factory=dict)
    customer_id: str | None = None
    review: tuple[ReviewItem, ...] = ()

    def park(self, *items: ReviewItem) -> _Outcome:
        """Leaves it to a person; the first item names the reason."""
        self.state, self.reason, self.review = "parked", items[0].code, items
        self.detail = " ".join(item.unclear for item in items)
        return self


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
        rows = await inbox.claim_unread(self.tx, self.source.row.name, limit=SWEEP)
        dull = [row for row in rows if self._says_nothing(row)]
        await self._read(dull)

    def _says_nothing(self, row: DeliveryRow) -> bool:
        adapter = self.adapter
        letter = Letter(topic=row.topic, body=row.body, fetched=row.fetched, options=self._options())
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
        adapter = self.adapter
        for row in rows:
            try:
                reading = adapter.read(
                    Letter(topic=row.topic, body=row.body, fetched=row.fetched, options=self._options())
                )
            except UnreadableError as error:
                item = ReviewItem(error.code, error.detail, error.says)
                await self._park([row.delivery_id], _Outcome().park(item))
                continue
            if (why := self._not_for_us(reading)) is not None:
                reading = Reading(ignored=why)
            if reading.ignored is not None:
                await inbox.finish(self.tx, [row.delivery_id], state="ignored", reason=reading.ignored)
            elif reading.ask is not None:
                if self.source.api.get("key"):
                    asks.append((row.delivery_id, self.source, reading.ask))
                    self.passed.append(row.delivery_id)
                else:
                    item = ReviewItem("lines_missing", "The delivery does not say what was bought.")
                    await self._park([row.delivery_id], _Outcome().park(item))
            else:
                found.append((row.delivery_id, reading))
        return found, asks

    def _options(self) -> dict[str, Any]:
        """How deliveries are read: as the source says, with the address of its API."""
        return {**self.source.row.options, "api_base_url": self.source.api.get("base_url")}

    def _not_for_us(self, reading: Reading) -> str | None:
        """Why what was read is none of this tenant's business; None if it is."""
        options = self.source.row.options
        if reading.test and not self.tx.tenant.virtual and not options.get("test_orders"):
            return "test_order"
        order = None if reading.order is None else reading.order.order
        if reading.unless_ours is None or order is None:
            return None
        products = self.source.row.products
        ours = any(line.sku or any(name in products for name in line.products) for line in order.lines)
        return None if ours else reading.unless_ours

    async def _home(self, subject: str, readings: Sequence[Reading]) -> tuple[str, Seen]:
        """The subject that a payment of several names is known by, and what was told under its other names."""
        names = list(dict.fromkeys(name for reading in readings for name in reading.names))
        if not names:
            return subject, {}
        source = self.source.row.name
        claims = (
            any(reading.order is not None and reading.order.order is not None for reading in readings) or len(names) > 1
        )
        home = subject
        for name in sorted(names):
            owner = await inbox.payment_owner(self.tx, source, name)
            if owner is not None:
                home = owner
                break
        if home != subject:
            await inbox.lock_subject(self.tx, source, home)
        if not claims:
            return home, {}
        merged: Seen = {}
        for name in sorted(names):
            await inbox.claim_payment(self.tx, source, name, home)
            other = f"order/{name}"
            if other != home and (found := await inbox.seen(self.tx, source, other)) and "order" not in found:
                merged = feed.merge_known(merged, found)
        return home, merged

    async def _publish_parked(self, found: Sequence[tuple[str, Reading]]) -> None:
        """All readings are of one subject."""
        subject = found[0][1].subject
        ids = [delivery_id for delivery_id, _ in found]
        if subject is None:
            raise RuntimeError("a reading without a subject")
        subject, before = await self._home(subject, [reading for _, reading in found])
        known = await inbox.seen(self.tx, self.source.row.name, subject)
        if known is not None and known.get("erased"):
            await inbox.finish(self.tx, ids, state="ignored", reason="erased")
            await inbox.empty(self.tx, ids)
            return
        is_ticket = found[0][1].ticket is not None
        for _, reading in found:
            if reading.ticket is not None:
                known = merge_ticket(known, reading.ticket)
            elif reading.order is not None:
                known = feed.merge(known, reading.order)
        known = feed.merge_known(known or {}, before)
        try:
            async with self.tx.connection.begin_nested():
                further = copy.deepcopy(known)
                outcome = await (self._ticket if is_ticket else self._order)(subject, further)
            known = further
        except DomainError as error:
            says = {key: value for key, value in error.facts.items() if key not in ("errors", "message", "now")}
            outcome = _Outcome().park(ReviewItem(error.code, _message_of(error) or error.code, says))
        if outcome.state == "parked" and {review_item.key for review_item in outcome.review} <= set(
            known.get("settled") or ()
        ):
            outcome = _Outcome(state="ignored", reason=SETTLED, customer_id=outcome.customer_id)
        await inbox.keep_seen(self.tx, self.source.row.name, subject, known, customer_id=outcome.customer_id)
        await self._finish(ids, subject, known, outcome)

    async def _finish(self, ids: list[str], subject: str, known: Seen, outcome: _Outcome) -> None:
        """Ends the deliveries; what earlier ones of the subject were parked for may be cleared by now."""
        if outcome.state == "parked":
            await self._park(ids, outcome)
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
            whole = self.source.row.kind in WHOLE_ORDERS
            await inbox.end_parked(
                self.tx,
                self.source.row.name,
                subject,
                (*CLEARED, *UNREADABLE) if whole else CLEARED,
                effects=outcome.effects,
                customer_id=outcome.customer_id,
            )

    async def _park(self, ids: list[str], outcome: _Outcome) -> None:
        METRICS.parked += len(ids)
        logger.warning("parked deliveries %s of source %s: %s", ids, self.source.row.name, outcome.reason)
        await inbox.finish(
            self.tx,
            ids,
            state="parked",
            reason=outcome.reason,
            detail=(outcome.detail or "").replace("\x00", ""),
            effects=outcome.effects or None,
            customer_id=outcome.customer_id,
            review=[review_item.row() for review_item in outcome.review],
        )

    # - orders -

    async def _order(self, subject: str, known: Seen) -> _Outcome:
        want = feed.wanted(known)
        if want is None:
            return _Outcome(reason="waits_for_payment" if "order" in known else "waits_for_order")
        settled = set(known.get("settled") or ())
        if blocks := [block for block in want.blocks if block.key not in settled]:
            return _Outcome().park(*blocks)
        if any(block.code not in OF_REFUNDS for block in want.blocks):
            return _Outcome(state="ignored", reason=SETTLED)
        order_id = self._own(subject.partition("/")[2])
        placed_at = parse_iso(want.order["placed_at"])
        lines, further = await self._lines(want.order, placed_at)
        there = await orders.find(self.tx, order_id) is not None
        if not lines and not there:
            waits = [review_item for review_item in further if review_item.key not in settled]
            return _Outcome().park(*waits) if waits else _Outcome(state="ignored", reason="nothing_ours")
        if want.customer is None:
            unclear = "The order names neither a customer nor an e-mail address."
            return _Outcome().park(ReviewItem("customer_missing", unclear))
        if (used := await self._payment_used(subject, want.order, want.customer)) is not None and not there:
            return _Outcome().park(used)
        external = self._named(want.customer)
        view = await effects.put_order(
            self.tx,
            order_id=order_id,
            customer_id=external,
            placed_at=placed_at,
            currency=want.order["currency"],
            lines=lines,
            source=self.source.row.name,
            unmapped=frozenset(row["line_id"] for row in want.order["lines"]) - {line["line_id"] for line in lines},
        )
        ours = {row["line_id"]: int(row["quantity"]) for row in view["lines"] if row["quantity"]}
        disputes = [_of_ours(dispute, ours) for dispute in want.disputes]
        puzzling: list[str] = []
        if disputes:
            puzzling = await effects.end_disputes(self.tx, order_id=order_id, disputes=disputes)
        refunds = await self._refunds(order_id, want.refunds, ours)
        followed: Sequence[Mapping[str, Any]] = []
        if disputes:
            followed = await effects.follow_disputes(self.tx, order_id=order_id, disputes=disputes)
        owner = await accounts.find_customer(self.tx, external)
        outcome = _Outcome(
            effects=_effects(order_id, external, refunds, view, followed),
            customer_id=None if owner is None else owner.customer_id,
        )
        further += [_unclear(dispute) for dispute in disputes if dispute.dispute_id in puzzling]
        doubts = [doubt for doubt in (*want.doubts, *further, *_unknown(view)) if doubt.key not in settled]
        return outcome.park(*doubts) if doubts else outcome

    def _named(self, customer: str) -> str:
        """The customer's id here."""
        if self._ids_are_ours() and not customer.startswith("guest:"):
            return customer
        return f"{self.source.row.name}:{customer}"

    async def _payment_used(self, subject: str, order: Seen, customer: str) -> ReviewItem | None:
        """What is in doubt if another order of the buyer was bought by the same payment.

        Shops whose gateways number payments anew for each buyer, or not at all, name one for several people.
        """
        payment = order.get("payment")
        if payment is None:
            return None
        # Hashed, so that it names nobody once they are erased.
        name = hashlib.sha256(f"{payment}\x00{customer}".encode()).hexdigest()
        bought = await inbox.claim_payment(self.tx, self.source.row.name, name, subject)
        if bought == subject:
            return None
        other = bought.partition("/")[2]
        unclear = f"The payment of this order bought order {other} already: one payment buys once."
        return ReviewItem("payment_already_used", unclear, {"payment": payment, "bought_order": other})

    async def _lines(self, order: Seen, placed_at: datetime) -> tuple[list[dict[str, Any]], list[ReviewItem]]:
        """The lines that are ours, by the source's mapping, and what is in doubt about others.

        A line without a product and a sku is nothing that could ever be mapped (a tip, a donation), so nobody is asked.
        """
        policy = await policies.in_force(self.tx, placed_at)
        ours: list[dict[str, Any]] = []
        unmapped: list[str] = []
        doubts: list[ReviewItem] = []
        products, options = self.source.row.products, self.source.row.options
        for row in order["lines"]:
            names = [*row["products"], *([row["sku"]] if row["sku"] else [])]
            mapped = next((name for name in names if name in products), None)
            if mapped is not None:
                target = products[mapped]
                if target is None:
                    continue
                sku, attributes = target["sku"], {**row["attributes"], **(target.get("attributes") or {})}
            elif row["sku"] and not isinstance(order_lines.sold(policy, row["sku"]), NotGranted):
                sku, attributes = row["sku"], dict(row["attributes"])
            elif options.get("unmapped") == "ignore" or not names:
                continue
            else:
                unmapped.append(names[0])
                continue
            if row.get("change"):
                how = (products[mapped] or {}).get("plan_change") if mapped is not None else None
                doubt = order_lines.plan_change(row, how)
                doubts += [] if doubt is None else [doubt]
                if doubt is not None or not order_lines.bills(row, how):
                    continue
            trouble = row.get("trouble")
            if row.get("stated"):
                trouble = order_lines.other_units(policy, sku, row, order["currency"])
            if trouble:
                says = {"line": row["line_id"], "sku": sku, "trouble": trouble}
                doubts.append(ReviewItem("quantity_unclear", f"Line {row['line_id']}: {trouble}", says))
                continue
            paid, listed = feed.unit_prices(row)
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
        if unmapped:
            unclear = "Not mapped to an offer: " + ", ".join(unmapped)
            doubts.append(ReviewItem("unmapped_product", unclear, {"products": unmapped}))
        return ours, doubts

    async def _refunds(self, order_id: str, wanted: Mapping[str, int], ours: Mapping[str, int]) -> str | None:
        """Brings what has been given back of each line up to what the shop gave back in all."""
        before: dict[str, int] = {}
        disputed: dict[str, int] = {}
        for prior in await orders.refunds(self.tx, order_id):
            into = disputed if prior.answer.get("reason") == DISPUTED else before
            for row in prior.answer["lines"]:
                into[row["line_id"]] = into.get(row["line_id"], 0) + (row["quantity"] or 0)
        more = {}
        for line_id, count in sorted(wanted.items()):
            # What a dispute took is not taken again by a refund of the same units.
            left = ours.get(line_id, 0) - before.get(line_id, 0) - disputed.get(line_id, 0)
            if (missing := min(count - before.get(line_id, 0), left)) > 0:
                more[line_id] = missing
        if not more:
            return None
        reached = {**before, **{line_id: before.get(line_id, 0) + count for line_id, count in more.items()}}
        text = json.dumps(reached, sort_keys=True)
        refund_id = f"{self.source.row.name}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        await effects.refund_order(self.tx, order_id=order_id, refund_id=refund_id, units=more)
        return refund_id

    # - tickets -

    async def _ticket(self, subject: str, known: Seen) -> _Outcome:
        ticket = known.get("ticket")
        if ticket is None:
            return _Outcome(reason="waits_for_ticket")
        ticket_id = self._own(subject.partition("/")[2])
        customer = ticket["customer"]
        external = customer[4:] if customer.startswith("own:") else self._named(customer)
        if not known.get("put"):
            await effects.put_ticket(
                self.tx,
                ticket_id=ticket_id,
                customer_id=external,
                subject=ticket["subject"],
                stated=ticket["stated"],
                opened_at=parse_iso_or_none(ticket.get("opened_at")),
            )
            known["put"] = True
        applied = dict(known.get("told") or {})
        waiting = [
            (row["occurred_at"], key, row) for key, row in (known.get("responses") or {}).items() if key not in applied
        ]
        said: list[str] = []
        unrecorded: list[str] = []
        outcome_effects = {"ticket_id": ticket_id, "customer_id": external, "responses": said, "unrecorded": unrecorded}
        outcome = _Outcome(effects=outcome_effects)
        for _, key, row in sorted(waiting, key=lambda item: item[:2]):
            refused = await self._respond(ticket_id, row, row["kind"])
            if refused is not None and refused.code != CLOSED and row["kind"] == "service":
                # What is written while the ticket waits for consent, credits or an agent is no service yet.
                refused = await self._respond(ticket_id, row, "inquiry") and refused
            if refused is not None and refused.code != CLOSED:  # the ticket stays; later responses wait
                outcome.park(ReviewItem(refused.code, _message_of(refused) or refused.code, {"response": key}))
                break
            applied[key] = True
            (said if refused is None else unrecorded).append(key)
        known["told"] = applied
        owner = await accounts.find_customer(self.tx, external)
        outcome.customer_id = None if owner is None else owner.customer_id
        return outcome

    async def _respond(self, ticket_id: str, row: Mapping[str, Any], kind: str) -> DomainError | None:
        """Records a response; why not, if it was refused."""
        try:
            async with self.tx.connection.begin_nested():
                await effects.respond(
                    self.tx,
                    ticket_id=ticket_id,
                    author=row["author"],
                    kind=kind,
                    public=row["public"],
                    automatic=bool(row.get("automatic")),
                    occurred_at=parse_iso(row["occurred_at"]),
                )
        except DomainError as error:
            return error
        return None

    def _own(self, foreign: str) -> str:
        return foreign if self._ids_are_ours() else f"{self.source.row.name}:{foreign}"

    def _ids_are_ours(self) -> bool:
        return self.source.row.options.get("ids") == "own"


DISPUTED: Final = "payment_dispute"
"""The reason of a refund that a dispute of the payment made."""
CLOSED: Final = "ticket_closed"
"""Of a rejected or resolved ticket: what is written there still is no service, and nothing is wrong with it.
"""
SETTLED: Final = "settled_by_a_person"
"""Nothing is said but what a person has decided already."""
WHOLE_ORDERS: Final = frozenset({"woocommerce", "shopify"})
"""Kinds whose every delivery of an order tells all of it, so that a later one makes up for one that was not read."""
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
    "refund_reversed",
    "paid_after_cancellation",
    "policy_not_found",
)
"""Reasons that a later look at the whole subject answers: once nothing is in doubt, what was parked for them
is done."""


def _effects(
    order_id: str, external: str, refund_id: str | None, view: Mapping[str, Any], disputes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What a delivery brought about, as shown with it."""
    report: dict[str, Any] = {
        "order_id": order_id,
        "customer_id": external,
        "refund_id": refund_id,
        "not_granted": [
            {"line_id": item["line_id"], "code": item["code"], "clause": item["clause"]}
            for item in view.get("not_granted", ())
        ],
    }
    if disputes:
        shown = ("dispute_id", "state", "action", "credits")
        report["payment_disputes"] = [{name: dispute[name] for name in shown} for dispute in disputes]
    return {**report, "correction": view["correction"]} if "correction" in view else report


def _unknown(view: Mapping[str, Any]) -> list[ReviewItem]:
    lines = [item["line_id"] for item in view.get("not_granted", ()) if item["code"] == order_lines.UNKNOWN_SKU]
    unclear = "The policy does not know the sku of line " + ", ".join(lines)
    return [ReviewItem(order_lines.UNKNOWN_SKU, unclear, {"lines": lines})] if lines else []


def _of_ours(wanted: DisputeWanted, ours: Mapping[str, int]) -> DisputeWanted:
    """A dispute of the lines that are ours."""
    if wanted.units is None:
        return wanted
    return replace(wanted, units={line_id: count for line_id, count in wanted.units.items() if line_id in ours})


def _unclear(wanted: DisputeWanted) -> ReviewItem:
    says = {"dispute": wanted.dispute_id, "state": wanted.state, "amount": wanted.amount, "currency": wanted.currency}
    return ReviewItem("dispute_lines_unknown", str(wanted.unclear), says)


def _message_of(error: DomainError) -> str:
    facts = {key: value for key, value in error.facts.items() if key != "errors"}
    return str(facts.pop("message", "")) or json.dumps(facts, default=str)
