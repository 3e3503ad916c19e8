"""What the `data` of events holds: one shape for the events of each noun, made of the nouns' own shapes.

Which members an event of a type always has, and which it may have, says `app.views.event_types`. A member means the
same in every event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, NotRequired

from typing_extensions import TypedDict, get_type_hints

from app.domain.tickets.ticket import IN_EVENTS
from app.views import shapes
from app.views.clock import ClockOutcome, ClockParty
from app.views.decision import Money, Reason
from app.views.event_types import EVENT_TYPES, EventType
from app.views.license import CoverState
from app.views.lot import Interval, LotSource
from app.views.order import DisputeAction, Notice, NotTakenBack, PaymentDisputeState, TakenBack
from app.views.shapes import Credits, Day, Id, Instant, Member
from app.views.ticket import AssessmentStatus, Author, Charge, Ticket, TicketState
from app.views.work import ActingAgent

# --- members that several nouns have ----------------------------------------------------------------------------------

Acting = Annotated[ActingAgent, "Who acted for the vendor, where the call said so."]
Clause = Annotated[str | None, "The clause of the policy."]
CreditType = Annotated[str, "The type of credit; the policy names the types."]
HowMany = Annotated[Credits, "How many credits."]
LicenseId = Annotated[Id | None, "The license."]
OwnLicenseId = Annotated[Id, "The license."]
LineId = Annotated[Id | None, "The order line."]
OwnLineId = Annotated[Id, "The order line."]
OrderId = Annotated[Id | None, "The storefront's order."]
OwnOrderId = Annotated[Id, "The storefront's order."]
Reading = Annotated[bool, "Whether it is our reading."]
Reasons = Annotated[Sequence[Reason], "The reasons, each with its code and clause."]
Rule = Annotated[str | None, "The rule of the policy."]
TicketId = Annotated[Id | None, "The helpdesk's ticket."]
OwnTicketId = Annotated[Id, "The helpdesk's ticket."]
Why = Annotated[str | None, "Why."]


class EventBalance(TypedDict):
    """A customer's balance of one type of credit after an event."""

    available: Annotated[Credits, "Credits that can be spent."]
    held: Annotated[Credits, "Credits that are set aside."]


Balance = Annotated[EventBalance, "The customer's balance of this type of credit after it."]


class OrderedLine(TypedDict):
    """A line of an order, or units of it that were refunded."""

    line_id: Annotated[Id, "The storefront's id of the line."]
    sku: NotRequired[Annotated[str, "What was bought."]]
    quantity: NotRequired[Annotated[int | None, "How many; null for all that is left, while the order is awaited."]]


class EventAssessment(TypedDict):
    """A price of a ticket, as an event tells of it."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    category: Annotated[str | None, "The category; the policy names them."]
    credits: Annotated[Credits, "The price."]
    status: Annotated[AssessmentStatus, "What became of it."]


class CoverSpan(TypedDict):
    """A period of support."""

    starts_at: Annotated[Instant | None, "When it starts."]
    ends_at: Annotated[Instant | None, "When it ends (exclusive)."]


_From = TypedDict("_From", {"from": NotRequired[Annotated[Id, "What it came from."]]})
if TYPE_CHECKING:

    class _TicketStays(TypedDict):
        pass
else:
    _of_tickets = get_type_hints(Ticket, include_extras=True)
    _TicketStays = TypedDict("_TicketStays", {name: NotRequired[_of_tickets[name]] for name in IN_EVENTS})


# --- the nouns --------------------------------------------------------------------------------------------------------


class OrderEvent(TypedDict):
    """The data of `order.*`."""

    order_id: NotRequired[OwnOrderId]
    placed_at: NotRequired[Annotated[Instant, "When the order was placed."]]
    source: NotRequired[Annotated[str, "Where it comes from: `api`, or the name of a source."]]
    lines: NotRequired[Annotated[Sequence[OrderedLine], "The order lines."]]
    refund_id: NotRequired[Annotated[Id, "The storefront's refund."]]
    at: NotRequired[Annotated[Instant, "When it happened."]]
    taken_back: NotRequired[Annotated[Sequence[TakenBack], "What was taken back."]]
    not_taken_back: NotRequired[Annotated[Sequence[NotTakenBack], "What could not be taken back."]]
    owed: NotRequired[Annotated[Credits, "Credits that were spent and would have been taken back."]]
    within_guarantee: NotRequired[Annotated[bool, "Whether the policy's guarantee covers the refund."]]
    guarantee_ends_at: NotRequired[Annotated[Instant | None, "When the guarantee ends (exclusive)."]]
    clause: NotRequired[Clause]
    reading: NotRequired[Reading]
    dispute_id: NotRequired[Annotated[Id, "The dispute of the payment, by its id in the shop."]]
    state: NotRequired[Annotated[PaymentDisputeState, "How the dispute of the payment stands after it."]]
    action: NotRequired[Annotated[DisputeAction, "What the dispute of the payment does."]]
    credits: NotRequired[HowMany]


class LicenseEvent(TypedDict):
    """The data of `license.*`."""

    license_id: NotRequired[OwnLicenseId]
    order_id: NotRequired[OwnOrderId]
    line_id: NotRequired[OwnLineId]
    unit_no: NotRequired[Annotated[int, "Which unit of the line, from 1."]]
    sku: NotRequired[Annotated[str, "The offer."]]
    edition: NotRequired[Annotated[str | None, "The edition."]]
    ordinal: NotRequired[Annotated[int, "Which license of the account it is, from 1."]]
    ended_at: NotRequired[Annotated[Instant | None, "When it ended."]]
    reason: NotRequired[Why]
    covers: NotRequired[Annotated[Sequence[Id], "The covers that ended with it."]]


class AddonEvent(TypedDict):
    """The data of `addon.*`."""

    order_id: NotRequired[OwnOrderId]
    line_id: NotRequired[OwnLineId]
    addon: NotRequired[Annotated[str, "The add-on that was bought."]]


class CreditsEvent(TypedDict):
    """The data of `credits.*`."""

    credits: NotRequired[HowMany]
    credit_type: NotRequired[CreditType]
    balance: NotRequired[Balance]
    lot_id: NotRequired[Annotated[Id, "The lot."]]
    source: NotRequired[Annotated[LotSource, "Where the credits came from."]]
    expires_at: NotRequired[Annotated[Instant | None, "When the credits expire."]]
    days: NotRequired[Annotated[int, "How many days before."]]
    owed: NotRequired[Annotated[Credits, "Credits that are owed."]]
    below: NotRequired[Annotated[Credits, "The bound below which the shop is asked."]]
    sku: NotRequired[Annotated[Id, "What the shop is asked to sell."]]
    quantity: NotRequired[Annotated[int, "How many of it."]]
    forfeited: NotRequired[
        Annotated[Credits, "Credits that were given back and gone at once, since their lot had ended (ALL-4)."]
    ]
    hold_id: NotRequired[Annotated[Id | None, "The hold."]]
    ticket_id: NotRequired[TicketId]
    order_id: NotRequired[OrderId]
    line_id: NotRequired[LineId]
    license_id: NotRequired[LicenseId]
    breach_id: NotRequired[Annotated[Id | None, "The breach that they were granted for."]]
    interval: NotRequired[Interval]
    rule: NotRequired[Rule]
    clause: NotRequired[Clause]
    reading: NotRequired[Reading]
    reason: NotRequired[Why]


class LotEvent(TypedDict):
    """The data of `lot.*`."""

    lot_id: NotRequired[Annotated[Id, "The lot."]]
    credits: NotRequired[HowMany]
    credit_type: NotRequired[CreditType]
    refund: NotRequired[Annotated[Money | None, "The money to give back."]]
    override: NotRequired[Annotated[bool, "Whether it was the vendor's discretion."]]
    reason: NotRequired[Why]
    balance: NotRequired[Balance]


class CoverEvent(TypedDict):
    """The data of `cover.*`."""

    acting_agent: NotRequired[Acting]
    cover_id: NotRequired[Annotated[Id, "The cover."]]
    license_id: NotRequired[LicenseId]
    order_id: NotRequired[OrderId]
    line_id: NotRequired[LineId]
    state: NotRequired[Annotated[CoverState, "How the cover stands after it."]]
    starts_at: NotRequired[Annotated[Instant | None, "When it starts."]]
    ends_at: NotRequired[Annotated[Instant | None, "When it ends (exclusive)."]]
    ended_at: NotRequired[Annotated[Instant | None, "When it ended."]]
    levels: NotRequired[Annotated[Sequence[int], "The support levels."]]
    actions: NotRequired[Annotated[Sequence[str], "What the cover serves."]]
    plan: NotRequired[Annotated[str, "The plan that runs with it."]]
    seats: NotRequired[Annotated[int, "For how many people it is."]]
    before: NotRequired[Annotated[CoverSpan, "The period before."]]
    months: NotRequired[Annotated[int, "How many months."]]
    days: NotRequired[Annotated[int, "How many days before."]]
    covered_until: NotRequired[Annotated[Instant | None, "Until when the account is covered, later covers included."]]
    notices: NotRequired[Annotated[Sequence[Notice], "What the customer is to be told."]]
    rule: NotRequired[Rule]
    clause: NotRequired[Clause]
    reading: NotRequired[Reading]
    reason: NotRequired[Why]


class ChoiceEvent(TypedDict):
    """The data of `choice.*`."""

    choice_id: NotRequired[Annotated[Id, "The choice."]]
    license_id: NotRequired[LicenseId]
    order_id: NotRequired[OwnOrderId]
    options: NotRequired[Annotated[Sequence[str], "What can be chosen."]]
    option: NotRequired[Annotated[str, "The option that was taken."]]
    clause: NotRequired[Clause]
    reason: NotRequired[Why]


class TicketEvent(_From, _TicketStays):
    """The data of `ticket.*`."""

    ticket_id: NotRequired[OwnTicketId]
    acting_agent: NotRequired[Acting]
    contact_id: NotRequired[Annotated[Id | None, "Who asked, where a company pays; null once erased."]]
    state: NotRequired[Annotated[TicketState, "How the ticket stands after it."]]
    charge: NotRequired[Annotated[Charge, "What the ticket costs so far."]]
    balance: NotRequired[Balance]
    forfeited: NotRequired[
        Annotated[Credits, "Credits that were given back and gone at once, since their lot had ended (ALL-4)."]
    ]
    reasons: NotRequired[Reasons]
    number: NotRequired[Annotated[int, "Its number on the ticket, from 1."]]
    assessment: NotRequired[Annotated[EventAssessment, "The assessment."]]
    credit_type: NotRequired[CreditType]
    credits: NotRequired[HowMany]
    decision: NotRequired[Annotated[str | None, "What was decided, of a qualification or of a dispute."]]
    author: NotRequired[Annotated[Author, "Who wrote it."]]
    kind: NotRequired[Annotated[str | None, "Which kind of message, or of work, it is."]]
    kinds: NotRequired[Annotated[Sequence[str], "Which kinds of access."]]
    public: NotRequired[Annotated[bool, "Whether the customer sees it."]]
    automatic: NotRequired[Annotated[bool, "Whether a machine sent it."]]
    milestone: NotRequired[Annotated[str, "The milestone that was reached; the policy names the milestones."]]
    deadline_at: NotRequired[Annotated[Instant | None, "Until when; null on a calendar that opens no more."]]
    party: NotRequired[Annotated[ClockParty, "Who is waited for."]]
    ended_by: NotRequired[Annotated[str | None, "What ended it by itself: `answer`, `until` or `silence`."]]
    outcome: NotRequired[Annotated[str | None, "How it ended; the policy names the outcomes."]]
    cause: NotRequired[Annotated[str | None, "What the problem was; the policy names the causes."]]
    previous_cause: NotRequired[Annotated[str | None, "The cause before."]]
    returned: NotRequired[Annotated[Credits, "Credits that were given back."]]
    captured: NotRequired[Annotated[Credits, "Credits that were taken."]]
    not_captured: NotRequired[Annotated[Credits, "Credits that were not there to be taken."]]
    minutes: NotRequired[Annotated[int, "Minutes of the line of work."]]
    billable: NotRequired[Annotated[bool, "Whether the line of work is charged."]]
    corrects: NotRequired[Annotated[int | None, "The line of work that it takes the place of."]]
    price: NotRequired[Annotated[Credits | None, "What the ticket comes to."]]
    into: NotRequired[Annotated[Id, "The ticket that it became part of."]]
    child: NotRequired[Annotated[Id, "The ticket that was split off it."]]
    by: NotRequired[Annotated[str | None, "Who or what decided."]]
    clause: NotRequired[Clause]
    reason: NotRequired[Why]


class ClockEvent(TypedDict):
    """The data of `clock.*`."""

    clock_id: NotRequired[Annotated[Id, "The clock."]]
    ticket_id: NotRequired[OwnTicketId]
    milestone: NotRequired[Annotated[str, "What the clock waits for; the policy names the milestones."]]
    team: NotRequired[Annotated[str, "The vendor's team that owes it to the others."]]
    cycle: NotRequired[Annotated[int, "Which cycle of the clock it is, from 1."]]
    window_date: NotRequired[Annotated[Day | None, "The business day, for a clock of each day."]]
    at: NotRequired[Annotated[Instant, "The ideal instant, whenever it was found."]]
    due_at: NotRequired[Annotated[Instant | None, "When it is due."]]
    outcome: NotRequired[Annotated[ClockOutcome | None, "What became of the promise."]]
    calendar_revision: NotRequired[Annotated[int | None, "The revision of the calendar it was computed by."]]
    tzdb_version: NotRequired[Annotated[str | None, "The version of the zone database it was computed by."]]
    breach_id: NotRequired[Annotated[Id, "Names the breach, so that its retraction can be matched."]]
    level: NotRequired[Annotated[int, "Which reminder it is, from 1."]]
    notify: NotRequired[Annotated[Sequence[str], "Who is to be notified, by the names of the policy."]]
    old: NotRequired[Annotated[Instant | None, "When it was due before."]]
    new: NotRequired[Annotated[Instant | None, "When it is due now."]]
    cause: NotRequired[Annotated[str | None, "Why it moved."]]
    number: NotRequired[Annotated[int, "Which judgement of the clock it is, from 1."]]
    changed: NotRequired[Annotated[bool, "Whether it came out otherwise."]]
    clause: NotRequired[Clause]
    reason: NotRequired[Why]


class GrantReviewEvent(TypedDict):
    """The data of `grant_review`."""

    kind: NotRequired[Annotated[str, "Which kind of grant."]]
    subject: NotRequired[Annotated[Id, "The grant."]]
    license_id: NotRequired[OwnLicenseId]
    order_id: NotRequired[OwnOrderId]
    line_id: NotRequired[OwnLineId]
    rule: NotRequired[Annotated[str, "The rule of the policy."]]
    clause: NotRequired[Clause]
    ordinal: NotRequired[Annotated[int, "Which license of the account it is, from 1."]]
    reason: NotRequired[Why]


class AgendaEvent(TypedDict):
    """The data of `agenda.*`."""

    kind: NotRequired[Annotated[str, "Which kind of work."]]
    subject: NotRequired[Annotated[Id, "What it is about."]]
    code: NotRequired[Annotated[str, "The code of the problem that it met."]]
    failures: NotRequired[Annotated[int, "How often it failed so far."]]
    retry_at: NotRequired[Annotated[Instant, "When it is tried again."]]


class CustomerEvent(_From):
    """The data of `customer.*`."""

    into: NotRequired[Annotated[Id, "The customer that it became part of."]]
    acting_agent: NotRequired[Acting]
    members: NotRequired[Annotated[Sequence[str], "The members of the customer that were replaced."]]


class PublishedEvent(TypedDict):
    """The data of `calendar.*` and `policy.*`."""

    name: NotRequired[Annotated[str, "Its name."]]
    version: NotRequired[Annotated[int, "Its version."]]
    effective_from: NotRequired[Annotated[str, "From when it is in force."]]


class TenantEvent(TypedDict):
    """The data of `tenant.*`."""

    address: NotRequired[Annotated[str | None, "Where calls of the tenant go from now on."]]


class WebhookTestEvent(TypedDict):
    """The data of `webhook.test`."""

    name: NotRequired[Annotated[str, "A word to try it with."]]


DATA: Final[Mapping[str, Any]] = {
    "order": OrderEvent,
    "license": LicenseEvent,
    "addon": AddonEvent,
    "credits": CreditsEvent,
    "lot": LotEvent,
    "cover": CoverEvent,
    "choice": ChoiceEvent,
    "ticket": TicketEvent,
    "clock": ClockEvent,
    "grant_review": GrantReviewEvent,
    "agenda": AgendaEvent,
    "customer": CustomerEvent,
    "calendar": PublishedEvent,
    "policy": PublishedEvent,
    "tenant": TenantEvent,
    "webhook": WebhookTestEvent,
}
"""Noun of a type of events -> the shape of its data."""


_NOUNS: Final = {
    noun: NotRequired[Annotated[shape, f"Of `{noun}.*`: its facts; null for others."]] for noun, shape in DATA.items()
}
EVENT_DATA: Final[Any] = TypedDict("EventData", _NOUNS)  # type: ignore[misc]
"""The data of any event, under its noun: so two nouns may have a member of one name and of two types."""
EVENT_DATA.__doc__ = "The facts of an event, under its noun; the others are null."


def noun_of(name: str) -> str:
    """Return the noun of a type of events."""
    return name.partition(".")[0]


def data_of(type_: EventType) -> Any:
    """Return the shape of the data of an event's type."""
    return DATA[noun_of(type_.type)]


def _always() -> dict[str, frozenset[str]]:
    """Return, for each shape, the members that every event of its nouns has."""
    found: dict[str, frozenset[str]] = {}
    for type_ in EVENT_TYPES.values():
        name = shapes.name_of(data_of(type_))
        found[name] = found.get(name, frozenset(type_.required)) & frozenset(type_.required)
    return found


ALWAYS: Final[Mapping[str, frozenset[str]]] = _always()
"""Shape of events' data -> the members that are there in each of them."""


def members_of(type_: EventType) -> list[Member]:
    """Return the members that the data of a type has; those that are not always there are not required."""
    known = {member.name: member for member in shapes.members(data_of(type_))}
    return [
        Member(name.rstrip("?"), known[name.rstrip("?")].kind, not name.endswith("?"), known[name.rstrip("?")].about)
        for name in type_.fields
    ]


class CarriedData(TypedDict):
    """What the `data` of a webhook's body holds besides that of its type."""

    customer_id: NotRequired[Annotated[Id | None, "The customer; null once erased, or for none."]]
    sequence: NotRequired[Annotated[int, "Rises by one or more with each event of this customer."]]
    position: NotRequired[Annotated[int, "The place in the feed."]]
