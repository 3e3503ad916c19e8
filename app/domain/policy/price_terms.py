"""What an offer or a category costs, as the policy states it: one of a closed set of shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from app.domain.policy.document import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPrice:
    """So many credits; 0 is free."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    credits: int
    """Credits of the ticket, 0 or more; 0 is free."""
    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RangePrice:
    """Between least and most, both included; an assessment names the credits, outside needs a reason (AVA-7)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    least: int
    """The lowest price in credits."""
    most: int
    """The highest price in credits."""
    kind: Literal["range"] = "range"


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPrice:
    """At least so many; an assessment names the credits."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    least: int
    """The lowest price in credits."""
    kind: Literal["from"] = "from"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaPrice:
    """``base`` plus, for each named input, so many credits a unit: ``{base: 120, per: {N: 60}}``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    base: int
    """Credits before any input is counted."""
    per: dict[str, int]
    """Name of an input to credits for each unit of it."""
    kind: Literal["formula"] = "formula"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRequestPrice:
    """By quote only: an assessment names the credits."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    kind: Literal["on_request"] = "on_request"


CategoryPrice = FixedPrice | RangePrice | FromPrice | FormulaPrice | OnRequestPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPrice:
    """What an offer costs. ``amount`` is a decimal string; None where the text names no price.

    ``per_credit`` prices a sku with ``{n}``: n times as much, half a cent up. Such a sku has no other price.

    ``by_edition`` prices by the highest edition on the account (order of `Policy.editions`, lowest first; CACTU-10).
    ``each_additional_license`` is added for every license after the first (CSC-18).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    amount: str | None = None
    """Price of a unit in the policy's currency, a decimal in quotes: ``"99.00"``."""
    per_credit: str | None = None
    """Price of one credit where the sku holds ``{n}``, a decimal in quotes."""
    by_edition: dict[str, str] = field(default_factory=dict)
    """Edition to price of a unit, a decimal in quotes; the account's highest edition counts."""
    each_additional_license: str | None = None
    """Added for each license after the first, a decimal in quotes."""
    clause: str | None = None
    """The id of the clause that names the price."""
