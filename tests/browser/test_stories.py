"""The five stories of `make demo`, clicked to their ends by a customer and an agent. Shops and helpdesks make calls."""

from __future__ import annotations

from typing import Any

import httpx

from tests.browser.test_desk import signed_in
from tests.browser.vendor import Shop

GOOD = {
    "official": True,
    "modified": False,
    "current_release": True,
    "request_kind": "diagnosis",
    "single_issue": True,
    "clear_description": True,
    "backup": "done",
}


def press(eye: Any, name: str, then: str) -> None:
    """Press a button and wait for what the page says to it."""
    eye.page.get_by_role("button", name=name, exact=True).click()
    eye.page.get_by_text(then).first.wait_for()


def unfold(eye: Any, name: str) -> None:
    """Open a part of the page that holds a form."""
    eye.page.locator("summary", has_text=name).click()


def resolve(eye: Any, *, cause: str = "", outcome: str = "") -> None:
    """Resolve the ticket of the page."""
    unfold(eye, "Resolve")
    if cause:
        eye.page.get_by_label("Cause").select_option(cause)
    if outcome:
        eye.page.get_by_label("Outcome").select_option(outcome)
    press(eye, "Resolve", "The ticket is resolved.")


def test_the_disk_crash(service: httpx.Client, watched: Any) -> None:
    shop = Shop.open(service, "cactushop", "2025-01-15T10:00:00Z")
    shop.order("1001", "anna", "license-standard")
    customer, agent = watched(320), watched()
    customer.go(shop.address("anna"))
    customer.page.get_by_text("Until Jul 15, 2025").or_(customer.page.get_by_text("Until 15 Jul 2025")).first.wait_for()
    shop.move("2025-07-16T10:00:00Z")
    shop.ticket("T-1", "anna", "My disk crashed")
    customer.go(shop.address("anna"))
    assert customer.page.get_by_text("None running").is_visible()
    customer.page.get_by_role("link", name="All tickets").click()
    customer.page.get_by_role("link", name="My disk crashed").click()
    customer.page.get_by_text("Not covered").first.wait_for()
    customer.page.get_by_text("CACTU-").first.wait_for()
    signed_in(shop, agent, "/desk/tickets/T-1")
    assert agent.page.get_by_text("Not covered").first.is_visible()
    shop.order("1002", "anna", "support-12-months", unit_price="210.00")
    customer.go(shop.address("anna"))
    customer.page.get_by_text("1 period running").wait_for()
    agent.go("/desk")
    agent.page.get_by_label("Customer").fill("anna")
    agent.page.get_by_role("button", name="Search").click()
    agent.page.get_by_role("link", name="anna").first.click()
    agent.page.get_by_role("heading", name="anna").wait_for()
    customer.check()
    agent.check()


def test_a_choice_and_a_quote(shop: Shop, watched: Any) -> None:
    shop.order("2001", "boris", "license")
    customer, agent = watched(768), watched()
    customer.go(shop.address("boris"))
    press(customer, "Take the credits", "Your choice is made.")
    shop.order("2002", "boris", "license")
    shop.ticket("T-20", "boris", "Shipping is wrong", language="ru", category="category_2")
    customer.go("/account")
    press(customer, "Confirm 10 credits", "You confirmed the quote.")
    signed_in(shop, agent, "/desk/tickets/T-20")
    unfold(agent, "Assess")
    agent.page.get_by_label("Category").select_option("category_3")
    agent.page.get_by_label("Reason").fill("modified files")
    press(agent, "Assess", "The assessment is made.")
    customer.go("/account")
    assert customer.page.get_by_text("instead of 10 now").is_visible()
    press(customer, "Confirm 20 credits", "You confirmed the quote.")
    agent.go("/desk/tickets/T-20")
    resolve(agent, cause="modified_code")
    assert agent.page.get_by_text("20 credits taken").is_visible()
    customer.go("/account")
    assert customer.page.locator(".figure", has_text="Balance").get_by_text("40", exact=True).is_visible()
    assert shop.call("GET", "/v1/customers/boris/balance")["available"] == 40
    customer.check()
    agent.check()


def test_a_bug_returns_everything(service: httpx.Client, watched: Any) -> None:
    shop = Shop.open(service, "avactis", "2025-03-01T12:00:00Z")
    made = shop.order("3001", "clara", "license-owned", list_price="200.00", unit_price="160.00")
    shop.order("3002", "dave", "license-owned", list_price="200.00", unit_price="158.00")
    license_id = made["licenses"][0]["license_id"]
    shop.ticket("T-30", "clara", "Orders vanish", license_id=license_id, category="root_cause")
    customer, agent = watched(320, dark=True), watched()
    signed_in(shop, agent, "/desk/tickets/T-30")
    unfold(agent, "Assess")
    agent.page.get_by_label("where the list names none").fill("45")
    press(agent, "Assess", "The assessment is made.")
    assert agent.page.get_by_text("45 credits set aside").is_visible()
    customer.go(shop.address("clara"))
    assert customer.page.get_by_text("45 set aside").first.is_visible()
    agent.go("/desk/tickets/T-30")
    resolve(agent, cause="software_bug")
    customer.go("/account/ticket?id=T-30")
    assert customer.page.get_by_text("AVA-11").first.is_visible()
    customer.go("/account")
    assert customer.page.locator(".figure", has_text="Balance").get_by_text("200", exact=True).is_visible()
    other = watched()
    other.go(shop.address("dave"))
    assert other.page.locator(".figure", has_text="Balance").get_by_text("0", exact=True).is_visible()
    for eye in (customer, agent, other):
        eye.check()


def test_a_holiday_week(service: httpx.Client, watched: Any) -> None:
    shop = Shop.open(service, "shopp", "2025-11-21T15:00:00Z")
    made = shop.order("4001", "eve", "license", "credit-priority", unit_price="49.00")
    license_id = made["licenses"][0]["license_id"]
    shop.post(f"/v1/licenses/{license_id}/registration", domain="shop.example.com")
    shop.move("2025-11-21T23:00:00Z")
    shop.ticket("T-40", "eve", "Checkout fails", license_id=license_id, credit_type="priority", facts=GOOD)
    shop.move("2025-11-24T16:00:00Z")
    customer, agent = watched(), watched()
    signed_in(shop, agent, "/desk/board")
    agent.page.get_by_role("link", name="Checkout fails").click()
    press(agent, "Accept", "The ticket is accepted.")
    shop.move("2025-11-26T23:00:00Z")
    agent.go("/desk/board")
    agent.page.get_by_role("link", name="Work each business day").click()
    agent.page.get_by_text("Thanksgiving").first.wait_for()
    assert agent.page.get_by_text("Missed").count() >= 2
    agent.go("/desk/tickets/T-40")
    press(agent, "Answered", "The answer is noted.")
    resolve(agent, outcome="answered")
    customer.go(shop.address("eve"))
    customer.page.get_by_role("link", name="All tickets").click()
    customer.page.get_by_text("Resolved").first.wait_for()
    assert shop.call("GET", "/v1/tickets/T-40")["charge"]["net"] == 1
    customer.check()
    agent.check()


def test_the_points_page(service: httpx.Client, watched: Any) -> None:
    shop = Shop.open(service, "x-cart", "2025-04-07T09:00:00Z")
    shop.order("5001", "frank", "license", "credits-300", unit_price="169.50")
    shop.ticket("T-50", "frank", "Move the ASPE", category="aspe_transfer")
    customer, agent = watched(768), watched()
    customer.go(shop.address("frank"))
    customer.page.get_by_label("deployed stores").or_(customer.page.get_by_label("N", exact=True)).first.fill("3")
    press(customer, "Send", "The ticket goes on with what you said.")
    assert shop.call("GET", "/v1/tickets/T-50")["charge"]["held"] == 300
    shop.ticket("T-51", "frank", "How do taxes work", category="level_1")
    signed_in(shop, agent, "/desk/tickets/T-51")
    press(agent, "Answered", "The answer is noted.")
    resolve(agent, outcome="answered")
    customer.go("/account/statement")
    rows = {name: customer.page.locator("table", has_text=name).first for name in ("T-50", "T-51")}
    assert rows["T-50"].get_by_text("300").first.is_visible()
    assert rows["T-51"].get_by_text("10").first.is_visible()
    customer.go("/account")
    assert customer.page.locator(".figure", has_text="Balance").get_by_text("50", exact=True).is_visible()
    customer.check()
    agent.check()
