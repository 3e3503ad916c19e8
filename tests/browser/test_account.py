"""A customer in a browser: reads the account, confirms a quote, chooses, disputes, prints; also without JavaScript."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.browser.vendor import Shop


def boris(shop: Shop) -> None:
    """A customer with credits, a period, one ticket done, one under way and a quote that waits."""
    made = shop.order("2001", "boris", "license")
    shop.post(f"/v1/customers/boris/choices/{made['choices'][0]['choice_id']}", option="credits")
    shop.call("PUT", "/v1/customers/boris", {"name": "Boris Petrov", "emails": ["boris@shop.example"]})
    shop.order("2002", "boris", "license", "credits-25")
    shop.order("2003", "boris", "support-3-months")
    shop.ticket("T-18", "boris", "How do I add a currency?", language="en", category="category_1", pay_with="credits")
    shop.move("2025-02-03T10:00:00Z")
    shop.post("/v1/tickets/T-18/responses", author="vendor", kind="service")
    shop.post("/v1/tickets/T-18/resolution", cause="question")
    shop.move("2025-02-17T08:30:00Z")
    shop.ticket(
        "T-20", "boris", "Shipping is wrong for heavy parcels", language="en", category="category_2", pay_with="credits"
    )
    shop.ticket(
        "T-21", "boris", "Checkout shows a blank page", language="en", category="category_1", pay_with="credits"
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1440])
def test_the_account_is_read_by_everybody(shop: Shop, watched: Any, axe: str, width: int, dark: bool) -> None:
    boris(shop)
    eye = watched(width, dark=dark)
    assert eye.go(shop.address("boris")).status == 200
    assert eye.page.url.endswith("/account")
    assert eye.page.get_by_role("heading", name="Your support account").is_visible()
    eye.accessible(axe)
    for path in ("/account/balance", "/account/statement", "/account/tickets", "/account/ticket?id=T-18"):
        assert eye.go(path).status == 200
        eye.accessible(axe)
        eye.check()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_a_customer_confirms_a_quote(shop: Shop, watched: Any, script: bool) -> None:
    boris(shop)
    eye = watched(script=script)
    eye.go(shop.address("boris"))
    eye.page.get_by_role("button", name="Confirm 10 credits").click()
    eye.page.get_by_text("You confirmed the quote.").wait_for()
    assert not eye.page.get_by_role("button", name="Confirm 10 credits").is_visible()
    assert shop.call("GET", "/v1/tickets/T-20")["charge"]["held"] == 10
    if script:
        eye.check()


def test_a_customer_declines_with_the_keyboard(shop: Shop, watched: Any) -> None:
    boris(shop)
    eye = watched()
    eye.go(shop.address("boris"))
    eye.page.keyboard.press("Tab")
    assert eye.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    eye.page.keyboard.press("Enter")
    eye.page.get_by_role("button", name="Decline").focus()
    eye.page.keyboard.press("Enter")
    eye.page.get_by_text("You declined the quote.").wait_for()
    assert "declined" in eye.page.evaluate("document.activeElement.textContent")
    assert shop.call("GET", "/v1/tickets/T-20")["state"] == "withdrawn"
    eye.check()


def test_a_customer_chooses_between_a_period_and_credits(shop: Shop, watched: Any, axe: str) -> None:
    shop.order("2010", "eva", "license")
    eye = watched(768)
    eye.go(shop.address("eva"))
    eye.accessible(axe)
    eye.page.get_by_role("button", name="Take the period").click()
    eye.page.get_by_text("Your choice is made.").wait_for()
    assert eye.page.get_by_text("begins with your first ticket").is_visible()
    eye.check()


def test_a_charge_is_disputed(service: httpx.Client, watched: Any) -> None:
    shop = Shop.open(service, "x-cart", "2025-04-07T09:00:00Z")
    shop.order("5001", "frank", "license", "credits-300")
    shop.ticket("T-51", "frank", "How do taxes work", category="level_1")
    shop.post("/v1/tickets/T-51/responses", author="vendor", kind="service")
    shop.post("/v1/tickets/T-51/resolution", outcome="answered")
    eye = watched()
    eye.go(shop.address("frank"))
    eye.page.get_by_role("link", name="T-51").click()
    eye.page.get_by_role("heading", name="Why it costs what it costs").wait_for()
    eye.page.get_by_text("Dispute this charge").click()
    eye.page.get_by_label("Why do you think it wrong?").fill("It was a bug, <b>really</b>")
    eye.page.get_by_role("button", name="Dispute").click()
    eye.page.get_by_text("The vendor will look at the charge again.").wait_for()
    assert eye.page.get_by_text("It was a bug, <b>really</b>").is_visible()
    eye.check()


def test_a_link_whose_time_is_over_says_so(watched: Any, axe: str) -> None:
    eye = watched(320)
    assert eye.go("/account?token=rtn_ct_nonsense").status == 401
    assert eye.page.get_by_role("heading", name="This page needs a fresh link").is_visible()
    eye.said.clear()  # the browser itself notes the 401
    eye.accessible(axe)
    eye.check()


def test_the_account_prints(shop: Shop, watched: Any) -> None:
    boris(shop)
    eye = watched()
    eye.go(shop.address("boris"))
    eye.page.emulate_media(media="print")
    assert not eye.page.get_by_role("button", name="Print or save as PDF").is_visible()
    assert not eye.page.get_by_role("button", name="Confirm 10 credits").is_visible()
    assert eye.page.get_by_role("heading", name="Statement").is_visible()
    assert eye.page.pdf(format="A4").startswith(b"%PDF-")


def test_markup_in_every_field_stays_text(shop: Shop, watched: Any, axe: str) -> None:
    hostile = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    boris(shop)
    shop.call("PUT", "/v1/customers/boris", {"name": hostile, "emails": ["b@x.example"]})
    shop.post("/v1/customers/boris/adjustments", credits=60, reason=hostile)
    shop.ticket(
        "T-1", "boris", hostile + " مرحبا", language="en", category="category_2", pay_with="credits", requester=hostile
    )
    shop.post("/v1/tickets/T-1/assessments", category="category_3", reason=hostile)
    eye = watched(320)
    eye.go(shop.address("boris"))
    for path in ("/account", "/account/tickets", "/account/ticket?id=T-1", "/account/statement"):
        eye.go(path)
        assert eye.page.evaluate("window.pwned") is None
        eye.accessible(axe)
        eye.check()
