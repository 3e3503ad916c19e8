"""Offers: what can be bought, priced for a customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from app.api.fields import PathId, QueryId
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.orders import offers
from app.views.offer import Offer
from app.views.shapes import PageOf

OPERATIONS = Operations("Storefront")

PricedIn = Annotated[str, Query(pattern=r"^[A-Z]{3}$", description="Currency of the prices; else the policy's")]


@OPERATIONS.get("listOffers", "/v1/offers", scope="orders:read", paging="short", account=True, by_customer=True)
async def list_offers(
    call: Call, customer_id: QueryId | None = None, currency: PricedIn | None = None
) -> Answer[PageOf[Offer]]:
    """What can be bought, priced for this customer; an unknown customer is priced as an empty account."""
    return await call.short_page(lambda tx: offers.list_offers(tx, customer_id, currency))


@OPERATIONS.get("getOffer", "/v1/offers/{sku}", scope="orders:read", refusals=(404,), account=True, by_customer=True)
async def get_offer(
    call: Call, sku: PathId, customer_id: QueryId | None = None, currency: PricedIn | None = None
) -> Offer:
    """One offer by a sku that can be ordered, such as `credits-40`, priced for this customer step by step."""
    return await call.read(lambda tx: offers.get_offer(tx, sku, customer_id, currency))
