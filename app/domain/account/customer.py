"""The customer: the vendor's customer account, and what hangs on it besides credits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from app.domain.values.ids import ChoiceId, CoverId, CustomerId, LicenseId, LineId, OrderId


@dataclass(slots=True, kw_only=True)
class Customer:
    """The row that is the lock (decision 0003). ``external_id`` is the vendor's own id, None once erased.

    ``last_at``: no operation of this customer takes effect before it. ``event_sequence``: of the last event published.
    ``data``: recorded facts such as ``hosting_certified``; never names.
    """

    customer_id: CustomerId
    external_id: str | None
    last_at: datetime | None = None
    event_sequence: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)
    """Names and addresses (`app.domain.account.profile`): erasable, never read by a rule."""
    company_id: CustomerId | None = None
    """Our id of the company that the customer belongs to: its account pays for the customer's tickets."""


@dataclass(slots=True, kw_only=True)
class License:
    """A product right the customer holds: one a unit of an order line.

    ``ordinal``: 1 for the first on the account by (placed_at, order_id, line, unit_no), never by arrival.
    ``first_order``: came with the customer's first license order (XC-3). ``ended_at``: terminated or refunded.
    """

    license_id: LicenseId
    customer_id: CustomerId
    order_id: OrderId
    line_id: LineId
    unit_no: int
    sku: str
    edition: str | None
    placed_at: datetime
    ordinal: int
    first_order: bool
    policy_version: int
    registered_domain: str | None = None
    registered_at: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: Literal["terminated", "refunded", "upgraded", "corrected"] | None = None
    """``corrected``: the shop took the unit out of its order, or gave the order to another customer.

    Such a license ranks and counts nowhere, as if it had never been bought.
    """
    uncounted_after: str | None = None
    """It was refunded with its grant untouched: the newest license then known. What is bought after the refund does not
    count this one (CSC-2, XC-3)."""
    version: int = 0

    def counts_for(self, other: License) -> bool:
        """Whether the other one is a further license because of this one."""
        if self.uncounted_after is None or self.ended_at is None:
            return True
        return other.placed_at < self.ended_at or other.license_id <= self.uncounted_after

    def active(self, at: datetime) -> bool:
        """Whether the license is held at ``at``."""
        return self.placed_at <= at and (self.ended_at is None or at < self.ended_at)


CoverState = Literal["pending", "running", "suspended", "voided"]


@dataclass(slots=True, kw_only=True)
class Cover:
    """A period or a level of support without credits.

    ``pending`` until its first ticket. ``running`` from ``starts_at`` up to, without, ``ends_at`` (None: no end).
    ``suspended`` since ``suspended_at``. ``voided``: its order was refunded. That it has ended is read off ``ends_at``,
    never stored, so that no job is needed for an exact answer.
    """

    cover_id: CoverId
    customer_id: CustomerId
    license_id: LicenseId | None
    order_id: OrderId | None
    line_id: LineId | None
    rule: str
    clause: str
    reading: bool
    scope: Literal["account", "license"]
    levels: tuple[int, ...]
    actions: tuple[str, ...]
    term: dict[str, int] | None
    """The bought length ``{"years","months","days"}``; None: no end of its own."""
    start: Literal["order", "after_current", "when_uncovered", "first_ticket"]
    free: bool
    state: CoverState
    granted_at: datetime
    """When it was bought (``placed_at``): the order of the queue of pending covers, then the id."""
    starts_at: datetime | None
    ends_at: datetime | None
    policy_version: int
    suspended_at: datetime | None = None
    suspensions: int = 0
    suspended_seconds: int = 0
    """Time suspended so far, all of it added to the end."""
    voided_at: datetime | None = None
    version: int = 0
    plan: str | None = None
    """The plan that runs with it."""
    seats: int | None = None
    """For how many people it is; None: nobody counts them."""
    runs_on: bool = False
    """Whether its time runs on while it is suspended."""
    data: dict[str, Any] = field(default_factory=dict)
    """``cut``: by which cover its plan was replaced, and how it stood; ``instead_of``: which covers it replaced."""

    @property
    def served_seconds(self) -> int:
        """How long it serves from its begin to its end, without the time for which it was suspended; 1 at least."""
        if self.starts_at is None or self.ends_at is None:
            return 1
        return max((self.ends_at - self.starts_at) // timedelta(seconds=1) - self.suspended_seconds, 1)

    def in_force(self, at: datetime) -> bool:
        """Whether it serves at ``at``: running, begun, and not ended (ends are exclusive, ALL-1).

        A suspended one served until it was suspended.
        """
        if self.starts_at is None or self.state not in ("running", "suspended") or self.is_suspended(at):
            return False
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def is_suspended(self, at: datetime) -> bool:
        """Whether it is suspended, and was at ``at``."""
        if self.runs_on and self.ends_at is not None and self.ends_at <= at:
            return False
        return self.state == "suspended" and (self.suspended_at is None or self.suspended_at <= at)

    @property
    def frozen(self) -> bool:
        """Whether its time stands, so that nobody knows its end."""
        return self.state == "suspended" and not self.runs_on


@dataclass(slots=True, kw_only=True)
class Choice:
    """A grant whose kind the customer chooses; irreversible once made (CSC-1)."""

    choice_id: ChoiceId
    customer_id: CustomerId
    order_id: OrderId
    line_id: LineId
    license_id: LicenseId | None
    unit_no: int
    rule: str
    clause: str
    reading: bool
    options: dict[str, dict[str, Any]]
    """Option name -> the grant as `app.domain.policy.offers` data (JSON)."""
    policy_version: int
    opened_at: datetime
    placed_at: datetime
    option: str | None = None
    made_at: datetime | None = None
    voided_at: datetime | None = None
    version: int = 0

    @property
    def open(self) -> bool:
        """Whether the customer still has to choose."""
        return self.option is None and self.voided_at is None


@dataclass(slots=True, kw_only=True)
class OrderLine:
    """A line as the storefront sent it; prices are decimals in the order's currency."""

    line_id: LineId
    sku: str
    quantity: int
    unit_price: Decimal | None
    list_price: Decimal | None
    attributes: dict[str, Any]
    units: int | None = None
    """Units ever granted for the line, where a shop changed it: ``units - corrected == quantity``. None: as many as
    it says."""
    corrected: int = 0
    """Units that the shop took out of the line again."""
    withdrawn: tuple[str, ...] = ()
    """Covers that the line brought and lost when it was granted anew."""
    taken_periods: tuple[dict[str, Any], ...] = ()
    """What its refunded units took of bought periods, each as `app.domain.orders.periods.taken_row` says it."""

    @property
    def made(self) -> int:
        """Units ever granted for the line."""
        return self.quantity if self.units is None else self.units

    def gone(self, refunded: int) -> int:
        """How many of `made` are taken back when so many were refunded."""
        return min(self.made, self.corrected + refunded)


@dataclass(slots=True, kw_only=True)
class Order:
    """A storefront order as recorded. ``answer`` is what it granted and why, exactly as answered the first time."""

    order_id: OrderId
    customer_id: CustomerId
    placed_at: datetime
    received_at: datetime
    currency: str
    lines: tuple[OrderLine, ...]
    payload_hash: str
    answer: dict[str, Any]
    policy_version: int
    source: str = "api"
    version: int = 0
    record_id: str = ""
    """Our id of the record, minted when it was made; empty for those of earlier versions of the service."""
    payment_state: Literal["paid", "partly_refunded", "refunded", "disputed", "dispute_lost"] = "paid"
    """How it is paid (`app.domain.orders.states`), as it was when the row was read."""


@dataclass(slots=True, kw_only=True)
class OrderRefund:
    """A refund of order lines, by the storefront's ``refund_id`` (a natural key)."""

    order_id: OrderId
    refund_id: str
    customer_id: CustomerId
    payload_hash: str
    answer: dict[str, Any]
    at: datetime


@dataclass(slots=True, kw_only=True)
class Addon:
    """An add-on the account has bought (TERMS-16)."""

    customer_id: CustomerId
    order_id: OrderId
    line_id: LineId
    addon: str
    placed_at: datetime
    voided_at: datetime | None = None
