"""Where bought periods that wait for others belong: laid out one after another in the order of their purchases.

What two accounts had bought before they became one keeps a queue for each of them (decision 0034).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Any, Final

from app.domain.account.customer import Cover, License, Order, OrderLine
from app.domain.cover import of_license
from app.domain.cover.of_license import stand_again
from app.domain.cover.start import begins_at, brought_forward, stretches_of
from app.domain.cover.terms import CoverTerms, Stretch
from app.domain.orders.lines import Terms, judged, place_of, sold
from app.domain.orders.merges import NOWHERE, Merges, Sides, apart, sides_of
from app.domain.policy.offers import CoverGrant, NotGranted
from app.domain.policy.policy import Policy
from app.domain.values.ids import CoverId, LicenseId

Span = tuple[datetime | None, datetime | None]
"""From when until when a period is."""
QUEUED: Final = frozenset({"after_current", "when_uncovered"})
"""How periods start that are laid out one after another."""


@dataclass(frozen=True, slots=True)
class LaidPeriods:
    """What one grant of an order line brought, in the order in which lines are judged."""

    order: Order
    line: OrderLine
    policy: Policy
    grant: CoverGrant
    covers: Sequence[Cover]


def spans(
    policy: Policy,
    grant: CoverGrant,
    placed_at: datetime,
    count: int,
    before: Sequence[Stretch],
    licenses: Iterable[License],
) -> list[tuple[datetime, datetime]]:
    """Return the times that so many periods fill, one after another, each counted from one anchor (decision 0026)."""
    if grant.term is None:
        return []
    terms = CoverTerms.of(policy)
    anchor = begins_at(grant, placed_at, licenses, before, terms)
    alike = [
        stretch for stretch in before if grant.start != "order" and stretch.counts_for(grant.actions, grant.levels)
    ]
    if grant.seats == "quantity":
        return terms.periods(anchor, grant.term, 1, alike) * count
    return terms.periods(anchor, grant.term, count, alike)


def undisturbed(mine: Sequence[Cover], grant: CoverGrant, policy: Policy) -> bool:
    """Whether the periods stand as they were bought: not suspended, extended or shortened since."""
    anchor = mine[0].starts_at
    if anchor is None or grant.term is None or any(cover.suspensions or cover.state != "running" for cover in mine):
        return False
    terms = CoverTerms.of(policy)  # each by itself: one that stands again may have a gap before it
    return all(terms.as_bought(cover.starts_at or anchor, cover.ends_at, grant.term) for cover in mine)


def in_order(found: Iterable[Cover]) -> list[Cover]:
    """Return the periods of one line as they follow one another."""
    return sorted(found, key=lambda cover: (cover.starts_at or cover.granted_at, cover.cover_id))


class Queues:
    """What was laid out so far, by the sides of merges on which it was bought."""

    def __init__(self) -> None:
        """Nothing is laid out yet."""
        self._covers: dict[frozenset[tuple[str, str]], list[Cover]] = {}
        self._stretches: dict[frozenset[tuple[str, str]], list[Stretch]] = {}

    def add(self, sides: Sides, found: Sequence[Cover], there: Mapping[Any, Cover]) -> None:
        """Note periods of one line, and those of ``there`` that took their places in the queue."""
        key = frozenset(sides.items())
        found = [*found, *_instead_of(found, there)]
        self._covers.setdefault(key, []).extend(found)
        self._stretches.setdefault(key, []).extend(stretches_of(found))

    def moved(self) -> None:
        """Periods that were noted stand elsewhere since."""
        self._stretches = {key: [*stretches_of(found)] for key, found in self._covers.items()}

    def before(self, sides: Sides) -> Sequence[Stretch]:
        """Return what a line finds before it: what was not bought apart from it."""
        near = [stretches for key, stretches in self._stretches.items() if not apart(sides, dict(key))]
        return near[0] if len(near) == 1 else [stretch for stretches in near for stretch in stretches]


def _instead_of(found: Iterable[Cover], there: Mapping[Any, Cover]) -> Iterator[Cover]:
    """Yield the covers that replaced these, and those that replaced them: what waits behind a plan waits behind them.

    One that waits itself is none of them: it may wait for what would wait for it.
    """
    for cover in found:
        by: Cover | None = cover
        while by is not None and (was := by.data.get("cut")) is not None:
            by = there.get(was["by"])
            if by is not None and by.start not in QUEUED:
                yield by


def sides_of_line(mine: Sequence[Cover]) -> Sides:
    """Return on which side of each merge a line's periods were bought: they are counted from one anchor."""
    return sides_of(mine[0]) if mine else NOWHERE


def found_by(order: Order, line: OrderLine, mine: Sequence[Cover], there: Iterable[Cover]) -> list[Cover]:
    """Return the covers of other lines that one finds when it is bought: not those that were bought apart from it.

    Nor those of its instant that are judged after it (`judged`), which it would find only once they are told.
    """
    sides = sides_of_line(mine)
    own = (not mine or mine[0].license_id is None, order.order_id, place_of(line.line_id))

    def is_found(cover: Cover) -> bool:
        if (cover.order_id, cover.line_id) == (order.order_id, line.line_id) or apart(sides, sides_of(cover)):
            return False
        if cover.granted_at != order.placed_at or cover.order_id is None or cover.line_id is None:
            return True
        return (cover.license_id is None, cover.order_id, place_of(cover.line_id)) < own

    return [cover for cover in there if is_found(cover)]


def lay_out(
    laid: Sequence[LaidPeriods], copies: Mapping[str, Cover], licenses: Collection[License], merges: Merges
) -> None:
    """Move copies of the periods that wait for others to where they are by now, as the fold of orders does.

    At each merge, what waits on either side may begin earlier, for the licenses of the other one (CACTU-14).
    """
    queues = Queues()
    owners = {license_.license_id: license_ for license_ in licenses if of_license.gone(license_)}
    pending = [] if merges.fixed else list(merges.at)
    for each in laid:
        while pending and each.order.placed_at > merges.at[pending[0]]:
            _begin_earlier(pending.pop(0), laid, copies, merges, licenses)
            queues.moved()
        mine = in_order(copies[cover.cover_id] for cover in each.covers)
        for cover in mine:
            if of_license.is_marked(cover):
                stand_again(cover, of_license.mark_of(cover)[0])
        sides = sides_of_line(mine)
        at = [cover for cover in mine if cover.state != "voided"]
        if each.grant.start in QUEUED and at and not merges.fixed and undisturbed(at, each.grant, each.policy):
            near = merges.licenses_beside(sides, licenses)
            periods = spans(each.policy, each.grant, each.order.placed_at, len(at), queues.before(sides), near)
            for cover, (starts_at, ends_at) in zip(at, periods, strict=False):
                cover.starts_at, cover.ends_at = starts_at, ends_at
        for cover in mine if owners else ():
            of_license.clip(cover, owners.get(cover.license_id or LicenseId("")))
        queues.add(sides, mine, copies)
    for merge in pending:
        _begin_earlier(merge, laid, copies, merges, licenses)


def laid_of(
    lines: Iterable[tuple[Order, OrderLine, Policy]], covers: Iterable[Cover], licenses: Iterable[License]
) -> list[LaidPeriods]:
    """Return what the grants of these lines brought, of the covers of an account that were not withdrawn.

    ``lines``: in the order in which they are judged, each with the policy that it was bought under. ``covers`` and
    ``licenses``: in any order, as rows are read. Units of one line follow one another by their numbers.
    """
    unit_of: dict[str | None, int] = {license_.license_id: license_.unit_no for license_ in licenses}
    found: dict[tuple[str, str], dict[str | None, list[Cover]]] = {}
    for cover in sorted(covers, key=lambda cover: unit_of.get(cover.license_id, 0)):
        key = (str(cover.order_id), str(cover.line_id))
        found.setdefault(key, {}).setdefault(cover.license_id, []).append(cover)
    laid = []
    for order, line, policy in lines:
        units = found.get((str(order.order_id), str(line.line_id)))
        sale = sold(policy, line.sku) if units else None
        if not units or sale is None or isinstance(sale, NotGranted):
            continue
        for mine, grant in product(units.values(), sale[0].grants):
            if isinstance(grant, CoverGrant):
                of_grant = [each for each in mine if each.rule == grant.rule and each.cover_id not in line.withdrawn]
                laid.append(LaidPeriods(order, line, policy, grant, of_grant))
    return laid


def places(laid: Sequence[LaidPeriods], licenses: Collection[License], merges: Merges) -> dict[str, Span]:
    """Return by cover from when to when it belongs, as if no license had been taken back. Nothing is changed."""
    copies = {str(cover.cover_id): replace(cover) for each in laid for cover in each.covers}
    lay_out(laid, copies, licenses, merges)
    wholes = {cover_id: of_license.whole(cover) for cover_id, cover in copies.items()}
    return {cover_id: (cover.starts_at, cover.ends_at) for cover_id, cover in wholes.items()}


def displaced(
    orders: Sequence[Order], terms: Terms, covers: Iterable[Cover], licenses: Collection[License]
) -> list[tuple[Cover, Span]]:
    """Return which periods of an account do not stand where they belong, each with where that is (decision 0026).

    Those that were suspended, extended or shortened stay where they are. What a license's end took before it began is
    nowhere. It stays where that found it, as long as it belongs after the end (`license_covers.lay`).
    """
    laid = laid_of(judged(orders, terms), covers, licenses)
    belongs = places(laid, licenses, Merges.of(orders))
    ended = {license_.license_id: license_.ended_at for license_ in licenses if of_license.gone(license_)}
    return [
        (cover, belongs[cover.cover_id])
        for each in laid
        for cover in each.covers
        if (whole := of_license.whole(cover)).state != "voided"
        and (whole.starts_at, whole.ends_at) != (span := belongs[cover.cover_id])
        and not (cover.state == "voided" and _after(span, ended.get(cover.license_id or LicenseId(""))))
    ]


def _after(span: Span, ended_at: datetime | None) -> bool:
    """Whether a span begins after a license's end."""
    return span[0] is not None and ended_at is not None and span[0] > ended_at


def _begin_earlier(
    merge: str, laid: Sequence[LaidPeriods], copies: Mapping[str, Cover], merges: Merges, licenses: Collection[License]
) -> None:
    """Let periods begin where they did at a merge (`brought_forward`). What was told late had been bought before it."""
    at = merges.at[merge]
    terms: dict[CoverId, CoverTerms] = {}
    there: list[Cover] = []
    beside: list[Cover] = []
    for each in laid:
        if each.order.placed_at <= at:
            marked = merge in sides_of_line(in_order(each.covers))
            (there if marked else beside).extend(copies[cover.cover_id] for cover in each.covers)
            terms |= dict.fromkeys((cover.cover_id for cover in each.covers), CoverTerms.of(each.policy))
    for cover, (starts_at, ends_at) in brought_forward(there, list(licenses), at, terms, beside):
        cover.starts_at, cover.ends_at = starts_at, ends_at
