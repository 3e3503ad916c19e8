"""Cover over HTTP: its last second, queues, suspension, extension, and the entitlements that rest on it."""

from __future__ import annotations

from typing import Any

import pytest

from app.db.account import accounts
from tests.conftest import MakeVendor
from tests.orders.builders import a_line, buy, may
from tests.support.api import Vendor

BUY_A_YEAR = {"kind": "buy", "sku": "support-12-months", "price": {"amount": "210.00", "currency": "USD"}}


async def events(shop: Vendor, kind: str, customer_id: str = "ann") -> list[dict[str, Any]]:
    export = await shop.ok(await shop.get(f"/v1/customers/{customer_id}/export"))
    return [one for one in export["events"] if one["type"] == kind]


async def covers_of(shop: Vendor, customer_id: str = "ann") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await shop.ok(await shop.get(f"/v1/customers/{customer_id}")))["covers"]
    return found


@pytest.mark.parametrize(
    ("placed_at", "ends_at"),
    [
        ("2024-08-31T10:00:00Z", "2025-02-28T10:00:00Z"),
        ("2023-08-31T10:00:00Z", "2024-02-29T10:00:00Z"),
        ("2024-07-15T10:00:00Z", "2025-01-15T10:00:00Z"),
    ],
)
async def test_cactu_1_six_calendar_months_from_the_order(vendor: MakeVendor, placed_at: str, ends_at: str) -> None:
    shop = await vendor("cactushop")
    body = await buy(shop, "license-standard", placed_at=placed_at)
    assert [one["ends_at"] for one in body["covers"]] == [ends_at]


async def test_cactu_4_the_last_second_of_six_months(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-01-15T10:00:00Z")
    await buy(shop, "license-standard", placed_at="2025-01-15T10:00:00Z")
    await shop.move_clock("2025-07-15T09:59:59Z")
    for action in ("open_ticket", "download", "user_area"):
        assert (await may(shop, action))["allowed"] is True
    await shop.move_clock("2025-07-15T10:00:00Z")
    for action in ("open_ticket", "download", "user_area"):
        assert (await may(shop, action))["allowed"] is False
    denied = await may(shop, "download")
    assert denied["policy"] == {"name": "cactushop", "version": 1}
    assert denied["at"] == "2025-07-15T10:00:00Z"
    reason = denied["reasons"][0]
    assert (reason["code"], reason["clause"]) == ("cover_expired", "CACTU-4")
    assert reason["message"].startswith("Support cover ended on 15 July 2025.")
    assert reason["facts"] == {"ended_at": "2025-07-15T10:00:00Z"}
    assert denied["remedies"] == [BUY_A_YEAR]
    assert reason["would_change"] == "cover in force"


@pytest.mark.parametrize(
    ("reason", "clause"),
    [("lost_copy", "CACTU-5"), ("modified_copy", "CACTU-6"), ("not_downloaded", "CACTU-7"), ("never_used", "CACTU-8")],
)
async def test_cactu_5_to_8_a_reason_picks_the_clause_never_the_answer(
    vendor: MakeVendor, reason: str, clause: str
) -> None:
    shop = await vendor("cactushop")
    await buy(shop, "license-standard")
    assert (await may(shop, "download", reason=reason))["allowed"] is True
    await shop.move_clock("2025-08-01T00:00:00Z")
    denied = await may(shop, "download", reason=reason, released_at="2025-02-01T00:00:00Z")
    assert denied["allowed"] is False
    assert denied["reasons"][0]["clause"] == clause


async def test_cactu_10_the_price_follows_the_edition(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    for skus, amount in (
        (("license-standard",), "210.00"),
        (("license-pro",), "420.00"),
        (("license-standard", "license-pro"), "420.00"),
    ):
        name = "-".join(skus)
        await buy(shop, *skus, customer_id=name)
        offers = (await shop.ok(await shop.get("/v1/offers", customer_id=name)))["data"]
        found = {one["sku"]: one["price"] for one in offers}
        assert found["support-12-months"] == {"amount": amount, "currency": "USD"}
        assert found["license-pro"] is None


async def test_cactu_13_reminders_before_the_end_and_the_end(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await buy(shop, "license-standard")
    granted = (await events(shop, "cover.granted"))[0]["data"]
    assert granted["ends_at"] == "2025-07-01T00:00:00Z"
    assert [one["clause"] for one in granted["notices"]] == ["CACTU-13", "CACTU-8"]
    await shop.move_clock("2025-07-02T00:00:00Z")
    reminders = await events(shop, "cover.ending")
    assert [(one["data"]["days"], one["occurred_at"]) for one in reminders] == [
        (30, "2025-06-01T00:00:00Z"),
        (7, "2025-06-24T00:00:00Z"),
        (1, "2025-06-30T00:00:00Z"),
    ]
    assert [one["occurred_at"] for one in await events(shop, "cover.ended")] == ["2025-07-01T00:00:00Z"]


async def test_cactu_14_support_during_cover_extends_and_a_gap_stays_a_gap(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await buy(shop, "license-standard")
    during = await buy(shop, "support-12-months")
    assert during["covers"][0]["starts_at"] == "2025-07-01T00:00:00Z"
    assert during["covers"][0]["ends_at"] == "2026-07-01T00:00:00Z"
    await shop.move_clock("2026-09-01T00:00:00Z")
    after = await buy(shop, a_line("support-12-months", quantity=2), placed_at="2026-08-31T00:00:00Z")
    assert [(one["starts_at"], one["ends_at"]) for one in after["covers"]] == [
        ("2026-08-31T00:00:00Z", "2027-08-31T00:00:00Z"),
        ("2027-08-31T00:00:00Z", "2028-08-31T00:00:00Z"),
    ]


async def test_cactu_11_and_14_bought_support_serves_all_and_a_license_cover_its_own(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    old = await buy(shop, "license-standard", placed_at="2024-01-01T00:00:00Z", order_id="o-1")
    new = await buy(shop, "license-standard", order_id="o-2")
    one, two = old["licenses"][0]["license_id"], new["licenses"][0]["license_id"]
    assert (await may(shop, "download", license_id=one))["allowed"] is False
    assert (await may(shop, "download", license_id=two))["allowed"] is True
    assert (await may(shop, "download"))["allowed"] is True
    await shop.move_clock("2025-07-01T00:00:00Z")
    await buy(shop, "support-12-months", placed_at="2025-07-01T00:00:00Z")
    assert (await may(shop, "download", license_id=one))["allowed"] is True


async def test_a_license_of_somebody_else_is_denied_like_one_that_is_not_there(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await buy(shop, "license-standard")
    theirs = (await buy(shop, "license-standard", customer_id="bob"))["licenses"][0]["license_id"]
    for license_id in (theirs, "lic_none"):
        denied = await may(shop, "download", license_id=license_id)
        assert (denied["allowed"], denied["reasons"][0]["code"]) == (False, "license_not_found")


async def test_an_unknown_customer_is_an_empty_account(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    denied = await may(shop, "download", customer_id="nobody")
    assert (denied["allowed"], denied["reasons"][0]["code"]) == (False, "cover_missing")
    assert denied["remedies"] == [BUY_A_YEAR]
    offers = (await shop.ok(await shop.get("/v1/offers", customer_id="nobody")))["data"]
    assert {one["sku"] for one in offers} == {"license-standard", "license-pro", "support-12-months"}
    assert (await shop.get("/v1/customers/nobody/entitlements/dance")).status_code == 404
    assert (await shop.get("/v1/customers/nobody/entitlements/download", reason="because")).status_code == 422


async def test_cactu_8_no_free_extension(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    cover_id = (await buy(shop, "license-standard"))["covers"][0]["cover_id"]
    path = f"/v1/covers/{cover_id}/extension"
    refused = await shop.post(path, json={"months": 6, "reason": "never used"})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_free_extension")
    assert refused.json()["reasons"][0]["clause"] == "CACTU-8"
    assert (await shop.post(path, json={"months": 0, "reason": "x"})).status_code == 422
    assert (await shop.post("/v1/covers/cov_none/extension", json={"months": 1, "reason": "x"})).status_code == 404
    assert [one["ends_at"] for one in await covers_of(shop)] == ["2025-07-01T00:00:00Z"]


async def test_explain_names_the_rules_up_to_the_one_that_decides(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await buy(shop, "license-standard")
    answer = await may(shop, "download", explain="true")
    assert [(one["code"], one["facts"]["result"]) for one in answer["trace"]] == [("covered", "holds")]
    assert "trace" not in await may(shop, "download")
    await shop.move_clock("2025-08-01T00:00:00Z")
    later = await may(shop, "download", explain="true")
    assert [(one["code"], one["facts"]["result"]) for one in later["trace"]] == [
        ("covered", "does not hold"),
        ("cover_expired", "holds"),
    ]
    assert later["trace"][0]["message"] == "Looked at whether cover is in force (no); this does not apply."
    assert later["summary"].endswith("(CACTU-4).")


async def test_as_of_answers_as_it_stood(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await buy(shop, "license-standard")
    await shop.move_clock("2025-08-01T00:00:00Z")
    await buy(shop, "support-12-months", placed_at="2025-07-10T00:00:00Z")
    assert (await may(shop, "download", as_of="2025-06-30T00:00:00Z"))["allowed"] is True
    assert (await may(shop, "download", as_of="2025-07-05T00:00:00Z"))["allowed"] is False
    assert (await may(shop, "download", as_of="2025-07-20T00:00:00Z"))["allowed"] is True
    known = await may(shop, "download", as_of="2025-07-20T00:00:00Z", known_at="2025-07-20T00:00:00Z")
    assert known["allowed"] is False


# --- periods that start with the first request ------------------------------------------------------------------------


async def test_csc_18_the_price_depends_on_the_number_of_licenses(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    for licenses, amounts in (
        (1, ["65.00", "180.00", "350.00", "650.00"]),
        (3, ["85.00", "240.00", "460.00", "850.00"]),
    ):
        name = f"with-{licenses}"
        await buy(shop, a_line("license", quantity=licenses), customer_id=name)
        offers = (await shop.ok(await shop.get("/v1/offers", customer_id=name)))["data"]
        found = {one["sku"]: one["price"]["amount"] for one in offers if one["sku"].startswith("support-")}
        assert [found[f"support-{n}-months"] for n in (1, 3, 6, 12)] == amounts


async def test_csc_4_a_period_waits_for_its_first_request(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    body = await buy(shop, "license", a_line("support-1-months", line_id="2", quantity=2))
    assert [(one["state"], one["starts_at"]) for one in body["covers"]] == [("pending", None)] * 2
    assert (await may(shop, "open_ticket"))["reasons"][0]["code"] == "choice_required"
    choice_id = body["choices"][0]["choice_id"]
    await shop.ok(await shop.post(f"/v1/customers/ann/choices/{choice_id}", json={"option": "cover"}))
    assert (await may(shop, "open_ticket"))["reasons"][0]["code"] == "cover_pending"
    assert len(await covers_of(shop)) == 3


async def test_csc_5_pending_and_free_cover_is_not_suspended(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    body = await buy(shop, "license", "support-1-months")
    cover_id = body["covers"][0]["cover_id"]
    refused = await shop.post(f"/v1/covers/{cover_id}/suspension")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_suspendable")
    assert refused.json()["reasons"][0]["clause"] == "CSC-5"
    assert (await shop.post(f"/v1/covers/{cover_id}/suspension", key=None)).status_code == 400
    resumed = await shop.post(f"/v1/covers/{cover_id}/resumption")
    assert (resumed.status_code, resumed.json()["code"]) == (409, "not_suspended")


async def test_csc_24_forums(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    assert (await may(shop, "forum_post", "nobody", forum="General"))["allowed"] is False
    assert (await may(shop, "forum_post", "nobody", forum="Why CS-Cart?"))["allowed"] is True
    await buy(shop, "license")
    assert (await may(shop, "forum_post", forum="General"))["allowed"] is True


async def test_an_erased_customers_refund_keeps_its_shape_and_loses_its_reason(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    line = {"line_id": "1", "sku": "credits-60", "quantity": 1}
    order = {"customer_id": "ann", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/o1", order), 201)
    ask = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "Ann wrote that she is ill"}
    await shop.ok(await shop.post("/v1/orders/o1/refunds", ask, key=None), 201)
    [before] = (await shop.ok(await shop.get("/v1/orders/o1")))["refunds"]
    assert before["reason"] == ask["reason"]
    await shop.ok(await shop.post("/v1/customers/ann/erasure", key=None))
    answer = await shop.get("/v1/orders/o1")
    assert "ill" not in answer.text
    assert answer.json()["refunds"] == [{**before, "reason": None}]


async def test_erasure_keeps_the_arithmetic_and_forgets_the_name(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "license", order_id="o-1")
    export = await shop.ok(await shop.get("/v1/customers/ann/export"))
    assert (len(export["lots"]), len(export["entries"]), len(export["orders"])) == (1, 1, 1)
    await shop.ok(await shop.post("/v1/customers/ann/erasure", key=None))
    assert (await shop.get("/v1/customers/ann")).status_code == 404
    assert (await shop.get("/v1/customers", query="ann")).json()["data"] == []
    kept = await shop.ok(await shop.get("/v1/orders/o-1"))
    assert (kept["customer_id"], [one["granted"] for one in kept["lots"]]) == (None, [60])
    again = await buy(shop, "license", order_id="o-2")
    assert [one["ordinal"] for one in again["licenses"]] == [1]


async def test_search_and_pages(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    for name in ("anna", "annb", "bob", "x%y"):
        await buy(shop, "license-standard", customer_id=name, order_id=f"o-{name}")
    first = (await shop.get("/v1/customers", query="ann", limit=1)).json()
    second = (await shop.get("/v1/customers", query="ann", limit=1, cursor=first["next_cursor"])).json()
    assert [one["customer_id"] for one in first["data"] + second["data"]] == ["anna", "annb"]
    assert second["next_cursor"] is None
    assert [one["customer_id"] for one in (await shop.get("/v1/customers", query="o-bob")).json()["data"]] == ["bob"]
    assert [one["customer_id"] for one in (await shop.get("/v1/customers", query="x%y")).json()["data"]] == ["x%y"]
    assert (await shop.get("/v1/customers", query="%")).json()["data"] == [], (
        "a sign is no word, and stands for nothing"
    )


async def test_two_accounts_become_one(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "license", customer_id="ann", order_id="o-1")
    await buy(shop, "license", customer_id="bob", order_id="o-2")
    done = await shop.post("/v1/customers/bob/merge", json={"into_customer_id": "ann"})
    body = await shop.ok(done)
    assert [one["ordinal"] for one in body["licenses"]] == [1, 2]
    assert body["balance"]["available"] == 120
    await buy(shop, "credits-60", customer_id="bob", order_id="o-3")
    assert (await shop.ok(await shop.get("/v1/customers/ann")))["balance"]["available"] == 180
    assert (await shop.post("/v1/customers/ann/merge", json={"into_customer_id": "ann"})).status_code == 422


async def test_the_shopp_key_is_registered_to_an_installation(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    license_id = (await buy(shop, "license"))["licenses"][0]["license_id"]
    done = await shop.ok(await shop.post(f"/v1/licenses/{license_id}/registration", json={"domain": "shop.example"}))
    assert done["registered_domain"] == "shop.example"
    assert (await shop.post("/v1/licenses/lic_x/registration", json={"domain": "a.example"})).status_code == 404
    denied = await may(shop, "open_ticket")
    assert denied["reasons"][0]["clause"] == "SHOPP-15"


# --- with tickets -----------------------------------------------------------------------------------------------------


async def ask(shop: Vendor, ticket_id: str, **more: Any) -> dict[str, Any]:
    body = {
        "customer_id": "ann",
        "subject": "How?",
        "channel": "helpdesk",
        "language": "en",
        "category": "category_1",
        "pay_with": "cover",
        "agreed_up_to": 20,
        **more,
    }
    answer = await shop.put(f"/v1/tickets/{ticket_id}", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_csc_4_5_and_19_a_period_begins_with_its_ticket_is_suspended_once_and_the_next_follows(
    vendor: MakeVendor,
) -> None:
    shop = await vendor("cs-cart", now="2025-01-31T12:00:00Z")
    body = await buy(
        shop, "license", a_line("support-1-months", line_id="2", quantity=2), placed_at="2025-01-31T12:00:00Z"
    )
    choice_id = body["choices"][0]["choice_id"]
    await shop.ok(await shop.post(f"/v1/customers/ann/choices/{choice_id}", json={"option": "credits"}))
    ticket = await ask(shop, "t-1")
    assert ticket["state"] == "in_progress", ticket
    first = next(one for one in await covers_of(shop) if one["state"] == "running")
    assert (first["starts_at"], first["ends_at"]) == ("2025-01-31T12:00:00Z", "2025-02-28T12:00:00Z")
    await shop.move_clock("2025-02-10T12:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{first['cover_id']}/suspension"))
    assert (await ask(shop, "t-2"))["state"] == "rejected"
    await shop.move_clock("2025-05-10T12:00:00Z")
    resumed = await shop.ok(await shop.post(f"/v1/covers/{first['cover_id']}/resumption"))
    assert resumed["ends_at"] == "2025-05-28T12:00:00Z"
    second = await shop.post(f"/v1/covers/{first['cover_id']}/suspension")
    assert (second.status_code, second.json()["code"]) == (409, "suspension_used")
    assert second.json()["reasons"][0]["clause"] == "CSC-5"
    await shop.move_clock("2025-06-15T00:00:00Z")
    assert [one["data"]["ended_at"] for one in await events(shop, "cover.ended")] == ["2025-05-28T12:00:00Z"]
    await ask(shop, "t-3")
    running = [one for one in await covers_of(shop) if one["state"] == "running"]
    assert [(one["starts_at"], one["ends_at"]) for one in running] == [("2025-06-15T00:00:00Z", "2025-07-15T00:00:00Z")]


async def test_many_covers_that_end_at_one_instant_are_told_of_one_by_one(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three reminders and an end for each, in one unbroken sequence. The account is read a few times, not for each: a
    thousand licenses of one order must not make the clock stand still."""
    read: list[str] = []
    load = accounts.load_by_id

    async def counted(tx: Any, customer_id: str, **more: Any) -> Any:
        read.append(customer_id)
        return await load(tx, customer_id, **more)

    monkeypatch.setattr(accounts, "load_by_id", counted)
    shop = await vendor("cactushop", now="2025-01-15T10:00:00Z")
    await buy(shop, a_line("license-standard", quantity=40))
    await buy(shop, a_line("license-standard", quantity=2), customer_id="bea", order_id="o2")
    read.clear()
    await shop.move_clock("2025-08-01T00:00:00Z")
    assert len(read) < 40
    for customer_id, units in (("ann", 40), ("bea", 2)):
        owned = {one["cover_id"] for one in await covers_of(shop, customer_id)}
        assert len(owned) == units
        for days in (30, 7, 1):
            told = [
                one["data"]["cover_id"]
                for one in await events(shop, "cover.ending", customer_id)
                if one["data"]["days"] == days
            ]
            assert sorted(told) == sorted(owned)
        ended = await events(shop, "cover.ended", customer_id)
        assert sorted(one["data"]["cover_id"] for one in ended) == sorted(owned)
        export = await shop.ok(await shop.get(f"/v1/customers/{customer_id}/export"))
        sequences = sorted(one["sequence"] for one in export["events"])
        assert sequences == list(range(1, len(sequences) + 1))
