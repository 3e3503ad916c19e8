// The shapes of the contract. Made by `python -m scripts.sdk` from the contract; do not edit.

/** The access that is needed, and by when. */
export interface AccessBody {
  "acting_agent"?: ActingAgentBody | null;
  "kinds": (string)[];
  "deadline_at"?: string | null;
}

/** Access that the customer owes. */
export interface AccessRequest {
  "number": number;
  "kinds": (string)[];
  "deadline_at": string | null;
  "requested_at": string;
  "granted_at": string | null;
  "missed_at": string | null;
  "cancelled_at": string | null;
  "acting_agent"?: ActingAgent;
}

/** A person of the vendor. */
export interface ActingAgent {
  "id": string;
  "name"?: string | null;
}

/** A person of the vendor, by the helpdesk's id. */
export interface ActingAgentBody {
  "id": string;
  "name"?: string | null;
}

export type ActingParty = "customer" | "vendor" | "anyone";

/** An add-on that was bought. */
export interface Addon {
  "addon": string;
  "order_id": string;
  "line_id": string;
  "placed_at": string;
  "voided_at": string | null;
}

/** A balance corrected by hand. */
export interface Adjustment {
  "adjustment_id": string | null;
  "customer_id": string | null;
  "credits": number;
  "credit_type": string;
  "reason": string | null;
  "at": string;
  "lot": Lot | null;
  "balance": Amounts;
}

/** +n grants, -n takes; never zero. ``metadata`` is kept with the lot that is granted. */
export interface AdjustmentBody {
  "credits": number;
  "reason": string;
  "credit_type"?: string | null;
  "expires_at"?: string | null;
  "metadata"?: MetadataObject | null;
}

/** The credits of one type after a call. */
export interface Amounts {
  "available": number;
  "held": number;
}

export type AnyId = string;

/** How the shop itself is asked, for reconciliation and for what its deliveries leave out. Never shown again. */
export interface Api {
  "base_url"?: string | null;
  "key": string;
  "secret"?: string | null;
}

/** A key; the key itself is shown once, when it is made. */
export interface ApiKey {
  "key_id": string;
  "label": string;
  "scopes": (string)[];
  "live": boolean;
  "created_at": string;
  "expires_at": string | null;
  "revoked_at": string | null;
  "last_used_at": string | null;
  "options"?: JsonObject;
  "key"?: string;
  "replaces"?: string;
}

/** A page of a list. */
export interface ApiKeyPage {
  "data": (ApiKey)[];
  "next_cursor": string | null;
}

/** A quote in the numbered history. */
export interface Assessment {
  "number": number;
  "category": string | null;
  "inputs": IntegerMap;
  "credits": number;
  "list_credits": number | null;
  "status": AssessmentStatus;
  "reason": string | null;
  "outside_list": boolean;
  "clause": string | null;
  "reading": boolean;
  "at": string;
  "by": string | null;
  "decided_at": string | null;
  "steps"?: (PriceStep)[];
  "surviving"?: number;
  "up_to"?: number | null;
  "acting_agent"?: ActingAgent;
}

/** A quote. ``credits`` where the list names none, or with a ``reason`` outside the list. */
export interface AssessmentBody {
  "acting_agent"?: ActingAgentBody | null;
  "category"?: string | null;
  "inputs"?: InputsObject;
  "credits"?: number | null;
  "reason"?: string | null;
  "occurred_at"?: string | null;
}

export type AssessmentStatus = "in_force" | "awaiting_confirmation" | "awaiting_credits" | "pending" | "superseded" | "declined";

/** Who did what. */
export interface AuditEntry {
  "audit_id": string;
  "at": string;
  "actor": string | null;
  "action": string;
  "subject": string;
  "data": JsonObject;
}

/** A page of a list. */
export interface AuditEntryPage {
  "data": (AuditEntry)[];
  "next_cursor": string | null;
}

export type Author = "vendor" | "customer";

/** What can be spent, and the first 100 of the lots it is in. */
export interface Balance {
  "customer_id": string;
  "unit": string | null;
  "at": string;
  "known_at"?: string;
  "available": number;
  "held": number;
  "shown"?: BalanceShown;
  "owed": number;
  "disputed": number;
  "lots": (Lot)[];
  "by_type": Record<string, TypeBalance>;
  "totals": BalanceTotals;
  "next_cursor": string | null;
}

/** What can be spent, as people write time: `1 h 15 min`. */
export interface BalanceShown {
  "available": string;
  "held": string;
}

/** A balance in brief. */
export interface BalanceSummary {
  "unit": string | null;
  "available": number;
  "held": number;
  "disputed": number;
  "by_type": Record<string, Amounts>;
}

/** A balance over all lots. */
export interface BalanceTotals {
  "available": number;
  "held": number;
  "lots": number;
}

/** Up to 1,000 commands, independent of one another. */
export interface BatchBody {
  "commands": (JsonObject)[];
}

/** One command's result. */
export interface BatchItem {
  "idempotency_key": string | null;
  "status": number;
  "code": string | null;
  "replayed"?: boolean;
  "result": Hold | Adjustment | null;
  "problem"?: Problem;
}

/** A promise that was not kept. */
export interface Breach {
  "breach_id": string;
  "cycle": number;
  "window_date": string | null;
  "due_at": string | null;
  "at": string;
  "retracted_at": string | null;
}

/** What breaks an invariant of the ledger. */
export interface BrokenInvariant {
  "invariant": string;
  "subject": string;
  "expected": string;
  "found": string;
}

export type Bucket = "world" | "owed" | "available" | "held" | "spent" | "expired" | "voided";

/** Hours of operation: dated versions, closures. */
export interface Calendar {
  "name": string;
  "zone": string;
  "notice_days": number;
  "revision": number;
  "calendar_revision": number | null;
  "tzdb_version": string;
  "created_at": string;
  "updated_at": string;
  "versions": (VersionInBrief)[];
}

/** A calendar: its zone (an IANA name) and how many days before it takes effect a closure is announced. */
export interface CalendarBody {
  "zone": string;
  "notice_days"?: number;
}

/** What is different on one date. */
export interface CalendarException {
  "date": string;
  "kind": ExceptionKind;
  "name"?: string | null;
  "source"?: string | null;
  "hours"?: ((string)[])[] | null;
}

/** What publishing does, or would do, to open clocks. Lists hold the first hundred; the counts are whole. */
export interface CalendarPreview {
  "open_clocks": number;
  "moved": number;
  "earlier": number;
  "later": number;
  "would_breach_count": number;
  "never_due_count": number;
  "complete": boolean;
  "moves": (ClockMove)[];
  "would_breach": (ClockMove)[];
  "never_due": (ClockMove)[];
  "reopened_days"?: (Closure)[];
  "reopened_count"?: number;
}

/** Hours of operation, as lists of calendars show them. */
export interface CalendarRow {
  "name": string;
  "zone": string;
  "notice_days": number;
  "revision": number;
  "calendar_revision": number | null;
  "tzdb_version": string;
  "created_at": string;
  "updated_at": string;
}

/** A page of a list. */
export interface CalendarRowPage {
  "data": (CalendarRow)[];
  "next_cursor": string | null;
}

/** A dated version of a calendar. */
export interface CalendarVersion {
  "calendar": string;
  "revision": number;
  "effective_from": string;
  "weekly_hours": WeeklyHours;
  "exceptions": (CalendarException)[];
  "closure_rules": JsonObject;
  "correction": boolean;
  "whole_shifts": boolean;
  "reason": string | null;
  "library_version": string;
  "announced_at": string;
  "published_at": string | null;
  "reopened_days"?: (Closure)[];
  "reopened_count"?: number;
  "preview"?: CalendarPreview;
}

/** A version from a local date on. What is left out is inherited from the version that holds on that date. ``whole_shifts``: hours from 00:00 belong to the business day before, where that ends at 24:00 and neither day is open all day. */
export interface CalendarVersionBody {
  "effective_from": string;
  "weekly_hours"?: Record<string, ((string)[])[]> | Record<string, ((string)[])[]>;
  "exceptions"?: (ExceptionBody)[] | null;
  "closure_rules"?: Record<string, (JsonObject)[]> | Record<string, (JsonObject)[]>;
  "correction"?: boolean;
  "reason"?: string | null;
  "whole_shifts"?: boolean;
}

/** A page of a list. */
export interface CalendarVersionPage {
  "data": (CalendarVersion)[];
  "next_cursor": string | null;
}

/** What to take of a hold: all that is held unless told. ``final`` releases the rest, which else stays held. */
export interface CaptureBody {
  "credits"?: number | null;
  "final"?: boolean;
}

/** What the `data` of a webhook's body holds besides that of its type. */
export interface CarriedData {
  "customer_id"?: string | null;
  "sequence"?: number;
  "position"?: number;
}

export type CategoriesObject = Record<string, unknown>;

/** What a category costs, in credits. */
export interface CategoryPrice {
  "kind": PriceKind;
  "credits"?: number;
  "least"?: number;
  "most"?: number;
  "base"?: number;
  "per"?: IntegerMap;
  "amount"?: string;
  "per_minutes"?: number;
  "free_minutes"?: number;
  "rounded"?: TimeRounded;
  "up_to"?: number | null;
}

/** What the problem really was, and how that became known. */
export interface CauseBody {
  "acting_agent"?: ActingAgentBody | null;
  "cause": string;
  "reason": string;
}

/** The cause as it turned out after all, and the credits that moved for it. */
export interface CauseCorrection {
  "number": number;
  "cause": string;
  "previous_cause": string | null;
  "reason": string;
  "clause": string | null;
  "returned": number;
  "forfeited": number;
  "captured": number;
  "not_captured": number;
  "at": string;
  "by": string | null;
  "acting_agent"?: ActingAgent;
}

export type CauseReturns = "all" | "nothing";

/** What a ticket has cost. */
export interface Charge {
  "held": number;
  "captured": number;
  "refunded": number;
  "net": number;
  "shown"?: ChargeShown;
}

export type ChargeKind = "earlier";

/** What a ticket has cost, as people write time: `1 h 15 min`. */
export interface ChargeShown {
  "held": string;
  "captured": string;
  "refunded": string;
  "net": string;
}

/** A row of the account page: a ticket, or a hold without one, and its charge. */
export interface ChargedTicket {
  "credits": number;
  "kind"?: ChargeKind;
  "ticket_id": string | null;
  "customer_id"?: string | null;
  "hold_ids"?: (string)[];
  "credit_type"?: string;
  "held"?: number;
  "captured"?: number;
  "refunded"?: number;
  "forfeited"?: number;
  "disputed"?: boolean;
  "since"?: string | null;
  "at": string | null;
  "clause"?: string | null;
}

/** One question of the qualification, and its answer. */
export interface Check {
  "check": string;
  "result": CheckResult;
  "code": string;
  "clause": string;
  "on_fail": OnFail;
  "requirement": string | null;
}

export type CheckResult = "passed" | "failed" | "unknown" | "not_applicable";

/** One of several grants, at the customer's choice. */
export interface Choice {
  "choice_id": string;
  "customer_id"?: string | null;
  "options": (string)[];
  "details": Record<string, ChoiceOption>;
  "open": boolean;
  "option": string | null;
  "made_at": string | null;
  "voided_at": string | null;
  "opened_at": string;
  "license_id": string | null;
  "order_id": string;
  "line_id": string;
  "unit_no": number;
  "rule": string;
  "clause": string;
  "reading": boolean;
  "lots"?: (Lot)[];
  "covers"?: (Cover)[];
}

/** The option taken. */
export interface ChoiceBody {
  "option": string;
}

/** What an option of a choice would bring. */
export interface ChoiceOption {
  "kind": GrantMeans;
  "credits"?: number | null;
  "credit_type"?: string | null;
  "term"?: Term | null;
  "term_text"?: string | null;
  "start"?: CoverStart | null;
}

/** A page of a list. */
export interface ChoicePage {
  "data": (Choice)[];
  "next_cursor": string | null;
}

/** A promised time of a ticket, and how it stands. */
export interface Clock {
  "clock_id": string;
  "ticket_id": string;
  "milestone": string;
  "target": string;
  "party": Party;
  "phase": ClockPhase;
  "outcome": ClockOutcome;
  "ticking": boolean;
  "cycle": number;
  "started_at": string | null;
  "due_at": string | null;
  "never_due": string | null;
  "remaining_business_seconds": number | null;
  "overdue_business_seconds": number | null;
  "consumed_seconds": number;
  "window_date": string | null;
  "stopped_at": string | null;
  "pauses": (ClockPause)[];
  "warnings": (ClockWarning)[];
  "reminders": (ClockReminder)[];
  "windows": (Window)[];
  "ledger": TimeLedger;
  "breaches": (Breach)[];
  "calendar": string;
  "calendar_revision": number | null;
  "tzdb_version": string | null;
  "policy_version": number;
  "clause": string;
  "reading": boolean;
  "team"?: string;
  "judgements"?: (ClockJudgement)[];
}

/** ``real`` unless it is a sandbox; a sandbox says where its time begins. */
export interface ClockBody {
  "mode"?: ClockMode;
  "now"?: string | null;
}

/** An ended clock judged anew on request; the earlier judgement stands beside it. */
export interface ClockJudgement {
  "clock_id": string;
  "number": number;
  "reason": string;
  "before": Judgement;
  "after": Judgement;
  "changed": boolean;
  "judged_at": string;
  "actor": string | null;
}

export type ClockMode = "real" | "virtual";

/** An open clock that a new version of its calendar moves. */
export interface ClockMove {
  "clock_id": string;
  "ticket_id": string | null;
  "milestone": string;
  "old_due_at": string | null;
  "new_due_at": string | null;
}

export type ClockOutcome = "open" | "met" | "breached";

/** A page of a list. */
export interface ClockPage {
  "data": (Clock)[];
  "next_cursor": string | null;
}

/** A stretch in which a clock stands. */
export interface ClockPause {
  "reason": string | null;
  "party": Party;
  "since": string;
  "until": string | null;
}

export type ClockPhase = "pending" | "running" | "paused" | "stopped" | "cancelled";

/** A reminder of a promise that was missed. */
export interface ClockReminder {
  "at": string;
  "level": number;
  "fired": boolean;
}

/** A warning before a promise falls due. */
export interface ClockWarning {
  "at": string;
  "rule": number;
  "fired": boolean;
}

/** A closed or half day; `hours` are those that a half day stays open. */
export interface Closure {
  "date": string;
  "reasons": (string)[];
  "kind": ClosureKind;
  "hours": ((string)[])[];
  "sources"?: (string)[];
}

export type ClosureKind = "closed" | "half_day";

/** The closed and half days of a span. */
export interface ClosurePage {
  "data": (Closure)[];
  "next_cursor": string | null;
  "calendar_revision": number;
}

/** A draft to compare with a version of the policy: the one in force, unless fields. */
export interface ComparedBody {
  "document": string | JsonObject;
  "version"?: number | null;
}

/** The customer's answer to a quote. */
export interface ConfirmationBody {
  "acting_agent"?: ActingAgentBody | null;
  "accept": boolean;
}

/** A stretch of business time that was counted. */
export interface ConsumedStretch {
  "from": string;
  "to": string;
  "seconds": number;
}

/** The people whom a company names. It replaces who was named. */
export interface ContactsBody {
  "acting_agent"?: ActingAgentBody | null;
  "contacts": (string)[];
}

/** A period or a level of support without credits. */
export interface Cover {
  "cover_id": string;
  "customer_id"?: string | null;
  "state": CoverState;
  "starts_at": string | null;
  "ends_at": string | null;
  "remaining_seconds": number | null;
  "term": Term | null;
  "term_text": string | null;
  "start": CoverStart;
  "scope": Scope;
  "levels": (number)[];
  "actions": (string)[];
  "free": boolean;
  "plan": string | null;
  "seats": number | null;
  "license_id": string | null;
  "order_id": string | null;
  "line_id": string | null;
  "granted_at": string;
  "suspended_at": string | null;
  "suspensions": number;
  "suspended_seconds": number;
  "voided_at": string | null;
  "rule": string;
  "clause": string;
  "reading": boolean;
}

/** A page of a list. */
export interface CoverPage {
  "data": (Cover)[];
  "next_cursor": string | null;
}

/** Why; optional. */
export interface CoverPauseBody {
  "acting_agent"?: ActingAgentBody | null;
  "reason"?: string | null;
}

export type CoverStart = "order" | "after_current" | "when_uncovered" | "first_ticket";

export type CoverState = "pending" | "scheduled" | "running" | "suspended" | "ended" | "voided";

/** The results of a batch, in order. */
export interface CreditBatch {
  "results": (BatchItem)[];
}

/** A credit for an open ticket. */
export interface CreditBody {
  "acting_agent"?: ActingAgentBody | null;
  "credit_type": string;
  "response"?: CreditResponse | null;
}

/** The response that brings a credit. */
export interface CreditResponse {
  "author"?: Author;
  "kind"?: ResponseKind;
  "public"?: boolean;
  "occurred_at"?: string | null;
}

/** The vendor's customer account: what a sidebar shows, the first 100 rows of each list. */
export interface Customer {
  "name": string | null;
  "emails": (string)[];
  "external_ids": StringMap;
  "company_id": string | null;
  "metadata": JsonObject;
  "customer_id": string;
  "created_at": string;
  "at": string;
  "contacts": (string)[];
  "licenses": (License)[];
  "covers": (Cover)[];
  "balance": BalanceSummary;
  "lots": (Lot)[];
  "choices": (Choice)[];
  "addons": (Addon)[];
  "recurring_grants"?: (RecurringGrant)[];
  "facts": JsonObject;
  "open_tickets": (OpenTicket)[];
  "totals": CustomerTotals;
  "next_cursor": string | null;
  "merged_from"?: string;
}

/** What is known of a person or a company. It replaces what was known; what is left out is empty then. */
export interface CustomerBody {
  "acting_agent"?: ActingAgentBody | null;
  "name"?: string | null;
  "emails"?: (string)[];
  "external_ids"?: Record<string, unknown>;
  "company_id"?: string | null;
  "metadata"?: MetadataObject;
}

/** All that is kept about a customer, row by row. The names of columns are no promise. */
export interface CustomerExport {
  "external_ids": (JsonObject)[];
  "licenses": (JsonObject)[];
  "covers": (JsonObject)[];
  "choices": (JsonObject)[];
  "addons": (JsonObject)[];
  "orders": (JsonObject)[];
  "refunds": (JsonObject)[];
  "payment_disputes": (JsonObject)[];
  "accounts": (JsonObject)[];
  "lots": (JsonObject)[];
  "holds": (JsonObject)[];
  "operations": (JsonObject)[];
  "tickets": (JsonObject)[];
  "clocks": (JsonObject)[];
  "clock_outcomes": (JsonObject)[];
  "history": (JsonObject)[];
  "events": (JsonObject)[];
  "agenda": (JsonObject)[];
  "commands": (JsonObject)[];
  "deliveries": (JsonObject)[];
  "hold_lines": (JsonObject)[];
  "entries": (JsonObject)[];
  "customer_id": string;
  "exported_at": string;
  "customer": ExportedCustomer;
}

/** A customer in a list: a person or a company. */
export interface CustomerRow {
  "name": string | null;
  "emails": (string)[];
  "external_ids": StringMap;
  "company_id": string | null;
  "metadata": JsonObject;
  "customer_id": string;
  "created_at": string;
}

/** A page of a list. */
export interface CustomerRowPage {
  "data": (CustomerRow)[];
  "next_cursor": string | null;
}

/** An opaque token for one customer; shown once. */
export interface CustomerToken {
  "token_id": string;
  "token": string;
  "customer_id": string;
  "may": TokenMay;
  "url": string;
  "expires_at": string;
}

/** How many rows each list of a customer's page has in all, and the balance over all lots. */
export interface CustomerTotals {
  "available": number;
  "held": number;
  "licenses": number;
  "covers": number;
  "lots": number;
  "choices": number;
  "addons": number;
  "open_tickets": number;
}

/** Credits to take at once. */
export interface DebitBody {
  "credits": number;
  "credit_type"?: string | null;
  "ticket_id"?: string | null;
  "license_id"?: string | null;
  "category"?: string | null;
  "lot_id"?: string | null;
}

/** An answer of the policy at an instant, with every reason. */
export interface Decision {
  "allowed": boolean;
  "at": string;
  "policy": PolicyVersion;
  "reasons": (Reason)[];
  "remedies": (Remedy)[];
  "trace"?: (Reason)[];
  "summary"?: string;
}

/** What a source delivered, and what became of it. */
export interface Delivery {
  "delivery_id": string;
  "source": string;
  "event_id": string;
  "topic": string | null;
  "subject": string | null;
  "state": DeliveryState;
  "reason": string | null;
  "detail": string | null;
  "attempts": number;
  "effects": DeliveryEffects | null;
  "review": (ReviewItem)[];
  "dismissal": Dismissal | null;
  "received_at": string;
  "finished_at": string | null;
  "erased_at": string | null;
  "body"?: string;
}

/** How many deliveries of a source are in which state. */
export interface DeliveryCounts {
  "received": number;
  "done": number;
  "parked": number;
  "ignored": number;
  "dismissed": number;
}

/** A dispute of a payment that a delivery told of, in brief. */
export interface DeliveryDispute {
  "dispute_id": string;
  "state": PaymentDisputeState;
  "action": DisputeAction;
  "credits": number;
}

/** What a delivery brought about: of an order, or of a ticket. */
export interface DeliveryEffects {
  "customer_id"?: string;
  "order_id"?: string;
  "refund_id"?: string | null;
  "not_granted"?: (DeliveryNotGranted)[];
  "payment_disputes"?: (DeliveryDispute)[];
  "correction"?: OrderCorrection;
  "ticket_id"?: string;
  "responses"?: (string)[];
  "unrecorded"?: (string)[];
}

/** A line that brought nothing, in brief. */
export interface DeliveryNotGranted {
  "line_id": string;
  "code": string;
  "clause": string | null;
}

/** A page of a list. */
export interface DeliveryPage {
  "data": (Delivery)[];
  "next_cursor": string | null;
}

/** What the sender of a delivery is told. */
export interface DeliveryReceipt {
  "received": boolean;
  "delivery_id"?: string;
  "duplicate"?: boolean;
  "ping"?: boolean;
}

export type DeliveryState = "received" | "done" | "parked" | "ignored" | "dismissed";

/** What was missing or asked for. */
export interface DetailsBody {
  "acting_agent"?: ActingAgentBody | null;
  "facts"?: MetadataObject;
  "category"?: string | null;
  "inputs"?: InputsObject | null;
  "pay_with"?: string | null;
  "license_id"?: string | null;
  "agreed_up_to"?: number | null;
  "external_url"?: string | null;
  "priority"?: string | null;
  "requester"?: string | null;
  "metadata"?: MetadataObject | null;
}

export type DisabledReason = "by_hand" | "receiver_gone" | "retries_exhausted";

/** Why a person settled a parked delivery, and by which adjustment. */
export interface Dismissal {
  "reason"?: string;
  "adjustment_id": string | null;
  "by": string | null;
  "at": string;
}

/** Why a parked delivery is settled; ``adjustment_id``: the correction by hand that settled it. */
export interface DismissalBody {
  "reason": string;
  "adjustment_id"?: string | null;
}

/** A charge that the customer thinks wrong. */
export interface Dispute {
  "number": number;
  "reason": string | null;
  "clause": string;
  "opened_at": string;
  "charge": number;
  "decision": DisputeDecision | null;
  "credits": number | null;
  "returned": number;
  "forfeited": number;
  "cause": string | null;
  "reasons": (Reason)[];
  "decided_at": string | null;
  "by": string | null;
  "acting_agent"?: ActingAgent;
}

export type DisputeAction = "none" | "suspended" | "taken_back" | "given_back";

/** Why the charge is thought wrong. */
export interface DisputeBody {
  "acting_agent"?: ActingAgentBody | null;
  "reason"?: string | null;
}

export type DisputeDecision = "upheld" | "reduced" | "returned";

/** ``credits`` is the new charge, below the old one. */
export interface DisputeDecisionBody {
  "acting_agent"?: ActingAgentBody | null;
  "decision": DisputeDecision;
  "credits"?: number | null;
  "cause"?: string | null;
}

/** Units of a line whose payment is disputed. */
export interface DisputedLine {
  "line_id": string;
  "quantity": number;
}

export type DocumentChange = "added" | "removed" | "changed";

/** One thing that two documents say differently. */
export interface DocumentDifference {
  "path": string;
  "change": DocumentChange;
  "words": string;
}

/** A draft to look at; nothing is written. */
export interface DraftBody {
  "document": string | JsonObject;
}

/** When a target falls due, and why. */
export interface Due {
  "from": string;
  "business_seconds": number;
  "consumed": (ConsumedStretch)[];
  "skipped": (Closure)[];
  "more_consumed": number;
  "more_skipped": number;
  "calendar_revision": number;
  "tzdb_version": string;
  "due_at": string | null;
  "target": string;
  "business_date": string | null;
}

/** Business time between two instants. */
export interface Elapsed {
  "from": string;
  "to": string;
  "calendar_revision": number;
  "tzdb_version": string;
  "business_seconds": number;
}

/** Where to, and what: event types, `noun.*` or `*`; with a customer, only this customer's events. */
export interface EndpointBody {
  "url": string;
  "event_types"?: (string)[];
  "customer_id"?: string | null;
  "description"?: string;
}

/** What changes. `enabled: true` goes on where it stopped; `skip_missed` gives up what waits. `customer_id: null`: events of all customers again. */
export interface EndpointChanges {
  "url"?: string;
  "event_types"?: (string)[];
  "customer_id"?: string | null;
  "description"?: string;
  "enabled"?: boolean;
  "skip_missed"?: boolean;
}

/** What a customer may do, decided by the policy. */
export interface Entitlement {
  "customer_id": string;
  "action": string;
  "allowed": boolean;
  "at": string;
  "policy": PolicyVersion;
  "reasons": (Reason)[];
  "remedies": (Remedy)[];
  "trace"?: (Reason)[];
  "summary"?: string;
}

/** One immutable line of the ledger. */
export interface Entry {
  "from": Bucket;
  "entry_id": string;
  "operation_id": string;
  "kind": OperationKind;
  "credit_type": string;
  "credits": number;
  "to": Bucket;
  "lot_id": string;
  "hold_id": string | null;
  "ticket_id": string | null;
  "order_id": string | null;
  "effective_at": string;
  "recorded_at": string;
  "version": number;
  "reason": string | null;
  "clause": string | null;
  "reading": boolean;
  "customer_id"?: string | null;
}

/** A page of a list. */
export interface EntryPage {
  "data": (Entry)[];
  "next_cursor": string | null;
}

/** A customer whose names were removed. */
export interface Erasure {
  "customer_id": string;
  "erased": boolean;
  "erased_at": string;
}

/** Something that happened. `position` orders a tenant's events, `sequence` a customer's. */
export interface Event {
  "id": string;
  "type": string;
  "sequence": number | null;
  "position": number | null;
  "customer_id": string | null;
  "occurred_at": string;
  "recorded_at": string;
  "data": JsonObject;
}

/** A page of the feed. */
export interface EventPage {
  "data": (Event)[];
  "next_cursor": string | null;
  "position": number;
}

/** What is different on one date. */
export interface ExceptionBody {
  "date": string;
  "kind": ExceptionKind;
  "name"?: string | null;
  "source"?: string | null;
  "hours"?: ((string)[])[] | null;
}

export type ExceptionKind = "closed" | "replace" | "add" | "subtract";

/** An assessment in a sentence. */
export interface ExplainedAssessment {
  "number": number;
  "category": string | null;
  "inputs": IntegerMap;
  "credits": number;
  "list_credits": number | null;
  "status": AssessmentStatus;
  "reason": string | null;
  "outside_list": boolean;
  "clause": string | null;
  "reading": boolean;
  "at": string;
  "by": string | null;
  "decided_at": string | null;
  "steps"?: (PriceStep)[];
  "surviving"?: number;
  "up_to"?: number | null;
  "acting_agent"?: ActingAgent;
  "summary": string;
}

/** The calendar that a clock was counted on. */
export interface ExplainedCalendar {
  "name": string;
  "zone": string;
  "revision": number | null;
  "tzdb_version": string | null;
}

/** A clock of an explained ticket, in brief. */
export interface ExplainedClock {
  "clock_id": string;
  "milestone": string;
  "due_at": string | null;
  "outcome": ClockOutcome;
  "summary": string;
  "clause": string | null;
}

/** An event that a due time rests on. */
export interface ExplainedClockEvent {
  "seq": number;
  "kind": string;
  "occurred_at": string;
  "recorded_at": string;
  "reason"?: string;
  "party"?: string;
  "target"?: string;
  "corrects"?: number;
  "corrected_occurred_at"?: string;
  "calendar_revision"?: number;
  "tzdb_version"?: string;
  "edition"?: number;
}

/** Something that an order line brought. */
export interface ExplainedGrant {
  "granted": GrantedThing;
  "id": string | null;
  "rule": string | null;
  "clause": string | null;
  "reading": boolean;
  "facts": JsonObject;
}

/** Credits of one lot that an operation moved. */
export interface ExplainedMove {
  "from": Bucket;
  "to": Bucket;
  "lot_id": string;
  "credits": number;
  "facts"?: MoveFacts;
}

/** The offer that an order line bought. */
export interface ExplainedOffer {
  "sku": string;
  "clause": string;
}

/** A rule that a step looked at: a check of a ticket's qualification, or a rule of an offer. */
export interface ExplainedRule {
  "clause": string | null;
  "reading": boolean;
  "summary"?: string;
  "check"?: string;
  "result"?: CheckResult;
  "code"?: string;
  "on_fail"?: OnFail;
  "requirement"?: string | null;
  "rule"?: string;
  "kind"?: GrantKind;
  "granted"?: boolean;
  "line_id"?: string;
  "unit_no"?: number;
  "policy_version"?: number;
  "facts"?: JsonObject;
}

/** Why something stands as it does: the whole trace of a stored decision, charge or due time. What stands beside `summary`, `trace` and `clauses` depends on `kind`. */
export interface Explanation {
  "kind": ExplanationKind;
  "id": string;
  "policy": PolicyVersion;
  "summary": string;
  "trace": (ExplanationStep)[];
  "ticket_id"?: string;
  "state"?: TicketState;
  "reasons"?: (Reason)[];
  "charge"?: Charge;
  "assessment"?: Assessment;
  "clocks"?: (ExplainedClock)[];
  "ledger"?: (LedgerStep)[];
  "placed_at"?: string;
  "received_at"?: string;
  "notices"?: (Notice)[];
  "answer"?: OrderRefund;
  "at"?: string;
  "rule"?: string | null;
  "clause"?: string | null;
  "reading"?: boolean;
  "order_id"?: string | null;
  "line_id"?: string | null;
  "source"?: LotSource;
  "origin_lot_id"?: string | null;
  "reason"?: string | null;
  "credit_type"?: string;
  "granted"?: number;
  "expires_at"?: string | null;
  "spending_order"?: SpendingOrder;
  "due_at"?: string | null;
  "clock"?: Clock;
  "business_seconds"?: number;
  "consumed"?: (ConsumedStretch)[];
  "skipped"?: (Closure)[];
  "more_consumed"?: number;
  "more_skipped"?: number;
  "calendar"?: ExplainedCalendar;
  "events"?: (ExplainedClockEvent)[];
  "clauses": (PolicyClause)[];
}

export type ExplanationKind = "ticket" | "assessment" | "charge" | "order" | "refund" | "license" | "lot" | "cover" | "choice" | "operation" | "hold" | "clock";

/** One step of a trace. What stands beside its summary depends on what is explained. */
export interface ExplanationStep {
  "step": string;
  "summary": string;
  "clause": string | null;
  "at"?: string;
  "recorded_at"?: string;
  "by"?: string | null;
  "result"?: JsonObject;
  "facts"?: JsonObject;
  "rules"?: (ExplainedRule)[];
  "reasons"?: (Reason)[];
  "would_change"?: (string)[];
  "remedies"?: (Remedy)[];
  "assessments"?: (ExplainedAssessment)[];
  "recommendation"?: Recommendation;
  "qualification"?: QualificationMade;
  "operations"?: (string)[];
  "line_id"?: string;
  "sku"?: string;
  "offer"?: ExplainedOffer | null;
  "granted"?: (ExplainedGrant)[];
  "not_granted"?: (NotGranted)[];
  "reading"?: boolean;
  "reason"?: string | null;
  "hold_id"?: string | null;
  "moves"?: (ExplainedMove)[];
  "operation_id"?: string;
  "credit_type"?: string;
  "ticket_id"?: string | null;
  "order_id"?: string | null;
}

/** What is kept of the customer. */
export interface ExportedCustomer {
  "surrogate_id": string;
  "profile": JsonObject;
  "company_id": string | null;
  "facts": JsonObject;
  "last_at": string | null;
}

/** How many months, and why. */
export interface ExtensionBody {
  "acting_agent"?: ActingAgentBody | null;
  "months": number;
  "reason": string;
}

export type FactType = "boolean" | "choice" | "text" | "integer";

/** A holiday feed, as text. */
export interface FeedBody {
  "feed": string;
}

/** What a feed of closed days says, to be reviewed and published as exceptions. */
export interface FeedDraft {
  "calendar": string;
  "published": boolean;
  "exceptions": (CalendarException)[];
  "repeating": (RepeatingClosure)[];
  "ignored": (IgnoredClosure)[];
  "next_step": string;
}

/** A wrong field: where it is, and what is wanted. */
export interface FieldProblem {
  "in": string;
  "pointer": string;
  "code": string;
  "message": string;
}

/** What to give back: all there is unless told. */
export interface GiveBackBody {
  "credits"?: number | null;
  "reason"?: string | null;
}

/** Whether a rule of the policy granted something to a line. */
export interface GrantDecision {
  "line_id": string;
  "unit_no": number;
  "rule": string;
  "kind": GrantKind;
  "granted": boolean;
  "clause": string;
  "reading": boolean;
  "facts": JsonObject;
  "policy_version": number;
}

export type GrantKind = "license" | "credits" | "cover" | "choice" | "addon";

export type GrantMeans = "credits" | "cover";

export type GrantedThing = "license" | "lot" | "cover" | "choice" | "addon";

export type Guests = "by_id" | "joined";

export type HealthCheck = "clock";

export type HealthStatus = "ok";

/** Something that keeps no call from being served and should be looked at. */
export interface HealthWarning {
  "check": HealthCheck;
  "detail": string;
}

/** Credits reserved, and what became of them. */
export interface Hold {
  "hold_id": string;
  "customer_id": string | null;
  "credit_type": string;
  "kind": HoldKind;
  "state": HoldState;
  "credits": number;
  "held": number;
  "captured": number;
  "released": number;
  "refunded": number;
  "ticket_id": string | null;
  "created_at": string;
  "expires_at": string | null;
  "lots": (HoldLine)[];
  "balance"?: Amounts;
}

/** Credits to reserve. ``lot_id``: from this lot and nothing else. ``license_id`` and ``category`` open the lots of that license and those kept for that category. */
export interface HoldBody {
  "credits": number;
  "credit_type"?: string | null;
  "ticket_id"?: string | null;
  "license_id"?: string | null;
  "category"?: string | null;
  "lot_id"?: string | null;
  "expires_at"?: string | null;
}

export type HoldKind = "hold" | "debit" | "payment_dispute";

/** What a hold took of a lot. */
export interface HoldLine {
  "lot_id": string;
  "credits": number;
  "captured": number;
  "released": number;
  "refunded": number;
}

/** A page of a list. */
export interface HoldPage {
  "data": (Hold)[];
  "next_cursor": string | null;
}

export type HoldState = "open" | "captured" | "released" | "refunded";

/** What was left out of a feed of closed days, and why. */
export interface IgnoredClosure {
  "name": string;
  "start": string;
  "why": string;
  "exceptions"?: (CalendarException)[];
  "closure_rule"?: JsonObject;
}

export type InputsObject = Record<string, unknown>;

export type IntegerMap = Record<string, number>;

export type JsonObject = Record<string, unknown>;

/** How a clock was judged, and on which calendar. */
export interface Judgement {
  "due_at": string | null;
  "outcome": ClockOutcome;
  "breaches": (Breach)[];
  "calendar_revision": number | null;
  "tzdb_version": string | null;
}

/** Why an ended clock is judged anew, e.g. a calendar that was wrong and has been corrected. */
export interface JudgementBody {
  "reason": string;
}

/** What a key may do, and until when. */
export interface KeyBody {
  "scopes": (string)[];
  "label"?: string;
  "expires_at"?: string | null;
  "options"?: MetadataObject;
}

/** How long the old key goes on beside its successor. */
export interface KeyRotationBody {
  "overlap_seconds"?: number;
}

/** Every broken invariant of the ledger; empty `data` is the promise. */
export interface LedgerAudit {
  "data": (BrokenInvariant)[];
  "at": string;
  "checked": (string)[];
  "next_cursor": string | null;
}

/** An operation of the ledger, and the credits that it moved. */
export interface LedgerStep {
  "step": string;
  "summary": string;
  "clause": string | null;
  "at": string;
  "reading": boolean;
  "reason": string | null;
  "hold_id": string | null;
  "moves": (ExplainedMove)[];
  "operation_id": string;
  "credit_type": string;
  "recorded_at": string;
  "ticket_id": string | null;
  "order_id": string | null;
}

/** A product right that a customer holds. */
export interface License {
  "license_id": string;
  "customer_id"?: string | null;
  "sku": string;
  "edition": string | null;
  "order_id": string;
  "line_id": string;
  "unit_no": number;
  "ordinal": number;
  "first_order": boolean;
  "placed_at": string;
  "active": boolean;
  "registered_domain": string | null;
  "registered_at": string | null;
  "ended_at": string | null;
  "ended_reason": LicenseEnd | null;
  "covers"?: (Cover)[];
}

export type LicenseEnd = "terminated" | "refunded" | "upgraded" | "corrected";

/** A page of a list. */
export interface LicensePage {
  "data": (License)[];
  "next_cursor": string | null;
}

/** A line. Absent: ``unit_price`` the offer's price, ``list_price`` no discount. */
export interface LineBody {
  "line_id": string;
  "sku": string;
  "quantity"?: number;
  "unit_price"?: MoneyBody | string | null;
  "list_price"?: MoneyBody | string | null;
  "attributes"?: MetadataObject;
}

/** An order in a list, without what it granted. */
export interface ListedOrder {
  "order_id": string;
  "customer_id": string | null;
  "state": OrderState;
  "payment_state": PaymentState;
  "placed_at": string;
  "received_at": string;
  "currency": string;
  "source": string;
  "lines": (OrderLine)[];
  "not_granted": (NotGranted)[];
  "policy": PolicyVersion;
}

/** A page of a list. */
export interface ListedOrderPage {
  "data": (ListedOrder)[];
  "next_cursor": string | null;
}

/** That a process answers. */
export interface Liveness {
  "status": HealthStatus;
}

/** Credits granted together, with one expiry and source. `granted` = available + held + spent + expired_credits + voided. */
export interface Lot {
  "lot_id": string;
  "source": LotSource;
  "credit_type": string;
  "granted": number;
  "available": number;
  "held": number;
  "disputed": number;
  "spent": number;
  "expired": boolean;
  "expired_credits": number;
  "voided": number;
  "effective_at": string;
  "expires_at": string | null;
  "scope": Scope;
  "categories"?: (string)[];
  "order_id": string | null;
  "line_id": string | null;
  "unit_no": number;
  "license_id": string | null;
  "origin_lot_id": string | null;
  "cost": Money | null;
  "policy_version": number;
  "rule": string;
  "clause": string | null;
  "reading": boolean;
  "reason": string | null;
  "metadata": JsonObject;
  "interval"?: number;
  "customer_id"?: string | null;
}

/** What is kept beside the lot; it replaces what was. */
export interface LotMetadataBody {
  "metadata": MetadataObject;
}

/** ``override``: the vendor's discretion, with the scope ``credits:refund`` and a reason. */
export interface LotRefundBody {
  "override"?: boolean;
  "reason"?: string | null;
}

export type LotSource = "license" | "purchase" | "choice" | "goodwill" | "correction" | "import" | "breach" | "transfer" | "overdraft";

/** What a shop's product is here. */
export interface Mapped {
  "sku": string;
  "attributes"?: Record<string, unknown>;
  "plan_change"?: PlanChange;
}

/** What a shop's product is here. */
export interface MappedProduct {
  "sku": string;
  "attributes": JsonObject;
  "plan_change"?: PlanChange;
}

/** The account that remains. */
export interface MergeBody {
  "acting_agent"?: ActingAgentBody | null;
  "into_customer_id": string;
}

export type MetadataObject = Record<string, unknown>;

/** A milestone of the policy's own, and when it was reached. */
export interface MilestoneBody {
  "acting_agent"?: ActingAgentBody | null;
  "milestone": string;
  "occurred_at"?: string | null;
}

/** A row of the account page: credits that came, or went without a charge. */
export interface Modification {
  "credits": number;
  "kind": ModificationKind;
  "operation"?: OperationKind;
  "source"?: LotSource | null;
  "credit_type"?: string;
  "lot_id"?: string;
  "order_id"?: string | null;
  "ticket_id": string | null;
  "expires_at"?: string | null;
  "at": string | null;
  "reason"?: string | null;
  "clause"?: string | null;
  "reading"?: boolean;
}

export type ModificationKind = "granted" | "expired" | "voided" | "repaid" | "reinstated" | "earlier";

/** An amount with its currency. */
export interface Money {
  "amount": string;
  "currency": string;
}

/** Money that is not negative. */
export interface MoneyBody {
  "amount": string;
  "currency": string;
}

/** A step of a tenant's move to another server, or its end. */
export interface MoveBody {
  "state": MoveState;
  "address"?: string | null;
}

/** What decided the place of a lot in the order of spending. */
export interface MoveFacts {
  "expires_at": string | null;
  "priority": number;
  "source": LotSource;
  "paid": boolean;
}

export type MoveState = "here" | "leaving" | "moving" | "moved" | "arriving";

/** A surcharge that does not apply to a price. */
export interface NotApplied {
  "surcharge": string;
  "clause": string;
  "would_change": string | null;
}

/** What a line did not bring, and why. */
export interface NotGranted {
  "line_id": string;
  "code": string;
  "clause": string;
  "message": string;
  "facts": JsonObject;
  "reading": boolean;
}

/** Something of an order that could not be taken back, since it was used or has run out. */
export interface NotTakenBack {
  "kind": GrantKind;
  "line_id": string;
  "lot_id"?: string;
  "spent"?: number;
  "held"?: number;
  "expired"?: number;
  "cover_id"?: string;
  "state"?: CoverState;
  "ends_at"?: string | null;
  "customer_id"?: string | null;
}

/** What the customer is to be told with an order. */
export interface Notice {
  "notice": string;
  "clause": string;
  "text": string;
  "ends_at": string | null;
  "reading": boolean;
}

/** When it happened, where it is told late. */
export interface OccurredBody {
  "acting_agent"?: ActingAgentBody | null;
  "occurred_at"?: string | null;
}

/** Something that can be bought, priced for a customer. */
export interface Offer {
  "sku": string;
  "title": string;
  "kind": OfferKind;
  "edition": string | null;
  "sku_pattern": boolean;
  "price": Money | null;
  "price_steps": (OfferStep)[];
  "price_tiers": (OfferTier)[];
  "tier_mode": TierMode | null;
  "price_per_credit": Money | null;
  "price_clause": string | null;
  "grants": (OfferGrant)[];
  "clause": string;
  "available": boolean;
  "reasons": (Reason)[];
}

/** Something that an offer grants. */
export interface OfferGrant {
  "kind": OfferedGrant;
  "rule": string;
  "clause": string;
  "reading": boolean;
  "credits"?: number | null;
  "credit_type"?: string;
  "expires_after"?: Term | null;
  "expires_clause"?: string | null;
  "scope"?: Scope;
  "categories"?: (string)[];
  "term"?: Term | null;
  "start"?: CoverStart;
  "levels"?: (number)[];
  "actions"?: (string)[];
  "free"?: boolean;
  "plan"?: string | null;
  "seats"?: number | null;
  "options"?: Record<string, OptionGrant>;
  "applies": boolean;
}

export type OfferKind = "license" | "credits" | "cover" | "addon";

/** A page of a list. */
export interface OfferPage {
  "data": (Offer)[];
  "next_cursor": string | null;
}

/** One step of an offer's price. The steps add up to the price. */
export interface OfferStep {
  "step": OfferStepKind;
  "amount": Money;
  "summary": string;
  "clause": string | null;
  "reading": boolean;
}

export type OfferStepKind = "list" | "tier" | "licenses" | "further_licenses" | "minimum" | "time_left" | "lower_plan" | "reinstatement" | "fee";

/** A step of a price by tiers. */
export interface OfferTier {
  "up_to": number | null;
  "each": string;
  "flat": string | null;
}

export type OfferedGrant = "credits" | "cover" | "choice";

export type OnFail = "reject" | "recommend";

/** A ticket under way, in brief. */
export interface OpenTicket {
  "ticket_id": string;
  "customer_id": string | null;
  "state": TicketState;
  "category": string | null;
  "subject": string;
  "license_id": string | null;
  "opened_at": string;
  "updated_at": string;
}

/** Whether an instant is business time. */
export interface Opening {
  "calendar_revision": number;
  "tzdb_version": string;
  "open": boolean;
  "next_opening": string | null;
  "next_close": string | null;
  "at": string;
}

export type OperationKind = "grant" | "hold" | "capture" | "release" | "refund" | "debit" | "expire" | "void" | "adjust" | "reopen" | "transfer" | "reinstate";

/** How long the link waits. */
export interface OperatorLinkBody {
  "minutes"?: number;
}

/** A link that opens one session of the operator's; shown once. */
export interface OperatorSignInLink {
  "url": string;
  "expires_at": string;
}

/** What an option of a choice grants. */
export interface OptionGrant {
  "kind": OfferedGrant;
  "rule": string;
  "clause": string;
  "reading": boolean;
  "credits"?: number | null;
  "credit_type"?: string;
  "expires_after"?: Term | null;
  "expires_clause"?: string | null;
  "scope"?: Scope;
  "categories"?: (string)[];
  "term"?: Term | null;
  "start"?: CoverStart;
  "levels"?: (number)[];
  "actions"?: (string)[];
  "free"?: boolean;
  "plan"?: string | null;
  "seats"?: number | null;
}

/** How deliveries are read. ``ids``: ``own`` where the sender's ids are ours already. ``unmapped``: what becomes of products that nobody has mapped. ``guests`` is ``joined`` where the shop gives a buyer without an account a new id each time. The buyer is then known by a hash of the e-mail address or telephone number. ``test_orders``: a real tenant takes play money too. ``sandbox``: all that comes is of the shop's test environment, where its deliveries do not say so. ``subscriptions``: payments of subscriptions and invoices are read although no product of them is mapped. ``categories``: helpdesk group -> category; ``priorities``: priority there -> priority, whatever the case of its name; ``customer_field``: where the helpdesk keeps our customer id. */
export interface Options {
  "ids"?: SourceIds;
  "unmapped"?: Unmapped;
  "guests"?: Guests;
  "test_orders"?: boolean;
  "sandbox"?: boolean;
  "subscriptions"?: boolean;
  "customer_field"?: string | null;
  "categories"?: CategoriesObject;
  "priorities"?: CategoriesObject;
}

/** An order of the storefront: what it granted and why, what it did not and why. */
export interface Order {
  "order_id": string;
  "customer_id": string | null;
  "state": OrderState;
  "placed_at": string;
  "currency": string;
  "licenses": (License)[];
  "lots": (Lot)[];
  "covers": (Cover)[];
  "choices": (Choice)[];
  "addons": (Addon)[];
  "recurring_grants"?: (RecurringGrant)[];
  "not_granted": (NotGranted)[];
  "notices": (Notice)[];
  "decisions": (GrantDecision)[];
  "lines": (OrderLine)[];
  "policy": PolicyVersion;
  "metadata": JsonObject;
  "payment_state"?: PaymentState;
  "refunds"?: (OrderRefund)[];
  "payment_disputes"?: (PaymentDispute)[];
}

/** An order as it was placed. */
export interface OrderBody {
  "customer_id": string;
  "placed_at": string;
  "currency"?: string;
  "lines": (LineBody)[];
  "metadata"?: MetadataObject;
}

/** What a shop's change of an order came to. */
export interface OrderCorrection {
  "taken_back": (TakenBack)[];
  "not_taken_back": (NotTakenBack)[];
  "owed": number;
}

/** A line of an order. */
export interface OrderLine {
  "line_id": string;
  "sku": string;
  "quantity": number;
  "policy_version": number;
}

/** What a refund took back, and what it could not. */
export interface OrderRefund {
  "customer_id"?: string | null;
  "order_id": string;
  "refund_id": string;
  "state": RefundState;
  "at"?: string;
  "reason": string | null;
  "lines": (RefundLine)[];
  "taken_back"?: (TakenBack)[];
  "not_taken_back"?: (NotTakenBack)[];
  "owed"?: number;
  "within_guarantee"?: boolean;
  "guarantee_ends_at"?: string | null;
  "clause"?: string | null;
  "reading"?: boolean;
  "pending"?: boolean;
  "undone"?: UndoneRefund;
}

/** A page of a list. */
export interface OrderRefundPage {
  "data": (OrderRefund)[];
  "next_cursor": string | null;
}

export type OrderState = "granted" | "partly_granted" | "not_granted";

export type PaidBy = "credits" | "cover" | "nobody";

export type Party = "vendor" | "customer" | "third_party" | "none";

/** Why vendor clocks stand, and who is waited for. ``until``: it ends by itself then. */
export interface PauseBody {
  "acting_agent"?: ActingAgentBody | null;
  "reason": string;
  "party"?: string | null;
  "until"?: string | null;
  "occurred_at"?: string | null;
}

export type PauseEnd = "answer" | "until" | "silence";

/** A dispute of an order's payment, and what it did. */
export interface PaymentDispute {
  "dispute_id": string;
  "state": PaymentDisputeState;
  "action": DisputeAction;
  "lines": (DisputedLine)[];
  "credits": number;
  "amount": Money | null;
  "refund_id": string | null;
  "opened_at": string;
  "updated_at": string;
  "clause": string | null;
  "reading": boolean;
}

export type PaymentDisputeState = "warning" | "open" | "lost" | "won";

export type PaymentState = "paid" | "partly_refunded" | "refunded" | "disputed" | "dispute_lost";

export type PlanChange = "park" | "ignore" | "grant";

/** The vendor's support terms in force, with every name a caller may use. */
export interface Policy {
  "name": string;
  "title": string;
  "version": number;
  "effective_from": string | null;
  "format": number;
  "vendor": string;
  "source": string;
  "currency": string;
  "term_zone": string;
  "unit": PolicyUnit | null;
  "clauses": (PolicyClause)[];
  "categories": (PolicyCategory)[];
  "inputs": (PolicyInput)[];
  "channels": (PolicyChannel)[];
  "languages": (PolicyLanguage)[];
  "facts": (PolicyFact)[];
  "reasons": (PolicyReason)[];
  "causes": (PolicyCause)[];
  "outcomes": (PolicyOutcome)[];
  "milestones": (PolicyMilestone)[];
  "pause_reasons": (PolicyPauseReason)[];
  "credit_types": (PolicyCreditType)[];
  "actions": (PolicyAction)[];
  "offers": (PolicyOffer)[];
  "plans": (PolicyPlan)[];
  "labels": (PolicyLabel)[];
  "priorities": (PolicyPriority)[];
  "surcharges": (PolicySurcharge)[];
  "work_kinds": (PolicyWorkKind)[];
  "document": JsonObject;
  "versions": (VersionRow)[];
}

/** Something that a customer may be entitled to. */
export interface PolicyAction {
  "action": string;
  "title": string;
  "clauses": (string)[];
}

/** A category of tickets. */
export interface PolicyCategory {
  "category": string;
  "title": string;
  "price": CategoryPrice;
  "level": number | null;
  "confirm": boolean;
  "inputs": (string)[];
  "clause": string | null;
  "reading": boolean;
}

/** What a problem can turn out to be. */
export interface PolicyCause {
  "cause": string;
  "title": string;
  "returns": CauseReturns;
  "clause": string | null;
  "reading": boolean;
}

/** A way in which a ticket comes in. */
export interface PolicyChannel {
  "channel": string;
  "clause": string | null;
  "reading": boolean;
}

/** What is wrong with a draft. */
export interface PolicyCheck {
  "valid": boolean;
  "problems": (PolicyProblem)[];
}

/** A clause of the policy. */
export interface PolicyClause {
  "clause": string;
  "text": string;
  "reading": boolean;
  "source": string | null;
}

/** What a draft says otherwise than a version of the policy, in words. */
export interface PolicyComparison {
  "version": number;
  "differences": (DocumentDifference)[];
}

/** A type of credit. */
export interface PolicyCreditType {
  "credit_type": string;
  "title": string;
  "serves": (string)[];
  "includes": (string)[];
  "clause": string | null;
  "reading": boolean;
}

/** An order or a ticket that comes out otherwise under the draft. */
export interface PolicyDifference {
  "kind": RehearsedKind;
  "id": string;
  "customer_id": string | null;
  "before": RehearsedThing;
  "after": RehearsedThing;
  "clauses": (string)[];
}

/** A fact that the policy asks about. */
export interface PolicyFact {
  "fact": string;
  "title": string;
  "type": FactType;
  "values": (string)[];
  "clause": string | null;
  "reading": boolean;
}

/** A number that the price of a category needs. */
export interface PolicyInput {
  "input": string;
  "title": string;
  "category": string;
  "type": string;
  "minimum": number;
  "maximum": number;
  "clause": string | null;
}

/** A word of the vendor's for the customer's page. */
export interface PolicyLabel {
  "label": string;
  "text": string;
  "clause": string | null;
  "reading": boolean;
}

/** A language that tickets may be in. */
export interface PolicyLanguage {
  "language": string;
  "clause": string | null;
  "reading": boolean;
}

/** A promised time. */
export interface PolicyMilestone {
  "milestone": string;
  "target": string;
  "calendar": string;
  "applies": string | null;
  "party": PromiseParty;
  "starts": PromiseStart;
  "stops": (PromiseStop)[];
  "clause": string | null;
  "reading": boolean;
}

/** Something that can be bought, in brief. */
export interface PolicyOffer {
  "sku": string;
  "title": string;
  "kind": OfferKind;
  "clause": string | null;
  "reading": boolean;
}

/** How a ticket can end. */
export interface PolicyOutcome {
  "outcome": string;
  "title": string;
  "captures": boolean;
  "clause": string | null;
  "reading": boolean;
}

/** A reason for which clocks may stand. */
export interface PolicyPauseReason {
  "reason": string;
  "party": Party;
  "clause": string | null;
  "reading": boolean;
}

/** A plan that cover may be of. */
export interface PolicyPlan {
  "plan": string;
  "title": string;
  "includes": (string)[];
  "pays": boolean;
  "clause": string | null;
  "reading": boolean;
}

/** A priority that a ticket may have. */
export interface PolicyPriority {
  "priority": string;
  "title": string;
  "clause": string | null;
  "reading": boolean;
}

/** A mistake in a draft, or something to look at. */
export interface PolicyProblem {
  "path": string;
  "line": number;
  "column": number;
  "code": string;
  "message": string;
  "hint": string;
  "severity": Severity;
}

/** A reason that the policy's rules can give. */
export interface PolicyReason {
  "code": string;
  "message": string;
  "clause": string | null;
  "reading": boolean;
}

/** A policy in a list. */
export interface PolicyRow {
  "name": string;
  "title": string;
  "version": number;
  "effective_from": string | null;
  "format": number;
}

/** A page of a list. */
export interface PolicyRowPage {
  "data": (PolicyRow)[];
  "next_cursor": string | null;
}

/** What a draft would have changed: counts, each difference before and after, and what could not be run. */
export interface PolicySimulation {
  "from": string | null;
  "policy": PolicyVersion;
  "to": string | null;
  "customers": number;
  "orders": Rehearsed;
  "tickets": Rehearsed;
  "totals": RehearsedTotals;
  "differences": (PolicyDifference)[];
  "errors": (RehearsalError)[];
  "complete": boolean;
}

/** A version's document as YAML. */
export interface PolicySource {
  "version": number;
  "effective_from": string;
  "withdrawn_at"?: string;
  "name": string;
  "source": string;
  "written": boolean;
}

/** What changes a price where its condition holds. */
export interface PolicySurcharge {
  "surcharge": string;
  "title": string;
  "add": number | null;
  "times": string | null;
  "survives_bug": boolean;
  "clause": string;
  "reading": boolean;
}

/** The vendor's words for credits. */
export interface PolicyUnit {
  "one": string;
  "many": string;
  "minutes"?: number;
}

/** The version of the policy that decided. */
export interface PolicyVersion {
  "name": string;
  "version": number;
}

/** A new version, in force from ``effective_from`` (now, when absent). */
export interface PolicyVersionBody {
  "document": string | JsonObject;
  "effective_from"?: string | null;
}

/** A kind of work that a line of the work log may name. */
export interface PolicyWorkKind {
  "kind": string;
  "title": string;
  "billable": boolean;
  "clause": string | null;
  "reading": boolean;
}

/** What a category costs, by which clause. */
export interface Price {
  "policy": PolicyVersion;
  "draft": boolean;
  "category": string;
  "inputs": IntegerMap;
  "credits": number | null;
  "unit": string | null;
  "price": CategoryPrice;
  "least": number | null;
  "most": number | null;
  "outside_list": boolean;
  "needs_confirmation": boolean;
  "level": number | null;
  "clause": string | null;
  "reading": boolean;
  "steps": (PriceStep)[];
  "surviving": number;
  "not_applied": (NotApplied)[];
  "shown": string | null;
  "means": PriceMeans | null;
}

/** A question to the calculator. */
export interface PriceBody {
  "category": string;
  "inputs"?: InputsObject;
  "credits"?: number | null;
  "customer_id"?: string | null;
  "license_id"?: string | null;
  "agreed_up_to"?: number | null;
  "channel"?: string | null;
  "product"?: string | null;
  "priority"?: string | null;
  "facts"?: MetadataObject;
  "opened_at"?: string | null;
  "work"?: (WorkAskedBody)[];
  "document"?: string | JsonObject | null;
}

export type PriceKind = "fixed" | "range" | "from" | "formula" | "on_request" | "time" | "money";

/** What a customer has for a price in credits. */
export interface PriceMeans {
  "available": number;
  "overdraft_left": number;
  "limit_left": number | null;
  "decision": Decision;
}

/** One step of a price. The steps add up to the price. */
export interface PriceStep {
  "step": PriceStepKind;
  "surcharge": string | null;
  "credits": number;
  "summary": string;
  "clause": string | null;
  "reading": boolean;
  "without": number | null;
  "would_change": string | null;
}

export type PriceStepKind = "list" | "assessed" | "work" | "least" | "surcharge" | "given_back";

/** A request that cannot be carried out. `code` is stable; `next_step` says what to do. */
export interface Problem {
  "type": string;
  "title": string;
  "status": number;
  "code": string;
  "detail": string;
  "next_step": string;
  "instance"?: string;
  "reasons"?: (Reason)[];
  "remedies"?: (Remedy)[];
  "policy"?: PolicyVersion;
  "errors"?: (FieldProblem)[];
  "facts"?: JsonObject;
  "scope"?: string;
  "address"?: string;
}

/** A code that a refusal can have. */
export interface ProblemEntry {
  "code": string;
  "type": string;
  "status": number;
  "title": string;
  "cause": string;
  "next_step": string;
}

/** A page of a list. */
export interface ProblemEntryPage {
  "data": (ProblemEntry)[];
  "next_cursor": string | null;
}

export type PromiseParty = "vendor" | "customer";

export type PromiseStart = "opened" | "credit_applied" | "accepted" | "access_requested" | "confirmation_asked" | "customer_reply";

export type PromiseStop = "vendor_response" | "qualification" | "resolved" | "access_granted" | "confirmed" | "reached";

/** A version of a policy that was published. */
export interface PublishedPolicy {
  "name": string;
  "title": string;
  "version": number;
  "effective_from": string | null;
  "format": number;
  "warnings": (PolicyProblem)[];
}

/** Whether a ticket is served, and who said so. */
export interface Qualification {
  "by_agent": boolean;
  "state": QualificationState;
  "decision": Verdict | null;
  "checks": (Check)[];
  "recommendation": Recommendation | null;
  "reasons": (Reason)[];
  "by": string | null;
  "at": string | null;
  "note": string | null;
  "acting_agent": ActingAgent | null;
}

/** An agent's decision; codes are the policy's grounds. */
export interface QualificationBody {
  "acting_agent"?: ActingAgentBody | null;
  "decision": Verdict;
  "reasons"?: (string)[];
  "note"?: string | null;
  "occurred_at"?: string | null;
}

/** How a ticket was qualified. */
export interface QualificationMade {
  "decision": Verdict | null;
  "reasons"?: (Reason)[];
  "by": string | null;
  "at": string | null;
  "note"?: string | null;
}

export type QualificationState = "undecided" | "accepted" | "rejected";

/** A milestone that the helpdesk says is reached. */
export interface ReachedMilestone {
  "number": number;
  "milestone": string;
  "at": string;
  "by": string | null;
  "acting_agent"?: ActingAgent;
}

/** That calls can be served. */
export interface Readiness {
  "status": HealthStatus;
  "warnings": (HealthWarning)[];
}

/** One reason of an answer: a stable code, the clause it rests on, the facts used. */
export interface Reason {
  "code": string;
  "clause": string | null;
  "message": string;
  "facts": JsonObject;
  "reading": boolean;
  "would_change"?: string;
  "summary"?: string;
}

/** What the rules advise the agent. */
export interface Recommendation {
  "decision": Verdict;
  "reasons": (Reason)[];
}

/** Credits that come again each interval. */
export interface RecurringGrant {
  "grant_id": string;
  "line_id": string;
  "unit_no": number;
  "cover_id": string | null;
  "credits": number;
  "credit_type": string;
  "interval": Term;
  "at_renewal": Renewal;
  "rollover_max": number | null;
  "intervals_granted": number;
  "next_at": string | null;
  "ends_at": string | null;
  "rule": string;
  "clause": string;
}

export type RefundBasis = "full" | "partial" | "none";

/** A refund; without lines the whole order. */
export interface RefundBody {
  "refund_id": string;
  "lines"?: (RefundLineBody)[];
  "reason"?: string | null;
}

/** Units of a line that were refunded. */
export interface RefundLine {
  "line_id": string;
  "quantity": number | null;
  "by_lots"?: number;
}

/** So many units of a line; absent, all that is left of it. */
export interface RefundLineBody {
  "line_id": string;
  "quantity"?: number | null;
}

/** What unused credits bring back in money. */
export interface RefundQuote {
  "lot_id": string;
  "customer_id": string | null;
  "credits": number;
  "refund": Money;
  "basis": RefundBasis;
  "decision": Decision;
  "balance"?: Amounts;
}

export type RefundState = "booked" | "pending" | "undone";

/** Where it is installed. */
export interface RegistrationBody {
  "domain": string;
}

/** Something that could not be run again. */
export interface RehearsalError {
  "run": RehearsalRun;
  "kind": string;
  "id": string;
  "step": string | null;
  "code": string;
}

export type RehearsalRun = "baseline" | "draft" | "both";

/** How many things were run again. */
export interface Rehearsed {
  "replayed": number;
  "differ": number;
}

/** What a ticket would cost. */
export interface RehearsedCharge {
  "held": number;
  "net": number;
}

/** Something that an order would bring, or would not. */
export interface RehearsedGrant {
  "line_id"?: string | null;
  "unit_no"?: number;
  "credit_type"?: string;
  "granted"?: number;
  "expires_at"?: string | null;
  "state"?: string;
  "starts_at"?: string | null;
  "ends_at"?: string | null;
  "scope"?: string;
  "levels"?: (number)[];
  "actions"?: (string)[];
  "details"?: JsonObject;
  "option"?: string | null;
  "categories"?: (string)[];
  "plan"?: string | null;
  "seats"?: number | null;
  "credits"?: number;
  "interval"?: Term;
  "at_renewal"?: Renewal;
  "rollover_max"?: number | null;
  "code"?: string;
}

export type RehearsedKind = "order" | "ticket";

/** A promise of a ticket, as far as is compared. */
export interface RehearsedPromise {
  "milestone": string;
  "team"?: string;
  "calendar": string;
  "due_at"?: string;
  "outcome": ClockOutcome;
  "missed": number;
}

/** What orders and tickets come to in all. */
export interface RehearsedSum {
  "credits_granted": number;
  "credits_charged": number;
  "credits_held": number;
  "prices"?: (Money)[];
}

/** How an order or a ticket comes out, as far as is compared. */
export interface RehearsedThing {
  "refused"?: string;
  "state"?: string;
  "reasons"?: (string)[];
  "asks"?: (string)[];
  "price"?: number | null;
  "paid_by"?: string | null;
  "charge"?: RehearsedCharge;
  "promises"?: (RehearsedPromise)[];
  "granted"?: boolean;
  "licenses"?: number;
  "lots"?: (RehearsedGrant)[];
  "covers"?: (RehearsedGrant)[];
  "choices"?: (RehearsedGrant)[];
  "recurring_grants"?: (RehearsedGrant)[];
  "not_granted"?: (RehearsedGrant)[];
}

/** The sums under the policy and under the draft. */
export interface RehearsedTotals {
  "customers": number;
  "before": RehearsedSum;
  "after": RehearsedSum;
}

/** What the customer can do about it. */
export interface Remedy {
  "kind": string;
  "sku"?: string;
  "price"?: Money | null;
  "text"?: string;
  "quantity"?: number;
  "helps_at"?: string;
  "credit_type"?: string;
  "cover_id"?: string;
  "attributes"?: JsonObject;
}

export type Renewal = "reset" | "accumulate" | "rollover";

/** Why it is the same issue again; optional. */
export interface ReopeningBody {
  "acting_agent"?: ActingAgentBody | null;
  "reason"?: string | null;
}

/** What repeats in a feed of closed days. */
export interface RepeatingClosure {
  "name": string;
  "start": string;
  "first": string;
  "last": string;
  "dates": number;
  "closure_rule": JsonObject | null;
}

/** Figures of a tenant, from one snapshot. */
export interface Report {
  "from": string | null;
  "to": string | null;
  "report": ReportName;
  "as_of": string;
  "group_by": (string)[];
  "rows": (ReportRow)[];
  "totals": ReportRow;
}

/** An amount of a row: what it stands for, and its currency. */
export interface ReportMoney {
  "figure": string;
  "amount": string;
  "currency": string;
}

export type ReportName = "attainment" | "breaches" | "liability" | "consumption" | "grants" | "expiries" | "refunds" | "revenue" | "agents" | "forecast";

/** A group of a report, or all of it. */
export interface ReportRow {
  "by": StringMap;
  "figures": Record<string, number>;
  "money": (ReportMoney)[];
  "met_percent"?: string;
}

/** How it ended. ``result`` records facts found, such as ``hosting_certified``. */
export interface ResolutionBody {
  "acting_agent"?: ActingAgentBody | null;
  "outcome"?: string | null;
  "cause"?: string | null;
  "result"?: MetadataObject;
  "occurred_at"?: string | null;
}

/** A message on a ticket, as far as promises and charges care. */
export interface Response {
  "number": number;
  "author": Author;
  "kind": ResponseKind;
  "public": boolean;
  "automatic": boolean;
  "occurred_at": string;
  "recorded_at": string;
  "by": string | null;
  "acting_agent"?: ActingAgent;
}

/** A message on the ticket. ``automatic``: sent by a machine; it meets no promise and answers nothing. */
export interface ResponseBody {
  "acting_agent"?: ActingAgentBody | null;
  "author": Author;
  "kind"?: ResponseKind;
  "public"?: boolean;
  "automatic"?: boolean;
  "occurred_at"?: string | null;
}

export type ResponseKind = "service" | "inquiry";

/** Which reason is gone; none: all of them. */
export interface ResumeBody {
  "acting_agent"?: ActingAgentBody | null;
  "reason"?: string | null;
  "party"?: string | null;
  "occurred_at"?: string | null;
}

/** What a parked delivery asks a person: what is unclear, what the payload says, and what would settle it. */
export interface ReviewItem {
  "code": string;
  "unclear": string;
  "payload_says": JsonObject;
  "settled_by": (string)[];
}

export type Scope = "account" | "license" | "category";

/** How long deliveries are signed with the old secret too. */
export interface SecretRotationBody {
  "overlap_seconds"?: number;
}

/** Something that fell due and failed: it stops nothing else and is tried again at `retry_at`. */
export interface SetAside {
  "kind": string;
  "subject": string;
  "code": string;
  "failures": number;
  "retry_at": string;
}

export type Severity = "error" | "warning";

/** A link that opens one session for a person of the vendor; shown once. */
export interface SignInLink {
  "link_id": string;
  "url": string;
  "scopes": (string)[];
  "person": ActingAgent;
  "page": string;
  "expires_at": string;
}

/** Who signs in by a link, what for, and how long the link waits. ``page``: where it leads. */
export interface SignInLinkBody {
  "scopes": (string)[];
  "person": ActingAgentBody;
  "minutes"?: number;
  "page"?: string;
}

/** A draft, and the stretch of history to run it over: all of it unless fields. */
export interface SimulationBody {
  "document": string | JsonObject;
  "from"?: string | null;
  "to"?: string | null;
  "limit"?: number;
}

/** A shop or a helpdesk that is listened to; the token is shown when it is made. */
export interface Source {
  "name": string;
  "kind": SourceKind;
  "products": Record<string, MappedProduct | null>;
  "options": SourceOptions;
  "secrets": number;
  "api": boolean;
  "version": number;
  "created_at": string;
  "updated_at": string;
  "deleted_at"?: string;
  "deliveries"?: DeliveryCounts;
  "last_delivery_at"?: string | null;
  "secret"?: string;
  "token"?: string;
  "path"?: string;
  "url"?: string;
}

/** A source. A secret that is absent stays as it is; two count at once while one replaces the other. */
export interface SourceBody {
  "kind": SourceKind;
  "secret"?: string | null;
  "secrets"?: (string)[] | null;
  "products"?: Record<string, unknown>;
  "options"?: Options;
  "api"?: Api | null;
  "new_token"?: boolean;
}

export type SourceIds = "prefixed" | "own";

export type SourceKind = "purchase" | "woocommerce" | "stripe" | "shopify" | "paddle" | "zammad" | "zendesk" | "freescout" | "chatwoot" | "freshdesk" | "helpdesk";

/** How deliveries are read. What is absent is as it is by default. */
export interface SourceOptions {
  "ids"?: SourceIds;
  "unmapped"?: Unmapped;
  "guests"?: Guests;
  "test_orders"?: boolean;
  "sandbox"?: boolean;
  "subscriptions"?: boolean;
  "customer_field"?: string;
  "categories"?: StringMap;
  "priorities"?: StringMap;
}

/** A page of a list. */
export interface SourcePage {
  "data": (Source)[];
  "next_cursor": string | null;
}

/** A span of real time; `failed` sends what was not delivered, `all` everything. Repeat with `after`. */
export interface SpanBody {
  "since": string;
  "until"?: string | null;
  "which"?: "failed" | "all";
  "after"?: number;
}

/** By which rule lots are spent. */
export interface SpendingOrder {
  "clause": string | null;
  "rule": string;
  "reading": boolean;
}

/** The new ticket. */
export interface SplitBody {
  "acting_agent"?: ActingAgentBody | null;
  "ticket_id": string;
  "subject"?: string;
}

/** The account page in three parts, the first 100 rows of each. `totals` are over all rows: modifications - in progress - resolved = available. */
export interface Statement {
  "customer_id": string;
  "unit": string | null;
  "at": string;
  "available": number;
  "balance_modifications": (Modification)[];
  "tickets_in_progress": (ChargedTicket)[];
  "resolved_tickets": (ChargedTicket)[];
  "labels": StringMap;
  "held": number;
  "totals": StatementTotals;
  "next_cursor": string | null;
}

/** How many rows each part of the account page has in all. */
export interface StatementRows {
  "balance_modifications": number;
  "tickets_in_progress": number;
  "resolved_tickets": number;
}

/** The credits of each part of the account page, over all its rows. */
export interface StatementTotals {
  "balance_modifications": number;
  "tickets_in_progress": number;
  "resolved_tickets": number;
  "rows": StatementRows;
}

export type StringMap = Record<string, string>;

/** Whether the tenant's keys open nothing for now. */
export interface SuspensionBody {
  "suspended"?: boolean;
  "reason"?: string | null;
}

/** Something of an order that was taken back. */
export interface TakenBack {
  "kind": GrantKind;
  "line_id": string;
  "license_id"?: string;
  "unit_no"?: number;
  "lot_id"?: string;
  "credit_type"?: string;
  "credits"?: number;
  "cover_id"?: string;
  "state"?: CoverState;
  "ends_at"?: string | null;
  "choice_id"?: string;
  "addon"?: string;
  "customer_id"?: string | null;
}

/** One vendor using the service. */
export interface Tenant {
  "tenant_id": string;
  "policy": string;
  "clock": TenantTime;
  "suspended": boolean;
  "created_at": string;
}

/** A tenant under one of the shipped policies, or under the one of its ``document``. */
export interface TenantBody {
  "policy": string;
  "document"?: string | JsonObject | null;
  "clock"?: ClockBody;
}

/** Where a tenant lives, seen from this server. */
export interface TenantMove {
  "tenant_id": string;
  "state": MoveState;
  "address": string | null;
  "since": string | null;
}

/** A page of a list. */
export interface TenantPage {
  "data": (Tenant)[];
  "next_cursor": string | null;
}

/** The tenant's own time. */
export interface TenantTime {
  "mode": ClockMode;
  "now"?: string;
  "fired"?: number;
  "reached"?: boolean;
  "set_aside"?: (SetAside)[];
}

/** A length of time by the calendar. */
export interface Term {
  "years": number;
  "months": number;
  "days": number;
}

/** When it ends; absent, now. */
export interface TerminationBody {
  "effective_at"?: string | null;
}

/** The vendor's support request, under the helpdesk's own id. */
export interface Ticket {
  "ticket_id": string;
  "customer_id": string | null;
  "company_id": string | null;
  "subject": string;
  "state": TicketState;
  "channel": string | null;
  "language": string | null;
  "license_id": string | null;
  "product": string | null;
  "category": string | null;
  "inputs": IntegerMap;
  "facts": JsonObject;
  "agreed_up_to": number | null;
  "pay_with": string | null;
  "credit_type": string | null;
  "asks": (string)[];
  "reasons": (Reason)[];
  "remedies": (Remedy)[];
  "options": (TicketOption)[];
  "service": TicketService | null;
  "qualification": Qualification;
  "assessments": (Assessment)[];
  "price": number | null;
  "charge": Charge;
  "paid_by": PaidBy | null;
  "cover_id": string | null;
  "credit_applied_at": string | null;
  "credit_expires_at": string | null;
  "service_at": string | null;
  "responses": (Response)[];
  "access_requests": (AccessRequest)[];
  "pauses": (TicketPause)[];
  "disputes": (Dispute)[];
  "outcome": string | null;
  "cause": string | null;
  "cause_corrections": (CauseCorrection)[];
  "milestones": (ReachedMilestone)[];
  "result": JsonObject;
  "opened_by": Author;
  "external_url": string | null;
  "priority": string | null;
  "requester": string | null;
  "metadata": JsonObject;
  "acting_agent": ActingAgent | null;
  "merged_into": string | null;
  "merged": (string)[];
  "parent": string | null;
  "children": (string)[];
  "reopened": number;
  "reopening_reason": string | null;
  "opened_at": string;
  "updated_at": string;
  "accepted_at": string | null;
  "resolved_at": string | null;
  "closed_at": string | null;
  "confirmation_expires_at": string | null;
  "policy": PolicyVersion;
  "version": number;
  "clocks": (Clock)[];
  "actions": (TicketAction)[];
  "number"?: number;
  "status"?: AssessmentStatus;
  "assessment"?: Assessment;
  "response"?: Response;
  "access_request"?: AccessRequest;
  "dispute"?: Dispute;
  "cause_correction"?: CauseCorrection;
  "work"?: TicketWork;
  "work_line"?: WorkLine;
  "price_shown"?: string | null;
}

/** Something that may be done with a ticket, now or once something else was done. */
export interface TicketAction {
  "action": TicketVerb;
  "by": ActingParty;
  "allowed": boolean;
  "needs": (string)[];
  "code": string | null;
}

/** What the helpdesk says of a new ticket; what it leaves out is unknown and asked for where it matters. */
export interface TicketBody {
  "acting_agent"?: ActingAgentBody | null;
  "customer_id": string;
  "subject"?: string;
  "channel"?: string | null;
  "language"?: string | null;
  "license_id"?: string | null;
  "product"?: string | null;
  "facts"?: MetadataObject;
  "category"?: string | null;
  "inputs"?: InputsObject;
  "agreed_up_to"?: number | null;
  "pay_with"?: string | null;
  "credit_type"?: string | null;
  "opened_at"?: string | null;
  "opened_by"?: Author;
  "external_url"?: string | null;
  "priority"?: string | null;
  "requester"?: string | null;
  "metadata"?: MetadataObject;
}

/** The ticket that this one is the same issue as. */
export interface TicketMergeBody {
  "acting_agent"?: ActingAgentBody | null;
  "into_ticket_id": string;
}

/** One of the things that the customer can choose for a ticket: a means of payment, or an open choice. */
export interface TicketOption {
  "pay_with"?: string;
  "credits"?: number | null;
  "available"?: number;
  "cover_id"?: string;
  "state"?: string;
  "ends_at"?: string | null;
  "choice_id"?: string;
  "options"?: (string)[];
}

/** A page of a list. */
export interface TicketPage {
  "data": (Ticket)[];
  "next_cursor": string | null;
}

/** A stretch in which the vendor's clocks stand. */
export interface TicketPause {
  "number": number;
  "reason": string;
  "party": Party;
  "clause": string | null;
  "started_at": string;
  "ended_at": string | null;
  "until": string | null;
  "silent_at": string | null;
  "ended_by": PauseEnd | null;
  "acting_agent"?: ActingAgent;
}

/** The kind of credit that serves a ticket, and what it includes. */
export interface TicketService {
  "credit_type": string;
  "title": string;
  "clause": string;
  "served_by": string | null;
  "includes": (string)[];
}

export type TicketState = "needs_facts" | "awaiting_qualification" | "awaiting_assessment" | "awaiting_choice" | "awaiting_confirmation" | "awaiting_credits" | "in_progress" | "resolved" | "rejected" | "withdrawn";

export type TicketVerb = "details" | "choose" | "withdraw" | "accept" | "reject" | "assess" | "confirm" | "decline" | "respond" | "serve" | "request_access" | "grant_access" | "reach" | "pause" | "resume" | "apply_credit" | "split" | "merge" | "log_work" | "resolve" | "reopen" | "dispute" | "decide_dispute" | "correct_cause";

/** The work log of a ticket, and how it stands to what the customer agreed to. */
export interface TicketWork {
  "data": (WorkLine)[];
  "totals": WorkTotals;
  "next_cursor": string | null;
  "agreed": number | null;
  "used": number;
  "asked": number | null;
  "agreed_shown"?: string | null;
  "used_shown"?: string | null;
  "asked_shown"?: string | null;
}

export type TierMode = "graduated" | "volume";

/** Where to, forward only. */
export interface TimeBody {
  "now": string;
}

/** Seconds by responsibility; they add up to the wall's. */
export interface TimeLedger {
  "wall_seconds": number;
  "closed_seconds": number;
  "vendor_seconds": number;
  "customer_seconds": number;
  "third_party_seconds": number;
  "none_seconds": number;
}

export type TimeRounded = "line" | "ticket";

/** How long a customer token lives, and whether it acts for the customer. */
export interface TokenBody {
  "minutes"?: number;
  "may"?: TokenMay;
}

export type TokenMay = "read" | "act";

/** Credits given to another customer. */
export interface Transfer {
  "from": Lot;
  "credits": number;
  "to": Lot;
}

/** Who gets it. */
export interface TransferBody {
  "to_customer_id": string;
}

/** The balance of one type of credit. */
export interface TypeBalance {
  "available": number;
  "held": number;
  "owed": number;
}

/** A refund that was undone, since the dispute of the payment was won. */
export interface UndoneRefund {
  "at": string;
  "lines": (RefundLine)[];
  "given_back": (TakenBack)[];
}

export type Unmapped = "park" | "ignore";

export type Verdict = "accept" | "reject";

/** A version of a calendar, in brief. */
export interface VersionInBrief {
  "revision": number;
  "effective_from": string;
  "published_at": string | null;
}

/** A version of the policy. */
export interface VersionRow {
  "version": number;
  "effective_from": string;
  "withdrawn_at"?: string;
}

/** One attempt to deliver an event. */
export interface WebhookAttempt {
  "at": string;
  "status": number | null;
  "error": string | null;
  "duration_ms": number;
  "retry_after": string | null;
  "response"?: string;
}

/** The body of every webhook. */
export interface WebhookBody {
  "type": string;
  "timestamp": string;
  "data": CarriedData;
}

/** One event on its way to an endpoint, with every attempt. */
export interface WebhookDelivery {
  "delivery_id": string;
  "endpoint_id": string;
  "event_id": string;
  "type": string;
  "state": WebhookDeliveryState;
  "attempts": (WebhookAttempt)[];
  "failures": number;
  "next_attempt_at": string | null;
  "created_at": string;
  "finished_at": string | null;
  "replay_of": string | null;
}

/** A page of a list. */
export interface WebhookDeliveryPage {
  "data": (WebhookDelivery)[];
  "next_cursor": string | null;
}

export type WebhookDeliveryState = "pending" | "delivered" | "failed";

/** Where events are sent; the secret is shown when it is made. */
export interface WebhookEndpoint {
  "endpoint_id": string;
  "url": string;
  "event_types": (string)[];
  "customer_id": string | null;
  "description": string;
  "enabled": boolean;
  "disabled_reason": DisabledReason | null;
  "disabled_at": string | null;
  "previous_secret_until": string | null;
  "version": number;
  "created_at": string;
  "updated_at": string;
  "secret"?: string;
  "deleted"?: boolean;
}

/** A page of a list. */
export interface WebhookEndpointPage {
  "data": (WebhookEndpoint)[];
  "next_cursor": string | null;
}

/** How much of a span is sent again, and where to go on. */
export interface WebhookReplay {
  "endpoint_id": string;
  "replayed": number;
  "next_after": number | null;
}

/** The hours of each weekday, each from and to; a day that is absent is closed. */
export interface WeeklyHours {
  "mon"?: ((string)[])[];
  "tue"?: ((string)[])[];
  "wed"?: ((string)[])[];
  "thu"?: ((string)[])[];
  "fri"?: ((string)[])[];
  "sat"?: ((string)[])[];
  "sun"?: ((string)[])[];
}

/** One business day of a clock that owes each. */
export interface Window {
  "date": string;
  "closes_at": string;
  "state": WindowState;
  "at": string;
}

export type WindowState = "covered" | "missed" | "excused";

/** A line of work that might be logged; it begins when the ticket is opened, unless fields. */
export interface WorkAskedBody {
  "minutes": number;
  "kind"?: string | null;
  "billable"?: boolean;
  "occurred_at"?: string | null;
}

/** A line of work. ``occurred_at`` is its begin, now unless given; ``corrects`` is the line it takes the place of. What a correction leaves out is as in the line that it corrects; ``minutes`` of 0 takes the line away. */
export interface WorkBody {
  "acting_agent"?: ActingAgentBody | null;
  "minutes": number;
  "kind"?: string | null;
  "billable"?: boolean | null;
  "note"?: string | null;
  "occurred_at"?: string | null;
  "corrects"?: number | null;
}

/** A line of the work log. A line that was corrected stands with a price of 0. */
export interface WorkLine {
  "number": number;
  "minutes": number;
  "kind": string | null;
  "billable": boolean;
  "note": string | null;
  "occurred_at": string;
  "recorded_at": string;
  "acting_agent": ActingAgent | null;
  "by": string | null;
  "corrects": number | null;
  "corrected_by": number | null;
  "credits": number;
  "parts": (WorkPart)[];
  "surcharges": (string)[];
  "summary": string;
}

/** A stretch of a line for which the same surcharges hold. */
export interface WorkPart {
  "begin": string;
  "seconds": number;
  "factor": string;
  "surcharges": (string)[];
}

/** The sums over all lines of a ticket that stand. */
export interface WorkTotals {
  "lines": number;
  "minutes": number;
  "billable_minutes": number;
  "credits": number;
}
