"""The rows of a customer's export, as GraphQL types them: the columns of our tables.

REST gives each row as a plain object. A column is named here once, with its kind; a test compares them with the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from typing_extensions import TypedDict

from app.views.shapes import Id, Instant, Whole

_KINDS: Final[Mapping[str, Any]] = {
    "text": str,
    "id": Id,
    "instant": Instant,
    "whole": Whole,
    "flag": bool,
    "numbers": list[int],
    "words": list[str],
    "data": Any,
}
COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "external_ids": ("ExternalId", "system external_id customer_id"),
    "licenses": (
        "License",
        (
            "license_id customer_id order_id line_id unit_no:whole sku edition? placed_at:instant ordinal:whole "
            "first_order:flag policy_version:whole registered_domain? registered_at?:instant ended_at?:instant "
            "ended_reason? uncounted_after? version:whole"
        ),
    ),
    "covers": (
        "Cover",
        (
            "cover_id customer_id license_id? order_id? line_id? rule clause reading:flag scope levels:numbers "
            "actions:words term?:data start free:flag state granted_at:instant starts_at?:instant "
            "ends_at?:instant policy_version:whole suspended_at?:instant suspensions:whole "
            "suspended_seconds:whole voided_at?:instant version:whole plan? seats?:whole runs_on:flag data:data"
        ),
    ),
    "choices": (
        "Choice",
        (
            "choice_id customer_id order_id line_id license_id? unit_no:whole rule clause reading:flag "
            "options:data policy_version:whole opened_at:instant placed_at:instant option? made_at?:instant "
            "voided_at?:instant version:whole"
        ),
    ),
    "addons": ("Addon", "customer_id order_id line_id addon placed_at:instant voided_at?:instant"),
    "orders": (
        "Order",
        (
            "order_id customer_id placed_at:instant received_at:instant currency lines:data answer:data "
            "policy_version:whole source version:whole record_id payment_state"
        ),
    ),
    "refunds": ("Refund", "order_id refund_id customer_id answer:data at:instant"),
    "payment_disputes": (
        "PaymentDispute",
        (
            "order_id dispute_id customer_id state action wanted:data opened_at:instant updated_at:instant "
            "amount? currency? credits:whole holds:data undo:data refund_id? takes:whole version:whole"
        ),
    ),
    "accounts": (
        "Account",
        (
            "customer_id credit_type granted:whole available:whole held:whole spent:whole expired:whole "
            "voided:whole owed:whole next_expiry?:instant version:whole asked_at?:instant"
        ),
    ),
    "lots": (
        "Lot",
        (
            "lot_id customer_id credit_type source rule granted:whole available:whole held:whole spent:whole "
            "expired:whole voided:whole effective_at:instant expires_at?:instant is_open:flag priority:whole "
            "scope license_id? order_id? line_id? unit_no:whole cost_amount? cost_currency? policy_version:whole "
            "origin_lot_id? clause? reading:flag reason? data:data"
        ),
    ),
    "holds": (
        "Hold",
        (
            "hold_id customer_id credit_type kind credits:whole ticket_id? created_at:instant expires_at?:instant "
            "closed_at?:instant state?"
        ),
    ),
    "operations": (
        "Operation",
        (
            "operation_id customer_id credit_type kind account_version:whole effective_at:instant "
            "recorded_at:instant hold_id? ticket_id? order_id? command_id? reason? clause? reading:flag"
        ),
    ),
    "tickets": (
        "Ticket",
        (
            "ticket_id external_id customer_id person_id? state category? subject channel? license_id? parent_id? "
            "opened_at:instant updated_at:instant resolved_at?:instant version:whole document:data"
        ),
    ),
    "clocks": (
        "Clock",
        (
            "clock_id ticket_id customer_id milestone party phase outcome started_at:instant due_at?:instant "
            "remaining_business_seconds?:whole stopped_at?:instant next_action_at?:instant calendar "
            "calendar_revision:whole tzdb_version version:whole spec:data"
        ),
    ),
    "clock_outcomes": (
        "ClockOutcome",
        (
            "clock_id cycle:whole window_date kind customer_id at:instant due_at?:instant calendar_revision:whole "
            "tzdb_version recorded_at:instant"
        ),
    ),
    "history": (
        "HistoryEvent",
        "stream entity_id seq:whole kind occurred_at:instant recorded_at:instant customer_id actor? payload:data",
    ),
    "events": (
        "Event",
        (
            "event_id position?:whole customer_id sequence:whole type occurred_at:instant recorded_at:instant "
            "data:data dedupe_key?"
        ),
    ),
    "agenda": ("AgendaItem", "kind subject at:instant customer_id payload:data"),
    "commands": ("Command", "key kind status:whole answer:data actor? customer_id? created_at:instant"),
    "deliveries": (
        "Delivery",
        (
            "delivery_id source event_key topic? subject? headers:data body fetched?:data state reason? detail? "
            "attempts:whole effects?:data customer_id? received_at:instant next_at:instant finished_at?:instant "
            "erased_at?:instant review?:data dismissal?:data"
        ),
    ),
    "hold_lines": (
        "HoldLine",
        "hold_id line_no:whole lot_id credits:whole captured:whole released:whole refunded:whole",
    ),
    "entries": ("Entry", "operation_id line_no:whole lot_id source target credits:whole"),
}
"""List of an export -> (the noun, its columns). A column is text, or of the kind behind the colon; `?`: may be null."""


def columns_of(name: str) -> dict[str, tuple[str, bool]]:
    """Return the columns of a list of the export: name -> (kind, whether it may be null)."""
    found = {}
    for word in COLUMNS[name][1].split():
        column, _, kind = word.partition(":")
        plain = column.rstrip("?")
        found[plain] = (kind or ("id" if plain.endswith("_id") else "text"), column.endswith("?"))
    return found


def _row(name: str) -> Any:
    """Return the shape of the rows of a list."""
    noun = COLUMNS[name][0]
    members = {
        column: Annotated[_KINDS[kind] | None if nullable else _KINDS[kind], f"Our column `{column}`."]
        for column, (kind, nullable) in columns_of(name).items()
    }
    shape = TypedDict(f"Exported{noun}", members)  # type: ignore[misc]
    shape.__doc__ = f"A row of a customer's export: {noun}, as it is stored."
    return shape


ROWS: Final[Mapping[str, Any]] = {name: _row(name) for name in COLUMNS}
"""List of an export -> the shape of its rows."""
