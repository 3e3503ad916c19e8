"""The policy: one vendor's support terms as data. Every rule names its clause and says whether it is our reading.

These frozen dataclasses ARE the document format: `app.documents` reads YAML into them (unknown keys refused, errors
with line numbers) and publishes their JSON Schema. No expression language: conditions are (fact, operator, value)
joined by all / any / not, and prices are one of a closed set of shapes, so that counterfactuals can be computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from app.domain.values.term import Term

Scalar = str | int | bool | None
_STRICT: dict[str, Any] = {"extra": "forbid"}

# --- conditions -----------------------------------------------------------------------------------------------------

Op = Literal["eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "known", "unknown", "contains"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One comparison. An absent fact makes it unknown (ALL-3), save for ``known`` and ``unknown``.

    ``value`` may be a scalar, a list of scalars (``in``, ``not_in``) or another fact through ``value_fact``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    fact: str
    op: Op = "eq"
    value: Scalar | tuple[Scalar, ...] = None
    value_fact: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    all: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    any: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    no: Condition
    """The condition that must not hold (YAML key ``no``, since ``not`` is a keyword here)."""


Condition = Test | All | AnyOf | Not

# --- prices ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPrice:
    """So many credits; 0 is free."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    credits: int
    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RangePrice:
    """Between least and most, both included; an assessment names the credits, outside needs a reason (AVA-7)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    least: int
    most: int
    kind: Literal["range"] = "range"


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPrice:
    """At least so many; an assessment names the credits."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    least: int
    kind: Literal["from"] = "from"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaPrice:
    """``base`` plus, for each named input, so many credits a unit: ``{base: 120, per: {N: 60}}``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    base: int
    per: dict[str, int]
    kind: Literal["formula"] = "formula"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRequestPrice:
    """By quote only: an assessment names the credits."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    kind: Literal["on_request"] = "on_request"


CategoryPrice = FixedPrice | RangePrice | FromPrice | FormulaPrice | OnRequestPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPrice:
    """What an offer costs. ``amount`` is a decimal string; None where the text names no price.

    ``per_credit`` prices a sku with ``{n}``: n times as much, half a cent up. Such a sku has no other price.

    ``by_edition`` prices by the highest edition on the account (order of `Policy.editions`, lowest first; CACTU-10);
    ``each_additional_license`` is added for every license after the first (CSC-18).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    amount: str | None = None
    per_credit: str | None = None
    by_edition: dict[str, str] = field(default_factory=dict)
    each_additional_license: str | None = None
    clause: str | None = None


# --- grants ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditGrant:
    """A lot of credits, one a line (credit packs) or one a license unit.

    ``credits``: an int, or None to take the ``{n}`` of the offer's sku. ``expires``: a term counted from the order's
    ``placed_at``; None never expires. ``priority``: spent lowest first, before expiry (normally 0 for all).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    rule: str
    clause: str
    credits: int | None = None
    credit_type: str = "credit"
    expires: Term | None = None
    expires_clause: str | None = None
    priority: int = 0
    scope: Literal["account", "license"] = "account"
    scope_clause: str | None = None
    when: Condition | None = None
    otherwise: NotGranted | None = None
    reading: bool = False
    kind: Literal["credits"] = "credits"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverGrant:
    """Cover: support for a time, or a level of support without end.

    ``start``: ``order`` runs from ``placed_at``; ``after_current`` from the end of all unbroken cover at ``placed_at``,
    or from ``placed_at`` in a gap; ``when_uncovered`` from where the first active license is without cover, at once
    where one of them is (CACTU-14); ``first_ticket`` is pending until the first accepted ticket that it pays for
    (CSC-4). ``term`` None: without end, ends with its license. ``scope``: which licenses it serves. ``levels``: the
    levels of service it makes free (AVA-4); empty means all. ``free``: came with a license (CSC-5: not suspendable).
    ``actions``: the entitlement actions it opens.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    rule: str
    clause: str
    term: Term | None = None
    start: Literal["order", "after_current", "when_uncovered", "first_ticket"] = "order"
    start_clause: str | None = None
    scope: Literal["account", "license"] = "account"
    scope_clause: str | None = None
    levels: tuple[int, ...] = ()
    actions: tuple[str, ...] = ("open_ticket",)
    free: bool = False
    when: Condition | None = None
    otherwise: NotGranted | None = None
    reading: bool = False
    kind: Literal["cover"] = "cover"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceGrant:
    """One of several grants, at the customer's choice; nothing is granted until it is made (CSC-1)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    rule: str
    clause: str
    options: dict[str, CreditGrant | CoverGrant]
    when: Condition | None = None
    otherwise: NotGranted | None = None
    reading: bool = False
    kind: Literal["choice"] = "choice"


Grant = CreditGrant | CoverGrant | ChoiceGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGranted:
    """Why a line brought nothing: the code and clause of ``not_granted`` (ALL-5)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    code: str
    clause: str
    message: str
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

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    sku: str
    title: str
    kind: Literal["license", "credits", "cover", "addon"]
    clause: str
    price: OfferPrice | None = None
    edition: str | None = None
    grants: tuple[Grant, ...] = ()
    requires: Condition | None = None
    otherwise: NotGranted | None = None
    listed: bool = True
    reading: bool = False

    @property
    def sku_pattern(self) -> bool:
        """Whether the sku is a pattern, so that an order says which n it means."""
        return "{n}" in self.sku


# --- rules over tickets and actions -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyRule:
    """What to offer with a refusal. ``kind`` ``buy`` with ``skus``: those offers, priced for this customer."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    kind: str
    skus: tuple[str, ...] = ()
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """One rule of an action; the first whose ``when`` is true decides. ``allow`` false needs ``code``.

    ``clause_by_reason`` picks the clause cited by the query's ``reason``, never the answer (CACTU-5 to CACTU-8).
    ``message`` may name facts in braces: ``ended on {cover.ended_at}``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    allow: bool
    code: str
    clause: str
    message: str
    when: Condition | None = None
    clause_by_reason: dict[str, str] = field(default_factory=dict)
    remedies: tuple[RemedyRule, ...] = ()
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something a customer may be entitled to: ``open_ticket``, ``download``, ``user_area`` or the policy's own.

    Facts: ``cover.active`` (in force, opens this action, reaches the license asked about), ``cover.ever``,
    ``cover.suspended``, ``cover.pending``, ``cover.ended_at``, ``customer.licenses``, ``license.given``,
    ``license.owned``, ``credits.available``, ``choice.open``, ``query.product``, ``query.released_at``,
    ``query.reason``, ``query.forum``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    action: str
    title: str
    rules: tuple[ActionRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """A fact the helpdesk may state about a ticket. ``values``: the closed set for ``choice`` facts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    fact: str
    title: str
    clause: str
    type: Literal["boolean", "choice", "text", "integer"] = "boolean"
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A qualification check: ``require`` must hold wherever ``applies`` does. Every failing one is reported.

    ``on_fail``: ``reject`` at once; ``recommend`` that the agent rejects. ``on_unknown``: ``ask`` makes the
    ticket ``needs_facts`` and lists ``asks``; ``mention`` lists them and goes on; ``pass`` goes on (ALL-3).
    Facts: the ticket's own by name, and ``ticket.channel``, ``ticket.language`` (primary subtag, lower case),
    ``ticket.category``, ``ticket.credit_type``, ``ticket.pay_with``, ``ticket.product``, ``license.given``,
    ``license.owned``, ``license.edition``,
    ``license.registered``, ``license.active``, ``customer.licenses``, ``customer.licenses_bought`` (ended ones too),
    ``customer.addons``, ``customer.hosting_certified`` (recorded outcome: true, false or unknown), ``cover.active``,
    ``credits.bought_here``, ``entitled.<action>``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    check: str
    code: str
    clause: str
    message: str
    require: Condition
    applies: Condition | None = None
    on_fail: Literal["reject", "recommend"] = "reject"
    on_unknown: Literal["ask", "mention", "pass"] = "pass"
    asks: tuple[str, ...] = ()
    requirement: str | None = None
    """For ``requirement_missing``: which requirement this names."""
    remedies: tuple[RemedyRule, ...] = ()
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A ground on which an agent may deny a ticket; ``when`` (over facts) makes it a recommendation by itself.

    ``kind`` ``ground`` or ``exclusion``. ``needs_note``: the agent must say why (``other``).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    code: str
    clause: str
    message: str
    kind: Literal["ground", "exclusion"] = "ground"
    when: Condition | None = None
    needs_note: bool = False
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What must hold before the vendor gives ``service`` on a ticket: else responses are refused."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    code: str
    clause: str
    message: str
    require: Condition
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """Who qualifies a ticket. ``by``: ``rules`` alone, or an ``agent`` with the scope."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    by: Literal["rules", "agent"] = "rules"
    clause: str | None = None
    checks: tuple[Check, ...] = ()
    grounds: tuple[Ground, ...] = ()
    gates: tuple[Gate, ...] = ()
    not_qualified_clause: str | None = None
    late_exclusion_captures: bool = False
    """An exclusion found after acceptance resolves the ticket and captures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """A named input of a formula: an integer >= 0."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    name: str
    title: str
    most: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A line of the price list. ``level``: free under a cover of that level (AVA-9, AVA-10).

    ``confirm``: asked beforehand, the customer must confirm it (CSC-9). ``bug_returns``: the cause that returns
    everything applies (AVA-15: not to patching). ``needs_means``: False says that a
    price of 0 is served without credits or cover; beside another price it does nothing.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    category: str
    title: str
    price: CategoryPrice
    clause: str
    level: int | None = None
    level_clause: str | None = None
    confirm: bool = False
    bug_returns: bool = True
    needs_means: bool = True
    inputs: tuple[InputSpec, ...] = ()
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditType:
    """A type of credit. For typed services: which request kinds it serves, what it includes and requires.

    ``service`` true: a ticket is paid by exactly one credit of this type, and no category is needed.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    credit_type: str
    title: str
    clause: str
    service: bool = False
    serves: tuple[str, ...] = ()
    """Values of the fact ``request_kind`` that this credit may pay for."""
    served_by: str | None = None
    includes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Which means pay for a ticket: ``credits``, ``cover``, both (the customer chooses, CSC-12), or none.

    ``pending_from_first_ticket`` etc. stand with the cover. ``old_price_stands``: ALL-2.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    means: tuple[Literal["credits", "cover"], ...]
    choose_clause: str | None = None
    choice_open_clause: str | None = None
    suspended_clause: str | None = None
    exhausted_clause: str | None = None
    exhausted_skus: tuple[str, ...] = ()
    """Offers listed with a refusal for want of means (CSC-17)."""
    license_required_clause: str | None = None
    """A ticket must name its license when the account has several and levels matter (AVA-4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Consent to a quote. ``expires``: how long a quote waits, None for ever; ``declined``: what a "no" does."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    clause: str
    expires: Term | None = None
    advance_clause: str | None = None
    """The clause of ``agreed_up_to`` (CSC-8); None: agreeing in advance is not offered."""
    change_clause: str | None = None
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A way to resolve a ticket. ``captures`` False gives back what is held."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    outcome: str
    title: str
    clause: str
    captures: bool = True
    by_agent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What a problem turned out to be. ``returns``: ``all`` gives the whole charge back (XC-11)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    cause: str
    title: str
    clause: str | None = None
    returns: Literal["all", "nothing"] = "nothing"
    expired_lot: ExpiredReturn | None = None
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredReturn:
    """What happens to credits given back to a lot that has expired (ALL-4).

    ``forfeit``: booked as expired, both lines shown; ``grace``: a new lot for ``grace``; ``reopen``: the lot is
    extended by ``grace`` from now.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    rule: Literal["forfeit", "grace", "reopen"] = "forfeit"
    grace: Term | None = None
    clause: str = "ALL-4"
    reading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyBack:
    """Money back for unused bought credits. None in the policy: not offered.

    Full up to and including ``full_within`` days of 24 hours; then the price times remaining over whole term in
    seconds, half up; nothing once expired. ``override`` by its own scope with a reason, never above the price paid.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    clause: str
    full_within: Term
    then_prorated: bool = True
    used_clause: str | None = None
    accepted_clause: str | None = None
    """Why a credit on an accepted ticket that had no service yet brings nothing back."""
    in_use_code: str = "credit_in_use"
    used_code: str = "service_provided"
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """Money-back guarantee on orders (AVA-14): unspent grants are taken back, what was spent is reported."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    clause: str
    within: Term
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Whether credits may go to another customer. ``free_credits``: also those that came with a license."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    allowed: bool
    clause: str
    message: str
    reading: bool = False
    free_credits: bool = False
    free_clause: str | None = None
    """The clause by which free credits stay with their license; None: the rule's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseRules:
    """How licenses are counted where a grant depends on it (CSC-2, XC-3).

    ``refunded_untouched``: a license refunded with its grant untouched is ``left_out`` of the count for what is bought
    after the refund, or ``counted`` like any other. A standing license keeps its class either way.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    refunded_untouched: Literal["left_out", "counted"] = "left_out"
    clause: str | None = None
    reading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The vendor's word for one of our terms, and the clause that uses it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    text: str
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Cover bought up to ``within`` days after the end of other cover goes on from that end, and keeps its date."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    within: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverRules:
    """Suspension (CSC-5) and extension (CACTU-8) of covers, reminders before the end (CACTU-13), and when it ends.

    Without the last three, a term ends to the instant and a renewal after it leaves a gap (ALL-1, CACTU-14).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    suspensions: int = 0
    """How often a period may be suspended; 0: not offered."""
    suspension_clause: str | None = None
    free_extension: bool = False
    extension_clause: str | None = None
    extension_reading: bool | None = None
    """Whether refusing an extension is a reading; None: as ``reading`` says of the rest."""
    reminder_days: tuple[int, ...] = ()
    reminder_clause: str | None = None
    queue: Literal["free_first", "oldest_first"] = "free_first"
    """Which of several pending periods starts next: what came free before what was bought, or the oldest."""
    end_of_day: str | None = None
    """A zone: the last day of a term counts whole there, whatever the hour of the order."""
    grace: int = 0
    """Days after its end in which cover still serves; a renewal counts from the end itself."""
    renewal: Renewal | None = None
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRules:
    """The unit and the rules of the ledger that vendors differ in."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    types: tuple[CreditType, ...]
    clause: str
    hold_on_expiry: Literal["survives", "until_accepted", "void"] = "survives"
    """A hold whose lot expires: survives; survives once the ticket is accepted; or is void at once."""
    hold_expiry_clause: str | None = None
    returned_to_expired: ExpiredReturn = ExpiredReturn()
    owed_allowed: bool = False
    """Order refunds may leave credits ``owed`` for what was spent, repaid by the next grants."""
    low_at: int | None = None
    """Event ``credits.low`` when the balance falls to this or below."""
    reminder_days: tuple[int, ...] = (30, 7, 1)
    spending_clause: str | None = None
    spending_reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Access the customer owes. ``deadline``: a target in service hours, e.g. ``business_days:3:close``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    clause: str
    kinds: tuple[str, ...]
    deadline: str
    outcome: str
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """Reopening the same issue: within ``window`` of the resolution without a second charge; after it refused."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    window: Term
    clause: str
    reading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputes:
    """The vendor reconsiders a charge (XC-12)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    clause: str
    window: Term | None = None
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDisputes:
    """What a dispute of an order's payment does to what is unspent of its grants; every text is silent on it.

    ``won``: what an open or lost one took is given back to the same lots, or stays taken.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    open: Literal["nothing", "suspend", "take_back"] = "nothing"
    lost: Literal["nothing", "take_back"] = "take_back"
    won: Literal["nothing", "undo"] = "undo"
    clause: str | None = None
    reading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFacts:
    """How long after it happened a thing may still be told; None: for ever. ``opened_within``: of a ticket's opening.

    Clocks and cover are judged as of when it happened. Credits move when it is told and are never replayed.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    within: Term | None = None
    opened_within: Term | None = None
    clause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What happens when the customer is waited for and does not answer.

    ``after``: a target in service hours, e.g. ``business_days:5:close``, counted from the pause. The pause ends then,
    with a ``reminder`` to the vendor, or the ticket is ``resolved`` with the ``outcome`` that stands for silence.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    after: str
    then: Literal["reminder", "resolved"] = "reminder"
    outcome: str | None = None
    clause: str | None = None
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseReason:
    """A reason for which vendor clocks stop; ``party``: who is waited for.

    ``ends_with_answer``: the customer's answer ends it, where the customer is waited for. The waits for consent
    (CSC-9) and for access (TERMS-8) are none of these.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    reason: str
    party: Literal["vendor", "customer", "third_party", "none"]
    clause: str | None = None
    ends_with_answer: bool = True
    silence: Silence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001 - the document's word; nothing here warns
    """A warning before a due time: a share of the time in percent, or so many business seconds before."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    percent: int | None = None
    business_seconds_before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A level of reminding after a breach, so many business seconds after the due time; told while nothing is done."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    business_seconds_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """An SLA promise. ``starts``: when its clock starts; ``target`` as in ``GET .../due`` or ``none`` (measured only).

    ``starts``: ``opened`` | ``credit_applied`` | ``accepted`` | ``access_requested`` | ``confirmation_asked``;
    ``stops``: ``vendor_response`` | ``qualification`` | ``resolved`` | ``access_granted`` | ``confirmed``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    milestone: Literal["first_response", "each_business_day", "resolution", "access", "confirmation"]
    target: str
    starts: Literal["opened", "credit_applied", "accepted", "access_requested", "confirmation_asked"]
    stops: tuple[Literal["vendor_response", "qualification", "resolved", "access_granted", "confirmed"], ...]
    clause: str
    party: Literal["vendor", "customer"] = "vendor"
    warnings: tuple[Warning, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    snap_to_close: bool = False
    after_close: Literal["same_date", "next_open"] = "same_date"
    breach_returns_credits: int = 0
    """Optional: a breach grants so many credits, once (decision 0023)."""
    retracted_breach: Literal["takes_back", "stays"] = "takes_back"
    """Those credits when a late fact shows that it was no breach: what is unspent goes, or they stay."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidaySet:
    """Holidays of the kept library: ``country`` (ISO), optional subdivision; ``observed`` adds observed weekdays."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    country: str
    clause: str
    subdivision: str | None = None
    observed: bool = True
    without: tuple[str, ...] = ()
    """Names left out, e.g. Inauguration Day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRule:
    """A closed day by rule: ``fixed`` (``12-24``), days from ``easter``, or days after the nth weekday of a month.

    With ``hours`` it is a half day: of the weekday's hours only those within them stay open.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    name: str
    clause: str
    fixed: str | None = None
    easter: int | None = None
    nth: int | None = None
    weekday: str | None = None
    month: int | None = None
    offset_days: int = 0
    hours: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHours:
    """Version 1 of the calendar ``service-hours``. ``weekly_hours``: mon..sun -> [["09:00", "17:00"]].

    An opening may run past midnight (``["22:00", "06:00"]``). ``whole_shifts``: it is one business day then, that on
    which it begins.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    zone: str
    weekly_hours: dict[str, tuple[tuple[str, str], ...]]
    clause: str
    holidays: tuple[HolidaySet, ...] = ()
    closures: tuple[ClosureRule, ...] = ()
    notice_days: int = 0
    notice_clause: str | None = None
    whole_shifts: bool = True
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A text that goes with an order's answer and event. ``{cover_ends_at}`` is filled in (CACTU-13)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    notice: str
    clause: str
    text: str
    with_cover: bool = False
    """Only where the order granted cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseText:
    """A clause in brief. ``reading``: the text is silent, this is our reading."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    id: str
    text: str
    reading: bool = False
    source: str | None = None
    """The words of the vendor's text it rests on, short."""
    mechanism: bool = False
    """Kept by how the service works for every policy, not by a rule of this document that could cite it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What the vendor calls its credits."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    one: str
    many: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy document. ``version`` is set by the service when it is stored; 1 for a shipped template."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
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
            if offer.sku_pattern and (n := _number_in(offer.sku, sku)) is not None:
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
                for one in grant.options.values() if isinstance(grant, ChoiceGrant) else (grant,):
                    if isinstance(one, CreditGrant) and one.expires_clause is not None:
                        known = self.clause(one.expires_clause)
                        found[one.rule] = (one.expires_clause, bool(known and known.reading))
        return found

    def clause(self, clause_id: str) -> ClauseText | None:
        """The clause of that id."""
        return next((c for c in self.clauses if c.id == clause_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOffered:
    """A sku the vendor says it does not sell (CACTU-9), unlike one it does not know. ``sku`` may end in ``*``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    sku: str
    code: str
    clause: str
    message: str


def _number_in(pattern: str, sku: str) -> int | None:
    head, found, tail = pattern.partition("{n}")
    if not found or not sku.startswith(head) or not sku.endswith(tail):
        return None
    digits = sku[len(head) : len(sku) - len(tail)]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 7 or digits.startswith("0"):
        return None
    return int(digits)
