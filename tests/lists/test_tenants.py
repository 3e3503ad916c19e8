"""The operator sees which tenants a server has; nobody else does."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, client_of
from tests.support.graphql import ask


async def test_the_operator_pages_through_all_tenants(app: FastAPI, vendor: MakeVendor) -> None:
    shops = [await vendor("x-cart") for _ in range(3)]
    async with client_of(app, OPERATOR_KEY) as operator:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            asked = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = (await operator.get("/v1/tenants", params=asked)).json()
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert [row["tenant_id"] for row in found] == sorted({row["tenant_id"] for row in found})
        mine = {row["tenant_id"]: row for row in found}
        for shop in shops:
            assert mine[shop.tenant_id]["policy"] == "x-cart"
            assert mine[shop.tenant_id]["clock"]["mode"] == "virtual"
        asked_too = await ask(operator, "{ tenants(first: 100) { edges { node { tenantId suspended } } } }")
        assert [edge["node"]["tenantId"] for edge in asked_too["tenants"]["edges"]] == list(mine)
        last = await ask(operator, "{ tenants(last: 2) { edges { node { tenantId } } } }")
        assert [edge["node"]["tenantId"] for edge in last["tenants"]["edges"]] == list(mine)[-2:]
        wrong = await operator.get("/v1/tenants", params={"cursor": "nonsense"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "cursor_invalid")
    refused = await shops[0].get("/v1/tenants")
    assert (refused.status_code, refused.json()["code"]) == (403, "operator_only")


async def test_tenants_are_found_by_id_policy_and_whether_they_are_suspended(app: FastAPI, vendor: MakeVendor) -> None:
    shops = [await vendor(policy) for policy in ("x-cart", "x-cart", "cs-cart")]
    first, second, third = (shop.tenant_id for shop in shops)
    async with client_of(app, OPERATOR_KEY) as operator:
        await operator.put(f"/v1/tenants/{second}/suspension", json={"suspended": True})

        async def ids(**asked: Any) -> set[str]:
            found: set[str] = set()
            cursor: dict[str, str] = {}
            while True:
                page = (await operator.get("/v1/tenants", params={"limit": 2, **asked, **cursor})).json()
                found |= {row["tenant_id"] for row in page["data"]}
                if page["next_cursor"] is None:
                    return found
                cursor = {"cursor": page["next_cursor"]}

        assert await ids(query=first[2:].upper()) == {first}
        assert await ids(query="no such tenant") == set()
        assert (await ids(policy="x-cart")) >= {first, second}
        assert third not in await ids(policy="x-cart")
        assert await ids(suspended="true") >= {second}
        assert not await ids(suspended="true") & {first, third}
        assert await ids(suspended="false", query="t-", policy="cs-cart") >= {third}
        assert second not in await ids(suspended="false")
        asked = "{ tenants(first: 100, suspended: true) { edges { node { tenantId } } } }"
        edges = (await ask(operator, asked))["tenants"]["edges"]
        assert {edge["node"]["tenantId"] for edge in edges} >= {second}
        assert first not in {edge["node"]["tenantId"] for edge in edges}
