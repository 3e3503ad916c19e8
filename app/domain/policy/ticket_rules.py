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
    skus: tuple[str, ...] = ()
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """One rule of an action; the first whose ``when`` is true decides. ``allow`` false needs ``code``.

    ``clause_by_reason`` picks the clause cited by the query's ``reason``, never the answer (CACTU-5 to CACTU-8).
    ``message`` may name facts in braces: ``ended on {cover.ended_at}``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
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

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    action: str
    title: str
    rules: tuple[ActionRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """A fact the helpdesk may state about a ticket. ``values``: the closed set for ``choice`` facts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
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

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
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

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
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

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    code: str
    clause: str
    message: str
    require: Condition
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """Who qualifies a ticket. ``by``: ``rules`` alone, or an ``agent`` with the scope."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
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

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
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

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
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
class Payment:
    """Which means pay for a ticket: ``credits``, ``cover``, both (the customer chooses, CSC-12), or none.

    ``pending_from_first_ticket`` etc. stand with the cover. ``old_price_stands``: ALL-2.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
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

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    expires: Term | None = None
    advance_clause: str | None = None
    """The clause of ``agreed_up_to`` (CSC-8); None: agreeing in advance is not offered."""
    change_clause: str | None = None
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A way to resolve a ticket. ``captures`` False gives back what is held."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    outcome: str
    title: str
    clause: str
    captures: bool = True
    by_agent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What a problem turned out to be. ``returns``: ``all`` gives the whole charge back (XC-11)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    cause: str
    title: str
    clause: str | None = None
    returns: Literal["all", "nothing"] = "nothing"
    expired_lot: ExpiredReturn | None = None
    reading: bool = False
