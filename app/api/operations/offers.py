"""Offers: what can be bought, priced for a customer."""

from __future__ import annotations

from app.api.fields import QueryId
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.orders import offers
from app.views.offer import Offer
from app.views.shapes import PageOf

OPERATIONS = Operations("Storefront")


@OPERATIONS.get("listOffers", "/v1/offers", scope="orders:read", paging="short", account=True)
async def list_offers(call: Call, customer_id: QueryId | None = None) -> Answer[PageOf[Offer]]:
    """What can be bought, priced for this customer; an unknown customer is priced as an empty account."""
    return await call.short_page(lambda tx: offers.list_offers(tx, customer_id))
