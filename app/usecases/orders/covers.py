"""Covers: suspension, resumption and extension, and what falls due with them (CSC-5, CACTU-8, CACTU-13)."""

from __future__ import annotations

from datetime import timedelta

from app.db.account import accounts, licenses
from app.db.agenda import Handler
from app.db.engine import Tx
from app.db.plan import write_account
from app.domain.account import customer as entities
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import AgendaItem
from app.domain.cover import cover as covers
from app.domain.cover.start import account_until
from app.domain.orders.grants import ended_key
from app.domain.orders.queues import QUEUED
from app.domain.values.ids import CoverId
from app.domain.values.wire import iso, iso_or_none
from app.usecases.steps import reconcile_orders
from app.usecases.steps.due_accounts import batched
from app.views.license import Cover, cover_view


async def get_cover(tx: Tx, cover_id: str) -> Cover:
    """A cover as it stands now, or 404 ``cover_not_found``."""
    account = await accounts.load_by_id(tx, await licenses.owner_of_cover(tx, cover_id), lock=False)
    return _view(account, covers.cover_in(account, cover_id))


async def suspend(tx: Tx, cover_id: str, *, reason: str | None = None) -> Cover:
    """Stops a running period, as often as the policy says: refused ``suspension_used``, ``not_suspendable`` (409)."""
    account, cover = await _load(tx, cover_id)
    covers.suspend(account, cover)
    await write_account(tx, account)
    return _view(account, cover)


async def resume(tx: Tx, cover_id: str, *, reason: str | None = None) -> Cover:
    """Goes on with a suspended period; the end moves by the time it was suspended. Else 409 ``not_suspended``.

    What waits for it begins as much later.
    """
    account, cover = await _load(tx, cover_id)
    covers.resume(account, cover)
    await _follow(tx, account)
    await write_account(tx, account)
    return _view(account, cover)


async def extend(tx: Tx, cover_id: str, *, months: int, reason: str) -> Cover:
    """Extends cover without an order, where the policy does: else 409 ``no_free_extension`` (CACTU-8).

    What waits for it begins as much later.
    """
    account, cover = await _load(tx, cover_id)
    covers.extend(account, cover, months, reason=reason)
    await _follow(tx, account)
    await write_account(tx, account)
    return _view(account, cover)


async def _follow(tx: Tx, account: CustomerAccount) -> None:
    """Let bought periods that wait for others follow the new end: a customer loses no day of a period."""
    if sum(cover.state != "voided" for cover in account.covers.values()) > 1 and any(
        cover.start in QUEUED and cover.state != "voided" for cover in account.covers.values()
    ):
        await reconcile_orders.reconcile_again(tx, account)


async def _load(tx: Tx, cover_id: str) -> tuple[CustomerAccount, entities.Cover]:
    account = await accounts.load_by_id(tx, await licenses.owner_of_cover(tx, cover_id))
    account.plan.act_for(tx.agent, "cover.changed", cover_id)
    tx.customer_id = account.customer.customer_id
    return account, covers.cover_in(account, cover_id)


def _view(account: CustomerAccount, cover: entities.Cover) -> Cover:
    return {"customer_id": account.customer.external_id, **cover_view(cover, account.at)}


# --- what falls due ---------------------------------------------------------------------------------------------------


def remind(account: CustomerAccount, item: AgendaItem) -> bool:
    """Tells that a cover ends in so many days, once; says until when the account is covered beyond it."""
    cover = account.covers.get(CoverId(item.payload["cover_id"]))
    days = item.payload["days"]
    if (
        cover is None
        or cover.ends_at is None
        or covers.state_of(cover, account.at) not in ("running", "suspended")
        or cover.frozen
    ):
        return False
    if cover.ends_at - timedelta(days=days) > account.at:
        return False
    rules = account.policy.cover
    until = account_until(account, cover)
    account.emit(
        "cover.ending",
        {
            "cover_id": cover.cover_id,
            "license_id": cover.license_id,
            "days": days,
            "ends_at": iso(cover.ends_at),
            "covered_until": iso_or_none(until),
            "clause": rules.reminder_clause,
            "reading": rules.reading,
        },
        occurred_at=item.at,
        dedupe_key=f"cover.reminder:{cover.cover_id}:{days}:{iso(cover.ends_at)}",
    )
    return True


def end(account: CustomerAccount, item: AgendaItem) -> bool:
    """Tells that a cover has ended, once an end. Nothing else happens: that it ended is read off its end."""
    cover = account.covers.get(CoverId(item.payload["cover_id"]))
    if cover is None or covers.state_of(cover, account.at) != "ended":
        return False
    account.emit(
        "cover.ended",
        {
            "cover_id": cover.cover_id,
            "license_id": cover.license_id,
            "order_id": cover.order_id,
            "ended_at": iso_or_none(cover.ends_at),
        },
        occurred_at=cover.ends_at,
        dedupe_key=ended_key(cover),
    )
    return True


AGENDA: dict[str, Handler] = {
    "cover.reminder": batched(remind, of_heir=True),
    "cover.ended": batched(end, of_heir=True),
}
