"""A vendor of promises in whole lives: by priority, plan and channel, with escalations and credits for a breach.

The model is its own, written down from `docs/policies.md` and `docs/clocks.md`: what is owed follows from what the
ticket says of itself, and a promise counts from the opening, whichever priority came first. What a sweep must tell is
worked out minute by minute. Credits for a breach come at the breach, within a bound for each calendar month.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.lives.life import DOCUMENTS, INSTEADS, NAMES, OWN, Life, command
from tests.lives.terms import at, iso

POLICY = "promised"
PRICE, PACK, CAP, GOLD_DAYS = 2, 12, 8, 10
DOCUMENTS[POLICY] = """
policy: promised
title: Promises by anything
vendor: Nobody
source: made up for the tests
currency: USD
unit: {one: credit, many: credits}
clauses: [{id: R-1, text: Everything.}, {id: R-2, text: High.}, {id: R-3, text: Gold.}]
priorities: [{priority: high, title: High, clause: R-2}, {priority: low, title: Low, clause: R-1}]
plans: [{plan: gold, title: Gold, pays: false, clause: R-3}]
offers:
  - {sku: pack, title: Twelve credits, kind: credits, clause: R-1, price: {amount: "12.00"}, grants: [{kind: credits,
     rule: pack, clause: R-1, credits: 12}]}
  - {sku: gold, title: Gold, kind: cover, clause: R-3, price: {amount: "60.00"}, grants: [{kind: cover, rule: gold,
     clause: R-3, term: {days: 10}, start: after_current, plan: gold}]}
actions:
  - action: open_ticket
    title: Open a ticket
    rules: [{allow: true, code: may_ask, clause: R-1, message: Anybody may.}]
qualification: {by: rules, clause: R-1}
categories: [{category: question, title: A question, price: {kind: fixed, credits: 2}, clause: R-1}]
credits: {clause: R-1, types: [{credit_type: credit, title: Credits, clause: R-1}]}
payment: {means: [credits], exhausted_clause: R-1, exhausted_skus: [pack]}
outcomes: [{outcome: answered, title: Answered, clause: R-1}]
causes: [{cause: other, title: Something else}]
calendars:
  always:
    zone: UTC
    clause: R-2
    weekly_hours: {mon: [["00:00", "24:00"]], tue: [["00:00", "24:00"]], wed: [["00:00", "24:00"]],
      thu: [["00:00", "24:00"]], fri: [["00:00", "24:00"]], sat: [["00:00", "24:00"]], sun: [["00:00", "24:00"]]}
service_hours:
  zone: UTC
  clause: R-1
  weekly_hours: {mon: [["09:00", "17:00"]], tue: [["09:00", "17:00"]], wed: [["09:00", "17:00"]],
    thu: [["09:00", "17:00"]], fri: [["09:00", "17:00"]]}
promises:
  - {milestone: first_response, when: {fact: ticket.priority, value: high}, calendar: always,
     target: "business_seconds:7200", starts: opened, stops: [vendor_response], clause: R-2, breach_returns_credits: 5,
     breach_cap: {credits: 8, per: month, clause: R-2}, warnings: [{percent: 50, notify: [lead]}],
     reminders: [{business_seconds_after: 3600, notify: [lead]}, {business_seconds_after: 14400, notify: [director]}]}
  - {milestone: first_response, when: {all: [{fact: plan.name, value: gold}, {fact: ticket.channel, value: phone}]},
     target: "business_seconds:1800", starts: opened, stops: [vendor_response], clause: R-3, breach_returns_credits: 3,
     breach_cap: {credits: 8, per: month, clause: R-3}}
  - {milestone: first_response, when: {fact: plan.name, value: gold}, target: "business_seconds:7200", starts: opened,
     stops: [vendor_response], clause: R-3, breach_returns_credits: 3, breach_cap: {credits: 8, per: month,
     clause: R-3}}
  - {milestone: first_response, target: "business_seconds:28800", starts: opened, stops: [vendor_response],
     clause: R-1, warnings: [{percent: 50, notify: [lead]}, {business_seconds_before: 1800, notify: [lead, manager]}],
     reminders: [{business_seconds_after: 7200, notify: [director]}]}
"""
OWN[POLICY] = {"buy_promised": 14, "open_promised": 26, "turn": 22, "answer_promised": 14, "pass_time": 40}
"""How often each command is drawn; of the others none."""
INSTEADS[POLICY] = ("open_promised", "open_promised", "pass_time")


class Kind(NamedTuple):
    """One promise: seconds of its hours, the credits of its breach, and who is told when."""

    name: str
    seconds: int
    round_the_clock: bool
    credits: int
    before: tuple[tuple[int, tuple[str, ...]], ...]
    """(seconds from the beginning, who is told)."""
    after: tuple[tuple[int, tuple[str, ...]], ...]


HIGH = Kind("R-2", 7200, True, 5, ((3600, ("lead",)),), ((3600, ("lead",)), (14400, ("director",))))
CALL = Kind("R-3", 1800, False, 3, (), ())
GOLD = Kind("R-3", 7200, False, 3, (), ())
REST = Kind("R-1", 28800, False, 0, ((14400, ("lead",)), (27000, ("lead", "manager"))), ((7200, ("director",)),))


def later(begin: datetime, seconds: int, *, round_the_clock: bool) -> datetime:
    """The instant at which so many seconds of the hours have gone by since then."""
    if round_the_clock:
        return begin + timedelta(seconds=seconds)
    left, now = seconds, begin
    while True:
        opens, closes = (now.replace(hour=hour, minute=0, second=0) for hour in (9, 17))
        since = max(now, opens)
        open_for = int((closes - since).total_seconds()) if now.weekday() < 5 and since < closes else 0
        if left <= open_for:
            return since + timedelta(seconds=left)
        left -= open_for
        now = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0)


def opening(now: datetime) -> datetime:
    """The instant itself within service hours, else when they begin next."""
    while now.weekday() > 4 or now.hour >= 17:
        now = (now + timedelta(days=1)).replace(hour=0, minute=0)
    return max(now, now.replace(hour=9, minute=0))


@dataclass
class Asked:
    """A ticket: what it says of itself, the promise that holds, and what was told of it."""

    name: str
    owner: str
    opened: datetime
    channel: str
    priority: str | None
    kind: Kind
    since: datetime
    """Since when the promise holds."""
    missed: bool = False
    """What is promised now is late."""
    times: int = 0
    done: bool = False
    told: list[tuple[str, datetime, tuple[str, ...]]] = field(default_factory=list)

    def instant(self, seconds: int) -> datetime:
        """When so much time of the promise has gone by since the opening."""
        return later(self.opened, seconds, round_the_clock=self.kind.round_the_clock)

    @property
    def due(self) -> datetime:
        """When an answer is due."""
        return self.instant(self.kind.seconds)

    def to_tell(self, begin: datetime, end: datetime) -> list[tuple[datetime, str, tuple[str, ...]]]:
        """What comes about after an instant, up to another: warnings, the breach, reminders. A second is in time."""
        found = [row for row in self.notices() if begin < row[0] <= end]
        if not self.missed and self.due < end:
            found.append((self.due, "breached", ()))
        return sorted(found)

    def notices(self) -> list[tuple[datetime, str, tuple[str, ...]]]:
        """When it is told that an answer is wanted soon, or is late. What lies before the promise is told with it."""
        found = []
        for seconds, names in self.kind.before:
            when = self.instant(seconds)
            if when < self.since:
                when = self.since if self.kind.round_the_clock else opening(self.since)
            if when < self.due:
                found.append((when, "warned", names))
        for seconds, names in self.kind.after:
            found.append((max(self.instant(self.kind.seconds + seconds), self.since), "reminded", names))
        return found


@dataclass
class Board:
    """All that the vendor owes, and what each customer can spend."""

    tickets: list[Asked] = field(default_factory=list)
    has: dict[str, int] = field(default_factory=dict)
    gold: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    brought: dict[tuple[str, int, int], int] = field(default_factory=dict)
    """Credits that breaches brought, by customer and calendar month."""

    def runs(self, owner: str, now: datetime) -> bool:
        """Whether gold runs."""
        return any(begin <= now < end for begin, end in self.gold.get(owner, ()))

    def kind_of(self, owner: str, channel: str, priority: str | None, now: datetime) -> Kind:
        """The first promise that holds."""
        if priority == "high":
            return HIGH
        if self.runs(owner, now):
            return CALL if channel == "phone" else GOLD
        return REST

    def breach(self, one: Asked, when: datetime) -> None:
        """An answer is late: credits come, up to the bound of the month."""
        one.missed, one.times = True, one.times + 1
        key = (one.owner, when.year, when.month)
        came = max(min(one.kind.credits, CAP - self.brought.get(key, 0)), 0) if one.kind.credits else 0
        self.brought[key] = self.brought.get(key, 0) + came
        self.has[one.owner] = self.has.get(one.owner, 0) + came

    def live(self, begin: datetime, end: datetime) -> None:
        """What comes about as time goes by, in the order in which it does."""
        due = [(row, one) for one in self.tickets if not one.done for row in one.to_tell(begin, end)]
        for (when, what, names), one in sorted(due, key=lambda pair: (pair[0][0], pair[1].name, pair[0][1])):
            if what == "breached":
                self.breach(one, when)
            else:
                one.told.append((what, when, names))


def board(life: Life) -> Board:
    """What is owed by now."""
    found: Board = life.things.setdefault("promised", Board())
    return found


async def all_alike(life: Life, owner: str | None = None) -> None:
    """The service says of each ticket and each customer what the model says."""
    mine = board(life)
    for one in mine.tickets:
        if not one.done and owner in (None, one.owner):
            await ticket_alike(life, one)
    for name in sorted(mine.has):
        found = await life.get(f"/v1/customers/{name}/balance")
        life.that(found["available"] == mine.has[name], f"{name} has {found['available']}, not {mine.has[name]}")
        statement = await life.get(f"/v1/customers/{name}/statement")
        life.that(statement["available"] == mine.has[name], f"{name}'s statement says {statement['available']}")


async def ticket_alike(life: Life, one: Asked) -> None:
    """One ticket: the promise that holds, when it is due, whether it was missed, and who was told."""
    shown = await life.get(f"/v1/tickets/{one.name}")
    clocks = [row for row in shown["clocks"] if row["phase"] != "cancelled"]
    life.that(len(clocks) == 1, f"{one.name} has clocks {shown['clocks']}")
    (clock,) = clocks
    said = (clock["clause"], clock["due_at"] and at(clock["due_at"]), clock["outcome"])
    outcome = "breached" if one.missed else "met" if one.done else "open"
    right = (one.kind.name, one.due, outcome)
    life.that(said == right, f"{one.name}'s clause, due time and outcome are {said}, should be {right}")


async def told_alike(life: Life) -> None:
    """Each warning and each reminder was told once, to whom it should be; so was each breach."""
    seen: dict[str, list[tuple[str, datetime, tuple[str, ...]]]] = {}
    breaches: dict[str, int] = {}
    for event in await life.pages("/v1/events"):
        kind = event["type"].removeprefix("clock.")
        data = event["data"]
        if event["type"] == "clock.breached":
            breaches[data["ticket_id"]] = breaches.get(data["ticket_id"], 0) + 1
        elif event["type"] in ("clock.warned", "clock.reminded"):
            row = (kind, at(event["occurred_at"]), tuple(data.get("notify", ())))
            seen.setdefault(data["ticket_id"], []).append(row)
    for one in board(life).tickets:
        there = sorted(seen.get(one.name, []))
        life.that(there == sorted(one.told), f"of {one.name} was told {there}, should be {sorted(one.told)}")
        said = breaches.get(one.name, 0)
        life.that(said == one.times, f"{one.name}: {said} breaches were told, should be {one.times}")


@command()
async def buy_promised(life: Life, rng: random.Random) -> str:
    """Credits or gold, which follows the gold that is there."""
    name, order, sku = rng.choice(NAMES), life.next("o"), rng.choice(("pack", "pack", "gold"))
    body: dict[str, Any] = {"customer_id": name, "placed_at": iso(life.now), "currency": "USD"}
    body["lines"] = [{"line_id": "1", "sku": sku, "quantity": 1}]
    status, answer = await life.call("PUT", f"/v1/orders/{order}", body)
    life.that(status == 201, f"{order}: {status} {answer}")
    mine = board(life)
    mine.has.setdefault(name, 0)
    if sku == "pack":
        mine.has[name] += PACK
    else:
        begin = max([life.now, *(end for _, end in mine.gold.get(name, ()))])
        mine.gold.setdefault(name, []).append((begin, begin + timedelta(days=GOLD_DAYS)))
    await all_alike(life, name)
    return f"{name} buys {sku}"


@command()
async def open_promised(life: Life, rng: random.Random) -> str:
    """A ticket, paid in credits; where there are none it is withdrawn, and nothing is owed."""
    name, ticket = rng.choice(NAMES), life.next("t")
    channel, priority = rng.choice(("email", "phone")), rng.choice(("high", "low", None))
    body = {"customer_id": name, "subject": "Help", "channel": channel, "category": "question"}
    status, answer = await life.call(
        "PUT", f"/v1/tickets/{ticket}", {**body, "priority": priority} if priority else body
    )
    mine = board(life)
    right = "in_progress" if mine.has.get(name, 0) >= PRICE else "awaiting_credits"
    life.that((status, answer["state"]) == (201, right), f"{ticket} is {answer.get('state')}, should be {right}")
    if right == "awaiting_credits":
        status, answer = await life.call("POST", f"/v1/tickets/{ticket}/withdrawal", {})
        life.that(status == 200, f"{ticket} is withdrawn: {status} {answer}")
        return f"{name} cannot pay"
    mine.has[name] -= PRICE
    kind = mine.kind_of(name, channel, priority, life.now)
    mine.tickets.append(Asked(ticket, name, life.now, channel, priority, kind, life.now))
    await all_alike(life, name)
    return f"{name} asks by {channel}, {priority}: {kind.name}"


@command()
async def turn(life: Life, rng: random.Random) -> str | None:
    """The priority of a ticket that is not answered changes: what was promised for it counts from the opening."""
    mine = board(life)
    waiting = [one for one in mine.tickets if not one.done]
    if not waiting:
        return None
    one, priority = rng.choice(waiting), rng.choice(("high", "low"))
    status, answer = await life.call("POST", f"/v1/tickets/{one.name}/details", {"priority": priority})
    life.that(status == 200, f"{one.name} turns {priority}: {status} {answer}")
    kind = mine.kind_of(one.owner, one.channel, priority, life.now)
    one.priority = priority
    if kind != one.kind:
        went_on(mine, one, kind, life.now)
    await all_alike(life, one.owner)
    await told_alike(life)
    return f"{one.name} turns {priority}: due {iso(one.due)}"


def went_on(mine: Board, one: Asked, kind: Kind, now: datetime) -> None:
    """Another promise holds from now on. What it owed before now is late from now on, and told as late as it is."""
    one.kind, one.since, one.missed = kind, now, False
    one.told += [(what, now, names) for when, what, names in one.notices() if when == now]
    if one.due < now:
        mine.breach(one, now)


@command()
async def answer_promised(life: Life, rng: random.Random) -> str | None:
    """The vendor answers, in time or late."""
    mine = board(life)
    waiting = [one for one in mine.tickets if not one.done]
    if not waiting:
        return None
    one = rng.choice(waiting)
    body = {"author": "vendor", "kind": "service"}
    status, answer = await life.call("POST", f"/v1/tickets/{one.name}/responses", body)
    life.that(status in (200, 201), f"{one.name} is answered: {status} {answer}")
    one.done = True
    await ticket_alike(life, one)
    await all_alike(life, one.owner)
    return f"{one.name} is answered: {'late' if one.missed else 'in time'}"


@command()
async def pass_time(life: Life, rng: random.Random) -> str:
    """Minutes, hours or days; what comes about meanwhile is told once."""
    minutes = rng.choice((10, 25, 30, 60, 60, 120, 125, 240, 480, 1440, 4320, 20160))
    begin, to = life.now, life.now + timedelta(minutes=minutes)
    reached = False
    while not reached:
        status, answer = await life.call("PUT", "/v1/clock", {"now": iso(to)})
        life.that(status == 200, f"the clock: {status} {answer}")
        reached = answer["reached"]
    life.model.advance(to)
    board(life).live(begin, to)
    await all_alike(life)
    await told_alike(life)
    return f"it is {iso(to)}"
