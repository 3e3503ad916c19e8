"""`explain`: the whole trace of a stored decision, grant, charge or refund, clause by clause (decision 0020).

A trace is a list of steps in order:

- what was done, by whom and when
- the rules looked at, with their facts and results
- the reasons with their clauses
- the counterfactuals that would have changed it

Each step and each explanation has a ``summary`` that a clerk can read out; the sentences stand in the module
`explanation` of each noun. Due times are explained by the clocks' own use case, which the door passes in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, get_args

from app.db.engine import Tx
from app.domain.values.errors import DomainError
from app.usecases.reports.explain_account import explain_entity, explain_order, explain_refund
from app.usecases.reports.explain_ledger import explain_lot, explain_moves
from app.usecases.reports.explain_ticket import explain_ticket
from app.views.explanation import Explanation, KindName

KINDS: Final[tuple[str, ...]] = get_args(KindName)
ClockExplainer = Callable[[Tx, str], Awaitable[Explanation]]


async def explain(tx: Tx, kind: str, id_: str, *, clock: ClockExplainer, public: bool = False) -> Explanation:
    """The trace of one stored thing. 404 ``kind_not_found`` for another kind, else the noun's own 404.

    ``public``: of a ticket as its customer may read it.
    """
    match kind:
        case "ticket" | "charge":
            return await explain_ticket(tx, id_, kind=kind, public=public)
        case "assessment":
            ticket_id, _, number = id_.rpartition(":")
            if not ticket_id or not (number.isascii() and number.isdecimal()) or len(number) > 6:
                raise DomainError("assessment_not_found", number=id_)
            return await explain_ticket(tx, ticket_id, kind=kind, assessment=int(number), public=public)
        case "order":
            return await explain_order(tx, id_)
        case "refund":
            return await explain_refund(tx, id_)
        case "license" | "cover" | "choice":
            return await explain_entity(tx, kind, id_)
        case "lot":
            return await explain_lot(tx, id_)
        case "operation" | "hold":
            return await explain_moves(tx, kind, id_)
        case "clock":
            return await clock(tx, id_)
    raise DomainError("kind_not_found", kind=kind, known=list(KINDS))
