"""Since when cover has lapsed: what somebody who buys cover again may have to pay for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from app.domain.account.customer import Cover, License
from app.domain.cover.cover import term_zone
from app.domain.cover.start import stretches_of
from app.domain.cover.terms import CoverTerms, Stretch
from app.domain.policy.conditions import facts_used
from app.domain.policy.offers import CoverGrant, Offer
from app.domain.policy.policy import Policy
from app.domain.values.term import Term, add_term
from app.domain.values.text import day

_ROUNDING: Final = timedelta(days=4)
"""By so much a period of a chain may be shorter than its own term (31 January, 28 February)."""
LAPSE_FACTS: Final = ("cover.lapsed_days", "cover.lapsed_months")


@dataclass(frozen=True, slots=True)
class Lapse:
    """The time without cover before a purchase. ``since``: the end of what was paid for."""

    since: datetime
    at: datetime
    zone: tzinfo

    @property
    def day(self) -> str:
        """The day on which it began, in words."""
        return day(self.since)

    @property
    def days(self) -> int:
        """Whole days of 24 hours so far."""
        return (self.at - self.since).days

    def beyond(self, free: Term) -> bool:
        """Whether the purchase comes after the free time."""
        return self.at >= self.free_until(free)

    def free_until(self, free: Term) -> datetime:
        """The end of the free time."""
        return add_term(self.since, free, self.zone)

    def months(self, *, begun: bool = False, after: Term | None = None) -> int:
        """Months of the calendar since the end, or since the free time ``after`` it.

        ``begun``: a month that has begun counts whole.
        """
        start = self.since if after is None else self.free_until(after)
        full = (self.at.year - start.year) * 12 + self.at.month - start.month
        while full > 0 and add_term(start, Term(months=full), self.zone) > self.at:
            full -= 1
        return full + (begun and add_term(start, Term(months=full), self.zone) < self.at)


def lapse_of(
    policy: Policy, offer: Offer, covers: Iterable[Cover], licenses: Iterable[License], at: datetime
) -> Lapse | None:
    """Return the lapse that buying an offer's cover at an instant would end; None where cover runs, or there was none.

    Cover counts that opens the same, belongs to no license that has ended, and was not taken back. Where there was
    none, the rule of reinstatement says whether a license counts from its purchase.
    """
    grant = next((grant for grant in offer.grants if isinstance(grant, CoverGrant)), None)
    if grant is None:
        return None
    held = {license_.license_id: license_ for license_ in licenses if license_.active(at)}
    mine = [
        cover for cover in covers if cover.granted_at <= at and (cover.scope == "account" or cover.license_id in held)
    ]
    stretches = [stretch for stretch in stretches_of(mine) if stretch.counts_for(grant.actions, grant.levels)]
    terms = CoverTerms.of(policy)
    paid = terms.paid_up(stretches)
    if any(stretch.ends is None or at < stretch.ends for stretch in paid):
        return None
    ends = [stretch.ends for stretch in paid if stretch.ends is not None and not _cut_short(stretch, terms)]
    if not ends and _from_license(offer):
        ends = [min(license_.placed_at for license_ in held.values())] if held else []
    waits = any(cover.state == "pending" and set(cover.actions) & set(grant.actions) for cover in mine)
    return None if waits or not ends or max(ends) >= at else Lapse(max(ends), at, term_zone(policy))


def _cut_short(stretch: Stretch, terms: CoverTerms) -> bool:
    """Whether a period was taken back before its end, so that its money went back too."""
    if stretch.ends is None or stretch.term is None:
        return False
    whole = add_term(stretch.starts, stretch.term, terms.zone)
    return stretch.ends < (whole - _ROUNDING if terms.chained else whole)


def asks_of_lapse(offer: Offer) -> bool:
    """Whether a lapse changes what an offer costs, who may buy it, or what it brings."""
    if any(price is not None and price.reinstatement is not None for price in (offer.price, *offer.prices.values())):
        return True
    conditions = [offer.requires, *(grant.when for grant in offer.grants)]
    return any(name in LAPSE_FACTS for condition in conditions for name in facts_used(condition))


def _from_license(offer: Offer) -> bool:
    prices = [price for price in (offer.price, *offer.prices.values()) if price is not None]
    return any(p.reinstatement is not None and p.reinstatement.never_covered == "from_license" for p in prices)
