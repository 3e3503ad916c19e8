"""A vendor of levels in whole lives: upgrades and downgrades in mid-period, and a team with as many people as seats.

The model is its own, written down from `docs/policies.md`: what is left of a plan that another one replaces is worth
its share of the list's price, and becomes days or whole credits. A refund of the new one puts the old one back, one of
the old one takes back what it became. As many people are named as seats run; those who were named first count.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from tests.lives.life import DOCUMENTS, INSTEADS, OWN, Life, command
from tests.lives.terms import at, iso

POLICY = "levels"
BUYERS = ("ann", "bob")
COMPANY, PEOPLE = "acme", ("pia", "quinn", "rob", "sue")
TERM = timedelta(days=30)
DOCUMENTS[POLICY] = """
policy: levels
title: Levels
vendor: Nobody
source: made up for the tests
currency: USD
unit: {one: credit, many: credits}
clauses: [{id: L-1, text: Everything.}, {id: L-2, text: Seats.}]
plans: [{plan: silver, title: Silver, pays: false, clause: L-1}, {plan: gold, title: Gold, pays: false, clause: L-1},
  {plan: team, title: Team, pays: false, clause: L-2}]
offers:
  - {sku: silver, title: Silver, kind: cover, clause: L-1, price: {amount: "30.00"}, grants: [{kind: cover,
     rule: silver, clause: L-1, term: {days: 30}, start: after_current, plan: silver}]}
  - {sku: gold, title: Gold, kind: cover, clause: L-1, price: {amount: "90.00"}, grants: [{kind: cover, rule: gold,
     clause: L-1, term: {days: 30}, start: after_current, plan: gold}]}
  - {sku: gold-now, title: Gold now, kind: cover, clause: L-1, price: {amount: "90.00"}, grants: [{kind: cover,
     rule: gold_now, clause: L-1, term: {days: 30}, plan: gold, replaces: {plans: [silver], into: days}}]}
  - {sku: silver-now, title: Silver now, kind: cover, clause: L-1, price: {amount: "30.00"}, grants: [{kind: cover,
     rule: silver_now, clause: L-1, term: {days: 30}, plan: silver, replaces: {plans: [gold], into: credits,
     per_credit: "0.50"}}]}
  - {sku: seat, title: A seat, kind: cover, clause: L-2, price: {amount: "10.00"}, grants: [{kind: cover, rule: seat,
     clause: L-2, term: {days: 30}, start: order, plan: team, seats: quantity}]}
  - {sku: pack, title: Twelve credits, kind: credits, clause: L-1, price: {amount: "12.00"}, grants: [{kind: credits,
     rule: pack, clause: L-1, credits: 12}]}
actions:
  - action: open_ticket
    title: Open a ticket
    rules:
      - {allow: true, code: plan_runs, clause: L-1, message: A plan runs., when: {fact: plan.includes, op: contains,
         value: silver}}
      - {allow: true, code: gold_runs, clause: L-1, message: Gold runs., when: {fact: plan.includes, op: contains,
         value: gold}}
      - {allow: false, code: no_plan, clause: L-1, message: No plan runs.}
contacts: {clause: L-2}
qualification: {by: rules, clause: L-1, checks: [{check: named, code: not_named, clause: L-2, message: Named only.,
  require: {"no": {fact: person.named, value: false}}}]}
categories: [{category: question, title: A question, price: {kind: fixed, credits: 0}, clause: L-1}]
credits: {clause: L-1, types: [{credit_type: credit, title: Credits, clause: L-1}]}
payment: {means: [credits], exhausted_clause: L-1, exhausted_skus: [pack]}
outcomes: [{outcome: answered, title: Answered, clause: L-1}]
causes: [{cause: other, title: Something else}]
service_hours: {zone: UTC, clause: L-1, weekly_hours: {mon: [["09:00", "17:00"]]}}
"""
OWN[POLICY] = {"take_level": 26, "undo_level": 16, "use_up": 10, "take_seats": 10, "name_people": 14, "one_asks": 12}
OWN[POLICY]["days_pass"] = 24
"""How often each command is drawn; of the others none."""
INSTEADS[POLICY] = ("take_level", "take_seats", "take_level")


class Sold(NamedTuple):
    """A plan as it is sold: at once instead of another one, or after all that runs."""

    plan: str
    price: int
    instead_of: str | None = None
    into_days: bool = False


OFFERS = {
    "silver": Sold("silver", 30),
    "gold": Sold("gold", 90),
    "gold-now": Sold("gold", 90, "silver", into_days=True),
    "silver-now": Sold("silver", 30, "gold"),
}


@dataclass(eq=False)
class Level:
    """One period. ``replaced``: what it ended, with the end that each had and what it became here."""

    order_id: str
    sold: Sold
    placed: datetime
    begins: datetime
    ends: datetime
    stands: bool = True
    replaced: list[tuple[Level, datetime, timedelta, Brought | None]] = field(default_factory=list)
    by: Level | None = None


@dataclass(eq=False)
class Brought:
    """Credits for what was left of a plan."""

    left: int


@dataclass
class Account:
    """What one customer has: periods, credits, seats and who is named."""

    levels: list[Level] = field(default_factory=list)
    lots: list[Brought] = field(default_factory=list)
    seats: list[tuple[str, datetime]] = field(default_factory=list)
    """(order, when it ends), one for each seat."""
    named: list[str] = field(default_factory=list)

    @property
    def available(self) -> int:
        """What can be spent."""
        return sum(lot.left for lot in self.lots)

    def runs(self, now: datetime) -> bool:
        """Whether a plan runs."""
        return any(one.stands and one.begins <= now < one.ends for one in self.levels)

    def free(self, now: datetime) -> int | None:
        """How many may be named; None: any number, since nobody counts."""
        running = [order for order, ends in self.seats if now < ends]
        return len(running) or None

    def buy(self, order_id: str, sold: Sold, now: datetime) -> Level:
        """Another period."""
        standing = [one for one in self.levels if one.stands and one.ends > now]
        begins = now if sold.instead_of else max([now, *(one.ends for one in standing)])
        new = Level(order_id, sold, now, begins, begins + TERM)
        for one in sorted(standing, key=lambda one: one.begins):
            if one.sold.plan == sold.instead_of:
                self._replace(one, new, now)
        waiting = self._waiting(now)
        self.levels.append(new)
        self._lay(waiting)
        return new

    def _waiting(self, now: datetime) -> list[Level]:
        return [one for one in self.levels if one.sold.instead_of is None and one.stands and one.begins > now]

    def _lay(self, waiting: list[Level]) -> None:
        """What waits begins after all that was bought before it, and after what that was replaced by."""
        for one in (one for one in waiting if one.stands):
            before = self.levels[: self.levels.index(one)]
            for lower in before:
                if lower.by is not None and lower.by not in before:
                    before.append(lower.by)
            one.begins = max([one.placed, *(other.ends for other in before if other.stands)])
            one.ends = one.begins + TERM

    def _replace(self, one: Level, new: Level, now: datetime) -> None:
        left = Fraction(_seconds(one.ends - max(now, one.begins)), _seconds(one.ends - one.begins))
        worth = one.sold.price * left
        longer, lot = timedelta(0), None
        if new.sold.into_days:
            longer = timedelta(seconds=int(worth * _seconds(TERM) / new.sold.price))
            new.ends += longer
        else:
            lot = Brought(int(worth * 2))
            self.lots.append(lot)
        new.replaced.append((one, one.ends, longer, lot))
        one.by = new
        if one.begins > now:
            one.stands = False
        else:
            one.ends = now

    def give_back(self, one: Level, now: datetime) -> None:
        """A refund. What waits may begin elsewhere then."""
        waiting = self._waiting(now)
        self._give_back(one, now)
        self._lay(waiting)

    def _give_back(self, one: Level, now: datetime) -> None:
        """The period is over, or never was; what it replaced stands again, what it became goes."""
        if one.by is not None:
            for lower, _, longer, lot in one.by.replaced:
                if lower is one:
                    one.by.ends = max(one.by.ends - longer, now) if longer else one.by.ends
                    if lot is not None:
                        lot.left = 0
            one.by.replaced = [row for row in one.by.replaced if row[0] is not one]
            return  # what it served until it was replaced was served
        if one.begins > now:
            one.stands = False
        else:
            one.ends = now
        for lower, ends, _, lot in one.replaced:
            lower.by, lower.stands, lower.ends = None, True, ends
            if lot is not None:
                lot.left = 0
        one.replaced = []


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def account(life: Life, name: str) -> Account:
    """A customer's account."""
    found: Account = life.things.setdefault("levels", {}).setdefault(name, Account())
    return found


async def level_alike(life: Life, name: str) -> None:
    """The service says of a customer what the model says: periods, credits, and whether a plan runs."""
    mine = account(life, name)
    status, shown = await life.call("GET", f"/v1/customers/{name}")
    if status == 404 and not mine.levels:
        return
    there = sorted(
        (row["order_id"], at(row["starts_at"]), at(row["ends_at"]))
        for row in shown["covers"]
        if row["state"] != "voided" and row["plan"] != "team"
    )
    right = sorted((one.order_id, one.begins, one.ends) for one in mine.levels if one.stands)
    life.that(there == right, f"{name}'s periods are {there}, should be {right}")
    found = await life.get(f"/v1/customers/{name}/balance")
    life.that(found["available"] == mine.available, f"{name} has {found['available']}, should have {mine.available}")
    gate = await life.get(f"/v1/customers/{name}/entitlements/open_ticket")
    life.that(gate["allowed"] == mine.runs(life.now), f"{name} may ask: {gate['allowed']} {gate['reasons']}")


@command()
async def take_level(life: Life, rng: random.Random) -> str:
    """A plan after all that is there, or at once instead of the other one."""
    name, order, sku = rng.choice(BUYERS), life.next("o"), rng.choice(sorted(OFFERS))
    body: dict[str, Any] = {"customer_id": name, "placed_at": iso(life.now), "currency": "USD"}
    body["lines"] = [{"line_id": "1", "sku": sku, "quantity": 1}]
    status, answer = await life.call("PUT", f"/v1/orders/{order}", body)
    life.that((status, answer.get("not_granted")) == (201, []), f"{order}: {status} {answer}")
    new = account(life, name).buy(order, OFFERS[sku], life.now)
    await level_alike(life, name)
    return f"{name} takes {sku} until {iso(new.ends)}"


@command()
async def undo_level(life: Life, rng: random.Random) -> str | None:
    """A refund of the newest plan, or of one that the newest replaced."""
    name = rng.choice(BUYERS)
    mine = account(life, name)
    last = next((one for one in reversed(mine.levels) if one.stands), None)
    if last is None or last.ends <= life.now or last.by is not None or last is not mine.levels[-1]:
        return None
    one = rng.choice([last, *(row[0] for row in last.replaced if not row[0].replaced)])
    body = {"refund_id": life.next("r"), "lines": [{"line_id": "1", "quantity": 1}]}
    status, answer = await life.call("POST", f"/v1/orders/{one.order_id}/refunds", body)
    life.that(status == 201, f"{one.order_id}: a refund: {status} {answer}")
    mine.give_back(one, life.now)
    if one is last:
        mine.levels.remove(one)
        if one.begins <= life.now:
            mine.levels.insert(0, one)
    await level_alike(life, name)
    return f"{name} gives {one.order_id} back"


@command()
async def use_up(life: Life, rng: random.Random) -> str:
    """A debit: of the oldest credits first."""
    name, number = rng.choice(BUYERS), rng.choice((1, 9, 40))
    mine = account(life, name)
    status, answer = await life.call("POST", f"/v1/customers/{name}/debits", {"credits": number})
    right = (201,) if number <= mine.available else (404, 409)
    life.that(status in right, f"{name} spends {number} of {mine.available}: {status} {answer}")
    if status == 201:
        for lot in mine.lots:
            part = min(lot.left, number)
            lot.left, number = lot.left - part, number - part
    await level_alike(life, name)
    return f"{name} spends: {status}"


@command()
async def take_seats(life: Life, rng: random.Random) -> str | None:
    """Seats are bought, or one that runs is given back."""
    mine, back = account(life, COMPANY), rng.random() < 0.3
    running = sorted({order for order, ends in mine.seats if life.now < ends})
    if back and not running:
        return None
    if back:
        order = rng.choice(running)
        body: dict[str, Any] = {"refund_id": life.next("r"), "lines": [{"line_id": "1", "quantity": 1}]}
        status, answer = await life.call("POST", f"/v1/orders/{order}/refunds", body)
        mine.seats.remove(next(row for row in mine.seats if row[0] == order))
    else:
        order, number = life.next("o"), rng.choice((1, 2, 3))
        body = {"customer_id": COMPANY, "placed_at": iso(life.now), "currency": "USD"}
        body["lines"] = [{"line_id": "1", "sku": "seat", "quantity": number}]
        status, answer = await life.call("PUT", f"/v1/orders/{order}", body)
        mine.seats += [(order, life.now + TERM)] * number
    life.that(status == 201, f"seats of {order}: {status} {answer}")
    await seats_alike(life)
    return f"{COMPANY} has {mine.free(life.now)} seats"


async def seats_alike(life: Life) -> None:
    """As many seats run as the model says."""
    mine = account(life, COMPANY)
    shown = await life.get(f"/v1/customers/{COMPANY}")
    there = sum(row["seats"] for row in shown["covers"] if row["state"] == "running")
    life.that(there == (mine.free(life.now) or 0), f"{there} seats run, should be {mine.free(life.now)}")


@command()
async def name_people(life: Life, rng: random.Random) -> str:
    """One more is named, or one is taken off; more than there are seats are refused."""
    await people_there(life)
    mine = account(life, COMPANY)
    wanted = list(mine.named)
    person = rng.choice(PEOPLE)
    if person in wanted:
        wanted.remove(person)
    else:
        wanted.append(person)
    free = mine.free(life.now)
    too_many = free is not None and len(wanted) > free and len(wanted) > len(mine.named)
    status, answer = await life.call("PUT", f"/v1/customers/{COMPANY}/contacts", {"contacts": wanted})
    said = (status, answer.get("code"))
    right = (409, "contact_seats_taken") if too_many else (200, None)
    if status == 200:
        mine.named = wanted
    if not too_many and free is not None and len(wanted) > free:
        return f"{wanted} are more than {free}: {said}"
    life.that(said == right, f"{wanted} are named on {free} seats: {said}, should be {right}")
    return f"{wanted} are named: {status}"


async def people_there(life: Life) -> None:
    """The company has its people."""
    if life.things.get("people there"):
        return
    life.things["people there"] = True
    for name, body in ((COMPANY, {}), *((person, {"company_id": COMPANY}) for person in PEOPLE)):
        status, answer = await life.call("PUT", f"/v1/customers/{name}", body)
        life.that(status in (200, 201), f"{name} is made: {status} {answer}")


@command()
async def one_asks(life: Life, rng: random.Random) -> str:
    """Somebody of the company asks: those who were named first may, as many as there are seats."""
    await people_there(life)
    person, ticket = rng.choice(PEOPLE), life.next("t")
    mine = account(life, COMPANY)
    counted = mine.named[: mine.free(life.now)]
    body = {"customer_id": person, "subject": "Help", "channel": "email", "category": "question"}
    status, answer = await life.call("PUT", f"/v1/tickets/{ticket}", body)
    right = "in_progress" if person in counted else "rejected"
    said = (status, answer.get("state"))
    life.that(said == (201, right), f"{person} asks, {counted} of {mine.named} count: {said}, should be {right}")
    return f"{person} asks: {right}"


@command()
async def days_pass(life: Life, rng: random.Random) -> str:
    """Hours, days or weeks."""
    to = life.now + timedelta(hours=rng.choice((5, 24, 24 * 6, 24 * 11, 24 * 30, 24 * 41)), seconds=rng.choice((0, 7)))
    reached = False
    while not reached:
        status, answer = await life.call("PUT", "/v1/clock", {"now": iso(to)})
        life.that(status == 200, f"the clock: {status} {answer}")
        reached = answer["reached"]
    life.model.advance(to)
    for name in BUYERS:
        await level_alike(life, name)
    return f"it is {iso(to)}"
