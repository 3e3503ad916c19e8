"""Sign-in at an issuer: the code flow with state, nonce and PKCE, and roles that are sets of scopes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey

from app.api.deps import wall_clock
from app.connectors.code_flow import CodeFlow
from app.connectors.jwks import SigningKeys
from app.main import create_app
from app.usecases.tenants.roles import ROLES, scopes_of
from tests.support.api import Vendor, client_of, make_vendor, running, settings_for

ISSUER = "https://issuer.example"
KEY = ECKey.generate_key("P-256", {"kid": "one"})
OTHER = ECKey.generate_key("P-256", {"kid": "one"})


@dataclass
class Issuer:
    """An issuer that knows one person; a test says what its identity token claims."""

    claims: dict[str, Any] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: KEY)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer_by_successor(self, request: httpx2.Request) -> httpx2.Response:
        """The same for the client of the code flow, which stands on the successor of httpx."""
        found = self.answer(httpx.Request(request.method, str(request.url), content=request.content))
        return httpx2.Response(found.status_code, content=found.content, headers={"Content-Type": "application/json"})

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the service."""
        path = request.url.path
        if path == "/.well-known/openid-configuration":
            places = {name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return httpx.Response(200, json={"issuer": ISSUER, **places})
        if path == "/jwks_uri":
            return httpx.Response(200, json={"keys": [KEY.as_dict(private=False)]})
        assert path == "/token_endpoint"
        form = dict(parse_qsl(request.content.decode()))
        self.asked.append(form)
        begun = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or begun["code_challenge"] != challenge:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(wall_clock().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": "pages",
            "sub": "u-7",
            "name": "Kim Lee",
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
            **self.claims,
        }
        left = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode({"alg": "ES256", "kid": "one"}, left, self.key)
        return httpx.Response(200, json={"access_token": "at", "token_type": "Bearer", "id_token": token})

    def sign_in(self, address: str) -> str:
        """Let the person sign in at the address the browser was sent to; the code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{ISSUER}/authorization_endpoint?")
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        code = f"code-{len(self.asked)}-{len(self.codes)}"
        self.codes[code] = asked
        return code


@pytest_asyncio.fixture(scope="module")
async def trusting(module_url: str) -> AsyncIterator[FastAPI]:
    settings = settings_for(
        module_url, oidc_issuer=ISSUER, oidc_audience=("retainer",), oidc_client_id="pages", oidc_role_claim="groups"
    )
    async with running(create_app(settings)) as app:
        yield app


@pytest.fixture
def issuer(trusting: FastAPI) -> Issuer:
    made = Issuer()
    keys = SigningKeys(ISSUER, None, transport=httpx.MockTransport(made.answer))
    trusting.state.house.code_flow = CodeFlow(
        ISSUER, "pages", None, keys, transport=httpx2.MockTransport(made.answer_by_successor)
    )
    return made


@pytest_asyncio.fixture
async def acme(trusting: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(trusting, "cs-cart")
    yield vendor
    await vendor.close()


@pytest_asyncio.fixture
async def browser(trusting: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(trusting, None) as client:
        yield client


async def come_back(browser: httpx.AsyncClient, issuer: Issuer, **changes: str) -> httpx.Response:
    sent = await browser.get("/sign-in/start", params={"page": "/card?ticket_id=t-1"})
    assert sent.status_code == 303, sent.text
    address = sent.headers["location"]
    state = parse_qs(urlsplit(address).query)["state"][0]
    return await browser.get("/sign-in/return", params={"code": issuer.sign_in(address), "state": state, **changes})


async def test_a_person_signs_in_with_the_scopes_of_a_role(
    acme: Vendor, issuer: Issuer, browser: httpx.AsyncClient
) -> None:
    issuer.claims = {"tenant_id": acme.tenant_id, "groups": ["retainer-agent", "unknown"]}
    opened = await come_back(browser, issuer)
    assert (opened.status_code, opened.headers["location"]) == (303, "/card?ticket_id=t-1")
    page = await browser.get("/desk")
    assert page.status_code == 200
    assert "Kim Lee" in page.text
    row = next(row for row in (await acme.get("/v1/audit-trail")).json()["data"] if row["action"] == "session.opened")
    assert set(row["data"]["scopes"]) == set(ROLES["agent"])
    assert row["actor"] == "oidc:u-7"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"aud": ["pages", "other"], "azp": "other"},
        {"exp": 1},
        {"iat": None},
        {"sub": None},
        {"sub": "x" * 300},
        {"nonce": "another"},
        {"nonce": None},
        {"tenant_id": None},
        {"tenant_id": "nobody-has-this"},
        {"tenant_id": 7},
        {"groups": None},
        {"groups": ["plumber"]},
        {"groups": {"agent": True}},
        {"key": OTHER},
    ],
    ids=lambda claims: "a strange key" if "key" in claims else str(claims),
)
async def test_what_does_not_hold_opens_nothing(
    acme: Vendor, issuer: Issuer, browser: httpx.AsyncClient, claims: dict[str, Any]
) -> None:
    given = {"tenant_id": acme.tenant_id, "groups": "admin", **claims}
    issuer.key = given.pop("key", KEY)
    issuer.claims = given
    refused = await come_back(browser, issuer)
    assert refused.status_code == 403, refused.text
    assert "sign_in_failed" in refused.text
    assert (await browser.get("/desk")).status_code == 401


async def test_nobody_comes_back_to_what_another_browser_began(
    acme: Vendor, trusting: FastAPI, issuer: Issuer, browser: httpx.AsyncClient
) -> None:
    issuer.claims = {"tenant_id": acme.tenant_id, "groups": "admin"}
    assert (await come_back(browser, issuer, state="forged")).status_code == 403
    address = (await browser.get("/sign-in/start")).headers["location"]
    asked = parse_qs(urlsplit(address).query)
    async with client_of(trusting, None) as other:
        params = {"code": issuer.sign_in(address), "state": asked["state"][0]}
        assert (await other.get("/sign-in/return", params=params)).status_code == 403
    assert (await browser.get("/sign-in/return", params=params)).status_code == 303
    assert (await browser.get("/sign-in/return", params=params)).status_code == 403, "once"


async def test_a_page_elsewhere_is_not_gone_to(acme: Vendor, issuer: Issuer, browser: httpx.AsyncClient) -> None:
    issuer.claims = {"tenant_id": acme.tenant_id, "groups": "viewer admin"}
    for page in ("https://evil.example/", "//evil.example", "/\\evil", "/desk/../../x\r\nSet-Cookie: a=b"):
        sent = await browser.get("/sign-in/start", params={"page": page})
        address = sent.headers["location"]
        state = parse_qs(urlsplit(address).query)["state"][0]
        back = await browser.get("/sign-in/return", params={"code": issuer.sign_in(address), "state": state})
        assert back.headers["location"] == "/desk"


def test_roles_are_sets_of_scopes() -> None:
    assert scopes_of(["viewer"]) == ROLES["viewer"]
    assert "tickets:write" not in ROLES["viewer"]
    assert scopes_of(["retainer-manager"]) == ROLES["manager"]
    assert scopes_of(["admin"]) == ("*",)
    assert scopes_of(["tickets:read", "nonsense"]) == ("tickets:read",)
    assert scopes_of([]) == ()
