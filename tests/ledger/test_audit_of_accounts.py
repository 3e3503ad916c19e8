"""The audit sees what a merge or an erasure left behind: each question is broken by hand and answers."""

from __future__ import annotations

import pytest

from tests.conftest import MakeVendor
from tests.ledger.test_lock_then_look import merge, order, pair, ticket
from tests.support.api import Vendor
from tests.support.databases import connect


async def broken(vendor: Vendor) -> set[str]:
    return {one["invariant"] for one in (await vendor.ok(await vendor.get("/v1/audit")))["data"]}


async def run(url: str, vendor: Vendor, statement: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute("select set_config('app.tenant', $1, false)", vendor.tenant_id)
        done = await connection.execute(statement.replace(":tenant", f"'{vendor.tenant_id}'"))
        assert done != "UPDATE 0", "the statement broke nothing"
    finally:
        await connection.close()


A_CIRCLE = """
    update customer set merged_into = null where tenant_id = :tenant and merged_into is not null;
    update customer set merged_into = (select customer_id from customer where tenant_id = :tenant
        and external_id like 'b%') where tenant_id = :tenant and external_id like 'a%';
    update customer set merged_into = (select customer_id from customer where tenant_id = :tenant
        and external_id like 'a%') where tenant_id = :tenant and external_id like 'b%'"""
A_LICENSE_STAYED = """
    update license set customer_id = (select customer_id from customer where tenant_id = :tenant
        and merged_into is not null) where tenant_id = :tenant"""
CREDITS_STAYED = """
    update account set available = available + 7, granted = granted + 7 where tenant_id = :tenant and customer_id =
        (select customer_id from customer where tenant_id = :tenant and merged_into is not null)"""
THE_HEIR_WAS_ERASED_ALONE = "update customer set external_id = null where tenant_id = :tenant and merged_into is null"


@pytest.mark.parametrize(
    ("statement", "invariant"),
    [
        (A_CIRCLE, "names_lead_to_a_living_account"),
        (A_LICENSE_STAYED, "nothing_is_left_on_an_absorbed_account"),
        (CREDITS_STAYED, "absorbed_account_is_empty"),
        (THE_HEIR_WAS_ERASED_ALONE, "names_lead_to_a_living_account"),
    ],
    ids=["circle", "license", "credits", "heir"],
)
async def test_what_is_left_of_a_merge_is_seen(
    vendor: MakeVendor, module_url: str, statement: str, invariant: str
) -> None:
    shop = await vendor("avactis")
    a, b = await pair(shop)
    assert (await merge(shop, a, b)()).status_code == 200
    assert await broken(shop) == set()
    await run(module_url, shop, statement)
    assert invariant in await broken(shop)


@pytest.mark.parametrize(
    "statement",
    [
        "update customer set external_id = 'back again' where tenant_id = :tenant and erased_at is not null",
        "update ticket set subject = 'of anna' where tenant_id = :tenant",
        "update license set registered_domain = 'anna.example' where tenant_id = :tenant",
    ],
    ids=["name", "subject", "domain"],
)
async def test_what_is_left_of_an_erasure_is_seen(vendor: MakeVendor, module_url: str, statement: str) -> None:
    shop = await vendor("avactis")
    await shop.ok(await shop.put("/v1/orders/o", order("anna", "o")))
    await shop.ok(await shop.put("/v1/tickets/t", ticket("anna")))
    assert (await shop.post("/v1/customers/anna/erasure")).status_code == 200
    assert await broken(shop) == set()
    await run(module_url, shop, statement)
    assert await broken(shop) == {"an_erased_customer_has_no_name"}
