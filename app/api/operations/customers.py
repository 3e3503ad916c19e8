"""Customers: people and companies, search, the sidebar's summary, export, erasure, merging."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.api.fields import ExternalId, Facts, PathId, QueryText, RowsCursor, ShortText
from app.api.headers import tagged
from app.api.operations.acting import ActingBody
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.domain.account import profile
from app.usecases.commands import Tx
from app.usecases.customers import contacts, customers, profiles
from app.views.customer import CUSTOMER_LISTS, Customer, CustomerExport, CustomerRow, Erasure
from app.views.shapes import PageOf

OPERATIONS = Operations("Helpdesk")


Email = Annotated[str, StringConstraints(strict=True, max_length=254, pattern=profile.EMAIL)]
SystemName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=60, pattern=profile.SYSTEM)]


def _each_once(emails: list[str]) -> list[str]:
    if len({email.casefold() for email in emails}) < len(emails):
        raise PydanticCustomError("repeated", "Each e-mail address is named once.")
    return emails


class CustomerBody(ActingBody):
    """What is known of a person or a company. It replaces what was known; what is left out is empty then."""

    name: ShortText | None = Field(default=None, examples=["Ann Lee"])
    emails: Annotated[list[Email], Field(max_length=50), AfterValidator(_each_once)] = Field(
        default_factory=list, examples=[["ann@acme.example"]]
    )
    external_ids: Annotated[dict[SystemName, ExternalId], Field(max_length=50)] = Field(
        default_factory=dict, examples=[{"zammad": "5"}]
    )
    company_id: ExternalId | None = Field(default=None, examples=[None])
    metadata: Facts = Field(default_factory=dict, examples=[{"segment": "small"}])


def _person_once(contacts: list[str]) -> list[str]:
    if len(set(contacts)) < len(contacts):
        raise PydanticCustomError("repeated", "Each person is named once.")
    return contacts


class ContactsBody(ActingBody):
    """The people whom a company names. It replaces who was named."""

    contacts: Annotated[list[ExternalId], Field(max_length=1000), AfterValidator(_person_once)]


class MergeBody(ActingBody):
    """The account that remains."""

    into_customer_id: ExternalId


@OPERATIONS.get("listCustomers", "/v1/customers", scope="customers:read", paging="pages")
async def list_customers(call: Call, query: QueryText | None = None) -> Answer[PageOf[CustomerRow]]:
    """Customers by name, e-mail, id here or in another system, or company: each word of ``query`` begins a word there.

    Case does not matter. The whole id of an order, license, domain or ticket of theirs finds them, too.
    """
    return await call.pages(lambda tx, part: customers.search_customers(tx, part, query=query))


@OPERATIONS.put(
    "putCustomer",
    "/v1/customers/{customer_id}",
    scope="customers:write",
    key="natural",
    status=201,
    refusals=(409, 412, 422),
)
async def put_customer(call: Call, customer_id: PathId, body: CustomerBody) -> Answer[Customer]:
    """Replaces what is known of a person or a company. 201 where it makes the customer, else 200.

    Whoever has a ``company_id`` opens tickets on the account of that company, which pays for them.
    """
    command = profiles.PutCustomer(customer_id=customer_id, **body.plain())
    status, view = await call.write(
        lambda tx: profiles.put_customer(tx, command, check=call.conditions.check), customer_id=customer_id
    )
    return Answer(call.first_rows(view, CUSTOMER_LISTS), status, _etag(view))


@OPERATIONS.get("getCustomer", "/v1/customers/{customer_id}", scope="customers:read", refusals=(404,), account=True)
async def get_customer(call: Call, customer_id: PathId, cursor: RowsCursor = None) -> Answer[Customer]:
    """Who it is, and licenses, covers, balances, open choices and open tickets: the first 100 rows of each list.

    The ETag is of who it is, and goes into If-Match.
    """
    start = call.start_of(CUSTOMER_LISTS, cursor)
    found = await call.read(lambda tx: customers.get_customer(tx, customer_id, start=start), shared=True)
    return Answer(call.first_rows(found, CUSTOMER_LISTS, start), headers=_etag(found))


@OPERATIONS.put(
    "putContacts",
    "/v1/customers/{customer_id}/contacts",
    scope="customers:write",
    key="natural",
    refusals=(404, 409, 422),
)
async def put_contacts(call: Call, customer_id: PathId, body: ContactsBody) -> Answer[Customer]:
    """Names the people of a company who may open its tickets, and nobody else; so many as the policy says."""
    view = await call.write(lambda tx: contacts.put_contacts(tx, customer_id, body.contacts), customer_id=customer_id)
    return Answer(call.first_rows(view, CUSTOMER_LISTS), 200, _etag(view))


@OPERATIONS.get("exportCustomer", "/v1/customers/{customer_id}/export", scope="customers:read", refusals=(404,))
async def export_customer(call: Call, customer_id: PathId) -> CustomerExport:
    """All that is kept about a customer."""
    return await call.read(lambda tx: customers.export_customer(tx, customer_id))


@OPERATIONS.post("eraseCustomer", "/v1/customers/{customer_id}/erasure", scope="customers:erase", refusals=(404,))
async def erase_customer(call: Call, customer_id: PathId) -> Erasure:
    """Removes a customer's names, the ledger's arithmetic intact. Needs no Idempotency-Key: no answer may be kept."""
    return await call.write(lambda tx: customers.erase_customer(tx, customer_id))


@OPERATIONS.post(
    "mergeCustomers", "/v1/customers/{customer_id}/merge", scope="credits:adjust", key="keyed", refusals=(404, 409)
)
async def merge_customers(call: Call, customer_id: PathId, body: MergeBody) -> Answer[Customer]:
    """Merges an account into another: licenses, covers, orders, tickets and whole lots move."""

    async def merged(tx: Tx) -> Customer:
        found = await customers.merge_customers(tx, customer_id, into_customer_id=body.into_customer_id)
        return call.first_rows(found, CUSTOMER_LISTS)

    return await call.keyed("customers.merge", body, merged)


def _etag(view: Customer) -> dict[str, str]:
    return {"ETag": tagged(profiles.tag_of(view))}
