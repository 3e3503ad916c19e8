"""The work log in the other door, and where it meets refunds, merges of customers, and erasure."""

from __future__ import annotations

import json

import httpx
from fastapi import FastAPI

from tests.prices.shop import available, resolved, supplied, vendor_under, worked
from tests.support.databases import connect
from tests.support.vendors import opened

LOG = """
mutation ($input: LogWorkInput!) {
  logWork(input: $input) {
    __typename
    ... on Ticket {
      price
      work { agreed used asked totals { lines billableMinutes } data { number credits parts { factor } } }
      workLine { number credits actingAgent { id name } }
      assessments { credits upTo steps { step credits summary clause } }
    }
    ... on Refusal { code nextStep refusalFacts }
  }
}
"""


async def test_graphql_logs_work_with_the_same_answers(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours", agreed_up_to=6)
    agent = {"id": "7", "name": "Jo"}
    said = {"ticketId": "T-1", "idempotencyKey": "k1", "minutes": 50, "kind": "senior", "actingAgent": agent}
    answer = (await shop.client.post("/graphql", json={"query": LOG, "variables": {"input": said}})).json()
    assert answer["data"]["logWork"]["__typename"] == "Refusal"
    assert answer["data"]["logWork"]["code"] == "work_beyond_limit"
    assert answer["data"]["logWork"]["refusalFacts"] == {"agreed": 6, "used": 0, "comes_to": 7}
    said |= {"minutes": 40}
    answer = (await shop.client.post("/graphql", json={"query": LOG, "variables": {"input": said}})).json()
    ticket = answer["data"]["logWork"]
    assert (ticket["price"], ticket["workLine"]) == (6, {"number": 1, "credits": 6, "actingAgent": agent})
    assert ticket["work"]["data"] == [{"number": 1, "credits": 6, "parts": [{"factor": "2"}]}]
    assert [step["credits"] for step in ticket["assessments"][0]["steps"]] == [6]
    rest = (await shop.get("/v1/tickets/T-1")).json()
    assert (rest["price"], rest["work"]["data"][0]["credits"]) == (6, 6)
    asked = {"query": '{ ticket(ticketId: "T-1") { priority work { used totals { minutes } } } }'}
    shown = (await shop.client.post("/graphql", json=asked)).json()
    assert shown["data"]["ticket"]["work"] == {"used": 6, "totals": {"minutes": 40}}


async def test_work_goes_on_with_an_order_that_was_refunded(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop, credits_=20)
    await opened(shop, "T-1", "hours", agreed_up_to=12)
    await worked(shop, "T-1", 60)
    body = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}]}
    await shop.ok(await shop.post("/v1/orders/o1/refunds", body, key=None), 201)
    assert await available(shop) == 0
    assert (await worked(shop, "T-1", 60))["charge"]["held"] == 12
    done = await resolved(shop, "T-1")
    assert done["charge"] == {"held": 0, "captured": 8, "refunded": 0, "net": 8}
    assert await available(shop) == 0  # the rest went back to an order that was refunded
    fixed = await worked(shop, "T-1", 15, corrects=1)
    assert (fixed["price"], fixed["charge"]["net"]) == (5, 5)
    assert await available(shop) == 0


async def test_one_customer_of_two_has_used_the_first_tickets_of_both(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    for ticket, customer in (("T-1", "ann"), ("T-2", "bob")):
        await opened(shop, ticket, "hello", customer=customer)
        await resolved(shop, ticket)
    await shop.ok(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "ann"}))
    assert (await opened(shop, "T-3", "hello"))["state"] == "awaiting_credits"


async def test_a_bug_gives_the_place_of_a_first_ticket_back(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    for number in (1, 2):
        await opened(shop, f"T-{number}", "hello")
    await resolved(shop, "T-1", cause="software_bug")
    assert (await opened(shop, "T-3", "hello"))["price"] == 0


async def test_an_erasure_takes_the_notes_and_leaves_the_numbers(
    app: FastAPI, api: httpx.AsyncClient, module_url: str
) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours")
    await worked(shop, "T-1", 60, note="called her at home about the divorce")
    await worked(shop, "T-1", 45, corrects=1)
    await resolved(shop, "T-1")
    assert "divorce" in (await shop.get("/v1/customers/ann/export")).text
    await shop.ok(await shop.post("/v1/customers/ann/erasure", {}, key=None))
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    owner = await connect(module_url)
    try:
        await owner.execute("select set_config('app.tenant', $1, false)", shop.tenant_id)
        rows = await owner.fetch(
            "select document::text from ticket where tenant_id = $1"
            " union all select payload::text from entity_event where tenant_id = $1"
            " union all select answer::text from command where tenant_id = $1",
            shop.tenant_id,
        )
    finally:
        await owner.close()
    assert rows
    assert not any("divorce" in (row[0] or "") for row in rows)
    assert any("45" in json.dumps(row[0]) for row in rows)


async def test_what_was_given_back_stays_so_where_two_tickets_become_one(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours")
    await worked(shop, "T-1", 30)
    await opened(shop, "T-2", "hours")
    await worked(shop, "T-2", 60)
    await resolved(shop, "T-2", cause="software_bug")
    assert await available(shop) == 98
    await shop.ok(await shop.post("/v1/tickets/T-2/reopening", {}))
    await worked(shop, "T-2", 15)
    assert await available(shop) == 97
    await shop.ok(await shop.post("/v1/tickets/T-2/merge", {"into_ticket_id": "T-1"}))
    assert await available(shop) == 97
    done = await resolved(shop, "T-1")
    assert (done["price"], done["charge"]["net"], done["work"]["totals"]["minutes"]) == (3, 3, 105)
    assert await available(shop) == 97


async def test_work_that_was_given_back_comes_to_a_ticket_that_waits(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop, credits_=7)
    await opened(shop, "T-1", "hours", agreed_up_to=8)
    await opened(shop, "T-2", "hours")
    await worked(shop, "T-2", 60)
    await resolved(shop, "T-2", cause="software_bug")
    await shop.ok(await shop.post("/v1/tickets/T-2/reopening", {}))
    await shop.ok(await shop.post("/v1/tickets/T-2/merge", {"into_ticket_id": "T-1"}))
    await supplied(shop, credits_=10, order="o2")
    ticket = await shop.ok(await shop.post("/v1/tickets/T-1/details", {"facts": {"on_site": False}}))
    assert (ticket["state"], ticket["price"]) == ("in_progress", 0)
    assert (await worked(shop, "T-1", 15))["price"] == 1
    await resolved(shop, "T-1")
    assert await available(shop) == 16


async def test_a_priority_takes_nothing_of_what_was_given_back(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "question", priority="high", agreed_up_to=20)
    await resolved(shop, "T-1", cause="software_bug")
    assert await available(shop) == 97  # high priority stays charged
    await shop.ok(await shop.post("/v1/tickets/T-1/reopening", {}))
    await shop.ok(await shop.post("/v1/tickets/T-1/details", {"priority": "low"}))
    assert await available(shop) == 97
    await resolved(shop, "T-1", cause="other")
    assert await available(shop) == 97


async def test_a_withdrawal_says_what_stays_charged_from_before_a_reopening(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours")
    await worked(shop, "T-1", 60)
    await resolved(shop, "T-1")
    await shop.ok(await shop.post("/v1/tickets/T-1/reopening", {}))
    (reason,) = (await shop.ok(await shop.post("/v1/tickets/T-1/withdrawal")))["reasons"]
    assert reason["message"] == "Work was done: 4 credits stay charged, the rest is given back."
    assert reason["facts"] == {"captured": 4}
    assert await available(shop) == 96
