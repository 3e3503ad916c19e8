"""Customers: search, the sidebar's summary, export, erasure, merging."""

from __future__ import annotations

from app.api.fields import Body, ExternalId, PathId, QueryText, RowsCursor
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.commands import Tx
from app.usecases.customers import customers
from app.views.customer import CUSTOMER_LISTS, Customer, CustomerExport, CustomerRow, Erasure
from app.views.shapes import PageOf

OPERATIONS = Operations("Helpdesk")


class MergeBody(Body):
    """The account that remains."""

    into_customer_id: ExternalId


@OPERATIONS.get("listCustomers", "/v1/customers", scope="customers:read", paging="pages")
async def list_customers(call: Call, query: QueryText | None = None) -> Answer[PageOf[CustomerRow]]:
    """Customers by the beginning of their id, or by an order, license, domain or ticket of theirs.

    In a tenant of at most 1,000 customers ``query`` may stand anywhere in the id.
    """
    return await call.pages(lambda tx, part: customers.search_customers(tx, part, query=query))


@OPERATIONS.get("getCustomer", "/v1/customers/{customer_id}", scope="customers:read", refusals=(404,), account=True)
async def get_customer(call: Call, customer_id: PathId, cursor: RowsCursor = None) -> Customer:
    """Licenses, covers, balances, open choices and open tickets in one answer, the first 100 rows of each list."""
    start = call.start_of(CUSTOMER_LISTS, cursor)
    found = await call.read(lambda tx: customers.get_customer(tx, customer_id))
    return call.first_rows(found, CUSTOMER_LISTS, start)


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
