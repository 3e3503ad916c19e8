"""Whose account pays for a customer: that of the company that the customer belongs to, else the customer's own.

A ticket of a person locks the account that pays, and looks at the person under that lock (decision 0027). Whatever
changes where a person belongs, merges or erases the person locks the account of the company, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import text

from app.db import claims, shared_calls
from app.db.account import accounts, parts, people, preload
from app.db.claims import CLAIMED, Claim
from app.db.combined import Select, select_into
from app.db.engine import Tx
from app.db.failures import Moved
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Customer
from app.domain.policy.policy import Policy
from app.domain.values.ids import CustomerId

_LOCK = text(
    f"with claimed as ({CLAIMED})"
    " select c.customer_id, c.external_id, c.last_at, c.event_sequence, c.data, c.profile, c.merged_into, c.company_id,"
    " p.customer_id as person_id, p.company_id as belongs_to"
    " from claimed, customer p"
    " join customer c on c.tenant_id = :tenant and c.customer_id = coalesce(p.company_id, p.customer_id)"
    " where p.tenant_id = :tenant and p.external_id = :external and p.merged_into is null and c.merged_into is null"
    " and c.external_id is not null for update of c"
)
"""The account that pays, behind a claim. Without a row nothing may be claimed yet, and the way is longer."""
shared_calls.lock_shared(
    _LOCK,
    "select c.customer_id, c.external_id, c.last_at, c.event_sequence, c.data, c.profile, c.merged_into, c.company_id,"
    " p.customer_id as person_id, p.company_id as belongs_to, p.external_id as asked from customer p"
    " join customer c on c.tenant_id = :tenant and c.customer_id = coalesce(p.company_id, p.customer_id)"
    " where p.tenant_id = :tenant and p.external_id = any(:asked) and p.merged_into is null and c.merged_into is null"
    " and c.external_id is not null order by c.customer_id for update of c",
    by="external",
    whose="select coalesce(p.company_id, p.customer_id) from customer p"
    " where p.tenant_id = :tenant and p.external_id = any(:asked)",
)


class _PersonRow(msgspec.Struct):
    """A person under the lock of the account that pays."""

    external_id: str | None
    merged_into: str | None
    company_id: str | None


_PERSON: Final = select_into(
    "person_rows",
    _PersonRow,
    "select external_id, merged_into, company_id from customer where tenant_id = :tenant and customer_id = :person",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, where a company pays: our id and the vendor's."""

    person_id: CustomerId
    name: str


async def load_with(
    tx: Tx,
    external_id: str,
    beside: tuple[Select[Any], ...],
    by: Mapping[str, Any],
    *,
    policy: Policy | None,
    claim: Claim,
    part: parts.AccountPart | None = None,
) -> tuple[CustomerAccount, accounts.Found, Person | None]:
    """Lock the account that pays for a customer, made if need be; return it with the rows of further selects.

    The person is told where a company pays. ``part``: as for `accounts.load_locked`.
    """
    payer, person_id, belongs_to = await _lock(tx, external_id, claim)
    if payer.customer_id == person_id:
        if payer.company_id != belongs_to:
            raise Moved("the customer went to a company meanwhile")
        return (*await accounts.load_locked(tx, payer, beside, by, policy=policy, part=part), None)
    account, found = await accounts.load_locked(
        tx, payer, (*beside, _PERSON), {**by, "person": person_id}, policy=policy, part=part
    )
    row = next(iter(found.pop(_PERSON.name)), None)
    if row is None or row.external_id is None or row.merged_into is not None or row.company_id != belongs_to:
        raise Moved("the person went elsewhere meanwhile")
    return account, found, Person(CustomerId(person_id), row.external_id)


async def _lock(tx: Tx, external_id: str, claim: Claim) -> tuple[Customer, str, str | None]:
    """Return the locked account, the customer who asks, and the company that this one is of as far as was seen."""
    row = await tx.row(_LOCK, {"tenant": tx.tenant_id, "external": external_id, **claim.parameters})
    if row is not None:
        return preload.customer_of(row), row.person_id, row.belongs_to
    await claims.take(tx, claim)
    made = await accounts.create_customer(tx, external_id)
    if made is not None:
        return made, made.customer_id, None
    person = await accounts.ensure_customer(tx, external_id)
    payer = await payer_of(tx, person)
    locked = await accounts.lock_customers(tx, [payer], named=[payer])
    return locked[payer], person.customer_id, person.company_id


async def payer_of(tx: Tx, customer: Customer) -> str:
    """Return our id of the account that pays for a customer."""
    if customer.company_id is None:
        return customer.customer_id
    payer, name = (await people.living(tx, [customer.company_id]))[customer.company_id]
    return customer.customer_id if name is None else payer


async def paying(tx: Tx, account: CustomerAccount, *, part: parts.AccountPart | None = None) -> CustomerAccount:
    """Return the account that pays for a customer, to read: a company's, or the one given."""
    payer = await payer_of(tx, account.customer)
    if payer == account.customer.customer_id:
        return account
    return (await accounts.look_by_id(tx, payer, part=part))[0]
