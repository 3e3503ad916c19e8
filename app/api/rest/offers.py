"""Offers: what can be bought, priced for a customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from app.api.deps import Caller, scoped
from app.api.paging import ShortPaging
from app.api.problems import problems
from app.api.strict import QueryId, StrictRoute
from app.usecases import offers

router = APIRouter(route_class=StrictRoute, tags=["Storefront"])


@router.get("/v1/offers", operation_id="listOffers", responses=problems())
async def list_offers(
    caller: Annotated[Caller, scoped("orders:read")], page: ShortPaging, customer_id: QueryId | None = None
) -> Response:
    """What can be bought, priced for this customer; an unknown customer is priced as an empty account."""
    return await caller.short_page(page, lambda tx: offers.list_offers(tx, customer_id))
