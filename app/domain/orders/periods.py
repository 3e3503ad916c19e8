"""Which bought periods the refunded units of a customer's orders take back: a fold of its own (decision 0032).

A refund takes the newest period that has not begun, another order's too. So what it takes hangs on all orders that
stand. Each line keeps what was taken for its units. `derive` thinks all of it undone, and lays the periods out as
if nothing had been refunded. Then the units take again, each at its own instant. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from app.domain.account.customer import Cover, License, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover.of_license import stand_again, times_of
from app.domain.cover.start import begins_at, stretches_of
from app.domain.cover.terms import CoverTerms
from app.domain.orders.lines import place_of
from app.domain.orders.merges import MARKS, NEVER, Merges, apart, sides_of
from app.domain.orders.queues import QUEUED, LaidPeriods, lay_out, sides_of_line
from app.domain.values.wire import iso, parse_iso

Line = tuple[str, str]
"""An order's id and a line's."""
_WAITING: Final = frozenset({"pending", "scheduled"})
_CORRECTED: Final = "corrected"


# --- chosen -----------------------------------------------------------------------------------------------------------


def choose(
    line: Line,
    rule: str,
    at: datetime,
    found: Iterable[Cover],
    *,
    corrected: bool,
    known_until: str,
    gone: Collection[str] = (),
    waiting_still: Collection[str] = (),
    takers: Mapping[Line, Collection[Line]] = MappingProxyType({}),
    merges: Merges = NEVER,
) -> Cover | None:
    """Return the period that one unit of a line takes at an instant; None: its own have run out.

    The newest of its own that waits goes first. Then goes the newest of any order, and at last one that runs.
    ``corrected``: the shop took the unit out, so it takes its own alone. ``gone``: those that are taken already.
    ``known_until``: the newest period known at that instant. What was bought at the very instant counts up to it.
    ``waiting_still``: those that begin at that instant because a license ended at it. ``takers``: which lines took
    the periods of which. Whoever took a unit's own left it theirs instead, which serves or has served for it.
    ``merges``: what was bought apart from the line in one of these stands in another queue, and stays.
    """
    sides = merges.of_order(line[0])
    known = [
        cover
        for cover in found
        if cover.rule == rule and cover.license_id is None and not apart(sides, sides_of(cover))
    ]
    states: dict[str, str] = {cover.cover_id: covers.state_of(cover, at) for cover in known}
    states |= dict.fromkeys(waiting_still, "scheduled") | dict.fromkeys(gone, "voided")
    stack = sorted(
        (
            cover
            for cover in known
            if states[cover.cover_id] not in {"ended", "voided"}
            and (_line(cover) == line or _bought_by(cover, at, known_until))
        ),
        key=_place,
    )
    own = [cover for cover in stack if _line(cover) == line]
    waiting = [cover for cover in own if states[cover.cover_id] in _WAITING]
    if waiting:
        return waiting[-1]
    if corrected:
        return own[-1] if own else None
    mine = left_to(line, takers)
    own = [cover for cover in stack if _line(cover) in mine]
    if not own and any(states[cover.cover_id] == "ended" for cover in known if _line(cover) in mine):
        return None
    others = [cover for cover in stack if states[cover.cover_id] in _WAITING]
    return others[-1] if others else next(iter(own or stack), None)


def takers_of(orders: Iterable[Order], found: Mapping[str, Cover]) -> dict[Line, set[Line]]:
    """Return by line which other lines took periods of it for refunded units."""
    takers: dict[Line, set[Line]] = {}
    for order in orders:
        for line in order.lines:
            for row in line.taken_periods:
                if (cover := found.get(str(row["cover_id"]))) is not None:
                    takers.setdefault(_line(cover), set()).add((str(order.order_id), str(line.line_id)))
    return takers


def left_to(line: Line, takers: Mapping[Line, Collection[Line]]) -> set[Line]:
    """Return a line, and those whose periods were left to it by whoever took its own."""
    found, near = {line}, [line]
    while near:
        more = set(takers.get(near.pop(), ())) - found
        found |= more
        near += sorted(more)
    return found


def still_waiting(
    found: Collection[Cover], licenses: Collection[License], at: datetime, terms: CoverTerms
) -> frozenset[str]:
    """Return the periods that begin at this very instant only because a license ended at it.

    They have served nothing. So it must not matter which came first at one instant, their refund or the license's.
    """
    over = {
        license_.license_id for license_ in licenses if license_.ended_at == at and license_.ended_reason != "corrected"
    }
    first = [
        cover
        for cover in found
        if cover.starts_at == at and cover.license_id is None and cover.start in QUEUED
        if covers.state_of(cover, at) == "running"
    ]
    if not over or not first:
        return frozenset()
    held = [
        replace(license_, ended_at=None, ended_reason=None) if license_.license_id in over else license_
        for license_ in licenses
    ]
    before = [
        _uncut(cover, at, terms) if cover.license_id in over else cover
        for cover in found
        if cover not in first and cover.starts_at is not None and cover.starts_at <= at
    ]
    stretches = list(stretches_of(before))
    return frozenset(
        cover.cover_id for cover in first if begins_at(cover, cover.granted_at, held, stretches, terms) > at
    )


def _uncut(cover: Cover, at: datetime, terms: CoverTerms) -> Cover:
    """Return the cover of a license that ended at an instant as it stood before: with the whole of its term."""
    term = covers.term_of(cover)
    if cover.ends_at != at or cover.starts_at is None or term is None:
        return cover
    return replace(cover, ends_at=terms.periods(cover.starts_at, term, 1)[0][1])


def _bought_by(cover: Cover, at: datetime, known_until: str) -> bool:
    return cover.granted_at < at or (cover.granted_at == at and cover.cover_id <= known_until)


def _line(cover: Cover) -> Line:
    return str(cover.order_id), str(cover.line_id)


def _place(cover: Cover) -> tuple[Any, ...]:
    """A period's place in the queue: as bought, whichever order was told first."""
    order_id, line_id = _line(cover)
    return (cover.granted_at, cover.starts_at or cover.granted_at, order_id, place_of(line_id), cover.cover_id)


# --- kept -------------------------------------------------------------------------------------------------------------


def served_nothing(cover: Cover) -> bool:
    """Whether a period that was taken had not begun, or had begun at that very instant."""
    if cover.state == "voided":
        return True
    return cover.starts_at is not None and cover.ends_at is not None and cover.ends_at <= cover.starts_at


def taken_row(
    rule: str,
    at: datetime,
    reason: str,
    ref: str | None,
    cover: Cover | None,
    known_until: str,
    merges: Collection[str] = (),
) -> dict[str, Any]:
    """Return what a line keeps of one unit. ``lots``: what was taken of the credits that came with the period.

    ``merges``: those that the account had gone through by then.
    """
    row: dict[str, Any] = {
        "rule": rule,
        "at": iso(at),
        "reason": reason,
        "ref": ref,
        "known_until": known_until,
        "cover_id": None if cover is None else str(cover.cover_id),
        "was": None if cover is None else times_of(cover),
        "lots": {},
    }
    return {**row, MARKS: sorted(merges)} if merges else row


def booked(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the reason and the refund under which its credits were taken.

    Another unit may take the period by now; the credits come back under what they were taken for.
    """
    return {**row, "booked": [row["reason"], row["ref"]]} if row["lots"] else row


# --- derived ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class TakenUnit:
    """One unit, and what it takes: ``row`` as its line keeps it, ``cover_id`` as derived anew."""

    order: Order
    line: OrderLine
    row: dict[str, Any]
    cover_id: str | None = None
    was: dict[str, Any] | None = None

    @property
    def at(self) -> datetime:
        """When it was taken."""
        return parse_iso(self.row["at"])

    @property
    def corrected(self) -> bool:
        """Whether the shop took the unit out of its order, which is no refund."""
        return bool(self.row["reason"] == _CORRECTED)


@dataclass(slots=True)
class Derived:
    """What the units take by now: ``standing`` are the periods as they are then."""

    units: list[TakenUnit]
    standing: dict[str, Cover] = field(default_factory=dict)

    def before(self) -> dict[str, TakenUnit]:
        """Return what was taken so far and is there, by period."""
        return {unit.row["cover_id"]: unit for unit in self.units if unit.row["cover_id"] in self.standing}

    def now(self) -> dict[str, TakenUnit]:
        """Return what is taken by now, by period."""
        return {unit.cover_id: unit for unit in self.units if unit.cover_id is not None}


def derive(
    orders: Sequence[Order], laid: Sequence[LaidPeriods], licenses: Collection[License], at: datetime
) -> Derived:
    """Return what the units of these orders take by now. ``at``: the present, no unit's instant is after it.

    Where two accounts became one, a unit takes of what was not bought apart from it (decision 0034). Where the sides
    are not known, what was taken stays taken while it is there.
    """
    lines = [(order, line) for order in orders for line in order.lines if line.quantity]
    units = [TakenUnit(order, line, row) for order, line in lines for row in line.taken_periods]
    found = Derived(units)
    if not units:
        return found
    merges = Merges.of(orders)
    copies = {str(cover.cover_id): replace(cover) for each in laid for cover in each.covers}
    ended = {cover_id: cover.ends_at for cover_id, cover in copies.items() if cover.state != "voided"}
    found.standing = copies
    for unit in units:
        if unit.row["cover_id"] in copies:
            stand_again(copies[unit.row["cover_id"]], unit.row["was"])
    before = found.before()
    lay_out(laid, copies, licenses, merges)
    gone: set[str] = set()
    takers: dict[Line, set[Line]] = {}
    units.sort(key=lambda unit: (unit.at, not unit.corrected, unit.order.order_id, place_of(unit.line.line_id)))
    for _, group in groupby(units, key=lambda unit: unit.at):
        for unit in group:
            if "cut" in getattr(copies.get(unit.row.get("replaced", "")), "data", ()):
                continue  # it took what another plan gave for its own period
            stays = copies.get(unit.row["cover_id"]) if merges.fixed else None
            stood, waits = _as_known(unit, laid, copies, licenses, merges)
            mine = (str(unit.order.order_id), str(unit.line.line_id))
            chosen = stays or choose(
                mine,
                unit.row["rule"],
                unit.at,
                stood.values(),
                corrected=unit.corrected,
                known_until=unit.row["known_until"],
                gone=gone,
                waiting_still=waits,
                takers=takers,
                merges=merges,
            )
            if chosen is not None:
                cover = copies[str(chosen.cover_id)]
                unit.cover_id, unit.was = cover.cover_id, times_of(cover)
                gone.add(cover.cover_id)
                takers.setdefault(_line(cover), set()).add(mine)
                earlier = before.get(cover.cover_id)
                until = at if earlier is None else max(unit.at, ended.get(cover.cover_id) or unit.at)
                _take(cover, unit.at, until, waits=cover.cover_id in waits)
        lay_out(laid, copies, licenses, merges)
    return found


def _as_known(
    unit: TakenUnit,
    laid: Sequence[LaidPeriods],
    copies: Mapping[str, Cover],
    licenses: Collection[License],
    merges: Merges,
) -> tuple[Mapping[str, Cover], frozenset[str]]:
    """Return the periods as they stood for a unit, and which of them wait still.

    What was bought at the very instant, but after it, moved none of them yet. Nor did what another account had bought
    that was merged with its own since.
    """
    at, known = unit.at, unit.row["known_until"]
    sides = merges.after(str(unit.order.order_id), at, unit.row.get(MARKS, ()))
    later = {
        (each.order.order_id, each.line.line_id)
        for each in laid
        if each.order.placed_at == at and each.covers and all(cover.cover_id > known for cover in each.covers)
    } - {(unit.order.order_id, unit.line.line_id)}
    if later or sides:
        laid = [each for each in laid if not apart(sides, sides_of_line(each.covers))]
        laid = [each for each in laid if (each.order.order_id, each.line.line_id) not in later]
        licenses = [license_ for license_ in licenses if not apart(sides, merges.of_license(license_))]
        licenses = [license_ for license_ in licenses if (license_.order_id, license_.line_id) not in later]
        copies = {str(cover.cover_id): replace(copies[cover.cover_id]) for each in laid for cover in each.covers}
        merges = merges.without(sides)
        lay_out(laid, copies, licenses, merges)
    unit_terms = next((CoverTerms.of(each.policy) for each in laid if each.line is unit.line), None)
    if unit_terms is None:
        return copies, frozenset()
    return copies, still_waiting(copies.values(), licenses, at, unit_terms)


def _take(cover: Cover, at: datetime, until: datetime, *, waits: bool) -> None:
    if waits or covers.state_of(cover, at) in _WAITING:
        cover.state = "voided"
        return
    until = max(until, cover.starts_at or until)
    cover.state, cover.suspended_at = "running", None
    cover.ends_at = until if cover.ends_at is None else min(cover.ends_at, until)
