"""Customers: search, the sidebar's summary, export, erasure, merging."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from app.api.deps import Caller, KeyedCall, scoped
from app.api.paging import Paging
from app.api.problems import problems
from app.api.strict import Body, ExternalId, PathId, QueryText, StrictRoute
from app.usecases import customers

router = APIRouter(route_class=StrictRoute, tags=["Helpdesk"])


class MergeBody(Body):
    """The account that remains."""

    into_customer_id: ExternalId


@router.get("/v1/customers", operation_id="listCustomers", responses=problems())
async def list_customers(
    caller: Annotated[Caller, scoped("customers:read")], page: Paging, query: QueryText | None = None
) -> Response:
    """Customers by a part of their id, or by an order, license, domain or ticket of theirs."""
    return await caller.page(page, lambda tx, part: customers.search_customers(tx, part, query=query))


@router.get("/v1/customers/{customer_id}", operation_id="getCustomer", responses=problems(404))
async def get_customer(customer_id: PathId, caller: Annotated[Caller, scoped("customers:read")]) -> Response:
    """Licenses, covers, balances, open choices and open tickets in one answer."""
    return await caller.read(lambda tx: customers.get_customer(tx, customer_id))


@router.get("/v1/customers/{customer_id}/export", operation_id="exportCustomer", responses=problems(404))
async def export_customer(
    customer_id: PathId, caller: Annotated[Caller, scoped("customers:read")]
) -> Response:
    """All that is kept about a customer."""
    return await caller.read(lambda tx: customers.export_customer(tx, customer_id))


@router.post("/v1/customers/{customer_id}/erasure", operation_id="eraseCustomer", responses=problems(404))
async def erase_customer(
    customer_id: PathId, caller: Annotated[Caller, scoped("customers:erase")]
) -> Response:
    """Removes a customer's names, the ledger's arithmetic intact. Needs no Idempotency-Key: no answer may be kept."""
    return await caller.write(lambda tx: customers.erase_customer(tx, customer_id))


@router.post("/v1/customers/{customer_id}/merge", operation_id="mergeCustomers", responses=problems(404, 409))
async def merge_customers(
    customer_id: PathId, body: MergeBody, caller: Annotated[Caller, scoped("credits:adjust")], call: KeyedCall
) -> Response:
    """Merges an account into another: licenses, covers, orders, tickets and whole lots move."""
    return await call.keyed(
        "customers.merge",
        {"customer_id": customer_id},
        body,
        lambda tx: customers.merge_customers(tx, customer_id, into_customer_id=body.into_customer_id),
    )
