"""The policy: one vendor's support terms as data. Every rule names its clause and says whether it is our reading.

These frozen dataclasses ARE the document format: `app.documents` reads YAML into them (unknown keys refused, errors
with line numbers) and publishes their JSON Schema. No expression language: conditions are (fact, operator, value)
joined by all / any / not, and prices are one of a closed set of shapes, so that counterfactuals can be computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from app.domain.policy.cover_rules import CoverRules, LicenseRules
from app.domain.policy.credit_rules import (
    CreditRules,
    CreditType,
    Guarantee,
    MoneyBack,
    PaymentDisputes,
    Transfer,
    Unit,
)
from app.domain.policy.document import STRICT
from app.domain.policy.handling_rules import Access, Disputes, LateFacts, PauseReason, Reopening
from app.domain.policy.offers import ChoiceGrant, CreditGrant, NotOffered, Offer, number_in
from app.domain.policy.service_levels import Promise, ServiceHours
from app.domain.policy.ticket_rules import (
    Action,
    Category,
    Cause,
    Confirmation,
    FactSpec,
    Outcome,
    Payment,
    Qualification,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The vendor's word for one of our terms, and the clause that uses it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    text: str
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A text that goes with an order's answer and event. ``{cover_ends_at}`` is filled in (CACTU-13)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    notice: str
    clause: str
    text: str
    with_cover: bool = False
    """Only where the order granted cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseText:
    """A clause in brief. ``reading``: the text is silent, this is our reading."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    text: str
    reading: bool = False
    source: str | None = None
    """The words of the vendor's text it rests on, short."""
    mechanism: bool = False
    """Kept by how the service works for every policy, not by a rule of this document that could cite it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy document. ``version`` is set by the service when it is stored; 1 for a shipped template."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    policy: str
    title: str
    vendor: str
    source: str
    clauses: tuple[ClauseText, ...]
    offers: tuple[Offer, ...]
    actions: tuple[Action, ...]
    qualification: Qualification
    payment: Payment
    outcomes: tuple[Outcome, ...]
    causes: tuple[Cause, ...]
    service_hours: ServiceHours
    version: int = 1
    effective_from: str | None = None
    format: Literal[1] = 1
    currency: str = "USD"
    term_zone: str = "UTC"
    languages: tuple[str, ...] = ("en",)
    """Languages of the texts of this document; the first is the default."""
    ticket_languages: tuple[str, ...] = ()
    """Languages in which support is given; empty: any."""
    unit: Unit | None = None
    """None: the vendor sells no credits (CACTU-9)."""
    editions: tuple[str, ...] = ()
    """Lowest first."""
    not_offered: tuple[NotOffered, ...] = ()
    credits: CreditRules | None = None
    facts: tuple[FactSpec, ...] = ()
    categories: tuple[Category, ...] = ()
    confirmation: Confirmation | None = None
    money_back: MoneyBack | None = None
    guarantee: Guarantee | None = None
    transfer: Transfer | None = None
    licenses: LicenseRules = LicenseRules()
    cover: CoverRules = CoverRules()
    access: Access | None = None
    reopening: Reopening | None = None
    disputes: Disputes | None = None
    payment_disputes: PaymentDisputes = PaymentDisputes()
    split_clause: str | None = None
    reassessment_clause: str | None = None
    """The price may change while the ticket is worked on, without a confirmation (XC-10); with one: `Confirmation`."""
    incident_clause: str | None = None
    """One charge however many responses (XC-1)."""
    pause_reasons: tuple[PauseReason, ...] = ()
    promises: tuple[Promise, ...] = ()
    late_facts: LateFacts = LateFacts()
    notices: tuple[Notice, ...] = ()
    labels: dict[str, str | Label] = field(default_factory=dict)
    """The vendor's words for our terms: ``statement.balance_modifications`` -> "List of balance modifications"."""
    messages: dict[str, dict[str, str]] = field(default_factory=dict)
    """Other languages: language -> reason code -> text (Russian for one of the shipped policies)."""

    def offer(self, sku: str) -> tuple[Offer, int | None] | None:
        """The offer that sells ``sku`` and the ``{n}`` of a patterned sku; None when it is not sold.

        The pattern itself is no sku: nobody can say how many credits it would be.
        """
        for offer in self.offers:
            if offer.sku == sku and not offer.sku_pattern:
                return offer, None
        for offer in self.offers:
            if offer.sku_pattern and (n := number_in(offer.sku, sku)) is not None:
                return offer, n
        return None

    def category(self, name: str) -> Category | None:
        """The category of that name."""
        return next((c for c in self.categories if c.category == name), None)

    def credit_type(self, name: str) -> CreditType | None:
        """The credit type of that name."""
        return next((t for t in (self.credits.types if self.credits else ()) if t.credit_type == name), None)

    def action(self, name: str) -> Action | None:
        """The action of that name."""
        return next((a for a in self.actions if a.action == name), None)

    def expiry_clauses(self) -> dict[str, tuple[str, bool]]:
        """For each rule that grants credits which end: the clause that ends them, and whether it is a reading."""
        found: dict[str, tuple[str, bool]] = {}
        for offer in self.offers:
            for grant in offer.grants:
                for option in grant.options.values() if isinstance(grant, ChoiceGrant) else (grant,):
                    if isinstance(option, CreditGrant) and option.expires_clause is not None:
                        known = self.clause(option.expires_clause)
                        found[option.rule] = (option.expires_clause, bool(known and known.reading))
        return found

    def clause(self, clause_id: str) -> ClauseText | None:
        """The clause of that id."""
        return next((c for c in self.clauses if c.id == clause_id), None)
