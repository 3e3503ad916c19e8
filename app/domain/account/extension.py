"""Credits that are good for longer since more were bought.

Which purchases extend a lot is derived from those that stand, whenever one comes, goes or comes back. So any order of
arrival leads to the same ends, and a refund takes its time back. What has ended stays ended. Two things go on: what was
told after its own end, and what ended by a refund that was undone.

A lot keeps in its `data`:

- ``extends``: the rules of credits that it extends, and ``extends_no_more`` once all of it was paid back;
- ``own_end``: where it ends by itself, and ``extended``: the purchases that reached it, by their first lots;
- ``told_late``: it had ended when it was told; ``went_on``: credits of it that ended and were granted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from app.domain.account.account import CustomerAccount
from app.domain.account.plan_credits import emit_grant_again, grant_again, move_end
from app.domain.ledger.expiry import refresh_expiry
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Lot
from app.domain.ledger.units import paid_back, unit_of
from app.domain.values.ids import CustomerId
from app.domain.values.wire import iso, iso_or_none, parse_iso, parse_iso_or_none

EXTENDED = "extended"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Purchase:
    """What extends others: ``root`` is its first lot, ``until`` its own end, None where it has none."""

    root: str
    rules: tuple[str, ...]
    credit_type: str
    at: datetime
    until: datetime | None
    order_id: str | None
    stands: bool
    is_in_time: bool = False
    """It reached the credits before, or when they were its customer's: they were there when it was bought."""

    @classmethod
    def of(cls, lot: Lot) -> Self:
        """Read it from a lot of its credits."""
        unit = lot.unit
        return cls(
            root=lot.root,
            rules=tuple(lot.data["extends"]),
            credit_type=lot.credit_type,
            at=lot.bought_at,
            until=own_end(lot),
            order_id=unit[0] if unit else None,
            stands="extends_no_more" not in lot.data and not lot.withdrawn,
        )

    @classmethod
    def stored(cls, lot: Lot, row: Mapping[str, Any]) -> Self:
        """Read it from what a lot keeps of it; its lots may lie with another customer by now."""
        return cls(
            root=row["by"],
            rules=(lot.rule,),
            credit_type=lot.credit_type,
            at=parse_iso(row["at"]) if "at" in row else lot.bought_at,
            until=parse_iso_or_none(row["until"]),
            order_id=row.get("order_id"),
            stands=row.get("stands", True),
            is_in_time=True,
        )

    def row(self, *, counts: bool) -> dict[str, Any]:
        """Return what an extended lot keeps of it; ``counts``: whether it moves the end."""
        return {
            "by": self.root,
            "order_id": self.order_id,
            "at": iso(self.at),
            "until": iso_or_none(self.until),
            "stands": self.stands,
            "counts": counts,
        }


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a lot ends by the purchases that stand, and what it keeps of them."""

    end: datetime | None
    rows: list[dict[str, Any]]

    def as_data(self, own: datetime | None) -> dict[str, Any]:
        """Return what a lot keeps in its `data`; nothing where nothing has reached it."""
        return {"own_end": iso_or_none(own), EXTENDED: self.rows} if self.rows else {}


def own_end(lot: Lot) -> datetime | None:
    """Return where a lot ends by itself."""
    if "own_end" in lot.data:
        return parse_iso_or_none(lot.data["own_end"])
    rows = lot.data.get(EXTENDED)
    return parse_iso_or_none(rows[0]["from"]) if rows else lot.expires_at


def before_grant(
    account: CustomerAccount, rule: str, credit_type: str, at: datetime, own: datetime | None, *, extended: bool
) -> Reached:
    """Return where credits end that are about to be granted, by what was bought since ``at`` and arrived first.

    ``extended``: whether anything of the policy extends them, so that all lots are looked at.
    """
    if own is None or not extended:
        return Reached(own, [])
    account.ledger.needs_all_lots()
    found = [each for each in _purchases(_ledgers(account)) if rule in each.rules and each.credit_type == credit_type]
    return _reach(found, at, own)


def granted(
    account: CustomerAccount,
    lot: Lot,
    extends: Sequence[str],
    own: datetime | None,
    reached: Reached,
    *,
    extended: bool,
) -> None:
    """Let a new lot keep what extends it, and extend others."""
    over = extended and lot.expires_at is not None and lot.expires_at <= account.at
    late = {"told_late": True} if over else {}
    rules = {"extends": list(extends)} if extends else {}
    if rules or late or reached.rows:
        lot.data = {**lot.data, **rules, **reached.as_data(own), **late}
        account.ledger.mark_lot(lot)
    if extends:
        account.ledger.needs_all_lots()
        follow_purchases(account)


def taken_back(account: CustomerAccount, lots: Sequence[Lot]) -> None:
    """Take back the time that a unit's lots gave to others once all of it was paid back, or give it again."""
    mine = [lot for lot in lots if "extends" in lot.data]
    if not mine:
        return
    account.ledger.needs_all_lots()
    ledgers = {str(ledger.customer_id): ledger for ledger in account.ledger.reachable()}
    first = next((lot for lot in lots if lot.lot_id == lot.root), None)
    whole = first.granted if first is not None else sum(lot.granted for lot in lots)
    gone = sum(map(paid_back, lots)) >= whole
    for lot in mine:
        lot.data = {name: value for name, value in lot.data.items() if name != "extends_no_more"}
        if gone:
            lot.data = {**lot.data, "extends_no_more": True}
        ledgers[str(lot.customer_id)].mark_lot(lot)
    follow_purchases(account)


def follow_purchases(account: CustomerAccount) -> None:
    """Move each lot's end to where the purchases that stand put it; also of lots that went to other customers."""
    accounts = {each.customer.customer_id: each for each in (account, *account.others.values())}
    ledgers = [ledger for each in accounts.values() for ledger in _ledgers(each)]
    if not any("extends" in lot.data or EXTENDED in lot.data for ledger in ledgers for lot in ledger.lots.values()):
        return
    account.ledger.needs_all_lots()
    bought = {name: [*_purchases(_ledgers(other))] for name, other in accounts.items()}
    known = {each.root: each.stands for found in bought.values() for each in found}
    before = _Givers(accounts, bought)
    for name, other in accounts.items():
        for ledger in _ledgers(other):
            for lot in sorted(ledger.lots.values(), key=lambda lot: lot.lot_id):
                found = [*bought[name], *before.purchases(name, lot)]
                if not lot.withdrawn and (found or EXTENDED in lot.data):
                    _follow(other, ledger, lot, found, known)


class _Givers:
    """Who had credits before they were given away, and what they had bought until then."""

    def __init__(
        self, accounts: Mapping[CustomerId, CustomerAccount], bought: Mapping[CustomerId, Sequence[_Purchase]]
    ) -> None:
        self._bought = bought
        self._lots = {
            lot_id: (name, lot)
            for name, other in accounts.items()
            for ledger in _ledgers(other)
            for lot_id, lot in ledger.lots.items()
        }

    def purchases(self, owner: CustomerId, lot: Lot) -> Iterator[_Purchase]:
        """Yield what others bought who had the credits of a lot then, before they gave them to ``owner``."""
        holders = [(owner, lot.effective_at, lot.effective_at)]
        """Each with when the credits came to them, and when they went."""
        while (origin := self._lots.get(lot.origin_lot_id or "")) is not None:
            holder, lot = origin
            last, since, until = holders[-1]
            if holder == last:
                holders[-1] = (last, min(since, lot.bought_at), until)
            else:
                holders.append((holder, lot.bought_at, since))
        for holder, since, until in holders[1:]:
            yield from (replace(each, is_in_time=True) for each in self._bought[holder] if since <= each.at < until)


def _ledgers(account: CustomerAccount) -> tuple[Ledger, ...]:
    return account.ledger, *account.ledger.former.values()


def _purchases(ledgers: Iterable[Ledger]) -> Iterator[_Purchase]:
    """Yield what extends others, once for all lots in which its credits lie."""
    found: dict[str, _Purchase] = {}
    for ledger in ledgers:
        for lot in ledger.lots.values():
            if "extends" in lot.data:
                one = _Purchase.of(lot)
                before = found.get(one.root, one)
                found[one.root] = replace(one, stands=one.stands and before.stands)
    yield from found.values()


def _reach(found: Iterable[_Purchase], at: datetime, own: datetime | None) -> Reached:
    """Return where credits of an instant end: each purchase reaches what is good then, and ends before itself."""
    end, rows = own, []
    for each in sorted(found, key=lambda each: (each.at, each.root)):
        good = end is not None and (each.is_in_time or at <= each.at) and each.at < end
        reaches = each.stands and good and (each.until is None or (end is not None and end < each.until))
        if reaches:
            end = each.until
        rows.append((each, reaches))
    return Reached(end, [each.row(counts=reaches) for each, reaches in rows if reaches or not each.stands])


def _follow(
    account: CustomerAccount, ledger: Ledger, lot: Lot, found: Sequence[_Purchase], known: Mapping[str, bool]
) -> None:
    """Move one lot's end, or let its credits go on where they ended too early."""
    own, stored_rows = own_end(lot), lot.data.get(EXTENDED, [])
    over = lot.expires_at is not None and lot.expires_at <= account.at
    again = "told_late" in lot.data or any(not row.get("stands", True) for row in stored_rows)
    if own is None or (not stored_rows and not again and (over or lot.available + lot.held + paid_back(lot) == 0)):
        return
    stored = [_Purchase.stored(lot, row) for row in stored_rows]
    mine = {each.root: replace(each, stands=known.get(each.root, each.stands)) for each in stored}
    if not over or again:
        fits = (each for each in found if lot.rule in each.rules and lot.credit_type == each.credit_type)
        mine |= {
            each.root: replace(each, is_in_time=each.is_in_time or each.root in mine)
            for each in fits
            if each.root != lot.root
        }
    reached = _reach(mine.values(), lot.bought_at, own)
    reached.rows[:] = [
        row for row in reached.rows if row["counts"] or any(row["by"] == old["by"] for old in stored_rows)
    ]
    if reached.rows == stored_rows:
        return
    before = _reach(stored, lot.bought_at, own).end if stored_rows else own
    lot.data = {**lot.data, **reached.as_data(own)}
    ledger.mark_lot(lot)
    if reached.end == before:
        return
    if not over:
        _move(account, ledger, lot, reached.end)
    elif again and (reached.end is None or account.at < reached.end):
        _go_on(account, ledger, lot, reached)


def _move(account: CustomerAccount, ledger: Ledger, lot: Lot, end: datetime | None) -> None:
    """Set an end, now at the earliest."""
    ends = None if end is None else max(end, account.at)
    if ledger is account.ledger:
        move_end(account, lot, ends)
    else:
        ledger.touch_expiry(lot, ends)
        refresh_expiry(ledger, lot.credit_type)


def _go_on(account: CustomerAccount, ledger: Ledger, lot: Lot, reached: Reached) -> None:
    """Grant credits again that had ended, since a purchase turned out to have reached them.

    Those that were told after their end are granted as of then, in place of the first lot. Those that ended early, by
    a refund that was undone, come back as a correction of it.
    """
    whole = "told_late" in lot.data and lot.expired == lot.granted and not paid_back(lot)
    went_on = int(lot.data.get("went_on", 0))
    number = lot.granted if whole else lot.expired - went_on - paid_back(lot)
    if number <= 0 or ledger is not account.ledger:
        return
    lot.data = {name: value for name, value in lot.data.items() if name != "told_late"}
    lot.data = lot.data if whole else {**lot.data, "went_on": went_on + number}
    ledger.mark_lot(lot)
    if whole:
        ledger.withdraw(lot.lot_id)
    made = grant_again(account, ledger, lot, number, reached.end, reason=EXTENDED, whole=whole)
    made.data = {**made.data, **_kin(lot, made, whole=whole), "own_end": lot.data["own_end"], EXTENDED: reached.rows}
    emit_grant_again(account, made, lot)


def _kin(lot: Lot, made: Lot, *, whole: bool) -> dict[str, Any]:
    """Return what a lot that goes on for another one remembers of the purchase."""
    if not whole:
        return {**lot.purchase(), **unit_of(lot)}
    bought = lot.purchase()["bought"] if lot.origin_lot_id is None else lot.data.get("bought", {})
    rules = {"extends": lot.data["extends"]} if "extends" in lot.data else {}
    return {**rules, "bought": {**bought, "lot_id": made.lot_id, "at": iso(lot.bought_at)}}
