"""A recorded order that its shop changed: other quantities, other lines, another customer.

What a shop sends is a snapshot, and the newest counts. Units that were added are granted. Units that are gone are taken
back as far as they are unspent. The rest is reported, as with a refund. Where more than the quantity changed, unused
grants are withdrawn and granted anew. So any order of arrival ends in the same projection (decision 0007). What was
used stays where it is, and the change is refused for a person to decide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.domain.account import recurring
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, License, Order, OrderLine, OrderRefund
from app.domain.account.payment_dispute import PaymentDispute
from app.domain.cover import cover as covers
from app.domain.cover import replacing
from app.domain.ledger.events import voided_data
from app.domain.ledger.lot import Lot
from app.domain.ledger.units import transferred
from app.domain.orders import retaken
from app.domain.orders.granted import lines_granted
from app.domain.orders.grants import put_license, void_choice
from app.domain.orders.lines import Terms, pin_of, sold
from app.domain.orders.refunds import TakenBack, Taking, take_back, take_instead, take_license, take_period
from app.domain.orders.shares import take_lacking
from app.domain.policy.offers import NotGranted
from app.domain.values.errors import DomainError
from app.domain.values.ids import CoverId

CORRECTED = "corrected"


def differs(order: Order, stated: Mapping[str, OrderLine], unmapped: Collection[str]) -> bool:
    """Whether a snapshot says anything else of the lines. ``unmapped``: lines that it names without saying what of ours
    they are; they stay as they are."""
    known = {str(line.line_id): line for line in order.lines}
    if any(line_id not in known for line_id in stated):
        return True
    return any(
        _content(line) != _content(stated[line_id]) if line_id in stated else line.quantity > 0
        for line_id, line in known.items()
        if line_id not in unmapped
    )


def change_lines(
    account: CustomerAccount,
    order: Order,
    stated: Mapping[str, OrderLine],
    unmapped: Collection[str],
    refunded: Mapping[str, int],
    terms: Terms,
    served: Collection[str],
) -> TakenBack:
    """Takes over what the snapshot says of the lines; takes back what it took out. Settle the customer's orders then,
    and `make_up` afterwards.

    ``served``: ids of licenses and covers that tickets rest on. Refused: ``order_line_changed``, where a line is of
    another product by now and was used.
    """
    answer = TakenBack()
    lines: list[OrderLine] = []
    for line in order.lines:
        line_id = str(line.line_id)
        now = stated.get(line_id)
        if line_id in unmapped or (now is not None and _content(now) == _content(line)):
            lines.append(line)
            continue
        kind = _kind(order, line, terms)
        if now is not None and now.sku != line.sku:
            if used(account, order, line, served):
                raise DomainError(
                    "order_line_changed", order_id=order.order_id, line_id=line_id, was=line.sku, now=now.sku
                )
            withdraw(account, order, line, answer)
            now.withdrawn = line.withdrawn
            lines.append(now)
            continue
        anew = now is None or line.quantity == 0 or _worth(now) != _worth(line)
        if now is not None:
            line.unit_price, line.list_price, line.attributes = now.unit_price, now.list_price, now.attributes
        if kind != "license" and anew and not used(account, order, line, served):
            withdraw(account, order, line, answer)
            line.quantity = 0 if now is None else now.quantity  # all of it is granted anew, less what was refunded
            lines.append(line)
            continue
        _quantity(account, order, line, 0 if now is None else now.quantity, kind, refunded, terms, answer)
        lines.append(line)
    known = {str(line.line_id) for line in order.lines}
    account.plan.lines_changed.add(order.order_id)
    order.lines = (*lines, *(order_line for line_id, order_line in stated.items() if line_id not in known))
    return answer


def make_up(
    account: CustomerAccount,
    order: Order,
    refunds: Sequence[OrderRefund],
    disputes: Mapping[str, PaymentDispute],
    terms: Terms,
    answer: TakenBack,
) -> None:
    """What was refunded counts against the units that the order has now: takes back what that lacks.

    ``disputes``: those of the payment that took units, by what stands for them among the refunds.
    """
    lines = [line for line in order.lines if line.line_id in answer.later or _kind(order, line, terms) == "license"]
    _join(answer, take_lacking(account, order, refunds, disputes, terms, lines))


def leave(account: CustomerAccount, order: Order, served: Collection[str]) -> TakenBack:
    """Withdraws all that an order brought to a customer who is not the order's any more.

    Refused: ``order_customer_changed``, where any of it was used: it is not carried over in silence (TERMS-21).
    """
    answer = TakenBack()
    if any(used(account, order, line, served) for line in order.lines):
        raise DomainError("order_customer_changed", order_id=order.order_id)
    for line in order.lines:
        withdraw(account, order, line, answer)
    return answer


def used(account: CustomerAccount, order: Order, line: OrderLine, served: Collection[str] = ()) -> bool:
    """Whether anything that a line brought was used.

    Use is credits spent or held, a choice made, a license registered or a ticket served.
    """
    mine = (order.order_id, line.line_id)
    return (
        any(
            lot.held or lot.spent or transferred(lot)
            for lot in account.ledger.lots.values()
            if (lot.order_id, lot.line_id) == mine
        )
        or any(
            choice.option is not None
            for choice in account.choices.values()
            if (choice.order_id, choice.line_id) == mine
        )
        or any(
            license_.registered_domain is not None or license_.license_id in served
            for license_ in account.licenses.values()
            if (license_.order_id, license_.line_id) == mine
        )
        or any(
            cover.cover_id in served or (cover.start == "first_ticket" and cover.starts_at is not None)
            for cover in account.covers.values()
            if (cover.order_id, cover.line_id) == mine
        )
    )


def withdraw(account: CustomerAccount, order: Order, line: OrderLine, answer: TakenBack | None = None) -> None:
    """Withdraws all that a line brought, so that the line may be granted anew."""
    answer = TakenBack() if answer is None else answer
    mine = (order.order_id, line.line_id)
    for unit in _units(account, order, line):
        _correct(account, order, line, unit, answer)
    _withdraw_recurring(account, order, line, answer)
    _withdraw_lots(account, order, line, answer)
    for cover in list(account.covers.values()):
        if (cover.order_id, cover.line_id) == mine and cover.cover_id not in line.withdrawn:
            take_instead(Taking(account, order, line, answer, "corrected"), cover)
            if covers.take_back(account, cover, reason=CORRECTED):
                replacing.put_back(account, cover)
                answer.taken_back.append({"kind": "cover", "cover_id": cover.cover_id, "line_id": line.line_id})
            forgo(account, order, line, cover)
    for choice in account.choices.values():
        if (choice.order_id, choice.line_id) == mine and choice.open:
            void_choice(account, choice, reason=CORRECTED)
            answer.taken_back.append({"kind": "choice", "choice_id": choice.choice_id, "line_id": line.line_id})
    retaken.give_up(account, order, line)
    addons_left = []
    for addon in account.addons:
        if (addon.order_id, addon.line_id) != mine:
            addons_left.append(addon)
        elif addon.voided_at is None:
            addon.voided_at = account.at
            account.plan.addons.append(addon)
            answer.taken_back.append({"kind": "addon", "addon": addon.addon, "line_id": line.line_id})
    account.addons = addons_left
    line.units, line.corrected = None, 0
    account.plan.orders[order.order_id] = order


def forgo(account: CustomerAccount, order: Order, line: OrderLine, cover: Cover) -> None:
    """A cover that stands for its line no longer."""
    line.withdrawn = (*line.withdrawn, str(cover.cover_id))
    account.plan.orders[order.order_id] = order


# --- steps ------------------------------------------------------------------------------------------------------------


def _withdraw_lots(account: CustomerAccount, order: Order, line: OrderLine, answer: TakenBack) -> None:
    for lot in list(account.ledger.lots.values()):
        if (lot.order_id, lot.line_id) != (order.order_id, line.line_id) or lot.withdrawn:
            continue
        voided = account.ledger.void(lot.lot_id, reason=CORRECTED)
        account.ledger.withdraw(lot.lot_id)
        if not voided:
            continue
        balance = account.ledger.balance(lot.credit_type)
        answer.taken_back.append(_credits_row(lot, voided, line))
        data = voided_data(lot, voided, balance, reason=CORRECTED, order_id=order.order_id)
        account.emit("credits.voided", data)


def _withdraw_recurring(account: CustomerAccount, order: Order, line: OrderLine, answer: TakenBack) -> None:
    for grant in recurring.grants_of(account):
        if grant.unit[:2] == (order.order_id, line.line_id) and not grant.withdrawn:
            for lot, voided in recurring.withdraw(account, grant, reason=CORRECTED):
                answer.taken_back.append(_credits_row(lot, voided, line))


def _credits_row(lot: Lot, credits: int, line: OrderLine) -> dict[str, Any]:
    """Return what was taken of a lot, as an answer says it."""
    return {
        "kind": "credits",
        "lot_id": lot.lot_id,
        "credit_type": lot.credit_type,
        "credits": credits,
        "line_id": line.line_id,
    }


def _quantity(
    account: CustomerAccount,
    order: Order,
    line: OrderLine,
    now: int,
    kind: str | None,
    refunded: Mapping[str, int],
    terms: Terms,
    answer: TakenBack,
) -> None:
    before, line.quantity = line.quantity, now
    if (order.order_id, line.line_id) not in lines_granted(account, [order]):
        line.units, line.corrected = None, 0  # no unit was granted that could be taken out: all it says is granted
        return
    if kind == "license":
        for unit in _units(account, order, line):
            if unit.unit_no > now:
                _correct(account, order, line, unit, answer)
        return
    made = line.units if line.units is not None else before
    gone = min(made, line.corrected + refunded.get(line.line_id, 0))
    if now < made - line.corrected:
        line.corrected = made - now
    line.units = line.corrected + now
    if before == 0 < now:
        for addon in account.addons:
            if (addon.order_id, addon.line_id) == (order.order_id, line.line_id):
                addon.voided_at = None
                account.plan.addons.append(addon)
    more = line.gone(refunded.get(line.line_id, 0)) - gone
    if more > 0 and line.units == made:
        _join(answer, take_back(account, order, {line.line_id: more}, terms, reason="corrected"))
    elif more > 0:
        answer.later[line.line_id] = more
    _subsume(account, order, line, answer)


def _subsume(account: CustomerAccount, order: Order, line: OrderLine, answer: TakenBack) -> None:
    """Units that were refunded and are taken out now count as never bought: they take of their own order alone."""
    for rule in sorted({row["rule"] for row in line.taken_periods}):
        refunds = [row for row in line.taken_periods if row["rule"] == rule and row["reason"] != CORRECTED]
        for row in refunds[line.quantity :]:
            rest = list(line.taken_periods)
            rest.remove(row)
            cover = account.covers.get(CoverId(str(row["cover_id"])))
            if cover is None or (cover.order_id, cover.line_id) == (order.order_id, line.line_id):
                line.taken_periods = (*rest, {**row, "reason": CORRECTED})
            else:
                line.taken_periods = tuple(rest)
                retaken.release(account, [(order, row)])
                take_period(Taking(account, order, line, answer, "corrected"), rule)
            account.plan.orders[order.order_id] = order


def _correct(account: CustomerAccount, order: Order, line: OrderLine, license_: License, answer: TakenBack) -> None:
    if license_.ended_reason == "refunded":
        # It was taken back already; from now on it counts as never bought.
        license_.ended_reason = "corrected"
        put_license(account, license_, "ended")
        for lot in account.ledger.lots.values():
            if (lot.order_id, lot.line_id, lot.unit_no) == (license_.order_id, license_.line_id, license_.unit_no):
                account.ledger.withdraw(lot.lot_id)
        for grant in recurring.grants_of(account):
            if grant.license_id == license_.license_id and not grant.withdrawn:
                recurring.give_up(account, grant)
        return
    take_license(Taking(account, order, line, answer, "corrected"), license_)


def _units(account: CustomerAccount, order: Order, line: OrderLine) -> list[License]:
    """The line's licenses that count, newest first."""
    return sorted(
        (
            license_
            for license_ in account.licenses.values()
            if (license_.order_id, license_.line_id) == (order.order_id, line.line_id)
            and license_.ended_reason != CORRECTED
        ),
        key=lambda license_: license_.unit_no,
        reverse=True,
    )


def _kind(order: Order, line: OrderLine, terms: Terms) -> str | None:
    found = sold(terms[pin_of(order, line)], line.sku)
    return None if isinstance(found, NotGranted) else found[0].kind


def _content(order_line: OrderLine) -> tuple[Any, ...]:
    return (order_line.sku, order_line.quantity, *_worth(order_line))


def _worth(order_line: OrderLine) -> tuple[Any, ...]:
    return order_line.unit_price, order_line.list_price, order_line.attributes


def _join(answer: TakenBack, more: TakenBack) -> None:
    answer.taken_back += more.taken_back
    answer.left += more.left
    answer.owed += more.owed


def lines_of(lines: Iterable[OrderLine]) -> list[dict[str, Any]]:
    """The lines of an order as events tell them."""
    return [{"line_id": line.line_id, "sku": line.sku, "quantity": line.quantity} for line in lines]
