"""A vendor for the browser's tests: a tenant, and what its shop and its helpdesk say, by plain calls."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.api import OPERATOR_KEY


@dataclass
class Shop:
    """A tenant and its key."""

    client: httpx.Client
    tenant_id: str
    key: str
    now: str
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def open(cls, client: httpx.Client, policy: str, now: str) -> Shop:
        """Make a sandbox tenant under a policy."""
        tenant_id = f"{policy}-{uuid.uuid4().hex[:8]}"
        operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}
        body = {"policy": policy, "clock": {"mode": "virtual", "now": now}}
        made = client.put(f"/v1/tenants/{tenant_id}", headers=operator, json=body)
        assert made.status_code == 201, made.text
        key = client.post(f"/v1/tenants/{tenant_id}/keys", headers=operator, json={"scopes": ["*"], "label": "shop"})
        return cls(client, tenant_id, key.json()["key"], now)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a call that must succeed."""
        headers = {"Authorization": f"Bearer {self.key}"}
        if method == "POST":
            headers["Idempotency-Key"] = f"{self.tenant_id}-{next(self.numbers)}"
        answer = self.client.request(method, path, headers=headers, json=body)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer.json()

    def order(self, order_id: str, customer_id: str, *skus: str, **line: Any) -> Any:
        """Sell something."""
        lines = [{"line_id": str(number), "sku": sku, "quantity": 1, **line} for number, sku in enumerate(skus, 1)]
        body = {"customer_id": customer_id, "placed_at": self.now, "currency": "USD", "lines": lines}
        return self.call("PUT", f"/v1/orders/{order_id}", body)

    def ticket(self, ticket_id: str, customer_id: str, subject: str, **fields: Any) -> Any:
        """Open a ticket."""
        body = {"customer_id": customer_id, "subject": subject, "channel": "helpdesk", **fields}
        return self.call("PUT", f"/v1/tickets/{ticket_id}", body)

    def post(self, path: str, **body: Any) -> Any:
        """Make a keyed call."""
        return self.call("POST", path, body)

    def move(self, now: str) -> None:
        """Move the tenant's time."""
        while not self.call("PUT", "/v1/clock", {"now": now})["reached"]:
            pass
        self.now = now

    def address(self, customer_id: str, may: str = "act") -> str:
        """Return the path of a customer's page."""
        url: str = self.post(f"/v1/customers/{customer_id}/tokens", may=may)["url"]
        return "/account" + url.partition("/account")[2]

    def token(self, customer_id: str, may: str = "act") -> str:
        """Return a customer's token."""
        return self.address(customer_id, may).partition("token=")[2]

    def sign_in(self, *scopes: str, page: str = "/desk") -> str:
        """Return the path of a sign-in link."""
        body = {"scopes": list(scopes or ("*",)), "person": {"id": "7", "name": "Kim Lee"}, "page": page}
        url: str = self.call("POST", f"/v1/tenants/{self.tenant_id}/sign-in-links", body)["url"]
        return "/sign-in" + url.partition("/sign-in")[2]
