"""What the service writes down holds nothing that opens a door, and what it answers holds no trace of its insides."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.api.observability import configure_logging
from app.main import create_app
from app.usecases.customers import customers
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor, running, settings_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BEARER = "rtn_live_NotAKeyOfOurs0123456789ABCDEFG_000000"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl"
TRACES = ("Traceback", 'File "', "sqlalchemy", "asyncpg", "/app/", ".py")


@pytest.fixture
def quietly() -> Iterator[None]:
    """Leaves logging as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


async def test_a_run_of_calls_writes_no_secret_and_answers_no_trace(
    module_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, quietly: None
) -> None:
    """Keys, tokens and secrets, in headers, paths, queries and bodies, right and wrong, with a fault in between."""
    answers: list[httpx.Response] = []
    async with running(create_app(settings_for(module_url, log_level="debug"))) as app:
        configure_logging("debug")
        shop = await make_vendor(app, "cs-cart")
        secrets = {OPERATOR_KEY, shop.key, SECRET, BEARER, TOKEN}
        secrets |= {str(one) for one in await _ordinary(shop, answers)}
        await _odd(shop, answers)

        async def fault(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"postgresql://retainer:hunter2-of-the-tests@db/x {shop.key} {SECRET}")

        monkeypatch.setattr(customers, "erase_customer", fault)
        answers.append(await shop.post("/v1/customers/c-1/erasure"))
        assert answers[-1].status_code == 500
        secrets.add("hunter2-of-the-tests")
        await shop.close()
    written = "".join(capsys.readouterr())
    assert written.count("\n") >= len(answers), "each call has its line"
    assert "RuntimeError" in written, "the fault is logged, under the id that the caller got"
    assert answers[-1].json()["request_id"] in written
    assert [one for one in sorted(secrets) if one in written] == []
    for one in answers:
        assert [word for word in TRACES if word in one.text] == [], one.text


async def _ordinary(shop: Vendor, answers: list[httpx.Response]) -> list[str]:
    """Calls that make secrets; what they made."""
    endpoint = await shop.post("/v1/webhook-endpoints", {"url": "https://shop.example/hooks"})
    source = await shop.put("/v1/sources/shop", {"kind": "stripe", "secret": SECRET})
    await shop.ok(await shop.post("/v1/customers/c-1/adjustments", {"credits": 5, "reason": SECRET}))
    token = await shop.post("/v1/customers/c-1/tokens", {"minutes": 5})
    answers += [endpoint, source, token]
    made = await shop.ok(endpoint), await shop.ok(source), await shop.ok(token)
    rotated = await shop.post(f"/v1/webhook-endpoints/{made[0]['endpoint_id']}/secret/rotation")
    answers.append(rotated)
    async with client_of(shop.app, str(made[2]["token"])) as page:
        answers.append(await page.get("/v1/customers/c-1/balance"))
    found = [made[0]["secret"], (await shop.ok(rotated))["secret"], made[2]["token"]]
    assert all(found)
    return found


async def _odd(shop: Vendor, answers: list[httpx.Response]) -> None:
    """Secrets where none belongs, and calls that fail."""
    for key in (BEARER, TOKEN, "rtn_live_short", OPERATOR_KEY):
        async with client_of(shop.app, key) as client:
            answers.append(await client.get("/v1/customers/c-1/balance"))
    answers += [
        await shop.get(f"/v1/customers/{BEARER}/balance"),
        await shop.get("/v1/customers", query=SECRET),
        await shop.put(f"/v1/tickets/{BEARER}", {"customer_id": SECRET, "nonsense": TOKEN}),
        await shop.post("/v1/customers/c-1/debits", {"credits": "x", "authorization": f"Bearer {TOKEN}"}, key=BEARER),
        await shop.client.post("/in/not-a-token", content=b"{" + TOKEN.encode(), headers={"X-Key": shop.key}),
        await shop.client.post("/graphql", json={"query": f'{{ balance(customerId: "{BEARER}") {{ available }} }}'}),
        await shop.client.post("/graphql", json={"query": f"{{ {TOKEN} }}"}),
    ]
