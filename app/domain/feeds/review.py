"""What a parked delivery asks a person: what is unclear, what the shop says, and what would settle it.

An adapter and the rules of `app.domain.feeds.orders` state a `ReviewItem`. Its code says which steps settle it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.domain.values.wire import jsonable

ADJUST: Final = (
    "Correct the balance by POST /v1/customers/{customer_id}/adjustments, then dismiss the delivery with the"
    " adjustment's id."
)
DISMISS: Final = "Dismiss the delivery with a reason, if nothing has to change (POST .../{delivery_id}/dismissal)."
REPLAY: Final = "Replay the delivery once its cause is mended: POST .../deliveries/{delivery_id}/replay."
_REFUND: Final = (
    "Name the units in the shop: record the refund there with its lines; its next delivery clears this one.",
    "Take the units back by POST /v1/orders/{order_id}/refunds, then dismiss the delivery.",
    DISMISS,
)
_MAP: Final = (
    "Map the product in PUT /v1/sources/{name}, or map it to null if it is nothing of ours; then replay.",
    "Set the option `unmapped` of the source to `ignore`, if unmapped products are never ours; then replay.",
    DISMISS,
)
_READ: Final = (
    "Let the shop send the order again, whole: a later delivery that can be read clears this one.",
    "Record the order by PUT /v1/orders/{order_id}, then dismiss the delivery.",
    DISMISS,
)
_AGAIN: Final = (
    "Record what the customer shall have by an adjustment, then dismiss the delivery with its id.",
    "Let the shop place a new order, if the customer pays again.",
    DISMISS,
)
STEPS: Final[dict[str, tuple[str, ...]]] = {
    "refund_lines_unknown": _REFUND,
    "refund_part_of_unit": (_REFUND[1], ADJUST, DISMISS),
    "refund_reversed": _AGAIN,
    "dispute_lines_unknown": (_REFUND[1], ADJUST, DISMISS),
    "paid_after_cancellation": _AGAIN,
    "total_unexplained": (
        "Correct the order in the shop, so that its lines, discounts, taxes and fees add up to its total.",
        "Record the order by PUT /v1/orders/{order_id} with the prices that were paid, then dismiss the delivery.",
        DISMISS,
    ),
    "payment_unclear": (
        "Set the order in the shop to the status that is true; its next delivery clears this one.",
        ADJUST,
        DISMISS,
    ),
    "payment_already_used": (
        "Cancel the order in the shop, if its payment bought another order.",
        "Record the order by PUT /v1/orders/{order_id}, if it was paid by itself; then dismiss the delivery.",
        DISMISS,
    ),
    "quantity_unclear": (
        "Set a whole number of units on the line in the shop; its next delivery clears this one.",
        "Map the product to null in PUT /v1/sources/{name}, if it is nothing of ours; then replay.",
        DISMISS,
    ),
    "plan_changed": (
        "Set `plan_change` of the product in PUT /v1/sources/{name} to `ignore` or `grant`; then replay the delivery.",
        ADJUST,
        DISMISS,
    ),
    "status_unknown": (REPLAY, ADJUST, DISMISS),
    "unmapped_product": _MAP,
    "unknown_sku": ("Publish a policy version that sells the sku; then replay the delivery.", _MAP[0], DISMISS),
    "customer_missing": (
        "Name a customer or an e-mail address on the order in the shop; its next delivery clears this one.",
        "Record the order by PUT /v1/orders/{order_id} for the customer, then dismiss the delivery.",
        DISMISS,
    ),
    "order_customer_changed": (
        "Merge the two customers by POST /v1/customers/{customer_id}/merge, then replay the delivery.",
        "Leave the order with the customer who used it, and dismiss the delivery.",
    ),
    "order_line_changed": (
        "Refund the line, and bring the other product by an order of its own; then dismiss the delivery.",
        "Leave the line as it was bought, and dismiss the delivery.",
    ),
    "order_of_merged_account": (
        "Refund what is gone of the order, bring what is new by an order of its own, and dismiss the delivery.",
        "Leave the order as it was bought, and dismiss the delivery.",
    ),
    "placed_in_future": (
        "Wait until that instant has come, then replay the delivery.",
        "Correct the clock or the time zone of the shop; its next delivery clears this one.",
        DISMISS,
    ),
    "lines_missing": (
        "Give the source an api key in PUT /v1/sources/{name}, then replay the delivery.",
        "Name the lines in the metadata of the payment.",
        DISMISS,
    ),
    "api_missing": (
        "Give the source an api key and base_url in PUT /v1/sources/{name}, then replay the delivery.",
        "Record the ticket by PUT /v1/tickets/{ticket_id}, then dismiss the delivery.",
    ),
    "legacy_version": (
        "Set the webhook's API version in the shop to the newest, then send the order again.",
        "Run `retainer reconcile`, which asks the shop's newest API.",
        DISMISS,
    ),
    "not_json": _READ,
    "field_missing": _READ,
    "field_wrong": _READ,
    "handling_failed": (REPLAY, "Tell whoever runs the service: its log names the fault.", DISMISS),
}
"""Code -> two or three things that would settle what is parked for it."""
_OTHERWISE: Final = (REPLAY, ADJUST, DISMISS)


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One thing that nobody can decide but a person.

    ``unclear``: a sentence; ``says``: what the payload says of it (amounts, ids, states: never a name or an address).
    """

    code: str
    unclear: str
    says: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is known by: the same doubt in a later delivery has the same key."""
        digested = json.dumps([self.code, jsonable(self.says) or self.unclear], sort_keys=True)
        return hashlib.sha256(digested.encode()).hexdigest()[:16]

    def row(self) -> dict[str, Any]:
        """The item as kept: as published, with its key."""
        return {**self.view(), "key": self.key}

    def view(self) -> dict[str, Any]:
        """The item as published."""
        return {
            "code": self.code,
            "unclear": self.unclear,
            "payload_says": jsonable(self.says),
            "settled_by": list(STEPS.get(self.code, _OTHERWISE)),
        }


def distinct(items: Iterable[ReviewItem]) -> tuple[ReviewItem, ...]:
    """The items, each once."""
    return tuple({item.key: item for item in items}.values())


def plan_changed(row: Mapping[str, Any], how: str | None) -> ReviewItem | None:
    """Return the item for a line that a change of plan in mid-period made.

    None where the mapping says what such a line brings.
    """
    if row["change"] != "proration" or how in ("grant", "ignore"):
        return None
    says = {"line": row["line_id"], "products": list(row["products"]), "amount": row.get("paid")}
    unclear = f"Line {row['line_id']} bills a change of plan in mid-period: the mapping does not say what it brings."
    return ReviewItem("plan_changed", unclear, says)
