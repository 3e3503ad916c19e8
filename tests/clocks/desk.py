"""A desk for clocks: tickets with their clocks in a real database, at any instant, without the rules of tickets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from app.db import plan
from app.db.account import accounts
from app.db.engine import Database, Tx
from app.domain.account.changes import TicketRow
from app.domain.clocks.ticket_clocks import TicketClocks
from app.usecases.steps.ticket_clocks import load_for_ticket

Change = Callable[[TicketClocks, datetime], object]


def at(value: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(value).astimezone(UTC)


@dataclass
class Desk:
    """One tenant's tickets. In a sandbox the time is the tenant's; else ``when`` says as of when it was done."""

    db: Database
    tenant_id: str

    async def do(self, ticket: str, change: Change, *, when: str | None = None, customer: str = "ann") -> None:
        """Does something to a ticket's clocks, making the ticket when it is not there."""

        async def work(tx: Tx) -> None:
            if when is not None:
                tx.at = at(when)
            account = await accounts.load(tx, customer, create=True)
            found = await tx.row(
                text("select ticket_id from ticket where tenant_id = :t and external_id = :e"),
                {"t": tx.tenant_id, "e": ticket},
            )
            ticket_id = found.ticket_id if found else None
            copy = await load_for_ticket(tx, account, ticket_id, ticket)
            if ticket_id is None:
                ticket_id = tx.mint("tic")
                copy.bind(ticket_id, ticket)
                account.plan.tickets[ticket_id] = TicketRow(
                    ticket_id=ticket_id,
                    external_id=ticket,
                    customer_id=account.customer.customer_id,
                    person_id=None,
                    state="in_progress",
                    category=None,
                    subject="",
                    channel=None,
                    license_id=None,
                    parent_id=None,
                    payload_hash="",
                    opened_at=account.at,
                    updated_at=account.at,
                    resolved_at=None,
                    version=1,
                    document={},
                )
            change(copy, account.at)
            await plan.write_account(tx, account)

        await self.db.run(self.tenant_id, work)

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        """What stands in the database."""

        async def work(tx: Tx) -> list[Any]:
            return list(await tx.rows(text(sql), {"t": tx.tenant_id, **values}))

        return await self.db.read(self.tenant_id, work)

    async def outcomes(self) -> list[tuple[str, str, str, datetime]]:
        """Every outcome: ticket, kind, window, instant."""
        found = await self.rows(
            "select t.external_id, o.kind, o.window_date, o.at from clock_outcome o"
            " join clock c on c.tenant_id = o.tenant_id and c.clock_id = o.clock_id"
            " join ticket t on t.tenant_id = o.tenant_id and t.ticket_id = c.ticket_id"
            " where o.tenant_id = :t order by o.at, t.external_id, c.milestone, o.window_date, o.kind"
        )
        return [tuple(row) for row in found]

    async def events(self) -> list[tuple[str, str, datetime]]:
        """What was published of clocks, in order of what happened: type, ticket, when."""
        found = await self.rows(
            "select type, data->>'ticket_id' as ticket, occurred_at from outbox"
            " where tenant_id = :t and type like 'clock.%'"
            " order by occurred_at, type, data->>'ticket_id', data->>'window_date'"
        )
        return [(row.type, row.ticket, row.occurred_at) for row in found]
