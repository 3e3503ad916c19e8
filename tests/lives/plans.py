"""A vendor of plans in whole lives: periods that queue, credits that come each month, calls that are counted.

The plans of one customer follow one another, whichever of them they are. A refund takes the newest that waits, at last
the one that runs. What comes each month is written down from `docs/policies.md`: unused credits end when new ones come
(`reset`), stay (`keep`), or go over up to 100 (`capped`). Two calls are free in a calendar month.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.lives.life import DOCUMENTS, NAMES, OWN, Life, command
from tests.lives.model import Model, Purchase
from tests.lives.terms import at, iso, months_after
from tests.recurring.shop import TAIL, document, plan

POLICY = "plans"
MONTHS = {"reset": 3, "keep": 2, "capped": 4}
CREDITS, BOUND = 60, 100
COUNTS = """
counts:
  - {count: calls, title: calls, clause: A-3, each: month, when: {fact: ticket.channel, value: phone}}
"""
CHECKS = """qualification:
  by: rules
  clause: A-1
  checks:
    - check: calls
      code: calls_used_up
      clause: A-3
      message: No call is left this month.
      applies: {fact: ticket.channel, value: phone}
      require: {fact: count.calls, op: lt, value: 2}
"""
ALLOWED = "    rules: [{allow: true, code: has_plan, clause: A-1, message: Anybody.}]\n"
GATE = """    rules:
      - {allow: true, code: has_plan, clause: A-1, message: A plan runs., when: {fact: cover.active, value: true}}
      - {allow: false, code: no_plan, clause: A-1, message: No plan runs.}
"""
OFFERS = "".join(
    plan(sku, "runs_with: plan" + more, term=f"{{months: {MONTHS[sku]}}}")
    for sku, more in (
        ("reset", ""),
        ("keep", ", at_renewal: accumulate"),
        ("capped", f", at_renewal: rollover, rollover: {{max_credits: {BOUND}, clause: A-2}}"),
    )
)
CALL = "categories:\n  - {category: call, title: A call, price: {kind: fixed, credits: 0}, clause: A-3}\n"
DOCUMENTS[POLICY] = (
    document(OFFERS, COUNTS.lstrip("\n") + TAIL.lstrip("\n"))
    .replace("qualification: {by: rules, clause: A-1}\n", CHECKS)
    .replace("categories:\n", CALL)
    .replace(ALLOWED, GATE)
    .replace("term_zone: Europe/Berlin", "term_zone: UTC")
    .replace("currency: EUR", "currency: USD")
)
OWN[POLICY] = {"buy_plan": 22, "give_plan_back": 12, "hold": 26, "end_hold": 20, "wait": 20, "call_in": 12, "gate": 8}
"""How often each command is drawn; of the others none."""


@dataclass(eq=False)
class Period:
    """One period of a plan: ``cut`` where it ended early, ``gone`` where it was taken before it began."""

    order_id: str
    sku: str
    starts: datetime
    ends: datetime
    came: list[Purchase] = field(default_factory=list)
    cut: datetime | None = None
    gone: bool = False

    @property
    def until(self) -> datetime:
        """Where it ends by now."""
        return self.ends if self.cut is None else self.cut

    def next(self) -> datetime | None:
        """When credits come again."""
        when = months_after(self.starts, len(self.came))
        return when if not self.gone and when < self.until else None


@dataclass
class Queue:
    """The periods of one customer, oldest first."""

    owner: str
    model: Model
    periods: list[Period] = field(default_factory=list)

    def standing(self) -> list[Period]:
        """Those that run or wait."""
        return [one for one in self.periods if not one.gone and one.cut is None and one.ends > self.model.now]

    def waiting(self) -> list[Period]:
        """Those that have not begun."""
        return [one for one in self.standing() if one.starts > self.model.now]

    def move_up(self) -> None:
        """Lays those that wait one after another; those of one order are counted from its first that stands."""
        stand = self.standing()
        end = self.model.now
        for order_id in dict.fromkeys(one.order_id for one in stand):
            mine = [one for one in stand if one.order_id == order_id]
            anchor = mine[0].starts if mine[0].starts <= self.model.now and mine[0].came else end
            for number, one in enumerate(mine):
                one.starts = months_after(anchor, MONTHS[one.sku] * number)
                one.ends = months_after(anchor, MONTHS[one.sku] * (number + 1))
            end = mine[-1].ends

    def coming(self, to: datetime) -> list[tuple[datetime, int, int, Any]]:
        """What comes until then."""
        due = [(one.next(), number, one) for number, one in enumerate(self.periods)]
        return [(when, 3, number, (self, one)) for when, number, one in due if when is not None and when <= to]

    def come(self, one: Period, when: datetime) -> None:
        """The credits of an interval come."""
        ends = months_after(one.starts, len(one.came) + 1) if one.sku == "reset" else None
        if one.sku == "capped":
            self._bound()
        made = Purchase(CREDITS, "credit", when, ends, order_id=one.order_id, line_id="1")
        one.came.append(made)
        self.model.buy(self.owner, made, effective_at=when)

    def _bound(self) -> None:
        """One bound for all that such a plan brought, however it was renewed."""
        mine = [each for each in self.periods if each.sku == "capped"]
        lots = [lot for each in mine for made in each.came for lot in made.lots]
        over = max(sum(lot.available for lot in lots) - BOUND, 0)
        for lot in sorted(lots, key=lambda lot: lot.effective_at):
            part = min(over, lot.available)
            lot.available, lot.gone, over = lot.available - part, lot.gone + part, over - part


def queue_of(life: Life, owner: str) -> Queue:
    """The periods of a customer."""
    queues: dict[str, Queue] = life.things.setdefault("queues", {})
    if owner not in queues:
        queues[owner] = Queue(owner, life.model)
        life.model.coming.append(queues[owner])
    return queues[owner]


async def agree(life: Life, queue: Queue) -> None:
    """The customer has the periods that the model has, with their beginnings and ends."""
    shown = await life.get(f"/v1/customers/{queue.owner}")
    there = sorted(
        (row["order_id"], at(row["starts_at"]), at(row["ends_at"]))
        for row in shown["covers"]
        if row["state"] != "voided"
    )
    right = sorted((one.order_id, one.starts, one.until) for one in queue.periods if not one.gone)
    life.that(there == right, f"{queue.owner}'s periods are {there}, should be {right}")


@command()
async def buy_plan(life: Life, rng: random.Random) -> str:
    """One or two periods of a plan; they follow those that are there."""
    owner, order_id = life.model.who(rng.choice(NAMES)), life.next("o")
    sku, quantity = rng.choice(sorted(MONTHS)), rng.choice((1, 1, 2))
    line = {"line_id": "1", "sku": sku, "quantity": quantity}
    body = {"customer_id": owner, "placed_at": iso(life.now), "currency": "USD", "lines": [line]}
    status, answer = await life.call("PUT", f"/v1/orders/{order_id}", body)
    life.that((status, answer["not_granted"]) == (201, []), f"{order_id}: {status} {answer}")
    queue = queue_of(life, owner)
    begin = max([life.now, *(one.ends for one in queue.standing())])
    for number in range(quantity):
        starts, ends = (months_after(begin, MONTHS[sku] * (number + n)) for n in (0, 1))
        queue.periods.append(Period(order_id, sku, starts, ends))
    if begin == life.now:
        queue.come(queue.periods[-quantity], life.now)
    life.model.dirty.add(owner)
    await agree(life, queue)
    return f"{owner} buys {quantity} of {sku} from {iso(begin)}"


@command()
async def give_plan_back(life: Life, rng: random.Random) -> str | None:
    """One unit of an order: the newest period that waits, its own first; then the one that runs."""
    orders = [(one.order_id, queue) for queue in life.things.get("queues", {}).values() for one in queue.periods]
    back: dict[str, int] = life.things.setdefault("plans_back", {})
    orders = [(name, queue) for name, queue in orders if back.get(name, 0) < _units(queue, name)]
    if not orders:
        return None
    order_id, queue = rng.choice(orders)
    model = life.model
    body = {"refund_id": life.next("r"), "lines": [{"line_id": "1", "quantity": 1}]}
    status, answer = await life.call("POST", f"/v1/orders/{order_id}/refunds", body)
    life.that(status == 201, f"{order_id}: a refund of a plan: {status} {answer}")
    back[order_id] = back.get(order_id, 0) + 1
    left: dict[str, set[str]] = life.things.setdefault("left_to", {})
    names = _left_to(order_id, left)
    own = [one for one in queue.standing() if one.order_id in names]
    waiting = [one for one in queue.waiting() if one.order_id == order_id] or queue.waiting()
    mine = [one for one in queue.periods if one.order_id in names and not one.gone]
    ran_out = any(one.cut is None and one.ends <= life.now for one in mine)
    taken = 0
    one: Period | None = None
    if own or not ran_out:
        one = waiting[-1] if waiting else next(iter(own or queue.standing()), None)
    if one is None:
        life.that(answer["not_taken_back"], f"{order_id} ran out, and nothing is reported: {answer}")
        served = [each for each in mine if each.cut is None]
        served = served[:1] if len(served) == 1 else []
        life.things.setdefault("unclear", set()).update(() if served else (queue.owner,))
    else:
        one.gone, one.cut = one in waiting, None if one in waiting else life.now
        served = [one]
        left.setdefault(one.order_id, set()).add(order_id)
    for each in served:
        taken += sum(model.refund_units(made, 1) for made in each.came if not made.refunded)
    said = sum(row["credits"] for row in answer["taken_back"] if row["kind"] == "credits")
    life.that(said == taken, f"{order_id}: a refund took {said} credits, should take {taken}")
    queue.move_up()
    model.dirty.add(queue.owner)
    await agree(life, queue)
    return f"{order_id}: one unit is given back, {taken} credits"


def _left_to(order_id: str, left: dict[str, set[str]]) -> set[str]:
    """The order, and those whose own period was left to it: their refunds took one of its own (decision 0032)."""
    names, near = {order_id}, [order_id]
    while near:
        more = left.get(near.pop(), set()) - names
        names |= more
        near += sorted(more)
    return names


def _units(queue: Queue, order_id: str) -> int:
    """The units of an order that may be refunded here: of one that ran out in part the rest is told apart elsewhere."""
    mine = [one for one in queue.periods if one.order_id == order_id]
    ended = [one for one in mine if one.cut is None and not one.gone and one.ends <= queue.model.now]
    return 0 if ended and len(mine) > 1 else len(mine)


@command()
async def call_in(life: Life, rng: random.Random) -> str:
    """Two calls a calendar month; a third is refused, and does not count."""
    owner, name = life.model.who(rng.choice(NAMES)), life.next("t")
    body = {"customer_id": owner, "subject": "Ring me", "channel": "phone", "category": "call"}
    status, answer = await life.call("PUT", f"/v1/tickets/{name}", body)
    calls: list[tuple[str, datetime]] = life.things.setdefault("calls", [])
    month = (life.now.year, life.now.month)
    before = sum(who == owner and (when.year, when.month) == month for who, when in calls)
    right = "rejected" if before >= 2 else "in_progress"
    life.that((status, answer["state"]) == (201, right), f"{owner}'s call {before + 1} in {month}: {answer['state']}")
    if right == "rejected":
        codes = [row["code"] for row in answer["reasons"]]
        life.that(codes == ["calls_used_up"], f"{name}: {codes}")
    else:
        calls.append((owner, life.now))
    return f"{owner} calls: {right}"


@command()
async def gate(life: Life, rng: random.Random) -> str | None:
    """The plan opens its gate while a period runs, and no longer."""
    owner = life.model.who(rng.choice(NAMES))
    if owner not in life.things.get("queues", {}):
        return None
    queue = queue_of(life, owner)
    runs = any(not one.gone and one.starts <= life.now < one.until for one in queue.periods)
    said = await life.get(f"/v1/customers/{owner}/entitlements/plan")
    life.that(said["allowed"] == runs, f"{owner}'s plan runs: {runs}, said {said['allowed']} {said['reasons']}")
    await agree(life, queue)
    return f"{owner} may use the plan: {runs}"
