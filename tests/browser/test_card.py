"""An agent in a browser works the card of a helpdesk; the card is framed by named origins alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import HELPDESK
from tests.browser.vendor import Shop


def eva(shop: Shop) -> None:
    """A customer with credits and a ticket that waits for its price."""
    made = shop.order("2001", "eva", "license")
    shop.post(f"/v1/customers/eva/choices/{made['choices'][0]['choice_id']}", option="credits")
    shop.call("PUT", "/v1/customers/eva", {"name": "Eva Marsh", "emails": ["eva@shop.example"]})
    shop.ticket("T-30", "eva", "Taxes are wrong", language="en", category="category_2")


def signed_in(shop: Shop, eye: Any, page: str) -> None:
    eye.go(shop.sign_in(page=page))
    eye.page.get_by_role("button", name="Sign in").click()
    eye.page.wait_for_url(f"**{page}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_agent_works_the_card(shop: Shop, watched: Any, axe: str, dark: bool) -> None:
    eva(shop)
    eye = watched(320, dark=dark)
    signed_in(shop, eye, "/card?ticket_id=T-30")
    assert eye.page.get_by_role("heading", name="Eva Marsh").is_visible()
    eye.accessible(axe)
    eye.picture(f"card-320-{'dark' if dark else 'light'}")
    eye.page.get_by_role("button", name="Send the quote").click()
    address = eye.page.get_by_label("Send this link").input_value()
    eye.accessible(axe)
    customer = watched(768)
    customer.go("/account" + address.partition("/account")[2])
    customer.page.get_by_role("button", name="Confirm 10 credits").click()
    customer.page.get_by_text("You confirmed the quote.").wait_for()
    eye.go("/card?ticket_id=T-30")
    eye.page.get_by_role("button", name="Answered").click()
    eye.page.get_by_text("The answer is noted.").wait_for()
    eye.page.get_by_text("Pause", exact=True).click()
    eye.page.get_by_role("button", name="Pause the clocks").click()
    eye.page.get_by_text("The clocks stand still.").wait_for()
    eye.page.get_by_role("button", name="Go on").click()
    eye.page.get_by_text("The clocks go on.").wait_for()
    eye.page.get_by_text("Resolve", exact=True).click()
    eye.page.get_by_label("Cause").select_option(index=1)
    eye.accessible(axe)
    eye.page.get_by_role("button", name="Resolve").click()
    eye.page.get_by_text("The ticket is resolved.").wait_for()
    ticket = shop.call("GET", "/v1/tickets/T-30")
    assert ticket["state"] == "resolved"
    assert ticket["acting_agent"] == {"id": "7", "name": "Kim Lee"}
    eye.page.get_by_role("link", name="Why").click()
    eye.page.get_by_role("heading", name="Why").wait_for()
    eye.accessible(axe)
    eye.check()
    customer.check()


def test_an_agent_assesses_and_hears_why_not(shop: Shop, watched: Any) -> None:
    eva(shop)
    eye = watched(320)
    signed_in(shop, eye, "/card?ticket_id=T-30")
    eye.page.get_by_text("Assess", exact=True).click()
    eye.page.get_by_label("Category").select_option("category_3")
    eye.page.get_by_label("Reason").fill("modified files")
    eye.page.get_by_role("button", name="Assess").click()
    eye.page.get_by_text("The assessment is made.").wait_for()
    assert eye.page.get_by_text("20 credits").first.is_visible()
    eye.page.get_by_text("Assess", exact=True).click()
    eye.page.get_by_label("where the list names none").fill("many")
    eye.page.get_by_role("button", name="Assess").click()
    eye.page.get_by_role("alert").wait_for()
    assert eye.page.get_by_text("A whole number is wanted.").is_visible()


def test_the_agent_finds_a_customer(shop: Shop, watched: Any, axe: str) -> None:
    eva(shop)
    eye = watched()
    signed_in(shop, eye, "/desk")
    eye.page.get_by_label("Customer").fill("eva")
    eye.page.get_by_role("button", name="Search").click()
    eye.page.get_by_role("link", name="Eva Marsh").wait_for()
    eye.accessible(axe)
    eye.page.get_by_role("link", name="Eva Marsh").click()
    eye.page.get_by_role("heading", name="Eva Marsh").wait_for()
    eye.go("/card?email=eva@shop.example")
    eye.page.get_by_role("heading", name="Eva Marsh").wait_for()
    eye.check()


@pytest.mark.parametrize(("origin", "shown"), [(HELPDESK, True), ("http://evil.example", False)])
def test_only_named_origins_frame_the_card(shop: Shop, watched: Any, origin: str, shown: bool) -> None:
    eva(shop)
    eye = watched(768)
    card = f"{eye.base}/card?token={shop.token('eva')}"
    page = f'<!doctype html><title>Helpdesk</title><iframe title="card" width="340" height="700" src="{card}"></iframe>'
    eye.page.route(f"{origin}/**", lambda route: route.fulfill(body=page, content_type="text/html"))
    eye.go(f"{origin}/tickets/30")
    frame = eye.page.frame_locator("iframe")
    if shown:
        frame.get_by_role("heading", name="Eva Marsh").wait_for()
        frame.get_by_role("button", name="Confirm 10 credits").click()
        frame.get_by_text("The quote is confirmed.").wait_for()
        assert shop.call("GET", "/v1/tickets/T-30")["state"] == "in_progress"
    else:
        eye.page.wait_for_timeout(500)
        assert not frame.get_by_role("heading", name="Eva Marsh").is_visible()


def test_no_other_page_is_framed(shop: Shop, watched: Any) -> None:
    eva(shop)
    eye = watched(768)
    page = f'<!doctype html><title>Helpdesk</title><iframe title="x" src="{eye.base}{shop.address("eva")}"></iframe>'
    eye.page.route(f"{HELPDESK}/**", lambda route: route.fulfill(body=page, content_type="text/html"))
    eye.go(f"{HELPDESK}/")
    eye.page.wait_for_timeout(500)
    assert not eye.page.frame_locator("iframe").get_by_role("heading", name="Your support account").is_visible()
