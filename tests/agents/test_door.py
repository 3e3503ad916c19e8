"""Who comes in at ``/mcp``: keys, tokens of an issuer, names and origins; and what is no request of the protocol."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.agents.desk import agent
from tests.browser.vendor import Shop
from tests.support.serving import serving

ISSUER = "https://issuer.example"
KEY = ECKey.generate_key("P-256", {"kid": "one"})
NOW = "2025-02-03T08:00:00Z"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
METADATA = "/.well-known/oauth-protected-resource"


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    """The service on a port, without an issuer."""
    with serving(module_url, cors_origins=("https://desk.example",)) as client:
        yield client


@pytest.fixture(scope="module")
def trusting(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The same with an issuer of tokens, and an address by which it is known outside."""
    file: Path = tmp_path_factory.mktemp("jwks") / "keys.json"
    file.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    with serving(
        module_url,
        oidc_issuer=ISSUER,
        oidc_audience=("https://shop.example/retainer/mcp",),
        oidc_jwks=str(file),
        public_url="https://shop.example/retainer",
    ) as client:
        yield client


@pytest.fixture(scope="module")
def shop(service: httpx.Client) -> Shop:
    """A vendor."""
    made = Shop.open(service, "cs-cart", NOW)
    made.order("o-1", "ida", "license")
    return made


def ask(client: httpx.Client, key: str | None, body: Any = LIST, **headers: str) -> httpx.Response:
    """One message."""
    sent = {**HEADERS, **headers}
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/mcp", content=content, headers={"Content-Type": "application/json", **sent})


def test_nobody_comes_in_without_a_key(service: httpx.Client, trusting: httpx.Client, shop: Shop) -> None:
    for key in (None, "rtn_live_nothing", shop.key[:-1]):
        answer = ask(service, key)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == 'Bearer realm="retainer"'
    assert ask(service, shop.key).status_code == 200
    answer = ask(trusting, None)
    where = f'resource_metadata="https://shop.example/retainer{METADATA}/mcp"'
    assert (answer.status_code, where in answer.headers["www-authenticate"]) == (401, True)


def test_the_issuer_is_named_where_there_is_one(service: httpx.Client, trusting: httpx.Client) -> None:
    """RFC 9728: where an agent gets its token."""
    for path in (METADATA, f"{METADATA}/mcp"):
        assert service.get(path).json()["code"] == "path_not_found"
        found = trusting.get(path).json()
        assert found["resource"] == "https://shop.example/retainer/mcp"
        assert found["authorization_servers"] == [ISSUER]
        assert {"agents:write", "tickets:read"} <= set(found["scopes_supported"])
        assert "*" not in found["scopes_supported"]


async def test_a_token_of_the_issuer_opens_what_its_scopes_say(trusting: httpx.Client, shop: Shop) -> None:
    claims = {
        "iss": ISSUER,
        "aud": "https://shop.example/retainer/mcp",
        "sub": "bot-1",
        "exp": int(time.time()) + 600,
        "tenant_id": shop.tenant_id,
        "scope": "customers:read tickets:read",
    }
    sealed = jwt.encode({"alg": "ES256", "kid": "one", "typ": "at+jwt"}, claims, KEY)
    async with agent(trusting, sealed) as ai:
        assert set(await ai.tools()) == {
            "find_customer",
            "show_account",
            "decide_entitlement",
            "show_ticket",
            "explain",
        }
        assert (await ai.call("find_customer", query="ida"))["answer"]["data"][0]["customer_id"] == "ida"
        assert (await ai.refused("list_offers"))["scope"] == "orders:read"
    other = jwt.encode({"alg": "ES256", "kid": "one", "typ": "at+jwt"}, {**claims, "aud": "retainer"}, KEY)
    assert ask(trusting, other).status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "https://desk.example.evil"])
def test_a_page_of_another_site_is_refused(service: httpx.Client, shop: Shop, origin: str) -> None:
    answer = ask(service, shop.key, Origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")


def test_named_sites_and_our_own_pages_may_call(service: httpx.Client, shop: Shop) -> None:
    for origin in ("https://desk.example", str(service.base_url).rstrip("/")):
        assert ask(service, shop.key, Origin=origin).status_code == 200
    asked = service.options(
        "/mcp",
        headers={
            "Origin": "https://desk.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version,mcp-method",
        },
    )
    assert asked.status_code == 200


def test_a_name_that_is_not_ours_is_refused(service: httpx.Client, trusting: httpx.Client, shop: Shop) -> None:
    """DNS rebinding: a page's own name that leads to this machine."""
    answer = ask(service, shop.key, Host="evil.example")
    assert (answer.status_code, answer.json()["code"]) == (421, "host_refused")
    assert ask(service, shop.key, Host="localhost:8000").status_code == 200


NO_MESSAGES: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"[" * 20_000,
    b'{"jsonrpc": "2.0", "id": 1}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "no/such", "params": {}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 7}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "explain", "arguments": []}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "\\ud800", "arguments": {"\\ud800": 1}}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "explain", "arguments": {"id": NaN}}}',
    b'\xff\xfe{"jsonrpc": "2.0"}',
]


@pytest.mark.parametrize("revision", ["2025-06-18", "2026-07-28", "2099-01-01", "x"])
@pytest.mark.parametrize("sent", NO_MESSAGES, ids=range(len(NO_MESSAGES)))
def test_what_is_no_message_is_never_a_fault(service: httpx.Client, shop: Shop, sent: bytes, revision: str) -> None:
    answer = ask(service, shop.key, sent, **{"MCP-Protocol-Version": revision})
    assert answer.status_code < 500
    assert "internal_error" not in answer.text
    assert "Traceback" not in answer.text
    assert ask(service, shop.key).status_code == 200


def test_the_door_takes_posts_of_a_bounded_size(service: httpx.Client, shop: Shop) -> None:
    for method in ("GET", "DELETE", "PUT"):
        answer = service.request(method, "/mcp", headers={**HEADERS, "Authorization": f"Bearer {shop.key}"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    large = {**LIST, "params": {"_meta": {"x": "y" * 70_000}}}
    answer = ask(service, shop.key, large)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    packed = ask(service, shop.key, **{"Content-Encoding": "gzip"})
    assert packed.json()["code"] == "content_encoding_refused"


def test_the_library_is_imported_by_the_first_call_alone() -> None:
    """Most processes never see an agent: they start without half a second of imports and thirty MiB."""
    import subprocess
    import sys

    program = "import sys, app.main; print([name for name in sys.modules if name.split('.')[0] in ('mcp', 'httpx2')])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=x"])
def test_another_media_type_is_a_problem(service: httpx.Client, shop: Shop, media: str) -> None:
    answer = ask(service, shop.key, **{"Content-Type": media})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["content-type"] == "application/problem+json"
    assert ask(service, shop.key, **{"Content-Type": "application/json; charset=utf-8"}).status_code == 200
