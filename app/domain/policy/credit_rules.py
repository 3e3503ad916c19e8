"""Credits: their types and unit, how they are spent, returned, paid back and given away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from app.domain.policy.document import STRICT
from app.domain.values.term import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditType:
    """A type of credit. For typed services: which request kinds it serves, what it includes and requires.

    ``service`` true: a ticket is paid by exactly one credit of this type, and no category is needed.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    credit_type: str
    """The type's name in grants, holds and balances."""
    title: str
    clause: str
    service: bool = False
    """``true``: one credit of this type pays for a ticket, and no category is needed."""
    serves: tuple[str, ...] = ()
    """Values of the fact ``request_kind`` that this credit may pay for."""
    served_by: str | None = None
    """Who serves such a ticket, in words."""
    includes: tuple[str, ...] = ()
    """What the service holds, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredReturn:
    """What happens to credits given back to a lot that has expired (ALL-4).

    ``forfeit``: booked as expired, both lines shown. ``grace``: a new lot for ``grace``. ``reopen``: the lot is
    extended by ``grace`` from now.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    rule: Literal["forfeit", "grace", "reopen"] = "forfeit"
    """What happens to the credits; the sentences above name each."""
    grace: Term | None = None
    """How long returned credits are good for, with ``grace`` and ``reopen``."""
    clause: str = "ALL-4"
    reading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyBack:
    """Money back for unused bought credits. None in the policy: not offered.

    Full up to and including ``full_within`` days of 24 hours. Then the price times remaining over whole term in
    seconds, half up. Nothing once expired. ``override`` by its own scope with a reason, never above the price paid.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    full_within: Term
    """How long after the purchase the full price comes back."""
    then_prorated: bool = True
    """Whether a share by remaining time comes back after that, until the credits expire."""
    used_clause: str | None = None
    """The clause by which credits of a service that was given bring nothing back."""
    accepted_clause: str | None = None
    """Why a credit on an accepted ticket that had no service yet brings nothing back."""
    in_use_code: str = "credit_in_use"
    """The reason's code while the credits are held for a ticket without service."""
    used_code: str = "service_provided"
    """The reason's code once a service was given."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """Money-back guarantee on orders (AVA-14): unspent grants are taken back, what was spent is reported."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    within: Term
    """How long after the order's ``placed_at`` the guarantee holds."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Whether credits may go to another customer. ``free_credits``: also those that came with a license."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    allowed: bool
    """Whether bought credits may go to another customer."""
    clause: str
    message: str
    """What a caller is told where a transfer is refused."""
    reading: bool = False
    free_credits: bool = False
    """Whether credits that came with a license may go as well."""
    free_clause: str | None = None
    """The clause by which free credits stay with their license; None: the rule's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdraft:
    """Credits that may be spent before they come. They are ``owed``, and the next ones that come pay them first.

    A balance never goes below 0. Nothing is overdrawn while other credits of the type are there, as those kept for a
    license or a category.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    most: int
    """How many credits a customer may owe at most."""
    clause: str
    against: Literal["next_interval", "anything"] = "next_interval"
    """``next_interval``: only while recurring credits of the type are to come; ``anything``: at any time."""
    credit_types: tuple[str, ...] = ()
    """Types that may be overdrawn; empty: all."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """Event ``credits.top_up_due`` asks the shop for more when what is available falls below a bound.

    It asks once until credits arrive, or ``again_after`` has passed while they are still too few.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    below: int
    """Asks when fewer than so many are available."""
    sku: str
    """What the shop is asked to sell; one sku, without a pattern."""
    clause: str
    credit_type: str = "credit"
    """The type of the credits; one rule a type."""
    quantity: int = 1
    """How many of the sku."""
    again_after: Term | None = None
    """After how long it asks again; left out: not before credits arrive."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRules:
    """The unit and the rules of the ledger that vendors differ in."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    types: tuple[CreditType, ...]
    """Every type of credit that there is."""
    clause: str
    hold_on_expiry: Literal["survives", "until_accepted", "void"] = "survives"
    """A hold whose lot expires: survives; survives once the ticket is accepted; or is void at once."""
    hold_expiry_clause: str | None = None
    """The clause by which a hold lives or ends when its lot expires."""
    returned_to_expired: ExpiredReturn = ExpiredReturn()
    """What becomes of credits given back to a lot that has expired."""
    owed_allowed: bool = False
    """Order refunds may leave credits ``owed`` for what was spent, repaid by the next grants."""
    low_at: int | None = None
    """Event ``credits.low`` when the balance falls to this or below."""
    overdraft: Overdraft | None = None
    """Credits that may be spent before they come; left out: none."""
    top_ups: tuple[TopUp, ...] = ()
    """When the shop is asked for more credits; empty: never."""
    reminder_days: tuple[int, ...] = (30, 7, 1)
    """Days before a lot expires at which ``credits.expiring`` is sent; empty: never."""
    spending_clause: str | None = None
    """The clause that says which lot is spent first."""
    spending_reading: bool = False
    """``true``: the order of spending is our reading."""

    def overdraft_of(self, credit_type: str) -> Overdraft | None:
        """The rule by which a type may be overdrawn."""
        rule = self.overdraft
        return rule if rule is not None and (not rule.credit_types or credit_type in rule.credit_types) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDisputes:
    """What a dispute of an order's payment does to unspent credits of its grants. Every text is silent on it.

    ``won``: what an open or lost one took is given back to the same lots, or stays taken.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    open: Literal["nothing", "suspend", "take_back"] = "nothing"
    """While the dispute is open: nothing, hold what is unspent, or take it back."""
    lost: Literal["nothing", "take_back"] = "take_back"
    """When the vendor has lost: nothing, or take back what is unspent."""
    won: Literal["nothing", "undo"] = "undo"
    """When the vendor has won: give back what was taken, or leave it."""
    clause: str | None = None
    reading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What the vendor calls its credits."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    one: str
    """The word for one credit."""
    many: str
    """The word for several."""
    minutes: int | None = None
    """How many minutes one credit is, where credits are time: answers then show ``1 h 15 min`` beside the number."""
