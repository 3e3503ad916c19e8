"""What orders grant: one fold over all orders of a customer in the order in which they were placed.

`reconcile_grants` compares what a customer's orders should have granted with what they did grant. It makes up the
difference. It folds by (placed_at, order_id, `place_of` the line, unit) and never by arrival. So any order of arrival
ends in the same projection (decision 0007):

- an untouched grant of the wrong class is voided and granted anew;
- a touched one stays and raises ``grant_review``;
- a queued period moves when an earlier order comes late.

Natural keys (order, line, unit, rule) make it safe to run any number of times.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.domain.account import extension
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Addon, Choice, Cover, License, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover import of_license
from app.domain.cover.of_license import gone as _gone
from app.domain.ledger.lot import Lot
from app.domain.ledger.refunded_units import families, lift
from app.domain.orders import license_covers
from app.domain.orders.corrections import used, withdraw
from app.domain.orders.granted import Granted, OrderOutcome, granted_so_far, moved, said_to_be_granted
from app.domain.orders.grants import emit_cover, grant_credits, notices_of, seats_of
from app.domain.orders.licenses import rank, uncounted
from app.domain.orders.lines import PLANS_HAD, Terms, judged, line_facts, paid_price, shown, sold
from app.domain.orders.offers import grant_json, options_of
from app.domain.orders.queues import QUEUED, LaidPeriods, Span, in_order, laid_of, places, spans, undisturbed
from app.domain.orders.recurring import grant_recurring, recurs
from app.domain.orders.replaced_plans import ReplacedPlans, brought_days, lengthen, shift, undo_later
from app.domain.orders.retaken import follow_orders
from app.domain.orders.upgraded import end_with_lower, lower_end
from app.domain.orders.wrong_class import already_granted, take_back
from app.domain.policy.conditions import facts_used, holds
from app.domain.policy.offers import ChoiceGrant, CoverGrant, CreditGrant, Grant, NotGranted, Offer
from app.domain.policy.policy import Policy
from app.domain.values.ids import ChoiceId, OrderId
from app.domain.values.money import Money


def reconcile_grants(
    account: CustomerAccount,
    orders: Sequence[Order],
    terms: Terms,
    *,
    corrected: bool = False,
    follow: bool = True,
    stored: Collection[str] | None = None,
) -> None:
    """Make the account hold what these orders (all of the customer's) grant; changed answers are put into the plan.

    ``corrected``: a shop changed one of them, so that grants may rest on something gone. Those are then withdrawn,
    unless they were used. ``follow``: what refunds took of periods follows the orders; then all is settled once more.
    ``stored``: covers that were there before all this.
    """
    ordered = sorted(orders, key=lambda order: (order.placed_at, order.order_id))
    account.orders = {order.order_id: order for order in ordered}
    rank(account, ordered, terms)
    undo_later(account, ordered)
    if stored is None:
        stored = account.covers.keys() - account.plan.covers.keys()
    there_before = {event.data["cover_id"] for event in account.plan.outbox if event.type == "cover.granted"}
    there_before |= {*stored}
    at_first = {*account.covers}
    outcomes, there = _folded(account, ordered, terms, corrected=corrected)
    for order in ordered:
        outcome = outcomes[order.order_id]
        notices = notices_of(
            terms[order.policy_version], [cover for cover in outcome.covers if cover.state != "voided"]
        )
        for cover in outcome.covers:
            new = cover.version == 1 or cover.cover_id not in at_first
            if new and cover.cover_id in account.plan.covers and cover.cover_id not in there_before:
                emit_cover(account, cover, notices)
        answer = {**order.answer, **outcome.published(), "notices": notices}
        if answer != order.answer:
            order.answer = answer
            account.plan.orders[order.order_id] = order
    extension.follow_purchases(account)
    if follow and follow_orders(account, ordered, there.laid):
        reconcile_grants(account, orders, terms, corrected=corrected, follow=False, stored=stored)


def _folded(
    account: CustomerAccount, ordered: Sequence[Order], terms: Terms, *, corrected: bool
) -> tuple[dict[OrderId, OrderOutcome], Granted]:
    """Settle line by line, and return what came of each order.

    A plan that ends another one may let a third begin earlier that waited for it. So all begins anew then, and what is
    bought later finds the periods as they stood when it was. So it does for what accounts that became one buy late.
    """
    lines = judged(ordered, terms)
    left = 4 * len(lines) + 4  # a plan is ended once, so it never comes to that many
    while True:
        there = granted_so_far(account, ordered)
        if there.merges.at:
            licenses = account.licenses.values()
            there.places = places(laid_of(lines, account.covers.values(), licenses), licenses, there.merges)
        outcomes = {order.order_id: OrderOutcome() for order in ordered}
        left -= 1
        for order, line, policy in lines:
            _Line(account, order, line, policy, there, outcomes[order.order_id], corrected).reconcile_grants()
            if there.replaced and left:
                break
        else:
            if not (there.fresh and there.merges.at and left):
                return outcomes, there


@dataclass(slots=True)
class _Line:
    """One order line being settled."""

    account: CustomerAccount
    order: Order
    line: OrderLine
    policy: Policy
    there: Granted
    outcome: OrderOutcome
    corrected: bool = False

    def reconcile_grants(self) -> None:
        found = sold(self.policy, self.line.sku)
        if isinstance(found, NotGranted):
            # The sku is a fact of the message, never a part of its text: it may hold braces of its own.
            self.outcome.refuse(self.line, found, {"sku": self.line.sku}, ())
            return
        offer, n = found
        facts = line_facts(self.account, self.order, self.line, self.policy, offer)
        stands = holds(offer.requires, facts) is True
        again = PLANS_HAD in facts_used(offer.requires) and self._granted_before()  # a trial that was not the first
        changed = again or (self.corrected and offer.kind != "license")
        if not stands and changed and not used(self.account, self.order, self.line):
            withdraw(self.account, self.order, self.line)
            self.there.forget(self.order, self.line)
        if not stands and not self._granted_before():
            why = offer.otherwise or NotGranted(
                code="requirement_missing", clause=offer.clause, message="What this offer requires is missing."
            )
            self.outcome.refuse(self.line, why, facts, facts_used(offer.requires))
            return
        if offer.kind in {"license", "addon"}:
            self._decided(offer.sku, offer.kind, offer.clause, offer.reading, {})
        if offer.kind == "addon":
            self._addon(offer)
        if offer.kind == "license":
            for unit_no in range(1, self.line.quantity + 1):
                self._unit(offer, n, unit_no, facts)
            return
        for grant in sorted(offer.grants, key=recurs):
            if self._applies(grant, facts, 0):
                self._grant(grant, offer, n, 0, None)

    def _granted_before(self) -> bool:
        order_id, line_id = self.order.order_id, self.line.line_id
        return (
            bool(self.there.units.get((order_id, line_id)))
            or (order_id, line_id, None) in self.there.covers
            or (order_id, line_id, 1) in self.there.licenses
            or (bool(self.order.answer.get("merged")) and said_to_be_granted(self.order, line_id))
        )

    def _resting(self, license_: License) -> None:
        """Notes that a license has its class because one that was refunded untouched does not count."""
        since = self.there.undone_since
        if since is None or license_.placed_at < since:
            return
        undone = [other.license_id for other in self.account.licenses.values() if other.uncounted_after is not None]
        if not (left_out := uncounted(self.account, undone, license_, {self.policy.version: self.policy})):
            return
        rule = self.policy.licenses
        facts = {"licenses.left_out": len(left_out), "license.ordinal": license_.ordinal}
        self._decided(
            "refunded_untouched",
            "license",
            rule.clause or _clause_of(self.policy, self.line),
            rule.reading,
            facts,
            unit_no=license_.unit_no,
        )

    def _applies(self, grant: Grant, facts: Mapping[str, Any], unit_no: int) -> bool:
        applies = holds(grant.when, facts) is True
        names = list(facts_used(grant.when))
        why = grant if applies or grant.otherwise is None else grant.otherwise
        self._decided(
            grant.rule,
            grant.kind,
            why.clause,
            why.reading,
            {name: shown(facts.get(name)) for name in names},
            granted=applies,
            unit_no=unit_no,
        )
        if not applies and grant.otherwise is not None:
            self.outcome.refuse(self.line, grant.otherwise, facts, names)
        return applies

    def _decided(
        self,
        rule: str,
        kind: str,
        clause: str,
        reading: bool,
        facts: dict[str, Any],
        *,
        granted: bool = True,
        unit_no: int = 0,
    ) -> None:
        self.outcome.decisions.append(
            {
                "line_id": self.line.line_id,
                "unit_no": unit_no,
                "rule": rule,
                "kind": kind,
                "granted": granted,
                "clause": clause,
                "reading": reading,
                "facts": facts,
                "policy_version": self.policy.version,
            }
        )

    def _unit(self, offer: Offer, n: int | None, unit_no: int, of_line: Mapping[str, Any]) -> None:
        license_ = self.there.licenses.get((self.order.order_id, self.line.line_id, unit_no))
        if license_ is None:
            return
        self._resting(license_)
        facts = {**of_line, "license.ordinal": license_.ordinal, "license.first_order": license_.first_order}
        grants = [grant for grant in offer.grants if self._applies(grant, facts, unit_no)]
        unwanted = {grant.rule: grant for grant in offer.grants if grant not in grants}
        stays = take_back(self.account, self.order, self.line, self.there, license_, unwanted)
        for grant in sorted(grants, key=recurs):
            if stays and not already_granted(self.there, grant, license_):
                self._instead(grant, unit_no)
            else:
                self._grant(grant, offer, n, unit_no, license_)

    def _grant(self, grant: Grant, offer: Offer, n: int | None, unit_no: int, license_: License | None) -> None:
        if isinstance(grant, ChoiceGrant):
            self._choice(grant, unit_no, license_)
        elif isinstance(grant, CoverGrant):
            self._covers(grant, offer, license_, n)
        elif grant.recurs is not None:
            grant_recurring(self.account, self.order, self.line, self.policy, self.there, grant, n, license_)
        else:
            self._credits(grant, offer, n, unit_no, license_)

    # - credits -

    def _credits(self, grant: CreditGrant, offer: Offer, n: int | None, unit_no: int, license_: License | None) -> None:
        if _gone(license_):
            return
        if self.order.answer.get("merged") and (license_ is not None or moved(self.order, self.line, grant)):
            return
        each = grant.credits if grant.credits is not None else n
        before = self._brought(grant, unit_no if license_ is not None else None)
        amount = (each or 0) * (self.line.made if license_ is None else 1) - before
        if license_ is not None and before and not self._stands(grant, unit_no):
            lift(self.account.ledger.reachable(), [lot.lot_id for lot in self._still_used(grant, unit_no)])
        if amount <= 0 or (license_ is not None and self._stands(grant, unit_no)):
            return
        if license_ is None and before:
            unit_no = before // (each or 1) + 1  # units that the shop added later are a lot of their own
        key = (self.order.order_id, self.line.line_id, unit_no)
        cost = None
        if license_ is None:
            paid = paid_price(self.order, self.line, self.policy, offer, _held(self.account, self.order.placed_at))
            cost = None if paid is None else Money(paid * (amount // (each or 1)), self.order.currency)
        lot = grant_credits(
            self.account,
            grant,
            amount,
            policy=self.policy,
            order_id=self.order.order_id,
            line_id=self.line.line_id,
            unit_no=unit_no,
            license_id=None if license_ is None else license_.license_id,
            placed_at=self.order.placed_at,
            source="purchase" if license_ is None else "license",
            cost=cost,
        )
        self.there.add(key, lot)

    def _stands(self, grant: CreditGrant, unit_no: int) -> bool:
        key = (self.order.order_id, self.line.line_id, unit_no)
        return any(lot.rule == grant.rule for lot in self.there.lots.get(key, ()))

    def _brought(self, grant: CreditGrant, unit_no: int | None) -> int:
        """Credits that a line brought so far; of a license, what its unit kept of a grant that was withdrawn."""
        if unit_no is None:
            found = self.there.lots_of_line(self.order.order_id, self.line.line_id)
            return sum(lot.granted for lot in found if lot.rule == grant.rule)
        return sum(lot.held + lot.spent for lot in self._still_used(grant, unit_no))

    def _still_used(self, grant: CreditGrant, unit_no: int) -> list[Lot]:
        """Return the lots of a unit's withdrawn grant some of whose credits are in use, wherever they lie by now."""
        if not any(
            lot.rule == grant.rule
            for lot in self.there.withdrawn.get((self.order.order_id, self.line.line_id, unit_no), ())
        ):
            return []
        found = families(self.account.ledger.reachable(), self.order.order_id, self.line.line_id, withdrawn=True)
        standing = {lot.lot_id for lot in self.there.lots.get((self.order.order_id, self.line.line_id, unit_no), ())}
        return [
            lot
            for (unit, root), family in found.items()
            for lot in family
            if unit == unit_no and root not in standing and lot.rule == grant.rule
        ]

    # - covers -

    def _covers(self, grant: CoverGrant, offer: Offer, license_: License | None, n: int | None) -> None:
        license_id = None if license_ is None else license_.license_id
        key = (self.order.order_id, self.line.line_id, license_id)
        mine = in_order(cover for cover in self.there.covers.get(key, ()) if cover.rule == grant.rule)
        target = 0 if _gone(license_) and not mine else self.line.made if license_ is None else 1
        for cover in mine:
            if of_license.is_marked(cover) and not _gone(license_):
                license_covers.stand(self.account, self.order, cover)
        at = [cover for cover in mine if of_license.whole(cover).state != "voided"]
        fresh = max(target - len(mine), 0)
        periods = self._periods(grant, mine, len(at) + fresh)
        wholes = [of_license.whole(cover) for cover in at]
        if grant.start in QUEUED and at and not self.there.merges.fixed and undisturbed(wholes, grant, self.policy):
            for cover, (starts_at, ends_at) in zip(at, self.there.belonging(at, periods), strict=True):
                if starts_at is not None and ends_at is not None:
                    license_covers.lay(self.account, self.order, self.line, license_, cover, (starts_at, ends_at))
        made_so_far = len(at)
        for cover in at:
            license_covers.end(self.account, self.order, self.line, license_, cover)
        at = [cover for cover in at if cover.state != "voided"]
        end_with_lower(self.account, self.order, self.line, self.policy, grant, at)
        instead = ReplacedPlans(self.account, self.order, self.line, self.policy, offer, grant)
        for cover in at:
            lengthen(self.account, cover, longer := instead.of(cover))
            shift(self.account, cover, longer)
        later = brought_days(mine)  # the first ones are longer by what they replaced
        for number in range(made_so_far, len(periods)):
            starts_at, ends_at = self._periods(grant, mine, number + 1, later)[number] if later else periods[number]
            made = covers.open_cover(
                self.account,
                grant,
                policy=self.policy,
                order_id=self.order.order_id,
                line_id=self.line.line_id,
                license_id=license_id,
                placed_at=self.order.placed_at,
                starts_at=starts_at,
                ends_at=ends_at,
                own_term=self._lower_end(grant, mine) is None,
                seats=seats_of(grant, n),
            )
            lengthen(self.account, made, longer := instead.of(made), fresh=True)
            later += longer
            mine.append(made)
            self.there.opened(key, made)
        self.there.replaced |= instead.any
        for lot in instead.lots:
            self.there.add((self.order.order_id, self.line.line_id, lot.unit_no), lot)
        self.outcome.covers += mine
        self.there.lay(LaidPeriods(self.order, self.line, self.policy, grant, mine), self.account)

    def _periods(
        self, grant: CoverGrant, mine: Sequence[Cover], target: int, later: timedelta = timedelta(0)
    ) -> list[Span]:
        """The periods that a line's covers fill, one after another, each counted from one anchor (decision 0026)."""
        if grant.start == "first_ticket":
            return [(None, None)] * target
        placed_at = self.order.placed_at
        if grant.term is None:
            return [(placed_at, None)] * target
        if (until := self._lower_end(grant, mine)) is not None:
            return [(placed_at, until)] * target
        found, licenses = self.there.before(mine, self.account)
        begins = placed_at if grant.seats == "quantity" else placed_at + later  # those run side by side
        return [*spans(self.policy, grant, begins, target, found, licenses)]

    def _lower_end(self, grant: CoverGrant, mine: Sequence[Cover]) -> datetime | None:
        return lower_end(self.account, self.order, self.line, self.policy, grant, mine)

    # - choices and add-ons -

    def _choice(self, grant: ChoiceGrant, unit_no: int, license_: License | None) -> None:
        key = (self.order.order_id, self.line.line_id, unit_no)
        if _gone(license_) or any(choice.rule == grant.rule for choice in self.there.choices.get(key, ())):
            return
        choice = Choice(
            choice_id=ChoiceId(self.account.mint("cho")),
            customer_id=self.account.customer.customer_id,
            order_id=self.order.order_id,
            line_id=self.line.line_id,
            license_id=None if license_ is None else license_.license_id,
            unit_no=unit_no,
            rule=grant.rule,
            clause=grant.clause,
            reading=grant.reading,
            options={name: grant_json(grant.options[name], i) for i, name in enumerate(options_of(grant))},
            policy_version=self.policy.version,
            opened_at=self.account.at,
            placed_at=self.order.placed_at,
        )
        self.account.choices[choice.choice_id] = choice
        self.there.choices.setdefault(key, []).append(choice)
        self.account.plan.put_choice(choice, "opened", {"options": options_of(grant)})
        self.account.emit(
            "choice.opened",
            {
                "choice_id": choice.choice_id,
                "license_id": choice.license_id,
                "order_id": choice.order_id,
                "options": options_of(grant),
                "clause": choice.clause,
            },
        )

    def _addon(self, offer: Offer) -> None:
        name = self.line.attributes.get("addon")
        if not isinstance(name, str) or not name:
            self.outcome.refuse(
                self.line,
                NotGranted(
                    code="addon_not_named", clause=offer.clause, message="The line names no add-on in attributes.addon."
                ),
                {},
                (),
            )
            return
        if (self.order.order_id, self.line.line_id) in self.there.addons:
            return
        addon = Addon(
            customer_id=self.account.customer.customer_id,
            order_id=self.order.order_id,
            line_id=self.line.line_id,
            addon=name,
            placed_at=self.order.placed_at,
        )
        self.account.addons.append(addon)
        self.account.plan.addons.append(addon)
        self.account.emit("addon.granted", {"order_id": addon.order_id, "line_id": addon.line_id, "addon": name})

    def _instead(self, grant: Grant, unit_no: int) -> None:
        """A used grant of another class stays, so the unit is not granted its own class on top (decision 0007)."""
        for row in self.outcome.decisions:
            if (row["line_id"], row["unit_no"], row["rule"]) == (self.line.line_id, unit_no, grant.rule):
                row["granted"] = False
        before = "two accounts became one" if self.there.merged else "an order placed earlier arrived was used, and"
        self.outcome.refuse(
            self.line,
            NotGranted(
                code="grant_review",
                clause=grant.clause,
                reading=True,
                message=f"What this license brought before {before} stays instead.",
            ),
            {},
            (),
        )


def _held(account: CustomerAccount, at: datetime) -> list[License]:
    """Return the licenses that were bought by an instant, those that have ended since among them."""
    found = account.licenses.values()
    return [license_ for license_ in found if license_.placed_at <= at and license_.ended_reason != "corrected"]


def _clause_of(policy: Policy, line: OrderLine) -> str:
    found = policy.offer(line.sku)
    return found[0].clause if found else ""
