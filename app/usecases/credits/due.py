"""What falls due of credits: reminders and ends of lots, ends of holds."""

from __future__ import annotations

from typing import Final

from app.db import plan
from app.db.account import accounts
from app.db.agenda import Handler
from app.db.engine import Tx
from app.db.ledger import read as rows
from app.domain.account import recurring
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import AgendaItem
from app.domain.ledger import top_up
from app.domain.ledger.events import expired_key, moved_data
from app.domain.ledger.expiry import post_due_expiries
from app.domain.values.wire import iso
from app.usecases.steps.due_accounts import batched


def remind_of_lot(account: CustomerAccount, item: AgendaItem) -> bool:
    """``credits.expiring``: a lot that still has credits ends in so many days."""
    lot = account.ledger.lots.get(str(item.payload["lot_id"]))
    if lot is None or lot.available == 0 or lot.expires_at is None or lot.expires_at <= account.at:
        return False
    days = item.payload["days"]
    account.plan.emit(
        "credits.expiring",
        moved_data(
            lot.credit_type,
            lot.available,
            account.ledger.balance(lot.credit_type),
            lot_id=lot.lot_id,
            expires_at=iso(lot.expires_at),
            days=days,
        ),
        occurred_at=item.at,
        dedupe_key=f"lot.reminder:{lot.lot_id}:{days}:{iso(lot.expires_at)}",
    )
    return True


def end_lot(account: CustomerAccount, item: AgendaItem) -> bool:
    """``credits.expired``: books a lot's end (no answer depends on it), tells of it once. A reopened lot waits on."""
    lot = account.ledger.lots.get(str(item.payload["lot_id"]))
    if lot is None or lot.expires_at is None:
        return False
    if account.at < lot.expires_at:
        account.plan.due(lot.expires_at, item.kind, item.subject, **item.payload)
    else:
        if account.ledger.is_due(lot.credit_type):
            post_due_expiries(account.ledger, lot.credit_type)
        if lot.expired:
            account.plan.emit(
                "credits.expired",
                moved_data(
                    lot.credit_type,
                    lot.expired,
                    account.ledger.balance(lot.credit_type),
                    lot_id=lot.lot_id,
                    clause=lot.clause,
                ),
                occurred_at=lot.expires_at,
                dedupe_key=expired_key(lot, iso(lot.expires_at)),
            )
    return True


async def end_hold(tx: Tx, item: AgendaItem) -> None:
    """Book the end of a hold with a term, and emit ``credits.released`` once. That holds also where a command that came
    first has booked it already.
    """
    account = await accounts.load_by_id(tx, item.customer_id)
    hold_id = str(item.payload["hold_id"])
    hold = account.ledger.holds.get(hold_id)
    if hold is None:
        loaded = await rows.load(tx, [item.customer_id], open_holds=False, hold_ids=[hold_id])
        hold = loaded[item.customer_id][2].get(hold_id)
    if hold is None or hold.expires_at is None or account.at < hold.expires_at:
        return
    if hold.open:
        released = hold.open
        post_due_expiries(account.ledger, hold.credit_type)
    elif hold.closed_at == hold.expires_at:
        released = hold.released
    else:
        return
    account.plan.emit(
        "credits.released",
        moved_data(
            hold.credit_type, released, account.ledger.balance(hold.credit_type), hold_id=hold_id, reason="hold_expired"
        ),
        occurred_at=hold.expires_at,
        dedupe_key=f"hold.expired:{hold_id}",
    )
    await plan.write_account(tx, account)


def grant_again(account: CustomerAccount, item: AgendaItem) -> bool:
    """``credits.granted``: books what comes again (no answer depends on it), tells of it once, waits for the next."""
    grant = (account.ledger.recurring or {}).get(str(item.payload["grant_id"]))
    if grant is None:
        return False
    recurring.book(account, grant)
    return True


async def ask_again(tx: Tx, item: AgendaItem) -> None:
    """``credits.top_up_due``: asks the shop once more where credits are still too few and none arrived."""
    account = await accounts.load_by_id(tx, item.customer_id)
    credit_type = str(item.payload["credit_type"])
    if account.ledger.account(credit_type).asked_at is None:
        return
    if account.ledger.is_due(credit_type):
        post_due_expiries(account.ledger, credit_type)
    await plan.write_account(tx, account)


AGENDA: Final[dict[str, Handler]] = {
    "lot.reminder": batched(remind_of_lot, of_heir=True),
    "lot.expired": batched(end_lot),
    "hold.expired": end_hold,
    recurring.DUE: batched(grant_again, of_heir=True),
    top_up.DUE: ask_again,
}
