"""Reads of different customers that come at once share one snapshot, and each answers as if it had come alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.commands import demo
from app.db import peers, shared_reads
from app.views.customer import customer_view
from bench.main_job import PAGE
from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, Vendor, client_of
from tests.support.statements import sent

PLACED = {"placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}
LINES = [
    {"line_id": "1", "sku": "license", "quantity": 1},
    {"line_id": "2", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"},
]
TICKET = {"subject": "Install it", "channel": "helpdesk", "category": "level_2"}
CUSTOMERS = [f"c-{number}" for number in range(6)]
STORIES = {story["policy"]: story for story in demo.stories()}
PAGES = (
    "/v1/customers/{}",
    "/v1/customers/{}/statement",
    "/v1/customers/{}/entitlements/open_ticket",
    "/v1/tickets/first-{}",
)


@pytest.fixture(autouse=True)
def _known_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.auth.CACHE_SECONDS", 600.0)  # on a slow machine a key would be looked up in between


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """For each snapshot that was shared: how many reads were in it, and how many of them were left to read alone."""
    seen: list[tuple[int, int]] = []
    run = shared_reads.run

    async def noted(*arguments: Any) -> list[peers.Outcome]:
        found = await run(*arguments)
        if len(found) > 1:
            seen.append((len(found), sum(outcome.alone for outcome in found)))
        return found

    monkeypatch.setattr(shared_reads, "run", noted)
    return seen


async def shop(vendor: MakeVendor) -> Vendor:
    """Customers with a license, a pack and a ticket each."""
    made = await vendor("x-cart")
    for name in CUSTOMERS:
        await made.ok(await made.put(f"/v1/orders/first-{name}", {"customer_id": name, "lines": LINES, **PLACED}), 201)
        await made.ok(await made.put(f"/v1/tickets/first-{name}", {"customer_id": name, **TICKET}), 201)
    return made


async def both_ways(client: httpx.AsyncClient, paths: list[str]) -> list[httpx.Response]:
    """Ask for all of them one after another, then at once; both answer the same."""
    alone = [await client.get(path) for path in paths]
    at_once = list(await asyncio.gather(*(client.get(path) for path in paths)))
    for one, other in zip(alone, at_once, strict=True):
        assert (one.status_code, one.headers.get("etag")) == (other.status_code, other.headers.get("etag"))
        assert _told(one) == _told(other)
    return at_once


def _told(answer: httpx.Response) -> Any:
    told = answer.json()
    told.pop("instance", None)  # the request's own id
    return told


@pytest.mark.parametrize("page", PAGES)
async def test_reads_at_once_take_the_round_trips_of_one(
    app: FastAPI, vendor: MakeVendor, shared: list[tuple[int, int]], page: str
) -> None:
    made = await shop(vendor)
    paths = [page.format(name) for name in CUSTOMERS]
    await made.ok(await made.get(paths[0]))
    with sent(app.state.house.database) as found:
        answers = await asyncio.gather(*(made.get(path) for path in paths))
    for answer in answers:
        await made.ok(answer)
    # Begin and one statement; the first of them may have been under way before the others came.
    assert len(found) <= 4, found
    assert sum(left for _, left in shared) == 0
    assert sum(reads for reads, _ in shared) >= len(CUSTOMERS) - 1


async def test_different_reads_at_once_answer_as_alone(vendor: MakeVendor, shared: list[tuple[int, int]]) -> None:
    made = await shop(vendor)
    paths = [page.format(name) for name in CUSTOMERS for page in PAGES]
    answers = await both_ways(made.client, paths)
    assert {answer.status_code for answer in answers} == {200}
    assert sum(reads for reads, _ in shared) >= len(paths) - 2
    assert sum(left for _, left in shared) == 0


async def test_who_is_refused_changes_nothing_for_the_others(vendor: MakeVendor, shared: list[tuple[int, int]]) -> None:
    made = await shop(vendor)
    await made.ok(await made.post("/v1/customers/c-4/merge", {"into_customer_id": "c-5"}))
    paths = [
        "/v1/customers/nobody",
        "/v1/customers/c-0",
        "/v1/tickets/nothing",
        "/v1/customers/c-1/entitlements/fly",
        "/v1/customers/c-1/entitlements/open_ticket",
        "/v1/customers/nobody/entitlements/open_ticket",
        "/v1/customers/c-4",
        "/v1/customers/c-4/statement",
        "/v1/customers/c-4/entitlements/open_ticket",
        "/v1/customers/nobody/statement",
        "/v1/tickets/first-c-4",
    ]
    answers = await both_ways(made.client, paths)
    assert [answer.status_code for answer in answers] == [404, 200, 404, 404, 200, 200, 200, 200, 200, 404, 200]
    assert sum(reads for reads, _ in shared) >= len(paths) - 2


async def test_each_customer_sees_its_own_alone(vendor: MakeVendor, shared: list[tuple[int, int]]) -> None:
    made = await shop(vendor)
    clients = {}
    for name in ("c-0", "c-1"):
        token = await made.ok(await made.post(f"/v1/customers/{name}/tokens", {"minutes": 10}, key=None), 201)
        clients[name] = client_of(made.app, token["token"])
        made.spare.append(clients[name])
    asked = [(who, whose) for who in clients for whose in ("c-0", "c-1", "c-2")]
    answers = await asyncio.gather(
        *(clients[who].get(page.format(whose)) for page in PAGES for who, whose in asked),
        *(made.get(page.format("c-2")) for page in PAGES),
    )
    own = [200 if who == whose else 404 for who, whose in asked]
    assert [answer.status_code for answer in answers] == [*(own * len(PAGES)), *([200] * len(PAGES))]
    assert sum(reads for reads, _ in shared) > len(PAGES)


async def test_a_person_of_a_company_is_answered_of_its_account(
    vendor: MakeVendor, shared: list[tuple[int, int]]
) -> None:
    made = await shop(vendor)
    for name in ("c-1", "c-2"):
        await made.ok(await made.put(f"/v1/customers/{name}", {"company_id": "c-0"}))
    await made.ok(await made.put("/v1/tickets/asked", {"customer_id": "c-1", **TICKET}), 201)
    answers = await both_ways(
        made.client, [*(page.format(name) for name in CUSTOMERS[:3] for page in PAGES), "/v1/tickets/asked"]
    )
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].json()["company_id"] == "c-0"
    assert answers[4].json()["company_id"] == "c-0"
    assert sum(left for _, left in shared) == 0


async def test_an_account_with_something_due_is_read_alone(vendor: MakeVendor, shared: list[tuple[int, int]]) -> None:
    made = await vendor("x-cart", now=None)
    for name in CUSTOMERS:
        grant = {"credits": 5, "reason": "r"}
        if name == "c-3":
            grant["expires_at"] = f"{datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
        await made.ok(await made.post(f"/v1/customers/{name}/adjustments", grant), 201)
    await asyncio.sleep(1.1)  # nobody sweeps: what is due is worked out by who reads
    for page, place in zip(PAGES[:2], ("balance.available", "available"), strict=True):
        answers = await asyncio.gather(*(made.get(page.format(name)) for name in CUSTOMERS))
        found = [demo._at(await made.ok(answer), place) for answer in answers]
        assert found == [0 if name == "c-3" else 5 for name in CUSTOMERS]
    assert sum(left for _, left in shared) in (1, 2)  # unless it was the first, which shares with nobody
    assert sum(reads for reads, _ in shared) >= 2 * len(CUSTOMERS) - 2


async def test_queries_at_once_read_in_one_snapshot(app: FastAPI, vendor: MakeVendor) -> None:
    made = await shop(vendor)
    bodies = [{"query": PAGE, "variables": {"id": name}} for name in (*CUSTOMERS, "nobody")]
    alone = [await made.ok(await made.post("/graphql", body)) for body in bodies]
    with sent(app.state.house.database) as found:
        answers = await asyncio.gather(*(made.post("/graphql", body) for body in bodies))
    assert [await made.ok(answer) for answer in answers] == alone
    # Five statements of one query; the first few may have been under way before the others came.
    assert sum("retainer_enter" in statement for statement in found) <= 3, found
    assert len(found) <= 15, found
    for name, answer in zip(CUSTOMERS, alone, strict=False):
        page = answer["data"]["customer"]
        assert page["customerId"] == name
        assert page["balance"]["held"] > 0
        assert [clock["milestone"] for clock in page["tickets"]["nodes"][0]["clocks"]] == ["first_response"]
    assert alone[-1]["data"]["customer"] is None


async def test_a_query_sees_one_state_though_others_write(app: FastAPI, vendor: MakeVendor) -> None:
    made = await shop(vendor)
    query = '{ a: customer(customerId: "c-0") { balance { available held } totals { available held } } }'
    # A charge moves between the two reads of a query: both see it, or neither.
    debits = [made.post("/v1/customers/c-0/debits", {"credits": 1}) for _ in range(10)]
    queries = [made.post("/graphql", {"query": query}) for _ in range(10)]
    answers = await asyncio.gather(*(call for pair in zip(debits, queries, strict=True) for call in pair))
    for answer in answers[1::2]:
        shown = (await made.ok(answer))["data"]["a"]
        assert shown["balance"] == shown["totals"]


async def test_a_query_that_reads_more_does_not_touch_the_others(vendor: MakeVendor) -> None:
    made = await vendor("x-cart", now=None)
    for name in CUSTOMERS:
        grant = {"credits": 5, "reason": "r"}
        if name == "c-3":
            grant["expires_at"] = f"{datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
        await made.ok(await made.post(f"/v1/customers/{name}/adjustments", grant), 201)
    await asyncio.sleep(1.1)
    more = "entries(first: 5) { nodes { entryId } } statement { customerId } offers { sku }"
    query = f"query($id: ID!) {{ customer(customerId: $id) {{ balance {{ available }} {more} }} }}"
    bodies = [{"query": query, "variables": {"id": name}} for name in CUSTOMERS]
    answers = await asyncio.gather(*(made.post("/graphql", body) for body in bodies))
    found = [(await made.ok(answer))["data"]["customer"]["balance"]["available"] for answer in answers]
    assert found == [0 if name == "c-3" else 5 for name in CUSTOMERS]


async def test_a_fault_of_one_is_its_own(vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await shop(vendor)

    def faulty(*arguments: Any, **named: Any) -> Any:
        if named["customer_id"] == "c-2":
            raise KeyError("c-2")
        return customer_view(*arguments, **named)

    monkeypatch.setattr("app.usecases.customers.customers.customer_view", faulty)
    answers = await asyncio.gather(*(made.get(PAGES[0].format(name)) for name in CUSTOMERS))
    assert [answer.status_code for answer in answers] == [500 if name == "c-2" else 200 for name in CUSTOMERS]
    bodies = [{"query": PAGE, "variables": {"id": name}} for name in CUSTOMERS]
    answers = await asyncio.gather(*(made.post("/graphql", body) for body in bodies))
    for name, answer in zip(CUSTOMERS, answers, strict=True):
        assert (answer.json()["data"]["customer"] is None) == (name == "c-2")
        assert ("errors" in answer.json()) == (name == "c-2")


class _InStory:
    """The story's client: after each call that may change something, everybody's pages are read both ways."""

    def __init__(self, app: FastAPI, loop: asyncio.AbstractEventLoop) -> None:
        self.app, self.loop = app, loop
        self.compared = 0

    def put(self, path: str, **more: Any) -> httpx.Response:
        return self.request("PUT", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._request(method, path, **more), self.loop).result(60)

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with client_of(self.app, None) as client:
            answer = await client.request(method, path, **more)
            if method != "GET" and "/v1/tenants" not in path:
                client.headers["Authorization"] = more["headers"]["Authorization"]
                await self._compare(client)
            return answer

    async def _compare(self, client: httpx.AsyncClient) -> None:
        customers = [row["customer_id"] for row in (await client.get("/v1/customers")).json()["data"]]
        tickets = [row["ticket_id"] for row in (await client.get("/v1/tickets")).json()["data"]]
        paths = [page.format(name) for name in customers for page in PAGES[:3]]
        paths += [f"/v1/tickets/{name}" for name in tickets]
        self.compared += len(await both_ways(client, paths))


@pytest.mark.parametrize("policy", STORIES)
async def test_the_stories_read_the_same_at_once(app: FastAPI, policy: str, shared: list[tuple[int, int]]) -> None:
    client: Any = _InStory(app, asyncio.get_running_loop())
    await asyncio.to_thread(demo.play, STORIES[policy], client=client, operator_key=OPERATOR_KEY, say=lambda _: None)
    assert client.compared > 10
    assert sum(reads - left for reads, left in shared) > 10
