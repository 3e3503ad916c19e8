"""What the five texts promise, in numbers: written down from the clauses once more, by nobody who reads the code."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

DAY = timedelta(days=1)
ASK = "ask"
"""No price by the list: an assessment names the credits (ALL-3)."""


def months_after(at: datetime, months: int) -> datetime:
    """Calendar months later; a day that the month lacks becomes its last (ALL-1)."""
    index = at.year * 12 + at.month - 1 + months
    year, month = divmod(index, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Pack:
    """Credits that are bought: how many, of which type, for how much, for how many months (None: for ever)."""

    credits: int
    price: Decimal | None = None
    months: int | None = None
    credit_type: str = "credit"


@dataclass(frozen=True)
class Free:
    """What a license brings: credits and their months, or a choice."""

    credits: int = 0
    months: int | None = None
    choice: bool = False


@dataclass(frozen=True)
class Price:
    """A category's price: ``fixed``, a range (``least``, ``most`` None: open), or ``base`` and so much an input."""

    fixed: int | None = None
    least: int = 0
    most: int | None = None
    per: tuple[str, int] | None = None
    level: int | None = None

    def of(self, inputs: dict[str, int]) -> int | str | None:
        """The credits by the list, ASK where an assessment names them, None where an input is missing."""
        if self.per is not None:
            name, each = self.per
            return self.least + each * inputs[name] if name in inputs else None
        return ASK if self.fixed is None else self.fixed


@dataclass(frozen=True)
class Terms:
    """One vendor's."""

    name: str
    packs: dict[str, Pack]
    licenses: tuple[str, ...]
    periods: dict[str, int] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=dict)
    asked_beforehand: frozenset[str] = frozenset()
    transfers: bool = False
    disputes: bool = False
    bugs_return: bool = False
    bugs_kept: frozenset[str] = frozenset()
    money_back: bool = False
    by_agent: bool = False
    pack_needs_license: bool = False
    pack_price_of_shop: bool = False
    causes: tuple[str, ...] = ("software_bug", "modified_code", "settings", "server", "question", "other")
    outcomes: tuple[str, ...] = (
        "answered",
        "resolved",
        "solution_pointed_out",
        "known_issue",
        "upgrade_resolves",
        "environment",
        "corrected",
        "no_technical_capability",
        "cancelled",
    )

    def free(self, sku: str, *, first_order: bool, ordinal: int, discount: int) -> Free:
        """What a license brings (AVA-4, AVA-6, CSC-1, CSC-2, XC-3)."""
        if self.name == "x-cart":
            return Free(60, 24) if first_order else Free()
        if self.name == "cs-cart":
            return Free(choice=True) if ordinal == 1 else Free(20)
        if self.name == "avactis":
            brings = {
                "license-leased": 50,
                "license-owned": 200,
                "license-saas-basic": 50,
                "license-saas-standard": 200,
            }
            if sku == "license-owned" and discount > 20:
                return Free()
            return Free(brings.get(sku, 0), 12)
        return Free()


def _fixed(**prices: int) -> dict[str, Price]:
    return {name: Price(fixed=price) for name, price in prices.items()}


def _ranges(level: int, **prices: tuple[int, int]) -> dict[str, Price]:
    return {name: Price(least=least, most=most, level=level) for name, (least, most) in prices.items()}


X_CART = Terms(
    name="x-cart",
    packs={
        "credits-60": Pack(60, Decimal("34.50"), 24),
        "credits-120": Pack(120, Decimal("68.50"), 24),
        "credits-300": Pack(300, Decimal("169.50"), 24),
    },
    licenses=("license",),
    prices={
        **_fixed(
            level_0=0,
            level_1=10,
            level_2=25,
            level_3=40,
            level_4=80,
            warranty=0,
            small_modification=25,
            medium_modification=50,
            patch=40,
            sef_analysis=60,
            installation=150,
        ),
        "sales_n_stats_transfer": Price(least=80, most=100),
        "third_party_installation": Price(least=100),
        "other": Price(),
        "aspe_transfer": Price(least=120, per=("N", 60)),
        "security_audit": Price(least=150, per=("X", 60)),
    },
    transfers=True,
    disputes=True,
    bugs_return=True,
)

CS_CART = Terms(
    name="cs-cart",
    packs={
        "credits-25": Pack(25, Decimal("35.00")),
        "credits-50": Pack(50, Decimal("70.00")),
        "credits-100": Pack(100, Decimal("135.00")),
    },
    licenses=("license",),
    periods={"support-1-months": 1, "support-3-months": 3, "support-6-months": 6},
    prices={**_fixed(category_1=5, category_2=10, category_3=20, bug_report=0), "minor_modification": Price()},
    asked_beforehand=frozenset({"category_2", "category_3", "minor_modification"}),
    bugs_return=True,
    pack_needs_license=True,
)

AVACTIS = Terms(
    name="avactis",
    packs={f"credits-{n}": Pack(n) for n in (10, 30, 45, 100)},
    licenses=(
        "license-free",
        "license-leased",
        "license-owned",
        "license-saas-basic",
        "license-saas-standard",
        "license-saas-professional",
    ),
    prices={
        **_fixed(general=0, warranty=0, bug_report=0, quote_request=0),
        **_ranges(1, features=(20, 30), setup=(30, 45)),
        **_ranges(2, customization=(20, 45), root_cause=(20, 60), hosting=(20, 60), clarification=(10, 20)),
        "domain_change": Price(fixed=10, level=2),
        "edition_update": Price(fixed=60, level=2),
        "patching": Price(),
    },
    bugs_return=True,
    bugs_kept=frozenset({"patching"}),
    pack_price_of_shop=True,
)

CREDITS_OF_SHOPP = {
    "credit-priority": "priority",
    "credit-escalated": "escalated",
    "credit-hosting-certification": "hosting_certification",
    "credit-plugin-installation": "plugin_installation",
}
SHOPP = Terms(
    name="shopp",
    packs={sku: Pack(1, None, 6, kind) for sku, kind in CREDITS_OF_SHOPP.items()},
    licenses=("license",),
    money_back=True,
    by_agent=True,
    pack_price_of_shop=True,
    outcomes=("answered", "solution_pointed_out", "known_issue", "upgrade_resolves", "environment"),
)

CACTUSHOP = Terms(
    name="cactushop", packs={}, licenses=("license-standard", "license-pro"), periods={"support-12-months": 12}
)

BY_THE_HOUR = Terms(
    name="desk-by-the-hour",
    packs={f"credits-{n}": Pack(n, Decimal(10 * n)) for n in (10, 25, 60)},
    licenses=("license",),
)

PLANS = Terms(name="plans", packs={}, licenses=())
LIVING = Terms(name="living", packs={}, licenses=())
WALLET = Terms(name="wallet", packs={}, licenses=())
PROMISED = Terms(name="promised", packs={}, licenses=())
LEVELS = Terms(name="levels", packs={}, licenses=())

MADE_UP = (PLANS, LIVING, WALLET, PROMISED, LEVELS)

ALL = {one.name: one for one in (X_CART, CS_CART, AVACTIS, SHOPP, CACTUSHOP, BY_THE_HOUR, *MADE_UP)}


def at(text: Any) -> datetime:
    """An instant of an answer."""
    return datetime.fromisoformat(text)


def iso(when: datetime) -> str:
    """An instant for a request."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
