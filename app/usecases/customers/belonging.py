"""Who belongs to which company: no circles, and no company of a company."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.db.account import customers, people
from app.db.engine import Tx
from app.domain.account.customer import Customer
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId


async def check(tx: Tx, family: Sequence[str], company: Customer, company_id: str) -> None:
    """Refuse a company for a customer; ``family``: our ids of the customer and of all that went into it.

    Refused: ``company_circle``, ``company_of_company`` (409). The rows of both are locked.
    """
    its = None
    if company.company_id is not None:
        its, name = (await people.living(tx, [company.company_id]))[company.company_id]
        its = its if name is not None else None
    if company.customer_id in family or its in family:
        raise DomainError("company_circle", field="company_id", company_id=company_id)
    if its is not None:
        raise DomainError("company_of_company", field="company_id", company_id=company_id, nested="company")
    if await people.has_people(tx, family):
        raise DomainError("company_of_company", field="company_id", company_id=company_id, nested="customer")


async def after_merge(
    tx: Tx, giver: Customer, taker: Customer, companies: Mapping[str, tuple[str, str | None]]
) -> CustomerId | None:
    """Return our id of the company to which the account that remains belongs; ``companies``: where each lives on.

    It keeps its own. Without one it takes the other's over, unless it has people itself. 409 ``company_of_company``:
    the people of the account that goes would belong to somebody who belongs to a company.
    """

    def living(customer: Customer) -> CustomerId | None:
        lives_on, name = companies.get(customer.company_id or "", ("", None))
        return None if name is None or lives_on in (giver.customer_id, taker.customer_id) else CustomerId(lives_on)

    mine, theirs = living(taker), living(giver)
    people_of_giver = await people.has_people(
        tx, [giver.customer_id, *await customers.merged_from(tx, giver.customer_id)], but=taker.customer_id
    )
    if mine is not None:
        if people_of_giver:
            raise DomainError("company_of_company", field="into_customer_id", nested="into_customer_id")
        return mine
    family = [taker.customer_id, *await customers.merged_from(tx, taker.customer_id)]
    if theirs is None or people_of_giver or await people.has_people(tx, family, but=giver.customer_id):
        return None
    return theirs
