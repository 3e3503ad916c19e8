"""Calendars at the desk over HTTP: a month, and what a new version would move."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from fastapi import FastAPI

from tests.support.api import Vendor, make_vendor
from tests.web.desk import HOSTILE, forms, person, plain


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "x-cart", now="2025-03-03T09:00:00Z")
    yield vendor
    await vendor.close()


def days(page: str) -> dict[str, str]:
    """Each day of a month, in words."""
    rows = re.findall(r'<th scope="row" class="num">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    return {day: " ".join(re.sub(r"<[^>]+>", " ", rest).split()) for day, rest in rows}


async def test_a_month_has_its_hours(acme: Vendor) -> None:
    browser = await person(acme)
    assert 'href="/desk/calendars/service-hours"' in (await browser.get("/desk/calendars")).text
    page = (await browser.get("/desk/calendars/service-hours?month=2025-02")).text
    plain(page)
    found = days(page)
    assert len(found) == 28
    assert found["Fri 28 Feb 2025"] == "00:00 to 24:00"
    assert found["Sat 1 Feb 2025"] == "closed"
    assert "March 2025" in (await browser.get("/desk/calendars/service-hours?month=soon")).text.replace(
        "Mar 2", "March 2"
    )
    for odd in ("0000-00", "9999-12", "2025-13", HOSTILE):
        assert (await browser.get("/desk/calendars/service-hours", params={"month": odd})).status_code == 422


async def test_a_version_shows_what_moves_before_it_is_published(acme: Vendor) -> None:
    ticket = {"customer_id": "ann", "subject": "Shipping", "channel": "helpdesk"}
    await acme.ok(await acme.put("/v1/tickets/t-1", ticket))
    browser = await person(acme)
    path = "/desk/calendars/service-hours"
    page = (await browser.get(path)).text
    form = {
        "csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[-1],
        "key": "k-1",
        "name": "service-hours",
        "do": "preview",
        "effective_from": "2025-03-04",
        **{f"hours:{day}": "09:00-18:00" for day in ("mon", "tue", "wed", "thu", "fri")},
        "closed": f"2025-03-04 {HOSTILE}\n",
    }
    shown = await browser.post("/desk/calendars/act", data=form)
    assert shown.status_code == 200, shown.text
    plain(shown.text)
    assert "It moves <strong>1</strong> of 1 open clocks" in shown.text
    assert "/desk/tickets/t-1" in shown.text
    assert len((await acme.get("/v1/calendars/service-hours/versions")).json()["data"]) == 1
    done = await browser.post("/desk/calendars/act", data={**form, "do": "publish"})
    assert (done.status_code, done.headers["location"]) == (303, f"{path}?done=published")
    page = (await browser.get(f"{path}?month=2025-03")).text
    plain(page)
    found = days(page)
    assert found["Tue 4 Mar 2025"].startswith("closed &lt;script&gt;")
    assert found["Wed 5 Mar 2025"] == "09:00 to 18:00"
    refused = await browser.post("/desk/calendars/act", data={**form, "hours:mon": "nine", "key": "k-2"})
    assert refused.status_code == 422
    assert "09:00-18:00" in refused.text
    for odd in ({"effective_from": "soon"}, {"closed": "soon"}, {"hours:mon": "25:00-26:00"}):
        assert (await browser.post("/desk/calendars/act", data={**form, **odd, "key": "k-3"})).status_code in (
            409,
            422,
        ), odd


async def test_closures_of_the_version_before_stay(acme: Vendor) -> None:
    closed = [{"date": f"2025-03-{day}", "kind": "closed", "name": f"Day {day}"} for day in ("05", "12", "19")]
    version = {"effective_from": "2025-03-04", "exceptions": closed}
    await acme.ok(await acme.post("/v1/calendars/service-hours/versions", version))
    browser = await person(acme)
    page = (await browser.get("/desk/calendars/service-hours")).text
    form = {
        "csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[-1],
        "key": "k-1",
        "name": "service-hours",
        "do": "publish",
        "effective_from": "2025-03-10",
        **dict(re.findall(r'name="(hours:[a-z]{3})"[^>]* value="([^"]*)"', page)),
        "closed": "2025-03-12 Another name\n2025-03-13",
    }
    done = await browser.post("/desk/calendars/act", data=form)
    assert done.status_code == 303, done.text
    found = (await acme.get("/v1/calendars/service-hours/closures?from=2025-03-03&to=2025-03-31")).json()["data"]
    days = {row["date"]: row["reasons"] for row in found}
    assert set(days) == {"2025-03-05", "2025-03-12", "2025-03-13", "2025-03-19"}
    assert (days["2025-03-05"], days["2025-03-12"], days["2025-03-19"]) == (["Day 05"], ["Another name"], ["Day 19"])


async def test_who_may_see_what(acme: Vendor, app: FastAPI) -> None:
    reader = await person(acme, "calendars:read")
    page = (await reader.get("/desk/calendars/service-hours")).text
    assert "A new version" not in page
    assert forms(page, "preview") == []
    refused = await (await person(acme, "tickets:read")).get("/desk/calendars")
    assert refused.status_code == 403
    assert "calendars:read" in refused.text
    beta = await make_vendor(app, "cs-cart")
    await beta.ok(await beta.put("/v1/calendars/own", {"zone": "Europe/Berlin"}))
    assert (await (await person(acme)).get("/desk/calendars/own")).status_code == 404
    empty = (await (await person(beta)).get("/desk/calendars/own")).text
    assert "The calendar has no version yet" in empty
    await beta.close()
