"""What an offer costs: an amount, a price by tiers, a share of the price of licenses, and what a lapse adds.

All amounts are decimals in quotes. They are without taxes, which the shop adds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from app.domain.policy.document import STRICT
from app.domain.values.term import Term

NO_TIME: Final = Term()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A step of a price by tiers."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    each: str
    """Price of one in this step, a decimal in quotes."""
    up_to: int | None = None
    """The last number of the step; left out: the step has no end, so it stands last."""
    flat: str | None = None
    """Added once where the step is reached, a decimal in quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """A price by the number in the sku: the first 10 at one price, more at another.

    ``graduated``: each step prices the numbers that lie in it. ``volume``: the step in which the number lies prices all
    of them.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    steps: tuple[Tier, ...]
    """The steps, the lowest numbers first."""
    mode: Literal["graduated", "volume"] = "graduated"
    """Whether a step prices the numbers that lie in it, or all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicensePercent:
    """A share of what the customer's licenses cost by the list now, in the same currency."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    percent: str
    """Per cent of the list price of the licenses, a decimal in quotes: ``"20"``."""
    of: Literal["all", "dearest"] = "all"
    """The licenses that count: all that are active, or the dearest of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinstatement:
    """What is paid on top when cover is bought after a lapse.

    Each lapsed month costs ``each_month``, or ``percent`` of the price of a month: the offer's price by the months of
    its term.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    after: Term = NO_TIME
    """How long after the end a purchase costs nothing more; left out: no time."""
    counts: Literal["end", "free_days"] = "end"
    """Whether months are counted from the end of cover, or from the end of the free time ``after`` it."""
    each_month: str | None = None
    """What each lapsed month costs, a decimal in quotes; left out: ``percent`` of the price of a month."""
    percent: str = "100"
    """Per cent of the price of a month for each lapsed month, a decimal in quotes; ``"0"``: only the fees."""
    months: Literal["begun", "full"] = "begun"
    """Whether a month that has begun counts whole, or not at all."""
    at_most_months: int | None = None
    """Months that are paid at most; left out: all."""
    fee: str | None = None
    """Added once, a decimal in quotes."""
    fee_percent: str | None = None
    """Per cent of the price, added once, a decimal in quotes."""
    never_covered: Literal["nothing", "from_license"] = "nothing"
    """What holds for a license that never had cover: nothing is added, or it lapsed when it was bought."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPrice:
    """What an offer costs. ``amount`` is a decimal string; None where the text names no price.

    ``per_credit`` and ``tiers`` price a sku with ``{n}``; such a sku has no other price. n times as much is rounded
    half a cent up.

    ``by_edition`` prices by the highest edition on the account (order of `Policy.editions`, lowest first; CACTU-10).
    ``each_additional_license`` is added for every license after the first (CSC-18).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    amount: str | None = None
    """Price of a unit in the policy's currency, a decimal in quotes: ``"99.00"``."""
    per_credit: str | None = None
    """Price of one credit or seat where the sku holds ``{n}``, a decimal in quotes."""
    tiers: Tiers | None = None
    """Price by steps where the sku holds ``{n}``."""
    percent_of_licenses: LicensePercent | None = None
    """Price as a share of what the licenses cost by the list."""
    by_edition: dict[str, str] = field(default_factory=dict)
    """Edition to price of a unit, a decimal in quotes; the account's highest edition counts."""
    each_additional_license: str | None = None
    """Added for each license after the first, a decimal in quotes."""
    minimum: str | None = None
    """The least that a unit costs, a decimal in quotes."""
    minimum_clause: str | None = None
    """The clause of the least price; left out: ``clause``."""
    reinstatement: Reinstatement | None = None
    """What a lapse adds; left out: nothing."""
    clause: str | None = None
    """The id of the clause that names the price."""
