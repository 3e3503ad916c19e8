"""What refunded units took of bought periods follows the orders that stand (decision 0032).

An order that comes late, changes or goes to another customer may mean that a refund takes another period by now. The
one that it took stands again, with the credits that came with it, and the other one is taken instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover import replacing
from app.domain.cover.of_license import stand_again
from app.domain.ledger import suspension
from app.domain.ledger.account_merge import pass_on
from app.domain.ledger.lot import Lot
from app.domain.ledger.undone_claims import undo_claims
from app.domain.ledger.units import forget
from app.domain.orders.merges import MARKS
from app.domain.orders.periods import Derived, TakenUnit, booked, derive, served_nothing
from app.domain.orders.queues import LaidPeriods
from app.domain.orders.refunds import TakenBack, Taking, credits_of, lots_taken
from app.domain.values.ids import CoverId
from app.domain.values.wire import iso_or_none, parse_iso_or_none, payload_hash

_NOTHING: Final[Mapping[str, Any]] = {"cover_id": None, "was": None, "lots": {}}
_OF_PERIOD: Final = (*_NOTHING, "booked")
"""What goes with the period, whichever unit takes it by now."""
_OWN: Final = ("rule", "at", "reason", "ref", "known_until", "replaced", MARKS)
"""What a line keeps of a unit, whichever period it takes."""
RETAKEN: Final = "retaken"
"""Why a period stands again: the refund that took it takes another one, or is undone."""


def follow_orders(account: CustomerAccount, orders: Sequence[Order], laid: Sequence[LaidPeriods]) -> bool:
    """Let each refunded unit take what it takes by the orders that stand now. Return whether a period changed."""
    if account.ledger.rest is not None or not any(line.taken_periods for order in orders for line in order.lines):
        return False
    found = derive(orders, laid, list(account.licenses.values()), account.at)
    before, now = found.before(), found.now()
    again = {cover_id for cover_id in before if cover_id not in now or _otherwise(account, found, cover_id)}
    fresh = {cover_id for cover_id in now if cover_id not in before or cover_id in again}
    release(account, [(before[cover_id].order, before[cover_id].row) for cover_id in again])
    rows = {cover_id: unit.row for cover_id, unit in before.items() if cover_id not in again}
    for cover_id in sorted(fresh):
        rows[cover_id] = _take(account, now[cover_id], found.standing[cover_id], stood=cover_id not in before)
    _keep(account, found.units, rows)
    return bool(again or fresh)


def give_up(account: CustomerAccount, order: Order, line: OrderLine) -> None:
    """Let what a line's units took of other orders stand again: the line is granted anew, or is another customer's."""
    release(account, [(order, row) for row in line.taken_periods])
    line.taken_periods = ()


def give_back(account: CustomerAccount, order: Order, ref: str | None) -> list[dict[str, Any]]:
    """Undo what a refund took of periods; return what stands again, as an answer says it.

    ``ref`` None: it took nothing. Rows without one are of units that are refunded or corrected, whatever becomes of it.
    """
    if ref is None:
        return []

    def is_its_own(row: Mapping[str, Any]) -> bool:
        return bool(row["ref"] == ref and row["reason"] != "corrected")  # a unit that was taken out since stays gone

    found = [(order, row) for line in order.lines for row in line.taken_periods if is_its_own(row)]
    returned = release(account, found)
    for line in order.lines:
        line.taken_periods = tuple(row for row in line.taken_periods if not is_its_own(row))
    if found:
        account.plan.orders[order.order_id] = order
    return returned


def release(account: CustomerAccount, found: Iterable[tuple[Order, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Let periods stand again as they did before they were taken, with what was taken of their credits.

    Nothing stands again of lines of the same order that are granted anew. All credits are back before the first period
    runs on: then credits come again, and a renewal counts those from before.
    """
    back = []
    for order, row in found:
        cover = account.covers.get(CoverId(str(row["cover_id"])))
        if cover is not None and not any(row["cover_id"] in line.withdrawn for line in order.lines):
            back.append((cover, order, row))
    back.sort(key=lambda item: (item[2]["was"]["starts_at"] or "", item[0].cover_id))
    lots = lots_back(account, [(order, row) for _, order, row in back])
    stand = []
    for cover, _, row in back:
        stand_again(cover, row["was"])
        covers.reinstated(account, cover, reason=RETAKEN)
        replacing.cut_again(account, cover)
        stand.append(
            {
                "kind": "cover",
                "cover_id": cover.cover_id,
                "line_id": cover.line_id,
                "state": covers.state_of(cover, account.at),
                "ends_at": iso_or_none(cover.ends_at),
            }
        )
    return [*stand, *lots]


def lots_back(account: CustomerAccount, rows: Iterable[tuple[Order, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Let credits stand again as they did before they were taken with periods; return them as an answer says it."""
    return [answer for order, row in rows for answer in _lots_of_period_back(account, order, row)]


def _lots_of_period_back(account: CustomerAccount, order: Order, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    reason, ref = row.get("booked") or (row["reason"], row["ref"])
    by_lot = row["lots"]
    for ledger in account.ledger.reachable():
        for lot in [lot for lot in ledger.lots.values() if lot.lot_id in by_lot and not lot.withdrawn]:
            debt = by_lot[lot.lot_id][2]
            forget(lot, ref, debt)
            ledger.mark_lot(lot)
            if debt:
                suspension.forgive(account.ledger, lot.credit_type, debt, order_id=order.order_id, reason=reason)
    rows = []
    for ledger, lot, number in undo_claims(account.ledger, by_lot):
        suspension.reinstate(ledger, lot, number, order_id=order.order_id, reason=reason)
        _emit_reinstated(account, lot, number, order)
        rows.append({"kind": "credits", "lot_id": lot.lot_id, "credit_type": lot.credit_type, "credits": number})
        rows[-1]["line_id"] = lot.line_id
        for heir in (account.ledger, *account.ledger.others.values()):
            if ledger in heir.former.values():
                pass_on(ledger, heir)
    return rows


def _emit_reinstated(account: CustomerAccount, lot: Lot, credits: int, order: Order) -> None:
    owner = account.others.get(lot.customer_id, account)
    balance = owner.ledger.balance(lot.credit_type)
    data = {"lot_id": lot.lot_id, "order_id": order.order_id, "credits": credits, "reason": RETAKEN, "balance": balance}
    owner.emit("credits.reinstated", data)


def _otherwise(account: CustomerAccount, found: Derived, cover_id: str) -> bool:
    """Whether a period that stays taken was running where it waits now, or the other way round.

    One that had served nothing then, and has served nothing by now, stays as it is.
    """
    cover, then = account.covers[CoverId(cover_id)], found.standing[cover_id]
    if served_nothing(cover) and served_nothing(then):
        return False
    if cover.state == "voided" or then.state == "voided":
        later = cover.ends_at is not None and cover.ends_at > found.now()[cover_id].at
        return cover.state != then.state and not (then.state == "voided" and later)
    return cover.starts_at != then.starts_at


def _take(account: CustomerAccount, unit: TakenUnit, then: Cover, *, stood: bool) -> dict[str, Any]:
    """Take a period for a unit as derived. Return what the line keeps of it."""
    cover, was = account.covers[CoverId(then.cover_id)], unit.was or {}
    lots = lots_taken(account, cover, partial(_end, account, unit, cover, then, was, stood=stood))
    row = {name: value for name, value in unit.row.items() if name != "booked"}
    return booked({**row, "cover_id": str(cover.cover_id), "was": was, "lots": lots})


def _end(
    account: CustomerAccount, unit: TakenUnit, cover: Cover, then: Cover, was: Mapping[str, Any], *, stood: bool
) -> None:
    """Void a period, or end it. What has served until now, since nobody had taken it, stays served."""
    reason = unit.row["reason"]
    taking = Taking(account, unit.order, unit.line, TakenBack(), reason, ref=unit.row["ref"])
    served = stood and cover.version > 1 and covers.state_of(cover, account.at) not in ("pending", "scheduled")
    waits = then.starts_at is None or then.starts_at > account.at
    if then.state == "voided" and (waits or not served):
        credits_of(taking, cover)
        covers.void(account, cover, reason=reason)
        replacing.put_back(account, cover)
        return
    starts, ends = parse_iso_or_none(was["starts_at"]), parse_iso_or_none(was["ends_at"])
    if starts is not None and ends is not None and starts != cover.starts_at:
        covers.move(account, cover, starts_at=starts, ends_at=ends, occurred_at=cover.granted_at)
    credits_of(taking, cover)  # those that have come by now, since it began earlier than it was known to
    until = account.at if then.state == "voided" or then.ends_at is None else then.ends_at
    covers.end_at(account, cover, until, reason=reason)
    replacing.put_back(account, cover)


def _keep(account: CustomerAccount, units: Iterable[TakenUnit], rows: Mapping[str, dict[str, Any]]) -> None:
    """Write on the lines what their units take now."""
    now: dict[tuple[str, str], list[dict[str, Any]]] = {}
    lines: dict[tuple[str, str], tuple[Order, OrderLine]] = {}
    for unit in units:
        mine = (str(unit.order.order_id), str(unit.line.line_id))
        source: Mapping[str, Any] = rows.get(str(unit.cover_id), _NOTHING)
        own: dict[str, Any] = {name: unit.row[name] for name in _OWN if name in unit.row}
        now.setdefault(mine, []).append({**own, **{name: source[name] for name in _OF_PERIOD if name in source}})
        lines[mine] = (unit.order, unit.line)
    for mine, (order, line) in lines.items():
        if sorted(map(payload_hash, line.taken_periods)) != sorted(map(payload_hash, now[mine])):
            line.taken_periods = tuple(now[mine])
            account.plan.orders[order.order_id] = order
