"""What of an order can still be refunded: units of its lines for which nothing was given back yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order
from app.domain.ledger.lot import Lot
from app.domain.ledger.units import BY_LOT, paid_back
from app.domain.values.errors import DomainError


def check_lines(order: Order, units: Mapping[str, int], left: Mapping[str, int]) -> None:
    """Refuses what was never bought, or was given back already: ``line_not_found``, ``order_over_refund`` (422).

    ``left``: units of each line that can still be refunded, whichever door gave back the others.
    """
    for line_id, quantity in units.items():
        if line_id not in left:
            raise DomainError("line_not_found", order_id=order.order_id, line_id=line_id)
        if quantity > left[line_id]:
            raise DomainError(
                "order_over_refund", line_id=line_id, requested=quantity, refundable=left[line_id], left=dict(left)
            )


def left_of(order: Order, refunded: Mapping[str, int], by_lots: Mapping[str, int]) -> dict[str, int]:
    """Return the units of each line for which nothing was given back, by the order or by its lots (TERMS-19)."""
    return {
        str(line.line_id): max(line.quantity - refunded.get(line.line_id, 0) - by_lots.get(line.line_id, 0), 0)
        for line in order.lines
        if line.quantity
    }


def by_lots(account: CustomerAccount, order: Order, owner: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return the units of each line whose money went back by their lots. A unit counts whole where a part went back.

    ``owner``: those of which the shop has told since; they are among the order's refunds by now.
    """
    found: dict[str, int] = {}
    for line in order.lines:
        families = account.ledger.granted_by(order.order_id, line.line_id)
        gone = sum(paid_back(lot, *BY_LOT) for family in families for lot in family)
        if gone:
            each = max(sum(whole([family]) for family in families) // max(line.made, 1), 1)
            found[line.line_id] = max(-(-gone // each) - (owner or {}).get(line.line_id, 0), 0)
    return found


def whole(families: Sequence[Sequence[Lot]]) -> int:
    """Return how many credits a unit was granted."""
    lots = families[0]
    return next((lot for lot in lots if lot.root == lot.lot_id), lots[0]).granted
