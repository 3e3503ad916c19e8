"""A shop at the door: its source, deliveries signed as the shop signs, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import Vendor

SIGN = {"woocommerce": shops.sign_woo, "shopify": shops.sign_shopify}


@dataclass
class Shop:
    """A source of one tenant."""

    tenant: Vendor
    kind: str
    path: str
    name: str = "shop"

    async def deliver(self, order: dict[str, Any], topic: str | None = None) -> dict[str, Any]:
        """Deliver a payload, and return what became of it."""
        body = shops.raw(order)
        headers = SIGN[self.kind](body) if topic is None else SIGN[self.kind](body, topic=topic)
        told = await self.tenant.ok(await self.tenant.client.post(self.path, content=body, headers=headers), 200)
        return await self.delivery(told["delivery_id"])

    async def delivery(self, delivery_id: str) -> dict[str, Any]:
        """A delivery as it stands."""
        found = await self.tenant.ok(await self.tenant.get(f"/v1/sources/{self.name}/deliveries/{delivery_id}"))
        assert found["state"] != "received", found
        return found

    async def replay(self, delivery_id: str) -> dict[str, Any]:
        """Act on a delivery once more."""
        path = f"/v1/sources/{self.name}/deliveries/{delivery_id}/replay"
        return await self.tenant.ok(await self.tenant.client.post(path))

    async def dismiss(self, delivery_id: str, **body: Any) -> Any:
        """Dismiss a delivery, and return the answer."""
        return await self.tenant.client.post(f"/v1/sources/{self.name}/deliveries/{delivery_id}/dismissal", json=body)

    async def parked(self) -> list[dict[str, Any]]:
        """What waits for a person."""
        page = await self.tenant.get(f"/v1/sources/{self.name}/deliveries", state="parked", limit=100)
        return (await self.tenant.ok(page))["data"]

    async def available(self, customer: str) -> int | None:
        """Credits that a customer of the shop can spend; None for one who is not known."""
        answer = await self.tenant.get(f"/v1/customers/{self.name}:{customer}/balance")
        return None if answer.status_code == 404 else (await self.tenant.ok(answer))["available"]

    async def audit(self) -> list[Any]:
        """Broken invariants."""
        return (await self.tenant.ok(await self.tenant.get("/v1/audit")))["data"]


async def a_shop(
    vendor: MakeVendor,
    kind: str,
    policy: str = "x-cart",
    *,
    now: str | None = "2025-03-10T00:00:00Z",
    products: dict[str, Any] | None = None,
    **options: Any,
) -> Shop:
    """A tenant with one source."""
    tenant = await vendor(policy, now)
    body = {"kind": kind, "secret": shops.SECRET, "products": products or {}, "options": options}
    made = await tenant.ok(await tenant.put("/v1/sources/shop", body), 201)
    return Shop(tenant, kind, made["path"])
