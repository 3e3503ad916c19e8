"""CactuShop: cover by time. Each test is named by the clause it keeps."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.steps import a_ticket, an_order, codes, entitled, events, problem, reason

POLICY = "cactushop"
START = "2025-01-15T10:00:00Z"
END = "2025-07-15T10:00:00Z"


async def test_cactu_1_a_new_licence_brings_six_months_from_the_order_date(vendor: Any) -> None:
    """A new licence brings six calendar months of support from the order date."""
    shop = await vendor(POLICY, now="2025-08-31T12:00:00Z")
    order = await an_order(shop, "o1", "anna", "2025-08-31T12:00:00Z", "license-standard")
    (cover,) = order["covers"]
    assert cover["starts_at"] == "2025-08-31T12:00:00Z"
    assert cover["ends_at"] == "2026-02-28T12:00:00Z", "a day that February lacks becomes its last"
    assert cover["clause"] == "CACTU-1"
    assert cover["reading"] is True


async def test_cactu_1_the_last_second_of_six_months_is_covered_and_the_next_is_not(vendor: Any) -> None:
    """The end is exclusive: one second before it is covered, the instant itself is not."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-standard")
    await shop.move_clock("2025-07-15T09:59:59Z")
    assert (await entitled(shop, "anna", "open_ticket"))["allowed"] is True
    await shop.move_clock(END)
    assert (await entitled(shop, "anna", "open_ticket"))["allowed"] is False


async def test_cactu_2_support_ordered_separately_lasts_twelve_months(vendor: Any) -> None:
    """Support ordered separately lasts 12 months."""
    shop = await vendor(POLICY, now="2024-02-29T00:00:00Z")
    order = await an_order(shop, "o1", "anna", "2024-02-29T00:00:00Z", "support-12-months")
    (cover,) = order["covers"]
    assert (cover["starts_at"], cover["ends_at"]) == ("2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z")
    assert cover["clause"] == "CACTU-2"


async def test_cactu_3_one_cover_answers_three_checks(vendor: Any) -> None:
    """Cover gives the ticket system, the user area and the latest downloads."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-pro")
    for action in ("open_ticket", "user_area", "download"):
        decision = await entitled(shop, "anna", action)
        assert decision["allowed"] is True
        assert decision["policy"] == {"name": POLICY, "version": 1}
    assert (await a_ticket(shop, "T-1", "anna"))["state"] == "in_progress"


async def test_cactu_3_tickets_come_through_the_ticket_system_only(vendor: Any) -> None:
    """Another channel named is refused, as a reading; a channel that is not named is not judged."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-pro")
    for number, channel in enumerate(("email", "phone", "forum", "contact_form")):
        ticket = await a_ticket(shop, f"T-{number}", "anna", channel=channel)
        assert (ticket["state"], codes(ticket)) == ("rejected", ["wrong_channel"])
        why = reason(ticket, "wrong_channel")
        assert (why["clause"], why["reading"]) == ("CACTU-3", True)
    assert (await a_ticket(shop, "T-9", "anna", channel=None))["state"] == "in_progress"


async def test_cactu_4_after_cover_the_latest_version_is_not_sent(vendor: Any) -> None:
    """After cover neither the cart nor its editor is sent: since when, and the remedy with its price."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-standard")
    await shop.move_clock("2025-07-16T00:00:00Z")
    for product in (None, "cart", "cem"):
        decision = await entitled(shop, "anna", "download", product=product)
        assert decision["allowed"] is False
        assert decision["at"] == "2025-07-16T00:00:00Z"
        why = reason(decision, "cover_expired")
        assert why["clause"] == "CACTU-4"
        assert why["facts"]["ended_at"] == END
        assert "15 July 2025" in why["message"]
        assert decision["remedies"][0] == {
            "kind": "buy",
            "sku": "support-12-months",
            "price": {"amount": "210.00", "currency": "USD"},
        }


async def _denied_for(vendor: Any, asked: str, clause: str, **query: Any) -> None:
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-standard")
    await shop.move_clock("2025-07-16T00:00:00Z")
    decision = await entitled(shop, "anna", "download", reason=asked, **query)
    assert decision["allowed"] is False
    assert reason(decision, "cover_expired")["clause"] == clause
    assert decision["remedies"][0]["sku"] == "support-12-months"
    during = await vendor(POLICY, now=START)
    await an_order(during, "o1", "anna", START, "license-standard")
    assert (await entitled(during, "anna", "download", reason=asked, **query))["allowed"] is True, (
        "the reason picks the clause, never the answer"
    )


async def test_cactu_5_a_lost_copy_is_not_replaced_even_the_version_once_supplied(vendor: Any) -> None:
    """A lost copy is not replaced after cover, although the release predates the expiry."""
    await _denied_for(vendor, "lost_copy", "CACTU-5", released_at="2025-02-01T00:00:00Z")


async def test_cactu_6_a_broken_modified_copy_is_not_resent(vendor: Any) -> None:
    """A broken, modified copy is not resent after cover."""
    await _denied_for(vendor, "modified_copy", "CACTU-6")


async def test_cactu_7_not_having_downloaded_in_time_changes_nothing(vendor: Any) -> None:
    """Not having downloaded in time changes nothing."""
    await _denied_for(vendor, "not_downloaded", "CACTU-7")


async def test_cactu_8_never_having_used_it_changes_nothing(vendor: Any) -> None:
    """Cover runs from the purchase, not from first use; there is no reset and no free extension."""
    await _denied_for(vendor, "never_used", "CACTU-8")
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "anna", START, "license-standard")
    cover = order["covers"][0]["cover_id"]
    body = problem(
        await shop.post(f"/v1/covers/{cover}/extension", {"months": 6, "reason": "never used"}),
        409,
        "no_free_extension",
    )
    assert reason(body, "no_free_extension")["clause"] == "CACTU-8"
    assert reason(body, "no_free_extension")["reading"] is False, "the text says so itself"
    await shop.move_clock("2025-07-14T00:00:00Z")
    await a_ticket(shop, "T-1", "anna")
    summary = await shop.ok(await shop.get("/v1/customers/anna"), 200)
    assert summary["covers"][0]["ends_at"] == END, "the first use moves nothing"


async def test_cactu_9_no_support_per_issue_and_no_credits(vendor: Any) -> None:
    """The denial never offers a per-ticket price; a credit purchase is refused not_offered."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-standard")
    await shop.move_clock("2025-08-01T00:00:00Z")
    ticket = await a_ticket(shop, "T-1", "anna")
    assert ticket["state"] == "rejected"
    assert {one["sku"] for one in ticket["remedies"] if one["kind"] == "buy"} == {"support-12-months"}
    order = await an_order(shop, "o2", "anna", "2025-08-01T00:00:00Z", "credits-100")
    assert order["lots"] == []
    (refused,) = order["not_granted"]
    assert (refused["line_id"], refused["code"], refused["clause"]) == ("1", "not_offered", "CACTU-9")
    offers = await shop.ok(await shop.get("/v1/offers", customer_id="anna"), 200)
    assert not [one for one in offers["data"] if one["sku"].startswith("credits")]


async def test_cactu_10_the_price_follows_the_edition_and_pro_wins(vendor: Any) -> None:
    """210 a year for standard, 420 for pro; with both editions the pro price."""
    shop = await vendor(POLICY, now=START)

    async def price(customer: str) -> str:
        offers = await shop.ok(await shop.get("/v1/offers", customer_id=customer), 200)
        found: dict[str, Any] = next(one for one in offers["data"] if one["sku"] == "support-12-months")
        return str(found["price"]["amount"])

    await an_order(shop, "o1", "anna", START, "license-standard")
    assert await price("anna") == "210.00"
    await an_order(shop, "o2", "bea", START, "license-pro")
    assert await price("bea") == "420.00"
    await an_order(shop, "o3", "anna", START, "license-pro")
    assert await price("anna") == "420.00"
    await shop.move_clock("2025-08-01T00:00:00Z")
    denied = await entitled(shop, "anna", "open_ticket")
    assert denied["remedies"][0]["price"]["amount"] == "420.00"


async def test_cactu_11_one_support_purchase_covers_all_licences_on_the_account(vendor: Any) -> None:
    """A check for any licence of the account is allowed under bought support."""
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "anna", START, {"sku": "license-standard", "quantity": 2}, "license-pro")
    licenses = [one["license_id"] for one in order["licenses"]]
    assert len(licenses) == 3
    await shop.move_clock("2025-08-01T00:00:00Z")
    for one in licenses:
        assert (await entitled(shop, "anna", "download", license_id=one))["allowed"] is False
    await an_order(shop, "o2", "anna", "2025-08-01T00:00:00Z", "support-12-months")
    for one in licenses:
        assert (await entitled(shop, "anna", "download", license_id=one))["allowed"] is True


async def test_cactu_12_the_user_area_is_open_only_during_cover(vendor: Any) -> None:
    """The user area is denied outside cover."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-standard")
    assert (await entitled(shop, "anna", "user_area"))["allowed"] is True
    await shop.move_clock(END)
    denied = await entitled(shop, "anna", "user_area")
    assert denied["allowed"] is False
    assert reason(denied, "cover_expired")["clause"] == "CACTU-12"


async def test_cactu_13_the_order_says_how_long_and_urges_a_backup_and_reminders_follow(vendor: Any) -> None:
    """The order's answer and its event carry the end and the advice; events come 30, 7 and 1 days before the end."""
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "anna", START, "license-standard")
    assert order["notices"], "the notice of the delivery e-mail"
    notice = next(one for one in order["notices"] if one["clause"] == "CACTU-13")
    assert "15 July 2025" in notice["text"]
    assert "backup" in notice["text"].lower() or "back up" in notice["text"].lower()
    assert "install" in notice["text"].lower()
    assert "customise" in notice["text"].lower()
    granted = await events(shop, "cover.granted")
    assert granted
    assert granted[0]["data"]["ends_at"] == END
    await shop.move_clock("2025-07-20T00:00:00Z")
    ending = [one["occurred_at"] for one in await events(shop, "cover.ending")]
    assert ending == ["2025-06-15T10:00:00Z", "2025-07-08T10:00:00Z", "2025-07-14T10:00:00Z"]
    (ended,) = await events(shop, "cover.ended")
    assert ended["occurred_at"] == END


async def test_cactu_14_a_gap_stays_a_gap(vendor: Any) -> None:
    """An order after the gap opens cover from its own date."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-standard")
    await shop.move_clock("2025-09-01T00:00:00Z")
    order = await an_order(shop, "o2", "anna", "2025-09-01T00:00:00Z", "support-12-months")
    (cover,) = order["covers"]
    assert (cover["starts_at"], cover["ends_at"]) == ("2025-09-01T00:00:00Z", "2026-09-01T00:00:00Z")
    gap = await shop.get("/v1/customers/anna/entitlements/open_ticket", as_of="2025-08-01T00:00:00Z")
    assert (await shop.ok(gap, 200))["allowed"] is False


async def test_cactu_14_support_bought_during_cover_extends_from_the_end(vendor: Any) -> None:
    """A support order during cover extends from the end; two of them one after the other."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-standard")
    await shop.move_clock("2025-03-01T00:00:00Z")
    first = await an_order(shop, "o2", "anna", "2025-03-01T00:00:00Z", "support-12-months")
    assert (first["covers"][0]["starts_at"], first["covers"][0]["ends_at"]) == (END, "2026-07-15T10:00:00Z")
    second = await an_order(shop, "o3", "anna", "2025-03-01T00:00:00Z", "support-12-months")
    assert second["covers"][0]["starts_at"] == "2026-07-15T10:00:00Z"
    assert second["covers"][0]["ends_at"] == "2027-07-15T10:00:00Z"


async def test_cactu_14_support_begins_at_once_where_a_license_is_uncovered_and_serves_all(vendor: Any) -> None:
    """At once where an active license is without cover, for its whole term, for all; another's months run beside."""
    shop = await vendor(POLICY, now="2025-09-01T00:00:00Z")
    first = await an_order(shop, "o1", "anna", "2025-02-01T00:00:00Z", "license-standard")
    second = await an_order(shop, "o2", "anna", "2025-08-01T00:00:00Z", "license-standard")
    old, new = first["licenses"][0]["license_id"], second["licenses"][0]["license_id"]
    assert (await entitled(shop, "anna", "download", license_id=old))["allowed"] is False
    order = await an_order(shop, "o3", "anna", "2025-09-01T00:00:00Z", "support-12-months")
    (cover,) = order["covers"]
    assert (cover["starts_at"], cover["ends_at"]) == ("2025-09-01T00:00:00Z", "2026-09-01T00:00:00Z")
    await shop.move_clock("2026-08-31T23:59:59Z")
    for license_id in (old, new, None):
        assert (await entitled(shop, "anna", "download", license_id=license_id))["allowed"] is True
    await shop.move_clock("2026-09-01T00:00:00Z")
    for license_id in (old, new, None):
        assert (await entitled(shop, "anna", "download", license_id=license_id))["allowed"] is False


async def test_cactu_14_support_begins_at_the_first_end_among_the_licenses(vendor: Any) -> None:
    """While all are covered it begins at the earliest end; a license's months are not added to it."""
    shop = await vendor(POLICY, now="2025-06-01T00:00:00Z")
    await an_order(shop, "o1", "anna", "2025-02-01T00:00:00Z", "license-standard")
    await an_order(shop, "o2", "anna", "2025-05-01T00:00:00Z", "license-standard")
    order = await an_order(shop, "o3", "anna", "2025-06-01T00:00:00Z", "support-12-months")
    (cover,) = order["covers"]
    assert (cover["starts_at"], cover["ends_at"]) == ("2025-08-01T00:00:00Z", "2026-08-01T00:00:00Z")


async def test_cactu_14_a_license_serves_itself_and_a_check_without_license_passes_on_any_cover(vendor: Any) -> None:
    """A license's six months serve that license; a check without license_id passes on any cover."""
    shop = await vendor(POLICY, now=START)
    first = await an_order(shop, "o1", "anna", START, "license-standard")
    await shop.move_clock("2025-06-01T00:00:00Z")
    second = await an_order(shop, "o2", "anna", "2025-06-01T00:00:00Z", "license-standard")
    assert second["covers"][0]["starts_at"] == "2025-06-01T00:00:00Z"
    await shop.move_clock("2025-08-01T00:00:00Z")
    old, new = first["licenses"][0]["license_id"], second["licenses"][0]["license_id"]
    assert (await entitled(shop, "anna", "download", license_id=old))["allowed"] is False
    assert (await entitled(shop, "anna", "download", license_id=new))["allowed"] is True
    assert (await entitled(shop, "anna", "download"))["allowed"] is True


async def test_cactu_15_an_accepted_ticket_is_served_to_its_end_and_reopening_asks_again(vendor: Any) -> None:
    """Cover is checked when a ticket is opened or reopened; an accepted ticket is served to its end."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "anna", START, "license-standard")
    await shop.move_clock("2025-07-15T09:00:00Z")
    assert (await a_ticket(shop, "T-1", "anna"))["state"] == "in_progress"
    await shop.move_clock("2025-07-20T00:00:00Z")
    await shop.ok(await shop.post("/v1/tickets/T-1/responses", {"author": "vendor", "kind": "service", "public": True}))
    resolved = await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {"outcome": "answered"}), 200)
    assert resolved["state"] == "resolved"
    refused = await shop.post("/v1/tickets/T-1/reopening")
    assert refused.status_code == 409
    assert "cover_expired" in codes(refused.json())


async def test_cactu_1_two_identical_orders_at_once_open_one_cover(vendor: Any) -> None:
    """The same order sent twice at once opens one cover."""
    shop = await vendor(POLICY, now=START)
    body = {
        "customer_id": "anna",
        "placed_at": START,
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license-standard", "quantity": 1}],
    }
    answers = await asyncio.gather(*(shop.put("/v1/orders/o1", body) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [200] * 5 + [201]
    assert all(one.json() == answers[0].json() for one in answers)
    summary = await shop.ok(await shop.get("/v1/customers/anna"), 200)
    assert len(summary["covers"]) == 1
