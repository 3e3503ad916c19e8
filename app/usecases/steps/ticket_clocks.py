"""Working copies of clocks: of a ticket over its customer's account, or of some of a customer's, locked."""

from __future__ import annotations

from collections.abc import Sequence

from app.db import policies
from app.db.account import accounts
from app.db.clocks import calendars, clocks
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import Plan
from app.domain.clocks.ticket_clock import Hours, TicketClock
from app.domain.clocks.ticket_clocks import TicketClocks
from app.domain.ledger.ledger import Ledger
from app.domain.tickets.breach_credits import breach_hook


async def load_for_ticket(
    tx: Tx, account: CustomerAccount, ticket_id: str | None, external_ticket_id: str | None = None
) -> TicketClocks:
    """Return the clocks of a ticket as a working copy over the account's plan: two statements, none for a new ticket.

    ``ticket_id`` None, or one that has no row yet: no clocks so far; name it with `TicketClocks.bind`.
    """
    found = [] if ticket_id is None else await clocks.of_ticket(tx, ticket_id)
    return await working_copy(tx, account, found, ticket_id, external_ticket_id)


async def working_copy(
    tx: Tx,
    account: CustomerAccount,
    found: Sequence[TicketClock],
    ticket_id: str | None,
    external_ticket_id: str | None = None,
) -> TicketClocks:
    """Return a ticket's clocks, as read, as a working copy over the account's plan."""
    hours = await calendars.hours(tx)
    external = external_ticket_id or (found[0].external_ticket_id if found else None)
    for clock in found:
        clock.external_ticket_id = external or clock.external_ticket_id
    return TicketClocks(
        plan=account.plan,
        policy=account.policy,
        hours=hours,
        mint=tx.mint,
        ticket_id=ticket_id,
        external_ticket_id=external,
        clocks=list(found),
        on_breach=breach_hook(account),
    )


async def for_customer(
    tx: Tx, customer_id: str, clock_ids: Sequence[str], hours: Hours | None = None, *, taken: bool = False
) -> tuple[Plan, Ledger | None, TicketClocks] | None:
    """Lock a customer and return a working copy of some of its clocks, read under the lock; None without any.

    Only where a breach would bring credits is the whole account loaded; the ledger is then to be written with the plan.
    ``hours``: a timeline that this transaction is about to publish. ``taken``: their agenda rows are off already.
    """
    customer = (await accounts.lock_customers(tx, [customer_id])).get(customer_id)
    if customer is None:
        return None
    found = await clocks.by_ids(tx, clock_ids)
    if not found:
        return None
    for clock in found:
        clock.hours = hours or clock.hours
        clock.on_agenda = clock.on_agenda and not taken
    account: CustomerAccount | None = None
    if any(clock.terms.breach_returns_credits for clock in found):
        account = await accounts.load_by_id(tx, customer_id)
    at = tx.at if customer.last_at is None else max(tx.at, customer.last_at)
    copy = TicketClocks(
        plan=account.plan if account else Plan(customer=customer, at=at, actor=tx.actor),
        policy=account.policy if account else await policies.in_force(tx, at),
        hours=found[0].hours,
        mint=tx.mint,
        clocks=found,
        on_breach=breach_hook(account) if account else None,
    )
    return copy.plan, account.ledger if account else None, copy
