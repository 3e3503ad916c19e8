"""A vendor whose credits live with plans, with top-ups and for a kind of work, in whole lives.

One policy with what the others lack: levels of plans and a trial, credits that end with a plan, packs that extend each
other, credits kept for trainings, a limit for each person of a company with named contacts, releases, steps of a price,
and a fee after a lapse. The model is its own, written down from `docs/policies.md`: what somebody can spend follows
from what was bought, refunded and spent, by instants alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.lives.life import DOCUMENTS, INSTEADS, OWN, Life, command
from tests.lives.terms import at, iso, months_after

POLICY = "wallet"
COMPANY, PEOPLE = "acme", ("pia", "quinn")
OWNERS = ("ann", "bob", COMPANY)
RANKS = {"try": 1, "silver": 2, "gold": 3}
DAYS = {"try": 14, "silver": 30, "gold": 45}
PRICES = {"question": 6, "training": 5}
MOST, SEATS, FEE, SILVER = 20, 1, 10, 30
SUPPORTED = {"3.1": datetime(2025, 7, 1, tzinfo=UTC), "4.0": None}
"""Releases, and from when each is not supported any more."""
BOUGHT = {"ten": 10, "hours": 12, "trainings": 9}
LASTS = {"ten": 40, "trainings": 90}
DOCUMENTS[POLICY] = """
policy: wallet
title: Credits that live with plans
vendor: Nobody
source: made up for the tests
currency: USD
unit: {one: credit, many: credits}
clauses: [{id: W-1, text: Everything.}, {id: W-2, text: What lives.}]
plans: [{plan: try, title: Trial, pays: false, clause: W-1}, {plan: silver, title: Silver, pays: false,
  clause: W-1}, {plan: gold, title: Gold, pays: false, clause: W-1}]
offers:
  - {sku: trial, title: A trial, kind: cover, clause: W-1, requires: {no: {fact: customer.plans_had, op: contains,
     value: try}}, otherwise: {code: trial_used, clause: W-1, message: Once only.}, grants: [{kind: cover, rule: trial,
     clause: W-1, term: {days: 14}, start: after_current, plan: try, free: true}]}
  - {sku: silver, title: Silver, kind: cover, clause: W-1, price: {amount: "30.00", reinstatement: {clause: W-1,
     each_month: "10.00"}}, grants: [{kind: cover, rule: silver, clause: W-1, term: {days: 30}, start: after_current,
     plan: silver}]}
  - {sku: gold, title: Gold, kind: cover, clause: W-1, price: {amount: "60.00"}, grants: [{kind: cover, rule: gold,
     clause: W-1, term: {days: 45}, start: after_current, plan: gold}]}
  - {sku: ten, title: Ten credits, kind: credits, clause: W-2, price: {amount: "10.00"}, grants: [{kind: credits,
     rule: ten, clause: W-2, credits: 10, expires: {days: 40}, extends: [ten]}]}
  - {sku: hours, title: Hours, kind: credits, clause: W-2, price: {amount: "12.00"}, grants: [{kind: credits,
     rule: hours, clause: W-2, credits: 12, ends_with: [trial, silver, gold]}]}
  - {sku: trainings, title: Trainings, kind: credits, clause: W-2, price: {amount: "9.00"}, grants: [{kind: credits,
     rule: trainings, clause: W-2, credits: 9, expires: {days: 90}, categories: [training]}]}
  - {sku: "credits-{n}", title: Credits, kind: credits, clause: W-2, price: {tiers: {steps: [{up_to: 10, each: "1.00"},
     {each: "0.80"}]}}, grants: [{kind: credits, rule: loose, clause: W-2}]}
actions:
  - action: open_ticket
    title: Open a ticket
    rules: [{allow: true, code: may_ask, clause: W-1, message: Anybody may.}]
facts: [{fact: version, title: the version, clause: W-1, type: text}]
releases: {fact: version, clause: W-1, releases: [{release: "3", released: "2020-01-01", until: "2025-06-30"},
  {release: "4", released: "2024-01-01"}]}
counts: [{count: own, title: credits of one person, clause: W-2, of: credits, per: person, each: month, most: 20}]
contacts: {clause: W-1, seats: 1}
qualification:
  by: rules
  clause: W-1
  checks:
    - {check: level, code: needs_gold, clause: W-1, message: Gold., applies: {fact: ticket.channel, value: phone},
       require: {fact: plan.rank, op: ge, value: 3}, remedies: [{kind: buy, skus: [gold]}]}
    - {check: release, code: too_old, clause: W-1, message: Too old., require: {fact: release.supported, value: true}}
    - {check: named, code: not_named, clause: W-1, message: Named only., applies: {fact: ticket.channel, value: forum},
       require: {fact: person.named, value: true}, remedies: [{kind: name_contact}]}
categories:
  - {category: question, title: A question, price: {kind: fixed, credits: 6}, clause: W-1}
  - {category: training, title: A training, price: {kind: fixed, credits: 5}, clause: W-1}
credits: {clause: W-2, types: [{credit_type: credit, title: Credits, clause: W-2}],
  top_ups: [{below: 5, sku: ten, clause: W-2}]}
payment: {means: [credits], exhausted_clause: W-1, exhausted_skus: [ten]}
outcomes: [{outcome: answered, title: Answered, clause: W-1}]
causes: [{cause: other, title: Something else}]
service_hours: {zone: UTC, clause: W-1, weekly_hours: {mon: [["09:00", "17:00"]]}}
"""
OWN[POLICY] = {"fill": 26, "take_plan": 16, "give_back": 12, "spend_from": 10, "ask_one": 26, "name_one": 6, "wait": 22}
"""How often each command is drawn; of the others none."""
INSTEADS[POLICY] = ("fill", "take_plan", "ask_one")


@dataclass(eq=False)
class Filled:
    """Credits of one order. ``ends``: by themselves; None: never, or with the plan (``hours``)."""

    order_id: str
    sku: str
    bought_at: datetime
    left: int
    ends: datetime | None
    stands: bool = True
    over: bool = False
    """They have ended, and stay so."""


@dataclass(eq=False)
class Term:
    """One period of a plan."""

    order_id: str
    sku: str
    begins: datetime
    ends: datetime
    stands: bool = True


@dataclass
class Wallet:
    """What one account has."""

    fills: list[Filled] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    had: set[str] = field(default_factory=set)
    named: str | None = None
    spent: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    """By person: when a ticket was opened, and what it took."""

    def end_of(self, one: Filled) -> datetime | None:
        """Where credits end by what stands: each later purchase of the rule reaches what is good then."""
        if one.sku == "hours":
            return self._chain_end(one)
        ends = one.ends
        for other in sorted((each for each in self.fills if each.sku == "ten"), key=lambda each: each.bought_at):
            reaches = one.sku == "ten" and other.stands and ends is not None and other.ends is not None
            if reaches and one.bought_at <= other.bought_at < ends and ends < other.ends:  # type: ignore[operator]
                ends = other.ends
        return ends

    def _chain_end(self, one: Filled) -> datetime | None:
        """Where the plans end that run without a gap from the purchase, or from the next beginning, on."""
        found: datetime | None = None
        for term in sorted(self.terms, key=lambda each: each.begins):
            if term.ends <= one.bought_at or term.begins == term.ends:
                continue
            if found is None or term.begins <= found:
                found = term.ends
        return found

    def live(self, now: datetime) -> None:
        """End what has ended."""
        for one in self.fills:
            ends = self.end_of(one)
            one.over = one.over or (ends is not None and ends <= now)
            one.left = 0 if one.over else one.left

    def runs(self, now: datetime) -> str | None:
        """The plan that runs."""
        return next((term.sku for term in self.terms if term.begins <= now < term.ends), None)

    @property
    def available(self) -> int:
        """What there is, whatever it is for."""
        return sum(one.left for one in self.fills)

    def spend(self, number: int, *, training: bool) -> bool:
        """Take so many: what ends first, of that what is kept for trainings. Whether there are so many."""
        fits = [one for one in self.fills if one.left and (training or one.sku != "trainings")]
        if sum(one.left for one in fits) < number:
            return False
        far = datetime.max.replace(tzinfo=UTC)
        for one in sorted(fits, key=lambda one: (self.end_of(one) or far, one.sku != "trainings", one.bought_at)):
            part = min(one.left, number)
            one.left, number = one.left - part, number - part
        return True


def wallet(life: Life, name: str) -> Wallet:
    """An account as it stands now."""
    found: Wallet = life.things.setdefault("wallets", {}).setdefault(name, Wallet())
    found.live(life.now)
    return found


async def alike(life: Life, name: str) -> None:
    """The service says of an account what the model says: balance, ends of lots, periods, price after a lapse."""
    mine = wallet(life, name)
    status, found = await life.call("GET", f"/v1/customers/{name}/balance")
    if status == 404 and not mine.fills and not mine.terms:
        return
    life.that(found["available"] == mine.available, f"{name} has {found['available']}, should have {mine.available}")
    there = sorted((row["available"], row["expires_at"] or "") for row in found["lots"])
    right = sorted(
        (one.left, "" if (ends := mine.end_of(one)) is None else iso(ends)) for one in mine.fills if one.left
    )
    life.that(there == right, f"{name}'s lots are {there}, should be {right}")
    statement = await life.get(f"/v1/customers/{name}/statement")
    life.that(statement["available"] == mine.available, f"{name}'s statement says {statement['available']}")
    shown = await life.get(f"/v1/customers/{name}")
    covers = sorted(
        (row["order_id"], at(row["starts_at"]), at(row["ends_at"]))
        for row in shown["covers"]
        if row["state"] != "voided"
    )
    periods = sorted((term.order_id, term.begins, term.ends) for term in mine.terms)
    life.that(covers == periods, f"{name}'s periods are {covers}, should be {periods}")
    offer = await life.get(f"/v1/offers/silver?customer_id={name}")
    price = SILVER + FEE * _lapsed(mine, life.now)
    life.that(Decimal(offer["price"]["amount"]) == price, f"{name} pays {offer['price']} for silver, should {price}")


def _lapsed(mine: Wallet, now: datetime) -> int:
    """Begun months since the last plan ended; one that was refunded ends no lapse."""
    ended = max((term.ends for term in mine.terms if term.stands), default=now)
    count = 0
    while months_after(ended, count) < now:
        count += 1
    return count


@command()
async def fill(life: Life, rng: random.Random) -> str:
    """Credits: a pack that extends others, some that live with a plan, some for trainings, or any number by steps."""
    name, order = rng.choice(OWNERS), life.next("o")
    mine, sku = wallet(life, name), rng.choice(("ten", "ten", "hours", "hours", "trainings", "credits"))
    number = BOUGHT.get(sku) or rng.choice((4, 10, 17))
    line = {"line_id": "1", "sku": sku if sku in BOUGHT else f"credits-{number}"}
    body = {"customer_id": name, "placed_at": iso(life.now), "currency": "USD", "lines": [line]}
    status, answer = await life.call("PUT", f"/v1/orders/{order}", body)
    life.that((status, answer["not_granted"]) == (201, []), f"{order}: {status} {answer}")
    if sku == "credits":
        cost, right = answer["lots"][0]["cost"]["amount"], min(number, 10) + Decimal("0.80") * max(number - 10, 0)
        life.that(Decimal(cost) == right, f"{order}: {number} credits cost {cost}, should cost {right}")
    ends = life.now + timedelta(days=LASTS[sku]) if sku in LASTS else None
    mine.fills.append(Filled(order, sku, life.now, number, ends))
    await alike(life, name)
    return f"{name} buys {line['sku']}"


@command()
async def take_plan(life: Life, rng: random.Random) -> str:
    """A plan, which follows what runs; a trial once."""
    name, order, sku = rng.choice(OWNERS), life.next("o"), rng.choice(("trial", "silver", "silver", "gold"))
    mine, plan = wallet(life, name), "try" if sku == "trial" else sku
    body = {"customer_id": name, "placed_at": iso(life.now), "currency": "USD"}
    status, answer = await life.call("PUT", f"/v1/orders/{order}", {**body, "lines": [{"line_id": "1", "sku": sku}]})
    codes = [row["code"] for row in answer["not_granted"]]
    right = ["trial_used"] if plan == "try" and plan in mine.had else []
    life.that((status, codes) == (201, right), f"{order} of {sku}: {status} {codes}, should be {right}")
    if not right:
        begins = max([life.now, *(term.ends for term in mine.terms)])
        mine.terms.append(Term(order, plan, begins, begins + timedelta(days=DAYS[plan])))
        mine.had.add(plan)
    await alike(life, name)
    return f"{name} takes {sku}: {right or 'from ' + iso(mine.terms[-1].begins)}"


@command()
async def give_back(life: Life, rng: random.Random) -> str | None:
    """A refund of credits, or of the last plan: it is gone if it waits, and ends now if it runs."""
    name = rng.choice(OWNERS)
    mine = wallet(life, name)
    fills: list[Filled | Term] = [one for one in mine.fills if one.stands]
    last = [term for term in mine.terms[-1:] if term.ends > life.now and term.sku != "try"]
    if not fills and not last:
        return None
    one = rng.choice([*fills, *last, *last])
    body = {"refund_id": life.next("r"), "lines": [{"line_id": "1", "quantity": 1}]}
    status, answer = await life.call("POST", f"/v1/orders/{one.order_id}/refunds", body)
    life.that(status == 201, f"{one.order_id}: a refund: {status} {answer}")
    if isinstance(one, Filled):
        said = sum(row["credits"] for row in answer["taken_back"] if row["kind"] == "credits")
        life.that(said == one.left, f"{one.order_id}: a refund took {said}, should take {one.left}")
        one.left, one.stands = 0, False
    elif one.begins > life.now:
        mine.terms.remove(one)
    else:
        one.ends, one.stands = life.now, False
    mine.live(life.now)
    await alike(life, name)
    return f"{name} gives {one.sku} of {one.order_id} back"


@command()
async def spend_from(life: Life, rng: random.Random) -> str:
    """A debit by hand: not of what is kept for trainings, unless it says so."""
    name, number, training = rng.choice(OWNERS), rng.choice((1, 4, 11, 30)), rng.random() < 0.3
    mine = wallet(life, name)
    allowed = mine.spend(number, training=training)
    body = {"credits": number, **({"category": "training"} if training else {})}
    status, answer = await life.call("POST", f"/v1/customers/{name}/debits", body)
    right = (201,) if allowed else (404, 409)
    life.that(status in right, f"{name} spends {number} of {mine.available}: {status} {answer}")
    await alike(life, name)
    return f"{name} spends {number}: {status}"


async def joined(life: Life) -> None:
    """The company has its people."""
    if life.things.get("joined"):
        return
    life.things["joined"] = True
    for name, body in ((COMPANY, {}), *((person, {"company_id": COMPANY}) for person in PEOPLE)):
        status, answer = await life.call("PUT", f"/v1/customers/{name}", body)
        life.that(status in (200, 201), f"{name} is made: {status} {answer}")


@command()
async def ask_one(life: Life, rng: random.Random) -> str:
    """A ticket: who may, by plan, release and name; and what pays, within what the person may take in a month."""
    person = rng.choice((*OWNERS[:2], *PEOPLE))
    name, ticket = COMPANY if person in PEOPLE else person, life.next("t")
    if person in PEOPLE:
        await joined(life)
    mine, category = wallet(life, name), rng.choice(sorted(PRICES))
    channel, release = rng.choice(("email", "email", "phone", "forum")), rng.choice(("3.1", "4.0", "4.0"))
    codes = []
    if channel == "phone" and RANKS.get(mine.runs(life.now) or "", 0) < RANKS["gold"]:
        codes.append("needs_gold")
    until = SUPPORTED[release]
    if until is not None and until <= life.now:
        codes.append("too_old")
    if channel == "forum" and person in PEOPLE and mine.named != person:
        codes.append("not_named")
    taken = mine.spent.setdefault(person, [])
    month = sum(n for when, n in taken if (when.year, when.month) == (life.now.year, life.now.month))
    right = "rejected" if codes else "awaiting_credits"
    if not codes and month + PRICES[category] <= MOST and mine.spend(PRICES[category], training=category == "training"):
        right = "in_progress"
        taken.append((life.now, PRICES[category]))
    body = {"customer_id": person, "subject": "Help", "channel": channel, "category": category}
    status, answer = await life.call("PUT", f"/v1/tickets/{ticket}", {**body, "facts": {"version": release}})
    said = (answer.get("state"), [row["code"] for row in answer["reasons"]] if codes else [])
    life.that(
        (status, *said) == (201, right, codes),
        f"{person}'s {ticket} ({channel}, {category}, {release}) is {said}, should be {right} {codes}; {month} taken",
    )
    if right == "in_progress":
        status, answer = await life.call("POST", f"/v1/tickets/{ticket}/resolution", {"outcome": "answered"})
        life.that((status, answer["charge"]["net"]) == (200, PRICES[category]), f"{ticket}: {status} {answer}")
    elif right == "awaiting_credits":
        status, answer = await life.call("POST", f"/v1/tickets/{ticket}/withdrawal", {})
        life.that(status == 200, f"{ticket} is withdrawn: {status} {answer}")
    await alike(life, name)
    return f"{person} asks by {channel}: {right} {codes}"


@command()
async def name_one(life: Life, rng: random.Random) -> str:
    """The company names one of its people, which is as many as it may."""
    person = rng.choice(PEOPLE)
    await joined(life)
    status, answer = await life.call("PUT", f"/v1/customers/{COMPANY}/contacts", {"contacts": list(PEOPLE)})
    life.that((status, answer["code"]) == (409, "contact_seats_taken"), f"two contacts of {SEATS}: {status} {answer}")
    status, answer = await life.call("PUT", f"/v1/customers/{COMPANY}/contacts", {"contacts": [person]})
    life.that(status == 200, f"{person} is named: {status} {answer}")
    wallet(life, COMPANY).named = person
    return f"{person} is named"
