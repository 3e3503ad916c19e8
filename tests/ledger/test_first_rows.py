"""Answers that hold several lists: the first 100 rows of each, totals over all, and a cursor for the rest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.graphql import ask

LOTS = 230
PAGES = {
    "/v1/customers/ann/balance": ("lots",),
    "/v1/customers/ann/statement": ("balance_modifications", "tickets_in_progress", "resolved_tickets"),
    "/v1/customers/ann": ("licenses", "covers", "lots", "choices", "addons", "open_tickets"),
}


async def large_account(vendor: MakeVendor) -> Vendor:
    """A customer with more lots, holds and charges than an answer shows."""
    made = await vendor("avactis")
    grants = [
        {"idempotency_key": f"g-{n}", "kind": "adjust", "customer_id": "ann", "credits": n + 2, "reason": "import"}
        for n in range(LOTS)
    ]
    debits = [
        {"idempotency_key": f"d-{n}", "kind": "debit", "customer_id": "ann", "credits": 1, "ticket_id": f"T-{n}"}
        for n in range(120)
    ]
    holds = [{"idempotency_key": "h-1", "kind": "hold", "customer_id": "ann", "credits": 7}]
    for commands in (grants, debits, holds):
        done = await made.ok(await made.post("/v1/credit-batches", {"commands": commands}), 200)
        assert {row["status"] for row in done["results"]} <= {200, 201}
    return made


async def pages(made: Vendor, path: str, **query: Any) -> list[dict[str, Any]]:
    found = [await made.ok(await made.get(path, **query))]
    while (cursor := found[-1]["next_cursor"]) is not None:
        found.append(await made.ok(await made.get(path, cursor=cursor, **query)))
    return found


async def test_an_answer_shows_the_first_rows_of_each_list_and_goes_on(vendor: MakeVendor) -> None:
    made = await large_account(vendor)
    for path, lists in PAGES.items():
        found = await pages(made, path)
        assert len(found) == 3, path
        for name in lists:
            assert all(len(page[name]) <= 100 for page in found), (path, name)
        assert {str(page["totals"]) for page in found} == {str(found[0]["totals"])}


async def test_the_totals_are_over_all_rows(vendor: MakeVendor) -> None:
    made = await large_account(vendor)
    balance = await pages(made, "/v1/customers/ann/balance")
    lots = [lot for page in balance for lot in page["lots"]]
    assert len({lot["lot_id"] for lot in lots}) == len(lots) == balance[0]["totals"]["lots"]
    assert sum(lot["available"] for lot in lots) == balance[0]["available"] == balance[0]["totals"]["available"]
    assert sum(lot["held"] for lot in lots) == balance[0]["held"] == balance[0]["totals"]["held"] == 7

    for query in ({}, {"as_of": balance[0]["at"]}):
        statement = await pages(made, "/v1/customers/ann/statement", **query)
        totals = statement[0]["totals"]
        for name in PAGES["/v1/customers/ann/statement"]:
            rows = [row for page in statement for row in page[name]]
            assert sum(row["credits"] for row in rows) == totals[name]
            assert len(rows) == totals["rows"][name]
        assert statement[0]["available"] == balance[0]["available"]
        assert (
            totals["balance_modifications"] - totals["tickets_in_progress"] - totals["resolved_tickets"]
            == balance[0]["available"]
        )


async def test_a_cursor_is_good_for_its_customer_and_its_answer_alone(vendor: MakeVendor) -> None:
    made = await large_account(vendor)
    cursor = (await made.ok(await made.get("/v1/customers/ann/balance")))["next_cursor"]
    await made.ok(await made.post("/v1/customers/bob/adjustments", {"credits": 1, "reason": "import"}), 201)
    for path in ("/v1/customers/bob/balance", "/v1/customers/ann/statement", "/v1/customers/ann"):
        answer = await made.get(path, cursor=cursor)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid"), path
    forged = await made.get("/v1/customers/ann/balance", cursor="eyJ4IjoxfQ")
    assert (forged.status_code, forged.json()["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("lots", [1, 100])
async def test_a_small_account_has_no_further_rows(vendor: MakeVendor, lots: int) -> None:
    made = await vendor("avactis")
    for _ in range(lots):
        await made.ok(await made.post("/v1/customers/ann/adjustments", {"credits": 1, "reason": "import"}), 201)
    for path in PAGES:
        found = await made.ok(await made.get(path))
        assert found["next_cursor"] is None
        assert found["totals"]


async def test_graphql_goes_on_by_the_same_cursor(vendor: MakeVendor) -> None:
    made = await large_account(vendor)
    query = """query($cursor: String) { balance(customerId: "ann", cursor: $cursor) {
        nextCursor totals { lots available } lots { lotId } } }"""
    first = (await ask(made, query))["balance"]
    assert len(first["lots"]) == 100
    rest = await made.ok(await made.get("/v1/customers/ann/balance", cursor=first["nextCursor"]))
    second = (await ask(made, query, cursor=first["nextCursor"]))["balance"]
    assert [lot["lotId"] for lot in second["lots"]] == [lot["lot_id"] for lot in rest["lots"]]
    assert second["totals"] == first["totals"]
