"""Rehearsals of a policy: what a draft would have changed in the history that is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.views.clock import ClockOutcome
from app.views.decision import Money, PolicyVersion
from app.views.license import Term
from app.views.lot import Categories
from app.views.recurring_grant import Renewal
from app.views.shapes import Closed, Credits, Id, Instant


class Rehearsed(TypedDict):
    """How many things were run again."""

    replayed: Annotated[int, "How many."]
    differ: Annotated[int, "How many came out otherwise."]


class RehearsedCharge(TypedDict):
    """What a ticket would cost."""

    held: Annotated[Credits, "Credits set aside."]
    net: Annotated[Credits, "What it costs."]


class RehearsedGrant(TypedDict):
    """Something that an order would bring, or would not."""

    line_id: NotRequired[Annotated[Id | None, "The line."]]
    unit_no: NotRequired[Annotated[int, "The unit of the line."]]
    credit_type: NotRequired[Annotated[str, "The type of the credits."]]
    granted: NotRequired[Annotated[Credits, "How many credits."]]
    expires_at: NotRequired[Annotated[Instant | None, "When they expire."]]
    state: NotRequired[Annotated[str, "How the cover stands."]]
    starts_at: NotRequired[Annotated[Instant | None, "When the cover starts."]]
    ends_at: NotRequired[Annotated[Instant | None, "When the cover ends."]]
    scope: NotRequired[Annotated[str, "What the cover serves."]]
    levels: NotRequired[Annotated[Sequence[int], "The levels of the cover."]]
    actions: NotRequired[Annotated[Sequence[str], "What the cover allows."]]
    details: NotRequired[Annotated[dict[str, Any], "What each option of the choice would bring, by its name."]]
    option: NotRequired[Annotated[str | None, "The option that was taken."]]
    categories: NotRequired[Categories]
    plan: NotRequired[Annotated[str | None, "The plan of the cover."]]
    seats: NotRequired[Annotated[int | None, "The seats of the cover."]]
    credits: NotRequired[Annotated[Credits, "Credits of an interval."]]
    interval: NotRequired[Annotated[Term, "After how long they come again."]]
    at_renewal: NotRequired[Annotated[Renewal, "What becomes of unused ones."]]
    rollover_max: NotRequired[Annotated[Credits | None, "How many go over at most."]]
    code: NotRequired[Annotated[str, "The reason, where nothing is granted."]]


class RehearsedPromise(TypedDict):
    """A promise of a ticket, as far as is compared."""

    milestone: Annotated[str, "What was promised."]
    team: NotRequired[Annotated[str, "The team that owes it."]]
    calendar: Annotated[str, "The calendar that it runs on."]
    due_at: NotRequired[Annotated[Instant, "When it is due."]]
    outcome: Annotated[ClockOutcome, "What became of it."]
    missed: Annotated[int, "How often it was missed."]


class RehearsedThing(TypedDict):
    """How an order or a ticket comes out, as far as is compared."""

    refused: NotRequired[Annotated[str, "The code of the refusal, where it is not there."]]
    state: NotRequired[Annotated[str, "Where the ticket stands."]]
    reasons: NotRequired[Annotated[Sequence[str], "The codes of its reasons."]]
    asks: NotRequired[Annotated[Sequence[str], "What is asked for."]]
    price: NotRequired[Annotated[Credits | None, "The price in force."]]
    paid_by: NotRequired[Annotated[str | None, "What pays for it."]]
    charge: NotRequired[Annotated[RehearsedCharge, "What it costs."]]
    promises: NotRequired[Annotated[Sequence[RehearsedPromise], "What is promised of the ticket."]]
    granted: NotRequired[Annotated[bool, "Whether the order brings anything."]]
    licenses: NotRequired[Annotated[int, "How many licenses it brings."]]
    lots: NotRequired[Annotated[Sequence[RehearsedGrant], "The credits that it brings."]]
    covers: NotRequired[Annotated[Sequence[RehearsedGrant], "The covers that it brings."]]
    choices: NotRequired[Annotated[Sequence[RehearsedGrant], "The choices that it opens."]]
    recurring_grants: NotRequired[Annotated[Sequence[RehearsedGrant], "The credits that come again."]]
    not_granted: NotRequired[Annotated[Sequence[RehearsedGrant], "What it does not bring."]]


class PolicyDifference(TypedDict):
    """An order or a ticket that comes out otherwise under the draft."""

    kind: Annotated[
        Annotated[Literal["order", "ticket"], Closed("RehearsedKind", "What was run again.")], "What it is."
    ]
    id: Annotated[Id, "Its id."]
    customer_id: Annotated[Id | None, "The customer."]
    before: Annotated[RehearsedThing, "As it comes out under the policy."]
    after: Annotated[RehearsedThing, "As it comes out under the draft."]
    clauses: Annotated[Sequence[str], "The clauses that make the difference."]


class RehearsalError(TypedDict):
    """Something that could not be run again."""

    run: Annotated[
        Annotated[Literal["baseline", "draft", "both"], Closed("RehearsalRun", "Under which policy.")],
        "Under which policy.",
    ]
    kind: Annotated[str, "What it is."]
    id: Annotated[Id, "Its id."]
    step: Annotated[str | None, "The step that could not be done."]
    code: Annotated[str, "The code of the refusal."]


class RehearsedSum(TypedDict):
    """What orders and tickets come to in all."""

    credits_granted: Annotated[Credits, "Credits that the orders bring."]
    credits_charged: Annotated[Credits, "What the tickets cost."]
    credits_held: Annotated[Credits, "Credits set aside for the tickets."]
    prices: NotRequired[
        Annotated[Sequence[Money], "The orders by the list of prices, where the draft changes one; before refunds."]
    ]


class RehearsedTotals(TypedDict):
    """The sums under the policy and under the draft."""

    customers: Annotated[int, "Customers for whom anything comes out otherwise."]
    before: Annotated[RehearsedSum, "Under the policy."]
    after: Annotated[RehearsedSum, "Under the draft."]


_From = TypedDict("_From", {"from": Annotated[Instant | None, "The begin of the span; null: ever since."]})


class PolicySimulation(_From):
    """What a draft would have changed: counts, each difference before and after, and what could not be run."""

    policy: Annotated[PolicyVersion, "The policy that the draft is compared with."]
    to: Annotated[Instant | None, "The end of the span; null: until now."]
    customers: Annotated[int, "How many customers were run again."]
    orders: Annotated[Rehearsed, "The orders."]
    tickets: Annotated[Rehearsed, "The tickets."]
    totals: Annotated[RehearsedTotals, "What that comes to."]
    differences: Annotated[Sequence[PolicyDifference], "What comes out otherwise."]
    errors: Annotated[Sequence[RehearsalError], "What could not be run again."]
    complete: Annotated[bool, "Whether that was all of the history."]
