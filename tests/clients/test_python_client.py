"""The client for Python: made from the contract, keys before sending, retries, pages, typed errors, webhooks."""

from __future__ import annotations

import base64
import hmac
import inspect
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import retainer_client
from retainer_client import (
    AsyncRetainer,
    ForbiddenError,
    InvalidError,
    Money,
    NotFoundError,
    RefusedError,
    Retainer,
    TooManyError,
    UnauthorizedError,
    UnavailableError,
    core,
    instant,
    parse_instant,
    webhooks,
)
from standardwebhooks import Webhook

from scripts import sdk
from tests.browser.vendor import Shop
from tests.support.serving import serving

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "clients" / "python"
NOW = "2025-02-03T08:00:00Z"
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    """The service on a port."""
    with serving(module_url) as client:
        yield client


@pytest.fixture
def shop(service: httpx.Client) -> Shop:
    """A vendor."""
    return Shop.open(service, "avactis", NOW)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the client waited, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(core.time, "sleep", waited.append)
    return waited


def client_of(answers: list[httpx.Response | Exception]) -> tuple[Retainer, list[httpx.Request]]:
    """A client to whom these are answered, one after another, and what it sent."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return Retainer("http://service", "key", transport=httpx.MockTransport(answer)), sent


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    body = {"status": status, "code": code, "detail": "Why.", "next_step": "Do this.", **more}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"})


def test_the_core_is_what_the_contract_says() -> None:
    drifted = [path.name for path, text in sdk.files().items() if path.read_text(encoding="utf-8") != text]
    assert drifted == []


def test_versions_follow_the_contract() -> None:
    contract = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))["info"]["version"]
    assert retainer_client.__version__ == contract
    assert tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == contract
    package = json.loads((ROOT / "clients" / "typescript" / "package.json").read_text(encoding="utf-8"))
    assert (package["version"], package.get("dependencies", {})) == (contract, {})


def test_both_clients_have_a_method_for_every_operation() -> None:
    for operation in sdk.Contract().operations():
        waiting, not_waiting = getattr(Retainer, operation.snake), getattr(AsyncRetainer, operation.snake)
        assert inspect.signature(waiting) == inspect.signature(not_waiting), operation.id
        assert inspect.iscoroutinefunction(not_waiting), operation.id
        assert waiting.__doc__, operation.id


EXAMPLES = {"checkout": "240", "helpdesk": "True in_progress insufficient_credits", "partner": "{'ann': "}


def test_ten_lines_each_work_against_the_service(service: httpx.Client, shop: Shop) -> None:
    """A checkout, then a helpdesk, then a partner, as somebody runs them."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "RETAINER_URL": str(service.base_url),
        "RETAINER_KEY": shop.key,
    }
    for name, wanted in EXAMPLES.items():
        source = HERE / "examples" / f"{name}.py"
        body = [line for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert len(body) <= 14, name
        done = subprocess.run([sys.executable, source], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout.startswith(wanted)) == (0, True), (name, done.stdout, done.stderr)


def test_a_key_is_made_before_sending_and_kept(waits: list[float]) -> None:
    made = httpx.Response(201, json={"hold_id": "h"})
    client, sent = client_of([problem(503, "busy"), httpx.ReadTimeout("slow"), problem(409, "request_in_flight"), made])
    assert client.create_debit("ann", {"credits": 5})["hold_id"] == "h"
    keys = {request.headers["idempotency-key"] for request in sent}
    assert (len(sent), len(keys), len(waits)) == (4, 1, 3)
    assert len(keys.pop()) == 36
    client, sent = client_of([httpx.Response(201, json={})])
    client.create_debit("ann", {"credits": 5}, idempotency_key="mine")
    assert sent[0].headers["idempotency-key"] == "mine"
    assert json.loads(sent[0].content) == {"credits": 5}


def test_it_waits_as_long_as_it_is_asked_to(waits: list[float]) -> None:
    later = problem(429, "rate_limited")
    later.headers["Retry-After"] = "7"
    endless = problem(503, "unavailable")
    endless.headers["Retry-After"] = "86400"
    client, _ = client_of([later, endless, httpx.Response(200, json={"available": 3})])
    assert client.get_balance("ann")["available"] == 3
    assert waits == [7.0, core.LONGEST_WAIT]


def test_waits_grow_and_differ(waits: list[float]) -> None:
    client, sent = client_of([problem(503, "busy") for _ in range(5)])
    with pytest.raises(UnavailableError) as caught:
        client.get_balance("ann")
    assert caught.value.code == "busy"
    assert len(sent) == core.ATTEMPTS
    for at, waited in enumerate(waits):
        assert core.FIRST_WAIT * 2**at / 2 <= waited <= core.FIRST_WAIT * 2**at
    assert len(set(waits)) == len(waits)


def test_what_may_not_be_repeated_is_sent_once(waits: list[float]) -> None:
    """A POST without a key, after which nobody knows whether it was done; and every refusal."""
    client, sent = client_of([httpx.ReadError("gone")])
    with pytest.raises(UnavailableError) as caught:
        client.create_customer_token("ann", {"minutes": 5})
    assert (caught.value.status, caught.value.code, len(sent)) == (0, "no_answer", 1)
    for status, kind in KINDS.items():
        client, sent = client_of([problem(status, "some_code")])
        with pytest.raises(kind):
            client.create_debit("ann", {"credits": 5})
        assert len(sent) == 1, status
    assert waits == []


KINDS = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: RefusedError,
    412: RefusedError,
    422: InvalidError,
    500: UnavailableError,
}


def test_a_refusal_says_why_and_what_to_do(service: httpx.Client, shop: Shop) -> None:
    with Retainer(str(service.base_url), shop.key) as retainer:
        retainer.put_customer("ann", {"name": "Ann"})
        with pytest.raises(RefusedError) as caught:
            retainer.create_debit("ann", {"credits": 5})
        assert (caught.value.code, caught.value.status) == ("insufficient_credits", 409)
        assert caught.value.next_step
        assert caught.value.problem["facts"]
        with pytest.raises(InvalidError) as wrong:
            retainer.create_debit("ann", {"credits": -5})
        assert wrong.value.errors[0]["pointer"] == "/credits"
        with pytest.raises(NotFoundError):
            retainer.get_ticket("a/b ü?#")
    with Retainer(str(service.base_url), "rtn_live_x") as nobody, pytest.raises(UnauthorizedError):
        nobody.get_balance("ann")
    client, _ = client_of([httpx.Response(429, text="<html>") for _ in range(5)])
    with pytest.raises(TooManyError, match="http_429"):
        client.create_customer_token("ann", {"minutes": 5})


@pytest.fixture(autouse=True)
def _never_wait_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "FIRST_WAIT", 0.01)


async def test_lists_are_walked_through_page_by_page(service: httpx.Client, shop: Shop) -> None:
    wanted = {f"c-{number:03}" for number in range(130)}
    with Retainer(str(service.base_url), shop.key) as retainer:
        for customer in sorted(wanted):
            retainer.put_customer(customer, {"name": customer})
        assert len(retainer.list_customers(limit=100)["data"]) == 100
        assert {row["customer_id"] for row in retainer.each_customers()} == wanted
        assert [row["customer_id"] for row in retainer.each_customers(query="c-007")] == ["c-007"]
        assert list(retainer.each_tickets(customer_id="c-001")) == []
    async with AsyncRetainer(str(service.base_url), shop.key) as waiting:
        assert {row["customer_id"] async for row in waiting.each_customers()} == wanted
        await waiting.adjust_credits("c-001", {"credits": 5, "reason": "welcome"})
        assert (await waiting.get_balance("c-001"))["available"] == 5
        with pytest.raises(RefusedError):
            await waiting.create_debit("c-001", {"credits": 6})


def test_a_rehearsal_writes_nothing(service: httpx.Client, shop: Shop) -> None:
    with Retainer(str(service.base_url), shop.key) as retainer:
        retainer.adjust_credits("ann", {"credits": 5, "reason": "welcome"}, validate_only=True)
        with pytest.raises(NotFoundError):
            retainer.get_balance("ann")


def signed(body: bytes, at: float, secret: str = SECRET) -> dict[str, str]:
    moment = datetime.fromtimestamp(int(at), UTC)
    signature = Webhook(secret).sign("evt_1", moment, body.decode())
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": str(int(at)), "Webhook-Signature": signature}


Spoil = Callable[[dict[str, str]], None]


def test_webhooks_are_verified() -> None:
    body, now = b'{"type":"ticket.opened","data":{"n":"\xc3\xbc"}}', time.time()
    assert webhooks.verify(body, signed(body, now), SECRET)["data"] == {"n": "ü"}
    assert webhooks.verify(body, signed(body, now), [OTHER, SECRET])["type"] == "ticket.opened"
    two = signed(body, now)
    two["Webhook-Signature"] = f"{signed(body, now, OTHER)['Webhook-Signature']} {two['Webhook-Signature']} v2,x"
    assert webhooks.verify(body, two, SECRET)
    for wrong_body, headers, secret in (
        (body + b" ", signed(body, now), SECRET),
        (body, signed(body, now), OTHER),
        (body, signed(body, now - 301), SECRET),
        (body, signed(body, now + 301), SECRET),
        (body, {}, SECRET),
        (body, {**signed(body, now), "Webhook-Id": "evt_2"}, SECRET),
        (body, {**signed(body, now), "Webhook-Timestamp": "soon"}, SECRET),
        (body, {**signed(body, now), "Webhook-Signature": "v1,"}, SECRET),
        (body, {**signed(body, now), "Webhook-Signature": "v1,%%% v1,AAAA"}, SECRET),
    ):
        with pytest.raises(webhooks.WebhookError):
            webhooks.verify(wrong_body, headers, secret, now=now)


UNREADABLE = ("", "whsec_", "whsec_my-secret!", "plain secret", "whsec_AAAA", SECRET.removeprefix("whsec_"))


@pytest.mark.parametrize("secret", [*UNREADABLE, [SECRET, ""]])
def test_a_secret_that_cannot_be_read_signs_nothing(secret: str | list[str]) -> None:
    """Whoever signs with an empty key is refused, and so is whoever signs rightly: the mistake is seen at once."""
    body, now = b'{"type":"credits.granted"}', int(time.time())
    empty = hmac.digest(b"", f"evt_1.{now}.".encode() + body, "sha256")
    forged = {**signed(body, now), "Webhook-Signature": f"v1,{base64.b64encode(empty).decode()}"}
    for headers in (forged, signed(body, now)):
        with pytest.raises(webhooks.WebhookError, match="16 to 128 bytes"):
            webhooks.verify(body, headers, secret, now=now)


def test_a_body_may_be_text() -> None:
    body, now = '{"type":"ticket.opened","data":{"n":"ü"}}', time.time()
    assert webhooks.verify(body, signed(body.encode(), now), SECRET, now=now)["data"] == {"n": "ü"}


def test_money_and_instants_are_exact() -> None:
    price = Money.of({"amount": "34.50", "currency": "USD"})
    assert price == Money(Decimal("34.50"), "USD")
    assert Money(Decimal("1E+3"), "JPY").json() == {"amount": "1000", "currency": "JPY"}
    assert instant(datetime(2025, 1, 2, 9, tzinfo=timezone(timedelta(hours=2)))) == "2025-01-02T07:00:00Z"
    assert parse_instant("2025-01-02T07:00:00Z") == datetime(2025, 1, 2, 7, tzinfo=UTC)
    with pytest.raises(ValueError, match="zone"):
        instant(datetime(2025, 1, 2))
    with pytest.raises(ValueError, match="zone"):
        parse_instant("2025-01-02T07:00:00")
    for amount in ("abc", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="an amount is a number"):
            Money.of({"amount": amount, "currency": "USD"})
    for wrong in (1.1, "1.1"):
        with pytest.raises(TypeError, match="Decimal"):
            Money(wrong, "USD")  # type: ignore[arg-type]
