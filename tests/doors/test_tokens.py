"""Tokens: of another issuer (JWT), and for one customer."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.api.deps import wall_clock
from app.api.oidc import CACHE_SECONDS
from app.connectors.jwks import SigningKeys
from app.main import create_app
from app.usecases.tenants.issuer import LEEWAY_SECONDS
from tests.conftest import MakeVendor
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor, running, settings_for

ISSUER = "https://issuer.example"
KEY = ECKey.generate_key("P-256", {"kid": "one"})
OTHER = ECKey.generate_key("P-256", {"kid": "one"})


@pytest_asyncio.fixture(scope="module")
async def trusting(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FastAPI]:
    file: Path = tmp_path_factory.mktemp("jwks") / "keys.json"
    file.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))  # noqa: ASYNC240 - nothing else runs yet
    settings = settings_for(module_url, oidc_issuer=ISSUER, oidc_audience=("retainer",), oidc_jwks=str(file))
    async with running(create_app(settings)) as app:
        yield app


@pytest_asyncio.fixture
async def acme(trusting: FastAPI) -> AsyncIterator[Vendor]:
    made = await make_vendor(trusting, "avactis")
    yield made
    await made.close()


def token(tenant: str, *, key: Any = KEY, header: dict[str, Any] | None = None, **changes: Any) -> str:
    now = int(wall_clock().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": "retainer",
        "sub": "anna",
        "exp": now + 60,
        "iat": now,
        "tenant_id": tenant,
        "scope": "* openid",
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "one", "typ": "at+jwt", **(header or {})}, claims, key)


async def status(app: FastAPI, bearer: str) -> int:
    async with client_of(app, bearer) as client:
        return (await client.get("/v1/keys")).status_code


async def test_a_good_token_opens(trusting: FastAPI, acme: Vendor) -> None:
    assert await status(trusting, token(acme.tenant_id)) == 200
    assert await status(trusting, token(acme.tenant_id, aud=["x", "retainer"])) == 200
    assert await status(trusting, token(acme.tenant_id, scope="tickets:read")) == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": 99999999999},
        {"sub": None},
        {"tenant_id": None},
        {"tenant_id": 7},
        {"tenant_id": "nobody"},
        {"key": OTHER},
        {"header": {"typ": "JWT"}, "nonce": "x"},
        {"header": {"typ": "logout+jwt"}},
        {"header": {"kid": "two"}},
    ],
    ids=lambda changes: "a strange key" if "key" in changes else str(changes),
)
async def test_a_token_that_does_not_hold_is_401(trusting: FastAPI, acme: Vendor, changes: dict[str, Any]) -> None:
    given = {"tenant": acme.tenant_id, **changes}
    tenant = given.pop("tenant")
    if "tenant_id" in given:
        tenant = given.pop("tenant_id")
    assert await status(trusting, token(tenant, **given)) == 401


async def test_no_other_algorithm_is_taken(trusting: FastAPI, acme: Vendor) -> None:
    public = json.dumps(KEY.as_dict(private=False))
    shared = OctKey.import_key(public)
    forged = jwt.encode(
        {"alg": "HS256", "kid": "one"},
        {"iss": ISSUER, "aud": "retainer", "sub": "x", "exp": 9999999999, "tenant_id": acme.tenant_id, "scope": "*"},
        shared,
    )
    assert await status(trusting, forged) == 401
    head, body, _ = token(acme.tenant_id).split(".")
    assert await status(trusting, f"eyJhbGciOiJub25lIn0.{body}.") == 401
    assert await status(trusting, f"{head}.{body}.AAAA") == 401


async def test_no_key_comes_with_the_token(trusting: FastAPI, acme: Vendor) -> None:
    """A key in the header, an address of keys, or a header that must be understood: none is followed."""
    mine = ECKey.generate_key("P-256", {"kid": "mine"})
    for header in (
        {"jwk": mine.as_dict(private=False), "kid": "mine"},
        {"jwk": mine.as_dict(private=False)},
        {"kid": "../../../../dev/null"},
        {"kid": "one' or '1'='1"},
    ):
        assert await status(trusting, token(acme.tenant_id, key=mine, header=header)) == 401, header
    claims = json.loads(b64(token(acme.tenant_id).split(".")[1]))
    for kind in (RSAKey.generate_key(2048, {"kid": "one"}), OctKey.generate_key(256, {"kid": "one"})):
        algorithm = "RS256" if isinstance(kind, RSAKey) else "HS256"
        made = jwt.encode({"alg": algorithm, "kid": "one"}, claims, kind)
        assert await status(trusting, made) == 401
    head = sealed({"alg": "HS256", "kid": "one"}) + "." + sealed(claims)
    for shared in (KEY.as_pem(private=False), KEY.as_pem(private=False).strip()):
        mac = hmac.new(shared, head.encode(), "sha256").digest()
        assert await status(trusting, f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}") == 401


def sealed(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def b64(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize(
    ("claim", "seconds", "taken"),
    [
        ("exp", -LEEWAY_SECONDS + 5, True),
        ("exp", -LEEWAY_SECONDS - 5, False),
        ("nbf", LEEWAY_SECONDS - 5, True),
        ("nbf", LEEWAY_SECONDS + 5, False),
    ],
)
async def test_clocks_may_differ_by_half_a_minute(
    trusting: FastAPI, acme: Vendor, claim: str, seconds: int, taken: bool
) -> None:
    at = int(wall_clock().timestamp()) + seconds
    given = token(acme.tenant_id, **{claim: at})
    assert await status(trusting, given) == (200 if taken else 401)
    assert LEEWAY_SECONDS <= 60


async def test_a_token_of_a_suspended_tenant_opens_nothing(trusting: FastAPI, acme: Vendor) -> None:
    given = token(acme.tenant_id)
    assert await status(trusting, given) == 200
    async with client_of(trusting, OPERATOR_KEY) as operator:
        path = f"/v1/tenants/{acme.tenant_id}/suspension"
        assert (await operator.put(path, json={"reason": "unpaid"})).status_code == 200
        await asyncio.sleep(CACHE_SECONDS + 0.3)
        assert await status(trusting, given) == 403


async def test_the_issuers_keys_change_and_the_issuer_goes_away(module_url: str) -> None:
    """A new key is found at once, the old one stops with it; with no key at all a good token is not called wrong."""
    fresh = ECKey.generate_key("P-256", {"kid": "two"})
    published: list[Any] = []
    now = [1000.0]

    def answer(request: httpx.Request) -> httpx.Response:
        if not published:
            return httpx.Response(503)
        return httpx.Response(200, json={"keys": [one.as_dict(private=False) for one in published]})

    settings = settings_for(module_url, oidc_issuer=ISSUER, oidc_audience=("retainer",), oidc_jwks=f"{ISSUER}/keys")
    async with running(create_app(settings)) as app:
        keys = SigningKeys(ISSUER, f"{ISSUER}/keys", clock=lambda: now[0], transport=httpx.MockTransport(answer))
        app.state.house.authenticator._verifier._keys = keys
        shop = await make_vendor(app, "avactis")
        async with client_of(app, token(shop.tenant_id)) as client:
            early = await client.get("/v1/keys")
            assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (503, "unavailable", "1")
        assert await status(app, token(shop.tenant_id, iss="https://other.example")) == 401
        published.append(KEY)
        now[0] += 31
        assert await status(app, token(shop.tenant_id)) == 200
        published[:] = [fresh]
        now[0] += 31
        assert await status(app, token(shop.tenant_id, key=fresh, header={"kid": "two"})) == 200
        assert await status(app, token(shop.tenant_id)) == 401
        published.clear()
        now[0] += 3600
        assert await status(app, token(shop.tenant_id, key=fresh, header={"kid": "two"})) == 200
        await shop.close()


async def test_the_issuer_is_asked_seldom_and_old_keys_stay_while_it_is_down() -> None:
    asked: list[str] = []
    now = [0.0]
    fail = [False]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if fail[0]:
            return httpx.Response(500)
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
        return httpx.Response(200, json={"keys": []})

    keys = SigningKeys(ISSUER, None, clock=lambda: now[0], transport=httpx.MockTransport(answer))
    assert await keys.current() == {"keys": []}
    for _ in range(5):
        await keys.current(fresh=True)
    assert len(asked) == 2
    fail[0], now[0] = True, 700.0
    assert await keys.current() == {"keys": []}
    assert len(asked) == 3


async def test_a_customer_token_reads_its_own_page_for_minutes(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    placed = await acme.put(
        "/v1/orders/1",
        {
            "customer_id": "c-1",
            "placed_at": "2025-01-01T00:00:00Z",
            "currency": "USD",
            "lines": [{"line_id": "1", "sku": "license-owned", "quantity": 1}],
        },
    )
    assert placed.status_code == 201, placed.text
    made = await acme.post("/v1/customers/c-1/tokens", {"minutes": 10})
    assert made.status_code == 201
    assert made.json()["token"].startswith("rtn_ct_")
    assert (await acme.post("/v1/customers/c-1/tokens", {"minutes": 11})).status_code == 422
    assert (await acme.post("/v1/customers/nobody/tokens", {})).status_code == 404
    async with client_of(acme.app, made.json()["token"]) as page:
        assert (await page.get("/v1/customers/c-1/balance")).status_code == 200
        assert (await page.get("/v1/customers/c-2/balance")).status_code == 404
        assert (await page.get("/v1/customers?query=c")).status_code in (403, 404)
        assert (await page.post("/v1/customers/c-1/tokens", json={})).status_code == 403
        assert (await page.get("/v1/keys")).status_code == 403
        assert (await page.get("/v1/audit-trail")).status_code == 403


async def test_who_did_what_can_be_read_with_its_own_scope(vendor: MakeVendor) -> None:
    acme = await vendor("avactis")
    reader = await acme.as_key("audit:read", label="auditor")
    found = (await reader.get("/v1/audit-trail")).json()["data"]
    assert [one["action"] for one in found][-2:] == ["key.created", "tenant.created"]
    assert {one["actor"] for one in found} == {"operator"}
    assert "rtn_" not in json.dumps(found)
    other = await acme.as_key("tickets:read")
    assert (await other.get("/v1/audit-trail")).status_code == 403
