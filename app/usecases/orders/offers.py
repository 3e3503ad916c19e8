"""What can be bought, priced for a customer; an unknown one is priced as an empty account."""

from __future__ import annotations

from app.db import policies
from app.db.account import accounts, parts
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.values.errors import DomainError
from app.views.offer import Offer, offer_view
from app.views.shapes import PageOf


async def list_offers(tx: Tx, customer_id: str | None = None, currency: str | None = None) -> PageOf[Offer]:
    """The policy's listed offers with prices and grants for this customer, and whether they may buy each."""

    async def priced() -> list[Offer]:
        account = await _account(tx, customer_id)
        return [offer_view(account, offer, currency=currency) for offer in account.policy.offers if offer.listed]

    return {"data": await parts.first_in_part(tx, priced), "next_cursor": None}


async def get_offer(tx: Tx, sku: str, customer_id: str | None = None, currency: str | None = None) -> Offer:
    """One offer, listed or not, by a sku that can be ordered; 404 ``offer_not_found``."""

    async def priced() -> Offer:
        account = await _account(tx, customer_id)
        found = account.policy.offer(sku)
        if found is None:
            raise DomainError("offer_not_found", sku=sku)
        offer, n = found
        return offer_view(account, offer, n=n, currency=currency)

    return await parts.first_in_part(tx, priced)


async def _account(tx: Tx, customer_id: str | None) -> CustomerAccount:
    account = None if customer_id is None else await accounts.look(tx, customer_id, part=parts.AccountPart())
    return account or accounts.empty_account(tx, await policies.in_force(tx), customer_id or "")
