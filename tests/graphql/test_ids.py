"""An `id` names one thing in one state: the present, another instant or version, a rehearsal, a replay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLUnionType, parse, validate

from app.api.graphql.schema import build
from tests.conftest import MakeVendor
from tests.graphql.test_story import START, story_by_graphql
from tests.support.api import Vendor
from tests.support.graphql import ask, do

TICKET = "__typename id ticketId state version updatedAt clocks { __typename id clockId phase outcome }"
THEN = "2025-01-01T00:00:01Z"


@pytest.fixture
async def told(vendor: MakeVendor) -> Vendor:
    """A customer with a ticket that was answered and resolved."""
    one = await vendor("cs-cart", START)
    await story_by_graphql(one)
    return one


def things(answer: Any) -> Iterator[dict[str, Any]]:
    """Everything in an answer that has an id."""
    if isinstance(answer, dict):
        if "id" in answer and "__typename" in answer:
            yield answer
        for inner in answer.values():
            yield from things(inner)
    elif isinstance(answer, list):
        for inner in answer:
            yield from things(inner)


def cached(answer: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """A client's normalised cache of an answer. Fails where two things of another content have one id."""
    cache: dict[tuple[str, str], dict[str, Any]] = {}
    for thing in things(answer):
        kept = cache.setdefault((thing["__typename"], thing["id"]), {})
        for name, value in thing.items():
            if not isinstance(value, dict | list):
                assert kept.setdefault(name, value) == value, (thing["__typename"], thing["id"], name, value, kept)
    return cache


async def test_the_past_is_another_thing_than_the_present(told: Vendor) -> None:
    data = await ask(
        told,
        f"""query($then: DateTime!, $now: DateTime!) {{
          now: ticket(ticketId: "T-1") {{ {TICKET} }}
          past: ticket(ticketId: "T-1", asOf: $then) {{ {TICKET} }}
          known: ticket(ticketId: "T-1", knownAt: $then) {{ {TICKET} }}
          both: ticket(ticketId: "T-1", asOf: $now, knownAt: $then) {{ {TICKET} }}
          list: tickets {{ nodes {{ {TICKET} }} }}
          before: tickets(asOf: $then) {{ nodes {{ {TICKET} }} }}
          clocks {{ nodes {{ __typename id phase outcome ticket {{ {TICKET} }} }} }}
          earlier: clocks(asOf: $then) {{ nodes {{ __typename id phase outcome ticket(asOf: $then) {{ {TICKET} }} }} }}
        }}""",
        then=THEN,
        now="2025-01-02T08:30:00Z",
    )
    cached(data)
    assert (data["now"]["state"], data["past"]["state"]) == ("resolved", "in_progress")
    ids = {data[name]["id"] for name in ("now", "past", "known", "both")}
    assert len(ids) == 4
    assert data["list"]["nodes"][0]["id"] == data["now"]["id"]
    assert data["before"]["nodes"][0]["id"] == data["past"]["id"]
    assert data["clocks"]["nodes"][0]["ticket"]["id"] == data["now"]["id"]
    assert data["earlier"]["nodes"][0]["ticket"]["id"] == data["past"]["id"]
    assert {one["id"] for one in data["now"]["clocks"]}.isdisjoint(one["id"] for one in data["past"]["clocks"])
    for name in ("now", "past", "known", "both"):
        assert await node(told, data[name]["id"], f"... on Ticket {{ {TICKET} }}") == data[name]
    clock = data["past"]["clocks"][0]
    assert await node(told, clock["id"], "... on Clock { __typename id clockId phase outcome }") == clock


async def node(vendor: Vendor, one: str, fields: str) -> Any:
    return (await ask(vendor, f"query($id: ID!) {{ node(id: $id) {{ {fields} }} }}", id=one))["node"]


async def test_one_instant_written_in_two_ways_is_one_id(told: Vendor) -> None:
    data = await ask(
        told,
        """{ a: ticket(ticketId: "T-1", asOf: "2025-01-01T00:00:01Z") { id }
             b: ticket(ticketId: "T-1", asOf: "2025-01-01T02:00:01+02:00") { id } }""",
    )
    assert data["a"]["id"] == data["b"]["id"]


async def test_a_dry_run_is_nowhere_to_be_found(told: Vendor) -> None:
    query = f"""mutation($a: ReopenTicketInput!, $b: ReopenTicketInput!) {{
      a: reopenTicket(input: $a) {{ ... on Ticket {{ {TICKET} }} ... on Refusal {{ code }} }}
      b: reopenTicket(input: $b) {{ ... on Ticket {{ {TICKET} }} ... on Refusal {{ code }} }}
    }}"""
    given = {"ticketId": "T-1", "validateOnly": True}
    data = await ask(told, query, a={**given, "idempotencyKey": "v1"}, b={**given, "idempotencyKey": "v2"})
    now = (await ask(told, f'{{ ticket(ticketId: "T-1") {{ {TICKET} }} }}'))["ticket"]
    cached({"dry": data, "now": now})
    assert (data["a"]["state"], now["state"]) == ("in_progress", "resolved")
    assert len({data["a"]["id"], data["b"]["id"], now["id"]}) == 3
    assert await node(told, data["a"]["id"], "id") is None


async def test_a_replay_is_not_the_present(told: Vendor) -> None:
    again = await do(
        told,
        "confirmAssessment",
        f"{TICKET} created replayed",
        kind="Ticket",
        ticketId="T-1",
        number=1,
        accept=True,
        idempotencyKey="confirm-1",
    )
    now = (await ask(told, f'{{ ticket(ticketId: "T-1") {{ {TICKET} created replayed }} }}'))["ticket"]
    assert (again["replayed"], now["replayed"], now["created"]) == (True, False, False)
    assert again["state"] != now["state"]
    cached({"again": again, "now": now})
    assert await node(told, again["id"], "id") is None


async def test_the_same_order_again_is_answered_as_then_and_is_not_the_present(told: Vendor) -> None:
    fields = """__typename id orderId choices { __typename id choiceId open option }
      lots { __typename id lotId available } licenses { __typename id active }"""
    again = await do(
        told,
        "putOrder",
        f"{fields} created",
        kind="Order",
        orderId="o-1",
        customerId="c-1",
        placedAt=START,
        currency="USD",
        lines=[{"lineId": "1", "sku": "license", "quantity": 1}],
    )
    assert again.pop("created") is False
    data = await ask(
        told,
        f"""query($choice: ID!) {{ order(orderId: "o-1") {{ {fields} }}
          choice(choiceId: $choice) {{ __typename id open }}
          customer(customerId: "c-1") {{ lots {{ __typename id lotId available }} }} }}""",
        choice=again["choices"][0]["choiceId"],
    )
    cached({"again": again, "data": data})
    assert again["id"] != data["order"]["id"]


async def test_each_mutation_of_a_document_says_for_itself_whether_it_was_new(told: Vendor) -> None:
    query = """mutation($old: ConfirmAssessmentInput!, $new: PutTicketInput!) {
      old: confirmAssessment(input: $old) { ... on Ticket { id created replayed } }
      new: putTicket(input: $new) { ... on Ticket { id created replayed } }
      same: putTicket(input: $new) { ... on Ticket { id created replayed } }
    }"""
    data = await ask(
        told,
        query,
        old={"ticketId": "T-1", "number": 1, "accept": True, "idempotencyKey": "confirm-1"},
        new={"ticketId": "T-2", "customerId": "c-1", "subject": "Another"},
    )
    assert (data["old"]["replayed"], data["new"]["replayed"]) == (True, False)
    assert (data["new"]["created"], data["same"]["created"]) == (True, False)
    assert data["new"]["id"] == data["same"]["id"]


async def test_another_version_of_a_policy_is_another_thing(told: Vendor) -> None:
    fields = "__typename id name version title vendor versions { version }"
    document = (await ask(told, '{ policy(name: "cs-cart") { document } }'))["policy"]["document"]
    draft = {**document, "title": "Other terms", "vendor": "Somebody else"}
    head = {"name": "cs-cart", "document": draft}
    dry = await do(told, "publishPolicy", fields, kind="Policy", **head, validateOnly=True, idempotencyKey="dry")
    assert (dry["title"], dry["vendor"], dry["version"]) == ("Other terms", "Somebody else", 2)
    assert [one["version"] for one in dry["versions"]] == [1, 2]
    assert await node(told, dry["id"], "id") is None
    later = await do(
        told,
        "publishPolicy",
        fields,
        kind="Policy",
        **head,
        effectiveFrom="2025-02-01T00:00:00Z",
        idempotencyKey="later",
    )
    assert (later["vendor"], later["version"]) == ("Somebody else", 2)
    data = await ask(
        told,
        f"""{{ one: policy(name: "cs-cart", version: 1) {{ {fields} }}
               two: policy(name: "cs-cart", version: 2) {{ {fields} }}
               now: policy(name: "cs-cart") {{ {fields} }} policies {{ {fields} }} }}""",
    )
    cached({"data": data, "dry": dry, "later": later})
    assert (data["now"]["version"], data["two"]["id"]) == (1, later["id"])
    assert data["policies"][0]["id"] == data["now"]["id"]
    for one in (data["one"], data["two"], data["now"]):
        assert await node(told, one["id"], f"... on Policy {{ {fields} }}") == one
    now = await do(told, "publishPolicy", fields, kind="Policy", **head, idempotencyKey="now")
    assert (now["version"], now["id"]) == (3, data["now"]["id"])


EVERYTHING = """query($then: DateTime!) {
  customer(customerId: "c-1") { ...C }
  balance(customerId: "c-1") { lots { ...L } }
  old: balance(customerId: "c-1", asOf: $then) { lots { ...L } }
  order(orderId: "o-1") { __typename id lots { ...L } licenses { ...I } covers { __typename id state }
    choices { ...H } }
  choices(customerId: "c-1") { ...H }
  entries(customerId: "c-1") { nodes { ...E } }
  before: entries(customerId: "c-1", asOf: $then) { nodes { ...E } }
  webhookEndpoints { nodes { __typename id url version } }
  sources { nodes { __typename id name } }
  calendars { __typename id name revision }
  calendarVersions(name: "service-hours") { __typename id revision calendar }
  events(first: 50) { nodes { __typename id type } }
  keys { nodes { __typename id label } }
}
fragment C on Customer { __typename id customerId createdAt lots { ...L } licenses { ...I } choices { ...H } }
fragment L on Lot { __typename id lotId customerId available held spent granted }
fragment I on License { __typename id licenseId customerId active }
fragment H on Choice { __typename id choiceId customerId open option }
fragment E on Entry { __typename id entryId customerId credits kind }"""


async def test_no_two_things_of_another_content_have_one_id(told: Vendor) -> None:
    await told.ok(await told.post("/v1/webhook-endpoints", {"url": "https://93.184.216.34/hooks"}))
    await told.ok(await told.put("/v1/sources/shop", {"kind": "purchase"}))
    data = await ask(told, EVERYTHING, then=THEN)
    cache = cached(data)
    kinds = {typename for typename, _ in cache}
    wanted = {
        "Customer",
        "Lot",
        "License",
        "Choice",
        "Entry",
        "WebhookEndpoint",
        "Source",
        "Calendar",
        "Event",
        "ApiKey",
    }
    assert wanted <= kinds
    for typename, one in cache:
        found = await node(told, one, "__typename id")
        assert found == {"__typename": typename, "id": one}, typename


def test_what_has_an_id_is_a_node_and_a_name_has_one_type_in_a_result() -> None:
    """Every union is asked for all that its members have in common, three levels deep."""
    core = build().core
    kinds = core.type_map.values()
    strangers = [
        kind.name
        for kind in kinds
        if isinstance(kind, GraphQLObjectType) and "id" in kind.fields and not kind.interfaces
    ]
    assert set(strangers) == {"ActingAgent", "Hold", "OrderRefund", "AuditEntry", "Tenant"}, (
        "no operation reads one of these by itself; an agent's id is the helpdesk's own"
    )
    unions = [kind for kind in kinds if isinstance(kind, GraphQLUnionType) and kind.name.endswith("Result")]
    assert len(unions) > 50
    for union in unions:
        roots = (core.query_type, core.mutation_type)
        root, name = next(
            (root, name)
            for root in roots
            if root
            for name, field in root.fields.items()
            if str(field.type).rstrip("!") == union.name
        )
        given = "input: $input" if root.fields[name].args else ""
        members = " ".join(f"... on {kind.name} {{ {everything(kind, 3)} }}" for kind in union.types)
        head = f"($input: {root.fields[name].args['input'].type})" if given else ""
        kind = "query" if root is core.query_type else "mutation"
        document = parse(f"{kind}{head} {{ {name}({given}) {{ {members} }} }}")
        assert [one.message for one in validate(core, document)] == [], union.name


def everything(kind: Any, depth: int) -> str:
    """Every field of a type that needs no argument."""
    found = []
    for name, field in kind.fields.items():
        if any(str(one.type).endswith("!") for one in field.args.values()):
            continue
        inner: Any = field.type
        while hasattr(inner, "of_type"):
            inner = inner.of_type
        if not hasattr(inner, "fields"):
            found.append(name)
        elif depth > 1:
            found.append(f"{name} {{ __typename {everything(inner, depth - 1)} }}")
        else:
            found.append(f"{name} {{ __typename }}")
    return " ".join(found)


async def test_a_lot_an_entry_and_a_choice_are_read_by_their_ids_in_rest(told: Vendor) -> None:
    (row,) = (await told.ok(await told.get("/v1/customers/c-1/balance")))["lots"]
    lot = await told.ok(await told.get(f"/v1/lots/{row['lot_id']}"))
    assert lot == {**row, "customer_id": "c-1"}
    assert (lot["available"], lot["spent"]) == (30, 10)
    before = await told.ok(await told.get(f"/v1/lots/{row['lot_id']}", as_of=THEN))
    assert (before["available"], before["held"]) == (30, 10)
    entries = (await told.ok(await told.get("/v1/customers/c-1/entries")))["data"]
    for entry in entries:
        found = await told.ok(await told.get(f"/v1/entries/{entry['entry_id']}"))
        assert found == {**entry, "customer_id": "c-1"}
    last = entries[-1]["entry_id"]
    assert (await told.get(f"/v1/entries/{last}", as_of=START)).json()["code"] == "entry_not_found"
    every = (await told.ok(await told.get("/v1/customers/c-1/choices", all="true")))["data"]
    choice = await told.ok(await told.get(f"/v1/choices/{every[0]['choice_id']}"))
    assert choice == {**every[0], "customer_id": "c-1"}
    for path in ("/v1/lots/x", "/v1/entries/x", "/v1/entries/x:1", "/v1/entries/x:99999999999", "/v1/choices/x"):
        assert (await told.get(path)).status_code == 404, path


async def test_further_rows_of_a_customer_are_not_the_first_ones(vendor: MakeVendor) -> None:
    one = await vendor("avactis")
    for number in range(102):
        given = {"credits": number + 1, "reason": f"gift {number}"}
        await one.ok(await one.post("/v1/customers/c-1/adjustments", given))
    fields = "__typename id customerId nextCursor totals { lots } lots { __typename id lotId available }"
    first = (await ask(one, f'{{ customer(customerId: "c-1") {{ {fields} }} }}'))["customer"]
    rows = (await ask(one, '{ balance(customerId: "c-1") { nextCursor } }'))["balance"]["nextCursor"]
    query = f"""query($cursor: String, $rows: String) {{ first: customer(customerId: "c-1") {{ {fields} }}
      more: customer(customerId: "c-1", cursor: $cursor) {{ {fields} }}
      balance(customerId: "c-1", cursor: $rows) {{ lots {{ __typename id lotId available }} }} }}"""
    data = await ask(one, query, cursor=first["nextCursor"], rows=rows)
    cached(data)
    assert data["first"] == first
    assert (len(first["lots"]), len(data["more"]["lots"])) == (100, 2)
    assert data["more"]["id"] != first["id"]
    assert data["balance"]["lots"] == data["more"]["lots"]
    lot = data["more"]["lots"][1]
    assert await node(one, lot["id"], "... on Lot { __typename id lotId available }") == lot
    assert await node(one, data["more"]["id"], f"... on Customer {{ {fields} }}") == data["more"]
