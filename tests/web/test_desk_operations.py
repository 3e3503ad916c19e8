"""Operations at the desk over HTTP: parked deliveries, webhooks, the audit, who did what, keys."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.db import agenda
from app.db.engine import Tx
from app.db.ops import health as states
from app.db.ops.health import State
from app.usecases.reports import health
from tests.support import shops
from tests.support.api import Vendor, make_vendor
from tests.web.desk import HOSTILE, escaped, forms, person, plain


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


TABS = ["Customers", "Board", "Tickets", "Reports", "Calendars", "Policy", "Operations"]
PATHS = ("/desk/operations", "/desk/operations/audit-trail", "/desk/operations/keys")


async def test_an_empty_desk_says_what_to_do(acme: Vendor) -> None:
    browser = await person(acme)
    page = (await browser.get("/desk/operations")).text
    for sentence in ("No shop or helpdesk is listened to.", "Nobody is told of events.", "Nothing is broken", "Well"):
        assert sentence in page
    for path in PATHS:
        plain((await browser.get(path)).text)


async def test_health_says_what_is_wrong_and_what_to_do(acme: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as `retainer doctor` says, of the service and of this tenant; a tenant's part wants `audit:read`."""

    async def failed(tx: Tx) -> list[dict[str, str]]:
        return [{"code": HOSTILE}, {"code": "internal_error"}]

    monkeypatch.setattr(agenda, "aside", failed)
    page = (await (await person(acme)).get("/desk/operations")).text
    plain(page)
    assert "2 things that fell due failed and wait" in page
    assert "they are tried again by themselves" in page
    reader = (await (await person(acme, "orders:read")).get("/desk/operations")).text
    assert "fell due failed and wait" not in reader

    async def skewed(*_: object) -> State:
        return State(privileged=False, replica=True, revision=health.newest_revision(), skew=12.0)

    monkeypatch.setattr(states, "state", skewed)
    page = (await (await person(acme)).get("/desk/operations")).text
    assert "The database is a replica." in page
    assert "Point DATABASE_URL at the primary." in page
    assert "Clocks differ by 12 s." in page


async def test_tabs_lead_to_what_a_person_may_open(acme: Vendor) -> None:
    page = (await (await person(acme)).get("/desk/operations")).text
    tabs = re.findall(r'<li><a href="(/desk[^"]*)"[^>]*>(\w+)</a></li>', page)
    assert [name for _, name in tabs] == TABS
    few = await person(acme, "clocks:read", "tickets:read", "orders:read")
    shown = re.findall(r'<li><a href="(/desk[^"]*)"', (await few.get("/desk/operations")).text)
    assert shown == ["/desk/board", "/desk/tickets", "/desk/operations"]
    for path in shown:
        assert (await few.get(path)).status_code == 200


@pytest.mark.parametrize("scope", ["audit:read", "webhooks:write", "orders:read"])
async def test_the_tab_is_there_for_whoever_may_see_a_part_of_operations(acme: Vendor, scope: str) -> None:
    page = await (await person(acme, scope)).get("/desk/operations")
    assert page.status_code == 200
    assert '<li><a href="/desk/operations" aria-current="page">Operations</a></li>' in page.text


async def test_keys_and_who_did_what(acme: Vendor) -> None:
    await acme.as_key("tickets:read", label=HOSTILE[:60])
    browser = await person(acme)
    page = (await browser.get("/desk/operations/keys")).text
    plain(page)
    found = forms(page, "revoke")
    keys = {row["key_id"]: row for row in (await acme.get("/v1/keys")).json()["data"]}
    (form,) = [one for one in found if keys[one["key_id"]]["scopes"] == ["tickets:read"]]
    done = await browser.post("/desk/operations/act", data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/desk/operations/keys?done=revoked")
    keys = {row["key_id"]: row for row in (await acme.get("/v1/keys")).json()["data"]}
    assert keys[form["key_id"]]["live"] is False
    trail = (await browser.get("/desk/operations/audit-trail", params={"subject": form["key_id"]})).text
    assert "Key revoked" in trail
    none = (await browser.get("/desk/operations/audit-trail", params={"actor": HOSTILE})).text
    plain(none)
    assert "Nothing is like that." in none


async def test_a_parked_delivery_is_read_mended_and_replayed(acme: Vendor) -> None:
    source = {"kind": "woocommerce", "secret": shops.SECRET, "products": {"23": None}, "options": {"guests": "joined"}}
    made = await acme.ok(await acme.put("/v1/sources/woo", source))
    body = shops.raw(shops.woo_order())
    assert (await acme.client.post(made["path"], content=body, headers=shops.sign_woo(body))).status_code == 200
    browser = await person(acme)
    assert "/desk/operations/sources/woo" in (await browser.get("/desk/operations")).text
    page = (await browser.get("/desk/operations/sources/woo")).text
    plain(page)
    (path,) = re.findall(r'href="(/desk/operations/sources/woo/deliveries/[^"]+)"', page)
    page = (await browser.get(path)).text
    plain(page)
    assert "93" in page
    assert '<dd class="who">93</dd>' in page  # a list as people write it
    assert page.count("Not mapped to an offer: 93") == 1
    assert "john.doe@example.com" in page  # the body as it came
    (mend,), (replay,) = forms(page, "mend"), forms(page, "replay")
    assert re.search(r'<input id="product"[^>]* value="93"', page)
    refused = await browser.post("/desk/operations/act", data={**mend, "product": "", "sku": "license"})
    assert refused.status_code == 422
    done = await browser.post("/desk/operations/act", data={**mend, "product": "93", "sku": "license"})
    assert (done.status_code, done.headers["location"]) == (303, f"{path}?done=mended")
    kept = (await acme.get("/v1/sources")).json()["data"][0]
    assert kept["products"] == {"23": None, "93": {"sku": "license", "attributes": {}}}
    assert (kept["options"], kept["secrets"]) == ({"guests": "joined"}, 1)
    assert (await browser.post("/desk/operations/act", data=replay)).status_code == 303
    assert len((await acme.ok(await acme.get("/v1/orders/woo:727")))["licenses"]) == 2
    assert "Nothing waits for a person." in (await browser.get("/desk/operations/sources/woo")).text
    assert "Done" in (await browser.get("/desk/operations/sources/woo?state=all")).text


async def test_a_parked_delivery_is_settled_by_hand(acme: Vendor) -> None:
    source = {"kind": "woocommerce", "secret": shops.SECRET, "products": {"23": None}}
    made = await acme.ok(await acme.put("/v1/sources/woo", source))
    body = shops.raw(shops.woo_order())
    await acme.client.post(made["path"], content=body, headers=shops.sign_woo(body))
    row = (await acme.get("/v1/sources/woo/deliveries")).json()["data"][0]
    path = f"/desk/operations/sources/woo/deliveries/{row['delivery_id']}"
    browser = await person(acme)
    (form,) = forms((await browser.get(path)).text, "dismiss")
    empty = await browser.post("/desk/operations/act", data=form)
    assert empty.status_code == 422
    assert 'role="alert"' in empty.text
    assert (await browser.post("/desk/operations/act", data={**form, "reason": HOSTILE})).status_code == 303
    page = (await browser.get(path)).text
    plain(page)
    assert escaped(HOSTILE) in page
    assert forms(page, "dismiss") == []
    reader = await person(acme, "orders:read")
    assert forms((await reader.get(path)).text, "replay") == []
    assert (await reader.post("/desk/operations/act", data=form)).status_code == 403


async def test_an_endpoint_and_what_was_sent(acme: Vendor) -> None:
    body = {"url": "https://hooks.example/a?b=<b>", "description": HOSTILE}
    made = await acme.ok(await acme.post("/v1/webhook-endpoints", body))
    browser = await person(acme)
    page = (await browser.get("/desk/operations")).text
    plain(page)
    path = f"/desk/operations/webhooks/{made['endpoint_id']}"
    assert path in page
    assert "Nothing was sent yet." in (await browser.get(path)).text
    await acme.ok(await acme.post(f"/v1/webhook-endpoints/{made['endpoint_id']}/test", key=None), 202)
    shown = (await browser.get(path)).text
    assert "webhook.test" in shown
    plain(shown)
    assert "Nothing is like that." in (await browser.get(f"{path}?state=failed")).text


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_sees_it_without_a_session(acme: Vendor, path: str) -> None:
    browser = await person(acme)
    browser.cookies.clear()
    assert (await browser.get(path)).status_code == 401


async def test_who_may_see_what(acme: Vendor, app: FastAPI) -> None:
    made = await acme.ok(await acme.post("/v1/webhook-endpoints", {"url": "https://secret.example/a"}))
    few = await person(acme, "tickets:read")
    page = await few.get("/desk/operations")
    assert page.status_code == 200
    assert re.findall(r"scope <code>([^<]+)", page.text) == ["audit:read", "orders:read", "webhooks:write"]
    assert "secret.example" not in page.text
    for path in PATHS[1:]:
        refused = await few.get(path)
        assert refused.status_code == 403
        assert "scope" in refused.text
    beta = await make_vendor(app, "cs-cart")
    other = await person(beta)
    assert (await other.get(f"/desk/operations/webhooks/{made['endpoint_id']}")).status_code == 404
    assert (await other.get("/desk/operations/sources/none")).status_code == 404
    await beta.close()
