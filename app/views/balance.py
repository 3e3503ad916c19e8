"""A customer's balance as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, NotRequired

from typing_extensions import TypedDict

from app.domain.ledger.expiry import post_due_expiries
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import ShownLots
from app.domain.policy.policy import Policy
from app.domain.policy.wording import shown
from app.domain.values.wire import iso
from app.views.lot import Lot, lots_that_hold, lots_view
from app.views.shapes import Credits, Id, Instant, Whole


class TypeBalance(TypedDict):
    """The balance of one type of credit."""

    available: Annotated[Credits, "Credits that can be spent."]
    held: Annotated[Credits, "Credits that are set aside."]
    owed: Annotated[Credits, "Credits that were overdrawn, or spent and taken back since."]


class BalanceTotals(TypedDict):
    """A balance over all lots."""

    available: Annotated[Credits, "Credits that can be spent."]
    held: Annotated[Credits, "Credits that are set aside."]
    lots: Annotated[Whole, "How many lots hold something."]


class BalanceShown(TypedDict):
    """What can be spent, as people write time: `1 h 15 min`."""

    available: Annotated[str, "Time that can be spent."]
    held: Annotated[str, "Time that is set aside."]


class Balance(TypedDict):
    """What can be spent, and the first 100 of the lots it is in."""

    customer_id: Annotated[Id, "The customer."]
    unit: Annotated[str | None, "The vendor's word for credits."]
    at: Annotated[Instant, "The instant of the balance."]
    known_at: NotRequired[Annotated[Instant, "By what was recorded by then, where that was asked."]]
    available: Annotated[Credits, "Credits that can be spent."]
    held: Annotated[Credits, "Credits that are set aside."]
    shown: NotRequired[Annotated[BalanceShown, "The same as people write time, where a credit is time."]]
    owed: Annotated[Credits, "Credits that were overdrawn, or spent and taken back since."]
    disputed: Annotated[Credits, "Credits of `held` whose payment is disputed."]
    lots: Annotated[Sequence[Lot], "The lots that hold something."]
    by_type: Annotated[Mapping[str, TypeBalance], "The balance of each type of credit, by its name."]
    totals: Annotated[BalanceTotals, "The sums over all lots."]
    next_cursor: Annotated[str | None, "The `cursor` of the further lots; null where there are none."]


BALANCE_LISTS: Final = ("lots",)
"""Members of a balance that are given in pages."""


def balance_view(
    ledger: Ledger, *, customer_id: str, at: datetime, policy: Policy, lots: ShownLots | None = None
) -> Balance:
    """Return the balance at the ledger's instant: totals, the lots that hold something, each credit type apart.

    Post what is due on the working copy, which is thrown away. ``lots``: those shown, of a ledger in part.
    """
    for credit_type in ledger.due_types():
        post_due_expiries(ledger, credit_type)
    by_type: dict[str, TypeBalance] = {
        key: {"available": account.available, "held": account.held, "owed": account.owed}
        for key, account in sorted(ledger.accounts.items())
    }
    holding = lots or lots_that_hold(ledger, lambda lot: (lot.credit_type, lot.effective_at, lot.lot_id))
    available = sum(amounts["available"] for amounts in by_type.values())
    held = sum(amounts["held"] for amounts in by_type.values())
    found: Balance = {
        "customer_id": customer_id,
        "unit": policy.unit.many if policy.unit else None,
        "at": iso(at),
        "available": available,
        "held": held,
        "owed": sum(amounts["owed"] for amounts in by_type.values()),
        "disputed": sum(holding.disputed.values()),
        "lots": lots_view(holding, at),
        "by_type": by_type,
        "totals": {"available": available, "held": held, "lots": holding.total},
        "next_cursor": None,
    }
    if (time := shown(policy, available)) is not None:
        found["shown"] = {"available": time, "held": shown(policy, held) or ""}
    return found
