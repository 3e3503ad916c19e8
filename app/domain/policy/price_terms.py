"""What an offer or a category costs, as the policy states it: one of a closed set of shapes."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePrice:
    """So many credits for each begun block of the work that is logged: ``{per_minutes: 15, credits: 1}``.

    A line of the work log is priced by its parts, in hours and after hours, and rounded up to whole blocks on the sum.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    credits: int
    """Credits for each begun block."""
    per_minutes: int = 15
    """Minutes of a block: ``15``, ``30``, ``60``."""
    least: int = 0
    """The least charge in credits, once any time is charged."""
    least_clause: str | None = None
    """The clause of the least charge; left out: the category's."""
    free_minutes: int = 0
    """The first so many billable minutes of a ticket cost nothing."""
    rounded: Literal["line", "ticket"] = "line"
    """What is rounded up to whole blocks: each line of work, or all lines of the ticket together."""
    up_to: int | None = None
    """Credits that work may take before the customer is asked; left out: as the customer agreed, else no limit."""
    kind: Literal["time"] = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyPrice:
    """So much money, which the vendor collects; for vendors without credits. Cover pays for it, else an assessment of 0
    says that it was paid."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    amount: str
    """Price in the policy's currency, a decimal in quotes: ``"120.00"``."""
    kind: Literal["money"] = "money"


CategoryPrice = FixedPrice | RangePrice | FromPrice | FormulaPrice | OnRequestPrice | TimePrice | MoneyPrice
