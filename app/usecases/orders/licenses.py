"""Licenses: a lease or plan ends; a key is registered to an installation."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.db.account import accounts, licenses
from app.db.engine import Tx
from app.db.plan import write_account
from app.domain.account import customer as entities
from app.domain.account.account import CustomerAccount
from app.domain.orders import grants as granting
from app.domain.values.errors import DomainError
from app.domain.values.ids import LicenseId
from app.domain.values.wire import iso, iso_or_none
from app.usecases.steps import reconcile_orders
from app.views.license import License, cover_view, license_view

_WAITS: Final = frozenset({"after_current", "when_uncovered"})


async def get_license(tx: Tx, license_id: str) -> License:
    """A license as it stands now, or 404 ``license_not_found``."""
    account = await accounts.load_by_id(tx, await licenses.owner_of_license(tx, license_id), lock=False)
    return _view(account, account.licenses[LicenseId(license_id)])


async def terminate(tx: Tx, license_id: str, *, effective_at: datetime | None = None) -> License:
    """Ends a license, and the levels and covers that serve it alone (AVA-4). Refused: ``license_ended`` (once),
    ``before_placed`` (422)."""
    account, item = await _load(tx, license_id)
    when = effective_at or account.at
    if item.ended_at is not None:
        raise DomainError("license_ended", license_id=license_id, ended_at=iso(item.ended_at))
    if when < item.placed_at:
        raise DomainError("before_placed", field="effective_at", effective_at=iso(when), placed_at=iso(item.placed_at))
    covers = granting.end_license(account, item, when, reason="terminated")
    if any(cover.start in _WAITS and cover.state != "voided" for cover in account.covers.values()):
        await reconcile_orders.reconcile_again(
            tx, account
        )  # Bought cover that waited for this license's to end waits no longer.
    await write_account(tx, account)
    return {**_view(account, item), "covers": [cover_view(cover, account.at) for cover in covers]}


async def register(tx: Tx, license_id: str, *, domain: str) -> License:
    """Registers a license to an installation; again moves it. Refused ``license_ended`` (409).

    The license of somebody who was erased is not found (404): no domain is written of them any more.
    """
    account, item = await _load(tx, license_id)
    if account.customer.external_id is None:
        raise DomainError("license_not_found", license_id=license_id)
    if not item.active(account.at):
        raise DomainError("license_ended", license_id=license_id, ended_at=iso_or_none(item.ended_at))
    item.registered_domain, item.registered_at = domain, account.at
    granting.put_license(account, item, "registered")
    account.emit("license.registered", {"license_id": item.license_id, "order_id": item.order_id})
    await write_account(tx, account)
    return _view(account, item)


async def _load(tx: Tx, license_id: str) -> tuple[CustomerAccount, entities.License]:
    account = await accounts.load_by_id(tx, await licenses.owner_of_license(tx, license_id))
    tx.customer_id = account.customer.customer_id
    return account, account.licenses[LicenseId(license_id)]


def _view(account: CustomerAccount, license_: entities.License) -> License:
    return {"customer_id": account.customer.external_id, **license_view(license_, account.at)}
