"""What is known of a shop's order, brought into the ledger: lines, refunds and payment disputes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.db import policies
from app.db.account import accounts
from app.db.engine import Tx
from app.db.inbound import inbox
from app.db.inbound.sources import Source
from app.db.orders import orders
from app.domain.feeds import orders as feed
from app.domain.feeds.disputed_money import DisputeTarget
from app.domain.feeds.orders import Known
from app.domain.feeds.refund_reasons import OF_REFUNDS
from app.domain.feeds.review import ReviewItem, plan_changed
from app.domain.orders import lines as order_lines
from app.domain.policy.offers import NotGranted
from app.domain.values.wire import parse_iso
from app.usecases.inbound import effects
from app.usecases.inbound.names import customer_here, own_name
from app.usecases.inbound.outcome import SETTLED, Outcome

DISPUTED: Final = "payment_dispute"
"""The reason of a refund that a dispute of the payment made."""


async def act_on_order(tx: Tx, source: Source, subject: str, known: Known) -> Outcome:
    """Brings the ledger to what is known of an order."""
    target = feed.target_of(known)
    if target is None:
        return Outcome(reason="waits_for_payment" if "order" in known else "waits_for_order")
    settled = set(known.get("settled") or ())
    if blocks := [block for block in target.blocks if block.key not in settled]:
        return Outcome().park(*blocks)
    if any(block.code not in OF_REFUNDS for block in target.blocks):
        return Outcome(state="ignored", reason=SETTLED)
    order_id = own_name(source, subject.partition("/")[2])
    placed_at = parse_iso(target.order["placed_at"])
    lines, further = await _lines(tx, source, target.order, placed_at)
    payment = target.order.get("payment") is not None
    # Asked for only where it matters: an order that is paid by a payment of its own is looked for when it is recorded.
    there = await orders.find(tx, order_id) is not None if payment or not lines else True
    if not lines and not there:
        waits = [review_item for review_item in further if review_item.key not in settled]
        return Outcome().park(*waits) if waits else Outcome(state="ignored", reason="nothing_ours")
    if target.customer is None:
        unclear = "The order names neither a customer nor an e-mail address."
        return Outcome().park(ReviewItem("customer_missing", unclear))
    if (used := await _payment_used(tx, source, subject, target.order, target.customer)) is not None and not there:
        return Outcome().park(used)

    async def recorded() -> bool:
        return await orders.find(tx, order_id) is not None

    external = await customer_here(tx, source, target.customer, known, recorded=recorded)
    view = await effects.put_order(
        tx,
        order_id=order_id,
        customer_id=external,
        placed_at=placed_at,
        currency=target.order["currency"],
        lines=lines,
        source=source.row.name,
        unmapped=frozenset(row["line_id"] for row in target.order["lines"]) - {line["line_id"] for line in lines},
    )
    ours = {row["line_id"]: int(row["quantity"]) for row in view["lines"] if row["quantity"]}
    disputes = [_of_ours(dispute, ours) for dispute in target.disputes]
    puzzling: list[str] = []
    if disputes:
        puzzling = await effects.end_disputes(tx, order_id=order_id, disputes=disputes)
    refunds = await _refunds(tx, source, order_id, target.refunds, ours)
    followed: Sequence[Mapping[str, Any]] = []
    if disputes:
        followed = await effects.follow_disputes(tx, order_id=order_id, disputes=disputes)
    outcome = Outcome(
        effects=_effects(order_id, external, refunds, view, followed),
        customer_id=await _owner(tx, external, is_plain=not (refunds or disputes)),
    )
    further += [_unclear(dispute) for dispute in disputes if dispute.dispute_id in puzzling]
    review_items = [item for item in (*target.review_items, *further, *_unknown(view)) if item.key not in settled]
    return outcome.park(*review_items) if review_items else outcome


async def _owner(tx: Tx, external_id: str, *, is_plain: bool) -> str | None:
    """Return our id of the buyer; ``is_plain``: nothing but the order itself was written, on the buyer's account."""
    if is_plain and tx.customer_id is not None:
        return tx.customer_id
    owner = await accounts.find_customer(tx, external_id)
    return None if owner is None else owner.customer_id


async def _payment_used(tx: Tx, source: Source, subject: str, order: Known, customer: str) -> ReviewItem | None:
    """What is in doubt if another order of the buyer was bought by the same payment.

    Shops whose gateways number payments anew for each buyer, or not at all, name one for several people.
    """
    payment = order.get("payment")
    if payment is None:
        return None
    # Hashed, so that it names nobody once they are erased.
    name = hashlib.sha256(f"{payment}\x00{customer}".encode()).hexdigest()
    bought = await inbox.claim_payment(tx, source.row.name, name, subject)
    if bought == subject:
        return None
    other = bought.partition("/")[2]
    unclear = f"The payment of this order bought order {other} already: one payment buys once."
    return ReviewItem("payment_already_used", unclear, {"payment": payment, "bought_order": other})


async def _lines(
    tx: Tx, source: Source, order: Known, placed_at: datetime
) -> tuple[list[dict[str, Any]], list[ReviewItem]]:
    """The lines that are ours, by the source's mapping, and what is in doubt about others.

    A line without a product and a sku is nothing that could ever be mapped (a tip, a donation), so nobody is asked.
    """
    policy = await policies.in_force(tx, placed_at)
    ours: list[dict[str, Any]] = []
    unmapped: list[str] = []
    review_items: list[ReviewItem] = []
    products, options = source.row.products, source.row.options
    for row in order["lines"]:
        names = [*row["products"], *([row["sku"]] if row["sku"] else [])]
        mapped = next((name for name in names if name in products), None)
        if mapped is not None:
            offer = products[mapped]
            if offer is None:
                continue
            sku, attributes = offer["sku"], {**row["attributes"], **(offer.get("attributes") or {})}
        elif row["sku"] and not isinstance(order_lines.sold(policy, row["sku"]), NotGranted):
            sku, attributes = row["sku"], dict(row["attributes"])
        elif options.get("unmapped") == "ignore" or not names:
            continue
        else:
            unmapped.append(names[0])
            continue
        if row.get("change"):
            how = (products[mapped] or {}).get("plan_change") if mapped is not None else None
            item = plan_changed(row, how)
            review_items += [] if item is None else [item]
            if item is not None or not order_lines.bills(row, how):
                continue
        trouble = row.get("trouble")
        if row.get("stated"):
            trouble = order_lines.other_units(policy, sku, row, order["currency"])
        if trouble:
            says = {"line": row["line_id"], "sku": sku, "trouble": trouble}
            review_items.append(ReviewItem("quantity_unclear", f"Line {row['line_id']}: {trouble}", says))
            continue
        paid, listed = feed.unit_prices(row)
        ours.append(
            {
                "line_id": row["line_id"],
                "sku": sku,
                "quantity": int(row["quantity"]),
                "unit_price": paid,
                "list_price": listed,
                "attributes": attributes,
            }
        )
    if unmapped:
        unclear = "Not mapped to an offer: " + ", ".join(unmapped)
        review_items.append(ReviewItem("unmapped_product", unclear, {"products": unmapped}))
    return ours, review_items


async def _refunds(
    tx: Tx, source: Source, order_id: str, units: Mapping[str, int], ours: Mapping[str, int]
) -> str | None:
    """Brings what has been given back of each line up to what the shop gave back in all."""
    if not units:
        return None
    before: dict[str, int] = {}
    disputed: dict[str, int] = {}
    for prior in await orders.refunds(tx, order_id):
        into = disputed if prior.answer.get("reason") == DISPUTED else before
        for row in prior.answer["lines"]:
            into[row["line_id"]] = into.get(row["line_id"], 0) + (row["quantity"] or 0)
    more = {}
    for line_id, count in sorted(units.items()):
        # What a dispute took is not taken again by a refund of the same units.
        left = ours.get(line_id, 0) - before.get(line_id, 0) - disputed.get(line_id, 0)
        if (missing := min(count - before.get(line_id, 0), left)) > 0:
            more[line_id] = missing
    if not more:
        return None
    reached = {**before, **{line_id: before.get(line_id, 0) + count for line_id, count in more.items()}}
    text = json.dumps(reached, sort_keys=True)
    refund_id = f"{source.row.name}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    await effects.refund_order(tx, order_id=order_id, refund_id=refund_id, units=more)
    return refund_id


def _effects(
    order_id: str, external: str, refund_id: str | None, view: Mapping[str, Any], disputes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What a delivery brought about, as shown with it."""
    report: dict[str, Any] = {
        "order_id": order_id,
        "customer_id": external,
        "refund_id": refund_id,
        "not_granted": [
            {"line_id": item["line_id"], "code": item["code"], "clause": item["clause"]}
            for item in view.get("not_granted", ())
        ],
    }
    if disputes:
        shown = ("dispute_id", "state", "action", "credits")
        report["payment_disputes"] = [{name: dispute[name] for name in shown} for dispute in disputes]
    return {**report, "correction": view["correction"]} if "correction" in view else report


def _unknown(view: Mapping[str, Any]) -> list[ReviewItem]:
    lines = [item["line_id"] for item in view.get("not_granted", ()) if item["code"] == order_lines.UNKNOWN_SKU]
    unclear = "The policy does not know the sku of line " + ", ".join(lines)
    return [ReviewItem(order_lines.UNKNOWN_SKU, unclear, {"lines": lines})] if lines else []


def _of_ours(target: DisputeTarget, ours: Mapping[str, int]) -> DisputeTarget:
    """A dispute of the lines that are ours."""
    if target.units is None:
        return target
    return replace(target, units={line_id: count for line_id, count in target.units.items() if line_id in ours})


def _unclear(target: DisputeTarget) -> ReviewItem:
    says = {"dispute": target.dispute_id, "state": target.state, "amount": target.amount, "currency": target.currency}
    return ReviewItem("dispute_lines_unknown", str(target.unclear), says)
