"""The app for Zendesk in a browser: the messages of Zendesk's framework, an agent signed in, the card in its frame."""

from __future__ import annotations

import json
from typing import Any

from tests.browser.conftest import Helpdesks
from tests.browser.test_card import eva
from tests.browser.vendor import Shop
from tests.browser.zendesk import APP


def installed(shop: Shop, helpdesks: Helpdesks, **settings: str) -> None:
    """Install the app, and let an agent look at Eva's ticket."""
    address = str(shop.client.base_url).rstrip("/")
    helpdesks.zendesk.key = shop.key
    helpdesks.zendesk.settings = {"address": f"{address}/", "tenant": shop.tenant_id, "prefix": "T-", **settings}
    helpdesks.zendesk.values = {
        "ticket.id": 30,
        "ticket.requester.email": "eva@shop.example",
        "currentUser.id": 41,
        "currentUser.name": "Kim Lee",
    }


def test_an_agent_answers_from_zendesk(shop: Shop, watched: Any, helpdesks: Helpdesks, axe: str) -> None:
    eva(shop)
    installed(shop, helpdesks)
    eye = watched(768)
    eye.go(f"{helpdesks.named}/zendesk/page")
    card = eye.page.frame_locator("iframe").frame_locator("iframe")
    card.get_by_role("heading", name="Eva Marsh").wait_for()
    said = eye.page.evaluate("seen")
    assert [one.get("key") or one["request"] for one in said][:3] == ["iframe.handshake", "invoke", "get"]
    assert {one["appGuid"] for one in said} == {"0a1b2c3d-app"}
    assert not any("rtn_" in json.dumps(one) for one in said), "the key is Zendesk's alone"
    card.get_by_role("button", name="Asked back").click()
    card.get_by_text("The answer is noted.").wait_for()
    trail = shop.call("GET", "/v1/audit-trail")["data"]
    opened = next(row for row in trail if row["action"] == "session.opened")
    assert opened["data"]["person"] == {"id": "zendesk:41", "name": "Kim Lee"}


def test_another_requester_shows_another_customer(shop: Shop, watched: Any, helpdesks: Helpdesks) -> None:
    eva(shop)
    shop.call("PUT", "/v1/customers/ann", {"name": "Ann Bright", "emails": ["ann@shop.example"]})
    installed(shop, helpdesks, prefix="unknown-")
    eye = watched(768)
    eye.go(f"{helpdesks.named}/zendesk/page")
    card = eye.page.frame_locator("iframe").frame_locator("iframe")
    card.get_by_role("heading", name="Eva Marsh").wait_for()  # nobody told of the ticket: by e-mail
    eye.page.evaluate('tell({key: "zaf.ticket.requester.email.changed", message: "ann@shop.example"})')
    card.get_by_role("heading", name="Ann Bright").wait_for()


def test_what_is_set_wrong_is_said(shop: Shop, watched: Any, helpdesks: Helpdesks) -> None:
    eva(shop)
    installed(shop, helpdesks)
    helpdesks.zendesk.key = "rtn_live_nothing"
    eye = watched(768)
    eye.go(f"{helpdesks.named}/zendesk/page")
    eye.page.frame_locator("iframe").get_by_text("Check the app's settings").wait_for()
    eye.go(f"{helpdesks.named}/zendesk/app/iframe.html")
    eye.page.get_by_text("This page is opened by Zendesk").wait_for()
    evil = f"{helpdesks.named}/zendesk/app/iframe.html?origin=https://zendesk.com.evil.example&app_guid=1"
    eye.go(evil)
    eye.page.get_by_text("This page is opened by Zendesk").wait_for()


def test_the_folder_is_whole() -> None:
    """What Zendesk's own check of a package looks for."""
    manifest = json.loads((APP / "manifest.json").read_text(encoding="utf-8"))
    words = json.loads((APP / "translations" / f"{manifest['defaultLocale']}.json").read_text(encoding="utf-8"))["app"]
    assert (APP / manifest["location"]["support"]["ticket_sidebar"]["url"]).is_file()
    assert {"name", "short_description", "long_description", "installation_instructions"} <= set(words)
    assert set(words["parameters"]) == {one["name"] for one in manifest["parameters"]}
    assert [one["name"] for one in manifest["parameters"] if one.get("secure")] == ["key"]
    for name, size in (("logo.png", 320), ("logo-small.png", 128)):
        picture = (APP / "assets" / name).read_bytes()
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(picture[16:20], "big") == int.from_bytes(picture[20:24], "big") == size
