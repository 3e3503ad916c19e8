"""Every page at three widths, light and dark: nothing outside is asked, nothing is complained of, nothing is cut off.

`RETAINER_RECORD=1` takes all six looks and keeps the pictures for the docs; else two of them are enough.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.api.pages import registry
from tests.browser.test_account import boris
from tests.browser.test_card import eva
from tests.browser.test_desk import HOURS, a_year, signed_in
from tests.browser.test_operator import sign_in
from tests.browser.vendor import Shop
from tests.support import shops

EVERY = [(width, dark) for width in (320, 768, 1440) for dark in (False, True)]
LOOKS = EVERY if os.environ.get("RETAINER_RECORD") else [(320, False), (1440, True)]
"""Each look takes half a minute. All six are seen when the pictures are made."""


@dataclass(frozen=True)
class Scene:
    """Two vendors whose pages have something to show, and the pages, by the names of their pictures."""

    shop: Shop
    vendor: Shop
    desk: dict[str, str]
    account: dict[str, str]
    card: dict[str, str]


@pytest.fixture(scope="module")
def scene(service: httpx.Client) -> Scene:
    shop = Shop.open(service, "cs-cart", "2025-02-03T08:00:00Z")
    boris(shop)
    shop.order("2010", "cara", "license")
    eva(shop)
    vendor = Shop.open(service, "x-cart", "2025-02-20T09:00:00Z")
    closed = {"date": "2025-09-04", "kind": "closed", "name": "Company outing"}
    vendor.post(
        "/v1/calendars/service-hours/versions", effective_from="2025-02-21", weekly_hours=HOURS, exceptions=[closed]
    )
    a_year(vendor)
    vendor.move("2025-09-03T09:30:00Z")
    clock = vendor.ticket("T-1", "anna", "The cart loses its items", category="level_1")["clocks"][0]["clock_id"]
    vendor.move("2025-09-03T12:00:00Z")
    vendor.post("/v1/tickets/T-1/pauses", reason="waiting_for_customer", party="customer")
    vendor.move("2025-09-03T15:00:00Z")
    vendor.post("/v1/tickets/T-1/resumptions")
    vendor.ticket("T-2", "boris", "السلة تفقد محتوياتها", category="level_1")
    vendor.move("2025-09-05T10:00:00Z")
    vendor.ticket("T-3", "carla", "A very long subject " * 9, category="level_1")
    vendor.move("2025-09-05T14:40:00Z")
    source = {"kind": "woocommerce", "secret": shops.SECRET, "products": {"23": None}}
    made = vendor.call("PUT", "/v1/sources/woo", source)
    body = shops.raw(shops.woo_order())
    assert service.post(made["path"], content=body, headers=shops.sign_woo(body)).status_code == 200
    delivery = vendor.call("GET", "/v1/sources/woo/deliveries")["data"][0]["delivery_id"]
    endpoint = vendor.post("/v1/webhook-endpoints", url="https://hooks.example/a")["endpoint_id"]
    desk = {
        "desk": "/desk?query=anna",
        "board": "/desk/board",
        "clock": f"/desk/clocks/{clock}",
        "desk-tickets": "/desk/tickets",
        "desk-ticket": "/desk/tickets/T-1",
        "reports": "/desk/reports",
        "report": "/desk/reports/attainment?group_by=month",
        "liability": "/desk/reports/liability?group_by=customer",
        "calendars": "/desk/calendars",
        "calendar": "/desk/calendars/service-hours",
        "policy": "/desk/policies",
        "operations": "/desk/operations",
        "source": "/desk/operations/sources/woo",
        "delivery": f"/desk/operations/sources/woo/deliveries/{delivery}",
        "endpoint": f"/desk/operations/webhooks/{endpoint}",
        "audit-trail": "/desk/operations/audit-trail",
        "keys": "/desk/operations/keys",
    }
    account = {
        "account": "/account",
        "balance": "/account/balance",
        "statement": "/account/statement",
        "tickets": "/account/tickets",
        "ticket": "/account/ticket?id=T-18",
    }
    return Scene(shop, vendor, desk, account, {"card": "/card?ticket_id=T-30", "card-why": "/card/why?id=T-30"})


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_every_page_is_whole(service: httpx.Client, scene: Scene, watched: Any, width: int, dark: bool) -> None:
    look = f"{width}-{'dark' if dark else 'light'}"
    customer, agent, sidebar, operator = (watched(width, dark=dark) for _ in range(4))

    def see(eye: Any, name: str, path: str) -> None:
        assert eye.go(path).status == 200, path
        eye.page.wait_for_load_state("networkidle")
        eye.check()
        eye.picture(f"{name}-{look}")

    see(customer, "choice", scene.shop.address("cara"))
    customer.go(scene.shop.address("boris"))
    for name, path in scene.account.items():
        see(customer, name, path)
    see(agent, "front", "/")
    see(agent, "sign-in", scene.vendor.sign_in())
    signed_in(scene.vendor, agent, "/desk")
    for name, path in scene.desk.items():
        see(agent, name, path)
    signed_in(scene.shop, sidebar, "/desk")
    for name, path in scene.card.items():
        see(sidebar, name, path)
    sign_in(service, operator)
    see(operator, "operator", "/operator")


def test_no_page_is_missing_here(scene: Scene) -> None:
    """A page of the registry that is shown by nothing here is named with its reason."""
    elsewhere = {
        "/account/why": "the ticket's page, of old links",
        "/card/fragment": "no page: HTML for FreeScout",
        "/sign-in/start": "leads to the issuer",
        "/sign-in/return": "leads back from it",
    }
    seen = [path.partition("?")[0] for pages in (scene.desk, scene.account, scene.card) for path in pages.values()]
    seen += ["/", "/sign-in", "/operator"]
    missing = []
    for route in registry.routes():
        template = route.path
        if (
            "GET" not in (route.methods or ())
            or template in elsewhere
            or ":path}" in template
            or "/assets/" in template
        ):
            continue
        if template.endswith((".csv", ".json")):
            continue
        parts = template.split("/")
        if not any(
            len(path.split("/")) == len(parts)
            and all(part.startswith("{") or part == mine for part, mine in zip(parts, path.split("/"), strict=True))
            for path in seen
        ):
            missing.append(template)
    assert json.dumps(missing) == "[]"
