"""A vendor of plans in whole lives: a gate, credits that come each month, and an overdraft against the next ones.

The model is its own, written down from `docs/policies.md`: what a customer has at an instant follows from their periods
and from what they spent. Unused credits of `reset` end when new ones come, those of `keep` stay. A debt is paid by what
comes next, and may be made only while credits are still to come.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.lives.life import DOCUMENTS, INSTEADS, NAMES, OWN, Life, command
from tests.lives.terms import at, iso, months_after
from tests.recurring.shop import TAIL, document, plan

POLICY = "living"
MONTHS = {"reset": 3, "keep": 2}
CREDITS, PRICE, MOST = 20, 6, 15
GATE = """    rules:
      - {allow: true, code: care_runs, clause: A-1, message: Care runs., when: {fact: plan.includes, op: contains,
         value: care}}
      - {allow: false, code: no_care, clause: A-1, message: Care does not run.}
"""
ASKED = """qualification:
  by: rules
  clause: A-1
  checks:
    - check: care
      code: no_care
      clause: A-1
      message: Care does not run.
      require: {fact: entitled.open_ticket, value: true}
"""
OFFERS = "".join(
    plan(sku, "runs_with: plan" + more, credits_=CREDITS, term=f"{{months: {MONTHS[sku]}}}")
    for sku, more in (("reset", ""), ("keep", ", at_renewal: accumulate"))
)
DOCUMENTS[POLICY] = (
    document(OFFERS, "plans: [{plan: care, title: Care, clause: A-1, pays: false}]\n" + TAIL.lstrip("\n"))
    .replace("policy: allowances", "policy: living")
    .replace("actions: [plan]}", "actions: [plan, open_ticket], plan: care}")
    .replace("    rules: [{allow: true, code: may_ask, clause: A-1, message: Anybody may ask.}]\n", GATE)
    .replace("qualification: {by: rules, clause: A-1}\n", ASKED)
    .replace("  returned_to_expired", f"  overdraft: {{most: {MOST}, clause: A-2}}\n  returned_to_expired")
    .replace("term_zone: Europe/Berlin", "term_zone: UTC")
    .replace("currency: EUR", "currency: USD")
)
OWN[POLICY] = {"sign_up": 16, "spend_some": 26, "ask_for_help": 26, "look_ahead": 12, "wait": 24}
"""How often each command is drawn; of the others none."""
INSTEADS[POLICY] = ("sign_up", "sign_up", "spend_some")


@dataclass
class Member:
    """What one customer has, by their periods (sku, begin, end) and what they spent. ``done``: intervals that came."""

    periods: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    lots: list[tuple[datetime | None, datetime, int]] = field(default_factory=list)
    """(when they end, when they came, how many are left)."""
    owed: int = 0
    done: dict[int, int] = field(default_factory=dict)

    def coming(self) -> list[tuple[datetime, int]]:
        """When the next interval of each period begins."""
        found = []
        for number, (_, begin, end) in enumerate(self.periods):
            when = months_after(begin, self.done.get(number, 0))
            if when < end:
                found.append((when, number))
        return sorted(found)

    def live(self, now: datetime) -> None:
        """What falls due until an instant: credits end, then new ones come and pay what is owed."""
        while (following := self.coming()) and following[0][0] <= now:
            when, number = following[0]
            self.done[number] = self.done.get(number, 0) + 1
            sku, begin, _ = self.periods[number]
            end = months_after(begin, self.done[number]) if sku == "reset" else None
            paid = min(self.owed, CREDITS)
            self.owed -= paid
            self.lots.append((end, when, CREDITS - paid))
        self.lots = [lot for lot in self.lots if lot[2] and (lot[0] is None or now < lot[0])]

    def runs(self, now: datetime) -> bool:
        """Whether a plan runs."""
        return any(begin <= now < end for _, begin, end in self.periods)

    @property
    def available(self) -> int:
        """What can be spent."""
        return sum(left for _, _, left in self.lots)

    def spend(self, credits_: int) -> bool:
        """Take so many: what ends first, then what is to come. Whether that could be."""
        headroom = (MOST if self.coming() else 0) - self.owed
        if credits_ > self.available + headroom:
            return False
        for place, (end, when, left) in enumerate(sorted(self.lots, key=_first_spent)):
            if place == 0:
                self.lots.sort(key=_first_spent)
            part = min(left, credits_)
            self.lots[place] = (end, when, left - part)
            credits_ -= part
        self.owed += credits_
        return True


def _first_spent(lot: tuple[datetime | None, datetime, int]) -> tuple[bool, Any, datetime]:
    return lot[0] is None, lot[0] or lot[1], lot[1]


def member(life: Life, name: str) -> Member:
    """A customer as they stand now."""
    found: Member = life.things.setdefault("members", {}).setdefault(name, Member())
    found.live(life.now)
    return found


async def same(life: Life, name: str) -> None:
    """The service says of a customer what the model says: balance, debt, statement, gate and periods."""
    mine = member(life, name)
    status, found = await life.call("GET", f"/v1/customers/{name}/balance")
    if status == 404 and not mine.periods:
        return
    said, right = (found["available"], found["owed"]), (mine.available, mine.owed)
    life.that(said == right, f"{name} has and owes {said}, should have and owe {right}")
    statement = await life.get(f"/v1/customers/{name}/statement")
    life.that(statement["available"] == right[0], f"{name}'s statement says {statement['available']}, not {right[0]}")
    shown = await life.get(f"/v1/customers/{name}")
    there = sorted((at(row["starts_at"]), at(row["ends_at"])) for row in shown["covers"])
    periods = sorted((begin, end) for _, begin, end in mine.periods)
    life.that(there == periods, f"{name}'s periods are {there}, should be {periods}")
    gate = await life.get(f"/v1/customers/{name}/entitlements/open_ticket")
    life.that(gate["allowed"] == mine.runs(life.now), f"{name} may ask: {gate['allowed']} {gate['reasons']}")


@command()
async def sign_up(life: Life, rng: random.Random) -> str:
    """A plan, once or twice; it follows those that are there, and its first credits pay what is owed."""
    name, order, sku = rng.choice(NAMES), life.next("o"), rng.choice(sorted(MONTHS))
    mine, quantity = member(life, name), rng.choice((1, 1, 2))
    line = {"line_id": "1", "sku": sku, "quantity": quantity}
    body = {"customer_id": name, "placed_at": iso(life.now), "currency": "USD", "lines": [line]}
    status, answer = await life.call("PUT", f"/v1/orders/{order}", body)
    life.that((status, answer["not_granted"]) == (201, []), f"{order}: {status} {answer}")
    begin = max([life.now, *(end for _, _, end in mine.periods)])
    for number in range(quantity):
        first, until = (months_after(begin, MONTHS[sku] * (number + n)) for n in (0, 1))
        mine.periods.append((sku, first, until))
    await same(life, name)
    return f"{name} buys {quantity} of {sku} from {iso(begin)}"


@command()
async def spend_some(life: Life, rng: random.Random) -> str:
    """A debit: of what there is, and of what is to come within the bound; else it is refused and changes nothing."""
    name, number = rng.choice(NAMES), rng.choice((1, 3, 7, 12, 20, 35))
    mine = member(life, name)
    allowed = mine.spend(number)
    status, answer = await life.call("POST", f"/v1/customers/{name}/debits", {"credits": number})
    if not allowed:
        refused = status in (404, 409) and answer["code"] in ("insufficient_credits", "customer_not_found")
        life.that(refused, f"{name} spends {number} of {mine.available}, owes {mine.owed}: {status} {answer}")
        await same(life, name)
        return f"{name} cannot spend {number}"
    life.that(status == 201, f"{name} spends {number}: {status} {answer}")
    await same(life, name)
    return f"{name} spends {number}, owes {mine.owed}"


@command()
async def ask_for_help(life: Life, rng: random.Random) -> str:
    """A ticket: refused while no plan runs, else paid in credits, which may be overdrawn, and answered at once."""
    name, ticket = rng.choice(NAMES), life.next("t")
    mine = member(life, name)
    right = "rejected"
    if mine.runs(life.now):
        right = "in_progress" if mine.spend(PRICE) else "awaiting_credits"
    body = {"customer_id": name, "subject": "Help", "channel": "email", "category": "question"}
    status, answer = await life.call("PUT", f"/v1/tickets/{ticket}", body)
    life.that((status, answer["state"]) == (201, right), f"{ticket} is {answer.get('state')}, should be {right}")
    if right == "in_progress":
        life.that(answer["paid_by"] == "credits", f"{ticket} is paid by {answer['paid_by']}")
        status, answer = await life.call("POST", f"/v1/tickets/{ticket}/resolution", {"outcome": "answered"})
        life.that((status, answer["charge"]["net"]) == (200, PRICE), f"{ticket}: {status} {answer}")
    elif right == "awaiting_credits":
        status, answer = await life.call("POST", f"/v1/tickets/{ticket}/withdrawal", {})
        life.that(status == 200, f"{ticket} is withdrawn: {status} {answer}")
    await same(life, name)
    return f"{name} asks: {right}"


@command()
async def look_ahead(life: Life, rng: random.Random) -> str | None:
    """What a customer will have some time from now, if nothing else happens."""
    name, days = rng.choice(NAMES), rng.choice((1, 20, 31, 62, 100))
    mine = copy.deepcopy(member(life, name))
    if not mine.periods:
        return None
    then = life.now + timedelta(days=days)
    mine.live(then)
    found = await life.get(f"/v1/customers/{name}/balance?as_of={iso(then)}")
    said, right = (found["available"], found["owed"]), (mine.available, mine.owed)
    life.that(said == right, f"{name} as of {iso(then)} will have and owe {said}, should have and owe {right}")
    return f"{name} as of {iso(then)}: {right}"
