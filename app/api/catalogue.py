"""The rows of the problem catalogue, by subject. Append-only: a code is never renamed nor given another meaning.

`app.api.problems` is the module to import; this one holds the table.
"""

# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """What a code means: HTTP status, a title, why it happens, what the caller can do."""

    status: int
    title: str
    cause: str
    next_step: str

    def json(self) -> dict[str, str | int]:
        """As published."""
        return {"status": self.status, "title": self.title, "cause": self.cause, "next_step": self.next_step}


CATALOGUE: Final[dict[str, Entry]] = {
    # --- the request itself
    "malformed_json": Entry(400, "Malformed JSON", "The body is not JSON text in UTF-8.", "Send one JSON object, encoded in UTF-8 without a byte order mark."),
    "duplicate_field": Entry(400, "Duplicate field", "An object names the same field twice, so that it has two meanings.", "Name each field once."),
    "too_deep": Entry(400, "Nested too deep", "The body is nested more than 32 levels deep.", "Send a flatter body."),
    "malformed_request": Entry(400, "Malformed request", "The request cannot be understood.", "Check the request against /docs."),
    "idempotency_key_missing": Entry(400, "Idempotency-Key missing", "This call moves credits or time and has no natural key.", "Send an Idempotency-Key header with a value of your own, kept for retries."),
    "idempotency_key_malformed": Entry(400, "Idempotency-Key malformed", "The key must be 1 to 255 printable ASCII characters.", "Send a shorter or plainer key, for instance a UUID."),
    "cursor_invalid": Entry(400, "Cursor not valid", "The cursor was not given out by this list, or with other filters.", "Start again without a cursor; pass `next_cursor` on unchanged with the same filters."),
    "unauthorized": Entry(401, "No valid key", "There is no key, or it is unknown, expired or revoked.", "Send `Authorization: Bearer <key>` with a live key; make one with POST /v1/tenants/{tenant_id}/keys."),
    "scope_missing": Entry(403, "Scope missing", "The key does not carry the scope that this call needs.", "Use a key with the scope named in `scope`, or with `*`."),
    "operator_only": Entry(403, "Operator only", "Only the operator key may do this.", "Use the operator key of this installation."),
    "operator_not_allowed": Entry(403, "Not with the operator key", "The operator key creates tenants and keys, and nothing else.", "Make a key for the tenant and use that."),
    "customer_token_not_allowed": Entry(403, "Not with a customer token", "A customer token reads one customer's own pages, and nothing else.", "Use a key of the tenant."),
    "metrics_closed": Entry(403, "Figures are closed", "Without RETAINER_METRICS_TOKEN the figures are for this machine alone.", "Set RETAINER_METRICS_TOKEN and send it as a bearer token."),
    "tenant_suspended": Entry(403, "Tenant suspended", "The operator has suspended this tenant.", "Ask the operator to lift the suspension."),
    "not_found": Entry(404, "Not found", "There is nothing here, or it is not yours.", "Check the id and the path."),
    "path_not_found": Entry(404, "No such path", "No operation has this path.", "See /docs for the operations."),
    "method_not_allowed": Entry(405, "Method not allowed", "The path is known, but not with this method.", "Use one of the methods in the `Allow` header."),
    "request_timeout": Entry(408, "Request too slow", "The request did not arrive within 30 seconds.", "Send it again, in one go."),
    "precondition_failed": Entry(412, "Changed meanwhile", "`If-Match` names another version than the one in force, or `If-None-Match: *` met an existing one.", "Read it again, apply your change to what you read, and send its ETag."),
    "body_too_large": Entry(413, "Too large", "The body is larger than this operation takes: 64 KiB, 512 KiB for batches, policies and calendar versions, 1 MiB for inbound deliveries.", "Send less, or in several calls."),
    "unsupported_media_type": Entry(415, "Unsupported media type", "The body is not `application/json` in UTF-8.", "Send `Content-Type: application/json`."),
    "content_encoding_refused": Entry(415, "Compressed bodies are refused", "The body has a Content-Encoding.", "Send the body uncompressed."),
    "invalid_input": Entry(422, "Invalid input", "Some fields are not what this operation takes; `errors` names each.", "Correct the fields named in `errors`."),
    "idempotency_key_reused": Entry(422, "Idempotency-Key used for something else", "The key was used before with another payload or for another operation.", "Use a fresh key for a fresh request; repeat a request only unchanged."),
    "request_in_flight": Entry(409, "Still in flight", "A request with this Idempotency-Key is still being worked on.", "Wait a second and send the same request again."),
    "header_fields_too_large": Entry(431, "Header too large", "The headers are larger than 32 KiB.", "Send fewer or shorter headers."),
    "rate_limited": Entry(429, "Too many calls", "The limit of calls for this key, tenant or address is reached.", "Wait for the seconds in `Retry-After`, then go on more slowly."),
    "overloaded": Entry(429, "Too much at once", "More commands wait than the service takes on.", "Wait for the seconds in `Retry-After`, then send again with the same key."),
    "internal_error": Entry(500, "A fault of ours", "Something went wrong in the service; it is logged under `request_id`.", "Send the same request again; if it stays, tell the operator the `request_id`."),
    "unavailable": Entry(503, "Unavailable", "The database cannot answer now.", "Send the same request again after `Retry-After`, with the same Idempotency-Key."),
    "outcome_unknown": Entry(503, "Outcome unknown", "The answer of the database to a commit was lost: it was done wholly or not at all.", "Send the same request again with the same key: it is done once."),
    "busy": Entry(503, "Busy", "A lock or a connection was not had in time.", "Send the same request again after `Retry-After`, with the same Idempotency-Key."),
    "not_built": Entry(501, "Not there", "This part of the service is not installed.", "Ask the operator."),
    # --- policies
    "policy_reason": Entry(409, "Refused by the policy", "The tenant's policy refuses this; `reasons` names each clause.", "See `reasons` and `remedies`; GET /v1/policies/{name} lists the policy's reasons."),
    "policy_not_found": Entry(404, "Policy not found", "The tenant has no policy of this name or version.", "See GET /v1/policies."),
    "unknown_policy": Entry(422, "Unknown policy", "No policy of this name is shipped.", "Name one of the policies in `facts`."),
    "policy_invalid": Entry(422, "Policy document not valid", "The document has mistakes; each is named with its line.", "Correct them; POST /v1/policies/validate checks without publishing."),
    # --- tenants, keys, clock
    "tenant_not_found": Entry(404, "Tenant not found", "There is no tenant of this id.", "Make it with PUT /v1/tenants/{tenant_id}."),
    "tenant_conflict": Entry(409, "Tenant exists otherwise", "A tenant of this id exists with another policy or clock.", "Use another id; policies change by POST /v1/policies/{name}/versions."),
    "key_not_found": Entry(404, "Key not found", "There is no key of this id.", "See GET /v1/keys."),
    "key_not_live": Entry(409, "Key no longer live", "The key has expired or was revoked.", "Make a new one with POST /v1/tenants/{tenant_id}/keys."),
    "unknown_scope": Entry(422, "Unknown scope", "A scope is not one of those published.", "Use the scopes in `facts`."),
    "clock_backwards": Entry(409, "Clocks go forward only", "The instant is before the tenant's own time.", "Give a later instant, or make a fresh sandbox tenant."),
    "clock_not_virtual": Entry(409, "Not a sandbox", "This tenant lives in real time.", "Make a tenant with `\"clock\": {\"mode\": \"virtual\", ...}`."),
    # --- customers
    "customer_not_found": Entry(404, "Customer not found", "This tenant has no customer of this id.", "Check the id; customers come into being with their first order or ticket."),
    # --- calendars and clocks
    "calendar_not_found": Entry(404, "Calendar not found", "The tenant has no calendar of this name.", "Make it with PUT /v1/calendars/{name}; the policy's own is `service-hours`."),
    "calendar_conflict": Entry(409, "Calendar exists otherwise", "A calendar of this name exists with other content.", "Send its ETag as If-Match to change it."),
    "calendar_zone_fixed": Entry(409, "The zone stays", "A calendar that has versions keeps its zone, which would otherwise move every hour at once.", "Make another calendar, or publish a version with other hours."),
    "notice_below_policy": Entry(409, "Less notice than promised", "The policy promises its customers more notice of closures.", "Give at least the policy's `notice_days`."),
    "notice_too_short": Entry(409, "Notice too short", "The version takes open time away sooner than the calendar's notice allows.", "Use an `effective_from` on or after `earliest` in `facts`, or take no open time away before it."),
    "correction_required": Entry(409, "A correction must say so", "The version's date lies on or before an existing version's, or a correction gives no reason.", "Use a later `effective_from`, or send `correction: true` with a `reason`."),
    "invalid_hours": Entry(422, "Hours not valid", "Hours must be openings of a day that do not overlap, from 00:00 to 24:00; `facts` says which are not.", "Correct the hours; an opening past midnight may be written as one, such as 22:00 to 06:00, in weekly hours."),
    "invalid_closure_rules": Entry(422, "Closure rules not valid", "A holiday set or closure rule cannot be used; `facts` names each.", "Correct them; they are written as in a policy document."),
    "unknown_zone": Entry(422, "Unknown time zone", "There is no such IANA time zone.", "Use a name such as `Europe/Berlin` or `Etc/UTC`."),
    "invalid_target": Entry(422, "Target not valid", "The target cannot be read.", "Use `business_seconds:28800`, `business_days:1`, `business_days:1:close` or `seconds:86400`."),
    "sla_unreachable": Entry(422, "Never due", "The calendar does not open enough within twenty years for this target.", "Use a calendar that opens, or a shorter target."),
    "instant_out_of_range": Entry(422, "Instant out of range", "The instant, or what would be computed from it, lies too far away.", "Use instants between 2000 and 2200."),
    "span_reversed": Entry(422, "Dates the wrong way round", "The last date lies before the first.", "Give `from` on or before `to`."),
    "span_too_long": Entry(422, "Span too long", "The dates are more than ten years apart.", "Ask in several calls."),
    "clock_not_found": Entry(404, "Clock not found", "There is no clock of this id, or it had not started at the instant asked about.", "See GET /v1/clocks."),
    # --- credits
    "insufficient_credits": Entry(409, "Not enough credits", "Fewer credits are available than this takes; `facts` says how many are missing.", "Buy or grant the missing credits, then send the same request again."),
    "hold_not_found": Entry(404, "Hold not found", "There is no hold of this id.", "Use the `hold_id` of the answer that made it."),
    "hold_wrong_state": Entry(409, "Hold in the wrong state", "The hold is not in a state that allows this; `facts.state` names it.", "Only what is held can be captured or released, only what is captured can be refunded."),
    "hold_expired": Entry(409, "Hold expired", "The hold had a term and it has passed; its credits went back.", "Hold again with a fresh key."),
    "over_capture": Entry(409, "More than is held", "The capture is larger than what the hold still holds.", "Capture at most `facts.held`; hold more for a higher price."),
    "over_release": Entry(409, "More than is held", "The release is larger than what is still held.", "Release at most `facts.held`."),
    "over_refund": Entry(409, "More than was captured", "The refund is larger than what was captured and not yet given back.", "Refund at most `facts.refundable`."),
    "lot_not_found": Entry(404, "Lot not found", "There is no lot of this id.", "See the lots of the customer's balance."),
    "lot_expired": Entry(409, "Lot expired", "The lot's credits have expired.", "Use another lot, or none in particular."),
    "amount_out_of_range": Entry(422, "Amount out of range", "Credits are integers from 1 up to the limit in `facts.most`.", "Send an amount within the limits."),
    "expires_in_past": Entry(422, "Expiry in the past", "The expiry is not after now.", "Give a later instant, or none."),
    "unknown_credit_type": Entry(422, "Unknown credit type", "The policy has no such type of credit, or has several and none was named.", "Use one of `facts.known`."),
    "not_transferable": Entry(409, "Not transferable", "The policy does not let credits go to another customer.", "See `reasons` for the clause."),
    "same_customer": Entry(422, "The same customer", "A lot cannot go to the customer who has it.", "Name another customer."),
    "expired": Entry(409, "Expired", "The credits have expired, so nothing comes back.", "See `reasons` for the clause."),
    "credit_in_use": Entry(409, "Credit in use", "The credit is applied to a ticket that is not decided yet.", "Wait for the decision, or withdraw the ticket."),
    "service_provided": Entry(409, "Service was provided", "Service was given for the credit, so it is used.", "The vendor may override with the scope `credits:refund`."),
    "not_bought": Entry(409, "Not bought", "Nothing was paid for these credits.", "Only bought credits bring money back."),
    "already_refunded": Entry(409, "Refunded already", "The lot's money was given back already.", "Nothing is left to do."),
    "refund_window_over": Entry(409, "Too late for a refund", "The time for a refund has passed.", "See `reasons` for the clause."),
    "refund_not_offered": Entry(409, "No refunds of credits", "The policy offers no money back for credits.", "See the policy's clauses."),
    # --- orders, licenses, covers, choices
    "order_not_found": Entry(404, "Order not found", "This tenant has no order of this id.", "Check the id; record it with PUT /v1/orders/{order_id}."),
    "order_conflict": Entry(409, "Order exists otherwise", "An order of this id was recorded with other content.", "Orders never change: record corrections as a refund and an order of its own."),
    "placed_in_future": Entry(422, "Placed in the future", "`placed_at` is more than five minutes ahead of the tenant's clock.", "Send the instant at which the order was placed; set the shop's clock."),
    "duplicate_line": Entry(422, "Line given twice", "Two lines of the order have the same `line_id`.", "Give each line an id of its own."),
    "too_many_units": Entry(422, "Too many units", "An order holds at most 1,000 units over all its lines.", "Record it as several orders."),
    "line_not_found": Entry(422, "No such line", "The order has no line of this id.", "See GET /v1/orders/{order_id}."),
    "order_over_refund": Entry(422, "More than was bought", "More units of a line are to be refunded than were bought and not yet refunded.", "Refund at most `facts.refundable` units of the line."),
    "refund_conflict": Entry(409, "Refund exists otherwise", "A refund of this id was recorded with other content.", "Use a `refund_id` of its own for each refund."),
    "license_not_found": Entry(404, "License not found", "This tenant has no license of this id.", "See GET /v1/customers/{customer_id}."),
    "license_ended": Entry(409, "License has ended", "The license was terminated, refunded or replaced, or has not begun.", "Use an active license."),
    "before_placed": Entry(422, "Before it was bought", "The license cannot end before its order was placed.", "Give an instant at or after `placed_at`."),
    "choice_not_found": Entry(404, "Choice not found", "This customer has no choice of this id.", "See GET /v1/customers/{customer_id}/choices."),
    "choice_made": Entry(409, "Choice already made", "The choice was made before and is irreversible.", "See what it granted: GET /v1/customers/{customer_id}."),
    "choice_voided": Entry(409, "Choice taken back", "The choice was taken back with its order, or because an earlier order came first.", "See GET /v1/customers/{customer_id}/choices."),
    "unknown_option": Entry(422, "Unknown option", "The choice has no such option.", "Use one of the options in `facts`."),
    "cover_not_found": Entry(404, "Cover not found", "This tenant has no cover of this id.", "See GET /v1/customers/{customer_id}."),
    "cover_wrong_state": Entry(409, "Not in this state", "The cover is not in a state that allows this.", "See the cover's `state`."),
    "suspension_used": Entry(409, "Suspension used up", "The period was suspended as often as the policy allows.", "Let it run; buy another period when it ends."),
    "not_suspendable": Entry(409, "Cannot be suspended", "Only a running, bought period can be suspended, where the policy offers it.", "See `reasons`."),
    "not_suspended": Entry(409, "Not suspended", "The cover is not suspended.", "See the cover's `state`."),
    "no_free_extension": Entry(409, "No free extension", "The policy extends cover by an order only.", "Buy a period; see GET /v1/offers."),
    "action_not_found": Entry(404, "Action not found", "The policy knows no such action.", "Use one of the actions in `facts`."),
    "unknown_reason": Entry(422, "Unknown reason", "Neither the service nor the policy knows this reason.", "Use one of the reasons in `facts`, or none."),
    "merge_blocked": Entry(409, "Cannot be merged now", "The account that would go has credits held or open tickets.", "Close its tickets and holds first."),
    "merge_into_itself": Entry(422, "Same account", "Both ids name one account.", "Name the account that remains."),
}
