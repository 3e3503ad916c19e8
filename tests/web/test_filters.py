"""Addresses of the desk's pages: what a page does not know is told on it, and all else of the address is kept."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI

from app.api.pages import registry
from tests.support.api import Vendor, make_vendor
from tests.web.desk import person, plain

LISTS = (
    "/desk",
    "/desk/board",
    "/desk/tickets",
    "/desk/reports",
    "/desk/reports/attainment",
    "/desk/calendars",
    "/desk/calendars/service-hours",
    "/desk/policies",
    "/desk/operations",
    "/desk/operations/audit-trail",
    "/desk/operations/keys",
)


@pytest.fixture
async def acme(app: FastAPI) -> Vendor:
    vendor = await make_vendor(app, "x-cart")
    for n, state in enumerate(("open", "withdrawn")):
        body = {"customer_id": f"c{n}", "subject": f"Subject {state}", "channel": "helpdesk", "category": "level_1"}
        await vendor.ok(await vendor.put(f"/v1/tickets/t-{state}", body), 201)
    await vendor.ok(await vendor.post("/v1/tickets/t-withdrawn/withdrawal", {}))
    return vendor


@pytest.mark.parametrize("path", LISTS)
async def test_a_filter_that_a_page_does_not_have_is_told(acme: Vendor, path: str) -> None:
    browser = await person(acme)
    assert (await browser.get(path)).status_code == 200
    page = await browser.get(path, params={"colour": "<b>red</b>", "done": "x"})
    assert page.status_code == 422
    plain(page.text)
    assert re.search(r"<code>/colour</code> This page has no such filter\.", page.text)
    assert "/done</code>" not in page.text
    assert "<b>red" not in page.text
    assert page.text.count('role="alert"') == 1


async def test_the_filters_that_it_has_are_kept(acme: Vendor) -> None:
    browser = await person(acme)
    page = await browser.get("/desk/tickets", params={"state": "withdrawn", "priority": "high"})
    assert page.status_code == 422
    assert "<code>/priority</code>" in page.text
    assert "Subject withdrawn" in page.text
    assert "Subject open" not in page.text


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/desk/tickets", {"state": "lost"}),
        ("/desk/board", {"phase": "gone"}),
        ("/desk/board", {"group": "colour"}),
        ("/desk/calendars/service-hours", {"month": "2025-13"}),
        ("/desk/policies", {"version": "newest"}),
    ],
)
async def test_a_value_that_a_page_does_not_know_is_told(acme: Vendor, path: str, query: dict[str, str]) -> None:
    browser = await person(acme)
    page = await browser.get(path, params=query)
    assert page.status_code == 422
    (name,) = query
    assert f"<code>/{name}</code>" in page.text
    assert (await browser.get(path, params={name: ""})).status_code == 200


@pytest.mark.parametrize("path", LISTS)
async def test_a_character_that_nothing_can_hold_is_refused_in_every_filter(acme: Vendor, path: str) -> None:
    browser = await person(acme)
    names = next(names for noun in registry.NOUNS for page, names in noun.PAGES.asked.items() if _is(page, path))
    for name in (*names, "colour", "done"):
        page = await browser.get(f"{path}?{name}=a%00b")
        assert page.status_code in (200, 400, 404, 422), (name, page.status_code)
        plain(page.text)


def _is(page: str, path: str) -> bool:
    """Whether a path is of a page, whose own path may have names in it."""
    return re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", page), path) is not None


@pytest.mark.parametrize("kind", ["csv", "json"])
async def test_a_file_of_a_report_is_refused_where_its_address_is_not_understood(acme: Vendor, kind: str) -> None:
    browser = await person(acme)
    assert (await browser.get(f"/desk/reports/attainment.{kind}")).status_code == 200
    refused = await browser.get(f"/desk/reports/attainment.{kind}", params={"since": "2025-01-01"})
    assert refused.status_code == 422
    assert "attachment" not in refused.headers.get("content-disposition", "")


def test_every_page_of_the_desk_says_what_its_address_takes() -> None:
    asked = {path: names for noun in registry.NOUNS for path, names in noun.PAGES.asked.items()}
    desk = {path: names for path, names in asked.items() if path.startswith("/desk")}
    assert len(desk) > 15
    assert [path for path, names in desk.items() if names is None] == []
