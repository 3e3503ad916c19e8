"""Grants of a class that an order placed earlier shows to be wrong: untouched ones are voided, used ones reviewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.account import recurring
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import License, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.ledger.events import voided_data
from app.domain.ledger.lot import Lot
from app.domain.ledger.recurring import RecurringGrant
from app.domain.orders.corrections import forgo
from app.domain.orders.granted import Granted
from app.domain.orders.grants import void_choice
from app.domain.policy.offers import Grant


def already_granted(there: Granted, grant: Grant, license_: License) -> bool:
    """Whether the unit has been granted this already."""
    key = (license_.order_id, license_.line_id, license_.unit_no)
    mine = (
        *there.lots.get(key, ()),
        *there.choices.get(key, ()),
        *there.covers.get((key[0], key[1], license_.license_id), ()),
        *(each for each in there.recurring.get(key[:2], ()) if each.unit_no == license_.unit_no),
    )
    return any(granted.rule == grant.rule for granted in mine)


def take_back(
    account: CustomerAccount,
    order: Order,
    line: OrderLine,
    there: Granted,
    license_: License,
    unwanted: Mapping[str, Grant],
) -> bool:
    """Takes back what is of the wrong class; True: something was used, so it stays and is reported.

    Two accounts that became one keep what either was granted: no rank among the other's licenses takes it away.
    """
    stays, merged = False, there.merged
    key = (order.order_id, line.line_id, license_.unit_no)
    for each in there.recurring.get(key[:2], ()):
        if each.unit_no == license_.unit_no and (rule := unwanted.get(each.rule)) is not None:
            stays = _recurring(account, each, license_, rule, merged=merged) or stays
    stays = _lots(account, there.lots.get(key, ()), license_, unwanted, merged=merged) or stays
    for choice in there.choices.get(key, ()):
        if (rule := unwanted.get(choice.rule)) is None or choice.voided_at is not None:
            continue
        if choice.option is not None:
            _review(account, "choice", choice.choice_id, license_, rule)
            stays = True
        else:
            void_choice(account, choice, reason="reranked")
    for cover in there.covers.get((key[0], key[1], license_.license_id), ()):
        if (rule := unwanted.get(cover.rule)) is None or cover.state == "voided":
            continue
        if merged:
            stays = True
        elif covers.state_of(cover, account.at) in {"pending", "scheduled"}:
            covers.void(account, cover, reason="reranked", clause=rule.clause)
            forgo(account, order, line, cover)
        else:
            _review(account, "cover", cover.cover_id, license_, rule)
            stays = True
    return stays


def _lots(
    account: CustomerAccount, lots: Sequence[Lot], license_: License, unwanted: Mapping[str, Grant], *, merged: bool
) -> bool:
    """Void what is unused of the wrong class; True: some was used, so it stays."""
    stays = False
    for lot in lots:
        if "recurring" in lot.data:
            continue
        if (rule := unwanted.get(lot.rule)) is None or lot.available + lot.held + lot.spent == 0:
            continue
        if merged or lot.held or lot.spent:
            if not merged:
                _review(account, "lot", lot.lot_id, license_, rule)
            stays = True
            continue
        voided = account.ledger.void(lot.lot_id, reason="reranked", clause=rule.clause)
        account.ledger.withdraw(lot.lot_id)
        balance = account.ledger.balance(lot.credit_type)
        data = voided_data(lot, voided, balance, reason="reranked", order_id=lot.order_id)
        account.emit("credits.voided", data)
    return stays


def _recurring(account: CustomerAccount, each: RecurringGrant, license_: License, rule: Grant, *, merged: bool) -> bool:
    """Withdraw credits that come again, of which none was used; True: some were, so they stay."""
    if each.withdrawn:
        return False
    used = [lot for lot, _ in recurring.lots_of(account, each) if lot.held or lot.spent]
    if not merged and not used:
        recurring.withdraw(account, each, reason="reranked")
        return False
    if not merged:
        _review(account, "lot", used[0].lot_id, license_, rule)
    return True


def _review(account: CustomerAccount, kind: str, subject: str, license_: License, rule: Grant) -> None:
    account.emit(
        "grant_review",
        {
            "kind": kind,
            "subject": subject,
            "license_id": license_.license_id,
            "order_id": license_.order_id,
            "line_id": license_.line_id,
            "rule": rule.rule,
            "clause": rule.clause,
            "ordinal": license_.ordinal,
            "reason": "An order placed earlier arrived later; this grant is of another class but was used already.",
        },
        dedupe_key=f"grant_review:{subject}",
    )
