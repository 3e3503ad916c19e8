"""The board of promised times and a clock's page over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from fastapi import FastAPI

from tests.support.api import Vendor, make_vendor
from tests.web.desk import HOSTILE, escaped, person, plain

HOURS = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "x-cart", now="2025-02-20T09:00:00Z")
    version = {
        "effective_from": "2025-02-21",
        "weekly_hours": HOURS,
        "exceptions": [{"date": "2025-03-04", "kind": "closed", "name": "Spring <b>outing</b>"}],
    }
    await vendor.ok(await vendor.post("/v1/calendars/service-hours/versions", version))
    await move(vendor, "2025-03-03T09:30:00Z")
    yield vendor
    await vendor.close()


async def move(vendor: Vendor, now: str) -> None:
    while not (await vendor.ok(await vendor.put("/v1/clock", {"now": now}), 200))["reached"]:
        pass


async def ticket(vendor: Vendor, ticket_id: str, **fields: Any) -> dict[str, Any]:
    body = {"customer_id": "ann", "subject": "Shipping", "channel": "helpdesk", **fields}
    return await vendor.ok(await vendor.put(f"/v1/tickets/{ticket_id}", body))


def shown(page: str) -> list[str]:
    """The tickets of a board, in its order."""
    return re.findall(r'<a class="who" id="t-[^"]+" href="/desk/tickets/([^"]+)"', page)


async def test_the_most_urgent_stands_first(acme: Vendor) -> None:
    await ticket(acme, "t-1")
    await move(acme, "2025-03-03T15:00:00Z")
    await ticket(acme, "t-2")
    await move(acme, "2025-03-05T10:00:00Z")
    await ticket(acme, "t-3")
    browser = await person(acme)
    page = (await browser.get("/desk/board")).text
    plain(page)
    assert shown(page) == ["t-1", "t-2", "t-3"]
    heads = re.findall(r'<h2 id="group-\d+" class="who">([^<]+)</h2>', page)
    assert heads == ["Overdue", "Within a day", "Later"]
    assert "30\u00a0min late" in page
    await acme.ok(await acme.post("/v1/tickets/t-1/withdrawal"))
    assert shown((await browser.get("/desk/board")).text) == ["t-2", "t-3"]


async def test_filters_groups_and_what_stands_still(acme: Vendor) -> None:
    await ticket(acme, "t-1", category="level_1")
    await ticket(acme, "t-2", category="level_1", customer_id="bob")
    await acme.ok(await acme.post("/v1/tickets/t-2/pauses", {"reason": "waiting_for_customer", "party": "customer"}))
    browser = await person(acme)
    assert shown((await browser.get("/desk/board")).text) == ["t-1"]
    still = (await browser.get("/desk/board?phase=paused")).text
    assert shown(still) == ["t-2"]
    assert "of hours left" in still
    assert shown((await browser.get("/desk/board?category=level_1&milestone=first_response")).text) == ["t-1"]
    none = (await browser.get("/desk/board?category=level_4")).text
    assert shown(none) == []
    assert "No open clock is like that" in none
    grouped = (await browser.get("/desk/board?group=customer")).text
    assert re.findall(r'<h2 id="group-\d+" class="who">([^<]+)</h2>', grouped) == ["ann"]
    odd = await browser.get("/desk/board", params={"group": HOSTILE, "phase": "x", "milestone": HOSTILE})
    assert odd.status_code == 422
    assert "<code>/group</code>" in odd.text
    assert "<code>/phase</code>" in odd.text
    plain(odd.text)


async def test_a_board_has_parts(acme: Vendor) -> None:
    for number in range(30):
        await ticket(acme, f"t-{number:02}")
    browser = await person(acme)
    first = (await browser.get("/desk/board")).text
    onward = re.search(r'href="(/desk/board\?cursor=[^"]+)">Further clocks', first)
    assert onward is not None
    rest = (await browser.get(onward[1].replace("&amp;", "&"))).text
    assert len(shown(first)) == 25
    assert sorted(shown(first) + shown(rest)) == [f"t-{number:02}" for number in range(30)]
    assert "hx-trigger" in first
    assert "hx-trigger" not in rest  # what is further on stays where it is while it is read
    assert (await browser.get("/desk/board?cursor=forged")).status_code == 400


async def test_an_empty_board_says_what_starts_a_clock(acme: Vendor) -> None:
    page = (await (await person(acme)).get("/desk/board")).text
    assert "Nothing is owed." in page


async def test_a_clock_shows_its_days(acme: Vendor) -> None:
    made = await ticket(acme, "t-1", subject=HOSTILE)
    clock = made["clocks"][0]["clock_id"]
    await move(acme, "2025-03-03T12:00:00Z")
    await acme.ok(await acme.post("/v1/tickets/t-1/pauses", {"reason": "waiting_for_customer", "party": "customer"}))
    await move(acme, "2025-03-03T14:00:00Z")
    await acme.ok(await acme.post("/v1/tickets/t-1/resumptions"))
    await move(acme, "2025-03-06T10:00:00Z")
    page = (await (await person(acme)).get(f"/desk/clocks/{clock}")).text
    plain(page)
    assert escaped(HOSTILE) in page
    rows = re.findall(r'<th scope="row" class="num">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    days = {day: re.sub(r"<[^>]+>|\s+", " ", rest) for day, rest in rows}
    assert list(days) == ["Mon 3 Mar 2025", "Tue 4 Mar 2025", "Wed 5 Mar 2025", "Thu 6 Mar 2025"]
    monday, outing = days["Mon 3 Mar 2025"], days["Tue 4 Mar 2025"]
    assert "09:00 to 18:00" in monday
    assert "counted 09:30 to 12:00" in monday
    assert "counted 14:00 to 18:00" in monday
    assert "waited for the customer 12:00 to 14:00, waiting for customer" in monday
    assert "closed" in outing
    assert "Spring &lt;b&gt;outing&lt;/b&gt;" in outing
    assert "due at 11:30" in days["Wed 5 Mar 2025"]
    assert "missed at 11:30" in days["Wed 5 Mar 2025"]
    assert {"hours--open", "hours--counted", "hours--wait-customer", "hours--breach"} <= set(
        re.findall(r"hours--[a-z-]+", page)
    )


async def test_who_may_see_what(acme: Vendor, app: FastAPI) -> None:
    clock = (await ticket(acme, "t-1", subject="Secret"))["clocks"][0]["clock_id"]
    refused = await (await person(acme, "customers:read")).get("/desk/board")
    assert refused.status_code == 403
    assert "clocks:read" in refused.text
    clocks_only = await person(acme, "clocks:read")
    for path in ("/desk/board", f"/desk/clocks/{clock}"):
        page = await clocks_only.get(path)
        assert page.status_code == 200
        assert "Secret" not in page.text
    beta = await make_vendor(app, "x-cart")
    other = await person(beta)
    assert (await other.get(f"/desk/clocks/{clock}")).status_code == 404
    assert shown((await other.get("/desk/board")).text) == []
    for odd in ("clk_none", "%00", "x" * 300):
        assert (await other.get(f"/desk/clocks/{odd}")).status_code in (404, 422), odd
    await beta.close()
