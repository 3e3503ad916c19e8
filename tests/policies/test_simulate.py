"""`POST /v1/policies/{name}/simulate`: a draft over recorded history says who would differ, and writes nothing."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.db import agenda
from app.db.engine import Database, Tx
from app.db.schema import metadata
from app.usecases.simulation import draft as usecase
from app.usecases.simulation import standing
from tests.conftest import MakeVendor
from tests.support import databases
from tests.support.api import START, Vendor
from tests.tickets.desk import GOOD_FACTS, act, next_id, open_ticket, order
from tests.tickets.test_random_walks import GOODS, opening, step

POLICIES = Path(__file__).parents[2] / "app" / "policies"


def shipped(name: str) -> str:
    """The document of a shipped policy."""
    return (POLICIES / f"{name}.yaml").read_text(encoding="utf-8")


def changed(name: str, old: str, new: str) -> str:
    """A draft that differs in one place."""
    document = shipped(name)
    assert document.count(old) >= 1, old
    return document.replace(old, new)


async def simulate(shop: Vendor, document: Any, *, status: int = 200, **more: Any) -> Any:
    """What the draft would have changed."""
    answer = await shop.post(f"/v1/policies/{shop.policy}/simulate", {"document": document, **more}, key=None)
    return await shop.ok(answer, status)


async def rows_of_every_table(url: str) -> dict[str, int]:
    """Row counts, past row-level security."""
    connection = await databases.connect(url)
    try:
        return {
            table.name: await connection.fetchval(f'select count(*) from "{table.name}"')
            for table in metadata.sorted_tables
        }
    finally:
        await connection.close()


async def a_story(shop: Vendor) -> None:
    """Two customers: one whose first order brings points and who spends some, one who only buys."""
    await shop.ok(await shop.put("/v1/orders/o1", _order("ann", "license")))
    await shop.ok(await shop.put("/v1/orders/o2", _order("ben", "credits-60")))
    for name, customer, category in (("T-1", "ann", "level_1"), ("T-2", "ben", "level_3"), ("T-3", "ben", "level_0")):
        body = {"customer_id": customer, "subject": "Help", "channel": "helpdesk", "category": category}
        await shop.ok(await shop.put(f"/v1/tickets/{name}", body))
    await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {"outcome": "answered"}))
    await shop.move_clock("2025-03-01T00:00:00Z")
    await shop.ok(await shop.put("/v1/orders/o3", _order("ann", "license", at="2025-03-01T00:00:00Z")))


def _order(customer: str, sku: str, at: str = START) -> dict[str, Any]:
    line = {"line_id": "1", "sku": sku, "quantity": 1}
    return {"customer_id": customer, "placed_at": at, "currency": "USD", "lines": [line]}


async def test_the_same_policy_changes_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await a_story(shop)
    found = await simulate(shop, shipped("x-cart"))
    assert found["orders"] == {"replayed": 3, "differ": 0}
    assert found["tickets"] == {"replayed": 3, "differ": 0}
    assert (found["differences"], found["errors"], found["complete"]) == ([], [], True)


async def test_it_says_who_would_be_charged_differently_and_by_which_clause(vendor: MakeVendor) -> None:
    """10 -> 15 points for level 1: only Ann's ticket differs."""
    shop = await vendor("x-cart")
    await a_story(shop)
    draft = changed("x-cart", "price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}")
    found = await simulate(shop, draft)
    assert found["tickets"] == {"replayed": 3, "differ": 1}
    assert found["orders"]["differ"] == 0
    [one] = found["differences"]
    assert (one["kind"], one["id"], one["customer_id"]) == ("ticket", "T-1", "ann")
    assert (one["before"]["price"], one["after"]["price"]) == (10, 15)
    assert (one["before"]["charge"]["net"], one["after"]["charge"]["net"]) == (10, 15)
    assert one["clauses"] == ["XC-6"]


async def test_it_says_who_would_be_decided_differently(vendor: MakeVendor) -> None:
    """No free points with a license: Ann's order brings nothing, so her ticket waits for credits."""
    shop = await vendor("x-cart")
    await a_story(shop)
    draft = changed(
        "x-cart", "when: {fact: license.first_order, value: true}", "when: {fact: license.ordinal, op: ge, value: 100}"
    )
    found = await simulate(shop, draft)
    by_id = {one["id"]: one for one in found["differences"]}
    assert set(by_id) == {"o1", "T-1"}
    assert [one["granted"] for one in by_id["o1"]["before"]["lots"]] == [60]
    assert by_id["o1"]["after"]["lots"] == []
    assert "XC-3" in by_id["o1"]["clauses"]
    assert (by_id["T-1"]["before"]["state"], by_id["T-1"]["after"]["state"]) == ("resolved", "awaiting_credits")
    [failed] = found["errors"]
    assert (failed["run"], failed["id"], failed["step"]) == ("draft", "T-1", "resolve")


async def test_it_says_what_the_draft_comes_to_in_all(vendor: MakeVendor) -> None:
    """Points and customers; money only where the draft sells at another price, by the list at that time."""
    shop = await vendor("x-cart")
    await a_story(shop)
    draft = changed("x-cart", "price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}")
    totals = (await simulate(shop, draft))["totals"]
    assert totals["customers"] == 1
    tickets = [(await shop.ok(await shop.get(f"/v1/tickets/{id_}")))["charge"] for id_ in ("T-1", "T-2", "T-3")]
    lots = [lot for id_ in ("o1", "o2", "o3") for lot in (await shop.ok(await shop.get(f"/v1/orders/{id_}")))["lots"]]
    assert totals["before"] == {
        "credits_granted": sum(lot["granted"] for lot in lots),
        "credits_charged": sum(charge["net"] for charge in tickets),
        "credits_held": sum(charge["held"] for charge in tickets),
    }
    assert totals["after"]["credits_charged"] == totals["before"]["credits_charged"] + 5
    document = (await shop.ok(await shop.get("/v1/policies/x-cart")))["document"]
    pack = next(offer for offer in document["offers"] if offer["sku"] == "credits-60")
    pack["price"] = {**(pack.get("price") or {}), "amount": "100.00"}
    dearer = await simulate(shop, document)
    offers = (await shop.ok(await shop.get("/v1/offers")))["data"]
    was = next(offer["price"] for offer in offers if offer["sku"] == "credits-60")
    before, after = (dearer["totals"][when]["prices"] for when in ("before", "after"))
    assert [row["currency"] for row in after] == ["USD"]
    gained = Decimal(after[0]["amount"]) - Decimal(before[0]["amount"] if before else 0)
    assert gained == Decimal("100.00") - Decimal(was["amount"] if was else 0)
    assert dearer["totals"]["customers"] == 0, "orders bring the same, at another price"


async def test_from_is_when_the_draft_would_have_taken_effect(vendor: MakeVendor) -> None:
    """What was granted and quoted before stays, as it does when a version is published."""
    shop = await vendor("x-cart")
    await a_story(shop)
    draft = changed("x-cart", "price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}")
    found = await simulate(shop, draft, **{"from": "2025-02-01T00:00:00Z"})
    assert (found["orders"]["replayed"], found["tickets"]["replayed"], found["differences"]) == (1, 0, [])
    found = await simulate(shop, draft, to="2025-02-01T00:00:00Z")
    assert (found["orders"]["replayed"], found["tickets"]) == (2, {"replayed": 3, "differ": 1})


async def test_limit_takes_whole_customers_and_says_that_there_is_more(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await a_story(shop)
    found = await simulate(shop, shipped("x-cart"), limit=4)
    assert found["complete"] is False
    assert found["customers"] == 1
    assert found["orders"]["replayed"] == 2
    for wrong in (0, 2001, "4"):
        await simulate(shop, shipped("x-cart"), limit=wrong, status=422)


async def test_nothing_is_written(vendor: MakeVendor, module_url: str, db: Database) -> None:
    """The rows of every table are counted before and after; nor is a cache left behind."""
    shop = await vendor("x-cart")
    await a_story(shop)
    before = await rows_of_every_table(module_url)
    assert before["ticket"] >= 3
    draft = changed("x-cart", "credits: 60\n", "credits: 90\n")
    assert (await simulate(shop, draft))["orders"]["differ"] > 0
    assert await rows_of_every_table(module_url) == before
    database = shop.app.state.house.database
    assert not [key for key in database.process_cache if "sim_" in str(key)]


async def test_a_draft_with_mistakes_is_refused_with_their_lines(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    draft = changed("x-cart", "per: {N: 60}", "per: {N: -60}")
    line = next(n for n, row in enumerate(draft.splitlines(), 1) if "per: {N: -60}" in row)
    refusal = await simulate(shop, draft, status=422)
    assert refusal["code"] == "policy_invalid"
    assert line in [one["line"] for one in refusal["facts"]["problems"]]
    other = await simulate(shop, shipped("avactis"), status=422)
    assert other["code"] == "policy_name_differs"
    elsewhere = await shop.post("/v1/policies/nowhere/simulate", {"document": shipped("x-cart")}, key=None)
    assert elsewhere.status_code in (404, 422)
    backwards = {"from": "2025-02-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"}
    assert (await simulate(shop, shipped("x-cart"), status=422, **backwards))["code"] == "span_reversed"


@pytest.mark.parametrize("policy", sorted(GOODS))
@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 3))])
async def test_history_done_again_comes_out_as_it_was(vendor: MakeVendor, db: Database, policy: str, seed: int) -> None:
    """A random walk run again under the policy that it was made under: the same tickets, orders and charges."""
    dice = random.Random(f"again-{policy}-{seed}")
    shop = await vendor(policy)
    await _walk(dice, shop)
    found = await simulate(shop, shipped(policy))
    assert found["tickets"]["replayed"] > 0
    assert (found["differences"], found["errors"]) == ([], [])
    assert found["complete"]


@pytest.mark.parametrize("policy", ["shopp", "x-cart"])
async def test_days_that_pass_are_judged_at_once_and_the_answer_is_the_same(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """Tickets that stay open for weeks, one of them owed an answer each business day."""
    shop = await vendor(policy)
    await _walk(random.Random(f"days-{policy}"), shop)
    if policy == "shopp":
        await order(shop, "dora", "license", "credit-priority")
        owed = await open_ticket(shop, "dora", "T-owed", credit_type="priority", facts=GOOD_FACTS)
        await act(shop, owed, "qualification", {"decision": "accept", "note": "looked at"})
    now = (await shop.ok(await shop.get("/v1/clock")))["now"]
    later = datetime.fromisoformat(now) + timedelta(days=45)
    await shop.move_clock(later.isoformat().replace("+00:00", "Z"))
    draft = changed(policy, *_OTHER_TERMS[policy])
    fired: list[datetime] = []
    run = agenda.run

    async def counted(tx: Tx, row: Any, until: datetime, handlers: Any) -> Any:
        fired.append(row.at)
        return await run(tx, row, until, handlers)

    async def its_own(_: Any, due: Any, until: datetime) -> datetime:
        at: datetime = due.at
        return at

    monkeypatch.setattr(agenda, "run", counted)
    together, few = await simulate(shop, draft), len(fired)
    fired.clear()
    monkeypatch.setattr(usecase._Again, "_instant", its_own)
    one_by_one = await simulate(shop, draft)
    assert together == one_by_one
    assert together["tickets"]["replayed"] > 0
    if policy == "shopp":
        assert together["differences"]
        assert few < len(fired) / 3, (few, len(fired))


@pytest.mark.parametrize("policy", sorted(GOODS))
async def test_the_answer_is_that_of_reading_everything_one_by_one(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """Nothing is asked where nothing can be due, and a customer's orders and tickets are read together."""
    shop = await vendor(policy)
    await _walk(random.Random(f"plain-{policy}"), shop)
    draft = changed(policy, *_OTHER_TERMS[policy]) if policy in _OTHER_TERMS else shipped(policy)
    asked: list[datetime] = []
    due, fire = agenda.due, usecase._Again._fire

    async def counted(tx: Tx, until: datetime, *, after: Any = None, limit: int) -> Any:
        asked.append(until)
        return await due(tx, until, after=after, limit=limit)

    async def plain(tx: Tx, things: Any, *, done: bool) -> Any:
        return {thing: await standing.one(tx, *thing) for thing in things}

    async def always_asked(self: Any, until: datetime) -> None:
        self.run.quiet_until = until
        await fire(self, until)

    monkeypatch.setattr(agenda, "due", counted)
    together, few = await simulate(shop, draft), len(asked)
    asked.clear()
    monkeypatch.setattr(standing, "all_of", plain)
    monkeypatch.setattr(usecase._Again, "_fire", always_asked)
    assert await simulate(shop, draft) == together
    assert together["orders"]["replayed"] > 0
    assert few < len(asked), (few, len(asked))


_OTHER_TERMS = {
    "shopp": ("credit_type: priority, expires: {months: 6}", "credit_type: priority, expires: {months: 5}"),
    "x-cart": ("price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}"),
}


async def _walk(dice: random.Random, shop: Vendor) -> None:
    now = datetime.fromisoformat(START)
    tickets: list[str] = []
    for _ in range(40):
        if dice.random() < 0.15:
            now += timedelta(hours=dice.choice([1, 30, 24 * 9, 24 * 45]))
            await shop.move_clock(now.isoformat().replace("+00:00", "Z"))
        if dice.random() < 0.15:
            placed = now.isoformat().replace("+00:00", "Z")
            made = await order(shop, "walker", dice.choice(GOODS[shop.policy]), placed_at=placed)
            for choice in made.get("choices", []):
                path = f"/v1/customers/walker/choices/{choice['choice_id']}"
                await shop.post(path, {"option": dice.choice(["credits", "cover"])})
        if not tickets or dice.random() < 0.2:
            name = next_id("W")
            body = {"customer_id": "walker", "subject": "walk", "channel": "helpdesk", **opening(dice, shop.policy)}
            if (await shop.put(f"/v1/tickets/{name}", body)).status_code == 201:
                tickets.append(name)
            continue
        name = dice.choice(tickets)
        verb, body = step(dice, shop.policy, (await shop.get(f"/v1/tickets/{name}")).json())
        await shop.post(f"/v1/tickets/{name}/{verb}", body)


async def test_graphql_asks_the_same(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await a_story(shop)
    query = (
        'query($d: JSON!) { simulatePolicy(input: {name: "x-cart", document: $d})'
        " { ... on PolicySimulation { complete tickets { replayed differ } differences { subjectId } } } }"
    )
    draft = changed("x-cart", "price: {kind: fixed, credits: 10}", "price: {kind: fixed, credits: 15}")
    answer = await shop.client.post("/graphql", json={"query": query, "variables": {"d": draft}})
    body = answer.json()
    assert body.get("errors") is None, body
    assert body["data"]["simulatePolicy"]["tickets"] == {"replayed": 3, "differ": 1}
