"""People of the vendor at the desk in a browser: the board, a clock, a ticket."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.browser.vendor import Shop

HOURS = {day: [["09:00", "13:00"], ["14:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@pytest.fixture
def desk(service: httpx.Client) -> Shop:
    """A vendor who answers within a business day."""
    shop = Shop.open(service, "x-cart", "2025-02-20T09:00:00Z")
    closed = {"date": "2025-03-04", "kind": "closed", "name": "Company outing"}
    shop.post(
        "/v1/calendars/service-hours/versions", effective_from="2025-02-21", weekly_hours=HOURS, exceptions=[closed]
    )
    shop.move("2025-03-03T09:30:00Z")
    return shop


def week(shop: Shop) -> str:
    """Tickets that are late, due soon and waiting; the first one's clock."""
    for customer in ("anna", "boris", "carla"):
        shop.post(f"/v1/customers/{customer}/adjustments", credits=50, reason="a start")
    made = shop.ticket("T-1", "anna", "The cart loses its items", category="level_1", priority=None)
    shop.move("2025-03-03T12:00:00Z")
    shop.post("/v1/tickets/T-1/pauses", reason="waiting_for_customer", party="customer")
    shop.move("2025-03-03T15:00:00Z")
    shop.post("/v1/tickets/T-1/resumptions")
    shop.ticket("T-2", "boris", "السلة تفقد محتوياتها", category="level_1")
    shop.move("2025-03-05T10:00:00Z")
    shop.ticket("T-3", "carla", "A very long subject " * 9, category="level_1")
    shop.move("2025-03-05T14:40:00Z")
    clock: str = made["clocks"][0]["clock_id"]
    return clock


def a_year(shop: Shop) -> None:
    """Months of tickets, of which some are answered too late."""
    people = ("anna", "boris", "carla")
    for month in range(3, 9):
        shop.move(f"2025-{month:02}-03T09:30:00Z")
        for customer in people:
            shop.order(f"{month}-{customer}", customer, "credits-60", unit_price="120.00")
            shop.ticket(f"T-{month}-{customer}", customer, "Taxes are wrong", category="level_1", priority=None)
        late = people[month % 3]
        shop.move(f"2025-{month:02}-04T10:00:00Z")
        for customer in sorted(people, key=lambda one: one == late):
            if customer == late:
                shop.move(f"2025-{month:02}-10T10:00:00Z")
            shop.post(f"/v1/tickets/T-{month}-{customer}/responses", author="vendor", kind="service")
            shop.post(f"/v1/tickets/T-{month}-{customer}/resolution", outcome="answered")


def signed_in(shop: Shop, eye: Any, page: str) -> None:
    eye.go(shop.sign_in(page="/desk"))
    eye.page.get_by_role("button", name="Sign in").click()
    eye.page.wait_for_url("**/desk")
    assert eye.go(page).status == 200


LOOKS = [(320, True), (768, False), (1440, False), (1440, True)]


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_the_board_and_a_clock_are_read_by_everybody(
    desk: Shop, watched: Any, axe: str, width: int, dark: bool
) -> None:
    clock = week(desk)
    eye = watched(width, dark=dark)
    signed_in(desk, eye, "/desk/board")
    assert eye.page.get_by_role("heading", name="Overdue").is_visible()
    eye.accessible(axe)
    for path in (f"/desk/clocks/{clock}", "/desk/tickets", "/desk/tickets/T-1"):
        assert eye.go(path).status == 200
        eye.accessible(axe)
        eye.check()


def test_the_board_is_read_again_by_itself(desk: Shop, watched: Any) -> None:
    week(desk)
    eye = watched(script=True)
    eye.page.clock.install()
    signed_in(desk, eye, "/desk/board")
    assert eye.page.get_by_role("link", name="The cart loses its items").is_visible()
    desk.post("/v1/tickets/T-1/responses", author="vendor", kind="service")
    eye.page.clock.fast_forward(16_000)
    eye.page.get_by_role("link", name="The cart loses its items").wait_for(state="detached")
    assert eye.page.get_by_role("heading", name="Promised times").is_visible()
    eye.check()


def test_an_agent_reads_the_board_without_scripts_and_answers(desk: Shop, watched: Any) -> None:
    week(desk)
    eye = watched(script=False)
    signed_in(desk, eye, "/desk/board")
    eye.page.get_by_label("Grouped by").select_option("customer")
    eye.page.get_by_role("button", name="Show").click()
    assert eye.page.get_by_role("heading", name="anna").is_visible()
    eye.page.get_by_role("link", name="The cart loses its items").click()
    eye.page.get_by_role("button", name="Answered").click()
    assert eye.page.get_by_text("The answer is noted.").is_visible()


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_calendars_policies_and_operations_are_read_by_everybody(
    desk: Shop, watched: Any, axe: str, width: int, dark: bool
) -> None:
    week(desk)
    desk.post("/v1/webhook-endpoints", url="https://hooks.example/a")
    eye = watched(width, dark=dark)
    signed_in(desk, eye, "/desk/calendars")
    for path in (
        "/desk/calendars/service-hours",
        "/desk/policies",
        "/desk/operations",
        "/desk/operations/audit-trail",
        "/desk/operations/keys",
    ):
        assert eye.go(path).status == 200
        eye.accessible(axe)
        eye.check()


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_reports_are_read_by_everybody(desk: Shop, watched: Any, axe: str, width: int, dark: bool) -> None:
    a_year(desk)
    eye = watched(width, dark=dark)
    signed_in(desk, eye, "/desk/reports")
    eye.accessible(axe)
    for path in (
        "/desk/reports/attainment?group_by=month",
        "/desk/reports/liability",
        "/desk/reports/consumption?group_by=customer&group_by=month",
        "/desk/reports/breaches",
    ):
        assert eye.go(path).status == 200
        eye.accessible(axe)
        eye.check()


def test_a_manager_narrows_a_report_without_scripts(desk: Shop, watched: Any) -> None:
    a_year(desk)
    eye = watched(script=False)
    signed_in(desk, eye, "/desk/reports")
    eye.page.get_by_role("link", name="Credits spent").click()
    eye.page.get_by_label("From", exact=True).fill("2025-03-01")
    eye.page.get_by_label("By", exact=True).select_option("customer")
    eye.page.get_by_role("button", name="Show").click()
    assert eye.page.get_by_role("row", name="anna").is_visible()
    with eye.page.expect_download() as given:
        eye.page.get_by_role("link", name="CSV").click()
    assert given.value.suggested_filename == "consumption.csv"


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_a_manager_sees_what_a_closed_day_moves(desk: Shop, watched: Any, axe: str, script: bool) -> None:
    week(desk)
    eye = watched(768, script=script)
    signed_in(desk, eye, "/desk/calendars/service-hours")
    eye.page.get_by_label("From").fill("2025-03-06")
    eye.page.get_by_label("Further closed days").fill("2025-03-06 Spring cleaning")
    eye.page.get_by_role("button", name="Show what moves").click()
    eye.page.get_by_role("heading", name="What this version would do").wait_for()
    assert eye.page.get_by_role("link", name="T-3", exact=True).is_visible()
    if script:
        eye.accessible(axe)
    eye.page.get_by_role("button", name="Publish").click()
    eye.page.get_by_text("The version is published.").wait_for()
    closed = desk.call("GET", "/v1/calendars/service-hours/closures?from=2025-03-01&to=2025-03-31")["data"]
    assert [row["reasons"] for row in closed] == [["Company outing"], ["Spring cleaning"]]
