"""Rows about the tickets that somebody asked on another's account: a person of a company, and the company pays.

They are the person's words in the company's rows. An erasure of the person finds them here, and so does an export.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, and_, or_, select, text, update

from app.db import schema as s
from app.db.engine import Tx

_ACCOUNTS = text(
    "with recursive family as (select customer_id from unnest(cast(:accounts as text[])) as given(customer_id)"
    " union select c.customer_id from family f join customer c on c.tenant_id = :tenant"
    " and c.merged_into = f.customer_id) select customer_id from family"
)
_ANSWERS = text(
    "update command set answer = '{\"erased\": true}', payload_hash = '' where tenant_id = :tenant"
    " and customer_id = any(:accounts) and exists (select from unnest(cast(:said as text[])) as s(said)"
    " where position(s.said in answer #>> '{}') > 0)"
)
"""Answers are stored as they were written: what they say of a ticket is found as written, too."""
_ANSWERS_ON = text(
    "update command set answer = '{\"erased\": true}', payload_hash = '' where tenant_id = :tenant"
    " and customer_id in (select t.person_id from ticket t where t.tenant_id = :tenant"
    " and t.customer_id = any(:accounts) and t.person_id is not null)"
    " and exists (select from unnest(cast(:said as text[])) as s(said) where position(s.said in answer #>> '{}') > 0)"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Tickets of some people on others' accounts: our id -> the helpdesk's; with the accounts and all that went into
    them, and the tickets' clocks."""

    tickets: Mapping[str, str]
    accounts: Sequence[str]
    clocks: Sequence[str]

    def where(self, tx: Tx, table: Table) -> list[ColumnElement[bool]]:
        """Return which rows of a table are about these tickets."""
        c, ids, named = table.c, list(self.tickets), [*self.tickets, *self.tickets.values()]
        if table is s.entity_event:
            clocks = and_(c.stream == "clock", c.entity_id.in_(list(self.clocks)))
            which: ColumnElement[bool] = or_(and_(c.stream == "ticket", c.entity_id.in_(ids)), clocks)
        elif table is s.clock_outcome:
            which = c.clock_id.in_(list(self.clocks))
        elif table is s.outbox:
            which = and_(c.customer_id.in_(list(self.accounts)), c.data["ticket_id"].astext.in_(named))
        elif table is s.agenda:
            which = and_(c.customer_id.in_(list(self.accounts)), c.payload["ticket_id"].astext.in_(named))
        else:
            which = c.ticket_id.in_(ids)
        return [c.tenant_id == tx.tenant_id, which]


async def by_people(tx: Tx, person_ids: Sequence[str]) -> Asked | None:
    """Return the tickets that these people asked on others' accounts; None where there are none."""
    t, clock = s.ticket.c, s.clock.c
    rows = await tx.rows(
        select(t.ticket_id, t.external_id, t.customer_id).where(
            t.tenant_id == tx.tenant_id, t.person_id.in_(list(person_ids))
        )
    )
    if not rows:
        return None
    tickets = {row.ticket_id: row.external_id for row in rows}
    accounts = await tx.rows(_ACCOUNTS, {"tenant": tx.tenant_id, "accounts": sorted({row.customer_id for row in rows})})
    clocks = await tx.rows(
        select(clock.clock_id).where(clock.tenant_id == tx.tenant_id, clock.ticket_id.in_(list(tickets)))
    )
    return Asked(tickets, [row.customer_id for row in accounts], [row.clock_id for row in clocks])


async def unname(tx: Tx, asked: Asked) -> None:
    """Take the names and subjects of these tickets away, and the answers that calls about them were given."""
    t = s.ticket.c
    values: dict[str, Any] = {"subject": "", "external_id": t.ticket_id, "payload_hash": ""}
    await tx.execute(
        update(s.ticket).where(t.tenant_id == tx.tenant_id, t.ticket_id.in_(list(asked.tickets))).values(values)
    )
    texts = _texts("ticket_id", asked.tickets.values())
    await tx.rows(_ANSWERS, {"tenant": tx.tenant_id, "accounts": list(asked.accounts), "said": texts})


async def unname_company(tx: Tx, family: Sequence[str], names: Sequence[str]) -> None:
    """Take away the answers that people of a company were given about tickets that it pays for; ``names``: its own."""
    texts = _texts("company_id", names)
    await tx.rows(_ANSWERS_ON, {"tenant": tx.tenant_id, "accounts": list(family), "said": texts})


def _texts(member: str, names: Iterable[str]) -> list[str]:
    """Return how answers say these names."""
    return [f'"{member}":{msgspec.json.encode(name).decode()}' for name in names]
