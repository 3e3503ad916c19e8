"""Counts over windows: what counts of a ticket, how many there are at an instant, and when one more is free.

A window that slides is read ticket by ticket: each counts from its opening until the window's length has gone by. So
"6 in any 365 days" holds for every stretch of 365 days, also where a ticket is told late.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Final

from app.domain.account.account import CustomerAccount
from app.domain.account.counted import STILL_OPEN, CountedUse
from app.domain.account.customer import Cover
from app.domain.cover import cover as covers
from app.domain.policy import work_time
from app.domain.policy.conditions import Condition, holds, tests_of
from app.domain.policy.counts import Count
from app.domain.policy.policy import Policy
from app.domain.policy.wording import time_words
from app.domain.tickets.priority import priority_of
from app.domain.tickets.ticket import OPEN, Ticket
from app.domain.values.decision import Remedy
from app.domain.values.ids import CustomerId
from app.domain.values.periods import period_of
from app.domain.values.phrase import Phrase, capital, concat, phrased, phrased_of
from app.domain.values.term import add_term
from app.domain.values.wire import iso_or_none, parse_iso

_SERVED: Final = ("in_progress", "awaiting_confirmation", "resolved")
WAIT: Final = "wait"


# --- what counts of a ticket ------------------------------------------------------------------------------------------


def uses_of(policy: Policy, ticket: Ticket) -> list[dict[str, Any]]:
    """Return what of a ticket counts, as its row keeps it. It follows from the ticket and its policy alone."""
    if not policy.counts or not ticket.counts:
        return []
    facts = _facts_of_counted(policy, ticket)
    found: list[dict[str, Any]] = []
    for rule in policy.counts:
        pin = ticket.counts.get(rule.count)
        if pin is None or not _has_place(rule, ticket) or not _counts(rule, facts):
            continue
        named = {name: pin[name] for name in ("license_id", "cover_id") if pin.get(name) is not None}
        found += [{"count": rule.count, "at": at, "amount": amount, **named} for at, amount in _amounts(rule, ticket)]
    return found


def last_instant(policy: Policy, uses: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Return the last instant at which something counts, for the index; None where nothing does."""
    at_once = {rule.count for rule in policy.counts if rule.at_once}
    return max((STILL_OPEN if use["count"] in at_once else parse_iso(use["at"]) for use in uses), default=None)


def _has_place(rule: Count, ticket: Ticket) -> bool:
    if rule.at_once:
        return ticket.state in OPEN
    if ticket.state == "withdrawn":
        return rule.withdrawn == "counted" and ticket.accepted_at is not None and ticket.merged_into is None
    return ticket.state in _SERVED


def _counts(rule: Count, facts: Mapping[str, Any]) -> bool:
    return holds(rule.when, facts) is True and (rule.unless is None or holds(rule.unless, facts) is not True)


def _amounts(rule: Count, ticket: Ticket) -> Iterator[tuple[str, int]]:
    if rule.of == "tickets":
        yield ticket.opened_at, 1
        return
    if rule.of == "credits":
        if credits_ := ticket.charge.get("held", 0) + ticket.charge.get("net", 0):
            yield ticket.opened_at, credits_
        return
    for line in work_time.counting(ticket.work):
        if line["billable"] and line["minutes"]:
            yield line["occurred_at"], line["minutes"]


def _facts_of_counted(policy: Policy, ticket: Ticket) -> dict[str, Any]:
    """The facts of `app.documents.fact_space.counted_facts`: what is known of the ticket itself."""
    captured, net = ticket.charge.get("captured", 0), ticket.charge.get("net", 0)
    return {
        **{name: value for name, value in ticket.facts.items() if value is not None},
        "ticket.channel": ticket.channel,
        "ticket.category": ticket.category,
        "ticket.credit_type": ticket.credit_type,
        "ticket.product": ticket.product,
        "ticket.priority": priority_of(policy, ticket),
        "ticket.cause": ticket.cause,
        "ticket.outcome": ticket.outcome,
        "ticket.paid_by": ticket.paid_by,
        "ticket.given_back": captured > 0 and net == 0,
    }


# --- how many there are -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A count as it stands for somebody at an instant. ``since``: since when what counts is counted.

    ``uses``: everything of the count that is theirs; ``periods``: begins and ids of their periods of cover.
    """

    rule: Count
    at: datetime
    used: int
    since: datetime | None
    zone: tzinfo
    uses: tuple[CountedUse, ...]
    license_id: str | None = None
    cover_id: str | None = None
    periods: tuple[tuple[datetime, str], ...] = ()

    def used_at(self, instant: datetime) -> int:
        """How many there will be at a later instant, if nothing more is counted."""
        return sum(use.amount for use in self._live(instant))

    def frees(self) -> list[datetime]:
        """The later instants at which there may be fewer, in order."""
        rule = self.rule
        if rule.within is not None:
            ends = {add_term(use.at, rule.within, self.zone) for use in self.uses}
            return sorted(end for end in ends if end > self.at)
        if rule.each == "cover":
            return [starts_at for starts_at, _ in self.periods if starts_at > self.at]
        return [] if rule.at_once or rule.each is None else [period_of(rule.each, self.at, self.zone)[1]]

    def pin(self) -> dict[str, Any]:
        """What the ticket that was judged keeps of it."""
        members = {
            "used": self.used,
            "since": iso_or_none(self.since),
            "license_id": self.license_id,
            "cover_id": self.cover_id,
        }
        return {name: value for name, value in members.items() if value is not None}

    def _live(self, instant: datetime) -> Iterator[CountedUse]:
        rule = self.rule
        if rule.within is not None:
            term = rule.within
            return (use for use in self.uses if use.at <= instant < add_term(use.at, term, self.zone))
        if rule.each == "cover":
            cover_id = next((name for starts_at, name in reversed(self.periods) if starts_at <= instant), self.cover_id)
            return (use for use in self.uses if use.cover_id == cover_id)
        if rule.each is None:
            return iter(self.uses)
        begin, end = period_of(rule.each, instant, self.zone)
        return (use for use in self.uses if begin <= use.at < end)


def of_ticket(account: CustomerAccount, ticket: Ticket) -> dict[str, Standing]:
    """Return the policy's counts as they stand for a ticket, without it, by name. One whose owner is not known is not
    there."""
    if not account.policy.counts:
        return {}
    at = parse_iso(ticket.opened_at) if ticket.opened_at else account.when
    person = ticket.person_id or account.customer.customer_id
    found = _standings(account, person, ticket.license_id, at, without=ticket.ticket_id)
    held = {use["count"] for use in uses_of(account.policy, ticket)}
    return {name: _pinned(standing, ticket) if name in held else standing for name, standing in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bound of the credits that tickets take in a window. ``left``: for the ticket that is looked at, in all."""

    standing: Standing
    most: int
    left: int

    def next_at(self, credits: int) -> datetime | None:
        """The first later instant at which a ticket may take so many; None where none is known."""
        frees = self.standing.frees()
        return next((at for at in frees if self.standing.used_at(at) + credits <= self.most), None)


def limit_of(account: CustomerAccount, ticket: Ticket) -> Limit | None:
    """Return the narrowest bound of the credits that a ticket may take; None where there is none."""
    bounded = [rule for rule in account.policy.counts if rule.of == "credits" and rule.most is not None]
    if not bounded:
        return None
    at = parse_iso(ticket.opened_at) if ticket.opened_at else account.when
    person = ticket.person_id or account.customer.customer_id
    facts = _facts_of_counted(account.policy, ticket)
    found = []
    for rule in bounded:
        standing = _standing(account, rule, person, ticket.license_id, at, ticket.ticket_id)
        if standing is not None and _counts(rule, facts):
            most = rule.most or 0
            found.append(Limit(standing=standing, most=most, left=max(most - standing.used, 0)))
    return min(found, key=lambda limit: limit.left, default=None)


def of_question(account: CustomerAccount, license_id: str | None) -> dict[str, Standing]:
    """Return the policy's counts as they stand for whoever asks."""
    if not account.policy.counts:
        return {}
    return _standings(account, account.asked_by or account.customer.customer_id, license_id, account.when)


def facts_of(standings: Mapping[str, Standing]) -> dict[str, int]:
    """Return the facts ``count.*``."""
    return {standing.rule.fact: standing.used for standing in standings.values()}


def pins_of(account: CustomerAccount, ticket: Ticket) -> dict[str, Any]:
    """Return what the ticket keeps of the counts with which it was decided."""
    return {name: standing.pin() for name, standing in of_ticket(account, ticket).items()}


def reads_since(account: CustomerAccount, at: datetime) -> datetime:
    """Return since when uses must be read so that every window that reaches to ``at`` is whole."""
    begins = [at]
    for rule in account.policy.counts:
        if rule.within is not None:
            days = rule.within.years * 366 + rule.within.months * 31 + rule.within.days + 1
            begins.append(_earlier(at, days))
        elif rule.each == "cover":
            begins += [cover.granted_at for cover in account.covers.values()]
            begins += [cover.starts_at for cover in account.covers.values() if cover.starts_at is not None]
        elif rule.each is not None:
            begins.append(period_of(rule.each, at, covers.term_zone(account.policy))[0])
    return min(begins) - timedelta(seconds=1)


def _earlier(at: datetime, days: int) -> datetime:
    try:
        return at - timedelta(days=days)
    except OverflowError:
        return datetime(1, 1, 2, tzinfo=UTC)


def _pinned(standing: Standing, ticket: Ticket) -> Standing:
    """A place that the ticket has is not asked for again: what stood when it was given holds."""
    pin = ticket.counts[standing.rule.count]
    return replace(
        standing,
        used=pin["used"],
        since=parse_iso(pin["since"]) if pin.get("since") else None,
        license_id=pin.get("license_id"),
        cover_id=pin.get("cover_id"),
    )


def _standings(
    account: CustomerAccount, person: CustomerId, license_id: str | None, at: datetime, *, without: str = ""
) -> dict[str, Standing]:
    found = {}
    for rule in account.policy.counts:
        standing = _standing(account, rule, person, license_id, at, without)
        if standing is not None:
            found[rule.count] = standing
    return found


def _standing(
    account: CustomerAccount, rule: Count, person: CustomerId, license_id: str | None, at: datetime, without: str
) -> Standing | None:
    zone = covers.term_zone(account.policy)
    mine = None
    if rule.per == "license":
        mine = _license_of(account, license_id)
        if mine is None:
            return None
    periods = _periods(account, license_id) if rule.each == "cover" else ()
    current = (cover for cover in reversed(periods) if _begin(cover, at) <= at)
    cover_id = next((cover.cover_id for cover in current if cover.ends_at is None or at < cover.ends_at), None)
    if rule.each == "cover" and cover_id is None:
        return None
    uses = tuple(
        use
        for use in account.counted
        if use.count == rule.count
        and use.ticket_id != without
        and (rule.per != "person" or use.person == person)
        and (rule.per != "license" or use.license_id == mine)
    )
    begun = tuple((_begin(cover, at), str(cover.cover_id)) for cover in periods)
    plain = Standing(
        rule=rule, at=at, used=0, since=None, zone=zone, uses=uses, license_id=mine, cover_id=cover_id, periods=begun
    )
    used, since = _used(plain, at)
    return replace(plain, used=used, since=since)


def _used(standing: Standing, at: datetime) -> tuple[int, datetime | None]:
    """How many there are in the fullest window with ``at`` in it, and since when they are counted."""
    rule, uses = standing.rule, standing.uses
    if rule.within is None:
        since = None
        if rule.each == "cover":
            since = next((begin for begin, name in standing.periods if name == standing.cover_id), None)
        elif rule.each is not None:
            since = period_of(rule.each, at, standing.zone)[0]
        return standing.used_at(at), since
    end = add_term(at, rule.within, standing.zone)
    instants = {at, *(use.at for use in uses if at <= use.at < end)}
    fullest = max(sorted(instants), key=standing.used_at)
    live = [use.at for use in standing._live(fullest)]
    return standing.used_at(fullest), min(live, default=None)


def _license_of(account: CustomerAccount, license_id: str | None) -> str | None:
    if license_id is not None:
        return license_id if license_id in account.licenses else None
    held = account.active_licenses()
    return str(held[0].license_id) if len(held) == 1 else None


def _periods(account: CustomerAccount, license_id: str | None) -> Sequence[Cover]:
    """The periods of cover that serve any issue of the license, in order; one that waits for a ticket would begin
    now."""
    waiting = covers.startable(account)
    found = [
        cover
        for cover in account.covers.values()
        if not cover.levels
        and covers.OPEN_TICKET in cover.actions
        and cover.state != "voided"
        and covers.reaches(cover, license_id)
        and (cover.starts_at is not None or cover is waiting)
    ]
    return sorted(found, key=lambda cover: (cover.starts_at or STILL_OPEN, cover.cover_id))


def _begin(cover: Cover, at: datetime) -> datetime:
    return at if cover.starts_at is None else cover.starts_at


# --- when one more is free, and how it is said ------------------------------------------------------------------------

Allows = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A count that a rule looked at: how many of how many, and when there is room again."""

    standing: Standing
    most: int | None
    next_at: datetime | None

    def json(self) -> dict[str, Any]:
        """As published among the facts of a reason."""
        return {
            "count": self.standing.rule.count,
            "used": self.standing.used,
            "most": self.most,
            "since": iso_or_none(self.standing.since),
            "next_at": iso_or_none(self.next_at),
        }

    def sentence(self) -> Phrase:
        """In words: ``5 of 6 incidents are used since 4 January 2026.``"""
        rule, zone = self.standing.rule, self.standing.zone
        used = self.standing.used
        number = amount_words(rule, used)
        if self.most is not None:
            number = phrased("%(number)s of %(most)s", number=number, most=amount_words(rule, self.most))
        if rule.of == "minutes":
            number = phrased("%(number)s of %(what)s", number=number, what=rule.title)
        else:
            number = concat(number, " ", rule.title)
        many = self.most or used
        if rule.at_once:
            text = phrased_of("%(tickets)s is open", "%(tickets)s are open", many, tickets=number)
        else:
            text = phrased_of("%(tickets)s is used", "%(tickets)s are used", many, tickets=number)
        if self.standing.since is not None:
            text = phrased("%(used)s since %(day)s", used=text, day=day_in(self.standing.since, zone))
        full = self.most is not None and used >= self.most
        return concat(text, "; ", self.following(), ".") if full else concat(text, ".")

    def following(self) -> Phrase:
        """When the next one is free, in words."""
        if self.next_at is not None:
            return phrased("the next is free on %(instant)s", instant=instant_words(self.next_at, self.standing.zone))
        if self.standing.rule.at_once:
            return phrased("the next is free once one of them is closed")
        if self.standing.rule.each == "cover":
            return phrased("the next is free with the next period")
        return phrased("no more come free")


def looked_at(
    conditions: Iterable[Condition | None], allows: Allows, facts: Mapping[str, Any], standings: Mapping[str, Standing]
) -> tuple[Looked, ...]:
    """Return the counts that some conditions look at. ``allows``: the answer with other facts."""
    tests = [test for condition in conditions for test in tests_of(condition)]
    named: dict[str, set[int]] = {}
    by_fact = {standing.rule.fact: standing for standing in standings.values()}
    for test in tests:
        for fact, other in ((test.fact, test.value_fact), (test.value_fact, test.fact)):
            standing = by_fact.get(fact or "")
            if standing is None:
                continue
            values = test.value if isinstance(test.value, tuple) else (test.value, facts.get(other or ""))
            numbers = {value for value in values if type(value) is int}
            named.setdefault(standing.rule.count, set()).update(numbers)
    counted = [standings[name] for name in named]
    free = None if allows(facts) else _next_at(counted, allows, facts)
    return tuple(
        Looked(standing=standing, most=_most(standing, named[standing.rule.count], allows, facts), next_at=free)
        for standing in counted
    )


def _most(standing: Standing, numbers: Iterable[int], allows: Allows, facts: Mapping[str, Any]) -> int | None:
    """How many are allowed: the least number with which the answer is no."""
    for number in sorted({0, *numbers, *(n + 1 for n in numbers)}):
        if number >= 0 and not allows({**facts, standing.rule.fact: number}):
            return number
    return None


def _next_at(standings: Sequence[Standing], allows: Allows, facts: Mapping[str, Any]) -> datetime | None:
    """The first instant at which the answer is yes, if nothing more is counted: counts only fall by themselves."""
    instants = sorted({instant for standing in standings for instant in standing.frees()})

    def allowed(instant: datetime) -> bool:
        return allows({**facts, **{standing.rule.fact: standing.used_at(instant) for standing in standings}})

    found = bisect_left(instants, True, key=allowed)
    return instants[found] if found < len(instants) else None


def waiting(looked: Sequence[Looked]) -> tuple[Remedy, ...]:
    """Return what the customer can do about counts that are used up: wait."""
    texts = [item.sentence() for item in looked if item.most is not None and item.standing.used >= item.most]
    if not texts:
        return ()
    return (Remedy(kind=WAIT, text=concat(*texts, between=" "), helps_at=looked[0].next_at),)


def would_change(looked: Sequence[Looked]) -> str | None:
    """What would make room, in words; None where no count is in the way."""
    used_up = [item for item in looked if item.most is not None and item.standing.used >= item.most]
    if not used_up:
        return None
    return would_make_room(used_up[0]) or used_up[0].following()


def would_make_room(looked: Looked) -> str | None:
    """When waiting helps, in words; None where it does not."""
    if looked.next_at is None:
        return None
    return phrased("waiting until %(instant)s", instant=instant_words(looked.next_at, looked.standing.zone))


def amount_words(rule: Count, amount: int) -> Phrase:
    """A number of tickets, or minutes as people write them."""
    return time_words(amount) if rule.of == "minutes" else concat(amount)


def day_in(instant: datetime, zone: tzinfo) -> Phrase:
    """The day of an instant in a zone."""
    return concat(instant.astimezone(zone).replace(tzinfo=UTC))


def instant_words(instant: datetime, zone: tzinfo) -> Phrase:
    """An instant in words: the day, and the time where it is not the day's begin."""
    local = instant.astimezone(zone)
    named = day_in(instant, zone)
    return named if local.time() == time() else concat(named, f", {local:%H:%M} {local.tzname()}")


def pin_words(rule: Count, pin: Mapping[str, Any], zone: tzinfo) -> Phrase:
    """What a ticket kept of a count, in words: ``Incidents used before it since 4 January 2026: 2``."""
    title, number = capital(rule.title), amount_words(rule, pin["used"])
    text = phrased("%(tickets)s used before it", tickets=title)
    if rule.at_once:
        text = phrased("%(tickets)s open before it", tickets=title)
    if pin.get("since"):
        text = phrased("%(used)s since %(day)s", used=text, day=day_in(parse_iso(pin["since"]), zone))
    return concat(text, ": ", number)


def use_of(ticket_id: str, person: str, stored: Mapping[str, Any]) -> CountedUse:
    """Return a use as its row keeps it."""
    return CountedUse(
        count=stored["count"],
        ticket_id=ticket_id,
        person=CustomerId(person),
        at=parse_iso(stored["at"]),
        amount=stored["amount"],
        license_id=stored.get("license_id"),
        cover_id=stored.get("cover_id"),
    )
