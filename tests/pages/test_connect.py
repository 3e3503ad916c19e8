"""The pages of shops and helpdesks: the source is made as the page says, and its sample does what the page says."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.commands.samples import sample
from app.connectors.reconcile import Fetcher
from app.connectors.shops.stripe import READ
from tests.conftest import MakeVendor
from tests.pages.markdown import ROOT, blocks
from tests.support import shops
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

FOLDER = ROOT / "docs" / "connect"
TRIAL = (FOLDER / "trial.yaml").read_text(encoding="utf-8")
SHOPS = {
    "woocommerce": (shops.sign_woo, "shop:5150", "shop:23"),
    "stripe": (shops.sign_stripe, "pay:pi_1", "pay:kim"),
    "shopify": (shops.sign_shopify, "shop:6101234567890", "shop:7301"),
    "paddle": (shops.sign_paddle, "pay:txn_1", "pay:ctm_1"),
}
DESKS = {
    "zammad": shops.sign_zammad,
    "zendesk": shops.sign_zendesk,
    "freescout": shops.sign_freescout,
    "chatwoot": shops.sign_chatwoot,
    "freshdesk": shops.sign_freshdesk,
}


def shown(kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The source and the sample of a page: its first block and its last."""
    found = [json.loads(block.text) for block in blocks(FOLDER / f"{kind}.md")]
    return found[0], found[-1]


def test_every_page_is_tried() -> None:
    assert {page.stem for page in FOLDER.glob("*.md")} == {*SHOPS, *DESKS}
    assert [page.stem for page in FOLDER.glob("*.md") if f"(connect/{page.name})" not in integrations()] == []


def integrations() -> str:
    return (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")


def test_the_page_of_stripe_names_every_type_that_is_read() -> None:
    text = (FOLDER / "stripe.md").read_text(encoding="utf-8")
    assert [kind for kind in READ if f"`{kind}`" not in text] == []


async def connected(tenant: Vendor, name: str, kind: str, sign: Any, further: Sequence[dict[str, Any]] = ()) -> None:
    """Makes the source, changes it by further calls, and sends the sample."""
    source, sample = shown(kind)
    made = await tenant.ok(await tenant.put(f"/v1/sources/{name}", source), 201)
    for change in further:
        await tenant.ok(await tenant.put(f"/v1/sources/{name}", change))
    body = shops.raw(sample)
    got = await tenant.client.post(made["path"], content=body, headers=sign(body, source["secret"]))
    assert got.status_code == 200, got.text


@pytest.mark.parametrize("kind", SHOPS)
async def test_a_shop_is_connected_as_its_page_says(vendor: MakeVendor, kind: str) -> None:
    sign, order_id, customer_id = SHOPS[kind]
    tenant = await vendor("x-cart", now="2025-01-15T00:00:00Z")
    await connected(tenant, order_id.partition(":")[0], kind, sign)
    order = await tenant.ok(await tenant.get(f"/v1/orders/{order_id}"))
    assert (order["customer_id"], [lot["granted"] for lot in order["lots"]]) == (customer_id, [60])
    page = (FOLDER / f"{kind}.md").read_text(encoding="utf-8")
    assert f"`GET /v1/orders/{order_id}` shows the order of `{customer_id}`, with 60 credits." in page


@pytest.mark.parametrize("priorities", [False, True])
@pytest.mark.parametrize("kind", DESKS)
async def test_a_helpdesk_is_connected_as_its_page_says(
    app: FastAPI, api: httpx.AsyncClient, kind: str, priorities: bool
) -> None:
    """The second call of the page is for policies with priorities."""
    tenant = await vendor_under(app, api, TRIAL, now="2025-01-15T10:00:00Z")
    second = json.loads(list(blocks(FOLDER / f"{kind}.md"))[1].text)
    inbox = app.state.house.inbox
    before = inbox.fetch
    inbox.fetch = Fetcher(allow_private=True, transport=httpx.MockTransport(freshdesk), resolver=nowhere).ask
    try:
        await connected(tenant, kind, kind, DESKS[kind], [second] if priorities else [])
        while await inbox.act(app.state.house.database, tenant.tenant_id):
            pass
    finally:
        inbox.fetch = before
    ticket = await tenant.ok(await tenant.get(f"/v1/tickets/{kind}:81"))
    assert (ticket["customer_id"], ticket["category"]) == (f"{kind}:17", "help")
    assert ticket["priority"] == ("high" if priorities else None)
    (clock,) = ticket["clocks"]
    assert (clock["started_at"], clock["stopped_at"]) == ("2025-01-06T09:00:00Z", "2025-01-06T09:40:00Z")
    page = (FOLDER / f"{kind}.md").read_text(encoding="utf-8")
    assert f"`GET /v1/tickets/{kind}:81` shows the ticket" in page


@pytest.mark.parametrize("kind", [kind for kind in (*SHOPS, *DESKS) if kind != "freshdesk"])
async def test_the_sample_of_a_page_is_signed_and_sent_as_integrations_say(
    app: FastAPI, api: httpx.AsyncClient, kind: str
) -> None:
    """As `retainer sources test NAME --body FILE` signs it."""
    tenant = await vendor_under(app, api, TRIAL, now="2025-01-15T10:00:00Z")
    source, body = shown(kind)
    made = await tenant.ok(await tenant.put("/v1/sources/try", source), 201)
    signed = sample(kind, source["secret"], int(time.time()), shops.raw(body))
    got = await tenant.client.post(made["path"], content=signed.body, headers=signed.headers)
    assert got.status_code == 200, got.text
    (row,) = (await tenant.ok(await tenant.get("/v1/sources/try/deliveries")))["data"]
    assert (row["state"], row["reason"]) == ("done", None)


def freshdesk(request: httpx.Request) -> httpx.Response:
    """What Freshdesk's API answers about ticket 81."""
    assert request.url.host == "acme.freshdesk.com"
    if request.url.path.endswith("/conversations"):
        return httpx.Response(200, json=[{"id": 99, "incoming": False, "created_at": "2025-01-06T09:40:00Z"}])
    found = {"id": 81, "subject": "Help", "created_at": "2025-01-06T09:00:00Z", "requester_id": 17, "group_id": 600}
    found["priority"] = 4
    return httpx.Response(200, json=found)


async def nowhere(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    """An address for any name: nothing is looked up."""
    return [IPv4Address("93.184.216.34")]
