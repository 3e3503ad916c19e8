"""A manager who programs nothing, at the policy bench in a browser: completion, mistakes, a price, versions."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.browser.test_desk import signed_in
from tests.browser.vendor import Shop

CHEAP = "price: {kind: fixed, credits: 10}"


@pytest.fixture
def vendor(service: httpx.Client) -> Shop:
    """A vendor whose customer has had a ticket."""
    shop = Shop.open(service, "x-cart", "2025-02-20T09:00:00Z")
    shop.post("/v1/customers/anna/adjustments", credits=50, reason="a start")
    shop.ticket("T-1", "anna", "The cart loses its items", category="level_1", priority=None)
    shop.move("2025-03-03T09:30:00Z")
    return shop


def written(eye: Any) -> str:
    """The draft, as the form would send it."""
    text: str = eye.page.locator("#text").evaluate("(field) => field.value")
    return text


def change(eye: Any, text: str) -> None:
    """Put another text in the place of the draft, as somebody does who pastes a file."""
    editor = eye.page.get_by_role("textbox", name="Policy as YAML")
    editor.click()
    eye.page.keyboard.press("Control+a")
    eye.page.keyboard.insert_text(text)
    eye.page.keyboard.press("Control+End")


def test_a_draft_with_a_mistake_shows_its_line(vendor: Shop, watched: Any, axe: str) -> None:
    eye = watched(768)
    signed_in(vendor, eye, "/desk/policies")
    eye.page.get_by_role("textbox", name="Policy as YAML").wait_for()
    text = written(eye)
    assert text.startswith(("#", "policy:"))
    change(eye, "nonsense: 1\n" + text)
    eye.page.get_by_role("button", name="Compare").click()
    eye.page.get_by_role("heading", name="The draft cannot be published").wait_for()
    assert eye.page.get_by_role("link", name="Line 1", exact=True).is_visible()
    assert written(eye) == "nonsense: 1\n" + text
    eye.page.locator(".cm-lint-marker-error").wait_for()
    eye.page.get_by_role("link", name="Line 1", exact=True).click()
    eye.page.locator(".cm-focused").wait_for()
    eye.accessible(axe)
    eye.check()


def completed(eye: Any, word: str) -> Any:
    """The row of what the editor proposes that says this word."""
    row = eye.page.locator(".cm-tooltip-autocomplete").get_by_text(word, exact=True)
    row.wait_for()
    return row


def test_keys_and_values_are_completed_from_the_schema(vendor: Shop, watched: Any, axe: str) -> None:
    eye = watched(1440, dark=True)
    signed_in(vendor, eye, "/desk/policies")
    eye.page.get_by_role("textbox", name="Policy as YAML").wait_for()
    start = "policy: x-cart\nclauses:\n  - id: XC-1\n    text: One\ncategories:\n  - category: a\n    "
    change(eye, start)
    eye.page.keyboard.type("pri", delay=20)
    completed(eye, "price")
    eye.page.locator(".cm-completionInfo").get_by_text("What a ticket of it costs, in credits.").wait_for()
    completed(eye, "price").click()
    assert written(eye).endswith("category: a\n    price:")
    eye.page.keyboard.type(" {ki", delay=20)
    completed(eye, "kind").click()
    eye.page.keyboard.type("fi", delay=20)
    completed(eye, "fixed")
    eye.accessible(axe)
    completed(eye, "fixed").click()
    assert written(eye).endswith("price: {kind: fixed}")
    change(eye, start)
    eye.page.keyboard.type("clause: X", delay=20)
    completed(eye, "XC-1")
    eye.check()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_a_price_is_changed_from_the_first_look_to_the_withdrawal(
    vendor: Shop, watched: Any, axe: str, script: bool
) -> None:
    eye = watched(1440, script=script)
    signed_in(vendor, eye, "/desk/policies")
    field = eye.page.get_by_label("Policy as YAML")
    if script:
        eye.page.get_by_role("textbox", name="Policy as YAML").wait_for()
        change(eye, written(eye).replace(CHEAP, CHEAP.replace("10", "15")))
    else:
        field.fill(field.input_value().replace(CHEAP, CHEAP.replace("10", "15")))
    eye.page.get_by_role("button", name="Compare").click()
    eye.page.get_by_text("costs 15 points instead of 10.").wait_for()
    eye.page.get_by_text("What would a request cost?").click()
    eye.page.get_by_label("Category").fill("level_1")
    eye.page.get_by_role("button", name="Price by the draft").click()
    eye.page.get_by_role("heading", name="What it costs").wait_for()
    assert eye.page.get_by_text("15 points XC-6").is_visible()
    eye.page.get_by_text("What would it have changed?").click()
    eye.page.get_by_role("button", name="Try on history").click()
    eye.page.get_by_role("heading", name="What the draft would have changed").wait_for()
    assert eye.page.get_by_text("1 of 1 fare otherwise").is_visible()
    if script:
        eye.accessible(axe)
        eye.picture("policy-simulation-1440-light")
    eye.page.get_by_text("Publish", exact=True).click()
    eye.page.get_by_label("In force from the begin of this day").fill("2025-03-10")
    eye.page.get_by_role("button", name="Publish a new version").click()
    eye.page.get_by_text("The version is published.").wait_for()
    assert eye.page.get_by_text("scheduled", exact=True).is_visible()
    eye.page.get_by_role("button", name="Withdraw version 2").click()
    eye.page.get_by_text("The version is withdrawn.").wait_for()
    assert [row.get("withdrawn_at") for row in vendor.call("GET", "/v1/policies/x-cart")["versions"]] == [
        None,
        "2025-03-03T09:30:00Z",
    ]
    if script:
        eye.check()


@pytest.mark.parametrize("width", [320, 768])
def test_the_bench_fits_its_window(vendor: Shop, watched: Any, axe: str, width: int) -> None:
    eye = watched(width)
    signed_in(vendor, eye, "/desk/policies")
    eye.page.get_by_role("textbox", name="Policy as YAML").wait_for()
    eye.accessible(axe)
    eye.check()


def test_whoever_comes_by_a_link_gets_the_editor_too(vendor: Shop, watched: Any) -> None:
    eye = watched(1440)
    signed_in(vendor, eye, "/desk/board")
    eye.page.get_by_role("link", name="Policy", exact=True).click()
    eye.page.get_by_role("textbox", name="Policy as YAML").wait_for()
    eye.check()
