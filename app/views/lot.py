"""Lots as published, and what is done with a whole one: given to another customer, or back for money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.domain.ledger import lot as ledger
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import ShownLots
from app.domain.ledger.recurring import number_of
from app.domain.ledger.suspension import suspended
from app.domain.values.paging import Stretch
from app.domain.values.wire import iso, iso_or_none
from app.views.decision import Decision, Money, money_view
from app.views.shapes import Closed, Credits, Id, Instant

LotSource = Annotated[ledger.LotSource, Closed("LotSource", "Where credits came from.")]
Interval = Annotated[int, "Which interval brought it, from 1, of credits that come again."]
Scope = Annotated[ledger.Scope, Closed("Scope", "What a grant serves.")]
Categories = Annotated[list[str], "Categories that alone it may pay for; absent: any."]


class Lot(TypedDict):
    """Credits granted together, with one expiry and source.

    ``granted`` = available + held + spent + expired_credits + voided.
    """

    lot_id: Annotated[Id, "Our id of the lot."]
    source: Annotated[LotSource, "Where its credits came from."]
    credit_type: Annotated[str, "The type of its credits; the policy names the types."]
    granted: Annotated[Credits, "Credits that were granted."]
    available: Annotated[Credits, "Credits that can be spent now."]
    held: Annotated[Credits, "Credits that are set aside."]
    disputed: Annotated[Credits, "Credits of `held` whose payment is disputed."]
    spent: Annotated[Credits, "Credits that were taken for good."]
    expired: Annotated[bool, "Whether it has expired."]
    expired_credits: Annotated[Credits, "Credits that expired."]
    voided: Annotated[Credits, "Credits that were taken back."]
    effective_at: Annotated[Instant, "From when it can be spent."]
    expires_at: Annotated[Instant | None, "Until when (exclusive); null where it never expires."]
    scope: Annotated[Scope, "Whether it serves the account, one license or some categories."]
    categories: NotRequired[Categories]
    order_id: Annotated[Id | None, "The order that bought it."]
    line_id: Annotated[Id | None, "The line of that order."]
    unit_no: Annotated[int, "The unit of that line, from 1; 0 for none."]
    license_id: Annotated[Id | None, "The license that it came with."]
    origin_lot_id: Annotated[Id | None, "The lot whose credits are in it, after a return, transfer or merge."]
    cost: Annotated[Money | None, "What was paid for it; null where it was free or nobody knows."]
    policy_version: Annotated[int, "The version of the policy that granted it."]
    rule: Annotated[str, "The rule of the policy that granted it."]
    clause: Annotated[str | None, "The clause that granted it."]
    reading: Annotated[bool, "Whether it is our reading."]
    reason: Annotated[str | None, "Why it was granted by hand."]
    metadata: Annotated[dict[str, Any], "What the vendor keeps beside it, by name."]
    interval: NotRequired[Interval]
    customer_id: NotRequired[
        Annotated[Id | None, "The customer, where a lot is asked for or was transferred; null once erased."]
    ]


class Amounts(TypedDict):
    """The credits of one type after a call."""

    available: Annotated[Credits, "Credits that can be spent."]
    held: Annotated[Credits, "Credits that are set aside."]


_From = TypedDict("_From", {"from": Annotated[Lot, "The lot that gave them."]})


class Transfer(_From):
    """Credits given to another customer."""

    credits: Annotated[Credits, "Credits that were given."]
    to: Annotated[Lot, "The lot that received them."]


class RefundQuote(TypedDict):
    """What unused credits bring back in money."""

    lot_id: Annotated[Id, "The lot."]
    customer_id: Annotated[Id | None, "The customer; null once erased."]
    credits: Annotated[Credits, "Credits that would go, or went."]
    refund: Annotated[Money, "The money that is due."]
    basis: Annotated[
        Annotated[Literal["full", "partial", "none"], Closed("RefundBasis", "How much of a price comes back.")],
        "How much of the price it is.",
    ]
    decision: Annotated[Decision, "Why."]
    balance: NotRequired[Annotated[Amounts, "The balance of its type afterwards; in the answer of a refund."]]


def lots_that_hold(found: Ledger, order: Callable[[ledger.Lot], Any]) -> ShownLots:
    """Return all lots of a whole ledger that hold something, in an order."""
    rows = sorted((lot for lot in found.lots.values() if lot.available or lot.held), key=order)
    return ShownLots(rows=rows, total=len(rows), disputed=suspended(found))


def lots_view(shown: ShownLots, at: datetime) -> Sequence[Lot]:
    """Return lots as they stand at ``at``; of a long list the rows of one page."""
    rows = [lot_view(lot, at, shown.disputed.get(lot.lot_id, 0)) for lot in shown.rows]
    return rows if len(rows) == shown.total else Stretch(rows, start=shown.start, total=shown.total)


def lot_view(lot: ledger.Lot, at: datetime, disputed: int = 0) -> Lot:
    """Return a lot as it stands at ``at``; ``disputed``: credits of ``held`` under a payment dispute."""
    dead = lot.expires_at is not None and lot.expires_at <= at
    order_id, line_id, unit_no = lot.bought_by or (lot.order_id, lot.line_id, lot.unit_no)
    shown: Lot = {
        "lot_id": lot.lot_id,
        "source": lot.source,
        "credit_type": lot.credit_type,
        "granted": lot.granted,
        "available": 0 if dead else lot.available,
        "held": lot.held,
        "disputed": disputed,
        "spent": lot.spent,
        "expired": dead,
        "expired_credits": lot.expired + lot.available if dead else lot.expired,
        "voided": lot.voided,
        "effective_at": iso(lot.effective_at),
        "expires_at": iso_or_none(lot.expires_at),
        "scope": lot.scope,
        "order_id": order_id,
        "line_id": line_id,
        "unit_no": unit_no,
        "license_id": lot.license_id,
        "origin_lot_id": lot.origin_lot_id,
        "cost": money_view(lot.cost),
        "policy_version": lot.policy_version,
        "rule": lot.rule,
        "clause": lot.clause,
        "reading": lot.reading,
        "reason": lot.reason,
        "metadata": lot.metadata,
    }
    if lot.categories:
        shown["categories"] = list(lot.categories)
    if (number := number_of(lot.data)) is not None:
        shown["interval"] = number + 1
    return shown
