"""Whole histories of a ticket's clock, led through the house's own bookkeeping and walked minute by minute beside it.

The walk knows nothing of segments, totals or pauses as intervals: it asks of every minute whether the wall clock of the
zone says open, whether the clock ran, and counts. Both must come to the same due time and the same judgement.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from app.domain.account.changes import Plan
from app.domain.account.customer import Customer
from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.opening_hours import CalendarException, CalendarVersion, ExceptionKind, weekly_hours
from app.domain.clocks.ticket_clock import Hours, TicketClock
from app.domain.clocks.ticket_clocks import TicketClocks
from app.domain.policy.policy import Policy
from app.domain.policy.service_levels import Promise

DAYS = 16
MINUTES = DAYS * 1440
PLACES = (
    ("Europe/Berlin", "2025-03-24"),
    ("America/New_York", "2025-10-27"),
    ("Australia/Lord_Howe", "2025-03-31"),
    ("America/Sao_Paulo", "2018-10-29"),
    ("Pacific/Apia", "2011-12-24"),
    ("Africa/Casablanca", "2025-02-17"),
    ("Europe/Dublin", "2024-10-21"),
    ("UTC", "2025-06-02"),
)
SHAPES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((540, 1020),),
    ((480, 720), (780, 1080)),
    ((0, 1440),),
    ((0, 180), (1320, 1440)),
    ((90, 150),),
    (),
)
Minutes = bytearray


@cache
def local_minutes(zone: str, first: str) -> tuple[tuple[date, int], ...]:
    """The local date and minute of the day of every minute of the window, by the zone database."""
    here, start = ZoneInfo(zone), datetime.fromisoformat(first).replace(tzinfo=UTC)
    found = []
    for minute in range(MINUTES):
        wall = (start + timedelta(minutes=minute)).astimezone(here)
        found.append((wall.date(), wall.hour * 60 + wall.minute))
    return tuple(found)


@cache
def stretches(zone: str, first: str) -> tuple[tuple[date, int, int, int], ...]:
    """The same minutes in stretches of one date on which the wall clock runs on: date, first and end of the window's
    minutes, first minute of the day. A gap or a fold ends one."""
    found: list[tuple[date, int, int, int]] = []
    for minute, (on, of_day) in enumerate(local_minutes(zone, first)):
        if found:
            day, begin, end, since = found[-1]
            if day == on and of_day == since + end - begin:
                found[-1] = (day, begin, minute + 1, since)
                continue
        found.append((on, minute, minute + 1, of_day))
    return tuple(found)


@cache
def local_dates(zone: str, first: str) -> tuple[date, ...]:
    """The local dates of the window."""
    return tuple(sorted({on for on, _ in local_minutes(zone, first)}))


@cache
def a_day(spans: tuple[tuple[int, int], ...]) -> bytes:
    """Every minute of a wall clock's day: open or not."""
    return bytes(any(a <= minute < b for a, b in spans) for minute in range(1440))


@dataclass(slots=True)
class CustomerAccount:
    """Published versions in the walk's own words: from a date on, hours by weekday; dates that are closed."""

    zone: str
    first: str
    versions: list[tuple[date, list[tuple[tuple[int, int], ...]], frozenset[date]]] = field(default_factory=list)
    kept: dict[int, Minutes] = field(default_factory=dict)

    def open(self, revision: int) -> Minutes:
        """Every minute of the window: open or not, by the versions up to a revision."""
        if revision not in self.kept:
            found = bytearray(MINUTES)
            for on, begin, end, of_day in stretches(self.zone, self.first):
                day = a_day(self._hours(on, revision))
                found[begin:end] = day[of_day : of_day + end - begin]
            self.kept[revision] = found
        return self.kept[revision]

    def _hours(self, on: date, revision: int) -> tuple[tuple[int, int], ...]:
        holding = None
        for since, weekly, closed in self.versions[:revision]:
            if since <= on and (holding is None or since >= holding[0]):
                holding = (since, weekly, closed)
        if holding is None or on in holding[2]:
            return ()
        return holding[1][on.weekday()]


@dataclass(slots=True)
class Walk:
    """What the walk knows of the clock: the facts as they are known at last, in order."""

    account: CustomerAccount
    promised: int
    start: int
    told: int
    pauses: list[list[int | None]] = field(default_factory=list)
    stopped: int | None = None
    published: list[tuple[int, int]] = field(default_factory=list)

    def revision(self, minute: int) -> int:
        """The newest revision that was published by then, or when the ticket was told of."""
        return max((r for at, r in self.published if at <= max(minute, self.told)), default=1)

    def due(self, known: int) -> int | None:
        """The due minute by what is known at a minute: counted, not computed. None while paused.

        The seconds left at a pause are kept; minutes before it count anew only where the calendar that is known now
        says otherwise of a minute that ran before the pause than the one it was resumed on did.
        """
        rests = [(a, b) for a, b in self.pauses if a is not None and a <= known]
        if any(b is None or b > known for a, b in rests):
            return None
        due, over = self._due_on(self.revision(known), [(a, int(b or 0)) for a, b in rests])
        return None if over else due

    def _due_on(self, revision: int, rests: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """The due minute by one revision, with these pauses; and the minutes of work that lie past the window."""
        now = self.account.open(revision)
        at, left, first = self.start, self.promised, 0
        ran: list[int] = []
        since = self.start
        for n, (a, b) in enumerate(rests):
            ran += range(since, a)
            since = b
            kept = self._left_at(a, rests[:n])
            resumed = self.account.open(self.revision(b))
            if kept is not None and all(resumed[m] == now[m] for m in ran):
                at, left, first = b, kept, n + 1
                if kept == 0:  # nothing left: due at the resumption, unless nothing was worked meanwhile
                    at = b if any(now[a:b]) else a
        return self._walk(now, at, left, rests[first:])

    def _left_at(self, minute: int, rests: Sequence[tuple[int, int]]) -> int | None:
        """What remained at a pause, by what was published then; None where it was due before."""
        revision = self.revision(minute)
        due, over = self._due_on(revision, rests)
        return None if minute > due else sum(self.account.open(revision)[minute:due]) + over

    @staticmethod
    def _walk(open_: Minutes, at: int, left: int, rests: Sequence[tuple[int, int]]) -> tuple[int, int]:
        waiting = list(rests)
        while True:
            if waiting and at == waiting[0][0]:
                a, b = waiting.pop(0)
                if left == 0 and not any(open_[a:b]):
                    return at, 0
                at = b
                continue
            if left == 0 or at >= MINUTES:
                return at, left
            left -= open_[at]
            at += 1


@dataclass(slots=True)
class Led:
    """One history, as the house keeps it."""

    zone: str
    first: str
    clocks: TicketClocks
    versions: list[CalendarVersion]
    history: dict[int, BusinessCalendar] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)

    def at(self, minute: int) -> datetime:
        """The instant of a minute of the window."""
        return datetime.fromisoformat(self.first).replace(tzinfo=UTC) + timedelta(minutes=minute)

    def now(self, minute: int) -> datetime:
        """Lets time come to a minute: what is due by then is judged."""
        moment = self.at(minute)
        self.clocks.plan.at = moment
        self.clocks.judge(at=moment)
        return moment

    def publish(self, version: CalendarVersion) -> None:
        """A version for every clock from here on."""
        self.versions.append(version)
        self.history = {
            **self.history,
            version.revision: BusinessCalendar("service-hours", ZoneInfo(self.zone), self.versions),
        }
        hours = self.clocks.hours = Hours(
            name="service-hours", calendar=self.history[version.revision], history=self.history, tzdb_version="test"
        )
        for clock in self.clocks.clocks:  # as they are read anew after a version was published
            clock.hours = hours

    @property
    def clock(self) -> TicketClock:
        """The only clock."""
        return self.clocks.clocks[0]


def a_version(
    dice: random.Random, revision: int, since: date, dates: Sequence[date]
) -> tuple[CalendarVersion, list[tuple[tuple[int, int], ...]], frozenset[date]]:
    """Hours of any shape, and dates that are closed."""
    weekly = [dice.choice(SHAPES) for _ in range(7)]
    if not any(weekly):
        weekly[dice.randrange(7)] = SHAPES[0]
    closed = frozenset(dice.sample(list(dates), dice.randrange(3)))
    version = CalendarVersion(
        revision,
        since,
        weekly_hours({n + 1: spans for n, spans in enumerate(weekly)}),
        tuple(CalendarException(on, ExceptionKind.CLOSED) for on in sorted(closed)),
    )
    return version, weekly, closed


def lead(seed: int, policy: Policy) -> str | None:
    """One history by its seed; None where both agree, else what happened and what each says."""
    dice = random.Random(seed)
    zone, first = dice.choice(PLACES)
    dates = local_dates(zone, first)
    version, weekly, closed = a_version(dice, 1, date(1990, 1, 1), dates)
    account = CustomerAccount(zone, first, [(version.effective_from, weekly, closed)])
    promised = dice.choice((30, 60, 240, 480, 700, 960))
    promise = Promise(
        milestone="resolution",
        target=f"business_seconds:{promised * 60}",
        starts="opened",
        stops=("resolved",),
        clause=policy.clauses[0].id,
    )
    numbers = count(1)
    customer = Customer(customer_id="cus_1", external_id="ann")  # type: ignore[arg-type]
    plan = Plan(customer=customer, at=datetime(2000, 1, 1, tzinfo=UTC))
    clocks = TicketClocks(
        plan=plan,
        policy=replace(policy, promises=(promise,)),
        hours=None,  # type: ignore[arg-type]
        mint=lambda kind: f"{kind}_{next(numbers)}",
    )
    clocks.bind("tic_1", "T1")
    led = Led(zone, first, clocks, [])
    led.publish(version)
    start = dice.randrange(0, 2 * 1440)
    told = start + dice.choice((0, 0, 0, 45, 300, 2000))
    walk = Walk(account, promised, start, told)
    for minute in sorted(dice.sample(range(start, told), min(dice.randrange(3), told - start))):
        _publish(dice, led, walk, minute, dates, dice.choice(("publish", "correct")))
    clocks.start("opened", at=led.now(told), occurred_at=led.at(start))
    minute = told
    led.trail.append(f"{zone} {first} opened {start} told {told} promised {promised}")
    for _ in range(dice.randrange(1, 8)):
        minute += dice.choice((1, 5, 20, 120, 400, 900, 1500))
        if minute >= MINUTES // 2:
            break
        _step(dice, led, walk, minute, dates)
    return _differs(led, walk, minute + dice.choice((1, 300, 2000)), seed)


def _publish(dice: random.Random, led: Led, walk: Walk, minute: int, dates: Sequence[date], kind: str) -> None:
    moment = led.at(minute)
    revision = len(led.versions) + 1
    today = local_minutes(led.zone, led.first)[minute][0]
    since = today + timedelta(days=dice.randrange(1, 4)) if kind == "publish" else date(1990, 1, 1)
    version, weekly, closed = a_version(dice, revision, since, dates)
    led.publish(replace(version, published_at=moment))
    walk.account.versions.append((since, weekly, closed))
    walk.published.append((minute, revision))
    led.clocks.calendar_changed(at=moment)
    led.trail.append(f"{minute} {kind} {revision} from {since}")


def _step(dice: random.Random, led: Led, walk: Walk, minute: int, dates: Sequence[date]) -> None:
    moment = led.now(minute)
    standing = next((one for one in walk.pauses if one[1] is None), None)
    kind = dice.choice(("pause", "pause", "publish", "correct", "resume", "stop"))
    late = dice.choice((0, 0, 0, 10, 200, 2000))
    if kind in ("publish", "correct"):
        _publish(dice, led, walk, minute, dates, kind)
    elif kind == "pause" and standing is None and walk.stopped is None:
        low = max([walk.start, *(one[1] or 0 for one in walk.pauses)])
        when = max(minute - late, low)
        led.clocks.pause("asked", "customer", at=moment, occurred_at=led.at(when))
        walk.pauses.append([when, None])
        led.trail.append(f"{minute} paused {when}")
    elif kind == "resume" and standing is not None:
        when = max(minute - late, standing[0] or 0)
        led.clocks.resume("asked", at=moment, occurred_at=led.at(when))
        standing[1] = when
        led.trail.append(f"{minute} resumed {when}")
    elif kind == "stop" and walk.stopped is None and standing is None and dice.random() < 0.5:
        low = max([walk.start, *(one[1] or 0 for one in walk.pauses)])
        when = max(minute - late, low)
        led.clocks.stop("resolved", at=moment, occurred_at=led.at(when))
        walk.stopped = when
        led.trail.append(f"{minute} stopped {when}")


def _differs(led: Led, walk: Walk, minute: int, seed: int) -> str | None:
    state = led.clock.state(led.now(minute))
    known = minute if walk.stopped is None else walk.stopped
    due = walk.due(known)
    shown = None if state.due_at is None else int((state.due_at - led.at(0)).total_seconds()) // 60
    if due is None:  # paused, or later than the window
        agree = state.due_at is None or shown is None or shown > MINUTES
    else:
        late = (walk.stopped if walk.stopped is not None else minute) > due
        agree = shown == due and (state.outcome.value == "breached") == late
    if agree:
        return None
    said = f"shown {shown} {state.outcome.value} {state.phase.value}, walked {due}"
    return f"seed {seed}: {said}; at {minute}; " + "; ".join(led.trail)


def differences(seeds: Sequence[int], policy: Policy, tell: Callable[[int], Any] = lambda _: None) -> list[str]:
    """What differs over these histories."""
    found = []
    for n, seed in enumerate(seeds):
        said = lead(seed, policy)
        if said is not None:
            found.append(said)
        tell(n)
    return found
