"""What can be bought, priced for a customer; an unknown one is priced as an empty account."""

from __future__ import annotations

from app.db import policies
from app.db.account import accounts
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.values.errors import DomainError
from app.views.offer import Offer, offer_view
from app.views.shapes import PageOf


async def list_offers(tx: Tx, customer_id: str | None = None, currency: str | None = None) -> PageOf[Offer]:
    """The policy's listed offers with prices and grants for this customer, and whether they may buy each."""
    account = await _account(tx, customer_id)
    data = [offer_view(account, offer, currency=currency) for offer in account.policy.offers if offer.listed]
    return {"data": data, "next_cursor": None}


async def get_offer(tx: Tx, sku: str, customer_id: str | None = None, currency: str | None = None) -> Offer:
    """One offer, listed or not, by a sku that can be ordered; 404 ``offer_not_found``."""
    account = await _account(tx, customer_id)
    found = account.policy.offer(sku)
    if found is None:
        raise DomainError("offer_not_found", sku=sku)
    offer, n = found
    return offer_view(account, offer, n=n, currency=currency)


async def _account(tx: Tx, customer_id: str | None) -> CustomerAccount:
    account = None if customer_id is None else await accounts.look(tx, customer_id)
    return account or accounts.empty_account(tx, await policies.in_force(tx), customer_id or "")
