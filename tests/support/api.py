"""Clients of the application under test, in this process: no socket, the real database."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from app.settings import Settings
from tests.support import declared, hygiene

OPERATOR_KEY = "rtn_op_of-the-tests"
SECRET_KEY = "secret-of-the-tests-0123456789-abcdef"
START = "2025-01-01T00:00:00Z"
FRESH = "fresh"


def settings_for(url: str, **changes: Any) -> Settings:
    """Settings for an application in this process."""
    given: dict[str, Any] = {
        "database_url": url,
        "operator_key": OPERATOR_KEY,
        "secret_key": SECRET_KEY,
        "worker_in_process": False,
        "pool_size": 10,
        "data_dir": "/nonexistent",
        "log_level": "info",
        **changes,
    }
    return Settings(**given)


@contextlib.asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[FastAPI]:
    """The application between its start and its end."""
    async with app.router.lifespan_context(app):
        yield app


def client_of(app: FastAPI, key: str | None, **more: Any) -> httpx.AsyncClient:
    """A client with a bearer key. Faults become 500 answers, as they would outside."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://testserver",
        headers={**headers, **more.pop("headers", {})},
        event_hooks=declared.hooks(app, hygiene.hooks({})),
        **more,
    )


@dataclass
class Vendor:
    """A fresh tenant under a policy, with a `*` key and a clock of its own."""

    tenant_id: str
    policy: str
    key: str
    client: httpx.AsyncClient
    app: FastAPI
    spare: list[httpx.AsyncClient] = field(default_factory=list)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """GET; keyword arguments are query parameters (None is left out)."""
        query = {name: value for name, value in params.items() if value is not None}
        return await self.client.get(path, params=query or None)

    async def put(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        """PUT on a natural key."""
        return await self.client.put(path, json=json, **more)

    async def post(self, path: str, json: Any = None, key: str | None = FRESH, **more: Any) -> httpx.Response:
        """POST with an Idempotency-Key: a fresh one unless given, none at all for None."""
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["Idempotency-Key"] = f"test-{uuid.uuid4().hex}" if key == FRESH else key
        return await self.client.post(path, json={} if json is None else json, headers=headers, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        """DELETE."""
        return await self.client.delete(path, **more)

    async def move_clock(self, to: str) -> dict[str, Any]:
        """Moves the sandbox's time; everything due in between happens. The last answer."""
        for _ in range(1000):
            answer = await self.client.put("/v1/clock", json={"now": to})
            assert answer.status_code == 200, answer.text
            body: dict[str, Any] = answer.json()
            if body["reached"]:
                return body
        raise AssertionError("the clock never arrived")

    async def as_key(self, *scopes: str, **more: Any) -> httpx.AsyncClient:
        """A client of the same tenant with these scopes."""
        async with client_of(self.app, OPERATOR_KEY) as operator:
            made = await operator.post(f"/v1/tenants/{self.tenant_id}/keys", json={"scopes": list(scopes), **more})
        assert made.status_code == 201, made.text
        client = client_of(self.app, made.json()["key"])
        self.spare.append(client)
        return client

    async def ok(self, answer: httpx.Response, status: int | tuple[int, ...] = (200, 201)) -> Any:
        """The body of an answer that must have succeeded."""
        wanted = (status,) if isinstance(status, int) else status
        assert answer.status_code in wanted, answer.text
        return answer.json()

    async def close(self) -> None:
        """Closes its clients."""
        for one in (self.client, *self.spare):
            await one.aclose()


async def make_vendor(app: FastAPI, policy: str, now: str | None = START, tenant_id: str | None = None) -> Vendor:
    """A fresh tenant; ``now=None`` makes one in real time."""
    name = tenant_id or f"t-{uuid.uuid4().hex[:10]}"
    clock = {"mode": "real"} if now is None else {"mode": "virtual", "now": now}
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.put(f"/v1/tenants/{name}", json={"policy": policy, "clock": clock})
        assert made.status_code == 201, made.text
        key = await operator.post(f"/v1/tenants/{name}/keys", json={"scopes": ["*"], "label": "tests"})
        assert key.status_code == 201, key.text
    secret = key.json()["key"]
    return Vendor(name, policy, secret, client_of(app, secret), app)
