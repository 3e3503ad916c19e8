"""What a customer's orders have granted so far, by the natural keys of grants, and what each order answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Choice, Cover, License, Order, OrderLine
from app.domain.cover.terms import Stretch
from app.domain.ledger.lot import Lot
from app.domain.ledger.recurring import RecurringGrant
from app.domain.orders.licenses import undone_since
from app.domain.orders.lines import place_of, shown
from app.domain.orders.merges import Merges
from app.domain.orders.queues import LaidPeriods, Queues, Span, sides_of_line
from app.domain.policy.offers import CreditGrant, NotGranted
from app.domain.values.text import render


@dataclass(slots=True)
class OrderOutcome:
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
        """Notes once what a line was not granted, and why."""
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
class Granted:
    """What there is already, by the natural keys of grants."""

    licenses: dict[tuple[str, str, int], License]
    lots: dict[tuple[str, str, int], list[Lot]]
    covers: dict[tuple[str, str, str | None], list[Cover]]
    choices: dict[tuple[str, str, int], list[Choice]]
    addons: set[tuple[str, str]]
    withdrawn: dict[tuple[str, str, int], list[Lot]] = field(default_factory=dict)
    """Lots that stand for their units no longer."""
    recurring: dict[tuple[str, str], list[RecurringGrant]] = field(default_factory=dict)
    """What comes again, by line."""
    queues: Queues = field(default_factory=Queues)
    """The covers of the orders looked at so far: what bought cover begins after (CACTU-14)."""
    undone_since: datetime | None = None
    """When the first license was refunded untouched."""
    laid: list[LaidPeriods] = field(default_factory=list)
    """The periods of the orders looked at so far, by line and grant."""
    replaced: bool = False
    """A plan ended another one just now, so that what waits behind that may begin earlier."""
    fresh: bool = False
    """A period was granted just now."""
    merged: bool = False
    """Two accounts became this one."""
    merges: Merges = field(default_factory=Merges)
    """What of it was bought apart from one another."""
    places: Mapping[str, Span] = field(default_factory=dict)
    """Where the covers that were there before belong, if accounts became one."""
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

    def opened(self, key: tuple[str, str, str | None], cover: Cover) -> None:
        """Note a period that was granted just now."""
        self.covers.setdefault(key, []).append(cover)
        self.fresh = True

    def lay(self, laid: LaidPeriods, account: CustomerAccount) -> None:
        """Note the periods of one line and grant. What they replaced ends earlier than it was laid out."""
        if any("instead_of" in cover.data for cover in laid.covers):
            self.queues.moved()
        self.queues.add(sides_of_line(laid.covers), laid.covers, account.covers)
        self.laid.append(laid)

    def before(self, mine: Sequence[Cover], account: CustomerAccount) -> tuple[Sequence[Stretch], list[License]]:
        """Return what a line's periods find before them, and the licenses that they look at."""
        sides = sides_of_line(mine)
        return self.queues.before(sides), self.merges.licenses_beside(sides, account.licenses.values())

    def belonging(self, found: Sequence[Cover], periods: Sequence[Span]) -> list[Span]:
        """Return where periods of one line belong. ``periods``: where they do in an account that is no two's."""
        return [self.places.get(cover.cover_id, span) for cover, span in zip(found, periods, strict=False)]

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
        self.recurring.pop(mine, None)


def granted_so_far(account: CustomerAccount, orders: Sequence[Order]) -> Granted:
    """What there is already of these orders."""
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
    recurring: dict[tuple[str, str], list[RecurringGrant]] = defaultdict(list)
    for grant in (account.ledger.recurring or {}).values():
        if not grant.withdrawn:
            recurring[(grant.order_id, grant.line_id)].append(grant)
    return Granted(
        recurring=dict(recurring),
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
        merges=Merges.of(orders),
        undone_since=undone_since(account.licenses.values()),
    )


def lines_granted(account: CustomerAccount, orders: Iterable[Order]) -> set[tuple[str, str]]:
    """Return the order lines that have granted something which stands, or was taken back since."""
    forgone = {cover_id for order in orders for line in order.lines for cover_id in line.withdrawn}
    found = {
        (str(license_.order_id), str(license_.line_id))
        for license_ in account.licenses.values()
        if license_.ended_reason != "corrected"
    }
    found |= {(str(lot.order_id), str(lot.line_id)) for lot in account.ledger.lots.values() if not lot.withdrawn}
    found |= {
        (str(cover.order_id), str(cover.line_id)) for cover in account.covers.values() if cover.cover_id not in forgone
    }
    found |= {
        (str(choice.order_id), str(choice.line_id)) for choice in account.choices.values() if choice.voided_at is None
    }
    found |= {grant.unit[:2] for grant in (account.ledger.recurring or {}).values() if not grant.withdrawn}
    return found | {(str(addon.order_id), str(addon.line_id)) for addon in account.addons}


def said_to_be_granted(order: Order, line_id: str, rule: str | None = None) -> bool:
    """Whether the order's answer says that a line brought credits, by this rule where one is named."""
    return any(
        (decision["line_id"], decision["kind"], decision["granted"]) == (line_id, "credits", True)
        and rule in (None, decision["rule"])
        for decision in order.answer.get("decisions", ())
    )


def moved(order: Order, line: OrderLine, grant: CreditGrant) -> bool:
    """Whether what a line granted was moved by paired entries when two accounts became one.

    A line that was refused, for want of a license, say, which the other account holds, had nothing to move.
    """
    refused = any(item["line_id"] == line.line_id for item in order.answer.get("not_granted", ()))
    return not refused or said_to_be_granted(order, line.line_id, grant.rule)
