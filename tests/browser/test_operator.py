"""The operator's page in a browser: signed in by a link, read by everybody, clicked through, also without scripts."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.browser.vendor import Shop
from tests.support.api import OPERATOR_KEY


def sign_in(service: httpx.Client, eye: Any, axe: str = "") -> None:
    """Sign in as the operator."""
    operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    made = service.post("/v1/operator/sign-in-links", json={}, headers=operator)
    assert made.status_code == 201, made.text
    eye.go("/sign-in" + made.json()["url"].partition("/sign-in")[2])
    if axe:
        eye.accessible(axe)
    eye.page.get_by_role("button", name="Sign in").click()
    eye.page.wait_for_url("**/operator")


@pytest.mark.parametrize(("width", "dark"), [(320, True), (768, False), (1440, True)])
def test_the_page_is_read_by_everybody(
    service: httpx.Client, shop: Shop, watched: Any, axe: str, width: int, dark: bool
) -> None:
    eye = watched(width, dark=dark)
    sign_in(service, eye, axe)
    lines = "(all) => all.map((one) => Math.round(one.scrollHeight / parseFloat(getComputedStyle(one).lineHeight)))"
    assert set(eye.page.locator("td summary").evaluate_all(lines)) == {1}
    eye.page.get_by_text("Suspend", exact=False).locator("visible=true").last.click()
    eye.accessible(axe)
    assert eye.go(f"/operator?query={shop.tenant_id}&suspended=maybe").status == 422
    eye._forget()  # the browser notes the status
    eye.accessible(axe)


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
def test_a_tenant_is_suspended_and_opened_again(service: httpx.Client, shop: Shop, watched: Any, script: bool) -> None:
    eye = watched(320, script=script)
    sign_in(service, eye)
    page = eye.page
    page.get_by_label("Part of the id").fill(shop.tenant_id)
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**query=*")
    page.locator("summary", has_text="Suspend").click()
    page.get_by_label("Reason, if there is one").fill("Unpaid <b>bill</b>")
    page.get_by_role("button", name="Suspend this tenant").click()
    page.get_by_text("The tenant is suspended.").wait_for()
    assert page.locator(".mark--bad", has_text="Suspended").is_visible()
    page.locator("summary", has_text="Lift").click()
    page.get_by_role("button", name="Lift the suspension").click()
    page.get_by_text("The suspension is lifted.").wait_for()
    trail = shop.call("GET", "/v1/audit-trail")["data"]
    (noted,) = [row for row in trail if row["action"] == "tenant.suspended"]
    assert (noted["actor"], noted["data"]) == ("operator", {"reason": "Unpaid <b>bill</b>"})
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert eye.go("/operator").status == 401
