"""Orders over HTTP: what is granted, what is not and why; natural keys; order of arrival does not matter."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from app.domain.orders.lines import place_of
from tests.conftest import MakeVendor
from tests.orders.builders import a_line, an_order, buy, may
from tests.support.api import Vendor


def code_of(answer: Any) -> str:
    return str(answer.json()["code"])


async def sidebar(vendor: Vendor, customer_id: str = "ann") -> dict[str, Any]:
    body: dict[str, Any] = await vendor.ok(await vendor.get(f"/v1/customers/{customer_id}"))
    return body


async def test_an_order_is_recorded_once_and_answers_the_same_again(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    first = await shop.put("/v1/orders/o-1", json=an_order("license-standard"))
    again = await shop.put("/v1/orders/o-1", json=an_order("license-standard"))
    other = await shop.put("/v1/orders/o-1", json=an_order("license-pro"))
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert code_of(other) == "order_conflict"
    body = first.json()
    assert [one["ends_at"] for one in body["covers"]] == ["2025-07-01T00:00:00Z"]
    assert body["notices"][0]["clause"] == "CACTU-13"
    assert "1 July 2025" in body["notices"][0]["text"]
    assert body["notices"][0]["ends_at"] == "2025-07-01T00:00:00Z"


async def test_what_is_spent_and_refunded_later_changes_no_answer_to_the_same_order(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    body = an_order(a_line("credits-60"), a_line("credits-120", line_id="2"))
    first = await shop.put("/v1/orders/o-1", json=body)
    await shop.ok(await shop.post("/v1/customers/ann/debits", json={"credits": 10}))
    refund = {"refund_id": "r-1", "lines": [{"line_id": "2", "quantity": 1}]}
    await shop.ok(await shop.post("/v1/orders/o-1/refunds", json=refund, key=None))
    again = await shop.put("/v1/orders/o-1", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["lots"] == first.json()["lots"]
    now = (await shop.get("/v1/orders/o-1")).json()["lots"]
    assert [(lot["spent"], lot["voided"]) for lot in now] == [(10, 0), (0, 120)]


async def test_the_same_order_in_other_words_is_the_same_order(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    first = await shop.put("/v1/orders/o-1", json=an_order(a_line("credits-60", unit_price="34.50")))
    again = await shop.put(
        "/v1/orders/o-1",
        json=an_order(a_line("credits-60", unit_price="34.5", list_price=None), placed_at="2025-01-01T01:00:00+01:00"),
    )
    assert (first.status_code, again.status_code) == (201, 200)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"placed_at": "2025-01-01T00:05:01Z"}, "placed_in_future"),
        ({"lines": [a_line("license"), a_line("license")]}, "duplicate_line"),
        ({"lines": [a_line("license", quantity=600), a_line("license", line_id="2", quantity=401)]}, "too_many_units"),
        ({"lines": []}, "invalid_input"),
        ({"placed_at": "2025-01-01T00:00:00"}, "invalid_input"),
        ({"lines": [a_line("license", quantity=0)]}, "invalid_input"),
        ({"lines": [a_line("license", unit_price="0.005")]}, "invalid_input"),
        ({"lines": [a_line("license", unit_price="-1.00")]}, "invalid_input"),
    ],
)
async def test_what_cannot_be_an_order_is_refused(vendor: MakeVendor, change: dict[str, Any], code: str) -> None:
    shop = await vendor("cs-cart")
    answer = await shop.put("/v1/orders/o-1", json={**an_order("license"), **change})
    assert (answer.status_code, code_of(answer)) == (422, code)
    assert (await shop.get("/v1/orders/o-1")).status_code == 404


async def test_a_shop_whose_clock_is_five_minutes_ahead_is_served(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await buy(shop, "license-standard", placed_at="2025-01-01T00:05:00Z")


async def test_only_validating_writes_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    answer = await shop.put("/v1/orders/o-1?validate_only=true", json=an_order("license-standard"))
    assert answer.status_code == 201
    assert answer.json()["covers"]
    assert (await shop.get("/v1/orders/o-1")).status_code == 404
    assert (await shop.get("/v1/customers/ann")).status_code == 404


async def test_all_5_an_unknown_sku_is_kept_and_the_rest_granted(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    body = await buy(shop, "license-standard", "mug", "credits-50")
    codes = {one["line_id"]: (one["code"], one["clause"]) for one in body["not_granted"]}
    assert codes == {"2": ("unknown_sku", "ALL-5"), "3": ("not_offered", "CACTU-9")}
    assert len(body["licenses"]) == 1
    unknown = next(one for one in body["not_granted"] if one["line_id"] == "2")
    assert unknown["reading"] is True


async def test_csc_20_credits_need_a_license_and_one_in_the_same_order_counts(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    without = await buy(shop, "credits-50", customer_id="bob")
    assert [(one["code"], one["clause"]) for one in without["not_granted"]] == [("no_license", "CSC-20")]
    assert without["lots"] == []
    together = await buy(shop, "credits-50", "license")
    assert [one["granted"] for one in together["lots"]] == [50]
    assert together["not_granted"] == []


async def test_a_pack_is_one_lot_a_line_with_the_price_paid(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    body = await buy(shop, a_line("credits-60", quantity=3, unit_price="30.00"), a_line("credits-120", line_id="2"))
    first, second = body["lots"]
    assert (first["granted"], first["cost"]) == (180, {"amount": "90.00", "currency": "USD"})
    assert (second["granted"], second["cost"]) == (120, {"amount": "68.50", "currency": "USD"})
    assert first["source"] == "purchase"


@pytest.mark.parametrize(
    ("prices", "granted"),
    [
        ({"list_price": "100.00", "unit_price": "80.00"}, True),
        ({"list_price": "100.00", "unit_price": "79.99"}, False),
        ({"list_price": "99.99", "unit_price": "79.99"}, True),  # 79.992, and no shop can take less than a cent off
        ({"list_price": "99.99", "unit_price": "79.98"}, False),
        ({"list_price": "199.99", "unit_price": "159.99"}, True),
        ({"list_price": "199.99", "unit_price": "159.98"}, False),
        ({"list_price": "0.49", "unit_price": "0.39"}, True),
        ({"list_price": "0.49", "unit_price": "0.38"}, False),
        ({"list_price": "0.00", "unit_price": "0.00"}, False),
        ({"list_price": "0.00"}, False),
        ({"list_price": "100.00", "unit_price": "120.00"}, True),
        ({"unit_price": "1.00"}, True),
        ({}, True),
    ],
)
async def test_ava_6_a_discount_over_20_percent_brings_no_credits(
    vendor: MakeVendor, prices: dict[str, str], granted: bool
) -> None:
    shop = await vendor("avactis")
    body = await buy(shop, a_line("license-owned", **prices))
    assert len(body["licenses"]) == 1
    assert [one["granted"] for one in body["lots"]] == ([200] if granted else [])
    refused = [(one["code"], one["clause"]) for one in body["not_granted"]]
    assert refused == ([] if granted else [("discount_over_limit", "AVA-6")])
    if prices.get("unit_price") == "79.99" and prices["list_price"] == "100.00":
        assert body["not_granted"][0]["facts"] == {"line.discount_percent": "20.01"}


async def test_ava_4_editions_bring_their_credits_and_levels(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    wanted = {
        "license-free": ([], []),
        "license-leased": ([50], [[1]]),
        "license-owned": ([200], []),
        "license-saas-basic": ([50], [[1]]),
        "license-saas-standard": ([200], [[1]]),
        "license-saas-professional": ([], [[1, 2]]),
    }
    for sku, (credits_, levels) in wanted.items():
        body = await buy(shop, sku, customer_id=sku)
        assert [one["granted"] for one in body["lots"]] == credits_, sku
        assert [one["levels"] for one in body["covers"]] == levels, sku
        assert all(one["ends_at"] is None and one["scope"] == "license" for one in body["covers"])
        assert all(one["expires_at"] == "2026-01-01T00:00:00Z" for one in body["lots"])


async def test_ava_4_a_level_ends_with_its_license(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    body = await buy(shop, "license-leased")
    license_id = body["licenses"][0]["license_id"]
    early = await shop.post(f"/v1/licenses/{license_id}/termination", json={"effective_at": "2024-12-31T00:00:00Z"})
    assert (early.status_code, code_of(early)) == (422, "before_placed")
    done = await shop.ok(
        await shop.post(f"/v1/licenses/{license_id}/termination", json={"effective_at": "2025-01-01T00:00:00Z"})
    )
    assert [one["state"] for one in done["covers"]] == ["ended"]
    twice = await shop.post(f"/v1/licenses/{license_id}/termination", json={"effective_at": "2025-02-01T00:00:00Z"})
    assert (twice.status_code, code_of(twice)) == (409, "license_ended")
    assert (await sidebar(shop))["balance"]["available"] == 50


@pytest.mark.parametrize(
    ("placed_at", "expires_at"),
    [("2024-02-29T10:00:00Z", "2026-02-28T10:00:00Z"), ("2024-03-31T23:59:59Z", "2026-03-31T23:59:59Z")],
)
async def test_xc_5_points_expire_two_years_after_purchase(vendor: MakeVendor, placed_at: str, expires_at: str) -> None:
    shop = await vendor("x-cart")
    body = await buy(shop, "credits-60", placed_at=placed_at)
    assert body["lots"][0]["expires_at"] == expires_at


async def test_a_lot_already_expired_on_arrival_is_granted_and_counted_expired(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    body = await buy(shop, "credits-60", placed_at="2022-01-01T00:00:00Z")
    assert (body["lots"][0]["granted"], body["lots"][0]["available"], body["lots"][0]["expired"]) == (60, 0, True)
    assert (await sidebar(shop))["balance"]["available"] == 0


async def test_xc_3_every_license_of_the_first_order_brings_points(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    first = await buy(shop, a_line("license", quantity=2), order_id="o-1")
    later = await buy(shop, "license", order_id="o-2")
    assert [one["granted"] for one in first["lots"]] == [60, 60]
    assert later["lots"] == []
    assert [one["ordinal"] for one in first["licenses"] + later["licenses"]] == [1, 2, 3]


# --- the first license ------------------------------------------------------------------------------------------------


async def test_csc_1_and_2_a_choice_for_the_first_and_20_for_each_further(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    body = await buy(shop, a_line("license", quantity=3))
    assert [one["options"] for one in body["choices"]] == [["credits", "cover"]]
    assert [one["granted"] for one in body["lots"]] == [20, 20]
    assert all(one["expires_at"] is None for one in body["lots"])


async def test_two_orders_at_once_make_one_first_license(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    answers = await asyncio.gather(*(shop.put(f"/v1/orders/race-{n}", json=an_order("license")) for n in range(6)))
    assert [one.status_code for one in answers] == [201] * 6
    summary = await sidebar(shop)
    assert sorted(one["ordinal"] for one in summary["licenses"]) == [1, 2, 3, 4, 5, 6]
    assert len(summary["choices"]) == 1
    assert summary["choices"][0]["order_id"] == "race-0"
    assert summary["balance"]["available"] == 100


async def test_the_same_order_ten_times_at_once_grants_once(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    answers = await asyncio.gather(
        *(shop.put("/v1/orders/same", json=an_order("license", customer_id=name)) for name in ["ann"] * 8 + ["bob"] * 2)
    )
    assert sorted(one.status_code for one in answers).count(201) == 1
    assert {one.status_code for one in answers} <= {200, 201, 409}


def projection(summary: dict[str, Any]) -> Any:
    """What must not depend on the order of arrival (decision 0007)."""
    return (
        sorted(
            (one["order_id"], one["line_id"], one["unit_no"], one["ordinal"], one["first_order"])
            for one in summary["licenses"]
        ),
        sorted(
            (one["order_id"], one["line_id"], one["rule"], one["available"], str(one["expires_at"]))
            for one in summary["lots"]
        ),
        sorted(
            (one["order_id"], one["rule"], one["state"], str(one["starts_at"]), str(one["ends_at"]))
            for one in summary["covers"]
            if one["state"] != "voided"
        ),
        sorted((one["order_id"], one["rule"]) for one in summary["choices"]),
        summary["balance"],
    )


CASES = {
    "cs-cart": [
        ("o-1", an_order("license", placed_at="2024-10-01T00:00:00Z")),
        ("o-2", an_order("license", "credits-50", placed_at="2024-11-01T00:00:00Z")),
        ("o-0", an_order("credits-25", placed_at="2024-11-01T00:00:00Z")),
        ("o-3", an_order(a_line("support-3-months", quantity=2), placed_at="2024-12-01T00:00:00Z")),
    ],
    "x-cart": [
        ("o-1", an_order(a_line("license", quantity=2), placed_at="2024-10-01T00:00:00Z")),
        ("o-2", an_order("license", placed_at="2024-11-01T00:00:00Z")),
        ("o-0", an_order("license", placed_at="2024-11-01T00:00:00Z")),
    ],
    "cactushop": [
        ("o-1", an_order("license-standard", placed_at="2023-12-31T00:00:00Z")),
        ("o-2", an_order("support-12-months", placed_at="2024-05-01T00:00:00Z")),
        ("o-3", an_order(a_line("support-12-months", quantity=2), placed_at="2024-09-01T00:00:00Z")),
        ("o-4", an_order("license-pro", placed_at="2024-12-01T00:00:00Z")),
    ],
}


@pytest.mark.parametrize("policy", CASES)
async def test_the_order_of_arrival_does_not_matter(vendor: MakeVendor, policy: str) -> None:
    found = set()
    for arrival in itertools.permutations(CASES[policy]):
        shop = await vendor(policy)
        for order_id, body in arrival:
            assert (await shop.put(f"/v1/orders/{order_id}", json=body)).status_code == 201
        found.add(repr(projection(await sidebar(shop))))
    assert len(found) == 1, "\n".join(sorted(found))


def test_lines_stand_in_the_order_in_which_shops_number_them() -> None:
    wanted = ["", "01", "1", "2", "2-a", "10", "99", "100", "l", "l-2", "l-10", "l-10.9", "l-10.10"]
    shuffled = wanted[1::2] + wanted[::-2]
    assert sorted(shuffled, key=place_of) == wanted


@pytest.mark.parametrize("order", [("2", "10", "9"), ("10", "9", "2")])
async def test_line_2_is_spent_before_line_10_however_they_are_listed(
    vendor: MakeVendor, order: tuple[str, ...]
) -> None:
    shop = await vendor("x-cart")
    sold = await buy(shop, *(a_line("credits-60", line_id=one, unit_price="60.00") for one in order), order_id="o-1")
    line_of = {one["lot_id"]: one["line_id"] for one in sold["lots"]}
    made = await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 150}), 201)
    assert [(line_of[one["lot_id"]], one["credits"]) for one in made["lots"]] == [("2", 60), ("9", 60), ("10", 30)]


async def test_the_license_of_line_2_is_the_first_before_that_of_line_10(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    sold = await buy(shop, a_line("license", line_id="10"), a_line("license", line_id="2"))
    assert {one["line_id"]: one["ordinal"] for one in sold["licenses"]} == {"2": 1, "10": 2}
    assert [one["line_id"] for one in sold["choices"]] == ["2"]


async def test_a_touched_grant_of_the_wrong_class_stays_and_is_reported(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    late = await buy(shop, "license", order_id="late", placed_at="2024-12-01T00:00:00Z")
    choice_id = late["choices"][0]["choice_id"]
    await shop.ok(await shop.post(f"/v1/customers/ann/choices/{choice_id}", json={"option": "credits"}))
    await buy(shop, "license", order_id="early", placed_at="2024-11-01T00:00:00Z")
    summary = await sidebar(shop)
    assert {one["order_id"]: one["ordinal"] for one in summary["licenses"]} == {"early": 1, "late": 2}
    assert [one["order_id"] for one in summary["choices"]] == ["early"]
    export = await shop.ok(await shop.get("/v1/customers/ann/export"))
    reviews = [one["data"] for one in export["events"] if one["type"] == "grant_review"]
    assert [(one["kind"], one["subject"]) for one in reviews] == [("choice", choice_id)]


async def test_an_untouched_lot_of_the_wrong_class_is_voided(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "license", order_id="late", placed_at="2024-12-01T00:00:00Z")
    body = await buy(shop, "license", order_id="early", placed_at="2024-11-01T00:00:00Z")
    assert [one["granted"] for one in body["lots"]] == [60]
    assert (await sidebar(shop))["balance"]["available"] == 60
    assert (await shop.ok(await shop.get("/v1/orders/late")))["lots"][0]["available"] == 0


async def test_a_lot_that_was_spent_from_stays(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "license", order_id="late", placed_at="2024-12-01T00:00:00Z")
    await shop.ok(await shop.post("/v1/customers/ann/debits", json={"credits": 10}))
    await buy(shop, "license", order_id="early", placed_at="2024-11-01T00:00:00Z")
    assert (await sidebar(shop))["balance"]["available"] == 110


# --- choices ----------------------------------------------------------------------------------------------------------


async def test_csc_1_a_choice_is_made_once(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    choice_id = (await buy(shop, "license"))["choices"][0]["choice_id"]
    path = f"/v1/customers/ann/choices/{choice_id}"
    listed = await shop.ok(await shop.get("/v1/customers/ann/choices"))
    assert listed["data"][0]["options"] == ["credits", "cover"]
    assert code_of(await shop.post(path, json={"option": "credits"}, key=None)) == "idempotency_key_missing"
    assert code_of(await shop.post(path, json={"option": "gold"})) == "unknown_option"
    assert (await shop.post("/v1/customers/ann/choices/cho_none", json={"option": "credits"})).status_code == 404
    first = await shop.post(path, json={"option": "credits"}, key="k-1")
    again = await shop.post(path, json={"option": "credits"}, key="k-1")
    twice = await shop.post(path, json={"option": "cover"})
    assert (first.status_code, again.status_code, twice.status_code) == (200, 200, 409)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert code_of(twice) == "choice_made"
    assert first.json()["lots"][0]["granted"] == 40
    assert (await sidebar(shop))["balance"]["available"] == 40
    assert (await shop.ok(await shop.get("/v1/customers/ann/choices")))["data"] == []


async def test_of_two_choices_at_once_one_wins(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    choice_id = (await buy(shop, "license"))["choices"][0]["choice_id"]
    answers = await asyncio.gather(
        *(
            shop.post(f"/v1/customers/ann/choices/{choice_id}", json={"option": option})
            for option in ("credits", "cover", "credits", "cover")
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    summary = await sidebar(shop)
    assert (summary["balance"]["available"] == 40) != (len(summary["covers"]) == 1)


# --- refunds ----------------------------------------------------------------------------------------------------------


async def test_ava_14_a_refunded_order_takes_back_what_is_unspent(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await buy(shop, "license-leased", order_id="o-1")
    refund = {"refund_id": "r-1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "unhappy"}
    done = await shop.post("/v1/orders/o-1/refunds", json=refund, key=None)
    again = await shop.post("/v1/orders/o-1/refunds", json=refund, key=None)
    other = await shop.post("/v1/orders/o-1/refunds", json={**refund, "reason": "other"}, key=None)
    assert (done.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert done.json() == again.json()
    body = done.json()
    assert (body["within_guarantee"], body["clause"], body["reading"]) == (True, "AVA-14", True)
    assert {one["kind"] for one in body["taken_back"]} == {"credits", "license", "cover"}
    assert body["not_taken_back"] == []
    summary = await sidebar(shop)
    assert summary["balance"]["available"] == 0
    assert [one["ended_reason"] for one in summary["licenses"]] == ["refunded"]
    more = await shop.post(
        "/v1/orders/o-1/refunds", json={"refund_id": "r-2", "lines": [{"line_id": "1", "quantity": 1}]}
    )
    assert (more.status_code, code_of(more)) == (422, "order_over_refund")
    await shop.move_clock("2025-01-31T00:00:00Z")
    await buy(shop, "license-leased", order_id="o-2", customer_id="bob")
    late = await shop.ok(await shop.post("/v1/orders/o-2/refunds", json={"refund_id": "r-1"}), 201)
    assert late["within_guarantee"] is False


async def test_a_part_of_a_pack_is_refunded(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, a_line("credits-60", quantity=3), order_id="o-1")
    for refund_id, quantity, left in (("r-1", 1, 120), ("r-2", 2, 0)):
        body = {"refund_id": refund_id, "lines": [{"line_id": "1", "quantity": quantity}]}
        await shop.ok(await shop.post("/v1/orders/o-1/refunds", json=body), 201)
        assert (await sidebar(shop))["balance"]["available"] == left
    assert (await shop.post("/v1/orders/none/refunds", json={"refund_id": "r"})).status_code == 404
    unknown = await shop.post("/v1/orders/o-1/refunds", json={"refund_id": "r-3", "lines": [{"line_id": "9"}]})
    assert code_of(unknown) == "line_not_found"


async def test_an_open_choice_goes_with_its_refunded_license(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    choice_id = (await buy(shop, "license", order_id="o-1"))["choices"][0]["choice_id"]
    await shop.ok(await shop.post("/v1/orders/o-1/refunds", json={"refund_id": "r-1"}), 201)
    answer = await shop.post(f"/v1/customers/ann/choices/{choice_id}", json={"option": "credits"})
    assert code_of(answer) == "choice_voided"
    assert (await may(shop, "open_ticket"))["reasons"][0]["code"] == "no_license"


async def test_c16_of_stacked_periods_the_newest_unstarted_goes_first(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    first = await buy(shop, "support-12-months", order_id="o-1")
    second = await buy(shop, "support-12-months", order_id="o-2")
    assert second["covers"][0]["starts_at"] == first["covers"][0]["ends_at"] == "2026-01-01T00:00:00Z"
    await shop.move_clock("2025-06-01T00:00:00Z")
    done = await shop.ok(await shop.post("/v1/orders/o-1/refunds", json={"refund_id": "r-1"}), 201)
    assert [(one["cover_id"], one["state"]) for one in done["taken_back"]] == [
        (second["covers"][0]["cover_id"], "voided")
    ]
    assert (await may(shop, "download"))["allowed"] is True
    await shop.ok(await shop.post("/v1/orders/o-2/refunds", json={"refund_id": "r-1"}), 201)
    assert (await may(shop, "download"))["allowed"] is False


async def test_a_period_that_ran_out_is_reported_under_the_line_that_bought_it(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    sold = await buy(shop, "support-12-months", "support-12-months", order_id="o-1")
    covers = {one["line_id"]: one for one in sold["covers"]}
    assert covers["2"]["starts_at"] == covers["1"]["ends_at"]
    await shop.move_clock("2028-01-01T00:00:00Z")
    for line_id in ("2", "1"):
        body = {"refund_id": f"r-{line_id}", "lines": [{"line_id": line_id, "quantity": 1}]}
        done = await shop.ok(await shop.post("/v1/orders/o-1/refunds", json=body), 201)
        assert done["taken_back"] == []
        assert [(one["line_id"], one["cover_id"], one["state"]) for one in done["not_taken_back"]] == [
            (line_id, covers[line_id]["cover_id"], "ended")
        ]


async def test_an_upgrade_ends_the_license_it_replaces(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    old = (await buy(shop, "license-free", order_id="o-1"))["licenses"][0]["license_id"]
    await buy(shop, a_line("license-owned", attributes={"upgrades": old}), order_id="o-2")
    summary = await sidebar(shop)
    assert [one["ended_reason"] for one in summary["licenses"]] == ["upgraded", None]
    assert summary["balance"]["available"] == 200


async def test_shopp_add_ons_are_named(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    body = await buy(shop, a_line("addon", attributes={"addon": "fedex"}), a_line("addon", line_id="2"))
    assert [one["addon"] for one in body["addons"]] == ["fedex"]
    assert [(one["line_id"], one["code"]) for one in body["not_granted"]] == [("2", "addon_not_named")]


async def test_a_thousand_licenses_in_one_order(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    body = await buy(shop, a_line("license", quantity=1000))
    assert len(body["licenses"]) == 1000
    assert len(body["lots"]) == 999
