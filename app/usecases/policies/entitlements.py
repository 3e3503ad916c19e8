"""Entitlements: what a customer may do now, or at another instant. Nothing is stored; ``explain`` shows every rule."""

from __future__ import annotations

from datetime import datetime

from app.db import policies
from app.db.account import accounts, licenses, parts, payers
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.orders import merges
from app.domain.tickets import entitlement
from app.domain.tickets.entitlement import Query
from app.domain.values.decision import Decision
from app.views.entitlement import Entitlement, entitlement_view


async def decide(
    tx: Tx,
    customer_id: str,
    action: str,
    query: Query | None = None,
    *,
    explain: bool = False,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Entitlement:
    """The decision, with its reasons and remedies: of the account that pays for the customer.

    An unknown customer is decided as an empty account; 404 ``action_not_found``, 422 ``unknown_reason``.
    """
    asked = query or Query()

    async def decided() -> Decision:
        account = await _account(tx, customer_id, as_of, known_at)
        entitlement.check_reason(account, asked.reason)
        return entitlement.decide(account, entitlement.action_of(account, action), asked)

    decision = await parts.first_in_part(tx, decided)
    return entitlement_view(customer_id, action, decision, explain=explain)


async def _account(tx: Tx, customer_id: str, as_of: datetime | None, known_at: datetime | None) -> CustomerAccount:
    at = as_of or tx.at
    if (
        as_of is None
        and known_at is None
        and (account := await accounts.look(tx, customer_id, part=parts.AccountPart())) is not None
    ):
        payer_account = await payers.paying(tx, account, part=parts.AccountPart())
        payer_account.asked_by = account.customer.customer_id
        return payer_account
    found = await accounts.find_customer(tx, customer_id, then=merges.asked_of(as_of, known_at))
    if found is None:
        account = accounts.empty_account(tx, await policies.in_force(tx, at), customer_id)
        account.at = at
        return account
    payer = await accounts.customer_by_id(tx, await payers.payer_of(tx, found))
    account = await licenses.account_at(tx, payer or found, at=at, known_at=known_at)
    account.asked_by = found.customer_id
    return account
