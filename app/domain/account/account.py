"""The customer's account: everything the rules need of one customer, loaded under lock, and the plan being written.

A use case loads an account and asks domain functions that work on it. It then hands ``account.plan`` and
``account.ledger`` to the writer. The account is a working copy. Domain functions change it as they go, so that each
step sees its predecessors' effects. Nothing outside it changes until `app.db.plan.write`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.account.changes import Plan
from app.domain.account.contacts import NamedContact
from app.domain.account.counted import CountedUse
from app.domain.account.customer import Addon, Choice, Cover, Customer, License, Order
from app.domain.ledger.ledger import Ledger
from app.domain.policy.policy import Policy
from app.domain.values.ids import CustomerId, Mint


@dataclass(slots=True, kw_only=True)
class CustomerAccount:
    """One customer under one policy version at one instant. ``at`` is aware and never before the customer's last_at."""

    customer: Customer
    policy: Policy
    at: datetime
    mint: Mint
    ledger: Ledger
    plan: Plan
    licenses: dict[str, License] = field(default_factory=dict)
    covers: dict[str, Cover] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    addons: list[Addon] = field(default_factory=list)
    others: dict[str, CustomerAccount] = field(default_factory=dict)
    """Accounts of customers to whom credits of this account were given, where a refund has to reach them."""
    counted: list[CountedUse] = field(default_factory=list)
    """What counts in the windows that reach to now; read where the policy counts."""
    contacts: list[NamedContact] = field(default_factory=list)
    """Who is named by a company, in the order in which they were; read where the policy has contacts."""
    asked_by: CustomerId | None = None
    """Our id of who asks, where a company's account is looked at for one of its people."""
    as_of: datetime | None = None
    """When what is told now happened, if earlier: licenses and cover are judged as of then, credits as they are."""

    @property
    def when(self) -> datetime:
        """The instant as of which licenses and cover are judged."""
        return self.as_of or self.at

    def active_licenses(self) -> list[License]:
        """The licenses held then, by ordinal."""
        return sorted(
            (license_ for license_ in self.licenses.values() if license_.active(self.when)),
            key=lambda license_: (license_.ordinal, license_.license_id),
        )

    def open_choices(self) -> list[Choice]:
        """The choices still to be made, oldest first."""
        return sorted(
            (choice for choice in self.choices.values() if choice.open),
            key=lambda choice: (choice.placed_at, choice.choice_id),
        )

    def highest_edition(self) -> str | None:
        """The highest edition among the active licenses, by the policy's order (CACTU-10)."""
        held = {license_.edition for license_ in self.active_licenses() if license_.edition}
        return max(held, key=lambda e: self.policy.editions.index(e) if e in self.policy.editions else -1, default=None)

    def emit(self, type_: str, data: dict[str, Any], **more: Any) -> None:
        """Publishes a change (see `Plan.emit`)."""
        self.plan.emit(type_, data, **more)
