"""A life: one vendor's customers, led by seeds through all commands over HTTP, beside the model; compared at each step.

A step is a kind of command and a seed of its own, so that a life can be told again with steps left out (`shrink`).
What a command finds to act on it draws from what there is. A draw that finds nothing does nothing.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from tests.lives.model import Lot, Model
from tests.lives.terms import ALL, at
from tests.support.api import OPERATOR_KEY, START, Vendor, client_of, make_vendor
from tests.support.vendors import vendor_under

Step = tuple[str, int]
Command = Callable[["Life", random.Random], Awaitable[str | None]]
COMMANDS: dict[str, tuple[Command, dict[str, int]]] = {}
"""By name: what it does, and how often it is drawn under which policy (``*``: all others)."""
CHAINS = (
    ("order", "open_ticket", "refund_order", "withdraw"),
    ("order", "open_ticket", "refund_order", "resolve", "pay_back"),
    ("order", "open_ticket", "resolve", "refund_order", "correct_cause", "hold"),
    ("order", "open_ticket", "assess", "refund_order", "assess"),
    ("order", "hold", "refund_order", "end_hold", "end_hold"),
    ("order", "hold", "pay_back", "end_hold"),
    ("order", "hold", "wait", "refund_order", "end_hold"),
    ("order", "order", "transfer", "hold", "refund_order", "end_hold"),
    ("order", "order", "merge", "hold", "refund_order", "end_hold"),
    ("order", "open_ticket", "qualify", "pay_back", "withdraw", "pay_back"),
    ("order", "open_ticket", "qualify", "respond", "pay_back", "resolve"),
    ("order", "open_ticket", "resolve", "wait", "dispute", "decide"),
    ("order", "open_ticket", "resolve", "dispute", "refund_order", "decide"),
    ("order", "choose", "open_ticket", "cover", "refund_order", "order"),
    ("shop_order", "hold", "correct_order", "end_hold"),
    ("card_order", "hold", "payment_dispute", "end_hold", "payment_dispute"),
    ("card_order", "open_ticket", "payment_dispute", "withdraw", "payment_dispute"),
    ("store_order", "hold", "store_change", "store_change", "end_hold", "store_change"),
    ("store_order", "store_change", "store_change", "open_ticket", "store_change", "withdraw", "store_change"),
    ("buy_plan", "buy_plan", "wait", "give_plan_back", "wait", "gate"),
    ("buy_plan", "hold", "wait", "end_hold", "hold", "give_plan_back", "end_hold"),
    ("sign_up", "spend_some", "ask_for_help", "wait", "ask_for_help", "look_ahead"),
    ("sign_up", "spend_some", "spend_some", "wait", "sign_up", "look_ahead"),
    ("fill", "wait", "fill", "wait", "fill", "give_back", "ask_one"),
    ("take_plan", "fill", "wait", "take_plan", "give_back", "wait", "ask_one"),
    ("name_one", "fill", "ask_one", "ask_one", "wait", "ask_one"),
    ("take_level", "days_pass", "take_level", "undo_level", "take_level"),
    ("take_seats", "name_people", "name_people", "one_asks", "days_pass", "one_asks"),
    ("buy_promised", "open_promised", "turn", "pass_time", "turn", "answer_promised"),
    ("buy_promised", "open_promised", "pass_time", "turn", "pass_time", "turn", "pass_time"),
)
"""What is done one after another more often than chance would have it: where one noun's rule meets another's."""
DOCUMENTS: dict[str, str] = {}
"""Policies that are documents of the tests."""
OWN: dict[str, dict[str, int]] = {}
"""Policies that are documents of the tests: which commands are drawn, and how often. No other command is."""
INSTEAD = ("order", "open_ticket", "hold", "order", "open_ticket")
INSTEADS = {"desk-by-the-hour": ("order", "open_hours", "open_hours"), "plans": ("buy_plan", "buy_plan", "hold")}
KEYLESS = ("/refunds", "/splits", "/credit-batches")
"""Calls whose bodies hold a key of their own."""
NAMES = ("ann", "bob", "cyd")


class BrokenError(AssertionError):
    """The service and the model disagree, or a promise is broken. `lead` adds the life."""

    life: Life


def command(**weights: int) -> Callable[[Command], Command]:
    """A kind of step; ``weights`` by policy with underscores, ``rest`` for all others."""

    def keep(found: Command) -> Command:
        COMMANDS[found.__name__] = (found, {name.replace("_", "-"): n for name, n in weights.items()})
        return found

    return keep


def steps_of(policy: str, seed: int, count: int) -> list[Step]:
    """The steps of a life: kinds drawn by weight, and chains of them in which nouns meet."""
    rng = random.Random(f"{policy} {seed}")
    names = sorted(COMMANDS)
    weights = [COMMANDS[name][1].get(policy, COMMANDS[name][1].get("rest", 0)) for name in names]
    if policy in OWN:
        weights = [OWN[policy].get(name, 0) for name in names]
    able = {name for name, weight in zip(names, weights, strict=True) if weight}
    chains = [one for one in CHAINS if able.issuperset(one)]
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += rng.choice(chains) if rng.random() < 0.3 else rng.choices(names, weights)
    return [(kind, rng.randrange(10**6)) for kind in kinds[:count]]


@dataclass
class Life:
    """One life being led."""

    vendor: Vendor
    model: Model
    policy: str
    log: list[str] = field(default_factory=list)
    done: list[tuple[str, int, str]] = field(default_factory=list)
    calls: int = 0
    numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    covers: dict[str, dict[str, Any]] = field(default_factory=dict)
    things: dict[str, Any] = field(default_factory=dict)
    dice: random.Random = field(default_factory=lambda: random.Random(0))
    """Which calls are rehearsed first and sent twice."""
    aside: random.Random = field(default_factory=lambda: random.Random(0))
    """For what a command draws beside its own dice, so that the stored lives stay what they are."""

    # --- calling ------------------------------------------------------------------------------------------------------

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A call and its answer; nothing that is sent may cause a 500."""
        rehearse = method != "GET" and path != "/v1/clock" and self.dice.random() < 0.1
        key = None if path.endswith(KEYLESS) else f"{self.vendor.tenant_id}-{self.calls}"
        rehearsed = await self._send(method, f"{path}?validate_only=true", body, key) if rehearse else None
        answer = await self._send(method, path, body, key)
        found = answer.json() if answer.content else None
        if rehearsed is not None:
            self.that(
                rehearsed.status_code == answer.status_code,
                f"{method} {path} {body}: rehearsed {rehearsed.status_code}, done {answer.status_code}",
            )
            again = await self._send(method, path, body, key) if answer.status_code < 400 else answer
            self.that(
                again.status_code == answer.status_code
                or ((key is None or method == "PUT") and again.status_code == 200),
                f"{method} {path} {body}: once {answer.status_code}, again {again.status_code} {again.text[:300]}",
            )
            if key is not None and method == "POST":
                self.that(again.json() == found, f"{method} {path} {body}: another answer to the same key")
        if method != "GET":
            told = found.get("code", "") if isinstance(found, dict) and answer.status_code >= 400 else ""
            self.log.append(f"{method} {path} {json.dumps(body)} -> {answer.status_code} {told}")
        self.that(answer.status_code < 500, f"{method} {path} {body}: {answer.status_code} {answer.text[:500]}")
        return answer.status_code, found

    async def _send(self, method: str, path: str, body: Any, key: str | None) -> Any:
        self.calls += 1
        if method == "GET":
            return await self.vendor.get(path)
        if method == "PUT":
            return await self.vendor.put(path, body)
        return await self.vendor.post(path, body, key=key)

    async def get(self, path: str) -> Any:
        """An answer that must be 200."""
        status, found = await self.call("GET", path)
        self.that(status == 200, f"GET {path}: {status} {found}")
        return found

    async def pages(self, path: str) -> list[Any]:
        """All rows of a list."""
        rows: list[Any] = []
        cursor = ""
        while True:
            page = await self.get(f"{path}?limit=100{cursor}")
            rows += page["data"]
            if not page["next_cursor"]:
                return rows
            cursor = f"&cursor={page['next_cursor']}"

    def that(self, holds: object, why: str) -> None:
        """What must hold."""
        if not holds:
            raise BrokenError(f"{self.policy}, step {len(self.done) + 1}: {why}")

    def next(self, kind: str) -> str:
        """A fresh id; in order of making also when sorted as text."""
        self.numbers[kind] += 1
        return f"{kind}{self.numbers[kind]:03}"

    # --- leading ------------------------------------------------------------------------------------------------------

    async def step(self, kind: str, seed: int) -> None:
        """One step, and the comparison after it."""
        self.dice, self.aside = random.Random(-seed - 1), random.Random(f"aside {seed}")
        told = await COMMANDS[kind][0](self, random.Random(seed))
        if told is None:  # there was nothing to do it to; there will be
            instead = INSTEADS.get(self.policy, INSTEAD)
            kind = instead[seed % len(instead)]
            told = await COMMANDS[kind][0](self, random.Random(seed))
        if told is not None:
            self.done.append((kind, seed, told))
            await self.compare()

    @property
    def now(self) -> datetime:
        """The vendor's time."""
        return self.model.now

    # --- comparing ----------------------------------------------------------------------------------------------------

    async def compare(self) -> None:
        """The audit is empty; balance, lots, entries and statement say what the model says of whoever changed."""
        audit = await self.get("/v1/audit")
        self.that(audit["data"] == [], f"the audit is not empty: {audit['data'][:3]}")
        for owner in sorted(self.model.dirty):
            if owner in self.model.heirs:
                continue
            await self.compare_account(owner)
        self.model.dirty.clear()

    async def compare_account(self, owner: str) -> None:
        """One account."""
        status, balance = await self.call("GET", f"/v1/customers/{owner}/balance")
        mine = self.model.lots(owner)
        if status == 404 and not mine:
            return
        self.that(status == 200, f"balance of {owner}: {status}")
        entries = await self.pages(f"/v1/customers/{owner}/entries")
        found = self.buckets(entries)
        self.name_lots(owner, balance, entries, found)
        self.spread(owner, found)
        for lot in mine:
            self.that(
                lot.lot_id is not None, f"{owner} lacks a lot of {lot.granted} by {lot.purchase.order_id}: {found}"
            )
            self.that(
                found[str(lot.lot_id)] == lot.buckets(),
                f"{owner}'s lot {lot.lot_id} ({lot.purchase.order_id}): (available, held, spent, gone) is"
                f" {found[str(lot.lot_id)]}, should be {lot.buckets()}",
            )
        self.open_lots(owner, balance)
        self.totals(owner, balance, await self.get(f"/v1/customers/{owner}/statement"))
        for one in {id(lot.purchase): lot.purchase for lot in mine}.values():
            if one.due:
                left = sum(lot.available for lot in one.lots if not lot.dead(self.now))
                self.that(left == 0, f"usable credits in refunded units of {one.order_id}: {left}")
            if one.cost is not None:
                self.that(one.paid_back <= one.cost, f"{one.order_id}: {one.paid_back} paid back of {one.cost}")

    @staticmethod
    def buckets(entries: list[Any]) -> dict[str, tuple[int, int, int, int]]:
        """Where the credits of each lot lie by its entries; expired and voided are one."""
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for one in entries:
            sums[one["lot_id"]][one["from"]] -= one["credits"]
            sums[one["lot_id"]][one["to"]] += one["credits"]
        return {
            key: (one["available"], one["held"], one["spent"], one["expired"] + one["voided"])
            for key, one in sums.items()
        }

    def name_lots(self, owner: str, balance: Any, entries: list[Any], found: dict[str, Any]) -> None:
        """Learns the ids of lots that were just made; a lot that the model does not expect is a fault."""
        known = {lot.lot_id for lot in self.model.lots(owner)}
        rows = {row["lot_id"]: row for row in balance["lots"]}
        granted: dict[str, Any] = {}
        for one in entries:
            if one["from"] == "world":
                granted.setdefault(one["lot_id"], {**one, "credits": 0})["credits"] += one["credits"]
        for lot_id in found:
            if lot_id in known:
                continue
            row, grant = rows.get(lot_id), granted.get(lot_id)
            self.that(grant is not None, f"{owner}: a lot without a grant: {lot_id}")
            fits = [
                lot
                for lot in self.model.lots(owner, grant["credit_type"])
                if lot.lot_id is None and lot.granted == grant["credits"] and self._fits(lot, row, grant)
            ]
            self.that(fits, f"{owner}: nobody expects the lot {row or grant}")
            # Lots that a merge made look alike; what lies where tells them apart.
            lot = next((lot for lot in fits if lot.buckets() == found[lot_id]), fits[0])
            lot.lot_id = lot_id
            if row is not None:
                lot.paid = row["cost"] is not None and float(row["cost"]["amount"]) > 0
                lot.effective_at = at(row["effective_at"])

    @staticmethod
    def _fits(lot: Lot, row: Any, grant: Any) -> bool:
        if lot.first and grant["order_id"] != lot.purchase.order_id:
            return False
        if row is None:
            return True
        ends = None if row["expires_at"] is None else at(row["expires_at"])
        return ends == lot.expires_at and (
            not lot.first or row["license_id"] == lot.purchase.license_id or lot.purchase.license_id is None
        )

    def spread(self, owner: str, found: dict[str, Any]) -> None:
        """Of a purchase in several lots the sum is what the model knows; which of them gave is learned."""
        for one in self.model.purchases:
            if not one.loose or any(lot.lot_id is None or lot.lot_id not in found for lot in one.lots):
                continue
            should = [sum(lot.buckets()[n] for lot in one.lots) for n in range(4)]
            there = [sum(found[str(lot.lot_id)][n] for lot in one.lots) for n in range(4)]
            self.that(should == there, f"{owner}: lots of {one.order_id} hold {there}, should hold {should}")
            for lot in one.lots:
                lot.available, lot.held, lot.spent, lot.gone = found[str(lot.lot_id)]
            one.loose = False

    def open_lots(self, owner: str, balance: Any) -> None:
        """The balance lists exactly the lots that hold something, with their ends and their price."""
        mine = {lot.lot_id: lot for lot in self.model.lots(owner) if lot.available or lot.held}
        rows = {row["lot_id"]: row for row in balance["lots"]}
        self.that(
            mine.keys() == rows.keys(), f"{owner}'s open lots: {sorted(rows)}, should be {sorted(map(str, mine))}"
        )
        for lot_id, lot in mine.items():
            row = rows[lot_id]
            ends = None if row["expires_at"] is None else at(row["expires_at"])
            self.that(ends == lot.expires_at, f"{owner}'s lot {lot_id} ends {ends}, should end {lot.expires_at}")
            if lot.first and lot.purchase.cost is not None:
                cost = row["cost"] and row["cost"]["amount"]
                self.that(
                    cost is not None and float(cost) == float(lot.purchase.cost),
                    f"{owner}'s lot {lot_id} cost {cost}, should have cost {lot.purchase.cost}",
                )

    def totals(self, owner: str, balance: Any, statement: Any) -> None:
        """Balance and statement add up, and say what the model says."""
        mine = self.model.lots(owner)
        available, held = sum(one.available for one in mine), sum(one.held for one in mine)
        spent = sum(one.spent for one in mine)
        said = (balance["available"], balance["held"], balance["owed"])
        self.that(said == (available, held, 0), f"balance of {owner}: {said}, should be {(available, held, 0)}")
        for kind in {one.purchase.credit_type for one in mine}:
            right = sum(one.available for one in mine if one.purchase.credit_type == kind)
            there = balance["by_type"].get(kind, {}).get("available")
            self.that(there == right, f"{owner}'s {kind}: {there}, should be {right}")
        parts = [
            sum(row["credits"] for row in statement[name])
            for name in ("balance_modifications", "tickets_in_progress", "resolved_tickets")
        ]
        self.that(
            statement["available"] == parts[0] - parts[1] - parts[2] == available,
            f"statement of {owner}: {statement['available']} = {parts}? the balance is {available}",
        )
        self.that(
            parts[1:] == [held, spent], f"statement of {owner}: in progress and taken {parts[1:]}, not {[held, spent]}"
        )


async def begin(app: FastAPI, policy: str) -> Life:
    """A fresh vendor."""
    if policy in OWN:
        async with client_of(app, OPERATOR_KEY) as operator:
            vendor = await vendor_under(app, operator, DOCUMENTS[policy], now=START)
    else:
        vendor = await make_vendor(app, policy)
    return Life(vendor, Model(ALL[policy], at(START)), policy)


async def lead(app: FastAPI, policy: str, steps: list[Step]) -> Life:
    """Leads a life to its end."""
    life = await begin(app, policy)
    try:
        for kind, seed in steps:
            await life.step(kind, seed)
    except BrokenError as broken:
        broken.life = life
        raise
    finally:
        await life.vendor.close()
    return life


async def shrink(app: FastAPI, policy: str, steps: list[Step], why: str) -> list[Step]:
    """The steps without those that the fault does not need. A fault counts as the same while its kind of message is."""

    async def fails(some: list[Step]) -> bool:
        try:
            await lead(app, policy, some)
        except BrokenError as broken:
            return kind_of(str(broken)) == kind_of(why)
        return False

    size = max(len(steps) // 2, 1)
    while True:
        start = 0
        while start < len(steps):
            fewer = steps[:start] + steps[start + size :]
            if await fails(fewer):
                steps = fewer
            else:
                start += size
        if size == 1:
            return steps
        size = max(size // 2, 1)


def kind_of(why: str) -> str:
    """A message without its numbers and names."""
    words = [word for word in why.split(": ", 1)[-1].split() if word.isalpha()]
    return " ".join(words[:6])
