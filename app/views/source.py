"""Sources and what they delivered, as published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.views.order import DisputeAction, NotTakenBack, PaymentDisputeState, TakenBack
from app.views.shapes import Closed, Credits, Id, Instant

SourceKind = Literal[
    "purchase",
    "woocommerce",
    "stripe",
    "shopify",
    "paddle",
    "zammad",
    "zendesk",
    "freescout",
    "chatwoot",
    "freshdesk",
    "helpdesk",
]
DeliveryState = Literal["received", "done", "parked", "ignored", "dismissed"]
PlanChange = Literal["park", "ignore", "grant"]


class MappedProduct(TypedDict):
    """What a shop's product is here."""

    sku: Annotated[str, "The policy's sku."]
    attributes: Annotated[dict[str, Any], "Facts of the line that it becomes, by name."]
    plan_change: NotRequired[
        Annotated[
            Annotated[PlanChange, Closed("PlanChange", "What a change of plan in mid-period brings.")],
            "What a line brings that bills a change of plan in mid-period; absent for `park`.",
        ]
    ]


class SourceOptions(TypedDict):
    """How deliveries are read. What is absent is as it is by default."""

    ids: NotRequired[
        Annotated[
            Annotated[Literal["prefixed", "own"], Closed("SourceIds", "Whose ids a source sends.")],
            "`own` where the sender's ids are ours already.",
        ]
    ]
    unmapped: NotRequired[
        Annotated[
            Annotated[Literal["park", "ignore"], Closed("Unmapped", "What becomes of what nobody has mapped.")],
            "What becomes of products that nobody has mapped.",
        ]
    ]
    guests: NotRequired[
        Annotated[
            Annotated[Literal["by_id", "joined"], Closed("Guests", "How buyers without an account are known.")],
            "`joined` where they are known by a hash of their address.",
        ]
    ]
    test_orders: NotRequired[Annotated[bool, "Whether a real tenant takes play money too."]]
    sandbox: NotRequired[Annotated[bool, "Whether all that comes is of the shop's test environment."]]
    subscriptions: NotRequired[
        Annotated[bool, "Whether payments of subscriptions are read although no product of them is mapped."]
    ]
    customer_field: NotRequired[Annotated[str, "Where the helpdesk keeps our customer id."]]
    categories: NotRequired[Annotated[Mapping[str, str], "The category of each group of the helpdesk."]]
    priorities: NotRequired[Annotated[Mapping[str, str], "The priority of each of the helpdesk's."]]


class DeliveryCounts(TypedDict):
    """How many deliveries of a source are in which state."""

    received: Annotated[int, "Those that wait."]
    done: Annotated[int, "Those that were acted on."]
    parked: Annotated[int, "Those that wait for a person."]
    ignored: Annotated[int, "Those that bring nothing."]
    dismissed: Annotated[int, "Those that a person has settled."]


class Source(TypedDict):
    """A shop or a helpdesk that is listened to; the token is shown when it is made."""

    name: Annotated[str, "The tenant's name of it."]
    kind: Annotated[Annotated[SourceKind, Closed("SourceKind", "Which system a source is.")], "Which system it is."]
    products: Annotated[
        Mapping[str, MappedProduct | None],
        "What each product of the shop is here, by its id in the shop. Null: nothing of ours.",
    ]
    options: Annotated[SourceOptions, "How deliveries are read."]
    secrets: Annotated[int, "How many secrets count at once."]
    api: Annotated[bool, "Whether the shop itself can be asked."]
    version: Annotated[int, "The number of its changes."]
    created_at: Annotated[Instant, "When it was made."]
    updated_at: Annotated[Instant, "When it was last changed."]
    deleted_at: NotRequired[Annotated[Instant, "When it was deleted."]]
    deliveries: NotRequired[Annotated[DeliveryCounts, "How many deliveries are in which state; in lists."]]
    last_delivery_at: NotRequired[Annotated[Instant | None, "When the newest came; in lists."]]
    secret: NotRequired[Annotated[str, "The secret that was made for it; shown once."]]
    token: NotRequired[Annotated[str, "The token of the address that deliveries go to; shown once."]]
    path: NotRequired[Annotated[str, "The path that deliveries go to; shown once."]]
    url: NotRequired[Annotated[str, "The whole address that deliveries go to; shown once."]]


class ReviewItem(TypedDict):
    """What a parked delivery asks a person: what is unclear, what the payload says, and what would settle it."""

    code: Annotated[str, "The code of the doubt."]
    unclear: Annotated[str, "What is unclear, in a sentence."]
    payload_says: Annotated[dict[str, Any], "Facts of the payload, by name."]
    settled_by: Annotated[Sequence[str], "Steps that would settle it."]


class Dismissal(TypedDict):
    """Why a person settled a parked delivery, and by which adjustment."""

    reason: NotRequired[Annotated[str, "Why; absent once the customer was erased."]]
    adjustment_id: Annotated[Id | None, "The adjustment that settled it."]
    by: Annotated[str | None, "Who settled it."]
    at: Annotated[Instant, "When."]


class DeliveryNotGranted(TypedDict):
    """A line that brought nothing, in brief."""

    line_id: Annotated[Id, "The line."]
    code: Annotated[str, "Why."]
    clause: Annotated[str | None, "The clause by which it brought nothing."]


class DeliveryDispute(TypedDict):
    """A dispute of a payment that a delivery told of, in brief."""

    dispute_id: Annotated[Id, "The shop's id of the dispute."]
    state: Annotated[PaymentDisputeState, "How it stands."]
    action: Annotated[DisputeAction, "What became of what the order had granted."]
    credits: Annotated[Credits, "Credits that it concerns."]


class OrderCorrection(TypedDict):
    """What a shop's change of an order came to."""

    taken_back: Annotated[Sequence[TakenBack], "What was taken back."]
    not_taken_back: Annotated[Sequence[NotTakenBack], "What could not be taken back."]
    owed: Annotated[Credits, "Credits that were spent and would have been taken back."]


class DeliveryEffects(TypedDict):
    """What a delivery brought about: of an order, or of a ticket."""

    customer_id: NotRequired[Annotated[Id, "The customer."]]
    order_id: NotRequired[Annotated[Id, "The order."]]
    refund_id: NotRequired[Annotated[Id | None, "The refund that it made."]]
    not_granted: NotRequired[Annotated[Sequence[DeliveryNotGranted], "Lines that brought nothing."]]
    payment_disputes: NotRequired[Annotated[Sequence[DeliveryDispute], "Disputes of the payment."]]
    correction: NotRequired[Annotated[OrderCorrection, "What a change of the order came to."]]
    ticket_id: NotRequired[Annotated[Id, "The ticket."]]
    responses: NotRequired[Annotated[Sequence[Id], "Messages that were recorded."]]
    unrecorded: NotRequired[Annotated[Sequence[Id], "Messages that came after the ticket was closed."]]


class Delivery(TypedDict):
    """What a source delivered, and what became of it."""

    delivery_id: Annotated[Id, "The delivery."]
    source: Annotated[str, "The source."]
    event_id: Annotated[str, "The sender's id of it; the same is taken once."]
    topic: Annotated[str | None, "What kind of message it is, in the sender's words."]
    subject: Annotated[str | None, "The order or ticket that it speaks of, as far as that can be told."]
    state: Annotated[
        Annotated[DeliveryState, Closed("DeliveryState", "What became of a delivery.")], "What became of it."
    ]
    reason: Annotated[str | None, "Why it was parked or ignored, as a code."]
    detail: Annotated[str | None, "Why, in words."]
    attempts: Annotated[int, "How often it failed."]
    effects: Annotated[DeliveryEffects | None, "What it brought about."]
    review: Annotated[Sequence[ReviewItem], "What a person is asked."]
    dismissal: Annotated[Dismissal | None, "How a person settled it."]
    received_at: Annotated[Instant, "When it came."]
    finished_at: Annotated[Instant | None, "When it was acted on."]
    erased_at: Annotated[Instant | None, "When what it holds was removed."]
    body: NotRequired[Annotated[str, "The body as it came; only where one delivery is asked for."]]


class DeliveryReceipt(TypedDict):
    """What the sender of a delivery is told."""

    received: Annotated[bool, "Always true."]
    delivery_id: NotRequired[Annotated[Id, "The delivery; absent for a ping."]]
    duplicate: NotRequired[Annotated[bool, "Whether the same came before."]]
    ping: NotRequired[Annotated[bool, "True for a ping, which is not kept."]]


def counts_view(states: Mapping[str, int]) -> DeliveryCounts:
    """Return how many deliveries are in which state."""
    return {
        "received": states.get("received", 0),
        "done": states.get("done", 0),
        "parked": states.get("parked", 0),
        "ignored": states.get("ignored", 0),
        "dismissed": states.get("dismissed", 0),
    }


def review_view(rows: Iterable[Mapping[str, Any]] | None) -> list[ReviewItem]:
    """Return kept items as published."""
    return [
        {
            "code": row["code"],
            "unclear": row["unclear"],
            "payload_says": row["payload_says"],
            "settled_by": row["settled_by"],
        }
        for row in rows or ()
    ]
