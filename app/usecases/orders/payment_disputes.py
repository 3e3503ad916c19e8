"""Payment disputes: what the shop says of an order's money, followed as the policy says.

Several disputes of one order, and its refunds, are followed together. What is to be given back is given back first. The
caller then brings the refunds up to date. Last, what is to be suspended or taken is. So units that were refunded are
not taken twice, and any order of arrival ends alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.db import claims, policies
from app.db.account import receivers
from app.db.engine import Tx
from app.db.orders import orders, payment_disputes
from app.db.plan import write_account
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order, OrderRefund
from app.domain.account.payment_dispute import Action, PaymentDispute, State
from app.domain.orders import payment_disputes as rules_of
from app.domain.orders import shares
from app.domain.orders.lines import Terms
from app.domain.values.errors import DomainError
from app.usecases.steps import reconcile_orders
from app.usecases.steps.order_answers import keep_answers, refunded_units
from app.views.order import PaymentDispute as DisputeView
from app.views.order import payment_dispute_view


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """What is known of one dispute: its state, and the units by line that the disputed money paid for.

    ``units`` None: nobody can tell for which lines; nothing is taken or suspended then.
    """

    dispute_id: str
    state: State
    units: Mapping[str, int] | None
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(slots=True)
class _Work:
    """One order under work: its customer's account, its refunds and the disputes recorded so far."""

    tx: Tx
    account: CustomerAccount
    order: Order
    terms: Terms
    refunds: list[OrderRefund]
    known: dict[str, PaymentDispute]
    changed: bool = False
    others: list[Order] | None = None
    """The customer's other orders, once they were read."""
    lifted: bool = False
    """Whether suspended credits were given back."""
    undone: bool = False
    """Whether a dispute gave back what it took."""

    async def mine(self) -> list[Order]:
        """Return all of the customer's orders, this one as it is being worked on."""
        if self.others is None:
            found = await orders.as_locked(self.tx, self.order)
            self.others = [order for order in found if order.order_id != self.order.order_id]
        return sorted([*self.others, self.order], key=lambda order: (order.placed_at, order.order_id))

    def refunded(self) -> dict[str, int]:
        """Return the units by line that were given back so far, by refunds and by disputes."""
        return refunded_units(self.refunds)

    async def revert(self, record: PaymentDispute) -> None:
        """Give back what a dispute took or suspended."""
        self.account.orders = {order.order_id: order for order in await self.mine()}
        if record.action == "suspended":
            rules_of.lift(self.account, record)
            self.lifted = True
        else:
            refund = next((refund for refund in self.refunds if refund.refund_id == record.refund_id), None)
            rules_of.save(self.account, self.order, record, refund)
            self.undone = True
        record.action, self.changed = "none", True
        _emit_dispute(self, record)

    def is_short(self, record: PaymentDispute) -> bool:
        """Whether a dispute may take or suspend units by now that another one had, or that were not there."""
        if record.action == "suspended":
            return self.lifted or self.undone
        own = refunded_units(refund for refund in self.refunds if refund.refund_id == record.refund_id)
        others = {line_id: count - own.get(line_id, 0) for line_id, count in self.refunded().items()}
        left = rules_of.units_left(self.order, record.wanted, others)
        return any(count > own.get(line_id, 0) for line_id, count in left.items())

    def take_lacking(self) -> None:
        """Take for refunds, corrections and other disputes what they lack, now that a dispute gave something back."""
        if self.undone:
            by_refund = {item.refund_id: item for item in self.known.values() if item.refund_id is not None}
            shares.take_lacking(self.account, self.order, self.refunds, by_refund, self.terms)


async def give_back(tx: Tx, order_id: str, disputes: Sequence[Disputed]) -> list[str]:
    """Record the disputes and give back what they took or suspended and no longer may. Return those that are unclear:
    the policy would take something for them, and nobody can tell for which lines. 404 ``order_not_found``."""
    work, unclear, stay = await _load(tx, order_id), [], []
    for dispute in disputes:
        record, action = _record(work, dispute)
        if action != "none" and dispute.units is None:
            unclear.append(dispute.dispute_id)
        if record.action == "none":
            continue
        if action != record.action or _other(record, dispute):
            await work.revert(record)
        elif dispute.units is not None:
            stay.append(record)
    for record in stay:
        if work.is_short(record):
            await work.revert(record)  # it takes all of it anew, once refunds have theirs
    work.take_lacking()
    await _write(work)
    return unclear


async def take(tx: Tx, order_id: str, disputes: Sequence[Disputed]) -> list[DisputeView]:
    """Suspend or take back what the disputes may by now. Return them as published. 404 ``order_not_found``."""
    work = await _load(tx, order_id)
    for dispute in disputes:
        record, action = _record(work, dispute)
        if action == "none" or record.action == action or dispute.units is None:
            continue
        mine = await work.mine()
        record.wanted = dict(dispute.units)
        refunds_before = len(work.account.plan.refunds)
        units = rules_of.units_left(work.order, dispute.units, work.refunded())
        if action == "suspended":
            rules_of.suspend(work.account, work.order, record, units, work.terms)
        else:
            work.account.orders = {order.order_id: order for order in mine}
            rules_of.take(work.account, work.order, record, units, work.terms)
            work.refunds += work.account.plan.refunds[refunds_before:]
        record.action, work.changed = action, True
        _emit_dispute(work, record)
    await _write(work)
    return [
        payment_dispute_view(payment_dispute, work.account.policy.payment_disputes)
        for payment_dispute in sorted(work.known.values(), key=lambda item: (item.opened_at, item.dispute_id))
    ]


# --- steps ------------------------------------------------------------------------------------------------------------


async def _load(tx: Tx, order_id: str) -> _Work:
    await claims.take(tx, claims.order(order_id))
    order = await orders.find(tx, order_id)
    if order is None:
        raise DomainError("order_not_found", order_id=order_id)
    account = await receivers.load(tx, order, rules=await policies.extended_rules(tx))
    tx.customer_id = account.customer.customer_id
    known = {
        payment_dispute.dispute_id: payment_dispute for payment_dispute in await payment_disputes.of_order(tx, order_id)
    }
    refunds = await orders.refunds(tx, order_id)
    return _Work(tx, account, order, await policies.terms(tx), refunds, known)


def _record(work: _Work, disputed: Disputed) -> tuple[PaymentDispute, Action]:
    """Bring the record up to date; return it with what the policy does in this state."""
    rules = work.account.policy.payment_disputes
    amount = rules_of.amount_text(disputed.amount)
    record = work.known.get(disputed.dispute_id)
    if record is None:
        record = work.known[disputed.dispute_id] = PaymentDispute(
            order_id=work.order.order_id,
            dispute_id=disputed.dispute_id,
            customer_id=work.account.customer.customer_id,
            state=disputed.state,
            action="none",
            wanted=dict(disputed.units or {}),
            opened_at=work.account.at,
            updated_at=work.account.at,
            amount=amount,
            currency=disputed.currency,
        )
        work.changed = True
        _emit_dispute(work, record)
    elif (record.state, record.amount) != (disputed.state, amount):
        record.state, record.amount, record.currency = disputed.state, amount, disputed.currency
        work.changed = True
        _emit_dispute(work, record)
    return record, rules_of.action_of(disputed.state, rules, record.action)


def _other(record: PaymentDispute, disputed: Disputed) -> bool:
    """Whether the dispute is about other units by now. One that the policy leaves as it is keeps its own."""
    return disputed.state != "won" and disputed.units is not None and dict(disputed.units) != record.wanted


def _emit_dispute(work: _Work, record: PaymentDispute) -> None:
    record.updated_at = work.account.at
    action, number = rules_of.shown(record)
    work.account.emit(
        "order.payment_dispute",
        {
            "order_id": record.order_id,
            "dispute_id": record.dispute_id,
            "state": record.state,
            "action": action,
            "credits": number,
        },
    )


async def _write(work: _Work) -> None:
    if not work.changed:
        return
    account, mine = work.account, await work.mine()
    for record in work.known.values():  # before the orders are settled, which may take more for a dispute
        record.version += 1
        account.plan.payment_disputes[record.order_id, record.dispute_id] = record
    await reconcile_orders.reconcile_grants(work.tx, account, mine, work.terms)
    keep_answers(account, mine)
    await write_account(work.tx, account)
