"""Many customers at once: found, locked, read or made in a statement for all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text

from app.db import policies
from app.db.account import account_rows, accounts
from app.db.account.preload import customer_of
from app.db.engine import Tx
from app.db.failures import Moved
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import Plan
from app.domain.account.customer import Customer
from app.domain.account.profile import Profile
from app.domain.values.ids import CustomerId

_COLUMNS: Final = "customer_id, external_id, last_at, event_sequence, data, profile, merged_into, company_id"
_BY_NAMES = text(
    f"select {_COLUMNS} from customer where tenant_id = :tenant and external_id = any(cast(:names as text[]))"
)
_LINKED = text(
    "select l.system, l.external_id from customer_link l"
    " join unnest(cast(:systems as text[]), cast(:ids as text[])) as w(system, external_id)"
    " on w.system = l.system and w.external_id = l.external_id where l.tenant_id = :tenant"
)
_NEW_ROWS: Final = "json_to_recordset(cast(:made as json)) as g(customer_id text, external_id text, words text[])"
_CREATE = text(
    "with made as ("
    "insert into customer (tenant_id, customer_id, external_id, event_sequence, data, profile, created_at)"
    f" select t.tenant_id, g.customer_id, g.external_id, 0, '{{}}', '{{}}', :at from {_NEW_ROWS}"
    " join tenant t on t.tenant_id = :tenant"
    " on conflict (tenant_id, external_id) do nothing returning tenant_id, customer_id"
    "), found as ("
    "insert into customer_word (tenant_id, word, customer_id) select t.tenant_id, w.word, made.customer_id"
    f" from tenant t join made on made.tenant_id = t.tenant_id join {_NEW_ROWS} on g.customer_id = made.customer_id,"
    " unnest(g.words) as w(word) where t.tenant_id = :tenant"
    ") select count(*) as made from made"
)
_LINK = text(
    "with made as ("
    "insert into customer_link (tenant_id, system, external_id, customer_id)"
    " select t.tenant_id, l.system, l.external_id, l.customer_id from tenant t,"
    " unnest(cast(:systems as text[]), cast(:ids as text[]), cast(:customers as text[]))"
    " as l(system, external_id, customer_id)"
    " where t.tenant_id = :tenant order by 2, 3 on conflict do nothing returning 1"
    ") select count(*) as made from made"
)


async def named(tx: Tx, external_ids: Sequence[str]) -> tuple[dict[str, Customer], set[str]]:
    """Return the customers of these names, not locked, and the names of those that went into another account."""
    found, merged = {}, set()
    for row in await tx.rows(_BY_NAMES, {"tenant": tx.tenant_id, "names": list(external_ids)}):
        if row.merged_into is not None:
            merged.add(row.external_id)
        else:
            found[row.external_id] = customer_of(row)
    return found, merged


async def load(tx: Tx, customers: Sequence[Customer], *, lock: bool) -> dict[str, CustomerAccount]:
    """Return the whole accounts of customers, by our own ids; ``lock``: to write on them."""
    if not customers:
        return {}
    ids = [customer.customer_id for customer in customers]
    locked = await accounts.lock_customers(tx, ids, named=ids) if lock else {}
    return await read(tx, [locked.get(customer.customer_id, customer) for customer in customers], lock=lock)


async def read(tx: Tx, customers: Sequence[Customer], *, lock: bool) -> dict[str, CustomerAccount]:
    """Return the whole accounts of customers who are locked already, or of others to look at."""
    rows = await account_rows.read_many(tx, [customer.customer_id for customer in customers])
    return {
        customer.customer_id: await accounts.account_of(tx, customer, rows[customer.customer_id], lock=lock)
        for customer in customers
    }


async def fresh(tx: Tx, external_id: str) -> CustomerAccount:
    """Return the account of a customer who is not there yet; `create` makes the customer."""
    policy = await policies.in_force(tx, tx.at)
    customer = Customer(customer_id=CustomerId(tx.mint("cus")), external_id=external_id)
    return CustomerAccount(
        customer=customer,
        policy=policy,
        at=tx.at,
        mint=tx.mint,
        ledger=accounts.ledger_of(
            tx, customer.customer_id, ({}, {}, {}), at=tx.at, rules=policy.credits, command_id=tx.command_id
        ),
        plan=Plan(customer=customer, at=tx.at, actor=tx.actor),
    )


async def create(tx: Tx, customers: Sequence[Customer]) -> None:
    """Make customers, with their words and their ids in other systems; their plans are written afterwards.

    `Moved` where one of them, or one of their ids, was taken meanwhile: the work begins again.
    """
    if not customers or tx.validate_only:
        return
    made = [
        {
            "customer_id": customer.customer_id,
            "external_id": customer.external_id,
            "words": sorted(Profile.of(customer.profile).words([customer.external_id or ""])),
        }
        for customer in sorted(customers, key=lambda customer: customer.external_id or "")
    ]
    row = await tx.row(_CREATE, {"tenant": tx.tenant_id, "at": tx.at, "made": json.dumps(made)})
    if row.made != len(made):
        raise Moved("somebody else made one of the customers meanwhile")
    links = [
        (system, external_id, customer.customer_id)
        for customer in customers
        for system, external_id in Profile.of(customer.profile).external_ids.items()
    ]
    if links:
        systems, ids, owners = map(list, zip(*links, strict=True))
        by = {"tenant": tx.tenant_id, "systems": systems, "ids": ids, "customers": owners}
        if (await tx.row(_LINK, by)).made != len(links):
            raise Moved("somebody else took one of the ids meanwhile")


async def linked(tx: Tx, external_ids: Sequence[Mapping[str, str]]) -> set[tuple[str, str]]:
    """Return those of the ids in other systems, by system, that lead to somebody already."""
    pairs = [pair for ids in external_ids for pair in ids.items()]
    if not pairs:
        return set()
    systems, ids_ = map(list, zip(*pairs, strict=True))
    rows = await tx.rows(_LINKED, {"tenant": tx.tenant_id, "systems": systems, "ids": ids_})
    return {(row.system, row.external_id) for row in rows}
