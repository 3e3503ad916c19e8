"""The named contacts of a company, as the accounts that they are by now."""

from __future__ import annotations

from sqlalchemy import text

from app.db.account import people
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.contacts import NamedContact, namings
from app.domain.values.ids import CustomerId

_BELONGING = text(
    "select customer_id, external_id, company_id from customer where tenant_id = :tenant"
    " and customer_id = any(:customers) and company_id is not null and external_id is not null and merged_into is null"
)


async def load(tx: Tx, account: CustomerAccount) -> CustomerAccount:
    """Read who is named by a company and still belongs to it; return the account.

    Who was merged is whom they became. Where the policy has no contacts, nothing is read.
    """
    named = namings(account.customer.data, account.at) if account.policy.contacts is not None else []
    if not named:
        return account
    lives_on = await people.living(tx, [person for person, _ in named])
    rows = await tx.rows(
        _BELONGING, {"tenant": tx.tenant_id, "customers": sorted({place[0] for place in lives_on.values()})}
    )
    companies = await people.living(tx, [row.company_id for row in rows])
    mine = {
        row.customer_id: row.external_id for row in rows if companies[row.company_id][0] == account.customer.customer_id
    }
    found: dict[str, NamedContact] = {}
    for person, since in named:
        heir = lives_on[person][0]
        if heir in mine and heir not in found:
            found[heir] = NamedContact(person=CustomerId(heir), named_as=person, name=mine[heir], since=since)
    account.contacts = list(found.values())
    return account
