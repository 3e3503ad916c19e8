"""Money, and answers of the policy: decisions with their reasons and remedies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired, cast

from typing_extensions import TypedDict

from app.domain.values import decision as values
from app.domain.values import money as amounts
from app.domain.values.wire import decision_json
from app.views.shapes import Amount, Id, Instant


class Money(TypedDict):
    """An amount with its currency."""

    amount: Annotated[Amount, "The amount as a decimal string."]
    currency: Annotated[str, "The currency by ISO 4217."]


class PolicyVersion(TypedDict):
    """The version of the policy that decided."""

    name: Annotated[str, "The policy's name."]
    version: Annotated[int, "Its version."]


class Reason(TypedDict):
    """One reason of an answer: a stable code, the clause it rests on, the facts used."""

    code: Annotated[str, "The stable code of the reason."]
    clause: Annotated[str | None, "The clause of the policy that it rests on."]
    message: Annotated[str, "The reason in words, in the ticket's language where there is one."]
    facts: Annotated[dict[str, Any], "The facts that were used, by name."]
    reading: Annotated[bool, "Whether it is our reading."]
    would_change: NotRequired[Annotated[str, "What would change the answer."]]
    summary: NotRequired[Annotated[str, "The sentence with its clause, in a trace."]]


class Remedy(TypedDict):
    """What the customer can do about it."""

    kind: Annotated[str, "What to do: `buy`, `choose`, `wait`, or a kind that the policy names."]
    sku: NotRequired[Annotated[str, "The offer to buy; it can be ordered as it stands."]]
    price: NotRequired[Annotated[Money | None, "The price of one; null where the policy names none."]]
    text: NotRequired[Annotated[str, "What to do, in words."]]
    quantity: NotRequired[Annotated[int, "How many are enough; absent for one."]]
    helps_at: NotRequired[Annotated[Instant, "When it helps; absent where it helps at once."]]
    credit_type: NotRequired[Annotated[str, "The type of credit to apply."]]
    cover_id: NotRequired[Annotated[Id, "The cover to resume."]]
    attributes: NotRequired[Annotated[dict[str, Any], "The attributes that the order line needs."]]


class Decision(TypedDict):
    """An answer of the policy at an instant, with every reason."""

    allowed: Annotated[bool, "Whether it is allowed."]
    at: Annotated[Instant, "The instant that was decided about."]
    policy: Annotated[PolicyVersion, "The policy that decided."]
    reasons: Annotated[Sequence[Reason], "Every reason; the failing ones where it is not allowed."]
    remedies: Annotated[Sequence[Remedy], "What the customer can do about it."]
    trace: NotRequired[Annotated[Sequence[Reason], "Every rule looked at, in order, with `?explain=true`."]]
    summary: NotRequired[Annotated[str, "The reasons in sentences, with `?explain=true`."]]


def money_view(money: amounts.Money | None) -> Money | None:
    """Return an amount, or null for none."""
    return None if money is None else {"amount": money.text, "currency": money.currency}


def decision_view(decision: values.Decision, *, explain: bool = False) -> Decision:
    """Return a decision; ``explain`` adds every rule looked at."""
    found = decision_json(decision, explain=explain)
    return cast(Decision, found)
