"""A caller of the GraphQL door, for tests."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.api import Vendor

ACCEPT = "application/graphql-response+json"


async def send(
    client: httpx.AsyncClient, query: str, variables: dict[str, Any] | None = None, **more: Any
) -> httpx.Response:
    """Posts a GraphQL request."""
    body = {"query": query, **({"variables": variables} if variables is not None else {}), **more.pop("body", {})}
    return await client.post("/graphql", json=body, headers={"Accept": ACCEPT, **more.pop("headers", {})}, **more)


async def ask(vendor: Vendor | httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """The data of a request that must have no errors."""
    client = vendor.client if isinstance(vendor, Vendor) else vendor
    answer = await send(client, query, variables)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert "errors" not in body, answer.text
    return body["data"]


async def do(vendor: Vendor | httpx.AsyncClient, name: str, fields: str, /, **given: Any) -> Any:
    """A mutation's answer, a refusal as well; ``fields`` are those of its success."""
    owner = name[:1].upper() + name[1:]
    kind = given.pop("kind", None)
    selection = f"... on {kind} {{ {fields} }}" if kind else fields
    query = (
        f"mutation($input: {owner}Input!) {{ {name}(input: $input) {{ __typename {selection}"
        " ... on Refusal { code status detail nextStep reasons { code clause } errors { pointer code } } } }"
    )
    data = await ask(vendor, query, input=given)
    return data[name]
