"""Working copies of clocks: of a ticket over its customer's account, or of some of a customer's, locked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.db import plan, policies
from app.db.account import accounts
from app.db.clocks import calendars, clocks
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import AgendaItem, Plan
from app.domain.clocks.folded import is_usable
from app.domain.clocks.ticket_clock import Hours, TicketClock
from app.domain.clocks.ticket_clocks import TicketClocks, judge_folded
from app.domain.ledger.ledger import Ledger
from app.domain.tickets.breach_credits import breach_hook

_JUDGED_AT_A_STRETCH: Final = 20
"""Clocks judged before the event loop has its turn: a few milliseconds."""


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
        named={name: await calendars.hours(tx, name) for name in account.policy.calendars},
    )


async def for_customer(
    tx: Tx, customer_id: str, clock_ids: Sequence[str], hours: Hours | None = None, *, off_agenda: bool = False
) -> tuple[Plan, Ledger | None, TicketClocks] | None:
    """Lock a customer and return a working copy of some of its clocks, read under the lock; None without any.

    Only where a breach would bring credits is the whole account loaded; the ledger is then to be written with the plan.
    ``hours``: a timeline that this transaction is about to publish. ``off_agenda``: their agenda rows are off already.
    """
    customer = (await accounts.lock_customers(tx, [customer_id])).get(customer_id)
    if customer is None:
        return None
    found = await clocks.by_ids(tx, clock_ids)
    if not found:
        return None
    for clock in found:
        clock.hours = hours or clock.hours
        clock.on_agenda = clock.on_agenda and not off_agenda
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


async def judge_due(tx: Tx, items: Sequence[AgendaItem]) -> None:
    """Judge the clocks of agenda rows by now, and write all of it at once; the rows are off already.

    Five statements for any number of clocks. Where a breach brings credits back, the account is loaded, customer by
    customer.
    """
    locked = await accounts.lock_customers(tx, [item.customer_id for item in items])
    found = {clock.clock_id: clock for clock in await clocks.due_by_ids(tx, [item.subject for item in items])}
    again = [clock.clock_id for clock in found.values() if clock.folded and not _goes_on(clock, tx.at)]
    if again:
        found |= {clock.clock_id: clock for clock in await clocks.by_ids(tx, again)}
    due = [
        (locked[item.customer_id], found[item.subject])
        for item in items
        if item.customer_id in locked and item.subject in found
    ]
    credited = {customer.customer_id for customer, clock in due if clock.terms.breach_returns_credits}
    policy = await policies.in_force(tx, tx.at)
    plans: dict[str, Plan] = {}
    for number, (customer, clock) in enumerate(due, 1):
        if customer.customer_id in credited:
            continue
        clock.on_agenda = False
        if (made := plans.get(customer.customer_id)) is None:
            at = tx.at if customer.last_at is None else max(tx.at, customer.last_at)
            made = plans[customer.customer_id] = Plan(customer=customer, at=at, actor=tx.actor)
        copy = TicketClocks(plan=made, policy=policy, hours=clock.hours, mint=tx.mint, clocks=[clock])
        if clock.events:
            copy.judge(at=made.at)
        else:
            judge_folded(copy, clock, at=made.at)
        if number % _JUDGED_AT_A_STRETCH == 0:
            await asyncio.sleep(0)
    if plans:
        await plan.write(tx, [(made, None) for made in plans.values()])
    for customer, clock in due:
        if customer.customer_id in credited:
            await _judge_with_account(tx, customer.customer_id, clock.clock_id)


def _goes_on(clock: TicketClock, at: datetime) -> bool:
    """Whether a firing goes on from what the clock keeps. A breach that brings credits is judged with all of it."""
    return is_usable(clock.folded, clock.hours, at) and not clock.terms.breach_returns_credits


async def _judge_with_account(tx: Tx, customer_id: str, clock_id: str) -> None:
    """Judge one clock whose breach brings credits back."""
    found = await for_customer(tx, customer_id, [clock_id], off_agenda=True)
    if found is None:
        return
    made, ledger, copy = found
    copy.judge(at=made.at, clock_id=clock_id)
    await plan.write(tx, [(made, ledger)])
