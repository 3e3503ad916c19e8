"""Terms as people sell them: whole last days, days of grace, renewals that keep their date."""

from __future__ import annotations

import copy
import uuid
from typing import Any

import pytest
import yaml
from fastapi import FastAPI

from app.commands.base import ROOT
from tests.conftest import MakeVendor
from tests.covers.test_covers import covers_of
from tests.orders.builders import a_line, buy, may
from tests.support.api import OPERATOR_KEY, Vendor, client_of

BERLIN = {"end_of_day": "Europe/Berlin"}


def document(cover: dict[str, Any], start: str = "after_current") -> dict[str, Any]:
    """A shipped policy with these rules of cover, and support by the month as well."""
    text: dict[str, Any] = yaml.safe_load((ROOT / "app/policies/cactushop.yaml").read_text(encoding="utf-8"))
    text["cover"] |= cover
    yearly = next(one for one in text["offers"] if one["sku"] == "support-12-months")
    yearly["grants"][0]["start"] = start
    monthly = copy.deepcopy(yearly) | {"sku": "support-1-months"}
    monthly["grants"][0] |= {"rule": "support_month", "term": {"months": 1}}
    text["offers"].append(monthly)
    return text


async def sells(app: FastAPI, cover: dict[str, Any], now: str, start: str = "after_current") -> Vendor:
    """A tenant under such a policy; its customer holds no license, so that only bought cover counts."""
    tenant_id = f"terms-{uuid.uuid4().hex[:10]}"
    body = {"policy": "cactushop", "document": document(cover, start), "clock": {"mode": "virtual", "now": now}}
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.put(f"/v1/tenants/{tenant_id}", json=body)
        assert made.status_code == 201, made.text
        key = (await operator.post(f"/v1/tenants/{tenant_id}/keys", json={"scopes": ["*"], "label": "t"})).json()["key"]
    return Vendor(tenant_id, "cactushop", key, client_of(app, key), app)


async def periods(shop: Vendor) -> list[tuple[str, str]]:
    found = [(one["starts_at"], one["ends_at"]) for one in await covers_of(shop)]
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    return sorted(found)


async def allowed(shop: Vendor, at: str) -> bool:
    """Whether a ticket may be opened at an instant."""
    await shop.move_clock(at)
    return bool((await may(shop, "open_ticket"))["allowed"])


async def test_a_ticket_at_noon_of_the_last_day_is_taken(app: FastAPI) -> None:
    shop = await sells(app, BERLIN, "2025-01-15T09:12:00Z")
    await buy(shop, "support-12-months", placed_at="2025-01-15T09:12:00Z")
    assert await periods(shop) == [("2025-01-15T09:12:00Z", "2026-01-15T23:00:00Z")], "midnight in Berlin"
    assert await allowed(shop, "2026-01-15T12:00:00Z")
    assert await allowed(shop, "2026-01-15T22:59:59Z")
    assert not await allowed(shop, "2026-01-15T23:00:00Z")


async def test_without_the_setting_cover_ends_to_the_instant(app: FastAPI) -> None:
    shop = await sells(app, {}, "2025-01-15T09:12:00Z")
    await buy(shop, "support-12-months", placed_at="2025-01-15T09:12:00Z")
    assert await periods(shop) == [("2025-01-15T09:12:00Z", "2026-01-15T09:12:00Z")]
    assert not await allowed(shop, "2026-01-15T12:00:00Z")


async def test_the_last_day_is_the_zones_own(app: FastAPI) -> None:
    """23:30 UTC is the next day in Berlin; the last day of summer time has an end of its own."""
    shop = await sells(app, BERLIN, "2025-09-26T22:30:00Z")
    await buy(shop, "support-1-months", placed_at="2025-09-25T22:30:00Z")
    assert await periods(shop) == [("2025-09-25T22:30:00Z", "2025-10-26T23:00:00Z")]


async def test_a_renewal_at_half_past_five_leaves_no_gap_and_keeps_the_date(app: FastAPI) -> None:
    shop = await sells(app, BERLIN, "2025-01-31T09:00:00Z")
    wanted, start = [], "2025-01-31T09:00:00Z"
    await buy(shop, "support-1-months", placed_at=start)
    for renewed, end in (
        ("2025-02-28T16:30:00Z", "2025-02-28T23:00:00Z"),
        ("2025-03-31T15:30:00Z", "2025-03-31T22:00:00Z"),
        ("2025-04-30T15:30:00Z", "2025-04-30T22:00:00Z"),
        ("2025-05-31T15:30:00Z", "2025-05-31T22:00:00Z"),
    ):
        wanted.append((start, end))
        start = end
        await shop.move_clock(renewed)
        await buy(shop, "support-1-months", placed_at=renewed)
    assert (await periods(shop))[:4] == wanted


async def test_two_years_bought_at_once_end_on_the_same_date(app: FastAPI) -> None:
    shop = await sells(app, BERLIN, "2024-02-29T10:00:00Z")
    await buy(shop, a_line("support-12-months", quantity=4), placed_at="2024-02-29T10:00:00Z")
    assert [end for _, end in await periods(shop)] == [
        "2025-02-28T23:00:00Z",
        "2026-02-28T23:00:00Z",
        "2027-02-28T23:00:00Z",
        "2028-02-29T23:00:00Z",
    ]


@pytest.mark.parametrize("start", ["after_current", "when_uncovered"])
async def test_days_of_grace_serve_and_a_renewal_counts_from_the_end(app: FastAPI, start: str) -> None:
    shop = await sells(app, {**BERLIN, "grace": 5, "renewal": {}}, "2025-03-10T08:00:00Z", start)
    await buy(shop, "support-1-months", placed_at="2025-03-10T08:00:00Z")
    assert await periods(shop) == [("2025-03-10T08:00:00Z", "2025-04-15T22:00:00Z")], "10 April and five days"
    assert await allowed(shop, "2025-04-14T12:00:00Z")
    await buy(shop, "support-1-months", placed_at="2025-04-14T12:00:00Z")
    assert (await periods(shop))[1] == ("2025-04-10T22:00:00Z", "2025-05-15T22:00:00Z"), "no gap, and the 10th again"
    assert not await allowed(shop, "2025-05-15T22:00:00Z")
    await shop.move_clock("2025-05-16T08:00:00Z")
    await buy(shop, "support-1-months", placed_at="2025-05-16T08:00:00Z")
    assert (await periods(shop))[2] == ("2025-05-16T08:00:00Z", "2025-06-21T22:00:00Z"), "a gap is a gap"


async def test_grace_without_a_zone_is_days_of_24_hours(app: FastAPI) -> None:
    shop = await sells(app, {"grace": 2}, "2025-03-10T08:00:00Z")
    await buy(shop, "support-1-months", placed_at="2025-03-10T08:00:00Z")
    assert await allowed(shop, "2025-04-12T07:59:59Z")
    await buy(shop, "support-1-months", placed_at="2025-04-11T00:00:00Z")
    assert (await periods(shop))[1] == ("2025-04-11T00:00:00Z", "2025-05-13T00:00:00Z"), "no renewal: from the order"


async def test_a_renewal_after_the_end_goes_on_within_the_days_that_are_named(app: FastAPI) -> None:
    shop = await sells(app, {"renewal": {"within": 3}}, "2025-01-30T10:00:00Z")
    await buy(shop, "support-1-months", placed_at="2025-01-30T10:00:00Z")
    assert not await allowed(shop, "2025-02-28T17:30:00Z"), "no days of grace"
    await buy(shop, "support-1-months", placed_at="2025-02-28T17:30:00Z")
    assert await periods(shop) == [
        ("2025-01-30T10:00:00Z", "2025-02-28T10:00:00Z"),
        ("2025-02-28T10:00:00Z", "2025-03-30T10:00:00Z"),
    ]
    assert await allowed(shop, "2025-02-28T17:30:01Z")


async def test_an_earlier_order_that_comes_late_moves_what_follows(app: FastAPI) -> None:
    """The same ledger for any order of events."""
    shop = await sells(app, BERLIN, "2025-02-20T12:00:00Z")
    await buy(shop, "support-1-months", placed_at="2025-02-10T09:00:00Z")
    await buy(shop, "support-1-months", placed_at="2025-01-31T09:00:00Z")
    assert await periods(shop) == [
        ("2025-01-31T09:00:00Z", "2025-02-28T23:00:00Z"),
        ("2025-02-28T23:00:00Z", "2025-03-31T22:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("cover", "path"),
    [
        ({"end_of_day": "Mars/Olympus"}, "/cover/end_of_day"),
        ({"grace": -1}, "/cover/grace"),
        ({"grace": 367}, "/cover/grace"),
        ({"renewal": {"within": -1}}, "/cover/renewal/within"),
        ({"renewal": {"days": 1}}, "/cover/renewal/days"),
        ({"grace": "3"}, "/cover/grace"),
    ],
)
async def test_terms_that_no_policy_can_have(vendor: MakeVendor, cover: dict[str, Any], path: str) -> None:
    shop = await vendor("cactushop")
    body = {"document": document(cover)}
    checked = await shop.post("/v1/policies/validate", body, key=None)
    found = checked.json()
    assert path in str(found), found
    refused = await shop.post("/v1/policies/cactushop/versions", body)
    assert refused.status_code == 422, refused.text


async def test_languages_that_no_check_asks_for_are_warned_about(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    text = document({}) | {"ticket_languages": ["no", "en"]}
    checked = (await shop.post("/v1/policies/validate", {"document": text}, key=None)).json()
    assert "languages_unchecked" in str(checked), checked
    asked = copy.deepcopy(text)
    asked["qualification"].setdefault("checks", []).append(
        {
            "check": "language",
            "code": "unsupported_language",
            "clause": "CACTU-3",
            "message": "Norwegian or English.",
            "require": {"fact": "ticket.language", "op": "in", "value": ["no", "en"]},
        }
    )
    checked = (await shop.post("/v1/policies/validate", {"document": asked}, key=None)).json()
    assert "languages_unchecked" not in str(checked), checked
