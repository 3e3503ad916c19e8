"""A refunded order: what is unspent of its grants is taken back, what was used is reported (AVA-14), never hidden.

Licenses go newest first with what they brought. Of bought periods the newest that has not begun goes first, only then
the running one is shortened (C16); a period that has run out is reported as not taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain import cover as covers
from app.domain.book import Book
from app.domain.customer import Cover, License, Order, OrderLine
from app.domain.errors import DomainError
from app.domain.granting import end_license, void_choice
from app.domain.lot import Lot
from app.domain.merging import root_of
from app.domain.order_lines import Terms, pin_of, sold
from app.domain.period import add_term
from app.domain.policy import NotGranted, Policy
from app.domain.wire import iso, iso_or_none

_REASON = "refunded"


@dataclass(slots=True)
class TakenBack:
    """What a refund took back and what it could not."""

    taken: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    owed: int = 0


def check_lines(order: Order, wanted: Mapping[str, int], refunded: Mapping[str, int]) -> None:
    """Refuses what was never bought: ``line_not_found``, ``order_over_refund`` (422), counting earlier refunds."""
    bought = {str(one.line_id): one.quantity for one in order.lines}
    for line_id, quantity in wanted.items():
        if line_id not in bought:
            raise DomainError("line_not_found", order_id=order.order_id, line_id=line_id)
        left = bought[line_id] - refunded.get(line_id, 0)
        if quantity > left:
            raise DomainError("order_over_refund", line_id=line_id, requested=quantity, refundable=left)


def take_back(book: Book, order: Order, wanted: Mapping[str, int], terms: Terms) -> TakenBack:
    """Takes back so many units of each line (``line_id -> quantity``); the lines were checked."""
    answer = TakenBack()
    for line in order.lines:
        quantity = wanted.get(line.line_id, 0)
        if quantity == 0:
            continue
        policy = terms[pin_of(order, line)]
        found = sold(policy, line.sku)
        kind = None if isinstance(found, NotGranted) else found[0].kind
        clause = policy.guarantee.clause if policy.guarantee else None
        if kind == "license":
            _licenses(book, order, line, quantity, answer, clause)
        else:
            _bought(book, order, line, quantity, answer, clause)
    return answer


def guarantee_of(policy: Policy, book: Book, order: Order) -> dict[str, Any]:
    """``{"within_guarantee", "clause", "guarantee_ends_at", "reading"}`` of an order (AVA-14); the end is exclusive."""
    rule = policy.guarantee
    if rule is None:
        return {"within_guarantee": False, "clause": None, "guarantee_ends_at": None, "reading": False}
    ends = add_term(order.placed_at, rule.within, covers.term_zone(policy))
    return {
        "within_guarantee": book.at < ends,
        "clause": rule.clause,
        "guarantee_ends_at": iso(ends),
        "reading": rule.reading,
    }


def _licenses(
    book: Book, order: Order, line: OrderLine, quantity: int, answer: TakenBack, clause: str | None
) -> None:
    mine = sorted(
        (
            one
            for one in book.licenses.values()
            if one.order_id == order.order_id and one.line_id == line.line_id and one.ended_reason != _REASON
        ),
        key=lambda one: one.unit_no,
        reverse=True,
    )
    for one in mine[:quantity]:
        _license(book, order, line, one, answer, clause)


def _license(
    book: Book, order: Order, line: OrderLine, one: License, answer: TakenBack, clause: str | None
) -> None:
    _credits(book, order, line, answer, clause, units=(one.unit_no,))
    for choice in sorted(book.choices.values(), key=lambda choice: choice.choice_id):
        if choice.license_id == one.license_id and choice.open:
            void_choice(book, choice, reason=_REASON)
            answer.taken.append({"kind": "choice", "choice_id": choice.choice_id, "line_id": line.line_id})
    served = [
        (cover, covers.state_of(cover, book.at))
        for cover in sorted(book.covers.values(), key=lambda cover: cover.cover_id)
        if cover.license_id == one.license_id
    ]
    end_license(book, one, book.at, reason="refunded", clause=clause)
    answer.taken.append(
        {"kind": "license", "license_id": one.license_id, "line_id": line.line_id, "unit_no": one.unit_no}
    )
    for cover, before in served:
        if before in {"ended", "voided"}:
            continue
        covers.take_back(book, cover, reason=_REASON, clause=clause)
        answer.taken.append(_cover(book, cover, line))


def _bought(
    book: Book, order: Order, line: OrderLine, quantity: int, answer: TakenBack, clause: str | None
) -> None:
    _credits(book, order, line, answer, clause, quantity=quantity)
    rules = {
        one.rule
        for one in book.covers.values()
        if one.order_id == order.order_id and one.line_id == line.line_id
    }
    for rule in sorted(rules):
        for _ in range(quantity):
            _period(book, order, line, rule, answer, clause)
    for addon in book.addons:
        if addon.order_id == order.order_id and addon.line_id == line.line_id and addon.voided_at is None:
            addon.voided_at = book.at
            book.plan.addons.append(addon)
            answer.taken.append({"kind": "addon", "addon": addon.addon, "line_id": line.line_id})


def _credits(book: Book, order: Order, line: OrderLine, answer: TakenBack, clause: str | None, *,
             units: tuple[int, ...] | None = None, quantity: int | None = None) -> None:  # fmt: skip
    families = book.ledger.granted_by(order.order_id, line.line_id, units)
    by_unit: dict[int, list[Lot]] = {}
    for family in families:
        by_unit.setdefault(family[0].bought_by[2] if family[0].bought_by else 0, []).extend(family)
    for unit_no, alike in by_unit.items():
        whole = next((lot for lot in alike if root_of(lot) == lot.lot_id), alike[0])
        share = None if quantity is None else whole.granted * quantity // line.quantity
        if share == 0:
            continue
        before = {lot.lot_id: lot.voided for lot in alike}
        result = book.ledger.void_grant(
            order_id=order.order_id, line_id=line.line_id, units=(unit_no,), credits=share, reason=_REASON,
            clause=clause,
        )  # fmt: skip
        answer.owed += result.owed
        for lot in alike:
            voided = lot.voided - before[lot.lot_id]
            if voided:
                balance = book.ledger.balance(lot.credit_type)
                answer.taken.append({"kind": "credits", "lot_id": lot.lot_id, "credit_type": lot.credit_type,
                                     "credits": voided, "line_id": line.line_id})  # fmt: skip
                book.emit("credits.voided", {"lot_id": lot.lot_id, "order_id": order.order_id, "credits": voided,
                                             "reason": _REASON, "balance": balance})  # fmt: skip
        if result.spent or result.held or result.expired:
            answer.left.append({
                "kind": "credits", "lot_id": alike[0].lot_id, "spent": result.spent, "held": result.held,
                "expired": result.expired, "line_id": line.line_id,
            })  # fmt: skip


def _period(
    book: Book, order: Order, line: OrderLine, rule: str, answer: TakenBack, clause: str | None
) -> None:
    own = [
        one for one in _standing(book, rule) if one.order_id == order.order_id and one.line_id == line.line_id
    ]
    stack = _standing(book, rule)
    target = _newest_unstarted(book, own)
    if target is None:
        used = any(
            one.rule == rule and one.order_id == order.order_id and one.line_id == line.line_id
            and covers.state_of(one, book.at) == "ended"
            for one in book.covers.values()
        )  # fmt: skip
        if own or not used:
            target = _newest_unstarted(book, stack) or next(iter(own or stack), None)
    if target is None:
        gone = next(
            one for one in book.covers.values() if one.rule == rule and one.order_id == order.order_id
        )
        answer.left.append({"kind": "cover", "cover_id": gone.cover_id, "state": covers.state_of(gone, book.at),
                            "ends_at": iso_or_none(gone.ends_at), "line_id": line.line_id})  # fmt: skip
        return
    covers.take_back(book, target, reason=_REASON, clause=clause)
    answer.taken.append(_cover(book, target, line))


def _standing(book: Book, rule: str) -> list[Cover]:
    """Bought periods of one rule that have not ended, oldest first."""
    return sorted(
        (
            one
            for one in book.covers.values()
            if one.rule == rule
            and one.license_id is None
            and covers.state_of(one, book.at) not in {"ended", "voided"}
        ),
        key=lambda one: (one.granted_at, one.starts_at or one.granted_at, one.cover_id),
    )


def _newest_unstarted(book: Book, found: list[Cover]) -> Cover | None:
    waiting = [one for one in found if covers.state_of(one, book.at) in {"pending", "scheduled"}]
    return waiting[-1] if waiting else None


def _cover(book: Book, cover: Cover, line: OrderLine) -> dict[str, Any]:
    return {"kind": "cover", "cover_id": cover.cover_id, "state": covers.state_of(cover, book.at),
            "ends_at": iso_or_none(cover.ends_at), "line_id": line.line_id}  # fmt: skip
