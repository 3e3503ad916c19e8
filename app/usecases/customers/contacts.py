"""The named contacts of a company: replaced as a whole, within its seats and as often as the policy allows."""

from __future__ import annotations

from collections.abc import Sequence

from app.db.account import accounts, people
from app.db.engine import Tx
from app.db.plan import write
from app.domain.account import contacts
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import AuditRow
from app.domain.cover.cover import term_zone
from app.domain.policy.contacts import ContactRules
from app.domain.tickets import asking, entitlement
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId
from app.domain.values.wire import iso_or_none
from app.usecases.customers.customers import get_customer
from app.views.customer import Customer as CustomerView


async def put_contacts(tx: Tx, customer_id: str, names: Sequence[str]) -> CustomerView:
    """Name these people of a company, and nobody else, as those who may open its tickets.

    Refused: ``contacts_not_offered``, ``contact_seats_taken``, ``contact_changes_used_up`` (409),
    ``contact_not_of_company`` (422).
    """
    account = await accounts.load(tx, customer_id)
    rules = account.policy.contacts
    if rules is None:
        raise DomainError("contacts_not_offered", policy=account.policy.policy)
    persons = await _people(tx, account, names)
    named = {contact.person for contact in account.contacts}
    seats = asking.seats_of(account, entitlement.facts_of(account))
    if seats is not None and len(persons) > seats and not set(persons) <= named:
        raise DomainError("contact_seats_taken", field="contacts", seats=seats, named=len(persons), clause=rules.clause)
    if named - set(persons):
        _check_changes(account, rules, len(named - set(persons)))
    if set(persons) != named:
        current = {contact.named_as: contact.person for contact in account.contacts}
        contacts.name_only(account.customer.data, persons, account.at, current=current)
        account.plan.agent = tx.agent
        account.emit("customer.updated", {"members": ["contacts"]})
        data = {"members": ["contacts"], **({} if tx.agent is None else {"acting_agent": dict(tx.agent)})}
        account.plan.audit.append(AuditRow(action="customer.updated", subject=account.customer.customer_id, data=data))
        await write(tx, [(account.plan, None)])
    return {**await get_customer(tx, customer_id), "contacts": list(names)}


async def _people(tx: Tx, account: CustomerAccount, names: Sequence[str]) -> list[CustomerId]:
    """Return our ids of people who belong to the company."""
    found: list[CustomerId] = []
    for place, name in enumerate(names):
        person = await accounts.find_customer(tx, name)
        company = None if person is None else person.company_id
        lives_on = None if company is None else (await people.living(tx, [company]))[company][0]
        if person is None or lives_on != account.customer.customer_id:
            raise DomainError("contact_not_of_company", field=f"contacts/{place}", customer_id=name)
        found.append(person.customer_id)
    return list(dict.fromkeys(found))


def _check_changes(account: CustomerAccount, rules: ContactRules, taken_off: int) -> None:
    if (bound := rules.changes) is None:
        return
    zone = term_zone(account.policy)
    used, next_at = contacts.changes_used(account.customer.data, bound, account.at, zone)
    if used + taken_off > bound.most:
        raise DomainError(
            "contact_changes_used_up",
            field="contacts",
            used=used,
            most=bound.most,
            next_at=iso_or_none(next_at),
            clause=bound.clause or rules.clause,
        )
