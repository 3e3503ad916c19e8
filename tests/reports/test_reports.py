"""Reports are sums of what single calls say: balances, events, orders and clocks."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.views.report import NAMES
from tests.conftest import MakeVendor
from tests.support.api import START, Vendor
from tests.support.graphql import ask
from tests.tickets.desk import act, open_ticket, order


async def report(shop: Vendor, name: str, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = await shop.ok(await shop.get(f"/v1/reports/{name}", **asked))
    return found


async def lived(vendor: MakeVendor, policy: str = "x-cart") -> Vendor:
    """A shop where credits were bought, used, given back, taken back and expired, and where promises were missed."""
    shop = await vendor(policy)
    for customer, skus in {
        "anna": ["license", "credits-60"],
        "bob": ["license", "credits-120"],
        "cid": ["license"],
    }.items():
        await order(shop, customer, *skus)
    one = await open_ticket(shop, "anna", category="level_1")
    two = await open_ticket(shop, "bob", category="level_3")
    three = await open_ticket(shop, "bob", category="level_1")
    if one["state"] == "awaiting_assessment":
        one = await act(shop, one, "assessments", {"credits": 10, "reason": "so it is"})
    await shop.move_clock("2025-01-03T12:00:00Z")
    await act(shop, one, "responses", {"author": "vendor", "kind": "service", "acting_agent": {"id": "ag-1"}})
    await shop.post(f"/v1/tickets/{one['ticket_id']}/resolution", {"acting_agent": {"id": "ag-1"}})
    await shop.post(f"/v1/tickets/{two['ticket_id']}/resolution", {"cause": "software_bug"})
    await shop.move_clock("2025-01-20T12:00:00Z")
    await shop.post(f"/v1/tickets/{three['ticket_id']}/responses", {"author": "vendor", "kind": "service"})
    await shop.post("/v1/customers/cid/debits", {"credits": 3})
    return shop


async def balances(shop: Vendor, *customers: str, **asked: Any) -> int:
    found = [await shop.ok(await shop.get(f"/v1/customers/{name}/balance", **asked)) for name in customers]
    return sum(
        kind["available"] + kind["held"] for balance in found for kind in (balance["by_type"] or {"": balance}).values()
    )


async def test_what_is_owed_is_the_sum_of_the_balances(vendor: MakeVendor) -> None:
    shop = await lived(vendor)
    people = ("anna", "bob", "cid")
    for asked in (
        {},
        {"as_of": "2025-01-02T00:00:00Z"},
        {"as_of": "2025-01-20T12:00:00Z"},
        {"as_of": "2024-12-01T00:00:00Z"},
    ):
        owed = await report(shop, "liability", **asked)
        if asked.get("as_of", "2025") < "2025":
            assert owed["totals"]["figures"]["credits"] == 0
            continue
        assert owed["totals"]["figures"]["credits"] == await balances(shop, *people, **asked), asked
        by_customer = await report(shop, "liability", group_by="customer", **asked)
        for row in by_customer["rows"]:
            assert row["figures"]["credits"] == await balances(shop, row["by"]["customer"], **asked), (asked, row)
    assert (await report(shop, "liability"))["totals"] == (
        await report(shop, "liability", as_of=(await shop.ok(await shop.get("/v1/clock")))["now"])
    )["totals"]


@pytest.mark.parametrize("name", NAMES)
async def test_the_groups_of_each_report_add_up_to_its_totals(vendor: MakeVendor, name: str) -> None:
    shop = await lived(vendor)
    whole = (await report(shop, name, group_by="none"))["totals"]
    unknown = await shop.get(f"/v1/reports/{name}", group_by="nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_group")
    for group in unknown.json()["facts"]["known"]:
        found = await report(shop, name, group_by=group)
        assert found["totals"] == whole, group
        for figure in set(whole["figures"]) - {"customers", "lots", "tickets", "clocks", "orders"}:
            if figure.endswith("_seconds"):
                continue  # the time of a clock stands in each group that it was late in
            assert sum(row["figures"][figure] for row in found["rows"]) == whole["figures"][figure], (group, figure)
        sums: Counter[tuple[str, str]] = Counter()
        for row in found["rows"]:
            for money in row["money"]:
                sums[money["figure"], money["currency"]] += Decimal(money["amount"])
        assert sums == {(m["figure"], m["currency"]): Decimal(m["amount"]) for m in whole["money"]}, group


async def test_attainment_is_what_the_events_said(vendor: MakeVendor) -> None:
    shop = await lived(vendor)
    judged: dict[tuple[Any, ...], str] = {}
    after = None
    while True:
        page = await shop.ok(await shop.get("/v1/events", limit=100, **({"after": after} if after else {})))
        for event in page["data"]:
            data, kind = event["data"], event["type"]
            if kind in ("clock.met", "clock.breached", "clock.breach_retracted"):
                key = (data["clock_id"], data["cycle"], data["window_date"], data["milestone"])
                if kind == "clock.breached" or key not in judged or kind == "clock.breach_retracted":
                    judged[key] = "breached" if kind == "clock.breached" else "met"
        after = page["next_cursor"]
        if after is None or not page["data"]:
            break
    found = await report(shop, "attainment", group_by="milestone")
    said = {row["by"]["milestone"]: (row["figures"]["met"], row["figures"]["breached"]) for row in found["rows"]}
    ours = {
        milestone: (
            sum(1 for key, verdict in judged.items() if key[3] == milestone and verdict == "met"),
            sum(1 for key, verdict in judged.items() if key[3] == milestone and verdict == "breached"),
        )
        for milestone in {key[3] for key in judged}
    }
    theirs = {name: pair for name, pair in ours.items() if name in said}
    assert said == theirs
    assert said
    assert (
        found["totals"]["met_percent"]
        == f"{Decimal(100 * found['totals']['figures']['met']) / found['totals']['figures']['judged']:.2f}"
    )


async def test_revenue_is_what_lots_cost_as_they_are_used(vendor: MakeVendor) -> None:
    """What is earned in single months adds up to the part of each lot's price that is used by now, to the cent."""
    shop = await vendor("x-cart")
    await order(shop, "anna", "license", "credits-60", unit_price="10.00")
    now = datetime.fromisoformat(START)
    for _ in range(7):
        now += timedelta(days=17)
        await shop.move_clock(now.isoformat().replace("+00:00", "Z"))
        await shop.ok(await shop.post("/v1/customers/anna/debits", {"credits": 13}))
    months = await report(shop, "revenue", group_by="month")
    total = {m["figure"]: Decimal(m["amount"]) for m in months["totals"]["money"]}
    per_month = [Decimal(m["amount"]) for row in months["rows"] for m in row["money"] if m["figure"] == "recognized"]
    assert sum(per_month) == total["recognized"] > 0
    lots = (await shop.ok(await shop.get("/v1/customers/anna/balance")))["lots"]
    paid = [lot for lot in lots if lot["cost"] is not None]
    used = sum(Decimal(lot["cost"]["amount"]) * (lot["spent"]) / lot["granted"] for lot in paid)
    assert abs(total["recognized"] - used) <= Decimal("0.01") * len(paid)


async def test_a_report_is_the_same_as_json_as_csv_and_in_graphql(vendor: MakeVendor) -> None:
    shop = await lived(vendor)
    await order(shop, "=HYPERLINK(1)", "license", "credits-60")
    found = await report(shop, "liability", group_by="customer")
    answer = await shop.get("/v1/reports/liability", group_by="customer", format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert lines[-1]["customer"] == "total"
    assert [int(line["credits"]) for line in lines[:-1]] == [row["figures"]["credits"] for row in found["rows"]]
    assert "'=HYPERLINK(1)" in {line["customer"] for line in lines}
    query = (
        'query { report(name: "liability", groupBy: "customer")'
        " { report groupBy rows { by { name value } figures { name value } } totals { money { figure amount } } } }"
    )
    asked = (await ask(shop, query))["report"]
    assert [{pair["name"]: pair["value"] for pair in row["figures"]} for row in asked["rows"]] == [
        row["figures"] for row in found["rows"]
    ]


async def test_odd_questions_are_refused_with_what_is_known(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    for asked, status in (
        ({"from": "2025-02-01", "to": "2025-01-01"}, 422),
        ({"from": "yesterday"}, 422),
        ({"group_by": "month,customer,source,credit_type"}, 422),
        ({"format": "xml"}, 422),
    ):
        answer = await shop.get("/v1/reports/grants", **asked)
        assert answer.status_code == status, answer.text
    assert (await shop.get("/v1/reports/nothing")).status_code in (404, 422)
    narrow = await shop.as_key("customers:read")
    assert (await narrow.get("/v1/reports/liability")).status_code == 403
    other = await vendor("x-cart")
    await order(other, "anna", "license", "credits-60")
    assert (await report(shop, "liability"))["totals"]["figures"]["credits"] == 0
    dated = await report(shop, "grants", **{"from": "2025-01-01", "to": "2026-01-01"})
    assert (dated["from"], dated["to"]) == ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
