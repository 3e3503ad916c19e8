"""Headers and queries that lie or never end: who calls and what is asked stay what they are (decision 0024)."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import FastAPI

from app.main import create_app
from tests.conftest import MakeVendor
from tests.support.api import client_of, running, settings_for


@pytest.mark.parametrize(
    "host",
    ["evil.example/v1/tenants", "evil.example:99999", "a b", "", "[::1", "x" * 5000, "testserver@evil", "\t/../x"],
)
async def test_a_host_that_lies_changes_nothing(vendor: MakeVendor, host: str) -> None:
    shop = await vendor("avactis")
    honest = await shop.get("/v1/keys")
    answer = await shop.client.get("/v1/keys", headers={"Host": host})
    assert (answer.status_code, answer.json()) == (200, honest.json())
    async with client_of(shop.app, None) as nobody:
        assert (await nobody.get("/v1/keys", headers={"Host": host})).status_code == 401
        assert (await nobody.get("/metrics", headers={"Host": host})).status_code == 200, "the socket says who asks"
    assert "evil" not in answer.text + str(answer.headers)


async def test_an_address_in_a_header_is_no_address(module_url: str) -> None:
    """Else whoever guesses keys would have as many addresses as he likes, and `/metrics` would be anybody's."""
    async with running(create_app(settings_for(module_url))) as app:
        codes = []
        async with client_of(app, "rtn_live_wrong") as wrong:
            for number in range(5000):
                spoofed = f"10.0.{number // 250}.{number % 250}"
                headers = {"X-Forwarded-For": spoofed, "X-Real-IP": spoofed, "Forwarded": f"for={spoofed}"}
                codes.append((await wrong.get("/v1/keys", headers=headers)).status_code)
                if codes[-1] != 401:
                    break
        assert (codes[0], codes[-1]) == (401, 429)
        assert await far_metrics(app, {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}) == 403


async def far_metrics(app: FastAPI, headers: dict[str, str]) -> int:
    transport = httpx.ASGITransport(app=app, client=("203.0.113.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as far:
        return (await far.get("/metrics", headers=headers)).status_code


async def test_wrong_tokens_of_scrapers_are_limited_too(module_url: str) -> None:
    async with (
        running(create_app(settings_for(module_url, metrics_token="of-the-scraper"))) as app,
        client_of(app, "guess") as wrong,
        client_of(app, "of-the-scraper") as right,
    ):
        codes = [401]
        while codes[-1] == 401 and len(codes) < 5000:
            codes.append((await wrong.get("/metrics")).status_code)
        assert codes[-1] == 429
        assert (await right.get("/metrics")).status_code == 200


async def test_ten_thousand_parameters_and_the_same_one_twice(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    many = "&".join(f"p{number}" for number in range(10_000))
    for query in (many, "limit=1&limit=2", "limit=1&p=1", "customer_id=a&customer_id=b"):
        answer = await shop.client.get(f"/v1/tickets?{query}")
        assert answer.status_code in (400, 422), (query[:40], answer.status_code, answer.text[:200])
        assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        ("a b", True),
        ("x", True),
        ('"quoted"', True),
        ("k" * 255, True),
        ("k" * 256, False),
        ("caf\xe9", False),
        ("a\tb", False),
        ("\x7f", False),
    ],
)
async def test_keys_are_taken_as_the_contract_says(vendor: MakeVendor, key: str, taken: bool) -> None:
    shop = await vendor("avactis")
    contract = (await shop.get("/openapi.json")).json()
    asked = contract["paths"]["/v1/customers/{customer_id}/adjustments"]["post"]["parameters"]
    parts = contract["components"]["parameters"]
    named = [parts[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in asked]
    [said] = [one["schema"] for one in named if one["name"] == "Idempotency-Key"]
    assert (re.search(said["pattern"], key) is not None and len(key) <= said["maxLength"]) is taken
    answer = await shop.client.post(
        "/v1/customers/c-1/adjustments",
        json={"credits": 5, "reason": "gift"},
        headers=[(b"Idempotency-Key", key.encode("latin-1"))],
    )
    assert answer.status_code == (201 if taken else 400), answer.text
    assert taken or answer.json()["code"] == "idempotency_key_malformed"


async def test_a_header_given_twice_is_no_way_round(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    path, body = "/v1/customers/c-1/debits", {"credits": 1}
    twice = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    answer = await shop.client.post(path, json=body, headers=twice)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")
    kinds = [("Content-Type", "application/json"), ("Content-Type", "text/plain"), ("Idempotency-Key", "k")]
    refused = await shop.client.post(path, content=b"{}", headers=kinds)
    assert refused.status_code in (400, 415, 422)
    for encoding in ("gzip", "br", "deflate", "identity, gzip"):
        packed = {"Content-Type": "application/json", "Content-Encoding": encoding, "Idempotency-Key": "k"}
        assert (await shop.client.post(path, content=b"{}", headers=packed)).status_code == 415, encoding
