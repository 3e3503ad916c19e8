"""One snapshot a query, with as few statements as need be; one transaction a mutation, in order, done once."""

# ruff: noqa: E501

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from app.api.graphql.names import camel
from app.api.graphql.shaped import made
from app.views.lot import Lot
from tests.conftest import MakeVendor
from tests.graphql.test_story import story_by_graphql
from tests.support.api import Vendor
from tests.support.graphql import ACCEPT, ask, do, send
from tests.support.statements import sent

START = "2025-01-01T00:00:00Z"
GRANT = "mutation($input: AdjustCreditsInput!) { adjustCredits(input: $input) { __typename ... on Hold { balance { available } } ... on Refusal { code } } }"


@contextlib.contextmanager
def statements(app: FastAPI) -> Iterator[list[str]]:
    """The statements that reach the database meanwhile, each on one line."""
    with sent(app.state.house.database) as found:
        yield found


def look_ups(found: list[str]) -> int:
    """Keys are remembered for less than a second, so that one is looked up now and then."""
    return sum("retainer_key" in one for one in found)


def transactions(found: list[str]) -> int:
    return sum("retainer_begin" in one or "retainer_enter" in one for one in found)


def asked_by_driver(found: list[str]) -> int:
    """On a connection that is new to them, the driver asks what the types of columns are."""
    return sum("typeinfo_tree" in one or "current_setting('jit')" in one for one in found)


def count(found: list[str]) -> int:
    return len(found) - look_ups(found) - asked_by_driver(found)


async def customers(vendor: Vendor, count: int) -> None:
    for number in range(count):
        answer = await vendor.put(
            f"/v1/orders/o-{number}",
            {
                "customer_id": f"c-{number}",
                "placed_at": START,
                "currency": "USD",
                "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
            },
        )
        assert answer.status_code == 201, answer.text


async def warm(vendor: Vendor) -> None:
    """The key and the policy are known to the process, as they are in service."""
    await ask(vendor, "{ customers { nodes { customerId } } offers { sku } }")


async def test_all_fields_of_a_query_read_one_snapshot(app: FastAPI, vendor: MakeVendor) -> None:
    one = await vendor()
    await story_by_graphql(one)
    await warm(one)
    with statements(app) as found:
        await ask(
            one,
            """{
          customer(customerId: "c-1") { customerId licenses { licenseId } balance { available } statement { available } entries { nodes { credits } } tickets { nodes { ticketId } } }
          ticket(ticketId: "T-1") { state customer { customerId covers { coverId } } }
          clocks { nodes { clockId } } offers { sku } tenantTime { now }
        }""",
        )
    assert transactions(found) == 1
    assert not any(one.lower().startswith(("insert", "update", "delete")) for one in found)


async def test_a_query_that_needs_no_data_opens_no_transaction(app: FastAPI, vendor: MakeVendor) -> None:
    one = await vendor()
    await warm(one)
    with statements(app) as found:
        await ask(one, "{ __typename __schema { queryType { name } } }")
    assert count(found) == 0


async def test_the_same_thing_is_loaded_once(app: FastAPI, vendor: MakeVendor) -> None:
    one = await vendor()
    await customers(one, 1)
    await warm(one)
    with statements(app) as single:
        await ask(one, '{ customer(customerId: "c-0") { licenses { licenseId } } }')
    with statements(app) as many:
        await ask(
            one,
            '{ a: customer(customerId: "c-0") { licenses { licenseId } covers { coverId } } b: customer(customerId: "c-0") { lots { lotId } } c: order(orderId: "o-0") { customer { facts } } }',
        )
    with statements(app) as order:
        await ask(one, '{ order(orderId: "o-0") { orderId } }')
    shared = 1  # the statement that begins the transaction
    assert count(many) == count(single) + count(order) - shared, (many, single, order)


async def test_rows_of_a_list_are_loaded_together(app: FastAPI, vendor: MakeVendor) -> None:
    """What a page's rows leave out is loaded for all of them at once: the count of statements does not grow with the page."""
    one = await vendor()
    await customers(one, 12)
    await warm(one)
    counts = []
    for first in (2, 2, 12):  # at first the driver may ask what a type of a column is
        with statements(app) as found:
            data = await ask(
                one,
                "query($n: Int) { customers(first: $n) { nodes { customerId licenses { licenseId } choices { choiceId } balance { available } } } }",
                n=first,
            )
        assert len(data["customers"]["nodes"]) == first
        assert all(len(row["licenses"]) == 1 and len(row["choices"]) == 1 for row in data["customers"]["nodes"])
        counts.append(count(found))
        assert transactions(found) == 1
    assert counts[1] == counts[2], counts


async def test_mutations_run_in_order_each_in_its_own_transaction(app: FastAPI, vendor: MakeVendor) -> None:
    one = await vendor()
    await customers(one, 1)
    query = """mutation($a: AdjustCreditsInput!, $b: CreateDebitInput!, $c: CreateDebitInput!) {
      adjustCredits(input: $a) { ... on Hold { balance { available } } ... on Refusal { code } }
      first: createDebit(input: $b) { ... on Hold { balance { available } } ... on Refusal { code } }
      second: createDebit(input: $c) { ... on Hold { balance { available } } ... on Refusal { code reasons { clause } } }
    }"""
    data = await ask(
        one,
        query,
        a={"customerId": "c-0", "credits": 10, "reason": "goodwill", "idempotencyKey": "m-1"},
        b={"customerId": "c-0", "credits": 8, "idempotencyKey": "m-2"},
        c={"customerId": "c-0", "credits": 8, "idempotencyKey": "m-3"},
    )
    assert data["adjustCredits"]["balance"]["available"] == 10
    assert data["first"]["balance"]["available"] == 2
    assert data["second"] == {"code": "insufficient_credits", "reasons": [{"clause": "ALL-2"}]}


async def test_a_key_is_done_once_in_one_document_and_through_both_doors(vendor: MakeVendor) -> None:
    one = await vendor()
    await customers(one, 1)
    given = {"customerId": "c-0", "credits": 5, "reason": "goodwill", "idempotencyKey": "once"}
    query = "mutation($i: AdjustCreditsInput!) { a: adjustCredits(input: $i) { ...H } b: adjustCredits(input: $i) { ...H } } fragment H on AdjustCreditsResult { ... on Hold { balance { available } } ... on Refusal { code } }"
    answer = await send(one.client, query, {"i": given})
    assert answer.json()["data"] == {"a": {"balance": {"available": 5}}, "b": {"balance": {"available": 5}}}
    assert answer.headers["idempotent-replayed"] == "true"
    rest = await one.post("/v1/customers/c-0/adjustments", {"credits": 5, "reason": "goodwill"}, key="once")
    assert rest.headers["idempotent-replayed"] == "true"
    other = (await ask(one, GRANT, input={**given, "credits": 6}))["adjustCredits"]
    assert other == {"__typename": "Refusal", "code": "idempotency_key_reused"}
    assert (await ask(one, '{ balance(customerId: "c-0") { available } }'))["balance"]["available"] == 5


async def test_the_same_key_at_the_same_moment_is_done_once(vendor: MakeVendor) -> None:
    one = await vendor()
    await customers(one, 1)
    given = {"customerId": "c-0", "credits": 3, "reason": "goodwill", "idempotencyKey": "race"}
    answers = await asyncio.gather(*(send(one.client, GRANT, {"input": given}) for _ in range(16)))
    assert {answer.json()["data"]["adjustCredits"]["balance"]["available"] for answer in answers} == {3}
    assert (await ask(one, '{ balance(customerId: "c-0") { available } }'))["balance"]["available"] == 3


async def test_validate_only_answers_in_full_and_writes_nothing(vendor: MakeVendor) -> None:
    one = await vendor()
    order = await do(
        one,
        "putOrder",
        "orderId licenses { sku } choices { options }",
        kind="Order",
        orderId="o-1",
        customerId="c-1",
        placedAt=START,
        lines=[{"lineId": "1", "sku": "license"}],
        validateOnly=True,
    )
    assert order["licenses"] == [{"sku": "license"}]
    assert (await ask(one, '{ order(orderId: "o-1") { orderId } customer(customerId: "c-1") { customerId } }')) == {
        "order": None,
        "customer": None,
    }


async def test_a_refusal_has_the_code_clause_and_remedies_of_its_rest_twin(vendor: MakeVendor) -> None:
    one = await vendor()
    await customers(one, 1)
    rest = (await one.post("/v1/customers/c-0/holds", {"credits": 1000})).json()
    graph = (
        await ask(
            one,
            """mutation($i: CreateHoldInput!) { createHold(input: $i) { ... on Refusal {
        code title detail nextStep status reasons { code clause message facts reading wouldChange } remedies { kind sku } } } }""",
            i={"customerId": "c-0", "credits": 1000, "idempotencyKey": "h-1"},
        )
    )["createHold"]
    assert graph["code"] == rest["code"] == "insufficient_credits"
    assert (graph["status"], graph["title"], graph["detail"], graph["nextStep"]) == (
        rest["status"],
        rest["title"],
        rest["detail"],
        rest["next_step"],
    )
    assert [(r["code"], r["clause"], r["facts"], r["wouldChange"]) for r in graph["reasons"]] == [
        (r["code"], r["clause"], r["facts"], r["would_change"]) for r in rest["reasons"]
    ]
    assert graph["remedies"] == [{"kind": r["kind"], "sku": r["sku"]} for r in rest["remedies"]] != []


async def test_pages_follow_one_another_by_any_edges_cursor(vendor: MakeVendor) -> None:
    one = await vendor()
    await customers(one, 7)
    query = "query($n: Int, $a: String) { customers(first: $n, after: $a) { edges { cursor node { customerId } } pageInfo { hasNextPage hasPreviousPage endCursor startCursor } } }"
    whole = [edge["node"]["customerId"] for edge in (await ask(one, query, n=100))["customers"]["edges"]]
    assert len(whole) == 7
    seen: list[str] = []
    after = None
    while True:
        page = (await ask(one, query, n=3, a=after))["customers"]
        seen += [edge["node"]["customerId"] for edge in page["edges"]]
        for edge in page["edges"]:
            name = edge["node"]["customerId"]
            rest = (await ask(one, query, n=100, a=edge["cursor"]))["customers"]["edges"]
            assert [row["node"]["customerId"] for row in rest] == whole[whole.index(name) + 1 :]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == whole


async def test_events_are_found_by_who_just_wrote_them(vendor: MakeVendor) -> None:
    one = await vendor()
    await customers(one, 1)
    data = await ask(
        one, "{ events(first: 100) { nodes { id type position data { order { orderId } } } pageInfo { endCursor } } }"
    )
    kinds = [row["type"] for row in data["events"]["nodes"]]
    assert "order.recorded" in kinds, kinds
    last = data["events"]["nodes"][-1]["position"]
    later = await ask(one, "query($s: String) { events(since: $s) { nodes { id } } }", s=str(last))
    assert later["events"]["nodes"] == []


async def test_a_database_that_cannot_answer_is_a_top_level_error(
    app: FastAPI, vendor: MakeVendor, monkeypatch: Any
) -> None:
    from app.db.engine import Unavailable

    one = await vendor()
    await warm(one)

    def gone(tenant_id: str, *, even_moved: bool = False) -> Any:
        raise Unavailable("pulled the plug")

    monkeypatch.setattr(app.state.house.database, "reading", gone)
    answer = await one.client.post("/graphql", json={"query": "{ offers { sku } }"}, headers={"Accept": ACCEPT})
    assert answer.status_code == 294
    assert answer.json()["errors"][0]["extensions"]["code"] == "unavailable"
    assert answer.json()["data"] == {"offers": None}


async def test_a_query_that_takes_too_long_is_ended_with_its_snapshot(
    app: FastAPI, vendor: MakeVendor, monkeypatch: Any
) -> None:
    from app.api.graphql import door

    one = await vendor()
    await warm(one)
    monkeypatch.setattr(door, "READING_SECONDS", 0.0)
    answer = await send(one.client, "{ offers { sku } }")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["errors"][0]["extensions"]["code"] == "busy"
    monkeypatch.undo()
    assert (await ask(one, "{ offers { sku } }"))["offers"]
    assert app.state.house.database.engine.pool.checkedout() == 0


async def test_lone_balances_asked_for_at_once_are_read_together(app: FastAPI, vendor: MakeVendor) -> None:
    """A query for one balance and nothing else is one reading already: such queries share it, as REST's do."""
    one = await vendor()
    await customers(one, 3)
    await warm(one)
    query = "query($id: ID!) { balance(customerId: $id) { customerId available held unit at lots { lotId } } }"
    with statements(app) as single:
        await ask(one, query, id="c-0")
    with statements(app) as found:
        answers = await asyncio.gather(*(ask(one, query, id=f"c-{n % 3}") for n in range(24)))
    assert transactions(found) <= 3, found
    assert transactions(single) == 1
    for number, answer in enumerate(answers):
        rest = (await one.get(f"/v1/customers/c-{number % 3}/balance")).json()
        asked = answer["balance"]
        assert (asked["customerId"], asked["available"], asked["held"], asked["unit"], asked["at"]) == (
            rest["customer_id"],
            rest["available"],
            rest["held"],
            rest["unit"],
            rest["at"],
        )
        assert [lot["lotId"] for lot in asked["lots"]] == [lot["lot_id"] for lot in rest["lots"]]


async def test_a_lone_balance_has_the_walls_of_every_other_way(vendor: MakeVendor) -> None:
    """Another tenant's customer, an unknown one and a key without the scope: as in REST and in longer queries."""
    one, other = await vendor(), await vendor()
    await customers(one, 1)
    lone = '{ balance(customerId: "c-0") { available } }'
    for strange in ("c-0", "nobody", "a b", "../c-0", "c-0/x", "ü", "%00", ""):
        query = f'{{ balance(customerId: "{strange}") {{ available }} }}'
        longer = (
            f'{{ a: balance(customerId: "{strange}") {{ available }} b: balance(customerId: "nobody") {{ held }} }}'
        )
        short, long = await send(other.client, query), await send(other.client, longer)
        assert short.json()["data"] == {"balance": None}, short.text
        assert long.json()["data"]["a"] is None, long.text
        assert [e["extensions"]["code"] for e in short.json().get("errors", [])] == [
            e["extensions"]["code"] for e in long.json().get("errors", []) if e["path"] == ["a"]
        ]
    narrow = await one.as_key("tickets:read")
    refused = (await send(narrow, lone)).json()
    assert refused["data"] == {"balance": None}
    assert refused["errors"][0]["extensions"]["code"] == "scope_missing"
    assert (await ask(one, lone))["balance"]["available"] == 0


async def test_a_balance_alone_is_the_one_beside_others(vendor: MakeVendor) -> None:
    """Whether a query asks for one balance, which is read with its neighbours', or for more: the same answer."""
    one = await vendor("x-cart")
    lines = [{"line_id": "1", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"}]
    pack = {"customer_id": "c-0", "placed_at": START, "currency": "USD", "lines": lines}
    await one.ok(await one.put("/v1/orders/pack", json=pack), 201)
    lots = " ".join(camel(name) for name in made(Lot).__annotations__ if name != "cost")
    fields = (
        "customerId unit at knownAt some: available held owed more: available __typename"
        f" lots {{ {lots} cost {{ amount currency kind: __typename }} again: lotId }} few: lots {{ lotId }}"
    )
    alone = await ask(one, f'{{ balance(customerId: "c-0") {{ {fields} }} }}')
    beside = await ask(one, f'{{ balance(customerId: "c-0") {{ {fields} }} tenantTime {{ now }} }}')
    assert alone["balance"]["some"] == 60
    assert alone["balance"] == beside["balance"]
