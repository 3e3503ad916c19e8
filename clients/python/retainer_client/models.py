"""The shapes of the contract. Made by `python -m scripts.sdk` from the contract; do not edit."""

from __future__ import annotations

from typing import Any, Literal, Union

from typing_extensions import NotRequired, TypedDict


class AccessBody(TypedDict):
    """The access that is needed, and by when."""

    acting_agent: NotRequired[ActingAgentBody | None]
    kinds: list[str]
    deadline_at: NotRequired[str | None]


class AccessRequest(TypedDict):
    """Access that the customer owes."""

    number: int
    kinds: list[str]
    deadline_at: str | None
    requested_at: str
    granted_at: str | None
    missed_at: str | None
    cancelled_at: str | None
    acting_agent: NotRequired[ActingAgent]


class ActingAgent(TypedDict):
    """A person of the vendor."""

    id: str
    name: NotRequired[str | None]


class ActingAgentBody(TypedDict):
    """A person of the vendor, by the helpdesk's id."""

    id: str
    name: NotRequired[str | None]


class Addon(TypedDict):
    """An add-on that was bought."""

    addon: str
    order_id: str
    line_id: str
    placed_at: str
    voided_at: str | None


class Adjustment(TypedDict):
    """A balance corrected by hand."""

    adjustment_id: str | None
    customer_id: str | None
    credits: int
    credit_type: str
    reason: str | None
    at: str
    lot: Lot | None
    balance: Amounts


class AdjustmentBody(TypedDict):
    """+n grants, -n takes; never zero. ``metadata`` is kept with the lot that is granted."""

    credits: int
    reason: str
    credit_type: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    metadata: NotRequired[MetadataObject | None]


class Amounts(TypedDict):
    """The credits of one type after a call."""

    available: int
    held: int


class Api(TypedDict):
    """How the shop itself is asked, for reconciliation and for what its deliveries leave out. Never shown again."""

    base_url: NotRequired[str | None]
    key: str
    secret: NotRequired[str | None]


class ApiKey(TypedDict):
    """A key; the key itself is shown once, when it is made."""

    key_id: str
    label: str
    scopes: list[str]
    live: bool
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    options: NotRequired[JsonObject]
    key: NotRequired[str]
    replaces: NotRequired[str]


class ApiKeyPage(TypedDict):
    """A page of a list."""

    data: list[ApiKey]
    next_cursor: str | None


class Assessment(TypedDict):
    """A quote in the numbered history."""

    number: int
    category: str | None
    inputs: IntegerMap
    credits: int
    list_credits: int | None
    status: AssessmentStatus
    reason: str | None
    outside_list: bool
    clause: str | None
    reading: bool
    at: str
    by: str | None
    decided_at: str | None
    steps: NotRequired[list[PriceStep]]
    surviving: NotRequired[int]
    up_to: NotRequired[int | None]
    acting_agent: NotRequired[ActingAgent]


class AssessmentBody(TypedDict):
    """A quote. ``credits`` where the list names none, or with a ``reason`` outside the list."""

    acting_agent: NotRequired[ActingAgentBody | None]
    category: NotRequired[str | None]
    inputs: NotRequired[InputsObject]
    credits: NotRequired[int | None]
    reason: NotRequired[str | None]
    occurred_at: NotRequired[str | None]


class AuditEntry(TypedDict):
    """Who did what."""

    audit_id: str
    at: str
    actor: str | None
    action: str
    subject: str
    data: JsonObject


class AuditEntryPage(TypedDict):
    """A page of a list."""

    data: list[AuditEntry]
    next_cursor: str | None


class Balance(TypedDict):
    """What can be spent, and the first 100 of the lots it is in."""

    customer_id: str
    unit: str | None
    at: str
    known_at: NotRequired[str]
    available: int
    held: int
    shown: NotRequired[BalanceShown]
    owed: int
    disputed: int
    lots: list[Lot]
    by_type: dict[str, TypeBalance]
    totals: BalanceTotals
    next_cursor: str | None


class BalanceShown(TypedDict):
    """What can be spent, as people write time: `1 h 15 min`."""

    available: str
    held: str


class BalanceSummary(TypedDict):
    """A balance in brief."""

    unit: str | None
    available: int
    held: int
    disputed: int
    by_type: dict[str, Amounts]


class BalanceTotals(TypedDict):
    """A balance over all lots."""

    available: int
    held: int
    lots: int


class BatchBody(TypedDict):
    """Up to 1,000 commands, independent of one another."""

    commands: list[JsonObject]


class BatchItem(TypedDict):
    """One command's result."""

    idempotency_key: str | None
    status: int
    code: str | None
    replayed: NotRequired[bool]
    result: Hold | Adjustment | None
    problem: NotRequired[Problem]


class Breach(TypedDict):
    """A promise that was not kept."""

    breach_id: str
    cycle: int
    window_date: str | None
    due_at: str | None
    at: str
    retracted_at: str | None


class BrokenInvariant(TypedDict):
    """What breaks an invariant of the ledger."""

    invariant: str
    subject: str
    expected: str
    found: str


class Calendar(TypedDict):
    """Hours of operation: dated versions, closures."""

    name: str
    zone: str
    notice_days: int
    revision: int
    calendar_revision: int | None
    tzdb_version: str
    created_at: str
    updated_at: str
    versions: list[VersionInBrief]


class CalendarBody(TypedDict):
    """A calendar: its zone (an IANA name) and how many days before it takes effect a closure is announced."""

    zone: str
    notice_days: NotRequired[int]


class CalendarException(TypedDict):
    """What is different on one date."""

    date: str
    kind: ExceptionKind
    name: NotRequired[str | None]
    source: NotRequired[str | None]
    hours: NotRequired[list[list[str]] | None]


class CalendarPreview(TypedDict):
    """What publishing does, or would do, to open clocks. Lists hold the first hundred; the counts are whole."""

    open_clocks: int
    moved: int
    earlier: int
    later: int
    would_breach_count: int
    never_due_count: int
    complete: bool
    moves: list[ClockMove]
    would_breach: list[ClockMove]
    never_due: list[ClockMove]
    reopened_days: NotRequired[list[Closure]]
    reopened_count: NotRequired[int]


class CalendarRow(TypedDict):
    """Hours of operation, as lists of calendars show them."""

    name: str
    zone: str
    notice_days: int
    revision: int
    calendar_revision: int | None
    tzdb_version: str
    created_at: str
    updated_at: str


class CalendarRowPage(TypedDict):
    """A page of a list."""

    data: list[CalendarRow]
    next_cursor: str | None


class CalendarVersion(TypedDict):
    """A dated version of a calendar."""

    calendar: str
    revision: int
    effective_from: str
    weekly_hours: WeeklyHours
    exceptions: list[CalendarException]
    closure_rules: JsonObject
    correction: bool
    whole_shifts: bool
    reason: str | None
    library_version: str
    announced_at: str
    published_at: str | None
    reopened_days: NotRequired[list[Closure]]
    reopened_count: NotRequired[int]
    preview: NotRequired[CalendarPreview]


class CalendarVersionBody(TypedDict):
    """A version from a local date on. What is left out is inherited from the version that holds on that date. ``whole_shifts``: hours from 00:00 belong to the business day before, where that ends at 24:00 and neither day is open all day."""

    effective_from: str
    weekly_hours: NotRequired[dict[str, list[list[str]]] | dict[str, list[list[str]]]]
    exceptions: NotRequired[list[ExceptionBody] | None]
    closure_rules: NotRequired[dict[str, list[JsonObject]] | dict[str, list[JsonObject]]]
    correction: NotRequired[bool]
    reason: NotRequired[str | None]
    whole_shifts: NotRequired[bool]


class CalendarVersionPage(TypedDict):
    """A page of a list."""

    data: list[CalendarVersion]
    next_cursor: str | None


class CaptureBody(TypedDict):
    """What to take of a hold: all that is held unless told. ``final`` releases the rest, which else stays held."""

    credits: NotRequired[int | None]
    final: NotRequired[bool]


class CarriedData(TypedDict):
    """What the `data` of a webhook's body holds besides that of its type."""

    customer_id: NotRequired[str | None]
    sequence: NotRequired[int]
    position: NotRequired[int]


class CategoryPrice(TypedDict):
    """What a category costs, in credits."""

    kind: PriceKind
    credits: NotRequired[int]
    least: NotRequired[int]
    most: NotRequired[int]
    base: NotRequired[int]
    per: NotRequired[IntegerMap]
    amount: NotRequired[str]
    per_minutes: NotRequired[int]
    free_minutes: NotRequired[int]
    rounded: NotRequired[TimeRounded]
    up_to: NotRequired[int | None]


class CauseBody(TypedDict):
    """What the problem really was, and how that became known."""

    acting_agent: NotRequired[ActingAgentBody | None]
    cause: str
    reason: str


class CauseCorrection(TypedDict):
    """The cause as it turned out after all, and the credits that moved for it."""

    number: int
    cause: str
    previous_cause: str | None
    reason: str
    clause: str | None
    returned: int
    forfeited: int
    captured: int
    not_captured: int
    at: str
    by: str | None
    acting_agent: NotRequired[ActingAgent]


class Charge(TypedDict):
    """What a ticket has cost."""

    held: int
    captured: int
    refunded: int
    net: int
    shown: NotRequired[ChargeShown]


class ChargeShown(TypedDict):
    """What a ticket has cost, as people write time: `1 h 15 min`."""

    held: str
    captured: str
    refunded: str
    net: str


class ChargedTicket(TypedDict):
    """A row of the account page: a ticket, or a hold without one, and its charge."""

    credits: int
    kind: NotRequired[ChargeKind]
    ticket_id: str | None
    customer_id: NotRequired[str | None]
    hold_ids: NotRequired[list[str]]
    credit_type: NotRequired[str]
    held: NotRequired[int]
    captured: NotRequired[int]
    refunded: NotRequired[int]
    forfeited: NotRequired[int]
    disputed: NotRequired[bool]
    since: NotRequired[str | None]
    at: str | None
    clause: NotRequired[str | None]


class Check(TypedDict):
    """One question of the qualification, and its answer."""

    check: str
    result: CheckResult
    code: str
    clause: str
    on_fail: OnFail
    requirement: str | None


class Choice(TypedDict):
    """One of several grants, at the customer's choice."""

    choice_id: str
    customer_id: NotRequired[str | None]
    options: list[str]
    details: dict[str, ChoiceOption]
    open: bool
    option: str | None
    made_at: str | None
    voided_at: str | None
    opened_at: str
    license_id: str | None
    order_id: str
    line_id: str
    unit_no: int
    rule: str
    clause: str
    reading: bool
    lots: NotRequired[list[Lot]]
    covers: NotRequired[list[Cover]]


class ChoiceBody(TypedDict):
    """The option taken."""

    option: str


class ChoiceOption(TypedDict):
    """What an option of a choice would bring."""

    kind: GrantMeans
    credits: NotRequired[int | None]
    credit_type: NotRequired[str | None]
    term: NotRequired[Term | None]
    term_text: NotRequired[str | None]
    start: NotRequired[CoverStart | None]


class ChoicePage(TypedDict):
    """A page of a list."""

    data: list[Choice]
    next_cursor: str | None


class Clock(TypedDict):
    """A promised time of a ticket, and how it stands."""

    clock_id: str
    ticket_id: str
    milestone: str
    target: str
    party: Party
    phase: ClockPhase
    outcome: ClockOutcome
    ticking: bool
    cycle: int
    started_at: str | None
    due_at: str | None
    never_due: str | None
    remaining_business_seconds: int | None
    overdue_business_seconds: int | None
    consumed_seconds: int
    window_date: str | None
    stopped_at: str | None
    pauses: list[ClockPause]
    warnings: list[ClockWarning]
    reminders: list[ClockReminder]
    windows: list[Window]
    ledger: TimeLedger
    breaches: list[Breach]
    calendar: str
    calendar_revision: int | None
    tzdb_version: str | None
    policy_version: int
    clause: str
    reading: bool
    team: NotRequired[str]
    judgements: NotRequired[list[ClockJudgement]]


class ClockBody(TypedDict):
    """``real`` unless it is a sandbox; a sandbox says where its time begins."""

    mode: NotRequired[ClockMode]
    now: NotRequired[str | None]


class ClockJudgement(TypedDict):
    """An ended clock judged anew on request; the earlier judgement stands beside it."""

    clock_id: str
    number: int
    reason: str
    before: Judgement
    after: Judgement
    changed: bool
    judged_at: str
    actor: str | None


class ClockMove(TypedDict):
    """An open clock that a new version of its calendar moves."""

    clock_id: str
    ticket_id: str | None
    milestone: str
    old_due_at: str | None
    new_due_at: str | None


class ClockPage(TypedDict):
    """A page of a list."""

    data: list[Clock]
    next_cursor: str | None


class ClockPause(TypedDict):
    """A stretch in which a clock stands."""

    reason: str | None
    party: Party
    since: str
    until: str | None


class ClockReminder(TypedDict):
    """A reminder of a promise that was missed."""

    at: str
    level: int
    fired: bool


class ClockWarning(TypedDict):
    """A warning before a promise falls due."""

    at: str
    rule: int
    fired: bool


class Closure(TypedDict):
    """A closed or half day; `hours` are those that a half day stays open."""

    date: str
    reasons: list[str]
    kind: ClosureKind
    hours: list[list[str]]
    sources: NotRequired[list[str]]


class ClosurePage(TypedDict):
    """The closed and half days of a span."""

    data: list[Closure]
    next_cursor: str | None
    calendar_revision: int


class ComparedBody(TypedDict):
    """A draft to compare with a version of the policy: the one in force, unless fields."""

    document: str | JsonObject
    version: NotRequired[int | None]


class ConfirmationBody(TypedDict):
    """The customer's answer to a quote."""

    acting_agent: NotRequired[ActingAgentBody | None]
    accept: bool


class ContactsBody(TypedDict):
    """The people whom a company names. It replaces who was named."""

    acting_agent: NotRequired[ActingAgentBody | None]
    contacts: list[str]


class Cover(TypedDict):
    """A period or a level of support without credits."""

    cover_id: str
    customer_id: NotRequired[str | None]
    state: CoverState
    starts_at: str | None
    ends_at: str | None
    remaining_seconds: int | None
    term: Term | None
    term_text: str | None
    start: CoverStart
    scope: Scope
    levels: list[int]
    actions: list[str]
    free: bool
    plan: str | None
    seats: int | None
    license_id: str | None
    order_id: str | None
    line_id: str | None
    granted_at: str
    suspended_at: str | None
    suspensions: int
    suspended_seconds: int
    voided_at: str | None
    rule: str
    clause: str
    reading: bool


class CoverPage(TypedDict):
    """A page of a list."""

    data: list[Cover]
    next_cursor: str | None


class CoverPauseBody(TypedDict):
    """Why; optional."""

    acting_agent: NotRequired[ActingAgentBody | None]
    reason: NotRequired[str | None]


class CreditBatch(TypedDict):
    """The results of a batch, in order."""

    results: list[BatchItem]


class CreditBody(TypedDict):
    """A credit for an open ticket."""

    acting_agent: NotRequired[ActingAgentBody | None]
    credit_type: str
    response: NotRequired[CreditResponse | None]


class CreditResponse(TypedDict):
    """The response that brings a credit."""

    author: NotRequired[Author]
    kind: NotRequired[ResponseKind]
    public: NotRequired[bool]
    occurred_at: NotRequired[str | None]


class Customer(TypedDict):
    """The vendor's customer account: what a sidebar shows, the first 100 rows of each list."""

    name: str | None
    emails: list[str]
    external_ids: StringMap
    company_id: str | None
    metadata: JsonObject
    customer_id: str
    created_at: str
    at: str
    contacts: list[str]
    licenses: list[License]
    covers: list[Cover]
    balance: BalanceSummary
    lots: list[Lot]
    choices: list[Choice]
    addons: list[Addon]
    recurring_grants: NotRequired[list[RecurringGrant]]
    facts: JsonObject
    open_tickets: list[OpenTicket]
    totals: CustomerTotals
    next_cursor: str | None
    merged_from: NotRequired[str]


class CustomerBody(TypedDict):
    """What is known of a person or a company. It replaces what was known; what is left out is empty then."""

    acting_agent: NotRequired[ActingAgentBody | None]
    name: NotRequired[str | None]
    emails: NotRequired[list[str]]
    external_ids: NotRequired[dict[str, Any]]
    company_id: NotRequired[str | None]
    metadata: NotRequired[MetadataObject]


class CustomerExport(TypedDict):
    """All that is kept about a customer, row by row. The names of columns are no promise."""

    external_ids: list[JsonObject]
    licenses: list[JsonObject]
    covers: list[JsonObject]
    choices: list[JsonObject]
    addons: list[JsonObject]
    orders: list[JsonObject]
    refunds: list[JsonObject]
    payment_disputes: list[JsonObject]
    accounts: list[JsonObject]
    lots: list[JsonObject]
    holds: list[JsonObject]
    operations: list[JsonObject]
    tickets: list[JsonObject]
    clocks: list[JsonObject]
    clock_outcomes: list[JsonObject]
    history: list[JsonObject]
    events: list[JsonObject]
    agenda: list[JsonObject]
    commands: list[JsonObject]
    deliveries: list[JsonObject]
    hold_lines: list[JsonObject]
    entries: list[JsonObject]
    customer_id: str
    exported_at: str
    customer: ExportedCustomer


class CustomerRow(TypedDict):
    """A customer in a list: a person or a company."""

    name: str | None
    emails: list[str]
    external_ids: StringMap
    company_id: str | None
    metadata: JsonObject
    customer_id: str
    created_at: str


class CustomerRowPage(TypedDict):
    """A page of a list."""

    data: list[CustomerRow]
    next_cursor: str | None


class CustomerToken(TypedDict):
    """An opaque token for one customer; shown once."""

    token_id: str
    token: str
    customer_id: str
    may: TokenMay
    url: str
    expires_at: str


class CustomerTotals(TypedDict):
    """How many rows each list of a customer's page has in all, and the balance over all lots."""

    available: int
    held: int
    licenses: int
    covers: int
    lots: int
    choices: int
    addons: int
    open_tickets: int


class DebitBody(TypedDict):
    """Credits to take at once."""

    credits: int
    credit_type: NotRequired[str | None]
    ticket_id: NotRequired[str | None]
    license_id: NotRequired[str | None]
    category: NotRequired[str | None]
    lot_id: NotRequired[str | None]


class Decision(TypedDict):
    """An answer of the policy at an instant, with every reason."""

    allowed: bool
    at: str
    policy: PolicyVersion
    reasons: list[Reason]
    remedies: list[Remedy]
    trace: NotRequired[list[Reason]]
    summary: NotRequired[str]


class Delivery(TypedDict):
    """What a source delivered, and what became of it."""

    delivery_id: str
    source: str
    event_id: str
    topic: str | None
    subject: str | None
    state: DeliveryState
    reason: str | None
    detail: str | None
    attempts: int
    effects: DeliveryEffects | None
    review: list[ReviewItem]
    dismissal: Dismissal | None
    received_at: str
    finished_at: str | None
    erased_at: str | None
    body: NotRequired[str]


class DeliveryCounts(TypedDict):
    """How many deliveries of a source are in which state."""

    received: int
    done: int
    parked: int
    ignored: int
    dismissed: int


class DeliveryDispute(TypedDict):
    """A dispute of a payment that a delivery told of, in brief."""

    dispute_id: str
    state: PaymentDisputeState
    action: DisputeAction
    credits: int


class DeliveryEffects(TypedDict):
    """What a delivery brought about: of an order, or of a ticket."""

    customer_id: NotRequired[str]
    order_id: NotRequired[str]
    refund_id: NotRequired[str | None]
    not_granted: NotRequired[list[DeliveryNotGranted]]
    payment_disputes: NotRequired[list[DeliveryDispute]]
    correction: NotRequired[OrderCorrection]
    ticket_id: NotRequired[str]
    responses: NotRequired[list[str]]
    unrecorded: NotRequired[list[str]]


class DeliveryNotGranted(TypedDict):
    """A line that brought nothing, in brief."""

    line_id: str
    code: str
    clause: str | None


class DeliveryPage(TypedDict):
    """A page of a list."""

    data: list[Delivery]
    next_cursor: str | None


class DeliveryReceipt(TypedDict):
    """What the sender of a delivery is told."""

    received: bool
    delivery_id: NotRequired[str]
    duplicate: NotRequired[bool]
    ping: NotRequired[bool]


class DetailsBody(TypedDict):
    """What was missing or asked for."""

    acting_agent: NotRequired[ActingAgentBody | None]
    facts: NotRequired[MetadataObject]
    category: NotRequired[str | None]
    inputs: NotRequired[InputsObject | None]
    pay_with: NotRequired[str | None]
    license_id: NotRequired[str | None]
    agreed_up_to: NotRequired[int | None]
    external_url: NotRequired[str | None]
    priority: NotRequired[str | None]
    requester: NotRequired[str | None]
    metadata: NotRequired[MetadataObject | None]


class Dismissal(TypedDict):
    """Why a person settled a parked delivery, and by which adjustment."""

    reason: NotRequired[str]
    adjustment_id: str | None
    by: str | None
    at: str


class DismissalBody(TypedDict):
    """Why a parked delivery is settled; ``adjustment_id``: the correction by hand that settled it."""

    reason: str
    adjustment_id: NotRequired[str | None]


class Dispute(TypedDict):
    """A charge that the customer thinks wrong."""

    number: int
    reason: str | None
    clause: str
    opened_at: str
    charge: int
    decision: DisputeDecision | None
    credits: int | None
    returned: int
    forfeited: int
    cause: str | None
    reasons: list[Reason]
    decided_at: str | None
    by: str | None
    acting_agent: NotRequired[ActingAgent]


class DisputeBody(TypedDict):
    """Why the charge is thought wrong."""

    acting_agent: NotRequired[ActingAgentBody | None]
    reason: NotRequired[str | None]


class DisputeDecisionBody(TypedDict):
    """``credits`` is the new charge, below the old one."""

    acting_agent: NotRequired[ActingAgentBody | None]
    decision: DisputeDecision
    credits: NotRequired[int | None]
    cause: NotRequired[str | None]


class DisputedLine(TypedDict):
    """Units of a line whose payment is disputed."""

    line_id: str
    quantity: int


class DocumentDifference(TypedDict):
    """One thing that two documents say differently."""

    path: str
    change: DocumentChange
    words: str


class DraftBody(TypedDict):
    """A draft to look at; nothing is written."""

    document: str | JsonObject


class EndpointBody(TypedDict):
    """Where to, and what: event types, `noun.*` or `*`; with a customer, only this customer's events."""

    url: str
    event_types: NotRequired[list[str]]
    customer_id: NotRequired[str | None]
    description: NotRequired[str]


class EndpointChanges(TypedDict):
    """What changes. `enabled: true` goes on where it stopped; `skip_missed` gives up what waits. `customer_id: null`: events of all customers again."""

    url: NotRequired[str]
    event_types: NotRequired[list[str]]
    customer_id: NotRequired[str | None]
    description: NotRequired[str]
    enabled: NotRequired[bool]
    skip_missed: NotRequired[bool]


class Entitlement(TypedDict):
    """What a customer may do, decided by the policy."""

    customer_id: str
    action: str
    allowed: bool
    at: str
    policy: PolicyVersion
    reasons: list[Reason]
    remedies: list[Remedy]
    trace: NotRequired[list[Reason]]
    summary: NotRequired[str]


class EntryPage(TypedDict):
    """A page of a list."""

    data: list[Entry]
    next_cursor: str | None


class Erasure(TypedDict):
    """A customer whose names were removed."""

    customer_id: str
    erased: bool
    erased_at: str


class Event(TypedDict):
    """Something that happened. `position` orders a tenant's events, `sequence` a customer's."""

    id: str
    type: str
    sequence: int | None
    position: int | None
    customer_id: str | None
    occurred_at: str
    recorded_at: str
    data: JsonObject


class EventPage(TypedDict):
    """A page of the feed."""

    data: list[Event]
    next_cursor: str | None
    position: int


class ExceptionBody(TypedDict):
    """What is different on one date."""

    date: str
    kind: ExceptionKind
    name: NotRequired[str | None]
    source: NotRequired[str | None]
    hours: NotRequired[list[list[str]] | None]


class ExplainedAssessment(TypedDict):
    """An assessment in a sentence."""

    number: int
    category: str | None
    inputs: IntegerMap
    credits: int
    list_credits: int | None
    status: AssessmentStatus
    reason: str | None
    outside_list: bool
    clause: str | None
    reading: bool
    at: str
    by: str | None
    decided_at: str | None
    steps: NotRequired[list[PriceStep]]
    surviving: NotRequired[int]
    up_to: NotRequired[int | None]
    acting_agent: NotRequired[ActingAgent]
    summary: str


class ExplainedCalendar(TypedDict):
    """The calendar that a clock was counted on."""

    name: str
    zone: str
    revision: int | None
    tzdb_version: str | None


class ExplainedClock(TypedDict):
    """A clock of an explained ticket, in brief."""

    clock_id: str
    milestone: str
    due_at: str | None
    outcome: ClockOutcome
    summary: str
    clause: str | None


class ExplainedClockEvent(TypedDict):
    """An event that a due time rests on."""

    seq: int
    kind: str
    occurred_at: str
    recorded_at: str
    reason: NotRequired[str]
    party: NotRequired[str]
    target: NotRequired[str]
    corrects: NotRequired[int]
    corrected_occurred_at: NotRequired[str]
    calendar_revision: NotRequired[int]
    tzdb_version: NotRequired[str]
    edition: NotRequired[int]


class ExplainedGrant(TypedDict):
    """Something that an order line brought."""

    granted: GrantedThing
    id: str | None
    rule: str | None
    clause: str | None
    reading: bool
    facts: JsonObject


class ExplainedOffer(TypedDict):
    """The offer that an order line bought."""

    sku: str
    clause: str


class ExplainedRule(TypedDict):
    """A rule that a step looked at: a check of a ticket's qualification, or a rule of an offer."""

    clause: str | None
    reading: bool
    summary: NotRequired[str]
    check: NotRequired[str]
    result: NotRequired[CheckResult]
    code: NotRequired[str]
    on_fail: NotRequired[OnFail]
    requirement: NotRequired[str | None]
    rule: NotRequired[str]
    kind: NotRequired[GrantKind]
    granted: NotRequired[bool]
    line_id: NotRequired[str]
    unit_no: NotRequired[int]
    policy_version: NotRequired[int]
    facts: NotRequired[JsonObject]


class Explanation(TypedDict):
    """Why something stands as it does: the whole trace of a stored decision, charge or due time. What stands beside `summary`, `trace` and `clauses` depends on `kind`."""

    kind: ExplanationKind
    id: str
    policy: PolicyVersion
    summary: str
    trace: list[ExplanationStep]
    ticket_id: NotRequired[str]
    state: NotRequired[TicketState]
    reasons: NotRequired[list[Reason]]
    charge: NotRequired[Charge]
    assessment: NotRequired[Assessment]
    clocks: NotRequired[list[ExplainedClock]]
    ledger: NotRequired[list[LedgerStep]]
    placed_at: NotRequired[str]
    received_at: NotRequired[str]
    notices: NotRequired[list[Notice]]
    answer: NotRequired[OrderRefund]
    at: NotRequired[str]
    rule: NotRequired[str | None]
    clause: NotRequired[str | None]
    reading: NotRequired[bool]
    order_id: NotRequired[str | None]
    line_id: NotRequired[str | None]
    source: NotRequired[LotSource]
    origin_lot_id: NotRequired[str | None]
    reason: NotRequired[str | None]
    credit_type: NotRequired[str]
    granted: NotRequired[int]
    expires_at: NotRequired[str | None]
    spending_order: NotRequired[SpendingOrder]
    due_at: NotRequired[str | None]
    clock: NotRequired[Clock]
    business_seconds: NotRequired[int]
    consumed: NotRequired[list[ConsumedStretch]]
    skipped: NotRequired[list[Closure]]
    more_consumed: NotRequired[int]
    more_skipped: NotRequired[int]
    calendar: NotRequired[ExplainedCalendar]
    events: NotRequired[list[ExplainedClockEvent]]
    clauses: list[PolicyClause]


class ExplanationStep(TypedDict):
    """One step of a trace. What stands beside its summary depends on what is explained."""

    step: str
    summary: str
    clause: str | None
    at: NotRequired[str]
    recorded_at: NotRequired[str]
    by: NotRequired[str | None]
    result: NotRequired[JsonObject]
    facts: NotRequired[JsonObject]
    rules: NotRequired[list[ExplainedRule]]
    reasons: NotRequired[list[Reason]]
    would_change: NotRequired[list[str]]
    remedies: NotRequired[list[Remedy]]
    assessments: NotRequired[list[ExplainedAssessment]]
    recommendation: NotRequired[Recommendation]
    qualification: NotRequired[QualificationMade]
    operations: NotRequired[list[str]]
    line_id: NotRequired[str]
    sku: NotRequired[str]
    offer: NotRequired[ExplainedOffer | None]
    granted: NotRequired[list[ExplainedGrant]]
    not_granted: NotRequired[list[NotGranted]]
    reading: NotRequired[bool]
    reason: NotRequired[str | None]
    hold_id: NotRequired[str | None]
    moves: NotRequired[list[ExplainedMove]]
    operation_id: NotRequired[str]
    credit_type: NotRequired[str]
    ticket_id: NotRequired[str | None]
    order_id: NotRequired[str | None]


class ExportedCustomer(TypedDict):
    """What is kept of the customer."""

    surrogate_id: str
    profile: JsonObject
    company_id: str | None
    facts: JsonObject
    last_at: str | None


class ExtensionBody(TypedDict):
    """How many months, and why."""

    acting_agent: NotRequired[ActingAgentBody | None]
    months: int
    reason: str


class FeedBody(TypedDict):
    """A holiday feed, as text."""

    feed: str


class FeedDraft(TypedDict):
    """What a feed of closed days says, to be reviewed and published as exceptions."""

    calendar: str
    published: bool
    exceptions: list[CalendarException]
    repeating: list[RepeatingClosure]
    ignored: list[IgnoredClosure]
    next_step: str


class GiveBackBody(TypedDict):
    """What to give back: all there is unless told."""

    credits: NotRequired[int | None]
    reason: NotRequired[str | None]


class GrantDecision(TypedDict):
    """Whether a rule of the policy granted something to a line."""

    line_id: str
    unit_no: int
    rule: str
    kind: GrantKind
    granted: bool
    clause: str
    reading: bool
    facts: JsonObject
    policy_version: int


class HealthWarning(TypedDict):
    """Something that keeps no call from being served and should be looked at."""

    check: HealthCheck
    detail: str


class Hold(TypedDict):
    """Credits reserved, and what became of them."""

    hold_id: str
    customer_id: str | None
    credit_type: str
    kind: HoldKind
    state: HoldState
    credits: int
    held: int
    captured: int
    released: int
    refunded: int
    ticket_id: str | None
    created_at: str
    expires_at: str | None
    lots: list[HoldLine]
    balance: NotRequired[Amounts]


class HoldBody(TypedDict):
    """Credits to reserve. ``lot_id``: from this lot and nothing else. ``license_id`` and ``category`` open the lots of that license and those kept for that category."""

    credits: int
    credit_type: NotRequired[str | None]
    ticket_id: NotRequired[str | None]
    license_id: NotRequired[str | None]
    category: NotRequired[str | None]
    lot_id: NotRequired[str | None]
    expires_at: NotRequired[str | None]


class HoldLine(TypedDict):
    """What a hold took of a lot."""

    lot_id: str
    credits: int
    captured: int
    released: int
    refunded: int


class HoldPage(TypedDict):
    """A page of a list."""

    data: list[Hold]
    next_cursor: str | None


class IgnoredClosure(TypedDict):
    """What was left out of a feed of closed days, and why."""

    name: str
    start: str
    why: str
    exceptions: NotRequired[list[CalendarException]]
    closure_rule: NotRequired[JsonObject]


class Judgement(TypedDict):
    """How a clock was judged, and on which calendar."""

    due_at: str | None
    outcome: ClockOutcome
    breaches: list[Breach]
    calendar_revision: int | None
    tzdb_version: str | None


class JudgementBody(TypedDict):
    """Why an ended clock is judged anew, e.g. a calendar that was wrong and has been corrected."""

    reason: str


class KeyBody(TypedDict):
    """What a key may do, and until when."""

    scopes: list[str]
    label: NotRequired[str]
    expires_at: NotRequired[str | None]
    options: NotRequired[MetadataObject]


class KeyRotationBody(TypedDict):
    """How long the old key goes on beside its successor."""

    overlap_seconds: NotRequired[int]


class LedgerAudit(TypedDict):
    """Every broken invariant of the ledger; empty `data` is the promise."""

    data: list[BrokenInvariant]
    at: str
    checked: list[str]
    next_cursor: str | None


class LedgerStep(TypedDict):
    """An operation of the ledger, and the credits that it moved."""

    step: str
    summary: str
    clause: str | None
    at: str
    reading: bool
    reason: str | None
    hold_id: str | None
    moves: list[ExplainedMove]
    operation_id: str
    credit_type: str
    recorded_at: str
    ticket_id: str | None
    order_id: str | None


class License(TypedDict):
    """A product right that a customer holds."""

    license_id: str
    customer_id: NotRequired[str | None]
    sku: str
    edition: str | None
    order_id: str
    line_id: str
    unit_no: int
    ordinal: int
    first_order: bool
    placed_at: str
    active: bool
    registered_domain: str | None
    registered_at: str | None
    ended_at: str | None
    ended_reason: LicenseEnd | None
    covers: NotRequired[list[Cover]]


class LicensePage(TypedDict):
    """A page of a list."""

    data: list[License]
    next_cursor: str | None


class LineBody(TypedDict):
    """A line. Absent: ``unit_price`` the offer's price, ``list_price`` no discount."""

    line_id: str
    sku: str
    quantity: NotRequired[int]
    unit_price: NotRequired[MoneyBody | str | None]
    list_price: NotRequired[MoneyBody | str | None]
    attributes: NotRequired[MetadataObject]


class ListedOrder(TypedDict):
    """An order in a list, without what it granted."""

    order_id: str
    customer_id: str | None
    state: OrderState
    payment_state: PaymentState
    placed_at: str
    received_at: str
    currency: str
    source: str
    lines: list[OrderLine]
    not_granted: list[NotGranted]
    policy: PolicyVersion


class ListedOrderPage(TypedDict):
    """A page of a list."""

    data: list[ListedOrder]
    next_cursor: str | None


class Liveness(TypedDict):
    """That a process answers."""

    status: HealthStatus


class Lot(TypedDict):
    """Credits granted together, with one expiry and source. `granted` = available + held + spent + expired_credits + voided."""

    lot_id: str
    source: LotSource
    credit_type: str
    granted: int
    available: int
    held: int
    disputed: int
    spent: int
    expired: bool
    expired_credits: int
    voided: int
    effective_at: str
    expires_at: str | None
    scope: Scope
    categories: NotRequired[list[str]]
    order_id: str | None
    line_id: str | None
    unit_no: int
    license_id: str | None
    origin_lot_id: str | None
    cost: Money | None
    policy_version: int
    rule: str
    clause: str | None
    reading: bool
    reason: str | None
    metadata: JsonObject
    interval: NotRequired[int]
    customer_id: NotRequired[str | None]


class LotMetadataBody(TypedDict):
    """What is kept beside the lot; it replaces what was."""

    metadata: MetadataObject


class LotRefundBody(TypedDict):
    """``override``: the vendor's discretion, with the scope ``credits:refund`` and a reason."""

    override: NotRequired[bool]
    reason: NotRequired[str | None]


class Mapped(TypedDict):
    """What a shop's product is here."""

    sku: str
    attributes: NotRequired[dict[str, Any]]
    plan_change: NotRequired[PlanChange]


class MappedProduct(TypedDict):
    """What a shop's product is here."""

    sku: str
    attributes: JsonObject
    plan_change: NotRequired[PlanChange]


class MergeBody(TypedDict):
    """The account that remains."""

    acting_agent: NotRequired[ActingAgentBody | None]
    into_customer_id: str


class MilestoneBody(TypedDict):
    """A milestone of the policy's own, and when it was reached."""

    acting_agent: NotRequired[ActingAgentBody | None]
    milestone: str
    occurred_at: NotRequired[str | None]


class Modification(TypedDict):
    """A row of the account page: credits that came, or went without a charge."""

    credits: int
    kind: ModificationKind
    operation: NotRequired[OperationKind]
    source: NotRequired[LotSource | None]
    credit_type: NotRequired[str]
    lot_id: NotRequired[str]
    order_id: NotRequired[str | None]
    ticket_id: str | None
    expires_at: NotRequired[str | None]
    at: str | None
    reason: NotRequired[str | None]
    clause: NotRequired[str | None]
    reading: NotRequired[bool]


class Money(TypedDict):
    """An amount with its currency."""

    amount: str
    currency: str


class MoneyBody(TypedDict):
    """Money that is not negative."""

    amount: str
    currency: str


class MoveBody(TypedDict):
    """A step of a tenant's move to another server, or its end."""

    state: MoveState
    address: NotRequired[str | None]


class MoveFacts(TypedDict):
    """What decided the place of a lot in the order of spending."""

    expires_at: str | None
    priority: int
    source: LotSource
    paid: bool


class NotApplied(TypedDict):
    """A surcharge that does not apply to a price."""

    surcharge: str
    clause: str
    would_change: str | None


class NotGranted(TypedDict):
    """What a line did not bring, and why."""

    line_id: str
    code: str
    clause: str
    message: str
    facts: JsonObject
    reading: bool


class NotTakenBack(TypedDict):
    """Something of an order that could not be taken back, since it was used or has run out."""

    kind: GrantKind
    line_id: str
    lot_id: NotRequired[str]
    spent: NotRequired[int]
    held: NotRequired[int]
    expired: NotRequired[int]
    cover_id: NotRequired[str]
    state: NotRequired[CoverState]
    ends_at: NotRequired[str | None]
    customer_id: NotRequired[str | None]


class Notice(TypedDict):
    """What the customer is to be told with an order."""

    notice: str
    clause: str
    text: str
    ends_at: str | None
    reading: bool


class OccurredBody(TypedDict):
    """When it happened, where it is told late."""

    acting_agent: NotRequired[ActingAgentBody | None]
    occurred_at: NotRequired[str | None]


class Offer(TypedDict):
    """Something that can be bought, priced for a customer."""

    sku: str
    title: str
    kind: OfferKind
    edition: str | None
    sku_pattern: bool
    price: Money | None
    price_steps: list[OfferStep]
    price_tiers: list[OfferTier]
    tier_mode: TierMode | None
    price_per_credit: Money | None
    price_clause: str | None
    grants: list[OfferGrant]
    clause: str
    available: bool
    reasons: list[Reason]


class OfferGrant(TypedDict):
    """Something that an offer grants."""

    kind: OfferedGrant
    rule: str
    clause: str
    reading: bool
    credits: NotRequired[int | None]
    credit_type: NotRequired[str]
    expires_after: NotRequired[Term | None]
    expires_clause: NotRequired[str | None]
    scope: NotRequired[Scope]
    categories: NotRequired[list[str]]
    term: NotRequired[Term | None]
    start: NotRequired[CoverStart]
    levels: NotRequired[list[int]]
    actions: NotRequired[list[str]]
    free: NotRequired[bool]
    plan: NotRequired[str | None]
    seats: NotRequired[int | None]
    options: NotRequired[dict[str, OptionGrant]]
    applies: bool


class OfferPage(TypedDict):
    """A page of a list."""

    data: list[Offer]
    next_cursor: str | None


class OfferStep(TypedDict):
    """One step of an offer's price. The steps add up to the price."""

    step: OfferStepKind
    amount: Money
    summary: str
    clause: str | None
    reading: bool


class OfferTier(TypedDict):
    """A step of a price by tiers."""

    up_to: int | None
    each: str
    flat: str | None


class OpenTicket(TypedDict):
    """A ticket under way, in brief."""

    ticket_id: str
    customer_id: str | None
    state: TicketState
    category: str | None
    subject: str
    license_id: str | None
    opened_at: str
    updated_at: str


class Opening(TypedDict):
    """Whether an instant is business time."""

    calendar_revision: int
    tzdb_version: str
    open: bool
    next_opening: str | None
    next_close: str | None
    at: str


class OperatorLinkBody(TypedDict):
    """How long the link waits."""

    minutes: NotRequired[int]


class OperatorSignInLink(TypedDict):
    """A link that opens one session of the operator's; shown once."""

    url: str
    expires_at: str


class OptionGrant(TypedDict):
    """What an option of a choice grants."""

    kind: OfferedGrant
    rule: str
    clause: str
    reading: bool
    credits: NotRequired[int | None]
    credit_type: NotRequired[str]
    expires_after: NotRequired[Term | None]
    expires_clause: NotRequired[str | None]
    scope: NotRequired[Scope]
    categories: NotRequired[list[str]]
    term: NotRequired[Term | None]
    start: NotRequired[CoverStart]
    levels: NotRequired[list[int]]
    actions: NotRequired[list[str]]
    free: NotRequired[bool]
    plan: NotRequired[str | None]
    seats: NotRequired[int | None]


class Options(TypedDict):
    """How deliveries are read. ``ids``: ``own`` where the sender's ids are ours already. ``unmapped``: what becomes of products that nobody has mapped. ``guests`` is ``joined`` where the shop gives a buyer without an account a new id each time. The buyer is then known by a hash of the e-mail address or telephone number. ``test_orders``: a real tenant takes play money too. ``sandbox``: all that comes is of the shop's test environment, where its deliveries do not say so. ``subscriptions``: payments of subscriptions and invoices are read although no product of them is mapped. ``categories``: helpdesk group -> category; ``priorities``: priority there -> priority, whatever the case of its name; ``customer_field``: where the helpdesk keeps our customer id."""

    ids: NotRequired[SourceIds]
    unmapped: NotRequired[Unmapped]
    guests: NotRequired[Guests]
    test_orders: NotRequired[bool]
    sandbox: NotRequired[bool]
    subscriptions: NotRequired[bool]
    customer_field: NotRequired[str | None]
    categories: NotRequired[CategoriesObject]
    priorities: NotRequired[CategoriesObject]


class Order(TypedDict):
    """An order of the storefront: what it granted and why, what it did not and why."""

    order_id: str
    customer_id: str | None
    state: OrderState
    placed_at: str
    currency: str
    licenses: list[License]
    lots: list[Lot]
    covers: list[Cover]
    choices: list[Choice]
    addons: list[Addon]
    recurring_grants: NotRequired[list[RecurringGrant]]
    not_granted: list[NotGranted]
    notices: list[Notice]
    decisions: list[GrantDecision]
    lines: list[OrderLine]
    policy: PolicyVersion
    metadata: JsonObject
    payment_state: NotRequired[PaymentState]
    refunds: NotRequired[list[OrderRefund]]
    payment_disputes: NotRequired[list[PaymentDispute]]


class OrderBody(TypedDict):
    """An order as it was placed."""

    customer_id: str
    placed_at: str
    currency: NotRequired[str]
    lines: list[LineBody]
    metadata: NotRequired[MetadataObject]


class OrderCorrection(TypedDict):
    """What a shop's change of an order came to."""

    taken_back: list[TakenBack]
    not_taken_back: list[NotTakenBack]
    owed: int


class OrderLine(TypedDict):
    """A line of an order."""

    line_id: str
    sku: str
    quantity: int
    policy_version: int


class OrderRefund(TypedDict):
    """What a refund took back, and what it could not."""

    customer_id: NotRequired[str | None]
    order_id: str
    refund_id: str
    state: RefundState
    at: NotRequired[str]
    reason: str | None
    lines: list[RefundLine]
    taken_back: NotRequired[list[TakenBack]]
    not_taken_back: NotRequired[list[NotTakenBack]]
    owed: NotRequired[int]
    within_guarantee: NotRequired[bool]
    guarantee_ends_at: NotRequired[str | None]
    clause: NotRequired[str | None]
    reading: NotRequired[bool]
    pending: NotRequired[bool]
    undone: NotRequired[UndoneRefund]


class OrderRefundPage(TypedDict):
    """A page of a list."""

    data: list[OrderRefund]
    next_cursor: str | None


class PauseBody(TypedDict):
    """Why vendor clocks stand, and who is waited for. ``until``: it ends by itself then."""

    acting_agent: NotRequired[ActingAgentBody | None]
    reason: str
    party: NotRequired[str | None]
    until: NotRequired[str | None]
    occurred_at: NotRequired[str | None]


class PaymentDispute(TypedDict):
    """A dispute of an order's payment, and what it did."""

    dispute_id: str
    state: PaymentDisputeState
    action: DisputeAction
    lines: list[DisputedLine]
    credits: int
    amount: Money | None
    refund_id: str | None
    opened_at: str
    updated_at: str
    clause: str | None
    reading: bool


class Policy(TypedDict):
    """The vendor's support terms in force, with every name a caller may use."""

    name: str
    title: str
    version: int
    effective_from: str | None
    format: int
    vendor: str
    source: str
    currency: str
    term_zone: str
    unit: PolicyUnit | None
    clauses: list[PolicyClause]
    categories: list[PolicyCategory]
    inputs: list[PolicyInput]
    channels: list[PolicyChannel]
    languages: list[PolicyLanguage]
    facts: list[PolicyFact]
    reasons: list[PolicyReason]
    causes: list[PolicyCause]
    outcomes: list[PolicyOutcome]
    milestones: list[PolicyMilestone]
    pause_reasons: list[PolicyPauseReason]
    credit_types: list[PolicyCreditType]
    actions: list[PolicyAction]
    offers: list[PolicyOffer]
    plans: list[PolicyPlan]
    labels: list[PolicyLabel]
    priorities: list[PolicyPriority]
    surcharges: list[PolicySurcharge]
    work_kinds: list[PolicyWorkKind]
    document: JsonObject
    versions: list[VersionRow]


class PolicyAction(TypedDict):
    """Something that a customer may be entitled to."""

    action: str
    title: str
    clauses: list[str]


class PolicyCategory(TypedDict):
    """A category of tickets."""

    category: str
    title: str
    price: CategoryPrice
    level: int | None
    confirm: bool
    inputs: list[str]
    clause: str | None
    reading: bool


class PolicyCause(TypedDict):
    """What a problem can turn out to be."""

    cause: str
    title: str
    returns: CauseReturns
    clause: str | None
    reading: bool


class PolicyChannel(TypedDict):
    """A way in which a ticket comes in."""

    channel: str
    clause: str | None
    reading: bool


class PolicyCheck(TypedDict):
    """What is wrong with a draft."""

    valid: bool
    problems: list[PolicyProblem]


class PolicyClause(TypedDict):
    """A clause of the policy."""

    clause: str
    text: str
    reading: bool
    source: str | None


class PolicyComparison(TypedDict):
    """What a draft says otherwise than a version of the policy, in words."""

    version: int
    differences: list[DocumentDifference]


class PolicyCreditType(TypedDict):
    """A type of credit."""

    credit_type: str
    title: str
    serves: list[str]
    includes: list[str]
    clause: str | None
    reading: bool


class PolicyDifference(TypedDict):
    """An order or a ticket that comes out otherwise under the draft."""

    kind: RehearsedKind
    id: str
    customer_id: str | None
    before: RehearsedThing
    after: RehearsedThing
    clauses: list[str]


class PolicyFact(TypedDict):
    """A fact that the policy asks about."""

    fact: str
    title: str
    type: FactType
    values: list[str]
    clause: str | None
    reading: bool


class PolicyInput(TypedDict):
    """A number that the price of a category needs."""

    input: str
    title: str
    category: str
    type: str
    minimum: int
    maximum: int
    clause: str | None


class PolicyLabel(TypedDict):
    """A word of the vendor's for the customer's page."""

    label: str
    text: str
    clause: str | None
    reading: bool


class PolicyLanguage(TypedDict):
    """A language that tickets may be in."""

    language: str
    clause: str | None
    reading: bool


class PolicyMilestone(TypedDict):
    """A promised time."""

    milestone: str
    target: str
    calendar: str
    applies: str | None
    party: PromiseParty
    starts: PromiseStart
    stops: list[PromiseStop]
    clause: str | None
    reading: bool


class PolicyOffer(TypedDict):
    """Something that can be bought, in brief."""

    sku: str
    title: str
    kind: OfferKind
    clause: str | None
    reading: bool


class PolicyOutcome(TypedDict):
    """How a ticket can end."""

    outcome: str
    title: str
    captures: bool
    clause: str | None
    reading: bool


class PolicyPauseReason(TypedDict):
    """A reason for which clocks may stand."""

    reason: str
    party: Party
    clause: str | None
    reading: bool


class PolicyPlan(TypedDict):
    """A plan that cover may be of."""

    plan: str
    title: str
    includes: list[str]
    pays: bool
    clause: str | None
    reading: bool


class PolicyPriority(TypedDict):
    """A priority that a ticket may have."""

    priority: str
    title: str
    clause: str | None
    reading: bool


class PolicyProblem(TypedDict):
    """A mistake in a draft, or something to look at."""

    path: str
    line: int
    column: int
    code: str
    message: str
    hint: str
    severity: Severity


class PolicyReason(TypedDict):
    """A reason that the policy's rules can give."""

    code: str
    message: str
    clause: str | None
    reading: bool


class PolicyRow(TypedDict):
    """A policy in a list."""

    name: str
    title: str
    version: int
    effective_from: str | None
    format: int


class PolicyRowPage(TypedDict):
    """A page of a list."""

    data: list[PolicyRow]
    next_cursor: str | None


class PolicySource(TypedDict):
    """A version's document as YAML."""

    version: int
    effective_from: str
    withdrawn_at: NotRequired[str]
    name: str
    source: str
    written: bool


class PolicySurcharge(TypedDict):
    """What changes a price where its condition holds."""

    surcharge: str
    title: str
    add: int | None
    times: str | None
    survives_bug: bool
    clause: str
    reading: bool


class PolicyUnit(TypedDict):
    """The vendor's words for credits."""

    one: str
    many: str
    minutes: NotRequired[int]


class PolicyVersion(TypedDict):
    """The version of the policy that decided."""

    name: str
    version: int


class PolicyVersionBody(TypedDict):
    """A new version, in force from ``effective_from`` (now, when absent)."""

    document: str | JsonObject
    effective_from: NotRequired[str | None]


class PolicyWorkKind(TypedDict):
    """A kind of work that a line of the work log may name."""

    kind: str
    title: str
    billable: bool
    clause: str | None
    reading: bool


class Price(TypedDict):
    """What a category costs, by which clause."""

    policy: PolicyVersion
    draft: bool
    category: str
    inputs: IntegerMap
    credits: int | None
    unit: str | None
    price: CategoryPrice
    least: int | None
    most: int | None
    outside_list: bool
    needs_confirmation: bool
    level: int | None
    clause: str | None
    reading: bool
    steps: list[PriceStep]
    surviving: int
    not_applied: list[NotApplied]
    shown: str | None
    means: PriceMeans | None


class PriceBody(TypedDict):
    """A question to the calculator."""

    category: str
    inputs: NotRequired[InputsObject]
    credits: NotRequired[int | None]
    customer_id: NotRequired[str | None]
    license_id: NotRequired[str | None]
    agreed_up_to: NotRequired[int | None]
    channel: NotRequired[str | None]
    product: NotRequired[str | None]
    priority: NotRequired[str | None]
    facts: NotRequired[MetadataObject]
    opened_at: NotRequired[str | None]
    work: NotRequired[list[WorkAskedBody]]
    document: NotRequired[str | JsonObject | None]


class PriceMeans(TypedDict):
    """What a customer has for a price in credits."""

    available: int
    overdraft_left: int
    limit_left: int | None
    decision: Decision


class PriceStep(TypedDict):
    """One step of a price. The steps add up to the price."""

    step: PriceStepKind
    surcharge: str | None
    credits: int
    summary: str
    clause: str | None
    reading: bool
    without: int | None
    would_change: str | None


class Problem(TypedDict):
    """A request that cannot be carried out. `code` is stable; `next_step` says what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    next_step: str
    instance: NotRequired[str]
    reasons: NotRequired[list[Reason]]
    remedies: NotRequired[list[Remedy]]
    policy: NotRequired[PolicyVersion]
    errors: NotRequired[list[FieldProblem]]
    facts: NotRequired[JsonObject]
    scope: NotRequired[str]
    address: NotRequired[str]


class ProblemEntry(TypedDict):
    """A code that a refusal can have."""

    code: str
    type: str
    status: int
    title: str
    cause: str
    next_step: str


class ProblemEntryPage(TypedDict):
    """A page of a list."""

    data: list[ProblemEntry]
    next_cursor: str | None


class PublishedPolicy(TypedDict):
    """A version of a policy that was published."""

    name: str
    title: str
    version: int
    effective_from: str | None
    format: int
    warnings: list[PolicyProblem]


class Qualification(TypedDict):
    """Whether a ticket is served, and who said so."""

    by_agent: bool
    state: QualificationState
    decision: Verdict | None
    checks: list[Check]
    recommendation: Recommendation | None
    reasons: list[Reason]
    by: str | None
    at: str | None
    note: str | None
    acting_agent: ActingAgent | None


class QualificationBody(TypedDict):
    """An agent's decision; codes are the policy's grounds."""

    acting_agent: NotRequired[ActingAgentBody | None]
    decision: Verdict
    reasons: NotRequired[list[str]]
    note: NotRequired[str | None]
    occurred_at: NotRequired[str | None]


class QualificationMade(TypedDict):
    """How a ticket was qualified."""

    decision: Verdict | None
    reasons: NotRequired[list[Reason]]
    by: str | None
    at: str | None
    note: NotRequired[str | None]


class ReachedMilestone(TypedDict):
    """A milestone that the helpdesk says is reached."""

    number: int
    milestone: str
    at: str
    by: str | None
    acting_agent: NotRequired[ActingAgent]


class Readiness(TypedDict):
    """That calls can be served."""

    status: HealthStatus
    warnings: list[HealthWarning]


class Reason(TypedDict):
    """One reason of an answer: a stable code, the clause it rests on, the facts used."""

    code: str
    clause: str | None
    message: str
    facts: JsonObject
    reading: bool
    would_change: NotRequired[str]
    summary: NotRequired[str]


class Recommendation(TypedDict):
    """What the rules advise the agent."""

    decision: Verdict
    reasons: list[Reason]


class RecurringGrant(TypedDict):
    """Credits that come again each interval."""

    grant_id: str
    line_id: str
    unit_no: int
    cover_id: str | None
    credits: int
    credit_type: str
    interval: Term
    at_renewal: Renewal
    rollover_max: int | None
    intervals_granted: int
    next_at: str | None
    ends_at: str | None
    rule: str
    clause: str


class RefundBody(TypedDict):
    """A refund; without lines the whole order."""

    refund_id: str
    lines: NotRequired[list[RefundLineBody]]
    reason: NotRequired[str | None]


class RefundLine(TypedDict):
    """Units of a line that were refunded."""

    line_id: str
    quantity: int | None
    by_lots: NotRequired[int]


class RefundLineBody(TypedDict):
    """So many units of a line; absent, all that is left of it."""

    line_id: str
    quantity: NotRequired[int | None]


class RefundQuote(TypedDict):
    """What unused credits bring back in money."""

    lot_id: str
    customer_id: str | None
    credits: int
    refund: Money
    basis: RefundBasis
    decision: Decision
    balance: NotRequired[Amounts]


class RegistrationBody(TypedDict):
    """Where it is installed."""

    domain: str


class RehearsalError(TypedDict):
    """Something that could not be run again."""

    run: RehearsalRun
    kind: str
    id: str
    step: str | None
    code: str


class Rehearsed(TypedDict):
    """How many things were run again."""

    replayed: int
    differ: int


class RehearsedCharge(TypedDict):
    """What a ticket would cost."""

    held: int
    net: int


class RehearsedGrant(TypedDict):
    """Something that an order would bring, or would not."""

    line_id: NotRequired[str | None]
    unit_no: NotRequired[int]
    credit_type: NotRequired[str]
    granted: NotRequired[int]
    expires_at: NotRequired[str | None]
    state: NotRequired[str]
    starts_at: NotRequired[str | None]
    ends_at: NotRequired[str | None]
    scope: NotRequired[str]
    levels: NotRequired[list[int]]
    actions: NotRequired[list[str]]
    details: NotRequired[JsonObject]
    option: NotRequired[str | None]
    categories: NotRequired[list[str]]
    plan: NotRequired[str | None]
    seats: NotRequired[int | None]
    credits: NotRequired[int]
    interval: NotRequired[Term]
    at_renewal: NotRequired[Renewal]
    rollover_max: NotRequired[int | None]
    code: NotRequired[str]


class RehearsedPromise(TypedDict):
    """A promise of a ticket, as far as is compared."""

    milestone: str
    team: NotRequired[str]
    calendar: str
    due_at: NotRequired[str]
    outcome: ClockOutcome
    missed: int


class RehearsedSum(TypedDict):
    """What orders and tickets come to in all."""

    credits_granted: int
    credits_charged: int
    credits_held: int
    prices: NotRequired[list[Money]]


class RehearsedThing(TypedDict):
    """How an order or a ticket comes out, as far as is compared."""

    refused: NotRequired[str]
    state: NotRequired[str]
    reasons: NotRequired[list[str]]
    asks: NotRequired[list[str]]
    price: NotRequired[int | None]
    paid_by: NotRequired[str | None]
    charge: NotRequired[RehearsedCharge]
    promises: NotRequired[list[RehearsedPromise]]
    granted: NotRequired[bool]
    licenses: NotRequired[int]
    lots: NotRequired[list[RehearsedGrant]]
    covers: NotRequired[list[RehearsedGrant]]
    choices: NotRequired[list[RehearsedGrant]]
    recurring_grants: NotRequired[list[RehearsedGrant]]
    not_granted: NotRequired[list[RehearsedGrant]]


class RehearsedTotals(TypedDict):
    """The sums under the policy and under the draft."""

    customers: int
    before: RehearsedSum
    after: RehearsedSum


class Remedy(TypedDict):
    """What the customer can do about it."""

    kind: str
    sku: NotRequired[str]
    price: NotRequired[Money | None]
    text: NotRequired[str]
    quantity: NotRequired[int]
    helps_at: NotRequired[str]
    credit_type: NotRequired[str]
    cover_id: NotRequired[str]
    attributes: NotRequired[JsonObject]


class ReopeningBody(TypedDict):
    """Why it is the same issue again; optional."""

    acting_agent: NotRequired[ActingAgentBody | None]
    reason: NotRequired[str | None]


class RepeatingClosure(TypedDict):
    """What repeats in a feed of closed days."""

    name: str
    start: str
    first: str
    last: str
    dates: int
    closure_rule: JsonObject | None


class ReportMoney(TypedDict):
    """An amount of a row: what it stands for, and its currency."""

    figure: str
    amount: str
    currency: str


class ReportRow(TypedDict):
    """A group of a report, or all of it."""

    by: StringMap
    figures: dict[str, int]
    money: list[ReportMoney]
    met_percent: NotRequired[str]


class ResolutionBody(TypedDict):
    """How it ended. ``result`` records facts found, such as ``hosting_certified``."""

    acting_agent: NotRequired[ActingAgentBody | None]
    outcome: NotRequired[str | None]
    cause: NotRequired[str | None]
    result: NotRequired[MetadataObject]
    occurred_at: NotRequired[str | None]


class Response(TypedDict):
    """A message on a ticket, as far as promises and charges care."""

    number: int
    author: Author
    kind: ResponseKind
    public: bool
    automatic: bool
    occurred_at: str
    recorded_at: str
    by: str | None
    acting_agent: NotRequired[ActingAgent]


class ResponseBody(TypedDict):
    """A message on the ticket. ``automatic``: sent by a machine; it meets no promise and answers nothing."""

    acting_agent: NotRequired[ActingAgentBody | None]
    author: Author
    kind: NotRequired[ResponseKind]
    public: NotRequired[bool]
    automatic: NotRequired[bool]
    occurred_at: NotRequired[str | None]


class ResumeBody(TypedDict):
    """Which reason is gone; none: all of them."""

    acting_agent: NotRequired[ActingAgentBody | None]
    reason: NotRequired[str | None]
    party: NotRequired[str | None]
    occurred_at: NotRequired[str | None]


class ReviewItem(TypedDict):
    """What a parked delivery asks a person: what is unclear, what the payload says, and what would settle it."""

    code: str
    unclear: str
    payload_says: JsonObject
    settled_by: list[str]


class SecretRotationBody(TypedDict):
    """How long deliveries are signed with the old secret too."""

    overlap_seconds: NotRequired[int]


class SetAside(TypedDict):
    """Something that fell due and failed: it stops nothing else and is tried again at `retry_at`."""

    kind: str
    subject: str
    code: str
    failures: int
    retry_at: str


class SignInLink(TypedDict):
    """A link that opens one session for a person of the vendor; shown once."""

    link_id: str
    url: str
    scopes: list[str]
    person: ActingAgent
    page: str
    expires_at: str


class SignInLinkBody(TypedDict):
    """Who signs in by a link, what for, and how long the link waits. ``page``: where it leads."""

    scopes: list[str]
    person: ActingAgentBody
    minutes: NotRequired[int]
    page: NotRequired[str]


class Source(TypedDict):
    """A shop or a helpdesk that is listened to; the token is shown when it is made."""

    name: str
    kind: SourceKind
    products: dict[str, MappedProduct | None]
    options: SourceOptions
    secrets: int
    api: bool
    version: int
    created_at: str
    updated_at: str
    deleted_at: NotRequired[str]
    deliveries: NotRequired[DeliveryCounts]
    last_delivery_at: NotRequired[str | None]
    secret: NotRequired[str]
    token: NotRequired[str]
    path: NotRequired[str]
    url: NotRequired[str]


class SourceBody(TypedDict):
    """A source. A secret that is absent stays as it is; two count at once while one replaces the other."""

    kind: SourceKind
    secret: NotRequired[str | None]
    secrets: NotRequired[list[str] | None]
    products: NotRequired[dict[str, Any]]
    options: NotRequired[Options]
    api: NotRequired[Api | None]
    new_token: NotRequired[bool]


class SourceOptions(TypedDict):
    """How deliveries are read. What is absent is as it is by default."""

    ids: NotRequired[SourceIds]
    unmapped: NotRequired[Unmapped]
    guests: NotRequired[Guests]
    test_orders: NotRequired[bool]
    sandbox: NotRequired[bool]
    subscriptions: NotRequired[bool]
    customer_field: NotRequired[str]
    categories: NotRequired[StringMap]
    priorities: NotRequired[StringMap]


class SourcePage(TypedDict):
    """A page of a list."""

    data: list[Source]
    next_cursor: str | None


class SpanBody(TypedDict):
    """A span of real time; `failed` sends what was not delivered, `all` everything. Repeat with `after`."""

    since: str
    until: NotRequired[str | None]
    which: NotRequired[Literal['failed', 'all']]
    after: NotRequired[int]


class SpendingOrder(TypedDict):
    """By which rule lots are spent."""

    clause: str | None
    rule: str
    reading: bool


class SplitBody(TypedDict):
    """The new ticket."""

    acting_agent: NotRequired[ActingAgentBody | None]
    ticket_id: str
    subject: NotRequired[str]


class Statement(TypedDict):
    """The account page in three parts, the first 100 rows of each. `totals` are over all rows: modifications - in progress - resolved = available."""

    customer_id: str
    unit: str | None
    at: str
    available: int
    balance_modifications: list[Modification]
    tickets_in_progress: list[ChargedTicket]
    resolved_tickets: list[ChargedTicket]
    labels: StringMap
    held: int
    totals: StatementTotals
    next_cursor: str | None


class StatementRows(TypedDict):
    """How many rows each part of the account page has in all."""

    balance_modifications: int
    tickets_in_progress: int
    resolved_tickets: int


class StatementTotals(TypedDict):
    """The credits of each part of the account page, over all its rows."""

    balance_modifications: int
    tickets_in_progress: int
    resolved_tickets: int
    rows: StatementRows


class SuspensionBody(TypedDict):
    """Whether the tenant's keys open nothing for now."""

    suspended: NotRequired[bool]
    reason: NotRequired[str | None]


class TakenBack(TypedDict):
    """Something of an order that was taken back."""

    kind: GrantKind
    line_id: str
    license_id: NotRequired[str]
    unit_no: NotRequired[int]
    lot_id: NotRequired[str]
    credit_type: NotRequired[str]
    credits: NotRequired[int]
    cover_id: NotRequired[str]
    state: NotRequired[CoverState]
    ends_at: NotRequired[str | None]
    choice_id: NotRequired[str]
    addon: NotRequired[str]
    customer_id: NotRequired[str | None]


class Tenant(TypedDict):
    """One vendor using the service."""

    tenant_id: str
    policy: str
    clock: TenantTime
    suspended: bool
    created_at: str


class TenantBody(TypedDict):
    """A tenant under one of the shipped policies, or under the one of its ``document``."""

    policy: str
    document: NotRequired[str | JsonObject | None]
    clock: NotRequired[ClockBody]


class TenantMove(TypedDict):
    """Where a tenant lives, seen from this server."""

    tenant_id: str
    state: MoveState
    address: str | None
    since: str | None


class TenantPage(TypedDict):
    """A page of a list."""

    data: list[Tenant]
    next_cursor: str | None


class TenantTime(TypedDict):
    """The tenant's own time."""

    mode: ClockMode
    now: NotRequired[str]
    fired: NotRequired[int]
    reached: NotRequired[bool]
    set_aside: NotRequired[list[SetAside]]


class Term(TypedDict):
    """A length of time by the calendar."""

    years: int
    months: int
    days: int


class TerminationBody(TypedDict):
    """When it ends; absent, now."""

    effective_at: NotRequired[str | None]


class Ticket(TypedDict):
    """The vendor's support request, under the helpdesk's own id."""

    ticket_id: str
    customer_id: str | None
    company_id: str | None
    subject: str
    state: TicketState
    channel: str | None
    language: str | None
    license_id: str | None
    product: str | None
    category: str | None
    inputs: IntegerMap
    facts: JsonObject
    agreed_up_to: int | None
    pay_with: str | None
    credit_type: str | None
    asks: list[str]
    reasons: list[Reason]
    remedies: list[Remedy]
    options: list[TicketOption]
    service: TicketService | None
    qualification: Qualification
    assessments: list[Assessment]
    price: int | None
    charge: Charge
    paid_by: PaidBy | None
    cover_id: str | None
    credit_applied_at: str | None
    credit_expires_at: str | None
    service_at: str | None
    responses: list[Response]
    access_requests: list[AccessRequest]
    pauses: list[TicketPause]
    disputes: list[Dispute]
    outcome: str | None
    cause: str | None
    cause_corrections: list[CauseCorrection]
    milestones: list[ReachedMilestone]
    result: JsonObject
    opened_by: Author
    external_url: str | None
    priority: str | None
    requester: str | None
    metadata: JsonObject
    acting_agent: ActingAgent | None
    merged_into: str | None
    merged: list[str]
    parent: str | None
    children: list[str]
    reopened: int
    reopening_reason: str | None
    opened_at: str
    updated_at: str
    accepted_at: str | None
    resolved_at: str | None
    closed_at: str | None
    confirmation_expires_at: str | None
    policy: PolicyVersion
    version: int
    clocks: list[Clock]
    actions: list[TicketAction]
    number: NotRequired[int]
    status: NotRequired[AssessmentStatus]
    assessment: NotRequired[Assessment]
    response: NotRequired[Response]
    access_request: NotRequired[AccessRequest]
    dispute: NotRequired[Dispute]
    cause_correction: NotRequired[CauseCorrection]
    work: NotRequired[TicketWork]
    work_line: NotRequired[WorkLine]
    price_shown: NotRequired[str | None]


class TicketAction(TypedDict):
    """Something that may be done with a ticket, now or once something else was done."""

    action: TicketVerb
    by: ActingParty
    allowed: bool
    needs: list[str]
    code: str | None


class TicketBody(TypedDict):
    """What the helpdesk says of a new ticket; what it leaves out is unknown and asked for where it matters."""

    acting_agent: NotRequired[ActingAgentBody | None]
    customer_id: str
    subject: NotRequired[str]
    channel: NotRequired[str | None]
    language: NotRequired[str | None]
    license_id: NotRequired[str | None]
    product: NotRequired[str | None]
    facts: NotRequired[MetadataObject]
    category: NotRequired[str | None]
    inputs: NotRequired[InputsObject]
    agreed_up_to: NotRequired[int | None]
    pay_with: NotRequired[str | None]
    credit_type: NotRequired[str | None]
    opened_at: NotRequired[str | None]
    opened_by: NotRequired[Author]
    external_url: NotRequired[str | None]
    priority: NotRequired[str | None]
    requester: NotRequired[str | None]
    metadata: NotRequired[MetadataObject]


class TicketMergeBody(TypedDict):
    """The ticket that this one is the same issue as."""

    acting_agent: NotRequired[ActingAgentBody | None]
    into_ticket_id: str


class TicketOption(TypedDict):
    """One of the things that the customer can choose for a ticket: a means of payment, or an open choice."""

    pay_with: NotRequired[str]
    credits: NotRequired[int | None]
    available: NotRequired[int]
    cover_id: NotRequired[str]
    state: NotRequired[str]
    ends_at: NotRequired[str | None]
    choice_id: NotRequired[str]
    options: NotRequired[list[str]]


class TicketPage(TypedDict):
    """A page of a list."""

    data: list[Ticket]
    next_cursor: str | None


class TicketPause(TypedDict):
    """A stretch in which the vendor's clocks stand."""

    number: int
    reason: str
    party: Party
    clause: str | None
    started_at: str
    ended_at: str | None
    until: str | None
    silent_at: str | None
    ended_by: PauseEnd | None
    acting_agent: NotRequired[ActingAgent]


class TicketService(TypedDict):
    """The kind of credit that serves a ticket, and what it includes."""

    credit_type: str
    title: str
    clause: str
    served_by: str | None
    includes: list[str]


class TicketWork(TypedDict):
    """The work log of a ticket, and how it stands to what the customer agreed to."""

    data: list[WorkLine]
    totals: WorkTotals
    next_cursor: str | None
    agreed: int | None
    used: int
    asked: int | None
    agreed_shown: NotRequired[str | None]
    used_shown: NotRequired[str | None]
    asked_shown: NotRequired[str | None]


class TimeBody(TypedDict):
    """Where to, forward only."""

    now: str


class TimeLedger(TypedDict):
    """Seconds by responsibility; they add up to the wall's."""

    wall_seconds: int
    closed_seconds: int
    vendor_seconds: int
    customer_seconds: int
    third_party_seconds: int
    none_seconds: int


class TokenBody(TypedDict):
    """How long a customer token lives, and whether it acts for the customer."""

    minutes: NotRequired[int]
    may: NotRequired[TokenMay]


class TransferBody(TypedDict):
    """Who gets it."""

    to_customer_id: str


class TypeBalance(TypedDict):
    """The balance of one type of credit."""

    available: int
    held: int
    owed: int


class UndoneRefund(TypedDict):
    """A refund that was undone, since the dispute of the payment was won."""

    at: str
    lines: list[RefundLine]
    given_back: list[TakenBack]


class VersionInBrief(TypedDict):
    """A version of a calendar, in brief."""

    revision: int
    effective_from: str
    published_at: str | None


class VersionRow(TypedDict):
    """A version of the policy."""

    version: int
    effective_from: str
    withdrawn_at: NotRequired[str]


class WebhookAttempt(TypedDict):
    """One attempt to deliver an event."""

    at: str
    status: int | None
    error: str | None
    duration_ms: int
    retry_after: str | None
    response: NotRequired[str]


class WebhookBody(TypedDict):
    """The body of every webhook."""

    type: str
    timestamp: str
    data: CarriedData


class WebhookDelivery(TypedDict):
    """One event on its way to an endpoint, with every attempt."""

    delivery_id: str
    endpoint_id: str
    event_id: str
    type: str
    state: WebhookDeliveryState
    attempts: list[WebhookAttempt]
    failures: int
    next_attempt_at: str | None
    created_at: str
    finished_at: str | None
    replay_of: str | None


class WebhookDeliveryPage(TypedDict):
    """A page of a list."""

    data: list[WebhookDelivery]
    next_cursor: str | None


class WebhookEndpoint(TypedDict):
    """Where events are sent; the secret is shown when it is made."""

    endpoint_id: str
    url: str
    event_types: list[str]
    customer_id: str | None
    description: str
    enabled: bool
    disabled_reason: DisabledReason | None
    disabled_at: str | None
    previous_secret_until: str | None
    version: int
    created_at: str
    updated_at: str
    secret: NotRequired[str]
    deleted: NotRequired[bool]


class WebhookEndpointPage(TypedDict):
    """A page of a list."""

    data: list[WebhookEndpoint]
    next_cursor: str | None


class WebhookReplay(TypedDict):
    """How much of a span is sent again, and where to go on."""

    endpoint_id: str
    replayed: int
    next_after: int | None


class WeeklyHours(TypedDict):
    """The hours of each weekday, each from and to; a day that is absent is closed."""

    mon: NotRequired[list[list[str]]]
    tue: NotRequired[list[list[str]]]
    wed: NotRequired[list[list[str]]]
    thu: NotRequired[list[list[str]]]
    fri: NotRequired[list[list[str]]]
    sat: NotRequired[list[list[str]]]
    sun: NotRequired[list[list[str]]]


class Window(TypedDict):
    """One business day of a clock that owes each."""

    date: str
    closes_at: str
    state: WindowState
    at: str


class WorkAskedBody(TypedDict):
    """A line of work that might be logged; it begins when the ticket is opened, unless fields."""

    minutes: int
    kind: NotRequired[str | None]
    billable: NotRequired[bool]
    occurred_at: NotRequired[str | None]


class WorkBody(TypedDict):
    """A line of work. ``occurred_at`` is its begin, now unless given; ``corrects`` is the line it takes the place of. What a correction leaves out is as in the line that it corrects; ``minutes`` of 0 takes the line away."""

    acting_agent: NotRequired[ActingAgentBody | None]
    minutes: int
    kind: NotRequired[str | None]
    billable: NotRequired[bool | None]
    note: NotRequired[str | None]
    occurred_at: NotRequired[str | None]
    corrects: NotRequired[int | None]


class WorkLine(TypedDict):
    """A line of the work log. A line that was corrected stands with a price of 0."""

    number: int
    minutes: int
    kind: str | None
    billable: bool
    note: str | None
    occurred_at: str
    recorded_at: str
    acting_agent: ActingAgent | None
    by: str | None
    corrects: int | None
    corrected_by: int | None
    credits: int
    parts: list[WorkPart]
    surcharges: list[str]
    summary: str


class WorkPart(TypedDict):
    """A stretch of a line for which the same surcharges hold."""

    begin: str
    seconds: int
    factor: str
    surcharges: list[str]


class WorkTotals(TypedDict):
    """The sums over all lines of a ticket that stand."""

    lines: int
    minutes: int
    billable_minutes: int
    credits: int


ActingParty = Literal['customer', 'vendor', 'anyone']
AnyId = str
AssessmentStatus = Literal['in_force', 'awaiting_confirmation', 'awaiting_credits', 'pending', 'superseded', 'declined']
Author = Literal['vendor', 'customer']
Bucket = Literal['world', 'owed', 'available', 'held', 'spent', 'expired', 'voided']
CategoriesObject = 'dict[str, Any]'
CauseReturns = Literal['all', 'nothing']
ChargeKind = Literal['earlier']
CheckResult = Literal['passed', 'failed', 'unknown', 'not_applicable']
ClockMode = Literal['real', 'virtual']
ClockOutcome = Literal['open', 'met', 'breached']
ClockPhase = Literal['pending', 'running', 'paused', 'stopped', 'cancelled']
ClosureKind = Literal['closed', 'half_day']
ConsumedStretch = TypedDict("ConsumedStretch", {"from": "str", "to": "str", "seconds": "int"})
CoverStart = Literal['order', 'after_current', 'when_uncovered', 'first_ticket']
CoverState = Literal['pending', 'scheduled', 'running', 'suspended', 'ended', 'voided']
DeliveryState = Literal['received', 'done', 'parked', 'ignored', 'dismissed']
DisabledReason = Literal['by_hand', 'receiver_gone', 'retries_exhausted']
DisputeAction = Literal['none', 'suspended', 'taken_back', 'given_back']
DisputeDecision = Literal['upheld', 'reduced', 'returned']
DocumentChange = Literal['added', 'removed', 'changed']
Due = TypedDict("Due", {"from": "str", "business_seconds": "int", "consumed": "list[ConsumedStretch]", "skipped": "list[Closure]", "more_consumed": "int", "more_skipped": "int", "calendar_revision": "int", "tzdb_version": "str", "due_at": "str | None", "target": "str", "business_date": "str | None"})
Elapsed = TypedDict("Elapsed", {"from": "str", "to": "str", "calendar_revision": "int", "tzdb_version": "str", "business_seconds": "int"})
Entry = TypedDict("Entry", {"from": "Bucket", "entry_id": "str", "operation_id": "str", "kind": "OperationKind", "credit_type": "str", "credits": "int", "to": "Bucket", "lot_id": "str", "hold_id": "str | None", "ticket_id": "str | None", "order_id": "str | None", "effective_at": "str", "recorded_at": "str", "version": "int", "reason": "str | None", "clause": "str | None", "reading": "bool", "customer_id": "NotRequired[str | None]"})
ExceptionKind = Literal['closed', 'replace', 'add', 'subtract']
ExplainedMove = TypedDict("ExplainedMove", {"from": "Bucket", "to": "Bucket", "lot_id": "str", "credits": "int", "facts": "NotRequired[MoveFacts]"})
ExplanationKind = Literal['ticket', 'assessment', 'charge', 'order', 'refund', 'license', 'lot', 'cover', 'choice', 'operation', 'hold', 'clock']
FactType = Literal['boolean', 'choice', 'text', 'integer']
FieldProblem = TypedDict("FieldProblem", {"in": "str", "pointer": "str", "code": "str", "message": "str"})
GrantKind = Literal['license', 'credits', 'cover', 'choice', 'addon']
GrantMeans = Literal['credits', 'cover']
GrantedThing = Literal['license', 'lot', 'cover', 'choice', 'addon']
Guests = Literal['by_id', 'joined']
HealthCheck = Literal['clock']
HealthStatus = Literal['ok']
HoldKind = Literal['hold', 'debit', 'payment_dispute']
HoldState = Literal['open', 'captured', 'released', 'refunded']
InputsObject = 'dict[str, Any]'
IntegerMap = 'dict[str, int]'
JsonObject = 'dict[str, Any]'
LicenseEnd = Literal['terminated', 'refunded', 'upgraded', 'corrected']
LotSource = Literal['license', 'purchase', 'choice', 'goodwill', 'correction', 'import', 'breach', 'transfer', 'overdraft']
MetadataObject = 'dict[str, Any]'
ModificationKind = Literal['granted', 'expired', 'voided', 'repaid', 'reinstated', 'earlier']
MoveState = Literal['here', 'leaving', 'moving', 'moved', 'arriving']
OfferKind = Literal['license', 'credits', 'cover', 'addon']
OfferStepKind = Literal['list', 'tier', 'licenses', 'further_licenses', 'minimum', 'time_left', 'lower_plan', 'reinstatement', 'fee']
OfferedGrant = Literal['credits', 'cover', 'choice']
OnFail = Literal['reject', 'recommend']
OperationKind = Literal['grant', 'hold', 'capture', 'release', 'refund', 'debit', 'expire', 'void', 'adjust', 'reopen', 'transfer', 'reinstate']
OrderState = Literal['granted', 'partly_granted', 'not_granted']
PaidBy = Literal['credits', 'cover', 'nobody']
Party = Literal['vendor', 'customer', 'third_party', 'none']
PauseEnd = Literal['answer', 'until', 'silence']
PaymentDisputeState = Literal['warning', 'open', 'lost', 'won']
PaymentState = Literal['paid', 'partly_refunded', 'refunded', 'disputed', 'dispute_lost']
PlanChange = Literal['park', 'ignore', 'grant']
PolicySimulation = TypedDict("PolicySimulation", {"from": "str | None", "policy": "PolicyVersion", "to": "str | None", "customers": "int", "orders": "Rehearsed", "tickets": "Rehearsed", "totals": "RehearsedTotals", "differences": "list[PolicyDifference]", "errors": "list[RehearsalError]", "complete": "bool"})
PriceKind = Literal['fixed', 'range', 'from', 'formula', 'on_request', 'time', 'money']
PriceStepKind = Literal['list', 'assessed', 'work', 'least', 'surcharge', 'given_back']
PromiseParty = Literal['vendor', 'customer']
PromiseStart = Literal['opened', 'credit_applied', 'accepted', 'access_requested', 'confirmation_asked', 'customer_reply']
PromiseStop = Literal['vendor_response', 'qualification', 'resolved', 'access_granted', 'confirmed', 'reached']
QualificationState = Literal['undecided', 'accepted', 'rejected']
RefundBasis = Literal['full', 'partial', 'none']
RefundState = Literal['booked', 'pending', 'undone']
RehearsalRun = Literal['baseline', 'draft', 'both']
RehearsedKind = Literal['order', 'ticket']
Renewal = Literal['reset', 'accumulate', 'rollover']
Report = TypedDict("Report", {"from": "str | None", "to": "str | None", "report": "ReportName", "as_of": "str", "group_by": "list[str]", "rows": "list[ReportRow]", "totals": "ReportRow"})
ReportName = Literal['attainment', 'breaches', 'liability', 'consumption', 'grants', 'expiries', 'refunds', 'revenue', 'agents', 'forecast']
ResponseKind = Literal['service', 'inquiry']
Scope = Literal['account', 'license', 'category']
Severity = Literal['error', 'warning']
SimulationBody = TypedDict("SimulationBody", {"document": "str | JsonObject", "from": "NotRequired[str | None]", "to": "NotRequired[str | None]", "limit": "NotRequired[int]"})
SourceIds = Literal['prefixed', 'own']
SourceKind = Literal['purchase', 'woocommerce', 'stripe', 'shopify', 'paddle', 'zammad', 'zendesk', 'freescout', 'chatwoot', 'freshdesk', 'helpdesk']
StringMap = 'dict[str, str]'
TicketState = Literal['needs_facts', 'awaiting_qualification', 'awaiting_assessment', 'awaiting_choice', 'awaiting_confirmation', 'awaiting_credits', 'in_progress', 'resolved', 'rejected', 'withdrawn']
TicketVerb = Literal['details', 'choose', 'withdraw', 'accept', 'reject', 'assess', 'confirm', 'decline', 'respond', 'serve', 'request_access', 'grant_access', 'reach', 'pause', 'resume', 'apply_credit', 'split', 'merge', 'log_work', 'resolve', 'reopen', 'dispute', 'decide_dispute', 'correct_cause']
TierMode = Literal['graduated', 'volume']
TimeRounded = Literal['line', 'ticket']
TokenMay = Literal['read', 'act']
Transfer = TypedDict("Transfer", {"from": "Lot", "credits": "int", "to": "Lot"})
Unmapped = Literal['park', 'ignore']
Verdict = Literal['accept', 'reject']
WebhookDeliveryState = Literal['pending', 'delivered', 'failed']
WindowState = Literal['covered', 'missed', 'excused']
