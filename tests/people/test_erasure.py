"""An erased person leaves nothing in the rows of a company that paid; an export shows what is a person's of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.people.test_companies import act, amounts, ask, audited, buy, company, put
from tests.support import databases
from tests.support.api import Vendor

MARK = "marker-of-ann"
AGENT = {"id": "a-7", "name": "Agent Smith"}


async def dump(url: str, tenant_id: str) -> dict[str, str]:
    """Every row of the tenant as text, by table."""
    connection = await databases.connect(url)
    tables = await connection.fetch(
        "select table_name from information_schema.columns where column_name = 'tenant_id' and table_schema = 'public'"
    )
    found = {}
    for (table,) in tables:
        rows = await connection.fetch(f"select x::text as row from {table} x where tenant_id = $1", tenant_id)
        found[table] = "\n".join(row["row"] for row in rows)
        for name in ("body", "answer"):
            if table == "inbound_delivery" and name == "body":
                raw = await connection.fetch(f"select body from {table} where tenant_id = $1", tenant_id)
                found[table] += "\n".join(bytes(row["body"]).decode("utf-8", "replace") for row in raw)
    await connection.close()
    return found


def marked(rows: dict[str, str], mark: str) -> dict[str, list[str]]:
    return {
        table: [line[:300] for line in text.splitlines() if mark in line.lower()]
        for table, text in rows.items()
        if mark in text.lower()
    }


async def a_life(shop: Vendor, ticket_id: str, person: str) -> None:
    """A ticket of a person that the company pays for, with words of theirs in every place there is."""
    await ask(
        shop,
        person,
        ticket_id,
        subject=f"{MARK} subject",
        external_url=f"https://desk.example/{MARK}",
        requester=f"{MARK} requester",
        metadata={"word": f"{MARK} metadata"},
        acting_agent=AGENT,
        product=f"{MARK} product",
        language=None,
    )
    await act(shop, ticket_id, "responses", {"author": "vendor", "kind": "inquiry"})
    await act(shop, ticket_id, "pauses", {"reason": "waiting_for_customer", "party": "customer"})
    await act(shop, ticket_id, "resumptions", {"reason": "waiting_for_customer"})
    await act(shop, ticket_id, "assessments", {"category": "level_1", "reason": f"{MARK} assessed"})


@pytest.mark.parametrize("closed", [True, False])
async def test_nothing_of_an_erased_person_is_left(vendor: MakeVendor, module_url: str, closed: bool) -> None:
    shop = await company(vendor)
    person = f"{MARK}-id"
    await put(
        shop,
        person,
        name=f"{MARK} name",
        emails=[f"{MARK}@acme.example"],
        external_ids={"zammad": f"{MARK}-5", "woo": f"{MARK}-6"},
        metadata={"note": f"{MARK} metadata"},
        company_id="acme",
    )
    await a_life(shop, f"{MARK}-ticket", person)
    await ask(shop, "bob", "t-bob", subject="Of Bob", category="level_1")
    if closed:
        await act(shop, f"{MARK}-ticket", "resolution", {"outcome": "answered", "cause": "question"})
        await act(shop, f"{MARK}-ticket", "disputes", {"reason": f"{MARK} dispute"})
    before, trail = await amounts(shop, "acme"), len((await shop.get("/v1/events", limit=100)).json()["data"])
    assert len(marked(await dump(module_url, shop.tenant_id), MARK)) >= 5
    export = await shop.ok(await shop.get(f"/v1/customers/{person}/export"))
    assert export["customer"]["company_id"] == "acme"
    assert {row["system"] for row in export["external_ids"]} == {"zammad", "woo"}
    assert [row["external_id"] for row in export["tickets"]] == [f"{MARK}-ticket"]
    assert {row["stream"] for row in export["history"]} >= {"ticket"}
    assert export["clocks"]
    assert export["lots"] == export["holds"] == []
    await shop.ok(await shop.post(f"/v1/customers/{person}/erasure"))
    assert marked(await dump(module_url, shop.tenant_id), MARK) == {}
    assert await amounts(shop, "acme") == before
    mine = [one for one in (await shop.ok(await shop.get("/v1/tickets")))["data"] if one["customer_id"] is None]
    assert [(one["subject"], one["company_id"]) for one in mine] == [("", "acme")]
    assert (await shop.ok(await shop.get("/v1/tickets/t-bob")))["subject"] == "Of Bob"
    events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    assert len(events) == trail + 1
    assert {one["data"]["contact_id"] for one in events if "contact_id" in one["data"]} == {None, "bob"}
    later = mine[0]["ticket_id"]
    if closed:
        await act(shop, later, "disputes/1/decision", {"decision": "returned"})
        await act(shop, later, "reopening", {"reason": f"{MARK} again"})
    else:
        await act(shop, later, "resolution", {"outcome": "answered", "cause": "question"})
        await act(shop, later, "disputes", {"reason": f"{MARK} again"})
    assert marked(await dump(module_url, shop.tenant_id), MARK) == {}
    await audited(shop)


async def test_nothing_of_an_erased_company_is_left_and_its_people_keep_their_own(
    vendor: MakeVendor, module_url: str
) -> None:
    shop = await vendor("x-cart")
    firm = f"{MARK}-gmbh"
    await buy(shop, firm, "o-1")
    await put(shop, firm, name=f"{MARK} GmbH", emails=[f"info@{MARK}.example"])
    await put(shop, "ann", name="Ann", emails=["ann@home.example"], company_id=firm)
    await ask(shop, "ann", "t-1", subject=f"{MARK} subject")
    await act(shop, "t-1", "assessments", {"category": "level_1", "reason": f"{MARK} reason"})
    assert (await shop.ok(await shop.get("/v1/customers", query=MARK)))["data"] != []
    await shop.ok(await shop.post(f"/v1/customers/{firm}/erasure"))
    assert marked(await dump(module_url, shop.tenant_id), MARK) == {}
    kept = await shop.ok(await shop.get("/v1/customers/ann"))
    assert (kept["name"], kept["emails"], kept["company_id"]) == ("Ann", ["ann@home.example"], None)
    assert [one["customer_id"] for one in (await shop.get("/v1/customers", query="ann")).json()["data"]] == ["ann"]
    await audited(shop)


async def test_an_erasure_follows_both_merges(vendor: MakeVendor, module_url: str) -> None:
    shop = await company(vendor)
    await put(shop, f"{MARK}-1", name=f"{MARK} one", company_id="acme")
    await a_life(shop, f"{MARK}-t", f"{MARK}-1")
    for former, into in ((f"{MARK}-1", f"{MARK}-2"), ("acme", "beta")):
        await shop.ok(await shop.post(f"/v1/customers/{former}/merge", {"into_customer_id": into}))
    await shop.ok(await shop.post(f"/v1/customers/{MARK}-2/erasure"))
    assert marked(await dump(module_url, shop.tenant_id), MARK) == {}
    await audited(shop)


async def test_the_audit_sees_who_asked_and_who_pays(vendor: MakeVendor, module_url: str) -> None:
    """Each invariant of people, broken in the database, is told by its name."""
    breaks: dict[str, str] = {
        "a_company_belongs_to_nobody": "update customer set company_id = (select customer_id from customer where"
        " tenant_id = $1 and external_id = 'eve') where tenant_id = $1 and external_id = 'acme'",
        "a_ticket_is_paid_by_its_account": "update hold set customer_id = (select customer_id from customer where"
        " tenant_id = $1 and external_id = 'ann') where tenant_id = $1 and ticket_id is not null",
        "who_asked_lives": "update ticket set person_id = customer_id where tenant_id = $1",
        "an_erased_customer_has_no_name": "insert into customer_word (tenant_id, word, customer_id)"
        " select tenant_id, 'left', customer_id from customer where tenant_id = $1 and erased_at is not null",
        "nothing_is_left_on_an_absorbed_account": "insert into customer_word (tenant_id, word, customer_id)"
        " select tenant_id, 'left', customer_id from customer where tenant_id = $1 and merged_into is not null",
    }
    for invariant, statement in breaks.items():
        shop = await company(vendor)
        await ask(shop, "ann", "t-1")
        await put(shop, "holding"), await put(shop, "eve", company_id="holding")
        await put(shop, "gone"), await put(shop, "former")
        await shop.ok(await shop.post("/v1/customers/gone/erasure"))
        await shop.ok(await shop.post("/v1/customers/former/merge", {"into_customer_id": "bob"}))
        await audited(shop)
        connection = await databases.connect(module_url)
        await connection.execute(statement, shop.tenant_id)
        await connection.close()
        found: list[dict[str, Any]] = (await shop.ok(await shop.get("/v1/audit")))["data"]
        assert invariant in {one["invariant"] for one in found}, (invariant, found)
