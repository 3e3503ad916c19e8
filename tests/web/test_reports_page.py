"""The reports at the desk: their figures are those of the calls, in a table, as CSV and as JSON."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.api.pages import reports_page
from app.api.pages.charts import Series, chart_of
from app.views.report import NAMES
from tests.conftest import MakeVendor
from tests.reports.test_reports import lived
from tests.support.api import Vendor, make_vendor
from tests.tickets.desk import order
from tests.web.desk import HOSTILE, escaped, person, plain


@pytest_asyncio.fixture
async def shop(vendor: MakeVendor) -> Vendor:
    return await lived(vendor)


@pytest_asyncio.fixture
async def empty(app: FastAPI) -> AsyncIterator[Vendor]:
    made = await make_vendor(app, "x-cart")
    yield made
    await made.close()


def cells(page: str) -> list[list[str]]:
    """The rows of the table of figures, as a reader sees them."""
    table = page.rpartition("<tbody>")[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell).strip().replace("\u202f", "") for cell in row] for row in found]


async def test_every_report_has_a_page_whose_figures_are_those_of_the_call(shop: Vendor) -> None:
    browser = await person(shop, "reports:read")
    listed = (await browser.get("/desk/reports")).text
    plain(listed)
    for name in NAMES:
        assert f'href="/desk/reports/{name}"' in listed
        page = await browser.get(f"/desk/reports/{name}")
        assert page.status_code == 200, name
        plain(page.text)
        report = await shop.ok(await shop.get(f"/v1/reports/{name}"))
        rows = cells(page.text)
        assert len(rows) == len(report["rows"]) + 1, name
        groups = len(report["group_by"])
        figures = [one for one in report["totals"]["figures"] if not one.endswith("_seconds")]
        for shown, row in zip(rows[:-1], report["rows"], strict=True):
            said = shown[groups : groups + len(figures)]
            assert said == [str(row["figures"][one]).replace("-", "\u2212") for one in figures], (name, shown)


async def test_a_picture_shows_each_month_and_says_its_sum(shop: Vendor) -> None:
    browser = await person(shop)
    report = await shop.ok(await shop.get("/v1/reports/grants", group_by="month"))
    page = (await browser.get("/desk/reports/grants")).text
    total = report["rows"][0]["figures"]["credits"]
    assert f"<title>Jan 2025: {total}</title>" in page
    by_customer = (await browser.get("/desk/reports/liability?group_by=customer&group_by=")).text
    for name in ("anna", "bob", "cid"):
        assert f'<span class="who">{name}</span>' in by_customer


async def test_filters_narrow_it_and_links_carry_them(shop: Vendor) -> None:
    browser = await person(shop)
    asked = {"from": "2025-01-02", "to": "2025-02-01", "group_by": "day,customer"}
    page = (await browser.get("/desk/reports/consumption", params=asked)).text
    report = await shop.ok(await shop.get("/v1/reports/consumption", **asked))
    assert len(cells(page)) == len(report["rows"]) + 1 > 1
    for ending in ("csv", "json"):
        address = re.search(rf'href="(/desk/reports/consumption\.{ending}[^"]*)"', page)
        assert address is not None
        given = await browser.get(address[1].replace("&amp;", "&"))
        own = await shop.get("/v1/reports/consumption", **asked, format=ending)
        assert given.headers["content-disposition"] == f'attachment; filename="consumption.{ending}"'
        assert (given.json() == own.json()) if ending == "json" else (given.text == own.text)


async def test_a_day_stands_for_its_end(shop: Vendor) -> None:
    browser = await person(shop)
    page = (await browser.get("/desk/reports/liability.json?as_of=2025-01-02&group_by=none")).json()
    own = await shop.ok(await shop.get("/v1/reports/liability", as_of="2025-01-02T23:59:59Z", group_by="none"))
    assert page["totals"] == own["totals"]
    assert page["rows"] == []


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "group_by=nothing", "from=2025-02-01&to=2025-01-01", "as_of=1", f"group_by={HOSTILE}", "to=%00"],
)
async def test_a_question_that_makes_no_sense_is_refused_beside_the_form(empty: Vendor, query: str) -> None:
    browser = await person(empty)
    page = await browser.get(f"/desk/reports/grants?{query}")
    assert page.status_code == 422
    plain(page.text)
    assert 'role="alert"' in page.text
    assert '<label for="from">From</label>' in page.text
    for ending in ("csv", "json"):
        assert (await browser.get(f"/desk/reports/grants.{ending}?{query}")).status_code == 422


async def test_a_shop_without_anything_has_reports(empty: Vendor) -> None:
    browser = await person(empty)
    for name in NAMES:
        page = await browser.get(f"/desk/reports/{name}")
        assert page.status_code == 200
        assert "0 rows" in page.text
        assert "chart__picture" not in page.text
    for address in ("/desk/reports/nothing", "/desk/reports/nothing.csv", "/desk/reports/%00.json"):
        assert (await browser.get(address)).status_code == 404


async def test_who_may_not_read_reports_sees_none(shop: Vendor) -> None:
    browser = await person(shop, "customers:read", "tickets:read")
    assert "/desk/reports" not in (await browser.get("/desk")).text
    for address in (
        "/desk/reports",
        "/desk/reports/liability",
        "/desk/reports/agents.csv",
        "/desk/reports/agents.json",
    ):
        page = await browser.get(address)
        assert page.status_code == 403
        assert "reports:read" in page.text
        assert "anna" not in page.text


async def test_names_are_text_and_no_formula(empty: Vendor) -> None:
    names = {"=1+1": "%3D1%2B1", "\u0645\u0631": "%D9%85%D8%B1", "<script>alert(1)": "%3Cscript%3Ealert%281%29"}
    for part in names.values():
        given = await empty.post(f"/v1/customers/{part}/adjustments", {"credits": 7, "reason": "x"})
        assert given.status_code in (200, 201), given.text
    browser = await person(empty)
    page = (await browser.get("/desk/reports/liability?group_by=customer")).text
    plain(page)
    for name in names:
        assert page.count(escaped(name)) >= 2, name  # beside the picture, and in the table
    assert "'=1+1" in (await browser.get("/desk/reports/liability.csv?group_by=customer")).text


async def test_a_long_report_shows_its_first_rows_and_gives_all(empty: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports_page, "ROWS_SHOWN", 2)
    for number in range(4):
        await order(empty, f"c{number}", "license", "credits-60")
    browser = await person(empty)
    page = (await browser.get("/desk/reports/liability?group_by=customer")).text
    assert len(cells(page)) == 3
    assert "The CSV has all of them" in page
    assert (await browser.get("/desk/reports/liability.csv?group_by=customer")).text.count("\r\n") == 6


def test_columns_run_evenly_and_parts_add_up() -> None:
    series = (Series("a", "A", "one"), Series("b", "B", "two"))
    values = {
        "2024-11": {"a": Decimal(3), "b": Decimal(4)},
        "2025-02": {"a": Decimal(-5), "b": Decimal(1)},
        "never": {},
    }
    chart = chart_of("x", "count", series, values, along_time=True)
    assert chart is not None
    assert [stack.label for stack in chart.stacks] == ["2024-11", "2024-12", "2025-01", "2025-02", "never"]
    assert [stack.whole for stack in chart.stacks] == [7, 0, 0, 1, 0]
    assert chart.top == 10
    assert [(box.at, box.size) for box in chart.stacks[0].boxes] == [(0, 30), (30, 40)]
    assert chart_of("x", "count", series, {"2025-01": {}}, along_time=True) is None
    long = chart_of(
        "x", "count", series, {"2000-01-01": {"a": Decimal(1)}, "2199-12-31": {"a": Decimal(2)}}, along_time=True
    )
    assert long is not None
    assert len(long.stacks) == 2
