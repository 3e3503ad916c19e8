"""An agent in a browser works the card of a helpdesk; the card is framed by named origins alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.conftest import Helpdesks
from tests.browser.vendor import Shop


def eva(shop: Shop) -> None:
    """A customer with credits and a ticket that waits for its price."""
    made = shop.order("2101", "eva", "license")
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
    eye.page.locator("summary", has_text="Pause").click()
    eye.page.get_by_role("button", name="Pause the clocks").click()
    eye.page.get_by_text("The clocks stand still.").wait_for()
    eye.page.get_by_role("button", name="Go on").click()
    eye.page.get_by_text("The clocks go on.").wait_for()
    eye.page.locator("summary", has_text="Resolve").click()
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
    eye.page.locator("summary", has_text="Assess").click()
    eye.page.get_by_label("Category").select_option("category_3")
    eye.page.get_by_label("Reason").fill("modified files")
    eye.page.get_by_role("button", name="Assess").click()
    eye.page.get_by_text("The assessment is made.").wait_for()
    assert eye.page.get_by_text("20 credits").first.is_visible()
    eye.page.locator("summary", has_text="Assess").click()
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


def test_a_named_helpdesk_frames_the_card(shop: Shop, watched: Any, helpdesks: Helpdesks) -> None:
    """By a customer's token, and by a link that the helpdesk's server made for its agent."""
    eva(shop)
    eye = watched(768)
    eye.go(framed(helpdesks.named, f"{eye.base}/card?token={shop.token('eva')}"))
    frame = eye.page.frame_locator("iframe")
    frame.get_by_role("button", name="Confirm 10 credits").click()
    frame.get_by_text("The quote is confirmed.").wait_for()
    assert shop.call("GET", "/v1/tickets/T-30")["state"] == "in_progress"
    link = shop.sign_in(page="/card").partition("link=")[2]
    eye.go(framed(helpdesks.named, f"{eye.base}/card?link={link}&ticket_id=T-30"))
    frame.get_by_role("button", name="Answered").click()
    frame.get_by_text("The answer is noted.").wait_for()


def test_chatwoot_says_whose_conversation_it_is(shop: Shop, watched: Any, helpdesks: Helpdesks) -> None:
    eva(shop)
    eye = watched(768)
    signed_in(shop, eye, "/desk")
    for email, heading in (("eva@shop.example", "Eva Marsh"), ("nobody@x.example", "Find a customer")):
        eye.go(f"{helpdesks.named}/?{urlencode({'frame': f'{eye.base}/card', 'contact': email})}")
        frame = eye.page.frame_locator("iframe")
        frame.get_by_role("heading", name=heading).wait_for()
    frame.get_by_text("Nobody is known by that.").wait_for()


def test_nobody_else_frames_a_page(shop: Shop, watched: Any, helpdesks: Helpdesks) -> None:
    eva(shop)
    eye = watched(768)
    frame = eye.page.frame_locator("iframe")
    for page, address in (
        (helpdesks.other, f"{eye.base}/card?token={shop.token('eva')}"),
        (helpdesks.named, f"{eye.base}{shop.address('eva')}"),
        (helpdesks.named, f"{eye.base}{shop.sign_in()}"),
    ):
        eye.said.clear()
        eye.go(framed(page, address))
        eye.hears("frame-ancestors")
        assert frame.get_by_role("heading", name="Eva Marsh").count() == 0


def framed(helpdesk: str, address: str) -> str:
    return f"{helpdesk}/?{urlencode({'frame': address})}"
