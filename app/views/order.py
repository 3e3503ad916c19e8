"""Orders as published: what each granted and why, what it did not, its refunds and payment disputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NotRequired, cast

from typing_extensions import TypedDict

from app.domain.account import customer as entities
from app.domain.account import payment_dispute as disputes
from app.domain.account.account import CustomerAccount
from app.domain.account.recurring import grants_of
from app.domain.ledger.suspension import suspended
from app.domain.orders import states
from app.domain.orders.payment_disputes import shown
from app.domain.policy.credit_rules import PaymentDisputes
from app.domain.values import money as amounts
from app.domain.values.wire import iso
from app.views.decision import Money, PolicyVersion, money_view
from app.views.license import (
    Addon,
    Choice,
    Cover,
    CoverState,
    License,
    addon_view,
    choice_view,
    cover_view,
    license_view,
)
from app.views.lot import Lot, lot_view
from app.views.recurring_grant import RecurringGrant, recurring_grant_view
from app.views.shapes import Closed, Credits, Id, Instant

GRANTED: Final = ("licenses", "lots", "covers", "choices", "addons", "recurring_grants")
_PASSING: Final = frozenset(
    {
        "active",
        "available",
        "disputed",
        "expired",
        "expired_credits",
        "held",
        "intervals_granted",
        "next_at",
        "remaining_seconds",
        "spent",
        "state",
        "voided",
    }
)
"""What becomes of a grant later: states, and credits that were spent, ended or given back since."""
GrantKind = Annotated[
    Literal["license", "credits", "cover", "choice", "addon"], Closed("GrantKind", "What an order brings.")
]


OrderState = Annotated[states.OrderState, Closed("OrderState", "How much of an order was granted.")]
PaymentState = Annotated[states.PaymentState, Closed("PaymentState", "How an order is paid.")]
RefundState = Annotated[states.RefundState, Closed("RefundState", "How a refund stands.")]
PaymentDisputeState = Annotated[disputes.State, Closed("PaymentDisputeState", "How a dispute of a payment stands.")]
DisputeAction = Annotated[
    Literal["none", "suspended", "taken_back", "given_back"],
    Closed("DisputeAction", "What a dispute of a payment does."),
]


class NotGranted(TypedDict):
    """What a line did not bring, and why."""

    line_id: Annotated[Id, "The line."]
    code: Annotated[str, "The stable code of the reason."]
    clause: Annotated[str, "The clause of the policy."]
    message: Annotated[str, "The reason in words."]
    facts: Annotated[dict[str, Any], "The facts that were used, by name."]
    reading: Annotated[bool, "Whether it is our reading."]


class Notice(TypedDict):
    """What the customer is to be told with an order."""

    notice: Annotated[str, "Its name in the policy."]
    clause: Annotated[str, "The clause that wants it."]
    text: Annotated[str, "The words."]
    ends_at: Annotated[Instant | None, "The end of the cover that it speaks of."]
    reading: Annotated[bool, "Whether it is our reading."]


class GrantDecision(TypedDict):
    """Whether a rule of the policy granted something to a line."""

    line_id: Annotated[Id, "The line."]
    unit_no: Annotated[int, "The unit of the line, from 1; 0 for the whole line."]
    rule: Annotated[str, "The rule of the policy."]
    kind: Annotated[GrantKind, "What the rule grants."]
    granted: Annotated[bool, "Whether it granted it."]
    clause: Annotated[str, "The clause that says so."]
    reading: Annotated[bool, "Whether it is our reading."]
    facts: Annotated[dict[str, Any], "The facts that were used, by name."]
    policy_version: Annotated[int, "The version of the policy that decided."]


class OrderLine(TypedDict):
    """A line of an order."""

    line_id: Annotated[Id, "The storefront's id of the line."]
    sku: Annotated[str, "What was bought."]
    quantity: Annotated[int, "How many."]
    policy_version: Annotated[int, "The version of the policy that judges it."]


class RefundLine(TypedDict):
    """Units of a line that were refunded."""

    line_id: Annotated[Id, "The line."]
    quantity: Annotated[int | None, "How many units; null for all that is left, while the order is awaited."]
    by_lots: NotRequired[Annotated[int, "Units of these whose money a refund of a lot gave back already."]]


class TakenBack(TypedDict):
    """Something of an order that was taken back."""

    kind: Annotated[GrantKind, "What it is."]
    line_id: Annotated[Id, "The line that had brought it."]
    license_id: NotRequired[Annotated[Id, "The license."]]
    unit_no: NotRequired[Annotated[int, "The unit of the line."]]
    lot_id: NotRequired[Annotated[Id, "The lot."]]
    credit_type: NotRequired[Annotated[str, "The type of the credits."]]
    credits: NotRequired[Annotated[Credits, "How many credits."]]
    cover_id: NotRequired[Annotated[Id, "The cover."]]
    state: NotRequired[Annotated[CoverState, "How the cover stands after it."]]
    ends_at: NotRequired[Annotated[Instant | None, "When the cover ends now."]]
    choice_id: NotRequired[Annotated[Id, "The choice."]]
    addon: NotRequired[Annotated[str, "The add-on."]]
    customer_id: NotRequired[Annotated[Id | None, "The customer who had received it from the buyer."]]


class NotTakenBack(TypedDict):
    """Something of an order that could not be taken back, since it was used or has run out."""

    kind: Annotated[GrantKind, "What it is."]
    line_id: Annotated[Id, "The line that had brought it."]
    lot_id: NotRequired[Annotated[Id, "The lot."]]
    spent: NotRequired[Annotated[Credits, "Credits that were spent."]]
    held: NotRequired[Annotated[Credits, "Credits that are set aside."]]
    expired: NotRequired[Annotated[Credits, "Credits that had expired."]]
    cover_id: NotRequired[Annotated[Id, "The cover."]]
    state: NotRequired[Annotated[CoverState, "How the cover stands."]]
    ends_at: NotRequired[Annotated[Instant | None, "When the cover ended."]]
    customer_id: NotRequired[Annotated[Id | None, "The customer who had received it from the buyer."]]


class UndoneRefund(TypedDict):
    """A refund that was undone, since the dispute of the payment was won."""

    at: Annotated[Instant, "When."]
    lines: Annotated[Sequence[RefundLine], "The lines that it had refunded."]
    given_back: Annotated[Sequence[TakenBack], "What was given back to the customer."]


class OrderRefund(TypedDict):
    """What a refund took back, and what it could not."""

    customer_id: NotRequired[Annotated[Id | None, "The customer, in a list of refunds; null once erased."]]
    order_id: Annotated[Id, "The order."]
    refund_id: Annotated[Id, "The storefront's id of the refund."]
    state: Annotated[RefundState, "How it stands."]
    at: NotRequired[Annotated[Instant, "When it was made."]]
    reason: Annotated[str | None, "Why."]
    lines: Annotated[Sequence[RefundLine], "The units that were refunded."]
    taken_back: NotRequired[Annotated[Sequence[TakenBack], "What was taken back."]]
    not_taken_back: NotRequired[Annotated[Sequence[NotTakenBack], "What could not be taken back."]]
    owed: NotRequired[Annotated[Credits, "Credits that were spent and would have been taken back."]]
    within_guarantee: NotRequired[Annotated[bool, "Whether the policy's guarantee covers it."]]
    guarantee_ends_at: NotRequired[Annotated[Instant | None, "When the guarantee ends (exclusive)."]]
    clause: NotRequired[Annotated[str | None, "The clause of the guarantee."]]
    reading: NotRequired[Annotated[bool, "Whether it is our reading."]]
    pending: NotRequired[Annotated[bool, "Whether it waits for its order."]]
    undone: NotRequired[Annotated[UndoneRefund, "How it was undone."]]


class DisputedLine(TypedDict):
    """Units of a line whose payment is disputed."""

    line_id: Annotated[Id, "The line."]
    quantity: Annotated[int, "How many units."]


class PaymentDispute(TypedDict):
    """A dispute of an order's payment, and what it did."""

    dispute_id: Annotated[Id, "The shop's id of the dispute."]
    state: Annotated[PaymentDisputeState, "How it stands."]
    action: Annotated[DisputeAction, "What it does now."]
    lines: Annotated[Sequence[DisputedLine], "The units in dispute."]
    credits: Annotated[Credits, "Credits that are set aside or were taken back."]
    amount: Annotated[Money | None, "The amount in dispute."]
    refund_id: Annotated[Id | None, "The refund that it made."]
    opened_at: Annotated[Instant, "When it was opened."]
    updated_at: Annotated[Instant, "When we last heard of it."]
    clause: Annotated[str | None, "The clause of the policy."]
    reading: Annotated[bool, "Whether it is our reading."]


class Granted(TypedDict):
    """What an order has granted."""

    licenses: Annotated[Sequence[License], "The licenses."]
    lots: Annotated[Sequence[Lot], "The credits."]
    covers: Annotated[Sequence[Cover], "The covers."]
    choices: Annotated[Sequence[Choice], "The choices."]
    addons: Annotated[Sequence[Addon], "The add-ons."]
    recurring_grants: NotRequired[Annotated[Sequence[RecurringGrant], "What comes again, if anything."]]


class Order(TypedDict):
    """An order of the storefront: what it granted and why, what it did not and why."""

    order_id: Annotated[Id, "The storefront's id of the order."]
    customer_id: Annotated[Id | None, "The customer; null once erased."]
    state: Annotated[OrderState, "How much of it was granted."]
    placed_at: Annotated[Instant, "When it was placed."]
    currency: Annotated[str, "The currency by ISO 4217."]
    licenses: Annotated[Sequence[License], "The licenses that it granted."]
    lots: Annotated[Sequence[Lot], "The credits that it granted."]
    covers: Annotated[Sequence[Cover], "The covers that it granted."]
    choices: Annotated[Sequence[Choice], "The choices that it opened."]
    addons: Annotated[Sequence[Addon], "The add-ons that it granted."]
    recurring_grants: NotRequired[Annotated[Sequence[RecurringGrant], "What comes again; left out where nothing does."]]
    not_granted: Annotated[Sequence[NotGranted], "What its lines did not bring, and why."]
    notices: Annotated[Sequence[Notice], "What the customer is to be told."]
    decisions: Annotated[Sequence[GrantDecision], "Every rule that was looked at."]
    lines: Annotated[Sequence[OrderLine], "The lines."]
    policy: Annotated[PolicyVersion, "The policy that it was placed under."]
    metadata: Annotated[dict[str, Any], "What the vendor keeps beside it, by name."]
    payment_state: NotRequired[Annotated[PaymentState, "How it is paid, where an order is asked for."]]
    refunds: NotRequired[Annotated[Sequence[OrderRefund], "Its refunds, where an order is asked for."]]
    payment_disputes: NotRequired[
        Annotated[Sequence[PaymentDispute], "The disputes of its payment, where an order is asked for."]
    ]


class ListedOrder(TypedDict):
    """An order in a list, without what it granted."""

    order_id: Annotated[Id, "The storefront's id of the order."]
    customer_id: Annotated[Id | None, "The customer; null once erased."]
    state: Annotated[OrderState, "How much of it was granted."]
    payment_state: Annotated[PaymentState, "How it is paid."]
    placed_at: Annotated[Instant, "When it was placed."]
    received_at: Annotated[Instant, "When it was recorded."]
    currency: Annotated[str, "The currency by ISO 4217."]
    source: Annotated[str, "Where it comes from: `api`, or the name of a source."]
    lines: Annotated[Sequence[OrderLine], "The lines."]
    not_granted: Annotated[Sequence[NotGranted], "What its lines did not bring, and why."]
    policy: Annotated[PolicyVersion, "The policy that it was placed under."]


def granted_by(account: CustomerAccount, order_id: str, disputed: Mapping[str, int] | None = None) -> Granted:
    """Return what an order has granted, as it stands now, in order of line and unit.

    ``disputed``: credits under dispute by lot, where the account was read without the holds that say so.
    """
    at = account.at
    disputed = suspended(account.ledger) if disputed is None else disputed
    again = [grant for grant in grants_of(account) if grant.order_id == order_id and not grant.withdrawn]
    found: Granted = {
        "licenses": [
            license_view(held, at)
            for held in sorted(account.licenses.values(), key=lambda license_: (license_.line_id, license_.unit_no))
            if held.order_id == order_id
        ],
        "lots": [
            lot_view(lot, at, disputed.get(lot.lot_id, 0))
            for lot in sorted(
                account.ledger.lots.values(), key=lambda lot: (lot.line_id or "", lot.unit_no, lot.lot_id)
            )
            if lot.order_id == order_id or (lot.bought_by is not None and lot.bought_by[0] == order_id)
        ],
        "covers": [
            cover_view(cover, at)
            for cover in sorted(
                account.covers.values(),
                key=lambda cover: (cover.line_id or "", cover.starts_at or cover.granted_at, cover.cover_id),
            )
            if cover.order_id == order_id
        ],
        "choices": [
            choice_view(choice)
            for choice in sorted(
                account.choices.values(), key=lambda choice: (choice.line_id, choice.unit_no, choice.choice_id)
            )
            if choice.order_id == order_id
        ],
        "addons": [
            addon_view(addon)
            for addon in sorted(account.addons, key=lambda addon: addon.line_id)
            if addon.order_id == order_id
        ],
    }
    if again:
        found["recurring_grants"] = [recurring_grant_view(grant) for grant in again]
    return found


def order_view(order: entities.Order, granted: Mapping[str, Any], *, customer_id: str | None, policy: str) -> Order:
    """Return an order: what it granted and why, what it did not and why. ``customer_id`` is the vendor's."""
    stored = order.answer
    placed_at = iso(order.placed_at)
    view: Order = {
        "order_id": order.order_id,
        "customer_id": customer_id,
        "state": states.order_state(stored),
        "placed_at": placed_at,
        "currency": order.currency,
        "licenses": granted.get("licenses", []),
        "lots": [_whole(lot, placed_at) for lot in granted.get("lots", [])],
        "covers": [cast(Cover, {"remaining_seconds": None, **cover}) for cover in granted.get("covers", [])],
        "choices": granted.get("choices", []),
        "addons": granted.get("addons", []),
        "not_granted": stored.get("not_granted", []),
        "notices": stored.get("notices", []),
        "decisions": stored.get("decisions", []),
        "lines": stored.get("lines", []),
        "policy": {"name": policy, "version": order.policy_version},
        "metadata": stored.get("metadata", {}),
    }
    if granted.get("recurring_grants"):
        view["recurring_grants"] = granted["recurring_grants"]
    return view


def listed_order(order: entities.Order, *, customer_id: str | None, policy: str) -> ListedOrder:
    """Return an order as it stands in a list. ``customer_id`` is the vendor's."""
    return {
        "order_id": order.order_id,
        "customer_id": customer_id,
        "state": states.order_state(order.answer),
        "payment_state": order.payment_state,
        "placed_at": iso(order.placed_at),
        "received_at": iso(order.received_at),
        "currency": order.currency,
        "source": order.source,
        "lines": order.answer.get("lines", []),
        "not_granted": order.answer.get("not_granted", []),
        "policy": {"name": policy, "version": order.policy_version},
    }


def refund_view(answer: Mapping[str, Any]) -> OrderRefund:
    """Return a refund as published: what was answered of it, and how it stands."""
    return cast(OrderRefund, {**answer, "state": states.refund_state(answer)})


def listed_refund(refund: entities.OrderRefund, *, customer_id: str | None) -> OrderRefund:
    """Return a refund as published, with the customer's id of the vendor's."""
    return {"customer_id": customer_id, **refund_view(refund.answer)}


def payment_dispute_view(dispute: disputes.PaymentDispute, rules: PaymentDisputes) -> PaymentDispute:
    """Return a payment dispute as published with its order."""
    action, number = shown(dispute)
    return {
        "dispute_id": dispute.dispute_id,
        "state": dispute.state,
        "action": action,
        "lines": [{"line_id": line_id, "quantity": count} for line_id, count in sorted(dispute.wanted.items())],
        "credits": number,
        "amount": _disputed_amount(dispute),
        "refund_id": dispute.refund_id,
        "opened_at": iso(dispute.opened_at),
        "updated_at": iso(dispute.updated_at),
        "clause": rules.clause,
        "reading": rules.reading,
    }


def _disputed_amount(dispute: disputes.PaymentDispute) -> Money | None:
    if dispute.amount is None or dispute.currency is None:
        return None
    return money_view(amounts.Money(Decimal(dispute.amount), dispute.currency))


def _whole(lot: Mapping[str, Any], placed_at: str) -> Lot:
    """Return a lot of a stored answer with what earlier versions left out of it."""
    if "expired_credits" in lot:
        return cast(Lot, lot)
    earlier = {
        "disputed": 0,
        "spent": 0,
        "expired_credits": 0,
        "voided": 0,
        "effective_at": placed_at,
        "origin_lot_id": None,
        "policy_version": 1,
        "reason": None,
    }
    return cast(Lot, {**earlier, **lot})


def grants_differ(granted: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether an order has granted something else than is stored, whatever became of it since.

    What an earlier version stored lacks members of today; they say nothing new.
    """
    return any(_rows_differ(_at_once(granted, name), _at_once(stored, name)) for name in GRANTED)


def _at_once(granted: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """Return what was granted with the order itself; what comes again later changes no answer to the same order."""
    return [row for row in granted.get(name, ()) if row.get("interval") is None or name != "lots"]


def _rows_differ(granted: Sequence[Mapping[str, Any]], stored: Sequence[Mapping[str, Any]]) -> bool:
    return len(granted) != len(stored) or any(
        now.get(member) != value
        for now, then in zip(granted, stored, strict=True)
        for member, value in then.items()
        if member not in _PASSING
    )
