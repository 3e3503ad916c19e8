"""Explanations: the trace of any stored decision, charge or due time, clause by clause."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path

from app.api.fields import PathId
from app.api.languages import language_headers
from app.api.operations.call import Answer, Call, beside_ticket
from app.api.operations.table import Operations
from app.api.problems import Problem
from app.api.tongue import spoken
from app.usecases.clocks import clocks
from app.usecases.commands import Tx
from app.usecases.customers import own
from app.usecases.reports import explain
from app.usecases.tickets import tickets
from app.views.explanation import Explanation

OPERATIONS = Operations("Helpdesk")
_OF_TICKETS: Final = ("ticket", "charge", "assessment")
"""What a customer may ask about."""
Kind = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z_]+$", examples=list(explain.KINDS))]


@OPERATIONS.get("explain", "/v1/explain/{kind}/{id}", scope="tickets:read", refusals=(404,))
async def get_explanation(call: Call, kind: Kind, id: PathId) -> Answer[Explanation]:
    """The whole trace: rules in order with their clauses, facts and results, and what would have changed the answer.

    ``kind``: ticket, charge, assessment (``<ticket>:<number>``), order, refund (``<order>:<refund>``), license, lot,
    cover, choice, operation, hold or clock. A customer's token asks about the customer's own tickets.
    """
    if call.principal.customer_id is not None:
        return await _of_customer(call, call.principal.customer_id, kind, id)
    return _translated(await call.read(lambda tx: explain.explain(tx, kind, id, clock=clocks.explain_clock)))


def _translated(found: Explanation) -> Answer[Explanation]:
    """Return an explanation with its sentences in the language of the answer."""
    return Answer(spoken(found), headers=language_headers())


async def _of_customer(call: Call, customer_id: str, kind: str, id: str) -> Answer[Explanation]:
    if kind not in _OF_TICKETS:
        raise Problem("not_found")
    ticket_id = id.rpartition(":")[0] if kind == "assessment" else id

    async def explained(tx: Tx) -> Explanation:
        await own.require_ticket(tx, customer_id, ticket_id)
        found = await explain.explain(tx, kind, id, clock=clocks.explain_clock, public=True)
        return beside_ticket(await tickets.get(tx, ticket_id), found)

    return _translated(await call.read(explained, owned=True))
