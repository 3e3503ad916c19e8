"""The contract of an adapter: it tells a shop's own deliveries from forged ones, and parses them.

Pure: no I/O, no clock, no tenant. The adapters themselves stand in `app.connectors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.domain.feeds.orders import OrderUpdate
from app.domain.feeds.tickets import TicketUpdate


class UnreadableError(Exception):
    """A delivery that cannot be understood; parked with the code."""

    def __init__(self, code: str, detail: str, says: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.says = says or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is told from a delivery when it comes.

    ``event_id``: an id that the signature covers; None: a hash of the body. ``topic`` is only shown;
    ``subject``: ``order/<id>`` or ``ticket/<id>``, None when it cannot be told. ``looks``: it only says that there is
    something to ask for, so that two deliveries of the same bytes are two.
    """

    event_id: str | None = None
    topic: str | None = None
    subject: str | None = None
    looks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as an adapter reads it. ``fetched``: what the shop was asked for besides."""

    topic: str | None
    body: bytes
    fetched: Any
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A parsed delivery. It holds one of these:

    - an update of an order or of a ticket;
    - why it says nothing to us (``ignored``);
    - what must be asked of the shop first (``ask``).

    ``names``: the shop's ids of the order's payment; any of them may lead to the order. Stripe's session, invoice and
    payment intent are one payment, which buys once. ``test``: play money, which a real tenant ignores unless its source
    says `test_orders`. ``unless_ours``: why it is ignored if no line of it is mapped.
    """

    subject: str | None = None
    order: OrderUpdate | None = None
    ticket: TicketUpdate | None = None
    ignored: str | None = None
    ask: str | None = None
    names: tuple[str, ...] = ()
    test: bool = False
    unless_ours: str | None = None


class Adapter(Protocol):
    """One kind of source."""

    @property
    def kind(self) -> str:
        """Its name."""

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers worth keeping."""

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether this is the vendor's own trial, which is answered and forgotten."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Whether the vendor signed these bytes with one of the secrets, lately where the vendor says when."""

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """What can be told at once; never raises."""

    def read(self, delivery: Delivery) -> Parsed:
        """What the delivery says. Raises `UnreadableError`."""
