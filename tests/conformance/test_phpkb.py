"""PHPKB's support and maintenance, an example document: a share of the license price, and a fine for a late renewal.

Each test is named by the clause that it keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.conformance.steps import a_ticket, an_order, codes, entitled
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

DOCUMENT = Path(__file__).parents[2] / "docs" / "examples" / "phpkb.yaml"
BOUGHT = "2024-01-31T09:00:00Z"
ENDED = "2025-01-31T09:00:00Z"


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> Any:
    """A tenant under the document, with a customer who holds a license of 1,250.00."""
    made = await vendor_under(app, api, DOCUMENT.read_text(encoding="utf-8"), now=BOUGHT)
    await an_order(made, "o-1", "lena", BOUGHT, "license-enterprise")
    yield made
    await made.close()


async def cost(shop: Vendor, sku: str = "support-12-months", customer: str = "lena") -> Any:
    """What an offer costs, with its steps by amount and clause."""
    found = await shop.ok(await shop.get(f"/v1/offers/{sku}", customer_id=customer))
    return found["price"]["amount"], [(step["amount"]["amount"], step["clause"]) for step in found["price_steps"]]


async def renewed(shop: Vendor, order: str, at: str, sku: str = "support-12-months") -> Any:
    """A renewal at an instant."""
    await shop.move_clock(at)
    return await an_order(shop, order, "lena", at, sku)


async def test_pkb_1_a_license_brings_twelve_months(shop: Vendor) -> None:
    assert (await a_ticket(shop, "T-1", "lena"))["paid_by"] == "cover"
    await shop.move_clock(ENDED)
    late = await a_ticket(shop, "T-2", "lena")
    assert (late["state"], codes(late)) == ("rejected", ["maintenance_ended"])
    assert late["remedies"][0]["sku"] == "support-12-months"


async def test_pkb_2_a_year_costs_twenty_percent_and_135_at_least(shop: Vendor) -> None:
    assert await cost(shop) == ("250.00", [("250.00", "PKB-2")])
    await an_order(shop, "o-2", "max", BOUGHT, "license-standard")
    assert await cost(shop, customer="max") == ("135.00", [("100.00", "PKB-2"), ("35.00", "PKB-2")])


async def test_pkb_3_two_and_three_years_cost_less(shop: Vendor) -> None:
    assert (await cost(shop, "support-24-months"))[0] == "450.00"
    assert (await cost(shop, "support-36-months"))[0] == "600.00"
    answer = await renewed(shop, "o-2", "2024-06-01T00:00:00Z", "support-36-months")
    assert [cover["ends_at"] for cover in answer["covers"]] == ["2028-01-31T09:00:00Z"]


async def test_pkb_4_two_months_after_the_end_it_costs_the_same(shop: Vendor) -> None:
    await shop.move_clock("2025-03-31T08:59:59Z")
    assert (await cost(shop))[0] == "250.00"


@pytest.mark.parametrize(
    ("at", "fine"),
    [
        ("2025-03-31T09:00:01Z", "25.00"),
        ("2025-04-30T09:00:00Z", "25.00"),
        ("2025-04-30T09:00:01Z", "50.00"),
        ("2025-07-31T08:59:59Z", "100.00"),
    ],
)
async def test_pkb_5_then_each_begun_month_costs_25(shop: Vendor, at: str, fine: str) -> None:
    await shop.move_clock(at)
    assert (await cost(shop))[1] == [("250.00", "PKB-2"), (fine, "PKB-5")]


async def test_pkb_6_after_six_months_it_takes_an_upgrade(shop: Vendor) -> None:
    refused = await renewed(shop, "o-2", "2025-07-31T09:00:00Z")
    assert [(row["code"], row["clause"]) for row in refused["not_granted"]] == [("lapsed_too_long", "PKB-6")]
    assert refused["not_granted"][0]["message"] == "Support ended 6 months ago, so that it takes an upgrade."
    offered = await shop.ok(await shop.get("/v1/offers/support-12-months", customer_id="lena"))
    assert (offered["available"], codes(offered)) == (False, ["lapsed_too_long"])
    denied = await entitled(shop, "lena", "open_ticket")
    assert [remedy["sku"] for remedy in denied["remedies"]] == ["upgrade"]
    await an_order(shop, "o-3", "lena", "2025-07-31T09:00:00Z", "upgrade")
    assert (await entitled(shop, "lena", "open_ticket"))["allowed"]


async def test_pkb_7_a_renewal_counts_from_the_end_before_it(shop: Vendor) -> None:
    early = await renewed(shop, "o-2", "2024-12-01T00:00:00Z")
    assert [(c["starts_at"], c["ends_at"]) for c in early["covers"]] == [(ENDED, "2026-01-31T09:00:00Z")]
    late = await renewed(shop, "o-3", "2026-07-30T00:00:00Z")
    assert [(c["starts_at"], c["ends_at"]) for c in late["covers"]] == [
        ("2026-01-31T09:00:00Z", "2027-01-31T09:00:00Z")
    ]


async def test_pkb_8_an_upgrade_replaces_the_maintenance_of_its_license(shop: Vendor) -> None:
    before = (await shop.ok(await shop.get("/v1/customers/lena")))["licenses"][0]
    await shop.move_clock("2024-07-01T00:00:00Z")
    upgrade = {"sku": "upgrade", "attributes": {"upgrades": before["license_id"]}}
    answer = await an_order(shop, "o-2", "lena", "2024-07-01T00:00:00Z", upgrade)
    assert [cover["ends_at"] for cover in answer["covers"]] == ["2025-07-01T00:00:00Z"]
    covers = (await shop.ok(await shop.get("/v1/customers/lena")))["covers"]
    assert sorted(cover["ends_at"] for cover in covers) == ["2024-07-01T00:00:00Z", "2025-07-01T00:00:00Z"]


async def test_pkb_9_support_is_given_by_tickets_in_the_customer_area(shop: Vendor) -> None:
    assert codes(await a_ticket(shop, "T-1", "lena", channel="email")) == ["wrong_channel"]


@pytest.mark.parametrize("kind", ["how_to", "error", "documentation", "installation", "license_key"])
async def test_pkb_10_what_is_supported(shop: Vendor, kind: str) -> None:
    assert (await a_ticket(shop, f"T-{kind}", "lena", facts={"request_kind": kind}))["state"] == "in_progress"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"request_kind": "server"}, "not_supported"),
        ({"request_kind": "migration"}, "not_supported"),
        ({"request_kind": "error", "customized": True}, "customized"),
    ],
)
async def test_pkb_11_what_is_not_supported(shop: Vendor, facts: dict[str, Any], code: str) -> None:
    assert codes(await a_ticket(shop, "T-1", "lena", facts=facts)) == [code]


async def test_pkb_12_new_versions_are_free_while_maintenance_runs(shop: Vendor) -> None:
    assert (await entitled(shop, "lena", "download"))["allowed"]
    await shop.move_clock(ENDED)
    denied = await entitled(shop, "lena", "download")
    assert (denied["allowed"], codes(denied)) == (False, ["maintenance_ended"])
    await renewed(shop, "o-2", "2025-05-01T00:00:00Z")
    assert (await entitled(shop, "lena", "download"))["allowed"]
