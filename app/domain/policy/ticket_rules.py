"""Who may open a ticket and do other things, what a ticket costs, and how it may end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from app.domain.policy.conditions import Condition
from app.domain.policy.credit_rules import ExpiredReturn
from app.domain.policy.document import STRICT
from app.domain.policy.price_terms import CategoryPrice
from app.domain.values.term import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyRule:
    """What to offer with a refusal. ``kind`` ``buy`` with ``skus``: those offers, priced for this customer."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    kind: str
    """What the customer can do, in one word; ``buy`` offers the skus."""
    skus: tuple[str, ...] = ()
    """The skus to buy, priced for this customer."""
    text: str | None = None
    """The remedy in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """One rule of an action; the first whose ``when`` is true decides. ``allow`` false needs ``code``.

    ``clause_by_reason`` picks the clause cited by the query's ``reason``, never the answer (CACTU-5 to CACTU-8).
    ``message`` may name facts in braces: ``ended on {cover.ended_at}``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    allow: bool
    """Whether the action is allowed where this rule decides."""
    code: str
    clause: str
    message: str
    when: Condition | None = None
    """Where the rule decides; left out: always, so it stands last."""
    clause_by_reason: dict[str, str] = field(default_factory=dict)
    """Reason that the query names to the clause that is cited then."""
    remedies: tuple[RemedyRule, ...] = ()
    """What the customer can do so that it is allowed."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something a customer may be entitled to: ``open_ticket``, ``download``, ``user_area`` or the policy's own.

    Facts: ``cover.active`` (in force, opens this action, reaches the license asked about), ``cover.ever``,
    ``cover.suspended``, ``cover.pending``, ``cover.ended_at``, ``customer.licenses``, ``license.given``,
    ``license.owned``, ``credits.available``, ``choice.open``, ``query.product``, ``query.released_at``,
    ``query.reason``, ``query.forum``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    action: str
    """The action's name: ``open_ticket``, ``download``, ``user_area`` or your own."""
    title: str
    rules: tuple[ActionRule, ...]
    """The rules in order; the first that applies decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """A fact the helpdesk may state about a ticket. ``values``: the closed set for ``choice`` facts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    fact: str
    """The fact's name, as helpdesks state it."""
    title: str
    clause: str
    type: Literal["boolean", "choice", "text", "integer"] = "boolean"
    """The type of its values."""
    values: tuple[str, ...] = ()
    """The values that a ``choice`` may have."""


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

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    check: str
    """The check's name, once in the document."""
    code: str
    clause: str
    message: str
    require: Condition
    """What must hold; a false one fails the check."""
    applies: Condition | None = None
    """Which tickets it is about; left out: all."""
    on_fail: Literal["reject", "recommend"] = "reject"
    """A failure rejects the ticket, or recommends to the agent that it be rejected."""
    on_unknown: Literal["ask", "mention", "pass"] = "pass"
    """What an unstated fact does: holds the ticket and asks; asks and goes on; or goes on."""
    asks: tuple[str, ...] = ()
    """The facts that are asked for then."""
    requirement: str | None = None
    """For ``requirement_missing``: which requirement this names."""
    remedies: tuple[RemedyRule, ...] = ()
    """What the customer can do so that the check passes."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A ground on which an agent may deny a ticket; ``when`` (over facts) makes it a recommendation by itself.

    ``kind`` ``ground`` or ``exclusion``. ``needs_note``: the agent must say why (``other``).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    code: str
    clause: str
    message: str
    kind: Literal["ground", "exclusion"] = "ground"
    """A ground for not serving a ticket, or an exclusion from service."""
    when: Condition | None = None
    """Where it is recommended without an agent naming it; left out: never."""
    needs_note: bool = False
    """Whether the agent must say why in words."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What must hold before the vendor gives ``service`` on a ticket: else responses are refused."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    code: str
    clause: str
    message: str
    require: Condition
    """What must hold before the vendor responds."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """Who qualifies a ticket. ``by``: ``rules`` alone, or an ``agent`` with the scope."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    by: Literal["rules", "agent"] = "rules"
    """Who qualifies: the rules alone, or an agent whom they advise."""
    clause: str | None = None
    checks: tuple[Check, ...] = ()
    """What a ticket must meet; every failing check is reported."""
    grounds: tuple[Ground, ...] = ()
    """What an agent may refuse a ticket for."""
    gates: tuple[Gate, ...] = ()
    """What must hold before a ticket is served."""
    not_qualified_clause: str | None = None
    """The clause of an agent's refusal; left out: ``clause``."""
    late_exclusion_captures: bool = False
    """An exclusion found after acceptance resolves the ticket and captures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """A named input of a formula: an integer >= 0."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    name: str
    """The input's name in the formula."""
    title: str
    """The input in words, as explanations read it out: ``the number of stores``."""
    most: int = 100_000
    """The highest number that may be stated; the lowest is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A line of the price list. ``level``: free under a cover of that level (AVA-9, AVA-10).

    ``confirm``: asked beforehand, the customer must confirm it (CSC-9). ``bug_returns``: the cause that returns
    everything applies (AVA-15: not to patching). ``needs_means``: False says that a
    price of 0 is served without credits or cover; beside another price it does nothing.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    category: str
    """The category's name, as tickets state it."""
    title: str
    price: CategoryPrice
    """What a ticket of it costs, in credits."""
    clause: str
    level: int | None = None
    """The level of service that it belongs to; a cover of that level makes it free."""
    level_clause: str | None = None
    """The clause by which it is free then; left out: ``clause``."""
    confirm: bool = False
    """Whether the customer must confirm the quote before work begins."""
    bug_returns: bool = True
    """Whether a cause that returns everything also returns this charge."""
    needs_means: bool = True
    """``false`` says that a price of 0 needs neither credits nor cover."""
    inputs: tuple[InputSpec, ...] = ()
    """The numbers that its formula needs."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Which means pay for a ticket: ``credits``, ``cover``, both (the customer chooses, CSC-12), or none.

    ``pending_from_first_ticket`` etc. stand with the cover. ``old_price_stands``: ALL-2.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    means: tuple[Literal["credits", "cover"], ...]
    """What may pay; empty: a ticket needs nothing."""
    choose_clause: str | None = None
    """With it, a customer who has both chooses; left out: cover pays first."""
    choice_open_clause: str | None = None
    """With it, an open choice must be made before a ticket is paid."""
    suspended_clause: str | None = None
    """With it, a ticket that only a suspended period could pay waits for its resumption."""
    exhausted_clause: str | None = None
    """The clause of a refusal for want of credits or cover."""
    exhausted_skus: tuple[str, ...] = ()
    """Offers listed with a refusal for want of means (CSC-17)."""
    license_required_clause: str | None = None
    """A ticket must name its license when the account has several and levels matter (AVA-4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Consent to a quote. ``expires``: how long a quote waits, None for ever; ``declined``: what a "no" does."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    expires: Term | None = None
    """How long a quote waits for the answer; left out: for ever."""
    advance_clause: str | None = None
    """The clause of ``agreed_up_to`` (CSC-8); None: agreeing in advance is not offered."""
    change_clause: str | None = None
    """The clause by which a changed price needs consent; left out: ``clause``."""
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A way to resolve a ticket. ``captures`` False gives back what is held."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    outcome: str
    """The outcome's name, as a resolution states it."""
    title: str
    clause: str
    captures: bool = True
    """``true`` spends what is held; ``false`` gives it back."""
    by_agent: bool = True
    """Whether a resolution may state it; ``false``: the service alone does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What a problem turned out to be. ``returns``: ``all`` gives the whole charge back (XC-11)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    cause: str
    """The cause's name, as a resolution states it."""
    title: str
    clause: str | None = None
    returns: Literal["all", "nothing"] = "nothing"
    """``all`` gives the whole charge back."""
    expired_lot: ExpiredReturn | None = None
    """What becomes of credits returned to an expired lot; left out: as ``returned_to_expired`` says."""
    reading: bool = False
