"""How long deliveries are kept as they came, and what an erasure reaches of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.connectors import inbound
from app.db.engine import Database
from app.usecases.inbound import Retention
from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import Vendor, settings_for

KEEPING = Retention(days=timedelta(days=30), parked=timedelta(days=180), rows=timedelta(days=400))


async def a_shop(vendor: MakeVendor) -> tuple[Vendor, str]:
    tenant = await vendor("cs-cart")
    source = {"kind": "woocommerce", "secret": shops.SECRET, "products": {"93": {"sku": "license"}, "23": None}}
    return tenant, (await tenant.ok(await tenant.put("/v1/sources/woo", source), 201))["path"]


async def send(tenant: Vendor, path: str, **changes: object) -> None:
    body = shops.raw(shops.woo_order(**changes))
    assert (await tenant.client.post(path, content=body, headers=shops.sign_woo(body))).status_code == 200


async def bodies(tenant: Vendor) -> dict[str, tuple[str, bool]]:
    """By subject: the state, and whether there is a body."""
    rows = (await tenant.ok(await tenant.get("/v1/sources/woo/deliveries")))["data"]
    found = {}
    for row in rows:
        one = await tenant.ok(await tenant.get(f"/v1/sources/woo/deliveries/{row['delivery_id']}"))
        assert (one["erased_at"] is not None) == (one["body"] == "")
        found[row["subject"]] = (row["state"], one["body"] != "")
    return found


async def test_what_came_is_kept_for_a_while_and_what_is_parked_for_longer(vendor: MakeVendor, db: Database) -> None:
    tenant, path = await a_shop(vendor)
    await send(tenant, path, id=1, customer_id=5)
    unknown = {"id": 9, "product_id": 777, "quantity": 1, "subtotal": "6.00", "total": "6.00"}
    await send(tenant, path, id=2, customer_id=5, line_items=[unknown])
    now = datetime.now(UTC)
    assert await KEEPING.sweep(db, tenant.tenant_id, now + timedelta(days=29)) == 0
    assert await KEEPING.sweep(db, tenant.tenant_id, now + timedelta(days=31)) == 1
    assert await bodies(tenant) == {"order/1": ("done", False), "order/2": ("parked", True)}
    assert await KEEPING.sweep(db, tenant.tenant_id, now + timedelta(days=31)) == 0
    await send(tenant, path, id=1, customer_id=5)
    order = await tenant.ok(await tenant.get("/v1/orders/woo:1"))
    assert len(order["licenses"]) == 2, "what is known of the order outlives its deliveries: nothing is granted twice"
    assert await KEEPING.sweep(db, tenant.tenant_id, now + timedelta(days=181)) == 1
    assert (await bodies(tenant))["order/2"] == ("parked", False)
    assert await KEEPING.sweep(db, tenant.tenant_id, now + timedelta(days=401)) == 2
    assert await bodies(tenant) == {}


async def test_the_worker_keeps_house_by_the_settings(vendor: MakeVendor, db: Database, module_url: str) -> None:
    _, keep = inbound.jobs(settings_for(module_url, inbound_retention_days=7, parked_retention_days=9))
    keeping = keep.run.__self__
    assert (keeping.days.days, keeping.parked.days) == (7, 9)
    tenant, path = await a_shop(vendor)
    await send(tenant, path, id=1)
    assert await keep(db, tenant.tenant_id) == 0
    assert await bodies(tenant) == {"order/1": ("done", True)}


async def test_what_waits_is_never_emptied(vendor: MakeVendor, db: Database, app) -> None:
    tenant, path = await a_shop(vendor)
    parts = app.state.house.inbox
    body = shops.raw(shops.woo_order(id=3))
    headers = {name.lower(): value for name, value in shops.sign_woo(body).items()}
    await parts.receive(db, path.rsplit("/", 1)[1], headers, body, datetime.now(UTC))
    assert await KEEPING.sweep(db, tenant.tenant_id, datetime.now(UTC) + timedelta(days=1000)) == 0
    assert await bodies(tenant) == {"order/3": ("received", True)}


async def test_an_erasure_reaches_what_was_parked(vendor: MakeVendor) -> None:
    tenant, path = await a_shop(vendor)
    await send(tenant, path, id=1, customer_id=5)
    unknown = {"id": 9, "product_id": 777, "quantity": 1, "subtotal": "6.00", "total": "6.00"}
    await send(tenant, path, id=2, customer_id=5, line_items=[unknown])
    await send(tenant, path, id=4, customer_id=6, line_items=[unknown])
    await tenant.ok(await tenant.post("/v1/customers/woo:5/erasure"))
    assert await bodies(tenant) == {
        "order/1": ("done", False),
        "order/2": ("parked", False),
        "order/4": ("parked", True),
    }
