"""What a page weighs on its way to a browser, with the files that it needs: under 100 KB, the bench under 500 KB."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import FastAPI

from tests.support.api import OPERATOR_KEY, client_of, make_vendor
from tests.web import operator
from tests.web.desk import person
from tests.web.test_account import account

MOST = {"/desk/policies": 500_000}
PAGES = (
    "/account",
    "/account/statement",
    "/account/ticket?id=t-1",
    "/card?ticket_id=t-1",
    "/desk",
    "/desk/board",
    "/desk/tickets",
    "/desk/tickets/t-1",
    "/desk/calendars",
    "/desk/policies",
    "/desk/operations",
    "/desk/reports",
    "/desk/reports/attainment",
    "/desk/reports/liability?group_by=customer&group_by=source",
)


async def weight(browser: httpx.AsyncClient, path: str) -> int:
    """Bytes of a page and its files, as they are sent."""
    page = await browser.get(path)
    assert page.status_code == 200, path
    files = set(re.findall(r'(?:src|href|data-script|data-schema)="(/assets/[^"]+)"', page.text))
    assert len(files) >= 3, path
    total = page.num_bytes_downloaded
    for address in files:
        total += (await browser.get(address)).num_bytes_downloaded
    return total


async def test_the_operators_page_is_light(app: FastAPI) -> None:
    async with client_of(app, OPERATOR_KEY) as key, client_of(app, None) as browser:
        for n in range(50):
            made = await key.put(f"/v1/tenants/weight-{n:02}", json={"policy": "x-cart"})
            assert made.is_success, made.text
        await operator.sign_in(app, browser)
        assert 5_000 < await weight(browser, "/operator?query=weight-") < 100_000


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_and_its_files_are_light(app: FastAPI, path: str) -> None:
    vendor = await make_vendor(app, "cs-cart")
    customer = await account(vendor)
    browser = customer if path.startswith("/account") else await person(vendor)
    assert 5_000 < await weight(browser, path) < MOST.get(path, 100_000)
    await vendor.close()
