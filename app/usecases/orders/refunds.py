"""One refund of an order: its command, the units that it means, and what is taken back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from app.db.engine import Tx
from app.db.orders import orders
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order, OrderRefund
from app.domain.orders import lines as order_lines
from app.domain.orders import refundable
from app.domain.orders import refunds as order_refund
from app.domain.values.digests import OUTSIDE, CallContent, content_of
from app.domain.values.errors import DomainError
from app.domain.values.ids import OrderId
from app.domain.values.wire import jsonable
from app.views.order import OrderRefund as RefundView
from app.views.order import refund_view


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """So many units of a line; None: all that is left of it."""

    line_id: str
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """A refund as the storefront sent it; no lines: the whole order."""

    order_id: str
    refund_id: str
    lines: tuple[RefundLine, ...] = ()
    reason: str | None = None
    by_shop: bool = field(default=False, metadata={OUTSIDE: True})
    """A shop says what it paid back. A unit that a lot's refund gave back already is the same money (``by_lots`` in the
    answer), no second refund.
    """

    def content(self) -> CallContent:
        """Return the refund's content, to tell a repeated call from a conflicting one."""
        ordered = sorted(self.lines, key=lambda line: (line.line_id, line.quantity or 0))
        return CallContent(content_of(replace(self, lines=tuple(ordered))), self._first)

    def _first(self) -> dict[str, Any]:
        lines = sorted((line.line_id, line.quantity or 0) for line in self.lines)
        return {"order_id": self.order_id, "refund_id": self.refund_id, "lines": lines, "reason": self.reason}


async def keep_early(tx: Tx, command: RefundOrder) -> RefundView:
    """Keeps a refund that came before its order."""
    lines = [{"line_id": line.line_id, "quantity": line.quantity} for line in command.lines]
    answer: Any = {
        "order_id": command.order_id,
        "refund_id": command.refund_id,
        "lines": lines,
        "reason": command.reason,
        "pending": True,
    }
    if not tx.validate_only:
        await orders.keep_early_refund(
            tx,
            OrderRefund(
                order_id=OrderId(command.order_id),
                refund_id=command.refund_id,
                customer_id="",  # type: ignore[arg-type]
                payload_hash=command.content().digest(),
                answer=answer,
                at=tx.at,
            ),
        )
    return refund_view(answer)


def take_back(
    account: CustomerAccount,
    order: Order,
    command: RefundOrder,
    refunded: dict[str, int],
    terms: order_lines.Terms,
    *,
    payload: str | None = None,
    clip: bool = False,
    paid_before: dict[str, int] | None = None,
) -> RefundView:
    """Takes back what is unspent of the units.

    ``paid_before``: units of each line of which a shop told that it paid what a lot's refund gave back.
    """
    by_lots = refundable.by_lots(account, order, paid_before)
    left = refundable.left_of(order, refunded, {} if clip or command.by_shop else by_lots)
    units = _units_of(order, command, left, clip=clip)
    refundable.check_lines(order, units, left)
    paid = by_lots if command.by_shop else {}
    same = {line_id: min(quantity, paid.get(line_id, 0)) for line_id, quantity in units.items()}
    fresh = {line_id: quantity - same[line_id] for line_id, quantity in units.items()}
    result = order_refund.take_back(account, order, fresh, terms, ref=command.refund_id)
    answer = jsonable(
        {
            "order_id": order.order_id,
            "refund_id": command.refund_id,
            "at": account.at,
            "reason": command.reason,
            "lines": [
                {"line_id": line_id, "quantity": quantity, **({"by_lots": same[line_id]} if same[line_id] else {})}
                for line_id, quantity in units.items()
            ],
            "taken_back": result.taken_back,
            "not_taken_back": result.left,
            "owed": result.owed,
            **order_refund.guarantee_of(terms[order.policy_version], account, order),
        }
    )
    account.plan.refunds.append(
        OrderRefund(
            order_id=order.order_id,
            refund_id=command.refund_id,
            customer_id=account.customer.customer_id,
            payload_hash=payload or command.content().digest(),
            answer=answer,
            at=account.at,
        )
    )
    account.emit("order.refunded", {key: value for key, value in answer.items() if key != "reason"})
    return refund_view(answer)


def _units_of(order: Order, command: RefundOrder, left: dict[str, int], *, clip: bool) -> dict[str, int]:
    if not command.lines:
        rest = {line_id: quantity for line_id, quantity in left.items() if quantity > 0}
        if left and not rest and not clip:
            raise DomainError(
                "order_over_refund",
                line_id=next(iter(left)),
                requested=1,
                refundable=0,
                left=left,
                message="Nothing of this order is left to refund.",
            )
        return rest
    units: dict[str, int] = {}
    for line in command.lines:
        quantity = max(left.get(line.line_id, 1), 1) if line.quantity is None else line.quantity
        units[line.line_id] = units.get(line.line_id, 0) + quantity
    if clip:  # An early refund was accepted before its order was known: what exceeds the order has nothing to take.
        units = {line_id: min(quantity, left[line_id]) for line_id, quantity in units.items() if line_id in left}
    return {line_id: quantity for line_id, quantity in units.items() if quantity > 0 or not clip}
