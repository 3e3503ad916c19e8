"""One fault, one form: the same pointer, status and code in both doors, however a value was given."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.graphql import ACCEPT, ask, do, send

DEBIT = "mutation($input: CreateDebitInput!) { createDebit(input: $input) { __typename ... on Refusal { %s } } }"
TOLD = "status code requestId instance errors { pointer in code }"


@pytest.fixture
async def shop(vendor: MakeVendor) -> Vendor:
    one = await vendor("avactis")
    await one.ok(await one.post("/v1/customers/c-1/adjustments", {"credits": 9, "reason": "welcome"}))
    return one


async def by_variable(shop: Vendor, raw: str) -> httpx.Response:
    body = json.dumps({"query": DEBIT % TOLD, "variables": {"input": {"customerId": "c-1", "idempotencyKey": "k"}}})
    sent = body.replace('"idempotencyKey"', f'"credits": {raw}, "idempotencyKey"')
    return await shop.client.post(
        "/graphql", content=sent, headers={"Content-Type": "application/json", "Accept": ACCEPT}
    )


async def by_literal(shop: Vendor, raw: str) -> httpx.Response:
    given = f'customerId: "c-1", idempotencyKey: "k", credits: {raw}'
    query = f"mutation {{ createDebit(input: {{ {given} }}) {{ __typename ... on Refusal {{ {TOLD} }} }} }}"
    return await send(shop.client, query)


async def by_its_own_variable(shop: Vendor, raw: str) -> httpx.Response:
    query = f"""mutation($n: Credits!) {{ createDebit(input: {{customerId: "c-1", idempotencyKey: "k", credits: $n}})
      {{ __typename ... on Refusal {{ {TOLD} }} }} }}"""
    body = json.dumps({"query": query, "variables": {"n": 0}}).replace('"n": 0', f'"n": {raw}')
    return await shop.client.post(
        "/graphql", content=body, headers={"Content-Type": "application/json", "Accept": ACCEPT}
    )


def told(answer: httpx.Response) -> dict[str, Any]:
    """A refusal as data, or an error of the request, by the same members."""
    body = answer.json()
    if body.get("errors"):
        return dict(body["errors"][0]["extensions"])
    return dict(body["data"]["createDebit"])


@pytest.mark.parametrize("give", [by_variable, by_literal, by_its_own_variable])
@pytest.mark.parametrize("raw", ["1.5", '"1"', '"x"', "0", "-1", "true", "9007199254740993", "1e400"])
async def test_a_wrong_number_is_told_as_rest_tells_it(shop: Vendor, give: Any, raw: str) -> None:
    rest = await shop.client.post(
        "/v1/customers/c-1/debits",
        content=f'{{"credits": {raw}}}',
        headers={"Content-Type": "application/json", "Idempotency-Key": "k"},
    )
    assert rest.status_code == 422, rest.text
    wanted = [(f"/input{one['pointer']}", one["in"], one["code"]) for one in rest.json()["errors"]]
    answer = await give(shop, raw)
    found = told(answer)
    assert (found["status"], found["code"]) == (422, rest.json()["code"]), answer.text
    assert [(one["pointer"], one["in"], one["code"]) for one in found["errors"]] == wanted, answer.text
    assert found["requestId"] == answer.headers["x-request-id"]


PUT = """mutation($input: PutTicketInput!) { putTicket(input: $input) {
  __typename ... on Refusal { status code errors { pointer in code } } } }"""


async def test_a_wrong_member_is_told_as_rest_tells_it(shop: Vendor) -> None:
    """Whatever GraphQL's own rules refuse before us: text, flags, names that there are not."""
    for member, value in (("subject", 5), ("channel", True), ("nonsense", 1), ("facts", 5), ("facts", {"a": [1]})):
        given: dict[str, Any] = {"customer_id": "c-1", member: value}
        rest = (await shop.put("/v1/tickets/T-1", given)).json()
        answer = await send(shop.client, PUT, {"input": {"ticketId": "T-1", "customerId": "c-1", member: value}})
        body = answer.json()
        found = body["errors"][0]["extensions"] if body.get("errors") else body["data"]["putTicket"]
        assert (found["status"], found["code"]) == (rest["status"], rest["code"]), answer.text
        assert [(one["pointer"], one["in"], one["code"]) for one in found["errors"]] == [
            (f"/input{one['pointer']}", one["in"], one["code"]) for one in rest["errors"]
        ], answer.text


async def test_a_member_that_is_missing_is_named(shop: Vendor) -> None:
    for query, variables, pointer in (
        (PUT, {"input": {"ticketId": "T-1"}}, "/input/customerId"),
        (
            PUT.replace("(input: $input)", '(input: {ticketId: "T-1"})').replace("($input: PutTicketInput!)", ""),
            {},
            "/input/customerId",
        ),
        ("{ ticket { state } }", {}, "/ticketId"),
        ("query($id: ID!) { ticket(ticketId: $id) { state } }", {"id": None}, "/ticketId"),
        ("query($id: ID!) { ticket(ticketId: $id) { state } }", {}, "/ticketId"),
    ):
        answer = await send(shop.client, query, variables)
        (error,) = answer.json()["errors"]
        found = error["extensions"]
        assert (answer.status_code, found["status"], found["code"]) == (400, 422, "invalid_input"), answer.text
        assert [(one["pointer"], one["code"]) for one in found["errors"]] == [(pointer, "required")], answer.text


async def test_a_wrong_argument_is_told_as_rest_tells_it(shop: Vendor) -> None:
    for field, argument, path, parameter, value in (
        ("tickets", "state", "/v1/tickets", "state", "zz"),
        ("tickets", "asOf", "/v1/tickets", "as_of", "yesterday"),
        ("clocks", "dueBefore", "/v1/clocks", "due_before", "2025-13-01T00:00:00Z"),
        ("events", "type", "/v1/events", "type", "zz zz"),
    ):
        rest = await shop.get(path, **{parameter: value})
        query = f'{{ {field}({argument}: "{value}") {{ nodes {{ __typename }} }} }}'
        answer = await send(shop.client, query)
        (error,) = answer.json()["errors"]
        found = error["extensions"]
        assert (found["status"], found["code"]) == (rest.status_code, rest.json()["code"]), (rest.text, answer.text)
        wanted = [(one["in"], one["code"]) for one in rest.json().get("errors", ())]
        assert [(one["in"], one["code"]) for one in found.get("errors", ())] == wanted, answer.text
        assert [one["pointer"] for one in found.get("errors", ())] == [f"/{argument}"] * len(wanted)


async def test_names_inside_facts_stay_as_they_are(shop: Vendor) -> None:
    given = {"ticketId": "T-1", "customerId": "c-1", "facts": {"made_up_fact": 1}}
    refused = await do(shop, "putTicket", "state", kind="Ticket", **given)
    assert [one["pointer"] for one in refused["errors"]] == ["/input/facts/made_up_fact"], refused


async def test_a_word_that_nobody_knows_is_refused_and_what_is_not_there_is_null(shop: Vendor) -> None:
    for query, code in (
        ('{ found: entitlement(customerId: "c-1", action: "zz") { allowed } }', "action_not_found"),
        ('{ found: customer(customerId: "c-1") { entitlement(action: "zz") { allowed } } }', "action_not_found"),
        ('{ found: explain(kind: "zzz", id: "1") { summary } }', "kind_not_found"),
        ('{ found: policy(name: "avactis", version: 9) { name } }', "policy_not_found"),
    ):
        (error,) = (await send(shop.client, query)).json()["errors"]
        assert (error["extensions"]["code"], error["extensions"]["status"]) == (code, 404), query
    for query in (
        '{ found: policy(name: "other") { name } }',
        '{ found: ticket(ticketId: "T-0") { state } }',
        '{ found: explain(kind: "ticket", id: "T-0") { summary } }',
        '{ found: customer(customerId: "newbie") { customerId } }',
    ):
        assert (await ask(shop, query))["found"] is None, query


async def test_a_customer_whom_we_have_not_seen_is_decided_through_the_graph(shop: Vendor) -> None:
    data = await ask(
        shop,
        """query($r: [_Any!]!) { entitlement(customerId: "newbie", action: "open_ticket") { allowed }
          _entities(representations: $r) { ... on Customer { customerId createdAt licenses { licenseId }
            entitlement(action: "open_ticket") { allowed } offers { sku } balance { available }
            openTickets { state } } } }""",
        r=[{"__typename": "Customer", "customerId": "newbie"}],
    )
    (found,) = data["_entities"]
    assert found["entitlement"] == data["entitlement"]
    assert found["offers"]
    assert (found["createdAt"], found["licenses"], found["balance"]) == (None, [], None)


async def test_next_steps_speak_of_fields_and_arguments(shop: Vendor) -> None:
    refused = await do(shop, "captureHold", "holdId", kind="Hold", holdId="h-0", idempotencyKey="k", validateOnly=True)
    assert refused["__typename"] == "Refusal"
    query = '{ tickets(after: "nonsense") { nodes { state } } }'
    (error,) = (await send(shop.client, query)).json()["errors"]
    assert error["extensions"]["nextStep"].startswith("Start again without `after`; pass `endCursor`")


async def test_versions_can_be_named_as_in_rest(shop: Vendor) -> None:
    fields = "etag"
    url = "https://93.184.216.34/hooks"
    made = await do(shop, "createWebhookEndpoint", f"endpointId {fields}", kind="WebhookEndpoint", url=url)
    path = f"/v1/webhook-endpoints/{made['endpointId']}"
    assert made["etag"] == (await shop.get(path)).headers["etag"]
    given: dict[str, Any] = {"endpointId": made["endpointId"], "description": "Another"}
    bare = made["etag"].strip('"')
    done = await do(shop, "changeWebhookEndpoint", fields, kind="WebhookEndpoint", ifMatch=bare, **given)
    given["description"] = "And another"
    again = await do(shop, "changeWebhookEndpoint", fields, kind="WebhookEndpoint", ifMatch=done["etag"], **given)
    assert again["__typename"] == "WebhookEndpoint", again
    stale = await do(shop, "changeWebhookEndpoint", fields, kind="WebhookEndpoint", ifMatch=made["etag"], **given)
    assert (stale["code"], stale["status"]) == ("precondition_failed", 412)
    assert "`etag`" in stale["nextStep"]
    # A client that has lost the version changes nothing by it.
    empty = await do(shop, "changeWebhookEndpoint", fields, kind="WebhookEndpoint", ifMatch="", **given)
    assert (empty["code"], empty["status"]) == ("precondition_failed", 412)

    calendar = {"name": "desk", "zone": "UTC"}
    for wanted in ("Calendar", "Refusal"):
        put = await do(shop, "putCalendar", fields, kind="Calendar", ifNoneMatch="*", **calendar)
        assert put["__typename"] == wanted, put
    assert put["code"] == "precondition_failed"
    data = await ask(
        shop,
        """{ calendar(name: "desk") { etag } calendars { name etag }
             policy(name: "avactis") { etag } policies { etag } }""",
    )
    assert data["calendar"]["etag"] == (await shop.get("/v1/calendars/desk")).headers["etag"]
    assert data["policy"]["etag"] == (await shop.get("/v1/policies/avactis")).headers["etag"]
    assert data["policies"][0]["etag"] == data["policy"]["etag"]
    changed = await do(
        shop, "putCalendar", fields, kind="Calendar", ifMatch=data["calendar"]["etag"], **calendar, noticeDays=30
    )
    assert changed["__typename"] == "Calendar", changed


ORDER = {"customer_id": "c-1", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}


@pytest.mark.parametrize(
    ("member", "raw", "pointer"),
    [
        ("sku", "5", "/lines/1/sku"),
        ("sku", "1.5", "/lines/1/sku"),
        ("sku", "[]", "/lines/1/sku"),
        ("sku", '["a"]', "/lines/1/sku"),
        ("quantity", '"x"', "/lines/1/quantity"),
        ("quantity", "9007199254740993", "/lines/1/quantity"),
        ("nonsense", "1", "/lines/1/nonsense"),
    ],
)
async def test_what_stands_in_a_list_is_told_by_its_place(shop: Vendor, member: str, raw: str, pointer: str) -> None:
    """As a literal too: a form marks the line that is wrong."""
    bad = {"line_id": "2", **({} if member == "sku" else {"sku": "license"}), member: json.loads(raw)}
    rest = await shop.put("/v1/orders/o-1", {**ORDER, "lines": [{"line_id": "1", "sku": "license"}, bad]})
    wanted = [(one["pointer"], one["in"], one["code"]) for one in rest.json()["errors"]]
    assert [one[0] for one in wanted] == [pointer], rest.text
    line = f'lineId: "2", {"" if member == "sku" else "sku: " + json.dumps("license") + ","} {member}: {raw}'
    query = f"""mutation {{ putOrder(input: {{orderId: "o-1", customerId: "c-1", currency: "USD",
      placedAt: "2025-01-01T00:00:00Z", lines: [{{lineId: "1", sku: "license"}}, {{{line}}}]}})
      {{ __typename ... on Refusal {{ status code errors {{ pointer in code }} }} }} }}"""
    lines = [{"lineId": "1", "sku": "license"}, {"lineId": "2", **{k: v for k, v in bad.items() if k != "line_id"}}]
    given = {"orderId": "o-1", "customerId": "c-1", "placedAt": "2025-01-01T00:00:00Z", "lines": lines}
    by_name = "mutation($input: PutOrderInput!) { putOrder(input: $input) { __typename } }"
    for answer in (await send(shop.client, query), await send(shop.client, by_name, {"input": given})):
        (error,) = answer.json()["errors"]
        found = error["extensions"]
        assert (found["status"], found["code"]) == (422, "invalid_input"), answer.text
        told_of = [(one["pointer"].removeprefix("/input"), one["in"], one["code"]) for one in found["errors"]]
        assert told_of == wanted, answer.text


async def test_a_variable_in_a_list_is_told_by_its_place(shop: Vendor) -> None:
    query = """mutation($sku: String!) { putOrder(input: {orderId: "o-1", customerId: "c-1",
      placedAt: "2025-01-01T00:00:00Z", lines: [{lineId: "1", sku: "license"}, {lineId: "2", sku: $sku}]})
      { __typename } }"""
    answer = await send(shop.client, query, {"sku": 5})
    (error,) = answer.json()["errors"][0]["extensions"]["errors"]
    assert (error["pointer"], error["code"]) == ("/input/lines/1/sku", "not_text"), answer.text


async def test_a_character_that_no_id_may_hold_is_one_fault(shop: Vendor) -> None:
    rest = await shop.client.get("/v1/tickets/a%00b")
    wanted = [(one["pointer"], one["code"]) for one in rest.json()["errors"]]
    assert wanted == [("/ticket_id", "bad_character")]
    for query, variables in (
        ('{ ticket(ticketId: "a\\u0000b") { state } }', {}),
        ("query($id: ID!) { ticket(ticketId: $id) { state } }", {"id": "a\x00b"}),
    ):
        found = (await send(shop.client, query, variables)).json()["errors"][0]["extensions"]
        assert (found["status"], found["code"]) == (422, "invalid_input")
        assert [(one["pointer"], one["code"]) for one in found["errors"]] == [("/ticketId", "bad_character")]


async def test_a_character_in_a_parameter_is_told_of_the_query_in_both_doors(shop: Vendor) -> None:
    rest = await shop.client.get("/v1/tickets?state=a%00b")
    query = '{ tickets(state: "a\\u0000b") { nodes { state } } }'
    found = (await send(shop.client, query)).json()["errors"][0]["extensions"]["errors"]
    (wanted,) = rest.json()["errors"]
    assert [(one["pointer"], one["in"], one["code"]) for one in found] == [("/state", "query", wanted["code"])]
    assert (wanted["pointer"], wanted["in"]) == ("/state", "query")


async def test_a_wrong_cursor_and_a_missing_scope_are_told_by_the_names_here(shop: Vendor) -> None:
    for field in ("customer", "balance", "statement"):
        answer = await send(shop.client, f'{{ {field}(customerId: "c-1", cursor: "zz") {{ __typename }} }}')
        found = answer.json()["errors"][0]["extensions"]
        assert found["code"] == "cursor_invalid"
        assert "`cursor`" in found["nextStep"], found
        assert "`nextCursor`" in found["nextStep"], found
    few = await shop.as_key("credits:debit")
    command = '{idempotencyKey: "a", kind: "adjust", customerId: "c-1", credits: 1, reason: "x"}'
    query = f"""mutation {{ createCreditBatch(input: {{commands: [{command}]}}) {{ ... on CreditBatch {{ results {{
      problem {{ code missingScope nextStep }} }} }} }} }}"""
    (item,) = (await ask(few, query))["createCreditBatch"]["results"]
    assert (item["problem"]["code"], item["problem"]["missingScope"]) == ("scope_missing", "credits:adjust")
    assert "`missingScope`" in item["problem"]["nextStep"]
