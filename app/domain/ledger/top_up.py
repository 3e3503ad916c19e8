"""Asking the shop for more credits when few are left: once until some arrive, or a time has passed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from app.domain.ledger.events import moved_by, moved_data
from app.domain.ledger.journal import Journal
from app.domain.policy.credit_rules import TopUp
from app.domain.values.term import add_term

DUE: Final = "credits.top_up"
"""The kind of the agenda row of asking again."""


class Asked(NamedTuple):
    """What the shop is asked: the data of the event, and when it is asked again unless credits arrive."""

    credit_type: str
    data: dict[str, Any]
    again_at: datetime | None

    def subject(self, customer_id: str) -> str:
        """The subject of the agenda row."""
        return f"{customer_id}:{self.credit_type}"


def ask(journal: Journal) -> list[Asked]:
    """Return what the shop is to be asked after these operations, and remember that it was."""
    found = []
    for rule in journal.rules.top_ups if journal.rules else ():
        account = journal.accounts.get(rule.credit_type)
        if account is None or account.available >= rule.below:
            continue
        again = _passed(rule, account.asked_at, journal.at)
        if again or (account.asked_at is None and _fell(journal, rule.credit_type)):
            account.asked_at = journal.at
            journal.mark_account(rule.credit_type)
            found.append(Asked(rule.credit_type, _data(journal, rule), again_at(rule, journal.at)))
    return found


def again_at(rule: TopUp, asked_at: datetime) -> datetime | None:
    """Return when the shop is asked again; None: not before credits arrive."""
    return None if rule.again_after is None else add_term(asked_at, rule.again_after)


def _passed(rule: TopUp, asked_at: datetime | None, at: datetime) -> bool:
    when = None if asked_at is None else again_at(rule, asked_at)
    return when is not None and when <= at


def _fell(journal: Journal, credit_type: str) -> bool:
    mine = (operation for operation in journal.operations if operation.credit_type == credit_type)
    return moved_by(mine)["available"] < 0


def _data(journal: Journal, rule: TopUp) -> dict[str, Any]:
    account = journal.accounts[rule.credit_type]
    balance = {"available": account.available, "held": account.held}
    return moved_data(
        rule.credit_type,
        account.available,
        balance,
        below=rule.below,
        sku=rule.sku,
        quantity=rule.quantity,
        clause=rule.clause,
        reading=rule.reading,
    )


def overdrawn_data(journal: Journal, lot_id: str) -> dict[str, Any]:
    """Return the data of ``credits.overdrawn`` for what was overdrawn as a lot."""
    lot = journal.lots[lot_id]
    account = journal.accounts[lot.credit_type]
    balance = {"available": account.available, "held": account.held}
    return moved_data(
        lot.credit_type, lot.granted, balance, lot_id=lot_id, owed=account.owed, clause=lot.clause, reading=lot.reading
    )
