"""The ledger's nouns: account, lot, hold, operation, entry (exact, append-only, double entry by construction)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, Final, Literal

from app.domain.values.ids import CustomerId, HoldId, LicenseId, LineId, LotId, OperationId, OrderId, TicketId
from app.domain.values.money import Money, share
from app.domain.values.wire import iso, parse_iso

LotSource = Literal[
    "license", "purchase", "choice", "goodwill", "correction", "import", "breach", "transfer", "overdraft"
]
Scope = Literal["account", "license", "category"]
"""What a lot may be spent for: anything, one license, or some categories of tickets."""
ANY_CATEGORY: Final = "*"
"""Stands for whatever category: nobody has said yet what is asked for."""
Bucket = Literal["world", "owed", "available", "held", "spent", "expired", "voided"]
HoldState = Literal["open", "captured", "released", "refunded"]
OperationKind = Literal[
    "grant",
    "hold",
    "capture",
    "release",
    "refund",
    "debit",
    "expire",
    "void",
    "adjust",
    "reopen",
    "transfer",
    "reinstate",
]


@dataclass(slots=True)
class Account:
    """The O(1) totals of one customer in one credit type.

    Identity: ``granted + owed = available + held + spent + expired + voided``; none is negative. ``next_expiry`` is the
    soonest ``expires_at`` of an open lot, None when none expires.
    """

    customer_id: CustomerId
    credit_type: str
    granted: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0
    expired: int = 0
    voided: int = 0
    owed: int = 0
    next_expiry: datetime | None = None
    version: int = 0
    asked_at: datetime | None = None
    """When the shop was asked for more credits, of which none came since."""


@dataclass(slots=True)
class Lot:
    """Credits granted together, with one expiry and source. ``expires_at`` None: never; valid strictly before it.

    Unique by (order, line, credit type, rule, unit) among those that stand: a purchase delivered ten times grants once.
    Identity: ``granted = available + held + spent + expired + voided``.
    """

    lot_id: LotId
    customer_id: CustomerId
    credit_type: str
    source: LotSource
    rule: str
    granted: int
    effective_at: datetime
    expires_at: datetime | None
    available: int
    held: int = 0
    spent: int = 0
    expired: int = 0
    voided: int = 0
    priority: int = 0
    scope: Scope = "account"
    license_id: LicenseId | None = None
    order_id: OrderId | None = None
    line_id: LineId | None = None
    unit_no: int = 0
    cost: Money | None = None
    """What was paid for the whole lot; None: free or unknown. A lot with cost above zero is *paid*."""
    policy_version: int = 1
    origin_lot_id: LotId | None = None
    """For a correction: the lot whose credits came back."""
    clause: str | None = None
    reading: bool = False
    reason: str | None = None
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def withdrawn(self) -> bool:
        """Whether it no longer stands for its unit, which may be granted anew (`Ledger.withdraw`)."""
        return bool(self.data.get("withdrawn"))

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of tickets that it may pay for; empty: any."""
        return tuple(self.data.get("categories", ()))

    @property
    def metadata(self) -> dict[str, Any]:
        """What the vendor keeps beside it, by name."""
        return dict(self.data.get("metadata", {}))

    def serves(self, license_id: str | None, category: str | None) -> bool:
        """Whether it may pay for a ticket of a license and a category."""
        if self.scope == "account":
            return True
        if self.scope == "license" and (license_id is None or self.license_id != license_id):
            return False
        names = self.data.get("categories")
        return not names or category == ANY_CATEGORY or category in names

    @property
    def is_open(self) -> bool:
        """Whether anything can still move out of ``available``."""
        return self.available > 0

    @property
    def bought_by(self) -> tuple[str, str, int] | None:
        """(order, line, unit) that granted the credits, also of a lot that moved here with a merge."""
        if self.order_id is not None and self.line_id is not None and self.origin_lot_id is None:
            return self.order_id, self.line_id, self.unit_no
        bought = self.data.get("bought")
        if not bought or bought["order_id"] is None:
            return None
        return bought["order_id"], bought["line_id"], bought["unit_no"]

    @property
    def unit(self) -> tuple[str, str, int] | None:
        """Return (order, line, unit) that its credits belong to. A lot given away or made for a return has one too."""
        of = self.data.get("of")
        if of is None or of["order_id"] is None:
            return self.bought_by
        return of["order_id"], of["line_id"], of["unit_no"]

    @property
    def root(self) -> str:
        """The lot that an order granted, of which this one is a part."""
        of = self.data.get("of") or self.data.get("bought") or {}
        return str(of.get("lot_id", self.lot_id))

    @property
    def moved(self) -> int:
        """Credits that went on with a merge."""
        return int(self.data.get("moved", 0))

    @property
    def bought_at(self) -> datetime:
        """When its credits were bought; those of a merged account keep their day."""
        bought = self.data.get("bought")
        return parse_iso(str(bought["at"])) if bought else self.effective_at

    def purchase(self) -> dict[str, Any]:
        """Return what a lot made of this one remembers of its purchase, as `data`.

        Nothing for a lot whose credits were only returned.
        """
        if "bought" in self.data:
            return {"bought": self.data["bought"]}
        if self.origin_lot_id is not None:
            return {}
        order_id, line_id, unit_no = self.bought_by or (None, None, 0)
        return {
            "bought": {
                "order_id": order_id,
                "line_id": line_id,
                "unit_no": unit_no,
                "lot_id": self.lot_id,
                "at": iso(self.effective_at),
            }
        }

    def price_of(self, credits: int) -> Money | None:
        """What so many of its credits were bought for; None where the lot has no cost."""
        return None if self.cost is None else share(self.cost, Fraction(credits, self.granted))


@dataclass(slots=True)
class HoldLine:
    """What a hold took from one lot: ``captured + released <= credits``, ``refunded <= captured``; order matters."""

    lot_id: LotId
    line_no: int
    credits: int
    captured: int = 0
    released: int = 0
    refunded: int = 0

    @property
    def open(self) -> int:
        """Credits of the line still reserved."""
        return self.credits - self.captured - self.released

    @property
    def spent_left(self) -> int:
        """Captured credits not given back."""
        return self.captured - self.refunded


@dataclass(slots=True)
class Hold:
    """Credits reserved for something, later captured, released or (once captured) refunded.

    ``state`` is open while anything is neither captured nor released. ``expires_at``: evaluated in the capture itself.
    """

    hold_id: HoldId
    customer_id: CustomerId
    credit_type: str
    credits: int
    created_at: datetime
    ticket_id: TicketId | None = None
    expires_at: datetime | None = None
    kind: Literal["hold", "debit", "payment_dispute"] = "hold"
    """``payment_dispute``: credits of a disputed order, set aside until the dispute is decided."""
    closed_at: datetime | None = None
    lines: list[HoldLine] = field(default_factory=list)

    @property
    def captured(self) -> int:
        """Credits taken for good so far (before refunds)."""
        return sum(line.captured for line in self.lines)

    @property
    def released(self) -> int:
        """Credits given back unspent so far."""
        return sum(line.released for line in self.lines)

    @property
    def refunded(self) -> int:
        """Captured credits given back so far."""
        return sum(line.refunded for line in self.lines)

    @property
    def open(self) -> int:
        """Credits still reserved."""
        return self.credits - self.captured - self.released

    @property
    def state(self) -> HoldState:
        """What became of it: captured credits that all came back make it ``refunded``, else it stays ``captured``."""
        captured = self.captured
        if self.credits > captured + self.released:
            return "open"
        if captured == 0:
            return "released"
        return "refunded" if self.refunded == captured else "captured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One immutable move inside one lot, from one bucket to another."""

    lot_id: LotId
    line_no: int
    source: Bucket
    target: Bucket
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The journal's header: what happened to one account, when it took effect, why, caused by which command."""

    operation_id: OperationId
    customer_id: CustomerId
    credit_type: str
    kind: OperationKind
    effective_at: datetime
    account_version: int
    entries: tuple[Entry, ...]
    hold_id: HoldId | None = None
    ticket_id: TicketId | None = None
    order_id: OrderId | None = None
    reason: str | None = None
    clause: str | None = None
    reading: bool = False
    command_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLots:
    """The lots of an account that hold something, as a page shows them: some ``rows`` from ``start`` on of ``total``.

    ``disputed``: credits under dispute, by lot, over all lots.
    """

    rows: Sequence[Lot]
    start: int = 0
    total: int
    disputed: Mapping[str, int]
