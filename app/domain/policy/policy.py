"""The policy: one vendor's support terms as data. Every rule names its clause and says whether it is our reading.

These frozen dataclasses ARE the document format. `app.documents` reads YAML into them: unknown keys are refused, errors
have line numbers. It publishes their JSON Schema too. There is no expression language. Conditions are (fact, operator,
value) joined by all / any / not, and prices are one of a closed set of shapes. So counterfactuals can be computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from app.domain.policy.contacts import ContactRules
from app.domain.policy.counts import Count
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
from app.domain.policy.plans import SupportPlan
from app.domain.policy.releases import Releases
from app.domain.policy.service_levels import SERVICE_HOURS, Promise, ServiceHours
from app.domain.policy.surcharges import ROUNDING, Priority, Rounding, Surcharge, WorkKind, WorkRules
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
    """The vendor's word."""
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A text that goes with an order's answer and event. ``{cover_ends_at}`` is filled in (CACTU-13)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    notice: str
    """The notice's name, once in the document."""
    clause: str
    text: str
    """What the customer reads; ``{cover_ends_at}`` is filled in."""
    with_cover: bool = False
    """Only where the order granted cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseText:
    """A clause in brief. ``reading``: the text is silent, this is our reading."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    """The clause's name, which rules cite: ``ACME-1``."""
    text: str
    """What the clause says, in a sentence of your own."""
    reading: bool = False
    """``true``: the vendor's text is silent or open here, and this is our reading."""
    source: str | None = None
    """The words of the vendor's text it rests on, short."""
    mechanism: bool = False
    """Kept by how the service works for every policy, not by a rule of this document that could cite it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy document. ``version`` is set by the service when it is stored; 1 for a shipped template."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    policy: str
    """The policy's name in paths and answers: lower case letters, digits, hyphens."""
    title: str
    """The policy's name for people."""
    vendor: str
    """The vendor whose terms these are."""
    source: str
    """Where the vendor's text stands, and the day on which it was read."""
    clauses: tuple[ClauseText, ...]
    """The vendor's text in brief, one clause a rule can cite."""
    offers: tuple[Offer, ...]
    """What the vendor sells, and what each brings."""
    actions: tuple[Action, ...]
    """What a customer may do, and by which rules."""
    qualification: Qualification
    """Which tickets are served, and who decides it."""
    payment: Payment
    """What pays for a ticket: credits, cover, either or neither."""
    outcomes: tuple[Outcome, ...]
    """The ways in which a ticket ends; the first that agents may name is the default."""
    causes: tuple[Cause, ...]
    """What a problem may turn out to be, when a ticket is resolved."""
    service_hours: ServiceHours
    """The hours in which the vendor works; promises are counted in them."""
    version: int = 1
    """Set by the service; a document need not state it."""
    effective_from: str | None = None
    """The instant from which a version is in force (RFC 3339); set by the service when it is published."""
    format: Literal[1] = 1
    """The version of this document format."""
    currency: str = "USD"
    """ISO 4217 code of all prices."""
    term_zone: str = "UTC"
    """The zone in which years, months and days of terms are added."""
    languages: tuple[str, ...] = ("en",)
    """Languages of the texts of this document; the first is the default."""
    ticket_languages: tuple[str, ...] = ()
    """Languages in which support is given; empty: any."""
    unit: Unit | None = None
    """The vendor's words for a credit; left out: the vendor sells no credits (CACTU-9)."""
    editions: tuple[str, ...] = ()
    """The editions of the product, the lowest first."""
    plans: tuple[SupportPlan, ...] = ()
    """The plans that cover may be of, the lowest first; left out: cover has no plan."""
    not_offered: tuple[NotOffered, ...] = ()
    """Skus that the vendor says it does not sell."""
    credits: CreditRules | None = None
    """Types of credits and the rules of their ledger; left out: the vendor has no credits."""
    releases: Releases | None = None
    """Which releases of the product are supported; left out: nobody asks."""
    facts: tuple[FactSpec, ...] = ()
    """Facts that a helpdesk may state of a ticket."""
    categories: tuple[Category, ...] = ()
    """The price list of tickets; left out: a ticket has no category."""
    priorities: tuple[Priority, ...] = ()
    """The priorities that a ticket may have, the most urgent first; left out: a ticket has none."""
    contacts: ContactRules | None = None
    """Named contacts of companies; left out: all people of a company may ask."""
    counts: tuple[Count, ...] = ()
    """What is counted of a customer's tickets, for rules that allow so many in a window; left out: nothing."""
    surcharges: tuple[Surcharge, ...] = ()
    """What changes prices: by channel, priority, hours, kind of work and other facts, in the order written."""
    rounding: Rounding = ROUNDING
    """How a price that is no whole number of credits is rounded."""
    work: WorkRules | None = None
    """The work log and its kinds of work; left out: lines of work name no kind."""
    confirmation: Confirmation | None = None
    """How a customer consents to a quote; left out: nobody is asked."""
    money_back: MoneyBack | None = None
    """Money back for unused bought credits; left out: none."""
    guarantee: Guarantee | None = None
    """Money back for whole orders; left out: none."""
    transfer: Transfer | None = None
    """Whether credits may go to another customer; left out: they may not."""
    licenses: LicenseRules = LicenseRules()
    """How licenses are counted where a grant depends on their number."""
    cover: CoverRules = CoverRules()
    """How cover is suspended, extended, renewed and reminded of."""
    access: Access | None = None
    """Access that the customer owes on a ticket; left out: none is asked for."""
    reopening: Reopening | None = None
    """Within which time a resolved ticket goes on without a second charge."""
    disputes: Disputes | None = None
    """Whether and how long a customer may contest a ticket's charge."""
    payment_disputes: PaymentDisputes = PaymentDisputes()
    """What happens to grants while a bank disputes the order's payment."""
    split_clause: str | None = None
    """The clause by which a second issue becomes a ticket of its own."""
    reassessment_clause: str | None = None
    """The price may change while the ticket is worked on, without a confirmation (XC-10); with one: `Confirmation`."""
    incident_clause: str | None = None
    """One charge however many responses (XC-1)."""
    pause_reasons: tuple[PauseReason, ...] = ()
    """The reasons for which the vendor's clocks may stand."""
    promises: tuple[Promise, ...] = ()
    """What happens within which time; a clock runs for each."""
    calendars: dict[str, ServiceHours] = field(default_factory=dict)
    """Hours by name for promises that are not counted in ``service_hours``: ``always`` -> every hour of the week."""
    late_facts: LateFacts = LateFacts()
    """How long after it happened a thing may still be stated."""
    notices: tuple[Notice, ...] = ()
    """Texts that go with the answer to an order."""
    labels: dict[str, str | Label] = field(default_factory=dict)
    """The vendor's words for our terms: ``statement.balance_modifications`` -> "List of balance modifications"."""
    messages: dict[str, dict[str, str]] = field(default_factory=dict)
    """Other languages: language -> reason code -> text."""
    translations: dict[str, dict[str, str]] = field(default_factory=dict)
    """Titles and other texts in other languages: language -> name, such as ``offers.license`` -> text."""

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

    def hours(self, calendar: str) -> ServiceHours | None:
        """The hours that the policy states for a calendar; None where it states none of that name."""
        return self.service_hours if calendar == SERVICE_HOURS else self.calendars.get(calendar)

    def category(self, name: str) -> Category | None:
        """The category of that name."""
        return next((c for c in self.categories if c.category == name), None)

    def work_kind(self, name: str) -> WorkKind | None:
        """The kind of work of that name."""
        return next((kind for kind in (self.work.kinds if self.work else ()) if kind.kind == name), None)

    def plan(self, name: str | None) -> SupportPlan | None:
        """The plan of that name."""
        return next((plan for plan in self.plans if plan.plan == name), None)

    def pays(self, plan: str | None) -> bool:
        """Whether cover of a plan pays for tickets; cover without a plan does."""
        found = self.plan(plan)
        return found is None or found.pays

    def credit_type(self, name: str) -> CreditType | None:
        """The credit type of that name."""
        return next((t for t in (self.credits.types if self.credits else ()) if t.credit_type == name), None)

    def action(self, name: str) -> Action | None:
        """The action of that name."""
        return next((a for a in self.actions if a.action == name), None)

    @property
    def recurs(self) -> bool:
        """Whether any offer brings credits that come again."""
        return any(
            isinstance(grant, CreditGrant) and grant.recurs is not None
            for offer in self.offers
            for grant in offer.grants
        )

    def ends_with_cover(self, rule: str) -> bool:
        """Whether credits end with cover of a rule."""
        return any(
            rule in option.ends_with
            for offer in self.offers
            for grant in offer.grants
            for option in (grant.options.values() if isinstance(grant, ChoiceGrant) else (grant,))
            if isinstance(option, CreditGrant)
        )

    def is_extended(self, rule: str) -> bool:
        """Whether a purchase of other credits extends those of a rule."""
        return rule in self.extended_rules()

    def extended_rules(self) -> set[str]:
        """The rules of credits that a purchase of others extends."""
        return {
            rule
            for offer in self.offers
            for grant in offer.grants
            for option in (grant.options.values() if isinstance(grant, ChoiceGrant) else (grant,))
            if isinstance(option, CreditGrant)
            for rule in option.extends
        }

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
