"""People and companies: what a customer says of itself, replaced as a whole.

A company is a customer to whom others belong. Its account is locked by the tickets of its people and pays for them, so
it belongs to no company itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.db.account import accounts, customers, people
from app.db.engine import Tx
from app.db.failures import Moved
from app.db.plan import write
from app.domain.account.changes import AuditRow, Plan
from app.domain.account.customer import Customer
from app.domain.account.profile import MEMBERS, Profile
from app.domain.values.agent import Agent
from app.domain.values.errors import DomainError
from app.domain.values.wire import payload_hash
from app.usecases.customers import belonging
from app.usecases.customers.customers import get_customer
from app.views.customer import Customer as CustomerView
from app.views.customer import ProfileMembers, profile_view


@dataclass(frozen=True, slots=True, kw_only=True)
class PutCustomer:
    """What a caller says of a customer; what is left out is empty from then on."""

    customer_id: str
    name: str | None = None
    emails: Sequence[str] = ()
    external_ids: Mapping[str, str] = field(default_factory=dict)
    company_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    company: str | None = None
    """The company's name in plain words, which only an import says."""

    def profile(self) -> Profile:
        """Return it as a profile."""
        return Profile(
            name=self.name,
            emails=tuple(self.emails),
            external_ids=dict(self.external_ids),
            metadata={name: value for name, value in self.metadata.items() if value is not None},
            company=self.company,
        )


def tag_of(view: Mapping[str, Any]) -> str:
    """Return the version of what a customer says of itself, from a view that has its members."""
    digest = payload_hash({name: view[name] for name in MEMBERS})
    return hashlib.sha256(digest.encode()).hexdigest()[:20]


async def put_customer(
    tx: Tx, command: PutCustomer, *, check: Callable[[str | None], None]
) -> tuple[int, CustomerView]:
    """Replace what is known of a customer. 201 where the call made the customer, else 200.

    ``check``: is told the version in force, None without a customer, and refuses what was changed meanwhile (412).
    Refused: ``company_not_found`` (422), ``company_circle``, ``company_of_company``, ``external_id_taken`` (409).
    """
    customer, made, companies = await _lock(tx, command)
    before = Profile.of(customer.profile)
    belongs = companies.get(customer.company_id or "")
    shown = profile_view(before, belongs.external_id if belongs else None)
    check(None if made else tag_of(shown))
    family = [customer.customer_id, *await customers.merged_from(tx, customer.customer_id)]
    company = await _company(tx, command, family, companies)
    company_id, profile = None if company is None else company.customer_id, command.profile()
    new = profile_view(profile, None if company is None else company.external_id)
    changed = changed_members(shown, new)
    if changed or profile != before:
        await _claim_ids(tx, customer, profile)
        customer.profile, customer.company_id = profile.stored(), company_id
        await _write(tx, customer, changed, family, company)
    view = await get_customer(tx, command.customer_id)
    return 201 if made else 200, {**view, **new}


def changed_members(before: ProfileMembers, after: ProfileMembers) -> list[str]:
    """Return the members that say something else than before."""
    return [name for name in MEMBERS if _of(before, name) != _of(after, name)]


def _of(view: ProfileMembers, name: str) -> Any:
    value: Any = view[name]  # type: ignore[literal-required]
    return value


def emit_change(plan: Plan, changed: Sequence[str], agent: Agent | None) -> None:
    """Tell in a customer's plan which members have changed."""
    plan.agent = agent
    plan.emit("customer.updated", {"members": list(changed)})
    data = {"members": list(changed), **({} if agent is None else {"acting_agent": agent})}
    plan.audit.append(AuditRow(action="customer.updated", subject=plan.customer.customer_id, data=data))


async def _lock(tx: Tx, command: PutCustomer) -> tuple[Customer, bool, dict[str, Customer]]:
    """Lock the customer, made if need be, with the company that it leaves and the one that it joins.

    Whoever opens a ticket for the customer locks the company: so that a link never changes under a ticket.
    """
    found = await accounts.find_customer(tx, command.customer_id)
    joins = None if command.company_id is None else await accounts.find_customer(tx, command.company_id)
    if command.company_id is not None and joins is None:
        raise DomainError("company_not_found", field="company_id", company_id=command.company_id)
    homes: dict[str, str] = {} if joins is None else {joins.customer_id: joins.customer_id}
    if found is not None and found.company_id is not None:
        homes[found.company_id] = (await people.living(tx, [found.company_id]))[found.company_id][0]
    named = [customer.customer_id for customer in (joins, found) if customer is not None]
    locked = await accounts.lock_customers(tx, [*homes.values(), *named], named=named)
    companies = {id_: locked[lives_on] for id_, lives_on in homes.items() if lives_on in locked}
    if found is None:
        created = await accounts.create_customer(tx, command.customer_id)
        if created is None:
            raise Moved("somebody else made the customer meanwhile")
        return created, True, companies
    customer = locked[found.customer_id]
    if customer.company_id != found.company_id:
        raise Moved("the customer went to another company meanwhile")
    return customer, False, companies


async def _company(
    tx: Tx, command: PutCustomer, family: Sequence[str], companies: Mapping[str, Customer]
) -> Customer | None:
    """Return the company that the customer joins, once it is sure that it may."""
    if command.company_id is None:
        return None
    company = companies[(await accounts.require_customer(tx, command.company_id)).customer_id]
    await belonging.check(tx, family, company, command.company_id)
    return company


async def _claim_ids(tx: Tx, customer: Customer, profile: Profile) -> None:
    """Link the customer's ids in other systems. 409 ``external_id_taken`` names the first one that leads elsewhere."""
    await people.unlink(tx, customer.customer_id)
    others = await people.link(tx, customer.customer_id, profile.external_ids)
    lives_on = await people.living(tx, [owner for _, _, owner in others])
    for system, external_id, owner in others:
        if lives_on[owner][0] != customer.customer_id:
            raise DomainError(
                "external_id_taken", field=f"external_ids/{system}", system=system, external_id=external_id
            )


async def _write(
    tx: Tx, customer: Customer, changed: Sequence[str], family: Sequence[str], company: Customer | None
) -> None:
    at = tx.at if customer.last_at is None else max(tx.at, customer.last_at)
    plan = Plan(customer=customer, at=at, actor=tx.actor)
    emit_change(plan, changed, tx.agent)
    await write(tx, [(plan, None)])
    if tx.validate_only:
        return
    await people.set_company(tx, customer.customer_id, customer.company_id)
    names = [await customers.name_of(tx, name) for name in family]
    names.append(None if company is None else company.external_id)
    await people.set_words(
        tx, customer.customer_id, Profile.of(customer.profile), [name for name in names if name is not None]
    )
