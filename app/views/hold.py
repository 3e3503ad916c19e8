"""Holds and the answers to commands on credits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from app.domain.ledger import lot as ledger
from app.domain.values.wire import iso, iso_or_none
from app.views.errors import Problem
from app.views.lot import Amounts, Lot
from app.views.shapes import Closed, Credits, Id, Instant

HoldState = Annotated[ledger.HoldState, Closed("HoldState", "What became of a hold.")]


class HoldLine(TypedDict):
    """What a hold took of a lot."""

    lot_id: Annotated[Id, "The lot."]
    credits: Annotated[Credits, "Credits that were set aside of it."]
    captured: Annotated[Credits, "Credits of these that were taken for good."]
    released: Annotated[Credits, "Credits of these that were given back unspent."]
    refunded: Annotated[Credits, "Credits of the captured that were given back."]


class Hold(TypedDict):
    """Credits reserved, and what became of them."""

    hold_id: Annotated[Id, "Our id of the hold."]
    customer_id: Annotated[Id | None, "The customer; null once erased."]
    credit_type: Annotated[str, "The type of its credits; the policy names the types."]
    kind: Annotated[
        Annotated[Literal["hold", "debit", "payment_dispute"], Closed("HoldKind", "What a hold is for.")],
        "What it is for.",
    ]
    state: Annotated[HoldState, "What became of it."]
    credits: Annotated[Credits, "Credits that were set aside."]
    held: Annotated[Credits, "Credits of these that are still set aside."]
    captured: Annotated[Credits, "Credits of these that were taken for good."]
    released: Annotated[Credits, "Credits of these that were given back unspent."]
    refunded: Annotated[Credits, "Credits of the captured that were given back."]
    ticket_id: Annotated[Id | None, "The ticket that it is for."]
    created_at: Annotated[Instant, "When it was made."]
    expires_at: Annotated[Instant | None, "When what is still set aside is given back by itself."]
    lots: Annotated[Sequence[HoldLine], "The receipt: the lots, in order of spending."]
    balance: NotRequired[Annotated[Amounts, "The balance of its type after the call."]]


class Adjustment(TypedDict):
    """A balance corrected by hand."""

    adjustment_id: Annotated[Id | None, "Our id of the correction."]
    customer_id: Annotated[Id | None, "The customer."]
    credits: Annotated[Credits, "Credits that were granted, or taken (negative)."]
    credit_type: Annotated[str, "The type of the credits; the policy names the types."]
    reason: Annotated[str | None, "Why."]
    at: Annotated[Instant, "When."]
    lot: Annotated[Lot | None, "The lot that was granted; null where credits were taken."]
    balance: Annotated[Amounts, "The balance of the type afterwards."]


class BatchItem(TypedDict):
    """One command's result."""

    idempotency_key: Annotated[Id | None, "The command's own key."]
    status: Annotated[int, "The HTTP status that it would have had by itself."]
    code: Annotated[str | None, "The code of its refusal; null where it was done."]
    replayed: NotRequired[Annotated[bool, "Whether it is the first answer again."]]
    result: Annotated[Hold | Adjustment | None, "Its answer; null where it was refused."]
    problem: NotRequired[Annotated[Problem, "Its refusal."]]


class CreditBatch(TypedDict):
    """The results of a batch, in order."""

    results: Annotated[Sequence[BatchItem], "A result for each command."]


def hold_view(hold: ledger.Hold, *, customer_id: str | None, ticket_id: str | None) -> Hold:
    """Return a hold as published; ids are the vendor's own."""
    captured = released = refunded = 0
    lots: list[HoldLine] = []
    for line in hold.lines:  # once: each answer to a debit has one
        captured += line.captured
        released += line.released
        refunded += line.refunded
        lots.append(
            {
                "lot_id": line.lot_id,
                "credits": line.credits,
                "captured": line.captured,
                "released": line.released,
                "refunded": line.refunded,
            }
        )
    held = hold.credits - captured - released
    return {
        "hold_id": hold.hold_id,
        "customer_id": customer_id,
        "credit_type": hold.credit_type,
        "kind": hold.kind,
        "state": hold.state,
        "credits": hold.credits,
        "held": held,
        "captured": captured,
        "released": released,
        "refunded": refunded,
        "ticket_id": ticket_id,
        "created_at": iso(hold.created_at),
        "expires_at": iso_or_none(hold.expires_at),
        "lots": lots,
    }
