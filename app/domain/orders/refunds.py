"""A refunded order: what is unspent of its grants is taken back, what was used is reported (AVA-14), never hidden.

Licenses go newest first with what they brought. Of bought periods the newest that has not begun goes first; only then
the running one is shortened (decision 0026). A period that has run out is reported as not taken back. Which period
it is follows the orders that stand (`app.domain.orders.periods`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from app.domain.account import extension, recurring
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Addon, Cover, License, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover import of_license, replacing
from app.domain.cover.terms import CoverTerms
from app.domain.ledger.events import voided_data
from app.domain.ledger.expiry import post_due_expiries
from app.domain.ledger.lot import Lot
from app.domain.ledger.recurring import RecurringGrant, spans_of
from app.domain.ledger.refunded_units import mark_gone, owe_again, take_all
from app.domain.ledger.units import TakeBackReason, VoidedGrant, claimed, outstanding, owed, transferred
from app.domain.orders import periods, queues
from app.domain.orders.grants import end_license, void_choice
from app.domain.orders.lines import Terms, pin_of, sold
from app.domain.orders.merges import Merges
from app.domain.orders.refundable import whole
from app.domain.orders.replaced_plans import lots_instead, shift
from app.domain.policy.offers import NotGranted
from app.domain.policy.policy import Policy
from app.domain.values.term import add_term
from app.domain.values.wire import iso, iso_or_none

Reason = Literal["refunded", "corrected", "payment_dispute"]
"""``corrected``: the shop took units out of its order, which is no refund. ``payment_dispute``: the buyer's bank took
the money back; what that takes may be put back (`app.domain.orders.payment_disputes`)."""


@dataclass(slots=True)
class TakenBack:
    """What a refund took back and what it could not."""

    taken_back: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    owed: int = 0
    later: dict[str, int] = field(default_factory=dict)
    """Units by line that can only be taken back once the line was granted anew."""


@dataclass(frozen=True, slots=True)
class Taking:
    """An order's line of which something is taken back, with the reason and the clause. ``answer`` is told what was."""

    account: CustomerAccount
    order: Order
    line: OrderLine
    answer: TakenBack
    reason: Reason
    clause: str | None = None
    ref: str | None = None
    """The storefront's id of the refund."""

    by_unit: Mapping[int, list[list[Lot]]] | None = None
    """What the units of the line were granted, where it is known already."""

    def of_unit(self, unit_no: int) -> list[list[Lot]]:
        """Return what one unit was granted: each lot with those in which its credits lie by now."""
        if self.by_unit is not None:
            return self.by_unit[unit_no]
        return self.account.ledger.granted_by(self.order.order_id, self.line.line_id, (unit_no,))

    @property
    def why(self) -> TakeBackReason:
        """Return why it is taken back, as the ledger books it."""
        return TakeBackReason(
            door="correction" if self.reason == "corrected" else "order",
            reason=self.reason,
            clause=self.clause,
            order_id=self.order.order_id,
            ref=self.ref,
        )

    def brought(self, license_: License | Cover | Addon) -> bool:
        """Whether it came from this line."""
        return (license_.order_id, license_.line_id) == (self.order.order_id, self.line.line_id)


def take_back(
    account: CustomerAccount,
    order: Order,
    units: Mapping[str, int],
    terms: Terms,
    *,
    reason: Reason = "refunded",
    ref: str | None = None,
) -> TakenBack:
    """Takes back so many units of each line (``line_id -> quantity``); the lines were checked."""
    answer = TakenBack()
    for credit_type in account.ledger.due_types():
        post_due_expiries(account.ledger, credit_type)
    for line in order.lines:
        quantity = units.get(line.line_id, 0)
        if quantity == 0:
            continue
        policy = terms[pin_of(order, line)]
        found = sold(policy, line.sku)
        kind = None if isinstance(found, NotGranted) else found[0].kind
        clause = policy.guarantee.clause if policy.guarantee else None
        taking = Taking(account, order, line, answer, reason, clause, ref)
        if kind == "license":
            _licenses(taking, quantity)
        else:
            _bought(taking, quantity)
    return answer


def guarantee_of(policy: Policy, account: CustomerAccount, order: Order) -> dict[str, Any]:
    """``{"within_guarantee", "clause", "guarantee_ends_at", "reading"}`` of an order (AVA-14); the end is exclusive."""
    rule = policy.guarantee
    if rule is None:
        return {"within_guarantee": False, "clause": None, "guarantee_ends_at": None, "reading": False}
    ends = add_term(order.placed_at, rule.within, covers.term_zone(policy))
    return {
        "within_guarantee": account.at < ends,
        "clause": rule.clause,
        "guarantee_ends_at": iso(ends),
        "reading": rule.reading,
    }


def _licenses(taking: Taking, quantity: int) -> None:
    mine = sorted(
        (
            license_
            for license_ in taking.account.licenses.values()
            if taking.brought(license_) and license_.ended_reason not in ("refunded", "corrected")
        ),
        key=lambda license_: license_.unit_no,
        reverse=True,
    )
    by_unit: dict[int, list[list[Lot]]] = {license_.unit_no: [] for license_ in mine[:quantity]}
    order_id, line_id = taking.order.order_id, taking.line.line_id
    for family in taking.account.ledger.granted_by(order_id, line_id, by_unit):  # once for all units
        by_unit[family[0].unit[2] if family[0].unit else 0].append(family)
    taking = replace(taking, by_unit=by_unit)
    for license_ in mine[:quantity]:
        take_license(taking, license_)


def take_license(taking: Taking, license_: License) -> None:
    """Ends one license and takes back what it brought."""
    account, line, answer, reason = taking.account, taking.line, taking.answer, taking.reason
    untouched = not _touched(taking, license_)
    _credits(taking, unit_no=license_.unit_no)
    for choice in sorted(account.choices.values(), key=lambda choice: choice.choice_id):
        if choice.license_id == license_.license_id and choice.open:
            void_choice(account, choice, reason=reason)
            answer.taken_back.append({"kind": "choice", "choice_id": choice.choice_id, "line_id": line.line_id})
    served = [
        (cover, covers.state_of(cover, account.at))
        for cover in sorted(account.covers.values(), key=lambda cover: cover.cover_id)
        if cover.license_id == license_.license_id
    ]
    if untouched and reason != "corrected":
        license_.uncounted_after = max(account.licenses)
    ended: Literal["corrected", "refunded"] = "corrected" if reason == "corrected" else "refunded"
    for grant in _recurring(taking):
        if grant.unit_no == license_.unit_no:
            _end(taking, grant)
            if reason == "corrected":  # it makes room for another license of the unit
                recurring.give_up(account, grant)
    for cover, before in served:
        if reason != "corrected" and before not in ("ended", "voided"):
            of_license.mark(cover)
    end_license(account, license_, account.at, reason=ended, clause=taking.clause)
    answer.taken_back.append(
        {"kind": "license", "license_id": license_.license_id, "line_id": line.line_id, "unit_no": license_.unit_no}
    )
    for cover, before in served:
        if before == "ended":
            _note_served(taking, cover)
        elif before != "voided":
            _take_cover(taking, cover)


def _touched(taking: Taking, license_: License) -> bool:
    """Whether anything of what a license brought was used: credits held, spent or given away, a period begun."""
    found = taking.of_unit(license_.unit_no)
    return any(lot.held or lot.spent or transferred(lot) for family in found for lot in family) or any(
        cover.license_id == license_.license_id and cover.start == "first_ticket" and cover.starts_at is not None
        for cover in taking.account.covers.values()
    )


def _bought(taking: Taking, quantity: int) -> None:
    account, line = taking.account, taking.line
    _credits(taking, quantity=quantity)
    alone = [grant for grant in _recurring(taking) if grant.cover_id is None and not grant.terms.get("gone")]
    for rule in sorted({grant.rule for grant in alone}):
        mine = [grant for grant in reversed(alone) if grant.rule == rule]
        _units_again(taking, mine, quantity)
        for grant in mine[:quantity]:
            _end(taking, grant)
    rules = {
        cover.rule
        for cover in account.covers.values()
        if taking.brought(cover) and cover.cover_id not in line.withdrawn
    }
    for rule in sorted(rules):
        for _ in range(quantity):
            take_period(taking, rule)
    for addon in account.addons if taking.reason != "corrected" or line.quantity == 0 else ():
        if taking.brought(addon) and addon.voided_at is None:
            addon.voided_at = account.at
            account.plan.addons.append(addon)
            taking.answer.taken_back.append({"kind": "addon", "addon": addon.addon, "line_id": line.line_id})


def _credits(taking: Taking, *, unit_no: int | None = None, quantity: int | None = None) -> None:
    """Take back credits of one unit of a license, or of so many bought units. The last added go first."""
    account, order, line, reason = taking.account, taking.order, taking.line, taking.reason
    by_unit: dict[int, list[list[Lot]]] = {}
    found = account.ledger.granted_by(order.order_id, line.line_id) if unit_no is None else taking.of_unit(unit_no)
    again = {grant.rule for grant in _recurring(taking)} if unit_no is None else set()
    for family in found:
        if family[0].rule in again or family[0].reason == replacing.REPLACED:
            continue  # these go with the cover or the unit that they come with
        by_unit.setdefault(family[0].unit[2] if family[0].unit else 0, []).append(family)
    left = None if quantity is None else sum(map(whole, by_unit.values())) * quantity // line.made
    why = taking.why
    for _, families in sorted(by_unit.items(), reverse=True):
        alike = [lot for family in families for lot in family]
        share = None if left is None else min(left, outstanding(families[0]))
        if share == 0:
            continue
        left = None if left is None or share is None else left - share
        _take_families(taking, families, share)
        if reason == "corrected" and unit_no is not None:
            for lot in alike:
                if lot.lot_id in account.ledger.lots:
                    account.ledger.withdraw(lot.lot_id)
    gone = left or 0
    for _, families in sorted(by_unit.items(), reverse=True):
        owing = owe_again(account.ledger, families[0], gone, why)
        taking.answer.owed, gone = taking.answer.owed + owing, gone - owing
    if left and reason == "refunded":
        for _, families in sorted(by_unit.items(), reverse=True):
            left -= mark_gone(account.ledger, families[0], left, why)


def _take_families(taking: Taking, families: list[list[Lot]], share: int | None) -> None:
    """Take back so many credits of each family, all if None; tell what was taken, and note what was not."""
    alike = [lot for family in families for lot in family]
    before = {lot.lot_id: lot.voided for lot in alike}
    result = take_all(taking.account.ledger, families, share, taking.why)
    taking.answer.owed += result.owed
    if share is None:
        taking.answer.owed += sum(owe_again(taking.account.ledger, family, None, taking.why) for family in families)
    for lot in alike:
        if voided := lot.voided - before[lot.lot_id]:
            _emit_voided(taking, lot, voided)
    _note_left(taking, alike, result)
    extension.taken_back(taking.account, alike)


def _recurring(taking: Taking) -> list[RecurringGrant]:
    """Return what comes again with the line, by unit."""
    return [
        grant
        for grant in recurring.grants_of(taking.account)
        if grant.unit[:2] == (taking.order.order_id, taking.line.line_id) and not grant.withdrawn
    ]


def _again(taking: Taking, grant: RecurringGrant) -> None:
    """Take back what is unspent of all intervals of a recurring grant."""
    if families := _families_of(taking, grant):
        _take_families(taking, families, None)


def _units_again(taking: Taking, grants: Sequence[RecurringGrant], quantity: int) -> None:
    """Take back what so many units of a line brought, the last ones first: of any unit what is unspent, then theirs.

    Units are alike. So what a customer used counts as of those that stay, as with a pack.
    """
    found = {grant.unit_no: _families_of(taking, grant) for grant in grants}
    left = sum(whole([family]) for grant in grants[:quantity] for family in found[grant.unit_no])
    for grant in grants:
        for family in reversed(found[grant.unit_no]):
            part = min(left, outstanding(family), sum(lot.available for lot in family))
            if part > 0:
                _take_families(taking, [family], part)
                left -= part
    for grant in grants[:quantity]:
        for family in reversed(found[grant.unit_no]):
            if part := min(left, outstanding(family)):
                _take_families(taking, [family], part)
                left -= part


def _families_of(taking: Taking, grant: RecurringGrant) -> list[list[Lot]]:
    """Return the lots of each interval of a recurring grant, wherever their credits lie by now."""
    found = taking.account.ledger.granted_by(grant.order_id, grant.line_id, (grant.unit_no,))
    return [family for family in found if family[0].rule == grant.rule and not any(lot.withdrawn for lot in family)]


def _end(taking: Taking, grant: RecurringGrant) -> None:
    """Let a recurring grant come no more; what runs with a cover ends with that."""
    if grant.spans and grant.cover_id is None:
        account = taking.account
        grant.terms = {**grant.terms, "gone": True}
        first = spans_of(grant)[0][0]
        recurring.run(account, grant, first, max(first, account.at))


def _emit_voided(taking: Taking, lot: Lot, credits: int) -> None:
    """Says what was taken back of a lot, at another customer's to that customer."""
    account, order = taking.account, taking.order
    other = account.others.get(lot.customer_id)
    row = {
        "kind": "credits",
        "lot_id": lot.lot_id,
        "credit_type": lot.credit_type,
        "credits": credits,
        "line_id": taking.line.line_id,
    }
    taking.answer.taken_back.append(row if other is None else {**row, "customer_id": other.customer.external_id})
    owner = other or account
    balance = owner.ledger.balance(lot.credit_type)
    owner.emit("credits.voided", voided_data(lot, credits, balance, reason=taking.reason, order_id=order.order_id))


def _note_left(taking: Taking, alike: list[Lot], result: VoidedGrant) -> None:
    """Report what could not be taken back: the buyer's own in one row, another customer's in a row for each lot."""
    others, line_id = taking.account.others, taking.line.line_id
    theirs = [left for left in result.left if left.lot.customer_id in others]
    spent = result.spent - sum(their.spent for their in theirs)
    held = result.held - sum(their.held for their in theirs)
    if spent or held or result.expired:
        taking.answer.left.append(
            {
                "kind": "credits",
                "lot_id": alike[0].lot_id,
                "spent": spent,
                "held": held,
                "expired": result.expired,
                "line_id": line_id,
            }
        )
    for their in theirs:
        taking.answer.left.append(
            {
                "kind": "credits",
                "lot_id": their.lot.lot_id,
                "spent": their.spent,
                "held": their.held,
                "expired": 0,
                "line_id": line_id,
                "customer_id": others[their.lot.customer_id].customer.external_id,
            }
        )


def take_period(taking: Taking, rule: str) -> None:
    """Take back a bought period for one unit, or report that there is none left. The line keeps which it was."""
    account, order, line = taking.account, taking.order, taking.line
    there = [cover for cover in account.covers.values() if cover.cover_id not in line.withdrawn]
    mine = (str(order.order_id), str(line.line_id))
    newest, corrected = str(max(account.covers)), taking.reason == "corrected"
    merges = Merges.of(account.orders.values())
    waits = periods.still_waiting(there, account.licenses.values(), account.at, CoverTerms.of(account.policy))
    takers = periods.takers_of({**account.orders, order.order_id: order}.values(), account.covers)
    among = partial(periods.choose, known_until=newest, waiting_still=waits, takers=takers, merges=merges)
    target = among(mine, rule, account.at, there, corrected=corrected)
    replaced = None if target is not None and taking.brought(target) else _replaced(taking, there, rule)
    target = target if replaced is None else None
    row = periods.taken_row(rule, account.at, taking.reason, taking.ref, target, newest, merges.at)
    if replaced is not None:
        row["replaced"] = str(replaced.cover_id)
        credits_of(taking, replaced)
        take_instead(taking, replaced)
    if target is not None:
        lots = lots_taken(account, target, lambda: _take_cover(taking, target))
        row = periods.booked({**row, "lots": lots})
    line.taken_periods = (*line.taken_periods, row)
    account.plan.orders[order.order_id] = order
    if target is not None or replaced is not None:
        return
    left = {mine} if corrected else periods.left_to(mine, takers)
    granted = [
        (cover, covers.state_of(cover, account.at))
        for cover in there
        if cover.rule == rule and (str(cover.order_id), str(cover.line_id)) in left
    ]
    owner = {row.get("cover_id") for row in taking.answer.left}
    gone, state = min(granted, key=lambda item: (item[0].cover_id in owner, item[1] != "ended", item[0].cover_id))
    _note_served(taking, gone, state)


def _replaced(taking: Taking, found: Iterable[Cover], rule: str) -> Cover | None:
    """Return a line's own period that another plan replaced, and that gave something instead; the last goes first."""
    mine = [cover for cover in found if cover.rule == rule and taking.brought(cover)]
    known = [cover for cover in mine if replacing.brought(taking.account, cover) is not None]
    return queues.in_order(known)[-1] if known else None


def take_instead(taking: Taking, lower: Cover, by: Cover | None = None) -> None:
    """Take back what another plan (``by``) gave for a period that it replaced: days of that one, or credits."""
    account = taking.account
    found = replacing.brought(account, lower, by)
    if found is None:
        return
    by, what = found
    unit_no = what.get("unit_no")
    if unit_no is not None and by.order_id is not None and by.line_id is not None:
        families = account.ledger.granted_by(by.order_id, by.line_id, (unit_no,))
        alike = [family for family in families if family[0].reason == replacing.REPLACED]
        if alike:
            _take_families(taking, alike, None)
    ends = by.ends_at
    if replacing.shorten(account, by, lower, reason=taking.reason, clause=taking.clause):
        if ends is not None and by.ends_at is not None:
            shift(account, by, by.ends_at - ends)
        taking.answer.taken_back.append(
            {
                "kind": "cover",
                "cover_id": by.cover_id,
                "state": covers.state_of(by, account.at),
                "ends_at": iso_or_none(by.ends_at),
                "line_id": taking.line.line_id,
            }
        )


def _note_served(taking: Taking, cover: Cover, state: str = "ended") -> None:
    """Says that a period could not be taken back: it has run out. What is unspent of its credits can."""
    credits_of(taking, cover)
    taking.answer.left.append(
        {
            "kind": "cover",
            "cover_id": cover.cover_id,
            "state": state,
            "ends_at": iso_or_none(cover.ends_at),
            "line_id": taking.line.line_id,
        }
    )


def lots_taken(account: CustomerAccount, cover: Cover, work: Callable[[], None]) -> dict[str, list[int]]:
    """Do some work and return what it took of the credits that came with a period: voided, claimed and owed, by lot."""
    before = {lot.lot_id: (lot.voided, claimed(lot), owed(lot)) for lot in _lots_of(account, cover)}
    work()
    found = {}
    for lot in _lots_of(account, cover):
        now = (lot.voided, claimed(lot), owed(lot))
        parts = [a - b for a, b in zip(now, before.get(lot.lot_id, (0, 0, 0)), strict=True)]
        if any(parts):
            found[str(lot.lot_id)] = parts
    return found


def _lots_of(account: CustomerAccount, cover: Cover) -> list[Lot]:
    """Return the lots that came with a period, wherever they lie by now."""
    grants = [grant for grant in recurring.grants_of(account) if grant.cover_id == cover.cover_id]
    return [
        lot
        for grant in grants
        if not grant.withdrawn
        for family in account.ledger.granted_by(grant.order_id, grant.line_id, (grant.unit_no,))
        if family[0].rule == grant.rule
        for lot in family
    ] + [lot for family in lots_instead(account, cover) for lot in family]


def credits_of(taking: Taking, cover: Cover) -> None:
    """Take back the credits that came with a period: those that come again, and those for what it replaced."""
    if families := lots_instead(taking.account, cover):
        _take_families(taking, families, None)
    for grant in recurring.grants_of(taking.account):
        if grant.cover_id == cover.cover_id and not grant.withdrawn:
            _again(taking, grant)


def _take_cover(taking: Taking, cover: Cover) -> None:
    credits_of(taking, cover)
    covers.take_back(taking.account, cover, reason=taking.reason, clause=taking.clause)
    replacing.put_back(taking.account, cover)
    taking.answer.taken_back.append(
        {
            "kind": "cover",
            "cover_id": cover.cover_id,
            "state": covers.state_of(cover, taking.account.at),
            "ends_at": iso_or_none(cover.ends_at),
            "line_id": taking.line.line_id,
        }
    )
