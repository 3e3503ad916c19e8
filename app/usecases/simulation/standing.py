"""How orders and tickets stand, for a comparison: what was granted, decided and charged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.db import agenda, policies, tickets
from app.db.account import accounts
from app.db.clocks import clocks
from app.db.engine import Tx
from app.db.orders import orders
from app.domain.values.errors import DomainError
from app.usecases.orders.orders import get_order
from app.usecases.tickets.tickets import get
from app.views.order import granted_by, order_view
from app.views.ticket import ticket_view

Thing = tuple[str, str]
"""``order`` or ``ticket``, and the vendor's id."""
View = Mapping[str, Any]


async def one(tx: Tx, kind: str, id_: str) -> View:
    """How a thing stands, or the code of the refusal where it is not there."""
    whole, tx.whole = tx.whole, False  # what is only read is read in part
    try:
        return await (get_order if kind == "order" else get)(tx, id_)
    except DomainError as error:
        return {"refused": error.code}
    finally:
        tx.whole = whole


async def all_of(tx: Tx, things: Sequence[Thing], *, done: bool) -> dict[Thing, View]:
    """How things stand, as `one` says it, in a few statements for all; actions and refunds are left out.

    ``done``: whether everything that fell due was carried out. What fell due since is worked out for each ticket.
    """
    found = await _orders(tx, [id_ for kind, id_ in things if kind == "order"])
    named = [id_ for kind, id_ in things if kind == "ticket"]
    if done:
        found |= await _tickets(tx, named)
    else:
        found |= {("ticket", id_): await one(tx, "ticket", id_) for id_ in named}
    return {(kind, id_): found.get((kind, id_), {"refused": f"{kind}_not_found"}) for kind, id_ in things}


async def nothing_is_due(tx: Tx) -> bool:
    """Whether everything that fell due in the tenant was carried out."""
    following, _ = await agenda.state(tx)
    return following is None or following > tx.at


async def _orders(tx: Tx, ids: Sequence[str]) -> dict[Thing, View]:
    """An account is read once, whatever it ordered."""
    found: dict[Thing, View] = {}
    known: dict[str, Any] = {}
    for order in await orders.named(tx, ids) if ids else ():
        account = known.get(order.customer_id)
        if account is None:
            account = known[order.customer_id] = await accounts.load_by_id(tx, order.customer_id, lock=False)
        found["order", order.order_id] = order_view(
            order,
            granted_by(account, order.order_id),
            customer_id=account.customer.external_id,
            policy=account.policy.policy,
        )
    return found


async def _tickets(tx: Tx, ids: Sequence[str]) -> dict[Thing, View]:
    """Tickets as their rows are, with what their holds come to."""
    read = await tickets.named(tx, ids) if ids else []
    ours = [ticket.ticket_id for ticket in read]
    charged = await tickets.charges(tx, ours) if read else {}
    promised = await clocks.views_of_tickets(tx, ours) if read and (await policies.in_force(tx)).promises else {}
    return {
        ("ticket", ticket.external_id): ticket_view(
            ticket,
            account=None,
            names={},
            clocks=promised.get(ticket.ticket_id, ()),
            charge=charged.get(ticket.ticket_id),
            at=tx.at,
        )
        for ticket in read
    }
