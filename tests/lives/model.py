"""The small model: what each customer has, owes and was paid. Plain objects, own arithmetic, written from the clauses.

A `Purchase` is what one order line granted at once, wherever its credits lie by now: in its first `Lot`, in lots that a
transfer, a merge or a returned credit made. Credits that are voided or expired are ``gone``; the model does not tell
the two apart, since neither can be spent. It knows nothing of the service but the ids that the service gave things.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from tests.lives.terms import Price, Terms

NEVER = datetime.max.replace(tzinfo=UTC)
CENT = Decimal("0.01")
OPEN_STATES = (
    "needs_facts",
    "awaiting_qualification",
    "awaiting_assessment",
    "awaiting_choice",
    "awaiting_confirmation",
    "awaiting_credits",
    "in_progress",
)


@dataclass(eq=False)
class Purchase:
    """Credits granted together. ``due``: of refunded units, not taken back yet, so that what comes back is gone."""

    credits: int
    credit_type: str
    bought_at: datetime
    expires_at: datetime | None
    units: int = 1
    cost: Decimal | None = None
    order_id: str | None = None
    line_id: str | None = None
    license_id: str | None = None
    free: bool = False
    due: int = 0
    refunded: int = 0
    paid_back: Decimal = Decimal(0)
    refunded_units: int = 0
    returned_by_lot: int = 0
    """Credits for which money was paid back by the lot; the order's refund cannot give it again."""
    corrected: int = 0
    """Units that the shop took out of its order."""
    used: bool = False
    lots: list[Lot] = field(default_factory=list)
    loose: bool = False
    """Some of it was taken back while it lay in several lots: which of them gave is the service's affair."""

    @property
    def money_left(self) -> Decimal:
        """What may still be paid back of its price, whichever door is used (TERMS-20)."""
        if self.cost is None:
            return Decimal(0)
        return max(self.cost - self.paid_back - self.cost * self.refunded_units / self.units, Decimal(0))


@dataclass(eq=False)
class Lot:
    """So many credits of a purchase on one account. ``lot_id`` is learned from the service."""

    purchase: Purchase
    owner: str
    granted: int
    expires_at: datetime | None
    effective_at: datetime
    available: int = 0
    held: int = 0
    spent: int = 0
    gone: int = 0
    lot_id: str | None = None
    first: bool = False
    """It is the lot that the order granted, not one made later."""
    paid: bool = False

    def dead(self, now: datetime) -> bool:
        """Its end is exclusive (ALL-1)."""
        return self.expires_at is not None and self.expires_at <= now

    def buckets(self) -> tuple[int, int, int, int]:
        """Available, held, spent, gone."""
        return self.available, self.held, self.spent, self.gone


@dataclass(eq=False)
class PageRequest:
    """What a hold took of one lot."""

    lot: Lot
    credits: int
    captured: int = 0
    released: int = 0
    refunded: int = 0

    def left(self, bucket: str) -> int:
        """What of it is still held, or captured and not given back."""
        if bucket == "held":
            return self.credits - self.captured - self.released
        return self.captured - self.refunded


@dataclass(eq=False)
class Hold:
    """Credits reserved, in order of spending."""

    owner: str
    parts: list[PageRequest]
    ticket: str | None = None
    expires_at: datetime | None = None
    hold_id: str | None = None

    def left(self, bucket: str) -> int:
        """Over all its parts."""
        return sum(one.left(bucket) for one in self.parts)


@dataclass(eq=False)
class License:
    """One unit of a license line. ``untouched``: it was refunded with its grant as it came; None: unclear."""

    license_id: str
    owner: str
    order_id: str
    unit: int
    sku: str
    placed_at: datetime
    ended_at: datetime | None = None
    refunded_at: datetime | None = None
    untouched: bool | None = False
    grant: Purchase | None = None
    choice_id: str | None = None
    chosen: str | None = None
    choice_void: bool = False


@dataclass(eq=False)
class Line:
    """An order line; ``grants`` is what it brought, the licenses' grants apart."""

    line_id: str
    sku: str
    quantity: int
    unit_price: Decimal | None
    refunded: int = 0
    grant: Purchase | None = None
    licenses: list[License] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Units whose money has not gone back by any door."""
        by_lot = 0 if self.grant is None else -(-self.grant.returned_by_lot * self.grant.units // self.grant.credits)
        return max(self.quantity - self.refunded - by_lot, 0)


@dataclass(eq=False)
class Order:
    """An order as the shop sent it."""

    order_id: str
    owner: str
    placed_at: datetime
    lines: list[Line]
    terms: Terms
    refunds: int = 0
    source: bool = False
    card: bool = False
    """It was paid by card, so that the buyer's bank may take its money back."""


@dataclass(eq=False)
class Ticket:
    """A ticket, as far as money hangs on it."""

    ticket_id: str
    owner: str
    terms: Terms
    category: str | None = None
    inputs: dict[str, int] = field(default_factory=dict)
    agreed: int | None = None
    pay_with: str | None = None
    credit_type: str = "credit"
    license_id: str | None = None
    state: str = "new"
    accepted: bool = False
    quoted: int | None = None
    price: int | None = None
    served: bool = False
    paid_by: str | None = None
    resolved_at: datetime | None = None
    cause: str | None = None
    returned_for_cause: int = 0
    """What a bug of the vendor's brought back and no other cause took again."""
    opened_at: datetime | None = None
    reopened_at: datetime | None = None
    told: datetime | None = None
    """When the last thing that was told of it happened."""
    disputes: int = 0
    dispute_open: bool = False
    deadlines: dict[int, datetime] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether work may go on."""
        return self.state in OPEN_STATES

    def list_price(self) -> int | str | None:
        """By the list; None without a category or an input."""
        found: Price | None = None if self.category is None else self.terms.prices.get(self.category)
        return None if found is None else found.of(self.inputs)


class Model:
    """All customers of one vendor."""

    def __init__(self, terms: Terms, now: datetime) -> None:
        self.terms = terms
        self.versions: list[tuple[datetime, Terms]] = [(datetime.min.replace(tzinfo=UTC), terms)]
        self.now = now
        self.heirs: dict[str, str] = {}
        self.purchases: list[Purchase] = []
        self.holds: list[Hold] = []
        self.orders: dict[str, Order] = {}
        self.licenses: list[License] = []
        self.tickets: dict[str, Ticket] = {}
        self.coming: list[Any] = []
        """What has a method `coming`, for what comes by itself."""
        self.dirty: set[str] = set()
        """Accounts whose credits may have changed since they were last compared."""

    # --- reading ------------------------------------------------------------------------------------------------------

    def who(self, name: str) -> str:
        """The account that a name leads to."""
        while name in self.heirs:
            name = self.heirs[name]
        return name

    def terms_at(self, when: datetime) -> Terms:
        """The terms in force at an instant."""
        return [terms for since, terms in self.versions if since <= when][-1]

    def lots(self, owner: str, credit_type: str | None = None) -> list[Lot]:
        """All lots of an account."""
        return [
            lot
            for one in self.purchases
            for lot in one.lots
            if lot.owner == owner and credit_type in (None, one.credit_type)
        ]

    def usable(self, owner: str, credit_type: str) -> list[Lot]:
        """In order of spending: soonest to end, free before paid, oldest (AVA-13)."""
        found = [one for one in self.lots(owner, credit_type) if one.available and not one.dead(self.now)]
        return sorted(found, key=lambda one: (one.expires_at or NEVER, one.paid, one.effective_at, one.lot_id or ""))

    def available(self, owner: str, credit_type: str = "credit") -> int:
        """What can be spent."""
        return sum(one.available for one in self.usable(owner, credit_type))

    def holds_of(self, ticket: str) -> list[Hold]:
        """Oldest first."""
        return [one for one in self.holds if one.ticket == ticket]

    def charge(self, ticket: str) -> dict[str, int]:
        """What a ticket costs so far."""
        parts = [part for hold in self.holds_of(ticket) for part in hold.parts]
        captured, refunded = sum(one.captured for one in parts), sum(one.refunded for one in parts)
        return {
            "held": sum(one.left("held") for one in parts),
            "captured": captured,
            "refunded": refunded,
            "net": captured - refunded,
        }

    def committed(self, ticket: str) -> int:
        """Held and taken, less what was given back."""
        charge = self.charge(ticket)
        return charge["held"] + charge["net"]

    # --- granting -----------------------------------------------------------------------------------------------------

    def buy(self, owner: str, purchase: Purchase, *, effective_at: datetime | None = None) -> None:
        """A purchase and its first lot, dead at once where its end has passed."""
        self.purchases.append(purchase)
        lot = self.add_lot(purchase, owner, purchase.credits, purchase.expires_at, effective_at or purchase.bought_at)
        lot.first = True

    def add_lot(
        self, purchase: Purchase, owner: str, credits: int, expires_at: datetime | None, effective_at: datetime
    ) -> Lot:
        """Another lot of a purchase."""
        lot = Lot(purchase, owner, credits, expires_at, effective_at, available=credits)
        if lot.dead(self.now):
            lot.available, lot.gone = 0, credits
        purchase.lots.append(lot)
        self.dirty.add(owner)
        return lot

    # --- spending and giving back -------------------------------------------------------------------------------------

    def take(
        self,
        owner: str,
        credits: int,
        bucket: str,
        *,
        credit_type: str = "credit",
        ticket: str | None = None,
        expires_at: datetime | None = None,
        lot: Lot | None = None,
    ) -> Hold | None:
        """Holds or spends so many; None where there are not enough."""
        lots = self.usable(owner, credit_type) if lot is None else [lot] if not lot.dead(self.now) else []
        if sum(one.available for one in lots) < credits:
            return None
        hold = Hold(owner, [], ticket, expires_at)
        left = credits
        for one in lots:
            n = min(left, one.available)
            if n == 0:
                continue
            one.available -= n
            one.purchase.used = True
            if bucket == "held":
                one.held += n
            else:
                one.spent += n
            hold.parts.append(PageRequest(one, n, captured=n if bucket == "spent" else 0))
            left -= n
        self.holds.append(hold)
        self.dirty.add(owner)
        return hold

    def capture(self, hold: Hold, amount: int) -> None:
        """Takes held credits for good, in the hold's order (XC-14)."""
        for part in hold.parts:
            n = min(amount, part.left("held"))
            part.captured += n
            part.lot.held -= n
            part.lot.spent += n
            amount -= n
        self.dirty.add(hold.owner)

    def give_back(
        self, hold: Hold, bucket: str, amount: int, *, when: datetime | None = None, bug: bool = False
    ) -> None:
        """In reverse, to the lots that they came from. To a refunded unit: gone at once. To a dead lot: gone, or where
        a bug of the vendor's was the cause a lot of 30 days (ALL-4)."""
        when = when or self.now
        for part in reversed(hold.parts):
            n = min(amount, part.left(bucket))
            if n == 0:
                continue
            amount -= n
            lot = part.lot
            if bucket == "held":
                part.released += n
                lot.held -= n
            else:
                part.refunded += n
                lot.spent -= n
            void = min(n, lot.purchase.due)
            lot.purchase.due -= void
            lot.gone += void
            n -= void
            heir = self.who(lot.owner)
            if n and lot.dead(when):
                lot.gone += n
                if bug:
                    self.add_lot(lot.purchase, heir, n, when + timedelta(days=30), when).paid = lot.paid
            elif n and heir != lot.owner:
                lot.gone += n
                self.add_lot(lot.purchase, heir, n, lot.expires_at, when).paid = lot.paid
            else:
                lot.available += n
            self.dirty |= {lot.owner, heir}

    def each(self, ticket: str, bucket: str, amount: int | None = None, *, bug: bool = False) -> None:
        """Gives back for a ticket, newest hold first; all there is unless told."""
        for hold in reversed(self.holds_of(ticket)):
            n = hold.left(bucket) if amount is None else min(amount, hold.left(bucket))
            if n:
                self.give_back(hold, bucket, n, bug=bug)
                amount = None if amount is None else amount - n

    def capture_all(self, ticket: str) -> None:
        """Captures what a ticket holds."""
        for hold in self.holds_of(ticket):
            self.capture(hold, hold.left("held"))

    def settle_to(self, ticket: Ticket, credits: int) -> bool:
        """Holds more or gives back until so much is committed; False where there is not enough (ALL-2)."""
        missing = credits - self.committed(ticket.ticket_id)
        if missing > 0:
            owner = self.who(ticket.owner)
            made = self.take(owner, missing, "held", credit_type=ticket.credit_type, ticket=ticket.ticket_id)
            return made is not None
        held = self.charge(ticket.ticket_id)["held"]
        back = min(held, -missing)
        if back:
            self.each(ticket.ticket_id, "held", back)
        if -missing - back:
            self.each(ticket.ticket_id, "spent", -missing - back)
        return True

    # --- taking back --------------------------------------------------------------------------------------------------

    def refund_units(self, purchase: Purchase, units: int) -> int:
        """The order's units are refunded: their credits are taken back, now and whenever they come back. Taken now."""
        wanted = purchase.credits // purchase.units * units
        wanted = min(wanted, purchase.credits - purchase.refunded)
        purchase.refunded += wanted
        purchase.refunded_units += units
        return self._take_back(purchase, wanted)

    def _take_back(self, purchase: Purchase, wanted: int, first: Lot | None = None) -> int:
        purchase.due += wanted
        mine = [one for one in purchase.lots if one.available and not one.dead(self.now)]
        mine.sort(key=lambda one: one is not first)
        there = sum(one.available for one in mine)
        plain = first is not None and first.available >= purchase.due
        purchase.loose = purchase.loose or (len(mine) > 1 and there > purchase.due and not plain)
        taken = min(purchase.due, there)
        left = taken
        for lot in mine:
            n = min(left, lot.available)
            lot.available -= n
            lot.gone += n
            left -= n
        in_use = sum(one.held + one.spent for one in purchase.lots)  # nothing else can come back
        purchase.due = min(purchase.due - taken, in_use)
        self.dirty |= {one.owner for one in purchase.lots}
        return taken

    def pay_back(self, lot: Lot, money: Decimal, *, all_of_it: bool) -> None:
        """Money for a lot's credits: they are gone, those too that are still held or spent where all was paid."""
        purchase = lot.purchase
        purchase.paid_back += money
        wanted = lot.available
        if all_of_it:
            wanted = purchase.credits - purchase.refunded
        wanted = min(wanted, purchase.credits - purchase.refunded)
        purchase.refunded += wanted
        purchase.returned_by_lot += wanted
        self._take_back(purchase, wanted, lot)

    def quote(self, lot: Lot) -> Decimal | None:
        """What a bought lot's unused credits bring now (TERMS-19); None: nothing does."""
        purchase = lot.purchase
        if not self.terms.money_back or not purchase.cost or lot.available == 0 or lot.dead(self.now):
            return None
        share = Fraction(lot.available, purchase.credits)
        if self.now > purchase.bought_at + timedelta(days=60) and lot.expires_at is not None:
            remaining, term = lot.expires_at - self.now, lot.expires_at - purchase.bought_at
            share *= Fraction(remaining // timedelta(seconds=1), term // timedelta(seconds=1))
        exact = Fraction(purchase.cost) * share
        money = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(CENT, ROUND_HALF_UP)
        return min(money, purchase.money_left)

    def move(self, lot: Lot, to: str) -> int:
        """What is available of a lot goes to another account."""
        n = lot.available
        lot.available, lot.gone = 0, lot.gone + n
        self.add_lot(lot.purchase, to, n, lot.expires_at, self.now)
        self.dirty.add(lot.owner)
        return n

    def merge(self, source: str, into: str) -> None:
        """One account of two."""
        for lot in self.lots(source):
            if lot.available:
                n = lot.available
                lot.available, lot.gone = 0, lot.gone + n
                self.add_lot(lot.purchase, into, n, lot.expires_at, self.now).paid = lot.paid
        heirs: dict[int, Lot] = {}
        for hold in self.holds:
            if hold.owner == source and hold.left("held"):
                self._move_hold(hold, into, heirs)
        for one in self.licenses:
            if one.owner == source:
                one.owner = into
        self.heirs[source] = into
        self.dirty |= {source, into}

    def in_the_way(self, source: str) -> bool:
        """Whether an account has a hold that was captured in part: it can't go aside."""
        return any(
            hold.owner == source and hold.left("held") and any(part.captured for part in hold.parts)
            for hold in self.holds
        )

    def _move_hold(self, hold: Hold, into: str, heirs: dict[int, Lot]) -> None:
        """An open hold goes with its credits; what came back of a part before stays where it is."""
        hold.owner, further = into, []
        for part in reversed(hold.parts):
            n = part.left("held")
            if n == 0:
                continue
            lot = part.lot
            lot.held, lot.gone = lot.held - n, lot.gone + n
            if (moved := heirs.get(id(lot))) is None:
                moved = heirs[id(lot)] = Lot(lot.purchase, into, 0, lot.expires_at, self.now, paid=lot.paid)
                lot.purchase.lots.append(moved)
            moved.granted, moved.held = moved.granted + n, moved.held + n
            if part.released == 0:
                part.lot = moved
            else:
                part.released += n
                further.insert(0, PageRequest(moved, n))
        hold.parts += further

    # --- time ---------------------------------------------------------------------------------------------------------

    def advance(self, to: datetime) -> None:
        """What falls due until then, in order of time: holds end, lots end, credits that nobody decided about end
        (TERMS-18), access that was not given (TERMS-8)."""
        while True:
            due: list[tuple[datetime, int, int, Any]] = []
            for number, hold in enumerate(self.holds):
                if hold.expires_at is not None and hold.expires_at <= to and hold.left("held"):
                    due.append((hold.expires_at, 0, number, hold))
            for number, lot in enumerate(self.lots_all()):
                if lot.available and lot.expires_at is not None and lot.expires_at <= to:
                    due.append((lot.expires_at, 1, number, lot))
            for number, ticket in enumerate(self.tickets.values()):
                due += [(when, 2, number, ticket) for when in self._ticket_due(ticket) if when <= to]
            due += [one for source in self.coming for one in source.coming(to)]
            if not due:
                break
            when, what, _, found = min(due, key=lambda one: one[:3])
            self.now = max(self.now, when)
            if what == 0:
                self.give_back(found, "held", found.left("held"), when=when)
            elif what == 1:
                found.gone += found.available
                found.available = 0
                self.dirty.add(found.owner)
            elif what == 2:
                self._fall_due(found, when)
            else:
                source, one = found
                source.come(one, when)
        self.now = to

    def lots_all(self) -> list[Lot]:
        """Every lot there is."""
        return [lot for one in self.purchases for lot in one.lots]

    def _ticket_due(self, ticket: Ticket) -> list[datetime]:
        if not ticket.open:
            return []
        found = [when + timedelta(seconds=1) for when in ticket.deadlines.values()]
        if self.terms.by_agent and not ticket.accepted:
            found += [
                part.lot.expires_at
                for hold in self.holds_of(ticket.ticket_id)
                for part in hold.parts
                if part.left("held") and part.lot.expires_at is not None
            ]
        return found

    def _fall_due(self, ticket: Ticket, when: datetime) -> None:
        missed = [one for one in ticket.deadlines.values() if one + timedelta(seconds=1) <= when]
        if missed:
            self.capture_all(ticket.ticket_id)
            ticket.state, ticket.resolved_at = "resolved", when
        else:
            self.each(ticket.ticket_id, "held")
            for hold in self.holds_of(ticket.ticket_id):
                for part in hold.parts:  # void, though the lot's end is this very instant
                    part.lot.gone += part.lot.available if part.lot.dead(when) else 0
                    part.lot.available = 0 if part.lot.dead(when) else part.lot.available
            ticket.state = "rejected"
        ticket.deadlines.clear()
