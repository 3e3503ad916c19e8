"""What the vendor sells, and what a purchase grants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from app.domain.policy.conditions import Condition
from app.domain.policy.document import STRICT
from app.domain.policy.offer_prices import OfferPrice
from app.domain.values.term import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollover:
    """How much of what is unused goes over at a renewal, and for how long. Without a bound all of it does."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    max_credits: int | None = None
    """At most so many credits go over."""
    max_grants: int | None = None
    """At most the credits of so many intervals go over."""
    counts: Literal["unused", "balance"] = "unused"
    """What the bound counts: ``unused``, what goes over; ``balance``, that and the new credits together."""
    intervals: int | None = None
    """Through so many renewals unused credits go over, then they expire; left out: through any number."""
    clause: str | None = None
    """The clause of the bound; left out: that of the grant."""

    def cap(self, credits: int) -> int | None:
        """Return how many credits go over at most; ``credits``: what an interval brings. None: all."""
        bounds = [self.max_credits, None if self.max_grants is None else self.max_grants * credits]
        least = min((bound for bound in bounds if bound is not None), default=None)
        return least if least is None or self.counts == "unused" else max(least - credits, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """Credits that come again each interval: the first at once, the next ones as long as what they run with.

    Intervals are counted in the policy's ``term_zone``, each from the first: the 31st is the 31st again after February.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    interval: Term
    """After how long they come again."""
    anchor: Literal["anniversary", "calendar"] = "anniversary"
    """``anniversary``: on the day and at the hour of the first; ``calendar``: as a calendar month or year begins."""
    runs_with: str | None = None
    """What ends them: the rule of a cover of the same offer, or ``license``; left out: ``lasts`` says it."""
    lasts: Term | None = None
    """For how long they come, from the order's ``placed_at``."""
    endless: bool = False
    """``true`` says that nothing is meant to end them."""
    at_renewal: Literal["reset", "accumulate", "rollover"] = "reset"
    """What becomes of unused ones when new ones come: they expire, they stay, or ``rollover`` bounds what stays."""
    while_suspended: Literal["waits", "ends"] = "waits"
    """What becomes of credits that end at a renewal while the plan is suspended: they wait with it, or end."""
    rollover: Rollover | None = None
    """The bounds of what goes over, with ``rollover``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditGrant:
    """A lot of credits, one a line (credit packs) or one a license unit.

    ``credits``: an int, or None to take the ``{n}`` of the offer's sku. ``expires``: a term counted from the order's
    ``placed_at``, of recurring ones from when they came; None never expires. ``priority``: spent lowest first, before
    expiry (normally 0 for all).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    rule: str
    """The grant's name; with the order's line it says what was granted already."""
    clause: str
    credits: int | None = None
    """How many a unit brings, 1 or more; left out: the number in the sku."""
    credit_type: str = "credit"
    """The type of the credits; one of ``credits.types``."""
    expires: Term | None = None
    """How long they are good for, from the order's ``placed_at``; left out: for ever."""
    expires_clause: str | None = None
    """The clause by which they expire."""
    priority: int = 0
    """Lots of a lower number are spent first, before the date of expiry is looked at."""
    scope: Literal["account", "license"] = "account"
    """``account``: for any ticket; ``license``: for tickets of that license alone."""
    scope_clause: str | None = None
    """The clause that ties them to their license, or to some categories."""
    categories: tuple[str, ...] = ()
    """Categories of tickets that alone they may pay for; empty: any."""
    recurs: Recurrence | None = None
    """When they come again; left out: they are granted once."""
    ends_with: tuple[str, ...] = ()
    """Rules of covers: the credits are good as long as one of them goes on; empty: for their term."""
    extends: tuple[str, ...] = ()
    """Rules of credits: what is left of them is good for as long as these, where that is longer."""
    when: Condition | None = None
    otherwise: NotGranted | None = None
    reading: bool = False
    kind: Literal["credits"] = "credits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaces:
    """Plans that end when this one begins, and what becomes of the time that is left of them.

    What is left is worth its share of the price by the list. A refund of what replaced a plan puts it back.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    plans: tuple[str, ...]
    """The plans that end; one of ``plans`` each."""
    into: Literal["nothing", "days", "credits"] = "nothing"
    """``days``: the new plan is longer by what its price buys; ``credits``: whole credits at ``per_credit``."""
    per_credit: str | None = None
    """What a credit costs, with ``credits``; a decimal in quotes."""
    whole_days: Literal["up", "down"] | None = None
    """How days are rounded; left out: to the second."""
    clause: str | None = None
    """The clause of it; left out: that of the grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverGrant:
    """Cover: support for a time, or a level of support without end.

    ``start``: from when it runs. ``order``: from ``placed_at``. ``after_current``: from the end of all unbroken cover
    at ``placed_at``, or from ``placed_at`` in a gap. ``when_uncovered``: from where the first active license is without
    cover, at once where one is (CACTU-14). ``first_ticket``: pending until the first accepted ticket that it pays for
    (CSC-4). ``term`` None: without end, ends with its license. ``scope``: which licenses it serves. ``levels``: the
    levels of service it makes free (AVA-4); empty means all. ``free``: came with a license (CSC-5: not suspendable).
    ``actions``: the entitlement actions it opens.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    rule: str
    """The grant's name; with the order's line it says what was granted already."""
    clause: str
    term: Term | None = None
    """How long it lasts; left out: without end, or with ``scope: license`` until its license ends."""
    endless: bool = False
    """``true`` says that cover of the whole account without a ``term`` is meant never to end."""
    start: Literal["order", "after_current", "when_uncovered", "first_ticket"] = "order"
    """When it begins; the sentences above name each."""
    start_clause: str | None = None
    """The clause that says when it begins."""
    scope: Literal["account", "license"] = "account"
    """``account``: serves all licenses; ``license``: serves its own, and ends with it."""
    scope_clause: str | None = None
    """The clause that ties it to its license."""
    levels: tuple[int, ...] = ()
    """Levels of categories that it makes free; empty: all."""
    actions: tuple[str, ...] = ("open_ticket",)
    """The entitlement actions that it opens."""
    free: bool = False
    """``true``: it came with a license, and cannot be suspended."""
    plan: str | None = None
    """The plan that runs with it; one of ``plans``."""
    ends: Literal["own", "with_running"] = "own"
    """``with_running``: with the lower plan that runs when it is bought, and priced for that time."""
    replaces: Replaces | None = None
    """Plans that end when it begins; left out: they run on beneath it."""
    seats: int | Literal["sku", "quantity"] | None = None
    """For how many people it is; ``sku``: the number in the sku; left out: nobody counts them. ``quantity``: each unit
    is a seat, and all of them run at once."""
    when: Condition | None = None
    otherwise: NotGranted | None = None
    reading: bool = False
    kind: Literal["cover"] = "cover"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceGrant:
    """One of several grants, at the customer's choice; nothing is granted until it is made (CSC-1)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    rule: str
    """The grant's name; with the order's line it says what was granted already."""
    clause: str
    options: dict[str, CreditGrant | CoverGrant]
    """Name of an option to the grant that it brings; the customer picks one."""
    when: Condition | None = None
    otherwise: NotGranted | None = None
    reading: bool = False
    kind: Literal["choice"] = "choice"


Grant = CreditGrant | CoverGrant | ChoiceGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGranted:
    """Why a line brought nothing: the code and clause of ``not_granted`` (ALL-5)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    code: str
    clause: str
    message: str
    """Why the line brought nothing, for the customer."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something that can be bought, by ``sku``; a sku may hold ``{n}``, any positive integer (``credits-{n}``).

    ``kind``: ``license`` (each unit is a license of ``edition``), ``credits``, ``cover``, ``addon``. ``requires`` with
    ``otherwise``: who may buy it (CSC-20). ``listed``: shown by ``GET /v1/offers``.
    Facts for ``when`` and ``requires``: ``license.ordinal`` (1 for the first on the account), ``license.first_order``,
    ``line.discount_percent`` (exact), ``line.quantity``, ``line.list_price_zero``, ``customer.licenses``,
    ``customer.editions``, ``attributes.<name>``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    sku: str
    """What an order line names; may hold ``{n}`` for any positive number (``credits-{n}``)."""
    title: str
    kind: Literal["license", "credits", "cover", "addon"]
    """What a unit is: a license, a pack of credits, cover, or an add-on that brings no support."""
    clause: str
    price: OfferPrice | None = None
    """What a unit costs; left out: the text names no price."""
    prices: dict[str, OfferPrice] = field(default_factory=dict)
    """Price lists in other currencies: ISO 4217 code -> what a unit costs; no amount is ever converted."""
    edition: str | None = None
    """The edition of the license that a unit is; one of ``editions``."""
    grants: tuple[Grant, ...] = ()
    """What a unit brings; empty: nothing."""
    requires: Condition | None = None
    """Who may buy it; a line that fails it brings nothing."""
    otherwise: NotGranted | None = None
    """What a line is told where ``requires`` does not hold."""
    listed: bool = True
    """Whether ``GET /v1/offers`` shows it; it can be ordered either way."""
    reading: bool = False

    def price_in(self, currency: str, own: str) -> OfferPrice | None:
        """The price in a currency, where ``own`` is that of ``price``."""
        return self.price if currency == own else self.prices.get(currency)

    @property
    def sku_pattern(self) -> bool:
        """Whether the sku is a pattern, so that an order says which n it means."""
        return "{n}" in self.sku


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOffered:
    """A sku the vendor says it does not sell (CACTU-9), unlike one it does not know. ``sku`` may end in ``*``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    sku: str
    """The sku; a ``*`` at its end stands for any ending."""
    code: str
    clause: str
    message: str


def number_in(pattern: str, sku: str) -> int | None:
    """Return the ``{n}`` that a sku has in the place of a pattern; None where it does not fit."""
    head, found, tail = pattern.partition("{n}")
    if not found or not sku.startswith(head) or not sku.endswith(tail):
        return None
    digits = sku[len(head) : len(sku) - len(tail)]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 7 or digits.startswith("0"):
        return None
    return int(digits)
