"""A payment dispute: the buyer's bank takes the money of an order back, and the vendor may win it.

A *dispute* without more is about a ticket's charge.

The policy's `payment_disputes` says what an open, a lost and a won one do to unspent grants of the order. Everything
that a dispute took is remembered, so that winning it puts each thing back as it was. These are credits in the same
lots, licenses, periods, choices and add-ons.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from app.domain.account import extension, recurring
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Addon, Choice, Cover, License, Order, OrderRefund
from app.domain.account.payment_dispute import Action, PaymentDispute, State
from app.domain.account.plan_credits import follow_plan
from app.domain.cover import cover as covers
from app.domain.cover import of_license, replacing
from app.domain.ledger import suspension
from app.domain.ledger.account_merge import pass_on
from app.domain.ledger.events import moved_data
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Lot
from app.domain.ledger.undone_claims import undo_claims
from app.domain.ledger.units import claimed, forget, owed
from app.domain.orders import license_covers, retaken
from app.domain.orders.grants import put_license
from app.domain.orders.lines import Terms
from app.domain.orders.refunds import TakenBack, Taking, guarantee_of, take_back, take_instead
from app.domain.policy.credit_rules import PaymentDisputes
from app.domain.values.ids import LicenseId
from app.domain.values.wire import iso, iso_or_none, jsonable, parse_iso_or_none, payload_hash

REASON: Final = suspension.REASON
_COVER: Final = ("state", "starts_at", "ends_at", "suspended_at", "voided_at")
_ACTIONS: Final[dict[str, Action]] = {"nothing": "none", "suspend": "suspended", "take_back": "taken_back"}


def action_of(state: State, rules: PaymentDisputes, before: Action) -> Action:
    """Return what a dispute in this state does under the policy; ``before``: what it did so far."""
    if state == "warning":
        return "none"
    if state == "won":
        return "taken_back" if rules.won == "nothing" and before == "taken_back" else "none"
    return _ACTIONS[rules.open if state == "open" else rules.lost]


def shown(dispute: PaymentDispute) -> tuple[Action | Literal["given_back"], int]:
    """Return what a payment dispute did last, and to how many credits: one that was undone gave them back."""
    undone = dispute.undo.get("given_back") if dispute.action == "none" else None
    return (dispute.action, dispute.credits) if undone is None else ("given_back", int(undone))


def units_left(order: Order, units: Mapping[str, int], refunded: Mapping[str, int]) -> dict[str, int]:
    """Return how many of the disputed units are still there to take: those given back already are not taken twice."""
    found = {}
    for line in order.lines:
        left = min(units.get(line.line_id, 0), line.quantity - refunded.get(line.line_id, 0))
        if left > 0:
            found[str(line.line_id)] = left
    return found


# --- suspended --------------------------------------------------------------------------------------------------------


def suspend(
    account: CustomerAccount, order: Order, dispute: PaymentDispute, units: Mapping[str, int], terms: Terms
) -> None:
    """Set aside the credits that taking the units back would take now; licenses and periods go on."""
    dispute.undo = {}
    for lot_id, number in _would_take(account, order, units, terms).items():
        lot = account.ledger.lots.get(lot_id)
        if lot is None or (part := min(number, lot.available)) == 0:
            continue
        hold = suspension.suspend(account.ledger, lot, part, order_id=order.order_id)
        dispute.holds.append(hold.hold_id)
        dispute.credits += part
        balance = account.ledger.balance(lot.credit_type)
        account.emit("credits.held", moved_data(lot.credit_type, part, balance, hold_id=hold.hold_id, reason=REASON))


def lift(account: CustomerAccount, dispute: PaymentDispute) -> None:
    """Give suspended credits back to their lots."""
    lifted = 0
    for hold_id in reversed(dispute.holds):
        owner = _owner(account.ledger, hold_id)
        hold = None if owner is None else owner.holds[hold_id]
        if owner is None or hold is None:
            continue
        number = suspension.lift(owner, hold)
        if owner is not account.ledger:
            pass_on(owner, account.ledger)
        lifted += number
        if number:
            balance = account.ledger.balance(hold.credit_type)
            data = moved_data(hold.credit_type, number, balance, hold_id=hold_id, reason=REASON)
            account.emit("credits.released", data)
    dispute.holds, dispute.credits, dispute.undo = [], 0, {"given_back": lifted}


def _would_take(account: CustomerAccount, order: Order, units: Mapping[str, int], terms: Terms) -> dict[str, int]:
    """Return credits by lot that a take-back of the units would void, tried on a copy of the account."""
    accounts = (account, *account.others.values())
    shared = [terms, *terms.values(), *(each.policy for each in accounts), *(each.mint for each in accounts)]
    shared += [part for each in account.ledger.reachable() for part in (each.mint, each.rules) if part is not None]
    keep: dict[int, Any] = {id(part): part for part in shared}
    trial, again = copy.deepcopy((account, order), keep)
    before = {lot.lot_id: lot.voided for lot in trial.ledger.lots.values()}
    take_back(trial, again, units, terms)
    return {
        lot.lot_id: lot.voided - before[lot.lot_id]
        for lot in trial.ledger.lots.values()
        if lot.lot_id in before and lot.voided > before[lot.lot_id]
    }


def _owner(ledger: Ledger, hold_id: str) -> Ledger | None:
    return next((ledger_ for ledger_ in (ledger, *ledger.former.values()) if hold_id in ledger_.holds), None)


# --- taken back, and put back -----------------------------------------------------------------------------------------


def take(
    account: CustomerAccount, order: Order, dispute: PaymentDispute, units: Mapping[str, int], terms: Terms
) -> None:
    """Take back what is unspent of the units, as a refund does. Remember what has to be put back."""
    if not units:
        return
    dispute.takes += 1
    dispute.refund_id = f"{REASON}:{dispute.dispute_id}:{dispute.takes}"
    before = _before(account)
    result = take_back(account, order, units, terms, reason="payment_dispute", ref=dispute.refund_id)
    lines = [{"line_id": line_id, "quantity": count} for line_id, count in sorted(units.items())]
    answer = jsonable(
        {
            "order_id": order.order_id,
            "refund_id": dispute.refund_id,
            "at": account.at,
            "reason": REASON,
            "lines": lines,
            "taken_back": result.taken_back,
            "not_taken_back": result.left,
            "owed": result.owed,
            **guarantee_of(terms[order.policy_version], account, order),
        }
    )
    account.plan.refunds.append(
        OrderRefund(
            order_id=order.order_id,
            refund_id=dispute.refund_id,
            customer_id=account.customer.customer_id,
            payload_hash=payload_hash({"order_id": order.order_id, "refund_id": dispute.refund_id, "lines": lines}),
            answer=answer,
            at=account.at,
        )
    )
    account.emit("order.refunded", {key: value for key, value in answer.items() if key != "reason"})
    _remember(account, before, dispute, [row for line in order.lines for row in line.taken_periods])


def take_more(
    dispute: PaymentDispute, account: CustomerAccount, order: Order, units: Mapping[str, int], terms: Terms
) -> None:
    """Take back what units bring that granted nothing yet when the dispute took them. Remember that, too."""
    before, known, earlier = _before(account), dict(dispute.undo), dispute.credits
    take_back(account, order, units, terms, reason="payment_dispute", ref=dispute.refund_id)
    _remember(account, before, dispute, [row for line in order.lines for row in line.taken_periods])
    dispute.credits += earlier
    dispute.undo = {name: _joined(known.get(name), more) for name, more in dispute.undo.items()}
    dispute.version += 1


def _joined(one: Any, more: Any) -> Any:
    """Return what two takings of one dispute have to put back together."""
    if one is None or isinstance(more, list):
        return more if one is None else sorted([*one, *(row for row in more if row not in one)])
    found = {**more, **one}
    for name in one.keys() & more.keys():
        if isinstance(one[name], int):
            found[name] = one[name] + more[name]
        elif isinstance(one[name], list) and all(isinstance(part, int) for part in one[name]):
            found[name] = [a + b for a, b in zip(one[name], more[name], strict=True)]
    return found


@dataclass(frozen=True, slots=True)
class _Before:
    """How things stood before a dispute took something back."""

    lots: Mapping[str, tuple[int, int, int]]
    owed: Mapping[str, int]
    licenses: frozenset[str]
    covers: Mapping[str, dict[str, Any]]
    choices: frozenset[str]
    addons: frozenset[tuple[str, str]]
    recurring: Mapping[str, list[list[str | None]]]
    replaced: frozenset[str]
    """Periods that had ended since another plan replaced them: they follow what becomes of that one."""


def _before(account: CustomerAccount) -> _Before:
    return _Before(
        lots={lot.lot_id: (lot.voided, claimed(lot), owed(lot)) for lot in _lots(account.ledger)},
        owed={key: account_.owed for key, account_ in account.ledger.accounts.items()},
        licenses=frozenset(key for key, license_ in account.licenses.items() if license_.ended_at is None),
        covers={key: _cover(cover) for key, cover in account.covers.items()},
        choices=frozenset(key for key, choice in account.choices.items() if choice.voided_at is None),
        addons=frozenset((addon.order_id, addon.line_id) for addon in account.addons if addon.voided_at is None),
        recurring={
            grant.grant_id: grant.spans for grant in recurring.grants_of(account) if not grant.terms.get("gone")
        },
        replaced=frozenset(key for key, cover in account.covers.items() if replacing.is_cut(cover)),
    )


def _remember(
    account: CustomerAccount, before: _Before, dispute: PaymentDispute, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Remember on the dispute what was taken since, so that `save` can undo it.

    Bought periods are on the order's lines (``rows``), with what was taken of their credits.
    """
    periods = [row for row in rows if row["ref"] == dispute.refund_id]
    by_lines = {row["cover_id"] for row in periods}
    of_periods = {lot_id: parts for row in periods for lot_id, parts in row["lots"].items()}
    lots = {}
    for lot in _lots(account.ledger):
        then, now = before.lots.get(lot.lot_id), (lot.voided, claimed(lot), owed(lot))
        noted = any(
            row["ref"] == dispute.refund_id for row in lot.data.get("paid_back", ())
        )  # of an expired lot: that alone
        if then is not None and (then != now or noted):
            lots[lot.lot_id] = [a - b for a, b in zip(now, then, strict=True)]
    dispute.credits = sum(max(voided, 0) for voided, _, _ in lots.values())
    lots = {
        lot_id: [a - b for a, b in zip(parts, of_periods.get(lot_id, (0, 0, 0)), strict=True)]
        for lot_id, parts in lots.items()
        if of_periods.get(lot_id) != parts
    }
    dispute.undo = {
        "lots": lots,
        "owed": {
            key: account.owed - before.owed.get(key, 0)
            for key, account in account.ledger.accounts.items()
            if account.owed > before.owed.get(key, 0)
        },
        "licenses": sorted(key for key in before.licenses if account.licenses[key].ended_at is not None),
        "covers": {
            key: then
            for key, then in sorted(before.covers.items())
            if key not in by_lines and key not in before.replaced and _cover(account.covers[key]) != then
        },
        "choices": sorted(key for key in before.choices if account.choices[key].voided_at is not None),
        "addons": sorted(
            [item.order_id, item.line_id]
            for item in account.addons
            if item.voided_at is not None and (item.order_id, item.line_id) in before.addons
        ),
        "recurring": {
            grant.grant_id: before.recurring[grant.grant_id]
            for grant in recurring.grants_of(account)
            if grant.terms.get("gone") and grant.grant_id in before.recurring
        },
    }


def save(account: CustomerAccount, order: Order, dispute: PaymentDispute, refund: OrderRefund | None) -> None:
    """Undo what the dispute took: each lot, license, period, choice and add-on as it was. Settle the orders then.

    Credits are back before what comes again goes on: a renewal in between bounds them as if nothing had happened.
    """
    returned: list[dict[str, Any]] = []
    of_licenses = _of_licenses(account, dispute.undo.get("licenses", ()))
    for cover in _covers_then(account, {**dispute.undo.get("covers", {}), **of_licenses}):
        follow_plan(account, cover)  # credits that end with it are good again
    credits_back = _lots_back(account, order, dispute, dispute.undo.get("lots", {}))
    for credit_type, debt in sorted(dispute.undo.get("owed", {}).items()):
        suspension.forgive(account.ledger, credit_type, debt, order_id=order.order_id)
    returned += _licenses_back(account, dispute.undo.get("licenses", ()))
    returned += _covers_back(account, order, {**dispute.undo.get("covers", {}), **of_licenses})
    returned += retaken.give_back(account, order, dispute.refund_id)
    _undue_back(account, order)
    returned += _choices_back(account, dispute.undo.get("choices", ()))
    returned += _addons_back(account, dispute.undo.get("addons", ()))
    _recurring_back(account, dispute.undo.get("recurring", {}))
    returned += credits_back
    if refund is not None:
        lines = refund.answer["lines"]
        refund.answer = {
            **refund.answer,
            "lines": [],
            "undone": {"at": iso(account.at), "lines": lines, "given_back": returned},
        }
        account.plan.refunds_undone.append(refund)
    back = sum(row["credits"] for row in returned if row["kind"] == "credits")
    dispute.undo, dispute.credits, dispute.refund_id = {"given_back": back}, 0, None


def _lots(ledger: Ledger) -> Iterable[Lot]:
    return (lot for each in ledger.reachable() for lot in each.lots.values())


def _cover(cover: Cover) -> dict[str, Any]:
    values = {name: getattr(cover, name) for name in _COVER}
    return {name: iso_or_none(value) if name.endswith("_at") else value for name, value in values.items()}


def _lots_back(
    account: CustomerAccount, order: Order, dispute: PaymentDispute, lots: Mapping[str, Sequence[int]]
) -> list[dict[str, Any]]:
    """Reinstate what was voided, and lift the claims on what is still in use; what came back since is reinstated."""
    returned = []
    for ledger in account.ledger.reachable():
        for lot in [lot for lot in ledger.lots.values() if lot.lot_id in lots and not lot.withdrawn]:
            forget(lot, dispute.refund_id, lots[lot.lot_id][2])
            ledger.mark_lot(lot)
    for ledger, lot, number in undo_claims(account.ledger, lots):
        suspension.reinstate(ledger, lot, number, order_id=order.order_id)
        returned.append(_given_back(account, ledger, lot, number, order))
    for root in sorted({lot.root for lot in _lots(account.ledger) if lot.lot_id in lots}):
        extension.taken_back(account, [lot for lot in _lots(account.ledger) if lot.root == root])
    return returned


def _given_back(account: CustomerAccount, ledger: Ledger, lot: Lot, number: int, order: Order) -> dict[str, Any]:
    for heir in (account.ledger, *account.ledger.others.values()):
        if ledger in heir.former.values():
            pass_on(ledger, heir)
    owner = account.others.get(lot.customer_id, account)
    owner.emit(
        "credits.reinstated",
        {
            "lot_id": lot.lot_id,
            "order_id": order.order_id,
            "credits": number,
            "reason": REASON,
            "balance": owner.ledger.balance(lot.credit_type),
        },
    )
    unit = lot.unit
    return {
        "kind": "credits",
        "lot_id": lot.lot_id,
        "credit_type": lot.credit_type,
        "credits": number,
        "line_id": unit[1] if unit else lot.line_id,
    }


def _recurring_back(account: CustomerAccount, then: Mapping[str, list[list[str | None]]]) -> None:
    """Let what came again, and ran with no cover, go on as it did."""
    for grant in recurring.grants_of(account):
        if grant.grant_id in then:
            grant.terms = {name: value for name, value in grant.terms.items() if name != "gone"}
            grant.spans = then[grant.grant_id]
            recurring.put_grant(account, grant, "reinstated")


def _licenses_back(account: CustomerAccount, licenses: Iterable[str]) -> list[dict[str, Any]]:
    returned = []
    for key in licenses:
        found: License | None = account.licenses.get(key)
        if found is None or found.ended_reason != "refunded":
            continue
        found.ended_at = found.ended_reason = found.uncounted_after = None
        put_license(account, found, "reinstated")
        account.emit("license.reinstated", {"license_id": key, "order_id": found.order_id, "reason": REASON})
        returned.append({"kind": "license", "license_id": key, "line_id": found.line_id, "unit_no": found.unit_no})
    return returned


def _of_licenses(account: CustomerAccount, licenses: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return how the covers of licenses that are put back would stand by now, whatever was told since they ended."""
    back = {key for key in licenses if account.licenses[LicenseId(key)].ended_reason == "refunded"}
    found = [cover for cover in account.covers.values() if cover.license_id in back and of_license.is_marked(cover)]
    return {cover.cover_id: of_license.mark_of(cover)[0] for cover in found}


def _covers_then(account: CustomerAccount, then: Mapping[str, Mapping[str, Any]]) -> list[Cover]:
    """Set the periods that a dispute took as they were, and return them."""
    found = []
    for key, values in sorted(then.items()):
        cover = account.covers.get(key)
        if cover is None or _never_bought(account, cover.license_id):
            continue
        cover.state = values["state"]
        cover.starts_at = parse_iso_or_none(values["starts_at"])
        cover.ends_at = parse_iso_or_none(values["ends_at"])
        cover.suspended_at = parse_iso_or_none(values["suspended_at"])
        cover.voided_at = parse_iso_or_none(values.get("voided_at"))
        found.append(cover)
    return found


def _covers_back(account: CustomerAccount, order: Order, then: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    returned = []
    for cover in _covers_then(account, then):
        if of_license.is_marked(cover):
            returned += retaken.lots_back(account, [(order, license_covers.row_of(cover))])
            of_license.forget(cover)
        covers.reinstated(account, cover, reason=REASON)
        replacing.cut_again(account, cover)
        returned.append(
            {
                "kind": "cover",
                "cover_id": cover.cover_id,
                "line_id": cover.line_id,
                "state": covers.state_of(cover, account.at),
                "ends_at": iso_or_none(cover.ends_at),
            }
        )
    return returned


def _undue_back(account: CustomerAccount, order: Order) -> None:
    """Take what an order's plans gave for others that they do not replace now: refunded since, or replaced again."""
    for cover in sorted(account.covers.values(), key=lambda cover: cover.cover_id):
        lines = [line for line in order.lines if (cover.order_id, cover.line_id) == (order.order_id, line.line_id)]
        for line in lines:
            taking = Taking(account, order, line, TakenBack(), "refunded", ref=REASON)
            for lower in replacing.undue(account, cover):
                take_instead(taking, lower, cover)


def _choices_back(account: CustomerAccount, choices: Iterable[str]) -> list[dict[str, Any]]:
    returned = []
    for key in choices:
        choice: Choice | None = account.choices.get(key)
        if choice is None or choice.voided_at is None or _stands(account, choice):
            continue
        if _never_bought(account, choice.license_id):
            continue
        choice.voided_at = None
        account.plan.put_choice(choice, "reinstated", {"reason": REASON})
        account.emit("choice.reinstated", {"choice_id": key, "order_id": choice.order_id, "reason": REASON})
        returned.append({"kind": "choice", "choice_id": key, "line_id": choice.line_id})
    return returned


def _never_bought(account: CustomerAccount, license_id: str | None) -> bool:
    """Whether a license was taken out of its order by the shop since: what it brought stays gone with it."""
    found = None if license_id is None else account.licenses.get(license_id)
    return found is not None and found.ended_reason == "corrected"


def _stands(account: CustomerAccount, gone: Choice) -> bool:
    """Whether another choice of the same unit and rule is there by now."""
    mine = (gone.order_id, gone.line_id, gone.unit_no, gone.rule)
    return any(
        choice.voided_at is None and (choice.order_id, choice.line_id, choice.unit_no, choice.rule) == mine
        for choice in account.choices.values()
    )


def _addons_back(account: CustomerAccount, addons: Iterable[Iterable[str]]) -> list[dict[str, Any]]:
    names = {tuple(addon) for addon in addons}
    returned = []
    found: list[Addon] = [addon for addon in account.addons if (addon.order_id, addon.line_id) in names]
    for addon in found:
        addon.voided_at = None
        account.plan.addons.append(addon)
        returned.append({"kind": "addon", "addon": addon.addon, "line_id": addon.line_id})
    return returned


def amount_text(amount: Decimal | None) -> str | None:
    """Return an amount as stored."""
    return None if amount is None else format(amount, "f")
