"""The ticket: a support request under the helpdesk's own id, as the fold of append-only events.

Each event of the stream ``ticket`` says what happened (its kind) and what it changed. ``set`` replaces fields, ``add``
appends to a list, ``change`` alters one entry of a list by its number. So the fold is one small function, and the row's
cached document is the fold by construction. All values are JSON: instants are RFC 3339 texts (`wire.iso`), because the
document is what is stored. Names, the subject and external ids stand in the row only, never in an event (decision
0008).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from itertools import repeat
from typing import Any, Final, Literal, TypeVar, cast, get_args

from app.domain.tickets.ticket_lists import (
    AccessRequest,
    Assessment,
    CauseCorrection,
    Dispute,
    PaidBy,
    Pause,
    ReachedMilestone,
    Response,
)
from app.domain.tickets.work_line import WorkLine
from app.domain.values.agent import Agent
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId, TicketId
from app.domain.values.wire import copied, iso, parse_iso

State = Literal[
    "needs_facts",
    "awaiting_qualification",
    "awaiting_assessment",
    "awaiting_choice",
    "awaiting_confirmation",
    "awaiting_credits",
    "in_progress",
    "resolved",
    "rejected",
    "withdrawn",
]
STATES: Final[tuple[State, ...]] = get_args(State)
UNDECIDED: Final[tuple[State, ...]] = STATES[:6]
OPEN: Final[tuple[State, ...]] = STATES[:7]
CLOSED: Final[tuple[State, ...]] = STATES[7:]
CHANNELS: Final = ("helpdesk", "email", "contact_form", "forum", "phone")

Action = Literal[
    "open",
    "state_details",
    "accept",
    "reject",
    "assess",
    "confirm",
    "decline",
    "respond",
    "request_access",
    "grant_access",
    "miss_access",
    "pause",
    "resume",
    "fall_silent",
    "merge",
    "absorb",
    "reach",
    "apply_credit",
    "expire_credit",
    "withdraw",
    "split",
    "resolve",
    "reopen",
    "dispute",
    "decide_dispute",
    "correct_cause",
    "work",
]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
NEW: Final = "new"

_ADMITTED: Final[tuple[State, ...]] = (*UNDECIDED, "in_progress", "rejected")
_ASSESSED: Final[tuple[State, ...]] = (
    "in_progress",
    "awaiting_confirmation",
    "awaiting_credits",
    "awaiting_choice",
    "needs_facts",
    "rejected",
)


def _lifecycle() -> dict[tuple[str, Action], tuple[State, ...]]:
    table: dict[tuple[str, Action], tuple[State, ...]] = {(NEW, "open"): _ADMITTED}
    for state in UNDECIDED:
        table[state, "state_details"] = _ADMITTED
        table[state, "reject"] = ("rejected",)
        table[state, "expire_credit"] = ("rejected",)
    table["in_progress", "state_details"] = ("in_progress",)
    table["in_progress", "reject"] = ("resolved",)
    for state in ("needs_facts", "awaiting_qualification"):
        table[state, "accept"] = ("in_progress",)
    assessable: tuple[State, ...] = ("awaiting_assessment", "awaiting_credits", "needs_facts", "awaiting_confirmation")
    for state in assessable:
        table[state, "assess"] = tuple(dict.fromkeys((*_ASSESSED, state)))
    table["in_progress", "assess"] = ("in_progress", "awaiting_confirmation")
    table["awaiting_confirmation", "confirm"] = ("in_progress",)
    table["awaiting_confirmation", "decline"] = ("in_progress", "withdrawn")
    for state in ("needs_facts", "awaiting_credits", "awaiting_choice"):
        table[state, "apply_credit"] = _ADMITTED
    for state in ("needs_facts", "awaiting_qualification", "in_progress"):
        table[state, "request_access"] = (state,)
    for state in OPEN:
        table[state, "grant_access"] = (state,)
        table[state, "miss_access"] = ("resolved",)
        for same in cast(tuple[Action, ...], ("respond", "pause", "resume", "split", "reach")):
            table[state, same] = (state,)
        table[state, "withdraw"] = ("withdrawn",)
        table[state, "merge"] = ("withdrawn",)
        table[state, "absorb"] = (state,)
    for state in CLOSED:
        table[state, "respond"] = (state,)  # what was written before it was closed
    table["in_progress", "resolve"] = ("resolved",)
    table["in_progress", "fall_silent"] = ("resolved",)
    table["resolved", "grant_access"] = ("resolved",)  # given in time, and told after the deadline
    table["resolved", "reopen"] = ("in_progress",)
    table["resolved", "dispute"] = ("resolved",)
    table["resolved", "decide_dispute"] = ("resolved",)
    table["resolved", "correct_cause"] = ("resolved",)
    for state in cast(tuple[State, ...], ("in_progress", "awaiting_confirmation", "resolved")):
        table[state, "work"] = (state,)  # what was done before it was resolved may be told later
    return table


LIFECYCLE: Final[Mapping[tuple[str, Action], tuple[State, ...]]] = _lifecycle()
"""(state, action) -> the states it may lead to; an absent pair is refused. ``new``: the ticket is not there yet."""


def must_allow(state: str, action: Action) -> None:
    """Refuses an action that the state does not allow: ``ticket_closed`` when it is closed, else ``wrong_state``."""
    if (state, action) in LIFECYCLE:
        return
    allowed_in = sorted({from_ for from_, what in LIFECYCLE if what == action})
    code = "ticket_closed" if state in CLOSED else "wrong_state"
    raise DomainError(code, state=state, action=action, allowed_in=allowed_in)


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A ticket as it stands: a working copy that only `apply` changes.

    ``price``: the credits in force, None while none is; ``paid_by``: ``credits``, ``cover``, ``nobody`` or None (open).
    ``accepted_at``: since when it is served. ``fired``: the clock triggers that have gone off.
    """

    ticket_id: TicketId
    external_id: str
    customer_id: CustomerId
    """Our id of the customer whose account pays."""
    subject: str
    payload_hash: str = ""
    person_id: CustomerId | None = None
    """Our id of who asked, where a company's account pays; None: the customer of the account itself."""
    person_name: str | None = None
    """The vendor's id of that person as it is now; None once erased."""
    policy_name: str = ""
    policy_version: int = 1
    state: str = NEW
    version: int = 0
    opened_at: str = ""
    updated_at: str = ""
    accepted_at: str | None = None
    resolved_at: str | None = None
    closed_at: str | None = None
    channel: str | None = None
    language: str | None = None
    license_id: str | None = None
    product: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    category: str | None = None
    inputs: dict[str, int] = field(default_factory=dict)
    agreed_up_to: int | None = None
    pay_with: str | None = None
    credit_type: str | None = None
    asks: list[str] = field(default_factory=list)
    reasons: list[dict[str, Any]] = field(default_factory=list)
    remedies: list[dict[str, Any]] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    recommendation: dict[str, Any] | None = None
    qualification: dict[str, Any] | None = None
    price: int | None = None
    paid_by: PaidBy | None = None
    cover_id: str | None = None
    charge: dict[str, int] = field(default_factory=lambda: {"held": 0, "captured": 0, "refunded": 0, "net": 0})
    credit_applied_at: str | None = None
    credit_expires_at: str | None = None
    service_at: str | None = None
    confirmation_expires_at: str | None = None
    assessments: list[Assessment] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    access_requests: list[AccessRequest] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    outcome: str | None = None
    cause: str | None = None
    returned_for_cause: int | None = None
    """Credits returned for the cause and not taken again; None on tickets resolved before this was kept."""
    cause_corrections: list[CauseCorrection] = field(default_factory=list)
    milestones: list[ReachedMilestone] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    opened_by: Literal["vendor", "customer"] = "customer"
    external_url: str | None = None
    requester: str | None = None
    """Who asked, in the helpdesk's own words."""
    metadata: dict[str, Any] = field(default_factory=dict)
    acting_agent: Agent | None = None
    """Who acted for the vendor last, where the call said so."""
    customer_wrote_at: str | None = None
    """Since when a ticket that the vendor opened owes a first response."""
    merged_into: str | None = None
    merged_ids: list[str] = field(default_factory=list)
    parent_id: str | None = None
    child_ids: list[str] = field(default_factory=list)
    reopened: int = 0
    reopened_at: str | None = None
    reopening_reason: str | None = None
    priority: str | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    """What each count of the policy came to when the ticket was last decided, without itself."""
    opening: dict[str, Any] | None = None
    """How the calendar stood at the opening, where prices depend on it."""
    reserved: int | None = None
    """What is held for work to come, where time is charged."""
    returned_before: int = 0
    """What an earlier ending gave back of the price of work, before a reopening."""
    work: list[WorkLine] = field(default_factory=list)
    fired: list[str] = field(default_factory=list)

    @property
    def undecided(self) -> bool:
        """Whether nobody has accepted, rejected or closed it yet."""
        return self.state in UNDECIDED

    @property
    def closed(self) -> bool:
        """Whether it is resolved, rejected or withdrawn."""
        return self.state in CLOSED

    @property
    def owes_first_response(self) -> bool:
        """Whether the customer has written; the vendor's own ticket owes nothing before."""
        return self.opened_by == "customer" or self.customer_wrote_at is not None

    @property
    def done(self) -> list[str]:
        """What has happened that stops a promise, since the ticket was opened or reopened: it is not owed again."""
        since = self.reopened_at or self.opened_at
        answered = any(
            entry["author"] == "vendor"
            and entry["public"]
            and not entry.get("automatic")
            and parse_iso(entry["occurred_at"]) >= parse_iso(since)
            for entry in self.responses
        )
        stops = (("vendor_response", answered), ("qualification", self.accepted_at is not None))
        return [trigger for trigger, happened in stops if happened]

    @property
    def related(self) -> list[str]:
        """Our ids of the tickets it names."""
        named = [*self.child_ids, *self.merged_ids, self.parent_id, self.merged_into]
        return [name for name in named if name is not None]

    @property
    def quote(self) -> Assessment | None:
        """The newest assessment that waits for consent, credits or facts."""
        waiting = [assessment for assessment in self.assessments if assessment["status"] in _WAITING]
        return waiting[-1] if waiting else None

    @property
    def in_force(self) -> Assessment | None:
        """The assessment whose price stands."""
        found = [assessment for assessment in self.assessments if assessment["status"] == "in_force"]
        return found[-1] if found else None

    def assessment(self, number: int) -> Assessment:
        """The assessment of that number; 404 ``assessment_not_found``."""
        return _numbered(self.assessments, number, "assessment_not_found")

    def access_request(self, number: int) -> AccessRequest:
        """The access request of that number; 404 ``access_request_not_found``."""
        return _numbered(self.access_requests, number, "access_request_not_found")

    def cause_correction(self, number: int) -> CauseCorrection:
        """The correction of that number; 404 ``entry_not_found``."""
        return _numbered(self.cause_corrections, number, "entry_not_found")

    def dispute(self, number: int) -> Dispute:
        """The dispute of that number; 404 ``dispute_not_found``."""
        return _numbered(self.disputes, number, "dispute_not_found")

    def document(self) -> dict[str, Any]:
        """What the row keeps: everything but the subject and the outer ids, which have columns of their own.

        A member that came after 0.1.0 is left out while it has its default. So a process of the version before can read
        the row during an upgrade.
        """
        members = ((name, getattr(self, name)) for name in _IN_DOCUMENT)
        return {name: copied(value) for name, value in members if name not in _LATER or value != _LATER[name]}


IN_EVENTS: Final = ("external_url",)
"""Members that every event of a ticket carries as they stand; events of earlier versions do not."""
_WAITING: Final = ("awaiting_confirmation", "awaiting_credits", "pending")
E = TypeVar("E", bound=Mapping[str, Any])
_IN_ROW: Final = ("external_id", "customer_id", "subject", "payload_hash", "person_id", "person_name")
_IN_DOCUMENT: Final = tuple(field_.name for field_ in fields(Ticket) if field_.name not in _IN_ROW)
_LATER: Final[Mapping[str, Any]] = {
    "external_url": None,
    "milestones": [],
    "priority": None,
    "counts": {},
    "opening": None,
    "reserved": None,
    "returned_before": 0,
    "work": [],
    "requester": None,
    "metadata": {},
    "acting_agent": None,
}
"""Members that came after 0.1.0, with their defaults."""
_FIELDS: Final = frozenset(field_.name for field_ in fields(Ticket)) - {"ticket_id", *_IN_ROW}


_STORED: Final = _FIELDS | {"ticket_id"}


def _maker(member: Field[Any]) -> Callable[[], Any]:
    """Return what makes the value of a member that a row leaves out."""
    if member.default_factory is not MISSING:
        return member.default_factory
    return lambda: member.default


_MADE: Final[Mapping[str, Callable[[], Any]]] = {
    member.name: _maker(member)
    for member in fields(Ticket)
    if member.default is not MISSING or member.default_factory is not MISSING
}
"""What makes each member that has a default."""


def _numbered(entries: Iterable[E], number: int, code: str) -> E:
    for entry in entries:
        if entry["number"] == number:
            return entry
    raise DomainError(code, number=number)


def from_document(
    document: Mapping[str, Any],
    *,
    external_id: str,
    customer_id: str,
    subject: str,
    payload_hash: str,
    person_id: str | None = None,
    person_name: str | None = None,
) -> Ticket:
    """The ticket from its row. A member that only a later version knows is passed over.

    It is made member by member, without the constructor, which costs a ticket of a list as much as reading it does.
    """
    ticket: Ticket = object.__new__(Ticket)
    known = document if document.keys() <= _STORED else {name: document[name] for name in _STORED & document.keys()}
    deque(map(setattr, repeat(ticket), known, known.values()), maxlen=0)
    for name in _MADE.keys() - document.keys():
        setattr(ticket, name, _MADE[name]())
    ticket.external_id = external_id
    ticket.customer_id = CustomerId(customer_id)
    ticket.subject = subject
    ticket.payload_hash = payload_hash
    ticket.person_id = None if person_id is None else CustomerId(person_id)
    ticket.person_name = person_name
    return ticket


def apply(ticket: Ticket, payload: Mapping[str, Any], *, seq: int, occurred_at: datetime) -> None:
    """Folds one event into the ticket; the only thing that changes one."""
    for name, value in payload.get("set", {}).items():
        setattr(ticket, _known(name), copied(value))
    for name, item in payload.get("add", {}).items():
        getattr(ticket, _known(name)).append(copied(item))
    for name, changes in payload.get("change", {}).items():
        entries = getattr(ticket, _known(name))
        for number, values in changes.items():
            _numbered(entries, int(number), "entry_not_found").update(copied(values))
    ticket.version = seq
    # What is told late does not turn time back.
    if not ticket.updated_at or occurred_at > parse_iso(ticket.updated_at):
        ticket.updated_at = iso(occurred_at)


def _known(name: str) -> str:
    if name not in _FIELDS:
        raise KeyError(f"a ticket has no {name}")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One event of the stream as read back."""

    seq: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str | None
    payload: Mapping[str, Any]


def fold(
    facts: Iterable[Fact],
    *,
    ticket_id: TicketId,
    customer_id: CustomerId,
    external_id: str,
    subject: str,
    payload_hash: str = "",
    person_id: CustomerId | None = None,
    person_name: str | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Ticket | None:
    """The ticket as it stood at ``as_of`` by what was recorded by ``known_at``; None when it was not there yet."""
    ticket = Ticket(
        ticket_id=ticket_id,
        customer_id=customer_id,
        external_id=external_id,
        subject=subject,
        payload_hash=payload_hash,
        person_id=person_id,
        person_name=person_name,
    )
    found = False
    for fact in sorted(facts, key=lambda fact: fact.seq):
        if as_of is not None and fact.occurred_at > as_of:
            continue
        if known_at is not None and fact.recorded_at > known_at:
            continue
        apply(ticket, fact.payload, seq=fact.seq, occurred_at=fact.occurred_at)
        found = True
    return ticket if found else None


def lifecycle_table() -> str:
    """The lifecycle as a Markdown table, for ``docs/lifecycles.md``."""
    lines = ["| state | action | leads to |", "|---|---|---|"]
    order = {name: at for at, name in enumerate((NEW, *STATES))}
    pairs = sorted(LIFECYCLE, key=lambda pair: (order[pair[0]], ACTIONS.index(pair[1])))
    for state, action in pairs:
        targets = LIFECYCLE[state, action]
        lines.append(f"| `{state}` | {action.replace('_', ' ')} | {', '.join(f'`{target}`' for target in targets)} |")
    return "\n".join(lines) + "\n"
