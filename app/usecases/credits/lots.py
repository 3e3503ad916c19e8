"""Lots: transfer to another customer, and money back for unused credits, as the policy says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.db import plan
from app.db.account import accounts
from app.db.engine import Tx
from app.db.ledger import read as rows
from app.domain.account import extension
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import AuditRow
from app.domain.ledger.events import granted_data, moved_data
from app.domain.ledger.expiry import post_due_expiries
from app.domain.ledger.lot import Lot
from app.domain.ledger.money_back import RefundQuote, refund_quote
from app.domain.ledger.refunded_units import take
from app.domain.ledger.suspension import suspended
from app.domain.ledger.units import FREE_CREDITS_STAY, TakeBackReason, note, paid_back, refunded_so_far, transferred
from app.domain.tickets.qualification import is_reading
from app.domain.values.decision import Decision, Reason
from app.domain.values.errors import DomainError
from app.domain.values.ids import LotId
from app.views.customer import amounts_view
from app.views.decision import decision_view, money_view
from app.views.lot import Lot as LotShown
from app.views.lot import RefundQuote as Quote
from app.views.lot import Transfer, lot_view

_MESSAGES = {
    "expired": "The credit has expired.",
    "credit_in_use": "The credit is applied to a ticket that is not decided yet.",
    "service_provided": "Service was given for it, so it is used.",
    "not_bought": "Nothing was paid for it, as far as the order says.",
    "already_refunded": "It was refunded already.",
    "refund_window_over": "The time for a refund has passed.",
    "refund_not_offered": "The policy offers no refunds of credits.",
    "refund_in_full": "Unused, and the time of full refunds has not passed: the price paid.",
    "refund_in_part": "Unused and not expired: the price paid, times what remains of the term.",
    "refund_by_discretion": "At the vendor's discretion: the price paid, less what was given back.",
    "credits_given_away": "The credits were given to another customer; a refund of the order reaches them there.",
}
_ACCEPTED: Final = "The credit is applied to a ticket that was accepted, so it is kept until the ticket ends."
_LOOKS: Final = 50
"""Lots that are looked at to find where credits came from: each transfer or merge made one of another."""


async def quote(tx: Tx, lot_id: str) -> Quote:
    """What a lot's unused credits would bring now (TERMS-19). 404 ``lot_not_found``."""
    account, lot = await _load(tx, lot_id, lock=False)
    return _view(account, lot, await _quote(tx, account, lot, override=False))


async def refund(tx: Tx, lot_id: str, *, override: bool, reason: str | None) -> Quote:
    """Voids the unused credits of a lot and says what money is due; the storefront pays it.

    Refused (409) as the quote says: ``expired``, ``credit_in_use``, ``service_provided``, ``not_bought``,
    ``already_refunded``, ``refund_window_over``, ``refund_not_offered``, ``credits_given_away``. ``override``
    (TERMS-20, its own scope, needs a reason) gives the price paid, never more, less what was given back. The whole lot
    is gone then. What is still held or spent of it is voided if it ever comes back.
    """
    account, lot = await _load(tx, lot_id, lock=True)
    quoted = await _quote(tx, account, lot, override=override)
    if quoted.code is not None or quoted.refund is None:
        raise DomainError(quoted.code or "not_bought", decision=_decision(account, quoted), lot_id=lot_id)
    voided = _take(account, lot, quoted, override=override, reason=reason)
    answer = _view(account, lot, quoted, override=override)
    answer["credits"] = voided
    answer["balance"] = amounts_view(account.ledger.balance(lot.credit_type))
    account.emit(
        "lot.refunded",
        {
            "lot_id": lot_id,
            "credits": voided,
            "credit_type": lot.credit_type,
            "refund": answer["refund"],
            "override": override,
            "reason": reason,
            "balance": answer["balance"],
        },
    )
    tx.customer_id = account.customer.customer_id
    await plan.write_account(tx, account)
    return answer


def _take(account: CustomerAccount, lot: Lot, quoted: RefundQuote, *, override: bool, reason: str | None) -> int:
    """Voids what is refunded of a lot, by discretion all that is left of it wherever it lies; the credits voided."""
    assert quoted.refund is not None  # noqa: S101 - a quote without money is refused
    amount = str(quoted.refund.amount)
    if override:
        mine = lot.granted - lot.moved - transferred(lot) - paid_back(lot)
        family = [
            lot,
            *(
                lot_
                for lot_ in account.ledger.lots.values()
                if lot_.source == "correction" and lot_.data.get("of", {}).get("lot_id") == lot.root
            ),
        ]
        why = TakeBackReason(door="override", reason="refunded", clause=quoted.clause, order_id=lot.order_id)
        voided = take(account.ledger, family, mine, why).voided
        note(lot, "override", 0, at=account.at, amount=amount)
    else:
        voided = account.ledger.void(lot.lot_id, reason=reason or "money back", clause=quoted.clause)
        note(lot, "lot", voided, at=account.at, amount=amount)
    lot.data = {**lot.data, "refunded": str(refunded_so_far(lot) + quoted.refund.amount)}
    account.ledger.mark_lot(lot)
    extension.taken_back(account, [each for each in account.ledger.lots.values() if each.root == lot.root])
    return voided


async def put_metadata(tx: Tx, lot_id: str, metadata: Mapping[str, Any] | None) -> LotShown:
    """Replaces what the vendor keeps beside a lot. 404 ``lot_not_found``. Nothing is kept of an erased person."""
    account, lot = await _load(tx, lot_id, lock=True)
    stated = dict(metadata or {}) if account.customer.external_id is not None else {}
    if stated != lot.metadata:
        others = {name: value for name, value in lot.data.items() if name != "metadata"}
        lot.data = {**others, **({"metadata": stated} if stated else {})}
        account.ledger.mark_lot(lot)
        account.plan.audit.append(AuditRow(action="lot.updated", subject=lot_id, data={"members": ["metadata"]}))
        tx.customer_id = account.customer.customer_id
        await plan.write_account(tx, account)
    return {
        **lot_view(lot, account.at, suspended(account.ledger).get(lot_id, 0)),
        "customer_id": account.customer.external_id,
    }


async def transfer(tx: Tx, lot_id: str, to_customer_id: str) -> Transfer:
    """Gives what is available of a lot to another customer, where the policy lets it (TERMS-21 does not).

    409 ``not_transferable``, ``free_credits_not_transferable`` for what came with a license, ``lot_refunded``; 404
    ``lot_not_found``, ``customer_not_found``; 422 ``same_customer``.
    """
    owner = await rows.lot_owner(tx, lot_id)
    if owner is None:
        raise DomainError("lot_not_found", lot_id=lot_id)
    # The policy's answer comes first: it does not depend on who would receive.
    asked = await accounts.load_by_id(tx, owner, lock=False)
    rule = asked.policy.transfer
    if rule is None or not rule.allowed:
        reason = Reason(
            code="not_transferable",
            clause=rule.clause if rule else None,
            message=rule.message if rule else "The policy offers no transfer.",
            facts={"lot_id": lot_id},
            reading=bool(rule and rule.reading),
        )
        raise DomainError("not_transferable", decision=_of(asked, asked.at, reason), lot_id=lot_id)
    if not rule.free_credits and await _came_free(tx, asked.ledger.lots[LotId(lot_id)]):
        clause = rule.free_clause or rule.clause
        reason = Reason(
            code="free_credits_not_transferable",
            clause=clause,
            message=FREE_CREDITS_STAY,
            facts={"lot_id": lot_id},
            reading=rule.reading or is_reading(asked.policy, clause),
        )
        raise DomainError(reason.code, decision=_of(asked, asked.at, reason), lot_id=lot_id)
    other = await accounts.require_customer(tx, to_customer_id)
    if other.customer_id == owner:
        raise DomainError("same_customer", customer_id=to_customer_id)
    await accounts.lock_customers(tx, [owner, other.customer_id], named=[other.customer_id])
    giver = await accounts.load_by_id(tx, owner)
    taker = await accounts.load_by_id(tx, other.customer_id)
    accounts.same_time(giver, taker)
    lot = giver.ledger.lots[LotId(lot_id)]
    if not lot.available and paid_back(lot):
        raise DomainError("lot_refunded", lot_id=lot_id, refunded=paid_back(lot), available=0)
    credits_ = giver.ledger.transfer_out(
        lot_id, to_customer_id=other.customer_id, reason=f"to {other.customer_id}", clause=rule.clause
    )
    made = taker.ledger.transfer_in(lot, credits_, reason=f"from {owner}", clause=rule.clause)
    balance = giver.ledger.balance(lot.credit_type)
    giver.emit("credits.transferred", moved_data(lot.credit_type, credits_, balance, lot_id=lot_id))
    taker.emit("credits.granted", granted_data(made, credits_, taker.ledger.balance(lot.credit_type)))
    tx.customer_id = giver.customer.customer_id
    await plan.write(tx, [(giver.plan, giver.ledger), (taker.plan, taker.ledger)])
    return {
        "credits": credits_,
        "from": lot_view(lot, giver.at),
        "to": {"customer_id": to_customer_id, **lot_view(made, taker.at)},
    }


async def _came_free(tx: Tx, lot: Lot) -> bool:
    """Whether credits came with a license, by the first lot in which they lay."""
    for _ in range(_LOOKS):
        if lot.origin_lot_id is None:
            break
        found = await rows.lots(tx, [lot.origin_lot_id])
        if lot.origin_lot_id not in found:
            break
        lot = found[lot.origin_lot_id]
    return lot.source in ("license", "choice")


async def _load(tx: Tx, lot_id: str, *, lock: bool) -> tuple[CustomerAccount, Lot]:
    owner = await rows.lot_owner(tx, lot_id)
    if owner is None:
        raise DomainError("lot_not_found", lot_id=lot_id)
    account = await accounts.load_by_id(tx, owner, lock=lock)
    return account, account.ledger.lots[lot_id]


async def _quote(tx: Tx, account: CustomerAccount, lot: Lot, *, override: bool) -> RefundQuote:
    for credit_type in account.ledger.due_types():
        post_due_expiries(account.ledger, credit_type)
    served, accepted = await rows.tickets_of_lot(tx, lot.lot_id) if lot.held else (False, False)
    rules = account.policy.money_back
    quoted = refund_quote(lot, rules, account.at, service_provided=served, override=override)
    if rules is not None and quoted.code == rules.in_use_code and accepted:
        quoted = replace(
            quoted, clause=rules.accepted_clause or quoted.clause, facts={**quoted.facts, "accepted": True}
        )
    return quoted


def _decision(account: CustomerAccount, quoted: RefundQuote, *, override: bool = False) -> Decision:
    code = quoted.code or (
        "refund_by_discretion" if override else "refund_in_full" if quoted.basis == "full" else "refund_in_part"
    )
    reason = Reason(
        code=code,
        clause=quoted.clause,
        message=_ACCEPTED if quoted.facts.get("accepted") else _MESSAGES.get(code, code),
        facts=quoted.facts,
        reading=quoted.reading,
    )
    return _of(account, account.at, reason, allowed=quoted.code is None)


def _of(account: CustomerAccount, at: datetime, reason: Reason, *, allowed: bool = False) -> Decision:
    return Decision(
        allowed=allowed,
        at=at,
        policy=account.policy.policy,
        policy_version=account.policy.version,
        reasons=(reason,),
        messages=account.policy.messages,
        translations=account.policy.translations,
    )


def _view(account: CustomerAccount, lot: Lot, quoted: RefundQuote, *, override: bool = False) -> Quote:
    return {
        "lot_id": lot.lot_id,
        "customer_id": account.customer.external_id,
        "credits": quoted.credits,
        "refund": money_view(quoted.refund) or {"amount": str(Decimal("0.00")), "currency": account.policy.currency},
        "basis": quoted.basis,
        "decision": decision_view(_decision(account, quoted, override=override)),
    }
