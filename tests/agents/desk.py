"""An agent: the protocol's own client over HTTP, with a key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from tests.browser.vendor import Shop
from tests.support.api import OPERATOR_KEY


@dataclass
class Agent:
    """What an agent asks and does."""

    client: Client

    async def tools(self) -> dict[str, Any]:
        """The tools that it is shown."""
        return {tool.name: tool for tool in (await self.client.list_tools()).tools}

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """An answer; its text says the same as its structure."""
        found = await self.client.call_tool(tool, arguments)
        view: dict[str, Any] = found.structured_content
        assert json.loads(found.content[0].text) == view
        assert not found.is_error, view
        return view

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A refusal: a result of the tool with a code and a next step."""
        found = await self.client.call_tool(tool, arguments)
        view: dict[str, Any] = found.structured_content
        assert found.is_error, view
        assert view["code"]
        assert view["next_step"]
        assert view["status"] < 500, view
        return view


@contextlib.asynccontextmanager
async def agent(service: httpx.Client, key: str, mode: str = "auto") -> AsyncIterator[Agent]:
    """An agent with a key, by the newest revision of the protocol or by an older one."""
    headers = {"Authorization": f"Bearer {key}"}
    async with create_mcp_http_client(headers=headers) as web:
        transport = streamable_http_client(f"{service.base_url}/mcp", http_client=web)
        async with Client(transport, mode=mode) as client:
            yield Agent(client)


def key_of(shop: Shop, *scopes: str) -> str:
    """A key of the shop's with these scopes."""
    made = shop.client.post(
        f"/v1/tenants/{shop.tenant_id}/keys",
        headers={"Authorization": f"Bearer {OPERATOR_KEY}"},
        json={"scopes": list(scopes), "label": "agent"},
    )
    assert made.status_code == 201, made.text
    return str(made.json()["key"])
