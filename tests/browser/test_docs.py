"""Swagger UI and GraphiQL in a browser: operations open at once, examples succeed, a key is asked for first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.commands import demo
from tests.browser.conftest import CHROMIUM, ROOT
from tests.browser.vendor import Shop
from tests.support.api import OPERATOR_KEY
from tests.support.serving import serving

SHIPPED = sorted(path.stem for path in (ROOT / "app" / "policies").glob("*.yaml"))
SECONDS_MAX = 0.5
"""CPU of the page's thread until an operation is open."""


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    """The service in development."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium here; on Debian: apt-get install chromium")
    with serving(module_url, development=True) as client:
        yield client


def opened(eye: Any, tag: str, operation: str) -> Any:
    """Open an operation, and return its place."""
    place = eye.page.locator(f"[id$='-{operation}']")
    if not place.count():
        eye.page.locator(f".opblock-tag[data-tag='{tag}']").click()
    place.locator(".opblock-summary-control").click()
    place.locator(".opblock-body").wait_for()
    return place


def cpu(session: Any) -> float:
    """Seconds of CPU that the page's thread has taken."""
    rows = session.send("Performance.getMetrics")["metrics"]
    return next(float(row["value"]) for row in rows if row["name"] == "TaskDuration")


@pytest.mark.parametrize(
    ("tag", "operation"), [("Storefront", "putOrder"), ("Helpdesk", "putTicket"), ("Policies", "publishPolicy")]
)
def test_an_operation_opens_at_once(watched: Any, tag: str, operation: str) -> None:
    """The better of two pages counts: a busy machine makes each take longer, and none take less."""
    found = []
    for _ in range(2):
        eye = watched()
        session = eye.page.context.new_cdp_session(eye.page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        eye.go("/docs")
        eye.page.locator(f".opblock-tag[data-tag='{tag}']").click()
        eye.page.locator(f"[id$='-{operation}']").wait_for()
        eye.page.wait_for_timeout(500)
        before = cpu(session)
        opened(eye, tag, operation)
        eye.page.wait_for_timeout(1000)
        found.append(cpu(session) - before)
        eye.check()
    assert min(found) < SECONDS_MAX, found


@pytest.mark.parametrize("policy", SHIPPED)
def test_the_examples_succeed_under_the_sandbox_that_is_chosen(
    service: httpx.Client, watched: Any, policy: str
) -> None:
    shop = Shop.open(service, policy, "2025-01-01T00:00:00Z")
    eye = watched()
    eye.go("/docs")
    eye.page.get_by_label("Sandbox").select_option(shop.tenant_id)
    eye.page.get_by_text(f"Calls carry the key of a tenant under {policy}.").wait_for()
    for tag, operation, statuses in (
        ("Storefront", "putOrder", ("201",)),
        ("Helpdesk", "putTicket", ("201",)),
        ("Helpdesk", "getCustomer", ("200",)),
        ("Helpdesk", "getTicket", ("200",)),
        ("Storefront", "getOrder", ("200",)),
        ("Helpdesk", "listTickets", ("200",)),
        ("Policies", "getPolicy", ("200",)),
    ):
        place = opened(eye, tag, operation)
        place.get_by_role("button", name="Execute").click()
        status = place.locator(".live-responses-table .response-col_status").nth(1)
        status.wait_for()
        assert status.inner_text().strip().split()[0] in statuses, (operation, place.inner_text()[-3000:])
    assert shop.call("GET", "/v1/tickets/T-1")["customer_id"] == "c-1"
    eye.check()


NOT_THERE = {
    "getTenantMove": "it is the operator's",
    "quoteLotRefund": "a policy may give no money back",
    "listSourceDeliveries": "the story connects no shop",
    "getSourceDelivery": "the story connects no shop",
    "getWebhookEndpoint": "the story makes no endpoint",
    "listWebhookDeliveries": "the story makes no endpoint",
    "getWebhookDelivery": "the story makes no endpoint",
}
"""What a story leaves nothing to read of, and why."""
NEEDS = {
    "getEntry": "entry_id",
    "getLot": "lot_id",
    "getChoice": "choice_id",
    "getCover": "cover_id",
    "getClock": "clock_id",
}
"""Reads of what not every story makes."""


@pytest.mark.parametrize("policy", SHIPPED)
def test_what_reads_finds_what_the_demo_made(service: httpx.Client, watched: Any, policy: str) -> None:
    """Before any example is sent: each read of a thing by its id is about one of the story's."""
    story = next(story for story in demo.stories() if story["policy"] == policy)
    played = demo.play(story, client=service, operator_key=OPERATOR_KEY, say=lambda _: None)
    eye = watched()
    eye.go("/docs")
    eye.page.get_by_label("Sandbox").select_option(played.tenant_id)
    eye.page.get_by_text(f"Calls carry the key of a tenant under {policy}.").wait_for()
    paths = eye.page.evaluate("ui.specSelectors.specJson().toJS().paths")
    wrong, read = {}, 0
    for path, item in paths.items():
        operation = item.get("get")
        if "{" not in path or operation is None or operation["operationId"] in NOT_THERE:
            continue
        rows = [row for row in operation["parameters"] if row.get("required")]
        shown = {row["name"]: row.get("example", row["schema"].get("example")) for row in rows}
        address = path.format(**{row["name"]: shown[row["name"]] for row in rows if row["in"] == "path"})
        query = {row["name"]: shown[row["name"]] for row in rows if row["in"] == "query"}
        answer = service.get(address, params=query, headers={"Authorization": f"Bearer {played.key}"})
        needed = NEEDS.get(operation["operationId"])
        if answer.status_code == 404 and needed and not made(service, played, needed):
            continue
        read += 1
        if answer.status_code != 200:
            wrong[operation["operationId"]] = (address, query, answer.text[:300])
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert read > 15
    eye.check()


def made(service: httpx.Client, played: demo.Played, name: str) -> bool:
    """Whether the first customer of a story has a thing of this name."""
    headers = {"Authorization": f"Bearer {played.key}"}
    customers = service.get("/v1/customers?limit=20", headers=headers).json()["data"]
    customer = next(row["customer_id"] for row in customers if row["customer_id"])
    lists = {
        "entry_id": f"customers/{customer}/entries",
        "lot_id": f"customers/{customer}/entries",
        "choice_id": f"customers/{customer}/choices",
        "cover_id": "covers",
        "clock_id": "clocks",
    }
    return bool(service.get(f"/v1/{lists[name]}", headers=headers).json()["data"])


def test_a_key_that_is_put_in_is_used(service: httpx.Client, watched: Any) -> None:
    shop = Shop.open(service, "x-cart", "2025-01-01T00:00:00Z")
    eye = watched()
    eye.go("/docs")
    eye.page.get_by_label("Key").fill(shop.key)
    eye.page.get_by_role("button", name="Use this key").click()
    eye.page.get_by_text("Calls carry the key of a tenant under x-cart.").wait_for()
    eye.page.get_by_text("Any operation may refuse.").wait_for()
    assert eye.page.get_by_text("Any operation may refuse.").count() == 1


def test_graphiql_asks_for_a_key_before_anything_else(service: httpx.Client, watched: Any) -> None:
    shop = Shop.open(service, "avactis", "2025-01-01T00:00:00Z")
    for chosen in (False, True):
        eye = watched()
        asked: list[str] = []
        eye.page.on("request", lambda sent, asked=asked: asked.append(f"{sent.method} {sent.url.rpartition('/')[2]}"))
        eye.page.context.set_default_timeout(20_000)
        eye.go("/graphql")
        eye.page.get_by_label("Key").wait_for()
        eye.page.wait_for_timeout(500)
        assert "POST graphql" not in asked
        if chosen:
            eye.page.get_by_label("Sandbox").select_option(shop.tenant_id)
        else:
            eye.page.get_by_label("Key").fill(shop.key)
            eye.page.get_by_role("button", name="Use this key").click()
        eye.page.get_by_role("button", name="Execute query").click()
        eye.page.locator(".result-window").get_by_text('"virtual"', exact=False).first.wait_for()
        assert "POST graphql" in asked
        assert [said for said in eye.said if "Error" in said] == []


def test_the_contract_is_no_wider_than_a_phone(watched: Any) -> None:
    for width, dark in ((320, False), (390, False), (390, True)):
        eye = watched(width, dark=dark)
        eye.go("/docs")
        eye.page.locator(".opblock-tag[data-tag='Webhooks']").wait_for()
        eye.check()
        opened(eye, "Storefront", "putOrder")
        eye.check()


def test_the_page_of_graphql_is_no_wider_than_a_phone(watched: Any) -> None:
    eye = watched(320)
    eye.go("/graphql")
    eye.page.get_by_label("Key").wait_for()
    width = eye.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
