"""What orders grant: one fold over all orders of a customer in the order in which they were placed.

`reconcile_grants` compares what the orders of a customer ought to have granted with what they did grant, and makes up
the difference. Because it folds by (placed_at, order_id, `place_of` the line, unit) and never by arrival, any order of
arrival ends in the same projection (decision 0007): a grant of the wrong class that nobody has touched is voided and
granted anew, a touched one stays and raises ``grant_review``; a period that was queued moves when an earlier order
comes late. Natural keys (order, line, unit, rule) make it safe to run any number of times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Addon, Choice, Cover, License, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover.start import begins_at, stretches_of
from app.domain.cover.terms import CoverTerms, Stretch
from app.domain.ledger.events import voided_data
from app.domain.ledger.lot import Lot
from app.domain.ledger.refunded_units import families, lift
from app.domain.orders.corrections import forgo, used, withdraw
from app.domain.orders.grants import emit_cover, end_license, grant_credits, notices_of, put_license, void_choice
from app.domain.orders.lines import Terms, line_facts, paid_price, pin_of, place_of, shown, sold
from app.domain.orders.offers import grant_json, options_of
from app.domain.policy.conditions import facts_used, holds
from app.domain.policy.offers import ChoiceGrant, CoverGrant, CreditGrant, Grant, NotGranted, Offer
from app.domain.policy.policy import Policy
from app.domain.values.ids import ChoiceId, LicenseId
from app.domain.values.money import Money
from app.domain.values.text import render


@dataclass(slots=True)
class _Outcome:
    """What one order brought, as far as it is published."""

    not_granted: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """What was not granted and the decisions, by line."""
        return {
            "not_granted": sorted(self.not_granted, key=lambda item: place_of(item["line_id"])),
            "decisions": sorted(
                self.decisions, key=lambda decision: (place_of(decision["line_id"]), int(decision["unit_no"]))
            ),
        }

    def refuse(self, line: OrderLine, why: NotGranted, facts: Mapping[str, Any], names: Iterable[str]) -> None:
        row = {
            "line_id": line.line_id,
            "code": why.code,
            "clause": why.clause,
            "message": render(why.message, facts),
            "reading": why.reading,
            "facts": {name: shown(facts.get(name)) for name in names},
        }
        if not any(row_["line_id"] == row["line_id"] and row_["code"] == row["code"] for row_ in self.not_granted):
            self.not_granted.append(row)


@dataclass(slots=True)
class _Ledger:
    """What there is already, by the natural keys of grants."""

    licenses: dict[tuple[str, str, int], License]
    lots: dict[tuple[str, str, int], list[Lot]]
    covers: dict[tuple[str, str, str | None], list[Cover]]
    choices: dict[tuple[str, str, int], list[Choice]]
    addons: set[tuple[str, str]]
    withdrawn: dict[tuple[str, str, int], list[Lot]] = field(default_factory=dict)
    """Lots that stand for their units no longer."""
    timeline: list[Stretch] = field(default_factory=list)
    """The covers of the orders looked at so far: what bought cover begins after (CACTU-14)."""
    undone_since: datetime | None = None
    """When the first license was refunded untouched."""
    merged: bool = False
    """Two accounts became this one: what each had bought keeps its time, since it was not bought for both."""
    units: dict[tuple[str, str], set[int]] = field(init=False)
    """Units of each line that have lots: an account with ten thousand orders is not looked through for each line."""

    def __post_init__(self) -> None:
        """Index the lots by their lines."""
        self.units = defaultdict(set)
        for order_id, line_id, unit_no in self.lots:
            self.units[order_id, line_id].add(unit_no)

    def add(self, unit: tuple[str, str, int], lot: Lot) -> None:
        """Note a lot that was granted for a unit."""
        self.lots.setdefault(unit, []).append(lot)
        self.units[unit[:2]].add(unit[2])

    def lots_of_line(self, order_id: str, line_id: str) -> list[Lot]:
        """Return the lots of a line that stand, of all its units."""
        units = self.units.get((order_id, line_id), ())
        return [lot for unit_no in sorted(units) for lot in self.lots.get((order_id, line_id, unit_no), ())]

    def forget(self, order: Order, line: OrderLine) -> None:
        """What the line brought was withdrawn."""
        mine = (order.order_id, line.line_id)
        for unit_no in self.units.pop(mine, ()):
            self.lots.pop((*mine, unit_no), None)
        self.covers = {key: found for key, found in self.covers.items() if key[:2] != mine}
        self.choices = {key: found for key, found in self.choices.items() if key[:2] != mine}
        self.addons.discard(mine)


def reconcile_grants(
    account: CustomerAccount, orders: Sequence[Order], terms: Terms, *, corrected: bool = False
) -> None:
    """Make the account hold what these orders (all of the customer's) grant; changed answers are put into the plan.

    ``corrected``: a shop changed one of them, so that what another rested on may be gone; what that other granted is
    then withdrawn, unless it was used.
    """
    ordered = sorted(orders, key=lambda order: (order.placed_at, order.order_id))
    rank(account, ordered, terms)
    there = _there(account, ordered)
    there_before = {
        outbox_event.data["cover_id"] for outbox_event in account.plan.outbox if outbox_event.type == "cover.granted"
    }
    outcomes = {order.order_id: _Outcome() for order in ordered}
    for order, line, policy in _lines(ordered, terms):
        _Line(account, order, line, policy, there, outcomes[order.order_id], corrected).reconcile_grants()
    for order in ordered:
        outcome = outcomes[order.order_id]
        notices = notices_of(
            terms[order.policy_version], [cover for cover in outcome.covers if cover.state != "voided"]
        )
        for cover in outcome.covers:
            if cover.version == 1 and cover.cover_id in account.plan.covers and cover.cover_id not in there_before:
                emit_cover(account, cover, notices)
        answer = {**order.answer, **outcome.published(), "notices": notices}
        if answer != order.answer:
            order.answer = answer
            account.plan.orders[order.order_id] = order


def _lines(ordered: Sequence[Order], terms: Terms) -> list[tuple[Order, OrderLine, Policy]]:
    """The lines in the order in which they are judged: as placed, and at one instant licenses before what may rest on
    them, so that support bought together with a license extends its cover (CACTU-14)."""
    found = [(order, line, terms[pin_of(order, line)]) for order in ordered for line in order.lines if line.quantity]

    def place(pair: tuple[Order, OrderLine, Policy]) -> tuple[Any, ...]:
        order, line, policy = pair
        offer = policy.offer(line.sku)
        return (order.placed_at, offer is None or offer[0].kind != "license", order.order_id, place_of(line.line_id))

    return sorted(found, key=place)


# --- licenses ---------------------------------------------------------------------------------------------------------


def rank(account: CustomerAccount, ordered: Sequence[Order], terms: Terms) -> None:
    """Makes the licenses that are missing and gives every license its ordinal by (placed_at, order, line, unit)."""
    known = {
        (license_.order_id, license_.line_id, license_.unit_no)
        for license_ in account.licenses.values()
        if license_.ended_reason != "corrected"
    }
    fresh: list[License] = []
    for order in ordered:
        for line in sorted(order.lines, key=lambda line: place_of(line.line_id)):
            policy = terms[pin_of(order, line)]
            found = sold(policy, line.sku)
            if isinstance(found, NotGranted) or found[0].kind != "license":
                continue
            missing = [u for u in range(1, line.quantity + 1) if (order.order_id, line.line_id, u) not in known]
            if not missing or holds(found[0].requires, line_facts(account, order, line, policy, found[0])) is False:
                continue
            for unit_no in missing:
                license__ = License(
                    license_id=LicenseId(account.mint("lic")),
                    customer_id=account.customer.customer_id,
                    order_id=order.order_id,
                    line_id=line.line_id,
                    unit_no=unit_no,
                    sku=line.sku,
                    edition=found[0].edition,
                    placed_at=order.placed_at,
                    ordinal=0,
                    first_order=False,
                    policy_version=policy.version,
                )
                account.licenses[license__.license_id] = license__
                fresh.append(license__)
            _upgrade(account, order, line)
    _number(account, fresh, terms)
    for license__ in fresh:
        account.emit(
            "license.granted",
            {
                "license_id": license__.license_id,
                "order_id": license__.order_id,
                "line_id": license__.line_id,
                "unit_no": license__.unit_no,
                "sku": license__.sku,
                "edition": license__.edition,
                "ordinal": license__.ordinal,
            },
        )


def reclass(account: CustomerAccount, ordered: Sequence[Order], terms: Terms) -> None:
    """Open choices of licenses that are of another class by now are taken back, and what their class brings is granted
    instead. For accounts that have just become one: nothing that was granted before is touched."""
    by_id = {order.order_id: order for order in ordered}
    for choice in account.open_choices():
        order, item = by_id.get(choice.order_id), account.licenses.get(choice.license_id or LicenseId(""))
        line = next((row for row in order.lines if row.line_id == choice.line_id), None) if order else None
        if order is None or line is None or item is None:
            continue
        policy = terms[pin_of(order, line)]
        offer = policy.offer(line.sku)
        if offer is None:
            continue
        facts = line_facts(account, order, line, policy, offer[0])
        facts |= {"license.ordinal": item.ordinal, "license.first_order": item.first_order}
        wanted = [grant for grant in offer[0].grants if holds(grant.when, facts) is True]
        if any(grant.rule == choice.rule for grant in wanted):
            continue
        void_choice(account, choice, reason="reranked")
        for grant in wanted:
            if isinstance(grant, CreditGrant):
                grant_credits(
                    account,
                    grant,
                    grant.credits or 0,
                    policy=policy,
                    order_id=order.order_id,
                    line_id=line.line_id,
                    unit_no=choice.unit_no,
                    license_id=item.license_id,
                    placed_at=order.placed_at,
                    source="license",
                )


def _number(account: CustomerAccount, fresh: list[License], terms: Terms) -> None:
    """Gives every license its ordinal; one refunded untouched is left out for what was bought after the refund."""
    ranked = sorted(
        (license_ for license_ in account.licenses.values() if license_.ended_reason != "corrected"),
        # Of one line those that stand come first, whichever of its units were given back.
        key=lambda license_: (
            license_.placed_at,
            license_.order_id,
            place_of(license_.line_id),
            license_.ended_reason == "refunded",
            license_.unit_no,
        ),
    )
    new = {license_.license_id for license_ in fresh}
    undone = {
        license_.license_id: place for place, license_ in enumerate(ranked) if license_.uncounted_after is not None
    }
    since = undone_since(ranked)
    for place, license__ in enumerate(ranked):
        left_out = (
            set()
            if since is None or license__.placed_at < since
            else {
                other.license_id
                for other in uncounted(account, undone, license__, terms)
                if undone[other.license_id] < place
            }
        )
        first = next(other for other in ranked if other.license_id not in left_out)
        ordinal = place + 1 - len(left_out)
        first_order = (first.placed_at, first.order_id) == (license__.placed_at, license__.order_id)
        if license__.license_id in new:
            license__.ordinal, license__.first_order = ordinal, first_order
            put_license(account, license__, "granted", occurred_at=min(license__.placed_at, account.at))
        elif (license__.ordinal, license__.first_order) != (ordinal, first_order):
            license__.ordinal, license__.first_order = ordinal, first_order
            put_license(account, license__, "reranked")


def undone_since(licenses: Iterable[License]) -> datetime | None:
    """When the first of them was refunded untouched; every license that was placed before counts them all."""
    ends = (license_.ended_at for license_ in licenses if license_.uncounted_after is not None)
    return min((end for end in ends if end is not None), default=None)


def uncounted(account: CustomerAccount, undone: Iterable[str], license_: License, terms: Terms) -> list[License]:
    """The licenses among these that do not count for one that was bought after their refund (CSC-2, XC-3)."""
    if license_.policy_version in terms and terms[license_.policy_version].licenses.refunded_untouched == "counted":
        return []
    others = (account.licenses[LicenseId(other)] for other in undone if other != license_.license_id)
    return [other for other in others if not other.counts_for(license_)]


def _upgrade(account: CustomerAccount, order: Order, line: OrderLine) -> None:
    """``attributes: {"upgrades": license_id}``: the license that this one replaces ends when this one was bought."""
    old = account.licenses.get(LicenseId(str(line.attributes.get("upgrades", ""))))
    if old is not None and old.ended_at is None and old.placed_at <= order.placed_at:
        end_license(account, old, order.placed_at, reason="upgraded")


# --- one line ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """One order line being settled."""

    account: CustomerAccount
    order: Order
    line: OrderLine
    policy: Policy
    there: _Ledger
    outcome: _Outcome
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
        if not stands and self.corrected and offer.kind != "license" and not used(self.account, self.order, self.line):
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
        for grant in offer.grants:
            if self._applies(grant, facts, 0):
                self._grant(grant, offer, n, 0, None)

    def _granted_before(self) -> bool:
        order_id, line_id = self.order.order_id, self.line.line_id
        return (
            bool(self.there.units.get((order_id, line_id)))
            or (order_id, line_id, None) in self.there.covers
            or (order_id, line_id, 1) in self.there.licenses
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
        wanted = [grant for grant in offer.grants if self._applies(grant, facts, unit_no)]
        unwanted = {grant.rule: grant for grant in offer.grants if grant not in wanted}
        stays = self._take_back_wrong(license_, unwanted)
        for grant in wanted:
            if stays and not self._has(grant, unit_no, license_):
                self._instead(grant, unit_no)
            else:
                self._grant(grant, offer, n, unit_no, license_)

    def _grant(self, grant: Grant, offer: Offer, n: int | None, unit_no: int, license_: License | None) -> None:
        if isinstance(grant, ChoiceGrant):
            self._choice(grant, unit_no, license_)
        elif isinstance(grant, CoverGrant):
            self._covers(grant, license_)
        else:
            self._credits(grant, offer, n, unit_no, license_)

    # - credits -

    def _credits(self, grant: CreditGrant, offer: Offer, n: int | None, unit_no: int, license_: License | None) -> None:
        if _gone(license_):
            return
        if self.order.answer.get("merged") and (license_ is not None or self._moved(grant)):
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
            held = [
                held
                for held in self.account.licenses.values()
                if held.placed_at <= self.order.placed_at and held.ended_reason != "corrected"
            ]
            paid = paid_price(self.order, self.line, self.policy, offer, held)
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

    def _moved(self, grant: CreditGrant) -> bool:
        """Whether what the line granted was moved by paired entries when two accounts became one. A line that was
        refused, for want of a license, say, which the other account holds, had nothing to move."""
        mine = self.line.line_id
        refused = any(item["line_id"] == mine for item in self.order.answer.get("not_granted", ()))
        return not refused or any(
            (decision["line_id"], decision["rule"]) == (mine, grant.rule) and decision["granted"]
            for decision in self.order.answer.get("decisions", ())
        )

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
        """The lots of a withdrawn grant of a unit, some of whose credits are in use, wherever they lie by now."""
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

    def _covers(self, grant: CoverGrant, license_: License | None) -> None:
        key = (self.order.order_id, self.line.line_id, None if license_ is None else license_.license_id)
        mine = sorted(
            (cover for cover in self.there.covers.get(key, ()) if cover.rule == grant.rule),
            key=lambda cover: (cover.starts_at or cover.granted_at, cover.cover_id),
        )
        wanted = 0 if _gone(license_) and not mine else self.line.made if license_ is None else 1
        at = [cover for cover in mine if cover.state != "voided"]
        fresh = max(wanted - len(mine), 0)
        periods = self._periods(grant, len(at) + fresh)
        if (
            grant.start in {"after_current", "when_uncovered"}
            and at
            and not self.there.merged
            and _undisturbed(at, grant, self.policy)
        ):
            for cover, (starts_at, ends_at) in zip(at, periods, strict=False):
                if (
                    starts_at is not None
                    and ends_at is not None
                    and (cover.starts_at, cover.ends_at) != (starts_at, ends_at)
                ):
                    covers.move(
                        self.account, cover, starts_at=starts_at, ends_at=ends_at, occurred_at=self.order.placed_at
                    )
        for starts_at, ends_at in periods[len(at) :]:
            made = covers.open_cover(
                self.account,
                grant,
                policy=self.policy,
                order_id=self.order.order_id,
                line_id=self.line.line_id,
                license_id=None if license_ is None else license_.license_id,
                placed_at=self.order.placed_at,
                starts_at=starts_at,
                ends_at=ends_at,
            )
            mine.append(made)
            self.there.covers.setdefault(key, []).append(made)
        self.outcome.covers += mine
        self.there.timeline += stretches_of(mine)

    def _periods(self, grant: CoverGrant, wanted: int) -> list[tuple[datetime | None, datetime | None]]:
        """The periods that a line's covers fill, one after another, each counted from one anchor (decision 0026)."""
        if grant.start == "first_ticket":
            return [(None, None)] * wanted
        placed_at, terms = self.order.placed_at, CoverTerms.of(self.policy)
        if grant.term is None:
            return [(placed_at, None)] * wanted
        before = self.there.timeline
        anchor = begins_at(grant, placed_at, self.account.licenses.values(), before, terms)
        alike = [
            stretch for stretch in before if grant.start != "order" and stretch.counts_for(grant.actions, grant.levels)
        ]
        return [*terms.periods(anchor, grant.term, wanted, alike)]

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

    # - what an earlier order shows to be of the wrong class -

    def _has(self, grant: Grant, unit_no: int, license_: License) -> bool:
        """Whether the unit has been granted this already."""
        key = (self.order.order_id, self.line.line_id, unit_no)
        mine = (
            *self.there.lots.get(key, ()),
            *self.there.choices.get(key, ()),
            *self.there.covers.get((key[0], key[1], license_.license_id), ()),
        )
        return any(there.rule == grant.rule for there in mine)

    def _instead(self, grant: Grant, unit_no: int) -> None:
        """What a unit has used of another class stays, so it is not granted its own class on top (decision 0007)."""
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

    def _take_back_wrong(self, license_: License, unwanted: Mapping[str, Grant]) -> bool:
        """Takes back what is of the wrong class; True: something was used, so it stays and is reported.

        Two accounts that became one keep what either was granted: no rank among the other's licenses takes it away.
        """
        stays, merged = False, self.there.merged
        key = (self.order.order_id, self.line.line_id, license_.unit_no)
        for lot in self.there.lots.get(key, ()):
            if (rule := unwanted.get(lot.rule)) is None or lot.available + lot.held + lot.spent == 0:
                continue
            if merged or lot.held or lot.spent:
                if not merged:
                    _review(self.account, "lot", lot.lot_id, license_, rule)
                stays = True
                continue
            voided = self.account.ledger.void(lot.lot_id, reason="reranked", clause=rule.clause)
            self.account.ledger.withdraw(lot.lot_id)
            balance = self.account.ledger.balance(lot.credit_type)
            data = voided_data(lot, voided, balance, reason="reranked", order_id=lot.order_id)
            self.account.emit("credits.voided", data)
        for choice in self.there.choices.get(key, ()):
            if (rule := unwanted.get(choice.rule)) is None or choice.voided_at is not None:
                continue
            if choice.option is not None:
                _review(self.account, "choice", choice.choice_id, license_, rule)
                stays = True
            else:
                void_choice(self.account, choice, reason="reranked")
        for cover in self.there.covers.get((key[0], key[1], license_.license_id), ()):
            if (rule := unwanted.get(cover.rule)) is None or cover.state == "voided":
                continue
            if merged:
                stays = True
            elif covers.state_of(cover, self.account.at) in {"pending", "scheduled"}:
                covers.void(self.account, cover, reason="reranked", clause=rule.clause)
                forgo(self.account, self.order, self.line, cover)
            else:
                _review(self.account, "cover", cover.cover_id, license_, rule)
                stays = True
        return stays


def _clause_of(policy: Policy, line: OrderLine) -> str:
    found = policy.offer(line.sku)
    return found[0].clause if found else ""


def _gone(license_: License | None) -> bool:
    return license_ is not None and license_.ended_reason in ("refunded", "corrected")


def _undisturbed(mine: Sequence[Cover], grant: CoverGrant, policy: Policy) -> bool:
    """Whether the periods stand as they were bought: not suspended, extended or shortened since."""
    anchor = mine[0].starts_at
    if anchor is None or grant.term is None or any(cover.suspensions or cover.state != "running" for cover in mine):
        return False
    terms = CoverTerms.of(policy)
    if terms.chained:  # where the chain began may be told later
        return all(terms.as_bought(cover.starts_at or anchor, cover.ends_at, grant.term) for cover in mine)
    wanted = terms.periods(anchor, grant.term, len(mine))
    return [(cover.starts_at, cover.ends_at) for cover in mine] == wanted


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


def _there(account: CustomerAccount, orders: Sequence[Order]) -> _Ledger:
    lots: dict[tuple[str, str, int], list[Lot]] = defaultdict(list)
    withdrawn: dict[tuple[str, str, int], list[Lot]] = defaultdict(list)
    for lot in account.ledger.lots.values():
        if lot.order_id is not None and lot.line_id is not None and lot.origin_lot_id is None:
            kind = withdrawn if lot.withdrawn else lots
            kind[(lot.order_id, lot.line_id, lot.unit_no)].append(lot)
    forgone = {cover_id for order in orders for line in order.lines for cover_id in line.withdrawn}
    mine: dict[tuple[str, str, str | None], list[Cover]] = defaultdict(list)
    for cover in account.covers.values():
        if cover.order_id is not None and cover.line_id is not None and cover.cover_id not in forgone:
            mine[(cover.order_id, cover.line_id, cover.license_id)].append(cover)
    choices: dict[tuple[str, str, int], list[Choice]] = defaultdict(list)
    for choice in account.choices.values():
        if choice.voided_at is None:
            choices[(choice.order_id, choice.line_id, choice.unit_no)].append(choice)
    return _Ledger(
        licenses={
            (license_.order_id, license_.line_id, license_.unit_no): license_
            for license_ in account.licenses.values()
            if license_.ended_reason != "corrected"
        },
        lots=dict(lots),
        withdrawn=dict(withdrawn),
        covers=dict(mine),
        choices=dict(choices),
        addons={(addon.order_id, addon.line_id) for addon in account.addons},
        merged=any(order.answer.get("merged") for order in orders),
        undone_since=undone_since(account.licenses.values()),
    )
