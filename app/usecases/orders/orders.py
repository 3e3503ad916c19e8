"""Orders: recorded whatever the policy says of them, granted by one fold, refunded by taking back what is
unspent.

An order's id is its natural key. Locking: the order's id first, then the customer's row (decision 0003).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from app.db import claims, policies, tickets
from app.db.account import accounts, parts, receivers, shown
from app.db.engine import Tx
from app.db.orders import orders, payment_disputes
from app.db.plan import write_account
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order, OrderLine, OrderRefund
from app.domain.orders import corrections as order_correction
from app.domain.orders import lines as order_lines
from app.domain.orders import reconcile as order_fold
from app.domain.orders import refunds as order_refund
from app.domain.orders.states import payment_state
from app.domain.values.digests import OUTSIDE, CallContent, content_of
from app.domain.values.errors import DomainError
from app.domain.values.ids import LineId, OrderId
from app.domain.values.wire import iso, jsonable
from app.usecases.orders.alone import check_credits_alone, check_others_stand, is_alone, refunded_alone, standing_alone
from app.usecases.orders.refunds import RefundLine, RefundOrder, keep_early, take_back
from app.usecases.steps import reconcile_orders
from app.usecases.steps.order_answers import keep_answers as _keep_answers
from app.usecases.steps.order_answers import refunded_units as _refunded
from app.views.order import Granted, granted_by, order_view, payment_dispute_view, refund_view
from app.views.order import Order as OrderView
from app.views.order import OrderRefund as RefundView

MAX_UNITS: Final = 1_000
_AHEAD: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCommand:
    """A line as the storefront sent it; prices in the order's currency, absent ones None."""

    line_id: str
    sku: str
    quantity: int = 1
    unit_price: Decimal | None = None
    list_price: Decimal | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOrder:
    """An order as the storefront sent it. ``customer_id`` is the vendor's; ``source`` who delivered it."""

    order_id: str
    customer_id: str
    placed_at: datetime
    currency: str
    lines: tuple[LineCommand, ...]
    source: str = field(default="api", metadata={OUTSIDE: True})
    unmapped: frozenset[str] = field(default=frozenset(), metadata={OUTSIDE: True})
    """Of a snapshot: lines that the shop names and nobody has mapped; what they once granted stays."""
    metadata: Mapping[str, Any] = field(default_factory=dict, metadata={OUTSIDE: True})
    """What the vendor keeps beside it: that of the first call stays."""

    def content(self) -> CallContent:
        """Return the order's content: the same order sent another way is the same order."""
        ordered = replace(self, lines=tuple(sorted(self.lines, key=lambda line: line.line_id)))
        return CallContent(content_of(ordered), self._first)

    def _first(self) -> dict[str, Any]:
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "placed_at": self.placed_at,
            "currency": self.currency,
            "lines": [
                {
                    "line_id": line_.line_id,
                    "sku": line_.sku,
                    "quantity": line_.quantity,
                    "attributes": line_.attributes,
                    "unit_price": _plain(line_.unit_price),
                    "list_price": _plain(line_.list_price),
                }
                for line_ in sorted(self.lines, key=lambda line: line.line_id)
            ],
        }


async def put_order(tx: Tx, command: PutOrder, *, is_claimed: bool = False) -> tuple[int, OrderView]:
    """Records an order and grants what it brings: (201, view), or (200, the same view) for the same order again.

    ``is_claimed``: the order's id is claimed already.

    Refused only for what cannot be an order: ``order_conflict``, ``placed_in_future``, ``duplicate_line``,
    ``too_many_units``. Lines that the policy does not sell are answered in ``not_granted`` (ALL-5).
    """
    _check(command, tx.at)
    rules = await policies.extended_rules(tx) if command.placed_at < tx.at else ()
    claim = None if is_claimed else claims.order(command.order_id)
    if is_shared := await receivers.lock_receivers(tx, command.customer_id, rules, claim):
        claim = None
    alone = None if is_shared else await standing_alone(tx, command.placed_at, _order_lines(command))
    account, found = await accounts.load_with(
        tx,
        command.customer_id,
        (orders.BY_ID, orders.REFUNDS, *((orders.LATER, orders.OF_LICENSES) if alone else (orders.OF_CUSTOMER,))),
        {"order": command.order_id, **({"placed": command.placed_at} if alone else {})},
        create=True,
        claim=claim,
        part=parts.AccountPart(orders=(command.order_id,), licenses=True) if alone else None,
    )
    known = next(iter(found[orders.BY_ID.name]), None)
    if known is not None:
        return 200, await _again(tx, known, command)
    refunds = {command.order_id: found[orders.REFUNDS.name]}
    if alone and not is_alone(alone, found[orders.LATER.name], account, refunds[command.order_id]):
        alone = None
        account, found = await accounts.load_locked(tx, account.customer, (orders.OF_CUSTOMER,))
    if not alone:
        await receivers.join_receivers(tx, account, rules, is_locked=is_shared)
    tx.customer_id = account.customer.customer_id
    policy = await policies.in_force(tx, command.placed_at)
    order = _order(command, account, policy.version)
    order.answer = {
        "lines": order_lines.pinned_lines(order, policy, await policies.in_force(tx, account.at)),
        **({"metadata": dict(command.metadata)} if command.metadata else {}),
    }
    account.plan.orders[order.order_id] = order
    account.emit(
        "order.recorded",
        {
            "order_id": order.order_id,
            "placed_at": iso(order.placed_at),
            "source": order.source,
            "lines": [{"line_id": line.line_id, "sku": line.sku, "quantity": line.quantity} for line in order.lines],
        },
    )
    mine = [*found[(orders.OF_LICENSES if alone else orders.OF_CUSTOMER).name], order]
    terms = await _terms(tx)
    await reconcile_orders.reconcile_grants(tx, account, mine, terms, refunds=refunds)
    if alone:
        check_others_stand(account, mine)
    await _refund_early(tx, account, order, mine, terms, refunds[command.order_id])
    await reconcile_orders.apart(account, mine, partial(_keep_answers, account, mine))
    await write_account(tx, account)
    return 201, order_view(order, order.answer, customer_id=command.customer_id, policy=policy.policy)


async def put_snapshot(tx: Tx, command: PutOrder) -> tuple[int, Mapping[str, Any]]:
    """Records an order, or brings the recorded one up to date, for shops that send an order as it stands.

    Lines and units that are new, or were mapped to an offer only now, are granted. Units and lines that are gone are
    taken back as far as they are unspent. An order that is another customer's by now, or of another date, is withdrawn
    and granted anew. Refused: as `put_order`; ``order_of_merged_account``. Where what would have to be withdrawn was
    used: ``order_customer_changed``, ``order_line_changed``.
    """
    await claims.take(tx, claims.order(command.order_id))
    order = await orders.find(tx, command.order_id)
    if order is None:
        return await put_order(tx, command, is_claimed=True) if command.lines else (200, {"lines": []})
    buyer = await accounts.find_customer(tx, command.customer_id)
    sent = {str(line.line_id): line for line in _order_lines(command)}
    same = buyer is not None and buyer.customer_id == order.customer_id
    dated = (order.placed_at, order.currency) == (command.placed_at, command.currency)
    if same and dated and not order_correction.differs(order, sent, command.unmapped):
        return 200, await _again(tx, order)
    _check(command, tx.at)
    if order.answer.get("merged"):
        raise DomainError("order_of_merged_account", order_id=order.order_id)
    if same and dated:
        return 200, await _correct_lines(tx, order, command, sent)
    return 200, await _give_over(tx, order, command, sent)


async def _correct_lines(tx: Tx, order: Order, command: PutOrder, sent: dict[str, OrderLine]) -> Mapping[str, Any]:
    """The same customer's order with other lines or quantities."""
    account = await receivers.load(tx, order, rules=await policies.extended_rules(tx))
    tx.customer_id = account.customer.customer_id
    mine = await orders.as_locked(tx, order)
    order.payload_hash = command.content().digest()
    terms = await _terms(tx)
    refunds = await orders.refunds(tx, order.order_id)
    disputes = await reconcile_orders.taken_by(tx, account, order, refunds)
    served = await tickets.served(tx, order.customer_id)
    answer = order_correction.change_lines(account, order, sent, command.unmapped, _refunded(refunds), terms, served)
    await _pin(tx, account, order)
    account.plan.orders[order.order_id] = order
    fresh = await reconcile_orders.reconcile_grants(tx, account, mine, terms, corrected=True)
    for line_id in (line_id for order_id, line_id in fresh if order_id == order.order_id):
        answer.later.pop(line_id, None)
    before = len(answer.taken_back)
    order_correction.make_up(account, order, refunds, disputes, terms, answer)
    if len(answer.taken_back) > before or disputes:
        await reconcile_orders.apart(
            account, mine, partial(order_fold.reconcile_grants, account, mine, terms, corrected=True)
        )
    _emit_correction(account, order, answer)
    await reconcile_orders.apart(account, mine, partial(_keep_answers, account, mine))
    await write_account(tx, account)
    view = order_view(order, order.answer, customer_id=command.customer_id, policy=account.policy.policy)
    return {**view, "correction": _report(answer)}


async def _give_over(tx: Tx, order: Order, command: PutOrder, sent: dict[str, OrderLine]) -> Mapping[str, Any]:
    """The order is another customer's, or of another date: withdrawn where it was, granted where it is now."""
    source, target = order.customer_id, await accounts.ensure_customer(tx, command.customer_id)
    await accounts.lock_customers(tx, [source, target.customer_id], named=[target.customer_id])
    giver = await accounts.load_by_id(tx, source)
    terms = await _terms(tx)
    others = [order_ for order_ in await orders.as_locked(tx, order) if order_.order_id != order.order_id]
    order.payload_hash = command.content().digest()
    answer = order_correction.leave(giver, order, await tickets.served(tx, source))
    taker = giver
    if target.customer_id != source:
        giver.plan.orders.pop(order.order_id, None)
        await reconcile_orders.reconcile_grants(tx, giver, others, terms, corrected=True)
        _emit_correction(giver, order, answer, lines=())
        _keep_answers(giver, others)
        await write_account(tx, giver)
        taker = await accounts.load_by_id(tx, target.customer_id)
        others = await orders.of_customer(tx, target.customer_id)
    tx.customer_id = taker.customer.customer_id
    gone = {str(line.line_id): line for line in order.lines}
    for line_id, line in sent.items():
        line.withdrawn = gone[line_id].withdrawn if line_id in gone else ()
    remaining = [order_line for line_id, order_line in gone.items() if line_id not in sent]
    for line in remaining:
        line.quantity = line.quantity if str(line.line_id) in command.unmapped else 0
    policy = await policies.in_force(tx, command.placed_at)
    order.customer_id, order.placed_at, order.currency = (
        taker.customer.customer_id,
        command.placed_at,
        command.currency,
    )
    order.policy_version, order.lines = policy.version, (*sent.values(), *remaining)
    order.answer = {"lines": [], **{name: order.answer[name] for name in ("metadata",) if name in order.answer}}
    await _pin(tx, taker, order)
    taker.plan.orders[order.order_id] = order
    taker.plan.lines_changed.add(order.order_id)
    mine = sorted([*others, order], key=lambda other: (other.placed_at, other.order_id))
    await reconcile_orders.reconcile_grants(tx, taker, mine, terms, corrected=True)
    _emit_correction(taker, order, answer if taker is giver else order_refund.TakenBack())
    _keep_answers(taker, mine)
    await write_account(tx, taker)
    view = order_view(order, order.answer, customer_id=command.customer_id, policy=taker.policy.policy)
    return {**view, "correction": _report(answer)}


async def _pin(tx: Tx, account: CustomerAccount, order: Order) -> None:
    """Pins each line to a policy version; a line that is pinned stays so while it is of the same sku."""
    policy = await policies.in_force(tx, order.placed_at)
    pinned = {row["line_id"]: row for row in order.answer["lines"]}
    order.answer["lines"] = [
        {**row, "policy_version": pinned[row["line_id"]]["policy_version"]}
        if pinned.get(row["line_id"], {}).get("sku") == row["sku"]
        else row
        for row in order_lines.pinned_lines(order, policy, await policies.in_force(tx, account.at))
    ]


def _report(answer: order_refund.TakenBack) -> dict[str, Any]:
    report: dict[str, Any] = jsonable(
        {"taken_back": answer.taken_back, "not_taken_back": answer.left, "owed": answer.owed}
    )
    return report


def _emit_correction(
    account: CustomerAccount, order: Order, answer: order_refund.TakenBack, lines: tuple[OrderLine, ...] | None = None
) -> None:
    """Tells what a shop's change of an order came to."""
    rows = order_correction.lines_of(order.lines if lines is None else lines)
    account.emit(
        "order.corrected", {"order_id": order.order_id, "at": iso(account.at), "lines": rows, **_report(answer)}
    )


async def get_order(tx: Tx, order_id: str) -> OrderView:
    """An order as it stands now: what it granted and why, what it did not and why, and its refunds."""
    order = await _require(tx, order_id)

    async def found() -> tuple[CustomerAccount, Granted, Sequence[OrderRefund]]:
        return await _granted(tx, order)

    account, granted, refunds = await parts.first_in_part(tx, found)
    view = order_view(order, granted, customer_id=account.customer.external_id, policy=account.policy.policy)
    disputes = await payment_disputes.of_order(tx, order_id)
    units: dict[str, int] = {line.line_id: line.quantity for line in order.lines}
    return {
        **view,
        "payment_state": payment_state(units, _refunded(refunds), [dispute.state for dispute in disputes]),
        "refunds": [refund_view(refund.answer) for refund in refunds],
        "payment_disputes": [
            payment_dispute_view(payment_dispute, account.policy.payment_disputes) for payment_dispute in disputes
        ],
    }


async def _granted(tx: Tx, order: Order) -> tuple[CustomerAccount, Granted, Sequence[OrderRefund]]:
    """Return an order's account, with its lots and those of the order, what the order granted, and its refunds."""
    account, found = await accounts.look_by_id(
        tx,
        order.customer_id,
        (orders.REFUNDS, shown.disputed()),
        {"order": order.order_id},
        part=parts.AccountPart(orders=(order.order_id,)),
    )
    return account, granted_by(account, order.order_id, shown.disputed_of(found)), found[orders.REFUNDS.name]


async def replay_order(tx: Tx, order_id: str) -> OrderView:
    """Judges the lines anew whose sku the policy did not know, by the policy in force now (decision 0006). Any
    number of times: what was granted is never granted twice."""
    await claims.take(tx, claims.order(order_id))
    order = await _require(tx, order_id)
    await _replay(tx, order)
    return await get_order(tx, order_id)


async def refund_order(tx: Tx, command: RefundOrder, *, early: bool = False) -> tuple[int, RefundView]:
    """Takes back what is unspent of the refunded units: (201, report), (200, the same) for the same refund
    again.

    Refused: ``order_not_found`` (unless ``early``, for shops whose messages overtake one another: the refund
    is kept and applied when the order comes), ``refund_conflict``, ``line_not_found``, ``order_over_refund``.
    """
    await claims.take(tx, claims.order(command.order_id))
    prior = await orders.refunds(tx, command.order_id)
    same = next((order_refund_ for order_refund_ in prior if order_refund_.refund_id == command.refund_id), None)
    if same is not None:
        if not command.content().is_of(same.payload_hash):
            raise DomainError("refund_conflict", order_id=command.order_id, refund_id=command.refund_id)
        return 200, refund_view(same.answer)
    order = await orders.find(tx, command.order_id)
    if order is None:
        if not early:
            raise DomainError("order_not_found", order_id=command.order_id)
        return 201, await keep_early(tx, command)
    terms = await _terms(tx)
    alone = not tx.whole and not await policies.queues(tx) and refunded_alone(order, terms)
    account = await receivers.load(tx, order, in_part=alone, rules=await policies.extended_rules(tx))
    tx.customer_id = account.customer.customer_id
    if account.ledger.rest is not None:
        check_credits_alone(account, order)
        mine = [*await orders.of_licenses(tx, order.customer_id), order]
    else:
        mine = await orders.as_locked(tx, order)
    await reconcile_orders.reconcile_grants(
        tx, account, mine, terms
    )  # first, so that nothing is granted anew to what is refunded
    answer = await reconcile_orders.apart(
        account,
        mine,
        partial(take_back, account, order, command, _refunded(prior), terms, paid_before=_refunded(prior, "by_lots")),
    )
    await reconcile_orders.reconcile_grants(tx, account, mine, terms)
    if account.ledger.rest is not None:
        check_others_stand(account, mine)
    await reconcile_orders.apart(account, mine, partial(_keep_answers, account, mine))
    await write_account(tx, account)
    return 201, answer


# --- steps ------------------------------------------------------------------------------------------------------------


def _check(command: PutOrder, at: datetime) -> None:
    if command.placed_at > at + _AHEAD:
        raise DomainError("placed_in_future", field="placed_at", placed_at=iso(command.placed_at), now=iso(at))
    line_ids: set[str] = set()
    for line in command.lines:
        if line.line_id in line_ids:
            raise DomainError("duplicate_line", line_id=line.line_id, field="lines")
        line_ids.add(line.line_id)
    units = sum(line.quantity for line in command.lines)
    if units > MAX_UNITS:
        raise DomainError("too_many_units", units=units, most=MAX_UNITS, field="lines")


def _order(command: PutOrder, account: CustomerAccount, policy_version: int) -> Order:
    return Order(
        order_id=OrderId(command.order_id),
        customer_id=account.customer.customer_id,
        placed_at=command.placed_at,
        received_at=account.at,
        currency=command.currency,
        payload_hash=command.content().digest(),
        answer={},
        policy_version=policy_version,
        source=command.source,
        lines=_order_lines(command),
        record_id=account.mint("ord"),
    )


def _order_lines(command: PutOrder) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(
            line_id=LineId(line.line_id),
            sku=line.sku,
            quantity=line.quantity,
            unit_price=line.unit_price,
            list_price=line.list_price,
            attributes=dict(line.attributes),
        )
        for line in command.lines
    )


async def _again(tx: Tx, known: Order, command: PutOrder | None = None) -> OrderView:
    """Return the first answer again; judge lines whose sku is known by now anew. 409 for another ``command``."""
    if command is not None and not command.content().is_of(known.payload_hash):
        raise DomainError("order_conflict", order_id=known.order_id)
    if order_lines.unknown_lines(known):
        await _replay(tx, known)
    customer = await accounts.customer_by_id(tx, known.customer_id)
    tx.customer_id = known.customer_id
    external = None if customer is None else customer.external_id
    return order_view(known, known.answer, customer_id=external, policy=tx.tenant.policy_name)


async def _replay(tx: Tx, order: Order) -> None:
    account = await receivers.load(tx, order, rules=await policies.extended_rules(tx))
    policy = await policies.in_force(tx, account.at)
    unknown = set(order_lines.unknown_lines(order))
    sold = {
        line.line_id for line in order.lines if line.line_id in unknown and not order_lines.is_unknown(policy, line.sku)
    }
    if not sold:
        return
    mine = await orders.as_locked(tx, order)
    order.answer["lines"] = [
        {**row, "policy_version": policy.version} if row["line_id"] in sold else row for row in order.answer["lines"]
    ]
    account.plan.orders[order.order_id] = order
    await reconcile_orders.reconcile_grants(tx, account, mine, await _terms(tx))
    await reconcile_orders.apart(account, mine, partial(_keep_answers, account, mine))
    await write_account(tx, account)


async def _refund_early(
    tx: Tx,
    account: CustomerAccount,
    order: Order,
    mine: list[Order],
    terms: order_lines.Terms,
    refunds: Sequence[OrderRefund],
) -> None:
    early = [refund for refund in refunds if refund.customer_id == ""]
    if not early:
        return
    if not tx.validate_only:
        await orders.take_early_refunds(tx, order.order_id)
    refunded: dict[str, int] = {}
    for order_refund_ in early:
        asked = order_refund_.answer["lines"]
        lines = tuple(RefundLine(line_id=row["line_id"], quantity=row["quantity"]) for row in asked)
        command = RefundOrder(
            order_id=order.order_id,
            refund_id=order_refund_.refund_id,
            lines=lines,
            reason=order_refund_.answer["reason"],
        )
        answer = await reconcile_orders.apart(
            account,
            mine,
            partial(take_back, account, order, command, refunded, terms, payload=order_refund_.payload_hash, clip=True),
        )
        for row in answer["lines"]:
            refunded[row["line_id"]] = refunded.get(row["line_id"], 0) + (row["quantity"] or 0)
    await reconcile_orders.apart(account, mine, partial(order_fold.reconcile_grants, account, mine, terms))


async def _terms(tx: Tx) -> order_lines.Terms:
    return await policies.terms(tx)


async def _require(tx: Tx, order_id: str) -> Order:
    found = await orders.find(tx, order_id)
    if found is None:
        raise DomainError("order_not_found", order_id=order_id)
    return found


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount.normalize(), "f")
